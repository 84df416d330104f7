"""What must be there before a decision about sharing is kept: every gap named at once, with what to do.

Verbal consent without details, a parent without a dated and sourced parental responsibility, a child without an
assessment for this very decision, implied consent without a notice: none of these is kept.

Sources: as :mod:`samechild.policy.consent.standing`; UK GDPR Article 7(1) (consent must be demonstrable).
"""

from __future__ import annotations

from datetime import date, datetime

from samechild.policy.consent.standing import (
    DECISIONS,
    LASTING,
    VERBAL,
    Age,
    ConsentRecord,
    Decider,
    Response,
    Way,
    may_withdraw,
)
from samechild.policy.purposes import purposes
from samechild.records import Issue, Severity
from samechild.records.types import record_types

SHEET = "consent"
"""What an issue found here is about."""


def prompt_by_age(age: int | None) -> str:
    """Remind a practitioner whom to ask first, by age: a prompt and never a rule, since competence has no lower age.

    Args:
        age: whole years, None when unknown.
    """
    if age is None:
        return "The age is not known. Ask the child if they can understand this decision, and a parent if not."
    if age >= 18:
        return "This is an adult: they decide. Nobody has parental responsibility for them."
    if age >= 16:
        return "At 16 or 17 a young person is presumed able to decide. Assess it only if you have reason to doubt it."
    return (
        "Assess whether the child can take this one decision: there is no lower age limit. If they cannot, ask "
        "somebody with parental responsibility, and record what the child wishes."
    )


def check(
    record: ConsentRecord, now: datetime, previous: ConsentRecord | None = None, eighteenth: date | None = None
) -> list[Issue]:
    """List everything wrong with a record of a decision before it is kept; a door shows all of it at once.

    Args:
        record: the decision as entered, with its texts.
        now: the moment of recording.
        previous: the record that this one withdraws or makes void.
        eighteenth: the child's eighteenth birthday, when known: a parent's consent ends there.
    """
    return [
        Issue(SHEET, 0, column, f"consent-{code}", Severity.ERROR, words)
        for wrong, column, code, words in (
            *_about_topic(record),
            *_about_previous(record, previous),
            *_about_person(record),
            *_about_time(record, now, eighteenth),
        )
        if wrong
    ]


_Found = tuple[bool, str, str, str]


def _about_topic(record: ConsentRecord) -> list[_Found]:
    known = record_types()
    topic = record.topic
    narrow = record.response in (Response.GIVEN, Response.IMPLIED)
    return [
        (topic.purpose not in purposes(), "purpose", "purpose", "Choose one of the declared purposes."),
        (
            any(name not in known for name in topic.record_types),
            "record types",
            "record-type",
            "Choose declared record types.",
        ),
        (
            narrow and not (topic.record_types and topic.recipients),
            "topic",
            "specific",
            "Consent is to something definite: say which record types, and which organisations would receive them.",
        ),
        (
            record.response is Response.IMPLIED and not record.notice,
            "notice",
            "notice",
            "Without a notice given at the outset nothing is implied: enter the notice, or ask.",
        ),
        (
            record.response in (Response.NOT_ASKED, Response.NOT_PROVIDED, Response.INVALIDATED)
            and not record.reason.strip(),
            "reason",
            "reason",
            "Record the reason in a sentence.",
        ),
    ]


def _about_person(record: ConsentRecord) -> list[_Found]:
    decided = record.response in (*DECISIONS, Response.NOT_PROVIDED)
    child, parent = record.decider is Decider.CHILD, record.decider is Decider.PARENT
    held, found = record.responsibility, record.competence
    asks_nobody = record.response in (Response.IMPLIED, Response.NOT_ASKED)
    return [
        (
            decided and record.way is None,
            "way",
            "way",
            "Say how the answer came: web, phone, paper, in person or self.",
        ),
        (
            decided and record.way in VERBAL and not record.details.strip(),
            "details",
            "verbal-details",
            "A spoken answer needs details: what was explained, what was said, and who was there.",
        ),
        (
            record.way is Way.SELF and not child,
            "way",
            "self",
            "Only the young person's own answer can come from themselves.",
        ),
        (
            asks_nobody != (record.decider is Decider.NOBODY) and record.response is not Response.INVALIDATED,
            "decider",
            "decider",
            "Say who decided; nobody decides what is implied by a notice or was not asked.",
        ),
        (parent and not record.person, "person", "person", "Say which person with parental responsibility answered."),
        (
            parent and decided and (held is None or not held.holds(record.decided_at.date())),
            "responsibility",
            "responsibility",
            "Record what shows parental responsibility, since when, and that it held on the day of the decision.",
        ),
        (parent and record.age is Age.ADULT, "decider", "adult", "Nobody has parental responsibility for an adult."),
        (
            child and record.response is Response.GIVEN and found is None and record.age in (Age.UNDER_16, Age.UNKNOWN),
            "competence",
            "competence",
            "Record the assessment of whether the child can take this decision; a refusal is kept without one.",
        ),
        (
            found is not None and (found.topic != record.topic or found.assessed_at > record.decided_at),
            "competence",
            "competence-topic",
            "The assessment must be for this very decision, and made before it.",
        ),
        (
            child and record.response is Response.GIVEN and found is not None and not found.holds,
            "competence",
            "not-able",
            "All five elements must be true for the child to consent: ask a person with parental responsibility.",
        ),
    ]


def _about_time(record: ConsentRecord, now: datetime, eighteenth: date | None) -> list[_Found]:
    until, parent = record.valid_until, record.decider is Decider.PARENT
    return [
        (record.decided_at > now, "decided at", "future", "A decision cannot lie in the future."),
        (
            record.response in (Response.GIVEN, Response.IMPLIED) and until is None,
            "valid until",
            "until",
            "Say until when it holds: consent that never ends is not specific.",
        ),
        (
            until is not None and until <= record.decided_at,
            "valid until",
            "until-before",
            "It cannot end before it begins.",
        ),
        (
            record.response in LASTING and until is not None,
            "valid until",
            "lasting",
            "A refusal or withdrawal has no end: it stands until the person decides otherwise.",
        ),
        (
            parent and until is not None and eighteenth is not None and until.date() > eighteenth,
            "valid until",
            "eighteen",
            "A parent's consent ends on the child's eighteenth birthday at the latest.",
        ),
    ]


def _about_previous(record: ConsentRecord, previous: ConsentRecord | None) -> list[_Found]:
    follows = record.response in (Response.WITHDRAWN, Response.INVALIDATED)
    other = previous is not None and (previous.id, previous.record_key) != (record.succeeds, record.record_key)
    return [
        (
            follows != bool(record.succeeds) or bool(record.succeeds) != (previous is not None) or other,
            "succeeds",
            "succeeds",
            "A withdrawal, or what makes a record void, names the recorded decision it is about; nothing else does.",
        ),
        (
            previous is not None
            and record.response is Response.WITHDRAWN
            and not (may_withdraw(record, previous) and record.topic.holds_all_of(previous.topic)),
            "succeeds",
            "withdraws",
            "Only who consented withdraws it, and wholly: record a refusal of anything else.",
        ),
    ]
