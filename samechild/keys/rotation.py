"""Rotation: a new version of a purpose's key, everything wrapped under the old one wrapped anew, the old one destroyed.

Each function is one short transaction, and the work can be taken up again wherever it stopped: until nothing is wrapped
under an older version, that version stays and opens what it always opened. What children's keys seal is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from samechild.errors import Conflict, Missing
from samechild.keys import store
from samechild.keys.actions import refresh
from samechild.keys.children import Vault, WrappedChildKey, WrappedSalt, purpose_of, rewrap_child_key, rewrap_salt
from samechild.keys.register import Keyring, Purpose, State, WrappedKey
from samechild.keys.seal import Random

BATCH = 500
"""How many children's keys are wrapped anew in one transaction."""

GONE_AT_ONCE = frozenset({Purpose.LEDGER_SIGNING, Purpose.SESSIONS})
"""Purposes whose former key opens nothing: signatures need only its public half, and people may sign in again."""

GONE_WHEN_UNUSED = {purpose_of(vault): vault for vault in Vault}
"""Purposes whose former key only wraps children's keys. All others keep former versions for ever.

References and search tokens made with a former key could not be found without it; secrets in the gate's database and
projects' pseudonyms are not counted here.
"""


def is_unfinished(connection: sa.Connection, purpose: str) -> bool:
    """Whether an earlier rotation of a purpose was interrupted and some keys are still wrapped under an older one.

    Raises:
        Missing: when there is no key of that purpose.
    """
    lines = [line for line in store.wrapped_keys(connection) if line.purpose == purpose]
    if not lines:
        raise Missing("There is no key for that purpose: `samechild keys list` shows those there are.")
    return unneeded(connection, purpose) != [] or _outdated(connection, purpose, lines[-1].version, 1) != ([], [])


def begin(connection: sa.Connection, keyring: Keyring, made: WrappedKey) -> None:
    """Use a newly drawn key (``Keyring.new_version``) from now on for what is new.

    Raises:
        Conflict: when another process rotated the same purpose since it was drawn.
    """
    before = [line for line in store.wrapped_keys(connection) if line.purpose == made.purpose]
    if before:
        store.lock_register(connection, made.purpose, alone=True)
    if made.version != max((line.version for line in before), default=0) + 1:
        raise Conflict(f"The {made.purpose} key was rotated just now: `samechild keys list` shows how it stands.")
    store.keep_keys(connection, [made])
    refresh(connection, keyring)


def rewrap(connection: sa.Connection, keyring: Keyring, purpose: str, random: Random, limit: int = BATCH) -> int:
    """Wrap the next children's keys (or salts) under the purpose's current key; 0 when none is left."""
    version = store.lock_register(connection, purpose, alone=False)
    if (purpose, version) not in keyring:
        refresh(connection, keyring)
    keys, salts = _outdated(connection, purpose, version, limit)
    if keys:
        store.rewrite_child_keys(connection, keys[0].vault, [rewrap_child_key(keyring, key, random) for key in keys])
    store.rewrite_salts(connection, [rewrap_salt(keyring, salt, random) for salt in salts])
    return len(keys) + len(salts)


def unneeded(connection: sa.Connection, purpose: str) -> list[int]:
    """Which former versions of a purpose's key nothing needs any more."""
    lines = [line for line in store.wrapped_keys(connection) if line.purpose == purpose]
    former = [line.version for line in lines if line.state is State.FORMER]
    if purpose in GONE_WHEN_UNUSED:
        return [] if _outdated(connection, purpose, lines[-1].version, 1) != ([], []) else former
    return former if purpose in GONE_AT_ONCE else []


def retire(connection: sa.Connection, purpose: str, versions: Sequence[int]) -> None:
    """Destroy former versions of a purpose's key.

    Raises:
        Conflict: when something came to need one of them meanwhile; nothing is destroyed then.
    """
    store.lock_register(connection, purpose, alone=True)
    if not set(versions) <= set(unneeded(connection, purpose)):
        raise Conflict(f"The {purpose} key is still being rotated by another process: run the same command again.")
    for version in versions:
        store.retire_key(connection, purpose, version)


def change_root(connection: sa.Connection, keyring: Keyring, root: bytes, random: Random) -> None:
    """Wrap every key of the register under another root key, all in this one transaction."""
    for purpose in sorted({line.purpose for line in keyring.lines}):
        store.lock_register(connection, purpose, alone=True)
    refresh(connection, keyring)
    store.rewrite_keys(connection, keyring.rewrapped(root, random))


def _outdated(
    connection: sa.Connection, purpose: str, version: int, limit: int
) -> tuple[list[WrappedChildKey], list[WrappedSalt]]:
    if purpose in GONE_WHEN_UNUSED:
        return store.child_keys_before(connection, GONE_WHEN_UNUSED[Purpose(purpose)], version, limit), []
    if purpose == Purpose.LEDGER_REFERENCES:
        return [], store.salts_before(connection, version, limit)
    return [], []
