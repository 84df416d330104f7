"""All files in one table: values as given, no row lost, each record under a name of its own."""

from __future__ import annotations

import random
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samechild.errors import Invalid
from samechild.files.check import check
from samechild.files.gather import encoded, gather, source_names
from samechild.files.read import read, read_files
from samechild.files.records import FileMap, Mapping


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_files_are_laid_under_each_other(tmp_path: Path) -> None:
    one = written(tmp_path, "education.csv", "pupil_id,forename,upn\n1,Ann, A1 \n2, ,\n")
    two = written(tmp_path, "social care.csv", "id;First name;address_1;address_2;Ward\n7;Bo;1 ;High St;W1\n8;;;;W2\n")
    mapping = Mapping((FileMap("social care.csv", group_columns=("Ward",), date_order="dmy"),))
    gathered = gather([read(one), read(two)], mapping)
    assert gathered.given.to_pydict() == {
        "source": ["education", "education", "social care", "social care"],
        "record_id": ["1", "2", "7", "8"],
        "row": [1, 2, 1, 2],
        "forename": ["Ann", None, "Bo", None],
        "address": [None, None, "1 High St", None],
        "upn": [" A1 ", None, None, None],
        "group_Ward": [None, None, "W1", "W2"],
    }
    assert gathered.headings["social care"] == {
        "record_id": "id",
        "forename": "First name",
        "address": "address_1 + address_2",
        "group_Ward": "Ward",
    }
    assert gathered.settings["social care"].date_order == "dmy"
    assert gathered.given.schema.field("row").type == pa.int32()
    assert all(column.num_chunks == 1 for column in gathered.given.columns)
    for name in ("source", "forename", "address", "upn", "group_Ward"):
        assert gathered.given.schema.field(name).type == pa.dictionary(pa.int32(), pa.string())


def test_a_column_may_name_the_source(tmp_path: Path) -> None:
    path = written(tmp_path, "all.csv", "id,surname,system\n1,A,school\n1,B,health\n2,C,\n")
    gathered = gather([read(path)], source_column="system")
    assert gathered.given["source"].to_pylist() == ["school", "health", "all"]
    assert gathered.given["record_id"].to_pylist() == ["1", "1", "2"]
    assert set(gathered.headings) == {"school", "health", "all"}
    with pytest.raises(Invalid, match='source column "sys"'):
        gather([read(path)], source_column="sys")


def test_a_source_spread_over_two_files_has_each_id_once(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{name}.csv", f"id,surname,system\n1,{name},p\n2,{name},q\n") for name in "ab"]
    gathered = gather(read_files(paths), source_column="system")
    keys = list(zip(gathered.given["source"].to_pylist(), gathered.given["record_id"].to_pylist(), strict=True))
    assert keys == [("p", "1"), ("q", "2"), ("p", "1#2"), ("q", "2#2")]


def test_blank_ids_get_their_row_number(tmp_path: Path) -> None:
    gathered = gather([read(written(tmp_path, "x.csv", "id,surname\n5,A\n,B\n  ,C\n6,D\n"))])
    assert gathered.given["record_id"].to_pylist() == ["5", "row-2", "row-3", "6"]


def test_rows_without_an_id_column_keep_their_number_when_others_are_refused(tmp_path: Path) -> None:
    gathered = gather([read(written(tmp_path, "x.csv", "surname,dob\nA,b\nA,b,c\nB,c\n"))])
    assert gathered.given["record_id"].to_pylist() == ["row-1", "row-3"]
    assert gathered.given["row"].to_pylist() == [1, 3]


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_repeated_ids_are_told_apart_by_what_the_rows_say(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random
) -> None:
    rows = ["a,Ann,1", "a,Bob,2", "a,Bob,2", "a#2,Cat,3", "b,Dee,4", "c,Eve,5"]
    named = []
    for order in (rows, chance.sample(rows, len(rows))):
        path = written(tmp_path_factory.mktemp("x"), "x.csv", "\n".join(["id,forename,uprn", *order]))
        gathered = gather([read(path)])
        told = [issue for issue in gathered.issues if issue.rule == "record-id-twice"]
        assert len(told) == 2
        assert len(set(gathered.given["record_id"].to_pylist())) == len(rows)
        given_rows = gathered.given.select(["record_id", "forename", "uprn"]).to_pylist()
        named.append(sorted(tuple(row.values()) for row in given_rows))
    assert named[0] == named[1]
    assert ("a", "Ann", "1") in named[0]
    assert ("a#2", "Cat", "3") in named[0]


def test_two_files_of_one_name_get_more_of_their_place(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "north/pupils.csv", "id,upn\n1,a\n"),
        written(tmp_path, "south/pupils.csv", "id,upn\n1,b\n"),
        written(tmp_path, "health.csv", "id,upn\n1,c\n"),
        written(tmp_path, "health.tsv", "id\tupn\n1\td\n"),
    ]
    assert source_names(read_files(paths)) == ["north-pupils", "south-pupils", "health-csv", "health-tsv"]


