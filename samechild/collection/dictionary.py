"""The data dictionary of the tables: what every column and every code means, made from the declarations.

It goes with every extract, as CSV for programs and spreadsheets and as one page for people. Nobody writes it by hand,
so it cannot differ from what the columns are.
"""

from __future__ import annotations

from html import escape

import pyarrow as pa

from samechild.collection.records import SPECIFICATION
from samechild.collection.rules.codes import codes, legacy
from samechild.collection.tables import Column, Table, tables

COLUMNS = ("table", "column", "title", "holds", "how_private", "code_set", "data_item", "field_as_sent")
CODES = ("code_set", "code", "meaning", "in_use")

CHECKS = "upn_check"
"""Not a set of codes: how a unique pupil number is checked."""


def dictionary() -> pa.Table:
    """A row for every column of every table: names, title, what it holds, how private it is, where it comes from."""
    rows = [_told(table, column) for table in tables() for column in table.columns]
    return pa.table({name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)})


def code_list() -> pa.Table:
    """A row for every code of every code set that a column uses, with its meaning; old cases hold older codes."""
    rows = []
    for name in code_sets():
        rows += [(name, code, meaning, "yes") for code, meaning in codes(name).items()]
        rows += [(name, code, meaning, "older cases only") for code, meaning in legacy(name).items()]
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(CODES)})


def code_sets() -> tuple[str, ...]:
    """The code sets that columns use, in the order in which they first appear."""
    used = (column.codes for table in tables() for column in table.columns)
    return tuple(dict.fromkeys(name for name in used if name and name != CHECKS))


def _told(table: Table, column: Column) -> tuple[str, ...]:
    return (
        table.name,
        column.name,
        column.title,
        column.kind.value,
        column.sensitivity.value,
        column.codes,
        str(column.item) if column.item else "",
        column.source,
    )


def as_page(title: str = "Data dictionary") -> str:
    """The dictionary as one page that needs nothing beside it: every table, every column, every code."""
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(_ABOUT)}</p>"]
    for table in tables():
        heads = ("Column", "What it is", "Holds", "How private", "Codes", "Data item", "Field as sent")
        rows = [_told(table, column)[1:] for column in table.columns]
        body.append(f"<h2>{escape(table.name)}</h2><p>One row for each: {escape(table.row)}.</p>")
        body.append(_as_html(table.name, heads, rows, anchored=4))
    for name in code_sets():
        body.append(f'<h2 id="{escape(name)}">Codes: {escape(name)}</h2>')
        rows = [(code, meaning, "yes") for code, meaning in codes(name).items()]
        rows += [(code, meaning, "older cases only") for code, meaning in legacy(name).items()]
        body.append(_as_html(f"Codes of {name}", ("Code", "Meaning", "In use"), rows))
    return _PAGE.format(title=escape(title), body="\n".join(body))


def _as_html(label: str, heads: tuple[str, ...], rows: list[tuple[str, ...]], anchored: int = -1) -> str:
    """A table; the cells of one column link to the codes of that name."""
    linked = [
        [
            f'<a href="#{escape(cell)}">{escape(cell)}</a>' if at == anchored and cell in code_sets() else escape(cell)
            for at, cell in enumerate(row)
        ]
        for row in rows
    ]
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in linked)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return f'<div tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>'


_ABOUT = (
    "Children's social care records as councils send them every day, put together, under opaque keys. Keys of one "
    "project mean nothing in another. Who a child is, and where a child lives, is not here; nor are adoptions, which "
    "only their custodian may read, and whatever else the reader of this extract may not have. Fields are those of "
    f"version {SPECIFICATION} of the published specification. Codes are kept as they were sent, also wrong ones. "
    "Absence of a row is not absence of an event: a council sends two to three years of history."
)

_PAGE = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: Arial, Helvetica, sans-serif; line-height: 1.4; }}
body {{ margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ border-bottom: 1px solid #b1b4b6; padding: 0.3rem 0.8rem 0.3rem 0; text-align: left; vertical-align: top; }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
