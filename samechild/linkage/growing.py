"""A few groups of records weighed against each other as wholes, and put together where the evidence allows it.

What :mod:`samechild.linkage.claims` and :mod:`samechild.linkage.agglomeration` do with arrays for all children of a
run, here in plain Python for the handful of children near one record that arrives. The rules are theirs, and tests
hold the two against each other: the strongest pair speaks for two groups, numbers and middle names count once however
many records repeat them, nothing that is forbidden is joined, and neither is what a rival claims nearly as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

import msgspec

from samechild.linkage.agglomeration import MOST_BITS, Lines
from samechild.linkage.claims import HOPELESS, MOST_KINDS, TOGETHER_LABEL
from samechild.linkage.constraints import FORBIDDING, LOOKS_LIKE_ONE, Why
from samechild.linkage.model import Model

_FORBIDDING = frozenset(FORBIDDING)


class Pair(msgspec.Struct, frozen=True, gc=False):
    """Two records weighed, what people and lists say taken into account; their keys, the nearer record's first."""

    mine: str
    theirs: str
    levels: tuple[int, ...]
    weight: float
    why: Why
    contradicts: bool  # two different valid numbers

    @property
    def is_forbidden(self) -> bool:
        """Whether the two can never be one child."""
        return self.why in _FORBIDDING


class Kind(msgspec.Struct, frozen=True):
    """A kind of number (or middle names, or place in a birth) that counts once between two groups."""

    comparison: int
    equal: int  # the level of agreement
    two: frozenset[int]  # levels at which they are plainly two
    gain: float  # bits that agreement adds
    loss: float  # bits that two plainly different ones take away


def kinds_of(model: Model) -> tuple[Kind, ...]:
    """The kinds of number that are followed through the joining of groups."""
    found = []
    for number, comparison in enumerate(model.comparisons):
        own = comparison.own and not comparison.shared_by and comparison.name != "forename"
        if not (comparison.identifier or own):
            continue
        equal = next(place for place, level in enumerate(comparison.levels) if not level.is_null)
        different = [
            (place, level) for place, level in enumerate(comparison.levels) if level.label.startswith("different")
        ]
        together = [p for p, level in enumerate(comparison.levels) if level.label.endswith(TOGETHER_LABEL)]
        loss = min([0.0, *(level.weight for _, level in different)])
        gain = min(comparison.levels[equal].weight, MOST_BITS)
        found.append(Kind(number, equal, frozenset([place for place, _ in different] + together), gain, loss))
    return tuple(found[:MOST_KINDS])


class Claim(msgspec.Struct, frozen=True):
    """What two groups claim of each other.

    ``best``: their strongest pair, contradicting numbers left out. ``presence``: what the agencies that see them add.
    ``agree`` and ``differ``: a bit for each kind of number. ``total`` and ``pairs`` make the average. ``bits``: what
    they claimed before any groups were put together, whether or not they may be joined.
    """

    best: float
    total: float
    pairs: int
    never: bool
    presence: float = 0.0
    agree: int = 0
    differ: int = 0
    bits: float = -inf

    def folded(self, other: Claim) -> Claim:
        """What a third group claims of these two put together."""
        return Claim(
            max(self.best, other.best),
            self.total + other.total,
            self.pairs + other.pairs,
            self.never or other.never,
            min(self.presence, other.presence),
            self.agree | other.agree,
            self.differ | other.differ,
            max(self.bits, other.bits),
        )


NOTHING = Claim(-inf, 0.0, 0, False)
"""Between groups of which no pair was compared."""
Claims = Mapping[tuple[int, int], Claim]
"""By the places of two groups, lower first."""


def clipped(weight: float) -> float:
    """A pair's weight as it counts in an average."""
    return MOST_BITS if weight > MOST_BITS else -MOST_BITS if weight < -MOST_BITS else weight


def strongest(pairs: Sequence[Pair]) -> Pair:
    """The pair that weighs most; of several, the one whose records' keys come last."""
    return max(pairs, key=lambda pair: (pair.weight, pair.mine, pair.theirs))


def of_records(pairs: Sequence[Pair]) -> Claim:
    """What two groups claim when only their records are looked at; two valid numbers that differ forbid it."""
    never = any(pair.contradicts or pair.is_forbidden for pair in pairs)
    best = max(pair.weight for pair in pairs)
    return Claim(best, sum(clipped(pair.weight) for pair in pairs), len(pairs), never, bits=best)


def of_wholes(pairs: Sequence[Pair], kinds: Sequence[Kind], presence: float, lines: Lines) -> Claim | None:
    """What two groups claim, each taken as one child; None where nothing could join them and nothing forbids it."""
    top = strongest(pairs)
    never = any(pair.is_forbidden for pair in pairs)
    if top.weight < HOPELESS and not never:
        return None
    best, agree, differ = top.weight, 0, 0
    for bit, kind in enumerate(kinds):
        levels = [pair.levels[kind.comparison] for pair in pairs]
        if not any(levels):
            continue
        own = top.levels[kind.comparison]
        if kind.equal in levels:
            agree |= 1 << bit
            if own == 0:
                best += kind.gain
        if not kind.two.isdisjoint(levels):
            differ |= 1 << bit
            if own in kind.two:
                best -= kind.loss
    whole = Claim(best, 0.0, 1, never, presence, agree, differ)
    claim = best + presence + _against(whole, kinds)
    mean = sum(clipped(pair.weight) for pair in pairs) / len(pairs)
    if mean < lines.average:
        claim = min(claim, mean)
    return Claim(best, clipped(claim), 1, never, presence, agree, differ, claim)


