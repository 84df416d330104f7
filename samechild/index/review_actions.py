"""What a reviewer does: take the next question, look at the two records, answer, take an answer back.

Nothing of a record is read without the gate, and what it hides from a reviewer leaves no trace in what the page shows:
the evidence is worked out anew from the values that this reviewer may see. An answer is kept first and then acted on,
so that a stop in between loses nothing: :func:`finish_answers` does what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Missing, Refused, SamechildError
from samechild.index import actions
from samechild.index import review_store as tables
from samechild.index import store as index_tables
from samechild.index.grounds import grounded
from samechild.index.reading import ask_of, space_of
from samechild.index.records import WHO, Event
from samechild.index.review import (
    LEASE,
    Ageing,
    Agreement,
    Asked,
    Doubt,
    Reply,
    Said,
    Stage,
    ageing,
    agreements,
    in_turn,
    looked_at_twice,
    may_take,
    standing,
    verdict,
)
from samechild.keys.seal import Random
from samechild.policy.actions import decide_each
from samechild.policy.agreement_actions import check_officer
from samechild.policy.relationship_actions import marks_held
from samechild.policy.sealed_texts import open_texts, seal_texts
from samechild.policy.vault_actions import read_what_may_be
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

REVIEWER = "data-quality-officer"
MOST_LISTED = 2_000
"""So many of the oldest open questions are looked through for somebody; there are hardly ever so many."""
NOTHING_TO_DO = -1
"""What stands in place of an event when an answer changed nothing in the index."""
GONE = "There is no such question for you. Somebody else may have answered it, or it is no longer asked."
_NOTES = "index_answers"


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which questions to list: all that are not left out by one of these."""

    mine: bool = False
    unassigned: bool = False
    second: bool = False  # somebody has answered, another must
    passed_on: bool = False  # somebody could not tell
    kind: Doubt | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A question in the list: what is asked and since when, never of whom. ``may_take`` says whether it is theirs."""

    question: str
    kind: Doubt
    opened_at: datetime
    days: int
    mine: bool
    held: bool  # by somebody else
    half_answered: bool
    passed_on: bool
    may_take: bool


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The queue of a space as one reviewer sees it: the questions, what waits, and how far reviewers agree."""

    space: str
    waiting: tuple[Waiting, ...]
    counts: Mapping[str, int]
    ageing: Ageing
    agreements: tuple[Agreement, ...]
    experience: Mapping[str, int]


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


# --- the queue --------------------------------------------------------------------------------------------------------


def queue(store: Store, by: Asker, space: str, now: datetime, filters: Filters | None = None) -> Queue:
    """The questions of a space that somebody may see, in the order in which they should be answered.

    Questions about records the gate would not show them are neither listed nor counted.

    Raises:
        Missing: when the asker's organisation is no member of the space.
        Refused: when they are no reviewer.
    """
    _check(store, by, space, now)
    with store.read(Login.INDEX) as index:
        everything = tables.open_in(index, space, MOST_LISTED)
        answers = tables.answers_to(index, [each.asked.question for each in everything])
        experience = tables.answers_by(index, space)
        closed = tables.closed_since(index, space, now - timedelta(days=7))
        found = agreements(tables.answers_in(index, space))
    seen = _openable(store, by, everything, now)
    turn = in_turn(seen, by.user, _half_answered(answers), now)
    them = [_waiting(each, answers.get(each.asked.question, []), by, experience, now) for each in turn]
    return Queue(
        space=space,
        waiting=tuple(each for each in them if _fits(each, filters or Filters())),
        counts={
            "open": len(them),
            "mine": sum(each.mine for each in them),
            "unassigned": sum(not each.mine and not each.held for each in them),
            "second": sum(each.half_answered for each in them),
            "passed on": sum(each.passed_on for each in them),
            "to take": sum(each.may_take for each in them),
        },
        ageing=ageing([each.opened_at for each in them], closed, now),
        agreements=tuple(found),
        experience=experience,
    )


def take_next(store: Store, by: Asker, space: str, now: datetime) -> str:
    """Give somebody the next question, theirs for half an hour; its id, or nothing when there is none for them.

    No two people ever hold the same question, and nobody is given one about records they may not see, such as their
    own family's.

    Raises:
        Missing, Refused: as :func:`queue`.
    """
    _check(store, by, space, now)
    with store.read(Login.INDEX) as index:
        everything = tables.open_in(index, space, MOST_LISTED)
        answers = tables.answers_to(index, [each.asked.question for each in everything])
        experience = tables.answers_by(index, space)
    free = [
        each for each in everything if may_take(each, answers.get(each.asked.question, []), by.user, experience, now)
    ]
    for each in in_turn(_openable(store, by, free, now), by.user, _half_answered(answers), now):
        if _taken(store, by, each, now):
            return each.asked.question
    return ""


