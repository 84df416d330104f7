"""A judged sample must say how good a run is, with ranges that hold about as often as they claim."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from samechild.errors import Invalid
from samechild.linkage.sample import draw, estimate


def a_run(pairs: int, seed: int) -> tuple[pa.Table, pa.Table, np.ndarray]:
    """Pairs with weights, answers and a truth that goes with the weights; and their records."""
    rng = np.random.default_rng(seed)
    weight = np.concatenate([rng.normal(14, 6, pairs // 2), rng.normal(-4, 4, pairs - pairs // 2)])
    decision = np.where(weight >= 5, "same", np.where(weight >= 0, "ask", "different"))
    truth = rng.random(pairs) < 1 / (1 + 2.0 ** (-weight * 0.7))
    ids = [f"R{number}" for number in range(2 * pairs)]
    records = pa.table({"source": ["s"] * (2 * pairs), "record_id": ids, "given_forename": ["ANN"] * (2 * pairs)})
    table = pa.table(
        {
            "source_a": ["s"] * pairs,
            "record_a": ids[:pairs],
            "source_b": ["s"] * pairs,
            "record_b": ids[pairs:],
            "match_weight": weight,
            "match_probability": 1 / (1 + 2.0**-weight),
            "decision": decision,
            "reason": [""] * pairs,
        }
    )
    return table, records, truth


def judged(sheet: pa.Table, truth: np.ndarray, pairs: int) -> pa.Table:
    """The sheet as somebody who knows the truth fills it in."""
    answers = [
        "same" if truth[min(int(a[1:]), int(b[1:])) % pairs] else "different"
        for a, b in zip(sheet["record_a"].to_pylist(), sheet["record_b"].to_pylist(), strict=True)
    ]
    return sheet.set_column(sheet.column_names.index("answer"), "answer", pa.array(answers))


def test_a_draw_covers_every_decision_and_weighs_up_to_all_pairs() -> None:
    pairs, records, _ = a_run(4000, 1)
    sheet = draw(pairs, records, 200, seed=3)
    assert 190 <= sheet.num_rows <= 210
    assert sum(sheet["design_weight"].to_pylist()) == pytest.approx(4000, rel=1e-3)
    assert sheet.equals(draw(pairs, records, 200, seed=3))
    assert not sheet.equals(draw(pairs, records, 200, seed=4))
    assert set(sheet["answer"].to_pylist()) == {None}
    drawn = set(sheet["record_a"].to_pylist())
    seen = {d for a, d in zip(pairs["record_a"].to_pylist(), pairs["decision"].to_pylist(), strict=True) if a in drawn}
    assert seen == {"same", "ask", "different"}


def test_ranges_hold_as_often_as_they_say() -> None:
    held_precision = held_recall = 0
    runs = 80
    for seed in range(runs):
        pairs, records, truth = a_run(3000, 100 + seed)
        found = estimate(judged(draw(pairs, records, 200, seed), truth, 3000), pairs)
        joined = np.array(pairs["decision"].to_pylist()) == "same"
        precision, recall = truth[joined].mean(), truth[joined].sum() / truth.sum()
        assert found.precision.low is not None
        assert found.precision.high is not None
        assert found.recall.low is not None
        assert found.recall.high is not None
        held_precision += found.precision.low <= precision <= found.precision.high
        held_recall += found.recall.low <= recall <= found.recall.high
    assert held_precision >= 0.88 * runs
    assert held_recall >= 0.88 * runs


def test_a_wrong_run_is_found_out() -> None:
    pairs, records, truth = a_run(2000, 7)
    found = estimate(judged(draw(pairs, records, 150, 1), ~truth, 2000), pairs)
    assert found.precision.high is not None
    assert found.precision.high < 0.5


def test_cannot_tell_widens_what_is_left_open() -> None:
    pairs, records, truth = a_run(2000, 9)
    sheet = judged(draw(pairs, records, 150, 1), truth, 2000)
    answers = sheet["answer"].to_pylist()
    doubtful = sheet.set_column(
        sheet.column_names.index("answer"),
        "answer",
        pa.array([" Cannot Tell " if place % 5 == 0 else one for place, one in enumerate(answers)]),
    )
    sure, unsure = estimate(sheet, pairs), estimate(doubtful, pairs)
    assert sure.precision_unclear == sure.precision
    assert unsure.precision_unclear.low is not None
    assert unsure.precision.low is not None
    assert unsure.precision_unclear.low < unsure.precision.low
    assert sum(each.cannot_tell for each in unsure.decisions) == len(answers[::5])


@pytest.mark.parametrize("answer", ["perhaps", "yes", "samee"])
def test_an_unknown_answer_is_refused_by_its_row(answer: str) -> None:
    pairs, records, truth = a_run(300, 2)
    sheet = judged(draw(pairs, records, 40, 1), truth, 300)
    answers = sheet["answer"].to_pylist()
    answers[3] = answer
    spoilt = sheet.set_column(sheet.column_names.index("answer"), "answer", pa.array(answers))
    with pytest.raises(Invalid, match="row"):
        estimate(spoilt, pairs)


def test_an_empty_sheet_says_what_to_do() -> None:
    pairs, records, _ = a_run(300, 2)
    with pytest.raises(Invalid, match="fill in"):
        estimate(draw(pairs, records, 40, 1), pairs)
