"""``samechild governance``: the governance pack and the downtime card of an installation, written from what it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from samechild.settings import Settings, settings_of
from samechild.storage import Store

_home = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of the installation [default: SAMECHILD_HOME]."
)


@click.group("governance")
def governance() -> None:
    """Write the documents that data protection law asks for, from what is really configured."""


@governance.command("pack")
@_home
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write the pack into.")
@click.option("--schedule", "own", type=click.Path(path_type=Path), help="Your own retention schedule (TOML).")
@click.option("--force", is_flag=True, help="Replace an earlier pack in that folder.")
def write_pack(home: Path | None, out: Path, own: Path | None, force: bool) -> None:
    """Write the governance pack: record of processing, impact assessment, agreements, notices, access review.

    \b
    Example:
      samechild governance pack --home council/ --out pack/
    """
    from samechild.files.folder import OutputFolder, refuse_unless_free
    from samechild.files.run_record import RunRecord, versions, write_run_record
    from samechild.policy.governance.actions import governance_pack
    from samechild.policy.retention.periods import read_schedule

    started, begun = datetime.now(UTC), time.monotonic()
    refuse_unless_free(out, force)
    schedule = read_schedule(own) if own else None
    with _opened(home) as (store, settings):
        files = governance_pack(store, settings, started, schedule)
    with OutputFolder(out, force) as folder:
        for name, contents in files.items():
            (folder / name).write_bytes(contents)
        record = RunRecord(
            command="governance pack",
            started=started.isoformat(timespec="seconds"),
            duration_seconds=round(time.monotonic() - begun, 3),
            parameters={"schedule": own.name if own else "as shipped"},
            counts={"files": len(files), "gaps": files["gaps.csv"].count(b"\r\n") - 1},
            versions=versions(),
        )
        write_run_record(folder, record)
    click.echo(f"{out / 'index.html'} is written, with {record.counts['gaps']} gaps named: start there.")


@governance.command("card")
@_home
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it; downtime-card.html when left out.")
def write_card(home: Path | None, out: Path | None) -> None:
    """Write the downtime card: whom to phone when the system is down. Print it, and print it again when it changes."""
    from samechild.errors import Refused
    from samechild.policy.governance.downtime_actions import downtime_card

    out = out or Path("downtime-card.html")
    if out.exists():
        raise Refused(f"{out} is there already: name another file with --out.")
    with _opened(home) as (store, _):
        page = downtime_card(store, datetime.now(UTC))
    out.write_text(page, encoding="utf-8", newline="\n")
    click.echo(f"{out} is written: print it.")


@contextmanager
def _opened(home: Path | None) -> Iterator[tuple[Store, Settings]]:
    from samechild.cli.tables import all_tables
    from samechild.errors import Missing
    from samechild.storage import open_store
    from samechild.storage.opening import first_use, on_server

    settings = settings_of(home)
    if not on_server(settings) and first_use(settings.home):
        raise Missing(f"{settings.home} holds no installation: name its folder with --home.")
    store = open_store(settings, all_tables())
    try:
        yield store, settings
    finally:
        store.close()
