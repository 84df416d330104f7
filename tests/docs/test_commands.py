"""Every command a page shows is one that the command line has."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from project import ROOT, code_of, pages, short


def shown(page: Path) -> list[tuple[str, set[str]]]:
    """Each ``samechild`` command of a page, with the options shown."""
    lines = [line for code in code_of(page.read_text(encoding="utf-8")) for line in code.splitlines()]
    found = [re.match(r"(?:\$ |uv run )?samechild ([a-z-]+)(.*)", line.strip()) for line in lines]
    return [(match[1], set(re.findall(r"(?<!\S)--[a-z-]+", match[2]))) for match in found if match]


@pytest.fixture(name="main")
def command_line() -> click.Group:
    """The whole command line."""
    main = import_module("samechild.cli.main").main
    assert isinstance(main, click.Group)
    return main


def options_of(command: click.Command) -> set[str]:
    """Every option a command takes."""
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


@pytest.mark.parametrize("page", pages(), ids=short)
def test_commands_and_options_exist(page: Path, main: click.Group) -> None:
    for name, options in shown(page):
        assert name in main.commands, f"samechild {name}"
        assert options - options_of(main.commands[name]) == set(), f"samechild {name}"


def test_options_of_link_in_the_table_exist(main: click.Group) -> None:
    commands = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(--[a-z-]+)", commands, re.MULTILINE))
    assert len(told) > 5
    assert told - options_of(main.commands["link"]) == set()


def test_every_command_is_told_of(main: click.Group) -> None:
    told = {name for page in pages() for name, _ in shown(page)}
    assert set(main.commands) - told == set()


def test_the_pages_show_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('`samechild nonsense`\n\n    samechild link a.csv "b c.xlsx" --out linked/ --no-such-thing\n')
    assert shown(page) == [("link", {"--out", "--no-such-thing"}), ("nonsense", set())]
