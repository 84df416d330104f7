"""Purges: what a council asks to be erased is gone, from what was received too, and that it was done can be proved.

A whole child is erased as every child is: keys destroyed, rows deleted, a tombstone outside the databases. Something
within a child is cut out of every slice that brought it; the request is written beside the tombstones first, as tokens
of places, so that a backup put back later comes out without it. The commit point is the row that says what is to go.

Source: the specification's descriptions of ``purge``; UK GDPR Articles 5(1)(e) and 17.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.collection import store as tables
from samechild.collection.records import Feed
from samechild.collection.redact import matches, redact
from samechild.collection.states import BASIS, RETENTION, Received, put_right, received
from samechild.errors import Missing, Refused
from samechild.index.erasing import erase
from samechild.keys.actions import salt_of_child
from samechild.keys.graveyard import add_lines, lines_of
from samechild.policy import ledger
from samechild.policy.received import both_keys, sealed
from samechild.policy.retention.erasure import Why
from samechild.records.disclosure import Asker
from samechild.storage import Database, Login, Store
from samechild.storage.changes import note_change
from samechild.storage.freed import overwrite_freed

PATH = "csc path"
"""What tokens are made for: a place within a child's record."""

PURGE = "purge"
"""The kind of ledger entry about what was purged."""

JOURNAL = "purges.jsonl"


class Asked(msgspec.Struct, frozen=True):
    """One line of the journal: what is to be cut out of which child's slices, up to which place in the order."""

    purge: str
    owner: str
    record_key: str
    number: int
    position: int
    places: list[str]
    at: datetime


def to_purge(store: Store, owner: str, sent: Received, paths: Sequence[str]) -> dict[str, Any]:
    """The row that says that something is to be purged."""
    places = sorted(token_of_path(store, sent.record_key)(path) for path in paths)
    return {
        "owner": owner,
        "record_key": sent.record_key,
        "received_at": sent.received_at,
        "basis": BASIS,
        "retention": RETENTION,
        "purge": sent.name,  # one slice asks once
        "number": sent.number,
        "position": sent.position,
        "places": msgspec.json.encode(places).decode(),
        "done_at": None,
    }


def token_of_path(store: Store, record_key: str) -> Callable[[str], str]:
    """How places of a child's record become tokens."""
    return lambda path: store.keys.token(PATH, f"{record_key}\x1f{path}")


def finish_purges(store: Store, feed: Feed, now: datetime) -> int:
    """Cut what is to be purged out of every slice that brought it; returns how many purges were done."""
    with store.read(Login.CONTENT, feed.owner) as connection:
        waiting = tables.purges_waiting(connection, feed.owner)
    for row in waiting:
        places = msgspec.json.decode(row.places, type=list[str])
        line = Asked(row.purge, row.owner, row.record_key, row.number, row.position, places, row.received_at)
        add_lines([store.home, store.witness], JOURNAL, [line])
        count = _cut_out(store, line)
        overwrite_freed(store)
        body = {"purge": row.purge, "places": len(places), "slices": count, "feed": feed.feed}
        ledger.append(store, PURGE, body, now, _reference(store, row.record_key))
        with store.write(Login.CONTENT, feed.owner) as connection:
            tables.purge_done(connection, row.purge, now)
            tables.forget_digests(connection, feed.owner, [row.record_key])
            note_change(connection, Database.CONTENT, "purged", space=feed.owner, subject=row.record_key, now=now)
    return len(waiting)


def _reference(store: Store, record_key: str) -> list[str]:
    with store.read(Login.GATE) as gate:
        salt = salt_of_child(gate, store.keys, record_key)
    return [store.keys.reference(record_key, salt)] if salt else []


def _cut_out(store: Store, asked: Asked) -> int:
    """Write the slices of a child anew without what is to go; returns how many changed."""
    keys = both_keys(store, [asked.record_key])
    if asked.record_key not in keys:
        return 0
    token = token_of_path(store, asked.record_key)
    changed: list[tuple[str, bytes]] = []
    for each in received(store, asked.owner, [asked.record_key], keys):
        if each.order > (asked.number, asked.position):
            break
        left = redact(each.sent, lambda path: matches(path, asked.places, token))
        if left != each.sent:
            key = keys[asked.record_key].together
            plain = msgspec.json.encode(left)
            changed.append(
                (each.name, sealed(key, plain, "slices", "sealed", asked.owner, asked.record_key, each.name))
            )
    with store.write(Login.CONTENT, asked.owner) as connection:
        for name, bytes_ in changed:
            tables.rewrite_slice(connection, name, bytes_)
    put_right(store, asked.owner, [asked.record_key], asked.at)
    return len(changed)


def replay_purges(store: Store, now: datetime) -> int:
    """Ask again, after a backup was put back, for every purge made since the backup; returns how many.

    :func:`finish_purges` then does them, and makes the children's states anew from what is left.
    """
    count = 0
    for line in {line.purge: line for line in lines_of([store.home, store.witness], JOURNAL, Asked)}.values():
        with store.write(Login.CONTENT, line.owner) as connection:
            known = connection.execute(sa.select(tables.csc_purges).where(tables.csc_purges.c.purge == line.purge))
            child = tables.children_by_key(connection, line.owner, [line.record_key])
            if known.first() is None and child:
                tables.keep_purge(
                    connection,
                    {
                        "owner": line.owner,
                        "record_key": line.record_key,
                        "received_at": line.at,
                        "basis": BASIS,
                        "retention": RETENTION,
                        "purge": line.purge,
                        "number": line.number,
                        "position": line.position,
                        "places": msgspec.json.encode(line.places).decode(),
                        "done_at": None,
                    },
                )
                count += 1
    return count


def purge_children(
    store: Store, declared: Sequence[sa.MetaData], by: Asker, record_keys: Sequence[str], now: datetime
) -> None:
    """Erase whole children, wherever this sender's record of them is; who is gone already is left out.

    Where a hold forbids destroying, the child stays, under nobody's id, until :func:`purge_ended` finds it lifted.
    """
    for key in record_keys:
        try:
            erase(store, declared, by, [key], Why.PURGED, now)
        except Missing:
            continue
        except Refused:
            ledger.append(store, PURGE, {"held": True, "by_organisation": by.organisation}, now, _reference(store, key))
            continue
        with store.write(Login.CONTENT, by.organisation) as connection:
            note_change(connection, Database.CONTENT, "purged", space=by.organisation, subject=key, now=now)


def purge_ended(store: Store, declared: Sequence[sa.MetaData], by: Asker, now: datetime) -> None:
    """Erase children whose purge a hold kept from being done, once it is lifted; asked for every day."""
    with store.read(Login.CONTENT, by.organisation) as connection:
        waiting = tables.ended(connection, by.organisation)
    purge_children(store, declared, by, waiting, now)
