"""Imports go down one ladder, and the check that says so can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from project import ROOT, ladder, pyproject


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts of ``pyproject.toml`` on the package that lies in ``folder``."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    arguments = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONUTF8": "1"}
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def modules_named() -> list[str]:
    """The single modules that a contract names, such as ``samechild.linkage.reference``."""
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    keys = ("source_modules", "forbidden_modules", "protected_modules")
    named = [name for contract in contracts for key in keys for name in contract.get(key, [])]
    return [name for name in named if name.startswith("samechild.") and name.count(".") > 1]


def a_package(folder: Path, **contents: str) -> Path:
    """A package with samechild's rooms, empty but for the given lines."""
    package = folder / "samechild"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for room in ladder():
        (package / room).mkdir()
        (package / room / "__init__.py").write_text(contents.get(room, ""))
    for module in modules_named():
        (folder / module.replace(".", "/")).with_suffix(".py").touch()
    return folder


def test_import_contracts_hold() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_empty_rooms_pass(tmp_path: Path) -> None:
    checked = lint_imports(a_package(tmp_path))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_import_upwards_is_noticed(tmp_path: Path) -> None:
    checked = lint_imports(a_package(tmp_path, identifiers="import samechild.linkage"))
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "samechild.identifiers is not allowed to import samechild.linkage" in checked.stdout


def test_a_database_in_a_thinking_room_is_noticed(tmp_path: Path) -> None:
    checked = lint_imports(a_package(tmp_path, demographics="import duckdb"))
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "samechild.demographics is not allowed to import duckdb" in checked.stdout


def test_a_door_that_opens_the_vaults_is_noticed(tmp_path: Path) -> None:
    checked = lint_imports(a_package(tmp_path, web="import samechild.storage.vaults"))
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "samechild.web -> samechild.storage.vaults" in checked.stdout


def test_a_decision_that_asks_a_database_is_noticed(tmp_path: Path) -> None:
    folder = a_package(tmp_path)
    (folder / "samechild" / "policy" / "decide.py").write_text("import samechild.storage")
    assert lint_imports(folder).returncode == 1


def test_a_fast_path_in_the_reference_is_noticed_through_another_module(tmp_path: Path) -> None:
    folder = a_package(tmp_path)
    (folder / "samechild" / "linkage" / "reference.py").write_text("import samechild.linkage.likeness")
    (folder / "samechild" / "linkage" / "likeness.py").write_text("import samechild.linkage.scoring")
    checked = lint_imports(folder)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "samechild.linkage.reference is not allowed to import samechild.linkage.scoring" in checked.stdout


def test_a_new_room_outside_the_ladder_is_noticed(tmp_path: Path) -> None:
    folder = a_package(tmp_path)
    (folder / "samechild" / "extras").mkdir()
    (folder / "samechild" / "extras" / "__init__.py").write_text("")
    assert lint_imports(folder).returncode == 1
