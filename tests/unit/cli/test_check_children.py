"""``samechild check`` of files of children: what the screen and the files show, and the exit code."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from click.testing import CliRunner, Result

from dataset import dataset_of, write_database
from extracts import settings_for, write_extracts
from samechild.cli.check_children import holds_children
from samechild.cli.main import main
from samechild.collection.rules.examples import a_child


def _payload(la_child_id: str, **details: Any) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(a_child(**{"surname": f"Ash{la_child_id}", **details}))
    return {**made, "la_child_id": la_child_id}


def _check(*words: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, words), "--today", "2026-06-10"])


@pytest.fixture(name="tonight")
def a_file(tmp_path: Path) -> Path:
    """Three children, of whom one has a wrong sex and one a query; and no name of theirs may be shown."""
    path = tmp_path / "tonight.json"
    sent = [
        _payload("A1", sex="9"),
        _payload("A2", unique_pupil_number="L000123418099", sex="U"),
        _payload("=A3", unique_pupil_number=None, unique_pupil_number_unknown_reason="UN3"),
    ]
    path.write_text(json.dumps(sent), encoding="utf-8")
    return path


def test_problems_are_shown_by_rule_without_names_or_ids(tonight: Path) -> None:
    result = _check(tonight)
    assert result.exit_code == 1
    assert "tonight.json: 2 children in 3 records" in result.output
    assert "CHD-06  Sex is missing or is not M, F or U  [1]" in result.output
    assert "record 2" in result.output
    assert "Ash" not in result.output
    assert "A1" not in result.output


def test_ids_are_shown_when_asked_for(tonight: Path) -> None:
    assert "record 1 (A1)" in _check(tonight, "--ids").output


def test_problems_are_written_for_a_spreadsheet(tonight: Path, tmp_path: Path) -> None:
    assert _check(tonight, "--csv", tmp_path / "a.csv", "--xlsx", tmp_path / "a.xlsx").exit_code == 1
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    sex = next(row for row in rows if row["rule"] == "CHD-06")
    assert (sex["record"], sex["la_child_id"], sex["grade"], sex["where"]) == ("1", "A1", "error", "child_details/sex")
    assert "'=A3" in {row["la_child_id"] for row in rows}, "nothing that a spreadsheet would run"
    assert "Ash" not in (tmp_path / "a.csv").read_text(encoding="utf-8")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert sheet.max_row == len(rows) + 1


def test_a_file_without_errors_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "one.ndjson"
    path.write_text(json.dumps(_payload("A1")) + "\n", encoding="utf-8")
    result = _check(path)
    assert result.exit_code == 0, result.output
    assert "No problems found" in result.output


def test_files_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    sent, linked, flat = tmp_path / "sent.json", tmp_path / "records.csv", tmp_path / "flat.json"
    sent.write_text(json.dumps([_payload("A1")]), encoding="utf-8")
    linked.write_text("forename,surname,date of birth\nRobin,Ashdown,2015-05-20\n", encoding="utf-8")
    flat.write_text('[{"la_child_id": "A1", "forename": "Robin", "surname": "Ashdown"}]', encoding="utf-8")
    assert [holds_children(str(path)) for path in (sent, linked, flat, tmp_path / "none.json")] == [True] + [False] * 3
    result = _check(sent, linked)
    assert "sent.json: 1 child in 1 record" in result.output
    assert "records.csv: 1 rows" in result.output


def test_what_is_meant_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "tonight.txt"
    path.write_text("[]", encoding="utf-8")
    assert _check(path, "--as", "children").exit_code == 0


def test_options_of_children_need_children(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    path.write_text("forename\nRobin\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(path), "--ids"])
    assert result.exit_code == 2
    assert "--as children" in result.output


@pytest.mark.parametrize("words", [["nowhere.json", "--as", "children"], ["FILE", "--csv", "nowhere/a.csv"]])
def test_what_cannot_be_read_or_written_is_told(tonight: Path, tmp_path: Path, words: list[str]) -> None:
    result = _check(*(str(tonight) if word == "FILE" else word for word in words))
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("way", ["payload", "extracts", "dataset"])
def test_what_two_children_share_is_told_whatever_they_are_read_from(tmp_path: Path, way: str) -> None:
    number = "X000123418007"
    sent = [_payload(f"A{at}", surname=f"Ash{'' if at > 1 else at}", unique_pupil_number=number) for at in range(4)]
    for at in (2, 3):
        del sent[at]["child_details"]["unique_pupil_number"]
    if way == "payload":
        file = tmp_path / "tonight.json"
        file.write_text(json.dumps(sent), encoding="utf-8")
    else:
        file = tmp_path / "submit.toml"
        if way == "extracts":
            file.write_text(settings_for(write_extracts(sent, tmp_path / "extracts")), encoding="utf-8")
        else:
            database = write_database(dataset_of(sent), tmp_path / "ssd.sqlite").as_posix()
            file.write_text(f"[source]\nkind = 'ssd'\ndatabase = 'sqlite:///{database}'\n", encoding="utf-8")
    result = _check(file, "--ids", "--csv", tmp_path / "a.csv")
    assert result.exit_code == 1
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()))
    told = [(row["la_child_id"], row["rule"]) for row in rows if row["rule"] in ("CHD-33", "CHD-34")]
    assert told == [("A0", "CHD-33"), ("A1", "CHD-33"), ("A2", "CHD-34"), ("A3", "CHD-34")]
