"""Tracing and the index together: what became known of a number is told, and one child is found by their details."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import gate
from asking import DAY, NOW
from gate import give
from indexing import OFFICER, an_arrival, an_index
from samechild.errors import Invalid, Refused
from samechild.identifiers.nhs_number import from_serial
from samechild.index.identifying import identify
from samechild.index.live import live
from samechild.index.records import Kind
from samechild.index.store import events_after
from samechild.policy import ledger
from samechild.policy.relationship_actions import set_mark
from samechild.records.disclosure import Ask, Asker
from samechild.settings import Settings
from samechild.storage import Login, Store
from samechild.tracing.actions import record_number, request, take_answer
from samechild.tracing.records import NumberStatus, Obtained
from samechild.tracing.settling import NUMBER_FIELD
from samechild.tracing.simple import Code, Details, Outcome, simple_trace
from samechild.tracing.subjects import ask_of, known
from samechild.tracing.telling import records_of, tell_index
from stores import an_installation, reopen
from tracing_world import answer_to, latest

NUMBER = str(from_serial(8_910_001))
OTHER = str(from_serial(8_910_044))
ZEBEDEE = {"GIVEN_NAME": "ZEBEDEE", "OTHER_GIVEN_NAME": "", "FAMILY_NAME": "QUILLFEATHER", "DATE_OF_BIRTH": "20150314"}
DETAILS = Details(given="Zebedee", family="Quillfeather", born="2015-03-14", sex="M", postcode="ZZ99 3VZ")
GOVERNOR = gate.an_officer("council")
STRANGER = Asker(user="stranger", organisation="trust", role="data-quality-officer", factors=2)


@pytest.fixture(scope="module", name="filled")
def an_installation_with_an_index() -> Iterator[Settings]:
    """Made once and copied for each test: a small town is loaded into the council's space."""
    with an_installation() as settings:
        store = reopen(settings)
        an_index(store)
        store.close()
        yield settings


@pytest.fixture(name="store")
def a_store_with_an_index(filled: Settings, tmp_path: Path) -> Iterator[Store]:
    home = tmp_path / filled.home.name
    shutil.copytree(filled.home.parent, tmp_path, dirs_exist_ok=True)
    store = reopen(msgspec.structs.replace(filled, home=home))
    yield store
    store.close()


def arrived(store: Store, *, at: datetime = NOW, **given: Any) -> str:
    (answer,) = identify(store, OFFICER, [an_arrival(**given)], at)
    return answer.record_key


def traced(store: Store, key: str, **cells: str) -> None:
    _, written = request(store, OFFICER, [key], NOW)
    searched = {"MATCHED_ALGORITHM_INDICATOR": "3", "GENDER": "1", "POSTCODE": ""}
    take_answer(store, OFFICER, answer_to(written, **{**searched, **ZEBEDEE, "MATCHED_NHS_NO": NUMBER, **cells}), NOW)


def an_ask(by: Asker = OFFICER) -> Ask:
    return ask_of(by, "personal.identity", (), NOW)


def own_number(store: Store, key: str) -> tuple[str, str]:
    values = known(store, OFFICER, [key], latest(store))[key].values
    return values.get(NUMBER_FIELD, ""), values.get("nhs_number_status", "")


def kinds(store: Store, after: int = 0) -> list[Kind]:
    with store.read(Login.INDEX) as connection:
        return [event.kind for event in events_after(connection, after)]


def newest(store: Store) -> int:
    with store.read(Login.INDEX) as connection:
        return max(event.number for event in events_after(connection, 0, limit=10**6))


def test_a_verified_number_becomes_a_value_of_a_record_that_had_none(store: Store) -> None:
    key = arrived(store)
    assert key in records_of(store, "council")
    traced(store, key)
    assert own_number(store, key) == ("", "")  # nothing is written before the index is told
    assert tell_index(store, OFFICER, NOW + DAY).numbers == 1
    assert own_number(store, key) == (NUMBER, "01")
    assert tell_index(store, OFFICER, NOW + DAY).numbers == 0
    alive = live(store, "council", NOW + DAY)
    assert [alive.copy.record_key(row) for row in alive.copy.with_value(NUMBER_FIELD, NUMBER)] == [key]


def test_a_feed_without_the_number_does_not_take_a_verified_one_away(store: Store) -> None:
    key = arrived(store)
    traced(store, key)
    tell_index(store, OFFICER, NOW + DAY)
    arrived(store, at=NOW + 2 * DAY, occupation="none")
    assert own_number(store, key) == (NUMBER, "01")
    assert tell_index(store, OFFICER, NOW + 3 * DAY, every=True).numbers == 0


def test_a_replaced_number_is_told_as_such_and_nothing_is_written_over_the_record(store: Store) -> None:
    key = arrived(store, nhs_number=NUMBER)
    before = newest(store)
    traced(store, key, ERROR_SUCCESS_CODE="90", MATCHED_NHS_NO=OTHER, MATCHED_ALGORITHM_INDICATOR="1")
    told = tell_index(store, OFFICER, NOW)
    assert (told.numbers, told.renumbered) == (0, 1)
    assert kinds(store, before) == [Kind.RENUMBER]
    assert own_number(store, key)[0] == NUMBER
    assert tell_index(store, OFFICER, NOW, every=True).renumbered == 0  # known already


