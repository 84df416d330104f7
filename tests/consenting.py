"""Decisions about sharing, made for tests: only what a test is about is stated. Everybody is invented."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from samechild.policy.consent.overrides import DoNotTell, Harm, Notice, Override, OverrideReason
from samechild.policy.consent.share_forms import Answer, Item, ShareForm, Test
from samechild.policy.consent.standing import (
    Age,
    Competence,
    ConsentRecord,
    Decider,
    Response,
    Responsibility,
    Source,
    Topic,
    Way,
)

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
TOPIC = Topic("safeguarding", ("social-care.episode",), ("school",))
ASKED = Topic("safeguarding", ("social-care.episode",), ("school",))
ELEMENTS = (
    "understands_what",
    "understands_who_and_why",
    "understands_if_shared",
    "understands_if_not",
    "decides_freely",
)


def an_assessment(**given: Any) -> Competence:
    """A child found able to take the decision about :data:`TOPIC`."""
    usual = {"topic": TOPIC, "assessor": "worker", "assessed_at": NOW - 3 * DAY, **dict.fromkeys(ELEMENTS, True)}
    return Competence(**{**usual, **given})


def a_responsibility(**given: Any) -> Responsibility:
    """A mother by birth registration."""
    usual = {
        "relationship": "mother",
        "source": Source.BIRTH_REGISTRATION,
        "since": date(2014, 3, 9),
        "seen_by": "worker",
    }
    return Responsibility(**{**usual, **given})


def a_parents(**given: Any) -> ConsentRecord:
    """A mother consents by letter, two days ago, for a year."""
    usual = {
        "id": "p1",
        "record_key": "r1",
        "organisation": "council",
        "topic": TOPIC,
        "decider": Decider.PARENT,
        "response": Response.GIVEN,
        "decided_at": NOW - 2 * DAY,
        "recorded_by": "worker",
        "way": Way.PAPER,
        "person": "mother",
        "age": Age.UNDER_16,
        "responsibility": a_responsibility(),
        "valid_until": NOW + 365 * DAY,
    }
    made = {**usual, **given}
    if made["response"] in (Response.REFUSED, Response.WITHDRAWN) and "valid_until" not in given:
        made["valid_until"] = None
    return ConsentRecord(**made)


def a_childs(**given: Any) -> ConsentRecord:
    """A child of twelve, found able to decide this, consents by letter, two days ago."""
    usual = {
        "id": "c1",
        "decider": Decider.CHILD,
        "person": "",
        "responsibility": None,
        "competence": an_assessment(),
    }
    return a_parents(**{**usual, **given})


def nobodys(**given: Any) -> ConsentRecord:
    """Consent implied by a notice that was given at the outset."""
    usual = {
        "id": "n1",
        "decider": Decider.NOBODY,
        "person": "",
        "response": Response.IMPLIED,
        "responsibility": None,
        "way": None,
        "notice": "family notice, version 2",
    }
    return a_parents(**{**usual, **given})


def an_override(**given: Any) -> Override:
    """Confidence gives way for a week, for one kind of record to one school."""
    usual = {
        "id": "o1",
        "record_key": "r1",
        "organisation": "council",
        "topic": TOPIC,
        "reason": OverrideReason.SIGNIFICANT_HARM,
        "authoriser": "head",
        "decided_at": NOW - DAY,
        "review_at": NOW + 6 * DAY,
        "text": "the child said something that cannot wait",
    }
    return Override(**{**usual, **given})


def a_notice(**given: Any) -> Notice:
    """The family was given the notice about safeguarding."""
    usual = {
        "id": "t1",
        "record_key": "r1",
        "organisation": "council",
        "notice": "family notice, version 2",
        "purpose": "safeguarding",
        "given_at": NOW - 5 * DAY,
        "given_by": "worker",
        "how": "by hand",
    }
    return Notice(**{**usual, **given})


def a_suspicion(**given: Any) -> Harm:
    """Significant harm is suspected."""
    usual = {
        "id": "h1",
        "record_key": "r1",
        "organisation": "council",
        "suspected": True,
        "recorded_at": NOW - DAY,
        "recorded_by": "worker",
        "text": "what was seen on the visit",
    }
    return Harm(**{**usual, **given})


def a_flag(**given: Any) -> DoNotTell:
    """The father must not be told anything."""
    usual = {
        "id": "f1",
        "record_key": "r1",
        "organisation": "council",
        "person": "father",
        "since": NOW - DAY,
        "set_by": "worker",
        "text": "the child would be at risk",
    }
    return DoNotTell(**{**usual, **given})


def a_form(**given: Any) -> ShareForm:
    """A decision to share where the child goes to school with the council's own partner."""
    usual = {
        "id": "s1",
        "record_key": "r1",
        "organisation": "council",
        "shared": True,
        "purpose": "safeguarding",
        "recipient": "school",
        "items": (Item("education.setting"),),
        "answers": {test: Answer(True) for test in Test},
        "decided_by": "worker",
        "decided_at": NOW - DAY,
        "text": "so that the school knows whom to ask",
        "basis": "6(1)(e)",
        "told": True,
    }
    return ShareForm(**{**usual, **given})
