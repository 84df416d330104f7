"""The custodian's queue: two records that look like one child with two valid identities, for two people to open.

An adopted child's two identities come together in one place only, before the named custodian, after another person has
approved it (Adoption and Children Act 2002; Disclosure of Adoption Information Regulations 2005). To anybody else the
queue does not exist. It never leads to a join: whatever is answered, the two records stay apart. Where a child lives is
not shown, because it is not needed to tell whether two identities are one child's.

Each record is asked for by itself, so that no entry of the ledger names both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from os import urandom
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Missing, Refused
from samechild.index import custody_store as rows
from samechild.index import lifecycle
from samechild.index import store as tables
from samechild.index.gathering import gathered, pair_in
from samechild.index.grounds import grounded
from samechild.index.records import Apart
from samechild.index.spaces import ask_of
from samechild.index.writing import Draft, write
from samechild.keys.register import Purpose
from samechild.keys.seal import place
from samechild.policy import ledger
from samechild.policy.actions import gather_facts, question_of
from samechild.policy.agreement_actions import check_officer
from samechild.policy.relationship_actions import approve
from samechild.policy.rules.child import CUSTODIAN, approved_by_another
from samechild.policy.vault_actions import read_record
from samechild.records.disclosure import Ask, Asker
from samechild.storage import Login, Store

OFFICER = "information-governance"
APPROVERS = (CUSTODIAN, OFFICER)
"""Who may be the second person."""

_ENTRY = "custody"
_ID = "index.custody"
_ONLY = "Only the named custodian of adoption records does this."
_NO_REQUEST = "There is no such request for your approval: check the reference with whoever gave it to you."
_APPROVE_FIRST = "Another person must approve this first: ask for approval, and give them the reference."


class Reply(StrEnum):
    """What the custodian answers."""

    SAME = "same child"  # one child's two identities: they are kept apart for good
    TWO = "two children"
    UNSURE = "cannot tell"  # it stays in the queue


class State(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    ASKED = "asked"  # the custodian asked for another person's approval
    UNSURE = "unsure"
    ANSWERED = "answered"
    GONE = "gone"  # one of the records was erased


_WAITING = (State.OPEN, State.ASKED, State.UNSURE)


class Suspected(msgspec.Struct, frozen=True):
    """Two records of a space that look like one child under two identities, and why, as a code."""

    space: str
    key_a: str
    key_b: str
    why: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A question in the queue: its reference, since when, and how far it is; never whom it is about."""

    question: str
    since: datetime
    state: State
    approved: bool


class Queue(msgspec.Struct, frozen=True):
    """The custodian's queue: how many questions wait, and which."""

    count: int
    waiting: tuple[Waiting, ...]


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Both identities side by side, as the gate lets the custodian see them. It does not print its values."""

    question: str
    why: str
    one: dict[str, str]
    other: dict[str, str]

    def __repr__(self) -> str:
        return f"Beside(question={self.question!r}, values=hidden)"


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed of a question."""

    key_a: str
    key_b: str
    why: str
    asked_by: str = ""
    answered_by: str = ""
    reply: str = ""
    note: str = ""

    def __repr__(self) -> str:
        return "_Kept(hidden)"


# --- asking: called by the engine -------------------------------------------------------------------------------------


def put(store: Store, space: str, key_a: str, key_b: str, why: str, now: datetime) -> None:
    """Ask the custodian about two records that look like one child with two valid identities.

    A pair that was asked about before, whatever was answered, is not asked about again. ``why`` is a code, never a
    value of a record. Nothing is returned and nothing written elsewhere, so that nobody learns whether anything waits.
    """
    with store.write(Login.INDEX) as connection:
        put_within(connection, store, Suspected(space, key_a, key_b, why), now)


