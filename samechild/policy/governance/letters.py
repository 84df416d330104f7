"""Who looked at this child: a plain letter for the family, and one for a young person, that gives nobody away.

People may know who looked at what is held about a child and why (the eighth Caldicott principle: no surprises). But the
same letter must not tell one parent where the other lives, or that there is a refuge, a placement or a clinic. So an
organisation is named only where its name tells no place and no sensitive service; all others are one and the same "a
service that works with children", without day or number, so that neither a name nor a count betrays which it was.

Sources: UK GDPR Articles 12 and 15 and recital 63; DPA 2018 Schedule 2 paragraphs 2 and 16 and Schedule 3 (crime, the
rights of others, serious harm); Children Act 1989 section 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum

import msgspec

from samechild.policy.clocks import uk_day
from samechild.policy.consent.overrides import DoNotTell, is_told_nothing
from samechild.policy.consent.standing import Responsibility
from samechild.policy.governance.written import day_words, month_words, render
from samechild.policy.purposes import purposes
from samechild.records import Sensitivity
from samechild.records.disclosure import Mode
from samechild.records.types import record_types

GENERIC = "a service that works with children"
US = "us"
PART = "part of the record"

NATIONAL = frozenset({"department-for-education", "nhs-england"})
"""Kinds of organisation whose name tells neither a place nor anything about a child."""

WIDE = frozenset({"local-authority", "police-force", "integrated-care-board"})
"""Kinds named only when the officer records that this reader knows they are involved; their name tells an area."""

TELLING = (
    "refuge", "women", "mental", "sexual", "health clinic", "drug", "alcohol", "substance", "addiction", "hospice",
    "home", "foster", "adopt", "secure", "prison", "probation", "youth", "immigration", "asylum", "abuse", "violence",
    "crisis", "psych", "camhs", "hospital", "clinic",
)  # fmt: skip
"""Words that tell a sensitive service in any organisation's name; with one of them it is not named."""

CAREFUL = frozenset({"crime-prevention"})
"""Purposes that stand in a letter only when the officer has cleared the entry: telling could warn somebody."""

YOUNG_PURPOSES: Mapping[str, str] = {
    "child-protection": "to help keep you safe",
    "safeguarding": "to help keep you safe and well",
    "early-help": "to see if your family could use some help",
    "education-welfare": "to help you at school",
    "health-care": "to help look after your health",
    "crime-prevention": "to help stop people from hurting children",
    "linkage-quality": "to check that your file is only about you",
    "peoples-rights": "to answer a question about your file",
    "audit": "to check that people follow the rules",
    "statutory-return": "to tell the government how many children get help",
    "service-planning": "to plan help for children",
    "research": "to learn what helps children",
    "evaluation": "to find out if some help works",
    "development": "to make our computer work better",
}
"""What each purpose is, for a reader of nine to eleven."""


class Reader(StrEnum):
    """For whom a letter is written."""

    FAMILY = "family"
    YOUNG_PERSON = "young person"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One decision of the ledger about the child, as an officer sees it: opaque ids and codes, no name."""

    entry: int
    at: datetime
    user: str
    organisation: str
    role: str
    purpose: str
    record_type: str
    mode: str
    allowed: bool
    disclosed: bool  # an outcome stands in the ledger
    power: str = ""
    basis: str = ""
    agreement: str = ""
    emergency: bool = False
    with_user: str = ""  # the other person of a mediated look-up


class Service(msgspec.Struct, frozen=True):
    """An organisation as letters see it: its kind decides whether it may be named."""

    organisation: str
    kind: str
    name: str


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """What the officer checked before a letter is released, and decided to leave out.

    ``person`` is the opaque id of the reader. ``known`` are organisations the reader knows are involved; ``cleared``
    and ``withheld`` are ledger entries the officer decided on.
    """

    reader: Reader
    person: str
    identity: str  # how identity was checked
    checked_by: str
    responsibility: Responsibility | None = None
    understands: bool = False  # the young person understands what they are given
    known: tuple[str, ...] = ()
    cleared: tuple[int, ...] = ()
    withheld: tuple[int, ...] = ()


class Line(msgspec.Struct, frozen=True, order=True):
    """One line of a letter, in words; ``times`` is empty where a count could tell something."""

    on: date
    when: str
    who: str
    what: str
    why: str
    allowed: bool
    times: str = ""


class Letter(msgspec.Struct, frozen=True):
    """A letter, as a page and as plain text; it holds no name of a child or of anybody else."""

    html: str
    text: str
    lines: tuple[Line, ...]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What decides how a letter shows things: who writes it, whether the child is hidden, what is not told."""

    ours: str
    shielded: bool
    checks: Checks
    not_told: frozenset[str] = frozenset()


