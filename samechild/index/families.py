"""The people connected with a child: parents, carers, who holds parental responsibility; and who may know of them.

A parent is somebody else than the child, with rights of their own: each connected person has a basis of their own, is
sealed apart, is read by a permit for connected people, and is deleted without the child. A mother's number is hers: it
is kept here, never among the child's own numbers, so that it can neither be searched as the child's nor join two
children into one. Parental responsibility is a dated fact with what shows it (Children Act 1989 sections 2 to 4 and 12,
Adoption and Children Act 2002 section 46). Of a shielded child nothing is told that says with whom the child lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from secrets import token_hex

import msgspec

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.standardise import standardise_one
from samechild.errors import Invalid, Missing, Refused
from samechild.identifiers import nhs_number
from samechild.index import families_store as tables
from samechild.index.grounds import grounded
from samechild.keys.actions import keys_of_children
from samechild.keys.children import Vault
from samechild.keys.seal import Random, place, seal, unseal
from samechild.policy import ledger
from samechild.policy.actions import permit, permits
from samechild.policy.consent.standing import Responsibility
from samechild.policy.identities import keys_for
from samechild.records.disclosure import Ask, Mode, Permit, Scope, Spread
from samechild.records.types import record_types
from samechild.storage import Login, Store

CONNECTED = "personal.connected"
"""The record type in which connected people are kept."""


class Tie(StrEnum):
    """What a person is to the child."""

    MOTHER = "mother"
    FATHER = "father"
    PARENT = "parent"
    ADOPTER = "adoptive parent"
    STEP_PARENT = "step-parent"
    GUARDIAN = "guardian"
    SPECIAL_GUARDIAN = "special guardian"
    FOSTER_CARER = "foster carer"
    CARER = "carer"
    GRANDPARENT = "grandparent"
    SIBLING = "brother or sister"
    OTHER = "another connected person"


PARENTS = frozenset({Tie.MOTHER, Tie.FATHER, Tie.PARENT, Tie.ADOPTER})
TELL_PLACE = frozenset({Tie.FOSTER_CARER, Tie.CARER, Tie.SPECIAL_GUARDIAN})
"""Ties to people with whom a child lives: to name them tells where the child is."""


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """A person connected with a child, as one record knows them. It does not print who they are.

    ``number`` is the person's own NHS number, ``phone`` how to reach them. ``told_by`` says how the connection is known
    and ``basis`` on which legal basis this person's details are held. ``restricted``: for the holder's own staff alone.
    ``until`` is the first day on which the tie no longer holds.
    """

    record_key: str
    owner: str
    tie: Tie
    name: str
    told_by: str
    basis: str
    date_of_birth: date | None = None
    number: str = ""
    phone: str = ""
    since: date | None = None
    until: date | None = None
    responsibility: Responsibility | None = None
    evidence: str = ""
    restricted: bool = False
    connection: str = ""
    received_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Connected(connection={self.connection!r}, record_key={self.record_key!r}, person=hidden)"

    def holds(self, day: date) -> bool:
        """Whether the tie holds on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def responsible(self, day: date) -> bool:
        """Whether this person holds parental responsibility on a day."""
        return self.responsibility is not None and self.responsibility.holds(day)


