"""The fast engine says what the plain-Python reference says: the same pairs, the same levels, the same weights."""

from __future__ import annotations

import datetime
from functools import cache
from itertools import combinations
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from samechild.demographics.standardise import standardise
from samechild.linkage import reference
from samechild.linkage.blocking import block
from samechild.linkage.bulk import compare_pairs
from samechild.linkage.coded import CodedTable, code_table
from samechild.linkage.comparison import Pairs, levels_of
from samechild.linkage.conditions import (
    Always,
    And,
    Call,
    Column,
    Compare,
    Condition,
    IsNull,
    Literal,
    Not,
    Or,
    alike,
    equal,
    missing,
)
from samechild.linkage.frequencies import Frequencies, count_frequencies
from samechild.linkage.model import BlockingRule, Comparison, KeyPart, Level, Model, TermFrequency
from samechild.linkage.models.children import children_model
from samechild.linkage.scoring import Scores, frequencies_of, score, value_bits
from samechild.linkage.training import train
from samechild.town import make_town

some = tried(max_examples=60)
Records = list[dict[str, Any]]


def coded(records: Records) -> CodedTable:
    """The records as the fast engine holds them."""
    lists = {name for record in records for name, value in record.items() if isinstance(value, list)} | {"many", "more"}
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {
        name: pa.array(
            [record.get(name) for record in records], pa.list_(pa.string()) if name in lists else pa.string()
        )
        for name in names
    }
    return code_table(pa.table(columns), names)


def all_pairs(records: int) -> tuple[np.ndarray[Any, np.dtype[np.int32]], np.ndarray[Any, np.dtype[np.int32]]]:
    """Every record with every other and with itself, in both directions."""
    every = np.arange(records, dtype=np.int32)
    return np.repeat(every, records), np.tile(every, records)


# --- records made to be awkward: empty, missing, of other alphabets, alike to the last letter -------------------------

texts = st.sampled_from([None, "", "A", "AB", "ABC", "BA", "é", "ABÉ", "12", "14", " 12", "2020-01-31", "2020-02-01"])
lists = st.none() | st.lists(st.sampled_from(["", "A", "AB", "ABC", "B", "é"]), max_size=3)
a_record = st.fixed_dictionaries({"a": texts, "b": texts, "many": lists, "more": lists})
some_records = st.lists(a_record, min_size=2, max_size=8)

columns = st.builds(Column, st.sampled_from(["a", "b"]), st.sampled_from("lr"))
words = columns | st.sampled_from([Literal(""), Literal("A"), Literal("ab")])
worded = st.recursive(
    words,
    lambda inner: st.one_of(
        st.builds(lambda x: Call("lower", (x,)), inner),
        st.builds(lambda x, s, n: Call("substr", (x, Literal(s), Literal(n))), inner, st.integers(1, 3), st.just(2)),
        st.builds(lambda x, y: Call("coalesce", (x, y)), inner, inner),
        st.builds(lambda x, y: Call("nullif", (x, y)), inner, inner),
        st.builds(lambda x: Call("iso_date", (x,)), inner),
    ),
    max_leaves=3,
)
similarities = st.sampled_from(["jaro_winkler_similarity", "jaro_similarity", "jaccard"])
distances = st.sampled_from(["levenshtein", "damerau_levenshtein", "number_gap", "days_between"])
signs = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
listed = st.builds(Column, st.sampled_from(["many", "more"]), st.sampled_from("lr"))
leaves = st.one_of(
    st.builds(Compare, signs, worded, worded),
    st.builds(lambda f, x, y, s, n: Compare(s, Call(f, (x, y)), Literal(n)), similarities, worded, worded, signs,
              st.sampled_from([0.0, 0.5, 2 / 3, 0.8, 1.0])),
    st.builds(lambda f, x, y, s, n: Compare(s, Call(f, (x, y)), Literal(n)), distances, worded, worded, signs,
              st.integers(0, 3)),
    st.builds(lambda x, y, s, n: Compare(s, Call("shared", (x, y)), Literal(n)), listed, listed, signs,
              st.integers(0, 2)),
    st.builds(lambda x, s, n: Compare(s, Call("length", (x,)), Literal(n)), worded | listed, signs, st.integers(0, 2)),
    st.builds(IsNull, worded | listed),
    st.just(Always()),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda x: And(tuple(x)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda x: Or(tuple(x)))
    ),
    max_leaves=4,
)


@tried(max_examples=250)
@given(records=some_records, conditions=st.lists(trees, min_size=1, max_size=4))
def test_every_level_is_the_references(records: Records, conditions: list[Condition]) -> None:
    levels = tuple(Level(str(place), condition) for place, condition in enumerate(conditions))
    comparison = Comparison("any", (*levels, Level("other", Always())))
    left, right = all_pairs(len(records))
    told = levels_of(comparison, Pairs(coded(records), left, right))
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    assert told.tolist() == [reference.level_of(comparison, records[i], records[j]) for i, j in pairs]


