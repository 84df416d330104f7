"""What the statute notes ask of the gate, row by row, each as a short story that a person can check against them.

The numbers are those of the notes' table of consent and legal basis as data (rows 1 to 18). Rows that are not decided
by the gate (who assesses competence, retention, access to one's own file) are not here.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from samechild.policy.decide import decide
from samechild.records.disclosure import Decision, Route
from spec.policy.situations import Situation, ask_of, facts_of
from spec.policy.test_truth_table import decided, expected

OWN = Situation()

SHARED = Situation(
    purpose="child-protection",
    space="another",
    owner_sector="education",
    power="CA1989-s47",
    basis="6(1)(e)",
    agreements=("allow default",),
)
"""A duty desk asks whether a school holds attendance, for an enquiry under section 47."""

SERVICE = Situation(
    purpose="child-protection",
    record_type="health.sensitive",
    space="another",
    owner_sector="health",
    power="CA1989-s47",
    basis="6(1)(e)",
    condition="Sch1-18",
    agreements=("allow default",),
)
"""A duty desk asks whether a sexual health service knows a young person."""

DUTY = msgspec.structs.replace(SHARED, power="CA2004-s16LA", basis="6(1)(c)", judgement="recorded")
"""The same under the duty of section 16LA, with a person's judgement."""

NUMBER = msgspec.structs.replace(DUTY, power="CA2004-s16LC", record_type="personal.identity", entries=("in force",))
"""The identifier itself, under the duty of section 16LC."""

RESEARCH = Situation(
    role="researcher", purpose="research", record_type="research.answers", asker_sector="research", mode="content"
)


def yes(situation: Situation, **changes: Any) -> bool:
    """Whether the gate allows a situation with some changes; the tables must say the same."""
    changed = msgspec.structs.replace(situation, **changes)
    answer = decided(changed)
    assert answer == expected(changed), "the gate and the tables differ"
    return answer


def answered(situation: Situation, **changes: Any) -> Decision:
    """The gate's whole answer to a situation with some changes."""
    changed = msgspec.structs.replace(situation, **changes)
    return decide(ask_of(changed), facts_of(changed))


class TestRow1BasisAndConsentAreSeparate:
    def test_a_share_without_a_power_or_a_basis_is_refused(self) -> None:
        assert yes(SHARED)
        assert not yes(SHARED, basis="")
        assert not yes(SHARED, power="")

    def test_consent_given_does_not_stand_in_for_a_basis(self) -> None:
        assert not yes(SHARED, basis="", consent="given")

    def test_consent_is_not_the_basis_where_there_is_a_duty(self) -> None:
        agreed = {"consent": "given", "basis": "6(1)(a)"}
        assert not yes(SHARED, **agreed)
        assert not yes(SHARED, **agreed, power="CA2004-s16LA", judgement="recorded")
        assert yes(SHARED, **agreed, power="CA2004-s10")

    def test_a_legal_obligation_needs_a_duty(self) -> None:
        assert yes(SHARED, basis="6(1)(c)")
        assert not yes(SHARED, basis="6(1)(c)", power="CA2004-s10")

    def test_private_bodies_have_their_own_bases(self) -> None:
        assert yes(SHARED, basis="6(1)(ea)", public=False)
        assert not yes(SHARED, basis="6(1)(ea)")
        assert not yes(SHARED, basis="6(1)(e)", public=False)

    def test_special_category_content_needs_a_condition_even_for_existence(self) -> None:
        support = {"record_type": "education.support"}
        assert not yes(SHARED, **support)
        assert yes(SHARED, **support, condition="Sch1-18")
        assert not yes(SHARED, **support, condition="Sch1-4")

    def test_ones_own_records_need_neither(self) -> None:
        assert yes(OWN)


class TestRow2Section47AndSection17:
    def test_section_47_needs_no_conversation_about_consent(self) -> None:
        assert yes(SHARED, power="CA1989-s47", consent="not asked")

    def test_section_17_needs_it_or_the_reason_for_none(self) -> None:
        need = {"purpose": "safeguarding", "power": "CA1989-s17", "owner_sector": "local authority"}
        assert not yes(SHARED, **need, consent="not asked")
        assert yes(SHARED, **need, consent="reason recorded")
        assert yes(SHARED, **need, consent="given")

    def test_section_17_stops_where_consent_was_refused(self) -> None:
        need = {"purpose": "safeguarding", "power": "CA1989-s17", "owner_sector": "local authority"}
        assert not yes(SHARED, **need, consent="refused")
        assert yes(SHARED, **need, consent="refused", override=True)


