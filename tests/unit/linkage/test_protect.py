"""No pair that is written brings two protected identities together, not even through a third child."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samechild.linkage.protect import pairs_of_children, to_be_withheld

pairs = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda x: x[0] != x[1]), min_size=1, max_size=20
)


@given(child=st.lists(st.integers(0, 4), min_size=8, max_size=8), met=pairs, listed=pairs)
def test_what_is_written_never_stands_beside_both(
    child: list[int], met: list[tuple[int, int]], listed: list[tuple[int, int]]
) -> None:
    labels = np.array(child)
    left, right = (np.array(side, np.int32) for side in zip(*met, strict=True))
    one, other = (np.array(side, np.int32) for side in zip(*listed, strict=True))
    protected = pairs_of_children(labels, one, other)
    withheld = to_be_withheld(labels, left, right, protected)
    shown = {
        frozenset((child[a], child[b]))
        for a, b, hidden in zip(left.tolist(), right.tolist(), withheld.tolist(), strict=True)
        if not hidden and child[a] != child[b]
    }
    for a, b in protected.tolist():
        assert frozenset((a, b)) not in shown
        for third in set(child) - {a, b}:
            assert not {frozenset((a, third)), frozenset((b, third))} <= shown
    inside = labels[left] == labels[right]
    assert not withheld[inside].any()
    involved = np.isin(labels[left], protected) | np.isin(labels[right], protected)
    assert not withheld[~involved].any()


def test_children_are_paired_once_lower_first() -> None:
    child = np.array([0, 0, 2, 2])
    found = pairs_of_children(child, np.array([3, 1, 0], np.int32), np.array([0, 2, 1], np.int32))
    assert found.tolist() == [[0, 2]]
