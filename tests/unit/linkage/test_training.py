"""What is learnt from the files themselves: probabilities that are probabilities, the same every time."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from linking import TODAY, a_town, by_hand, given_records, linked, the_town_linked
from samechild.demographics.standardise import standardise
from samechild.linkage.blocking import block
from samechild.linkage.bulk import compare_pairs
from samechild.linkage.chance import with_chance_identifiers
from samechild.linkage.coded import CodedTable, code_table
from samechild.linkage.comparison import Pairs, levels_of
from samechild.linkage.model import Comparison, Level, Model
from samechild.linkage.models.children import children_model
from samechild.linkage.patterns import Patterns
from samechild.linkage.training import random_records, train


def of(model: Model, name: str) -> Comparison:
    return next(comparison for comparison in model.comparisons if comparison.name == name)


def records() -> tuple[CodedTable, Model]:
    made = standardise(given_records(a_town()), today=TODAY).table
    present = [name for name in made.column_names if made[name].null_count < len(made)]
    model = children_model(present)
    return code_table(made, present), model


def learnt(model: Model, table: CodedTable, **told: bool | int) -> Model:
    blocked = block(table, model.blocking, model.largest_block)
    levels = compare_pairs(table, model, blocked.left, blocked.right)
    return train(model, table, blocked, levels, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [2, 40, None])
@pytest.mark.parametrize("name", ["m", "u", "twin", "sibling"])
def test_each_class_has_probabilities_that_sum_to_one(rows: int | None, name: str) -> None:
    model = (the_town_linked() if rows is None else linked(given_records(a_town()).slice(0, rows))).model
    for comparison in model.comparisons:
        values = [getattr(level, name) for level in comparison.levels if not level.is_null]
        assert sum(values) == pytest.approx(1.0, abs=1e-9), comparison.name
        assert all(0 < value <= 1 for value in values), comparison.name
    assert 0 < model.prior < 1


def test_without_families_two_classes_are_learnt() -> None:
    table, model = records()
    model = learnt(model, table, with_family=False)
    assert model.is_trained
    assert not model.has_family
    assert of(model, "forename").levels[1].weight > 3
    for comparison in model.comparisons:  # what was not learnt are still probabilities
        assert sum(level.twin or 0.0 for level in comparison.levels) == pytest.approx(1.0, abs=1e-9), comparison.name


def test_equal_numbers_of_strangers_are_counted_among_pairs_that_both_have_one() -> None:
    comparison = of(children_model(["nhs_number"]), "nhs_number")
    missing, same, together, differ = range(4)
    patterns = Patterns(np.array([[same], [differ], [missing]], np.uint8), np.zeros(0, np.int64), np.array([9, 9, 9]))
    model = Model("numbers", (_with_u(comparison, [None, 0.1, 0.2, 0.7]),), ())
    strangers, counts = np.array([3.0, 50.0, 7.0]), [np.array([750.0, 0.0, 0.0, 250.0])]
    (found,) = with_chance_identifiers(model, patterns, strangers, 4_000_000.0, counts).comparisons
    shares = [level.u or 0.0 for level in found.levels]
    assert shares[same] == pytest.approx(3.5 / 1_000_000, rel=0.01)  # a quarter of all pairs have both numbers
    assert shares[together] / shares[differ] == pytest.approx(2 / 7)
    assert sum(shares) == pytest.approx(1.0)


def _with_u(comparison: Comparison, shares: list[float | None]) -> Comparison:
    levels = (msgspec.structs.replace(each, u=u) for each, u in zip(comparison.levels, shares, strict=True))
    return msgspec.structs.replace(comparison, levels=tuple(levels))


def test_strangers_carry_one_number_less_often_than_any_sample_could_tell() -> None:
    comparison = of(the_town_linked().model, "nhs_number")
    pairs = a_town().records.num_rows ** 2 / 2
    held = (1 - a_town().records["nhs_number"].null_count / a_town().records.num_rows) ** 2
    u = comparison.levels[1].u
    assert u is not None
    assert 0.4 / (pairs * held) < u < 30 / (pairs * held)
    temporary = next(level for level in of(the_town_linked().model, "upn").levels if "temporary" in level.label)
    assert temporary.u is not None
    assert temporary.u > 1e-3  # any two strangers reach it: a temporary number says nothing
    assert abs(temporary.weight) < 3


def test_u_is_the_share_of_strangers_that_agree() -> None:
    table, model = records()
    sex = of(the_town_linked().model, "sex")
    every = np.arange(0, table.rows, 3, dtype=np.int32)
    pairs = Pairs(table, np.repeat(every, len(every)), np.tile(every, len(every)))
    counts = np.bincount(levels_of(of(model, "sex"), pairs), minlength=len(sex.levels))
    assert sex.levels[1].u == pytest.approx(counts[1] / counts[1:].sum(), abs=0.02)


def test_the_seed_moves_little_and_the_same_seed_nothing() -> None:
    table, model = records()
    first = learnt(model, table, seed=1)
    assert learnt(model, table, seed=1) == first
    other = learnt(model, table, seed=2)
    assert other.prior == pytest.approx(first.prior, rel=0.05)


def test_what_is_fixed_stays() -> None:
    table, model = records()
    fixed = _with_level(model, "sex", 1, m=0.77, u=0.33, fix_m=True, fix_u=True)
    level = of(learnt(fixed, table), "sex").levels[1]
    assert (level.m, level.u) == (0.77, 0.33)


def test_a_model_without_starting_values_learns_as_well() -> None:
    table, model = records()
    bare = model
    for comparison in model.comparisons:
        if not comparison.shared_by and not comparison.own:
            for place in range(1, len(comparison.levels)):
                bare = _with_level(bare, comparison.name, place, m=None, u=None, twin=None, sibling=None)
    found, wanted = learnt(bare, table, with_family=False), learnt(model, table, with_family=False)
    assert of(found, "sex").levels[1].m == pytest.approx(of(wanted, "sex").levels[1].m, abs=0.01)


def _with_level(model: Model, name: str, place: int, **values: object) -> Model:
    def changed(comparison: Comparison) -> Comparison:
        levels: list[Level] = list(comparison.levels)
        levels[place] = msgspec.structs.replace(levels[place], **values)
        return msgspec.structs.replace(comparison, levels=tuple(levels))

    comparisons = tuple(changed(each) if each.name == name else each for each in model.comparisons)
    return msgspec.structs.replace(model, comparisons=comparisons)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5000])
def test_random_pairs_never_hold_a_record_with_itself(count: int) -> None:
    one, other = random_records(count, seed=4)
    assert not set(one.tolist()) & set(other.tolist())
    assert len(one) == len(other) <= 775


def test_records_that_share_nothing_leave_a_model_that_still_weighs() -> None:
    model = linked(
        by_hand(
            {"forename": "Ada", "surname": "Moss", "date_of_birth": "2012-02-03"},
            {"forename": "Bo", "surname": "Yip", "date_of_birth": "2016-07-30"},
        )
    ).model
    assert model.is_trained
    assert of(model, "forename").levels[1].weight > 0
