"""One suite for every SQL engine: the same functions, the same pairs, the same children as on one machine."""

from __future__ import annotations

import datetime
import importlib.util
import os
import random
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest

from samechild.demographics.standardise import standardise
from samechild.engines import Engine, open_engine
from samechild.engines.engine import Dialect
from samechild.engines.spark import OF_A_CLUSTER
from samechild.errors import Invalid, Unavailable
from samechild.files.gather import gather
from samechild.files.read import read_files
from samechild.linkage import blocking, bulk, reference, sql_engine, training
from samechild.linkage.actions import Options, Result, Said, link
from samechild.linkage.coded import code_table
from samechild.linkage.comparison import Pairs, levels_of
from samechild.linkage.conditions import (
    FUNCTIONS,
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
    Scalar,
    alike,
    missing,
    shares,
)
from samechild.linkage.model import BlockingRule, Comparison, KeyPart, Level, Model
from samechild.linkage.models.children import children_model
from samechild.linkage.sql_blocking import block
from samechild.linkage.sql_engine import PackedLevels
from samechild.linkage.sql_functions import condition_sql, define_functions, levels_sql
from samechild.town import write_town

TODAY = datetime.date(2025, 9, 1)
HAS_SPARK = importlib.util.find_spec("pyspark") is not None and (shutil.which("java") or "JAVA_HOME" in os.environ)
ENGINES = [
    "duckdb",
    pytest.param(
        "spark",
        marks=[
            pytest.mark.slow,
            pytest.mark.xdist_group("spark"),
            pytest.mark.skipif(not HAS_SPARK, reason="needs PySpark (the spark extra) and Java"),
        ],
    ),
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    opened = open_engine(request.param)
    define_functions(opened)
    yield opened
    opened.close()


# --- what every engine can do -----------------------------------------------------------------------------------------


class TestTables:
    def test_coded_columns_lists_and_missing_values_go_in_and_come_out(self, engine: Engine) -> None:
        lists = pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int32()), pa.array([["p", "q"], ["r"]]))
        table = pa.table({"rec": [1, 2, 3], "name": pa.array(["é", None, ""]).dictionary_encode(), "many": lists})
        engine.register("given", table)
        back = engine.fetch("SELECT * FROM given").sort_by("rec")
        assert back.to_pylist() == [
            {"rec": 1, "name": "é", "many": ["p", "q"]},
            {"rec": 2, "name": None, "many": None},
            {"rec": 3, "name": "", "many": ["r"]},
        ]

    def test_an_empty_table_keeps_its_columns(self, engine: Engine) -> None:
        engine.register("given", pa.table({"one": pa.array([], pa.int32()), "name": pa.array([], pa.string())}))
        back = engine.fetch("SELECT * FROM given")
        assert (back.num_rows, back.column_names) == (0, ["one", "name"])

    def test_a_name_means_what_was_put_there_last(self, engine: Engine) -> None:
        engine.register("thing", pa.table({"a": [1]}))
        engine.keep("thing", "SELECT 2 AS a")
        assert engine.fetch("SELECT a FROM thing")["a"].to_pylist() == [2]
        engine.register("thing", pa.table({"a": [3]}))
        assert engine.fetch("SELECT a FROM thing")["a"].to_pylist() == [3]

    def test_what_is_kept_no_longer_needs_what_it_came_from(self, engine: Engine) -> None:
        engine.register("source", pa.table({"a": [1, 2, 2]}))
        engine.keep("kept", "SELECT a, count(*) AS n FROM source GROUP BY a")
        engine.drop("source")
        assert engine.fetch("SELECT * FROM kept").sort_by("a").to_pylist() == [{"a": 1, "n": 1}, {"a": 2, "n": 2}]
        engine.drop("kept")
        with pytest.raises(Exception, match=r"(?i)kept"):
            engine.fetch("SELECT * FROM kept")

    def test_dropping_what_is_not_there_is_no_mistake(self, engine: Engine) -> None:
        engine.drop("never_seen")

    def test_a_function_of_ours_gets_columns_with_their_missing_values(self, engine: Engine) -> None:
        engine.define("joined_up", lambda a, b: pc.binary_join_element_wise(a, b, "+"), ("text", "text"), "text")
        engine.register("given", pa.table({"a": ["x", None, "z"], "b": ["1", "2", "3"]}))
        back = engine.fetch("SELECT b, joined_up(a, b) AS j FROM given").sort_by("b")
        assert back["j"].to_pylist() == ["x+1", None, "z+3"]


