"""Whatever the bytes, reading ends in a table or in one of our own errors: never in a crash, never in a wrong claim."""

from __future__ import annotations

import contextlib
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samechild.errors import SamechildError
from samechild.files.gather import gather
from samechild.files.read import read

TEXTUAL = st.text(st.sampled_from('ab01",;|\t\n\r\x00{}[]:é= \ufeff'), max_size=60).map(str.encode)


def read_or_refused(path: Path) -> None:
    with contextlib.suppress(SamechildError):
        file = read(path)
        assert len(file.rows) == file.table.num_rows
        assert all(column.type == pa.string() for column in file.table.columns)
        gather([file]).given.validate(full=True)


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.ndjson", "x.xlsx", "x.parquet", "noending"])
@given(content=st.binary(max_size=80) | TEXTUAL | TEXTUAL.map(lambda text: b"id,surname,dob\n" + text))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes) -> None:
    path = tmp_path_factory.mktemp("x") / name
    path.write_bytes(content)
    read_or_refused(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    book = openpyxl.Workbook()
    for row in [["id", "surname", "dob"], ["1", "A", "=1+1"], ["2", "B", 3.5]]:
        book.active.append(row)
    book.save(folder / "x.xlsx")
    table = pa.table({"id": ["1", "2"], "surname": ["A", None], "n": [1.5, 2.0]})
    pq.write_table(table, folder / "x.parquet")
    with pa.ipc.new_file(folder / "x.arrow", table.schema) as sink:
        sink.write_table(table)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["x.xlsx", "x.parquet", "x.arrow"])
@given(place=st.floats(0, 1), change=st.integers(0, 255), cut=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: dict[str, bytes], name: str, place: float, change: int, cut: bool
) -> None:
    content = bytearray(whole[name])
    position = min(int(place * len(content)), len(content) - 1)
    content[position] = change
    path = tmp_path_factory.mktemp("x") / name
    path.write_bytes(bytes(content[:position] if cut else content))
    read_or_refused(path)
