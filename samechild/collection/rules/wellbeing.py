"""Rules about the strengths and difficulties questionnaires of looked-after children.

Source: the looked-after return (SSDA903), Department for Education: a total difficulties score of 0 to 40, for
children from 4 to 16 who have been looked after for a year.
"""

from __future__ import annotations

from datetime import date

from samechild.collection.records import Child, SdqAssessment, Wellbeing
from samechild.collection.rules.care import periods
from samechild.collection.rules.days import age_on, birthday
from samechild.collection.rules.examples import a_child, an_episode, look, placement, sdq
from samechild.collection.rules.parts import born
from samechild.collection.rules.rule import At, Cell, Found, Grade, Rule, rule

HIGHEST = 40
"""The highest total difficulties score."""
FROM_AGE, TO_AGE = 4, 16

_CARE = an_episode("2020-01-06", placements=[placement("2025-06-10")])


@rule(
    "SDQ-01",
    on=SdqAssessment,
    grade=Grade.ERROR,
    fields=("score",),
    message="Questionnaire without a score from 0 to 40",
    mend="Enter the total difficulties score; if none could be given, take the result away.",
    analogue="903 180",
    passes=[sdq("2026-05-18", 0), sdq("2026-05-18", 40)],
    fails=[sdq("2026-05-18", None), sdq("2026-05-18", -1), sdq("2026-05-18", 41)],
)
def _score(thing: SdqAssessment, at: At) -> Found:
    return thing.score is None or not 0 <= thing.score <= HIGHEST


@rule(
    "SDQ-02",
    on=SdqAssessment,
    grade=Grade.QUERY,
    fields=("date", "details.date_of_birth"),
    message="Questionnaire before the age of 4 or from 17 on",
    mend="Check the date and the date of birth: the questionnaire is for children from 4 to 16.",
    analogue="903 188, 189",
    passes=[
        look(sdq("2026-05-18"), date_of_birth="2022-05-18"),
        look(sdq("2026-05-18"), date_of_birth="2009-05-19"),
        look(sdq("2026-05-18"), date_of_birth=None),
        look(sdq(None), date_of_birth="2009-05-19"),
    ],
    fails=[
        look(sdq("2026-05-18"), date_of_birth="2022-05-19"),
        look(sdq("2026-05-18"), date_of_birth="2009-05-18"),
    ],
)
def _age(thing: SdqAssessment, at: At) -> Found:
    birth = born(at.child)
    if birth is None or thing.date is None:
        return False
    return not FROM_AGE <= age_on(birth, thing.date) <= TO_AGE


@rule(
    "SDQ-03",
    on=SdqAssessment,
    grade=Grade.ERROR,
    fields=("date",),
    message="Questionnaire without a date",
    mend="Enter the day on which it was completed.",
    passes=[sdq("2026-05-18")],
    fails=[sdq(None)],
)
def _no_date(thing: SdqAssessment, at: At) -> Found:
    return thing.date is None


@rule(
    "SDQ-04",
    on=Wellbeing,
    grade=Grade.QUERY,
    fields=("sdq_assessments.date",),
    message="Two questionnaires on one day",
    mend="Delete the one that was recorded twice, or correct its date.",
    passes=[
        Wellbeing(sdq_assessments=(sdq("2025-05-19"), sdq("2026-05-18"))),
        Wellbeing(sdq_assessments=(sdq(None), sdq(None))),
        Wellbeing(),
    ],
    fails=[Wellbeing(sdq_assessments=(sdq("2026-05-18", 12), sdq("2025-05-19"), sdq("2026-05-18", 14)))],
)
def _one_day(thing: Wellbeing, at: At) -> Found:
    by_day: dict[date, list[Cell]] = {}
    for each in thing.sdq_assessments or ():
        if each.date:
            by_day.setdefault(each.date, []).append((each, "date"))
    return [cells for cells in by_day.values() if len(cells) > 1]


@rule(
    "SDQ-05",
    on=Child,
    grade=Grade.QUERY,
    fields=("health_and_wellbeing", "social_care_episodes.child_looked_after_placements.start_date"),
    message="Looked after for a year, and no questionnaire in that year",
    mend="Send the latest result. If the carer or the child refused, or it could not be done, nothing need change.",
    analogue="903 186",
    passes=[
        a_child(_CARE, sdq=[sdq("2025-06-10")]),
        a_child(an_episode("2020-01-06", placements=[placement("2025-06-11")])),
        a_child(_CARE, date_of_birth="2021-06-11"),  # not yet 4 when the year began
        a_child(_CARE, date_of_birth="2009-06-10"),  # 17
        a_child(an_episode("2020-01-06", placements=[placement("2025-06-10", "2026-06-01", "E4A")])),
    ],
    fails=[
        a_child(_CARE),
        a_child(_CARE, sdq=[sdq("2025-06-09")]),
        a_child(_CARE, date_of_birth="2021-06-10"),
        a_child(
            an_episode(
                "2020-01-06",
                placements=[placement("2025-02-03", "2025-09-01", "X1"), placement("2025-09-01", start_reason="P")],
            )
        ),
    ],
)
def _none_in_a_year(child: Child, at: At) -> Found:
    birth = born(child)
    found = periods(child)
    if birth is None or not found or found[-1].finished:
        return False
    first = found[-1].first
    since = birthday(at.today, -1)
    if first.start_date is None or first.start_date > since:
        return False
    if age_on(birth, since) < FROM_AGE or age_on(birth, at.today) > TO_AGE:
        return False
    results = (child.health_and_wellbeing and child.health_and_wellbeing.sdq_assessments) or ()
    if any(each.date and each.date >= since for each in results):
        return False
    return [[(child, "health_and_wellbeing"), (first, "start_date")]]


RULES: tuple[Rule, ...] = (_score, _age, _no_date, _one_day, _none_in_a_year)
