"""The plan asks little, takes only what is sure, and leaves twins, contradictions and adoptions to people."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.tracing.bucket import OwnBucket
from samechild.tracing.pds import Pds, trace_one
from samechild.tracing.pds_access import Access
from samechild.tracing.records import (
    Answer,
    Answered,
    NumberStatus,
    Obtained,
    Person,
    Query,
    Subject,
    Traced,
    TraceOutcome,
    told,
)
from samechild.tracing.search_plan import MOST_QUERIES, plan, swapped_date
from samechild.tracing.stub.register import Address, Name, Register, Registered
from samechild.tracing.stub.serve import Direct
from samechild.tracing.stub.service import Fault, Service

TODAY = date(2025, 9, 1)
BORN = date(2015, 3, 4)
A, B, C, D = "9990000018", "9990000026", "9990000034", "9990000042"
MIRA = Registered(
    number=A,
    names=(Name("Ashdown", ("Mira", "Josephine")),),
    born=BORN,
    sex="female",
    addresses=(Address("JA1 1AA"), Address("JA9 9ZZ", use="old")),
)
KNOWN = Subject(given=("Mira",), family="Ashdown", birth_date=BORN, sex="F", postcode="JA1 1AA")
change = msgspec.structs.replace


class Asked:
    """The questions of one trace and what came of it."""

    def __init__(
        self,
        subject: Subject,
        people: Sequence[Registered],
        *,
        superseded: dict[str, str] | None = None,
        withdrawn: Sequence[str] = (),
        faults: Sequence[Fault] = (),
    ) -> None:
        chance = random.Random(3)
        clock = lambda: datetime(2025, 9, 1, tzinfo=UTC)  # noqa: E731
        service = Service(Register(people, superseded, withdrawn), clock, chance.randbytes, limit=0)
        service.misbehave(*faults)
        access = Access(address="http://127.0.0.1/personal-demographics/FHIR/R4")
        client = Pds(access, OwnBucket(1e9), clock, lambda seconds: None, chance.randbytes, transport=Direct(service))
        self.steps: list[Query] = []
        ask = client.ask

        def noted(query: Query, correlation: str = "") -> Answer:
            self.steps.append(query)
            return ask(query, correlation)

        client.ask = noted  # type: ignore[method-assign]
        self.traced: Traced = trace_one(client, subject, TODAY)

    @property
    def outcome(self) -> TraceOutcome:
        return self.traced.outcome


def test_a_child_as_known_takes_one_question_and_one_person() -> None:
    asked = Asked(KNOWN, [MIRA])
    assert (asked.outcome, asked.traced.number) == (TraceOutcome.MATCHED, A)
    assert (asked.traced.queries, asked.traced.people) == (1, 1)
    assert asked.traced.status is NumberStatus.VERIFIED
    assert asked.traced.obtained is Obtained.TRACED


def test_a_restricted_child_is_found_although_an_address_is_known() -> None:
    asked = Asked(KNOWN, [change(MIRA, restricted=True)])
    assert (asked.outcome, asked.traced.number) == (TraceOutcome.RESTRICTED, A)
    assert not any(query.postcode for query in asked.steps)


def test_who_asks_is_told_of_a_restricted_child_as_of_none() -> None:
    restricted, nobody = Asked(KNOWN, [change(MIRA, restricted=True)]).traced, Asked(KNOWN, []).traced
    doubtful = Asked(change(KNOWN, given=("Baby",), sex=""), [change(MIRA, restricted=True)]).traced
    assert told(restricted) == told(nobody) == told(doubtful)
    assert told(restricted, may_know_restricted=True).number == A


def test_the_number_given_is_checked_first_and_discloses_one_person() -> None:
    asked = Asked(change(KNOWN, claimed=A), [MIRA])
    assert [query.step for query in asked.steps] == ["by-number"]
    assert (asked.outcome, asked.traced.number, asked.traced.people) == (TraceOutcome.MATCHED, A, 1)
    assert asked.traced.obtained is Obtained.CHECKED


def test_a_superseded_number_leads_to_the_one_that_replaced_it() -> None:
    asked = Asked(change(KNOWN, claimed=B), [MIRA], superseded={B: A})
    assert (asked.outcome, asked.traced.number, asked.traced.previous) == (TraceOutcome.SUPERSEDED, A, B)


def test_a_withdrawn_number_ends_the_trace_lest_an_adoption_is_undone() -> None:
    asked = Asked(change(KNOWN, claimed=B), [MIRA], withdrawn=[B])
    assert (asked.outcome, asked.traced.number, asked.traced.previous) == (TraceOutcome.INVALIDATED, "", B)
    assert len(asked.steps) == 1


def test_a_number_that_nobody_has_is_set_aside() -> None:
    asked = Asked(change(KNOWN, claimed=D), [MIRA])
    assert (asked.outcome, asked.traced.number) == (TraceOutcome.MATCHED, A)
    assert "number-given-unknown" in asked.traced.reasons


@pytest.mark.parametrize("claimed", ["0000000000", "9999999999", "9990000010", "12345", "not known"])
def test_what_is_no_number_is_never_asked_about(claimed: str) -> None:
    asked = Asked(change(KNOWN, claimed=claimed), [MIRA])
    assert (asked.outcome, asked.steps[0].number) == (TraceOutcome.MATCHED, "")
    assert "number-given-malformed" in asked.traced.reasons


def test_the_other_twins_number_is_noticed() -> None:
    twin = change(MIRA, number=B, names=(Name("Ashdown", ("Lena",)),))
    asked = Asked(change(KNOWN, claimed=B), [MIRA, twin])
    assert asked.outcome is TraceOutcome.CONTRADICTION
    assert not asked.traced.accepted
    assert "forename" in asked.traced.differences


def test_the_number_of_a_twin_of_like_name_is_noticed() -> None:
    twin = change(MIRA, number=B, names=(Name("Ashdown", ("Mina",)),))
    asked = Asked(change(KNOWN, claimed=B), [MIRA, twin])
    assert (asked.outcome, asked.traced.queries) == (TraceOutcome.CONTRADICTION, 2)


def test_a_changed_family_name_is_no_obstacle_to_a_number_but_another_birth_date_is() -> None:
    renamed = change(MIRA, names=(Name("Zuber", ("Mira",)),))
    assert Asked(change(KNOWN, claimed=A), [renamed]).outcome is TraceOutcome.MATCHED
    older = change(MIRA, born=date(2013, 7, 9))
    assert Asked(change(KNOWN, claimed=A), [older]).outcome is TraceOutcome.CONTRADICTION


FOUND = {
    "a family name known earlier": (
        change(KNOWN, family="Oldham"),
        (Name("Ashdown", ("Mira",)), Name("Oldham", ("Mira",), "old")),
    ),
    "a family name not changed there yet": (change(KNOWN, former_families=("Oldham",)), (Name("Oldham", ("Mira",)),)),
    "a slip of the keyboard": (change(KNOWN, family="Ashdwon"), MIRA.names),
    "a name that sounds alike": (change(KNOWN, given=("Myra",)), MIRA.names),
    "names exchanged": (change(KNOWN, given=("Ashdown",), family="Mira"), MIRA.names),
    "a short form": (change(KNOWN, given=("Jo",)), (Name("Ashdown", ("Josephine",)),)),
    "the middle name first": (change(KNOWN, given=("Josephine", "Mira")), MIRA.names),
    "the name the child is called by": (change(KNOWN, given=("Bee",), also_called=("Mira",)), MIRA.names),
    "one part of a double name": (change(KNOWN, family="Marsh-Ashdown"), MIRA.names),
    "a bracket": (change(KNOWN, family="Ashdown (Oldham)"), MIRA.names),
    "a double name there": (KNOWN, (Name("Ashdown-Marsh", ("Mira",)),)),
}


@pytest.mark.parametrize("case", sorted(FOUND))
def test_one_relaxation_finds_the_child(case: str) -> None:
    subject, names = FOUND[case]
    asked = Asked(subject, [change(MIRA, names=names)])
    assert (asked.outcome, asked.traced.number) == (TraceOutcome.MATCHED, A), asked.traced
    assert asked.traced.queries <= MOST_QUERIES


def test_day_and_month_exchanged_are_accepted_where_the_address_agrees() -> None:
    swapped = change(KNOWN, birth_date=date(2015, 4, 3))
    assert Asked(swapped, [MIRA]).outcome is TraceOutcome.MATCHED
    assert Asked(swapped, [MIRA]).traced.differences == ("date_of_birth",)
    assert Asked(change(swapped, postcode=""), [MIRA]).outcome is TraceOutcome.CONTRADICTION


def test_an_earlier_address_confirms_what_is_written_otherwise() -> None:
    asked = Asked(change(KNOWN, family="Ashdwon", postcode="JA9 9ZZ"), [MIRA])
    assert (asked.outcome, asked.steps[-1].step) == (TraceOutcome.MATCHED, "ever-at-the-address")


def test_a_family_name_misspelt_without_an_address_is_taken_only_when_nobody_else_has_the_name() -> None:
    misspelt = change(KNOWN, family="Ashdwon", postcode="")
    assert Asked(misspelt, [MIRA]).traced.reasons == ("family-name-differs", "only-one-of-the-name")
    assert Asked(misspelt, [change(MIRA, restricted=True)]).outcome is TraceOutcome.RESTRICTED
    namesake = change(MIRA, number=B, born=date(2015, 6, 1))
    assert Asked(misspelt, [MIRA, namesake]).outcome is TraceOutcome.CONTRADICTION


def test_twins_of_one_sound_are_not_taken_for_each_other_when_only_one_is_registered() -> None:
    carmen = change(MIRA, names=(Name("Ashdown", ("Carmen", "Celeste")),), birth_order=1)
    for subject in (change(KNOWN, given=("Karmen", "Carla")), change(KNOWN, given=("Karmen",))):
        assert Asked(subject, [carmen]).outcome is TraceOutcome.CONTRADICTION


def test_a_child_who_moved_is_taken_only_when_nobody_else_has_the_name() -> None:
    moved = change(KNOWN, postcode="JB5 5BB")
    assert Asked(moved, [MIRA]).traced.reasons == ("only-one-of-the-name",)
    namesake = change(MIRA, number=B, born=date(2015, 6, 1))
    asked = Asked(moved, [MIRA, namesake])
    assert (asked.outcome, asked.traced.reasons) == (TraceOutcome.CONTRADICTION, ("common-name",))


def test_of_two_of_one_name_and_date_the_address_decides() -> None:
    namesake = change(MIRA, number=B, addresses=(Address("JB5 5BB"),))
    asked = Asked(KNOWN, [MIRA, namesake])
    assert (asked.outcome, asked.traced.number, asked.traced.queries) == (TraceOutcome.MATCHED, A, 2)
    assert Asked(change(KNOWN, postcode=""), [MIRA, namesake]).outcome is TraceOutcome.SEVERAL


TWIN = change(MIRA, number=B, names=(Name("Ashdown", ("Lena", "Rose")),))


@pytest.mark.parametrize(
    "subject",
    [
        change(KNOWN, given=("Baby",)),
        change(KNOWN, given=("Twin 1",)),
        change(KNOWN, given=("Female infant",), sex=""),
        change(KNOWN, given=()),
        change(KNOWN, given=("Tara",)),
        change(KNOWN, given=("Lena", "Josephine"), sex="M"),
        change(KNOWN, given=("Lenaa",), one_of_several=True, postcode=""),
    ],
    ids=lambda subject: " ".join(subject.given) or "none",
)
@pytest.mark.parametrize("there", [(MIRA, TWIN), (MIRA,), (TWIN,)], ids=["both", "one", "other"])
def test_a_twin_is_never_taken_for_the_other(subject: Subject, there: tuple[Registered, ...]) -> None:
    traced = Asked(subject, there).traced
    assert not traced.accepted, traced


def test_a_look_alike_name_is_a_twin_until_the_other_twin_is_seen() -> None:
    subject = change(KNOWN, given=("Mirra",), one_of_several=True)
    assert Asked(subject, [MIRA]).outcome is TraceOutcome.CONTRADICTION
    assert Asked(subject, [MIRA, TWIN]).traced.number == A


def test_the_old_identity_of_an_adopted_child_does_not_find_the_new_one() -> None:
    """Same first name, birth date and sex, and the adopters' address on the old record, as social care may hold it."""
    new = change(MIRA, names=(Name("Penhaligon", ("Mira",)),))
    for subject in (KNOWN, change(KNOWN, claimed=B), change(KNOWN, given=("Mira", "Josephine"))):
        asked = Asked(subject, [new], withdrawn=[B])
        assert asked.outcome in (TraceOutcome.NONE, TraceOutcome.INVALIDATED)
        assert asked.traced.person is None
        assert asked.traced.people == 0


