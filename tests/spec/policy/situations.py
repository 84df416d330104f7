"""One combination of everything a decision depends on, as a few plain words, and the ask and facts made from them.

A :class:`Situation` is small enough to print, to change in one place and to shrink to the smallest one that two
answers differ on. Organisations and people here are made up, and so are all dates.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from samechild.policy.records import Agreement, Body, Consent, Facts, Involvement, LegalEntry, Rule
from samechild.records.disclosure import Ask, Asker, Effect, Emergency, Judgement, Mode, Scope, Spread
from samechild.records.types import Sector

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
ASKING, OWNING, THIRD = "asking-body", "owning-body", "third-body"
USER, COLLEAGUE = "user-1", "user-2"
STEP = timedelta(microseconds=1)

MOMENTS: dict[str, datetime] = {
    "long ago": NOW - timedelta(days=400),
    "just before": NOW - STEP,
    "now": NOW,
    "just after": NOW + STEP,
    "much later": NOW + timedelta(days=400),
}


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one decision depends on. As it stands: a duty desk asks about its own council's records."""

    role: str = "duty-desk"
    purpose: str = "safeguarding"
    mode: str = "existence"
    record_type: str = "education.attendance"
    space: str = "own"
    asker_sector: str = "local authority"
    owner_sector: str = "local authority"
    power: str = ""
    basis: str = ""
    condition: str = ""
    confidence: str = ""
    consent: str = "not asked"
    notice: bool = False
    override: bool = False
    harm: bool = False
    involvement: str = "none"
    public: bool = True
    competent: bool = False
    asker_relevant: bool = True
    owner_relevant: bool = True
    dfe: bool = False
    active: bool = True
    role_from: str = "long ago"
    role_until: str = ""
    role_giver: str = ASKING
    signed_in: bool = True
    factors: int = 2
    clock_sound: bool = True
    policy_ahead: int = 0
    judgement: str = ""
    emergency: str = ""
    on_behalf_of: str = ""
    mediator: bool = True
    oneself: bool = False
    own_family: bool = False
    shielded: bool = False
    sealed: bool = False
    approvals: tuple[str, ...] = ()
    opted_out: bool = False
    entries: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    spread: str = "child"
    keys: bool = True
    shadow: bool = False


PLAIN = Situation()


def told(situation: Situation) -> dict[str, object]:
    """What is particular about a situation: only what differs from the plain one."""
    return {
        field: getattr(situation, field)
        for field in Situation.__struct_fields__
        if getattr(situation, field) != getattr(PLAIN, field)
    }


JUDGEMENTS: dict[str, Judgement] = {
    "recorded": Judgement(COLLEAGUE, MOMENTS["long ago"], "It helps the school to keep the child safe"),
    "made now": Judgement(USER, NOW, "It helps the school to keep the child safe"),
    "nobody's": Judgement("", MOMENTS["long ago"], "It helps the school to keep the child safe"),
    "unreasoned": Judgement(USER, MOMENTS["long ago"], ""),
    "just after": Judgement(USER, MOMENTS["just after"], "It helps the school to keep the child safe"),
    "detrimental": Judgement(USER, MOMENTS["long ago"], "It would put the child at risk", more_detrimental=True),
    "detrimental, unreasoned": Judgement("", MOMENTS["long ago"], "", more_detrimental=True),
}

EMERGENCIES: dict[str, Emergency] = {
    "broken": Emergency("Child missing tonight", COLLEAGUE),
    "no reason": Emergency("", COLLEAGUE),
    "no supervisor": Emergency("Child missing tonight", ""),
    "own supervisor": Emergency("Child missing tonight", USER),
}


def _entry(name: str, begins: str, until: str = "") -> LegalEntry:
    return LegalEntry(
        name=name, in_force_from=MOMENTS[begins], source="Made-up regulations", in_force_until=MOMENTS.get(until)
    )


ENTRIES: dict[str, LegalEntry] = {
    "in force": _entry("CA2004-s16LC", "long ago"),
    "begins now": _entry("CA2004-s16LC", "now"),
    "ends just after": _entry("CA2004-s16LC", "long ago", "just after"),
    "ends now": _entry("CA2004-s16LC", "long ago", "now"),
    "begins just after": _entry("CA2004-s16LC", "just after"),
    "of another law": _entry("CA2004-s16LA", "long ago"),
}


def line(effect: Effect, exception: bool = False, **changes: Any) -> Rule:
    """One line of an agreement: about everything, unless changed."""
    return msgspec.structs.replace(Rule(effect=effect, exception=exception, modes=tuple(Mode)), **changes)


