"""Where one record belongs: told by hand, case by case, with what a small town taught."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from functools import cache

import pytest

from linking import a_child, the_town_linked
from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.linkage.bulk import lines_of
from samechild.linkage.deciding import WORDS, Ground
from samechild.linkage.expectations import Expectations
from samechild.linkage.matching import Matcher
from samechild.linkage.placing import (
    BESIDE,
    NUMBER_ALONE,
    RESTRICTED,
    SEALED,
    Group,
    Member,
    Placement,
    Ruled,
    fits,
    place,
)

NUMBER, OTHER, FAR = "9990000018", "9990000026", "9991234004"
"""The first two were given out one after the other, as twins' are."""
NUMBERED = {"nhs_number": NUMBER, "nhs_number_status": "01"}


@cache
def the_matcher(single: str = "") -> Matcher:
    linked = the_town_linked()
    return Matcher(linked.model, linked.frequencies, single_sources=[single] if single else [])


def a_record(key: str, source: str = "a", **different: str | None) -> Member:
    """A record of one child, but for what is said to be different."""
    given = {"source": source, "record_id": key, **a_child(**different)}
    record = standardise_one(given, Convention(DateReading(today=datetime.date(2025, 9, 1))))
    return Member(the_matcher().prepare(record), source, key)


def said(**answers: Iterable[tuple[str, str]]) -> Ruled:
    """What people said, by pairs of keys."""
    known = {frozenset(pair): answer for answer, pairs in answers.items() for pair in pairs}
    return lambda one, other: known.get(frozenset((one, other)), "")


def placed(
    newcomer: Member, *groups: Group, matcher: Matcher | None = None, **answers: list[tuple[str, str]]
) -> Placement:
    ready = matcher or the_matcher()
    return place(ready, Expectations(), newcomer, groups, said(**answers), lines_of(ready.model))


def names(placement: Placement) -> set[str]:
    """Every child that is named outside the restricted list."""
    return {each.child for each in (*placement.because, *placement.asks, *placement.leaves)} | set(placement.joins)


def test_with_nobody_near_a_record_is_a_new_child() -> None:
    assert placed(a_record("n")) == Placement()
    assert placed(a_record("n"), Group("empty", ())) == Placement()


def test_a_record_that_plainly_agrees_joins_and_says_why() -> None:
    found = placed(
        a_record("n"), Group("C", (a_record("r"),)), Group("D", (a_record("s", forename="Mo", surname="Ek"),))
    )
    assert found.joins == ("C",)
    assert [(each.child, each.mine, each.theirs) for each in found.because] == [("C", "n", "r")]
    assert found.because[0].probability > 0.99
    assert not found.asks


def test_a_stranger_is_a_new_child() -> None:
    other = a_record("n", forename="Bo", surname="Ek", date_of_birth="2011-01-20", postcode="ZZ1 1AA")
    assert placed(other, Group("C", (a_record("r"),))) == Placement()


def test_a_newcomer_that_is_plainly_both_shows_two_children_to_be_one() -> None:
    groups = [
        Group("C", (a_record("r", postcode=None, date_of_birth="2015-03-10", **NUMBERED),)),
        Group("D", (a_record("s", forename="Thea", surname="Quill", upn="A800000012001"),)),
    ]
    assert placed(a_record("n", upn="A800000012001", **NUMBERED), *groups).joins == ("C", "D")


def test_two_twins_that_both_may_be_it_are_asked_about() -> None:
    twins = [
        Group("C", (a_record("r", forename="Ann", nhs_number=NUMBER, nhs_number_status="01"),)),
        Group("D", (a_record("s", forename="Bea", nhs_number=OTHER, nhs_number_status="01"),)),
    ]
    assert placed(a_record("n", forename="Ann"), *twins).joins == ("C",)
    nameless = placed(a_record("n", forename=None), *twins)
    assert nameless.joins == ()
    torn = placed(a_record("n", forename="Bea", nhs_number=NUMBER, nhs_number_status="02"), *twins)
    assert torn.joins == ()


