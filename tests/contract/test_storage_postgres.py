"""On PostgreSQL the grants and row-level security hold whatever the code does."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import postgres_server
from samechild.cli.db import db
from samechild.cli.main import Door
from samechild.cli.tables import all_tables
from samechild.errors import Refused, Unavailable
from samechild.settings import settings_of
from samechild.storage import Database, Login, Store, postgres, schema, vaults
from samechild.storage.guards import guard_of
from stores import a_store, an_installation, reopen

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with a_store("postgres") as opened:
        yield opened


def a_row(row_id: str, owner: str) -> dict[str, object]:
    heading = vaults.Heading(
        owner=owner, record_key=f"key-{row_id}", record_type="x", received_at=NOW, basis="b", retention="r"
    )
    return {**msgspec.structs.asdict(heading), "row_id": row_id, "sealed": b"s"}


def test_a_role_may_do_with_each_table_what_is_declared_and_nothing_else(store: Store) -> None:
    """The whole matrix: every role, every table of its database, every verb, asked of the database itself."""
    found, expected = {}, {}
    for login in Login:
        with store.read(login) as connection:
            for table in schema.tables_in(login.database, all_tables()):
                granted = guard_of(login.database, table).grants.get(login.value, "")
                for verb in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
                    asked = sa.select(sa.func.has_table_privilege(sa.literal(f'"{table.name}"'), verb))
                    found[login, table.name, verb] = connection.scalar(asked)
                    expected[login, table.name, verb] = verb in granted.split(", ")
    assert found == expected


def test_no_role_may_change_an_append_only_table() -> None:
    for table in (table for tables in all_tables() for table in tables.tables.values()):
        if table.info.get("append_only"):
            database = next(Database(t.info["database"]) for t in all_tables() if table.name in t.tables)
            assert not [v for v in guard_of(database, table).grants.values() if "UPDATE" in v or "DELETE" in v]


def test_not_even_the_owner_may_change_an_append_only_table(store: Store) -> None:
    engine = postgres.owner_engine(owner_address(store, Login.GATE), "postgres")
    for statement in ("UPDATE gate_changes SET kind = ''", "DELETE FROM gate_changes", "TRUNCATE gate_changes"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(statement)


def owner_address(store: Store, login: Login) -> str:
    return store.engines[login].url.render_as_string(hide_password=False)


def test_identity_and_content_reach_no_other_database(store: Store) -> None:
    """Each role may enter its own database; the gate's lets in those who read their wrapped keys there."""
    allowed = set()
    for database in Database:
        with store.read(next(login for login in Login if login.database is database)) as connection:
            for role in Login:
                may = sa.text("SELECT has_schema_privilege(:role, 'public', 'USAGE')")
                if connection.scalar(may, {"role": postgres.role(role)}):
                    allowed.add((role, database))
    identity = {Login.IDENTITY, Login.INDEXER, Login.INDEX}
    assert {role for role, database in allowed if database is Database.IDENTITY} == identity
    assert {role for role, database in allowed if database is Database.CONTENT} == {Login.CONTENT, Login.EXTRACTOR}


def test_the_applications_user_has_nothing_of_its_own(store: Store) -> None:
    """Out of its role it can neither read nor write: what it may do, it may do as a role."""
    for login, table in ((Login.GATE, "jobs"), (Login.IDENTITY, "identity_rows"), (Login.CONTENT, "content_rows")):
        with pytest.raises((Refused, Unavailable)), store.read(login) as connection:
            connection.exec_driver_sql(f"SET LOCAL ROLE NONE; SELECT * FROM public.{table}")


def test_a_space_shows_its_own_rows_only(store: Store) -> None:
    for owner in ("council-a", "council-b"):
        with store.write(Login.IDENTITY, owner) as connection:
            connection.execute(vaults.identity_rows.insert().values(**a_row(f"of-{owner}", owner)))
    seen = {}
    for space in ("council-a", "council-b", "", "council-c"):
        with store.read(Login.IDENTITY, space) as connection:
            seen[space] = sorted(connection.scalars(sa.select(vaults.identity_rows.c.row_id)))
    assert seen == {"council-a": ["of-council-a"], "council-b": ["of-council-b"], "": [], "council-c": []}


