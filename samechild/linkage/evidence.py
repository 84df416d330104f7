"""The evidence for one pair of a finished run, worked out again from its tables by the plain reference.

Only pairs that the run wrote are explained. For every other pair - strangers, pairs below the floor, records that do
not exist, identities that are protected - there is one answer, the same to the letter, found by the same steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from samechild.linkage.frequencies import Frequencies
from samechild.linkage.model import Model
from samechild.linkage.reference import Score, score

NOTHING = "Different: nothing that suggests these two records are one child. (Not among the pairs written.)"
"""What is said of every pair that the run did not write."""

Key = tuple[str, str]


class Explained(msgspec.Struct, frozen=True):
    """A pair that was written: what was decided and why, its two records, and the score worked out again."""

    decision: str
    reason: str
    match_weight: float
    left: dict[str, Any]
    right: dict[str, Any]
    score: Score


def pair_of(pairs: pa.Table, one: Collection[Key], other: Collection[Key]) -> dict[str, Any] | None:
    """Find the written pair of two records, each given as the (source, record id) readings it may have."""
    ids = pa.array(sorted({record for _, record in (*one, *other)}), pa.string())
    near = pc.and_(
        pc.is_in(pc.cast(pairs["record_a"], pa.string()), ids), pc.is_in(pc.cast(pairs["record_b"], pa.string()), ids)
    )
    for row in pairs.filter(near).to_pylist():
        a, b = (row["source_a"], row["record_a"]), (row["source_b"], row["record_b"])
        if (a in one and b in other) or (a in other and b in one):
            return dict(row)
    return None


def readings(named: str) -> tuple[Key, ...]:
    """Read ``SOURCE:ID`` every way it can be meant, since a source or an id may hold a colon too."""
    parts = named.split(":")
    return tuple((":".join(parts[:at]), ":".join(parts[at:])) for at in range(1, len(parts)))


def explained(
    row: Mapping[str, Any], records: pa.Table, model: Model, frequencies: Mapping[str, Frequencies] | None
) -> Explained | None:
    """Work a written pair out again. ``frequencies`` are those of a stored model; None counts them in the records."""
    sides = [_record(records, row[f"source_{side}"], row[f"record_{side}"]) for side in "ab"]
    if None in sides:
        return None
    left, right = (dict(side or {}) for side in sides)
    common = _counted(model, records) if frequencies is None else frequencies
    return Explained(
        row["decision"], row["reason"] or "", row["match_weight"], left, right, score(model, common, left, right)
    )


def _record(records: pa.Table, source: str, record: str) -> dict[str, Any] | None:
    here = pc.and_(
        pc.equal(pc.cast(records["source"], pa.string()), source),
        pc.equal(pc.cast(records["record_id"], pa.string()), record),
    )
    found = records.filter(here).to_pylist()
    return found[0] if found else None


def _counted(model: Model, records: pa.Table) -> dict[str, Frequencies]:
    """Count how common the values are of each field whose frequencies the model uses."""
    used = {
        level.term_frequency.column
        for comparison in model.comparisons
        for level in comparison.levels
        if level.term_frequency is not None
    }
    found = {}
    for column in sorted(used & set(records.column_names)):
        counts = pc.value_counts(pc.drop_null(pc.cast(records[column], pa.string())))
        values, held = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
        total = sum(held)
        found[column] = Frequencies({v: n / total for v, n in zip(values, held, strict=True)}, records=total)
    return found
