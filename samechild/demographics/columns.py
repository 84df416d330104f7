"""Columns as codes into their distinct values, so that each distinct value is thought about once.

A million records of children hold some fifty thousand forenames and seven thousand dates of birth. Everything here
works on a column's distinct values and then on whole columns of small numbers, never row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int32]
MISSING = -1


class Coded(msgspec.Struct, frozen=True):
    """A column: for each row a code into ``values`` (distinct, without null), or -1 where there is none."""

    codes: Codes
    values: pa.Array

    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return len(self.values) == 0


def encode(column: pa.Array | pa.ChunkedArray) -> Coded:
    """Code a text column by its distinct values; a dictionary array is taken over, its dictionary made distinct."""
    array = one_chunk(column) if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()).dictionary_encode()
        return Coded(_numbers(array.indices), array.dictionary)
    return distinct(_numbers(array.indices), array.dictionary.cast(pa.string()))


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    if column.num_chunks == 0:
        return pa.array([], column.type)
    try:
        return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
    except pa.ArrowInvalid:  # dictionaries that hold a null are not put together by Arrow
        return pa.concat_arrays([chunk.cast(pa.string()) for chunk in column.chunks])


def _numbers(indices: pa.Array) -> Codes:
    filled = indices.fill_null(MISSING) if indices.null_count else indices
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int32)


def recode(column: Coded, made: pa.Array) -> Coded:
    """The column that has ``made[i]`` where ``column`` has its value ``i``; equal results share one code."""
    if made.equals(column.values):  # nothing to change, as in most columns of numbers
        return column
    if made.null_count == len(made):
        return Coded(np.full(len(column.codes), MISSING, dtype=np.int32), pa.array([], made.type))
    return distinct(column.codes, made)


def distinct(codes: Codes, values: pa.Array) -> Coded:
    """The column with codes into ``values``, which may repeat themselves or be null, made to have distinct values."""
    again = values.dictionary_encode()
    return Coded(lookup(_numbers(again.indices), codes), again.dictionary)


def lookup(table: npt.NDArray[np.int32], codes: Codes) -> Codes:
    """``table[codes]``, with -1 staying -1."""
    if len(table) == 0:
        return np.full(len(codes), MISSING, dtype=np.int32)
    return np.append(table, np.int32(MISSING))[codes]


def to_arrow(column: Coded) -> pa.DictionaryArray:
    """The column as an Arrow dictionary array with int32 indices and a distinct, non-null dictionary."""
    there = column.codes >= 0
    bits = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little").tobytes())
    codes = pa.py_buffer(np.ascontiguousarray(column.codes))
    indices = pa.Array.from_buffers(pa.int32(), len(column.codes), [bits, codes])
    return pa.DictionaryArray.from_arrays(indices, column.values, safe=False)


def fill(first: Coded | None, second: Coded | None) -> Coded | None:
    """The first column's value, or the second's where the first has none."""
    if first is None or second is None or second.is_empty():
        return first if first is not None else second
    if first.is_empty():
        return second
    gaps = (first.codes < 0) & (second.codes >= 0)
    if not gaps.any():
        return first
    both = pa.concat_arrays([first.values, second.values]).dictionary_encode()
    table = _numbers(both.indices)
    codes = lookup(table[: len(first.values)], first.codes)
    codes[gaps] = table[len(first.values) :][second.codes[gaps]]
    return Coded(codes, both.dictionary)


def paired(first: Coded | None, second: Coded | None, separator: str) -> Coded | None:
    """Both columns' values with ``separator`` between them, only where both have one."""
    if first is None or second is None:
        return None
    rows = np.flatnonzero((first.codes >= 0) & (second.codes >= 0))
    pairs, which = distinct_pairs(first.codes[rows], second.codes[rows], len(second.values))
    text = pc.binary_join_element_wise(first.values.take(pairs[0]), second.values.take(pairs[1]), separator)
    codes = np.full(len(first.codes), MISSING, dtype=np.int32)
    codes[rows] = which
    return distinct(codes, text)


def join(first: Coded | None, second: Coded | None, separator: str) -> Coded | None:
    """Both columns' values with ``separator`` between them; either alone where the other is missing."""
    return fill(fill(paired(first, second, separator), first), second)


def within(column: Coded, rows: npt.NDArray[np.bool_]) -> Coded:
    """The column with only the given rows' values left."""
    return Coded(np.where(rows, column.codes, MISSING).astype(np.int32), column.values)


def distinct_pairs(left: Codes, right: Codes, width: int) -> tuple[tuple[Codes, Codes], Codes]:
    """The distinct pairs of two columns of codes (-1 allowed), and for each row which pair it has."""
    packed = pa.array((left.astype(np.int64) + 1) * (width + 1) + right + 1).dictionary_encode()
    keys = packed.dictionary.to_numpy()
    pairs = ((keys // (width + 1) - 1).astype(np.int32), (keys % (width + 1) - 1).astype(np.int32))
    return pairs, _numbers(packed.indices)


def choose(columns: Sequence[Coded], which: npt.NDArray[np.intp]) -> Coded:
    """For each row the value of ``columns[which[row]]``."""
    if len(columns) == 1:
        return columns[0]
    chosen: Coded | None = None
    for place, column in enumerate(columns):
        mine = Coded(np.where(which == place, column.codes, MISSING).astype(np.int32), column.values)
        chosen = fill(chosen, mine)
    assert chosen is not None
    return chosen


def mapped(column: Coded, answer: Callable[[str], str | None]) -> Coded:
    """The column with ``answer`` asked once for each distinct value."""
    return recode(column, pa.array([answer(value) for value in column.values.to_pylist()], pa.string()))
