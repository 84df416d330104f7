"""Every module says why it exists, every public function what it answers, and names come from the work."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from project import PACKAGE, modules, short

EMPTY_WORDS = {"manager", "helper", "helpers", "util", "utils", "handler", "base", "data", "info"}
BUILTIN_ERRORS = {
    "Exception",
    "ValueError",
    "TypeError",
    "KeyError",
    "IndexError",
    "RuntimeError",
    "OSError",
    "LookupError",
}

Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(body: list[ast.stmt]) -> Iterator[Named]:
    """Functions and classes others may use, and what the classes offer."""
    for node in body:
        if isinstance(node, Named) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def undocumented(source: str) -> list[str]:
    """Public names in a module's source that have no docstring."""
    return [node.name for node in public(ast.parse(source).body) if not ast.get_docstring(node)]


def empty_names(source: str) -> list[str]:
    """Function and class names that say nothing about the work they do."""
    names = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, Named)]
    return [name for name in names if words_of(name) & EMPTY_WORDS]


def words_of(name: str) -> set[str]:
    """The words of ``snake_case`` or ``CamelCase``, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def foreign_errors(source: str) -> list[str]:
    """Raised exceptions that are not on the page of errors."""
    raised = [node.exc for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Raise) and node.exc is not None]
    called = [error.func if isinstance(error, ast.Call) else error for error in raised]
    return [error.id for error in called if isinstance(error, ast.Name) and error.id in BUILTIN_ERRORS]


@pytest.mark.parametrize("path", modules(), ids=short)
class TestModule:
    def test_says_why_it_exists(self, path: Path) -> None:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring, "the module has no docstring"

    def test_public_names_are_documented(self, path: Path) -> None:
        assert undocumented(path.read_text(encoding="utf-8")) == []

    def test_names_come_from_the_work(self, path: Path) -> None:
        assert not words_of(path.stem) & EMPTY_WORDS
        assert empty_names(path.read_text(encoding="utf-8")) == []

    def test_raises_only_what_errors_py_declares(self, path: Path) -> None:
        assert foreign_errors(path.read_text(encoding="utf-8")) == []


def test_every_room_says_what_it_is_for() -> None:
    rooms = {path.parent for path in modules() if PACKAGE / "migrations" not in path.parents} - {PACKAGE}
    silent = [short(room) for room in rooms if not (room / "__init__.py").is_file()]
    assert silent == [], "a folder of Python files needs an __init__.py with three sentences"


def test_the_checks_above_can_fail() -> None:
    assert undocumented("def a(): pass\ndef _b(): pass\nclass C:\n  'x'\n  def d(self): pass") == ["a", "d"]
    assert empty_names("class FlagManager: pass\ndef database(): pass\ndef load_data(): pass") == [
        "FlagManager",
        "load_data",
    ]
    assert foreign_errors("raise ValueError('x')\nraise Invalid('x')\nraise KeyError") == ["ValueError", "KeyError"]
