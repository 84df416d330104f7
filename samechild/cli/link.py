"""``samechild link``: agencies' files in, linked children out, and a short answer in words.

Everything is written into one folder that appears when all of it is there. The words on the screen are counts and
names of files, never anything about a child.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samechild.cli.memory import spare_memory
from samechild.cli.progress import Say, part, progress
from samechild.errors import Invalid

if TYPE_CHECKING:
    from samechild.linkage.request import Linked, Request

_file = click.Path(path_type=Path)
_OPTIONS = (
    click.argument("files", nargs=-1, required=True),
    click.option("--out", type=_file, help="The folder for the results; made by this command."),
    click.option("--map", "map_file", type=_file, help="A map.toml that says what columns mean."),
    click.option("--write-map", "draft", type=_file, help="Write the start of a map, and link nothing."),
    click.option("--source-column", metavar="NAME", help="The column that says which source a record is from."),
    click.option("--model", type=_file, help="A trained model (ours or Splink's) instead of training one."),
    click.option("--model-frequencies", is_flag=True, help="Use the model's own term frequencies."),
    click.option("--superseded", type=_file, help="NHS numbers that were replaced: columns old, new."),
    click.option("--never-link", type=_file, help="Pairs never to be joined: source_a, record_a, source_b, record_b."),
    click.option("--decisions", type=_file, help="A review sheet with a person's answers; they outrank scores."),
    click.option("--previous", type=_file, help="Results of an earlier run: keeps its child ids and its answers."),
    click.option("--restricted", type=_file, help="A folder, outside --out, for the sealed list of protected pairs."),
    click.option("--restricted-key", metavar="KEY", help="Public key (age1...) of who may open that list, or a file."),
    click.option(
        "--engine", type=click.Choice(["local", "duckdb", "spark"]), default="local", show_default=True,
        help="Where the work runs.",
    ),
    click.option("--seed", type=int, default=1, show_default=True, help="The start of every random choice."),
    click.option("--threads", type=int, default=2, show_default=True, help="How many processors to use."),
    click.option("--review-limit", type=float, help="Most pairs to leave to a person, for each 1,000 children."),
    click.option("--join", type=float, help="Join pairs at this probability or more."),
    click.option("--ask", type=float, help="Ask a person from this probability up to --join."),
    click.option("--force", is_flag=True, help="Replace results that samechild wrote there."),
    click.option("--no-excel", is_flag=True, help="Write no workbooks."),
    click.option("--no-report", is_flag=True, help="Write no report.html."),
)  # fmt: skip


def _with_options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_with_options
def link(
    out: Path | None,
    draft: Path | None,
    restricted: Path | None,
    restricted_key: str | None,
    force: bool,
    no_excel: bool,
    no_report: bool,
    **asked: Any,
) -> None:
    """Say which records in FILES are of one child, and which pairs a person should look at.

    FILES are CSV, TSV, Excel, Parquet, JSON or NDJSON; columns are recognised by their usual names. The source of each
    record is its file's name unless a column says otherwise.

    \b
    Examples:
      samechild link education.csv "social care.xlsx" health.parquet --out linked/
      samechild link *.csv --previous linked/ --decisions reviewed.xlsx --out linked2/
    """
    if draft is not None:
        _draft_map(asked["files"], draft)
        return
    if out is None:
        raise Invalid("Say where the results go: --out linked/")
    spare_memory(asked["files"])
    from samechild.linkage.request import Request

    request = Request(**asked, summed=not no_report)
    with progress() as say:
        linked, sealed = link_into(
            out,
            request,
            say,
            restricted=restricted,
            restricted_key=restricted_key,
            force=force,
            excel=not no_excel,
            report=not no_report,
        )
    for line in in_words(linked, out, sealed, excel=not no_excel, report=not no_report):
        click.echo(line)


def _draft_map(files: tuple[str, ...], draft: Path) -> None:
    from samechild.files.mapping import write_map
    from samechild.files.read import read_files

    write_map(draft, read_files(files))
    click.echo(f"{draft} says what was recognised; correct it, then link with --map {draft}")


def link_into(
    out: Path,
    request: Request,
    say: Say,
    *,
    restricted: Path | None = None,
    restricted_key: str | None = None,
    force: bool = False,
    excel: bool = True,
    report: bool = True,
) -> tuple[Linked, Path | None]:
    """Link what is asked for and write the results folder; returns the run, and where the sealed list went."""
    from samechild.files.folder import OutputFolder
    from samechild.linkage.request import run
    from samechild.linkage.sealing import check_place, recipients, sealed, write_sealed

    begun, started = time.perf_counter(), datetime.now(UTC)
    if (restricted is None) != (restricted_key is None):
        raise Invalid("--restricted and --restricted-key go together: where the sealed list lies, and who may open it.")
    keys = recipients(restricted_key) if restricted_key else []
    if restricted is not None:
        check_place(restricted, out, force)
    with OutputFolder(out, force) as folder:
        linked = run(request, part(say, 0.0, 0.85))
        _write(linked, request, folder, part(say, 0.85, 1.0), begun, started, excel=excel, report=report)
        place = None
        if restricted is not None:
            place = write_sealed(sealed(linked.result.restricted, keys), restricted)
        say("Putting the results in place", 1.0)
    return linked, place


def _write(
    linked: Linked,
    request: Request,
    folder: Path,
    say: Say,
    begun: float,
    started: datetime,
    *,
    excel: bool,
    report: bool,
) -> None:
    """Write every file of a results folder, and ``run.json`` with the seconds each took."""
    import msgspec

    from samechild.files.run_record import RunRecord, versions, write_run_record
    from samechild.linkage import writing

    result, prepared = linked.result, linked.prepared
    seconds = {"read": linked.reading, **result.seconds}
    say("Writing the tables", 0.0)
    options, gathered = prepared.options, prepared.gathered
    told = writing.Told(gathered.headings, gathered.issues, options.never_link, options.frequencies)
    seconds |= writing.write_tables(result, told, folder)
    if excel:
        say("Writing the workbooks", 0.4)
        seconds |= writing.write_workbooks(result, folder)
    facts = report_facts(prepared.inputs, started.isoformat(timespec="seconds"), result.model.name)
    if report:
        say("Writing the report", 0.7)
        seconds |= writing.write_report(result, facts, folder)
    counts: dict[str, Any] = {
        "records": result.children.num_rows,
        **prepared.counts,
        **result.counts,
        "seconds": {step: round(took, 3) for step, took in seconds.items()},
    }
    if result.summary is not None:
        counts["summary"] = msgspec.to_builtins(result.summary)
    write_run_record(
        folder,
        RunRecord(
            command="link",
            started=facts["started"],
            duration_seconds=round(time.perf_counter() - begun, 2),
            inputs=prepared.inputs,
            parameters=_parameters(request, linked),
            counts=counts,
            versions=versions(),
        ),
    )


def _parameters(request: Request, linked: Linked) -> dict[str, Any]:
    """Say what was asked for; files by name only, lists of people's numbers never."""
    import msgspec

    asked = {
        name: value.name if isinstance(value, Path) else value
        for name, value in msgspec.structs.asdict(request).items()
        if name not in ("files", "today", "summed")
    }
    thresholds = msgspec.to_builtins(linked.result.model.thresholds)
    return {**asked, "today": linked.prepared.options.today.isoformat(), "thresholds": thresholds,
            "model_name": linked.result.model.name}  # fmt: skip


