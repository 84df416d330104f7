"""Records that arrive one by one against the same records linked in bulk: are the children the same?

Run as ``python -m bench.one_by_one``. Two ways of arriving, each on a town of its own: the last records of a town
arrive, in random order, beside children who were linked in bulk; and a whole small town arrives with nothing there
yet. Both are judged against the truth, and against linking everything in bulk with the same model.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product
from time import perf_counter
from typing import Any

import click
import msgspec
import numpy as np
import pyarrow as pa

from bench.machine import KEEP_HELP, WORK, Program, Shown, keep, percent, results_folder, show
from bench.quality import truth_table
from bench.towns import TownFolder, town_of_records
from samechild.files.gather import gather
from samechild.files.read import read_files
from samechild.linkage.actions import Options, Result, link
from samechild.linkage.bulk import lines_of
from samechild.linkage.deciding import WORDS, Ground
from samechild.linkage.evaluate import evaluate
from samechild.linkage.evaluation import Evaluation
from samechild.linkage.expectations import Expectations, Sighted, sighted
from samechild.linkage.matching import Matcher
from samechild.linkage.model import BlockingRule
from samechild.linkage.placing import Group, Member, place
from samechild.linkage.reference import key_parts
from samechild.records import Record, fields

TODAY = date(2025, 9, 1)
LARGEST = 200
"""Blocks of more records than this are passed over when the children near a newcomer are gathered."""
CONTRADICTION = WORDS[Ground.CONTRADICTION]


class Way(msgspec.Struct, frozen=True):
    """One way of making children of the same records, judged against the truth."""

    children: int
    pairs_precision: float | None
    pairs_recall: float | None
    pairs_f1: float | None  # every two records under one child
    children_f1: float  # children found exactly
    b_cubed_f1: float
    twin_sets: int
    twin_sets_merged: int
    adopted_joined: int
    asked: int


class Compared(msgspec.Struct, frozen=True):
    """One by one beside in bulk, on one town."""

    name: str
    seed: int
    records: int
    arrived: int
    one_by_one: Way
    in_bulk: Way
    agreement_pairs_f1: float | None  # one by one judged as if bulk were the truth
    agreement_children_f1: float
    twin_sets_merged_only_one_by_one: int
    moved: int  # records that a later one showed to have been put into the wrong child
    milliseconds: dict[str, float]  # for each arrival, blocking left out: median, p95, p99, mean
    neighbours: dict[str, float]  # children and records near an arrival, on average


class Arrivals:
    """Children kept in memory, to whom records are added one by one; blocking is a dictionary for each rule."""

    def __init__(self, matcher: Matcher, rules: Sequence[BlockingRule], expectations: Expectations) -> None:
        self.matcher, self.rules, self.expectations = matcher, rules, expectations
        self.lines = lines_of(matcher.model)
        self.members: dict[str, list[Member]] = {}
        self.child: dict[str, str] = {}
        self.open: dict[str, set[str]] = {}
        self.blocks: dict[tuple[int, tuple[str, ...]], list[str]] = {}
        self.seconds: list[float] = []
        self.near: list[tuple[int, int]] = []
        self.moved = 0

    def keys(self, record: Record) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The blocking keys of a record."""
        for number, rule in enumerate(self.rules):
            for key in product(*(key_parts(part, record) for part in rule.parts)):
                yield number, key

    def keep(self, record: Record, member: Member, child: str) -> None:
        """Put a record into a child."""
        self.members.setdefault(child, []).append(member)
        self.child[member.key] = child
        for key in self.keys(record):
            self.blocks.setdefault(key, []).append(member.key)

    def ask(self, one: str, other: str) -> None:
        """Remember that two children are asked about."""
        self.open.setdefault(one, set()).add(other)
        self.open.setdefault(other, set()).add(one)

    def arrive(self, record: Record) -> None:
        """Place a record, and do what the placement says."""
        key = f"{record.source}:{record.record_id}"
        newcomer = Member(self.matcher.prepare(record), record.source, key)
        groups = self._near(record)
        begun = perf_counter()
        found = place(self.matcher, self.expectations, newcomer, groups, _nobody, self.lines)
        self.seconds.append(perf_counter() - begun)
        self.near.append((len(groups), sum(len(group.members) for group in groups)))
        child = self._joined(found.joins) if found.joins else key
        if child in self.members:
            self.expectations.remove(self.sighted(child))
        self.keep(record, newcomer, child)
        self.expectations.add(self.sighted(child))
        for gone in found.leaves:
            self._move(gone.theirs, child)
        for question in found.asks:
            if question.ground != CONTRADICTION:
                self.ask(child, question.child)

    def _near(self, record: Record) -> list[Group]:
        near: set[str] = set()
        for key in self.keys(record):
            held = self.blocks.get(key, ())
            if len(held) <= LARGEST:
                near.update(self.child[one] for one in held)
        waiting = list(near)
        while waiting:  # with a child, those of whom it is open whether they are one with it, and their rivals too
            beside = self.open.get(waiting.pop(), set()) - near
            near |= beside
            waiting += beside
        return [Group(child, tuple(self.members[child]), asked=frozenset(self.open.get(child, ()))) for child in near]

    def _joined(self, children: Sequence[str]) -> str:
        """Merge children into the first; returns it."""
        first = children[0]
        for gone in children[1:]:
            for each in (first, gone):
                self.expectations.remove(self.sighted(each))
            for member in self.members[gone]:
                self.child[member.key] = first
            self.members[first] += self.members.pop(gone)
            self.expectations.add(self.sighted(first))
            for other in self.open.pop(gone, set()):
                self.open[other].discard(gone)
                if other != first:
                    self.ask(first, other)
        return first

    def _move(self, key: str, child: str) -> None:
        """Take a record out of its child and put it into another."""
        before = self.child[key]
        for each in (before, child):
            self.expectations.remove(self.sighted(each))
        self.members[child] += [member for member in self.members[before] if member.key == key]
        self.members[before] = [member for member in self.members[before] if member.key != key]
        self.child[key] = child
        for each in (before, child):
            self.expectations.add(self.sighted(each))
        self.moved += 1

    def sighted(self, child: str) -> Sighted:
        """Where a child is seen."""
        year = self.matcher.place["birth_year"]
        return sighted((str(each.prepared[year] or "") or None, each.source) for each in self.members[child])


