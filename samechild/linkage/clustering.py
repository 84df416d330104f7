"""From pairs to children: which records stand for one child, without chains and against nobody's contradiction.

Joining everything that is connected (*transitive chaining*) puts whole families into one child as soon as one record
is vague or one number is mistyped. Here groups grow by the strongest evidence first, and two groups are joined only
when the evidence between them *as a whole* allows it: their strongest pair speaks for it, no pair of theirs is known
to be two children (twins, two verified NHS numbers, a person's decision), and no other group, which cannot be the
same child, has nearly as good a claim. What is left open is a question for a person.

All small groups of one size are worked through together as one array; the result does not depend on the order of
records, because they stand in an order of their own (see :mod:`samechild.linkage.identity`).
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.coded import Codes

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]

BATCHED = 24
"""Components of up to so many records are worked through together with others of their size."""
MOST_BITS = 20.0
"""No single pair counts for more than this, for or against, in the average between two groups."""
LARGEST = 300
"""Components of more records are first taken apart at their weaker links."""


class Lines(msgspec.Struct, frozen=True):
    """The thresholds in bits (log2 odds): join, ask, how far ahead of a rival a claim must be, and the least average."""

    join: float
    ask: float
    margin: float
    average: float


class Links(msgspec.Struct, frozen=True):
    """Pairs with their weights, and which of them cannot be one child."""

    left: Codes
    right: Codes
    weight: Floats
    never: Flags


def components(records: int, left: Codes, right: Codes) -> Labels:
    """Which connected group each record belongs to, numbered by the group's first record."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(records, records))
    _, labels = connected_components(graph, directed=False)
    first = np.full(int(labels.max(initial=-1)) + 1, records, np.int64)
    np.minimum.at(first, labels, np.arange(records))
    return np.asarray(first[labels], np.int64)


def groups_to_settle(records: int, links: Links, lines: Lines) -> Labels:
    """Connected groups over pairs at or above the asking line; groups that are too large come apart at weaker links."""
    line = lines.ask
    use = (links.weight >= line) & ~links.never
    left, right, weight = links.left[use], links.right[use], links.weight[use]
    labels = components(records, left, right)
    while True:
        sizes = np.bincount(labels, minlength=records)
        large = sizes > LARGEST
        if not large.any():
            return labels
        line = max(line + 2.0, lines.join)
        inside = large[labels[left]]
        left, right, weight = left[inside], right[inside], weight[inside]
        keep = weight >= line
        if not keep.any():
            labels = np.where(large[labels], np.arange(records), labels)
            return labels
        finer = components(records, left[keep], right[keep])
        labels = np.where(large[labels], finer, labels)


def unsettled_pairs(labels: Labels, links: Links, lines: Lines) -> tuple[Labels, Codes, Codes]:
    """Groups that are not plainly one child, and the pairs inside them that nobody has compared yet.

    Returns (labels of those groups' records or -1, left, right of the pairs still to be scored).
    """
    records = len(labels)
    sizes = np.bincount(labels, minlength=records)
    inside = labels[links.left] == labels[links.right]
    good = inside & (links.weight >= lines.join) & ~links.never
    agreeing = np.bincount(labels[links.left[good]], minlength=records)
    open_groups = (agreeing < sizes * (sizes - 1) // 2) & (sizes > 1)
    settled = ~open_groups[labels]
    unsettled = np.where(settled, -1, labels)
    left, right = _all_pairs(unsettled)
    wanted = left.astype(np.int64) * records + right
    have_left, have_right = links.left[inside], links.right[inside]
    known = np.sort(have_left.astype(np.int64) * records + have_right)
    place = np.searchsorted(known, wanted)
    place[place == len(known)] = 0
    fresh = known[place] != wanted if len(known) else np.ones(len(wanted), bool)
    return unsettled, left[fresh], right[fresh]


def _all_pairs(labels: Labels) -> tuple[Codes, Codes]:
    """Every pair of records of one group, left below right; records labelled -1 are in no group."""
    members = np.flatnonzero(labels >= 0)
    members = members[np.argsort(labels[members], kind="stable")]
    group = labels[members]
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]])) if len(group) else np.zeros(0, int)
    sizes = np.diff(np.append(starts, len(group)))
    within = np.arange(len(group)) - np.repeat(starts, sizes)
    partners = np.repeat(sizes, sizes) - 1 - within
    left = np.repeat(np.arange(len(group)), partners)
    step = np.arange(len(left)) - np.repeat(np.cumsum(partners) - partners, partners)
    return members[left].astype(np.int32), members[left + 1 + step].astype(np.int32)


