"""Rules about section 47 enquiries (Children Act 1989) and initial child protection conferences: S47.

The conference is due within fifteen working days of the strategy discussion at which the enquiry was begun (Working
Together to Safeguard Children).
"""

from __future__ import annotations

from collections.abc import Iterator

from samechild.collection.records import Enquiry, Episode
from samechild.collection.rules.days import working_days
from samechild.collection.rules.examples import an_episode, assessment, enquiry, look
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule
from samechild.collection.rules.spans import overlapping

CONFERENCE_DUE = 15
"""Working days from the start of an enquiry to its conference."""


@rule(
    "S47-01",
    on=Enquiry,
    grade=Grade.ERROR,
    fields=("start_date",),
    analogue="CIN 8615",
    message="A section 47 enquiry has no start date",
    mend="Enter the day of the strategy discussion at which the enquiry was begun.",
    passes=[enquiry("2026-06-03")],
    fails=[enquiry(None)],
)
def start_missing(it: Enquiry, at: At) -> bool:
    """An enquiry without a first day."""
    return it.start_date is None


@rule(
    "S47-02",
    on=Enquiry,
    grade=Grade.ERROR,
    fields=("start_date", "episode.referral_date"),
    analogue="CIN 2889",
    message="A section 47 enquiry starts before the referral",
    mend="Correct the start of the enquiry or the referral date; one of an earlier case belongs to that episode.",
    passes=[
        look(enquiry(None), referral_date="2026-06-03"),
        look(enquiry("2026-06-03"), referral_date="2026-06-03"),
        look(enquiry("2026-06-03"), referral_date=None),
    ],
    fails=[look(enquiry("2026-06-02"), referral_date="2026-06-03")],
)
def before_referral(it: Enquiry, at: At) -> bool:
    """An enquiry that precedes the referral of its episode."""
    referred = at.episode.referral_date if at.episode else None
    return it.start_date is not None and referred is not None and it.start_date < referred


@rule(
    "S47-03",
    on=Enquiry,
    grade=Grade.ERROR,
    fields=("icpc_date", "start_date", "episode.referral_date"),
    analogue="CIN 8615, 1104",
    message="The initial child protection conference is before the enquiry or the referral",
    mend="Correct the day of the conference, or that of the enquiry or referral.",
    passes=[
        look(enquiry("2026-06-03", "2026-06-03"), referral_date=None),
        look(enquiry("2026-06-03", "2026-06-03"), referral_date="2026-06-03"),
    ],
    fails=[
        look(enquiry("2026-06-03", "2026-06-02"), referral_date="2026-06-01"),
        look(enquiry(None, "2026-06-02"), referral_date="2026-06-03"),
    ],
)
def conference_too_early(it: Enquiry, at: At) -> list[list[Cell]]:
    """A conference that precedes what it follows from; the cells are those that disagree."""
    if it.icpc_date is None:
        return []
    cells: list[Cell] = [(it, "icpc_date")]
    if it.start_date and it.icpc_date < it.start_date:
        cells.append((it, "start_date"))
    if at.episode and at.episode.referral_date and it.icpc_date < at.episode.referral_date:
        cells.append((at.episode, "referral_date"))
    return [cells] if len(cells) > 1 else []


@rule(
    "S47-04",
    on=Enquiry,
    grade=Grade.ERROR,
    fields=("icpc_date",),
    analogue="CIN 8875",
    message="The initial child protection conference is on a Saturday or Sunday",
    mend="Correct the day of the conference.",
    passes=[enquiry("2026-05-20", "2026-06-05"), enquiry("2026-05-20")],
    fails=[enquiry("2026-05-20", "2026-06-06"), enquiry("2026-05-20", "2026-06-07")],
)
def conference_at_weekend(it: Enquiry, at: At) -> bool:
    """A conference at a weekend."""
    return it.icpc_date is not None and it.icpc_date.weekday() >= 5


@rule(
    "S47-05",
    on=Enquiry,
    grade=Grade.QUERY,
    fields=("icpc_required_flag", "icpc_date"),
    message="A conference was held although none was required",
    mend="Check whether the conference was required, and whether it was held.",
    passes=[enquiry("2026-05-20", "2026-06-05", required=True), enquiry("2026-05-20", required=False)],
    fails=[enquiry("2026-05-20", "2026-06-05", required=False)],
)
def conference_not_required(it: Enquiry, at: At) -> bool:
    """A conference beside a flag that says there was no need of one."""
    return it.icpc_required_flag is False and it.icpc_date is not None


@rule(
    "S47-06",
    on=Enquiry,
    grade=Grade.QUERY,
    fields=("start_date", "icpc_date", "icpc_required_flag", "end_date"),
    analogue="CIN 8675Q",
    message="The initial child protection conference is overdue: more than 15 working days since the enquiry began",
    mend="Enter the day of the conference; or say that none is required; or enter the end of the enquiry.",
    passes=[
        enquiry(None),
        look(enquiry("2026-05-18", required=True), today="2026-06-09"),  # fifteen, with a bank holiday between
        look(enquiry("2026-04-01", required=False)),
        look(enquiry("2026-04-01", None, "2026-04-20")),
        look(enquiry("2026-04-01", "2026-04-20")),
    ],
    fails=[look(enquiry("2026-05-18", required=True), today="2026-06-10"), look(enquiry("2026-04-01"))],
)
def conference_overdue(it: Enquiry, at: At) -> bool:
    """An enquiry that still waits for its conference after the time the guidance allows."""
    waiting = it.icpc_required_flag is not False and it.icpc_date is None and it.end_date is None
    return waiting and it.start_date is not None and working_days(it.start_date, at.today) > CONFERENCE_DUE


