"""One pair at a time is weighed as the reference defines and as millions are in bulk: levels, weights, reasons."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from linking import the_town_linked
from samechild.errors import Invalid
from samechild.linkage import matching, reference
from samechild.linkage.bulk import ScoredPairs, score_pairs
from samechild.linkage.coded import code_table
from samechild.linkage.compiled import Prepared, finder
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
    edits,
    equal,
    exchanged,
    is_value,
    issued_together,
    missing,
    shares,
)
from samechild.linkage.constraints import Constraints, Why, pair_list
from samechild.linkage.frequencies import count_frequencies
from samechild.linkage.matching import Matcher
from samechild.linkage.model import Comparison, Level, Model, TermFrequency
from samechild.linkage.models.children import children_model
from samechild.linkage.scoring import frequencies_of
from samechild.records import Record, fields

Values = dict[str, Any]


@cache
def the_matcher() -> Matcher:
    linked = the_town_linked()
    return Matcher(linked.model, linked.frequencies)


def prepared(matcher: Matcher, records: list[Values]) -> list[Prepared]:
    return [matcher.prepare(Record(**{"source": "a", "record_id": "1", **each})) for each in records]


def in_bulk(matcher: Matcher, records: list[Values], left: Any, right: Any) -> ScoredPairs:
    """What bulk linking says of pairs of records, with the matcher's model and frequencies."""
    declared = fields()
    columns = {
        name: pa.array(
            [None if each.get(name) is None else each[name] for each in records],
            pa.list_(pa.string()) if declared[name].many else pa.string(),
        )
        for name in matcher.columns
    }
    table = code_table(pa.table(columns), matcher.columns)
    nobody = pair_list(np.zeros(0, np.int64), np.zeros(0, np.int64), len(records))
    constraints = Constraints(nobody, nobody, nobody, np.zeros(0, np.int32))
    known = frequencies_of(matcher.model, table, matcher.frequencies)
    return score_pairs(table, matcher.model, known, constraints, left.astype(np.int32), right.astype(np.int32))


def assert_weighed_alike(matcher: Matcher, records: list[Values], left: Any, right: Any) -> set[Why]:
    """Compare with bulk (all that it says) and with the reference (weights to 1e-9); returns the reasons met."""
    ready, told, met = prepared(matcher, records), in_bulk(matcher, records, left, right), set()
    for place, (i, j) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        found = matcher.weigh(ready[i], ready[j])
        assert found.levels == tuple(int(level[place]) for level in told.levels)
        assert found.why == told.why[place]
        wanted = reference.score(matcher.model, matcher.frequencies, records[i], records[j])
        assert found.weight == pytest.approx(wanted.match_weight, abs=1e-9)
        assert found.two_class == pytest.approx(wanted.two_class_weight, abs=1e-9)
        assert found.twin == pytest.approx(wanted.probability_twin, abs=1e-9)
        assert found.sibling == pytest.approx(wanted.probability_sibling, abs=1e-9)
        assert found.weight == pytest.approx(told.weight[place], abs=1e-6)
        met.add(found.why)
    return met


# --- a town -----------------------------------------------------------------------------------------------------------


def records_of_the_town() -> list[Values]:
    result = the_town_linked()
    names = [name for name in result.records.column_names if name in fields() and name not in ("source", "record_id")]
    rows: list[Values] = result.records.select(names).to_pylist()
    return [{k: tuple(v) if isinstance(v, list) else v for k, v in row.items() if v is not None} for row in rows]


def named(table: pa.Table, source: str, record: str) -> list[tuple[str, str]]:
    return list(zip(table[source].to_pylist(), table[record].to_pylist(), strict=True))


def test_a_town_is_weighed_one_by_one_as_in_bulk() -> None:
    result, records = the_town_linked(), records_of_the_town()
    rows = {name: row for row, name in enumerate(named(result.records, "source", "record_id"))}
    ends = [[rows[name] for name in named(result.pairs, f"source_{side}", f"record_{side}")] for side in "ab"]
    some = np.random.default_rng(3).integers(0, len(records), (1500, 2))
    left, right = (np.concatenate([np.array(ends[k]), some[:, k]]) for k in range(2))
    met = assert_weighed_alike(the_matcher(), records, left, right)
    assert {Why.NOTHING, Why.TWINS, Why.NAMES_AND_NUMBERS_DIFFER} <= met