class TestRow6Lifecycle:
    @pytest.mark.parametrize("state", ["refused", "withdrawn"])
    def test_refused_and_withdrawn_stop_sharing_at_once(self, state: str) -> None:
        power = {"power": "CA2004-s10"}
        assert yes(SHARED, **power, consent="given")
        assert not yes(SHARED, **power, consent=state)

    @pytest.mark.parametrize("state", ["refused", "withdrawn"])
    def test_protection_from_harm_outranks_a_refusal(self, state: str) -> None:
        assert yes(SHARED, power="CA1989-s47", consent=state)
        assert yes(SHARED, power="CA2004-s16LA", judgement="recorded", consent=state)

    @pytest.mark.parametrize(
        "state", ["refused", "withdrawn", "invalidated", "expired", "not asked", "reason recorded"]
    )
    def test_nothing_rests_on_consent_that_does_not_stand(self, state: str) -> None:
        assert yes(SHARED, power="CA2004-s10", basis="6(1)(a)", consent="given")
        assert not yes(SHARED, power="CA2004-s10", basis="6(1)(a)", consent=state)


class TestRow7TheCompetentChildsDecisionStands:
    def test_the_gate_obeys_the_standing_decision_whoever_else_agreed(self) -> None:
        # Which decision stands is resolved before the gate; it is then one state, and a refusal stops sharing.
        assert not yes(SHARED, power="CA2004-s10", consent="refused", notice=True)


class TestRow8ImpliedConsent:
    PRACTICE = msgspec.structs.replace(
        SHARED, record_type="health.practice", owner_sector="health", condition="Sch1-18", mode="content"
    )

    def test_a_notice_makes_it_possible(self) -> None:
        assert yes(self.PRACTICE, confidence="implied", consent="implied", notice=True)

    def test_no_notice_nothing_implied(self) -> None:
        assert not yes(self.PRACTICE, confidence="implied", consent="implied", notice=False)
        assert not yes(self.PRACTICE, confidence="implied", consent="given", notice=False)

    def test_implied_is_never_explicit(self) -> None:
        implied = {"consent": "implied", "notice": True}
        assert not yes(self.PRACTICE, **implied, confidence="consent")
        assert not yes(self.PRACTICE, **implied, confidence="implied", condition="9(2)(a)")
        assert not yes(self.PRACTICE, **implied, confidence="implied", power="CA2004-s10", basis="6(1)(a)")

    def test_without_a_notice_it_is_no_conversation_either(self) -> None:
        need = {"purpose": "safeguarding", "power": "CA1989-s17", "owner_sector": "local authority"}
        assert not yes(SHARED, **need, consent="implied", notice=False)
        assert yes(SHARED, **need, consent="implied", notice=True)


class TestRow10Override:
    def test_a_standing_override_lifts_a_refusal(self) -> None:
        assert not yes(SHARED, power="CA2004-s10", consent="refused")
        assert yes(SHARED, power="CA2004-s10", consent="refused", override=True)

    def test_public_interest_needs_one(self) -> None:
        assert not yes(TestRow8ImpliedConsent.PRACTICE, confidence="public-interest")
        assert yes(TestRow8ImpliedConsent.PRACTICE, confidence="public-interest", override=True)

    @pytest.mark.parametrize("changes", [{"power": ""}, {"basis": ""}, {"agreements": ()}, {"shielded": True}])
    def test_it_lifts_nothing_else(self, changes: dict[str, Any]) -> None:
        assert not yes(SHARED, **({"record_type": "education.setting"} | changes), override=True)


class TestRow11NotSharingIsRecordedToo:
    def test_a_refusal_says_why_what_was_asked_and_where_to_turn(self) -> None:
        route = Route("The duty officer of the school", "Telephone the school office")
        situation = msgspec.structs.replace(SHARED, agreements=())
        decision = decide(ask_of(situation), msgspec.structs.replace(facts_of(situation), route=route))
        assert not decision.allowed
        assert decision.reasons
        assert all(reason.words for reason in decision.reasons)
        assert decision.ask == ask_of(situation)
        assert decision.route == route


class TestRow13SensitiveServices:
    def test_existence_needs_consent_or_suspected_harm(self) -> None:
        assert not yes(SERVICE)
        assert yes(SERVICE, consent="given")
        assert yes(SERVICE, harm=True)

    def test_content_needs_consent_whatever_is_suspected(self) -> None:
        reading = {"mode": "content", "confidence": "statute"}
        assert not yes(SERVICE, **reading, harm=True)
        assert yes(SERVICE, **reading, consent="given")

    def test_a_refusal_does_not_tell_that_there_is_something(self) -> None:
        assert not answered(SERVICE).may_know

    def test_contact_is_brokered_where_only_existence_is_told(self) -> None:
        assert answered(SERVICE, harm=True).duties

    def test_a_service_shows_its_own_records_only_to_those_involved(self) -> None:
        own = {"space": "own", "asker_sector": "health", "role": "nurse", "record_type": "health.sensitive"}
        assert not yes(OWN, **own)
        assert yes(OWN, **own, involvement="current")
        assert not yes(OWN, **own, emergency="broken")


class TestRow14ThirdParties:
    @pytest.mark.parametrize("record_type", ["personal.identity", "personal.address", "personal.connected"])
    def test_analysts_never_see_children_or_those_around_them(self, record_type: str) -> None:
        assert not yes(OWN, role="analyst", purpose="statutory-return", record_type=record_type)
        assert yes(OWN, role="submitting-system", purpose="statutory-return", record_type=record_type)


