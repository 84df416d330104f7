"""Flat extracts become children; what belongs to nothing is counted, never placed at a guess."""

from __future__ import annotations

import re
import sqlite3
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extracts import extracts_of, settings_for, write_extracts
from samechild.collection.send.config import read_config
from samechild.collection.send.mapping import SECTIONS, Built, put_together
from samechild.collection.send.sources import Tables
from samechild.collection.send.trying import read_children, try_schema, try_source
from samechild.collection.send.values import canonical, whole_child
from samechild.errors import Invalid, Missing, Unavailable
from samechild.town.social_care import children

TODAY = date(2026, 11, 22)
MADE = [whole_child(child) for child in children(60, 5, TODAY)]


def read(folder: Path, settings: str, **surroundings: str) -> tuple[list[dict[str, Any]], Built]:
    path = folder / "submit.toml"
    path.write_text(settings, encoding="utf-8")
    built = Built()
    with Tables(read_config(path), surroundings) as tables:
        return list(read_children(tables, TODAY, built)), built


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_children_come_back_from_their_extracts(tmp_path: Path, form: str) -> None:
    files = write_extracts(MADE, tmp_path / "extracts", form)
    found, built = read(tmp_path, settings_for(files))
    assert built.left_out == ()
    assert [canonical(_without_empty(child)) for child in found] == [canonical(_without_empty(child)) for child in MADE]


def _without_empty(thing: Any) -> Any:
    """An empty list in a flat extract is no row at all."""
    if isinstance(thing, dict):
        return {name: _without_empty(value) for name, value in thing.items() if value != []}
    return [_without_empty(each) for each in thing] if isinstance(thing, list) else thing


def test_children_come_from_a_database_with_its_own_columns_and_codes(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "case.sqlite") as database:
        database.execute('CREATE TABLE people ("Person ID", Forename, Gender, DOB, secret)')
        database.execute("INSERT INTO people VALUES (17, 'Zoë', 'Female', '02/03/2015 00:00:00', 'x')")
        database.execute("CREATE TABLE referrals (person, id, taken, source)")
        database.execute("INSERT INTO referrals VALUES (17, 5, '2026-01-01', 'Police: 999'), (17, 6, NULL, NULL)")
    database.close()
    settings = """
        [source]
        database = "env:CASES"
        [tables.children]
        table = "people"
        columns = { la_child_id = "person id", first_name = "FORENAME", sex = "Gender", date_of_birth = "DOB" }
        codes.sex = { Female = "F" }
        [tables.social_care_episodes]
        query = "select person, id, taken, source from referrals where id < 100 -- :not_a_parameter"
        codes.referral_source = { "Police: 999" = "6" }
        [tables.social_care_episodes.columns]
        la_child_id = "person"
        social_care_episode_id = "id"
        referral_date = "taken"
        referral_source = "source"
    """
    found, built = read(tmp_path, settings, CASES=f"sqlite:///{tmp_path}/case.sqlite")
    assert found == [
        {
            "la_child_id": "17",
            "child_details": {"first_name": "Zoë", "sex": "F", "date_of_birth": "2015-03-02"},
            "social_care_episodes": [
                {"social_care_episode_id": "5", "referral_date": "2026-01-01", "referral_source": "6"},
                {"social_care_episode_id": "6"},
            ],
        }
    ]
    assert built.left_out == ()


def test_rows_without_a_place_are_counted() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "children": [{"la_child_id": "1"}, {"first_name": "A"}, {"la_child_id": "1", "surname": "B"}],
        "disabilities": [{"la_child_id": "2", "code": "VIS"}, {"la_child_id": "1", "code": "VIS"}],
        "sdq_assessments": [{"la_child_id": "2", "score": 1}],
        "social_care_episodes": [
            {"la_child_id": "1", "social_care_episode_id": "E"},
            {"la_child_id": "3", "social_care_episode_id": "F"},
        ],
        "child_in_need_plans": [
            {"social_care_episode_id": "E", "child_in_need_plan_id": "P"},
            {"social_care_episode_id": "E", "child_in_need_plan_id": "P"},
            {"social_care_episode_id": "E", "child_in_need_plan_id": "P", "start_date": "2026-01-01"},
            {"social_care_episode_id": "X", "child_in_need_plan_id": "Q"},
            {"social_care_episode_id": "E"},
        ],
        "factors": [{"child_and_family_assessment_id": "nobody", "code": "1A"}],
        "adoption": [{"la_child_id": "1", "placed_date": "2026-01-01"}, {"la_child_id": "9", "placed_date": "x"}],
    }
    built = Built()
    assert list(put_together(rows, built)) == [
        {
            "la_child_id": "1",
            "child_details": {"disabilities": ["VIS"]},
            "social_care_episodes": [
                {
                    "social_care_episode_id": "E",
                    "child_in_need_plans": [{"child_in_need_plan_id": "P"}],
                    "adoption": {"placed_date": "2026-01-01"},
                }
            ],
        }
    ]
    assert {(each.table, each.rows) for each in built.left_out} >= {
        ("children", 1), ("disabilities", 1), ("sdq_assessments", 1), ("social_care_episodes", 1),
        ("child_in_need_plans", 1), ("factors", 1), ("adoption", 1),
    }  # fmt: skip
    assert sum(each.rows for each in built.left_out if each.table == "child_in_need_plans") == 3


