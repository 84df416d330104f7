"""What is done with keys in one transaction of the gate's database: opening the register, giving a child its keys.

Each function takes a connection that writes and leaves committing to its caller.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from samechild.errors import Missing, Unavailable
from samechild.keys import store
from samechild.keys.children import (
    ChildKey,
    Vault,
    new_child_key,
    new_salt,
    open_child_key,
    open_salt,
    purpose_of,
)
from samechild.keys.register import Keyring, Purpose, first_keys
from samechild.keys.seal import Random

_AT_ONCE = 500
"""So many children's keys are looked up by one query."""


def open_keyring(
    connection: sa.Connection, root: bytes, random: Random, now: datetime, only: Collection[str] | None = None
) -> Keyring:
    """Open an installation's keys with its root key; a new installation is given its first keys.

    Raises:
        Unavailable: when the root key is not the one of this installation, or the register was lost while sealed
            things are still there.
    """
    lines = store.wrapped_keys(connection)
    if not lines:
        if store.has_children(connection):
            raise Unavailable("The key register is empty, but children's keys are there: restore a backup.")
        try:
            with connection.begin_nested():
                store.keep_keys(connection, first_keys(root, random, now))
        except sa.exc.IntegrityError:
            pass  # another process drew them at this very moment
        lines = store.wrapped_keys(connection)
    return Keyring(root, lines, only)


def key_of_child(connection: sa.Connection, keyring: Keyring, vault: Vault, record_key: str) -> ChildKey:
    """Open a child's key of one vault, to read what is sealed under it.

    Raises:
        Missing: when the child has no key: nothing was kept, or the child was erased. Both sound the same.
    """
    kept = store.child_key(connection, vault, record_key)
    if kept is None:
        raise Missing("There is no such record.")
    _opened(connection, keyring, purpose_of(vault), kept.kek_version)
    return open_child_key(keyring, kept)


def keys_of_children(
    connection: sa.Connection, keyring: Keyring, vault: Vault, record_keys: Sequence[str]
) -> dict[str, ChildKey]:
    """Open the keys of several children of one vault; whoever has none (nothing kept, or erased) is left out."""
    kept = store.children_keys(connection, vault, record_keys)
    for version in {key.kek_version for key in kept.values()}:
        _opened(connection, keyring, purpose_of(vault), version)
    return {record_key: open_child_key(keyring, key) for record_key, key in kept.items()}


def key_for_child(
    connection: sa.Connection, keyring: Keyring, vault: Vault, record_key: str, random: Random
) -> ChildKey:
    """Open a child's key of one vault, making it if this is the first thing kept about the child there.

    A child with a key has a salt too, so that what the ledger says of the child can be cut off from the child later.

    Raises:
        Missing: when the child was erased: nothing is kept under that record key again.
    """
    kept = store.child_key(connection, vault, record_key)
    if kept is None:
        _same_version(connection, keyring, purpose_of(vault))
        _living(connection, record_key)  # after waiting for an erasure that is being done at this moment
        kept = new_child_key(keyring, vault, record_key, random)
        store.keep_child_key(connection, kept)
        salt_for_child(connection, keyring, record_key, random)
    _opened(connection, keyring, purpose_of(vault), kept.kek_version)
    return open_child_key(keyring, kept)


def keys_for_children(
    connection: sa.Connection, keyring: Keyring, vault: Vault, record_keys: Sequence[str], random: Random
) -> dict[str, ChildKey]:
    """Open the keys of many children in one vault, making those that are not there yet; as :func:`key_for_child`.

    Raises:
        Missing: when one of them was erased.
    """
    found: dict[str, ChildKey] = {}
    for start in range(0, len(record_keys), _AT_ONCE):
        some = record_keys[start : start + _AT_ONCE]
        kept = store.children_keys(connection, vault, some)
        fresh = [record_key for record_key in dict.fromkeys(some) if record_key not in kept]
        if fresh:
            _same_version(connection, keyring, purpose_of(vault))
            _same_version(connection, keyring, Purpose.LEDGER_REFERENCES)
            if store.erased_of(connection, fresh):
                raise Missing("There is no such record.")
            made = {record_key: new_child_key(keyring, vault, record_key, random) for record_key in fresh}
            salted = store.salted(connection, fresh)
            salts = [new_salt(keyring, record_key, random) for record_key in fresh if record_key not in salted]
            store.keep_children_keys(connection, list(made.values()), salts)
            kept |= made
        for version in {key.kek_version for key in kept.values()}:
            _opened(connection, keyring, purpose_of(vault), version)
        found |= {record_key: open_child_key(keyring, key) for record_key, key in kept.items()}
    return found


def salt_of_child(connection: sa.Connection, keyring: Keyring, record_key: str) -> bytes:
    """Open the salt of a child's references; empty when the child has none (never kept, or erased)."""
    kept = store.salt(connection, record_key)
    if kept is None:
        return b""
    _opened(connection, keyring, Purpose.LEDGER_REFERENCES, kept.kek_version)
    return open_salt(keyring, kept)


def salt_for_child(connection: sa.Connection, keyring: Keyring, record_key: str, random: Random) -> bytes:
    """Open the salt of a child's references, making it the first time.

    Raises:
        Missing: when the child was erased.
    """
    kept = store.salt(connection, record_key)
    if kept is None:
        _same_version(connection, keyring, Purpose.LEDGER_REFERENCES)
        _living(connection, record_key)
        kept = new_salt(keyring, record_key, random)
        store.keep_salt(connection, kept)
    _opened(connection, keyring, Purpose.LEDGER_REFERENCES, kept.kek_version)
    return open_salt(keyring, kept)


def destroy_keys(connection: sa.Connection, stones: Sequence[store.Tombstone]) -> None:
    """Destroy the keys and salts of erased children and set up their tombstones, for good.

    Waits for whoever is giving a child its first key at this moment, so that no key is made behind its back.
    """
    for purpose in (Purpose.CONTENT, Purpose.IDENTITY, Purpose.LEDGER_REFERENCES):
        store.lock_register(connection, purpose, alone=True)
    for stone in stones:
        store.drop_child(connection, stone.record_key)
        store.keep_tombstone(connection, stone)


def refresh(connection: sa.Connection, keyring: Keyring, root: bytes | None = None) -> None:
    """Take the register as it stands in the database, for a process that runs while another rotates keys.

    ``root`` is the new root key, when that was what changed.
    """
    keyring.take(store.wrapped_keys(connection), root)


def _opened(connection: sa.Connection, keyring: Keyring, purpose: Purpose, version: int) -> None:
    """Make sure a version of a key is open that may have been made since this process opened its keys."""
    if (purpose, version) not in keyring:
        refresh(connection, keyring)


def _living(connection: sa.Connection, record_key: str) -> None:
    if store.tombstone(connection, record_key) is not None:
        raise Missing("There is no such record.")


def _same_version(connection: sa.Connection, keyring: Keyring, purpose: Purpose) -> None:
    """Make sure that what is wrapped now is wrapped under the version that counts, until this transaction ends.

    A process that opened its keys before they were rotated takes the register as it stands now.
    """
    if store.lock_register(connection, purpose, alone=False) != keyring.current(purpose).version:
        refresh(connection, keyring)
