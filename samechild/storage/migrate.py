"""Bringing a database to the form this version of samechild needs, by the steps in ``samechild/migrations``.

A step happens wholly or not at all, and steps only go forward. A database made by a newer samechild is left alone.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import samechild.migrations
from samechild.errors import Unavailable
from samechild.storage.databases import Database
from samechild.storage.guards import Guard
from samechild.storage.postgres import VERSIONS

_ONE_AT_A_TIME = threading.Lock()  # Alembic keeps the step it is at in a module


def folder_of(database: Database) -> Path:
    """Where the steps of a database are."""
    return Path(samechild.migrations.__path__[0]) / database.value


def newest(database: Database) -> str:
    """The number of the newest step of a database, which is the start of its file's name; empty: there is none."""
    steps = sorted(path.name[:4] for path in (folder_of(database) / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))
    return steps[-1] if steps else ""


def step_of(connection: sa.Connection) -> str:
    """The step a database is at; empty when it is new."""
    if not sa.inspect(connection).has_table(VERSIONS):
        return ""
    return str(connection.scalar(sa.text(f"SELECT version_num FROM {VERSIONS}")) or "")


def is_current(connection: sa.Connection, database: Database) -> bool:
    """Whether a database has the form that this version of samechild needs.

    Raises:
        Unavailable: when it was made by a newer samechild.
    """
    step = step_of(connection)
    if step > newest(database):
        raise Unavailable(
            f"The {database.value} database was made by a newer samechild (step {step}): install that version."
        )
    return step == newest(database)


def bring_up_to_date(connection: sa.Connection, database: Database, step: str = "") -> list[Guard]:
    """Do every step that a database lacks (or those up to ``step``); says which guards they set.

    It happens in the transaction of ``connection``: wholly or not at all.

    Raises:
        Unavailable: when it was made by a newer samechild.
    """
    if is_current(connection, database):
        return []
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(folder_of(database)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    guards: list[Guard] = []

    def lacking(revision: Any, context: Any) -> Any:
        return script._upgrade_revs(step or "head", revision)

    with _ONE_AT_A_TIME, EnvironmentContext(config, script, fn=lacking) as environment:
        environment.configure(connection=connection, transactional_ddl=True, version_table=VERSIONS)
        environment.get_context().opts["guards"] = guards
        environment.run_migrations()
    return guards