def _against(claim: Claim, kinds: Sequence[Kind]) -> float:
    """What kinds of number that differ and are nowhere in common take away."""
    left = claim.differ & ~claim.agree
    return sum(kind.loss for bit, kind in enumerate(kinds) if left >> bit & 1) if left else 0.0


def value(claim: Claim, kinds: Sequence[Kind], lines: Lines) -> float:
    """The bits with which two groups claim to be one child; minus infinity where they must not be joined."""
    if claim.never or claim.total < lines.average * claim.pairs:
        return -inf
    return claim.best + claim.presence + _against(claim, kinds)


def grow(groups: int, claims: Claims, kinds: Sequence[Kind], lines: Lines) -> tuple[list[int], list[tuple[int, int]]]:
    """Put groups together by the strongest claim first.

    Two are joined when their claim reaches ``lines.join``, nothing forbids it, and no third group that is not the same
    child as the other comes within ``lines.margin``. Returns for each group the place of the first group of its
    child, and the rival claims that were left open.
    """
    held = dict(claims)
    values = {pair: value(claim, kinds, lines) for pair, claim in held.items()}
    barred = {pair for pair, claim in held.items() if claim.never}
    labels = list(range(groups))
    rivals: list[tuple[int, int]] = []
    while True:
        open_ = [(-worth, pair) for pair, worth in values.items() if worth >= lines.join and pair not in barred]
        if not open_:
            return labels, rivals
        worth, (a, b) = min(open_)
        third = _rival(sorted(set(labels)), (a, b, -worth), held, values, lines)
        if third is not None:
            barred.add((a, b))
            nearer = a if values.get(_two(a, third), -inf) >= values.get(_two(b, third), -inf) else b
            rivals += [(a, b), (nearer, third)]
            continue
        labels = [a if label == b else label for label in labels]
        for other in set(labels) - {a}:
            one, two = held.pop(_two(a, other), None), held.pop(_two(b, other), None)
            bars = {_two(a, other), _two(b, other)} & barred
            values.pop(_two(b, other), None)
            if one or two:
                folded = (one or NOTHING).folded(two or NOTHING)
                held[_two(a, other)] = folded
                values[_two(a, other)] = value(folded, kinds, lines)
                if bars:
                    barred.add(_two(a, other))
        held.pop((a, b), None)
        values.pop((a, b), None)


def _two(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _rival(
    alive: Sequence[int],
    joining: tuple[int, int, float],
    held: Claims,
    values: Mapping[tuple[int, int], float],
    lines: Lines,
) -> int | None:
    """A third group that claims one of the two nearly as well and is not the same child as the other."""
    a, b, worth = joining
    line, found, most = max(worth - lines.margin, lines.ask), None, -inf

    def apart(one: int, other: int, claim: float) -> bool:
        between = held.get(_two(one, other), NOTHING)
        return between.never or between.total / max(between.pairs, 1) < -min(claim, worth)

    for third in alive:
        if third in (a, b):
            continue
        to_a, to_b = values.get(_two(a, third), -inf), values.get(_two(b, third), -inf)
        if ((to_a >= line and apart(b, third, to_a)) or (to_b >= line and apart(a, third, to_b))) and max(
            to_a, to_b
        ) > most:
            found, most = third, max(to_a, to_b)
    return found


def two_identities(pairs: Sequence[Pair], claim: Claim, kinds: Sequence[Kind], model: Model) -> bool:
    """Tell whether two groups are two valid identities which look like one child, so that no record may join them.

    Their numbers contradict and none agrees, no two of their records share a surname, forename and birth date agree in
    the strongest pair, and without the numbers they would be one child or nearly so.
    """
    if claim.best < LOOKS_LIKE_ONE or not claim.differ:
        return False
    place = {comparison.name: number for number, comparison in enumerate(model.comparisons)}
    if not {"surname", "forename", "date_of_birth"} <= place.keys():
        return False
    surname, forename = place["surname"], place["forename"]
    last = len(model.comparisons[surname].levels) - 1
    if any(pair.levels[surname] not in (0, last) for pair in pairs):
        return False
    levels = strongest(pairs).levels
    name, birth = levels[forename], levels[place["date_of_birth"]]
    if not (0 < name < len(model.comparisons[forename].levels) - 2 and 0 < birth <= 3):
        return False
    numbers = {place[name] for name in ("nhs_number", "upn") if name in place}
    left = claim.differ & ~claim.agree
    return any(left >> bit & 1 for bit, kind in enumerate(kinds) if kind.comparison in numbers)
