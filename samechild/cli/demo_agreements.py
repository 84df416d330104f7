"""The sharing agreements of the demonstration: in force, part signed, ended and still a draft.

They are examples of the form and no advice: what an organisation may share is decided by its own officers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from samechild.cli.demo_people import Cast
from samechild.policy.agreement_actions import enter_law, sign_agreement, write_agreement
from samechild.policy.records import Agreement, LegalEntry, Rule
from samechild.records.disclosure import Effect, Mode
from samechild.records.types import Sector
from samechild.storage import Store

DAY = timedelta(days=1)
_BOTH = (Mode.EXISTENCE, Mode.CONTENT)
_DUTY: dict[str, Any] = {
    "powers": ("CA2004-s16LA",),
    "bases": ("6(1)(c)", "6(1)(e)"),
    "conditions": ("Sch1-18",),
    "confidences": ("statute",),
}


def _allows(modes: tuple[Mode, ...] = _BOTH, **given: Any) -> Rule:
    return Rule(**{"effect": Effect.ALLOW, "exception": False, "modes": modes, **given})


def _except(reason: str, **given: Any) -> Rule:
    return Rule(**{"effect": Effect.FORBID, "exception": True, "modes": _BOTH, "reason": reason, **given})


def _with_the_school() -> tuple[Rule, ...]:
    return (
        _allows(
            record_types=("education.setting", "education.attendance"),
            purposes=("education-welfare",),
            powers=("EA1996-s436A", "CA2004-s10"),
            bases=("6(1)(c)", "6(1)(e)"),
        ),
    )


def _from_the_school() -> tuple[Rule, ...]:
    return (
        _allows(
            record_types=("education.setting", "education.attendance"),
            purposes=("safeguarding", "child-protection"),
            powers=("EA2002-s157", "CA2004-s10"),
            bases=("6(1)(e)",),
        ),
    )


def _from_the_trust() -> tuple[Rule, ...]:
    return (
        _except("A sensitive service is asked in person.", record_types=("health.sensitive",)),
        _allows(record_types=("health.attendance",), purposes=("safeguarding", "child-protection"), **_DUTY),
    )


def _with_the_trust() -> tuple[Rule, ...]:
    return (
        _allows(
            record_types=("social-care.involvement", "social-care.episode"),
            sectors=(Sector.HEALTH,),
            purposes=("safeguarding", "child-protection"),
            **_DUTY,
        ),
    )


def _with_the_police() -> tuple[Rule, ...]:
    return (
        _except(
            "Placements are told by the placing team alone.",
            record_types=("social-care.looked-after", "social-care.adoption"),
        ),
        _except("Not for investigating young people themselves.", purposes=("crime-prevention",)),
        _allows(
            record_types=("social-care.involvement", "social-care.episode", "social-care.protection-plan"),
            purposes=("child-protection",),
            powers=("CA1989-s47", "CA2004-s16LA"),
            bases=("6(1)(c)", "6(1)(e)"),
            conditions=("Sch1-18",),
            confidences=("statute",),
        ),
    )


def _early_help(*kinds: str) -> tuple[Rule, ...]:
    return (
        _allows(
            (Mode.EXISTENCE,), record_types=kinds, purposes=("early-help",), powers=("CA2004-s10",), bases=("6(1)(e)",)
        ),
    )


def make_agreements(store: Store, cast: Cast, now: datetime, ends: datetime) -> None:
    """Write the agreements and have them signed; ``ends`` is when the one that has ended did so."""
    made = (
        ("Education welfare: what the council tells the school", "council", "school", _with_the_school()),
        ("Safeguarding: attendance at school", "school", "council", _from_the_school()),
        ("Safeguarding: emergency attendances, under the duty to share", "trust", "council", _from_the_trust()),
        ("Safeguarding: social care for health visitors", "council", "trust", _with_the_trust()),
        ("Child protection with the police", "council", "police", _with_the_police()),
    )
    year = now + 365 * DAY
    for minute, (title, owner, other, lines) in enumerate(made):
        _signed(store, cast, title, (owner, other), lines, (owner, other), now + minute * timedelta(minutes=20), year)
    later = now + timedelta(hours=3)
    known, council = _early_help("social-care.involvement"), ("council",)
    _signed(
        store, cast, "Early help with the surgery", ("council", "surgery"), known, ("council", "surgery"), later, ends
    )
    _signed(
        store,
        cast,
        "Families who move between us",
        ("other council", "council"),
        known,
        ("other council",),
        later,
        year,
    )
    _signed(store, cast, "Youth justice (draft)", (*council, "youth justice"), known, (), later, year)


def _signed(
    store: Store,
    cast: Cast,
    title: str,
    parties: Sequence[str],
    lines: tuple[Rule, ...],
    by: Sequence[str],
    now: datetime,
    ends: datetime,
) -> None:
    """Write one agreement of its first party and have some of its parties sign it."""
    draft = Agreement(
        agreement="",
        version=0,
        owner=cast.of(parties[0]),
        parties=tuple(cast.of(party) for party in parties),
        rules=lines,
        starts=now,
        ends=ends,
    )
    made = write_agreement(store, cast.officer(parties[0]), draft, title, now)
    for party in by:
        sign_agreement(store, cast.officer(party), made.agreement, made.version, now)


def enter_made_up_law(store: Store, cast: Cast, now: datetime, starts: datetime) -> None:
    """Enter a made-up instrument that is not in force yet, so that the page about law shows how one looks."""
    source = "Made up for this demonstration: no such regulations exist"
    enter_law(store, cast.officer("council"), LegalEntry("CA2004-s16LC", starts, source), now)
