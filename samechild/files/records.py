"""The nouns of this room: a file that was read, what its columns mean, and everything gathered into one table.

Every value stays text exactly as the file holds it, so that a reviewer sees what the agency wrote and leading zeros
survive.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from pathlib import Path

import msgspec
import pyarrow as pa

from samechild.records import Issue, Severity


class Contents(msgspec.Struct, frozen=True):
    """What one format's reader hands over: columns of text under the file's own headings, and each row's number."""

    table: pa.Table
    """Every column is string; a blank cell is null."""
    rows: pa.Array
    """int32, one for each row of ``table``: 1 is the first row of data in the file."""
    issues: tuple[Issue, ...] = ()
    encoding: str = "utf-8"


class ReadFile(msgspec.Struct, frozen=True):
    """One file as read: its table of text, where it came from, and what could not be used."""

    name: str
    """The file's name without its ending; the source of its records unless a map or a column says otherwise."""
    path: Path
    format: str
    table: pa.Table
    rows: pa.Array
    sha256: str
    encoding: str
    sheet: str | None = None
    issues: tuple[Issue, ...] = ()


class FileMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"mapped": "columns"}):
    """What a person says about one file in ``map.toml``: every key is optional except the file's name."""

    file: str
    source: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    header_row: int | None = None
    date_order: str | None = None
    one_record_per_child: bool = False
    group_columns: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    mapped: dict[str, str | list[str]] = {}


class Mapping(msgspec.Struct, frozen=True):
    """A whole ``map.toml``: one entry for each file it speaks of."""

    files: tuple[FileMap, ...] = ()

    def of(self, path: Path) -> FileMap:
        """Return what the map says about this file; an empty entry when it says nothing."""
        for entry in self.files:
            if entry.file in (path.name, str(path), path.as_posix()):
                return entry
        return FileMap(path.name)


class Columns(msgspec.Struct, frozen=True):
    """What each column of one file means, and which column names its records."""

    fields: dict[str, tuple[str, ...]]
    """Declared field to the headings it is made from (several only for an address in parts)."""
    record_id: str | None
    """The heading of the records' own id; None when no column can serve and rows are numbered instead."""
    record_id_whole: bool = False
    """Whether every row has an id of its own, so that nobody needs to look again."""
    groups: tuple[str, ...] = ()
    """Extra columns kept to report quality by group."""
    unused: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()


class Gathered(msgspec.Struct, frozen=True):
    """All files in one *given* table: ``source``, ``record_id``, ``row``, the given fields, ``group_*``."""

    given: pa.Table
    headings: dict[str, dict[str, str]]
    """For each source: declared field to the file's own heading (headings joined by " + " when there are several)."""
    settings: dict[str, FileMap]
    """For each source: what the map says about it (date order, one record for each child)."""
    issues: tuple[Issue, ...] = ()


def whole_file(source: str, rule: str, severity: Severity, message: str, column: str = "", rows: int = 1) -> Issue:
    """Make an issue that speaks of a whole file or a whole column rather than of one row."""
    return Issue(source, 0, column, rule, severity, message, rows)


def restated(sources: AnyMapping[str, str], found: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """Return the issues with the source's file name replaced by the name the source has in the results."""
    return tuple(msgspec.structs.replace(one, source=sources.get(one.source, one.source)) for one in found)
