"""The sheet a person fills in: both records side by side, what differs marked, an answer to choose for each pair.

A reviewer decides dozens of pairs in a sitting, so what differs must catch the eye and an answer must be one click.
Every cell is text, so that no spreadsheet program runs or changes it: leading zeros of numbers survive.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

_NUMBERS = {"rank", "match_probability"}
_WIDTHS = {"why": 44, "note": 30, "answer": 13, "rank": 6, "match_probability": 12}
_WIDEST = 26
_LONGEST = 32_767


def write_review(review: pa.Table, path: Path, answers: Sequence[str]) -> None:
    """Write the review table as a workbook: ``answer`` offers ``answers``, and what differs is marked.

    ``review`` has ``<field>_a`` beside ``<field>_b``. A cell is marked when both sides hold a value and the values
    differ in more than capitals, spaces and punctuation. Other columns are written as they are.
    """
    import xlsxwriter

    # In memory: records of children must not lie about in the temporary folder when a run is killed.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("Review")
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        usual = book.add_format({"num_format": "@", "valign": "top"})
        wrapped = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
        differs = book.add_format({"num_format": "@", "valign": "top", "bg_color": "#FFE3B3", "bold": True})
        to_fill = book.add_format({"num_format": "@", "valign": "top", "bg_color": "#EAF4EA", "border": 1})
        number = book.add_format({"num_format": "0.000", "valign": "top"})
        names = review.column_names
        columns = {name: review.column(name).to_pylist() for name in names}
        marked = {name: _differing(columns, name) for name in names}
        for place, name in enumerate(names):
            sheet.write_string(0, place, name, head)
            sheet.set_column(place, place, _WIDTHS.get(name) or _width(name, columns[name]), usual)
            style = {"why": wrapped, "note": to_fill, "answer": to_fill}.get(name, usual)
            for row, value in enumerate(columns[name], 1):
                if value is None:
                    if style is to_fill:
                        sheet.write_blank(row, place, None, style)
                elif name in _NUMBERS and isinstance(value, int | float):
                    sheet.write_number(row, place, value, number if isinstance(value, float) else None)
                else:
                    text = "; ".join(value) if isinstance(value, list) else str(value)
                    sheet.write_string(row, place, text[:_LONGEST], differs if row - 1 in marked[name] else style)
        _finish(sheet, names, review.num_rows, answers)


def _finish(sheet: Any, names: list[str], rows: int, answers: Sequence[str]) -> None:
    """Keep the headings in view, offer the answers, and let the sheet be filtered."""
    sheet.freeze_panes(1, 0)
    if not rows or not names:
        return
    sheet.autofilter(0, 0, rows, len(names) - 1)
    if "answer" in names:
        place = names.index("answer")
        sheet.data_validation(
            1,
            place,
            rows,
            place,
            {
                "validate": "list",
                "source": list(answers),
                "error_title": "Answer",
                "error_message": f"Choose one of: {', '.join(answers)}; or leave it empty.",
            },
        )


def _width(name: str, values: list[Any]) -> int:
    return min(_WIDEST, max(8, len(name) + 2, *(len(str(value)) + 2 for value in values[:200] if value is not None), 0))


def _differing(columns: dict[str, list[Any]], name: str) -> set[int]:
    """Find the rows in which this side of a field says something else than the other side."""
    stem, _, side = name.rpartition("_")
    other = f"{stem}_{'b' if side == 'a' else 'a'}"
    if side not in ("a", "b") or other not in columns or stem in ("source", "record", "child"):
        return set()
    pairs = zip(columns[name], columns[other], strict=True)
    return {row for row, (one, two) in enumerate(pairs) if one and two and _bare(one) != _bare(two)}


def _bare(value: Any) -> str:
    return "".join(letter for letter in str(value).casefold() if letter.isalnum())
