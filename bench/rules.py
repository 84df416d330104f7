"""How long the rules take over a made-up council's children: all of them, and each kind of child by itself.

Run as ``python -m bench.rules``. The records are decoded before the clock starts; what is measured is the check alone,
one child after the other on one core. Each child is checked several times and its fastest time counts, so that other
work on the machine is not measured; the medians are over children.
"""

from __future__ import annotations

import statistics
from datetime import date
from time import perf_counter
from typing import Any

import click
import msgspec

from bench.machine import KEEP_HELP, Program, Shown, keep, results_folder, show
from samechild.collection.check import check
from samechild.collection.day import counts_of
from samechild.collection.records import Child
from samechild.collection.rules.catalogue import RULES
from samechild.collection.rules.days import window_start
from samechild.collection.rules.parts import parts
from samechild.collection.rules.rule import At
from samechild.town.social_care import children

TODAY = date(2026, 11, 22)
SMALL, LARGE = 8, 15
"""Things in a record: fewer than the first is a small one, more than the second a large one."""


class Timed(msgspec.Struct, frozen=True):
    """Milliseconds for a child of one kind: over the children of that kind, each at its fastest."""

    kind: str
    children: int
    things: float  # median
    median: float
    p95: float
    p99: float
    mean: float


class Found(msgspec.Struct, frozen=True):
    """What was measured."""

    seed: int
    rules: int
    times: int
    mistakes: float
    with_problems: int
    timed: tuple[Timed, ...]
    counts_mean: float  # milliseconds for a child's part in the authority's day
    decode_mean: float  # milliseconds from JSON to a checked child
    per_second: float  # children checked a second, at the mean


def timed(kind: str, rows: list[tuple[int, float]]) -> Timed:
    """Sum up the children of one kind: their things and milliseconds."""
    taken = sorted(each for _, each in rows)
    return Timed(
        kind=kind,
        children=len(rows),
        things=statistics.median(things for things, _ in rows),
        median=statistics.median(taken),
        p95=taken[int(len(taken) * 0.95)],
        p99=taken[int(len(taken) * 0.99)],
        mean=statistics.fmean(taken),
    )


def fastest(times: int, of: Any, *given: Any) -> float:
    """Milliseconds of the fastest of several runs."""
    best = float("inf")
    for _ in range(times):
        begun = perf_counter()
        of(*given)
        best = min(best, perf_counter() - begun)
    return best * 1_000


def measure(count: int, seed: int, times: int, mistakes: float) -> Found:
    """Check so many made-up children, each so many times."""
    sent = [msgspec.json.encode(each) for each in children(count, seed, TODAY, mistakes=mistakes)]
    decoder = msgspec.json.Decoder(Child)
    begun = perf_counter()
    held = [decoder.decode(each) for each in sent]
    decoded = (perf_counter() - begun) * 1_000 / len(held)
    rows: list[tuple[int, float]] = []
    counted, wrong = 0.0, 0
    for child in held:
        at = At(child=child, today=TODAY, window=window_start(TODAY))
        wrong += bool(check(at))
        rows.append((len(parts(child)), fastest(times, check, at)))
        counted += fastest(times, counts_of, child)
    kinds = {
        "all": rows,
        f"fewer than {SMALL} things": [each for each in rows if each[0] < SMALL],
        f"{SMALL} to {LARGE} things": [each for each in rows if SMALL <= each[0] <= LARGE],
        f"more than {LARGE} things": [each for each in rows if each[0] > LARGE],
    }
    of_kinds = tuple(timed(kind, those) for kind, those in kinds.items() if those)
    return Found(
        seed=seed,
        rules=sum(each.test is not None for each in RULES),
        times=times,
        mistakes=mistakes,
        with_problems=wrong,
        timed=of_kinds,
        counts_mean=counted / len(held),
        decode_mean=decoded,
        per_second=1_000 / of_kinds[0].mean,
    )


@click.command(cls=Program)
@click.option("--children", "count", default=5_000, show_default=True, help="How many children to make.")
@click.option("--seed", default=20_701, show_default=True, help="Another number makes another council.")
@click.option("--times", default=5, show_default=True, help="How often each child is checked; the fastest counts.")
@click.option("--mistakes", default=0.1, show_default=True, help="Share of children with a mistake at some time.")
@click.option("--keep", "wanted", is_flag=True, help=KEEP_HELP)
def main(count: int, seed: int, times: int, mistakes: float, wanted: bool) -> None:
    """Measure how long the validation rules take for one child."""
    found = measure(count, seed, times, mistakes)
    rows = [
        [each.kind, f"{each.children:,}", f"{each.things:.0f}"]
        + [f"{value:.3f}" for value in (each.median, each.p95, each.p99, each.mean)]
        for each in found.timed
    ]
    headings = ("children", "how many", "things", "median ms", "p95 ms", "p99 ms", "mean ms")
    show([Shown(f"{found.rules} rules over one child", headings, rows)])
    click.echo(f"{found.per_second:,.0f} children a second on one core; {found.with_problems:,} with a problem.")
    command = f"python -m bench.rules --children {count} --seed {seed} --times {times} --mistakes {mistakes}"
    keep(f"rules-{count}", command, found, results_folder(wanted))


if __name__ == "__main__":
    main()
