"""What appears on the screen: steps once each, tables whole on a page, references that tell nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.table import Table

from commands import run
from samechild.cli.main import _matching_files, main, reference
from samechild.cli.pages import evaluation_page, first_page, table_as_html
from samechild.cli.progress import part, progress


def test_each_step_is_told_once_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as say:
        for share in (0.0, 0.1, 0.2):
            say("reading", share)
        say("writing", 0.5)
    shown = capsys.readouterr()
    assert shown.err.splitlines() == ["Reading ...", "Writing ..."]
    assert shown.out == ""


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(quiet=True) as say:
        say("reading", 0.0)
    assert capsys.readouterr() == ("", "")


def test_a_part_tells_its_share_of_the_whole() -> None:
    heard: list[tuple[str, float]] = []
    part(lambda what, share: heard.append((what, share)), 0.5, 0.7)("x", 0.5)
    assert [what for what, _ in heard] == ["x"]
    assert heard[0][1] == pytest.approx(0.6)


def broken(who: int) -> BaseException:
    """A mistake made inside the program, about somebody."""
    from samechild.linkage.request import prepare

    try:
        prepare(who)  # type: ignore[arg-type]
    except AttributeError as error:
        return error
    raise AssertionError


def test_a_reference_is_of_the_place_and_not_of_the_person() -> None:
    assert reference(broken(1)) == reference(broken(2))
    assert reference(broken(1)) != reference(KeyError("Imogen"))
    assert re.fullmatch(r"[0-9a-f]{10}", reference(broken(1)))


class Tags(HTMLParser):
    """Checks that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_table_for_the_terminal_becomes_one_for_a_page() -> None:
    table = Table(title="A & B")
    table.add_column("")
    table.add_column("Share", justify="right")
    table.add_row("<script>", "5 %")
    html = table_as_html(table)
    assert "<script>" not in html
    assert '<th scope="row">&lt;script&gt;</th><td class="number">5 %</td>' in html
    assert "<caption>A &amp; B</caption>" in html
    for page in (evaluation_page([table]), first_page(["One."], [("a.html", "A", "why")])):
        tags = Tags()
        tags.feed(page)
        assert tags.open == []
        assert "http" not in page


def test_debug_may_stand_anywhere() -> None:
    for words in (("--debug", "check", "nowhere.csv"), ("check", "nowhere.csv", "--debug")):
        done = run(*words)
        assert done.code == 4
        assert "There is no file" in done.err
        assert "do not send it on" in done.err


def test_patterns_become_file_names_where_no_shell_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).touch()
    words = ["link", str(tmp_path / "*.csv"), str(tmp_path / "*.none"), "--out", "x"]
    assert _matching_files(words) == words
    monkeypatch.setattr("os.name", "nt")
    assert _matching_files(words) == ["link", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), *words[2:]]


def test_version() -> None:
    done = run("--version")
    assert done.code == 0
    assert re.match(r"samechild \d+\.\d+", done.out)


def test_a_command_without_words_shows_help() -> None:
    assert "samechild demo" in run("--help").out
    files = {"check", "link", "explain", "sample", "evaluate", "report", "synth", "demo"}
    installation = {"serve", "work", "people", "db", "keys", "ledger", "governance"}
    installation |= {"index", "trace", "export"}
    installation |= {"feed", "client", "submit", "conformance", "extract", "postcodes"}
    assert set(main.commands) == files | installation
