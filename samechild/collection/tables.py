"""What is known of councils' children as flat tables, for those who count, study and serve: content under opaque keys.

The columns are made from the declared types of :mod:`samechild.collection.records`: a field that says who a child is (a
date of birth too) or where (a placement's postcode) has no column; a council's own id of a thing becomes an opaque key.
A worker is a token, the same wherever the worker appears within one authority. Codes that are sent as a set have a
table of their own with a row for each. When a council no longer sends something that it sent before, the row says since
when: it may have been deleted at source, or have left the council's history window.

The sector's dataset copies a child's one adoption row and one care leaver row into every episode of the child; of rows
that say the same, only the one of the earliest referral is given here, so that counting rows counts events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from samechild.collection import records as r
from samechild.collection.merge import Held, child_of
from samechild.collection.parts import Part, Role, parts, sets_in, things_in
from samechild.collection.paths import paths
from samechild.records import Sensitivity

TokenOf = Callable[[str], str]
"""Makes an opaque key of a text: ``RECORD_KEY/PATH`` for a thing, ``worker/AUTHORITY/ID`` for a worker."""

Row = dict[str, Any]


class Kind(StrEnum):
    """What a column holds: text or a code, a day, yes or no, a whole number."""

    TEXT = "text"
    DAY = "day"
    FLAG = "yes or no"
    NUMBER = "whole number"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column: its name and title, what it holds, how private it is, and where it comes from.

    ``codes`` names its code set, ``item`` is its number in the published list of data items, ``source`` the field of
    the specification; empty when it is made here.
    """

    name: str
    title: str
    kind: Kind = Kind.TEXT
    sensitivity: Sensitivity = Sensitivity.TECHNICAL
    codes: str = ""
    item: int = 0
    source: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table: its name, what a row of it is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]


RECORD_KEY = Column(name="record_key", title="Opaque key of the child's record")
AUTHORITY = Column(name="authority", title="Three-digit number of the authority that sends the child")
UNSENT = Column(name="no_longer_sent_since", title="Since when the authority no longer sends it", kind=Kind.DAY)

_OF: dict[type, tuple[str, str, str]] = {
    r.Episode: ("episodes", "episode", "a social care episode, from referral to closure"),
    r.CareWorker: ("workers", "", "an allocation of a worker to an episode"),
    r.Assessment: ("assessments", "assessment", "a child and family assessment"),
    r.NeedPlan: ("need_plans", "need_plan", "a child in need plan"),
    r.Enquiry: ("enquiries", "enquiry", "a section 47 enquiry"),
    r.ProtectionPlan: ("protection_plans", "protection_plan", "a child protection plan"),
    r.Placement: ("placements", "placement", "a placement of a looked-after child"),
    r.Adoption: ("adoptions", "", "what is known of an adoption"),
    r.CareLeaver: ("care_leavers", "", "the latest contact with a care leaver"),
    r.SdqAssessment: ("sdq_assessments", "", "a result of a strengths and difficulties questionnaire"),
}
"""The name of each type's table, of its key (where it has an id), and what a row is."""

_SETS = {"disabilities": ("disabilities", "disability"), "factors": ("assessment_factors", "factor")}
"""The table and the column of each field that is a set of codes."""

_NAMED = {"worker_id": "worker_key"}
"""Fields that are told only as an opaque key."""

_IN_EPISODE = {part.kind for part in things_in(r.Episode)}
_ONCE = (r.Adoption, r.CareLeaver)


@cache
def tables() -> tuple[Table, ...]:
    """Every table, the children first."""
    children = Table(
        name="children",
        row="a child",
        columns=(RECORD_KEY, AUTHORITY, *_columns(r.Details, "child_details")),
    )
    return (children, *_sets(r.Details, "child_details", ()), *_tables_below(r.Child, ""))


@cache
def table_of(name: str) -> Table:
    """One table by its name; raises KeyError when there is none."""
    return {table.name: table for table in tables()}[name]


def rows_of(record_key: str, held: Held, authority: str, token_of: TokenOf) -> dict[str, list[Row]]:
    """One child's rows by table: every table, columns as declared, missing values None, days as dates.

    Args:
        record_key: the opaque key of the child's record.
        held: what is held; its content half is enough.
        authority: the three-digit number of the authority.
        token_of: makes opaque keys; the same text always gives the same key.
    """
    child = child_of(held)
    found: dict[str, list[Row]] = {table.name: [] for table in tables()}
    keys: Row = {"record_key": record_key, "authority": authority}
    workers = f"worker/{authority}/"
    details = child.child_details or r.Details()
    found["children"].append({**keys, **_values(details)})
    _add_sets(found, details, keys)
    episode_key = ""
    for path, thing in _in_order(child):
        if type(thing) not in _OF:
            continue
        name, key, _ = _OF[type(thing)]
        row = dict(keys)
        if isinstance(thing, r.Episode):
            episode_key = token_of(f"{record_key}/{path}")
        if type(thing) in _IN_EPISODE or isinstance(thing, r.Episode):
            row["episode_key"] = episode_key
        if key and key != "episode":
            row[f"{key}_key"] = token_of(f"{record_key}/{path}")
        values = _values(thing)
        if values.get("worker_key"):
            values["worker_key"] = token_of(workers + values["worker_key"])
        if type(thing) in _ONCE and any(_same(values, each) for each in found[name]):
            continue
        row |= values
        if _may_be_unsent(type(thing)):
            since = held.unreported.get(path)
            row[UNSENT.name] = date.fromisoformat(since) if since else None
        found[name].append(row)
        _add_sets(found, thing, {**keys, **({f"{key}_key": row[f"{key}_key"]} if key else {})})
    return found