def test_a_row_cannot_be_written_or_deleted_in_another_space(store: Store) -> None:
    with pytest.raises(Refused), store.write(Login.IDENTITY, "council-b") as connection:
        connection.execute(vaults.identity_rows.insert().values(**a_row("forged", "council-a")))
    with store.write(Login.IDENTITY, "council-a") as connection:
        connection.execute(vaults.identity_rows.insert().values(**a_row("stays", "council-a")))
    with store.write(Login.IDENTITY, "council-b") as connection:
        assert (
            connection.execute(vaults.identity_rows.delete().where(vaults.identity_rows.c.row_id == "stays")).rowcount
            == 0
        )
    with store.write(Login.IDENTITY, "council-a") as connection, pytest.raises(sa.exc.DBAPIError):
        connection.execute(vaults.identity_rows.update().values(basis="other"))


def test_a_space_does_not_outlast_its_transaction(store: Store) -> None:
    """A pooled connection forgets whose space it was in."""
    with store.write(Login.CONTENT, "council-a") as connection:
        connection.execute(vaults.content_rows.insert().values(**a_row("one", "council-a")))
    for _ in range(5):
        with store.engines[Login.CONTENT].connect() as connection:
            assert connection.scalar(sa.select(sa.func.count(vaults.content_rows.c.row_id))) == 0


def test_the_extractor_sees_the_approved_columns_only(store: Store) -> None:
    rows = vaults.content_rows
    with store.read(Login.EXTRACTOR, "council-a") as connection:
        connection.execute(sa.select(rows.c.row_id, rows.c.sealed))
    for column in (rows.c.basis, rows.c.retention):
        with pytest.raises(Refused), store.read(Login.EXTRACTOR, "council-a") as connection:
            connection.execute(sa.select(column))


def test_a_database_that_is_not_there_is_unavailable() -> None:
    with an_installation("postgres") as settings:
        for url in (settings.content_url.replace("/sc_", "/gone_"), "postgresql://samechild_app@/x?host=/nowhere"):
            store = reopen(msgspec.structs.replace(settings, content_url=url))
            with pytest.raises(Unavailable) as raised, store.read(Login.CONTENT):
                pass
            assert "gone_" not in str(raised.value) + repr(raised.value.__context__)
            store.close()


def test_a_password_stands_in_no_error() -> None:
    with an_installation("postgres") as settings:
        url = "postgresql://samechild_app:Hush-Hush-77@/x?host=/nowhere"
        store = reopen(msgspec.structs.replace(settings, content_url=url))
        with pytest.raises(Unavailable) as raised, store.read(Login.CONTENT):
            pass
        assert "Hush" not in f"{raised.value!r} {raised.value.__context__!r} {store.engines!r}"
        store.close()


def test_an_owner_who_is_no_superuser_can_do_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From empty databases: migrate, open as a new user who owns nothing, back up, put back, look over."""
    name = uuid.uuid4().hex[:8]
    owner, user = f"sc_owner_{name}", f"sc_app_{name}"
    with postgres_server.empty_databases(3, owner) as urls:
        for variable, url in zip(("GATE", "IDENTITY", "CONTENT"), urls, strict=True):
            monkeypatch.setenv(f"SAMECHILD_{variable}_URL", url.replace("postgres@", f"{user}@"))
        home = tmp_path / "home"
        with pytest.raises(Unavailable):
            reopen(settings_of(home))

        def run(*words: str) -> str:
            door = Door(commands={"db": db})
            done = CliRunner().invoke(door, ["db", *words, "--home", str(home), "--owner", owner])
            assert done.exit_code == 0, done.output
            return done.output

        assert "step" in run("migrate")
        run("migrate")
        store = reopen(settings_of(home))
        with store.write(Login.IDENTITY, "council-a") as connection:
            connection.execute(vaults.lookups.insert().values(**a_lookup("kept", "council-a")))
        store.close()
        run("backup", str(tmp_path / "b"))
        run("restore", str(tmp_path / "b"), "--force")
        assert run("verify") == "The databases are whole.\n"
        store = reopen(settings_of(home))
        with store.read(Login.IDENTITY, "council-a") as connection:
            assert list(connection.scalars(sa.select(vaults.lookups.c.row_id))) == ["kept"]
        with pytest.raises((Refused, Unavailable)), store.read(Login.GATE) as connection:
            connection.exec_driver_sql("SET LOCAL ROLE NONE; SELECT * FROM public.jobs")
        store.close()


def a_lookup(row_id: str, owner: str) -> dict[str, object]:
    row = {**a_row(row_id, owner), "partition": "open", "field": "f", "token": "t"}
    return {name: value for name, value in row.items() if name not in ("sealed", "record_type")}
