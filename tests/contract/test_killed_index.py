"""kill -9 in the middle of loads, merges and undos: the events add up, nothing that was said to be kept is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

import gate
from commands import linked_town
from indexing import OFFICER, SCHOOL_OFFICER, SYSTEM
from project import ROOT
from samechild.cli.tables import all_tables
from samechild.index import store as tables
from samechild.index.actions import rebuild
from samechild.index.live import live
from samechild.keys.root import root_key
from samechild.policy import ledger
from samechild.settings import Settings
from samechild.storage import Login, Store, vaults, verify
from stores import an_installation, reopen

pytestmark = pytest.mark.slow
STEPS = 60


def a_program(settings: Settings, folder: Path, first: int) -> subprocess.Popen[str]:
    given = msgspec.json.encode(settings, enc_hook=str).decode()
    command = [sys.executable, str(ROOT / "tests" / "killed_indexer.py"), given, str(folder), str(first), str(STEPS)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})


def said_by(process: subprocess.Popen[str], lines: int) -> list[list[str]]:
    assert process.stdout is not None
    found: list[list[str]] = []
    for line in process.stdout:
        found.append(line.split())
        if len(found) == lines:
            break
    return found


def check(store: Store, settings: Settings, kept: set[str]) -> None:
    """The events add up; every member has its record and its sealed identity; what was said to be kept is there."""
    with store.read(Login.INDEX) as connection:
        members = {row[0] for row in tables.every_member(connection, "council")}
        records = set(connection.scalars(sa.select(tables.index_records.c.record_key)))
        sealed = set(connection.scalars(sa.select(vaults.identity_rows.c.record_key)))
        numbers = list(connection.scalars(sa.select(tables.index_events.c.number).order_by("number")))
    assert numbers == list(range(1, len(numbers) + 1))
    assert kept <= members
    assert members == records == sealed
    if members:
        found = rebuild(store, "council")
        assert (found.differences, found.same_hash) == (0, True)
        assert len(live(store, "council", datetime.now(UTC)).copy) == len(members)
    assert ledger.verify(store) == []
    owner = "postgres" if settings.gate_url else ""
    assert verify.verify(settings, all_tables(), root_key("", settings.home), owner) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_index_survives_being_killed(kind: str) -> None:
    chance = random.Random(11)
    folder = linked_town()
    with an_installation(kind) as settings:
        store = reopen(settings, durable=True)
        gate.a_world(store)
        with store.write(Login.GATE) as connection:
            for person in (OFFICER, SYSTEM, SCHOOL_OFFICER):
                gate.give(connection, person)
        store.close()
        kept: set[str] = set()
        first, loaded, kills = 0, False, 0
        while first < STEPS:
            process = a_program(settings, folder, first)
            try:
                if not loaded and kills < 4:
                    time.sleep(1.5 + chance.random() * 2)  # somewhere in the load
                    said = []
                else:
                    said = said_by(process, 1 + chance.randrange(4, 14))
                    time.sleep(chance.random() / 30)
                process.kill()
                process.wait()
                said += said_by(process, STEPS + 1)
            finally:
                process.kill()
                process.wait()
            kills += 1
            loaded = loaded or ["loaded"] in said
            steps = [line for line in said if line != ["loaded"]]
            kept |= {key for line in steps for key in line[1:]}
            first = max([first, *(int(line[0]) + 1 for line in steps)])
            store = reopen(settings, durable=True)
            check(store, settings, kept)
            store.close()
        assert loaded
