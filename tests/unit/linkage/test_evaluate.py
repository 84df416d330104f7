"""Evaluation against the truth: every figure is compared with one counted pair by pair, the slow and obvious way."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from samechild.errors import Invalid
from samechild.linkage.evaluate import evaluate
from samechild.linkage.evaluation import Evaluation, as_dict, tables

PAIR_TYPES = {
    "source_a": pa.string(),
    "record_a": pa.string(),
    "source_b": pa.string(),
    "record_b": pa.string(),
    "match_weight": pa.float64(),
    "decision": pa.string(),
}


def table(rows: list[dict[str, Any]], *names: str) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def pairs_of(rows: list[tuple[dict[str, Any], dict[str, Any], float | None, str]]) -> pa.Table:
    made = [
        (a["source"], a["record_id"], b["source"], b["record_id"], weight, decision) for a, b, weight, decision in rows
    ]
    columns = zip(*made, strict=True) if made else ([] for _ in PAIR_TYPES)
    return pa.table(
        {name: pa.array(list(c), kind) for (name, kind), c in zip(PAIR_TYPES.items(), columns, strict=True)}
    )


def run(records: list[dict[str, Any]], pairs: pa.Table, **more: Any) -> Evaluation:
    children = table(records, "source", "record_id", "child_id")
    truth = table(records, "source", "record_id", "true_child_id", "twin_set", "former_identity_of")
    return evaluate(children, pairs, truth, table(records, "source", "record_id", "sex"), **more)


def record(number: int, true: str, child: str, **more: str | None) -> dict[str, Any]:
    return {"source": "school", "record_id": str(number), "true_child_id": true, "child_id": child} | more


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[dict[str, Any], dict[str, Any], float, str]]]:
    trues = draw(st.lists(st.integers(0, 5), min_size=1, max_size=9))
    records = [
        {
            "source": "ab"[number % 2],
            "record_id": str(number // 2),
            "true_child_id": f"T{true}",
            "twin_set": [None, "", "S1", "S1", "S1", "S2"][true],
            "former_identity_of": {5: "T0", 4: "T0"}.get(true),
            "child_id": f"C{draw(st.integers(0, 4))}",
            "sex": draw(st.sampled_from(["F", "M", None])),
        }
        for number, true in enumerate(trues)
    ]
    every = list(itertools.combinations(records, 2))
    chosen = [pair for pair in every if draw(st.booleans())]
    return records, [
        (a, b, float(draw(st.integers(-3, 3))), draw(st.sampled_from(["same", "ask", "different"]))) for a, b in chosen
    ]


def truly_same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return bool(a["true_child_id"] == b["true_child_id"])


@given(runs())
@settings(max_examples=150, deadline=None)
def test_pairs_are_counted_as_one_by_one(made: Any) -> None:
    records, scored = made
    found = run(records, pairs_of(scored))
    true = sum(truly_same(a, b) for a, b in itertools.combinations(records, 2))
    same = [(a, b) for a, b, _, decision in scored if decision == "same"]
    correct = sum(truly_same(a, b) for a, b in same)
    assert (found.decided.correct, found.decided.joined, found.decided.true) == (correct, len(same), true)
    scores = {}
    for weight in {weight for _, _, weight, _ in scored}:
        above = [truly_same(a, b) for a, b, w, _ in scored if w >= weight]
        scores[weight] = 2 * sum(above) / (len(above) + true)
    if scores:
        assert found.best is not None
        assert found.best.quality.f1 == pytest.approx(max(scores.values()))
        assert scores[found.best.match_weight] == pytest.approx(max(scores.values()))
        for point in found.curve:
            above = [truly_same(a, b) for a, b, w, _ in scored if w >= point.match_weight]
            assert (point.quality.correct, point.quality.joined) == (sum(above), len(above))
    asked = [truly_same(a, b) for a, b, _, decision in scored if decision == "ask"]
    assert (found.review.asked, found.review.truly_same.found) == (len(asked), sum(asked))
    assert found.review.per_1000_children == pytest.approx(1000 * len(asked) / len({r["child_id"] for r in records}))


@given(runs())
@settings(max_examples=150, deadline=None)
def test_children_are_counted_as_one_by_one(made: Any) -> None:
    records, scored = made
    found = run(records, pairs_of(scored))
    together = [(a, b) for a, b in itertools.combinations(records, 2) if a["child_id"] == b["child_id"]]
    within = found.clusters.within
    assert (within.joined, within.correct) == (len(together), sum(truly_same(a, b) for a, b in together))
    precisions, recalls = [], []
    for one in records:
        child = [r for r in records if r["child_id"] == one["child_id"]]
        true = [r for r in records if truly_same(r, one)]
        both = [r for r in child if truly_same(r, one)]
        precisions.append(len(both) / len(child))
        recalls.append(len(both) / len(true))
    assert found.clusters.b_cubed_precision == pytest.approx(sum(precisions) / len(records))
    assert found.clusters.b_cubed_recall == pytest.approx(sum(recalls) / len(records))
    exact = 0
    for true in {r["true_child_id"] for r in records}:
        ids = {r["child_id"] for r in records if r["true_child_id"] == true}
        exact += len(ids) == 1 and all(r["true_child_id"] == true for r in records if r["child_id"] in ids)
    assert found.clusters.exact.found == exact
    for group in found.groups:
        if group.grouping == "Sex":
            members = [r for r in records if (r["sex"] or "not recorded") == group.group]
            partners = [(m, r) for m in members for r in records if r is not m]
            joined = [(m, r) for m, r in partners if m["child_id"] == r["child_id"]]
            right = sum(truly_same(m, r) for m, r in joined)
            true_partners = sum(truly_same(m, r) for m, r in partners)
            assert group.records == len(members)
            assert group.precision == (pytest.approx(right / len(joined)) if joined else None)
            assert group.recall == (pytest.approx(right / true_partners) if true_partners else None)


@given(runs())
@settings(max_examples=150, deadline=None)
def test_twins_and_adoptions_are_counted_as_one_by_one(made: Any) -> None:
    records, scored = made
    found = run(records, pairs_of(scored))
    sets: dict[str, list[dict[str, Any]]] = {}
    for r in records:
        if r["twin_set"]:
            sets.setdefault(r["twin_set"], []).append(r)
    sets = {name: held for name, held in sets.items() if len({r["true_child_id"] for r in held}) > 1}
    merged, straddling, in_one = 0, 0, 0
    for held in sets.values():
        pairs = [(a, b) for a, b in itertools.combinations(held, 2) if not truly_same(a, b)]
        straddling += len(pairs)
        in_one += sum(a["child_id"] == b["child_id"] for a, b in pairs)
        merged += any(a["child_id"] == b["child_id"] for a, b in pairs)
    twins = found.twins
    assert (twins.sets, twins.merged.found, twins.pairs, twins.pairs_in_one_child) == (
        len(sets),
        merged,
        straddling,
        in_one,
    )
    joined = [
        (a, b)
        for a, b, _, decision in scored
        if decision == "same" and a["twin_set"] and a["twin_set"] == b["twin_set"] and not truly_same(a, b)
    ]
    assert twins.pairs_joined == len(joined)
    trues = {r["true_child_id"] for r in records}
    identities = [(r["true_child_id"], r["former_identity_of"]) for r in records if r["former_identity_of"] in trues]
    disclosed = {
        old
        for old, new in identities
        for a, b in itertools.product(records, records)
        if a["true_child_id"] == old and b["true_child_id"] == new and a["child_id"] == b["child_id"]
    }
    assert found.adoptions.identities == len({old for old, _ in identities})
    assert found.adoptions.joined.found == len(disclosed)


def test_true_pairs_that_were_never_compared_count_against_recall() -> None:
    records = [record(1, "T", "A"), record(2, "T", "A"), record(3, "T", "B")]
    found = run(records, pairs_of([(records[0], records[1], 9.0, "same")]))
    assert found.decided.recall == pytest.approx(1 / 3)
    assert found.decided.precision == 1.0


def test_a_merged_twin_set_that_no_field_tells_apart_is_told() -> None:
    alike = [record(1, "T1", "A", twin_set="S", sex="F"), record(2, "T2", "A", twin_set="S", sex="F")]
    different = [record(3, "T3", "B", twin_set="Z", sex="F"), record(4, "T4", "B", twin_set="Z", sex="M")]
    twins = run(alike + different, pairs_of([])).twins
    assert (twins.merged.found, twins.merged_and_alike) == (2, 1)
    assert twins.alike is not None
    assert (twins.alike.found, twins.alike.of) == (1, 2)


def test_rows_on_one_side_only_are_told_and_left_out() -> None:
    records = [record(1, "T", "A"), record(2, "T", "A"), record(3, "U", "A")]
    children = table(records, "source", "record_id", "child_id")
    truth = table([*records[:2], record(9, "T", ""), record(8, "", "")], "source", "record_id", "true_child_id")
    found = evaluate(children, pairs_of([(records[0], records[2], 9.0, "same")]), truth)
    assert found.coverage.run_only == 1
    assert found.coverage.truth_only == 1
    assert found.coverage.truth_incomplete == 1
    assert found.coverage.pairs_unknown == 1
    assert found.decided.joined == 0
    assert found.clusters.within.correct == 1
    assert found.clusters.within.precision == 1.0


def test_a_pair_given_twice_counts_once() -> None:
    records = [record(1, "T", "A"), record(2, "T", "A")]
    found = run(records, pairs_of([(records[0], records[1], 9.0, "same"), (records[1], records[0], 9.0, "same")]))
    assert found.decided.joined == 1
    assert found.coverage.pairs_repeated == 1


def test_a_pair_without_a_weight_stays_out_of_the_thresholds() -> None:
    records = [record(1, "T", "A"), record(2, "T", "A"), record(3, "U", "B")]
    scored = [(records[0], records[1], None, "same"), (records[0], records[2], 3.0, "different")]
    found = run(records, pairs_of(scored))
    assert found.coverage.pairs_without_weight == 1
    assert found.decided.correct == 1
    assert found.best is not None
    assert found.best.quality.correct == 0


def test_dictionary_columns_and_infinite_weights_are_read() -> None:
    records = [record(1, "T", "A"), record(2, "T", "A"), record(3, "U", "B")]
    scored = pairs_of([(records[0], records[1], float("inf"), "same"), (records[0], records[2], float("-inf"), "ask")])
    coded = pa.table(
        {
            n: c.dictionary_encode() if pa.types.is_string(c.type) else c
            for n, c in zip(scored.column_names, scored.columns, strict=True)
        }
    )
    assert run(records, coded) == run(records, scored)
    assert run(records, coded).decided.correct == 1


@pytest.mark.parametrize(
    ("lacking", "told"),
    [("true_child_id", "true_child_id"), ("source", "source"), ("record_id", "record_id")],
)
def test_a_truth_file_without_a_column_is_refused(lacking: str, told: str) -> None:
    records = [record(1, "T", "A")]
    children = table(records, "source", "record_id", "child_id")
    truth = table(records, "source", "record_id", "true_child_id").drop_columns([lacking])
    with pytest.raises(Invalid, match=told):
        evaluate(children, pairs_of([]), truth)


def test_a_truth_that_contradicts_itself_is_refused_by_row_without_naming_the_child() -> None:
    records = [record(1, "T", "A"), record(1, "U", "A")]
    children = table(records[:1], "source", "record_id", "child_id")
    truth = table(records, "source", "record_id", "true_child_id")
    with pytest.raises(Invalid, match="row 1") as refused:
        evaluate(children, pairs_of([]), truth)
    assert "'T'" not in str(refused.value)
    assert " U" not in str(refused.value)


def test_two_twin_sets_for_one_child_are_refused() -> None:
    records = [record(1, "T", "A", twin_set="S"), record(2, "T", "A", twin_set="Z")]
    with pytest.raises(Invalid, match="twin_set"):
        run(records, pairs_of([]))


def test_a_truth_of_another_run_is_refused() -> None:
    records = [record(1, "T", "A")]
    children = table(records, "source", "record_id", "child_id")
    truth = table([record(2, "T", "A")], "source", "record_id", "true_child_id")
    with pytest.raises(Invalid, match="No record of the truth file is in this run"):
        evaluate(children, pairs_of([]), truth)


def test_the_tables_and_the_json_say_the_same() -> None:
    records = [record(1, "T", "A", sex="F"), record(2, "T", "A", sex="[bold]F"), record(3, "U", "A", sex=None)]
    found = run(records, pairs_of([(records[0], records[1], 9.0, "same")]))
    console = Console(width=140, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    for one in tables(found):
        console.print(one)
    text = console.export_text()
    assert "33.33%" in text  # precision of children
    assert "[bold]F" in text  # a group's label is never read as markup
    assert json.loads(json.dumps(as_dict(found)))["clusters"]["within"]["joined"] == 3


def test_twenty_thousand_sets_without_an_error_give_the_exact_upper_bound() -> None:
    from samechild.linkage.proportions import share

    none = share(0, 10_000)
    assert none.low == 0.0
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 10_000))
    assert share(5, 5).low == pytest.approx(0.025 ** (1 / 5))
    assert share(3, 10).low == pytest.approx(0.06674, abs=1e-5)  # R: binom.test(3, 10)
    assert share(3, 10).high == pytest.approx(0.65245, abs=1e-5)
    assert share(0, 0).share is None
