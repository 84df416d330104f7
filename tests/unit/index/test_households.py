"""Other children of a household or family: the evidence, and what takes no part in it."""

from __future__ import annotations

from datetime import date

import pytest

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.standardise import standardise_one
from samechild.index.copy import SpaceCopy
from samechild.index.households import MOST_AT_ONE_POSTCODE, Evidence, Relative, households
from samechild.index.keying import SEARCH_COLUMNS
from samechild.linkage.models.children import BLOCKING
from samechild.records import fields

COLUMNS = tuple(dict.fromkeys([*SEARCH_COLUMNS, "address", "uprn"]))
HOME = {"surname": "Avocet", "address": "12 High Street", "postcode": "LS1 6AB"}
PLACES = [field.name for field in fields().values() if field.location]


def a_copy() -> SpaceCopy:
    return SpaceCopy(COLUMNS, BLOCKING, 1000)


def put(copy: SpaceCopy, child: str, key: str = "", **values: str) -> str:
    """Put a record of a child; returns its key."""
    key = key or f"record-of-{child}"
    given = {"forename": child, **HOME, **values}
    record = standardise_one(
        {**{name: value for name, value in given.items() if value}, "source": "s", "record_id": key},
        Convention(DateReading(date(2026, 11, 22))),
    )
    copy.put(key, "council", "s", record, child)
    return key


def found(
    copy: SpaceCopy, child: str = "wren", *, sealed: tuple[str, ...] = (), **parents: list[str]
) -> dict[str, set[str]]:
    pieces = households(
        copy, child, {key.replace("_", "-"): them for key, them in parents.items()}, sealed.__contains__
    )
    return {other: {piece.evidence.value for piece in some} for other, some in pieces.items()}


def test_one_address_and_one_family_name() -> None:
    copy = a_copy()
    put(copy, "wren")
    put(copy, "robin", address="12, HIGH ST", postcode="ls16ab")
    assert found(copy) == {"robin": {"the same address", "the same family name"}}
    assert found(copy, "robin") == {"wren": {"the same address", "the same family name"}}


@pytest.mark.parametrize(
    "other",
    [
        {"address": "14 High Street"},
        {"address": ""},
        {"address": "High Street"},
        {"address": "", "postcode": ""},
        {"address": "12 High Street", "postcode": "LS2 7AD"},
    ],
)
def test_a_postcode_or_a_name_alone_is_no_household(other: dict[str, str]) -> None:
    copy = a_copy()
    put(copy, "wren")
    put(copy, "robin", **other)
    assert found(copy) == {}


def test_one_property_number_is_one_home_however_it_is_written() -> None:
    copy = a_copy()
    put(copy, "wren", uprn="100")
    put(copy, "robin", uprn="000100", address="Rose Cottage", surname="Heron")
    put(copy, "jay", uprn="200")
    assert found(copy) == {"robin": {"the same address"}}


def test_records_of_the_same_child_are_no_relatives() -> None:
    copy = a_copy()
    put(copy, "wren")
    put(copy, "wren", key="another")
    assert found(copy) == {}


def test_one_parent_of_two_children() -> None:
    copy = a_copy()
    put(copy, "wren")
    other = put(copy, "robin", address="", postcode="", surname="Heron")
    assert found(copy, record_of_wren=[other, "not here"]) == {"robin": {"the same parent"}}


@pytest.mark.parametrize("hidden", ["record-of-wren", "record-of-robin"])
def test_a_shielded_childs_place_takes_no_part_on_either_side(hidden: str) -> None:
    copy = a_copy()
    put(copy, "wren")
    put(copy, "robin")
    copy.hide(hidden, PLACES)
    assert found(copy) == {}
    assert found(copy, "robin") == {}


@pytest.mark.parametrize("sealed", ["record-of-wren", "record-of-robin"])
def test_a_closed_identity_takes_no_part(sealed: str) -> None:
    copy = a_copy()
    own, other = put(copy, "wren"), put(copy, "robin")
    assert found(copy, sealed=(sealed,)) == {}
    if sealed == other:
        assert found(copy, sealed=(sealed,), record_of_wren=[other]) == {}
    assert own == "record-of-wren"


def test_a_crowd_at_one_postcode_says_nothing() -> None:
    copy = a_copy()
    put(copy, "wren")
    for number in range(MOST_AT_ONE_POSTCODE + 1):
        put(copy, f"child{number}")
    assert found(copy) == {}


def test_who_may_be_a_brother_or_sister() -> None:
    assert Relative(child="a", evidence=(Evidence.PARENT,)).sibling
    assert Relative(child="a", evidence=(Evidence.ADDRESS, Evidence.SURNAME)).sibling
    assert not Relative(child="a", evidence=(Evidence.ADDRESS,)).sibling
