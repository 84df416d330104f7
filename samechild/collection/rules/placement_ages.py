"""Rules about how old a looked-after child is: from which age a placement or a way of leaving care is possible.

A person reaches an age at the beginning of the birthday; one born on 29 February on 1 March in other years. Source:
the looked-after return (SSDA903), Department for Education.
"""

from __future__ import annotations

from datetime import date

from samechild.collection.records import Placement
from samechild.collection.rules.care import ADOPTED, ADOPTIVE, GUARDIANSHIP
from samechild.collection.rules.days import age_on
from samechild.collection.rules.examples import look, placement
from samechild.collection.rules.parts import born
from samechild.collection.rules.rule import At, Found, Grade, Rule, rule


def _younger(at: At, day: date | None, years: int) -> bool:
    birth = born(at.child)
    return birth is not None and day is not None and age_on(birth, day) < years


def _of_age(at: At, day: date | None, years: int) -> bool:
    birth = born(at.child)
    return birth is not None and day is not None and age_on(birth, day) >= years


@rule(
    "CLA-19",
    on=Placement,
    grade=Grade.ERROR,
    fields=("placement_type", "start_date", "details.date_of_birth"),
    message="Supported accommodation before the age of 16",
    mend="Check the placement type (K3, formerly H5), its start date and the date of birth.",
    analogue="903 371",
    passes=[
        look(placement("2026-05-18", placement_type="K3"), date_of_birth="2010-05-18"),
        look(placement("2026-05-18", placement_type="K3"), date_of_birth=None),
        look(placement("2026-05-18", placement_type="K2"), date_of_birth="2012-05-18"),
    ],
    fails=[
        look(placement("2026-05-18", placement_type="K3"), date_of_birth="2010-05-19"),
        look(placement("2024-05-18", placement_type="H5"), date_of_birth="2010-05-19"),
        look(placement("2025-02-28", placement_type="H5"), date_of_birth="2009-03-01"),
    ],
)
def _supported_accommodation(placement: Placement, at: At) -> Found:
    return placement.placement_type in ("K3", "H5") and _younger(at, placement.start_date, 16)


@rule(
    "CLA-20",
    on=Placement,
    grade=Grade.ERROR,
    fields=("placement_type", "start_date", "details.date_of_birth"),
    message="Youth custody before the age of 10",
    mend="Check the placement type (R5), its start date and the date of birth.",
    analogue="903 372",
    passes=[look(placement("2026-05-18", placement_type="R5"), date_of_birth="2016-05-18")],
    fails=[look(placement("2026-05-18", placement_type="R5"), date_of_birth="2016-05-19")],
)
def _custody(placement: Placement, at: At) -> Found:
    return placement.placement_type == "R5" and _younger(at, placement.start_date, 10)


@rule(
    "CLA-21",
    on=Placement,
    grade=Grade.ERROR,
    fields=("placement_type", "start_date", "details.date_of_birth"),
    message="Residential school before the age of 4",
    mend="Check the placement type (S1), its start date and the date of birth.",
    analogue="903 373",
    passes=[look(placement("2026-05-18", placement_type="S1"), date_of_birth="2022-05-18")],
    fails=[look(placement("2026-05-18", placement_type="S1"), date_of_birth="2022-05-19")],
)
def _school(placement: Placement, at: At) -> Found:
    return placement.placement_type == "S1" and _younger(at, placement.start_date, 4)


@rule(
    "CLA-22",
    on=Placement,
    grade=Grade.ERROR,
    fields=("placement_type", "start_date", "details.date_of_birth"),
    message="Residential employment before the age of 14",
    mend="Check the placement type (P3), its start date and the date of birth.",
    analogue="903 374",
    passes=[look(placement("2026-05-18", placement_type="P3"), date_of_birth="2012-05-18")],
    fails=[look(placement("2026-05-18", placement_type="P3"), date_of_birth="2012-05-19")],
)
def _employment(placement: Placement, at: At) -> Found:
    return placement.placement_type == "P3" and _younger(at, placement.start_date, 14)


@rule(
    "CLA-23",
    on=Placement,
    grade=Grade.ERROR,
    fields=("start_reason", "start_date", "details.date_of_birth"),
    message="Started to be looked after at 18 or later",
    mend="Check the start date and the date of birth: nobody starts to be looked after at 18.",
    analogue="903 352",
    passes=[
        look(placement("2026-05-18"), date_of_birth="2008-05-19"),
        look(placement("2026-05-18", start_reason="P"), date_of_birth="2008-05-18"),
        look(placement("2026-02-28"), date_of_birth="2008-02-29"),
    ],
    fails=[
        look(placement("2026-05-18"), date_of_birth="2008-05-18"),
        look(placement("2026-03-01"), date_of_birth="2008-02-29"),
    ],
)
def _starts_grown_up(placement: Placement, at: At) -> Found:
    return placement.start_reason == "S" and _of_age(at, placement.start_date, 18)


