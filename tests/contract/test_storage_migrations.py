"""The migrations lead from nothing to exactly what the rooms declare, on both kinds of database.

Where no step has been written yet, the steps that ``scripts/new_migration.py`` would write are tested in their place.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

import new_migration
import postgres_server
import samechild.migrations
from samechild.cli.tables import all_tables
from samechild.errors import Unavailable
from samechild.settings import Settings
from samechild.storage import Database, migrate, postgres, schema, sqlite, verify
from samechild.storage.guards import guard_of
from stores import reopen


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the steps to work on, brought up to the declarations."""
    folder = tmp_path / "migrations"
    shutil.copytree(samechild.migrations.__path__[0], folder)
    for database in Database:
        (folder / database / "versions").mkdir(parents=True, exist_ok=True)
    shipped = [migrate.newest(database) for database in Database]
    monkeypatch.setattr(samechild.migrations, "__path__", [str(folder)])
    if not all(shipped):
        assert not any(shipped)
        assert new_migration.main(["as first shipped"]) == 0
    return folder


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    with sa.create_engine("sqlite://", isolation_level="AUTOCOMMIT").connect() as opened:
        yield opened


def everything_in_file(connection: sa.Connection) -> set[tuple[Any, ...]]:
    """What SQLite says it holds: tables with columns, types, keys and STRICT; indexes; triggers; checks."""
    asked = sa.text("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'")
    found: set[tuple[Any, ...]] = set()
    for row in connection.execute(asked).all():
        if row.type != "table":
            found.add((row.type, row.name, " ".join((row.sql or "").split())))
            continue
        columns = connection.exec_driver_sql(f'PRAGMA table_info("{row.name}")').all()
        found |= {(row.name, *column[1:]) for column in columns}
        links = connection.exec_driver_sql(f'PRAGMA foreign_key_list("{row.name}")').all()
        found |= {(row.name, "link", *link[2:]) for link in links}
        found.add((row.name, "strict" if row.sql.rstrip().endswith("STRICT") else "lax"))
        found.add((row.name, row.sql.count("CHECK"), row.sql.count("UNIQUE")))
    return found


CATALOGUE = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
    "WHERE table_schema = 'public'",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
    "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies",
    "SELECT c.relname, c.relrowsecurity::text, coalesce(r.rolname, 'PUBLIC'), a.privilege_type FROM pg_class c "
    "LEFT JOIN LATERAL aclexplode(c.relacl) a ON true LEFT JOIN pg_roles r ON r.oid = a.grantee "
    "WHERE c.relnamespace = 'public'::regnamespace",
    "SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL "
    "AND attrelid >= 16384",
    "SELECT objoid::regclass::text, objsubid::text, description FROM pg_description WHERE objoid >= 16384",
)


def everything_on_server(connection: sa.Connection) -> set[tuple[str, ...]]:
    """What PostgreSQL's catalogue says: columns, indexes, constraints, triggers, policies, grants, comments."""
    return {
        tuple(map(str, row))
        for asked in CATALOGUE
        for row in connection.exec_driver_sql(asked).all()
        if "alembic_version" not in str(row)
    }


def test_from_nothing_to_what_is_declared_on_sqlite(steps: Path) -> None:
    for database in Database:
        found = []
        for make in (schema.create, lambda opened, which, _: migrate.bring_up_to_date(opened, which)):
            engine = sa.create_engine("sqlite://", isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                make(connection, database, all_tables())
                found.append(everything_in_file(connection))
        declared, migrated = found
        assert declared - migrated == set()
        assert migrated - declared == set()
        assert len(declared) > 10


def test_from_nothing_to_what_is_declared_on_postgres(steps: Path) -> None:
    with postgres_server.empty_databases() as urls:
        for database in Database:
            found = []
            for number, migrations in enumerate(("declared", "migrated")):
                with postgres.owner_engine(urls[number]).begin() as connection:
                    connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                    for statement in postgres.foundations(urls[number].rsplit("/", 1)[1].split("?")[0], ""):
                        connection.exec_driver_sql(statement)
                    if migrations == "migrated":
                        migrate.bring_up_to_date(connection, database)
                    else:
                        schema.create(connection, database, all_tables())
                    found.append(everything_on_server(connection))
                    for table in schema.tables_in(database, all_tables()):
                        assert list(verify.missing_guards(connection, guard_of(database, table))) == []
            declared, migrated = found
            assert declared - migrated == set()
            assert migrated - declared == set()
            assert len(declared) > 50


def test_nothing_is_left_to_write(steps: Path) -> None:
    for database in Database:
        assert new_migration.difference(database, all_tables()) == ""


def test_a_changed_declaration_is_the_next_step(steps: Path, connection: sa.Connection) -> None:
    """A column, an index and a guard more: the script writes them, and a database with the first step takes them."""
    tables = sa.MetaData(info={"database": "gate"})
    sa.Table("gate_changes", tables, sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False))
    tables.tables["gate_changes"].info["append_only"] = True
    more = [*(declared for declared in all_tables() if "gate_changes" not in declared.tables), tables]
    written = new_migration.difference(Database.GATE, more)
    assert "drop_column('gate_changes', 'subject')" in written.replace('"', "'")
    assert "Guard" not in written
    tables.tables["gate_changes"].info.clear()
    written = new_migration.difference(Database.GATE, more)
    assert "Guard(table='gate_changes', grants={'gate': 'SELECT, INSERT, UPDATE, DELETE'})" in written


def test_steps_are_numbered_in_one_line_and_named_in_their_files(steps: Path) -> None:
    for database in Database:
        config = Config()
        config.set_main_option("script_location", str(migrate.folder_of(database)))
        script = ScriptDirectory.from_config(config)
        assert script.get_current_head() == migrate.newest(database)
        for step in script.walk_revisions():
            assert Path(step.path).name.startswith(f"{step.revision}_")


def test_a_database_of_a_newer_version_is_left_alone(steps: Path, connection: sa.Connection) -> None:
    migrate.bring_up_to_date(connection, Database.GATE)
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="newer"):
        migrate.bring_up_to_date(connection, Database.GATE)


def test_an_installation_of_an_earlier_step_is_brought_up_when_opened(steps: Path, tmp_path: Path) -> None:
    """A second step, interrupted once, then done whole."""
    settings = Settings(home=tmp_path / "home")
    reopen(settings).close()
    path = steps / "identity" / "versions" / "0099_one_more.py"
    first = f'revision = "0099"\ndown_revision = "{migrate.newest(Database.IDENTITY)}"\nfrom alembic import op\n'
    step = f"{first}def upgrade():\n    op.execute('CREATE TABLE more (x TEXT) STRICT')\n"
    path.write_text(step + "    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        reopen(settings)
    path.write_text(step)
    reopen(settings).close()
    engine = sqlite.engine(settings.home / "identity.db", cipher_key=None, read_only=True, synchronous="OFF")
    with engine.connect() as connection:
        assert migrate.step_of(connection) == "0099"
        assert sa.inspect(connection).has_table("more")
    engine.dispose()
