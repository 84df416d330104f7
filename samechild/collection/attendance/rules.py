"""What is looked at in a school's attendance register, and what is wrong with it, in words a school office acts on.

The rules use the same declaration as those of children's social care. They follow the School Attendance (Pupil
Registration) (England) Regulations 2024 (SI 2024/208), "the regulations" below, and the statutory guidance *Working
together to improve school attendance* (DfE, August 2024), "the guidance". A paragraph of the regulations is named where
its text was read; everything else rests on the guidance. They look at the merged pupil and never refuse a record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import msgspec

from samechild.collection.attendance.codes import Counts, codes, counts_as, group
from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.rules.days import age_on, is_school_age, is_working_day, working_days
from samechild.collection.rules.rule import Cell, Example, Grade, Rule, rule
from samechild.identifiers import upn

IN_FORCE = date(2024, 8, 19)
"""When the regulations came into force."""

EXPLAIN_WITHIN = 5
"""School days within which a missing reason is to be found out (guidance, code N: regulation 10(7) to (9))."""

RETURN_AFTER = 10
"""School days without leave and without a break after which the authority must be told (guidance)."""

REGISTER_OPEN = 30
"""Minutes that a register may be open at most (guidance)."""


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may know besides the mark it looks at: the pupil, the day it was received, and the school.

    ``school`` holds the numbers (URN, LAESTAB without a stroke) of the school that sends; ``marks`` the pupil's marks
    by day and session.
    """

    pupil: Pupil
    today: date
    school: frozenset[str] = frozenset()
    marks: dict[tuple[date, str], tuple[Mark, ...]] = {}

    def __repr__(self) -> str:
        return "Within(hidden)"


