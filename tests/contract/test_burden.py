"""What the routes cost and how they fare, counted on each kind of database; what is usual hides the few."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from collecting import a_payload
from samechild.collection import burden, concerns, credentials
from samechild.collection.burden import compare, enter, entered, sent_for
from samechild.collection.records import Way
from samechild.errors import Invalid, Missing, Refused
from samechild.policy.looked import looked_at, totals
from samechild.records.disclosure import Asker
from stores import KINDS
from two_councils import World, a_collection

WRONG = {"closure_date": "2026-01-01", "closure_reason": "RC1"}  # before the referral
RIGHT = {"closure_date": "2026-05-01", "closure_reason": "RC1"}


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with a_collection(request.param) as made:
        yield made


@pytest.fixture
def small() -> Iterator[World]:
    """On SQLite alone, for what does not depend on the database."""
    with a_collection() as made:
        yield made


def analyst(world: World) -> Asker:
    return Asker(user=world.analyst, organisation=world.department, role="analyst", factors=2)


def test_what_came_is_counted_and_what_was_put_right(world: World) -> None:
    children = [a_payload(f"C{number}", episode=WRONG) for number in range(8)]
    days = [world.now - timedelta(days=back) for back in range(12, 0, -1)]
    for at, now in enumerate(days):
        if at == 9:
            continue  # a night on which nothing came
        sent = children if at < 6 else [a_payload("C0", episode=RIGHT), *children[1:]]
        world.send(world.one, *sent, now=now)
        world.work_off(now)
    for _ in range(2):
        world.send(world.one, *children[1:], now=days[-1])
    world.send(world.one, {"la_child_id": "not one!"}, now=days[-1])
    by = world.one.asker("access-manager")
    found = compare(world.store, by, days[0].date(), world.now.date(), world.now)
    (line,) = found.lines
    assert (line.council, line.way, found.whole, found.usual) == ("Alderford Council", Way.OWN, False, ())
    assert (line.posts, line.records, line.again, line.held) == (14, 103, 1, 8)
    assert (line.refused, line.failures) == (1, 1)
    assert line.days_missed >= 1
    assert line.days_to_first == 28
    assert line.records_a_second
    assert line.errors_a_thousand is not None
    assert line.errors_a_thousand >= 875
    assert line.corrections_a_thousand is not None
    assert line.corrections_a_thousand >= 125
    (mine,) = sent_for(world.store, [world.one.feed], world.now)
    assert (mine.posts, mine.records, mine.failures, mine.refused) == (14, 103, 1, 1)
    assert sent_for(world.store, [world.other.feed], world.now) == []
    assert sent_for(world.store, [world.one.feed], world.now, world.other.made["846"].client_id) == []


def test_what_is_entered_counts_with_its_newest_word(world: World) -> None:
    by, feed, month = world.one.asker("information-governance"), world.one.feed, f"{world.now:%Y-%m}"
    for at, hours in enumerate((5, 7)):
        now = world.now + timedelta(seconds=at)
        enter(world.store, by, feed, month, {burden.HOURS: hours, burden.FIRST_HOURS: 90}, now, os.urandom)
    said = entered(world.store, [feed, world.other.feed])
    assert (said["845"].hours, said["845"].first_hours) == ({month: 7}, 90)
    assert (said["846"].hours, said["846"].first_hours) == ({}, None)


def test_hours_and_money_are_the_own_councils_and_can_be(small: World) -> None:
    own, month = small.one.asker("access-manager"), f"{small.now:%Y-%m}"

    def say(by: Asker, amounts: dict[str, int], month: str = month) -> None:
        enter(small.store, by, small.one.feed, month, amounts, small.now, os.urandom)

    with pytest.raises(Missing):
        say(small.other.asker("access-manager"), {"hours": 1})
    with pytest.raises(Refused):
        say(small.one.asker("quality-viewer"), {"hours": 1})
    wrongs: tuple[dict[str, int], ...] = ({"hours": -1}, {"pounds": burden.GREATEST + 1}, {"minutes": 5}, {})
    for wrong in wrongs:
        with pytest.raises(Invalid):
            say(own, wrong)
    for when in ("2099-01", "1999-12"):
        with pytest.raises(Invalid):
            say(own, {"hours": 1}, when)


def test_who_receives_sees_councils_each_of_which_is_told(world: World) -> None:
    world.send(world.one, a_payload("C1"))
    world.send(world.other, a_payload("C1"))
    today = world.now.date()
    found = compare(world.store, analyst(world), today, today, world.now)
    assert [line.council for line in found.lines] == ["Alderford Council", "Brackmere Council"]
    assert [(each.way, each.councils) for each in found.usual] == [(Way.OWN, 2)]
    for council in (world.one, world.other):
        looks = looked_at(world.store, council.asker("information-governance"))
        assert [(look.purpose, look.asked, look.shown) for look in looks] == [("development", 0, 0)]
        assert totals(looks)[0].looks == 1
        assert looked_at(world.store, council.asker("access-manager"), before=looks[0].entry) == []
    with pytest.raises(Refused):
        looked_at(world.store, world.one.asker("social-worker"))
    for stranger in (
        Asker(user=world.supplier_manager, organisation=world.supplier, role="access-manager", factors=2),
        Asker(user=world.officer, organisation=world.department, role="information-governance", factors=2),
    ):
        with pytest.raises(Missing):
            compare(world.store, stranger, today, today, world.now)
    with pytest.raises(Invalid):
        compare(world.store, analyst(world), today, today - timedelta(days=1), world.now)
    with pytest.raises(Invalid):
        compare(world.store, analyst(world), today - timedelta(days=500), today, world.now)


def test_what_is_usual_is_told_once_three_others_take_the_route(small: World) -> None:
    by, today = small.one.asker("access-manager"), small.now.date()
    for number in ("847", "848"):
        assert compare(small.store, by, today, today, small.now).usual == ()
        small.council(f"Council {number}", number)
    (usual,) = compare(small.store, by, today, today, small.now).usual
    assert (usual.way, usual.councils) == (Way.OWN, 4)
    assert [line.feed for line in compare(small.store, by, today, today, small.now).lines] == ["845"]


def test_the_route_is_that_by_which_most_came(small: World) -> None:
    manager, feed = small.one.asker("access-manager"), small.one.feed
    made = credentials.add_client(small.store, manager, feed, "Data to Insight", Way.SSD, small.now, os.urandom)
    today = small.now.date()
    assert compare(small.store, manager, today, today, small.now).lines[0].way is Way.SSD  # the newest, while none sent
    small.send(small.one, a_payload("C1"))
    assert compare(small.store, manager, today, today, small.now).lines[0].way is Way.OWN
    small.one.made["845"] = made
    small.send(small.one, a_payload("C2"), a_payload("C3"))
    assert compare(small.store, manager, today, today, small.now).lines[0].way is Way.SSD


def test_concerns_go_their_way_on_every_database(world: World) -> None:
    council = world.one.asker("information-governance")
    department = Asker(user=world.officer, organisation=world.department, role="information-governance", factors=2)
    case = concerns.raise_concern(
        world.store, council, world.department, "data sharing", "Too much is kept.", world.now, os.urandom
    )
    for by, action, note in (
        (department, "acknowledge", ""),
        (department, "answer", "It is deleted."),
        (council, "close", ""),
    ):
        found = concerns.one_concern(world.store, by, case, world.now)
        assert action in found.next_steps
        concerns.move_concern(world.store, by, found, action, note, world.now, os.urandom)
    (closed,) = concerns.concerns(world.store, council, world.now)
    assert (closed.state, closed.next_steps, closed.text) == ("closed", (), "")
    assert closed.closed_at == closed.answered_at == world.now
    assert concerns.one_concern(world.store, council, case, world.now).text == "Too much is kept."
    assert [each.case for each in concerns.concerns(world.store, department, world.now)] == [case]
    assert concerns.concerns(world.store, world.other.asker("information-governance"), world.now) == []
