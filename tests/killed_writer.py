"""A program to be killed: keeps children's records and discloses them, one after the other, saying what it finished.

Each record begins as a job, which is its commit point: the job's steps may be done again without harm. A line on
standard output is said only when everything before it is kept.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Unavailable
from samechild.keys.actions import key_for_child
from samechild.keys.children import Vault
from samechild.policy import ledger
from samechild.settings import Settings
from samechild.storage import Database, Login, Store, changes, jobs, vaults, working
from samechild.storage.jobs import Job, Progress
from stores import reopen

KEEP = "keep"
SPACE = "council-a"


def ask(store: Store, record_key: str) -> None:
    """Take a record in: one row, from which everything else follows."""
    with store.write(Login.GATE) as connection:
        body = {"record": record_key}
        jobs.enqueue(connection, KEEP, body, idempotency_key=record_key, now=datetime.now(UTC), random=os.urandom)


def keep(store: Store, job: Job, progress: Progress) -> None:
    """Do the steps of one record, each only if it was not done before."""
    record_key = str(job.body["record"])
    now = datetime.now(UTC)
    with store.write(Login.GATE) as connection:
        keys = {vault: key_for_child(connection, store.keys, vault, record_key, os.urandom) for vault in Vault}
    heading = vaults.Heading(
        owner=SPACE, record_key=record_key, record_type="t", received_at=now, basis="b", retention="r"
    )
    with store.write(Login.IDENTITY, SPACE) as connection:
        if not has_row(connection, vaults.identity_rows, record_key):
            vaults.keep_identity(connection, keys[Vault.IDENTITY], heading, b"who", os.urandom)
            changes.note_change(connection, Database.IDENTITY, KEEP, space=SPACE, subject=record_key, now=now)
    progress(1, 2)
    with store.write(Login.CONTENT, SPACE) as connection:
        if not has_row(connection, vaults.content_rows, record_key):
            vaults.keep_content(connection, keys[Vault.CONTENT], heading, b"what", os.urandom)


def has_row(connection: sa.Connection, table: sa.Table, record_key: str) -> bool:
    """Whether a record's row is there already."""
    return bool(connection.scalar(sa.select(sa.exists().where(table.c.record_key == record_key))))


def disclose(store: Store, record_key: str) -> int:
    """Write the decision, read, write the outcome; only then may anything leave. Returns the decision's entry."""
    entry = ledger.append(store, "decision", {"record": record_key}, datetime.now(UTC))
    with store.read(Login.IDENTITY, SPACE) as connection:
        assert has_row(connection, vaults.identity_rows, record_key)
    ledger.append(store, "outcome", {"of": entry}, datetime.now(UTC))
    return entry


def finish(store: Store, later: timedelta = timedelta()) -> None:
    """Do what is waiting; ``later`` lets the leases of a killed process run out."""
    worker = working.Worker(
        name=f"w{os.getpid()}",
        clock=lambda: datetime.now(UTC) + later,
        random=os.urandom,
        lease=timedelta(seconds=2),
    )
    working.run_jobs(store, {KEEP: keep}, worker, threading.Event(), once=True)


def main(settings: Settings, first: int, last: int) -> None:
    """Keep and disclose records numbered so, waiting while the database is away."""
    store = None
    for number in range(first, last):
        record_key = f"record-{number:04}"
        while True:
            try:
                store = store or reopen(settings, durable=True)
                ask(store, record_key)
                finish(store)
                entry = disclose(store, record_key)
                break
            except (Unavailable, Conflict, AssertionError):
                time.sleep(0.1)
        print(f"{record_key} {entry}", flush=True)


if __name__ == "__main__":
    main(
        msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, text: kind(text)), *map(int, sys.argv[2:])
    )