def test_a_withdrawn_number_is_told(store: Store) -> None:
    key = arrived(store, nhs_number=NUMBER)
    before = newest(store)
    traced(store, key, ERROR_SUCCESS_CODE="91", MATCHED_NHS_NO="0000000000")
    assert tell_index(store, OFFICER, NOW).renumbered == 1
    assert kinds(store, before) == [Kind.RENUMBER]


def test_one_child_is_found_and_shown_with_the_number_and_how_it_became_known(store: Store) -> None:
    key = arrived(store)
    answer = simple_trace(store, an_ask(), DETAILS)
    assert (answer.outcome, answer.code, answer.number) == (Outcome.ONE, Code.SUCCESS, "")
    record_number(store, OFFICER, key, NUMBER, Obtained.RED_BOOK, NOW)
    answer = simple_trace(store, an_ask(), DETAILS)
    assert (answer.number, answer.status, answer.how) == (NUMBER, NumberStatus.NOT_TRACED, Obtained.RED_BOOK)
    traced(store, key)
    answer = simple_trace(store, an_ask(), DETAILS)
    assert (answer.number, answer.status) == (NUMBER, NumberStatus.VERIFIED)
    assert NUMBER not in repr(answer)
    assert "Zebedee" not in repr(DETAILS)


def test_a_number_that_is_given_is_checked_against_the_childs(store: Store) -> None:
    key = arrived(store, nhs_number=NUMBER)
    checked = Details(**{**{n: getattr(DETAILS, n) for n in DETAILS.__struct_fields__}, "number": NUMBER})
    assert simple_trace(store, an_ask(), checked).code is Code.SUCCESS
    traced(store, key, ERROR_SUCCESS_CODE="90", MATCHED_NHS_NO=OTHER, MATCHED_ALGORITHM_INDICATOR="1")
    assert simple_trace(store, an_ask(), checked).code is Code.SUPERSEDED


def test_nobody_like_that_is_nothing(store: Store) -> None:
    answer = simple_trace(store, an_ask(), DETAILS)
    assert (answer.outcome, answer.code, answer.child) == (Outcome.NOTHING, Code.NO_MATCH, "")


def test_the_other_twin_alone_is_never_the_answer(store: Store) -> None:
    arrived(store, forename="Zachary")
    answer = simple_trace(store, an_ask(), DETAILS)
    assert answer.outcome is not Outcome.ONE
    assert (answer.number, answer.child) == ("", "")


def test_of_twins_the_one_who_is_named_is_found(store: Store) -> None:
    arrived(store)
    arrived(store, record_id="2", forename="Orlando")
    answer = simple_trace(store, an_ask(), DETAILS)
    assert answer.outcome is Outcome.ONE


def test_a_shielded_child_is_not_found_by_place_and_a_closed_identity_not_at_all(store: Store) -> None:
    key = arrived(store, postcode="LS1 6AB")
    placed = Details(given="Zebedee", family="Quillfeather", born="2015-03-14", sex="M", postcode="LS1 6AB")
    assert simple_trace(store, an_ask(), placed).outcome is Outcome.ONE
    set_mark(store, GOVERNOR, "council", [key], "shielded", NOW)
    assert simple_trace(store, an_ask(), placed).outcome is Outcome.NOTHING
    set_mark(store, GOVERNOR, "council", [key], "sealed-identity", NOW)
    placeless = Details(given="Zebedee", family="Quillfeather", born="2015-03-14", sex="M")
    assert simple_trace(store, an_ask(), placeless) == simple_trace(store, an_ask(), DETAILS)


@pytest.mark.parametrize(
    "details",
    [
        Details(given="", family="Quillfeather", born="2015-03-14"),
        Details(given="Zebedee", family="", born="2015-03-14"),
        Details(given="Zebedee", family="Quillfeather", born="2015"),
        Details(given="Zebedee", family="Quillfeather", born="31 February 2015"),
        Details(given="Baby", family="Quillfeather", born="2015-03-14"),
        Details(given="Zebedee", family="Quillfeather", born="2015-03-14", number="9999999999"),
    ],
)
def test_too_little_or_nonsense_is_said_without_repeating_it(store: Store, details: Details) -> None:
    with pytest.raises(Invalid) as told:
        simple_trace(store, an_ask(), details)
    assert "Quillfeather" not in str(told.value)


def test_who_is_in_no_space_or_holds_no_role_is_refused_and_the_search_is_in_the_ledger(store: Store) -> None:
    arrived(store)
    with store.write(Login.GATE) as connection:
        give(connection, STRANGER)
    with pytest.raises(Refused):
        simple_trace(store, an_ask(STRANGER), DETAILS)
    nobody = Asker(user="nobody", organisation="council", role="data-quality-officer", factors=2)
    with pytest.raises(Refused):
        simple_trace(store, an_ask(nobody), DETAILS)
    with store.read(Login.GATE) as connection:
        before = len(ledger.entries(connection, limit=10**4))
    simple_trace(store, an_ask(), DETAILS)
    with store.read(Login.GATE) as connection:
        after = ledger.entries(connection, limit=10**4)
    assert len(after) > before
    assert not any("Quillfeather" in repr(entry.body) or "2015-03-14" in repr(entry.body) for entry in after)
