"""What a reviewer does: take the next question, look at the two records, answer, take an answer back.

Nothing of a record is read without the gate, and what it hides from a reviewer leaves no trace in what the page shows:
the evidence is worked out anew from the values that this reviewer may see. An answer is kept first and then acted on,
so that a stop in between loses nothing: :func:`finish_answers` does what is left.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Missing, SamechildError
from samechild.index import actions
from samechild.index import review_store as tables
from samechild.index import store as index_tables
from samechild.index.records import Event
from samechild.index.review import (
    LEASE,
    Asked,
    Reply,
    Said,
    Stage,
    looked_at_twice,
    may_take,
    standing,
    verdict,
)
from samechild.index.review_queue import GONE, check_reviewer, openable, question_for, take
from samechild.index.review_reading import read_records
from samechild.keys.seal import Random
from samechild.policy.relationship_actions import marks_held
from samechild.policy.sealed_texts import open_texts, seal_texts
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

IN_FLIGHT = timedelta(minutes=1)
NOTHING_TO_DO = -1
"""What stands in place of an event when an answer changed nothing in the index."""
_NOTES = "index_answers"


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two records: whose it is and what it says, as far as this reviewer may see it. Prints no values."""

    record_key: str
    owner: str
    source: str
    child: str
    received_at: datetime
    values: dict[str, str]

    def __repr__(self) -> str:
        return f"Side(record_key={self.record_key!r}, owner={self.owner!r}, values=hidden)"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said before, with the note opened, for a reviewer who may know of it."""

    who: str
    answer: Reply
    at: datetime
    note: str


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A question opened: both records, and what was said before unless this opinion is to be a blind one."""

    asked: Asked
    one: Side
    other: Side
    heard: tuple[Heard, ...]
    together: bool  # whether both are of one child now


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an answer: whether it was acted on, or waits for another person's, and the event it led to."""

    question: str
    answer: Reply
    applied: bool
    waits: bool
    event: int = 0


# --- one pair ---------------------------------------------------------------------------------------------------------


def open_pair(store: Store, by: Asker, question: str, now: datetime) -> Pair:
    """Open the two records of a question through the gate, each organisation's under a permit of its own.

    Raises:
        Missing: when there is no such question, or nothing the asker may know of: in the same words.
        Refused: when the gate says no and may say so.
        Conflict: when somebody else holds the question.
    """
    asked, answers, experience = question_for(store, by, question, now)
    if asked.assigned_to != by.user or not may_take(asked, answers, by.user, experience, now):
        take(store, by, question, now)
    plain = asked.asked
    whose = {plain.record_key: plain.owner, plain.other_key: plain.other_owner}
    values = read_records(store, by, whose, now)
    if set(values) != set(whose):
        raise Missing(GONE)
    with store.read(Login.INDEX) as index:
        rows = index_tables.records_by_key(index, list(whose))
        child_of = index_tables.children_of(index, plain.space, list(whose))
    one, other = (
        Side(
            record_key=key,
            owner=whose[key],
            source=rows[key].source if key in rows else "",
            child=child_of.get(key, ""),
            received_at=rows[key].received_at if key in rows else plain.opened_at,
            values=values[key],
        )
        for key in (plain.record_key, plain.other_key)
    )
    blind = verdict(answers, _needs_second(store, asked, now)).blind
    heard = () if blind else tuple(_heard(store, asked, each) for each in standing(answers))
    return Pair(asked=asked, one=one, other=other, heard=heard, together=bool(one.child) and one.child == other.child)


# --- answering --------------------------------------------------------------------------------------------------------


