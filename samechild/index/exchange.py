"""Records in and children out as files: CSV, NDJSON, Excel and Parquet, the forms agencies already send and read.

Records come in as they would one at a time: each is found its child, starts a new one or is put to a person, and what
became of each row is told by row. A file sent twice changes nothing. Problems in data are collected and told with
their place; one bad row never sinks a file. What goes out is decided by the gate first, as a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from samechild.errors import Invalid
from samechild.files.columns import recognise
from samechild.files.gather import GROUP, gather
from samechild.files.records import Mapping, ReadFile
from samechild.files.usual_names import meanings, plain
from samechild.files.write import write_csv, write_parquet
from samechild.index.identifying import identify
from samechild.index.records import Arrival, Identified
from samechild.records import Issue, Severity, fields
from samechild.records.disclosure import Asker
from samechild.storage import Store

AT_ONCE = 500
"""So many records are identified in one call, and committed together."""

Say = Callable[[str, float], None]
"""What is being done, in words, and the share of the whole that is done (0 to 1)."""

FORMATS = ("csv", "ndjson", "parquet")

CHANGED_ON = meanings(
    "changed_on last_changed date_changed changed last_updated updated_at last_modified modified_on modified "
    "record_last_updated amended_on"
)
SIGNS = meanings("signs sign")
END_REASONS = meanings(
    "end_reason reason_episode_ceased reason_for_end reason_episode_ended rec episode_end_reason reason_ceased"
)
ADOPTED_ON = meanings("adoption_placed_date placed_for_adoption_date placed_date date_placed_for_adoption")
UNBORN = meanings("unborn is_unborn unborn_flag")
"""Columns that say more of a record than who the child is: when it was changed, and what may be done with it."""

_YES = {"1", "true", "yes", "y"}
_SEPARATORS = str.maketrans(";,|", "   ")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a file that is to be identified, and where it stands there."""

    row: int
    arrival: Arrival


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row: outcome as :class:`samechild.index.records.Outcome`, its child, and questions asked."""

    source: str
    row: int
    record_id: str
    outcome: str
    record_key: str
    child: str
    merged: tuple[str, ...] = ()
    questions: int = 0


class Read(msgspec.Struct, frozen=True):
    """Files as records to be identified, and the problems found in them."""

    rows: tuple[Row, ...]
    issues: tuple[Issue, ...]


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What became of files of records: row by row, by outcome, and every problem found in them."""

    rows: tuple[RowResult, ...]
    counts: dict[str, int]
    issues: tuple[Issue, ...]


def bring_in(
    store: Store,
    by: Asker,
    read: Read,
    now: datetime,
    *,
    space: str = "",
    say: Say = lambda what, share: None,
) -> Brought:
    """Identify every record of some files, some hundreds at a time; asking again with the same files changes nothing.

    Args:
        store: the open installation.
        by: on whose behalf; the records are their organisation's.
        read: the files, from :func:`records_in`.
        now: the time.
        space: a joint space; the organisation's own when left out.
        say: is told how far it is.

    Raises:
        Refused, Missing, Unavailable: as :func:`samechild.index.actions.identify`; parts done before stay done.
    """
    results: list[RowResult] = []
    for at in range(0, len(read.rows), AT_ONCE):
        some = read.rows[at : at + AT_ONCE]
        say("identifying records", at / len(read.rows))
        found = identify(store, by, [row.arrival for row in some], now, space=space)
        results += [_result(row, its) for row, its in zip(some, found, strict=True)]
    say("identifying records", 1.0)
    counts = Counter(result.outcome for result in results)
    counts["questions"] = sum(result.questions for result in results)
    return Brought(rows=tuple(results), counts=dict(counts), issues=read.issues)


def _result(row: Row, found: Identified) -> RowResult:
    return RowResult(
        source=row.arrival.source,
        row=row.row,
        record_id=row.arrival.record_id,
        outcome=found.outcome.value,
        record_key=found.record_key,
        child=found.child,
        merged=found.merged,
        questions=len(found.questions),
    )


