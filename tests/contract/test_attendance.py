"""A school's attendance on real databases: door, receipts, rules, purges and permits as for a council's children."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

import gate
from asking import DAY, NOW
from attending import KEY, LEAD, QUALITY, SOON, SYSTEM, URN, a_pupil, a_school, send
from linking import taught, the_town_linked
from samechild.cli.tables import all_tables
from samechild.collection import feeds_store
from samechild.collection import store as tables
from samechild.collection.attendance.actions import attendance_of
from samechild.collection.attendance.states import RECORD_TYPE, states_of
from samechild.collection.attendance.structure import read_register
from samechild.collection.daily import look_again
from samechild.collection.feeds import close_feed, open_feed
from samechild.collection.processing import process
from samechild.collection.receiving import Sending
from samechild.collection.receiving import receive as receive_children
from samechild.collection.records import ATTENDANCE
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.index import store as index_tables
from samechild.index.actions import open_space
from samechild.index.models import keep_model
from samechild.index.records import Space
from samechild.policy import ledger
from samechild.policy import store as policy_store
from samechild.policy.agreement_actions import withdraw_agreement
from samechild.policy.received import both_keys
from samechild.policy.relationship_actions import Relationship, relate
from samechild.records.disclosure import Ask, Mode, Scope, Spread
from samechild.storage import Database, Login, Store
from samechild.storage.changes import changes_after
from stores import a_store


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_school(opened)
        yield opened


@pytest.fixture
def quick() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_school(opened)
        yield opened


def keys_of(store: Store) -> list[str]:
    with store.read(Login.CONTENT, "beechwood") as connection:
        return tables.all_children(connection, "beechwood", "", 1000)


def held(store: Store) -> dict[str, list[str]]:
    """The codes held of each pupil, by the school's own id."""
    record_keys = keys_of(store)
    states = states_of(store, "beechwood", record_keys, both_keys(store, record_keys))
    return {
        each.roll.pupil["pupil_id"]: [m["code"] for m in each.roll.pupil.get("marks", [])] for each in states.values()
    }


def an_ask(record_keys: list[str], **given: Any) -> Ask:
    usual = {"who": LEAD, "purpose": "education-welfare", "mode": Mode.CONTENT, "record_type": RECORD_TYPE}
    usual |= {
        "owner": "beechwood",
        "scope": Scope(Spread.BATCH, tuple(record_keys), batch="register"),
        "now": NOW + SOON,
    }
    return Ask(**{**usual, **given})


def test_what_has_a_receipt_is_kept_and_adds_up(store: Store) -> None:
    first = send(store, a_pupil(1, "/", "\\"), a_pupil(2, "N", "N"))
    assert len(first.receipts) == 2
    assert process(store, all_tables(), NOW + SOON) == 1
    assert held(store) == {"P1": ["/", "\\"], "P2": ["N", "N"]}
    again = send(store, a_pupil(1, "/", "\\"), a_pupil(2, "I", "I"), now=NOW + DAY)
    assert again.unchanged == 1
    assert process(store, all_tables(), NOW + DAY + SOON) == 1
    assert held(store) == {"P1": ["/", "\\"], "P2": ["I", "I"]}
    assert process(store, all_tables(), NOW + DAY + SOON) == 0


def test_the_rules_say_what_is_wrong_and_when_it_was_mended(quick: Store) -> None:
    send(quick, a_pupil(1, "J", "\\"), a_pupil(2, "/", "\\", school="900002"))
    process(quick, all_tables(), NOW + SOON)
    assert issues(quick) == {"ATT-01", "ATT-15"}
    send(quick, a_pupil(1, "J1", "\\"), now=NOW + DAY)
    process(quick, all_tables(), NOW + DAY + SOON)
    assert issues(quick) == {"ATT-15"}


def test_a_new_day_alone_can_make_a_reason_overdue(quick: Store) -> None:
    send(quick, a_pupil(1, "N", "N"))
    process(quick, all_tables(), NOW + SOON)
    assert issues(quick) == set()
    with quick.read(Login.GATE) as connection:
        feed = feeds_store.feed_named(connection, URN)
    assert feed is not None
    look_again(quick, feed, NOW + 7 * DAY)
    assert issues(quick) == {"ATT-07"}


def issues(store: Store) -> set[str]:
    with store.read(Login.CONTENT, "beechwood") as connection:
        rows = tables.issues_of(connection, "beechwood", keys_of(store))
    assert {row.retention for row in rows} <= {"education"}
    return {row.rule for row in rows}


