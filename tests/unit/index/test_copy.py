"""The copy of a space: what is cut is said, threads may read while one writes, and bad input is refused."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest

from samechild.errors import Invalid, Missing
from samechild.index import postings as posted
from samechild.index.copy import MOST_NEAR, SpaceCopy
from samechild.index.keying import SEARCH_COLUMNS, key_of
from samechild.index.postings import Postings
from samechild.index.spelling import Spelling
from samechild.linkage.model import BlockingRule, KeyPart
from samechild.records import Record

BY_SURNAME = BlockingRule((KeyPart("surname"),))
BY_BOTH = BlockingRule((KeyPart("surname"), KeyPart("forename")))


def a_record(forename: str = "AMY", surname: str = "SMITH") -> Record:
    return Record(
        source="s", record_id="1", forename=forename, surname=surname,
        given_names=(forename,), surname_parts=(surname,),
    )  # fmt: skip


def a_copy(*rules: BlockingRule, largest: int = 1000) -> SpaceCopy:
    return SpaceCopy(
        tuple(dict.fromkeys(("forename", "surname", *SEARCH_COLUMNS))), rules or (BY_SURNAME, BY_BOTH), largest
    )


def test_a_block_that_is_too_large_is_cut_and_said() -> None:
    copy = a_copy(largest=3)
    for number in range(5):
        copy.put(f"k{number}", "o", "s", a_record("AMY" if number < 2 else f"N{number}"), f"c{number}")
    near = copy.around(copy.values_of(a_record("AMY")))
    assert sorted(copy.record_key(row) for row in near.rows) == ["k0", "k1"]
    assert near.cut == ("surname",)


def test_no_more_are_near_than_can_be_looked_at_and_the_smallest_blocks_come_first() -> None:
    copy = a_copy(largest=5000)
    for number in range(MOST_NEAR + 10):
        copy.put(f"k{number}", "o", "s", a_record("AMY" if number == 7 else f"N{number}"), "c")
    near = copy.around(copy.values_of(a_record("AMY")))
    assert [copy.record_key(row) for row in near.rows] == ["k7"]
    assert near.cut == ("surname",)


def test_a_rule_with_too_many_pairs_is_closed_until_there_are_fewer() -> None:
    copy = a_copy(BlockingRule((KeyPart("surname"),), most_pairs=2), BY_BOTH)
    for number in range(3):
        copy.put(f"k{number}", "o", "s", a_record(f"N{number}"), "c")
    assert copy.closed() == ("surname",)
    assert copy.near(copy.values_of(a_record("ZOE"))) == []
    copy.drop("k0")
    assert copy.closed() == ()
    assert len(copy.near(copy.values_of(a_record("ZOE")))) == 2


def test_records_and_children_are_told_by_their_keys() -> None:
    copy = a_copy()
    row = copy.put("a", "council", "social care", a_record(), "one")
    copy.put("b", "trust", "community", a_record("BEN"), "one")
    assert (copy.owner(row), copy.source(row), copy.child(row), copy.record_key(row)) == (
        "council", "social care", "one", "a",
    )  # fmt: skip
    assert [copy.record_key(each) for each in copy.members("one")] == ["a", "b"]
    assert (len(copy), copy.children) == (2, 1)
    copy.move("b", "two")
    assert copy.children == 2
    copy.drop("a")
    assert (copy.row_of("a"), copy.members("one"), copy.children, len(copy)) == (None, [], 1, 1)
    assert copy.child(row) == ""
    assert set(copy.values(row)) == {None}
    assert copy.put("a", "council", "social care", a_record(), "one") != row


def test_a_long_record_key_is_kept_whole() -> None:
    copy = a_copy()
    for length in (10, 200):
        copy.put("k" * length, "o", "s", a_record(), "c")
    assert [copy.record_key(row) for row in copy.members("c")] == ["k" * 10, "k" * 200]


@pytest.mark.parametrize(
    ("keys", "children"),
    [
        (["a", "a"], ["c", "c"]),
        (["a"], ["c", "c"]),
        (["a", "b"], ["c", None]),
        (["z", "b"], ["c", "c"]),
    ],
)
def test_what_cannot_be_filled_in_is_refused_and_changes_nothing(keys: list[str], children: list[str]) -> None:
    copy = a_copy()
    copy.put("z", "o", "s", a_record(), "c")
    table = pa.table({"forename": ["AMY", "BEN"], "surname": ["SMITH", "SMITH"]})
    with pytest.raises(Invalid):
        copy.fill(table, keys, ["o", "o"], ["s", "s"], children)
    assert (len(copy), copy.children) == (1, 1)


def test_what_is_not_there_is_missing_and_what_cannot_be_asked_is_refused() -> None:
    copy = a_copy()
    with pytest.raises(Missing):
        copy.drop("a")
    with pytest.raises(Missing):
        copy.move("a", "c")
    with pytest.raises(Invalid):
        copy.near(("AMY",))
    with pytest.raises(Invalid):
        SpaceCopy(("sex",), (BY_SURNAME,), 10)


def test_the_engine_still_finds_what_a_search_must_not() -> None:
    copy = a_copy()
    copy.put("a", "o", "s", a_record(), "c")
    row = copy.row_of("a")
    assert row is not None
    copy.hide("a", copy.columns)
    assert copy.near(copy.values_of(a_record())) == [row]
    assert copy.found_by["family"].rows(key_of("SMITH")) == []
    assert set(copy.searchable(row)) == {None}
    copy.hide("a", ())
    assert copy.found_by["family"].rows(key_of("SMITH")) == [row]


def test_entries_come_and_go_through_many_mergings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted, "LEAST_TO_MERGE", 20)
    held: dict[int, set[int]] = {}
    postings, draw = Postings(largest=6), np.random.default_rng(4)
    for _ in range(4000):
        key, row = int(draw.integers(0, 25)) * 7919, int(draw.integers(0, 30))
        rows = held.setdefault(key, set())
        if row in rows:
            rows.remove(row)
            postings.remove(key, row)
        else:
            rows.add(row)
            postings.add(key, row)
        assert postings.size(key) == len(rows)
    for key, rows in held.items():
        assert sorted(postings.rows(key)) == sorted(rows)
        assert sorted(np.concatenate([*postings.arrays(key), np.zeros(0, np.int32)]).tolist()) == sorted(rows)
    assert len(postings) == sum(map(len, held.values()))
    assert postings.pairs == sum(len(rows) * (len(rows) - 1) // 2 for rows in held.values() if len(rows) <= 6)


def test_readers_beside_a_writer_see_whole_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted, "LEAST_TO_MERGE", 50)
    copy = a_copy()
    names = [f"NAME{number}" for number in range(8)]
    for number, name in enumerate(names):
        copy.put(f"k{number}", "o", "s", a_record(name, name), f"c{number}")
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                for row in range(8):
                    values = copy.values(row)
                    if values[0] != values[1]:
                        wrong.append(values)
                    for near in copy.near(values):
                        copy.record_key(near), copy.child(near), copy.searchable(near)
                    copy.members("c1")
                    copy.found_by["family"].arrays(key_of("NAME3"))
        except Exception as error:
            wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(400):
        name = names[turn % 5]
        copy.put(f"k{turn % 8}", "o", "s", a_record(name, name), f"c{turn % 3}")
        copy.put(f"new{turn}", "o", "s", a_record(name, name), "c1")
        copy.drop(f"new{turn}")
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_slips_are_found_by_their_number() -> None:
    spelling = Spelling()
    spelling.extend(["CHRISTOPHER", "AMY", "AY", "ALI", "SMITH"], surname=False)
    spelling.add("SMYTH", surname=True)
    spelling.add("MACDONALD", surname=True)
    assert spelling.near("SIMTH") == [("SMITH", 1)]
    assert spelling.near("SMITH") == [("SMYTH", 1)]
    assert spelling.near("CRISTOFER") == []
    assert spelling.near("CHRISTOFER") == [("CHRISTOPHER", 2)]
    assert spelling.near("CHRISTOFER", 1) == []
    assert spelling.near("AI") == [("ALI", 1)]
    assert spelling.related("MCDONALD") == ["MACDONALD"]
