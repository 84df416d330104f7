"""Adding to the ledger: what others call to write down what happened, before anything is disclosed.

Whatever goes wrong is told as ``Unavailable``, and the caller then discloses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from samechild.errors import Invalid
from samechild.policy.ledger.checkpoint import in_text
from samechild.policy.ledger.entry import ACCEPT, KEY, announcement, draft
from samechild.policy.ledger.writer import writer_of
from samechild.storage import Store

_RESERVED = "An entry of this kind is written by `samechild ledger accept` alone."


def append(store: Store, kind: str, body: Mapping[str, Any], now: datetime, references: Sequence[str] = ()) -> int:
    """Write one entry into the ledger and return its number (from 0) once it is safely on disk.

    Args:
        store: the open installation.
        kind: what happened, as a short code: decision, outcome, grant, agreement, consent, erasure, key, sign-in.
        body: codes, opaque ids, whole numbers and keyed references; never a name, a reason in words or a search value.
        now: when it happened.
        references: keyed references by which the entry will be found again; they are part of the entry.

    Raises:
        Unavailable: when it could not be written for whatever reason: disclose nothing.
        Invalid: when the kind or the body cannot be written exactly.
    """
    if kind == ACCEPT:
        raise Invalid(_RESERVED)
    return writer_of(store).append(store, [draft(kind, body, now, references)])[0]


def append_all(
    store: Store, kind: str, told: Sequence[tuple[Mapping[str, Any], Sequence[str]]], now: datetime
) -> list[int]:
    """Write many entries of one kind, each a body with its references, in few commits; returns their numbers in order.

    Raises:
        Unavailable: when not all could be written; the first ones may stand.
        Invalid: as :func:`append`; nothing was written.
    """
    if kind == ACCEPT:
        raise Invalid(_RESERVED)
    return writer_of(store).append(store, [draft(kind, body, now, references) for body, references in told])


def announce_key(store: Store, public: bytes, who: str, now: datetime) -> int:
    """Write which key will sign the ledger from now on: call it with the new public key *before* keys are changed.

    The announcement is signed by the key in use, so that whoever trusts that one may trust the next.
    """
    return append(store, KEY, {"announces": in_text(public), "by": who}, now, [announcement(public)])


def accept(store: Store, who: str, now: datetime) -> int:
    """Accept the ledger as it stands: an officer's word after a backup was restored, or a clock was put right.

    Says in the ledger what the witness knew and when the last entry was dated. Nothing that was lost comes back.

    Raises:
        Unavailable: when it could not be written, or the ledger's own hashes do not fit together.
    """
    return writer_of(store).accept(store, who, now)
