"""What reviewers decided, as labels: for the next training of a model, and for checking a model against people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
import sqlalchemy as sa

from samechild.index import review_store as tables
from samechild.index.review import Doubt, Reply, standing
from samechild.index.review_queue import check_reviewer
from samechild.linkage.actions import Said
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store


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
    check_reviewer(store, by, space, now)
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


def as_said(found: Iterable[Label], named: Mapping[str, tuple[str, str]]) -> tuple[Said, ...]:
    """Labels as a run of linking takes them (``linkage.actions.Options.said``).

    ``named`` gives the source and own id of each record; a label about a record that is not in it is left out.
    """
    return tuple(
        Said(*named[each.record_key], *named[each.other_key], each.same)
        for each in found
        if each.record_key in named and each.other_key in named
    )
