"""How good a run was: samechild's and Splink's results put before the same evaluator, after both have ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from bench.machine import percent
from bench.splink_run import JOIN
from samechild.errors import Invalid
from samechild.files.read import read
from samechild.linkage.evaluate import evaluate
from samechild.linkage.evaluation import Adoptions, Clusters, Evaluation, Quality, Review, Twins

PAIRS = ["source_a", "record_a", "source_b", "record_b", "match_weight", "decision"]


class Point(msgspec.Struct, frozen=True):
    """Quality at one operating point: pairs, children, twins, and adopted children's two identities."""

    pairs: Quality
    clusters: Clusters
    twins: Twins
    adoptions: Adoptions


class Found(msgspec.Struct, frozen=True):
    """What a run found: as it stands, and with the one threshold that the truth shows to be best for pairs."""

    records: int
    true_children: int
    unaided: Point
    best_weight: float | None  # None when no pair was scored
    best_pairs: Quality
    best: Point | None  # children at that threshold, where a threshold alone makes them
    review: Review


def truth_table(path: Path) -> pa.Table:
    """Read a truth file."""
    return read(path).table


def of_samechild(folder: Path, truth: pa.Table) -> Found:
    """Judge a results folder of samechild by its own decisions."""
    found = evaluate(
        pq.read_table(folder / "children.parquet", columns=["source", "record_id", "child_id"]),
        pq.read_table(folder / "pairs.parquet", columns=PAIRS),
        truth,
        pq.read_table(folder / "records.parquet"),
    )
    return _found(found, None)


def of_splink(folder: Path, keys: Path, truth: pa.Table) -> Found:
    """Judge Splink's predictions and clusters: at the threshold it clustered at, and at the best one."""
    key = pq.read_table(keys)
    rows = _rows(pq.read_table(folder / "predictions.parquet"), key.num_rows)
    cluster = pq.read_table(folder / "clusters.parquet", columns=["cluster_id", "unique_id"]).sort_by("unique_id")
    unaided = _judged(key, rows, cluster["cluster_id"], rows["probability"] >= JOIN, truth)
    chosen = rows["weight"] >= (float("inf") if unaided.best is None else unaided.best.match_weight)
    best = _judged(key, rows, components(key.num_rows, rows["a"][chosen], rows["b"][chosen]), chosen, truth)
    return _found(unaided, best)


def components(count: int, left: Any, right: Any) -> Any:
    """Name the children that joined pairs make when every chain of pairs joins: one number for each record."""
    edges = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    return connected_components(edges, directed=False)[1]


def _rows(predictions: pa.Table, count: int) -> dict[str, Any]:
    names = {"a": "unique_id_l", "b": "unique_id_r", "weight": "match_weight", "probability": "match_probability"}
    rows = {name: predictions[column].to_numpy() for name, column in names.items()}
    if len(rows["a"]) and max(rows["a"].max(), rows["b"].max()) >= count:
        raise Invalid("These predictions are of other records than the keys: run Splink again.")
    return rows


def _judged(key: pa.Table, rows: dict[str, Any], child: Any, same: Any, truth: pa.Table) -> Evaluation:
    sides = {
        f"{name}_{side}": key[column].combine_chunks().take(pa.array(rows[side]))
        for side in ("a", "b")
        for name, column in (("source", "source"), ("record", "record_id"))
    }
    decision = pc.if_else(pa.array(same), "same", "different")
    pairs = pa.table({**sides, "match_weight": pa.array(rows["weight"]), "decision": decision})
    ids = pc.cast(child if isinstance(child, pa.ChunkedArray) else pa.array(child), pa.string())
    children = pa.table({"source": key["source"], "record_id": key["record_id"], "child_id": ids})
    return evaluate(children, pairs, truth)


def _point(found: Evaluation) -> Point:
    return Point(found.decided, found.clusters, found.twins, found.adoptions)


def _found(unaided: Evaluation, best: Evaluation | None) -> Found:
    return Found(
        records=unaided.coverage.records,
        true_children=unaided.true_children,
        unaided=_point(unaided),
        best_weight=None if unaided.best is None else unaided.best.match_weight,
        best_pairs=unaided.best.quality if unaided.best is not None else unaided.decided,
        best=None if best is None else _point(best),
        review=unaided.review,
    )


HEADINGS = (
    "", "pairs P", "R", "F1", "best F1", "at weight", "children P", "R", "B-cubed F1", "twin sets merged",
    "95% interval",
)  # fmt: skip


def in_row(name: str, found: Found, *, at_best: bool = False) -> list[str]:
    """Set one run out as a row under :data:`HEADINGS`."""
    point = found.best if at_best and found.best is not None else found.unaided
    merged, within = point.twins.merged, point.clusters.within
    return [
        name,
        percent(point.pairs.precision),
        percent(point.pairs.recall),
        percent(point.pairs.f1),
        percent(found.best_pairs.f1),
        "-" if found.best_weight is None else f"{found.best_weight:.1f}",
        percent(within.precision),
        percent(within.recall),
        percent(point.clusters.b_cubed_f1),
        f"{merged.found:,} of {merged.of:,} ({percent(merged.share)})",
        f"{percent(merged.low)} to {percent(merged.high)}",
    ]
