"""The slow and careful reader for delimited files whose rows do not line up.

One stray comma must not cost a council its file, nor silently shift a surname into the next column. Short rows are
filled with blanks and told; rows with too many cells are kept when the extra cells are blank, and refused, by number,
when they are not: nobody can say which cell belongs to which heading.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from samechild.errors import Invalid
from samechild.files.records import Contents, whole_file
from samechild.files.text_values import column_of
from samechild.records import Issue, Severity

_BATCH = 50_000
_TOLD_ONE_BY_ONE = 1_000
_CELL_LIMIT = 1 << 20
_limit_lock = threading.Lock()


def read_carefully(path: Path, encoding: str, delimiter: str, header_lines: int, headings: list[str]) -> Contents:
    """Read row by row; rows of the wrong length are told, kept where possible. Raises Invalid for an open quote."""
    reading = _Reading(path, headings)
    with _limit_lock, path.open("r", encoding=encoding, errors="replace", newline="") as file:
        earlier = csv.field_size_limit(_CELL_LIMIT)
        try:
            for row in _rows(reading, file, delimiter, header_lines):
                reading.take(row)
        finally:
            csv.field_size_limit(earlier)
    return reading.finish()


def _rows(reading: _Reading, file: Iterator[str], delimiter: str, header_lines: int) -> Iterator[list[str]]:
    """Yield the rows under the headings; an unclosed quote is found where it opens."""
    for _ in range(header_lines):
        next(file, None)
    pending: list[str] = []

    def remembered() -> Iterator[str]:
        for line in file:
            pending.append(line)
            yield line

    line = header_lines + 1
    try:
        for row in csv.reader(remembered(), delimiter=delimiter):
            if len(pending) > 1:
                yield from _of_several_lines(reading, row, pending, delimiter, line)
            elif row:
                yield row
            line += len(pending)
            pending.clear()
    except csv.Error:
        raise Invalid(_open_quote(reading.path, line)) from None


def _of_several_lines(
    reading: _Reading, row: list[str], lines: list[str], delimiter: str, line: int
) -> Iterator[list[str]]:
    """Ask the strict parser about a row of several lines: an address, or rows swallowed by a stray quote?

    Two stray quotes hundreds of lines apart make one cell of everything between them. When every line is a row of the
    right width by itself, the lines are taken as rows; otherwise the row is told.
    """
    try:
        list(csv.reader(iter(lines), delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise Invalid(_open_quote(reading.path, line)) from None
        alone = [cells for cells in csv.reader(iter(lines), delimiter=delimiter, quoting=csv.QUOTE_NONE) if cells]
        if all(len(cells) == len(reading.headings) for cells in alone):
            reading.tell_stray_quote(len(alone))
            yield from alone
            return
        reading.tell_swallowed(len(lines))
    yield row


def _open_quote(path: Path, line: int) -> str:
    return (
        f'{path.name}: a quote (") opened on line {line} is never closed, so the rows after it cannot be told apart. '
        "Correct that line, or export the file again."
    )


class _Reading:
    """Rows taken so far: a batch of Python lists that is turned into Arrow columns again and again."""

    def __init__(self, path: Path, headings: list[str]) -> None:
        self.path = path
        self.source = path.stem
        self.headings = headings
        self.number = 0
        self.batch: list[list[str]] = []
        self.numbers: list[int] = []
        self.tables: list[pa.Table] = []
        self.issues: list[Issue] = []
        self.short: list[tuple[int, int]] = []
        self.extra_blank = 0

    def take(self, row: list[str]) -> None:
        """Take one row: as it is, filled, shortened, or refused."""
        self.number += 1
        width = len(self.headings)
        if len(row) < width:
            self.short.append((self.number, len(row)))
            row = row + [""] * (width - len(row))
        elif len(row) > width:
            if any(cell.strip() for cell in row[width:]):
                self._refuse(len(row))
                return
            self.extra_blank += 1
            row = row[:width]
        self.batch.append(row)
        self.numbers.append(self.number)
        if len(self.batch) >= _BATCH:
            self._settle()

    def tell_stray_quote(self, count: int) -> None:
        """Tell rows whose quotes were taken as ordinary characters."""
        message = f"A quote in this row does not close; {count} rows from here were read with quotes as ordinary signs."
        self.issues.append(Issue(self.source, self.number + 1, "", "stray-quote", Severity.WARNING, message))

    def tell_swallowed(self, lines: int) -> None:
        """Tell a row that holds more lines than a cell should."""
        message = f"A quote in this row is not closed properly and {lines} lines became one row: correct it."
        self.issues.append(Issue(self.source, self.number + 1, "", "rows-swallowed", Severity.ERROR, message))

    def _refuse(self, found: int) -> None:
        message = (
            f"The row has {found} cells and the table has {len(self.headings)} columns: it was not used. "
            "Look for a comma inside a value that is not in quotes."
        )
        self.issues.append(Issue(self.source, self.number, "", "row-too-long", Severity.ERROR, message))

    def _settle(self) -> None:
        columns = [column_of(list(cells)) for cells in zip(*self.batch, strict=True)]
        self.tables.append(pa.table(columns, names=self.headings))
        self.batch = []

    def finish(self) -> Contents:
        """Return everything that was taken, and what was wrong."""
        if self.batch:
            self._settle()
        schema = pa.schema([(heading, pa.string()) for heading in self.headings])
        table = pa.concat_tables(self.tables) if self.tables else schema.empty_table()
        return Contents(table, pa.array(self.numbers, pa.int32()), (*self._about_short(), *self._about_long()))

    def _about_short(self) -> list[Issue]:
        width = len(self.headings)
        issues = []
        for number, found in self.short[:_TOLD_ONE_BY_ONE]:
            message = f"The row has {found} cells and the table has {width} columns: the missing ones were left blank."
            issues.append(Issue(self.source, number, "", "row-too-short", Severity.WARNING, message))
        more = len(self.short) - _TOLD_ONE_BY_ONE
        if more > 0:
            message = "More rows have too few cells; the missing ones were left blank. Export the file again."
            issues.append(whole_file(self.source, "row-too-short", Severity.WARNING, message, rows=more))
        return issues

    def _about_long(self) -> list[Issue]:
        issues = self.issues
        if self.extra_blank:
            message = "Rows have blank cells beyond the last heading (a trailing separator); they were passed over."
            issues = [
                *issues,
                whole_file(self.source, "extra-blank-cells", Severity.WARNING, message, rows=self.extra_blank),
            ]
        return issues
