"""What may happen to children and their records: each step is planned here, before anything is written.

A child is nothing but an identifier that means one child for good, and the records found to be of that child. Every
step that changes this is planned as lines before and after, from the lines that matter and nothing else, so that what
was joined can be parted exactly as it was. What people have ruled holds until a person lifts it: records once taken
apart are never joined again by themselves, and nothing joins an adopted child's two identities (Adoption and Children
Act 2002; ``docs/decisions/0006``). Messages never tell which kind of ruling stands in the way.

The state that is given must hold, for the children concerned, all their members, the redirects to them, and the rulings
between the records that would come together (:func:`samechild.index.state.crossing` names their lines).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from samechild.errors import Conflict, Invalid, Missing
from samechild.index.planned import RULED_APART, Planned
from samechild.index.records import Apart, Change, Kind
from samechild.index.state import (
    APART,
    CHILD,
    ERASED,
    GONE,
    LIVE,
    MEMBER,
    MERGED,
    NUMBER,
    SEALED,
    UNBORN,
    Pair,
    State,
    applied,
    apply,
    crossing,
    empty_hash,
    hash_of,
    is_open,
    members,
    moved,
    resolve,
    standing,
)
from samechild.index.undoing import undo

__all__ = [
    "Pair", "Planned", "State", "allow", "applied", "apply", "born", "crossing", "empty_hash", "erase", "found",
    "hash_of", "link", "members", "merge", "moved", "part", "renumber", "resolve", "seal", "split", "standing",
    "twins_born", "undo", "unlink",
]  # fmt: skip


def found(
    state: State, child: str, record_keys: Sequence[str], unborn: bool = False, pair: Pair | None = None
) -> Planned:
    """A child of whom nothing was known before, with the first records.

    Args:
        state: the lines of the records, and of the rulings between them.
        child: a new identifier.
        record_keys: the child's records, of no child so far; at least one.
        unborn: whether the child is expected and not yet born.
        pair: gives the token of two records; needed when there are several.

    Raises:
        Conflict: when the identifier was ever used, a record has a child already, or two are ruled apart.
        Invalid: when no record, one record twice, or several without ``pair`` are given.
    """
    keys = _once(record_keys)
    for key in keys:
        _check_free(state, key)
    if len(keys) > 1:
        if pair is None:
            raise Invalid("To found a child with several records, say how rulings about two records are found.")
        for at, key in enumerate(keys):
            _check_may_join(state, [key], keys[at + 1 :], pair)
    changes = [_new_child(state, child, UNBORN if unborn else LIVE), *(_moves(state, key, child) for key in keys)]
    return Planned(Kind.FOUND, child, "", tuple(changes))


def link(state: State, record_key: str, child: str, pair: Pair) -> Planned:
    """A record that has no child yet is found to be of this one, or of the child this one was merged into.

    Raises:
        Conflict: when the record has a child already, the child was erased, or a ruling keeps them apart.
        Missing: when there never was such a child.
    """
    _check_free(state, record_key)
    child = _open(state, child)
    _check_may_join(state, [record_key], members(state, child), pair)
    return Planned(Kind.LINK, child, "", (_moves(state, record_key, child),))


def unlink(state: State, record_key: str, fresh: str, pair: Pair) -> Planned:
    """A record turns out to be of another child: it starts the child ``fresh`` and is not matched again.

    *Do not match again* is ruled with every record it leaves behind.

    Raises:
        Conflict: when ``fresh`` was ever used.
        Missing: when the record has no child here.
        Invalid: when it is its child's only record, so that there is nothing to take it from.
    """
    return _taken_apart(state, Kind.UNLINK, _child_of(state, record_key), [record_key], (fresh, pair))


def split(state: State, child: str, leaving: Sequence[str], fresh: str, pair: Pair) -> Planned:
    """One child turns out to be two: some of the records leave for the child ``fresh``, not to be matched again.

    Raises:
        Conflict: when ``fresh`` was ever used, or the child was erased.
        Missing: when there never was such a child.
        Invalid: unless some but not all of the child's records leave.
    """
    return _taken_apart(state, Kind.SPLIT, _open(state, child), leaving, (fresh, pair))


def merge(state: State, into: str, gone: str, pair: Pair) -> Planned:
    """Two children turn out to be one: the second's records join the first, and its identifier leads there from now on.

    Identifiers that were merged before stand for the children they lead to. When one of the two is born, so is the
    child that they are.

    Raises:
        Conflict: when a ruling keeps any two of their records apart, or one of the children was erased.
        Missing: when there never was such a child.
        Invalid: when both lead to the same child.
    """
    into, gone = _open(state, into), _open(state, gone)
    if into == gone:
        raise Invalid("Both identifiers lead to the same child already: there is nothing to merge.")
    coming = members(state, gone)
    _check_may_join(state, coming, members(state, into), pair)
    changes = [_change(state, CHILD, gone, MERGED + into), *(_moves(state, key, into) for key in coming)]
    if state[CHILD, into] == UNBORN and state[CHILD, gone] == LIVE:
        changes.append(_change(state, CHILD, into, LIVE))
    return Planned(Kind.MERGE, into, gone, tuple(changes))


def born(state: State, child: str) -> Planned:
    """An unborn child is born; the identifier stays.

    Raises:
        Conflict: when the child is born already or was erased.
        Missing: when there never was such a child.
    """
    child = _unborn(state, child)
    return Planned(Kind.BORN, child, "", (_change(state, CHILD, child, LIVE),))


def twins_born(state: State, child: str, leaving: Sequence[str], fresh: str, pair: Pair) -> Planned:
    """An unborn child is born as two: the records of the second become the child ``fresh``, not to be matched again.

    A twin of whom no record has come yet needs no step: the first of its own will found it.

    Raises:
        Conflict: when the child is born already or was erased, or ``fresh`` was ever used.
        Missing: when there never was such a child.
        Invalid: unless some but not all of the child's records are the second twin's.
    """
    child = _unborn(state, child)
    parted = _taken_apart(state, Kind.BORN, child, leaving, (fresh, pair))
    changes = [
        msgspec.structs.replace(change, after=LIVE) if change.key == fresh and change.what == CHILD else change
        for change in parted.changes
    ]
    return Planned(Kind.BORN, child, fresh, (_change(state, CHILD, child, LIVE), *changes))


def part(state: State, a: str, b: str, why: Apart, pair: Pair) -> Planned:
    """Rule that two records are of two children, so that nothing joins them until a person lifts it.

    That two identities of an adopted child are kept apart is named nowhere, not even by the children in its event.

    Raises:
        Conflict: when they are of one child now (take them apart first), or the ruling stands already.
        Invalid: when both are the same record.
    """
    token = _token(a, b, pair)
    of_a, of_b = state.get((MEMBER, a), ""), state.get((MEMBER, b), "")
    if of_a and of_a == of_b:
        raise Conflict("The two records are of one child now: unlink one of them, or split the child.")
    if state.get((APART, token)) in (why.value, Apart.PROTECTED.value):
        raise Conflict("The two records are ruled apart already.")
    named = ("", "") if why is Apart.PROTECTED else (of_a, of_b)
    return Planned(Kind.PART, *named, (_change(state, APART, token, why.value),))


def allow(state: State, a: str, b: str, pair: Pair) -> Planned:
    """Lift the ruling that two records are of two children: they may be matched again.

    What keeps an adopted child's two identities apart is never lifted, and answered as if there were no ruling.

    Raises:
        Conflict: when there is no ruling that could be lifted.
        Invalid: when both are the same record.
    """
    token = _token(a, b, pair)
    if state.get((APART, token), Apart.PROTECTED) == Apart.PROTECTED:
        raise Conflict("There is no ruling between these two records that could be lifted.")
    return Planned(
        Kind.ALLOW, state.get((MEMBER, a), ""), state.get((MEMBER, b), ""), (_change(state, APART, token, ""),)
    )


def renumber(state: State, number: str, becomes: str, child: str = "", other: str = "") -> Planned:
    """A number was superseded, withdrawn, given to another child, or is in ordinary use again.

    Args:
        state: the number's line.
        number: the number's token, never the number.
        becomes: a line as :mod:`samechild.index.numbers` writes it; empty for ordinary use.
        child: the child who had the number, if known.
        other: the child who has it now, if another.

    Raises:
        Conflict: when that is what is known of the number already.
    """
    if state.get((NUMBER, number), "") == becomes:
        raise Conflict("This is known of the number already.")
    return Planned(Kind.RENUMBER, child, other, (_change(state, NUMBER, number, becomes),))


def seal(state: State, record_keys: Sequence[str], fresh: str, rest: str, reason: str, pair: Pair) -> Planned:
    """Close an adopted child's former identity: from now on nothing is linked to its records.

    When all of the child's records are of the former identity, the child keeps its identifier. When records of the new
    identity had been joined to them, the identifier has stood for both, so that whoever holds it could pass from one
    to the other: it is closed for good, the former identity becomes the child ``fresh`` and what stays behind the child
    ``rest``, and every two records across are ruled apart.

    Args:
        state: the lines of the child and its records.
        record_keys: the records of the former identity, all of one child.
        fresh: a new identifier for the former identity.
        rest: a new identifier for the records that are not of it.
        reason: the code of the sign that closes it, such as E11.
        pair: gives the token of two records.

    Raises:
        Conflict: when they are sealed already, or a new identifier was ever used.
        Missing: when a record has no child here.
        Invalid: when no records or no reason are given, or the records are of several children (seal each by itself).
    """
    keys = _once(record_keys)
    children = {_child_of(state, key) for key in keys}
    if len(children) > 1 or not reason:
        raise Invalid("Seal the records of one child at a time, and say by which sign.")
    if all((SEALED, key) in state for key in keys):
        raise Conflict("These records are sealed already.")
    child = children.pop()
    staying = [key for key in members(state, child) if key not in keys]
    changes = [_change(state, SEALED, key, reason) for key in keys if (SEALED, key) not in state]
    if staying:
        if fresh == rest:
            raise Invalid("The two identities need two new identifiers.")
        changes += [
            _change(state, CHILD, child, ERASED),
            _new_child(state, fresh, state[CHILD, child]),
            _new_child(state, rest, state[CHILD, child]),
            *(_moves(state, key, fresh) for key in keys),
            *(_moves(state, key, rest) for key in staying),
            *_ruled(state, crossing(keys, staying, pair), Apart.PROTECTED),
        ]
    return Planned(Kind.SEAL, child, "", tuple(changes))


def erase(state: State, record_key: str) -> Planned:
    """A record is erased for good; with its last record the child is erased, and what leads to it says so.

    Raises:
        Missing: when the record has no child here.
    """
    child = _child_of(state, record_key)
    changes = [_change(state, MEMBER, record_key, "")]
    if (SEALED, record_key) in state:
        changes.append(_change(state, SEALED, record_key, ""))
    if members(state, child) == [record_key]:
        changes.append(_change(state, CHILD, child, ERASED))
    return Planned(Kind.ERASE, child, "", tuple(changes))


# --- the steps they share ---------------------------------------------------------------------------------------------


def _taken_apart(state: State, kind: Kind, child: str, leaving: Sequence[str], new: tuple[str, Pair]) -> Planned:
    fresh, pair = new
    keys = _once(leaving)
    its = members(state, child)
    staying = [key for key in its if key not in keys]
    if not set(keys) <= set(its) or not staying:
        raise Invalid("Name some but not all of the child's records.")
    changes = [
        _new_child(state, fresh, state[CHILD, child]),
        *(_moves(state, key, fresh) for key in keys),
        *_ruled(state, crossing(keys, staying, pair), Apart.SPLIT),
    ]
    return Planned(kind, child, fresh, tuple(changes))


def _change(state: State, what: str, key: str, after: str) -> Change:
    return Change(what, key, state.get((what, key), ""), after)


def _moves(state: State, record_key: str, child: str) -> Change:
    return _change(state, MEMBER, record_key, child)


def _new_child(state: State, child: str, stands: str) -> Change:
    if not child or (CHILD, child) in state or (GONE, child) in state:
        raise Conflict("An identifier is never used twice: make a new one.")
    return _change(state, CHILD, child, stands)


def _ruled(state: State, tokens: Collection[str], why: Apart) -> list[Change]:
    return [_change(state, APART, token, why.value) for token in tokens]


def _check_free(state: State, record_key: str) -> None:
    if (MEMBER, record_key) in state:
        raise Conflict("The record has a child already: merge the two children, or unlink the record first.")


def _check_may_join(state: State, coming: Collection[str], there: Collection[str], pair: Pair) -> None:
    sealed = any((SEALED, key) in state for key in (*coming, *there))
    if sealed or any((APART, token) in state for token in crossing(coming, there, pair)):
        raise Conflict(RULED_APART)


def _child_of(state: State, record_key: str) -> str:
    child = state.get((MEMBER, record_key))
    if child is None:
        raise Missing("This record is of no child here.")
    return child


def _open(state: State, child: str) -> str:
    child = resolve(state, child)
    if not is_open(state, child):
        raise Conflict("This child was erased: nothing can be done with the identifier any more.")
    return child


def _unborn(state: State, child: str) -> str:
    child = _open(state, child)
    if state[CHILD, child] != UNBORN:
        raise Conflict("This child is born already.")
    return child


def _once(record_keys: Sequence[str]) -> list[str]:
    keys = sorted(set(record_keys))
    if not keys or len(keys) < len(record_keys) or "" in keys:
        raise Invalid("Name at least one record, and each once.")
    return keys


def _token(a: str, b: str, pair: Pair) -> str:
    if a == b:
        raise Invalid("A ruling is about two different records.")
    return pair(a, b)
