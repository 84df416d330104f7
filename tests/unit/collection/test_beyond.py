"""What of a record lies outside the agreement: sections are refused, days only flagged, purges always let through."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from samechild.collection.beyond import CATEGORIES, beyond, said
from samechild.collection.records import Child, Episode, Feed, declared

TODAY = date(2026, 11, 22)  # the window begins on 1 April 2024


def a_feed(*categories: str, months: int = 24) -> Feed:
    return Feed(
        feed="845",
        authority="845",
        owner="council",
        agreement="a1",
        categories=categories or CATEGORIES,
        months=months,
        opened_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def a_child(*episodes: dict[str, Any], **given: Any) -> Child:
    numbered = [{"social_care_episode_id": f"E{at}", **each} for at, each in enumerate(episodes)]
    return msgspec.convert({"la_child_id": "C1", "social_care_episodes": numbered or None, **given}, Child)


def places(feed: Feed, child: Child) -> tuple[list[str], list[str]]:
    refused, flagged = beyond(feed, child, TODAY)
    assert {fault.rule for fault in refused} <= {"AGR-01"}
    assert {fault.rule for fault in flagged} <= {"AGR-02"}
    return [fault.place for fault in refused], [fault.place for fault in flagged]


def test_sections_are_those_that_can_be_sent() -> None:
    fields = {*declared(Child), *declared(Episode)}
    assert set(CATEGORIES) <= fields
    held = {name for kind in (Child, Episode) for name, each in declared(kind).items() if each.item == 0}
    assert held - set(CATEGORIES) <= {"purge", "mis_child_id"}


def test_what_is_agreed_is_neither_refused_nor_flagged() -> None:
    plan = {"child_protection_plan_id": "P1", "start_date": "2026-02-01"}
    child = a_child({"referral_date": "2026-01-05", "child_protection_plans": [plan]}, child_details={"sex": "F"})
    assert places(a_feed(), child) == ([], [])


def test_a_section_outside_the_agreement_is_refused_where_it_stands() -> None:
    plan = {"child_protection_plan_id": "P1", "start_date": "2026-02-01"}
    child = a_child({}, {"child_protection_plans": [plan], "adoption": {"placed_date": "2026-03-01"}})
    feed = a_feed(*(name for name in CATEGORIES if name not in ("child_protection_plans", "adoption")))
    refused, flagged = places(feed, child)
    assert refused == ["/social_care_episodes/1/child_protection_plans", "/social_care_episodes/1/adoption"]
    assert flagged == []


def test_a_feed_without_sections_takes_nothing() -> None:
    feed = msgspec.structs.replace(a_feed(), categories=())
    child = a_child({"referral_date": "2026-01-05"}, child_details={"sex": "F"}, health_and_wellbeing={})
    assert places(feed, child)[0] == ["/child_details", "/health_and_wellbeing", "/social_care_episodes"]


@pytest.mark.parametrize(
    "child",
    [
        a_child({"adoption": {"purge": True}}),
        a_child({"child_protection_plans": [{"child_protection_plan_id": "P1", "purge": True}]}),
        a_child({"purge": True, "adoption": {"placed_date": "1999-01-01"}, "closure_date": "1999-01-01"}),
        a_child({"adoption": {"placed_date": "1999-01-01"}}, purge=True),
    ],
)
def test_what_is_purged_may_always_be_sent(child: Child) -> None:
    feed = a_feed(*(name for name in CATEGORIES if name not in ("child_protection_plans", "adoption")))
    assert places(feed, child) == ([], [])


@pytest.mark.parametrize(
    ("episode", "outside"),
    [
        ({"referral_date": "2020-01-01", "closure_date": "2024-03-31"}, ["/social_care_episodes/0"]),
        ({"referral_date": "2020-01-01", "closure_date": "2024-04-01"}, []),
        ({"referral_date": "2020-01-01"}, []),
        ({"referral_date": "2026-11-23"}, []),
        ({"referral_date": "2026-11-24"}, ["/social_care_episodes/0"]),
        (
            {
                "referral_date": "2020-01-01",
                "child_in_need_plans": [
                    {"child_in_need_plan_id": "N1", "start_date": "2020-02-01", "end_date": "2020-09-01"},
                    {"child_in_need_plan_id": "N2", "start_date": "2024-02-01", "end_date": "2024-09-01"},
                ],
                "care_leavers": {"contact_date": "2023-01-01"},
            },
            ["/social_care_episodes/0/child_in_need_plans/0", "/social_care_episodes/0/care_leavers"],
        ),
        ({"closure_date": "2020-01-01", "care_leavers": {"contact_date": "2019-01-01"}}, ["/social_care_episodes/0"]),
    ],
)
def test_what_lies_wholly_outside_the_window_is_flagged(episode: dict[str, Any], outside: list[str]) -> None:
    assert places(a_feed(), a_child(episode)) == ([], outside)


def test_a_longer_window_flags_less() -> None:
    child = a_child({"closure_date": "2023-05-01"}, health_and_wellbeing={"sdq_assessments": [{"date": "2022-01-01"}]})
    assert len(places(a_feed(), child)[1]) == 2
    assert places(a_feed(months=36), child)[1] == ["/health_and_wellbeing/sdq_assessments/0"]
    assert places(a_feed(months=60), child)[1] == []


def test_faults_say_what_to_do_and_hold_no_value() -> None:
    child = a_child({"referral_date": "2019-07-13", "closure_date": "2019-07-17"}, child_details={"surname": "Zebra"})
    refused, flagged = beyond(a_feed("social_care_episodes"), child, TODAY)
    words = " ".join(fault.words for fault in (*refused, *flagged))
    assert "Leave it out" in words
    assert "1 April 2024" in words
    for value in ("Zebra", "2019", "C1", "E0"):
        assert value not in words
    assert said(date(2026, 4, 5)) == "5 April 2026"
