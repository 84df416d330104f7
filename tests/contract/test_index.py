"""The index on real databases: loaded, fed record by record, put together, taken apart, taken back and rebuilt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

import gate
from asking import DAY, NOW
from indexing import OFFICER, SCHOOL_OFFICER, SYSTEM, a_small_folder, an_arrival, an_index
from samechild.cli.tables import all_tables
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.index import store as tables
from samechild.index.actions import (
    born,
    finish_seals,
    lift,
    merge,
    open_space,
    part,
    rebuild,
    renumber,
    split,
    undo,
    unlink,
)
from samechild.index.erasing import erase, follow_erasures
from samechild.index.identifying import identify
from samechild.index.live import forget, live
from samechild.index.loading import load
from samechild.index.query import parse
from samechild.index.reading import history, read_child, search
from samechild.index.records import Arrival, Identified, Kind, Outcome, Space
from samechild.index.spaces import ask_of
from samechild.index.taking import MOST_RECORDS, at_most
from samechild.policy.retention.erasure import Why
from samechild.storage import Login, Store
from stores import a_store, an_installation, reopen


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        an_index(opened)
        yield opened


@pytest.fixture
def quick() -> Iterator[Store]:
    """One database is enough where what is tried has nothing to do with it."""
    with a_store("sqlite") as opened:
        an_index(opened)
        yield opened


def one(store: Store, arrival: Arrival, now: object = NOW) -> Identified:
    return identify(store, SYSTEM, [arrival], NOW)[0]


def state_hash(store: Store, space: str = "council") -> str:
    with store.read(Login.INDEX) as connection:
        head = tables.head(connection, space)
    assert head is not None
    return head[0]


def members(store: Store, child: str) -> set[str]:
    with store.read(Login.INDEX) as connection:
        return set(tables.members_of(connection, "council", [child]))


def adds_up(store: Store, space: str = "council") -> bool:
    """Whether the events add up to what stands there, and a memory read anew equals the one that followed."""
    found = rebuild(store, space)
    was = live(store, space, NOW)
    forget(store, space)
    now = live(store, space, NOW)
    rows = {was.copy.record_key(row): row for row in range(was.copy._rows) if was.copy.child(row)}
    fresh = {now.copy.record_key(row): row for row in range(now.copy._rows) if now.copy.child(row)}
    same = all(
        was.copy.child(rows[key]) == now.copy.child(fresh[key])
        and was.copy.values(rows[key]) == now.copy.values(fresh[key])
        for key in rows.keys() & fresh.keys()
    )
    return found.same_hash and not found.differences and rows.keys() == fresh.keys() and same


def test_loading_twice_changes_nothing(store: Store) -> None:
    before = state_hash(store)
    again = load(store, OFFICER, a_small_folder(), NOW + DAY)
    assert (again.new_records, again.new_children, again.linked, again.asked, again.apart) == (0, 0, 0, 0, 0)
    assert state_hash(store) == before
    assert adds_up(store)


def test_the_name_that_a_run_gave_a_child_opens_it(quick: Store) -> None:
    records = pq.read_table(a_small_folder() / "records.parquet", columns=["child_id"])
    by_run = records["child_id"].to_pylist()
    opened = {
        read_child(quick, OFFICER, "council", name, ask_of(OFFICER, "council", NOW)).child for name in set(by_run)
    }
    assert len(opened) == len(set(by_run))
    assert opened.isdisjoint(by_run), "an identifier is drawn, never taken from a run"
    with pytest.raises(Missing):
        read_child(quick, OFFICER, "council", "no-such-child", ask_of(OFFICER, "council", NOW))


def test_a_record_of_nobody_known_is_a_new_child_and_its_like_joins_it(store: Store) -> None:
    first = one(store, an_arrival("1"))
    second = one(store, an_arrival("7", source="school roll", sex="", forename="Zebedee"))
    assert (first.outcome, second.outcome) == (Outcome.NEW, Outcome.JOINED)
    assert second.child == first.child
    assert second.candidates[0].evidence
    assert adds_up(store)


def test_the_same_record_again_changes_nothing_and_an_older_one_is_left_out(store: Store) -> None:
    first = one(store, an_arrival("1", changed_on=date(2026, 3, 2)))
    before = state_hash(store)
    assert one(store, an_arrival("1", changed_on=date(2026, 3, 2))).outcome is Outcome.KEPT
    older = one(store, an_arrival("1", changed_on=date(2026, 3, 1), surname="Someoneelse"))
    assert (older.outcome, older.child) == (Outcome.STALE, first.child)
    assert state_hash(store) == before


def test_several_in_one_batch_are_as_several_one_after_the_other(store: Store) -> None:
    batch = [
        an_arrival("1"),
        an_arrival("2", source="school roll"),
        an_arrival("1"),
        an_arrival("9", forename="Tabitha"),
    ]
    answers = identify(store, SYSTEM, batch, NOW)
    assert [each.outcome for each in answers] == [Outcome.NEW, Outcome.JOINED, Outcome.KEPT, Outcome.NEW]
    assert len({each.child for each in answers}) == 2
    assert adds_up(store)


def test_a_record_that_changes_everything_but_its_id_is_asked_about_and_not_moved(store: Store) -> None:
    first = one(store, an_arrival("1"))
    one(store, an_arrival("2", source="school roll"))
    other = {"forename": "Philippa", "surname": "Marchbanks", "date_of_birth": "2009-11-02", "sex": "F"}
    changed = one(store, an_arrival("1", **other, postcode="ZZ99 4WZ"))
    assert changed.outcome is Outcome.ASK
    assert changed.child == first.child
    assert changed.questions
    assert adds_up(store)


def test_merge_split_unlink_and_undo_give_back_the_exact_state(store: Store) -> None:
    a, b = one(store, an_arrival("1")), one(store, an_arrival("2", forename="Tabitha", date_of_birth="2011-01-05"))
    before = state_hash(store)
    merged = merge(store, OFFICER, "council", a.child, b.child, "the mother says so", NOW)
    assert members(store, a.child) == {a.record_key, b.record_key}
    ask = ask_of(OFFICER, "council", NOW)
    assert read_child(store, OFFICER, "council", b.child, ask).child == a.child
    parted = split(store, OFFICER, "council", a.child, [b.record_key], "no", NOW)
    with pytest.raises(Conflict):
        undo(store, OFFICER, "council", merged.number, "too early", NOW)
    undo(store, OFFICER, "council", parted.number, "", NOW)
    undo(store, OFFICER, "council", merged.number, "", NOW)
    assert state_hash(store) == before
    assert members(store, b.child) == {b.record_key}
    assert [event.kind for event in history(store, OFFICER, "council", b.child, NOW)][-1] is Kind.UNDO
    assert adds_up(store)


def test_what_was_taken_apart_is_not_matched_again_until_a_person_lifts_it(store: Store) -> None:
    a = one(store, an_arrival("1"))
    b = one(store, an_arrival("2", source="school roll"))
    assert a.child == b.child
    apart = unlink(store, OFFICER, "council", b.record_key, "another Zebedee", NOW)
    again = one(store, an_arrival("2", source="school roll", postcode="ZZ99 4WZ"))
    assert again.child not in ("", a.child)
    with pytest.raises(Conflict):
        merge(store, OFFICER, "council", a.child, again.child, "", NOW)
    lift(store, OFFICER, "council", a.record_key, b.record_key, "they are one after all", NOW)
    merge(store, OFFICER, "council", a.child, again.child, "", NOW)
    assert members(store, a.child) == {a.record_key, b.record_key}
    assert apart.number < history(store, OFFICER, "council", a.child, NOW)[-1].number
    assert adds_up(store)


def test_two_records_said_to_be_different_stay_apart(quick: Store) -> None:
    a = one(quick, an_arrival("1"))
    b = one(quick, an_arrival("2", forename="Tabitha", source="school roll"))
    assert a.child != b.child
    part(quick, OFFICER, "council", a.record_key, b.record_key, "seen both", NOW)
    same_name = one(quick, an_arrival("2", source="school roll"))
    assert same_name.child == b.child
    assert adds_up(quick)


def test_an_unborn_child_is_born_and_keeps_its_identifier(store: Store) -> None:
    expected = one(store, an_arrival("u1", forename="", date_of_birth="", signs=("unborn",)))
    born_now = one(store, an_arrival("u1"))
    assert born_now.child == expected.child
    assert [event.kind for event in history(store, OFFICER, "council", expected.child, NOW)][:3] == [
        Kind.FOUND,
        Kind.CHANGE,
        Kind.BORN,
    ]
    with pytest.raises(Conflict):
        born(store, OFFICER, "council", expected.child, "", NOW)
    assert adds_up(store)


def test_a_superseded_number_is_read_as_the_new_one(store: Store) -> None:
    old, new = "9990000018", "9990000026"
    a = one(store, an_arrival("1", nhs_number=old, postcode=""))
    assert renumber(store, OFFICER, "council", old, new, "superseded", NOW) is not None
    assert renumber(store, OFFICER, "council", old, new, "superseded", NOW) is None
    b = one(store, an_arrival("2", source="clinic", nhs_number=new, surname="Quilfeather", postcode=""))
    assert b.child == a.child
    assert adds_up(store)


def test_one_number_claimed_for_two_children_is_asked_about(quick: Store) -> None:
    a = one(quick, an_arrival("1", nhs_number="9990000018"))
    other = {"forename": "Philippa", "surname": "Marchbanks", "date_of_birth": "2009-11-02", "sex": "F"}
    b = one(quick, an_arrival("5", **other, nhs_number="9990000018", postcode="ZZ99 4WZ"))
    assert b.child != a.child
    assert b.questions


def test_adoption_closes_the_former_identity(store: Store) -> None:
    before = one(store, an_arrival("c1", upn="", nhs_number="9990000018"))
    one(store, an_arrival("c2", source="school roll", nhs_number="9990000018"))
    closed = one(store, an_arrival("c1", nhs_number="9990000018", signs=("E11",)))
    assert closed.candidates == ()
    later = one(store, an_arrival("c3", source="clinic", nhs_number="9990000018"))
    assert later.child != before.child
    assert later.outcome is Outcome.NEW
    assert later.questions == ()
    assert later.candidates == ()
    ask = ask_of(OFFICER, "council", NOW)
    with pytest.raises(Missing):
        read_child(store, OFFICER, "council", closed.child, ask)
    found = search(store, OFFICER, "council", ask, parse("Zebedee Quillfeather 14/03/2015", NOW.date()))
    assert {hit.child for hit in found.hits} == {later.child}
    assert adds_up(store)


def test_a_seal_whose_mark_was_cut_off_is_finished(quick: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one(quick, an_arrival("c1"))
    with monkeypatch.context() as cut:
        cut.setattr("samechild.index.identifying.mark_closed", stopped)
        with pytest.raises(KeyboardInterrupt):
            one(quick, an_arrival("c1", signs=("E12",)))
    found = search(
        quick, OFFICER, "council", ask_of(OFFICER, "council", NOW), parse("Zebedee Quillfeather", NOW.date())
    )
    assert found.hits == ()
    assert finish_seals(quick, OFFICER, NOW) == 1
    assert finish_seals(quick, OFFICER, NOW) == 0
    assert adds_up(quick)


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_erased_record_is_gone_from_the_index_and_stays_so(store: Store) -> None:
    a = one(store, an_arrival("1"))
    b = one(store, an_arrival("2", source="school roll"))
    officer = gate.an_officer("council")
    erase(store, all_tables(), officer, [b.record_key], Why.REQUEST, NOW)
    assert members(store, a.child) == {a.record_key}
    erase(store, all_tables(), officer, [a.record_key], Why.REQUEST, NOW)
    assert follow_erasures(store, NOW) == 0
    with pytest.raises(Missing):
        read_child(store, OFFICER, "council", a.child, ask_of(OFFICER, "council", NOW))
    again = one(store, an_arrival("1"))
    assert again.child != a.child
    assert adds_up(store)


def test_a_joint_space_needs_an_agreement_that_all_its_members_signed(quick: Store) -> None:
    joint = Space(space="joint", title="Council and school", members=("council", "school"), agreement="none")
    with pytest.raises(Invalid):
        open_space(quick, OFFICER, joint, NOW)
    agreement = gate.a_signed_agreement(quick)
    named = Space(space="joint", title="Joint", members=agreement.parties, agreement=agreement.agreement)
    open_space(quick, OFFICER, named, NOW)
    with quick.read(Login.INDEX) as connection:
        assert [space.space for space in tables.spaces(connection)] == ["council", "joint"]


def test_nobody_but_who_keeps_records_together_may(quick: Store) -> None:
    a = one(quick, an_arrival("1"))
    b = one(quick, an_arrival("2", forename="Tabitha"))
    for person in (gate.WORKER, SCHOOL_OFFICER):
        with pytest.raises((Refused, Missing)):
            merge(quick, person, "council", a.child, b.child, "", NOW)
    with pytest.raises((Refused, Missing)):
        identify(quick, SCHOOL_OFFICER, [an_arrival("3", owner="school")], NOW, space="council")


def test_two_programs_on_one_installation_follow_each_other() -> None:
    with an_installation("sqlite") as settings:
        here, there = reopen(settings), reopen(settings)
        try:
            an_index(here)
            live(there, "council", NOW)
            a = one(here, an_arrival("1"))
            b = one(there, an_arrival("2", source="school roll"))
            assert b.child == a.child
            unlink(there, OFFICER, "council", b.record_key, "", NOW)
            c = one(here, an_arrival("3", source="clinic"))
            assert c.child in (a.child, b.child) or c.outcome is not Outcome.JOINED
            assert live(here, "council", NOW).copy.children == live(there, "council", NOW).copy.children
            assert adds_up(here)
        finally:
            here.close()
            there.close()


def test_a_search_tells_why_and_hides_nothing_it_may_tell(quick: Store) -> None:
    a = one(quick, an_arrival("1"))
    found = search(quick, OFFICER, "council", ask_of(OFFICER, "council", NOW), parse("Quillfether Zebedee", NOW.date()))
    assert found.hits[0].child == a.child
    assert found.hits[0].reasons
    later = NOW + timedelta(minutes=1)
    with pytest.raises(Missing):
        search(quick, gate.NURSE, "council", ask_of(gate.NURSE, "council", later), parse("Quillfeather", NOW.date()))


def test_of_a_placeholders_hundreds_of_records_the_nearest_are_weighed(quick: Store) -> None:
    told = identify(quick, SYSTEM, [an_arrival(f"p{number}") for number in range(MOST_RECORDS + 20)], NOW)
    placeholder = {each.child for each in told}
    assert len(placeholder) == 1
    # The last that came says what no other does, so that it is not among the first; a newcomer like it still finds it.
    moved = {"postcode": "ZZ99 4AA", "address": "7 Quill Row"}
    assert identify(quick, SYSTEM, [an_arrival("last", **moved)], NOW)[0].child in placeholder
    again = identify(quick, SYSTEM, [an_arrival("newcomer", **moved)], NOW)[0]
    assert again.child in placeholder
    assert again.outcome is Outcome.JOINED


def test_the_nearest_come_first_among_at_most_so_many() -> None:
    assert at_most(3, [1, 2], [9]) == [1, 2]
    assert at_most(3, [1, 2, 3, 4, 5], [5, 9, 4]) == [5, 4, 1]
