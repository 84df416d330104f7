"""Holds, reviews and disposal, kept and obeyed: only what has wholly run out goes, and the ledger says who decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from os import urandom
from typing import Any

import pytest

from asking import NOW
from gate import WORKER, a_child, a_world, an_officer, involve, own_ask
from samechild.cli.tables import all_tables
from samechild.errors import Invalid, Missing
from samechild.policy import ledger
from samechild.policy.retention.disposal import decide_review, dispose, hold_class, lift_hold, place_hold, waiting
from samechild.policy.retention.erasure import certificate
from samechild.policy.retention.periods import Act, Facts, HoldKind, Review, Trigger, schedule
from samechild.policy.vault_actions import read_record
from samechild.storage import Login, Store
from stores import KINDS, a_store

TABLES = all_tables()
OFFICER = an_officer("council")
OLD = {Trigger.BIRTH: date(1980, 1, 1), Trigger.CLOSED: date(1990, 1, 1)}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_world(opened)
        yield opened


@pytest.fixture
def sqlite() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_world(opened)
        yield opened


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def facts_of(child: str, **given: Any) -> list[Facts]:
    """Both classes in which the council keeps something of the child, long run out."""
    classes = ("child in need", "education")
    return [
        Facts(**{"owner": "council", "record_key": child, "dates": OLD, "retention": each, **given}) for each in classes
    ]


def reviews(child: str, *, classes: tuple[str, ...] = ("child in need", "education"), **given: Any) -> list[Review]:
    usual = {"owner": "council", "record_key": child, "dispose": True, "reason": "run-out", "decided_by": OFFICER.user}
    return [Review(**{**usual, "retention": each, "decided_at": NOW, **given}) for each in classes]


def acts(store: Store, facts: list[Facts], now: datetime) -> list[Act]:
    return [line.act for line in waiting(store, schedule(), facts, now)]


def test_what_an_officer_decided_is_disposed_of_and_proved(store: Store) -> None:
    child = a_child(store)
    facts = facts_of(child)
    assert acts(store, facts, NOW) == [Act.REVIEW, Act.REVIEW]
    assert dispose(store, TABLES, schedule(), facts, OFFICER, NOW) is None
    for review in reviews(child):
        decide_review(store, review, later(1))
    assert acts(store, facts, later(2)) == [Act.DISPOSE, Act.DISPOSE]
    done = dispose(store, TABLES, schedule(), facts, OFFICER, later(2))
    assert done is not None
    proved = certificate(store, TABLES, child)
    assert (proved.stone.why, proved.left) == ("retention", {})
    with store.read(Login.GATE) as gate:
        kinds = [(entry.kind, entry.body["stage"]) for entry in reversed(ledger.entries(gate)) if "stage" in entry.body]
    assert kinds == [("retention", "review")] * 2 + [("erasure", "decided"), ("erasure", "done")]


def test_a_child_with_anything_to_keep_stays_whole(sqlite: Store) -> None:
    child = a_child(sqlite)
    involve(sqlite, child, WORKER)
    for review in reviews(child, classes=("education",)):
        decide_review(sqlite, review, later(1))
    facts = facts_of(child)
    assert sorted(acts(sqlite, facts, later(2))) == [Act.DISPOSE, Act.REVIEW]
    assert dispose(sqlite, TABLES, schedule(), facts, OFFICER, later(2)) is None
    only = [each for each in facts if each.retention == "education"]
    assert dispose(sqlite, TABLES, schedule(), only, OFFICER, later(3)) is None, "a class nobody stated facts of"
    assert read_record(sqlite, own_ask(child, now=later(4)))


def test_nobody_disposes_of_anothers_records(sqlite: Store) -> None:
    child = a_child(sqlite)
    for review in reviews(child):
        decide_review(sqlite, review, later(1))
    assert dispose(sqlite, TABLES, schedule(), facts_of(child), an_officer("school"), later(2)) is None
    theirs = facts_of(child, owner="school")
    assert dispose(sqlite, TABLES, schedule(), theirs, an_officer("school"), later(2)) is None


def test_holds_suspend_until_they_are_lifted(store: Store) -> None:
    child, other = a_child(store), a_child(store)
    for each in (child, other):
        for review in reviews(each):
            decide_review(store, review, NOW)
    one = place_hold(store, OFFICER, HoldKind.LITIGATION, "KB-2026-17", later(1), urandom, child)
    some = hold_class(store, OFFICER, HoldKind.INQUIRY, "INQ.1", later(2), urandom, "education")
    everything = place_hold(store, OFFICER, HoldKind.ACCESS_REQUEST, "7", later(3), urandom)
    facts = facts_of(child) + facts_of(other)
    assert set(acts(store, facts, later(4))) == {Act.HELD}
    lift_hold(store, OFFICER, everything.id, later(4))
    held = {
        (line.record_key, line.retention)
        for line in waiting(store, schedule(), facts, later(5))
        if line.act is Act.HELD
    }
    assert held == {(child, "child in need"), (child, "education"), (other, "education")}
    assert dispose(store, TABLES, schedule(), facts, OFFICER, later(5)) is None
    lift_hold(store, OFFICER, some.id, later(6))
    assert dispose(store, TABLES, schedule(), facts, OFFICER, later(7)) is not None
    assert certificate(store, TABLES, other).left == {}
    with pytest.raises(Missing):
        certificate(store, TABLES, child)
    lift_hold(store, OFFICER, one.id, later(8))
    assert dispose(store, TABLES, schedule(), facts, OFFICER, later(9)) is not None
    assert certificate(store, TABLES, child).left == {}


def test_a_hold_is_lifted_once_by_its_own_organisation(sqlite: Store) -> None:
    hold = place_hold(sqlite, OFFICER, HoldKind.INQUIRY, "INQ-1", NOW, urandom)
    for who, which in ((an_officer("school"), hold.id), (OFFICER, "none")):
        with pytest.raises(Missing):
            lift_hold(sqlite, who, which, NOW)
    lift_hold(sqlite, OFFICER, hold.id, NOW)
    with pytest.raises(Missing):
        lift_hold(sqlite, OFFICER, hold.id, NOW)


def test_the_newest_decision_counts(sqlite: Store) -> None:
    child = a_child(sqlite)
    (keep,) = reviews(child, classes=("education",), dispose=False, keep_until=date(2027, 1, 1))
    decide_review(sqlite, keep, NOW)
    (fact,) = (each for each in facts_of(child) if each.retention == "education")
    assert acts(sqlite, [fact], NOW) == []
    decide_review(sqlite, reviews(child, classes=("education",))[0], later(1))
    assert acts(sqlite, [fact], later(1)) == [Act.DISPOSE]


@pytest.mark.parametrize("reference", ["", "Smith v Council", "smith", "A" * 41, "A\n", "É"])
def test_a_reference_is_a_number_and_no_name(sqlite: Store, reference: str) -> None:
    with pytest.raises(Invalid):
        place_hold(sqlite, OFFICER, HoldKind.INQUIRY, reference, NOW, urandom)


def test_a_class_that_is_held_has_a_name(sqlite: Store) -> None:
    with pytest.raises(Invalid):
        hold_class(sqlite, OFFICER, HoldKind.INQUIRY, "INQ-1", NOW, urandom, "")


@pytest.mark.parametrize(
    "given",
    [
        {"reason": "Wren is still here"},
        {"reason": ""},
        {"keep_until": date(2030, 1, 1)},
        {"dispose": False},
        {"dispose": False, "keep_until": NOW.date()},
        {"dispose": False, "keep_until": date(2020, 1, 1)},
    ],
)
def test_a_decision_that_says_nothing_clear_is_refused(sqlite: Store, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        decide_review(sqlite, reviews("r1", classes=("education",), **given)[0], NOW)
