"""An installation with a postcode directory asks it of what was received, and again when another is brought."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from asking import DAY, NOW
from collecting import a_council, a_payload, send
from samechild.cli.tables import all_tables
from samechild.collection import feeds_store
from samechild.collection.daily import look_again
from samechild.collection.postcodes import postcodes_of
from samechild.collection.processing import process
from samechild.collection.store import csc_issues
from samechild.files.postcodes import NO_DIRECTORY, keep, load
from samechild.settings import settings_of
from samechild.storage import Login, Store
from stores import a_store

FAR, NEAR = "JB1 4AP,50.1,-5.2\nJB6 2TX,55.95,-3.19\n", "JB1 4AP,55.9,-3.2\nJB6 2TX,55.95,-3.19\n"
PLACED = {
    "child_looked_after_placement_id": "P1",
    "start_date": "2026-03-02",
    "start_reason": "S",
    "placement_type": "U4",
    "postcode": "JB6 2TX",
}


def _bring(store: Store, folder: Path, rows: str) -> None:
    (table := folder / "directory.csv").write_text("pcds,lat,long\n" + rows, encoding="utf-8")
    keep(load([table])[0], store.postcodes)


def _open(store: Store) -> set[str]:
    with store.read(Login.CONTENT, "council") as connection:
        found = connection.execute(sa.select(csc_issues.c.rule).where(csc_issues.c.until.is_(None)))
        return {row.rule for row in found} & {"CLA-34", "CHD-25"}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_distances_are_asked_where_there_is_a_directory(kind: str, tmp_path: Path) -> None:
    with a_store(kind) as store:
        by = a_council(store)
        child = a_payload(details={"postcode": "JB1 4AP"}, episode={"child_looked_after_placements": [PLACED]})
        send(store, by, child)
        process(store, all_tables(), NOW)
        assert _open(store) == set()
        with store.read(Login.GATE) as connection:
            feed = feeds_store.feed_named(connection, "845")
        assert feed is not None
        _bring(store, tmp_path, FAR)
        look_again(store, feed, NOW + DAY)
        assert _open(store) == {"CLA-34"}
        _bring(store, tmp_path, NEAR)
        look_again(store, feed, NOW + 2 * DAY)
        assert _open(store) == set()
        send(store, by, a_payload("C2", details={"postcode": "JB1 9ZZ"}), now=NOW + 3 * DAY)
        process(store, all_tables(), NOW + 3 * DAY)
        assert _open(store) == {"CHD-25"}


def test_a_damaged_directory_keeps_nobodys_records_waiting(tmp_path: Path) -> None:
    with a_store("sqlite") as store:
        assert postcodes_of(store) is NO_DIRECTORY
        store.postcodes.write_bytes(b"no directory")
        assert postcodes_of(store) is NO_DIRECTORY
        _bring(store, tmp_path, FAR)
        directory = postcodes_of(store)
        assert len(directory) == 2
        assert postcodes_of(store) is directory, "opened once"
        later = (NOW + timedelta(days=1)).timestamp()
        os.utime(store.postcodes, (later, later))
        assert postcodes_of(store) is not directory


def test_the_setting_says_where_it_lies(tmp_path: Path) -> None:
    assert settings_of(tmp_path, {}).postcodes_file == tmp_path / "postcodes.arrow"
    given = {"SAMECHILD_POSTCODES": str(tmp_path / "shared.arrow")}
    assert settings_of(tmp_path, given).postcodes_file == tmp_path / "shared.arrow"
