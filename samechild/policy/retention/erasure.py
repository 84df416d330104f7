"""Erasing a child: the child's keys are destroyed, every row is deleted, and that it was done can be proved.

UK GDPR Articles 5(1)(e) and 17; DPA 2018 section 47. The decision is one row in the gate's database; everything after
it may be interrupted and is finished at the next start. A tombstone (an opaque key, no more) outlives the child in the
databases and in a file outside them, so that a backup put back later comes out with the child erased.

The ledger keeps its entries, which hold no name. Without the child's salt nobody can tell which were about the child.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Missing, Refused, Unavailable
from samechild.keys import store as key_store
from samechild.keys.actions import destroy_keys
from samechild.keys.children import Vault
from samechild.keys.graveyard import buried, bury
from samechild.keys.store import Tombstone
from samechild.policy.ledger import Proof, append, prove
from samechild.policy.retention import erasure_store
from samechild.policy.retention import store as retention_store
from samechild.policy.retention.erasure_store import Intent
from samechild.records.disclosure import Asker
from samechild.storage import Database, Login, Store
from samechild.storage.changes import note_change
from samechild.storage.freed import overwrite_freed

ERASURE = "erasure"
"""The kind of ledger entry about erasures."""

ERASED = "erased"
"""The kind of change by which the rooms that follow the content vault learn to drop what they keep of a record."""

Tables = Sequence[sa.MetaData]

_LOGINS = (Login.GATE, Login.IDENTITY, Login.CONTENT)

LATECOMERS = timedelta(days=1)
"""A program that was reading a child while it was erased may still write a row: so long after, such rows are sought."""


class Why(StrEnum):
    """Why a child is erased."""

    RETENTION = "retention"  # the period ended
    REQUEST = "request"  # UK GDPR Article 17: the person asked, and no exception applies
    MISTAKE = "mistake"  # it should never have been received
    PURGED = "purged"  # whoever sent it asked for it to be erased


class Erased(msgspec.Struct, frozen=True):
    """What became of an erasure: its id, its announcing ledger entry, and whether the last byte is gone.

    Unless ``finished``, the keys are destroyed but somebody was reading: it is finished at the next start.
    """

    erasure: str
    entry: int | None
    finished: bool


class Certificate(msgspec.Struct, frozen=True):
    """That a child was erased, so that another can check it.

    ``stone`` names the SHA-256 of what was destroyed, which stands in ledger entry ``entry``; ``proof`` shows that the
    entry is in the signed ledger; ``left`` counts rows still found by table (none when all is well) in ``searched``.
    """

    stone: Tombstone
    entry: int
    proof: Proof
    left: dict[str, int]
    searched: list[str]


def erase(store: Store, tables: Tables, record_keys: Sequence[str], why: Why, who: Asker, now: datetime) -> Erased:
    """Erase children that ``who``'s organisation holds records of; nobody can undo it.

    Args:
        store: the open installation.
        tables: what every room declares: rows are found wherever a table has a column ``record_key``.
        record_keys: the opaque keys of the children's records.
        why: the reason's code.
        who: whose decision it is; only their own organisation's records are erased.
        now: when.

    Raises:
        Missing: when the organisation holds nothing of one of them (erased before, or never held).
        Refused: when a hold forbids destroying; nothing is destroyed then.
        Unavailable: when something cannot be written or reached. Once the decision is kept, the rest is done by
            :func:`finish_erasures`.
    """
    wanted = sorted(set(record_keys))
    held = classes_held(store, tables, who.organisation, wanted)
    if not wanted or set(held) != set(wanted):
        raise Missing("There is no such record.")
    with store.write(Login.GATE) as connection:
        for hold in retention_store.standing_holds(connection, who.organisation):
            if any(hold.covers(who.organisation, key, kind) for key in wanted for kind in held[key]):
                raise Refused(
                    f"A hold ({hold.kind}, {hold.reference}) forbids destroying: an officer must lift it first."
                )
        intent = Intent(
            id=sha256("\n".join([who.organisation, now.isoformat(), *wanted]).encode()).hexdigest()[:32],
            owner=who.organisation,
            who=who.user,
            why=why.value,
            asked_at=now,
            children={key: digest_of_keys(connection, key) for key in wanted},
        )
        intent = erasure_store.keep_intent(connection, intent)
    return _finish(store, tables, _announce(store, intent, now), now)


def finish_erasures(store: Store, tables: Tables, now: datetime) -> int:
    """Finish what was interrupted, at every start of the program; says how many erasures are still not done.

    Raises:
        Unavailable: when something cannot be written or reached: it is tried again at the next start.
    """
    with store.read(Login.GATE) as connection:
        waiting = erasure_store.unfinished(connection)
        recent = [stone for stone in key_store.all_tombstones(connection) if stone.erased_at > now - LATECOMERS]
    finished = [_finish(store, tables, _announce(store, intent, now), now).finished for intent in waiting]
    _sweep(store, tables, recent)
    return finished.count(False)


def replay_tombstones(store: Store, tables: Tables, now: datetime, folders: Sequence[Path] = ()) -> int:
    """Erase again, after a backup was put back, every child erased since the backup was made; says how many.

    Keys and rows are destroyed first and the ledger told afterwards, because a ledger put back with an older backup
    may refuse to be written to until an officer accepts it; :func:`finish_erasures` then tells it.

    Args:
        store: the installation with the backup in it.
        tables: what every room declares.
        now: when.
        folders: where else tombstones may lie, besides home and the witness's folder: the home of before.

    Raises:
        Unavailable: when a file of tombstones is damaged, or something cannot be written.
    """
    stones = buried([*_folders(store), *folders])
    with store.read(Login.GATE) as connection:
        known = {stone.record_key: stone for stone in key_store.all_tombstones(connection)}
    left = [stone for key, stone in stones.items() if key not in known]
    for erasure in sorted({stone.erasure for stone in left}):
        some = [stone for stone in left if stone.erasure == erasure]
        _finish(store, tables, _kept_intent(store, some), now, ledger_last=True)
    _sweep(store, tables, list(known.values()))  # a backup's vaults may be a moment older than its gate
    overwrite_freed(store)
    everyone = stones | known
    for folder in _folders(store):
        bury([folder], [everyone[key] for key in sorted(everyone.keys() - buried([folder]).keys())])
    return len(left)


def certificate(store: Store, tables: Tables, record_key: str) -> Certificate:
    """Prove that a child was erased: from the ledger, and by looking for whatever should be gone.

    Raises:
        Missing: when there is no tombstone of that record key.
        Unavailable: when the ledger has not been told yet, or does not say what the tombstone says.
    """
    with store.read(Login.GATE) as connection:
        stone = key_store.tombstone(connection, record_key)
        if stone is None:
            raise Missing("There is no such record.")
        kept = erasure_store.intent(connection, stone.erasure)
    if kept is None or kept.entry is None:
        raise Unavailable("The ledger has not been told of this erasure yet: start the program again, then ask again.")
    proof = prove(store, kept.entry)
    if stone.destroyed not in _destroyed_by(proof.entry, stone.erasure):
        raise Unavailable("The ledger does not tell of this erasure: run `samechild ledger verify`.")
    left = {}
    for login in _LOGINS:
        with store.read(login, stone.owner) as connection:
            for table in erased_tables(tables, login.database):
                left[table.name] = erasure_store.count_rows(connection, table, record_key)
    return Certificate(stone, kept.entry, proof, {name: rows for name, rows in left.items() if rows}, sorted(left))


def digest_of_keys(connection: sa.Connection, record_key: str) -> str:
    """SHA-256 over a child's wrapped keys and salt: says nothing, but shows which keys an older copy must not hold."""
    digest = sha256()
    for vault in Vault:
        key = key_store.child_key(connection, vault, record_key)
        digest.update(sha256(key.wrapped if key else b"").digest())
    salt = key_store.salt(connection, record_key)
    digest.update(sha256(salt.wrapped if salt else b"").digest())
    return digest.hexdigest()


