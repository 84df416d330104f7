"""``map.toml``: where a person says what a file's columns mean when the headings do not.

The command writes the first version, with everything it recognised and everything it did not, so that describing a
file is correcting a draft. A misspelt key is refused by name: a setting that is silently not obeyed is worse than none.
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from samechild.errors import Invalid, Missing, Refused
from samechild.files.columns import recognise
from samechild.files.gather import source_names
from samechild.files.records import Columns, FileMap, Mapping, ReadFile
from samechild.records import fields

DATE_ORDERS = ("dmy", "mdy", "ymd")
_KEYS = ("file", "source", "sheet", "encoding", "header_row", "date_order", "one_record_per_child", "group_columns",
         "ignore", "columns")  # fmt: skip


def load_map(path: Path | str) -> Mapping:
    """Read a ``map.toml``. Raises Missing, or Invalid naming the key, field or value that cannot be obeyed."""
    path = Path(path)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Missing(f"There is no map {path}: check the name and the folder.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is not valid TOML: {_where(error)}.") from None
    except OSError as error:
        raise Invalid(f"{path} cannot be read ({error.strerror}).") from None
    strange = [key for key in found if key != "file"]
    if strange:
        raise Invalid(f'{path.name}: "{strange[0]}" is not known here; each file is described under [[file]].')
    entries = found.get("file", [])
    if not isinstance(entries, list) or not entries:
        raise Invalid(f'{path.name} describes no file: write [[file]] (two brackets) and under it file = "...".')
    files = tuple(_entry(path, number, entry) for number, entry in enumerate(entries, 1))
    names = [entry.file for entry in files]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f'{path.name} describes "{name}" twice: put both into one [[file]].')
    return Mapping(files)


def _where(error: Exception) -> str:
    return str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"


def _entry(path: Path, number: int, entry: Any) -> FileMap:
    """Check one [[file]] by name before it is believed."""
    if not isinstance(entry, dict) or "file" not in entry:
        raise Invalid(f'{path.name}: [[file]] number {number} does not say which file it describes: add file = "...".')
    place = f'{path.name}, [[file]] "{entry["file"]}"'
    for key in entry:
        if key not in _KEYS:
            raise Invalid(f'{place}: "{key}" is not known; the keys are: {", ".join(_KEYS)}.')
    try:
        read = msgspec.convert(entry, FileMap)
    except msgspec.ValidationError as error:
        raise Invalid(f"{place}: {error}.") from None
    given = {name for name, field in fields().items() if field.given and name != "source"}
    for field in read.mapped:
        if field not in given:
            raise Invalid(f'{place}: there is no field "{field}"; the fields are: {", ".join(sorted(given))}.')
    if read.date_order is not None and read.date_order not in DATE_ORDERS:
        raise Invalid(f"{place}: date_order is one of {', '.join(DATE_ORDERS)}.")
    if read.header_row is not None and read.header_row < 1:
        raise Invalid(f"{place}: header_row counts from 1.")
    _refuse_unknown_encoding(place, read.encoding)
    return read


def _refuse_unknown_encoding(place: str, encoding: str | None) -> None:
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise Invalid(f'{place}: there is no encoding "{encoding}"; usual ones are utf-8 and cp1252.') from None


def write_map(path: Path | str, files: Sequence[ReadFile]) -> None:
    """Write a commented map for these files: what was recognised, what was not, and every setting there is.

    Raises Refused when the file is there already.
    """
    text = "\n".join([_PREAMBLE, *(_draft(file, name) for file, name in zip(files, source_names(files), strict=True))])
    try:
        with Path(path).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Refused(f"{path} is there already: choose another name, or move it away.") from None
    except FileNotFoundError:
        raise Missing(f"There is no folder for {path}: make it first.") from None


_PREAMBLE = f"""\
# What the columns of each file mean. Lines that begin with # are remarks and examples.
# Correct what is wrong, then use it:  samechild link FILES... --map map.toml --out linked/
#
# The fields a column can hold:
{{fields}}
#
# Settings of a file, all optional:
#   source = "education"            the name of the source in the results
#   sheet = "Pupils"                which worksheet to read
#   header_row = 3                  the line that holds the headings
#   encoding = "cp1252"             when accents come out wrong
#   date_order = "dmy"              {", ".join(DATE_ORDERS)}: how 03/04/2015 is meant
#   one_record_per_child = true     no child is in this file twice (two records of it are never joined)
#   group_columns = ["Ward"]        extra columns to report quality by
#   ignore = ["Old UPN"]            columns not to use
""".replace(
    "{fields}",
    "\n".join(
        f"#   {field.name:<22} {field.title}" for field in fields().values() if field.given and field.name != "source"
    ),
)


def _draft(file: ReadFile, source: str) -> str:
    """Write the entry of one file; a file that cannot be recognised gets its headings as remarks."""
    lines = ["[[file]]", f"file = {_text(file.path.name)}", f"source = {_text(source)}"]
    if file.sheet is not None:
        lines.append(f"sheet = {_text(file.sheet)}")
    lines += ["one_record_per_child = false", 'date_order = "dmy"', "group_columns = []", "ignore = []", ""]
    try:
        columns, trouble = recognise(file), ""
    except Invalid as error:
        columns, trouble = Columns({}, None, unused=tuple(file.table.column_names)), str(error)
    lines.append("[file.columns]")
    if trouble:
        lines.append(f"# {trouble}")
    if columns.record_id is not None:
        lines.append(f"record_id = {_text(columns.record_id)}")
    else:
        lines.append('# record_id = "..."    # no column names each record: they are called row-1, row-2 ...')
    for field, headings in columns.fields.items():
        written = _text(headings[0]) if len(headings) == 1 else f"[{', '.join(_text(name) for name in headings)}]"
        lines.append(f"{field} = {written}")
    if columns.unused:
        lines += ["# Not used:", *(f"#   {_text(heading)}" for heading in columns.unused)]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Write a TOML basic string."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