def test_an_engine_nobody_knows_is_refused() -> None:
    with pytest.raises(Invalid, match="duckdb or spark"):
        open_engine("oracle")


def test_without_pyspark_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(Unavailable, match=r"samechild\[spark\]"):
        open_engine("spark")


def test_without_java_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    sql, functions = ModuleType("pyspark.sql"), ModuleType("pyspark.sql.functions")
    sql.SparkSession = SimpleNamespace(getActiveSession=lambda: None, builder=None)  # type: ignore[attr-defined]
    functions.arrow_udf = None  # type: ignore[attr-defined]
    for name, module in (
        ("pyspark", ModuleType("pyspark")),
        ("pyspark.sql", sql),
        ("pyspark.sql.functions", functions),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("JAVA_HOME", *OF_A_CLUSTER):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="Install Java 17"):
        open_engine("spark")


@pytest.mark.parametrize("sql", ["SELECT * FROM read_csv('{0}')", "COPY (SELECT 1) TO '{0}.out'", "LOAD httpfs"])
def test_duckdb_reaches_nothing_outside(sql: str, tmp_path: Path) -> None:
    import duckdb

    (tmp_path / "secret").write_text("a\n1\n", encoding="utf-8")
    opened = open_engine("duckdb")
    with pytest.raises(duckdb.Error):
        opened.fetch(sql.format(tmp_path / "secret"))
    with pytest.raises(duckdb.Error, match=r"(?i)configuration"):
        opened.keep("x", "SELECT 1; SET enable_external_access = true")
    opened.close()
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


# --- one test for each function ---------------------------------------------------------------------------------------

TEXTS = [
    "", "A", "AB", "BA", "MARTHA", "MARHTA", "DWAYNE", "DUANE", "DIXON", "DICKSONX", "SMITH", "SMYTH", "ÉMILE", "EMILE",
    "O'NEIL", "Straße", "ŁUCJA", "Иван", "a b", " A", "A ", "2010-01-31", "2010-02-30", "2010-1-3", "2011-01-31",
    "2010", "2010-01", " 2012-02-29", "20100131", "1", "0012", "12", " 12", "+5", "-3", "1e3", "1.5",
    "123456789012345678", "1234567890123456789", "A\\B", "x'y", "UN1", "E06000001", "999 000 0018",
]  # fmt: skip
LISTS = [["A"], ["A", "B"], ["B", "C", "D"], [], ["É"], None]
X, Y = Column("x", "l"), Column("x", "r")

CALLS: dict[str, list[tuple[Scalar, ...]]] = {
    **{
        name: [(X, Y)]
        for name in (
            "jaro_winkler_similarity", "jaro_similarity", "jaccard", "levenshtein", "damerau_levenshtein",
            "days_between", "number_gap", "coalesce", "nullif",
        )
    },
    **{name: [(X,)] for name in ("iso_date", "lower", "upper")},
    "shared": [(Column("many", "l"), Column("many", "r"))],
    "length": [(X,), (Column("many", "l"),)],
    "substr": [(X, Literal(1), Literal(1)), (X, Literal(2), Literal(3)), (X, Literal(40), Literal(2))],
    "regexp_extract": [(X, Literal("[A-Z]+[0-9]")), (X, Literal("^[^ ]+")), (X, Literal("[0-9]{2,4}"))],
    "nullif ": [(X, Literal("x'y")), (X, Literal("A\\B"))],
}  # fmt: skip


def some_texts(count: int) -> list[str]:
    chance = random.Random(7)
    return ["".join(chance.choices("ABCDEé", k=chance.randrange(1, 12))) for _ in range(count)]


