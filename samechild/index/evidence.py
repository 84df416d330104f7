"""Why two records look like one child or do not, worked out from what the reader may see and nothing else.

A comparison of addresses would tell a reviewer whether a shielded child's hidden address is the one beside it. So the
evidence shown is never the engine's own: the pair is weighed again as if what is hidden were not recorded at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import combinations

import msgspec

from samechild.errors import Refused
from samechild.index.keying import key_of
from samechild.index.live import Live
from samechild.index.review_reading import read_records
from samechild.index.side_by_side import LEAST_BITS, Step, comparable, probability, short_title, waterfall
from samechild.records import Record, fields
from samechild.records.disclosure import Asker
from samechild.storage import Store

FAMILY = "Twins or siblings"
MOST_OTHERS = 12
MOST_WEIGHED = 40
MOST_AT_ONE_POSTCODE = 200


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for and against two records being of one child: steps in bits that add up to ``weight``."""

    steps: tuple[Step, ...]
    weight: float
    probability: float


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """Another child near the two records, by who they are and never where: it does not print who."""

    child: str
    name: str
    date_of_birth: str
    sex: str
    why: str
    same_day: bool  # born the same day as one of the two: a twin, perhaps

    def __repr__(self) -> str:
        return f"Other(child={self.child!r}, why={self.why!r}, person=hidden)"


def evidence(alive: Live, one: Mapping[str, str], other: Mapping[str, str], today: date) -> Evidence:
    """Weigh two records by the values given, with each piece of the evidence."""
    matcher = alive.matcher
    left, right = matcher.prepare(comparable(one, today)), matcher.prepare(comparable(other, today))
    weighed = matcher.weigh(left, right)
    pieces = list(matcher.evidence(weighed.levels, left, right))
    prior = weighed.two_class - sum(bits for _, _, bits in pieces)
    family = weighed.weight - weighed.two_class
    if abs(family) >= LEAST_BITS:
        pieces.append((FAMILY, "what family members share says less", family))
    return Evidence(
        steps=tuple(waterfall(prior, pieces, title_of)),
        weight=weighed.weight,
        probability=probability(weighed.weight),
    )


def title_of(comparison: str) -> str:
    """The name of a comparison as people say it."""
    return short_title(comparison) if comparison in fields() else comparison.replace("_", " ").capitalize()


def weights(alive: Live, records: Mapping[str, Mapping[str, str]], today: date) -> dict[tuple[str, str], float]:
    """The match weight of each two of some records, by their keys, by the values given; of the first 40 records."""
    matcher = alive.matcher
    them = {key: matcher.prepare(comparable(values, today)) for key, values in list(records.items())[:MOST_WEIGHED]}
    return {(a, b): matcher.weigh(them[a], them[b]).weight for a, b in combinations(them, 2)}


def household(
    store: Store,
    by: Asker,
    alive: Live,
    records: Iterable[Mapping[str, str]],
    leave_out: Iterable[str],
    now: datetime,
) -> list[Other]:
    """Other children near two records: of the same surname at the same address, or of the same surname and birth day.

    Siblings and twins are what two records of one family are most often taken for. Only values that may be searched
    are compared, so that where a shielded child lives cannot be read from the list; the gate decides who is named.

    Args:
        store: the open installation.
        by: who looks.
        alive: the space in memory.
        records: the two records' values, as this person may see them.
        leave_out: the children of the two records.
        now: when.
    """
    alive.marks_up_to_date(now)
    copy, skip, today = alive.copy, set(leave_out), now.date()
    them = [comparable(values, today) for values in records]
    near: dict[str, str] = {}  # record key by child
    for record in them:
        for row in (*copy.near(copy.values_of(record)), *_at_postcode(alive, record)):
            child, key = copy.child(row), copy.record_key(row)
            its = dict(zip(copy.columns, copy.searchable(row), strict=True))
            if not child or child in skip or len(near) >= MOST_OTHERS or alive.is_sealed(key):
                continue
            if _why(record, its):
                near.setdefault(child, key)
    there = {key: copy.row_of(key) for key in near.values()}
    whose = {key: copy.owner(at) for key, at in there.items() if at is not None}
    if not whose:
        return []
    try:
        told = read_records(store, by, whose, now, batch="household")
    except Refused:
        return []
    others = [_other(child, told[key], them, today) for child, key in near.items() if key in told]
    found = [each for each in others if each.why]
    return sorted(found, key=lambda each: (not each.same_day, each.date_of_birth, each.name, each.child))


def _at_postcode(alive: Live, record: Record) -> list[int]:
    """The rows at a record's postcode; none where so many are there that it says nothing of a household."""
    postings = alive.copy.found_by.get("postcode")
    if postings is None or not record.postcode:
        return []
    return list(postings.few(key_of(record.postcode), MOST_AT_ONE_POSTCODE) or [])


def _other(child: str, values: Mapping[str, str], them: Iterable[Record], today: date) -> Other:
    """Another child, near by what this reader may see of it and of nothing else."""
    its = comparable(values, today)
    seen = {name: getattr(its, name) for name in ("surname", "postcode", "uprn", "date_of_birth")}
    reasons = [why for record in them if (why := _why(record, seen))]
    name = " ".join(word for word in (values.get("forename", ""), values.get("surname", "")) if word)
    return Other(
        child=child,
        name=name or values.get("full_name", ""),
        date_of_birth=values.get("date_of_birth", ""),
        sex=values.get("sex", ""),
        why=reasons[0] if reasons else "",
        same_day=bool(its.date_of_birth) and any(record.date_of_birth == its.date_of_birth for record in them),
    )


def _why(mine: Record, its: Mapping[str, object]) -> str:
    def both(name: str) -> bool:
        value = getattr(mine, name)
        return value is not None and value == its.get(name)

    if not both("surname"):
        return ""
    if both("uprn") or both("postcode"):
        return "the same surname and address"
    return "the same surname and date of birth" if both("date_of_birth") else ""
