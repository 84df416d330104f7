"""Whose children are told apart where: an organisation's own space, and joint ones that an agreement names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from samechild.errors import Missing
from samechild.index import store as tables
from samechild.index.records import WHO, Space
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store

PURPOSE = "linkage-quality"
"""What records are put together and kept apart for."""

POWER, BASIS = "CA2004-s10", "6(1)(e)"
"""What another organisation's records are compared under in a joint space: co-operation to improve children's
well-being (Children Act 2004 section 10), a public task. The agreement between the two must say so as well."""


def space_of(store: Store, name: str, organisation: str) -> Space:
    """A space that an organisation is a member of.

    Raises:
        Missing: when there is none, or the organisation is no member: both sound the same.
    """
    with store.read(Login.INDEX) as connection:
        found = tables.spaces(connection, [name])
    if not found or organisation not in found[0].members:
        raise Missing("There is no such index space. Ask for one of your organisation's.")
    return found[0]


def spaces_for(store: Store, organisation: str) -> list[Space]:
    """The spaces an organisation is a member of, its own first."""
    with store.read(Login.INDEX) as connection:
        found = [space for space in tables.spaces(connection) if organisation in space.members]
    return sorted(found, key=lambda space: (space.space != organisation, space.title))


def ready(store: Store, organisation: str) -> bool:
    """Whether an organisation has a space of its own whose model can weigh records."""
    with store.read(Login.INDEX) as connection:
        head = tables.head(connection, organisation)
    return head is not None and bool(head[1])


def ask_of(by: Asker, owner: str, now: datetime, record_keys: Sequence[str] = (), batch: str = "") -> Ask:
    """The question of who keeps records of the same child together: what do these records say?"""
    return Ask(
        who=by,
        purpose=PURPOSE,
        mode=Mode.CONTENT,
        record_type=WHO[0],
        owner=owner,
        scope=Scope(Spread.BATCH, tuple(record_keys), batch=batch),
        now=now,
        power="" if owner == by.organisation else POWER,
        basis="" if owner == by.organisation else BASIS,
    )
