"""Councils' clients against a served installation: both of the sector's, and our own, whole and in changes.

250 children are sent whole, then as changes, night after night; every record is `sent`, failures are put to the right
child, and what is held in the end is what sending everything whole gives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clients.powershell_client import PowerShellClient
from clients.python_client import PythonClient
from clients.served import Wire, posting, setting_of
from clients.staging import Staging
from collection_door import Door, a_door
from dataset import dataset_of, write_csv_folder
from postgres_server import empty_databases
from samechild.cli.tables import all_tables
from samechild.collection.merge import Held, merge
from samechild.collection.processing import process
from samechild.collection.send.config import Config, Credentials, Source
from samechild.collection.send.mapping import Built
from samechild.collection.send.sources import Tables
from samechild.collection.send.ssd_tables import COLUMNS
from samechild.collection.send.trying import read_children
from samechild.collection.send.values import whole_child
from samechild.town.case_people import made_people
from samechild.town.social_care import as_at, lives
from samechild.town.social_care import children as town_children
from sending import Council

CHILDREN, NIGHTS = 250, 3


@pytest.fixture(name="door")
def the_door() -> Iterator[Door]:
    with a_door() as door:
        yield door


def nights(door: Door) -> Iterator[list[dict[str, Any]]]:
    """Every child of a council as it is at the end of a day, day after day, two weeks apart."""
    today = door.now.date()
    known = list(lives(made_people(CHILDREN, 11, today), 11, today))
    for night in range(NIGHTS):
        day = today + timedelta(days=14 * night)
        yield [whole_child(shown) for life in known if (shown := as_at(life, day)) is not None]


def never(seconds: float) -> None:
    raise AssertionError("nothing should have been tried again")


def credentials(door: Door) -> Credentials:
    """The credentials of the council's own client."""
    setting = setting_of(door)
    return Credentials(**{name: getattr(setting, name) for name in Credentials.__struct_fields__})


def no_time(seconds: float) -> None:
    """Do not wait."""


def held(door: Door, children: list[dict[str, Any]]) -> dict[str, Any]:
    """What the installation says it holds of every fifth of these children."""
    process(door.store, all_tables(), door.now)
    found = {}
    for child in children[::5]:
        answer = door.ask("POST", "/api/collection/845/child", {"la_child_id": child["la_child_id"]})
        assert answer.status_code == 200, answer.text
        found[child["la_child_id"]] = answer.json()["child"]
    return found


def added_up(sent: list[list[dict[str, Any]]], day: str) -> dict[str, Any]:
    """What sending these nights whole adds up to, of the same children, but for adoption, which is never read back."""
    states: dict[str, Held] = {}
    for night in sent:
        for child in night:
            merged = merge(states.get(child["la_child_id"]), child, day).held
            assert merged is not None
            states[child["la_child_id"]] = merged
    found = {child["la_child_id"]: states[child["la_child_id"]].child for child in sent[-1][::5]}
    return {name: _without_adoption(child) for name, child in found.items()}


def _without_adoption(child: dict[str, Any]) -> dict[str, Any]:
    episodes = child.get("social_care_episodes", [])
    kept = [{name: value for name, value in each.items() if name != "adoption"} for each in episodes]
    return {**child, "social_care_episodes": kept}


def test_the_python_client_sends_whole_records_and_then_changes(door: Door) -> None:
    client, staging, sent = PythonClient(setting_of(door), posting(door), never), Staging(), []
    for number, children in enumerate(nights(door)):
        sent.append(children)
        staging.build(children)
        client.run(staging, partial=number > 0)
        if number > 0:  # in changes, new rows have no payload: the client leaves them until it sends whole again
            client.run(staging)
        assert staging.count("sent") == len(staging.rows) >= CHILDREN
        assert all(row.api_response.endswith(".json") for row in staging.rows.values())
    assert held(door, sent[-1]) == added_up(sent, door.now.date().isoformat())


def test_the_powershell_client_sends_whole_records(door: Door) -> None:
    client = PowerShellClient(setting_of(door), posting(door), no_time, lambda: 0.5, utf8=True)
    staging, sent = Staging(), []
    for children in nights(door):
        sent.append(children)
        staging.build(children)
        client.run(staging)
        assert staging.count("sent") == len(staging.rows)
    assert held(door, sent[-1]) == added_up(sent, door.now.date().isoformat())


@pytest.mark.parametrize("mode", ["delta", "full"])
def test_our_own_client_sends_what_changed(door: Door, tmp_path: Path, mode: str) -> None:
    wire, sent = Wire(door), []
    council = Council(tmp_path, wire, mode=mode)
    council.credentials = Credentials(
        **{name: getattr(setting_of(door), name) for name in Credentials.__struct_fields__}
    )
    for number, children in enumerate(nights(door)):
        sent.append(children)
        wire.bodies.clear()
        report = council.send(children)
        assert (report.counts.get("refused", 0), report.counts.get("held_back", 0)) == (0, 0)
        assert report.counts["kept"] + report.counts.get("unchanged", 0) == len(children)
        if number:
            assert 0 < report.counts["kept"] < CHILDREN / 2
    again = council.send(sent[-1])
    assert "kept" not in again.counts
    assert held(door, sent[-1]) == added_up(sent, door.now.date().isoformat())


