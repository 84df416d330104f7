"""What each thing that a council can send means, one readable example each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from samechild.collection.merge import WHOLE, Held, child_of, joined, merge, parted
from samechild.collection.parts import parts
from samechild.collection.paths import at_path, path_of, paths
from samechild.collection.records import Child, Episode, Feed
from samechild.collection.redact import matches, redact
from samechild.errors import Invalid

FIRST, SECOND, THIRD = "2026-01-05", "2026-01-06", "2026-01-07"
PLANS = "social_care_episodes/E1/child_protection_plans"
WORKERS = "social_care_episodes/E1/care_worker_details"


def sent(**sections: Any) -> dict[str, Any]:
    """A record of one child."""
    return {"la_child_id": "C1", **sections}


def episode(name: str = "E1", **fields: Any) -> dict[str, Any]:
    """A record with one episode."""
    return sent(social_care_episodes=[{"social_care_episode_id": name, **fields}])


def plan(name: str, **fields: Any) -> dict[str, Any]:
    """A child protection plan."""
    return {"child_protection_plan_id": name, **fields}


def plans(*given: dict[str, Any]) -> dict[str, Any]:
    """A record whose one episode has these child protection plans."""
    return episode(child_protection_plans=list(given))


def workers(*rows: dict[str, Any]) -> dict[str, Any]:
    """A record whose one episode has these allocations."""
    return episode(care_worker_details=list(rows))


def after(*records: dict[str, Any]) -> Held:
    """What records add up to, received on 5, 6, 7 ... January 2026."""
    held: Held | None = None
    for number, record in enumerate(records):
        held = merge(held, record, f"2026-01-{5 + number:02}").held
    assert held is not None
    return held


def its_plans(held: Held) -> list[dict[str, Any]]:
    """The child protection plans of the one episode."""
    found: list[dict[str, Any]] = held.child["social_care_episodes"][0].get("child_protection_plans", [])
    return found


def its_workers(held: Held) -> list[tuple[str, str, str]]:
    """Worker, first and last day of each allocation of the one episode."""
    rows = held.child["social_care_episodes"][0].get("care_worker_details", [])
    return [tuple(row.get(field, "") for field in ("worker_id", "start_date", "end_date")) for row in rows]


def test_what_is_left_out_is_unchanged() -> None:
    whole = {**episode(referral_date="2025-02-03"), "mis_child_id": "M1", "child_details": {"sex": "F"}}
    held = after(whole, sent())
    assert held.child == whole
    assert held.unreported == {}


def test_the_second_id_may_be_null() -> None:
    assert after(sent(mis_child_id="M1"), sent(mis_child_id=None)).child["mis_child_id"] == "M1"


def test_personal_details_are_whole_so_a_missing_field_is_marked_and_kept() -> None:
    held = after(sent(child_details={"sex": "F", "ethnicity": "WBRI"}), sent(child_details={"sex": "F"}))
    assert held.child["child_details"] == {"sex": "F", "ethnicity": "WBRI"}
    assert held.unreported == {"child_details/ethnicity": SECOND}
    again = merge(held, sent(child_details={"sex": "F"}), THIRD)
    assert again.held == held
    assert not again.changed
    assert after(*[sent(child_details={"sex": "F"})] * 2, sent(child_details={})).unreported == {
        "child_details/sex": THIRD
    }


def test_a_field_that_is_sent_again_loses_its_mark() -> None:
    held = after(sent(child_details={"sex": "F"}), sent(child_details={}), sent(child_details={"sex": "M"}))
    assert held.child["child_details"] == {"sex": "M"}
    assert held.unreported == {}


def test_purging_the_personal_details_keeps_the_rest() -> None:
    record = {**plans(plan("P1")), "child_details": {"sex": "F", "surname": "Vane"}}
    held = after(record, sent(child_details={"sex": "F"}))
    merged = merge(held, sent(child_details={"sex": "M", "purge": True}), THIRD)
    assert merged.held == Held(plans(plan("P1")))
    assert merged.purged == ("child_details",)


def test_a_bare_id_means_unchanged_and_no_id_means_no_longer_sent() -> None:
    held = after(plans(plan("P1", start_date="2025-01-01"), plan("P2")), plans(plan("P1"), plan("P3")))
    assert its_plans(held) == [plan("P1", start_date="2025-01-01"), plan("P2"), plan("P3")]
    assert held.unreported == {f"{PLANS}/P2": SECOND}


def test_a_mark_keeps_its_first_day_and_goes_when_the_item_is_sent_again() -> None:
    both = plans(plan("P1"), plan("P2"))
    assert after(both, plans(plan("P1")), plans(plan("P1"))).unreported == {f"{PLANS}/P2": SECOND}
    assert after(both, plans(plan("P1")), plans(plan("P1"), plan("P2"))).unreported == {}


def test_a_list_that_is_left_out_marks_nothing_and_an_empty_one_marks_all() -> None:
    both = plans(plan("P1"), plan("P2"))
    assert after(both, episode()).unreported == {}
    assert after(both, plans()).unreported == {f"{PLANS}/P1": SECOND, f"{PLANS}/P2": SECOND}
    assert after(both, sent(social_care_episodes=[])).unreported == {"social_care_episodes/E1": SECOND}


def test_an_item_purged_is_gone_with_its_marks_whatever_else_is_said_of_it() -> None:
    held = after(plans(plan("P1"), plan("P2")), plans(plan("P1")))
    merged = merge(held, plans(plan("P1"), plan("P2", start_date="2025-01-01", purge=True)), THIRD)
    assert merged.held == Held(plans(plan("P1")))
    assert merged.purged == (f"{PLANS}/P2",)


def test_purge_false_says_nothing() -> None:
    held = after(plans(plan("P1", purge=False)))
    assert its_plans(held) == [plan("P1")]


def test_purging_an_episode_takes_everything_in_it() -> None:
    held = after(plans(plan("P1"), plan("P2")), plans(plan("P1")))
    merged = merge(held, episode(purge=True), THIRD)
    assert merged.held == Held(sent())
    assert merged.purged == ("social_care_episodes/E1",)


def test_a_purge_leaves_the_marks_of_others_alone() -> None:
    held = after(plans(plan("P1"), plan("P10"), plan("P2")), plans(plan("P2")), plans(plan("P1", purge=True)))
    assert held.unreported == {f"{PLANS}/P10": SECOND, f"{PLANS}/P2": THIRD}


@pytest.mark.parametrize("section", ["adoption", "care_leavers"])
def test_purging_a_section_of_an_episode(section: str) -> None:
    told: dict[str, Any] = {section: {"contact_date" if section == "care_leavers" else "placed_date": "2025-01-01"}}
    purging: dict[str, Any] = {section: {"purge": True}}
    held = after(episode("E1", **told))
    merged = merge(held, episode("E1", **purging), SECOND)
    assert merged.held == Held(episode())
    assert merged.purged == (f"social_care_episodes/E1/{section}",)


def test_purging_what_is_not_known_changes_nothing() -> None:
    held = after(plans(plan("P1")))
    merged = merge(held, {**plans(plan("P1"), plan("P9", purge=True)), "child_details": {"purge": True}}, SECOND)
    assert merged.held == held
    assert not merged.changed
    assert merged.purged == ("child_details", f"{PLANS}/P9")  # what came with the request is to be cut out all the same
    assert merge(None, sent(purge=True), FIRST).changed is False


def test_purging_the_child_leaves_nothing() -> None:
    merged = merge(after(plans(plan("P1"))), {**plans(plan("P1")), "purge": True}, SECOND)
    assert merged.held is None
    assert merged.purged == (WHOLE,)
    assert merged.changed


def test_what_is_sent_after_a_purge_is_new() -> None:
    held = after(plans(plan("P1", start_date="2025-01-01")), plans(plan("P1", purge=True)), plans(plan("P1")))
    assert its_plans(held) == [plan("P1")]


def test_the_same_id_twice_is_one_item_and_a_purge_anywhere_wins() -> None:
    twice = plans(plan("P1", start_date="2025-01-01", end_date="2025-02-01"), plan("P1", start_date="2025-01-02"))
    assert its_plans(after(twice)) == [plan("P1", start_date="2025-01-02", end_date="2025-02-01")]
    assert its_plans(after(plans(plan("P1", purge=True), plan("P1", start_date="2025-01-01")))) == []
    split = [{"social_care_episode_id": "E1", "child_protection_plans": [plan(name)]} for name in ("P1", "P2")]
    assert its_plans(after(sent(social_care_episodes=split))) == [plan("P1"), plan("P2")]


def test_an_id_in_another_episode_is_another_thing() -> None:
    moved = sent(
        social_care_episodes=[
            {"social_care_episode_id": "E1", "child_protection_plans": []},
            {"social_care_episode_id": "E2", "child_protection_plans": [plan("P1")]},
        ]
    )
    held = after(plans(plan("P1")), moved)
    assert [len(each["child_protection_plans"]) for each in held.child["social_care_episodes"]] == [1, 1]
    assert held.unreported == {f"{PLANS}/P1": SECOND}


def test_questionnaire_results_are_replaced_whole_newest_first() -> None:
    def results(*rows: dict[str, Any]) -> dict[str, Any]:
        return sent(health_and_wellbeing={"sdq_assessments": list(rows)})

    old, new = {"date": "2025-01-01", "score": 12}, {"date": "2026-01-01", "score": 9}
    assert after(results(old, {"score": 3}), results(old, new)).child == results(new, old)
    assert after(results({"score": 12.0})).child["health_and_wellbeing"]["sdq_assessments"] == [{"score": 12}]
    assert after(results(old), sent(health_and_wellbeing={})).child == results(old)
    assert after(results(old), sent(health_and_wellbeing={"purge": True})).child == sent()


def test_codes_are_a_set() -> None:
    one, other = ({"child_details": {"disabilities": codes}} for codes in (["MOB", "HAND"], ["HAND", "MOB"]))
    assert merge(after(sent(**one)), sent(**other), SECOND).changed is False


# --- workers ----------------------------------------------------------------------------------------------------------

A1 = {"worker_id": "A", "start_date": "2025-01-01"}
A2 = {"worker_id": "A", "start_date": "2025-02-02"}


def test_a_worker_alone_says_nothing() -> None:
    assert its_workers(after(workers({"worker_id": "A"}))) == []
    held = after(workers(A1, A2), workers({"worker_id": "A"}))
    assert its_workers(held) == [("A", "2025-01-01", ""), ("A", "2025-02-02", "")]
    assert held.unreported == {}


def test_an_allocation_is_told_apart_by_worker_and_first_day() -> None:
    held = after(workers(A1), workers({"worker_id": "A"}, A2), workers({**A1, "end_date": "2025-02-02"}, A2))
    assert its_workers(held) == [("A", "2025-01-01", "2025-02-02"), ("A", "2025-02-02", "")]


def test_an_allocation_that_is_no_longer_sent_is_kept_and_marked() -> None:
    held = after(workers(A1), workers({"worker_id": "B", "start_date": "2025-03-01"}))
    assert len(its_workers(held)) == 2
    assert held.unreported == {f"{WORKERS}/A@2025-01-01": SECOND}
    assert after(workers(A1), workers(A2), workers(A1, A2)).unreported == {}


END = {"worker_id": "A", "end_date": "2025-09-09"}


@pytest.mark.parametrize(
    ("kept", "now", "ended"),
    [
        pytest.param([A1], [END], "2025-01-01", id="the only one"),
        pytest.param([A1, A2], [A2, END], "2025-01-01", id="the only one that the list does not name"),
        pytest.param([{**A1, "end_date": "2025-02-02"}, A2], [END], "2025-02-02", id="the only one not ended"),
        pytest.param([A1, {**A2, "end_date": "2025-09-09"}], [END], "2025-02-02", id="one that ended then already"),
        pytest.param([A1, A2], [END], "", id="nobody can say"),
        pytest.param([], [END], "", id="none is known"),
        pytest.param([A1, {"worker_id": "A", "end_date": "2024-01-01"}], [END], "", id="one without a first day"),
    ],
)
def test_which_allocation_ends_when_no_first_day_is_sent(
    kept: list[dict[str, Any]], now: list[dict[str, Any]], ended: str
) -> None:
    held = after(workers(*kept), workers(*now))
    assert [start for _, start, end in its_workers(held) if end == "2025-09-09"] == [ended]
    assert merge(held, workers(*now), THIRD).changed is False


# --- as types, in two vaults, by path -------------------------------------------------------------------------------


def test_states_are_the_same_bytes_in_whatever_order_they_were_sent() -> None:
    one = after(plans(plan("P1"), plan("P2")))
    other = after(plans(plan("P2"), plan("P1")))
    assert msgspec.json.encode(one) == msgspec.json.encode(other)
    backwards = {"child_details": {"sex": "F", "first_name": "Qix"}, "la_child_id": "C1"}
    assert list(after(backwards).child) == ["la_child_id", "child_details"]
    assert list(after(backwards).child["child_details"]) == ["first_name", "sex"]


def test_a_child_with_a_long_id_of_the_older_specification_can_be_looked_at() -> None:
    child = child_of(after({"la_child_id": "0d3f_a-" * 5}))
    assert child.la_child_id == "0d3f_a-" * 5


PLACED = {
    **episode(
        child_looked_after_placements=[{"child_looked_after_placement_id": "L1", "postcode": "ZZ99 3WZ"}],
        care_worker_details=[{"worker_id": "W1", "start_date": "2025-01-01"}],
    ),
    "child_details": {"surname": "Vane"},
    "health_and_wellbeing": {"sdq_assessments": [{"score": 3}]},
}


def test_a_placement_postcode_says_where_a_child_is_and_is_parted_with_the_identity() -> None:
    held = after(PLACED)
    identity, content = parted(held)
    assert identity == {
        "la_child_id": "C1",
        "child_details/surname": "Vane",
        "social_care_episodes/E1/child_looked_after_placements/L1/postcode": "ZZ99 3WZ",
    }
    assert "child_details" not in content["child"]
    assert joined(identity, content) == held


def test_what_the_content_does_not_know_of_is_not_joined_to_it() -> None:
    identity, content = parted(after(PLACED))
    content["child"]["social_care_episodes"] = []
    assert joined(identity, content).child == {
        "la_child_id": "C1",
        "child_details": {"surname": "Vane"},
        "health_and_wellbeing": {"sdq_assessments": [{"score": 3}]},
    }


def test_places_are_named_by_ids_workers_and_positions() -> None:
    child = child_of(after(PLACED))
    assert [path for path, _ in paths(child)] == [
        "",
        "child_details",
        "health_and_wellbeing",
        "health_and_wellbeing/sdq_assessments/0",
        "social_care_episodes/E1",
        f"{WORKERS}/W1@2025-01-01",
        "social_care_episodes/E1/child_looked_after_placements/L1",
    ]
    assert at_path(child, "health_and_wellbeing/sdq_assessments/0/score") == 3
    for nowhere in (
        "x",
        "child_details/x",
        "child_details/surname/x",
        "adoption",
        f"{PLANS}/P9",
        f"{PLANS}/P9/end_date",
    ):
        assert at_path(child, nowhere) is None
    worker = at_path(child, f"{WORKERS}/W1@2025-01-01")
    assert path_of(child, (worker, "end_date")) == f"{WORKERS}/W1@2025-01-01/end_date"
    with pytest.raises(Invalid):
        path_of(child, (Episode(social_care_episode_id="E1"), ""))


def test_a_state_does_not_print_what_it_holds() -> None:
    assert "Vane" not in repr(after(PLACED))


def test_every_declared_type_of_a_child_is_walked() -> None:
    kinds: set[type] = set()
    waiting: list[type] = [Child]
    while waiting:
        kind = waiting.pop()
        kinds.add(kind)
        waiting += [part.kind for part in parts(kind) if part.kind is not object]
    assert len(kinds) == 13
    assert Feed not in kinds


# --- cutting purged things out of what was received -----------------------------------------------------------------


def test_a_purged_plan_is_cut_out_of_what_was_received_and_the_list_stays() -> None:
    received = {**plans(plan("P1", start_date="2025-01-01"), plan("P2")), "child_details": {"surname": "Vane"}}
    assert redact(received, {f"{PLANS}/P1", "child_details"}.__contains__) == plans(plan("P2"))
    assert (
        redact(received, {f"{PLANS}/P1", f"{PLANS}/P2"}.__contains__)["social_care_episodes"]
        == plans()["social_care_episodes"]
    )
    assert redact(received, {"social_care_episodes/E1"}.__contains__)["social_care_episodes"] == []
    assert redact(received, {f"{PLANS}/P9"}.__contains__) == received


def test_a_place_is_purged_with_what_it_stands_in() -> None:
    tokens = ["token of social_care_episodes/E1"]
    assert matches("social_care_episodes/E1", tokens, "token of {}".format)
    assert matches(f"{PLANS}/P1/end_date", tokens, "token of {}".format)
    assert not matches("social_care_episodes/E10", tokens, "token of {}".format)
    assert not matches("social_care_episodes", tokens, "token of {}".format)
