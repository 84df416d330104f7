"""kill -9 of the program and of the database while children are sent: every receipt is kept, nothing is there twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

import postgres_server
from collecting import a_council
from killed_collector import CHILDREN
from project import ROOT
from samechild.cli.tables import all_tables
from samechild.collection import store as tables
from samechild.collection.processing import process
from samechild.collection.states import put_right, rebuilt, states_of
from samechild.policy import ledger
from samechild.policy.received import both_keys
from samechild.policy.retention.erasure import finish_erasures
from samechild.settings import Settings
from samechild.storage import Login, Store
from stores import an_installation, reopen

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("SAMECHILD_KILLS", "10"))
"""How often each test kills: a hundred times when asked for."""

REQUESTS = 20 * KILLS
"""More than are sent between that many kills."""


@contextmanager
def a_sender(settings: Settings, first: int) -> Iterator[subprocess.Popen[str]]:
    given = msgspec.json.encode(settings, enc_hook=str).decode()
    command = [sys.executable, str(ROOT / "tests" / "killed_collector.py"), given, str(first), str(REQUESTS)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    process_ = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})
    try:
        yield process_
    finally:
        process_.kill()
        process_.wait()


def said_by(process_: subprocess.Popen[str], lines: int) -> list[list[str]]:
    assert process_.stdout is not None
    found: list[list[str]] = []
    for line in process_.stdout:
        found.append(line.split())
        if len(found) == lines:
            break
    return found


def check(store: Store, sent: dict[str, str]) -> None:
    """Worked off, each child is held once, as last sent; what is held is what was received adds up to."""
    now = datetime.now(UTC)
    finish_erasures(store, all_tables(), now)
    process(store, all_tables(), now)
    with store.read(Login.CONTENT, "council") as connection:
        record_keys = tables.all_children(connection, "council", "", 10 * CHILDREN)
        state = set(connection.scalars(sa.select(tables.submissions.c.state)))
        slices = list(connection.execute(sa.select(tables.slices.c.submission, tables.slices.c.position)))
        numbers = sorted(connection.scalars(sa.select(tables.submissions.c.number)))
        once = list(connection.scalars(sa.select(tables.submissions.c.once)))
    assert state <= {"done"}
    assert len(slices) == len(set(slices))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(once) == len(set(once))
    keys = both_keys(store, record_keys)
    states = states_of(store, "council", record_keys, keys)
    for key in record_keys:
        assert states.get(key) == rebuilt(store, "council", key, keys)
    assert put_right(store, "council", record_keys, now) == []
    held = {each.held.child["la_child_id"]: each.held.child for each in states.values()}
    assert len(held) == len(states), "nobody is there twice"
    for child, day in sent.items():
        assert held[child]["social_care_episodes"][0]["referral_date"] >= day, "what had a receipt is kept"
    assert ledger.verify(store) == []


def told(said: list[list[str]]) -> dict[str, str]:
    return {word.partition("=")[0]: word.partition("=")[2] for line in said for word in line[1:]}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_receipt_outlives_the_program(kind: str) -> None:
    chance = random.Random(23)
    with an_installation(kind) as settings:
        store = reopen(settings, durable=True)
        a_council(store, index=True)
        store.close()
        first, sent = 0, dict[str, str]()
        for _ in range(KILLS):
            with a_sender(settings, first) as process_:
                said = said_by(process_, 1 + chance.randrange(2, 8))
                time.sleep(chance.random() / 10)
                process_.kill()
                process_.wait()
                said += said_by(process_, REQUESTS)
            sent |= told(said)
            first = max([first, *(int(line[0]) + 1 for line in said)])
            store = reopen(settings, durable=True)
            check(store, sent)
            store.close()
        assert first >= KILLS


def test_a_receipt_outlives_the_database(tmp_path: Path) -> None:
    chance = random.Random(29)
    server = postgres_server.own_server()
    with server as folder, postgres_server.databases(all_tables(), postgres_server.server_in(folder)) as urls:
        settings = msgspec.structs.replace(Settings(home=tmp_path / "home"), **urls)
        store = reopen(settings, durable=True)
        a_council(store)
        store.close()
        sent, seen = dict[str, str](), 0
        with a_sender(settings, 0) as process_:
            for _ in range(KILLS):
                said = said_by(process_, chance.randrange(4, 10))
                seen, sent = int(said[-1][0]), sent | told(said)
                time.sleep(chance.random() / 20)
                postgres_server.kill_server(folder)
                process_.send_signal(signal.SIGSTOP)
                postgres_server.start_again(folder, ["recovery_init_sync_method=syncfs"])
                process_.send_signal(signal.SIGCONT)
            sent |= told(said_by(process_, 5))
        assert seen >= KILLS
        store = reopen(settings, durable=True)
        check(store, sent)
        store.close()