def test_two_sheets_of_one_workbook_are_two_sources(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Pupils"
    for sheet, row in ((book.active, ["1", "a"]), (book.create_sheet("Leavers"), ["1", "b"])):
        sheet.append(["id", "upn"])
        sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    files = read_files([f"{tmp_path}/book.xlsx#Pupils", f"{tmp_path}/book.xlsx#Leavers"])
    assert gather(files).given["source"].to_pylist() == ["book Pupils", "book Leavers"]
    with pytest.raises(Invalid, match="same file"):
        read_files([f"{tmp_path}/book.xlsx#Pupils", f"{tmp_path}/book.xlsx#pupils"])


def test_a_map_may_not_call_two_files_alike(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{name}.csv", f"id,upn\n1,{name}\n") for name in "ab"]
    mapping = Mapping((FileMap("a.csv", source="same"), FileMap("b.csv", source="same")))
    with pytest.raises(Invalid, match='two files "same"'):
        gather(read_files(paths, mapping), mapping)


def test_a_map_for_another_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,upn\n1,x\n")
    with pytest.raises(Invalid, match=r'"b\.csv", which is not among'):
        read_files([path], Mapping((FileMap("b.csv"),)))


def test_issues_carry_the_sources_name_in_the_results(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,upn\n1\n")
    mapping = Mapping((FileMap("a.csv", source="education"),))
    assert {issue.source for issue in gather(read_files([path], mapping), mapping).issues} == {"education"}


@settings(deadline=None)
@given(st.lists(st.none() | st.sampled_from(["", " ", "a", "b", " a", "\u00a0"]), max_size=20), st.integers(0, 20))
def test_each_value_is_kept_once_and_blanks_are_missing(values: list[str | None], cut: int) -> None:
    pieces = [pa.array(part, pa.string()) for part in (values[:cut], values[cut:])]
    column = encoded(pa.chunked_array(pieces, pa.string()))
    assert column.to_pylist() == [value if value and value.strip() else None for value in values]
    assert column.dictionary.null_count == 0
    kept = column.dictionary.to_pylist()
    assert len(set(kept)) == len(kept)


def test_a_header_only_file_adds_nothing(tmp_path: Path) -> None:
    one = written(tmp_path, "a.csv", "id,surname\n")
    two = written(tmp_path, "b.csv", "id,surname\n1,A\n")
    assert gather([read(one), read(two)]).given["record_id"].to_pylist() == ["1"]
    assert gather([read(one)]).given.num_rows == 0


def test_checking_reports_a_file_it_could_not_place_and_goes_on(tmp_path: Path) -> None:
    one = written(tmp_path, "a.csv", "id,dob,birth_date\n1,x,y\n")
    two = written(tmp_path, "b.csv", "id,surname,other\n1,A,q\n2,,r\n")
    found = check([one, two])
    assert found.files[0].trouble is not None
    assert '"dob" and "birth_date"' in found.files[0].trouble
    assert (found.files[1].recognised, found.files[1].filled) == ({"surname": ("surname",)}, {"surname": 1})
    assert (found.files[1].record_id, found.files[1].unused, found.files[1].trouble) == ("id", ("other",), None)
    assert found.found_problems
    assert not check([two]).found_problems
