"""Rules about one placement of a looked-after child: its days, its codes, its postcode.

Source: the looked-after return (SSDA903), Department for Education.
"""

from __future__ import annotations

from datetime import date, timedelta

from samechild.collection.records import Placement
from samechild.collection.rules.care import TEMPORARY, unaccompanied
from samechild.collection.rules.codes import accepted, codes
from samechild.collection.rules.examples import look, placement
from samechild.collection.rules.parts import born, details
from samechild.collection.rules.rule import At, Found, Grade, Rule, rule
from samechild.identifiers import postcode as postcodes
from samechild.identifiers.kinds import Kind

FIRST_RETURN = date(1991, 10, 14)
"""The Children Act 1989 came into force: nobody has been looked after since before then."""
RETIRED = frozenset({"H5", "P2", "Z1"})
"""Placement codes that are no longer used."""
RETIRED_FROM = date(2025, 4, 1)
MOST_DAYS = {"T1": 42, "T3": 21, "T4": 7}
"""How long a temporary placement may last, in days."""
FAR = 350
"""Miles in a straight line that hardly any placement is from home."""


@rule(
    "CLA-01",
    on=Placement,
    grade=Grade.ERROR,
    fields=("start_date",),
    message="Placement has no start date",
    mend="Enter the day the placement started.",
    analogue="903 141",
    passes=[placement("2026-05-18")],
    fails=[placement(None)],
)
def _no_start(placement: Placement, at: At) -> Found:
    return placement.start_date is None


@rule(
    "CLA-02",
    on=Placement,
    grade=Grade.ERROR,
    fields=("start_date", "details.date_of_birth"),
    message="Placement starts before the child was born",
    mend="Check the start date and the date of birth and correct the wrong one.",
    analogue="903 302",
    passes=[
        look(placement("2026-05-18"), date_of_birth="2026-05-18"),
        look(placement("2026-05-18"), date_of_birth=None),
    ],
    fails=[look(placement("2026-05-17"), date_of_birth="2026-05-18")],
)
def _before_birth(placement: Placement, at: At) -> Found:
    birth = born(at.child)
    return bool(placement.start_date and birth and placement.start_date < birth)


@rule(
    "CLA-03",
    on=Placement,
    grade=Grade.ERROR,
    fields=("start_date", "end_date"),
    message="Placement ends before it starts",
    mend="Check both dates and correct the wrong one. Some extracts leave such an end out: look at the case.",
    analogue="903 356",
    passes=[placement("2026-05-18", "2026-05-18", "E4A"), placement("2026-05-18")],
    fails=[placement("2026-05-18", "2026-05-17", "E4A")],
)
def _ends_before_start(placement: Placement, at: At) -> Found:
    return bool(placement.start_date and placement.end_date and placement.end_date < placement.start_date)


@rule(
    "CLA-04",
    on=Placement,
    grade=Grade.ERROR,
    fields=("end_date", "end_reason"),
    message="Placement has an end date without a reason, or a reason without an end date",
    mend="Enter the one that is missing; if the placement goes on, take both away.",
    analogue="903 148",
    passes=[placement("2026-05-18", "2026-05-20", "E4A"), placement("2026-05-18")],
    fails=[placement("2026-05-18", "2026-05-20"), placement("2026-05-18", None, "X1")],
)
def _half_an_end(placement: Placement, at: At) -> Found:
    return (placement.end_date is None) != (placement.end_reason is None)


@rule(
    "CLA-05",
    on=Placement,
    grade=Grade.ERROR,
    fields=("start_reason",),
    message="Placement has no valid reason why it started",
    mend="Choose S (started to be looked after), L, P, T, B or U.",
    analogue="903 143",
    passes=[placement("2026-05-18", start_reason=code) for code in "SLPTBU"],
    fails=[placement("2026-05-18", start_reason=None), placement("2026-05-18", start_reason="s")],
)
def _start_reason(placement: Placement, at: At) -> Found:
    return placement.start_reason not in codes("cla_start_reason")


@rule(
    "CLA-06",
    on=Placement,
    grade=Grade.ERROR,
    fields=("placement_type",),
    message="Placement has no valid type",
    mend="Choose the placement type from the list of the looked-after return, such as U6 or K2.",
    analogue="903 146",
    passes=[placement("2026-05-18", placement_type=code) for code in ("U6", "K2", "H5", "Z13")],
    fails=[placement("2026-05-18", placement_type=code) for code in (None, "U7", "u6")],
)
def _placement_type(placement: Placement, at: At) -> Found:
    return placement.placement_type not in accepted("placement_type")