def erased_tables(tables: Tables, database: Database) -> list[sa.Table]:
    """The tables of a database whose rows go when a child is erased: all with a column ``record_key``, unless guarded.

    Rows of append-only tables stay; whatever they hold of a child is sealed under the child's key, or is an opaque key.
    A table that must outlast the child says why in its declaration (``info={"outlives": "..."}``).
    """
    return [
        table
        for declared in tables
        if declared.info.get("database") == database.value
        for table in reversed(declared.sorted_tables)
        if "record_key" in table.c and not table.info.get("append_only") and not table.info.get("outlives")
    ]


def _announce(store: Store, intent: Intent, now: datetime) -> Intent:
    """Tell the ledger what is about to be destroyed. Interrupted just here it is told twice, which harms nothing."""
    if intent.entry is not None:
        return intent
    body = {
        "erasure": intent.id,
        "stage": "decided",
        "why": intent.why,
        "organisation": intent.owner,
        "user": intent.who,
        "destroys": sorted(intent.children.values()),
    }
    entry = append(store, ERASURE, body, now)
    with store.write(Login.GATE) as connection:
        erasure_store.announced(connection, intent.id, entry)
    return msgspec.structs.replace(intent, entry=entry)


def _finish(store: Store, tables: Tables, intent: Intent, now: datetime, *, ledger_last: bool = False) -> Erased:
    """Do what an erasure still lacks. Each step may be done again without harm."""
    keys = sorted(intent.children)
    stones = [Tombstone(key, intent.owner, now, intent.why, intent.id, intent.children[key]) for key in keys]
    if intent.destroyed_at is None:
        bury(_folders(store), stones)
        with store.write(Login.GATE) as connection:
            destroy_keys(connection, stones)
            _delete(connection, erased_tables(tables, Database.GATE), keys)
            erasure_store.destroyed(connection, intent.id, now)
    _empty_vaults(store, tables, intent.owner, keys)
    _tell_followers(store, intent.owner, keys, now)
    finished = overwrite_freed(store)
    if ledger_last:
        try:
            intent = _announce(store, intent, now)
        except Unavailable:
            return Erased(intent.id, None, False)
    if finished:
        append(store, ERASURE, {"erasure": intent.id, "stage": "done"}, now)
        with store.write(Login.GATE) as connection:
            erasure_store.done(connection, intent.id, now)
    return Erased(intent.id, intent.entry, finished)


