"""The reference scoring against sums done by hand and against the formulas written out naively."""

from __future__ import annotations

from itertools import combinations
from math import inf, isclose, log2, prod
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid
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
from samechild.linkage.frequencies import (
    Frequencies,
    count_frequencies,
    pool,
    read_frequencies,
    write_frequencies,
)
from samechild.linkage.model import BlockingRule, Comparison, KeyPart, Level, Model, TermFrequency
from samechild.linkage.reference import (
    blocked_pairs,
    exact_columns,
    frequency_bits,
    holds,
    level_of,
    oversized_blocks,
    probability_of,
    score,
)
from samechild.linkage.similarity import call, is_plain_pattern
from samechild.records import Record

LEFT = {"forename": "ADA", "surname": "SMITH"}
RIGHT = {"forename": "ADA", "surname": "SMYTHE", "postcode": None}
TRUE, FALSE = equal("forename"), equal("surname")
OPEN = equal("postcode")


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        (TRUE, True),
        (FALSE, False),
        (OPEN, None),
        (Not(OPEN), None),
        (And((TRUE, OPEN)), None),
        (And((FALSE, OPEN)), False),
        (Or((TRUE, OPEN)), True),
        (Or((FALSE, OPEN)), None),
        (Not(Or((FALSE, FALSE))), True),
        (IsNull(Column("postcode", "r")), True),
        (IsNull(Column("surname", "l")), False),
        (Always(), True),
    ],
)
def test_conditions_have_three_answers(condition: Condition, answer: bool | None) -> None:
    assert holds(condition, LEFT, RIGHT) is answer


def test_a_declared_record_is_read_like_a_dictionary() -> None:
    left = Record(source="a", record_id="1", forename="ADA", postcodes=("ZZ99 3AA", "ZZ99 3WZ"))
    right = {"forename": "ADA", "postcodes": ["ZZ99 3WZ"]}
    both = tuple(Column("postcodes", side) for side in ("l", "r"))
    assert holds(And((equal("forename"), Compare("=", Call("shared", both), Literal(1)))), left, right) is True


@pytest.mark.parametrize(
    "condition",
    [
        Compare("=", Column("forename", "l"), Literal(1)),
        Compare(">", Call("length", (Column("forename", "l"),)), Literal("A")),
        Compare(">", Call("shared", (Column("forename", "l"), Column("forename", "r"))), Literal(0)),
        Compare(">", Call("levenshtein", (Column("codes", "l"), Column("codes", "r"))), Literal(0)),
        Compare(">", Call("soundex", (Column("forename", "l"),)), Literal(0)),
        Compare("=", Call("substr", (Column("forename", "l"), Literal(-1), Literal(1))), Literal("A")),
        Compare("=", Call("regexp_extract", (Column("forename", "l"), Literal("A|B"))), Literal("A")),
    ],
)
def test_nonsense_is_refused_without_telling_a_value(condition: Condition) -> None:
    record = {"forename": "ADA", "codes": ("ADA",)}
    with pytest.raises(Invalid) as refusal:
        holds(condition, record, record)
    assert "ADA" not in str(refusal.value)


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        ("^[A-Z]{1,2}", True),
        ("[^@]+", True),
        ("A.", False),
        (r"\d", False),
        ("(A)", False),
        ("A$", False),
        ("A??", False),
    ],
)
def test_only_patterns_read_alike_everywhere_are_plain(pattern: str, plain: bool) -> None:
    assert is_plain_pattern(pattern) is plain


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("jaro_winkler_similarity", ("MARTHA", "MARHTA"), 0.9611111111111111),  # Winkler 1990, table of examples
        ("jaro_similarity", ("DIXON", "DICKSONX"), 0.7666666666666666),
        ("levenshtein", ("KITTEN", "SITTING"), 3),
        ("damerau_levenshtein", ("CA", "AC"), 1),
        ("jaccard", ("ABC", "BCD"), 0.5),
        ("days_between", ("2024-02-28", "2024-03-01"), 2),
        ("days_between", ("2023-02-29", "2024-03-01"), None),
        ("shared", (("A", "A", "B"), ("A", "C")), 1),
        ("jaro_similarity", ("ADA", None), None),
    ],
)
def test_functions_on_known_examples(function: str, arguments: tuple[Any, ...], value: Any) -> None:
    assert call(function, arguments) == (pytest.approx(value) if isinstance(value, float) else value)


# --- levels and term frequency ----------------------------------------------------------------------------------------

