"""Naming a place in a child's record, so that a problem, a mark or a difference can point at it.

Steps are joined by ``/``: things in a list by their own id, allocations by ``WORKERID@FIRSTDAY``, questionnaire results
by their position from 0, then the field: ``social_care_episodes/E1/child_protection_plans/P2/end_date``. Opaque ids of
things may stand in a path, so a path is content of a child's record: it is kept sealed or as a token, and never logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from samechild.collection.parts import Role, below, parts, things_in, worker_step
from samechild.collection.records import Child, Thing
from samechild.errors import Invalid


def paths(child: Child) -> Iterator[tuple[str, Thing]]:
    """Every thing of a child's record with its path, the child first (its path is empty), then in declared order."""
    return _paths(child, "")


def _paths(thing: Any, path: str) -> Iterator[tuple[str, Thing]]:
    yield path, thing
    kind: type = type(thing)
    for part in things_in(kind):
        value = getattr(thing, part.name)
        if value is None:
            continue
        place = below(path, part.name)
        if part.role is Role.SECTION:
            yield from _paths(value, place)
            continue
        for position, item in enumerate(value):
            yield from _paths(item, f"{place}/{step_of(item, part.role, part.key, position)}")


def step_of(item: Any, role: Role, key: str, position: int) -> str:
    """How one thing of a list is named in a path: by its id, its worker and first day, or its position."""
    if role is Role.ITEMS:
        return str(getattr(item, key))
    if role is Role.WORKERS:
        start = item.start_date
        return worker_step(item.worker_id or "", start.isoformat() if start else "")
    return str(position)


def at_path(child: Child, path: str) -> Any:
    """The thing or the value at a path; None where there is nothing (any more)."""
    here: Any = child
    steps = path.split("/") if path else []
    while steps:
        if here is None:
            return None
        kind: type = type(here)
        part = next((part for part in parts(kind) if part.name == steps[0]), None)
        if part is None:
            return None
        here, steps = getattr(here, part.name), steps[1:]
        if part.role in (Role.VALUE, Role.CODES):
            return None if steps else here
        if part.role is not Role.SECTION and steps:
            named = ((step_of(item, part.role, part.key, at), item) for at, item in enumerate(here or ()))
            here, steps = next((item for step, item in named if step == steps[0]), None), steps[1:]
    return here


def path_of(child: Child, cell: tuple[Thing, str]) -> str:
    """The path of a cell: the thing it stands in, which must be the very object in the child, and its field.

    Raises:
        Invalid: when the thing is not one of this child's.
    """
    thing, field = cell
    for path, each in paths(child):
        if each is thing:
            return below(path, field) if field else path
    raise Invalid("That is not in this child's record.")
