"""Every dependency installs on Windows without a compiler, and each is justified in a line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from locked import PLATFORMS, Needs, Package, Wheel, best_wheel, constraints, read_lock, runtime
from project import ROOT

PYTHONS = ["3.11", "3.12", "3.13"]


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_locked_with_a_wheel(platform: str, python: str) -> None:
    packages = runtime(read_lock(), platform, python)
    assert {"pyarrow", "duckdb", "scipy"} <= {package.name for package in packages}
    assert [package.name for package in packages if best_wheel(package, platform, python) is None] == []


def test_a_package_without_a_wheel_is_noticed() -> None:
    spark = next(package for package in read_lock() if package.name == "pyspark")
    assert best_wheel(spark, "win_amd64", "3.11") is None


def test_the_right_wheel_is_chosen() -> None:
    names = ["a-1-cp312-cp312-win_amd64.whl", "a-1-cp310-abi3-win_amd64.whl", "a-1-py3-none-any.whl"]
    package = Package("a", "1", (), tuple(Wheel(name, "") for name in names), (), {})
    chosen = [
        best_wheel(package, *where)
        for where in [("win_amd64", "3.11"), ("win_amd64", "3.12"), ("linux_x86_64", "3.11")]
    ]
    assert [wheel and wheel.filename for wheel in chosen] == [names[1], names[0], names[2]]


def test_what_only_windows_needs_is_packed_for_windows() -> None:
    needs = (Needs("colours", None, (), "sys_platform == 'win32'"), Needs("numbers", "2", ("fast",), None))
    packages = [
        Package("samechild", "0", (), (), needs, {}),
        Package("colours", "1", (), (), (), {}),
        Package("numbers", "1", (), (), (), {}),
        Package("numbers", "2", (), (), (), {"fast": (Needs("engines", None, (), None),)}),
        Package("engines", "1", (), (), (Needs("numbers", None, (), "python_version < '3.12'"),), {}),
    ]
    windows = runtime(packages, "win_amd64", "3.12")
    linux = runtime(packages, "linux_x86_64", "3.12")
    assert [(package.name, package.version) for package in windows] == [
        ("colours", "1"),
        ("engines", "1"),
        ("numbers", "2"),
    ]
    assert [(package.name, package.version) for package in linux] == [("engines", "1"), ("numbers", "2")]


def test_constraints_are_written_by_a_bare_python() -> None:
    # make runs this before anything is installed: the standard library must do.
    written = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "scripts" / "locked.py")], capture_output=True, text=True, check=True
    )
    lines = written.stdout.splitlines()
    assert lines == constraints(read_lock())
    assert not any(line.startswith("samechild") for line in lines)


def test_each_dependency_is_justified_in_a_line() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("dependencies = [") + 1
    declared = lines[start : lines.index("]", start)]
    assert declared
    assert [line.strip() for line in declared if "  # " not in line] == []
