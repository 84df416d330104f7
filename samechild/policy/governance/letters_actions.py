"""Who looked at this child: the officer's page, and the letter an officer releases after checking who asks.

Nothing here is shown without a permit for the child, for audit or for answering a person's rights. The release stands
in the ledger, with its outcome, before the letter leaves; the letter itself is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from samechild.errors import Refused
from samechild.keys.actions import salt_of_child
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.clocks import uk_day
from samechild.policy.consent.actions import flags_about
from samechild.policy.consent.overrides import purposes_not_told
from samechild.policy.governance.letters import Checks, Letter, Look, Rules, Service, letter, why_not_release
from samechild.policy.ledger import Entry
from samechild.policy.people import store as people_store
from samechild.policy.sealed_texts import person_reference
from samechild.records.disclosure import Permit
from samechild.storage import Login, Store

FOR = ("audit", "peoples-rights")
OFFICER = "information-governance"
HIDING = ("shielded", "sealed-identity")
"""Marks on a child, now or ever, for whom a letter names nobody and no day."""

_PAGE = 500


class Released(msgspec.Struct, frozen=True):
    """A letter that may be handed over, and the ledger entry of its release."""

    letter: Letter
    entry: int


def who_looked(store: Store, permit: Permit, now: datetime) -> list[Look]:
    """List who asked about a child, allowed or not, the newest first: for the officer, with nothing left out.

    Raises:
        Refused: when the permit is for another purpose than audit or a person's rights, or for another role.
        Unavailable: when it cannot be recorded: nothing is shown.
    """
    looks = _looks(store, _officers(permit))
    ledger.outcome(store, permit, permit.record_keys, {"looks": len(looks)}, now)
    return looks


def preview_letter(store: Store, permit: Permit, checks: Checks, now: datetime) -> Letter:
    """Show the officer the letter a reader would get, before it is released; raises as :func:`release_letter`."""
    made = _written(store, _officers(permit), checks, now)
    ledger.outcome(store, permit, permit.record_keys, {"lines": len(made.lines), "preview": 1}, now)
    return made


def release_letter(store: Store, permit: Permit, checks: Checks, now: datetime) -> Released:
    """Release a letter about who looked, after identity and parental responsibility were checked and recorded.

    Raises:
        Refused: when a check is missing, or a do-not-tell flag stands; the words are for the officer alone.
        Unavailable: when it cannot be recorded: the letter must not leave.
    """
    made = _written(store, _officers(permit), checks, now)
    held = checks.responsibility
    body = {
        "by": permit.who.user,
        "cleared": sorted(checks.cleared),
        "leave": permit.entry,
        "lines": len(made.lines),
        "person": _reader(store, permit, checks),
        "reader": checks.reader,
        "responsibility": held.source if held else "",
        "withheld": sorted(checks.withheld),
    }
    references = [ledger.references_to(store, key)[0] for key in permit.record_keys]
    entry = ledger.append(store, "letter", body, now, references)
    ledger.outcome(store, permit, permit.record_keys, {"letters": 1}, now)
    return Released(made, entry)


def _reader(store: Store, permit: Permit, checks: Checks) -> str:
    """The reference of the reader around this child: the ledger holds no name, whatever an officer typed."""
    with store.read(Login.GATE) as gate:
        return person_reference(salt_of_child(gate, store.keys, permit.record_keys[0]), checks.person)


def _officers(permit: Permit) -> Permit:
    ask = permit.decision.ask
    if permit.who.role != OFFICER or ask.purpose not in FOR:
        raise Refused("Who looked at a child is seen by information governance, for audit or a person's rights.")
    return permit


def _written(store: Store, permit: Permit, checks: Checks, now: datetime) -> Letter:
    flags = flags_about(store, permit.record_keys, checks.person)
    checked = msgspec.structs.replace(checks, checked_by=permit.who.user)
    why = why_not_release(checked, flags, now)
    if why:
        raise Refused(why)
    rules = Rules(
        ours=permit.who.organisation,
        shielded=_is_hidden(store, permit.record_keys),
        checks=checked,
        not_told=purposes_not_told(flags, checks.person, now),
    )
    services, contact = _services(store, permit.who.organisation)
    return letter(_looks(store, permit), services, rules, today=uk_day(now), contact=contact)


def _looks(store: Store, permit: Permit) -> list[Look]:
    references = [each for key in permit.record_keys for each in ledger.references_to(store, key)]
    decisions, outcomes = _entries(store, references, "decision"), _entries(store, references, "outcome")
    disclosed = {entry.body.get("decision") for entry in outcomes}
    return [_look(entry, entry.number in disclosed) for entry in decisions]


def _entries(store: Store, references: Sequence[str], kind: str) -> list[Entry]:
    found: list[Entry] = []
    before: int | None = None
    with store.read(Login.GATE) as gate:
        while page := ledger.entries_about(gate, references, before=before, kind=kind, limit=_PAGE):
            found += page
            before = page[-1].number
    return found


def _look(entry: Entry, disclosed: bool) -> Look:
    body = entry.body
    return Look(
        entry=entry.number,
        at=entry.at,
        user=body["user"],
        organisation=body["organisation"],
        role=body["role"],
        purpose=body["purpose"],
        record_type=body["type"],
        mode=body["mode"],
        allowed=body["allowed"] and not body["shadow"],
        disclosed=disclosed,
        power=body["power"],
        basis=body["basis"],
        agreement=body["agreement"],
        emergency=bool(body["emergency"]),
        with_user=body["with"],
    )


def _is_hidden(store: Store, record_keys: Sequence[str]) -> bool:
    """Whether a child is or ever was hidden: a place left behind is still a hint."""
    with store.read(Login.GATE) as gate:
        rows = tables.about_children(gate, record_keys, "")
    return any(row.what == "mark" and row.name in HIDING for row in rows)


def _services(store: Store, ours: str) -> tuple[Mapping[str, Service], str]:
    """Every organisation as letters see it, and how to reach the one that writes."""
    with store.read(Login.GATE) as gate:
        kept = people_store.all_organisations(gate)
    services = {each.organisation: Service(each.organisation, each.kind, each.name) for each in kept}
    route = next((each.route for each in kept if each.organisation == ours), None)
    return services, f"{route.who}: {route.how}." if route else ""
