"""The policy in force, held ready in memory: agreements by who shares with whom, legal entries, shadow periods.

A decision must be quick at 200 organisations and 10,000 agreements, and the next one after a change must obey it. So
the book says which version it was read at; each decision reads the version in force with its other facts, and a book
that is behind is brought up to date before anything is decided.
"""

from __future__ import annotations

from datetime import datetime
from threading import Lock
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.policy import store as tables
from samechild.policy.people.organisations import Organisation
from samechild.policy.people.store import all_organisations
from samechild.policy.records import Agreement, LegalEntry
from samechild.storage import Login, Store

_PLACE = "policy.book"


class Book(msgspec.Struct, frozen=True):
    """One version of the policy, compiled: looked up by owner and asker, in the time of two dictionary look-ups."""

    version: int
    agreements: dict[str, tuple[Agreement, ...]]  # by agreement: its versions that are signed by all, newest last
    between: dict[tuple[str, str], tuple[Agreement, ...]]  # by owner and other party
    entries: tuple[LegalEntry, ...]
    shadows: tuple[tuple[str, datetime, datetime | None], ...]
    organisations: dict[str, Organisation]

    def shadow(self, organisation: str, now: datetime) -> bool:
        """Whether an organisation's questions are decided and recorded only."""
        return any(
            name == organisation and since <= now and (until is None or now < until)
            for name, since, until in self.shadows
        )


class Shelf:
    """Where the current book of an installation lies, one for all threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.book: Book | None = None


def book_of(store: Store, at_least: int = 0) -> Book:
    """The policy in force, brought up to date when it is older than version ``at_least``."""
    shelf: Shelf = store.memory.setdefault(_PLACE, Shelf())
    book = shelf.book
    if book is not None and book.version >= at_least:
        return book
    with shelf.lock:
        if shelf.book is None or shelf.book.version < at_least:
            with store.read(Login.GATE) as gate:
                shelf.book = read_book(gate, shelf.book)
        return shelf.book


def read_book(connection: sa.Connection, old: Book | None) -> Book:
    """Read the policy in force; of an older book only what changed since is read again."""
    version = tables.head_version(connection)
    changed = None if old is None else tables.agreements_changed(connection, old.version)
    kept = {} if old is None else dict(old.agreements)
    kept.update(compiled(connection, changed))
    between = old.between if old is not None and not changed else by_parties(kept)
    return Book(
        version=version,
        agreements=kept,
        between=between,
        entries=tuple(tables.entries_kept(connection)),
        shadows=tuple((row.organisation, row.since, row.until) for row in tables.shadow_kept(connection)),
        organisations={each.organisation: each for each in all_organisations(connection)},
    )


def compiled(connection: sa.Connection, which: list[str] | None) -> dict[str, tuple[Agreement, ...]]:
    """Some agreements (all when None) in their newest version that every party has signed; none once withdrawn."""
    events: dict[str, list[sa.Row[Any]]] = {}
    for event in tables.events_of(connection, which):
        events.setdefault(event.agreement, []).append(event)
    found: dict[str, tuple[Agreement, ...]] = dict.fromkeys(which or (), ())
    for row in tables.versions_of(connection, which):
        agreement = tables.agreement_of(row, events.get(row.agreement, []))
        if agreement.withdrawn:
            found[row.agreement] = ()
        elif set(agreement.parties) <= set(agreement.signed_by):
            found[row.agreement] = (agreement,)
    return found


def by_parties(agreements: dict[str, tuple[Agreement, ...]]) -> dict[tuple[str, str], tuple[Agreement, ...]]:
    """Agreements by owner and every other party."""
    found: dict[tuple[str, str], list[Agreement]] = {}
    for versions in agreements.values():
        for agreement in versions:
            for party in agreement.parties:
                if party != agreement.owner:
                    found.setdefault((agreement.owner, party), []).append(agreement)
    return {parties: tuple(them) for parties, them in found.items()}
