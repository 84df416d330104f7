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

from samechild.linkage.agglomeration import Labels, Lines
from samechild.linkage.blocking import Blocked, block
from samechild.linkage.claims import Between, between_groups, claims_of, torn_between_twins, two_identities
from samechild.linkage.clustering import (
    Links,
    groups_to_settle,
    settle,
    unsettled_pairs,
)
from samechild.linkage.coded import CodedTable, Codes, code_table
from samechild.linkage.comparison import Levels, Pairs, levels_of
from samechild.linkage.constraints import (
    Constraints,
    PairList,
    Why,
    forbids,
    identities_differ,
    look_like_one,
    names_and_numbers_differ,
    numbers_given_together,
    pair_list,
)
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.model import Comparison, Model
from samechild.linkage.patterns import patterns_of
from samechild.linkage.presence import Presence
from samechild.linkage.scoring import Floats, Shares, frequencies_of, score
from samechild.linkage.summary import BlockingCount
from samechild.linkage.training import train

Progress = Callable[[str], None]
CHUNK = 500_000
"""How many pairs one thread weighs at a time."""
COMPARED_AT_ONCE = 4_000_000
"""How many pairs one thread compares at a time: the more, the fewer pairs of values are worked out twice."""


def in_silence(_: str) -> None:
    """Tell nobody how far the work has come."""


class ScoredPairs(msgspec.Struct, frozen=True):
    """Pairs of records (positions in the table), what was seen of them (``levels``: by comparison) and its weight."""

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
        return joined([self, others]) if len(others) else self


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
    del standardised
    progress("finding pairs worth comparing")
    blocked = block(table, model.blocking, model.largest_block, threads)
    progress(f"comparing {len(blocked):,} pairs")
    levels = compare_pairs(table, model, blocked.left, blocked.right, threads)
    if not model.is_trained:
        progress("learning from the records")
        model = train(model, table, blocked, levels, with_family=with_family, seed=seed)
    known = frequencies_of(model, table, frequencies)
    progress(f"weighing {len(blocked):,} pairs")
    pairs = weigh_pairs(table, model, known, constraints, blocked, levels, threads)
    progress("putting children together")
    return put_together(table, model, known, constraints, pairs, blocked.counts, earlier, threads)


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
    found = Blocked(left, right, np.zeros(len(left), np.uint32) if rules is None else rules, [])
    levels = compare_pairs(table, model, left, right, threads)
    return weigh_pairs(table, model, frequencies, constraints, found, levels, threads)


def compare_pairs(table: CodedTable, model: Model, left: Codes, right: Codes, threads: int = 2) -> list[Levels]:
    """The level every pair reaches in each comparison: some millions of pairs and one comparison at a time."""
    starts = range(0, max(len(left), 1), COMPARED_AT_ONCE)
    tasks = [(comparison, start) for comparison in model.comparisons for start in starts]

    def one(task: tuple[Comparison, int]) -> Levels:
        comparison, start = task
        part = slice(start, start + COMPARED_AT_ONCE)
        return levels_of(comparison, Pairs(table, left[part], right[part]))

    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(one, tasks))
    return [np.concatenate(done[at : at + len(starts)]) for at in range(0, len(done), len(starts))]


def weigh_pairs(
    table: CodedTable,
    model: Model,
    frequencies: Shares,
    constraints: Constraints,
    found: Blocked,
    levels: list[Levels],
    threads: int = 2,
) -> ScoredPairs:
    """Score pairs whose levels are known."""

    def one(start: int) -> ScoredPairs:
        part = slice(start, start + CHUNK)
        pairs = Pairs(table, found.left[part], found.right[part])
        return weigh(model, frequencies, constraints, pairs, [level[part] for level in levels], found.rules[part])

    with ThreadPoolExecutor(threads) as pool:
        return joined(list(pool.map(one, range(0, max(len(found), 1), CHUNK))))


