"""What the gate's database keeps of keys: the register, each child's wrapped keys and salt, and who was erased.

The wrapped keys lie apart from both vaults, so that a stolen copy of a vault opens nothing. On a server the role of the
identity vault reaches only the identity keys, that of the content vault only the content keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict
from samechild.keys.children import Vault, WrappedChildKey, WrappedSalt
from samechild.keys.register import State, WrappedKey
from samechild.sql.among import among
from samechild.sql.columns import moment, moment_text

TABLES = sa.MetaData(info={"database": "gate"})

_EVERY_ROLE = dict.fromkeys(("identity", "content", "ledger", "indexer", "extractor"), "SELECT")

key_register = sa.Table(
    "key_register",
    TABLES,
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False, comment="current, former or retired"),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("root", sa.Text, nullable=False, comment="fingerprint of the root key it is wrapped under"),
    sa.Column("wrapped", sa.LargeBinary, nullable=False, comment="empty once retired"),
    sa.Column("public", sa.LargeBinary, nullable=False, comment="public half of a signing key"),
    info={"grants": {"gate": "SELECT, INSERT, UPDATE", **_EVERY_ROLE}},
)
sa.Index(
    "key_register_one_current",
    key_register.c.purpose,
    unique=True,
    sqlite_where=key_register.c.state == "current",
    postgresql_where=key_register.c.state == "current",
)


def _child_keys(vault: Vault) -> sa.Table:
    return sa.Table(
        f"{vault.value}_child_keys",
        TABLES,
        sa.Column("record_key", sa.Text, primary_key=True),
        sa.Column("kek_version", sa.Integer, nullable=False, index=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        info={"grants": {"gate": "SELECT, INSERT, UPDATE, DELETE", vault.value: "SELECT", **_READER[vault]}},
    )


_READER = {Vault.IDENTITY: {"indexer": "SELECT"}, Vault.CONTENT: {"extractor": "SELECT"}}
child_keys = {vault: _child_keys(vault) for vault in Vault}

child_salts = sa.Table(
    "child_salts",
    TABLES,
    sa.Column("record_key", sa.Text, primary_key=True),
    sa.Column("kek_version", sa.Integer, nullable=False, index=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    info={"grants": {"gate": "SELECT, INSERT, UPDATE, DELETE", "ledger": "SELECT"}},
)

tombstones = sa.Table(
    "tombstones",
    TABLES,
    sa.Column("record_key", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, comment="organisation whose record it was"),
    sa.Column("erased_at", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False, comment="code of the reason"),
    sa.Column("erasure", sa.Text, nullable=False, comment="id of the erasure, as its ledger entries give it"),
    sa.Column("destroyed", sa.Text, nullable=False, comment="SHA-256 over what the wrapped keys and salt were"),
    info={"append_only": True, "grants": {"gate": "SELECT, INSERT", "identity": "SELECT", "content": "SELECT"}},
)


class Tombstone(msgspec.Struct, frozen=True):
    """What is left of an erased child: the opaque key, whose record it was, when and why (a code), and a digest.

    ``destroyed`` is the SHA-256 over the wrapped keys and salt that were destroyed, ``erasure``
    the id under which the ledger tells of it.
    """

    record_key: str
    owner: str
    erased_at: datetime
    why: str
    erasure: str
    destroyed: str


def wrapped_keys(connection: sa.Connection) -> list[WrappedKey]:
    """Read the register, oldest version of each purpose first."""
    rows = connection.execute(sa.select(key_register).order_by("purpose", "version"))
    return [
        WrappedKey(row.purpose, row.version, State(row.state), moment(row.made_at), row.root, row.wrapped, row.public)
        for row in rows
    ]


def keep_keys(connection: sa.Connection, keys: Iterable[WrappedKey]) -> None:
    """Add lines to the register; the current line of the same purpose, if any, becomes a former one first."""
    for key in keys:
        current = (key_register.c.purpose == key.purpose) & (key_register.c.state == State.CURRENT.value)
        connection.execute(key_register.update().where(current).values(state=State.FORMER.value))
        connection.execute(key_register.insert().values(_line(key)))


def rewrite_keys(connection: sa.Connection, keys: Iterable[WrappedKey]) -> None:
    """Put newly wrapped bytes in place of a line's, when the root key is rotated."""
    for key in keys:
        line = (key_register.c.purpose == key.purpose) & (key_register.c.version == key.version)
        connection.execute(key_register.update().where(line).values(_line(key)))


