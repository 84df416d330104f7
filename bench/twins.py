"""Twins on towns nobody tuned on: how many sets end up as one child, over many sets, with the 95% bound.

Run as ``python -m bench.twins`` (both committed files of rates, at least 10,000 sets under each; each seed is a town
of its own and a whole run of ``samechild link``, without and with the never-link list).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from bench import quality
from bench.machine import KEEP_HELP, WORK, Program, Shown, keep, measure, percent, results_folder, samechild, show
from bench.quality import Found
from bench.towns import TownFolder, town, twins_alike
from samechild.linkage.proportions import Share, share
from samechild.town.truth import TwinSets

RATES = ("usual", "harder")
APART = 1000
"""Between the seeds of the two files of rates: the same seed would make the same families under both."""


class Seed(msgspec.Struct, frozen=True):
    """One town and what samechild made of it, without and with the adoption team's never-link list."""

    seed: int
    rates: str
    records: int
    seconds: float
    alike: TwinSets
    found: Found
    guarded: Found | None


class Total(msgspec.Struct, frozen=True):
    """Several towns added up: counts are added, never averaged."""

    rates: str
    seeds: int
    records: int
    children: int
    twin_sets_merged: Share
    twin_sets_alike: Share  # two members differ in no field that any of their records both fill
    twin_sets_unplaceable: Share  # some record could be either member's, as far as any field shows
    pairs_f1: float
    cluster_precision: float
    cluster_recall: float
    asked_per_1000_children: float
    adopted_joined: Share
    adopted_joined_guarded: Share | None
    twin_sets_merged_guarded: Share | None


def towns(rates: str, first_seed: int, children: int, sets: int, guard: bool, work: Path) -> Iterator[Seed]:
    """Make, link and judge town after town until so many twin sets have been seen; each is deleted when judged."""
    seen, seed = 0, first_seed
    while seen < sets:
        made = town(children, seed, rates, work)
        once = one_seed(made, guard, work)
        shutil.rmtree(made.folder)
        seen += once.found.unaided.twins.sets
        if not once.found.unaided.twins.sets:
            raise click.UsageError("A town of this size holds no twins: ask for more --children.")
        yield once
        seed += 1


def one_seed(made: TownFolder, guard: bool, work: Path) -> Seed:
    """Link one town and lay its truth over the results."""
    truth, out = quality.truth_table(made.truth()), work / "twins-run"
    line = samechild("link", made.combined, "--source-column", "source", "--no-report", "--no-excel", "--force")
    took = measure([*line, "--out", str(out)], work / "twins.log").wall
    found, guarded = quality.of_samechild(out, truth), None
    if guard:
        lists = ("--never-link", made.truth("never_link"), "--superseded", made.truth("superseded"))
        measure([*line, *map(str, lists), "--out", str(out)], work / "twins.log")
        guarded = quality.of_samechild(out, truth)
    return Seed(made.seed, made.rates, made.records, took, twins_alike(made), found, guarded)


def total(rates: str, seeds: list[Seed]) -> Total:
    """Add several towns up (at least one)."""
    points = [one.found.unaided for one in seeds]
    guarded = [one.guarded.unaided for one in seeds if one.guarded is not None]
    pairs, within = [one.pairs for one in points], [one.clusters.within for one in points]
    correct, joined, true = (sum(getattr(one, name) for one in within) for name in ("correct", "joined", "true"))
    sets = sum(one.twins.sets for one in points)
    children = sum(one.found.true_children for one in seeds)
    return Total(
        rates=rates,
        seeds=len(seeds),
        records=sum(one.records for one in seeds),
        children=children,
        twin_sets_merged=share(sum(one.twins.merged.found for one in points), sets),
        twin_sets_alike=share(sum(one.alike.indistinguishable for one in seeds), sum(one.alike.sets for one in seeds)),
        twin_sets_unplaceable=share(
            sum(one.alike.with_unplaceable_record for one in seeds), sum(one.alike.sets for one in seeds)
        ),
        pairs_f1=2 * sum(one.correct for one in pairs) / sum(one.joined + one.true for one in pairs),
        cluster_precision=correct / joined,
        cluster_recall=correct / true,
        asked_per_1000_children=1000 * sum(one.found.review.asked for one in seeds) / children,
        adopted_joined=_added([one.adoptions.joined for one in points]),
        adopted_joined_guarded=_added([one.adoptions.joined for one in guarded]) if guarded else None,
        twin_sets_merged_guarded=_added([one.twins.merged for one in guarded]) if guarded else None,
    )


