"""Work to be done later: one table in the gate's database, so that a job is asked for in the transaction that needs it.

A worker takes a job for a while (a lease) and says so again while it works; a worker that was killed lets its lease run
out and another takes the job. So each job is done at least once, never under two leases at the same time, and the
function that does it must be one that may be repeated. A job that fails is tried again, later each time; one that
failed too often, or whose deadline has passed, is dead and waits for a person.

A body holds opaque keys and codes, never a value of a child's record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from samechild.errors import Conflict
from samechild.keys.seal import Random
from samechild.sql.columns import Moment
from samechild.storage.databases import Login, Store

TABLES = sa.MetaData(info={"database": "gate"})

ATTEMPTS = 8
"""How often a job is tried when nothing else is said: with the waits below, for about two hours."""

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


jobs = sa.Table(
    "jobs",
    TABLES,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="JSON of opaque keys and codes"),
    sa.Column("idempotency_key", sa.Text, nullable=False, comment="asking twice under one key is asking once"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("not_before", Moment, nullable=False, comment="when it may be tried (again)"),
    sa.Column("deadline", Moment, comment="after this it is of no use"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("attempts_allowed", sa.Integer, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("lease", sa.Text, nullable=False, comment="drawn at each taking; empty when nobody has it"),
    sa.Column("lease_until", Moment),
    sa.Column("counted", sa.Integer, nullable=False, comment="progress: so many"),
    sa.Column("counted_of", sa.Integer, nullable=False, comment="of so many; 0: unknown"),
    sa.Column("failure", sa.Text, nullable=False, comment="kind of the last error, without its words"),
    sa.Column("ended_at", Moment),
    sa.UniqueConstraint("kind", "idempotency_key", name="jobs_asked_once"),
    sa.Index("jobs_next", "state", "not_before"),
    sa.CheckConstraint("state IN ('waiting', 'leased', 'done', 'dead')", name="jobs_state"),
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work as it stands; ``lease`` proves that a worker has it now."""

    job_id: str
    kind: str
    body: dict[str, Any]
    state: JobState
    made_at: datetime
    not_before: datetime
    deadline: datetime | None
    attempts: int
    attempts_allowed: int
    worker: str
    lease: str
    lease_until: datetime | None
    counted: int
    counted_of: int
    failure: str
    ended_at: datetime | None


def enqueue(
    connection: sa.Connection,
    kind: str,
    body: Mapping[str, object],
    *,
    idempotency_key: str,
    now: datetime,
    random: Random,
    not_before: datetime | None = None,
    deadline: datetime | None = None,
    attempts_allowed: int = ATTEMPTS,
) -> str:
    """Ask for work in the transaction that needs it, as the gate's role; returns the job's id.

    Asked again under the same ``idempotency_key`` the earlier job stands, done or not, and its id is returned.
    """
    values = {
        "job_id": random(16).hex(),
        "kind": kind,
        "body": msgspec.json.encode(body, order="deterministic").decode(),
        "idempotency_key": idempotency_key,
        "state": JobState.WAITING.value,
        "made_at": now,
        "not_before": not_before or now,
        "deadline": deadline,
        "attempts": 0,
        "attempts_allowed": attempts_allowed,
        "worker": "",
        "lease": "",
        "counted": 0,
        "counted_of": 0,
        "failure": "",
    }
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(jobs).values(values).on_conflict_do_nothing(index_elements=["kind", "idempotency_key"]))
    asked = sa.select(jobs.c.job_id).where(jobs.c.kind == kind, jobs.c.idempotency_key == idempotency_key)
    return str(connection.scalar(asked))