def test_two_children_may_number_their_episodes_alike() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "children": [{"la_child_id": "1"}, {"la_child_id": "2"}],
        "social_care_episodes": [
            {"la_child_id": "1", "social_care_episode_id": "E"},
            {"la_child_id": "2", "social_care_episode_id": "E"},
        ],
        "child_and_family_assessments": [
            {"la_child_id": "1", "social_care_episode_id": "E", "child_and_family_assessment_id": "A"},
            {"la_child_id": "2", "social_care_episode_id": "E", "child_and_family_assessment_id": "A"},
        ],
        "factors": [
            {"la_child_id": "2", "social_care_episode_id": "E", "child_and_family_assessment_id": "A", "code": "1A"}
        ],
        "child_in_need_plans": [{"social_care_episode_id": "E", "child_in_need_plan_id": "P"}],
    }
    built = Built()
    one, two = put_together(rows, built)
    assert "factors" not in one["social_care_episodes"][0]["child_and_family_assessments"][0]
    assert two["social_care_episodes"][0]["child_and_family_assessments"][0]["factors"] == ["1A"]
    assert [(each.table, each.rows) for each in built.left_out] == [("child_in_need_plans", 1)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('[tables.plans]\nfile = "children.csv"', "no table"),
        ('[tables.adoption]\nfile = "children.csv"', "tables.children"),
        ('[tables.children]\nfile = "children.csv"\n[tables.adoption]\nfile = "children.csv"', "belongs to episodes"),
        ('[tables.children]\nfile = "children.csv"\ncolumns = { shoe = "x" }', "no field"),
        ('[tables.children]\nfile = "children.csv"\ncolumns = { sex = "Gender" }', "no column Gender"),
        ('[tables.children]\nfile = "other.csv"', "la_child_id"),
    ],
)
def test_settings_that_make_no_child_are_refused(tmp_path: Path, settings: str, words: str) -> None:
    (tmp_path / "children.csv").write_text("la_child_id,sex\n1,F\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("id,sex\n1,F\n", encoding="utf-8")
    with pytest.raises(Invalid, match=words):
        read(tmp_path, settings)


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"no file .*children\.csv"):
        read(tmp_path, '[tables.children]\nfile = "children.csv"')
    with pytest.raises(Missing, match="no folder"):
        read(tmp_path, '[source]\nfolder = "none"\n[tables.children]\nfile = "children.csv"')
    with pytest.raises(Missing, match="no database"):
        read(tmp_path, f'[source]\ndatabase = "sqlite:///{tmp_path}/none"\n[tables.children]\ntable = "x"')
    with pytest.raises(Invalid, match="CASES is neither"):
        read(tmp_path, '[source]\ndatabase = "env:CASES"\n[tables.children]\ntable = "x"')
    with pytest.raises(Invalid, match="SQLAlchemy URL"):
        read(tmp_path, '[source]\ndatabase = "server=x;password=y"\n[tables.children]\ntable = "x"')


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mssql+pyodbc://reader:hunter2@server/HDM", "samechild[mssql]"),
        ("oracle+oracledb://reader:hunter2@server/x", "samechild[oracle]"),
        ("strange://x", "no driver"),
    ],
)
def test_which_driver_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str) -> None:
    for driver in ("pyodbc", "oracledb"):
        monkeypatch.setitem(sys.modules, driver, None)  # also where it is installed
    with pytest.raises(Unavailable, match=re.escape(words)) as told:
        read(tmp_path, '[source]\ndatabase = "env:DB"\n[tables.children]\ntable = "x"', DB=url)
    assert "hunter2" not in str(told.value)


def test_what_a_database_says_shows_no_value(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "x.sqlite").close()
    (tmp_path / "x.sqlite").touch()
    with pytest.raises(Invalid, match="people") as told:
        read(tmp_path, f'[source]\ndatabase = "sqlite:///{tmp_path}/x.sqlite"\n[tables.children]\ntable = "people"')
    assert "no such table" in str(told.value)


def test_the_extracts_are_looked_at_before_the_first_night(tmp_path: Path) -> None:
    files = write_extracts(MADE[:3], tmp_path / "extracts")
    path = tmp_path / "submit.toml"
    path.write_text(settings_for(files), encoding="utf-8")
    with Tables(read_config(path), {}) as tables:
        assert all(each.well for each in try_source(tables))
        told = [each.words for each in try_schema(tables)]
    assert any(line.startswith("children: ") and "first_name from first_name" in line for line in told)
    assert not any(str(MADE[0]["child_details"]["surname"]) in line for line in told)


def test_every_list_of_the_specification_has_a_table() -> None:
    assert set(extracts_of(MADE)) <= set(SECTIONS)
    assert len(SECTIONS) == 13
