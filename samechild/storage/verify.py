"""Looking over the three databases: whole, as declared, guarded, and every sealed row with a key or a tombstone.

Nothing is opened and nobody's record is shown: what is found wrong is named by database, table and count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import sqlalchemy as sa

from samechild.errors import SamechildError
from samechild.keys.children import Vault
from samechild.keys.register import State
from samechild.keys.store import child_keys, key_register, tombstones
from samechild.settings import Settings
from samechild.sql.among import among
from samechild.storage import migrate, postgres, schema
from samechild.storage.databases import Database, in_our_words
from samechild.storage.guards import Guard, guard_of
from samechild.storage.opening import owner_engines
from samechild.storage.vaults import content_rows, identity_rows

_SEALED = {Vault.IDENTITY: (Database.IDENTITY, identity_rows), Vault.CONTENT: (Database.CONTENT, content_rows)}
_SOME = 1_000


class Fault(msgspec.Struct, frozen=True):
    """One thing that is not as it should be: in which database, and what, without a value of any record."""

    database: str
    words: str


def verify(settings: Settings, tables: Sequence[sa.MetaData], root: bytes, owner: str = "") -> list[Fault]:
    """Look over an installation; an empty list says that nothing is wrong.

    Args:
        settings: which installation.
        tables: what the rooms declare.
        root: the root key, for SQLCipher files.
        owner: on PostgreSQL, who signs in: the owner of the tables, because no other role sees all rows.
    """
    found: list[Fault] = []
    with owner_engines(settings, root, owner) as engines:
        for database, engine in engines.items():
            try:
                with in_our_words(), engine.connect() as connection:
                    for words in _of_database(connection, database, tables):
                        found.append(Fault(database.value, words))
            except SamechildError as error:
                found.append(Fault(database.value, str(error)))
        if not found:
            found += _of_keys(engines)
    return found


def _of_database(connection: sa.Connection, database: Database, tables: Sequence[sa.MetaData]) -> Iterator[str]:
    step = migrate.step_of(connection)
    if not migrate.is_current(connection, database):
        yield f"at migration step {step or 'none'}, not {migrate.newest(database)}: run `samechild db migrate`"
        return
    declared = schema.tables_in(database, tables)
    different = list(differences(connection, declared))
    yield from different
    for table in [] if different else declared:
        yield from missing_guards(connection, guard_of(database, table))
    if connection.dialect.name == "sqlite":
        damage = connection.exec_driver_sql("PRAGMA integrity_check(5)").scalars().all()
        if list(damage) != ["ok"]:
            yield f"the file is damaged ({len(damage)} places or more): restore a backup"
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        for name in sorted({str(row[0]) for row in dangling}):
            yield f"table {name}: rows that point to nothing"


def differences(connection: sa.Connection, declared: Sequence[sa.Table]) -> Iterator[str]:
    """How a database's tables and columns differ from what is declared."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names()) - {postgres.VERSIONS}
    for name in sorted(there ^ {table.name for table in declared}):
        yield f"table {name} is {'there but not declared' if name in there else 'missing'}"
    for table in declared:
        if table.name in there:
            columns = {column["name"] for column in inspector.get_columns(table.name)}
            for name in sorted(columns ^ set(table.columns.keys())):
                yield f"column {table.name}.{name} is {'there but not declared' if name in columns else 'missing'}"


def missing_guards(connection: sa.Connection, guard: Guard) -> Iterator[str]:
    """Which guards of a table are not in place: triggers, grants, row-level security."""
    if connection.dialect.name == "sqlite":
        asked = sa.text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        wanted = 2 if guard.append_only else 0
        if connection.scalar(asked, {"table": guard.table}) != wanted:
            yield f"table {guard.table}: its append-only triggers are not as declared"
        return
    name = f'"{guard.table}"'
    row = connection.execute(
        sa.text(
            "SELECT relrowsecurity, (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal AND "
            "tgenabled = 'O'), (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) "
            "FROM pg_class c WHERE c.oid = CAST(:name AS regclass)"
        ),
        {"name": name},
    ).one()
    rules = len(guard.grants) if guard.owned or guard.row_rules else 0
    if (bool(row[0]), int(row[2])) != (rules > 0, rules):
        yield f"table {guard.table}: row-level security is not as declared"
    if int(row[1]) != int(guard.append_only):
        yield f"table {guard.table}: its append-only trigger is not as declared"
    if granted_on(connection, guard.table) != expected_grants(guard):
        yield f"table {guard.table}: what roles may do is not as declared"


