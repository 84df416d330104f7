"""Where a child would be expected to be seen, counted child by child as an index lives.

The reasoning and the numbers are those of :mod:`samechild.linkage.presence`, which counts all children of a run at
once: two records are less likely of two children when each of the two would then be missing from a file that holds
nearly every child of that age. Here the counts follow every record that joins or leaves a child, and a question about
two children is answered in microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.errors import Invalid
from samechild.linkage.agglomeration import Labels
from samechild.linkage.coded import Codes
from samechild.linkage.presence import LEAST_UNSEEN, MOST_BITS, MOST_SOURCES

LIKE_THE_OTHERS = 20.0
"""A birth year is taken to be like the others until so many of its children have been seen by a source."""


class Sighted(msgspec.Struct, frozen=True):
    """Where a child is seen: its birth year (empty when not known), and the source of each of its records."""

    year: str
    sources: tuple[str, ...]


class Expectations:
    """How often a child of a birth year seen by one source is seen by another, kept up to date.

    Starts with no children; :func:`counted` makes one from many at once.
    """

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._years: dict[str, list[list[int]]] = {}  # children seen by both sources, by birth year
        self._overall: list[list[int]] = []  # the same for all years together; on the diagonal, by one source
        self._twice: list[int] = []  # children of whom a source holds two records or more
        self._unseen: dict[tuple[str, frozenset[int]], float] = {}

    @property
    def children(self) -> dict[str, int]:
        """How many children each source sees."""
        return {source: self._overall[at][at] for source, at in self._place.items()}

    def add(self, child: Sighted) -> None:
        """Count a child. When a child gains or loses a record, remove it as it was and add it as it is."""
        self._count(child, 1)

    def remove(self, child: Sighted) -> None:
        """Count a child no longer. Raises :class:`~samechild.errors.Invalid` when no such child was counted."""
        self._count(child, -1)

    def _count(self, child: Sighted, step: int) -> None:
        if not child.sources:
            return
        held = Counter(child.sources)
        for source in held:
            if source not in self._place:
                self._grow(source)
        seen = [self._place[source] for source in held]
        year = self._years.setdefault(child.year, [])
        while len(year) < len(self._place):
            year.append([])
        if step < 0 and any(len(year[at]) <= at or year[at][at] < 1 for at in seen):
            raise Invalid("A child is to be counted no longer that was never counted; rebuild the counts.")
        for one in seen:
            row = year[one]
            row.extend([0] * (len(self._place) - len(row)))
            for other in seen:
                row[other] += step
                self._overall[one][other] += step
        for source, records in held.items():
            self._twice[self._place[source]] += step * (records > 1)
        self._unseen.clear()

    def _grow(self, source: str) -> None:
        for row in self._overall:
            row.append(0)
        self._place[source] = len(self._place)
        self._overall.append([0] * len(self._place))
        self._twice.append(0)

    def evidence(self, one: Sighted, other: Sighted) -> float:
        """Say what the files that see each of two children say for their being one, in bits (up to 8 either way).

        The first child's birth year stands for both together. Nothing (0) with fewer than two sources, or more than
        :data:`~samechild.linkage.presence.MOST_SOURCES`.
        """
        used = [at for at in range(len(self._place)) if self._overall[at][at]]
        if not 1 < len(used) <= MOST_SOURCES:
            return 0.0
        a, b = (
            frozenset(self._place[source] for source in child.sources if source in self._place)
            for child in (one, other)
        )
        apart = self._missing(a, one.year, used) + self._missing(b, other.year, used)
        together = self._missing(a | b, one.year, used)
        twice = sum(log2((self._twice[at] + 1.0) / (self._overall[at][at] + 2.0)) for at in sorted(a & b))
        return max(-MOST_BITS, min(MOST_BITS, together + twice - apart))

    def _missing(self, seen: frozenset[int], year: str, used: list[int]) -> float:
        """log2 of the probability that a child seen by just these sources is not seen by the others."""
        known = self._unseen.get((year, seen))
        if known is not None:
            return known
        total = 0.0
        rows = [(self._overall[at], self._in_year(year, at), at) for at in seen]
        for other in used:
            if other in seen or not rows:
                continue
            expected = 0.0
            for overall, of_year, at in rows:
                usual = (overall[other] + 0.5) / (overall[at] + 1.0)
                both, all_ = (of_year[other] if len(of_year) > other else 0), (of_year[at] if of_year else 0)
                expected = max(expected, (both + LIKE_THE_OTHERS * usual) / (all_ + LIKE_THE_OTHERS))
            total += log2(max(1.0 - expected, LEAST_UNSEEN))
        self._unseen[year, seen] = total
        return total

    def _in_year(self, year: str, at: int) -> list[int]:
        counts = self._years.get(year, [])
        row = counts[at] if len(counts) > at else []
        return row if len(row) > at else []


def sighted(records: Iterable[tuple[str | None, str]]) -> Sighted:
    """Sum up where a child is seen, from the birth year and the source of each of its records.

    The commonest birth year stands for the child, of several as common the earliest.
    """
    held = list(records)
    years = Counter(year for year, _ in held if year)
    year = min(years, key=lambda each: (-years[each], each)) if years else ""
    return Sighted(year, tuple(source for _, source in held))


def counted(child: Labels, source: Codes, year: Codes, sources: Sequence[str], years: Sequence[str]) -> Expectations:
    """Count many children at once.

    For each record: ``child`` (any whole number for each child), ``source`` (place in ``sources``) and ``year``
    (place in ``years``, -1 where the birth year is not known). The commonest birth year of a child's records stands
    for it, of several as common the earliest.
    """
    made = Expectations()
    for name in sources:
        made._grow(name)
    if not len(child):
        return made
    _, number = np.unique(child, return_inverse=True)
    children, kinds = int(number.max()) + 1, len(sources)
    seen = np.bincount(number * kinds + source, minlength=children * kinds).reshape(children, kinds)
    held = seen > 0
    of_child = _commonest_year(number, year, years, children)
    for code in np.unique(of_child).tolist():
        ours = held[of_child == code].astype(np.float64)
        counts = (ours.T @ ours).astype(np.int64)
        made._years[years[code] if code >= 0 else ""] = counts.tolist()
        made._overall = (np.array(made._overall, np.int64) + counts).tolist()
    made._twice = (seen > 1).sum(axis=0).tolist()
    return made


def _commonest_year(number: NDArray[np.int64], year: Codes, years: Sequence[str], children: int) -> NDArray[np.int64]:
    """The place of each child's commonest birth year (the earliest of several), -1 where none is known."""
    known = np.flatnonzero(year >= 0)
    rank = np.empty(len(years), np.int64)
    rank[sorted(range(len(years)), key=lambda at: years[at])] = np.arange(len(years))
    cell, counts = np.unique(number[known] * len(years) + rank[year[known]], return_counts=True)
    of_cell, at = cell // max(len(years), 1), cell % max(len(years), 1)
    order = np.lexsort((-at, counts, of_cell))  # the commonest and, of those, the earliest comes last
    result = np.full(children, -1, np.int64)
    place = np.argsort(rank)
    result[of_cell[order]] = place[at[order]] if len(years) else -1
    return result
