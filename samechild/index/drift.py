"""What each agency holds that differs from what others hold of the same child: the shared work of cleaning data.

An agency is told of its own records only: the value it holds, how another record differs, and whether its own value or
the other stands better by the rules of the core record. Another agency's value is never told, nor which agency it is;
and a record is compared at all only where an agreement lets the asker see what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from secrets import token_hex

import msgspec
import pyarrow as pa

from samechild.demographics.address import read_postcode
from samechild.demographics.dates import DateReading, read_date
from samechild.demographics.numbers import CHECKS, read_number
from samechild.index.core_fields import FIELDS, ORDER, Among, Claim
from samechild.index.differences import MILD, WORDS, Difference, worst
from samechild.index.records import Held
from samechild.index.survivorship import best, claims_of, made_comparable
from samechild.records import Record, fields
from samechild.records.types import Sector

UNREADABLE = "cannot be read"
"""The kind of a value that is none: an impossible date, a number whose check digit is wrong."""

YOURS, ANOTHER, NEITHER = "yours", "another", "neither"
"""Which value stands better: the agency's own, another record's, or neither without a person."""

STANDS = {
    YOURS: "your value stands",
    ANOTHER: "another value stands",
    NEITHER: "somebody should look",
}
_TOLD = frozenset(Difference) - MILD | {Difference.FORMER, Difference.LESS}
"""Differences that an agency is told of: a nickname or another kind of code is no fault of data."""

_DATES = ("date_of_birth",)
_POSTCODES = ("postcode", "previous_postcode")


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One value of an agency's own record that differs from another record of the child. It does not print it.

    ``kind`` is a :class:`samechild.index.differences.Difference` or :data:`UNREADABLE`, in the words of a page.
    ``against`` names the agency's own other sources that differ, and says when another agency's record does.
    """

    record_key: str
    source: str
    record_id: str
    field: str
    held_here: str
    kind: str
    against: str
    stands: str
    why: str

    def __repr__(self) -> str:
        return f"Drift(record_key={self.record_key!r}, field={self.field!r}, held_here=hidden)"


class Drifts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an agency should look at in a space: lines in order of source and record, and how much was compared.

    ``compared`` counts the agency's own records that stand beside another record of their child.
    """

    organisation: str
    lines: tuple[Drift, ...]
    records: int
    compared: int

    def counts(self) -> list[tuple[str, str, int]]:
        """How many lines there are by source and field, the most first."""
        found = Counter((line.source, line.field) for line in self.lines)
        return [(source, field, number) for (source, field), number in sorted(found.items(), key=_most_first)]

    def by_field(self) -> list[tuple[str, int]]:
        """How many lines there are by field, the most first."""
        found = Counter((line.field,) for line in self.lines)
        return [(field, number) for (field,), number in sorted(found.items(), key=_most_first)]


def _most_first(counted: tuple[tuple[str, ...], int]) -> tuple[int, tuple[str, ...]]:
    return (-counted[1], counted[0])


def drift_of(organisation: str, records: Sequence[Held], sectors: Mapping[str, Sector], today: date) -> list[Drift]:
    """Say what an organisation holds of one child that differs from the other records of it.

    Args:
        organisation: whose records are to be cleaned.
        records: the child's records that the organisation may see, its own among them, in any order.
        sectors: the sector of each organisation.
        today: the day, by which dates are read.
    """
    made = made_comparable(records, today)
    found = [line for held, record in made if held.owner == organisation for line in _unreadable(held, record, today)]
    for field in FIELDS:
        claims = claims_of(field, made)
        if field.per_owner:
            claims = [claim for claim in claims if claim.owner == organisation]
        if len(claims) > 1:
            found += _of_field(organisation, Among(field=field, claims=claims, sectors=sectors), made)
    return sorted(found, key=lambda line: (line.source, line.record_id, line.record_key, line.field, line.kind))


def _of_field(organisation: str, among: Among, made: Sequence[tuple[Held, Record]]) -> list[Drift]:
    chosen, rule = best(among)
    ids = {held.record_key: held.values.get("record_id", "") for held, _ in made}
    lines = []
    for claim in among.claims:
        if claim.owner != organisation:
            continue
        apart = [
            (other, among.field.compare(claim.record, other.record)) for other in among.claims if other is not claim
        ]
        differing = [(other, difference) for other, difference in apart if difference in _TOLD]
        if not differing:
            continue
        ours = among.field.compare(chosen.record, claim.record)
        stands = YOURS if ours is None else ANOTHER
        if ours is None and all(difference in MILD for _, difference in differing):
            continue
        if rule is ORDER:
            stands = NEITHER
        lines.append(
            Drift(
                record_key=claim.record_key,
                source=claim.source,
                record_id=ids[claim.record_key],
                field=among.field.title,
                held_here=claim.given,
                kind=WORDS[ours if ours in _TOLD else _plainest(differing)],
                against=_against(organisation, [other for other, _ in differing]),
                stands=stands,
                why=rule.words,
            )
        )
    return lines


def _plainest(differing: Sequence[tuple[Claim, Difference | None]]) -> Difference:
    return worst([difference for _, difference in differing]) or Difference.OTHER


def _against(organisation: str, others: Sequence[Claim]) -> str:
    own = sorted({other.source for other in others if other.owner == organisation})
    outside = ["another agency's record"] if any(other.owner != organisation for other in others) else []
    return "; ".join([*(f"your own {source}" for source in own), *outside])


def _unreadable(held: Held, record: Record, today: date) -> list[Drift]:
    """Values of a record that say something and are none."""
    found = []
    for name, value in sorted(held.values.items()):
        if not value.strip() or not _is_problem(name, value, today):
            continue
        found.append(
            Drift(
                record_key=held.record_key,
                source=held.source,
                record_id=held.values.get("record_id", ""),
                field=fields()[name].title.split(":")[0].split(",")[0],
                held_here=value.strip(),
                kind=UNREADABLE,
                against="",
                stands=NEITHER,
                why="it is not a value of this kind, or its check digit is wrong",
            )
        )
    return found


def _is_problem(name: str, value: str, today: date) -> bool:
    if name in _DATES:
        return read_date(value, DateReading(today)).problem is not None
    if name in _POSTCODES:
        return read_postcode(value)[1] is not None
    return name in CHECKS and name != "la_child_id" and read_number(name, value).problem is not None


COLUMNS = {
    "source": "Source",
    "record_id": "Record",
    "field": "Field",
    "held_here": "Held here",
    "kind": "How it differs",
    "against": "From what it differs",
    "stands": "Which stands better",
    "why": "Because",
}
"""The columns of a download and their headings."""


def drift_table(found: Drifts) -> pa.Table:
    """The lines as a table of text for a download, with headings that people read."""
    lines = [{**{name: getattr(line, name) for name in COLUMNS}, "stands": STANDS[line.stands]} for line in found.lines]
    columns = {words: pa.array([line[name] for line in lines], pa.string()) for name, words in COLUMNS.items()}
    return pa.table(columns)


def batch_name() -> str:
    """A name under which the ledger keeps together what one run was allowed and showed."""
    return f"drift-{token_hex(8)}"
