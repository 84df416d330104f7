"""The index in memory: every record of a space ready to be compared and searched, never more than a commit behind.

The vault is the truth. What is here was opened from it, stays in the memory of this process, and is brought up to date
from the events before every use; what another process wrote is noticed by the number of its newest event. What is
found here tells nobody anything until the gate has decided.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from os import urandom
from threading import Lock, RLock

import msgspec
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from samechild.demographics.standardise import standardise
from samechild.errors import Invalid, Missing
from samechild.index import review_store as questions
from samechild.index import store as tables
from samechild.index.copy import SpaceCopy
from samechild.index.keeping import standardised
from samechild.index.keying import SEARCH_COLUMNS
from samechild.index.models import opened_model
from samechild.index.numbers import SUPERSEDED, speaks_for
from samechild.index.records import Event, Kind, Space
from samechild.keys.register import Purpose
from samechild.keys.seal import place
from samechild.linkage.bulk import lines_of
from samechild.linkage.compiled import Prepared
from samechild.linkage.expectations import Expectations, Sighted, counted, sighted
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.matching import Matcher
from samechild.linkage.model import Model
from samechild.policy.identities import Who, who_they_are
from samechild.policy.relationship_actions import SEALED as SEALED_MARK
from samechild.policy.relationship_actions import marks_held
from samechild.records import Record, fields
from samechild.storage import Login, Store

MEMORY = "index.live"
NUMBER_TOKEN = "index.number"
MOST_QUESTIONS = 1_000_000
"""More open questions than this nobody will ever answer."""
Progress = Callable[[str, float], None]


def in_silence(words: str, share: float) -> None:
    """Tell nobody how far the work has come."""


class Live:
    """One space in memory: its copy, what weighs a pair, the rulings, and how far the events are followed."""

    def __init__(self, store: Store, space: Space, model: Model, frequencies: Mapping[str, Frequencies]) -> None:
        self.lock = RLock()  # held by whoever writes in this process
        self.spoilt = False  # something went wrong half-way: what is here may be ahead of what was committed
        self.space = space
        self.model = model
        self.limits = lines_of(model)
        self.matcher = Matcher(model, frequencies)
        columns = (*self.matcher.columns, *(name for name in SEARCH_COLUMNS if name not in self.matcher.columns))
        self.copy = SpaceCopy(columns, model.blocking, model.largest_block)
        self.expectations = Expectations()
        self.number = 0
        self.lines: dict[tuple[str, str], str] = {}  # rulings, numbers and seals; children that are not simply live
        self.apart: dict[str, str] = {}  # the rulings among the lines, by token
        self.asked: dict[str, set[str]] = {}  # children with whom a question about a child is or was open
        self._numbered: set[str] = set()  # tokens of numbers that have to do with another, or with one child only
        self._store = store
        self._marks = ""
        self._compared = len(self.matcher.columns)
        self._year = self.copy.places.get("birth_year", -1)
        self._places = [field.name for field in fields().values() if field.location]

    # --- being brought up to date -------------------------------------------------------------------------------------

    def fill(self, connection: sa.Connection, today: date, progress: Progress = in_silence) -> None:
        """Read the whole space from the vault, in a transaction of the caller's."""
        here = self.space.space
        self.number = tables.newest(connection)
        self.lines = tables.every_line(connection, here)
        self.lines |= {
            ("child", child): state for child, state in tables.every_child(connection, here).items() if state != "live"
        }
        self._numbered = numbers_named(self.lines)
        self.apart = {key: value for (what, key), value in self.lines.items() if what == "apart"}
        members = {row[0]: row for row in tables.every_member(connection, here)}
        parts: list[pa.Table] = []
        keys: list[str] = []
        for some in who_they_are(self._store, connection, list(members)):
            keys += [who.record_key for who in some]
            parts.append(_given(some, members, len(keys) - len(some)))
            progress(f"opening {len(members):,} records", 0.8 * len(keys) / max(len(members), 1))
        if not keys:
            return
        made = standardise(pa.concat_tables(parts, promote_options="default"), today=today).table
        whose = [members[key] for key in keys]
        made = self._with_numbers_as_read(made, [row[3] for row in whose])
        progress("laying them out", 0.85)
        self.copy.fill(made, keys, [row[1] for row in whose], [row[2] for row in whose], [row[3] for row in whose])
        self._count_all(made, [source_of(row[1], row[2]) for row in whose], [row[3] for row in whose])
        for what, key in self.lines:
            if what == "sealed":
                self.copy.hide(key, self.copy.columns)
        for each in questions.open_in(connection, here, MOST_QUESTIONS):
            self.ask(each.asked.child, each.asked.other_child)
        progress("ready", 1.0)

    def _count_all(self, made: pa.Table, sources: Sequence[str], children: Sequence[str]) -> None:
        """Count which sources see which children, of what age."""
        if self._year < 0 or "birth_year" not in made.column_names:
            return
        names, of_source = np.unique(np.array(sources), return_inverse=True)
        _, of_child = np.unique(np.array(children), return_inverse=True)
        years = made["birth_year"].combine_chunks()
        codes = years.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self.expectations = counted(
            of_child, of_source.astype(np.int32), codes.astype(np.int32), names.tolist(), years.dictionary.to_pylist()
        )

    def catch_up(self, store: Store, now: datetime) -> None:
        """Follow what was committed since the last use, by this process or another."""
        with self.lock, store.read(Login.INDEX) as connection:
            self.follow(connection, now)

    def follow(self, connection: sa.Connection, now: datetime) -> None:
        """Follow the events, in a transaction of the caller's, who holds the lock."""
        if tables.newest(connection) == self.number:
            return
        while events := tables.events_after(connection, self.number):
            here = [event for event in events if event.space == self.space.space]
            if here:
                self._take(connection, here, now)
            self.number = events[-1].number

    def _take(self, connection: sa.Connection, events: Sequence[Event], now: datetime) -> None:
        child_of: dict[str, str] = {}
        changed: set[str] = set()
        for event in events:
            for change in event.changes:
                if change.what == "member":
                    child_of[change.key] = change.after
                else:
                    self.note(change.what, change.key, change.after)
            changed |= {str(key) for key in event.why.get("records", ())}
            for other in event.why.get("asked", ()):
                self.ask(event.child, str(other))
            if "model" in event.why:
                self.spoilt = True  # what weighs a pair is another now: the space is read anew
            if event.kind is Kind.RENUMBER:
                changed |= self._holding(event)
        for key, child in child_of.items():
            if not child:
                self.drop(key)
            elif self.copy.row_of(key) is not None:
                self.move(key, child)
            else:
                changed.add(key)
        if not changed:
            return
        rows = tables.records_by_key(connection, sorted(changed))
        where = tables.children_of(connection, self.space.space, sorted(changed))
        for some in who_they_are(self._store, connection, sorted(where.keys() & rows.keys())):
            for who in some:
                row, child = rows[who.record_key], where[who.record_key]
                self.put(who.record_key, row.owner, row.source, standardised(who.values, now.date()), child)

    def marks_up_to_date(self, now: datetime) -> None:
        """Hide from the search whom a mark hides by now; the gate looks once more at whatever is found."""
        stamp, marks = marks_held(self._store, now, self._marks)
        if marks is None:
            return
        with self.lock:
            hidden = {
                key: (self.copy.columns if SEALED_MARK in its else self._places)
                for key, its in marks.items()
                if {SEALED_MARK, "shielded"} & its
            }
            hidden |= {key: self.copy.columns for what, key in self.lines if what == "sealed"}
            for key in self.copy.hidden_keys() - hidden.keys():
                self.copy.hide(key, ())
            for key, names in hidden.items():
                self.copy.hide(key, names)
            self._marks = stamp

    # --- being changed: by whoever writes, or follows -----------------------------------------------------------------

    def note(self, what: str, key: str, after: str) -> None:
        """Take over one line that is no member."""
        if after and (what, after) != ("child", "live"):
            self.lines[what, key] = after
        else:
            self.lines.pop((what, key), None)
        if what == "number":
            self._numbered = numbers_named(self.lines)
        elif what == "apart" and after:
            self.apart[key] = after
        elif what == "apart":
            self.apart.pop(key, None)
        elif what == "sealed":
            self.copy.hide(key, self.copy.columns if after else ())

    def put(self, record_key: str, owner: str, source: str, record: Record, child: str) -> None:
        """Take over a record that is new or says something else."""
        with self.lock:
            row = self.copy.row_of(record_key)
            before = {child, "" if row is None else self.copy.child(row)} - {""}
            was = [self.seen(each) for each in before]
            self.copy.put(record_key, owner, source, self.as_read(record, child), child)
            self._count_again(was, before)

    def move(self, record_key: str, child: str) -> None:
        """Let a record be of another child."""
        with self.lock:
            row = self.copy.row_of(record_key)
            before = {child, "" if row is None else self.copy.child(row)} - {""}
            was = [self.seen(each) for each in before]
            self.copy.move(record_key, child)
            self._count_again(was, before)

    def drop(self, record_key: str) -> None:
        """Forget a record."""
        with self.lock:
            row = self.copy.row_of(record_key)
            if row is None:
                return
            before = {self.copy.child(row)}
            was = [self.seen(each) for each in before]
            self.copy.drop(record_key)
            self._count_again(was, before)

    def _count_again(self, was: Iterable[Sighted], children: Iterable[str]) -> None:
        for each in was:
            self.expectations.remove(each)
        for child in children:
            self.expectations.add(self.seen(child))

    def seen(self, child: str) -> Sighted:
        """Which sources see a child, and the child's birth year."""
        rows = self.copy.members(child)
        return sighted([(self._birth_year(row), self.source(row)) for row in rows])

    def source(self, row: int) -> str:
        """The file or system a record came from; two organisations' files of one name are two."""
        return source_of(self.copy.owner(row), self.copy.source(row))

    def _birth_year(self, row: int) -> str | None:
        value = self.copy.first(row, self._year + 1)[self._year] if self._year >= 0 else None
        return value if isinstance(value, str) else None

    def ask(self, child: str, other: str) -> None:
        """Remember that a question about two children is open, so that both are looked at when either changes."""
        if child != other:
            self.asked.setdefault(child, set()).add(other)
            self.asked.setdefault(other, set()).add(child)

    # --- numbers that became others -----------------------------------------------------------------------------------

    def number_token(self, number: str) -> str:
        """The token a number's line is kept under, whichever version of the key it was made with."""
        tokens = self._store.keys.tokens(NUMBER_TOKEN, number)
        return next((token for token in tokens if token in self._numbered), tokens[0])

    def as_read(self, record: Record, child: str) -> Record:
        """The record with its NHS number as it counts now: replaced, withdrawn, or settled to be another child's.

        A number that has to do with another is read as a token, the same for both, so that they agree.
        """
        if not record.nhs_number or not self._numbered:
            return record
        read = self._number_as_read(record.nhs_number, child)
        return record if read == record.nhs_number else msgspec.structs.replace(record, nhs_number=read)

    def _number_as_read(self, number: str, child: str) -> str | None:
        token = self.number_token(number)
        if token not in self._numbered:
            return number
        return speaks_for(self.lines, token, child) or None

    def _holding(self, event: Event) -> set[str]:
        """The records that hold a number of which something became known."""
        sealed = str(event.why.get("numbers", ""))
        if not sealed:
            return set()
        plain = self._store.keys.unseal(Purpose.GATE, bytes.fromhex(sealed), NUMBERS)
        held = [*msgspec.json.decode(plain, type=list[str])]
        held += [token for number in held if number for token in self._store.keys.tokens(NUMBER_TOKEN, number)]
        return {
            self.copy.record_key(row) for number in held if number for row in self.copy.with_value("nhs_number", number)
        }

    def _with_numbers_as_read(self, made: pa.Table, children: Sequence[str]) -> pa.Table:
        """The same records with their NHS numbers as they count now; as :meth:`as_read` for each."""
        if not self._numbered or "nhs_number" not in made.column_names:
            return made
        column = made["nhs_number"].combine_chunks()
        values = column.dictionary.to_pylist()
        concerned = {at for at, value in enumerate(values) if self.number_token(value) in self._numbered}
        if not concerned:
            return made
        codes = column.indices.to_pylist()
        read = [
            self._number_as_read(values[code], child) if code in concerned else None if code is None else values[code]
            for code, child in zip(codes, children, strict=True)
        ]
        place = made.column_names.index("nhs_number")
        return made.set_column(place, "nhs_number", pa.array(read, pa.string()).dictionary_encode())

    # --- being asked --------------------------------------------------------------------------------------------------

    def prepared(self, row: int) -> Prepared:
        """A record as the matcher takes it."""
        return self.copy.first(row, self._compared)

    def state_of(self, child: str) -> str:
        """Whether a child is live, unborn, erased or merged."""
        return self.lines.get(("child", child), "live")

    def is_sealed(self, record_key: str) -> bool:
        """Whether a record is of a closed identity."""
        return ("sealed", record_key) in self.lines


