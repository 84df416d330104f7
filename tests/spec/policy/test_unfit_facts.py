"""What is known may be wrong, blank or about somebody else: the gate then refuses, and never falls over.

A rule that fails means refuse; and facts that belong to another organisation than the ask names are no ground to allow.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from samechild.policy.decide import decide
from samechild.policy.records import Agreement, Facts
from samechild.records.disclosure import Ask, Emergency, Judgement
from spec.policy.situations import COLLEAGUE, NOW, USER, Situation, ask_of, facts_of
from spec.policy.test_notes import DUTY, OWN, SHARED

replace = msgspec.structs.replace


def allowed(ask: Ask, facts: Facts) -> bool:
    """What the gate answers."""
    return decide(ask, facts).allowed


def both(situation: Situation) -> tuple[Ask, Facts]:
    """The ask and the facts of a situation that is allowed as it stands."""
    ask, facts = ask_of(situation), facts_of(situation)
    assert allowed(ask, facts)
    return ask, facts


class TestFactsOfSomebodyElse:
    def test_of_another_asking_organisation(self) -> None:
        ask, facts = both(SHARED)
        assert not allowed(replace(ask, who=replace(ask.who, organisation="third-body")), facts)

    def test_of_another_owner(self) -> None:
        ask, facts = both(SHARED)
        assert not allowed(replace(ask, owner="third-body"), facts)

    def test_of_another_owner_where_the_ask_is_for_ones_own(self) -> None:
        ask, facts = both(OWN)
        assert not allowed(ask, replace(facts, owner=facts_of(SHARED).owner))

    def test_of_no_organisation_at_all(self) -> None:
        ask, facts = both(OWN)
        nobody = replace(facts.asker, organisation="")
        blank = replace(facts, asker=nobody, owner=nobody, role_organisation="")
        assert not allowed(replace(ask, who=replace(ask.who, organisation=""), owner=""), blank)

    def test_of_no_person_at_all(self) -> None:
        ask, facts = both(OWN)
        assert not allowed(replace(ask, who=replace(ask.who, user="")), facts)


class TestBlanks:
    @pytest.mark.parametrize(
        "emergency",
        [Emergency(" ", COLLEAGUE), Emergency("Child missing", " ")],
    )
    def test_a_blank_reason_or_supervisor_breaks_no_glass(self, emergency: Emergency) -> None:
        ask, facts = both(OWN)
        assert not allowed(replace(ask, emergency=emergency), facts)

    def test_nobody_approves_nothing(self) -> None:
        sealed = Situation(role="adoption-custodian", purpose="child-protection", sealed=True, approvals=(COLLEAGUE,))
        ask, facts = both(sealed)
        assert not allowed(ask, replace(facts, approvals=("",)))
        assert not allowed(ask, replace(facts, approvals=(USER, " ")))

    @pytest.mark.parametrize("judgement", [Judgement(" ", NOW, "It helps"), Judgement(USER, NOW, " \n")])
    def test_a_blank_judgement_is_none(self, judgement: Judgement) -> None:
        ask, facts = both(DUTY)
        assert not allowed(replace(ask, judgement=judgement), facts)

    def test_a_blank_key_names_no_child(self) -> None:
        ask, facts = both(OWN)
        assert not allowed(replace(ask, scope=replace(ask.scope, record_keys=("",))), facts)


class TestBroken:
    @pytest.mark.parametrize("field", ["purpose", "record_type", "owner", "power", "basis", "now", "scope"])
    def test_an_ask_refuses(self, field: str) -> None:
        ask, facts = both(SHARED)
        assert not allowed(replace(ask, **{field: cast(Any, None)}), facts)

    @pytest.mark.parametrize("field", ["asker", "owner", "agreements", "approvals", "role_from"])
    def test_a_fact_refuses(self, field: str) -> None:
        ask, facts = both(replace(SHARED, role="adoption-custodian", sealed=True, approvals=(COLLEAGUE,)))
        assert not allowed(ask, replace(facts, **{field: cast(Any, None)}))

    def test_an_agreement_refuses(self) -> None:
        ask, facts = both(SHARED)
        broken = cast(Agreement, None)
        assert not allowed(ask, replace(facts, agreements=(broken,)))
        assert not allowed(ask, replace(facts, agreements=(*facts.agreements, broken)))

    @pytest.mark.parametrize("field", ["parties", "rules", "starts", "ends", "signed_by"])
    def test_a_part_of_an_agreement_refuses(self, field: str) -> None:
        ask, facts = both(SHARED)
        broken = replace(facts.agreements[0], **{field: cast(Any, None)})
        assert not allowed(ask, replace(facts, agreements=(broken,)))
