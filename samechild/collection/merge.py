"""What a council's submissions about one child add up to.

The published specification (version 1.0.1) says what a purge flag erases and nothing about merging. The rest follows
what the sector's client was seen to send (``data-to-insight/dfe-csc-api-data-flows``, ``payload.py``): a record of
changes names every current item of a list that it sends, the unchanged ones by their id alone; a list that became empty
and a field that was emptied are simply left out; and nothing of that asks for a deletion. So **absence never deletes**:

========================================= ============================================================================
sent                                       means
========================================= ============================================================================
a field, a section, a list left out        unchanged
a field of the personal details left out   these are sent whole, so: kept, and marked as no longer sent since that day
an item with its id alone                  unchanged (kept by its id when it was not known)
an id missing from a list that is there    kept, with everything in it, and marked as no longer sent since that day
a field or an item sent again              the mark is taken off
results of questionnaires                  replaced whole: they have no ids
``purge: true``                            erased at that level and below, whatever else the object says; of something
                                           unknown, nothing; ``purge: false`` says nothing
the same id twice in a list                one item: later values stand, lists are put together, a purge anywhere wins
========================================= ============================================================================

Items belong to the list they stand in: an id that moves to another episode is a second thing, and the first becomes
one that is no longer sent. Workers' allocations have no id: they are told apart by worker and first day. A row with a
worker alone says nothing. One with a last day and no first day (the client leaves out a first day that did not change)
ends the allocation it can mean, see :func:`_meant`. Allocations of a worker of whom such a row was sent are neither
marked nor unmarked unless they are named.

Items are ordered by id, allocations by worker and first day, codes by code, results newest first, fields as declared:
equal states are equal bytes whatever order they were sent in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from samechild.collection.parts import Part, Role, below, parts, worker_step
from samechild.collection.records import Child, Details

WHOLE = ""
"""The path of the child itself."""

Tree = dict[str, Any]


class Held(msgspec.Struct, frozen=True):
    """What a council's submissions about a child add up to.

    ``child`` has the shape of a record as sent, without purge flags and without empty lists or sections. ``unreported``
    says of paths since which day (ISO) they are no longer sent. Neither is ever altered in place.
    """

    child: Tree
    unreported: dict[str, str] = {}

    def __repr__(self) -> str:
        return "Held(hidden)"


class Merged(msgspec.Struct, frozen=True):
    """What a submission leads to: the new state (None: nothing is held any more), and the paths that it purged.

    The purged paths are those that were asked for, also of things that are not known: what came with the request to
    erase them is to be erased too. ``changed`` says whether anything, a mark included, differs from before.
    """

    held: Held | None
    purged: tuple[str, ...]
    changed: bool


class _Run(msgspec.Struct):
    """One merge on its way: the marks so far, the purged paths, the day."""

    marks: dict[str, str]
    purged: list[str]
    at: str


def merge(held: Held | None, sent: Mapping[str, Any], at: str) -> Merged:
    """Put one more record of a child to what is held of it.

    ``sent`` is the decoded record as it passed the structure checks, ``at`` the ISO day on which it was received. The
    inputs stay as they are; the new state shares what did not change with the old one.
    """
    if sent.get("purge") is True:
        return Merged(None, (WHOLE,), held is not None)
    run = _Run(dict(held.unreported) if held else {}, [], at)
    child = _object(Child, held.child if held else {}, sent, WHOLE, run)
    now = Held(child, dict(sorted(run.marks.items())))
    return Merged(now, tuple(run.purged), held is None or child != held.child or run.marks != held.unreported)


def child_of(held: Held) -> Child:
    """The child as a declared type, for the rules and the tables.

    The child's own id is taken as it stands, because an authority on the older specification may send longer ones; it
    is empty where only the content half is at hand.
    """
    child = msgspec.convert({**held.child, "la_child_id": "0"}, Child)
    return msgspec.structs.replace(child, la_child_id=held.child.get("la_child_id", ""))


# --- one object -------------------------------------------------------------------------------------------------------


def _object(kind: type, held: Tree, sent: Mapping[str, Any], path: str, run: _Run) -> Tree:
    """Merge an object field by field, in the declared order."""
    found: Tree = {}
    for part in parts(kind):
        was, now = held.get(part.name), sent.get(part.name)
        if now is None:
            value = was
            if kind is Details and was is not None:
                run.marks.setdefault(below(path, part.name), run.at)
        else:
            value = _field(part, was, now, below(path, part.name), run)
            if kind is Details:
                run.marks.pop(below(path, part.name), None)
        if value is not None:
            found[part.name] = value
    return found


def _field(part: Part, was: Any, now: Any, path: str, run: _Run) -> Any:
    """Merge one field that was sent; None leaves it out."""
    if part.role is Role.VALUE:
        return now
    if part.role is Role.CODES:
        return sorted(set(now))
    if part.role is Role.RESULTS:
        return _results(part.kind, now)
    if part.role is Role.WORKERS:
        return _workers(part.kind, was or [], now, path, run) or None
    if part.role is Role.ITEMS:
        return _items(part, was or [], now, path, run) or None
    if now.get("purge") is True:
        _erase(path, run)
        return None
    return _object(part.kind, was or {}, now, path, run) or None


def _erase(path: str, run: _Run) -> None:
    """Note that a path was purged, and forget the marks on it and below."""
    run.purged.append(path)
    for marked in [each for each in run.marks if each == path or each.startswith(f"{path}/")]:
        del run.marks[marked]


def _results(kind: type, sent: Iterable[Mapping[str, Any]]) -> list[Tree]:
    """Rows without an id, newest first."""
    rows = [_ordered(kind, row) for row in sent]
    return sorted(rows, key=lambda row: (row.get("date", ""), row.get("score", -1)), reverse=True)


def _ordered(kind: type, row: Mapping[str, Any]) -> Tree:
    """A flat row with its fields as declared; a whole number that was written as 12.0 is 12."""
    found: Tree = {}
    for part in parts(kind):
        value = row.get(part.name)
        if value is not None:
            found[part.name] = int(value) if isinstance(value, float) and value.is_integer() else value
    return found


# --- lists ------------------------------------------------------------------------------------------------------------


def _items(part: Part, held: Sequence[Tree], sent: Sequence[Mapping[str, Any]], path: str, run: _Run) -> list[Tree]:
    """Merge things that are told apart by their id."""
    items = {item[part.key]: item for item in held}
    named = once(part, sent)
    for name, item in named.items():
        place = f"{path}/{name}"
        if item.get("purge") is True:
            items.pop(name, None)
            _erase(place, run)
            continue
        run.marks.pop(place, None)
        if len(item) > 1 or name not in items:
            items[name] = _object(part.kind, items.get(name, {}), item, place, run)
    for name in items.keys() - named.keys():
        run.marks.setdefault(f"{path}/{name}", run.at)
    return [items[name] for name in sorted(items)]


def once(part: Part, sent: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The sent items of a list by id; those with the same id put together into one."""
    named: dict[str, Mapping[str, Any]] = {}
    for item in sent:
        name = item[part.key]
        named[name] = _together(part.kind, named[name], item) if name in named else item
    return named


