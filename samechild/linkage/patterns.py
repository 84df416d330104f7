"""Agreement patterns: millions of pairs reach only a few thousand different combinations of levels.

Training and scoring work on each distinct pattern once, with the number of pairs that show it.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.comparison import Levels
from samechild.linkage.model import FAMILY, Comparison, PairClass

CLASSES = (PairClass.SAME, PairClass.TWIN, PairClass.SIBLING, PairClass.UNRELATED)


class Patterns(msgspec.Struct, frozen=True):
    """Distinct patterns (rows of ``levels``: one level index for each comparison) and which one each pair shows."""

    levels: NDArray[np.uint8]
    of_pair: NDArray[np.int64]
    counts: NDArray[np.int64]


def patterns_of(levels: list[Levels], comparisons: tuple[Comparison, ...]) -> Patterns:
    """Collect the distinct combinations of levels among the pairs."""
    pairs = len(levels[0])
    key = np.zeros(pairs, np.int64)
    span = 1
    for level, comparison in zip(levels, comparisons, strict=True):
        radix = len(comparison.levels)
        if span * radix >= 1 << 62:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            span = int(key.max(initial=0)) + 1
        key *= radix
        key += level
        span *= radix
    _, first, inverse, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    distinct = np.stack([level[first] for level in levels], axis=1) if pairs else np.zeros((0, len(levels)), np.uint8)
    return Patterns(distinct, inverse.astype(np.int64), counts.astype(np.int64))


class Layout:
    """Where each comparison's levels stand when all levels of all comparisons are laid in one row."""

    def __init__(self, comparisons: tuple[Comparison, ...]) -> None:
        self.comparisons = comparisons
        sizes = [len(comparison.levels) for comparison in comparisons]
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.width = int(self.starts[-1])
        self.of_level = np.repeat(np.arange(len(sizes)), sizes)
        every = [(comparison, level) for comparison in comparisons for level in comparison.levels]
        exact = [
            not level.is_null and all(before.is_null for before in comparison.levels[:place])
            for comparison in comparisons
            for place, level in enumerate(comparison.levels)
        ]
        self.dates = np.array([bool(comparison.shared_by) and comparison.own for comparison, _ in every], bool)
        self.exact_place = np.array(
            [
                start + next(k for k, level in enumerate(comparison.levels) if not level.is_null)
                for start, comparison in zip(self.starts, comparisons, strict=False)
            ]
        )
        self.issued_together = [
            (int(start) + place, int(start) + len(comparison.levels) - 1)
            for start, comparison in zip(self.starts, comparisons, strict=False)
            for place, level in enumerate(comparison.levels)
            if comparison.identifier and level.label.endswith("issued together")
        ]
        self.number = np.array([comparison.identifier for comparison, _ in every], bool)
        self.shared = {
            which: np.array([which in comparison.shared_by for comparison, _ in every], bool) for which in FAMILY
        }
        self.first_own = {
            which: np.array(
                [
                    comparison.own and which not in comparison.shared_by and first
                    for (comparison, _), first in zip(every, exact, strict=True)
                ],
                bool,
            )
            for which in FAMILY
        }
        self.is_null = np.array([level.is_null for _, level in every], bool)
        self.fixed = np.array([level.fix_m for _, level in every], bool)

    def one_hot(self, patterns: Patterns) -> NDArray[np.float64]:
        """One row for each pattern with a 1 at each level it reaches; levels for missing values stay 0."""
        hot = np.zeros((len(patterns.levels), self.width))
        rows = np.arange(len(patterns.levels))
        for number, start in enumerate(self.starts[:-1]):
            hot[rows, start + patterns.levels[:, number]] = 1.0
        hot[:, self.is_null] = 0.0
        return hot

    def probabilities(self, which: PairClass) -> NDArray[np.float64]:
        """One class's probability of each level (1 where it has none: missing values say nothing)."""
        attribute = {"same": "m", "unrelated": "u"}.get(which.value, which.value)
        values = []
        for comparison in self.comparisons:
            for level in comparison.levels:
                value = getattr(level, attribute)
                if value is None and which in (PairClass.TWIN, PairClass.SIBLING):
                    value = level.u
                values.append(1.0 if level.is_null or value is None else value)
        return np.array(values)
