"""Letters about who looked: no name of a place or of a sensitive service, and no count that betrays one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consenting import a_flag, a_responsibility
from samechild.policy.consent.overrides import EVERYONE
from samechild.policy.governance.letters import (
    GENERIC,
    NATIONAL,
    PART,
    TELLING,
    US,
    WIDE,
    YOUNG_PURPOSES,
    Checks,
    Look,
    Reader,
    Rules,
    Service,
    letter,
    lines_of,
    may_name,
    why_not_release,
)
from samechild.policy.people.organisations import kinds
from samechild.policy.purposes import purposes
from samechild.records.disclosure import Mode
from samechild.records.types import record_types

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
SERVICES = {
    each.organisation: each
    for each in (
        Service("council", "local-authority", "Exampleshire Council"),
        Service("other", "local-authority", "Farborough Council"),
        Service("police", "police-force", "Exampleshire Police"),
        Service("dfe", "department-for-education", "Department for Education"),
        Service("school", "maintained-school", "Brook Street School"),
        Service("refuge", "voluntary-organisation", "Harbour Refuge"),
        Service("clinic", "nhs-trust", "Northside Mental Health Trust"),
        Service("home", "childrens-home", "Oak View"),
        Service("board", "integrated-care-board", "Exampleshire Substance Care Board"),
    )
}


def checks(**given: Any) -> Checks:
    """A mother whose passport and birth certificate were seen."""
    usual = {
        "reader": Reader.FAMILY,
        "person": "mother",
        "identity": "passport seen",
        "checked_by": "officer",
        "responsibility": a_responsibility(),
    }
    return Checks(**{**usual, **given})


def rules(**given: Any) -> Rules:
    """The council writes about a child who was never hidden."""
    return Rules(**{"ours": "council", "shielded": False, "checks": checks(), **given})


def a_look(**given: Any) -> Look:
    """The school was told something for safeguarding."""
    usual = {
        "entry": 1,
        "at": NOW,
        "user": "lead",
        "organisation": "school",
        "role": "safeguarding-lead",
        "purpose": "safeguarding",
        "record_type": "social-care.episode",
        "mode": Mode.CONTENT.value,
        "allowed": True,
        "disclosed": True,
    }
    return Look(**{**usual, **given})


def written(*looks: Look, **given: Any) -> str:
    """Both forms of a letter as one text."""
    made = letter(looks, SERVICES, rules(**given), today=date(2026, 11, 2), contact="01632 960000")
    return made.html + made.text


def test_what_a_letter_says() -> None:
    ours = a_look(organisation="council")
    lines = lines_of([ours, replace(ours, entry=2)], SERVICES, rules())
    assert [(line.when, line.who, line.times) for line in lines] == [("2 November 2026", US, "2 times")]
    text = letter([ours], SERVICES, rules(), today=date(2026, 11, 2)).text
    assert "We looked at referrals, assessments and child in need plans." in text
    assert "Safeguarding and promoting a child's welfare" in text
    assert "09:30" not in text
    assert "We found nothing that we can tell you." in written()


@pytest.mark.parametrize(
    ("who", "named"),
    [("dfe", True), ("other", False), ("police", False), ("school", False), ("refuge", False), ("clinic", False),
     ("home", False), ("board", False)],
)  # fmt: skip
def test_only_national_bodies_are_named_unasked(who: str, named: bool) -> None:
    assert may_name(SERVICES[who], rules()) is named


@pytest.mark.parametrize("who", sorted(SERVICES))
def test_what_the_reader_is_said_to_know_is_named_only_when_it_tells_an_area_at_most(who: str) -> None:
    known = rules(checks=checks(known=tuple(SERVICES)))
    assert may_name(SERVICES[who], known) is (who in ("council", "other", "police", "dfe"))
    hidden = rules(checks=checks(known=tuple(SERVICES)), shielded=True)
    assert may_name(SERVICES[who], hidden) is (who == "dfe")


def test_kinds_that_may_be_named_are_declared() -> None:
    assert set(kinds()) >= NATIONAL | WIDE


def test_hidden_services_are_one_and_the_same_with_a_month_and_no_number() -> None:
    looks = [
        a_look(organisation=who, at=NOW + day * timedelta(hours=12))
        for day, who in enumerate(("refuge", "home", "gone"))
    ]
    lines = lines_of(looks, SERVICES, rules())
    assert [(line.when, line.who, line.times) for line in lines] == [("November 2026", GENERIC, "")]


def test_a_hidden_childs_letter_has_months_and_no_telephone() -> None:
    made = letter(
        [a_look(organisation="dfe")], SERVICES, rules(shielded=True), today=date(2026, 11, 2), contact="01632"
    )
    text = made.html + made.text
    assert made.lines[0].when == "November 2026"
    assert "01632" not in text
    assert made.lines[0].what == PART


@pytest.mark.parametrize("kind", record_types().values(), ids=lambda kind: kind.name)
def test_what_could_tell_a_place_a_service_or_another_person_is_not_told(kind: Any) -> None:
    [line] = lines_of([a_look(record_type=kind.name)], SERVICES, rules())
    if kind.location or kind.sensitive or kind.criminal or kind.name == "personal.connected":
        assert line.what == PART
    else:
        assert line.what.lower() == kind.title.lower()


def test_unknown_words_of_an_old_entry_are_told_in_general() -> None:
    [line] = lines_of([a_look(record_type="gone", purpose="gone")], SERVICES, rules())
    assert (line.what, line.why) == (PART, "a purpose no longer used")
    young = rules(checks=checks(reader=Reader.YOUNG_PERSON, understands=True))
    [line] = lines_of([a_look(purpose="gone", mode=Mode.EXISTENCE.value)], SERVICES, young)
    assert (line.what, line.why) == ("your file", "for a reason the law allows")
    [line] = lines_of([a_look(mode=Mode.EXISTENCE.value)], SERVICES, rules())
    assert line.what == "whether there is a record"


def test_what_is_withheld_flagged_or_about_crime_is_left_out_unless_cleared() -> None:
    crime = a_look(purpose="crime-prevention", entry=5)
    assert lines_of([crime], SERVICES, rules()) == []
    assert len(lines_of([crime], SERVICES, rules(checks=checks(cleared=(5,))))) == 1
    assert lines_of([a_look(entry=6)], SERVICES, rules(checks=checks(withheld=(6,)))) == []
    assert lines_of([a_look()], SERVICES, rules(not_told=frozenset({"safeguarding"}))) == []


def test_a_refused_question_is_told_as_one() -> None:
    assert "was not allowed to see" in written(a_look(allowed=False))
    assert "We said no" in written(a_look(allowed=False), checks=checks(reader=Reader.YOUNG_PERSON, understands=True))


ORGANISATIONS = st.sampled_from([*SERVICES, "gone"])
HIDDEN = ("refuge", "clinic", "home", "school", "board", "gone")
LOOKS = st.lists(
    st.builds(
        a_look,
        entry=st.integers(0, 500),
        at=st.datetimes(datetime(2020, 1, 1), datetime(2026, 10, 31), timezones=st.just(UTC)),
        organisation=ORGANISATIONS,
        purpose=st.sampled_from(sorted(purposes())),
        record_type=st.sampled_from(sorted(record_types())),
        mode=st.sampled_from([mode.value for mode in Mode]),
        allowed=st.booleans(),
    ),
    max_size=12,
)
READERS = st.sampled_from([checks(known=tuple(SERVICES)), checks(),
                           checks(reader=Reader.YOUNG_PERSON, understands=True, known=tuple(SERVICES))])  # fmt: skip
NAMES = [SERVICES[who].name for who in HIDDEN if who in SERVICES]


@given(LOOKS, READERS, st.booleans())
def test_no_name_of_a_place_or_sensitive_service_ever_stands_in_a_letter(
    looks: list[Look], reader: Checks, shielded: bool
) -> None:
    text = written(*looks, checks=reader, shielded=shielded).lower()
    assert [name for name in NAMES if name.lower() in text] == []
    if shielded:
        assert not [who for who in ("council", "other", "police") if SERVICES[who].name.lower() in text]


@given(LOOKS, READERS, st.booleans(), st.data())
def test_a_letter_is_the_same_whichever_hidden_service_looked(
    looks: list[Look], reader: Checks, shielded: bool, data: st.DataObject
) -> None:
    swapped = [
        replace(look, organisation=data.draw(st.sampled_from(HIDDEN))) if look.organisation in HIDDEN else look
        for look in looks
    ]
    assert written(*looks, checks=reader, shielded=shielded) == written(*swapped, checks=reader, shielded=shielded)


@given(LOOKS, READERS, st.booleans(), st.integers(1, 4))
def test_a_letter_is_the_same_however_often_a_hidden_service_looked(
    looks: list[Look], reader: Checks, shielded: bool, more: int
) -> None:
    again = [look for look in looks if look.organisation in HIDDEN] * more
    assert written(*looks, checks=reader, shielded=shielded) == written(
        *looks, *again, checks=reader, shielded=shielded
    )


@given(LOOKS, READERS)
def test_a_letter_tells_no_time_of_day_and_no_person(looks: list[Look], reader: Checks) -> None:
    text = letter(looks, SERVICES, rules(checks=reader), today=date(2026, 11, 2)).text
    assert not re.search(r"\d\d:\d\d", text)
    assert "lead" not in text


@given(LOOKS, st.randoms())
def test_the_order_of_looks_changes_nothing(looks: list[Look], random: Any) -> None:
    shuffled = list(looks)
    random.shuffle(shuffled)
    assert lines_of(looks, SERVICES, rules()) == lines_of(shuffled, SERVICES, rules())


def test_names_are_text_and_never_markup() -> None:
    services = {"dfe": Service("dfe", "department-for-education", "<b>Department</b> & Co")}
    made = letter([a_look(organisation="dfe")], services, rules(), today=date(2026, 11, 2))
    assert "<b>" not in made.html
    assert "<b>Department</b> & Co" in made.text


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, ""),
        ({"identity": " "}, "identity"),
        ({"person": ""}, "identity"),
        ({"responsibility": None}, "parental responsibility"),
        ({"responsibility": a_responsibility(until=date(2026, 11, 2))}, "parental responsibility"),
        ({"reader": Reader.YOUNG_PERSON, "responsibility": None}, "understands"),
        ({"reader": Reader.YOUNG_PERSON, "responsibility": None, "understands": True}, ""),
        ({"person": "father"}, "do-not-tell"),
    ],
)
def test_what_is_checked_before_a_letter_is_released(given: dict[str, Any], word: str) -> None:
    why = why_not_release(checks(**given), [a_flag(since=NOW - DAY)], NOW)
    assert (word in why) if word else why == ""


def test_a_flag_for_everyone_stops_every_letter() -> None:
    assert why_not_release(checks(), [a_flag(person=EVERYONE, since=NOW - DAY)], NOW)


def reading_age(text: str) -> float:
    """The automated readability index (Senter and Smith, 1967) as an age in years."""
    words = re.findall(r"[A-Za-z']+", text)
    sentences = max(1, len(re.findall(r"[.?!:]", text)))
    return 4.71 * sum(map(len, words)) / len(words) + 0.5 * len(words) / sentences - 21.43 + 5


def test_a_young_persons_letter_reads_at_nine_to_eleven() -> None:
    looks = [
        a_look(purpose=name, entry=5, organisation=who) for name in YOUNG_PURPOSES for who in ("council", "school")
    ]
    young = rules(checks=checks(reader=Reader.YOUNG_PERSON, understands=True, cleared=(5,)))
    made = letter(looks, SERVICES, young, today=date(2026, 11, 2))
    assert reading_age(made.text) <= 11
    grown = letter(looks, SERVICES, rules(checks=checks(cleared=(5,))), today=date(2026, 11, 2))
    assert reading_age(grown.text) > reading_age(made.text)


def test_every_purpose_that_is_served_has_words_for_young_readers() -> None:
    assert {name for name, purpose in purposes().items() if not purpose.forbidden} == set(YOUNG_PURPOSES)


def test_words_that_tell_are_in_lower_case() -> None:
    assert [word for word in TELLING if word != word.lower()] == []
