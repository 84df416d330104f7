"""Rules about child and family assessments (Children Act 1989, section 17): ASM.

An assessment takes no more than 45 working days from the referral (Working Together to Safeguard Children).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from samechild.collection.records import Assessment, Episode
from samechild.collection.rules.codes import accepted
from samechild.collection.rules.days import working_days
from samechild.collection.rules.examples import an_episode, assessment, look
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule
from samechild.collection.rules.spans import overlapping

ASSESSMENT_DUE = 45
"""Working days in which an assessment is completed."""

NO_FACTORS = "21"
UNDIVIDED = frozenset({"18A", "19A"})


@rule(
    "ASM-01",
    on=Assessment,
    grade=Grade.ERROR,
    fields=("start_date",),
    analogue="CIN 1103",
    message="An assessment has no start date",
    mend="Enter the day on which the assessment started.",
    passes=[assessment("2026-06-03")],
    fails=[assessment(None), assessment(None, "2026-06-03")],
)
def start_missing(it: Assessment, at: At) -> bool:
    """An assessment without a first day."""
    return it.start_date is None


@rule(
    "ASM-02",
    on=Assessment,
    grade=Grade.ERROR,
    fields=("start_date", "episode.referral_date"),
    analogue="CIN 1103",
    message="An assessment starts before the referral",
    mend="Correct the start of the assessment or the referral date; one of an earlier case belongs to that episode.",
    passes=[
        look(assessment("2026-06-03"), referral_date="2026-06-03"),
        look(assessment("2026-06-03"), referral_date=None),
        look(assessment(None), referral_date="2026-06-03"),
    ],
    fails=[look(assessment("2026-06-02"), referral_date="2026-06-03")],
)
def before_referral(it: Assessment, at: At) -> bool:
    """An assessment that precedes the referral of its episode."""
    referred = at.episode.referral_date if at.episode else None
    return it.start_date is not None and referred is not None and it.start_date < referred


@rule(
    "ASM-03",
    on=Assessment,
    grade=Grade.ERROR,
    fields=("start_date", "authorisation_date"),
    analogue="CIN 8608",
    message="An assessment was authorised before it started",
    mend="Correct the start or the authorisation of the assessment.",
    passes=[assessment("2026-06-03", "2026-06-03"), assessment("2026-06-03"), assessment(None, "2026-06-03")],
    fails=[assessment("2026-06-03", "2026-06-02")],
)
def authorised_before_start(it: Assessment, at: At) -> bool:
    """An assessment whose authorisation lies before its start."""
    return it.start_date is not None and it.authorisation_date is not None and it.authorisation_date < it.start_date


@rule(
    "ASM-04",
    on=Episode,
    grade=Grade.ERROR,
    fields=("child_and_family_assessments.authorisation_date",),
    analogue="CIN 8896",
    message="More than one assessment of the episode is open",
    mend="Enter the authorisation date of each assessment that is finished; a new one starts when the last is done.",
    passes=[
        an_episode(),
        an_episode(assessments=[assessment("2026-04-01", "2026-05-01"), assessment("2026-06-03")]),
        an_episode(assessments=[assessment("2026-06-03")]),
    ],
    fails=[an_episode(assessments=[assessment("2026-04-01"), assessment("2026-06-03")])],
)
def several_open(it: Episode, at: At) -> list[list[Cell]]:
    """Assessments of one episode that are not authorised."""
    opened: list[Cell] = [
        (held, "authorisation_date") for held in it.child_and_family_assessments or () if not held.authorisation_date
    ]
    return [opened] if len(opened) > 1 else []


@rule(
    "ASM-05",
    on=Episode,
    grade=Grade.QUERY,
    fields=("child_and_family_assessments.start_date", "child_and_family_assessments.authorisation_date"),
    analogue="CIN 8863Q",
    message="Two assessments of the episode run at the same time",
    mend="Check the dates of both, and whether one was recorded twice.",
    passes=[
        an_episode(),
        an_episode(assessments=[assessment("2026-04-01", "2026-05-01"), assessment("2026-05-01")]),
        an_episode(assessments=[assessment("2026-04-01"), assessment("2026-05-01")]),
    ],
    fails=[
        an_episode(assessments=[assessment("2026-04-01", "2026-05-01"), assessment("2026-04-30")]),
        an_episode(assessments=[assessment("2026-04-01"), assessment("2026-04-30", "2026-05-01")]),
    ],
)
def assessments_overlap(it: Episode, at: At) -> Iterator[list[Cell]]:
    """An assessment that starts while another goes on; two that are both open are left to ASM-04."""
    for earlier, later in overlapping(_spans(it)):
        if earlier.authorisation_date or later.authorisation_date:
            yield [(earlier, "start_date"), (earlier, "authorisation_date"), (later, "start_date")]


@rule(
    "ASM-06",
    on=Assessment,
    grade=Grade.QUERY,
    fields=("factors", "authorisation_date"),
    analogue="CIN 8897Q",
    message="A completed assessment has no factors",
    mend="Enter the factors that the assessment found; where it found none, enter 21.",
    passes=[assessment("2026-04-01", "2026-05-01", ["21"]), assessment("2026-04-01")],
    fails=[assessment("2026-04-01", "2026-05-01"), assessment("2026-04-01", "2026-05-01", [])],
)
def factors_missing(it: Assessment, at: At) -> bool:
    """A completed assessment that says nothing of what it found."""
    return it.authorisation_date is not None and not it.factors


@rule(
    "ASM-07",
    on=Assessment,
    grade=Grade.ERROR,
    fields=("factors", "authorisation_date"),
    analogue="CIN 8614",
    message="An assessment has factors and is not completed",
    mend="Enter the authorisation date, or take the factors away until the assessment is completed.",
    passes=[assessment("2026-04-01", "2026-05-01", ["2B"]), assessment("2026-04-01", None, [])],
    fails=[assessment("2026-04-01", None, ["2B"])],
)
def factors_too_early(it: Assessment, at: At) -> bool:
    """Factors on an assessment that is not authorised."""
    return it.authorisation_date is None and bool(it.factors)


@rule(
    "ASM-08",
    on=Assessment,
    grade=Grade.ERROR,
    fields=("factors",),
    analogue="CIN 8897Q",
    message="A factor is not one of the code list",
    mend="Choose a factor of the list; look for spaces, small letters and codes of your own system.",
    passes=[
        assessment("2026-04-01", "2026-05-01"),
        assessment("2026-04-01", "2026-05-01", ["1A", "24A"]),
        assessment("2026-04-01", "2026-05-01", ["18A"]),
    ],
    fails=[assessment("2026-04-01", "2026-05-01", ["1A", "99"]), assessment("2026-04-01", "2026-05-01", ["1a"])],
)
def factor_unknown(it: Assessment, at: At) -> bool:
    """A factor that is neither in use nor was; the old undivided ones are ASM-11's."""
    return bool(it.factors) and not accepted("assessment_factor").issuperset(it.factors or ())


