"""A child keeps its id from run to run; what came together or apart is listed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from samechild.linkage.children import Earlier, changes_since, earlier_children, name_children
from samechild.linkage.identity import Keys, record_keys

NOBODY = np.zeros((0, 2), np.int64)


def keys_of(*ids: str) -> Keys:
    return record_keys(pa.array(["a"] * len(ids)), pa.array(ids))


def run_before(keys: Keys, **children: str) -> Earlier:
    """An earlier run: each record's child, by record id."""
    columns = {"source": ["a"] * len(children), "record_id": list(children), "child_id": list(children.values())}
    table = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
    return earlier_children(table, keys)


def named(keys: Keys, child: list[int], earlier: Earlier | None = None) -> list[str]:
    ids: list[str] = name_children(keys, np.array(child), earlier).to_pylist()
    return ids


def test_records_of_one_child_have_one_id_and_children_different_ones() -> None:
    ids = named(keys_of("1", "2", "3"), [0, 0, 2])
    assert ids[0] == ids[1] != ids[2]


def test_ids_are_kept_while_records_come_and_go() -> None:
    keys = keys_of("1", "2", "3")
    earlier = run_before(keys, **{"2": "OLD", "9": "GONE"})
    assert earlier.gone == 1
    ids = named(keys, [0, 0, 2], earlier)
    assert ids[:2] == ["OLD", "OLD"]
    assert ids[2] not in ("OLD", "GONE")


def test_the_larger_part_keeps_the_id_and_no_id_is_given_twice() -> None:
    keys = keys_of("1", "2", "3")
    ids = named(keys, [0, 1, 1], run_before(keys, **{"1": "OLD", "2": "OLD", "3": "OLD"}))
    assert ids[1] == ids[2] == "OLD"
    assert ids[0] != "OLD"


def test_children_put_together_keep_the_id_of_the_larger() -> None:
    keys = keys_of("1", "2", "3")
    assert set(named(keys, [0, 0, 0], run_before(keys, **{"1": "SMALL", "2": "LARGE", "3": "LARGE"}))) == {"LARGE"}


def test_a_new_child_never_takes_an_id_that_another_had() -> None:
    keys = keys_of("1", "2")
    fresh = named(keys, [0, 1])
    earlier = run_before(keys, **{"1": fresh[1]})  # the first record's child has the id that the second would be given
    ids = named(keys, [0, 1], earlier)
    assert ids[0] == fresh[1]
    assert ids[1] not in fresh
    gone = run_before(keys, **{"7": fresh[1]})
    assert named(keys, [0, 1], gone)[1] != fresh[1]


def test_an_empty_earlier_run_changes_nothing() -> None:
    keys = keys_of("1", "2")
    assert named(keys, [0, 0], run_before(keys)) == named(keys, [0, 0])


@pytest.mark.parametrize(
    ("before", "child", "told"),
    [
        ({"1": "A", "2": "B"}, [0, 0, 2], {("joined", "A"), ("joined", "B"), ("new", None)}),
        ({"1": "A", "2": "A", "3": "C"}, [0, 1, 2], {("split", "A")}),
        ({"1": "A", "2": "A", "3": "C"}, [0, 0, 2], set()),
    ],
)
def test_what_became_of_earlier_children_is_listed(
    before: dict[str, str], child: list[int], told: set[tuple[str, str | None]]
) -> None:
    keys = keys_of("1", "2", "3")
    earlier = run_before(keys, **before)
    labels = np.array(child)
    changes = changes_since(name_children(keys, labels, earlier), labels, earlier, NOBODY).to_pylist()
    assert {(row["change"], row["previous_child_id"]) for row in changes} == told


def test_what_came_apart_for_protection_is_not_listed() -> None:
    keys = keys_of("1", "2")
    earlier = run_before(keys, **{"1": "A", "2": "A"})
    labels = np.array([0, 1])
    ids = name_children(keys, labels, earlier)
    assert changes_since(ids, labels, earlier, NOBODY).num_rows == 2
    assert changes_since(ids, labels, earlier, np.array([[0, 1]])).num_rows == 0
