"""Rules about referrals and the order of social care episodes: EPI-01 to 05, 09 to 12, 21 to 23."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from samechild.collection.records import Child, Episode
from samechild.collection.rules.child import GESTATION
from samechild.collection.rules.codes import codes
from samechild.collection.rules.days import age_on, working_days
from samechild.collection.rules.examples import (
    a_child,
    an_episode,
    assessment,
    enquiry,
    leaver,
    look,
    need_plan,
    placement,
    plan,
)
from samechild.collection.rules.parts import born, details, episodes
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule

SOURCE_NEEDED = date(2013, 4, 1)
"""Since then the source of a referral is collected."""
ASSESSMENT_STARTS = 10
"""Working days after which an open case is expected to have an assessment."""
ADULT = 18


def is_open(it: Episode) -> bool:
    """Whether an episode is not closed and led to more than no further action."""
    return it.closure_date is None and it.referral_no_further_action_flag is not True


@rule(
    "EPI-01",
    on=Episode,
    grade=Grade.ERROR,
    fields=("referral_date",),
    analogue="CIN 8600",
    message="An episode has no referral date",
    mend="Enter the day of the referral.",
    passes=[an_episode()],
    fails=[an_episode(None)],
)
def referral_missing(it: Episode, at: At) -> bool:
    """An episode without a beginning."""
    return it.referral_date is None


@rule(
    "EPI-02",
    on=Episode,
    grade=Grade.ERROR,
    fields=("referral_date", "details.date_of_birth", "details.expected_date_of_birth"),
    analogue="CIN 8606",
    message="The referral is more than 40 weeks before the birth or the due date",
    mend="Correct the referral date, or the date of birth or due date.",
    passes=[
        look(an_episode(None), date_of_birth="2026-01-01"),
        look(an_episode("2025-03-27"), date_of_birth="2026-01-01"),  # 280 days
        look(an_episode("2026-06-03"), date_of_birth=None, expected_date_of_birth="2026-12-24"),
        look(an_episode(), date_of_birth=None),
    ],
    fails=[
        look(an_episode("2025-03-26"), date_of_birth="2026-01-01"),
        look(an_episode("2026-03-02"), date_of_birth=None, expected_date_of_birth="2026-12-24"),
    ],
)
def referred_before_conception(it: Episode, at: At) -> list[list[Cell]]:
    """A referral of a child who cannot have been expected yet; the birth counts before the due date."""
    held = details(at.child)
    field = "date_of_birth" if held.date_of_birth else "expected_date_of_birth"
    day: date | None = getattr(held, field)
    if day is None or it.referral_date is None or day - it.referral_date <= GESTATION:
        return []
    return [[(it, "referral_date"), (held, field)]]


@rule(
    "EPI-03",
    on=Episode,
    grade=Grade.ERROR,
    fields=("referral_source",),
    analogue="CIN 8866",
    message="The source of the referral is missing or is not one of the code list",
    mend="Enter who made the referral, by its code; 10 where it is not known.",
    passes=[an_episode(referral_source="3A"), an_episode("2013-03-31", referral_source=None)],
    fails=[
        an_episode(None, referral_source=None),
        an_episode(referral_source=None),
        an_episode(referral_source="BB"),
        an_episode("2013-04-01", referral_source="1"),
    ],
)
def source_unknown(it: Episode, at: At) -> bool:
    """No source, or one that is not of the list, since the source is collected."""
    if it.referral_date is not None and it.referral_date < SOURCE_NEEDED:
        return False
    return it.referral_source not in codes("referral_source")


@rule(
    "EPI-04",
    on=Episode,
    grade=Grade.ERROR,
    fields=("referral_no_further_action_flag",),
    analogue="CIN 8568",
    message="The episode does not say whether the referral led to no further action",
    mend="Enter true when nothing followed from the referral, false when something did.",
    passes=[an_episode(), an_episode(referral_no_further_action_flag=True)],
    fails=[an_episode(referral_no_further_action_flag=None)],
)
def outcome_missing(it: Episode, at: At) -> bool:
    """The flag is neither true nor false."""
    return it.referral_no_further_action_flag is None


@rule(
    "EPI-05",
    on=Episode,
    grade=Grade.ERROR,
    fields=("referral_date", "closure_date"),
    analogue="CIN 8630",
    message="The episode closes before its referral",
    mend="Correct the referral date or the closure date.",
    passes=[an_episode(), an_episode("2026-05-01", "2026-05-01", "RC7"), an_episode(None, "2026-05-01", "RC7")],
    fails=[an_episode("2026-05-01", "2026-04-30", "RC7")],
)
def closed_before_referral(it: Episode, at: At) -> bool:
    """An episode whose end lies before its beginning."""
    return it.referral_date is not None and it.closure_date is not None and it.closure_date < it.referral_date


@rule(
    "EPI-09",
    on=Child,
    grade=Grade.ERROR,
    fields=("social_care_episodes.closure_date",),
    analogue="CIN 8815",
    message="More than one episode is open",
    mend="Enter the closure of each episode that is over.",
    passes=[
        a_child(an_episode("2025-05-01", "2025-09-01", "RC7"), an_episode()),
        a_child(an_episode("2026-05-01"), an_episode("2026-06-03", referral_no_further_action_flag=True)),
    ],
    fails=[a_child(an_episode("2025-05-01"), an_episode("2026-06-03"))],
)
def several_open(it: Child, at: At) -> list[list[Cell]]:
    """Episodes without a closure whose referral led to something."""
    opened: list[Cell] = [(held, "closure_date") for held in episodes(it) if is_open(held)]
    return [opened] if len(opened) > 1 else []


@rule(
    "EPI-10",
    on=Child,
    grade=Grade.ERROR,
    fields=("social_care_episodes.referral_date", "social_care_episodes.closure_date"),
    analogue="CIN 8816",
    message="An episode is open although the child was referred again later",
    mend="Close the earlier episode before the later referral, or record what is new within the open one.",
    passes=[
        a_child(an_episode(None), an_episode("2026-06-03")),
        a_child(an_episode("2025-05-01", "2025-09-01", "RC7"), an_episode("2026-06-03")),
    ],
    fails=[
        a_child(an_episode("2025-05-01"), an_episode("2025-06-03", "2025-07-01", "RC7")),
        a_child(an_episode("2025-05-01"), an_episode("2026-06-03", referral_no_further_action_flag=True)),
    ],
)
def open_one_not_newest(it: Child, at: At) -> Iterator[list[Cell]]:
    """An open episode, and referrals after its own."""
    for held in episodes(it):
        if held.referral_date is None or not is_open(held):
            continue
        later: list[Cell] = [
            (other, "referral_date")
            for other in episodes(it)
            if other.referral_date is not None and other.referral_date > held.referral_date
        ]
        if later:
            yield [(held, "referral_date"), (held, "closure_date"), *later]


@rule(
    "EPI-11",
    on=Child,
    grade=Grade.ERROR,
    fields=("social_care_episodes.referral_date", "social_care_episodes.closure_date"),
    analogue="CIN 8820",
    message="A referral falls within another episode",
    mend="Correct the dates, or record what is new within the earlier episode; the day of its closure will do.",
    passes=[
        a_child(an_episode(None, "2025-09-01", "RC7"), an_episode("2025-08-31"), an_episode("2025-05-01")),
        a_child(an_episode("2025-05-01", "2025-09-01", "RC7"), an_episode(None)),
        a_child(an_episode("2025-05-01", "2025-09-01", "RC7"), an_episode("2025-09-01")),
    ],
    fails=[
        a_child(an_episode("2025-05-01", "2025-09-01", "RC7"), an_episode("2025-08-31")),
        a_child(an_episode("2025-05-01", "2025-09-01", "RC7"), an_episode("2025-05-02", "2025-06-01", "RC7")),
    ],
)
def episodes_overlap(it: Child, at: At) -> Iterator[list[Cell]]:
    """A referral strictly between the referral and the closure of another; one that is open is EPI-10's."""
    for outer in episodes(it):
        if outer.referral_date is None or outer.closure_date is None:
            continue
        for inner in episodes(it):
            if inner.referral_date is not None and outer.referral_date < inner.referral_date < outer.closure_date:
                yield [(outer, "referral_date"), (outer, "closure_date"), (inner, "referral_date")]


