"""Values of any kind as the text a person would have typed.

A workbook keeps an NHS number as the number 9990000018.0 and a birth date as a day count; Parquet and JSON have types
of their own. Here they become plain text once: whole numbers without ``.0``, dates in ISO form, nothing rounded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TOO_LONG = 10**15
"""Spreadsheets keep 15 digits of a number; beyond this the last digits were lost before we saw them."""

_EDGE = np.zeros(256, bool)
_EDGE[:0x21] = True
_EDGE[0x80:] = True
"""Bytes at the edge of a text that may belong to a blank: control characters, the space, and anything beyond ASCII."""


def as_text(value: Any) -> str | None:
    """Write one value as plain text; None for nothing.

    Whole numbers lose ``.0``, dates become YYYY-MM-DD, a date with a time keeps it only when it is not midnight.
    """
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return format(value.normalize() if value == value.to_integral_value() else value, "f")
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _float_text(value: float) -> str | None:
    if value != value:
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def column_of(values: Sequence[Any]) -> pa.Array:
    """Make one text column out of values of mixed kinds; blanks are null."""
    try:
        return blank_to_null(pa.array(values, pa.string()))
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array([as_text(value) for value in values], pa.string())


def blank_to_null(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Turn empty cells into missing ones."""
    empty = pc.equal(column, "")
    if not pc.any(empty, min_count=0).as_py():
        return column
    return pc.if_else(empty, pa.scalar(None, pa.string()), column)


def wholly_blank(table: pa.Table) -> pa.ChunkedArray | pa.Array | None:
    """Mark the rows in which every cell is missing; None when there is no such row."""
    blank: Any = None
    for column in table.columns:
        if column.null_count == 0:
            return None
        blank = pc.is_null(column) if blank is None else pc.and_(blank, pc.is_null(column))
    return blank if blank is not None and pc.any(blank, min_count=0).as_py() else None


def text_buffers(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets (one more than rows) and bytes of a text column, without copying."""
    if len(column) == 0:
        return np.zeros(1, np.int32), np.empty(0, np.uint8)
    _, offsets, content = column.buffers()
    bounds = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return bounds, np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8)


def trimmed(column: pa.Array) -> pa.Array:
    """Take blanks off both ends; a column in which no text has any is returned untouched, at a tenth of the cost."""
    offsets, content = text_buffers(column)
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    first, last = content[offsets[filled]], content[offsets[filled + 1] - 1]
    if not (_EDGE[first] | _EDGE[last]).any():
        return column
    return pc.utf8_trim_whitespace(column)


def in_one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, also when it has no rows."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def is_blank(column: pa.Array) -> np.ndarray:
    """Mark the texts that hold nothing but blanks; missing ones are not marked."""
    blank = pc.equal(trimmed(column), "")
    return np.asarray(pc.fill_null(blank, False).to_numpy(zero_copy_only=False), bool)


def some(numbers: Iterable[int], limit: int = 5) -> str:
    """Write row numbers for a message: the first few, and how many more."""
    found = list(numbers)
    shown = ", ".join(str(number) for number in found[:limit])
    return shown if len(found) <= limit else f"{shown} and {len(found) - limit} more"
