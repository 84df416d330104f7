"""Splink's settings, read, written, and refused by name; and the file of what Splink has no word for."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from samechild.errors import Invalid
from samechild.linkage import conditions
from samechild.linkage.conditions import (
    Always,
    And,
    Call,
    Column,
    Compare,
    IsNull,
    Literal,
    Not,
    Or,
    both,
    equal,
    missing,
    shares,
    to_sql,
)
from samechild.linkage.model import (
    BlockingRule,
    Comparison,
    KeyPart,
    Level,
    Model,
    PairClass,
    TermFrequency,
    Thresholds,
)
from samechild.linkage.model_extra import read_extra, write_extra
from samechild.linkage.splink_settings import read_settings, write_settings
from samechild.linkage.splink_sql import read_condition

FIXTURES = Path(__file__).parents[2] / "fixtures" / "splink"
TRAINED = FIXTURES / "children_splink5.json"


def trained() -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(TRAINED.read_text(encoding="utf-8"))
    return settings


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_trained_model_is_read_whole() -> None:
    model = read_settings(TRAINED)
    assert model.name == "children_splink5"
    assert model.is_trained
    assert not model.has_family
    assert [each.name for each in model.comparisons] == [
        "forename",
        "surname",
        "date_of_birth",
        "postcode",
        "postcodes",
        "sex",
    ]
    assert model.blocking == (
        BlockingRule((KeyPart("date_of_birth"),)),
        BlockingRule((KeyPart("surname"), KeyPart("forename", 1, 1))),
        BlockingRule((KeyPart("postcodes"), KeyPart("sex"))),
    )
    surname = model.comparisons[1]
    assert surname.levels[0] == Level("surname is NULL", missing("surname"), is_null=True)
    assert surname.levels[1].condition == equal("surname")
    assert surname.levels[1].m == trained()["comparisons"][1]["comparison_levels"][1]["m_probability"]
    assert surname.levels[1].term_frequency == TermFrequency("surname", 0.9, 0.002)
    assert surname.levels[3].term_frequency == TermFrequency("surname", 0.25, own_u=True)
    assert model.comparisons[4].levels[1].condition == shares("postcodes", 1)


def test_splink_4_and_5_files_are_read_alike() -> None:
    assert read_settings(FIXTURES / "children_splink4.json", "x") == read_settings(TRAINED, "x")


def test_a_dictionary_a_text_and_a_path_say_the_same() -> None:
    text = TRAINED.read_text(encoding="utf-8")
    assert read_settings(trained(), "x") == read_settings(text, "x") == read_settings(str(TRAINED), "x")


def test_a_spark_model_reads_as_the_same_conditions() -> None:
    model = read_settings(FIXTURES / "untrained_spark.json")
    assert not model.is_trained
    by_name = {comparison.name: comparison for comparison in model.comparisons}
    ours = read_settings(TRAINED)
    for name, comparison in ((each.name, each) for each in ours.comparisons if each.name in ("forename", "postcode")):
        assert [level.condition for level in by_name[name].levels] == [level.condition for level in comparison.levels]
    days = by_name["date_of_birth"].levels[3].condition
    assert days == Compare("<=", Call("days_between", both("date_of_birth")), Literal(30))
    assert model.blocking[1] == BlockingRule((KeyPart("forename", 1, 2), KeyPart("date_of_birth")))


@pytest.mark.parametrize(
    ("dialect", "sql", "condition"),
    [
        ("duckdb", "a_l IS NOT NULL", Not(IsNull(Column("a", "l")))),
        ("duckdb", '"a_l" = "a_r" AND "b_l" = "b_r" AND TRUE', And((equal("a"), equal("b"), Always()))),
        ("duckdb", "len(list_intersect(a_l, a_r)) > 0", Compare(">", Call("shared", both("a")), Literal(0))),
        ("spark", "size(array_intersect(a_l, a_r)) >= 1", shares("a")),
        ("postgres", "cardinality(array_intersect(a_l, a_r)) >= 1", shares("a")),
        ("sqlite", "jaro_winkler(a_l, a_r) >= 0.9", conditions.alike("a", 0.9)),
        ("duckdb", "3 >= levenshtein(a_l, a_r)", Compare(">=", Literal(3), Call("levenshtein", both("a")))),
        (
            "duckdb",
            "abs(epoch(a_l) - epoch(a_r)) < 2629800.0",
            Compare("<", Call("days_between", both("a")), Literal(30.4375)),
        ),
        (
            "duckdb",
            "86400 >= abs(epoch(a_l) - epoch(a_r))",
            Compare(">=", Literal(1), Call("days_between", both("a"))),
        ),
        (
            "duckdb",
            "abs(date_diff('day', try_cast(a_l AS DATE), CAST(a_r AS DATE))) < 3",
            Compare("<", Call("days_between", (Column("a", "r"), Column("a", "l"))), Literal(3)),
        ),
        (
            "postgres",
            "NULLIF(substring(a_l from '(^[A-Z]{1,2})'), '') = NULLIF(substring(a_r from '(^[A-Z]{1,2})'), '')",
            Compare(
                "=",
                *(
                    Call("nullif", (Call("regexp_extract", (side, Literal("^[A-Z]{1,2}"))), Literal("")))
                    for side in both("a")
                ),
            ),
        ),
        ("duckdb", "a_l IN ('X', 'Y')", Or(tuple(Compare("=", Column("a", "l"), Literal(x)) for x in "XY"))),
        (
            "duckdb",
            "left(a_l, 2) = 'It''s'",
            Compare("=", Call("substr", (Column("a", "l"), Literal(1), Literal(2))), Literal("It's")),
        ),
    ],
)
def test_sql_as_analysts_write_it_is_translated(dialect: str, sql: str, condition: conditions.Condition) -> None:
    assert read_condition(sql, dialect, "here") == condition


@pytest.mark.parametrize(("dialect", "read_as"), [("duckdb", "duckdb"), ("splink", "duckdb"), ("spark", "spark")])
@pytest.mark.parametrize(
    "arguments",
    [both("a"), (Call("substr", (Column("a", "l"), Literal(2), Literal(12))), Call("upper", (Column("a", "r"),)))],
)
def test_a_gap_between_numbers_is_read_in_our_own_spelling(
    dialect: conditions.Dialect, read_as: str, arguments: tuple[conditions.Scalar, ...]
) -> None:
    gap = Compare("<=", Call("number_gap", arguments), Literal(3))
    assert read_condition(to_sql(gap, dialect), read_as, "here") == gap


# --- refusing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("soundex(a_l) = soundex(a_r)", "soundex"),
        ("abs(a_l - a_r) <= 2", "abs"),
        ("a_l || b_l = a_r", "dpipe"),
        ("a_l[1:2] = a_r", "bracket"),
        ("trim(a_l) = a_r", "trim"),
        ("a_l = 1", "text with a number"),
        ("levenshtein(a_l, a_r) <= 'x'", "text with a number"),
        ("cast(levenshtein(a_l, a_r) AS TEXT) = '1'", "number"),
        ("cast(a_l AS INTEGER) = 1", "cast"),
        ("substr(a_l, -2, 2) = 'x'", "from the end"),
        ("left(a_l, length(a_r)) = a_r", "plain number"),
        ("regexp_extract(a_l, '\\d+', 0) = 'x'", "pattern"),
        ("regexp_extract(a_l, '^(A)', 1) = 'x'", "whole match"),
        ("regexp_matches(a_l, '^A')", "has no exact translation"),
        ("surname = a_r", "left record"),
        ("l.a_l = a_r", "left record"),
        ("a_l IS DISTINCT FROM a_r", "nullsafe"),
        ("a_l IN (SELECT 'x')", "in"),
        ("try_strptime(a_l, '%d/%m/%Y') IS NULL", "YYYY-MM-DD"),
        ("abs(date_diff('month', a_l, a_r)) <= 1", "days"),
        ("jaro_winkler_similarity(a_l, a_r)", "jarowinkler"),
        ("CASE WHEN a_l = a_r THEN TRUE END", "case"),
        ("a_l = a_r; DROP TABLE x", "not one condition"),
        ("a_l = = a_r", "not one condition"),
        ("", "empty"),
        ("NOT " * 3000 + "a_l = a_r", "nested"),
        ("levenshtein(a_l) = 1", "levenshtein"),
        ("EXISTS (SELECT 1)", "exists"),
        ("abs(try_cast(a_l AS BIGINT) - try_cast(a_r AS BIGINT)) <= 3", "arithmetic on numbers"),
        (
            to_sql(Compare("<=", Call("number_gap", both("a")), Literal(3)), "duckdb").replace(
                "BETWEEN 1", "BETWEEN 0", 1
            ),
            "case of several values",
        ),
    ],
)
def test_sql_without_an_exact_translation_is_refused_by_name(sql: str, named: str) -> None:
    settings = trained()
    settings["comparisons"][1]["comparison_levels"][2]["sql_condition"] = sql
    with pytest.raises(Invalid) as refusal:
        read_settings(settings)
    assert "Comparison surname, level 3 (Jaro-Winkler" in str(refusal.value)
    assert named in str(refusal.value).lower() or named in str(refusal.value)


@pytest.mark.parametrize(
    "rule",
    [
        "l.surname = r.forename",
        "l.surname = r.surname OR l.forename = r.forename",
        "levenshtein(l.surname, r.surname) < 2",
        "substr(l.surname, 1, 2) = substr(r.surname, 1, 3)",
        "l.surname = l.surname",
        "surname = surname",
        "substr(l.surname, -2, 2) = substr(r.surname, -2, 2)",
        "1 = 1",
        5,
        None,
    ],
)
def test_blocking_rules_that_are_no_keys_are_refused_by_number(rule: Any) -> None:
    with pytest.raises(Invalid, match=r"^Blocking rule 2"):
        read_settings(trained() | {"blocking_rules_to_generate_predictions": ["l.sex = r.sex", rule]})


def broken(change: str) -> dict[str, Any]:
    settings = trained()
    comparison = settings["comparisons"][1]
    level = comparison["comparison_levels"][1]
    match change:
        case "no comparisons":
            del settings["comparisons"]
        case "empty comparisons":
            settings["comparisons"] = []
        case "comparison a text":
            settings["comparisons"][1] = "surname"
        case "levels an object":
            comparison["comparison_levels"] = {}
        case "no ELSE":
            comparison["comparison_levels"].pop()
        case "no condition":
            del level["sql_condition"]
        case "same name twice":
            settings["comparisons"][2]["output_column_name"] = "surname"
        case "m a text":
            level["m_probability"] = "high"
        case "m negative":
            level["m_probability"] = -0.5
        case "u not a number":
            level["u_probability"] = float("nan")
        case "u nought":
            level["u_probability"] = 0
        case "weight negative":
            level["tf_adjustment_weight"] = -1
        case "frequency of a formula":
            level["tf_adjustment_column"] = "lower(surname)"
        case "frequency without exact level":
            level["tf_adjustment_column"] = "forename"
        case "prior one":
            settings["probability_two_random_records_match"] = 1
        case "athena":
            settings["sql_dialect"] = "athena"
    return settings


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("no comparisons", "comparisons is not a list"),
        ("empty comparisons", "there must be comparisons"),
        ("comparison a text", "Comparison 2"),
        ("levels an object", "Comparison surname: comparison_levels is not a list"),
        ("no ELSE", "Comparison surname: its last level must be ELSE"),
        ("no condition", "Comparison surname, level 2"),
        ("same name twice", "name of its own"),
        ("m a text", "Comparison surname, level 2.*m_probability"),
        ("m negative", "Comparison surname, level 2.*m_probability"),
        ("u not a number", "Comparison surname, level 2.*u_probability"),
        ("u nought", "Comparison surname, level 2.*u_probability"),
        ("weight negative", "Comparison surname, level 2.*tf_adjustment_weight"),
        ("frequency of a formula", "Comparison surname, level 2.*not the name of a field"),
        ("frequency without exact level", "Comparison surname, level Exact match on surname.*forename"),
        ("prior one", "probability_two_random_records_match"),
        ("athena", "models of athena cannot be read"),
    ],
)
def test_a_damaged_model_is_refused_by_place(change: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_settings(broken(change))


@pytest.mark.parametrize("text", ["{", "[1]", "{" + '"a":{' * 5000, "nowhere.json", "", "\0"])
def test_what_is_no_settings_file_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        read_settings(text)
    damaged = tmp_path / "model.json"
    damaged.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid):
        read_settings(damaged)
    damaged.write_bytes(b"\xff\xfe{")
    with pytest.raises(Invalid):
        read_settings(damaged)


def test_experts_weights_above_one_are_kept() -> None:
    settings = trained()
    settings["comparisons"][5]["comparison_levels"][1] |= {"m_probability": 8, "u_probability": 1}
    assert read_settings(settings).comparisons[5].levels[1].weight == 3.0


# --- there and back ---------------------------------------------------------------------------------------------------

names = st.sampled_from(["forename", "surname", "postcodes", "a field", 'a "quoted" field'])
columns = st.builds(Column, names, st.sampled_from("lr"))
plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6)
texts = st.recursive(
    columns | st.builds(Literal, plain),
    lambda inner: (
        st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["lower", "upper"]), inner)
        | st.builds(lambda f, x, y: Call(f, (x, y)), st.sampled_from(["coalesce", "nullif"]), inner, inner)
        | st.builds(lambda x, *n: Call("substr", (x, *map(Literal, n))), inner, st.integers(1, 9), st.integers(0, 9))
        | st.builds(lambda x: Call("substr", (x, Literal(2))), inner)
        | st.builds(lambda x: Call("regexp_extract", (x, Literal("^[A-Z]{1,2}[0-9]?"))), inner)
        | st.builds(lambda x: Call("iso_date", (x,)), columns)
    ),
    max_leaves=3,
)
floats = st.floats(-1e9, 1e9)
numbers = (
    st.builds(
        lambda f, x, y: Call(f, (x, y)),
        st.sampled_from(
            ["jaro_winkler_similarity", "jaro_similarity", "jaccard", "levenshtein", "damerau_levenshtein"]
        ),
        texts,
        texts,
    )
    | st.builds(lambda x, y: Call("shared", (x, y)), columns, columns)
    | st.builds(lambda x, y: Call("days_between", (x, y)), columns, columns)
    | st.builds(lambda x: Call("length", (x,)), texts)
    | st.builds(Literal, st.integers(-(10**12), 10**12) | floats)
)
operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
leaves = (
    st.builds(Compare, operators, texts, texts)
    | st.builds(Compare, operators, numbers, numbers)
    | st.builds(IsNull, texts)
)


def _no_part_like(kind: type, parts: list[Any]) -> bool:
    return len(parts) > 1 and not any(isinstance(part, kind) for part in parts)


trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).filter(lambda x: _no_part_like(And, x)).map(lambda x: And(tuple(x)))
        | st.lists(inner, min_size=2, max_size=3).filter(lambda x: _no_part_like(Or, x)).map(lambda x: Or(tuple(x)))
    ),
    max_leaves=5,
)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@given(tree=trees)
def test_a_condition_written_as_sql_reads_back_the_same(tree: Any) -> None:
    assert read_condition(to_sql(tree, "splink"), "duckdb", "here") == tree


chances = st.floats(1e-300, 1.0)
maybe = st.none() | chances
labels = st.text(min_size=1, max_size=8)


@st.composite
def models(draw: st.DrawFn) -> Model:
    comparisons = []
    for number in range(draw(st.integers(1, 3))):
        m, u = (draw(st.booleans()) for _ in "mu")

        def level(condition: Any, m: bool = m, u: bool = u) -> Level:
            return Level(
                draw(labels),
                condition,
                m=draw(chances) if m and u else None,
                u=draw(chances) if m and u else None,
                twin=draw(maybe),
                sibling=draw(maybe),
                term_frequency=draw(
                    st.none() | st.builds(TermFrequency, names, st.floats(0, 2), st.floats(0, 1), st.just(True))
                ),
                fix_m=draw(st.booleans()),
                fix_u=draw(st.booleans()),
            )

        comparisons.append(
            Comparison(
                f"comparison {number}",
                (
                    Level("missing", missing("forename"), is_null=True),
                    *(level(draw(trees)) for _ in range(draw(st.integers(0, 2)))),
                    level(Always()),
                ),
                draw(st.text(max_size=5)),
                draw(st.booleans()),
                tuple(draw(st.lists(st.sampled_from(PairClass), max_size=2))),
                draw(st.booleans()),
            )
        )
    part = st.builds(KeyPart, names, st.integers(1, 5), st.none() | st.integers(1, 5))
    rule = st.builds(
        BlockingRule,
        st.lists(part, min_size=1, max_size=3).map(tuple),
        st.booleans(),
        st.none() | st.integers(0, 10**6),
    )
    return Model(
        draw(st.text(max_size=8)),
        tuple(comparisons),
        tuple(draw(st.lists(rule, max_size=3))),
        draw(st.floats(1e-9, 0.5)),
        draw(st.floats(0, 0.2)),
        draw(st.floats(0, 0.2)),
        Thresholds(draw(chances), draw(st.floats(-10, 10)), draw(chances), draw(chances), draw(chances)),
        draw(st.integers(2, 10**6)),
    )


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@tried(max_examples=40)
@given(model=models())
def test_a_model_stored_in_two_files_reads_back_the_same(model: Model) -> None:
    settings, extra = (json.loads(json.dumps(each)) for each in (write_settings(model), write_extra(model)))
    assert read_extra(read_settings(settings), extra) == model
    assert write_settings(model) == settings
    assert write_extra(model) == extra


def test_the_settings_hold_two_classes_and_the_extra_file_the_rest() -> None:
    model = msgspec.structs.replace(read_settings(TRAINED), prior_twin=1e-6)
    first = msgspec.structs.replace(model.comparisons[0].levels[1], twin=0.123456)
    levels = (model.comparisons[0].levels[0], first, *model.comparisons[0].levels[2:])
    comparison = msgspec.structs.replace(model.comparisons[0], levels=levels, identifier=True)
    model = msgspec.structs.replace(model, comparisons=(comparison, *model.comparisons[1:]))
    assert "0.123456" not in json.dumps(write_settings(model))
    extra = write_extra(model)
    assert extra["comparisons"][0]["levels"][1]["twin"] == 0.123456
    assert "m" not in extra["comparisons"][0]["levels"][1]
    assert "condition" not in json.dumps(extra)


def damage(extra: dict[str, Any], kind: str) -> Any:
    match kind:
        case "another model":
            extra["comparisons"][0]["name"] = "other"
        case "a level more":
            extra["comparisons"][0]["levels"].append({})
        case "a comparison fewer":
            extra["comparisons"].pop()
        case "a rule fewer":
            extra["blocking"].pop()
        case "levels a text":
            extra["comparisons"][0]["levels"] = "none"
        case "later format":
            extra["format_version"] = 2
        case "twin a text":
            extra["comparisons"][0]["levels"][1]["twin"] = "often"
        case "twin above one":
            extra["comparisons"][0]["levels"][1]["twin"] = 1.5
        case "threshold above one":
            extra["thresholds"]["join"] = 20
        case "block of one":
            extra["largest_block"] = 1
        case "not an object":
            return [extra]
    return extra


@pytest.mark.parametrize(
    "kind",
    [
        "another model",
        "a level more",
        "a comparison fewer",
        "a rule fewer",
        "levels a text",
        "later format",
        "twin a text",
        "twin above one",
        "threshold above one",
        "block of one",
        "not an object",
    ],
)
def test_a_damaged_or_foreign_extra_file_is_refused(kind: str) -> None:
    model = read_settings(TRAINED)
    with pytest.raises(Invalid, match=r"model\.extra\.json"):
        read_extra(model, damage(copy.deepcopy(write_extra(model)), kind))


def test_an_extra_file_of_an_earlier_release_is_read() -> None:
    model = read_settings(TRAINED)
    extra = write_extra(model) | {"something new": 1}
    del extra["comparisons"][0]["identifier"]
    assert read_extra(model, extra) == model
