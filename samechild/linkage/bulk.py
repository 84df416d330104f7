"""The fast engine: from standardised records to scored pairs and children, on one machine.

Works on Arrow columns as codes (:mod:`samechild.linkage.coded`); gives what :mod:`samechild.linkage.reference` says,
which is tested. The result is the same on any run, for any order of rows and any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.linkage.blocking import Blocked, block
from samechild.linkage.clustering import Labels, Lines, Links, groups_to_settle, settle, unsettled_pairs
from samechild.linkage.coded import Codes, CodedTable, code_table
from samechild.linkage.comparison import Levels, Pairs, levels_of
from samechild.linkage.constraints import Constraints, PairList, Why, forbids, pair_list
from samechild.linkage.model import Model
from samechild.linkage.patterns import patterns_of
from samechild.linkage.scoring import Floats, Frequencies, frequencies_of, score
from samechild.linkage.summary import BlockingCount
from samechild.linkage.training import train

Progress = Callable[[str], None]
CHUNK = 400_000
"""How many pairs one thread compares at a time."""


def in_silence(_: str) -> None:
    """Tell nobody how far the work has come."""


class ScoredPairs(msgspec.Struct, frozen=True):
    """Pairs of records (positions in the table), what was seen and how much it weighs. One row of ``levels`` a comparison."""

    left: Codes
    right: Codes
    rules: NDArray[np.uint32]  # which blocking rules found the pair; 0 for pairs compared to settle a group
    levels: list[Levels]
    weight: Floats
    two_class: Floats
    twin: Floats
    sibling: Floats
    why: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.left)

    def take(self, keep: NDArray[np.generic]) -> ScoredPairs:
        """Some of the pairs."""
        return ScoredPairs(
            self.left[keep],
            self.right[keep],
            self.rules[keep],
            [level[keep] for level in self.levels],
            self.weight[keep],
            self.two_class[keep],
            self.twin[keep],
            self.sibling[keep],
            self.why[keep],
        )

    def and_(self, others: ScoredPairs) -> ScoredPairs:
        """These pairs and others."""
        if not len(others):
            return self
        join = np.concatenate
        return ScoredPairs(
            join([self.left, others.left]),
            join([self.right, others.right]),
            join([self.rules, others.rules]),
            [join([one, other]) for one, other in zip(self.levels, others.levels, strict=True)],
            join([self.weight, others.weight]),
            join([self.two_class, others.two_class]),
            join([self.twin, others.twin]),
            join([self.sibling, others.sibling]),
            join([self.why, others.why]),
        )


class Linked(msgspec.Struct, frozen=True):
    """What linking found: scored pairs, and for each record the position of its child's first record."""

    table: CodedTable
    model: Model
    frequencies: Frequencies
    pairs: ScoredPairs
    child: Labels
    rivals: PairList
    blocks: list[BlockingCount]
    compared: int


def lines_of(model: Model) -> Lines:
    """The model's thresholds in bits."""

    def bits(chance: float) -> float:
        return float(np.log2(chance / (1.0 - chance)))

    limits = model.thresholds
    return Lines(join=bits(limits.join), ask=bits(limits.ask), margin=bits(limits.join), average=limits.average)


def fields_used(model: Model) -> list[str]:
    """Every field the model, its blocking and the constraints look at."""
    names = [name for comparison in model.comparisons for name in comparison.columns]
    names += [part.column for rule in model.blocking for part in rule.parts]
    return list(dict.fromkeys([*names, "source", "nhs_number", "nhs_number_status", "upn", "upn_kind", "surname"]))


