"""PostgreSQL, for servers: roles, grants, row-level security and triggers that hold whatever the code does.

Six roles that cannot sign in (``samechild_gate``, ``_identity``, ``_content``, ``_ledger``, ``_indexer``,
``_extractor``) carry the grants. The application signs in as a user that owns nothing and inherits nothing and takes
one role for each connection; a deployment that wants the roles apart by process gives each process an address whose
user *is* one of the roles. Tables belong to whoever ran ``samechild db migrate``. Compare ``letsencrypt/boulder``
``sa/db/02-users.sql``.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from samechild.errors import Invalid, Unavailable
from samechild.storage.databases import Database, Login
from samechild.storage.faults import APPEND_ONLY_STATE

PREFIX = "samechild_"
ALL = "SELECT, INSERT, UPDATE, DELETE"
ADD = "SELECT, INSERT"
SPACE = "current_setting('samechild.space', true)"

_TIMES = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=120s -c timezone=UTC -c search_path=public"


def role(name: str) -> str:
    """The database's name of one of our roles."""
    return PREFIX + name


def url(address: str, user: str = "") -> URL:
    """Read the address of a database; ``user`` signs in instead of the one it names, without its password.

    Raises:
        Invalid: when it is no PostgreSQL address.
    """
    try:
        read = make_url(address)
    except sa.exc.ArgumentError:
        read = URL.create("none")
    if read.get_backend_name() not in ("postgresql", "postgres") or not read.database:
        raise Invalid("The address of a database is written postgresql://HOST/NAME: see the settings.")
    read = read.set(drivername="postgresql+psycopg")
    return URL.create(**{**read._asdict(), "username": user, "password": None}) if user else read


def engine(address: str, login: Login) -> sa.Engine:
    """Open a database as one of our roles.

    Raises:
        Unavailable: when the ``postgres`` extra is not installed.
        Invalid: when the address is not one of PostgreSQL.
    """
    read = url(address)
    taken = "" if read.username == role(login) else f" -c role={role(login)}"
    return _engine(read, options=_TIMES + taken, pool_size=5, max_overflow=20, pool_timeout=10)


def owner_engine(address: str, owner: str = "") -> sa.Engine:
    """Open a database as its owner: for migrations, backups and restores only."""
    return _engine(url(address, owner), options="-c timezone=UTC -c search_path=public", poolclass=sa.pool.NullPool)


def _engine(read: URL, options: str, **more: Any) -> sa.Engine:
    given = read.query.get("options", "")
    try:
        return sa.create_engine(
            read.difference_update_query(["options"]),
            connect_args={
                "options": f"{given} {options}".strip(),
                "connect_timeout": 10,
                "application_name": "samechild",
            },
            pool_pre_ping="poolclass" not in more,
            hide_parameters=True,
            **more,
        )
    except ModuleNotFoundError:
        raise Unavailable("PostgreSQL needs one more part: install samechild[postgres].") from None


# What the owner sets up


def foundations(database_name: str, user: str) -> list[str]:
    """SQL that makes the roles, takes from the public what it has, and lets the application's ``user`` take a role."""
    made = [_make_role(role(login), "NOLOGIN") for login in Login]
    if user and user not in {role(login) for login in Login}:
        made += [_make_role(user, "LOGIN NOINHERIT"), f"GRANT CONNECT ON DATABASE {q(database_name)} TO {q(user)}"]
        made += [_grant_role(role(login), user) for login in Login]
    return [
        *made,
        f"REVOKE ALL ON DATABASE {q(database_name)} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "CREATE OR REPLACE FUNCTION samechild_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'append-only' USING ERRCODE = '{APPEND_ONLY_STATE}'; END $$",
    ]


def doors(database_name: str, tables: list[sa.Table], database: Database) -> list[str]:
    """SQL that lets in whichever roles have a grant on some table here, and no other."""
    roles = sorted({name for table in tables for name in grants_of(database, table)} | {database.value})
    return [
        statement
        for name in roles
        for statement in (
            f"GRANT CONNECT ON DATABASE {q(database_name)} TO {role(name)}",
            f"GRANT USAGE ON SCHEMA public TO {role(name)}",
        )
    ]


def grants_of(database: Database, table: sa.Table) -> dict[str, str]:
    """Which role may do what with a table: the role of its database everything, or only add, unless declared."""
    append_only = bool(table.info.get("append_only"))
    granted = {database.value: ADD if append_only else ALL, **table.info.get("grants", {})}
    for name, verbs in granted.items():
        if append_only and {"UPDATE", "DELETE", "TRUNCATE"} & {verb.strip() for verb in verbs.split(",")}:
            raise Invalid(f"{table.name} is append-only: {name} cannot be granted {verbs}.")
    columns = table.info.get("extractor_columns")
    if columns:
        granted["extractor"] = f"SELECT ({', '.join(q(name) for name in columns)})"
    return {name: verbs for name, verbs in granted.items() if verbs}


def guards(database: Database, table: sa.Table) -> list[str]:
    """SQL that makes PostgreSQL hold what the declaration of a table promises."""
    granted = grants_of(database, table)
    found = [f"REVOKE ALL ON {q(table.name)} FROM PUBLIC"]
    found += [f"GRANT {verbs} ON {q(table.name)} TO {role(name)}" for name, verbs in granted.items()]
    counted = table.autoincrement_column
    if counted is not None and counted.identity is None and counted.autoincrement is not False:
        sequence = q(f"{table.name}_{counted.name}_seq")
        found += [
            f"GRANT USAGE ON SEQUENCE {sequence} TO {role(name)}"
            for name, verbs in granted.items()
            if "INSERT" in verbs
        ]
    if table.info.get("append_only"):
        found.append(
            f"CREATE TRIGGER {q(table.name + '_append_only')} BEFORE UPDATE OR DELETE OR TRUNCATE ON {q(table.name)} "
            "FOR EACH STATEMENT EXECUTE FUNCTION samechild_append_only()"
        )
    return found + row_level_security(table, granted)


def row_level_security(table: sa.Table, granted: dict[str, str]) -> list[str]:
    """SQL that shows rows only in their owner's space (``owned``), or to a role only those of its ``row_rules``."""
    rules: dict[str, str] = table.info.get("row_rules", {})
    owned = bool(table.info.get("owned"))
    if not owned and not rules:
        return []
    spaced = [f"owner = {SPACE}"] if owned else []
    found = [f"ALTER TABLE {q(table.name)} ENABLE ROW LEVEL SECURITY"]
    for name in granted:
        rule = " AND ".join(spaced + ([rules[name]] if name in rules else [])) or "true"
        found.append(
            f"CREATE POLICY {q(f'{table.name}_{name}')} ON {q(table.name)} TO {role(name)} "
            f"USING ({rule}) WITH CHECK ({rule})"
        )
    return found


def _make_role(name: str, how: str) -> str:
    """Make a role when it is not there; another may be making it at the same moment in another database."""
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {_literal(name)}) THEN "
        f"CREATE ROLE {q(name)} {how}; END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )


def _grant_role(name: str, user: str) -> str:
    return (
        f"DO $$ BEGIN IF NOT pg_has_role({_literal(user)}, {_literal(name)}, 'MEMBER') THEN "
        f"GRANT {q(name)} TO {q(user)}; END IF; END $$"
    )


def q(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
