"""What an organisation's own records hold that differs from others': counts, a picture, and a list to work through.

For whoever looks after the quality of an organisation's records. The list holds that organisation's own values and
nobody else's. Comparing reads many records, so it is asked for with a button, and stands in the ledger as one batch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from samechild.files.write import write_csv
from samechild.files.write_workbook import write_workbook
from samechild.index.drift import STANDS, Drifts, drift_table
from samechild.index.drifting import drifts
from samechild.index.spaces import spaces_for
from samechild.web.blocks import (
    Answer,
    Block,
    Download,
    Heading,
    Inset,
    Picture,
    Questions,
    Sheet,
    Table,
    Tag,
    Words,
    moment,
)
from samechild.web.drawing import FOR, INK
from samechild.web.forms import Choice, Field, Filled, Form, blank, read
from samechild.web.menu import REVIEWERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

PART = "/drift"
SHOWN = 50
"""So many lines stand on the page; all of them are in the download."""
_COLOURS = {"yours": "green", "another": "yellow", "neither": "grey"}
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WIDE, _ROW = 250, 52


def _space_field(visit: Visit) -> Field:
    choices = tuple(Choice(each.space, each.title) for each in spaces_for(visit.store, visit.by.organisation))
    return Field(
        name="space",
        label="Compare with whom?",
        kind="select",
        choices=choices,
        hint="In your own index your own sources are compared; in a joint one also with other agencies' records.",
        missing="Say in which index",
    )


def _compare(visit: Visit) -> Form:
    return Form(button="Compare now", fields=(_space_field(visit),))


def _keep() -> Form:
    return Form(
        button="Download the list",
        fields=(
            Field(
                name="format",
                label="As which file?",
                kind="choice",
                choices=(Choice("xlsx", "Excel workbook"), Choice("csv", "CSV, which Excel opens as well")),
            ),
        ),
    )


def show(visit: Visit) -> Answer:
    """Say what comparing does, and ask in which index."""
    own = visit.by.organisation
    spaces = [each.space for each in spaces_for(visit.store, own)]
    return _ask(visit, blank(_compare(visit), space=spaces[0] if len(spaces) == 1 else ""))


def _ask(visit: Visit, filled: Filled) -> Sheet:
    there = bool(filled.form.fields[0].choices)
    asked: Block = Questions(filled, PART)
    return Sheet(
        title="Where our records differ",
        blocks=(
            Words(
                "See which of your organisation's records say something else of a child than other records do, and put "
                "them right where they are kept.",
                lead=True,
            ),
            Words(
                "You are shown your own values only: never another agency's value, and never which agency it is. "
                "Records are compared only where an agreement lets you see them."
            ),
            asked if there else Words("Your organisation has no index yet. Whoever runs this service loads it first."),
        ),
        status=400 if filled.problems else 200,
    )


def compare(visit: Visit, sent: Sent) -> Answer:
    """Compare, and show counts, a picture and the first lines."""
    filled = read(_compare(visit), sent)
    if filled.problems:
        return _ask(visit, filled)
    space = filled.one("space")
    return _found(visit, drifts(visit.store, visit.by, space, visit.now), space)


def _found(visit: Visit, found: Drifts, space: str, filled: Filled | None = None) -> Sheet:
    rows = tuple((source, field, f"{number:,}") for source, field, number in found.counts())
    blocks: list[Block] = [
        Words(
            f"{found.compared:,} of your {found.records:,} records stand beside another record of the same child. "
            f"{len(found.lines):,} {'value' if len(found.lines) == 1 else 'values'} should be looked at.",
            lead=True,
        ),
    ]
    if rows:
        blocks += [
            Picture(picture(found.by_field()), "Values to look at, by field"),
            Table("How many, by source and field", ("Source", "Field", "Values to look at"), rows),
            Heading("Download"),
            Words("The list holds your own children's data: keep it as safe as the records themselves."),
            Questions(filled or blank(_keep()), f"{PART}/download", (("space", space),)),
        ]
    blocks += [
        _first_lines(found),
        Inset(f"Compared on {moment(visit.now)}. Nothing was changed and nothing of it is kept."),
    ]
    return Sheet(
        title="Where our records differ",
        blocks=tuple(blocks),
        wide=True,
        status=400 if filled is not None and filled.problems else 200,
    )


def _first_lines(found: Drifts) -> Table:
    some = found.lines[:SHOWN]
    more = f": the first {SHOWN} of {len(found.lines):,}" if len(found.lines) > SHOWN else ""
    return Table(
        f"Values to look at{more}",
        ("Record", "Source", "Field", "Held here", "How it differs", "Which stands better"),
        tuple(
            (
                line.record_id or line.record_key,
                line.source,
                line.field,
                line.held_here,
                f"{line.kind}: see {line.against}" if line.against else line.kind,
                Tag(STANDS[line.stands], _COLOURS[line.stands]),
            )
            for line in some
        ),
        empty="Nothing differs. There is nothing to put right.",
    )


def keep(visit: Visit, sent: Sent) -> Answer:
    """Compare again, and give the whole list as a file that a spreadsheet opens and cannot run."""
    asked = read(_compare(visit), sent)
    if asked.problems:
        return _ask(visit, asked)
    found = drifts(visit.store, visit.by, asked.one("space"), visit.now)
    filled = read(_keep(), sent)
    if filled.problems:
        return _found(visit, found, asked.one("space"), filled)
    return as_file(found, filled.one("format"), f"drift-{visit.now:%Y-%m-%d}")


def as_file(found: Drifts, kind: str, name: str) -> Download:
    """The list as a CSV file or an Excel workbook (``csv`` or ``xlsx``)."""
    table = drift_table(found)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.{kind}"
        if kind == "csv":
            write_csv(table, path)
        else:
            write_workbook(table, path, sheet="To look at")
        return Download(name=path.name, media=_MEDIA[kind], content=path.read_bytes())


def picture(counts: Sequence[tuple[str, int]]) -> str:
    """Bars of how many values to look at there are of each field, the words above each and the number beside it."""
    most = max((number for _, number in counts), default=1)
    high = _ROW * len(counts) + 6
    parts = []
    for at, (field, number) in enumerate(counts):
        y = _ROW * at
        wide = max(2.0, _WIDE * number / most)
        parts.append(
            f'<text x="0" y="{y + 18}" fill="{INK}">{escape(field)}</text>'
            f'<rect x="0" y="{y + 25}" width="{wide:.1f}" height="16" fill="{FOR}"/>'
            f'<text x="{wide + 8:.1f}" y="{y + 39}" fill="{INK}">{number:,}</text>'
        )
    words = "Values to look at: " + "; ".join(f"{field} {number:,}" for field, number in counts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE + 80}" height="{high}" '
        f'viewBox="0 0 {_WIDE + 80} {high}" role="img" aria-label="{escape(words)}" '
        f'font-family="Arial, Helvetica, sans-serif" font-size="16">{"".join(parts)}</svg>'
    )


PAGES = (
    Page(path=PART, who=REVIEWERS, show=show, do=compare, part=PART),
    Page(path=f"{PART}/download", who=REVIEWERS, do=keep, part=PART),
)