def meetings() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of records: every text of the list with every other, names that look alike, and missing values."""
    chance = random.Random(1)
    texts = [(a, b) for a in [*TEXTS, None] for b in [*TEXTS, None]]
    texts += [
        (a, a[:place] + b[place:])
        for a, b, place in zip(some_texts(600), reversed(some_texts(600)), [3] * 600, strict=True)
    ]
    return [({"x": a, "many": chance.choice(LISTS)}, {"x": b, "many": chance.choice(LISTS)}) for a, b in texts]


def in_engine(engine: Engine, conditions: list[Condition], pairs: list[Any], wanted: list[Any]) -> list[list[Any]]:
    """What the engine says of each condition for each pair: true, false or None."""
    kind = (
        pa.array([value for value in wanted if value is not None]).type if any(v is not None for v in wanted) else None
    )
    columns = {"place": pa.array(range(len(pairs)), pa.int32()), "want_l": pa.array(wanted, kind or pa.string())}
    for side, letter in ((0, "l"), (1, "r")):
        columns[f"x_{letter}"] = pa.array([pair[side]["x"] for pair in pairs], pa.string())
        columns[f"many_{letter}"] = pa.array([pair[side]["many"] for pair in pairs], pa.list_(pa.string()))
    engine.register("meetings", pa.table(columns))
    asked = ", ".join(f"({condition_sql(c, engine.dialect, {'many'})}) AS c{n}" for n, c in enumerate(conditions))
    back = engine.fetch(f"SELECT place, {asked} FROM meetings").sort_by("place")
    return [back[f"c{number}"].to_pylist() for number in range(len(conditions))]


@pytest.mark.parametrize("function", CALLS)
def test_a_function_gives_what_the_reference_gives(engine: Engine, function: str) -> None:
    pairs = meetings()
    for arguments in CALLS[function]:
        call = Call(function.strip(), arguments)
        wanted = [reference.value_of(call, left, right) for left, right in pairs]
        equal, null = in_engine(engine, [Compare("=", call, Column("want", "l")), IsNull(call)], pairs, wanted)
        wrong = [
            (pair, want)
            for pair, want, same, nothing in zip(pairs, wanted, equal, null, strict=True)
            if (nothing is not True if want is None else same is not True)
        ]
        assert not wrong[:5], f"{len(wrong)} of {len(pairs)} differ"
        assert any(want is not None for want in wanted)


def test_every_function_has_its_test() -> None:
    assert {name.strip() for name in CALLS} == FUNCTIONS.keys()


def test_conditions_with_missing_values_are_neither_true_nor_false(engine: Engine) -> None:
    like, short = alike("x", 0.8), Compare("<", Call("length", (X,)), Literal(4))
    conditions: list[Condition] = [
        Compare(">=", Call("jaro_winkler_similarity", (X, Y)), Literal(threshold))
        for threshold in (0.7, 0.8, 0.88, 0.92, 1.0)
    ]
    conditions += [Not(like), And((like, short)), Or((like, Not(short))), Or((missing("x"), shares("many"))), Always()]
    conditions += [Compare("<>", X, Y), Compare("=", X, Literal("x'y")), Not(Or((And((like, short)), IsNull(Y))))]
    pairs = meetings()
    answers = in_engine(engine, [c for c in conditions if not isinstance(c, Always)], pairs, [None] * len(pairs))
    for condition, found in zip([c for c in conditions if not isinstance(c, Always)], answers, strict=True):
        assert found == [reference.holds(condition, left, right) for left, right in pairs], condition


def test_a_level_is_the_first_that_holds_and_the_last_when_none_does(engine: Engine) -> None:
    children = children_model({"forename", "surname", "forename_variants", "given_names"}).comparisons[0]
    cut = msgspec.structs.replace(
        children, levels=(*children.levels[:2], Level("rest", Always()), *children.levels[2:])
    )
    left, right = ({"forename": name, "surname": "A", "forename_variants": None, "given_names": None} for name in "AB")
    columns = {f"{name}_{side}": pa.array([record[name]], pa.list_(pa.string()) if name[-1] == "s" else pa.string())
               for side, record in (("l", left), ("r", right)) for name in left}  # fmt: skip
    engine.register("meetings", pa.table(columns))
    for comparison in (children, cut):
        sql = levels_sql(comparison, engine.dialect, {"forename_variants", "given_names"})
        level = engine.fetch(f"SELECT {sql} AS level FROM meetings")["level"].to_pylist()
        assert level == [reference.level_of(comparison, left, right)]


# --- the same pairs ---------------------------------------------------------------------------------------------------


def some_records(count: int) -> list[dict[str, Any]]:
    chance = random.Random(3)

    def text(letters: str, most: int) -> str | None:
        return chance.choice([None, "".join(chance.choices(letters, k=chance.randrange(1, most)))])

    return [
        {
            "a": text("AB", 4),
            "b": text("ABC", 3),
            "many": chance.choice([None, sorted(set(chance.choices("PQRS", k=chance.randrange(1, 3))))]),
            "more": chance.choice([None, ["X"], ["X", "Y"]]),
            "same": "EVERYBODY",
        }
        for _ in range(count)
    ]


def a_rule(*parts: KeyPart, most: int | None = None) -> BlockingRule:
    return BlockingRule(parts, most_pairs=most)


A, B, MANY, MORE = KeyPart("a"), KeyPart("b"), KeyPart("many"), KeyPart("more")
RULES = {
    "whole and a part": a_rule(A, KeyPart("b", length=1)),
    "a part from the second letter": a_rule(KeyPart("a", start=2, length=2), B),
    "to the end": a_rule(KeyPart("a", start=2)),
    "a list": a_rule(MANY, A),
    "two lists": a_rule(MORE, B, MANY),
    "blocks too large": a_rule(B),
    "one block of everybody": a_rule(KeyPart("same")),
    "too many pairs": a_rule(A, B, most=0),
    "just few enough pairs": a_rule(A, B, most=5_000),
}


def a_model(*rules: BlockingRule, largest: int = 40) -> Model:
    levels = (
        Level("missing", missing("a"), is_null=True),
        Level("same", Compare("=", Column("a", "l"), Column("a", "r"))),
    )
    return Model("small", (Comparison("a", (*levels, Level("other", Always()))),), rules, largest_block=largest)


@pytest.mark.parametrize("names", [*([name] for name in RULES), list(RULES)], ids=[*RULES, "all together"])
def test_blocking_finds_what_the_reference_finds(engine: Engine, names: list[str]) -> None:
    records = some_records(200)
    model = a_model(*(RULES[name] for name in names))
    table = pa.Table.from_pylist(records)
    engine.register("records", table.append_column("rec", pa.array(np.arange(len(records), dtype=np.int32))))
    counts = block(engine, model.blocking, model.largest_block, {"many", "more"})
    found = engine.fetch("SELECT one, other, rules FROM pairs").to_pylist()
    assert {(row["one"], row["other"]) for row in found} == reference.blocked_pairs(model, records)
    assert len({(row["one"], row["other"]) for row in found}) == len(found)
    local = blocking.block(code_table(table, table.column_names), model.blocking, model.largest_block)
    assert counts == local.counts
    assert sorted((r["one"], r["other"], r["rules"]) for r in found) == list(
        zip(local.left.tolist(), local.right.tolist(), local.rules.tolist(), strict=True)
    )


def test_lists_whose_values_begin_alike_meet_once(engine: Engine) -> None:
    records: list[dict[str, Any]] = [
        {"many": ["ANN", "ANNA"]},
        {"many": ["ANNE"]},
        {"many": [""]},
        {"many": []},
        {"many": ["", "ANTON"]},
    ]
    model = a_model(BlockingRule((KeyPart("many", length=2),)), largest=3)
    engine.register("records", pa.Table.from_pylist(records).append_column("rec", pa.array(range(5), pa.int32())))
    block(engine, model.blocking, 3, {"many"})
    found = {(row["one"], row["other"]) for row in engine.fetch("SELECT * FROM pairs").to_pylist()}
    assert found == reference.blocked_pairs(model, records) == {(0, 1), (0, 4), (1, 4)}


def test_rules_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(Invalid, match="none of the fields a"):
        blocking.usable_rules((a_rule(A),), {"surname"})
    with pytest.raises(Invalid, match="at most 32"):
        blocking.usable_rules((a_rule(A),) * 33, {"a"})


@pytest.mark.parametrize("comparisons", [1, 11, 40])
def test_a_pattern_is_packed_and_unpacked(comparisons: int) -> None:
    chance = np.random.default_rng(5)
    plain = a_model(a_rule(A)).comparisons[0]
    sizes = chance.integers(2, 9, comparisons)
    packed = PackedLevels(tuple(msgspec.structs.replace(plain, levels=plain.levels[:1] * int(size)) for size in sizes))
    levels = [chance.integers(0, size, 50).astype(np.uint8) for size in sizes]
    columns = {}
    for name, group in zip(packed.names, packed.groups, strict=True):
        steps = np.cumprod([1, *(int(sizes[number]) for number in group[:-1])], dtype=np.int64)
        columns[name] = sum(levels[number].astype(np.int64) * step for number, step in zip(group, steps, strict=True))
    assert (len(packed.groups) > 1) == (comparisons == 40)
    for found, wanted in zip(packed.unpacked(pa.table(columns)), levels, strict=True):
        assert found.tolist() == wanted.tolist()


# --- the same children ------------------------------------------------------------------------------------------------


@cache
def a_town() -> tuple[pa.Table, dict[str, Any]]:
    """The records of 3,000 children, and what a run is told beside them."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "town"
        write_town(folder, children=3_000, seed=11)
        files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "run.json")
        given = gather(read_files([str(path) for path in files])).given
        never = pyarrow.csv.read_csv(folder / "truth" / "never_link.csv").to_pylist()
        superseded = pyarrow.csv.read_csv(
            folder / "truth" / "superseded.csv",
            convert_options=pyarrow.csv.ConvertOptions(column_types={"old": pa.string(), "new": pa.string()}),
        ).to_pylist()
    return given, {
        "never_link": tuple(tuple(row.values()) for row in never),
        "superseded": tuple((row["old"], row["new"]) for row in superseded),
    }


