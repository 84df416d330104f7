"""Columns of codes: each distinct value once, each record a small number that points to it.

Comparing a million records means comparing the same few thousand names again and again. Working on codes makes
equality a comparison of integers, and a fuzzy comparison something that is done once for each *pair of values*.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

MISSING = np.int32(-1)


class Coded:
    """One column: ``codes`` (int32 for each record, -1 where missing) into ``values`` (each distinct value once)."""

    def __init__(self, codes: Codes, values: pa.Array) -> None:
        self.codes = codes
        self.values = values
        self.numbers: dict[str, NDArray[np.int64]] = {}  # parts of the values read as whole numbers
        self.membership: Any = None  # which members each distinct list holds, once worked out
        self.made: dict[str, Any] = {}  # columns worked out from this one, remembered

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def is_list(self) -> bool:
        """Whether each value is itself a list of values."""
        return bool(pa.types.is_list(self.values.type) or pa.types.is_large_list(self.values.type))

    @cached_property
    def is_ascii(self) -> bool:
        """Whether no text of the column has a letter outside ASCII."""
        return bool(pc.all(pc.string_is_ascii(self.values)).as_py() is not False)

    @cached_property
    def empty(self) -> int | None:
        """The code of the empty text, where the column holds one."""
        place = -1 if self.is_list else pc.index(self.values, pa.scalar("", self.values.type)).as_py()
        return None if place < 0 else int(place)

    @cached_property
    def distinct(self) -> list[Any]:
        """The distinct values as Python objects."""
        return list(self.values.to_pylist())

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many records hold each distinct value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values)).astype(np.int64)

    @cached_property
    def exploded(self) -> tuple[NDArray[np.int32], NDArray[np.int64], pa.Array]:
        """For a list column: (code of each element, -1 for none; offsets by value code; the elements' values)."""
        members = self.values.flatten().dictionary_encode()
        offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(self.values).to_numpy())])
        return (
            members.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32),
            offsets.astype(np.int64),
            members.dictionary,
        )


class CodedTable:
    """The standardised records as coded columns, all of one length."""

    def __init__(self, columns: dict[str, Coded], rows: int) -> None:
        self.columns = columns
        self.rows = rows

    def __getitem__(self, name: str) -> Coded:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns


def code_column(array: pa.ChunkedArray | pa.Array) -> Coded:
    """Turn an Arrow column (dictionary or plain, text or list) into codes."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    if not pa.types.is_dictionary(array.type):
        array = _encode(array)
    codes = array.indices
    if codes.null_count:
        codes = codes.fill_null(-1)
    return Coded(codes.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), array.dictionary)


def _encode(array: pa.Array) -> pa.DictionaryArray:
    if not pa.types.is_list(array.type):
        return array.dictionary_encode()
    known: dict[tuple[Any, ...], int] = {}
    codes = [None if each is None else known.setdefault(tuple(each), len(known)) for each in array.to_pylist()]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(map(list, known), array.type))


def code_table(table: pa.Table, names: Iterable[str]) -> CodedTable:
    """Code the named columns of a table; names the table lacks are left out."""
    present = [name for name in dict.fromkeys(names) if name in table.column_names]
    return CodedTable({name: code_column(table.column(name)) for name in present}, table.num_rows)
