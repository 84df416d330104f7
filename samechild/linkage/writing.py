"""A finished run as files: what analysts open, what programs load, and what the next run starts from.

The essential tables (Parquet and CSV) come first and side by side; workbooks and the report, which take longest, can
be left out. Everything is written into a folder that appears only when all of it is there
(:class:`samechild.files.folder.OutputFolder`). Nothing here adds to what the run decided to tell: pairs that are
protected are in none of the tables it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid
from samechild.files.run_record import FORMAT_VERSION
from samechild.files.write import write_csv, write_parquet
from samechild.linkage.decisions import ANSWERS, Named
from samechild.linkage.frequencies import Frequencies
from samechild.records import GIVEN, Issue, fields

if TYPE_CHECKING:
    from samechild.linkage.actions import Result

Seconds = dict[str, float]
_AT_ONCE = 2
_MOST_SOURCES = 200


class Told(msgspec.Struct, frozen=True):
    """What came with the files: each source's own headings by field, what could not be used, pairs never to be told."""

    headings: Mapping[str, Mapping[str, str]] = {}
    issues: tuple[Issue, ...] = ()
    never_link: tuple[Named, ...] = ()
    frequencies: Mapping[str, Frequencies] | None = None
    """Term frequencies that were taken from a stored model; None when these records were counted."""


def write_tables(result: Result, told: Told, folder: Path) -> Seconds:
    """Write what no program or person can do without: every Parquet and CSV file, and the model.

    Returns the seconds each file took.
    """
    changes = result.changes
    return _all_of(
        {
            "records.parquet": lambda path: write_parquet(marked(result.records), path),
            "pairs.parquet": lambda path: write_parquet(result.pairs, path),
            "children.csv": lambda path: write_csv(result.children, path),
            "links.parquet": lambda path: write_parquet(result.links, path),
            "children.parquet": lambda path: write_parquet(result.children, path),
            "review.csv": lambda path: write_csv(result.review, path),
            "problems.csv": lambda path: write_csv(problems(result.problems, told), path),
            "changes.csv": (lambda path: write_csv(changes, path)) if changes is not None else None,
            "model.json": lambda path: write_model(result, path, told.frequencies),
        },
        folder,
    )


def write_workbooks(result: Result, folder: Path) -> Seconds:
    """Write children.xlsx, one row for each child, and review.xlsx, for a person to fill in."""
    from samechild.files.write_workbook import write_workbook
    from samechild.linkage.review_sheet import write_review

    return _all_of(
        {
            "children.xlsx": lambda path: write_workbook(one_row_a_child(result.children), path, sheet="Children"),
            "review.xlsx": lambda path: write_review(result.review, path, ANSWERS),
        },
        folder,
    )


def write_report(result: Result, run: Mapping[str, Any], folder: Path) -> Seconds:
    """Write report.html, the page of counts and pictures.

    ``run`` holds the facts of the run that :func:`samechild.linkage.report.render` shows.
    """
    from samechild.linkage.report import render

    if result.summary is None:
        raise Invalid("This run was not summed up, so there is nothing to report; link again with the report.")
    summary = result.summary
    return _all_of(
        {"report.html": lambda path: path.write_text(render(summary, run), encoding="utf-8", newline="\n")},
        folder,
    )


def _all_of(files: Mapping[str, Callable[[Path], Any] | None], folder: Path) -> Seconds:
    """Write files side by side; the first that fails stops the run."""

    def timed(name: str, write: Callable[[Path], Any]) -> float:
        begun = time.perf_counter()
        write(folder / name)
        return round(time.perf_counter() - begun, 3)

    with ThreadPoolExecutor(_AT_ONCE) as beside:
        started = {name: beside.submit(timed, name, write) for name, write in files.items() if write is not None}
        return {f"write {name}": written.result() for name, written in started.items()}


def marked(records: pa.Table) -> pa.Table:
    """Mark the table of records as identifying, in the metadata every program that reads Parquet can see."""
    columns = {
        name: fields()[name.removeprefix(GIVEN)].sensitivity.value
        for name in records.column_names
        if name.removeprefix(GIVEN) in fields()
    }
    mark = {
        b"samechild.sensitivity": b"identity",
        b"samechild.columns": msgspec.json.encode(columns),
        b"samechild.format_version": str(FORMAT_VERSION).encode(),
    }
    plain = pa.table([_unpacked(column) for column in records.columns], names=records.column_names)
    return plain.replace_schema_metadata({**(records.schema.metadata or {}), **mark})


