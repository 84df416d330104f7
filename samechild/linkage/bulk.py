"""The fast engine: from standardised records to scored pairs and children, on one machine.

Works on Arrow columns as codes (:mod:`samechild.linkage.coded`); gives what :mod:`samechild.linkage.reference` says,
which is tested. The result is the same on any run, for any order of rows and any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.linkage.blocking import Blocked, block
from samechild.linkage.clustering import (
    MOST_BITS,
    Labels,
    Lines,
    Links,
    groups_to_settle,
    settle,
    unsettled_pairs,
)
from samechild.linkage.coded import CodedTable, Codes, code_table
from samechild.linkage.comparison import Levels, Pairs, levels_of
from samechild.linkage.constraints import Constraints, PairList, Why, forbids, look_like_one, pair_list
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.model import Model
from samechild.linkage.patterns import patterns_of
from samechild.linkage.presence import Presence
from samechild.linkage.scoring import Floats, Shares, frequencies_of, score
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
    claim: Floats  # the weight, and what the agencies that see each child add to it

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
            self.claim[keep],
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
            join([self.claim, others.claim]),
        )


class Linked(msgspec.Struct, frozen=True):
    """What linking found: scored pairs, and for each record the position of its child's first record."""

    table: CodedTable
    model: Model
    frequencies: Shares
    pairs: ScoredPairs
    child: Labels
    rivals: PairList  # pairs of children, by their labels
    never_link: PairList
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
    with_family: bool = True,
    frequencies: Mapping[str, Frequencies] | None = None,
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
        model = train(model, table, blocked, with_family=with_family, seed=seed)
    known = frequencies_of(model, table, frequencies)
    progress(f"comparing {len(blocked):,} pairs")
    pairs = score_pairs(table, model, known, constraints, blocked.left, blocked.right, blocked.rules, threads)
    progress("putting children together")
    return _clustered(table, model, known, constraints, pairs, blocked, earlier, threads)


def score_pairs(
    table: CodedTable,
    model: Model,
    frequencies: Shares,
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
        alike = look_like_one(model, frequencies, pairs, levels, lines_of(model).ask)
        why[alike[why[alike] != Why.NEVER_LINK]] = Why.TWO_IDENTITIES
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
            scores.weight,
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
    frequencies: Shares,
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
    sure = msgspec.structs.replace(lines, join=lines.join + SURER)
    links = _links(model, pairs, earlier)
    labels = groups_to_settle(table.rows, links, lines)
    unsettled, left, right = unsettled_pairs(labels, links, sure)
    pairs = pairs.and_(score_pairs(table, model, frequencies, constraints, left, right, threads=threads))
    links = _links(model, pairs, earlier)
    unit, _, _ = settle(labels, unsettled, links, sure)
    claims = _claims(Presence(table, unit), unit, links, lines)
    child, one, other = _settled_again(table.rows, unit, claims, lines)
    rivals = pair_list(child[one], child[other], table.rows)
    pairs = msgspec.structs.replace(pairs, claim=_claim_of_pair(unit, pairs, claims))
    return Linked(table, model, frequencies, pairs, child, rivals, constraints.never_link, blocked.counts, compared)


SURER = 4.0
"""So many bits beyond the joining line are wanted before it is known which agencies see a child."""


def _claims(presence: Presence, child: Labels, links: Links, lines: Lines) -> Links:
    """The evidence between every two children put together so far: of their strongest pair, and of the agencies."""
    one, other = child[links.left], child[links.right]
    apart = np.flatnonzero(one != other)
    low, high = np.minimum(one[apart], other[apart]), np.maximum(one[apart], other[apart])
    order = np.argsort(low * len(child) + high, kind="stable")
    apart, low, high = apart[order], low[order], high[order]
    new = np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])]) if len(low) else np.zeros(0, bool)
    starts = np.flatnonzero(new)
    if not len(starts):
        nobody = np.zeros(0, np.int32)
        return Links(nobody, nobody, np.zeros(0), np.zeros(0, bool))
    weight = links.weight[apart]
    counts = np.diff(np.append(starts, len(apart)))
    best = np.maximum.reduceat(weight, starts)
    mean = np.add.reduceat(np.clip(weight, -MOST_BITS, MOST_BITS), starts) / counts
    left, right = low[starts], high[starts]
    claim = best + presence.evidence(left, right)
    claim = np.where(mean < lines.average, np.minimum(claim, mean), claim)
    never = np.logical_or.reduceat(links.never[apart], starts)
    return Links(left.astype(np.int32), right.astype(np.int32), claim, never)


def _settled_again(records: int, child: Labels, claims: Links, lines: Lines) -> tuple[Labels, Codes, Codes]:
    """Weigh the children put together so far against each other, each as one, and join those that are the same."""
    labels = groups_to_settle(records, claims, lines)
    unsettled, _, _ = unsettled_pairs(labels, claims, lines)
    joined_to, one, other = settle(labels, unsettled, claims, lines)
    return joined_to[child], one, other


def _claim_of_pair(unit: Labels, pairs: ScoredPairs, claims: Links) -> Floats:
    """For each pair, what its two records' groups claim of each other; its own weight inside a group."""
    if not len(claims.left):
        return pairs.weight
    one, other = unit[pairs.left], unit[pairs.right]
    wanted = np.minimum(one, other) * len(unit) + np.maximum(one, other)
    known = claims.left.astype(np.int64) * len(unit) + claims.right
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, claims.weight[place], pairs.weight)


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
    return Links(pairs.left, pairs.right, weight, forbids(pairs.why))
