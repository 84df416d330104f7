"""The same promises on SQLite, SQLCipher and a real PostgreSQL: opened, sealed, found, refused in our words."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from samechild.errors import Conflict, Invalid, Refused, SamechildError, Unavailable
from samechild.keys.actions import key_for_child
from samechild.keys.children import ChildKey, Vault
from samechild.records.disclosure import Ask, Asker, Decision, Mode, Permit, Scope, Spread, permit_for
from samechild.storage import Database, Login, Store, changes, vaults
from stores import KINDS, a_store, an_installation, reopen

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SECRET = "Marmaduke-Zebedee"


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        yield opened


def a_heading(record_key: str, **other: Any) -> vaults.Heading:
    values: dict[str, Any] = {"owner": "council-a", "record_type": "personal.identity", "received_at": NOW}
    return vaults.Heading(**values | {"record_key": record_key, "basis": "6(1)(e)", "retention": "education"} | other)


def a_permit(
    *record_keys: str,
    owner: str = "council-a",
    record_type: str = "personal.identity",
    mode: Mode = Mode.CONTENT,
    fields: tuple[str, ...] = (),
    **decision: Any,
) -> Permit:
    spread = Spread.SEARCH if fields else Spread.BATCH
    ask = Ask(
        who=Asker(user="u1", organisation=owner, role="social worker"),
        purpose="safeguarding",
        mode=mode,
        record_type=record_type,
        owner=owner,
        scope=Scope(spread, record_keys, fields),
        now=NOW,
    )
    return permit_for(Decision(**{"ask": ask, "allowed": True, "reasons": (), "policy_version": 1, **decision}), 0)


def a_key(store: Store, vault: Vault, record_key: str) -> ChildKey:
    with store.write(Login.GATE) as connection:
        return key_for_child(connection, store.keys, vault, record_key, os.urandom)


def a_kept_identity(store: Store, record_key: str, plain: bytes, owner: str = "council-a") -> None:
    key = a_key(store, Vault.IDENTITY, record_key)
    with store.write(Login.IDENTITY, owner) as connection:
        vaults.keep_identity(connection, key, a_heading(record_key, owner=owner), plain, os.urandom)


def read_identity(store: Store, permit: Permit, now: datetime = NOW) -> list[bytes]:
    with store.read(Login.GATE) as connection:
        keys = vaults.keys_of(connection, permit, store.keys, Vault.IDENTITY, now)
    with store.read(Login.IDENTITY, permit.space) as connection:
        return [row.plain for row in vaults.identity_of(connection, permit, keys, now)]


def test_a_write_is_kept_and_an_error_undoes_all_of_it(store: Store) -> None:
    def note(subject: str) -> None:
        with store.write(Login.GATE) as connection:
            changes.note_change(connection, Database.GATE, "t", space="", subject=subject, now=NOW)
            if subject == "bad":
                raise Invalid("stop")

    with store.read(Login.GATE) as connection:
        before = changes.newest(connection, Database.GATE)
    note("good")
    with pytest.raises(Invalid):
        note("bad")
    with store.read(Login.GATE) as connection:
        assert [each.subject for each in changes.changes_after(connection, Database.GATE, before)] == ["good"]


def test_a_permit_opens_the_rows_it_names_and_no_others(store: Store) -> None:
    for record_key in ("r1", "r2"):
        a_kept_identity(store, record_key, record_key.encode())
    a_kept_identity(store, "r3", b"another council's", owner="council-b")
    assert read_identity(store, a_permit("r1")) == [b"r1"]
    assert read_identity(store, a_permit("r2", "r1", "r3")) in ([b"r1", b"r2"], [b"r2", b"r1"])
    assert read_identity(store, a_permit("r3")) == []
    assert read_identity(store, a_permit("r1", record_type="personal.address")) == []


def test_a_permit_that_ran_out_or_is_for_existence_opens_nothing(store: Store) -> None:
    a_kept_identity(store, "r4", b"kept")
    with pytest.raises(Refused):
        read_identity(store, a_permit("r4", mode=Mode.EXISTENCE))
    with pytest.raises(Refused):
        read_identity(store, a_permit("r4", expires=NOW))
    assert read_identity(store, a_permit("r4", expires=NOW + timedelta(seconds=1))) == [b"kept"]


def test_content_is_sealed_under_another_key_than_identity(store: Store) -> None:
    identity, content = a_key(store, Vault.IDENTITY, "r5"), a_key(store, Vault.CONTENT, "r5")
    assert identity.secret != content.secret
    heading = a_heading("r5", record_type="education.setting")
    with store.write(Login.CONTENT, "council-a") as connection:
        vaults.keep_content(connection, content, heading, SECRET.encode(), os.urandom)
        with pytest.raises(Invalid):
            vaults.keep_content(connection, identity, heading, b"", os.urandom)
        with pytest.raises(Invalid):
            vaults.keep_content(connection, content, a_heading("r6"), b"", os.urandom)
    permit = a_permit("r5", record_type="education.setting")
    with store.read(Login.CONTENT, "council-a") as connection:
        assert [row.plain for row in vaults.content_of(connection, permit, {"r5": content}, NOW)] == [SECRET.encode()]
        assert vaults.content_of(connection, permit, {}, NOW) == []
        with pytest.raises(Invalid):
            vaults.content_of(connection, permit, {"r5": identity}, NOW)


def test_a_sealed_row_moved_to_another_child_does_not_open(store: Store) -> None:
    a_kept_identity(store, "r7", b"seven")
    a_kept_identity(store, "r8", b"eight")
    rows = vaults.identity_rows
    with store.write(Login.IDENTITY, "council-a") as connection:
        moved = connection.execute(sa.select(rows).where(rows.c.record_key == "r7")).one()._asdict()
        connection.execute(rows.insert().values(**{**moved, "row_id": "moved", "record_key": "r8"}))
    with pytest.raises(Invalid):
        read_identity(store, a_permit("r8"))


def test_exact_search_finds_by_token_and_never_a_shielded_child(store: Store) -> None:
    token = store.keys.token("nhs_number", "9990000018")
    with store.write(Login.IDENTITY, "council-a") as connection:
        for record_key, partition in (("s1", vaults.Partition.OPEN), ("s2", vaults.Partition.SHIELDED)):
            vaults.keep_lookup(connection, a_heading(record_key), partition, {"nhs_number": token}, os.urandom)

    def found(permit: Permit, field: str = "nhs_number") -> list[str]:
        with store.read(Login.IDENTITY, permit.space) as connection:
            return vaults.find(connection, permit, field, store.keys.tokens(field, "9990000018"), NOW)

    search = a_permit(fields=("nhs_number",))
    assert found(search) == ["s1"]
    with store.write(Login.IDENTITY, "council-a") as connection:
        assert vaults.move_lookups(connection, "council-b", "s1", vaults.Partition.SHIELDED, ["nhs_number"]) == 0
        assert vaults.move_lookups(connection, "council-a", "s1", vaults.Partition.SHIELDED, ["nhs_number"]) == 1
    assert found(search) == []
    assert found(a_permit(fields=("nhs_number",), owner="council-b")) == []
    for refused in (a_permit("s1"), a_permit(fields=("upn",)), a_permit(fields=("nhs_number",), expires=NOW)):
        with pytest.raises(Refused):
            found(refused)
    with pytest.raises(Refused):
        found(a_permit(fields=("nhs_number",), hidden=("nhs_number",)))


@pytest.mark.parametrize("login", [Login.INDEXER, Login.EXTRACTOR])
def test_readers_cannot_write(store: Store, login: Login) -> None:
    table = vaults.lookups if login is Login.INDEXER else vaults.content_rows
    with pytest.raises(Refused), store.write(login, "council-a") as connection:
        connection.execute(table.delete())


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_an_append_only_row_cannot_be_changed(store: Store, verb: str) -> None:
    feed = changes.GATE_TABLES.tables["gate_changes"]
    with store.write(Login.GATE) as connection:
        changes.note_change(connection, Database.GATE, "t", space="", subject="x", now=NOW)
    with pytest.raises(Refused), store.write(Login.GATE) as connection:
        connection.execute(feed.update().values(kind="u") if verb == "update" else feed.delete())


def test_a_second_row_of_one_key_is_a_conflict_that_shows_no_value(store: Store) -> None:
    rows = vaults.identity_rows
    values = {**msgspec.structs.asdict(a_heading("r9")), "row_id": SECRET, "sealed": SECRET.encode()}
    with store.write(Login.IDENTITY, "council-a") as connection:
        connection.execute(rows.insert().values(**values))
    with pytest.raises(Conflict) as raised, store.write(Login.IDENTITY, "council-a") as connection:
        connection.execute(rows.insert().values(**values))
    assert_shows_nothing(raised.value)


def test_what_the_database_refuses_shows_neither_statement_nor_value(store: Store) -> None:
    statements: list[sa.Executable] = [
        sa.text("SELECT :value FROM no_such_table").bindparams(value=SECRET),
        sa.text(f"SELEKT '{SECRET}'"),
        vaults.lookups.insert().values(row_id=SECRET, partition=SECRET, owner="council-a"),
        vaults.lookups.update().values(received_at=datetime(2026, 1, 1)),
    ]
    for statement in statements:
        with pytest.raises(SamechildError) as raised, store.write(Login.IDENTITY, "council-a") as connection:
            connection.execute(statement)
        assert_shows_nothing(raised.value)


def assert_shows_nothing(error: BaseException) -> None:
    """No message of an error or of one behind it repeats a value or a statement, however it is logged."""
    behind: BaseException | None = error
    while behind is not None:
        shown = f"{behind} {behind!r} {vars(behind)}" + "".join(traceback.format_exception(behind, chain=True))
        lines = [line for line in shown.splitlines() if "File " not in line]
        assert not [line for line in lines if SECRET in line and "statement" not in line and "values" not in line]
        assert "INSERT" not in str(behind)
        behind = behind.__context__


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_kept_is_there_when_opened_again(kind: str) -> None:
    with an_installation(kind) as settings:
        first = reopen(settings)
        a_kept_identity(first, "r1", b"kept")
        first.close()
        second = reopen(settings)
        assert read_identity(second, a_permit("r1")) == [b"kept"]
        second.close()


@pytest.mark.parametrize("kind", KINDS)
def test_another_root_key_opens_nothing(kind: str) -> None:
    with an_installation(kind) as settings:
        reopen(settings).close()
        (settings.home / "root.key").write_text("0123456789abcdef" * 4)
        with pytest.raises(Unavailable):
            reopen(settings)
        (settings.home / "root.key").unlink()
        with pytest.raises(SamechildError, match="root key"):
            reopen(settings)
        assert not (settings.home / "root.key").exists()
