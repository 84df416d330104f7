"""What a council's own end of the daily submission reads, made of made-up children.

Extracts as CSV files, or the tables of the Standard Safeguarding Dataset: it is the mapping of
:mod:`samechild.collection.send` backwards, for the demonstration and the tests.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from samechild.collection.records import KEYS
from samechild.collection.send.ssd_tables import COLUMNS

Rows = dict[str, list[dict[str, Any]]]
"""Rows by table."""

CHILD, EPISODE = "la_child_id", "social_care_episode_id"

# --- a council's own extracts -----------------------------------------------------------------------------------------


def extracts_of(children: Iterable[Mapping[str, Any]]) -> Rows:
    """The rows of a council's own extracts, one table for each list, by the fields of the specification."""
    rows: Rows = {"children": [], "disabilities": [], "sdq_assessments": [], "social_care_episodes": [], "factors": []}
    for child in children:
        own = {CHILD: child[CHILD]}
        details = dict(child.get("child_details", {}))
        rows["disabilities"] += [{**own, "code": code} for code in details.pop("disabilities", [])]
        rows["children"].append({**own, "mis_child_id": child.get("mis_child_id"), **details})
        scores = child.get("health_and_wellbeing", {}).get("sdq_assessments", [])
        rows["sdq_assessments"] += [{**own, **score} for score in scores]
        for episode in child.get("social_care_episodes", []):
            _extract(rows, own, episode)
    return rows


def _extract(rows: Rows, own: Mapping[str, str], episode: Mapping[str, Any]) -> None:
    """The rows of one episode; what is nested becomes a table of its own, led back by the episode's id."""
    where = {**own, EPISODE: episode[EPISODE]}
    rows["social_care_episodes"].append({**own, **{k: v for k, v in episode.items() if not isinstance(v, dict | list)}})
    for name, held in episode.items():
        for item in held if isinstance(held, list) else [held] if isinstance(held, dict) else []:
            values = {key: value for key, value in item.items() if key != "factors"}
            rows.setdefault(name, []).append({**where, **values})
            assessment = {key: item[key] for key in (KEYS.get(name, ""),) if key in item}
            rows["factors"] += [{**where, **assessment, "code": code} for code in item.get("factors", [])]


def write_extracts(rows: Rows, folder: Path) -> Path:
    """The extracts as CSV files, one for each table, as a report of a case system writes them."""
    folder.mkdir(exist_ok=True)
    for name, its in rows.items():
        columns = list(dict.fromkeys(key for row in its for key in row)) or [CHILD]
        _write_csv(folder / f"{name}.csv", columns, its)
    return folder


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows([["NULL" if row.get(each) is None else row[each] for each in columns] for row in rows])


# --- the Standard Safeguarding Dataset --------------------------------------------------------------------------------


def dataset_of(children: Iterable[Mapping[str, Any]]) -> Rows:
    """The tables in which these children would lie."""
    rows: Rows = {name: [] for name in COLUMNS}
    for child in children:
        _person(rows, child)
        for place, episode in enumerate(child.get("social_care_episodes", [])):
            _episode(rows, child["la_child_id"], episode, first=place == 0)
    return rows


def _person(rows: Rows, child: Mapping[str, Any]) -> None:
    own, details = child["la_child_id"], child.get("child_details", {})
    rows["ssd_person"].append(
        {
            "pers_person_id": own,
            "pers_legacy_id": child.get("mis_child_id"),
            "pers_upn": details.get("unique_pupil_number"),
            "pers_upn_unknown": details.get("unique_pupil_number_unknown_reason"),
            "pers_forename": details.get("first_name"),
            "pers_surname": details.get("surname"),
            "pers_dob": details.get("date_of_birth"),
            "pers_expected_dob": details.get("expected_date_of_birth"),
            "pers_sex": details.get("sex"),
            "pers_ethnicity": details.get("ethnicity"),
        }
    )
    _known_by(rows, own, details)
    for code in details.get("disabilities", []):
        if code != "NONE":
            rows["ssd_disability"].append({"disa_person_id": own, "disa_disability_code": f" {code.lower()} "})
    if details.get("uasc_flag"):
        rows["ssd_immigration_status"].append(
            {
                "immi_person_id": own,
                "immi_immigration_status": "U",
                "immi_immigration_status_end_date": details.get("uasc_end_date"),
            }
        )
    for each in child.get("health_and_wellbeing", {}).get("sdq_assessments", []):
        rows["ssd_sdq_scores"].append(
            {"csdq_person_id": own, "csdq_sdq_completed_date": each["date"], "csdq_sdq_score": str(each["score"])}
        )


def _known_by(rows: Rows, own: str, details: Mapping[str, Any]) -> None:
    """Former numbers and addresses, an earlier one among them."""
    if "former_unique_pupil_number" in details:
        rows["ssd_linked_identifiers"].append(
            {
                "link_person_id": own,
                "link_identifier_type": "Former Unique Pupil Number",
                "link_identifier_value": details["former_unique_pupil_number"],
                "link_valid_from_date": "2020-09-01",
            }
        )
    if "postcode" in details:
        rows["ssd_address"].append(
            {
                "addr_person_id": own,
                "addr_address_postcode": details["postcode"],
                "addr_address_start_date": "2020-01-01",
            }
        )
        rows["ssd_address"].append(
            {"addr_person_id": own, "addr_address_postcode": "ZZ99 9ZZ", "addr_address_start_date": "2019-01-01"}
        )


