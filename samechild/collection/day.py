"""An authority's day in numbers: what it holds and sent, for the rules about the whole and for reconciliation.

Every child gives a few counts that do not depend on the day; an authority's are their sum. So when a child changes,
the old counts are taken off and the new ones put on, and no other child need be opened. Pure.

Counts on 31 March follow the statistics: children in need are episodes referred by then, not closed and not ended
without further action; child protection plans and periods of care begun by then and not ended.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from samechild.collection.records import Child
from samechild.collection.rules.care import periods
from samechild.collection.rules.codes import accepted
from samechild.collection.rules.days import last_31, window_start
from samechild.collection.rules.parts import details, episodes
from samechild.collection.rules.rule import Day

Counts = Mapping[str, int]
"""Numbers by name, of one child or of many. A name with a dot ends in a code, a month (``2026-05``) or a year."""

_NO_CODE = "NONE"
MONTHS = 12
"""The year over which conferences and plans are counted: so many months, the month of the day included."""


def counts_of(child: Child) -> dict[str, int]:
    """What one child adds to its authority's numbers; only what is not nought. They do not depend on the day.

    ``in_need``, ``on_plans`` and ``looked_after`` are kept by year as steps: one more from the first 31 March within,
    one fewer from the first one after. :func:`day_of` adds the steps up.
    """
    found: Counter[str] = Counter(held=1)
    _count_details(child, found)
    for episode in episodes(child):
        if not episode.referral_no_further_action_flag:
            found["open_episodes"] += episode.closure_date is None
            _step(found, "in_need", episode.referral_date, episode.closure_date)
        for enquiry in episode.section_47_assessments or ():
            if enquiry.icpc_date:
                found[f"conferences.{enquiry.icpc_date.isoformat()[:7]}"] += 1
        for plan in episode.child_protection_plans or ():
            if plan.start_date:
                found[f"plans_started.{plan.start_date.isoformat()[:7]}"] += 1
            _step(found, "on_plans", plan.start_date, plan.end_date)
    for period in periods(child):
        ends = max(each.end_date or date.max for each in period.placements)
        _step(found, "looked_after", period.first.start_date, None if ends == date.max else ends)
    return {name: count for name, count in found.items() if count}


def _count_details(child: Child, found: Counter[str]) -> None:
    held = details(child)
    if held.date_of_birth is not None:
        found["born"] += 1
        found["sex_unknown"] += held.sex not in ("M", "F")
    codes = accepted("disability").intersection(held.disabilities or ())  # what is on no list stays in the record
    found.update(f"disability.{code}" for code in codes)
    found["with_two_disabilities"] += len(codes - {_NO_CODE}) > 1


def _march(day: date) -> int:
    """The year of the first 31 March on or after a day."""
    return day.year + (day > date(day.year, 3, 31))


def _step(found: Counter[str], name: str, start: date | None, end: date | None) -> None:
    """Count something from its first 31 March until the one after its end; the day it ends no longer counts."""
    if start is None or (end is not None and end <= start):
        return
    found[f"{name}.{_march(start)}"] += 1
    if end is not None:
        found[f"{name}.{_march(end)}"] -= 1


def total(of: Iterable[Counts]) -> dict[str, int]:
    """The counts of many children."""
    found: Counter[str] = Counter()
    for counts in of:
        found.update(counts)
    return {name: count for name, count in found.items() if count}


def moved(counts: Counts, off: Counts, on: Counts) -> dict[str, int]:
    """An authority's counts after one child changed: its old counts off, its new ones on (either may be empty)."""
    found = Counter(counts)
    found.subtract(off)
    found.update(on)
    return {name: count for name, count in found.items() if count}


def on_march(counts: Counts, name: str, year: int) -> int:
    """How many there were on 31 March of a year: ``in_need``, ``on_plans`` or ``looked_after``."""
    return sum(
        count for key, count in counts.items() if key.startswith(f"{name}.") and int(key.rpartition(".")[2]) <= year
    )


def in_year(counts: Counts, name: str, day: date) -> int:
    """How many there were in the twelve months up to and including the month of a day (``conferences``)."""
    last = day.year * 12 + day.month
    return sum(
        count
        for key, count in counts.items()
        if key.startswith(f"{name}.") and 0 <= last - (int(key[-7:-3]) * 12 + int(key[-2:])) < MONTHS
    )


def day_of(
    day: date,
    counts: Counts,
    *,
    authority: str,
    earlier: Counts | None = None,
    changed: int = 0,
    days_since_received: int = 0,
) -> Day:
    """An authority's day for the rules about the whole.

    ``counts`` is the sum over all children held; ``earlier`` that of the last day before on which something was
    received (None: there is none); ``changed`` how many children already held were sent with changes on the day.
    The three counts on 31 March are of the year for which figures are published, else of the last 31 March.
    """
    year, figures = published(authority, day)
    return Day(
        day=day,
        born=counts.get("born", 0),
        sex_unknown=counts.get("sex_unknown", 0),
        disability_codes=frozenset(
            key.partition(".")[2] for key, count in counts.items() if key.startswith("disability.") and count > 0
        ),
        with_two_disabilities=counts.get("with_two_disabilities", 0),
        conferences=in_year(counts, "conferences", day),
        plans_started=in_year(counts, "plans_started", day),
        held=counts.get("held", 0),
        open_episodes=counts.get("open_episodes", 0),
        open_episodes_before=(earlier or {}).get("open_episodes", 0),
        days_since_received=days_since_received,
        changed=changed,
        in_need=on_march(counts, "in_need", year),
        on_plans=on_march(counts, "on_plans", year),
        looked_after=on_march(counts, "looked_after", year),
        published=figures,
    )


def published(authority: str, day: date) -> tuple[int, dict[str, int]]:
    """The year of the newest published counts of an authority that its history window still covers, and the counts.

    ``authority`` is the three-digit number. When there are none, the year of the last 31 March and no counts. A
    suppressed count is left out. Source: ``data/published_counts.csv`` (see ``data/NOTICES``).
    """
    latest = last_31(3, day)
    for year in range(latest.year, window_start(day).year - 1, -1):
        figures = _published().get((year, authority))
        if figures and date(year, 3, 31) >= window_start(day):
            return year, dict(figures)
    return latest.year, {}


@cache
def _published() -> dict[tuple[int, str], dict[str, int]]:
    text = (files("samechild.collection") / "data" / "published_counts.csv").read_text(encoding="utf-8")
    return {
        (int(row["year"]), row["authority"]): {
            name: int(row[name]) for name in ("in_need", "on_plans", "looked_after") if row[name]
        }
        for row in csv.DictReader(text.splitlines())
    }
