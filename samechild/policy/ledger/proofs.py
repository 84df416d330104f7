"""Where the ledger stands, and proofs that an entry is in it or that it only ever grew.

A proof is small: about twenty hashes at a million entries. With the ledger's public key anybody can check it, without
seeing any other entry.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from samechild.errors import Invalid, Missing, Unavailable
from samechild.policy.ledger import store as tables
from samechild.policy.ledger.checkpoint import Checkpoint, in_text
from samechild.policy.ledger.tree import EMPTY_ROOT, Range, consistency_ranges, inclusion_ranges
from samechild.storage import Login, Store

PROOF = "samechild ledger proof 1"

_DAMAGED = "Rows of the ledger are gone or damaged: run `samechild ledger verify`, then restore a backup."


class Head(msgspec.Struct, frozen=True):
    """How large the ledger is and its root: ``text`` is ``SIZE:ROOT``; ``note`` the signed checkpoint (empty at 0)."""

    size: int
    root: bytes
    at: datetime | None
    note: str

    @property
    def text(self) -> str:
        """The head as it is noted down or sent to somebody who will check an export later."""
        return f"{self.size}:{in_text(self.root)}"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that an entry stands in the ledger: its exact text, hashes in base 64, a signed checkpoint, the key."""

    format: str = PROOF
    number: int
    entry: str
    hashes: list[str]
    checkpoint: str
    key: str


def head(store: Store) -> Head:
    """Where the ledger stands now."""
    with store.read(Login.GATE) as connection:
        last = _last(connection)
    if last is None:
        return Head(0, EMPTY_ROOT, None, "")
    return Head(last.size, last.root, last.at, last.note)


def prove(store: Store, number: int) -> Proof:
    """Prove that entry ``number`` stands in the ledger as it is now.

    Raises:
        Missing: when the ledger has no entry of that number.
        Unavailable: when rows the proof needs are gone.
    """
    with store.read(Login.GATE) as connection:
        last, entry = _last(connection), tables.entry_at(connection, number)
        if last is None or entry is None or number >= last.size:
            raise Missing("The ledger has no entry of that number.")
        hashes = _hashes(connection, inclusion_ranges(number, last.size))
        key = tables.checkpoints(connection, last.size - 1, last.size)[0][1]
    return Proof(number=number, entry=entry.decode(), hashes=hashes, checkpoint=last.note, key=in_text(key))


def prove_growth(store: Store, old: int) -> list[str]:
    """Prove that the ledger of ``old`` entries is the beginning of the ledger as it is now: hashes in base 64.

    Raises:
        Invalid: when the ledger has never been of that size.
        Unavailable: when rows the proof needs are gone.
    """
    with store.read(Login.GATE) as connection:
        last = _last(connection)
        return _hashes(connection, consistency_ranges(old, last.size if last else 0))


def proof_file(proof: Proof) -> bytes:
    """Write a proof as one line of JSON, for ``verify_ledger.py``."""
    return msgspec.json.encode(proof, order="sorted") + b"\n"


def _last(connection: sa.Connection) -> Checkpoint | None:
    try:
        return tables.last_checkpoint(connection)
    except Invalid:
        raise Unavailable(_DAMAGED) from None


def _hashes(connection: sa.Connection, ranges: list[Range]) -> list[str]:
    found = tables.hashes_of(connection, ranges)
    if None in found:
        raise Unavailable(_DAMAGED)
    return [in_text(each) for each in found if each]
