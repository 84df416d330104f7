"""How a child's records hang together: the weakest link that holds, and the part that would leave."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from samechild.index.weak_links import how_held


def test_a_record_held_by_a_bridge_is_the_part_that_leaves() -> None:
    bits = {("a", "b"): 20.0, ("b", "c"): 18.0, ("a", "c"): 15.0, ("c", "d"): 4.0, ("a", "d"): -9.0}
    found = how_held("abcd", bits)
    assert found.weakest is not None
    assert (found.weakest.one, found.weakest.other, found.weakest.bits) == ("c", "d", 4.0)
    assert found.part == ("d",)
    assert [(tie.one, tie.other) for tie in found.ties if tie.holds] == [("a", "b"), ("b", "c"), ("c", "d")]


def test_two_halves_part_in_the_middle_and_the_second_leaves() -> None:
    bits = {("a", "b"): 9.0, ("c", "d"): 9.0, ("b", "c"): 1.0}
    assert how_held("abcd", bits).part == ("c", "d")


def test_one_record_has_no_link() -> None:
    found = how_held(["a"], {})
    assert (found.ties, found.weakest, found.part) == ((), None, ())


def test_what_has_no_link_at_all_stays() -> None:
    assert how_held("abc", {("a", "b"): 3.0}).part == ("b",)


WEIGHTS = st.lists(st.floats(-30, 30), min_size=21, max_size=21)


@given(WEIGHTS, st.integers(2, 7), st.randoms())
def test_the_weakest_is_the_widest_bottleneck_and_order_does_not_matter(
    weights: list[float], records: int, chance: object
) -> None:
    keys = "abcdefg"[:records]
    bits = dict(zip(combinations(keys, 2), weights, strict=False))
    found = how_held(keys, bits)
    turned = how_held(keys, {(b, a): value for (a, b), value in reversed(bits.items())})
    assert found == turned
    assert found.weakest is not None
    part, rest = set(found.part), set(keys) - set(found.part)
    assert part
    assert rest
    # Every link across the cut is at most the weakest that holds: cutting there loses least.
    across = [value for (a, b), value in bits.items() if (a in part) != (b in part)]
    assert max(across) == found.weakest.bits
    assert sum(tie.holds for tie in found.ties) == records - 1
