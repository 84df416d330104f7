"""DuckDB inside this process: the engine that is always there, and the one ordinary tests hold against the other.

It is shut off from the outside before the first record goes in: no files, no network, no extensions, and no way to
switch them on again. What does not fit into memory goes to a folder of its own, readable by nobody else, which is
deleted at the end.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from samechild.engines.engine import Dialect, Function, Kind, plain
from samechild.errors import Unavailable

_TYPES: dict[Kind, str] = {"text": "VARCHAR", "whole": "BIGINT", "real": "DOUBLE"}


class DuckDB:
    """See :class:`samechild.engines.engine.Engine`. Raises :class:`~samechild.errors.Unavailable` on a full disk."""

    dialect: Dialect = "duckdb"

    def __init__(self, threads: int = 2) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="samechild-", ignore_cleanup_errors=True)
        self._connection = duckdb.connect(":memory:")
        for setting, value in {  # the order matters: what comes after the last two can no longer be set
            "threads": str(threads),
            "temp_directory": self._spill.name,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "enable_external_access": "false",
            "lock_configuration": "true",
        }.items():
            self._connection.execute(f"SET {setting} = '{value}'")

    def register(self, name: str, table: pa.Table) -> None:
        """Let SQL see a table under a name; a table of that name is replaced."""
        self.drop(name)
        self._connection.register(name, plain(table))

    def define(self, name: str, function: Function, takes: tuple[Kind, ...], gives: Kind) -> None:
        """Let SQL call a function of ours."""
        self._connection.create_function(
            name,
            _whole_columns(function, len(takes)),
            [duckdb.sqltype(_TYPES[kind]) for kind in takes],
            duckdb.sqltype(_TYPES[gives]),
            type="arrow",
            null_handling="special",
        )

    def keep(self, name: str, sql: str) -> None:
        """Work a query out once and keep what it gives as a table."""
        self.drop(name)
        self._run(f'CREATE TABLE "{name}" AS {sql}')

    def fetch(self, sql: str) -> pa.Table:
        """Run a query and bring what it gives to this process."""
        return self._guarded(lambda: self._connection.sql(sql).to_arrow_table())

    def drop(self, name: str) -> None:
        """Forget a registered or kept table, and free what it took."""
        self._connection.unregister(name)
        self._run(f'DROP TABLE IF EXISTS "{name}"')

    def close(self) -> None:
        """Forget everything, and delete what did not fit into memory."""
        self._connection.close()
        self._spill.cleanup()

    def _run(self, sql: str) -> None:
        self._guarded(lambda: self._connection.execute(sql))

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise Unavailable(
                "DuckDB ran out of memory or of disk for what does not fit into it; free some, link fewer records at "
                "once, or use the local engine, which needs less."
            ) from error


def _whole_columns(function: Function, count: int) -> Function:
    """DuckDB hands over columns in chunks, and counts a function's arguments; ours take columns in one piece."""

    def called(*columns: Any) -> pa.Array:
        return function(*(each.combine_chunks() if isinstance(each, pa.ChunkedArray) else each for each in columns))

    places = [inspect.Parameter(f"column_{place}", inspect.Parameter.POSITIONAL_ONLY) for place in range(count)]
    called.__signature__ = inspect.Signature(places)  # type: ignore[attr-defined]
    return called