class SchoolDay(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a whole school in numbers: how many pupils were marked with each code."""

    day: date
    session: str
    counts: dict[str, int]


def within(pupil: Pupil, today: date, school: Iterable[str] = ()) -> Within:
    """What the rules may know of a pupil."""
    ordered = sorted(pupil.marks or (), key=_session)
    marks = {key: tuple(some) for key, some in groupby(ordered, key=_session)}
    return Within(pupil=pupil, today=today, school=frozenset(each.replace("/", "") for each in school), marks=marks)


def _session(mark: Mark) -> tuple[date, str]:
    return mark.date, mark.session


# --- what the examples are made of ------------------------------------------------------------------------------------

_TODAY = date(2026, 6, 10)  # a Wednesday


def _a_mark(code: str = "/", day: str = "2026-06-09", session: str = "", minutes_late: int | None = None) -> Mark:
    half = session or ("PM" if code == "\\" else "AM")
    given = {"date": day, "session": half, "code": code}
    return msgspec.convert(given if minutes_late is None else {**given, "minutes_late": minutes_late}, Mark)


def _a_pupil(*marks: Mark, **fields: Any) -> Pupil:
    usual = {"pupil_id": "P1", "unique_pupil_number": "X000123418007", "date_of_birth": "2015-05-20"}
    given = {name: value for name, value in {**usual, **fields}.items() if value is not None}
    return msgspec.structs.replace(msgspec.convert(given, Pupil), marks=marks)


def _look(thing: Mark | Pupil, *others: Mark, today: date = _TODAY, **fields: Any) -> Example:
    """A mark of the usual pupil, beside other marks; or a pupil."""
    pupil = thing if isinstance(thing, Pupil) else _a_pupil(thing, *others, **fields)
    return Example(thing=thing, at=within(pupil, today, ["900001", "900/4001"]))


def _days(code: str, first: str, count: int) -> list[Mark]:
    """Both sessions of so many school days from a day on."""
    day, found = date.fromisoformat(first), list[Mark]()
    while len(found) < 2 * count:
        if is_working_day(day):
            found += [_a_mark(code, day.isoformat(), half) for half in ("AM", "PM")]
        day += timedelta(days=1)
    return found


# --- marks ------------------------------------------------------------------------------------------------------------


@rule(
    "ATT-01", on=Mark, grade=Grade.ERROR, fields=("code",), since=2024,
    message="The code is not one of the attendance register's on that day",
    mend="Use the codes in force since 19 August 2024. H became C or G, J became J1, and Y became Y1 to Y7.",
    passes=[_look(_a_mark("J1")), _look(_a_mark("Y", "2024-06-10"))],
    fails=[_look(_a_mark("J")), _look(_a_mark("?")), _look(_a_mark("K", "2024-06-10"))],
)  # fmt: skip
def known_code(mark: Mark, at: Within) -> bool:
    """Regulation 10 and the guidance: the register is kept with these codes."""
    code = codes().get(mark.code)
    return code is None or not code.usable_on(mark.date)


@rule(
    "ATT-02", on=Mark, grade=Grade.ERROR, fields=("session", "code"), since=2024,
    message="The sign for present is that of the other half of the day",
    mend="Enter / for a morning and \\ for an afternoon.",
    passes=[_look(_a_mark("/")), _look(_a_mark("\\")), _look(_a_mark("L", session="PM"))],
    fails=[_look(_a_mark("/", session="PM")), _look(_a_mark("\\", session="AM"))],
)  # fmt: skip
def sign_of_session(mark: Mark, at: Within) -> bool:
    """Regulation 10(2), table 1."""
    return (mark.code == "/" and mark.session == "PM") or (mark.code == "\\" and mark.session == "AM")


@rule(
    "ATT-03", on=Mark, grade=Grade.ERROR, fields=("date", "session", "code"), since=2024,
    message="One session has two different codes",
    mend="Leave the one that is true in the register, and send that session again with it alone.",
    passes=[_look(_a_mark("I"), _a_mark("I", session="PM")), _look(_a_mark("I"))],
    fails=[_look(_a_mark("I"), _a_mark("O"))],
)  # fmt: skip
def one_code(mark: Mark, at: Within) -> bool:
    """Regulation 10(1): attendance is recorded at each morning session and once during each afternoon session."""
    return len({each.code for each in at.marks[_session(mark)]}) > 1


@rule(
    "ATT-04", on=Mark, grade=Grade.ERROR, fields=("date", "code"), since=2024,
    message="The session is in the future, and the code says what happened in it",
    mend="Take the register when the session begins. Only leave and closures that are agreed can be entered before.",
    passes=[_look(_a_mark("/")), _look(_a_mark("#", "2026-07-27")), _look(_a_mark("C", "2026-06-11"))],
    fails=[_look(_a_mark("/", "2026-06-11")), _look(_a_mark("N", "2026-06-11"))],
)  # fmt: skip
def not_in_the_future(mark: Mark, at: Within) -> bool:
    """Regulation 10(1): at the beginning of each morning session and once during each afternoon session."""
    happened = group("present at the school") | group("unauthorised absence") | {"I"}
    return mark.date > at.today and mark.code in happened


@rule(
    "ATT-05", on=Mark, grade=Grade.ERROR, fields=("date", "pupil.date_of_birth"), since=2024,
    message="The session is before the pupil was born",
    mend="Check the date of birth and the day that was marked.",
    passes=[_look(_a_mark()), _look(_a_mark(), date_of_birth=None)],
    fails=[_look(_a_mark(day="2015-05-19"))],
)  # fmt: skip
def after_birth(mark: Mark, at: Within) -> bool:
    """Nobody goes to school before being born."""
    born = at.pupil.date_of_birth
    return born is not None and mark.date < born


@rule(
    "ATT-06", on=Mark, grade=Grade.QUERY, fields=("date", "pupil.date_of_birth"), since=2024,
    message="The pupil was younger than 2 or older than 19 on that day",
    mend="Check the date of birth. If it is right, nothing needs to be done.",
    passes=[_look(_a_mark()), _look(_a_mark(), date_of_birth="2024-06-09")],
    fails=[_look(_a_mark(), date_of_birth="2024-06-10"), _look(_a_mark(), date_of_birth="2006-06-09")],
)  # fmt: skip
def of_an_age(mark: Mark, at: Within) -> bool:
    """Schools take children from nursery to the end of a sixth form."""
    born = at.pupil.date_of_birth
    return born is not None and mark.date >= born and not 2 <= age_on(born, mark.date) <= 19


@rule(
    "ATT-07", on=Mark, grade=Grade.QUERY, fields=("date", "code"), since=2024,
    message="The reason for an absence is still missing after five school days",
    mend="Find out why the pupil was absent and put the code for it in the place of N; O if it cannot be found out.",
    passes=[_look(_a_mark("N", "2026-06-03")), _look(_a_mark("O", "2026-05-01"))],
    fails=[_look(_a_mark("N", "2026-06-02"))],
)  # fmt: skip
def explained(mark: Mark, at: Within) -> bool:
    """Guidance, code N: replaced as soon as the reason is known, and no later than five school days after.

    A school's holidays are not known here: working days stand in for school days, so it is a query.
    """
    return mark.code == "N" and working_days(mark.date, at.today) > EXPLAIN_WITHIN


@rule(
    "ATT-08", on=Mark, grade=Grade.QUERY, fields=("date", "code"), since=2024,
    message="There is a mark for a weekend or a bank holiday",
    mend="Take the mark away, or mark the day with # if the school was closed. Leave it if the school was open.",
    passes=[_look(_a_mark()), _look(_a_mark("#", "2026-05-25"))],
    fails=[_look(_a_mark("/", "2026-06-07")), _look(_a_mark("I", "2026-05-25"))],
)  # fmt: skip
def on_a_school_day(mark: Mark, at: Within) -> bool:
    """Regulation 10(1): registers are taken of sessions; on which days a school has them is its own affair."""
    return mark.code != "#" and not is_working_day(mark.date)


@rule(
    "ATT-09", on=Mark, grade=Grade.ERROR, fields=("code", "pupil.date_of_birth"), since=2024,
    message="X is used for a pupil of compulsory school age",
    mend="X is only for those under or over compulsory school age. For a part-time timetable use C2.",
    passes=[_look(_a_mark("X"), date_of_birth="2021-09-01"), _look(_a_mark("X"), date_of_birth=None)],
    fails=[_look(_a_mark("X"))],
)  # fmt: skip
def not_required_only_if_young(mark: Mark, at: Within) -> bool:
    """Guidance, code X; Education Act 1996 section 8."""
    born = at.pupil.date_of_birth
    return mark.code == "X" and born is not None and is_school_age(born, mark.date)


@rule(
    "ATT-10", on=Mark, grade=Grade.ERROR, fields=("code", "pupil.date_of_birth"), since=2024,
    message="C2 is used for a pupil who is not of compulsory school age",
    mend="C2 is only for a part-time timetable at compulsory school age. Otherwise use X.",
    passes=[_look(_a_mark("C2")), _look(_a_mark("C2"), date_of_birth=None)],
    fails=[_look(_a_mark("C2"), date_of_birth="2021-09-01")],
)  # fmt: skip
def part_time_only_at_school_age(mark: Mark, at: Within) -> bool:
    """Regulation 11(6): leave to be educated part-time for a while; Education Act 1996 section 8."""
    born = at.pupil.date_of_birth
    return mark.code == "C2" and born is not None and not is_school_age(born, mark.date)


@rule(
    "ATT-11", on=Mark, grade=Grade.ERROR, fields=("minutes_late", "code"), since=2024,
    message="Minutes late are given for a session in which the pupil was not late",
    mend="Give minutes only with L (before the register was closed) or U (after it was).",
    passes=[_look(_a_mark("L", minutes_late=9)), _look(_a_mark("/", minutes_late=0))],
    fails=[_look(_a_mark("I", minutes_late=9))],
)  # fmt: skip
def late_is_late(mark: Mark, at: Within) -> bool:
    """Guidance, codes L and U."""
    return bool(mark.minutes_late) and mark.code not in ("L", "U")


@rule(
    "ATT-12", on=Mark, grade=Grade.QUERY, fields=("minutes_late", "code"), since=2024,
    message="L is used more than half an hour after the register was opened",
    mend="A register is open for at most 30 minutes: use U for whoever came later.",
    passes=[_look(_a_mark("L", minutes_late=30)), _look(_a_mark("U", minutes_late=45)), _look(_a_mark("L"))],
    fails=[_look(_a_mark("L", minutes_late=31))],
)  # fmt: skip
def register_closes(mark: Mark, at: Within) -> bool:
    """Guidance: a register is open for no longer than 30 minutes."""
    return mark.code == "L" and mark.minutes_late is not None and mark.minutes_late > REGISTER_OPEN


@rule(
    "ATT-13", on=Mark, grade=Grade.QUERY, fields=("date", "session"), since=2024,
    message="Only one of the day's two sessions has a mark",
    mend="Send the other session too. Both are registered at every school day.",
    passes=[_look(_a_mark(), _a_mark("\\")), _look(_a_mark(day="2026-06-10"))],
    fails=[_look(_a_mark())],
)  # fmt: skip
def both_sessions(mark: Mark, at: Within) -> bool:
    """Regulation 10(1): each morning and each afternoon session."""
    other = "PM" if mark.session == "AM" else "AM"
    return mark.date < at.today and (mark.date, other) not in at.marks


# --- pupils -----------------------------------------------------------------------------------------------------------


@rule(
    "ATT-14", on=Pupil, grade=Grade.ERROR, fields=("unique_pupil_number",), since=2024,
    message="The UPN is not a possible one",
    mend="Look the UPN up in the school's system or in Get Information about Pupils, and send it again.",
    passes=[_look(_a_pupil()), _look(_a_pupil(unique_pupil_number=None))],
    fails=[_look(_a_pupil(unique_pupil_number="A000123418007"))],
)  # fmt: skip
def possible_upn(pupil: Pupil, at: Within) -> bool:
    """DfE, Unique Pupil Numbers: a guide for schools and local authorities."""
    number = pupil.unique_pupil_number
    return number is not None and upn.check(number).value is None


@rule(
    "ATT-15", on=Pupil, grade=Grade.ERROR, fields=("school",), since=2024,
    message="The register is another school's than the one that sends it",
    mend="Check the URN or LAESTAB in the school's system. Another school's register is sent with its own credentials.",
    passes=[_look(_a_pupil(school="900001")), _look(_a_pupil(school="9004001")), _look(_a_pupil())],
    fails=[_look(_a_pupil(school="900002"))],
)  # fmt: skip
def own_school(pupil: Pupil, at: Within) -> bool:
    """Regulation 10(1): each registered pupil is recorded in the school's own attendance register."""
    return bool(pupil.school and at.school) and (pupil.school or "").replace("/", "") not in at.school


@rule(
    "ATT-16", on=Pupil, grade=Grade.INFO, fields=("marks",), since=2024,
    message="Absent without leave for ten school days on end: the local authority must be told",
    mend="Tell the local authority, if the school has not done so, and speak with the family.",
    passes=[_look(_a_pupil(*_days("O", "2026-05-11", 9))), _look(_a_pupil(*_days("I", "2026-05-11", 12)))],
    fails=[_look(_a_pupil(*_days("O", "2026-05-11", 10)))],
)  # fmt: skip
def ten_days_without_leave(pupil: Pupil, at: Within) -> bool | Sequence[Sequence[Cell]]:
    """Guidance: pupils absent for ten school days on end with G, N, O or U are in the school's attendance return."""
    found: list[Sequence[Cell]] = []
    asked = sorted(key for key, marks in at.marks.items() if counts_as(marks[0].code) is not Counts.NOT_REQUIRED)
    for away, some in groupby(asked, key=lambda key: counts_as(at.marks[key][0].code) is Counts.UNAUTHORISED):
        run = list(some)
        if away and len(run) >= 2 * RETURN_AFTER:
            found.append([(at.marks[key][0], "code") for key in run])
    return found


@rule(
    "ATT-17", on=Pupil, grade=Grade.QUERY, fields=("marks",), since=2024,
    message="Z (not yet on the admission register) is used after the pupil attended",
    mend="Use the code that says why the pupil was away, or take the pupil off the register if they have left.",
    passes=[_look(_a_pupil(_a_mark("Z", "2026-06-08"), _a_mark("/", "2026-06-09")))],
    fails=[_look(_a_pupil(_a_mark("/", "2026-06-08"), _a_mark("Z", "2026-06-09")))],
)  # fmt: skip
def prospective_before(pupil: Pupil, at: Within) -> bool | Sequence[Sequence[Cell]]:
    """Guidance, code Z: for pupils who have not begun."""
    came = [key for key, marks in at.marks.items() if counts_as(marks[0].code) is Counts.PRESENT]
    if not came:
        return False
    return [
        [(at.marks[key][0], "code")] for key in sorted(at.marks) if key > min(came) and at.marks[key][0].code == "Z"
    ]


# --- a school's session -----------------------------------------------------------------------------------------------


@rule(
    "ATT-18", on=SchoolDay, grade=Grade.QUERY, fields=("counts",), since=2024,
    message="The school is closed (#) for some pupils and open for others in the same session",
    mend="# is for a planned closure of the whole school. For some pupils use Y3 or Y7, or C2 for a timetable.",
    passes=[
        Example(thing=SchoolDay(day=_TODAY, session="AM", counts={"#": 300})),
        Example(thing=SchoolDay(day=_TODAY, session="AM", counts={"/": 280, "I": 20})),
    ],
    fails=[Example(thing=SchoolDay(day=_TODAY, session="AM", counts={"#": 60, "/": 240}))],
)  # fmt: skip
def closed_for_all(session: SchoolDay, at: None) -> bool:
    """Guidance, code #: planned closure of the whole school."""
    closed = session.counts.get("#", 0)
    return 0 < closed < sum(session.counts.values())


RULES: tuple[Rule, ...] = (
    known_code,
    sign_of_session,
    one_code,
    not_in_the_future,
    after_birth,
    of_an_age,
    explained,
    on_a_school_day,
    not_required_only_if_young,
    part_time_only_at_school_age,
    late_is_late,
    register_closes,
    both_sessions,
    possible_upn,
    own_school,
    ten_days_without_leave,
    prospective_before,
    closed_for_all,
)
"""The rules of the attendance register, in the order of their codes."""


def session_counts(pupils: Iterable[Pupil], since: date = date.min) -> list[SchoolDay]:
    """A school's sessions from a day on in numbers, in order; a pupil with two codes for a session counts with each."""
    counted: dict[tuple[date, str], Counter[str]] = {}
    for pupil in pupils:
        for mark in pupil.marks or ():
            if mark.date >= since:
                counted.setdefault(_session(mark), Counter())[mark.code] += 1
    return [SchoolDay(day=day, session=half, counts=dict(counted[day, half])) for day, half in sorted(counted)]
