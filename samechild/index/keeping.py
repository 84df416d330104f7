"""Keeping records that came in: which are known already, what is sealed, and what stands openly beside it.

A record is known by its organisation, its source and its own id there, through a keyed token; whether it says
something new is seen from a keyed digest. Neither can be read by whoever holds the database without the keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from secrets import token_hex
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.index import store as tables
from samechild.index.writing import RETENTION
from samechild.keys.children import ChildKey
from samechild.policy.identities import Who, keep_who
from samechild.records import Record, fields
from samechild.storage import Store

LOCAL, DIGEST, ALIAS = "index.local", "index.digest", "index.alias"


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """A record that came in, with its tokens: ``known`` under every version of the key, the current one first."""

    owner: str
    source: str
    basis: str
    values: Mapping[str, str]  # as given, with source and record_id
    known: tuple[str, ...]
    digest: str
    changed_on: str = ""

    def __repr__(self) -> str:
        return f"Coming(owner={self.owner!r}, source={self.source!r}, values=hidden)"


def coming(
    store: Store, owner: str, source: str, record_id: str, given: Mapping[str, str], basis: str, changed_on: str = ""
) -> Coming:
    """Make a record ready to be kept: only declared fields that hold something, its tokens and its digest."""
    values = {name: value for name, value in given.items() if value and name in fields()}
    values |= {"source": source, "record_id": record_id}
    written = msgspec.json.encode(values, order="deterministic").decode()
    return Coming(
        owner=owner,
        source=source,
        basis=basis,
        values=values,
        known=tuple(store.keys.tokens(LOCAL, f"{source}\x1f{record_id}")),
        digest=store.keys.token(DIGEST, written),
        changed_on=changed_on,
    )


def record_keys() -> Iterator[str]:
    """Draw opaque record keys for records that are kept together.

    Those of one batch begin alike, at random, so that they lie side by side in the databases: keys spread over a whole
    large index cost a visit to the disk for each. It tells no more than the time at which they were kept does.
    """
    batch = token_hex(4)
    while True:
        yield batch + token_hex(12)


def known_records(connection: sa.Connection, them: Iterable[Coming]) -> dict[tuple[str, str], Any]:
    """The rows of those records that are known, by owner and current token."""
    by_owner: dict[str, list[Coming]] = {}
    for each in them:
        by_owner.setdefault(each.owner, []).append(each)
    found: dict[tuple[str, str], Any] = {}
    for owner, its in by_owner.items():
        rows = tables.records_by_local(connection, owner, [token for each in its for token in each.known])
        for each in its:
            row = next((rows[token] for token in each.known if token in rows), None)
            if row is not None:
                found[owner, each.known[0]] = row
    return found


def keep(
    connection: sa.Connection,
    keys: Mapping[str, ChildKey],
    new: Sequence[tuple[str, Coming]],
    changed: Sequence[tuple[str, Coming]],
    seen: Collection[str],
    now: datetime,
) -> None:
    """Keep records by their keys: the new ones, those that say something else, and that others were seen again."""
    before = tables.records_by_key(connection, [key for key, _ in changed])
    at = {key: max(now, row.seen_at + _LATER) for key, row in before.items()}  # no two versions at one moment
    them = [_who(key, each, at.get(key, now)) for key, each in (*new, *changed)]
    keep_who(connection, keys, them, {key for key, _ in changed})
    tables.keep_records(
        connection,
        [
            {
                "owner": each.owner,
                "record_key": key,
                "received_at": now,
                "basis": each.basis,
                "retention": RETENTION,
                "source": each.source,
                "local": each.known[0],
                "digest": each.digest,
                "changed_on": each.changed_on,
                "seen_at": now,
            }
            for key, each in new
        ],
    )
    tables.change_records(
        connection,
        [
            {"record": key, "new_digest": each.digest, "new_changed_on": each.changed_on, "new_seen_at": at[key]}
            for key, each in changed
        ],
    )
    tables.see_records(connection, list(seen), now)


_LATER = timedelta(microseconds=1)


def _who(record_key: str, each: Coming, now: datetime) -> Who:
    return Who(record_key=record_key, owner=each.owner, basis=each.basis, values=each.values, received_at=now)


def standardised(values: Mapping[str, str], today: date, convention: Convention | None = None) -> Record:
    """Make one record comparable, by its source's way of writing dates where that is known."""
    return standardise_one(values, convention or _ordinary(today))


@lru_cache(maxsize=4)
def _ordinary(today: date) -> Convention:
    return Convention(DateReading(today))
