"""What of one record lies outside the agreement: sections nobody agreed to, and history older than agreed.

A section outside the agreement is refused, so that nobody keeps what nobody may; what is merely outside the agreed
history window is taken and flagged. Nothing here needs an installation: a council can ask the same before it sends.

Sources: UK GDPR Articles 5(1)(b) and 5(1)(c); the history window is that of the published extraction (24 months, then
back to 1 April).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from samechild.collection.records import (
    Adoption,
    Assessment,
    CareLeaver,
    CareWorker,
    Child,
    Enquiry,
    Episode,
    Fault,
    Feed,
    NeedPlan,
    Placement,
    ProtectionPlan,
    SdqAssessment,
    Thing,
    declared,
)
from samechild.collection.rules.days import window_start

CATEGORIES: tuple[str, ...] = (
    "child_details",
    "health_and_wellbeing",
    "social_care_episodes",
    "care_worker_details",
    "child_and_family_assessments",
    "child_in_need_plans",
    "section_47_assessments",
    "child_protection_plans",
    "child_looked_after_placements",
    "adoption",
    "care_leavers",
)
"""The sections an agreement may cover, by their names in what is sent."""

_DATES: dict[type, tuple[str, str]] = {
    Episode: ("referral_date", "closure_date"),
    CareWorker: ("start_date", "end_date"),
    Assessment: ("start_date", "authorisation_date"),
    NeedPlan: ("start_date", "end_date"),
    Enquiry: ("start_date", "end_date"),
    ProtectionPlan: ("start_date", "end_date"),
    Placement: ("start_date", "end_date"),
    Adoption: ("initial_decision_date", "placed_date"),
    CareLeaver: ("contact_date", "contact_date"),
    SdqAssessment: ("date", "date"),
}
"""The field of the first and of the last day of each thing that has dates."""

_IN_EPISODE = tuple(name for name in CATEGORIES if name in declared(Episode))
_TITLES = {name: each.title for kind in (Child, Episode) for name, each in declared(kind).items()}


def said(day: date) -> str:
    """Write a day as people say it, such as 5 April 2026."""
    return f"{day.day} {day:%B %Y}"


def beyond(feed: Feed, child: Child, today: date) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """What of one record lies outside the agreement: sections to refuse (AGR-01), and days to flag (AGR-02).

    What is to be purged may always be sent. A thing is outside the window when it ended before it or begins after it;
    of an episode that is outside as a whole nothing further is told.

    Args:
        feed: the terms.
        child: the record as sent.
        today: the day it was received; the window ends on the next.

    Returns:
        Faults that refuse the record, and faults that only flag it, with position 0: the caller knows the position.
    """
    if child.purge:
        return (), ()
    refused = tuple(
        Fault(0, pointer, "AGR-01", f"{_TITLES[name]}: the agreement does not cover this section. Leave it out.")
        for name, pointer, them in _sections(child)
        if name not in feed.categories and not all(getattr(each, "purge", None) for each in them)
    )
    first, last = window_start(today, feed.months), today + timedelta(days=1)
    flagged = tuple(
        Fault(0, pointer, "AGR-02", f"All of it lies outside the agreed history window, {said(first)} to tomorrow.")
        for pointer in _outside(child, first, last)
    )
    return refused, flagged


def _sections(child: Child) -> Iterator[tuple[str, str, tuple[Thing, ...]]]:
    """Every section that says something: its name, where it stands, and the things in it."""
    if child.child_details is not None:
        yield "child_details", "/child_details", (child.child_details,)
    if child.health_and_wellbeing is not None:
        yield "health_and_wellbeing", "/health_and_wellbeing", (child.health_and_wellbeing,)
    episodes = child.social_care_episodes or ()
    if episodes:
        yield "social_care_episodes", "/social_care_episodes", episodes
    for at, episode in enumerate(episodes):
        if episode.purge:
            continue
        for name in _IN_EPISODE:
            them = getattr(episode, name)
            if them:
                things = them if isinstance(them, tuple) else (them,)
                yield name, f"/social_care_episodes/{at}/{name}", things


def _outside(child: Child, first: date, last: date) -> Iterator[str]:
    """Where things stand that are outside the window as a whole."""
    wellbeing = child.health_and_wellbeing
    for at, score in enumerate((wellbeing and wellbeing.sdq_assessments) or ()):
        if _is_outside(score, first, last):
            yield f"/health_and_wellbeing/sdq_assessments/{at}"
    for at, episode in enumerate(child.social_care_episodes or ()):
        where = f"/social_care_episodes/{at}"
        if episode.purge:
            continue
        if _is_outside(episode, first, last):
            yield where
            continue
        for name in _IN_EPISODE:
            them = getattr(episode, name)
            if isinstance(them, tuple):
                yield from (f"{where}/{name}/{i}" for i, each in enumerate(them) if _is_outside(each, first, last))
            elif them is not None and _is_outside(them, first, last):
                yield f"{where}/{name}"


def _is_outside(thing: Thing, first: date, last: date) -> bool:
    begins, ends = (getattr(thing, name) for name in _DATES[type(thing)])
    if getattr(thing, "purge", None):
        return False
    return (ends is not None and ends < first) or (begins is not None and begins > last)