def test_a_closure_that_is_not_the_whole_schools_is_told_of_the_school(quick: Store) -> None:
    send(quick, a_pupil(1, "/", "\\"), a_pupil(2, "#", "\\"), a_pupil(3, "/", "#"))
    process(quick, all_tables(), NOW + SOON)
    with quick.read(Login.GATE) as connection:
        feed = feeds_store.feed_named(connection, URN)
    assert feed is not None
    assert look_again(quick, feed, NOW + DAY) == {"rule.ATT-18": 2}
    with quick.read(Login.CONTENT, "beechwood") as connection:
        (kept,) = tables.days(connection, "beechwood", "2000-01-01")
    assert msgspec.json.decode(kept.counts) == {"rule.ATT-18": 2}
    send(quick, a_pupil(2, "Y3", "\\"), a_pupil(3, "/", "Y3"), now=NOW + DAY)
    process(quick, all_tables(), NOW + DAY + SOON)
    assert look_again(quick, feed, NOW + DAY + SOON) == {}
    send(quick, a_pupil(2, "#", "\\"), now=NOW + DAY)
    process(quick, all_tables(), NOW + DAY + SOON)
    assert look_again(quick, feed, NOW + 40 * DAY) == {}, "what is long past is left alone"


def test_the_same_key_again_is_answered_as_before(quick: Store) -> None:
    first = send(quick, a_pupil(1, "/", "\\"), idempotency_key="k1")
    second = send(quick, a_pupil(1, "/", "\\"), idempotency_key="k1", now=NOW + SOON)
    assert second.again
    assert second.receipts == first.receipts
    with pytest.raises(Conflict):
        send(quick, a_pupil(1, "I", "I"), idempotency_key="k1")


def test_one_record_that_cannot_be_read_refuses_all_or_only_itself(quick: Store) -> None:
    bad = a_pupil(2, "/", "\\", unique_pupil_number="X1")
    refused = send(quick, a_pupil(1, "/", "\\"), bad)
    assert refused.receipts == ()
    assert [(each.position, each.rule) for each in refused.faults] == [(1, "REG-02")]
    taken = send(quick, a_pupil(1, "/", "\\"), bad, partial=True)
    assert [bool(receipt) for receipt in taken.receipts] == [True, False]
    process(quick, all_tables(), NOW + SOON)
    assert held(quick) == {"P1": ["/", "\\"]}


def test_without_an_agreement_feed_or_right_nothing_is_taken(quick: Store) -> None:
    with pytest.raises(Missing):
        send(quick, a_pupil(1), authority="900009")
    with pytest.raises(Refused):
        send(quick, a_pupil(1), supplier_key="another")
    with pytest.raises(Refused):
        send(quick, a_pupil(1), by=gate.WORKER)
    with quick.read(Login.GATE) as connection:
        feed = feeds_store.feed_named(connection, URN)
    assert feed is not None
    withdraw_agreement(quick, gate.an_officer("beechwood"), feed.agreement, NOW)
    with pytest.raises(Refused, match="withdrawn"):
        send(quick, a_pupil(1), now=NOW + SOON)
    close_feed(quick, gate.an_officer("beechwood"), URN, NOW + SOON)
    with pytest.raises(Refused, match="closed"):
        send(quick, a_pupil(1), now=NOW + 2 * SOON)
    assert keys_of(quick) == []


def test_a_register_does_not_come_by_the_door_of_social_care(quick: Store) -> None:
    body = msgspec.json.encode([a_pupil(1, "/", "\\")])
    sending = Sending(
        authority=URN, request_id="r1", supplier_key=KEY, sent_bytes=len(body), digest=body, body=read_register(body)
    )
    with pytest.raises(Missing):
        receive_children(quick, SYSTEM, sending, NOW, os.urandom)
    assert keys_of(quick) == []


def test_a_school_bears_its_own_urn_and_sends_attendance_alone(quick: Store) -> None:
    officer = gate.an_officer("beechwood")
    with quick.read(Login.GATE) as connection:
        feed = feeds_store.feed_named(connection, URN)
    assert feed is not None
    with pytest.raises(Invalid, match="URN"):
        open_feed(quick, officer, msgspec.structs.replace(feed, feed="900002", authority="900002"), NOW)
    with pytest.raises(Invalid):
        open_feed(quick, officer, msgspec.structs.replace(feed, categories=(ATTENDANCE, "adoption")), NOW)


def test_marks_are_read_with_a_permit_for_attendance_and_nobody_is_named(store: Store) -> None:
    send(store, a_pupil(1, "I", "I"), a_pupil(2, "/", "\\"))
    process(store, all_tables(), NOW + SOON)
    one, other = keys_of(store)
    before = ledger.head(store).size
    assert attendance_of(store, an_ask([one, other])) == {}  # the officer is involved with neither
    involve(store, one)
    seen = attendance_of(store, an_ask([one, other]))
    assert list(seen) == [one]
    assert {mark.code for mark in seen[one]} in ({"I"}, {"/", "\\"})
    assert ledger.head(store).size > before
    with pytest.raises(Invalid):
        attendance_of(store, an_ask([one], record_type="education.setting"))
    assert attendance_of(store, an_ask([one], who=gate.WORKER)) == {}


