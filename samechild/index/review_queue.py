"""The review queue as one reviewer sees it: which questions wait, whose turn it is, and taking the next one.

Questions about records the gate would not show somebody are neither listed, counted nor given to them; so nobody is
handed a question about their own family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from samechild.errors import Conflict, Missing, Refused
from samechild.index import review_store as tables
from samechild.index.grounds import grounded
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
    may_take,
    standing,
)
from samechild.index.spaces import ask_of, space_of
from samechild.policy.actions import decide_each
from samechild.policy.agreement_actions import check_officer
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

REVIEWER = "data-quality-officer"
MOST_LISTED = 2_000
"""So many of the oldest open questions are looked through for somebody; there are hardly ever so many."""
GONE = "There is no such question for you. Somebody else may have answered it, or it is no longer asked."


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


# --- the queue --------------------------------------------------------------------------------------------------------


def queue(store: Store, by: Asker, space: str, now: datetime, filters: Filters | None = None) -> Queue:
    """The questions of a space that somebody may see, in the order in which they should be answered.

    Questions about records the gate would not show them are neither listed nor counted.

    Raises:
        Missing: when the asker's organisation is no member of the space.
        Refused: when they are no reviewer.
    """
    check_reviewer(store, by, space, now)
    with store.read(Login.INDEX) as index:
        everything = tables.open_in(index, space, MOST_LISTED)
        answers = tables.answers_to(index, [each.asked.question for each in everything])
        experience = tables.answers_by(index, space)
        closed = tables.closed_since(index, space, now - timedelta(days=7))
        found = agreements(tables.answers_in(index, space))
    seen = openable(store, by, everything, now)
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
    check_reviewer(store, by, space, now)
    with store.read(Login.INDEX) as index:
        everything = tables.open_in(index, space, MOST_LISTED)
        answers = tables.answers_to(index, [each.asked.question for each in everything])
        experience = tables.answers_by(index, space)
    free = [
        each for each in everything if may_take(each, answers.get(each.asked.question, []), by.user, experience, now)
    ]
    for each in in_turn(openable(store, by, free, now), by.user, _half_answered(answers), now):
        if _taken(store, by, each, now):
            return each.asked.question
    return ""


def take(store: Store, by: Asker, question: str, now: datetime) -> None:
    """Take one particular question, theirs for half an hour.

    Raises:
        Missing: when there is none such for them.
        Conflict: when somebody else holds it, or they have answered it.
    """
    asked, answers, experience = question_for(store, by, question, now)
    if not may_take(asked, answers, by.user, experience, now) or not _taken(store, by, asked, now):
        raise Conflict("This question is not yours to answer now: somebody else holds it, or you have answered it.")


def let_go(store: Store, by: Asker, question: str, now: datetime) -> None:
    """Give a question back, so that somebody else may have it at once.

    Raises:
        Missing: when there is none such for them.
    """
    question_for(store, by, question, now)
    with store.write(Login.INDEX) as index:
        tables.let_go(index, question, by.user)


# --- checks -----------------------------------------------------------------------------------------------------------


def check_reviewer(store: Store, by: Asker, space: str, now: datetime) -> None:
    """Let only a reviewer of a member organisation go on.

    Raises:
        Missing: when their organisation is no member of the space.
        Refused: when they are no reviewer, or do not hold the role now.
    """
    space_of(store, space, by.organisation)
    if by.role != REVIEWER:
        raise Refused("Only a data quality officer of one of the organisations reviews questions.")
    check_officer(store, by, [by.organisation], now, (REVIEWER,))


def question_for(store: Store, by: Asker, question: str, now: datetime) -> tuple[Asked, list[Said], dict[str, int]]:
    """An open question that somebody may see, what was said about it, and everybody's experience."""
    with store.read(Login.INDEX) as index:
        asked = tables.one_question(index, question)
        answers = tables.answers_to(index, [question]).get(question, [])
        experience = tables.answers_by(index, asked.asked.space) if asked else {}
    if asked is None:
        raise Missing(GONE)
    try:
        check_reviewer(store, by, asked.asked.space, now)
    except Missing:
        raise Missing(GONE) from None
    if asked.stage is not Stage.OPEN or not openable(store, by, [asked], now):
        raise Missing(GONE)
    return asked, answers, experience


def openable(store: Store, by: Asker, them: Sequence[Asked], now: datetime) -> list[Asked]:
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
