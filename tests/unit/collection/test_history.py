"""Any earlier day of a child's record: what was known, what was true, and what changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from samechild.collection.history import Change, differences, known_at, replay, true_at
from samechild.collection.merge import Held

E1, E2 = "social_care_episodes/E1", "social_care_episodes/E2"


def a_child(*episodes: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """A record of one child with these episodes."""
    return {"la_child_id": "C1", **sections, "social_care_episodes": list(episodes)}


def an_episode(name: str = "E1", **fields: Any) -> dict[str, Any]:
    """An episode that began in March 2025."""
    return {"social_care_episode_id": name, "referral_date": "2025-03-01", **fields}


MARCH, MAY = "2025-03-05", "2025-05-05"
OPEN = a_child(an_episode())
CLOSED = a_child(an_episode(closure_date="2025-04-30", closure_reason="RC1"))


def test_what_was_known_is_what_had_been_received() -> None:
    received = [(MARCH, OPEN), (MAY, CLOSED)]
    assert known_at(received, date(2025, 3, 4)) is None
    assert known_at(received, date(2025, 5, 4)) == Held(OPEN)
    assert known_at(received, date(2025, 5, 5)) == Held(CLOSED)
    assert replay([*received, (MAY, {"la_child_id": "C1", "purge": True})]) is None


def test_what_was_true_is_what_the_dates_say() -> None:
    held = Held(CLOSED, {E1: "2025-06-01"})
    assert true_at(held, date(2025, 2, 28)).child == {"la_child_id": "C1"}
    assert true_at(held, date(2025, 4, 29)) == Held(OPEN)
    assert true_at(held, date(2025, 4, 30)) == Held(CLOSED)
    assert true_at(held, date(2025, 6, 1)) == held
    assert true_at(Held(CLOSED, {E1: "2025-01-01"}), date(2025, 2, 28)).unreported == {}


def test_what_is_settled_at_an_end_is_not_known_to_be_true_before_it() -> None:
    held = Held(
        a_child(
            an_episode(
                care_worker_details=[
                    {"worker_id": "W1", "start_date": "2025-03-02", "end_date": "2025-06-01"},
                    {"worker_id": "W2", "start_date": "2025-06-01"},
                    {"worker_id": "W3"},
                ],
                child_and_family_assessments=[
                    {
                        "child_and_family_assessment_id": "A1",
                        "start_date": "2025-03-02",
                        "authorisation_date": "2025-05-01",
                        "factors": ["1A"],
                    }
                ],
                section_47_assessments=[
                    {
                        "section_47_assessment_id": "S1",
                        "start_date": "2025-03-02",
                        "icpc_required_flag": True,
                        "icpc_date": "2025-05-03",
                        "end_date": "2025-05-02",
                    }
                ],
                child_looked_after_placements=[
                    {
                        "child_looked_after_placement_id": "L1",
                        "start_date": "2025-03-02",
                        "end_date": "2025-05-01",
                        "end_reason": "X1",
                        "change_reason": "PLACE",
                    }
                ],
                adoption={"initial_decision_date": "2025-04-01", "placed_date": "2025-07-01"},
                care_leavers={"contact_date": "2025-07-01", "activity": "F1"},
            ),
            child_details={"date_of_birth": "2025-04-20", "uasc_flag": False},
            health_and_wellbeing={"sdq_assessments": [{"date": "2025-07-01", "score": 9}]},
        )
    )
    assert true_at(held, date(2025, 4, 15)).child == a_child(
        an_episode(
            care_worker_details=[{"worker_id": "W1", "start_date": "2025-03-02"}, {"worker_id": "W3"}],
            child_and_family_assessments=[{"child_and_family_assessment_id": "A1", "start_date": "2025-03-02"}],
            section_47_assessments=[{"section_47_assessment_id": "S1", "start_date": "2025-03-02"}],
            child_looked_after_placements=[{"child_looked_after_placement_id": "L1", "start_date": "2025-03-02"}],
            adoption={"initial_decision_date": "2025-04-01"},
        ),
        child_details={"uasc_flag": False},
    )


def test_differences_name_places_and_not_values() -> None:
    before = Held(a_child(an_episode(), child_details={"sex": "F", "surname": "Vane"}), {"child_details/sex": MARCH})
    after = Held(
        a_child(
            an_episode(closure_date="2025-05-01", care_worker_details=[{"worker_id": "W1"}]),
            an_episode("E2"),
            child_details={"sex": "F", "surname": "Wisp"},
            health_and_wellbeing={"sdq_assessments": []},
        ),
        {E1: MAY},
    )
    assert differences(before, after) == [
        ("child_details/surname", Change.CHANGED),
        ("health_and_wellbeing", Change.ADDED),
        (f"{E1}/closure_date", Change.ADDED),
        (f"{E1}/care_worker_details/W1@", Change.ADDED),
        (E2, Change.ADDED),
        (E1, Change.UNREPORTED),
        ("child_details/sex", Change.REPORTED),
    ]
    gone = differences(after, before)
    assert (E2, Change.REMOVED) in gone
    assert (E1, Change.REPORTED) in gone
    assert differences(Held(OPEN, {E1: MAY}), Held(a_child())) == [(E1, Change.REMOVED)]
    assert differences(None, after) == [("", Change.ADDED)]
    assert differences(after, None) == [("", Change.REMOVED)]
    assert differences(None, None) == []
