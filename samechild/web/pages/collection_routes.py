"""The three routes compared on one page and as a file: burden, accuracy, scale, cost; and what a council enters itself.

A council sees its own figures at once. Who receives councils' records asks for theirs by a form, because each look is
decided and stands in the ledger.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa

from samechild.collection.burden import (
    ENTERS,
    FIGURES,
    FIRST_HOURS,
    HOURS,
    PERIOD,
    POUNDS,
    Comparison,
    Line,
    Usual,
    compare,
    enter,
)
from samechild.collection.credentials import own_feeds
from samechild.collection.records import Way
from samechild.errors import Invalid, Missing
from samechild.files.write import write_csv
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Download,
    Heading,
    Picture,
    Questions,
    Redirect,
    Sheet,
    Table,
    Words,
    day,
)
from samechild.web.drawing_bars import Bar, Panel, panels
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.pages.collection_parts import COUNCIL, EVERY_ROLE, NOT_HERE, PART, ROUTES, views
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

NAMES = {
    Way.OWN: "Own build",
    Way.SSD: "Standard Safeguarding Dataset",
    Way.SUPPLIER: "Supplier",
}
DRAWN = ("hours_a_month", "pounds_a_thousand", "errors_a_thousand", "records_a_second")
"""The figures of the picture: one each of burden, cost, accuracy and scale."""

_CSV = "text/csv; charset=utf-8"
_BURDEN = ("first_hours", "hours_a_month", "pounds", "pounds_a_thousand", "days_to_first")
_ACCURACY = ("errors_a_thousand", "corrections_a_thousand", "refused")


def _period(button: str, *, downloads: bool = False) -> Form:
    return Form(
        button=button,
        fields=(
            Field(name="since", label="From", kind="date", hint="Such as 27 3 2026."),
            Field(name="until", label="To", kind="date", hint="At most 400 days later."),
            Field(
                name="as",
                label="Show it",
                kind="choice",
                choices=(Choice("page", "On this page"), Choice("csv", "As a CSV file")),
                missing="Say how to show it",
            ),
        ),
    )


COMPARE = _period("Compare")
ENTER = Form(
    button="Enter",
    fields=(
        Field(
            name="first",
            label="Hours until the first record was taken",
            kind="number",
            longest=7,
            needed=False,
            hint="All of them together, once. Everybody's: data team, IT, information governance.",
        ),
        Field(name="month", label="Which month?", needed=False, longest=7, hint="Year and month, such as 2026-11."),
        Field(name="hours", label="Hours in that month", kind="number", longest=7, needed=False),
        Field(
            name="pounds",
            label="Money paid in that month, in pounds",
            kind="number",
            longest=8,
            needed=False,
            hint="To suppliers, for licences and machines; not your own people's time.",
        ),
    ),
)


def _last_month(visit: Visit) -> tuple[date, date]:
    return (visit.now - PERIOD).date(), visit.now.date()


def show(visit: Visit) -> Answer:
    """A council's own figures of the last thirty days; to others the form."""
    if not own_feeds(visit.store, visit.by):
        return _ask(visit, _filled_in(visit))
    return _show(visit, compare(visit.store, visit.by, *_last_month(visit), visit.now))


def _filled_in(visit: Visit) -> Filled:
    """The form with the last thirty days in it."""
    since, until = _last_month(visit)
    given = {"as": ["page"]}
    for name, each in (("since", since), ("until", until)):
        given |= {f"{name}-{part}": [str(getattr(each, part))] for part in ("day", "month", "year")}
    return read(COMPARE, given)


def _ask(visit: Visit, filled: Filled) -> Sheet:
    blocks: list[Block] = [
        views(visit, ROUTES),
        Words("What the three routes cost councils, how accurate they are and how they scale: counts, never a child."),
        Words("Each council sees that you looked, and when."),
        Questions(filled, ROUTES),
    ]
    return Sheet(title="Routes compared", blocks=tuple(blocks), wide=True, status=400 if filled.problems else 200)


def ask(visit: Visit, sent: Sent) -> Answer:
    """Compare over the days asked for, on the page or as a file."""
    filled = read(COMPARE, sent)
    since, until = filled.day("since"), filled.day("until")
    if filled.problems or since is None or until is None:
        return _ask(visit, filled)
    try:
        found = compare(visit.store, visit.by, since, until, visit.now)
    except Invalid as error:
        return _ask(visit, wrong(filled, str(error), "since"))
    except Missing:
        return Sheet(title="Routes compared", blocks=(views(visit, ROUTES), Words(NOT_HERE)), wide=True)
    if filled.one("as") == "csv":
        return _file(found)
    return _show(visit, found, filled)


def _show(visit: Visit, found: Comparison, asked: Filled | None = None, entering: Filled | None = None) -> Sheet:
    blocks: list[Block] = [
        views(visit, ROUTES),
        Words(f"From {day(found.since)} to {day(found.until)}.", lead=True),
        Words("Hours and money are what councils entered; the rest is counted here. It is no measure of a council."),
    ]
    if not found.lines:
        blocks.append(Words("No council whose agreement lets you see its figures sent anything."))
    else:
        blocks += [Picture(panels(_panels(found)), "The routes side by side"), *_tables(found)]
    blocks.append(Questions(asked or _filled_in(visit), ROUTES, folded="Other days, or a file"))
    if visit.by.role in ENTERS and not found.whole:
        blocks += [
            Heading("Enter hours and money"),
            Words("Only you know what sending costs you. The newest entry of a month counts."),
            Questions(
                entering or blank(ENTER, month=f"{visit.now:%Y-%m}"),
                f"{ROUTES}/enter",
                folded="Enter a month, or the start",
            ),
        ]
    status = 400 if entering is not None else 200
    return Sheet(title="Routes compared", blocks=tuple(blocks), wide=True, status=status)


