"""Results open in a spreadsheet as they are, run nothing, and come back exactly."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from samechild.errors import Invalid
from samechild.files import write_workbook as workbooks
from samechild.files.read import read
from samechild.files.write import as_given, harmless, write_csv, write_parquet
from samechild.files.write_workbook import write_workbook

CELLS = st.none() | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("=+-@'\"\t\r\n ,;&<>_x"),
    max_size=9,
)
DANGEROUS = ["=1+1", "+44", "-5", "@SUM(A1)", "\tx", "\rx", "'=1", "''=1", " =1", "＝1", "\ufeff=1", "\n=1"]
FINE = ["'tis", "O'Brien", "Ann-Marie", "a=b", "", " x", "'", "é", "x＝1"]


def csv_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=10), st.booleans())
@example([("=1+1", '"'), ("'=1", None), (None, "a,b\r\n")], True)
def test_csv_comes_back_exactly_and_runs_nothing(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, str | None]], coded: bool
) -> None:
    columns = [pa.chunked_array([pa.array(list(cells), pa.string())]) for cells in zip(*rows, strict=True)]
    columns = columns or [pa.chunked_array([], pa.string())] * 2
    if coded:
        columns = [column.dictionary_encode() for column in columns]
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    write_csv(pa.table(columns, names=["a", "b"]), path)
    back = csv_rows(path)
    assert back[0] == ["a", "b"]
    assert [[as_given(cell) for cell in row] for row in back[1:]] == [[cell or "" for cell in row] for row in rows]
    assert not any(cell.lstrip()[:1] in tuple("=+-@") for row in back for cell in row if cell.strip())


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_a_spreadsheet_might_run_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == "'" + text
    assert as_given(harmless(text)) == text


@pytest.mark.parametrize("text", FINE)
def test_other_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text
    assert as_given(text) == text


def test_csv_looks_as_a_spreadsheet_expects(tmp_path: Path) -> None:
    table = pa.table(
        {"id": ["007", "=x"], "weight": [-1.5, None], "n": pa.array([1, 2], pa.int32()), "names": [["a", "b"], None]}
    )
    write_csv(table, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes() == b"\xef\xbb\xbfid,weight,n,names\r\n007,-1.5,1,a; b\r\n'=x,,2,\r\n"


def test_a_heading_runs_nothing_either(tmp_path: Path) -> None:
    write_csv(pa.table({"=cmd": ["a"]}), tmp_path / "x.csv")
    assert csv_rows(tmp_path / "x.csv")[0] == ["'=cmd"]


def test_blank_cells_of_a_lone_column_stay_rows(tmp_path: Path) -> None:
    write_csv(pa.table({"a": ["x", None, "y"]}), tmp_path / "x.csv")
    assert csv_rows(tmp_path / "x.csv") == [["a"], ["x"], [""], ["y"]]


def test_slices_and_many_pieces_are_written_whole(tmp_path: Path) -> None:
    count = (1 << 18) + 1000
    numbers = pa.array([f"n{n % 977}" for n in range(count)])
    table = pa.table({"a": numbers, "b": numbers.dictionary_encode(), "c": pa.array(range(count))}).slice(500)
    write_csv(table, tmp_path / "x.csv")
    assert read(tmp_path / "x.csv").table.to_pydict() == {
        "a": table["a"].to_pylist(),
        "b": table["a"].to_pylist(),
        "c": [str(n) for n in range(500, count)],
    }


def test_parquet_keeps_types(tmp_path: Path) -> None:
    table = pa.table(
        {"a": pa.array(["x", None, "x"]).dictionary_encode(), "w": [1.5, None, 2.0], "l": [["a"], [], None]}
    )
    write_parquet(table, tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet").equals(table)


XML_CELLS = st.none() | st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"))
    | st.sampled_from("=&<>_x0041\x01\x1f\t\n"), min_size=1, max_size=9
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(XML_CELLS, XML_CELLS), min_size=1, max_size=8), st.booleans())
@example([("_x0041_", "a&b<c>\x01"), ("=1+1", " kept "), ("007", None)], True)
def test_a_workbook_comes_back_exactly_by_another_reader(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, str | None]], coded: bool
) -> None:
    columns = [pa.array(list(cells), pa.string()) for cells in zip(*rows, strict=True)]
    path = tmp_path_factory.mktemp("xlsx") / "x.xlsx"
    write_workbook(pa.table([c.dictionary_encode() if coded else c for c in columns], names=["a", "b"]), path)
    sheet = openpyxl.load_workbook(path).active
    back = [tuple(cell.value for cell in row) for row in sheet.iter_rows(min_row=2)]
    decoded = [tuple(openpyxl.utils.escape.unescape(v) if isinstance(v, str) else v for v in row) for row in back]
    assert decoded == rows
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_a_workbook_has_frozen_headings_a_filter_text_cells_and_choices(tmp_path: Path) -> None:
    table = pa.table({"nhs_number": ["0999123"], "weight": [-1.5], "n": [2], "answer": pa.array([None], pa.string())})
    write_workbook(table, tmp_path / "x.xlsx", sheet="Review", choices={"answer": ["same", "different", "cannot tell"]})
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["Review"]
    assert [cell.value for cell in sheet[2]] == ["0999123", -1.5, 2, None]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:D2")
    assert sheet["A2"].number_format == "@"
    assert sheet["A1"].font.bold
    [rule] = sheet.data_validations.dataValidation
    assert (rule.formula1, str(rule.sqref)) == ('"same,different,cannot tell"', "D2")


def test_workbooks_read_back_as_we_read_them(tmp_path: Path) -> None:
    table = pa.table({"id": ["007", "=x", "a\nb"], "n": ["1", None, "&"]})
    write_workbook(table, tmp_path / "x.xlsx")
    assert read(tmp_path / "x.xlsx").table.to_pydict() == table.to_pydict()


def test_more_rows_than_a_sheet_holds_go_to_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_ROWS", 3)
    write_workbook(pa.table({"a": [str(n) for n in range(8)]}), tmp_path / "x.xlsx", sheet="Children")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert book.sheetnames == ["Children", "Children 2", "Children 3"]
    assert [cell.value for sheet in book for (cell,) in sheet.iter_rows(min_row=2)] == [str(n) for n in range(8)]
    assert all(sheet["A1"].value == "a" for sheet in book)


def test_a_cell_too_long_for_excel_is_cut_visibly(tmp_path: Path) -> None:
    write_workbook(pa.table({"a": ["x" * 40_000]}), tmp_path / "x.xlsx")
    value = openpyxl.load_workbook(tmp_path / "x.xlsx").active["A2"].value
    assert len(value) == 32_767
    assert value.endswith("…")


def test_an_empty_table_is_a_workbook_with_headings(tmp_path: Path) -> None:
    write_workbook(pa.table({"a": pa.array([], pa.string()), "n": pa.array([], pa.float64())}), tmp_path / "x.xlsx")
    assert [cell.value for cell in openpyxl.load_workbook(tmp_path / "x.xlsx").active[1]] == ["a", "n"]


def test_too_many_columns_for_a_sheet_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="16,385 columns"):
        write_workbook(pa.table({str(n): ["x"] for n in range(16_385)}), tmp_path / "x.xlsx")


def test_the_same_table_gives_the_same_bytes_of_content(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(pa.table({"a": ["x"]}), tmp_path / name)
    one, two = (zipfile.ZipFile(tmp_path / name) for name in ("a.xlsx", "b.xlsx"))
    assert [one.read(entry) for entry in one.namelist()] == [two.read(entry) for entry in two.namelist()]