def agreement(*lines: Rule, **changes: Any) -> Agreement:
    """An agreement in force between the two bodies, unless changed."""
    plain = Agreement(
        agreement="agreement-1",
        version=1,
        owner=OWNING,
        parties=(OWNING, ASKING),
        rules=lines,
        starts=MOMENTS["long ago"],
        ends=MOMENTS["much later"],
        signed_by=(ASKING, OWNING),
    )
    return msgspec.structs.replace(plain, **changes)


ALLOW, FORBID = Effect.ALLOW, Effect.FORBID


def _naming(s: Situation) -> dict[str, Any]:
    """Lists that name exactly what a situation asks."""
    return {
        "modes": (Mode(s.mode),),
        "record_types": (s.record_type,),
        "sectors": (Sector(s.asker_sector),),
        "organisations": (THIRD, ASKING),
        "purposes": (s.purpose,),
        "powers": (s.power,) if s.power else (),
        "bases": (s.basis,) if s.basis else (),
        "conditions": (s.condition,) if s.condition else (),
        "confidences": (s.confidence,) if s.confidence else (),
    }


def _other_mode(s: Situation) -> tuple[Mode, ...]:
    return tuple(mode for mode in Mode if mode.value != s.mode)


def _other_sector(s: Situation) -> tuple[Sector, ...]:
    return tuple(sector for sector in Sector if sector.value != s.asker_sector)


ANOTHER: dict[str, Callable[[Situation], tuple[Any, ...]]] = {
    "modes": _other_mode,
    "record_types": lambda s: ("housing.tenancy" if s.record_type != "housing.tenancy" else "health.practice",),
    "sectors": _other_sector,
    "organisations": lambda s: (THIRD, OWNING),
    "purposes": lambda s: ("audit" if s.purpose != "audit" else "safeguarding",),
    "powers": lambda s: ("CA1989-s27" if s.power != "CA1989-s27" else "CA1989-s47",),
    "bases": lambda s: ("6(1)(d)" if s.basis != "6(1)(d)" else "6(1)(e)",),
    "conditions": lambda s: ("Sch1-6" if s.condition != "Sch1-6" else "Sch1-2",),
    "confidences": lambda s: ("statute" if s.confidence != "statute" else "consent",),
}
"""For each list of a line: one that does not name what is asked."""


def _beside(listed: str, effect: Effect) -> Callable[[Situation], Agreement]:
    """An agreement with one line that is not about the ask: allowing alone, or forbidding what the default allows."""

    def made(s: Situation) -> Agreement:
        lists: dict[str, Any] = {listed: ANOTHER[listed](s)}
        aside = line(effect, effect is FORBID, **lists)
        return agreement(aside) if effect is ALLOW else agreement(line(ALLOW), aside)

    return made


