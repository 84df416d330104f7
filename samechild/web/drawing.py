"""Pictures in the pages, drawn here as plain SVG: no script, no library, nothing fetched.

Colours are those the Government Analysis Function tested for colour blindness and contrast, nothing is told by colour
alone, and every picture stands beside a table that says the same. A picture holds words and counts, never a value of a
record.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import cos, pi, sin

import msgspec

INK, LINE, PAPER = "#0b0c0c", "#505a5f", "#ffffff"
FOR, AGAINST, QUIET = "#12436d", "#d4351c", "#6f777b"
_FONT = 'font-family="Arial, Helvetica, sans-serif" font-size="15"'
_BAR, _HIGH = 150, 18


def in_bits(bits: float) -> str:
    """Write a weight with its sign, as people write minus."""
    return f"{bits:+.1f}".replace("-", "\u2212")


def bars(steps: Sequence[float]) -> list[str]:
    """Small pictures of a waterfall, one for each step in bits: a bar that begins where the one before it ended.

    The last picture is of the sum. They stand in the rows of a table that says the numbers, so they are hidden from
    screen readers.
    """
    ends = [0.0]
    for bits in steps:
        ends.append(ends[-1] + bits)
    low, high = min(ends), max(ends)
    scale = _BAR / max(high - low, 1e-9)
    across = [(end - low) * scale for end in ends]
    zero = -low * scale
    drawn = [
        _bar(across[at], across[at + 1], zero, FOR if bits >= 0 else AGAINST, dotted=bits < 0)
        for at, bits in enumerate(steps)
    ]
    return [*drawn, _bar(zero, across[-1], zero, INK, dotted=False)]


def _bar(start: float, end: float, zero: float, colour: str, *, dotted: bool) -> str:
    """One bar; one that speaks against is hollow, so that it is told apart without its colour."""
    left, wide = min(start, end), max(abs(end - start), 1.5)
    fill = PAPER if dotted else colour
    return (
        f'<svg width="{_BAR + 8}" height="{_HIGH}" viewBox="-4 0 {_BAR + 8} {_HIGH}" aria-hidden="true" '
        f'focusable="false"><line x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{_HIGH}" stroke="{LINE}"/>'
        f'<rect x="{left:.1f}" y="4" width="{wide:.1f}" height="10" fill="{fill}" stroke="{colour}" '
        f'stroke-width="2"/></svg>'
    )


class Node(msgspec.Struct, frozen=True):
    """A record in the picture of a child: its number in the table, the agency that holds it, and its group."""

    number: int
    agency: str
    leaves: bool = False


class Link(msgspec.Struct, frozen=True):
    """A link between two records, by their numbers in the table; ``weakest`` is where the child is held least."""

    one: int
    other: int
    bits: float
    holds: bool = False
    weakest: bool = False


_SIDE, _MIDDLE, _ROUND, _DOT = 620, 230, 165, 22


def cluster(nodes: Sequence[Node], links: Sequence[Link]) -> str:
    """Draw a child's records in a circle with the links that hold them; the thicker, the stronger.

    Other links are thin and dotted, those that speak against are left out, and the weakest that holds is marked in
    words as well.
    """
    places = {node.number: _place(at, len(nodes)) for at, node in enumerate(nodes)}
    strongest = max((link.bits for link in links), default=1.0)
    drawn = [_link(link, places, strongest) for link in sorted(links, key=lambda link: (link.holds, link.weakest))]
    dots = [_node(node, places[node.number]) for node in nodes]
    weakest = [link for link in links if link.weakest]
    words = f"{len(nodes)} records of one child and the links between them."
    if weakest:
        words += f" The weakest link that holds is between records {weakest[0].one} and {weakest[0].other}."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIDE}" height="{2 * _MIDDLE}" '
        f'viewBox="0 0 {_SIDE} {2 * _MIDDLE}" role="img" aria-label="{escape(words)}" {_FONT}>'
        + "".join((*drawn, *dots))
        + "</svg>"
    )


def _place(at: int, of: int) -> tuple[float, float]:
    if of == 1:
        return _SIDE / 2, float(_MIDDLE)
    turn = 2 * pi * at / of - pi / 2
    return _SIDE / 2 + 1.2 * _ROUND * cos(turn), _MIDDLE + _ROUND * sin(turn)


def _link(link: Link, places: dict[int, tuple[float, float]], strongest: float) -> str:
    if link.bits <= 0 and not link.holds:
        return ""
    (x1, y1), (x2, y2) = places[link.one], places[link.other]
    wide = 1.0 + 9.0 * max(link.bits, 0.0) / max(strongest, 1e-9) if link.holds else 1.0
    colour = AGAINST if link.weakest else FOR if link.holds else QUIET
    dots = "" if link.holds and not link.weakest else ' stroke-dasharray="2 5"' if not link.holds else ""
    if link.weakest:
        dots = ' stroke-dasharray="12 6"'
    line = (
        f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{colour}" '
        f'stroke-width="{max(wide, 3.0) if link.weakest else wide:.1f}"{dots}/>'
    )
    return line + (_said((x1 + x2) / 2, (y1 + y2) / 2, f"weakest, {in_bits(link.bits)}") if link.weakest else "")


def _said(x: float, y: float, words: str) -> str:
    wide = 8.2 * len(words)
    return (
        f'<rect x="{x - wide / 2:.0f}" y="{y - 13:.0f}" width="{wide:.0f}" height="24" fill="{PAPER}" '
        f'stroke="{AGAINST}"/>'
        f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle" fill="{INK}">{escape(words)}</text>'
    )


def _node(node: Node, at: tuple[float, float]) -> str:
    x, y = at
    fill, ink = (PAPER, INK) if node.leaves else (FOR, PAPER)
    dots = ' stroke-dasharray="5 3"' if node.leaves else ""
    below = y + _DOT + 18 if y >= _MIDDLE - 1 else y - _DOT - 8
    agency = node.agency if len(node.agency) <= 24 else node.agency[:23] + "\u2026"
    return (
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{_DOT}" fill="{fill}" stroke="{FOR}" stroke-width="3"{dots}/>'
        f'<text x="{x:.0f}" y="{y + 6:.0f}" text-anchor="middle" font-weight="bold" fill="{ink}">{node.number}</text>'
        f'<text x="{x:.0f}" y="{below:.0f}" text-anchor="middle" fill="{INK}" stroke="{PAPER}" stroke-width="4" '
        f'paint-order="stroke">{escape(agency)}</text>'
    )


class Flow(msgspec.Struct, frozen=True):
    """What becomes of a number of children: as they are now, as they would be, and how many."""

    now: str
    then: str
    children: int


def flow(flows: Sequence[Flow], before: str = "Now", after: str = "With the new model") -> str:
    """Draw how children now become children then, as bands whose width is their number.

    A band is never thinner than a hair, so that one child among thousands is still seen; numbers stand beside.
    """
    flows = [each for each in flows if each.children]
    total = max(sum(each.children for each in flows), 1)
    room = 44 * len(flows) + 40
    widths = [max(3.0, 30.0 * each.children / max(f.children for f in flows)) for each in flows]
    drawn = []
    for at, (each, wide) in enumerate(zip(flows, widths, strict=True)):
        y = 62 + 44 * at
        drawn.append(
            f'<path d="M 220 {y} C 300 {y}, 320 {y}, 400 {y}" fill="none" stroke="{FOR if at == 0 else AGAINST}" '
            f'stroke-width="{wide:.1f}"/>'
            f'<text x="212" y="{y + 5}" text-anchor="end" fill="{INK}">{escape(each.now)}</text>'
            f'<text x="408" y="{y + 5}" fill="{INK}">{escape(each.then)}: {each.children:,}</text>'
        )
    words = "; ".join(f"{each.now} to {each.then}: {each.children:,}" for each in flows) or "nothing changes"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIDE}" height="{room}" viewBox="0 0 {_SIDE} {room}" '
        f'role="img" aria-label="{escape(f"Of {total:,} changes: {words}")}" {_FONT}>'
        f'<text x="212" y="24" text-anchor="end" font-weight="bold" fill="{INK}">{escape(before)}</text>'
        f'<text x="408" y="24" font-weight="bold" fill="{INK}">{escape(after)}</text>' + "".join(drawn) + "</svg>"
    )