@rule(
    "ASM-09",
    on=Assessment,
    grade=Grade.ERROR,
    fields=("factors",),
    analogue="CIN 8869",
    message="21 (no factors) stands beside other factors",
    mend="Take 21 away, or the others.",
    passes=[
        assessment("2026-04-01"),
        assessment("2026-04-01", "2026-05-01", ["21"]),
        assessment("2026-04-01", "2026-05-01", ["1A", "2B"]),
    ],
    fails=[assessment("2026-04-01", "2026-05-01", ["21", "2B"])],
)
def none_and_some(it: Assessment, at: At) -> bool:
    """Factors beside the word that there are none."""
    return it.factors is not None and len(it.factors) > 1 and NO_FACTORS in it.factors


@rule(
    "ASM-10",
    on=Episode,
    grade=Grade.QUERY,
    fields=("child_and_family_assessments.factors", "closure_reason"),
    analogue="CIN 8873Q",
    message="The only assessment found no factors and the case was not closed as RC8 or RC9",
    mend="Check the factors of the assessment and the closure reason.",
    passes=[
        an_episode("2026-03-02", "2026-05-01", "RC7"),
        an_episode(),
        an_episode("2026-03-02", "2026-05-01", "RC8", assessments=[assessment("2026-03-03", "2026-05-01", ["21"])]),
        an_episode("2026-03-02", "2026-05-01", "RC7", assessments=[assessment("2026-03-03", "2026-05-01", ["2B"])]),
        an_episode("2026-03-02", assessments=[assessment("2026-03-03", "2026-05-01", ["21"])]),
    ],
    fails=[an_episode("2026-03-02", "2026-05-01", "RC7", assessments=[assessment("2026-03-03", "2026-05-01", ["21"])])],
)
def no_factors_and_help(it: Episode, at: At) -> list[list[Cell]]:
    """A single assessment without factors in an episode that closed as if help was given."""
    held = it.child_and_family_assessments or ()
    if len(held) != 1 or held[0].factors != (NO_FACTORS,) or it.closure_reason in (None, "RC8", "RC9"):
        return []
    return [[(held[0], "factors"), (it, "closure_reason")]]


