"""A watched folder: each file is taken once, never before it is whole, and a stop in between loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samechild.errors import Invalid, Missing, Unavailable
from samechild.index.watching import DONE, FAILED, REASON, WORKING, Take, begin, look, waiting, whole


def now() -> datetime:
    return datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def noting(taken: list[str]) -> Take:
    def take(path: Path) -> str:
        taken.append(path.read_text())
        return "1 record joined."

    return take


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_a_file_is_taken_when_it_has_not_changed_between_two_looks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("half")
    taken: list[str] = []
    watched, done = look(begin(tmp_path), noting(taken), now)
    assert (taken, done) == ([], [])
    (tmp_path / "a.csv").write_text("half and whole")
    watched, done = look(watched, noting(taken), now)
    assert taken == []
    watched, done = look(watched, noting(taken), now)
    assert taken == ["half and whole"]
    assert [(each.file, each.well) for each in done] == [("a.csv", True)]
    assert names(tmp_path / DONE) == ["20261122T093000-a.csv"]
    assert look(watched, noting(taken), now)[1] == []


def test_unfinished_hidden_and_empty_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    for name in (".hidden.csv", "a.csv.part", "b.tmp", "~$c.xlsx"):
        (tmp_path / name).write_text("x")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv.part")
    watched = begin(tmp_path)
    for _ in range(3):
        watched, done = look(watched, noting([]), now)
        assert done == []
    assert set(waiting(tmp_path)) == {"empty.csv"}


def test_what_cannot_be_used_is_put_aside_with_a_reason_people_can_read(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("x")

    def take(path: Path) -> str:
        raise Invalid("No column was recognised.")

    watched, _ = look(begin(tmp_path), take, now)
    _, done = look(watched, take, now)
    assert [each.well for each in done] == [False]
    failed = tmp_path / FAILED
    assert names(failed) == ["20261122T093000-bad.csv", f"20261122T093000-bad.csv{REASON}"]
    assert "No column was recognised." in (failed / f"20261122T093000-bad.csv{REASON}").read_text()
    assert names(tmp_path) == []


def stopping(error: BaseException) -> Callable[[Path], str]:
    def take(path: Path) -> str:
        raise error

    return take


@pytest.mark.parametrize("error", [Unavailable("busy"), KeyboardInterrupt(), RuntimeError("ours")], ids=repr)
def test_what_cannot_be_done_now_leaves_the_file_where_it_was(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "a.csv").write_text("x")
    watched, _ = look(begin(tmp_path), stopping(error), now)
    with pytest.raises(type(error)):
        look(watched, stopping(error), now)
    assert names(tmp_path) == ["a.csv"]
    assert names(tmp_path / WORKING) == []


def test_after_a_kill_what_was_at_hand_is_taken_again(tmp_path: Path) -> None:
    begin(tmp_path)
    (tmp_path / WORKING / "a.csv").write_text("x")
    taken: list[str] = []
    watched = begin(tmp_path)
    watched, _ = look(watched, noting(taken), now)
    look(watched, noting(taken), now)
    assert taken == ["x"]


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    watched = begin(tmp_path)
    for content in ("one", "two"):
        (tmp_path / "a.csv").write_text(content)
        watched, _ = look(watched, noting([]), now)
        watched, _ = look(watched, noting([]), now)
    assert sorted(path.read_text() for path in (tmp_path / DONE).iterdir()) == ["one", "two"]


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        begin(tmp_path / "nowhere")


def test_the_oldest_file_comes_first() -> None:
    sizes = {"new": (1, 30), "old": (1, 10), "b": (1, 20), "empty": (0, 1)}
    assert whole(sizes, sizes) == ["old", "b", "new"]
