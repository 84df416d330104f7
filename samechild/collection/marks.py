"""What two children could have in common by mistake: a UPN, a name with a birth date. Kept as tokens, never as said.

Whose answer to a rule changes, when somebody gains or loses such a mark, is found before anything is written, and the
marks are written after the answers: whatever a kill interrupts is then found again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from samechild.collection import who_store
from samechild.collection.records import Child
from samechild.collection.rules.parts import alike
from samechild.collection.states import BASIS, RETENTION
from samechild.storage import Login, Store

MADE_FOR = {"upn": "csc upn", "name and birth": "csc name and birth"}
"""What tokens are made for, by kind of mark."""

Carriers = dict[str, set[str]]
"""Who carries each token: record keys by token."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """How the marks of an owner's children change: those of some children, and who then carries what moved.

    ``theirs`` holds a token by record key and kind; ``changed`` the children, of whom nothing was sent, whose answer to
    a rule this changes.
    """

    children: tuple[str, ...]
    theirs: Mapping[tuple[str, str], str]
    is_new: bool
    after: Carriers
    changed: frozenset[str]


def moved(store: Store, owner: str, children: Mapping[str, Child], gone: Sequence[str]) -> Moved:
    """Say how marks change when these children are as they are now and those gone; writes nothing.

    Only who is left alone with a mark, or is joined in it for the first time, is looked at again: a placeholder that
    thousands carry must not bring them all back each time.
    """
    them = (*children, *gone)
    theirs = {
        (key, kind): store.keys.token(MADE_FOR[kind], value)
        for key, child in children.items()
        for kind, value in alike(child).items()
    }
    with store.read(Login.IDENTITY, owner) as connection:
        were = who_store.marks_of(connection, owner, them)
        lost = [(key, token) for (key, kind), token in were.items() if theirs.get((key, kind)) != token]
        gained = [(key, token) for (key, kind), token in theirs.items() if were.get((key, kind)) != token]
        tokens = {token for _, token in (*lost, *gained)}
        was = carriers(who_store.marked(connection, owner, tokens))
    less, more = carriers(lost), carriers(gained)
    after = {token: (was.get(token, set()) - less.get(token, set())) | more.get(token, set()) for token in tokens}
    changed = {
        key for token in tokens if (len(was.get(token, ())) > 1) != (len(after[token]) > 1) for key in after[token]
    }
    return Moved(
        children=them, theirs=theirs, is_new=were != theirs, after=after, changed=frozenset(changed.difference(them))
    )


def keep(store: Store, owner: str, marks: Moved, now: datetime) -> None:
    """Keep the marks of children, in the place of those they had."""
    if marks.is_new:
        common = {"owner": owner, "received_at": now, "basis": BASIS, "retention": RETENTION}
        rows: list[dict[str, Any]] = [
            {**common, "record_key": key, "kind": kind, "token": token} for (key, kind), token in marks.theirs.items()
        ]
        with store.write(Login.IDENTITY, owner) as connection:
            who_store.keep_marks(connection, marks.children, rows)


def shared(
    store: Store, owner: str, record_keys: Iterable[str], marks: Moved | None = None
) -> dict[str, frozenset[str]]:
    """What each of some children has in common with another child of the owner: kinds of marks by record key.

    With ``marks``, as it will be once they are kept.
    """
    keys = set(record_keys)
    with store.read(Login.IDENTITY, owner) as connection:
        theirs = who_store.marks_of(connection, owner, sorted(keys))
        if marks is not None:
            as_they_were = keys.difference(marks.children)
            theirs = {place: token for place, token in theirs.items() if place[0] in as_they_were}
            theirs |= {place: token for place, token in marks.theirs.items() if place[0] in keys}
        after = {} if marks is None else marks.after
        several = who_store.shared(connection, owner, set(theirs.values()) - after.keys())
    several |= {token for token, those in after.items() if len(those) > 1}
    found: dict[str, set[str]] = {}
    for (key, kind), token in theirs.items():
        if token in several:
            found.setdefault(key, set()).add(kind)
    return {key: frozenset(kinds) for key, kinds in found.items()}


def carriers(marked: Iterable[tuple[str, str]]) -> Carriers:
    """Who carries each token."""
    found: Carriers = {}
    for key, token in marked:
        found.setdefault(token, set()).add(key)
    return found