def _nobody(one: str, other: str) -> str:
    return ""


def records_of(result: Result) -> list[Record]:
    """The standardised records of a run, in the order of its table."""
    names = [name for name in result.records.column_names if name in fields()]
    rows: list[dict[str, Any]] = result.records.select(names).to_pylist()
    return [msgspec.convert({name: v for name, v in row.items() if v is not None}, Record) for row in rows]


def given_of(town: TownFolder) -> pa.Table:
    """A town's records as they are linked."""
    return gather(read_files([str(town.combined)]), source_column="source").given


def compared(name: str, town: TownFolder, first: Result | None, arrivals: int | None) -> tuple[Compared, Result]:
    """Let records of a town arrive one by one, and link the whole town in bulk with the same model.

    ``first``: a run whose model and frequencies are used from the start, with nothing there yet; None to link all but
    the last ``arrivals`` records in bulk first and take the model of that.
    """
    given = given_of(town)
    order = list(range(given.num_rows))
    random.Random(town.seed).shuffle(order)
    late = order[-arrivals:] if arrivals else order
    early = sorted(order[: len(order) - len(late)])
    start = link(given.take(pa.array(early)), Options(today=TODAY, summed=False)) if early else None
    known = start or first
    assert known is not None
    told = Options(today=TODAY, model=known.model, frequencies=known.frequencies)
    whole = link(given, told)
    assert whole.summary is not None
    records = records_of(whole)
    matcher = Matcher(known.model, known.frequencies)
    used = {count.rule for count in whole.summary.blocking if count.pairs}
    index = Arrivals(matcher, [rule for rule in known.model.blocking if rule.name in used], Expectations())
    if start is not None:
        _begin(index, [records[at] for at in early], start)
    for at in late:
        index.arrive(records[at])
    return _judged(name, town, index, whole, len(late)), known


def _begin(index: Arrivals, records: Sequence[Record], start: Result) -> None:
    """Put the children of a bulk run into the index, with the questions it left open."""
    for record, child in zip(records, start.records["child_id"].to_pylist(), strict=True):
        key = f"{record.source}:{record.record_id}"
        index.keep(record, Member(index.matcher.prepare(record), record.source, key), child)
    for child in index.members:
        index.expectations.add(index.sighted(child))
    for row in start.review.select(["source_a", "record_a", "source_b", "record_b"]).to_pylist():
        ends = [index.child[f"{row[f'source_{side}']}:{row[f'record_{side}']}"] for side in "ab"]
        if ends[0] != ends[1]:
            index.ask(ends[0], ends[1])


def _judged(name: str, town: TownFolder, index: Arrivals, whole: Result, arrived: int) -> Compared:
    truth = truth_table(town.truth())
    named = {"source": pa.array(whole.records["source"].to_pylist()), "record_id": whole.records["record_id"]}
    keys = [f"{s}:{r}" for s, r in zip(*(named[n].to_pylist() for n in ("source", "record_id")), strict=True)]
    ours = pa.table({**named, "child_id": pa.array([index.child[key] for key in keys])})
    theirs = pa.table({**named, "child_id": whole.records["child_id"]})
    one, bulk = evaluate(ours, _NO_PAIRS, truth), evaluate(theirs, whole.pairs, truth)
    as_truth = theirs.rename_columns(["source", "record_id", "true_child_id"])
    agreed = evaluate(ours, _NO_PAIRS, as_truth)
    open_ = sum(len(others) for others in index.open.values()) // 2
    seconds = np.array(index.seconds) * 1000
    near = np.array(index.near).mean(axis=0)
    return Compared(
        name=name,
        seed=town.seed,
        records=len(keys),
        arrived=arrived,
        one_by_one=_way(one, open_),
        in_bulk=_way(bulk, bulk.review.asked),
        agreement_pairs_f1=agreed.clusters.within.f1,
        agreement_children_f1=_children_f1(agreed),
        twin_sets_merged_only_one_by_one=len(_merged(ours, truth) - _merged(theirs, truth)),
        moved=index.moved,
        milliseconds={
            "median": round(float(np.median(seconds)), 3),
            "p95": round(float(np.quantile(seconds, 0.95)), 3),
            "p99": round(float(np.quantile(seconds, 0.99)), 3),
            "mean": round(float(seconds.mean()), 3),
        },
        neighbours={"children": round(float(near[0]), 2), "records": round(float(near[1]), 2)},
    )