@rule(
    "S47-07",
    on=Enquiry,
    grade=Grade.ERROR,
    fields=("start_date", "end_date"),
    message="A section 47 enquiry ends before it starts",
    mend="Correct the start or the end of the enquiry.",
    passes=[enquiry("2026-05-20"), enquiry("2026-05-20", None, "2026-05-20"), enquiry(None, None, "2026-05-20")],
    fails=[enquiry("2026-05-20", None, "2026-05-19")],
)
def ends_before_start(it: Enquiry, at: At) -> bool:
    """An enquiry whose end lies before its start."""
    return it.start_date is not None and it.end_date is not None and it.end_date < it.start_date


@rule(
    "S47-08",
    on=Episode,
    grade=Grade.ERROR,
    fields=("section_47_assessments.icpc_date", "section_47_assessments.icpc_required_flag"),
    analogue="CIN 8839",
    message="More than one section 47 enquiry of the episode is unsettled",
    mend="Enter the day of the conference, or say that none is required, for every enquiry that is over.",
    passes=[
        an_episode(),
        an_episode(enquiries=[enquiry("2026-03-02", required=False), enquiry("2026-05-20")]),
        an_episode(enquiries=[enquiry("2026-03-02", "2026-03-16"), enquiry("2026-05-20", required=True)]),
    ],
    fails=[an_episode(enquiries=[enquiry("2026-03-02"), enquiry("2026-05-20", required=True)])],
)
def several_unsettled(it: Episode, at: At) -> list[list[Cell]]:
    """Enquiries without a conference and without the word that none is required."""
    unsettled = [held for held in it.section_47_assessments or () if is_unsettled(held)]
    cells: list[Cell] = [(held, field) for held in unsettled for field in ("icpc_date", "icpc_required_flag")]
    return [cells] if len(unsettled) > 1 else []


@rule(
    "S47-09",
    on=Episode,
    grade=Grade.ERROR,
    fields=("section_47_assessments.start_date", "section_47_assessments.icpc_date"),
    analogue="CIN 8890",
    message="Two section 47 enquiries of the episode run at the same time",
    mend="Correct the dates, or erase the enquiry that was recorded twice.",
    passes=[
        an_episode(),
        an_episode(enquiries=[enquiry("2026-03-02", "2026-03-16"), enquiry("2026-03-16", "2026-03-30")]),
    ],
    fails=[
        an_episode(enquiries=[enquiry("2026-03-02", "2026-03-16"), enquiry("2026-03-13", required=False)]),
        an_episode(enquiries=[enquiry("2026-03-02", "2026-03-16"), enquiry("2026-03-02", "2026-03-17")]),
    ],
)
def enquiries_overlap(it: Episode, at: At) -> Iterator[list[Cell]]:
    """An enquiry that begins before the conference of an earlier one; those without a conference are S47-08's."""
    spans = [(held.start_date, held.icpc_date, held) for held in it.section_47_assessments or () if held.start_date]
    for earlier, later in overlapping(spans):
        if earlier.icpc_date:
            yield [(earlier, "start_date"), (earlier, "icpc_date"), (later, "start_date")]


@rule(
    "S47-10",
    on=Episode,
    grade=Grade.QUERY,
    fields=("section_47_assessments", "child_and_family_assessments"),
    analogue="CIN 2991Q",
    message="A section 47 enquiry stands in an episode without any assessment",
    mend="Check whether the child and family assessment was recorded; an enquiry is carried out through one.",
    passes=[
        an_episode(),
        an_episode(enquiries=[enquiry("2026-06-03")], assessments=[assessment("2026-06-03")]),
        look(an_episode("2023-03-01", enquiries=[enquiry("2026-06-03")])),
    ],
    fails=[
        an_episode(None, enquiries=[enquiry("2026-06-03")]),
        an_episode("2024-04-01", enquiries=[enquiry("2026-06-03")]),
        an_episode(enquiries=[enquiry("2026-06-03")]),
    ],
)
def no_assessment(it: Episode, at: At) -> bool:
    """An enquiry and no assessment, unless the referral precedes the history window, where the assessment may lie."""
    seen_whole = it.referral_date is None or it.referral_date >= at.window
    return seen_whole and bool(it.section_47_assessments) and not it.child_and_family_assessments


@rule(
    "S47-11",
    on=Enquiry,
    grade=Grade.QUERY,
    fields=("icpc_required_flag", "end_date"),
    message="A section 47 enquiry has ended and does not say whether a conference was required",
    mend="Say whether an initial child protection conference was required, or enter its day.",
    passes=[
        enquiry("2026-05-20"),
        enquiry("2026-05-20", None, "2026-06-01", required=False),
        enquiry("2026-05-20", "2026-06-01", "2026-06-01"),
    ],
    fails=[enquiry("2026-05-20", None, "2026-06-01")],
)
def outcome_missing(it: Enquiry, at: At) -> bool:
    """An ended enquiry with neither a conference nor the word that none was required."""
    return it.end_date is not None and it.icpc_required_flag is None and it.icpc_date is None


def is_unsettled(it: Enquiry) -> bool:
    """Whether an enquiry has neither its conference nor the word that none is required."""
    return it.icpc_date is None and it.icpc_required_flag is not False


RULES: tuple[Rule, ...] = (
    start_missing,
    before_referral,
    conference_too_early,
    conference_at_weekend,
    conference_not_required,
    conference_overdue,
    ends_before_start,
    several_unsettled,
    enquiries_overlap,
    no_assessment,
    outcome_missing,
)
