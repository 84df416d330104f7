"""Apply the rules of the register to a pupil: the same problems as for children's social care, codes and places only.

The grade, the place and what to do are the rule's own. A rule that fails itself is our mistake; the others still run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.attendance.rules import SchoolDay, Within, within
from samechild.collection.check import Problem
from samechild.collection.rules.catalogue import BROKEN, Chosen, of_register
from samechild.collection.rules.days import collection_year
from samechild.collection.rules.rule import Cell, Rule


def check_pupil(pupil: Pupil, today: date, school: Iterable[str] = (), rules: Chosen | None = None) -> list[Problem]:
    """Apply every rule in force to a pupil and each mark; ``school`` are the numbers of the school that sends.

    Places are ``marks/DAY SESSION/FIELD`` for what stands in a mark, else the field of the pupil. ``rules`` are applied
    instead of those of the catalogue where given.
    """
    at = within(pupil, today, school)
    applied = rules if rules is not None else of_register(collection_year(today))
    things: list[Mark | Pupil] = [pupil, *(pupil.marks or ())]
    problems: set[Problem] = set()
    for thing in things:
        for rule in applied.get(type(thing), ()):
            problems.update(_problems(rule, thing, at))
    return sorted(problems)


def check_session(session: SchoolDay) -> list[Problem]:
    """Apply the rules about a whole school's session; their places are the day and the half of it."""
    place = f"{session.day.isoformat()} {session.session}"
    return [
        Problem(rule.code, rule.grade, (place,))
        for rule in of_register(collection_year(session.day)).get(SchoolDay, ())
        if rule.test is not None and rule.test(session, None)
    ]


def _problems(rule: Rule, thing: Mark | Pupil, at: Within) -> Iterator[Problem]:
    assert rule.test is not None
    try:
        found = rule.test(thing, at)
        linked = [_declared(rule, thing)] if found is True else [] if found is False else list(found)
    except Exception:
        yield Problem(BROKEN.code, BROKEN.grade, (rule.code,))
        return
    for cells in linked:
        yield Problem(rule.code, rule.grade, tuple(dict.fromkeys(_place(cell) for cell in cells)))


def _declared(rule: Rule, thing: Mark | Pupil) -> Sequence[Cell]:
    """The cells that a rule declares."""
    return [(None if field.startswith("pupil.") else thing, field.removeprefix("pupil.")) for field in rule.fields]


def _place(cell: Cell) -> str:
    thing, field = cell
    return f"marks/{thing.date.isoformat()} {thing.session}/{field}" if isinstance(thing, Mark) else field