def _empty_vaults(store: Store, tables: Tables, owner: str, record_keys: Sequence[str]) -> None:
    for login in _LOGINS[1:]:
        with store.write(login, owner) as connection:
            _delete(connection, erased_tables(tables, login.database), record_keys)


def _tell_followers(store: Store, owner: str, record_keys: Sequence[str], now: datetime) -> None:
    """Tell the rooms that follow; interrupted just here they are told twice, which harms nothing."""
    with store.write(Login.CONTENT, owner) as connection:
        for key in record_keys:
            note_change(connection, Database.CONTENT, ERASED, space=owner, subject=key, now=now)


def _sweep(store: Store, tables: Tables, stones: Sequence[Tombstone]) -> None:
    """Delete rows that came, or came back, after their child was erased. Nothing sealed in them can be read."""
    for owner in sorted({stone.owner for stone in stones}):
        _empty_vaults(store, tables, owner, sorted(stone.record_key for stone in stones if stone.owner == owner))


def _destroyed_by(entry: str, erasure: str) -> list[str]:
    """The digests that a ledger entry says an erasure destroys."""
    body = msgspec.json.decode(entry, type=_Announced).body
    return list(body.get("destroys", [])) if body.get("erasure") == erasure else []


class _Announced(msgspec.Struct, frozen=True):
    body: dict[str, Any]


def _delete(connection: sa.Connection, tables: Sequence[sa.Table], record_keys: Sequence[str]) -> None:
    for table in tables:
        erasure_store.delete_rows(connection, table, record_keys)


def _kept_intent(store: Store, stones: Sequence[Tombstone]) -> Intent:
    """Find or write down again the erasure that these tombstones are of."""
    first = stones[0]
    with store.write(Login.GATE) as connection:
        kept = erasure_store.intent(connection, first.erasure)
        if kept is not None:
            return msgspec.structs.replace(kept, destroyed_at=None)
        made = Intent(
            id=first.erasure,
            owner=first.owner,
            who="restore",
            why=first.why,
            asked_at=first.erased_at,
            children={stone.record_key: stone.destroyed for stone in stones},
        )
        erasure_store.keep_intent(connection, made)
    return made


def classes_held(store: Store, tables: Tables, owner: str, record_keys: Sequence[str]) -> dict[str, set[str]]:
    """What an organisation holds of these children: the retention classes of its rows, by record key."""
    found: dict[str, set[str]] = {}
    for login in _LOGINS:
        owned = [table for table in erased_tables(tables, login.database) if "owner" in table.c]
        with store.read(login, owner) as connection:
            for table in owned:
                for key, kind in erasure_store.classes_held(connection, table, owner, record_keys):
                    found.setdefault(key, set()).add(kind)
    return found


def _folders(store: Store) -> list[Path]:
    return [store.home, store.witness]
