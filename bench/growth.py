"""Time and memory as towns grow: one whole run of ``samechild link`` at each size, as a table and a picture.

Run as ``python -m bench.growth`` (10,000 to 1,000,000 records), with ``--huge`` for 10,000,000.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import click
import msgspec

from bench.machine import KEEP_HELP, WORK, Measured, Program, Shown, keep, measure, results_folder, samechild, show
from bench.towns import TownFolder, town_of_records
from samechild.files.run_record import read_run_record

SIZES = (10_000, 100_000, 1_000_000)
HUGE = 10_000_000
PICTURE = "growth.svg"


class Size(msgspec.Struct, frozen=True):
    """One size: how many records there were, and what linking them took."""

    records: int
    measured: Measured
    pairs_compared: int
    seconds: dict[str, float]
    exponent: float | None  # of time against records since the size before: 1 is linear


def one_size(town: TownFolder, before: Size | None, work: Path) -> Size:
    """Link one town and measure it."""
    out = work / "growth-run"
    line = samechild("link", town.combined, "--source-column", "source", "--no-report", "--no-excel", "--force")
    measured = measure([*line, "--out", str(out)], work / "growth.log")
    counts = read_run_record(out).counts
    shutil.rmtree(out)
    return Size(
        records=town.records,
        measured=measured,
        pairs_compared=int(counts["pairs_compared"]),
        seconds=counts["seconds"],
        exponent=None if before is None else exponent(before, town.records, measured.wall),
    )


def exponent(before: Size, records: int, wall: float) -> float:
    """The power of the number of records that time grew with: 1 is linear, 2 is every record against every other."""
    return math.log(wall / before.measured.wall) / math.log(records / before.records)


class Growth(msgspec.Struct, frozen=True):
    """Every size that was linked, smallest first."""

    rates: str
    seed: int
    sizes: list[Size]


def tables(growth: Growth) -> list[Shown]:
    """Set the sizes out."""
    return [Shown(f"Growth, {growth.rates} rates, seed {growth.seed}", HEADINGS, rows(growth.sizes))]


def rows(sizes: list[Size]) -> list[list[str]]:
    """One row for each size, under :data:`HEADINGS`."""
    return [
        [
            f"{one.records:,}",
            f"{one.measured.wall:.1f}",
            f"{one.measured.cpu:.1f}",
            f"{one.measured.peak_mib:,.0f}",
            f"{1e6 * one.measured.wall / one.records:.1f}",
            f"{1e6 * one.measured.peak_mib / one.records:,.0f}",
            f"{one.pairs_compared:,}",
            "-" if one.exponent is None else f"{one.exponent:.2f}",
        ]
        for one in sizes
    ]


HEADINGS = (
    "records", "wall s", "CPU s", "peak MiB", "s per million", "MiB per million", "pairs compared", "grows with power",
)  # fmt: skip


def picture(sizes: list[Size]) -> str:
    """Draw time and memory against records, both on scales where a straight line of slope one is linear growth."""
    import vl_convert

    points = [
        {"records": one.records, "value": value, "what": what}
        for one in sizes
        for what, value in (("seconds", one.measured.wall), ("GiB at the peak", one.measured.peak_mib / 1024))
    ]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 420,
        "height": 240,
        "data": {"values": points},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "records", "type": "quantitative", "scale": {"type": "log"}, "axis": {"format": "~s"}},
            "y": {"field": "value", "type": "quantitative", "scale": {"type": "log"}, "title": None},
            "color": {
                "field": "what",
                "type": "nominal",
                "title": None,
                "scale": {"range": ["#12436d", "#f46a25"]},
                "legend": {"orient": "top"},
            },
            "strokeDash": {"field": "what", "type": "nominal", "legend": None},
        },
        "config": {"font": "Arial, Helvetica, sans-serif"},
    }
    drawn: str = vl_convert.vegalite_to_svg(spec)
    return drawn


@click.command(cls=Program)
@click.option("--sizes", multiple=True, type=int, help="Numbers of records; may be given several times.")
@click.option("--huge", is_flag=True, help="10,000,000 records as well: about 16 GiB of memory and 20 GiB of disk.")
@click.option("--seed", default=7, show_default=True, help="Of the towns.")
@click.option("--rates", type=click.Choice(["usual", "harder"]), default="usual", show_default=True)
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(sizes: tuple[int, ...], huge: bool, seed: int, rates: str, wanted: bool) -> None:
    """Link towns of growing size; print and keep what each took."""
    chosen = sorted(sizes or SIZES) + [HUGE] * huge
    done: list[Size] = []
    for records in chosen:
        done.append(one_size(town_of_records(records, seed, rates), done[-1] if done else None, WORK))
        click.echo(f"{done[-1].records:,} records: {done[-1].measured.wall:.1f} s")
    show(tables(Growth(rates, seed, done)))
    line = f"python -m bench.growth --seed {seed} --rates {rates}" + " --huge" * huge
    keep(
        f"growth-{rates}-{seed}",
        line + "".join(f" --sizes {size}" for size in sizes),
        Growth(rates, seed, done),
        results_folder(wanted),
    )
    (results_folder(wanted) / PICTURE).write_text(picture(done), encoding="utf-8")
    click.echo(f"The picture is beside them: {PICTURE}.")


if __name__ == "__main__":
    main()
