"""An erased child is gone: from every database, file, backup put back, export and log, whatever interrupts it.

A child with names found nowhere else is planted in everything an installation keeps. Before the erasure the child's
keys are found where they should be; afterwards not one byte of child or keys is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from os import urandom
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from asking import NOW
from gate import OPERATOR, WORKER, a_child, a_search, a_world, an_officer, involve, own_ask
from samechild.cli.tables import all_tables
from samechild.errors import Missing, Refused, Unavailable
from samechild.keys import store as key_store
from samechild.keys.actions import key_for_child, key_of_child, keys_of_children, salt_of_child
from samechild.keys.children import Vault
from samechild.keys.graveyard import FILE, buried
from samechild.policy import ledger
from samechild.policy.ledger.check import verify
from samechild.policy.ledger.export import export
from samechild.policy.retention import erasure as room
from samechild.policy.retention.erasure import (
    Why,
    certificate,
    erase,
    erased_tables,
    finish_erasures,
    replay_tombstones,
)
from samechild.policy.vault_actions import Kept, keep_record, read_record, search
from samechild.settings import Settings
from samechild.storage import Database, Login, sqlite
from samechild.storage.backup import back_up, restore
from samechild.storage.guards import guard_of
from samechild.storage.opening import owner_engines
from stores import KINDS, an_installation, reopen

TABLES = all_tables()
OFFICER = an_officer("council")
CANARY = {
    "forename": "Zephyrine",
    "surname": "Quillfeather",
    "date_of_birth": "2013-02-28",
    "sex": "M",  # the other child is a girl: a token the two share would stay
    "postcode": "ZE1 0QF",
    "nhs_number": "9990000026",
}
WORDS = ("zephyrine", "quillfeather", "ze1 0qf", "ze10qf", "9990000026", "wept at the lighthouse")
"""What is distinctive about the child, as any file would hold it, in small letters."""


def owner_of(settings: Settings) -> str:
    """Who signs in to see every row: the superuser of the tests' PostgreSQL."""
    return "postgres" if settings.gate_url else ""


