"""What the Department for Education looked at of an organisation's records, when and why: read from the ledger.

The department may read what councils send for a closed list of purposes. Each time it is allowed to, the owner is told
(the duty ``visible-to-owner``); here the owner sees all of it in one list. Codes and counts: nothing of a child.

Source: the early-adopter scheme's principles for data collection and use; UK GDPR Article 5(2), accountability.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from samechild.errors import Refused
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.ledger import Entry
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

TOLD = "visible-to-owner"
NEWEST = 2**31 - 1
"""No entry that anybody was told of has a greater number: the column holds no greater one."""

OUTCOME_WITHIN = 50
"""An outcome is looked for among so many entries after its decision; one further off is not shown in the list."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One time that the department was allowed to look: who, for what, at which kind of record, and how many.

    ``asked`` is how many records the question named, ``shown`` how many were then shown; None: the outcome stands
    further on in the ledger, or nothing was shown.
    """

    entry: int
    at: datetime
    organisation: str
    role: str
    purpose: str
    record_type: str
    mode: str
    agreement: str
    asked: int
    shown: int | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and at how many records, the department looked for one purpose, among the looks listed."""

    purpose: str
    looks: int
    asked: int


def looked_at(store: Store, by: Asker, before: int | None = None, limit: int = 50) -> list[Look]:
    """What the department looked at of the asker's own organisation's records, the newest first.

    Args:
        store: the open installation.
        by: an officer or access manager of the organisation.
        before: entries numbered below this one; None: the newest.
        limit: so many at most.

    Raises:
        Refused: when the role does not look after this.
    """
    if by.role not in ("information-governance", "access-manager", "data-quality-officer"):
        raise Refused("What the department looked at is shown to your officers and access managers.")
    with store.read(Login.GATE) as gate:
        newest = NEWEST if before is None else min(before, NEWEST)
        numbers = tables.told_of(gate, by.organisation, TOLD, newest, limit)
        found = []
        for number in numbers:
            entry = ledger.entries(gate, before=number + 1, limit=1)[0]
            after = ledger.entries(gate, before=number + 1 + OUTCOME_WITHIN, kind="outcome", limit=OUTCOME_WITHIN)
            found.append(_look(entry, after))
    return [look for look in found if look is not None]


def totals(looks: Sequence[Look]) -> list[Totals]:
    """The looks of a list by purpose, in the order of the alphabet."""
    return [
        Totals(
            purpose=purpose,
            looks=sum(look.purpose == purpose for look in looks),
            asked=sum(look.asked for look in looks if look.purpose == purpose),
        )
        for purpose in sorted({look.purpose for look in looks})
    ]


def _look(entry: Entry, after: Sequence[Entry]) -> Look | None:
    body = entry.body
    if entry.kind != "decision":
        return None
    shown = next((each.body["shown"] for each in after if each.body.get("decision") == entry.number), None)
    return Look(
        entry=entry.number,
        at=entry.at,
        organisation=body["organisation"],
        role=body["role"],
        purpose=body["purpose"],
        record_type=body["type"],
        mode=body["mode"],
        agreement=body["agreement"],
        asked=body["records"],
        shown=shown,
    )