# --- awkward records: a few values that agree, nearly agree, contradict -----------------------------------------------


def some_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


awkward = st.fixed_dictionaries(
    {
        "forename": some_of("ANNA", "ANNE", "HANNA", "ANNIKA", "LEE", "ÉVA", "B"),
        "surname": some_of("LEE", "LEA", "ANNA", "OKONKWO", "OKONKWA", "ÉVA"),
        "forename_variants": some_of(("ANN",), ("ANN", "HAN"), ("LEO",)),
        "given_names": some_of(("ANNA", "LEE"), ("LEE",), ("EVA", "B")),
        "surname_parts": some_of(("LEE", "ANNA"), ("LEA",)),
        "middle_names": some_of("MAY", "MAE", "ROSE"),
        "date_of_birth": some_of("2015-03-09", "2015-09-03", "2015-03-19", "2015-04-29", "2011-01-01"),
        "birth_date_swapped": some_of("2015-09-03", "2015-03-09"),
        "birth_month": some_of("2015-03", "2015-04"),
        "birth_year": some_of("2015", "2011"),
        "sex": some_of("F", "M"),
        "birth_order": some_of("1", "2"),
        "postcode": some_of("ZZ99 3WZ", "ZZ99 3WX", "ZZ1 1AA"),
        "nhs_number": some_of("9990000018", "9990000026", "9991234560"),
        "nhs_number_status": some_of("01", "02"),
        "upn": some_of("A800000012001", "A800000012002", "B900000011001"),
        "upn_kind": some_of("permanent", "temporary"),
        "upns": some_of(("A800000012001",), ("A800000012002", "B900000011001")),
    }
)


@tried(max_examples=60)
@given(records=st.lists(awkward, min_size=2, max_size=6))
def test_awkward_records_are_weighed_one_by_one_as_in_bulk(records: list[Values]) -> None:
    left, right = np.triu_indices(len(records))
    assert_weighed_alike(the_matcher(), records, np.append(left, right), np.append(right, left))


# --- any condition ----------------------------------------------------------------------------------------------------

