"""The Standard Safeguarding Dataset becomes children: who is in, which days count, and how values are cut."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dataset import Rows, dataset_of, write_csv_folder, write_database
from samechild.collection.send.config import Config, Source
from samechild.collection.send.mapping import Built
from samechild.collection.send.sources import Tables
from samechild.collection.send.ssd import children_of_ssd
from samechild.collection.send.ssd_tables import COLUMNS
from samechild.collection.send.ssd_values import cut, outcome_flag, referral_source, squeezed, unknown_reason, upn
from samechild.collection.send.trying import read_children, try_schema
from samechild.collection.send.values import canonical
from samechild.collection.send.window import Window, window_of, years_after
from samechild.collection.structure import read_batch
from samechild.errors import Invalid, Missing
from samechild.town.social_care import children

TODAY = date(2026, 11, 22)
WINDOW = window_of(TODAY)


def built(rows: Rows, left_out: Built | None = None) -> list[dict[str, Any]]:
    return list(
        children_of_ssd(lambda name: iter([dict(row) for row in rows.get(name, [])]), TODAY, left_out or Built())
    )


def of_one(episode: dict[str, Any] | None = None, **details: Any) -> Rows:
    """The dataset of one child with one referral."""
    usual = {"first_name": "Ada", "surname": "Quill", "date_of_birth": "2015-03-14", "sex": "F", "ethnicity": "WBRI"}
    referral = {"social_care_episode_id": "R1", "referral_date": "2026-03-02", **(episode or {})}
    return dataset_of(
        [{"la_child_id": "17", "child_details": {**usual, **details}, "social_care_episodes": [referral]}]
    )


def test_the_window_is_24_to_36_months() -> None:
    assert window_of(date(2026, 3, 31)) == Window(date(2023, 4, 1), date(2026, 4, 1))
    assert window_of(date(2026, 4, 1)) == Window(date(2024, 4, 1), date(2026, 4, 2))
    assert WINDOW.marches() == (date(2025, 3, 31), date(2026, 3, 31))
    assert years_after(date(2000, 2, 29), 26) == date(2026, 2, 28)


@pytest.mark.parametrize("form", ["database", "files"])
def test_children_come_back_from_their_dataset(tmp_path: Path, form: str) -> None:
    made = list(children(150, 4, TODAY))
    rows = dataset_of(made)
    if form == "database":
        source = Source(kind="ssd", database=f"sqlite:///{write_database(rows, tmp_path / 'ssd.sqlite')}")
    else:
        source = Source(kind="ssd", folder=write_csv_folder(rows, tmp_path / "ssd").name)
    left_out = Built()
    with Tables(Config(source=source, folder=tmp_path), {}) as tables:
        assert all(each.well for each in try_schema(tables))
        found = {child["la_child_id"]: child for child in read_children(tables, TODAY, left_out)}
    assert left_out.left_out == ()
    assert len(found) > 100
    for child in made:
        if child["la_child_id"] in found:
            _is_the_same_within_the_window(child, found[child["la_child_id"]])


def _is_the_same_within_the_window(made: dict[str, Any], got: dict[str, Any]) -> None:
    details = dict(got["child_details"])
    if details.get("uasc_flag") is False:
        del details["uasc_flag"]
    wanted = {name: value for name, value in made["child_details"].items() if (name, value) != ("uasc_flag", False)}
    wanted.setdefault("disabilities", ["NONE"])
    assert {**details, "disabilities": set(details["disabilities"])} == {
        **wanted,
        "disabilities": set(wanted["disabilities"]),
    }
    known = {each["social_care_episode_id"]: each for each in made["social_care_episodes"]}
    for episode in got.get("social_care_episodes", []):
        before = known[episode["social_care_episode_id"]]
        for name in ("referral_date", "closure_date", "closure_reason", "referral_source", "care_leavers"):
            assert episode.get(name) == before.get(name)
        for name in ("child_in_need_plans", "child_protection_plans", "child_looked_after_placements"):
            assert all(item in before[name] for item in episode.get(name, []))


def test_every_child_made_of_a_dataset_has_the_right_shape() -> None:
    made = built(dataset_of(children(80, 9, TODAY)))
    assert read_batch(b"[" + b",".join(map(canonical, made)) + b"]").faults == ()


def test_values_are_cut_as_the_sector_cuts_them() -> None:
    assert [referral_source(each) for each in ("10: Other", "1a - Family", "5D", "6 police", "2Z", "", None, "BB")] == [
        "10", "1A", "5D", "6", None, None, None, None,
    ]  # fmt: skip
    assert (cut(" RC10x ", 3), cut("  ", 3), squeezed("E4 \t", 3), squeezed("X 1", 3)) == ("RC1", None, "E4", "X1")
    assert (unknown_reason(" UN11111 ", None), unknown_reason(None, "un3"), unknown_reason(None, "UN0")) == (
        "UN11", "UN3", None,
    )  # fmt: skip
    assert (upn("UN3"), upn(" A123456789012 ")) == (None, "A123456789012")
    outcomes = ('{"CP_CONFERENCE_FLAG":"Y"}', '{"CP_CONFERENCE_FLAG":"N"}', "{", "[]", None)
    assert [outcome_flag(each) for each in outcomes] == [True, False, None, None, None]


def test_details_that_the_sector_fills_in() -> None:
    [child] = built(of_one(sex="I"))
    assert child["child_details"]["sex"] == "U"
    assert child["child_details"]["disabilities"] == ["NONE"]
    assert child["child_details"]["uasc_flag"] is False
    assert "postcode" not in child["child_details"]
    [child] = built(of_one(disabilities=["vis", "HAND"], postcode="ZZ99 3VZ"))
    assert child["child_details"]["disabilities"] == ["HAND", "VIS"]
    assert child["child_details"]["postcode"] == "ZZ99 3VZ"  # the newest, not the first


@pytest.mark.parametrize(
    ("ended", "flag"), [(None, True), ("2025-01-01", True), ("2024-03-31", False), ("2024-04-01", True)]
)
def test_asylum_counts_until_the_window_begins(ended: str | None, flag: bool) -> None:
    [child] = built(of_one(uasc_flag=True, uasc_end_date=ended))
    assert child["child_details"]["uasc_flag"] is flag
    assert child["child_details"].get("uasc_end_date") == (ended if flag else None)


@pytest.mark.parametrize(
    ("episode", "details", "inside"),
    [
        ({"closure_date": "2024-03-31"}, {}, False),
        ({"referral_date": "2020-01-01", "closure_date": "2024-04-01"}, {}, True),
        ({"referral_date": "2026-11-23"}, {}, True),
        ({"referral_date": "2026-11-24", "closure_date": "2026-11-25"}, {}, False),
        ({}, {"date_of_birth": "1998-04-01"}, False),
        ({}, {"date_of_birth": "1998-04-02"}, True),
        ({}, {"date_of_birth": None, "expected_date_of_birth": "2026-06-01"}, True),
        ({}, {"date_of_birth": None, "expected_date_of_birth": "2027-06-01"}, False),
        ({}, {"date_of_birth": "the fourteenth"}, True),
    ],
)
def test_who_is_in(episode: dict[str, Any], details: dict[str, Any], inside: bool) -> None:
    assert len(built(of_one(dict(episode), **details))) == inside


def test_an_open_referral_outside_the_window_waits_for_its_assessment() -> None:
    rows = of_one({"referral_date": "2026-12-24"})  # opens after the window: not an episode of it
    assert [child.get("social_care_episodes") for child in built(rows)] == [None]
    rows["ssd_cin_assessments"].append(
        {"cina_assessment_id": "A", "cina_referral_id": "R1", "cina_assessment_start_date": "2026-12-25"}
    )
    assert built(rows) == []


def test_a_plan_or_a_placement_of_the_window_brings_a_child_in() -> None:
    rows = of_one({"referral_date": "2020-01-01", "closure_date": "2021-01-01"})
    assert built(rows) == []
    plan = {
        "cinp_cin_plan_id": "P",
        "cinp_referral_id": "R1",
        "cinp_person_id": "17",
        "cinp_cin_plan_start_date": "2025-01-01",
    }
    assert len(built({**rows, "ssd_cin_plans": [plan]})) == 1
    care = {"clae_cla_id": "L", "clae_person_id": "17", "clae_referral_id": "R1"}
    placement = {"clap_cla_placement_id": "X", "clap_cla_id": "L", "clap_cla_placement_start_date": "2025-01-01"}
    assert len(built({**rows, "ssd_cla_episodes": [care], "ssd_cla_placement": [placement]})) == 1
    protection = {"cppl_cp_plan_id": "P", "cppl_referral_id": "R1", "cppl_cp_plan_start_date": "2025-01-01"}
    assert (
        built({**rows, "ssd_cp_plans": [protection]}) == []
    )  # the sector leaves these out unless something else counts


def test_a_placement_takes_the_first_reason_of_its_episodes() -> None:
    rows = of_one()
    care = {"clae_cla_id": "L", "clae_person_id": "17", "clae_referral_id": "R1"}
    rows["ssd_cla_episodes"] = [
        {**care, "clae_cla_episode_start_reason": "S", "clae_cla_episode_ceased_reason": "X1"},
        {**care, "clae_cla_episode_start_reason": "L", "clae_cla_episode_ceased_reason": "E 4"},
    ]
    placement = {
        "clap_cla_placement_id": "X", "clap_cla_id": "L", "clap_cla_placement_type": "U4ab",
        "clap_cla_placement_start_date": "2026-05-01", "clap_cla_placement_end_date": "2026-04-01",
    }  # fmt: skip
    rows["ssd_cla_placement"] = [placement]
    [child] = built(rows)
    assert child["social_care_episodes"][0]["child_looked_after_placements"] == [
        {
            "child_looked_after_placement_id": "X",
            "start_date": "2026-05-01",
            "start_reason": "L",
            "placement_type": "U4a",
            "end_reason": "E4",  # an end before the beginning is dropped, its reason is not
        }
    ]


def test_workers_count_on_a_31_march_of_a_referral_with_a_plan() -> None:
    workers = [
        {"worker_id": "SW1", "start_date": "2026-03-02"},
        {"worker_id": "SW2", "start_date": "2026-04-02"},
        {"worker_id": "SW3", "start_date": "2025-01-02", "end_date": "2025-03-31"},
    ]
    plan = {"child_in_need_plan_id": "P", "start_date": "2026-03-03"}
    [child] = built(of_one({"care_worker_details": workers, "child_in_need_plans": [plan]}))
    told = child["social_care_episodes"][0]["care_worker_details"]
    assert {each["worker_id"] for each in told} == {"SW1", "SW3"}
    [child] = built(of_one({"care_worker_details": workers}))
    assert "care_worker_details" not in child["social_care_episodes"][0]


def test_the_latest_adoption_and_contact_stand_in_every_episode() -> None:
    rows = of_one(
        {"adoption": {"placed_date": "2025-01-01"}, "care_leavers": {"contact_date": "2026-01-01", "activity": "F2x"}}
    )
    rows["ssd_cin_episodes"].append({**rows["ssd_cin_episodes"][0], "cine_referral_id": "R2"})
    rows["ssd_permanence"].append({"perm_person_id": "17", "perm_matched_date": "2025-06-01"})
    rows["ssd_care_leavers"].append({"clea_person_id": "17", "clea_care_leaver_latest_contact": "2025-12-31"})
    [child] = built(rows)
    for episode in child["social_care_episodes"]:
        assert episode["adoption"] == {"matched_date": "2025-06-01"}
        assert episode["care_leavers"] == {"contact_date": "2026-01-01", "activity": "F2"}


def test_factors_lie_in_json_or_in_rows() -> None:
    assessment = {"child_and_family_assessment_id": "A", "start_date": "2026-04-01", "factors": ["2B", "1A", "1A"]}
    rows = of_one({"child_and_family_assessments": [assessment]})
    [child] = built(rows)
    assert child["social_care_episodes"][0]["child_and_family_assessments"][0]["factors"] == ["1A", "2B"]
    rows["ssd_assessment_factors"] = [
        {"cinf_assessment_id": "A", "cinf_assessment_factors": code} for code in ("3C", "1A")
    ]
    [child] = built(rows)
    assert child["social_care_episodes"][0]["child_and_family_assessments"][0]["factors"] == ["1A", "3C"]
    rows["ssd_assessment_factors"] = []
    [child] = built(rows)
    assert child["social_care_episodes"][0]["child_and_family_assessments"][0]["factors"] == []


def test_rows_without_a_key_are_counted() -> None:
    left_out = Built()
    rows = of_one()
    rows["ssd_initial_cp_conference"] = [{"icpc_icpc_date": "2026-01-01"}]
    rows["ssd_person"] += [{"pers_forename": "x"}, dict(rows["ssd_person"][0])]
    built(rows, left_out)
    assert [each.table for each in left_out.left_out] == ["ssd_initial_cp_conference", "ssd_person", "ssd_person"]


def test_a_table_that_is_not_there_is_named_and_may_be_left_out(tmp_path: Path) -> None:
    folder = write_csv_folder(of_one(), tmp_path / "ssd")
    (folder / "ssd_linked_identifiers.csv").unlink()
    with pytest.raises(Missing, match="ssd_linked_identifiers"), _tables(tmp_path) as tables:
        list(read_children(tables, TODAY, Built()))
    with _tables(tmp_path, without=("linked_identifiers",)) as tables:
        assert len(list(read_children(tables, TODAY, Built()))) == 1
    with pytest.raises(Invalid, match="shoes"), _tables(tmp_path, without=("shoes",)) as tables:
        list(read_children(tables, TODAY, Built()))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = write_csv_folder(of_one(), tmp_path / "ssd")
    (folder / "ssd_cp_plans.csv").write_text("cppl_cp_plan_id\n1\n", encoding="utf-8")
    with pytest.raises(Invalid, match="cppl_referral_id"), _tables(tmp_path) as tables:
        list(read_children(tables, TODAY, Built()))


def test_tables_are_found_without_their_prefix(tmp_path: Path) -> None:
    folder = write_csv_folder(of_one(), tmp_path / "ssd")
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.removeprefix("ssd_").upper().replace(".CSV", ".csv")))
    with _tables(tmp_path) as tables:
        assert len(list(read_children(tables, TODAY, Built()))) == 1


def _tables(folder: Path, without: tuple[str, ...] = ()) -> Tables:
    return Tables(Config(source=Source(kind="ssd", folder="ssd", without=without), folder=folder), {})


def test_eighteen_tables_and_the_former_upn_are_read() -> None:
    assert len(COLUMNS) == 19
