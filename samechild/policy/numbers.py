"""Keeping a number, and what a national service says beside it, apart from what the agency's own record says.

The two are different people's words, so neither may overwrite the other: they lie in rows of different kinds, under
the same child's key, and are read through the gate like everything else that says who a child is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from os import urandom

import msgspec
import sqlalchemy as sa

from samechild.errors import Invalid
from samechild.keys.children import ChildKey
from samechild.records import fields
from samechild.records.types import record_types
from samechild.storage.vaults import Heading, drop_identity, keep_identity

NUMBER = "personal.number"
"""The record type of what is kept here."""


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A number and what comes with it, to keep: values by field of :class:`samechild.records.Record`, never printed."""

    owner: str
    record_key: str
    basis: str
    received_at: datetime
    values: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Noted(record_key={self.record_key!r}, values=hidden)"


def keep_noted(connection: sa.Connection, key: ChildKey, noted: Noted) -> str:
    """Keep a number and what comes with it, sealed, in the caller's transaction; returns the row's id.

    Raises:
        Invalid: when a field is not a declared one, or the key is another child's.
    """
    unknown = sorted(set(noted.values) - set(fields()))
    if unknown:
        raise Invalid(f"Not a declared field: {', '.join(unknown)}.")
    heading = Heading(
        owner=noted.owner,
        record_key=noted.record_key,
        record_type=NUMBER,
        received_at=noted.received_at,
        basis=noted.basis,
        retention=record_types()[NUMBER].retention,
    )
    return keep_identity(connection, key, heading, msgspec.json.encode(dict(noted.values)), urandom)


def forget_noted(connection: sa.Connection, owner: str, row_ids: Sequence[str]) -> int:
    """Delete what turned out to be about somebody else; how many rows there were."""
    return drop_identity(connection, owner, row_ids)
