"""An extract for analysts on real databases: what the gate allows, under a project's keys, with its dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import gate
from asking import DAY, NOW
from collecting import a_council, a_payload, send
from indexing import SYSTEM
from samechild.cli.tables import all_tables
from samechild.collection.extract import Extracted, extract
from samechild.collection.processing import process
from samechild.collection.store import all_children
from samechild.collection.tables import tables
from samechild.errors import Invalid, Missing, Refused
from samechild.policy import ledger
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store
from stores import a_store

ANALYST = Asker(user="analyst", organisation="council", role="analyst", factors=2)
PLAN = {"child_protection_plans": [{"child_protection_plan_id": "QP1", "start_date": "2026-03-04"}]}
PLACED = {
    "child_looked_after_placements": [
        {"child_looked_after_placement_id": "QL1", "start_date": "2026-03-04", "postcode": "ZZ99 7QQ"}
    ],
    "care_worker_details": [{"worker_id": "QW1", "start_date": "2026-03-04"}],
    "adoption": {"placed_date": "2026-05-05"},
}


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        council(opened)
        yield opened


@pytest.fixture
def quick() -> Iterator[Store]:
    """One database is enough where what is tried has nothing to do with it."""
    with a_store("sqlite") as opened:
        council(opened)
        yield opened


def council(store: Store) -> None:
    """A council that sent two children, and its analyst."""
    by = a_council(store)
    with store.write(Login.GATE) as connection:
        gate.give(connection, ANALYST)
    send(store, by, a_payload("QC91", episode=PLAN), a_payload("QC92", episode=PLACED))
    process(store, all_tables(), NOW)


def question(**given: Any) -> Ask:
    """The council's own analyst plans services."""
    usual = {"who": ANALYST, "purpose": "service-planning", "mode": Mode.CONTENT, "record_type": "social-care.episode"}
    return Ask(**{**usual, "owner": "council", "scope": Scope(Spread.BATCH), "now": NOW, **given})


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return found


def extracted(
    store: Store, folder: Path, project: str = "demand", now: datetime = NOW, as_at: date | None = None
) -> Extracted:
    folder.mkdir()
    return extract(store, question(), folder, project, lambda: now, as_at=as_at)


def test_an_extract_holds_content_under_keys_of_its_own(store: Store, tmp_path: Path) -> None:
    done = extracted(store, tmp_path / "one")
    folder = tmp_path / "one"
    assert done.rows["children"] == 2
    assert {name: done.rows[name] for name in ("protection_plans", "placements", "workers")} == {
        "protection_plans": 1,
        "placements": 1,
        "workers": 1,
    }
    assert done.rows["adoptions"] == 0  # for their custodian alone
    for table in tables():
        assert pq.read_schema(folder / f"{table.name}.parquet").names == [column.name for column in table.columns]
    keys = {row["record_key"] for row in rows(folder, "children")}
    assert {row["record_key"] for row in rows(folder, "episodes")} == keys
    with store.read(Login.CONTENT, "council") as connection:
        assert not keys & set(all_children(connection, "council", "", 10))
    for file in folder.iterdir():
        plain = file.read_bytes() if file.suffix != ".parquet" else repr(pq.read_table(file).to_pydict()).encode()
        for canary in (b"Zebedee", b"Quillfeather", b"2015", b"ZZ99", b"QC9", b"QP1", b"QL1", b"QW1", b"EQC"):
            assert canary not in plain


def test_two_projects_cannot_be_joined_and_one_project_can(quick: Store, tmp_path: Path) -> None:
    for name, project in (("one", "demand"), ("again", "demand"), ("other", "costs")):
        extracted(quick, tmp_path / name, project)
    one, again, other = (
        {row["record_key"] for row in rows(tmp_path / name, "children")} for name in ("one", "again", "other")
    )
    assert one == again
    assert not one & other


def test_an_extract_as_at_a_day_holds_what_was_known_then(quick: Store, tmp_path: Path) -> None:
    later = NOW + DAY
    send(quick, SYSTEM, a_payload("QC93"), now=later)
    process(quick, all_tables(), later)
    assert extracted(quick, tmp_path / "now", now=later).rows["children"] == 3
    assert extracted(quick, tmp_path / "then", now=later, as_at=NOW.date()).rows["children"] == 2


def test_whoever_may_not_gets_nothing_and_it_is_written_down(quick: Store, tmp_path: Path) -> None:
    folder = tmp_path / "none"
    folder.mkdir()
    for ask in (
        question(purpose="safeguarding"),
        question(purpose="performance-management"),
        question(who=gate.LEAD, purpose="research"),
    ):
        before = entries(quick)[0].number
        with pytest.raises(Refused):
            extract(quick, ask, folder, "demand", lambda: NOW)
        assert entries(quick)[0].number == before + 1
    with pytest.raises(Missing):
        extract(quick, question(owner="school"), folder, "demand", lambda: NOW)
    with pytest.raises(Invalid):
        extract(quick, question(), folder, "../demand", lambda: NOW)
    assert list(folder.iterdir()) == []


def entries(store: Store) -> list[Any]:
    with store.read(Login.GATE) as connection:
        return list(ledger.entries(connection))


def test_what_was_shown_stands_in_the_ledger(quick: Store, tmp_path: Path) -> None:
    before = {entry.number for entry in entries(quick)}
    extracted(quick, tmp_path / "one")
    kinds = [entry.kind for entry in entries(quick) if entry.number not in before]
    assert kinds.count("outcome") == 4  # one for each kind of record that was allowed
