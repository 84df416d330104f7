"""``samechild submit``: a council's own end of the daily submission, run every night by the council's own clock.

Needs no installation. The screen and the log show counts; children are named only in the list of problems, in the
folder of reports that the settings name.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.progress import progress
from samechild.errors import EXIT_FOUND_PROBLEMS, Refused, SamechildError

if TYPE_CHECKING:
    from samechild.collection.send.config import Config, Credentials
    from samechild.collection.send.connection import Around, Connection
    from samechild.collection.send.report import Report
    from samechild.collection.send.run import Wanted
    from samechild.collection.send.sources import Tables
    from samechild.collection.send.status import Status
    from samechild.collection.send.trying import Tried

_config = click.option(
    "--config", "-c", "config_file", type=click.Path(path_type=Path), help="The settings [default: submit.toml]."
)


@click.group("submit", invoke_without_command=True)
@_config
@click.option("--full", is_flag=True, help="Send every child whole once more, changed or not.")
@click.option("--allow-purge", is_flag=True, help="Purge children that are gone, also when they are many.")
@click.option("--dry-run", is_flag=True, help="Send nothing: write what would be sent, and what is wrong with it.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for --dry-run [default: would-be-sent].")
@click.pass_context
def submit(
    context: click.Context, config_file: Path | None, full: bool, allow_purge: bool, dry_run: bool, out: Path | None
) -> None:
    """Send a council's children: read the extracts, find what changed, send it, and report child by child.

    Ends with 0 when all was kept, 1 when children must be mended, 3 when not let in, 6 when to try again later.

    \b
    Examples:
      samechild submit example > submit.toml
      samechild submit --config submit.toml --dry-run
      samechild submit --config submit.toml
    """
    context.obj = config_file
    if context.invoked_subcommand is not None:
        return
    from samechild.collection.send.config import read_config
    from samechild.collection.send.run import Wanted

    config = read_config(_file(config_file))
    folder = (out or config.beside("would-be-sent")).absolute() if dry_run else None
    if folder is not None:
        if folder.exists() and any(folder.iterdir()):
            raise Refused(f"{folder} is not empty: name another folder with --out, or delete it.")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    report = _run(config, Wanted(full=full, allow_purge=allow_purge, dry_run=folder))
    if report.found_problems:
        context.exit(EXIT_FOUND_PROBLEMS)


def _run(config: Config, wanted: Wanted) -> Report:
    from samechild.collection.send.config import credentials_of, postcodes_of, surroundings
    from samechild.collection.send.mapping import Built
    from samechild.collection.send.report import Report
    from samechild.collection.send.run import Job
    from samechild.collection.send.run import submit as send
    from samechild.collection.send.sources import Tables
    from samechild.collection.send.trying import read_children

    around, found, directory = _around(), surroundings(config), postcodes_of(config)
    began = around.clock()
    report = Report(began=began.isoformat(timespec="seconds"), mode="full" if wanted.full else config.send.mode)
    credentials = None if wanted.dry_run else credentials_of(found)
    built = Built()
    with (
        Tables(config, found) as tables,
        _status(config, dry_run=wanted.dry_run is not None) as status,
        _connected(config, around, credentials) as line,
        progress() as say,
    ):
        if credentials is not None:
            status.begin(credentials.address, began)
        try:
            job = Job(config, status, line, around, wanted, report, postcodes=directory)
            send(job, read_children(tables, began.date(), built), say)
        finally:
            report.left_out = [f"{each.rows:,} rows of {each.table} {each.why}" for each in built.left_out]
            _tell(config, report, began, wanted.dry_run)
            if credentials is not None:
                status.end(report.counts, around.clock())
    return report


@contextmanager
def _status(config: Config, *, dry_run: bool) -> Iterator[Status]:
    """The state file; a dry run that finds none leaves none behind."""
    from samechild.collection.send.status import open_status

    if dry_run and not config.state.exists():
        with (
            tempfile.TemporaryDirectory(prefix="samechild-submit-") as folder,
            open_status(Path(folder) / "state", Path(folder) / "key") as status,
        ):
            yield status
        return
    with open_status(config.state, config.key) as status:
        yield status


@contextmanager
def _connected(config: Config, around: Around, credentials: Credentials | None) -> Iterator[Connection | None]:
    from samechild.collection.send.connection import Connection

    if credentials is None:
        yield None
        return
    line = Connection(config, credentials, around)
    try:
        yield line
    finally:
        line.close()


def _around() -> Around:
    from samechild.collection.send.connection import Around

    return Around(lambda: datetime.now(UTC), time.sleep, random.SystemRandom().random)


def _file(config_file: Path | None) -> Path:
    return config_file or Path("submit.toml")


def _tell(config: Config, report: Report, began: datetime, dry_run: Path | None) -> None:
    """Write the report and show its counts."""
    from samechild.collection.send.report import write_report

    folder = dry_run or config.beside(config.send.reports)
    try:
        counts, problems = write_report(report, folder, f"submit-{began:%Y%m%dT%H%M%S}")
    except SamechildError as error:
        click.echo(f"samechild: {error}", err=True)
        return
    for name, number in report.counts.items():
        click.echo(f"{name.replace('_', ' '):<16} {number:>12,}")
    for line in (*report.left_out, *report.warnings):
        click.echo(f"To look at: {line}")
    click.echo(f"Report: {counts}")
    if report.notes:
        click.echo(f"Children to look at: {problems} (it names them: keep it as you keep their records)")


@submit.command("test-endpoint")
@_config
@click.pass_context
def test_endpoint(context: click.Context, config_file: Path | None) -> None:
    """Is the service there, and does it let this client in? Sends no child.

    \b
    Example:
      samechild submit test-endpoint --config submit.toml
    """
    from samechild.collection.send.config import credentials_of, read_config, surroundings
    from samechild.collection.send.connection import Connection
    from samechild.collection.send.trying import try_endpoint

    config = read_config(_file(config_file or context.obj))
    line = Connection(config, credentials_of(surroundings(config)), _around())
    try:
        _show(context, try_endpoint(line))
    finally:
        line.close()


@submit.command("test-db")
@_config
@click.pass_context
def test_source(context: click.Context, config_file: Path | None) -> None:
    """Can the source be opened, a database or files, and are its tables there? Shows no row.

    \b
    Example:
      samechild submit test-db --config submit.toml
    """
    from samechild.collection.send.trying import try_source

    _try_tables(context, config_file, try_source)


@submit.command("test-schema")
@_config
@click.pass_context
def test_schema(context: click.Context, config_file: Path | None) -> None:
    """Which field comes from which column, and which columns are missing? Shows no row.

    \b
    Example:
      samechild submit test-schema --config submit.toml
    """
    from samechild.collection.send.trying import try_schema

    _try_tables(context, config_file, try_schema)


@submit.command("status")
@_config
@click.pass_context
def show_status(context: click.Context, config_file: Path | None) -> None:
    """What was sent so far: counts of children by state, and the latest runs.

    \b
    Example:
      samechild submit status --config submit.toml
    """
    from samechild.collection.send.config import read_config
    from samechild.errors import Missing

    config = read_config(_file(config_file or context.obj))
    if not config.state.exists():
        raise Missing(f"Nothing was sent yet: there is no {config.state}.")
    with _status(config, dry_run=False) as status:
        for state, number in status.states().items():
            click.echo(f"{state:<16} {number:>12,}")
        for began, ended, counts in status.runs():
            told = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in counts.items())
            click.echo(f"{began}  {'cut off' if not ended else told}")


@submit.command("example")
@click.option("--source", type=click.Choice(["tables", "ssd"]), default="tables", show_default=True)
def example(source: str) -> None:
    """Show settings to start from, with a word about each.

    \b
    Example:
      samechild submit example --source ssd > submit.toml
    """
    from importlib.resources import files

    click.echo(
        files("samechild.collection.send").joinpath("data", f"{source}.toml").read_text(encoding="utf-8"), nl=False
    )


def _try_tables(context: click.Context, config_file: Path | None, attempt: Callable[[Tables], Iterator[Tried]]) -> None:
    from samechild.collection.send.config import read_config, surroundings
    from samechild.collection.send.sources import Tables

    config = read_config(_file(config_file or context.obj))
    with Tables(config, surroundings(config)) as tables:
        _show(context, attempt(tables))


def _show(context: click.Context, tried: Iterator[Tried]) -> None:
    well = True
    for each in tried:
        click.echo(f"{'well' if each.well else 'NOT '}  {each.words}")
        well = well and each.well
    if not well:
        context.exit(EXIT_FOUND_PROBLEMS)