def take(store: Store, by: Asker, question: str, now: datetime) -> None:
    """Take one particular question, theirs for half an hour.

    Raises:
        Missing: when there is none such for them.
        Conflict: when somebody else holds it, or they have answered it.
    """
    asked, answers, experience = _question(store, by, question, now)
    if not may_take(asked, answers, by.user, experience, now) or not _taken(store, by, asked, now):
        raise Conflict("This question is not yours to answer now: somebody else holds it, or you have answered it.")


def let_go(store: Store, by: Asker, question: str, now: datetime) -> None:
    """Give a question back, so that somebody else may have it at once.

    Raises:
        Missing: when there is none such for them.
    """
    _question(store, by, question, now)
    with store.write(Login.INDEX) as index:
        tables.let_go(index, question, by.user)


# --- one pair ---------------------------------------------------------------------------------------------------------


def open_pair(store: Store, by: Asker, question: str, now: datetime) -> Pair:
    """Open the two records of a question through the gate, each organisation's under a permit of its own.

    Raises:
        Missing: when there is no such question, or nothing the asker may know of: in the same words.
        Refused: when the gate says no and may say so.
        Conflict: when somebody else holds the question.
    """
    asked, answers, experience = _question(store, by, question, now)
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


def read_records(
    store: Store, by: Asker, whose: Mapping[str, str], now: datetime, *, types: Sequence[str] = WHO, batch: str = ""
) -> dict[str, dict[str, str]]:
    """Read what some records say, by key, as far as each owner's gate lets somebody; what is hidden is not there.

    Args:
        store: the open installation.
        by: who reads.
        whose: the owner of each record.
        now: when.
        types: the record types that are read.
        batch: a name for the whole list in the ledger.

    Raises:
        Refused: when nothing at all may be read, and the gate may say so.
    """
    found: dict[str, dict[str, str]] = {}
    for owner in sorted(set(whose.values())):
        its = tuple(sorted(key for key, of in whose.items() if of == owner))
        for record_type in types:
            ask = msgspec.structs.replace(ask_of(by, owner, now, its, batch), record_type=record_type)
            for _, rows in read_what_may_be(store, grounded(store, ask)):
                for row in rows:
                    if row.heading.record_key in whose:
                        found.setdefault(row.heading.record_key, {}).update(
                            msgspec.json.decode(row.plain, type=dict[str, str])
                        )
    return found


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
    asked, answers, experience = _question(store, by, question, now)
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
    _check(store, by, space, now)
    with store.read(Login.INDEX) as index:
        given = tables.answers_to(index, [question]).get(question, []) if question else []
        mine = [each for each in given if each.who == by.user and each.taken_back_at is None]
        last = mine[-1] if mine else None if question else tables.last_by(index, space, by.user)
        asked = tables.one_question(index, last.question) if last else None
    if last is None or asked is None or asked.asked.space != space or asked.stage not in (Stage.OPEN, Stage.ANSWERED):
        raise Missing("There is no answer of yours to take back.")
    if not _openable(store, by, [asked], now):
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

    Raises:
        Missing, Refused: as :func:`queue`.
    """
    _check(store, by, space, now)
    with store.read(Login.INDEX) as index:
        left = [each for each in tables.answered_in(index, space) if each.event == 0]
    for each in left:
        _apply(store, by, each, Reply(each.outcome), now)
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


# --- checks -----------------------------------------------------------------------------------------------------------


def _check(store: Store, by: Asker, space: str, now: datetime) -> None:
    """Let only a reviewer of a member organisation go on."""
    space_of(store, space, by.organisation)
    if by.role != REVIEWER:
        raise Refused("Only a data quality officer of one of the organisations reviews questions.")
    check_officer(store, by, [by.organisation], now, (REVIEWER,))


def _question(store: Store, by: Asker, question: str, now: datetime) -> tuple[Asked, list[Said], dict[str, int]]:
    """An open question that somebody may see, what was said about it, and everybody's experience."""
    with store.read(Login.INDEX) as index:
        asked = tables.one_question(index, question)
        answers = tables.answers_to(index, [question]).get(question, [])
        experience = tables.answers_by(index, asked.asked.space) if asked else {}
    if asked is None:
        raise Missing(GONE)
    try:
        _check(store, by, asked.asked.space, now)
    except Missing:
        raise Missing(GONE) from None
    if asked.stage is not Stage.OPEN or not _openable(store, by, [asked], now):
        raise Missing(GONE)
    return asked, answers, experience


def _openable(store: Store, by: Asker, them: Sequence[Asked], now: datetime) -> list[Asked]:
    """Of some questions those whose two records the gate would show; each owner is asked once."""
    by_owner: dict[str, set[str]] = {}
    for each in them:
        by_owner.setdefault(each.asked.owner, set()).add(each.asked.record_key)
        by_owner.setdefault(each.asked.other_owner, set()).add(each.asked.other_key)
    shown: set[str] = set()
    for owner, keys in by_owner.items():
        for found in decide_each(store, grounded(store, ask_of(by, owner, now, sorted(keys)))):
            decision = found.decision
            if decision.allowed and decision.instead is None and not decision.shadow:
                withheld = {key for other in found.withheld for key in other.ask.scope.record_keys}
                shown |= set(decision.ask.scope.record_keys) - withheld
    return [each for each in them if {each.asked.record_key, each.asked.other_key} <= shown]


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


