"""A map is written as a correctable draft, and every word in it is obeyed or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from samechild.errors import Invalid, Missing, Refused
from samechild.files.gather import gather
from samechild.files.mapping import load_map, write_map
from samechild.files.read import read_files
from samechild.files.records import FileMap


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_draft_reads_back_and_changes_nothing(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "education.csv", 'pupil_id,forename,"Odd ""heading"" é\\",upn\n1,Ann,q,a\n'),
        written(tmp_path, "social care.csv", "Surname,address_1,address_2\nA,1,High St\n"),
    ]
    files = read_files(paths)
    write_map(tmp_path / "map.toml", files)
    text = (tmp_path / "map.toml").read_text(encoding="utf-8")
    assert '# Not used:\n#   "Odd \\"heading\\" é\\\\"' in text
    assert 'address = ["address_1", "address_2"]' in text
    assert "one_record_per_child = false" in text
    mapping = load_map(tmp_path / "map.toml")
    assert gather(read_files(paths, mapping), mapping).given.equals(gather(files).given)


def test_a_draft_for_a_file_nobody_can_place_says_why(tmp_path: Path) -> None:
    files = read_files([written(tmp_path, "a.csv", "x,dob,birth_date\n1,2,3\n")])
    write_map(tmp_path / "map.toml", files)
    text = (tmp_path / "map.toml").read_text(encoding="utf-8")
    assert '# a.csv: the columns "dob" and "birth_date" both claim' in text
    assert load_map(tmp_path / "map.toml").files[0].file == "a.csv"


def test_a_map_is_not_overwritten(tmp_path: Path) -> None:
    files = read_files([written(tmp_path, "a.csv", "upn\n1\n")])
    write_map(tmp_path / "map.toml", files)
    with pytest.raises(Refused, match="there already"):
        write_map(tmp_path / "map.toml", files)
    with pytest.raises(Missing):
        write_map(tmp_path / "nowhere" / "map.toml", files)


def test_every_setting_is_read(tmp_path: Path) -> None:
    columns: dict[str, str | list[str]] = {"forename": "A", "address": ["B", "C"]}
    text = """
    [[file]]
    file = "a.csv"
    source = "education"
    sheet = "S"
    encoding = "cp1252"
    header_row = 2
    date_order = "mdy"
    one_record_per_child = true
    group_columns = ["Ward"]
    ignore = ["x"]
    [file.columns]
    forename = "A"
    address = ["B", "C"]
    """
    assert load_map(written(tmp_path, "map.toml", text)).files == (
        FileMap("a.csv", "education", "S", "cp1252", 2, "mdy", True, ("Ward",), ("x",), columns),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "describes no file"),
        ("[[file]\n", "not valid TOML"),
        ("[file]\nfile = 'a'\n", "two brackets"),
        ("colour = 1\n[[file]]\nfile = 'a'\n", '"colour" is not known'),
        ("[[file]]\nsource = 'a'\n", "does not say which file"),
        ("[[file]]\nfile = 'a'\nsauce = 'b'\n", '"sauce" is not known'),
        ("[[file]]\nfile = 'a'\n[file.columns]\nfornames = 'b'\n", 'no field "fornames"'),
        ("[[file]]\nfile = 'a'\n[file.columns]\nforename_sound = 'b'\n", 'no field "forename_sound"'),
        ("[[file]]\nfile = 'a'\none_record_per_child = 'yes'\n", "bool"),
        ("[[file]]\nfile = 'a'\ndate_order = 'dym'\n", "date_order is one of"),
        ("[[file]]\nfile = 'a'\nheader_row = 0\n", "counts from 1"),
        ("[[file]]\nfile = 'a'\nencoding = 'morse'\n", 'no encoding "morse"'),
        ("[[file]]\nfile = 'a'\n[[file]]\nfile = 'a'\n", "twice"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        load_map(written(tmp_path, "map.toml", text))


def test_a_missing_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        load_map(tmp_path / "map.toml")


def test_the_map_chooses_the_row_of_the_headings(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "a,b,c\nid,surname,dob\n1,A,2010-01-01\n")
    mapping = load_map(written(tmp_path, "map.toml", "[[file]]\nfile = 'a.csv'\nheader_row = 2\n"))
    [file] = read_files([path], mapping)
    assert file.table.to_pylist() == [{"id": "1", "surname": "A", "dob": "2010-01-01"}]