def _together(kind: type, first: Mapping[str, Any], second: Mapping[str, Any]) -> Tree:
    """Two objects about the same thing as one: later values stand, lists are joined, a purge in either wins."""
    both: Tree = {**first, **{name: value for name, value in second.items() if value is not None}}
    if first.get("purge") is True:
        both["purge"] = True
    for part in parts(kind):
        one, other = first.get(part.name), second.get(part.name)
        if one is None or other is None:
            continue
        if part.role in (Role.ITEMS, Role.WORKERS):
            both[part.name] = [*one, *other]
        elif part.role is Role.SECTION:
            both[part.name] = _together(part.kind, one, other)
    return both


def _workers(kind: type, held: Sequence[Tree], sent: Sequence[Mapping[str, Any]], path: str, run: _Run) -> list[Tree]:
    """Merge allocations of workers: told apart by worker and first day; those with neither day say nothing."""
    rows = {_key(row): row for row in held}
    named = {_key(row) for row in sent if row.get("start_date")}
    vague = {_key(row)[0] for row in sent if not row.get("start_date")}
    seen = set()
    for row in sorted(sent, key=lambda row: not row.get("start_date")):
        if row.get("start_date"):
            key = _key(row)
        elif row.get("end_date"):
            key = _meant(rows, _key(row)[0], row["end_date"], named)
        else:
            continue
        rows[key] = _ordered(kind, {**rows.get(key, {}), **{name: value for name, value in row.items() if value}})
        seen.add(key)
        run.marks.pop(f"{path}/{worker_step(*key)}", None)
    for key in rows.keys() - seen:
        if key[0] not in vague:
            run.marks.setdefault(f"{path}/{worker_step(*key)}", run.at)
    return [rows[key] for key in sorted(rows)]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row.get("worker_id") or "", row.get("start_date") or ""


