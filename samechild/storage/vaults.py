"""The sealed rows of the two vaults, and the blind index by which a child is found without opening any of them.

Every row is sealed under the key of the child it is about, and is bound to its table, row, child, owner and record
type: bytes moved to another row no longer open. Whoever reads shows a permit, and the permit alone says whose rows, of
which children and of which kind are read. Rows are added and deleted, never changed.

Exact search goes over tokens: a keyed digest of the field and its normalised value (``Keyring.token``). A shielded
child's tokens lie in a partition that no search looks into, so that search does the same work whether the child is
there or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from os import urandom

import msgspec
import sqlalchemy as sa

from samechild.errors import Invalid, Refused
from samechild.keys.children import ChildKey, Vault, new_child_key, open_child_key
from samechild.keys.register import Keyring
from samechild.keys.seal import Random, place, seal, unseal
from samechild.keys.store import children_keys
from samechild.records.disclosure import Mode, Permit, Spread
from samechild.sql.among import among
from samechild.sql.columns import kept_columns

IDENTITY_TABLES = sa.MetaData(info={"database": "identity"})
CONTENT_TABLES = sa.MetaData(info={"database": "content"})

_ADD_AND_DELETE = "SELECT, INSERT, DELETE"

identity_rows = sa.Table(
    "identity_rows",
    IDENTITY_TABLES,
    sa.Column("row_id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("record_type", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index("identity_rows_of_child", "record_key", "record_type"),
    info={
        "owned": True,
        "grants": {"identity": _ADD_AND_DELETE, "indexer": "SELECT", "index": "SELECT, INSERT"},
        "everywhere": ["index"],
    },
)

lookups = sa.Table(
    "lookups",
    IDENTITY_TABLES,
    sa.Column("row_id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("partition", sa.Text, nullable=False, comment="open, or shielded: never searched"),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False, comment="keyed digest of the normalised value"),
    sa.Index("lookups_by_token", "owner", "partition", "field", "token"),
    sa.Index("lookups_of_child", "record_key"),
    sa.CheckConstraint("partition IN ('open', 'shielded')", name="lookups_partition"),
    info={"owned": True, "grants": {"identity": "SELECT, INSERT, UPDATE, DELETE", "indexer": "SELECT"}},
)

content_rows = sa.Table(
    "content_rows",
    CONTENT_TABLES,
    sa.Column("row_id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("record_type", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index("content_rows_of_child", "record_key", "record_type"),
    info={
        "owned": True,
        "grants": {"content": _ADD_AND_DELETE},
        "extractor_columns": ["row_id", "owner", "record_key", "received_at", "record_type", "sealed"],
    },
)

_ROWS = {Vault.IDENTITY: identity_rows, Vault.CONTENT: content_rows}


class Partition(StrEnum):
    """Where a child's tokens lie: among those that are searched, or apart."""

    OPEN = "open"
    SHIELDED = "shielded"


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What stands openly on a sealed row: whose it is, which child and kind, when it came, why and how long kept."""

    owner: str
    record_key: str
    record_type: str
    received_at: datetime
    basis: str
    retention: str


class Sealed(msgspec.Struct, frozen=True):
    """One row as it lies in the vault."""

    row_id: str
    heading: Heading
    sealed: bytes


class Opened(msgspec.Struct, frozen=True):
    """One row that a permit opened. It does not print what it holds."""

    row_id: str
    heading: Heading
    plain: bytes

    def __repr__(self) -> str:
        return f"Opened(row_id={self.row_id!r}, plain=hidden)"


def keep_identity(connection: sa.Connection, key: ChildKey, heading: Heading, plain: bytes, random: Random) -> str:
    """Keep something that says who a child is, sealed under the child's own identity key; returns the row's id.

    Raises:
        Invalid: when the key is another child's, or the other vault's.
    """
    return _keep(connection, Vault.IDENTITY, key, heading, plain, random)


def keep_content(connection: sa.Connection, key: ChildKey, heading: Heading, plain: bytes, random: Random) -> str:
    """Keep something known about a child, sealed under the child's own content key; returns the row's id.

    Raises:
        Invalid: when the key is another child's, or the other vault's.
    """
    return _keep(connection, Vault.CONTENT, key, heading, plain, random)


def keep_identities(connection: sa.Connection, them: Iterable[tuple[ChildKey, Heading, bytes]], random: Random) -> None:
    """Keep many identities, each sealed under its own child's key; as :func:`keep_identity`."""
    batch = random(4)  # rows that are kept together lie together, which a large vault is much quicker for
    rows = [_row(Vault.IDENTITY, key, heading, plain, random, batch) for key, heading, plain in them]
    if rows:
        connection.execute(identity_rows.insert(), sorted(rows, key=lambda row: str(row["row_id"])))


