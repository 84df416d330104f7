"""The results of a run as Arrow tables, row by row as people and other programs read them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from samechild.linkage.bulk import Linked, ScoredPairs
from samechild.linkage.children import GRADES, Held
from samechild.linkage.constraints import Why
from samechild.linkage.deciding import DECISIONS, Decided, Decision, reasons
from samechild.linkage.model import Model
from samechild.linkage.scoring import Shares, probability, value_bits
from samechild.records import GIVEN, fields

Rows = NDArray[np.int64]

ANSWERS = pa.array(DECISIONS, pa.string())


def children_table(records: pa.Table, ids: pa.Array, held: Held, back: Rows) -> pa.Table:
    """One row for each record: which child it is, and how sure that is. ``back``: each record's place in ``held``."""
    held = Held(held.records[back], held.weakest[back], held.strongest[back], held.grade[back])
    nowhere = np.isnan(held.strongest)
    return pa.table(
        {
            "source": records["source"],
            "record_id": records["record_id"],
            "child_id": ids,
            "records": pa.array(held.records),
            "weakest_link": pa.array(held.weakest, mask=nowhere),
            "strongest_link": pa.array(held.strongest, mask=nowhere),
            "grade": pa.DictionaryArray.from_arrays(pa.array(held.grade.astype(np.int32)), pa.array(GRADES)),
        }
    )


def pairs_table(records: pa.Table, order: Rows, model: Model, decided: Decided) -> pa.Table:
    """Every pair above the floor, with its weight, its answer and the reason in words.

    ``order``: the row of ``records`` that each position of the pairs speaks of.
    """
    pairs = decided.pairs
    which, texts = reasons(model, pairs, decided.ground)
    return pa.table(
        {
            **_ends(records, order, pairs),
            "match_weight": pa.array(pairs.weight),
            "match_probability": pa.array(probability(pairs.weight)),
            "decision": pa.DictionaryArray.from_arrays(pa.array(decided.decision.astype(np.int32)), ANSWERS),
            "reason": pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int32)), pa.array(texts, pa.string())),
        }
    )


def _ends(records: pa.Table, order: Rows, pairs: ScoredPairs) -> dict[str, pa.Array]:
    columns = {}
    for end, rows in (("a", pairs.left), ("b", pairs.right)):
        at = pa.array(order[rows])
        columns[f"source_{end}"] = _whole(records["source"]).take(at)
        columns[f"record_{end}"] = _whole(records["record_id"]).take(at)
    return columns


def links_table(
    pairs_written: pa.Table, linked: Linked, decided: Decided, notes: dict[tuple[int, int], str]
) -> pa.Table:
    """Every decision that joins or asks, and every human one, with the evidence behind it."""
    pairs = decided.pairs
    said = (pairs.why == Why.SAID_SAME) | (pairs.why == Why.SAID_DIFFERENT)
    keep = np.flatnonzero((decided.decision != Decision.DIFFERENT) | said)
    chosen = pairs.take(keep)
    table = pairs_written.take(pa.array(keep))
    table = table.append_column("two_class_weight", pa.array(chosen.two_class))
    table = table.append_column("family_weight", pa.array(np.minimum(chosen.weight - chosen.two_class, 0.0)))
    for number, comparison in enumerate(linked.model.comparisons):
        labels = pa.array([level.label for level in comparison.levels], pa.string())
        levels = chosen.levels[number]
        table = table.append_column(
            f"level_{comparison.name}", pa.DictionaryArray.from_arrays(pa.array(levels.astype(np.int32)), labels)
        )
        table = table.append_column(
            f"weight_{comparison.name}",
            pa.array(_weights(linked, number, chosen, linked.frequencies).astype(np.float32)),
        )
    answers = np.select([chosen.why == Why.SAID_SAME, chosen.why == Why.SAID_DIFFERENT], [1, 2], 0)
    table = table.append_column(
        "human_answer", pa.array(["same", "different"], pa.string()).take(pa.array(answers - 1, mask=answers == 0))
    )
    note: list[str | None] = [None] * len(chosen)
    for place in np.flatnonzero(answers).tolist():
        note[place] = notes.get((int(chosen.left[place]), int(chosen.right[place]))) or None
    return table.append_column("human_note", pa.array(note, pa.string()))