@rule(
    "CLA-07",
    on=Placement,
    grade=Grade.ERROR,
    fields=("end_reason",),
    message="Placement ended for a reason that is not on the list",
    mend="Choose the end reason from the list of the looked-after return, such as X1 or E4A.",
    analogue="903 149",
    passes=[placement("2026-05-18", "2026-05-20", code) for code in ("X1", "E4A", "E43")] + [placement("2026-05-18")],
    fails=[placement("2026-05-18", "2026-05-20", code) for code in ("E4", "X2")],
)
def _end_reason(placement: Placement, at: At) -> Found:
    return placement.end_reason is not None and placement.end_reason not in accepted("cla_end_reason")


@rule(
    "CLA-08",
    on=Placement,
    grade=Grade.ERROR,
    fields=("change_reason",),
    message="Placement changed for a reason that is not on the list",
    mend="Choose the reason for the change from the list of the looked-after return, such as CARPL.",
    analogue="903 1009",
    passes=[placement("2026-05-18", change_reason="CARPL"), placement("2026-05-18")],
    fails=[placement("2026-05-18", change_reason="MOVED")],
)
def _change_reason(placement: Placement, at: At) -> Found:
    return placement.change_reason is not None and placement.change_reason not in accepted("placement_change_reason")


@rule(
    "CLA-16",
    on=Placement,
    grade=Grade.QUERY,
    fields=("start_date", "end_date"),
    message="Placement starts and ends on the same day",
    mend="Check both dates: a placement of less than 24 hours is not returned.",
    analogue="903 355",
    passes=[placement("2026-05-18", "2026-05-19", "E4A"), placement("2026-05-18"), placement(None)],
    fails=[placement("2026-05-18", "2026-05-18", "E4A")],
)
def _one_day(placement: Placement, at: At) -> Found:
    return placement.start_date is not None and placement.start_date == placement.end_date


@rule(
    "CLA-18",
    on=Placement,
    grade=Grade.QUERY,
    fields=("placement_type", "change_reason"),
    message="A temporary placement has a reason for the change",
    mend="Take the reason away: none is given for a move into or out of a temporary placement (T0 to T4).",
    analogue="903 226",
    passes=[
        placement("2026-05-18", placement_type="T1"),
        placement("2026-05-18", placement_type="U6", change_reason="CARPL"),
    ],
    fails=[placement("2026-05-18", placement_type="T1", change_reason="CARPL")],
)
def _temporary_with_reason(placement: Placement, at: At) -> Found:
    return placement.placement_type in TEMPORARY and placement.change_reason is not None


@rule(
    "CLA-31",
    on=Placement,
    grade=Grade.QUERY,
    fields=("placement_type", "start_date", "end_date"),
    message="Temporary placement lasts longer than it may",
    mend="At most 42 days in hospital (T1), 21 while carers are away (T3), 7 otherwise (T4): check dates and type.",
    analogue="903 375, 376, 379",
    passes=[
        placement("2026-04-06", "2026-05-18", "X1", placement_type="T1"),
        placement("2026-06-03", placement_type="T4"),
        placement("2026-01-05", placement_type="T2"),
        placement(None, "2026-05-18", "X1", placement_type="T1"),
    ],
    fails=[
        placement("2026-04-05", "2026-05-18", "X1", placement_type="T1"),
        placement("2026-04-06", "2026-04-28", "X1", placement_type="T3"),
        placement("2026-06-02", placement_type="T4"),
    ],
)
def _temporary_too_long(placement: Placement, at: At) -> Found:
    most = MOST_DAYS.get(placement.placement_type or "")
    if most is None or placement.start_date is None:
        return False
    return (placement.end_date or at.today) - placement.start_date > timedelta(days=most)


@rule(
    "CLA-32",
    on=Placement,
    grade=Grade.QUERY,
    fields=("postcode",),
    message="Placement has no valid postcode",
    mend="Enter the whole postcode of the place where the child lives or lived.",
    analogue="903 392b, 392c",
    passes=[
        placement("2026-05-18"),
        placement("2026-05-18", postcode="ZZ99 3CZ"),
        look(placement("2026-05-18", postcode=None), uasc_flag=True),
    ],
    fails=[
        placement("2026-05-18", postcode=None),
        placement("2026-05-18", postcode="JB6"),
        look(placement("2026-05-18", postcode=None), uasc_flag=True, uasc_end_date="2026-05-18"),
    ],
)
def _postcode(placement: Placement, at: At) -> Found:
    found = postcodes.check(placement.postcode or "")
    if found.kind in (Kind.ISSUED, Kind.PSEUDO):
        return False
    return not unaccompanied(at.child, placement.start_date or at.today)


