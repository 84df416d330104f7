"""The rules over a made-up council: nothing is found where nothing is wrong, and each mistake by the rule it breaks."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from typing import Any

import msgspec
import pytest

from samechild.collection.check import Problem, check
from samechild.collection.records import Child
from samechild.collection.rules.days import window_start
from samechild.collection.rules.rule import At, Grade
from samechild.town.case_errors import MISTAKES, Mistake, put_in
from samechild.town.social_care import children

TODAY = date(2026, 11, 22)


def problems(child: dict[str, Any], today: date = TODAY) -> list[Problem]:
    held = msgspec.convert(child, Child, strict=False)
    return check(At(child=held, today=today, window=window_start(today)))


@cache
def the_council() -> tuple[dict[str, Any], ...]:
    return tuple(children(2_000, 11, TODAY))


@pytest.mark.parametrize("today", ["2025-04-01", "2026-11-22", "2027-03-31", "2028-02-29", "2028-12-27"])
def test_nothing_is_found_where_nothing_is_wrong(today: str) -> None:
    day = date.fromisoformat(today)
    found = [each for child in children(400, day.year, day) for each in problems(child, day)]
    assert [each for each in found if each.grade is not Grade.INFO] == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_every_mistake_is_found_by_its_rule(mistake: Mistake) -> None:
    made = 0
    for child in the_council():
        spoilt = put_in(child, mistake.name)
        if spoilt is None:
            continue
        made += 1
        before, after = (Counter(each.rule for each in problems(one)) for one in (child, spoilt))
        assert after[mistake.rule] > before[mistake.rule]
        if made == 8:
            break
    assert made, "nobody in this council can be spoilt so"


def test_mistakes_have_names_of_their_own() -> None:
    assert len({each.name for each in MISTAKES}) == len(MISTAKES)
