"""Taking steps back on each database: exactly, again and again, and every identifier ever given leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from asking import NOW
from reviewing import ANN, a_council, a_record
from samechild.errors import Conflict, Missing
from samechild.index import store as tables
from samechild.index.actions import merge, rebuild, split, undo, unlink
from samechild.index.models import keep_model
from samechild.index.reading import read_child
from samechild.index.spaces import ask_of
from samechild.linkage.models.children import children_model
from samechild.records import fields
from samechild.storage import Login, Store
from stores import a_store

LATER = NOW + timedelta(minutes=1)


@pytest.fixture(params=("sqlite", "postgres"), name="store")
def a_council_with_an_index(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_council(opened)
        keep_model(
            opened, "council", children_model([name for name, field in fields().items() if field.given]), {}, NOW
        )
        yield opened


def state_hash(store: Store) -> str:
    with store.read(Login.INDEX) as index:
        head = tables.head(index, "council")
    assert head is not None
    return head[0]


def leads_to(store: Store, child: str) -> tuple[str, list[str]]:
    found = read_child(store, ANN, "council", child, ask_of(ANN, "council", LATER))
    return found.child, sorted(each.record_key for each in found.records)


def test_a_merge_is_undone_and_done_again_as_often_as_one_likes(store: Store) -> None:
    (one, child), (other, second) = a_record(store), a_record(store, forename="Theo")
    apart = state_hash(store)
    event = merge(store, ANN, "council", child, second, "", LATER)
    together = state_hash(store)
    for turn in range(4):
        event = undo(store, ANN, "council", event.number, "", LATER)
        assert state_hash(store) == (together if turn % 2 else apart)
    assert leads_to(store, child) == (child, sorted((one, other)))
    assert rebuild(store, "council").same_hash


def test_an_identifier_whose_making_was_undone_leads_back(store: Store) -> None:
    (one, child), (other, _) = a_record(store), a_record(store, child="", forename="Theo")
    with store.read(Login.INDEX) as index:
        second = tables.children_of(index, "council", [other])[other]
    merge(store, ANN, "council", child, second, "", LATER)
    before = state_hash(store)
    parted = split(store, ANN, "council", child, [other], "", LATER)
    undone = undo(store, ANN, "council", parted.number, "", LATER)
    assert state_hash(store) == before
    assert leads_to(store, parted.other) == (child, sorted((one, other)))
    undo(store, ANN, "council", undone.number, "", LATER)
    assert leads_to(store, parted.other) == (parted.other, [other])
    assert rebuild(store, "council").differences == 0


def test_out_of_order_and_of_nothing(store: Store) -> None:
    (_, child), (other, second) = a_record(store), a_record(store, forename="Theo")
    merged = merge(store, ANN, "council", child, second, "", LATER)
    parted = unlink(store, ANN, "council", other, "", LATER)
    with pytest.raises(Conflict, match=f"undo first {parted.number}"):
        undo(store, ANN, "council", merged.number, "", LATER)
    with pytest.raises(Missing):
        undo(store, ANN, "council", 10**9, "", LATER)