def _unpacked(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write a dictionary of lists as lists, for Parquet knows dictionaries of single values only."""
    kind = column.type
    if not (pa.types.is_dictionary(kind) and pa.types.is_list(kind.value_type)):
        return column
    return pa.chunked_array([chunk.dictionary.take(chunk.indices) for chunk in column.chunks], kind.value_type)


def write_model(result: Result, path: Path, used: Mapping[str, Frequencies] | None = None) -> None:
    """Write the model of a run: ``model.json`` for Splink and us, and beside it ``model.extra.json``.

    The second holds what Splink has no word for, and how common each value is, rare values pooled so that the model
    names nobody. ``used`` are the frequencies a stored model brought along, if they were used.
    """
    from samechild.linkage.frequencies import write_frequencies
    from samechild.linkage.model_extra import write_extra
    from samechild.linkage.splink_settings import write_settings

    extra = write_extra(result.model) | {"frequencies": write_frequencies(result.frequencies if used is None else used)}
    for name, content in ((path, write_settings(result.model)), (extra_path(path), extra)):
        name.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def extra_path(model: Path) -> Path:
    """Say where the second file of a stored model is: beside the first, ``.extra`` in its name."""
    return model.with_suffix(".extra" + model.suffix)


def one_row_a_child(children: pa.Table) -> pa.Table:
    """Turn the table of records into one row for each child: child_id, records, then each source's record ids.

    Record ids of one child within one source are joined by "; ". The order is that of the child ids, whatever the
    order of the records was. More than 200 sources share one column, in which each id follows its source.
    """
    child, ids = _coded(children["child_id"])
    source, names = _coded(children["source"])
    if len(names) > _MOST_SOURCES:
        return one_row_a_child(_of_one_source(children))
    record = pc.cast(children["record_id"], pa.string()).combine_chunks()
    record = pa.concat_arrays(record.chunks) if isinstance(record, pa.ChunkedArray) else record
    order = _by_cell(child * max(len(names), 1) + source, record)
    child, source = child[order], source[order]
    opens = np.ones(len(order), bool)
    opens[1:] = (child[1:] != child[:-1]) | (source[1:] != source[:-1])
    starts = np.append(np.flatnonzero(opens), len(order)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(starts), record.take(pa.array(order)))
    joined = pc.binary_join(lists, "; ")
    cell_child, cell_source = child[starts[:-1]], source[starts[:-1]]
    columns: dict[str, pa.Array] = {
        "child_id": ids,
        "records": pa.array(np.bincount(child, minlength=len(ids)).astype(np.int32)),
    }
    for place, name in enumerate(names.to_pylist()):
        here = np.flatnonzero(cell_source == place)
        wanted = np.full(len(ids), -1, np.int64)
        wanted[cell_child[here]] = here
        heading = name if name not in columns else f"{name} (source)"
        columns[heading] = joined.take(pa.array(wanted, mask=wanted < 0))
    return pa.table(columns)


def _by_cell(cell: np.ndarray, record: pa.Array) -> np.ndarray:
    """Order rows by the cell they belong to, and within a cell by record id; most cells hold just one."""
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    same = cell[1:] == cell[:-1]
    shared = np.flatnonzero(np.append(same, False) | np.append(False, same))
    ranks = pc.rank(record.take(pa.array(order[shared])), tiebreaker="min").to_numpy()
    order[shared] = order[shared][np.lexsort((ranks, cell[shared]))]
    return order


def _of_one_source(children: pa.Table) -> pa.Table:
    """Put the source into the record id, where a column for each source would be too wide to read."""
    both = pc.binary_join_element_wise(pc.cast(children["source"], pa.string()), children["record_id"], ":")
    one = pa.array(["record ids"], pa.string()).take(pa.array(np.zeros(children.num_rows, np.int64)))
    return pa.table({"source": one, "record_id": both, "child_id": children["child_id"]})


def _coded(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """Number a column's values in their own order, not in order of appearance."""
    flat = pc.cast(column, pa.string()).combine_chunks()
    flat = pa.concat_arrays(flat.chunks) if isinstance(flat, pa.ChunkedArray) else flat
    coded = flat.dictionary_encode()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place[coded.indices.to_numpy()] if len(flat) else np.zeros(0, np.int64), coded.dictionary.take(
        pa.array(order)
    )


def problems(found: pa.Table, told: Told) -> pa.Table:
    """Put the problems of reading and of the values together, each under its file's own heading, in order.

    ``found`` has the columns of :class:`~samechild.records.Issue`; its ``column`` is a field's name until here.
    """
    names = [field.name for field in msgspec.structs.fields(Issue)]
    read = pa.table({name: [_plain(getattr(one, name)) for one in told.issues] for name in names}, _schema())
    both = pa.concat_tables([read, _headed(found, told.headings)])
    return both.sort_by([("source", "ascending"), ("row", "ascending"), ("column", "ascending"), ("rule", "ascending")])


def _schema() -> pa.Schema:
    text, whole = pa.string(), pa.int64()
    return pa.schema(
        [("source", text), ("row", whole), ("column", text), ("rule", text), ("severity", text), ("message", text),
         ("rows", whole)]
    )  # fmt: skip


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


def _headed(found: pa.Table, headings: Mapping[str, Mapping[str, str]]) -> pa.Table:
    """Say each problem's column as the file that has it says it."""
    decoded = pa.table(
        {name: pc.cast(found[name], kind) for name, kind in zip(_schema().names, _schema().types, strict=True)}
    )
    for source, own in headings.items():
        for field, heading in own.items():
            if heading == field:
                continue
            here = pc.and_(pc.equal(decoded["source"], source), pc.equal(decoded["column"], field))
            if pc.any(here, min_count=0).as_py():
                column = pc.if_else(here, pa.scalar(heading), decoded["column"])
                decoded = decoded.set_column(decoded.schema.get_field_index("column"), "column", column)
    return decoded


def describe(files: Sequence[Any]) -> list[dict[str, Any]]:
    """Name the files of a run as its report shows them, with their rows."""
    return [{"name": one.file, "rows": one.rows} for one in files]