def why_not_release(checks: Checks, flags: list[DoNotTell], now: datetime) -> str:
    """Say why a letter may not be released to this reader; empty when it may.

    The words are for the officer. The reader is told only that no letter can be written, the same whatever the reason.
    """
    if not checks.identity.strip() or not checks.person:
        return "Record whose identity you checked, and how."
    if checks.reader is Reader.FAMILY and (
        checks.responsibility is None or not checks.responsibility.holds(uk_day(now))
    ):
        return "Record what shows that this person has parental responsibility today, and that you saw it."
    if checks.reader is Reader.YOUNG_PERSON and not checks.understands:
        return (
            "Record that the young person understands what they are given, or write to somebody who may act for them."
        )
    if is_told_nothing(flags, checks.person, now):
        return "This person must not be told: a do-not-tell flag stands."
    return ""


def may_name(service: Service, rules: Rules) -> bool:
    """Whether an organisation is named: never where its name tells a place or a sensitive service.

    National bodies always; a council, police force or integrated care board only for a child who was never shielded,
    and when the officer recorded that this reader knows they are involved.
    """
    if any(word in service.name.lower() for word in TELLING):
        return False
    if service.kind in NATIONAL:
        return True
    return service.kind in WIDE and not rules.shielded and service.organisation in rules.checks.known


def lines_of(looks: Iterable[Look], services: Mapping[str, Service], rules: Rules) -> list[Line]:
    """Put looks into the lines of a letter, oldest first: like ones together, hidden services all alike."""
    counted: Counter[Line] = Counter()
    for look in looks:
        if _is_told(look, rules):
            counted[_line(look, services, rules)] += 1
    return sorted(
        msgspec.structs.replace(line, times=_times(count)) if line.who != GENERIC else line
        for line, count in counted.items()
    )


def letter(
    looks: Iterable[Look], services: Mapping[str, Service], rules: Rules, *, today: date, contact: str = ""
) -> Letter:
    """Write the letter for the reader the officer checked.

    Args:
        looks: every decision of the ledger about the child's record.
        services: the organisations of the installation, by id.
        rules: who writes, whether the child is or was shielded, what was checked and is not told.
        today: the day of the letter.
        contact: how to reach the officer; left out for a shielded child, because it may tell an area.
    """
    lines = tuple(lines_of(looks, services, rules))
    name = "letter_young" if rules.checks.reader is Reader.YOUNG_PERSON else "letter_family"
    values = {"lines": lines, "today": day_words(today), "contact": "" if rules.shielded else contact}
    return Letter(render(f"{name}.html", **values), render(f"{name}.txt", **values), lines)


def _is_told(look: Look, rules: Rules) -> bool:
    if look.entry in rules.checks.withheld or look.purpose in rules.not_told:
        return False
    return look.purpose not in CAREFUL or look.entry in rules.checks.cleared


def _line(look: Look, services: Mapping[str, Service], rules: Rules) -> Line:
    who = _who(look, services, rules)
    day = uk_day(look.at)
    exact = not rules.shielded and who != GENERIC
    return Line(
        on=day if exact else day.replace(day=1),
        when=day_words(day) if exact else month_words(day),
        who=who,
        what=_what(look, rules),
        why=_why(look, rules),
        allowed=look.allowed,
    )


def _who(look: Look, services: Mapping[str, Service], rules: Rules) -> str:
    if look.organisation == rules.ours:
        return US
    service = services.get(look.organisation)
    return service.name if service is not None and may_name(service, rules) else GENERIC


def _what(look: Look, rules: Rules) -> str:
    """What was looked at, in words; what could tell a place, a service or another person is not told."""
    if rules.checks.reader is Reader.YOUNG_PERSON:
        return "your file"
    if look.mode == Mode.EXISTENCE:
        return "whether there is a record"
    kind = record_types().get(look.record_type)
    if kind is None or kind.location or kind.sensitive or kind.criminal or rules.shielded:
        return PART
    return PART if kind.sensitivity is Sensitivity.THIRD_PARTY else kind.title[0].lower() + kind.title[1:]


def _why(look: Look, rules: Rules) -> str:
    if rules.checks.reader is Reader.YOUNG_PERSON:
        return YOUNG_PURPOSES.get(look.purpose, "for a reason the law allows")
    purpose = purposes().get(look.purpose)
    return purpose.title if purpose is not None else "a purpose no longer used"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
