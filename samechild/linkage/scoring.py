"""From agreement patterns to match weights, for all pairs at once.

The weight of a pair is log2 of the odds that both records are of one child, against everything else they could be:
strangers, twins, siblings. With the last two classes' priors at nought it is Fellegi and Sunter's two-class weight.
Agreement on a rare value says more: ``u`` of a level with a term frequency is that of the value itself (as in Splink).
For the family classes the agreement is part family, part chance, so only the part left to chance follows the value.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.linkage.coded import CodedTable, Codes
from samechild.linkage.comparison import Levels, Pairs
from samechild.linkage.conditions import Always
from samechild.linkage.frequencies import POOLED_BELOW, Frequencies
from samechild.linkage.model import SMALLEST, Comparison, Level, Model
from samechild.linkage.patterns import CLASSES, Layout, Patterns, patterns_of
from samechild.linkage.reference import exact_u

Floats = NDArray[np.float64]

Shares = dict[str, Floats]
"""For each column with term frequencies: the relative frequency of each distinct value, by code."""


class Scores(msgspec.Struct, frozen=True):
    """For each pair: its match weight in bits, the two-class weight, and how likely twins and siblings are."""

    weight: Floats
    two_class: Floats
    twin: Floats  # probability that the two are members of one multiple birth
    sibling: Floats
    patterns: Patterns


def frequencies_of(model: Model, table: CodedTable, stored: Mapping[str, Frequencies] | None = None) -> Shares:
    """How common each value is among the records that have one, or as ``stored`` with a model.

    A value that the stored frequencies do not list has the mean frequency of the rare ones; of one of which nothing is
    known, not even that, the frequency is nan and plays no part.
    """
    wanted = {
        level.term_frequency.column
        for comparison in model.comparisons
        for level in comparison.levels
        if level.term_frequency
    }
    if stored is not None:
        return {
            name: np.array([stored[name].of(value) for value in table[name].distinct], np.float64)
            for name in sorted(wanted)
            if name in table and name in stored
        }
    return {
        name: table[name].counts / max(int(table[name].counts.sum()), 1) for name in sorted(wanted) if name in table
    }


def frequent_values(model: Model, table: CodedTable) -> dict[str, Frequencies]:
    """The frequencies to be stored with a model: values held by few records are pooled, so that it names nobody."""
    stored = {}
    for name in frequencies_of(model, table):
        column = table[name]
        total = int(column.counts.sum())
        common = np.flatnonzero(column.counts >= POOLED_BELOW)
        values = column.values.take(pa.array(common)).to_pylist()
        listed = dict(zip(values, (column.counts[common] / max(total, 1)).tolist(), strict=True))
        rare = int(np.count_nonzero(column.counts)) - len(common)
        left = max(1.0 - sum(listed.values()), 0.0)
        stored[name] = Frequencies(listed, left / rare if rare else None, rare, total)
    return stored


def score(
    model: Model, frequencies: Shares, pairs: Pairs, levels: list[Levels], patterns: Patterns | None = None
) -> Scores:
    """Score pairs whose levels are known. Weights equal :func:`samechild.linkage.reference.score` to 1e-6."""
    patterns = patterns or patterns_of(levels, model.comparisons)
    layout = Layout(model.comparisons)
    hot = layout.one_hot(patterns)
    logs = np.stack([np.log2(np.maximum(layout.probabilities(which), SMALLEST)) for which in CLASSES], axis=1)
    by_pattern = hot @ logs  # patterns x 4, log2
    family = model.prior_twin + model.prior_sibling
    priors = np.log2(
        np.maximum([model.prior, model.prior_twin, model.prior_sibling, 1 - model.prior - family], SMALLEST)
    )
    of_pair = patterns.of_pair
    same = (by_pattern[:, 0] + priors[0])[of_pair]
    unrelated = (by_pattern[:, 3] + priors[3])[of_pair]
    twin = (by_pattern[:, 1] + priors[1])[of_pair] if model.has_family else None
    sibling = (by_pattern[:, 2] + priors[2])[of_pair] if model.has_family else None
    for number, comparison in enumerate(model.comparisons):
        for place, level in enumerate(comparison.levels):
            if level.term_frequency is None or level.is_null or level.term_frequency.column not in frequencies:
                continue
            at = np.flatnonzero(levels[number] == place)
            if len(at):
                share = frequencies[level.term_frequency.column]
                chance, *shared = _by_value(comparison, level, share)
                codes = _commoner(pairs.table[level.term_frequency.column].codes, share, pairs, at)
                unrelated[at] += chance[codes]
                if twin is not None and sibling is not None:
                    twin[at] += shared[0][codes]
                    sibling[at] += shared[1][codes]
    two_class = same - unrelated
    if twin is None or sibling is None:
        nothing = np.zeros(len(pairs))
        return Scores(two_class, two_class, nothing, nothing, patterns)
    two_class += _consistent(model)
    top = np.maximum(np.maximum(unrelated, twin), sibling)
    rest = np.exp2(unrelated - top) + np.exp2(twin - top) + np.exp2(sibling - top)
    rest = np.log2(rest) + top
    weight = same - rest
    share = 1.0 / (1.0 + np.exp2(np.minimum(weight, 1000.0)))  # everything but SAME
    return Scores(weight, two_class, share * np.exp2(twin - rest), share * np.exp2(sibling - rest), patterns)


def _consistent(model: Model) -> float:
    """What turns log2(prior / unrelated) into the usual log2(prior / (1 - prior))."""
    family = model.prior_twin + model.prior_sibling
    return float(np.log2((1 - model.prior - family) / (1 - model.prior)))


def value_bits(
    table: CodedTable,
    comparison: Comparison,
    level: Level,
    frequencies: Shares,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
) -> Floats:
    """What the rarity of the pairs' own value adds to a level's weight, in bits; 0 without a term frequency."""
    if level.term_frequency is None or level.is_null or level.term_frequency.column not in frequencies:
        return np.zeros(len(left))
    share = frequencies[level.term_frequency.column]
    rarity, _, _ = _by_value(comparison, level, share)
    codes = _commoner(table[level.term_frequency.column].codes, share, Pairs(table, left, right), np.arange(len(left)))
    return -rarity[codes]


def _commoner(codes: Codes, frequency: Floats, pairs: Pairs, at: NDArray[np.int64]) -> Codes:
    """The code of the pair's value; where the two differ (a fuzzy level), the commoner one; -1 where there is none."""
    left, right = codes[pairs.left[at]], codes[pairs.right[at]]
    if np.array_equal(left, right):
        return left
    known = np.append(np.nan_to_num(frequency, nan=-1.0), -2.0)  # a missing value (-1) stands last
    return np.where(known[left] >= known[right], left, right)


