"""What changes how consent counts: notices given, confidence overridden, harm suspected, somebody who is not told.

Each is dated, has a reason and a person who answers for it, and ends. An override is shown to information governance
within a day; above a threshold a second person must agree before it stands.

Sources: the Caldicott principles (2020), the eighth above all: inform, no surprises; *W v Egdell* [1990] Ch 359 and
HM Government's *Information sharing advice* (May 2024) on overriding confidence; Children Act 1989 sections 31(9) and
47 on significant harm.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from samechild.policy.consent.standing import Topic
from samechild.policy.purposes import purposes
from samechild.records import Issue, Severity
from samechild.records.types import record_types

SHOWN_WITHIN = timedelta(hours=24)
"""Information governance sees every override within a day."""

LONGEST = timedelta(days=90)
"""No override stands longer without being looked at again."""

ALONE_UP_TO = timedelta(days=28)
"""One authoriser is enough for so long, for content that is neither sensitive nor about crime, to few recipients."""

FEW = 2


class OverrideReason(StrEnum):
    """Why confidence gives way: the closed list of codes; the words stand beside it, sealed."""

    SIGNIFICANT_HARM = "significant harm to a child"
    HARM_TO_OTHERS = "serious harm to somebody else"
    SERIOUS_CRIME = "preventing or detecting serious crime"
    COURT = "order of a court"


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that confidence gives way to a stronger interest, for one topic and until a date of review.

    ``second`` is the second person, needed above the threshold. ``text`` is why, in words, kept sealed.
    """

    id: str
    record_key: str
    organisation: str
    topic: Topic
    reason: OverrideReason
    authoriser: str
    decided_at: datetime
    review_at: datetime
    second: str = ""
    text: str = ""
    ends: str = ""  # id of the override this ends before its review


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A privacy notice about a purpose that a family was given: which one, when and how."""

    id: str
    record_key: str
    organisation: str
    notice: str  # id and version of the notice
    purpose: str
    given_at: datetime
    given_by: str
    how: str


class Harm(msgspec.Struct, frozen=True, kw_only=True):
    """Reasonable cause to suspect significant harm, recorded by a practitioner, or that it is no longer suspected."""

    id: str
    record_key: str
    organisation: str
    suspected: bool
    recorded_at: datetime
    recorded_by: str
    text: str = ""


EVERYONE = "everyone"
"""A flag for everybody with parental responsibility, and not for one person."""


class DoNotTell(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody must not be told: no letter, no view for parents, no preview of an access request.

    ``person`` is an opaque id or :data:`EVERYONE`; ``purposes`` empty means about anything. ``lifts`` names the flag
    that this one lifts.
    """

    id: str
    record_key: str
    organisation: str
    person: str
    since: datetime
    set_by: str
    purposes: tuple[str, ...] = ()
    until: datetime | None = None
    lifts: str = ""
    text: str = ""


def needs_second(override: Override) -> bool:
    """Whether a second person must agree: sensitive or criminal content, more than two recipients, or over 28 days."""
    kinds = [record_types().get(name) for name in override.topic.record_types]
    grave = not kinds or any(kind is None or kind.sensitive or kind.criminal for kind in kinds)
    many = not override.topic.recipients or len(override.topic.recipients) > FEW
    return grave or many or override.review_at - override.decided_at > ALONE_UP_TO


def overrides_now(override: Override, all_of_them: list[Override], topic: Topic, now: datetime) -> bool:
    """Whether an override stands for a sharing: begun, not past its review, not ended, agreed by whom it needs."""
    ended = any(other.ends == override.id and other.decided_at <= now for other in all_of_them)
    agreed = not needs_second(override) or override.second not in ("", override.authoriser)
    return (
        not override.ends
        and not ended
        and agreed
        and override.decided_at <= now < override.review_at
        and override.topic.holds_all_of(topic)
    )


def is_told_nothing(flags: list[DoNotTell], person: str, now: datetime) -> bool:
    """Whether a person must not be told anything at all now."""
    return any(not flag.purposes for flag in flags_for(flags, person, now))


