"""How a space of the index stands, in counts that name nobody: for whoever runs the installation."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from samechild.index import store as tables
from samechild.index.models import opened_model
from samechild.index.records import Space
from samechild.index.review_store import open_in
from samechild.storage import Login, Store

_MOST = 1_000_000


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one space; ``children`` are live or unborn, ``newest`` is the number of its newest event."""

    children: int
    unborn: int
    records: int
    sources: int
    questions: int
    events: int
    newest: int
    model: str
    state_hash: str


def every_space(store: Store) -> list[Space]:
    """Every space of the installation, in the order of their names."""
    with store.read(Login.INDEX) as connection:
        return tables.spaces(connection)


def status_of(store: Store, space: str) -> Status:
    """How a space stands. Counts of questions end at a million."""
    events, members = tables.index_events, tables.index_members
    with store.read(Login.INDEX) as connection:
        states = tables.every_child(connection, space)
        records = connection.execute(
            sa.select(sa.func.count(), sa.func.count(sa.distinct(tables.index_records.c.source)))
            .select_from(members.join(tables.index_records, tables.index_records.c.record_key == members.c.record_key))
            .where(members.c.space == space)
        ).one()
        happened = connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(events.c.number), 0)).where(events.c.space == space)
        ).one()
        head = tables.head(connection, space)
        trained = opened_model(store, connection, space)
        questions = len(open_in(connection, space, _MOST))
    here = list(states.values())
    return Status(
        children=here.count("live") + here.count("unborn"),
        unborn=here.count("unborn"),
        records=int(records[0]),
        sources=int(records[1]),
        questions=questions,
        events=int(happened[0]),
        newest=int(happened[1]),
        model=trained[0].name if trained else "",
        state_hash=head[0] if head else "",
    )