SURNAME = Comparison(
    "surname",
    (
        Level("missing", missing("surname"), is_null=True),
        Level("same", equal("surname"), m=0.8, u=0.01, twin=0.99, sibling=0.9, term_frequency=TermFrequency("surname")),
        Level("alike", alike("surname", 0.85), m=0.15, u=0.02, term_frequency=TermFrequency("surname", 0.5, 0.002)),
        Level("other", Always(), m=0.05, u=0.97, twin=0.01, sibling=0.1),
    ),
)
FREQUENCIES = {"surname": Frequencies({"SMITH": 0.04, "SMYTHE": 0.001}, rare=0.0001)}


def pair(left: str | None, right: str | None) -> tuple[dict[str, str | None], dict[str, str | None]]:
    return {"surname": left}, {"surname": right}


@pytest.mark.parametrize(
    ("left", "right", "level", "bits"),
    [
        ("SMITH", "SMITH", 1, log2(0.01 / 0.04)),  # commoner than the average: less weight
        ("SMYTHE", "SMYTHE", 1, log2(0.01 / 0.001)),
        ("ZUCKER", "ZUCKER", 1, log2(0.01 / 0.0001)),  # not listed: the pooled frequency
        ("SMITH", "SMYTHE", 2, 0.5 * log2(0.01 / 0.04)),  # the commoner of the two, half the adjustment
        ("SMYTHE", "SMYTH", 2, 0.5 * log2(0.01 / 0.002)),  # never under the minimum
        ("SMITH", "JONES", 3, 0.0),
        ("SMITH", None, 0, 0.0),
    ],
)
def test_rarity_adds_what_splinks_formula_says(left: str, right: str | None, level: int, bits: float) -> None:
    records = pair(left, right)
    assert level_of(SURNAME, *records) == level
    assert frequency_bits(SURNAME, SURNAME.levels[level], FREQUENCIES, *records) == pytest.approx(bits)


def test_without_known_frequencies_rarity_adds_nothing() -> None:
    assert frequency_bits(SURNAME, SURNAME.levels[1], {}, *pair("SMITH", "SMITH")) == 0
    assert frequency_bits(SURNAME, SURNAME.levels[1], {"surname": Frequencies({})}, *pair("SMITH", "SMITH")) == 0


def test_a_level_can_be_measured_by_its_own_u() -> None:
    own = msgspec.structs.replace(SURNAME.levels[2], term_frequency=TermFrequency("surname", own_u=True))
    assert frequency_bits(SURNAME, own, FREQUENCIES, *pair("SMITH", "SMYTHE")) == pytest.approx(log2(0.02 / 0.04))


def test_term_frequency_without_an_exact_level_is_refused() -> None:
    only = msgspec.structs.replace(SURNAME, levels=SURNAME.levels[2:])
    with pytest.raises(Invalid, match="surname, level alike"):
        frequency_bits(only, only.levels[0], FREQUENCIES, *pair("SMITH", "SMYTHE"))


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        (equal("surname"), {"surname"}),
        (And((equal("Surname"), equal("surname"))), {"surname"}),
        (And((equal("surname"), equal("forename"))), {"surname", "forename"}),
        (And((equal("surname"), alike("forename", 0.9))), set()),
        (Or((equal("surname"), equal("surname"))), set()),
        (equal("surname", "forename"), set()),
        (Compare("=", Column("surname", "l"), Column("surname", "l")), set()),
        (Always(), set()),
    ],
)
def test_what_counts_as_an_exact_match(condition: Condition, columns: set[str]) -> None:
    assert exact_columns(condition) == columns


def test_a_comparison_must_end_with_whatever_is_left() -> None:
    open_ended = msgspec.structs.replace(SURNAME, levels=SURNAME.levels[:2])
    with pytest.raises(Invalid, match="Comparison surname"):
        level_of(open_ended, *pair("SMITH", "JONES"))


# --- four classes -----------------------------------------------------------------------------------------------------


