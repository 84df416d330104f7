"""May they see this? One pure function over a list of rules: the same facts give the same answer.

Nothing allows by default, any forbid wins, and a rule that fails refuses: a lost *forbid* would be unsafe. The shape is
that of Cedar's authoriser (cedar-spec, ``Authorizer.lean``), which differs in skipping a rule that fails. The answer
names every rule that determined it, the power, basis and agreement relied on, and what follows from being allowed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

import msgspec

from samechild.policy.agreements import between, deciding_lines, name_of
from samechild.policy.bases import powers
from samechild.policy.purposes import purposes
from samechild.policy.records import Consent, Facts, Involvement, OfChild, Scheme
from samechild.policy.roles import roles
from samechild.policy.rules import child, grounds, standing
from samechild.policy.rules.rule import Forbidding
from samechild.records import fields
from samechild.records.disclosure import Ask, Decision, Effect, Mode, Reason
from samechild.records.types import Sector, record_types

RULES: tuple[Forbidding, ...] = (*standing.FIRST, *standing.RULES, *grounds.RULES, *child.RULES)
"""Every rule that can forbid, in the order in which reasons are told."""

NOTHING_KNOWN: dict[str, object] = {
    "involvement": Involvement.NONE,
    "consent": Consent.NOT_ASKED,
    **dict.fromkeys(("notice", "override", "harm_suspected", "oneself", "own_family"), False),
}
"""What is known of a child of whom nothing was ever kept."""

OPEN_RULES: tuple[Forbidding, ...] = tuple(rule for rule in RULES if not rule.hides)
"""Those of the rules whose reasons may be told: by them alone it is decided what is answered instead."""

Known = TypeVar("Known", Facts, OfChild)

GLASS_STAYS_BROKEN = timedelta(hours=1)
"""How long a broken glass stays so: long enough for one urgent piece of work."""


def decide(ask: Ask, facts: Facts, rules: tuple[Forbidding, ...] = RULES) -> Decision:
    """Decide one question: allowed only when something allows and nothing forbids.

    Returns:
        The decision with its reasons. When a reason must not be told, ``instead`` is what is decided of a child who has
        no such mark, and nothing of this kind; ``may_know`` is False when that one would be allowed.
    """
    allowing = reasons_for(ask, facts)
    forbidding = reasons_against(ask, facts, rules)
    allowed = not forbidding
    hiding = {rule.name for rule in rules if rule.hides}
    hidden = any(reason.rule in hiding for reason in forbidding)
    instead = decide(ask, unmarked(facts), tuple(rule for rule in rules if not rule.hides)) if hidden else None
    agreement = agreement_relied_on(ask, facts) if allowed else ""
    return Decision(
        ask=ask,
        allowed=allowed,
        reasons=tuple(allowing if allowed else forbidding),
        policy_version=facts.policy_version,
        agreement=agreement,
        may_know=instead is None or not instead.allowed,
        instead=instead,
        number=number_use(ask, facts) if allowed else "none",
        hidden=hidden_fields(ask, facts) if allowed else (),
        duties=duties(ask, facts) if allowed else (),
        route=None if allowed else facts.route,
        approvals_needed=approvals_needed(ask, facts),
        expires=ask.now + GLASS_STAYS_BROKEN if allowed and ask.emergency is not None else None,
        shadow=facts.shadow,
    )


def reasons_against(ask: Ask, facts: Facts, rules: tuple[Forbidding, ...]) -> list[Reason]:
    """What each rule that forbids says, and that nothing allows; a rule that fails forbids.

    Undeclared words end the questions.
    """
    found: list[Reason] = []
    for rule in rules:
        try:
            words = rule.question(ask, facts)
        except Exception:
            words = "This could not be decided: tell whoever runs this system."
        if words:
            found.append(Reason(rule.name, Effect.FORBID, words))
            if rule in standing.FIRST:
                return found
    return found if reasons_for(ask, facts) else [*found, nothing_allows()]


def reasons_for(ask: Ask, facts: Facts) -> list[Reason]:
    """What can allow: that the records are the asker's own organisation's, or an agreement in force."""
    if not grounds.outside(ask):
        return [Reason("own-organisation", Effect.ALLOW, "These are your own organisation's records.")]
    try:
        lines = deciding_lines(facts.agreements, ask, facts.asker)
    except Exception:
        return []  # the rule about agreements forbids it, with words
    return [
        Reason("agreement-allows", Effect.ALLOW, f"Agreement {name_of(agreement)} allows it.")
        for agreement, line in lines
        if line.effect is Effect.ALLOW
    ]


def nothing_allows() -> Reason:
    """The reason when nothing forbids and nothing allows."""
    words = "No sharing agreement in force between the two organisations allows this."
    return Reason("nothing-allows", Effect.FORBID, words)


def agreement_relied_on(ask: Ask, facts: Facts) -> str:
    """The first agreement that allows; empty within one organisation."""
    if not grounds.outside(ask):
        return ""
    lines = deciding_lines(facts.agreements, ask, facts.asker)
    return next(name_of(agreement) for agreement, line in lines if line.effect is Effect.ALLOW)


def unmarked(facts: Known) -> Known:
    """The same facts without the marks that hide: those of a child of whom there is just nothing of this kind.

    Of a sealed identity nothing is left, not even who is of its family: it is answered for as a record that was never
    kept.
    """
    if facts.sealed_identity:
        facts = msgspec.structs.replace(facts, **NOTHING_KNOWN)
    return msgspec.structs.replace(facts, shielded=False, sealed_identity=False, opted_out=False)


def number_use(ask: Ask, facts: Facts) -> str:
    """What may be done with the national identifier: nothing, search with it, see it, or only a pseudonym of it.

    Proportionate by default (exchanges with health); wider only with a dated legal entry; analysis gets pseudonyms.
    """
    entries = {e.name for e in facts.entries if between(ask.now, e.in_force_from, e.in_force_until)}
    if not purposes()[ask.purpose].individual:
        return "pseudonym" if Scheme.UNIVERSAL_PLUS in entries else "none"
    if not roles()[ask.who.role].identity:
        return "none"
    wide = {Scheme.UNIVERSAL, Scheme.UNIVERSAL_PLUS} & entries or (ask.power and powers()[ask.power].entry)
    health = Sector.HEALTH in (facts.asker.sector, facts.owner.sector)
    own = not grounds.outside(ask)  # what an organisation holds itself it has had from somewhere
    return "see" if ask.mode is Mode.CONTENT and (wide or health or own) else "search"


def hidden_fields(ask: Ask, facts: Facts) -> tuple[str, ...]:
    """Fields that may not be shown, searched, sorted by or counted: of a shielded child all that tells a location."""
    if not facts.shielded or child.shield_overridden(ask):
        return ()
    places = [field.name for field in fields().values() if field.location]
    return (*places, *(kind.name for kind in record_types().values() if kind.location))


def duties(ask: Ask, facts: Facts) -> tuple[str, ...]:
    """What being allowed brings with it: whom to tell, what to keep hidden, what somebody will look at afterwards."""
    kind = record_types()[ask.record_type]
    found = (
        ("tell-supervisor", ask.emergency is not None),
        ("investigate-override", facts.shielded and child.shield_overridden(ask)),
        ("visible-to-owner", facts.asker.dfe),
        ("broker-contact", kind.sensitive and grounds.outside(ask)),
        ("review-override", facts.override),
        ("name-both", bool(ask.who.on_behalf_of)),
    )
    return tuple(duty for duty, holds in found if holds)


def approvals_needed(ask: Ask, facts: Facts) -> int:
    """How many people must approve before this can be allowed: those still missing."""
    wanted = ask.who.role == child.CUSTODIAN and (facts.sealed_identity or ask.record_type == child.ADOPTION)
    try:
        given = child.approved_by_another(ask, facts)
    except Exception:
        given = False
    return 1 if wanted and not given else 0