def _taken(store: Store, by: Asker, asked: Asked, now: datetime) -> bool:
    with store.write(Login.INDEX) as index:
        return tables.take(index, asked.asked.question, by.user, now + LEASE, now)


def _half_answered(answers: Mapping[str, Iterable[Said]]) -> frozenset[str]:
    return frozenset(question for question, given in answers.items() if standing(given))


def _waiting(asked: Asked, answers: Sequence[Said], by: Asker, experience: Mapping[str, int], now: datetime) -> Waiting:
    held = asked.leased_until is not None and asked.leased_until > now
    counted = standing(answers)
    return Waiting(
        question=asked.asked.question,
        kind=asked.asked.kind,
        opened_at=asked.asked.opened_at,
        days=max(0, (now - asked.asked.opened_at).days),
        mine=held and asked.assigned_to == by.user,
        held=held and asked.assigned_to not in ("", by.user),
        half_answered=any(each.answer is not Reply.CANNOT_TELL for each in counted),
        passed_on=any(each.answer is Reply.CANNOT_TELL for each in counted),
        may_take=may_take(asked, answers, by.user, experience, now),
    )


def _fits(each: Waiting, filters: Filters) -> bool:
    return (
        (each.mine or not filters.mine)
        and (not (each.mine or each.held) or not filters.unassigned)
        and (each.half_answered or not filters.second)
        and (each.passed_on or not filters.passed_on)
        and (filters.kind in (None, each.kind))
    )


# --- notes ------------------------------------------------------------------------------------------------------------


def _sealed(store: Store, asked: Asked, note: str, random: Random) -> bytes:
    """Seal a note under both records' own keys, one inside the other: erasing either ends it, in backups too."""
    if not note.strip():
        return b""
    row = (_NOTES, asked.asked.question)
    with store.write(Login.GATE) as gate:
        inner = seal_texts(gate, store.keys, asked.asked.record_key, row, {"note": note.strip()}, random)
        return seal_texts(gate, store.keys, asked.asked.other_key, row, {"note": inner.hex()}, random)


def _opened(store: Store, connection: sa.Connection, asked: Asked, note: bytes) -> str:
    if not note:
        return ""
    row = (_NOTES, asked.asked.question)
    inner = open_texts(connection, store.keys, asked.asked.other_key, row, note)
    return open_texts(connection, store.keys, asked.asked.record_key, row, bytes.fromhex(inner["note"]))["note"]


def _heard(store: Store, asked: Asked, said: Said) -> Heard:
    with store.read(Login.GATE) as gate:
        return Heard(who=said.who, answer=said.answer, at=said.at, note=_opened(store, gate, asked, said.note))


# --- what training learns from it -------------------------------------------------------------------------------------


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What people decided about two records: for the next training, and for checking a model against people."""

    record_key: str
    other_key: str
    same: bool
    people: int  # how many said so
    kind: Doubt
    weight: float
    probability: float
    at: datetime


def labels(store: Store, by: Asker, space: str, now: datetime) -> list[Label]:
    """Everything people have decided in a space about records that are still there, oldest first; opaque keys only.

    Raises:
        Missing, Refused: as :func:`queue`.
    """
    _check(store, by, space, now)
    with store.read(Login.INDEX) as index:
        return labels_in(index, space)


def labels_in(connection: sa.Connection, space: str) -> list[Label]:
    """The same for the engine, in its own transaction."""
    found = [each for each in tables.answered_in(connection, space) if each.outcome != Reply.CANNOT_TELL]
    answers = tables.answers_to(connection, [each.asked.question for each in found])
    return [
        Label(
            record_key=each.asked.record_key,
            other_key=each.asked.other_key,
            same=each.outcome == Reply.SAME,
            people=sum(said.answer == each.outcome for said in standing(answers.get(each.asked.question, []))),
            kind=each.asked.kind,
            weight=each.asked.weight,
            probability=each.asked.probability,
            at=each.stage_at or each.asked.opened_at,
        )
        for each in found
    ]


def label_rows(found: Iterable[Label], named: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Labels as rows for ``linkage.actions.Options.said`` and evaluation: by source and record id.

    ``named`` gives the source and own id of each record; a label about a record that is not in it is left out.
    """
    return [
        {
            "source_a": named[each.record_key][0],
            "record_a": named[each.record_key][1],
            "source_b": named[each.other_key][0],
            "record_b": named[each.other_key][1],
            "same": each.same,
            "note": "",
        }
        for each in found
        if each.record_key in named and each.other_key in named
    ]