def naive(model: Model, levels: tuple[int, ...], adjusted: list[float]) -> dict[str, float]:
    """The formulas as a textbook has them: products of probabilities, no logarithms. ``adjusted`` holds each u_v."""
    strangers = 1 - model.prior - model.prior_twin - model.prior_sibling
    products = {"same": model.prior, "twin": model.prior_twin, "sibling": model.prior_sibling, "unrelated": strangers}
    for comparison, index, u_v in zip(model.comparisons, levels, adjusted, strict=True):
        level = comparison.levels[index]
        if level.is_null:
            continue
        assert level.m is not None
        assert level.u is not None
        products["same"] *= level.m
        products["unrelated"] *= u_v
        for name in ("twin", "sibling"):
            p = getattr(level, name)
            if p is None:
                p_v = min(u_v, 1.0)
            elif level.term_frequency is None or comparison.name == "sex":  # whose frequencies are not known
                p_v = p
            else:
                f = max(0.0, (p - level.u) / (1 - level.u))
                p_v = f + (1 - f) * min(u_v, 1.0)
            products[name] *= p_v
    total = sum(products.values())
    return {name: value / total for name, value in products.items()}


chances = st.floats(0.001, 0.999)
probabilities = st.tuples(chances, chances, st.none() | chances, st.none() | chances)


@st.composite
def models(draw: st.DrawFn) -> Model:
    def drawn(label: str, condition: Condition, frequency: TermFrequency | None) -> Level:
        m, u, twin, sibling = draw(probabilities)
        return Level(label, condition, False, m, u, twin, sibling, frequency)

    comparisons = []
    for name in ("forename", "surname", "sex"):
        frequency = draw(st.none() | st.just(TermFrequency(name)))
        comparisons.append(
            Comparison(
                name,
                (
                    Level("missing", missing(name), is_null=True),
                    drawn("same", equal(name), frequency),
                    drawn("other", Always(), None),
                ),
            )
        )
    prior = st.floats(1e-7, 0.2)
    return Model(
        "generated", tuple(comparisons), (), draw(prior), draw(st.just(0.0) | prior), draw(st.just(0.0) | prior)
    )


values = st.fixed_dictionaries({name: st.sampled_from([None, "A", "B"]) for name in ("forename", "surname", "sex")})
shares_of = st.fixed_dictionaries({"A": st.floats(0.001, 0.9), "B": st.floats(0.001, 0.9)})


@given(model=models(), left=values, right=values, shares=shares_of)
def test_the_score_is_the_textbooks(model: Model, left: Any, right: Any, shares: dict[str, float]) -> None:
    frequencies = {name: Frequencies(shares) for name in ("forename", "surname")}
    found = score(model, frequencies, left, right)
    adjusted = []
    for comparison, index in zip(model.comparisons, found.levels, strict=True):
        level, name = comparison.levels[index], comparison.name
        by_value = level.term_frequency is not None and name in frequencies
        adjusted.append(shares[left[name]] if by_value else level.u or 1.0)  # weight 1: u_v is the frequency itself
    textbook = naive(model, found.levels, adjusted)
    assert found.probability == pytest.approx(textbook["same"], rel=1e-9)
    assert found.probability_twin == pytest.approx(textbook["twin"], rel=1e-9)
    assert found.probability_sibling == pytest.approx(textbook["sibling"], rel=1e-9)
    assert found.match_weight == pytest.approx(log2(textbook["same"] / (1 - textbook["same"])), abs=1e-6)
    ratio = prod(
        (comparison.levels[k].m or 1.0) / u_v if not comparison.levels[k].is_null else 1.0
        for comparison, k, u_v in zip(model.comparisons, found.levels, adjusted, strict=True)
    )
    assert found.two_class_weight == pytest.approx(log2(model.prior / (1 - model.prior) * ratio), abs=1e-9)
    assert found.family_weight == pytest.approx(found.match_weight - found.two_class_weight)
    strangers = 1 - model.prior - model.prior_twin - model.prior_sibling
    assert found.family_weight <= log2((1 - model.prior) / strangers) + 1e-9
    if not model.has_family:
        assert found.family_weight == 0
        assert found.probability_twin == found.probability_sibling == 0


@given(model=models(), left=values, right=values)
def test_left_and_right_do_not_matter(model: Model, left: Any, right: Any) -> None:
    frequencies = {"surname": Frequencies({"A": 0.2, "B": 0.3})}
    assert score(model, frequencies, left, right) == score(model, frequencies, right, left)


