"""``samechild work``: do the jobs that are waiting, until told to stop. The same runs inside ``samechild serve``.

Which function does which kind of job is listed here, because only the command line may know every room. A clock is not
kept: cron, Task Scheduler or the like call ``samechild work --once``.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click
import sqlalchemy as sa

from samechild.settings import settings_of
from samechild.storage import Login, Store, jobs, working
from samechild.storage.jobs import Job, Progress
from samechild.storage.working import Work, Worker

FINISH_ERASURES = "erasures.finish"
COLLECT = "registers.collect"
TIDY = "jobs.tidy"
DAILY = "collection.daily"
KEPT = timedelta(days=30)
"""So long a job that is done can still be looked up."""


@click.command("work")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME].")
@click.option("--once", is_flag=True, help="Do what is waiting now, then end.")
def work(home: Path | None, once: bool) -> None:
    """Do the jobs that are waiting; press Ctrl-C to stop after the one at hand.

    \b
    Example, every five minutes from cron:
      */5 * * * *  samechild work --once --home /srv/samechild
    """
    from samechild.cli.tables import all_tables
    from samechild.storage import open_store

    stop = threading.Event()
    tables = all_tables()
    store = open_store(settings_of(home), tables)
    try:
        _stop_when_told(stop)
        ask_for_upkeep(store, datetime.now(UTC))
        count = working.run_jobs(store, all_work(tables), a_worker(), stop, once=once)
    finally:
        store.close()
    click.echo(f"Done: {count.done}. To be tried again: {count.again}. Given up: {count.dead}.")


def all_work(tables: Sequence[sa.MetaData]) -> dict[str, Work]:
    """Which function does which kind of job, over all rooms."""
    return {
        FINISH_ERASURES: partial(_finish_erasures, tables),
        COLLECT: _collect,
        TIDY: _tidy,
        DAILY: partial(_daily, tables),
    }


def a_worker() -> Worker:
    """A worker named after this machine and process."""
    name = f"{socket.gethostname()} {os.getpid()}"
    return Worker(name=name, clock=lambda: datetime.now(UTC), random=os.urandom)


def ask_for_upkeep(store: Store, now: datetime) -> None:
    """Ask for what must be done regularly: each once a quarter, an hour or a day, however often it is asked for."""
    quarter = f"{now:%Y-%m-%dT%H}:{now.minute // 15 * 15:02}"
    regular = (
        (COLLECT, quarter),
        (FINISH_ERASURES, f"{now:%Y-%m-%dT%H}"),
        (TIDY, f"{now:%Y-%m-%d}"),
        (DAILY, f"{now:%Y-%m-%d}"),
    )
    with store.write(Login.GATE) as connection:
        for kind, when in regular:
            jobs.enqueue(connection, kind, {}, idempotency_key=when, now=now, random=os.urandom)


def _finish_erasures(tables: Sequence[sa.MetaData], store: Store, job: Job, progress: Progress) -> None:
    from samechild.errors import Unavailable
    from samechild.index.actions import finish_seals
    from samechild.index.erasing import follow_erasures
    from samechild.policy.people.actions import operator
    from samechild.policy.retention.erasure import finish_erasures

    unfinished = finish_erasures(store, tables, datetime.now(UTC))
    follow_erasures(store, datetime.now(UTC))
    finish_seals(store, operator(), datetime.now(UTC))
    if unfinished:
        raise Unavailable("Somebody is still reading what was erased: tried again shortly.")


def _collect(store: Store, job: Job, progress: Progress) -> None:
    from samechild.policy.registers.actions import collect

    collect(store, datetime.now(UTC))


def _daily(tables: Sequence[sa.MetaData], store: Store, job: Job, progress: Progress) -> None:
    """Look again at every child that councils sent: some answers change with the day alone."""
    from samechild.collection.daily import look_again
    from samechild.collection.feeds import feeds_of, processor_of
    from samechild.collection.processing import process
    from samechild.collection.purging import purge_ended

    now = datetime.now(UTC)
    process(store, tables, now)
    for feed in feeds_of(store, registers=True):
        purge_ended(store, tables, processor_of(feed), now)
        look_again(store, feed, now, lambda done: progress(done, 0))


def _tidy(store: Store, job: Job, progress: Progress) -> None:
    from samechild.policy.sign_in.sessions import forget_old

    forget_old(store, datetime.now(UTC))
    with store.write(Login.GATE) as connection:
        jobs.forget_done(connection, datetime.now(UTC) - KEPT)


def _stop_when_told(stop: threading.Event) -> None:
    """Let Ctrl-C or a kill stop the worker after the job at hand; the second one stops it at once."""
    if threading.current_thread() is not threading.main_thread():
        return

    def told(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGINT, told)
    signal.signal(signal.SIGTERM, told)
