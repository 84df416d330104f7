"""The single core record: what is chosen, why, and what stands beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.index.core_fields import FIELDS, RULES, Claim
from samechild.index.differences import WORDS, Difference
from samechild.index.records import Held
from samechild.index.survivorship import Chosen, Core, core_record
from samechild.records import fields
from samechild.records.types import Sector

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECTORS = {
    "council": Sector.LOCAL_AUTHORITY,
    "school": Sector.EDUCATION,
    "trust": Sector.HEALTH,
    "housing": Sector.HOUSING,
}
WREN = {"forename": "Wren", "surname": "Avocet", "date_of_birth": "2014-03-09", "sex": "F"}


def held(owner: str, values: dict[str, str], *, key: str = "", days: int = 0, source: str = "") -> Held:
    """A record of an agency, received some days after the first."""
    return Held(
        record_key=key or f"{owner}-1",
        owner=owner,
        source=source or f"{owner} system",
        received_at=NOON + timedelta(days=days),
        values=values,
    )


def core(*records: Held) -> Core:
    return core_record(records, SECTORS, TODAY)


def only(found: Core, field: str) -> Chosen:
    (chosen,) = found.of(field)
    return chosen


def test_nothing_known_is_nothing_shown() -> None:
    assert core().fields == ()
    assert core(held("school", {"forename": " ", "date_of_birth": "unknown", "sex": "U"})).fields == ()


def test_one_record_alone_says_so() -> None:
    name = only(core(held("school", WREN)), "name")
    assert (name.value.text, name.rule.name, name.agencies) == ("Wren Avocet", "alone", 1)
    assert (name.agreeing, name.variants, name.conflicts, name.former) == ((), (), (), ())


def test_capitals_spaces_and_the_order_of_a_date_are_no_conflict() -> None:
    other = {"full_name": "AVOCET, WREN", "date_of_birth": "09/03/2014", "sex": "2"}
    found = core(held("school", WREN), held("council", other))
    for chosen in found.fields:
        assert (chosen.rule.name, chosen.agencies, chosen.conflicts, chosen.variants) == ("agreed", 2, (), ())
    assert only(found, "sex").value.text == "Female"
    assert only(found, "date_of_birth").value.text == "2014-03-09"


def test_a_nickname_is_a_variant_and_said_so() -> None:
    found = core(
        held("school", {"forename": "Bill", "surname": "Heron"}),
        held("trust", {"forename": "William", "surname": "Heron"}),
    )
    name = only(found, "name")
    assert name.conflicts == ()
    assert [beside.difference for beside in name.variants] == [Difference.VARIANT]


def test_a_conflict_stands_beside_with_its_source_and_date() -> None:
    found = core(
        held("school", WREN),
        held("council", {**WREN, "date_of_birth": "2014-09-03"}, days=3),
        held("trust", WREN),
    )
    born = only(found, "date_of_birth")
    assert (born.value.text, born.rule.name) == ("2014-03-09", "agreement")
    (beside,) = born.conflicts
    assert (beside.claim.text, beside.claim.owner, beside.difference) == ("2014-09-03", "council", Difference.SWAPPED)
    assert beside.claim.received_at == NOON + timedelta(days=3)


@pytest.mark.parametrize(
    ("rule", "records", "expected"),
    [
        (
            "present",
            [
                held("school", {"forename": "Wren", "surname": "Avocet"}),
                held("trust", {"forename": "Wren", "surname": "Heron", "former_surname": "Avocet"}),
                held("council", {"forename": "Wren", "surname": "Avocet"}),
            ],
            "Wren Heron",
        ),
        (
            "verified",
            [
                held("school", {"forename": "Wren", "surname": "Avocet"}, days=9),
                held("trust", {"forename": "Wren", "surname": "Bunting", "nhs_number_status": "01"}),
                held("council", {"forename": "Wren", "surname": "Avocet"}),
            ],
            "Wren Bunting",
        ),
        (
            "whole",
            [
                held("school", {"forename": "W", "surname": "Avocet"}),
                held("council", {"forename": "W", "surname": "Avocet"}),
                held("trust", {"forename": "Wren", "surname": "Avocet"}),
            ],
            "Wren Avocet",
        ),
        (
            "agreement",
            [
                held("trust", {"forename": "Wren", "surname": "Bunting"}),
                held("school", {"forename": "Wren", "surname": "Avocet"}),
                held("council", {"forename": "Wren", "surname": "Avocet"}),
            ],
            "Wren Avocet",
        ),
        (
            "standing",
            [
                held("school", {"forename": "Wren", "surname": "Bunting"}, days=9),
                held("trust", {"forename": "Wren", "surname": "Avocet"}),
            ],
            "Wren Avocet",
        ),
        (
            "recent",
            [
                held("school", {"forename": "Wren", "surname": "Bunting"}, key="1"),
                held("school", {"forename": "Wren", "surname": "Avocet"}, key="2", days=1),
            ],
            "Wren Avocet",
        ),
        (
            "order",
            [
                held("school", {"forename": "Wren", "surname": "Bunting"}, key="1"),
                held("school", {"forename": "Wren", "surname": "Avocet"}, key="2"),
            ],
            "Wren Avocet",
        ),
    ],
)
def test_each_rule_decides_where_it_should(rule: str, records: list[Held], expected: str) -> None:
    name = only(core(*records), "name")
    assert (name.value.text, name.rule.name) == (expected, rule)


def test_an_agency_with_three_records_counts_once() -> None:
    many = [held("trust", {"forename": "Wren", "surname": "Bunting"}, key=f"t{n}") for n in range(3)]
    two = [held(owner, {"forename": "Wren", "surname": "Avocet"}) for owner in ("school", "council")]
    assert only(core(*many, *two), "name").value.text == "Wren Avocet"


def test_earlier_names_and_addresses_have_their_dates() -> None:
    found = core(
        held("school", {"surname": "Avocet", "forename": "Wren", "postcode": "LS1 6AB"}),
        held(
            "trust",
            {
                "forename": "Wren",
                "surname": "Heron",
                "former_surname": "Avocet",
                "postcode": "LS2 7AD",
                "previous_postcode": "ls16ab",
            },
            days=5,
        ),
    )
    name, address = only(found, "name"), only(found, "address")
    assert (name.value.text, name.conflicts) == ("Wren Heron", ())
    assert {(each.text, each.owner) for each in name.former} == {("Wren Avocet", "school"), ("Avocet", "trust")}
    assert (address.value.text, address.conflicts) == ("LS2 7AD", ())
    assert {each.received_at for each in address.former} == {NOON, NOON + timedelta(days=5)}


def test_an_address_is_taken_whole_from_one_record() -> None:
    found = core(
        held("school", {"address": "12 St John's Road", "town": "Leeds", "postcode": "ls1 6ab"}),
        held("council", {"postcode": "LS1 6AB"}, days=4),
        held("trust", {"address": "14 Saint Johns Rd", "postcode": "LS1 6AB"}),
    )
    address = only(found, "address")
    assert address.value.text == "12 St John's Road, Leeds, LS1 6AB"
    assert [beside.difference for beside in address.conflicts] == [Difference.OTHER]


def test_each_council_numbers_children_for_itself() -> None:
    found = core(held("council", {"la_child_id": "77"}), held("housing", {"la_child_id": "12"}))
    assert [(chosen.value.owner, chosen.conflicts) for chosen in found.of("la_child_id")] == [
        ("council", ()),
        ("housing", ()),
    ]
    twice = core(held("council", {"la_child_id": "77"}, key="a"), held("council", {"la_child_id": "90"}, key="b"))
    assert [len(chosen.conflicts) for chosen in twice.of("la_child_id")] == [1]


def test_a_verified_number_stands_before_one_that_more_agencies_copied() -> None:
    found = core(
        held("school", {"nhs_number": "999 000 0018"}),
        held("council", {"nhs_number": "9990000018"}),
        held("trust", {"nhs_number": "9990000026", "nhs_number_status": "1"}),
    )
    number = only(found, "nhs_number")
    assert (number.value.text, number.value.status, number.rule.name) == ("999 000 0026", "01", "verified")
    assert len(number.conflicts) == 2


def test_codes_of_two_kinds_are_not_called_a_conflict() -> None:
    school = only(core(held("school", {"school": "900001"}), held("council", {"school": "900/4001"})), "school")
    assert school.conflicts == ()
    assert [beside.difference for beside in school.variants] == [Difference.CODE]


def test_what_cannot_be_read_is_no_value() -> None:
    found = core(held("school", {"nhs_number": "9990000019", "postcode": "nowhere", "forename": "Twin 2"}))
    assert [chosen.field for chosen in found.fields] == []


def test_nothing_prints_what_it_holds() -> None:
    found = core(held("school", WREN), held("council", {**WREN, "surname": "Bunting"}))
    assert "Avocet" not in repr(found)
    assert "Bunting" not in repr(found)


def test_every_field_is_taken_from_declared_ones_by_declared_rules() -> None:
    declared = fields()
    for field in FIELDS:
        assert set(field.rules) <= RULES.keys()
        for name in (*field.takes, *field.needs, *field.former):
            assert name in declared, name
    assert set(WORDS) == set(Difference)


FORENAMES = st.sampled_from(["Wren", "wren", "Bill", "William", "W", "Baby", "", "Lily-Mae", "Ren"])
SURNAMES = st.sampled_from(["Avocet", "AVOCET", "Avocet-Heron", "Heron", "Averset", "", "O'Brien", "O Brien"])
POSTCODES = st.sampled_from(["LS1 6AB", "ls16ab", "LS2 7AD", "", "nowhere"])
VALUES = st.fixed_dictionaries(
    {
        "forename": FORENAMES,
        "surname": SURNAMES,
        "former_surname": SURNAMES,
        "date_of_birth": st.sampled_from(["2014-03-09", "09/03/2014", "2014-09-03", "2014-03", "", "2013-01-01"]),
        "postcode": POSTCODES,
        "previous_postcode": POSTCODES,
        "address": st.sampled_from(["12 High Street", "12, HIGH ST", "14 High St", "Flat 1, 12 High Street", ""]),
        "upn": st.sampled_from(["A123456789012", "", "H801200001001", "A12345678901X"]),
        "nhs_number": st.sampled_from(["9990000018", "999 000 0018", "9990000026", ""]),
        "nhs_number_status": st.sampled_from(["01", "02", ""]),
    }
)


@st.composite
def records(draw: st.DrawFn) -> list[Held]:
    count = draw(st.integers(0, 6))
    return [
        held(
            draw(st.sampled_from(sorted(SECTORS))),
            draw(VALUES),
            key=f"key-{number}",
            days=draw(st.integers(0, 3)),
        )
        for number in range(count)
    ]


def shown(found: Core) -> list[Any]:
    """Everything a core record tells, as plain values."""
    return [
        (
            chosen.field,
            place(chosen.value),
            chosen.rule.name,
            sorted(map(place, chosen.agreeing)),
            sorted((place(beside.claim), beside.difference) for beside in chosen.variants),
            sorted((place(beside.claim), beside.difference) for beside in chosen.conflicts),
            sorted(map(place, chosen.former)),
        )
        for chosen in found.fields
    ]


def place(claim: Claim) -> tuple[str, str, str]:
    return (claim.record_key, claim.field, claim.text)


def told(found: Core) -> set[tuple[str, str, str]]:
    """Every value that a core record shows anywhere, with its record."""
    return {
        place(claim)
        for chosen in found.fields
        for claim in (
            chosen.value,
            *chosen.agreeing,
            *(beside.claim for beside in (*chosen.variants, *chosen.conflicts)),
            *chosen.former,
        )
    }


@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(them: list[Held], random: Any) -> None:
    mixed = list(them)
    random.shuffle(mixed)
    assert shown(core(*mixed)) == shown(core(*them))


@given(records(), st.sets(st.integers(0, 5)))
def test_a_record_out_of_sight_takes_its_values_away_and_leaves_no_trace(them: list[Held], hidden: set[int]) -> None:
    seen = [each for number, each in enumerate(them) if number not in hidden]
    gone = {each.record_key for number, each in enumerate(them) if number in hidden}
    whole, part = told(core(*them)), told(core(*seen))
    assert part <= whole
    assert part == {value for value in whole if value[0] not in gone}


@given(records())
def test_every_usable_value_is_shown_once_and_nowhere_twice(them: list[Held]) -> None:
    for chosen in core(*them).fields:
        beside = [each.claim for each in (*chosen.variants, *chosen.conflicts)]
        keys = [each.record_key for each in (chosen.value, *chosen.agreeing, *beside)]
        keys += [each.record_key for each in chosen.former if each.field == chosen.field]
        assert len(keys) == len(set(keys))
        assert all(each.difference is not None for each in (*chosen.variants, *chosen.conflicts))
