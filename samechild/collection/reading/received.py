"""What came from a council by day, what was not taken and why, and which children it no longer sends.

Councils' clients hardly ever send that a whole child is to be erased, so those who were deleted at the source stay here
unless somebody notices. Whom a council expects is compared with whom it finds here in memory, and not kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from samechild.collection.reading import store as queries
from samechild.collection.reading.days import WEEKS, Came, DayOf, by_day, last_full
from samechild.collection.reading.lists import rows_of
from samechild.collection.reading.opening import Sent, may_count, own_ids, sent_of
from samechild.collection.receiving import tokens_of
from samechild.collection.records import Feed
from samechild.errors import Invalid
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

SHOWN_DAYS = 42
MOST_REFUSALS = 50
SHOWN = 50
MOST_IN_FILE = 20_000
MOST_EXPECTED = 200_000
LONGEST_ID = 36
_AN_ID = re.compile(r"[A-Za-z0-9_-]+")
_HEADINGS = {"la_child_id", "la child id", "child id", "child_id", "childid", "id", "person_id", "local id"}


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What came by day, and the requests of which something was not taken, the newest first."""

    feed: Feed
    days: tuple[DayOf, ...]
    last: datetime | None
    waiting: int
    held: int
    refusals: tuple[Sent, ...]


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """A child who is held and was not sent lately: the council's own id, and when it was last and first sent."""

    record_key: str
    la_child_id: str
    seen: datetime
    first: datetime


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """Whom we hold that a council no longer sends: since which day nearly everybody else was sent (None: never).

    ``by_day`` says how many were last sent on which day.
    """

    held: int
    full: date | None
    unseen: int
    by_day: tuple[tuple[str, int], ...]
    lines: tuple[Unseen, ...]
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.unseen // SHOWN))


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A council's own list of children beside whom we hold: ids not held, and held ones not on the list."""

    given: int
    both: int
    not_held: tuple[str, ...]
    not_listed: tuple[tuple[str, str], ...]  # opaque key and the council's own id
    not_listed_count: int


def received(store: Store, by: Asker, feed: Feed, now: datetime) -> Received:
    """What came of a feed in the last six weeks, day by day.

    Raises:
        Refused: when the asker may not see it.
    """
    may_count(store, by, feed, now, "received by day")
    today = now.date()
    first = today - timedelta(days=SHOWN_DAYS - 1)
    came = came_since(store, feed, first - timedelta(weeks=WEEKS))
    with store.read(Login.CONTENT, feed.owner) as connection:
        refusals = queries.with_refusals(connection, feed.owner, first.isoformat(), MOST_REFUSALS)
        last, waiting = queries.last_sent(connection, feed.owner), queries.waiting(connection, feed.owner)
        held = queries.held(connection, feed.owner)
    return Received(
        feed=feed,
        days=tuple(by_day(came, first, today, today)),
        last=last,
        waiting=waiting,
        held=held,
        refusals=tuple(sent_of(row) for row in refusals),
    )


def came_since(store: Store, feed: Feed, since: date) -> dict[date, Came]:
    """What came of a feed on each day since a day; counts alone."""
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = queries.sent_by_day(connection, feed.owner, since.isoformat())
    return {date.fromisoformat(row.day): _one_day(row) for row in rows}


def _one_day(row: Any) -> Came:
    return Came(**{name: int(getattr(row, name)) for name in Came.__struct_fields__})


# --- who is no longer sent --------------------------------------------------------------------------------------------


