"""Every validation rule, listed by name of the file it stands in, in the order of the codes.

The list follows what the children in need census and the looked-after return check, turned to what can be known each
day. ``STR`` rules are checked at the door by the declared types; the others look at the merged child.
"""

from __future__ import annotations

from functools import cache

from samechild.collection.records import Child
from samechild.collection.rules import (
    adoption,
    authority,
    leavers,
    placement_ages,
    placement_order,
    placements,
    protection,
    wellbeing,
    workers,
)
from samechild.collection.rules.days import collection_year
from samechild.collection.rules.rule import Day, Grade, Rule

BROKEN = Rule(
    code="SYS-01",
    grade=Grade.INFO,
    on=Child,
    fields=(),
    message="One of our own rules could not be applied to this record",
    mend="There is nothing for you to do: it is our mistake. The other rules were applied.",
)
"""Stands in for a rule that failed on a record; the place is the code of that rule."""

_ABOUT_PLACEMENTS = (*placements.RULES, *placement_order.RULES, *placement_ages.RULES)

RULES: tuple[Rule, ...] = (
    BROKEN,
    *protection.RULES,
    *sorted(_ABOUT_PLACEMENTS, key=lambda rule: rule.code),
    *adoption.RULES,
    *leavers.RULES,
    *wellbeing.RULES,
    *workers.RULES,
    *authority.RULES,
)
"""All rules, of every year."""


@cache
def by_code() -> dict[str, Rule]:
    """The rules by code."""
    return {each.code: each for each in RULES}


@cache
def in_force(year: int) -> dict[type, tuple[Rule, ...]]:
    """The rules that are applied in a collection year (see ``days.collection_year``), by the type they look at."""
    found: dict[type, list[Rule]] = {}
    for each in RULES:
        if each.test is not None and each.since <= year and (not each.until or year <= each.until):
            found.setdefault(each.on, []).append(each)
    return {kind: tuple(rules) for kind, rules in found.items()}


def of_child(at_year: int) -> tuple[Rule, ...]:
    """The rules in force that look at a child or its things, in order."""
    return tuple(each for kind, rules in in_force(at_year).items() if kind is not Day for each in rules)


__all__ = ["BROKEN", "RULES", "by_code", "collection_year", "in_force", "of_child"]
