"""The few plain pages that the demonstration shows beside the report: a first page, and the evaluation as tables.

Made without scripts or requests, in the manner of the GOV.UK Design System without its typeface, crest or brand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_STYLE = """
body { font: 1.1875rem/1.5 Arial, Helvetica, sans-serif; color: #0b0c0c; margin: 0 auto;
  padding: 1.5rem; max-width: 60rem }
h1 { font-size: 2.25rem; line-height: 1.2 } h2 { font-size: 1.5rem; margin-top: 2.5rem }
a { color: #1d70b8 } a:hover { color: #003078 } a:focus { background: #fd0; color: #0b0c0c; outline: 3px solid #fd0 }
table { border-collapse: collapse; width: 100%; font-size: 1rem; margin-bottom: 1rem }
caption { text-align: left; font-weight: bold; padding: .5rem 0 }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #b1b4b6; vertical-align: top }
th[scope=row] { font-weight: normal } .number { text-align: right; font-variant-numeric: tabular-nums }
.lead { font-size: 1.375rem } .inset { border-left: 10px solid #b1b4b6; padding: 1rem; margin: 2rem 0 }
.wide { overflow-x: auto } code { overflow-wrap: anywhere }
"""


def page(title: str, body: str) -> str:
    """Put a title and content into a whole page."""
    return (
        f'<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body><main><h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )


def table_as_html(table: Table) -> str:
    """Write a table made for a terminal as a table for a page: the first column heads its row, numbers stand right."""
    right = [column.justify == "right" for column in table.columns]
    heads = "".join(
        f'<th scope="col"{_number(on_right)}>{_text(column.header) or _HIDDEN}</th>'
        for column, on_right in zip(table.columns, right, strict=True)
    )
    rows = []
    for cells in zip(*(list(column.cells) for column in table.columns), strict=True):
        first, *others = (_text(cell) for cell in cells)
        rest = "".join(f"<td{_number(on)}>{cell}</td>" for cell, on in zip(others, right[1:], strict=True))
        rows.append(f'<tr><th scope="row">{first}</th>{rest}</tr>')
    caption = f"<caption>{_text(table.title)}</caption>" if table.title else ""
    return (
        f'<div class="wide" tabindex="0"><table>{caption}<thead><tr>{heads}</tr></thead><tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )


_HIDDEN = '<span aria-hidden="true">&nbsp;</span>'


def _number(right: bool) -> str:
    return ' class="number"' if right else ""


def _text(cell: object) -> str:
    return escape(getattr(cell, "plain", None) or str(cell or ""))


def explanation_page(decided: str, svg: str, table: Table) -> str:
    """Show why two records were decided as they were: the picture, and beside it the table with both records."""
    note = (
        "<p>Ten bits are a thousand to one. Bars to the right speak for one child, bars to the left against.</p>"
        '<p class="inset">This page shows values of two records: keep it as you keep the files.</p>'
    )
    return page("One child or two?", f'<p class="lead">{escape(decided)}</p>{note}{svg}{table_as_html(table)}')


def evaluation_page(tables: Iterable[Table]) -> str:
    """Show an evaluation against the truth as a page of tables."""
    note = (
        "<p>A made-up town knows its truth, so here every figure is exact. Files of real children have none: there a "
        "person judges a sample of pairs (<code>samechild sample</code>).</p>"
        '<p><a href="index.html">Back to the first page</a></p>'
    )
    return page("How good was it?", note + "\n".join(table_as_html(table) for table in tables))


def first_page(lines: Sequence[str], links: Sequence[tuple[str, str, str]], record_key: str = "") -> str:
    """Show what the demonstration made: a few sentences, links (address, words, what one sees there), what to try."""
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    listed = "".join(f'<li><a href="{escape(to)}">{escape(words)}</a>: {escape(why)}</li>' for to, words, why in links)
    warning = '<p class="inset">Everybody here is made up. No name, date or number is of a real child.</p>'
    tries = (
        "<h2>Who looked at a child?</h2>"
        "<p>Sign in as Gwen Ellis, the council's information governance officer, open <em>Who looked</em>, and give "
        f"this key of a child's record: <code>{escape(record_key)}</code>. People of four organisations asked about "
        "this child in the last weeks. Or sign in as Sam Okoro, a social worker, and see what that role may do.</p>"
    )
    body = f'<div class="lead">{told}</div>{warning}<h2>Where to look</h2><ul>{listed}</ul>'
    return page("A town, linked", body + (tries if record_key else ""))
