"""The tour can be typed: its commands run, one after the other, and say what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT

TOUR = ROOT / "docs" / "tour.md"


def commands() -> list[str]:
    """The commands of the tour, in order."""
    return re.findall(r"^    (samechild .+)$", TOUR.read_text(encoding="utf-8"), re.MULTILINE)


def typed(line: str, here: Path) -> subprocess.CompletedProcess[str]:
    """Run one command of the page as a shell would, in a folder of its own."""
    words: list[str] = []
    for word in shlex.split(line)[1:]:
        words += sorted(str(path.relative_to(here)) for path in here.glob(word)) if "*" in word else [word]
    run = [sys.executable, "-c", "from samechild.cli.main import main; main()", *words]
    return subprocess.run(run, cwd=here, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module", name="shown")
def tour_typed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """What each command of the tour showed."""
    here = tmp_path_factory.mktemp("tour")
    return {line.split()[1]: typed(line, here) for line in commands()}


def test_the_tour_names_commands() -> None:
    assert [line.split()[1] for line in commands()] == ["synth", "check", "link", "evaluate", "explain", "sample"]


def test_every_command_of_the_tour_works(shown: dict[str, subprocess.CompletedProcess[str]]) -> None:
    failed = {name: run.stderr for name, run in shown.items() if run.returncode not in (0, 1 if name == "check" else 0)}
    assert not failed


def test_the_tour_says_what_is_shown(shown: dict[str, subprocess.CompletedProcess[str]]) -> None:
    assert "925 records" in shown["synth"].stdout
    assert "925 records" in shown["link"].stdout
    explained = shown["explain"].stdout
    assert "same date of birth" in explained.lower()
    assert "given name in common" in explained.lower()
