"""Rules about an authority's day as a whole: volumes, shares, and how it compares with what was published last.

Nothing here points at a child. Source: the authority-level rules of the children in need census (Department for
Education); the rules about volumes come from what went wrong in early feeds.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from samechild.collection.rules.rule import At, Day, Found, Grade, Rule, rule

MOST_UNKNOWN_SEX = 0.02
FEWEST_DISABILITY_CODES = 8
MOST_FALL = 0.1
"""Open episodes that may be gone since the day before on which something was received, as a share."""
SILENT_DAYS = 3
MOST_CHANGED = 0.5
"""Children held that may be sent with changes on one day, as a share."""
MOST_APART = 0.1
"""How far a count may lie from the published one, as a share of that."""
COUNTS = {"in_need": "children in need", "on_plans": "children on protection plans", "looked_after": "looked-after"}
"""The counts on 31 March that are published, and what they are called."""


def _day(**fields: Any) -> Day:
    return Day(day=date(2026, 6, 10), **fields)


_CODES = frozenset({"NONE", "MOB", "HAND", "PC", "LD", "AUT", "BEH", "CON"})


@rule(
    "LAX-01",
    on=Day,
    grade=Grade.QUERY,
    fields=("child_details.sex",),
    message="Sex is unknown for more than 2% of the children born",
    mend="Look at the children whose sex is U (rule CHD-08), and at how the extract reads it.",
    analogue="CIN 2886Q",
    passes=[_day(born=100, sex_unknown=2), _day()],
    fails=[_day(born=100, sex_unknown=3)],
)
def _unknown_sex(day: Day, at: At) -> Found:
    return day.sex_unknown > MOST_UNKNOWN_SEX * day.born


@rule(
    "LAX-02",
    on=Day,
    grade=Grade.QUERY,
    fields=("child_details.disabilities",),
    message="Fewer than eight disability codes are in use",
    mend="Check that the extract reads every disability code, not only the first one of each child.",
    analogue="CIN 2887Q",
    passes=[_day(born=100, disability_codes=_CODES), _day()],
    fails=[_day(born=100, disability_codes=_CODES - {"MOB"})],
)
def _few_codes(day: Day, at: At) -> Found:
    return day.born > 0 and len(day.disability_codes) < FEWEST_DISABILITY_CODES


@rule(
    "LAX-03",
    on=Day,
    grade=Grade.QUERY,
    fields=("child_details.disabilities",),
    message="No child has more than one disability",
    mend="Check that the extract sends every disability of a child, not only the first one.",
    analogue="CIN 2888Q",
    passes=[_day(born=100, with_two_disabilities=1), _day()],
    fails=[_day(born=100)],
)
def _never_two(day: Day, at: At) -> Found:
    return day.born > 0 and day.with_two_disabilities == 0


@rule(
    "LAX-04",
    on=Day,
    grade=Grade.ERROR,
    fields=("social_care_episodes.child_protection_plans", "social_care_episodes.section_47_assessments"),
    message="More child protection plans than conferences in a year",
    mend="Check that the extract sends the date of every initial child protection conference.",
    analogue="CIN 2883",
    passes=[_day(plans_started=40, conferences=40), _day()],
    fails=[_day(plans_started=41, conferences=40)],
)
def _more_plans(day: Day, at: At) -> Found:
    return day.plans_started > day.conferences


@rule(
    "LAX-05",
    on=Day,
    grade=Grade.QUERY,
    fields=("(volume)",),
    message="Open episodes fell by more than a tenth since the last day received",
    mend="Check whether cases were closed in bulk or the extract missed some. If it missed some, send them again.",
    passes=[_day(open_episodes=900, open_episodes_before=1000), _day(open_episodes=5)],
    fails=[_day(open_episodes=899, open_episodes_before=1000)],
)
def _sudden_fall(day: Day, at: At) -> Found:
    return day.open_episodes < (1 - MOST_FALL) * day.open_episodes_before


@rule(
    "LAX-06",
    on=Day,
    grade=Grade.QUERY,
    fields=("(volume)",),
    message="Nothing has been received for three days or more",
    mend="Check the nightly job, its credentials and its log; then send what is waiting.",
    passes=[_day(days_since_received=2)],
    fails=[_day(days_since_received=3)],
)
def _silent(day: Day, at: At) -> Found:
    return day.days_since_received >= SILENT_DAYS


@rule(
    "LAX-07",
    on=Day,
    grade=Grade.QUERY,
    fields=("(volume)",),
    message="More than half of all children were sent with changes on one day",
    mend="Check whether the case system gave its records new ids overnight: leave such ids out of the comparison.",
    passes=[_day(changed=500, held=1000), _day()],
    fails=[_day(changed=501, held=1000)],
)
def _all_changed(day: Day, at: At) -> Found:
    return day.changed > MOST_CHANGED * day.held


@rule(
    "LAX-08",
    on=Day,
    grade=Grade.QUERY,
    fields=("(volume)",),
    message="A count on the last 31 March is more than a tenth away from the published one",
    mend="Compare children in need, child protection plans and looked-after children with the statutory return: look "
    "for cases that are not sent, or that were closed long ago.",
    passes=[
        _day(in_need=900, published={"in_need": 1000}),
        _day(in_need=1100, on_plans=0, published={"in_need": 1000, "on_plans": 0}),
        _day(in_need=5),
    ],
    fails=[
        _day(in_need=899, published={"in_need": 1000}),
        _day(in_need=1000, looked_after=111, published={"in_need": 1000, "looked_after": 100}),
    ],
)
def _out_of_line(day: Day, at: At) -> Found:
    return any(
        abs(getattr(day, name) - day.published[name]) > MOST_APART * day.published[name]
        for name in COUNTS
        if name in day.published
    )


RULES: tuple[Rule, ...] = (
    _unknown_sex,
    _few_codes,
    _never_two,
    _more_plans,
    _sudden_fall,
    _silent,
    _all_changed,
    _out_of_line,
)
