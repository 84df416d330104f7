"""Keeping a child's record in the two vaults, and finding and reading it again through the gate.

Who the child is goes sealed into the identity vault, what is known into the content vault, each under a key of the
child's own; neither is read without a permit. Search compares tokens and opens nothing, so that the work it does says
nothing about children who must not be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from os import urandom
from secrets import token_hex

import msgspec

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.errors import Invalid, Missing
from samechild.keys.actions import key_for_child
from samechild.keys.children import Vault
from samechild.policy import ledger
from samechild.policy.actions import disclose, may_be_told, permits
from samechild.policy.relationship_actions import hide, parted
from samechild.policy.store import marks_now
from samechild.records import Sensitivity, fields
from samechild.records.disclosure import Ask, Mode, Permit, Scope, Spread
from samechild.records.types import record_types
from samechild.storage import Login, Store
from samechild.storage.changes import note_change
from samechild.storage.databases import Database
from samechild.storage.vaults import (
    Heading,
    Opened,
    content_of,
    find,
    identity_of,
    keep_content,
    keep_identity,
    keep_lookup,
    keys_of,
)

IDENTITY = "personal.identity"
ADDRESS = "personal.address"
NATIONAL = ("nhs_number", "chi_number", "hc_number")
"""Numbers that may be searched with by many and seen by fewer."""
_WHO = (Sensitivity.IDENTITY, Sensitivity.THIRD_PARTY)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A child's record to keep: identity by field of :class:`samechild.records.Record`, content by record type."""

    owner: str
    basis: str
    identity: Mapping[str, str]
    content: Mapping[str, bytes] = {}
    record_key: str = ""  # empty: a new one is drawn


class Found(msgspec.Struct, frozen=True):
    """What a search tells: opaque keys of records that exist, in an order that says nothing, and the ledger's entry."""

    record_keys: tuple[str, ...]
    entry: int


def in_vault(record_type: str) -> Vault:
    """Which vault a record type is kept in: who somebody is, or what is known about them."""
    return Vault.IDENTITY if record_types()[record_type].sensitivity in _WHO else Vault.CONTENT


def keep_record(store: Store, kept: Kept, now: datetime) -> str:
    """Keep a child's record, sealed, and let it be found by its exact identifying values; returns its opaque key.

    The child's keys are made first, then each vault is written in a transaction of its own. What a mark hides is not
    let into the search.

    Raises:
        Invalid: when a field or record type is not a declared one.
        Missing: when the child was erased: nothing is kept under that key again.
    """
    unknown = [name for name in kept.identity if name not in fields()]
    unknown += [name for name in kept.content if name not in record_types()]
    if unknown:
        raise Invalid(f"Not a declared field or record type: {', '.join(sorted(unknown))}.")
    record_key = kept.record_key or token_hex(16)
    with store.write(Login.GATE) as gate:
        identity_key = key_for_child(gate, store.keys, Vault.IDENTITY, record_key, urandom)
        content_key = key_for_child(gate, store.keys, Vault.CONTENT, record_key, urandom)
        marks = marks_now(gate, [record_key], now)[record_key]
    who, where = _parted(kept.identity)
    with store.write(Login.IDENTITY, kept.owner) as identity:
        for record_type, values in ((IDENTITY, who), (ADDRESS, where)):
            if values:
                heading = _heading(kept, record_key, record_type, now)
                keep_identity(identity, identity_key, heading, msgspec.json.encode(values), urandom)
        heading = _heading(kept, record_key, IDENTITY, now)
        tokens = tokens_of(store, kept.identity, now)
        for partition, names in parted(marks, tokens).items():
            keep_lookup(identity, heading, partition, {name: tokens[name] for name in names}, urandom)
    hide(store, kept.owner, [record_key], now)  # a mark that was set in the meantime
    with store.write(Login.CONTENT, kept.owner) as content:
        for record_type, plain in kept.content.items():
            if in_vault(record_type) is Vault.IDENTITY:
                raise Invalid(f"{record_type} says who somebody is: give it as identity.")
            keep_content(content, content_key, _heading(kept, record_key, record_type, now), plain, urandom)
        note_change(content, Database.CONTENT, "kept", space=kept.owner, subject=record_key, now=now)
    return record_key


