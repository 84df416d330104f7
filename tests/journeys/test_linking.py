"""Whole stories through the command line: link, look, decide, link again."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import openpyxl
import pyarrow.parquet as pq
import pyrage
import pytest

import samechild
from commands import SMALL_TOWN, children_of, files_of, linked_town, read_rows, run, small_town, two_files
from samechild.errors import Invalid
from samechild.linkage.evidence import NOTHING, explained
from samechild.linkage.request import stored_model

LEAN = ("--no-excel", "--no-report")
PAIR = "source_a,record_a,source_b,record_b"
WRITTEN = {
    "children.csv", "children.parquet", "children.xlsx", "links.parquet", "model.extra.json", "model.json",
    "pairs.parquet", "problems.csv", "records.parquet", "report.html", "review.csv", "review.xlsx", "run.json",
}  # fmt: skip


@SMALL_TOWN
class TestTown:
    def test_everything_is_written(self) -> None:
        assert {path.name for path in linked_town().iterdir()} == WRITTEN

    def test_no_record_is_lost_and_each_stands_once(self) -> None:
        held = [(row["source"], row["record_id"]) for row in read_rows(linked_town() / "children.csv")]
        truth = [(row["source"], row["record_id"]) for row in read_rows(small_town() / "truth" / "truth.csv")]
        assert sorted(held) == sorted(truth)

    def test_tables_agree_with_each_other(self) -> None:
        rows = read_rows(linked_town() / "children.csv")
        parquet = pq.read_table(linked_town() / "children.parquet")
        assert [row["child_id"] for row in rows] == parquet["child_id"].to_pylist()
        records = pq.read_table(linked_town() / "records.parquet")
        assert records["child_id"].to_pylist() == parquet["child_id"].to_pylist()
        assert records.schema.metadata[b"samechild.sensitivity"] == b"identity"
        sizes: dict[str, int] = {}
        for row in rows:
            sizes[row["child_id"]] = sizes.get(row["child_id"], 0) + 1
        assert all(int(row["records"]) == sizes[row["child_id"]] for row in rows)

    def test_the_workbook_of_children_has_one_row_for_each_child_and_every_record_once(self) -> None:
        sheet = openpyxl.load_workbook(linked_town() / "children.xlsx", read_only=True).active
        assert sheet is not None
        heads, *rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        found = {
            (heads[place], record): row[0]
            for row in rows
            for place in range(2, len(heads))
            for record in str(row[place] or "").split("; ")
            if record
        }
        wanted = {
            (row["source"], row["record_id"]): row["child_id"] for row in read_rows(linked_town() / "children.csv")
        }
        assert found == wanted
        assert len({row[0] for row in rows}) == len(rows)

    def test_the_review_sheet_offers_answers_and_marks_what_differs(self) -> None:
        book = openpyxl.load_workbook(linked_town() / "review.xlsx")
        sheet = book.active
        assert sheet is not None
        rows = read_rows(linked_town() / "review.csv")
        assert sheet.max_row == len(rows) + 1
        heads = [cell.value for cell in sheet[1]]
        assert heads == list(rows[0])
        assert [str(one.formula1) for one in sheet.data_validations.dataValidation] == ['"same,different,cannot tell"']
        marked = {
            (number, str(heads[cell.column - 1]))
            for number, line in enumerate(sheet.iter_rows(min_row=2))
            for cell in line
            if cell.font.bold
        }
        assert marked
        for number, name in marked:
            stem, side = name[:-2], name[-1]
            other = rows[number][f"{stem}_{'b' if side == 'a' else 'a'}"]
            assert rows[number][name].casefold() != other.casefold()
            assert rows[number][name]
            assert other

    def test_the_run_says_what_it_read_and_how_long_each_step_took(self) -> None:
        record = msgspec.json.decode((linked_town() / "run.json").read_bytes())
        assert record["format_version"] == 1
        assert {one["file"] for one in record["inputs"]} == {path.name for path in files_of(small_town())}
        assert all(len(one["sha256"]) == 64 for one in record["inputs"])
        assert record["counts"]["records"] == len(read_rows(linked_town() / "children.csv"))
        assert {"write children.csv", "write review.xlsx", "write report.html"} <= set(record["counts"]["seconds"])
        assert set(record["outputs"]) == WRITTEN - {"run.json"}

    def test_the_order_of_rows_and_files_and_the_number_of_threads_change_nothing(self, tmp_path: Path) -> None:
        files = [Path(shutil.copy(path, tmp_path)) for path in files_of(small_town())]
        for path in files:
            if path.suffix in (".csv", ".tsv", ".ndjson"):
                lines = path.read_bytes().splitlines(keepends=True)
                head, rows = (lines[:1], lines[1:]) if path.suffix != ".ndjson" else ([], lines)
                random.Random(9).shuffle(rows)
                path.write_bytes(b"".join(head + rows))
        truth = small_town() / "truth"
        lists = ("--never-link", truth / "never_link.csv", "--superseded", truth / "superseded.csv")
        done = run("link", *reversed(files), "--out", tmp_path / "l", *LEAN, *lists, "--threads", "1")
        assert done.code == 0, done.err
        for name, own in (("children", ("source", "record_id")), ("pairs", PAIR.split(","))):
            before, now = (
                {tuple(row[each] for each in own): row for row in pq.read_table(folder / f"{name}.parquet").to_pylist()}
                for folder in (linked_town(), tmp_path / "l")
            )
            assert now == before

    def test_evaluation_finds_it_good_and_writes_its_figures(self, tmp_path: Path) -> None:
        figures = tmp_path / "figures.json"
        done = run("evaluate", linked_town(), "--truth", small_town() / "truth" / "truth.csv", "--json", figures)
        assert done.code == 0, done.err
        assert "Twin" in done.out
        found = msgspec.json.decode(figures.read_bytes())
        assert found["clusters"]["within"]["precision"] > 0.98
        assert found["clusters"]["within"]["recall"] > 0.9
        assert found["adoptions"]["joined"]["found"] == 0

    def test_explaining_works_the_very_same_weight_out_again(self) -> None:
        folder = linked_town()
        records, (model, _) = pq.read_table(folder / "records.parquet"), stored_model(folder / "model.json")
        rows = pq.read_table(folder / "pairs.parquet").to_pylist()
        for row in rows[:: len(rows) // 40]:
            found = explained(row, records, model, None)
            assert found is not None
            assert found.score.match_weight == pytest.approx(row["match_weight"], abs=1e-6)
        one, other = (f"{row[f'source_{side}']}:{row[f'record_{side}']}" for side in "ab")
        for words in ((one, other), (other, one)):
            done = run("explain", folder, *words)
            assert done.code == 0, done.err
            assert f"Decided: {row['decision']}" in done.out
            assert f"{row['match_weight']:+.1f}".replace("-", "\u2212") in done.out

    def test_an_explanation_can_be_kept_as_a_page_and_as_a_picture(self, tmp_path: Path) -> None:
        row = pq.read_table(linked_town() / "links.parquet").to_pylist()[0]
        one, other = (f"{row[f'source_{side}']}:{row[f'record_{side}']}" for side in "ab")
        words = ("explain", linked_town(), one, other, "--html", tmp_path / "why.html", "--svg", tmp_path / "why.svg")
        assert run(*words).code == 0
        svg = ElementTree.parse(tmp_path / "why.svg").getroot()
        assert "together" in svg.attrib["aria-label"]
        bars = [each for each in svg.iter("{http://www.w3.org/2000/svg}rect") if each.attrib["width"] != "100%"]
        assert all(float(bar.attrib["width"]) >= 1 and float(bar.attrib["x"]) >= 0 for bar in bars)
        assert max(float(bar.attrib["x"]) + float(bar.attrib["width"]) for bar in bars) <= 882
        page = (tmp_path / "why.html").read_text(encoding="utf-8")
        assert "<svg" in page
        assert row["reason"].split(";")[0] in page
        assert run(*words).code == 3

    def test_the_report_can_be_written_again(self, tmp_path: Path) -> None:
        assert run("report", linked_town(), "--out", tmp_path / "again.html").code == 0
        assert (tmp_path / "again.html").read_bytes() == (linked_town() / "report.html").read_bytes()
        assert run("report", linked_town(), "--out", tmp_path / "again.html").code == 3

    def test_a_stored_model_links_again_without_training(self, tmp_path: Path) -> None:
        model = linked_town() / "model.json"
        done = run("link", *files_of(small_town()), "--out", tmp_path / "l", *LEAN, "--model", model)
        assert done.code == 0, done.err
        ours, again = children_of(linked_town()), children_of(tmp_path / "l")
        assert len(ours & again) > 0.97 * len(ours)

    def test_a_models_own_frequencies_stay_with_the_results(self, tmp_path: Path) -> None:
        few = files_of(small_town())[1:4]
        used = ("--model", linked_town() / "model.json", "--model-frequencies")
        assert run("link", *few, "--out", tmp_path / "l", *LEAN, *used).code == 0
        records, rows = (pq.read_table(tmp_path / "l" / f"{name}.parquet") for name in ("records", "pairs"))
        model, frequencies = stored_model(tmp_path / "l" / "model.json")
        assert frequencies is not None
        for row in rows.slice(0, 20).to_pylist():
            found = explained(row, records, model, frequencies)
            assert found is not None
            assert found.score.match_weight == pytest.approx(row["match_weight"], abs=1e-6)

    def test_sampling_and_judging(self, tmp_path: Path) -> None:
        pytest.importorskip("samechild.linkage.sample")
        sheet = tmp_path / "sheet.csv"
        assert run("sample", linked_town(), "--pairs", "30", "--out", sheet).code == 0
        rows = read_rows(sheet)
        assert 0 < len(rows) <= 40
        true = {
            (row["source"], row["record_id"]): row["true_child_id"]
            for row in read_rows(small_town() / "truth" / "truth.csv")
        }
        text = sheet.read_text(encoding="utf-8-sig").splitlines()
        heads = text[0].split(",")
        assert heads.count("answer") == 1
        from commands import write_rows

        for row in rows:
            a, b = true[row["source_a"], row["record_a"]], true[row["source_b"], row["record_b"]]
            row["answer"] = "same" if a == b else "different"
        write_rows(tmp_path / "filled.csv", rows)
        done = run("evaluate", linked_town(), "--reviewed", tmp_path / "filled.csv")
        assert done.code == 0, done.err
        assert "recision" in done.out


class TestExplain:
    def test_strangers_unknown_records_and_nonsense_have_one_answer(self, tmp_path: Path) -> None:
        files = two_files(tmp_path)
        assert run("link", *files, "--out", tmp_path / "linked", *LEAN).code == 0
        for one, other in (("education:E0000", "health:H0001"), ("education:nobody", "health:H0001"), ("x:1", "y:2")):
            done = run("explain", tmp_path / "linked", one, other)
            assert (done.code, done.out, done.err) == (0, NOTHING + "\n", "")
        assert run("explain", tmp_path / "linked", "education", "health:H0001").code == 2


def test_rows_in_any_order_and_files_in_any_order_give_the_same_children(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    assert run("link", first, second, "--out", tmp_path / "one", *LEAN).code == 0
    head, *rows = first.read_text().splitlines()
    random.Random(5).shuffle(rows)
    first.write_text("\n".join([head, *rows]) + "\n")
    assert run("link", second, first, "--out", tmp_path / "two", *LEAN, "--threads", "1").code == 0
    named = [
        sorted(
            (row["source"], row["record_id"], row["child_id"]) for row in read_rows(tmp_path / name / "children.csv")
        )
        for name in ("one", "two")
    ]
    assert named[0] == named[1]


def test_a_person_outranks_the_score_and_is_remembered(tmp_path: Path) -> None:
    files = two_files(tmp_path)
    assert run("link", *files, "--out", tmp_path / "one", *LEAN).code == 0
    sheet = tmp_path / "reviewed.csv"
    sheet.write_text(
        f"{PAIR},answer,note\nhealth,H0003,education,E0003,Different,two cousins\neducation,E0005,health,nobody,same,\n"
    )
    done = run("link", *files, "--out", tmp_path / "two", *LEAN, "--decisions", sheet)
    assert done.code == 0, done.err
    assert "2 answers of a person were read; 1 speak" in done.out
    apart = {frozenset({("education", "E0003")}), frozenset({("health", "H0003")})}
    assert apart <= children_of(tmp_path / "two")
    done = run("link", *files, "--out", tmp_path / "three", *LEAN, "--previous", tmp_path / "two")
    assert done.code == 0, done.err
    assert apart <= children_of(tmp_path / "three")
    links = pq.read_table(tmp_path / "three" / "links.parquet").to_pylist()
    assert [row["human_note"] for row in links if row["human_answer"] == "different"] == ["two cousins"]


def test_a_sheet_of_other_records_is_refused(tmp_path: Path) -> None:
    files = two_files(tmp_path)
    sheet = tmp_path / "reviewed.csv"
    sheet.write_text(f"{PAIR},answer\nhealth,3,education,4,same\n")
    done = run("link", *files, "--out", tmp_path / "l", *LEAN, "--decisions", sheet)
    assert done.code == 2
    assert "no record of this run" in done.message


def test_children_keep_their_ids_as_records_come_and_go(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    assert run("link", first, second, "--out", tmp_path / "one", *LEAN).code == 0
    lines = first.read_text().splitlines()
    first.write_text("\n".join([*lines[:1], *lines[11:]]) + "\n")
    done = run("link", first, second, "--out", tmp_path / "two", *LEAN, "--previous", tmp_path / "one")
    assert done.code == 0, done.err
    assert "0 records came and 10 went" in done.out
    before, now = (
        {(row["source"], row["record_id"]): row["child_id"] for row in read_rows(tmp_path / name / "children.csv")}
        for name in ("one", "two")
    )
    assert all(before[record] == child for record, child in now.items())
    assert (tmp_path / "two" / "changes.csv").is_file()


def test_results_can_replace_those_they_follow(tmp_path: Path) -> None:
    files = two_files(tmp_path)
    out = tmp_path / "linked"
    assert run("link", *files, "--out", out, *LEAN).code == 0
    before = (out / "children.csv").read_bytes()
    assert run("link", *files, "--out", out, *LEAN, "--previous", out, "--force").code == 0
    assert (out / "children.csv").read_bytes() == before


def test_never_link_holds_for_every_row_of_a_record_id_and_is_told_as_a_count(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    lines = first.read_text().splitlines()
    first.write_text("\n".join([*lines, lines[4].replace(",JA", ",JB")]) + "\n")  # E0003 a second time
    listed = tmp_path / "apart.csv"
    listed.write_text(f"{PAIR}\neducation,E0003,health,H0003\neducation,gone,health,H0003\n")
    done = run("link", first, second, "--out", tmp_path / "l", *LEAN, "--never-link", listed)
    assert done.code == 0, done.err
    assert "2 pairs of the never-link list (1 name a record that is not in these files)" in done.out
    assert frozenset({("health", "H0003")}) in children_of(tmp_path / "l")
    assert "H0003" not in done.said


def test_the_sealed_list_opens_with_the_named_persons_key_only(tmp_path: Path) -> None:
    owner = pyrage.x25519.Identity.generate()
    files = two_files(tmp_path)
    listed = tmp_path / "apart.csv"
    listed.write_text(f"{PAIR}\neducation,E0003,health,H0003\n")
    key = tmp_path / "officer.txt"
    key.write_text(f"# adoption officer\n{owner.to_public()}\n")
    words = (
        "link",
        *files,
        "--out",
        tmp_path / "l",
        *LEAN,
        "--never-link",
        listed,
        "--restricted",
        tmp_path / "sealed",
    )
    assert run(*words, "--restricted-key", key).code == 0
    sealed = tmp_path / "sealed" / "restricted.csv.age"
    assert [path.name for path in sealed.parent.iterdir()] == [sealed.name]
    content = pyrage.decrypt(sealed.read_bytes(), [owner]).decode("utf-8-sig")
    assert content.splitlines()[0] == f"{PAIR},why"
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed.read_bytes(), [pyrage.x25519.Identity.generate()])
    shutil.rmtree(tmp_path / "l")
    again = run(*words, "--restricted-key", str(owner.to_public()))
    assert again.code == 3
    assert "restricted.csv.age is there already" in again.message
    assert not (tmp_path / "l").exists()
    secret = run(*words, "--restricted-key", key.write_text(str(owner)) and key)
    assert secret.code == 2
    assert "secret key" in secret.message
    assert str(owner) not in secret.said


def test_a_map_is_drafted_and_obeyed(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    first.write_text(first.read_text().replace("DOB", "Column 4"))
    draft = tmp_path / "map.toml"
    assert run("link", first, second, "--write-map", draft).code == 0
    text = draft.read_text()
    assert '#   "Column 4"' in text
    draft.write_text(text.replace('forename = "Forename"', 'forename = "Forename"\ndate_of_birth = "Column 4"', 1))
    done = run("link", first, second, "--map", draft, "--out", tmp_path / "l", *LEAN)
    assert done.code == 0, done.err
    records = pq.read_table(tmp_path / "l" / "records.parquet", columns=["given_date_of_birth"])
    assert records["given_date_of_birth"].null_count == 0


def test_from_a_notebook(tmp_path: Path) -> None:
    files = two_files(tmp_path)
    result = samechild.link(list(files), seed=3)
    assert result.children.num_rows == 120
    assert len(set(result.children["child_id"].to_pylist())) == 60
    with pytest.raises(Invalid, match="no option colour"):
        samechild.link(files[0], colour="red")


def test_check_says_what_was_recognised_and_ends_with_one_when_something_is_wrong(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    done = run("check", first, second)
    assert done.code == 0
    assert "Pupil ID" in done.out
    assert "date_of_birth" in done.out
    bad = tmp_path / "bad.csv"
    bad.write_text("colour,shape\nred,round\n")
    done = run("check", first, bad)
    assert done.code == 1
    assert "cannot be linked yet" in done.out


def test_help_and_version_are_quick_and_every_command_shows_an_example() -> None:
    for command in ("link", "check", "explain", "sample", "evaluate", "report", "synth", "demo"):
        done = run(command, "--help")
        assert done.code == 0
        assert f"samechild {command}" in done.out.split("Example", 1)[1], command
    script = "import sys; from samechild.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "print(sorted(set(sys.modules) & {'numpy', 'pyarrow', 'scipy', 'rich', 'jinja2', 'duckdb'}))"
    done_apart = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done_apart.stdout.splitlines()[-1] == "[]"


def test_lean_linking_loads_nothing_it_does_not_use(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    words = ["link", str(first), str(second), "--out", str(tmp_path / "l"), *LEAN]
    script = f"import sys; from samechild.cli.main import main\ntry: main({words!r})\nexcept SystemExit: pass\n"
    heavy = {"splink", "duckdb", "openpyxl", "jinja2", "vl_convert", "xlsxwriter", "pyrage"}
    script += f"print(sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
