"""Apply every rule to a child's merged record, and say what is wrong and where.

Pure, and it runs wherever Python runs: the same rules, codes and words before a council sends and after. A problem
holds places, never values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec

from samechild.collection.records import KEYS, Child, Episode, Thing
from samechild.collection.rules.catalogue import BROKEN, in_force
from samechild.collection.rules.days import collection_year, window_start
from samechild.collection.rules.parts import LISTS, SINGLE, details, parts
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


def check(at: At) -> list[Problem]:
    """Apply every rule in force on the day to a child and its things; the problems in order of code and place.

    A rule that fails itself is our mistake: it is reported as ``SYS-01`` with its code as the place, and the others
    are still applied.
    """
    rules = in_force(collection_year(at.today))
    found: list[tuple[Rule, Thing, At, Sequence[Cell] | None]] = []
    broken: set[str] = set()
    here, episode = at, at.episode
    for thing, stands_in in parts(at.child):
        if stands_in is not episode:
            here, episode = msgspec.structs.replace(at, episode=stands_in), stands_in
        for rule in rules.get(type(thing), ()):
            try:
                for cells in _found(rule, thing, here):
                    found.append((rule, thing, here, cells))
            except Exception:
                broken.add(rule.code)
    problems = {Problem(BROKEN.code, BROKEN.grade, (code,)) for code in broken}
    if found:
        paths = _paths(at.child)
        problems.update(_problem(rule, thing, here, cells, paths) for rule, thing, here, cells in found)
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
    paths = _paths(at.child)
    return sorted({_problem(rule, thing, at, cells, paths) for cells in _found(rule, thing, at)})


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


def _problem(rule: Rule, thing: Thing, at: At, cells: Sequence[Cell] | None, paths: dict[int, str]) -> Problem:
    grade = rule.grade
    if cells is None:
        places = [_declared(field, thing, at, paths) for field in rule.fields]
    else:
        places = [_joined(paths[id(each)], field) for each, field in cells]
        if isinstance(cells, Unsure) and grade is Grade.ERROR:
            grade = Grade.QUERY
    return Problem(rule.code, grade, tuple(dict.fromkeys(places)))


def _declared(field: str, thing: Thing, at: At, paths: dict[int, str]) -> str:
    first, _, rest = field.partition(".")
    if first == "details" and rest:
        return _joined("child_details", rest)
    if first == "episode" and rest and at.episode is not None:
        return _joined(paths[id(at.episode)], rest)
    return _joined(paths[id(thing)], first)


def _joined(path: str, field: str) -> str:
    return f"{path}/{field}" if path and field else path or field


def _paths(child: Child) -> dict[int, str]:
    """The path of everything of a child, by identity: one walk, made only when there is something to report."""
    found = {id(child): "", id(details(child)): "child_details"}
    if child.health_and_wellbeing is not None:
        found[id(child.health_and_wellbeing)] = "health_and_wellbeing"
        for position, result in enumerate(child.health_and_wellbeing.sdq_assessments or ()):
            found[id(result)] = f"health_and_wellbeing/sdq_assessments/{position}"
    for episode in child.social_care_episodes or ():
        found.update(_episode_paths(episode))
    return found


def _episode_paths(episode: Episode) -> Iterator[tuple[int, str]]:
    path = f"social_care_episodes/{episode.social_care_episode_id}"
    yield id(episode), path
    for name in LISTS:
        for item in getattr(episode, name) or ():
            key = getattr(item, KEYS[name]) if name in KEYS else f"{item.worker_id or ''}@{_iso(item.start_date)}"
            yield id(item), f"{path}/{name}/{key}"
    for name in SINGLE:
        single = getattr(episode, name)
        if single is not None:
            yield id(single), f"{path}/{name}"


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
