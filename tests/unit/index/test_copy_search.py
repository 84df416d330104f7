"""Searching by what people type: examples that can be read."""

from __future__ import annotations

from datetime import date

import pytest

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.errors import Invalid
from samechild.index.copy import SpaceCopy
from samechild.index.keying import SEARCH_COLUMNS
from samechild.index.query import Query, fields_used, of_fields, parse
from samechild.index.searching import Found, search
from samechild.linkage.model import BlockingRule, KeyPart

TODAY = date(2026, 11, 22)
CHILDREN = {
    "amy": {"forename": "Amy", "surname": "O'Brien", "date_of_birth": "03/01/2019", "postcode": "LS1 6AB"},
    "william": {
        "forename": "William",
        "surname": "Smith-Jones",
        "date_of_birth": "2012-05-07",
        "nhs_number": "999 000 0018",
    },
    "maria": {"forename": "Maria", "surname": "de la Cruz", "date_of_birth": "2015", "previous_postcode": "LS1 6AB"},
    "katharine": {"forename": "Katharine", "surname": "Wright", "known_as": "Kit", "former_surname": "Macdonald"},
    "zoe": {"forename": "Zoë", "surname": "Łukasz", "area": "E08000035", "la_child_id": "C1234"},
    "unborn": {"surname": "Khan", "date_of_birth": "2027-02-01"},
}


@pytest.fixture
def copy() -> SpaceCopy:
    made = SpaceCopy(SEARCH_COLUMNS, [BlockingRule((KeyPart("surname"),))], 1000)
    for name, given in CHILDREN.items():
        record = standardise_one({"source": "s", "record_id": name, **given}, Convention(DateReading(TODAY)))
        made.put(name, "council", "s", record, f"child {name}")
    return made


def first(found: Found) -> str:
    return found.hits[0].record_key if found.hits else ""


def reasons(found: Found) -> tuple[str, ...]:
    return found.hits[0].reasons


@pytest.mark.parametrize(
    ("typed", "who", "why"),
    [
        ("o'brien", "amy", "same surname"),
        ("O BRIEN amy", "amy", "same surname"),
        ("obrine 3/1/2019", "amy", "surname with one slip"),
        ("amy 1/3/2019", "amy", "date of birth with day and month exchanged"),
        ("amy 4/1/2019", "amy", "date of birth with one slip"),
        ("amy age 7", "amy", "born in the time asked for"),
        ("amy 2018-2019", "amy", "born in the time asked for"),
        ("obrien ls1 6ab", "amy", "same postcode"),
        ("obrien LS1 6", "amy", "same postcode sector"),
        ("obrien LS1", "amy", "same postcode district"),
        ("bill jones", "william", "another form of the forename"),
        ("jones william", "william", "part of the surname agrees"),
        ("smithjones", "william", "same surname"),
        ("NHS no. 9990 000018", "william", "same NHS number"),
        ("maria de la cruz", "maria", "same surname"),
        ("cruz ls16ab", "maria", "an earlier postcode agrees"),
        ("maria 2015", "maria", "same year of birth"),
        ("raygate catherine", "katharine", "sounds like the surname"),
        ("kit wright", "katharine", "same name that the child is known by"),
        ("mcdonald", "katharine", "another form of the surname"),
        ("zoe lukasz", "zoe", "same forename"),
        ("c1234", "zoe", "same local authority child id"),
        ("zoe E08000035", "zoe", "same area"),
        ("unborn khan", "unborn", "born in the time asked for"),
    ],
)
def test_what_is_typed_finds_the_child_and_says_why(copy: SpaceCopy, typed: str, who: str, why: str) -> None:
    found = search(copy, parse(typed, TODAY))
    assert first(found) == who
    assert why in reasons(found)


def test_names_in_the_wrong_boxes_are_found_and_said(copy: SpaceCopy) -> None:
    found = search(copy, of_fields({"forename": "Wright", "surname": "Katharine"}, TODAY))
    assert first(found) == "katharine"
    assert reasons(found) == ("forename and surname exchanged",) * 2


def test_who_agrees_in_part_is_shown_only_where_nobody_fits(copy: SpaceCopy) -> None:
    assert not search(copy, parse("amy obrien 3/1/2019", TODAY)).partly
    found = search(copy, parse("amy obrien 9/9/1999", TODAY))
    assert first(found) == "amy"
    assert found.partly
    assert "Nobody agrees closely" in found.advice


def test_one_organisations_records_alone_can_be_searched(copy: SpaceCopy) -> None:
    assert search(copy, parse("amy", TODAY), owner="council").hits
    assert not search(copy, parse("amy", TODAY), owner="another").hits


def test_very_many_of_one_name_are_answered_with_some_and_advice(copy: SpaceCopy) -> None:
    for number in range(5000):
        given = {"forename": f"Name{number}", "surname": "Patel", "date_of_birth": f"20{10 + number % 10}-01-01"}
        record = standardise_one({"source": "s", "record_id": "1", **given}, Convention(DateReading(TODAY)))
        copy.put(f"p{number}", "council", "s", record, f"patel {number // 2}")
    found = search(copy, parse("patel", TODAY), limit=20)
    assert len({hit.child for hit in found.hits}) == 20
    assert found.more
    assert found.advice == "More than 20 children agree; add a date of birth or a postcode."
    assert search(copy, parse("patel 2012", TODAY), limit=20).more


def test_what_cannot_be_read_is_told_by_its_box(copy: SpaceCopy) -> None:
    query = of_fields({"surname": "Smith", "postcode": "nowhere", "date_of_birth": "yesterday"}, TODAY)
    assert query.unread == ("postcode", "date_of_birth")
    assert fields_used(query) == ("former_surname", "surname")
    with pytest.raises(Invalid, match="nhs_number"):
        of_fields({"nhs_number": "123"}, TODAY)
    with pytest.raises(Invalid, match="no such box"):
        of_fields({"colour": "red"}, TODAY)
    with pytest.raises(Invalid, match="Type a name"):
        search(copy, Query())
    with pytest.raises(Invalid, match="at least one"):
        search(copy, parse("amy", TODAY), limit=0)


def test_a_query_does_not_print_what_was_typed() -> None:
    assert "OBRIEN" not in repr(parse("amy o'brien 3/1/2019", TODAY))