def _by_value(comparison: Comparison, level: Level, frequency: Floats) -> tuple[Floats, Floats, Floats]:
    """For each value: what its frequency adds (log2) to the likelihood under UNRELATED, TWIN and SIBLING.

    A last entry stands for a missing value, which adds nothing, like a value whose frequency is not known.
    """
    adjustment = level.term_frequency
    assert adjustment is not None
    frequency = np.append(frequency, np.nan)
    if adjustment.weight == 0 or isinstance(level.condition, Always):
        rarity = np.zeros(len(frequency))
        own = level.u if level.u is not None else 1.0
    else:
        u = exact_u(comparison, level)
        own = level.u if level.u is not None else u
        floor = max(adjustment.minimum, SMALLEST)
        rarity = adjustment.weight * np.log2(np.maximum(frequency, floor) / max(u, SMALLEST))
        rarity = np.nan_to_num(rarity, nan=0.0)
    chance = np.minimum(own * np.exp2(rarity), 1.0)
    shared = []
    for probability in (level.twin, level.sibling):
        p = own if probability is None else probability
        of_family = max(0.0, (p - own) / (1.0 - own)) if own < 1 else 0.0
        shared.append(np.log2(np.maximum(of_family + (1.0 - of_family) * chance, SMALLEST) / max(p, SMALLEST)))
    return rarity, shared[0], shared[1]


def probability(weight: Floats) -> Floats:
    """The probability that goes with a match weight."""
    return np.asarray(1.0 / (1.0 + np.exp2(-np.clip(weight, -1000.0, 1000.0))))
