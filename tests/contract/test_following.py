"""What the rooms above read of the collection, through the gate: changes that are never missed, tables as of a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import gate
from asking import DAY, NOW
from collecting import a_council, a_payload, send
from gate import OPERATOR
from indexing import OFFICER, SYSTEM
from samechild.cli.tables import all_tables
from samechild.collection.following import INDEX, Page, Snapshot, follow, tables_at
from samechild.collection.processing import process
from samechild.collection.store import all_children
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.index.actions import merge
from samechild.index.assigned import children_at
from samechild.policy import ledger
from samechild.policy.relationship_actions import set_mark
from samechild.policy.retention.erasure import Why, erase
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store
from stores import a_store

ANALYST = Asker(user="analyst", organisation="council", role="analyst", factors=2)
SOON = timedelta(minutes=1)
PLAN = {"child_protection_plans": [{"child_protection_plan_id": "QP1", "start_date": "2026-03-04"}]}


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_council(opened)
        with opened.write(Login.GATE) as connection:
            gate.give(connection, ANALYST)
        yield opened


@pytest.fixture
def quick() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_council(opened, index=True)
        with opened.write(Login.GATE) as connection:
            gate.give(connection, ANALYST)
        yield opened


def question(now: Any = NOW, **given: Any) -> Ask:
    """The council's own analyst plans services."""
    usual = {"who": ANALYST, "purpose": "service-planning", "mode": Mode.CONTENT, "record_type": "social-care.episode"}
    return Ask(**{**usual, "owner": "council", "scope": Scope(Spread.BATCH), "now": now, **given})


def collect(store: Store, *children: dict[str, Any], now: Any = NOW) -> None:
    send(store, SYSTEM, *children, now=now)
    process(store, all_tables(), now)


def keys_of(store: Store) -> list[str]:
    with store.read(Login.CONTENT, "council") as connection:
        return all_children(connection, "council", "", 100)


def told(page: Page) -> list[tuple[str, str]]:
    return [(each.kind, each.record_key) for each in page.changes]


def test_a_follower_is_told_of_each_child_and_then_only_of_what_is_new(store: Store) -> None:
    collect(store, a_payload("C1"), a_payload("C2"))
    first = follow(store, question(NOW + SOON), "0")
    assert sorted(told(first)) == [("collected", key) for key in keys_of(store)]
    assert told(follow(store, question(NOW + SOON), first.next)) == []
    collect(store, a_payload("C2", episode=PLAN), now=NOW + DAY)
    second = follow(store, question(NOW + DAY), first.next)
    assert len(second.changes) == 1
    assert second.changes[0].record_key in keys_of(store)
    assert not second.more


def test_a_follower_that_reads_line_by_line_hears_the_same(store: Store) -> None:
    for number in range(4):
        collect(store, a_payload(f"C{number}"), now=NOW + number * DAY)
    now = NOW + 5 * DAY
    whole = follow(store, question(now), "0")
    after, found, more = "0", [], True
    while more:
        page = follow(store, question(now), after, limit=1)
        found += told(page)
        after, more = page.next, page.more
    assert found == told(whole)
    assert after == whole.next


def test_a_purged_child_and_one_erased_on_request_are_both_told(store: Store) -> None:
    collect(store, a_payload("C1"), a_payload("C2"), a_payload("C3"))
    start = follow(store, question(NOW + SOON), "0").next
    before = keys_of(store)
    collect(store, {"la_child_id": "C1", "purge": True}, now=NOW + DAY)
    (purged,) = set(before) - set(keys_of(store))
    erased = keys_of(store)[0]
    erase(store, all_tables(), [erased], Why.REQUEST, gate.an_officer("council"), NOW + DAY + SOON)
    page = follow(store, question(NOW + 2 * DAY), start)
    assert {("purged", purged), ("purged", erased)} <= set(told(page))
    left = tables_at(store, question(NOW + 2 * DAY)).tables["children"]["record_key"].to_pylist()
    assert set(left) == set(before) - {purged, erased}