def retire_key(connection: sa.Connection, purpose: str, version: int) -> None:
    """Destroy a former version of a key; the line stays, with its public half."""
    line = (
        (key_register.c.purpose == purpose)
        & (key_register.c.version == version)
        & (key_register.c.state == State.FORMER.value)
    )
    connection.execute(key_register.update().where(line).values(state=State.RETIRED.value, wrapped=b""))


def lock_register(connection: sa.Connection, purpose: str, *, alone: bool) -> int:
    """Hold the version of a purpose's key until the transaction ends, and say which it is.

    ``alone`` is for who rotates or retires; who wraps something under it shares. On SQLite a write transaction is
    alone anyhow.

    Raises:
        Conflict: when the purpose has no current key, or it was rotated at this moment.
    """
    current = (key_register.c.purpose == purpose) & (key_register.c.state == State.CURRENT.value)
    version = connection.scalar(sa.select(key_register.c.version).where(current).with_for_update(read=not alone))
    if version is None:
        raise Conflict(f"There is no current {purpose} key: it was rotated just now. Try again.")
    return int(version)


def has_children(connection: sa.Connection) -> bool:
    """Whether any child's key is kept, so that a register without lines was lost and is not new."""
    return any(connection.scalar(sa.select(sa.exists(sa.select(table)))) for table in child_keys.values())


def child_key(connection: sa.Connection, vault: Vault, record_key: str) -> WrappedChildKey | None:
    """Find a child's wrapped key in one vault; None when there is none (yet, or any more)."""
    table = child_keys[vault]
    row = connection.execute(sa.select(table).where(table.c.record_key == record_key)).first()
    return None if row is None else WrappedChildKey(row.record_key, vault, row.kek_version, row.wrapped)


def children_keys(connection: sa.Connection, vault: Vault, record_keys: Sequence[str]) -> dict[str, WrappedChildKey]:
    """Find the wrapped keys of several children in one vault; who has none is left out."""
    table = child_keys[vault]
    rows = connection.execute(sa.select(table).where(among(table.c.record_key, record_keys)))
    return {row.record_key: WrappedChildKey(row.record_key, vault, row.kek_version, row.wrapped) for row in rows}


def keep_child_key(connection: sa.Connection, key: WrappedChildKey) -> None:
    """Keep a new child's key; a second one for the same child and vault is refused by the database."""
    connection.execute(
        child_keys[key.vault]
        .insert()
        .values(record_key=key.record_key, kek_version=key.kek_version, wrapped=key.wrapped)
    )


def keep_children_keys(
    connection: sa.Connection, keys: Sequence[WrappedChildKey], salts: Sequence[WrappedSalt]
) -> None:
    """Keep the keys of several new children, and the salts of those who had none; refused as for one."""
    for vault, table in child_keys.items():
        rows = [
            {"record_key": key.record_key, "kek_version": key.kek_version, "wrapped": key.wrapped}
            for key in sorted(keys, key=lambda key: key.record_key)
            if key.vault is vault
        ]
        if rows:
            connection.execute(table.insert(), rows)
    if salts:
        ordered = sorted(salts, key=lambda salt: salt.record_key)  # neighbours in the database, so fewer pages are met
        connection.execute(child_salts.insert(), [msgspec.structs.asdict(each) for each in ordered])


def child_keys_before(connection: sa.Connection, vault: Vault, version: int, limit: int) -> list[WrappedChildKey]:
    """Find children's keys of a vault that are wrapped under an older version than ``version``, at most ``limit``."""
    table = child_keys[vault]
    rows = connection.execute(sa.select(table).where(table.c.kek_version < version).limit(limit))
    return [WrappedChildKey(row.record_key, vault, row.kek_version, row.wrapped) for row in rows]


