"""``samechild evaluate``: how good was a run, by the truth or by what a person judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samechild.errors import Invalid, Refused

if TYPE_CHECKING:
    from samechild.linkage.evaluation import Evaluation

_file = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=_file)
@click.option(
    "--truth", type=_file, help="Who is who: source, record_id, true_child_id (twin_set, former_identity_of)."
)
@click.option("--reviewed", type=_file, help="A sheet from samechild sample, filled in by a person.")
@click.option("--json", "json_file", type=_file, help="Write the figures to this file too.")
def evaluate(folder: Path, truth: Path | None, reviewed: Path | None, json_file: Path | None) -> None:
    """Measure the results in FOLDER against the truth, or against a sample of pairs that a person judged.

    \b
    Examples:
      samechild evaluate linked/ --truth town/truth/truth.csv
      samechild evaluate linked/ --reviewed sheet.xlsx
    """
    if (truth is None) == (reviewed is None):
        raise Invalid("Name one thing to measure against: --truth FILE or --reviewed SHEET.")
    if json_file is not None and json_file.exists():
        raise Refused(f"{json_file} is there already: name another file.")
    shown, plain = _by_truth(folder, truth) if truth else _by_person(folder, Path(str(reviewed)))
    _show(shown)
    if json_file is not None:
        import msgspec

        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n")


def evaluated(folder: Path, truth: Path) -> Evaluation:
    """Measure a results folder against a truth file."""
    from samechild.cli.results import run_of, table_of
    from samechild.files.read import read
    from samechild.linkage.evaluate import evaluate as measured

    started = run_of(folder).started
    columns = ["source_a", "record_a", "source_b", "record_b", "match_weight", "decision"]
    return measured(
        table_of(folder, "children.parquet"),
        table_of(folder, "pairs.parquet", columns),
        read(truth).table,
        table_of(folder, "records.parquet"),
        year=int(started[:4]) if started[:4].isdigit() else None,
    )


def _by_truth(folder: Path, truth: Path) -> tuple[list[Any], dict[str, Any]]:
    from samechild.linkage.evaluation import as_dict, tables

    evaluation = evaluated(folder, truth)
    return list(tables(evaluation)), as_dict(evaluation)


def _by_person(folder: Path, reviewed: Path) -> tuple[list[Any], dict[str, Any]]:
    import msgspec

    from samechild.cli.results import run_of, table_of
    from samechild.files.read import read
    from samechild.linkage import sample

    run_of(folder)
    estimate = sample.estimate(read(reviewed).table, table_of(folder, "pairs.parquet"))
    return list(sample.tables(estimate)), msgspec.to_builtins(estimate)


def _show(tables: list[Any]) -> None:
    """Print tables as wide as they are, so that nothing is cut when the answer goes to a file."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    for table in tables:
        console.print(table)