def _in_order(child: r.Child) -> Iterator[tuple[str, Any]]:
    """Everything of a child by path, the episodes by their referral."""
    episodes = sorted(child.social_care_episodes or (), key=lambda each: each.referral_date or date.max)
    return paths(msgspec.structs.replace(child, social_care_episodes=tuple(episodes)))


def _same(values: Row, row: Row) -> bool:
    return all(row[name] == value for name, value in values.items())


def _values(thing: Any) -> Row:
    """The values of a thing that have a column."""
    kind: type = type(thing)
    return {_NAMED.get(part.name, part.name): getattr(thing, part.name) for part in _told(kind)}


def _add_sets(found: dict[str, list[Row]], thing: Any, keys: Row) -> None:
    kind: type = type(thing)
    for part in sets_in(kind):
        name, column = _SETS[part.name]
        found[name] += [{**keys, column: code} for code in getattr(thing, part.name) or ()]


# --- columns, from the declared types -------------------------------------------------------------------------------


@cache
def _told(kind: type) -> tuple[Part, ...]:
    """The fields of a type that have a column: neither sets of codes, nor who the child is, nor ids of things."""
    own_id = {part.key for part in (*parts(r.Child), *parts(r.Episode)) if part.key}
    return tuple(
        part for part in parts(kind) if part.role is Role.VALUE and not part.identity and part.name not in own_id
    )


def _columns(kind: type, source: str) -> tuple[Column, ...]:
    return tuple(_column(kind, part, source) for part in _told(kind))


def _column(kind: type, part: Part, source: str) -> Column:
    field = r.declared(kind)[part.name]
    name = _NAMED.get(part.name, part.name)
    return Column(
        name=name,
        title=field.title if name == part.name else "Opaque key of the worker, the same in all rows of the authority",
        kind=_kind(get_type_hints(kind)[part.name]),
        sensitivity=field.sensitivity,
        codes=field.codes,
        item=field.item,
        source=f"{source}.{part.name}",
    )


def _kind(hint: Any) -> Kind:
    held = next(each for each in (*get_args(hint), hint) if each is not type(None))
    return {bool: Kind.FLAG, date: Kind.DAY, int: Kind.NUMBER}.get(held, Kind.TEXT)


def _may_be_unsent(kind: type) -> bool:
    return bool(_OF[kind][1]) or kind is r.CareWorker


def _key_column(kind: type) -> tuple[Column, ...]:
    key = _OF[kind][1]
    return (Column(name=f"{key}_key", title=f"Opaque key of the {key.replace('_', ' ')}"),) if key else ()


def _tables_below(kind: type, source: str) -> Iterator[Table]:
    for part in things_in(kind):
        many = "[]" if part.role is not Role.SECTION else ""
        place = f"{source}.{part.name}{many}" if source else f"{part.name}{many}"
        if part.kind in _OF:
            yield _table(part.kind, place)
            yield from _sets(part.kind, place, _key_column(part.kind))
        yield from _tables_below(part.kind, place)


def _table(kind: type, source: str) -> Table:
    name, _, row = _OF[kind]
    episode = _key_column(r.Episode) if kind in _IN_EPISODE else ()
    unsent = (UNSENT,) if _may_be_unsent(kind) else ()
    columns = (RECORD_KEY, AUTHORITY, *episode, *_key_column(kind), *_columns(kind, source), *unsent)
    return Table(name=name, row=row, columns=columns)


def _sets(kind: type, source: str, keys: tuple[Column, ...]) -> Iterator[Table]:
    for part in sets_in(kind):
        name, column = _SETS[part.name]
        field = r.declared(kind)[part.name]
        one = Column(
            name=column,
            title=field.title,
            sensitivity=field.sensitivity,
            codes=field.codes,
            item=field.item,
            source=f"{source}.{part.name}[]",
        )
        whose = _OF[kind][2] if kind in _OF else "a child"
        yield Table(name=name, row=f"a code of {whose}", columns=(RECORD_KEY, AUTHORITY, *keys, one))