@pytest.mark.parametrize(
    "subject",
    [
        change(KNOWN, family=""),
        change(KNOWN, family="Unknown"),
        change(KNOWN, birth_date=None),
        change(KNOWN, birth_date=date(2030, 1, 1)),
        change(KNOWN, given=("Baby",), postcode="ZZ99 3VZ"),
    ],
)
def test_with_too_little_nothing_is_asked(subject: Subject) -> None:
    asked = Asked(subject, [MIRA])
    assert (asked.outcome, asked.steps) == (TraceOutcome.NOT_ENOUGH, [])


@pytest.mark.parametrize("born", ["2015", "2015-03", ""])
def test_a_person_of_whom_the_service_holds_little_is_a_question(born: str) -> None:
    """A plain program sends the answers: no stand-in holds half a date."""
    person = Person(number=A, families=("Ashdown",), givens=(("Mira",),), birth_date=born, postcodes=("JB5 5BB",))
    steps = plan(KNOWN, TODAY)
    next(steps)
    with pytest.raises(StopIteration) as ended:
        steps.send(Answer(kind=Answered.PEOPLE, people=(person,)))
    traced: Traced = ended.value.value
    assert (traced.outcome, traced.accepted) == (TraceOutcome.CONTRADICTION, False)


def test_a_baby_too_young_to_be_there_is_said_to_be() -> None:
    asked = Asked(change(KNOWN, birth_date=date(2025, 8, 20)), [])
    assert (asked.outcome, asked.traced.reasons) == (TraceOutcome.NONE, ("under-six-weeks",))


