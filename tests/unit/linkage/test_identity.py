"""Ids of children depend on the records alone, and are no record's own number."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.linkage.identity import LONGEST, child_ids, record_keys

names = st.lists(
    st.tuples(st.sampled_from(["a", "b", "é"]), st.text(max_size=12) | st.text("0123456789", min_size=1, max_size=70)),
    min_size=1,
    max_size=12,
    unique=True,
)


@given(records=names)
def test_different_records_have_different_keys_wherever_they_stand(records: list[tuple[str, str]]) -> None:
    source, record = pa.array([each[0] for each in records]), pa.array([each[1] for each in records])
    keys = record_keys(source, record)
    both = list(zip(keys.high.tolist(), keys.low.tolist(), strict=True))
    assert len(set(both)) == len(records)
    if all(each.isascii() and len(each) <= LONGEST for _, each in records):
        alone = record_keys(pa.array([records[-1][0]]), pa.array([records[-1][1]]))
        assert (alone.high[0], alone.low[0]) == both[-1]
    ordered = keys.take(keys.order())
    assert list(zip(ordered.high.tolist(), ordered.low.tolist(), strict=True)) == sorted(both)


def test_source_and_id_are_not_run_together() -> None:
    keys = record_keys(pa.array(["a1", "a", "a"]), pa.array(["2", "12", "12 "]))
    assert len(set(keys.high.tolist())) == 3


@pytest.mark.parametrize("other", ["x" * (LONGEST + 1), "é"])
def test_a_key_does_not_depend_on_the_records_beside_it(other: str) -> None:
    alone = record_keys(pa.array(["a"]), pa.array(["17"]))
    beside = record_keys(pa.array(["a", "a"]), pa.array(["17", other]))
    assert (alone.high[0], alone.low[0]) == (beside.high[0], beside.low[0])


def test_an_id_is_letters_and_digits_and_another_turn_gives_another() -> None:
    keys = record_keys(pa.array(["a"] * 3), pa.array(["1", "2", "3"]))
    first, again = (child_ids(keys, keys.order(), turn).to_pylist() for turn in (0, 1))
    assert len({*first, *again}) == 6
    assert all(re.fullmatch(r"C[0-9A-HJKMNP-TV-Z]{16}", each) for each in first)
