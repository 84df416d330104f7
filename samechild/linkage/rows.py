"""Where a record named by source and record id stands in a table: the step every question about a finished run needs.

Results name records by ``(source, record_id)``. Looking up millions of such names one by one is slow, so both columns
are turned into whole numbers once and found by position.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid

Ints = npt.NDArray[np.int64]
_DENSE_LIMIT = 100_000_000  # a look-up table above this many cells (400 MB) gives way to binary search


def need_columns(table: pa.Table, names: tuple[str, ...], what: str) -> None:
    """Refuse a table that lacks columns, naming them. Raises Invalid; ``what`` is how to call the table to a person."""
    lacking = [name for name in names if name not in table.column_names]
    if lacking:
        raise Invalid(f"{what} has no column {', '.join(lacking)}. It needs: {', '.join(names)}.")


def text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column as text (or a dictionary of text), whatever type a reader gave it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column if pa.types.is_string(kind.value_type) else column.cast(pa.dictionary(pa.int32(), pa.string()))
    return column if pa.types.is_string(kind) else column.cast(pa.string())


def filled(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Tell for each row whether it has a value: neither missing nor empty text."""
    column = text(column)
    if pa.types.is_dictionary(column.type):
        return codes(column)[0] >= 0
    return np.asarray(pc.fill_null(pc.not_equal(column, ""), False).to_numpy())


def positions(column: pa.ChunkedArray, values: pa.Array) -> Ints:
    """Find each value of a column in a list of unique values: its place, or -1 where it is not there or missing."""
    column = text(column)
    if not pa.types.is_dictionary(column.type):
        return _plain(pc.index_in(column, value_set=values)).copy()
    parts = []
    for chunk in column.chunks:
        places = np.append(_plain(pc.index_in(chunk.dictionary, value_set=values)), -1)
        parts.append(places[_plain(chunk.indices)])  # a missing index is -1, the extra last place
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Number the values of a column: one whole number for each row (-1 when missing or empty) and the values' list."""
    column = text(column)
    if pa.types.is_dictionary(column.type):
        column_values = pa.chunked_array([chunk.dictionary for chunk in column.chunks], pa.string())
    else:
        column_values = column
    values = pc.unique(column_values).drop_null()
    values = values.filter(pc.not_equal(values, ""))
    return positions(column, values), values.to_pylist()


def _plain(array: pa.Array | pa.ChunkedArray) -> Ints:
    return np.asarray(pc.fill_null(array.cast(pa.int64()), -1).to_numpy(zero_copy_only=False), dtype=np.int64)


class Rows:
    """The rows of a table of records, found by source and record id.

    Args:
        table: a table with text columns ``source`` and ``record_id``.
        what: how to call the table in a message to a person.

    ``repeated`` marks the rows whose source and record id already stood in an earlier row; the first is the one found.

    Raises:
        Invalid: when a row has no source or no record id.
    """

    def __init__(self, table: pa.Table, what: str) -> None:
        need_columns(table, ("source", "record_id"), what)
        self.count = table.num_rows
        source, ids = text(table["source"]), text(table["record_id"])
        self._sources, self._ids = _distinct(source), _distinct(ids)
        key = self._key(source, ids)
        if (key < 0).any():
            raise Invalid(f"{what}: row {int(np.argmax(key < 0)) + 1} has no source or no record id. Fill it in.")
        cells = max(1, len(self._sources)) * max(1, len(self._ids))
        self._dense: npt.NDArray[np.int32] | None = None
        backwards: Ints = np.arange(
            self.count - 1, -1, -1
        )  # so that the first of two equal names is the one that stays
        if cells <= _DENSE_LIMIT:
            self._dense = np.full(cells, -1, np.int32)
            self._dense[key[backwards]] = backwards.astype(np.int32)
            first = self._dense[key].astype(np.int64)
        else:
            self._order = np.argsort(key, kind="stable")
            self._sorted = key[self._order]
            first = self._order[np.searchsorted(self._sorted, key)]
        self.repeated = first != np.arange(self.count)

    def _key(self, source: pa.ChunkedArray, record_id: pa.ChunkedArray) -> Ints:
        left, right = positions(source, self._sources), positions(record_id, self._ids)
        key = left * len(self._ids) + right
        key[(left < 0) | (right < 0)] = -1
        return key

    def find(self, source: pa.ChunkedArray, record_id: pa.ChunkedArray) -> Ints:
        """Tell the row (from 0) of each named record, or -1 when the table does not hold it."""
        key = self._key(source, record_id)
        if self._dense is not None:
            found = self._dense[key].astype(np.int64)
        elif self.count:
            place = np.minimum(np.searchsorted(self._sorted, key), self.count - 1)
            found = np.where(self._sorted[place] == key, self._order[place], -1)
        else:
            found = key
        found[key < 0] = -1
        return found

    def find_pairs(self, pairs: pa.Table) -> tuple[Ints, Ints]:
        """Tell both rows of each pair named by ``source_a, record_a, source_b, record_b``."""
        with ThreadPoolExecutor(2) as pool:
            sides = [pool.submit(self.find, pairs[f"source_{side}"], pairs[f"record_{side}"]) for side in "ab"]
            return sides[0].result(), sides[1].result()


def _distinct(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = pa.chunked_array([chunk.dictionary for chunk in column.chunks], pa.string())
    values = pc.unique(column).drop_null()
    return values.filter(pc.not_equal(values, ""))
