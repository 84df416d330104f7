"""What one line of the ledger is: its bytes are fixed to the last one, so that everybody hashes the same.

An entry is canonical JSON: keys sorted, no spaces, text in Unicode's composed form (NFC), whole numbers only. It says
what happened in codes, opaque ids and keyed references; never a name, a reason in words or a value searched for.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from samechild.errors import Invalid, TooLarge
from samechild.sql.columns import moment_text

MOST_BYTES = 16 * 2**20
"""One entry is never larger: a batch of records that needs more is decided in parts."""

GREATEST = 2**53
"""Whole numbers beyond this are not read alike by every JSON reader."""

DEEPEST = 16

ACCEPT = "accept"
"""The kind of entry by which an officer accepts a restored ledger or a clock put right."""

KEY = "key"
"""The kind of entry about keys; one with ``announces`` in its body says which key may sign from then on."""

_KIND = re.compile(r"[a-z][a-z-]{0,38}[a-z]")


class Entry(msgspec.Struct, frozen=True):
    """One entry as pages and proofs read it: its number counts from 0; ``references`` find it again."""

    at: datetime
    body: dict[str, Any]
    kind: str
    number: int
    references: tuple[str, ...]


class Draft(msgspec.Struct, frozen=True):
    """An entry that has no number yet: its body and references already in their final bytes."""

    kind: str
    body: str
    references: tuple[str, ...]
    now: datetime


def draft(kind: str, body: Mapping[str, Any], now: datetime, references: Sequence[str]) -> Draft:
    """Prepare an entry: everything that can be wrong with it is found here, before anyone waits for the database.

    Raises:
        Invalid: when the kind is no short code, or the body holds what JSON cannot carry exactly.
        TooLarge: when it is larger than one entry may be.
    """
    if not _KIND.fullmatch(kind):
        raise Invalid("The kind of a ledger entry is a short code of small letters.")
    made = Draft(kind, canonical(body), tuple(sorted({_plain(each) for each in references})), now)
    moment_text(now)
    if len(made.body.encode()) + sum(len(each) + 3 for each in made.references) > MOST_BYTES:
        raise TooLarge("This is more than one ledger entry holds: decide it in smaller batches.")
    return made


def entry_bytes(prepared: Draft, number: int, at: datetime) -> bytes:
    """Write an entry with its number and time: these bytes are what is hashed, kept and exported."""
    references = json.dumps(prepared.references, ensure_ascii=False, separators=(",", ":"))
    return (
        f'{{"at":"{moment_text(at)}","body":{prepared.body},"kind":"{prepared.kind}",'
        f'"number":{number},"references":{references}}}'
    ).encode()


def announcement(public: bytes) -> str:
    """The reference under which the announcement of a signing key is found."""
    return f"key:{sha256(public).hexdigest()[:32]}"


def read_entry(written: bytes) -> Entry:
    """Read an entry that :func:`entry_bytes` wrote.

    Raises:
        Invalid: when it is none.
    """
    try:
        return msgspec.json.decode(written, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("An entry of the ledger cannot be read: run `samechild ledger verify`.") from None


def canonical(value: Mapping[str, Any]) -> str:
    """Write a mapping as canonical JSON text.

    Raises:
        Invalid: for a value that different readers would not read alike (fractions, odd keys, broken text).
    """
    return json.dumps(_exact(value, 0), ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _exact(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise Invalid("A ledger entry may not be nested so deeply.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if abs(value) >= GREATEST:
            raise Invalid("A number in a ledger entry is too large to be read alike everywhere: write it as text.")
        return int(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, Mapping):
        return {_plain(key): _exact(each, depth + 1) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_exact(each, depth + 1) for each in value]
    raise Invalid("A ledger entry holds text, whole numbers, yes and no, lists and mappings; nothing else.")


def _text(value: str) -> str:
    composed = unicodedata.normalize("NFC", str(value))
    try:
        composed.encode()
    except UnicodeEncodeError:
        raise Invalid("A text for the ledger is not whole Unicode.") from None
    return composed


def _plain(value: Any) -> str:
    """A key or a reference: printable ASCII, so that sorting means the same everywhere."""
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise Invalid("Keys and references in a ledger entry are plain printable characters.")
    return str(value)