@rule(
    "EPI-12",
    on=Episode,
    grade=Grade.ERROR,
    fields=(
        "referral_no_further_action_flag",
        "child_and_family_assessments",
        "section_47_assessments",
        "child_in_need_plans",
        "child_protection_plans",
    ),
    analogue="CIN 8831, 8832, 4000",
    message="The referral led to no further action, yet an assessment, an enquiry or a plan followed",
    mend="Set the flag to false, or erase what was recorded on the wrong episode.",
    passes=[
        an_episode(referral_no_further_action_flag=True),
        an_episode(assessments=[assessment("2026-06-03")]),
        an_episode(referral_no_further_action_flag=True, assessments=[]),
    ],
    fails=[
        an_episode(referral_no_further_action_flag=True, assessments=[assessment("2026-06-03")]),
        an_episode(referral_no_further_action_flag=True, enquiries=[enquiry("2026-06-03")]),
        an_episode(referral_no_further_action_flag=True, need_plans=[need_plan("2026-06-03")]),
        an_episode(referral_no_further_action_flag=True, plans=[plan("2026-06-03")]),
    ],
)
def no_action_and_activity(it: Episode, at: At) -> list[list[Cell]]:
    """No further action, and something further."""
    if it.referral_no_further_action_flag is not True:
        return []
    further: list[Cell] = [
        *((held, "start_date") for held in it.child_and_family_assessments or ()),
        *((held, "start_date") for held in it.section_47_assessments or ()),
        *((held, "start_date") for held in it.child_in_need_plans or ()),
        *((held, "start_date") for held in it.child_protection_plans or ()),
    ]
    return [[(it, "referral_no_further_action_flag"), *further]] if further else []


