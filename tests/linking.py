"""Records to link in tests: a small town linked once, the model it taught, and children written by hand."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pyarrow as pa

from samechild.linkage.actions import Options, Result, link
from samechild.linkage.model import Model
from samechild.town import Town, make_town

TODAY = datetime.date(2025, 9, 1)


@cache
def a_town(children: int = 700, seed: int = 3) -> Town:
    return make_town(children, authorities=1, seed=seed)


def given_records(town: Town) -> pa.Table:
    """A town's records as they are linked."""
    rows = pa.array(range(1, len(town.records) + 1), pa.int32())
    return town.records.append_column("row", rows)


@cache
def the_town_linked() -> Result:
    return linked(given_records(a_town()))


def taught() -> Model:
    """The model that the town taught, for records too few to learn from."""
    return the_town_linked().model


def known(records: pa.Table, **told: Any) -> Result:
    """Link a few records with what the town taught: its model, and how common its names are."""
    return linked(records, model=taught(), frequencies=the_town_linked().frequencies, **told)


def linked(given: pa.Table, **told: Any) -> Result:
    return link(given, Options(**{"today": TODAY, **told}))


def by_hand(*records: Mapping[str, str | None]) -> pa.Table:
    """Records given by hand; the source is ``a`` and the ids count up where none is said."""
    names = dict.fromkeys(name for record in records for name in record if name not in ("source", "record_id"))
    columns: dict[str, pa.Array] = {
        "source": pa.array([record.get("source", "a") for record in records]),
        "record_id": pa.array([record.get("record_id", f"r{place}") for place, record in enumerate(records)]),
        "row": pa.array(range(1, len(records) + 1), pa.int32()),
    }
    return pa.table(columns | {name: pa.array([record.get(name) for record in records], pa.string()) for name in names})


def a_child(**different: str | None) -> dict[str, str | None]:
    """A record of one child, but for what is said to be different."""
    child: dict[str, str | None] = {
        "forename": "Theodora",
        "surname": "Quillfeather",
        "date_of_birth": "2015-03-09",
        "sex": "F",
        "postcode": "ZZ99 3WZ",
    }
    return child | different


def groups(result: Result, ids: Iterable[str] | None = None) -> set[frozenset[str]]:
    """The record ids of each child."""
    held: dict[str, set[str]] = {}
    for row in result.children.select(["record_id", "child_id"]).to_pylist():
        held.setdefault(row["child_id"], set()).add(row["record_id"])
    wanted = None if ids is None else set(ids)
    return {frozenset(each) for each in held.values() if wanted is None or each & wanted}


def decision(result: Result, one: str, other: str) -> str | None:
    """What was decided about two records; None when the pair was not written."""
    for row in result.pairs.select(["record_a", "record_b", "decision"]).to_pylist():
        if {row["record_a"], row["record_b"]} == {one, other}:
            return str(row["decision"])
    return None