def claim(
    store: Store, kinds: Collection[str], worker: str, *, now: datetime, lease: timedelta, random: Random
) -> Job | None:
    """Take the job that has waited longest, for the length of a lease; None when there is nothing to do.

    Two workers never have one job: PostgreSQL skips rows that another is taking, SQLite lets one in at a time.
    """
    with store.write(Login.GATE) as connection:
        bury(connection, now)
        ready = ((jobs.c.state == JobState.WAITING.value) & (jobs.c.not_before <= now)) | _abandoned(now)
        found = connection.execute(
            sa.select(jobs.c.job_id)
            .where(jobs.c.kind.in_(sorted(kinds)), ready)
            .order_by(jobs.c.not_before, jobs.c.made_at, jobs.c.job_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).scalar()
        if found is None:
            return None
        connection.execute(
            jobs.update()
            .where(jobs.c.job_id == found)
            .values(
                state=JobState.LEASED.value,
                worker=worker,
                lease=random(16).hex(),
                lease_until=now + lease,
                attempts=jobs.c.attempts + 1,
                counted=0,
                counted_of=0,
            )
        )
        return job(connection, found)


def bury(connection: sa.Connection, now: datetime) -> int:
    """Declare dead what nobody holds and what is past its deadline or was given up too often; says how many."""
    late = jobs.c.deadline.is_not(None) & (jobs.c.deadline <= now)
    nobody_has_it = (jobs.c.state == JobState.WAITING.value) | _abandoned(now)
    worn_out = _abandoned(now) & (jobs.c.attempts >= jobs.c.attempts_allowed)
    doomed = (
        sa.select(jobs.c.job_id, late.label("late"))
        .where((late & nobody_has_it) | worn_out)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(doomed).all()
    for row in rows:
        connection.execute(
            jobs.update().where(jobs.c.job_id == row.job_id).values(_ended(JobState.DEAD, now, _why(bool(row.late))))
        )
    return len(rows)


def renew(
    store: Store,
    mine: Job,
    *,
    now: datetime,
    lease: timedelta,
    counted: int | None = None,
    counted_of: int | None = None,
) -> None:
    """Keep a job for another lease, and say how far it has got.

    Raises:
        Conflict: when the lease ran out and another worker took the job: stop, and undo what is not committed.
    """
    values: dict[str, object] = {"lease_until": now + lease}
    values |= {} if counted is None else {"counted": counted}
    values |= {} if counted_of is None else {"counted_of": counted_of}
    _change_mine(store, mine, values)


def done(store: Store, mine: Job, *, now: datetime) -> None:
    """Say that a job is finished.

    Raises:
        Conflict: when another worker took the job meanwhile.
    """
    _change_mine(store, mine, _ended(JobState.DONE, now, ""))


def failed(store: Store, mine: Job, why: str, *, now: datetime, again: bool = True) -> JobState:
    """Say that a job failed: it is tried again later, or is dead when tried too often, too late or never to succeed.

    ``why`` is the kind of the error, without its words: those might hold what a record says.

    Raises:
        Conflict: when another worker took the job meanwhile.
    """
    next_try = now + wait_after(mine.attempts)
    too_late = mine.deadline is not None and next_try >= mine.deadline
    if not again or too_late or mine.attempts >= mine.attempts_allowed:
        _change_mine(store, mine, _ended(JobState.DEAD, now, why))
        return JobState.DEAD
    values = {"state": JobState.WAITING.value, "lease": "", "lease_until": None, "failure": why}
    _change_mine(store, mine, {**values, "not_before": next_try})
    return JobState.WAITING


def give_back(store: Store, mine: Job, *, now: datetime) -> None:
    """Put a job back that a worker was told to leave (it is stopping); the try does not count."""
    values = {"state": JobState.WAITING.value, "lease": "", "lease_until": None, "not_before": now}
    _change_mine(store, mine, {**values, "attempts": jobs.c.attempts - 1})


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many tries: ten seconds, then twice as long each time, an hour at most."""
    doublings = min(max(attempts - 1, 0), 20)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def job(connection: sa.Connection, job_id: str) -> Job | None:
    """Find one job; None when there is none of that id."""
    found = connection.execute(sa.select(jobs).where(jobs.c.job_id == job_id)).first()
    return None if found is None else _job(found)


def jobs_in(connection: sa.Connection, state: JobState, limit: int = 100) -> list[Job]:
    """The jobs in one state, the longest waiting first: the dead are the ones a person must look at."""
    asked = sa.select(jobs).where(jobs.c.state == state.value).order_by(jobs.c.not_before, jobs.c.job_id).limit(limit)
    return [_job(row) for row in connection.execute(asked)]


def revive(connection: sa.Connection, job_id: str, now: datetime, deadline: datetime | None = None) -> bool:
    """Let a dead job be tried afresh, after a person looked at it; False when it is not dead."""
    values = {"state": JobState.WAITING.value, "attempts": 0, "not_before": now, "ended_at": None}
    dead = (jobs.c.job_id == job_id) & (jobs.c.state == JobState.DEAD.value)
    return connection.execute(jobs.update().where(dead).values(**values, deadline=deadline)).rowcount == 1


def forget_done(connection: sa.Connection, before: datetime) -> int:
    """Delete jobs done before a moment; their idempotency keys are free again. Returns how many."""
    old = (jobs.c.state == JobState.DONE.value) & (jobs.c.ended_at < before)
    return connection.execute(jobs.delete().where(old)).rowcount


Progress = Callable[[int, int], None]
"""Says how far a job has got (so many, of so many) and keeps it; raises Conflict once it is another worker's."""


def _abandoned(now: datetime) -> sa.ColumnElement[bool]:
    return (jobs.c.state == JobState.LEASED.value) & (jobs.c.lease_until <= now)


def _why(late: bool) -> str:
    return "deadline passed" if late else "given up too often"


def _ended(state: JobState, now: datetime, failure: str) -> dict[str, Any]:
    return {"state": state.value, "ended_at": now, "lease": "", "lease_until": None, "failure": failure}


def _change_mine(store: Store, mine: Job, values: Mapping[str, Any]) -> None:
    held = (jobs.c.job_id == mine.job_id) & (jobs.c.lease == mine.lease) & (jobs.c.state == JobState.LEASED.value)
    with store.write(Login.GATE) as connection:
        if connection.execute(jobs.update().where(held).values(**values)).rowcount != 1:
            raise Conflict("This job is no longer held here: another worker took it after the lease ran out.")


def _job(row: sa.Row[Any]) -> Job:
    values = dict(row._mapping)
    del values["idempotency_key"]
    return Job(**{**values, "body": msgspec.json.decode(row.body), "state": JobState(row.state)})