def source_of(owner: str, source: str) -> str:
    """How a source is called where several organisations' records are compared."""
    return f"{owner}/{source}"


def numbers_named(lines: Mapping[tuple[str, str], str]) -> set[str]:
    """The tokens of all numbers of which something is known, and of those they became."""
    known = {(key, value) for (what, key), value in lines.items() if what == "number"}
    return {key for key, _ in known} | {v.removeprefix(SUPERSEDED) for _, v in known if v.startswith(SUPERSEDED)}


NUMBERS = place("index_events", "numbers")


def sealed_numbers(store: Store, numbers: Sequence[str]) -> str:
    """Numbers that an event is about, for those who follow it; sealed."""
    return store.keys.seal(Purpose.GATE, msgspec.json.encode(list(numbers)), NUMBERS, urandom).hex()


_MAKING = Lock()


def live(store: Store, space: str, now: datetime, progress: Progress = in_silence) -> Live:
    """The space in memory, brought up to date to the newest event; read from the vault at its first use.

    Raises:
        Missing: when there is no such space.
        Invalid: when the space has no model yet.
    """
    while True:
        found: Live | None = store.memory.setdefault(MEMORY, {}).get(space)
        if found is None:
            with _MAKING:
                found = store.memory[MEMORY].get(space)
                if found is None:
                    found = store.memory[MEMORY][space] = _read(store, space, now, progress)
        found.catch_up(store, now)
        if not found.spoilt:
            return found
        forget(store, space)


