"""Reading a council's own tables: files of any form, or a database with whatever driver the council has.

Rows come one after the other as name and value, so that a table of any length is read in little memory. Only reading
is ever asked of a database. What a database says when it fails may repeat a value of a record, so its words are shown
only as far as they stand in the question that was asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, NoSuchModuleError, SQLAlchemyError

from samechild.collection.send.config import Config, Source, Table
from samechild.errors import Invalid, Missing, SamechildError, Unavailable
from samechild.files.read import read, split_sheet

Row = dict[str, Any]
Choose = Callable[[Sequence[str]], Mapping[str, str]]
"""Given the columns that are there: which name is read from which of them."""

ROWS_AT_ONCE = 5_000
_ENDINGS = (".csv", ".parquet", ".xlsx", ".tsv", ".txt", ".json", ".ndjson", ".arrow", ".feather")

_DRIVERS = {
    "mssql": ("samechild[mssql]", "and Microsoft's ODBC Driver 18 (on Linux with unixODBC)"),
    "oracle": ("samechild[oracle]", "and write the URL as oracle+oracledb://"),
    "postgresql": ("samechild[postgres]", "and write the URL as postgresql+psycopg://"),
    "mysql": ("pymysql", "and write the URL as mysql+pymysql://"),
}


class Tables(AbstractContextManager["Tables"]):
    """An open source of tables. Close it, or use it in a ``with``."""

    def __init__(self, config: Config, surroundings: Mapping[str, str]) -> None:
        self.config = config
        self._engine: sa.Engine | None = None
        self._connection: sa.Connection | None = None
        self._url = url_of(config.source, surroundings) if config.source.database else None
        if self._url is None and config.source.folder and not self.folder.is_dir():
            raise Missing(f"There is no folder {self.folder}: correct folder under [source].")

    @property
    def folder(self) -> Path:
        """Where files are looked for."""
        return self.config.beside(self.config.source.folder or ".")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()
        self._connection = self._engine = None

    def columns_of(self, given: Table) -> list[str]:
        """The columns of one table, as the source names them.

        Raises Missing or Invalid when it cannot be read, Unavailable when the database cannot be reached.
        """
        if given.file:
            return list(read(self._file(given.file)).table.column_names)
        with self._asked(given, nothing=True) as result:
            return list(result.keys())

    def rows(self, given: Table, choose: Choose) -> Iterator[Row]:
        """The rows of one table: each wanted name with the value of its column, where the column holds something.

        Raises as :meth:`columns_of`, and Invalid when a wanted column is not there.
        """
        yield from self._file_rows(given, choose) if given.file else self._asked_rows(given, choose)

    def named(self, names: Sequence[str]) -> Table | None:
        """The table or file of one of these names, in any letters; None when there is none."""
        if self._url is None:
            return self._file_named(names)
        found = {name.lower(): name for name in self._table_names()}
        for name in names:
            if name.lower() in found:
                return Table(table=found[name.lower()])
        return None

    def _file_named(self, names: Sequence[str]) -> Table | None:
        there: dict[str, list[Path]] = {}
        for path in self.folder.iterdir():
            if path.suffix.lower() in _ENDINGS:
                there.setdefault(path.stem.lower(), []).append(path)
        for name in names:
            found = there.get(name.lower(), [])
            if len(found) > 1:
                raise Invalid(f"{self.folder} holds {name} in several forms: leave one of them.")
            if found:
                return Table(file=found[0].name)
        return None

    def _file(self, name: str) -> Path:
        path, sheet = split_sheet(self.folder / name)
        if not path.is_file():
            raise Missing(f"There is no file {path}: correct it in the settings, or write the extract anew.")
        return path if sheet is None else self.folder / name

    def _file_rows(self, given: Table, choose: Choose) -> Iterator[Row]:
        table = read(self._file(given.file)).table
        chosen = chosen_columns(given.file, table.column_names, choose(table.column_names))
        missing = set(self.config.source.missing)
        names = list(chosen)
        for batch in table.select([chosen[name] for name in names]).to_batches(ROWS_AT_ONCE):
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                yield {
                    name: value
                    for name, value in zip(names, values, strict=True)
                    if value is not None and value not in missing
                }

    def _asked_rows(self, given: Table, choose: Choose) -> Iterator[Row]:
        with self._asked(given) as result:
            keys = list(result.keys())
            chosen = chosen_columns(_place(given), keys, choose(keys))
            places = [(name, keys.index(column)) for name, column in chosen.items()]
            try:
                for row in result:
                    yield {name: row[place] for name, place in places if row[place] is not None}
            except SQLAlchemyError as error:
                raise _told(error, _place(given), given.query or given.table) from None

    def _asked(self, given: Table, *, nothing: bool = False) -> sa.CursorResult[Any]:
        connection = self._open()
        asked: sa.Executable
        if given.query:
            asked = sa.text(given.query.replace(":", r"\:"))
        else:
            schema, _, name = given.table.rpartition(".")
            table = sa.table(name, schema=schema or self.config.source.schema or None)
            every = sa.select(sa.text("*")).select_from(table)
            asked = every.where(sa.text("1 = 0")) if nothing else every  # words that every system reads
        try:
            return connection.execute(asked)
        except SQLAlchemyError as error:
            raise _told(error, _place(given), given.query or given.table) from None

    def _table_names(self) -> list[str]:
        inspector = sa.inspect(self._open())
        schema = self.config.source.schema or None
        try:
            return [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        except SQLAlchemyError as error:
            raise _told(error, "the list of tables", "") from None

    def _open(self) -> sa.Connection:
        """Connect once; the same connection reads every table, so that they belong together where that is possible."""
        if self._connection is not None:
            return self._connection
        if self._url is None:
            raise Invalid("[source] names no database: add database, or give files.")
        try:
            self._engine = sa.create_engine(self._url)
            self._connection = self._engine.connect().execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
        except (NoSuchModuleError, ImportError):
            raise Unavailable(_no_driver(self._url)) from None
        except SQLAlchemyError as error:
            raise Unavailable(f"The database cannot be reached: {_said(error, '', self._url)}.") from None
        return self._connection


def url_of(source: Source, surroundings: Mapping[str, str]) -> URL:
    """The address of the database; ``env:NAME`` is looked up. Raises Invalid; a password is never shown."""
    written = source.database
    if written.startswith("env:"):
        name = written.removeprefix("env:").strip()
        written = surroundings.get(name, "")
        if not written:
            raise Invalid(f"{name} is neither in the environment nor in the .env: put the database's URL there.")
    try:
        url = make_url(written)
    except (ArgumentError, ValueError):
        raise Invalid(
            "The database's address is no SQLAlchemy URL: docs/submit.md shows one for each system."
        ) from None
    if url.drivername.startswith("sqlite") and url.database and not url.database.startswith("file:"):
        path = Path(url.database).absolute()
        if not path.is_file():
            raise Missing(f"There is no database {path}: correct database under [source].")
        return URL.create(url.drivername, database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    return url


def chosen_columns(place: str, there: Sequence[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Find each wanted column under its name in any letters. Raises Invalid naming those that are not there."""
    by_name: dict[str, str] = {}
    for column in there:
        by_name.setdefault(column.strip().lower(), column)
    absent = [column for column in wanted.values() if column.strip().lower() not in by_name]
    if absent:
        raise Invalid(f"{place} has no column {', '.join(absent)}; it has: {', '.join(there)}.")
    return {name: by_name[column.strip().lower()] for name, column in wanted.items()}


