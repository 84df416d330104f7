"""Once a day the rules look again at every child, for some answers change with the day alone, and the day is counted.

An assessment becomes overdue and a child turns eighteen without anything being sent. What the authority holds is
counted in the same pass, for the rules about the whole and for the pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.collection import store as tables
from samechild.collection.attendance.working import look_again as look_at_registers
from samechild.collection.before_sending import current_worker
from samechild.collection.check import check_day
from samechild.collection.day import counts_of, day_of
from samechild.collection.feeds import processor_of
from samechild.collection.identifying import identify_rest
from samechild.collection.marks import shared
from samechild.collection.merge import child_of
from samechild.collection.postcodes import postcodes_of
from samechild.collection.problems import keep_problems
from samechild.collection.processing import checked
from samechild.collection.records import Feed
from samechild.collection.states import states_of
from samechild.policy.received import both_keys
from samechild.storage import Login, Store
from samechild.storage.turns import turn

AT_ONCE = 500
RULE = "rule."
"""Before the code of a rule about the whole authority, among the numbers of a day: 1 when it speaks."""

Progress = Callable[[int], None]


def in_silence(done: int) -> None:
    """Tell nobody how far it is."""


def look_again(store: Store, feed: Feed, now: datetime, progress: Progress = in_silence) -> dict[str, int]:
    """Apply the rules to every child of a feed as of today, and count the day; returns its numbers.

    Args:
        store: the open installation.
        feed: whose children.
        now: when; the same day again puts new numbers in the place of the former.
        progress: told how many children were looked at.
    """
    with turn(store, Login.CONTENT, f"collection {feed.owner}") as mine:
        if not mine:
            return {}
        if feed.attendance:
            return _register(store, feed, now)
        identify_rest(store, processor_of(feed), feed, now)
        sums = _every_child(store, feed, now, progress)
    with store.write(Login.CONTENT, feed.owner) as connection:
        numbers = _numbers(connection, feed, sums, now.date())
        tables.keep_day(connection, feed.owner, now.date().isoformat(), _written(numbers))
    return numbers


def _register(store: Store, feed: Feed, now: datetime) -> dict[str, int]:
    """A school's numbers of a day: the rules about whole sessions that speak, and in how many."""
    numbers = {f"{RULE}{code}": count for code, count in look_at_registers(store, feed, now).items()}
    with store.write(Login.CONTENT, feed.owner) as connection:
        tables.keep_day(connection, feed.owner, now.date().isoformat(), _written(numbers))
    return numbers


def _every_child(store: Store, feed: Feed, now: datetime, progress: Progress) -> Counter[str]:
    sums: Counter[str] = Counter()
    after, done = "", 0
    while True:
        with store.read(Login.CONTENT, feed.owner) as connection:
            keys = tables.all_children(connection, feed.owner, after, AT_ONCE)
        if not keys:
            return sums
        after = keys[-1]
        states = states_of(store, feed.owner, keys, both_keys(store, keys))
        children = {key: child_of(state.held) for key, state in states.items()}
        workers = {key: current_worker(child, now.date()) for key, child in children.items()}
        found = checked(feed, children, {}, shared(store, feed.owner, children), postcodes_of(store), now)
        for child in children.values():
            sums.update(counts_of(child))
        with store.write(Login.CONTENT, feed.owner) as connection:
            keep_problems(store, connection, feed.owner, found, workers, now, history=False)
        done += len(keys)
        progress(done)


def _numbers(connection: sa.Connection, feed: Feed, sums: Counter[str], today: date) -> dict[str, int]:
    """The day's numbers: what is held, what came, and which rules about the whole speak."""
    came = tables.came_on(connection, feed.owner, today.isoformat())
    earlier = tables.day_before(connection, feed.owner, today.isoformat())
    last = tables.last_received(connection, feed.owner)
    since = (today - date.fromisoformat(last)).days if last else 0
    before = None if earlier is None else msgspec.json.decode(earlier.counts, type=dict[str, int])
    day = day_of(
        today,
        sums,
        authority=feed.authority,
        earlier=before,
        changed=max(0, came["changed"] - came["new"]),
        days_since_received=since,
    )
    spoken = {f"{RULE}{problem.rule}": 1 for problem in check_day(day)}
    return {**sums, **came, **spoken}


def _written(numbers: dict[str, Any]) -> str:
    return msgspec.json.encode(numbers, order="deterministic").decode()