def test_twins_look_like_one_child_to_two_classes_and_not_to_four() -> None:
    def comparison(name: str, m: float, u: float, twin: float, sibling: float) -> Comparison:
        other = Level("other", Always(), m=1 - m, u=1 - u, twin=1 - twin, sibling=1 - sibling)
        same = Level("same", equal(name), m=m, u=u, twin=twin, sibling=sibling)
        return Comparison(name, (Level("missing", missing(name), is_null=True), same, other))

    model = Model(
        "family",
        (
            comparison("forename", 0.9, 0.005, 0.001, 0.001),
            comparison("surname", 0.95, 0.002, 0.97, 0.9),
            comparison("date_of_birth", 0.98, 0.0002, 0.99, 0.0001),
            comparison("postcode", 0.8, 0.0001, 0.9, 0.85),
        ),
        (),
        prior=1e-5,
        prior_twin=2e-7,
        prior_sibling=1e-5,
    )
    one = {"forename": "ADA", "surname": "OKAFOR", "date_of_birth": "2015-03-04", "postcode": "ZZ99 3WZ"}
    twin, again = one | {"forename": "GRACE"}, dict(one)
    sibling = one | {"forename": "GRACE", "date_of_birth": "2012-07-08"}
    apart = score(model, {}, one, twin)
    assert apart.two_class_weight > 10
    assert apart.probability < 0.9
    assert apart.probability_twin > 0.1
    assert score(model, {}, one, sibling).probability_sibling > 0.9
    assert score(model, {}, one, again).probability > 0.999
    assert score(model, {}, one, again).family_weight < 0


def test_a_familys_chance_of_agreeing_is_never_above_one() -> None:
    alike_level = Level("alike", Always(), m=0.5, u=0.5, term_frequency=TermFrequency("surname", own_u=False))
    exact = Level("same", equal("surname"), m=0.5, u=0.001)
    level = msgspec.structs.replace(alike_level, twin=0.75, condition=alike("surname", 0.8))
    # SMITH is 40 times as common as the average that u was learnt from: "u" of this value would be 20
    comparison = Comparison("surname", (exact, level, Level("other", Always(), m=0.1, u=0.1)))
    model = Model("capped", (comparison,), (), 0.1, 0.1, 0.1)
    found = score(model, FREQUENCIES, *pair("SMITH", "SMYTHE"))
    same, twin, sibling, unrelated = 0.1 * 0.5, 0.1 * 1.0, 0.1 * 1.0, 0.7 * 20
    assert found.probability_twin == pytest.approx(twin / (same + twin + sibling + unrelated))
    assert found.probability_sibling == pytest.approx(sibling / (same + twin + sibling + unrelated))


def test_hundreds_of_tiny_probabilities_do_not_underflow() -> None:
    level = Level("rare", Always(), m=1e-300, u=1e-299, twin=1e-300, sibling=None)
    model = Model("tiny", tuple(Comparison(f"c{i}", (level,)) for i in range(300)), (), 1e-3, 1e-4, 1e-4)
    found = score(model, {}, {}, {})
    assert found.two_class_weight == pytest.approx(log2(1e-3 / 0.999) - 300 * log2(10))
    assert found.probability == pytest.approx(0.0, abs=1e-200)
    assert isclose(found.probability_sibling, 1e-4 / (1 - 1e-3 - 1e-4), rel_tol=1e-9)


@pytest.mark.parametrize("weight", [-5000.0, -1.0, 0.0, 1.0, 5000.0, inf, -inf])
def test_a_probability_stays_between_0_and_1(weight: float) -> None:
    assert 0 <= probability_of(weight) <= 1
    assert probability_of(weight) + probability_of(-weight) == pytest.approx(1)


@pytest.mark.parametrize(
    "priors", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.5, 0.3, 0.3), (0.1, -0.1, 0.0), (float("nan"), 0.0, 0.0)]
)
def test_impossible_priors_are_refused(priors: tuple[float, float, float]) -> None:
    with pytest.raises(Invalid, match="priors"):
        score(Model("wrong", (SURNAME,), (), *priors), {}, *pair("SMITH", "SMITH"))


def test_an_untrained_model_is_refused_by_name() -> None:
    untrained = Comparison("surname", (Level("whatever", Always()),))
    with pytest.raises(Invalid, match="Comparison surname, level whatever: not trained"):
        score(Model("untrained", (untrained,), ()), {}, {}, {})


# --- blocking ---------------------------------------------------------------------------------------------------------

letters = st.none() | st.text("AB", max_size=3)
block_records = st.lists(
    st.fixed_dictionaries({"name": letters, "codes": st.none() | st.lists(st.sampled_from("XYZ"), max_size=3)}),
    max_size=12,
)
RULES = (
    BlockingRule((KeyPart("name"),)),
    BlockingRule((KeyPart("codes"), KeyPart("name", 1, 1))),
    BlockingRule((KeyPart("codes"), KeyPart("name", 2))),
)


