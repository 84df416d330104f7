"""Law in force: the dated entries that turn a power or a scheme of identifiers on, and shadow weeks.

Children Act 2004 section 16LC, and wider use of the consistent identifier, are off until somebody enters from when they
are in force and by which instrument.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from samechild.errors import Invalid
from samechild.policy.agreement_actions import enter_law, start_shadow
from samechild.policy.bases import powers
from samechild.policy.records import LegalEntry, Scheme
from samechild.policy.shown import law_in_force, shadow_weeks
from samechild.web.blocks import Answer, Block, Questions, Redirect, Sheet, Table, Warn, Words, day
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names

PART = "/law"
_HINT = "For example, 27 3 2026."
_WAITING = (
    *(Choice(each.name, each.title) for each in powers().values() if each.entry),
    Choice(Scheme.UNIVERSAL.value, "The identifier in all service delivery (universal)"),
    Choice(Scheme.UNIVERSAL_PLUS.value, "The identifier, by pseudonym, in planning too (universal plus)"),
)
ENTER = Form(
    button="Enter it",
    risky=True,
    fields=(
        Field(name="name", label="What comes into force?", kind="choice", choices=_WAITING),
        Field(name="from", label="From", kind="date", hint=_HINT),
        Field(name="until", label="Until", kind="date", hint=_HINT, needed=False),
        Field(name="source", label="By which instrument?", hint="As cited, such as: SI 2026/123, regulation 4."),
    ),
)
SHADOW = Form(
    button="Begin shadow weeks",
    fields=(Field(name="until", label="Shadow weeks of your organisation until", kind="date", hint=_HINT),),
)


def show(visit: Visit) -> Answer:
    """What is in force, and the forms that change it."""
    return _show(visit)


def _show(visit: Visit, filled: Filled | None = None, to: str = "/law") -> Sheet:
    entries, shadows = law_in_force(visit.store), shadow_weeks(visit.store)
    names = organisation_names(visit.store)
    words = {choice.value: choice.words for choice in _WAITING}
    blocks: list[Block] = [
        Words("These are off unless an entry here says from when they are in force, and by which instrument."),
        Table(
            "Entries",
            ("What", "From", "Until", "Instrument"),
            tuple((words.get(e.name, e.name), day(e.in_force_from), _until(e), e.source) for e in entries),
        ),
        Warn("An entry is obeyed by the very next decision of every organisation here. It is never taken out again."),
        Questions(filled if filled and to == PART else blank(ENTER), PART),
        Table(
            "Shadow weeks",
            ("Organisation", "From", "Until"),
            tuple((names.get(row.organisation, NOBODY_KNOWS), day(row.since), day(row.until)) for row in shadows),
        ),
        Words("In its shadow weeks an organisation's questions are decided and recorded, and nothing is disclosed."),
        Questions(filled if filled and to != PART else blank(SHADOW), "/law/shadow"),
    ]
    return Sheet(title="Law in force", blocks=tuple(blocks), wide=True, status=400 if filled else 200)


def _until(entry: LegalEntry) -> str:
    return day(entry.in_force_until) or "No end"


def _midnight(given: date | None) -> datetime | None:
    return None if given is None else datetime.combine(given, time(), UTC)


def enter(visit: Visit, sent: Sent) -> Answer:
    """Enter what comes into force."""
    filled = read(ENTER, sent)
    begins = _midnight(filled.day("from"))
    if filled.problems or begins is None:
        return _show(visit, filled)
    entry = LegalEntry(filled.one("name"), begins, filled.one("source"), _midnight(filled.day("until")))
    try:
        enter_law(visit.store, visit.by, entry, visit.now)
    except Invalid as error:
        return _show(visit, wrong(filled, str(error), "until"))
    return Redirect(to="/law?done=entered")


def shadow(visit: Visit, sent: Sent) -> Answer:
    """Begin one's own organisation's shadow weeks."""
    filled = read(SHADOW, sent)
    until = _midnight(filled.day("until"))
    if filled.problems or until is None:
        return _show(visit, filled, "/law/shadow")
    try:
        start_shadow(visit.store, visit.by, visit.by.organisation, until, visit.now)
    except Invalid as error:
        return _show(visit, wrong(filled, str(error), "until"), "/law/shadow")
    return Redirect(to="/law?done=entered")


PAGES = (
    Page(path="/law", who=OFFICERS, show=show, do=enter, part=PART),
    Page(path="/law/shadow", who=OFFICERS, do=shadow, part=PART),
)