_NO_PAIRS = pa.table(
    {name: pa.array([], pa.string()) for name in ("source_a", "record_a", "source_b", "record_b")}
    | {"match_weight": pa.array([], pa.float64()), "decision": pa.array([], pa.string())}
)


def _children_f1(found: Evaluation) -> float:
    return 2 * found.clusters.exact.found / (found.children + found.true_children)


def _way(found: Evaluation, asked: int) -> Way:
    within = found.clusters.within
    return Way(
        children=found.children,
        pairs_precision=within.precision,
        pairs_recall=within.recall,
        pairs_f1=within.f1,
        children_f1=_children_f1(found),
        b_cubed_f1=found.clusters.b_cubed_f1,
        twin_sets=found.twins.sets,
        twin_sets_merged=found.twins.merged.found,
        adopted_joined=found.adoptions.joined.found,
        asked=asked,
    )


def _merged(children: pa.Table, truth: pa.Table) -> set[str]:
    """The twin sets of which two members are in one child."""
    rows = zip(*(truth[name].to_pylist() for name in ("source", "record_id", "true_child_id", "twin_set")), strict=True)
    who = {(source, record): (true, twins) for source, record, true, twins in rows if twins}
    held: dict[tuple[str, str], set[str]] = {}
    for source, record, child in zip(*(children[name].to_pylist() for name in children.column_names), strict=True):
        if (source, record) in who:
            true, twins = who[source, record]
            held.setdefault((twins, child), set()).add(true)
    return {twins for (twins, _), members in held.items() if len(members) > 1}


class Found(msgspec.Struct, frozen=True):
    """Both ways of arriving."""

    compared: list[Compared]


def tables(found: Found) -> list[Shown]:
    """Set both out, one by one beside in bulk."""
    headings = ("", "children", "pairs P", "R", "F1", "children F1", "B-cubed F1", "twin sets merged", "asked")
    shown = []
    for one in found.compared:
        rows = [
            [
                words,
                f"{way.children:,}",
                percent(way.pairs_precision, 3),
                percent(way.pairs_recall, 3),
                percent(way.pairs_f1, 3),
                percent(way.children_f1, 3),
                percent(way.b_cubed_f1, 3),
                f"{way.twin_sets_merged} of {way.twin_sets}",
                f"{way.asked:,}",
            ]
            for words, way in (("one by one", one.one_by_one), ("in bulk", one.in_bulk))
        ]
        agreed = (percent(one.agreement_pairs_f1, 3), percent(one.agreement_children_f1, 3))
        only = f"{one.twin_sets_merged_only_one_by_one} only one by one"
        rows.append(["one by one against bulk", "", "", "", *agreed, "", only, ""])
        took = ", ".join(f"{name} {value} ms" for name, value in one.milliseconds.items())
        shown.append(Shown(f"{one.name}: {one.arrived:,} of {one.records:,} arrive ({took})", headings, rows))
    return shown


@click.command(cls=Program)
@click.option("--records", default=60_000, show_default=True, help="Of the town whose last records arrive.")
@click.option("--arrivals", default=10_000, show_default=True, help="So many arrive, on each of the two towns.")
@click.option("--seed", default=20401, show_default=True, help="Of the first town; the second has the next.")
@click.option("--rates", type=click.Choice(["usual", "harder"]), default="usual", show_default=True)
@click.option("--keep/--no-keep", "wanted", default=False, help=KEEP_HELP)
def main(records: int, arrivals: int, seed: int, rates: str, wanted: bool) -> None:
    """Let records arrive one by one, and say how far the children differ from those linked in bulk."""
    beside, known = compared(
        "Beside children linked in bulk", town_of_records(records, seed, rates, WORK), None, arrivals
    )
    alone, _ = compared("From nothing", town_of_records(arrivals, seed + 1, rates, WORK), known, None)
    found = Found([beside, alone])
    show(tables(found))
    line = f"python -m bench.one_by_one --records {records} --arrivals {arrivals} --seed {seed} --rates {rates}"
    keep_as = f"one_by_one-{rates}-{seed}"
    keep(keep_as, line, found, results_folder(wanted))


if __name__ == "__main__":
    main()