@rule(
    "CLA-24",
    on=Placement,
    grade=Grade.QUERY,
    fields=("end_date", "details.date_of_birth"),
    message="Placement is still open after the 18th birthday",
    mend="Enter the end date, on the 18th birthday at the latest, and the reason. Short breaks in a children's home "
    "(K2) may go on.",
    analogue="903 359",
    passes=[
        look(placement("2026-01-12"), date_of_birth="2008-06-11"),
        look(placement("2026-01-12", placement_type="K2"), date_of_birth="2008-06-10"),
        look(placement("2026-01-12", "2026-06-01", "E17"), date_of_birth="2008-06-01"),
    ],
    fails=[look(placement("2026-01-12"), date_of_birth="2008-06-10")],
)
def _open_grown_up(placement: Placement, at: At) -> Found:
    return placement.end_date is None and placement.placement_type != "K2" and _of_age(at, at.today, 18)


@rule(
    "CLA-25",
    on=Placement,
    grade=Grade.ERROR,
    fields=("end_reason", "placement_type"),
    message="Adopted from a placement that is no placement for adoption",
    mend="The last placement before an adoption has the type A3, A4, A5 or A6: correct the type or the end reason.",
    analogue="903 390",
    passes=[
        placement("2026-01-12", "2026-05-18", "E11", placement_type="A6"),
        placement("2026-01-12", "2026-05-18", "E4A"),
    ],
    fails=[placement("2026-01-12", "2026-05-18", code) for code in ("E11", "E12")],
)
def _adopted_from(placement: Placement, at: At) -> Found:
    return placement.end_reason in ADOPTED and placement.placement_type not in ADOPTIVE


@rule(
    "CLA-26",
    on=Placement,
    grade=Grade.ERROR,
    fields=("end_reason", "end_date", "details.date_of_birth"),
    message="Adopted or under special guardianship at 18 or later",
    mend="Check the end reason, the end date and the date of birth: both orders end with the 18th birthday.",
    analogue="903 386, 407",
    passes=[
        look(placement("2026-01-12", "2026-05-18", "E45"), date_of_birth="2008-05-19"),
        look(placement("2026-01-12", "2026-05-18", "E17"), date_of_birth="2008-05-18"),
    ],
    fails=[
        look(placement("2026-01-12", "2026-05-18", "E45"), date_of_birth="2008-05-18"),
        look(placement("2026-01-12", "2026-05-18", "E12", placement_type="A6"), date_of_birth="2008-05-18"),
    ],
)
def _order_grown_up(placement: Placement, at: At) -> Found:
    order = placement.end_reason in ADOPTED or placement.end_reason in GUARDIANSHIP
    return order and _of_age(at, placement.end_date, 18)


@rule(
    "CLA-27",
    on=Placement,
    grade=Grade.ERROR,
    fields=("end_reason", "end_date", "details.date_of_birth"),
    message="Left care to live independently before the age of 14",
    mend="Check the end reason (E5, E6), the end date and the date of birth.",
    analogue="903 387",
    passes=[
        look(placement("2026-01-12", "2026-05-18", "E5"), date_of_birth="2012-05-18"),
        look(placement("2026-01-12", "2026-05-18", "E6"), date_of_birth=None),
    ],
    fails=[look(placement("2026-01-12", "2026-05-18", code), date_of_birth="2012-05-19") for code in ("E5", "E6")],
)
def _independent(placement: Placement, at: At) -> Found:
    return placement.end_reason in ("E5", "E6") and _younger(at, placement.end_date, 14)


@rule(
    "CLA-28",
    on=Placement,
    grade=Grade.ERROR,
    fields=("end_reason", "end_date", "details.date_of_birth"),
    message="Too young to go on to adult services or to stay put",
    mend="Adult services (E7) are possible from 16, staying with the carers after care (E17) from 18: check the end "
    "reason, the end date and the date of birth.",
    analogue="903 389, 460",
    passes=[
        look(placement("2026-01-12", "2026-05-18", "E7"), date_of_birth="2010-05-18"),
        look(placement("2026-01-12", "2026-05-18", "E17"), date_of_birth="2008-05-18"),
    ],
    fails=[
        look(placement("2026-01-12", "2026-05-18", "E7"), date_of_birth="2010-05-19"),
        look(placement("2026-01-12", "2026-05-18", "E17"), date_of_birth="2008-05-19"),
    ],
)
def _adult_services(placement: Placement, at: At) -> Found:
    from_age = {"E7": 16, "E17": 18}.get(placement.end_reason or "")
    return from_age is not None and _younger(at, placement.end_date, from_age)


RULES: tuple[Rule, ...] = (
    _supported_accommodation,
    _custody,
    _school,
    _employment,
    _starts_grown_up,
    _open_grown_up,
    _adopted_from,
    _order_grown_up,
    _independent,
    _adult_services,
)
