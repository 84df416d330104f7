"""Periods with a beginning and perhaps an end: which of them run at the same time.

A period includes its first day and not its last, so one may begin on the day on which another ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TypeVar

T = TypeVar("T")

Span = tuple[date, date | None, T]
"""First day, last day (None: still running), and what it is the period of."""


def overlapping(spans: Iterable[Span[T]]) -> Iterator[tuple[T, T]]:
    """Pairs of what runs at the same time, the earlier first."""
    ordered = sorted(spans, key=lambda span: (span[0], span[1] or date.max))
    for position, (_, ends, earlier) in enumerate(ordered):
        for begins, _, later in ordered[position + 1 :]:
            if ends is not None and begins >= ends:
                break
            yield earlier, later


def overlap(one: Span[T], other: Span[T]) -> bool:
    """Whether two periods have a day in common."""
    return (other[1] is None or one[0] < other[1]) and (one[1] is None or other[0] < one[1])
