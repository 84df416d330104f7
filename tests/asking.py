"""Questions to the gate and what is known, made for tests: only what a test is about is stated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.policy.records import (
    Agreement,
    Body,
    Consent,
    Facts,
    Involvement,
    LegalEntry,
    Rule,
)
from samechild.policy.roles import roles
from samechild.records.disclosure import Ask, Asker, Effect, Emergency, Judgement, Mode, Scope, Spread
from samechild.records.types import Sector, record_types

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
COUNCIL, SCHOOL = "council", "school"


def an_asker(**given: Any) -> Asker:
    """A school's safeguarding lead, signed in with two factors."""
    return Asker(**{"user": "u1", "organisation": SCHOOL, "role": "safeguarding-lead", "factors": 2, **given})


def an_ask(**given: Any) -> Ask:
    """The lead asks the council for a child's social care episode."""
    usual = {
        "who": an_asker(),
        "purpose": "safeguarding",
        "mode": Mode.CONTENT,
        "record_type": "social-care.episode",
        "owner": COUNCIL,
        "scope": Scope(Spread.CHILD, ("r1",)),
        "now": NOW,
        "power": "CA2004-s10",
        "basis": "6(1)(e)",
        "condition": "Sch1-18",
        "confidence": "consent",
    }
    return Ask(**{**usual, **given})


def a_line(**given: Any) -> Rule:
    """A default line that allows everything, always."""
    return Rule(**{"effect": Effect.ALLOW, "exception": False, "modes": tuple(Mode), **given})


def an_agreement(**given: Any) -> Agreement:
    """A signed agreement in force between council and school."""
    usual = {
        "agreement": "a1",
        "version": 1,
        "owner": COUNCIL,
        "parties": (COUNCIL, SCHOOL),
        "rules": (a_line(),),
        "starts": NOW - 30 * DAY,
        "ends": NOW + 30 * DAY,
        "signed_by": (COUNCIL, SCHOOL),
    }
    return Agreement(**{**usual, **given})


def some_facts(**given: Any) -> Facts:
    """What makes :func:`an_ask` allowed: agreement, role, involvement and consent."""
    usual = {
        "asker": Body(organisation=SCHOOL, sector=Sector.EDUCATION),
        "owner": Body(organisation=COUNCIL, sector=Sector.LOCAL_AUTHORITY),
        "role_from": NOW - 30 * DAY,
        "role_organisation": SCHOOL,
        "agreements": (an_agreement(),),
        "involvement": Involvement.CURRENT,
        "consent": Consent.GIVEN,
    }
    return Facts(**{**usual, **given})


def a_judgement(**given: Any) -> Judgement:
    """A recorded judgement that sharing is not worse for the child."""
    return Judgement(**{"made_by": "u1", "made_at": NOW - DAY, "reason": "the child is safer known", **given})


def _of(words: Any) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(words))


_MOMENTS = st.sampled_from([NOW - 40 * DAY, NOW - DAY, NOW, NOW + DAY, NOW + 40 * DAY])
_FLAGS = ("notice", "override", "harm_suspected", "oneself", "own_family", "shielded", "sealed_identity", "opted_out")


def asks() -> st.SearchStrategy[Ask]:
    """Any question the gate could be put, likely ones more often."""
    usual = an_ask()
    maybe = st.sampled_from
    who = st.builds(
        Asker,
        user=st.just("u1"),
        organisation=maybe([SCHOOL, SCHOOL, COUNCIL]),
        role=st.one_of(st.just("safeguarding-lead"), _of(roles())),
        factors=maybe([2, 2, 1]),
        on_behalf_of=maybe(["", "", "u1", "u2"]),
    )
    return st.builds(
        Ask,
        who=who,
        purpose=st.one_of(st.just("safeguarding"), _of(purposes())),
        mode=maybe(list(Mode)),
        record_type=st.one_of(st.just(usual.record_type), _of(record_types())),
        owner=st.just(COUNCIL),
        scope=maybe([usual.scope, Scope(Spread.CHILD), Scope(Spread.SEARCH, fields=("surname",)), Scope(Spread.BATCH)]),
        now=st.just(NOW),
        power=st.one_of(st.just(usual.power), st.just(""), _of(powers())),
        basis=st.one_of(st.just(usual.basis), st.just(""), _of(bases())),
        condition=st.one_of(st.just(usual.condition), st.just(""), _of(conditions())),
        confidence=st.one_of(st.just(usual.confidence), st.just(""), _of(confidences())),
        judgement=maybe([None, a_judgement(), a_judgement(more_detrimental=True), a_judgement(reason=" ")]),
        emergency=maybe([None, None, Emergency("urgent", "s1"), Emergency("", "s1"), Emergency("urgent", "u1")]),
    )


