"""What a decision brings with it: the number, hidden fields, duties, approvals; each rule has its source."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from asking import DAY, NOW, a_judgement, an_ask, an_asker, some_facts
from samechild.policy.decide import RULES, decide, number_use, unmarked
from samechild.policy.purposes import purposes
from samechild.policy.records import Body, Consent, Facts, Involvement, LegalEntry
from samechild.policy.roles import roles
from samechild.records import fields
from samechild.records.disclosure import Ask, Emergency, Mode, Scope, Spread
from samechild.records.types import Sector, record_types


def against(ask: Ask, facts: Facts) -> set[str]:
    """The rules that forbid."""
    decision = decide(ask, facts)
    return set() if decision.allowed else {reason.rule for reason in decision.reasons}


def test_every_rule_says_where_it_comes_from_and_has_a_name_of_its_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source and rule.title.endswith(".") for rule in RULES)


def test_every_name_a_role_or_power_uses_is_declared() -> None:
    from samechild.policy.bases import conditions, powers

    assert {name for role in roles().values() for name in role.purposes} <= set(purposes())
    assert {name for power in powers().values() for name in power.purposes} <= set(purposes())
    assert {name for condition in conditions().values() for name in condition.purposes} <= set(purposes())


@pytest.mark.parametrize(
    "wrong",
    [{name: "gossip"} for name in ("purpose", "record_type", "power", "basis", "condition", "confidence")],
)
def test_an_undeclared_word_ends_the_questions(wrong: dict[str, str]) -> None:
    assert against(an_ask(**wrong), some_facts()) == {"known-words"}


def test_the_number_goes_to_health_and_is_searched_with_by_others() -> None:
    ask, facts = an_ask(), some_facts()
    health = replace(facts, asker=Body(organisation="school", sector=Sector.HEALTH))
    assert number_use(ask, facts) == "search"
    assert number_use(ask, health) == "see"
    assert number_use(replace(ask, mode=Mode.EXISTENCE), health) == "search"
    universal = replace(facts, entries=(LegalEntry("universal", NOW - DAY, "regulations"),))
    assert number_use(ask, universal) == "see"
    assert number_use(replace(ask, power="CA2004-s16LC"), facts) == "see"
    assert number_use(replace(ask, who=an_asker(role="access-manager")), facts) == "none"


def test_analysis_never_gets_the_number_and_its_pseudonym_only_with_a_legal_entry() -> None:
    ask = an_ask(purpose="research")
    plus = LegalEntry("universal plus", NOW - DAY, "regulations")
    assert number_use(ask, some_facts()) == "none"
    assert number_use(ask, some_facts(entries=(plus,))) == "pseudonym"
    assert number_use(ask, some_facts(entries=(replace(plus, in_force_from=NOW + DAY),))) == "none"


def test_a_shielded_childs_episode_is_read_without_any_place() -> None:
    decision = decide(an_ask(), some_facts(shielded=True))
    assert decision.allowed
    assert {"postcode", "school", "gp_practice", "uprn", "education.setting"} <= set(decision.hidden)
    assert not {"forename", "surname", "date_of_birth", "sex", "nhs_number"} & set(decision.hidden)
    assert {name for name in decision.hidden if name in fields()} == {f.name for f in fields().values() if f.location}


def test_where_a_shielded_child_is_is_answered_as_if_nothing_were_held() -> None:
    ask = an_ask(record_type="education.setting", condition="", confidence="")
    decision = decide(replace(ask, owner="council"), some_facts(shielded=True))
    assert not decision.allowed
    assert not decision.may_know
    assert decision.instead is not None
    assert decision.instead.allowed
    assert decision.told == decision.answer.reasons
    assert decision.instead == decide(ask, unmarked(some_facts(shielded=True)))


def test_a_named_role_lifts_the_shield_for_an_hour_and_is_investigated() -> None:
    desk = an_asker(role="duty-desk", organisation="council", user="d")
    ask = an_ask(who=desk, record_type="education.setting", power="", basis="", condition="", confidence="",
                 emergency=Emergency("a threat", "s"))  # fmt: skip
    facts = some_facts(
        asker=Body(organisation="council", sector=Sector.LOCAL_AUTHORITY), role_organisation="council", shielded=True
    )
    decision = decide(ask, facts)
    assert decision.allowed
    assert decision.hidden == ()
    assert {"tell-supervisor", "investigate-override"} <= set(decision.duties)
    assert decision.expires is not None
    assert not decide(replace(ask, emergency=None), facts).allowed


def test_the_other_duties() -> None:
    assert decide(an_ask(), some_facts(override=True)).duties == ("review-override",)
    mediated = an_ask(who=an_asker(on_behalf_of="u2"))
    assert decide(mediated, some_facts()).duties == ("name-both",)
    sensitive = an_ask(record_type="health.sensitive", mode=Mode.EXISTENCE, confidence="")
    assert decide(sensitive, some_facts()).duties == ("broker-contact",)
    dfe = some_facts(asker=Body(organisation="school", sector=Sector.GOVERNMENT, dfe=True))
    asked = an_ask(who=an_asker(role="analyst"), purpose="evaluation", power="CA1989-s83", condition="Sch1-4",
                   confidence="consent")  # fmt: skip
    assert decide(asked, dfe).duties == ("visible-to-owner",)


def test_adoption_records_wait_for_another_person() -> None:
    ask = an_ask(who=an_asker(role="adoption-custodian", organisation="council"), purpose="peoples-rights",
                 record_type="social-care.adoption", power="", basis="", condition="", confidence="")  # fmt: skip
    facts = some_facts(asker=Body(organisation="council", sector=Sector.LOCAL_AUTHORITY), role_organisation="council")
    waiting = decide(ask, facts)
    assert (waiting.allowed, waiting.approvals_needed) == (False, 1)
    assert not decide(ask, replace(facts, approvals=("u1",))).allowed
    approved = decide(ask, replace(facts, approvals=("u1", "u2")))
    assert (approved.allowed, approved.approvals_needed) == (True, 0)


def test_what_a_person_judged_more_detrimental_is_not_shared_under_any_power() -> None:
    ask = an_ask(judgement=a_judgement(more_detrimental=True))
    assert against(ask, some_facts()) == {"detriment-judged"}


def test_an_implied_consent_without_a_notice_is_none() -> None:
    ask = an_ask(confidence="implied")
    assert against(ask, some_facts(consent=Consent.IMPLIED)) == {"confidence-met"}
    assert against(ask, some_facts(consent=Consent.IMPLIED, notice=True)) == set()


def test_nobody_looks_up_their_own_family_even_in_an_emergency() -> None:
    ask = an_ask(emergency=Emergency("urgent", "s"))
    assert against(ask, some_facts(own_family=True, involvement=Involvement.NONE)) == {"not-oneself"}


def test_a_search_only_tells_that_something_exists() -> None:
    search = an_ask(scope=Scope(Spread.SEARCH))
    assert against(search, some_facts()) == {"about-somebody"}
    assert against(an_ask(scope=Scope(Spread.CHILD)), some_facts()) == {"about-somebody"}


def test_what_fits_no_holder_is_refused() -> None:
    for kind in record_types().values():
        if Sector.LOCAL_AUTHORITY not in kind.holders:
            assert "owner-holds-it" in against(an_ask(record_type=kind.name), some_facts())


def test_mistaken_agreements_refuse_rather_than_fail() -> None:
    broken = replace(some_facts(), agreements=(None,))
    decision = decide(an_ask(), broken)
    assert not decision.allowed
    assert {"agreement-forbids", "nothing-allows"} <= {reason.rule for reason in decision.reasons}


def test_the_conversation_and_the_relevant_persons_are_asked_about() -> None:
    seventeen = an_ask(power="CA1989-s17", purpose="early-help")
    assert "conversation-recorded" in against(seventeen, some_facts(consent=Consent.NOT_ASKED))
    assert "conversation-recorded" not in against(seventeen, some_facts(consent=Consent.REASON_RECORDED))
    duty = an_ask(power="CA2004-s16LA", judgement=a_judgement(), confidence="statute")
    assert against(duty, some_facts()) == set()
    other = Body(organisation="school", sector=Sector.EDUCATION, relevant_person=False)
    assert against(duty, some_facts(asker=other)) == {"between-relevant-persons"}
    assert against(an_ask(basis="6(1)(ea)"), some_facts()) == {"lawful-basis"}


def test_a_councils_sandbox_is_its_own_and_reaches_nothing_of_the_council() -> None:
    """Those of the council need no agreement for its sandbox; anybody else does, and the sandbox's own systems too."""
    viewer = an_asker(organisation="council", role="quality-viewer")
    within = {"power": "", "basis": "", "condition": "", "confidence": ""}  # nothing of the kind need be named
    ask = an_ask(who=viewer, purpose="statutory-return", owner="council-sandbox", **within)
    council = Body(organisation="council", sector=Sector.LOCAL_AUTHORITY)
    sandbox = Body(organisation="council-sandbox", sector=Sector.LOCAL_AUTHORITY)
    facts = some_facts(asker=council, owner=sandbox, role_organisation="council", agreements=())
    assert decide(ask, facts).allowed
    other = replace(ask, who=replace(viewer, organisation="other"))
    body = replace(council, organisation="other")
    assert not decide(other, replace(facts, asker=body, role_organisation="other")).allowed
    back = replace(ask, who=replace(viewer, organisation="council-sandbox"), owner="council")
    turned = replace(facts, asker=sandbox, owner=council, role_organisation="council-sandbox")
    assert "nothing-allows" in against(back, turned)
