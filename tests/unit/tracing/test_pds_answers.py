"""Answers of the national service are read, and those that do not fit the question are not believed."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.tracing.pds_answers import TRY_AGAIN, read_answer
from samechild.tracing.records import Answered, Query
from samechild.tracing.stub.answers import OUTCOMES, outcome, patient, searchset
from samechild.tracing.stub.register import Address, Found, Name, Registered

NUMBER, OTHER = "9990000018", "9990000026"
BORN = date(2015, 3, 4)
SEARCH = Query(step="test", family="Ashdown", given=("Mira",), born=(BORN, BORN))
READ = Query(step="test", number=NUMBER)
MIRA = Registered(
    number=NUMBER,
    names=(Name("Ashdown", ("Mira", "Jo")), Name("Oldham", ("Mira",), "old")),
    born=BORN,
    sex="female",
    addresses=(Address("JA1 1AA"), Address("JA9 9ZZ", use="old")),
    practice="Y12345",
    birth_order=2,
    version=3,
)


def a_searchset(*people: Registered, score: float = 1.0) -> dict[str, Any]:
    return searchset([Found(person, score) for person in people], "https://api.example.org")


def read(query: Query, body: object, status: int = 200) -> Any:
    return read_answer(query, status, msgspec.json.encode(body))


def test_a_person_is_read_with_what_the_service_shows_of_them() -> None:
    answer = read(SEARCH, a_searchset(MIRA, score=0.9))
    assert answer.kind is Answered.PEOPLE
    (person,) = answer.people
    assert (person.number, person.families, person.givens) == (NUMBER, ("Ashdown",), (("Mira", "Jo"),))
    assert (person.birth_date, person.sex, person.postcodes) == ("2015-03-04", "F", ("JA1 1AA",))
    assert (person.gp_practice, person.score, person.plural, person.version) == ("Y12345", 0.9, True, "3")
    assert not person.restricted


def test_of_a_restricted_person_no_address_is_read() -> None:
    (person,) = read(SEARCH, a_searchset(msgspec.structs.replace(MIRA, restricted=True))).people
    assert person.restricted
    assert not person.postcodes
    assert not person.gp_practice


def test_the_first_of_a_birth_may_be_the_only_one() -> None:
    (person,) = read(SEARCH, a_searchset(msgspec.structs.replace(MIRA, birth_order=1))).people
    assert person.plural is None


def test_nobody_too_many_withdrawn_and_unknown_are_told_apart() -> None:
    assert read(SEARCH, a_searchset()).kind is Answered.NOBODY
    assert read(SEARCH, outcome("TOO_MANY_MATCHES")).kind is Answered.TOO_MANY
    assert read(READ, outcome("RESOURCE_NOT_FOUND"), 404).kind is Answered.NOBODY
    assert read(READ, outcome("INVALIDATED_RESOURCE"), 404).kind is Answered.INVALIDATED


def test_a_superseded_number_answers_with_the_number_that_replaced_it() -> None:
    answer = read(READ, patient(msgspec.structs.replace(MIRA, number=OTHER)))
    assert answer.people[0].number == OTHER


@pytest.mark.parametrize("code", sorted(OUTCOMES))
def test_every_code_of_the_service_is_a_defined_answer(code: str) -> None:
    answer = read(SEARCH, outcome(code, "Invalid value - 'Mira' in field 'given'"), OUTCOMES[code][0])
    expected = {200: Answered.TOO_MANY}.get(OUTCOMES[code][0], Answered.REFUSED)
    assert answer.kind is (Answered.DOWN if OUTCOMES[code][0] in TRY_AGAIN else expected)
    assert answer.problem == code
    assert "Mira" not in repr(answer)


def lies() -> dict[str, object]:
    """Answers that no honest service gives."""
    two = a_searchset(MIRA, msgspec.structs.replace(MIRA, number=OTHER))
    wrong_kind = a_searchset(MIRA)
    wrong_kind["entry"][0]["resource"]["resourceType"] = "RelatedPerson"
    count = {**a_searchset(MIRA), "total": 7}
    score = a_searchset(MIRA, score=1.7)
    month = a_searchset(MIRA)
    month["entry"][0]["resource"]["birthDate"] = "2015-13-04"
    two_numbers = a_searchset(MIRA)
    two_numbers["entry"][0]["resource"]["identifier"][0]["value"] = OTHER
    failing = a_searchset(MIRA)
    failing["entry"][0]["resource"]["id"] = failing["entry"][0]["resource"]["identifier"][0]["value"] = "9990000010"
    reserved = a_searchset(MIRA)
    reserved["entry"][0]["resource"]["id"] = reserved["entry"][0]["resource"]["identifier"][0]["value"] = "0000000000"
    later = a_searchset(msgspec.structs.replace(MIRA, born=date(2015, 3, 5)))
    return {
        "more than asked": two,
        "not a person": wrong_kind,
        "count": count,
        "score": score,
        "month": month,
        "two numbers": two_numbers,
        "check digit": failing,
        "reserved number": reserved,
        "another birth date": later,
        "a history": {**a_searchset(MIRA), "type": "history"},
        "a number": 7,
        "nothing": {},
        "a list": [a_searchset(MIRA)],
        "a text for a list": {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": "Mira"},
        "another outcome": outcome("RESOURCE_NOT_FOUND"),
    }


@pytest.mark.parametrize("lie", sorted(lies()))
def test_an_answer_that_does_not_fit_is_not_believed(lie: str) -> None:
    answer = read(SEARCH, lies()[lie])
    assert answer.kind is Answered.LYING
    assert not answer.people


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[" * 100_000, b'{"resourceType":"Bun', b"\xff\xfe", b"NaN"])
@pytest.mark.parametrize("query", [SEARCH, READ])
def test_what_cannot_be_read_is_not_believed(body: bytes, query: Query) -> None:
    assert read_answer(query, 200, body).kind is Answered.LYING


def test_a_page_in_place_of_not_found_is_not_taken_for_it() -> None:
    assert read_answer(READ, 404, b"<html>Not found</html>").kind is Answered.LYING


def test_a_name_now_unlike_the_question_is_believed_of_a_search_in_history() -> None:
    later = msgspec.structs.replace(MIRA, born=date(2015, 3, 5))
    answer = read(msgspec.structs.replace(SEARCH, history=True), a_searchset(later))
    assert answer.kind is Answered.PEOPLE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["resourceType", "id", "entry", "total", "issue", "meta"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([200, 201, 302, 400, 401, 403, 404, 418, 429, 500, 503]), st.booleans())
def test_no_answer_makes_the_reader_fail_and_none_of_these_names_anybody(
    body: Any, status: int, by_number: bool
) -> None:
    answer = read_answer(READ if by_number else SEARCH, status, msgspec.json.encode(body))
    assert not answer.people
