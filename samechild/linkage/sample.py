"""A sheet of pairs for a person to judge, and what the answers say of a run: proof that is not the model's own word.

Pairs are drawn from every degree of certainty, more densely where the model is in doubt, so that two hundred answers
tell as much as thousands drawn at random. The sheet does not show what was decided, and its rows are in random order:
who judges should not be led. It is drawn from the pairs a run wrote down, which hold no protected pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rich.table import Table

from samechild.errors import Invalid
from samechild.files.write import as_given
from samechild.linkage.decisions import ANSWERS, PAIR
from samechild.linkage.rows import Rows, need_columns, positions
from samechild.linkage.stratified import Range, Stratum, recall_of, share_of
from samechild.records import GIVEN, fields

DECISIONS = ("same", "ask", "different")
_DOUBT = 0.05  # how far the model is mistrusted where it is certain: its doubt never counts as less than this
_LEAST = 6  # at least one pair in so many is of each decision
_IN_STRATUM = 8  # pairs drawn from a stratum, about
_MOST_STRATA = 10  # of one decision
_UNDERSTOOD = {"".join(answer.split()): answer for answer in ANSWERS}
_STRATUM = re.compile(r"n(\d{1,9})s(\d{1,3})")

UNSEEN = (
    "Recall is among the pairs that were compared and written down. Pairs that no blocking rule brought together, "
    "pairs below the floor and protected pairs are not in it: the report says what blocking may have missed."
)
"""What no sample of the pairs written down can see."""

Ints = npt.NDArray[np.int64]


class Judged(msgspec.Struct, frozen=True):
    """What was answered about the pairs of one decision, and how many of them are estimated to be truly one child."""

    decision: str
    pairs: int
    same: int
    different: int
    cannot_tell: int
    unanswered: int
    truly_same: Range


class Estimate(msgspec.Struct, frozen=True):
    """What a judged sample says of a run; the ``_unclear`` ranges hold whichever way the unclear pairs may fall."""

    precision: Range
    precision_unclear: Range
    recall: Range
    recall_unclear: Range
    decisions: tuple[Judged, ...]
    pairs_unjudged: int  # in strata of which no pair was judged
    unseen: str


def draw(pairs: pa.Table, records: pa.Table, n: int, seed: int) -> pa.Table:
    """Draw pairs for a person to judge, as a sheet with both records side by side and an empty answer.

    Args:
        pairs: the pairs of a run (``pairs.parquet``).
        records: its records (``records.parquet``), for what the agencies gave.
        n: how many pairs to draw; all of them when there are no more.
        seed: another number draws other pairs; the same number draws the same ones.

    Returns:
        one row for each pair, in random order: ``review_id``, the two records' names, ``<field>_a`` beside
        ``<field>_b`` as given, ``answer`` and ``note`` (empty), ``stratum``, and ``design_weight``: how many pairs of
        the run this one stands for.

    Raises:
        Invalid: when n is under 1, when there are no pairs, or when a pair names a record that is not there.
    """
    need_columns(pairs, (*PAIR, "match_weight", "decision"), "The table of pairs")
    if n < 1:
        raise Invalid("A sample is of 1 pair or more.")
    if not pairs.num_rows:
        raise Invalid("The run wrote down no pairs, so there are none to judge.")
    stratum, share = _strata(pairs, n)
    rng = np.random.default_rng(seed)
    size = np.bincount(stratum, minlength=len(share))
    chosen = np.concatenate(
        [rng.choice(np.flatnonzero(stratum == one), count, replace=False) for one, count in enumerate(share) if count]
    )
    chosen = rng.permutation(chosen)
    of = stratum[chosen]
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "review_id": pa.array([f"S{number:05d}" for number in range(1, len(chosen) + 1)])
    }
    picked = pairs.take(pa.array(chosen))
    for name in ("source", "record"):
        for side in "ab":
            columns[f"{name}_{side}"] = picked[f"{name}_{side}"]
    columns |= _side_by_side(picked, records)
    columns["answer"] = columns["note"] = pa.nulls(len(chosen), pa.string())
    columns["stratum"] = pa.array([f"n{n}s{one:02d}" for one in of])
    columns["design_weight"] = pa.array(np.round(size[of] / share[of], 4))
    return pa.table(columns)


def _side_by_side(picked: pa.Table, records: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Take what the agencies gave about both records of each pair; fields that nobody filled are left out."""
    left, right = Rows(records, "The table of records").find_pairs(picked)
    if (left < 0).any() or (right < 0).any():
        raise Invalid("A pair names a record that the table of records does not hold: run samechild link again.")
    columns: dict[str, pa.ChunkedArray] = {}
    for field in fields().values():
        name = GIVEN + field.name
        if field.given and name in records.column_names:
            one, other = (records[name].take(pa.array(rows)) for rows in (left, right))
            if one.null_count < len(one) or other.null_count < len(other):
                columns[f"{field.name}_a"], columns[f"{field.name}_b"] = one, other
    return columns


