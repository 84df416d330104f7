"""Rules that look over the whole record, at other children of the authority, or at what was sent before: CHD-32 to 40.

What may happen before birth: the work on an unborn child. Referral, assessment, section 47 enquiry, conference and
plans may precede the birth by the length of a pregnancy (Working Together to Safeguard Children, on pre-birth work);
being looked after, adoption, questionnaires and leaving care may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from samechild.collection.records import (
    Adoption,
    CareLeaver,
    Child,
    Details,
    Placement,
    SdqAssessment,
    Thing,
)
from samechild.collection.rules.child import GESTATION
from samechild.collection.rules.examples import (
    TODAY,
    a_child,
    an_episode,
    assessment,
    details,
    look,
    placement,
    plan,
    sdq,
    worker,
)
from samechild.collection.rules.parts import born, dated, parts, texts
from samechild.collection.rules.parts import details as details_of
from samechild.collection.rules.rule import At, Cell, Grade, Rule, rule

PLACEHOLDER = "SSD_PH"
"""What unfinished extracts of the Standard Safeguarding Dataset put where they have no value."""
PLACEHOLDERS = frozenset({"PLACEHOLDER", "UNKNOWN", "NOT KNOWN", "NOT RECORDED", "N/A", "TBC", "#N/A"})
PLACEHOLDER_DAYS = frozenset(
    {date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1), date(9999, 12, 31)}
)
"""The first and last days that databases and spreadsheets know."""

_AFTER_BIRTH = (Placement, Adoption, CareLeaver, SdqAssessment)


@rule(
    "CHD-32",
    on=Child,
    grade=Grade.QUERY,
    fields=("any text or date",),
    message="A placeholder was sent in place of a value",
    mend="Leave the field out where there is no value.",
    passes=[a_child(), a_child(postcode="ZZ99 3WZ")],
    fails=[
        a_child(surname="SSD_PH"),
        a_child(first_name="unknown"),
        a_child(date_of_birth="1900-01-01"),
        a_child(an_episode(workers=[worker("SSD_PH", "2026-06-03")])),
    ],
)
def placeholders(it: Child, at: At) -> Iterator[list[Cell]]:
    """Texts and days that stand for nothing."""
    for thing, _ in parts(it):
        kind = type(thing)
        for field in texts(kind):
            text = getattr(thing, field)
            if text and (text.startswith(PLACEHOLDER) or text.upper() in PLACEHOLDERS):
                yield [(thing, field)]
        for field in dated(kind):
            if getattr(thing, field) in PLACEHOLDER_DAYS:
                yield [(thing, field)]


@rule(
    "CHD-33",
    on=Details,
    grade=Grade.ERROR,
    fields=("unique_pupil_number",),
    analogue="CIN 1520",
    message="The same UPN stands on another child of the authority",
    mend="Find out whose number it is; if both records are of one child, put them together in your system.",
    passes=[details(), look(details(), shared=["name and birth"])],
    fails=[look(details(), shared=["upn"])],
)
def number_shared(it: Details, at: At) -> bool:
    """One number names one pupil."""
    return "upn" in at.shared


@rule(
    "CHD-34",
    on=Details,
    grade=Grade.QUERY,
    fields=("first_name", "surname", "date_of_birth"),
    message="Another child of the authority has the same name and date of birth",
    mend="Check whether the child was recorded twice; if so, put the records together in your system.",
    passes=[details(), look(details(), shared=["upn"])],
    fails=[look(details(), shared=["name and birth"])],
)
def name_shared(it: Details, at: At) -> bool:
    """Perhaps one child under two ids."""
    return "name and birth" in at.shared


def _before(at: At) -> Details | None:
    return at.before.child_details if at.before is not None else None


@rule(
    "CHD-35",
    on=Details,
    grade=Grade.QUERY,
    fields=("date_of_birth",),
    analogue="903 203",
    message="The date of birth has changed since the last submission",
    mend="Check which of the two is right.",
    passes=[
        look(details(date_of_birth=None), before=a_child()),
        look(details(), before=a_child()),
        details(),
        look(details(), before=a_child(date_of_birth=None, expected_date_of_birth="2015-05-12")),
    ],
    fails=[look(details(), before=a_child(date_of_birth="2015-05-02"))],
)
def birth_changed(it: Details, at: At) -> bool:
    """Another day of birth than before; a birth after a due date is none."""
    held = _before(at)
    was = held.date_of_birth if held else None
    return was is not None and it.date_of_birth is not None and was != it.date_of_birth


@rule(
    "CHD-36",
    on=Details,
    grade=Grade.QUERY,
    fields=("sex", "ethnicity"),
    analogue="903 202, 204",
    message="Sex or ethnicity has changed since the last submission",
    mend="Check which of the two is right.",
    passes=[
        look(details(), before=a_child()),
        look(details(), before=a_child(sex="U", ethnicity="NOBT")),
        look(details(), before=a_child(sex=None, ethnicity=None)),
    ],
    fails=[look(details(), before=a_child(sex="M")), look(details(), before=a_child(ethnicity="MWBA"))],
)
def sex_or_ethnicity_changed(it: Details, at: At) -> Iterator[list[Cell]]:
    """Another value than before; one that takes the place of *not known* or *refused* is none."""
    held = _before(at)
    if held is None:
        return
    if held.sex not in (None, "U", it.sex):
        yield [(it, "sex")]
    if held.ethnicity not in (None, "NOBT", "REFU", it.ethnicity):
        yield [(it, "ethnicity")]


@rule(
    "CHD-37",
    on=Details,
    grade=Grade.QUERY,
    fields=("unique_pupil_number", "former_unique_pupil_number"),
    analogue="903 208",
    message="The UPN has changed and the old one is not given as the former UPN",
    mend="Enter the old number as the former UPN, or correct the new one.",
    passes=[
        look(details(unique_pupil_number=None), before=a_child()),
        look(details(), before=a_child()),
        look(details(), before=a_child(unique_pupil_number=None)),
        look(
            details(former_unique_pupil_number="A845123418007"),
            before=a_child(unique_pupil_number="A845123418007"),
        ),
    ],
    fails=[look(details(), before=a_child(unique_pupil_number="A845123418007"))],
)
def number_changed(it: Details, at: At) -> bool:
    """A new number without a trace of the old one."""
    held = _before(at)
    was = held.unique_pupil_number if held else None
    changed = was is not None and it.unique_pupil_number is not None and was != it.unique_pupil_number
    return changed and it.former_unique_pupil_number != was


@rule(
    "CHD-38",
    on=Child,
    grade=Grade.ERROR,
    fields=("social_care_episodes",),
    analogue="CIN 8590",
    message="The child has no social care episode",
    mend="Send the episode; if the child was sent by mistake, erase the child.",
    passes=[a_child()],
    fails=[msgspec.structs.replace(a_child(), social_care_episodes=None)],
)
def no_episode(it: Child, at: At) -> bool:
    """Nothing is held that the child was referred for."""
    return not it.social_care_episodes


@rule(
    "CHD-39",
    on=Child,
    grade=Grade.ERROR,
    fields=("every date except child_details.expected_date_of_birth",),
    analogue="CIN 8600 and others",
    message="A date is in the future",
    mend="Correct the date; leave out what is only planned.",
    passes=[a_child(an_episode(TODAY)), a_child(date_of_birth=None, expected_date_of_birth="2026-08-01")],
    fails=[
        a_child(an_episode("2026-06-11")),
        a_child(an_episode(plans=[plan("2026-06-03", "2026-06-11")])),
        a_child(sdq=[sdq("2026-06-11")]),
    ],
)
def in_the_future(it: Child, at: At) -> Iterator[list[Cell]]:
    """Days after the day of receipt."""
    for thing, field, day in _days(it):
        if day > at.today:
            yield [(thing, field)]


@rule(
    "CHD-40",
    on=Child,
    grade=Grade.ERROR,
    fields=("every date", "child_details.date_of_birth"),
    analogue="903 302, 184, 586",
    message="Something happened before the birth, or a referral or plan more than 40 weeks before it",
    mend="Correct the date, or the date of birth.",
    passes=[
        a_child(an_episode(placements=[placement("2026-01-01")]), date_of_birth="2026-01-01"),
        a_child(an_episode("2025-03-27", plans=[plan("2025-03-27")]), date_of_birth="2026-01-01"),
        a_child(an_episode(placements=[placement("2026-06-03")]), date_of_birth="2026-06-11"),
        a_child(
            an_episode("2025-09-01", assessments=[assessment("2025-09-02", "2025-10-01")]), date_of_birth="2026-01-01"
        ),
        a_child(date_of_birth=None),
    ],
    fails=[
        a_child(an_episode(placements=[placement("2026-06-09")]), date_of_birth=TODAY),
        a_child(an_episode(placements=[placement("2025-12-31")]), date_of_birth="2026-01-01"),
        a_child(an_episode("2025-03-01", plans=[plan("2025-03-26")]), date_of_birth="2026-01-01"),
        a_child(sdq=[sdq("2014-05-19")]),
    ],
)
def before_birth(it: Child, at: At) -> Iterator[list[Cell]]:
    """Days on which the child was not there yet; a birth in the future is CHD-03's alone."""
    birth = born(it)
    if birth is None or birth > at.today:
        return
    earliest = birth - GESTATION if birth - date.min > GESTATION else date.min
    for thing, field, day in _days(it):
        if day < birth and (day < earliest or isinstance(thing, _AFTER_BIRTH)):
            yield [(thing, field), (details_of(it), "date_of_birth")]


def _days(it: Child) -> Iterator[tuple[Thing, str, date]]:
    """Every day of a record but the due date."""
    for thing, _ in parts(it):
        for field in dated(type(thing)):
            day = getattr(thing, field)
            if day is not None and field != "expected_date_of_birth":
                yield thing, field, day


RULES: tuple[Rule, ...] = (
    placeholders,
    number_shared,
    name_shared,
    birth_changed,
    sex_or_ethnicity_changed,
    number_changed,
    no_episode,
    in_the_future,
    before_birth,
)
