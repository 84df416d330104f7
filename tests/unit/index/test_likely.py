"""How surely a description is of a child: certain only when one stands alone and nothing speaks against it."""

from __future__ import annotations

import pytest

from samechild.index.likely import CERTAIN, NOT, POSSIBLE, PROBABLE, Weighed, chance, graded
from samechild.linkage.constraints import Why

JOIN = 5.0


def one(child: str, weight: float, why: Why = Why.NOTHING, key: str = "") -> Weighed:
    return Weighed(child=child, record_key=key or f"{child}-{weight}", weight=weight, why=why)


def grades(*found: Weighed) -> dict[str, str]:
    return {each.child: each.grade for each in graded(found, JOIN)}


def test_one_alone_above_the_line_is_certain() -> None:
    assert grades(one("a", 9), one("a", 2), one("b", 1)) == {"a": CERTAIN, "b": POSSIBLE}


def test_a_rival_above_the_line_leaves_nobody_certain() -> None:
    assert grades(one("a", 9), one("b", 6)) == {"a": PROBABLE, "b": PROBABLE}


@pytest.mark.parametrize("why", [Why.TWINS, Why.NAMES_AND_NUMBERS_DIFFER])
def test_a_doubt_takes_certainty_away(why: Why) -> None:
    assert grades(one("a", 9), one("a", 8, why)) == {"a": PROBABLE}


def test_verified_numbers_that_differ_are_certainly_not_and_no_rival() -> None:
    found = graded([one("a", 9), one("b", 20, Why.VERIFIED_NUMBERS_DIFFER)], JOIN)
    assert [(each.child, each.grade) for each in found] == [("a", CERTAIN), ("b", NOT)]
    assert found[-1].probability == 0


def test_the_likeliest_comes_first_and_the_order_of_records_does_not_matter() -> None:
    found = [one("a", 3), one("b", 7), one("c", 3)]
    assert graded(found, JOIN) == graded(found[::-1], JOIN)
    assert [each.child for each in graded(found, JOIN)] == ["b", "a", "c"]


@pytest.mark.parametrize(("weight", "expected"), [(0, 0.5), (1, 2 / 3), (1000, 1.0), (-1000, 0.0)])
def test_a_weight_in_bits_is_a_probability(weight: float, expected: float) -> None:
    assert chance(weight) == pytest.approx(expected)
