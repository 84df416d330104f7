"""``samechild index``: the living index from the command line: load, identify, watch, follow, put right, take out.

Everything here calls the actions that the pages and the API call. What is about children's records is decided by the
gate for the person or system named with ``--as``; checks and counts need nobody.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.cli.acting import acting, as_option, home_option, now_utc, opened, space_option
from samechild.cli.index_files import export, identify, import_files, watch
from samechild.cli.new_model import apply_model, dry_run
from samechild.cli.progress import progress
from samechild.errors import EXIT_FOUND_PROBLEMS, Invalid

if TYPE_CHECKING:
    pass

_file = click.Path(path_type=Path)
_note = click.option("--note", required=True, help="Why, for whoever looks at it later; kept sealed.")
_FORMATS = ("csv", "ndjson", "parquet")


@click.group("index")
def index() -> None:
    """Keep which records are of one child, as records arrive, and put right what was wrong."""


@index.command("load")
@click.argument("folder", type=_file)
@click.option("--owner", "owners", multiple=True, metavar="SOURCE=ORGANISATION", help="Whose a source's records are.")
@click.option("--never-link", type=_file, help="Pairs never to be one child: source_a, record_a, source_b, record_b.")
@space_option
@as_option
@home_option
def load(
    folder: Path, owners: tuple[str, ...], never_link: Path | None, space: str, who: str, home: Path | None
) -> None:
    """Load FOLDER, which samechild link wrote; loading it again changes nothing.

    \b
    Example:
      samechild index load linked/ --as quality@fernshire.example
    """
    from samechild.index import loading
    from samechild.linkage.decisions import read_never_link

    whose = dict(_owner(each) for each in owners)
    apart = [((a, b), (c, d)) for a, b, c, d in read_never_link(never_link)] if never_link else []
    with opened(home) as (store, _), progress() as say:
        by = acting(store, who, "index load")
        found = loading.load(store, by, folder, now_utc(), space=space, owners=whose, never_link=apart, progress=say)
    click.echo(f"{found.records:,} records read: {found.new_records:,} new, of {found.new_children:,} new children.")
    click.echo(f"{found.asked:,} questions wait for a person; {found.apart:,} pairs are kept apart.")


def _owner(text: str) -> tuple[str, str]:
    source, sign, organisation = text.partition("=")
    if not sign or not source or not organisation:
        raise Invalid("Write --owner SOURCE=ORGANISATION, the organisation's id behind the sign.")
    return source, organisation


@index.command("changes")
@click.option("--after", default="0", show_default=True, help="The cursor: 0, then what was printed last.")
@click.option("--format", "form", type=click.Choice(["ndjson"]), default="ndjson", show_default=True)
@click.option("--follow", is_flag=True, help="Go on waiting for what changes; press Ctrl-C to stop.")
@space_option
@as_option
@home_option
def changes(after: str, form: str, follow: bool, space: str, who: str, home: Path | None) -> None:
    """Print what changed after a cursor, one JSON object for each change; the next cursor is printed last, alone.

    The cursor goes to standard error, so that standard output holds changes and nothing else.

    \b
    Example:
      samechild index changes --after 0 --as SYSTEM > changes.ndjson
    """
    import msgspec

    from samechild.index import feed

    with opened(home) as (store, _):
        by = acting(store, who, "index changes")
        while True:
            page = feed.changes(store, by, space, after, now_utc())
            for change in page.changes:
                click.echo(msgspec.json.encode(change).decode())
            after = page.next
            if not page.more and follow:
                feed.wait(store, after, 10.0)
            elif not page.more:
                break
    click.echo(after, err=True)


@index.command("merge")
@click.argument("into")
@click.argument("gone")
@_note
@space_option
@as_option
@home_option
def merge(into: str, gone: str, note: str, space: str, who: str, home: Path | None) -> None:
    """Put the child GONE together with the child INTO; its identifier leads there from now on.

    \b
    Example:
      samechild index merge CHILD OTHER --note "same child, two schools" --as quality@fernshire.example
    """
    from samechild.index import actions

    with opened(home) as (store, _):
        by = acting(store, who, "index merge")
        event = actions.merge(store, by, space or by.organisation, into, gone, note, now_utc())
    click.echo(f"Done, as event {event.number}. `samechild index undo {event.number}` takes it back.")


@index.command("split")
@click.argument("child")
@click.argument("record_keys", nargs=-1, required=True)
@_note
@space_option
@as_option
@home_option
def split(child: str, record_keys: tuple[str, ...], note: str, space: str, who: str, home: Path | None) -> None:
    """Take RECORD_KEYS out of CHILD: they start a child of their own, and are not matched again until a person lets it.

    \b
    Example:
      samechild index split CHILD RECORD RECORD --note "cousins of one name" --as quality@fernshire.example
    """
    from samechild.index import actions

    with opened(home) as (store, _):
        by = acting(store, who, "index split")
        event = actions.split(store, by, space or by.organisation, child, list(record_keys), note, now_utc())
    click.echo(f"Done, as event {event.number}: the new child is {event.other or event.child}.")


@index.command("undo")
@click.argument("number", type=click.IntRange(min=1))
@_note
@space_option
@as_option
@home_option
def undo(number: int, note: str, space: str, who: str, home: Path | None) -> None:
    """Take event NUMBER back, exactly; later events that build on it must be taken back first, and are named.

    \b
    Example:
      samechild index undo 812 --note "wrong pair" --as quality@fernshire.example
    """
    from samechild.index import actions

    with opened(home) as (store, _):
        by = acting(store, who, "index undo")
        event = actions.undo(store, by, space or by.organisation, number, note, now_utc())
    click.echo(f"Done, as event {event.number}.")


@index.command("rebuild")
@click.option("--mend", is_flag=True, help="Put what the events add up to in the place of what stands there.")
@click.option("--space", "spaces", multiple=True, help="Only these spaces [default: all].")
@home_option
def rebuild(mend: bool, spaces: tuple[str, ...], home: Path | None) -> None:
    """Add up every event of the index and compare with what stands there; without --mend nothing is changed."""
    from samechild.index import actions
    from samechild.index.status import every_space

    wrong = False
    with opened(home) as (store, _):
        for space in spaces or [each.space for each in every_space(store)]:
            found = actions.rebuild(store, space, mend=mend)
            well = found.differences == 0 and found.same_hash
            wrong = wrong or not well
            words = "adds up" if well else f"{found.differences:,} lines stand otherwise" + (", mended" if mend else "")
            click.echo(f"{space}: {found.events:,} events, {found.lines:,} lines: {words}.")
    if wrong:
        sys.exit(EXIT_FOUND_PROBLEMS)


@index.command("status")
@home_option
def status(home: Path | None) -> None:
    """Show each space of the index in counts: children, records, questions that wait, events. Names nobody."""
    from samechild.index.status import every_space, status_of

    with opened(home) as (store, _):
        found = [(space, status_of(store, space.space)) for space in every_space(store)]
    if not found:
        click.echo("There is no index space yet: `samechild index load` opens the first.")
    for space, its in found:
        joint = f", joint by agreement {space.agreement}" if space.agreement else ""
        click.echo(f"{space.title}  ({space.space}{joint})")
        click.echo(f"  {its.children:>9,}  children ({its.unborn:,} not yet born)")
        click.echo(f"  {its.records:>9,}  records of {its.sources:,} sources")
        click.echo(f"  {its.questions:>9,}  questions wait for a person")
        click.echo(f"  {its.events:>9,}  events; the newest has number {its.newest}")
        click.echo(f"  model {its.model or 'none yet'}, state {its.state_hash[:16]}")


for _command in (identify, import_files, watch, export, dry_run, apply_model):
    index.add_command(_command)
