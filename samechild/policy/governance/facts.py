"""The governance pack: what the law asks an organisation to have in writing, from what is really configured.

A document that says what the system *should* do is worth little; each of these is written from the agreements, roles,
purposes, schedule and registers of this installation on the day. What only people can say (who the data protection
officer is, whether the risk is acceptable) is named as a gap and never made up.

Sources: UK GDPR Articles 5(2), 13, 14, 24, 30, 35; DPA 2018 section 42 and Schedule 1 Part 4 (appropriate policy
document); ICO templates for the record of processing and for data protection impact assessments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from samechild.policy.agreement_actions import Standing
from samechild.policy.people.organisations import Organisation, is_active
from samechild.policy.people.rules import Grant, holds
from samechild.policy.purposes import Purpose, purposes
from samechild.policy.records import Agreement, LegalEntry, Rule
from samechild.policy.registers.actions import Count
from samechild.policy.retention.periods import RetentionClass
from samechild.policy.roles import roles
from samechild.records.disclosure import Effect
from samechild.records.types import record_types


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One role somebody holds, for the access review; people are opaque ids."""

    grant: Grant
    last_reviewed: datetime | None
    due: bool


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """How this installation protects what it keeps, as it is set up and not as it should be."""

    server: bool  # databases on a server with roles of their own, and not files
    encrypted: bool
    own_sign_in: bool  # the organisation's own sign-in provider
    https: bool
    witness_apart: bool  # the ledger's witness lies on another disk
    root_apart: bool  # the root key is not a file in the home folder
    ledger_size: int
    ledger_head: str


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the pack is written from."""

    now: datetime
    version: str
    organisations: tuple[Organisation, ...]
    agreements: tuple[Standing, ...]
    entries: tuple[LegalEntry, ...]
    access: tuple[Access, ...]
    schedule: Mapping[str, RetentionClass]
    counts: tuple[Count, ...]
    sharing: Mapping[str, int]  # rows about sharing by kind
    notices: frozenset[str]  # purposes of which some notice was recorded as given
    unreachable: tuple[str, ...]
    shadows: tuple[str, ...]  # organisations in shadow mode now
    protection: Protection


class Table(msgspec.Struct, frozen=True):
    """A table of a document, also written as a CSV of its own when it has a ``file``."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    file: str = ""


class Gap(msgspec.Struct, frozen=True, order=True):
    """Something the pack cannot say, or that is not as it should be, and what to do."""

    document: str
    words: str
    todo: str


class Section(msgspec.Struct, frozen=True):
    """A part of a document: a heading, paragraphs, and perhaps a table."""

    heading: str
    words: tuple[str, ...] = ()
    table: Table | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document of the pack; ``draft`` says that people must finish it."""

    name: str
    title: str
    law: str
    sections: tuple[Section, ...]
    gaps: tuple[Gap, ...] = ()
    draft: bool = False


class Sharing(msgspec.Struct, frozen=True, order=True):
    """What the agreements in force let one purpose share: from whom to whom, which types, on what."""

    owner: str
    recipient: str
    record_types: tuple[str, ...]
    powers: tuple[str, ...]
    bases: tuple[str, ...]
    conditions: tuple[str, ...]
    confidences: tuple[str, ...]
    agreement: str


def names_of(configured: Configured) -> dict[str, str]:
    """The names of organisations by id."""
    return {each.organisation: each.name for each in configured.organisations}


def in_force(configured: Configured) -> list[Standing]:
    """The agreements that hold now."""
    return [standing for standing in configured.agreements if standing.state == "in force"]


def purposes_used(configured: Configured) -> list[Purpose]:
    """The purposes that somebody's role or an agreement in force really lets people ask for, as declared."""
    held = {
        purpose
        for access in configured.access
        if holds(access.grant, configured.now) and access.grant.role in roles()
        for purpose in roles()[access.grant.role].purposes
    }
    agreed = {purpose for purpose in purposes() if shared_for(configured, purpose)}
    return [each for each in purposes().values() if not each.forbidden and each.name in held | agreed]


def shared_for(configured: Configured, purpose: str) -> list[Sharing]:
    """What the agreements in force let organisations share for a purpose; a line without limits counts for all."""
    found: list[Sharing] = []
    for standing in in_force(configured):
        agreement = standing.agreement
        for line in agreement.rules:
            if line.effect is Effect.ALLOW and (not line.purposes or purpose in line.purposes):
                found += _sharing(agreement, line)
    return sorted(set(found))