@pytest.mark.parametrize("sign", ["=", "<>"])
@pytest.mark.parametrize(
    "scalar",
    [
        Call("nullif", (Column("a", "l"), Column("b", "l"))),
        Call("nullif", (Column("a", "l"), Column("b", "r"))),
        Call("coalesce", (Column("a", "l"), Literal("A"))),
        Call("coalesce", (Column("a", "l"), Column("b", "r"))),
    ],
)
def test_a_missing_value_is_not_the_end_of_what_can_replace_it(sign: Any, scalar: Call) -> None:
    values = [None, "A", "B"]
    records: Records = [{"a": a, "b": b} for a in values for b in values]
    comparison = Comparison("any", (Level("yes", Compare(sign, scalar, Column("a", "r"))), Level("other", Always())))
    left, right = all_pairs(len(records))
    told = levels_of(comparison, Pairs(coded(records), left, right))
    wanted = [reference.level_of(comparison, records[i], records[j]) for i, j in zip(left, right, strict=True)]
    assert told.tolist() == wanted
    assert 0 < sum(wanted) < len(wanted)


@pytest.mark.parametrize("function", ["jaro_winkler_similarity", "jaro_similarity"])
def test_two_empty_texts_are_not_alike(function: str) -> None:
    records: Records = [{"a": ""}, {"a": ""}, {"a": "A"}]
    comparison = Comparison("a", (Level("alike", alike("a", 0.5, function)), Level("other", Always())))
    left, right = all_pairs(3)
    told = levels_of(comparison, Pairs(coded(records), left, right)).reshape(3, 3).tolist()
    assert told == [[reference.level_of(comparison, one, other) for other in records] for one in records]


# --- blocking ---------------------------------------------------------------------------------------------------------

parts = st.builds(
    KeyPart, st.sampled_from(["a", "b", "many", "more"]), st.integers(1, 3), st.none() | st.integers(1, 2)
)
rules = st.builds(
    lambda held, most: BlockingRule(tuple(held), most_pairs=most),
    st.lists(parts, min_size=1, max_size=3),
    st.none() | st.integers(0, 12),
)


@tried(max_examples=250)
@given(
    records=st.lists(a_record, min_size=2, max_size=14),
    held=st.lists(rules, min_size=1, max_size=4),
    largest=st.integers(2, 8),
)
def test_the_pairs_blocked_are_the_references(records: Records, held: list[BlockingRule], largest: int) -> None:
    model = Model("any", (), tuple(held), largest_block=largest)
    found = block(coded(records), model.blocking, largest)
    pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert pairs == sorted(reference.blocked_pairs(model, records))
    for number, rule in enumerate(held):
        alone = msgspec.structs.replace(model, blocking=(rule,))
        marked = {pair for pair, mask in zip(pairs, found.rules.tolist(), strict=True) if mask >> number & 1}
        assert marked == reference.blocked_pairs(alone, records)
        skipped = [size for _, size in reference.oversized_blocks(alone, records)]
        count = found.counts[number]
        assert (count.skipped_blocks, count.skipped_records) == (len(skipped), sum(skipped))


# --- weights ----------------------------------------------------------------------------------------------------------

chances = st.floats(1e-6, 1.0, allow_subnormal=False)
maybe = st.none() | chances
shares = st.sampled_from([0.0, 0.3, 1.0])
adjustments = st.builds(TermFrequency, st.sampled_from(["a", "b"]), shares, st.sampled_from([0.0, 0.1]), st.just(True))
exact = st.builds(TermFrequency, st.just("a"), shares, st.sampled_from([0.0, 0.25]))


@st.composite
def scored_models(draw: st.DrawFn) -> Model:
    """Models of the four classes, with term frequencies on exact, on fuzzy and on any other levels."""

    def level(condition: Condition, frequency: Any, null: bool = False) -> Level:
        if null:
            return Level("missing", condition, is_null=True)
        m, u, twin, sibling = draw(chances), draw(chances), draw(maybe), draw(maybe)
        return Level("level", condition, m=m, u=u, twin=twin, sibling=sibling, term_frequency=draw(frequency))

    comparisons = []
    for number in range(draw(st.integers(1, 3))):
        null = [level(missing("a"), st.none(), null=True)] if draw(st.booleans()) else []
        comparisons.append(
            Comparison(
                str(number),
                (
                    *null,
                    level(equal("a"), st.none() | exact),
                    level(draw(trees), st.none() | exact | adjustments),
                    level(Always(), st.none() | adjustments),
                ),
            )
        )
    family = draw(st.sampled_from([0.0, 1e-6, 0.1]))
    return Model("any", tuple(comparisons), (), draw(st.floats(1e-9, 0.5)), family, draw(st.sampled_from([0.0, 0.2])))


