"""The tables for those who come after: content under opaque keys, from the declared types; and their dictionary."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from samechild.collection.dictionary import as_page, code_list, dictionary
from samechild.collection.merge import Held, joined, merge, parted
from samechild.collection.parts import parts
from samechild.collection.records import Child, declared
from samechild.collection.rules.codes import codes
from samechild.collection.tables import Kind, Row, rows_of, table_of, tables
from samechild.records import Sensitivity

ADOPTION = {"placed_date": "2025-06-01"}
WHOLE: dict[str, Any] = {
    "la_child_id": "QC91",
    "mis_child_id": "QM91",
    "child_details": {
        "first_name": "Qix",
        "surname": "Wisp",
        "date_of_birth": "2014-05-06",
        "unique_pupil_number": "A000000000001",
        "postcode": "ZZ99 3WZ",
        "sex": "F",
        "disabilities": ["MOB", "HAND"],
    },
    "health_and_wellbeing": {"sdq_assessments": [{"date": "2025-01-01", "score": 12}]},
    "social_care_episodes": [
        {"social_care_episode_id": "QE1", "referral_date": "2025-03-01", "adoption": ADOPTION},
        {
            "social_care_episode_id": "QE2",
            "referral_date": "2025-02-01",
            "care_worker_details": [{"worker_id": "QW1", "start_date": "2025-03-01"}, {"start_date": "2025-04-01"}],
            "child_and_family_assessments": [{"child_and_family_assessment_id": "QA1", "factors": ["2B", "1A"]}],
            "section_47_assessments": [{"section_47_assessment_id": "QS1", "icpc_required_flag": True}],
            "child_protection_plans": [{"child_protection_plan_id": "QP1", "start_date": "2025-03-04"}],
            "child_looked_after_placements": [
                {"child_looked_after_placement_id": "QL1", "postcode": "ZZ99 3VZ", "placement_type": "U1"}
            ],
            "adoption": ADOPTION,
        },
    ],
}


def held(*records: dict[str, Any]) -> Held:
    """What records add up to."""
    found: Held | None = None
    for number, record in enumerate(records or (WHOLE,)):
        found = merge(found, record, f"2026-01-0{number + 1}").held
    assert found is not None
    return found


def rows(state: Held, record_key: str = "rk") -> dict[str, list[Row]]:
    """The rows of a child whose keys can be read in tests."""
    return rows_of(record_key, state, "845", "<{}>".format)


def test_every_row_has_exactly_the_declared_columns() -> None:
    found = rows(held())
    assert list(found) == [table.name for table in tables()]
    types = {Kind.TEXT: str, Kind.DAY: date, Kind.FLAG: bool, Kind.NUMBER: int}
    for table in tables():
        for row in found[table.name]:
            assert list(row) == [column.name for column in table.columns]
            for column in table.columns:
                assert row[column.name] is None or type(row[column.name]) is types[column.kind]


def test_nothing_that_says_who_or_where_a_child_is_has_a_column() -> None:
    told = repr(rows_of("rk", held(), "845", lambda text: str(hash(text))))
    for canary in ("QC91", "QM91", "Qix", "Wisp", "2014", "A0000", "ZZ99", "QE", "QA", "QS", "QP", "QL", "QW"):
        assert canary not in told
    assert {column.sensitivity for table in tables() for column in table.columns} == {
        Sensitivity.TECHNICAL,
        Sensitivity.CONTENT,
        Sensitivity.THIRD_PARTY,
    }


def test_the_content_half_is_enough() -> None:
    _, content = parted(held())
    assert rows(joined({}, content)) == rows(held())


def test_things_stand_under_keys_that_lead_to_their_episode() -> None:
    found = rows(held())
    assert [row["episode_key"] for row in found["episodes"]] == [
        "<rk/social_care_episodes/QE2>",
        "<rk/social_care_episodes/QE1>",
    ]
    assert found["protection_plans"] == [
        {
            "record_key": "rk",
            "authority": "845",
            "episode_key": "<rk/social_care_episodes/QE2>",
            "protection_plan_key": "<rk/social_care_episodes/QE2/child_protection_plans/QP1>",
            "start_date": date(2025, 3, 4),
            "end_date": None,
            "no_longer_sent_since": None,
        }
    ]
    assert [row["worker_key"] for row in found["workers"]] == [None, "<worker/845/QW1>"]
    assert rows(held(), "other")["workers"][1]["worker_key"] == "<worker/845/QW1>"
    assert rows(held(), "other")["episodes"][0]["episode_key"] != found["episodes"][0]["episode_key"]


def test_a_set_of_codes_is_a_row_for_each() -> None:
    found = rows(held())
    assert [row["disability"] for row in found["disabilities"]] == ["HAND", "MOB"]
    assert [(row["assessment_key"], row["factor"]) for row in found["assessment_factors"]] == [
        (found["assessments"][0]["assessment_key"], "1A"),
        (found["assessments"][0]["assessment_key"], "2B"),
    ]


def test_what_is_copied_into_every_episode_is_told_once() -> None:
    assert [row["episode_key"] for row in rows(held())["adoptions"]] == ["<rk/social_care_episodes/QE2>"]
    other = {"social_care_episode_id": "QE1", "adoption": {"placed_date": "2025-07-01"}}
    assert len(rows(held(WHOLE, {"la_child_id": "QC91", "social_care_episodes": [other]}))["adoptions"]) == 2


def test_what_is_no_longer_sent_says_since_when() -> None:
    found = rows(held(WHOLE, {"la_child_id": "QC91", "social_care_episodes": [{"social_care_episode_id": "QE2"}]}))
    assert [row["no_longer_sent_since"] for row in found["episodes"]] == [None, date(2026, 1, 2)]


def test_a_child_without_anything_is_one_row() -> None:
    found = rows(held({"la_child_id": "QC91"}))
    assert [name for name, some in found.items() if some] == ["children"]


def test_every_content_field_of_the_declared_types_has_a_column() -> None:
    told = {column.source for table in tables() for column in table.columns}

    def fields(kind: type, place: str) -> set[str]:
        found = set()
        for part in parts(kind):
            path = f"{place}.{part.name}" if place else part.name
            if part.kind is not object:
                many = "" if part.role == "section" else "[]"
                found |= fields(part.kind, path + many)
            elif declared(kind)[part.name].sensitivity in (Sensitivity.CONTENT, Sensitivity.THIRD_PARTY):
                found.add(path + ("[]" if part.role == "codes" else ""))
        return found

    assert told - {""} == fields(Child, "")


def test_a_table_is_found_by_its_name() -> None:
    assert table_of("placements").row == "a placement of a looked-after child"
    with pytest.raises(KeyError):
        table_of("nothing")


def test_the_dictionary_tells_every_column_and_every_code() -> None:
    told = dictionary().to_pylist()
    assert [(row["table"], row["column"]) for row in told] == [
        (table.name, column.name) for table in tables() for column in table.columns
    ]
    assert all(row["title"] for row in told)
    sets = {row["code_set"] for row in told} - {""}
    assert {row["code_set"] for row in code_list().to_pylist()} == sets
    placed = {row["code"]: row["meaning"] for row in code_list().to_pylist() if row["code_set"] == "placement_type"}
    assert codes("placement_type").items() <= placed.items()


def test_the_dictionary_is_a_page_of_its_own() -> None:
    page = as_page("Extract <1>")
    assert "<title>Extract &lt;1&gt;</title>" in page
    assert 'href="#placement_type"' in page
    assert 'id="placement_type"' in page
    for table in tables():
        assert f"<h2>{table.name}</h2>" in page
    assert "src=" not in page
    assert "http" not in page
