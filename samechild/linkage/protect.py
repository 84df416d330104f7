"""Keeping an adopted child's two identities apart in everything a run writes.

A linker that *knows* that two identities are one child discloses it by saying so anywhere: in a list of pairs, a
question to a reviewer, a third record asked about with both. Here every pair between two protected children is taken
out of what is written, and so is every pair of a third child that stands beside both. (A school must not link an
adopted child's new UPN to the old: DfE, *Unique pupil numbers: guidance*.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samechild.linkage.agglomeration import Labels
from samechild.linkage.coded import Codes

Mask = NDArray[np.bool_]


def to_be_withheld(child: Labels, left: Codes, right: Codes, protected: NDArray[np.int64]) -> Mask:
    """Which pairs must not be written. ``protected``: pairs of children (labels), one row each, lower label first."""
    withheld = np.zeros(len(left), bool)
    if not len(protected):
        return withheld
    one, other = child[left], child[right]
    involved = np.zeros(len(child), bool)
    involved[protected.ravel()] = True
    near = np.flatnonzero((involved[one] | involved[other]) & (one != other))
    forbidden = {(int(a), int(b)) for a, b in protected}
    beside: dict[int, dict[int, list[int]]] = {}  # child -> neighbouring child -> positions of pairs
    for place in near.tolist():
        a, b = int(one[place]), int(other[place])
        if (min(a, b), max(a, b)) in forbidden:
            withheld[place] = True
            continue
        beside.setdefault(a, {}).setdefault(b, []).append(place)
        beside.setdefault(b, {}).setdefault(a, []).append(place)
    for a, b in forbidden:
        for third in beside.get(a, {}).keys() & beside.get(b, {}).keys():
            withheld[beside[a][third]] = True
            withheld[beside[b][third]] = True
    return withheld


def pairs_of_children(child: Labels, left: Codes, right: Codes) -> NDArray[np.int64]:
    """The distinct pairs of children behind pairs of records, lower label first; a child with itself is left out."""
    one, other = child[left], child[right]
    key = np.unique((np.minimum(one, other) * len(child) + np.maximum(one, other))[one != other])
    return np.stack([key // len(child), key % len(child)], axis=1)