def cohort(store: Store, by: Asker, feed: Feed, page: int, now: datetime, days: int = 0) -> Cohort:
    """Whom we hold of a feed that is no longer sent: not since everybody else was sent, or for ``days``.

    Raises:
        Refused: when the asker may not see it.
    """
    may_count(store, by, feed, now, "no longer sent")
    held, full, since = _not_since(store, feed, now, days)
    lines: tuple[Unseen, ...] = ()
    unseen, days_seen = 0, []
    if since is not None:
        with store.read(Login.CONTENT, feed.owner) as connection:
            days_seen = queries.last_seen(connection, feed.owner, since)
            unseen = sum(number for _, number in days_seen)
            page = min(max(1, page), max(1, -(-unseen // SHOWN)))
            rows = queries.not_seen_since(connection, feed.owner, since, (page - 1) * SHOWN, SHOWN)
        lines = _unseen(store, by, feed, rows, now)
    return Cohort(held=held, full=full, unseen=unseen, by_day=tuple(days_seen), lines=lines, page=page)


def _not_since(store: Store, feed: Feed, now: datetime, days: int) -> tuple[int, date | None, datetime | None]:
    """How many are held, when last nearly all of them were sent, and before when one not sent is noticed."""
    came = came_since(store, feed, now.date() - timedelta(weeks=WEEKS * 2))
    with store.read(Login.CONTENT, feed.owner) as connection:
        held = queries.held(connection, feed.owner)
    full = last_full(came, held)
    if days:
        return held, full, now - timedelta(days=days)
    return held, full, None if full is None else datetime.combine(full, time(), UTC)


def _unseen(store: Store, by: Asker, feed: Feed, rows: Sequence[Any], now: datetime) -> tuple[Unseen, ...]:
    ids = own_ids(store, by, feed.owner, [row.record_key for row in rows], now, "no longer sent")
    return tuple(
        Unseen(record_key=row.record_key, la_child_id=ids[row.record_key], seen=row.seen_at, first=row.received_at)
        for row in rows
        if row.record_key in ids
    )


def cohort_file(store: Store, by: Asker, feed: Feed, now: datetime, days: int = 0) -> pa.Table:
    """Everybody of :func:`cohort` as a table for a file.

    Raises:
        Refused: when the asker may not see it.
    """
    may_count(store, by, feed, now, "no longer sent")
    _, _, since = _not_since(store, feed, now, days)
    rows: list[Any] = []
    if since is not None:
        with store.read(Login.CONTENT, feed.owner) as connection:
            rows = queries.not_seen_since(connection, feed.owner, since, 0, MOST_IN_FILE)
    lines = _unseen(store, by, feed, rows, now)
    return pa.table(
        {
            "Child id": pa.array([line.la_child_id for line in lines], pa.string()),
            "Last sent": pa.array([line.seen.date().isoformat() for line in lines], pa.string()),
            "First sent": pa.array([line.first.date().isoformat() for line in lines], pa.string()),
        }
    )


# --- whom the council expects -----------------------------------------------------------------------------------------


def read_ids(text: str) -> list[str]:
    """Read a council's own ids from a list or the first column of a CSV; a heading is left out, each id counts once.

    Raises:
        Invalid: when there are none or too many, or a line holds no id; the message never repeats what stands there.
    """
    found: dict[str, None] = {}
    for number, (cell, *_) in rows_of(text):
        if not found and cell.casefold() in _HEADINGS:
            continue
        if (
            not cell
            or len(cell) > LONGEST_ID
            or not cell.isascii()
            or not cell.replace("-", "").replace("_", "").isalnum()
        ):
            raise Invalid(f"Line {number}: this is no id of a child. Give one id in each line, in the first column.")
        found[cell] = None
        if len(found) > MOST_EXPECTED:
            raise Invalid(f"Give at most {MOST_EXPECTED:,} ids at once.")
    if not found:
        raise Invalid("The list holds no ids.")
    return list(found)


def compare(store: Store, by: Asker, feed: Feed, ids: Sequence[str], now: datetime, most: int = SHOWN) -> Compared:
    """Compare the ids a council expects with whom we hold; of those not on its list at most so many are opened.

    Raises:
        Refused: when the asker may not see it.
    """
    may_count(store, by, feed, now, "ids compared")
    with store.read(Login.CONTENT, feed.owner) as connection:
        held: Mapping[str, str] = queries.held_tokens(connection, feed.owner)
    not_held, met = [], set()
    for each in ids:
        here = next((token for token in tokens_of(store, feed, each) if token in held), "")
        if here:
            met.add(held[here])
        else:
            not_held.append(each)
    others = sorted(set(held.values()) - met)
    named = own_ids(store, by, feed.owner, others[:most], now, "not on the council's list")
    return Compared(
        given=len(ids),
        both=len(met),
        not_held=tuple(not_held),
        not_listed=tuple(sorted(named.items(), key=lambda each: each[1])),
        not_listed_count=len(others),
    )
