"""What every page about a child asks first: what for, and on what it rests when another organisation holds the record.

Codes may stand in an address, reasons never: what a person writes down as a judgement or to break the glass is sent in
a form, and kept by the gate alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.policy.shown import organisation, staff_of
from samechild.records.disclosure import Ask, Emergency, Judgement, Mode, Scope, Spread
from samechild.web.forms import Choice, Field, Filled
from samechild.web.visits import Visit
from samechild.web.words import choices

GROUNDS = ("power", "basis", "condition", "confidence")
"""What a question between two organisations rests on, by the name of its field."""
_LEFT = "If you leave it, the agreement with the other organisation decides."


def purpose_of(visit: Visit) -> str:
    """The purpose asked for in the address, or the only one this role has; empty when it must be asked."""
    wanted = [name for name in roles()[visit.by.role].purposes if not purposes()[name].forbidden]
    asked = visit.asked.get("purpose", "")
    return asked if asked in wanted else wanted[0] if len(wanted) == 1 else ""


def purpose_field(visit: Visit) -> Field:
    """What for: the purposes of this role."""
    wanted = roles()[visit.by.role].purposes
    return Field(
        name="purpose",
        label="What do you need it for?",
        kind="select",
        choices=tuple(Choice(name, purposes()[name].title) for name in wanted),
        missing="Say what you need it for",
    )


def ground_fields() -> tuple[Field, ...]:
    """On what it rests, for who knows better than the agreement's usual grounds."""
    asked = (
        ("power", "On which power or duty?", powers()),
        ("basis", "On which lawful basis?", bases()),
        ("condition", "Under which condition for special category content?", conditions()),
        ("confidence", "How is the duty of confidence met?", confidences()),
    )
    return tuple(
        Field(
            name=name,
            label=label,
            kind="select",
            choices=choices(declared),
            needed=False,
            hint=_LEFT if name == "power" else "",
        )
        for name, label, declared in asked
    )


def judgement_field() -> Field:
    """Why sharing is not worse for the child than not sharing."""
    return Field(
        name="judged",
        label="Why is sharing not worse for the child than not sharing?",
        kind="lines",
        longest=2000,
        needed=False,
        hint="Needed under the duty to share (Children Act 2004 section 16LA).",
    )


def glass_fields(visit: Visit) -> tuple[Field, ...]:
    """Breaking the glass: the reason and the supervisor who is told at once; nothing for roles that cannot."""
    role = roles()[visit.by.role]
    if not (role.break_glass or role.override_shield):
        return ()
    of = organisation(visit.store, visit.by.organisation)
    staff = (each for each in staff_of(visit.store, visit.by, of) if not each.user.machine and not each.user.left_at)
    others = [each for each in staff if each.user.user_id != visit.by.user]
    return (
        Field(
            name="emergency",
            label="If it is urgent and you are not involved with the child: why must you see the record?",
            kind="lines",
            longest=2000,
            needed=False,
            hint="Your supervisor is told at once, and somebody looks into it afterwards.",
        ),
        Field(
            name="supervisor",
            label="Your supervisor",
            kind="select",
            choices=tuple(Choice(each.user.user_id, each.name) for each in others),
            needed=False,
            hint="Needed when you give such a reason.",
        ),
    )


def ask_from(visit: Visit, filled: Filled) -> Ask:
    """The question a form asks, before it is said whose records and which kind."""
    emergency, judged = filled.one("emergency"), filled.one("judged")
    return _ask(
        visit,
        filled.one("purpose"),
        {name: filled.one(name) for name in GROUNDS},
        Judgement(made_by=visit.by.user, made_at=visit.now, reason=judged) if judged else None,
        Emergency(reason=emergency, supervisor=filled.one("supervisor")) if emergency else None,
    )


def ask_in_address(visit: Visit, purpose: str) -> Ask:
    """The question an address asks: a purpose, and codes of what it rests on."""
    return _ask(visit, purpose, {name: visit.asked.get(name, "") for name in GROUNDS}, None, None)


def _ask(
    visit: Visit,
    purpose: str,
    grounds: Mapping[str, str],
    judgement: Judgement | None,
    emergency: Emergency | None,
) -> Ask:
    return Ask(
        who=visit.by,
        purpose=purpose,
        mode=Mode.CONTENT,
        record_type="personal.identity",
        owner=visit.by.organisation,
        scope=Scope(Spread.BATCH, batch="child"),
        now=visit.now,
        judgement=judgement,
        emergency=emergency,
        **grounds,
    )


def address_of(space: str, child: str, ask: Ask) -> str:
    """The address of a child's page: opaque ids and codes only."""
    given = {"space": space, "child": child, "purpose": ask.purpose}
    given |= {name: getattr(ask, name) for name in GROUNDS if getattr(ask, name)}
    return f"/child?{urlencode(given)}"
