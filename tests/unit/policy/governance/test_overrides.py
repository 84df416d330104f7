"""Overrides, notices, suspected harm and do-not-tell flags: when they stand, and what must be there first."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from consenting import ASKED, DAY, NOW, TOPIC, a_flag, a_notice, a_parents, a_suspicion, an_override
from samechild.policy.consent.facts import ConsentFacts, facts_from
from samechild.policy.consent.overrides import (
    EVERYONE,
    check_flag,
    check_harm,
    check_notice,
    check_override,
    flags_for,
    is_told_nothing,
    needs_second,
    overrides_now,
    purposes_not_told,
)
from samechild.policy.consent.standing import Topic
from samechild.policy.records import Consent
from samechild.records import Issue

SENSITIVE = Topic("safeguarding", ("health.sensitive",), ("school",))


def rules(issues: list[Issue]) -> list[str]:
    """The rules that issues are of, without the kind in front."""
    return [issue.rule.removeprefix(f"{issue.source.replace(' ', '-')}-") for issue in issues]


def test_an_override_stands_from_its_decision_until_its_review() -> None:
    override = an_override()
    assert overrides_now(override, [override], ASKED, NOW)
    assert overrides_now(override, [override], ASKED, override.decided_at)
    assert not overrides_now(override, [override], ASKED, NOW - 2 * DAY)
    assert not overrides_now(override, [override], ASKED, override.review_at)
    assert not overrides_now(override, [override], replace(ASKED, recipients=("trust",)), NOW)


def test_an_override_that_was_ended_stands_no_more() -> None:
    override, ending = an_override(), an_override(id="o2", ends="o1", decided_at=NOW)
    assert not overrides_now(override, [override, ending], ASKED, NOW)
    assert overrides_now(override, [override, replace(ending, decided_at=NOW + DAY)], ASKED, NOW)
    assert not overrides_now(ending, [override, ending], ASKED, NOW)


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({}, False),
        ({"topic": SENSITIVE}, True),
        ({"topic": Topic("safeguarding", ("justice.involvement",), ("school",))}, True),
        ({"topic": Topic("safeguarding", ("no such thing",), ("school",))}, True),
        ({"topic": Topic("safeguarding", (), ("school",))}, True),
        ({"topic": Topic("safeguarding", TOPIC.record_types)}, True),
        ({"topic": Topic("safeguarding", TOPIC.record_types, ("a", "b"))}, False),
        ({"topic": Topic("safeguarding", TOPIC.record_types, ("a", "b", "c"))}, True),
        ({"review_at": NOW + 27 * DAY}, False),
        ({"review_at": NOW + 28 * DAY}, True),
    ],
)
def test_a_second_person_above_the_threshold(given: dict[str, Any], needed: bool) -> None:
    assert needs_second(an_override(**given)) is needed


def test_an_override_that_needs_a_second_person_stands_only_with_another_one() -> None:
    asked = Topic("safeguarding", ("health.sensitive",), ("school",))
    for second, stands in (("", False), ("head", False), ("caldicott", True)):
        override = an_override(topic=SENSITIVE, second=second)
        assert overrides_now(override, [override], asked, NOW) is stands


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"text": " "}, "reason"),
        ({"authoriser": ""}, "authoriser"),
        ({"topic": Topic("nosiness", TOPIC.record_types, TOPIC.recipients)}, "purpose"),
        ({"topic": Topic("safeguarding", ("gossip",), ("school",))}, "record-type"),
        ({"topic": Topic("safeguarding", TOPIC.record_types)}, "specific"),
        ({"decided_at": NOW + DAY}, "future"),
        ({"review_at": NOW - 2 * DAY}, "review"),
        ({"review_at": NOW + 90 * DAY, "second": "caldicott"}, "review"),
        ({"topic": SENSITIVE}, "second"),
        ({"topic": SENSITIVE, "second": "head"}, "second"),
    ],
)
def test_every_gap_in_an_override_is_named(given: dict[str, Any], rule: str) -> None:
    assert rule in rules(check_override(an_override(**given), NOW))


def test_whole_overrides_and_endings_pass() -> None:
    assert check_override(an_override(), NOW) == []
    assert check_override(an_override(topic=SENSITIVE, second="caldicott"), NOW) == []
    assert check_override(an_override(ends="o0", topic=SENSITIVE, review_at=NOW - DAY), NOW) == []


def test_every_gap_in_a_notice_a_flag_and_a_suspicion_is_named() -> None:
    assert check_notice(a_notice(), NOW) == []
    notices: list[tuple[dict[str, Any], str]] = [
        ({"purpose": "x"}, "purpose"),
        ({"notice": " "}, "notice"),
        ({"how": ""}, "how"),
        ({"given_at": NOW + DAY}, "future"),
    ]
    for given, rule in notices:
        assert rules(check_notice(a_notice(**given), NOW)) == [rule]
    assert check_flag(a_flag(until=NOW + DAY), NOW) == []
    flags: list[tuple[dict[str, Any], str]] = [
        ({"text": ""}, "reason"),
        ({"person": ""}, "person"),
        ({"purposes": ("x",)}, "purpose"),
        ({"since": NOW + DAY}, "future"),
        ({"until": NOW - DAY}, "until-before"),
    ]
    for given, rule in flags:
        assert rules(check_flag(a_flag(**given), NOW)) == [rule]
    assert check_harm(a_suspicion(), NOW) == []
    assert rules(check_harm(a_suspicion(text=""), NOW)) == ["reason"]
    assert rules(check_harm(a_suspicion(recorded_at=NOW + DAY), NOW)) == ["future"]


def test_flags_hold_for_a_person_or_for_everyone_until_lifted_or_over() -> None:
    flag, everyone = a_flag(), a_flag(id="f2", person=EVERYONE, purposes=("health-care",))
    assert is_told_nothing([flag], "father", NOW)
    assert not is_told_nothing([flag], "mother", NOW)
    assert not is_told_nothing([everyone], "mother", NOW)
    assert purposes_not_told([flag, everyone], "mother", NOW) == {"health-care"}
    lifted = a_flag(id="f3", lifts="f1", since=NOW)
    assert flags_for([flag, lifted], "father", NOW) == []
    assert flags_for([flag, replace(lifted, since=NOW + DAY)], "father", NOW) == [flag]
    assert flags_for([a_flag(until=NOW)], "father", NOW) == []
    assert flags_for([a_flag(since=NOW + DAY)], "father", NOW) == []


def test_the_facts_of_one_sharing() -> None:
    assert facts_from([], ASKED, NOW) == ConsentFacts()
    rows = [a_parents(), a_notice(), an_override(), a_suspicion()]
    assert facts_from(rows, ASKED, NOW) == ConsentFacts(Consent.GIVEN, True, True, True)
    over = a_suspicion(id="h2", suspected=False, recorded_at=NOW)
    assert not facts_from([*rows, over], ASKED, NOW).harm_suspected
    assert not facts_from([a_suspicion(recorded_at=NOW + DAY)], ASKED, NOW).harm_suspected
    assert not facts_from([a_notice(purpose="early-help")], ASKED, NOW).notice
    assert not facts_from([a_notice(given_at=NOW + DAY)], ASKED, NOW).notice
