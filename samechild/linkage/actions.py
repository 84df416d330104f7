"""Link agencies' records: the one action of this room, from a given table to everything a run writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from time import perf_counter

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from samechild.demographics.standardise import standardise
from samechild.errors import Invalid
from samechild.linkage.blocking import usable_rules
from samechild.linkage.bulk import Linked, fields_used, link_records
from samechild.linkage.children import Earlier, changes_since, earlier_children, how_held, name_children
from samechild.linkage.clustering import components
from samechild.linkage.constraints import Constraints, PairList, Why, pair_list
from samechild.linkage.deciding import Decided, Decision, decide
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.identity import Keys, record_keys
from samechild.linkage.model import Model
from samechild.linkage.models.children import children_model
from samechild.linkage.protect import pairs_of_children
from samechild.linkage.quality import summarise
from samechild.linkage.scoring import frequent_values
from samechild.linkage.summary import Families, Summary
from samechild.linkage.tables import (
    children_table,
    links_table,
    pairs_table,
    restricted_table,
    review_table,
    without_protected_former_numbers,
)
from samechild.records import fields

Progress = Callable[[str, float], None]
OLDEST_CHILD = 26
"""Records of people up to this age are children's records: care leavers are supported until 25."""


class Said(msgspec.Struct, frozen=True):
    """What a person decided about two records."""

    source_a: str
    record_a: str
    source_b: str
    record_b: str
    same: bool
    note: str = ""


class Options(msgspec.Struct, frozen=True):
    """What a run may be told; everything has a sensible default but the day."""

    today: date
    model: Model | None = None
    frequencies: Mapping[str, Frequencies] | None = None
    seed: int = 1
    threads: int = 2
    engine: str = "local"
    superseded: tuple[tuple[str, str], ...] = ()
    never_link: tuple[tuple[str, str, str, str], ...] = ()
    said: tuple[Said, ...] = ()
    single_sources: tuple[str, ...] = ()
    previous: pa.Table | None = None
    review_limit: float = 10.0
    join: float | None = None
    ask: float | None = None
    date_orders: Mapping[str, str] = {}
    summed: bool = True  # whether to sum up for the report, which takes a while


class Result(msgspec.Struct, frozen=True):
    """Everything a run found, as tables whose rows stand in the order of the given table."""

    children: pa.Table
    pairs: pa.Table
    links: pa.Table
    records: pa.Table
    review: pa.Table
    restricted: pa.Table
    problems: pa.Table
    changes: pa.Table | None
    model: Model
    frequencies: dict[str, Frequencies]
    summary: Summary | None
    counts: dict[str, int]
    seconds: dict[str, float]


