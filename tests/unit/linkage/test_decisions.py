"""What people decided is read strictly, matched by record, and never half obeyed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid, Missing
from samechild.files.write_workbook import write_workbook
from samechild.linkage.decisions import (
    ANSWERS,
    Answer,
    read_earlier,
    read_never_link,
    read_reviewed,
    read_superseded,
    together,
)

HEAD = "review_id,source_a,record_a,source_b,record_b,answer,note\n"


def sheet(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "review.csv"
    path.write_text(head + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("written", ["same", "Same", " SAME ", "s a m e", "cannot tell", "Cannot  Tell", "CANNOTTELL"])
def test_capitals_and_spaces_are_forgiven(tmp_path: Path, written: str) -> None:
    reviewed = read_reviewed(sheet(tmp_path, f"Q1,a,1,b,2,{written},"))
    assert reviewed.answers == (Answer(("a", "1", "b", "2"), "same" if "m" in written.lower() else "cannot tell"),)


def test_an_empty_answer_is_no_answer(tmp_path: Path) -> None:
    reviewed = read_reviewed(sheet(tmp_path, "Q1,a,1,b,2,,", "Q2,a,1,b,3,different,not him"))
    assert reviewed.unanswered == 1
    assert reviewed.answers == (Answer(("a", "1", "b", "3"), "different", "not him"),)


def test_an_answer_nobody_understands_names_its_row_and_not_itself(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"review.csv, row 2: the answer is none of") as refused:
        read_reviewed(sheet(tmp_path, "Q1,a,1,b,2,same,", "Q2,a,1,b,3,Imogen says yes,"))
    assert "Imogen" not in str(refused.value)


def test_two_answers_that_contradict_each_other_are_refused_also_turned_round(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="rows 1 and 2"):
        read_reviewed(sheet(tmp_path, "Q1,a,1,b,2,same,", "Q2,b,2,a,1,different,"))


def test_the_same_answer_twice_is_one(tmp_path: Path) -> None:
    reviewed = read_reviewed(sheet(tmp_path, "Q1,a,1,b,2,same,first", "Q2,b,2,a,1,Same,second"))
    assert reviewed.answers == (Answer(("a", "1", "b", "2"), "same", "first; second"),)


@pytest.mark.parametrize("row", ["Q1,a,,b,2,same,", "Q1,,1,b,2,same,", "Q1,a,1,a,1,same,"])
def test_a_row_that_names_no_two_records_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(Invalid, match="row 1"):
        read_reviewed(sheet(tmp_path, row))


def test_a_sheet_without_the_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="has no column record_b"):
        read_reviewed(sheet(tmp_path, "a,1,b,same", head="source_a,record_a,source_b,answer\n"))


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
pairs = st.tuples(names, names, names, names).filter(lambda pair: pair[:2] != pair[2:])


@given(st.dictionaries(pairs, st.sampled_from(ANSWERS), max_size=5), st.sampled_from([".csv", ".xlsx"]))
def test_what_was_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, answers: dict[tuple[str, str, str, str], str], ending: str
) -> None:
    from samechild.files.write import write_csv

    wanted = {tuple(sorted([pair[:2], pair[2:]])): answer for pair, answer in answers.items()}
    columns = ("source_a", "record_a", "source_b", "record_b")
    table = pa.table(
        {name: pa.array([pair[at] for pair in answers], pa.string()) for at, name in enumerate(columns)}
        | {"answer": pa.array(list(answers.values()), pa.string())}
    )
    path = tmp_path_factory.mktemp("sheet") / f"review{ending}"
    (write_csv if ending == ".csv" else write_workbook)(table, path)
    if len(wanted) < len(answers):
        return  # the same pair both ways round: refused or joined, tested above
    read = {(one.pair[:2], one.pair[2:]): one.answer for one in read_reviewed(path).answers}
    assert read == wanted


def test_never_link_list(tmp_path: Path) -> None:
    path = sheet(tmp_path, "b,2,a,1", "a,1,b,2", "a,1,c,3", head="Source A,RECORD_A,source_b,record_b\n")
    assert read_never_link(path) == (("a", "1", "b", "2"), ("a", "1", "c", "3"))


def test_a_protection_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="row 2: record_b is empty"):
        read_never_link(sheet(tmp_path, "a,1,b,2", "a,1,b,", head="source_a,record_a,source_b,record_b\n"))


def test_superseded_numbers_in_any_spelling(tmp_path: Path) -> None:
    path = sheet(tmp_path, "999 000 0018,9990000026", head="old,new\n")
    from samechild.identifiers.nhs_number import FIRST_FIXTURE_SERIAL, from_serial

    one, two = from_serial(FIRST_FIXTURE_SERIAL + 1), from_serial(FIRST_FIXTURE_SERIAL + 2)
    path.write_text(f"old,new\n{one[:3]} {one[3:6]}-{one[6:]},{two}\n")
    assert read_superseded(path) == ((one, two),)
    path.write_text(f"old,new\n{one},{two}\n{two},1234567890\n")
    with pytest.raises(Invalid, match="row 2: new is not a valid NHS number") as refused:
        read_superseded(path)
    assert "1234567890" not in str(refused.value)
    path.write_text(f"old,new\n{one},{one}\n")
    with pytest.raises(Invalid, match="same number"):
        read_superseded(path)


def test_a_new_answer_counts_more_than_an_earlier_one() -> None:
    pair, other = ("a", "1", "b", "2"), ("a", "1", "b", "3")
    earlier = (Answer(pair, "same"), Answer(other, "same"))
    assert together(earlier, (Answer(pair, "cannot tell"),)) == (Answer(pair, "cannot tell"), Answer(other, "same"))


def test_an_earlier_run_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        read_earlier(tmp_path)
    (tmp_path / "run.json").write_text('{"command": "synth", "started": "", "duration_seconds": 1}')
    with pytest.raises(Invalid, match="not written by samechild link"):
        read_earlier(tmp_path)
    (tmp_path / "run.json").write_text('{"command": "link", "started": "", "duration_seconds": 1}')
    with pytest.raises(Missing, match=r"children\.parquet"):
        read_earlier(tmp_path)
