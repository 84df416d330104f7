"""Keeping and opening who children are, many records at a time, for the room that matches records.

Matching looks at every record of a space at once. It does so in memory, inside the installation: nothing of it is a
disclosure until somebody is answered, and every answer goes through the gate. What is opened here must therefore stay
in the memory of the process; a test names the only callers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from os import urandom

import msgspec
import sqlalchemy as sa

from samechild.keys.actions import keys_for_children, keys_of_children
from samechild.keys.children import ChildKey, Vault
from samechild.policy.vault_actions import ADDRESS, IDENTITY
from samechild.records import fields
from samechild.records.types import record_types
from samechild.storage import Login, Store
from samechild.storage.vaults import Heading, identities_held, keep_identities, open_identity

_AT_ONCE = 2000


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who one record says a child is: values by field, as the agency gave them. It does not print them."""

    record_key: str
    owner: str
    basis: str
    values: Mapping[str, str]
    received_at: datetime

    def __repr__(self) -> str:
        return f"Who(record_key={self.record_key!r}, owner={self.owner!r}, values=hidden)"


def keys_for(store: Store, record_keys: Sequence[str]) -> dict[str, ChildKey]:
    """Open the identity keys of some records, making those of new ones, in one transaction of the gate's database.

    Raises:
        Missing: when one of them was erased: nothing is kept under that key again.
    """
    if not record_keys:
        return {}
    with store.write(Login.GATE) as gate:
        return keys_for_children(gate, store.keys, Vault.IDENTITY, record_keys, urandom)


def keep_who(
    connection: sa.Connection, keys: Mapping[str, ChildKey], them: Sequence[Who], known: Collection[str] = ()
) -> None:
    """Keep who children are, sealed, in the caller's own transaction; where they are stands apart from who they are.

    Of the records ``known`` already an address that is gone must not live on in an older row: nothing is kept of it.
    """
    places = {field.name for field in fields().values() if field.location}
    rows: list[tuple[ChildKey, Heading, bytes]] = []
    for who in them:
        parts: dict[str, dict[str, str]] = {IDENTITY: {}, ADDRESS: {}}
        for name, value in who.values.items():
            parts[ADDRESS if name in places else IDENTITY][name] = value
        for record_type, values in parts.items():
            if values or who.record_key in known:
                heading = Heading(
                    owner=who.owner,
                    record_key=who.record_key,
                    record_type=record_type,
                    received_at=who.received_at,
                    basis=who.basis,
                    retention=record_types()[record_type].retention,
                )
                rows.append((keys[who.record_key], heading, msgspec.json.encode(values)))
    keep_identities(connection, rows, urandom)


def who_they_are(store: Store, connection: sa.Connection, record_keys: Sequence[str]) -> Iterator[list[Who]]:
    """Open who some records say the children are, newest version of each, some thousands at a time.

    A record without a key (erased) is left out. ``connection`` is one of ``Login.INDEX``.
    """
    values = msgspec.json.Decoder(dict[str, str])
    for start in range(0, len(record_keys), _AT_ONCE):
        some = record_keys[start : start + _AT_ONCE]
        with store.read(Login.GATE) as gate:
            keys: dict[str, ChildKey] = {}
            for part in range(0, len(some), 500):
                keys |= keys_of_children(gate, store.keys, Vault.IDENTITY, some[part : part + 500])
        newest: dict[tuple[str, str], tuple[Heading, bytes]] = {}
        for row in identities_held(connection, some):
            key = keys.get(row.heading.record_key)
            if key is not None and row.heading.record_type in (IDENTITY, ADDRESS):
                newest[row.heading.record_key, row.heading.record_type] = (row.heading, open_identity(row, key))
        found = []
        for record_key in some:
            parts = [newest[record_key, kind] for kind in (IDENTITY, ADDRESS) if (record_key, kind) in newest]
            if parts:
                held = {name: value for _, plain in parts for name, value in values.decode(plain).items()}
                heading = parts[0][0]
                found.append(
                    Who(
                        record_key=record_key,
                        owner=heading.owner,
                        basis=heading.basis,
                        values=held,
                        received_at=heading.received_at,
                    )
                )
        yield found
