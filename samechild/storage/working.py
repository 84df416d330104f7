"""Doing the jobs: take one, do it, say so, until told to stop.

While a function works, a second thread renews the lease; a worker that is told to stop finishes the job it has. Which
function does which kind of job is passed in: this room knows no work of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from samechild.errors import Conflict, Invalid, Missing, Refused, SamechildError, Unavailable
from samechild.keys.seal import Random
from samechild.storage import jobs
from samechild.storage.databases import Store
from samechild.storage.jobs import Job, JobState, Progress

Work = Callable[[Store, Job, Progress], None]
"""Does one job. It may be called again for a job that was done already, and must then change nothing more."""

LEASE = timedelta(seconds=60)
PAUSE = 1.0
"""Seconds between looks when there is nothing to do."""

HOPELESS = (Invalid, Refused, Missing)
"""Errors that another try would only meet again."""


class Count(msgspec.Struct):
    """What a worker did: jobs done, to be tried again, dead, and lost to another worker."""

    done: int = 0
    again: int = 0
    dead: int = 0
    lost: int = 0


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker works: its name, its clock, where random bytes come from, and how long it holds a job unheard."""

    name: str
    clock: Callable[[], datetime]
    random: Random
    lease: timedelta = LEASE


def run_jobs(
    store: Store, work: Mapping[str, Work], worker: Worker, stop: threading.Event, *, once: bool = False
) -> Count:
    """Do jobs of the kinds in ``work`` until ``stop`` is set, or (``once``) until nothing is ready.

    A database that cannot be reached is waited for, unless ``once``.

    Raises:
        Unavailable: with ``once``, when the database cannot be reached.
    """
    count = Count()
    while not stop.is_set():
        try:
            job = jobs.claim(
                store, work.keys(), worker.name, now=worker.clock(), lease=worker.lease, random=worker.random
            )
            if job is not None:
                _do(store, work[job.kind], job, worker, count)
        except (Unavailable, Conflict):
            if once:
                raise
            job = None
        if job is None:
            if once:
                break
            stop.wait(PAUSE)
    return count


def _do(store: Store, work: Work, job: Job, worker: Worker, count: Count) -> None:
    try:
        try:
            with _Heart(store, job, worker) as heart:
                failure = _attempt(store, work, job, heart.progress)
        except BaseException:  # Ctrl-C or a kill: somebody else may have it at once
            jobs.give_back(store, job, now=worker.clock())
            raise
        if failure is None:
            jobs.done(store, job, now=worker.clock())
            count.done += 1
            return
        hopeless = isinstance(failure, HOPELESS)
        state = jobs.failed(store, job, type(failure).__name__, now=worker.clock(), again=not hopeless)
    except Conflict:
        count.lost += 1
        return
    count.dead += state is JobState.DEAD
    count.again += state is JobState.WAITING


def _attempt(store: Store, work: Work, job: Job, progress: Progress) -> Exception | None:
    """Do the work; whatever stops it is returned, so that one bad job never stops the worker."""
    try:
        work(store, job, progress)
    except Exception as error:
        return error
    return None


class _Heart:
    """Renews a lease while its job is worked on; knows when it was lost."""

    def __init__(self, store: Store, job: Job, worker: Worker) -> None:
        self._store = store
        self._job = job
        self._worker = worker
        self._over = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._beat, name=f"lease of {job.job_id}", daemon=True)

    def __enter__(self) -> _Heart:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self._thread.join()

    def progress(self, counted: int, counted_of: int) -> None:
        """Say how far the job has got.

        Raises:
            Conflict: when another worker has the job now.
        """
        if self._lost:
            raise Conflict("This job is no longer held here: another worker took it.")
        now = self._worker.clock()
        jobs.renew(self._store, self._job, now=now, lease=self._worker.lease, counted=counted, counted_of=counted_of)

    def _beat(self) -> None:
        while not self._over.wait(self._worker.lease.total_seconds() / 3):
            try:
                jobs.renew(self._store, self._job, now=self._worker.clock(), lease=self._worker.lease)
            except Conflict:
                self._lost = True
                return
            except SamechildError:  # the database is away: the lease may still hold when it is back
                continue
