"""Pictures of a run as SVG text, drawn from Vega-Lite without a browser and without any request.

Colours are those the Government Analysis Function tested for colour blindness and contrast; nothing is told by colour
alone. Every picture is hidden from screen readers inside the SVG: whoever places it gives it words and a table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from samechild.linkage.summary import Bar, Estimate, GroupRow, HowLinked, Lines, Seen

SAME, ASK, DIFFERENT = "#12436d", "#f46a25", "#808488"
QUIET, INK = "#28a197", "#0b0c0c"
_DECISIONS = ("same child", "ask a person", "different children")
_WIDTH = 640
_MOST_ROWS = 8  # of one grouping in the picture of groups; the table beside it holds them all
Spec = dict[str, Any]

_CONFIG: Spec = {
    "aria": False,
    "font": "Arial, Helvetica, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 14,
        "titleFontSize": 14,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": "#e4e6e8",
        "domainColor": DIFFERENT,
        "tickColor": DIFFERENT,
        "labelLimit": 260,
    },
    "legend": {"labelFontSize": 14, "labelColor": INK, "orient": "top", "title": None, "symbolType": "square"},
    "text": {"fontSize": 14, "color": INK},
    "header": {"labelFontSize": 14, "labelColor": INK},
}


def draw(spec: Spec, name: str) -> str:
    """Draw a Vega-Lite picture as SVG to stand inside a page; ``name`` keeps its inner ids apart from others."""
    import vl_convert

    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "config": _CONFIG, "background": None} | spec
    svg: str = vl_convert.vegalite_to_svg(whole)
    svg = re.sub(r' (role|aria-[a-z]+)="[^"]*"', "", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r' xmlns:xlink="[^"]*"', "", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def weights(bars: Sequence[Bar], lines: Lines) -> str:
    """Draw how many pairs have which match weight, by decision, with the thresholds."""
    rows = [
        {"low": bar.low, "high": bar.high, "decision": decision, "pairs": count}
        for bar in bars
        for decision, count in zip(_DECISIONS, (bar.same, bar.ask, bar.different), strict=True)
    ]
    marks = [
        {"at": lines.ask, "words": "ask from here ", "side": "ask"},
        {"at": lines.join, "words": " join from here", "side": "join"},
    ]
    colour = {
        "field": "decision",
        "scale": {"domain": list(_DECISIONS), "range": [SAME, ASK, DIFFERENT]},
        "legend": {},
    }
    x: Spec = {"field": "low", "type": "quantitative", "bin": "binned", "title": "Match weight (bits)"}
    text: Spec = {"y": {"value": 8}, "x": {"field": "at", "type": "quantitative"}, "text": {"field": "words"}}
    spec: Spec = {
        "width": _WIDTH,
        "height": 260,
        "layer": [
            {
                "data": {"values": rows},
                "mark": {"type": "bar", "binSpacing": 0.5},
                "encoding": {
                    "x": x,
                    "x2": {"field": "high"},
                    "y": {"field": "pairs", "type": "quantitative", "title": "Pairs", "axis": {"format": ",.0f"}},
                    "color": colour,
                    "order": {"field": "decision"},
                },
            },
            {
                "data": {"values": marks},
                "mark": {"type": "rule", "strokeDash": [5, 3], "strokeWidth": 2, "color": INK},
                "encoding": {"x": {"field": "at", "type": "quantitative"}},
            },
        ]
        + [
            {
                "data": {"values": [mark]},
                "mark": {"type": "text", "align": "right" if mark["side"] == "ask" else "left", "fontWeight": "bold"},
                "encoding": text,
            }
            for mark in marks
        ],
    }
    return draw(spec, "weights")


def sources(seen: Sequence[Seen]) -> str:
    """Draw for each source how many of its children another source knows too."""
    rows = []
    for one in seen:
        alone = one.alone or 0
        rows.append({"source": one.source, "who": "known elsewhere too", "children": one.children - alone, "order": 0})
        rows.append({"source": one.source, "who": "known here only", "children": alone, "order": 1})
    spec = _across(rows, "source", "children", "Children", [one.source for one in seen])
    scale = {"domain": ["known elsewhere too", "known here only"], "range": [SAME, DIFFERENT]}
    spec["encoding"] |= {"color": {"field": "who", "scale": scale, "legend": {}}, "order": {"field": "order"}}
    del spec["mark"]["color"]
    return draw(spec, "sources")


def _across(rows: list[Spec], name: str, value: str, title: str, order: list[str]) -> Spec:
    """Give a chart of bars from left to right, one for each row, in a given order."""
    return {
        "data": {"values": rows},
        "width": 480,
        "height": {"step": 34},
        "mark": {"type": "bar", "color": SAME},
        "encoding": {
            "y": {"field": name, "type": "nominal", "title": None, "sort": order},
            "x": {"field": value, "type": "quantitative", "title": title, "axis": {"format": ",.0f", "tickCount": 5}},
        },
    }


def how_linked(how: HowLinked) -> str:
    """Draw how many joined pairs agree on an NHS number, a UPN, another number, or on no number at all."""
    names = ("NHS number", "UPN", "another number", "name, date and place only")
    counts = (how.nhs_number, how.upn, how.other_number, how.no_number)
    rows: list[Spec] = [{"on": name, "pairs": count} for name, count in zip(names, counts, strict=True)]
    return draw(_across(rows, "on", "pairs", "Joined pairs", list(names)), "how")


def sizes(rows: Sequence[tuple[str, int]]) -> str:
    """Draw how many children have how many records; rows are label and children."""
    values: list[Spec] = [{"records": label, "children": count} for label, count in rows]
    spec = _across(values, "records", "children", "Children", [label for label, _ in rows])
    spec["encoding"]["y"]["title"] = "Records of one child"
    return draw(spec, "sizes")


def estimates(precision: Estimate, recall: Estimate) -> str:
    """Draw the estimated precision and recall, their range by chance, and what they are if the model is too sure."""
    rows: list[Spec] = []
    for name, one in (("Precision", precision), ("Recall", recall)):
        if one.share is not None:
            rows.append({"name": name, "share": one.share, "low": one.low, "high": one.high, "cautious": one.cautious})
    lowest = min((float(row["cautious"] or 0) for row in rows), default=0.0)
    scale = {"domain": [max(0.0, int(lowest * 50) / 50 - 0.02), 1.0], "nice": False}
    share: Spec = {"type": "quantitative", "scale": scale, "title": None, "axis": {"format": ".0%", "tickCount": 6}}
    y: Spec = {"field": "name", "type": "nominal", "title": None}

    def layer(mark: Spec, **encoding: Spec) -> Spec:
        return {"mark": mark, "encoding": {"y": y} | encoding}

    spec: Spec = {
        "data": {"values": rows},
        "width": 520,
        "height": {"step": 48},
        "layer": [
            layer(
                {"type": "rule", "strokeWidth": 2, "strokeDash": [4, 3], "color": ASK},
                x={"field": "cautious", **share},
                x2={"field": "share"},
            ),
            layer({"type": "rule", "strokeWidth": 7, "color": SAME}, x={"field": "low", **share}, x2={"field": "high"}),
            layer(
                {"type": "point", "filled": True, "size": 130, "color": SAME, "opacity": 1},
                x={"field": "share", **share},
            ),
            layer(
                {"type": "point", "shape": "diamond", "filled": True, "size": 130, "color": ASK, "opacity": 1},
                x={"field": "cautious", **share},
            ),
        ],
    }
    return draw(spec, "estimates")


def groups(rows: Sequence[GroupRow]) -> str | None:
    """Draw the share estimated to be missed, group by group; None when no group is large enough."""
    shown: list[Spec] = []
    for grouping in dict.fromkeys(row.grouping for row in rows):
        held = [row for row in rows if row.grouping == grouping and row.missed is not None]
        if len(held) > _MOST_ROWS:
            held = sorted(held, key=lambda row: -(row.missed or 0))[:_MOST_ROWS]
        shown += [{"grouping": grouping, "group": row.group, "missed": row.missed} for row in held]
    if not shown:
        return None
    spec: Spec = {
        "data": {"values": shown},
        "facet": {
            "row": {
                "field": "grouping",
                "title": None,
                "sort": list(dict.fromkeys(row["grouping"] for row in shown)),
                "header": {"labelFontWeight": "bold", "labelOrient": "top", "labelAnchor": "start"},
            }
        },
        "spec": {
            "width": 480,
            "height": {"step": 24},
            "encoding": {
                "y": {"field": "group", "type": "nominal", "title": None, "sort": None},
                "x": {
                    "field": "missed",
                    "type": "quantitative",
                    "title": "Same-child pairs estimated to be missed",
                    "axis": {"format": ".1%", "tickCount": 5},
                    "scale": {"zero": True},
                },
            },
            "layer": [
                {"mark": {"type": "bar", "height": 3, "color": DIFFERENT}},
                {"mark": {"type": "point", "filled": True, "size": 110, "color": SAME, "opacity": 1}},
            ],
        },
        "resolve": {"scale": {"y": "independent"}},
        "spacing": 12,
    }
    return draw(spec, "groups")
