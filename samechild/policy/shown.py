"""What the pages show of the gate's own records: organisations, people, messages, law in force, holds, the ledger.

Reading, in one place, so that no page opens a database itself and what a reader may see of staff is decided once.
Nothing here is about a child: that takes a permit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from samechild.errors import Missing
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.governance import store as downtime_store
from samechild.policy.governance.downtime import Number
from samechild.policy.people import store as people_store
from samechild.policy.people.organisations import Organisation
from samechild.policy.people.rules import Grant, may_manage
from samechild.policy.people.store import User
from samechild.policy.records import LegalEntry
from samechild.policy.retention import store as retention_store
from samechild.policy.retention.periods import Hold
from samechild.policy.sign_in.sessions import name_of
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

NOBODY_SUCH = "There is nobody such in an organisation you look after."


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Something somebody must be told: of which kind (a code), about which ledger entry, since when."""

    message: str
    kind: str
    entry: int
    at: datetime


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """Weeks in which an organisation's questions are decided and recorded, and nothing is disclosed."""

    organisation: str
    since: datetime
    until: datetime | None


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """A person or system of an organisation, with the name opened and every role given, those ended included."""

    user: User
    name: str
    organisation: Organisation
    grants: tuple[Grant, ...]


def organisations(store: Store) -> list[Organisation]:
    """Every organisation of the installation, by name."""
    with store.read(Login.GATE) as gate:
        return people_store.all_organisations(gate)


def organisation(store: Store, identity: str) -> Organisation:
    """One organisation.

    Raises:
        Missing: when there is none.
    """
    with store.read(Login.GATE) as gate:
        found = people_store.organisation_of(gate, identity)
    if found is None:
        raise Missing("There is no such organisation.")
    return found


def may_see_staff(by: Asker, of: Organisation) -> bool:
    """Whether somebody may see who works in an organisation: their own, or one they look after."""
    return by.organisation == of.organisation or may_manage(by, of)


def staff_of(store: Store, by: Asker, of: Organisation) -> list[Staff]:
    """Everybody of an organisation, in the order in which they were added.

    Raises:
        Missing: when the asker may not see who works there.
    """
    if not may_see_staff(by, of):
        raise Missing(NOBODY_SUCH)
    with store.read(Login.GATE) as gate:
        users = people_store.users_of(gate, of.organisation)
        grants = people_store.grants_in(gate, of.organisation)
    return [_staff(store, user, of, grants) for user in users]


def one_of_staff(store: Store, by: Asker, user: str) -> Staff:
    """One person or system.

    Raises:
        Missing: when there is nobody such, as far as the asker may know.
    """
    with store.read(Login.GATE) as gate:
        found = people_store.user_of(gate, user)
        of = people_store.organisation_of(gate, found.organisation) if found else None
        if found is None or of is None or not may_see_staff(by, of):
            raise Missing(NOBODY_SUCH)
        grants = people_store.grants_in(gate, of.organisation)
    return _staff(store, found, of, grants)


def _staff(store: Store, user: User, of: Organisation, grants: Sequence[Grant]) -> Staff:
    mine = tuple(grant for grant in grants if grant.holder == user.user_id)
    return Staff(user=user, name=name_of(store, user), organisation=of, grants=mine)


def messages(store: Store, by: Asker) -> list[Message]:
    """What somebody, or whoever has their role in their organisation, was told and has not dealt with, oldest first."""
    with store.read(Login.GATE) as gate:
        rows = tables.messages_for(gate, by.user, by.organisation, by.role)
    return [Message(message=row.id, kind=row.kind, entry=row.entry, at=row.at) for row in rows]


def dealt_with(store: Store, by: Asker, which: Sequence[str], now: datetime) -> None:
    """Note that messages were dealt with; the ledger names by whom.

    Raises:
        Missing: when one of them was not for the asker, or was dealt with already.
    """
    waiting = {each.message: each for each in messages(store, by)}
    if not which or not set(which) <= waiting.keys():
        raise Missing("There is no such message for you, or somebody dealt with it already.")
    for identity in dict.fromkeys(which):
        body = {
            "action": "dealt-with",
            "by": by.user,
            "organisation": by.organisation,
            "about": waiting[identity].entry,
        }
        ledger.append(store, "message", body, now)
        with store.write(Login.GATE) as gate:
            tables.seen(gate, identity, now)


def law_in_force(store: Store) -> list[LegalEntry]:
    """Every dated legal entry, the oldest first, those to come and those ended included."""
    with store.read(Login.GATE) as gate:
        return tables.entries_kept(gate)


def shadow_weeks(store: Store) -> list[Shadow]:
    """Every organisation's shadow weeks."""
    with store.read(Login.GATE) as gate:
        rows = tables.shadow_kept(gate)
    return [Shadow(organisation=row.organisation, since=row.since, until=row.until) for row in rows]


def holds_of(store: Store, by: Asker) -> list[Hold]:
    """The holds of the asker's organisation that stand."""
    with store.read(Login.GATE) as gate:
        return retention_store.standing_holds(gate, by.organisation)


def emergency_numbers(store: Store) -> list[Number]:
    """The numbers of the downtime card, by organisation and label."""
    with store.read(Login.GATE) as gate:
        return downtime_store.numbers_kept(gate)


def ledger_page(store: Store, before: int | None, limit: int) -> list[ledger.Entry]:
    """A page of the ledger, newest first: the entries numbered below ``before``, or the newest."""
    with store.read(Login.GATE) as gate:
        return ledger.entries(gate, before=before, limit=limit)


def ledger_entry(store: Store, number: int) -> ledger.Entry:
    """One entry of the ledger.

    Raises:
        Missing: when there is none of that number.
    """
    found = ledger_page(store, number + 1, 1)
    if not found or found[0].number != number:
        raise Missing("There is no entry of that number that your organisation takes part in.")
    return found[0]