def answer(store: Store, by: Asker, question: str, reply: Reply, note: str, now: datetime, random: Random) -> Answered:
    """Keep somebody's answer to a question, and act on it once as many people agree as must.

    The same child: the two children are put together. Different: the records are ruled apart. Cannot tell: the question
    goes to somebody with more experience, with the note.

    Raises:
        Missing: when there is no such question for them.
        Conflict: when somebody else has it or has just answered it, or the index does not let it be done; the answer is
            then not kept.
        Refused: when the gate does not let them change these records.
    """
    asked, answers, experience = question_for(store, by, question, now)
    if not may_take(asked, answers, by.user, experience, now):
        raise Conflict("This question is not yours to answer now: somebody else holds it, or you have answered it.")
    second = _needs_second(store, asked, now)
    said = Said(
        question=question,
        number=0,
        who=by.user,
        organisation=by.organisation,
        answer=reply,
        blind=verdict(answers, second).blind,
        at=now,
        note=_sealed(store, asked, note, random),
    )
    number, settled = _kept(store, asked, said, second, now)
    if settled is None:
        return Answered(question=question, answer=reply, applied=False, waits=True)
    try:
        event = _apply(store, by, asked, settled, now)
    except SamechildError:
        _put_back(store, question, number, now)
        raise
    return Answered(question=question, answer=reply, applied=True, waits=False, event=event)


def undo_answer(store: Store, by: Asker, space: str, now: datetime, question: str = "") -> str:
    """Take back somebody's own answer, their newest unless another is named, with all it brought about.

    The index stands again exactly as before; the question is open, and theirs. Returns its id.

    Raises:
        Missing: when they have given no answer that could be taken back.
        Conflict: when later events rest on it; the message says which must be taken back first.
        Refused: when the gate does not let them.
    """
    check_reviewer(store, by, space, now)
    with store.read(Login.INDEX) as index:
        given = tables.answers_to(index, [question]).get(question, []) if question else []
        mine = [each for each in given if each.who == by.user and each.taken_back_at is None]
        last = mine[-1] if mine else None if question else tables.last_by(index, space, by.user)
        asked = tables.one_question(index, last.question) if last else None
    if last is None or asked is None or asked.asked.space != space or asked.stage not in (Stage.OPEN, Stage.ANSWERED):
        raise Missing("There is no answer of yours to take back.")
    if not openable(store, by, [asked], now):
        raise Missing("There is no answer of yours to take back.")
    if asked.stage is Stage.ANSWERED and asked.event > 0:
        actions.undo(store, by, space, asked.event, "", now)
    with store.write(Login.INDEX) as index:
        tables.take_back(index, last.question, last.number, now)
        tables.reopen(index, last.question)
        tables.take(index, last.question, by.user, now + LEASE, now)
    return last.question


def finish_answers(store: Store, by: Asker, space: str, now: datetime) -> int:
    """Act on answers that were kept and not acted on, because something stopped in between; how many there were.

    What can no longer be done is asked again. Whoever opens the queue does this; an answer of the last minute is left
    to the person who is giving it.

    Raises:
        Missing, Refused: as :func:`samechild.index.review_queue.queue`.
    """
    check_reviewer(store, by, space, now)
    with store.read(Login.INDEX) as index:
        left = tables.unfinished_in(index, space, now - IN_FLIGHT)
    for each in openable(store, by, left, now):
        try:
            _apply(store, by, each, Reply(each.outcome), now)
        except (Conflict, Missing):
            with store.write(Login.INDEX) as index:
                tables.reopen(index, each.asked.question)
    return len(left)


def _kept(store: Store, asked: Asked, said: Said, second: bool, now: datetime) -> tuple[int, Reply | None]:
    """Keep an answer in one transaction with what it makes of the question."""
    question = asked.asked.question
    with store.write(Login.INDEX) as index:
        if not tables.take(index, question, said.who, now + LEASE, now):
            raise Conflict("Somebody else has this question now. Take the next one.")
        before = tables.answers_to(index, [question]).get(question, [])
        if any(each.who == said.who for each in standing(before)):
            raise Conflict("You have answered this question already.")
        numbered = msgspec.structs.replace(said, number=len(before) + 1)
        tables.keep_answer(index, numbered)
        if second:
            tables.need_second(index, question)
        settled = verdict([*before, numbered], second).settled
        if settled is None:
            tables.let_go(index, question, said.who)
        else:
            tables.settle(index, question, settled, 0, now)
    return numbered.number, settled