def records_in(
    files: Sequence[ReadFile], owner: str, today: date, mapping: Mapping | None = None, source: str = ""
) -> Read:
    """Turn files into records to be identified, columns recognised by their usual names or as the map says.

    Besides who a child is, a column may say when the record was changed, and give the signs that close an identity or
    tell of a child not yet born. A row without an id of its own is left out and told: the next file would put another
    child in its place. ``source`` names the system that all the files are from: a record is known again by it and by
    its own id, so it must not change from file to file; when left out it is each file's own name.

    Raises:
        Invalid: when a file has no column with the records' own ids, or as :func:`samechild.files.gather.gather`.
    """
    _refuse_without_ids(files, mapping)
    gathered = gather(files, mapping)
    issues = list(gathered.issues)
    more = [extra for file in files for extra in _extras(file, mapping, today, issues)]
    rows: list[Row] = []
    for (named, values), extra in zip(_values(gathered.given), more, strict=True):
        number, record_id = values.pop("row"), values.pop("record_id")
        given = {name: value for name, value in values.items() if value}
        problem = _unusable(extra, given)
        if problem:
            rule, message = problem
            issues.append(Issue(named, number, "", rule, Severity.ERROR, message))
            continue
        arrival = Arrival(
            owner=owner,
            source=source or named,
            record_id=record_id,
            given=given,
            changed_on=extra.changed_on,
            signs=extra.signs,
        )
        rows.append(Row(row=number, arrival=arrival))
    return Read(tuple(rows), tuple(sorted(issues)))


class _Extra(msgspec.Struct, frozen=True, kw_only=True):
    """What else a row says."""

    has_id: bool
    changed_on: date | None = None
    signs: tuple[str, ...] = ()


def _unusable(extra: _Extra, given: dict[str, str]) -> tuple[str, str] | None:
    if not extra.has_id:
        return "no-record-id", "This row has no id of its own: give it one, then send it again."
    if not given:
        return "nothing-usable", "This row says nothing of who the child is: it was left out."
    return None


def _refuse_without_ids(files: Sequence[ReadFile], mapping: Mapping | None) -> None:
    for file in files:
        if recognise(file, mapping).record_id is None:
            raise Invalid(
                f"{file.path.name} has no column with the records' own ids, which must stay the same from file to "
                'file: name it in a map (record_id = "...").'
            )


def _values(given: pa.Table) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row's source, and its number, own id and given fields."""
    wanted = [name for name in given.column_names if not name.startswith(GROUP) and name != "source"]
    for at in range(0, given.num_rows, AT_ONCE):
        part = given.slice(at, AT_ONCE)
        yield from zip(part.column("source").to_pylist(), part.select(wanted).to_pylist(), strict=True)


def _extras(file: ReadFile, mapping: Mapping | None, today: date, issues: list[Issue]) -> Iterator[_Extra]:
    """What the rows of one file say besides who the child is."""
    heading = recognise(file, mapping).record_id
    columns = {name: _column(file, names) for name, names in _MORE.items()}
    ids = [False] * file.table.num_rows if heading is None else file.table.column(heading).is_valid().to_pylist()
    numbers = file.rows.to_pylist()
    for place, has_id in enumerate(ids):
        cells = {name: (column[place] or "").strip() if column else "" for name, column in columns.items()}
        changed_on = _date(cells["changed_on"])
        if cells["changed_on"] and (changed_on is None or changed_on > today):
            issues.append(Issue(file.name, numbers[place], "", "changed-on-unread", Severity.WARNING, _UNREAD))
            changed_on = None
        yield _Extra(has_id=has_id, changed_on=changed_on, signs=_signs(cells))


_UNREAD = "The date of the last change cannot be read, or lies ahead: it was not used. Write it as 2026-11-22."
_MORE = {
    "changed_on": CHANGED_ON,
    "signs": SIGNS,
    "end_reason": END_REASONS,
    "adopted_on": ADOPTED_ON,
    "unborn": UNBORN,
}


