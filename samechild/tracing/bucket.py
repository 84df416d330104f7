"""Never more requests a second than the service allows one application, however many processes ask.

The service counts what all of an application's processes send together. So they share one row in the gate's database
that says when the next request may go: each takes the next free moment and moves the row on, one behind the other.
Requests leave evenly spaced, which keeps every second within the limit and lets nobody wait behind a burst.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from samechild.errors import TooMany
from samechild.sql.columns import Moment
from samechild.storage.databases import Login, Store

TABLES = sa.MetaData(info={"database": "gate"})

A_SECOND = 5.0
"""Requests a second that the Personal Demographics Service allows an application when nothing else was agreed."""

LONGEST_QUEUE = timedelta(seconds=30)
"""Nobody waits longer for a turn: whoever would, is told to come back later."""

LONGEST_REST = timedelta(minutes=5)
"""Longest rest the service may impose on us; a row that lies further ahead was written by a clock gone wrong."""

call_turns = sa.Table(
    "call_turns",
    TABLES,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("next_at", Moment, nullable=False, comment="when the next request may be sent"),
)


class Bucket(Protocol):
    """Says when the next request may be sent, to everybody who shares it."""

    def take(self, now: datetime) -> float:
        """Take the next turn; returns the seconds to wait for it."""

    def rest(self, now: datetime, seconds: float) -> None:
        """Let nobody send anything for some seconds: the service has had enough."""


class SharedBucket:
    """The turns of one service, shared by every process of an installation through the gate's database."""

    def __init__(self, store: Store, service: str = "pds", a_second: float = A_SECOND) -> None:
        self._store, self._service, self._gap = store, service, timedelta(seconds=1 / a_second)

    def take(self, now: datetime) -> float:
        """Take the next turn; returns the seconds to wait for it.

        Raises:
            TooMany: when too many are waiting already; no turn was taken.
        """
        with self._store.write(Login.GATE) as connection:
            turn, following = next_turn(_locked(connection, self._service, now), now, self._gap)
            _move(connection, self._service, following)
        return (turn - now).total_seconds()

    def rest(self, now: datetime, seconds: float) -> None:
        """Let nobody send anything for some seconds; a longer rest that was imposed earlier stands."""
        until = now + min(timedelta(seconds=seconds), LONGEST_REST)
        with self._store.write(Login.GATE) as connection:
            _move(connection, self._service, max(until, _locked(connection, self._service, now)))


class OwnBucket:
    """The turns of one service within one process: for a stand-in, or an application that runs as one process."""

    def __init__(self, a_second: float = A_SECOND) -> None:
        self._gap, self._lock, self._next = timedelta(seconds=1 / a_second), Lock(), None

    _next: datetime | None

    def take(self, now: datetime) -> float:
        """Take the next turn; returns the seconds to wait for it. Raises TooMany as the shared one does."""
        with self._lock:
            turn, self._next = next_turn(self._next or now, now, self._gap)
        return (turn - now).total_seconds()

    def rest(self, now: datetime, seconds: float) -> None:
        """Let nobody send anything for some seconds."""
        with self._lock:
            until = now + min(timedelta(seconds=seconds), LONGEST_REST)
            self._next = max(until, self._next or now)


def next_turn(free_at: datetime, now: datetime, gap: timedelta) -> tuple[datetime, datetime]:
    """Say when a request may go and when the one after it may, from the moment that is free next.

    Raises:
        TooMany: when that is too far ahead.
    """
    if free_at - now > LONGEST_REST + LONGEST_QUEUE:
        free_at = now  # written by a clock that was wrong
    turn = max(free_at, now)
    if turn - now > LONGEST_QUEUE:
        raise TooMany("The national service has been asked as often as it allows: try again in a few minutes.")
    return turn, turn + gap


def _locked(connection: sa.Connection, service: str, now: datetime) -> datetime:
    """When the next request may go; nobody else changes it before this transaction ends."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(call_turns).values(service=service, next_at=now)
    connection.execute(new.on_conflict_do_nothing(index_elements=["service"]))
    asked = sa.select(call_turns.c.next_at).where(call_turns.c.service == service).with_for_update()
    found: datetime = connection.execute(asked).scalar_one()
    return found


def _move(connection: sa.Connection, service: str, next_at: datetime) -> None:
    connection.execute(call_turns.update().where(call_turns.c.service == service).values(next_at=next_at))
