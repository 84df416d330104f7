"""``samechild check`` of files of children as they are sent each night: what the receiver would say, before sending."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samechild.errors import Invalid

if TYPE_CHECKING:
    from samechild.collection.before_sending import Finding, Report
    from samechild.files.postcodes import PostcodeDirectory

_LOOKED_AT = 1 << 16
_MOST_RECORDS = 12
_SUFFIXES = (".json", ".ndjson", ".jsonl")
_SETTINGS = ".toml"
"""The settings of ``samechild submit``: what they name is read and checked as it would be sent."""

_PAYLOAD = re.compile(rb'"(?:child_details|social_care_episodes|health_and_wellbeing)"\s*:')
_TITLES = {
    "reject": "Would be refused at the door, and the whole batch with it",
    "error": "Errors",
    "query": "Queries: check, and mend or leave",
    "info": "For information",
}


def holds_children(file: str) -> bool:
    """Whether a file looks like children as they are sent: JSON with their sections, or settings for sending them."""
    path = Path(file)
    if path.suffix.lower() == _SETTINGS:
        return True
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return False
    with path.open("rb") as opened:
        start = opened.read(_LOOKED_AT)
    return b'"la_child_id"' in start and _PAYLOAD.search(start) is not None


def check_payloads(
    files: Sequence[str],
    today: date,
    *,
    csv: Path | None = None,
    xlsx: Path | None = None,
    ids: bool = False,
    postcodes: Path | None = None,
) -> bool:
    """Check files of children, show what was found by rule, and write it to files where wanted; say if errors were."""
    from samechild.collection.before_sending import check_body
    from samechild.files.postcodes import NO_DIRECTORY, open_directory

    given = open_directory(postcodes) if postcodes else NO_DIRECTORY
    found: list[tuple[str, Report]] = []
    for file in files:
        directory = given
        if Path(file).suffix.lower() == _SETTINGS:
            report, directory = _check_source(Path(file), today, given)
        else:
            try:
                body = Path(file).read_bytes()
            except OSError as error:
                raise Invalid(f"{Path(file).name} cannot be read ({error.strerror}): check its name.") from None
            report = check_body(body, today, postcodes=given)
        _show(Path(file).name, report, ids)
        if not len(directory):
            _show_unasked()
        found.append((Path(file).name, report))
    for path in (csv, xlsx):
        if path is not None:
            _write(path, found)
            click.echo(f"Written: {path} (it holds ids of children: keep it as you keep the data).")
    return any(report.found_errors for _, report in found)


def _show_unasked() -> None:
    """Say which rules were not asked, or not in full, for want of a postcode directory."""
    from samechild.collection.rules.catalogue import RULES

    told = "; ".join(f"{rule.code} {rule.without_postcodes}" for rule in RULES if rule.without_postcodes)
    click.echo(f"  No postcode directory (--postcodes): {told}.\n")


def _check_source(settings: Path, today: date, given: PostcodeDirectory) -> tuple[Report, PostcodeDirectory]:
    """Check the children of a council's own source, and say which of its rows found no place.

    Returns the report, and the postcode directory that was asked: the one ``given``, else what the settings name.
    """
    from samechild.collection.before_sending import check_children
    from samechild.collection.send.config import postcodes_of, read_config, surroundings
    from samechild.collection.send.mapping import Built
    from samechild.collection.send.sources import Tables
    from samechild.collection.send.trying import read_children

    config, built = read_config(settings), Built()
    directory = given if len(given) else postcodes_of(config)
    with Tables(config, surroundings(config)) as tables:
        children = enumerate(read_children(tables, today, built), start=1)
        report = check_children(
            children, today, months=config.source.months, postcodes=directory, long_ids=config.send.long_ids
        )
    for each in built.left_out:
        click.echo(f"Not placed: {each.rows:,} rows of {each.table} {each.why}")
    return report, directory


def _show(name: str, report: Report, ids: bool) -> None:
    click.echo(f"{name}: {_counted(report.children, 'child', 'children')} in {_counted(report.records, 'record')}")
    if report.partial:
        click.echo(
            f"  Of these, {_counted(report.partial, 'record')} with changes only: what is left out is told here as "
            "missing, and the receiver may have it."
        )
    if not report.findings:
        click.echo("  No problems found.\n")
        return
    told = ""
    for rule, findings in report.by_rule().items():
        grade = findings[0].grade.value
        if grade != told:
            total = _counted(report.grades[findings[0].grade], "problem")
            click.echo(f"\n{_TITLES[grade]} ({total}):")
            told = grade
        _show_rule(rule, findings, ids)
    click.echo("")


def _show_rule(rule: str, findings: Sequence[Finding], ids: bool) -> None:
    records = list(dict.fromkeys((each.record, each.la_child_id) for each in findings))
    click.echo(f"  {rule}  {findings[0].message}  [{len(findings):,}]")
    for mend in list(dict.fromkeys(each.mend for each in findings))[:3]:
        click.echo(f"          {mend}")
    if records == [(0, "")]:
        return
    named = [f"{number} ({child})" if ids and child else f"{number}" for number, child in records[:_MOST_RECORDS]]
    more = f" and {len(records) - _MOST_RECORDS:,} more" if len(records) > _MOST_RECORDS else ""
    click.echo(f"          {'record' if len(records) == 1 else 'records'} {', '.join(named)}{more}")


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _write(path: Path, found: Sequence[tuple[str, Report]]) -> None:
    """Write every problem as a row, for a spreadsheet to filter."""
    import pyarrow as pa

    from samechild.collection.rules.catalogue import section_of
    from samechild.files.write import write_csv
    from samechild.files.write_workbook import write_workbook

    rows = [(name, each) for name, report in found for each in report.findings]
    table = pa.table(
        {
            "file": pa.array([name for name, _ in rows], pa.string()),
            "record": pa.array([each.record for _, each in rows], pa.int64()),
            "la_child_id": pa.array([each.la_child_id for _, each in rows], pa.string()),
            "worker": pa.array([each.worker for _, each in rows], pa.string()),
            "rule": pa.array([each.rule for _, each in rows], pa.string()),
            "grade": pa.array([each.grade.value for _, each in rows], pa.string()),
            "about": pa.array([section_of(each.rule) for _, each in rows], pa.string()),
            "what is wrong": pa.array([each.message for _, each in rows], pa.string()),
            "what to do": pa.array([each.mend for _, each in rows], pa.string()),
            "where": pa.array(["; ".join(each.places) for _, each in rows], pa.string()),
        }
    )
    try:
        if path.suffix.lower() == ".xlsx":
            write_workbook(table, path, sheet="Problems")
        else:
            write_csv(table, path)
    except FileNotFoundError:
        raise Invalid(f"The folder of {path.name} does not exist: make it first.") from None
    except PermissionError:
        raise Invalid(f"{path.name} cannot be written: close it where it is open, or choose another place.") from None
