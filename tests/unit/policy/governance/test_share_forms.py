"""The share form: a decision not to share is asked as much as a decision to share."""

from __future__ import annotations

from typing import Any

import pytest

from consenting import DAY, NOW, a_form
from samechild.policy.consent.share_forms import (
    QUESTIONS,
    Answer,
    Item,
    Test,
    beyond,
    check_form,
    field_presets,
    presets,
)
from samechild.policy.purposes import purposes
from samechild.records import fields
from samechild.records.types import record_types

ALL = {test: Answer(True) for test in Test}
NOT_SHARED = {"shared": False, "basis": "", "told": False, "review_at": NOW + DAY}


def rules(**given: Any) -> list[str]:
    """The rules a form breaks."""
    return [issue.rule.removeprefix("share-") for issue in check_form(a_form(**given), NOW)]


def test_whole_forms_pass_either_way() -> None:
    assert rules() == []
    assert rules(**NOT_SHARED) == []
    failed = ALL | {Test.NECESSARY: Answer(False, "the school knows already")}
    assert rules(**NOT_SHARED, answers=failed) == []


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"text": " "}, "reasons"),
        ({"purpose": "nosiness"}, "purpose"),
        ({"purpose": "accountability"}, "purpose"),
        ({"recipient": ""}, "recipient"),
        ({"items": ()}, "items"),
        ({"items": (Item("gossip"),)}, "item"),
        ({"answers": {}}, "answers"),
        ({"answers": ALL | {Test.SECURE: Answer(False)}}, "why-not"),
        ({"decided_at": NOW + DAY}, "future"),
        ({"power": "a hunch"}, "power"),
        ({"basis": "a hunch"}, "basis"),
    ],
)
def test_what_is_asked_of_both(shared: bool, given: dict[str, Any], rule: str) -> None:
    assert rule in rules(**({} if shared else NOT_SHARED) | given)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"basis": ""}, "basis-needed"),
        ({"answers": ALL | {Test.ACCURATE: Answer(False, "two years old")}}, "failed"),
        ({"items": (Item("health.sensitive"),)}, "beyond"),
        ({"told": False}, "told"),
        ({**NOT_SHARED, "review_at": None}, "review"),
    ],
)
def test_what_is_asked_of_one(given: dict[str, Any], rule: str) -> None:
    assert rules(**given) == [rule]


def test_more_than_the_preset_needs_a_reason() -> None:
    more = {"items": (Item("education.setting"), Item("justice.involvement", opinion=True))}
    assert beyond(a_form(**more)) == ("justice.involvement",)
    assert rules(**more) == ["beyond"]
    assert rules(**more, why_beyond="the risk comes from there") == []
    assert beyond(a_form(purpose="no such purpose")) == ("education.setting",)


def test_presets_are_of_declared_things_and_no_location_comes_unasked() -> None:
    assert set(presets()) == set(purposes())
    assert {name for names in presets().values() for name in names} <= set(record_types())
    declared = fields()
    assert {name for names in field_presets().values() for name in names} <= set(declared)
    for purpose in ("early-help", "safeguarding", "health-care", "crime-prevention", "peoples-rights"):
        assert not [name for name in field_presets()[purpose] if declared[name].location]
    sensitive = {kind.name for kind in record_types().values() if kind.sensitive}
    assert not sensitive & {name for names in presets().values() for name in names}


def test_every_test_has_its_question() -> None:
    assert set(QUESTIONS) == set(Test)