texts = st.sampled_from([None, "", "A", "AB", "ABC", "BA", "é", "ABÉ", "12", "14", " 12", "2020-01-31", "2020-02-01"])
lists = st.none() | st.lists(st.sampled_from(["", "A", "AB", "é"]), max_size=3).map(tuple)
PLACES = {"forename": 0, "surname": 1, "given_names": 2, "postcodes": 3}
records_of_four = st.lists(st.tuples(texts, texts, lists, lists), min_size=2, max_size=5)
text_fields, list_fields = st.sampled_from(["forename", "surname"]), st.sampled_from(["given_names", "postcodes"])
columns = st.builds(Column, text_fields, st.sampled_from("lr"))
similarities = st.sampled_from(["jaro_winkler_similarity", "jaro_similarity", "jaccard"])
distances = st.sampled_from(["levenshtein", "damerau_levenshtein", "number_gap", "days_between"])
leaves = st.one_of(
    st.builds(equal, text_fields, text_fields),
    st.builds(equal, list_fields),
    st.builds(alike, text_fields, st.sampled_from([0.0, 0.5, 2 / 3, 0.8, 1.0]), similarities),
    st.builds(edits, text_fields, st.integers(0, 2), distances),
    st.builds(lambda f, x, y, n: Compare(">=", Call(f, (x, y)), Literal(n)), similarities, columns, columns,
              st.sampled_from([0.5, 0.9])),
    st.builds(shares, list_fields, st.integers(0, 2)),
    st.builds(issued_together, text_fields, st.integers(1, 2), st.integers(1, 3), st.integers(0, 3)),
    st.builds(exchanged, st.just("forename"), st.just("surname")),
    st.builds(is_value, text_fields, st.sampled_from(["A", "12"])),
    st.builds(missing, text_fields | list_fields),
    st.just(Or((missing("surname"), exchanged("surname", "forename")))),
    st.builds(lambda x: Compare("=", Call("substr", (Column(x, "l"), Literal(1), Literal(2))),
                                Call("substr", (Column(x, "r"), Literal(1), Literal(2)))), text_fields),
    st.builds(lambda s, x, y: Compare(s, x, y), st.sampled_from(["=", "<>", "<", ">="]), columns, columns),
    st.builds(IsNull, columns),
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
@given(records=records_of_four, conditions=st.lists(trees, min_size=1, max_size=4), plain=st.booleans())
def test_every_level_is_the_references(records: list[Prepared], conditions: list[Condition], plain: bool) -> None:
    start = [missing("forename"), equal("forename")] if plain else []
    levels = [Level(str(place), condition) for place, condition in enumerate([*start, *conditions])]
    comparison = Comparison("any", (*levels, Level("other", Always())))
    find = finder(comparison, PLACES)
    for one in records:
        for other in records:
            left, right = (dict(zip(PLACES, each, strict=True)) for each in (one, other))
            assert find(one, other) == reference.level_of(comparison, left, right)


def test_a_comparison_that_fits_nobody_says_so() -> None:
    find = finder(Comparison("forename", (Level("same", equal("forename")),)), PLACES)
    with pytest.raises(Invalid, match="no level fits"):
        find(("A", None, None, None), ("B", None, None, None))


# --- what goes with it ------------------------------------------------------------------------------------------------


def test_the_evidence_is_what_links_parquet_shows() -> None:
    result, records = the_town_linked(), records_of_the_town()
    counted = {name: count_frequencies(each.get(name) for each in records) for name in result.frequencies}
    matcher = Matcher(result.model, counted)
    ready = dict(zip(named(result.records, "source", "record_id"), prepared(matcher, records), strict=True))
    for link in result.links.slice(0, 60).to_pylist():
        left, right = (ready[link[f"source_{side}"], link[f"record_{side}"]] for side in "ab")
        pieces = matcher.evidence(matcher.weigh(left, right).levels, left, right)
        assert [abs(weight) for *_, weight in pieces] == sorted((abs(weight) for *_, weight in pieces), reverse=True)
        assert {name for name, *_ in pieces} == {each.name for each in result.model.comparisons}
        for name, words, weight in pieces:
            assert words == link[f"level_{name}"]
            assert weight == pytest.approx(link[f"weight_{name}"], abs=1e-4)


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    matcher = the_matcher()
    common = max(matcher.frequencies["forename"].listed.items(), key=lambda each: each[1])[0]
    told = []
    for name in (common, "THEODOLINDE"):
        one, other = prepared(matcher, [{"forename": name}, {"forename": name}])
        found = matcher.weigh(one, other)
        told.append({piece[0]: piece[2] for piece in matcher.evidence(found.levels, one, other)}["forename"])
    assert told[1] > told[0] + 2


def test_a_model_of_two_classes_has_no_twins() -> None:
    matcher = the_matcher()
    plain = msgspec.structs.replace(matcher.model, prior_twin=0.0, prior_sibling=0.0)
    two = Matcher(plain, matcher.frequencies)
    one, other = prepared(two, [{"surname": "LEE", "date_of_birth": "2015-03-09", "birth_year": "2015"}] * 2)
    found = two.weigh(one, other)
    assert (found.twin, found.weight) == (0.0, found.two_class)


def test_memory_that_is_full_starts_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_REMEMBERED", 2)
    result = the_town_linked()
    records = records_of_the_town()[:40]
    left, right = np.triu_indices(len(records))
    assert_weighed_alike(Matcher(result.model, result.frequencies), records, left, right)


def test_a_model_that_cannot_be_used_says_why() -> None:
    with pytest.raises(Invalid, match="not been trained"):
        Matcher(children_model(["forename", "surname"]), {})
    level = Level("same", equal("shoe_size"), m=0.9, u=0.1, term_frequency=TermFrequency("shoe_size"))
    with pytest.raises(Invalid, match="no field here"):
        Matcher(Model("any", (Comparison("shoe_size", (level,)),), (), 0.1), {})