def _place(given: Table) -> str:
    return given.file or given.table or f'the query "{" ".join(given.query.split())[:60]}"'


def _no_driver(url: URL) -> str:
    system = url.get_backend_name()
    package, more = _DRIVERS.get(system, ("", ""))
    if not package:
        return f'There is no driver for "{url.drivername}": install one that SQLAlchemy knows.'
    return f'The driver for {system} is not installed: pip install "{package}", {more}.'


def _told(error: SQLAlchemyError, place: str, asked: str) -> SamechildError:
    if isinstance(error, DataError):
        return Invalid(f"{place}: the database could not convert a value ({type(error).__name__}): mend the query.")
    return Invalid(f"{place}: the database refused ({_said(error, asked)}).")


def _said(error: SQLAlchemyError, asked: str, url: URL | None = None) -> str:
    """What a database said, with every quoted word and number covered that did not stand in the question."""
    cause = getattr(error, "orig", None)
    words = " ".join(str(cause if cause is not None else type(error).__name__).split())[:300]
    if url is not None and url.password:
        words = words.replace(str(url.password), "...")
    known = asked.lower()

    def cover(found: re.Match[str]) -> str:
        inner = found.group().strip("'\"")
        return found.group() if url is not None or (inner and inner.lower() in known) else "..."

    return re.sub(r"'[^']*'?|\"[^\"]*\"?|\d{3,}", cover, words) or type(error).__name__
