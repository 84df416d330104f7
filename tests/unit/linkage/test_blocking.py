"""Work stays bounded whatever the records hold, and what was passed over is told."""

from __future__ import annotations

import pyarrow as pa
import pytest

from samechild.errors import Invalid
from samechild.linkage.blocking import MOST_RULES, block, usable_rules
from samechild.linkage.coded import CodedTable, code_table
from samechild.linkage.model import BlockingRule, KeyPart

NAME = BlockingRule((KeyPart("name"),))


def named(*names: str | None) -> CodedTable:
    return code_table(pa.table({"name": pa.array(names, pa.string())}), ["name"])


def test_a_block_that_is_too_large_is_passed_over_and_told() -> None:
    found = block(named(*["SMITH"] * 50, "MOSS", "MOSS", "YIP"), (NAME,), largest=49)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(50, 51)]
    (count,) = found.counts
    assert (count.pairs, count.largest_block, count.skipped_blocks, count.skipped_records) == (1, 50, 1, 50)
    assert len(block(named(*["SMITH"] * 50), (NAME,), largest=50)) == 50 * 49 / 2


def test_a_rule_that_brings_too_many_pairs_is_passed_over_whole() -> None:
    names = named("A", "A", "A", "B", "B", None, None)
    assert len(block(names, (BlockingRule(NAME.parts, most_pairs=4),), 9)) == 4
    found = block(names, (BlockingRule(NAME.parts, most_pairs=3),), 9)
    assert len(found) == 0
    assert found.counts[0].skipped_records == 5


def test_each_pair_is_found_once_with_all_its_rules_on_any_threads() -> None:
    initial = BlockingRule((KeyPart("name", 1, 1),))
    names = named("ANN", "ANNA", "ANN", "BO", "ABE")
    for threads in (1, 2):
        found = block(names, (NAME, initial), 9, threads)
        pairs = list(zip(found.left.tolist(), found.right.tolist(), found.rules.tolist(), strict=True))
        assert pairs == [(0, 1, 2), (0, 2, 3), (0, 4, 2), (1, 2, 2), (1, 4, 2), (2, 4, 2)]
        assert [(count.pairs, count.only_here) for count in found.counts] == [(1, 0), (6, 5)]


def test_a_value_held_twice_in_a_list_counts_once() -> None:
    lists = pa.array([["MOSS", "MOSS"], ["MOSS"], ["YIP", ""], [""], []], pa.list_(pa.string()))
    table = code_table(pa.table({"parts": lists}), ["parts"])
    found = block(table, (BlockingRule((KeyPart("parts"),)),), largest=2)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(0, 1)]
    assert found.counts[0].largest_block == 2


@pytest.mark.parametrize("rows", [0, 1])
def test_no_records_make_no_pairs(rows: int) -> None:
    assert len(block(named(*["A"] * rows), (NAME,), 9)) == 0


def test_rules_whose_fields_are_not_there_are_passed_over_and_too_many_refused() -> None:
    other = BlockingRule((KeyPart("town"), KeyPart("name")))
    assert usable_rules((other, NAME), ["name"]) == (NAME,)
    with pytest.raises(Invalid, match="none of the fields name, town"):
        usable_rules((other,), ["upn"])
    with pytest.raises(Invalid, match="at most 32"):
        usable_rules((NAME,) * (MOST_RULES + 1), ["name"])