@pytest.mark.parametrize("kind", ["python", "powershell", "ours"])
def test_failures_are_put_to_the_right_children(door: Door, tmp_path: Path, kind: str) -> None:
    children = next(nights(door))
    bad = {children[place]["la_child_id"]: place for place in (3, 104, 201)}
    children[3]["child_details"]["sex"] = "FEMALE"
    children[104]["social_care_episodes"][0]["social_care_episode_id"] = "E 1"
    children[201]["unknown"] = 1
    if kind == "ours":
        council = Council(tmp_path, Wire(door))
        council.credentials = credentials(door)
        report = council.send(children)
        assert {note.la_child_id for note in report.notes if note.became == "held back"} == set(bad)
        assert report.counts["kept"] == len(children) - 3
        return
    staging = Staging()
    staging.build(children)
    if kind == "python":
        PythonClient(setting_of(door), posting(door), never).run(staging)
    else:
        PowerShellClient(setting_of(door), posting(door), no_time, lambda: 0.5, utf8=True).run(staging)
    for place, (name, row) in enumerate(staging.rows.items()):
        assert row.submission_status == "error"  # one that cannot be taken refuses its batch
        assert ("batch failed" in row.api_response) == (name not in bad)
        if name in bad:
            assert f"[{place % 100}]" in row.api_response
    for name, place in bad.items():  # mended at source, the next night sends them all
        staging.rows[name].json_payload = json.dumps(whole_child(next(nights(door))[place]))
    PythonClient(setting_of(door), posting(door), never).run(staging)
    assert staging.count("sent") == len(staging.rows)


def test_old_powershell_is_told_about_its_encoding(door: Door) -> None:
    child = {"la_child_id": "C1", "child_details": {"first_name": "Zoë", "surname": "Brontë"}}
    staging = Staging()
    staging.build([child, {"la_child_id": "C2"}])
    PowerShellClient(setting_of(door), posting(door), no_time, lambda: 0.5).run(staging)
    first, second = staging.rows["C1"], staging.rows["C2"]
    assert "older PowerShell" in first.api_response
    assert "UTF-8" in first.api_response
    assert "batch failed" in second.api_response
    PowerShellClient(setting_of(door), posting(door), no_time, lambda: 0.5, utf8=True).run(staging)
    assert staging.count("sent") == 2
    assert held(door, [child])["C1"]["child_details"]["first_name"] == "Zoë"


def test_a_deletion_with_a_second_id_of_null_is_taken(door: Door) -> None:
    client, staging = PythonClient(setting_of(door), posting(door), never), Staging()
    staging.build([{"la_child_id": "C1", "child_details": {"first_name": "Ada"}}])
    client.run(staging)
    row = staging.rows["C1"]
    row.json_payload, row.row_state, row.submission_status = "{}", "deleted", "pending"
    client.run(staging, partial=True)
    assert row.submission_status == "sent"
    assert json.loads(row.partial_json_payload or "")["mis_child_id"] is None
    process(door.store, all_tables(), door.now)
    assert door.ask("POST", "/api/collection/845/child", {"la_child_id": "C1"}).status_code == 404


def test_a_wrong_key_is_tried_three_times_and_told(door: Door) -> None:
    setting = setting_of(door)
    wrong = type(setting)(
        **{**{name: getattr(setting, name) for name in setting.__struct_fields__}, "supplier_key": "x"}
    )
    staging, waits = Staging(), list[float]()
    staging.build([{"la_child_id": "C1"}])
    PythonClient(wrong, posting(door), waits.append).run(staging)
    assert waits == [5.0, 10.0]
    assert staging.rows["C1"].api_response.startswith("API error (403): API access disallowed")


def test_a_dataset_lies_in_postgresql(tmp_path: Path) -> None:
    """The same children come from PostgreSQL as from files, whatever the types and letters of its columns."""
    today = date(2026, 11, 22)
    made = list(town_children(40, 3, today))
    rows = dataset_of(made)
    write_csv_folder(rows, tmp_path / "ssd")
    with empty_databases(1) as [url]:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA reporting")
            for name, its in rows.items():
                columns = [*COLUMNS[name][0], *COLUMNS[name][1]]
                table = sa.Table(
                    name,
                    sa.MetaData(schema="reporting"),
                    *(sa.Column(each, sa.Date if each.endswith(("_date", "_dob")) else sa.Text) for each in columns),
                )
                table.create(connection)
                if its:
                    connection.execute(table.insert(), [_typed(row, columns) for row in its])
        engine.dispose()
        written = engine.url.render_as_string(hide_password=False)
        there = Source(kind="ssd", database="env:SSD", schema="reporting")
        of_database = _read(there, tmp_path, today, written)
    of_files = _read(Source(kind="ssd", folder="ssd"), tmp_path, today, "")
    assert len(of_files) > 25
    assert of_database == of_files


def _typed(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    dates = {name for name in columns if name.endswith(("_date", "_dob"))}
    told = {name: row.get(name) for name in columns}
    return {name: date.fromisoformat(value) if name in dates and value else value for name, value in told.items()}


def _read(source: Source, folder: Path, today: date, url: str) -> list[dict[str, Any]]:
    built = Built()
    with Tables(Config(source=source, folder=folder), {"SSD": url}) as tables:
        children = list(read_children(tables, today, built))
    assert built.left_out == ()
    return sorted(children, key=lambda child: str(child["la_child_id"]))