def lines() -> st.SearchStrategy[Rule]:
    """Any line of an agreement."""
    return st.builds(
        Rule,
        effect=st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.FORBID]),
        exception=st.booleans(),
        modes=st.sampled_from([tuple(Mode), (Mode.EXISTENCE,)]),
        record_types=st.sampled_from([(), (), ("social-care.episode",), ("education.setting",)]),
        sectors=st.sampled_from([(), (), (Sector.EDUCATION,), (Sector.POLICE,)]),
        organisations=st.sampled_from([(), (), (SCHOOL,), ("other",)]),
        purposes=st.sampled_from([(), (), ("safeguarding",), ("child-protection",)]),
        valid_from=st.one_of(st.none(), _MOMENTS),
        valid_until=st.one_of(st.none(), _MOMENTS),
    )


def agreements() -> st.SearchStrategy[Agreement]:
    """Any agreement of the council's."""
    parties = st.sampled_from([(COUNCIL, SCHOOL), (COUNCIL, SCHOOL), (COUNCIL, "other")])
    return st.builds(
        Agreement,
        agreement=st.just("a1"),
        version=st.integers(1, 3),
        owner=st.just(COUNCIL),
        parties=parties,
        rules=st.lists(lines(), min_size=1, max_size=4).map(tuple),
        starts=st.sampled_from([NOW - 40 * DAY, NOW - DAY, NOW, NOW + DAY]),
        ends=st.sampled_from([NOW + 40 * DAY, NOW + DAY, NOW]),
        signed_by=st.sampled_from([(COUNCIL, SCHOOL), (COUNCIL, SCHOOL), (COUNCIL,), ()]),
        withdrawn=st.sampled_from([False, False, True]),
    )


def facts() -> st.SearchStrategy[Facts]:
    """Anything that can be known, likely things more often."""
    body = st.builds(
        Body,
        organisation=st.just(SCHOOL),
        sector=st.one_of(st.just(Sector.EDUCATION), st.sampled_from(list(Sector))),
        public_authority=st.booleans(),
        relevant_person=st.booleans(),
        dfe=st.sampled_from([False, False, True]),
        active=st.sampled_from([True, True, False]),
    )
    entry = LegalEntry("CA2004-s16LC", NOW - DAY, "regulations of a test")
    flags = {flag: st.sampled_from([False, False, False, True]) for flag in _FLAGS}
    return st.builds(
        Facts,
        asker=body,
        owner=st.builds(Body, organisation=st.just(COUNCIL), sector=st.just(Sector.LOCAL_AUTHORITY)),
        role_from=st.one_of(st.just(NOW - DAY), st.just(NOW - DAY), st.none(), _MOMENTS),
        role_until=st.one_of(st.none(), _MOMENTS),
        role_organisation=st.sampled_from([SCHOOL, SCHOOL, COUNCIL]),
        signed_in=st.sampled_from([True, True, True, False]),
        agreements=st.lists(agreements(), max_size=3).map(tuple),
        involvement=st.sampled_from(list(Involvement)),
        consent=st.sampled_from(list(Consent)),
        mediator_signed_in=st.sampled_from([True, True, False]),
        approvals=st.sampled_from([(), ("u1",), ("u9",)]),
        entries=st.sampled_from([(), (entry,)]),
        policy_head=st.sampled_from([0, 0, 0, 1]),
        clock_sound=st.sampled_from([True, True, True, False]),
        shadow=st.booleans(),
        **flags,
    )
