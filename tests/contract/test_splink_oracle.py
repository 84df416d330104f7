"""Splink 5 on DuckDB as the oracle: the same levels, the same weights, on the same model and the same pairs."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import splink.comparison_library as library
from hypothesis import example, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from splink import DuckDBAPI, Linker

from samechild.errors import Invalid
from samechild.linkage.conditions import (
    Always,
    And,
    Call,
    Column,
    Compare,
    Dialect,
    IsNull,
    Literal,
    Not,
    Or,
    alike,
    both,
    crossed,
    edits,
    equal,
    exchanged,
    is_value,
    missing,
    shares,
    to_sql,
)
from samechild.linkage.frequencies import count_frequencies
from samechild.linkage.model import BlockingRule, Comparison, KeyPart, Level, Model, TermFrequency
from samechild.linkage.reference import blocked_pairs, holds, level_of, score
from samechild.linkage.similarity import call, lower, upper
from samechild.linkage.splink_settings import read_settings, write_settings

FIXTURES = Path(__file__).parent.parent / "fixtures" / "splink"
FORENAMES = ("ADA", "BEN", "CARA", "DEV", "EDE", "GRACE", "HUW", "IONA", "KOFI", "MAYA", "NOAH", "OMAR", "ROSE", "ZOË")
SURNAMES = ("AHMED", "BAKER", "DAVIES", "EVANS", "IQBAL", "JONES", "KHAN", "OKAFOR", "SMITH", "SMYTHE", "WILLIAMS")


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def typed(chance: random.Random, text: str) -> str:
    """The text with a typing error."""
    place = chance.randrange(len(text))
    match chance.randrange(3):
        case 0:
            return text[:place] + chance.choice("AEIOU19") + text[place + 1 :]
        case 1:
            return text[:place] + text[place + 1 :] or text
        case _:
            return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]


def children(count: int, seed: int) -> list[dict[str, Any]]:
    """Made-up records: two or three of each child, with errors, gaps, exchanged columns and lists."""
    chance = random.Random(seed)
    records: list[dict[str, Any]] = []
    while len(records) < count:
        forename, surname = chance.choice(FORENAMES), chance.choice(SURNAMES)
        born = f"201{chance.randint(0, 3)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        postcode = f"ZZ99 {chance.randint(1, 3)}{chance.choice('ABW')}{chance.choice('AZ')}"
        for _ in range(chance.randint(1, 3)):
            known = {"forename": forename, "surname": surname, "date_of_birth": born, "postcode": postcode}
            known["email"] = f"{forename.lower()}.{surname.lower()}@example.org"
            for field, value in known.items():
                roll = chance.random()
                known[field] = None if roll < 0.08 else typed(chance, value) if roll < 0.25 else value  # type: ignore[assignment]
            if chance.random() < 0.05:
                known["forename"], known["surname"] = known["surname"], known["forename"]
            codes = sorted(chance.sample(["A", "B", "C", "D"], chance.randint(0, 3)))
            records.append(
                {"record_id": f"r{len(records)}", "source": chance.choice("ab"), "sex": chance.choice(["M", "F", None])}
                | known
                | {"codes": codes if chance.random() < 0.9 else None, "postcodes": [postcode, *codes[:1]]}
            )
    return records[:count]


# --- single values ----------------------------------------------------------------------------------------------------

few = tried(max_examples=30)
words = st.text(st.sampled_from("ABCDEabé ë日-'"), max_size=12) | st.text(max_size=8).filter(lambda x: "\0" not in x)
pairs_of_words = st.lists(
    st.tuples(words, words) | words.flatmap(lambda w: st.tuples(st.just(w), st.permutations(list(w)).map("".join))),
    min_size=1,
    max_size=40,
)


def ask(duck: duckdb.DuckDBPyConnection, expression: str, pairs: list[tuple[Any, Any]]) -> list[Any]:
    """What DuckDB says of each pair, as the columns ``l`` and ``r``."""
    given = pa.table({"i": range(len(pairs)), "l": [each[0] for each in pairs], "r": [each[1] for each in pairs]})
    duck.register("given", given)
    return [row[0] for row in duck.execute(f"select {expression} from given order by i").fetchall()]


@pytest.mark.parametrize(
    "function", ["jaro_winkler_similarity", "jaro_similarity", "levenshtein", "damerau_levenshtein", "jaccard"]
)
@few
@given(pairs=pairs_of_words)
@example(pairs=[("", ""), ("A", ""), ("ZOË", "ZOE"), ("AA日éBaca日b", "Aa日éBaca日 "), ("CA", "ABC")])
def test_similarities_are_duckdbs_to_the_last_bit(
    duck: duckdb.DuckDBPyConnection, function: str, pairs: list[tuple[str, str]]
) -> None:
    sql = f"case when l <> '' and r <> '' then {function}(l, r) end" if function == "jaccard" else f"{function}(l, r)"
    assert [call(function, pair) for pair in pairs] == ask(duck, sql, pairs)


def test_small_and_capital_letters_are_duckdbs(duck: duckdb.DuckDBPyConnection) -> None:
    letters = [chr(code) for block in ((0x20, 0x530), (0x1E00, 0x1F00)) for code in range(*block)]
    told = ask(duck, "[lower(l), upper(l)]", [(letter, None) for letter in letters])
    ours = [[lower(letter), upper(letter)] for letter in letters]
    differing = [letter for letter, one, other in zip(letters, ours, told, strict=True) if one != other]
    assert not differing


dates = st.dates().map(str) | st.from_regex(r"[ ]{0,2}[0-9]{1,5}[-/][0-9]{1,3}-[0-9]{1,3}[ x]{0,1}", fullmatch=True)


@few
@given(pairs=st.lists(st.tuples(dates, dates), min_size=1, max_size=40))
@example(pairs=[("2020-2-30", "2020-02-29"), ("20-01-05", " 2020-01-05 "), ("2019-02-29", "12020-01-01"), ("", "2020")])
def test_dates_are_read_as_splink_has_duckdb_read_them(
    duck: duckdb.DuckDBPyConnection, pairs: list[tuple[str, str]]
) -> None:
    pairs = [pair for pair in pairs if not any(date.strip().split("-")[0].strip("0") == "" for date in pair)]
    as_date = "strftime(try_strptime(l, '%Y-%m-%d'), '%Y-%m-%d')"
    between = "abs(epoch(try_strptime(l, '%Y-%m-%d')) - epoch(try_strptime(r, '%Y-%m-%d'))) / 86400"
    if pairs:
        assert [call("iso_date", [pair[0]]) for pair in pairs] == ask(duck, as_date, pairs)
        assert [call("days_between", pair) for pair in pairs] == ask(duck, between, pairs)


SPLINKS_PATTERNS = [
    "^[A-Za-z]{1,2}[0-9][A-Za-z0-9]? [0-9]",
    "^[A-Za-z]{1,2}[0-9][A-Za-z0-9]?",
    "^[A-Za-z]{1,2}",
    "^[^@]+",
]


@pytest.mark.parametrize("pattern", SPLINKS_PATTERNS)
@few
@given(texts=st.lists(st.text(st.sampled_from("AZaz09 @\n.é"), max_size=8), min_size=1, max_size=40))
def test_patterns_match_as_in_duckdb(duck: duckdb.DuckDBPyConnection, pattern: str, texts: list[str]) -> None:
    told = ask(duck, f"regexp_extract(l, '{pattern}', 0)", [(text, None) for text in texts])
    assert [call("regexp_extract", [text, pattern]) for text in texts] == told


@few
@given(
    texts=st.lists(st.tuples(st.none() | words, st.none() | words), min_size=1, max_size=20),
    start=st.integers(1, 6),
    length=st.integers(0, 6),
)
def test_parts_lengths_and_gaps_are_duckdbs(
    duck: duckdb.DuckDBPyConnection, texts: list[tuple[str | None, str | None]], start: int, length: int
) -> None:
    for expression, function, arguments in (
        (f"substr(l, {start}, {length})", "substr", (start, length)),
        (f"substr(l, {start})", "substr", (start,)),
        ("length(l)", "length", ()),
    ):
        ours = [call(function, [one, *arguments]) for one, _ in texts]
        assert ours == ask(duck, expression, texts)
    for function in ("coalesce", "nullif"):
        assert [call(function, pair) for pair in texts] == ask(duck, f"{function}(l, r)", texts)


numbers = st.from_regex(r"[ ]?[-+]?[0-9]{0,19}[.]?[0-9]{0,2}(e[0-9])?[ \n]?", fullmatch=True) | st.sampled_from(
    ["12", " 12 ", "1.5", "-5", "1e3", "0x10", "1_000", "٣", "", "12\n", "0012", "9" * 18, "9" * 19]
)


@pytest.mark.parametrize("dialect", ["duckdb", "splink"])
@few
@given(pairs=st.lists(st.tuples(st.none() | numbers, st.none() | numbers), min_size=1, max_size=40))
@example(pairs=[(odd, "12") for odd in ["12", " 12 ", "1.5", "-5", "1e3", "0x10", "1_000", "٣", "", "12\n", "0012"]])
def test_gaps_are_between_numbers_of_digits_alone(
    duck: duckdb.DuckDBPyConnection, dialect: Dialect, pairs: list[tuple[str | None, str | None]]
) -> None:
    sql = to_sql(Compare("<=", Call("number_gap", both("a")), Literal(3)), dialect).removesuffix(" <= 3")
    told = ask(duck, sql.replace('"a_l"', "l").replace('"a_r"', "r"), pairs)
    assert [call("number_gap", pair) for pair in pairs] == told


# --- conditions -------------------------------------------------------------------------------------------------------

fields = st.sampled_from(["a", "b"])
scalars = st.builds(Column, fields, st.sampled_from("lr")) | st.sampled_from([Literal("A"), Literal("B")])
texts = (
    scalars
    | st.builds(lambda x: Call("lower", (x,)), scalars)
    | st.builds(lambda x, y: Call("coalesce", (x, y)), scalars, scalars)
)
leaves = (
    st.builds(Compare, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), texts, texts)
    | st.builds(IsNull, texts)
    | st.builds(lambda x, y: Compare("<=", Call("levenshtein", (x, y)), Literal(1)), texts, texts)
    | st.just(Always())
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda x: And(tuple(x)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda x: Or(tuple(x)))
    ),
    max_leaves=6,
)
small = st.fixed_dictionaries(
    {"a": st.sampled_from([None, "A", "a", "AB", "é"]), "b": st.sampled_from([None, "A", ""])}
)


@few
@given(tree=trees, left=small, right=small)
def test_every_condition_means_in_sql_what_it_means_here(
    duck: duckdb.DuckDBPyConnection, tree: Any, left: dict[str, Any], right: dict[str, Any]
) -> None:
    sides = {f"{name}_l": value for name, value in left.items()} | {f"{name}_r": value for name, value in right.items()}
    duck.register("pair", pa.table({name: pa.array([value], pa.string()) for name, value in sides.items()}))
    sql = to_sql(tree, "duckdb").replace("ELSE", "TRUE")
    told = duck.execute(f"select {sql} from pair").fetchall()
    assert [(holds(tree, left, right),)] == told


# --- Splink's own comparisons -----------------------------------------------------------------------------------------

TRANSLATED: dict[str, list[Any]] = {
    "ExactMatch": [library.ExactMatch("surname")],
    "LevenshteinAtThresholds": [library.LevenshteinAtThresholds("surname", [1, 2, 4])],
    "DamerauLevenshteinAtThresholds": [library.DamerauLevenshteinAtThresholds("forename", [1, 2])],
    "JaroAtThresholds": [library.JaroAtThresholds("surname", [0.9, 0.7])],
    "JaroWinklerAtThresholds": [library.JaroWinklerAtThresholds("surname", [0.92, 0.88, 0.7])],
    "JaccardAtThresholds": [library.JaccardAtThresholds("surname", [0.9, 0.5])],
    "ArrayIntersectAtSizes": [library.ArrayIntersectAtSizes("codes", [2, 1])],
    "AbsoluteDateDifferenceAtThresholds": [
        library.AbsoluteDateDifferenceAtThresholds(
            "date_of_birth", input_is_string=True, metrics=["day", "month", "year"], thresholds=[1, 1, 1]
        )
    ],
    "DateOfBirthComparison": [library.DateOfBirthComparison("date_of_birth", input_is_string=True)],
    "PostcodeComparison": [library.PostcodeComparison("postcode")],
    "EmailComparison": [library.EmailComparison("email")],
    "NameComparison": [library.NameComparison("forename"), library.NameComparison("forename", dmeta_col_name="codes")],
    "ForenameSurnameComparison": [library.ForenameSurnameComparison("forename", "surname")],
    "DistanceFunctionAtThresholds": [library.DistanceFunctionAtThresholds("surname", "levenshtein", [1, 3], False)],
    "CustomComparison": [
        library.CustomComparison(
            output_column_name="custom",
            comparison_levels=[
                {"sql_condition": "forename_l IS NULL AND NOT (surname_r IS NOT NULL)", "is_null_level": True},
                {"sql_condition": "substr(forename_l, 1, 3) = left(forename_r, 3) AND length(surname_l) > 4"},
                {"sql_condition": "lower(coalesce(surname_l, forename_l)) BETWEEN 'e' AND 'p'"},
                {"sql_condition": "CAST(sex_l AS VARCHAR) IN ('M', 'X') OR sex_r <> 'F'"},
                {"sql_condition": "ELSE"},
            ],
        )
    ],
}
REFUSED: dict[str, list[tuple[Any, str]]] = {
    "PostcodeComparison": [
        (library.PostcodeComparison("postcode", lat_col="lat", long_col="long", km_thresholds=[1]), "cast")
    ],
    "AbsoluteTimeDifferenceAtThresholds": [
        (
            library.AbsoluteTimeDifferenceAtThresholds(
                "date_of_birth", input_is_string=True, metrics=["hour"], thresholds=[1]
            ),
            "try_strptime",
        )
    ],
    "DistanceInKMAtThresholds": [(library.DistanceInKMAtThresholds("lat", "long", [1]), "cast")],
    "CosineSimilarityAtThresholds": [(library.CosineSimilarityAtThresholds("vector", [0.5]), "cosine")],
    "PairwiseStringDistanceFunctionAtThresholds": [
        (library.PairwiseStringDistanceFunctionAtThresholds("codes", "levenshtein", [1]), "min")
    ],
}


def settings_of(*comparisons: Any) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "sql_dialect": "duckdb",
        "comparisons": [each.get_comparison("duckdb").as_dict() for each in comparisons],
    }


def test_every_comparison_of_splinks_library_is_translated_or_refused() -> None:
    in_library = {name for name in dir(library) if name[0].isupper()}
    assert in_library == set(TRANSLATED) | set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_translated_is_refused_by_name(name: str) -> None:
    for comparison, construct in REFUSED[name]:
        written = settings_of(comparison)
        with pytest.raises(Invalid) as refusal:
            read_settings(written)
        assert f"Comparison {written['comparisons'][0]['output_column_name']}, level " in str(refusal.value)
        assert construct in str(refusal.value).lower()


@pytest.mark.parametrize("name", TRANSLATED)
def test_levels_are_those_splinks_sql_gives(duck: duckdb.DuckDBPyConnection, name: str) -> None:
    records = children(70, seed=11)
    pairs = list(combinations(range(len(records)), 2))
    duck.register("records", pa.Table.from_pylist([{"i": i} | record for i, record in enumerate(records)]))
    columns = ", ".join(f'l."{c}" as "{c}_l", r."{c}" as "{c}_r"' for c in records[0])
    for each in TRANSLATED[name]:
        written = settings_of(each)
        levels = written["comparisons"][0]["comparison_levels"]
        sql = " ".join(
            f"WHEN {level['sql_condition']} THEN {i}" if level["sql_condition"] != "ELSE" else f"ELSE {i}"
            for i, level in enumerate(levels)
        )
        told = duck.execute(
            f"select case {sql} end from "
            f"(select {columns}, l.i as i, r.i as j from records l join records r on l.i < r.i) order by i, j"
        ).fetchall()
        (comparison,) = read_settings(written).comparisons
        ours = [level_of(comparison, records[i], records[j]) for i, j in pairs]
        assert ours == [row[0] for row in told]
        assert len(set(ours)) >= min(3, len(levels))  # the made-up records do reach different levels


# --- whole models -----------------------------------------------------------------------------------------------------


def splinks_answer(written: dict[str, Any], records: list[dict[str, Any]]) -> dict[tuple[int, int], dict[str, Any]]:
    """Splink's predictions for every pair its rules bring together, by position."""
    ids = {record["record_id"]: i for i, record in enumerate(records)}
    api = DuckDBAPI()
    linker = Linker(
        api.register(pa.Table.from_pylist(records)),
        written | {"retain_intermediate_calculation_columns": True},
        log_level=50,
    )
    rows = linker.inference.predict().as_record_list()
    found = {}
    for row in rows:
        i, j = sorted((ids[row["record_id_l"]], ids[row["record_id_r"]]))
        found[i, j] = row
    return found