def into_memory(store: Store, now: datetime, progress: Progress = in_silence) -> int:
    """Read every space that has a model into memory, so that nobody who asks first waits for it; returns how many.

    What was read stays for as long as the program runs, so Python's collector is told to pass over it: a full round
    through a large space would halt every answer for a fifth of a second.
    """
    with store.read(Login.INDEX) as connection:
        names = [space.space for space in tables.spaces(connection)]
        ready = [name for name in names if opened_model(store, connection, name) is not None]
    for number, name in enumerate(ready):
        live(store, name, now, _part_of(progress, number, len(ready)))
    gc.collect()
    gc.freeze()
    return len(ready)


def _part_of(progress: Progress, number: int, of: int) -> Progress:
    """Tell how far the whole is, from how far one of its equal parts is."""

    def told(words: str, share: float) -> None:
        progress(words, (number + share) / of)

    return told


@contextmanager
def writing(store: Store, space: str, now: datetime) -> Iterator[Live]:
    """Be the only one in this process who writes in a space, with its memory as it was last committed.

    Whoever changes the memory before the commit must :func:`forget` it when that fails; those who have been waiting for
    their turn with it then wait for the one that is read anew.

    Raises:
        Missing, Invalid: as :func:`live`.
    """
    while True:
        alive = live(store, space, now)
        with alive.lock:
            if not alive.spoilt:
                yield alive
                return


