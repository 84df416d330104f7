"""A run's tables as files: what is written, how it is put together, and what is left out."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid, Missing, Refused
from samechild.linkage import sealing
from samechild.linkage.evidence import pair_of, readings
from samechild.linkage.review_sheet import write_review
from samechild.linkage.writing import Told, extra_path, marked, one_row_a_child, problems
from samechild.records import Issue, Severity

rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 30).map(str), st.sampled_from(["C1", "C2", "C3"])),
    unique_by=lambda row: row[:2],
    max_size=12,
)


@given(rows, st.booleans())
def test_one_row_for_each_child_whatever_the_order(held: list[tuple[str, str, str]], coded: bool) -> None:
    names = ("source", "record_id", "child_id")
    table = pa.table({name: pa.array([row[at] for row in held], pa.string()) for at, name in enumerate(names)})
    if coded:
        table = table.set_column(0, "source", table["source"].dictionary_encode())
    wide = one_row_a_child(table).to_pylist()
    expected: dict[str, dict[str, list[str]]] = {}
    for source, record, child in sorted(held):
        expected.setdefault(child, {}).setdefault(source, []).append(record)
    sources = sorted({source for source, _, _ in held})
    assert wide == [
        {"child_id": child, "records": sum(map(len, of.values()))}
        | {source: "; ".join(of[source]) if source in of else None for source in sources}
        for child, of in sorted(expected.items())
    ]


def test_very_many_sources_share_one_column() -> None:
    count = 300
    table = pa.table(
        {
            "source": [f"s{number:03d}" for number in range(count)],
            "record_id": ["1"] * count,
            "child_id": [f"C{number % 100:02d}" for number in range(count)],
        }
    )
    wide = one_row_a_child(table).to_pylist()
    assert wide[7] == {"child_id": "C07", "records": 3, "record ids": "s007:1; s107:1; s207:1"}
    assert len(wide) == 100


def found_problems(*issues: tuple[str, int, str]) -> pa.Table:
    return pa.table(
        {
            "source": pa.array([source for source, _, _ in issues]).dictionary_encode(),
            "row": pa.array([row for _, row, _ in issues], pa.int32()),
            "column": pa.array([column for _, _, column in issues]).dictionary_encode(),
            "rule": ["r"] * len(issues),
            "severity": ["error"] * len(issues),
            "message": ["m"] * len(issues),
            "rows": pa.array([1] * len(issues), pa.int32()),
        }
    )


def test_problems_stand_under_the_files_own_headings_in_order() -> None:
    told = Told(
        {"a": {"upn": "U P N", "forename": "upn"}, "b": {"upn": "Number"}},
        (Issue("a", 2, "DOB", "late", Severity.WARNING, "m", 3),),
    )
    table = problems(found_problems(("b", 1, "upn"), ("a", 3, "upn"), ("a", 1, "forename")), told).to_pylist()
    assert [(row["source"], row["row"], row["column"], row["severity"]) for row in table] == [
        ("a", 1, "upn", "error"),
        ("a", 2, "DOB", "warning"),
        ("a", 3, "U P N", "error"),
        ("b", 1, "Number", "error"),
    ]


def test_records_are_marked_identifying_and_lists_are_written(tmp_path: Path) -> None:
    lists = pa.DictionaryArray.from_arrays(pa.array([0, None, 0], pa.int32()), pa.array([["A", "B"]]))
    table = pa.table({"surname": ["X", None, "Y"], "surname_parts": lists})
    pq.write_table(marked(table), tmp_path / "r.parquet")
    read = pq.read_table(tmp_path / "r.parquet")
    assert read["surname_parts"].to_pylist() == [["A", "B"], None, ["A", "B"]]
    assert read.schema.metadata[b"samechild.sensitivity"] == b"identity"
    assert b'"surname":"identity"' in read.schema.metadata[b"samechild.columns"]


class AResult:
    """The tables of a result that the changes are told from."""

    def __init__(self, changes: list[tuple[str, str, str | None]]) -> None:
        names = ("change", "child_id", "previous_child_id")
        self.changes = pa.table({name: [row[at] for row in changes] for at, name in enumerate(names)})
        self.children = pa.table(
            {"source": ["s"] * 4, "record_id": ["1", "2", "3", "4"], "child_id": ["X", "Y", "Z", "W"]}
        )
        none = pa.array([], pa.string())
        self.restricted = pa.table(dict.fromkeys(("source_a", "record_a", "source_b", "record_b", "why"), none))


def test_a_review_sheet_cannot_be_run_and_keeps_leading_zeros(tmp_path: Path) -> None:
    review = pa.table(
        {
            "rank": pa.array([1], pa.int32()),
            "record_a": ["007"],
            "record_b": ["8"],
            "forename_a": ["=cmd()"],
            "forename_b": ["Anne-Marie"],
            "surname_a": ["O'Neil"],
            "surname_b": ["ONEIL"],
            "upn_a": pa.array([None], pa.string()),
            "upn_b": ["X"],
            "answer": pa.array([None], pa.string()),
        }
    )
    write_review(review, tmp_path / "r.xlsx", ("same", "different"))
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx").active
    assert sheet is not None
    cells = {str(head.value): cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert cells["record_a"].value == "007"
    assert cells["forename_a"].data_type == "s"
    assert {name for name, cell in cells.items() if cell.font.bold} == {"forename_a", "forename_b"}
    write_review(review.slice(0, 0), tmp_path / "none.xlsx", ("same",))
    empty = openpyxl.load_workbook(tmp_path / "none.xlsx").active
    assert empty is not None
    assert empty.max_row == 1


def test_a_model_has_two_files() -> None:
    assert extra_path(Path("x/model.json")) == Path("x/model.extra.json")


class TestSealing:
    def test_keys_of_age_and_ssh_and_from_a_file(self, tmp_path: Path) -> None:
        key = str(pyrage.x25519.Identity.generate().to_public())
        (tmp_path / "keys").write_text(f"# two people\n{key}\n\n{key}\n")
        assert len(sealing.recipients(key)) == 1
        assert len(sealing.recipients(str(tmp_path / "keys"))) == 2

    @pytest.mark.parametrize("content", ["", "# nobody\n", "age1nonsense\n", "hello\n", "ssh-ed25519 AAAA\n"])
    def test_no_key_in_a_file(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "keys").write_text(content)
        with pytest.raises(Invalid):
            sealing.recipients(str(tmp_path / "keys"))

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(Missing):
            sealing.recipients(str(tmp_path / "keys"))

    def test_never_among_the_results_and_never_over_an_earlier_list(self, tmp_path: Path) -> None:
        for place in ("out", "out/deep/er", "other/../out"):
            with pytest.raises(Invalid, match="inside"):
                sealing.check_place(tmp_path / place, tmp_path / "out", True)
        sealing.write_sealed(b"x", tmp_path / "sealed")
        with pytest.raises(Refused):
            sealing.check_place(tmp_path / "sealed", tmp_path / "out", False)
        sealing.check_place(tmp_path / "sealed", tmp_path / "out", True)

    def test_the_plain_list_cannot_be_run(self) -> None:
        content = sealing.csv_bytes(pa.table({"record_a": ["=1+1", None, "a,b"]})).decode("utf-8-sig")
        assert content == 'record_a\r\n\'=1+1\r\n""\r\n"a,b"\r\n'


def test_a_name_with_colons_is_read_every_way() -> None:
    assert readings("a:b:c") == (("a", "b:c"), ("a:b", "c"))
    assert readings("abc") == ()
    pairs = pa.table({"source_a": ["a:b"], "record_a": ["c"], "source_b": ["d"], "record_b": ["e"]})
    assert pair_of(pairs, readings("d:e"), readings("a:b:c")) is not None
    assert pair_of(pairs, readings("a:b:c"), readings("a:b:c")) is None
