"""A second look at a worksheet, for what reading its values cannot show.

Values alone do not tell a blank cell from a formula that was never calculated or an error such as #REF!. The sheet's
XML is read in pieces, so a worksheet of a million rows needs a few megabytes here. Format: ECMA-376, part 1, 18.3.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from samechild.files.records import whole_file
from samechild.records import Issue, Severity

_PIECE = 4 << 20
_TOLD = 1_000
_NOT_SAVED = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]+)(\d+)"(?![^>]*\bt="str")[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(rb'<(?:\w+:)?c r="([A-Z]+)(\d+)"[^>]*\bt="e"')
_HIDDEN = re.compile(rb'<(?:\w+:)?row\b[^>]*\bhidden="(?:1|true)"')
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def look_at_sheet(path: Path, sheet: str, header_row: int, headings: list[str]) -> list[Issue]:
    """Tell formulas without a saved result, error cells, merged cells and hidden rows of one sheet.

    ``header_row`` is the sheet's own number of the row that holds the headings; rows in the issues count from below it.
    """
    unsaved: list[tuple[int, str]] = []
    errors: list[tuple[int, str]] = []
    hidden = merged = 0
    for piece in _pieces(path, sheet):
        if b"f>" in piece or b"<f " in piece or b":f " in piece:
            unsaved += _places(_NOT_SAVED, piece, header_row, headings)
        if b't="e"' in piece:
            errors += _places(_ERROR, piece, header_row, headings)
        if b"hidden=" in piece:
            hidden += len(_HIDDEN.findall(piece))
        if b"mergeCell" in piece:
            merged += len(_MERGED.findall(piece))
    issues = _told(path.stem, "formula-not-calculated", unsaved, _UNSAVED)
    issues += _told(path.stem, "error-cell", errors, _ERRORS)
    if merged:
        issues.append(whole_file(path.stem, "merged-cells", Severity.WARNING, _MERGED_MESSAGE, rows=merged))
    if hidden:
        issues.append(whole_file(path.stem, "hidden-rows", Severity.WARNING, _HIDDEN_MESSAGE, rows=hidden))
    return issues


_UNSAVED = "The cell holds a formula whose result was not saved, so it was read as blank: open and save it in Excel."
_ERRORS = "The cell holds a spreadsheet error such as #REF! or #N/A, so it was read as blank: correct the formula."
_MERGED_MESSAGE = "Cells are merged: the value counts for the first cell only and the others were read as blank."
_HIDDEN_MESSAGE = "Rows hidden by a filter or by hand were read like all others."


def _places(pattern: re.Pattern[bytes], piece: bytes, header_row: int, headings: list[str]) -> list[tuple[int, str]]:
    found = []
    for match in pattern.finditer(piece):
        row, column = int(match.group(2)) - header_row, _column_number(match.group(1).decode())
        if row > 0:
            found.append((row, headings[column] if column < len(headings) else match.group(1).decode()))
    return found


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _told(source: str, rule: str, places: list[tuple[int, str]], message: str) -> list[Issue]:
    issues = [Issue(source, row, heading, rule, Severity.ERROR, message) for row, heading in places[:_TOLD]]
    if len(places) > _TOLD:
        issues.append(whole_file(source, rule, Severity.ERROR, message, rows=len(places) - _TOLD))
    return issues


def _pieces(path: Path, sheet: str) -> Iterator[bytes]:
    """Yield the sheet's XML in pieces that never cut a row in two."""
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, sheet)
        if part is None:
            return
        rest = b""
        with archive.open(part) as file:
            while piece := file.read(_PIECE):
                piece = rest + piece
                cut = max(piece.rfind(b"<row "), piece.rfind(b":row "))
                if cut <= 0 or len(piece) > 16 * _PIECE:
                    cut = len(piece)
                rest = piece[cut:]
                yield piece[:cut]
        yield rest


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Find which part of the package holds the sheet of this name."""
    names = set(archive.namelist())
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError):
        return None
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    for entry in book.iter():
        if entry.tag.endswith("}sheet") and entry.get("name") == sheet:
            target = targets.get(entry.get(_RELATION) or entry.get(_STRICT_RELATION)) or ""
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return part if part in names else None
    return None
