"""Which rows hold a key: the lists behind finding candidates and searching, held in sorted arrays in memory.

Half a hundred kinds of key for three million records are too many for Python objects. The bulk lies in arrays sorted
by key; what came or went since lies in small dictionaries beside them, and is merged in when it has grown. Several
threads may read while one writes: what they read is never half done, at worst a moment old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Rows = NDArray[np.int32]

MASK = (1 << 64) - 1
"""Keys are whole numbers from 0 to this."""

LEAST_TO_MERGE = 50_000
"""Changes are merged when there are more than this many, and more than one for each sixteen entries there are."""

NO_ROWS: Rows = np.zeros(0, np.int32)


class _Run:
    """Entries sorted by key, then row, never changed: each distinct key once, and where its rows begin.

    ``first`` says, for the leading bits of a key, where such keys begin, so that a look-up walks over one or two.
    """

    __slots__ = ("_first", "_keys", "_shift", "_starts", "keys", "rows", "starts")

    def __init__(self, keys: Keys, rows: Rows) -> None:
        begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.int64)
        self.keys: Keys = keys[begins]
        self.starts = np.append(begins, len(keys)).astype(np.uint32)
        self.rows = rows
        bits = max(1, len(self.keys).bit_length())
        self._shift = 64 - bits
        leading = (self.keys >> np.uint64(self._shift)).astype(np.int64)
        first = np.zeros((1 << bits) + 1, np.uint32)
        np.cumsum(np.bincount(leading, minlength=1 << bits), out=first[1:])
        self._first: Sequence[int] = first.data
        self._keys: Sequence[int] = self.keys.data
        self._starts: Sequence[int] = self.starts.data

    def span(self, key: int) -> tuple[int, int]:
        """Where a key's rows begin and end; the same place twice when it has none."""
        at = key >> self._shift
        place, end, keys = self._first[at], self._first[at + 1], self._keys
        while place < end:
            if keys[place] == key:
                return self._starts[place], self._starts[place + 1]
            place += 1
        return 0, 0

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many rows each distinct key has."""
        return cast(NDArray[np.int64], np.diff(self.starts.astype(np.int64)))


class _State(NamedTuple):
    """What is there at one moment: the merged entries, and what came and went since."""

    run: _Run
    came: dict[int, int | dict[int, None]]
    gone: dict[int, set[int]]


class Postings:
    """The rows that hold each key, kept up to date, with the number of pairs that blocks would make.

    A block of more than ``largest`` rows makes no pairs (:func:`samechild.linkage.reference.usable_blocks`). Callers
    add an entry once, remove only what is there, and write from one thread at a time.
    """

    def __init__(self, largest: int = 0) -> None:
        self.largest = largest
        self.pairs = 0
        self._changes = 0
        self._entries = 0
        self._state = _State(_Run(np.zeros(0, np.uint64), NO_ROWS), {}, {})

    def __len__(self) -> int:
        """How many entries there are, a row counted once for each of its keys."""
        return self._entries

    def size(self, key: int) -> int:
        """How many rows hold a key."""
        run, came, gone = self._state
        start, end = run.span(key)
        return end - start + _count(came.get(key)) - (len(gone.get(key, ())) if gone else 0)

    def rows(self, key: int) -> list[int]:
        """The rows that hold a key, in no promised order."""
        return self.few(key, len(self) + 1) or []

    def few(self, key: int, most: int) -> list[int] | None:
        """The rows that hold a key, in no promised order; None when they are more than ``most``."""
        run, came, gone = self._state
        start, end = run.span(key)
        new = came.get(key) if came else None
        left = gone.get(key) if gone else None
        if end - start + _count(new) - _count(left) > most:
            return None
        found: list[int] = run.rows[start:end].tolist() if end > start else []
        if left:
            found = [row for row in found if row not in left]
        if new is not None:
            found += [new] if isinstance(new, int) else list(new)
        return found

    def arrays(self, key: int) -> list[Rows]:
        """The rows that hold a key, as int32 arrays, each ascending and none empty, that must not be written to."""
        run, came, gone = self._state
        start, end = run.span(key)
        new = came.get(key) if came else None
        if new is None and start == end:
            return []
        found = run.rows[start:end]
        left = gone.get(key) if gone else None
        if left:
            found = np.delete(found, np.searchsorted(found, np.fromiter(left.copy(), np.int32)))
        if new is None:
            return [found] if len(found) else []
        more = np.array([new] if isinstance(new, int) else sorted(new), np.int32)
        return [found, more] if len(found) else [more]

    def add(self, key: int, row: int) -> None:
        """Let a row hold a key that it did not hold."""
        if self.largest:
            size = self.size(key)
            if size < self.largest:
                self.pairs += size
            elif size == self.largest:
                self.pairs -= size * (size - 1) // 2
        _, came, gone = self._state
        self._entries += 1
        if gone and key in gone and row in gone[key]:
            gone[key].discard(row)
            return
        there = came.get(key)
        if there is None:
            came[key] = row
        elif isinstance(there, int):
            came[key] = {there: None, row: None}
        else:
            there[row] = None
        self._changed()

    def remove(self, key: int, row: int) -> None:
        """Let a row no longer hold a key that it held."""
        if self.largest:
            size = self.size(key)
            if size <= self.largest:
                self.pairs -= size - 1
            elif size == self.largest + 1:
                self.pairs += self.largest * (self.largest - 1) // 2
        _, came, gone = self._state
        self._entries -= 1
        there = came.get(key) if came else None
        if isinstance(there, dict) and row in there:
            del there[row]
        elif there == row:
            del came[key]
        else:
            gone.setdefault(key, set()).add(row)
            self._changed()

    def extend(self, keys: Keys, rows: Rows) -> None:
        """Add many entries at once: ``keys`` (uint64) and ``rows`` (int32) side by side, none of them there yet."""
        run = self._merged()
        order = np.argsort(keys, kind="stable")
        if len(rows) and (rows[1:] < rows[:-1]).any():
            order = np.lexsort((rows, keys))
        self._state = _State(_joined(run, keys[order], rows[order]), {}, {})
        self._entries = len(self._state.run.rows)
        self._changes = 0
        sizes = self._state.run.sizes
        sizes = sizes[sizes <= self.largest]
        self.pairs = int((sizes * (sizes - 1) // 2).sum())

    def settle(self) -> None:
        """Merge what came and went since; done by itself when it has grown."""
        self._state = _State(self._merged(), {}, {})
        self._changes = 0

    def _changed(self) -> None:
        self._changes += 1
        if self._changes > LEAST_TO_MERGE and self._changes * 16 > self._entries:
            self.settle()

    def _merged(self) -> _Run:
        run, came, gone = self._state
        if not came and not any(gone.values()):
            return run
        if any(gone.values()):
            stays = np.ones(len(run.rows), bool)
            for key, left in gone.items():
                start, end = run.span(key)
                stays[start:end] &= ~np.isin(run.rows[start:end], np.fromiter(left, np.int32))
            run = _Run(np.repeat(run.keys, run.sizes)[stays], run.rows[stays])
        new = [(key, row) for key, held in came.items() for row in ([held] if isinstance(held, int) else held)]
        keys = np.fromiter((key for key, _ in new), np.uint64, len(new))
        rows = np.fromiter((row for _, row in new), np.int32, len(new))
        order = np.lexsort((rows, keys))
        return _joined(run, keys[order], rows[order])


def _count(held: Any) -> int:
    return 0 if held is None else 1 if isinstance(held, int) else len(held)


def _joined(run: _Run, keys: Keys, rows: Rows) -> _Run:
    """A run with more entries, which are in order themselves."""
    if not len(run.rows):
        return _Run(keys, rows)
    if not len(rows):
        return run
    keys = np.concatenate([np.repeat(run.keys, run.sizes), keys])
    rows = np.concatenate([run.rows, rows])
    order = np.lexsort((rows, keys))
    return _Run(keys[order], rows[order])
