"""Lists that a council gives: read as spreadsheets write them, and told of by line where they cannot be."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from samechild.errors import Invalid


def rows_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a list with commas, semicolons or tabs, each with the number of its line; blank ones are left out.

    Raises:
        Invalid: when it cannot be read; the message names the line and never what stands in it.
    """
    given = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first = given.lstrip("\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(given), delimiter=max(("\t", ";", ","), key=first.count))
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error:
        raise Invalid(f"Line {reader.line_num}: this cannot be read as a line of a CSV file.") from None