def linked_with(engine: str, given: pa.Table, **told: Any) -> Result:
    return link(given, Options(TODAY, engine=engine, **told))


@pytest.fixture
def _small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a little town is sampled, and its pairs brought in several goes, as a large one's would be."""
    monkeypatch.setattr(training, "RANDOM_PAIRS", 100_000)
    monkeypatch.setattr(training, "TRAINING_PAIRS", 20_000)
    monkeypatch.setattr(sql_engine, "FETCHED", 9_000)


@pytest.fixture(params=["all pairs", "needed pairs only"])
def _many_or_few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of bringing pairs here: all of them, or without those of strangers."""
    if request.param != "all pairs":
        monkeypatch.setattr(sql_engine, "ALL_AT_ONCE", 0)


def decisions_of(first: Result) -> tuple[Said, ...]:
    """A few answers of a person that go against what a first run found."""
    pairs = first.pairs.select(["source_a", "record_a", "source_b", "record_b", "decision"]).to_pylist()
    same = [row for row in pairs if row["decision"] == "same"][:40:8]
    other = [row for row in pairs if row["decision"] == "different"][:40:8]
    return tuple(
        Said(row["source_a"], row["record_a"], row["source_b"], row["record_b"], row in other, "looked at")
        for row in [*same, *other]
    )


@cache
def linked_here() -> tuple[Result, dict[str, Any]]:
    """What one machine makes of the town when people have decided, and of an earlier run; and what it was told."""
    given, told = a_town()
    first = linked_with("local", given, **told)
    told = told | {
        "said": decisions_of(first),
        "previous": first.children.slice(500),
        "single_sources": ("alder_education",),
    }
    return linked_with("local", given, **told), told


@pytest.mark.usefixtures("_small_samples", "_many_or_few")
def test_a_town_is_linked_as_on_one_machine(engine: Engine) -> None:
    here, told = linked_here()
    there = linked_with(engine.dialect, a_town()[0], **told)
    assert here.model == there.model
    for name in ("children", "pairs", "links", "records", "review", "restricted", "problems", "changes"):
        assert_same(getattr(here, name), getattr(there, name), name)
    assert here.counts == there.counts
    assert here.counts["pairs_compared"] > 3 * sql_engine.FETCHED
    assert here.counts["never_link_pairs"] > 0
    assert here.counts["children"] < here.counts["records"]
    assert here.changes is not None
    assert here.changes.num_rows > 0
    assert_alike(msgspec.to_builtins(here.summary), msgspec.to_builtins(there.summary), "summary")


def assert_alike(here: Any, there: Any, place: str) -> None:
    """Equal, real numbers to 1e-6, whatever is inside what."""
    if isinstance(here, dict):
        assert here.keys() == there.keys(), place
        for key, value in here.items():
            assert_alike(value, there[key], f"{place}.{key}")
    elif isinstance(here, list | tuple):
        assert len(here) == len(there), place
        for number, (one, other) in enumerate(zip(here, there, strict=True)):
            assert_alike(one, other, f"{place}[{number}]")
    elif isinstance(here, float):
        assert here == pytest.approx(there, abs=1e-6), place
    else:
        assert here == there, place


def assert_same(here: pa.Table, there: pa.Table, name: str) -> None:
    """Equal tables, real numbers to 1e-6."""
    assert here.schema == there.schema, name
    assert here.num_rows == there.num_rows, name
    for column in here.column_names:
        one, other = here[column], there[column]
        if pa.types.is_floating(one.type):
            np.testing.assert_allclose(
                one.to_numpy().astype(float),
                other.to_numpy().astype(float),
                rtol=0,
                atol=1e-6,
                err_msg=f"{name}.{column}",
            )
        else:
            assert one.to_pylist() == other.to_pylist(), f"{name}.{column}"


@pytest.mark.usefixtures("_small_samples")
def test_pairs_of_strangers_are_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    given, _ = a_town()
    taken: list[int] = []

    def counted(*told: Any, **more: Any) -> Any:
        taken.append(len(told[4]))
        return bulk.put_together(*told, **more)

    monkeypatch.setattr(sql_engine, "put_together", counted)
    for limit in (10**9, 0):
        monkeypatch.setattr(sql_engine, "ALL_AT_ONCE", limit)
        linked_with("duckdb", given)
    assert taken[1] < 0.9 * taken[0], taken


@pytest.mark.usefixtures("_small_samples")
def test_pairs_within_a_child_are_brought_even_when_first_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    given, _ = a_town()
    goes: list[tuple[Any, Any]] = []

    def most(self: Any, *told: Any) -> None:
        self._bring("SELECT * FROM compared WHERE (one * 31 + other * 17) % 3 > 0")

    def noted(*told: Any, **more: Any) -> Any:
        goes.append((told[4], bulk.put_together(*told, **more)))
        return goes[-1][1]

    monkeypatch.setattr(sql_engine, "ALL_AT_ONCE", 0)
    monkeypatch.setattr(sql_engine, "put_together", noted)
    monkeypatch.setattr(sql_engine._Compared, "keep_needed", most)
    linked_with("duckdb", given)
    left_behind = [(pairs.left.astype(np.int64) * 31 + pairs.right * 17) % 3 == 0 for pairs, _ in goes]
    assert not left_behind[0].any()
    assert left_behind[1].any()
    for (_, before), (pairs, _), behind in zip(goes[:-1], goes[1:], left_behind[1:], strict=True):
        fresh = np.flatnonzero(behind)
        assert (before.child[pairs.left[fresh]] == before.child[pairs.right[fresh]]).any()


@pytest.mark.usefixtures("_small_samples")
def test_a_trained_model_weighs_another_file_as_on_one_machine(engine: Engine) -> None:
    given, _ = a_town()
    trained = linked_with("local", given.slice(0, 6_000)).model
    assert trained.is_trained
    small = msgspec.structs.replace(trained, largest_block=6)
    rest = given.slice(6_000)
    here, there = (linked_with(name, rest, model=small) for name in ("local", engine.dialect))
    assert_same(here.pairs, there.pairs, "pairs")
    assert_same(here.children, there.children, "children")
    assert here.summary is not None
    assert there.summary is not None
    assert here.summary.blocking == there.summary.blocking
    assert any(each.skipped_blocks for each in there.summary.blocking)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.usefixtures("_small_samples", "_many_or_few")
def test_hardly_any_records_make_hardly_any_pairs(engine: Engine, rows: int) -> None:
    given = pa.table(
        {
            "source": ["a", "b"],
            "record_id": ["1", "2"],
            "row": pa.array([1, 1], pa.int32()),
            "forename": ["ANN", "ZOE"],
            "surname": ["MOSS", "HILL"],
            "date_of_birth": ["2015-03-04", "2011-09-08"],
        }
    ).slice(0, rows)
    here, there = (linked_with(name, given) for name in ("local", engine.dialect))
    assert_same(here.children, there.children, "children")
    assert there.pairs.num_rows == 0


def test_levels_of_all_comparisons_are_those_of_the_local_engine(engine: Engine) -> None:
    given, _ = a_town()
    made = standardise(given.slice(0, 1_500), today=TODAY).table
    model = children_model(made.column_names)
    table = code_table(made, made.column_names)
    chance = np.random.default_rng(9)
    left, right = (chance.integers(0, table.rows, 20_000).astype(np.int32) for _ in range(2))
    names = list(dict.fromkeys(name for each in model.comparisons for name in each.columns))
    lists = {name for name in names if table[name].is_list}
    columns = {"place": pa.array(range(len(left)), pa.int32())}
    for side, which in (("l", left), ("r", right)):
        columns |= {f"{name}_{side}": made[name].take(pa.array(which)) for name in names}
    engine.register("meetings", pa.table(columns))
    dialect: Dialect = engine.dialect
    asked = ", ".join(f"{levels_sql(each, dialect, lists)} AS c{n}" for n, each in enumerate(model.comparisons))
    back = engine.fetch(f"SELECT place, {asked} FROM meetings").sort_by("place")
    for number, comparison in enumerate(model.comparisons):
        wanted = levels_of(comparison, Pairs(table, left, right))
        assert np.array_equal(back[f"c{number}"].to_numpy(), wanted), comparison.name
