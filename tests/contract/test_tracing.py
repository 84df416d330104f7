"""Numbers in an installation: noted, asked about, settled and decided, the same on every database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from asking import DAY, NOW
from gate import CHILD, WORKER, a_child, involve
from samechild.cli.tables import all_tables
from samechild.errors import Conflict, Invalid, Missing, Refused, Unavailable
from samechild.identifiers.nhs_number import from_serial
from samechild.policy import ledger
from samechild.policy.relationship_actions import set_mark
from samechild.policy.retention.erasure import Why, erase
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from samechild.tracing import store as tables
from samechild.tracing.actions import notice_lost, record_number, request, take_answer, trace
from samechild.tracing.records import NumberStatus, Obtained, Person, Subject, Traced, TraceOutcome
from samechild.tracing.settling import CANDIDATE, DIFFERS, NOT_FOUND_AGAIN, REPLACED, RESTRICTED, TWICE, WITHDRAWN
from samechild.tracing.standing import drift, due, how_they_stand, questions, review, standing
from samechild.tracing.store import RoundState, Side
from stores import KINDS
from trace_files import a_line, an_answer
from tracing_world import (
    ELSEWHERE,
    GOVERNOR,
    PLAIN,
    QUALITY,
    ROBIN,
    a_record,
    a_tracing_world,
    an_own_ask,
    answer_to,
    latest,
    numbers,
    proposals,
    rows_kept,
)

NUMBER = "9990000018"
OTHER = str(from_serial(8_910_044))
SEARCHED = {"MATCHED_ALGORITHM_INDICATOR": "3", "REQ_NHS_NUMBER": ""}


@pytest.fixture(params=KINDS, name="store")
def a_store_of_each_kind(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_tracing_world(request.param) as store:
        yield store


@pytest.fixture(name="quick")
def a_store_on_sqlite() -> Iterator[Store]:
    with a_tracing_world() as store:
        yield store


def stands(store: Store, record_key: str) -> tuple[str, NumberStatus, Obtained | None]:
    found = standing(store, an_own_ask(store, record_key), [record_key])[record_key]
    return found.number, found.status, found.how


def traced_by_file(store: Store, record_key: str, **cells: str) -> None:
    _, written = request(store, QUALITY, [record_key], latest(store))
    take_answer(store, QUALITY, answer_to(written, **cells), latest(store))


def test_a_number_is_unverified_until_it_is_traced_and_says_how_it_became_known(store: Store) -> None:
    key = a_record(store, PLAIN)
    assert stands(store, key) == ("", NumberStatus.TRACE_REQUIRED, None)
    assert record_number(store, QUALITY, key, "999 000 0018", Obtained.PARENT, NOW) is NumberStatus.NOT_TRACED
    assert stands(store, key) == (NUMBER, NumberStatus.NOT_TRACED, Obtained.PARENT)
    round_, written = request(store, QUALITY, [key], NOW)
    assert round_ is not None
    assert NUMBER.encode() in written.content
    assert stands(store, key) == (NUMBER, NumberStatus.IN_PROGRESS, Obtained.PARENT)
    taken = take_answer(store, QUALITY, answer_to(written), NOW + DAY)
    assert dict(taken.outcomes) == {"matched": 1}
    assert stands(store, key) == (NUMBER, NumberStatus.VERIFIED, Obtained.CHECKED)
    (national,) = [each for each in numbers(store, key) if each.side is Side.NATIONAL]
    assert (national.by, national.trace, national.received_at) == ("quality", round_.round, NOW + DAY)
    with store.read(Login.IDENTITY, "council") as identity:
        kept = tables.one_round(identity, "council", round_.round)
    assert kept is not None
    assert (kept.state, kept.read_at) == (RoundState.READ, NOW + DAY)


def test_a_records_own_number_counts_as_come_from_another_system(quick: Store) -> None:
    assert stands(quick, a_record(quick)) == (NUMBER, NumberStatus.NOT_TRACED, Obtained.SYSTEM)


def test_the_same_answer_taken_twice_changes_nothing(store: Store) -> None:
    key = a_record(store)
    _, written = request(store, QUALITY, [key], NOW)
    content = answer_to(written)
    take_answer(store, QUALITY, content, NOW)
    before = numbers(store, key, history=True)
    assert take_answer(store, QUALITY, content, NOW + DAY).again
    with pytest.raises(Invalid, match="taken before"):
        take_answer(store, QUALITY, content + b"\r\n", NOW + DAY)
    assert numbers(store, key, history=True) == before


def test_what_differs_nationally_becomes_a_question_and_overwrites_nothing(store: Store) -> None:
    key = a_record(store)
    traced_by_file(store, key, FAMILY_NAME="HERON")
    (question,) = questions(store, QUALITY, NOW)
    assert (question.field, question.kind) == ("surname", DIFFERS)
    assert (question.here, question.there) == ("Avocet", "HERON")
    assert "Avocet" not in repr(question)
    assert [(each.field, each.records) for each in drift(store, QUALITY)] == [("surname", 1)]
    review(store, QUALITY, question.proposal, "local", NOW)
    with pytest.raises(Conflict):
        review(store, QUALITY, question.proposal, "national", NOW)
    assert questions(store, QUALITY, NOW) == []
    traced_by_file(store, key, FAMILY_NAME="HERON")  # said again: it was decided
    assert questions(store, QUALITY, NOW) == []
    traced_by_file(store, key, FAMILY_NAME="EGRET")  # something new
    assert [each.there for each in questions(store, QUALITY, NOW)] == ["EGRET"]
    traced_by_file(store, key)  # no difference any more
    assert questions(store, QUALITY, NOW) == []


def test_a_likely_other_child_is_a_question_and_is_forgotten_when_it_is_not_them(store: Store) -> None:
    key = a_record(store)
    traced_by_file(store, key, GIVEN_NAME="ROBIN", MATCHED_NHS_NO=OTHER)
    assert stands(store, key) == (NUMBER, NumberStatus.CONFLICT, Obtained.SYSTEM)
    (question,) = questions(store, QUALITY, NOW)
    assert (question.kind, question.here, question.there) == (CANDIDATE, NUMBER, OTHER)
    assert question.beside["forename"] == "ROBIN"
    assert rows_kept(store, key) == 1
    review(store, QUALITY, question.proposal, "local", NOW)
    assert rows_kept(store, key) == 0
    assert all(each.token == "" for each in numbers(store, key, history=True))
    assert stands(store, key) == (NUMBER, NumberStatus.NO_SINGLE_MATCH, Obtained.SYSTEM)


def test_a_person_may_say_that_a_likely_child_is_the_child(quick: Store) -> None:
    key = a_record(quick, PLAIN)
    traced_by_file(quick, key, MATCHED_ALGORITHM_INDICATOR="4", MATCHED_CONFIDENCE_PERCENTAGE="87.5")
    (question,) = questions(quick, QUALITY, NOW)
    review(quick, QUALITY, question.proposal, "national", NOW + DAY)
    assert stands(quick, key) == (NUMBER, NumberStatus.VERIFIED, Obtained.TRACED)
    (national,) = [each for each in numbers(quick, key) if each.side is Side.NATIONAL]
    assert (national.by, national.received_at, national.told_at) == ("quality", NOW + DAY, None)
    assert rows_kept(quick, key) == 1


def test_a_replaced_number_is_followed_and_put_to_a_person(quick: Store) -> None:
    key = a_record(quick)
    traced_by_file(quick, key, ERROR_SUCCESS_CODE="90", MATCHED_NHS_NO=OTHER)
    found = standing(quick, an_own_ask(quick, key), [key])[key]
    assert (found.number, found.status, found.previous) == (OTHER, NumberStatus.VERIFIED, NUMBER)
    assert [(each.field, each.kind) for each in proposals(quick, key)] == [("nhs_number", REPLACED)]


def test_a_withdrawn_number_is_not_verified_any_more(quick: Store) -> None:
    key = a_record(quick)
    traced_by_file(quick, key)
    traced_by_file(quick, key, ERROR_SUCCESS_CODE="91", MATCHED_NHS_NO="0000000000")
    assert stands(quick, key) == (NUMBER, NumberStatus.CONFLICT, Obtained.SYSTEM)
    assert [each.kind for each in proposals(quick, key)] == [WITHDRAWN]


def test_a_verified_number_is_not_dropped_because_it_is_not_found_once(quick: Store) -> None:
    key = a_record(quick)
    traced_by_file(quick, key)
    traced_by_file(quick, key, ERROR_SUCCESS_CODE="98", MATCHED_NHS_NO="0000000000")
    assert stands(quick, key) == (NUMBER, NumberStatus.VERIFIED, Obtained.CHECKED)
    assert [each.kind for each in proposals(quick, key)] == [NOT_FOUND_AGAIN]
    traced_by_file(quick, key)
    assert [each.state for each in proposals(quick, key)] == ["settled"]


@pytest.mark.parametrize(
    ("code", "matched", "status"),
    [
        ("98", "0000000000", NumberStatus.NO_SINGLE_MATCH),
        ("97", "9999999999", NumberStatus.NO_SINGLE_MATCH),
        ("96", "", NumberStatus.TRACE_REQUIRED),
        ("15", "", NumberStatus.NOT_TRACED),
    ],
)
def test_what_is_not_found_leaves_the_number_unverified(
    quick: Store, code: str, matched: str, status: NumberStatus
) -> None:
    key = a_record(quick)
    traced_by_file(quick, key, ERROR_SUCCESS_CODE=code, MATCHED_NHS_NO=matched)
    assert stands(quick, key) == (NUMBER, status, Obtained.SYSTEM)


def test_two_answers_about_one_child_are_a_question_and_neither_counts(quick: Store) -> None:
    key = a_record(quick)
    _, written = request(quick, QUALITY, [key], NOW)
    (reference,) = written.references
    taken = take_answer(quick, QUALITY, an_answer(a_line(reference), a_line(reference, MATCHED_NHS_NO=OTHER)), NOW)
    assert dict(taken.outcomes) == {"contradiction": 1}
    assert [each.kind for each in proposals(quick, key)] == [TWICE]
    assert stands(quick, key)[1] is NumberStatus.CONFLICT


def test_twins_asked_about_together_are_told_apart_by_their_given_name(quick: Store) -> None:
    wren, robin = a_record(quick, PLAIN), a_record(quick, {**ROBIN, "nhs_number": ""})
    _, written = request(quick, QUALITY, [wren, robin], NOW)
    silent = {"GIVEN_NAME": "", "OTHER_GIVEN_NAME": "", **SEARCHED}
    taken = take_answer(quick, QUALITY, answer_to(written, **silent), NOW)
    assert dict(taken.outcomes) == {"contradiction": 2}
    traced_by_file(quick, wren, **SEARCHED)
    assert stands(quick, wren)[0] == NUMBER


def test_who_is_missing_from_an_answer_is_asked_about_again(store: Store) -> None:
    wren, robin = a_record(store), a_record(store, ROBIN)
    round_, written = request(store, QUALITY, [wren, robin], NOW)
    assert round_ is not None
    assert due(store, QUALITY, [wren, robin], NOW) == []  # both are waited for
    taken = take_answer(store, QUALITY, an_answer(a_line(written.references[0])), NOW)
    assert taken.missing == 1
    with store.read(Login.IDENTITY, "council") as identity:
        kept = tables.one_round(identity, "council", round_.round)
    assert kept is not None
    assert kept.state is RoundState.PARTLY
    assert len(due(store, QUALITY, [wren, robin], NOW)) >= 1


def test_a_file_turned_away_leaves_its_children_to_be_asked_about_again(quick: Store) -> None:
    key = a_record(quick)
    round_, _ = request(quick, QUALITY, [key], NOW)
    assert round_ is not None
    refusal = b"MPTREQ_20261102093000,SPINE_MPT_RESPONSE,0,06\r\n"
    assert take_answer(quick, QUALITY, refusal, NOW).refused == "06"
    assert due(quick, QUALITY, [key], NOW) == [key]
    a_second, _ = request(quick, QUALITY, [key], NOW)
    request(quick, QUALITY, [a_record(quick, ROBIN)], NOW)
    assert a_second is not None
    other = b"MPTREQ_20261102093001,SPINE_MPT_RESPONSE,0,06\r\n"
    with pytest.raises(Invalid, match="--round"):
        take_answer(quick, QUALITY, other, NOW)
    assert take_answer(quick, QUALITY, other, NOW, round=a_second.round).rounds == (a_second.round,)


def test_a_round_nobody_answers_is_given_up_and_asked_again(quick: Store) -> None:
    key = a_record(quick)
    round_, written = request(quick, QUALITY, [key], NOW)
    assert round_ is not None
    assert notice_lost(quick, "council", NOW + DAY, NOW) == []
    assert notice_lost(quick, "council", NOW + 8 * DAY, NOW + DAY) == [round_.round]
    assert due(quick, QUALITY, [key], NOW + 8 * DAY) == [key]
    with pytest.raises(Invalid):  # an answer that comes after all is not taken: a newer question may be open
        take_answer(quick, QUALITY, answer_to(written), NOW + 9 * DAY)


def test_what_is_due_follows_the_schedule(quick: Store) -> None:
    key = a_record(quick)
    assert due(quick, QUALITY, [key], NOW) == [key]
    traced_by_file(quick, key)
    assert due(quick, QUALITY, [key], NOW + 364 * DAY) == []
    assert due(quick, QUALITY, [key], NOW + 366 * DAY) == [key]


def test_a_noted_number_that_contradicts_a_verified_one_is_a_question(quick: Store) -> None:
    key = a_record(quick)
    traced_by_file(quick, key)
    assert record_number(quick, QUALITY, key, OTHER, Obtained.LETTER, NOW) is NumberStatus.CONFLICT
    found = standing(quick, an_own_ask(quick, key), [key])[key]
    assert (found.number, found.status, found.previous) == (NUMBER, NumberStatus.VERIFIED, OTHER)
    assert record_number(quick, QUALITY, key, OTHER, Obtained.LETTER, NOW + DAY) is NumberStatus.CONFLICT
    assert [each.kind for each in proposals(quick, key)] == [REPLACED]


@pytest.mark.parametrize("number", ["0000000000", "9999999999", "9990000019", "", "Wren", "987 654 4321"])
def test_what_is_no_number_is_not_noted(quick: Store, number: str) -> None:
    key = a_record(quick)
    with pytest.raises(Invalid) as told:
        record_number(quick, QUALITY, key, number, Obtained.PARENT, NOW)
    assert not number or number not in str(told.value)
    assert rows_kept(quick, key) == 0


def test_nobody_says_by_hand_that_a_number_was_traced(quick: Store) -> None:
    with pytest.raises(Invalid, match="came to know"):
        record_number(quick, QUALITY, a_record(quick), NUMBER, Obtained.TRACED, NOW)


def test_only_who_looks_after_numbers_traces_decides_and_counts(quick: Store) -> None:
    key = a_record(quick)
    for refused in (
        lambda: request(quick, WORKER, [key], NOW),
        lambda: trace(quick, WORKER, [key], lambda _: Traced(outcome=TraceOutcome.NONE), NOW),
        lambda: take_answer(quick, WORKER, b"", NOW),
        lambda: questions(quick, WORKER, NOW),
        lambda: how_they_stand(quick, WORKER, 1),
        lambda: drift(quick, WORKER),
        lambda: review(quick, WORKER, "x", "local", NOW),
    ):
        with pytest.raises(Refused):
            refused()


def test_a_worker_notes_a_number_only_of_a_child_they_are_involved_with(quick: Store) -> None:
    key = a_child(quick, identity=PLAIN)
    with pytest.raises(Missing):
        record_number(quick, WORKER, key, NUMBER, Obtained.PARENT, NOW)
    involve(quick, key, WORKER)
    assert record_number(quick, WORKER, key, NUMBER, Obtained.PARENT, NOW) is NumberStatus.NOT_TRACED


def test_another_organisations_records_are_not_there(quick: Store) -> None:
    key = a_record(quick)
    traced_by_file(quick, key, FAMILY_NAME="HERON")
    with pytest.raises(Missing):
        record_number(quick, ELSEWHERE, key, NUMBER, Obtained.PARENT, NOW)
    assert request(quick, ELSEWHERE, [key], NOW)[0] is None
    assert standing(quick, an_own_ask(quick, key, ELSEWHERE), [key]) == {}
    assert questions(quick, ELSEWHERE, NOW) == []
    with pytest.raises(Missing):
        review(quick, ELSEWHERE, proposals(quick, key)[0].proposal, "local", NOW)
    assert how_they_stand(quick, ELSEWHERE, 0).total == 0


def test_a_closed_identity_is_neither_asked_about_nor_shown(quick: Store) -> None:
    key = a_record(quick)
    set_mark(quick, GOVERNOR, "council", [key], "sealed-identity", NOW)
    assert request(quick, QUALITY, [key], NOW)[0] is None
    assert standing(quick, an_own_ask(quick, key), [key]) == {}


def test_where_a_shielded_child_is_is_not_sent_and_not_shown(quick: Store) -> None:
    key = a_record(quick)
    set_mark(quick, GOVERNOR, "council", [key], "shielded", NOW)
    _, written = request(quick, QUALITY, [key], NOW)
    assert b"LS1" not in written.content
    take_answer(quick, QUALITY, answer_to(written, POSTCODE="LS9 9ZZ"), NOW)
    assert questions(quick, QUALITY, NOW) == []


def test_a_restricted_national_record_is_for_information_governance_alone(quick: Store) -> None:
    key = a_record(quick)
    _, written = request(quick, QUALITY, [key], NOW)
    taken = take_answer(quick, QUALITY, answer_to(written, ERROR_SUCCESS_CODE="92"), NOW)
    assert dict(taken.outcomes) == {"matched": 1}
    assert questions(quick, QUALITY, NOW) == []
    assert drift(quick, QUALITY) == []
    assert [each.kind for each in drift(quick, GOVERNOR)] == [RESTRICTED]
    (question,) = proposals(quick, key)
    with pytest.raises(Missing):
        review(quick, QUALITY, question.proposal, "national", NOW)
    review(quick, GOVERNOR, question.proposal, "national", NOW)
    again, _ = request(quick, QUALITY, [key], NOW + DAY)
    assert again is not None


def test_the_share_verified_and_how_numbers_became_known_are_counted(store: Store) -> None:
    verified, told, silent = a_record(store), a_record(store, ROBIN), a_record(store, PLAIN)
    traced_by_file(store, verified)
    record_number(store, QUALITY, told, "9990000026", Obtained.RED_BOOK, NOW)
    counted = how_they_stand(store, QUALITY, 3)
    assert (counted.total, counted.verified, counted.with_number, counted.unverified) == (3, 1, 2, 1)
    assert counted.by_obtained == {Obtained.CHECKED: 1, Obtained.RED_BOOK: 1}
    assert counted.by_status[NumberStatus.TRACE_REQUIRED] == 1
    assert silent


def test_asking_one_by_one_keeps_each_answer_and_what_it_cost(store: Store) -> None:
    wren, robin = a_record(store), a_record(store, ROBIN)
    person = Person(number=NUMBER, families=("AVOCET",), givens=(("WREN",),), birth_date="2014-03-09")

    def ask_one(subject: Subject) -> Traced:
        if subject.given == ("Robin",):
            raise Unavailable("down")
        return Traced(outcome=TraceOutcome.MATCHED, number=NUMBER, queries=2, people=1, person=person, by_number=True)

    order = sorted((wren, robin))
    if order[0] == wren:
        with pytest.raises(Unavailable):
            trace(store, QUALITY, [wren, robin], ask_one, NOW)
    else:
        with pytest.raises(Unavailable):
            trace(store, QUALITY, [wren, robin], ask_one, NOW)
        trace(store, QUALITY, [wren], ask_one, NOW + timedelta(seconds=1))
    assert stands(store, wren) == (NUMBER, NumberStatus.VERIFIED, Obtained.CHECKED)
    with store.read(Login.IDENTITY, "council") as identity:
        asked = tables.last_asked(identity, "council")
    assert (asked[wren].queries, asked[wren].people, asked[wren].outcome) == (2, 1, TraceOutcome.MATCHED)
    assert due(store, QUALITY, [wren, robin], NOW + timedelta(minutes=1)) == [robin]


def test_erasing_a_child_takes_numbers_questions_and_rounds_with_it(store: Store) -> None:
    key = a_record(store)
    traced_by_file(store, key, FAMILY_NAME="HERON")
    erase(store, all_tables(), [key], Why.MISTAKE, GOVERNOR, NOW)
    assert numbers(store, key, history=True) == []
    assert proposals(store, key) == []
    assert rows_kept(store, key) == 0
    with store.read(Login.IDENTITY, "council") as identity:
        assert tables.last_asked(identity, "council") == {}


def test_the_ledger_tells_of_asking_and_deciding_without_a_value(quick: Store) -> None:
    key = a_record(quick)
    traced_by_file(quick, key, FAMILY_NAME="HERON")
    review(quick, QUALITY, questions(quick, QUALITY, NOW)[0].proposal, "local", NOW)
    with quick.read(Login.GATE) as gate:
        bodies = [entry.body for entry in reversed(ledger.entries(gate, kind="trace"))]
    assert [body["act"] for body in bodies] == ["asked", "answered", "decided"]
    told = repr(bodies)
    assert not any(value in told for value in (*CHILD.values(), "HERON", key))


def test_it_is_decided_at_the_gate_before_anything_is_read(quick: Store) -> None:
    key = a_record(quick)
    stranger = Asker(user="stranger", organisation="council", role="data-quality-officer", factors=2)
    begun, written = request(quick, stranger, [key], NOW)
    assert (begun, written.references) == (None, ())
    one_factor = Asker(user="quality", organisation="council", role="data-quality-officer", factors=1)
    assert request(quick, one_factor, [key], NOW)[0] is None
