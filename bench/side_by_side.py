"""samechild and Splink 5 on the same records, in turn, each run a whole fresh process; cost and quality side by side.

Run as ``python -m bench.side_by_side --records 1000000 --seed 7`` (about ten minutes). It ends with 1 when the town is
not hard enough to tell linkers apart: Splink, tuned, must score a pair F1 of at most 0.98 and merge at least 85% of
twin sets there. Missed aims are told, and do not change how it ends.
"""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from bench import quality
from bench.cleaned import cleaned
from bench.machine import (
    KEEP_HELP,
    Cost,
    Measured,
    Program,
    Shown,
    cost,
    in_words,
    keep,
    measure,
    module,
    results_folder,
    samechild,
    show,
)
from bench.quality import Found
from bench.splink_run import MODEL
from bench.towns import TownFolder, town_of_records
from samechild.files.run_record import read_run_record

OURS, OURS_STORED = "samechild", "samechild, stored model"
ADVISED, TUNED, STORED, WIDEST = "Splink, as advised", "Splink, tuned", "Splink, stored model", "Splink, widest"
IN_TURN = (OURS, TUNED, OURS_STORED, STORED, ADVISED)
GUARDED = "samechild, with never-link list"
HARD_F1, HARD_TWINS = 0.98, 0.85


class Aim(msgspec.Struct, frozen=True):
    """One thing to be reached: what was measured, the bound, and whether it is kept."""

    name: str
    measured: float | None
    bound: str
    kept: bool


class Turn(msgspec.Struct, frozen=True):
    """Where the inputs and outputs of the runs are."""

    town: TownFolder
    records: Path
    keys: Path
    folder: Path
    today: date

    def out(self, name: str) -> Path:
        """The folder of one program's results."""
        return self.folder / "".join(letter if letter.isalnum() else "-" for letter in name)


def command(name: str, turn: Turn) -> list[str]:
    """The command line of one of the programs."""
    out = turn.out(name)
    ours = samechild("link", turn.town.combined, "--source-column", "source", "--no-excel", "--force", "--out", out)
    if name == GUARDED:
        lists = ("--never-link", turn.town.truth("never_link"), "--superseded", turn.town.truth("superseded"))
        return [*ours, *map(str, lists)]
    if name == OURS_STORED:
        return [*ours, "--no-report", "--model", str(turn.out(OURS) / MODEL)]
    if name == OURS:
        return [*ours, "--no-report"]
    configuration = {ADVISED: "advised", TUNED: "tuned", STORED: "stored", WIDEST: "widest"}[name]
    theirs = module("splink_run", turn.records, out, "--configuration", configuration)
    return [*theirs, "--model", str(turn.out(TUNED) / MODEL)] if name == STORED else theirs


def run_in_turn(turn: Turn, runs: int, extra: tuple[str, ...]) -> dict[str, list[Measured]]:
    """Run the programs one after another, again and again, so that a busy hour falls on all of them alike."""
    measured: dict[str, list[Measured]] = defaultdict(list)
    for number in range(runs):
        for name in (*IN_TURN, *(extra if number == 0 else ())):
            once = measure(command(name, turn), turn.folder / "last.log")
            measured[name].append(once)
            click.echo(
                f"{number + 1}/{runs} {name}: {once.wall:.1f} s, CPU {once.cpu:.1f} s, "
                f"peak {once.peak_mib:,.0f} MiB (load before it {once.load:.1f})"
            )
    return dict(measured)


def judge(turn: Turn, names: list[str]) -> dict[str, Found]:
    """Lay the truth over the last results of each program."""
    truth = quality.truth_table(turn.town.truth())
    return {
        name: quality.of_samechild(turn.out(name), truth)
        if name.startswith(OURS)
        else quality.of_splink(turn.out(name), turn.keys, truth)
        for name in names
    }


def hard_enough(tuned: Found) -> list[Aim]:
    """Check that the town is at least as hard as the bench promises."""
    merged = tuned.best.twins.merged.share if tuned.best else None
    f1 = tuned.best_pairs.f1
    return [
        Aim("tuned Splink's best pair F1", f1, f"at most {HARD_F1}", f1 is not None and f1 <= HARD_F1),
        Aim(
            "twin sets tuned Splink merges there", merged, f"at least {HARD_TWINS:.0%}",
            merged is not None and merged >= HARD_TWINS,
        ),
    ]  # fmt: skip


