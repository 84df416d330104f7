"""Every file in one table: the *given* table that standardising and linking start from.

Values stay exactly as the agencies wrote them. Each row keeps its source, its own id and its row number in the file,
so that every later statement about a child can be traced to a place somebody can open.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid
from samechild.files.columns import recognise
from samechild.files.own_ids import distinct_ids
from samechild.files.records import Columns, FileMap, Gathered, Mapping, ReadFile, restated
from samechild.files.text_values import in_one, is_blank, trimmed
from samechild.records import Issue, fields

GROUP = "group_"
"""Prefix of extra columns kept to report quality by group."""


def gather(files: Sequence[ReadFile], mapping: Mapping | None = None, source_column: str | None = None) -> Gathered:
    """Put the records of all files into one table, each column under its declared meaning.

    Columns: ``source``, ``record_id``, ``row`` (int32), each given field that any file has, ``group_*``; text columns
    are dictionary arrays (source too; record_id is plain text), single chunk, blanks null. Raises Invalid as
    :func:`samechild.files.columns.recognise` does.
    """
    if not files:
        raise Invalid("No file was given: name at least one.")
    names = source_names(files, mapping)
    parts, settings, all_whole = [], {}, True
    issues: list[Issue] = []
    headings: dict[str, dict[str, str]] = {}
    for file, name in zip(files, names, strict=True):
        columns = recognise(file, mapping, source_column if source_column in file.table.column_names else None)
        entry = mapping.of(file.path) if mapping is not None else FileMap(file.path.name)
        part = _part(file, name, columns, source_column)
        parts.append(part)
        all_whole = all_whole and columns.record_id_whole
        issues += restated({file.name: name}, (*file.issues, *columns.issues))
        split = source_column in file.table.column_names and file.table.num_rows > 0
        for source in pc.unique(part["source"]).to_pylist() if split else [name]:
            headings.setdefault(source, {}).update(_headings(columns))
            settings[source] = entry
    _refuse_missing_source(files, source_column)
    table = _together(parts)
    if not all_whole or source_column is not None:
        ids, repeated = distinct_ids(table)
        table = table.set_column(table.schema.get_field_index("record_id"), "record_id", ids)
        issues += repeated
    return Gathered(table, headings, settings, tuple(sorted(issues)))


def source_names(files: Sequence[ReadFile], mapping: Mapping | None = None) -> list[str]:
    """Name each file's source: what the map says, else the file's name, with more of its place where two share it."""
    told = [mapping.of(file.path).source if mapping is not None else None for file in files]
    first = [given or file.name for given, file in zip(told, files, strict=True)]
    names = list(first)
    for place, file in enumerate(files):
        if told[place] is None and first.count(first[place]) > 1:
            names[place] = _with_place(file, [other for other in files if other.name == file.name])
    for name in names:
        if names.count(name) > 1 and any(name == given for given in told):
            raise Invalid(f'The map calls two files "{name}": give each its own source, or put the files together.')
    return _numbered(names)


def _with_place(file: ReadFile, alike: Sequence[ReadFile]) -> str:
    """Add to a file's name what tells it from files of the same name: its sheet, its ending or its folder."""
    if file.sheet is not None and sum(other.path.resolve() == file.path.resolve() for other in alike) > 1:
        return f"{file.name} {file.sheet}"
    if sum(other.path.resolve().parent == file.path.resolve().parent for other in alike) > 1:
        return f"{file.name}-{file.path.suffix.lstrip('.')}"
    return f"{file.path.resolve().parent.name}-{file.name}"