def _strata(pairs: pa.Table, n: int) -> tuple[Ints, Ints]:
    """Give each pair's stratum, and how many to draw from each: both follow from the pairs and n alone.

    Within a decision the strata are ranges of match weight that hold equal shares of the model's doubt, so that an
    equal number from each is close to the best there is (Dalenius and Hodges 1959; Neyman 1934).
    """
    decision = positions(pairs["decision"], pa.array(DECISIONS))
    if (decision < 0).any():
        raise Invalid("The table of pairs holds a decision that is none of same, ask, different: run link again.")
    weight = np.asarray(pc.fill_null(pairs["match_weight"], 0.0).to_numpy(), float)
    likely = 1 / (1 + np.exp2(-np.clip(weight, -60, 60)))
    doubt = np.sqrt(likely * (1 - likely)) + _DOUBT
    there = np.bincount(decision, minlength=len(DECISIONS)).astype(np.int64)
    total = min(n, len(weight))
    least = np.minimum(there, total // _LEAST).astype(np.int64)
    budget = _dealt(total, np.bincount(decision, doubt, len(DECISIONS)), least, there)
    stratum, share, first = np.empty(len(weight), np.int64), [], 0
    for place, count in enumerate(budget.tolist()):
        rows = np.flatnonzero(decision == place)
        if not len(rows):
            continue
        within = _cut(weight[rows], doubt[rows], min(_MOST_STRATA, max(1, count // _IN_STRATUM)))
        size = np.bincount(within).astype(np.int64)
        stratum[rows] = within + first
        share.append(_dealt(count, np.ones(len(size)), np.minimum(size, min(2, count // len(size))), size))
        first += len(size)
    return stratum, np.concatenate(share)


def _cut(weight: npt.NDArray[np.float64], doubt: npt.NDArray[np.float64], parts: int) -> Ints:
    """Cut pairs into ranges of weight with about equal doubt; pairs of equal weight stay together."""
    order = np.argsort(weight, kind="stable")
    summed = np.cumsum(doubt[order])
    at = np.searchsorted(summed, summed[-1] * np.arange(1, parts) / parts)
    edges = np.unique(weight[order][np.minimum(at, len(weight) - 1)])
    within = np.searchsorted(edges, weight, side="right")
    return np.unique(within, return_inverse=True)[1].reshape(-1)


def _dealt(total: int, want: npt.NDArray[Any], least: Ints, most: Ints) -> Ints:
    """Deal out a number in proportion to what is wanted, at least and at most so many to each."""
    given = least.astype(np.int64)
    while (left := total - int(given.sum())) > 0:
        unfilled = given < most
        part = np.where(unfilled, want, 0.0)
        more = np.minimum((left * part / part.sum()).astype(np.int64), most - given)
        if not more.any():
            more[np.argsort(-part, kind="stable")[: min(left, int(unfilled.sum()))]] = 1
        given = given + more
    return given


def estimate(sheet: pa.Table, pairs: pa.Table) -> Estimate:
    """Estimate a run's precision and recall from a sheet that a person filled in, each with its 95% range.

    Each stratum of the draw stands for all its pairs. Capitals and spaces in answers do not matter. Rows left empty
    and rows answered "cannot tell" are taken to be like the answered ones of their stratum; the ranges named unclear
    show what is left open when every "cannot tell" falls for the run, or every one against it.

    Args:
        sheet: what :func:`draw` made, with answers; rows may be in any order or missing.
        pairs: the pairs of the run the sheet was drawn from.

    Raises:
        Invalid: naming the row: an answer that is none of same, different, cannot tell; a pair that is not in this
            run, or not where the draw found it; one pair with two answers. Also when nothing was answered.
    """
    need_columns(pairs, (*PAIR, "match_weight", "decision"), "The table of pairs")
    answers, n = _answers(sheet)
    stratum, _ = _strata(pairs, n)
    found = _found(pairs, [names for _, names, _, _ in answers])
    counts = np.zeros((int(stratum.max(initial=-1)) + 1, len(ANSWERS) + 1), np.int64)
    seen: dict[int, tuple[str, str]] = {}
    for where, names, one, answer in answers:
        row = found.get(frozenset((names[:2], names[2:])))
        if row is None or int(stratum[row]) != one:
            raise Invalid(f"The sheet, {where}: this pair is not one that was drawn from these results.")
        earlier = seen.setdefault(row, (where, answer))
        if earlier[1] != answer:
            raise Invalid(f"The sheet, {earlier[0]} and {where}: two different answers about the same two records.")
        if earlier[0] == where:
            counts[one, (*ANSWERS, "").index(answer)] += 1
    if not counts[:, :2].any():
        raise Invalid("No pair in the sheet is answered same or different yet: fill in the column answer.")
    size = np.bincount(stratum, minlength=len(counts))
    decision = np.zeros(len(counts), np.int64)
    decision[stratum] = positions(pairs["decision"], pa.array(DECISIONS))
    return _estimated(counts, size, decision)


def _estimated(counts: Ints, size: Ints, decision: Ints) -> Estimate:
    """Work out all figures from the answers in each stratum (same, different, cannot tell, none)."""

    def strata(which: npt.NDArray[np.bool_], unclear_same: bool | None = None) -> list[Stratum]:
        open_ = 0 if unclear_same is None else counts[which, 2]
        same = counts[which, 0] + (open_ if unclear_same else 0)
        judged = counts[which, 0] + counts[which, 1] + open_
        return [Stratum(*each) for each in zip(size[which].tolist(), judged.tolist(), same.tolist(), strict=True)]

    joined = decision == 0
    worst = share_of(strata(joined, False)), recall_of(strata(joined, False), strata(~joined, True))
    best = share_of(strata(joined, True)), recall_of(strata(joined, True), strata(~joined, False))
    precision, recall = share_of(strata(joined)), recall_of(strata(joined), strata(~joined))
    judged = []
    for place, name in enumerate(DECISIONS):
        here = decision == place
        same, different, cannot_tell, empty = counts[here].sum(axis=0).tolist()
        truly = share_of(strata(here))
        judged.append(Judged(name, int(size[here].sum()), same, different, cannot_tell, empty, truly))
    return Estimate(
        precision=precision,
        precision_unclear=Range(precision.share, worst[0].low, best[0].high),
        recall=recall,
        recall_unclear=Range(recall.share, worst[1].low, best[1].high),
        decisions=tuple(judged),
        pairs_unjudged=int(size[counts[:, :2].sum(axis=1) == 0].sum()),
        unseen=UNSEEN,
    )


Names = tuple[str, str, str, str]
_Row = tuple[str, Names, int, str]  # where it stands, the pair, its stratum, the answer ("" for none)


def _answers(sheet: pa.Table) -> tuple[list[_Row], int]:
    """Read the sheet row by row, and how many pairs were asked for when it was drawn."""
    present = {"_".join(heading.lower().split()): heading for heading in sheet.column_names}
    needed = (*PAIR, "answer", "stratum")
    lacking = [name for name in needed if name not in present]
    if lacking:
        raise Invalid(
            f"The sheet has no column {', '.join(lacking)}. It must be one that samechild sample wrote: a review sheet "
            "holds the doubtful pairs only, and cannot tell how good the rest is."
        )
    rows, drawn = [], set()
    for where, cells in _cells(sheet, [present[name] for name in needed], present.get("review_id")):
        answer = _UNDERSTOOD.get("".join(cells[4].lower().split())) if cells[4] else ""
        if answer is None:
            raise Invalid(f"The sheet, {where}: the answer is none of {', '.join(ANSWERS)}; correct it, or empty it.")
        code = _STRATUM.fullmatch(cells[5])
        if code is None or not all(cells[:4]):
            raise Invalid(f"The sheet, {where}: the names of the records or the stratum were changed; put them back.")
        drawn.add(int(code[1]))
        rows.append((where, (cells[0], cells[1], cells[2], cells[3]), int(code[2]), answer))
    if len(drawn) > 1:
        raise Invalid("The sheet holds rows of two draws of different size: evaluate each by itself.")
    if not drawn:
        raise Invalid("The sheet holds no pairs: samechild sample writes one to fill in.")
    return rows, drawn.pop()


def _cells(sheet: pa.Table, headings: Sequence[str], named: str | None) -> Iterator[tuple[str, list[str]]]:
    """Give each row's cells, blanks as empty text, and where it stands; rows that are wholly empty are left out."""
    columns = [sheet[heading].cast(pa.string()).to_pylist() for heading in headings]
    ids = sheet[named].cast(pa.string()).to_pylist() if named else [None] * sheet.num_rows
    for place, values in enumerate(zip(*columns, strict=True)):
        cells = [(value or "").strip() for value in values]
        if any(cells):
            known = ids[place] if re.fullmatch(r"S\d{5,9}", ids[place] or "") else None
            yield f"row {place + 1}" + (f" ({known})" if known else ""), cells


def _found(pairs: pa.Table, wanted: Sequence[Names]) -> dict[frozenset[tuple[str, str]], int]:
    """Find the rows of named pairs, whichever record stands first, also when a CSV put an apostrophe before a cell."""
    spelt = {cell for names in wanted for cell in names} | {as_given(cell) for names in wanted for cell in names}
    values = pa.array(sorted(spelt), pa.string())
    near = pc.and_(
        *(pc.greater_equal(pa.array(positions(pairs[f"record_{side}"], values)), pa.scalar(0)) for side in "ab")
    )
    rows = np.flatnonzero(np.asarray(near))
    held = pairs.select(list(PAIR)).take(pa.array(rows)).to_pydict()
    at = {
        frozenset(((sa, ra), (sb, rb))): int(row)
        for row, sa, ra, sb, rb in zip(rows, *(held[name] for name in PAIR), strict=True)
    }
    found = {}
    for names in wanted:
        key = frozenset((names[:2], names[2:]))
        sa, ra, sb, rb = map(as_given, names)
        plain = frozenset(((sa, ra), (sb, rb)))
        row = at.get(key, at.get(plain))
        if row is not None:
            found[key] = row
    return found


def tables(estimate: Estimate) -> list[Table]:
    """Set an estimate out as tables for a terminal: precision and recall first, then the answers they rest on."""
    figures = _table("As judged by a person", "", "Estimate", "95% interval", "Whichever way the unclear ones fall")
    for words, one, unclear in (
        ("Precision: of the pairs joined, truly one child", estimate.precision, estimate.precision_unclear),
        ("Recall: of the pairs truly one child, joined", estimate.recall, estimate.recall_unclear),
    ):
        figures.add_row(words, _percent(one.share), _between(one), _between(unclear))
    figures.caption, figures.caption_justify = estimate.unseen, "left"
    headings = ("Decided", "Pairs", "Same", "Different", "Cannot tell", "No answer", "Truly one child", "95% interval")
    answers = _table("Answers, by what the run had decided", *headings)
    for each in estimate.decisions:
        numbers = (each.pairs, each.same, each.different, each.cannot_tell, each.unanswered)
        shown = [f"{number:,}" for number in numbers]
        answers.add_row(each.decision, *shown, _percent(each.truly_same.share), _between(each.truly_same))
    if estimate.pairs_unjudged:
        answers.caption = (
            f"{estimate.pairs_unjudged:,} pairs are in strata of which none was judged; the intervals allow that all "
            "or none of these are one child."
        )
        answers.caption_justify = "left"
    return [figures, answers]


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    return table


def _percent(value: float | None) -> str:
    """Write a share as a percentage that is never rounded to all or to nothing."""
    if value is None:
        return "-"
    if 0.9999 <= value < 1:
        return "over 99.99%"
    return "under 0.01%" if 0 < value < 0.0001 else f"{100 * value:.2f}%"


def _between(one: Range) -> str:
    return "-" if one.low is None else f"{_percent(one.low)} to {_percent(one.high)}"
