"""Working off what was received: merged, checked, identified; what was purged destroyed. All of it may be done again.

Each owner's submissions are worked off in the order in which they were kept. Every step is keyed by the submission, so
that one which a kill interrupted is done again from the start and comes to the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import Any

import sqlalchemy as sa

from samechild.collection import marks, who_store
from samechild.collection import store as tables
from samechild.collection.attendance.working import work_off as work_off_register
from samechild.collection.before_sending import current_worker
from samechild.collection.check import Problem, check
from samechild.collection.feeds import feeds_of, processor_of
from samechild.collection.identifying import identify_children
from samechild.collection.merge import child_of, merge
from samechild.collection.postcodes import postcodes_of
from samechild.collection.problems import keep_problems
from samechild.collection.purging import finish_purges, purge_children, to_purge
from samechild.collection.receiving import WAITING
from samechild.collection.records import Child, Feed
from samechild.collection.rules.days import window_start
from samechild.collection.rules.rule import At
from samechild.collection.states import State, halves, slice_opened, states_of
from samechild.files.postcodes import PostcodeDirectory
from samechild.policy.received import Both, both_keys
from samechild.policy.retention.erasure import finish_erasures
from samechild.storage import Database, Login, Store
from samechild.storage.changes import note_change
from samechild.storage.turns import turn

PAUSE, SWEEP = 0.2, 15.0
"""Seconds between looks at what came through this process, and through any other."""

AT_ONCE = 8
"""So many submissions are worked off together."""

Tables = Sequence[sa.MetaData]


def process(store: Store, declared: Tables, now: datetime, *, owners: Collection[str] | None = None) -> int:
    """Work off what was received and is waiting; returns how many submissions.

    Args:
        store: the open installation.
        declared: what every room declares: a purged child is erased wherever it is.
        now: when.
        owners: whose; everybody's when left out.
    """
    done = 0
    failures: list[Exception] = []
    for feed in feeds_of(store, owners, registers=True):
        try:
            done += _of_one(store, declared, feed, now)
        except Exception as error:  # one council's must not keep the others' waiting
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def _of_one(store: Store, declared: Tables, feed: Feed, now: datetime) -> int:
    """Work off what is waiting of one feed, unless another process is at it."""
    done = 0
    with turn(store, Login.CONTENT, f"collection {feed.owner}") as mine:
        if mine:
            finish_purges(store, feed, now)  # what a kill, or a backup put back, left to do
        while mine:
            with store.read(Login.CONTENT, feed.owner) as connection:
                waiting = tables.next_waiting(connection, feed.owner, AT_ONCE)
            if not waiting:
                break
            if feed.attendance:
                work_off_register(store, declared, feed, [row.submission for row in waiting], now)
            else:
                _work_off(store, declared, feed, waiting, now)
            done += len(waiting)
    return done


def keep_up(store: Store, declared: Tables, clock: Callable[[], datetime], stop: Event) -> None:
    """Work off what comes in until told to stop: at once what came through this process, soon what came elsewhere.

    Raises:
        Unavailable, Conflict: when the databases are busy or away for a moment: call it again.
    """
    looked = -SWEEP
    while not stop.is_set():
        here: set[str] = store.memory.setdefault(WAITING, set())
        owners = {here.pop() for _ in range(len(here))}
        if owners:
            process(store, declared, clock(), owners=owners)
        if time.monotonic() - looked >= SWEEP:
            process(store, declared, clock())
            looked = time.monotonic()
        stop.wait(PAUSE)


class _Batch:
    """Some submissions on their way: the children they are about, as they were and as they come out."""

    def __init__(self, store: Store, feed: Feed, keys: Mapping[str, Both], now: datetime) -> None:
        self.store, self.feed, self.keys, self.now = store, feed, keys, now
        self.before: dict[str, State] = {}
        self.after: dict[str, State] = {}
        self.purged: list[dict[str, Any]] = []  # rows of what was purged within a child
        self.gone: list[str] = []  # children purged as a whole
        self.again = False  # some of it was merged before a kill: the step from the state before is not seen again


def _work_off(store: Store, declared: Tables, feed: Feed, waiting: Sequence[Any], now: datetime) -> None:
    names = [row.submission for row in waiting]
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = tables.slices_of_submissions(connection, names)
    record_keys = list(dict.fromkeys(row.record_key for row in rows))
    batch = _Batch(store, feed, both_keys(store, record_keys), now)
    batch.before = states_of(store, feed.owner, record_keys, batch.keys)
    batch.after = dict(batch.before)
    for row in rows:
        if row.record_key in batch.keys:
            _merge_one(batch, row)
    if not batch.keys.keys() >= {row.record_key for row in rows}:
        finish_erasures(store, declared, now)  # the keys are gone and the rows are not: it was interrupted
    alive = {key: state for key, state in batch.after.items() if key not in batch.gone}
    _keep(batch, alive)
    finish_purges(store, feed, now)
    identify_children(store, processor_of(feed), feed, [alive[key] for key in alive], now)
    purge_children(store, declared, processor_of(feed), batch.gone, now)
    with store.write(Login.CONTENT, feed.owner) as connection:
        tables.submission_done(connection, names, now)


def _merge_one(batch: _Batch, row: Any) -> None:
    """Merge one slice into its child, unless it was merged before."""
    sent = slice_opened(row, batch.keys[row.record_key])
    if sent.sent.get("purge") is True:
        batch.gone.append(row.record_key)
        return
    was = batch.after.get(row.record_key)
    if was is not None and was.order >= sent.order:
        batch.again = True
        return
    merged = merge(was.held if was else None, sent.sent, sent.received_at.date().isoformat())
    if merged.held is not None:
        batch.after[row.record_key] = State(
            record_key=row.record_key, number=sent.number, position=sent.position, held=merged.held
        )
    if merged.purged:
        batch.purged.append(to_purge(batch.store, batch.feed.owner, sent, merged.purged))


def _keep(batch: _Batch, alive: Mapping[str, State]) -> None:
    """Keep the new states in both vaults, and what the rules say of them."""
    owner, now = batch.feed.owner, batch.now
    children = {key: child_of(state.held) for key, state in alive.items()}
    moved = marks.moved(batch.store, owner, children, batch.gone)
    whos, whats = halves(owner, alive, batch.keys, now)
    with batch.store.write(Login.IDENTITY, owner) as connection:
        who_store.keep_identities(connection, whos)
    others = _children(batch.store, owner, sorted(moved.changed))
    shared = marks.shared(batch.store, owner, [*children, *others], moved)
    near = postcodes_of(batch.store)
    found = checked(batch.feed, children, batch.before, shared, near, now)
    of_others = checked(batch.feed, others, {}, shared, near, now)
    with batch.store.write(Login.CONTENT, owner) as connection:
        tables.keep_states(connection, whats)
        for row in batch.purged:
            tables.keep_purge(connection, row)
        workers = {key: current_worker(child, now.date()) for key, child in {**others, **children}.items()}
        keep_problems(batch.store, connection, owner, found, workers, now, history=not batch.again)
        keep_problems(batch.store, connection, owner, of_others, workers, now, history=False)
        if alive:
            note_change(
                connection,
                Database.CONTENT,
                "collected",
                space=owner,
                subject="",
                now=now,
                more={"records": sorted(alive)},
            )
    marks.keep(batch.store, owner, moved, now)  # after the answers: interrupted before it, this finds them again


def _children(store: Store, owner: str, record_keys: Sequence[str]) -> dict[str, Child]:
    """Children as they are held, of whom nothing was sent."""
    states = states_of(store, owner, record_keys, both_keys(store, record_keys))
    return {key: child_of(state.held) for key, state in states.items()}


def checked(
    feed: Feed,
    children: Mapping[str, Child],
    before: Mapping[str, State],
    shared: Mapping[str, frozenset[str]],
    postcodes: PostcodeDirectory,
    now: datetime,
) -> dict[str, list[Problem]]:
    """What the rules say of some children, by record key; ``shared`` is what each has in common with another."""
    today = now.date()
    start = window_start(today, feed.months)
    found = {}
    for key, child in children.items():
        was = before.get(key)
        at = At(
            child=child,
            today=today,
            window=start,
            before=None if was is None else child_of(was.held),
            shared=shared.get(key, frozenset()),
            miles=postcodes.miles,
            exists=postcodes.exists,
        )
        found[key] = check(at)
    return found
