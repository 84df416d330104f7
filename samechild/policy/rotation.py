"""Changing the keys of a running installation, with every change in the ledger before it happens.

A key is rotated because time has passed or because somebody may have seen it. What was sealed stays readable all the
way through; a kill at any moment leaves an installation that opens, and the same command finishes the work.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from samechild.errors import Conflict
from samechild.keys import rotation
from samechild.keys.actions import refresh
from samechild.keys.register import Purpose, WrappedKey, key_id_of
from samechild.keys.root import fingerprint
from samechild.keys.seal import Random
from samechild.policy.ledger.append import announce_key, append
from samechild.storage import Login, Store, cipher
from samechild.storage.freed import overwrite_freed

KEY = "key"
"""The kind of ledger entry about keys."""


class Rotated(msgspec.Struct, frozen=True):
    """What rotating a key did: its version now, how many children's keys were wrapped anew, what was destroyed.

    ``resumed`` says that an interrupted rotation was finished and no new key was drawn.
    """

    purpose: str
    version: int
    rewrapped: int
    retired: tuple[int, ...]
    resumed: bool


def rotate(
    store: Store, purpose: str, who: str, now: datetime, random: Random, tell: Callable[[int], None] = lambda done: None
) -> Rotated:
    """Draw a new key of a purpose, wrap what the old one wrapped anew, and destroy the old one if nothing needs it.

    Run again after an interruption it finishes that rotation and draws no further key.

    Args:
        store: the open installation.
        purpose: a :class:`~samechild.keys.register.Purpose`, or a project's.
        who: whose decision it is, as an opaque id, for the ledger.
        now: when.
        random: where random bytes come from.
        tell: told, after each batch, how many children's keys were wrapped anew so far.

    Raises:
        Missing: when there is no key of that purpose.
        Conflict: when another process rotates the same key now.
        Unavailable: when the ledger or the database cannot be written; what was done so far stays good.
    """
    with store.read(Login.GATE) as connection:
        resumed = rotation.is_unfinished(connection, purpose)
        refresh(connection, store.keys)
    if not resumed:
        _draw(store, purpose, who, now, random)
    done = 0
    while True:
        with store.write(Login.GATE) as connection:
            batch = rotation.rewrap(connection, store.keys, purpose, random)
        if not batch:
            break
        done += batch
        tell(done)
    version = store.keys.current(purpose).version
    with store.read(Login.GATE) as connection:
        retired = rotation.unneeded(connection, purpose)
    body = {"purpose": purpose, "stage": "finished", "version": version, "rewrapped": done, "retired": retired}
    append(store, KEY, {**body, "by": who}, now)
    with store.write(Login.GATE) as connection:
        rotation.retire(connection, purpose, retired)
        refresh(connection, store.keys)
    overwrite_freed(store)
    return Rotated(purpose, version, done, tuple(retired), resumed)


def rotate_root(store: Store, new: bytes, who: str, now: datetime, random: Random) -> bool:
    """Wrap every key under another root key, in one transaction; False when it is the root key already.

    Encrypted database files open with both root keys until the change is made, and with the new one alone after it.
    The caller keeps the new key safe first, and sets ``root_key`` in the settings afterwards.

    Raises:
        Conflict: when the keys were rotated by another process meanwhile.
        Unavailable: when something cannot be written; the old root key then still opens everything.
    """
    old = store.keys.root_secret()
    if new == old:
        cipher.wrap_only_for(store.home, new, random)
        return False
    cipher.wrap_for(store.home, old, new, random)
    append(store, KEY, {"purpose": "root", "from": fingerprint(old), "to": fingerprint(new), "by": who}, now)
    with store.write(Login.GATE) as connection:
        rotation.change_root(connection, store.keys, new, random)
    with store.read(Login.GATE) as connection:
        refresh(connection, store.keys, new)
    cipher.wrap_only_for(store.home, new, random)
    overwrite_freed(store)
    return True


def new_project_key(store: Store, purpose: str, who: str, now: datetime, random: Random) -> None:
    """Draw the first key of a project; see :func:`samechild.keys.seal.project` for its purpose's name.

    Raises:
        Conflict: when the project has a key already.
    """
    with store.read(Login.GATE) as connection:
        refresh(connection, store.keys)
    if any(line.purpose == purpose for line in store.keys.lines):
        raise Conflict("This project has a key already: rotate it, or name another project.")
    _draw(store, purpose, who, now, random)


def _draw(store: Store, purpose: str, who: str, now: datetime, random: Random) -> WrappedKey:
    """Draw a purpose's next key, write into the ledger that it comes, and use it from then on."""
    made = store.keys.new_version(purpose, random, now)
    if purpose == Purpose.LEDGER_SIGNING:
        announce_key(store, made.public, who, now)
    body = {"purpose": purpose, "stage": "begun", "version": made.version, "by": who}
    append(store, KEY, {**body, "key": key_id_of(made.public)} if made.public else body, now)
    with store.write(Login.GATE) as connection:
        rotation.begin(connection, store.keys, made)
    return made
