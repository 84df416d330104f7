"""A made-up finished run for tests of quality, reports and samples: tables as linking leaves them, from one seed."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

SOURCES = ("education", "social care", "health", "early years")


class FinishedRun(msgspec.Struct, frozen=True):
    """The tables of a run, and which pairs are truly one child."""

    records: pa.Table
    children: pa.Table
    pairs: pa.Table
    truly: npt.NDArray[np.bool_]


def _text(values: Any) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode()


def _some(rng: np.random.Generator, values: list[str], count: int, missing: float = 0.0) -> pa.Array:
    chosen = [values[place] for place in rng.integers(0, len(values), count)]
    return _text([None if gap else value for gap, value in zip(rng.random(count) < missing, chosen, strict=True)])


def finished_run(children: int = 2000, seed: int = 1) -> FinishedRun:
    """Make a run of so many children with one to four records each; probabilities are right by construction."""
    rng = np.random.default_rng(seed)
    of_child = np.repeat(np.arange(children), rng.integers(1, 5, children))
    count = len(of_child)
    source = np.concatenate([rng.permutation(4)[: (of_child == c).sum()] for c in range(children)])
    ids = [f"r{number:06d}" for number in rng.permutation(count)]
    same_child = [(a, b) for a, b in zip(range(count - 1), range(1, count), strict=True) if of_child[a] == of_child[b]]
    strangers = rng.integers(0, count, (len(same_child), 2))
    a, b = np.concatenate([np.array(same_child), strangers[strangers[:, 0] != strangers[:, 1]]]).T
    near = of_child[a] == of_child[b]
    weight = np.where(near, rng.normal(22, 9, len(a)), rng.normal(-4, 4, len(a)))
    probability = 1 / (1 + np.exp2(-weight))
    truly = rng.random(len(a)) < probability
    decision = np.where(weight >= 4.25, "same", np.where(weight >= -0.58, "ask", "different"))
    parent = np.arange(count)
    for one, other in zip(a[decision == "same"], b[decision == "same"], strict=True):
        if of_child[one] == of_child[other]:
            parent[parent == parent[other]] = parent[one]
    child_id = _text([f"C{number:06d}" for number in parent])
    nhs = [f"999{c:07d}" if gap < 0.7 else None for c, gap in zip(of_child, rng.random(count), strict=True)]
    upn = [f"U{c:07d}" if gap < 0.5 else None for c, gap in zip(of_child, rng.random(count), strict=True)]
    records = pa.table(
        {
            "source": _text([SOURCES[place] for place in source]),
            "record_id": pa.array(ids),
            "child_id": child_id,
            "given_forename": _some(rng, ["Amina", "Tom", "Zofia", "Noah"], count, 0.05),
            "given_date_of_birth": _some(rng, ["01/02/2015", "2016-03-04"], count),
            "sex": _some(rng, ["F", "M"], count, 0.02),
            "birth_year": _some(rng, [str(year) for year in range(2006, 2027)], count, 0.01),
            "area": _some(rng, ["E08000001", "E08000002", "E08000003"], count, 0.05),
            "ethnicity": _some(rng, ["White British", "Pakistani", "Black African", "Mixed", "Roma"], count, 0.1),
            "nhs_number": _text(nhs),
            "upn": _text(upn),
            "group_school phase": _some(rng, ["primary", "secondary"], count, 0.3),
        }
    )
    pairs = pa.table(
        {
            "source_a": records["source"].take(a),
            "record_a": records["record_id"].take(a),
            "source_b": records["source"].take(b),
            "record_b": records["record_id"].take(b),
            "match_weight": weight,
            "match_probability": probability,
            "decision": _text(decision),
        }
    )
    grade = _some(rng, ["certain", "strong", "weak"], count)
    return FinishedRun(
        records, records.select(["source", "record_id", "child_id"]).append_column("grade", grade), pairs, truly
    )
