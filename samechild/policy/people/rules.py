"""Who may give a role to whom, when it holds, and when access is looked over again: rules without a database.

A role is given with dates by the access manager of a person's *own* organisation, never by oneself, and only in a
sector where it exists. For a sole provider, such as a childminder, the council that vouches for them is the access
manager. What was given is never rewritten: a role ends by an entry that says so.

Source: the access rules of ContactPoint (SI 2007/2182, revoked 2012) and what its audits found; UK GDPR Article 32.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from samechild.policy.people.organisations import Organisation, is_active, kinds
from samechild.policy.records import Body
from samechild.policy.roles import roles
from samechild.records.disclosure import Asker

ACCESS_MANAGER = "access-manager"
OPERATOR = "operator"
"""Who acts by the command line of the machine itself, where somebody with the root key sits."""

REVIEW_EVERY = timedelta(days=90)
"""After so long without a look, a role is due in the access review."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A role given: to whom (a person or a machine), in which organisation, from when until when, and by whom.

    ``valid_until`` is not included; ``ended_at`` is when it was taken away.
    """

    grant_id: str
    holder: str
    role: str
    organisation: str
    valid_from: datetime
    valid_until: datetime | None
    granted_by: str
    granted_at: datetime
    ended_at: datetime | None = None


class RoleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision needs to know about the role somebody asks in, and the body they ask for."""

    body: Body
    role_from: datetime | None = None  # None: never held
    role_until: datetime | None = None
    role_organisation: str = ""


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an access review: who holds which role since when, when it was last used, and whether it is due."""

    grant: Grant
    name: str
    last_used: datetime | None
    last_reviewed: datetime | None
    due: bool


def end_of(grant: Grant) -> datetime | None:
    """When a role ends: at its date or when it was taken away, whichever comes first; None when neither is known."""
    ends = [end for end in (grant.valid_until, grant.ended_at) if end is not None]
    return min(ends, default=None)


def holds(grant: Grant, now: datetime) -> bool:
    """Whether a role is held now."""
    end = end_of(grant)
    return grant.valid_from <= now and (end is None or now < end)


def facts_of(body: Body, grants: Iterable[Grant], now: datetime) -> RoleFacts:
    """Choose, of all the times a role was given to somebody, the one that says most about now.

    One that holds; else the one that began last, so that a decision can say that it ended or has not begun.
    """
    ordered = sorted(grants, key=lambda grant: (holds(grant, now), grant.valid_from, grant.grant_id))
    if not ordered:
        return RoleFacts(body=body)
    chosen = ordered[-1]
    return RoleFacts(
        body=body,
        role_from=chosen.valid_from,
        role_until=end_of(chosen),
        role_organisation=chosen.organisation,
    )


def may_manage(by: Asker, organisation: Organisation) -> bool:
    """Whether an access manager looks after this organisation: their own, or a sole provider theirs vouches for."""
    vouches = kinds()[organisation.kind].sole_provider and organisation.vouched_by == by.organisation
    return by.organisation == organisation.organisation or vouches


def why_not_manage(by: Asker, held: RoleFacts | None, organisation: Organisation, now: datetime) -> str:
    """Say why somebody may not manage access in an organisation; empty when they may.

    ``held`` is what is known of their role as access manager. Two factors are needed, because a role that sees who a
    child is can be given here.
    """
    if by.role == OPERATOR:
        return ""
    if by.role != ACCESS_MANAGER:
        return "Only an access manager does this: ask the one of your organisation."
    if held is None or not _held(held, by, now):
        return "You are not an access manager of an active organisation any more."
    if by.factors < 2:
        return "Sign in with two factors to manage access."
    if not may_manage(by, organisation):
        return "Roles and people of an organisation are looked after by its own access manager."
    return ""


def why_not_grant(by: Asker, organisation: Organisation, wanted: Grant, *, machine: bool, now: datetime) -> str:
    """Say why this role may not be given like this; empty when it may. ``machine``: the holder is a system."""
    role = roles().get(wanted.role)
    if role is None:
        return "There is no such role: choose one of the declared roles."
    if wanted.holder == by.user:
        return "Nobody gives a role to themselves: ask another access manager."
    if kinds()[organisation.kind].sector not in role.sectors:
        return "This role does not exist in the sector of that organisation."
    if role.machine is not machine:
        return "This role is for systems, not for people." if role.machine else "A system cannot hold a person's role."
    if not is_active(organisation, now):
        return "The organisation is not active: look at its dates, registration, contract and who vouches for it."
    if wanted.valid_until is not None and wanted.valid_until <= max(wanted.valid_from, now):
        return "The role would end before it begins, or has ended already: look at the dates."
    return ""


def why_not_vouch(
    voucher: Organisation, provider: Organisation, registered_until: datetime, contract_until: datetime, now: datetime
) -> str:
    """Say why an organisation may not vouch for a provider; empty when it may. Only a council vouches."""
    if voucher.kind != "local-authority" or not is_active(voucher, now):
        return "Only the council that commissions a provider vouches for them."
    if not kinds()[provider.kind].sole_provider:
        return "Only a sole provider, such as a childminder, is vouched for."
    if min(registered_until, contract_until) <= now:
        return "The registration or the contract has ended: look at the dates."
    return ""


def is_due(grant: Grant, last_reviewed: datetime | None, now: datetime) -> bool:
    """Whether a role should be looked at in the access review: ninety days after it was given or last confirmed."""
    return now - (last_reviewed or grant.granted_at) >= REVIEW_EVERY


def _held(held: RoleFacts, by: Asker, now: datetime) -> bool:
    begun = held.role_from is not None and held.role_from <= now
    lasting = held.role_until is None or now < held.role_until
    return begun and lasting and held.body.active and held.role_organisation == by.organisation
