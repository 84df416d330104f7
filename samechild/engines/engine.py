"""What every engine can do, and nothing more: so that a third one is one file that passes the same tests.

Tables go in and come out as Arrow. Names of tables and functions are the caller's own and are lower-case words; an
engine never sees a file or an address of the caller's choosing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import pyarrow as pa

from samechild.errors import Invalid

Dialect = Literal["duckdb", "spark"]

Function = Callable[..., pa.Array]
"""Works on columns: an Arrow array for each argument, of one length; gives an array of that length."""

Kind = Literal["text", "whole", "real"]
"""What a function of ours takes and gives: text, whole numbers (64 bits) or real numbers (64 bits)."""


class Engine(Protocol):
    """A place where SQL runs. Use it as a context: everything it holds is gone when the work is done."""

    dialect: Dialect

    def register(self, name: str, table: pa.Table) -> None:
        """Let SQL see a table under a name; a table of that name is replaced. Coded columns become plain ones."""
        ...

    def define(self, name: str, function: Function, takes: tuple[Kind, ...], gives: Kind) -> None:
        """Let SQL call a function of ours, for what the engine has not, or has in another way."""
        ...

    def keep(self, name: str, sql: str) -> None:
        """Work a query out once and keep what it gives as a table."""
        ...

    def fetch(self, sql: str) -> pa.Table:
        """Run a query and bring what it gives to this process. Its rows come in no particular order."""
        ...

    def drop(self, name: str) -> None:
        """Forget a registered or kept table, and free what it took."""
        ...

    def close(self) -> None:
        """Forget everything, and delete what was written to disk on the way."""
        ...


def open_engine(name: str, threads: int = 2) -> Engine:
    """Open an engine by name: ``duckdb`` or ``spark``.

    ``threads`` is for the engine on this machine; a cluster knows its own. Raises :class:`~samechild.errors.Invalid`
    for another name, :class:`~samechild.errors.Unavailable` when the engine is not installed or does not start.
    """
    if name == "duckdb":
        from samechild.engines.duckdb import DuckDB

        return DuckDB(threads)
    if name == "spark":
        from samechild.engines.spark import Spark

        return Spark(threads)
    raise Invalid(f"there is no engine called {name}; take duckdb or spark")


def plain(table: pa.Table) -> pa.Table:
    """The same table without coded (dictionary) columns: each value where it stands."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = pa.chunked_array(
                [chunk.dictionary.take(chunk.indices) for chunk in table.column(place).chunks], field.type.value_type
            )
            table = table.set_column(place, field.name, column)
    return table
