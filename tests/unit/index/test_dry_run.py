"""What differs between two ways in which the same records form children."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from samechild.index.dry_run import Shift, difference


def test_merged_split_rearranged_and_unchanged_are_told_apart() -> None:
    now = {"a1": "A", "a2": "A", "b1": "B", "c1": "C", "c2": "C", "d1": "D", "d2": "D", "e1": "E", "f1": "F"}
    then = {"a1": "1", "a2": "1", "b1": "1", "c1": "2", "c2": "3", "d1": "4", "d2": "5", "e1": "5", "f1": "6"}
    found = difference(now, then)
    assert found.unchanged == 1
    assert found.shifts == (
        Shift(children=("A", "B"), groups=(("a1", "a2", "b1"),)),
        Shift(children=("C",), groups=(("c1",), ("c2",))),
        Shift(children=("D", "E"), groups=(("d1",), ("d2", "e1"))),
    )
    assert [shift.kind for shift in found.shifts] == ["merged", "split", "rearranged"]
    assert [found.count(kind) for kind in ("merged", "split", "rearranged")] == [2, 1, 2]


def test_a_record_the_model_does_not_know_of_stays_as_it_is() -> None:
    assert difference({"a": "A", "b": "A"}, {}).unchanged == 1
    assert difference({}, {"a": "1"}).unchanged == 0


RECORDS = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.sampled_from("XYZ"), st.sampled_from("123")))


@given(RECORDS)
def test_every_child_and_record_is_told_of_once(records: dict[str, tuple[str, str]]) -> None:
    now = {key: child for key, (child, _) in records.items()}
    found = difference(now, {key: group for key, (_, group) in records.items()})
    children = [child for shift in found.shifts for child in shift.children]
    assert len(children) == len(set(children))
    assert found.unchanged + len(children) == len(set(now.values()))
    moved = [key for shift in found.shifts for group in shift.groups for key in group]
    assert len(moved) == len(set(moved))
    for shift in found.shifts:
        assert {now[key] for group in shift.groups for key in group} == set(shift.children)
        assert len(shift.children) > 1 or len(shift.groups) > 1


@given(RECORDS)
def test_nothing_changes_when_the_groups_are_the_children(records: dict[str, tuple[str, str]]) -> None:
    now = {key: child for key, (child, _) in records.items()}
    assert difference(now, {key: f"new name of {child}" for key, child in now.items()}).shifts == ()
