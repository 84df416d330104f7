"""``samechild report``: the report of a finished run, written anew."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it; report.html in the current folder.")
def report(folder: Path, out: Path | None) -> None:
    """Write the report of the results in FOLDER again, from the counts in its run.json.

    \b
    Example:
      samechild report linked/ --out report.html
    """
    from samechild.cli.link import report_facts
    from samechild.cli.results import run_of, summary_of
    from samechild.errors import Refused
    from samechild.linkage.report import render

    record = run_of(folder)
    out = out or Path("report.html")
    if out.exists():
        raise Refused(f"{out} is there already: name another file with --out.")
    model = str(record.parameters.get("model_name", ""))
    page = render(summary_of(record, folder), report_facts(record.inputs, record.started, model))
    out.write_text(page, encoding="utf-8", newline="\n")
    click.echo(f"{out} is written.")
