"""Taking a step back: exactly, in any order that makes sense, and never across an erasure.

Undoing writes every line of an earlier event back to what it was, as an event of its own, so that nothing is forgotten
and an undo can itself be undone. It is refused, with the numbers of the events to undo first, when something later
rests on what would be taken back. What was erased stays erased: its lines are left out, the others go back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

import msgspec

from samechild.errors import Conflict, Missing
from samechild.index.planned import RULED_APART, Planned
from samechild.index.records import Apart, Change, Event, Kind
from samechild.index.state import (
    APART,
    CHILD,
    ERASED,
    GONE,
    MEMBER,
    SEALED,
    Pair,
    State,
    applied,
    crossing,
    is_open,
    members,
)

Line = tuple[str, str]


class _Since(msgspec.Struct, frozen=True):
    """What happened after the event: the events that still count, the lines that erasures touched, who undid what."""

    standing: tuple[Event, ...]
    erasures: bool
    erased: frozenset[Line]
    undone_by: dict[int, int]


def undo(state: State, event: Event, later: Iterable[Event], pair: Pair, by_custodian: bool = False) -> Planned:
    """Take an event back: each line becomes what it was before, and identifiers that it made lead back from now on.

    Args:
        state: the lines that the event changed, the children that they name with all their members, and the rulings
            between the records that come together again; when it lifted a ruling or a seal, the children that its
            records are of now, with all their members.
        event: what to take back; an undo as well.
        later: the later events of the same space, all of them or at least those about the same children and lines.
        pair: gives the token of two records.
        by_custodian: whether what closes an adopted child's identity may be taken back too. For anybody else it is as
            if there were no such event.

    Raises:
        Conflict: when it was undone already, when later events rest on it (their numbers are named), when nothing of
            it is left but what was erased, or when records would come together that a ruling keeps apart.
        Missing: when the event is about a closed identity and somebody other than the custodian asks.
    """
    if is_closing(event) and not by_custodian:
        raise Missing("There is no such event here.")
    if event.kind is Kind.ERASE:
        raise Conflict("An erasure is final: it cannot be undone.")
    since = _since(event, later)
    if event.number in since.undone_by:
        raise Conflict(f"This was undone already, by event {since.undone_by[event.number]}: undo that one instead.")
    found = _reversed(event)
    _check_nothing_rests_on(found, since)
    inverse = _still_there(state, found, since)
    if not inverse or (_moves_of(found) and not _moves_of(inverse)):
        raise Conflict("Everything that this was about has been erased.")
    inverse += _led_back(state, inverse)
    after = applied(state, inverse)
    _check_may_come_together(state, after, inverse, pair)
    _check_not_together(after, inverse, pair)
    inverse += _left_empty(after, inverse, since)
    return Planned(Kind.UNDO, event.child, event.other, tuple(inverse))


def is_closing(event: Event) -> bool:
    """Whether an event closes an adopted child's identity, or takes that back: only the custodian may know of it."""
    if event.kind in (Kind.SEAL, Kind.ERASE):
        return event.kind is Kind.SEAL
    return any(
        change.what == SEALED or (change.what == APART and Apart.PROTECTED in (change.before, change.after))
        for change in event.changes
    )


def concerned(changes: Iterable[Change]) -> set[str]:
    """The children that some changes name: whose members and later events decide whether they can be taken back."""
    found: set[str] = set()
    for change in changes:
        if change.what == CHILD:
            found.add(change.key)
        elif change.what == MEMBER:
            found |= {change.before, change.after} - {""}
    return found


def _since(event: Event, later: Iterable[Event]) -> _Since:
    after = sorted((each for each in later if each.number > event.number), key=lambda each: -each.number)
    undone_by: dict[int, int] = {}
    standing: list[Event] = []
    for each in after:
        if each.number in undone_by:
            continue
        if each.kind is Kind.UNDO:
            undone_by[each.undoes] = each.number
        if each.kind is not Kind.UNDO or each.undoes < event.number:
            standing.append(each)
    erasures = [each for each in after if each.kind is Kind.ERASE]
    erased = frozenset((change.what, change.key) for each in erasures for change in each.changes)
    counted = tuple(each for each in reversed(standing) if each.kind is not Kind.ERASE)
    return _Since(counted, bool(erasures), erased, undone_by)


def _reversed(event: Event) -> list[Change]:
    """The event's changes from after to before."""
    return [Change(each.what, each.key, each.after, each.before) for each in reversed(event.changes)]


def _moves_of(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.what == MEMBER]


