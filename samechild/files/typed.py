"""Parquet and Arrow files, whose columns have types of their own, as plain text.

A birth date stored as a date and the same date typed into a CSV must look alike to whatever comes next, so typed
columns are written out: dates in ISO form, whole numbers plain. Columns that hold lists or structures are refused by
name, because nobody can say which part of them is meant.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from samechild.errors import Invalid
from samechild.files.delimited import row_numbers
from samechild.files.headings import settle_headings
from samechild.files.records import Contents
from samechild.files.text_values import as_text, blank_to_null


def read_parquet(path: Path) -> Contents:
    """Read a Parquet file as text. Raises Invalid when it is damaged or holds nested columns."""
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            _refuse_nested(path, file.schema_arrow)
            table = file.read()
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path) from error
    return _as_contents(path, table)


def read_arrow(path: Path) -> Contents:
    """Read an Arrow (Feather version 2) file as text. Raises Invalid when it is damaged or holds nested columns."""
    try:
        with pa.OSFile(str(path)) as file:
            reader = pa.ipc.open_file(file)
            _refuse_nested(path, reader.schema)
            table = reader.read_all()
            table.validate(full=True)  # Arrow believes a file's own offsets: a damaged one would crash later
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path) from error
    return _as_contents(path, table)


def _damaged(path: Path) -> Invalid:
    return Invalid(f"{path.name} is damaged or cut short: send it again.")


def _refuse_nested(path: Path, schema: pa.Schema) -> None:
    nested = [field.name for field in schema if pa.types.is_nested(field.type) or pa.types.is_union(field.type)]
    if nested:
        named = ", ".join(f'"{name}"' for name in nested[:5])
        raise Invalid(f"{path.name} has columns that hold lists or structures ({named}): give one value in each cell.")


def _as_contents(path: Path, table: pa.Table) -> Contents:
    headings, issues = settle_headings(path.name, path.stem, table.column_names)
    columns = [
        blank_to_null(_text(path, heading, column)) for heading, column in zip(headings, table.columns, strict=True)
    ]
    return Contents(pa.table(columns, names=headings), row_numbers(table.num_rows), tuple(issues))


def _text(path: Path, heading: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write one typed column as text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _text(path, heading, column.cast(kind.value_type))
    if pa.types.is_string(kind):
        return column
    if pa.types.is_integer(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if kind in (pa.string_view(),):
        return column.cast(pa.string())
    if pa.types.is_date(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        return _floats(column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _bytes(path, heading, column)
    return pa.chunked_array([pa.array([as_text(value) for value in column.to_pylist()], pa.string())])


def _floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write floating-point numbers; whole ones without ``.0``, not-a-number as blank."""
    wide = column.cast(pa.float64())
    usable = pc.if_else(pc.is_finite(wide), wide, pa.scalar(None, pa.float64()))
    whole = pc.and_(pc.equal(pc.floor(usable), usable), pc.less(pc.abs(usable), 2.0**63))
    if pc.all(whole, min_count=0).as_py():
        return usable.cast(pa.int64(), safe=False).cast(pa.string())
    return pa.chunked_array([pa.array([as_text(value) for value in usable.to_pylist()], pa.string())])


def _bytes(path: Path, heading: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        raise Invalid(f'{path.name}: the column "{heading}" holds bytes that are not text; leave it out.') from None
