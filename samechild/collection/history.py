"""Any earlier day of a child's record: what was known then, what was true then, and what changed between two states.

*Known* on a day is what the submissions received until that day add up to. *True* on a day is what the dates in a state
say of it, with all that is known of it today: a plan entered in May that began in March was true in April and not known
then. What was purged was never there, in either sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from samechild.collection.merge import WHOLE, Held, Tree, merge
from samechild.collection.parts import Part, Role, below, parts, worker_step
from samechild.collection.records import (
    Adoption,
    Assessment,
    CareLeaver,
    CareWorker,
    Child,
    Details,
    Enquiry,
    Episode,
    NeedPlan,
    Placement,
    ProtectionPlan,
    SdqAssessment,
)

Received = tuple[str, Mapping[str, Any]]
"""A record as it was sent, decoded, and the ISO day on which it was received."""

BEGINS: dict[type, str] = {
    Episode: "referral_date",
    CareWorker: "start_date",
    Assessment: "start_date",
    NeedPlan: "start_date",
    Enquiry: "start_date",
    ProtectionPlan: "start_date",
    Placement: "start_date",
    SdqAssessment: "date",
    CareLeaver: "contact_date",
}
"""The date before which a thing was not there at all."""

LATER: dict[type, dict[str, tuple[str, ...]]] = {
    Details: {"date_of_birth": (), "uasc_end_date": ()},
    Episode: {"closure_date": ("closure_reason",)},
    CareWorker: {"end_date": ()},
    Assessment: {"authorisation_date": ("factors",)},
    NeedPlan: {"end_date": ()},
    Enquiry: {"icpc_date": (), "end_date": ("icpc_required_flag",)},
    ProtectionPlan: {"end_date": ()},
    Placement: {"end_date": ("end_reason", "change_reason")},
    Adoption: {"initial_decision_date": (), "matched_date": (), "placed_date": ()},
}
"""The dates that come about while a thing is there, and the fields that are settled with them."""


class Change(StrEnum):
    """What became of a place between two states."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNREPORTED = "no longer sent"
    REPORTED = "sent again"


def replay(received: Iterable[Received]) -> Held | None:
    """What records add up to, in the order in which they were received; None when nothing is held."""
    held: Held | None = None
    for at, sent in received:
        held = merge(held, sent, at).held
    return held


def known_at(received: Iterable[Received], day: date) -> Held | None:
    """What was known of a child at the end of a day: the records received until then, put together."""
    return replay((at, sent) for at, sent in received if at <= day.isoformat())


def true_at(held: Held, day: date) -> Held:
    """What was true of a child on a day, by the dates that are held now.

    Things that had not begun are left out with everything in them; ends after the day are taken off, with what is only
    settled by them (a reason, the factors of an assessment). A thing without a first date stays: nobody can say that it
    had not begun. Things that had ended stay with their ends. What has no dates (names, codes, flags) is as it is held.
    """
    then = day.isoformat()
    child = _true(Child, held.child, then)
    there = _places(Child, child, WHOLE)
    return Held(child, {path: since for path, since in held.unreported.items() if since <= then and path in there})


def differences(before: Held | None, after: Held | None) -> list[tuple[str, Change]]:
    """What differs between two states of a child: paths without values, each with what became of it.

    A thing that came or went is told once, at its own path (the child's is empty); in a thing that stayed, each field.
    Questionnaire results are told as one, as they are sent. Fields and things in declared order, marks at the end.
    """
    if before is None or after is None:
        both_none = before is None and after is None
        return [] if both_none else [(WHOLE, Change.ADDED if before is None else Change.REMOVED)]
    found = _differing(Child, before.child, after.child, WHOLE)
    left, now = before.unreported, after.unreported
    there = _places(Child, after.child, WHOLE)
    found += [(path, Change.UNREPORTED) for path in now if path not in left]
    return found + [(path, Change.REPORTED) for path in left if path not in now and path in there]


# --- what was true ----------------------------------------------------------------------------------------------------


def _true(kind: type, tree: Tree, then: str) -> Tree:
    untold = {
        field for end, settled in LATER.get(kind, {}).items() if tree.get(end, "") > then for field in (end, *settled)
    }
    found: Tree = {}
    for part in parts(kind):
        value = now = tree.get(part.name)
        if now is None or part.name in untold:
            continue
        if part.role is Role.SECTION:
            value = _true(part.kind, now, then) if _begun(part.kind, now, then) else {}
        elif part.role in (Role.ITEMS, Role.WORKERS, Role.RESULTS):
            value = [_true(part.kind, item, then) for item in now if _begun(part.kind, item, then)]
        if value == now or value not in ({}, []):
            found[part.name] = value
    return found


def _begun(kind: type, tree: Tree, then: str) -> bool:
    return bool(tree.get(BEGINS.get(kind, ""), "") <= then)


# --- what differs -----------------------------------------------------------------------------------------------------


def _named(part: Part, items: Sequence[Tree]) -> dict[str, Tree]:
    """Things of a list by their step in a path."""
    if part.role is Role.ITEMS:
        return {item[part.key]: item for item in items}
    return {worker_step(item.get("worker_id", ""), item.get("start_date", "")): item for item in items}


def _differing(kind: type, before: Tree, after: Tree, path: str) -> list[tuple[str, Change]]:
    found: list[tuple[str, Change]] = []
    for part in parts(kind):
        was, now = before.get(part.name), after.get(part.name)
        if was == now:
            continue
        place = below(path, part.name)
        if part.role is Role.SECTION and was is not None and now is not None:
            found += _differing(part.kind, was, now, place)
        elif part.role in (Role.ITEMS, Role.WORKERS):
            found += _differing_items(part, _named(part, was or ()), _named(part, now or ()), place)
        else:
            found.append((place, _change(was, now)))
    return found


def _differing_items(
    part: Part, before: Mapping[str, Tree], after: Mapping[str, Tree], path: str
) -> list[tuple[str, Change]]:
    found: list[tuple[str, Change]] = []
    for step in sorted(before.keys() | after.keys()):
        was, now = before.get(step), after.get(step)
        if was is None or now is None:
            found.append((f"{path}/{step}", _change(was, now)))
        else:
            found += _differing(part.kind, was, now, f"{path}/{step}")
    return found


def _change(was: Any, now: Any) -> Change:
    if was is None:
        return Change.ADDED
    return Change.REMOVED if now is None else Change.CHANGED


def _places(kind: type, tree: Tree, path: str) -> set[str]:
    """The paths of every field and thing of a tree."""
    found = set()
    for part in parts(kind):
        value = tree.get(part.name)
        if value is None:
            continue
        place = below(path, part.name)
        found.add(place)
        if part.role is Role.SECTION:
            found |= _places(part.kind, value, place)
        elif part.role in (Role.ITEMS, Role.WORKERS):
            for step, item in _named(part, value).items():
                found.add(f"{place}/{step}")
                found |= _places(part.kind, item, f"{place}/{step}")
    return found