def agree(part: KeyPart, left: dict[str, Any], right: dict[str, Any]) -> bool:
    sides = []
    for record in (left, right):
        value = record[part.column]
        texts = [] if value is None else value if isinstance(value, list) else [value]
        end = None if part.length is None else part.start - 1 + part.length
        sides.append({text[part.start - 1 : end] for text in texts} - {""})
    return bool(sides[0] & sides[1])


@given(records=block_records, rules=st.lists(st.sampled_from(RULES), max_size=3))
def test_a_pair_is_compared_when_some_rule_agrees_in_every_part(records: Any, rules: list[BlockingRule]) -> None:
    expected = {
        (i, j)
        for i, j in combinations(range(len(records)), 2)
        if any(all(agree(part, records[i], records[j]) for part in rule.parts) for rule in rules)
    }
    assert blocked_pairs(Model("blocking", (), tuple(rules)), records) == expected


@given(records=block_records, order=st.randoms(use_true_random=False), limit=st.integers(2, 5))
def test_the_order_of_records_does_not_matter(records: Any, order: Any, limit: int) -> None:
    model = Model("blocking", (), RULES, largest_block=limit)
    places = list(range(len(records)))
    order.shuffle(places)
    shuffled = blocked_pairs(model, [records[place] for place in places])
    assert {tuple(sorted((places[i], places[j]))) for i, j in shuffled} == blocked_pairs(model, records)


def test_too_large_a_block_is_left_out_and_told_without_its_key() -> None:
    records = [{"name": "JOHN", "codes": ["X"] if i < 2 else None} for i in range(5)]
    model = Model("blocking", (), RULES[:2], largest_block=4)
    assert blocked_pairs(model, records) == {(0, 1)}  # compared under the other rule all the same
    assert oversized_blocks(model, records) == [("name", 5)]
    assert blocked_pairs(msgspec.structs.replace(model, largest_block=5), records) == set(combinations(range(5), 2))


def test_a_broad_rule_is_passed_over_where_it_brings_too_many_pairs() -> None:
    records = [{"name": "JOHN"}] * 4 + [{"name": None}] * 2  # 6 pairs
    broad = BlockingRule((KeyPart("name"),), most_pairs=6)
    assert len(blocked_pairs(Model("broad", (), (broad,)), records)) == 6
    too_broad = Model("broad", (), (msgspec.structs.replace(broad, most_pairs=5),))
    assert blocked_pairs(too_broad, records) == set()
    assert oversized_blocks(too_broad, records) == [("name", 4)]


# --- frequencies ------------------------------------------------------------------------------------------------------


def test_a_stored_model_names_nobody_rare() -> None:
    names = ["SMITH"] * 60 + ["JONES"] * 20 + ["OKAFOR"] * 19 + ["ZUCKER"] + [None] * 50
    counted = count_frequencies(names)
    assert counted.of("SMITH") == 0.6
    assert counted.of(None) is None
    assert counted.of("NOBODY") is None
    written = write_frequencies({"surname": counted})
    assert written["columns"]["surname"]["values"] == {"SMITH": 0.6, "JONES": 0.2}
    assert "OKAFOR" not in str(written)
    stored = read_frequencies(written)["surname"]
    assert stored.rare_values == 2
    assert stored.of("ZUCKER") == stored.of("NEVER SEEN") == pytest.approx(0.1)


@given(st.lists(st.none() | st.sampled_from("ABCDEFG"), max_size=80), st.integers(1, 30))
def test_pooling_keeps_the_whole_and_is_done_once(names: list[str | None], below: int) -> None:
    counted = count_frequencies(names)
    pooled = pool(counted, below)
    whole = sum(pooled.listed.values()) + pooled.rare_values * (pooled.rare or 0.0)
    assert whole == pytest.approx(1.0 if counted.records else 0.0)
    assert all(share * counted.records >= below - 1e-6 for share in pooled.listed.values())
    assert pool(pooled, below) == pooled
    assert read_frequencies(write_frequencies({"name": counted}, below)) == {"name": pooled}


@pytest.mark.parametrize(
    "written", [{}, {"columns": []}, {"columns": {"a": {}}}, {"columns": {"a": {"values": {"x": "y"}}}}]
)
def test_damaged_frequencies_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="term frequencies"):
        read_frequencies(written)