def granted_on(connection: sa.Connection, table: str) -> set[tuple[str, str]]:
    """Who but its owner may do what with a PostgreSQL table or single columns of it: (role, verb) pairs."""
    whole = sa.text(
        "SELECT coalesce(r.rolname, 'PUBLIC'), a.privilege_type FROM pg_class c, aclexplode(c.relacl) a "
        "LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE c.oid = CAST(:name AS regclass) AND a.grantee <> c.relowner"
    )
    single = sa.text(
        "SELECT coalesce(r.rolname, 'PUBLIC'), a.privilege_type || ' ' || t.attname FROM pg_attribute t, "
        "aclexplode(t.attacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE t.attrelid = CAST(:name AS regclass)"
    )
    name = {"name": f'"{table}"'}
    return {(str(row[0]), str(row[1])) for asked in (whole, single) for row in connection.execute(asked, name)}


def expected_grants(guard: Guard) -> set[tuple[str, str]]:
    """What :func:`granted_on` should find."""
    found = set()
    for name, verbs in guard.grants.items():
        if "(" in verbs:
            verb, _, columns = verbs.partition(" (")
            single = [each.strip(' "') for each in columns.rstrip(")").split(",")]
            found |= {(postgres.role(name), f"{verb} {each}") for each in single}
        else:
            found |= {(postgres.role(name), verb.strip()) for verb in verbs.split(",")}
    return found


def _of_keys(engines: dict[Database, sa.Engine]) -> Iterator[Fault]:
    """Sealed rows without a key, rows of the erased, children's keys that no key of the register opens."""
    with in_our_words(), engines[Database.GATE].connect() as gate:
        for vault, (database, table) in _SEALED.items():
            without, erased = 0, 0
            with engines[database].connect() as connection:
                for some in _children_in(connection, table):
                    keyed = _of_these(gate, child_keys[vault].c.record_key, some)
                    buried = _of_these(gate, tombstones.c.record_key, some)
                    erased += len(buried)
                    without += len(set(some) - keyed - buried)
            if without:
                yield Fault(database.value, f"table {table.name}: rows of {without} children have no key: restore")
            if erased:
                words = f"table {table.name}: rows of {erased} erased children are still there: start samechild again"
                yield Fault(database.value, words)
            unwrapped = _unopened(gate, vault)
            if unwrapped:
                words = f"{unwrapped} children's {vault.value} keys need a purpose key that is gone: restore a backup"
                yield Fault(Database.GATE.value, words)


def _children_in(connection: sa.Connection, table: sa.Table) -> Iterator[list[str]]:
    last = ""
    while True:
        asked = (
            sa.select(table.c.record_key)
            .where(table.c.record_key > last)
            .distinct()
            .order_by(table.c.record_key)
            .limit(_SOME)
        )
        some = list(connection.scalars(asked))
        if not some:
            return
        yield some
        last = some[-1]


def _of_these(connection: sa.Connection, column: sa.Column[str], some: Sequence[str]) -> set[str]:
    return set(connection.scalars(sa.select(column).where(among(column, some))))


def _unopened(gate: sa.Connection, vault: Vault) -> int:
    keys = child_keys[vault]
    usable = sa.select(key_register.c.version).where(
        key_register.c.purpose == vault.value, key_register.c.state != State.RETIRED.value
    )
    asked = sa.select(sa.func.count()).select_from(keys).where(keys.c.kek_version.not_in(usable))
    return int(gate.scalar(asked) or 0)
