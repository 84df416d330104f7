"""Every kind of organisation is declared once, and its place in law is read from the kind."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid
from samechild.policy.people.organisations import (
    CODES,
    Organisation,
    annex,
    body_of,
    checked_codes,
    is_active,
    kinds,
)
from samechild.records.types import Sector
from staff import DAY, NOW

ACADEMY = {"urn", "laestab", "ukprn", "dsi", "entra", "ods", "company"}

SECTION_11 = {
    "local-authority",
    "housing-authority",
    "nhs-trust",
    "integrated-care-board",
    "nhs-england",
    "police-force",
    "transport-police",
    "probation",
    "youth-justice",
    "secure-institution",
}


def an_organisation(kind: str = "academy", **changes: object) -> Organisation:
    given = {"organisation": "o", "kind": kind, "name": "One", "active_from": NOW, **changes}
    return Organisation(**given)  # type: ignore[arg-type]


def test_every_row_of_the_annex_has_a_kind() -> None:
    assert {row for kind in kinds().values() for row in kind.annex} == {int(row["row"]) for row in annex()}
    assert len(annex()) == 40


def test_every_sector_has_a_kind_and_every_number_a_form() -> None:
    assert {kind.sector for kind in kinds().values()} == set(Sector)
    assert {code for kind in kinds().values() for code in kind.codes} <= CODES.keys()
    assert all(name == kind.name and kind.title for name, kind in kinds().items())


def test_the_bodies_of_section_11_are_persons_of_section_16la() -> None:
    assert all(kinds()[name].relevant_person and kinds()[name].public_authority for name in SECTION_11)


@pytest.mark.parametrize(
    ("kind", "public", "relevant", "competent", "dfe"),
    [
        ("childminder", False, True, False, False),
        ("independent-school", False, True, False, False),
        ("academy", True, True, False, False),
        ("police-force", True, True, True, False),
        ("gp-practice", True, True, False, False),
        ("housing-association", False, False, False, False),
        ("home-office", True, False, True, False),
        ("jobcentre-plus", True, False, False, False),
        ("department-for-education", True, False, False, True),
        ("research-body", False, False, False, False),
    ],
)
def test_a_body_is_what_its_kind_is_in_law(kind: str, public: bool, relevant: bool, competent: bool, dfe: bool) -> None:
    body = body_of(an_organisation(kind), NOW)
    assert (body.public_authority, body.relevant_person, body.competent_authority, body.dfe) == (
        public,
        relevant,
        competent,
        dfe,
    )
    assert (body.organisation, body.kind) == ("o", kind)


def test_only_one_kind_is_the_department() -> None:
    assert [kind.name for kind in kinds().values() if kind.dfe] == ["department-for-education"]
    assert {kind.name for kind in kinds().values() if kind.sole_provider} == {"childminder", "home-childcarer"}


def test_an_organisation_is_active_from_its_beginning_until_the_first_of_its_ends() -> None:
    assert not is_active(an_organisation(), NOW - timedelta(microseconds=1))
    assert is_active(an_organisation(), NOW)
    for end in ("active_until", "registered_until", "contract_until"):
        ending = an_organisation("academy", **{end: NOW + DAY})
        assert is_active(ending, NOW + DAY - timedelta(microseconds=1))
        assert not is_active(ending, NOW + DAY)


def test_a_sole_provider_needs_a_voucher_a_registration_and_a_contract() -> None:
    whole = {"vouched_by": "council", "registered_until": NOW + DAY, "contract_until": NOW + 2 * DAY}
    assert is_active(an_organisation("childminder", **whole), NOW)
    assert not is_active(an_organisation("childminder", **whole), NOW + DAY)
    for lacking in whole:
        assert not is_active(an_organisation("childminder", **{**whole, lacking: None}), NOW)
    ended = an_organisation("childminder", **whole, voucher_until=NOW)
    assert not is_active(ended, NOW)
    assert is_active(an_organisation("childminder", **whole, voucher_until=NOW + DAY / 2), NOW)


@given(
    st.dictionaries(
        st.sampled_from(sorted(CODES)), st.text(max_size=40) | st.from_regex(r"[0-9]{3,8}", fullmatch=True), max_size=3
    )
)
def test_numbers_are_refused_or_written_in_one_form(codes: dict[str, str]) -> None:
    kind = kinds()["academy"]
    fits = all(name in ACADEMY and re.fullmatch(CODES[name], code.strip().upper()) for name, code in codes.items())
    if not fits:
        with pytest.raises(Invalid):
            checked_codes(kind, codes)
    else:
        checked = checked_codes(kind, codes)
        assert checked_codes(kind, checked) == checked


def test_a_number_is_that_of_the_kind() -> None:
    assert checked_codes(kinds()["nhs-trust"], {"ods": " rzz99 "}) == {"ods": "RZZ99"}
    with pytest.raises(Invalid, match="no urn number"):
        checked_codes(kinds()["nhs-trust"], {"urn": "999999"})
    with pytest.raises(Invalid, match="form"):
        checked_codes(kinds()["academy"], {"urn": "99999A"})
