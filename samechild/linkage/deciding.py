"""Three answers for every pair: same, ask a person, different; and the reason, in words.

The children decide: two records under one child are *same*, whatever their own weight. Of the pairs between two
children, the strongest stands for all; it becomes a question when it is likely enough, or when two claims are rivals,
and when a child was put together although two of its numbers contradict each other. Questions are put worst first and
no more of them than people can answer; what falls below that line is *different*, and says so.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.agglomeration import Labels
from samechild.linkage.bulk import Linked, ScoredPairs, lines_of
from samechild.linkage.constraints import Why, forbids, identities_differ
from samechild.linkage.model import Model
from samechild.linkage.patterns import patterns_of
from samechild.linkage.protect import pairs_of_children, to_be_withheld

Mask = NDArray[np.bool_]


class Decision(IntEnum):
    """The answer for a pair."""

    DIFFERENT = 0
    ASK = 1
    SAME = 2


DECISIONS = ("different", "ask", "same")


class Ground(IntEnum):
    """What an answer rests on, beside the evidence."""

    EVIDENCE = 0
    OTHER_RECORDS = 1  # joined through other records of the child
    RIVALS = 2
    CONTRADICTION = 3  # one child, but two valid numbers
    DOUBT = 4
    BELOW_LIMIT = 5
    TWINS = 6
    VERIFIED = 7
    ONE_PER_CHILD = 8
    SAID = 9
    OTHERS_DISAGREE = 10
    NAMES_AND_NUMBERS = 11


WORDS = {
    Ground.EVIDENCE: "",
    Ground.OTHER_RECORDS: "joined through other records of the child",
    Ground.RIVALS: "two children claim this record nearly as well",
    Ground.CONTRADICTION: "put together, but two valid numbers contradict each other",
    Ground.DOUBT: "too likely to dismiss, not sure enough to join",
    Ground.BELOW_LIMIT: "not sure enough to join; below this run's line for questions",
    Ground.TWINS: "members of one twin set",
    Ground.VERIFIED: "two verified NHS numbers, neither superseding the other",
    Ground.ONE_PER_CHILD: "one source that holds each child once",
    Ground.SAID: "a person decided",
    Ground.OTHERS_DISAGREE: "other records of the two children disagree",
    Ground.NAMES_AND_NUMBERS: "another surname and another valid number",
}


FEW_QUESTIONS = 20
"""So many questions are always put, however few children there are."""


class Decided(msgspec.Struct, frozen=True):
    """The pairs to be written with their answers, and the pairs that must not be (for the restricted list)."""

    pairs: ScoredPairs
    decision: NDArray[np.int8]
    ground: NDArray[np.int8]
    review: NDArray[np.int64]  # positions in pairs: one question for each pair of children, worst first
    restricted: ScoredPairs
    withheld: int  # pairs of the never-link list that the evidence would have brought together


def decide(linked: Linked, review_limit: float) -> Decided:
    """Answer every pair that was scored above the floor. ``review_limit``: questions per 1,000 children, at most."""
    floor = linked.model.thresholds.floor
    bits = float(np.log2(floor / (1 - floor)))
    child, pairs = linked.child, linked.pairs
    said = (pairs.why == Why.SAID_SAME) | (pairs.why == Why.SAID_DIFFERENT)
    kept = pairs.take(np.flatnonzero((pairs.weight >= bits) | (child[pairs.left] == child[pairs.right]) | said))
    guarded = kept.why == Why.TWO_IDENTITIES
    listed = pairs.why == Why.NEVER_LINK
    protected = pairs_of_children(
        child,
        np.concatenate([kept.left[guarded], pairs.left[listed], linked.never_link.left]),
        np.concatenate([kept.right[guarded], pairs.right[listed], linked.never_link.right]),
    )
    hidden = to_be_withheld(child, kept.left, kept.right, protected)
    lines = lines_of(linked.model)
    asked_about = hidden & (
        (kept.why == Why.TWO_IDENTITIES) | ((kept.weight >= lines.ask) & (kept.why != Why.NEVER_LINK))
    )
    restricted = kept.take(np.flatnonzero(asked_about))
    never = int(np.count_nonzero(kept.why == Why.NEVER_LINK))
    kept = kept.take(np.flatnonzero(~hidden)) if hidden.any() else kept
    decision, ground = _answers(linked, kept)
    review = _questions(linked, kept, decision, ground, review_limit)
    return Decided(kept, decision, ground, review, restricted, never)


def _answers(linked: Linked, pairs: ScoredPairs) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    lines = lines_of(linked.model)
    together = linked.child[pairs.left] == linked.child[pairs.right]
    decision = np.where(together, Decision.SAME, Decision.DIFFERENT).astype(np.int8)
    ground = np.zeros(len(pairs), np.int8)
    ground[together & (pairs.weight < lines.ask)] = Ground.OTHER_RECORDS
    ground[~together & (pairs.weight >= lines.ask)] = Ground.OTHERS_DISAGREE
    for why, words in (
        (Why.TWINS, Ground.TWINS),
        (Why.VERIFIED_NUMBERS_DIFFER, Ground.VERIFIED),
        (Why.ONE_RECORD_PER_CHILD, Ground.ONE_PER_CHILD),
        (Why.NAMES_AND_NUMBERS_DIFFER, Ground.NAMES_AND_NUMBERS),
        (Why.SAID_SAME, Ground.SAID),
        (Why.SAID_DIFFERENT, Ground.SAID),
    ):
        ground[pairs.why == why] = words
    return decision, ground


def _questions(
    linked: Linked, pairs: ScoredPairs, decision: NDArray[np.int8], ground: NDArray[np.int8], limit: float
) -> NDArray[np.int64]:
    """Choose the questions, mark their pairs, and return them worst first."""
    lines = lines_of(linked.model)
    child = linked.child
    apart = child[pairs.left] != child[pairs.right]
    rival = linked.rivals.has(child[pairs.left].astype(np.int32), child[pairs.right].astype(np.int32))
    barred = _barred_children(child, pairs)
    open_pair = apart & ~barred & (ground != Ground.SAID) & (rival | (pairs.claim >= lines.ask))
    contradicting = ~apart & (ground != Ground.SAID)
    contradicting[contradicting] = identities_differ(
        linked.table, pairs.left[contradicting], pairs.right[contradicting]
    )
    candidates = np.flatnonzero(open_pair | contradicting)
    order = np.lexsort((pairs.right[candidates], pairs.left[candidates], -pairs.weight[candidates]))
    candidates = candidates[order]
    one, other = child[pairs.left[candidates]], child[pairs.right[candidates]]
    key = np.minimum(one, other) * len(child) + np.maximum(one, other)
    _, first = np.unique(key, return_index=True)
    chosen = candidates[np.sort(first)]
    sureness = np.where(apart[chosen], pairs.claim[chosen], lines.join)  # a contradiction is as pressing as a near join
    chosen = chosen[np.lexsort((pairs.right[chosen], pairs.left[chosen], -sureness))]
    most = max(int(limit / 1000 * np.count_nonzero(child == np.arange(len(child)))), FEW_QUESTIONS)
    left_out, chosen = chosen[most:], chosen[:most]
    decision[chosen] = Decision.ASK
    ground[chosen] = np.where(apart[chosen], np.where(rival[chosen], Ground.RIVALS, Ground.DOUBT), Ground.CONTRADICTION)
    ground[left_out] = np.where(apart[left_out], Ground.BELOW_LIMIT, Ground.CONTRADICTION)
    return chosen


def _barred_children(child: Labels, pairs: ScoredPairs) -> Mask:
    """Pairs between two children that some pair of their records forbids to be one."""
    one, other = child[pairs.left], child[pairs.right]
    key = np.minimum(one, other) * len(child) + np.maximum(one, other)
    forbidden = np.unique(key[forbids(pairs.why) & (one != other)])
    place = np.searchsorted(forbidden, key)
    place[place == len(forbidden)] = 0
    return np.asarray(forbidden[place] == key) if len(forbidden) else np.zeros(len(key), bool)


def reasons(model: Model, pairs: ScoredPairs, ground: NDArray[np.int8]) -> tuple[NDArray[np.int64], list[str]]:
    """The reason for each answer in words: (which reason each pair has, the reasons)."""
    patterns = patterns_of(pairs.levels, model.comparisons)
    key = patterns.of_pair * len(Ground) + ground
    distinct, which = np.unique(key, return_inverse=True)
    texts = []
    for each in distinct.tolist():
        pattern, basis = divmod(each, len(Ground))
        evidence = _in_words(model, patterns.levels[pattern].tolist())
        words = WORDS[Ground(basis)]
        texts.append(f"{words}: {evidence}" if words else evidence)
    return which.astype(np.int64), texts


MOST_WORDS = 5
WORTH_SAYING = 0.5  # bits


def _in_words(model: Model, levels: list[int]) -> str:
    """The pieces of evidence that weigh most, heaviest first."""
    seen = [
        comparison.levels[level]
        for comparison, level in zip(model.comparisons, levels, strict=True)
        if not comparison.levels[level].is_null and abs(comparison.levels[level].weight) >= WORTH_SAYING
    ]
    seen.sort(key=lambda level: -abs(level.weight))
    return "; ".join(level.label for level in seen[:MOST_WORDS]) or "nothing to compare"
