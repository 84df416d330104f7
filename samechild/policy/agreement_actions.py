"""Writing, signing and withdrawing sharing agreements; entering law that comes into force; shadow weeks.

An agreement is obeyed by the very next decision after its last signature. Nothing is edited: a change is a new version,
in force once every party has signed it; the one before holds until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any

import msgspec

from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.policy import ledger
from samechild.policy import store as tables
from samechild.policy.agreements import between
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.people.store import role_facts
from samechild.policy.purposes import purposes
from samechild.policy.records import Agreement, LegalEntry, Rule, Scheme
from samechild.records.disclosure import Asker, Effect
from samechild.records.types import record_types
from samechild.storage import Login, Store

OFFICER = "information-governance"
OPERATOR = "operator"


class Standing(msgspec.Struct, frozen=True):
    """How an agreement's version stands: draft, part signed, in force, to come, ended, superseded or withdrawn."""

    agreement: Agreement
    title: str
    state: str
    unsigned: tuple[str, ...]


def check_officer(
    store: Store, by: Asker, organisations: Sequence[str], now: datetime, roles: Sequence[str] = (OFFICER,)
) -> None:
    """Let only an officer (or ``roles``) of one of the organisations, or the machine's operator, go on.

    Raises:
        Refused: when it is anybody else, or the role does not hold now, or was entered with one factor only.
    """
    if by.role == OPERATOR:
        return
    if by.role not in roles or by.organisation not in organisations:
        raise Refused("Only an information governance officer of one of the parties does this.")
    with store.read(Login.GATE) as gate:
        held = role_facts(gate, by.user, by.organisation, by.role, now)
    active = held is not None and held.role_from is not None and held.body.active
    if held is None or not active or not between(now, held.role_from, held.role_until):
        raise Refused("You do not hold this role now: ask your organisation's access manager.")
    if by.factors < 2:
        raise Refused("Sign in with your second factor first.")


def check_agreement(draft: Agreement) -> list[str]:
    """Say what is wrong with an agreement before it is kept; nothing when it can be."""
    problems = []
    if draft.owner not in draft.parties or len(set(draft.parties)) < 2:
        problems.append("Name the organisation that shares and at least one other party.")
    if draft.starts >= draft.ends:
        problems.append("It must end after it starts.")
    if not draft.rules:
        problems.append("It needs at least one line: nothing is shared by default.")
    for number, line in enumerate(draft.rules, start=1):
        problems += [f"Line {number}: {words}" for words in check_line(line)]
    return problems


def check_line(line: Rule) -> list[str]:
    """Say what is wrong with one line of an agreement."""
    declared: tuple[tuple[str, Sequence[str], Any], ...] = (
        ("record type", line.record_types, record_types()),
        ("purpose", line.purposes, purposes()),
        ("power", line.powers, powers()),
        ("basis", line.bases, bases()),
        ("condition", line.conditions, conditions()),
        ("way to meet the duty of confidence", line.confidences, confidences()),
    )
    problems = [
        f"{word} is not a declared {what}." for what, given, known in declared for word in given if word not in known
    ]
    if not line.modes:
        problems.append("say whether existence, content or both.")
    if line.exception and not line.reason.strip():
        problems.append("an exception needs its reason.")
    if line.effect is Effect.ALLOW and not (line.purposes and line.powers and line.bases):
        problems.append("what allows must name purposes, powers and lawful bases.")
    if any(purposes()[purpose].forbidden for purpose in line.purposes if purpose in purposes()):
        problems.append("these records are never used for that purpose.")
    if line.valid_from and line.valid_until and line.valid_from >= line.valid_until:
        problems.append("it must end after it starts.")
    return problems


def write_agreement(store: Store, by: Asker, draft: Agreement, title: str, now: datetime) -> Agreement:
    """Keep a new agreement (empty id), or the next version of one; nobody has signed it yet.

    Raises:
        Refused: when somebody other than an officer of the organisation that shares asks.
        Invalid: when it cannot be an agreement, with everything that is wrong.
        Conflict: when somebody wrote a version meanwhile.
    """
    check_officer(store, by, [draft.owner], now)
    problems = check_agreement(draft)
    if problems or not title.strip():
        raise Invalid(" ".join(problems) or "Give the agreement a title.")
    identity = draft.agreement or token_hex(8)
    with store.read(Login.GATE) as gate:
        latest = tables.latest_version(gate, identity)
        kept = tables.versions_of(gate, [identity])
    if draft.agreement and not latest:
        raise Missing("There is no such agreement.")
    if kept and kept[-1].owner != draft.owner:
        raise Invalid("The organisation that shares stays the same through all versions: write a new agreement.")
    if draft.agreement and draft.version not in (0, latest + 1):
        raise Conflict("Somebody wrote another version meanwhile: look at it first.")
    made = msgspec.structs.replace(draft, agreement=identity, version=latest + 1, signed_by=(), withdrawn=False)
    ledger.append(store, "agreement", {**_named(made), "event": "written", "by": by.user}, now)
    with store.write(Login.GATE) as gate:
        tables.write_agreement(gate, made, title.strip(), by.user, now)
    return made


def sign_agreement(store: Store, by: Asker, agreement: str, version: int, now: datetime) -> None:
    """Sign a version for one's own organisation; the last signature puts it in force for the very next decision.

    Raises:
        Refused: when the signer is no officer of a party.
        Missing: when there is no such version.
        Conflict: when the organisation has signed it, or it was withdrawn, or there is a newer version.
    """
    _event(store, by, agreement, version, "signed", now)