def put_within(connection: sa.Connection, store: Store, pair: Suspected, now: datetime) -> None:
    """Ask the custodian as :func:`put` does, within the caller's transaction as ``Login.INDEX``.

    The custodian of the organisation that sealed one of the records is asked; when none is sealed, that of the first.
    """
    key_a, key_b = sorted((pair.key_a, pair.key_b))
    held = tables.records_by_key(connection, [key_a, key_b])
    ids = store.keys.tokens(_ID, "\x1f".join((pair.space, key_a, key_b)))
    if len(held) < 2 or rows.known(connection, ids):
        return
    sealed = tables.lines_by_key(connection, pair.space, "sealed", [key_a, key_b])
    asked = next((key for key in (key_a, key_b) if key in sealed), pair.key_a)
    kept = _Kept(key_a=key_a, key_b=key_b, why=pair.why)
    rows.keep(
        connection,
        {
            "question": ids[0],
            "space": pair.space,
            "organisation": held[asked].owner,
            "sealed": _sealed(store, ids[0], kept),
            "received_at": now,
            "state": State.OPEN.value,
            "state_at": now,
        },
    )


# --- the queue --------------------------------------------------------------------------------------------------------


def queue(store: Store, by: Asker, now: datetime) -> Queue:
    """What waits for the custodian, the oldest first: references only. That somebody looked is recorded, not what.

    Raises:
        Refused: to anybody else, in the same words whether or not anything waits.
    """
    _check_custodian(store, by, now)
    _note(store, by, "queue", "", now)
    with store.write(Login.INDEX) as connection:
        found = [(row, _opened(store, row)) for row in rows.waiting(connection, by.organisation, _WAITING)]
        keys = [key for _, kept in found for key in (kept.key_a, kept.key_b)]
        held = tables.records_by_key(connection, keys)
        for row, kept in found:
            if not {kept.key_a, kept.key_b} <= held.keys():
                rows.move(connection, row.question, State.GONE, row.sealed, now)
    waiting = tuple(
        Waiting(
            question=row.question,
            since=row.received_at,
            state=State(row.state),
            approved=_is_approved(store, _asks(store, by, kept, held, now)),
        )
        for row, kept in found
        if {kept.key_a, kept.key_b} <= held.keys()
    )
    return Queue(len(waiting), waiting)


def ask_approval(store: Store, by: Asker, question: str, now: datetime) -> None:
    """Ask for another person's approval to open a pair: they are given the question's reference, and nothing else.

    Raises:
        Refused: to anybody but the custodian.
        Missing: when there is no such question for them.
    """
    _check_custodian(store, by, now)
    row, kept, _ = _found(store, by, question)
    _note(store, by, "approval asked", question, now)
    asked = msgspec.structs.replace(kept, asked_by=by.user)
    with store.write(Login.INDEX) as connection:
        rows.move(connection, question, State.ASKED, _sealed(store, row.question, asked), now)


def approve_pair(store: Store, by: Asker, question: str, now: datetime) -> None:
    """Approve, as the second person, that the custodian opens a pair, without being shown it; it holds for a day.

    Raises:
        Refused: when somebody asks who is neither a custodian nor an information governance officer, or who asked for
            the approval themselves.
        Missing: when no approval was asked for under this reference in their organisation.
    """
    if by.role not in APPROVERS:
        raise Refused("Only another custodian or an information governance officer approves this.")
    check_officer(store, by, [by.organisation], now, APPROVERS)
    try:
        _, kept, held = _found(store, by, question)
    except Missing:
        raise Missing(_NO_REQUEST) from None
    if not kept.asked_by:
        raise Missing(_NO_REQUEST)
    if kept.asked_by == by.user:
        raise Refused("Somebody other than the person who asks must approve this.")
    asker = Asker(user=kept.asked_by, organisation=by.organisation, role=CUSTODIAN)
    for ask in _asks(store, asker, kept, held, now):
        approve(store, by, question_of(store, ask), now)


# --- one pair ---------------------------------------------------------------------------------------------------------


def open_pair(store: Store, by: Asker, question: str, now: datetime) -> Beside:
    """See both identities side by side, each read through the gate, after another person's approval.

    Raises:
        Refused: to anybody but the custodian; without approval; when the gate says no. Each is recorded.
        Missing: when there is no such question for them, or a record is not there any more.
    """
    _check_custodian(store, by, now)
    _, kept, held = _found(store, by, question)
    asks = _approved(store, by, question, _asks(store, by, kept, held, now), now)
    _note(store, by, "opened", question, now)
    one, other = (_values(store, ask) for ask in asks)
    return Beside(question=question, why=kept.why, one=one, other=other)