def _column(file: ReadFile, names: frozenset[str]) -> list[str | None] | None:
    heading = next((each for each in file.table.column_names if plain(each) in names), None)
    return None if heading is None else file.table.column(heading).to_pylist()


def _date(text: str) -> date | None:
    """A date as ISO writes it, with or without a time behind it; None when it is none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _signs(cells: dict[str, str]) -> tuple[str, ...]:
    signs = cells["signs"].translate(_SEPARATORS).split()
    signs += cells["end_reason"].upper().split()[:1]
    signs += ["adopted"] if cells["adopted_on"] else []
    signs += ["unborn"] if cells["unborn"].casefold() in _YES else []
    return tuple(dict.fromkeys(signs))


class Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record as a line of JSON."""

    record_id: str
    given: dict[str, str]
    changed_on: date | None = None
    signs: tuple[str, ...] = ()


def sent_records(lines: Iterable[bytes], owner: str, source: str) -> list[Arrival]:
    """Read records sent as lines of JSON.

    Raises:
        Invalid: when a line cannot be read or names an unknown field; the line is named, never a value.
    """
    decode = msgspec.json.Decoder(Sent).decode
    arrivals = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            sent = decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Invalid(f"Line {number} is no record: it needs record_id and given, as JSON.") from None
        unknown = sorted(set(sent.given) - set(given_columns()))
        if unknown or not sent.record_id.strip():
            raise Invalid(f"Line {number} names a field that does not exist, or its record has no id.")
        arrivals.append(
            Arrival(
                owner=owner,
                source=source,
                record_id=sent.record_id,
                given={name: value for name, value in sent.given.items() if value.strip()},
                changed_on=sent.changed_on,
                signs=sent.signs,
            )
        )
    return arrivals


# --- results as files -------------------------------------------------------------------------------------------------


def results_table(brought: Brought) -> pa.Table:
    """What became of each row, as a table: source, row, record_id, outcome, record_key, child, merged, questions."""
    columns = {
        "source": [row.source for row in brought.rows],
        "row": [row.row for row in brought.rows],
        "record_id": [row.record_id for row in brought.rows],
        "outcome": [row.outcome for row in brought.rows],
        "record_key": [row.record_key for row in brought.rows],
        "child": [row.child for row in brought.rows],
        "merged": ["; ".join(row.merged) for row in brought.rows],
        "questions": [row.questions for row in brought.rows],
    }
    kinds = {"row": pa.int32(), "questions": pa.int32()}
    return pa.table({name: pa.array(values, kinds.get(name, pa.string())) for name, values in columns.items()})


def problems_table(issues: Sequence[Issue]) -> pa.Table:
    """Problems found in files, as a table: source, row, column, rule, severity, message, rows."""
    names = Issue.__struct_fields__
    kinds = {"row": pa.int32(), "rows": pa.int32()}
    return pa.table(
        {name: pa.array([getattr(one, name) for one in issues], kinds.get(name, pa.string())) for name in names}
    )


def write_table(table: pa.Table, folder: Path, name: str, form: str) -> Path:
    """Write a table as ``name.csv``, ``name.ndjson`` or ``name.parquet`` into a folder; returns the file.

    Raises:
        Invalid: when it is none of these forms.
    """
    path = folder / f"{name}.{form}"
    if form == "csv":
        write_csv(table, path)
    elif form == "parquet":
        write_parquet(table, path)
    elif form == "ndjson":
        with path.open("wb") as file:
            for line in _lines(table):
                file.write(line)
    else:
        raise Invalid(f"Choose one of: {', '.join(FORMATS)}.")
    return path


def _lines(table: pa.Table) -> Iterator[bytes]:
    """A table as NDJSON, what is missing left out."""
    for at in range(0, table.num_rows, AT_ONCE):
        for row in table.slice(at, AT_ONCE).to_pylist():
            yield msgspec.json.encode({name: value for name, value in row.items() if value is not None}) + b"\n"


def given_columns() -> list[str]:
    """The fields a record may be given, in the order of declaration, besides its source and own id."""
    return [name for name, field in fields().items() if field.given and name not in ("source", "record_id")]