def withdraw_agreement(store: Store, by: Asker, agreement: str, now: datetime) -> None:
    """Withdraw from an agreement as one of its parties: nothing is shared under it from the next decision on.

    Raises:
        Refused: when somebody other than an officer of a party asks.
        Missing: when there is no such agreement.
        Conflict: when the party has withdrawn already.
    """
    with store.read(Login.GATE) as gate:
        latest = tables.latest_version(gate, agreement)
    _event(store, by, agreement, latest, "withdrawn", now)


def _event(store: Store, by: Asker, agreement: str, version: int, event: str, now: datetime) -> None:
    with store.read(Login.GATE) as gate:
        rows = {row.version: row for row in tables.versions_of(gate, [agreement])}
        events = tables.events_of(gate, [agreement])
    if version not in rows:
        raise Missing("There is no such version of an agreement.")
    kept = tables.agreement_of(rows[version], events)
    check_officer(store, by, kept.parties, now)
    if by.organisation not in kept.parties:
        raise Refused("Only a party signs or withdraws.")
    if kept.withdrawn:
        raise Conflict("The agreement was withdrawn.")
    if version != max(rows):
        raise Conflict("There is a newer version: look at that one.")
    if event == "signed" and by.organisation in kept.signed_by:
        raise Conflict("Your organisation has signed this version.")
    ledger.append(store, "agreement", {**_named(kept), "event": event, "by": by.user, "party": by.organisation}, now)
    with store.write(Login.GATE) as gate:
        tables.write_event(
            gate,
            agreement=agreement,
            version=version,
            event=event,
            organisation=by.organisation,
            person=by.user,
            at=now,
            policy_version=tables.bump(gate, now),
        )


def _named(agreement: Agreement) -> dict[str, Any]:
    return {"agreement": agreement.agreement, "version": agreement.version, "owner": agreement.owner}


def standings(store: Store, now: datetime, organisation: str = "") -> list[Standing]:
    """Every version of every agreement (of one party, if named) and how it stands, newest version first."""
    with store.read(Login.GATE) as gate:
        rows = tables.versions_of(gate)
        events = tables.events_of(gate)
    found = [(tables.agreement_of(row, events), row.title) for row in rows]
    signed = {
        agreement.agreement: agreement.version
        for agreement, _ in found
        if set(agreement.parties) <= set(agreement.signed_by)
    }
    them = [
        Standing(
            agreement,
            title,
            _state(agreement, signed.get(agreement.agreement, 0), now),
            tuple(party for party in agreement.parties if party not in agreement.signed_by),
        )
        for agreement, title in found
        if not organisation or organisation in agreement.parties
    ]
    return sorted(them, key=lambda each: (each.title, each.agreement.agreement, -each.agreement.version))


def agreement_in_force(store: Store, agreement: str, now: datetime) -> Agreement | None:
    """The version of an agreement that is in force now; None when there is none."""
    them = (each.agreement for each in standings(store, now) if each.state == "in force")
    return next((each for each in them if each.agreement == agreement), None)


def _state(agreement: Agreement, newest_signed: int, now: datetime) -> str:
    if agreement.withdrawn:
        return "withdrawn"
    if not set(agreement.parties) <= set(agreement.signed_by):
        return "part signed" if agreement.signed_by else "draft"
    if agreement.version < newest_signed:
        return "superseded"
    if now < agreement.starts:
        return "to come"
    return "in force" if now < agreement.ends else "ended"


def enter_law(store: Store, by: Asker, entry: LegalEntry, now: datetime) -> None:
    """Enter, with its date and instrument, that a power or a scheme of identifiers is in force.

    Raises:
        Refused: when somebody other than an officer of an organisation, or the operator, asks.
        Invalid: when it is not one of those that wait for an entry, or names no instrument.
    """
    waiting = {power.name for power in powers().values() if power.entry}
    waiting |= {Scheme.UNIVERSAL.value, Scheme.UNIVERSAL_PLUS.value}
    if entry.name not in waiting:
        raise Invalid("Only these wait for an entry: " + ", ".join(sorted(waiting)) + ".")
    if not entry.source.strip():
        raise Invalid("Cite the instrument that brings it into force.")
    if entry.in_force_until is not None and entry.in_force_until <= entry.in_force_from:
        raise Invalid("It must end after it starts.")
    check_officer(store, by, [by.organisation], now)
    body = {
        "organisation": by.organisation,
        "law": entry.name,
        "from": entry.in_force_from,
        "until": entry.in_force_until,
        "by": by.user,
    }
    ledger.append(store, "law", body, now)
    with store.write(Login.GATE) as gate:
        tables.write_entry(gate, token_hex(16), entry, by.user, now)
        tables.bump(gate, now)


def start_shadow(store: Store, by: Asker, organisation: str, until: datetime, now: datetime) -> None:
    """Begin an organisation's shadow weeks: its questions are decided and recorded, and nothing is disclosed.

    Raises:
        Refused: when somebody other than an officer of that organisation, or the operator, asks.
        Invalid: when they end before they begin.
    """
    check_officer(store, by, [organisation], now)
    if until <= now:
        raise Invalid("Shadow weeks must end later than now.")
    ledger.append(store, "shadow", {"organisation": organisation, "until": until, "by": by.user}, now)
    with store.write(Login.GATE) as gate:
        tables.start_shadow(gate, organisation=organisation, since=now, until=until, set_by=by.user)
        tables.bump(gate, now)
