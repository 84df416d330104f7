"""Values of any system become what the specification knows, or stay as they are for the check to find."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.collection import records
from samechild.collection.send.values import (
    canonical,
    codes_of,
    conversions,
    day_of,
    flag_of,
    text_of,
    whole_child,
    whole_of,
)


@pytest.mark.parametrize(
    ("given_value", "day"),
    [
        ("2026-03-02", "2026-03-02"),
        ("2026-3-2", "2026-03-02"),
        ("2026-03-02 00:00:00.000", "2026-03-02"),
        ("2026-03-02T09:30:00Z", "2026-03-02"),
        ("02/03/2026", "2026-03-02"),
        ("2.3.2026 00:00:00", "2026-03-02"),
        ("20260302", "2026-03-02"),
        (date(2026, 3, 2), "2026-03-02"),
        (datetime(2026, 3, 2, 9, 30), "2026-03-02"),
        ("31/02/2026", "31/02/2026"),
        ("soon", "soon"),
        ("  ", None),
        (None, None),
    ],
)
def test_days(given_value: Any, day: str | None) -> None:
    assert day_of(given_value) == day


@pytest.mark.parametrize(
    ("given_value", "flag"),
    [
        ("Y", True),
        (" no ", False),
        (1, True),
        (0.0, False),
        (True, True),
        ("TRUE", True),
        ("maybe", "maybe"),
        ("", None),
    ],
)
def test_flags(given_value: Any, flag: object) -> None:
    assert flag_of(given_value) is flag or flag_of(given_value) == flag


def test_numbers_and_text() -> None:
    assert [whole_of(each) for each in ("12", 12.0, "12.5", "", "x")] == [12, 12, "12.5", None, "x"]
    assert [text_of(each) for each in (" a ", 7.0, 123456789012, "")] == ["a", "7", "123456789012", None]


def test_codes() -> None:
    assert codes_of('["VIS", "HAND"]') == ["HAND", "VIS"]
    assert codes_of("VIS; HAND;VIS") == ["HAND", "VIS"]
    assert codes_of("[broken") == ["[broken"]
    assert codes_of("null") is None
    assert codes_of("[]") == []
    assert codes_of(["B", None, "A"]) == ["A", "B"]


def test_every_plain_field_of_the_specification_is_read() -> None:
    kinds = [records.Details, records.Episode, records.Assessment, records.NeedPlan, records.Enquiry,
             records.ProtectionPlan, records.Placement, records.Adoption, records.CareLeaver, records.CareWorker,
             records.SdqAssessment]  # fmt: skip
    nested = {"purge", *records.KEYS, "care_worker_details", "adoption", "care_leavers"}
    for kind in kinds:
        assert set(conversions(kind)) == set(kind.__struct_fields__) - nested
    assert conversions(records.Details)["uasc_flag"] is flag_of
    assert conversions(records.Details)["disabilities"] is codes_of
    assert conversions(records.SdqAssessment)["score"] is whole_of


@given(st.permutations(["E1", "E2", "E3"]), st.permutations([3, 1, 2]))
def test_the_same_child_gives_the_same_bytes(episodes: list[str], scores: list[int]) -> None:
    child = {
        "la_child_id": "C1",
        "health_and_wellbeing": {"sdq_assessments": [{"score": each} for each in scores]},
        "social_care_episodes": [
            {"social_care_episode_id": each, "child_in_need_plans": [{"child_in_need_plan_id": p} for p in episodes]}
            for each in episodes
        ],
    }
    whole = whole_child(child)
    assert [each["score"] for each in whole["health_and_wellbeing"]["sdq_assessments"]] == [1, 2, 3]
    assert [each["social_care_episode_id"] for each in whole["social_care_episodes"]] == ["E1", "E2", "E3"]
    assert canonical(whole) == canonical(whole_child(whole))
