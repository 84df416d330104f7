"""Growing groups of records by the strongest evidence first, thousands of small components at once.

Single linkage chains, complete linkage tears apart what one bad record contradicts. Here two groups are joined by their
strongest pair, if their pairs agree on average, if nothing forbids it, and if no rival claims one of them nearly as
well: average linkage with cannot-link constraints (Wagstaff and others, ICML 2001) and a margin.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_BITS = 20.0
"""No single pair counts for more than this, for or against, in the average between two groups."""


class Lines(msgspec.Struct, frozen=True):
    """The thresholds in bits (log2 odds): join, ask, how far to be ahead of a rival, and the least average."""

    join: float
    ask: float
    margin: float
    average: float


class Matrices(msgspec.Struct, frozen=True):
    """Components of one size (components x k x k, symmetric; -inf where a pair is unknown).

    ``weight``: pair weights. ``never``: pairs that cannot be one child. ``best``, ``presence``, ``marks``, ``against``:
    see :class:`samechild.linkage.clustering.Whole`; the last three are None where the members are single records.
    """

    weight: Floats
    never: Flags
    best: Floats
    presence: Floats | None
    marks: NDArray[np.uint16] | None
    against: Floats | None


def agglomerate(matrices: Matrices, lines: Lines) -> tuple[Labels, NDArray[np.int64]]:
    """Grow groups by the strongest evidence first, many components of one size at once.

    Two groups are joined when their strongest pair reaches ``lines.join``, their pairs on average
    (each counted up to :data:`MOST_BITS` either way) reach ``lines.average``, and no third group that is not the
    same child as the other comes within ``lines.margin`` of the claim; otherwise both claims are rivals and neither
    is joined.

    Returns for each record the place of its group's first record, and the rival claims (component, place, place).
    """
    count, size, _ = matrices.weight.shape
    groups = _Groups(matrices, lines)
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

    def __init__(self, matrices: Matrices, lines: Lines) -> None:
        self.average = lines.average
        diagonal = np.arange(matrices.weight.shape[1])
        self.best = matrices.best.copy()
        self.best[:, diagonal, diagonal] = -np.inf
        known = ~np.isneginf(self.best)
        self.total = np.where(known, np.clip(matrices.weight, -MOST_BITS, MOST_BITS), 0.0)
        self.pairs = known.astype(np.float64)
        self.never = matrices.never.copy()
        self.barred = matrices.never.copy()  # forbidden, or already found to be rivals
        self.presence = None if matrices.presence is None else matrices.presence.copy()
        self.marks = None if matrices.marks is None else matrices.marks.copy()
        self.against = matrices.against
        everywhere = (slice(None), slice(None))
        self.claim = self._claims(*everywhere)

    def _claims(self, at: Any, a: Any) -> Floats:
        """What groups claim of each other, -inf where a join is not allowed."""
        claim = self.best[at, a]
        if self.presence is not None and self.marks is not None and self.against is not None:
            claim = claim + self.presence[at, a] + self.against[self.marks[at, a]]
        allowed = ~self.never[at, a] & (self.total[at, a] >= self.average * self.pairs[at, a])
        return np.where(allowed, claim, -np.inf)

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
        if self.presence is not None and self.marks is not None:
            _fold(self.presence, at, a, b, np.minimum, 0.0)
            _fold(self.marks, at, a, b, np.bitwise_or, 0)
        self.best[at, a, a] = -np.inf
        fresh = self._claims(at, a)
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
