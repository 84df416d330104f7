"""One space's records in memory, so that a child is found in a blink: never on disk, rebuilt from the vault at start.

Every record's values are small numbers into lists of distinct values; which records share a key lies in sorted arrays
(:mod:`samechild.index.postings`). The engine finds candidates by the keys of the model's blocking rules, a person by
what :mod:`samechild.index.searching` looks up; what a mark hides of a record is not among the latter at all, so that
neither the answer of a search nor its work tells of it.

One thread writes at a time, any number read beside it: a record's values are replaced in one step. A row belongs to
one record for as long as the copy lives. A value that no record holds any more is forgotten when the copy is next
filled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from threading import RLock
from typing import cast

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.errors import Invalid, Missing
from samechild.index.columns import Columns
from samechild.index.filling import Texts, coded, hashes_of, post
from samechild.index.keying import (
    Value,
    Values,
    joined,
    key_of,
    rules_of,
    search_parts,
    with_made,
)
from samechild.index.postings import NO_ROWS, Postings, Rows
from samechild.index.spelling import Spelling
from samechild.linkage.coded import Coded, code_column
from samechild.linkage.model import BlockingRule
from samechild.records import Record

MOST_NEAR = 500
"""Candidates found for one record at the most; the largest blocks are left out first, and said."""

MOST_KEYS = 200
"""Keys of one rule that are looked up for one record; more only come from a record that holds a crowd of names."""

NOBODY = -1
"""The child number of a row whose record was dropped."""

NAME_FIELDS = {"forename": True, "known_as": True, "middle_names": True, "surname_parts": False}
"""The fields whose words are names, and whether they are given names."""


class Near(msgspec.Struct, frozen=True):
    """Rows that share a key with a record, those of the smallest blocks first; ``cut`` names rules not looked at whole.

    A block is left out when it holds more than the model's largest block, or no longer fits into :data:`MOST_NEAR`.
    """

    rows: list[int]
    cut: tuple[str, ...] = ()


class SpaceCopy:
    """The records of one space: their values, owners and children, and what they are found by."""

    def __init__(self, columns: Sequence[str], blocking: Sequence[BlockingRule], largest_block: int) -> None:
        """An empty copy. Raises :class:`~samechild.errors.Invalid` when no blocking rule can be used with the columns.

        Args:
            columns: fields of :class:`~samechild.records.Record`, in the order in which values are wanted; without
                those of :data:`samechild.index.keying.SEARCH_COLUMNS` not everything can be searched by.
            blocking: the model's blocking rules; those that need other columns are passed over.
            largest_block: a block of more records brings no candidates.
        """
        self.columns = tuple(columns)
        self.largest_block = largest_block
        self.places = places = {name: place for place, name in enumerate(self.columns)}
        self._parts, self._rules = rules_of(_usable(blocking, places), places)
        self._searched = search_parts(places)
        self._blocks = [Postings(largest_block if rule.most_pairs is not None else 0) for rule in self._rules]
        self.found_by = {searched.name: Postings() for searched, _ in self._searched}
        self._postings = [*self._blocks, *self.found_by.values()]
        self.words = Spelling()
        self._held = Columns(self.columns)
        self._child_of: NDArray[np.int32] = np.zeros(0, np.int32)
        self._owner_of: NDArray[np.int32] = np.zeros(0, np.int32)
        self._source_of: NDArray[np.int32] = np.zeros(0, np.int32)
        self._record_keys: NDArray[np.bytes_] = np.zeros(0, "S32")
        self._children: list[str] = []
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._by_key, self._by_child = Postings(), Postings()
        self._rows = self._dropped = self._child_count = 0
        self._hidden: dict[str, frozenset[str]] = {}
        self._hidden_rows: dict[int, frozenset[str]] = {}
        self.spare_marks: deque[NDArray[np.uint8]] = deque(maxlen=8)  # noughts for searches at work, one for each row
        self._writing = RLock()

    # --- reading ------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many records there are."""
        return self._rows - self._dropped

    @property
    def children(self) -> int:
        """How many children have at least one record."""
        return self._child_count

    def values(self, row: int) -> Values:
        """What a record holds, in the order of ``columns``; everything None once it was dropped."""
        return self._held.values(row)

    def first(self, row: int, many: int) -> Values:
        """What a record holds in the first of ``columns``; everything None once it was dropped."""
        return self._held.first(row, many)

    def searchable(self, row: int) -> Values:
        """What a record holds, without what is hidden from search."""
        values = self.values(row)
        hidden = self._hidden_rows.get(row)
        if not hidden:
            return values
        return tuple(None if name in hidden else value for name, value in zip(self.columns, values, strict=True))

    def row_of(self, record_key: str) -> int | None:
        """The row of a record; None when it is not in this space."""
        for row in self._by_key.rows(key_of(record_key)):
            if self.record_key(row) == record_key:
                return row
        return None

    def record_key(self, row: int) -> str:
        """The opaque key of a row's record."""
        return bytes(self._record_keys[row]).decode()

    def child(self, row: int) -> str:
        """The child a row's record is of; empty once it was dropped."""
        number = int(self._child_of[row])
        return "" if number == NOBODY else self._children[number]

    def members(self, child: str) -> list[int]:
        """The rows of a child's records, ascending; none for a child that is not here."""
        return sorted(row for row in self._by_child.rows(key_of(child)) if self.child(row) == child)

    def owner(self, row: int) -> str:
        """The organisation whose record it is."""
        return self._names[int(self._owner_of[row])]

    def source(self, row: int) -> str:
        """The file or system the record came from."""
        return self._names[int(self._source_of[row])]

    def child_numbers(self, rows: Rows) -> NDArray[np.int32]:
        """For many rows at once a number for each one's child, -1 when dropped; equal numbers are one child."""
        return self._child_of[rows]

    def owned_by(self, rows: Rows, owner: str) -> NDArray[np.bool_]:
        """For many rows at once, whether each is an organisation's record."""
        return cast(NDArray[np.bool_], self._owner_of[rows] == self._numbers.get(owner, NOBODY - 1))

    def value(self, row: int, field: str) -> Value:
        """What a record holds in one field, None when it is hidden from search or not kept here."""
        place = self.places.get(field)
        if place is None or field in self._hidden_rows.get(row, ()):
            return None
        return self._held.value(row, place)

    def values_of(self, record: Record) -> Values:
        """What a record that is not here holds, in the order of ``columns``: to ask :meth:`near` with."""
        return self._held.values_of(record)

    def near(self, values: Values) -> list[int]:
        """The rows that may be of the same child as a record with these values; :meth:`around` says what was cut."""
        return self.around(values).rows

    def around(self, values: Values, most: int = MOST_NEAR) -> Near:
        """Find the rows that share a key of a usable blocking rule with given values, strongest evidence first.

        The record's own row is among them when it is here. A rule that would bring more than its ``most_pairs`` in
        this space is not used at all (:meth:`closed`). Small blocks come first, because a key that few hold says most.

        Raises :class:`~samechild.errors.Invalid` when the values are not in the order of ``columns``.
        """
        if len(values) != len(self.columns):
            raise Invalid("Give the values in the order of the copy's columns: values_of(record) does.")
        hashed = [part.hashes(values[part.column]) for part in self._parts]
        blocks: list[tuple[int, int, list[int]]] = []
        cut: list[str] = []
        for number, (name, parts, most_pairs) in enumerate(self._rules):
            postings = self._blocks[number]
            keys = joined([hashed[part] for part in parts])
            if not keys or (most_pairs is not None and postings.pairs > most_pairs):
                continue
            for key in keys[:MOST_KEYS]:
                rows = postings.few(key, self.largest_block)
                if rows is None:
                    cut.append(name)
                elif rows:
                    blocks.append((len(rows), number, rows))
            if len(keys) > MOST_KEYS:
                cut.append(name)
        blocks.sort()
        found: dict[int, None] = {}
        for size, number, rows in blocks:
            if len(found) + size > most and len(found) + sum(row not in found for row in rows) > most:
                cut.append(self._rules[number].name)
            else:
                found.update(dict.fromkeys(rows))
        return Near(list(found), tuple(dict.fromkeys(cut)))

    def closed(self) -> tuple[str, ...]:
        """The rules that are not used, because they would bring more pairs in this space than the model lets them."""
        return tuple(
            rule.name
            for rule, postings in zip(self._rules, self._blocks, strict=True)
            if rule.most_pairs is not None and postings.pairs > rule.most_pairs
        )

    # --- one record at a time -----------------------------------------------------------------------------------------

    def put(self, record_key: str, owner: str, source: str, record: Record, child: str) -> int:
        """Add a record, or replace what is known of it; returns its row. What a mark hides of it stays hidden."""
        values = self.values_of(record)
        with self._writing:
            row = self.row_of(record_key)
            if row is None:
                row = self._rows
                self._make_room(1, len(record_key.encode()))
                self._record_keys[row] = record_key.encode()
                if record_key in self._hidden:
                    self._hidden_rows[row] = self._hidden[record_key]
                before: set[tuple[int, int]] = set()
                self._child_of[row] = NOBODY
                self._rows = row + 1
                known = False
            else:
                before, known = self._entries(self.values(row), row), True
            self._held.write(row, values)
            self._owner_of[row], self._source_of[row] = self._name(owner), self._name(source)
            self._learn(values)
            self._belong(row, child)
            self._replace(row, before, self._entries(values, row))
            if not known:
                self._by_key.add(key_of(record_key), row)
            return row

    def drop(self, record_key: str) -> None:
        """Forget a record. Raises :class:`~samechild.errors.Missing` when it is not here."""
        with self._writing:
            row = self._there(record_key)
            self._by_key.remove(key_of(record_key), row)
            self._replace(row, self._entries(self.values(row), row), set())
            self._belong(row, "")
            self._held.clear(row)
            self._record_keys[row] = b""
            self._hidden_rows.pop(row, None)
            self._dropped += 1

    def move(self, record_key: str, child: str) -> None:
        """Let a record be of another child. Raises :class:`~samechild.errors.Missing` when it is not here."""
        with self._writing:
            self._belong(self._there(record_key), child)

    def hide(self, record_key: str, fields: Collection[str]) -> None:
        """From now on a search finds a record by none of these fields, or what is made from them; none: hide nothing.

        It may be said before the record is put here. :meth:`near` still finds it: that is for the engine alone.
        """
        hidden = with_made(frozenset(fields))
        with self._writing:
            row = self.row_of(record_key)
            before = set() if row is None else self._entries(self.values(row), row)
            self._hidden[record_key] = hidden
            if row is not None:
                self._hidden_rows[row] = hidden
            if not hidden:
                del self._hidden[record_key]
                self._hidden_rows.pop(-1 if row is None else row, None)
            if row is not None:
                self._replace(row, before, self._entries(self.values(row), row))

    def hidden_keys(self) -> set[str]:
        """The records of which something is hidden from search."""
        return set(self._hidden)

    def with_value(self, field: str, value: Value) -> list[int]:
        """The rows that hold a value in a field that is searched by; a hidden field finds nothing."""
        at = self.places[field]
        found: set[int] = set()
        for searched, part in self._searched:
            if searched.field == field:
                for key in part.hashes(value):
                    found.update(self.found_by[searched.name].rows(key))
        return sorted(row for row in found if self.values(row)[at] == value)

    def _there(self, record_key: str) -> int:
        row = self.row_of(record_key)
        if row is None:
            raise Missing("This record is not in the space; look again at the index.")
        return row

    def _entries(self, values: Values, row: int) -> set[tuple[int, int]]:
        """Every (number of the postings, key) under which a record with these values is to be found."""
        hashed = [part.hashes(values[part.column]) for part in self._parts]
        found = {
            (number, key)
            for number, (_, parts, _) in enumerate(self._rules)
            for key in joined([hashed[part] for part in parts])
        }
        hidden = self._hidden_rows.get(row, ())
        for number, (searched, part) in enumerate(self._searched, len(self._rules)):
            value = values[part.column]
            if value is not None and searched.field not in hidden:
                found.update([(number, key) for key in part.hashes(value)])
        return found

    def _replace(self, row: int, before: set[tuple[int, int]], after: set[tuple[int, int]]) -> None:
        postings = self._postings
        for number, key in before - after if before else ():
            postings[number].remove(key, row)
        for number, key in after - before if before else after:
            postings[number].add(key, row)

    def _learn(self, values: Values) -> None:
        """Know the names of a record, so that a slip in one of them is forgiven."""
        for name, single in NAME_FIELDS.items():
            held = values[self.places[name]] if name in self.places else None
            for word in (held.split() if isinstance(held, str) else held) or ():
                self.words.add(word, surname=not single)

    def _belong(self, row: int, child: str) -> None:
        """Let a row be of a child (of nobody when empty)."""
        before = self.child(row)
        if child == before:
            return
        number = NOBODY
        if child:
            key = key_of(child)
            others = self.members(child)
            number = int(self._child_of[others[0]]) if others else len(self._children)
            if not others:
                self._children.append(child)
                self._child_count += 1
            self._by_child.add(key, row)
        self._child_of[row] = number
        if before:
            self._by_child.remove(key_of(before), row)
            self._child_count -= not self.members(before)

    def _name(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
        return number

    def _make_room(self, rows: int, key_width: int) -> None:
        """Have room for more rows, and for record keys of so many bytes."""
        if key_width > self._record_keys.itemsize:
            self._record_keys = self._record_keys.astype(f"S{key_width}")
        self._held.make_room(self._rows + rows)
        more = len(self._held) - len(self._child_of)
        if more > 0:
            nobody = np.full(more, NOBODY, np.int32)
            self._record_keys = np.concatenate([self._record_keys, np.zeros(more, self._record_keys.dtype)])
            self._child_of = np.concatenate([self._child_of, nobody])
            self._owner_of = np.concatenate([self._owner_of, nobody])
            self._source_of = np.concatenate([self._source_of, nobody])

    # --- many at once -------------------------------------------------------------------------------------------------

    def fill(self, table: pa.Table, record_keys: Texts, owners: Texts, sources: Texts, children: Texts) -> None:
        """Add many records that are not here yet, from standardised columns; what the table lacks is missing.

        Args:
            table: standardised records (:func:`samechild.demographics.standardise.standardise`), one for each row.
            record_keys: their opaque keys.
            owners: the organisations whose they are.
            sources: the files or systems they came from.
            children: the children they are of.

        Raises:
            Invalid: when the columns are of different lengths, or a record key is here already or stands there twice.
        """
        keys, owned, came, of = (coded(each) for each in (record_keys, owners, sources, children))
        if any(len(each) != table.num_rows or (each.codes < 0).any() for each in (keys, owned, came, of)):
            raise Invalid("To fill the copy give one record key, owner, source and child for each row of the table.")
        with self._writing:
            if len(keys.values) != len(keys) or (len(self) and any(map(self._is_there, keys.distinct))):
                raise Invalid("A record stands twice in what the copy is to be filled with; each has one row.")
            columns = {name: code_column(table[name]) for name in self.columns if name in table.column_names}
            rows = np.arange(self._rows, self._rows + len(keys), dtype=np.int32)
            packed = np.array([key.encode() for key in keys.distinct], "S")[keys.codes]
            self._make_room(len(rows), max(packed.itemsize, 1))
            self._record_keys[rows] = packed
            self._owner_of[rows], self._source_of[rows] = self._names_in_bulk(owned), self._names_in_bulk(came)
            for name, column in columns.items():
                self._held.take_over(name, column, self._rows)
            self._rows += len(rows)
            self._by_key.extend(hashes_of(keys), rows)
            there = ((self.row_of(key), fields) for key, fields in self._hidden.items())
            self._hidden_rows = {row: fields for row, fields in there if row is not None}
            self._belong_in_bulk(of, rows)
            self._post_in_bulk(columns, rows)

    def _is_there(self, record_key: str) -> bool:
        return self.row_of(record_key) is not None

    def _names_in_bulk(self, names: Coded) -> NDArray[np.int32]:
        return np.array([self._name(name) for name in names.distinct], np.int32)[names.codes]

    def _belong_in_bulk(self, children: Coded, rows: Rows) -> None:
        """Let new rows be of their children."""
        members = [self.members(child) for child in children.distinct] if self._child_count else []
        numbers = np.arange(len(self._children), len(self._children) + len(children.values), dtype=np.int32)
        for place, found in enumerate(members):
            if found:
                numbers[place] = self._child_of[found[0]]
        self._children.extend(children.distinct)
        self._child_count += len(children.values) - sum(map(bool, members))
        self._child_of[rows] = numbers[children.codes]
        self._by_child.extend(hashes_of(children), rows)

    def _post_in_bulk(self, columns: dict[str, Coded], rows: Rows) -> None:
        """Let new rows be found: by the keys of the rules, and by what people search by."""
        wanted = [
            (postings, [self._parts[part] for part in rule.parts], NO_ROWS)
            for postings, rule in zip(self._blocks, self._rules, strict=True)
        ]
        for searched, part in self._searched:
            hidden = [row for row, fields in self._hidden_rows.items() if searched.field in fields]
            wanted.append((self.found_by[searched.name], [part], np.array(hidden, np.int32)))
        post([columns.get(name) for name in self.columns], wanted, rows)
        for name, single in NAME_FIELDS.items():
            if name in columns:
                texts = columns[name].values if single else columns[name].exploded[2]
                words = (word for text in texts.to_pylist() for word in (text or "").split())
                self.words.extend(words, surname=not single)


def _usable(blocking: Sequence[BlockingRule], columns: Collection[str]) -> list[BlockingRule]:
    usable = [rule for rule in blocking if all(part.column in columns for part in rule.parts)]
    if not usable:
        raise Invalid("No blocking rule of the model can be used with the fields of this space; use another model.")
    return usable
