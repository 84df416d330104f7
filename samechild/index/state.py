"""What a space of the index says at one moment: its lines, what they add up to, and the digest that proves it.

A line is one of those that :class:`samechild.index.records.Change` names. Everything here works on a ``State`` that may
hold a whole space or only the lines that matter to one question: the children concerned with all their members, the
redirects that lead to them, and the rulings between their records.

The digest is a multiset hash (the sum modulo 2**256 of the SHA-256 of each line; Bellare and Micciancio 1997, AdHash):
it moves with each change in constant time and does not depend on the order of history, so that a space and the same
space rebuilt from its events can be compared at any size. It finds faults. It is no seal against somebody who may
write to the database: that is the ledger's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256

import msgspec

from samechild.errors import Conflict, Invalid, Missing
from samechild.index.records import Change

MEMBER, CHILD, APART, NUMBER, SEALED, GONE = "member", "child", "apart", "number", "sealed", "gone"
LIVE, UNBORN, ERASED, MERGED = "live", "unborn", "erased", "merged:"

State = dict[tuple[str, str], str]
"""Lines by kind and key. A line that is not there has no value; an empty value is never kept.

``gone`` lines remember identifiers whose making was undone: where their records went back to, or ``erased``. They are
memory, not state: the digest leaves them out, so that an undo restores the earlier digest and still forgets nothing.
"""

Pair = Callable[[str, str], str]
"""Gives the keyed token of two record keys, the same in either order."""

_MODULUS = 1 << 256


def apply(state: State, changes: Iterable[Change]) -> None:
    """Bring a state to where some changes lead: all of them, or none when one does not follow.

    Raises:
        Conflict: when a line is not as the change found it: somebody else changed it in the meantime.
    """
    pending: State = {}
    for change in changes:
        line = (change.what, change.key)
        if pending.get(line, state.get(line, "")) != change.before:
            raise Conflict("Somebody else changed this in the meantime: look again, then decide.")
        pending[line] = change.after
    for line, value in pending.items():
        if value:
            state[line] = value
        else:
            state.pop(line, None)


def applied(state: State, changes: Iterable[Change]) -> State:
    """The state after some changes; the one given stays as it was. Raises as :func:`apply`."""
    after = dict(state)
    apply(after, changes)
    return after


def members(state: State, child: str) -> list[str]:
    """The record keys of a child, in order; of this identifier itself, not of what it leads to."""
    return sorted(key for (what, key), value in state.items() if what == MEMBER and value == child)


def resolve(state: State, child: str) -> str:
    """The identifier that this one leads to now: its own, when nothing was merged.

    Every identifier ever given leads somewhere, for good. What became of the child there is told by :func:`standing`.

    Raises:
        Missing: when there never was such a child, or the state given does not hold the way to it.
        Invalid: when the stored lines lead in a circle.
    """
    passed = {child}
    while following := _following(state, child):
        if following in passed:
            raise Invalid("Redirects lead in a circle: run samechild index rebuild for this space, and tell its owner.")
        passed.add(following)
        child = following
    return child


def standing(state: State, child: str) -> str:
    """What became of the child that this identifier leads to: ``live``, ``unborn`` or ``erased``; raises as resolve."""
    return state.get((CHILD, resolve(state, child)), ERASED)


def is_open(state: State, child: str) -> bool:
    """Whether this very identifier can have records: it is live or unborn, neither merged nor erased."""
    return state.get((CHILD, child)) in (LIVE, UNBORN)


def crossing(these: Iterable[str], those: Iterable[str], pair: Pair) -> list[str]:
    """The tokens of every pair with one record from each side: the rulings to look up before the two are joined."""
    across = list(those)
    return [pair(one, other) for one in these for other in across]


def hash_of(state: State) -> str:
    """The digest of a whole state, 64 hexadecimal digits: the same if and only if the state is the same."""
    return _written(sum(_weight(what, key, value) for (what, key), value in state.items()))


def empty_hash() -> str:
    """The digest of a space in which nothing has happened yet."""
    return _written(0)


def moved(digest: str, changes: Iterable[Change]) -> str:
    """The digest after some changes, from the one before them: one step for each line, however large the space."""
    total = int(digest, 16)
    for change in changes:
        total -= _weight(change.what, change.key, change.before) if change.before else 0
        total += _weight(change.what, change.key, change.after) if change.after else 0
    return _written(total)


def _following(state: State, child: str) -> str:
    stands = state.get((CHILD, child), "")
    if stands.startswith(MERGED):
        return stands.removeprefix(MERGED)
    if stands:
        return ""
    back = state.get((GONE, child), "")
    if not back:
        raise Missing("No child is known by this identifier here.")
    return "" if back == ERASED else back


def _weight(what: str, key: str, value: str) -> int:
    if what == GONE:
        return 0
    return int.from_bytes(sha256(msgspec.json.encode((what, key, value))).digest(), "big")


def _written(total: int) -> str:
    return f"{total % _MODULUS:064x}"
