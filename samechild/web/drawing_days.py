"""Pictures of days: a calendar of what came, and the course of a number; plain SVG, each beside a table in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape

import msgspec

from samechild.web.drawing import AGAINST, FOR, INK, LINE, PAPER

_FONT = 'font-family="Arial, Helvetica, sans-serif"'
_WIDE, _HIGH, _LEFT, _TOP = 78, 50, 84, 28
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Square(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a calendar: a few letters in it, and how it is drawn: ``full``, ``missing``, ``odd`` or ``empty``."""

    day: date
    words: str
    kind: str


def calendar(squares: Sequence[Square], words: str) -> str:
    """Draw days in weeks from Monday to Sunday; a missing day is crossed out, an odd one has a broken border."""
    if not squares:
        return ""
    first = squares[0].day - timedelta(days=squares[0].day.weekday())
    weeks = (squares[-1].day - first).days // 7 + 1
    wide, high = _LEFT + 7 * _WIDE + 4, _TOP + weeks * _HIGH + 4
    drawn = [
        f'<text x="{_LEFT + at * _WIDE + _WIDE / 2:.0f}" y="18" text-anchor="middle" fill="{INK}">{name}</text>'
        for at, name in enumerate(_DAYS)
    ]
    for week in range(weeks):
        monday = first + timedelta(weeks=week)
        y = _TOP + week * _HIGH + 30
        drawn.append(f'<text x="0" y="{y}" fill="{INK}">{monday.day} {monday:%b}</text>')
    drawn += [_square(each, first) for each in squares]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" '
        f'role="img" aria-label="{escape(words)}" {_FONT} font-size="15">{"".join(drawn)}</svg>'
    )


def _square(square: Square, first: date) -> str:
    days = (square.day - first).days
    x, y = _LEFT + days % 7 * _WIDE, _TOP + days // 7 * _HIGH
    fill = {"full": FOR, "missing": PAPER, "odd": "#d8e6f0"}.get(square.kind, "#f3f2f1")
    ink = PAPER if square.kind == "full" else INK
    border = {"missing": AGAINST, "odd": INK}.get(square.kind, LINE)
    dots = ' stroke-dasharray="5 3"' if square.kind == "odd" else ""
    thick = 3 if square.kind in ("missing", "odd") else 1
    right, low = x + _WIDE - 4, y + _HIGH - 4
    crossed = (
        f'<path d="M {x + 2} {y + 2} L {right - 2} {low - 2} M {right - 2} {y + 2} L {x + 2} {low - 2}" '
        f'stroke="{AGAINST}" stroke-width="3" fill="none"/>'
    )
    words = (
        f'<text x="{x + (_WIDE - 4) / 2:.0f}" y="{y + 29}" text-anchor="middle" fill="{ink}">'
        f"{escape(square.words)}</text>"
    )
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDE - 4}" height="{_HIGH - 4}" fill="{fill}" stroke="{border}" '
        f'stroke-width="{thick}"{dots}/>' + (crossed if square.kind == "missing" else words)
    )


_COURSE_WIDE, _COURSE_HIGH = 620, 180


def course(numbers: Sequence[tuple[date, int]], words: str) -> str:
    """Draw the course of a number by day as a line over its area, from nothing to the most it was."""
    if len(numbers) < 2:
        return ""
    most = max(1, *(number for _, number in numbers))
    across, up = (_COURSE_WIDE - 90) / (len(numbers) - 1), (_COURSE_HIGH - 60) / most
    floor = _COURSE_HIGH - 30
    places = [(50 + at * across, floor - number * up) for at, (_, number) in enumerate(numbers)]
    line = " L ".join(f"{x:.1f} {y:.1f}" for x, y in places)
    ends = [(places[0], numbers[0], "start"), (places[-1], numbers[-1], "end")]
    labels = "".join(
        f'<text x="{x:.0f}" y="{_COURSE_HIGH - 8}" text-anchor="{"start" if side == "start" else "end"}" '
        f'fill="{INK}">{day.day} {day:%b}</text>'
        for (x, _), (day, _), side in ends
    )
    (last_x, last_y), (_, last) = places[-1], numbers[-1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_COURSE_WIDE}" height="{_COURSE_HIGH}" '
        f'viewBox="0 0 {_COURSE_WIDE} {_COURSE_HIGH}" role="img" aria-label="{escape(words)}" {_FONT} font-size="15">'
        f'<path d="M {places[0][0]:.1f} {floor} L {line} L {last_x:.1f} {floor} Z" fill="#d8e6f0"/>'
        f'<path d="M {line}" fill="none" stroke="{FOR}" stroke-width="3"/>'
        f'<line x1="50" x2="{last_x:.1f}" y1="{floor}" y2="{floor}" stroke="{LINE}"/>'
        f'<text x="42" y="{floor + 5}" text-anchor="end" fill="{INK}">0</text>'
        f'<text x="42" y="35" text-anchor="end" fill="{INK}">{most:,}</text>'
        f'<circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="4" fill="{FOR}"/>'
        f'<text x="{last_x + 8:.0f}" y="{last_y + 5:.0f}" fill="{INK}">{last:,}</text>{labels}</svg>'
    )