class TestRow18NationalDataOptOut:
    @pytest.mark.parametrize("purpose", ["research", "evaluation", "service-planning"])
    def test_applies_to_planning_and_research(self, purpose: str) -> None:
        analyst = {"role": "analyst", "purpose": purpose}
        assert yes(OWN, **analyst)
        assert not yes(OWN, **analyst, opted_out=True)

    def test_does_not_apply_to_care_and_safeguarding(self) -> None:
        assert yes(OWN, opted_out=True)
        assert yes(SHARED, opted_out=True)

    def test_applies_to_a_research_organisation(self) -> None:
        assert yes(RESEARCH)
        assert not yes(RESEARCH, opted_out=True)


class TestShieldedChildren:
    PLACE = msgspec.structs.replace(OWN, record_type="personal.address", shielded=True)

    def test_where_they_are_is_hidden_from_their_own_council_too(self) -> None:
        assert not yes(self.PLACE)
        assert yes(self.PLACE, shielded=False)

    def test_name_and_parents_remain(self) -> None:
        assert yes(self.PLACE, record_type="personal.identity")
        assert yes(self.PLACE, record_type="personal.connected")

    def test_named_roles_override_and_a_supervisor_is_told(self) -> None:
        assert yes(self.PLACE, emergency="broken")
        assert answered(self.PLACE, emergency="broken").duties
        assert answered(self.PLACE, emergency="broken").expires is not None
        assert not yes(self.PLACE, role="social-worker", emergency="broken")

    def test_a_refusal_does_not_tell_that_there_is_something(self) -> None:
        assert not answered(self.PLACE).may_know


class TestLookingPeopleUp:
    def test_nobody_looks_up_themselves_or_their_family(self) -> None:
        for mark in ("oneself", "own_family"):
            assert not yes(OWN, **{mark: True})
            assert not yes(OWN, **{mark: True}, emergency="broken", override=True)

    def test_a_mediated_look_up_names_two_people_both_signed_in(self) -> None:
        assert yes(OWN, on_behalf_of="user-2")
        assert not yes(OWN, on_behalf_of="user-2", mediator=False)
        assert not yes(OWN, on_behalf_of="user-1")

    def test_identity_takes_two_factors(self) -> None:
        assert not yes(OWN, factors=1)
        assert yes(OWN, role="submitting-system", purpose="statutory-return", factors=1)


class TestAgreements:
    @pytest.mark.parametrize("name", ["unsigned", "expired", "ends now", "begins just after", "withdrawn", "no lines"])
    def test_no_agreement_in_force_denies_everything(self, name: str) -> None:
        assert not yes(SHARED, agreements=(name,))
        assert not yes(SHARED, agreements=())

    def test_exceptions_come_before_defaults(self) -> None:
        assert not yes(SHARED, agreements=("forbid exception",))
        assert yes(SHARED, agreements=("allow exception",))

    def test_one_that_forbids_wins_over_one_that_allows(self) -> None:
        assert not yes(SHARED, agreements=("allow default", "forbid all"))
        assert yes(SHARED, agreements=("allow default", "forbid expired"))

    def test_finding_is_not_fetching(self) -> None:
        assert not yes(SHARED, agreements=("allow other modes",))

    def test_anothers_agreement_says_nothing_of_these_records(self) -> None:
        assert not yes(SHARED, agreements=("of a third",))
        assert yes(SHARED, agreements=("allow default", "forbid of a third"))

    def test_a_stale_policy_fails_closed(self) -> None:
        assert not yes(SHARED, policy_ahead=1)
        assert not yes(SHARED, policy_ahead=-1)


class TestTheTwoDuties:
    def test_a_persons_judgement_of_detriment_is_recorded(self) -> None:
        assert yes(DUTY)
        assert yes(DUTY, judgement="made now")
        for judgement in ("", "nobody's", "unreasoned", "just after", "detrimental"):
            assert not yes(DUTY, judgement=judgement)

    def test_only_between_relevant_persons(self) -> None:
        assert not yes(DUTY, asker_relevant=False)
        assert not yes(DUTY, owner_relevant=False)

    def test_the_identifier_waits_for_its_regulations(self) -> None:
        assert yes(NUMBER)
        assert yes(NUMBER, entries=("begins now",))
        for entries in ((), ("begins just after",), ("ends now",), ("of another law",)):
            assert not yes(NUMBER, entries=entries)

    def test_the_duty_to_include_the_identifier_carries_nothing_else(self) -> None:
        # Section 16LC requires the identifier to be included, and its disclosure breaches no confidence. It is no
        # power to disclose an episode or an attendance: those rest on section 16LA or another power.
        assert not yes(NUMBER, record_type="education.attendance")

    def test_sharing_judged_detrimental_is_refused_under_any_power(self) -> None:
        assert not yes(SHARED, judgement="detrimental")
