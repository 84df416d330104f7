"""Searching: every child is found by what is known of it, slips are forgiven, and what is hidden leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from samechild.demographics.standardise import standardise
from samechild.errors import Invalid
from samechild.index.copy import SpaceCopy
from samechild.index.keying import with_made
from samechild.index.query import FIELDS, Query, fields_used, of_fields, parse, terms_of, without
from samechild.index.searching import Found, search
from samechild.linkage.models.children import children_model
from samechild.records import Record, fields
from samechild.town import make_town

some = tried(max_examples=25, deadline=None)
TODAY = date(2026, 11, 22)
COLUMNS = tuple(name for name in fields() if name not in ("source", "record_id", "ethnicity"))
PLACES = tuple(field.name for field in fields().values() if field.location)


@cache
def the_records() -> list[Record]:
    """Some hundred records of a generated town, standardised."""
    given_records = make_town(140, authorities=1, seed=77).records
    numbered = given_records.append_column("row", pa.array(range(1, given_records.num_rows + 1), pa.int32()))
    table = standardise(numbered, today=TODAY).table
    names = ["source", "record_id", *(name for name in COLUMNS if name in table.column_names)]
    rows = table.select(names).to_pylist()
    return [msgspec.convert({name: value for name, value in row.items() if value}, Record) for row in rows]


def a_copy(them: Mapping[str, Record], hidden: Mapping[str, tuple[str, ...]] | None = None) -> SpaceCopy:
    """A copy of records by their keys, each of a child of its own name."""
    rules = children_model(COLUMNS).blocking[:20]
    copy = SpaceCopy(COLUMNS, rules, 1000)
    for key, away in (hidden or {}).items():
        copy.hide(key, away)
    table = pa.table(
        {
            name: pa.array(
                [getattr(record, name) for record in them.values()],
                pa.list_(pa.string()) if fields()[name].many else pa.string(),
            )
            for name in COLUMNS
        }
    )
    owners = ["council" if number % 2 else "trust" for number, _ in enumerate(them)]
    copy.fill(table, list(them), owners, ["s"] * len(them), [f"child of {key}" for key in them])
    return copy


def keyed(them: list[Record]) -> dict[str, Record]:
    return {f"key-{number}": record for number, record in enumerate(them)}


@cache
def everybody() -> SpaceCopy:
    return a_copy(keyed(the_records()))


def is_found(found: Found, key: str) -> bool:
    return key in {hit.record_key for hit in found.hits}


any_record = st.integers(0, 399)
EXACT = (
    "nhs_number", "upn", "former_upn", "uln", "la_child_id", "nino", "chi_number", "other_id", "phone", "email",
    "postcode", "forename", "surname", "date_of_birth", "area", "town", "school",
)  # fmt: skip


@some
@given(any_record, st.sampled_from(EXACT))
def test_a_child_is_found_by_any_of_its_own_values(number: int, field: str) -> None:
    value = getattr(the_records()[number], field)
    assume(value)
    found = search(everybody(), of_fields({field: value}, TODAY), limit=2000)
    assert is_found(found, f"key-{number}")
    assert not found.partly


@some
@given(any_record, st.sampled_from(["nhs_number", "upn", "uln"]), st.sampled_from([" ", "-", "\u00a0"]))
def test_a_number_is_found_in_any_spelling_from_one_box(number: int, field: str, between: str) -> None:
    value = getattr(the_records()[number], field)
    assume(value)
    spelt = value[:3] + between + value[3:6] + between + value[6:]
    assert is_found(search(everybody(), parse(spelt.lower(), TODAY), limit=50), f"key-{number}")


@st.composite
def a_slip(draw: st.DrawFn, text: str) -> str:
    """The text with one letter left out, put in, changed or exchanged with the next."""
    place = draw(st.integers(0, len(text) - 1))
    letter = draw(st.sampled_from("AEIOSTR"))
    return draw(
        st.sampled_from(
            [
                text[:place] + text[place + 1 :],
                text[:place] + letter + text[place:],
                text[:place] + letter + text[place + 1 :],
                text[:place] + text[place : place + 2][::-1] + text[place + 2 :],
            ]
        )
    )


@some
@given(any_record, st.booleans(), st.data())
def test_one_slip_in_a_name_is_forgiven_beside_the_date_of_birth(number: int, first: bool, data: st.DataObject) -> None:
    record = the_records()[number]
    forename, surname, born = record.forename, record.surname, record.date_of_birth
    assume(forename and surname and born and len(forename) > 2 and len(surname) > 2)
    assert forename is not None
    assert surname is not None
    if first:
        forename = data.draw(a_slip(forename))
    else:
        surname = data.draw(a_slip(surname))
    assert is_found(search(everybody(), parse(f"{forename} {surname} {born}", TODAY), limit=50), f"key-{number}")


@some
@given(any_record, st.data())
def test_one_slip_in_the_date_is_forgiven_beside_the_name(number: int, data: st.DataObject) -> None:
    record = the_records()[number]
    assume(record.forename and record.surname and record.date_of_birth)
    year, month, day = map(int, str(record.date_of_birth).split("-"))
    slipped = data.draw(
        st.sampled_from([f"{day}/{month}/{year - 1}", f"{month}/{day}/{year}", f"{day % 28 + 1}/{month}/{year}"])
    )
    boxes = {"forename": str(record.forename), "surname": str(record.surname), "date_of_birth": slipped}
    assert is_found(search(everybody(), of_fields(boxes, TODAY), limit=50), f"key-{number}")


@some
@given(any_record)
def test_names_are_found_in_any_order_and_with_the_age(number: int) -> None:
    record = the_records()[number]
    assume(record.forename and record.surname and record.date_of_birth and record.date_of_birth < TODAY.isoformat())
    born = date.fromisoformat(str(record.date_of_birth))
    age = TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))
    for text in (f"{record.surname} {record.forename}", f"{record.forename} {record.surname} aged {age}"):
        assert is_found(search(everybody(), parse(text, TODAY), limit=400), f"key-{number}")


@st.composite
def a_query(draw: st.DrawFn) -> Query:
    """A search made of values of one record, some of them wrong."""
    record = the_records()[draw(any_record)]
    boxes = draw(
        st.lists(st.sampled_from(["forename", "surname", "date_of_birth", "postcode", "nhs_number", "upn", "area"]),
                 min_size=1, max_size=4, unique=True)
    )  # fmt: skip
    given_values: dict[str, Any] = {name: getattr(record, name) for name in boxes}
    if given_values.get("surname") and draw(st.booleans()):
        given_values["surname"] = draw(a_slip(given_values["surname"]))
    try:
        return of_fields({name: value for name, value in given_values.items() if value}, TODAY)
    except Invalid:
        return of_fields({"surname": "Smith"}, TODAY)


HIDDEN = (PLACES, COLUMNS, ("surname", "former_surname"), ("date_of_birth",))


@some
@given(a_query(), st.integers(0, 59), st.sampled_from(HIDDEN))
def test_what_is_hidden_is_as_if_it_were_not_there(query: Query, number: int, hidden: tuple[str, ...]) -> None:
    them = keyed(the_records()[:60])
    key = f"key-{number}"
    bare = msgspec.structs.replace(them[key], **dict.fromkeys(with_made(frozenset(hidden))))
    with_it = search(a_copy(them, {key: hidden}), query)
    without_it = search(a_copy({**them, key: bare}), query)
    assert with_it == without_it


@some
@given(a_query(), st.integers(0, 59))
def test_a_sealed_record_is_as_if_there_were_none(query: Query, number: int) -> None:
    them = keyed(the_records()[:60])
    key = f"key-{number}"
    sealed = search(a_copy(them, {key: COLUMNS}), query)
    assert sealed == search(a_copy({other: record for other, record in them.items() if other != key}), query)


@some
@given(a_query(), st.lists(st.integers(0, 59), min_size=1, max_size=8, unique=True))
def test_a_dropped_record_is_never_found(query: Query, numbers: list[int]) -> None:
    them = keyed(the_records()[:60])
    copy = a_copy(them)
    for number in numbers:
        copy.drop(f"key-{number}")
    left = {key: record for key, record in them.items() if int(key[4:]) not in numbers}
    assert search(copy, query) == search(a_copy(left), query)


@some
@given(a_query())
def test_an_organisation_s_search_is_that_of_its_own_records(query: Query) -> None:
    for owner in ("council", "trust", "nobody"):
        found = search(everybody(), query, limit=30, owner=owner)
        rows = [everybody().row_of(hit.record_key) for hit in found.hits]
        assert all(row is not None and everybody().owner(row) == owner for row in rows)
    everyone = search(everybody(), query, limit=2000)
    own = {key for owner in ("council", "trust") for key in hits(search(everybody(), query, limit=2000, owner=owner))}
    assert hits(everyone) <= own


def hits(found: Found) -> set[str]:
    return {hit.record_key for hit in found.hits}


@some
@given(a_query(), st.integers(1, 5))
def test_fewer_wanted_are_the_first_of_more(query: Query, limit: int) -> None:
    more = search(everybody(), query, limit=2000)
    fewer = search(everybody(), query, limit=limit)
    assert fewer.hits == more.hits[:limit]
    assert fewer.more == (len(more.hits) > limit)


@some
@given(a_query())
def test_reasons_hold_no_value_and_children_stand_once(query: Query) -> None:
    found = search(everybody(), query)
    assert len({hit.child for hit in found.hits}) == len(found.hits)
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    values = {term.split("\x1f")[1] for term in terms_of(query)}
    for hit in found.hits:
        assert hit.reasons
        assert not any(value and value in reason for reason in hit.reasons for value in values)
    assert not any(value in repr(query) for value in values if len(value) > 2)


@some
@given(a_query())
def test_a_search_without_some_fields_looks_at_none_of_them(query: Query) -> None:
    for field in fields_used(query):
        assert field not in fields_used(without(query, [field]))
        assert set(terms_of(without(query, [field]))) < set(terms_of(query))


@some
@given(st.text(max_size=60))
def test_any_text_is_searched_or_refused_in_words(text: str) -> None:
    try:
        found = search(everybody(), parse(text, TODAY))
    except Invalid:
        return
    assert len(found.hits) <= 20


@some
@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=30), max_size=4))
def test_any_boxes_are_searched_or_refused(boxes: dict[str, str]) -> None:
    try:
        search(everybody(), of_fields(boxes, TODAY))
    except Invalid:
        return


def test_nothing_usable_is_refused() -> None:
    for text in ("", "   ", "Mr", "baby", "???", "x" * 300):
        with pytest.raises(Invalid):
            parse(text, TODAY)
