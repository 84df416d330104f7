"""Every command a page shows is one that the command line has."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from project import ROOT, code_of, pages, short


def shown(page: Path) -> list[tuple[str, str, set[str]]]:
    """Each ``samechild`` command of a page, with the word after it and the options shown."""
    lines = [line for code in code_of(page.read_text(encoding="utf-8")) for line in code.splitlines()]
    found = [re.match(r"(?:\$ |uv run )?samechild ([a-z-]+)(?: ([a-z][a-z|-]*))?(.*)", line.strip()) for line in lines]
    return [(match[1], match[2] or "", set(re.findall(r"(?<!\S)--[a-z-]+", match[0]))) for match in found if match]


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
    for name, second, options in shown(page):
        assert name in main.commands, f"samechild {name}"
        for command in meant(main.commands[name], second):
            assert options - options_of(command) == set(), f"samechild {name} {second}"


def meant(command: click.Command, second: str) -> list[click.Command]:
    """The commands a line means: of a group those it names (``db backup``, ``db backup|restore``)."""
    if not isinstance(command, click.Group) or not second:
        return [command]
    assert set(second.split("|")) <= set(command.commands), second
    return [command.commands[word] for word in second.split("|")]


def test_options_of_link_in_the_table_exist(main: click.Group) -> None:
    commands = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(--[a-z-]+)", commands, re.MULTILINE))
    assert len(told) > 5
    assert told - options_of(main.commands["link"]) == set()


def test_every_command_is_told_of(main: click.Group) -> None:
    told = {name for page in pages() for name, _, _ in shown(page)}
    assert set(main.commands) - told == set()
    told_whole = {(name, word) for page in pages() for name, second, _ in shown(page) for word in second.split("|")}
    groups = {name: command for name, command in main.commands.items() if isinstance(command, click.Group)}
    assert {(name, word) for name, group in groups.items() for word in group.commands} - told_whole == set()


def test_the_pages_show_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('`samechild nonsense`\n\n    samechild link a.csv "b c.xlsx" --out linked/ --no-such-thing\n')
    assert shown(page) == [("link", "a", {"--out", "--no-such-thing"}), ("nonsense", "", set())]
