"""The bodies and answers of the index's operations, declared once for what is taken and what the documentation says."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from samechild.index.exchange import given_columns
from samechild.index.spaces import PURPOSE
from samechild.index.telling import Changed
from samechild.web.api_operations import (
    WRITTEN,
    BasisName,
    ConditionName,
    ConfidenceName,
    Opaque,
    OpaqueOrNone,
    PowerName,
    PurposeName,
)

Written = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=WRITTEN)]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=WRITTEN)]
Given = Annotated[
    dict[str, Value],
    msgspec.Meta(
        min_length=1,
        description="What the record says, by field, as it is written there; leave out what is blank.",
        extra_json_schema={"propertyNames": {"enum": given_columns()}},
    ),
]
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Sign = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]{1,20}$")]


class RecordSent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record as its source holds it. ``signs``: codes such as E11 and E12 (adopted), ``adopted`` or ``unborn``."""

    record_id: Written
    given: Given
    changed_on: date | None = None
    signs: Annotated[tuple[Sign, ...], msgspec.Meta(max_length=10)] = ()


class IdentifyAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records of one source to be found their children. Sent again they change nothing."""

    source: Written
    records: Annotated[tuple[RecordSent, ...], msgspec.Meta(min_length=1, max_length=500)]
    space: OpaqueOrNone = ""


class EvidenceTold(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence: what was compared, how far it agrees in words, and its weight in bits."""

    comparison: str
    words: str
    weight: float


class CandidateTold(msgspec.Struct, frozen=True, kw_only=True):
    """A child a record may be of: match weight in bits, probability, and why."""

    child: str
    weight: float
    probability: float
    evidence: list[EvidenceTold]
    ground: str


class IdentifiedTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a record. ``merged`` names children that it showed to be the same; they lead to ``child``."""

    record_id: str
    outcome: Literal["joined", "new", "ask", "kept", "stale"]
    record_key: str
    child: str
    candidates: list[CandidateTold]
    merged: list[str]
    questions: int


class IdentifyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each record, in the order in which they were sent."""

    results: list[IdentifiedTold]


class RecordTold(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a child as the caller may see it. ``number``: what may be done with the national number."""

    record_key: str
    owner: str
    source: str
    received_at: datetime
    values: dict[str, str]
    hidden: list[str]
    number: str


class ChildTold(msgspec.Struct, frozen=True, kw_only=True):
    """A child as the caller may see it; ``child`` is the identifier to use from now on."""

    space: str
    asked: str
    child: str
    state: str
    records: list[RecordTold]


class GroundsAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which purpose, and resting on what, something about children is asked for."""

    purpose: PurposeName = PURPOSE
    power: PowerName = ""
    basis: BasisName = ""
    condition: ConditionName = ""
    confidence: ConfidenceName = ""


class ReadAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read a child's records."""

    space: OpaqueOrNone = ""
    grounds: GroundsAsked = GroundsAsked()


class SearchAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Search as in the one box of the page: names, a date or age, a postcode or area, any number, in any order."""

    text: Written
    space: OpaqueOrNone = ""
    grounds: GroundsAsked = GroundsAsked()


class HitTold(msgspec.Struct, frozen=True, kw_only=True):
    """A child that was found: ``score`` in bits, and why, in words that repeat nothing that was searched for."""

    child: str
    score: float
    reasons: list[str]


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The children found, best first; ``more``: there are others; ``advice``: what to add or mend."""

    hits: list[HitTold]
    more: bool
    advice: str
    unread: list[str]


class MergeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``gone`` is the same child: its identifier leads to this one from now on."""

    gone: Opaque
    note: Note
    space: OpaqueOrNone = ""


class SplitAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """These records are of another child."""

    record_keys: Annotated[tuple[Opaque, ...], msgspec.Meta(min_length=1, max_length=100)]
    note: Note
    space: OpaqueOrNone = ""


class PairAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two records that may be matched again."""

    other: Opaque
    note: Note
    space: OpaqueOrNone = ""


class NoteAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is done, for whoever looks at it later; kept sealed."""

    note: Note
    space: OpaqueOrNone = ""


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: the event's number, by which it can be undone."""

    number: int
    at: datetime
    kind: str
    child: str
    other: str


class ChangesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Changes in their order, the cursor to ask with next, and whether more is waiting already."""

    space: str
    changes: list[Changed]
    next: str
    more: bool


class SpaceTold(msgspec.Struct, frozen=True, kw_only=True):
    """An index space that the caller's organisation is a member of."""

    space: str
    title: str
    joint: bool
    agreement: str


class SpacesTold(msgspec.Struct, frozen=True, kw_only=True):
    """The spaces the caller may use, its own first."""

    spaces: list[SpaceTold]
