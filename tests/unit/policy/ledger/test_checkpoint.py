"""A checkpoint is read only when it is exactly one, and only its own key's signature holds."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledgers import KEY, NOW, public_of
from samechild.errors import Invalid
from samechild.policy.ledger.checkpoint import (
    FIRST,
    from_text,
    in_text,
    is_signed_by,
    key_hash,
    origin_of,
    read_checkpoint,
    sign,
)

ORIGIN = origin_of(public_of())
MADE = sign(KEY, ORIGIN, 7, bytes(32), NOW, FIRST)
NEXT = sign(KEY, ORIGIN, 9, bytes(32), NOW, MADE.chain)


def test_a_checkpoint_is_a_signed_note() -> None:
    lines = MADE.note.split("\n")
    assert lines[:6] == [ORIGIN, "7", in_text(bytes(32)), "at 2026-11-22T09:00:00.000000Z", "before -", ""]
    assert lines[6].startswith(f"\N{EM DASH} {ORIGIN} ")
    assert lines[7:] == [""]
    assert MADE.head == f"7:{in_text(bytes(32))}"


@pytest.mark.parametrize("made", [MADE, NEXT])
def test_what_is_written_is_read(made: object) -> None:
    assert made in (read_checkpoint(MADE.note), read_checkpoint(NEXT.note))
    assert is_signed_by(MADE, public_of())
    assert MADE.key_hash == key_hash(ORIGIN, public_of())


def test_another_key_did_not_sign() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert not is_signed_by(MADE, other)
    altered = read_checkpoint(MADE.note.replace("\n7\n", "\n8\n"))
    assert not is_signed_by(altered, public_of())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n7\n", "\n07\n"),
        ("\n7\n", "\n0\n"),
        ("\n7\n", "\n7 \n"),
        ("at 2026", "at 2o26"),
        ("at 2026-11", "at 2026-13"),
        ("before -", "before x"),
        ("before -", "before " + "A" * 42 + "B="),
        ("samechild/", "Samechild/"),
        (in_text(bytes(32)), "A" * 42 + "B="),
        ("\N{EM DASH}", "-"),
        ("\n\n", "\n"),
    ],
)
def test_anything_else_is_none(old: str, new: str) -> None:
    assert old in MADE.note
    with pytest.raises(Invalid):
        read_checkpoint(MADE.note.replace(old, new, 1))


def test_nothing_may_follow() -> None:
    for note in ("", MADE.note + "\n", MADE.note + MADE.note, MADE.note[:-1]):
        with pytest.raises(Invalid):
            read_checkpoint(note)


@pytest.mark.parametrize("written", ["A", "AB==C", "é", "AB==", "AA==\n"])
def test_there_is_one_way_to_write_base_64(written: str) -> None:
    with pytest.raises(Invalid):
        from_text(written)
    assert from_text(b64encode(b"ok").decode()) == b"ok"
