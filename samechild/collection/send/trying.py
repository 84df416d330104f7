"""Trying things out before the first night: is the service there, is the source, does it hold what is needed?

Each try says in one line what it found; nothing of a child is sent or shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from samechild.collection.send.connection import Answer, Connection, meaning
from samechild.collection.send.mapping import Built, check_columns, check_settings, children_of_tables
from samechild.collection.send.sources import Tables
from samechild.collection.send.ssd import children_of_ssd
from samechild.collection.send.ssd_tables import Dataset

ANSWERED = frozenset({200, 204, 400, 422})
"""What a service that lets this client in may say to an empty request."""


class Tried(msgspec.Struct, frozen=True):
    """What one try found: whether it went well, and in words."""

    well: bool
    words: str


def read_children(tables: Tables, today: date, built: Built) -> Iterator[dict[str, Any]]:
    """The children of a council's source, whatever kind it is of."""
    if tables.config.source.kind == "ssd":
        return children_of_ssd(Dataset(tables).rows, today, built, tables.config.source.months)
    return children_of_tables(tables, built)


def try_endpoint(connection: Connection) -> Iterator[Tried]:
    """Fetch a token, then send an empty array: no child leaves, and the service must have let us in to answer.

    Raises Unauthenticated when no token is given.
    """
    yield Tried(True, f"A token was given: {meaning(connection.token())}.")
    answer = connection.post_once(b"[]")
    yield Tried(answer.status in ANSWERED, f"The address of children answers: {_told(answer)}.")


def _told(answer: Answer) -> str:
    if answer.status not in ANSWERED:
        return meaning(answer)
    request = f" (request {answer.request_id})" if answer.request_id else ""
    return f"status {answer.status}, as it should for an empty request{request}"


def try_source(tables: Tables) -> Iterator[Tried]:
    """Open the source and look at every table's columns."""
    if tables.config.source.kind == "ssd":
        dataset = Dataset(tables)
        yield Tried(True, f"{len(dataset.found)} tables of the Standard Safeguarding Dataset were found.")
        return
    check_settings(tables.config)
    for name, given in tables.config.tables.items():
        yield Tried(True, f"{name}: {len(tables.columns_of(given))} columns.")


def try_schema(tables: Tables) -> Iterator[Tried]:
    """Say of every table which fields it gives, and which it could give and does not."""
    if tables.config.source.kind == "ssd":
        dataset = Dataset(tables)
        for table, wanted in dataset.wanted.items():
            yield Tried(True, f"{table}: {', '.join(wanted)}")
        for table in sorted(tables.config.source.without):
            yield Tried(True, f"{table}: not kept, so nothing of it is sent")
        return
    for name, columns in check_columns(tables).items():
        yield Tried(True, f"{name}: {', '.join(f'{field} from {column}' for field, column in sorted(columns.items()))}")
