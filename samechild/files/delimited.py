"""CSV and its relatives: commas, tabs, semicolons or bars; UTF-8, UTF-16 or Windows-1252.

The whole file is scanned once, cheaply, before anything is parsed: that finds the encoding, a NUL byte and a line too
long to be a record without ever holding more than a few megabytes. Then Arrow reads it on all cores; only a file that
Arrow will not take, or whose rows differ in length, goes through the slow and careful reader that can say which row is
wrong. Format: RFC 4180, loosely.
"""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from samechild.errors import Invalid
from samechild.files import ragged
from samechild.files.headings import header_position, settle_headings
from samechild.files.records import Contents, whole_file
from samechild.records import Issue, Severity

MAX_LINE = 8 << 20
"""Bytes: no record of a child is this long, so a longer line is a damaged file."""

_PIECE = 4 << 20
_DELIMITERS = (",", "\t", ";", "|")


class Scan(msgspec.Struct, frozen=True):
    """What one cheap pass over the bytes found."""

    encoding: str
    guessed: bool
    quotes: int
    lines: int


class Layout(msgspec.Struct, frozen=True):
    """Where the headings are and what stands between cells."""

    delimiter: str
    header_lines: int  # physical lines up to and including the headings
    headings: list[str]
    issues: list[Issue]


def read_delimited(path: Path, *, encoding: str | None = None, header_row: int | None = None) -> Contents:
    """Read a CSV, TSV, semicolon or bar separated file as text.

    ``encoding`` and ``header_row`` (1 is the first line) are found when not given. Raises Invalid for a file that
    cannot be read at all; rows that cannot be used are issues.
    """
    scanned = scan(path, encoding)
    layout = _layout(path, scanned, header_row)
    contents = None
    if scanned.quotes % 2 == 0:
        contents = _read_fast(path, scanned, layout)
    if contents is None:
        contents = ragged.read_carefully(path, scanned.encoding, layout.delimiter, layout.header_lines, layout.headings)
    issues = [*layout.issues, *_about_encoding(path, scanned), *contents.issues]
    return Contents(contents.table, contents.rows, tuple(issues), scanned.encoding)


def scan(path: Path, encoding: str | None = None) -> Scan:
    """Pass over the file once: encoding, quotes, lines, and whether it is safe to parse.

    Never holds more than a few megabytes. Raises Invalid for a NUL byte (with its line) or a line over 8 MiB.
    """
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(0)
        wide = _wide_encoding(head) if encoding is None else (encoding if "16" in encoding else None)
        decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        lines, quotes, unbroken = 1, 0, 0
        while piece := file.read(_PIECE):
            if wide is None and b"\0" in piece:
                line = lines + piece[: piece.index(b"\0")].count(b"\n")
                raise Invalid(
                    f"{path.name} holds a NUL byte near line {line}: it is damaged or not a text file; export it again."
                )
            unbroken = _unbroken(path, piece, unbroken, lines)
            lines += piece.count(b"\n")
            quotes += piece.count(b'"')
            decoder = _still_utf8(decoder, piece)
    decoder = _still_utf8(decoder, b"", final=True)
    if wide is not None:
        return Scan(wide, False, quotes, lines)
    if encoding is not None:
        return Scan(_known_encoding(path, encoding), False, quotes, lines)
    return Scan("utf-8" if decoder is not None else "cp1252", decoder is None, quotes, lines)


def _unbroken(path: Path, piece: bytes, before: int, lines: int) -> int:
    """Count the bytes since the last line end, and refuse a line that is too long to be a record."""
    last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
    if last >= 0:
        return len(piece) - last - 1
    if before + len(piece) >= MAX_LINE:
        raise Invalid(
            f"{path.name} has a line of more than {MAX_LINE >> 20} MiB (near line {lines}): it is damaged, or not a "
            "table with one record on a line; export it again."
        )
    return before + len(piece)


def _still_utf8(
    decoder: codecs.IncrementalDecoder | None, piece: bytes, *, final: bool = False
) -> codecs.IncrementalDecoder | None:
    if decoder is None or (not final and piece.isascii() and not decoder.getstate()[0]):
        return decoder
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return None
    return decoder


