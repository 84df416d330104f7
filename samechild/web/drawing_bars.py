"""Bars beside each other, to compare a few named things by several figures: plain SVG like all pictures here.

Each figure has a scale of its own, and its number stands beside every bar. A picture holds words and counts, never a
value of a record, and stands beside a table that says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import msgspec

from samechild.web.drawing import FOR, INK, LINE, PAPER, QUIET

_SIDE, _LEFT, _BAR, _ROW, _HEAD, _GAP = 620, 216, 300, 26, 30, 14
_FONT = 'font-family="Arial, Helvetica, sans-serif" font-size="15"'


class Bar(msgspec.Struct, frozen=True):
    """One bar: whose it is, how long (None: nobody can say), and the number as it is written; ``own`` stands out."""

    label: str
    length: float | None
    said: str
    own: bool = False


class Panel(msgspec.Struct, frozen=True):
    """One figure and its bars."""

    title: str
    bars: tuple[Bar, ...]


def panels(found: Sequence[Panel]) -> str:
    """Draw figures below each other, each with its bars; what nobody can say has no bar and says so."""
    parts: list[str] = []
    y = 0
    for panel in found:
        most = max((bar.length for bar in panel.bars if bar.length), default=0.0)
        parts.append(f'<text x="0" y="{y + 18}" font-weight="bold" fill="{INK}">{escape(panel.title)}</text>')
        y += _HEAD
        for bar in panel.bars:
            parts.append(_bar(bar, y, most))
            y += _ROW
        y += _GAP
    words = ". ".join(
        f"{panel.title}: " + ", ".join(f"{bar.label} {bar.said}" for bar in panel.bars) for panel in found
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIDE}" height="{y}" viewBox="0 0 {_SIDE} {y}" role="img" '
        f'aria-label="{escape(words)}" {_FONT}>' + "".join(parts) + "</svg>"
    )


def _bar(bar: Bar, y: int, most: float) -> str:
    label = bar.label if len(bar.label) <= 26 else bar.label[:25] + "\u2026"
    weight = ' font-weight="bold"' if bar.own else ""
    text = f'<text x="{_LEFT - 10}" y="{y + 16}" text-anchor="end" fill="{INK}"{weight}>{escape(label)}</text>'
    wide = max(2.0, _BAR * bar.length / most) if bar.length and most else 0.0
    drawn = f'<line x1="{_LEFT}" x2="{_LEFT}" y1="{y}" y2="{y + _ROW - 4}" stroke="{LINE}"/>'
    if wide:
        fill, edge = (FOR, FOR) if bar.own else (PAPER, QUIET)
        drawn += (
            f'<rect x="{_LEFT}" y="{y + 3}" width="{wide:.1f}" height="16" fill="{fill}" stroke="{edge}" '
            f'stroke-width="2"/>'
        )
    return f'{text}{drawn}<text x="{_LEFT + wide + 8:.1f}" y="{y + 16}" fill="{INK}">{escape(bar.said)}</text>'
