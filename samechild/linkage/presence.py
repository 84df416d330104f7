"""Where a child would be expected to be seen, and what it says when they are not.

Two records, one in the health visitors' file and one in the school's, with the same surname and birth date but another
forename: one child, or twins? If they were two, each should *also* stand in the other file, as nearly every child of
that age does. That neither does is evidence that they are one; that both do is evidence that they are two. The
expectation is counted from the children already put together: of the children of one birth year seen by one agency,
the share seen by another. (The same reasoning stands behind dual-system estimates of a population's size: Chandrasekar
and Deming, JASA 1949.) It is used where two groups of records are weighed against each other, never for a pair alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samechild.linkage.agglomeration import Labels
from samechild.linkage.coded import CodedTable, Codes
from samechild.linkage.scoring import Floats

MOST_BITS = 8.0
"""What the presence in files can weigh at the most, either way."""
LEAST_UNSEEN = 0.02
"""However complete a file is thought to be, it is believed to miss this share of children."""
MOST_SOURCES = 62


class Presence:
    """Which sources see each child, and how often a child of its age seen by one source is seen by another."""

    def __init__(self, table: CodedTable, child: Labels) -> None:
        self.sources = len(table["source"].values)
        first = np.flatnonzero(child == np.arange(len(child)))
        self.number = np.zeros(len(child), np.int32)  # for each label, which child it is
        self.number[first] = np.arange(len(first))
        if not self.is_used:
            return
        cell = self.number[child].astype(np.int64) * self.sources + table["source"].codes
        seen = np.bincount(cell, minlength=len(first) * self.sources).reshape(len(first), self.sources)
        self.held = seen > 0
        self.year = _birth_years(table)[first]  # the year of a child's first record stands for the child
        self.together = self._counted()
        self.again = np.log2(((seen > 1).sum(axis=0) + 1.0) / (self.held.sum(axis=0) + 2.0))
        self.bits: NDArray[np.int64] = self.held @ (np.int64(1) << np.arange(self.sources, dtype=np.int64))

    @property
    def is_used(self) -> bool:
        """Whether there are several sources, and not too many."""
        return 1 < self.sources <= MOST_SOURCES

    def _counted(self) -> Floats:
        """Share of the children seen by one source that another sees: years x sources x sources."""
        result = np.zeros((int(self.year.max(initial=0)) + 1, self.sources, self.sources))
        order = np.argsort(self.year, kind="stable")
        years, starts = np.unique(self.year[order], return_index=True)
        counted = [held.T @ held for held in np.split(self.held[order].astype(np.float32), starts[1:])]
        overall = np.sum(counted, axis=0, dtype=np.float64)
        expected = (overall + 0.5) / (np.diag(overall)[:, None] + 1.0)
        for year, both in zip(years, counted, strict=True):
            result[year] = (both + 20.0 * expected) / (np.diag(both)[:, None] + 20.0)
        return result

    def evidence(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Floats:
        """What the files that see each of two children (labels) say for their being one, in bits."""
        if not self.is_used:
            return np.zeros(len(left))
        one, other = self.number[left], self.number[right]
        a, b = self.bits[one], self.bits[other]
        year = self.year[one]
        apart = self._unseen(a, year) + self._unseen(b, self.year[other])
        together = self._unseen(a | b, year)
        twice = (self.held[one] & self.held[other]) @ self.again
        return np.asarray(np.clip(together + twice - apart, -MOST_BITS, MOST_BITS))

    def _unseen(self, bits: NDArray[np.int64], year: Codes) -> Floats:
        """log2 of the probability that a child seen by just these sources is not seen by the others."""
        key = bits * len(self.together) + year
        distinct, which = np.unique(key, return_inverse=True)
        values = np.empty(len(distinct))
        places = np.arange(self.sources)
        for number, each in enumerate(distinct.tolist()):
            mask, stratum = divmod(each, len(self.together))
            seen = ((mask >> places) & 1).astype(bool)
            expected = self.together[stratum][seen].max(axis=0) if seen.any() else np.zeros(self.sources)
            unseen = np.maximum(1.0 - expected[~seen], LEAST_UNSEEN)
            values[number] = np.log2(unseen).sum()
        return values[which]


def _birth_years(table: CodedTable) -> Codes:
    """The birth year of each record as a small number; one number for all whose year is not known."""
    if "birth_year" not in table:
        return np.zeros(table.rows, np.int32)
    column = table["birth_year"]
    return np.where(column.codes < 0, len(column.values), column.codes).astype(np.int32)
