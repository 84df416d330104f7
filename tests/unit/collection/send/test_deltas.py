"""Only what changed is sent, and what was sent adds up to what sending everything adds up to."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest

from samechild.collection.merge import Held, merge
from samechild.collection.send.deltas import Print, delta, marker, print_of, without_ids
from samechild.collection.send.values import canonical, whole_child
from samechild.town.case_people import made_people
from samechild.town.social_care import as_at, lives

MARK = marker(b"k" * 32)
TODAY = date(2026, 11, 22)


def a_child() -> dict[str, Any]:
    return whole_child(
        {
            "la_child_id": "C1",
            "mis_child_id": "M1",
            "child_details": {"first_name": "Zoë", "sex": "F"},
            "health_and_wellbeing": {"sdq_assessments": [{"date": "2026-01-01", "score": 3}]},
            "social_care_episodes": [
                {"social_care_episode_id": "E1", "referral_date": "2025-01-01"},
                {
                    "social_care_episode_id": "E2",
                    "referral_date": "2026-01-01",
                    "child_in_need_plans": [
                        {"child_in_need_plan_id": "P1", "start_date": "2026-01-02"},
                        {"child_in_need_plan_id": "P2", "start_date": "2026-02-02"},
                    ],
                    "care_worker_details": [{"worker_id": "W", "start_date": "2026-01-02"}],
                },
            ],
        }
    )


def changed(child: dict[str, Any]) -> dict[str, Any]:
    return delta(whole_child(child), print_of(a_child(), MARK), MARK)


IDS = {"la_child_id": "C1", "mis_child_id": "M1", "child_details": {"first_name": "Zoë", "sex": "F"}}


def test_details_are_sent_whole_and_alone() -> None:
    child = a_child()
    child["child_details"]["surname"] = "Quill"
    assert changed(child) == {**IDS, "child_details": child["child_details"]}


def test_a_changed_plan_brings_bare_ids_of_everything_beside_it() -> None:
    child = a_child()
    child["social_care_episodes"][1]["child_in_need_plans"][1]["end_date"] = "2026-03-01"
    assert changed(child) == {
        **IDS,
        "social_care_episodes": [
            {"social_care_episode_id": "E1"},
            {
                "social_care_episode_id": "E2",
                "child_in_need_plans": [
                    {"child_in_need_plan_id": "P1"},
                    {"child_in_need_plan_id": "P2", "start_date": "2026-02-02", "end_date": "2026-03-01"},
                ],
            },
        ],
    }


def test_an_episodes_own_fields_come_together_and_its_lists_stay_behind() -> None:
    child = a_child()
    child["social_care_episodes"][0]["closure_date"] = "2026-03-01"
    sent = {"social_care_episode_id": "E1", "referral_date": "2025-01-01", "closure_date": "2026-03-01"}
    assert changed(child)["social_care_episodes"] == [sent, {"social_care_episode_id": "E2"}]


def test_a_new_episode_is_whole_and_a_vanished_one_is_not_named() -> None:
    child = a_child()
    del child["social_care_episodes"][0]
    assert changed(child)["social_care_episodes"] == [{"social_care_episode_id": "E2"}]
    new = {"social_care_episode_id": "E3", "child_in_need_plans": [{"child_in_need_plan_id": "P1"}]}
    child["social_care_episodes"].append(new)
    assert changed(child)["social_care_episodes"] == [{"social_care_episode_id": "E2"}, new]


def test_a_list_that_became_empty_is_sent_empty() -> None:
    child = a_child()
    del child["social_care_episodes"][1]["child_in_need_plans"]
    assert changed(child)["social_care_episodes"][1] == {"social_care_episode_id": "E2", "child_in_need_plans": []}


def test_questionnaires_and_workers_are_sent_whole() -> None:
    child = a_child()
    child["health_and_wellbeing"]["sdq_assessments"].append({"date": "2026-05-01", "score": 5})
    child["social_care_episodes"][1]["care_worker_details"].append({"worker_id": "V"})
    sent = changed(child)
    assert len(sent["health_and_wellbeing"]["sdq_assessments"]) == 2
    assert len(sent["social_care_episodes"][1]["care_worker_details"]) == 2


def test_ids_that_are_renumbered_every_night_are_no_change() -> None:
    child = a_child()
    child["social_care_episodes"][0]["social_care_episode_id"] = "X9"
    child["social_care_episodes"][1]["child_in_need_plans"][0]["child_in_need_plan_id"] = "X1"
    child = whole_child(child)
    assert print_of(child, MARK).whole != print_of(a_child(), MARK).whole
    assert print_of(child, MARK, steady_ids=False).whole == print_of(a_child(), MARK, steady_ids=False).whole
    child["social_care_episodes"][0]["referral_date"] = "2025-01-02"
    assert print_of(child, MARK, steady_ids=False).whole != print_of(a_child(), MARK, steady_ids=False).whole
    assert "P1" not in str(without_ids(a_child()))
    assert "C1" in str(without_ids(a_child()))


def test_fingerprints_need_their_key_and_hold_no_value() -> None:
    assert print_of(a_child(), MARK).whole != print_of(a_child(), marker(b"other")).whole
    told = repr(print_of(a_child(), MARK))
    assert not any(value in told for value in ("Zoë", "C1", "E1'", "P1'"))


@pytest.mark.parametrize("seed", [1, 2])
def test_deltas_add_up_to_the_whole(seed: int) -> None:
    """Forty children over half a year, sent whole each week and as deltas: the receiver holds the same."""
    known = list(lives(made_people(40, seed, TODAY), seed, TODAY))
    of_deltas: dict[str, Held] = {}
    of_wholes: dict[str, Held] = {}
    prints: dict[str, Print] = {}
    saved = 0
    for week in range(0, 26, 2):
        day = TODAY - timedelta(days=180) + timedelta(weeks=week)
        for life in known:
            shown = as_at(life, day)
            if shown is None:
                continue
            child = whole_child(deepcopy(shown))
            own, before = child["la_child_id"], prints.get(child["la_child_id"])
            prints[own] = print_of(child, MARK)
            if before is not None and before.whole == prints[own].whole:
                continue
            sent = child if before is None else delta(child, before, MARK)
            saved += len(canonical(child)) - len(canonical(sent))
            for held, record in ((of_deltas, sent), (of_wholes, child)):
                merged = merge(held.get(own), record, day.isoformat()).held
                assert merged is not None
                held[own] = merged
    assert of_deltas == of_wholes
    assert saved > 0