def drop_identity(connection: sa.Connection, owner: str, row_ids: Sequence[str]) -> int:
    """Delete single rows that say who a child is, such as somebody found by mistake; how many were there."""
    table, dropped = identity_rows, 0
    dropped += connection.execute(table.delete().where(table.c.owner == owner, among(table.c.row_id, row_ids))).rowcount
    return dropped


def identities_held(connection: sa.Connection, record_keys: Sequence[str]) -> list[Sealed]:
    """Every identity row of some records, still sealed, oldest first: for the room that matches records in memory.

    ``connection`` is one of ``Login.INDEX``, which sees the rows of every owner.
    """
    found: list[Sealed] = []
    asked = sa.select(identity_rows).where(among(identity_rows.c.record_key, record_keys))
    for row in connection.execute(asked.order_by(identity_rows.c.received_at, identity_rows.c.row_id)):
        values = row._mapping
        heading = Heading(**{name: values[name] for name in Heading.__struct_fields__})
        found.append(Sealed(row.row_id, heading, row.sealed))
    return found


def open_identity(row: Sealed, key: ChildKey) -> bytes:
    """Open one sealed identity row under its child's key.

    Raises:
        Invalid: when it was changed or moved, or the key is another's.
    """
    return unseal(key, row.sealed, _bound(Vault.IDENTITY, row.row_id, row.heading))


def identity_of(connection: sa.Connection, permit: Permit, keys: Mapping[str, ChildKey], now: datetime) -> list[Opened]:
    """Read who the children are that a permit names, oldest row first.

    Args:
        connection: one of the identity vault, in the permit's space.
        permit: says whose rows, of which children and of which record type.
        keys: the children's identity keys, from :func:`keys_of`; a child without one (erased) is left out.
        now: the time; a permit that has run out opens nothing.

    Raises:
        Refused: when the permit has run out, or is for existence only.
        Invalid: when a row was changed or moved.
    """
    return _read(connection, Vault.IDENTITY, permit, keys, now)


def content_of(connection: sa.Connection, permit: Permit, keys: Mapping[str, ChildKey], now: datetime) -> list[Opened]:
    """Read what is known about the children that a permit names, oldest row first; as :func:`identity_of`."""
    return _read(connection, Vault.CONTENT, permit, keys, now)


def keys_of(
    connection: sa.Connection, permit: Permit, keyring: Keyring, vault: Vault, now: datetime
) -> dict[str, ChildKey]:
    """Open the keys, in one vault, of the children that a permit names; ``connection`` is one of the gate's database.

    Raises:
        Refused: when the permit has run out, or is for existence only.
        Unavailable: when the keys of that vault are not open in this process.
    """
    _live(permit, now)
    kept = children_keys(connection, vault, permit.record_keys)
    for record_key in set(permit.record_keys) - set(kept):
        new_child_key(keyring, vault, record_key, urandom)  # as much work as opening one: time must not tell
    return {record_key: open_child_key(keyring, wrapped) for record_key, wrapped in kept.items()}


def keep_lookup(
    connection: sa.Connection, heading: Heading, partition: Partition, tokens: Mapping[str, str], random: Random
) -> None:
    """Let a child be found by these fields: ``tokens`` holds ``Keyring.token(field, value)`` by field.

    What lies in another partition than the open one is found only after it was moved there.
    """
    common = _heading_values(heading)
    del common["record_type"]
    rows = [
        {**common, "row_id": random(16).hex(), "partition": partition.value, "field": field, "token": token}
        for field, token in tokens.items()
    ]
    if rows:
        connection.execute(lookups.insert(), rows)