def _meant(rows: Mapping[tuple[str, str], Tree], worker: str, end: str, named: set[tuple[str, str]]) -> tuple[str, str]:
    """Which allocation a row means that gives a worker and a last day, but no first day.

    One that is kept without a first day; else among the worker's allocations that the list does not name by their first
    day: one that ended on this day already, the only one there is, the only one that has not ended. Where nobody can
    say, it is kept as an allocation of its own without a first day.
    """
    own = (worker, "")
    if own in rows:
        return own
    open_to_it = sorted(key for key in rows if key[0] == worker and key not in named)
    for some in (
        [key for key in open_to_it if rows[key].get("end_date") == end][:1],
        open_to_it,
        [key for key in open_to_it if not rows[key].get("end_date")],
    ):
        if len(some) == 1:
            return some[0]
    return own


# --- two vaults -------------------------------------------------------------------------------------------------------


def parted(held: Held) -> tuple[Tree, Tree]:
    """Part what is held into who the child is and what is known of it: for the identity vault and the content vault.

    The first is a flat mapping of paths to the values of fields declared as identity, placement postcodes included. The
    second is the rest in its shape (``child``) with the marks (``unreported``). Both can be written as JSON.
    """
    identity: Tree = {}
    return identity, {"child": _without(Child, held.child, WHOLE, identity), "unreported": held.unreported}


def joined(identity: Mapping[str, Any], content: Mapping[str, Any]) -> Held:
    """What :func:`parted` parted, exactly; a path of which the content knows nothing is left aside."""
    return Held(_with(Child, content["child"], WHOLE, identity), content["unreported"])


def _without(kind: type, tree: Tree, path: str, identity: Tree) -> Tree:
    found: Tree = {}
    for part in parts(kind):
        value = tree.get(part.name)
        if value is None:
            continue
        place = below(path, part.name)
        if part.identity:
            identity[place] = value
            continue
        if part.holds_identity and part.role is Role.ITEMS:
            value = [_without(part.kind, item, f"{place}/{item[part.key]}", identity) for item in value]
        elif part.holds_identity:
            value = _without(part.kind, value, place, identity)
        if value != {}:
            found[part.name] = value
    return found


def _with(kind: type, tree: Tree, path: str, identity: Mapping[str, Any]) -> Tree:
    found: Tree = {}
    for part in parts(kind):
        place = below(path, part.name)
        value = identity.get(place) if part.identity else tree.get(part.name)
        if part.holds_identity and part.role is Role.ITEMS:
            value = [_with(part.kind, item, f"{place}/{item[part.key]}", identity) for item in value or ()] or None
        elif part.holds_identity:
            value = _with(part.kind, value or {}, place, identity) or None
        if value is not None:
            found[part.name] = value
    return found
