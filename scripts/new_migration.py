"""Write the next migration of each database from what the rooms declare now.

    python scripts/new_migration.py "what changes, in a few words"

The difference between the newest step and the declarations is written as plain Alembic operations; nothing is written
for a database that has not changed. Read what was written before committing it: a renamed column looks like one
dropped and one added, and what was shipped is never changed afterwards.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from alembic.autogenerate import api
from alembic.migration import MigrationContext
from alembic.operations import ops

from samechild.cli.tables import all_tables
from samechild.sql.columns import Moment
from samechild.storage import Database, schema
from samechild.storage.guards import Guard, guard_of
from samechild.storage.migrate import bring_up_to_date, folder_of, newest

STEP = '''"""{database}: {words}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from samechild.storage.guards import Guard
from samechild.storage.steps import protect

revision = "{number}"
down_revision = {after}


def upgrade() -> None:
    """Do this step."""
    {body}
'''


def main(arguments: Sequence[str]) -> int:
    """Write what is to be written and say which files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("words", help="what changes, in a few words")
    words = parser.parse_args(arguments).words
    written = [path for database in Database if (path := write_step(database, words)) is not None]
    print("\n".join(f"written: {path}" for path in written) or "Nothing has changed.")
    return 0


def write_step(database: Database, words: str) -> Path | None:
    """Write the next step of one database, if there is a difference."""
    body = difference(database, all_tables())
    if not body:
        return None
    last = newest(database)
    number = f"{int(last or 0) + 1:04}"
    slug = re.sub(r"\W+", "_", words.lower()).strip("_")
    path = folder_of(database) / "versions" / f"{number}_{slug}.py"
    after = f'"{last}"' if last else "None"
    titled = f"The {database.value} database"
    text = STEP.format(database=titled, words=words, number=number, after=after, body=body.replace("\n", "\n    "))
    path.write_text(re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(path)], check=True)
    return path


def difference(database: Database, tables: Sequence[sa.MetaData]) -> str:
    """The operations that lead from the newest step to the declarations, as Python; empty when there are none."""
    schema.make_strict(tables)
    engine = sa.create_engine("sqlite://", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        last_guards = {guard.table: guard for guard in bring_up_to_date(connection, database)}
        context = MigrationContext.configure(
            connection, opts={"target_metadata": schema.metadata_in(database, tables), "compare_type": True}
        )
        produced = api.produce_migrations(context, context.opts["target_metadata"])
    operations = produced.upgrade_ops or ops.UpgradeOps([])
    for operation in operations.ops:
        if isinstance(operation, ops.CreateTableOp):
            operation.info = {}  # the guard says it
    code = "" if operations.is_empty() else api.render_python_code(operations, render_item=_plain_type)
    declared = [guard_of(database, table) for table in schema.tables_in(database, tables)]
    guards = [_as_python(guard) for guard in declared if last_guards.get(guard.table) != guard]
    lines = [
        line.removeprefix("    ")
        for line in code.splitlines()
        if not line.strip().startswith("#") and line.strip() != "pass"
    ]
    return "\n".join([*lines, *guards]).strip()


def _plain_type(kind: str, thing: Any, context: Any) -> str | Literal[False]:
    """A step stays as it was written, whatever becomes of our own column types."""
    return "sa.Text()" if kind == "type" and isinstance(thing, Moment) else False


def _as_python(guard: Guard) -> str:
    given = {name: value for name, value in msgspec.structs.asdict(guard).items() if value}
    return f"protect(op, Guard({', '.join(f'{name}={value!r}' for name, value in given.items())}))"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
