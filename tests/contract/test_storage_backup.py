"""A backup is whole or refused, holds no key, comes back as of one moment, and moves between kinds of database."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from samechild.cli.tables import all_tables
from samechild.errors import Conflict, Invalid, Missing, SamechildError, Unavailable
from samechild.keys.actions import key_for_child
from samechild.keys.children import Vault
from samechild.keys.root import root_key
from samechild.settings import Settings
from samechild.storage import Database, Login, Store, archive, backup, changes, opening, sqlite, vaults, verify
from stores import KINDS, an_installation, reopen

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
CANARY = b"Marmaduke-Zebedee"


def a_child(store: Store, record_key: str) -> None:
    with store.write(Login.GATE) as connection:
        keys = {vault: key_for_child(connection, store.keys, vault, record_key, os.urandom) for vault in Vault}
        changes.note_change(connection, Database.GATE, "kept", space="a", subject=record_key, now=NOW)
    heading = vaults.Heading(
        owner="a", record_key=record_key, record_type="t", received_at=NOW, basis="b", retention="r"
    )
    with store.write(Login.IDENTITY, "a") as connection:
        vaults.keep_identity(connection, keys[Vault.IDENTITY], heading, CANARY, os.urandom)
    with store.write(Login.CONTENT, "a") as connection:
        vaults.keep_content(connection, keys[Vault.CONTENT], heading, CANARY, os.urandom)


def owner_of(settings: Settings) -> str:
    return "postgres" if settings.gate_url else ""


def back_up(settings: Settings, path: Path) -> backup.Manifest:
    root = root_key("", settings.home)
    return backup.back_up(settings, all_tables(), path, root=root, random=os.urandom, now=NOW, owner=owner_of(settings))


def restore(settings: Settings, path: Path, root: bytes, force: bool = True) -> backup.Manifest:
    return backup.restore(
        settings, all_tables(), path, root=root, random=os.urandom, owner=owner_of(settings), force=force
    )


def faults(settings: Settings) -> list[verify.Fault]:
    return verify.verify(settings, all_tables(), root_key("", settings.home), owner_of(settings))


def everything(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {}
    with opening.owner_engines(settings, root_key("", settings.home), owner_of(settings)) as engines:
        for database, engine in engines.items():
            with engine.connect() as connection:
                for declared in all_tables():
                    for table in declared.sorted_tables if declared.info["database"] == database else []:
                        rows = connection.execute(sa.select(table).order_by(*table.primary_key.columns))
                        found[table.name] = [tuple(row) for row in rows]
    return found


@contextmanager
def with_children(kind: str, count: int = 5) -> Iterator[Settings]:
    with an_installation(kind) as settings:
        store = reopen(settings)
        for number in range(count):
            a_child(store, f"r{number}")
        store.close()
        yield settings


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_installation_and_one_with_rows_are_whole(kind: str) -> None:
    with an_installation(kind) as settings:
        reopen(settings).close()
        assert faults(settings) == []
    with with_children(kind) as settings:
        assert faults(settings) == []


@pytest.mark.parametrize(
    ("made", "into"), [*zip(KINDS, KINDS, strict=True), ("sqlite", "postgres"), ("postgres", "sqlite")]
)
def test_everything_comes_back(made: str, into: str, tmp_path: Path) -> None:
    with with_children(made) as settings, an_installation(into) as other:
        manifest = back_up(settings, tmp_path / "b")
        before = everything(settings)
        assert sum(part.rows for part in manifest.parts) == sum(map(len, before.values())) > 25
        other.home.mkdir(exist_ok=True)
        root_file = settings.home / "root.key"
        (other.home / "root.key").write_bytes(root_file.read_bytes())
        (other.home / "root.key").chmod(0o600)
        restore(other, tmp_path / "b", root_key("", settings.home))
        assert everything(other) == before
        assert faults(other) == []
        store = reopen(other)
        a_child(store, "after the restore")  # numbers go on where they were
        store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_holds_neither_a_value_nor_a_key(kind: str, tmp_path: Path) -> None:
    with with_children(kind) as settings:
        back_up(settings, tmp_path / "b")
        written = (tmp_path / "b").read_bytes()
        root = root_key("", settings.home)
        for secret in (CANARY, root, root.hex().encode(), b"identity_rows", b"SQLite"):
            assert secret not in written
        assert (tmp_path / "b").stat().st_mode & 0o077 == 0


def test_a_changed_cut_or_foreign_backup_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    with with_children("sqlite") as settings:
        back_up(settings, tmp_path / "b")
        root, before, whole = root_key("", settings.home), everything(settings), (tmp_path / "b").read_bytes()
        changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 25, 40, 60, len(whole) // 2, -1)]
        changed = [each if len(each) == len(whole) else whole[:-1] + bytes([whole[-1] ^ 1]) for each in changed]
        for bad in [*changed, whole[:-1], whole[:100], whole[:10], b"", whole + b"x", CANARY * 100]:
            (tmp_path / "bad").write_bytes(bad)
            with pytest.raises((Invalid, Unavailable)):
                restore(settings, tmp_path / "bad", root)
        with pytest.raises(Unavailable, match="root key"):
            restore(settings, tmp_path / "b", bytes(range(32)))
        with pytest.raises(Missing):
            restore(settings, tmp_path / "none", root)
        with pytest.raises(Conflict):
            restore(settings, tmp_path / "b", root, force=False)
        with pytest.raises(Conflict):
            back_up(settings, tmp_path / "b")
        assert everything(settings) == before


def test_pieces_of_an_archive_cannot_be_left_out_or_put_elsewhere(tmp_path: Path) -> None:
    root, piece = bytes(range(32)), archive.PIECE + 16
    with archive.writing(tmp_path / "a", root, os.urandom) as writer:
        for number in range(40):
            writer.add([number, os.urandom(100_000)])
    written = (tmp_path / "a").read_bytes()
    start = len(written) - len(written[52:]) if written[:19] == archive.MAGIC else 0
    head, body = written[:start], written[start:]
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)]
    assert len(pieces) == 4
    assert len(list(archive.reading(tmp_path / "a", root))) == 40
    for kept in itertools.chain(itertools.permutations(pieces, 3), itertools.permutations(pieces, 4)):
        if list(kept) != pieces:
            (tmp_path / "b").write_bytes(head + b"".join(kept))
            with pytest.raises(Invalid):
                list(archive.reading(tmp_path / "b", root))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_under_writers_is_of_one_moment(kind: str, tmp_path: Path) -> None:
    """Keys are committed before rows, identity before content: no moment has the later without the earlier."""
    with with_children(kind, count=1) as settings, an_installation("sqlite") as other:
        store, over = reopen(settings), threading.Event()

        def write() -> None:
            for number in itertools.count():
                if over.is_set():
                    return
                a_child(store, f"w{number:05}")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(3):
                back_up(settings, tmp_path / f"b{number}")
        finally:
            over.set()
            writer.join()
            store.close()
        (other.home / "root.key").write_bytes((settings.home / "root.key").read_bytes())
        for number in range(3):
            restore(other, tmp_path / f"b{number}", root_key("", settings.home))
            assert faults(other) == []
            rows = everything(other)
            keys, identity, content = (
                len(rows[name]) for name in ("identity_child_keys", "identity_rows", "content_rows")
            )
            assert keys >= identity >= content >= keys - 1


def test_a_full_disk_or_an_interruption_leaves_nothing_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_children("sqlite") as settings:
        for error, told in (
            (OSError(28, "No space left on device"), Unavailable),
            (KeyboardInterrupt(), KeyboardInterrupt),
        ):
            root = root_key("", settings.home)

            def stop(table: str, rows: int, error: BaseException = error) -> None:
                raise error

            with pytest.raises(told):
                backup.back_up(settings, all_tables(), tmp_path / "b", root=root, random=os.urandom, now=NOW, told=stop)
            assert list(tmp_path.iterdir()) == []


def test_an_interrupted_restore_keeps_the_old_files_or_shuts_the_installation(tmp_path: Path) -> None:
    with with_children("sqlite") as settings:
        back_up(settings, tmp_path / "b")
        root, before = root_key("", settings.home), everything(settings)

        def stop(table: str, rows: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            backup.restore(settings, all_tables(), tmp_path / "b", root=root, random=os.urandom, force=True, told=stop)
        assert everything(settings) == before
        assert not list(settings.home.glob("*.restored*"))
        (settings.home / opening.RESTORING).touch()  # killed while files were exchanged
        with pytest.raises(Unavailable, match="interrupted"):
            reopen(settings)
        restore(settings, tmp_path / "b", root, force=False)
        reopen(settings).close()
        assert everything(settings) == before


def test_an_interrupted_restore_on_a_server_shuts_the_installation(tmp_path: Path) -> None:
    with with_children("postgres") as settings:
        back_up(settings, tmp_path / "b")
        root, before = root_key("", settings.home), everything(settings)
        seen: list[str] = []

        def stop(table: str, rows: int) -> None:
            seen.append(table)
            if table == "identity_rows":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            backup.restore(
                settings,
                all_tables(),
                tmp_path / "b",
                root=root,
                random=os.urandom,
                owner="postgres",
                force=True,
                told=stop,
            )
        assert everything(settings) == before  # the gate's was put back whole, identity's undone
        with pytest.raises(Unavailable, match="interrupted"):
            reopen(settings)
        restore(settings, tmp_path / "b", root, force=False)
        reopen(settings).close()


def test_a_damaged_or_missing_file_is_found_and_a_restore_mends_it(tmp_path: Path) -> None:
    with with_children("sqlite", count=40) as settings:
        back_up(settings, tmp_path / "b")
        root = root_key("", settings.home)
        path = opening.file_of(settings.home, Database.IDENTITY)
        whole = path.read_bytes()
        path.write_bytes(whole[:8192] + os.urandom(len(whole) - 8192))
        assert [fault.database for fault in faults(settings)] == ["identity"]
        path.write_bytes(os.urandom(len(whole)))
        assert [fault.database for fault in faults(settings)] == ["identity"]
        for file in sqlite.files_of(path):
            file.unlink(missing_ok=True)
        with pytest.raises(Unavailable, match="identity"):
            reopen(settings)
        restore(settings, tmp_path / "b", root)
        assert faults(settings) == []


TAMPERED = {
    "both": [
        ("identity", "ALTER TABLE lookups ADD COLUMN more TEXT", "ALTER TABLE lookups DROP COLUMN more"),
        ("content", "ALTER TABLE content_rows RENAME TO gone", "ALTER TABLE gone RENAME TO content_rows"),
        ("content", "CREATE TABLE more (x INTEGER)", "DROP TABLE more"),
    ],
    "sqlite": [("gate", "DROP TRIGGER gate_changes_no_delete", "")],
    "postgres": [
        ("gate", "ALTER TABLE gate_changes DISABLE TRIGGER ALL", "ALTER TABLE gate_changes ENABLE TRIGGER ALL"),
        ("gate", "GRANT UPDATE ON gate_changes TO PUBLIC", "REVOKE UPDATE ON gate_changes FROM PUBLIC"),
        (
            "identity",
            "ALTER TABLE identity_rows DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE identity_rows ENABLE ROW LEVEL SECURITY",
        ),
        (
            "content",
            "GRANT INSERT ON content_rows TO samechild_extractor",
            "REVOKE INSERT ON content_rows FROM samechild_extractor",
        ),
        ("identity", "DROP POLICY identity_rows_indexer ON identity_rows", ""),
    ],
}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_verify_finds_what_was_tampered_with(kind: str) -> None:
    with with_children(kind, count=2) as settings:
        root = root_key("", settings.home)

        def run(database: str, statement: str) -> None:
            owner = opening.owner_engines(settings, root, owner_of(settings))
            with owner as engines, engines[Database(database)].begin() as connection:
                connection.exec_driver_sql(statement)

        run("gate", "DELETE FROM identity_child_keys WHERE record_key = 'r1'")
        assert [(fault.database, "r1" in fault.words) for fault in faults(settings)] == [("identity", False)]
        for database, statement, undo in TAMPERED["both"] + TAMPERED[kind]:
            run(database, statement)
            assert {fault.database for fault in faults(settings)} == {database}, statement
            if undo:
                run(database, undo)
            else:
                break


def test_a_root_key_is_not_made_by_a_restore_or_a_look(tmp_path: Path) -> None:
    with an_installation("sqlite") as settings:
        empty = msgspec.structs.replace(settings, home=tmp_path / "empty")
        with pytest.raises(SamechildError):
            restore(empty, tmp_path / "none", bytes(32))
        assert not (tmp_path / "empty" / "root.key").exists()
