"""Nothing allows by default, any forbid wins, and what must not be known changes nothing an asker can see."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from asking import COUNCIL, SCHOOL, a_line, agreements, an_agreement, an_ask, asks, facts, lines, some_facts
from samechild.policy.decide import RULES, decide, unmarked
from samechild.policy.records import Agreement, Facts, Rule
from samechild.policy.rules.rule import forbids
from samechild.records.disclosure import Ask, Effect

MANY = settings(max_examples=400)


likely = st.one_of(
    st.tuples(asks(), facts()),
    st.tuples(asks(), st.just(some_facts())),
    st.tuples(st.just(an_ask()), facts()),
    st.just((an_ask(), some_facts())),
)


@MANY
@given(likely, st.booleans())
def test_another_forbid_never_turns_refused_into_allowed(question: tuple[Ask, Facts], says: bool) -> None:
    @forbids("one-more", "a test")
    def one_more(ask: Ask, facts: Facts) -> str:
        """One more rule."""
        return "No." if says else ""

    ask, known = question
    before, after = decide(ask, known), decide(ask, known, (*RULES, one_more))
    assert after.allowed == (before.allowed and not says)
    if says and before.reasons[0].rule != "known-words":
        assert "one-more" in {reason.rule for reason in after.reasons}


@MANY
@given(likely, lines(), agreements(), st.booleans())
def test_another_forbidding_line_or_agreement_never_allows(
    question: tuple[Ask, Facts], line: Rule, other: Agreement, first: bool
) -> None:
    ask, known = question
    forbidding = replace(line, effect=Effect.FORBID, exception=True)
    added = tuple(
        replace(each, rules=(forbidding, *each.rules) if first else (*each.rules, forbidding))
        for each in known.agreements
    )
    more = replace(other, rules=tuple(replace(each, effect=Effect.FORBID) for each in other.rules))
    for changed in (replace(known, agreements=added), replace(known, agreements=(*known.agreements, more))):
        assert decide(ask, known).allowed or not decide(ask, changed).allowed


@MANY
@given(likely)
def test_what_fails_refuses(question: tuple[Ask, Facts]) -> None:
    @forbids("broken", "a test")
    def broken(ask: Ask, facts: Facts) -> str:
        """A rule with a mistake in it."""
        return str(1 // 0)

    refused = decide(*question, (*RULES, broken))
    assert not refused.allowed
    if refused.reasons[0].rule != "known-words":
        assert refused.reasons[-2:]
        assert "broken" in {reason.rule for reason in refused.reasons}


@MANY
@given(likely)
def test_without_an_agreement_nothing_of_another_organisation_is_allowed(question: tuple[Ask, Facts]) -> None:
    ask, known = question
    if ask.owner != ask.who.organisation:
        assert not decide(ask, replace(known, agreements=())).allowed


@MANY
@given(likely)
def test_a_decision_is_total_explained_and_the_same_again(question: tuple[Ask, Facts]) -> None:
    decision = decide(*question)
    assert decision == decide(*question)
    assert decision.reasons
    assert all(reason.words for reason in decision.reasons)
    assert {reason.effect for reason in decision.reasons} == {Effect.ALLOW if decision.allowed else Effect.FORBID}
    assert bool(decision.agreement) == (decision.allowed and question[0].owner != question[0].who.organisation)
    if not decision.allowed:
        assert (decision.number, decision.hidden, decision.duties, decision.expires) == ("none", (), (), None)


@MANY
@given(likely)
def test_what_is_hidden_is_answered_as_if_there_were_nothing(question: tuple[Ask, Facts]) -> None:
    ask, known = question
    decision = decide(ask, known)
    if decision.instead is None:
        assert decision.answer is decision
        assert decision.may_know
        return
    open_rules = tuple(rule for rule in RULES if not rule.hides)
    assert decision.answer == decide(ask, unmarked(known), open_rules)
    assert decide(ask, unmarked(known)).answer == decision.answer
    assert decision.may_know != decision.answer.allowed


def test_the_usual_question_is_allowed_and_says_why() -> None:
    decision = decide(an_ask(), some_facts())
    assert decision.allowed
    assert [reason.rule for reason in decision.reasons] == ["agreement-allows"]
    assert decision.agreement == "a1/1"


def test_an_exception_comes_before_a_default_wherever_it_stands() -> None:
    forbidding = a_line(effect=Effect.FORBID, exception=True, organisations=(SCHOOL,), reason="under review")
    for rules in ((a_line(), forbidding), (forbidding, a_line())):
        known = some_facts(agreements=(an_agreement(rules=rules),))
        assert "agreement-forbids" in {reason.rule for reason in decide(an_ask(), known).reasons}
    allowing_exception = a_line(exception=True, organisations=(SCHOOL,), reason="one named school")
    known = some_facts(agreements=(an_agreement(rules=(a_line(effect=Effect.FORBID), allowing_exception)),))
    assert decide(an_ask(), known).allowed
    assert COUNCIL in known.agreements[0].parties