def _added(shares: list[Share]) -> Share:
    return share(sum(one.found for one in shares), sum(one.of for one in shares))


def _told(of: Share | None) -> str:
    if of is None or of.share is None:
        return "-"
    return f"{of.found:,} of {of.of:,}: {percent(of.share)} ({percent(of.low)} to {percent(of.high)})"


class Twins(msgspec.Struct, frozen=True):
    """Every town, and all of them added up by their rates."""

    totals: list[Total]
    seeds: list[Seed]


def tables(twins: Twins) -> list[Shown]:
    """Set the totals out, one column for each file of rates."""
    totals = twins.totals
    rows = [
        ["towns, each with its own seed", *(str(one.seeds) for one in totals)],
        ["records", *(f"{one.records:,}" for one in totals)],
        ["twin sets merged into one child (95% interval)", *(_told(one.twin_sets_merged) for one in totals)],
        ["the same, with never-link and superseded lists", *(_told(one.twin_sets_merged_guarded) for one in totals)],
        ["twin sets that no field tells apart", *(_told(one.twin_sets_alike) for one in totals)],
        ["twin sets with a record that fits two members", *(_told(one.twin_sets_unplaceable) for one in totals)],
        ["pair F1, own decisions", *(percent(one.pairs_f1) for one in totals)],
        ["children: precision", *(percent(one.cluster_precision, 3) for one in totals)],
        ["children: recall", *(percent(one.cluster_recall, 3) for one in totals)],
        ["pairs left to a person for 1,000 true children", *(f"{one.asked_per_1000_children:.1f}" for one in totals)],
        ["adopted identities joined, no list", *(_told(one.adopted_joined) for one in totals)],
        ["adopted identities joined, with the list", *(_told(one.adopted_joined_guarded) for one in totals)],
    ]
    return [Shown("Twins and adopted children on unseen towns", ("", *(f"{one.rates} rates" for one in totals)), rows)]


@click.command(cls=Program)
@click.option("--sets", default=10_000, show_default=True, help="At least so many twin sets under each file of rates.")
@click.option("--children", default=100_000, show_default=True, help="Of each town.")
@click.option("--first-seed", default=9001, show_default=True, help="Seeds count up from here.")
@click.option("--rates", type=click.Choice([*RATES, "both"]), default="both", show_default=True)
@click.option("--guard/--no-guard", default=True, help="Link each town again with its never-link list.")
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(sets: int, children: int, first_seed: int, rates: str, guard: bool, wanted: bool) -> None:
    """Link unseen towns until enough twin sets have been seen, and add them up."""
    every: list[Seed] = []
    totals = []
    for place, one_rates in enumerate(RATES if rates == "both" else (rates,)):
        seeds = []
        for once in towns(one_rates, first_seed + APART * place, children, sets, guard, WORK):
            seeds.append(once)
            merged = once.found.unaided.twins.merged
            click.echo(
                f"{one_rates} seed {once.seed}: {once.records:,} records, {once.seconds:.1f} s, "
                f"{merged.found} of {merged.of} twin sets merged"
            )
        totals.append(total(one_rates, seeds))
        every += seeds
    show(tables(Twins(totals, every)))
    line = f"python -m bench.twins --sets {sets} --children {children} --first-seed {first_seed} --rates {rates}"
    keep(
        f"twins-{rates}-{first_seed}", line + " --no-guard" * (not guard), Twins(totals, every), results_folder(wanted)
    )


if __name__ == "__main__":
    main()
