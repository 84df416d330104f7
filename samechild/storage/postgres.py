"""PostgreSQL, for servers: roles, grants, row-level security and triggers that hold whatever the code does.

Seven roles that cannot sign in (``samechild_gate``, ``_identity``, ``_index``, ``_content``, ``_ledger``, ``_indexer``,
``_extractor``) carry the grants. The application signs in as a user that owns nothing and inherits nothing and takes
one role for each connection; a deployment that wants the roles apart by process gives each process an address whose
user *is* one of the roles. Tables belong to whoever ran ``samechild db migrate``. Compare ``letsencrypt/boulder``
``sa/db/02-users.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from samechild.errors import Invalid, Unavailable
from samechild.storage.databases import Login
from samechild.storage.faults import APPEND_ONLY_STATE

PREFIX = "samechild_"
VERSIONS = "alembic_version"
SPACE = "current_setting('samechild.space', true)"

_TIMES = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=120s -c timezone=UTC -c search_path=public"

_PLANS = "-c plan_cache_mode=force_custom_plan"
"""Each question is planned for what it asks: one plan for all asks of a council with ten children as of one with a
hundred thousand, and looks for many keys one by one."""


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
    return _engine(read, options=f"{_TIMES} {_PLANS}{taken}", pool_size=5, max_overflow=20, pool_timeout=10)


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


def doors(database_name: str, roles: Iterable[str]) -> list[str]:
    """SQL that lets these roles in, and no other."""
    return [
        statement
        for name in sorted(roles)
        for statement in (
            f"GRANT CONNECT ON DATABASE {q(database_name)} TO {role(name)}",
            f"GRANT USAGE ON SCHEMA public TO {role(name)}",
            f"GRANT SELECT ON {VERSIONS} TO {role(name)}",
        )
    ]


def no_grants(table: str) -> list[str]:
    """SQL that takes a table from everybody."""
    everybody = ", ".join(["PUBLIC", *(role(login) for login in Login)])
    return [f"REVOKE ALL ON {q(table)} FROM {everybody}"]


def grants(table: str, granted: Mapping[str, str], sequence: str) -> list[str]:
    """SQL that gives each role what it may do with a table; who adds rows may draw their numbers."""
    found = [f"GRANT {verbs} ON {q(table)} TO {role(name)}" for name, verbs in granted.items()]
    if sequence:
        adding = [name for name, verbs in granted.items() if "INSERT" in verbs]
        found += [f"GRANT USAGE ON SEQUENCE {q(sequence)} TO {role(name)}" for name in adding]
    return found


def append_only(table: str, wanted: bool) -> list[str]:
    """SQL that refuses every change and deletion of a table's rows, by its owner too; or ends that."""
    trigger = q(f"{table}_append_only")
    made = (
        f"CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE OR TRUNCATE ON {q(table)} "
        "FOR EACH STATEMENT EXECUTE FUNCTION samechild_append_only()"
    )
    return [f"DROP TRIGGER IF EXISTS {trigger} ON {q(table)}", *([made] if wanted else [])]


def row_level_security(table: str, roles: Mapping[str, bool], rules: Mapping[str, str]) -> list[str]:
    """SQL that shows a role only rows of the space it is in (where ``roles`` says so) that meet the role's rule."""
    found = [f"DROP POLICY IF EXISTS {q(f'{table}_{login}')} ON {q(table)}" for login in Login]
    if not any(roles.values()) and not rules:
        return [*found, f"ALTER TABLE {q(table)} DISABLE ROW LEVEL SECURITY"]
    found.append(f"ALTER TABLE {q(table)} ENABLE ROW LEVEL SECURITY")
    for name, owned in roles.items():
        spaced = [f"owner = {SPACE}"] if owned else []
        rule = " AND ".join(spaced + ([rules[name]] if name in rules else [])) or "true"
        found.append(
            f"CREATE POLICY {q(f'{table}_{name}')} ON {q(table)} TO {role(name)} USING ({rule}) WITH CHECK ({rule})"
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