def purposes_not_told(flags: list[DoNotTell], person: str, now: datetime) -> frozenset[str]:
    """The purposes a person must not be told about now."""
    return frozenset(purpose for flag in flags_for(flags, person, now) for purpose in flag.purposes)


def flags_for(flags: list[DoNotTell], person: str, now: datetime) -> list[DoNotTell]:
    """The flags that stand now against telling a person: theirs, and those for everybody."""
    lifted = {flag.lifts for flag in flags if flag.lifts and flag.since <= now}
    return [
        flag
        for flag in flags
        if not flag.lifts
        and flag.id not in lifted
        and flag.person in (person, EVERYONE)
        and flag.since <= now
        and (flag.until is None or now < flag.until)
    ]


def check_override(override: Override, now: datetime) -> list[Issue]:
    """List everything wrong with an override before it is kept."""
    alone = override.second in ("", override.authoriser)
    ending = bool(override.ends)
    found = (
        (not override.text.strip(), "text", "reason", "Say in words why confidence gives way."),
        (not override.authoriser, "authoriser", "authoriser", "Name who authorises it."),
        (override.topic.purpose not in purposes(), "purpose", "purpose", "Choose one of the declared purposes."),
        (
            any(name not in record_types() for name in override.topic.record_types),
            "record types",
            "record-type",
            "Choose declared record types.",
        ),
        (
            not ending and not (override.topic.record_types and override.topic.recipients),
            "topic",
            "specific",
            "Say which record types go to which organisations: no override is general.",
        ),
        (override.decided_at > now, "decided at", "future", "A decision cannot lie in the future."),
        (
            not ending and not override.decided_at < override.review_at <= override.decided_at + LONGEST,
            "review date",
            "review",
            f"Set a date of review within {LONGEST.days} days.",
        ),
        (
            not ending and needs_second(override) and alone,
            "second person",
            "second",
            "A second person must agree to this one: it is sensitive, about crime, long, or goes to many.",
        ),
    )
    return _issues("override", found)


def check_notice(notice: Notice, now: datetime) -> list[Issue]:
    """List everything wrong with the record of a notice before it is kept."""
    return _issues(
        "notice",
        (
            (notice.purpose not in purposes(), "purpose", "purpose", "Choose one of the declared purposes."),
            (not notice.notice.strip(), "notice", "notice", "Name the notice that was given, with its version."),
            (not notice.how.strip(), "how", "how", "Say how the family got it."),
            (notice.given_at > now, "given at", "future", "A notice cannot have been given in the future."),
        ),
    )


def check_flag(flag: DoNotTell, now: datetime) -> list[Issue]:
    """List everything wrong with a do-not-tell flag before it is kept."""
    return _issues(
        "do not tell",
        (
            (
                not flag.text.strip(),
                "text",
                "reason",
                "Say in words why this person is not told, or may be told again.",
            ),
            (not flag.person, "person", "person", "Say who is not told: one person, or everyone."),
            (any(name not in purposes() for name in flag.purposes), "purposes", "purpose", "Choose declared purposes."),
            (flag.since > now, "since", "future", "A flag holds from now: it cannot begin later."),
            (flag.until is not None and flag.until <= flag.since, "until", "until-before", "It ends before it begins."),
        ),
    )


def check_harm(harm: Harm, now: datetime) -> list[Issue]:
    """List everything wrong with the record of a suspicion of harm before it is kept."""
    return _issues(
        "harm",
        (
            (not harm.text.strip(), "text", "reason", "Say in words what the suspicion, or its end, rests on."),
            (harm.recorded_at > now, "recorded at", "future", "It cannot have been recorded in the future."),
        ),
    )


def _issues(sheet: str, found: tuple[tuple[bool, str, str, str], ...]) -> list[Issue]:
    kind = sheet.replace(" ", "-")
    return [
        Issue(sheet, 0, column, f"{kind}-{code}", Severity.ERROR, words)
        for wrong, column, code, words in found
        if wrong
    ]