def _wide_encoding(head: bytes) -> str | None:
    """Recognise UTF-16, with or without a byte order mark."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    half = len(head) // 2
    if half >= 4 and head[1::2].count(0) > 0.4 * half and head[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if half >= 4 and head[0::2].count(0) > 0.4 * half and head[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return None


def _known_encoding(path: Path, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise Invalid(f'The map gives {path.name} the encoding "{encoding}", which does not exist.') from None
    return "utf-8" if name == "utf-8-sig" else name


def _about_encoding(path: Path, scanned: Scan) -> list[Issue]:
    if not scanned.guessed:
        return []
    message = (
        "The file is not UTF-8, so it was read as Windows-1252. Look at a name with an accent: if it is wrong, give "
        "the encoding in the map."
    )
    return [whole_file(path.stem, "encoding-guessed", Severity.WARNING, message)]


def _layout(path: Path, scanned: Scan, header_row: int | None) -> Layout:
    """Find the separator and the headings from the first lines."""
    lines = _first_lines(path, scanned.encoding)
    if not any(line.strip() for line in lines):
        raise Invalid(f"{path.name} holds only blank lines: export it again.")
    told, skipped = _told_delimiter(lines)
    delimiter = told or _sniff(lines[skipped : skipped + 20], path, header_row)
    rows, ends = _parsed(lines[skipped:], delimiter)
    if not rows:
        raise Invalid(f"{path.name} has a first line that cannot be taken apart into headings: export it again.")
    ends = [end + skipped for end in ends]
    place = header_position(rows[:20]) if header_row is None else _row_at(path, ends, header_row)
    headings, issues = settle_headings(path.name, path.stem, rows[place])
    if header_row is None and any(any(cell.strip() for cell in row) for row in rows[:place]):
        message = f"Lines above the headings were passed over; the headings were found on line {ends[place]}."
        issues.append(whole_file(path.stem, "title-lines", Severity.WARNING, message))
    return Layout(delimiter, ends[place], headings, issues)


def _first_lines(path: Path, encoding: str) -> list[str]:
    with path.open("r", encoding=_for_python(encoding), errors="replace", newline="") as file:
        lines: list[str] = []
        size = 0
        for line in file:
            lines.append(line)
            size += len(line)
            if len(lines) >= 50 or size > 4 * MAX_LINE:
                break
    return lines


def _for_python(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _told_delimiter(lines: list[str]) -> tuple[str | None, int]:
    """Obey Excel's own first line ``sep=;``."""
    first = lines[0].strip("\ufeff\r\n")
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    return None, 0


def _sniff(lines: list[str], path: Path, header_row: int | None) -> str:
    """Choose the separator that splits the first lines into the most cells."""
    if header_row is not None:
        lines = lines[header_row - 1 : header_row] or lines
    widest = {mark: max(len(row) for row in _split(lines, mark)) for mark in _DELIMITERS}
    first = {mark: len(_split(lines, mark)[0]) for mark in _DELIMITERS}
    preferred = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
    return max(_DELIMITERS, key=lambda mark: (first[mark], widest[mark], mark == preferred))


def _split(lines: list[str], mark: str) -> list[list[str]]:
    rows, _ = _parsed([line for line in lines if line.strip()], mark)
    return [row for row in rows if row] or [[]]


def _parsed(lines: list[str], mark: str) -> tuple[list[list[str]], list[int]]:
    """Take the first lines apart, with the line each row ends on; stops before what cannot be taken apart."""
    reader = csv.reader(iter(lines), delimiter=mark)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error:
        pass  # a cell beyond csv's limit, such as a quote that never closes: the careful reader will say where
    return rows, ends


def _row_at(path: Path, ends: list[int], header_row: int) -> int:
    for place, end in enumerate(ends):
        if end >= header_row:
            return place
    raise Invalid(f"The map says that the headings of {path.name} are on line {header_row}; it has fewer lines.")


def _read_fast(path: Path, scanned: Scan, layout: Layout) -> Contents | None:
    """Let Arrow read the file on all cores; None when it will not, so that the careful reader can say why."""
    names = layout.headings
    reading = arrow_csv.ReadOptions(
        encoding="utf8" if scanned.encoding == "utf-8" else scanned.encoding,
        skip_rows=layout.header_lines,
        column_names=names,
        block_size=2 * MAX_LINE if scanned.quotes else None,
    )
    parsing = arrow_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=scanned.quotes > 0)
    converting = arrow_csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    try:
        table = arrow_csv.read_csv(path, reading, parsing, converting)
    except (pa.ArrowInvalid, UnicodeError, LookupError):
        return None
    if scanned.quotes and scanned.lines > table.num_rows + layout.header_lines + 1:
        return None  # cells of several lines, or a stray quote that swallowed whole rows: look at each
    return Contents(table, row_numbers(table.num_rows), ())


def row_numbers(count: int) -> pa.Array:
    """Number rows from 1 (int32)."""
    return pa.array(np.arange(1, count + 1, dtype=np.int32))
