"""Registers with clocks: what an officer must look at, by when, and what may happen to it next.

Incidents (72 hours to the Information Commissioner), people's requests (one calendar month), data protection concerns
(acknowledged within 30 days), and what the gate itself sends for review: refused safeguarding requests, broken glass,
lifted shields, overridden confidence, people who disagree. A case is never rewritten: each step is added, and state and
due date follow from the steps.

Sources: UK GDPR Articles 12(3), 12A (inserted by the Data (Use and Access) Act 2025), 15 to 21, 33 and 34; DPA 2018
section 164A (complaints to controllers); ICO guidance on time limits and on personal data breaches. How soon the gate's
own cases are reviewed is the choice of this project, as data below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

import msgspec

from samechild.policy.clocks import add_working_days, end_of_day, month_limit, uk_day, working_day_from


class Register(StrEnum):
    """The registers, each with its own states."""

    INCIDENT = "incident"
    REQUEST = "request"
    CONCERN = "concern"
    REFUSED = "refused safeguarding request"
    GLASS = "broken glass"
    SHIELD = "lifted shield"
    OVERRIDE = "overridden confidence"
    DISAGREEMENT = "disagreement about consent"


REQUESTS = ("access", "correction", "objection", "erasure", "restriction", "portability")
"""The kinds of request a person may make (UK GDPR Articles 15 to 21)."""

_REVIEWED = {
    "waiting": {"take up": "in review", "review": "reviewed", "raise": "raised"},
    "in review": {"review": "reviewed", "raise": "raised"},
    "raised": {"review": "reviewed"},
    "reviewed": {},
}

TRANSITIONS: Mapping[Register, Mapping[str, Mapping[str, str]]] = {
    Register.INCIDENT: {
        "reported": {"assess as reportable": "to notify", "assess as not reportable": "recorded"},
        "to notify": {"notify the Commissioner": "notified", "assess as not reportable": "recorded"},
        "notified": {"tell the people concerned": "people told", "nobody need be told": "closed"},
        "people told": {"close": "closed"},
        "recorded": {"assess as reportable": "to notify", "close": "closed"},
        "closed": {"reopen": "reported"},
    },
    Register.REQUEST: {
        "received": {"ask for identity": "identity asked", "confirm identity": "open", "refuse": "refused"},
        "identity asked": {"confirm identity": "open", "close without answer": "closed"},
        "open": {
            "ask for clarification": "paused",
            "extend": "extended",
            "answer": "answered",
            "refuse": "refused",
        },
        "extended": {"ask for clarification": "paused while extended", "answer": "answered", "refuse": "refused"},
        "paused": {"clarified": "open", "answer": "answered", "close without answer": "closed"},
        "paused while extended": {"clarified": "extended", "answer": "answered", "close without answer": "closed"},
        "answered": {"close": "closed"},
        "refused": {"close": "closed", "reconsider": "open"},
        "closed": {},
    },
    Register.CONCERN: {
        "received": {"acknowledge": "looked into"},
        "looked into": {"answer": "answered"},
        "answered": {"close": "closed", "look again": "looked into"},
        "closed": {},
    },
    Register.REFUSED: _REVIEWED,
    Register.GLASS: _REVIEWED,
    Register.SHIELD: _REVIEWED,
    Register.OVERRIDE: _REVIEWED,
    Register.DISAGREEMENT: _REVIEWED,
}
"""What may be done in each state, and the state it leads to. A case begins in the first state of its register."""

OUTCOMES: Mapping[Register, tuple[str, ...]] = {
    Register.REFUSED: (
        "rightly refused",
        "shared another way",
        "asker shown whom to ask",
        "access mended",
        "child seen",
    ),
    Register.GLASS: ("justified", "not justified"),
    Register.SHIELD: ("justified", "not justified"),
    Register.OVERRIDE: ("seen and agreed", "ended"),
    Register.DISAGREEMENT: ("able child's decision stands", "agreement reached", "court asked", "not shared"),
}
"""What a review may find; a review says one of these."""

REASON_NEEDED = frozenset(
    {"assess as not reportable", "nobody need be told", "extend", "refuse", "raise", "review", "reopen", "reconsider"}
)
"""Steps for which the reasons are recorded, sealed."""

_OFFICER = ("information-governance",)
OWNERS: Mapping[Register, tuple[str, ...]] = {
    **dict.fromkeys(Register, _OFFICER),
    Register.REFUSED: (*_OFFICER, "duty-desk", "safeguarding-lead"),
    Register.DISAGREEMENT: (*_OFFICER, "duty-desk", "safeguarding-lead"),
}
"""Which roles take the steps of a register; anybody signed in may report an incident or concern."""

ANYBODY_OPENS = frozenset({Register.INCIDENT, Register.CONCERN, Register.REQUEST})
"""Registers in which anybody signed in may open a case; the gate itself opens the others."""

ANSWERING = frozenset({"acknowledge", "answer"})
"""Steps that the organisation takes to which a concern was put."""

TO_THE_COMMISSIONER = timedelta(hours=72)
TO_ACKNOWLEDGE = timedelta(days=30)
FURTHER_MONTHS = 2

WITHIN_HOURS: Mapping[Register, int] = {Register.GLASS: 24, Register.SHIELD: 24, Register.OVERRIDE: 24}
"""So soon information governance sees them."""

REFUSED_WITHIN_HOURS: Mapping[str, int] = {"child-protection": 4}
"""A refused request about protecting a child is looked at within hours; others by the end of the next working day."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a case; steps count from 1. ``outcome`` is a code, ``note`` the reasons, sealed."""

    case: str
    number: int
    at: datetime
    by: str
    action: str
    outcome: str = ""
    note: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case of a register: whose it is, when its clock began, and which opaque things it is about.

    ``kind`` is the kind of request, or the purpose that was refused. ``started`` is when the clock began: awareness of
    an incident, receipt of a request, the refusal. ``about_user`` is whose doing is reviewed, ``asking`` their
    organisation, or the one to which a concern was put; ``about_entry`` the ledger entry it came from. ``text`` is kept
    sealed.
    """

    id: str
    register: Register
    organisation: str
    started: datetime
    opened_at: datetime
    opened_by: str
    kind: str = ""
    record_key: str = ""
    about_user: str = ""
    asking: str = ""
    about_entry: int | None = None
    named: str = ""  # the person who was asked to look at it
    text: str = ""


class Due(msgspec.Struct, frozen=True):
    """How a case stands: its state, when the next thing is due (None: nothing is), and whether that is past."""

    state: str
    at: datetime | None
    late: bool


def first_state(register: Register) -> str:
    """The state in which a case of a register begins."""
    return next(iter(TRANSITIONS[register]))


def state_of(case: Case, steps: Sequence[Step]) -> str:
    """The state a case is in after its steps, in order."""
    state = first_state(case.register)
    for step in steps:
        state = TRANSITIONS[case.register][state][step.action]
    return state


def why_not(case: Case, steps: Sequence[Step], step: Step, role: str) -> str:
    """Say why a step may not be taken now; empty when it may."""
    state = state_of(case, steps)
    may = TRANSITIONS[case.register][state]
    outcomes = OUTCOMES.get(case.register, ())
    if role not in OWNERS[case.register]:
        return f"This is done by: {', '.join(OWNERS[case.register])}."
    if case.about_user and step.by == case.about_user:
        return "Nobody reviews what they did themselves: ask a colleague."
    if step.action not in may:
        return f"The case is {state}. What can be done next: {', '.join(may) or 'nothing'}."
    if step.number != len(steps) + 1 or (steps and step.at < steps[-1].at) or step.at < case.opened_at:
        return "Somebody else took a step meanwhile, or the clock moved back: look at the case again."
    if step.action == "review" and step.outcome not in outcomes:
        return f"Say what the review found: {', '.join(outcomes)}."
    if step.action != "review" and step.outcome:
        return "Only a review has an outcome."
    if (step.action in REASON_NEEDED or _is_late(case, steps, step)) and not step.note.strip():
        return "Record the reasons in a sentence; a step taken late needs them too."
    if step.action == "extend" and step.at >= (due_at(case, steps) or step.at):
        return "It can be extended only within the first month: answer it now."
    return ""


def due_at(case: Case, steps: Sequence[Step]) -> datetime | None:
    """When the next thing is due in a case by law or by our own rule; None when nothing is."""
    state = state_of(case, steps)
    if case.register is Register.INCIDENT:
        return case.started + TO_THE_COMMISSIONER if state in ("reported", "to notify") else None
    if case.register is Register.REQUEST:
        return _request_due(case, steps, state)
    if case.register is Register.CONCERN:
        return end_of_day(uk_day(case.started + TO_ACKNOWLEDGE)) if state == "received" else None
    if state == "reviewed":
        return None
    hours = WITHIN_HOURS.get(case.register)
    if case.register is Register.REFUSED:
        hours = REFUSED_WITHIN_HOURS.get(case.kind)
    if hours is not None:
        return case.started + timedelta(hours=hours)
    return end_of_day(add_working_days(uk_day(case.started), 1))


def how_it_stands(case: Case, steps: Sequence[Step], now: datetime) -> Due:
    """The state of a case, when the next thing is due, and whether that is past."""
    due = due_at(case, steps)
    return Due(state_of(case, steps), due, due is not None and now >= due)


def taken(case: Case, steps: Sequence[Step]) -> timedelta | None:
    """How long it took from the start of a case's clock to its review or answer; None while there is none."""
    ends = [step.at for step in steps if step.action in ("review", "answer")]
    return ends[0] - case.started if ends else None


def _is_late(case: Case, steps: Sequence[Step], step: Step) -> bool:
    due = due_at(case, steps)
    return due is not None and step.at >= due


_CLOCK_RUNS = frozenset({"received", "open", "extended"})


def _request_due(case: Case, steps: Sequence[Step], state: str) -> datetime | None:
    """One month from receipt, or from proof of identity where it was asked for; longer by what was paused or extended.

    While identity or clarification is awaited the clock stands still, and nothing is due.
    """
    if state not in _CLOCK_RUNS:
        return None
    starts, months, paused = case.started, 1, timedelta()
    for before, step in pairwise(steps):
        if step.action == "confirm identity":
            starts = step.at
        if step.action == "clarified":
            paused += step.at - before.at
        if step.action == "extend":
            months += FURTHER_MONTHS
    limit = month_limit(uk_day(starts), months)
    return end_of_day(working_day_from(limit + timedelta(days=paused.days + (paused.seconds > 0))))