def _weights(linked: Linked, number: int, pairs: ScoredPairs, frequencies: Shares) -> NDArray[np.float64]:
    """What one comparison weighs for each pair, log2(m/u) with the value's own frequency."""
    comparison = linked.model.comparisons[number]
    levels = pairs.levels[number]
    weight = np.array([level.weight for level in comparison.levels])[levels]
    for place, level in enumerate(comparison.levels):
        at = np.flatnonzero(levels == place)
        if len(at):
            weight[at] += value_bits(linked.table, comparison, level, frequencies, pairs.left[at], pairs.right[at])
    return weight


def review_table(records: pa.Table, order: Rows, ids: pa.Array, pairs_written: pa.Table, decided: Decided) -> pa.Table:
    """The questions for a person, worst first: both records side by side as the agencies gave them."""
    at = decided.review
    asked = pairs_written.take(pa.array(at))
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "review_id": pa.array([f"Q{number:06d}" for number in range(1, len(at) + 1)], pa.string()),
        "rank": pa.array(np.arange(1, len(at) + 1, dtype=np.int32)),
        "why": asked["reason"],
        "match_probability": pa.array(np.round(asked["match_probability"].to_numpy(), 4)),
    }
    for name in ("source", "record"):
        for end in ("a", "b"):
            columns[f"{name}_{end}"] = asked[f"{name}_{end}"]
    left, right = pa.array(order[decided.pairs.left[at]]), pa.array(order[decided.pairs.right[at]])
    for field in fields().values():
        given = GIVEN + field.name
        if field.given and given in records.column_names:
            one, other = _whole(records[given]).take(left), _whole(records[given]).take(right)
            if one.null_count < len(one) or other.null_count < len(other):
                columns[f"{field.name}_a"], columns[f"{field.name}_b"] = one, other
    columns["child_a"], columns["child_b"] = ids.take(left), ids.take(right)
    columns["answer"] = columns["note"] = pa.nulls(len(at), pa.string())
    return pa.table(columns)


def restricted_table(records: pa.Table, order: Rows, decided: Decided) -> pa.Table:
    """Protected pairs that look like one child: for one named person's sealed list and nowhere else."""
    pairs = decided.restricted
    words = {
        int(Why.TWO_IDENTITIES): "two valid identities that look like one child: other surname, other number",
    }
    why = [words.get(int(each), "beside two protected identities") for each in pairs.why]
    return pa.table({**_ends(records, order, pairs), "why": pa.array(why, pa.string())})


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def without_protected_former_numbers(
    records: pa.Table, child: NDArray[np.int64], protected: NDArray[np.int64]
) -> pa.Table:
    """Blank a former UPN that a protected child's other identity still holds, or it would tie the two together."""
    if "former_upn" not in records.column_names or not len(protected):
        return records
    rows = np.flatnonzero(np.isin(child, protected.ravel()))
    former = _whole(records["former_upn"]).take(pa.array(rows)).to_pylist()
    current = _whole(records["upn"]).take(pa.array(rows)).to_pylist() if "upn" in records.column_names else []
    held: dict[str, set[int]] = {}
    for row, number in zip(rows.tolist(), current, strict=False):
        if number:
            held.setdefault(number, set()).add(int(child[row]))
    partners: dict[int, set[int]] = {}
    for a, b in protected.tolist():
        partners.setdefault(a, set()).add(b)
        partners.setdefault(b, set()).add(a)
    blank = np.zeros(records.num_rows, bool)
    for row, number in zip(rows.tolist(), former, strict=True):
        if number and held.get(number, set()) & partners.get(int(child[row]), set()):
            blank[row] = True
    if not blank.any():
        return records
    for name in ("former_upn", GIVEN + "former_upn", "upns"):
        if name in records.column_names:
            place = records.column_names.index(name)
            column = _whole(records[name])
            if pa.types.is_dictionary(column.type):
                codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
                hidden = (codes < 0) | blank
                column = pa.DictionaryArray.from_arrays(
                    pa.array(codes.astype(np.int32), mask=hidden), column.dictionary
                )
            else:
                column = pc.if_else(pa.array(blank), pa.scalar(None, column.type), column)
            records = records.set_column(place, name, column)
    return records
