"""Columns in every shape Arrow gives them: chunks, slices, nulls over left-over bytes, dictionaries, large strings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from samechild.identifiers import nhs_number, postcode, text
from samechild.identifiers.kinds import CODE_OF_KIND, Kind

TYPED = ["999 000 0018", None, "9990000026", "", "x", "999\u00a0000\u00a00034", "9990000019"]
CANONICAL = ["9990000018", None, "9990000026", None, None, "9990000034", None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(TYPED),
        pa.array(TYPED, pa.large_string()),
        pa.array(TYPED).dictionary_encode(),
        pa.chunked_array([TYPED[:2], [], TYPED[2:]], pa.string()),
        pa.array(["9990000042", None, *TYPED, "9990000050"]).slice(2, len(TYPED)),
    ],
    ids=["plain", "large", "dictionary", "chunked", "sliced"],
)
def test_any_shape_of_column(column: pa.Array | pa.ChunkedArray) -> None:
    found = nhs_number.check_many(column)
    assert found.values.type == pa.string()
    assert found.values.to_pylist() == CANONICAL
    assert found.kinds.dtype == np.int8
    assert found.problems.dtype == np.int8
    assert len(found.kinds) == len(found.problems) == len(TYPED)
    assert (found.kinds == CODE_OF_KIND[Kind.MISSING]).tolist() == [False, True, False, True, False, False, False]


@pytest.mark.parametrize("column", [pa.array([], pa.string()), pa.nulls(3, pa.string()), pa.nulls(0), pa.nulls(2)])
def test_columns_with_nothing_in_them(column: pa.Array) -> None:
    for module in (nhs_number, postcode):
        found = module.check_many(column)
        assert found.values.to_pylist() == [None] * len(column)
        assert (found.problems == 0).all()


def test_bytes_left_under_a_null_are_never_read_as_a_value() -> None:
    left_over = "9990000018 \u00e9 9990000026".encode()
    offsets = np.array([0, len(left_over) - 10, len(left_over)])
    column = text.strings(offsets, np.frombuffer(left_over, dtype=np.uint8), np.array([True, False]))
    assert column.to_pylist() == [None, "9990000026"]
    assert nhs_number.check_many(column).values.to_pylist() == [None, "9990000026"]
    hidden = pa.Array.from_buffers(
        pa.string(),
        1,
        [pa.py_buffer(b"\x00"), pa.py_buffer(np.array([0, 10], np.int32)), pa.py_buffer(b"9990000018")],
    )
    assert nhs_number.check_many(hidden).values.to_pylist() == [None]


@pytest.mark.parametrize("texts", [[None, None], ["", ""], []])
def test_columns_without_bytes_have_none(texts: list[str | None]) -> None:
    offsets, content = text.runs(pa.array(texts, pa.string()))
    assert offsets.tolist() == [0] * (len(texts) + 1)
    assert content.tolist() == []


def test_only_ascii_letters_change_case() -> None:
    assert text.normalise("stra\u00dfe \u0131\u017f") == "STRA\u00dfE\u0131\u017f"
    assert text.normalise_many(pa.array(["stra\u00dfe \u0131\u017f"])).to_pylist() == ["STRA\u00dfE\u0131\u017f"]
    assert text.trim(" a\u00dfc d\u200b") == "A\u00dfC D"
    assert text.trim_many(pa.array([" a\u00dfc d\u200b"])).to_pylist() == ["A\u00dfC D"]


def test_a_pattern_must_match_the_whole_of_a_value() -> None:
    column = pa.array(["AB", "AB\n", "xAB", "A\nB", None])
    assert text.matches(column, "A|AB").tolist() == [True, False, False, False, False]


def test_a_character_that_is_nul_is_not_dropped() -> None:
    assert nhs_number.check("999000\x000018").value is None
    assert nhs_number.check_many(pa.array(["999000\x000018", "999 000 0018"])).values.to_pylist() == [
        None,
        "9990000018",
    ]
