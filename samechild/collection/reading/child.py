"""One child's record as tables, the way the council sent it, with the cells that rules found fault with marked.

The cells that one problem links carry the same number, so that they are seen together. Pure: it is given the record as
far as it may be seen, and the problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.merge import Held
from samechild.collection.parts import Part, Role, below, parts, worker_step
from samechild.collection.records import Child, Details, Episode, Wellbeing, declared
from samechild.collection.rules.codes import meaning
from samechild.collection.rules.rule import Rule


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One value: as sent, what its code means, the numbers of the problems it is part of, and since when not sent."""

    words: str
    means: str = ""
    problems: tuple[int, ...] = ()
    gone_since: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table of a record: one thing field by field, or a list with one thing in each row; ``level`` of its heading.

    ``gone_since`` is the day since which the whole thing is no longer sent.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    level: int = 2
    gone_since: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One problem of a child, numbered: what is wrong, what to do, since when, and the cells it links by their path.

    ``where`` says in words where each cell stands; without places the rule's own fields are named.
    """

    number: int
    rule: Rule
    grade: str
    since: datetime
    until: datetime | None = None
    places: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


Marks = Mapping[str, tuple[int, ...]]


def marks_of(faults: Sequence[Fault]) -> dict[str, tuple[int, ...]]:
    """Which cells are part of which problems: numbers by path."""
    found: dict[str, tuple[int, ...]] = {}
    for fault in faults:
        for place in fault.places:
            found[place] = (*found.get(place, ()), fault.number)
    return found


def sections_of(held: Held, marks: Marks) -> list[Section]:
    """Every table of a child's record, in the order of the specification; empty ones are left out."""
    child = held.child
    here = _Walk(held.unreported, marks)
    found = [here.one("Identifiers", Child, child, "", 2)]
    found.append(here.one("Personal details", Details, child.get("child_details", {}), "child_details", 2))
    wellbeing = child.get("health_and_wellbeing", {})
    found += here.lists(Wellbeing, wellbeing, "health_and_wellbeing", 2)
    for episode in child.get("social_care_episodes", []):
        name = episode["social_care_episode_id"]
        path = f"social_care_episodes/{name}"
        found.append(here.one(f"Episode {name}", Episode, episode, path, 2))
        found += here.lists(Episode, episode, path, 3)
    return [section for section in found if section.rows]


class _Walk:
    """A walk over a record: what is no longer sent, and what is marked."""

    def __init__(self, unreported: Mapping[str, str], marks: Marks) -> None:
        self.unreported, self.marks = unreported, marks

    def one(self, title: str, kind: type, tree: Mapping[str, Any], path: str, level: int) -> Section:
        """One thing, a field in each row: those with a value and those with a problem."""
        titles = declared(kind)
        rows = []
        for part in parts(kind):
            if part.role not in (Role.VALUE, Role.CODES):
                continue
            cell = self.cell(kind, part, tree.get(part.name), below(path, part.name))
            if cell.words or cell.problems:
                rows.append((Cell(words=titles[part.name].title), cell))
        whole = self.marks.get(path, ()) if path else ()
        if whole:
            rows.insert(0, (Cell(words="All of it"), Cell(words="", problems=whole)))
        gone = self.unreported.get(path, "")
        return Section(title=title, head=("Field", "Value"), rows=tuple(rows), level=level, gone_since=gone)

    def lists(self, kind: type, tree: Mapping[str, Any], path: str, level: int) -> Iterator[Section]:
        """The lists and single sections that stand in a thing."""
        for part in parts(kind):
            value, place = tree.get(part.name), below(path, part.name)
            title = declared(kind)[part.name].title
            if part.role is Role.SECTION:
                yield self.one(title, part.kind, value or {}, place, level)
            elif part.role in (Role.ITEMS, Role.WORKERS, Role.RESULTS):
                yield self.rows(title, part, value or [], place, level)

    def rows(self, title: str, part: Part, items: Sequence[Mapping[str, Any]], path: str, level: int) -> Section:
        """A list, one thing in each row; columns that say nothing are left out."""
        columns = [each for each in parts(part.kind) if each.role in (Role.VALUE, Role.CODES)]
        found: list[list[Cell]] = []
        for position, item in enumerate(items):
            place = f"{path}/{_step(part, item, position)}"
            cells = [self.cell(part.kind, each, item.get(each.name), below(place, each.name)) for each in columns]
            whole, gone = self.marks.get(place, ()), self.unreported.get(place, "")
            first = msgspec.structs.replace(cells[0], problems=(*whole, *cells[0].problems), gone_since=gone)
            found.append([first, *cells[1:]])
        used = [at for at in range(len(columns)) if any(row[at].words or row[at].problems for row in found)]
        titles = declared(part.kind)
        missing = self.marks.get(path, ())
        if missing and not found:
            return Section(
                title=title, head=("Nothing is held",), rows=((Cell(words="", problems=missing),),), level=level
            )
        return Section(
            title=title,
            head=tuple(titles[columns[at].name].title for at in used),
            rows=tuple(tuple(row[at] for at in used) for row in found),
            level=level,
        )

    def cell(self, kind: type, part: Part, value: Any, path: str) -> Cell:
        """One value with what is to be said of it."""
        codes = declared(kind)[part.name].codes
        words, means = said(value), ""
        if codes and codes != "upn_check" and value is not None:
            given = value if part.role is Role.CODES else [value]
            means = "; ".join(filter(None, (meaning(codes, str(each)) for each in given)))
        marks, gone = self.marks.get(path, ()), self.unreported.get(path, "")
        return Cell(words=words, means=means, problems=marks, gone_since=gone)


