"""Every example of every rule, and what the catalogue promises as a whole."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from samechild.collection.check import Problem, apply, check, check_day, worst
from samechild.collection.rules import catalogue
from samechild.collection.rules.catalogue import BROKEN, RULES
from samechild.collection.rules.examples import a_child, an_episode, look, placed, plan, stands_in
from samechild.collection.rules.rule import At, Cell, Day, Example, Grade, Rule, Unsure

TESTED = [each for each in RULES if each.test is not None]
PUBLISHED = Path(__file__).parents[2] / "fixtures" / "validation_rules.csv"


def _found(rule: Rule, example: Example) -> int:
    whole = placed(example)
    at = whole.at or At(child=a_child(), today=whole.thing.day, window=whole.thing.day)
    return len(apply(rule, whole.thing, at))


@pytest.mark.parametrize("rule", TESTED, ids=lambda rule: rule.code)
def test_examples(rule: Rule) -> None:
    assert rule.passes, "a rule shows what is right"
    assert rule.fails, "a rule shows what is wrong"
    for number, example in enumerate(rule.passes):
        assert _found(rule, example) == 0, f"{rule.code}: passing example {number} fails"
    for number, example in enumerate(rule.fails):
        assert _found(rule, example) > 0, f"{rule.code}: failing example {number} passes"
    for example in (*rule.passes, *rule.fails):
        assert stands_in(placed(example)), f"{rule.code}: the thing of an example is no part of its child"


@pytest.mark.parametrize("rule", [each for each in TESTED if each.on is not Day], ids=lambda rule: rule.code)
def test_failing_examples_are_found_by_checking_the_whole_child(rule: Rule) -> None:
    for example in rule.fails:
        at = placed(example).at
        assert at is not None
        found = [each for each in check(at) if each.rule == rule.code]
        assert found
        assert all(each.places for each in found), "a problem says where"
        assert not [each for each in check(at) if each.rule == BROKEN.code]


def test_the_usual_child_breaks_no_rule() -> None:
    at = look(a_child()).at
    assert at is not None
    assert check(at) == []


NO_RULE_OF_A_RETURN = {"proposed", "indicator support", "schema leaves it optional"}
"""What the published list says where a rule comes from no statutory return: ours then names none."""


def test_every_published_rule_is_here_with_its_grade_and_origin() -> None:
    with PUBLISHED.open(encoding="utf-8") as file:
        published = {row["rule_id"]: row for row in csv.DictReader(file)}
    assert len(published) == 198
    ours = catalogue.by_code()
    assert [each.code for each in RULES] == [*published, BROKEN.code], (
        "the same codes in the same order, and the one that is ours"
    )
    for code, row in published.items():
        assert ours[code].grade == row["severity"], code
        origin = row["statutory_analogue"]
        assert ours[code].analogue == ("" if origin in NO_RULE_OF_A_RETURN else origin), code


def test_codes_are_told_apart_and_words_are_plain() -> None:
    assert len({each.code for each in RULES}) == len(RULES)
    for each in RULES:
        assert each.message, each.code
        assert each.mend.endswith("."), each.code
        assert not each.message.endswith("."), each.code
        assert catalogue.section_of(each.code)


def test_every_rule_that_is_not_the_doors_has_a_test() -> None:
    without = {each.code for each in RULES if each.test is None}
    assert without == {each.code for each in RULES if each.code.startswith("STR-")} | {BROKEN.code}


def test_rules_come_into_force_and_go_out_of_it() -> None:
    changed = msgspec.structs.replace(catalogue.by_code()["CHD-06"], since=2027, until=2028)
    for year, counted in ((2026, 0), (2027, 1), (2028, 1), (2029, 0)):
        assert sum(map(len, catalogue.chosen([changed], year).values())) == counted


def _usual_at() -> At:
    at: At | None = look(a_child(an_episode(plans=[plan("2026-06-04"), plan("2026-06-05")]))).at
    assert at is not None
    return at


def _rule(code: str, test: Any) -> Rule:
    return msgspec.structs.replace(catalogue.by_code()["CPP-01"], code=code, test=test)


def test_a_rule_of_ours_that_fails_is_told_and_the_others_are_applied() -> None:
    def divides(it: Any, at: At) -> bool:
        return 1 / len(at.shared) > 0

    def names_a_stranger(it: Any, at: At) -> list[list[Cell]]:
        return [[(plan("2026-06-04"), "start_date")]]

    def holds(it: Any, at: At) -> bool:
        return True

    rules = catalogue.chosen([_rule("A-1", divides), _rule("A-2", names_a_stranger), _rule("A-3", holds)], 2026)
    found = check(_usual_at(), rules)
    assert [(each.rule, each.places) for each in found] == [
        ("A-3", ("social_care_episodes/E20260603/child_protection_plans/P20260604/start_date",)),
        ("A-3", ("social_care_episodes/E20260603/child_protection_plans/P20260605/start_date",)),
        ("SYS-01", ("A-1",)),
        ("SYS-01", ("A-2",)),
    ]


def test_what_is_unsure_counts_as_a_query() -> None:
    def unsure(it: Any, at: At) -> list[Unsure]:
        return [Unsure(((it, "start_date"),))]

    found = check(_usual_at(), catalogue.chosen([_rule("A-1", unsure)], 2026))
    assert {each.grade for each in found} == {Grade.QUERY}


def test_a_child_without_details_is_asked_for_them() -> None:
    at = look(msgspec.structs.replace(a_child(), child_details=None)).at
    assert at is not None
    found = {each.rule: each.places for each in check(at)}
    assert found["CHD-01"] == ("child_details/date_of_birth", "child_details/expected_date_of_birth")


def test_the_order_of_things_changes_nothing() -> None:
    rule = catalogue.by_code()["EPI-10"]
    at = placed(rule.fails[0]).at
    assert at is not None
    turned = msgspec.structs.replace(
        at, child=msgspec.structs.replace(at.child, social_care_episodes=(at.child.social_care_episodes or ())[::-1])
    )
    one, other = check(at), check(turned)
    assert [each.rule for each in one] == [each.rule for each in other]
    assert [set(each.places) for each in one] == [set(each.places) for each in other]


def test_the_worst_grade() -> None:
    assert worst([]) is None
    assert worst([Problem("A", Grade.INFO), Problem("B", Grade.ERROR), Problem("C", Grade.QUERY)]) is Grade.ERROR


def test_a_day_that_is_nothing_out_of_the_way() -> None:
    assert [each.rule for each in check_day(Day(day=date(2026, 6, 10)))] == []
