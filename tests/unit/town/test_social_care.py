"""A made-up council's social care data: always the same, whole, and its days follow one another."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import Any

import pytest

from samechild.collection.merge import Held, merge
from samechild.collection.structure import read_batch
from samechild.town import make_town
from samechild.town.case_errors import MISTAKES, put_in, slip_of
from samechild.town.case_people import made_people, people_of
from samechild.town.social_care import as_at, children, days_of, delta, following, lives, newcomers, on_day, sent

TODAY = date(2026, 11, 22)


def the_children(count: int = 300, seed: int = 7, today: date = TODAY, mistakes: float = 0.0) -> list[dict[str, Any]]:
    return list(children(count, seed, today, mistakes=mistakes))


def test_the_same_arguments_give_the_same_children_on_every_machine() -> None:
    told = json.dumps(the_children(60, 1, date(2026, 9, 1)), ensure_ascii=False).encode()
    assert hashlib.sha256(told).hexdigest()[:16] == "51c1f62e34712f02"


def test_fewer_children_are_the_first_of_more() -> None:
    assert the_children(1_200)[:30] == the_children(30)
    assert len(the_children(1_200)) == 1_200


def test_another_seed_is_another_council() -> None:
    one, other = the_children(200, 1), the_children(200, 2)
    for name in ("first_name", "unique_pupil_number"):
        values = [{each["child_details"].get(name) for each in held} for held in (one, other)]
        assert values[0] != values[1]
    assert not {each["la_child_id"] for each in one} & {each["la_child_id"] for each in other}


def test_no_id_is_given_twice_in_a_council() -> None:
    found: list[str] = []

    def gather(thing: Any) -> None:
        if isinstance(thing, dict):
            found.extend(value for name, value in thing.items() if name.endswith("_id") and name != "worker_id")
            for value in thing.values():
                gather(value)
        elif isinstance(thing, list):
            for value in thing:
                gather(value)

    gather(the_children(1_500))
    assert len(found) == len(set(found)) > 6_000


@pytest.mark.parametrize("mistakes", [0.0, 1.0])
def test_every_record_is_of_the_structure_that_is_asked_for(mistakes: float) -> None:
    held = the_children(400, mistakes=mistakes)
    for start in range(0, len(held), 100):
        read = read_batch(json.dumps(held[start : start + 100]).encode())
        assert not read.faults


def test_children_come_to_every_part_of_social_care() -> None:
    held = the_children(2_000)
    episodes = [each for child in held for each in child["social_care_episodes"]]
    parts = {name for each in episodes for name in each}
    assert {
        "child_and_family_assessments",
        "child_in_need_plans",
        "section_47_assessments",
        "child_protection_plans",
        "child_looked_after_placements",
        "care_worker_details",
        "adoption",
        "care_leavers",
        "closure_date",
    } <= parts
    details = [each["child_details"] for each in held]
    assert any("expected_date_of_birth" in each for each in details), "unborn children"
    assert any(each.get("uasc_flag") for each in details), "unaccompanied children"
    assert any("health_and_wellbeing" in each for each in held)


def _on(day: str, thing: dict[str, Any], start: str, end: str) -> bool:
    return bool(thing[start] <= day < thing.get(end, "9"))


def test_as_many_are_open_on_plans_and_looked_after_as_in_a_council() -> None:
    """Published for 2025, of about 8,000 children whom a median authority would send: 2,251, 275 and 458."""
    held, day = the_children(4_000), "2026-03-31"
    open_, plans, cared = 0, 0, 0
    for child in held:
        episodes = child["social_care_episodes"]
        known = [each for each in episodes if not each["referral_no_further_action_flag"]]
        open_ += any(_on(day, each, "referral_date", "closure_date") for each in known)
        for name in ("child_protection_plans", "child_looked_after_placements"):
            running = any(_on(day, one, "start_date", "end_date") for each in known for one in each.get(name, ()))
            plans += running and name == "child_protection_plans"
            cared += running and name != "child_protection_plans"
    assert 0.18 < open_ / len(held) < 0.38
    assert 0.02 < plans / len(held) < 0.06
    assert 0.04 < cared / len(held) < 0.08


def test_one_or_two_children_in_a_hundred_are_new_on_a_working_day() -> None:
    changed = [len(new) for day, new in days_of(3_000, 7, TODAY, 14) if day.weekday() < 5]
    assert 0.008 < sum(changed) / len(changed) / 3_000 < 0.05


@pytest.mark.parametrize("mistakes", [0.0, 0.5])
def test_the_days_lead_to_the_state_of_the_last_day(mistakes: float) -> None:
    count, days, last = 400, 60, TODAY + timedelta(days=60)
    state = {each["la_child_id"]: each for each in the_children(count, mistakes=mistakes)}
    known = [*lives(made_people(count, 7, TODAY), 7, TODAY, mistakes=mistakes)]
    known += newcomers(count, 7, TODAY, days, mistakes=mistakes)
    told = list(days_of(count, 7, TODAY, days, mistakes=mistakes))
    assert told == list(following(known, TODAY, days))
    for _, new in told:
        state |= {each["la_child_id"]: each for each in new}
    assert state == {life.person.la_child_id: shown for life in known if (shown := sent(life, last))}
    assert len(state) > count, "somebody was referred for the first time"


def test_what_is_new_of_a_child_merges_to_the_whole_child() -> None:
    """Except for what vanishes: a child's due date when it is born, an end that was a mistake."""
    held: dict[str, Held] = {}
    for child in the_children(400):
        held[child["la_child_id"]] = _merged(None, child, TODAY)
    whole, new = days_of(400, 7, TODAY, 45), days_of(400, 7, TODAY, 45, partial=True)
    compared = 0
    for (day, full), (_, parts) in zip(whole, new, strict=True):
        for child, part in zip(full, parts, strict=True):
            key = child["la_child_id"]
            before = held.get(key)
            held[key] = _merged(before, part, day)
            born = before and "expected_date_of_birth" in before.child.get("child_details", {})
            compared += 1
            if not born:
                assert held[key].child == _merged(None, child, day).child
    assert compared > 100


