"""The demonstration's three councils: a week by three routes, with what goes wrong in it, all through the door."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from commands import linked_town
from samechild.cli.demo_collection import ANSWER, COUNCILS, NIGHTS, children_held, sending
from samechild.cli.demo_history import Scene, carry_out
from samechild.cli.demo_people import Cast, make_people
from samechild.collection import store as tables
from samechild.collection.burden import compare
from samechild.collection.concerns import concerns, one_concern
from samechild.collection.feeds import feeds_of
from samechild.collection.records import Way
from samechild.policy import ledger
from samechild.policy.retention.erasure import ERASED
from samechild.settings import Settings
from samechild.storage import Database, Login, Store
from samechild.storage.changes import changes_after
from stores import a_store

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)  # a Friday


@pytest.fixture(scope="module", name="scene")
def a_week() -> Iterator[Scene]:
    with a_store() as store:
        settings = Settings(home=store.home)
        cast = make_people(store, settings, NOW - timedelta(days=60), os.urandom)
        scene = Scene(store, cast, [], NOW, os.urandom)
        with sending(scene, settings, linked_town(), 5) as nights:
            assert all(when < NOW for when, _ in nights)
            carry_out(nights)
        yield scene


def sent(scene: Scene, short: str) -> list[sa.Row[Any]]:
    owner = scene.cast.of(short)
    with scene.store.read(Login.CONTENT, owner) as connection:
        asked = sa.select(tables.submissions).where(tables.submissions.c.owner == owner)
        return list(connection.execute(asked.order_by(tables.submissions.c.number)))


def test_every_council_sends_by_its_route_and_all_of_it_is_worked_off(scene: Scene) -> None:
    assert {each.authority for each in feeds_of(scene.store)} == {each.number for each in COUNCILS}
    assert children_held(scene.store) > 300
    for council in COUNCILS:
        rows = sent(scene, council.short)
        assert len(rows) > NIGHTS / 2
        assert {row.state for row in rows if row.status == 200} == {"done"}
    ways = {line.way for line in compared(scene.store, scene.cast)}
    assert ways == {Way.OWN, Way.SSD, Way.SUPPLIER}


def compared(store: Store, cast: Cast) -> list[Any]:
    return list(compare(store, cast.people["dfe-analyst"], NOW.date() - timedelta(days=30), NOW.date(), NOW).lines)


def test_only_what_changed_is_sent_but_by_the_supplier_who_sends_everything(scene: Scene) -> None:
    own, supplier = sent(scene, "council"), sent(scene, "third council")
    assert all(row.records < 20 for row in own[2:])
    assert sum(row.unchanged for row in own) == 0
    assert sum(row.unchanged for row in supplier) > 5 * sum(row.changed for row in supplier[2:])


def test_a_night_is_missed_and_a_request_refused(scene: Scene) -> None:
    days = {row.received_on for row in sent(scene, "other council")}
    missed = (NOW - timedelta(days=NIGHTS - 3)).date().isoformat()
    assert missed not in days
    assert [row.refused for row in sent(scene, "third council") if row.status == 400] == [1]


def test_mistakes_stand_are_mended_and_are_made(scene: Scene) -> None:
    for council in COUNCILS:
        owner = scene.cast.of(council.short)
        with scene.store.read(Login.CONTENT, owner) as connection:
            rows = list(connection.execute(sa.select(tables.csc_issues).where(tables.csc_issues.c.owner == owner)))
        first = min(row.since for row in rows)
        assert [row for row in rows if row.until is None and row.since == first]
        assert [row for row in rows if row.until is not None]
        assert [row for row in rows if row.until is None and row.since > first + timedelta(days=2)]


def test_one_child_is_purged_for_good(scene: Scene) -> None:
    owner = scene.cast.of("council")
    with scene.store.read(Login.CONTENT) as connection:
        lines = changes_after(connection, Database.CONTENT, 0, kinds=[ERASED])
    assert [line.space for line in lines] == [owner]
    with scene.store.read(Login.CONTENT, owner) as connection:
        assert lines[0].subject not in tables.all_children(connection, owner, "", 1000)


def test_a_concern_is_answered_and_the_department_looked(scene: Scene) -> None:
    asks = scene.cast.officer("other council")
    (concern,) = concerns(scene.store, asks, NOW)
    assert concern.state == "answered"
    assert ANSWER in [step.note for step in one_concern(scene.store, asks, concern.case, NOW).steps]
    department = scene.cast.of("department")
    with scene.store.read(Login.GATE) as gate:
        told = ledger.entries(gate, kind="decision", limit=10_000)
    looked = [each.body for each in told if each.body["organisation"] == department]
    assert len([body for body in looked if body["allowed"]]) >= 2 * len(COUNCILS)
