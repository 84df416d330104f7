"""What kind of file is this? Answered from its first bytes, because names lie.

Exports called ``.xls`` that hold a web page, ``.csv`` files that are workbooks and password-protected spreadsheets
are everyday arrivals; each is either read for what it is or refused with what to do next.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from samechild.errors import Invalid, Missing

BY_ENDING = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}
"""File endings and the format each promises."""

_SAVE_AS = "open it in a spreadsheet program, save it as .xlsx or .csv, and give that file instead"


def format_of(path: Path) -> str:
    """Say which format a file really has: csv, xlsx, parquet, arrow, json or ndjson.

    Raises Missing when there is no such file and Invalid, with what to do, for kinds that cannot be read (old .xls,
    password-protected workbooks, web pages saved as .xls, compressed files, PDF).
    """
    head = opening(path)
    if not head:
        raise Invalid(f"{path.name} is empty (0 bytes): export it again.")
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise Invalid(_old_office(path))
    _refuse_other_kinds(path, head)
    return _kind_of_text(path, head)


def opening(path: Path, size: int = 65_536) -> bytes:
    """Return the first bytes of a file, or say why it cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        raise Missing(f"There is no file {path}: check the name and the folder.") from None
    except IsADirectoryError:
        raise Invalid(f"{path} is a folder: name the files inside it.") from None
    except PermissionError:
        raise Invalid(f"{path} may not be opened by you, or another program holds it open: close it there.") from None


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Invalid(f"{path.name} starts like a workbook but is damaged or cut short: send it again.") from None
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names or "content.xml" in names:
        raise Invalid(f"{path.name} is a binary or OpenDocument workbook: {_SAVE_AS}.")
    raise Invalid(f"{path.name} is a zip archive, not a workbook: unpack it and name the files inside.")


def _old_office(path: Path) -> str:
    marker = "EncryptedPackage".encode("utf-16-le")
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(1 << 20):
            if marker in tail + piece:
                return f"{path.name} is protected by a password: remove the password in Excel and save it again."
            tail = piece[-64:]
    return f"{path.name} is an old Excel workbook (.xls): {_SAVE_AS}."


def _refuse_other_kinds(path: Path, head: bytes) -> None:
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")):
        raise Invalid(f"{path.name} is compressed: unpack it and give the file inside.")
    if head.startswith(b"%PDF"):
        raise Invalid(f"{path.name} is a PDF: ask the sender for the data as .csv or .xlsx.")
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"SQLite format 3")):
        raise Invalid(f"{path.name} is not a table of records: give a CSV, Excel, Parquet or JSON file.")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<table", b"<workbook")):
        raise Invalid(f"{path.name} is a web page or XML document, whatever its name says: {_SAVE_AS}.")


def _kind_of_text(path: Path, head: bytes) -> str:
    promised = BY_ENDING.get(path.suffix.lower())
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"[") and (promised in ("json", "ndjson") or start[1:].lstrip().startswith((b"{", b"]"))):
        return "json"
    if start.startswith(b"{") and (promised in ("json", "ndjson") or start[1:].lstrip().startswith((b'"', b"}"))):
        return promised if promised in ("json", "ndjson") else "ndjson"
    if promised in ("json", "ndjson") and not start:
        raise Invalid(f"{path.name} is blank: export it again.")
    return "csv"


def lies(path: Path, found: str) -> bool:
    """Answer whether the file's ending promises another format than the one found inside."""
    promised = BY_ENDING.get(path.suffix.lower())
    return promised is not None and promised != found and {promised, found} != {"json", "ndjson"}
