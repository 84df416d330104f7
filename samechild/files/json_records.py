"""JSON and NDJSON: an array of flat objects, or one object on a line.

A value inside a value (an address with parts, a list of names) is refused with the path to it, because flattening it
silently would choose for the sender what it means. One broken line in NDJSON costs that line and is told by number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from samechild.errors import Invalid
from samechild.files.headings import settle_headings
from samechild.files.records import Contents
from samechild.files.text_values import column_of
from samechild.records import Issue, Severity

_BATCH = 100_000


def read_json(path: Path, *, encoding: str | None = None) -> Contents:
    """Read a JSON array of flat objects, also inside one wrapping object; a nested value is refused with its path."""
    text = _decoded(path, encoding)
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        if path.suffix.lower() in (".ndjson", ".jsonl") or _looks_line_by_line(text):
            return _from_lines(path, text)
        raise Invalid(f"{path.name} is not whole, valid JSON ({_place(error)}): export it again.") from None
    rows = _rows(path, found)
    return _contents(path, rows, list(range(1, len(rows) + 1)), [])


def read_ndjson(path: Path, *, encoding: str | None = None) -> Contents:
    """Read one flat JSON object from each line; a broken line is an issue, a nested value is refused with its path."""
    text = _decoded(path, encoding)
    try:
        whole = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return _from_lines(path, text)
    if isinstance(whole, dict) and not any(isinstance(value, list) for value in whole.values()):
        return _contents(path, [whole], [1], [])
    rows = _rows(path, whole)
    return _contents(path, rows, list(range(1, len(rows) + 1)), [])


def _decoded(path: Path, encoding: str | None) -> bytes:
    """Return the file as UTF-8; a single long line is usual in JSON and allowed."""
    raw = path.read_bytes()
    found = encoding or _encoding(raw)
    if found.replace("-", "").lower() in ("utf8", "utf8sig"):
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    else:
        try:
            raw = raw.decode(found).removeprefix("\ufeff").encode()
        except (UnicodeError, LookupError):
            raise Invalid(f"{path.name} is neither UTF-8 nor {found}: give its encoding in the map.") from None
    if b"\0" in raw:
        raise Invalid(f"{path.name} holds a NUL byte: it is damaged; export it again.")
    return raw


def _encoding(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if raw.isascii():
        return "utf-8"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _looks_line_by_line(text: bytes) -> bool:
    first, _, rest = text.lstrip().partition(b"\n")
    return bool(rest.strip()) and first.rstrip().startswith(b"{") and first.rstrip().endswith(b"}")


def _place(error: Exception) -> str:
    found = re.search(r"byte (\d+)", str(error))
    return f"near byte {found.group(1)}" if found else "it ends too early"


def _rows(path: Path, found: Any) -> list[dict[str, Any]]:
    """Find the array of records, also inside an object that wraps exactly one."""
    if isinstance(found, dict):
        lists = [key for key, value in found.items() if isinstance(value, list)]
        if len(lists) != 1:
            what = "no list of records" if not lists else "several lists: " + ", ".join(f'"{key}"' for key in lists[:5])
            raise Invalid(f"{path.name} holds {what}; give an array of flat objects, one for each child.")
        found = found[lists[0]]
    if not isinstance(found, list):
        raise Invalid(f"{path.name} does not hold a list of records; give an array of flat objects.")
    for place, row in enumerate(found):
        if not isinstance(row, dict):
            raise Invalid(f"{path.name}: item {place + 1} of the list is not an object; give an array of flat objects.")
    return found


def _from_lines(path: Path, text: bytes) -> Contents:
    """Decode line by line, telling the lines that are broken."""
    decoder = msgspec.json.Decoder()
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    issues: list[Issue] = []
    number = 0
    for line in text.split(b"\n"):
        if not line.strip():
            continue
        number += 1
        try:
            row = decoder.decode(line)
        except msgspec.DecodeError:
            row = None
        if isinstance(row, dict):
            rows.append(row)
            numbers.append(number)
            continue
        message = "The line is not one whole JSON object: it was not used. Was the file cut short?"
        issues.append(Issue(path.stem, number, "", "json-line", Severity.ERROR, message))
    if not rows:
        raise Invalid(f"{path.name} holds no line that is a JSON object: export it again.")
    return _contents(path, rows, numbers, issues)


def _contents(path: Path, rows: Sequence[dict[str, Any]], numbers: list[int], issues: list[Issue]) -> Contents:
    """Turn objects into columns, in the order in which keys first appear."""
    keys: dict[str, None] = {}
    for row in rows:
        if row.keys() - keys.keys():
            keys.update(dict.fromkeys(row))
    if not keys:
        raise Invalid(f"{path.name} holds no records with named values, so its columns are unknown: export it again.")
    headings, about = settle_headings(path.name, path.stem, list(keys))
    batches = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
    columns = {
        heading: pa.chunked_array(
            [_column(path, batch, key, start) for start, batch in enumerate(batches)], pa.string()
        )
        for heading, key in zip(headings, keys, strict=True)
    }
    return Contents(pa.table(columns), pa.array(numbers, pa.int32()), (*about, *issues))


def _column(path: Path, rows: Sequence[dict[str, Any]], key: str, batch: int) -> pa.Array:
    values = [row.get(key) for row in rows]
    for place, value in enumerate(values):
        if isinstance(value, dict | list):
            number = batch * _BATCH + place + 1
            raise Invalid(
                f'{path.name}: the value at [{number}]."{key}" is itself an object or a list; '
                "give one value for each name."
            )
    return column_of(values)
