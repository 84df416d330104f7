"""Who knows a child: which agencies and services, since when, last seen when, and whom to ring.

That somebody knows a child is a permission of its own, asked of each organisation for each kind of service. An
organisation that must not be known of is left out: every member of the space is asked the same questions, those who
hold nothing about a record that does not exist, so that neither the answer nor the work done tells the one from the
other. A sensitive service is not named: it is told who asked, and rings back (the Children Act 2004 Information
Database Regulations 2007, SI 2007/2182, regulations 6(3) and 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from secrets import token_hex
from typing import Any

import msgspec

from samechild.index import store as tables
from samechild.index.grounds import grounded
from samechild.index.records import WHO
from samechild.index.spaces import space_of
from samechild.index.together import together
from samechild.policy import ledger
from samechild.policy.actions import permits
from samechild.policy.holdings import Holding, held_under
from samechild.policy.people.organisations import Organisation, kinds
from samechild.policy.shown import organisations
from samechild.records.disclosure import Ask, Asker, Mode, Permit, Route, Scope, Spread
from samechild.records.types import Sector, record_types
from samechild.storage import Login, Store

SERVICES = (
    "social-care.involvement",
    "education.setting",
    "health.practice",
    "justice.involvement",
    "housing.tenancy",
    "health.sensitive",
)
"""Kinds of record that say that a service is involved, of which existence is asked."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An agency, or one service of it, that knows the child: since when, last heard when, and whom to ring.

    ``service`` is the record type, empty for the agency itself. A ``brokered`` one is a sensitive service: it has no
    organisation, dates and telephone here, was told that somebody asked, and gets in touch itself.
    """

    organisation: str
    name: str
    service: str = ""
    since: datetime | None = None
    last: datetime | None = None
    route: Route | None = None
    brokered: bool = False


def known_to(store: Store, by: Asker, space: str, child: str, ask: Ask) -> list[Known]:
    """Say which agencies and services know a child, as far as each lets this asker know that it does.

    ``ask`` gives purpose, power, basis and the like; owner, mode, record type and scope are filled in here. The own
    organisation stands first, then the others by name; a sensitive service last.

    Raises:
        Missing: when the asker's organisation is no member of the space.
        Unavailable: when the ledger cannot be written: nothing is told.
    """
    here = space_of(store, space, by.organisation)
    with store.read(Login.INDEX) as connection:
        records = tables.records_by_key(connection, sorted(tables.members_of(connection, here.space, [child])))
    them = {each.organisation: each for each in organisations(store)}
    tasks = []
    for owner in here.members:
        its = tuple(sorted(key for key, row in records.items() if row.owner == owner)) or (token_hex(16),)
        for record_type in asked_of(them.get(owner)):
            scope = Scope(Spread.BATCH, its, batch="known-to")
            question = msgspec.structs.replace(
                ask, who=by, owner=owner, mode=Mode.EXISTENCE, record_type=record_type, scope=scope
            )
            tasks.append(partial(_one, store, records, question, them[owner]))
    found = [known for some in together(tasks) for known in some]
    return sorted(found, key=lambda one: (one.brokered, one.organisation != by.organisation, one.name, one.service))


def _one(store: Store, records: Mapping[str, Any], question: Ask, owner: Organisation) -> list[Known]:
    """Ask one organisation about one kind of record."""
    under = [(given, _held(store, records, given, question)) for given in permits(store, grounded(store, question))]
    return _known(owner, question.record_type, under)


def asked_of(organisation: Organisation | None) -> tuple[str, ...]:
    """Of which kinds of record an organisation is asked whether it holds any: who the child is, and its services.

    Decided by what kind of organisation it is, never by what it holds.
    """
    sector: Sector | None = None if organisation is None else kinds()[organisation.kind].sector
    return () if sector is None else (WHO[0], *(name for name in SERVICES if sector in record_types()[name].holders))


def _held(store: Store, records: Mapping[str, Any], given: Permit, ask: Ask) -> list[Holding]:
    """Since when the records of a permit are known, noted in the ledger before it is told."""
    if given.record_type in WHO:
        seen = [key for key in given.record_keys if key in records]
        held = [Holding(key, records[key].received_at, records[key].seen_at) for key in seen]
    else:
        held = held_under(store, given, ask.now)
    if held:  # of what is hidden and what is not there nothing is shown, so that both make as little work
        ledger.outcome(store, given, [each.record_key for each in held], {"known": len(held)}, ask.now)
    return held


def _known(owner: Organisation, record_type: str, under: list[tuple[Permit, list[Holding]]]) -> list[Known]:
    """One line for an agency or a service of it, whatever number of permits it takes."""
    held = [each for _, some in under for each in some]
    if not held:
        return []
    if any("broker-contact" in given.decision.duties for given, some in under if some):
        return [Known(organisation="", name="A sensitive service", brokered=True)]
    return [
        Known(
            organisation=owner.organisation,
            name=owner.name,
            service="" if record_type in WHO else record_type,
            since=min(each.first for each in held),
            last=max(each.newest for each in held),
            route=owner.route,
        )
    ]