def aims(costs: dict[str, Cost], found: dict[str, Found]) -> list[Aim]:
    """Hold what was measured against what samechild sets out to reach."""
    ours, guarded = found[OURS], found[GUARDED]
    clusters, twins = ours.unaided.clusters.within, ours.unaided.twins.merged

    def at_least(name: str, value: float | None, bound: float) -> Aim:
        return Aim(name, value, f"at least {bound:g}", value is not None and value >= bound)

    def at_most(name: str, value: float | None, bound: float) -> Aim:
        return Aim(name, value, f"at most {bound:g}", value is not None and value <= bound)

    def times(peer: str, mine: str) -> float:
        return costs[peer].wall.median / costs[mine].wall.median

    return [
        at_least("times as fast as tuned Splink, whole run", times(TUNED, OURS), 4),
        at_least("times as fast as Splink, stored model", times(STORED, OURS_STORED), 3),
        at_most("memory as a share of tuned Splink's", costs[OURS].peak_mib.median / costs[TUNED].peak_mib.median, 1),
        at_most("the same, stored model", costs[OURS_STORED].peak_mib.median / costs[STORED].peak_mib.median, 1),
        at_least("pair F1, own decisions", ours.unaided.pairs.f1, 0.985),
        at_most("share of twin sets merged", twins.share, 0.003),
        at_least("children: recall", clusters.recall, 0.97),
        at_least("children: precision", clusters.precision, 0.9995),
        at_most("pairs left to a person for 1,000 children", ours.review.per_1000_children, 10),
        at_most("adopted identities joined, with never-link list", guarded.unaided.adoptions.joined.found, 0),
    ]


def report_seconds(folder: Path) -> float:
    """The seconds that samechild's report took, from the run that wrote one."""
    seconds = read_run_record(folder).counts["seconds"]
    return float(sum(took for step, took in seconds.items() if "report" in step))


class Compared(msgspec.Struct, frozen=True):
    """Everything one comparison found."""

    records: int
    children: int
    seed: int
    rates: str
    runs: dict[str, list[Measured]]
    cost: dict[str, Cost]
    found: dict[str, Found]
    report_seconds: float
    hard_enough: list[Aim]
    aims: list[Aim]


def tables(one: Compared) -> list[Shown]:
    """Set out cost, quality, families and aims."""
    where = f"{one.records:,} records of {one.children:,} children, {one.rates} rates, seed {one.seed}"
    costs = [
        [name, in_words(of.wall), in_words(of.cpu), in_words(of.peak_mib, ",.0f"), in_words(of.load), str(of.wall.runs)]
        for name, of in one.cost.items()
    ]
    lines = []
    for name, found in one.found.items():
        lines.append(quality.in_row(name, found))
        if found.best is not None:
            lines.append(quality.in_row(f"{name}, at best pair F1", found, at_best=True))
    families = [
        [
            name,
            f"{found.unaided.adoptions.joined.found:,} of {found.unaided.adoptions.joined.of:,}",
            f"{found.review.per_1000_children:.1f}",
        ]
        for name, found in one.found.items()
    ]
    title = "Quality, as each decides unaided and (Splink) at the threshold that the truth shows to be best"
    return [
        Shown(f"Whole processes: {where}", ("", "wall s", "CPU s", "peak MiB", "load before", "runs"), costs),
        Shown(title, quality.HEADINGS, lines),
        Shown("Families", ("", "adopted identities joined", "left to a person for 1,000 children"), families),
        _marks("Is the town hard enough?", one.hard_enough),
        _marks("Aims", one.aims),
    ]


def _marks(title: str, some: list[Aim]) -> Shown:
    rows = [[aim.name, _figure(aim.measured), aim.bound, "kept" if aim.kept else "missed"] for aim in some]
    return Shown(title, ("", "measured", "bound", "kept or missed"), rows)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if abs(value) < 1 else f"{value:,.2f}"


@click.command(cls=Program)
@click.option("--records", default=1_000_000, show_default=True, help="About how many records.")
@click.option("--seed", default=7, show_default=True, help="Of the town.")
@click.option("--rates", type=click.Choice(["usual", "harder"]), default="usual", show_default=True)
@click.option("--runs", default=3, show_default=True, help="How often each program runs.")
@click.option("--widest", is_flag=True, help="Run Splink once more with four more fields.")
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(records: int, seed: int, rates: str, runs: int, widest: bool, wanted: bool) -> None:
    """Run samechild and Splink in turn on one town; print and keep what each needed and found."""
    today = datetime.now(UTC).date()
    town = town_of_records(records, seed, rates)
    click.echo(f"{town.records:,} records of {town.children:,} children in {town.folder}")
    turn = Turn(town, *cleaned(town, today), town.folder.with_name(f"{town.folder.name}-runs"), today)
    shutil.rmtree(turn.folder, ignore_errors=True)
    measured = run_in_turn(turn, runs, (GUARDED, *((WIDEST,) if widest else ())))
    costs = {name: cost(some) for name, some in measured.items()}
    found = judge(turn, list(measured))
    checks, kept = hard_enough(found[TUNED]), aims(costs, found)
    report = report_seconds(turn.out(GUARDED))
    compared = Compared(town.records, town.children, seed, rates, measured, costs, found, report, checks, kept)
    show(tables(compared))
    click.echo(f"samechild's report took {report:.1f} s more, in the run with the never-link list.")
    line = f"python -m bench.side_by_side --records {records} --seed {seed} --rates {rates} --runs {runs}"
    keep(f"side_by_side-{records}-{rates}-{seed}", line + " --widest" * widest, compared, results_folder(wanted))
    sys.exit(0 if all(check.kept for check in checks) else 1)


if __name__ == "__main__":
    main()
