"""Tombstones in a file: kept through kills and damage, or said to be damaged, never quietly forgotten."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samechild.errors import Unavailable
from samechild.keys.graveyard import FILE, buried, bury
from samechild.keys.store import Tombstone


def stone(number: int) -> Tombstone:
    return Tombstone(f"r{number}", "council", datetime(2026, 11, 22, tzinfo=UTC), "request", "e1", "ab")


def test_what_is_buried_is_found_in_any_folder(tmp_path: Path) -> None:
    home, witness, empty = (tmp_path / name for name in ("home", "witness", "empty"))
    bury([home, witness], [stone(1), stone(2)])
    bury([witness], [stone(3), stone(1)])
    assert buried([home]) == {"r1": stone(1), "r2": stone(2)}
    assert buried([home, empty, witness]) == {f"r{number}": stone(number) for number in (1, 2, 3)}
    assert buried([empty]) == {}
    if os.name == "posix":
        assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600


def test_a_line_torn_by_a_power_cut_is_not_one_and_is_taken_away(tmp_path: Path) -> None:
    bury([tmp_path], [stone(1)])
    whole = (tmp_path / FILE).read_bytes()
    for end in range(1, len(whole)):
        (tmp_path / FILE).write_bytes(whole + whole[:end])
        assert buried([tmp_path]) == {"r1": stone(1)}
    bury([tmp_path], [stone(2)])
    assert buried([tmp_path]) == {"r1": stone(1), "r2": stone(2)}


@pytest.mark.parametrize("damage", [b"{}", b"", b"\x00\x00", b'{"record_key":1}', b"\xff\xfe"])
def test_a_damaged_line_is_never_passed_over(tmp_path: Path, damage: bytes) -> None:
    bury([tmp_path], [stone(1), stone(2)])
    lines = (tmp_path / FILE).read_bytes().splitlines()
    (tmp_path / FILE).write_bytes(b"\n".join([damage, lines[1], b""]))
    with pytest.raises(Unavailable, match="line 1, is damaged"):
        buried([tmp_path])


def test_what_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="ascii")
    with pytest.raises(Unavailable, match="cannot be written"):
        bury([tmp_path / "taken"], [stone(1)])
    (tmp_path / FILE).mkdir()
    with pytest.raises(Unavailable, match="cannot be read"):
        buried([tmp_path])
