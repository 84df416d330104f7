"""Opening an installation: made once, whole or not at all, its faults told in words that show nothing."""

from __future__ import annotations

import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from samechild.errors import Invalid, Missing, SamechildError, Unavailable
from samechild.settings import Settings
from samechild.sql.columns import moment, moment_text
from samechild.storage import Database, Login, Store, changes, cipher, open_store, postgres, sqlite
from samechild.storage.faults import translated
from samechild.storage.guards import Guard, guard_of, statements
from samechild.storage.opening import RESTORING, WHOLE, file_of, on_server
from samechild.storage.whole import write_whole

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def tables() -> list[sa.MetaData]:
    from samechild.cli.tables import all_tables

    return all_tables()


def opened(home: Path, **settings: object) -> Store:
    made = msgspec.structs.replace(Settings(home=home), **settings)
    return open_store(made, tables(), synchronous="OFF")


def test_an_installation_is_made_at_first_use_for_its_owner_only(tmp_path: Path) -> None:
    store = opened(tmp_path / "home")
    store.close()
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "home").iterdir() if path.suffix != ".lock"}
    assert set(modes.values()) == {0}, modes
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    assert {"gate.db", "identity.db", "content.db", "root.key", WHOLE} <= set(modes)


def test_several_processes_may_open_a_new_home_at_once(tmp_path: Path) -> None:
    found: list[object] = []

    def run() -> None:
        try:
            store = opened(tmp_path / "home")
            found.append(store.keys.reference("x"))
            store.close()
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(str, found))) == 1
    assert isinstance(found[0], str)


@pytest.mark.parametrize("stop", range(1, 16))
def test_making_it_interrupted_anywhere_can_be_taken_up_again(tmp_path: Path, stop: int) -> None:
    """Random bytes are drawn all the way through: stopping at each draw stops at many places."""
    left = stop

    def random(size: int) -> bytes:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return os.urandom(size)

    settings = Settings(home=tmp_path / "home", encrypted=stop % 2 == 0)
    try:
        open_store(settings, tables(), random, synchronous="OFF").close()
    except KeyboardInterrupt:
        open_store(settings, tables(), synchronous="OFF").close()
    store = open_store(settings, tables(), synchronous="OFF")
    with store.write(Login.GATE) as connection:
        changes.note_change(connection, Database.GATE, "k", space="", subject="s", now=NOW)
    store.close()


@pytest.mark.parametrize("name", [f"{database}.db" for database in Database])
def test_a_lost_database_is_a_loss_and_not_a_beginning(tmp_path: Path, name: str) -> None:
    opened(tmp_path / "home").close()
    (tmp_path / "home" / name).unlink()
    with pytest.raises(Unavailable, match=name):
        opened(tmp_path / "home")
    assert not (tmp_path / "home" / name).exists()


def test_a_damaged_database_says_so_and_shows_nothing(tmp_path: Path) -> None:
    opened(tmp_path / "home").close()
    file_of(tmp_path / "home", Database.GATE).write_bytes(b"Marmaduke" * 5000)
    with pytest.raises(Unavailable, match="damaged"):
        opened(tmp_path / "home")


def test_a_restore_under_way_keeps_it_shut(tmp_path: Path) -> None:
    opened(tmp_path / "home").close()
    (tmp_path / "home" / RESTORING).touch()
    with pytest.raises(Unavailable, match="restore"):
        opened(tmp_path / "home")


def test_a_home_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        opened(tmp_path / "file" / "home")


def test_all_three_addresses_or_none(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="all three"):
        on_server(Settings(home=tmp_path, gate_url="postgresql://h/g"))
    for bad in ("mysql://h/n", "postgresql://h", "nonsense", "sqlite:///x"):
        with pytest.raises(Invalid, match="postgresql://HOST/NAME"):
            postgres.url(bad)
    read = postgres.url("postgres://someone:word@h:5433/n?sslmode=require", "owner")
    assert (read.username, read.password, read.host, read.port, read.database) == ("owner", None, "h", 5433, "n")
    assert dict(read.query) == {"sslmode": "require"}


def test_an_encrypted_file_holds_no_readable_word_and_needs_its_key(tmp_path: Path) -> None:
    store = opened(tmp_path / "home", encrypted=True)
    with store.write(Login.GATE) as connection:
        changes.note_change(connection, Database.GATE, "k", space="", subject="Marmaduke", now=NOW)
    store.close()
    for path in (tmp_path / "home").glob("*.db*"):
        written = path.read_bytes()
        assert b"SQLite" not in written
        assert b"Marmaduke" not in written
    with pytest.raises(Unavailable):
        opened(tmp_path / "home", encrypted=False)
    (tmp_path / "home" / cipher.FILE).unlink()
    with pytest.raises(Missing):
        opened(tmp_path / "home", encrypted=True)


