"""The project's own files, as the tests about the project itself read them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "samechild"
TEXT_SUFFIXES = {"", ".py", ".md", ".toml", ".txt", ".csv", ".json", ".html", ".cmd", ".ps1", ".sh", ".yml", ".yaml"}
GENERATED = {"uv.lock"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that belongs to the project: what git knows, or the whole folder when this is no git checkout."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        names = [name for name in asked.stdout.split("\0") if name]
    else:
        others = re.compile(r"/(\.venv[^/]*|dist|\.\w+_cache)/")
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not others.search(str(path))]
    return tuple(sorted(path for path in (ROOT / name for name in names) if path.is_file()))


def text_files() -> list[Path]:
    """Files a person reads or a program runs; not data in other forms, not what a tool generates."""
    return [path for path in tracked() if path.suffix in TEXT_SUFFIXES and path.name not in GENERATED]


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(path for path in tracked() if path.suffix == ".py" and PACKAGE in path.parents)


def pages() -> list[Path]:
    """Every Markdown page."""
    return [path for path in tracked() if path.suffix == ".md"]


def code_of(text: str) -> list[str]:
    """Everything a page sets as code: in backticks, in fences, indented by four."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"^ {4}(.*)$", text, re.MULTILINE)
    return [*fenced, *indented, *re.findall(r"`([^`\n]+)`", text)]


def pyproject() -> dict[str, Any]:
    """What ``pyproject.toml`` says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def ladder() -> list[str]:
    """The rooms and modules of the package, the highest first, as the import contract has them."""
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    return next(list(contract["layers"]) for contract in contracts if contract["type"] == "layers")


def short(path: Path) -> str:
    """The path as a reader of this project knows it."""
    return path.relative_to(ROOT).as_posix()