def link_records(
    standardised: pa.Table,
    model: Model,
    constraints: Constraints,
    *,
    earlier: NDArray[np.int64] | None = None,
    seed: int = 1,
    threads: int = 2,
    progress: Progress = in_silence,
) -> Linked:
    """Link standardised records, which must stand in the order of their keys (:mod:`samechild.linkage.identity`).

    ``earlier`` gives each record's child in an earlier run (-1 for none): records that were together stay together
    until the evidence falls under the splitting line. A model that has not been trained is trained on these records.
    """
    table = code_table(standardised, fields_used(model))
    progress("finding pairs worth comparing")
    blocked = block(table, model.blocking, model.largest_block, threads)
    if not model.is_trained:
        progress("learning from the records")
        model = train(model, table, blocked, seed=seed)
    frequencies = frequencies_of(model, table)
    progress(f"comparing {len(blocked):,} pairs")
    pairs = score_pairs(table, model, frequencies, constraints, blocked.left, blocked.right, blocked.rules, threads)
    progress("putting children together")
    return _clustered(table, model, frequencies, constraints, pairs, blocked, earlier, threads)


def score_pairs(
    table: CodedTable,
    model: Model,
    frequencies: Frequencies,
    constraints: Constraints,
    left: Codes,
    right: Codes,
    rules: NDArray[np.uint32] | None = None,
    threads: int = 2,
) -> ScoredPairs:
    """Compare and score the given pairs."""
    if rules is None:
        rules = np.zeros(len(left), np.uint32)

    def one(begin: int) -> ScoredPairs:
        part = slice(begin, begin + CHUNK)
        pairs = Pairs(table, left[part], right[part])
        levels = [levels_of(comparison, pairs) for comparison in model.comparisons]
        scores = score(model, frequencies, pairs, levels, patterns_of(levels, model.comparisons))
        why = constraints.why(table, pairs.left, pairs.right, scores.twin)
        return ScoredPairs(
            pairs.left,
            pairs.right,
            rules[part],
            levels,
            scores.weight,
            scores.two_class,
            scores.twin,
            scores.sibling,
            why,
        )

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(one, range(0, max(len(left), 1), CHUNK)))
    return joined(parts)


def joined(parts: list[ScoredPairs]) -> ScoredPairs:
    """Several runs of pairs as one."""
    if len(parts) == 1:
        return parts[0]
    columns = list(zip(*(msgspec.structs.astuple(part) for part in parts), strict=True))
    levels = [np.concatenate(each) for each in zip(*columns[3], strict=True)]
    return ScoredPairs(*(levels if place == 3 else np.concatenate(column) for place, column in enumerate(columns)))


def _clustered(
    table: CodedTable,
    model: Model,
    frequencies: Frequencies,
    constraints: Constraints,
    pairs: ScoredPairs,
    blocked: Blocked,
    earlier: NDArray[np.int64] | None,
    threads: int,
) -> Linked:
    compared = len(pairs)
    said = constraints.said_same
    if len(said.packed):
        have = pair_list(pairs.left.astype(np.int64), pairs.right.astype(np.int64), table.rows)
        new = ~have.has(said.left, said.right)
        pairs = pairs.and_(
            score_pairs(table, model, frequencies, constraints, said.left[new], said.right[new], threads=threads)
        )
    lines = lines_of(model)
    links = _links(model, pairs, earlier)
    labels = groups_to_settle(table.rows, links, lines)
    unsettled, left, right = unsettled_pairs(labels, links, lines)
    more = score_pairs(table, model, frequencies, constraints, left, right, threads=threads)
    pairs = pairs.and_(more)
    links = _links(model, pairs, earlier)
    child, one, other = settle(labels, unsettled, links, lines)
    rivals = pair_list(one.astype(np.int64), other.astype(np.int64), table.rows)
    return Linked(table, model, frequencies, pairs, child, rivals, blocked.counts, compared)


SURE = 200.0
"""Bits given to a person's decision: more than any evidence."""


def _links(model: Model, pairs: ScoredPairs, earlier: NDArray[np.int64] | None) -> Links:
    weight = pairs.weight
    if earlier is not None:
        lines = lines_of(model)
        split = float(np.log2(model.thresholds.split / (1.0 - model.thresholds.split)))
        together = (earlier[pairs.left] >= 0) & (earlier[pairs.left] == earlier[pairs.right])
        weight = np.where(together, weight + (lines.join - split), weight)
    said = pairs.why == Why.SAID_SAME
    if said.any():
        weight = np.where(said, SURE, weight)
    never = forbids(pairs.why)
    return Links(pairs.left, pairs.right, weight, never, never | (pairs.twin > 0.5))