class _Clock:
    """Seconds by step."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self.progress = progress
        self.last = perf_counter()
        self.step = ""

    def __call__(self, step: str, words: str, share: float) -> None:
        now = perf_counter()
        if self.step:
            self.seconds[self.step] = self.seconds.get(self.step, 0.0) + now - self.last
        self.step, self.last = step, now
        if words:
            self.progress(words, share)


def link(given: pa.Table, options: Options, progress: Progress = lambda words, share: None) -> Result:
    """Find the records of the same child, and say how sure, why, and what a person should look at.

    ``given``: ``source``, ``record_id``, ``row`` and any given fields of :class:`samechild.records.Record`, as text.
    The result is the same for the same records, in any order of rows, on any number of threads. Raises
    :class:`~samechild.errors.Invalid` when there is nothing to compare.
    """
    clock = _Clock(progress)
    clock("standardise", "making names, dates and numbers comparable", 0.05)
    made = standardise(given, today=options.today, date_orders=options.date_orders)
    table = _renumbered(made.table, options.superseded)
    keys = record_keys(table["source"], table["record_id"])
    order = keys.order()
    keys = keys.take(order)
    model = _with_lines(options.model or children_model(_comparable(table)), options)
    ordered = [_with_every_field(_in_order(table, [*fields_used(model), "record_id"], order), model)]
    clock("link", "finding pairs worth comparing", 0.15)
    constraints, notes = _constraints(ordered[0], options)
    earlier = None if options.previous is None else earlier_children(options.previous, keys)
    linked = _engine(options.engine)(
        ordered.pop(),  # given away, so that it is gone once it is coded
        model,
        constraints,
        earlier=None if earlier is None else earlier.child,
        with_family=_of_children(table, options.today) and options.model is None,
        frequencies=options.frequencies,
        seed=options.seed,
        threads=options.threads,
        progress=lambda words: progress(words, 0.3),
    )
    clock("decide", "deciding", 0.8)
    decided = decide(linked, options.review_limit)
    linked = msgspec.structs.replace(linked, pairs=linked.pairs.take(np.zeros(0, np.int64)))  # those decided are kept
    return _result(_Run(options, table, made.problems, keys, order, notes, earlier, linked, decided), clock)


def _with_lines(model: Model, options: Options) -> Model:
    """The model with the joining and asking lines where the caller wants them."""
    moved = {name: value for name in ("join", "ask") if (value := getattr(options, name)) is not None}
    if not moved:
        return model
    lines = msgspec.structs.replace(model.thresholds, **moved)
    if lines.ask > lines.join:
        raise Invalid(f"This model asks from {lines.ask} on and joins from {lines.join}: give both lines.")
    lines = msgspec.structs.replace(lines, split=min(lines.split, lines.join))
    return msgspec.structs.replace(model, thresholds=lines)


def _in_order(table: pa.Table, names: list[str], order: NDArray[np.int64]) -> pa.Table:
    """The named columns of the table, its rows in the order of the records' keys."""
    return table.select([name for name in dict.fromkeys(names) if name in table.column_names]).take(pa.array(order))


def _with_every_field(table: pa.Table, model: Model) -> pa.Table:
    """The table with an empty column for each field that a stored model compares and these files do not hold."""
    declared = fields()
    usable_rules(model.blocking, table.column_names)
    for name in dict.fromkeys(name for comparison in model.comparisons for name in comparison.columns):
        if name not in declared:
            raise Invalid(f"The model compares {name}, which is no field here; name it as samechild does.")
        if name not in table.column_names:
            kind = pa.list_(pa.string()) if declared[name].many else pa.string()
            nothing = pa.DictionaryArray.from_arrays(pa.nulls(len(table), pa.int32()), pa.array([], kind))
            table = table.append_column(name, nothing)
    return table


def _engine(name: str) -> Callable[..., Linked]:
    if name == "local":
        return link_records
    if name in ("duckdb", "spark"):
        from samechild.linkage.sql_engine import link_records_with  # DuckDB or Spark: only where they are asked for

        return link_records_with(name)
    raise Invalid(f"there is no engine called {name}; take local, duckdb or spark")


def _comparable(table: pa.Table) -> list[str]:
    """The standardised fields that hold anything."""
    declared = fields()
    return [name for name in table.column_names if name in declared and table[name].null_count < table.num_rows]


def _of_children(table: pa.Table, today: date) -> bool:
    """Whether most records with a birth year are of children and young people."""
    if "birth_year" not in table.column_names:
        return False
    years = pc.cast(pc.drop_null(table["birth_year"].combine_chunks().dictionary_decode()), pa.int32())
    if not len(years):
        return False
    young = pc.greater_equal(years, today.year - OLDEST_CHILD)
    return bool(pc.mean(pc.cast(young, pa.float64())).as_py() > 0.5)


def _renumbered(table: pa.Table, superseded: tuple[tuple[str, str], ...]) -> pa.Table:
    """Put the current NHS number in place of every superseded one, along chains; given values stay as they are."""
    if not superseded or "nhs_number" not in table.column_names:
        return table
    new_of = dict(sorted(superseded))
    column = table["nhs_number"].combine_chunks()
    values = column.dictionary.to_pylist()
    changed = [_current(value, new_of) for value in values]
    if changed == values:
        return table
    again = pa.array(changed, pa.string()).dictionary_encode()
    codes = again.indices.take(column.indices)
    column = pa.DictionaryArray.from_arrays(codes, again.dictionary)
    return table.set_column(table.column_names.index("nhs_number"), "nhs_number", column)


