"""kill -9 of the application, and of the database server, in the middle of 200 writes: nothing is lost or half-done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

import killed_writer
import postgres_server
from project import ROOT
from samechild.cli.tables import all_tables
from samechild.keys.root import root_key
from samechild.policy import ledger
from samechild.settings import Settings
from samechild.storage import Login, Store, jobs, vaults, verify
from samechild.storage.jobs import JobState
from stores import KINDS, an_installation, reopen

pytestmark = pytest.mark.slow
WRITES = 200


@contextmanager
def a_writer(settings: Settings, first: int) -> Iterator[subprocess.Popen[str]]:
    given = msgspec.json.encode(settings, enc_hook=str).decode()
    command = [sys.executable, str(ROOT / "tests" / "killed_writer.py"), given, str(first), str(WRITES)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def said_by(process: subprocess.Popen[str], lines: int) -> dict[str, int]:
    """Read so many lines of what the writer finished, or all until it ends."""
    assert process.stdout is not None
    found = {}
    for line in process.stdout:
        record_key, entry = line.split()
        found[record_key] = int(entry)
        if len(found) == lines:
            break
    return found


def check(store: Store, settings: Settings, disclosed: dict[str, int]) -> None:
    """Everything said to be kept is there once; everything begun was finished; the ledger is whole and first."""
    killed_writer.finish(store, later=timedelta(hours=1))
    with store.read(Login.GATE) as connection:
        asked = {str(job.body["record"]) for job in jobs.jobs_in(connection, JobState.DONE, limit=10_000)}
        for state in (JobState.WAITING, JobState.LEASED, JobState.DEAD):
            assert jobs.jobs_in(connection, state) == []
    for login, table in ((Login.IDENTITY, vaults.identity_rows), (Login.CONTENT, vaults.content_rows)):
        with store.read(login, killed_writer.SPACE) as connection:
            assert sorted(connection.scalars(sa.select(table.c.record_key))) == sorted(asked)
    assert set(disclosed) <= asked
    assert ledger.verify(store) == []
    last = ledger.head(store).size
    assert max(disclosed.values(), default=-1) < last
    for record_key, entry in disclosed.items():
        assert record_key in ledger.prove(store, entry).entry
    owner = "postgres" if settings.gate_url else ""
    assert verify.verify(settings, all_tables(), root_key("", settings.home), owner) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_application_is_killed(kind: str) -> None:
    chance = random.Random(7)
    with an_installation(kind) as settings:
        disclosed: dict[str, int] = {}
        first = 0
        while first < WRITES:
            with a_writer(settings, first) as process:
                disclosed |= said_by(process, chance.randrange(10, 40))
                time.sleep(chance.random() / 50)
                process.kill()
                process.wait()
                disclosed |= said_by(process, WRITES)
            first = len(disclosed)
            store = reopen(settings, durable=True)
            check(store, settings, disclosed)
            store.close()
        assert len(disclosed) == WRITES


def test_the_database_server_is_killed(tmp_path: Path) -> None:
    chance = random.Random(8)
    server = postgres_server.own_server()
    with server as folder, postgres_server.databases(all_tables(), postgres_server.server_in(folder)) as urls:
        settings = msgspec.structs.replace(Settings(home=tmp_path / "home"), **urls)
        disclosed: dict[str, int] = {}
        with a_writer(settings, 0) as process:
            while len(disclosed) < WRITES - 40:
                disclosed |= said_by(process, chance.randrange(10, 40))
                time.sleep(chance.random() / 50)
                postgres_server.kill_server(folder)
                process.send_signal(signal.SIGSTOP)  # so that nothing moves while the ledger is looked at
                postgres_server.start_again(folder, ["recovery_init_sync_method=syncfs"])  # much faster, as safe
                store = reopen(settings, durable=True)
                assert ledger.verify(store) == []
                store.close()
                process.send_signal(signal.SIGCONT)
            disclosed |= said_by(process, WRITES)
            assert process.wait() == 0
        assert len(disclosed) == WRITES
        store = reopen(settings, durable=True)
        check(store, settings, disclosed)
        store.close()