def move_lookups(
    connection: sa.Connection, owner: str, record_key: str, partition: Partition, fields: Sequence[str]
) -> int:
    """Take some fields of an organisation's record out of the search, or put them back; how many tokens moved."""
    moving = lookups.update().where(
        lookups.c.owner == owner,
        lookups.c.record_key == record_key,
        lookups.c.field.in_(list(fields)),
        lookups.c.partition != partition.value,
    )
    return connection.execute(moving.values(partition=partition.value)).rowcount


def find(connection: sa.Connection, permit: Permit, field: str, tokens: Sequence[str], now: datetime) -> list[str]:
    """Find the children whose field has exactly a value; opens no sealed row and never finds a shielded child.

    Args:
        connection: one of the identity vault, in the permit's space.
        permit: one for a search that names the field.
        field: which field was searched on.
        tokens: ``Keyring.tokens(field, normalised value)``, one for each version of the key.
        now: the time.

    Returns:
        Record keys, in an order that says nothing.

    Raises:
        Refused: when the permit is not for such a search, or has run out.
    """
    _current(permit, now)
    scope = permit.decision.ask.scope
    if scope.spread is not Spread.SEARCH or field not in scope.fields or field in permit.decision.hidden:
        raise Refused("This permit is not for a search on that field: ask the gate again, naming the field.")
    found = connection.execute(
        sa.select(lookups.c.record_key)
        .where(
            lookups.c.owner == permit.space,
            lookups.c.partition == Partition.OPEN.value,
            lookups.c.field == field,
            lookups.c.token.in_(list(tokens)),
        )
        .distinct()
        .order_by(lookups.c.record_key)
    )
    return list(found.scalars())


def _keep(
    connection: sa.Connection, vault: Vault, key: ChildKey, heading: Heading, plain: bytes, random: Random
) -> str:
    row = _row(vault, key, heading, plain, random)
    connection.execute(_ROWS[vault].insert().values(row))
    return str(row["row_id"])


def _row(
    vault: Vault, key: ChildKey, heading: Heading, plain: bytes, random: Random, batch: bytes = b""
) -> dict[str, object]:
    if key.vault is not vault or key.record_key != heading.record_key:
        raise Invalid(f"A row of the {vault.value} vault is sealed under that child's own {vault.value} key only.")
    row_id = (batch + random(16 - len(batch))).hex()
    sealed = seal(key, plain, _bound(vault, row_id, heading), random)
    return {"row_id": row_id, "sealed": sealed, **_heading_values(heading)}


def _read(
    connection: sa.Connection, vault: Vault, permit: Permit, keys: Mapping[str, ChildKey], now: datetime
) -> list[Opened]:
    _live(permit, now)
    table = _ROWS[vault]
    opened: list[Opened] = []
    rows = connection.execute(
        sa.select(table)
        .where(
            table.c.owner == permit.space,
            table.c.record_type == permit.record_type,
            among(table.c.record_key, permit.record_keys),
        )
        .order_by(table.c.received_at, table.c.row_id)
    )
    for row in rows:
        values = row._mapping
        heading = Heading(**{name: values[name] for name in Heading.__struct_fields__})
        key = keys.get(heading.record_key)
        if key is None:
            continue
        if key.vault is not vault:
            raise Invalid(f"The {vault.value} vault is opened with a child's {vault.value} key only.")
        opened.append(Opened(row.row_id, heading, unseal(key, row.sealed, _bound(vault, row.row_id, heading))))
    return sorted(opened, key=lambda each: (each.heading.received_at, each.row_id))


def _current(permit: Permit, now: datetime) -> None:
    if permit.decision.expires is not None and now >= permit.decision.expires:
        raise Refused("Leave to read has run out: ask again.")


def _live(permit: Permit, now: datetime) -> None:
    _current(permit, now)
    if permit.decision.ask.mode is not Mode.CONTENT:
        raise Refused("This permit says only whether a record exists: ask for its content.")


def _bound(vault: Vault, row_id: str, heading: Heading) -> bytes:
    return place(_ROWS[vault].name, "sealed", heading.record_key, row_id, heading.owner, heading.record_type)


def _heading_values(heading: Heading) -> dict[str, object]:
    return msgspec.structs.asdict(heading)
