"""``samechild check``: can these files be used? Records to link by their columns, children to send by every rule."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.errors import EXIT_FOUND_PROBLEMS

if TYPE_CHECKING:
    from samechild.files.check import CheckedFile
    from samechild.records import Issue

_MOST_ISSUES = 40


_KINDS = ("children", "records")


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--as",
    "kind",
    type=click.Choice(_KINDS),
    help="What the files hold: children as sent each night, or records to link. Without it, what they look like.",
)
@click.option("--map", "map_file", type=click.Path(path_type=Path), help="A map.toml that says what columns mean.")
@click.option("--source-column", help="The column that says which source a record is from.")
@click.option("--csv", type=click.Path(path_type=Path), help="Of children: write every problem to this CSV file.")
@click.option("--xlsx", type=click.Path(path_type=Path), help="Of children: write every problem to this workbook.")
@click.option(
    "--postcodes",
    type=click.Path(path_type=Path),
    envvar="SAMECHILD_POSTCODES",
    help="Of children: a postcode directory that `samechild postcodes load` wrote [default: SAMECHILD_POSTCODES].",
)
@click.option("--ids", is_flag=True, help="Of children: show your own ids of the children on the screen.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Of children: the day on which they would be received; today if left out.",
)
@click.pass_context
def check(
    context: click.Context,
    files: tuple[str, ...],
    kind: str | None,
    map_file: Path | None,
    source_column: str | None,
    csv: Path | None,
    xlsx: Path | None,
    postcodes: Path | None,
    ids: bool,
    today: datetime | None,
) -> None:
    """Read FILES and say what could not be used, before they are linked or sent.

    Of records to link: what each column was taken for. Of children's social care records as they are sent each night
    (JSON or NDJSON, or the settings of `submit`, whose source is read): every rule, in the receiver's words.

    Ends with exit code 1 when something could not be used, or a child has an error.

    \b
    Examples:
      samechild check education.csv "social care.xlsx#Cases" health.parquet
      samechild check tonight.json --xlsx problems.xlsx
      samechild check submit.toml --csv problems.csv --ids
    """
    from samechild.cli.check_children import check_payloads, holds_children

    sent = [file for file in files if kind == "children" or (kind is None and holds_children(file))]
    linked = tuple(file for file in files if file not in sent)
    if not sent and (csv or xlsx or ids or today):
        raise click.UsageError("--csv, --xlsx, --ids and --today are for children as they are sent: add --as children.")
    found_problems = False
    if sent:
        day = today.date() if today else datetime.now(UTC).date()
        found_problems = check_payloads(sent, day, csv=csv, xlsx=xlsx, ids=ids, postcodes=postcodes)
    if linked:
        found_problems |= _check_records(linked, map_file, source_column)
    if found_problems:
        context.exit(EXIT_FOUND_PROBLEMS)


def _check_records(files: tuple[str, ...], map_file: Path | None, source_column: str | None) -> bool:
    """Say what the columns of files to link were taken for; whether there were problems."""
    from samechild.files.check import check as check_files
    from samechild.files.mapping import load_map

    found = check_files(files, load_map(map_file) if map_file else None, source_column)
    for file in found.files:
        _show_file(file)
    _show_issues(found.issues)
    return found.found_problems


def _show_file(file: CheckedFile) -> None:
    sheet = f", sheet {file.sheet}" if file.sheet else ""
    click.echo(f"{file.file}: {file.rows:,} rows ({file.format}, {file.encoding}{sheet}); source {file.source}")
    if file.trouble:
        click.echo(f"  cannot be linked yet: {file.trouble}")
    named = file.record_id or "no column: rows are numbered"
    click.echo(f"  {'record id':<22} {named}")
    for field, headings in file.recognised.items():
        click.echo(f"  {field:<22} {' + '.join(headings)}  ({file.filled[field]:,} filled)")
    if file.unused:
        click.echo(f"  {'not used':<22} {', '.join(file.unused)}")
    click.echo("")


def _show_issues(issues: tuple[Issue, ...]) -> None:
    if not issues:
        click.echo("No problems found in reading.")
        return
    click.echo("To look at:")
    for issue in issues[:_MOST_ISSUES]:
        place = ", ".join(
            part
            for part in (
                issue.source,
                f"row {issue.row}" if issue.row else "",
                f'column "{issue.column}"' if issue.column else "",
            )
            if part
        )
        rows = f" [{issue.rows:,} rows]" if issue.rows > 1 else ""
        click.echo(f"  {issue.severity}: {place}: {issue.message}{rows}")
    if len(issues) > _MOST_ISSUES:
        click.echo(f"  and {len(issues) - _MOST_ISSUES:,} more.")