@rule(
    "EPI-21",
    on=Child,
    grade=Grade.QUERY,
    fields=("social_care_episodes.social_care_episode_id", "social_care_episodes.referral_date"),
    message="Two episodes have the same referral date",
    mend="Check whether one referral was recorded twice, or sent under a new id; erase the one too many.",
    passes=[a_child(an_episode("2025-05-01", "2025-05-01", "RC7"), an_episode("2026-06-03"))],
    fails=[a_child(an_episode("2026-06-03", "2026-06-04", "RC7"), an_episode("2026-06-03"))],
)
def referred_twice(it: Child, at: At) -> list[list[Cell]]:
    """Episodes that begin on the same day."""
    by_day: dict[date, list[Episode]] = defaultdict(list)
    for held in episodes(it):
        if held.referral_date is not None:
            by_day[held.referral_date].append(held)
    return [
        [(held, field) for held in same for field in ("social_care_episode_id", "referral_date")]
        for same in by_day.values()
        if len(same) > 1
    ]


@rule(
    "EPI-22",
    on=Episode,
    grade=Grade.QUERY,
    fields=("referral_date", "child_and_family_assessments"),
    message="The case has been open for more than 10 working days and no assessment has started",
    mend="Enter the assessment; close the episode if nothing followed from the referral.",
    passes=[
        an_episode(None),
        look(an_episode("2026-05-27"), today="2026-06-10"),  # ten working days
        look(an_episode("2026-04-01", assessments=[assessment("2026-04-02")])),
        look(an_episode("2026-04-01", referral_no_further_action_flag=True)),
        look(an_episode("2026-04-01", "2026-04-20", "RC7")),
        look(an_episode("2024-03-31", placements=[placement("2024-04-01")])),  # assessed before the window
    ],
    fails=[an_episode("2024-04-01"), look(an_episode("2026-05-26"), today="2026-06-10")],
)
def nobody_assesses(it: Episode, at: At) -> bool:
    """Open, and nothing has begun; a referral before the history window may have been assessed before it."""
    opened = it.closure_date is None and it.referral_no_further_action_flag is False
    if not opened or it.child_and_family_assessments or it.referral_date is None or it.referral_date < at.window:
        return False
    return working_days(it.referral_date, at.today) > ASSESSMENT_STARTS


@rule(
    "EPI-23",
    on=Episode,
    grade=Grade.QUERY,
    fields=("referral_date", "details.date_of_birth"),
    message="The person was 18 or older when referred, and there is no care leaver record",
    mend="Check the date of birth and the referral date; enter the care leaver record if the person is one.",
    passes=[
        look(an_episode(None), date_of_birth="2000-01-01"),
        look(an_episode(), date_of_birth=None),
        look(an_episode("2026-02-28"), date_of_birth="2008-02-29"),
        look(an_episode("2026-03-01", leaver=leaver()), date_of_birth="2008-02-29"),
    ],
    fails=[look(an_episode("2026-03-01"), date_of_birth="2008-02-29")],
)
def adult_referred(it: Episode, at: At) -> bool:
    """Somebody of age who is not known as a care leaver."""
    birth = born(at.child)
    if birth is None or it.referral_date is None or age_on(birth, it.referral_date) < ADULT:
        return False
    return not any(held.care_leavers for held in episodes(at.child))


RULES: tuple[Rule, ...] = (
    referral_missing,
    referred_before_conception,
    source_unknown,
    outcome_missing,
    closed_before_referral,
    several_open,
    open_one_not_newest,
    episodes_overlap,
    no_action_and_activity,
    referred_twice,
    nobody_assesses,
    adult_referred,
)