def involve(store: Store, record_key: str) -> None:
    row = Relationship(
        owner="beechwood",
        record_key=record_key,
        organisation="beechwood",
        person=LEAD.user,
        since=NOW - DAY,
        source="test",
    )
    relate(store, gate.OPERATOR, [row], NOW + SOON)


def test_a_purged_pupil_is_gone_and_the_others_stay(store: Store) -> None:
    canary = "Canaryfeather"
    send(store, a_pupil(1, "O", "O", surname=canary), a_pupil(2, "/", "\\"))
    process(store, all_tables(), NOW + SOON)
    (gone,) = [key for key in keys_of(store) if canary in name_of(store, key)]
    send(store, {"pupil_id": "P1", "purge": True}, now=NOW + DAY)
    process(store, all_tables(), NOW + DAY + SOON)
    assert held(store) == {"P2": ["/", "\\"]}
    assert not rows_about(store, gone)
    with store.read(Login.CONTENT) as connection:
        told = [(each.kind, each.subject) for each in changes_after(connection, Database.CONTENT, 0, kinds=["purged"])]
    assert told == [("purged", gone)]
    send(store, a_pupil(1, "/", "\\"), now=NOW + 2 * DAY)
    process(store, all_tables(), NOW + 2 * DAY + SOON)
    assert held(store) == {"P1": ["/", "\\"], "P2": ["/", "\\"]}
    assert gone not in keys_of(store)
    assert not any(canary in line for line in text_of(store))


def name_of(store: Store, key: str) -> str:
    return str(states_of(store, "beechwood", [key], both_keys(store, [key]))[key].roll.pupil["surname"])


def rows_about(store: Store, record_key: str) -> list[str]:
    """The tables that hold a row about a record."""
    found = []
    for metadata in all_tables():
        login = {"gate": Login.GATE, "identity": Login.IDENTITY, "content": Login.CONTENT}[metadata.info["database"]]
        with store.read(login, "beechwood") as connection:
            for table in metadata.sorted_tables:
                if "record_key" in table.c and table.name != "tombstones":
                    asked = sa.select(sa.func.count()).where(table.c.record_key == record_key)
                    found += [table.name] if connection.scalar(asked) else []
    return found


def text_of(store: Store) -> Iterator[str]:
    """Everything of the ledger as text."""
    with store.read(Login.GATE) as connection:
        for entry in ledger.entries(connection, before=None, limit=10_000):
            yield msgspec.json.encode(entry).decode()


def test_halves_that_a_kill_cut_apart_are_made_again(quick: Store) -> None:
    send(quick, a_pupil(1, "I", "I"))
    process(quick, all_tables(), NOW + SOON)
    send(quick, a_pupil(1, "M", "M", day="2026-10-29"), now=NOW + DAY)
    process(quick, all_tables(), NOW + DAY + SOON)
    whole = held(quick)
    with quick.write(Login.IDENTITY, "beechwood") as connection:
        connection.exec_driver_sql("DELETE FROM csc_identities")
    assert held(quick) == whole == {"P1": ["M", "M", "I", "I"]}


def test_working_off_twice_comes_to_the_same(quick: Store) -> None:
    send(quick, a_pupil(1, "I", "I"), a_pupil(2, "O", "O"))
    process(quick, all_tables(), NOW + SOON)
    once, wrong = held(quick), issues_told(quick)
    with quick.write(Login.CONTENT, "beechwood") as connection:
        connection.exec_driver_sql("UPDATE submissions SET state = 'received'")
    assert process(quick, all_tables(), NOW + 2 * SOON) == 1
    assert (held(quick), issues_told(quick)) == (once, wrong)


def issues_told(store: Store) -> int:
    with store.read(Login.CONTENT, "beechwood") as connection:
        return len(tables.issues_of(connection, "beechwood", keys_of(store)))


def test_each_pupil_finds_a_place_among_the_schools_own(quick: Store) -> None:
    space = Space(space="beechwood", title="The school's own", members=("beechwood",))
    open_space(quick, QUALITY, space, NOW)
    keep_model(quick, "beechwood", taught(), the_town_linked().frequencies, NOW)
    with quick.write(Login.GATE) as connection:  # the system of our own that works a feed off may ask from now on
        policy_store.bump(connection, NOW)
    send(quick, a_pupil(1, "/", "\\"), a_pupil(2, "/", "\\", first_name="Wren", surname="Avocet"))
    process(quick, all_tables(), NOW + SOON)
    with quick.read(Login.INDEX) as connection:
        children = index_tables.children_of(connection, "beechwood", keys_of(quick))
    assert len(set(children.values())) == 2
