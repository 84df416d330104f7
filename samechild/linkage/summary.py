"""The nouns of a run's summary: everything the report shows and ``run.json`` keeps, as counts and shares only.

Nothing here names a child: no name, number, id or example record, and no count of fewer than ten children of a group.
"""

from __future__ import annotations

import msgspec

SMALL = 10
"""A group of fewer records than this is shown as "fewer than 10", without figures."""


class BlockingCount(msgspec.Struct, frozen=True):
    """What one blocking rule did: only pairs that agree on all parts of some rule are compared."""

    rule: str
    pairs: int
    only_here: int  # pairs that no other rule found
    largest_block: int  # records in the largest block that was compared
    skipped_blocks: int = 0  # too large to compare
    skipped_records: int = 0


class Families(msgspec.Struct, frozen=True):
    """Family relations found while linking, and how many pairs were kept apart by order of a person."""

    twin_sets: int
    sibling_pairs: int
    never_linked: int = 0  # pairs of the never-link list that applied
    restricted: int = 0  # pairs sent to a named person instead of the review list


class Bar(msgspec.Struct, frozen=True):
    """Pairs with a match weight from ``low`` (included) to ``high`` (not included), by decision."""

    low: float
    high: float
    same: int
    ask: int
    different: int


class Lines(msgspec.Struct, frozen=True):
    """The thresholds as match weights in bits: joined at ``join`` or more, a person asked from ``ask`` on."""

    join: float
    ask: float
    split: float
    floor: float


class Estimate(msgspec.Struct, frozen=True):
    """A share the model estimates of itself; low to high is chance alone, ``cautious`` takes weights a fifth weaker."""

    share: float | None
    low: float | None
    high: float | None
    cautious: float | None


class Missed(msgspec.Struct, frozen=True):
    """Same-child pairs that no blocking rule brought together: at least so many, by Chao's lower bound."""

    found_by: tuple[int, ...]  # pairs joined that exactly 1, 2, 3... rules found
    at_least: float | None
    low: float | None
    high: float | None
    share: float | None  # of all same-child pairs


class GroupRow(msgspec.Struct, frozen=True):
    """One group of records; every figure is None when it has fewer than ten records."""

    grouping: str
    group: str
    records: int | None
    linked_elsewhere: float | None = None  # share joined with a record of another source
    nhs_number: float | None = None
    upn: float | None = None
    missed: float | None = None  # estimated share of same-child pairs that are not under one child id
    asked_per_1000: float | None = None  # pairs left to a person, per 1,000 records


class ClusterSize(msgspec.Struct, frozen=True):
    """How many children have so many records; ``or_more`` on the last line."""

    records: int
    children: int
    or_more: bool = False


class Seen(msgspec.Struct, frozen=True):
    """A source, and how many of its children each source sees, in the order of sources (None: fewer than 10)."""

    source: str
    records: int
    children: int
    alone: int | None  # children seen in this source only
    also_in: tuple[int | None, ...]


class HowLinked(msgspec.Struct, frozen=True):
    """Joined pairs by the surest thing they agree on; each pair is counted once, in the first that applies."""

    nhs_number: int
    upn: int
    other_number: int
    no_number: int


class GradeCount(msgspec.Struct, frozen=True):
    """How many records were placed with which certainty."""

    grade: str
    records: int


class Summary(msgspec.Struct, frozen=True):
    """What a run says of itself: how many children, how sure, for whom less sure, and what it cannot know."""

    records: int
    children: int
    linked_records: int  # joined with another record
    linked_elsewhere: int  # joined with a record of another source
    pairs_same: int
    pairs_ask: int
    pairs_different: int
    asked_per_1000_children: float
    lines: Lines
    weights: tuple[Bar, ...]
    precision: Estimate
    recall: Estimate
    missed: Missed
    blocking: tuple[BlockingCount, ...]
    families: Families
    sources: tuple[Seen, ...]
    sizes: tuple[ClusterSize, ...]
    how_linked: HowLinked
    grades: tuple[GradeCount, ...]
    groups: tuple[GroupRow, ...]
