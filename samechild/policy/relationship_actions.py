"""Writing who is involved with a child, and the marks that protect one: rooms above write them through here.

A relationship names an opaque record, a person or team, and dates; a mark is a yes or no. Neither says who the child
is. Marks that hide (a shield, a seal) take effect in the search as well, in the same action.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any

import msgspec

from samechild.errors import Invalid
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.agreement_actions import check_officer
from samechild.records import fields
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from samechild.storage.vaults import Partition, move_lookups

RELATIONSHIPS = ("involved", "own-family", "oneself")
SEALED = "sealed-identity"
MARKS = ("shielded", SEALED, "opted-out")
KEPT_FOR = "as the record it belongs to"


class Relationship(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody and a record: involved with it, or of the same family, from when to when, and how that is known."""

    owner: str
    record_key: str
    organisation: str
    person: str = ""
    team: str = ""
    kind: str = "involved"
    since: datetime
    until: datetime | None = None
    source: str


def relate(store: Store, by: Asker, them: Sequence[Relationship], now: datetime) -> list[str]:
    """Keep relationships, each with its source; returns their ids. One entry in the ledger for all.

    Raises:
        Invalid: when one names neither a person nor a team, both, an unknown kind, or dates in the wrong order.
    """
    for each in them:
        if each.kind not in RELATIONSHIPS:
            raise Invalid(f"A relationship is one of {', '.join(RELATIONSHIPS)}.")
        if bool(each.person) == bool(each.team) or not each.source:
            raise Invalid("A relationship names a person or a team, not both, and how it is known.")
        if each.until is not None and each.until <= each.since:
            raise Invalid("A relationship must end after it began.")
    rows = [
        {**msgspec.structs.asdict(each), "id": token_hex(16), "received_at": now, "basis": "public task"}
        for each in them
    ]
    about = sorted({each.record_key for each in them})
    _note(store, by, "relationship", about, {"event": "began", "count": len(rows)}, now)
    with store.write(Login.GATE) as gate:
        tables.relate(gate, [{**row, "retention": KEPT_FOR} for row in rows])
    return [str(row["id"]) for row in rows]


def end_relationships(store: Store, by: Asker, identities: Sequence[str], now: datetime) -> int:
    """End relationships now: the next decision no longer counts them. Returns how many had not ended before."""
    _note(store, by, "relationship", [], {"event": "ended", "count": len(identities)}, now)
    with store.write(Login.GATE) as gate:
        return tables.end_relationships(gate, identities, now)


def set_mark(store: Store, by: Asker, owner: str, record_keys: Sequence[str], mark: str, now: datetime) -> None:
    """Shield, seal or leave out some records from now on.

    The search is changed first, and when a mark is lifted last, so that a stop in between leaves a child hidden rather
    than found; both steps can be repeated.

    Raises:
        Invalid: when there is no such mark.
        Refused: when somebody other than an officer of the owner asks.
    """
    _check_mark(store, by, owner, mark, now)
    _note(store, by, "mark", record_keys, {"event": "set", "mark": mark, "owner": owner}, now)
    _mark(store, by, owner, record_keys, mark, now)


def close_identity(store: Store, by: Asker, owner: str, record_keys: Sequence[str], reason: str, now: datetime) -> None:
    """Seal the records of an adopted child's former identity, because the law does, whoever sends word of it.

    Adoption and Children Act 2002 sections 56 to 65 and SI 2005/888. Nobody's leave is needed to close it; opening it
    again takes an officer (:func:`lift_mark`). ``reason`` is a code.
    """
    body = {"event": "set", "mark": SEALED, "owner": owner, "reason": reason}
    _note(store, by, "mark", record_keys, body, now)
    _mark(store, by, owner, record_keys, SEALED, now)


def lift_mark(store: Store, by: Asker, owner: str, record_keys: Sequence[str], mark: str, now: datetime) -> None:
    """End a mark of this owner's from now on; what another still hides stays hidden. Raises as :func:`set_mark`."""
    _check_mark(store, by, owner, mark, now)
    _note(store, by, "mark", record_keys, {"event": "lifted", "mark": mark, "owner": owner}, now)
    with store.write(Login.GATE) as gate:
        tables.end_marks(gate, owner, record_keys, mark, now)
    hide(store, owner, record_keys, now)


def hide(store: Store, owner: str, record_keys: Sequence[str], now: datetime, *, coming: str = "") -> None:
    """Take out of the search what the marks of some records hide, and put back what no mark hides any more.

    For a shielded child these are the fields that tell a location; a sealed identity is out of the search altogether.
    What is out of it costs no search any work, so that neither results nor time tell a hidden match from none.
    ``coming`` is a mark that is about to be set.
    """
    with store.read(Login.GATE) as gate:
        marked = tables.marks_now(gate, record_keys, now)
    with store.write(Login.IDENTITY, owner) as identity:
        for record_key, marks in marked.items():
            for partition, names in parted(marks | {coming}, fields()).items():
                move_lookups(identity, owner, record_key, partition, names)


def marks_held(store: Store, now: datetime, seen: str = "") -> tuple[str, dict[str, set[str]] | None]:
    """Every mark that holds, by record, for the room that keeps a search in memory; None when none changed since.

    ``seen`` is what was returned beside the marks the last time.
    """
    with store.read(Login.GATE) as gate:
        stamp = tables.marks_stamp(gate, now)
        return stamp, None if stamp == seen else tables.every_mark(gate, now)


def parted(marks: Collection[str], names: Iterable[str]) -> dict[Partition, list[str]]:
    """Which of these fields may be searched for a record with some marks, and which lie apart."""
    places = {field.name for field in fields().values() if field.location}
    found: dict[Partition, list[str]] = {partition: [] for partition in Partition}
    for name in names:
        apart = "sealed-identity" in marks or ("shielded" in marks and name in places)
        found[Partition.SHIELDED if apart else Partition.OPEN].append(name)
    return found


def approve(store: Store, by: Asker, question: str, now: datetime) -> None:
    """Approve another person's question, by its reference; it holds for a day.

    Raises:
        Refused: when somebody asks who does not hold, now, the role of custodian or information governance.
    """
    check_officer(store, by, [by.organisation], now, ("adoption-custodian", "information-governance"))
    body = {"question": question, "by": by.user, "organisation": by.organisation}
    ledger.append(store, "approval", body, now)
    with store.write(Login.GATE) as gate:
        tables.approve(gate, question, by.user, now)


def _mark(store: Store, by: Asker, owner: str, record_keys: Sequence[str], mark: str, now: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {
            "id": token_hex(16),
            "owner": owner,
            "record_key": record_key,
            "received_at": now,
            "basis": "public task",
            "retention": KEPT_FOR,
            "mark": mark,
            "since": now,
            "until": None,
            "set_by": by.user,
        }
        for record_key in record_keys
    ]
    hide(store, owner, record_keys, now, coming=mark)
    with store.write(Login.GATE) as gate:
        tables.mark(gate, rows)
    hide(store, owner, record_keys, now)  # what was kept in the meantime


def _check_mark(store: Store, by: Asker, owner: str, mark: str, now: datetime) -> None:
    if mark not in MARKS:
        raise Invalid(f"A mark is one of {', '.join(MARKS)}.")
    check_officer(store, by, [owner], now)


def _note(store: Store, by: Asker, kind: str, about: Sequence[str], body: dict[str, Any], now: datetime) -> None:
    references = [reference for key in about for reference in ledger.references_to(store, key)[:1]]
    ledger.append(store, kind, {**body, "by": by.user, "organisation": by.organisation}, now, references)
