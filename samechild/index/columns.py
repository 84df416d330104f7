"""Records' values as small numbers into lists of distinct values: three million records in half a gigabyte.

The numbers of one record lie side by side, so that reading it is one look at memory, and replacing it is one step that
no reader can see half of.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, getitem

import numpy as np
from numpy.typing import NDArray

from samechild.index.keying import Value, Values
from samechild.linkage.coded import Coded
from samechild.records import Record

CHUNK = 1 << 16
"""Rows lie in pieces of so many, so that making room moves nothing that is there."""


class Columns:
    """The values of rows under some columns. Code 0 is a missing value; a value's code is its place in its list."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.places = {name: place for place, name in enumerate(self.names)}
        self._record = attrgetter(*self.names)
        self._lists: list[list[Value]] = [[None] for _ in self.names]
        self._since: list[dict[Value, int]] = [{} for _ in self.names]
        self._chunks: list[NDArray[np.int32]] = []

    def __len__(self) -> int:
        """How many rows there is room for."""
        return len(self._chunks) * CHUNK

    def values(self, row: int) -> Values:
        """What a row holds, in the order of ``names``."""
        return tuple(map(getitem, self._lists, self._chunks[row // CHUNK][row % CHUNK].tolist()))

    def first(self, row: int, many: int) -> Values:
        """What a row holds in the first columns."""
        return tuple(map(getitem, self._lists, self._chunks[row // CHUNK][row % CHUNK, :many].tolist()))

    def value(self, row: int, place: int) -> Value:
        """What a row holds in one column."""
        return self._lists[place][int(self._chunks[row // CHUNK][row % CHUNK, place])]

    def values_of(self, record: Record) -> Values:
        """What a record that is not here holds, in the order of ``names``; empty is missing."""
        held = self._record(record) if len(self.names) > 1 else (self._record(record),)
        return tuple([value or None for value in held])

    def write(self, row: int, values: Values) -> None:
        """Let a row hold these values from now on, in one step."""
        codes = [0] * len(values)
        for place, value in enumerate(values):
            if value is None:
                continue
            code = self._since[place].get(value)
            if code is None:
                code = len(self._lists[place])
                self._lists[place].append(value)
                self._since[place][value] = code
            codes[place] = code
        self._chunks[row // CHUNK][row % CHUNK] = codes

    def clear(self, row: int) -> None:
        """Let a row hold nothing."""
        self._chunks[row // CHUNK][row % CHUNK] = 0

    def make_room(self, rows: int) -> None:
        """Have room for so many rows in all."""
        while len(self) < rows:
            self._chunks.append(np.zeros((CHUNK, len(self.names)), np.int32))

    def take_over(self, name: str, column: Coded, start: int) -> None:
        """Write a whole column of new rows, from row ``start`` on."""
        place = self.places[name]
        listed = self._lists[place]
        first = len(listed)
        if column.is_list:
            listed.extend([tuple(value) if value else None for value in column.values.to_pylist()])
        else:
            listed.extend([value or None for value in column.values.to_pylist()])
        codes = np.where(column.codes < 0, np.int32(0), column.codes + np.int32(first))
        done = 0
        while done < len(codes):
            number, within = divmod(start + done, CHUNK)
            part = codes[done : done + CHUNK - within]
            self._chunks[number][within : within + len(part), place] = part
            done += len(part)