AGREEMENTS: dict[str, Callable[[Situation], Agreement]] = (
    {
        "allow default": lambda s: agreement(line(ALLOW)),
        "allow named": lambda s: agreement(line(ALLOW, **_naming(s))),
        "allow exception": lambda s: agreement(line(FORBID), line(ALLOW, True, **_naming(s))),
        "forbid default": lambda s: agreement(line(FORBID)),
        "forbid named": lambda s: agreement(line(FORBID, **_naming(s)), line(ALLOW)),
        "forbid exception": lambda s: agreement(line(ALLOW), line(FORBID, True, **_naming(s))),
        "allow before forbid": lambda s: agreement(line(ALLOW), line(FORBID)),
        "forbid before allow": lambda s: agreement(line(FORBID), line(ALLOW)),
        "exceptions: allow first": lambda s: agreement(line(ALLOW, True), line(FORBID, True), line(FORBID)),
        "exceptions: forbid first": lambda s: agreement(line(FORBID, True), line(ALLOW, True), line(ALLOW)),
        "no lines": lambda s: agreement(),
        "no modes": lambda s: agreement(line(ALLOW, modes=())),
        "unsigned": lambda s: agreement(line(ALLOW), signed_by=()),
        "signed by owner": lambda s: agreement(line(ALLOW), signed_by=(OWNING,)),
        "signed by asker": lambda s: agreement(line(ALLOW), signed_by=(ASKING,)),
        "signed by others": lambda s: agreement(line(ALLOW), signed_by=(THIRD, OWNING)),
        "withdrawn": lambda s: agreement(line(ALLOW), withdrawn=True),
        "expired": lambda s: agreement(line(ALLOW), ends=MOMENTS["just before"]),
        "ends now": lambda s: agreement(line(ALLOW), ends=NOW),
        "ends just after": lambda s: agreement(line(ALLOW), ends=MOMENTS["just after"]),
        "begins now": lambda s: agreement(line(ALLOW), starts=NOW),
        "begins just after": lambda s: agreement(line(ALLOW), starts=MOMENTS["just after"]),
        "owner unnamed": lambda s: agreement(line(ALLOW), parties=(ASKING, THIRD)),
        "asker unnamed": lambda s: agreement(line(ALLOW), parties=(OWNING, THIRD)),
        "of the asker": lambda s: agreement(line(ALLOW), owner=ASKING),
        "of a third": lambda s: agreement(line(ALLOW), owner=THIRD, parties=(THIRD, OWNING, ASKING)),
        "three parties": lambda s: agreement(line(ALLOW), parties=(THIRD, OWNING, ASKING)),
        "line ends now": lambda s: agreement(line(ALLOW, valid_until=NOW)),
        "line ends just after": lambda s: agreement(line(ALLOW, valid_until=MOMENTS["just after"])),
        "line begins now": lambda s: agreement(line(ALLOW, valid_from=NOW)),
        "line begins just after": lambda s: agreement(line(ALLOW, valid_from=MOMENTS["just after"])),
        "forbid exception over": lambda s: agreement(
            line(ALLOW), line(FORBID, True, valid_until=MOMENTS["just before"])
        ),
        "forbid withdrawn": lambda s: agreement(line(FORBID), withdrawn=True),
        "forbid unsigned": lambda s: agreement(line(FORBID), signed_by=(OWNING,)),
        "forbid expired": lambda s: agreement(line(FORBID), ends=NOW),
        "forbid of a third": lambda s: agreement(line(FORBID), owner=THIRD, parties=(THIRD, OWNING, ASKING)),
        "forbid all": lambda s: agreement(line(FORBID), agreement="agreement-2"),
    }
    | {f"allow other {listed}": _beside(listed, ALLOW) for listed in ANOTHER}
    | {f"forbid other {listed}": _beside(listed, FORBID) for listed in ANOTHER}
)


def ask_of(s: Situation) -> Ask:
    """The question of a situation."""
    return Ask(
        who=Asker(user=USER, organisation=ASKING, role=s.role, factors=s.factors, on_behalf_of=s.on_behalf_of),
        purpose=s.purpose,
        mode=Mode(s.mode),
        record_type=s.record_type,
        owner=ASKING if s.space == "own" else OWNING,
        scope=Scope(spread=Spread(s.spread), record_keys=("record-1",) if s.keys else ()),
        now=NOW,
        power=s.power,
        basis=s.basis,
        condition=s.condition,
        confidence=s.confidence,
        judgement=JUDGEMENTS.get(s.judgement),
        emergency=EMERGENCIES.get(s.emergency),
    )


def facts_of(s: Situation) -> Facts:
    """What is known in a situation."""
    own = s.space == "own"
    asker = Body(
        organisation=ASKING,
        sector=Sector(s.asker_sector),
        public_authority=s.public if own else True,
        competent_authority=s.competent if own else False,
        relevant_person=s.asker_relevant,
        dfe=s.dfe,
        active=s.active,
    )
    owner = Body(
        organisation=OWNING,
        sector=Sector(s.owner_sector),
        public_authority=s.public,
        competent_authority=s.competent,
        relevant_person=s.owner_relevant,
    )
    return Facts(
        asker=asker,
        owner=asker if own else owner,
        role_from=MOMENTS.get(s.role_from),
        role_until=MOMENTS.get(s.role_until),
        role_organisation=s.role_giver,
        signed_in=s.signed_in,
        agreements=tuple(AGREEMENTS[name](s) for name in s.agreements),
        involvement=Involvement(s.involvement),
        consent=Consent(s.consent),
        notice=s.notice,
        override=s.override,
        harm_suspected=s.harm,
        oneself=s.oneself,
        own_family=s.own_family,
        shielded=s.shielded,
        sealed_identity=s.sealed,
        opted_out=s.opted_out,
        mediator_signed_in=s.mediator,
        approvals=s.approvals,
        entries=tuple(ENTRIES[name] for name in s.entries),
        policy_version=7,
        policy_head=7 + s.policy_ahead,
        clock_sound=s.clock_sound,
        shadow=s.shadow,
    )
