"""Where a child would be expected to be seen: the same numbers child by child as for all children at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from samechild.errors import Invalid
from samechild.linkage.coded import code_table
from samechild.linkage.expectations import Expectations, Sighted, counted, sighted
from samechild.linkage.presence import Presence

YEARS = [None, "2012", "2015"]
children = st.lists(
    st.tuples(st.sampled_from(YEARS), st.lists(st.sampled_from("abcd"), min_size=1, max_size=5)),
    min_size=1,
    max_size=12,
)
Children = list[tuple[str | None, list[str]]]


def all_at_once(held: Children) -> tuple[Presence, list[int]]:
    """What linking in bulk counts of the same children; and the label of each child."""
    rows = [(number, source, year) for number, (year, sources) in enumerate(held) for source in sources]
    first: dict[int, int] = {}
    labels = np.array([first.setdefault(number, place) for place, (number, _, _) in enumerate(rows)])
    table = pa.table(
        {"source": [source for _, source, _ in rows], "birth_year": pa.array([year for *_, year in rows], pa.string())}
    )
    return Presence(code_table(table, table.column_names), labels), [first[number] for number in range(len(held))]


def one_by_one(held: Children) -> tuple[Expectations, list[Sighted]]:
    expected, seen = Expectations(), [sighted((year, source) for source in sources) for year, sources in held]
    for each in seen:
        expected.add(each)
    return expected, seen


@tried(max_examples=150)
@given(held=children)
def test_the_numbers_are_those_of_linking_in_bulk(held: Children) -> None:
    presence, labels = all_at_once(held)
    expected, seen = one_by_one(held)
    for i, one in enumerate(seen):
        for j, other in enumerate(seen):
            wanted = presence.evidence(np.array([labels[i]]), np.array([labels[j]]))[0]
            assert expected.evidence(one, other) == pytest.approx(wanted, abs=1e-4)  # presence counts in 32 bits


@tried(max_examples=100)
@given(held=children, gone=st.sets(st.integers(0, 11)))
def test_children_counted_at_once_and_one_by_one_are_alike(held: Children, gone: set[int]) -> None:
    expected, seen = one_by_one(held)
    for number in sorted(gone & set(range(len(held)))):
        expected.remove(seen[number])
    left = [(number, *each) for number, each in enumerate(held) if number not in gone]
    rows = [(number, source, year) for number, year, sources in left for source in sources]
    together = counted(
        np.array([7 * number for number, *_ in rows], np.int64),
        np.array(["abcd".index(source) for _, source, _ in rows], np.int32),
        np.array([YEARS.index(year) - 1 for *_, year in rows], np.int32),
        "abcd",
        ["2012", "2015"],
    )
    for one in seen:
        for other in seen:
            assert together.evidence(one, other) == pytest.approx(expected.evidence(one, other), abs=1e-9)
    assert {name: count for name, count in together.children.items() if count} == {
        name: count for name, count in expected.children.items() if count
    }


def test_the_commonest_year_stands_for_a_child_and_the_earliest_of_several() -> None:
    assert sighted([("2015", "a"), ("2012", "b"), ("2015", "a")]).year == "2015"
    assert sighted([("2015", "a"), ("2012", "b"), (None, "c")]) == Sighted("2012", ("a", "b", "c"))
    assert sighted([(None, "a")]).year == ""
    in_bulk = counted(
        np.array([5, 5, 5]), np.array([0, 1, 1], np.int32), np.array([1, 0, -1], np.int32), "ab", ["2015", "2012"]
    )
    one_by = Expectations()
    one_by.add(Sighted("2012", ("a", "b", "b")))
    pair = Sighted("2012", ("a",)), Sighted("2012", ("b",))
    assert in_bulk.evidence(*pair) == one_by.evidence(*pair)


def test_a_source_nobody_has_met_says_nothing_of_itself() -> None:
    expected, seen = one_by_one([("2012", ["a", "b"])] * 5)
    assert expected.evidence(seen[0], Sighted("2012", ("z",))) == 0.0


def test_what_was_never_counted_cannot_be_taken_away() -> None:
    expected, _ = one_by_one([("2012", ["a"])])
    with pytest.raises(Invalid, match="never counted"):
        expected.remove(Sighted("2015", ("a",)))
    with pytest.raises(Invalid, match="never counted"):
        expected.remove(Sighted("2012", ("b",)))
    expected.remove(Sighted("2012", ("a",)))
    assert expected.children == {"a": 0, "b": 0}
    assert counted(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), "a", []).children == {"a": 0}
