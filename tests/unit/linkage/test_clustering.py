"""Groups grow from the surest pairs; what is forbidden is never joined, what is contested is asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from samechild.linkage import clustering
from samechild.linkage.agglomeration import Lines
from samechild.linkage.clustering import Links, components, groups_to_settle, settle, unsettled_pairs

LINES = Lines(join=5.0, ask=0.0, margin=5.0, average=0.0)


def links(*pairs: tuple[int, int, float], never: tuple[tuple[int, int], ...] = ()) -> Links:
    """Links from (left, right, weight); those listed can never be one child."""
    left, right, weight = (np.array(column) for column in zip(*pairs, strict=True))
    forbidden = np.array([(one, other) in never for one, other, _ in pairs])
    return Links(left.astype(np.int32), right.astype(np.int32), weight.astype(float), forbidden)


def children(records: int, found: Links) -> tuple[list[int], set[tuple[int, int]]]:
    """Each record's child, and the rival claims."""
    labels = groups_to_settle(records, found, LINES)
    unsettled, _, _ = unsettled_pairs(labels, found, LINES)
    child, one, other = settle(labels, unsettled, found, LINES)
    return child.tolist(), {(min(a, b), max(a, b)) for a, b in zip(one.tolist(), other.tolist(), strict=True)}


def test_records_that_agree_are_one_child() -> None:
    assert children(4, links((0, 1, 9.0), (0, 2, 8.0), (1, 2, 7.0)))[0] == [0, 0, 0, 3]


def test_a_chain_whose_ends_are_forbidden_is_not_joined() -> None:
    found, rivals = children(3, links((0, 1, 9.0), (1, 2, 9.0), (0, 2, 3.0), never=((0, 2),)))
    assert found == [0, 1, 2]
    assert rivals == {(0, 1), (1, 2)}


def test_a_claim_that_is_far_ahead_wins_against_a_forbidden_rival() -> None:
    found, rivals = children(3, links((0, 1, 19.0), (1, 2, 6.0), (0, 2, 3.0), never=((0, 2),)))
    assert found == [0, 0, 2]
    assert not rivals


def test_a_vague_record_does_not_chain_two_children_that_disagree() -> None:
    found, rivals = children(3, links((0, 1, 7.0), (1, 2, 7.0), (0, 2, -30.0)))
    assert found == [0, 1, 2]
    assert rivals


def test_pairs_on_average_against_it_hold_two_groups_apart() -> None:
    pairs = [(0, 1, 15.0), (2, 3, 15.0), (1, 2, 8.0), (0, 2, -9.0), (0, 3, -9.0), (1, 3, -9.0)]
    assert children(4, links(*pairs))[0] == [0, 0, 2, 2]


def test_pairs_nobody_compared_inside_an_open_group_are_named() -> None:
    found = links((0, 1, 9.0), (1, 2, 9.0), (4, 5, 9.0))
    unsettled, left, right = unsettled_pairs(groups_to_settle(6, found, LINES), found, LINES)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 2)]
    assert unsettled.tolist() == [0, 0, 0, -1, -1, -1]


def test_components_are_named_by_their_first_record() -> None:
    assert components(5, np.array([3, 4], np.int32), np.array([1, 3], np.int32)).tolist() == [0, 1, 2, 1, 1]


def test_a_huge_component_comes_apart_at_its_weaker_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "LARGEST", 4)
    strong = [(a, a + 1, 12.0) for a in (0, 1, 4, 5)]
    labels = groups_to_settle(8, links(*strong, (2, 4, 6.0), (6, 7, 0.5)), LINES)
    assert labels.tolist() == [0, 0, 0, 3, 4, 4, 4, 7]
    chain = [(a, a + 1, 12.0) for a in range(7)]
    assert groups_to_settle(8, links(*chain), LINES).tolist() == list(range(8))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Links]:
    records = draw(st.integers(2, 9))
    weights = st.one_of(st.none(), st.integers(-20, 25))
    pairs = [
        (i, j, float(weight)) for i in range(records) for j in range(i) if (weight := draw(weights)) is not None
    ] or [(1, 0, 1.0)]
    never = tuple((i, j) for i, j, _ in pairs if draw(st.integers(0, 3)) == 0)
    return records, links(*((j, i, w) for i, j, w in pairs), never=tuple((j, i) for i, j in never))


@tried(max_examples=300)
@given(graph=graphs())
def test_whatever_the_weights_nothing_forbidden_is_joined(graph: tuple[int, Links]) -> None:
    records, found = graph
    child, rivals = children(records, found)
    for one, other, never in zip(found.left.tolist(), found.right.tolist(), found.never.tolist(), strict=True):
        assert not (never and child[one] == child[other])
    for record, label in enumerate(child):
        assert label <= record
        assert child[label] == label
    assert all(child[one] != child[other] for one, other in rivals)
    for one in set(child):  # every child hangs together by pairs that speak for it
        members = [record for record in range(records) if child[record] == one]
        held = {
            record
            for a, b, weight in zip(found.left.tolist(), found.right.tolist(), found.weight.tolist(), strict=True)
            if weight >= LINES.join and child[a] == child[b] == one
            for record in (a, b)
        }
        assert len(members) == 1 or held == set(members)
