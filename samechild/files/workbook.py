"""Excel workbooks: the one visible sheet with data, every cell as the text a person would have typed.

The fast reader (calamine) gives values but is silent about what it could not see: formulas whose result was never
saved, error cells, merged cells, filtered rows. A second, cheap look at the sheet's own XML finds those, so that a
blank that is not really a blank is told by row and column. Format: ECMA-376 (Office Open XML).
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from samechild.errors import Invalid
from samechild.files.headings import header_position, settle_headings
from samechild.files.records import Contents, whole_file
from samechild.files.sheet_xml import look_at_sheet
from samechild.files.text_values import TOO_LONG, as_text, column_of
from samechild.records import Issue, Severity

MAX_UNPACKED = 8 << 30
"""Bytes: a worksheet is full long before; a bigger one was made to exhaust memory."""


_DAMAGE = (
    CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What the zip and workbook readers raise for bytes that are not what they should be."""


def read_workbook(path: Path, *, sheet: str | None = None, header_row: int | None = None) -> tuple[Contents, str]:
    """Read one sheet of an Excel workbook as text; returns it with the sheet's name.

    Without ``sheet`` the only visible sheet that holds anything is taken. Raises Invalid when there are several
    (``file.xlsx#Sheet`` chooses), none, or the workbook is damaged.
    """
    _refuse_huge(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        name, issues = _choose(path, book, sheet)
        cells = _sheet_rows(book, name)
        if not cells:
            raise Invalid(f'{path.name}: the sheet "{name}" is empty.')
        return _contents(path, name, cells, header_row, issues), name
    except _DAMAGE as error:
        raise Invalid(f"{path.name} is a damaged workbook ({type(error).__name__}): save it again in Excel.") from None


def _refuse_huge(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
            raise Invalid(f"{path.name} unpacks to more than {MAX_UNPACKED >> 30} GiB: save it as .csv or .parquet.")


def _choose(path: Path, book: Any, asked: str | None) -> tuple[str, list[Issue]]:
    """Choose the sheet to read, and tell which hidden ones were passed over."""
    sheets = [entry for entry in book.sheets_metadata if entry.typ == SheetTypeEnum.WorkSheet]
    names = [entry.name for entry in sheets]
    if asked is not None:
        found = next((name for name in names if name.strip().lower() == asked.strip().lower()), None)
        if found is None:
            raise Invalid(f'{path.name} has no sheet "{asked}"; it has: {_listed(names)}.')
        return found, []
    visible = [entry.name for entry in sheets if entry.visible == SheetVisibleEnum.Visible]
    filled = (
        [name for name in visible if book.get_sheet_by_name(name).total_height > 0] if len(visible) > 1 else visible
    )
    hidden = [name for name in names if name not in visible]
    if len(filled) != 1:
        if not filled:
            raise Invalid(
                f"{path.name} has no visible sheet with data" + (f" (hidden: {_listed(hidden)})." if hidden else ".")
            )
        raise Invalid(
            f'{path.name} has several sheets with data ({_listed(filled)}): say which, as "{path.name}#{filled[0]}".'
        )
    if not hidden:
        return filled[0], []
    message = f"Hidden sheets were not read: {_listed(hidden)}. To read one, name it after # behind the file's name."
    return filled[0], [whole_file(path.stem, "hidden-sheet", Severity.WARNING, message, rows=len(hidden))]


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:8]) + (" and more" if len(names) > 8 else "")


def _sheet_rows(book: Any, name: str) -> list[list[Any]]:
    rows: list[list[Any]] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return rows


def _contents(path: Path, name: str, cells: list[list[Any]], header_row: int | None, issues: list[Issue]) -> Contents:
    top = [[as_text(cell) for cell in row] for row in cells[:20]]
    if header_row is not None and not 1 <= header_row <= len(cells):
        raise Invalid(
            f"The map says that the headings of {path.name} are on row {header_row}; it has {len(cells)} rows."
        )
    place = header_position(top) if header_row is None else header_row - 1
    if header_row is None and any(any(row) for row in top[:place]):
        message = f"Rows above the headings were passed over; the headings were found on row {place + 1}."
        issues.append(whole_file(path.stem, "title-lines", Severity.WARNING, message))
    given = [as_text(cell) for cell in cells[place]]
    while (
        given and given[-1] is None and not any(len(row) >= len(given) and row[len(given) - 1] != "" for row in cells)
    ):
        given.pop()
    headings, about = settle_headings(path.name, path.stem, given)
    body = cells[place + 1 :]
    columns, long_numbers = _columns(path, body, headings)
    seen = look_at_sheet(path, name, place + 1, headings)
    numbers = pa.array(range(1, len(body) + 1), pa.int32())
    return Contents(pa.table(columns, names=headings), numbers, (*issues, *about, *long_numbers, *seen))


def _columns(path: Path, body: list[list[Any]], headings: list[str]) -> tuple[list[pa.Array], list[Issue]]:
    """Turn rows of cells into columns of text, noting numbers too long for a spreadsheet to keep."""
    columns, issues = [], []
    for place, heading in enumerate(headings):
        values = [row[place] for row in body]
        if too_long := sum(1 for value in values if isinstance(value, float) and abs(value) >= TOO_LONG):
            message = (
                "Numbers of more than 15 digits were rounded by the spreadsheet before we saw them: send them as text."
            )
            issues.append(whole_file(path.stem, "number-rounded", Severity.ERROR, message, heading, too_long))
        columns.append(column_of([None if value == "" else value for value in values]))
    return columns, issues
