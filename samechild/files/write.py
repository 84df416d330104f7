"""Results that people can open: CSV a spreadsheet shows rightly and cannot run, and Parquet for programs.

A cell that begins with ``=`` is a formula to a spreadsheet, so a name typed into an agency's system could run on an
analyst's machine (CWE-1236). Such cells get an apostrophe in front, in a way that :func:`as_given` takes off again
exactly. Whole columns are treated at once: a million rows are written in about a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from samechild.files.text_values import text_buffers

_DANGEROUS = re.compile("^'*[\\s\u200b\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")
"""What a spreadsheet may run: a sign in front, also after blanks, and the full-width forms some of them accept."""

_FIRST_BYTES = np.zeros(256, bool)
_FIRST_BYTES[list(b"'=+-@\t\r\n\v\f \xc2\xe1\xe2\xe3\xef\x1c\x1d\x1e\x1f")] = True
_QUOTED_BYTES = np.zeros(256, bool)
_QUOTED_BYTES[list(b'",\r\n')] = True
_ROWS_AT_ONCE = 1 << 18


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet (zstd), with dictionary columns kept as they are.

    Without statistics: the smallest and largest name of a column have no business in a file's footer, and finding them
    takes half the time.
    """
    pq.write_table(table, path, compression="zstd", compression_level=1, write_statistics=False)


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a table as CSV for people: UTF-8 with a byte order mark, ``\\r\\n``, nothing a spreadsheet could run.

    Text columns (plain or dictionary) are made harmless; numbers are written as they are, missing values as nothing,
    lists joined by "; ".
    """
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        names = pa.array([harmless(name) for name in table.column_names])
        file.write(",".join(_quoted(names).to_pylist()).encode() + b"\r\n")
        for piece in _pieces(table):
            file.write(_lines(piece))


def as_given(text: str) -> str:
    """Take off the apostrophe that :func:`write_csv` put in front of a cell."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text) else text


def harmless(text: str) -> str:
    """Put an apostrophe in front of a cell that a spreadsheet might run; other cells stay as they are."""
    return "'" + text if _DANGEROUS.match(text) else text


def _pieces(table: pa.Table) -> Iterator[list[pa.Array]]:
    """Cut a table into pieces of some 260,000 rows, each column in one array, dictionaries made harmless once."""
    prepared = [_prepared(column) for column in table.columns]
    for start in range(0, table.num_rows, _ROWS_AT_ONCE):
        yield [_cells(column.slice(start, _ROWS_AT_ONCE)) for column in prepared]


def _prepared(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Make a column's distinct values ready to stand in a CSV, where it keeps them apart already."""
    if not pa.types.is_dictionary(column.type):
        return column
    chunks = [
        pa.DictionaryArray.from_arrays(chunk.indices, _quoted(harmless_column(as_strings(chunk.dictionary))))
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.dictionary(column.type.index_type, pa.string()))


def _cells(column: pa.ChunkedArray) -> pa.Array:
    """Write one column of a piece as CSV cells; missing is an empty cell."""
    if pa.types.is_dictionary(column.type):
        chunks = [chunk.dictionary_decode() for chunk in column.chunks]
        return pc.fill_null(pa.concat_arrays(chunks), "")
    whole = pa.concat_arrays(column.chunks)
    if pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type) or pa.types.is_list(whole.type):
        return pc.fill_null(_quoted(harmless_column(as_strings(whole))), "")
    return pc.fill_null(as_strings(whole), "")


def as_strings(column: pa.Array) -> pa.Array:
    """Return any column as text; lists are joined by "; "."""
    if pa.types.is_list(column.type):
        return pc.binary_join(column.cast(pa.list_(pa.string())), "; ")
    return column.cast(pa.string())


def harmless_column(column: pa.Array) -> pa.Array:
    """Make a column of text harmless; only cells whose first byte is suspicious are looked at one by one."""
    offsets, content = text_buffers(column)
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    suspects = filled[_FIRST_BYTES[content[offsets[filled]]]]
    return replaced(column, suspects, harmless)


def _quoted(column: pa.Array) -> pa.Array:
    """Put quotes around the cells that need them."""
    offsets, content = text_buffers(column)
    if not len(content):
        return column
    places = np.flatnonzero(_QUOTED_BYTES[content[offsets[0] : offsets[-1]]]) + offsets[0]
    rows = np.unique(np.searchsorted(offsets, places, side="right") - 1)
    return replaced(column, rows, lambda text: '"' + text.replace('"', '""') + '"')


def replaced(column: pa.Array, rows: np.ndarray, change: object) -> pa.Array:
    """Return the column with the cells at ``rows`` changed by a function of one text."""
    if not len(rows):
        return column
    assert callable(change)
    places = pa.array(rows)
    values = [None if value is None else change(value) for value in column.take(places).to_pylist()]
    mask = np.zeros(len(column), bool)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array(values, pa.string()))


def _lines(cells: list[pa.Array]) -> memoryview:
    """Join the cells of a piece into its bytes."""
    lines = pc.binary_join_element_wise(*cells, ",") if len(cells) > 1 else _lone(cells[0])
    ended = pc.binary_join_element_wise(lines, pa.scalar(""), "\r\n")
    offsets, content = text_buffers(ended)
    return content[offsets[0] : offsets[-1]].data


def _lone(cells: pa.Array) -> pa.Array:
    """A table of one column: a blank cell is written as quotes, or readers take the line for no line."""
    return pc.if_else(pc.equal(cells, ""), pa.scalar('""'), cells)