@rule(
    "ASM-11",
    on=Assessment,
    grade=Grade.QUERY,
    fields=("factors",),
    analogue="CIN 8945Q, 8950Q",
    message="A factor for abuse is the old undivided one (18A or 19A)",
    mend="Say by whom: 18B or 19B for another child, 18C or 19C for an adult.",
    passes=[assessment("2026-04-01", "2026-05-01", ["18B", "19C"]), assessment("2026-04-01")],
    fails=[assessment("2026-04-01", "2026-05-01", ["18A"]), assessment("2026-04-01", "2026-05-01", ["2B", "19A"])],
)
def undivided_abuse(it: Assessment, at: At) -> bool:
    """A factor that is no longer used because it does not say by whom."""
    return not UNDIVIDED.isdisjoint(it.factors or ())


@rule(
    "ASM-12",
    on=Assessment,
    grade=Grade.QUERY,
    fields=("start_date", "authorisation_date"),
    analogue="CIN 8670Q",
    message="An assessment is overdue: more than 45 working days since it started",
    mend="Enter the authorisation date if the assessment is finished; otherwise remind the worker.",
    passes=[
        look(assessment("2026-04-01"), today="2026-06-09"),  # forty-five, with four bank holidays between
        look(assessment("2025-04-01", "2026-04-01")),
        look(assessment(None)),
    ],
    fails=[look(assessment("2026-04-01"), today="2026-06-10")],
)
def overdue(it: Assessment, at: At) -> bool:
    """An open assessment that has taken longer than the guidance allows."""
    if it.start_date is None or it.authorisation_date is not None:
        return False
    return working_days(it.start_date, at.today) > ASSESSMENT_DUE


@rule(
    "ASM-13",
    on=Assessment,
    grade=Grade.INFO,
    fields=("authorisation_date", "episode.referral_date"),
    analogue="statutory guidance timescale",
    message="An assessment was completed later than 45 working days after the referral",
    mend="Nothing to mend if the dates are right: it counts as out of time.",
    passes=[
        look(assessment("2026-04-02", "2026-06-10", ["2B"]), referral_date=None),
        look(assessment(None, "2026-06-09", ["2B"]), referral_date="2026-04-01"),
        look(assessment("2026-04-02", "2026-06-09", ["2B"]), referral_date="2026-04-01"),
        look(assessment("2026-04-02"), referral_date="2026-04-01"),
        look(
            (second := assessment("2026-05-01", "2026-06-09", ["2B"])),
            referral_date="2025-04-01",
            assessments=[assessment("2025-04-01", "2025-05-01"), second],
        ),
    ],
    fails=[look(assessment("2026-04-02", "2026-06-10", ["2B"]), referral_date="2026-04-01")],
)
def completed_late(it: Assessment, at: At) -> bool:
    """A completed assessment that took too long: the first from the referral, a later one from its own start."""
    if it.authorisation_date is None or at.episode is None:
        return False
    begun = _clock_starts(it, at.episode)
    return begun is not None and working_days(begun, it.authorisation_date) > ASSESSMENT_DUE


def _clock_starts(it: Assessment, episode: Episode) -> date | None:
    starts = [held.start_date for held in episode.child_and_family_assessments or () if held.start_date]
    is_first = it.start_date is None or it.start_date <= min(starts, default=it.start_date)
    return episode.referral_date if is_first else it.start_date


def _spans(it: Episode) -> list[tuple[date, date | None, Assessment]]:
    held = it.child_and_family_assessments or ()
    return [(each.start_date, each.authorisation_date, each) for each in held if each.start_date]


RULES: tuple[Rule, ...] = (
    start_missing,
    before_referral,
    authorised_before_start,
    several_open,
    assessments_overlap,
    factors_missing,
    factors_too_early,
    factor_unknown,
    none_and_some,
    no_factors_and_help,
    undivided_abuse,
    overdue,
    completed_late,
)
