"""The files of a town: as many formats as agencies, read back whole by the reading step, the truth apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from samechild.errors import Invalid, Refused
from samechild.files.gather import gather
from samechild.files.read import read_files
from samechild.town import make_town, write_town
from samechild.town.actions import TownWritten
from samechild.town.filing import LAYOUTS, lay_out
from samechild.town.writing import COLUMNS

CHILDREN = 400
Written = tuple[Path, TownWritten]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    out = tmp_path_factory.mktemp("towns") / "town"
    return out, write_town(out, CHILDREN, 2, 5)


def agency_files(out: Path) -> list[Path]:
    return sorted(path for path in out.iterdir() if path.is_file() and path.name != "run.json")


def hashes(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*")
        if path.is_file() and path.name != "run.json"
    }


def test_every_agency_has_a_file_in_its_own_format(written: Written) -> None:
    out, result = written
    assert {path.suffix for path in agency_files(out)} == {".csv", ".xlsx", ".parquet", ".ndjson", ".tsv"}
    assert sorted(path.name for path in (out / "truth").iterdir()) == ["never_link.csv", "superseded.csv", "truth.csv"]
    assert {path for path in result.files if path.parent == out} == set(agency_files(out))
    assert result.children == CHILDREN
    assert (out / "alder_education.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_reading_step_finds_every_record_and_field(written: Written) -> None:
    out, result = written
    files = read_files(agency_files(out))
    gathered = gather(files)
    truth = pyarrow.csv.read_csv(out / "truth" / "truth.csv")
    given = set(zip(gathered.given["source"].to_pylist(), gathered.given["record_id"].to_pylist(), strict=True))
    assert given == set(zip(truth["source"].to_pylist(), truth["record_id"].to_pylist(), strict=True))
    assert gathered.given.num_rows == result.records == truth.num_rows
    for source, headings in gathered.headings.items():
        layout = LAYOUTS[source.split("_", 1)[1]]
        assert set(layout.headings) - {"record_id"} <= set(headings)


def test_nothing_of_the_truth_stands_in_the_agencies_files(written: Written) -> None:
    out, _ = written
    truth = pyarrow.csv.read_csv(out / "truth" / "truth.csv")
    secrets = {value for name in ("true_child_id", "twin_set") for value in truth[name].to_pylist() if value}
    tables = [file.table for file in read_files(agency_files(out))]
    held = {value for table in tables for column in table.columns for value in column.to_pylist()}
    assert not held & secrets


def test_a_workbook_has_true_dates_and_numbers_as_text(written: Written) -> None:
    out, _ = written
    sheet = load_workbook(out / "alder_social_care.xlsx").active
    headings = [cell.value for cell in sheet[1]]
    born, number = headings.index("Date of Birth"), headings.index("NHS Number")
    days = [row[born].value for row in sheet.iter_rows(min_row=2) if row[born].value]
    numbers = [row[number].value for row in sheet.iter_rows(min_row=2) if row[number].value]
    assert days
    assert all(hasattr(day, "year") for day in days)
    assert numbers
    assert all(isinstance(value, str) for value in numbers)


def test_each_layout_writes_dates_and_sexes_its_own_way() -> None:
    records = make_town(200, 1, 2).records
    by_agency = {agency: lay_out(records, layout) for agency, layout in LAYOUTS.items()}
    assert "/" in by_agency["education"]["DOB"][0].as_py()
    assert by_agency["early_years"]["date_of_birth"][0].as_py()[4] == "-"
    assert by_agency["health"]["birth_date"].type == "date32[day]"
    assert set(by_agency["health"]["sex"].drop_null().to_pylist()) == {"1", "2"}
    assert set(by_agency["social_care"]["Gender"].drop_null().to_pylist()) == {"Male", "Female"}
    assert by_agency["emergency"]["Surname"].drop_null()[0].as_py().isupper()
    assert all(set(layout.headings) <= {"record_id", *COLUMNS} for layout in LAYOUTS.values())


def test_same_seed_same_bytes(written: Written, tmp_path: Path) -> None:
    out, _ = written
    write_town(tmp_path / "again", CHILDREN, 2, 5)
    assert hashes(tmp_path / "again") == hashes(out)


def test_one_combined_file(tmp_path: Path) -> None:
    result = write_town(tmp_path / "town", CHILDREN, 2, 5, combined=True)
    table = pq.read_table(tmp_path / "town" / "combined.parquet")
    assert table.column_names == ["source", "record_id", *COLUMNS]
    assert table.num_rows == result.records
    assert table.equals(make_town(CHILDREN, 2, 5).records)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_one_form_for_all(tmp_path: Path, form: str) -> None:
    write_town(tmp_path / "town", 60, 1, 1, form=form)
    assert {path.suffix for path in agency_files(tmp_path / "town")} == {f".{form}"}


def test_an_agency_that_knows_nobody_sends_nothing(tmp_path: Path) -> None:
    result = write_town(tmp_path / "town", 3, 2, 1)
    assert 1 <= len(agency_files(tmp_path / "town")) < 12
    assert all(path.stat().st_size for path in result.files)
    files = read_files(agency_files(tmp_path / "town"))
    assert sum(file.table.num_rows for file in files) == result.records


def test_blocks_are_written_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samechild.town.actions.BLOCK", 50)
    result = write_town(tmp_path / "town", 180, 2, 1)
    files = read_files(agency_files(tmp_path / "town"))
    assert sum(file.table.num_rows for file in files) == result.records
    truth = pyarrow.csv.read_csv(tmp_path / "town" / "truth" / "truth.csv")
    assert truth.num_rows == result.records
    assert len({*zip(truth["source"].to_pylist(), truth["record_id"].to_pylist(), strict=True)}) == result.records


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="csv or parquet"):
        write_town(tmp_path / "town", 60, 1, 1, form="docx")
    assert not (tmp_path / "town").exists()


def test_somebodys_folder_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("kept")
    with pytest.raises(Refused):
        write_town(tmp_path, 60, 1, 1, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_town_of_ours_is_replaced_only_when_forced(tmp_path: Path) -> None:
    write_town(tmp_path / "town", 60, 1, 1)
    with pytest.raises(Refused):
        write_town(tmp_path / "town", 60, 1, 2)
    write_town(tmp_path / "town", 60, 1, 2, form="csv", force=True)
    assert {path.suffix for path in agency_files(tmp_path / "town")} == {".csv"}


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_town(tmp_path / "town", 60, 1, 1, progress=stop)
    assert list(tmp_path.iterdir()) == []