stored = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.builds(
        Frequencies,
        st.dictionaries(st.sampled_from(["A", "AB", "é", ""]), st.floats(1e-6, 1.0), max_size=3),
        st.none() | st.floats(1e-6, 0.1),
    ),
)


def assert_scored_alike(
    model: Model, frequencies: dict[str, Frequencies], records: Records, told: Scores, pairs: Pairs
) -> None:
    """Weights to 1e-6 bits, probabilities to 1e-9."""
    for place, (i, j) in enumerate(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)):
        wanted = reference.score(model, frequencies, records[i], records[j])
        assert told.weight[place] == pytest.approx(wanted.match_weight, abs=1e-6)
        assert told.two_class[place] == pytest.approx(wanted.two_class_weight, abs=1e-6)
        assert told.twin[place] == pytest.approx(wanted.probability_twin, abs=1e-9)
        assert told.sibling[place] == pytest.approx(wanted.probability_sibling, abs=1e-9)


@tried(max_examples=150)
@given(records=some_records, model=scored_models(), known=st.none() | stored)
def test_weights_are_the_references(records: Records, model: Model, known: dict[str, Frequencies] | None) -> None:
    table = coded(records)
    counted = {name: count_frequencies(record[name] for record in records) for name in ("a", "b")}
    frequencies = counted if known is None else known
    pairs = Pairs(table, *all_pairs(len(records)))
    levels = compare_pairs(table, model, pairs.left, pairs.right)
    shares = frequencies_of(model, table, known)
    told = score(model, shares, pairs, levels)
    used = {level.term_frequency.column for each in model.comparisons for level in each.levels if level.term_frequency}
    assert_scored_alike(model, {name: each for name, each in frequencies.items() if name in used}, records, told, pairs)


def test_what_rarity_adds_is_told_for_each_comparison() -> None:
    records: Records = [{"a": "A"}] * 3 + [{"a": "B"}, {"a": "B"}, {"a": None}]
    level = Level("same", equal("a"), m=0.9, u=0.25, term_frequency=TermFrequency("a"))
    comparison = Comparison(
        "a", (Level("missing", missing("a"), is_null=True), level, Level("other", Always(), m=0.1, u=0.75))
    )
    model = Model("any", (comparison,), ())
    table = coded(records)
    bits = value_bits(
        table, comparison, level, frequencies_of(model, table), *(np.array(x, np.int32) for x in ([0, 3, 5], [1, 4, 5]))
    )
    assert bits == pytest.approx([np.log2(0.25 / 0.6), np.log2(0.25 / 0.4), 0.0])


# --- a small town -----------------------------------------------------------------------------------------------------


@cache
def standardised(seed: int) -> pa.Table:
    records = make_town(260, authorities=1, seed=seed).records
    given_table = records.append_column("row", pa.array(range(1, len(records) + 1), pa.int32()))
    return standardise(given_table, today=datetime.date(2025, 9, 1)).table


@pytest.mark.parametrize("seed", [4, 5])
def test_a_town_is_compared_and_weighed_as_the_reference_does(seed: int) -> None:
    made = standardised(seed)
    names = [name for name in made.column_names if not name.startswith("given_") and name not in ("row",)]
    model = msgspec.structs.replace(children_model(names), largest_block=25)
    table = code_table(made, names)
    records = made.select(names).to_pylist()
    blocked = block(table, model.blocking, model.largest_block)
    pairs = sorted(zip(blocked.left.tolist(), blocked.right.tolist(), strict=True))
    assert pairs == sorted(reference.blocked_pairs(model, records))
    assert any(count.skipped_blocks for count in blocked.counts)
    levels = compare_pairs(table, model, blocked.left, blocked.right)
    model = train(model, table, blocked, levels)
    assert model.has_family
    frequencies = {
        name: count_frequencies(record.get(name) for record in records) for name in frequencies_of(model, table)
    }
    shares = frequencies_of(model, table)
    every = score(model, shares, Pairs(table, blocked.left, blocked.right), levels)
    chosen = np.concatenate([np.random.default_rng(seed).permutation(len(pairs))[:250], np.argsort(every.twin)[-50:]])
    assert every.twin[chosen].max() > 0.5  # the town has twins, and the weights know it
    strangers = list(combinations(range(0, len(records), 37), 2))[:200]
    left = np.concatenate([blocked.left[chosen], np.array([i for i, _ in strangers], np.int32)])
    right = np.concatenate([blocked.right[chosen], np.array([j for _, j in strangers], np.int32)])
    some_pairs = Pairs(table, left, right)
    levels = compare_pairs(table, model, left, right)
    for place, (i, j) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        wanted = [reference.level_of(comparison, records[i], records[j]) for comparison in model.comparisons]
        assert [int(level[place]) for level in levels] == wanted
    assert_scored_alike(model, frequencies, records, score(model, shares, some_pairs, levels), some_pairs)