class World:
    """An installation with the planted child and another one, and everything that must be gone afterwards."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.time = settings, NOW
        self.store = reopen(settings)
        a_world(self.store)
        self.child = a_child(self.store, identity=CANARY, content={"social-care.episode": b"wept at the lighthouse"})
        self.other = a_child(self.store)
        for child in (self.child, self.other):
            involve(self.store, child, WORKER)
        assert search(self.store, a_search(), {"surname": "Quillfeather"}).record_keys == (self.child,)
        assert read_record(self.store, own_ask(self.child))[0].plain == b"wept at the lighthouse"
        self.told = self.told_of_child()
        assert len(self.told) >= 4
        self.wrapped, self.secrets = self._keys()

    def _keys(self) -> tuple[list[bytes], list[bytes]]:
        """What of the child's keys is kept, and the keys themselves."""
        with self.store.read(Login.GATE) as gate:
            kept = [key_store.child_key(gate, vault, self.child) for vault in Vault]
            salt = key_store.salt(gate, self.child)
            secrets = [
                keys_of_children(gate, self.store.keys, vault, [self.child])[self.child].secret for vault in Vault
            ]
            secrets.append(salt_of_child(gate, self.store.keys, self.child))
        assert salt is not None
        rows = []
        for login, tables in ((Login.IDENTITY, ("identity_rows", "lookups")), (Login.CONTENT, ("content_rows",))):
            with self.store.read(login, "council") as vault_of:
                for name in tables:
                    column = "token" if name == "lookups" else "sealed"
                    asked = sa.text(f"SELECT {column} FROM {name} WHERE record_key = :child")
                    found = vault_of.execute(asked, {"child": self.child}).scalars()
                    rows += [value.encode() if isinstance(value, str) else bytes(value) for value in found]
        assert len(rows) > 6
        return [*(key.wrapped for key in kept if key), salt.wrapped, *rows], secrets

    def told_of_child(self) -> set[int]:
        """The ledger entries that can be found to be about the child."""
        references = ledger.references_to(self.store, self.child)
        with self.store.read(Login.GATE) as gate:
            return {entry.number for entry in ledger.entries_about(gate, references, limit=1000)}

    def now(self) -> datetime:
        """The time: a minute later whenever asked, because the ledger goes forward only."""
        self.time += timedelta(minutes=1)
        return self.time

    def erase(self, why: Why = Why.REQUEST) -> room.Erased:
        """Erase the planted child."""
        return erase(self.store, TABLES, [self.child], why, OFFICER, self.now())

    def reopen(self) -> None:
        """Start again, as after a crash."""
        self.store.close()
        self.store = reopen(self.settings)

    def dump(self) -> bytes:
        """Every value of every table of the three databases, as their owner sees them."""
        found = []
        with owner_engines(self.settings, self.store.keys.root_secret(), owner_of(self.settings)) as engines:
            for engine in engines.values():
                with engine.connect() as connection:
                    for name in sa.inspect(connection).get_table_names():
                        for row in connection.execute(sa.text(f'SELECT * FROM "{name}"')):
                            found += [v if isinstance(v, bytes) else str(v).encode() for v in row]
        return b"\x00".join(found)

    def files(self) -> bytes:
        """Every byte of every file in home and beside it: databases with their logs, keys, tombstones, witness."""
        paths = [path for path in self.settings.home.parent.rglob("*") if path.is_file()]
        assert any(path.name.startswith("gate") for path in paths) or self.settings.gate_url
        return b"\x00".join(path.read_bytes() for path in paths)

    def traces(self, text: bytes, *, wrapped: bool = True) -> list[str]:
        """What of the child or the child's keys is found in some bytes."""
        small = text.lower()
        found = [word for word in WORDS if word.encode() in small]
        for what, values in (("key", self.secrets), ("kept", self.wrapped if wrapped else [])):
            for value in values:
                if value in text or value.hex().encode() in small:
                    found.append(what)
        return found

    def read_child(self) -> None:
        """Reading and finding the child, which must fail in the same words as for one who never was."""
        told = []
        for child in (self.child, "never kept"):
            with pytest.raises((Missing, Refused)) as error:
                read_record(self.store, own_ask(child, now=self.now()))
            told.append((error.type, str(error.value)))
        assert told[0] == told[1]
        with self.store.read(Login.GATE) as gate, pytest.raises(Missing):
            key_of_child(gate, self.store.keys, Vault.IDENTITY, self.child)
        assert search(self.store, a_search(now=self.now()), {"surname": "Quillfeather"}).record_keys == ()

    def is_erased(self) -> None:
        """Everything that must hold once a child is erased."""
        assert self.traces(self.dump()) == []
        assert self.traces(self.files()) == []
        self.read_child()
        assert read_record(self.store, own_ask(self.other, now=self.now()))[0].plain == b"an episode"
        assert not self.told & self.told_of_child(), "nobody can tell which older entries were about the child"
        assert verify(self.store) == []
        proved = certificate(self.store, TABLES, self.child)
        assert proved.left == {}
        assert {"identity_rows", "content_rows", "lookups", "relationships", "child_salts"} <= set(proved.searched)


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with an_installation(request.param) as settings:
        made = World(settings)
        yield made
        made.store.close()


@pytest.fixture
def small() -> Iterator[World]:
    with an_installation("sqlite") as settings:
        made = World(settings)
        yield made
        made.store.close()