def test_who_may_not_know_is_told_nothing(store: Store) -> None:
    collect(store, a_payload("C1"), a_payload("C2"))
    worker = question(NOW + SOON, who=gate.WORKER)
    with pytest.raises(Refused):
        follow(store, worker, "0")
    with pytest.raises(Refused):
        tables_at(store, worker)
    with pytest.raises(Missing):
        follow(store, question(NOW + SOON, owner="trust"), "0")
    hidden = keys_of(store)[0]
    set_mark(store, OPERATOR, "council", [hidden], "opted-out", NOW + SOON)
    page = follow(store, question(NOW + 2 * SOON), "0")
    assert [key for _, key in told(page)] == keys_of(store)[1:]
    seen = tables_at(store, question(NOW + 2 * SOON)).tables
    assert seen["children"]["record_key"].to_pylist() == keys_of(store)[1:]


def test_what_is_told_stands_in_the_ledger_before(quick: Store) -> None:
    collect(quick, a_payload("C1"))
    before = ledger.head(quick).size
    assert told(follow(quick, question(NOW + SOON), "0"))
    assert ledger.head(quick).size == before + 2
    assert not told(follow(quick, question(NOW + SOON), follow(quick, question(NOW + SOON), "0").next))


def test_a_cursor_of_another_history_is_noticed(quick: Store) -> None:
    collect(quick, a_payload("C1"))
    here = follow(quick, question(NOW + SOON), "0").next
    number = int(here.partition("-")[0])
    for wrong in (f"{number + 5}", f"{number}-{'0' * 16}"):
        with pytest.raises(Conflict):
            follow(quick, question(NOW + SOON), wrong)
    with pytest.raises(Invalid):
        follow(quick, question(NOW + SOON), "soon")


def snapshot(store: Store, **given: Any) -> Snapshot:
    return tables_at(store, question(NOW + 3 * DAY), **given)


def test_tables_hold_content_as_it_was_known_on_a_day(store: Store) -> None:
    collect(store, a_payload("QC91"))
    collect(store, a_payload("QC91", episode=PLAN), a_payload("QC92"), now=NOW + 2 * DAY)
    now_known, then = snapshot(store), snapshot(store, as_at=(NOW + DAY).date())
    assert (now_known.tables["children"].num_rows, then.tables["children"].num_rows) == (2, 1)
    assert (now_known.tables["protection_plans"].num_rows, then.tables["protection_plans"].num_rows) == (1, 0)
    text = msgspec.json.encode([table.to_pylist() for table in now_known.tables.values()]).decode()
    assert not any(word in text for word in ("QC91", "QP1", "Quillfeather", "ZZ99", "EQC91"))
    again = snapshot(store)
    assert {name: rows.to_pylist() for name, rows in again.tables.items()} == {
        name: rows.to_pylist() for name, rows in now_known.tables.items()
    }
    episodes = set(now_known.tables["episodes"]["episode_key"].to_pylist())
    assert set(now_known.tables["protection_plans"]["episode_key"].to_pylist()) <= episodes


def test_tables_say_which_child_a_record_was_of_as_of_a_version_of_the_index(quick: Store) -> None:
    named = {"first_name": "Wren", "surname": "Avocet", "date_of_birth": "2012-01-01"}
    collect(quick, a_payload("C1"), a_payload("C2", details=named))
    first = snapshot(quick)
    children = dict(zip(*(first.tables[INDEX][name].to_pylist() for name in ("record_key", "child")), strict=True))
    one, other = children.values()
    assert one != other
    merge(quick, OFFICER, "council", one, other, "the same child", NOW + 3 * DAY)
    after = tables_at(quick, question(NOW + 4 * DAY))
    assert set(after.tables[INDEX]["child"].to_pylist()) == {one}
    assert after.index_version > first.index_version
    as_before = tables_at(quick, question(NOW + 4 * DAY), index_version=first.index_version)
    assert as_before.tables[INDEX].equals(first.tables[INDEX])
    assert as_before.index_version == first.index_version
    with pytest.raises(Invalid):
        tables_at(quick, question(NOW + 4 * DAY), index_version=after.index_version + 1)


def test_before_a_record_was_there_it_was_of_no_child(quick: Store) -> None:
    collect(quick, a_payload("C1"))
    (key,) = keys_of(quick)
    version, children = children_at(quick, "council", [key])
    assert list(children) == [key]
    assert children_at(quick, "council", [key], 0) == (0, {})
    assert children_at(quick, "council", [key], version) == (version, children)
