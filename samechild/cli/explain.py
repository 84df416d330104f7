"""``samechild explain``: which evidence moved a pair's weight, and by how much.

About a pair the run did not write there is one answer, whoever the two are. The command cannot know more: what is
protected is in none of the tables it reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samechild.errors import Invalid, Refused

if TYPE_CHECKING:
    from rich.table import Table

    from samechild.cli.waterfall import Step
    from samechild.linkage.evidence import Explained
    from samechild.linkage.model import Model

_file = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=_file)
@click.argument("one", metavar="SOURCE:ID")
@click.argument("other", metavar="SOURCE:ID")
@click.option("--html", "html_file", type=_file, help="Write the explanation to this file, as a page with a picture.")
@click.option("--svg", "svg_file", type=_file, help="Write the picture alone to this file.")
def explain(folder: Path, one: str, other: str, html_file: Path | None, svg_file: Path | None) -> None:
    """Show what speaks for and against two records being of one child, from the results in FOLDER.

    \b
    Example:
      samechild explain linked/ education:1234 health:9876 --html why.html
    """
    from samechild.cli.results import run_of, table_of
    from samechild.linkage.evidence import NOTHING, explained, pair_of, readings
    from samechild.linkage.request import stored_model

    if not (readings(one) and readings(other)):
        raise Invalid("Name each record by its source and its id with a colon between: education:1234.")
    for path in (html_file, svg_file):
        if path is not None and path.exists():
            raise Refused(f"{path} is there already: name another file.")
    run = run_of(folder)
    row = pair_of(table_of(folder, "pairs.parquet"), readings(one), readings(other))
    records = table_of(folder, "records.parquet")
    model, stored = stored_model(folder / "model.json")
    frequencies = stored if run.parameters.get("model_frequencies") else None
    found = explained(row, records, model, frequencies) if row is not None else None
    if found is None:
        click.echo(NOTHING)
        return
    _show(found, model, html_file, svg_file)


def _show(found: Explained, model: Model, html_file: Path | None, svg_file: Path | None) -> None:
    """Print the evidence heaviest first, with what it adds up to, and write what was asked for."""
    from rich.console import Console

    from samechild.cli.pages import explanation_page
    from samechild.cli.waterfall import picture

    steps, total = steps_of(found, model), found.score.match_weight
    table = evidence_table(steps, total, found.score.probability)
    decided = f"Decided: {found.decision}. {found.reason}"
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    console.print(table)
    console.print(decided, highlight=False, markup=False)
    if svg_file is not None:
        svg_file.write_text(picture(steps, total), encoding="utf-8", newline="\n")
    if html_file is not None:
        page = explanation_page(decided, picture(steps, total), table)
        html_file.write_text(page, encoding="utf-8", newline="\n")


def steps_of(found: Explained, model: Model) -> list[Step]:
    """List what moved the weight: where any two records start, the evidence heaviest first, and the family."""
    from math import log2

    from samechild.cli.waterfall import Step

    seen = zip(model.comparisons, found.score.levels, found.score.weights, strict=True)
    rows = [(weight, comparison, comparison.levels[level]) for comparison, level, weight in seen]
    steps = [Step("At the start", "any two records", log2(model.prior / (1 - model.prior)))]
    for weight, comparison, level in sorted(rows, key=lambda row: -abs(row[0])):
        if not level.is_null:
            fields = (comparison.name, *comparison.columns)
            one, other = _held(found.left, fields), _held(found.right, fields)
            steps.append(Step(comparison.name.replace("_", " "), level.label, weight, one, other))
    if found.score.family_weight:
        steps.append(Step("Same family", "what twins and siblings would share too", found.score.family_weight))
    return steps


def evidence_table(steps: list[Step], total: float, probability: float) -> Table:
    """Set out what each piece of evidence weighs, in bits: ten bits are a thousand to one."""
    from rich.table import Table
    from rich.text import Text

    from samechild.cli.waterfall import in_bits

    table = Table(title="What speaks for and against one child", title_justify="left")
    for name in ("Evidence", "What was seen", "Bits", "One", "Other"):
        table.add_column(name, justify="right" if name == "Bits" else "left")
    for step in steps:
        table.add_row(step.name, Text(step.seen), in_bits(step.bits), Text(step.one), Text(step.other))
    likely = "probability over 0.9999" if 0.9999 < probability < 1 else f"probability {probability:.4f}"
    table.add_row("Together", likely, in_bits(total), style="bold")
    return table


def _held(record: dict[str, Any], columns: tuple[str, ...]) -> str:
    """Say what a record holds in the first of these fields that it holds anything in."""
    held = next((record[name] for name in columns if record.get(name)), "")
    return ", ".join(held) if isinstance(held, list) else str(held)