def test_no_byte_of_an_erased_child_remains(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    before = world.traces(world.dump())
    assert before.count("kept") == len(world.wrapped), "the search finds keys where there are some"
    assert set(before) == {"kept"}, "the child stands in no database in clear"
    if not world.settings.encrypted and not world.settings.gate_url:
        assert "kept" in world.traces(world.files())
    export(world.store, tmp_path / "before.ledger", lambda what, share: None)

    done = world.erase()

    assert done.finished
    world.is_erased()
    export(world.store, tmp_path / "after.ledger", lambda what, share: None)
    for name in ("before.ledger", "after.ledger"):
        assert world.traces((tmp_path / name).read_bytes()) == []
    out, err = capfd.readouterr()
    assert world.traces((caplog.text + out + err).encode()) == []
    world.reopen()
    world.is_erased()


def test_an_older_backup_comes_out_with_the_child_erased(world: World, tmp_path: Path) -> None:
    root, owner = world.store.keys.root_secret(), owner_of(world.settings)
    where: dict[str, Any] = {"root": root, "random": urandom, "owner": owner}
    back_up(world.settings, TABLES, tmp_path / "older.backup", now=NOW, **where)
    assert world.traces((tmp_path / "older.backup").read_bytes()) == []
    world.erase()
    world.store.close()
    restore(world.settings, TABLES, tmp_path / "older.backup", force=True, **where)
    world.store = reopen(world.settings)
    assert "kept" in world.traces(world.dump()), "the backup holds the child's keys until tombstones are replayed"

    assert replay_tombstones(world.store, TABLES, world.now()) == 1

    assert world.traces(world.dump()) == []
    assert world.traces(world.files()) == []
    with pytest.raises(Unavailable, match="not been told"):
        certificate(world.store, TABLES, world.child)
    ledger.accept(world.store, "officer", world.now())
    assert finish_erasures(world.store, TABLES, world.now()) == 0
    world.is_erased()
    assert replay_tombstones(world.store, TABLES, world.now()) == 0


def test_tombstones_of_another_home_are_replayed_in_a_new_one(world: World, tmp_path: Path) -> None:
    world.erase()
    with an_installation("sqlite") as settings:
        other = reopen(settings)
        a_world(other)
        kept = Kept(owner="council", basis="b", identity=CANARY, record_key=world.child)
        keep_record(other, kept, NOW)
        assert replay_tombstones(other, TABLES, NOW, [world.settings.home]) == 1
        with pytest.raises(Missing):
            keep_record(other, kept, NOW)
        assert world.child in buried([other.home])
        assert world.child in buried([other.witness])
        assert certificate(other, TABLES, world.child).left == {}
        other.close()


STEPS = ("_announce", "bury", "destroy_keys", "_empty_vaults", "overwrite_freed", "append")


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_is_finished_at_the_next_start(
    small: World, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    killed_and_finished(small, monkeypatch, step, after)


def test_killed_half_way_it_is_finished_on_every_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_and_finished(world, monkeypatch, "destroy_keys", after=True)


def killed_and_finished(world: World, monkeypatch: pytest.MonkeyPatch, step: str, after: bool) -> None:
    """End the program before or after one step of an erasure, start again, and find the child erased."""
    true: Callable[..., Any] = getattr(room, step)

    def killed(*args: Any, **more: Any) -> Any:
        if after:
            true(*args, **more)
        raise Killed

    monkeypatch.setattr(room, step, killed)
    with pytest.raises(Killed):
        world.erase()
    monkeypatch.undo()
    world.reopen()
    assert finish_erasures(world.store, TABLES, world.now()) == 0
    world.is_erased()
    assert finish_erasures(world.store, TABLES, world.now()) == 0
    with world.store.read(Login.GATE) as gate:
        stages = [entry.body["stage"] for entry in ledger.entries(gate, kind="erasure")]
    assert stages.count("done") == (2 if (step, after) == ("append", True) and stages.count("decided") == 1 else 1)


def test_a_backup_of_an_unfinished_erasure_is_finished_by_its_tombstones(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "destroy_keys", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        small.erase()
    monkeypatch.undo()
    assert replay_tombstones(small.store, TABLES, small.now()) == 1
    assert finish_erasures(small.store, TABLES, small.now()) == 0
    small.is_erased()


def test_a_vault_that_is_away_loses_nothing(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    true = room._empty_vaults

    def away(*args: Any) -> None:
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(room, "_empty_vaults", away)
    with pytest.raises(Unavailable):
        small.erase()
    with small.store.read(Login.GATE) as gate, pytest.raises(Missing):
        key_of_child(gate, small.store.keys, Vault.IDENTITY, small.child)
    monkeypatch.setattr(room, "_empty_vaults", true)
    assert finish_erasures(small.store, TABLES, small.now()) == 0
    small.is_erased()


def test_while_somebody_reads_the_last_bytes_wait(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    small.reopen()
    with small.store.read(Login.CONTENT, "council") as reader:
        reader.execute(sa.text("SELECT count(*) FROM content_rows")).scalar()
        done = small.erase()
        assert not done.finished
        small.read_child()
        assert finish_erasures(small.store, TABLES, small.now()) == 1
    assert finish_erasures(small.store, TABLES, small.now()) == 0
    small.is_erased()


def test_rows_of_a_program_that_was_reading_are_swept(small: World) -> None:
    with small.store.write(Login.GATE) as gate:
        key_for_child(gate, small.store.keys, Vault.IDENTITY, small.child, urandom)
    small.erase()
    with small.store.write(Login.IDENTITY, "council") as identity:
        identity.execute(
            sa.text(
                "INSERT INTO lookups VALUES ('late', 'council', :child, '2026-11-22T07:30:00.000000Z', 'b', 'x', "
                "'open', 'surname', 't')"
            ),
            {"child": small.child},
        )
    assert certificate(small.store, TABLES, small.child).left == {"lookups": 1}
    finish_erasures(small.store, TABLES, small.now())
    assert certificate(small.store, TABLES, small.child).left == {}


def test_only_ones_own_records_are_erased(world: World) -> None:
    for who in (an_officer("school"), OPERATOR):
        with pytest.raises(Missing):
            erase(world.store, TABLES, [world.child], Why.REQUEST, who, NOW)
    for keys in ([], ["no such"], [world.child, "no such"]):
        with pytest.raises(Missing):
            erase(world.store, TABLES, keys, Why.REQUEST, OFFICER, NOW)
    assert read_record(world.store, own_ask(world.child))
    assert not (world.settings.home / FILE).exists()


def test_an_erased_child_is_not_erased_twice_nor_kept_again(world: World) -> None:
    world.erase(Why.MISTAKE)
    with pytest.raises(Missing):
        world.erase()
    with pytest.raises(Missing):
        keep_record(world.store, Kept(owner="council", basis="b", identity=CANARY, record_key=world.child), NOW)
    stone = certificate(world.store, TABLES, world.child).stone
    assert (stone.why, stone.owner, stone.erased_at) == ("mistake", "council", NOW + timedelta(minutes=1))


def test_many_children_are_erased_at_once(small: World) -> None:
    many = [f"child-{number:04}" for number in range(1100)]
    with small.store.write(Login.CONTENT, "council") as content:
        content.execute(
            sa.text(
                "INSERT INTO content_rows VALUES (:key, 'council', :key, '2026-11-22T07:30:00.000000Z', 'b', 'x', "
                "'education.setting', x'00')"
            ),
            [{"key": key} for key in many],
        )
    assert erase(small.store, TABLES, many, Why.RETENTION, OFFICER, NOW + timedelta(minutes=1)).finished
    with small.store.read(Login.GATE) as gate:
        assert len(key_store.all_tombstones(gate)) == 1100
    assert certificate(small.store, TABLES, many[7]).left == {}


def test_not_even_the_files_of_a_server_hold_the_child_in_clear() -> None:
    """PostgreSQL keeps deleted rows until it is vacuumed, and a log beside: all it ever saw of the child was sealed."""
    with an_installation("postgres") as settings:
        world = World(settings)
        with owner_engines(settings, b"", "postgres") as engines, engines[Database.GATE].connect() as connection:
            folder = Path(str(connection.scalar(sa.text("SHOW data_directory"))))
            connection.exec_driver_sql("CHECKPOINT")
        world.erase()
        if not folder.is_dir():
            pytest.skip("the server of TEST_DATABASE_URL keeps its files elsewhere")
        files = [Path(where, name) for where, _, names in os.walk(folder) for name in names]  # passes over what is gone
        found = {word for path in sorted(files) for word in clear_words(path)}
        assert found == set()
        world.store.close()


def clear_words(path: Path) -> set[str]:
    """What is distinctive about the child in one file of a server; one that is just gone holds nothing."""
    try:
        small = path.read_bytes().lower()
    except FileNotFoundError:
        return set()
    return {word for word in WORDS if word.encode() in small}


class TestCertificate:
    def test_there_is_none_of_a_child_who_was_not_erased(self, small: World) -> None:
        with pytest.raises(Missing):
            certificate(small.store, TABLES, small.child)

    def test_it_carries_the_ledgers_proof(self, world: World) -> None:
        with world.store.read(Login.GATE) as gate:
            digest = room.digest_of_keys(gate, world.child)
        world.erase()
        proved = certificate(world.store, TABLES, world.child)
        assert proved.stone.destroyed == digest
        assert digest in proved.proof.entry
        assert world.child not in proved.proof.entry

    def test_a_tombstone_the_ledger_knows_nothing_of_proves_nothing(self, small: World) -> None:
        small.erase()
        stone = certificate(small.store, TABLES, small.child).stone
        with small.store.write(Login.GATE) as gate:
            for change in ({"destroyed": "00" * 32}, {"erasure": "none"}):
                key = f"forged {change}"
                key_store.keep_tombstone(gate, msgspec.structs.replace(stone, record_key=key, **change))
            gate.execute(
                sa.text(
                    "INSERT INTO erasures (id, owner, who, why, asked_at, children, entry) VALUES "
                    "('other', 'council', 'u', 'request', '2026-11-22T07:30:00.000000Z', '{}', 0)"
                )
            )
            key_store.keep_tombstone(gate, msgspec.structs.replace(stone, record_key="forged", erasure="other"))
        for key in ("forged {'destroyed': '" + "00" * 32 + "'}", "forged {'erasure': 'none'}", "forged"):
            with pytest.raises(Unavailable):
                certificate(small.store, TABLES, key)


def test_every_table_about_a_child_is_emptied_or_says_why_not() -> None:
    """A table of a new room is found by its column; its database's role must be able to delete from it."""
    for database in Database:
        for table in erased_tables(TABLES, database):
            assert "DELETE" in guard_of(database, table).grants[database.value], table.name
    named = {table.name for declared in TABLES for table in declared.sorted_tables if "record_key" in table.c}
    emptied = {table.name for database in Database for table in erased_tables(TABLES, database)}
    guarded = {table.name for declared in TABLES for table in declared.sorted_tables if table.info.get("append_only")}
    outlive = {table.name for declared in TABLES for table in declared.sorted_tables if table.info.get("outlives")}
    assert named - emptied <= guarded | outlive
    assert outlive == {"retention_holds"}


def test_a_damaged_file_of_tombstones_stops_a_restore(small: World) -> None:
    (small.settings.home / FILE).write_bytes(b"nonsense\n")
    with pytest.raises(Unavailable, match="line 1, is damaged"):
        replay_tombstones(small.store, TABLES, NOW)


def test_a_held_child_is_not_erased(small: World) -> None:
    from samechild.policy.retention.disposal import lift_hold, place_hold
    from samechild.policy.retention.periods import HoldKind

    hold = place_hold(small.store, OFFICER, HoldKind.INQUIRY, "INQ-2026/1", NOW, urandom, small.child)
    with pytest.raises(Refused, match="INQ-2026/1"):
        erase(small.store, TABLES, [small.other, small.child], Why.REQUEST, OFFICER, NOW)
    assert read_record(small.store, own_ask(small.child))
    assert read_record(small.store, own_ask(small.other))
    lift_hold(small.store, OFFICER, hold.id, small.now())
    small.erase()
    small.is_erased()
