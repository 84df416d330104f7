"""The package for machines without internet installs, and refuses what it should refuse."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from offline import INSTALLER, add_installer, write_zip

HERE = "{}.{}".format(*sys.version_info[:2])
PLATFORM = "win_amd64" if sys.platform == "win32" else "linux_x86_64"


def a_wheel(folder: Path) -> Path:
    """A wheel called samechild that holds one command and nothing else."""
    contents = {
        "samechild/__init__.py": "def main():\n    print('it runs')\n",
        "samechild-0.1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: samechild\nVersion: 0.1.0\n",
        "samechild-0.1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "samechild-0.1.0.dist-info/entry_points.txt": "[console_scripts]\nsamechild = samechild:main\n",
    }
    contents["samechild-0.1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in contents)
    wheel = folder / "samechild-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in contents.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return wheel


def a_package(folder: Path, pythons: tuple[str, ...] = (HERE,), platform: str = PLATFORM) -> Path:
    """An extracted offline package that holds nothing but the small wheel."""
    (folder / "wheels").mkdir(parents=True)
    digest = hashlib.sha256(a_wheel(folder / "wheels").read_bytes()).hexdigest()
    for python in pythons:
        (folder / f"requirements-{python}.txt").write_text(f"samechild==0.1.0 --hash=sha256:{digest}\n")
    add_installer(folder, "0.1.0", platform, pythons)
    return folder


def install(package: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Run the package's installer."""
    command = [sys.executable, str(package / "install.py"), "--to", str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_installs_without_an_index_and_again_over_itself(tmp_path: Path) -> None:
    package = a_package(tmp_path / "package with a space")
    target = tmp_path / "installed here"
    for _ in range(2):
        done = install(package, target)
        assert done.returncode == 0, done.stdout + done.stderr
    command = target / ("Scripts/samechild.exe" if sys.platform == "win32" else "bin/samechild")
    assert subprocess.run([command], capture_output=True, text=True, check=True).stdout == "it runs\n"
    assert f'"{command}" demo' in done.stdout


def test_damage_and_missing_files_are_noticed_before_anything_is_written(tmp_path: Path) -> None:
    package = a_package(tmp_path / "package")
    wheel = next((package / "wheels").iterdir())
    wheel.write_bytes(wheel.read_bytes() + b"x")
    damaged = install(package, tmp_path / "target")
    wheel.unlink()
    missing = install(package, tmp_path / "target")
    assert (damaged.returncode, missing.returncode) == (1, 1)
    assert "is damaged" in damaged.stderr
    assert "Extract the whole zip first" in missing.stderr
    assert not (tmp_path / "target").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "documents"
    target.mkdir()
    (target / "letter.txt").write_text("mine")
    refused = install(a_package(tmp_path / "package"), target)
    assert refused.returncode == 1
    assert "choose another folder" in refused.stderr
    assert [path.name for path in target.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("pythons", "platform", "said"),
    [
        (("2.7",), PLATFORM, "the package is for Python 2.7"),
        ((HERE,), "linux_x86_64" if sys.platform == "win32" else "win_amd64", "take the other zip"),
    ],
)
def test_the_wrong_machine_gets_a_sentence(tmp_path: Path, pythons: tuple[str, ...], platform: str, said: str) -> None:
    refused = install(a_package(tmp_path / "package", pythons, platform), tmp_path / "target")
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("platform", "starters"), [("win_amd64", {"install.cmd", "install.ps1"}), ("linux_x86_64", {"install.sh"})]
)
def test_each_platform_gets_its_starters_filled_in(tmp_path: Path, platform: str, starters: set[str]) -> None:
    package = a_package(tmp_path / "package", ("3.11", "3.12"), platform)
    present = {path.name for path in package.iterdir() if path.name.startswith("install.")}
    assert present == {*starters, "install.py"}
    for name in [*starters, "README.txt"]:
        written = (package / name).read_bytes()
        assert b"@" not in written.replace(b"@args", b"").replace(b"$@", b"").replace(b"@echo", b"")
        assert b"3.12 3.11" in written
        assert (b"\r\n" in written) == (not name.endswith(".sh"))
    assert json.loads((package / "package.json").read_text())["pythons"] == ["3.11", "3.12"]


def test_the_same_contents_make_the_same_zip(tmp_path: Path) -> None:
    first, second = (
        write_zip(a_package(tmp_path / turn / "package"), tmp_path / turn / "package.zip") for turn in ("a", "b")
    )
    with zipfile.ZipFile(first) as archive:
        assert all(name.startswith("package/") for name in archive.namelist())
    assert first.read_bytes() == second.read_bytes()
    (tmp_path / "b" / "package" / "README.txt").write_text("another")
    assert first.read_bytes() != write_zip(tmp_path / "b" / "package", second).read_bytes()


def test_the_installer_is_understood_by_an_old_python() -> None:
    ast.parse((INSTALLER / "install.py").read_text(encoding="utf-8"), feature_version=(3, 7))
