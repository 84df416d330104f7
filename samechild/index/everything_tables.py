"""Which rows of which tables go along when an organisation leaves, and what each column means: the data dictionary.

Every table of the installation is either taken along, or named here with the reason why not; a test finds any that is
neither. Keys, secrets, sign-ins and keyed tokens stay: they mean nothing elsewhere, or open something here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from samechild.identifiers.nhs_number import STATUS_MEANINGS
from samechild.index.records import Apart, Kind, Outcome
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.records import Sensitivity, fields
from samechild.records.types import Sector, record_types
from samechild.storage import Database, Login, Store

Tables = Sequence[sa.MetaData]

LOGINS = {Database.GATE: Login.GATE, Database.IDENTITY: Login.IDENTITY, Database.CONTENT: Login.CONTENT}

_KEYS = "keys of this installation: they open nothing elsewhere"
_SIGN_IN = "how people and systems sign in here: made anew elsewhere"
_WORK = "the work of this installation itself: jobs, notices of changes, cursors"
_LEDGER = "written whole, or as an extract, as ledger.ndjson"
_OPENED = "opened through the gate and written as records, content and connected people"
_INDEX = "written as children, rulings, numbers and events"
_OTHERS = "about organisations, people or rules that are not this organisation's alone; what is stands elsewhere here"

NOT_TAKEN = {
    **dict.fromkeys(("child_salts", "content_child_keys", "identity_child_keys", "key_register"), _KEYS),
    **dict.fromkeys(
        (
            "access_tokens", "accounts", "client_secrets", "clients", "invitations", "personas", "provider_people",
            "provider_starts", "recovery_codes", "sign_in_attempts", "sign_ins", "used_assertions", "feed_keys",
        ),
        _SIGN_IN,
    ),
    **dict.fromkeys(
        (
            "jobs", "gate_changes", "gate_followers", "identity_changes", "identity_followers", "content_changes",
            "content_followers", "register_collected", "call_turns",
        ),
        _WORK,
    ),
    **dict.fromkeys(("ledger_checkpoints", "ledger_entries", "ledger_references", "ledger_subtrees"), _LEDGER),
    **dict.fromkeys(("identity_rows", "lookups", "content_rows", "index_connected", "index_records"), _OPENED),
    **dict.fromkeys(
        ("index_aliases", "index_children", "index_events", "index_lines", "index_members", "index_spaces"), _INDEX
    ),
    **dict.fromkeys(("policy_head", "legal_entries", "approvals"), _OTHERS),
    "users": "written with their names as staff",
    "register_steps": "written with the cases they belong to",
    "role_ends": "written with the roles of staff",
    "role_reviews": "written with the roles of staff",
    "team_leavings": "of teams: who left is told by the staff",
    "team_members": "of teams: who belongs is told by the staff",
    "index_answers": "a reviewer's word on a question; the ruling it led to is among the rulings",
}  # fmt: skip
"""Tables that are not taken along as they are, each with its reason."""

_QUEUES = ("custody", "index_custody")
"""Queues of the custodian of adoption records: not even that something waits there is told."""

_WHOSE = ("owner", "organisation", "space")
_MEANINGLESS = {"token", "local", "digest", "alias", "email_token", "wrapped"}
_ABOUT_NOBODY = {"tombstones"}
"""Tables whose record keys are of children who are gone: taken along whole."""


def is_taken(table: sa.Table) -> bool:
    """Whether rows of a table are taken along as they are."""
    return table.name not in NOT_TAKEN and not table.name.startswith(_QUEUES) and _whose(table) is not None


def unexplained(tables: Tables) -> list[str]:
    """The tables that are neither taken along nor told why not."""
    every = [table for metadata in tables for table in metadata.sorted_tables]
    left = [table for table in every if not is_taken(table) and table.name not in NOT_TAKEN]
    return sorted(table.name for table in left if not table.name.startswith(_QUEUES) and table.name != _AGREED)


_AGREED = "agreement_events"


def _whose(table: sa.Table) -> sa.Column[Any] | None:
    return next((table.c[name] for name in _WHOSE if name in table.c), None)


def columns_of(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of a table that are taken along: not what is sealed, nor keyed tokens."""
    return [
        column
        for column in table.columns
        if not isinstance(column.type, sa.LargeBinary) and column.name not in _MEANINGLESS
    ]