def _current(number: str, new_of: Mapping[str, str]) -> str:
    """The number at the end of a chain; of numbers that are said to replace each other in a circle, the smallest."""
    passed = [number]
    while (following := new_of.get(passed[-1])) is not None:
        if following in passed:
            return min(passed[passed.index(following) :])
        passed.append(following)
    return passed[-1]


def _constraints(table: pa.Table, options: Options) -> tuple[Constraints, dict[tuple[int, int], str]]:
    """Look up the records that lists and people name; a pair with a record that is not there is left out."""
    named = [*options.never_link, *((s.source_a, s.record_a, s.source_b, s.record_b) for s in options.said)]
    rows = _rows_of(table, {(p[0], p[1]) for p in named} | {(p[2], p[3]) for p in named})

    def listed(pairs: list[tuple[str, str, str, str]]) -> PairList:
        found = [(rows[p[0], p[1]], rows[p[2], p[3]]) for p in pairs if (p[0], p[1]) in rows and (p[2], p[3]) in rows]
        both = np.array(found, np.int64).reshape(-1, 2)
        return pair_list(both[:, 0], both[:, 1], table.num_rows)

    said = {
        which: [(s.source_a, s.record_a, s.source_b, s.record_b) for s in options.said if s.same == which]
        for which in (True, False)
    }
    notes = {}
    for each in options.said:
        a, b = rows.get((each.source_a, each.record_a)), rows.get((each.source_b, each.record_b))
        if a is not None and b is not None:
            notes[min(a, b), max(a, b)] = each.note
    sources = table["source"].combine_chunks().dictionary.to_pylist()
    single = np.array([sources.index(name) for name in options.single_sources if name in sources], np.int32)
    return (
        Constraints(listed(list(options.never_link)), listed(said[True]), listed(said[False]), single),
        notes,
    )


