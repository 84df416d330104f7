"""The records of the conformance kit: one with every field, and ways to break a record, each by the rule it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

EXAMPLE: dict[str, Any] = {
    "mis_child_id": "Supplier-Child-1234",
    "purge": False,
    "child_details": {
        "unique_pupil_number": "ABC0123456789", "former_unique_pupil_number": "DEF0123456789",
        "unique_pupil_number_unknown_reason": "UN1", "first_name": "Jordan", "surname": "Example",
        "date_of_birth": "2022-06-14", "expected_date_of_birth": "2022-06-14", "sex": "M", "ethnicity": "WBRI",
        "disabilities": ["HAND", "VIS"], "postcode": "AB12 3DE", "uasc_flag": True, "uasc_end_date": "2022-06-14",
        "purge": False,
    },
    "health_and_wellbeing": {"sdq_assessments": [{"date": "2022-06-14", "score": 20}], "purge": False},
    "social_care_episodes": [{
        "social_care_episode_id": "ABC123456", "referral_date": "2022-06-14", "referral_source": "1C",
        "referral_no_further_action_flag": False, "closure_date": "2022-06-14", "closure_reason": "RC7",
        "care_worker_details": [{"worker_id": "ABC123", "start_date": "2022-06-14", "end_date": "2022-06-14"}],
        "child_and_family_assessments": [{
            "child_and_family_assessment_id": "ABC123456", "start_date": "2022-06-14",
            "authorisation_date": "2022-06-14", "factors": ["1C", "4A"], "purge": False,
        }],
        "child_in_need_plans": [{
            "child_in_need_plan_id": "ABC123456", "start_date": "2022-06-14", "end_date": "2022-06-14", "purge": False,
        }],
        "section_47_assessments": [{
            "section_47_assessment_id": "ABC123456", "start_date": "2022-06-14", "icpc_required_flag": True,
            "icpc_date": "2022-06-14", "end_date": "2022-06-14", "purge": False,
        }],
        "child_protection_plans": [{
            "child_protection_plan_id": "ABC123456", "start_date": "2022-06-14", "end_date": "2022-06-14",
            "purge": False,
        }],
        "child_looked_after_placements": [{
            "child_looked_after_placement_id": "ABC123456", "start_date": "2022-06-14", "start_reason": "S",
            "placement_type": "K1", "postcode": "AB12 3DE", "end_date": "2022-06-14", "end_reason": "E3",
            "change_reason": "CHILD", "purge": False,
        }],
        "adoption": {
            "initial_decision_date": "2022-06-14", "matched_date": "2022-06-14", "placed_date": "2022-06-14",
            "purge": False,
        },
        "care_leavers": {"contact_date": "2022-06-14", "activity": "F2", "accommodation": "D", "purge": False},
        "purge": False,
    }],
}  # fmt: skip
"""A record with every field of the specification; its UPNs are impossible and must be taken all the same."""


def an_episode(**given: Any) -> dict[str, Any]:
    """An episode with its id."""
    return {"social_care_episode_id": "E1", **given}


def changed(**given: Any) -> Callable[[dict[str, Any]], Any]:
    """A way to change a record: with these sections in place of its own."""
    return lambda child: {**child, **given}


def details(**given: Any) -> Callable[[dict[str, Any]], Any]:
    """A way to change a record: with these personal details besides its own."""
    return lambda child: {**child, "child_details": {**child["child_details"], **given}}


def _item(name: str, key: str, **given: Any) -> Callable[[dict[str, Any]], Any]:
    return changed(social_care_episodes=[an_episode(**{name: [{key: "X1", **given}]})])


BROKEN: tuple[tuple[str, str, Callable[[dict[str, Any]], Any]], ...] = (
    ("STR-04", "a child without an id", lambda child: {k: v for k, v in child.items() if k != "la_child_id"}),
    ("STR-04", "an empty id", changed(la_child_id="")),
    ("STR-04", "an id with a blank", changed(la_child_id="KIT 1")),
    ("STR-04", "an id that is a number", changed(la_child_id=17)),
    ("STR-05", "a second id of 37 characters", changed(mis_child_id="M" * 37)),
    ("STR-06", "an unknown property", changed(shoe_size=4)),
    ("STR-06", "an unknown property deeper down", details(nickname="x")),
    ("STR-06", "a child that is text", lambda child: "child"),
    ("STR-07", "an episode without an id", changed(social_care_episodes=[{"referral_date": "2026-01-01"}])),
    ("STR-07", "an episode's id of 37 characters", changed(social_care_episodes=[an_episode(
        social_care_episode_id="E" * 37)])),
    ("STR-08", "an assessment without an id",
     changed(social_care_episodes=[an_episode(child_and_family_assessments=[{}])])),
    ("STR-09", "a child in need plan without an id", changed(social_care_episodes=[an_episode(
        child_in_need_plans=[{}])])),
    ("STR-10", "a section 47 enquiry without an id",
     changed(social_care_episodes=[an_episode(section_47_assessments=[{}])])),
    ("STR-11", "a protection plan without an id",
     changed(social_care_episodes=[an_episode(child_protection_plans=[{}])])),
    ("STR-12", "a placement without an id",
     changed(social_care_episodes=[an_episode(child_looked_after_placements=[{}])])),
    ("STR-13", "a day that does not exist", details(date_of_birth="2015-02-30")),
    ("STR-13", "a date with slashes", details(date_of_birth="14/03/2015")),
    ("STR-13", "a date with a time", details(date_of_birth="2015-03-14T00:00:00")),
    ("STR-13", "a date of null", details(date_of_birth=None)),
    ("STR-14", "a flag as text", details(uasc_flag="false")),
    ("STR-14", "a flag as a number", changed(purge=0)),
    ("STR-15", "a score as text", changed(health_and_wellbeing={"sdq_assessments": [{"score": "20"}]})),
    ("STR-15", "a score with a fraction", changed(health_and_wellbeing={"sdq_assessments": [{"score": 20.5}]})),
    ("STR-16", "a UPN of 12 characters", details(unique_pupil_number="A12345678901")),
    ("STR-17", "a sex in words", details(sex="FEMALE")),
    ("STR-17", "a postcode of 9 characters", details(postcode="ZZ99  3VZ")),
    ("STR-18", "a disability twice", details(disabilities=["VIS", "VIS"])),
    ("STR-18", "thirteen disabilities", details(disabilities=[f"D{n:02d}" for n in range(13)])),
    ("STR-19", "a factor twice", _item("child_and_family_assessments", "child_and_family_assessment_id",
                                       factors=["1A", "1A"])),
    ("STR-20", "a worker's id with a full stop",
     changed(social_care_episodes=[an_episode(care_worker_details=[{"worker_id": "W.1"}])])),
)  # fmt: skip
"""A rule, what breaks it, and how a child is changed to break it."""