def _numbered(names: list[str]) -> list[str]:
    """Number names that are still shared, in the order given."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return result


def _headings(columns: Columns) -> dict[str, str]:
    found = {field: " + ".join(headings) for field, headings in columns.fields.items()}
    if columns.record_id is not None:
        found = {"record_id": columns.record_id, **found}
    return found | {GROUP + heading: heading for heading in columns.groups}


def _part(file: ReadFile, source: str, columns: Columns, source_column: str | None) -> dict[str, pa.ChunkedArray]:
    """One file's share of the table."""
    table = file.table
    wanted = {field: _joined(table, headings) for field, headings in columns.fields.items()}
    wanted |= {GROUP + heading: table.column(heading) for heading in columns.groups}
    sources = pa.repeat(pa.scalar(source, pa.string()), table.num_rows)
    if source_column in table.column_names:
        sources = pc.coalesce(_named(table.column(source_column)), sources)
    placed = {"source": sources, "record_id": _own_ids(file, columns), "row": file.rows}
    return {name: pa.chunked_array([column]) for name, column in placed.items()} | wanted


def _own_ids(file: ReadFile, columns: Columns) -> pa.Array:
    """The records' own ids without blanks around them; ``row-5`` where there is none."""
    ids = None if columns.record_id is None else _named(file.table.column(columns.record_id))
    if ids is not None and ids.null_count == 0:
        return ids
    numbered = pc.binary_join_element_wise("row", file.rows.cast(pa.string()), "-")
    return numbered if ids is None else pc.coalesce(ids, numbered)


def _named(column: pa.ChunkedArray) -> pa.Array:
    """Take the blanks around names off; a name of nothing but blanks is missing."""
    names = trimmed(in_one(column))
    empty = pc.equal(names, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), names) if pc.any(empty, min_count=0).as_py() else names


def _joined(table: pa.Table, headings: tuple[str, ...]) -> pa.ChunkedArray:
    """Join the parts of an address with single blanks; all parts blank is blank."""
    if len(headings) == 1:
        return table.column(headings[0])
    # Not null_handling="skip": Arrow 26 then drops the rows in which every part is missing.
    parts = [pc.fill_null(pc.utf8_trim_whitespace(table.column(heading)), "") for heading in headings]
    spaced = [pc.if_else(pc.equal(part, ""), part, pc.binary_join_element_wise(part, "", " ")) for part in parts]
    joined = pc.utf8_rtrim_whitespace(pc.binary_join_element_wise(*spaced, ""))
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)


def _together(parts: Sequence[dict[str, pa.ChunkedArray]]) -> pa.Table:
    """Lay the files' shares under each other; each text column becomes one dictionary array."""
    present = {name for part in parts for name in part}
    order = ["source", "record_id", "row", *[name for name in fields() if name in present], *sorted(present)]
    names = list(dict.fromkeys(order))

    def column(name: str) -> pa.Array:
        kind = pa.int32() if name == "row" else pa.string()
        chunks: list[pa.Array] = []
        for part in parts:
            count = len(part["row"])
            chunks += part[name].cast(kind).chunks if name in part else [pa.nulls(count, kind)]
        whole = pa.chunked_array(chunks, kind)
        return whole.combine_chunks() if name in ("record_id", "row") else encoded(whole)

    with ThreadPoolExecutor(2) as beside:
        columns = list(beside.map(column, names))
    return pa.table(columns, names=names)


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Keep each different value once; cells of nothing but blanks become missing."""
    # One array first: over many chunks Arrow builds a growing dictionary for each, 50 s for a million rows.
    flat = in_one(column).dictionary_encode()
    blank = is_blank(flat.dictionary)
    if not blank.any():
        return flat
    kept = np.flatnonzero(~blank)
    places = np.full(len(blank), -1, np.int32)
    places[kept] = np.arange(len(kept), dtype=np.int32)
    codes = flat.indices.fill_null(-1).to_numpy()
    moved = np.where(codes < 0, -1, places[codes]) if len(places) else codes
    indices = pa.array(moved.astype(np.int32), mask=moved < 0)
    return pa.DictionaryArray.from_arrays(indices, flat.dictionary.take(pa.array(kept)))


def _refuse_missing_source(files: Sequence[ReadFile], source_column: str | None) -> None:
    if source_column is not None and not any(source_column in file.table.column_names for file in files):
        raise Invalid(f'No file has the source column "{source_column}": check the heading.')
