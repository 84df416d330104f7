"""Read one file, whatever it is, as one table of text.

This is the only door for files that agencies send. Nothing is guessed silently: what was found (format, encoding,
sheet) stands in the result, what could not be used stands in its issues, and a file that cannot be read at all is
refused with what to do next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid
from samechild.files.delimited import read_delimited
from samechild.files.formats import format_of, lies
from samechild.files.headings import without_empty_unnamed
from samechild.files.json_records import read_json, read_ndjson
from samechild.files.records import Contents, FileMap, Mapping, ReadFile, whole_file
from samechild.files.text_values import some, wholly_blank
from samechild.files.typed import read_arrow, read_parquet
from samechild.files.workbook import read_workbook
from samechild.records import Issue, Severity


def read_files(paths: Sequence[Path | str], mapping: Mapping | None = None) -> list[ReadFile]:
    """Read several files, obeying what the map says about each.

    Raises Invalid when the same file is given twice (by content, not by name) or the map speaks of no given file.
    """
    asked = [split_sheet(path) for path in paths]
    if not asked:
        raise Invalid("No file was given: name at least one.")
    if mapping is not None:
        _refuse_strangers(mapping, [path for path, _ in asked])
    files = []
    for path, sheet in asked:
        entry = mapping.of(path) if mapping is not None else FileMap(path.name)
        files.append(read(path, sheet=sheet or entry.sheet, encoding=entry.encoding, header_row=entry.header_row))
    _refuse_same_file(files)
    return files


def read(
    path: Path | str, *, sheet: str | None = None, encoding: str | None = None, header_row: int | None = None
) -> ReadFile:
    """Read one CSV, TSV, Excel, Parquet, Arrow, JSON or NDJSON file as text.

    The format is found from the content. ``sheet`` names a worksheet (also written ``file.xlsx#Sheet``); ``encoding``
    and ``header_row`` (1 is the first line) are found when not given. Cells that are blank are null, wholly blank rows
    are left out. Raises Missing, or Invalid with what to do next.
    """
    path, named = split_sheet(path)
    kind = format_of(path)
    stop = Event()
    with ThreadPoolExecutor(1) as beside:
        digest = beside.submit(_sha256, path, stop)
        try:
            contents, sheet = _read_as(kind, path, sheet or named, encoding, header_row)
        except BaseException:
            stop.set()
            raise
        contents = _without_blanks(path.stem, contents)
        issues = (*_about_ending(path, kind), *contents.issues)
        return ReadFile(
            path.stem, path, kind, contents.table, contents.rows, digest.result(), contents.encoding, sheet, issues
        )


def split_sheet(path: Path | str) -> tuple[Path, str | None]:
    """Take ``file.xlsx#Sheet`` apart; a name with # that exists as it stands is left whole."""
    whole = Path(path)
    name, mark, sheet = whole.name.rpartition("#")
    if mark and name and not whole.exists():
        return whole.with_name(name), sheet
    return whole, None


def _read_as(
    kind: str, path: Path, sheet: str | None, encoding: str | None, header_row: int | None
) -> tuple[Contents, str | None]:
    if sheet is not None and kind != "xlsx":
        raise Invalid(f'{path.name} is not a workbook, so it has no sheet "{sheet}": leave the # and what follows out.')
    if kind == "xlsx":
        return read_workbook(path, sheet=sheet, header_row=header_row)
    if kind == "parquet":
        return read_parquet(path), None
    if kind == "arrow":
        return read_arrow(path), None
    if kind == "json":
        return read_json(path, encoding=encoding), None
    if kind == "ndjson":
        return read_ndjson(path, encoding=encoding), None
    return read_delimited(path, encoding=encoding, header_row=header_row), None


def _sha256(path: Path, stop: Event) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while not stop.is_set() and (piece := file.read(4 << 20)):
            digest.update(piece)
    return digest.hexdigest()


def _without_blanks(source: str, contents: Contents) -> Contents:
    """Leave out unnamed empty columns and wholly blank rows, and say when a table has no rows."""
    table, issues = without_empty_unnamed(contents.table, contents.issues)
    rows = contents.rows
    blank = wholly_blank(table)
    if blank is not None:
        kept = pc.invert(blank)
        issues += _about_blank_rows(source, rows, blank, kept)
        table, rows = table.filter(kept), rows.filter(_one(kept))
    if table.num_rows == 0:
        message = "The file has headings and no rows: it was read, and adds nothing. Was the export empty?"
        issues.append(whole_file(source, "no-rows", Severity.WARNING, message))
    return Contents(table, rows, tuple(issues), contents.encoding)


def _about_blank_rows(source: str, rows: pa.Array, blank: pa.ChunkedArray, kept: pa.ChunkedArray) -> list[Issue]:
    """Tell blank rows that stand between others; blank rows at the end are ordinary and not worth a word."""
    last = pc.max(rows.filter(_one(kept))).as_py() or 0
    between = [number for number in rows.filter(_one(blank)).to_pylist() if number < last]
    if not between:
        return []
    message = f"Rows without a single value were left out (rows {some(between)})."
    return [whole_file(source, "blank-row", Severity.WARNING, message, rows=len(between))]


def _one(mask: pa.Array | pa.ChunkedArray) -> pa.Array:
    return mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask


def _about_ending(path: Path, kind: str) -> list[Issue]:
    if not lies(path, kind):
        return []
    message = f"The file's name ends in {path.suffix} and its content is {kind}: it was read as {kind}."
    return [whole_file(path.stem, "wrong-ending", Severity.WARNING, message)]


def _refuse_same_file(files: Sequence[ReadFile]) -> None:
    seen: dict[tuple[str, str | None], ReadFile] = {}
    for file in files:
        earlier = seen.setdefault((file.sha256, file.sheet), file)
        if earlier is not file:
            raise Invalid(
                f"{earlier.path} and {file.path} are the same file: give it once, or every child in it would be "
                "counted twice."
            )


def _refuse_strangers(mapping: Mapping, paths: Sequence[Path]) -> None:
    for entry in mapping.files:
        if not any(entry.file in (path.name, str(path), path.as_posix()) for path in paths):
            raise Invalid(f'The map speaks of "{entry.file}", which is not among the files given: correct its name.')
