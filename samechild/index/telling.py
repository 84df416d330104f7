"""What a follower of the index is told of an event, and what never: the thinking behind the change feed. Pure.

A follower is told enough to keep a copy right: put each record that ``moved`` under its child, drop what is ``gone``,
let each child in ``children`` stand as it is told, and drop what is left under one that is erased. It is told of its
own organisation's records only: that another agency has a record of a child is a disclosure. What was erased is gone
and named in nothing that happened before, and neither are the records of an adopted child's closed identity: nothing
told here has the two identities side by side.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from samechild.errors import Invalid
from samechild.index.records import Apart, Change, Event, Kind

WORDS = {
    Kind.FOUND: "found",
    Kind.LINK: "linked",
    Kind.UNLINK: "unlinked",
    Kind.MERGE: "merged",
    Kind.SPLIT: "split",
    Kind.UNDO: "undone",
    Kind.BORN: "born",
    Kind.PART: "parted",
    Kind.ALLOW: "allowed",
    Kind.RENUMBER: "renumbered",
    Kind.SEAL: "erased",
    Kind.ERASE: "erased",
    Kind.CHANGE: "changed",
}
"""What a follower is told that an event did. A closed identity reads as erased: nothing else may be known of it."""

_CURSOR = re.compile(r"([0-9]{1,15})(?:-([0-9a-f]{16}))?")


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """One of the follower's own records, and the child it is of from now on."""

    record_key: str
    child: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a child's identifier stands: live, unborn, merged (``leads_to`` another child) or erased."""

    child: str
    state: str
    leads_to: str = ""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a follower is told of it. ``gone`` names records that are no longer there."""

    number: int
    at: datetime
    kind: str
    child: str = ""
    other: str = ""
    moved: tuple[Moved, ...] = ()
    gone: tuple[str, ...] = ()
    children: tuple[Standing, ...] = ()
    undoes: int = 0


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What one follower may be told: of which records, and of which children that no record of theirs moved in.

    ``erased`` and ``sealed`` are records as they are now. In a space of one's own (``whole``) every child is told of.
    """

    whole: bool
    own: Collection[str] = ()
    erased: Collection[str] = ()
    sealed: Collection[str] = ()
    children: Collection[str] = ()


def cursor(text: str) -> tuple[int, str]:
    """Read a cursor: the number of the last event seen, and the check that shows it is of the same index.

    Raises:
        Invalid: when it is not one.
    """
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise Invalid("That is no cursor: begin with 0, then send the `next` of the page before.")
    return int(match[1]), match[2] or ""


def mark(event: Event) -> str:
    """The cursor that stands after an event."""
    words = f"{event.number}\x1f{event.at.isoformat()}\x1f{event.space}\x1f{event.state_hash}"
    return f"{event.number}-{hashlib.sha256(words.encode()).hexdigest()[:16]}"


def told(event: Event, sight: Sight) -> Changed | None:
    """What a follower is told of an event; None when there is nothing to tell them.

    When an identity is closed, its identifier is erased and what stays behind gets a new one: told are the records that
    stay, their new child, and that the old one is erased, so that the follower drops whatever did not move.
    """
    if "model" in event.why:
        return None  # another way of weighing from now on: nothing of any child
    moves = [change for change in event.changes if change.what == "member"]
    closed = {change.key for change in event.changes if change.what == "sealed"}
    secret = any(_protects(change) for change in event.changes)
    staying = [change for change in moves if change.key not in closed]
    gone: set[str] = set()
    if event.kind is Kind.ERASE:
        gone = {change.key for change in moves if not change.after}
    elif event.kind is Kind.SEAL and not moves:
        gone = closed
    moved = tuple(
        Moved(record_key=change.key, child=change.after)
        for change in sorted(moves, key=lambda each: each.key)
        if change.after and _may_hear(change.key, sight)
    )
    standing = _standing(event, sight, staying, secret=secret)
    named = {"child": event.child, "other": event.other}
    if secret or event.kind in (Kind.SEAL, Kind.ERASE):
        named = {}
    elif event.kind is Kind.CHANGE:
        named = named if any(_may_hear(key, sight) for key in records_named(event)) else {}
    elif not sight.whole:
        seen = _children_seen(moves, sight)
        named = {name: child for name, child in named.items() if child in seen}
    missing = tuple(sorted(key for key in gone if _may_hear_gone(key, sight)))
    if not (moved or missing or standing or any(named.values())):
        return None
    return Changed(
        number=event.number,
        at=event.at,
        kind=WORDS[event.kind],
        moved=moved,
        gone=missing,
        children=standing,
        undoes=0 if secret else event.undoes,
        **named,
    )


def records_named(event: Event) -> set[str]:
    """The records that an event is about, moved or only changed."""
    return {change.key for change in event.changes if change.what == "member"} | set(event.why.get("records", ()))


def ties_identities(event: Event) -> bool:
    """Whether an event is about an adopted child's two identities, or erased something: no child's history shows it.

    Shown in the histories of two children, its number alone would tie them together.
    """
    return event.kind in (Kind.SEAL, Kind.ERASE) or any(_protects(change) for change in event.changes)


def _protects(change: Change) -> bool:
    """Whether a line is about an adopted child's two identities."""
    return change.what == "sealed" or (change.what == "apart" and Apart.PROTECTED in (change.before, change.after))


def _may_hear(record_key: str, sight: Sight) -> bool:
    open_now = record_key not in sight.erased and record_key not in sight.sealed
    return open_now and (sight.whole or record_key in sight.own)


def _may_hear_gone(record_key: str, sight: Sight) -> bool:
    """An erased record has no owner any more: its key means something only to who holds it."""
    return sight.whole or record_key in sight.own or record_key in sight.erased


def _children_seen(moves: Sequence[Change], sight: Sight) -> set[str]:
    """The children that the follower's own records were or are of; of a quiet event those it has a record of."""
    if not moves:
        return set(sight.children)
    return {child for each in moves if _may_hear(each.key, sight) for child in (each.before, each.after) if child}


def _standing(event: Event, sight: Sight, staying: Sequence[Change], *, secret: bool) -> tuple[Standing, ...]:
    """How children stand after an event, those told of; after a closing only those of the records that stayed."""
    lines = [change for change in event.changes if change.what in ("child", "gone") and change.after]
    if secret or not sight.whole:
        seen = _children_seen(staying, sight)
        lines = [change for change in lines if change.key in seen]
    return tuple(_stands(change) for change in sorted(lines, key=lambda each: each.key))


def _stands(change: Change) -> Standing:
    if change.what == "gone" and change.after != "erased":  # its making was undone: where its records went back to
        return Standing(child=change.key, state="merged", leads_to=change.after)
    state, _, leads_to = change.after.partition(":")
    return Standing(child=change.key, state=state, leads_to=leads_to)


def follow(copy: dict[str, str], children: dict[str, Standing], page: Sequence[Changed]) -> None:
    """Bring a follower's copy up to date: what a downstream system does with a page, in a few lines."""
    for change in page:
        for move in change.moved:
            copy[move.record_key] = move.child
        for record_key in change.gone:
            copy.pop(record_key, None)
        children.update({standing.child: standing for standing in change.children})
        ended = {standing.child for standing in change.children if standing.state == "erased"}
        for record_key in [key for key, child in copy.items() if child in ended]:
            del copy[record_key]
