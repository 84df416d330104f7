"""Whatever an agency sends is read as text, or refused with what to do; nothing is lost silently."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samechild.errors import Invalid, Missing
from samechild.files.read import read, read_files, split_sheet
from samechild.files.records import ReadFile


def rules(file: ReadFile) -> set[str]:
    return {issue.rule for issue in file.issues}


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook(folder: Path, rows: list[list[object]], name: str = "book.xlsx") -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / name)
    return folder / name


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_encodings_are_found(tmp_path: Path, mark: str, encoding: str, end: str) -> None:
    text = end.join([mark.join(row) for row in [("id", "surname"), ("1", "Müller"), ("2", "O’Brien")]]) + end
    file = read(written(tmp_path, "x.csv", text.encode(encoding)))
    assert file.table.to_pydict() == {"id": ["1", "2"], "surname": ["Müller", "O’Brien"]}
    assert ("encoding-guessed" in rules(file)) == (encoding == "cp1252")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            *[st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('",\n;'), max_size=8)] * 3
        ),
        max_size=12,
    )
)
def test_a_quoted_csv_comes_back_cell_for_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path = written(tmp_path_factory.mktemp("csv"), "x.csv", "\n".join(["id,first,second", *quoted]) + "\n")
    expected = [tuple(cell or None for cell in row) for row in rows]
    file = read(path, encoding="utf-8")
    kept = [tuple(row.values()) for row in file.table.to_pylist()]
    assert kept == [row for row in expected if any(row)]
    assert file.rows.to_pylist() == [place for place, row in enumerate(expected, 1) if any(row)]


def test_values_stay_as_they_are(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "id,dob,phone\n007, 2010-01-02 ,+4479\n"))
    assert file.table.to_pylist() == [{"id": "007", "dob": " 2010-01-02 ", "phone": "+4479"}]


def test_excels_own_separator_line_is_obeyed(tmp_path: Path) -> None:
    assert read(written(tmp_path, "x.csv", "sep=;\nid;name\n1;a, b\n")).table.to_pylist() == [
        {"id": "1", "name": "a, b"}
    ]


def test_title_lines_are_passed_over_and_told(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "Children in need\n\nid,surname,dob\n1,A,2010-01-01\n"))
    assert file.table.column_names == ["id", "surname", "dob"]
    assert file.rows.to_pylist() == [1]
    assert "title-lines" in rules(file)


def test_ragged_rows_are_kept_where_possible_and_told_by_number(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "id,a,b\n1,x,y\n2,x\n3,x,y,\n4,x,y,z\n5,p,q\n"))
    assert file.table["id"].to_pylist() == ["1", "2", "3", "5"]
    assert file.rows.to_pylist() == [1, 2, 3, 5]
    told = {(issue.rule, issue.row) for issue in file.issues}
    assert told == {("row-too-short", 2), ("row-too-long", 4), ("extra-blank-cells", 0)}


def test_a_trailing_separator_on_every_row_is_told_once(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "id,a\n" + "1,x,\n" * 50))
    assert [(issue.rule, issue.rows) for issue in file.issues] == [("extra-blank-cells", 50)]
    assert file.table.num_rows == 50


def test_many_short_rows_do_not_become_a_million_messages(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "id,a,b\n" + "1,x\n" * 3000))
    assert len(file.issues) == 1001
    assert sum(issue.rows for issue in file.issues) == 3000


@pytest.mark.parametrize(
    "body",
    ['1,"never closed\n2,x\n3,y\n', '1,a\n2,"open\n' + "3,x\n" * 9, '1,"a"\n2,"b"\n3,"open"" and "" more\n4,x\n'],
)
def test_an_unclosed_quote_is_refused_where_it_opens(tmp_path: Path, body: str) -> None:
    line = 2 + body[: body.index('"never' if "never" in body else '"open')].count("\n")
    with pytest.raises(Invalid, match=f"opened on line {line} is never closed"):
        read(written(tmp_path, "x.csv", "id,a\n" + body))


def test_quoted_line_ends_stay_inside_their_cell(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", 'id,address\n1,"1 High St\nTown"\n2,b\n'))
    assert file.table["address"].to_pylist() == ["1 High St\nTown", "b"]


def test_rows_between_two_stray_quotes_are_not_swallowed(tmp_path: Path) -> None:
    rows = ["1,x", '2,"Ann', "3,y", "4,z", '5,"Bob', "6,w"]
    file = read(written(tmp_path, "x.csv", "id,a\n" + "\n".join(rows) + "\n"))
    assert file.table["id"].to_pylist() == ["1", "2", "3", "4", "5", "6"]
    assert [(issue.rule, issue.row) for issue in file.issues] == [("stray-quote", 2)]


def test_lines_that_cannot_be_told_apart_are_told(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", 'id,a,b\n1,"x\n2,y\n3,"z,w\n4,x,y\n'))
    assert ("rows-swallowed", 1) in {(issue.rule, issue.row) for issue in file.issues}


def test_a_quote_that_swallows_the_whole_file_is_found_where_it_opens(tmp_path: Path) -> None:
    body = '1,"x\n' + "2,yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n" * 100_000
    with pytest.raises(Invalid, match="opened on line 2 is never closed"):
        read(written(tmp_path, "x.csv", "id,a\n" + body))
    with pytest.raises(Invalid):
        read(written(tmp_path, "y.csv", 'id,"a' + "z" * 200_000 + "\n1,2\n"))


def test_blank_lines_between_rows_are_passed_over(tmp_path: Path) -> None:
    assert read(written(tmp_path, "x.csv", 'id,a\n\n1,"x"\n\n\n2,y\n')).table["id"].to_pylist() == ["1", "2"]


def test_a_nul_byte_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="NUL byte near line 3"):
        read(written(tmp_path, "x.csv", b"id,a\n1,x\n2,y\0\n" + b"3,long enough to look like text\n" * 50))


def test_an_endless_line_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        file.write(b"id,a\n1,x\n")
        for _ in range(5):
            file.write(b"x" * (4 << 20))
        file.truncate(2 << 30)  # the rest is a hole: nothing may read that far
    with pytest.raises(Invalid, match="line of more than 8 MiB"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "empty"),
        ("x.json", b"", "empty"),
        ("x.csv", b"\n\n \n", "blank lines"),
        ("x.csv", b"id,surname,id\n1,2,3\n", r'"id" more than once \(columns 1 and 3\)'),
        ("x.csv", b",,\n,,\n", "no headings"),
        ("x.xlsx", b"PK\x03\x04 cut short", "damaged"),
        ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel"),
        (
            "x.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
        ("x.xls", b"<html><table><tr><td>id</td></tr></table></html>", "web page"),
        ("x.csv.gz", b"\x1f\x8b\x08\x00 and so on", "compressed"),
        ("x.csv", b"%PDF-1.7", "PDF"),
        ("x.parquet", b"PAR1 cut short", "damaged"),
        ("x.json", b'[{"id": 1}, {"id": ', "not whole"),
        ("x.json", b'{"a": [{"id": 1}], "b": [{"id": 2}]}', "several lists"),
        ("x.json", b'[{"id": 1, "name": {"first": "A"}}]', r'\[1\]."name"'),
        ("x.json", b'[{"id": 1}, 5]', "item 2"),
        ("x.json", b"[]", "no records"),
        ("x.ndjson", b'{"id": 1}\n{"id": 2, "n": [1]}\n', r'\[2\]."n"'),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        read(written(tmp_path, name, content))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        read(tmp_path / "nothing.csv")
    with pytest.raises(Invalid, match="folder"):
        read(tmp_path)


def test_a_table_wider_than_a_worksheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="20,000 columns"):
        read(written(tmp_path, "x.csv", ",".join(f"c{n}" for n in range(20_000)) + "\n"))


def test_a_wide_table_is_read(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(2_000)]
    assert read(written(tmp_path, "x.csv", ",".join(names) + "\n" + ",".join(names) + "\n")).table.num_columns == 2_000


def test_header_only_is_a_table_without_rows_and_a_warning(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "id,surname\n"))
    assert file.table.num_rows == 0
    assert file.table.column_names == ["id", "surname"]
    assert rules(file) == {"no-rows"}


def test_blank_rows_are_left_out_and_blank_headings_told(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "id,,a,\n1,x,y,\n,,,\n2,,z,\n,,,\n"))
    assert file.table.to_pydict() == {"id": ["1", "2"], "column 2": ["x", None], "a": ["y", "z"]}
    assert file.rows.to_pylist() == [1, 3]
    assert {(issue.rule, issue.column) for issue in file.issues} == {("blank-heading", "column 2"), ("blank-row", "")}


@pytest.mark.parametrize(("name", "kind"), [("x.csv", "xlsx"), ("x.json", "xlsx"), ("x.parquet", "xlsx")])
def test_a_wrong_ending_is_read_for_what_it_is(tmp_path: Path, name: str, kind: str) -> None:
    real = workbook(tmp_path, [["id", "a"], ["1", "x"]])
    file = read(real.rename(tmp_path / name))
    assert (file.format, rules(file)) == (kind, {"wrong-ending"})


def test_text_called_a_workbook_is_read_as_text(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.xlsx", "id,a\n1,x\n"))
    assert (file.format, rules(file)) == ("csv", {"wrong-ending"})


def test_workbook_values_become_plain_text(tmp_path: Path) -> None:
    file = read(
        workbook(
            tmp_path,
            [
                ["NHS", "id", "dob", "seen", "yes", "share"],
                [9990000018, "007", dt.date(2010, 1, 2), dt.datetime(2010, 1, 2, 3, 4), True, 1.5],
            ],
        )
    )
    assert list(file.table.to_pylist()[0].values()) == [
        "9990000018",
        "007",
        "2010-01-02",
        "2010-01-02T03:04:00",
        "true",
        "1.5",
    ]


def test_what_a_workbook_hides_is_told_by_row_and_column(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [
        ["id", "a", "b"],
        ["1", "=1+1", "x"],
        ["2", "y", "#REF!"],
        ["3", "z", "w"],
        ["123456789012345678", None, None],
    ]:
        sheet.append(row)
    sheet["C3"].data_type = "e"
    sheet["A5"] = 1e17
    sheet.merge_cells("B5:C5")
    sheet.row_dimensions[4].hidden = True
    book.create_sheet("Old").sheet_state = "hidden"
    book.save(tmp_path / "book.xlsx")
    file = read(tmp_path / "book.xlsx")
    assert file.table["id"].to_pylist()[:3] == ["1", "2", "3"]
    assert {(issue.rule, issue.row, issue.column) for issue in file.issues} == {
        ("formula-not-calculated", 1, "a"),
        ("error-cell", 2, "b"),
        ("merged-cells", 0, ""),
        ("hidden-rows", 0, ""),
        ("hidden-sheet", 0, ""),
        ("number-rounded", 0, "id"),
    }


def test_several_sheets_are_asked_about(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Pupils"
    book.active.append(["id", "a"])
    book.active.append(["1", "x"])
    other = book.create_sheet("Leavers")
    other.append(["id", "a"])
    other.append(["2", "y"])
    book.create_sheet("Blank")
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(Invalid, match=r'"Pupils", "Leavers".*book\.xlsx#Pupils'):
        read(tmp_path / "book.xlsx")
    assert read(f"{tmp_path / 'book.xlsx'}#leavers").table["id"].to_pylist() == ["2"]
    with pytest.raises(Invalid, match='no sheet "Others"'):
        read(tmp_path / "book.xlsx", sheet="Others")


def test_headings_that_are_numbers_or_dates_stay_plain(tmp_path: Path) -> None:
    file = read(workbook(tmp_path, [["id", 2019, dt.date(2020, 1, 1)], ["1", "x", "y"]]))
    assert file.table.column_names == ["id", "2019", "2020-01-01"]


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="empty"):
        read(workbook(tmp_path, []))


def test_title_rows_of_a_workbook_are_passed_over(tmp_path: Path) -> None:
    file = read(workbook(tmp_path, [["Report of today"], [], ["id", "surname", "dob"], ["1", "A", "2010-01-01"]]))
    assert (file.table.column_names, file.rows.to_pylist()) == (["id", "surname", "dob"], [1])


def test_a_sheet_is_taken_off_a_name_only_when_no_such_file_exists(tmp_path: Path) -> None:
    real = written(tmp_path, "case #3.csv", "id\n1\n")
    assert split_sheet(real) == (real, None)
    assert split_sheet(tmp_path / "b.xlsx#My sheet") == (tmp_path / "b.xlsx", "My sheet")
    with pytest.raises(Invalid, match="not a workbook"):
        read(real, sheet="x")


def test_parquet_types_become_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "nhs": pa.array([9990000018, None]),
            "number": pa.array([9990000018.0, float("nan")]),
            "share": pa.array([0.5, 2.0]),
            "dob": pa.array([dt.date(2010, 1, 2), None]),
            "seen": pa.array([dt.datetime(2010, 1, 2), dt.datetime(2010, 1, 2, 3)]),
            "yes": pa.array([True, None]),
            "kept": pa.array(["a", "b"]).dictionary_encode(),
            "nothing": pa.nulls(2),
            "wide": pa.array(["x", ""], pa.large_string()),
            "bytes": pa.array([b"x", b"y"]),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet").table.to_pydict() == {
        "nhs": ["9990000018", None],
        "number": ["9990000018", None],
        "share": ["0.5", "2"],
        "dob": ["2010-01-02", None],
        "seen": ["2010-01-02", "2010-01-02T03:00:00"],
        "yes": ["true", None],
        "kept": ["a", "b"],
        "nothing": [None, None],
        "wide": ["x", None],
        "bytes": ["x", "y"],
    }


def test_nested_parquet_columns_are_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["1"], "names": [["a", "b"]]}), tmp_path / "x.parquet")
    with pytest.raises(Invalid, match='"names"'):
        read(tmp_path / "x.parquet")


def test_arrow_files_are_read(tmp_path: Path) -> None:
    table = pa.table({"id": ["1", "2"]})
    with pa.ipc.new_file(tmp_path / "x.arrow", table.schema) as sink:
        sink.write_table(table)
    assert read(tmp_path / "x.arrow").table.to_pydict() == {"id": ["1", "2"]}


ROWS = [{"id": "1", "n": 5, "dob": None}, {"id": "2", "late": "ü", "n": 9990000018.0}]
READ = {"id": ["1", "2"], "n": ["5", "9990000018"], "dob": [None, None], "late": [None, "ü"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", json.dumps(ROWS)),
        ("x.json", json.dumps({"count": 2, "children": ROWS}, indent=1)),
        ("x.ndjson", "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)),
        ("x.json", "\n".join(json.dumps(row) for row in ROWS) + "\n"),
        ("x.csv", json.dumps(ROWS)),
        ("x.json", "\ufeff" + json.dumps(ROWS)),
    ],
)
def test_json_of_every_shape(tmp_path: Path, name: str, text: str) -> None:
    assert read(written(tmp_path, name, text)).table.to_pydict() == READ


def test_a_broken_line_of_ndjson_costs_that_line(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.ndjson", '{"id": "1"}\n{"id": \n\n{"id": "3"}\n[1]\n'))
    assert (file.table["id"].to_pylist(), file.rows.to_pylist()) == (["1", "3"], [1, 3])
    assert [(issue.rule, issue.row) for issue in file.issues] == [("json-line", 2), ("json-line", 4)]


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    paths = [written(tmp_path, name, "id,a\n1,x\n") for name in ("a.csv", "b.csv")]
    with pytest.raises(Invalid, match=r"a\.csv and .*b\.csv are the same file"):
        read_files(paths)


def test_a_file_is_fingerprinted(tmp_path: Path) -> None:
    file = read(written(tmp_path, "x.csv", "id\n1\n"))
    assert file.sha256 == hashlib.sha256(b"id\n1\n").hexdigest()


def test_messages_never_hold_a_value(tmp_path: Path) -> None:
    text = 'id,surname,dob\n1,Zzyzxcanary\n2,Zzyzxcanary,b,c\n3,"Zzyzxcanary\nx",y\n'
    file = read(written(tmp_path, "x.csv", text))
    assert file.issues
    assert not any("zzyzx" in str(issue).lower() for issue in file.issues)
