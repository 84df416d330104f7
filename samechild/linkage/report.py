"""The page a run leaves behind for people: what was joined, how surely, for whom less surely, and what nobody can know.

One file without scripts or requests, in the manner of the GOV.UK Design System (without its typeface, crest or
brand), so that it opens on a locked-down machine, prints, and works with a screen reader (WCAG 2.2 AA). It shows
counts and shares only: no name, id or example record.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from samechild.linkage import charts
from samechild.linkage.summary import SMALL, Bar, ClusterSize, GroupRow, Summary

_BANDS = 8  # bits of match weight in a line of the table beside the picture


class Input(msgspec.Struct, frozen=True):
    """A file of a run, as the report names it."""

    name: str
    rows: int | None = None


class Run(msgspec.Struct, frozen=True):
    """What the report says of how a run was made; any other entry of ``run.json`` is left alone."""

    title: str = "Linkage report"
    version: str = ""
    started: str = ""
    model: str = ""
    inputs: tuple[Input, ...] = ()


class _Band(msgspec.Struct, frozen=True):
    words: str
    same: int
    ask: int
    different: int


def render(summary: Summary, run: Mapping[str, Any]) -> str:
    """Write the report of a run as one HTML page.

    Args:
        summary: what :func:`samechild.linkage.quality.summarise` found.
        run: the run's facts, as in ``run.json``: ``title``, ``version``, ``started``, ``model`` and ``inputs`` (each
            with ``name`` and ``rows``) are shown when they are there.
    """
    facts = msgspec.convert({key: run[key] for key in Run.__struct_fields__ if run.get(key)}, Run)
    sizes = tuple((_size_words(size), size.children) for size in summary.sizes)
    pictures = {
        "sources": charts.sources(summary.sources) if summary.sources else None,
        "how": charts.how_linked(summary.how_linked) if summary.pairs_same else None,
        "weights": charts.weights(summary.weights, summary.lines) if summary.weights else None,
        "estimates": charts.estimates(summary.precision, summary.recall) if summary.precision.share else None,
        "groups": charts.groups(summary.groups),
        "sizes": charts.sizes(sizes) if sizes else None,
    }
    page: str = _page().render(
        s=summary,
        run=facts,
        sizes=sizes,
        bands=_bands(summary.weights),
        groupings=_by_grouping(summary.groups),
        widest_gap=_widest_gap(summary.groups),
        small=SMALL,
        pictures={name: Markup(svg) if svg else None for name, svg in pictures.items()},
    )
    return page


@cache
def _page() -> Any:
    environment = Environment(
        loader=PackageLoader("samechild.linkage"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "percent": _percent, "weight": _weight, "small": _or_small}
    return environment.get_template("report.html")


def _count(number: float | None) -> str:
    return "not known" if number is None else f"{number:,.0f}"


def _or_small(number: int | None) -> str:
    return f"fewer than {SMALL}" if number is None else f"{number:,}"


def _percent(share: float | None) -> str:
    """Write a share as a percentage; never rounded to 100 or to 0 when it is not."""
    if share is None:
        return "not known"
    if 0.9995 <= share < 1:
        return f"{min(99.99, int(share * 10000) / 100):.2f}%"
    if 0 < share < 0.0005:
        return "under 0.05%"
    return f"{share * 100:.1f}%"


def _weight(bits: float) -> str:
    return f"{bits:.1f}".replace("-", "−")


def _size_words(size: ClusterSize) -> str:
    return f"{size.records} or more" if size.or_more else str(size.records)


def _bands(bars: tuple[Bar, ...]) -> tuple[_Band, ...]:
    """Put the bars of the picture together into the few lines of a table."""
    kept: dict[float, list[Bar]] = {}
    for bar in bars:
        kept.setdefault(bar.low // _BANDS * _BANDS, []).append(bar)
    return tuple(
        _Band(
            words=f"{low:.0f} to {low + _BANDS:.0f}".replace("-", "−"),
            same=sum(bar.same for bar in held),
            ask=sum(bar.ask for bar in held),
            different=sum(bar.different for bar in held),
        )
        for low, held in kept.items()
    )


def _by_grouping(groups: tuple[GroupRow, ...]) -> dict[str, list[GroupRow]]:
    found: dict[str, list[GroupRow]] = {}
    for row in groups:
        found.setdefault(row.grouping, []).append(row)
    return found


def _widest_gap(groups: tuple[GroupRow, ...]) -> tuple[GroupRow, GroupRow] | None:
    """Find the grouping (other than source) whose best and worst groups differ most in what is missed."""
    widest: tuple[GroupRow, GroupRow] | None = None
    for name, rows in _by_grouping(groups).items():
        known = sorted((row for row in rows if row.missed is not None), key=lambda row: row.missed or 0)
        if name == "Source" or len(known) < 2:
            continue
        gap = (known[-1].missed or 0) - (known[0].missed or 0)
        if gap > 0 and (widest is None or gap > (widest[1].missed or 0) - (widest[0].missed or 0)):
            widest = known[0], known[-1]
    return widest
