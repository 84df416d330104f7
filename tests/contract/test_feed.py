"""The change feed on each database: whoever follows from a cursor has the index as it is, and misses nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from asking import NOW
from gate import LEAD, a_signed_agreement, an_officer, give
from linking import taught, the_town_linked
from reviewing import ANN, THEODORA, a_council
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.index import actions, feed
from samechild.index import store as tables
from samechild.index.identifying import identify
from samechild.index.models import keep_model
from samechild.index.records import Arrival, Space
from samechild.index.telling import Standing, follow
from samechild.policy import ledger
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from stores import a_store

BOTH = ("sqlite", "postgres")
NAMES = ("Wren", "Linnet", "Robin", "Merle", "Jay", "Starling", "Dunnock", "Siskin", "Pipit", "Brambling")
SCHOOL_OFFICER = Asker(user="sue", organisation="school", role="data-quality-officer", factors=2)


@pytest.fixture(name="store", params=BOTH)
def an_index(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as store:
        a_council(store, model=True)
        with store.write(Login.GATE) as gate:
            give(gate, SCHOOL_OFFICER)
        yield store


def arrival(number: int, owner: str = "council", source: str = "social care", **values: str) -> Arrival:
    given = {
        **THEODORA,
        "forename": NAMES[number % len(NAMES)],
        "surname": f"{NAMES[number // len(NAMES) % len(NAMES)]}worth",
        "date_of_birth": f"20{10 + number % 8}-{1 + number % 12:02}-{1 + number % 28:02}",
        "nhs_number": "",
        **values,
    }
    kept = {name: value for name, value in given.items() if value}
    return Arrival(owner=owner, source=source, record_id=f"{source}-{number}", given=kept)


def send(store: Store, *arrivals: Arrival, by: Asker = ANN, space: str = "") -> list[Any]:
    return identify(store, by, arrivals, NOW, space=space)


class Follower:
    """A downstream system: a cursor and a copy."""

    def __init__(self, store: Store, by: Asker = ANN, space: str = "") -> None:
        self.store, self.by, self.space = store, by, space
        self.cursor = "0"
        self.copy: dict[str, str] = {}
        self.children: dict[str, Standing] = {}
        self.numbers: list[int] = []

    def catch_up(self, limit: int = 1000) -> None:
        while True:
            page = feed.changes(self.store, self.by, self.space, self.cursor, NOW, limit)
            follow(self.copy, self.children, page.changes)
            self.numbers += [change.number for change in page.changes]
            self.cursor = page.next
            if not page.more:
                return


def as_it_is(store: Store, space: str = "council", owner: str = "council") -> dict[str, str]:
    with store.read(Login.INDEX) as connection:
        return {row[0]: row[3] for row in tables.every_member(connection, space) if row[1] == owner}


def test_a_follower_has_the_index_as_it_is_at_every_step(store: Store) -> None:
    steady, late = Follower(store), Follower(store)
    first = send(store, *(arrival(number) for number in range(6)))
    steady.catch_up(limit=2)
    assert steady.copy == as_it_is(store)
    one, other = first[0].child, first[1].child
    merged = actions.merge(store, ANN, "council", one, other, "the same", NOW)
    steady.catch_up()
    assert steady.copy == as_it_is(store)
    assert steady.children[other] == Standing(child=other, state="merged", leads_to=one)
    actions.undo(store, ANN, "council", merged.number, "not the same", NOW)
    steady.catch_up()
    assert steady.children[other].state == "live"
    actions.merge(store, ANN, "council", first[2].child, first[3].child, "the same", NOW)
    actions.split(store, ANN, "council", first[2].child, [first[3].record_key], "no", NOW)
    steady.catch_up()
    late.catch_up(limit=3)
    assert steady.copy == late.copy == as_it_is(store)
    assert steady.numbers == sorted(set(steady.numbers))
    for child in set(late.copy.values()):
        assert late.children[child].state == "live"


def test_a_child_whose_making_was_undone_leads_somewhere(store: Store) -> None:
    found = send(store, arrival(1), arrival(2))
    actions.merge(store, ANN, "council", found[0].child, found[1].child, "same", NOW)
    split = actions.split(store, ANN, "council", found[0].child, [found[1].record_key], "two", NOW)
    follower = Follower(store)
    follower.catch_up()
    fresh = follower.copy[found[1].record_key]
    actions.undo(store, ANN, "council", split.number, "one", NOW)
    follower.catch_up()
    assert follower.copy == as_it_is(store)
    assert (follower.children[fresh].state, follower.children[fresh].leads_to) == ("merged", found[0].child)


def test_a_closed_identity_reads_as_erased_and_ties_nothing(store: Store) -> None:
    found = send(store, arrival(1), arrival(2))
    follower = Follower(store)
    actions.merge(store, ANN, "council", found[0].child, found[1].child, "same", NOW)
    follower.catch_up()
    actions.seal(store, ANN, [found[1].record_key], "E11", NOW)
    follower.catch_up()
    late = Follower(store)
    late.catch_up()
    now = as_it_is(store)
    former = now.pop(found[1].record_key)
    assert follower.copy == late.copy == now
    assert former not in {*follower.children, *late.children}
    assert found[0].child not in now.values()
    assert follower.children[found[0].child].state == "erased"


def test_a_cursor_of_another_past_is_noticed(store: Store) -> None:
    send(store, arrival(1))
    page = feed.changes(store, ANN, "", "0", NOW)
    number = int(page.next.partition("-")[0])
    assert feed.changes(store, ANN, "", page.next, NOW).changes == ()
    for other in (f"{number}-{'0' * 16}", str(number + 1), f"{number + 1}-{'0' * 16}"):
        with pytest.raises(Conflict):
            feed.changes(store, ANN, "", other, NOW)
    with pytest.raises(Invalid):
        feed.changes(store, ANN, "", "x", NOW)


def test_whose_space_it_is_not_learns_not_even_that_it_is_there(store: Store) -> None:
    send(store, arrival(1))
    said = set()
    for space in ("council", "nowhere"):
        with pytest.raises(Missing) as raised:
            feed.changes(store, SCHOOL_OFFICER, space, "0", NOW)
        said.add(str(raised.value))
    assert len(said) == 1


def test_following_needs_a_role_and_being_told_is_written_down(store: Store) -> None:
    send(store, arrival(1))
    before = ledger.head(store).size
    feed.changes(store, ANN, "", "0", NOW)
    told = ledger.head(store).size
    assert told == before + 2
    page = feed.changes(store, ANN, "", "0", NOW)
    feed.changes(store, ANN, "", page.next, NOW)
    assert ledger.head(store).size == told + 2, "being told nothing is not written down"
    with pytest.raises(Refused):
        feed.changes(store, an_officer("council"), "", "0", NOW)
    with pytest.raises(Missing):
        feed.changes(store, LEAD, "council", "0", NOW)


def test_in_a_joint_space_each_hears_of_its_own_records_only(store: Store) -> None:
    agreed = a_signed_agreement(store, parties=("council", "school"))
    members = ("council", "school")
    joint = Space(space="joint", title="Together", members=members, agreement=agreed.agreement)
    actions.open_space(store, ANN, joint, NOW)
    keep_model(store, "joint", taught(), the_town_linked().frequencies, NOW)
    mine = send(store, arrival(1), arrival(2), arrival(3), space="joint")
    theirs = send(store, arrival(1, "school", "sims"), arrival(5, "school", "sims"), by=SCHOOL_OFFICER, space="joint")
    actions.merge(store, ANN, "joint", mine[1].child, mine[2].child, "same", NOW)
    for by, own, others in ((ANN, mine, theirs), (SCHOOL_OFFICER, theirs, mine)):
        follower = Follower(store, by, "joint")
        follower.catch_up()
        assert follower.copy == as_it_is(store, "joint", by.organisation)
        assert {each.record_key for each in own} == set(follower.copy)
        alone = {each.child for each in others} - {each.child for each in own}
        assert alone, "each has a child that the other has no record of"
        assert not alone & set(follower.children)


def test_nothing_is_missed_beside_a_writer(store: Store) -> None:
    """One thread sends records, another merges; a third follows all the while, in small pages."""
    found = send(store, *(arrival(number) for number in range(8)))
    done, errors = threading.Event(), list[BaseException]()

    def sending() -> None:
        try:
            for number in range(10, 40):
                send(store, arrival(number))
        except BaseException as error:
            errors.append(error)

    def merging() -> None:
        try:
            for at in range(0, 8, 2):
                actions.merge(store, ANN, "council", found[at].child, found[at + 1].child, "same", NOW)
        except BaseException as error:
            errors.append(error)

    follower = Follower(store)
    writers = [threading.Thread(target=sending), threading.Thread(target=merging)]
    for thread in writers:
        thread.start()
    while not done.is_set():
        if not any(thread.is_alive() for thread in writers):
            done.set()
        follower.catch_up(limit=3)
    for thread in writers:
        thread.join()
    follower.catch_up()
    assert errors == []
    assert follower.copy == as_it_is(store)
    with store.read(Login.INDEX) as connection:
        newest = tables.newest(connection)
    assert follower.numbers == list(range(2, newest + 1)), "each was heard once; the first says which model weighs"


def test_a_follower_may_wait_for_what_comes_next(store: Store) -> None:
    send(store, arrival(1))
    page = feed.changes(store, ANN, "", "0", NOW)
    times = iter(range(100))
    assert not feed.wait(store, page.next, 3, clock=lambda: float(next(times)), pause=lambda seconds: None)

    def meanwhile(seconds: float) -> None:
        send(store, arrival(2))

    assert feed.wait(store, page.next, 50, clock=lambda: float(next(times)), pause=meanwhile)
    assert feed.changes(store, ANN, "", page.next, NOW + timedelta(seconds=1)).changes
