"""An entry has one form to the last byte, and what JSON cannot carry exactly never gets in."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest

from ledgers import NOW
from samechild.errors import Invalid, TooLarge
from samechild.policy.ledger.entry import GREATEST, MOST_BYTES, canonical, draft, entry_bytes, read_entry


class Colour(StrEnum):
    RED = "red"


def test_the_bytes_of_an_entry_are_canonical() -> None:
    made = draft("sign-in", {"z": 1, "a": ["é", None, True, NOW, Colour.RED]}, NOW, ["b", "a", "b"])
    written = entry_bytes(made, 5, NOW)
    assert (
        written
        == (
            '{"at":"2026-11-22T09:00:00.000000Z","body":{"a":["é",null,true,"2026-11-22T09:00:00.000000Z","red"],"z":1},'
            '"kind":"sign-in","number":5,"references":["a","b"]}'
        ).encode()
    )
    read = json.loads(written)
    assert json.dumps(read, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() == written
    entry = read_entry(written)
    assert (entry.number, entry.at, entry.kind, entry.references) == (5, NOW, "sign-in", ("a", "b"))
    assert type(json.loads(canonical({"a": Colour.RED}))["a"]) is str


def test_text_is_composed() -> None:
    assert canonical({"a": "e\u0301"}) == '{"a":"é"}'


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    "body",
    [
        {"a": 0.5},
        {"a": float("nan")},
        {"a": GREATEST},
        {"a": -GREATEST},
        {"a": "\ud800"},
        {"a": b"bytes"},
        {"a": bytearray(b"bytes")},
        {"a": {1, 2}},
        {1: "a"},
        {"": "a"},
        {"é": "a"},
        {"a\n": "a"},
        {"a": object()},
        nested(18),
    ],
)
def test_what_readers_would_read_differently_is_refused(body: dict[Any, Any]) -> None:
    with pytest.raises(Invalid) as told:
        draft("sign-in", body, NOW, [])
    assert "bytes" not in str(told.value)


@pytest.mark.parametrize("kind", ["", "a", "Sign-in", "sign in", "-a", "a-", 'a"b', "a" * 41, "décision"])
def test_a_kind_is_a_short_code(kind: str) -> None:
    with pytest.raises(Invalid, match="short code"):
        draft(kind, {}, NOW, [])


def test_a_time_has_a_zone() -> None:
    with pytest.raises(Invalid, match="time zone"):
        draft("sign-in", {}, datetime(2026, 1, 1), [])


def test_a_reference_is_plain() -> None:
    with pytest.raises(Invalid):
        draft("sign-in", {}, NOW, ["Zoë"])


def test_an_entry_has_a_greatest_size() -> None:
    assert draft("sign-in", {"a": "x" * (MOST_BYTES - 8)}, NOW, [])
    for body, references in (({"a": "x" * (MOST_BYTES - 8)}, ["a"]), ({"a": "é" * (MOST_BYTES // 2)}, [])):
        with pytest.raises(TooLarge):
            draft("sign-in", body, NOW, references)


@pytest.mark.parametrize("written", [b"", b"{}", b"\xff", b'{"at":"never"}'])
def test_what_is_no_entry_is_not_read(written: bytes) -> None:
    with pytest.raises(Invalid, match="verify"):
        read_entry(written)