@rule(
    "CLA-33",
    on=Placement,
    grade=Grade.QUERY,
    fields=("postcode", "details.postcode"),
    message="The child is placed at the home postcode",
    mend="Check both postcodes: they are the same only for a placement with parents (P1).",
    analogue="903 392d",
    passes=[
        look(placement("2026-05-18", postcode="JB6 2TX"), postcode="JB1 4AP"),
        look(placement("2026-05-18", postcode="JB1 4AP", placement_type="P1"), postcode="JB1 4AP"),
        look(placement("2026-05-18", postcode="ZZ99 3VZ"), postcode="ZZ99 3VZ"),
        look(placement("2026-05-18", postcode=None), postcode=None),
    ],
    fails=[look(placement("2026-05-18", postcode="jb14ap"), postcode="JB1 4AP")],
)
def _placed_at_home(placement: Placement, at: At) -> Found:
    home = details(at.child).postcode
    if not home or not placement.postcode or placement.placement_type == "P1":
        return False
    there = postcodes.normalise(placement.postcode)
    return there == postcodes.normalise(home) and not there.startswith("ZZ99")


@rule(
    "CLA-34",
    on=Placement,
    grade=Grade.QUERY,
    fields=("postcode", "details.postcode"),
    message="Placement is more than 350 miles from home",
    mend="Check both postcodes. If they are right, nothing need change.",
    analogue="903 454",
    without_postcodes="not checked",
    passes=[
        look(placement("2026-05-18"), miles=lambda one, other: 350.0),
        placement("2026-05-18"),  # nobody knows how far
        look(placement("2026-05-18"), miles=lambda one, other: 351.0, postcode=None),
    ],
    fails=[look(placement("2026-05-18"), miles=lambda one, other: 351.0)],
)
def _far_away(placement: Placement, at: At) -> Found:
    home = details(at.child).postcode
    if not home or not placement.postcode:
        return False
    miles = at.miles(home, placement.postcode)
    return miles is not None and miles > FAR


@rule(
    "CLA-35",
    on=Placement,
    grade=Grade.ERROR,
    fields=("placement_type", "start_reason"),
    message="Placed for adoption with the current carer, but the reason says that the carer changed",
    mend="A3 and A5 mean that the carer stays: the reason is then S, T or U. For new carers the type is A4 or A6.",
    analogue="903 217",
    passes=[
        placement("2026-05-18", placement_type="A5", start_reason="U"),
        placement("2026-05-18", placement_type="A6", start_reason="P"),
    ],
    fails=[
        placement("2026-05-18", placement_type="A5", start_reason="P"),
        placement("2026-05-18", placement_type="A3", start_reason="B"),
    ],
)
def _same_carer(placement: Placement, at: At) -> Found:
    return placement.placement_type in ("A3", "A5") and placement.start_reason not in (None, "S", "T", "U")


@rule(
    "CLA-36",
    on=Placement,
    grade=Grade.QUERY,
    fields=("placement_type", "start_date"),
    message="Placement has a type that is no longer used",
    mend="H5 has become K3, Z1 has become Z11 to Z14; for P2 choose the type that describes the placement.",
    analogue="903 146 (2025-26)",
    passes=[
        placement("2025-03-31", placement_type="H5"),
        placement("2025-04-01", placement_type="K3"),
        placement(None, placement_type="H5"),
    ],
    fails=[placement("2025-04-01", placement_type=code) for code in sorted(RETIRED)],
)
def _retired(placement: Placement, at: At) -> Found:
    started = placement.start_date is not None and placement.start_date >= RETIRED_FROM
    return started and placement.placement_type in RETIRED


@rule(
    "CLA-37",
    on=Placement,
    grade=Grade.ERROR,
    fields=("start_date",),
    message="Placement starts before 14 October 1991",
    mend="Enter the right start date: the return begins with the Children Act 1989 coming into force.",
    analogue="903 353",
    passes=[placement("1991-10-14"), placement(None)],
    fails=[placement("1991-10-13"), placement("1900-01-01")],
)
def _too_long_ago(placement: Placement, at: At) -> Found:
    return placement.start_date is not None and placement.start_date < FIRST_RETURN


RULES: tuple[Rule, ...] = (
    _no_start,
    _before_birth,
    _ends_before_start,
    _half_an_end,
    _start_reason,
    _placement_type,
    _end_reason,
    _change_reason,
    _one_day,
    _temporary_with_reason,
    _temporary_too_long,
    _postcode,
    _placed_at_home,
    _far_away,
    _same_carer,
    _retired,
    _too_long_ago,
)