def test_the_databases_key_opens_with_both_root_keys_while_they_change(tmp_path: Path) -> None:
    old, new = bytes(range(32)), bytes(range(1, 33))
    secret = cipher.database_key(tmp_path, old, os.urandom)
    cipher.wrap_for(tmp_path, old, new, os.urandom)
    assert cipher.database_key(tmp_path, old) == cipher.database_key(tmp_path, new) == secret
    cipher.wrap_only_for(tmp_path, new, os.urandom)
    assert cipher.database_key(tmp_path, new) == secret
    with pytest.raises(Unavailable):
        cipher.database_key(tmp_path, old)
    (tmp_path / cipher.FILE).write_text("not hexadecimal")
    with pytest.raises(Unavailable):
        cipher.database_key(tmp_path, new)
    cipher.wrap_for(tmp_path / "none", old, new, os.urandom)


def test_a_writer_that_waits_too_long_is_told_to_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    store = opened(tmp_path / "home")
    with store.write(Login.GATE), pytest.raises(Unavailable, match="busy"), store.write(Login.GATE):
        pass
    with store.write(Login.GATE), store.read(Login.GATE) as connection:  # readers are never kept waiting
        assert changes.newest(connection, Database.GATE) == 0
    store.close()


def test_a_full_disk_undoes_the_whole_transaction(tmp_path: Path) -> None:
    store = opened(tmp_path / "home")

    def fill(connection: sa.Connection, bytes_each: int) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
        for _ in range(500):
            more = {"x": "y" * bytes_each}
            changes.note_change(connection, Database.GATE, "k", space="", subject="s", now=NOW, more=more)

    with pytest.raises(Unavailable, match="full"), store.write(Login.GATE) as connection:
        fill(connection, 4000)
    with store.read(Login.GATE) as connection:
        assert changes.newest(connection, Database.GATE) == 0
    store.close()


@pytest.mark.parametrize("words", ["locked", "database or disk is full", "disk I/O error", "unable to open database"])
def test_what_sqlite_says_is_said_in_our_words(words: str) -> None:
    inner = sqlite3.OperationalError(f"{words} Marmaduke")
    error = sa.exc.OperationalError("SELECT 'Marmaduke'", {"x": "Marmaduke"}, inner)
    ours = translated(error)
    assert isinstance(ours, Unavailable)
    for each in (ours, error, inner):
        assert "Marmaduke" not in f"{each} {each!r} {vars(each)}"


def test_an_unknown_fault_is_ours_and_shows_only_its_kind() -> None:
    ours = translated(sa.exc.ProgrammingError("SELECT 'Marmaduke'", {}, sqlite3.ProgrammingError("Marmaduke")))
    assert type(ours) is SamechildError
    assert "Marmaduke" not in str(ours)
    assert isinstance(translated(sa.exc.TimeoutError("pool")), Unavailable)
    assert isinstance(translated(sa.exc.InvalidRequestError("Marmaduke")), SamechildError)


def test_a_moment_is_kept_in_utc_and_text_order_is_time() -> None:
    summer = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert moment_text(summer) == "2026-07-01T11:00:00.000000Z"
    assert moment(moment_text(summer)) == summer
    with pytest.raises(Invalid):
        moment_text(datetime(2026, 7, 1))


def test_a_file_is_whole_or_as_before(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    with pytest.raises(Unavailable):
        write_whole(tmp_path / "none" / "f", b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_guards_are_read_from_the_declaration() -> None:
    declared = sa.MetaData(info={"database": "gate"})
    columns = (sa.Column("n", sa.Integer, primary_key=True), sa.Column("owner", sa.Text))
    plain = sa.Table("plain", declared, *(column._copy() for column in columns))
    assert guard_of(Database.GATE, plain) == Guard(
        table="plain", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}, sequence="plain_n_seq"
    )
    info = {
        "append_only": True,
        "owned": True,
        "grants": {"ledger": "SELECT", "gate": ""},
        "row_rules": {"ledger": "n > 1"},
    }
    kept = sa.Table("kept", declared, *(column._copy() for column in columns), info=info)
    guard = guard_of(Database.GATE, kept)
    assert guard.grants == {"ledger": "SELECT"}
    made = " ".join(statements("postgresql", guard))
    assert "owner = current_setting('samechild.space', true) AND n > 1" in made
    assert "BEFORE UPDATE OR DELETE OR TRUNCATE" in made
    wrong = sa.Table("wrong", declared, columns[0]._copy(), info={"append_only": True, "grants": {"gate": "UPDATE"}})
    with pytest.raises(Invalid, match="append-only"):
        guard_of(Database.GATE, wrong)
