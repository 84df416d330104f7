"""Database errors in words a person can act on: try later, look again, or a rule of the database said no.

What a database driver says may repeat the statement, its values or a connection's password. None of it may reach a
message, a log or a traceback: the original error is emptied before ours takes its place.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from samechild.errors import Conflict, Refused, SamechildError, Unavailable

_LATER = "The database cannot be reached: try again shortly; nothing of this request was kept."
_BUSY = "The database is busy with another writer: try again shortly; nothing of this request was kept."
_FULL = "The disk of the database is full or cannot be written: make room, then try again; nothing was kept."
_TAKEN = "Somebody else got there first: look again and resubmit."
_FORBIDDEN = "The database's own rules forbid this to the role it was asked under; nothing was changed."

_SQLITE_WORDS = (
    ("append-only", Refused, _FORBIDDEN),
    ("attempt to write a readonly", Refused, _FORBIDDEN),
    ("UNIQUE constraint", Conflict, _TAKEN),
    ("PRIMARY KEY constraint", Conflict, _TAKEN),
    ("locked", Unavailable, _BUSY),
    ("busy", Unavailable, _BUSY),
    ("full", Unavailable, _FULL),
    ("disk I/O", Unavailable, _FULL),
    ("unable to open", Unavailable, _LATER),
    ("not a database", Unavailable, "A database file is damaged, or its key is another one: restore a backup."),
    ("malformed", Unavailable, "A database file is damaged: restore a backup."),
)

_POSTGRES_STATES: tuple[tuple[str, type[SamechildError], str], ...] = (
    ("23505", Conflict, _TAKEN),
    ("23P01", Conflict, _TAKEN),
    ("40", Conflict, _TAKEN),  # serialisation failure, deadlock
    ("55P03", Unavailable, _BUSY),
    ("57", Unavailable, _LATER),  # shut down, crashed, cancelled
    ("08", Unavailable, _LATER),
    ("28", Unavailable, "The database does not accept the sign-in of samechild: check the addresses in the settings."),
    ("3D000", Unavailable, "There is no such database: run `samechild db migrate` as its owner."),
    ("42P01", Unavailable, "A table is missing: run `samechild db migrate` as the databases' owner."),
    ("53", Unavailable, _FULL),
    ("58", Unavailable, _FULL),
    ("25006", Refused, _FORBIDDEN),
    ("42501", Refused, _FORBIDDEN),  # no grant, or row-level security
    ("SC001", Refused, _FORBIDDEN),  # our own: an append-only table
)

APPEND_ONLY_STATE = "SC001"
"""The SQLSTATE with which PostgreSQL refuses a change of an append-only table."""


def translated(error: sa.exc.SQLAlchemyError) -> SamechildError:
    """Say what a database error means, and empty the error so that no statement or value can be shown from it."""
    inner = getattr(error, "orig", None)
    if isinstance(inner, SamechildError):  # a column type refused a value
        _empty(error)
        return inner
    found = _meaning(error, inner)
    for each in (inner, error):
        if each is not None:
            _empty(each)
    return found


def _meaning(error: sa.exc.SQLAlchemyError, inner: BaseException | None) -> SamechildError:
    if isinstance(error, sa.exc.TimeoutError):
        return Unavailable(_BUSY)
    state = getattr(inner, "sqlstate", None)
    if state:
        for start, kind, words in _POSTGRES_STATES:
            if state.startswith(start):
                return kind(words)
        return SamechildError(f"The database refused a statement (state {state}).")
    if type(inner).__module__.startswith("psycopg"):  # no state: the connection itself failed
        lost = getattr(error, "connection_invalidated", False) or type(inner).__name__ == "OperationalError"
        return Unavailable(_LATER) if lost else SamechildError(f"The database refused a statement ({_kind(inner)}).")
    words_of = str(inner)
    for part, kind, words in _SQLITE_WORDS:
        if part in words_of:
            return kind(words)
    return SamechildError(f"The database refused a statement ({_kind(inner or error)}).")


def _kind(error: BaseException | None) -> str:
    return type(error).__name__


def _empty(error: Any) -> None:
    """Take statement, values and causes out of an error."""
    error.args = (type(error).__name__,)
    error.__cause__ = error.__context__ = None
    for name in ("statement", "params", "orig"):
        if hasattr(error, name):
            setattr(error, name, None)
