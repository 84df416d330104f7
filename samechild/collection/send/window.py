"""The history window: which days a daily submission reaches back to.

24 months back, then back to the 1 April before: 24 to 36 months, the window of the sector's payload builder
(``data-to-insight/dfe-csc-api-data-flows``, MIT). It ends tomorrow, so that what was entered today for tomorrow is in.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec


class Window(msgspec.Struct, frozen=True):
    """First and last day, both within."""

    start: date
    end: date

    def overlaps(self, begun: date | None, ended: date | None) -> bool:
        """Whether something lasted on a day of the window; without a beginning it is not known to have."""
        return begun is not None and begun <= self.end and (ended is None or ended >= self.start)

    def holds(self, day: date | None) -> bool:
        """Whether a day lies in the window."""
        return day is not None and self.start <= day <= self.end

    def marches(self) -> tuple[date, ...]:
        """Every 31 March within: the days of the yearly returns."""
        days = (date(year, 3, 31) for year in range(self.start.year, self.end.year + 1))
        return tuple(day for day in days if self.holds(day))


def window_of(today: date, months: int = 24) -> Window:
    """The window of a day."""
    back = today.year * 12 + today.month - 1 - months
    year, month = back // 12, back % 12 + 1
    return Window(date(year if month >= 4 else year - 1, 4, 1), today + timedelta(days=1))


def years_after(day: date, years: int) -> date:
    """The same day so many years later; 29 February becomes the 28th, as databases reckon it."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
