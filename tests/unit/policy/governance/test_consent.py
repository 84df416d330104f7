"""How recorded decisions stand: who may decide, what overtakes what, and who is told of a disagreement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consenting import ASKED, DAY, ELEMENTS, NOW, TOPIC, a_childs, a_parents, a_responsibility, an_assessment, nobodys
from samechild.policy.consent.standing import (
    Age,
    ConsentRecord,
    Decider,
    Response,
    State,
    Topic,
    disagreements,
    is_able,
    may_decide,
    standing,
    state_of,
)
from samechild.policy.records import Consent

R = Response


@dataclass
class Lifecycle:
    """One record, how it stands, and what a decision is told."""

    record: ConsentRecord
    state: State
    consent: Consent


@pytest.mark.parametrize(
    "case",
    [
        Lifecycle(a_parents(), State.GIVEN, Consent.GIVEN),
        Lifecycle(a_parents(response=R.REFUSED), State.REFUSED, Consent.REFUSED),
        Lifecycle(a_parents(response=R.WITHDRAWN), State.WITHDRAWN, Consent.WITHDRAWN),
        Lifecycle(a_parents(response=R.NOT_PROVIDED), State.NOT_PROVIDED, Consent.NOT_ASKED),
        Lifecycle(a_parents(valid_until=NOW), State.EXPIRED, Consent.EXPIRED),
        Lifecycle(a_parents(valid_until=NOW + DAY), State.GIVEN, Consent.GIVEN),
        Lifecycle(a_parents(decided_at=NOW + DAY), State.GIVEN, Consent.NOT_ASKED),
        Lifecycle(nobodys(), State.IMPLIED, Consent.IMPLIED),
        Lifecycle(nobodys(notice=""), State.IMPLIED, Consent.NOT_ASKED),
        Lifecycle(nobodys(response=R.NOT_ASKED, notice=""), State.NOT_ASKED, Consent.REASON_RECORDED),
        Lifecycle(a_childs(), State.GIVEN, Consent.GIVEN),
        Lifecycle(a_childs(response=R.REFUSED), State.REFUSED, Consent.REFUSED),
    ],
)
def test_lifecycle(case: Lifecycle) -> None:
    assert state_of(case.record, [case.record], NOW) is case.state
    assert standing([case.record], ASKED, NOW) is case.consent


def test_nothing_recorded_is_not_asked() -> None:
    assert standing([], ASKED, NOW) is Consent.NOT_ASKED


@pytest.mark.parametrize("element", ELEMENTS)
def test_all_five_elements_must_hold(element: str) -> None:
    unable = a_childs(competence=an_assessment(**{element: False}))
    assert not is_able(unable)
    assert standing([unable], ASKED, NOW) is Consent.NOT_ASKED


def test_competence_belongs_to_one_decision_and_has_no_lower_age() -> None:
    assert is_able(a_childs(age=Age.UNDER_16))
    assert is_able(a_childs(age=Age.UNKNOWN))
    assert not is_able(a_childs(topic=Topic("early-help", TOPIC.record_types, TOPIC.recipients)))
    assert not is_able(a_childs(competence=an_assessment(assessed_at=NOW)))
    assert not is_able(a_childs(competence=None))


def test_a_young_person_of_sixteen_is_presumed_able_until_assessed_otherwise() -> None:
    assert is_able(a_childs(age=Age.SIXTEEN, competence=None))
    assert is_able(a_childs(age=Age.ADULT, competence=None))
    assert not is_able(a_childs(age=Age.SIXTEEN, competence=an_assessment(decides_freely=False)))


@pytest.mark.parametrize(
    "record",
    [
        a_parents(responsibility=None),
        a_parents(age=Age.ADULT),
        a_parents(responsibility=a_responsibility(since=date(2026, 11, 1))),
        a_parents(responsibility=a_responsibility(until=date(2026, 11, 2))),
    ],
)
def test_parental_responsibility_must_hold_then_and_now(record: ConsentRecord) -> None:
    assert not may_decide(record, NOW)
    assert standing([record], ASKED, NOW) is Consent.NOT_ASKED


def test_an_able_childs_decision_stands_over_a_parents_either_way() -> None:
    assert standing([a_parents(), a_childs(response=R.REFUSED)], ASKED, NOW) is Consent.REFUSED
    assert standing([a_parents(response=R.REFUSED), a_childs()], ASKED, NOW) is Consent.GIVEN


def test_one_parents_refusal_stands_over_the_others_consent() -> None:
    father = a_parents(id="p2", person="father", response=R.REFUSED)
    assert standing([a_parents(), father], ASKED, NOW) is Consent.REFUSED
    assert standing([father, nobodys()], ASKED, NOW) is Consent.REFUSED


def test_explicit_comes_before_implied_and_implied_before_a_reason() -> None:
    reason = nobodys(id="n0", response=R.NOT_ASKED, decided_at=NOW - 3 * DAY)
    assert standing([reason, nobodys(), a_parents()], ASKED, NOW) is Consent.GIVEN
    assert standing([reason, nobodys()], ASKED, NOW) is Consent.IMPLIED


def test_consent_must_hold_all_that_is_asked_and_refusal_of_any_part_is_enough() -> None:
    wide = Topic("safeguarding", ("social-care.episode", "education.setting"), ("school",))
    assert standing([a_parents()], wide, NOW) is Consent.NOT_ASKED
    assert standing([a_parents(response=R.REFUSED)], wide, NOW) is Consent.REFUSED
    assert standing([a_parents()], replace(ASKED, recipients=("trust",)), NOW) is Consent.NOT_ASKED
    assert standing([a_parents()], replace(ASKED, purpose="early-help"), NOW) is Consent.NOT_ASKED
    everything = a_parents(response=R.REFUSED, topic=Topic("safeguarding"))
    assert standing([everything], ASKED, NOW) is Consent.REFUSED
    other = a_parents(response=R.REFUSED, topic=Topic("safeguarding", ("education.setting",)))
    assert standing([other], ASKED, NOW) is Consent.NOT_ASKED


def test_the_later_decision_of_the_same_person_counts() -> None:
    earlier = a_parents(id="p0", decided_at=NOW - 9 * DAY)
    refused = a_parents(response=R.REFUSED)
    assert state_of(earlier, [earlier, refused], NOW) is State.SUPERSEDED
    assert standing([earlier, refused], ASKED, NOW) is Consent.REFUSED
    again = a_parents(id="p9", decided_at=NOW - DAY)
    assert standing([earlier, refused, again], ASKED, NOW) is Consent.GIVEN


def test_of_two_decisions_at_the_same_moment_the_refusal_counts() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        both = [a_parents(id=first), a_parents(id=second, response=R.REFUSED)]
        assert standing(both, ASKED, NOW) is Consent.REFUSED


def test_a_wide_refusal_is_lifted_only_for_what_is_consented_to_later() -> None:
    refused = a_parents(response=R.REFUSED, topic=Topic("safeguarding"))
    given_later = a_parents(id="p9", decided_at=NOW - DAY)
    assert standing([refused, given_later], ASKED, NOW) is Consent.GIVEN
    assert standing([refused, given_later], replace(ASKED, recipients=("trust",)), NOW) is Consent.REFUSED


def test_withdrawal_stops_sharing_at_once_and_ends_what_it_names() -> None:
    given_ = a_parents()
    withdrawn = a_parents(id="p9", response=R.WITHDRAWN, succeeds="p1", decided_at=NOW)
    assert standing([given_, withdrawn], ASKED, NOW) is Consent.WITHDRAWN
    assert state_of(given_, [given_, withdrawn], NOW) is State.SUPERSEDED
    assert standing([given_, withdrawn], ASKED, NOW - DAY) is Consent.GIVEN


def test_anybody_who_decides_may_withdraw_what_was_only_implied() -> None:
    withdrawn = a_parents(id="p9", response=R.WITHDRAWN, succeeds="n1", decided_at=NOW - DAY)
    assert state_of(nobodys(), [nobodys(), withdrawn], NOW) is State.SUPERSEDED
    unable = a_childs(id="c9", response=R.WITHDRAWN, succeeds="n1", competence=None, decided_at=NOW - DAY)
    assert standing([nobodys(), unable], ASKED, NOW) is Consent.NOT_ASKED


def test_nobody_withdraws_somebody_elses_decision() -> None:
    refused = a_childs(response=R.REFUSED)
    parents = a_parents(id="p9", response=R.WITHDRAWN, succeeds="c1", decided_at=NOW - DAY)
    assert state_of(refused, [refused, parents], NOW) is State.REFUSED
    assert standing([refused, parents, a_parents(id="q", decided_at=NOW)], ASKED, NOW) is Consent.REFUSED


def test_consent_of_a_child_no_longer_able_does_not_lift_their_refusal() -> None:
    refused = a_childs(response=R.REFUSED)
    unable = a_childs(id="c9", competence=None, decided_at=NOW - DAY)
    assert standing([refused, unable, a_parents()], ASKED, NOW) is Consent.REFUSED


def test_a_refusal_of_a_child_not_found_able_ends_their_own_earlier_consent() -> None:
    unable = a_childs(id="c9", response=R.REFUSED, competence=None, decided_at=NOW - DAY)
    assert standing([a_childs(), unable], ASKED, NOW) is Consent.NOT_ASKED


def test_what_was_made_void_never_counted_and_what_it_replaced_stands_again() -> None:
    refused = a_parents(id="p0", response=R.REFUSED, decided_at=NOW - 9 * DAY)
    wrong = a_parents()
    void = a_parents(id="v", response=R.INVALIDATED, succeeds="p1", reason="another child's form", decided_at=NOW)
    assert state_of(wrong, [refused, wrong, void], NOW) is State.INVALIDATED
    assert standing([wrong, void], ASKED, NOW) is Consent.INVALIDATED
    assert standing([refused, wrong, void], ASKED, NOW) is Consent.REFUSED


def test_disagreements_go_to_a_person() -> None:
    child, mother = a_childs(response=R.REFUSED), a_parents()
    father = a_parents(id="p2", person="father", response=R.REFUSED)
    assert [(d.stands, d.against) for d in disagreements([child, mother], ASKED, NOW)] == [("c1", "p1")]
    assert [(d.stands, d.against) for d in disagreements([mother, father], ASKED, NOW)] == [("p2", "p1")]
    wish = a_childs(response=R.REFUSED, competence=None)
    assert [(d.stands, d.against) for d in disagreements([wish, mother], ASKED, NOW)] == [("p1", "c1")]
    assert disagreements([a_childs(), mother], ASKED, NOW) == []
    assert disagreements([a_childs(competence=None), mother], ASKED, NOW) == []
    assert disagreements([wish, a_childs(id="c2", age=Age.SIXTEEN, competence=None)], ASKED, NOW) == []


RECORDS = st.lists(
    st.builds(
        lambda number, made, response, days, ends, competent: replace(
            made,
            id=f"x{number}",
            response=response,
            decided_at=NOW - days * DAY,
            valid_until=None if ends is None else NOW + ends * DAY,
            competence=an_assessment(assessed_at=NOW - 99 * DAY, decides_freely=competent),
        ),
        st.integers(0, 10_000),
        st.sampled_from([a_childs(), a_parents(), a_parents(person="father"), nobodys()]),
        st.sampled_from([R.GIVEN, R.REFUSED, R.WITHDRAWN, R.NOT_PROVIDED, R.IMPLIED, R.NOT_ASKED]),
        st.integers(-3, 30),
        st.one_of(st.none(), st.integers(-5, 5)),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda record: record.id,
)


@given(RECORDS, st.randoms())
def test_the_order_of_rows_changes_nothing(records: list[ConsentRecord], random: object) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert standing(records, ASKED, NOW) is standing(shuffled, ASKED, NOW)


@given(RECORDS)
def test_a_new_refusal_of_an_able_child_always_stops(records: list[ConsentRecord]) -> None:
    refused = a_childs(id="zz", response=R.REFUSED, decided_at=NOW, competence=an_assessment())
    assert standing([*records, refused], ASKED, NOW) in (Consent.REFUSED, Consent.WITHDRAWN)


@given(RECORDS)
def test_consent_stands_only_on_a_record_of_somebody_who_may_give_it(records: list[ConsentRecord]) -> None:
    if standing(records, ASKED, NOW) is Consent.GIVEN:
        assert any(
            record.response is R.GIVEN
            and record.decider is not Decider.NOBODY
            and record.decided_at <= NOW
            and (record.valid_until is None or record.valid_until > NOW)
            and may_decide(record, NOW)
            for record in records
        )