def _check_nothing_rests_on(found: Sequence[Change], since: _Since) -> None:
    """What the event changed, and what it goes back to, must be as the event left it."""
    lines = {(change.what, change.key) for change in found}
    moves = _moves_of(found)
    lines |= {(CHILD, change.after) for change in moves if change.after}
    lines |= {(SEALED, change.key) for change in moves}
    resting = [each for each in since.standing if any((change.what, change.key) in lines for change in each.changes)]
    _check_none(resting)


def _check_none(resting: Sequence[Event]) -> None:
    if not resting:
        return
    if any(is_closing(each) for each in resting):
        raise Conflict(RULED_APART)
    numbers = sorted({each.number for each in resting}, reverse=True)
    named = ", ".join(str(number) for number in numbers)
    raise Conflict(f"Later events rest on this one: undo first {named}.")


def _still_there(state: State, found: Sequence[Change], since: _Since) -> list[Change]:
    """The changes without those of lines that an erasure took; anything else must be as the event left it."""
    kept: list[Change] = []
    for change in found:
        line = (change.what, change.key)
        stands = state.get(line, "")
        if stands != change.before:
            if line in since.erased or (since.erasures and stands == ERASED):
                continue
            if change.what == APART:
                raise Conflict(RULED_APART)
            raise Conflict("Something later rests on this event: look at the child's history, and undo that first.")
        if line not in since.erased:
            kept.append(change)
    return kept


def _led_back(state: State, inverse: Sequence[Change]) -> list[Change]:
    """Lines that remember where the identifiers lead whose making is taken back."""
    found = []
    remembered = {change.key for change in inverse if change.what == GONE}
    for change in inverse:
        if change.what == CHILD and not change.after and change.key not in remembered:
            back = {move.after for move in _moves_of(inverse) if move.before == change.key}
            target = back.pop() if len(back) == 1 else ""
            found.append(Change(GONE, change.key, state.get((GONE, change.key), ""), target or ERASED))
    return found


def _check_may_come_together(state: State, after: State, inverse: Sequence[Change], pair: Pair) -> None:
    coming: dict[str, list[str]] = {}
    for move in _moves_of(inverse):
        if move.after:
            coming.setdefault(move.after, []).append(move.key)
    for child, keys in coming.items():
        if not is_open(after, child):
            raise Conflict("The child that the records would go back to was erased.")
        _check_unruled(after, keys, [key for key in members(after, child) if key not in keys], pair)
        _check_unruled_within(state, after, keys, pair)


def _check_unruled_within(state: State, after: State, keys: Sequence[str], pair: Pair) -> None:
    """Records that come from different children must not be ruled apart either."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(state.get((MEMBER, key), ""), []).append(key)
    apart = list(groups.values())
    for at, group in enumerate(apart):
        _check_unruled(after, group, [key for other in apart[at + 1 :] for key in other], pair)


def _check_unruled(after: State, these: Collection[str], those: Collection[str], pair: Pair) -> None:
    closed = {(SEALED, key) in after for key in (*these, *those)}
    if those and (len(closed) > 1 or any((APART, token) in after for token in crossing(these, those, pair))):
        raise Conflict(RULED_APART)


def _check_not_together(after: State, inverse: Sequence[Change], pair: Pair) -> None:
    """A ruling or seal that stands again must not be about records that were found to be of one child since."""
    rulings = {change.key for change in inverse if change.what == APART and change.after}
    seals = {after.get((MEMBER, change.key), "") for change in inverse if change.what == SEALED}
    if not rulings and not seals:
        return
    together: dict[str, list[str]] = {}
    for (what, key), value in after.items():
        if what == MEMBER:
            together.setdefault(value, []).append(key)
    for child, its in together.items():
        if rulings and any(pair(one, other) in rulings for one, other in combinations(its, 2)):
            raise Conflict("Records that would be ruled apart again are of one child now: split that child first.")
        if child in seals and len({(SEALED, key) in after for key in its}) > 1:
            raise Conflict("Records of this child were joined since: split the child first.")


def _left_empty(after: State, inverse: Sequence[Change], since: _Since) -> list[Change]:
    """Children that would be left without records: erased with the last, or, if the last was moved, in the way."""
    found: list[Change] = []
    for child in sorted(concerned(inverse)):
        its = members(after, child)
        if its and not is_open(after, child):
            _check_none(_movers(since, its, child))
            raise Conflict("Records came to this child since: move them elsewhere first.")
        if not its and is_open(after, child):
            _check_none([each for each in since.standing if _took_from(each, child)])
            found.append(Change(CHILD, child, after[CHILD, child], ERASED))
    return found


def _movers(since: _Since, record_keys: Collection[str], child: str) -> list[Event]:
    return [
        each
        for each in since.standing
        if any(move.key in record_keys and move.after == child for move in _moves_of(each.changes))
    ]


def _took_from(event: Event, child: str) -> bool:
    return any(move.before == child != move.after for move in _moves_of(event.changes))