def answer(store: Store, by: Asker, question: str, reply: Reply, note: str, now: datetime) -> None:
    """Answer a question. The two records are ruled apart for good unless the custodian cannot tell.

    The ruling is the same for one child's two identities and for two children, and named nowhere, so that it tells
    nobody which was answered. The note is kept sealed.

    Raises:
        Refused: to anybody but the custodian, and without another person's approval.
        Missing: when there is no such question for them.
        Conflict: when the two records are of one child now: seal the former identity first.
    """
    _check_custodian(store, by, now)
    row, kept, held = _found(store, by, question)
    _approved(store, by, question, _asks(store, by, kept, held, now), now)
    _note(store, by, "answered", question, now)
    said = msgspec.structs.replace(kept, answered_by=by.user, reply=reply.value, note=note.strip())
    state = State.UNSURE if reply is Reply.UNSURE else State.ANSWERED
    with store.write(Login.INDEX) as connection:
        if state is State.ANSWERED:
            _rule_apart(store, connection, row.space, kept, by, now)
        rows.move(connection, question, state, _sealed(store, question, said), now)


def _rule_apart(store: Store, connection: sa.Connection, space: str, kept: _Kept, by: Asker, now: datetime) -> None:
    tables.hold(connection)
    state = gathered(store, connection, space, [], [kept.key_a, kept.key_b])
    token = pair_in(store, state, kept.key_a, kept.key_b)
    of_a, of_b = state.get(("member", kept.key_a)), state.get(("member", kept.key_b))
    if of_a == of_b:
        raise Conflict("The two records are of one child now: seal the former identity first.")
    if state.get(("apart", token)) != Apart.PROTECTED:
        planned = lifecycle.part(state, kept.key_a, kept.key_b, Apart.PROTECTED, lambda a, b: token)
        write(connection, space, [Draft(planned=planned, by=by.user)], {}, now)


def _found(store: Store, by: Asker, question: str) -> tuple[sa.Row[Any], _Kept, dict[str, Any]]:
    """A question of one's own organisation that waits, with its records."""
    with store.read(Login.INDEX) as connection:
        row = rows.one(connection, by.organisation, question)
        kept = None if row is None or row.state not in _WAITING else _opened(store, row)
        held = tables.records_by_key(connection, [kept.key_a, kept.key_b]) if kept else {}
    if row is None or kept is None or len(held) < 2:
        raise Missing("There is no such question for you, or it was answered.")
    return row, kept, dict(held)


def _asks(store: Store, by: Asker, kept: _Kept, held: Mapping[str, Any], now: datetime) -> list[Ask]:
    """One question to the gate for each of the two records."""
    return [grounded(store, ask_of(by, held[key].owner, now, [key])) for key in (kept.key_a, kept.key_b)]


def _is_approved(store: Store, asks: Sequence[Ask]) -> bool:
    return all(approved_by_another(ask, gather_facts(store, ask)) for ask in asks)


def _approved(store: Store, by: Asker, question: str, asks: Sequence[Ask], now: datetime) -> Sequence[Ask]:
    """The questions, once another person has approved both; also when no seal lies on either record."""
    if not _is_approved(store, asks):
        _note(store, by, "not approved", question, now)
        raise Refused(_APPROVE_FIRST)
    return asks


def _values(store: Store, ask: Ask) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in read_record(store, ask):
        found |= msgspec.json.decode(row.plain, type=dict[str, str])
    return found


def _check_custodian(store: Store, by: Asker, now: datetime) -> None:
    if by.role != CUSTODIAN:
        raise Refused(_ONLY)
    check_officer(store, by, [by.organisation], now, (CUSTODIAN,))


def _note(store: Store, by: Asker, event: str, question: str, now: datetime) -> None:
    """Write down what the custodian does, without references to either record."""
    body = {"by": by.user, "event": event, "organisation": by.organisation, "question": question}
    ledger.append(store, _ENTRY, body, now)


def _sealed(store: Store, question: str, kept: _Kept) -> bytes:
    return store.keys.seal(Purpose.GATE, msgspec.json.encode(kept), _place(question), urandom)


def _opened(store: Store, row: sa.Row[Any]) -> _Kept:
    return msgspec.json.decode(store.keys.unseal(Purpose.GATE, row.sealed, _place(row.question)), type=_Kept)


def _place(question: str) -> bytes:
    return place("index_custody", "sealed", question)
