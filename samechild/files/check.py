"""Reading alone: which columns were recognised and what could not be used, before anything is linked.

The first thing to do with an agency's new extract, and the thing to send back to them when it is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from samechild.errors import Invalid
from samechild.files.columns import recognise
from samechild.files.gather import source_names
from samechild.files.read import read_files
from samechild.files.records import Columns, Mapping, restated
from samechild.files.usual_names import are_headings
from samechild.records import Issue, Severity


class CheckedFile(msgspec.Struct, frozen=True):
    """What was found in one file; ``filled`` is the number of rows that have a value, for each field."""

    file: str
    source: str
    format: str
    encoding: str
    sheet: str | None
    rows: int
    record_id: str | None
    recognised: dict[str, tuple[str, ...]]
    filled: dict[str, int]
    unused: tuple[str, ...]
    trouble: str | None = None
    """Why the file cannot be linked as it is; None when it can."""


class Check(msgspec.Struct, frozen=True):
    """What was found in all files, and every issue."""

    files: tuple[CheckedFile, ...]
    issues: tuple[Issue, ...]

    @property
    def found_problems(self) -> bool:
        """Whether anything could not be used (warnings alone are no problem)."""
        return any(file.trouble for file in self.files) or any(one.severity == Severity.ERROR for one in self.issues)


def check(paths: Sequence[Path | str], mapping: Mapping | None = None, source_column: str | None = None) -> Check:
    """Read files and say what each column was taken for, without linking anything.

    A file whose columns cannot be told apart is reported with the reason and does not stop the others. Raises Missing
    and Invalid for files that cannot be read at all.
    """
    files = read_files(paths, mapping)
    checked = []
    issues: list[Issue] = []
    for file, source in zip(files, source_names(files, mapping), strict=True):
        trouble = None
        try:
            columns = recognise(file, mapping, source_column if source_column in file.table.column_names else None)
        except Invalid as error:
            headings = tuple(file.table.column_names) if are_headings(file.table.column_names) else ()
            columns, trouble = Columns({}, None, unused=headings), str(error)
        issues += restated({file.name: source}, (*file.issues, *columns.issues))
        filled = {
            field: max(file.table.num_rows - file.table.column(heading).null_count for heading in headings)
            for field, headings in columns.fields.items()
        }
        checked.append(
            CheckedFile(
                file.path.name,
                source,
                file.format,
                file.encoding,
                file.sheet,
                file.table.num_rows,
                columns.record_id,
                columns.fields,
                filled,
                columns.unused,
                trouble,
            )
        )
    return Check(tuple(checked), tuple(sorted(issues)))
