"""The picture of a pair's evidence: each piece a bar that begins where the one before it ended.

Drawn as plain SVG, so that it needs no browser, no script and no drawing library. Colours are told apart by people
with any colour vision, and every bar carries its number. It holds what was seen ("same surname"), never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import msgspec

_ROW, _TOP, _LEFT, _WIDE, _RIGHT = 34, 46, 400, 480, 80
_FOR, _AGAINST, _SUM = "#1d70b8", "#f47738", "#0b0c0c"


class Step(msgspec.Struct, frozen=True):
    """One piece of evidence: its name, what was seen, its weight in bits, and what either record holds."""

    name: str
    seen: str
    bits: float
    one: str = ""
    other: str = ""


def picture(steps: Sequence[Step], total: float) -> str:
    """Draw the steps from top to bottom and what they add up to, as one SVG picture."""
    ends = [0.0]
    for step in steps:
        ends.append(ends[-1] + step.bits)
    low, high = min(*ends, total, 0.0), max(*ends, total, 0.0)
    scale = _WIDE / max(high - low, 1e-9)
    height = _TOP + _ROW * (len(steps) + 1) + 16

    def across(bits: float) -> float:
        return _LEFT + (bits - low) * scale

    bars = [_bar(number, step, across(ends[number]), across(ends[number + 1])) for number, step in enumerate(steps)]
    bars.append(_bar(len(steps), Step("Together", "", total), across(0.0), across(total), _SUM))
    zero = across(0.0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + _RIGHT} {height}" role="img" '
        f'aria-label="{escape(_in_words(steps, total))}" font-family="Arial, Helvetica, sans-serif" font-size="15">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="8" y="24" font-weight="bold">What speaks for and against one child, in bits</text>\n'
        f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="{_TOP - 8}" y2="{height - 8}" stroke="#505a5f"/>\n'
        + "\n".join(bars)
        + "\n</svg>\n"
    )


def _bar(number: int, step: Step, start: float, end: float, colour: str = "") -> str:
    """Draw one bar with its words on the left and its number on the right."""
    top = _TOP + _ROW * number
    left, width = min(start, end), max(abs(end - start), 1.0)
    colour = colour or (_FOR if step.bits >= 0 else _AGAINST)
    words = f"{step.name}: {step.seen}" if step.seen else step.name
    short = words if len(words) <= 52 else words[:51] + "\u2026"
    return (
        f'<text x="8" y="{top + 18}">{escape(short)}</text>'
        f'<rect x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="{_ROW - 12}" fill="{colour}"/>'
        f'<text x="{left + width + 6:.1f}" y="{top + 18}">{in_bits(step.bits)}</text>'
    )


def in_bits(bits: float) -> str:
    """Write a weight with its sign, as people write minus."""
    return f"{bits:+.1f}".replace("-", "\u2212")


def _in_words(steps: Sequence[Step], total: float) -> str:
    told = "; ".join(f"{step.name} {in_bits(step.bits)}" for step in steps)
    return f"Evidence in bits: {told}; together {in_bits(total)}"