def compare_with_splink(written: dict[str, Any], records: list[dict[str, Any]]) -> int:
    """Assert the same pairs, levels, weights and probabilities; give the number of pairs."""
    model = read_settings(written)
    told = splinks_answer(written, records)
    columns = {
        level.term_frequency.column for each in model.comparisons for level in each.levels if level.term_frequency
    }
    frequencies = {column: count_frequencies(record[column] for record in records) for column in columns}
    assert set(told) == blocked_pairs(model, records)
    for (i, j), row in told.items():
        if row["record_id_l"] == records[i]["record_id"]:
            ours = score(model, frequencies, records[i], records[j])
        else:
            ours = score(model, frequencies, records[j], records[i])
        for comparison, level, weight in zip(model.comparisons, ours.levels, ours.weights, strict=True):
            ordered = [k for k, each in enumerate(comparison.levels) if not each.is_null]
            gamma = -1 if comparison.levels[level].is_null else len(ordered) - 1 - ordered.index(level)
            assert row[f"gamma_{comparison.name}"] == gamma
            splinks = row[f"mw_{comparison.name}"] + row.get(f"mw_tf_adj_{comparison.name}", 0.0)
            assert weight == pytest.approx(splinks, abs=1e-6)
        assert ours.two_class_weight == pytest.approx(row["match_weight"], abs=1e-6)
        assert ours.match_weight == ours.two_class_weight
        assert ours.probability == pytest.approx(row["match_probability"], abs=1e-9)
    return len(told)


