"""What the pages say exists: commands, tasks, links, rooms, files, decisions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from project import PACKAGE, ROOT, code_of, ladder, pages, pyproject, short
from samechild import errors

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TASKS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def heading_anchors(text: str) -> set[str]:
    """The addresses of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Links of a page to files or headings of this project that do not exist."""
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        anchored = target.suffix == ".md" and anchor
        if not target.exists() or (anchored and anchor not in heading_anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", pages(), ids=short)
class TestPage:
    def test_links_lead_somewhere(self, page: Path) -> None:
        assert broken_links(page) == []

    def test_tasks_exist(self, page: Path) -> None:
        named = [
            name
            for code in code_of(page.read_text(encoding="utf-8"))
            for name in re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)
        ]
        assert set(named) - TASKS == set()

    def test_modules_and_scripts_exist(self, page: Path) -> None:
        named = [
            name
            for code in code_of(page.read_text(encoding="utf-8"))
            for name in re.findall(r"(?:^|\s)((?:samechild|scripts|tests|docs|\.ci)/[\w/.-]+)", code)
        ]
        assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One thing\n[a](#one-thing) [b](#another) [c](nowhere.md) [d](page.md#gone) [e](https://x.uk)\n")
    assert broken_links(page) == ["#another", "nowhere.md", "page.md#gone"]


def test_make_help_lists_every_task() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {line.split()[1] for line in shown.stdout.splitlines()} == TASKS
    assert re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split() == re.findall(
        r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE
    )


def test_every_script_that_make_runs_exists() -> None:
    scripts = re.findall(r"scripts/[\w/]+\.py", MAKEFILE)
    assert scripts
    assert [name for name in scripts if not (ROOT / name).is_file()] == []


def test_developers_page_names_every_task() -> None:
    developers = (ROOT / "DEVELOPERS.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `make ([a-z-]+)`", developers, re.MULTILINE)) == TASKS - {"help"}


def test_readme_shows_the_two_commands_on_its_first_screen() -> None:
    first_screen = "\n".join(README.splitlines()[:30])
    for command in ("make demo", "make test", "uv run samechild demo", "uv run pytest"):
        assert f"`{command}`" in first_screen
    assert "not approved for live data" in first_screen


def test_readme_shows_the_ladder_as_it_is_checked() -> None:
    shown = re.search(r"## How it is built\n(.*?)\n## ", README, re.DOTALL)
    assert shown is not None
    assert re.findall(r"^ {4}(\w+) {2,}", shown[1], re.MULTILINE) == ladder()


def test_the_ladder_is_the_package() -> None:
    """Migrations are no room: nothing imports them, and they name what the rooms declared."""
    rooms = {path.stem for path in PACKAGE.iterdir() if (path / "__init__.py").is_file() or path.suffix == ".py"}
    assert {room for room in rooms if not room.startswith("_")} - {"migrations"} == set(ladder())


def test_glossary_gives_each_noun_two_lines_once() -> None:
    glossary = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\*\*([^*]+)\*\*.*(?:\n(?!\n).+)*", glossary, re.MULTILINE)
    assert len(entries) > 20
    assert len(entries) == len(set(entries))
    blocks = [block for block in glossary.split("\n\n") if block.startswith("**")]
    assert len(blocks) == len(entries)
    assert [block for block in blocks if len(block.strip().splitlines()) != 2] == []


def test_decisions_are_numbered_listed_and_laid_out_alike() -> None:
    folder = ROOT / "docs" / "decisions"
    notes = sorted(folder.glob("[0-9]*.md"))
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == [note.name for note in notes]
    for number, note in enumerate(notes, start=1):
        text = note.read_text(encoding="utf-8")
        assert text.startswith(f"# {number:04}. ")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Choice", "Consequences"]


def test_exit_codes_are_those_of_the_page_of_errors() -> None:
    commands = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\d+) \|", commands, re.MULTILINE)
    classes: list[type[errors.SamechildError]] = [errors.SamechildError, *errors.SamechildError.__subclasses__()]
    declared = {0, *(error.exit_code for error in classes), errors.EXIT_FOUND_PROBLEMS, errors.EXIT_INTERRUPTED}
    assert [int(code) for code in told] == sorted(declared | {errors.EXIT_OUR_BUG})


def test_changelog_speaks_of_this_version() -> None:
    assert f"## {pyproject()['project']['version']} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_owners_own_what_exists() -> None:
    lines = (ROOT / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert [path for path in owned if path != "*" and not (ROOT / path.lstrip("/")).exists()] == []
