"""Bars beside each other, to compare a few named things by several figures: plain SVG like all pictures here.

Each figure has a scale of its own, and its number stands beside every bar. A picture holds words and counts, never a
value of a record, and stands beside a table that says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import msgspec

from samechild.web.drawing import FOR, INK, PAPER, QUIET

_SIDE, _BAR, _ROW, _HEAD, _GAP = 340, 230, 44, 28, 12
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
    """One bar below its name, with its number behind it; one's own is filled, so that it is told apart in grey."""
    label = bar.label if len(bar.label) <= 40 else bar.label[:39] + "\u2026"
    wide = max(2.0, _BAR * bar.length / most) if bar.length and most else 0.0
    fill, edge = (FOR, FOR) if bar.own else (PAPER, QUIET)
    drawn = (
        f'<rect x="1" y="{y + 20}" width="{wide:.1f}" height="16" fill="{fill}" stroke="{edge}" stroke-width="2"/>'
        if wide
        else ""
    )
    return (
        f'<text x="0" y="{y + 14}" fill="{INK}">{escape(label)}</text>{drawn}'
        f'<text x="{wide + (9 if wide else 0):.1f}" y="{y + 33}" fill="{INK}">{escape(bar.said)}</text>'
    )