def report_facts(inputs: Any, started: str, model: str) -> dict[str, Any]:
    """Gather what the report says of how a run was made."""
    from samechild.files.run_record import versions

    files = [{"name": one.file, "rows": one.rows} for one in inputs]
    return {"version": versions().get("samechild", ""), "started": started, "model": model, "inputs": files}


def in_words(linked: Linked, out: Path, sealed: Path | None, *, excel: bool, report: bool) -> list[str]:
    """Say in a few lines what was found and where to look first."""
    result, counts = linked.result, linked.prepared.counts
    found = result.counts
    lines = [
        f"{found['records']:,} records are of {found['children']:,} children; {found['linked_elsewhere']:,} records "
        "were joined with a record of another source.",
        f"{found['ask']:,} {'pair is' if found['ask'] == 1 else 'pairs are'} left to a person "
        f"({1000 * found['ask'] / max(found['children'], 1):.1f} for each 1,000 children).",
    ]
    problems = result.problems.num_rows + len(linked.prepared.gathered.issues)
    if problems:
        lines.append(f"{problems:,} problems with rows or values: see problems.csv.")
    lines += _about_lists(counts, result.counts, result.restricted.num_rows, sealed)
    first = "report.html" if report else "children.csv"
    second = "review.xlsx" if excel else "review.csv"
    if found["ask"]:
        first = f"{first}, then fill in {second}"
    lines.append(f"Results are in {out}. Look first at {first}.")
    return lines


def _about_lists(counts: dict[str, int], found: dict[str, int], restricted: int, sealed: Path | None) -> list[str]:
    """Say what became of the lists that came with the files, in counts only."""
    lines = []
    if "never_link_listed" in counts:
        away = counts["never_link_not_here"]
        lines.append(
            f"{counts['never_link_listed']:,} pairs of the never-link list"
            + (f" ({away:,} name a record that is not in these files)." if away else " were obeyed.")
        )
    if "answers_read" in counts:
        away = counts["answers_not_here"]
        lines.append(
            f"{counts['answers_read']:,} answers of a person were read"
            + (f"; {away:,} speak of records that are not in these files." if away else ".")
        )
    if restricted:
        where = f"sealed in {sealed}" if sealed else "told nowhere; a named person can have them with --restricted"
        lines.append(f"{restricted:,} protected pairs were kept apart: {where}.")
    if "records_new" in found:
        lines.append(
            f"Since the earlier run {found['records_new']:,} records came and {found['records_gone']:,} went; "
            "children that were joined, split or are new stand in changes.csv."
        )
    return lines
