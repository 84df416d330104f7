"""Whatever is wrong with a file, the command ends with the right code and one clear message, and nothing is lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from commands import Outcome, children_of, read_rows, run, some_children, two_files, write_rows

LEAN = ("--no-excel", "--no-report")
HEAD = "Pupil ID,Forename,Surname,DOB\n"


def link(folder: Path, *files: object) -> Outcome:
    """Link files into ``linked`` in a folder, without the slow results."""
    return run("link", *files, "--out", folder / "linked", *LEAN)


def refused(outcome: Outcome, folder: Path, code: int, *words: str) -> None:
    """The command ended with this code and one message with these words, and left no results."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    for word in words:
        assert word in outcome.message, outcome.message
    assert outcome.message.startswith("samechild: ")
    assert "Traceback" not in outcome.said
    assert not [path for path in folder.iterdir() if "linked" in path.name]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("bad.csv is empty",)),
        (b"Forename,Forename,DOB\nA,B,2010-01-01\n", ('"Forename"',)),
        (b"colour,shape\nred,round\n", ("no column that says who a child is",)),
        (b"Pupil ID,DOB,Date of Birth\n1,2010-01-01,2011-01-01\n", ('"DOB" and "Date of Birth"', "map")),
        (HEAD.encode() + b"1," + b"x" * (9 << 20) + b",Quill,2010-01-01\n", ("bad.csv",)),
        (HEAD.encode() + b"1,Am\0ina,Quill,2010-01-01\n", ("NUL byte",)),
        (b"%PDF-1.7 and so on", ("PDF",)),
        (b"<html><table><tr><td>1</td></tr></table></html>", ("web page",)),
        (b"\x1f\x8b\x08\x00 compressed", ("compressed",)),
    ],
    ids=[
        "empty",
        "duplicate headings",
        "no usable column",
        "two of one meaning",
        "a huge line",
        "NUL",
        "pdf",
        "html",
        "gzip",
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes, words: tuple[str, ...]) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    good, _ = two_files(tmp_path)
    refused(link(tmp_path, good, bad), tmp_path, 2, *words)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused(link(tmp_path, tmp_path / "nowhere.csv"), tmp_path, 4, "There is no file")