class _Sealed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed of a connected person."""

    tie: Tie
    name: str
    told_by: str
    date_of_birth: date | None = None
    number: str = ""
    phone: str = ""
    since: date | None = None
    until: date | None = None
    responsibility: Responsibility | None = None
    evidence: str = ""
    restricted: bool = False


_OPEN = msgspec.json.Decoder(_Sealed)


def connect(store: Store, ask: Ask, person: Connected, random: Random) -> str:
    """Keep that a person is connected with a child, or keep it anew as it is known now; returns the connection's id.

    Nothing is changed: the newest word on a connection counts. A tie that ended is kept with the day it ended.

    Args:
        store: the open installation.
        ask: gives who asks, purpose, and the grounds; the rest is filled in here.
        person: who it is; ``connection`` names the one that is kept anew, empty for a new one.
        random: gives random bytes.

    Raises:
        Invalid: when it cannot be so: no name, dates in the wrong order, a number that is none.
        Refused: when the record is another organisation's, or the asker may not read connected people.
    """
    checked = _checked(person, ask)
    permit(store, _about(ask, checked.owner, (checked.record_key,), "keep connected"))
    key = keys_for(store, [checked.record_key])[checked.record_key]
    row_id, identity = random(16).hex(), checked.connection or token_hex(16)
    kept = _Sealed(**{name: getattr(checked, name) for name in _Sealed.__struct_fields__})
    row = {
        "row_id": row_id,
        "owner": checked.owner,
        "record_key": checked.record_key,
        "received_at": ask.now,
        "basis": checked.basis,
        "retention": record_types()[CONNECTED].retention,
        "connection": identity,
        "person": person_token(store, checked),
        "sealed": seal(key, msgspec.json.encode(kept), _bound(row_id, checked.record_key, checked.owner), random),
    }
    with store.write(Login.IDENTITY, checked.owner) as identity_vault:
        tables.keep_connected(identity_vault, [row])
    return identity


def disconnect(store: Store, ask: Ask, owner: str, record_key: str, connection: str) -> None:
    """Delete a connected person altogether, because it was wrong or because they asked for it.

    Raises:
        Refused: as :func:`connect`.
        Missing: when there is no such connection.
    """
    if owner != ask.who.organisation:
        raise Refused("Only the organisation that holds a record changes who is connected with it.")
    permit(store, _about(ask, owner, (record_key,), "delete connected"))
    with store.write(Login.IDENTITY, owner) as identity_vault:
        if not tables.delete_connection(identity_vault, owner, record_key, connection):
            raise Missing(ledger.NOTHING_THERE)


def connected(store: Store, ask: Ask, owner: str, record_keys: Sequence[str]) -> list[Connected]:
    """Read the people connected with some records of an organisation, as far as the asker may know of them.

    What is refused is left out as if it were not there.
    """
    found: list[Connected] = []
    for given in permits(store, grounded(store, _about(ask, owner, tuple(record_keys), ask.scope.batch))):
        them = [person for each in opened_people(store, given, ask.now) for person in _to_be_seen(each, given)]
        if them:
            ledger.outcome(store, given, [each.record_key for each in them], {"people": len(them)}, ask.now)
        found += them
    return sorted(found, key=lambda each: (list(Tie).index(each.tie), each.connection))


def opened_people(store: Store, permit: Permit, now: datetime) -> list[Connected]:
    """Open the connected people that a permit lets somebody read: the newest word on each connection.

    Raises:
        Refused: when the permit is for something else, or has run out.
    """
    decision = permit.decision
    if decision.ask.mode is not Mode.CONTENT or permit.record_type != CONNECTED:
        raise Refused("This permit is not for the people connected with a child.")
    if decision.expires is not None and now >= decision.expires:
        raise Refused("Leave to read has run out: ask again.")
    with store.read(Login.GATE) as gate:
        keys = keys_of_children(gate, store.keys, Vault.IDENTITY, permit.record_keys)
    with store.read(Login.IDENTITY, permit.space) as identity_vault:
        rows = tables.connected_rows(identity_vault, permit.space, permit.record_keys)
    newest: dict[str, Connected] = {}
    for row in rows:
        key = keys.get(row.record_key)
        if key is not None:
            kept = _OPEN.decode(unseal(key, row.sealed, _bound(row.row_id, row.record_key, row.owner)))
            newest[row.connection] = Connected(
                record_key=row.record_key,
                owner=row.owner,
                basis=row.basis,
                connection=row.connection,
                received_at=row.received_at,
                **{name: getattr(kept, name) for name in _Sealed.__struct_fields__},
            )
    return list(newest.values())


def same_parents(store: Store, record_keys: Sequence[str]) -> dict[str, list[str]]:
    """Other records connected with the same people as these are, by the opaque token of the person.

    For who works out families inside the installation: who may be told of them is asked of the gate afterwards.
    """
    with store.read(Login.INDEX) as identity_vault:
        pairs = tables.same_people(identity_vault, record_keys)
    found: dict[str, list[str]] = {}
    for person, record_key in pairs:
        if record_key not in record_keys:
            found.setdefault(person, []).append(record_key)
    return found


def person_token(store: Store, person: Connected) -> str:
    """A token by which one parent of two children is known; empty when too little is known of them to be sure.

    It is made of the NHS number, else of whole name and date of birth.
    """
    if person.tie not in PARENTS:
        return ""
    if person.number:
        return store.keys.token("connected", f"number\x1f{person.number}")
    if not person.date_of_birth or " " not in person.name.strip():
        return ""
    whole = standardise_one(
        {"full_name": person.name, "source": "", "record_id": ""}, Convention(DateReading(person.date_of_birth))
    )
    if not whole.forename or not whole.surname:
        return ""
    said = "\x1f".join(("name", whole.forename, whole.surname, person.date_of_birth.isoformat()))
    return store.keys.token("connected", said)


def _checked(person: Connected, ask: Ask) -> Connected:
    if person.owner != ask.who.organisation:
        raise Refused("Only the organisation that holds a record changes who is connected with it.")
    if not person.name.strip() or not person.told_by.strip() or not person.basis.strip():
        raise Invalid("A connected person needs a name, how the connection is known, and the basis for holding it.")
    dates = (person.since, person.until)
    if dates[0] is not None and dates[1] is not None and dates[1] <= dates[0]:
        raise Invalid("A connection must end after it began.")
    held = person.responsibility
    if held is not None and held.until is not None and held.until <= held.since:
        raise Invalid("Parental responsibility must end after it began.")
    if held is not None and not person.evidence.strip():
        raise Invalid("Say what was seen that shows parental responsibility.")
    number = person.number
    if number:
        checked = nhs_number.check(number)
        if checked.value is None:
            raise Invalid("The person's NHS number is not one: look at it again.")
        number = checked.value
    return msgspec.structs.replace(person, number=number, name=" ".join(person.name.split()))


def _to_be_seen(person: Connected, permit: Permit) -> list[Connected]:
    """A connected person as a permit lets them be seen; nobody at all where even that they exist is hidden."""
    decision, who = permit.decision, permit.who
    if person.restricted and who.organisation != person.owner:
        return []
    if decision.hidden and person.tie in TELL_PLACE:
        return []
    phone = "" if "phone" in decision.hidden else person.phone
    number = person.number if decision.number == "see" else ""
    return [msgspec.structs.replace(person, phone=phone, number=number)]


def _about(ask: Ask, owner: str, record_keys: tuple[str, ...], batch: str) -> Ask:
    scope = Scope(Spread.BATCH, record_keys, batch=batch)
    return msgspec.structs.replace(ask, owner=owner, record_type=CONNECTED, mode=Mode.CONTENT, scope=scope)


def _bound(row_id: str, record_key: str, owner: str) -> bytes:
    return place(tables.index_connected.name, "sealed", record_key, row_id, owner)