def forget(store: Store, space: str) -> None:
    """Forget a space, so that whoever uses it next reads it from the vault."""
    gone = store.memory.get(MEMORY, {}).pop(space, None)
    if gone is not None:
        gone.spoilt = True


def forget_all(store: Store) -> None:
    """Forget every space: after something that the events alone do not tell of."""
    for space in list(store.memory.get(MEMORY, {})):
        forget(store, space)


def _read(store: Store, space: str, now: datetime, progress: Progress) -> Live:
    with store.read(Login.INDEX) as connection:
        them = tables.spaces(connection, [space])
        if not them:
            raise Missing("There is no such index space: load a linked folder into it first.")
        trained = opened_model(store, connection, space)
        if trained is None:
            raise Invalid("This space has no linkage model yet: load what `samechild link` wrote, or give it a model.")
        made = Live(store, them[0], *trained)
        made.fill(connection, now.date(), progress)
        return made


def _given(them: Sequence[Who], members: Mapping[str, tuple[str, str, str, str]], start: int) -> pa.Table:
    """Records as the table that standardising takes."""
    names = sorted({name for who in them for name in who.values} - {"source", "record_id"})
    columns: dict[str, pa.Array] = {
        "source": pa.array([members[who.record_key][2] for who in them], pa.string()),
        "record_id": pa.array([who.values.get("record_id", "") for who in them], pa.string()),
        "row": pa.array(range(start + 1, start + len(them) + 1), pa.int64()),
    }
    for name in names:
        columns[name] = pa.array([who.values.get(name) for who in them], pa.string())
    return pa.table(columns)