def conditions_used(configured: Configured) -> dict[str, list[str]]:
    """The conditions for special category and criminal offence content that agreements in force name, with purposes."""
    found: dict[str, set[str]] = {}
    for standing in in_force(configured):
        for line in standing.agreement.rules:
            if line.effect is Effect.ALLOW:
                for condition in line.conditions:
                    found.setdefault(condition, set()).update(line.purposes or ("any purpose",))
    return {condition: sorted(them) for condition, them in sorted(found.items())}


def titles(names: Iterable[str]) -> str:
    """The titles of some record types, as a sentence reads them; all when none is named."""
    known = record_types()
    found = [known[name].title if name in known else name for name in names]
    return "; ".join(found) or "every kind of record the owner holds"


def gaps_of(configured: Configured) -> list[Gap]:
    """What is missing or not as it should be in the whole installation, whatever the document."""
    protection, now = configured.protection, configured.now
    active = [each for each in configured.organisations if is_active(each, now)]
    officers = {
        a.grant.organisation
        for a in configured.access
        if a.grant.role == "information-governance" and holds(a.grant, now)
    }
    whole = "whole installation"
    found = [
        (not active, "No organisation is active.", "Add the organisation that runs this installation."),
        (
            not in_force(configured),
            "No agreement is signed and in force: nothing can be shared between organisations.",
            "Write an agreement and have every party sign it.",
        ),
        (
            not configured.entries,
            "No legal entry has been made.",
            "Enter regulations, with their dates, once in force.",
        ),
        (not protection.https, "The public address is not an https one.", "Set public_url to an https address."),
        (
            not protection.server and not protection.encrypted,
            "The databases are files that are not encrypted as a whole (names and payloads in them are sealed).",
            "Use an encrypted disk, the encrypted extra, or databases on a server.",
        ),
        (
            not protection.witness_apart,
            "The ledger's witness lies on the same disk as the installation.",
            "Set witness to a folder on another machine or disk.",
        ),
        (
            not protection.root_apart,
            "The root key lies in the same folder as what it opens.",
            "Set root_key to a place apart: another disk, the environment, or a command.",
        ),
        (
            not protection.own_sign_in,
            "People sign in with accounts kept here.",
            "Set up your organisation's own sign-in provider if it has one.",
        ),
        (
            any(access.due for access in configured.access),
            f"Roles due in the access review: {sum(access.due for access in configured.access)}.",
            "Look at them, and confirm or end each.",
        ),
        (
            any(count.late for count in configured.counts),
            f"Cases in the registers that are late: {sum(count.late for count in configured.counts)}.",
            "See the registers document.",
        ),
    ]
    gaps = [Gap(whole, words, todo) for wrong, words, todo in found if wrong]
    gaps += [
        Gap(
            whole,
            f"{each.name} has nobody in the role of information governance.",
            "Its access manager gives the role.",
        )
        for each in active
        if each.organisation not in officers
    ]
    gaps += [
        Gap(
            whole,
            f"{name} has not said who can decide and how to reach them.",
            "Enter its route, or an emergency number.",
        )
        for name in configured.unreachable
    ]
    names = names_of(configured)
    gaps += [
        Gap(
            whole,
            f"{names.get(each, each)} is in shadow mode: decided and recorded, nothing disclosed.",
            "End it in time.",
        )
        for each in configured.shadows
    ]
    return [*gaps, *_agreement_gaps(configured)]


def _agreement_gaps(configured: Configured) -> list[Gap]:
    names = names_of(configured)
    gaps = []
    for standing in configured.agreements:
        title = f"{standing.title} (version {standing.agreement.version})"
        if standing.state in ("draft", "part signed"):
            who = ", ".join(names.get(party, party) for party in standing.unsigned)
            gaps.append(
                Gap("agreement schedule", f"{title} is not signed by: {who}.", "They sign it, or it is withdrawn.")
            )
        if standing.state == "ended":
            gaps.append(
                Gap("agreement schedule", f"{title} has ended.", "Write and sign a new version if sharing goes on.")
            )
        bare = [
            line
            for line in standing.agreement.rules
            if line.effect is Effect.ALLOW and not (line.powers and line.bases)
        ]
        if bare and standing.state == "in force":
            words = f"{title} has lines that name no power or no lawful basis: {len(bare)}."
            gaps.append(
                Gap("agreement schedule", words, "The gate asks for both each time; name them in the agreement too.")
            )
    return gaps


def _sharing(agreement: Agreement, line: Rule) -> list[Sharing]:
    receiving: Sequence[str] = line.organisations or [party for party in agreement.parties if party != agreement.owner]
    return [
        Sharing(
            agreement.owner,
            recipient,
            line.record_types,
            line.powers,
            line.bases,
            line.conditions,
            line.confidences,
            f"{agreement.agreement} version {agreement.version}",
        )
        for recipient in receiving
    ]
