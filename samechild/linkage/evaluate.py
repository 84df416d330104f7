"""How good was a run, when the truth is known: pairs, clusters, twins, adopted children, review load, group by group.

A linkage that looks right on average can put most twins into one child , so the figures that matter to
a child stand beside F1: sets of twins merged, adopted identities joined, and recall by group. Every count is exact:
recall counts true pairs that were never compared. B-cubed is that of Bagga and Baldwin (1998).
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samechild.errors import Invalid
from samechild.linkage.evaluation import (
    Adoptions,
    AtWeight,
    Clusters,
    Coverage,
    Evaluation,
    GroupQuality,
    Quality,
    Review,
    Twins,
)
from samechild.linkage.groups import Grouping, groupings
from samechild.linkage.proportions import share
from samechild.linkage.rows import Ints, Rows, codes, filled, need_columns, positions
from samechild.records import Sensitivity, fields

Floats = npt.NDArray[np.float64]
_PAIR_COLUMNS = ("source_a", "record_a", "source_b", "record_b", "match_weight", "decision")


class _Truth(msgspec.Struct, frozen=True):
    """Truth laid over the rows of the children table, as whole numbers; -1 is unknown or none."""

    true: Ints  # by row
    child: Ints  # by row
    twin_set: Ints  # by true child
    formerly: Ints  # by true child: the true child this old identity now is
    truth_only: int
    incomplete: int
    repeated: int


class _Pairs(msgspec.Struct, frozen=True):
    """Scored pairs between records with a truth."""

    true_a: Ints
    true_b: Ints
    weight: Floats
    same: npt.NDArray[np.bool_]
    ask: npt.NDArray[np.bool_]
    unknown: int
    repeated: int


def evaluate(
    children: pa.Table,
    pairs: pa.Table,
    truth: pa.Table,
    records: pa.Table | None = None,
    *,
    year: int | None = None,
) -> Evaluation:
    """Measure a finished run against the truth.

    Args:
        children: ``source, record_id, child_id``: one row for each record.
        pairs: ``source_a, record_a, source_b, record_b, match_weight, decision``: the scored pairs.
        truth: ``source, record_id, true_child_id`` and, where known, ``twin_set`` and ``former_identity_of``.
        records: the standardised records, for quality by group and for twins that nothing tells apart.
        year: the calendar year of the run, to group by age; without it groups are of the year of birth.

    Raises:
        Invalid: when a column is lacking, the truth contradicts itself, or truth and run share no record.
    """
    rows = Rows(children, "The children table")
    known = _lay(children, truth, rows)
    scored = _score(pairs, rows, known.true)
    cells = _cells(known)
    true_total = _true_pairs(cells)
    best, curve = _thresholds(scored, true_total)
    joined = int(scored.same.sum())
    correct = int((scored.same & (scored.true_a == scored.true_b)).sum())
    return Evaluation(
        coverage=_coverage(rows, known, scored),
        true_children=len(np.unique(cells.true)),
        children=len(np.unique(cells.child)),
        decided=_quality(correct, joined, true_total),
        best=best,
        curve=curve,
        clusters=_clusters(cells),
        twins=_twins(known, scored, cells, _alike(records, rows, known)),
        adoptions=_adoptions(known, scored, cells),
        review=_review(scored, len(np.unique(cells.child))),
        groups=() if records is None else _by_group(records, rows, known, cells, year),
    )


def _lay(children: pa.Table, truth: pa.Table, rows: Rows) -> _Truth:
    need_columns(children, ("source", "record_id", "child_id"), "The children table")
    need_columns(truth, ("source", "record_id", "true_child_id"), "The truth file")
    named, labels = codes(truth["true_child_id"])
    where = rows.find(truth["source"], truth["record_id"])
    complete = (named >= 0) & filled(truth["source"]) & filled(truth["record_id"])
    usable = complete & (where >= 0)
    if not usable.any():
        raise Invalid(
            "No record of the truth file is in this run. Check that its columns source and record_id hold the same "
            f"names as the run's children table; the truth file has {truth.num_rows} rows, the run {rows.count}."
        )
    true = np.full(rows.count, -1, np.int64)
    true[where[usable]] = named[usable]
    contrary = usable & (true[where] != named)
    if contrary.any():
        raise Invalid(f"The truth file gives one record two true children: see row {int(np.argmax(contrary)) + 1}.")
    child, _ = codes(children["child_id"])
    if (child < 0).any():
        raise Invalid(f"The children table has no child_id in row {int(np.argmax(child < 0)) + 1}.")
    child[rows.repeated] = -1
    true[rows.repeated] = -1
    return _Truth(
        true=true,
        child=child,
        twin_set=_of_true(truth, "twin_set", named, complete, len(labels), None),
        formerly=_of_true(truth, "former_identity_of", named, complete, len(labels), labels),
        truth_only=int((complete & (where < 0)).sum()),
        incomplete=int((~complete).sum()),
        repeated=int(rows.repeated.sum()) + int(usable.sum()) - int((np.bincount(where[usable]) > 0).sum()),
    )


def _of_true(
    truth: pa.Table, name: str, true: Ints, complete: npt.NDArray[np.bool_], count: int, labels: list[str] | None
) -> Ints:
    """Give each true child its value of a column (-1 without one); refuse two values for one child."""
    value = np.full(count, -1, np.int64)
    if name not in truth.column_names:
        return value
    if labels is None:
        said, _ = codes(truth[name])
    else:
        said = positions(truth[name], pa.array(labels, pa.string()))  # an identity without records joins nothing
    given = complete & (said >= 0)
    value[true[given]] = said[given]
    contrary = given & (value[true] != said)
    if contrary.any():
        row = int(np.argmax(contrary)) + 1
        raise Invalid(f"The truth file gives one true child two values of {name}: see row {row}.")
    return value


def _score(pairs: pa.Table, rows: Rows, true: Ints) -> _Pairs:
    need_columns(pairs, _PAIR_COLUMNS, "The pairs table")
    a, b = rows.find_pairs(pairs)
    known = (a >= 0) & (b >= 0)
    known[known] = (true[a[known]] >= 0) & (true[b[known]] >= 0)
    unknown = int(len(known) - known.sum())
    key = np.where(known, np.minimum(a, b) * rows.count + np.maximum(a, b), -1)
    ordered = np.sort(key)
    repeated = int(((ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)).sum())
    if repeated:
        first = np.zeros(len(key), bool)
        first[np.unique(key, return_index=True)[1]] = True
        known &= first
    weight = np.asarray(pairs["match_weight"].cast(pa.float64()).to_numpy(), np.float64)
    decision, labels = codes(pairs["decision"])
    number = {label: place for place, label in enumerate(labels)}
    if not known.all():
        a, b, weight, decision = a[known], b[known], weight[known], decision[known]
    same, ask = decision == number.get("same", -2), decision == number.get("ask", -2)
    return _Pairs(true[a], true[b], weight, same, ask, unknown, repeated)


class _Cells(msgspec.Struct, frozen=True):
    """How many records each child id shares with each true child; one entry for each pair of them that meets."""

    child: Ints
    true: Ints
    shared: Ints
    child_size: Ints  # by entry
    true_size: Ints  # by entry
    of_row: Ints  # the entry of each row, -1 without a truth


def _cells(known: _Truth) -> _Cells:
    held = known.true >= 0
    width = int(known.true.max()) + 1
    key, inverse, shared = np.unique(
        known.child[held] * width + known.true[held], return_inverse=True, return_counts=True
    )
    child, true = key // width, key % width
    child_size = np.bincount(child, weights=shared).astype(np.int64)[child]
    true_size = np.bincount(true, weights=shared).astype(np.int64)[true]
    of_row = np.full(len(held), -1, np.int64)
    of_row[held] = inverse
    return _Cells(child, true, shared, child_size, true_size, of_row)


def _twos(counts: Ints) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _true_pairs(cells: _Cells) -> int:
    return _twos(np.bincount(cells.true, weights=cells.shared).astype(np.int64))


def _quality(correct: int, joined: int, true: int) -> Quality:
    return Quality(
        correct=correct,
        joined=joined,
        true=true,
        precision=correct / joined if joined else None,
        recall=correct / true if true else None,
        f1=2 * correct / (joined + true) if joined + true else None,
    )


def _thresholds(scored: _Pairs, true_total: int) -> tuple[AtWeight | None, tuple[AtWeight, ...]]:
    """Find the match weight of best F1, and quality at every second whole weight, from all scored pairs."""
    usable = ~np.isnan(scored.weight)
    weight = scored.weight[usable]
    if not len(weight):
        return None, ()
    order = np.argsort(-weight)
    weight = weight[order]
    correct = np.cumsum((scored.true_a == scored.true_b)[usable][order])
    last = np.append(np.flatnonzero(weight[1:] != weight[:-1]), len(weight) - 1)  # ties stand or fall together
    f1 = 2 * correct[last] / (last + 1 + true_total)
    at = int(last[np.argmax(f1)])
    best = AtWeight(float(weight[at]), _quality(int(correct[at]), at + 1, true_total))
    finite = weight[np.isfinite(weight)]
    if not len(finite):
        return best, ()
    steps = np.arange(np.floor(finite[-1] / 2) * 2, np.ceil(finite[0]) + 1, 2.0)
    counts = np.searchsorted(-weight, -steps, side="right")
    curve = tuple(
        AtWeight(float(step), _quality(int(correct[count - 1]) if count else 0, int(count), true_total))
        for step, count in zip(steps, counts, strict=True)
    )
    return best, curve


def _clusters(cells: _Cells) -> Clusters:
    shared = cells.shared
    total = int(shared.sum())
    child_sizes = np.bincount(cells.child, weights=shared).astype(np.int64)
    precision = float((shared * shared / cells.child_size).sum() / total)
    recall = float((shared * shared / cells.true_size).sum() / total)
    exact = int(((shared == cells.child_size) & (shared == cells.true_size)).sum())
    return Clusters(
        within=_quality(_twos(shared), _twos(child_sizes), _true_pairs(cells)),
        b_cubed_precision=precision,
        b_cubed_recall=recall,
        b_cubed_f1=2 * precision * recall / (precision + recall),
        exact=share(exact, len(np.unique(cells.true))),
    )


def _twins(known: _Truth, scored: _Pairs, cells: _Cells, alike: Ints | None) -> Twins:
    straddles = (known.twin_set[scored.true_a] == known.twin_set[scored.true_b]) & (scored.true_a != scored.true_b)
    straddles &= known.twin_set[scored.true_a] >= 0
    member = known.twin_set[cells.true] >= 0
    twin_set, child, true, shared = (
        known.twin_set[cells.true][member],
        cells.child[member],
        cells.true[member],
        cells.shared[member],
    )
    present = np.unique(np.stack([twin_set, true]), axis=1)[0]
    sets, members = np.unique(present, return_counts=True)
    sets = sets[members > 1]
    here = np.isin(twin_set, sets)
    twin_set, child, true, shared = twin_set[here], child[here], true[here], shared[here]
    width = int(child.max()) + 1 if len(child) else 1
    key, inverse, held = np.unique(twin_set * width + child, return_inverse=True, return_counts=True)
    merged = np.unique(key[held > 1] // width)
    together = np.bincount(inverse, weights=shared).astype(np.int64) if len(key) else np.zeros(0, np.int64)
    of_set = np.bincount(twin_set, weights=shared).astype(np.int64) if len(key) else np.zeros(0, np.int64)
    of_member = np.bincount(true, weights=shared).astype(np.int64) if len(key) else np.zeros(0, np.int64)
    return Twins(
        sets=len(sets),
        merged=share(len(merged), len(sets)),
        pairs=_twos(of_set) - _twos(of_member),
        pairs_joined=int((straddles & scored.same).sum()),
        pairs_asked=int((straddles & scored.ask).sum()),
        pairs_in_one_child=_twos(together) - _twos(shared),
        alike=None if alike is None else share(int(np.isin(sets, alike).sum()), len(sets)),
        merged_and_alike=None if alike is None else int(np.isin(merged, alike).sum()),
    )


def _alike(records: pa.Table | None, rows: Rows, known: _Truth) -> Ints | None:
    """List the twin sets that no recorded field tells apart: in no field do all members hold values of their own."""
    if records is None:
        return None
    where = rows.find(records["source"], records["record_id"])
    true = np.where(where >= 0, known.true[where], -1)
    twin_set = np.where(true >= 0, known.twin_set[true], -1)
    of_twins = np.flatnonzero(twin_set >= 0)
    told: list[Ints] = []
    for name, field in fields().items():
        own = field.sensitivity is Sensitivity.IDENTITY or name in ("sex", "birth_order")
        if name == "record_id" or field.many or not own or name not in records.column_names:
            continue
        value, _ = codes(records[name])
        held = of_twins[value[of_twins] >= 0]
        told.append(_told_apart(twin_set[held], true[held], value[held]))
    return np.setdiff1d(np.unique(twin_set[of_twins]), np.concatenate(told) if told else np.zeros(0, np.int64))


def _told_apart(twin_set: Ints, true: Ints, value: Ints) -> Ints:
    """List the sets in which two members or more hold values, and no value is held by two members."""
    by_member = np.unique(np.stack([twin_set, true, value]), axis=1)
    by_set = np.unique(by_member[[0, 2]], axis=1)
    members = np.unique(by_member[:2], axis=1)
    width = int(twin_set.max()) + 1 if len(twin_set) else 0
    held, distinct = np.bincount(by_member[0], minlength=width), np.bincount(by_set[0], minlength=width)
    several = np.bincount(members[0], minlength=width) > 1
    return np.flatnonzero(several & (held == distinct))


def _adoptions(known: _Truth, scored: _Pairs, cells: _Cells) -> Adoptions:
    now = known.formerly[cells.true]
    present = np.isin(now, cells.true) & (now >= 0) & (now != cells.true)
    width = len(known.formerly)
    with_now = np.isin(cells.child * width + now, cells.child * width + cells.true) & present
    identities = len(np.unique(cells.true[present]))
    a, b = scored.true_a, scored.true_b
    protected = ((known.formerly[a] == b) | (known.formerly[b] == a)) & (a != b)
    return Adoptions(
        identities=identities,
        joined=share(len(np.unique(cells.true[with_now])), identities),
        pairs_same=int((protected & scored.same).sum()),
        pairs_asked=int((protected & scored.ask).sum()),
    )


def _review(scored: _Pairs, children: int) -> Review:
    asked = int(scored.ask.sum())
    truly = int((scored.ask & (scored.true_a == scored.true_b)).sum())
    return Review(asked=asked, per_1000_children=1000 * asked / children, truly_same=share(truly, asked))


def _by_group(
    records: pa.Table, rows: Rows, known: _Truth, cells: _Cells, year: int | None
) -> tuple[GroupQuality, ...]:
    where = rows.find(records["source"], records["record_id"])
    entry = np.where(where >= 0, cells.of_row[where], -1)
    held = entry >= 0
    entry = entry[held]
    correct, joined, true = cells.shared[entry] - 1, cells.child_size[entry] - 1, cells.true_size[entry] - 1
    found: list[GroupQuality] = []
    for grouping in groupings(records, year):
        found += _one_grouping(grouping, grouping.of_row[held], correct, joined, true)
    return tuple(found)


def _one_grouping(grouping: Grouping, of_row: Ints, correct: Ints, joined: Ints, true: Ints) -> list[GroupQuality]:
    size = len(grouping.labels)
    rows = np.bincount(of_row, minlength=size)
    rights, joins, trues = (np.bincount(of_row, weights=part, minlength=size) for part in (correct, joined, true))
    return [
        GroupQuality(
            grouping=grouping.name,
            group=label,
            records=int(rows[place]),
            precision=float(rights[place] / joins[place]) if joins[place] else None,
            recall=float(rights[place] / trues[place]) if trues[place] else None,
        )
        for place, label in enumerate(grouping.labels)
        if rows[place]
    ]


def _coverage(rows: Rows, known: _Truth, scored: _Pairs) -> Coverage:
    return Coverage(
        records=int((known.true >= 0).sum()),
        run_only=int((known.true < 0).sum()) - int(rows.repeated.sum()),
        truth_only=known.truth_only,
        truth_incomplete=known.incomplete,
        repeated=known.repeated,
        pairs=len(scored.weight),
        pairs_unknown=scored.unknown,
        pairs_repeated=scored.repeated,
        pairs_without_weight=int(np.isnan(scored.weight).sum()),
    )