def _episode(rows: Rows, own: str, episode: Mapping[str, Any], *, first: bool) -> None:
    referral = episode["social_care_episode_id"]
    rows["ssd_cin_episodes"].append(
        {
            "cine_person_id": own,
            "cine_referral_id": referral,
            "cine_referral_date": episode.get("referral_date"),
            "cine_referral_source_code": episode.get("referral_source"),
            "cine_referral_nfa": {True: "Y", False: "N"}.get(episode.get("referral_no_further_action_flag", "")),
            "cine_close_date": episode.get("closure_date"),
            "cine_close_reason": episode.get("closure_reason"),
        }
    )
    for each in episode.get("child_and_family_assessments", []):
        name = each["child_and_family_assessment_id"]
        rows["ssd_cin_assessments"].append(
            {
                "cina_assessment_id": name,
                "cina_referral_id": referral,
                "cina_assessment_start_date": each.get("start_date"),
                "cina_assessment_auth_date": each.get("authorisation_date"),
            }
        )
        rows["ssd_assessment_factors"].append(
            {"cinf_assessment_id": name, "cinf_assessment_factors_json": json.dumps(each.get("factors", []))}
        )
    for table, prefix, items, key in (
        ("ssd_cin_plans", "cinp_cin_plan", "child_in_need_plans", "child_in_need_plan_id"),
        ("ssd_cp_plans", "cppl_cp_plan", "child_protection_plans", "child_protection_plan_id"),
    ):
        for each in episode.get(items, []):
            short = prefix.partition("_")[0]
            row = {f"{prefix}_id": each[key], f"{short}_referral_id": referral}
            row |= {f"{prefix}_start_date": each.get("start_date"), f"{prefix}_end_date": each.get("end_date")}
            rows[table].append(row | ({"cinp_person_id": own} if short == "cinp" else {}))
    _enquiries(rows, referral, episode)
    _care(rows, own, referral, episode)
    _workers(rows, referral, episode)
    if first and "adoption" in episode:
        told = episode["adoption"]
        rows["ssd_permanence"].append(
            {
                "perm_person_id": own,
                "perm_adm_decision_date": told.get("initial_decision_date"),
                "perm_matched_date": told.get("matched_date"),
                "perm_placed_for_adoption_date": told.get("placed_date"),
            }
        )
    if first and "care_leavers" in episode:
        told = episode["care_leavers"]
        rows["ssd_care_leavers"].append(
            {
                "clea_person_id": own,
                "clea_care_leaver_latest_contact": told.get("contact_date"),
                "clea_care_leaver_activity": told.get("activity"),
                "clea_care_leaver_accommodation": told.get("accommodation"),
            }
        )


def _enquiries(rows: Rows, referral: str, episode: Mapping[str, Any]) -> None:
    for each in episode.get("section_47_assessments", []):
        name, needed = each["section_47_assessment_id"], each.get("icpc_required_flag")
        outcome = {"CP_CONFERENCE_FLAG": {True: "Y", False: "N"}.get(needed)} if needed is not None else {}
        rows["ssd_s47_enquiry"].append(
            {
                "s47e_s47_enquiry_id": name,
                "s47e_referral_id": referral,
                "s47e_s47_start_date": each.get("start_date"),
                "s47e_s47_end_date": each.get("end_date"),
                "s47e_s47_outcome_json": json.dumps(outcome),
            }
        )
        if "icpc_date" in each:
            rows["ssd_initial_cp_conference"].append({"icpc_s47_enquiry_id": name, "icpc_icpc_date": each["icpc_date"]})


def _care(rows: Rows, own: str, referral: str, episode: Mapping[str, Any]) -> None:
    for each in episode.get("child_looked_after_placements", []):
        name = each["child_looked_after_placement_id"]
        care = f"care-{name}"
        rows["ssd_cla_episodes"].append(
            {
                "clae_cla_id": care,
                "clae_person_id": own,
                "clae_referral_id": referral,
                "clae_cla_episode_start_reason": each.get("start_reason"),
                "clae_cla_episode_ceased_reason": each.get("end_reason"),
            }
        )
        rows["ssd_cla_placement"].append(
            {
                "clap_cla_placement_id": name,
                "clap_cla_id": care,
                "clap_cla_placement_start_date": each.get("start_date"),
                "clap_cla_placement_type": each.get("placement_type"),
                "clap_cla_placement_postcode": each.get("postcode"),
                "clap_cla_placement_end_date": each.get("end_date"),
                "clap_cla_placement_change_reason": each.get("change_reason"),
            }
        )


def _workers(rows: Rows, referral: str, episode: Mapping[str, Any]) -> None:
    for each in episode.get("care_worker_details", []):
        number = each["worker_id"]
        if not any(row["prof_professional_id"] == f"p-{number}" for row in rows["ssd_professionals"]):
            rows["ssd_professionals"].append(
                {"prof_professional_id": f"p-{number}", "prof_social_worker_registration_no": number}
            )
        rows["ssd_involvements"].append(
            {
                "invo_referral_id": referral,
                "invo_professional_id": f"p-{number}",
                "invo_professional_role_id": "CW",
                "invo_involvement_start_date": each.get("start_date"),
                "invo_involvement_end_date": each.get("end_date"),
            }
        )


def write_csv_folder(rows: Rows, folder: Path) -> Path:
    """The tables as CSV files, as a person saves them from SQL Server: NULL where nothing is."""
    folder.mkdir(exist_ok=True)
    for name, its in rows.items():
        columns = [*COLUMNS[name][0], *COLUMNS[name][1]]
        _write_csv(folder / f"{name}.csv", columns, its)
    return folder


def write_database(rows: Rows, path: Path) -> Path:
    """The tables in an SQLite database."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, its in rows.items():
            columns = [*COLUMNS[name][0], *COLUMNS[name][1]]
            connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            connection.executemany(
                f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})",
                [[row.get(each) for each in columns] for row in its],
            )
    return path
