"""How often two strangers agree by chance: the ``u`` of a model.

Most of it is counted on pairs of records picked at random, which are nearly all strangers. No sample is large enough
to meet two strangers with one NHS number, though; that is counted on the pairs that blocking found, where the rest of
the evidence tells strangers from one child, as a share of all pairs in which both records have such a number.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.model import Comparison, Model
from samechild.linkage.patterns import Patterns

Rows = NDArray[np.float64]


def with_u(model: Model, counts: list[Rows], match_rate: float = 0.0) -> Model:
    """Put u into the model: the share of random pairs at each level, less what true matches among them explain.

    Before the true matches are known (``match_rate`` 0) all pairs that agree on an identifier are taken for theirs.
    """
    comparisons = []
    for comparison, count in zip(model.comparisons, counts, strict=True):
        null = np.array([level.is_null for level in comparison.levels])
        seen = np.where(null, 0.0, count)
        total = max(seen.sum(), 1.0)
        if match_rate:
            m = np.array([0.0 if level.is_null else level.m or 0.0 for level in comparison.levels])
            seen = np.maximum(seen - match_rate * total * m, 0.0)
        if comparison.identifier and not match_rate:
            agreeing = ~null
            agreeing[-1] = False
            seen[agreeing] = 0.0
        share = (seen + 0.5 * ~null) / (seen.sum() + 0.5 * max((~null).sum(), 1))
        comparisons.append(_given(comparison, share))
    return msgspec.structs.replace(model, comparisons=tuple(comparisons))


def with_chance_identifiers(
    model: Model, patterns: Patterns, strangers: NDArray[np.float64], total: float, counts: list[Rows]
) -> Model:
    """Put into the model how often two strangers who both have a number have an equal one, by mistake.

    ``strangers``: how many pairs of each pattern are taken for strangers; blocking finds every pair with an equal
    number. ``total``: how many pairs there are altogether; ``counts``, of random pairs, tell how many of them have the
    number on both sides.
    """
    comparisons = []
    for number, comparison in enumerate(model.comparisons):
        if not comparison.identifier:
            comparisons.append(comparison)
            continue
        null = np.array([level.is_null for level in comparison.levels])
        held = total * (counts[number][~null].sum() + 0.5) / (counts[number].sum() + 1.0)
        equal = int(np.argmin(null))
        wrong = (strangers[patterns.levels[:, number] == equal].sum() + 0.5) / (held + 1.0)
        share = np.array([level.u or 0.0 for level in comparison.levels])
        share *= (1.0 - wrong) / max(share[~null].sum() - share[equal], 1e-12)
        share[equal] = wrong
        comparisons.append(_given(comparison, share))
    return msgspec.structs.replace(model, comparisons=tuple(comparisons))


def _given(comparison: Comparison, share: Rows) -> Comparison:
    """The comparison with these values of u, except where they are fixed."""
    levels = tuple(
        level if level.is_null or level.fix_u else msgspec.structs.replace(level, u=float(value))
        for level, value in zip(comparison.levels, share, strict=True)
    )
    return msgspec.structs.replace(comparison, levels=levels)