def settle(labels: Labels, unsettled: Labels, links: Links, lines: Lines) -> tuple[Labels, Codes, Codes]:
    """Decide the open groups. Returns the children (a label for each record) and pairs of rival claims (left, right)."""
    result = labels.copy()
    members = np.flatnonzero(unsettled >= 0)
    order = members[np.argsort(unsettled[members], kind="stable")]
    group = unsettled[order]
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]])) if len(group) else np.zeros(0, int)
    sizes = np.diff(np.append(starts, len(group)))
    number = np.full(len(labels), -1, np.int64)  # which open group a record is in
    place = np.zeros(len(labels), np.int64)  # and which place it has there
    number[order] = np.repeat(np.arange(len(starts)), sizes)
    place[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    inside = (number[links.left] >= 0) & (number[links.left] == number[links.right])
    left, right = links.left[inside], links.right[inside]
    weight, never = links.weight[inside], links.never[inside]
    rivals: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    size_of_pair = sizes[number[left]]
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        pairs = np.flatnonzero(size_of_pair == size)
        batch = len(chosen) if size <= BATCHED else 1
        slot = np.full(len(starts), -1, np.int64)
        slot[chosen] = np.arange(len(chosen))
        at = slot[number[left[pairs]]]
        by_slot = np.argsort(at, kind="stable")
        pairs, at = pairs[by_slot], at[by_slot]
        for begin in range(0, len(chosen), batch):
            lo, hi = np.searchsorted(at, [begin, begin + batch])
            here, spot = pairs[lo:hi], at[lo:hi] - begin
            count = min(batch, len(chosen) - begin)
            best = np.full((count, size, size), -np.inf)
            forbidden = np.zeros((count, size, size), bool)
            i, j = place[left[here]], place[right[here]]
            best[spot, i, j] = best[spot, j, i] = weight[here]
            forbidden[spot, i, j] = forbidden[spot, j, i] = never[here]
            found, claims = agglomerate(best, forbidden, lines)
            records = order[starts[chosen[begin : begin + count], None] + np.arange(size)]
            result[records] = np.take_along_axis(records, found, axis=1)
            if len(claims):
                rivals.append((records[claims[:, 0], claims[:, 1]], records[claims[:, 0], claims[:, 2]]))
    if not rivals:
        nobody = np.zeros(0, np.int32)
        return result, nobody, nobody
    return (
        result,
        np.concatenate([one for one, _ in rivals]).astype(np.int32),
        np.concatenate([other for _, other in rivals]).astype(np.int32),
    )


def agglomerate(weight: Floats, never: Flags, lines: Lines) -> tuple[Labels, NDArray[np.int64]]:
    """Grow groups by the strongest evidence first, many components of one size at once.

    ``weight`` (components x k x k, symmetric, -inf where a pair is unknown) holds pair weights, ``never`` the pairs that
    cannot be one child. Two groups are joined when their strongest pair reaches ``lines.join``, their pairs on average
    (each counted up to :data:`MOST_BITS` either way) reach ``lines.average``, and no third group that is not the
    same child as the other comes within ``lines.margin`` of the claim; otherwise both claims are rivals and neither
    is joined.

    Returns for each record the place of its group's first record, and the rival claims (component, place, place).
    """
    count, size, _ = weight.shape
    groups = _Groups(weight, never, lines)
    labels = np.tile(np.arange(size), (count, 1))
    active = np.arange(count)
    claims: list[NDArray[np.int64]] = []
    while len(active):
        current = np.where(groups.barred[active], -np.inf, groups.claim[active]).reshape(len(active), -1)
        top = current.argmax(axis=1)
        value = current[np.arange(len(active)), top]
        going = value >= lines.join
        active, top, value = active[going], top[going], value[going]
        if not len(active):
            break
        a, b = np.minimum(top // size, top % size), np.maximum(top // size, top % size)
        rival = _rival(groups, active, a, b, value, lines)
        torn = rival >= 0
        if torn.any():
            at, one, other, third = active[torn], a[torn], b[torn], rival[torn]
            groups.barred[at, one, other] = groups.barred[at, other, one] = True
            claims.append(np.stack([at, one, other], axis=1))
            between = np.where(groups.claim[at, one, third] >= groups.claim[at, other, third], one, other)
            claims.append(np.stack([at, between, third], axis=1))
        at, a, b = active[~torn], a[~torn], b[~torn]
        if len(at):
            labels[at] = np.where(labels[at] == b[:, None], a[:, None], labels[at])
            groups.join(at, a, b)
    if not claims:
        return labels, np.zeros((0, 3), np.int64)
    return labels, np.concatenate(claims)


def _rival(groups: _Groups, at: Labels, a: Labels, b: Labels, value: Floats, lines: Lines) -> Labels:
    """A third group that claims one of the two nearly as well and is not the same child as the other; -1 if none.

    It is not the same child when that is forbidden, or when what speaks against it outweighs the weaker of the two
    claims: all three together would then be less likely than two of them.
    """
    rows = np.arange(len(a))
    to_a, to_b = groups.claim[at, a], groups.claim[at, b]
    line = np.maximum(value - lines.margin, lines.ask)[:, None]
    strong = value[:, None]
    not_b = groups.never[at, b] | (groups.mean(at, b) < -np.minimum(to_a, strong))
    not_a = groups.never[at, a] | (groups.mean(at, a) < -np.minimum(to_b, strong))
    contested = ((to_a >= line) & not_b) | ((to_b >= line) & not_a)
    contested[rows, a] = contested[rows, b] = False
    strongest = np.where(contested, np.maximum(to_a, to_b), -np.inf)
    third = strongest.argmax(axis=1)
    return np.where(np.isneginf(strongest[rows, third]), -1, third)


class _Groups:
    """The evidence between every two groups of a component; a row for each group, kept at its first record's place."""

    def __init__(self, weight: Floats, never: Flags, lines: Lines) -> None:
        self.average = lines.average
        diagonal = np.arange(weight.shape[1])
        self.best = weight.copy()
        self.best[:, diagonal, diagonal] = -np.inf
        known = ~np.isneginf(self.best)
        self.total = np.where(known, np.clip(self.best, -MOST_BITS, MOST_BITS), 0.0)
        self.pairs = known.astype(np.float64)
        self.never = never.copy()
        self.barred = never.copy()  # forbidden, or already found to be rivals
        self.claim = np.where(never, -np.inf, np.where(self.total >= self.average * self.pairs, self.best, -np.inf))

    def mean(self, at: Labels, a: Labels) -> Floats:
        """The average weight between group ``a`` and every other; 0 where nothing is known."""
        return np.asarray(self.total[at, a] / np.maximum(self.pairs[at, a], 1.0))

    def join(self, at: Labels, a: Labels, b: Labels) -> None:
        """Put group ``b`` into group ``a`` in each of the given components."""
        _fold(self.best, at, a, b, np.maximum, -np.inf)
        _fold(self.total, at, a, b, np.add, 0.0)
        _fold(self.pairs, at, a, b, np.add, 0.0)
        _fold(self.never, at, a, b, np.logical_or, False)
        _fold(self.barred, at, a, b, np.logical_or, False)
        self.best[at, a, a] = -np.inf
        allowed = ~self.never[at, a] & (self.total[at, a] >= self.average * self.pairs[at, a])
        fresh = np.where(allowed, self.best[at, a], -np.inf)
        self.claim[at, a] = fresh
        self.claim[at, :, a] = fresh
        self.claim[at, b] = -np.inf
        self.claim[at, :, b] = -np.inf


def _fold(matrix: NDArray[Any], at: Labels, a: Labels, b: Labels, how: Any, gone: float | bool) -> None:
    """Let row and column ``a`` hold what ``a`` and ``b`` hold together, and leave nothing in ``b``."""
    together = how(matrix[at, a], matrix[at, b])
    matrix[at, a] = together
    matrix[at, :, a] = together
    matrix[at, b] = gone
    matrix[at, :, b] = gone
