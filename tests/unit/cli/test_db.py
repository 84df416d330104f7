"""The commands ``db`` and ``work`` as a person types them: what they say, and with which exit code they end."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from commands import Outcome
from samechild.cli.db import db
from samechild.cli.main import Door
from samechild.cli.tables import all_tables
from samechild.cli.work import TIDY, work
from samechild.keys.actions import key_for_child
from samechild.keys.children import Vault
from samechild.policy import ledger
from samechild.policy.retention.erasure import Why, erase
from samechild.records.disclosure import Asker
from samechild.settings import Settings, settings_of
from samechild.storage import Login, Store, jobs, open_store, vaults
from samechild.storage.jobs import JobState

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
DOOR = Door(commands={"db": db, "work": work})


def run(home: Path, *words: object) -> Outcome:
    name, *rest = map(str, words)
    where = [name, *rest, "--home", str(home)]
    done = CliRunner().invoke(DOOR, where)
    return Outcome(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def opened(home: Path) -> Store:
    return open_store(Settings(home=home), all_tables(), synchronous="OFF")


def keep_child(store: Store, record_key: str) -> None:
    with store.write(Login.GATE) as connection:
        key = key_for_child(connection, store.keys, Vault.IDENTITY, record_key, os.urandom)
    heading = vaults.Heading(
        owner="a", record_key=record_key, record_type="t", received_at=NOW, basis="b", retention="education"
    )
    with store.write(Login.IDENTITY, "a") as connection:
        vaults.keep_identity(connection, key, heading, b"plain", os.urandom)


def test_an_installation_is_made_looked_over_backed_up_and_put_back(home: Path, tmp_path: Path) -> None:
    assert run(home, "db", "migrate").code == 0
    assert run(home, "db", "migrate").code == 0
    whole = run(home, "db", "verify")
    assert (whole.code, whole.out) == (0, "The databases are whole.\n")
    saved = run(home, "db", "backup", tmp_path / "b")
    assert saved.code == 0, saved.said
    assert run(home, "db", "backup", tmp_path / "b").code == 5
    assert run(home, "db", "restore", tmp_path / "b").code == 5
    assert run(home, "db", "restore", tmp_path / "b", "--force").code == 0
    (home / "content.db").unlink()
    assert run(home, "db", "verify").code == 1
    assert run(home, "db", "restore", tmp_path / "b", "--force").code == 0
    assert run(home, "db", "verify").code == 0


def test_whoever_was_erased_since_is_erased_again(home: Path, tmp_path: Path) -> None:
    store = opened(home)
    for record_key in ("stays", "goes"):
        keep_child(store, record_key)
    ledger.append(store, "test", {}, NOW)
    saved = run(home, "db", "backup", tmp_path / "b")
    assert saved.code == 0, saved.said
    officer = Asker(user="u", organisation="a", role="officer")
    erase(store, all_tables(), ["goes"], Why.REQUEST, officer, datetime.now(UTC))
    store.close()
    older = run(home, "db", "restore", tmp_path / "b", "--force")
    assert older.code == 3
    assert "witness" in older.message
    done = run(home, "db", "restore", tmp_path / "b", "--force", "--accept-rollback", "u1")
    assert (done.code, "1 children" in done.out) == (0, True), done.said
    store = opened(home)
    with store.read(Login.IDENTITY, "a") as connection:
        left = connection.scalars(sa.select(vaults.identity_rows.c.record_key))
        assert list(left) == ["stays"]
    assert ledger.verify(store) == []
    store.close()
    assert run(home, "db", "verify").code == 0


def test_what_cannot_be_done_is_said_in_one_sentence(home: Path, tmp_path: Path) -> None:
    assert run(home, "db", "verify").code == 4  # nothing here yet, and looking makes nothing
    assert not home.exists()
    assert run(home, "db", "backup", tmp_path / "b").code == 4
    run(home, "db", "migrate")
    assert run(home, "db", "backup", tmp_path / "no" / "b").code == 6
    assert run(home, "db", "restore", tmp_path / "none").code == 4
    (tmp_path / "junk").write_bytes(b"junk" * 1000)
    junk = run(home, "db", "restore", tmp_path / "junk")
    assert (junk.code, junk.message.startswith("samechild: ")) == (2, True)
    (home / "root.key").unlink()
    assert run(home, "db", "backup", tmp_path / "c").code == 4
    assert not (tmp_path / "c").exists()


def test_waiting_jobs_are_done_once(home: Path) -> None:
    run(home, "db", "migrate")
    done = run(home, "work", "--once")
    assert (done.code, done.out) == (0, "Done: 4. To be tried again: 0. Given up: 0.\n")
    assert run(home, "work", "--once").out.startswith("Done: 0.")
    store = opened(home)
    with store.read(Login.GATE) as connection:
        assert TIDY in {job.kind for job in jobs.jobs_in(connection, JobState.DONE)}
    store.close()


def test_settings_from_the_environment_name_the_home(home: Path) -> None:
    assert settings_of(None, {"SAMECHILD_HOME": str(home)}).home == home