def rewrite_child_keys(connection: sa.Connection, vault: Vault, keys: Sequence[WrappedChildKey]) -> None:
    """Put newly wrapped bytes in place of children's; a child erased meanwhile stays erased."""
    _rewrite(connection, child_keys[vault], keys)


def drop_child(connection: sa.Connection, record_key: str) -> None:
    """Destroy a child's keys of both vaults and the salt of the child's references."""
    for table in (*child_keys.values(), child_salts):
        connection.execute(table.delete().where(table.c.record_key == record_key))


def salt(connection: sa.Connection, record_key: str) -> WrappedSalt | None:
    """Find the wrapped salt of a child's references; None when there is none (yet, or any more)."""
    row = connection.execute(sa.select(child_salts).where(child_salts.c.record_key == record_key)).first()
    return None if row is None else WrappedSalt(row.record_key, row.kek_version, row.wrapped)


def keep_salt(connection: sa.Connection, kept: WrappedSalt) -> None:
    """Keep the salt of a new child's references."""
    connection.execute(child_salts.insert().values(msgspec.structs.asdict(kept)))


def salts_before(connection: sa.Connection, version: int, limit: int) -> list[WrappedSalt]:
    """Find salts that are wrapped under an older version than ``version``, at most ``limit``."""
    rows = connection.execute(sa.select(child_salts).where(child_salts.c.kek_version < version).limit(limit))
    return [WrappedSalt(row.record_key, row.kek_version, row.wrapped) for row in rows]


def rewrite_salts(connection: sa.Connection, kept: Sequence[WrappedSalt]) -> None:
    """Put newly wrapped bytes in place of children's salts; a child erased meanwhile stays erased."""
    _rewrite(connection, child_salts, kept)


def tombstone(connection: sa.Connection, record_key: str) -> Tombstone | None:
    """Find the tombstone of an erased child; None for everybody else."""
    row = connection.execute(sa.select(tombstones).where(tombstones.c.record_key == record_key)).first()
    return None if row is None else _tombstone(row)


def erased_of(connection: sa.Connection, record_keys: Sequence[str]) -> set[str]:
    """Which of some records were erased."""
    asked = sa.select(tombstones.c.record_key).where(among(tombstones.c.record_key, record_keys))
    return set(connection.execute(asked).scalars())


def salted(connection: sa.Connection, record_keys: Sequence[str]) -> set[str]:
    """Which of some children have the salt of their references already."""
    asked = sa.select(child_salts.c.record_key).where(among(child_salts.c.record_key, record_keys))
    return set(connection.execute(asked).scalars())


def all_tombstones(connection: sa.Connection) -> list[Tombstone]:
    """Every erased child's tombstone, in the order of erasure."""
    rows = connection.execute(sa.select(tombstones).order_by("erased_at", "record_key"))
    return [_tombstone(row) for row in rows]


def keep_tombstone(connection: sa.Connection, stone: Tombstone) -> None:
    """Set up a tombstone; a child has one, however often its erasure is replayed."""
    if tombstone(connection, stone.record_key) is not None:
        return
    values = msgspec.structs.asdict(stone) | {"erased_at": moment_text(stone.erased_at)}
    connection.execute(tombstones.insert().values(values))


def _rewrite(connection: sa.Connection, table: sa.Table, kept: Sequence[WrappedChildKey | WrappedSalt]) -> None:
    statement = table.update().where(table.c.record_key == sa.bindparam("child"))
    new: dict[str, Any] = {"kek_version": sa.bindparam("version"), "wrapped": sa.bindparam("bytes")}
    values = [{"child": each.record_key, "version": each.kek_version, "bytes": each.wrapped} for each in kept]
    if values:
        connection.execute(statement.values(new), values)


def _line(key: WrappedKey) -> dict[str, Any]:
    return msgspec.structs.asdict(key) | {"state": key.state.value, "made_at": moment_text(key.made_at)}


def _tombstone(row: sa.Row[Any]) -> Tombstone:
    return Tombstone(row.record_key, row.owner, moment(row.erased_at), row.why, row.erasure, row.destroyed)