def _panels(found: Comparison) -> list[Panel]:
    own = [] if found.whole else list(found.lines)
    made = []
    for name in DRAWN:
        bars = [Bar(line.council, _number(line, name), _said(_number(line, name)), own=True) for line in own]
        bars += [Bar(NAMES[each.way], each.figures[name], _said(each.figures[name])) for each in found.usual]
        made.append(Panel(FIGURES[name], tuple(bars)))
    return made


def _tables(found: Comparison) -> list[Block]:
    own = [] if found.whole else list(found.lines)
    head = (
        "Figure",
        *(f"{line.council} ({NAMES[line.way]})" for line in own),
        *(f"{NAMES[each.way]}, middle of {each.councils}" for each in found.usual),
    )
    groups: Mapping[str, tuple[str, ...]] = {
        "Burden and cost": _BURDEN,
        "Accuracy": _ACCURACY,
        "Scale": tuple(name for name in FIGURES if name not in (*_BURDEN, *_ACCURACY)),
    }
    blocks: list[Block] = [
        Table(title, head, tuple(_row(name, own, found.usual) for name in names)) for title, names in groups.items()
    ]
    if found.whole:
        blocks.append(_councils(found))
    elif len(found.usual) < len(Way):
        blocks.append(Words("What is usual on a route is shown once three other councils take it."))
    return blocks


def _row(name: str, own: list[Line], usual: tuple[Usual, ...]) -> tuple[Cell, ...]:
    cells = (*(_number(line, name) for line in own), *(each.figures[name] for each in usual))
    return (FIGURES[name], *(_said(cell) for cell in cells))


def _councils(found: Comparison) -> Table:
    names = ("hours_a_month", "pounds_a_thousand", "errors_a_thousand", "records", "records_a_second", "days_missed")
    rows = tuple(
        (line.council, NAMES[line.way], *(_said(_number(line, name)) for name in names)) for line in found.lines
    )
    return Table("Council by council", ("Council", "Route", *(FIGURES[name] for name in names)), rows)


def _number(line: Line, name: str) -> float | None:
    value = getattr(line, name)
    return None if value is None else float(value)


def _said(value: float | None) -> str:
    if value is None:
        return "Not known"
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.1f}"


def _file(found: Comparison) -> Download:
    """Every line and every figure, and what is usual on each route, as a file that a spreadsheet opens."""
    lines = [
        {"council": line.council, "feed": line.feed, "route": line.way.value}
        | {name: _exact(_number(line, name)) for name in FIGURES}
        for line in found.lines
    ]
    lines += [
        {"council": f"middle of {each.councils} councils", "feed": "", "route": each.way.value}
        | {name: _exact(each.figures[name]) for name in FIGURES}
        for each in found.usual
    ]
    columns = ["council", "feed", "route", *FIGURES]
    named = {name: [line[name] for line in lines] for name in columns}
    named |= {"from": [found.since.isoformat()] * len(lines), "to": [found.until.isoformat()] * len(lines)}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in named.items()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"routes-{found.until:%Y-%m-%d}.csv"
        write_csv(table, path)
        return Download(name=path.name, media=_CSV, content=path.read_bytes())


def _exact(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


# --- what a council enters --------------------------------------------------------------------------------------------


def enter_burden(visit: Visit, sent: Sent) -> Answer:
    """Enter hours and money."""
    feeds = [feed for feed in own_feeds(visit.store, visit.by) if not feed.sandbox]
    if not feeds:
        raise Missing(NOT_HERE)
    filled = read(ENTER, sent)
    month = filled.one("month")
    given = {FIRST_HOURS: filled.one("first"), HOURS: filled.one("hours"), POUNDS: filled.one("pounds")}
    amounts = {what: int(text) for what, text in given.items() if text and not filled.problems}
    if not filled.problems and not amounts:
        filled = wrong(filled, "Enter hours or money", "hours")
    if not filled.problems and not _is_month(month):
        filled = wrong(filled, "Write year and month, such as 2026-11", "month")
    if not filled.problems:
        try:
            enter(visit.store, visit.by, feeds[0], month, amounts, visit.now, visit.shell.random)
        except Invalid as error:
            filled = wrong(filled, str(error), "month")
    if filled.problems:
        return _show(visit, compare(visit.store, visit.by, *_last_month(visit), visit.now), entering=filled)
    return Redirect(to=f"{ROUTES}?done=entered")


def _is_month(text: str) -> bool:
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError:
        return False
    return len(text) == 7


PAGES = (
    Page(path=ROUTES, who=EVERY_ROLE, show=show, do=ask, part=PART),
    Page(path=f"{ROUTES}/enter", who=COUNCIL, do=enter_burden, part=PART),
)