@pytest.mark.parametrize(
    "fault", [Fault.DOWN, Fault.BUSY, Fault.DROPPED, Fault.CUT, Fault.PAGE, Fault.NUMBER, Fault.KIND]
)
@pytest.mark.parametrize("claimed", ["", A])
def test_a_service_that_fails_or_lies_is_unavailable(fault: Fault, claimed: str) -> None:
    asked = Asked(change(KNOWN, claimed=claimed), [MIRA], faults=[fault] * 8)
    assert (asked.outcome, asked.traced.status) == (TraceOutcome.UNAVAILABLE, None)
    assert not asked.traced.number


def test_a_service_that_tells_of_another_person_is_not_believed() -> None:
    other = change(MIRA, number=B, names=(Name("Quince", ("Otto",)),), sex="male", addresses=())
    for claimed in ("", A):
        asked = Asked(change(KNOWN, claimed=claimed), [MIRA, other], faults=[Fault.ANOTHER] * 12)
        assert not asked.traced.accepted


# --- properties -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["", "Mira", "Mina", "Lena", "Baby", "Jo", "Ashdown", "Al", "O'Shea", "St. John", "Ashdown-Marsh", "¿", "*"]
)
SUBJECTS = st.builds(
    Subject,
    given=st.lists(NAMES, max_size=3).map(tuple),
    also_called=st.lists(NAMES, max_size=2).map(tuple),
    family=NAMES,
    former_families=st.lists(NAMES, max_size=2).map(tuple),
    birth_date=st.none() | st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    sex=st.sampled_from(["M", "F", ""]),
    postcode=st.sampled_from(["JA1 1AA", "ZZ99 3VZ", "", "nonsense"]),
    earlier_postcodes=st.lists(st.sampled_from(["JA9 9ZZ", "?"]), max_size=2).map(tuple),
    claimed=st.sampled_from(["", A, "0000000000", "x"]),
    one_of_several=st.booleans(),
)
PEOPLE = st.builds(
    Person,
    number=st.sampled_from([A, B, C]),
    families=st.sampled_from([("Ashdown",), ("Ashdwon",), ("",), ()]),
    givens=st.sampled_from([(("Mira",),), (("Lena", "Mira"),), ((),)]),
    birth_date=st.sampled_from(["2015-03-04", "2015-04-03", "2015", ""]),
    sex=st.sampled_from(["M", "F", ""]),
    postcodes=st.sampled_from([("JA1 1AA",), ("JB5 5BB",), ()]),
    restricted=st.booleans(),
    plural=st.sampled_from([True, None]),
).filter(lambda person: len(person.families) == len(person.givens))
ANSWERS = st.builds(
    lambda kind, person: Answer(kind=kind, people=(person,) if kind is Answered.PEOPLE else ()),
    st.sampled_from(list(Answered)),
    PEOPLE,
)


@given(SUBJECTS, st.lists(ANSWERS, min_size=1, max_size=12))
def test_whatever_is_known_and_answered_the_plan_ends_within_bounds(subject: Subject, answers: list[Answer]) -> None:
    steps, asked = plan(subject, TODAY), []
    try:
        query = next(steps)
        while True:
            asked.append(query)
            query = steps.send(answers[len(asked) % len(answers)])
    except StopIteration as end:
        traced: Traced = end.value
    assert traced.queries == len(asked) <= MOST_QUERIES + 3
    assert bool(traced.number) >= traced.accepted
    for query in asked:
        assert query.most == 1
        if not query.number:
            assert query.family, "a family name is never left out"
            assert query.born is not None
            assert query.family.find("*") in (-1, len(query.family) - 1)
            assert len(query.family.rstrip("*")) >= 2 or "*" not in query.family
    if traced.accepted:
        shown = {one.number for one in [traced.person] if one is not None}
        assert shown == {traced.number}


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)))
def test_a_swapped_date_swaps_back(born: date) -> None:
    swapped = swapped_date(born)
    assert swapped is None or (swapped != born and swapped_date(swapped) == born)
