"""Received against expected, by day: so that a night on which nothing came is noticed the next morning.

What usually comes is told from the council's own last eight weeks, weekday by weekday: a council that sends from Monday
to Friday misses nothing on a Sunday. Who began a few days ago is told from the days so far. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

import msgspec

WEEKS = 8
LEAST = 3
"""So many of the same weekday must have passed before anything is expected on it."""

FAR_FROM_USUAL = 3.0
"""A day on which three times as many records came as usual, or a third, is marked."""


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came on one day; ``with_refusals`` is how many requests had something refused."""

    requests: int = 0
    records: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    with_refusals: int = 0

    @property
    def unchanged_share(self) -> float | None:
        """Which part of the records taken said nothing new; None when nothing was taken."""
        return self.unchanged / self.records if self.records else None


class Mark(StrEnum):
    """What is to be said of a day."""

    AS_USUAL = "as usual"
    MISSING = "nothing came"
    FEWER = "far fewer than usual"
    MORE = "far more than usual"
    NOT_EXPECTED = "none expected"
    UNKNOWN = "too early to say"


class DayOf(msgspec.Struct, frozen=True, kw_only=True):
    """One day: what came, what usually comes on that weekday (None: nobody can say yet), and the mark."""

    day: date
    came: Came
    usual: int | None
    mark: Mark


_NOTHING = Came()
_SATURDAY = 5


def by_day(came: Mapping[date, Came], first: date, last: date, today: date) -> list[DayOf]:
    """Each day from ``first`` to ``last`` with what came and what usually comes.

    ``came`` should reach back eight weeks before ``first``; of ``today`` it is not said that something is missing,
    because it is not over.
    """
    began = min(came, default=today)
    days = (first + timedelta(days=at) for at in range((last - first).days + 1))
    return [_one(came, day, began, today) for day in days]


def _one(came: Mapping[date, Came], day: date, began: date, today: date) -> DayOf:
    here = came.get(day, _NOTHING)
    usual = _usual(came, day, began)
    return DayOf(day=day, came=here, usual=usual, mark=_mark(here, usual, day >= today))


def _usual(came: Mapping[date, Came], day: date, began: date) -> int | None:
    """What usually comes: the middle of the same weekdays, or of the days so far that are like it; None: too early."""
    same = [day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    before = [each for each in same if each >= began]
    if len(before) < LEAST:
        weekend = day.weekday() >= _SATURDAY
        so_far = (day - timedelta(days=back) for back in range(1, 15))
        before = [each for each in so_far if each >= began and (each.weekday() >= _SATURDAY) is weekend]
    if len(before) < LEAST:
        return None
    return round(median(came.get(each, _NOTHING).records for each in before))


def _mark(came: Came, usual: int | None, running: bool) -> Mark:
    if usual is None:
        return Mark.UNKNOWN if not came.records else Mark.AS_USUAL
    if not came.records:
        if usual == 0:
            return Mark.NOT_EXPECTED
        return Mark.UNKNOWN if running else Mark.MISSING
    if usual and came.records * FAR_FROM_USUAL < usual and not running:
        return Mark.FEWER
    return Mark.MORE if usual and came.records > usual * FAR_FROM_USUAL else Mark.AS_USUAL


def last_full(came: Mapping[date, Came], held: int, share: float = 0.8) -> date | None:
    """The newest day on which nearly everybody held was sent, so that not being sent says something; None: never.

    A night's sending may lie on two days: the first of them is given. A council that sends changes only has no such
    day: not being sent then says nothing.
    """
    for day in sorted(came, reverse=True):
        if held and came[day].records >= share * held:
            return day
        before = came.get(day - timedelta(days=1), _NOTHING).records
        if held and came[day].records and before and came[day].records + before >= share * held:
            return day - timedelta(days=1)
    return None