def _rows_of(table: pa.Table, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    if not wanted:
        return {}
    ids = pa.array(sorted({record for _, record in wanted}), pa.string())
    near = pc.indices_nonzero(pc.is_in(table["record_id"].combine_chunks().cast(pa.string()), value_set=ids))
    few = table.select(["source", "record_id"]).take(near)
    keys = zip(few["source"].to_pylist(), few["record_id"].to_pylist(), strict=True)
    return {key: row for key, row in zip(keys, near.to_pylist(), strict=True) if key in wanted}


class _Run(msgspec.Struct, frozen=True):
    """What one run was told and has found, before it is written down.

    ``table`` and ``problems`` stand in the order of the given table, everything else in the order of the keys;
    ``order`` gives the row of ``table`` for each record in the order of the keys.
    """

    options: Options
    table: pa.Table
    problems: pa.Table
    keys: Keys
    order: NDArray[np.int64]
    notes: dict[tuple[int, int], str]
    earlier: Earlier | None
    linked: Linked
    decided: Decided


def _result(run: _Run, clock: _Clock) -> Result:
    """Write down what a run has found, rows in the order of the given table."""
    clock("tables", "writing down what was found", 0.85)
    linked, decided = run.linked, run.decided
    ids = name_children(run.keys, linked.child, run.earlier)
    pairs = pairs_table(run.table, run.order, linked.model, decided)
    back = np.empty_like(run.order)
    back[run.order] = np.arange(len(run.order))
    names = ids.take(pa.array(back))
    protected = _protected(run)
    records = without_protected_former_numbers(run.table, linked.child[back], protected)
    records = records.append_column("child_id", names)
    children = children_table(run.table, names, how_held(linked, decided.pairs), back)
    links = links_table(pairs, linked, decided, run.notes)
    review = review_table(run.table, run.order, names, pairs, decided)
    restricted = restricted_table(run.table, run.order, decided)
    changes = None if run.earlier is None else changes_since(ids, linked.child, run.earlier, protected)
    clock("summary", "summing up", 0.95)
    summary = _summary(run, records, children, pairs) if run.options.summed else None
    frequencies = frequent_values(linked.model, linked.table)
    clock("", "", 1.0)
    return Result(
        children, pairs, links, records, review, restricted, run.problems, changes, linked.model, frequencies,
        summary, _counts(run), clock.seconds,
    )  # fmt: skip


def _protected(run: _Run) -> NDArray[np.int64]:
    """The pairs of children that no output may bring together."""
    listed, restricted = run.linked.never_link, run.decided.restricted
    return pairs_of_children(
        run.linked.child,
        np.concatenate([restricted.left, listed.left]),
        np.concatenate([restricted.right, listed.right]),
    )


def _summary(run: _Run, records: pa.Table, children: pa.Table, pairs: pa.Table) -> Summary:
    """Sum up what the report tells: how many, how sure, how good, and what may have been missed."""
    linked, decided = run.linked, run.decided
    rules = np.bitwise_count(decided.pairs.rules[decided.decision == Decision.SAME])
    found_by = np.bincount(rules[rules > 0])[1:].tolist()
    twins = decided.pairs.twin >= 0.5
    twin_children = pairs_of_children(linked.child, decided.pairs.left[twins], decided.pairs.right[twins])
    siblings = decided.pairs.sibling >= 0.5
    families = Families(
        twin_sets=_sets(twin_children, len(linked.child)),
        sibling_pairs=len(pairs_of_children(linked.child, decided.pairs.left[siblings], decided.pairs.right[siblings])),
        never_linked=decided.withheld,
        restricted=len(decided.restricted),
    )
    total = linked.table.rows * (linked.table.rows - 1) / 2
    return summarise(
        records, children, pairs, thresholds=linked.model.thresholds, blocking=linked.blocks, found_by=found_by,
        expected_matches=linked.model.prior * total if run.options.model is None else None, families=families,
        year=run.options.today.year, ends=(run.order[decided.pairs.left], run.order[decided.pairs.right]),
    )  # fmt: skip


def _sets(pairs: NDArray[np.int64], records: int) -> int:
    """How many groups of children the pairs connect."""
    if not len(pairs):
        return 0
    labels = components(records, pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32))
    return len(np.unique(labels[np.unique(pairs)]))


def _seen_elsewhere(linked: Linked) -> int:
    """How many records were joined with a record of another source."""
    source, child = linked.table["source"], linked.child
    cell = child * len(source.values) + source.codes
    _, which, held = np.unique(cell, return_inverse=True, return_counts=True)
    return int(np.count_nonzero(np.bincount(child, minlength=len(child))[child] > held[which]))


def _counts(run: _Run) -> dict[str, int]:
    """How many of everything: what ``run.json`` and the screen tell."""
    linked, decided = run.linked, run.decided
    answers = np.bincount(decided.decision, minlength=3)
    guarded = decided.restricted.why == Why.TWO_IDENTITIES
    counts = {
        "records": run.table.num_rows,
        "sources": len(linked.table["source"].values),
        "linked_elsewhere": _seen_elsewhere(linked),
        "children": int(np.count_nonzero(linked.child == np.arange(len(linked.child)))),
        "pairs_compared": linked.compared,
        "pairs_written": len(decided.pairs),
        "same": int(answers[Decision.SAME]),
        "ask": int(answers[Decision.ASK]),
        "different": int(answers[Decision.DIFFERENT]),
        "questions": len(decided.review),
        "never_link_pairs": len(linked.never_link.packed),
        "restricted_children": len(
            pairs_of_children(linked.child, decided.restricted.left[guarded], decided.restricted.right[guarded])
        ),
        "problems": run.problems.num_rows,
    }
    if run.earlier is not None:
        counts["records_gone"] = run.earlier.gone
        counts["records_new"] = int(np.count_nonzero(run.earlier.child < 0))
    return counts