def test_a_number_written_into_the_other_twins_record_does_not_bring_that_in() -> None:
    groups = [
        Group("C", (a_record("r", forename="Beatrix", middle_names="Ida", upn="A800000012001"),)),
        Group("D", (a_record("s", source="b", forename="Ann", nhs_number=NUMBER, nhs_number_status="02"),)),
    ]
    newcomer = a_record("n", source="c", forename="Beatrix", middle_names="Ida", upn="A800000012001", nhs_number=NUMBER)
    assert placed(newcomer, *groups).joins == ("C",)


# --- what people have said --------------------------------------------------------------------------------------------


def test_what_a_person_said_outranks_the_evidence() -> None:
    alike, unlike = (
        Group("C", (a_record("r"),)),
        Group("D", (a_record("s", forename="Bo", date_of_birth="2011-01-20"),)),
    )
    assert placed(a_record("n"), alike, different=[("n", "r")]).joins == ()
    assert not placed(a_record("n"), alike, different=[("n", "r")]).asks
    assert placed(a_record("n"), unlike, same=[("n", "s")]).joins == ("D",)


def test_a_record_that_must_not_join_one_record_joins_none_of_its_child() -> None:
    group = Group("C", (a_record("r"), a_record("s"), a_record("t")))
    assert placed(a_record("n"), group, different=[("n", "s")]).joins == ()


def test_a_protected_pair_is_never_joined_and_named_nowhere() -> None:
    found = placed(a_record("n"), Group("C", (a_record("r"),)), protected=[("n", "r")])
    assert found == Placement()
    beside = placed(a_record("n"), Group("C", (a_record("r"), a_record("s"))), protected=[("n", "r")])
    assert not names(beside)
    assert [(each.child, each.theirs, each.ground) for each in beside.restricted] == [("C", "s", BESIDE)]


def test_a_source_that_holds_a_child_once_is_taken_at_its_word() -> None:
    group = Group("C", (a_record("r"),))
    assert placed(a_record("n"), group, matcher=the_matcher("a")).joins == ()
    assert placed(a_record("n", source="b"), group, matcher=the_matcher("a")).joins == ("C",)


# --- adoption ---------------------------------------------------------------------------------------------------------


def test_a_sealed_child_that_matches_is_for_its_keeper_alone() -> None:
    found = placed(a_record("n"), Group("C", (a_record("r"),), sealed=True))
    assert not names(found)
    assert [(each.child, each.ground) for each in found.restricted] == [("C", SEALED)]


def test_beside_a_sealed_child_that_fits_as_well_nothing_is_joined() -> None:
    found = placed(a_record("n"), Group("C", (a_record("r"),), sealed=True), Group("D", (a_record("s"),)))
    assert not names(found)
    assert {each.child for each in found.restricted} == {"C", "D"}


def test_a_sealed_child_that_does_not_match_is_not_mentioned() -> None:
    stranger = Group("D", (a_record("s", forename="Bo", surname="Ek", date_of_birth="2011-01-20"),), sealed=True)
    found = placed(a_record("n"), Group("C", (a_record("r"),)), stranger)
    assert (found.joins, found.restricted) == (("C",), ())


def test_two_valid_identities_that_look_like_one_child_are_for_their_keeper_alone() -> None:
    old = Group("C", (a_record("r", **NUMBERED), a_record("s", **NUMBERED)))
    found = placed(a_record("n", surname="Abernathy", nhs_number=OTHER, nhs_number_status="01"), old)
    assert not names(found)
    assert [(each.child, each.ground) for each in found.restricted] == [("C", RESTRICTED)]


