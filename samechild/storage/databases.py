"""Opening the three databases, and one transaction in one of them at a time.

No action relies on an atomic write to two databases: a transaction here is always in one. Stores never commit; actions
do, by leaving the ``with`` block of :meth:`Store.write`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from samechild.storage.faults import translated

if TYPE_CHECKING:
    from samechild.keys.register import Keyring


class Database(StrEnum):
    """Which of the three databases a table lives in."""

    GATE = "gate"
    IDENTITY = "identity"
    CONTENT = "content"


class Login(StrEnum):
    """As which database role a connection is opened: on PostgreSQL each may do only what its grants say."""

    GATE = "gate"
    IDENTITY = "identity"
    CONTENT = "content"
    LEDGER = "ledger"  # may append to the ledger in the gate's database, nothing else
    INDEXER = "indexer"  # identity vault, reading
    INDEX = "index"  # identity vault: matches the records of all who share a space, whosever they are
    EXTRACTOR = "extractor"  # content vault, approved columns, reading

    @property
    def database(self) -> Database:
        """The database this login opens."""
        return _OPENS[self]


_OPENS = {
    Login.GATE: Database.GATE,
    Login.LEDGER: Database.GATE,
    Login.IDENTITY: Database.IDENTITY,
    Login.INDEXER: Database.IDENTITY,
    Login.INDEX: Database.IDENTITY,
    Login.CONTENT: Database.CONTENT,
    Login.EXTRACTOR: Database.CONTENT,
}


class Store:
    """An open installation: its engines by login, its keys, its home folder. Made by ``storage.open_store``.

    ``witness`` is the folder outside home that also receives the ledger's checkpoints; ``postcodes`` where a postcode
    directory lies, when there is one.
    """

    def __init__(
        self,
        home: Path,
        engines: dict[Login, sa.Engine],
        keys: Keyring,
        witness: Path | None = None,
        postcodes: Path | None = None,
    ) -> None:
        self.home = home
        self.keys = keys
        self.engines = engines
        self.witness = witness or home.with_name(f"{home.name}-witness")
        self.postcodes = postcodes or home / "postcodes.arrow"
        self.memory: dict[str, Any] = {}  # what rooms hold ready for this installation, such as the policy in force

    @contextmanager
    def read(self, login: Login, space: str = "") -> Iterator[sa.Connection]:
        """Read in one database as ``login``; ``space`` is the organisation whose rows may be seen.

        Raises:
            Unavailable: when the database cannot be reached or is busy.
            Refused: when the role or the space may not see what was asked for.
        """
        with in_our_words(), self.engines[login].connect() as connection, connection.begin():
            enter_space(connection, space)
            yield connection

    @contextmanager
    def write(self, login: Login, space: str = "") -> Iterator[sa.Connection]:
        """One transaction in one database as ``login``: committed at the end of the block, undone by any error.

        Raises:
            Conflict: when somebody else wrote the same thing first.
            Unavailable: when the database cannot be reached, is busy or has no room.
            Refused: when the role may not write that.
        """
        engine = self.engines[login].execution_options(samechild_write=True)
        with in_our_words(), engine.begin() as connection:
            enter_space(connection, space, writing=True)
            yield connection

    def close(self) -> None:
        """Close every connection."""
        for engine in self.engines.values():
            engine.dispose()


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn what a database says into an error of ours that shows neither statement nor value."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise translated(error) from None


def enter_space(connection: sa.Connection, space: str, *, writing: bool = False) -> None:
    """Tell the database whose rows this transaction may touch (row-level security on PostgreSQL).

    One that writes also takes its share of the lock that :func:`hold_still` waits for, in the same round trip.
    """
    if connection.dialect.name == "postgresql" and (space or writing):
        connection.execute(_ENTER_TO_WRITE if writing else _ENTER, {"space": space})


_STILL = 7261639
"""Number of the PostgreSQL advisory lock that every writer shares and a backup takes for an instant."""

_ENTER = sa.text("select set_config('samechild.space', :space, true)")
_ENTER_TO_WRITE = sa.text(f"select set_config('samechild.space', :space, true), pg_advisory_xact_lock_shared({_STILL})")


@contextmanager
def hold_still(engine: sa.Engine) -> Iterator[None]:
    """Let no transaction write in one database while the block lasts, so that several can be seen at one moment.

    Raises:
        Unavailable: when writers did not finish within two seconds.
    """
    with in_our_words(), engine.execution_options(samechild_write=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            connection.execute(sa.text(f"select pg_advisory_xact_lock({_STILL})"))
        yield
