"""An authority's day in numbers: they add up child by child, and say what the definitions of the statistics say."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.collection.check import check_day
from samechild.collection.day import counts_of, day_of, in_year, moved, on_march, published, total
from samechild.collection.records import Child, Placement
from samechild.collection.rules.care import Period, in_order, looked_after_on, periods
from samechild.collection.rules.examples import a_child, an_episode, enquiry, placement, plan
from samechild.town.social_care import children

TODAY = date(2026, 11, 22)
DAYS = st.dates(date(2023, 1, 1), date(2026, 12, 31))


@cache
def the_council() -> tuple[Child, ...]:
    return tuple(msgspec.convert(each, Child, strict=False) for each in children(600, 5, TODAY))


def in_need(child: Child, day: date) -> int:
    """The definition of the statistics, written down once more."""
    return sum(
        not each.referral_no_further_action_flag
        and each.referral_date is not None
        and each.referral_date <= day
        and (each.closure_date is None or each.closure_date > day)
        for each in child.social_care_episodes or ()
    )


def on_plans(child: Child, day: date) -> int:
    return sum(
        each.start_date is not None and each.start_date <= day and (each.end_date is None or each.end_date > day)
        for episode in child.social_care_episodes or ()
        for each in episode.child_protection_plans or ()
    )


def looked_after(child: Child, day: date) -> int:
    return int(any(looked_after_on(each, day) for each in in_order(child)))


@pytest.mark.parametrize("year", [2025, 2026])
def test_counts_on_31_march_are_those_of_the_definitions(year: int) -> None:
    day, counts = date(year, 3, 31), total(counts_of(each) for each in the_council())
    for name, asked in (("in_need", in_need), ("on_plans", on_plans), ("looked_after", looked_after)):
        expected = sum(asked(each, day) for each in the_council())
        assert on_march(counts, name, year) == expected > 0


def test_an_episode_counts_from_its_referral_until_the_day_before_it_closes() -> None:
    def marches(referred: str, closed: str | None) -> list[int]:
        counts = counts_of(a_child(an_episode(referred, closed, "RC7" if closed else None)))
        return [on_march(counts, "in_need", year) for year in (2024, 2025, 2026)]

    assert marches("2025-03-31", None) == [0, 1, 1]
    assert marches("2025-04-01", None) == [0, 0, 1]
    assert marches("2024-03-31", "2025-03-31") == [1, 0, 0]
    assert marches("2024-03-31", "2025-04-01") == [1, 1, 0]
    assert marches("2025-03-31", "2025-03-31") == [0, 0, 0]
    assert (
        counts_of(a_child(an_episode("2025-01-06", referral_no_further_action_flag=True))).get("in_need.2025") is None
    )


def test_a_child_taken_off_leaves_nothing_behind() -> None:
    everyone = total(counts_of(each) for each in the_council())
    for each in the_council():
        everyone = moved(everyone, counts_of(each), {})
    assert everyone == {}


@given(st.lists(st.integers(0, 599), max_size=12), st.integers(0, 599))
def test_moving_one_child_is_the_same_as_counting_anew(rows: list[int], other: int) -> None:
    counts = [counts_of(the_council()[row]) for row in rows]
    now = counts_of(the_council()[other])
    assert moved(total([*counts, *counts[:1]]), counts[0] if counts else {}, now) == total([*counts, now])


def test_conferences_and_plans_are_counted_over_twelve_months() -> None:
    child = a_child(
        an_episode(
            "2025-01-06",
            plans=[plan("2025-06-30", "2025-09-01"), plan("2026-06-01")],
            enquiries=[enquiry("2025-06-16", "2025-07-01"), enquiry("2026-05-18", "2026-06-01")],
        )
    )
    counts = counts_of(child)
    assert in_year(counts, "plans_started", date(2026, 6, 10)) == 1
    assert in_year(counts, "conferences", date(2026, 6, 10)) == 2
    assert in_year(counts, "conferences", date(2026, 7, 1)) == 1
    assert in_year(counts, "conferences", date(2025, 6, 10)) == 0


def test_the_day_holds_what_the_rules_ask() -> None:
    born = a_child(disabilities=("LD", "AUT", "NONE"), sex="U")
    unborn = a_child(date_of_birth=None, expected_date_of_birth="2026-08-01", sex="U", disabilities=None)
    day = day_of(TODAY, total([counts_of(born), counts_of(unborn)]), authority="845", changed=1)
    assert (day.held, day.born, day.sex_unknown, day.with_two_disabilities) == (2, 1, 1, 1)
    assert day.disability_codes == {"LD", "AUT", "NONE"}
    assert (day.open_episodes, day.open_episodes_before, day.changed) == (2, 0, 1)


def test_published_counts_are_compared_on_the_day_they_are_of() -> None:
    assert published("845", TODAY) == (2025, {"in_need": 3517, "on_plans": 613, "looked_after": 688})
    assert published("845", date(2025, 2, 1))[0] == 2024
    assert published("845", date(2027, 6, 1)) == (2027, {}), "the history window begins after the newest figures"
    assert published("999", TODAY) == (2026, {})
    assert published("420", TODAY) == (2025, {"in_need": 16}), "the others are suppressed"


def test_an_empty_feed_is_told_by_the_rule_about_published_counts_and_no_other() -> None:
    assert {each.rule for each in check_day(day_of(TODAY, {}, authority="845"))} == {"LAX-08"}
    assert check_day(day_of(TODAY, {}, authority="999")) == []


def test_a_realistic_council_is_in_order() -> None:
    counts = total(counts_of(each) for each in the_council())
    assert check_day(day_of(TODAY, counts, authority="999", earlier=counts, changed=12)) == []


PLACEMENTS = st.lists(st.tuples(DAYS, st.none() | st.integers(0, 200)), max_size=6)


@given(PLACEMENTS)
def test_periods_of_care_are_the_days_in_care_taken_together(drawn: list[tuple[date, int | None]]) -> None:
    held = [
        placement(start.isoformat(), None if days is None else (start + timedelta(days=days)).isoformat())
        for start, days in drawn
    ]
    found = periods(a_child(an_episode("2020-01-06", placements=held)))
    assert sorted(map(id, _all(found))) == sorted(map(id, held))
    horizon = date(2027, 12, 31)
    spans = [(each.first.start_date, max(one.end_date or horizon for one in each.placements)) for each in found]
    for (_, ended), (begun, _) in pairwise(spans):
        assert begun is not None
        assert ended < begun
    in_care = {
        day
        for start, days in drawn
        for day in _days(start, start + timedelta(days=days or 0) if days is not None else horizon)
    }
    assert in_care == {day for start, end in spans if start for day in _days(start, end)}


def _all(found: list[Period]) -> list[Placement]:
    return [one for each in found for one in each.placements]


def _days(start: date, end: date) -> set[date]:
    """The days from one to the other, both included: placements that meet are one period."""
    return {start + timedelta(days=number) for number in range((end - start).days + 1)}