def weigh(
    model: Model,
    frequencies: Shares,
    constraints: Constraints,
    pairs: Pairs,
    levels: list[Levels],
    rules: NDArray[np.uint32],
) -> ScoredPairs:
    """Score pairs whose levels are known, and say what decides them beside their weight."""
    scores = score(model, frequencies, pairs, levels, patterns_of(levels, model.comparisons))
    twin = np.where(numbers_given_together(model, levels), 1.0, scores.twin)
    why = constraints.why(pairs.table, pairs.left, pairs.right, twin)
    other = names_and_numbers_differ(model, pairs, levels)
    why[other[why[other] == Why.NOTHING]] = Why.NAMES_AND_NUMBERS_DIFFER
    alike = look_like_one(model, frequencies, pairs, levels)
    why[alike[why[alike] != Why.NEVER_LINK]] = Why.TWO_IDENTITIES
    return ScoredPairs(
        pairs.left,
        pairs.right,
        rules,
        levels,
        scores.weight,
        scores.two_class,
        scores.twin,
        scores.sibling,
        why,
        scores.weight,
    )


def joined(parts: list[ScoredPairs]) -> ScoredPairs:
    """Several runs of pairs as one."""
    if len(parts) == 1:
        return parts[0]
    join = np.concatenate
    return ScoredPairs(
        join([part.left for part in parts]),
        join([part.right for part in parts]),
        join([part.rules for part in parts]),
        [join(each) for each in zip(*(part.levels for part in parts), strict=True)],
        join([part.weight for part in parts]),
        join([part.two_class for part in parts]),
        join([part.twin for part in parts]),
        join([part.sibling for part in parts]),
        join([part.why for part in parts]),
        join([part.claim for part in parts]),
    )


def put_together(
    table: CodedTable,
    model: Model,
    frequencies: Shares,
    constraints: Constraints,
    pairs: ScoredPairs,
    counts: list[BlockingCount],
    earlier: NDArray[np.int64] | None,
    threads: int,
    compared: int | None = None,
) -> Linked:
    """Make children of scored pairs: those that blocking found, in the order of their records.

    Pairs may be left out that join no group and forbid none (:data:`samechild.linkage.claims.HOPELESS`); ``compared``
    then says how many there were.
    """
    compared = len(pairs) if compared is None else compared

    def scored(left: Codes, right: Codes) -> ScoredPairs:
        return score_pairs(table, model, frequencies, constraints, left, right, threads=threads)

    for listed in (constraints.said_same, constraints.said_different, constraints.never_link):
        if len(listed.packed):  # what people have said counts whether or not blocking brought the two together
            have = pair_list(pairs.left.astype(np.int64), pairs.right.astype(np.int64), table.rows)
            new = ~have.has(listed.left, listed.right)
            pairs = pairs.and_(scored(listed.left[new], listed.right[new]))
    lines = lines_of(model)
    sure = msgspec.structs.replace(lines, join=lines.join + SURER)
    links = links_of(model, pairs, earlier)
    labels = groups_to_settle(table.rows, links, lines)
    unsettled, left, right = unsettled_pairs(labels, links, sure)
    pairs = pairs.and_(scored(left, right))
    links = links_of(model, pairs, earlier)
    unit, _, _ = settle(labels, unsettled, _without_contradictions(table, links), sure)
    groups = _weighed_groups(table, unit, pairs, links, model, lines)
    if groups is not None:
        likely = groups_to_settle(table.rows, groups[1], lines)[unit]
        unseen = scored(*unsettled_pairs(likely, links, lines)[1:])
        forbidden = np.flatnonzero(forbids(unseen.why))
        if len(forbidden):  # pairs that nobody had compared, of records whose groups might be put together
            pairs = pairs.and_(unseen.take(forbidden))
            groups = _weighed_groups(table, unit, pairs, links_of(model, pairs, earlier), model, lines)
    child, rivals, pairs = _settled_again(table, unit, pairs, groups, model, lines)
    return Linked(table, model, frequencies, pairs, child, rivals, constraints.never_link, counts, compared)


