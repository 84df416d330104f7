"""The nouns of the index: a record that arrives, the child it is found to be of, and the events that say so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from samechild.policy.vault_actions import ADDRESS, IDENTITY

WHO = (IDENTITY, ADDRESS)
"""The record types in which an index record's identity is kept."""


class Kind(StrEnum):
    """What an event did."""

    FOUND = "found"  # a child of whom nothing was known before
    LINK = "link"  # a record was found to be of a child
    UNLINK = "unlink"  # a record turned out to be of another child
    MERGE = "merge"  # two children turned out to be one; the second's identifier leads to the first from now on
    SPLIT = "split"  # one child turned out to be two
    UNDO = "undo"  # an earlier event was taken back, exactly
    BORN = "born"  # an unborn child was born
    PART = "part"  # two records were ruled to be of two children
    ALLOW = "allow"  # that ruling was lifted
    RENUMBER = "renumber"  # a number was superseded, invalidated, or issued again
    SEAL = "seal"  # an adopted child's former identity was closed
    ERASE = "erase"  # a record was erased
    CHANGE = "change"  # a record says something else than before; no line of the index changed


class Apart(StrEnum):
    """Why two records are never matched again."""

    SPLIT = "split"  # they were taken apart
    SAID = "said different"  # a person compared them
    PROTECTED = "protected"  # two identities of an adopted child: named nowhere


class Change(msgspec.Struct, frozen=True):
    """One line of the index that an event changed: what kind of line, its key, and its value before and after.

    The lines are ``member`` (record key to child), ``child`` (``live``, ``unborn``, ``erased`` or ``merged:CHILD``),
    ``apart`` (token of two records to an :class:`Apart`), ``number`` (token to what became of it), ``sealed`` (record
    key to the reason's code) and ``gone`` (a child whose making was undone, to the child its records went back to, or
    ``erased``). An empty value means that there is no such line.
    """

    what: str
    key: str
    before: str
    after: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in a space. Events are only ever added; the index is what they add up to.

    ``number`` counts all events of an installation without gaps, in the order of their commits. ``by`` is the person
    who decided, or empty when the engine did. ``why`` holds codes and weights, never a value of a record.
    ``state_hash`` is the digest of the whole space afterwards.
    """

    number: int
    space: str
    at: datetime
    kind: Kind
    by: str = ""
    child: str = ""
    other: str = ""
    changes: tuple[Change, ...] = ()
    undoes: int = 0
    why: dict[str, Any] = {}
    state_hash: str = ""


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """Where children are told apart: one organisation's own, or a joint one that an agreement names.

    An organisation's own space is called by the organisation's id and has it as its only member.
    """

    space: str
    title: str
    members: tuple[str, ...]
    agreement: str = ""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it arrives from a source: values by field of :class:`samechild.records.Record`, as the agency wrote.

    ``changed_on``: when the source last changed it, if it says so; what is older than what is kept is left out.
    ``signs``: codes that change what may be done with the record, such as the end reasons E11 and E12 (adopted),
    ``adopted`` (a placed-for-adoption date) or ``unborn``. ``record_key``: the opaque key under which a room above
    keeps what is known about the child already; it counts for a record not seen before, and is drawn when empty.
    """

    owner: str
    source: str
    record_id: str
    given: Mapping[str, str]
    changed_on: date | None = None
    signs: tuple[str, ...] = ()
    basis: str = "public task"
    record_key: str = ""


class Outcome(StrEnum):
    """What became of a record that arrived."""

    JOINED = "joined"
    NEW = "new"
    ASK = "ask"  # it stands alone as a child of its own until a person has answered
    KEPT = "kept"  # known already: nothing or nothing that matters has changed
    STALE = "stale"  # older than what is kept: left out


class Piece(msgspec.Struct, frozen=True):
    """One piece of evidence: the comparison's name, the level reached in words, and its weight in bits."""

    comparison: str
    words: str
    weight: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A child the record may be of, with the strongest of its records and the evidence between the two."""

    child: str
    record_key: str
    weight: float  # match weight in bits
    probability: float
    evidence: tuple[Piece, ...] = ()
    ground: str = ""  # what else speaks for or against it, in words


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one record: its child, how that was found, and what a person was asked.

    ``merged`` names children that this record showed to be the same as ``child``. ``questions`` are the ids of the
    questions in the review queue.
    """

    outcome: Outcome
    record_key: str
    child: str
    candidates: tuple[Candidate, ...] = ()
    merged: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a child as the asker may see it: values as given, and what was hidden from them.

    It does not print its values.
    """

    record_key: str
    owner: str
    source: str
    received_at: datetime
    values: dict[str, str]
    hidden: tuple[str, ...] = ()
    number: str = "none"  # what may be done with the national number: none, search, see, pseudonym

    def __repr__(self) -> str:
        return f"Held(record_key={self.record_key!r}, owner={self.owner!r}, values=hidden)"


class ChildRead(msgspec.Struct, frozen=True, kw_only=True):
    """A child as one asker may see it: the records their permits open, from every organisation that let them.

    ``asked`` is the identifier that was asked for, ``child`` the one it leads to now; ``state`` live, unborn or erased.
    """

    space: str
    asked: str
    child: str
    state: str
    records: tuple[Held, ...]
