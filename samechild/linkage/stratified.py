"""What a stratified sample says of all pairs: a share with a range that is honest when a stratum was hardly looked at.

Pairs are drawn more densely where answers are worth more, so a plain share of the answers would mislead: each stratum
counts for all its pairs. The range is the exact one of Clopper and Pearson at the effective number of answers (Korn
and Graubard, Survey Methodology 24, 1998), never more than were given. A stratum that shows no error is not taken to
have none: its variance is reckoned with one further answer that is like the rest. Strata that nobody looked at may
hold anything, and the range says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

import msgspec
import numpy as np
from scipy.special import betaincinv

from samechild.linkage.proportions import CONFIDENCE


class Stratum(msgspec.Struct, frozen=True):
    """Pairs that had the same chance to be drawn: how many there are, how many were judged, how many are the same."""

    pairs: int
    judged: int
    same: int


class Range(msgspec.Struct, frozen=True):
    """A share estimated from a sample, with its 95% range; all None when there is nothing to take a share of."""

    share: float | None
    low: float | None
    high: float | None


_UNKNOWN = Range(None, None, None)


def share_of(strata: Sequence[Stratum]) -> Range:
    """Estimate what share of all pairs are truly one child, with its 95% range.

    Strata without any judged pair take no part in the share; the range allows that none or all of theirs are the same.
    Nothing was judged at all: no share, and the range is everything from 0 to 1.
    """
    every = sum(each.pairs for each in strata)
    seen = [each for each in strata if each.judged]
    held = sum(each.pairs for each in seen)
    if not every:
        return _UNKNOWN
    if not held:
        return Range(None, 0.0, 1.0)
    share, low, high = _seen(seen, held)
    return Range(share, low * held / every, high * held / every + (every - held) / every)


def _seen(strata: Sequence[Stratum], held: int) -> tuple[float, float, float]:
    """Give the share and its range among strata of which something was judged."""
    pairs, judged, same = (
        np.array([getattr(each, name) for each in strata], float) for name in ("pairs", "judged", "same")
    )
    part = pairs / held
    share = float(part @ (same / judged))
    answers = float(judged.sum())
    usual = min(max(share, 0.5 / (answers + 1)), 1 - 0.5 / (answers + 1))
    likely = (same + usual) / (judged + 1)
    variance = float((part**2 * (1 - judged / pairs) * likely * (1 - likely) / judged).sum())
    if variance <= 0:  # every pair was judged
        return share, share, share
    most = answers / max(1 - answers / held, 1e-9)
    answers = min(usual * (1 - usual) / variance, most)
    found, tail = share * answers, (1 - CONFIDENCE) / 2
    low = float(betaincinv(found, answers - found + 1, tail)) if found > 0 else 0.0
    high = float(betaincinv(found + 1, answers - found, 1 - tail)) if found < answers else 1.0
    known_same, known_different = float(same.sum()) / held, float((judged - same).sum()) / held
    return share, min(share, max(low, known_same)), max(share, min(high, 1 - known_different))


def recall_of(joined: Sequence[Stratum], others: Sequence[Stratum]) -> Range:
    """Estimate what share of the pairs that are truly one child was joined, with its 95% range.

    The two ranges it rests on are put together by squares, as for independent samples (Zou and Donner, Statistics in
    Medicine 27, 2008): the distance by which each alone could move the answer.
    """
    within, beside = share_of(joined), share_of(others) if others else Range(0.0, 0.0, 0.0)
    all_joined, all_others = sum(each.pairs for each in joined), sum(each.pairs for each in others)
    if not all_others:
        beside = Range(0.0, 0.0, 0.0)
    if not all_joined:
        return Range(0.0, 0.0, 0.0) if beside.low else _UNKNOWN
    if within.share is None or beside.share is None:
        low = _recall(all_joined * (within.low or 0.0), all_others * _or(beside.high, 1.0))
        return Range(None, low or 0.0, 1.0)
    a, b = within.share * all_joined, beside.share * all_others
    share = _recall(a, b)
    if share is None:
        return Range(None, 0.0, 1.0)
    fewer, more = (_or(each, 0.0) * all_joined for each in (within.low, within.high))
    less_missed, more_missed = (_or(each, 0.0) * all_others for each in (beside.low, beside.high))
    down = hypot(share - _or(_recall(fewer, b), 0.0), share - _or(_recall(a, more_missed), 0.0))
    up = hypot(_or(_recall(more, b), share) - share, _or(_recall(a, less_missed), share) - share)
    return Range(share, max(0.0, share - down), min(1.0, share + up))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _recall(joined: float, missed: float) -> float | None:
    return joined / (joined + missed) if joined + missed > 0 else None