SURER = 4.0
"""So many bits beyond the joining line are wanted before it is known which agencies see a child."""


def _without_contradictions(table: CodedTable, links: Links) -> Links:
    """The same links, but records with two different valid numbers wait until their groups are known."""
    return msgspec.structs.replace(links, never=links.never | identities_differ(table, links.left, links.right))


def _weighed_groups(
    table: CodedTable, unit: Labels, pairs: ScoredPairs, links: Links, model: Model, lines: Lines
) -> tuple[Between, Links] | None:
    """What the groups put together so far claim of each other; None where nothing lies between them."""
    between = between_groups(unit, links)
    if between is None:
        return None
    return between, claims_of(between, links, pairs.levels, model, Presence(table, unit), lines)


def _settled_again(
    table: CodedTable,
    unit: Labels,
    pairs: ScoredPairs,
    groups: tuple[Between, Links] | None,
    model: Model,
    lines: Lines,
) -> tuple[Labels, PairList, ScoredPairs]:
    """Weigh the groups put together so far against each other, each as one child, and join those that are the same.

    Returns the children, the rival claims between them, and the pairs with what their groups claim of each other.
    """
    if groups is None:
        return unit, pair_list(np.zeros(0, np.int64), np.zeros(0, np.int64), table.rows), pairs
    between, claims = groups
    guarded = two_identities(between, claims, pairs.levels, model)
    claims = msgspec.structs.replace(claims, never=claims.never | guarded)
    why, claim = pairs.why.copy(), pairs.weight.copy()
    of_pair = np.repeat(np.arange(len(claims.left)), np.diff(np.append(between.starts, len(between.pairs))))
    claim[between.pairs] = claims.weight[of_pair]
    protect = between.strongest[guarded]
    why[protect[why[protect] != Why.NEVER_LINK]] = Why.TWO_IDENTITIES
    labels = groups_to_settle(table.rows, claims, lines)
    unsettled, _, _ = unsettled_pairs(labels, claims, lines)
    joined_to, one, other = settle(labels, unsettled, claims, lines)
    child = joined_to[unit]
    pairs = msgspec.structs.replace(pairs, why=why, claim=claim)
    child, alone, home = _set_apart(table, child, pairs, model)
    rivals = pair_list(
        np.concatenate([child[one], child[alone]]), np.concatenate([child[other], child[home]]), table.rows
    )
    return child, rivals, pairs


def _set_apart(
    table: CodedTable, child: Labels, pairs: ScoredPairs, model: Model
) -> tuple[Labels, NDArray[np.int64], NDArray[np.int64]]:
    """Take records that stand between two twins out of their child, to be asked about.

    Returns the children, those records, and for each a record of the child it was taken from.
    """
    twins = pairs.why == Why.TWINS
    sex = table["sex"].codes if "sex" in table else None
    alone = torn_between_twins(child, pairs.left, pairs.right, pairs.levels, twins, model, sex)
    said = pairs.why == Why.SAID_SAME
    alone = np.setdiff1d(alone, np.concatenate([pairs.left[said], pairs.right[said]]))
    if not len(alone):
        return child, alone, alone
    before = child
    apart = child.copy()
    apart[alone] = len(child) + alone
    _, first, which = np.unique(apart, return_index=True, return_inverse=True)
    child = first[which].astype(np.int64)
    staying = np.full(len(child), -1, np.int64)
    left_behind = np.setdiff1d(np.flatnonzero(np.isin(before, before[alone])), alone)
    staying[before[left_behind]] = left_behind
    home = staying[before[alone]]
    return child, alone[home >= 0], home[home >= 0]


SURE = 200.0
"""Bits given to a person's decision: more than any evidence."""


def links_of(model: Model, pairs: ScoredPairs, earlier: NDArray[np.int64] | None) -> Links:
    """The pairs with the weights that count once earlier children and people's decisions are taken into account."""
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