def _put_back(store: Store, question: str, number: int, now: datetime) -> None:
    """What could not be done was not said."""
    with store.write(Login.INDEX) as index:
        tables.take_back(index, question, number, now)
        tables.reopen(index, question)


def _apply(store: Store, by: Asker, asked: Asked, settled: Reply, now: datetime) -> int:
    """Do in the index what people have agreed on; doing it twice does it once."""
    plain = asked.asked
    one, other = plain.record_key, plain.other_key
    with store.read(Login.INDEX) as index:
        child_of = index_tables.children_of(index, plain.space, [one, other])
        sizes = index_tables.members_of(index, plain.space, list(child_of.values()))
    if len(child_of) < 2:
        raise Missing(GONE)
    here, there = child_of[one], child_of[other]
    done: Event | None = None
    if settled is Reply.SAME and here != there:
        larger = sum(child == here for child in sizes.values()) > sum(child == there for child in sizes.values())
        into, gone = (here, there) if larger else (there, here)
        done = actions.merge(store, by, plain.space, into, gone, "", now)
    elif settled is Reply.DIFFERENT and here == there:
        done = actions.unlink(store, by, plain.space, one, "", now)
    elif settled is Reply.DIFFERENT and not _apart(store, plain.space, one, other):
        done = actions.part(store, by, plain.space, one, other, "", now)
    event = NOTHING_TO_DO if done is None else done.number
    with store.write(Login.INDEX) as index:
        tables.note_event(index, plain.question, event)
    return event


def _apart(store: Store, space: str, one: str, other: str) -> bool:
    """Whether the two records are ruled apart already."""
    from samechild.index.gathering import pair_tokens

    with store.read(Login.INDEX) as index:
        return bool(index_tables.lines_by_key(index, space, "apart", pair_tokens(store, one, other)))


def _needs_second(store: Store, asked: Asked, now: datetime) -> bool:
    """Whether two people must agree: a sample of all questions, and every question about a shielded child.

    Once it was so for a question it stays so. Which questions are in the sample nobody can work out: a keyed reference
    decides.
    """
    if asked.second:
        return True
    _, marks = marks_held(store, now)
    held = marks or {}
    about = (asked.asked.record_key, asked.asked.other_key)
    if any("shielded" in held.get(key, ()) for key in about):
        return True
    return looked_at_twice(store.keys.reference(f"second opinion\x1f{asked.asked.question}"))


# --- notes ------------------------------------------------------------------------------------------------------------


def _sealed(store: Store, asked: Asked, note: str, random: Random) -> bytes:
    """Seal a note under both records' own keys, one inside the other: erasing either ends it, in backups too."""
    if not note.strip():
        return b""
    row = (_NOTES, asked.asked.question)
    with store.write(Login.GATE) as gate:
        inner = seal_texts(gate, store.keys, asked.asked.record_key, row, {"note": note.strip()}, random)
        return seal_texts(gate, store.keys, asked.asked.other_key, row, {"note": inner.hex()}, random)


def opened_note(store: Store, connection: sa.Connection, asked: Asked, note: bytes) -> str:
    """Open a sealed note; ``connection`` is one of the gate's database.

    Raises:
        Missing: when either child was erased: nobody can read it any more.
    """
    if not note:
        return ""
    row = (_NOTES, asked.asked.question)
    inner = open_texts(connection, store.keys, asked.asked.other_key, row, note)
    return open_texts(connection, store.keys, asked.asked.record_key, row, bytes.fromhex(inner["note"]))["note"]


def _heard(store: Store, asked: Asked, said: Said) -> Heard:
    with store.read(Login.GATE) as gate:
        return Heard(who=said.who, answer=said.answer, at=said.at, note=opened_note(store, gate, asked, said.note))
