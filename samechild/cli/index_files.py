"""``samechild index``, the part about files: identify, import, export and the watched folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samechild.cli.acting import acting, as_option, home_option, now_utc, opened, space_option
from samechild.cli.progress import progress
from samechild.errors import EXIT_FOUND_PROBLEMS, Invalid

if TYPE_CHECKING:
    import pyarrow as pa

    from samechild.files.records import Mapping
    from samechild.index.exchange import Brought
    from samechild.storage import Store

_file = click.Path(path_type=Path)
_FORMATS = ("csv", "ndjson", "parquet")


@click.command("identify")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--source", required=True, help="The system the records are from; always the same for the same system.")
@space_option
@as_option
@home_option
def identify(file: Any, source: str, space: str, who: str, home: Path | None) -> None:
    """Find records their children, one JSON object for each line of FILE or standard input; answers in the same way.

    \b
    A line: {"record_id": "17", "given": {"forename": "...", "surname": "...", "date_of_birth": "..."}}
    Example:
      samechild index identify --source mosaic --as SYSTEM < new.ndjson
    """
    import msgspec

    from samechild.index.exchange import AT_ONCE, sent_records
    from samechild.index.identifying import identify as find

    with opened(home) as (store, _):
        by = acting(store, who, "index identify")
        arrivals = sent_records(file, by.organisation, source)
        for at in range(0, len(arrivals), AT_ONCE):
            some = arrivals[at : at + AT_ONCE]
            for arrival, answer in zip(some, find(store, by, some, now_utc(), space=space), strict=True):
                told = {"record_id": arrival.record_id, **msgspec.to_builtins(answer)}
                click.echo(msgspec.json.encode(told).decode())


@click.command("import")
@click.argument("files", nargs=-1, type=_file)
@click.option("--source", default="", help="The system the files are from [default: each file's own name].")
@click.option("--map", "map_file", type=_file, help="A map.toml that says what columns mean.")
@click.option("--out", type=_file, help="A folder for what became of each row; made by this command.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="csv", show_default=True)
@click.option("--everything", type=_file, help="Instead of files: a folder that samechild export --everything wrote.")
@click.option("--dry-run", is_flag=True, help="Read and check the files, and keep nothing.")
@click.option("--force", is_flag=True, help="Replace an earlier result in --out.")
@space_option
@as_option
@home_option
def import_files(
    files: tuple[Path, ...], source: str, map_file: Path | None, out: Path | None, form: str,
    everything: Path | None, dry_run: bool, force: bool, space: str, who: str, home: Path | None,
) -> None:  # fmt: skip
    """Take records in from FILES (CSV, NDJSON, Excel, Parquet); each joins a child, starts one, or is put to a person.

    \b
    Examples:
      samechild index import education.csv --source sims --out taken/ --as SYSTEM
      samechild index import --everything left/ --as quality@fernshire.example
    """
    if bool(files) == (everything is not None):
        raise Invalid("Name files of records, or a folder with --everything.")
    with opened(home) as (store, _):
        if everything is not None:
            _take_everything(store, everything, who)
            return
        brought = _bring(store, files, source, map_file, who, space, dry_run=dry_run, out=out, form=form, force=force)
    _say_what_came(brought, out, dry_run=dry_run)
    if any(issue.severity == "error" for issue in brought.issues):
        sys.exit(EXIT_FOUND_PROBLEMS)


def _bring(
    store: Store, files: tuple[Path, ...], source: str, map_file: Path | None, who: str, space: str,
    *, dry_run: bool, out: Path | None, form: str, force: bool,
) -> Brought:  # fmt: skip
    from samechild.files.folder import OutputFolder, refuse_unless_free
    from samechild.files.mapping import load_map
    from samechild.files.read import read_files
    from samechild.files.run_record import RunRecord, inputs_of, versions, write_run_record
    from samechild.index.exchange import Brought, bring_in, problems_table, records_in, results_table, write_table

    began, started = now_utc(), time.monotonic()
    if out is not None:
        refuse_unless_free(out, force)
    by = acting(store, who, "index import")
    mapping = load_map(map_file) if map_file else None
    read = read_files(files, mapping)
    records = records_in(read, by.organisation, began.date(), mapping, source)
    if dry_run:
        return Brought(rows=(), counts={"records": len(records.rows)}, issues=records.issues)
    with progress() as say:
        brought = bring_in(store, by, records, began, space=space, say=say)
    if out is not None:
        with OutputFolder(out, force) as folder:
            write_table(results_table(brought), folder, "results", form)
            write_table(problems_table(brought.issues), folder, "problems", form)
            record = RunRecord(
                command="index import",
                started=began.isoformat(timespec="seconds"),
                duration_seconds=round(time.monotonic() - started, 2),
                inputs=inputs_of(read),
                parameters={"source": source, "map": map_file.name if map_file else "", "space": space},
                counts=dict(brought.counts),
                versions=versions(),
            )
            write_run_record(folder, record)
    return brought


def _say_what_came(brought: Brought, out: Path | None, *, dry_run: bool) -> None:
    words = ", ".join(f"{count:,} {name}" for name, count in sorted(brought.counts.items()))
    click.echo(f"Nothing was kept. {words} can be used." if dry_run else f"Done: {words}.")
    if brought.issues:
        click.echo(f"{len(brought.issues):,} problems with rows or values:")
        for issue in brought.issues[:20]:
            click.echo(f"  {issue.source} row {issue.row} {issue.column}: {issue.message}")
    if out is not None and not dry_run:
        click.echo(f"What became of each row is in {out}.")


def _take_everything(store: Store, folder: Path, who: str) -> None:
    from samechild.index.arriving import take_in
    from samechild.policy.shown import organisation

    by = acting(store, who, "index import --everything")
    with progress() as say:
        found = take_in(store, by, folder, now_utc(), organisation(store, by.organisation).name, say)
    click.echo(
        f"Taken in: {found.records:,} records of {found.children:,} children, {found.rulings:,} rulings, "
        f"{found.content:,} rows of what is known."
    )
    click.echo(f"children {found.digest}")


@click.command("export")
@click.argument("out", type=_file)
@click.option("--format", "form", type=click.Choice(_FORMATS), default="csv", show_default=True)
@click.option("--force", is_flag=True, help="Replace an earlier export there.")
@space_option
@as_option
@home_option
def export(out: Path, form: str, force: bool, space: str, who: str, home: Path | None) -> None:
    """Write the organisation's own records, each with its child, into the folder OUT, as far as the gate opens them.

    \b
    Example:
      samechild index export children/ --format parquet --as quality@fernshire.example
    """
    from samechild.files.folder import OutputFolder, refuse_unless_free
    from samechild.files.run_record import RunRecord, versions, write_run_record
    from samechild.index.exchange import write_table
    from samechild.index.going_out import refuse_when_empty, take_out

    began, started = now_utc(), time.monotonic()
    refuse_unless_free(out, force)
    with opened(home) as (store, _):
        by = acting(store, who, "index export")
        found = take_out(store, by, space, began)
    refuse_when_empty(found)
    with OutputFolder(out, force) as folder:
        tables: dict[str, pa.Table] = {"records": found.records, "children": found.children}
        for name, table in tables.items():
            write_table(table, folder, name, form)
        counts = {name: table.num_rows for name, table in tables.items()}
        record = RunRecord(
            command="index export",
            started=began.isoformat(timespec="seconds"),
            duration_seconds=round(time.monotonic() - started, 2),
            parameters={"format": form, "space": space},
            counts=counts,
            versions=versions(),
        )
        write_run_record(folder, record)
    click.echo(f"{counts['records']:,} records and {counts['children']:,} identifiers of children are in {out}.")


@click.command("watch")
@click.argument("folder", type=_file)
@click.option("--source", default="", help="The system the files are from [default: the folder's name].")
@click.option("--map", "map_file", type=_file, help="A map.toml that says what columns mean.")
@click.option("--every", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Take what is whole now, then end.")
@space_option
@as_option
@home_option
def watch(
    folder: Path, source: str, map_file: Path | None, every: float, once: bool, space: str, who: str, home: Path | None
) -> None:
    """Take in each file that is dropped into FOLDER, once; it is moved to done, or to failed with a reason beside it.

    A file is taken when it did not change between two looks. Press Ctrl-C to stop.

    \b
    Example:
      samechild index watch inbox/ --source mosaic --as SYSTEM
    """
    from samechild.errors import Unavailable
    from samechild.files.mapping import load_map
    from samechild.index.watching import begin, look

    mapping = load_map(map_file) if map_file else None
    with opened(home) as (store, _):
        by = acting(store, who, "index watch")
        watched = begin(folder)

        def take(path: Path) -> str:
            return _taken(store, by, path, source or folder.resolve().name, mapping, space)

        looks = 0
        while True:
            try:
                watched, taken = look(watched, take, now_utc)
                for each in taken:
                    click.echo(f"{each.file}: {'taken' if each.well else 'failed'}. {each.words}")
            except Unavailable as error:
                click.echo(f"samechild: {error} Tried again.", err=True)
                if once:
                    raise
            looks += 1
            if once and looks > 1:
                return
            time.sleep(every)


def _taken(store: Store, by: Any, path: Path, source: str, mapping: Any, space: str) -> str:
    """Take one file of a watched folder; one with a row that cannot be used is taken, and says so."""
    from samechild.files.read import read_files
    from samechild.index.exchange import bring_in, records_in

    now = now_utc()
    # A map speaks of files by name; of those that are not in this folder now it says nothing.
    mapping = (
        None if mapping is None else type(mapping)(tuple(each for each in mapping.files if each.file == path.name))
    )
    read = records_in(read_files([path], mapping), by.organisation, now.date(), mapping, source)
    brought = bring_in(store, by, read, now, space=space)
    words = ", ".join(f"{count:,} {name}" for name, count in sorted(brought.counts.items()))
    problems = f" {len(brought.issues):,} problems with rows or values." if brought.issues else ""
    return f"{words or 'no records'}.{problems}"


def _for_this_file(mapping: Mapping | None, name: str) -> Mapping | None:
    """A map with one entry holds for every file that is dropped in, whatever its name."""
    import msgspec

    if mapping is None or not mapping.files:
        return None
    named = [each for each in mapping.files if each.file == name] or list(mapping.files[:1])
    return msgspec.structs.replace(mapping, files=(msgspec.structs.replace(named[0], file=name),))
