"""What can be said of a run's quality when nobody knows the truth, and how little that is.

Precision and recall come from the model's own probabilities, as Fellegi and Sunter (JASA 1969) and Newcombe proposed:
the model marks its own work, so the figures are right only as far as its probabilities are. Pairs that no blocking
rule brought together are estimated from how many rules found each pair, as animals are counted that were never caught
(Chao, *Scandinavian Journal of Statistics* 11, 1984 and *Biometrics* 43, 1987). A proof needs people:
:mod:`samechild.linkage.sample`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, log2, sqrt

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import csr_array

from samechild.errors import Invalid
from samechild.linkage.groups import groupings
from samechild.linkage.model import Thresholds
from samechild.linkage.rows import Ints, Rows, codes, filled, need_columns, positions
from samechild.linkage.summary import (
    SMALL,
    Bar,
    BlockingCount,
    ClusterSize,
    Estimate,
    Families,
    GradeCount,
    GroupRow,
    HowLinked,
    Lines,
    Missed,
    Seen,
    Summary,
)

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_Z = 1.959964  # two-sided 95%
_CAUTION = 0.8  # the cautious estimate takes every match weight as a fifth weaker
_LEFT, _RIGHT = -40.0, 80.0  # match weights beyond these stand in the outermost bars
_MOST_BARS = 60
_LARGEST_SIZE = 10  # children with more records than this are counted together
_OTHER_NUMBERS = ("chi_number", "hc_number", "ucrn", "scn", "uln", "nino", "la_child_id", "other_id")


class _Scored(msgspec.Struct, frozen=True):
    a: Ints  # row of the records table
    b: Ints
    weight: Floats
    probability: Floats
    same: Bools
    ask: Bools


def summarise(
    records: pa.Table,
    children: pa.Table,
    pairs: pa.Table,
    *,
    thresholds: Thresholds,
    blocking: Sequence[BlockingCount] = (),
    found_by: Sequence[int] = (),
    expected_matches: float | None = None,
    families: Families | None = None,
    year: int | None = None,
    ends: tuple[Ints, Ints] | None = None,
) -> Summary:
    """Sum up a run: how many records were joined, how surely, for which groups less surely, and what may be missed.

    Args:
        records: the standardised records with ``child_id``.
        children: one row for each record; its column ``grade``, if there, is counted.
        pairs: the scored pairs, with ``match_weight`` (bits), ``match_probability`` and ``decision``.
        thresholds: where the answers change, as probabilities.
        blocking: what each blocking rule did.
        found_by: how many joined pairs were found by exactly 1, 2, 3... blocking rules.
        expected_matches: expected number of same-child pairs among all pairs compared, those below the floor
            included; without it, the sum over the pairs given.
        families: twins, siblings and pairs kept apart, as counted by clustering.
        year: calendar year of the run, to group by age; without it, groups are of the year of birth.
        ends: for each pair, the rows of its two records in ``records``, where they are known already.

    Raises:
        Invalid: when a table lacks a column, or a record has no child.
    """
    need_columns(records, ("source", "record_id", "child_id"), "The records table")
    child, _ = codes(records["child_id"])
    source, sources = codes(records["source"])
    if (child < 0).any() or (source < 0).any():
        raise Invalid("The records table has a row without a source or without a child_id.")
    scored = _read_pairs(pairs, records, ends)
    elsewhere, sizes = _elsewhere(child, source, len(sources))
    asked = int(scored.ask.sum())
    found = len(sizes)
    missed = _missed(found_by)
    return Summary(
        records=records.num_rows,
        children=found,
        linked_records=int((sizes[child] > 1).sum()),
        linked_elsewhere=int(elsewhere.sum()),
        pairs_same=int(scored.same.sum()),
        pairs_ask=asked,
        pairs_different=len(scored.a) - int(scored.same.sum()) - asked,
        asked_per_1000_children=1000 * asked / found if found else 0.0,
        lines=lines(thresholds),
        weights=_bars(scored),
        precision=_precision(scored),
        recall=_recall(scored, child, expected_matches, missed),
        missed=missed,
        blocking=tuple(blocking),
        families=families or Families(0, 0),
        sources=_sources(child, source, sources, found),
        sizes=_sizes(sizes),
        how_linked=_how_linked(scored, records),
        grades=_grades(children),
        groups=_groups(records, scored, child, elsewhere, year),
    )


def lines(thresholds: Thresholds) -> Lines:
    """Give thresholds of probability as match weights: log2 of the odds."""

    def bits(probability: float) -> float:
        bounded = min(max(probability, 1e-12), 1 - 1e-12)
        return log2(bounded / (1 - bounded))

    return Lines(
        join=bits(thresholds.join),
        ask=bits(thresholds.ask),
        split=bits(thresholds.split),
        floor=bits(thresholds.floor),
    )


def _read_pairs(pairs: pa.Table, records: pa.Table, ends: tuple[Ints, Ints] | None) -> _Scored:
    names = ("source_a", "record_a", "source_b", "record_b", "match_weight", "match_probability", "decision")
    need_columns(pairs, names, "The pairs table")
    a, b = ends or Rows(records, "The records table").find_pairs(pairs)
    decision, labels = codes(pairs["decision"])
    number = {label: place for place, label in enumerate(labels)}
    held = (a >= 0) & (b >= 0)
    weight, probability = (
        np.asarray(pairs[name].cast(pa.float64()).fill_null(float("nan")).to_numpy(), np.float64)[held]
        for name in ("match_weight", "match_probability")
    )
    same, ask = decision[held] == number.get("same", -2), decision[held] == number.get("ask", -2)
    return _Scored(a[held], b[held], weight, np.nan_to_num(probability, nan=0.0), same, ask)


def _elsewhere(child: Ints, source: Ints, sources: int) -> tuple[Bools, Ints]:
    """Mark records whose child is seen in another source too; and count the records of each child."""
    sizes = np.bincount(child)
    in_source = np.bincount(child * sources + source, minlength=len(sizes) * sources)
    alone = sizes[child] == in_source[child * sources + source]
    return ~alone, sizes


def _bars(scored: _Scored) -> tuple[Bar, ...]:
    weight = np.clip(scored.weight[~np.isnan(scored.weight)], _LEFT, _RIGHT - 1e-9)
    if not len(weight):
        return ()
    known = ~np.isnan(scored.weight)
    first, last = np.floor(weight.min()), np.floor(weight.max()) + 1
    width = 1 if last - first <= _MOST_BARS else 2
    first = np.floor(first / width) * width
    place = ((weight - first) // width).astype(np.int64)
    bars = int(place.max()) + 1
    same = np.bincount(place[scored.same[known]], minlength=bars)
    ask = np.bincount(place[scored.ask[known]], minlength=bars)
    every = np.bincount(place, minlength=bars)
    return tuple(
        Bar(
            low=float(first + width * number),
            high=float(first + width * (number + 1)),
            same=int(same[number]),
            ask=int(ask[number]),
            different=int(every[number] - same[number] - ask[number]),
        )
        for number in range(bars)
    )


def _weaker(scored: _Scored) -> Floats:
    """Probabilities if every match weight were a fifth closer to none."""
    bounded = np.clip(np.nan_to_num(scored.weight, nan=-50.0), -50, 50)
    return np.asarray(1 / (1 + np.exp2(-_CAUTION * bounded)))


def _precision(scored: _Scored) -> Estimate:
    p = scored.probability[scored.same]
    if not len(p):
        return Estimate(None, None, None, None)
    share = float(p.mean())
    by_chance = _Z * sqrt(float((p * (1 - p)).sum())) / len(p)
    cautious = min(share, float(_weaker(scored)[scored.same].mean()))
    return Estimate(share, max(0.0, share - by_chance), min(1.0, share + by_chance), cautious)


def _recall(scored: _Scored, child: Ints, expected: float | None, missed: Missed) -> Estimate:
    """Expected same-child pairs under one child id, of those compared and those that blocking is estimated to miss."""
    together = child[scored.a] == child[scored.b]
    p = scored.probability
    found, all_compared = float(p[together].sum()), float(p.sum())
    unseen = missed.at_least or 0.0
    total = max(all_compared, expected or 0.0) + unseen
    if total <= 0:
        return Estimate(None, None, None, None)
    share = found / total
    spread = float((p * (1 - p))[together].sum()) * (1 - share) ** 2
    spread += float((p * (1 - p))[~together].sum()) * share**2
    if missed.high is not None and missed.low is not None:
        spread += (share * (missed.high - missed.low) / (2 * _Z)) ** 2
    by_chance = _Z * sqrt(spread) / total
    weak = _weaker(scored)
    lost = max(0.0, (expected or 0.0) - all_compared) + (missed.high or 0.0)
    cautious = min(share, float(weak[together].sum()) / max(float(weak.sum()) + lost, 1e-9))
    return Estimate(share, max(0.0, share - by_chance), min(1.0, share + by_chance), cautious)


def _missed(found_by: Sequence[int]) -> Missed:
    """Estimate what no rule found from what one rule and two rules found: at least f1 squared over twice f2.

    The bound holds when rules find pairs independently, or when some pairs are harder to find than others; where two
    rules share a field it is too low. Variance and interval are those of Chao 1987.
    """
    counts = tuple(int(count) for count in found_by)
    if sum(counts) == 0 or len(counts) < 2:
        return Missed(counts, None, None, None, None)
    once, twice = counts[0], counts[1]
    if once == 0:
        return Missed(counts, 0.0, 0.0, 0.0, 0.0)
    if twice:
        at_least, ratio = once * once / (2 * twice), once / twice
        variance = twice * (ratio**4 / 4 + ratio**3 + ratio**2 / 2)
    else:
        at_least = once * (once - 1) / 2
        variance = max(at_least + once * (2 * once - 1) ** 2 / 4 - once**4 / (4 * (at_least + sum(counts))), at_least)
    if at_least == 0:
        return Missed(counts, 0.0, 0.0, 0.0, 0.0)
    spread = exp(_Z * sqrt(log(1 + variance / at_least**2)))
    share = at_least / (at_least + sum(counts))
    return Missed(counts, at_least, at_least / spread, at_least * spread, share)


def _sources(child: Ints, source: Ints, names: list[str], children: int) -> tuple[Seen, ...]:
    cells = np.unique(child * len(names) + source)
    seen = csr_array(
        (np.ones(len(cells), np.int64), (cells // len(names), cells % len(names))), shape=(children, len(names))
    )
    both = (seen.T @ seen).toarray()
    of_one = np.asarray(seen.sum(axis=1)).ravel() == 1
    alone = np.asarray(seen[of_one].sum(axis=0)).ravel()
    records = np.bincount(source, minlength=len(names))
    return tuple(
        Seen(
            source=name,
            records=int(records[here]),
            children=int(both[here, here]),
            alone=_unless_small(int(alone[here])),
            also_in=tuple(_unless_small(int(both[here, there])) for there in range(len(names))),
        )
        for here, name in enumerate(names)
    )


def _unless_small(count: int) -> int | None:
    return None if 0 < count < SMALL else count


def _sizes(sizes: Ints) -> tuple[ClusterSize, ...]:
    counts = np.bincount(np.minimum(sizes, _LARGEST_SIZE + 1)) if len(sizes) else np.zeros(0, np.int64)
    return tuple(
        ClusterSize(size, int(count), or_more=size > _LARGEST_SIZE) for size, count in enumerate(counts) if count
    )


def _how_linked(scored: _Scored, records: pa.Table) -> HowLinked:
    a, b = scored.a[scored.same], scored.b[scored.same]
    left = np.ones(len(a), bool)

    def agree(*names: str) -> int:
        held = [name for name in names if name in records.column_names]
        equal = np.zeros(len(a), bool)
        for name in held:
            value, _ = codes(records[name])
            equal |= (value[a] >= 0) & (value[a] == value[b])
        taken = equal & left
        left[taken] = False
        return int(taken.sum())

    nhs, upn = agree("nhs_number"), agree("upn")
    upn += _former_upn(records, a, b, left)
    return HowLinked(nhs, upn, agree(*_OTHER_NUMBERS), int(left.sum()))


def _former_upn(records: pa.Table, a: Ints, b: Ints, left: Bools) -> int:
    """Count, and take out of ``left``, pairs in which one record's UPN is the other's former one."""
    if not {"upn", "former_upn"} <= set(records.column_names):
        return 0
    former, values = codes(records["former_upn"])
    current = positions(records["upn"], pa.array(values, pa.string()))
    equal = ((current[a] >= 0) & (current[a] == former[b])) | ((current[b] >= 0) & (current[b] == former[a]))
    taken = equal & left
    left[taken] = False
    return int(taken.sum())


def _grades(children: pa.Table) -> tuple[GradeCount, ...]:
    if "grade" not in children.column_names:
        return ()
    grade, labels = codes(children["grade"])
    counts = np.bincount(grade[grade >= 0], minlength=len(labels))
    order = sorted(range(len(labels)), key=lambda place: (-counts[place], labels[place]))
    return tuple(GradeCount(labels[place], int(counts[place])) for place in order)


def _groups(
    records: pa.Table, scored: _Scored, child: Ints, elsewhere: Bools, year: int | None
) -> tuple[GroupRow, ...]:
    """Count by group; a pair counts once for the group of each of its two records."""
    apart = scored.probability * (child[scored.a] != child[scored.b])
    by_record = [
        np.bincount(scored.a, weights=part, minlength=len(child))
        + np.bincount(scored.b, weights=part, minlength=len(child))
        for part in (scored.probability, apart, scored.ask.astype(np.float64))
    ]
    numbers = [
        filled(records[name]).astype(np.float64) if name in records.column_names else np.zeros(len(child))
        for name in ("nhs_number", "upn")
    ]
    made: list[GroupRow] = []
    for grouping in groupings(records, year):
        size = len(grouping.labels)
        count = np.bincount(grouping.of_row, minlength=size)
        sums = [
            np.bincount(grouping.of_row, weights=part, minlength=size)
            for part in (elsewhere.astype(np.float64), *numbers, *by_record)
        ]
        for place, label in enumerate(grouping.labels):
            row = _group_row(grouping.name, label, int(count[place]), [float(total[place]) for total in sums])
            if count[place]:
                made.append(row)
    return tuple(made)


def _group_row(grouping: str, label: str, records: int, sums: list[float]) -> GroupRow:
    if records < SMALL:
        return GroupRow(grouping, label, None)
    linked, nhs, upn, expected, missed, asked = sums
    return GroupRow(
        grouping=grouping,
        group=label,
        records=records,
        linked_elsewhere=linked / records,
        nhs_number=nhs / records,
        upn=upn / records,
        missed=missed / expected if expected > 0 else None,
        asked_per_1000=1000 * asked / records,
    )
