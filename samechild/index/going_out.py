"""Children and links out: an organisation's own records with the children they are of, decided by the gate as a batch.

One question is put for the whole batch. Where what is known of the records differs (a child who is shielded, one who is
not), the gate decides once for each difference, so that one hidden address does not take every other with it. A sealed
identity is left out, with its links, as if it were not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import pyarrow as pa

from samechild.errors import Missing
from samechild.index import store as tables
from samechild.index.exchange import given_columns
from samechild.index.records import WHO
from samechild.index.spaces import ask_of, space_of
from samechild.policy.actions import permit
from samechild.policy.vault_actions import read_what_may_be
from samechild.records.disclosure import Ask, Asker, Mode
from samechild.sql.columns import moment_text
from samechild.storage import Login, Store

BATCH = "index-export"
NOT_GIVEN = ("record_key", "child", "source", "record_id", "received_at", "basis")
"""Columns of an export that say where a record stands, not who the child is."""


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out: records as given with their child, and how each child's identifier stands. It prints no values."""

    records: pa.Table
    children: pa.Table
    left_out: int  # records of which the asker may not know, or that say nothing

    def __repr__(self) -> str:
        return f"Out(records={self.records.num_rows}, children={self.children.num_rows})"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it goes out."""

    record_key: str
    child: str
    source: str
    received_at: str
    values: Mapping[str, str]
    hidden: tuple[str, ...]


def take_out(store: Store, by: Asker, space: str, now: datetime, ask: Ask | None = None) -> Out:
    """Read every record of the asker's organisation in a space, as far as the gate opens it, with its child.

    ``ask`` says on what ground another purpose than the quality of links rests; owner, type and scope are filled in.

    Raises:
        Missing: when there is no such space for this asker.
        Refused: when the gate refuses; Unavailable: when it cannot be recorded.
    """
    here = space_of(store, space or by.organisation, by.organisation).space
    question = ask or ask_of(by, by.organisation, now, batch=BATCH)
    with store.read(Login.INDEX) as connection:
        every = tables.every_child(connection, here)
        own = [row for row in tables.every_member(connection, here) if row[1] == by.organisation]
    child_of = {key: child for key, _, _, child in own}
    permit(store, _about(question, by, WHO[0], ()))
    lines = read_lines(store, question, by, child_of, {key: source for key, _, source, _ in own})
    shown = {line.child for line in lines}
    return Out(
        records=records_table(lines),
        children=children_table(every, shown),
        left_out=len(child_of) - len(lines),
    )


def _about(question: Ask, by: Asker, record_type: str, record_keys: Sequence[str]) -> Ask:
    scope = msgspec.structs.replace(question.scope, record_keys=tuple(record_keys), batch=question.scope.batch or BATCH)
    return msgspec.structs.replace(
        question, who=by, owner=by.organisation, mode=Mode.CONTENT, record_type=record_type, scope=scope
    )


def read_lines(
    store: Store, question: Ask, by: Asker, child_of: Mapping[str, str], sources: Mapping[str, str]
) -> list[Line]:
    """Open who the records say the children are, newest version of each part, under the permits that the gate gives.

    A record of which the gate does not say who it is gives no line, whatever else it would let be read.
    """
    found: dict[str, Line] = {}
    for record_type in WHO:
        wanted = sorted(child_of) if record_type == WHO[0] else sorted(found)
        if not wanted:
            break
        for given, rows in read_what_may_be(store, _about(question, by, record_type, wanted)):
            newest = {row.heading.record_key: row for row in rows}  # oldest first, so that the newest stays
            for key, row in newest.items():
                was = found.get(key)
                values = msgspec.json.decode(row.plain, type=dict[str, str])
                found[key] = Line(
                    record_key=key,
                    child=child_of[key],
                    source=sources.get(key, ""),
                    received_at=moment_text(row.heading.received_at) if was is None else was.received_at,
                    values={**({} if was is None else was.values), **values},
                    hidden=tuple(given.decision.hidden) if was is None else was.hidden,
                )
    return [found[key] for key in sorted(found)]


def records_table(lines: Sequence[Line]) -> pa.Table:
    """Records as given, with their child; columns that nobody filled in are left out."""
    placed = {
        "record_key": [line.record_key for line in lines],
        "child": [line.child for line in lines],
        "source": [line.source for line in lines],
        "record_id": [line.values.get("record_id") for line in lines],
        "received_at": [line.received_at for line in lines],
    }
    given = {name: [line.values.get(name) for line in lines] for name in given_columns()}
    held = {name: values for name, values in given.items() if any(value is not None for value in values)}
    return pa.table({name: pa.array(values, pa.string()) for name, values in {**placed, **held}.items()})


def children_table(every: Mapping[str, str], shown: set[str]) -> pa.Table:
    """The children shown and every identifier that leads to one of them."""
    rows = []
    for child in sorted(every):
        end, seen = child, set[str]()
        while every.get(end, "").startswith("merged:") and end not in seen:
            seen.add(end)
            end = every[end].removeprefix("merged:")
        if end in shown:
            state, _, leads_to = every[child].partition(":")
            rows.append((child, state, leads_to))
    columns = {name: [row[at] for row in rows] for at, name in enumerate(("child", "state", "leads_to"))}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def refuse_when_empty(out: Out) -> None:
    """Raise Missing when there is nothing to take out, so that an empty file does not look like an answer."""
    if out.records.num_rows == 0:
        raise Missing("There is no record of your organisation in this space that you may take out.")
