"""``samechild check``: can these files be read, and what was each column taken for? Nothing is linked or written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.errors import EXIT_FOUND_PROBLEMS

if TYPE_CHECKING:
    from samechild.files.check import CheckedFile
    from samechild.records import Issue

_MOST_ISSUES = 40


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--map", "map_file", type=click.Path(path_type=Path), help="A map.toml that says what columns mean.")
@click.option("--source-column", help="The column that says which source a record is from.")
@click.pass_context
def check(context: click.Context, files: tuple[str, ...], map_file: Path | None, source_column: str | None) -> None:
    """Read FILES and say what each column was taken for, and what could not be used.

    Ends with exit code 1 when something could not be used.

    \b
    Example:
      samechild check education.csv "social care.xlsx#Cases" health.parquet
    """
    from samechild.files.check import check as check_files
    from samechild.files.mapping import load_map

    found = check_files(files, load_map(map_file) if map_file else None, source_column)
    for file in found.files:
        _show_file(file)
    _show_issues(found.issues)
    if found.found_problems:
        context.exit(EXIT_FOUND_PROBLEMS)


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
