"""Every validation rule, listed by name of the file it stands in, in the order of the codes.

The list of children's social care follows what the children in need census and the looked-after return check, turned to
what can be known each day. ``STR`` rules are checked at the door by the declared types; the others look at the merged
child. School attendance, the second collection, has a list of its own: ``REG`` at its door, ``ATT`` after merging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from samechild.collection.attendance import rules as attendance
from samechild.collection.attendance import structural as attendance_door
from samechild.collection.records import Child
from samechild.collection.rules import (
    adoption,
    assessments,
    asylum,
    authority,
    child,
    closures,
    enquiries,
    episodes,
    leavers,
    needs,
    placement_ages,
    placement_order,
    placements,
    protection,
    pupil_number,
    structural,
    wellbeing,
    whole_child,
    workers,
)
from samechild.collection.rules.rule import Grade, Rule

BROKEN = Rule(
    code="SYS-01",
    grade=Grade.INFO,
    on=Child,
    fields=(),
    message="One of our own rules could not be applied to this record",
    mend="There is nothing for you to do: it is our mistake. The other rules were applied.",
)
"""Stands in for a rule that failed on a record; the place is the code of that rule."""

SECTIONS: dict[str, str] = {
    "STR": "What is sent: its shape",
    "CHD": "The child",
    "EPI": "Social care episodes",
    "ASM": "Child and family assessments",
    "CNP": "Child in need plans",
    "S47": "Section 47 enquiries",
    "CPP": "Child protection plans",
    "CLA": "Looked-after children: placements",
    "ADO": "Adoption",
    "CLV": "Care leavers",
    "SDQ": "Strengths and difficulties questionnaires",
    "WRK": "Workers",
    "LAX": "The authority's day",
    "SYS": "Ours",
}
"""What the rules are about, by the first letters of their codes, in the order in which they are listed."""

REGISTER_SECTIONS: dict[str, str] = {
    "REG": "What schools send: its shape",
    "ATT": "The attendance register",
}
"""The same of the rules of school attendance."""

_LISTED: tuple[Rule, ...] = (
    *structural.STRUCTURAL,
    *child.RULES,
    *pupil_number.RULES,
    *asylum.RULES,
    *whole_child.RULES,
    *episodes.RULES,
    *closures.RULES,
    *assessments.RULES,
    *needs.RULES,
    *enquiries.RULES,
    *protection.RULES,
    *placements.RULES,
    *placement_order.RULES,
    *placement_ages.RULES,
    *adoption.RULES,
    *leavers.RULES,
    *wellbeing.RULES,
    *workers.RULES,
    *authority.RULES,
    BROKEN,
)


def section_of(code: str) -> str:
    """What a rule is about, by its code."""
    return (SECTIONS | REGISTER_SECTIONS)[code.partition("-")[0]]


RULES: tuple[Rule, ...] = tuple(
    sorted(_LISTED, key=lambda rule: (list(SECTIONS).index(rule.code.partition("-")[0]), rule.code))
)
"""All rules of children's social care, of every year."""

REGISTER_RULES: tuple[Rule, ...] = (*attendance_door.STRUCTURAL, *attendance.RULES)
"""All rules of school attendance, of every year. Its door keeps some of the ``STR`` rules too."""


@cache
def by_code() -> dict[str, Rule]:
    """The rules of both collections by code."""
    return {each.code: each for each in (*RULES, *REGISTER_RULES)}


Chosen = Mapping[type, tuple[Rule, ...]]
"""Rules that are applied, by the type they look at."""


def chosen(rules: Iterable[Rule], year: int) -> Chosen:
    """Those of the rules that are applied in a collection year, which is named by its April."""
    found: dict[type, list[Rule]] = {}
    for each in rules:
        if each.test is not None and each.since <= year and (not each.until or year <= each.until):
            found.setdefault(each.on, []).append(each)
    return {kind: tuple(held) for kind, held in found.items()}


@cache
def in_force(year: int) -> Chosen:
    """The rules of children's social care that are applied in a collection year."""
    return chosen(RULES, year)


@cache
def of_register(year: int) -> Chosen:
    """The rules of school attendance that are applied in a collection year."""
    return chosen(REGISTER_RULES, year)
