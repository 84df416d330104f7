"""Values of any kind as the text a person would have typed.

A workbook keeps an NHS number as the number 9990000018.0 and a birth date as a day count; Parquet and JSON have types
of their own. Here they become plain text once: whole numbers without ``.0``, dates in ISO form, nothing rounded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

TOO_LONG = 10**15
"""Spreadsheets keep 15 digits of a number; beyond this the last digits were lost before we saw them."""


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


def some(numbers: Iterable[int], limit: int = 5) -> str:
    """Write row numbers for a message: the first few, and how many more."""
    found = list(numbers)
    shown = ", ".join(str(number) for number in found[:limit])
    return shown if len(found) <= limit else f"{shown} and {len(found) - limit} more"
