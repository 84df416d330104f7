"""Rules about the closure of a social care episode, and what must not follow it: EPI-06 to 08, 13 to 20."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from samechild.collection.records import (
    Assessment,
    CareLeaver,
    Child,
    Enquiry,
    Episode,
    NeedPlan,
    Placement,
    ProtectionPlan,
    SdqAssessment,
    Thing,
)
from samechild.collection.rules.care import ADOPTED
from samechild.collection.rules.codes import codes
from samechild.collection.rules.enquiries import is_unsettled
from samechild.collection.rules.examples import (
    a_child,
    an_episode,
    assessment,
    enquiry,
    look,
    need_plan,
    placement,
    plan,
    sdq,
)
from samechild.collection.rules.parts import each, episodes, parts
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule

AFTER_ASSESSMENT = frozenset({"RC8", "RC9"})
"""Closed after an assessment: no further action, or early help."""
DIED = "RC2"
DIED_IN_CARE = "E2"


@rule(
    "EPI-06",
    on=Episode,
    grade=Grade.ERROR,
    fields=("closure_date", "closure_reason"),
    analogue="CIN 8805",
    message="The episode is closed and gives no reason",
    mend="Enter why the case was closed (RC1 to RC9).",
    passes=[an_episode("2026-03-02", "2026-05-01", "RC7"), an_episode()],
    fails=[an_episode("2026-03-02", "2026-05-01")],
)
def reason_missing(it: Episode, at: At) -> bool:
    """A closure without a reason."""
    return it.closure_date is not None and it.closure_reason is None


@rule(
    "EPI-07",
    on=Episode,
    grade=Grade.ERROR,
    fields=("closure_date", "closure_reason"),
    analogue="CIN 8810",
    message="There is a closure reason and no closure date",
    mend="Enter the closure date, or take the reason away while the case is open.",
    passes=[an_episode("2026-03-02", "2026-05-01", "RC7"), an_episode()],
    fails=[an_episode("2026-03-02", None, "RC7")],
)
def closure_missing(it: Episode, at: At) -> bool:
    """A reason without a closure."""
    return it.closure_reason is not None and it.closure_date is None


@rule(
    "EPI-08",
    on=Episode,
    grade=Grade.ERROR,
    fields=("closure_reason",),
    analogue="CIN 8640",
    message="The closure reason is not one of RC1 to RC9",
    mend="Choose one of RC1 to RC9.",
    passes=[an_episode("2026-03-02", "2026-05-01", "RC9"), an_episode()],
    fails=[an_episode("2026-03-02", "2026-05-01", "RC0"), an_episode("2026-03-02", "2026-05-01", "7")],
)
def reason_unknown(it: Episode, at: At) -> bool:
    """A reason that is not of the list."""
    return it.closure_reason is not None and it.closure_reason not in codes("closure_reason")


@rule(
    "EPI-13",
    on=Episode,
    grade=Grade.ERROR,
    fields=("closure_reason", "section_47_assessments", "child_in_need_plans", "child_protection_plans"),
    analogue="CIN 2990",
    message="The episode was closed after assessment (RC8 or RC9), yet an enquiry or a plan was recorded",
    mend="Correct the closure reason, or erase what was recorded on the wrong episode.",
    passes=[
        an_episode("2026-03-02", "2026-05-01", "RC8", assessments=[assessment("2026-03-03", "2026-05-01")]),
        an_episode("2026-03-02", "2026-05-01", "RC7", need_plans=[need_plan("2026-03-03", "2026-05-01")]),
    ],
    fails=[
        an_episode("2026-03-02", "2026-05-01", "RC8", enquiries=[enquiry("2026-03-03", required=False)]),
        an_episode("2026-03-02", "2026-05-01", "RC9", need_plans=[need_plan("2026-03-03", "2026-05-01")]),
        an_episode("2026-03-02", "2026-05-01", "RC9", plans=[plan("2026-03-03", "2026-05-01")]),
    ],
)
def closed_early_and_later_work(it: Episode, at: At) -> list[list[Cell]]:
    """A closure after assessment, and work that comes after an assessment."""
    if it.closure_reason not in AFTER_ASSESSMENT:
        return []
    later: list[Cell] = [
        *((held, "start_date") for held in it.section_47_assessments or ()),
        *((held, "start_date") for held in it.child_in_need_plans or ()),
        *((held, "start_date") for held in it.child_protection_plans or ()),
    ]
    return [[(it, "closure_reason"), *later]] if later else []


@rule(
    "EPI-14",
    on=Episode,
    grade=Grade.QUERY,
    fields=("closure_reason", "child_and_family_assessments"),
    analogue="CIN 8825Q",
    message="The episode was closed after assessment (RC8 or RC9), and there is no assessment",
    mend="Enter the assessment, or correct the closure reason.",
    passes=[
        an_episode("2026-03-02", "2026-05-01", "RC8", assessments=[assessment("2026-03-03", "2026-05-01")]),
        an_episode("2026-03-02", "2026-05-01", "RC7"),
    ],
    fails=[
        an_episode("2026-03-02", "2026-05-01", "RC8"),
        an_episode("2026-03-02", "2026-05-01", "RC9", assessments=[]),
    ],
)
def never_assessed(it: Episode, at: At) -> bool:
    """A closure after an assessment that is not there."""
    return it.closure_reason in AFTER_ASSESSMENT and not it.child_and_family_assessments


@rule(
    "EPI-15",
    on=Episode,
    grade=Grade.ERROR,
    fields=("closure_date", "child_and_family_assessments.authorisation_date"),
    analogue="CIN 8867",
    message="The episode is closed and an assessment is not finished",
    mend="Enter the authorisation date of the assessment, or open the episode again.",
    passes=[
        an_episode("2026-03-02", "2026-05-01", "RC7"),
        an_episode("2026-03-02", "2026-05-01", "RC7", assessments=[assessment("2026-03-03", "2026-05-01")]),
        an_episode(assessments=[assessment("2026-06-03")]),
    ],
    fails=[an_episode("2026-03-02", "2026-05-01", "RC7", assessments=[assessment("2026-03-03")])],
)
def unfinished_assessment(it: Episode, at: At) -> Iterator[list[Cell]]:
    """An assessment that nobody authorised in a case that is over."""
    if it.closure_date is not None:
        for held in it.child_and_family_assessments or ():
            if held.authorisation_date is None:
                yield [(it, "closure_date"), (held, "authorisation_date")]


@rule(
    "EPI-16",
    on=Episode,
    grade=Grade.ERROR,
    fields=(
        "closure_date",
        "section_47_assessments.icpc_date",
        "section_47_assessments.icpc_required_flag",
    ),
    analogue="CIN 8868",
    message="The episode is closed and a section 47 enquiry is not settled",
    mend="Enter the day of the conference, or say that none is required.",
    passes=[
        an_episode("2026-03-02", "2026-05-01", "RC7"),
        an_episode("2026-03-02", "2026-05-01", "RC7", enquiries=[enquiry("2026-03-03", required=False)]),
        an_episode("2026-03-02", "2026-05-01", "RC7", enquiries=[enquiry("2026-03-03", "2026-03-20")]),
        an_episode(enquiries=[enquiry("2026-06-03")]),
    ],
    fails=[
        an_episode("2026-03-02", "2026-05-01", "RC7", enquiries=[enquiry("2026-03-03")]),
        an_episode("2026-03-02", "2026-05-01", "RC7", enquiries=[enquiry("2026-03-03", required=True)]),
    ],
)
def unsettled_enquiry(it: Episode, at: At) -> Iterator[list[Cell]]:
    """Neither a conference nor the word that none is required. The census asks the flag in the opposite sense."""
    if it.closure_date is not None:
        for held in it.section_47_assessments or ():
            if is_unsettled(held):
                yield [(it, "closure_date"), (held, "icpc_date"), (held, "icpc_required_flag")]


@rule(
    "EPI-17",
    on=Episode,
    grade=Grade.ERROR,
    fields=(
        "closure_date",
        "child_and_family_assessments.start_date",
        "child_and_family_assessments.authorisation_date",
        "section_47_assessments.start_date",
        "section_47_assessments.icpc_date",
        "child_in_need_plans.start_date",
        "child_in_need_plans.end_date",
        "child_protection_plans.start_date",
        "child_protection_plans.end_date",
    ),
    analogue="CIN 8565",
    message="Something happened after the episode was closed",
    mend="Correct the closure date or the other date; later work belongs to a new episode.",
    passes=[
        an_episode("2026-03-02", "2026-05-01", "RC7", plans=[plan("2026-04-20")]),
        an_episode("2026-03-02", "2026-05-01", "RC7"),
        an_episode("2026-03-02", "2026-05-01", "RC7", assessments=[assessment("2026-03-03", "2026-05-01")]),
        an_episode(plans=[plan("2026-06-03")]),
    ],
    fails=[
        an_episode("2026-03-02", "2026-05-01", "RC7", need_plans=[need_plan("2026-04-20", "2026-05-02")]),
        an_episode("2026-03-02", "2026-05-01", "RC7", assessments=[assessment("2026-03-03", "2026-05-02")]),
        an_episode("2026-03-02", "2026-05-01", "RC7", enquiries=[enquiry("2026-04-20", "2026-05-05")]),
        an_episode("2026-03-02", "2026-05-01", "RC7", plans=[plan("2026-04-20", "2026-05-02")]),
    ],
)
def after_closure(it: Episode, at: At) -> Iterator[list[Cell]]:
    """Starts, authorisations, conferences and ends of plans later than the closure."""
    closed = it.closure_date
    if closed is None:
        return
    cells: list[Cell] = [
        *(
            (held, field)
            for held in it.child_and_family_assessments or ()
            for field in ("start_date", "authorisation_date")
        ),
        *((held, field) for held in it.section_47_assessments or () for field in ("start_date", "icpc_date")),
        *((held, field) for held in it.child_in_need_plans or () for field in ("start_date", "end_date")),
        *((held, field) for held in it.child_protection_plans or () for field in ("start_date", "end_date")),
    ]
    for held, field in cells:
        day: date | None = getattr(held, field)
        if day is not None and day > closed:
            yield [(it, "closure_date"), (held, field)]


@rule(
    "EPI-18",
    on=Episode,
    grade=Grade.QUERY,
    fields=(
        "closure_date",
        "child_in_need_plans.end_date",
        "child_protection_plans.end_date",
        "child_looked_after_placements.end_date",
    ),
    message="The episode is closed and a plan or a placement is still open",
    mend="Enter the end of the plan or placement, or open the episode again.",
    passes=[
        an_episode("2026-03-02", "2026-05-01", "RC7", plans=[plan("2026-03-03", "2026-05-01")]),
        an_episode(placements=[placement("2026-06-03")]),
    ],
    fails=[
        an_episode("2026-03-02", "2026-05-01", "RC7", plans=[plan("2026-03-03")]),
        an_episode("2026-03-02", "2026-05-01", "RC7", need_plans=[need_plan("2026-03-03")]),
        an_episode("2026-03-02", "2026-05-01", "RC7", placements=[placement("2026-03-03")]),
    ],
)
def left_open(it: Episode, at: At) -> Iterator[list[Cell]]:
    """What should have ended with the case."""
    if it.closure_date is None:
        return
    held: tuple[Thing, ...] = (
        *(one for one in it.child_in_need_plans or () if one.end_date is None),
        *(one for one in it.child_protection_plans or () if one.end_date is None),
        *(one for one in it.child_looked_after_placements or () if one.end_date is None),
    )
    for thing in held:
        yield [(it, "closure_date"), (thing, "end_date")]


@rule(
    "EPI-19",
    on=Episode,
    grade=Grade.QUERY,
    fields=("closure_reason", "child_looked_after_placements.end_reason"),
    message="The episode was closed because of an adoption, and no placement ended with one",
    mend="Check the closure reason, and the end reason of the last placement (E11 or E12).",
    passes=[
        an_episode("2025-03-02", "2026-05-01", "RC1", placements=[placement("2025-03-03", "2026-05-01", "E11")]),
        an_episode("2025-03-02", "2026-05-01", "RC7"),
    ],
    fails=[
        an_episode("2025-03-02", "2026-05-01", "RC1"),
        an_episode("2025-03-02", "2026-05-01", "RC1", placements=[placement("2025-03-03", "2026-05-01", "E4A")]),
    ],
)
def adopted_without_adoption(it: Episode, at: At) -> bool:
    """An adopted child has left care by adoption, in this episode or another."""
    if it.closure_reason != "RC1":
        return False
    return not any(held.end_reason in ADOPTED for held, _ in each(at.child, "child_looked_after_placements"))


@rule(
    "EPI-20",
    on=Child,
    grade=Grade.QUERY,
    fields=("social_care_episodes.closure_reason", "social_care_episodes.closure_date", "every later start"),
    analogue="903 437; CIN 8555Q, 4008, 8915",
    message="The child died, and something is recorded later",
    mend="Check the closure reason or end reason, and the date of what is recorded later.",
    passes=[
        a_child(an_episode("2025-03-02", None, "RC2"), an_episode("2026-05-01")),
        a_child(an_episode("2025-03-02", "2026-05-01", "RC2"), an_episode("2026-05-01")),
        a_child(an_episode("2025-03-02", placements=[placement("2025-03-03", None, "E2"), placement("2026-05-02")])),
        a_child(
            an_episode("2025-03-02", placements=[placement("2025-03-03", "2026-05-01", "E4A"), placement("2026-05-02")])
        ),
        a_child(an_episode("2025-03-02", "2026-05-01", "RC2")),
        a_child(
            an_episode("2025-03-02", "2026-05-04", "RC2", placements=[placement("2025-03-03", "2026-05-01", "E2")])
        ),
        a_child(an_episode("2025-03-02", "2025-05-01", "RC7"), an_episode("2026-03-02")),
    ],
    fails=[
        a_child(an_episode("2025-03-02", "2026-05-01", "RC2"), an_episode("2026-05-02")),
        a_child(
            an_episode("2025-03-02", placements=[placement("2025-03-03", "2026-05-01", "E2"), placement("2026-05-02")])
        ),
        look(a_child(an_episode("2025-03-02", "2026-05-01", "RC2"), sdq=[sdq("2026-05-02")])),
    ],
)
def after_death(it: Child, at: At) -> Iterator[list[Cell]]:
    """Referrals, assessments, enquiries, conferences, plans, placements, results and contacts after a death.

    Ends and authorisations may be recorded later: they close the papers.
    """
    deaths: list[tuple[date, list[Cell]]] = []
    for episode in episodes(it):
        if episode.closure_reason == DIED and episode.closure_date is not None:
            deaths.append((episode.closure_date, [(episode, "closure_reason"), (episode, "closure_date")]))
        for held in episode.child_looked_after_placements or ():
            if held.end_reason == DIED_IN_CARE and held.end_date is not None:
                deaths.append((held.end_date, [(held, "end_reason"), (held, "end_date")]))
    for died, cells in deaths:
        later: list[Cell] = [cell for cell, day in _beginnings(it) if day > died]
        if later:
            yield [*cells, *later]


def _beginnings(it: Child) -> Iterator[tuple[Cell, date]]:
    """What begins, with its day."""
    for thing, _ in parts(it):
        for field in _BEGINNING.get(type(thing), ()):
            day = getattr(thing, field)
            if day is not None:
                yield (thing, field), day


_BEGINNING: dict[type, tuple[str, ...]] = {
    Episode: ("referral_date",),
    Assessment: ("start_date",),
    Enquiry: ("start_date", "icpc_date"),
    NeedPlan: ("start_date",),
    ProtectionPlan: ("start_date",),
    Placement: ("start_date",),
    SdqAssessment: ("date",),
    CareLeaver: ("contact_date",),
}

RULES: tuple[Rule, ...] = (
    reason_missing,
    closure_missing,
    reason_unknown,
    closed_early_and_later_work,
    never_assessed,
    unfinished_assessment,
    unsettled_enquiry,
    after_closure,
    left_open,
    adopted_without_adoption,
    after_death,
)
