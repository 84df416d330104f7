"""``samechild postcodes``: a directory is brought, and the rules that ask one are asked; without one that is said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import msgspec
import pytest

from clients.stand_in import StandIn
from commands import run
from loopback import council, on_loopback
from samechild.collection.rules.examples import a_child, an_episode, placement

TABLE = "pcds,lat,long\nJB1 4AP,50.1,-5.2\nJB6 2TX,55.95,-3.19\nZZ99 3VZ,51,0\n"


@pytest.fixture(name="table")
def a_table(tmp_path: Path) -> Path:
    """A made-up directory of two postcodes, 408 miles from each other."""
    path = tmp_path / "directory.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def _tonight(folder: Path) -> Path:
    """Three children: one placed far away, one near, and one whose home postcode is in no directory."""
    homes = {"A1": ("JB1 4AP", "JB6 2TX"), "A2": ("JB6 2TX", "JB6 2TX"), "A3": ("JB1 9ZZ", "JB6 2TX")}
    sent = []
    for own, (home, placed) in homes.items():
        care = placement("2026-05-18", postcode=placed, placement_type="P1" if home == placed else "U4")
        child = a_child(
            an_episode(referral_date="2026-05-18", placements=[care]),
            postcode=home,
            surname=f"Ash{own}",
            unique_pupil_number=None,
            unique_pupil_number_unknown_reason="UN3",
        )
        sent.append({**msgspec.to_builtins(child), "la_child_id": own})
    path = folder / "tonight.json"
    path.write_text(json.dumps(sent), encoding="utf-8")
    return path


def _told(path: Path) -> list[tuple[str, str]]:
    rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    return [(row["la_child_id"], row["rule"]) for row in rows if row["rule"] in ("CLA-34", "CHD-25")]


def test_a_directory_is_loaded_into_an_installation_and_shown(table: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    missing = run("postcodes", "show", "--home", home)
    assert missing.code == 4
    assert "postcodes load" in missing.message
    loaded = run("postcodes", "load", table, "--home", home)
    assert loaded.code == 0, loaded.said
    assert "2 postcodes, places in degrees" in loaded.out
    assert "1 rows hold no postcode" in loaded.out
    assert (home / "postcodes.arrow").is_file()
    assert "2 postcodes" in run("postcodes", "show", "--home", home).out
    wrong = run("postcodes", "load", tmp_path / "nowhere.csv", "--home", home)
    assert wrong.code == 4
    assert run("postcodes", "load", _tonight(tmp_path), "--home", home).code == 2


def test_a_check_asks_the_directory_it_is_given(table: Path, tmp_path: Path) -> None:
    kept, found, tonight = tmp_path / "kept.arrow", tmp_path / "found.csv", _tonight(tmp_path)
    assert run("postcodes", "load", table, "--to", kept).code == 0
    today = ("--today", "2026-06-10", "--csv", found)
    without = run("check", tonight, *today)
    assert _told(found) == []
    assert "No postcode directory (--postcodes): CHD-25 only its form is checked; CLA-34 not checked." in without.out
    with_one = run("check", tonight, *today, "--postcodes", kept)
    assert "No postcode directory" not in with_one.out
    assert _told(found) == [("A1", "CLA-34"), ("A3", "CHD-25")]
    assert run("check", tonight, *today, "--postcodes", table).code == 2


def test_a_submission_asks_the_directory_of_its_settings(table: Path, tmp_path: Path) -> None:
    assert run("postcodes", "load", table, "--to", tmp_path / "kept.arrow").code == 0
    (extracts := tmp_path / "extracts").mkdir()
    (extracts / "children.csv").write_text("la_child_id,postcode\nA1,JB1 4AP\nA2,JB1 9ZZ\n", encoding="utf-8")
    settings = "[source]\nfolder = 'extracts'\npostcodes = 'kept.arrow'\n[tables.children]\nfile = 'children.csv'\n"
    with on_loopback(StandIn()) as address:
        config = council(tmp_path, address, settings)
        assert run("submit", "--config", config).code == 0
        (problems,) = (tmp_path / "submit-reports").glob("*.problems.csv")
        assert _told(problems) == [("A2", "CHD-25")]
        checked = run("check", config, "--csv", tmp_path / "found.csv")
        assert "No postcode directory" not in checked.out
        assert _told(tmp_path / "found.csv") == [("A2", "CHD-25")]
        config.write_text(config.read_text(encoding="utf-8").replace("kept.arrow", "nowhere.arrow"), encoding="utf-8")
        assert run("submit", "--config", config).code == 4
