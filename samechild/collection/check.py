"""Apply every rule to a child's merged record, and say what is wrong and where.

Pure, and it runs wherever Python runs: the same rules, codes and words before a council sends and after. A problem
holds places, never values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from samechild.collection.paths import paths
from samechild.collection.records import Child, Thing
from samechild.collection.rules.catalogue import BROKEN, Chosen, in_force
from samechild.collection.rules.days import collection_year, window_start
from samechild.collection.rules.parts import details, parts
from samechild.collection.rules.rule import At, Cell, Day, Grade, Rule, Unsure


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something that a rule found: the rule's code, how bad it is, and the cells it links.

    Places are paths: steps joined by ``/``, items of lists by their own id (``social_care_episodes/E1/closure_date``),
    workers as ``WORKER@START``, questionnaires by position.
    """

    rule: str
    grade: Grade
    places: tuple[str, ...] = ()


_ORDER = (Grade.REJECT, Grade.ERROR, Grade.QUERY, Grade.INFO)


def worst(problems: Iterable[Problem]) -> Grade | None:
    """The worst grade among problems; None when there are none."""
    return min((each.grade for each in problems), key=_ORDER.index, default=None)


def check(at: At, rules: Chosen | None = None) -> list[Problem]:
    """Apply every rule in force on the day to a child and its things; the problems in order of code and place.

    ``rules`` are applied instead of those of the catalogue where given.

    A rule that fails itself is our mistake: it is reported as ``SYS-01`` with its code as the place, and the others
    are still applied.
    """
    applied = rules if rules is not None else in_force(collection_year(at.today))
    found: list[tuple[Rule, Thing, At, Sequence[Cell] | None]] = []
    broken: set[str] = set()
    here, episode = at, at.episode
    for thing, stands_in in parts(at.child):
        if stands_in is not episode:
            here, episode = msgspec.structs.replace(at, episode=stands_in), stands_in
        for rule in applied.get(type(thing), ()):
            try:
                for cells in _found(rule, thing, here):
                    found.append((rule, thing, here, cells))
            except Exception:
                broken.add(rule.code)
    problems: set[Problem] = set()
    known = _paths(at.child) if found else {}
    for rule, thing, here, cells in found:
        try:
            problems.add(_problem(rule, thing, here, cells, known))
        except Exception:  # a cell that is none of this child's
            broken.add(rule.code)
    problems.update(Problem(BROKEN.code, BROKEN.grade, (code,)) for code in broken)
    return sorted(problems)


def check_day(day: Day) -> list[Problem]:
    """Apply the rules about an authority's day; their problems have no places."""
    at = At(child=Child(la_child_id="0"), today=day.day, window=window_start(day.day))
    problems: list[Problem] = []
    for rule in in_force(collection_year(day.day)).get(Day, ()):
        try:
            problems.extend(Problem(rule.code, rule.grade) for _ in _found(rule, day, at))
        except Exception:
            problems.append(Problem(BROKEN.code, BROKEN.grade, (rule.code,)))
    return sorted(set(problems))


def apply(rule: Rule, thing: Thing, at: At) -> list[Problem]:
    """Apply one rule to one thing of ``at.child``, which stands in ``at.episode``; raises what the rule raises."""
    if isinstance(thing, Day):
        return [Problem(rule.code, rule.grade) for _ in _found(rule, thing, at)]
    known = _paths(at.child)
    return sorted({_problem(rule, thing, at, cells, known) for cells in _found(rule, thing, at)})


def _found(rule: Rule, thing: Thing | Day, at: At) -> Iterator[Sequence[Cell] | None]:
    """What a rule finds: the cells of each problem, None for those that the rule declares."""
    if rule.test is None:
        return
    found = rule.test(thing, at)
    if isinstance(found, bool) or not found:
        if found:
            yield None
    else:
        yield from found


def _problem(rule: Rule, thing: Thing, at: At, cells: Sequence[Cell] | None, known: dict[int, str]) -> Problem:
    grade = rule.grade
    if cells is None:
        places = [_declared(field, thing, at, known) for field in rule.fields]
    else:
        places = [_joined(known[id(each)], field) for each, field in cells]
        if isinstance(cells, Unsure) and grade is Grade.ERROR:
            grade = Grade.QUERY
    return Problem(rule.code, grade, tuple(dict.fromkeys(places)))


def _declared(field: str, thing: Thing, at: At, known: dict[int, str]) -> str:
    first, _, rest = field.partition(".")
    if first == "details" and rest:
        return _joined("child_details", rest)
    if first == "episode" and rest and at.episode is not None:
        return _joined(known[id(at.episode)], rest)
    return _joined(known[id(thing)], first)


def _joined(path: str, field: str) -> str:
    return f"{path}/{field}" if path and field else path or field


def _paths(child: Child) -> dict[int, str]:
    """The path of everything of a child, by identity: one walk, made only when there is something to report."""
    found = {id(thing): path for path, thing in paths(child)}
    found.setdefault(id(details(child)), "child_details")
    return found