def test_a_record_beside_two_protected_identities_is_not_asked_about_in_the_open() -> None:
    groups = [
        Group("C", (a_record("r", **NUMBERED),)),
        Group("D", (a_record("s", surname="Abernathy", nhs_number=OTHER, nhs_number_status="01"),)),
    ]
    found = placed(a_record("n", surname="Quillfeather-Abernathy"), *groups)
    assert not names(found)
    assert {each.child for each in found.restricted} == {"C", "D"}


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "joins"), [("01", ("C",)), ("02", ()), (None, ())])
def test_a_number_that_nobody_verified_never_links_on_its_own(status: str | None, joins: tuple[str, ...]) -> None:
    bare = a_record("n", forename=None, surname=None, date_of_birth=None, nhs_number=NUMBER, nhs_number_status=status)
    found = placed(bare, Group("C", (a_record("r", **NUMBERED),)))
    assert found.joins == joins
    if not joins:
        assert [each.ground for each in found.asks] == [NUMBER_ALONE]


def test_an_unverified_number_beside_a_name_links() -> None:
    found = placed(
        a_record("n", nhs_number=NUMBER, nhs_number_status="02", date_of_birth=None),
        Group("C", (a_record("r", **NUMBERED),)),
    )
    assert found.joins == ("C",)


def test_numbers_that_contradict_each_other_are_asked_about_though_the_child_is_joined() -> None:
    group = Group("C", (a_record("r", upn="A800000012001"), a_record("s", nhs_number=NUMBER, upn="A800000012001")))
    found = placed(a_record("n", nhs_number=FAR, upn="A800000012001"), group)
    assert found.joins == ("C",)
    assert [(each.child, each.ground) for each in found.asks] == [("C", WORDS[Ground.CONTRADICTION])]


def test_two_verified_numbers_are_two_children() -> None:
    found = placed(a_record("n", nhs_number=OTHER, nhs_number_status="01"), Group("C", (a_record("r", **NUMBERED),)))
    assert (found.joins, found.asks) == ((), ())


# --- a record whose values changed ------------------------------------------------------------------------------------


def changed(member: Member, *groups: Group) -> tuple[bool, Placement]:
    return fits(the_matcher(), Expectations(), member, groups, said(), lines_of(the_matcher().model))


def test_a_record_that_changed_little_stays() -> None:
    stays, found = changed(a_record("n", postcode="ZZ1 1AA"), Group("C", (a_record("r"),), own=True))
    assert stays
    assert found.joins == ("C",)


def test_a_record_that_changed_everything_but_its_id_is_asked_about() -> None:
    everything = a_record("n", forename="Bo", surname="Ek", date_of_birth="2011-01-20", postcode="ZZ1 1AA")
    stays, found = changed(everything, Group("C", (a_record("r"),), own=True))
    assert not stays
    assert found.joins == ()


def test_a_child_keeps_a_record_that_it_would_not_gain() -> None:
    vague = a_record("n", forename="T", surname="Quillfeather", postcode=None)
    group = Group("C", (a_record("r"),))
    assert placed(vague, group).joins == ()
    assert changed(vague, Group("C", group.members, own=True))[0]


def test_the_only_record_of_a_child_stays_and_may_show_it_to_be_another() -> None:
    stays, found = changed(a_record("n"), Group("C", (), own=True), Group("D", (a_record("r"),)))
    assert stays
    assert found.joins == ("D",)


# --- a record put into the wrong child too soon -----------------------------------------------------------------------


def test_a_record_goes_with_the_newcomer_whose_it_plainly_is() -> None:
    wrong = a_record("s", forename="Beatrix", surname="Quillfeather", upn="A800000012001")
    group = Group("C", (a_record("r", forename="Ann", **NUMBERED), wrong))
    newcomer = a_record("n", forename="Beatrix", nhs_number=OTHER, nhs_number_status="01", upn="A800000012001")
    found = placed(newcomer, group)
    assert found.joins == ()
    assert [(each.child, each.theirs) for each in found.leaves] == [("C", "s")]
    assert not placed(newcomer, Group("C", group.members, sealed=True)).leaves
