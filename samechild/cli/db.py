"""``samechild db``: make the databases ready, back them up, put a backup back, look them over.

A backup is one sealed file that needs the root key and does not hold it: keep the two apart. After a restore whoever
was erased since the backup is erased again, and a ledger older than its witness is refused until an officer accepts it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samechild.cli.progress import progress
from samechild.errors import EXIT_FOUND_PROBLEMS, Refused, Unavailable
from samechild.settings import Settings, settings_of

if TYPE_CHECKING:
    from samechild.storage.backup import Head


@click.group("db")
def db() -> None:
    """Prepare, back up, restore and check the three databases."""


_home = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME]."
)
_owner = click.option(
    "--owner",
    default="",
    help="On PostgreSQL, the user who owns the tables; its password comes from PGPASSWORD or .pgpass.",
)


@db.command("migrate")
@_home
@_owner
def migrate_databases(home: Path | None, owner: str) -> None:
    """Make the three databases ready for this version of samechild; nothing is lost, and there is no way back.

    On PostgreSQL this also makes the database roles and says what each may do. Run it as the databases' owner.
    """
    from samechild.cli.tables import all_tables
    from samechild.storage import migrate, open_store, opening
    from samechild.storage.databases import Database

    settings = settings_of(home)
    before: dict[str, str] = {}
    if opening.on_server(settings):
        before = opening.migrate_all(settings, all_tables(), b"", owner)
    elif not opening.first_use(settings.home):
        before = opening.steps(settings, _root(settings))
    open_store(settings, all_tables()).close()
    for database in Database:
        was, now = before.get(database.value, ""), migrate.newest(database)
        click.echo(f"{database.value:<9} " + (f"is at step {now}" if was == now else f"went to step {now}"))


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_home
@_owner
def back_up_databases(file: Path, home: Path | None, owner: str) -> None:
    """Write all three databases, as they stand at one moment, into one sealed FILE.

    FILE can be read only with the root key, which is not in it: keep a copy of that elsewhere.
    """
    from samechild.cli.tables import all_tables
    from samechild.storage.backup import back_up

    settings = settings_of(home)
    with progress() as say:
        manifest = back_up(
            settings,
            all_tables(),
            file,
            root=_root(settings),
            random=os.urandom,
            now=datetime.now(UTC),
            owner=owner,
            more=_ledger_now(settings),
            told=lambda table, rows: say(f"copying {table}", 0.5),
        )
    rows = sum(part.rows for part in manifest.parts)
    click.echo(f"{rows:,} rows of {len(manifest.parts)} tables are in {file}, {file.stat().st_size:,} bytes, sealed.")


@db.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_home
@_owner
@click.option("--force", is_flag=True, help="Put it in the place of an installation that is not empty.")
@click.option(
    "--accept-rollback",
    "officer",
    metavar="USER",
    help="User id of the officer who accepts that the ledger goes back: what was disclosed since is lost from it.",
)
def restore_databases(file: Path, home: Path | None, owner: str, force: bool, officer: str | None) -> None:
    """Put the backup in FILE back, into an empty installation.

    The whole file is checked before anything is touched. Interrupted, run it again: nothing opens until it is done.
    """
    from samechild.cli.tables import all_tables
    from samechild.storage.backup import check, restore

    settings, tables = settings_of(home), all_tables()
    root = _root(settings)
    with progress() as say:
        say("checking the backup", 0.0)
        trouble = _ledger_trouble(settings, check(file, root).head)
        if trouble and not officer:
            raise Refused(
                f"{trouble} Bring that back, or look for a newer backup, or have an officer accept it with "
                "--accept-rollback USER. Nothing was changed."
            )
        manifest = restore(
            settings,
            tables,
            file,
            root=root,
            random=os.urandom,
            owner=owner,
            force=force,
            told=lambda table, rows: say(f"restoring {table}", 0.5),
        )
        say("erasing again who was erased since", 0.9)
        erased = _set_right(settings, officer if trouble else None)
    rows = sum(part.rows for part in manifest.parts)
    click.echo(f"{rows:,} rows are back, as of {manifest.head.made_at:%Y-%m-%d %H:%M} UTC.")
    if erased:
        click.echo(f"Erased again: {erased} children who were erased after the backup was made.")
    if trouble:
        click.echo("The ledger was accepted as it stands; it and its witness say so.")


@db.command("verify")
@_home
@_owner
@click.pass_context
def verify_databases(context: click.Context, home: Path | None, owner: str) -> None:
    """Look the databases over: whole, as declared, guarded, and every sealed row with a key or a tombstone.

    Ends with exit code 1 when something is wrong. The ledger is checked by `samechild ledger verify`.
    """
    from samechild.cli.tables import all_tables
    from samechild.storage.verify import verify

    settings = settings_of(home)
    faults = verify(settings, all_tables(), _root(settings), owner)
    for fault in faults:
        click.echo(f"{fault.database}: {fault.words}")
    click.echo("Something is wrong." if faults else "The databases are whole.")
    if faults:
        context.exit(EXIT_FOUND_PROBLEMS)


def _root(settings: Settings) -> bytes:
    from samechild.keys.root import root_key

    return root_key(settings.root_key, settings.home)


def _ledger_now(settings: Settings) -> dict[str, Any]:
    """Which ledger a backup holds at least, for comparing with the witness when it is put back."""
    from samechild.cli.tables import all_tables
    from samechild.policy.ledger import head
    from samechild.policy.ledger.checkpoint import origin_of
    from samechild.storage import open_store

    store = open_store(settings, all_tables())
    try:
        first = next(iter(store.keys.public_keys().values()))
        return {"entries": head(store).size, "origin": origin_of(first)}
    finally:
        store.close()


def _ledger_trouble(settings: Settings, head: Head) -> str:
    """Why the ledger of a backup does not fit its witness; empty when it does."""
    from samechild.policy.ledger.witness import Witness

    entries = int(head.more["entries"])
    witness = Witness(settings.witness_folder, str(head.more["origin"]))
    known = witness.look()
    if known is None:
        return f"The ledger's witness is not at {witness.path}." if entries else ""
    if known.size > entries:
        return f"The backup holds an older ledger ({entries:,} entries) than its witness has seen ({known.size:,})."
    return ""


def _set_right(settings: Settings, officer: str | None) -> int:
    """After a restore: erase again who was erased since, and have an officer's word about an older ledger written."""
    from samechild.cli.tables import all_tables
    from samechild.collection.purging import replay_purges
    from samechild.policy import ledger
    from samechild.policy.retention import erasure
    from samechild.storage import open_store

    now = datetime.now(UTC)
    store = open_store(settings, all_tables())
    try:
        erased = erasure.replay_tombstones(store, all_tables(), now)
        replay_purges(store, now)  # done before anything is read, when samechild starts
        if officer:
            ledger.accept(store, officer, now)
        if erasure.finish_erasures(store, all_tables(), now):
            raise Unavailable("A reader keeps what was erased from being overwritten: start samechild again.")
        return erased
    finally:
        store.close()