def tokens_of(store: Store, identity: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The token of each identifying value, made comparable first, by field."""
    return {name: store.keys.token(name, value) for name, value in comparable(identity, now).items()}


def comparable(values: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Values as the search compares them: standardised, so that case, spaces and order of a date do not matter."""
    made = standardise_one({**values, "source": "search", "record_id": "1"}, Convention(DateReading(now.date())))
    found = {name: getattr(made, name) for name in values}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def search(store: Store, ask: Ask, values: Mapping[str, str]) -> Found:
    """Find records by exact values of some fields, all of which must agree; tells that they exist, nothing more.

    A field that is hidden for a shielded child finds nothing of that child, with the same work as when there is none.
    Records that the question names already count for nothing: naming one would tell of its marks.

    Args:
        store: the open installation.
        ask: the question, for existence, of spread search; its fields and terms are filled in here.
        values: what is searched for, by field; none of it is written anywhere.

    Raises:
        Invalid: when nothing usable is searched for.
        Refused, Unavailable: as :func:`samechild.policy.actions.permit`.
    """
    wanted = comparable(values, ask.now)
    unread = sorted(set(values) - set(wanted))
    if not wanted or unread or ask.scope.spread is not Spread.SEARCH:
        unread_words = f" These cannot be read: {', '.join(unread)}." if unread else ""
        raise Invalid(f"Search for whole values, such as a whole date of birth.{unread_words}")

    def find_exactly(permit: Permit) -> list[str]:
        with store.read(Login.IDENTITY, permit.space) as identity:
            matches = [
                set(find(identity, permit, name, store.keys.tokens(name, value), ask.now))
                for name, value in sorted(wanted.items())
            ]
        return sorted(set.intersection(*matches))

    terms = [f"{name}\x1f{value}" for name, value in sorted(wanted.items())]
    return searched(store, ask, sorted(wanted), terms, find_exactly)


def searched(
    store: Store, ask: Ask, on: Sequence[str], terms: Sequence[str], look: Callable[[Permit], Sequence[str]]
) -> Found:
    """Search under the gate, whatever does the looking: decided and recorded first, what was found recorded after.

    Args:
        store: the open installation.
        ask: the question, for existence, of spread search; its fields and terms are filled in here.
        on: the fields that are searched on.
        terms: what is searched for, in words; only their keyed references are kept.
        look: gives record keys of the permit's space, best first; whom a mark hides is left out afterwards once more.

    Raises:
        Invalid: when the question is not for a search.
        Refused, Unavailable: as :func:`samechild.policy.actions.permit`.
    """
    if ask.scope.spread is not Spread.SEARCH:
        raise Invalid("A search is asked for as a search.")
    references = tuple(store.keys.reference(term) for term in terms)
    scope = Scope(Spread.SEARCH, fields=tuple(on), terms=references, batch=ask.scope.batch)
    asked = msgspec.structs.replace(ask, scope=scope)

    def read(permit: Permit) -> Found:
        return Found(tuple(_not_hidden(store, asked, look(permit))), permit.entry)

    return disclose(store, asked, read, lambda found: found.record_keys)


def _not_hidden(store: Store, ask: Ask, record_keys: Sequence[str]) -> list[str]:
    """Leave out, once more, whom a mark hides from this search: a mark counts from the moment it is kept.

    A place's own staff find whom they look after by name; to others, that the place finds the child tells where it is.
    """
    places = {field.name for field in fields().values() if field.location}
    on_a_place = bool(places & set(ask.scope.fields))
    about = msgspec.structs.replace(ask, scope=Scope(Spread.BATCH, tuple(record_keys)))
    return [
        key
        for key, child in may_be_told(store, about).items()
        if not child.sealed_identity and not (child.shielded and on_a_place)
    ]


def read_record(store: Store, ask: Ask) -> list[Opened]:
    """Read what the gate lets somebody read of some records: decided, recorded, read, recorded again, then shown.

    Raises:
        Missing: when there is nothing, or nothing that the asker may know of: in the same words, by the same steps.
        Refused, Unavailable: as :func:`samechild.policy.actions.permit`.
    """
    if ask.mode is not Mode.CONTENT:
        raise Invalid("To learn whether something exists, ask for its existence.")
    found = disclose(
        store,
        ask,
        lambda permit: opened_under(store, permit, ask.now),
        lambda rows: [row.heading.record_key for row in rows],
    )
    if not found:
        raise Missing(ledger.NOTHING_THERE)
    return found


def read_what_may_be(store: Store, ask: Ask) -> list[tuple[Permit, list[Opened]]]:
    """Read those records of a list that the gate lets somebody read, each under the permit that covers it.

    What is refused or hidden is left out, in a way that cannot be told from not being there.
    """
    found = []
    for given in permits(store, ask):
        rows = opened_under(store, given, ask.now)
        ledger.outcome(store, given, [row.heading.record_key for row in rows], {"records": len(rows)}, ask.now)
        found.append((given, rows))
    return found


def opened_under(store: Store, permit: Permit, now: datetime) -> list[Opened]:
    """Open the rows that a permit names, oldest first, without what it hides; who shows them records the outcome."""
    vault = in_vault(permit.record_type)
    with store.read(Login.GATE) as gate:
        keys = keys_of(gate, permit, store.keys, vault, now)
    login, opened = (Login.IDENTITY, identity_of) if vault is Vault.IDENTITY else (Login.CONTENT, content_of)
    with store.read(login, permit.space) as connection:
        rows = opened(connection, permit, keys, now)
    return [to_be_seen(row, permit) for row in rows] if vault is Vault.IDENTITY else rows


def to_be_seen(row: Opened, permit: Permit) -> Opened:
    """Leave out of an identity row what the decision hides, and the national number when it may not be seen."""
    out = set(permit.decision.hidden)
    if permit.decision.number != "see":
        out |= set(NATIONAL)
    values = msgspec.json.decode(row.plain, type=dict[str, str])
    shown = {name: value for name, value in values.items() if name not in out}
    return msgspec.structs.replace(row, plain=msgspec.json.encode(shown))


def _heading(kept: Kept, record_key: str, record_type: str, now: datetime) -> Heading:
    return Heading(
        owner=kept.owner,
        record_key=record_key,
        record_type=record_type,
        received_at=now,
        basis=kept.basis,
        retention=record_types()[record_type].retention,
    )


def _parted(identity: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Who the child is, and where: two kinds of record, because the second is hidden for a shielded child."""
    places = {field.name for field in fields().values() if field.location}
    who = {name: value for name, value in identity.items() if name not in places}
    return who, {name: value for name, value in identity.items() if name in places}
