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

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.agglomeration import Lines, Matrices, agglomerate
from samechild.linkage.coded import Codes

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]

BATCHED = 24
"""Components of up to so many records are worked through together with others of their size."""
LARGEST = 300
"""Components of more records are first taken apart at their weaker links."""


class Whole(msgspec.Struct, frozen=True):
    """What two groups of records say of each other as wholes; the link's weight is the sum of the three.

    ``best``: their strongest pair, numbers that contradict left out. ``presence``: what the agencies that see each of
    them add. ``marks``: for each kind of number two bits, *one in common* and *two that differ*; ``against`` gives,
    for every combination of marks, what they take away.
    """

    best: Floats
    presence: Floats
    marks: NDArray[np.uint16]
    against: Floats


class Links(msgspec.Struct, frozen=True):
    """Pairs with their weights, and which of them cannot be one child."""

    left: Codes
    right: Codes
    weight: Floats
    never: Flags
    whole: Whole | None = None  # where the ends are groups of records: what the groups as wholes know of each other


def components(records: int, left: Codes, right: Codes) -> Labels:
    """Which connected group each record belongs to, numbered by the group's first record."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components  # takes half a second to import: only where it is wanted

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
    """Decide the open groups: returns the children (a label for each record), and rival claims as (left, right).

    ``unsettled``: the label of each record's open group, -1 for records whose child is plain.
    """
    result = labels.copy()
    rivals: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for records, matrices in _batches(unsettled, links):
        found, claims = agglomerate(matrices, lines)
        result[records] = np.take_along_axis(records, found, axis=1)
        if len(claims):
            rivals.append((records[claims[:, 0], claims[:, 1]], records[claims[:, 0], claims[:, 2]]))
    if not rivals:
        nobody = np.zeros(0, np.int32)
        return result, nobody, nobody
    one = np.concatenate([each for each, _ in rivals]).astype(np.int32)
    other = np.concatenate([each for _, each in rivals]).astype(np.int32)
    apart = result[one] != result[other]  # what was contested at first may have been settled by a stronger claim
    return result, one[apart], other[apart]


def _batches(unsettled: Labels, links: Links) -> Iterator[tuple[NDArray[np.int64], Matrices]]:
    """The open groups with what links their records: small ones of one size together, large ones one by one.

    Yields the records (groups x size) and the links between them as matrices.
    """
    members = np.flatnonzero(unsettled >= 0)
    order = members[np.argsort(unsettled[members], kind="stable")]
    group = unsettled[order]
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]])) if len(group) else np.zeros(0, int)
    sizes = np.diff(np.append(starts, len(group)))
    number = np.full(len(unsettled), -1, np.int64)  # which open group a record is in
    place = np.zeros(len(unsettled), np.int64)  # and which place it has there
    number[order] = np.repeat(np.arange(len(starts)), sizes)
    place[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    inside = np.flatnonzero((number[links.left] >= 0) & (number[links.left] == number[links.right]))
    group_of_link = number[links.left[inside]]
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        slot = np.full(len(starts), -1, np.int64)
        slot[chosen] = np.arange(len(chosen))
        at = inside[sizes[group_of_link] == size]
        at = at[np.argsort(slot[number[links.left[at]]], kind="stable")]
        slots = slot[number[links.left[at]]]
        batch = len(chosen) if size <= BATCHED else 1
        for begin in range(0, len(chosen), batch):
            low, high = np.searchsorted(slots, [begin, begin + batch])
            here = at[low:high]
            count = min(batch, len(chosen) - begin)
            i, j = place[links.left[here]], place[links.right[here]]
            records = order[starts[chosen[begin : begin + count], None] + np.arange(size)]
            yield records, _matrices(links, here, count, int(size), slots[low:high] - begin, i, j)


def _matrices(
    links: Links, at: NDArray[np.int64], count: int, size: int, spot: Labels, i: Labels, j: Labels
) -> Matrices:
    """Lay the links at the given positions out as matrices: component ``spot``, places ``i`` and ``j``."""

    def laid(values: NDArray[Any], empty: float | bool | int) -> NDArray[Any]:
        matrix = np.full((count, size, size), empty, values.dtype)
        matrix[spot, i, j] = matrix[spot, j, i] = values[at]
        return matrix

    weight, never = laid(links.weight, -np.inf), laid(links.never, False)
    if links.whole is None:
        return Matrices(weight, never, weight, None, None, None)
    whole = links.whole
    return Matrices(
        weight, never, laid(whole.best, -np.inf), laid(whole.presence, 0.0), laid(whole.marks, 0), whole.against
    )
