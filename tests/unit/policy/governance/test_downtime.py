"""The downtime card: whom to phone, and nothing that is no telephone number."""

from __future__ import annotations

from typing import Any

import pytest

from asking import DAY, NOW
from samechild.errors import Invalid
from samechild.policy.governance.downtime import Number, card, card_lines, checked_number, unreachable
from samechild.policy.people.organisations import Organisation
from samechild.records.disclosure import Route


def a_number(**given: Any) -> Number:
    """The council's emergency duty team."""
    usual = {"organisation": "council", "label": "at night", "number": "01632 960123", "entered_by": "m",
             "entered_at": NOW}  # fmt: skip
    return Number(**{**usual, **given})


def an_organisation(name: str, **given: Any) -> Organisation:
    """An active organisation."""
    usual = {"organisation": name, "kind": "local-authority", "name": f"The {name}", "active_from": NOW - DAY}
    return Organisation(**{**usual, **given})


@pytest.mark.parametrize("number", ["01632 960123", "+44 1632 960123", "(01632) 960-123", "999", "01632 960123 ext 12"])
def test_telephone_numbers(number: str) -> None:
    assert checked_number(a_number(number=f" {number} ")).number == number


@pytest.mark.parametrize("given", [{"number": "ring Jo"}, {"number": ""}, {"number": "9" * 40}, {"label": " "},
                                   {"label": "x" * 81}, {"number": "<b>1</b>"}])  # fmt: skip
def test_what_is_no_number_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        checked_number(a_number(**given))


def test_the_card_holds_who_can_be_reached() -> None:
    reached = an_organisation("council", route=Route("duty desk", "01632 960000"))
    by_number = an_organisation("school")
    silent, over = an_organisation("trust"), an_organisation("gone", active_until=NOW, route=Route("x", "y"))
    everybody, numbers = [reached, by_number, silent, over], [a_number(organisation="school")]
    assert [line.name for line in card_lines(everybody, numbers, NOW)] == ["The council", "The school"]
    assert unreachable(everybody, numbers, NOW) == ["The trust"]
    page = card(everybody, numbers, NOW, NOW.date())
    for words in ("duty desk", "01632 960123", "at night", "999", "Printed 2 November 2026"):
        assert words in page


def test_a_card_without_numbers_says_so() -> None:
    assert "No organisation has entered whom to phone" in card([], [], NOW, NOW.date())