def _merged(held: Held | None, sent: dict[str, Any], day: date) -> Held:
    found = merge(held, sent, day.isoformat()).held
    assert found is not None
    return found


def test_what_is_new_names_what_stayed_by_its_id_alone() -> None:
    before = {
        "la_child_id": "1",
        "child_details": {"sex": "F"},
        "social_care_episodes": [
            {"social_care_episode_id": "E1", "referral_date": "2026-01-05"},
            {"social_care_episode_id": "E2", "child_in_need_plans": [{"child_in_need_plan_id": "P1"}]},
        ],
    }
    after = json.loads(json.dumps(before))
    after["social_care_episodes"][1]["child_in_need_plans"][0]["end_date"] = "2026-02-02"
    assert delta(before, after) == {
        "la_child_id": "1",
        "child_details": {"sex": "F"},
        "social_care_episodes": [
            {"social_care_episode_id": "E1"},
            {
                "social_care_episode_id": "E2",
                "child_in_need_plans": [{"child_in_need_plan_id": "P1", "end_date": "2026-02-02"}],
            },
        ],
    }


def test_children_of_a_town_are_those_its_social_care_service_knows() -> None:
    town = make_town(600, 2, seed=3)
    people = people_of(town, "alder_social_care", TODAY)
    assert len(people) > 20
    assert len({each.la_child_id for each in people}) == len(people)
    known = {(row["forename"], row["date_of_birth"]) for row in town.records.to_pylist()}
    assert {(each.first_name, each.born.isoformat()) for each in people} <= known
    shown = list(on_day(lives(people, 3, TODAY), TODAY))
    read = read_batch(json.dumps(shown[:100]).encode())
    assert not read.faults


def test_a_mistake_stays_until_it_is_mended() -> None:
    marred = [each for each in lives(made_people(300, 7, TODAY), 7, TODAY, mistakes=1.0) if each.slip]
    assert len(marred) > 200
    mended = 0
    for life in marred:
        slip = life.slip
        assert slip is not None
        assert sent(life, slip.since) != as_at(life, slip.since)
        if slip.until:
            mended += 1
            assert sent(life, slip.until) == as_at(life, slip.until)
        before = slip.since - timedelta(days=1)
        assert sent(life, before) == as_at(life, before)
    assert 0 < mended < len(marred)


def test_no_mistake_is_made_where_none_is_asked_for() -> None:
    assert slip_of(1, 1, 0.0, TODAY, lambda day: None) is None
    assert slip_of(1, 1, 1.0, TODAY, lambda day: None) is None, "nothing is known on the day"


def test_a_record_is_spoilt_as_a_copy() -> None:
    child = the_children(1)[0]
    kept = json.dumps(child)
    assert any(put_in(child, each.name) for each in MISTAKES)
    assert json.dumps(child) == kept