def rows_of(
    store: Store, database: Database, table: sa.Table, organisation: str, known: Collection[str]
) -> pa.Table | None:
    """An organisation's rows of a table as text columns; None when there are none.

    Of records only those in ``known``: what the gate did not open is not told of in any other table either.
    """
    whose, columns = _whose(table), columns_of(table)
    if whose is None:
        return None
    with store.read(LOGINS[database], organisation) as connection:
        found = connection.execute(sa.select(*columns).where(whose == organisation).order_by(*columns[:1])).all()
    kept = [row for row in found if _may_go(table, row._mapping, known)]
    return as_table([column.name for column in columns], [tuple(row) for row in kept]) if kept else None


def _may_go(table: sa.Table, row: Any, known: Collection[str]) -> bool:
    if table.name in _ABOUT_NOBODY:
        return True
    keys = [row[name] for name in ("record_key", "other_key") if row.get(name)]
    return all(key in known for key in keys)


def agreement_rows(store: Store, tables: Tables, organisation: str, agreements: Collection[str]) -> pa.Table | None:
    """What happened to the agreements of an organisation: who signed, who ended."""
    table = next(t for metadata in tables for t in metadata.sorted_tables if t.name == _AGREED)
    columns = columns_of(table)
    with store.read(Login.GATE, organisation) as connection:
        asked = sa.select(*columns).where(table.c.agreement.in_(sorted(agreements))).order_by(*columns[:3])
        found = connection.execute(asked).all()
    return as_table([column.name for column in columns], [tuple(row) for row in found]) if found else None


def as_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as a table of text; moments in UTC, missing stays missing."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {
            name: pa.array([None if value is None else _text(value) for value in values], pa.string())
            for name, values in zip(names, columns, strict=True)
        }
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# --- the data dictionary ----------------------------------------------------------------------------------------------


def dictionary_rows(tables: Tables) -> list[tuple[str, str, str, str]]:
    """The data dictionary: what (field, column, code), where, its name, and its meaning; from the declarations."""
    rows = [
        ("field", "records", field.name, f"{field.title} ({field.sensitivity.value})")
        for field in fields().values()
        if field.given
    ]
    rows += [("column", "records", name, words) for name, words in _PLACED.items()]
    rows += [("column", "children", name, words) for name, words in _CHILDREN.items()]
    rows += [("file", name, "", words) for name, words in _FILES.items()]
    for metadata in tables:
        for table in metadata.sorted_tables:
            if is_taken(table):
                rows += [("column", table.name, column.name, column.comment or "") for column in columns_of(table)]
            elif table.name in NOT_TAKEN:
                rows.append(("not taken", table.name, "", NOT_TAKEN[table.name]))
    return [*rows, *_codes()]


def _codes() -> list[tuple[str, str, str, str]]:
    found = [("code", "kind of event", kind.value, "") for kind in Kind]
    found += [("code", "ruling", apart.value, "") for apart in Apart if apart is not Apart.PROTECTED]
    found += [("code", "outcome", outcome.value, "") for outcome in Outcome]
    found += [("code", "NHS number status", code, words) for code, words in STATUS_MEANINGS.items()]
    found += [("code", "purpose", each.name, each.title) for each in purposes().values()]
    found += [("code", "role", each.name, each.title) for each in roles().values()]
    found += [("code", "record type", each.name, each.title) for each in record_types().values()]
    found += [("code", "sector", sector.value, "") for sector in Sector]
    return found + [("code", "sensitivity", each.value, "") for each in Sensitivity]


_PLACED = {
    "record_key": "opaque key of the record; the same in every file",
    "child": "identifier of the child it is of; see children",
    "received_at": "when it came, in UTC",
    "basis": "legal basis on which it is held",
}
_CHILDREN = {
    "child": "identifier of a child: opaque, never used again for another",
    "state": "live, unborn, merged or erased",
    "leads_to": "of a merged one: the child it leads to",
}
_FILES = {
    "records": "who each record says the child is, as it was given",
    "children": "every identifier of a child, and what became of it",
    "rulings": "records that a person, or taking a child apart, ruled to be of two children",
    "numbers": "NHS numbers that were superseded, invalidated or settled to be one child's",
    "events": "every event of the index, as a follower of the change feed is told of it",
    "connected": "parents, carers and other connected people, by the record they are known through",
    "content": "what is known of each record, one file for each record type",
    "staff": "people and systems of the organisation, with their roles",
    "cases": "cases of the registers, with their words",
    "ledger": "decisions and disclosures: codes, opaque ids and keyed references, no names",
    "model": "the linkage model in use, in Splink's settings format, with its term frequencies beside it",
}
