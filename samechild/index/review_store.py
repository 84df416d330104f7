"""The tables of the review queue and the queries on them: what people were asked, and what they said.

They lie in the identity vault, because a question says that two records may be of one child. A question holds no record
key itself: each of its two records is a row of its own, which goes when that record is erased. What is left of it then
is a number in a count, and no question any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.index.records import WHO, Piece
from samechild.index.review import Asked, Doubt, Question, Reply, Said, Stage
from samechild.index.store import index_children
from samechild.records.types import record_types
from samechild.sql.among import among
from samechild.sql.columns import Moment, kept_columns

TABLES = sa.MetaData(info={"database": "identity"})

_OWN = {"grants": {"identity": "", "index": "SELECT, INSERT, UPDATE, DELETE"}}

index_questions = sa.Table(
    "index_questions",
    TABLES,
    sa.Column("question", sa.Text, primary_key=True, comment="opaque id"),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("holds", sa.Text, nullable=False, comment="digest of the two records while open, then the id: once each"),
    sa.Column("kind", sa.Text, nullable=False, comment="why a person is asked"),
    sa.Column("ground", sa.Text, nullable=False, comment="code or words; never a value of a record"),
    sa.Column("weight", sa.Float, nullable=False, comment="match weight in bits"),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("prior", sa.Float, nullable=False, comment="bits before anything was compared"),
    sa.Column("evidence", sa.Text, nullable=False, comment="comparisons, levels and bits, as JSON"),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("stage", sa.Text, nullable=False, comment="open, answered, withdrawn or superseded"),
    sa.Column("stage_at", Moment, comment="since when, unless open"),
    sa.Column("assigned_to", sa.Text, nullable=False, comment="who took it; empty: nobody"),
    sa.Column("leased_until", Moment, comment="until when it is theirs"),
    sa.Column("second", sa.Boolean, nullable=False, comment="two people must agree"),
    sa.Column("outcome", sa.Text, nullable=False, comment="the answer that was acted on"),
    sa.Column("event", sa.BigInteger, nullable=False, comment="event of the index that it brought about; 0: none"),
    sa.UniqueConstraint("space", "holds", name="index_questions_once"),
    sa.Index("index_questions_by_stage", "space", "stage", "opened_at"),
    info=_OWN,
)

index_question_records = sa.Table(
    "index_question_records",
    TABLES,
    *kept_columns(),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False, comment="a: the record it is about, b: the other"),
    sa.Column("child", sa.Text, nullable=False, comment="its child when the question was asked"),
    sa.PrimaryKeyConstraint("question", "side"),
    sa.Index("index_question_records_of", "record_key"),
    info={
        "owned": True,
        "everywhere": ["index"],
        "grants": {"identity": "SELECT, DELETE", "index": "SELECT, INSERT, UPDATE, DELETE"},
    },
)

index_answers = sa.Table(
    "index_answers",
    TABLES,
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False, autoincrement=False, comment="counts from 1"),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False, comment="same, different or cannot tell"),
    sa.Column("blind", sa.Boolean, nullable=False, comment="whether they knew nothing of any other answer"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False, comment="sealed under both records' own keys; empty: none"),
    sa.Column("taken_back_at", Moment, comment="since when it no longer counts"),
    sa.PrimaryKeyConstraint("question", "number"),
    sa.Index("index_answers_by", "who", "at"),
    info=_OWN,
)

_A, _B = index_question_records.alias("a"), index_question_records.alias("b")
_WHOLE = index_questions.join(_A, sa.and_(_A.c.question == index_questions.c.question, _A.c.side == "a")).join(
    _B, sa.and_(_B.c.question == index_questions.c.question, _B.c.side == "b")
)
_QUESTIONS: sa.Select[Any] = sa.select(
    index_questions,
    *(
        side.c[name].label(f"{letter}_{name}")
        for letter, side in (("a", _A), ("b", _B))
        for name in ("record_key", "owner", "child", "basis")
    ),
).select_from(_WHOLE)
_PIECES = msgspec.json.Decoder(tuple[Piece, ...])


# --- asking and no longer asking: called by the engine in its own transaction -----------------------------------------


def open_questions(connection: sa.Connection, questions: Sequence[Question]) -> list[str]:
    """Ask people about pairs of records; returns the id of each question, in the order given.

    A pair about which a question is open already is not asked about again: the open question's id is returned, with its
    evidence brought up to date. Which of the two records is named first does not matter.
    """
    asked = sa.select(index_questions.c.space, index_questions.c.holds, index_questions.c.question).where(
        among(index_questions.c.holds, [_holds(each) for each in questions])
    )
    known = {(row.space, row.holds): row.question for row in connection.execute(asked)}
    found: list[str] = []
    new: dict[str, Question] = {}
    for each in questions:
        place = (each.space, _holds(each))
        if place in known:
            if known[place] not in new:
                _refresh(connection, known[place], each)
        else:
            known[place] = each.question
            new[each.question] = each
        found.append(known[place])
    if new:
        connection.execute(index_questions.insert(), [_row(each) for each in new.values()])
        connection.execute(index_question_records.insert(), [row for each in new.values() for row in _sides(each)])
    return found


def withdraw(
    connection: sa.Connection,
    space: str,
    record_keys: Iterable[str],
    now: datetime,
    *,
    stage: Stage = Stage.WITHDRAWN,
) -> int:
    """Stop asking every open question that names one of these records; returns how many there were.

    For a record that was erased, moved, or says something else now. Whoever is just answering is told that the question
    has gone.
    """
    its = index_question_records.c
    named = sa.select(its.question).where(among(its.record_key, set(record_keys)))
    return _close(connection, index_questions.c.question.in_(named), space, stage, now)


def withdraw_pairs(
    connection: sa.Connection,
    space: str,
    pairs: Iterable[tuple[str, str]],
    now: datetime,
    *,
    stage: Stage = Stage.SUPERSEDED,
) -> int:
    """Stop asking about exactly these pairs of record keys, in either order; returns how many were open."""
    wanted = {_digest(one, other) for one, other in pairs}
    return _close(connection, among(index_questions.c.holds, wanted), space, stage, now)


def _close(connection: sa.Connection, which: Any, space: str, stage: Stage, now: datetime) -> int:
    changed = connection.execute(
        index_questions.update()
        .where(which, index_questions.c.space == space, index_questions.c.stage == Stage.OPEN.value)
        .values(
            stage=stage.value,
            stage_at=now,
            holds=index_questions.c.question,
            assigned_to="",
            leased_until=None,
        )
    )
    return int(changed.rowcount)


def _refresh(connection: sa.Connection, question: str, asked: Question) -> None:
    connection.execute(
        index_questions.update()
        .where(index_questions.c.question == question)
        .values(
            kind=asked.kind.value,
            ground=asked.ground,
            weight=asked.weight,
            probability=asked.probability,
            prior=asked.prior,
            evidence=msgspec.json.encode(asked.evidence).decode(),
        )
    )
    for key, child in ((asked.record_key, asked.child), (asked.other_key, asked.other_child)):
        connection.execute(
            index_question_records.update()
            .where(index_question_records.c.question == question, index_question_records.c.record_key == key)
            .values(child=child)
        )


def _holds(asked: Question) -> str:
    return _digest(asked.record_key, asked.other_key)


def _digest(one: str, other: str) -> str:
    return sha256("\n".join(sorted((one, other))).encode()).hexdigest()[:32]


def _row(asked: Question) -> dict[str, Any]:
    return {
        "question": asked.question,
        "space": asked.space,
        "holds": _holds(asked),
        "kind": asked.kind.value,
        "ground": asked.ground,
        "weight": asked.weight,
        "probability": asked.probability,
        "prior": asked.prior,
        "evidence": msgspec.json.encode(asked.evidence).decode(),
        "opened_at": asked.opened_at,
        "stage": Stage.OPEN.value,
        "stage_at": None,
        "assigned_to": "",
        "leased_until": None,
        "second": False,
        "outcome": "",
        "event": 0,
    }


def _sides(asked: Question) -> list[dict[str, Any]]:
    who = (
        ("a", asked.record_key, asked.owner, asked.child),
        ("b", asked.other_key, asked.other_owner, asked.other_child),
    )
    return [
        {
            "owner": owner,
            "record_key": record_key,
            "received_at": asked.opened_at,
            "basis": asked.basis,
            "retention": record_types()[WHO[0]].retention,
            "question": asked.question,
            "side": side,
            "child": child,
        }
        for side, record_key, owner, child in who
    ]


# --- the queue --------------------------------------------------------------------------------------------------------


def one_question(connection: sa.Connection, question: str) -> Asked | None:
    """One question; None when there is none, or one of its records was erased."""
    row = connection.execute(_QUESTIONS.where(index_questions.c.question == question)).first()
    return None if row is None else _asked(row)


def open_in(connection: sa.Connection, space: str, limit: int) -> list[Asked]:
    """The open questions of a space, oldest first."""
    asked = (
        _QUESTIONS.where(index_questions.c.space == space, index_questions.c.stage == Stage.OPEN.value)
        .order_by(index_questions.c.opened_at, index_questions.c.question)
        .limit(limit)
    )
    return [_asked(row) for row in connection.execute(asked)]


def answered_in(connection: sa.Connection, space: str, since: datetime | None = None) -> list[Asked]:
    """The questions of a space that people have answered, oldest answer first; since a moment where given."""
    asked = _QUESTIONS.where(
        index_questions.c.space == space, index_questions.c.stage == Stage.ANSWERED.value
    ).order_by(index_questions.c.stage_at, index_questions.c.question)
    if since is not None:
        asked = asked.where(index_questions.c.stage_at >= since)
    return [_asked(row) for row in connection.execute(asked)]


def unfinished_in(connection: sa.Connection, space: str, before: datetime) -> list[Asked]:
    """The questions of a space that were answered before a moment and whose answer was not acted on."""
    asked = _QUESTIONS.where(
        index_questions.c.space == space,
        index_questions.c.stage == Stage.ANSWERED.value,
        index_questions.c.event == 0,
        index_questions.c.stage_at <= before,
    )
    return [_asked(row) for row in connection.execute(asked.order_by(index_questions.c.question))]


def naming(connection: sa.Connection, space: str, record_keys: Iterable[str]) -> list[Asked]:
    """The open questions of a space that name one of these records, oldest first."""
    wanted = set(record_keys)
    asked = _QUESTIONS.where(
        index_questions.c.space == space,
        index_questions.c.stage == Stage.OPEN.value,
        sa.or_(among(_A.c.record_key, wanted), among(_B.c.record_key, wanted)),
    )
    found = {row.question: _asked(row) for row in connection.execute(asked)}
    return sorted(found.values(), key=lambda each: (each.asked.opened_at, each.asked.question))


def take(connection: sa.Connection, question: str, who: str, until: datetime, now: datetime) -> bool:
    """Let a question be somebody's until a moment; False when it is another's, or no longer open."""
    free = sa.or_(
        index_questions.c.assigned_to.in_(["", who]),
        index_questions.c.leased_until.is_(None),
        index_questions.c.leased_until <= now,
    )
    changed = connection.execute(
        index_questions.update()
        .where(index_questions.c.question == question, index_questions.c.stage == Stage.OPEN.value, free)
        .values(assigned_to=who, leased_until=until)
    )
    return bool(changed.rowcount)


def let_go(connection: sa.Connection, question: str, who: str) -> None:
    """Give a question back that somebody holds."""
    connection.execute(
        index_questions.update()
        .where(index_questions.c.question == question, index_questions.c.assigned_to == who)
        .values(assigned_to="", leased_until=None)
    )


def need_second(connection: sa.Connection, question: str) -> None:
    """Let a question be one on which two people must agree, from now on."""
    connection.execute(index_questions.update().where(index_questions.c.question == question).values(second=True))


def settle(connection: sa.Connection, question: str, outcome: Reply, event: int, now: datetime) -> bool:
    """Close a question with the answer that was acted on; False when it was not open any more."""
    changed = connection.execute(
        index_questions.update()
        .where(index_questions.c.question == question, index_questions.c.stage == Stage.OPEN.value)
        .values(
            stage=Stage.ANSWERED.value,
            stage_at=now,
            holds=index_questions.c.question,
            outcome=outcome.value,
            event=event,
            assigned_to="",
            leased_until=None,
        )
    )
    return bool(changed.rowcount)


def note_event(connection: sa.Connection, question: str, event: int) -> None:
    """Keep which event of the index an answer brought about."""
    connection.execute(index_questions.update().where(index_questions.c.question == question).values(event=event))


def reopen(connection: sa.Connection, question: str) -> bool:
    """Ask an answered question again; False when it was not answered.

    When the pair is being asked about anew by then, the later question stays and this one becomes superseded.
    """
    asked = one_question(connection, question)
    if asked is None or asked.stage is not Stage.ANSWERED:
        return False
    holds = _holds(asked.asked)
    another = connection.scalar(
        sa.select(index_questions.c.question).where(
            index_questions.c.space == asked.asked.space, index_questions.c.holds == holds
        )
    )
    values: dict[str, Any] = {"stage": Stage.OPEN.value, "stage_at": None, "holds": holds}
    if another is not None:
        values = {"stage": Stage.SUPERSEDED.value}
    connection.execute(
        index_questions.update()
        .where(index_questions.c.question == question)
        .values(**values, outcome="", event=0, assigned_to="", leased_until=None)
    )
    return True


def leading_to(connection: sa.Connection, space: str, child: str) -> int:
    """How many earlier identifiers lead straight to a child, because they were merged into it."""
    asked = (
        sa.select(sa.func.count())
        .select_from(index_children)
        .where(index_children.c.space == space, index_children.c.state == f"merged:{child}")
    )
    return int(connection.scalar(asked) or 0)


def closed_since(connection: sa.Connection, space: str, since: datetime) -> int:
    """How many questions of a space people have answered since a moment."""
    return int(
        connection.scalar(
            sa.select(sa.func.count())
            .select_from(index_questions)
            .where(
                index_questions.c.space == space,
                index_questions.c.stage == Stage.ANSWERED.value,
                index_questions.c.stage_at >= since,
            )
        )
        or 0
    )


def _asked(row: Any) -> Asked:
    return Asked(
        asked=Question(
            question=row.question,
            space=row.space,
            kind=Doubt(row.kind),
            record_key=row.a_record_key,
            owner=row.a_owner,
            child=row.a_child,
            other_key=row.b_record_key,
            other_owner=row.b_owner,
            other_child=row.b_child,
            weight=row.weight,
            probability=row.probability,
            opened_at=row.opened_at,
            ground=row.ground,
            prior=row.prior,
            evidence=_PIECES.decode(row.evidence),
            basis=row.a_basis,
        ),
        stage=Stage(row.stage),
        stage_at=row.stage_at,
        assigned_to=row.assigned_to,
        leased_until=row.leased_until,
        second=bool(row.second),
        outcome=row.outcome,
        event=row.event,
    )


# --- answers ----------------------------------------------------------------------------------------------------------


def keep_answer(connection: sa.Connection, said: Said) -> None:
    """Add an answer."""
    connection.execute(
        index_answers.insert().values(
            question=said.question,
            number=said.number,
            who=said.who,
            organisation=said.organisation,
            answer=said.answer.value,
            blind=said.blind,
            at=said.at,
            note=said.note,
            taken_back_at=said.taken_back_at,
        )
    )


def take_back(connection: sa.Connection, question: str, number: int, now: datetime) -> None:
    """Let an answer no longer count."""
    connection.execute(
        index_answers.update()
        .where(
            index_answers.c.question == question,
            index_answers.c.number == number,
            index_answers.c.taken_back_at.is_(None),
        )
        .values(taken_back_at=now)
    )


def answers_to(connection: sa.Connection, questions: Iterable[str]) -> dict[str, list[Said]]:
    """Every answer to some questions, oldest first, those taken back too; nothing for a question without answers."""
    found: dict[str, list[Said]] = {}
    asked = (
        sa.select(index_answers)
        .where(among(index_answers.c.question, set(questions)))
        .order_by(index_answers.c.question, index_answers.c.number)
    )
    for row in connection.execute(asked):
        found.setdefault(row.question, []).append(_said(row))
    return found


def answers_in(connection: sa.Connection, space: str) -> list[Said]:
    """Every answer of a space, those to questions whose records were erased too: for counting how far people agree."""
    asked = (
        sa.select(index_answers)
        .join(index_questions, index_questions.c.question == index_answers.c.question)
        .where(index_questions.c.space == space)
        .order_by(index_answers.c.question, index_answers.c.number)
    )
    return [_said(row) for row in connection.execute(asked)]


def answers_by(connection: sa.Connection, space: str) -> dict[str, int]:
    """How many answers each person has given in a space."""
    asked = (
        sa.select(index_answers.c.who, sa.func.count().label("given"))
        .join(index_questions, index_questions.c.question == index_answers.c.question)
        .where(index_questions.c.space == space, index_answers.c.taken_back_at.is_(None))
        .group_by(index_answers.c.who)
    )
    return {row.who: int(row.given) for row in connection.execute(asked)}


def last_by(connection: sa.Connection, space: str, who: str) -> Said | None:
    """The newest answer of a person in a space that still counts."""
    row = connection.execute(
        sa.select(index_answers)
        .join(index_questions, index_questions.c.question == index_answers.c.question)
        .where(
            index_questions.c.space == space,
            index_answers.c.who == who,
            index_answers.c.taken_back_at.is_(None),
        )
        .order_by(index_answers.c.at.desc(), index_answers.c.question)
        .limit(1)
    ).first()
    return None if row is None else _said(row)


def _said(row: Any) -> Said:
    return Said(
        question=row.question,
        number=row.number,
        who=row.who,
        organisation=row.organisation,
        answer=Reply(row.answer),
        blind=bool(row.blind),
        at=row.at,
        note=bytes(row.note),
        taken_back_at=row.taken_back_at,
    )