@pytest.mark.parametrize("name", ["children_splink5.json", "children_splink4.json"])
def test_a_model_trained_by_splink_gives_splinks_weights(name: str) -> None:
    written = json.loads((FIXTURES / name).read_text(encoding="utf-8"))
    assert compare_with_splink(written, children(300, seed=3)) > 500


def test_a_level_never_met_in_training_weighs_what_splink_gives_it() -> None:
    written = json.loads((FIXTURES / "children_splink5.json").read_text(encoding="utf-8"))
    for comparison in written["comparisons"]:
        comparison["comparison_levels"][-2].pop("m_probability", None)
        comparison["comparison_levels"][-1].pop("u_probability", None)
    written["comparisons"][0]["comparison_levels"][2]["m_probability"] = "level not observed in training dataset"
    assert compare_with_splink(written, children(150, seed=4)) > 100


def test_our_model_written_for_splink_weighs_the_same_there() -> None:
    model = Model(
        name="written",
        comparisons=(
            Comparison(
                "names",
                (
                    Level("missing", missing("forename", "surname"), is_null=True),
                    Level("same", And((equal("forename"), equal("surname"))), m=0.7, u=0.001),
                    Level(
                        "same surname", equal("surname"), m=0.1, u=0.05, term_frequency=TermFrequency("surname", 0.8)
                    ),
                    Level("exchanged", exchanged("forename", "surname"), m=0.02, u=1e-5),
                    Level("one crossed", crossed("forename", "surname"), m=0.01, u=1e-4),
                    Level(
                        "alike",
                        Or((alike("forename", 0.9), And((alike("surname", 0.88), Not(is_value("forename", "ADA")))))),
                        m=0.1,
                        u=0.02,
                        term_frequency=TermFrequency("forename", 0.5, minimum=0.07, own_u=True),
                    ),
                    Level("other", Always(), m=0.07, u=0.9),
                ),
                "written by hand",
            ),
            Comparison(
                "born",
                (
                    Level("missing", missing("date_of_birth"), is_null=True),
                    Level("same", equal("date_of_birth"), m=0.9, u=0.001),
                    Level("typing error", edits("date_of_birth", 1), m=0.05, u=0.003),
                    Level(
                        "within a month",
                        Compare(
                            "<=",
                            Call("days_between", both("date_of_birth")),
                            Literal(31),
                        ),
                        m=0.02,
                        u=0.02,
                    ),
                    Level("other", Always(), m=0.03, u=0.976),
                ),
            ),
            Comparison(
                "codes",
                (
                    Level("missing", missing("codes"), is_null=True),
                    Level("two", shares("codes", 2), m=0.3, u=0.1),
                    Level("one", shares("codes"), m=0.5, u=0.4),
                    Level("other", Always(), m=0.2, u=0.5),
                ),
            ),
        ),
        blocking=(
            BlockingRule((KeyPart("surname"), KeyPart("forename", 1, 1))),
            BlockingRule((KeyPart("date_of_birth", 1, 7), KeyPart("codes"))),
            BlockingRule((KeyPart("postcode", 6),)),
        ),
        prior=0.003,
    )
    written = write_settings(model)
    assert written == write_settings(model)
    read = read_settings(json.loads(json.dumps(written)), name="written")
    assert read == model
    assert compare_with_splink(written, children(250, seed=5)) > 500
