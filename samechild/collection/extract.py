"""For those who come after: what is known of a council's children as tables, through the gate, under a project's keys.

Hub, statistics and research read :func:`tables_of` and follow :func:`changes`; analysts get Parquet files with their
data dictionary from :func:`extract`. All of it is content without who a child is. The gate is asked for every kind of
record and every child by itself: what the asker may not have (a child who opted out of research, a shielded child's
placements, adoption, a sealed identity) is not there and not told of. Keys are made anew for each project, so that two
projects' files cannot be joined (UK GDPR Articles 25 and 89).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from secrets import token_hex

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from samechild.collection import store as kept
from samechild.collection.dictionary import as_page, code_list, dictionary
from samechild.collection.feeds import feeds_of
from samechild.collection.records import Feed
from samechild.collection.states import CARE, EPISODE, PROTECTION, WORKERS, open_children
from samechild.collection.tables import Kind, Row, Table, TokenOf, rows_of, tables
from samechild.errors import Missing
from samechild.files.write import write_csv
from samechild.keys.seal import project as checked_project
from samechild.policy import ledger
from samechild.policy.actions import permit, permits
from samechild.records.disclosure import Ask, Mode, Permit, Scope, Spread
from samechild.storage import Login, Store

KINDS = (EPISODE, PROTECTION, CARE, WORKERS)
"""The kinds of record that are asked for; adoption is for its custodian alone."""

AT_ONCE = 500
"""So many children are asked for and opened together: as many as one decision of the gate gathers facts for."""

_KEYS_AT_ONCE = 20_000

Say = Callable[[str, float], None]

_TYPES = {Kind.TEXT: pa.string(), Kind.DAY: pa.date32(), Kind.FLAG: pa.bool_(), Kind.NUMBER: pa.int32()}


class Extracted(msgspec.Struct, frozen=True, kw_only=True):
    """What an extract holds: rows by table; ``children`` among them are those whom the asker may have."""

    rows: Mapping[str, int]


def schema(table: Table) -> pa.Schema:
    """The columns of a table as Arrow knows them; each field carries its title, privacy and code set."""
    return pa.schema(
        [
            pa.field(
                column.name,
                _TYPES[column.kind],
                metadata={
                    "title": column.title,
                    "sensitivity": column.sensitivity.value,
                    "codes": column.codes,
                    "source": column.source,
                },
            )
            for column in table.columns
        ]
    )


def tables_of(
    store: Store, given: Sequence[Permit], feed: Feed, token_of: TokenOf, as_at: date | None = None
) -> dict[str, pa.Table]:
    """What some permits open of a council's children, as tables by name; every table is there, with rows or without.

    Args:
        store: the open installation.
        given: leave to read content of one council's records, one permit for each kind of record.
        feed: the council's feed.
        token_of: makes the keys; see :func:`keys_of_project`. For the room's own work it may leave texts as they are.
        as_at: what was known at the end of this day; None: what is known now.

    Raises:
        Refused: when a permit has run out, or is for existence only.
    """
    now = max(each.decision.ask.now for each in given)
    found: dict[str, list[Row]] = {table.name: [] for table in tables()}
    for record_key, held in open_children(store, given, now, as_at).items():
        for name, rows in rows_of(record_key, held, feed.authority, token_of).items():
            found[name] += rows
    for rows in found.values():
        for row in rows:
            row["record_key"] = token_of(row["record_key"])
    return {table.name: pa.Table.from_pylist(found[table.name], schema(table)) for table in tables()}


def keys_of_project(store: Store, project: str) -> TokenOf:
    """How one project's keys are made: always the same within it, and not to be joined with another project's.

    Raises:
        Invalid: when the project's name is not made of small letters, digits and hyphens.
    """
    purpose = f"extract {checked_project(project)}"
    return lambda text: store.keys.token(purpose, text)


def extract(
    store: Store, ask: Ask, folder: Path, project: str, clock: Callable[[], datetime], *,
    as_at: date | None = None, say: Say = lambda what, share: None,
) -> Extracted:  # fmt: skip
    """Write what somebody may have of a council's children into a folder: Parquet, a data dictionary, the codes.

    Args:
        store: the open installation.
        ask: who asks which council for which purpose, on what grounds; the rest is put in.
        folder: an empty folder, which the caller puts in place when all of it is there.
        project: name of the project whose keys are used.
        clock: tells the time: every part of a large extract is asked for, and written down, when it is read.
        as_at: what was known at the end of this day; None: what is known now.
        say: is told how far it is.

    Raises:
        Refused: when the gate says no to all of it. Missing: when that organisation sends nothing here.
        Unavailable: when the ledger cannot be written. Invalid: when the project's name is none.
    """
    feeds = feeds_of(store, [ask.owner])
    if not feeds:
        raise Missing("That organisation does not send children's social care records here.")
    token_of = keys_of_project(store, project)
    batch = f"extract-{project}-{token_hex(8)}"
    permit(store, _about(ask, KINDS[0], (), batch, clock()))
    counts = {table.name: 0 for table in tables()}
    writers = {
        table.name: pq.ParquetWriter(
            folder / f"{table.name}.parquet", schema(table), compression="zstd", write_statistics=False
        )
        for table in tables()
    }
    try:
        for record_keys, share in _in_parts(store, ask.owner):
            now = clock()
            asks = [_about(ask, kind, record_keys, batch, now) for kind in KINDS]
            given = [each for one in asks for each in permits(store, one)]
            if given:
                found = tables_of(store, given, feeds[0], token_of, as_at)
                for name, rows in found.items():
                    writers[name].write_table(rows)
                    counts[name] += rows.num_rows
                for each in given:
                    ledger.outcome(store, each, each.record_keys, {"records": len(each.record_keys)}, now)
            say("reading the children", share)
    finally:
        for writer in writers.values():
            writer.close()
    write_csv(dictionary(), folder / "dictionary.csv")
    write_csv(code_list(), folder / "codes.csv")
    (folder / "dictionary.html").write_text(as_page(), encoding="utf-8")
    return Extracted(rows=counts)


def _about(ask: Ask, kind: str, record_keys: Sequence[str], batch: str, now: datetime) -> Ask:
    scope = Scope(Spread.BATCH, tuple(record_keys), batch=batch)
    return msgspec.structs.replace(ask, mode=Mode.CONTENT, record_type=kind, scope=scope, now=now)


def _in_parts(store: Store, owner: str) -> Iterator[tuple[list[str], float]]:
    """The opaque keys of an owner's children, some at a time, and which share of them is done by then."""
    everyone: list[str] = []
    with store.read(Login.CONTENT, owner) as connection:
        while some := kept.all_children(connection, owner, everyone[-1] if everyone else "", _KEYS_AT_ONCE):
            everyone += some
    for start in range(0, len(everyone), AT_ONCE):
        yield everyone[start : start + AT_ONCE], min(start + AT_ONCE, len(everyone)) / len(everyone)