def said(value: Any) -> str:
    """A value as it was sent, to be read by a person."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "none"
    return str(value)


def _step(part: Part, item: Mapping[str, Any], position: int) -> str:
    if part.role is Role.ITEMS:
        return str(item[part.key])
    if part.role is Role.WORKERS:
        return worker_step(item.get("worker_id") or "", item.get("start_date") or "")
    return str(position)


def in_words(path: str) -> str:
    """Where a cell stands, in words: ``Placements P2 in episode E1: Why it ended``."""
    kind: type = Child
    steps, said_so_far, field = path.split("/"), [], ""
    while steps:
        part = next((each for each in parts(kind) if each.name == steps[0]), None)
        if part is None:
            break
        title = declared(kind)[part.name].title
        if part.role in (Role.VALUE, Role.CODES):
            field = title
            break
        steps = steps[1:]
        if part.role is Role.SECTION:
            said_so_far.append(title)
        else:
            named, steps = steps[:1], steps[1:]
            what = f"result {int(named[0]) + 1}" if part.role is Role.RESULTS and named else "".join(named)
            said_so_far.append(f"{title} {what.replace('@', ' from ').strip()}".strip())
        kind = part.kind
    where = " in ".join(reversed(said_so_far))
    return f"{where}: {field}" if where and field else field or where or "The whole record"


def fields_in_words(rule: Rule) -> tuple[str, ...]:
    """The fields that a rule looks at, in words."""
    found = []
    for name in rule.fields:
        first, _, rest = name.partition(".")
        kind = _AROUND.get(first, rule.on) if rest else rule.on
        found.append(_title(kind, rest if rest and first in _AROUND else name))
    return tuple(found)


def table_in_words(rule: Rule) -> str:
    """The table that a rule looks at, in words."""
    return _TABLES.get(rule.on.__name__, "The whole return")


def _title(kind: type, path: str) -> str:
    for step in path.split("."):
        known = declared(kind) if kind in _KINDS or kind in (Pupil, Mark) else {}
        if step not in known:
            return path.replace("_", " ")
        title = known[step].title
        kind = next((part.kind for part in parts(kind) if part.name == step), kind) if kind in _KINDS else kind
    return title


_AROUND: dict[str, type] = {"details": Details, "episode": Episode, "pupil": Pupil}
_TABLES = {
    "Child": "Child",
    "Details": "Personal details",
    "Wellbeing": "Health and wellbeing",
    "SdqAssessment": "SDQ results",
    "Episode": "Social care episodes",
    "CareWorker": "Workers",
    "Assessment": "Assessments",
    "NeedPlan": "Child in need plans",
    "Enquiry": "Section 47 enquiries",
    "ProtectionPlan": "Child protection plans",
    "Placement": "Placements",
    "Adoption": "Adoption",
    "CareLeaver": "Care leavers",
    "Pupil": "Pupils",
    "Mark": "Marks in the register",
    "SchoolDay": "A session of the whole school",
}


def _kinds() -> frozenset[type]:
    found: set[type] = set()
    waiting: list[type] = [Child]
    while waiting:
        kind = waiting.pop()
        found.add(kind)
        waiting += [part.kind for part in parts(kind) if part.kind is not object]
    return frozenset(found)


_KINDS = _kinds()
