"""The first row of a table: where it is, and whether its headings can be trusted.

Reports carry title lines above the headings, columns without a heading, and the same heading twice. Guessing which
of two columns called "Surname" is meant would put one child's name on another, so that is refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from samechild.errors import Invalid
from samechild.files.records import whole_file
from samechild.files.usual_names import are_headings
from samechild.records import Issue, Severity

MAX_COLUMNS = 16_384
"""As many as a worksheet holds; a wider "table of children" was transposed or split at the wrong character."""


def header_position(first_rows: Sequence[Sequence[str | None]]) -> int:
    """Find which of the first rows holds the headings: the first, unless title lines stand above it.

    A title line is a row with one filled cell at the top of a table three or more columns wide. Returns a position
    counted from 0.
    """
    filled = [sum(1 for cell in row if cell and cell.strip()) for row in first_rows]
    if not filled or max(filled) < 3:
        return next((place for place, count in enumerate(filled) if count), 0)
    return next(place for place, count in enumerate(filled) if count > 1)


def settle_headings(file: str, source: str, given: Sequence[str | None]) -> tuple[list[str], list[Issue]]:
    """Return one usable heading for each column, in order.

    Blank headings become "column 5" with a warning. Raises Invalid when there are none, too many, or one twice.
    """
    if len(given) > MAX_COLUMNS:
        raise Invalid(
            f"{file} has {len(given):,} columns (the most that can be read is {MAX_COLUMNS:,}): "
            "is it turned on its side, or separated by an unusual character?"
        )
    settled = [(heading or "").strip().lstrip("\ufeff").strip() for heading in given]
    if not any(settled):
        raise Invalid(f"{file} has no headings: the first row must name the columns.")
    issues = []
    for place, heading in enumerate(settled):
        if not heading:
            settled[place] = f"column {place + 1}"
            message = "This column has no heading, so nobody can say what it means: it was not used. Name it."
            issues.append(whole_file(source, "blank-heading", Severity.WARNING, message, settled[place]))
    _refuse_repeats(file, settled)
    return settled, issues


def _refuse_repeats(file: str, headings: Sequence[str]) -> None:
    places: dict[str, list[int]] = {}
    for place, heading in enumerate(headings, 1):
        places.setdefault(heading, []).append(place)
    for heading, found in places.items():
        if len(found) > 1:
            where = " and ".join(str(place) for place in found[:5])
            if not are_headings(headings):
                raise Invalid(
                    f"{file}: columns {where} have the same heading. Is the first row a record? Then add a row of "
                    "headings above it; otherwise rename one."
                )
            raise Invalid(f'{file} has the heading "{heading}" more than once (columns {where}): rename one of them.')


def without_empty_unnamed(table: pa.Table, issues: Sequence[Issue]) -> tuple[pa.Table, list[Issue]]:
    """Leave out columns that have neither a heading nor a single value, and the warnings about them."""
    unnamed = {issue.column for issue in issues if issue.rule == "blank-heading"}
    empty = {name for name in unnamed if table.column(name).null_count == table.num_rows}
    kept = table.select([name for name in table.column_names if name not in empty]) if empty else table
    return kept, [issue for issue in issues if not (issue.rule == "blank-heading" and issue.column in empty)]
