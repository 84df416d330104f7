"""Records in and children out as files: told row by row, repeatable, and only what the gate opens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from asking import NOW
from commands import read_rows
from gate import OPERATOR, an_officer
from reviewing import ANN, a_council
from samechild.errors import Invalid, Missing, Refused
from samechild.files.read import read_files
from samechild.index import actions
from samechild.index.exchange import (
    FORMATS,
    Brought,
    bring_in,
    problems_table,
    records_in,
    results_table,
    sent_records,
    write_table,
)
from samechild.index.going_out import refuse_when_empty, take_out
from samechild.policy.relationship_actions import set_mark
from samechild.storage import Store
from stores import a_store

HEADINGS = "id,forename,surname,dob,sex,postcode,last_changed,end_reason,unborn\n"
ROWS = (
    "1,Wren,Avocet,2014-03-09,F,LS1 6AB,2026-10-01,,\n"
    "2,Jay,Fieldfare,2013-05-17,M,LS2 7EW,2026-10-02,,\n"
    "3,Linnet,Dotterel,2012-01-30,F,LS3 8AA,,E11,\n"
)


@pytest.fixture(name="store")
def an_index() -> Iterator[Store]:
    with a_store() as store:
        a_council(store, model=True)
        yield store


def a_file(folder: Path, rows: str, name: str = "education.csv") -> Path:
    path = folder / name
    path.write_text(HEADINGS + rows, encoding="utf-8")
    return path


def brought(store: Store, *paths: Path, source: str = "") -> Brought:
    read = records_in(read_files(paths), "council", NOW.date(), source=source)
    return bring_in(store, ANN, read, NOW)


def test_each_row_is_told_and_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = a_file(tmp_path, ROWS)
    first, again = brought(store, path), brought(store, path)
    assert [row.row for row in first.rows] == [1, 2, 3]
    assert first.counts["new"] == 3
    assert again.counts["kept"] == 3
    assert [(row.record_key, row.child) for row in again.rows if row.row < 3] == [
        (row.record_key, row.child) for row in first.rows if row.row < 3
    ]


def test_a_file_of_another_name_is_the_same_source_when_it_is_named(store: Store, tmp_path: Path) -> None:
    one = brought(store, a_file(tmp_path, ROWS, "monday.csv"), source="sims")
    later = "1,Wren,Avocet-Brown,2014-03-09,F,LS1 6AB,2026-10-09,,\n2,Jay,Old,2013-05-17,M,LS2 7EW,2026-09-01,,\n"
    two = brought(store, a_file(tmp_path, later, "tuesday.csv"), source="sims")
    assert [row.record_key for row in two.rows] == [row.record_key for row in one.rows[:2]]
    assert two.rows[1].outcome == "stale", "older than what is kept: left out"


def test_what_cannot_be_used_is_told_by_its_place_and_sinks_nothing(store: Store, tmp_path: Path) -> None:
    rows = ROWS + ",No,Number,2014-01-01,F,LS1 6AB,,,\n5,,,,,,2026-10-01,,\n6,Merle,Ouzel,2011-02-02,F,LS4 9ZZ,soon,,\n"
    found = brought(store, a_file(tmp_path, rows))
    rules = {(issue.row, issue.rule) for issue in found.issues}
    assert {(4, "no-record-id"), (5, "nothing-usable"), (6, "changed-on-unread")} <= rules
    assert [row.row for row in found.rows] == [1, 2, 3, 6]
    said = " ".join(issue.message for issue in found.issues)
    assert not any(value in said for value in ("Ouzel", "Number", "LS4", "soon"))


def test_a_file_without_ids_of_its_own_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nameless.csv"
    path.write_text("forename,surname,dob\nWren,Avocet,2014-03-09\nJay,Avocet,2014-03-10\n", encoding="utf-8")
    with pytest.raises(Invalid, match="own ids"):
        records_in(read_files([path]), "council", NOW.date())


def test_signs_and_dates_are_read(tmp_path: Path) -> None:
    rows = ROWS + "4,,Avocet,,,LS1 6AB,2026-10-03,,yes\n"
    read = records_in(read_files([a_file(tmp_path, rows)]), "council", NOW.date(), source="sims")
    arrivals = {row.arrival.record_id: row.arrival for row in read.rows}
    assert str(arrivals["1"].changed_on) == "2026-10-01"
    assert (arrivals["3"].signs, arrivals["4"].signs) == (("E11",), ("unborn",))
    assert {arrival.source for arrival in arrivals.values()} == {"sims"}


@pytest.mark.parametrize("form", FORMATS)
def test_results_and_problems_are_written_in_each_form(store: Store, tmp_path: Path, form: str) -> None:
    found = brought(store, a_file(tmp_path, ROWS))
    path = write_table(results_table(found), tmp_path, "results", form)
    write_table(problems_table(found.issues), tmp_path, "problems", form)
    if form == "csv":
        rows = read_rows(path)
    elif form == "ndjson":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        rows = pq.read_table(path).to_pylist()
    assert [row["record_id"] for row in rows] == ["1", "2", "3"]
    with pytest.raises(Invalid):
        write_table(results_table(found), tmp_path, "results", "xml")


def test_what_goes_out_comes_back_the_same(store: Store, tmp_path: Path) -> None:
    brought(store, a_file(tmp_path, ROWS[: ROWS.index("3,")]))
    out = take_out(store, ANN, "", NOW)
    rows = out.records.to_pylist()
    assert {row["surname"] for row in rows} == {"Avocet", "Fieldfare"}
    assert {row["child"] for row in rows} == {row["child"] for row in out.children.to_pylist()}
    path = write_table(out.records, tmp_path, "education", "parquet")
    again = records_in(read_files([path]), "council", NOW.date())
    assert {row.arrival.given["surname"] for row in again.rows} == {"Avocet", "Fieldfare"}


def test_the_gate_decides_what_goes_out(store: Store, tmp_path: Path) -> None:
    found = brought(store, a_file(tmp_path, ROWS[: ROWS.index("3,")]))
    hidden, other = found.rows
    set_mark(store, an_officer("council"), "council", [hidden.record_key], "shielded", NOW)
    out = take_out(store, ANN, "", NOW)
    rows = {row["record_key"]: row for row in out.records.to_pylist()}
    assert (rows[hidden.record_key]["surname"], rows[hidden.record_key]["postcode"]) == ("Avocet", None)
    assert rows[other.record_key]["postcode"] == "LS2 7EW", "one hidden address does not take every other with it"
    with pytest.raises(Refused):
        take_out(store, an_officer("council"), "", NOW)
    with pytest.raises(Missing):
        take_out(store, OPERATOR, "nowhere", NOW)


def test_a_closed_identity_does_not_go_out(store: Store, tmp_path: Path) -> None:
    found = brought(store, a_file(tmp_path, ROWS[: ROWS.index("3,")]))
    actions.seal(store, ANN, [found.rows[0].record_key], "E11", NOW)
    out = take_out(store, ANN, "", NOW)
    text = str(out.records.to_pylist()) + str(out.children.to_pylist())
    assert "Avocet" not in text
    assert found.rows[0].record_key not in text
    assert found.rows[0].child not in text
    actions.seal(store, ANN, [found.rows[1].record_key], "E11", NOW)
    with pytest.raises(Missing):
        refuse_when_empty(take_out(store, ANN, "", NOW))


def test_lines_of_json_are_records(store: Store) -> None:
    line = b'{"record_id": "1", "given": {"surname": "Avocet", "forename": " "}, "signs": ["unborn"]}\n'
    (arrival,) = sent_records([line, b"\n"], "council", "mosaic")
    assert (arrival.given, arrival.signs, arrival.source) == ({"surname": "Avocet"}, ("unborn",), "mosaic")
    for wrong in (
        b"{",
        b'{"record_id": 1}',
        b'{"record_id": "1", "given": {"shoe": "x"}}',
        b'{"record_id": " ", "given": {}}',
    ):
        with pytest.raises(Invalid, match="Line 1"):
            sent_records([wrong], "council", "mosaic")
