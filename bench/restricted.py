"""Whether the time an answer takes tells a hidden match from no match: many alternated pairs, and their statistics.

Run as ``python -m bench.restricted``. Three pairs: a search on a shielded child's postcode against one that nobody has;
a shielded child's address against one that was never kept; a sealed identity against a record that never was. A rank
test asks whether the two come from one distribution; the bootstrap interval says how large a difference could be.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import click
import msgspec
import numpy as np
from scipy import stats

from bench.machine import KEEP_HELP, ROOT, Program, Shown, keep, results_folder, show

sys.path.insert(0, str(ROOT / "tests"))

from asking import NOW
from gate import CHILD, WORKER, a_search, a_world, an_officer, involve, own_ask
from samechild.errors import Missing, Refused
from samechild.policy.relationship_actions import set_mark
from samechild.policy.vault_actions import Kept, keep_record, read_record, search
from samechild.records.disclosure import Ask
from samechild.storage import Store
from stores import a_store

WARMING = 40
ELSEWHERE = {"postcode": "M4 1AA", "school": "900002"}
HERE = {"postcode": "LS1 6AB", "school": "900001"}

Asked = Callable[[int], None]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison: medians in milliseconds, the median of the differences in microseconds with its 95% interval.

    ``p_signed`` is of Wilcoxon's signed-rank test over the pairs, ``p_ranks`` of Mann and Whitney's over all times;
    ``auc`` is how often the hidden one of two took longer (one half: nothing to tell).
    """

    name: str
    pairs: int
    hidden_ms: float
    nothing_ms: float
    difference_us: float
    low_us: float
    high_us: float
    p_signed: float
    p_ranks: float
    auc: float


class Restricted(msgspec.Struct, frozen=True):
    """What was found on one kind of database."""

    database: str
    durable: bool
    children: int
    compared: list[Pair]


def fill(store: Store, children: int) -> tuple[list[str], list[str], list[str]]:
    """Keep children: shielded ones with an address, open ones without, sealed ones; returns their keys."""
    a_world(store)
    told = {name: CHILD[name] for name in ("forename", "surname", "date_of_birth")}

    def kept(number: int, **where: str) -> str:
        identity = {**told, "surname": f"Avocet{number}", **where}
        return keep_record(store, Kept(owner="council", basis="public task", identity=identity), NOW)

    shielded = [kept(number, **HERE) for number in range(children)]
    bare = [kept(number) for number in range(children)]
    sealed = [kept(number, **ELSEWHERE) for number in range(children)]
    for key in (*shielded, *bare):
        involve(store, key, WORKER)
    set_mark(store, an_officer("council"), "council", shielded, "shielded", NOW)
    set_mark(store, an_officer("council"), "council", sealed, "sealed-identity", NOW)
    return shielded, bare, sealed


def comparisons(store: Store, children: int) -> dict[str, tuple[Asked, Asked]]:
    """What is compared by name: something hidden, and nothing."""
    shielded, bare, sealed = fill(store, children)
    began = NOW + timedelta(minutes=1)
    asked = 0

    def later(ask: Ask) -> Ask:
        nonlocal asked
        asked += 1
        return msgspec.structs.replace(ask, now=began + timedelta(milliseconds=asked))

    def searched(postcode: str) -> Asked:
        return lambda number: none_of(search(store, later(a_search()), {"postcode": postcode}).record_keys)

    def read(keys: list[str], record_type: str) -> Asked:
        def once(number: int) -> None:
            with suppress(Missing):
                read_record(store, later(own_ask(keys[number % len(keys)], record_type=record_type)))
                raise click.ClickException("Something hidden was shown.")

        return once

    def looked_for(keys: list[str] | None) -> Asked:
        def once(number: int) -> None:
            key = keys[number % len(keys)] if keys else f"{number:032x}"
            with suppress(Missing, Refused):
                read_record(store, later(own_ask(key, record_type="personal.identity", purpose="early-help")))
                raise click.ClickException("Something hidden was shown.")

        return once

    return {
        "search on a hidden field": (searched(HERE["postcode"]), searched("B1 1AA")),
        "read a hidden address": (read(shielded, "personal.address"), read(bare, "personal.address")),
        "read a sealed identity": (looked_for(sealed), looked_for(None)),
    }


def none_of(found: tuple[str, ...]) -> None:
    """Stop when a search found anybody: it was to find nobody."""
    if found:
        raise click.ClickException("Something hidden was found.")


def compared(name: str, hidden: Asked, nothing: Asked, pairs: int, chance: random.Random) -> Pair:
    """Ask both again and again, in a random order within each pair."""
    times: dict[Asked, list[float]] = {hidden: [], nothing: []}
    for number in range(WARMING + pairs):
        for asked in chance.sample([hidden, nothing], 2):
            began = time.perf_counter()
            asked(number)
            if number >= WARMING:
                times[asked].append((time.perf_counter() - began) * 1e6)
    return summed_up(name, times[hidden], times[nothing], chance.randrange(2**32))


def summed_up(name: str, hidden: list[float], nothing: list[float], seed: int) -> Pair:
    """The statistics of two lists of times, in microseconds, paired by place."""
    differences = np.array(hidden) - np.array(nothing)
    drawn = np.random.default_rng(seed).choice(differences, (2_000, len(differences)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    ranks = stats.mannwhitneyu(hidden, nothing)
    return Pair(
        name=name,
        pairs=len(hidden),
        hidden_ms=statistics.median(hidden) / 1000,
        nothing_ms=statistics.median(nothing) / 1000,
        difference_us=float(np.median(differences)),
        low_us=float(low),
        high_us=float(high),
        p_signed=float(stats.wilcoxon(differences).pvalue),
        p_ranks=float(ranks.pvalue),
        auc=float(ranks.statistic) / len(hidden) / len(nothing),
    )


def shown(found: Restricted) -> Shown:
    """Set the figures out as a table."""
    headings = (
        "", "hidden, ms", "nothing, ms", "difference, µs (95%)", "signed ranks p", "ranks p", "hidden took longer",
    )  # fmt: skip
    rows = [
        [
            each.name,
            f"{each.hidden_ms:.3f}",
            f"{each.nothing_ms:.3f}",
            f"{each.difference_us:+.1f} ({each.low_us:+.1f} to {each.high_us:+.1f})",
            f"{each.p_signed:.3f}",
            f"{each.p_ranks:.3f}",
            f"{100 * each.auc:.1f}%",
        ]
        for each in found.compared
    ]
    pairs = found.compared[0].pairs
    return Shown(f"A hidden match against no match, {pairs:,} alternated pairs on {found.database}", headings, rows)


@click.command(cls=Program)
@click.option("--pairs", default=1_000, show_default=True)
@click.option("--children", default=50, show_default=True, help="Of each kind: shielded, open, sealed.")
@click.option("--database", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--durable/--not-durable", default=False, help="Wait for the disk: real, and far noisier.")
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(pairs: int, children: int, database: str, durable: bool, wanted: bool) -> None:
    """Time hidden matches against no matches."""
    chance = random.Random(20261)
    with a_store(database, durable=durable) as store:
        asked = comparisons(store, children)
        found = [compared(name, hidden, nothing, pairs, chance) for name, (hidden, nothing) in asked.items()]
    result = Restricted(database, durable, children, found)
    show([shown(result)])
    how = "--durable" if durable else "--not-durable"
    line = f"python -m bench.restricted --pairs {pairs} --children {children} --database {database} {how}"
    keep(f"restricted-{database}", line, result, results_folder(wanted))


if __name__ == "__main__":
    main()
