"""The state file: what it knows, what it does not give away, and who holds it."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samechild.collection.send.deltas import print_of
from samechild.collection.send.status import KEPT, REFUSED, UNSURE, Kept, Status, open_status
from samechild.errors import Conflict, Invalid

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
CHILD = {"la_child_id": "CANARY7", "child_details": {"first_name": "Zebedee"}}


def keep(status: Status, own: str = "CANARY7") -> None:
    status.about_to_send([own])
    status.keep([Kept(own, print_of(CHILD, status.mark), "receipt-1")], NOW)


def test_a_kept_child_is_known_again_and_an_unanswered_one_is_not_sure(tmp_path: Path) -> None:
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        status.begin("https://x.example.org", NOW)
        assert status.known("CANARY7") is None
        keep(status)
        status.end({"kept": 1}, NOW)
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        status.begin("https://x.example.org", NOW)
        known = status.known("CANARY7")
        assert known is not None
        assert known.print == print_of(CHILD, status.mark)
        assert known.state == KEPT
        status.about_to_send(["CANARY7"])
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        known = status.known("CANARY7")
        assert known is not None
        assert (known.print, known.state) == (None, UNSURE)
        assert status.runs()[-1][2] == {"kept": 1}


def test_a_refused_change_leaves_what_was_kept_before(tmp_path: Path) -> None:
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        status.begin("a", NOW)
        keep(status)
        before = status.known("CANARY7")
        status.about_to_send(["CANARY7", "NEW"])
        status.not_sent([("CANARY7", before), ("NEW", None)])
        known, new = status.known("CANARY7"), status.known("NEW")
        assert known is not None
        assert new is not None
        assert (known.print, known.state) == (print_of(CHILD, status.mark), REFUSED)
        assert (new.print, new.state) == (None, REFUSED)


def test_children_that_are_gone_are_named_to_the_council_alone(tmp_path: Path) -> None:
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        status.begin("a", NOW)
        keep(status, "CANARY7")
        keep(status, "CANARY8")
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        status.begin("a", NOW)
        status.see(["CANARY8"])
        assert status.gone() == ["CANARY7"]
        status.about_to_send(["CANARY7"])
        status.keep([Kept("CANARY7", None, "r")], NOW)
        assert status.held() == 1
        assert status.gone() == []


def test_the_files_give_nothing_away(tmp_path: Path) -> None:
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        status.begin("https://x.example.org", NOW)
        keep(status)
    for path in tmp_path.iterdir():
        assert not any(word in path.read_bytes() for word in (b"CANARY7", b"Zebedee", b"x.example.org"))
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_one_run_holds_it(tmp_path: Path) -> None:
    again = open_status(tmp_path / "s", tmp_path / "k")
    with open_status(tmp_path / "s", tmp_path / "k"), pytest.raises(Conflict, match="Another run"), again:
        pass
    with open_status(tmp_path / "s", tmp_path / "k"):
        pass


def test_it_belongs_to_one_address_and_one_key(tmp_path: Path) -> None:
    with open_status(tmp_path / "s", tmp_path / "k") as status:
        status.begin("https://live.example.org", NOW)
        with pytest.raises(Conflict, match="another address"):
            status.begin("https://sandbox.example.org", NOW)
    with pytest.raises(Invalid, match="not its own"), open_status(tmp_path / "s", tmp_path / "other"):
        pass


@pytest.mark.parametrize("content", [b"", b"zz", b"00" * 31])
def test_a_damaged_key_is_noticed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "k").write_bytes(content)
    with pytest.raises(Invalid, match="no key"), open_status(tmp_path / "s", tmp_path / "k"):
        pass


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"this is no database, whatever it may be called; " * 50)
    with pytest.raises(Invalid, match="damaged"), open_status(tmp_path / "s", tmp_path / "k"):
        pass
