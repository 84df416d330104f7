"""Whole tables: nothing lost, everything told, each source read in its own way."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samechild.demographics.columns import Coded, encode, join, paired, to_arrow
from samechild.demographics.problems import MOST_ROWS, SCHEMA, rules
from samechild.demographics.standardise import Standardised, spell_out_lists, standardise
from samechild.errors import Invalid
from samechild.records import Issue, fields

TODAY = date(2026, 11, 22)


def the_table(source: list[str] | str = "education", **columns: list[Any]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table(
        {
            "source": [source] * rows if isinstance(source, str) else source,
            "record_id": [f"r{i}" for i in range(rows)],
            "row": pa.array(range(1, rows + 1), pa.int32()),
            **{name: pa.array(values, pa.string()) for name, values in columns.items()},
        }
    )


def done(source: list[str] | str = "education", **columns: list[Any]) -> Standardised:
    return standardise(the_table(source, **columns), today=TODAY)


def told(result: Standardised) -> list[tuple[str, int, str, str, int]]:
    return [(p["source"], p["row"], p["column"], p["rule"], p["rows"]) for p in result.problems.to_pylist()]


def test_a_child_as_several_agencies_write_it() -> None:
    result = done(
        forename=["Lily-Mae", "LILY", "Lily"], middle_names=[None, "Mae", "mae rose"], surname=["O’Brien", "O Brien",
            "OBRIEN-SMITH"],
        date_of_birth=["2010-01-03", "3 Jan 2010", "03/01/2010"], postcode=["ls16ab", "LS1 6AB", None],
            previous_postcode=[None, "LS2 6AB", "LS1 6AB"],
    ).table  # fmt: skip
    assert result["forename"].to_pylist() == ["LILYMAE", "LILY", "LILY"]
    assert all({"LILY", "MAE", "LILYMAE"} <= set(held) for held in result["given_names"].to_pylist())
    assert all("OBRIEN" in parts for parts in result["surname_parts"].to_pylist())
    assert set(result["date_of_birth"].to_pylist()) == {"2010-01-03"}
    assert all("LS1 6AB" in held for held in result["postcodes"].to_pylist())
    assert result["postcode_sector"].to_pylist() == ["LS1 6", "LS1 6", None]
    assert result["postcode_district"].to_pylist() == ["LS1", "LS1", None]
    assert result["given_forename"].to_pylist() == ["Lily-Mae", "LILY", "Lily"]
    assert result["record_id"].to_pylist() == ["r0", "r1", "r2"]


def test_only_fields_that_can_be_made_are_there() -> None:
    names = done(surname=["Smith"]).table.column_names
    assert names == [
        "source",
        "record_id",
        "row",
        "given_surname",
        "surname",
        "surname_parts",
        "surname_variants",
        "surname_sound",
    ]
    made = done(forename=["Twin 1", "William (Bill) John"], surname=["Smith", "Smith (Jones)"]).table
    assert made["birth_order"].to_pylist() == ["1", None]
    assert made["known_as"].to_pylist() == [None, "BILL"]
    assert made["middle_names"].to_pylist() == [None, "JOHN"]
    assert made["former_surname"].to_pylist() == [None, "JONES"]
    assert set(made.column_names) - {f"given_{f}" for f in ("forename", "surname")} - {"row"} <= set(fields())


def test_each_source_is_read_in_its_own_way() -> None:
    result = done(
        source=["us", "us", "uk", "uk"], date_of_birth=["03/04/2010", "04/25/2010", "03/04/2010", "25/04/2010"],
        postcode=["4000", "4001", "LS1 6AB", "4000"], sex=["W", "K", "M", "W"],
    )  # fmt: skip
    assert result.table["date_of_birth"].to_pylist() == ["2010-03-04", "2010-04-25", "2010-04-03", "2010-04-25"]
    assert result.table["postcode"].to_pylist() == ["4000", "4001", "LS1 6AB", None]
    assert result.table["postcodes"].to_pylist() == [["4000"], ["4001"], ["LS1 6AB"], None]
    assert result.table["postcode_sector"].to_pylist() == [None, None, "LS1 6", None]
    assert result.table["sex"].to_pylist() == ["W", "K", "M", None]
    assert told(result) == [
        ("uk", 4, "postcode", "postcode-form", 1),
        ("uk", 4, "sex", "sex-unreadable", 1),
        ("us", 0, "postcode", "postcode-kept-as-text", 2),
        ("us", 0, "sex", "sex-kept-as-text", 2),
    ]


def test_a_default_date_in_a_file_of_children_and_in_a_historical_one() -> None:
    days = ["1900-01-01", "2010-05-05", "2011-05-05"]
    assert done(date_of_birth=days).table["date_of_birth"].to_pylist() == [None, *days[1:]]
    old = ["1900-01-01", "1810-05-05", "1811-05-05"]
    assert done(date_of_birth=old).table["date_of_birth"].to_pylist() == old


def test_numbers_in_the_wrong_column_go_where_they_belong_unless_that_is_taken() -> None:
    result = done(nhs_number=["9276308686", "9276308686", "9990000018"], uln=[None, "9990000018", None])
    assert result.table["nhs_number"].to_pylist() == [None, "9990000018", "9990000018"]
    assert result.table["uln"].to_pylist() == ["9276308686", "9276308686", None]
    kept = done(nhs_number=["9276308686"], uln=["9876544321"])
    assert kept.table["uln"].to_pylist() == ["9876544321"]
    lone = done(nhs_number=["9276308686"]).table
    assert lone["uln"].to_pylist() == ["9276308686"]
    assert "given_uln" not in lone.column_names


def test_a_mistyped_number_that_passes_another_check_by_chance_is_not_moved() -> None:
    mistyped = ["9990000019", "9990000027", "9990000035", "9276308686"]  # the last passes the check of learner numbers
    result = done(source=["a"] * 4 + ["b"], nhs_number=[*mistyped, "9276308686"])
    assert result.table["uln"].to_pylist() == [None] * 4 + ["9276308686"]
    rules_told = [rule for _, row, _, rule, _ in told(result) if row == 4]
    assert "uln-misplaced" not in rules_told
    assert len(rules_told) == 1


def test_upns() -> None:
    permanent, former = "P207000016049", None
    result = done(upn=[permanent, "UN1", None], former_upn=[former, permanent, permanent]).table
    assert result["upns"].to_pylist() == [[permanent]] * 3
    assert result["upn_kind"].to_pylist() == ["permanent", None, None]
    assert result["upn"].to_pylist() == [permanent, None, None]


def test_local_identifiers_are_named_with_their_area() -> None:
    result = done(la_child_id=["007", "007", None], area=["E08000035", None, "E08000035"]).table
    assert result["la_child_id"].to_pylist() == ["E08000035:007", "007", None]


def test_whole_names_only_where_the_parts_are_missing() -> None:
    result = done(
        forename=["Ann", None, None, None, "Baby"], surname=["Jones", None, "Jones", "Jones", None],
        full_name=["Beth Smith", "SMITH, Beth May", "Beth Smith", "Smith", "Baby Smith"],
    )  # fmt: skip
    assert result.table["forename"].to_pylist() == ["ANN", "BETH", "BETH", None, None]
    assert result.table["surname"].to_pylist() == ["JONES", "SMITH", "JONES", "JONES", "SMITH"]
    assert result.table["middle_names"].to_pylist() == [None, "MAY", None, None, None]
    assert result.table["surname_parts"].to_pylist() == [["JONES"], ["SMITH"], ["JONES"], ["JONES"], ["SMITH"]]


def test_problems_are_told_without_the_value_and_under_the_files_own_heading() -> None:
    table = the_table(
        forename=["Baby", "Zebedee"], nhs_number=["9990000019", "9990000018"], date_of_birth=["31/02/2010", None]
    )
    result = standardise(table, today=TODAY, headings={"education": {"nhs_number": "NHS No."}})
    assert [(p["row"], p["column"], p["rule"]) for p in result.problems.to_pylist()] == [
        (0, "date_of_birth", "column-mostly-unusable"),
        (1, "NHS No.", "nhs-number-check-digit"),
        (1, "date_of_birth", "date-impossible"),
        (1, "forename", "forename-placeholder"),
    ]
    assert result.problems.column_names == list(Issue.__struct_fields__)
    for value in ("Baby", "9990000019", "31/02/2010"):
        assert value not in str([p["message"] for p in result.problems.to_pylist()])


def test_a_problem_of_very_many_rows_is_told_once() -> None:
    rows = MOST_ROWS + 1
    result = done(source=["a"] * rows + ["b"] * 2, surname=["Unknown"] * (rows + 2))
    assert told(result) == [
        ("a", 0, "surname", "surname-placeholder", rows),
        ("b", 1 + rows, "surname", "surname-placeholder", 1),
        ("b", 2 + rows, "surname", "surname-placeholder", 1),
    ]


def test_every_rule_says_what_to_do() -> None:
    for rule, (severity, message) in rules().items():
        assert rule == rule.lower()
        assert " " not in rule
        assert severity in ("error", "warning")
        assert message[0].isupper()
        assert message.endswith((".", ")."))


def test_empty_tables_and_odd_columns() -> None:
    every = {
        field: pa.array([], pa.string())
        for field, one in fields().items()
        if one.given and field not in ("source", "record_id")
    }
    nothing = pa.table(
        {
            "source": pa.array([], pa.string()),
            "record_id": pa.array([], pa.string()),
            "row": pa.array([], pa.int32()),
            **every,
        }
    )
    result = standardise(nothing, today=TODAY)
    assert result.table.num_rows == 0
    assert result.problems.schema == SCHEMA
    nulls = standardise(
        pa.table({"source": ["a"], "record_id": ["1"], "row": [1], "surname": pa.nulls(1), "group_team": ["x"]}),
        today=TODAY,
    )
    assert nulls.table["surname"].to_pylist() == [None]
    assert nulls.table["group_team"].to_pylist() == ["x"]
    assert nulls.table["row"].type == pa.int32()
    blanks = done(surname=["", " ", "Smith"])
    assert blanks.table["surname"].to_pylist() == [None, None, "SMITH"]
    assert blanks.table["given_surname"].to_pylist() == ["", " ", "Smith"]
    assert told(blanks) == []


def test_chunks_and_dictionaries_with_repeats() -> None:
    messy = pa.chunked_array([
        pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2], pa.int8()), pa.array(["Smith", "Smith", None])),
        pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), pa.array(["Jones"])),
    ])  # fmt: skip
    table = pa.table({"source": ["a"] * 5, "record_id": list("12345"), "row": [1, 2, 3, 4, 5], "surname": messy})
    result = standardise(table, today=TODAY).table
    assert result["surname"].to_pylist() == ["SMITH", "SMITH", None, None, "JONES"]
    for name in ("given_surname", "surname", "surname_parts"):
        assert result[name].num_chunks == 1
        values = result[name].chunk(0).dictionary.to_pylist()
        assert len(values) == 2


def test_lists_can_be_written_to_parquet_when_spelt_out(tmp_path: Path) -> None:
    table = done(forename=["Lily-Mae", None], surname=["Smith", "Smith-Jones"]).table
    plain = spell_out_lists(table)
    pq.write_table(plain, tmp_path / "records.parquet")
    back = pq.read_table(tmp_path / "records.parquet")
    assert back.to_pylist() == table.to_pylist() == plain.to_pylist()
    assert plain.schema.field("given_names").type == pa.list_(pa.string())
    assert plain.schema.field("surname").type == table.schema.field("surname").type


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(Invalid, match="record_id"):
        standardise(pa.table({"source": ["a"], "row": [1]}), today=TODAY)
    with pytest.raises(Invalid, match="shoe_size"):
        standardise(the_table(shoe_size=["9"]), today=TODAY)
    with pytest.raises(Invalid, match="given_names"):
        standardise(the_table(given_names=["9"]), today=TODAY)


def test_joined_columns_share_equal_results() -> None:
    one, other = encode(pa.array(["LE", "LEE", None])), encode(pa.array(["EANN", "ANN", "ANN"]))
    both = paired(one, other, "")
    assert both is not None
    assert to_arrow(both).to_pylist() == ["LEEANN", "LEEANN", None]
    assert len(both.values) == 1
    joined = join(one, other, " ")
    assert joined is not None
    assert to_arrow(joined).to_pylist() == ["LE EANN", "LEE ANN", "ANN"]
    assert paired(None, other, "") is None
    assert to_arrow(Coded(np.array([-1], dtype=np.int32), pa.array([], pa.string()))).to_pylist() == [None]


def test_the_data_shipped_is_named_with_its_licence() -> None:
    folder = files("samechild.demographics").joinpath("data")
    licences = folder.joinpath("DATA_LICENCES.md").read_text(encoding="utf-8")
    for entry in folder.iterdir():
        assert entry.name == "DATA_LICENCES.md" or entry.name in licences
    assert "Apache" in folder.joinpath("NOTICES.txt").read_text(encoding="utf-8")