def test_headings_and_no_rows_anywhere(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text(HEAD)
    refused(link(tmp_path, tmp_path / "none.csv"), tmp_path, 2, "nothing to link")


def test_a_file_with_headings_and_no_rows_beside_others_is_told(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text(HEAD)
    done = link(tmp_path, *two_files(tmp_path), tmp_path / "none.csv")
    assert done.code == 0, done.err
    assert "no-rows" in {row["rule"] for row in read_rows(tmp_path / "linked" / "problems.csv")}


def test_ragged_rows_are_told_by_row_and_no_other_row_is_lost(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    lines = first.read_text().splitlines()
    lines[3] += ",one,cell,too,many"
    lines[5] = lines[5].rsplit(",", 2)[0]
    first.write_text("\n".join(lines) + "\n")
    done = link(tmp_path, first, second)
    assert done.code == 0, done.err
    told = read_rows(tmp_path / "linked" / "problems.csv")
    assert "3" in {row["row"] for row in told if row["severity"] == "error"}
    kept = [row["record_id"] for row in read_rows(tmp_path / "linked" / "children.csv") if row["source"] == "education"]
    assert len(kept) == 59  # the one row whose cells cannot be told apart is refused, and said


def test_a_wrong_extension_is_read_for_what_it_is(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    lying = first.rename(tmp_path / "education.xlsx")
    assert link(tmp_path, lying, second).code == 0
    assert "wrong-ending" in {row["rule"] for row in read_rows(tmp_path / "linked" / "problems.csv")}


def test_a_workbook_with_formulas_and_a_hidden_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Pupil ID", "Forename", "Surname", "DOB", "Postcode", "Total"])
    for child in some_children():
        sheet.append([child["id"], child["forename"], child["surname"], child["dob"], child["postcode"], "=1+1"])
    hidden = book.create_sheet("Old")
    hidden.append(["Pupil ID", "Forename"])
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "education.xlsx")
    done = link(tmp_path, tmp_path / "education.xlsx", two_files(tmp_path)[1])
    assert done.code == 0, done.err
    assert all("formula" in row["rule"] or row["row"] == "0" for row in read_rows(tmp_path / "linked" / "problems.csv"))
    assert len(children_of(tmp_path / "linked")) == 60


def test_the_same_file_twice(tmp_path: Path) -> None:
    first, _ = two_files(tmp_path)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(first.read_bytes())
    refused(link(tmp_path, first, copy), tmp_path, 2, "the same file")


def test_the_same_record_id_twice_keeps_both_rows(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    lines = first.read_text().splitlines()
    lines[2] = lines[1].split(",")[0] + "," + lines[2].split(",", 1)[1]
    first.write_text("\n".join(lines) + "\n")
    assert link(tmp_path, first, second).code == 0
    ids = [row["record_id"] for row in read_rows(tmp_path / "linked" / "children.csv") if row["source"] == "education"]
    assert len(ids) == len(set(ids)) == 60
    assert sum(name.endswith("#2") for name in ids) == 1


def test_everybody_of_one_name_and_birthday_does_not_blow_up(tmp_path: Path) -> None:
    same = {"Forename": "John", "Surname": "Smith", "DOB": "2010-01-01"}
    crowd = write_rows(tmp_path / "crowd.csv", [{"Pupil ID": f"C{number}", **same} for number in range(20_000)])
    begun = time.process_time()
    done = run("link", crowd, "--out", tmp_path / "linked", "--no-excel")
    assert done.code == 0, done.err
    assert time.process_time() - begun < 300  # two hundred million pairs would take hours
    assert len(read_rows(tmp_path / "linked" / "children.csv")) == 20_000
    report = (tmp_path / "linked" / "report.html").read_text()
    assert "20,000" in report
    assert "Smith" not in report


def test_results_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    files = two_files(tmp_path)
    assert link(tmp_path, *files).code == 0
    before = (tmp_path / "linked" / "children.csv").read_bytes()
    again = link(tmp_path, *files)
    assert again.code == 3
    assert "--force" in again.message
    assert run("link", *files, "--out", tmp_path / "linked", *LEAN, "--force").code == 0
    assert (tmp_path / "linked" / "children.csv").read_bytes() == before


def test_a_sheet_that_was_filled_in_is_not_overwritten_even_by_force(tmp_path: Path) -> None:
    files = two_files(tmp_path)
    assert link(tmp_path, *files).code == 0
    with (tmp_path / "linked" / "review.csv").open("a") as sheet:
        sheet.write("answers,of,a,person\n")
    again = run("link", *files, "--out", tmp_path / "linked", *LEAN, "--force")
    assert again.code == 3
    assert "review.csv" in again.message


def test_documents_of_others_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    done = run("link", *two_files(tmp_path), "--out", tmp_path / "mine", *LEAN, "--force")
    assert done.code == 3
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*anything: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("samechild.linkage.writing.write_parquet", full)
    refused(link(tmp_path, *two_files(tmp_path)), tmp_path, 6, "disk is full")


def test_a_mistake_of_ours_shows_a_reference_and_no_detail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*anything: Any) -> None:
        raise KeyError("Imogen Whitcombe")

    monkeypatch.setattr("samechild.linkage.writing.write_csv", broken)
    done = link(tmp_path, *two_files(tmp_path))
    refused(done, tmp_path, 70, "reference")
    assert "Imogen" not in done.said
    assert link(tmp_path, *two_files(tmp_path)).message == done.message  # the same mistake, the same reference
    told = run("--debug", "link", *two_files(tmp_path), "--out", tmp_path / "linked", *LEAN)
    assert told.code == 70
    assert "do not send it on" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("link",), "Missing argument"),
        (("link", "a.csv"), "--out"),
        (("link", "a.csv", "--out", "x", "--join", "2"), "between 0 and 1"),
        (("link", "a.csv", "--out", "x", "--join", "0.5", "--ask", "0.9"), "--ask may not be above --join"),
        (("link", "a.csv", "--out", "x", "--threads", "0"), "--threads"),
        (("link", "a.csv", "--out", "x", "--seed", "one"), "--seed"),
        (("link", "a.csv", "--out", "x", "--engine", "abacus"), "--engine"),
        (("link", "a.csv", "--out", "x", "--restricted", "y"), "--restricted-key"),
        (("link", "a.csv", "--out", "x", "--restricted", "x/y", "--restricted-key", "age1no"), "public key"),
        (("synth", "x", "--children", "0"), "1 to"),
        (("synth", "x", "--rates", "a", "--harder"), "not both"),
        (("evaluate", "x"), "--truth"),
        (("nonsense",), "nonsense"),
    ],
)
def test_what_is_asked_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    two_files(tmp_path)[0].rename("a.csv")
    done = run(*words)
    assert done.code == 2, done
    assert said in done.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", ["evaluate", "report", "sample", "explain"])
def test_a_folder_that_is_none_of_ours(tmp_path: Path, command: str) -> None:
    more = {"evaluate": ("--truth", "t.csv"), "explain": ("a:1", "b:2")}.get(command, ())
    assert run(command, tmp_path / "nowhere", *more).code == 4
    assert run(command, tmp_path, *more).code == 4
    (tmp_path / "run.json").write_text('{"command": "synth", "started": "", "duration_seconds": 1}')
    assert run(command, tmp_path, *more).code == 2


def started(folder: Path, *files: Path) -> subprocess.Popen[str]:
    """Start linking in a process of its own, and wait until it has begun."""
    command = [sys.executable, "-c", "from samechild.cli.main import main; main()", "link"]
    process = subprocess.Popen(
        [*command, *map(str, files), "--out", str(folder / "linked")], stderr=subprocess.PIPE, text=True, cwd=folder
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Reading")
    process.stderr.readline()
    return process


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_nothing_that_looks_whole(tmp_path: Path, number: signal.Signals) -> None:
    files = two_files(tmp_path, 64)
    process = started(tmp_path, *files)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert not (tmp_path / "linked").exists()
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        assert [path for path in tmp_path.iterdir() if path.name.startswith(".linked.samechild-new-")]
    else:
        assert process.returncode == 130
        assert "Traceback" not in err
        assert sorted(path.name for path in tmp_path.iterdir()) == ["education.csv", "health.csv"]
    assert link(tmp_path, *files).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["education.csv", "health.csv", "linked"]
