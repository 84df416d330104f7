"""The index in memory: every record of a space ready to be compared and searched, never more than a commit behind.

The vault is the truth. What is here was opened from it, stays in the memory of this process, and is brought up to date
from the events before every use; another process that writes is noticed by the number of its newest event. What is
found here tells nobody anything until the gate has decided.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from os import urandom
from threading import Lock, RLock
from typing import Any

import msgspec
import pyarrow as pa
import sqlalchemy as sa

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.demographics.standardise import standardise
from samechild.errors import Invalid, Missing
from samechild.index import store as tables
from samechild.index.copy import SpaceCopy
from samechild.index.lifecycle import Planned
from samechild.index.records import Event, Space
from samechild.index.query import SEARCHED
from samechild.index.writing import Draft, Owned, write
from samechild.keys.register import Purpose
from samechild.keys.seal import place
from samechild.linkage.expectations import Expectations
from samechild.linkage.frequencies import Frequencies, read_frequencies, write_frequencies
from samechild.linkage.matching import Matcher
from samechild.linkage.model import Model
from samechild.linkage.model_extra import read_extra, write_extra
from samechild.linkage.splink_settings import read_settings, write_settings
from samechild.policy.identities import Who, who_they_are
from samechild.policy.relationship_actions import SEALED as SEALED_MARK
from samechild.policy.relationship_actions import marks_held
from samechild.records import Record, fields
from samechild.storage import Login, Store

MEMORY = "index.live"
MANY = 5_000
"""From so many records on they are made comparable as whole columns, not one by one."""


class Live:
    """One space in memory: its copy, what weighs a pair, the rulings, and how far the events are followed."""

    def __init__(self, store: Store, space: Space, model: Model, frequencies: Mapping[str, Frequencies]) -> None:
        self.lock = RLock()  # held by whoever writes in this process
        self.space = space
        self.model = model
        self.matcher = Matcher(model, frequencies)
        columns = (*self.matcher.columns, *(name for name in SEARCHED if name not in self.matcher.columns))
        self.copy = SpaceCopy(columns, model.blocking, model.largest_block)
        self.expectations = Expectations()
        self.number = 0
        self.lines: dict[tuple[str, str], str] = {}  # rulings, numbers and seals
        self.states: dict[str, str] = {}  # of children that are not simply live
        self._marks = ""
        self._places = [field.name for field in fields().values() if field.location]
        self._store = store

    # --- being brought up to date -------------------------------------------------------------------------------------

    def fill(self, store: Store, connection: sa.Connection, today: date) -> None:
        """Read the whole space from the vault."""
        self.number = tables.newest(connection)
        self.lines = tables.every_line(connection, self.space.space)
        self.states = {
            child: state for child, state in tables.every_child(connection, self.space.space).items() if state != "live"
        }
        members = {row[0]: row for row in tables.every_member(connection, self.space.space)}
        parts: list[pa.Table] = []
        keys: list[str] = []
        for some in who_they_are(store, connection, list(members)):
            keys += [who.record_key for who in some]
            parts.append(given_table([(who, members[who.record_key][2]) for who in some]))
        if not keys:
            return
        made = standardise(pa.concat_tables(parts, promote_options="default"), today=today).table
        whose = [members[key] for key in keys]
        made = self._with_current_numbers(made)
        self.copy.fill(
            made, keys, [row[1] for row in whose], [row[2] for row in whose], [row[3] for row in whose]
        )
        self.expectations = self.copy.expectations()

    def _with_current_numbers(self, made: pa.Table) -> pa.Table:
        return made

    def catch_up(self, store: Store, now: datetime) -> None:
        """Follow what was committed since the last use, by this process or another."""
        with self.lock, store.read(Login.INDEX) as connection:
            self.follow(store, connection, now)

    def follow(self, store: Store, connection: sa.Connection, now: datetime) -> None:
        """Follow the events in a connection of the caller's, who holds the lock."""
        while events := tables.events_after(connection, self.number):
            here = [event for event in events if event.space == self.space.space]
            if here:
                self._take(store, connection, here, now)
            self.number = events[-1].number

    def _take(self, store: Store, connection: sa.Connection, events: Sequence[Event], now: datetime) -> None:
        child_of: dict[str, str] = {}
        changed: set[str] = set()
        for event in events:
            for change in event.changes:
                if change.what == "member":
                    child_of[change.key] = change.after
                else:
                    self.note(change.what, change.key, change.after)
            changed |= {str(key) for key in event.why.get("records", ())}
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
        for some in who_they_are(store, connection, sorted(changed & where.keys() & rows.keys())):
            for who in some:
                row = rows[who.record_key]
                self.put(who.record_key, row.owner, row.source, standardised(who.values, row.source, now), where[who.record_key])

    def marks_up_to_date(self, store: Store, now: datetime) -> None:
        """Hide from the search whom a mark hides by now; the gate looks once more at whatever is found."""
        stamp, marks = marks_held(store, now, self._marks)
        if marks is None:
            return
        with self.lock:
            hidden = {
                key: (self.copy.columns if SEALED_MARK in its else self._places)
                for key, its in marks.items()
                if {SEALED_MARK, "shielded"} & its
            }
            self.copy.hide_only(hidden)
            self._marks = stamp

    # --- being changed: by whoever has just committed, or follows -----------------------------------------------------

    def note(self, what: str, key: str, after: str) -> None:
        """Take over one line that is no member."""
        if what == "child":
            if after in ("", "live"):
                self.states.pop(key, None)
            else:
                self.states[key] = after
        elif after:
            self.lines[what, key] = after
        else:
            self.lines.pop((what, key), None)

    def put(self, record_key: str, owner: str, source: str, record: Record, child: str) -> None:
        """Take over a record that is new or says something else."""
        self.drop(record_key, keep=True)
        self.copy.put(record_key, owner, source, record, child)
        self._counted(child)

    def move(self, record_key: str, child: str) -> None:
        """Let a record be of another child."""
        row = self.copy.row_of(record_key)
        was = self.copy.child(row) if row is not None else ""
        self.copy.move(record_key, child)
        self._counted(was)
        self._counted(child)

    def drop(self, record_key: str, *, keep: bool = False) -> None:
        """Forget a record; ``keep`` when it is put again at once."""
        row = self.copy.row_of(record_key)
        if row is None:
            return
        was = self.copy.child(row)
        if not keep:
            self.copy.drop(record_key)
        self._counted(was)

    def _counted(self, child: str) -> None:
        """Count again which sources see a child."""

    # --- being asked --------------------------------------------------------------------------------------------------

    def is_sealed(self, record_key: str) -> bool:
        """Whether a record is of a closed identity."""
        return ("sealed", record_key) in self.lines
