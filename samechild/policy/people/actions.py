"""What access managers do: organisations, people, systems, roles, leavers; each act stands in the ledger.

Giving access is written in the ledger first and then done, so that nobody has what is not written. Ending access is
done first and then written, so that a leaver is out even while the ledger cannot be reached: asked again, it is
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.keys.register import Purpose
from samechild.keys.seal import Random, place
from samechild.policy import ledger
from samechild.policy import store as policy_store
from samechild.policy.people import store as people_store
from samechild.policy.people.organisations import Organisation, checked_codes, is_active, kinds
from samechild.policy.people.rules import (
    ACCESS_MANAGER,
    OPERATOR,
    Grant,
    RoleFacts,
    holds,
    why_not_grant,
    why_not_manage,
    why_not_vouch,
)
from samechild.policy.people.store import User
from samechild.policy.sign_in import accounts
from samechild.policy.sign_in import store as signed
from samechild.policy.sign_in.opaque import new_id
from samechild.policy.sign_in.rules import SignInRules
from samechild.records.disclosure import Asker, Route
from samechild.storage import Login, Store

NO_ORGANISATION = "There is no such organisation."
NOBODY = "There is no such person or system."


def operator() -> Asker:
    """Whoever sits at the machine itself and uses the command line; never somebody signed in through a page."""
    return Asker(user="command-line", organisation="", role=OPERATOR, factors=2)


def add_organisation(
    store: Store,
    by: Asker,
    *,
    kind: str,
    name: str,
    now: datetime,
    random: Random,
    codes: Mapping[str, str] | None = None,
    route: Route | None = None,
) -> str:
    """Add an organisation, with a data space of its own; returns its id. The first one runs the installation.

    Added by the command line, or by an access manager of the organisation that runs the installation.

    Raises:
        Refused: when somebody else asks.
        Invalid: when the kind, the name or a number cannot be used.
    """
    if kind not in kinds():
        raise Invalid("There is no such kind of organisation: choose one of the declared kinds.")
    if not name.strip():
        raise Invalid("An organisation needs a name.")
    checked = checked_codes(kinds()[kind], codes or {})
    with store.read(Login.GATE) as connection:
        present = people_store.all_organisations(connection)
        _host(connection, by, now)
    organisation = Organisation(
        organisation=new_id(random),
        kind=kind,
        name=name.strip(),
        codes=checked,
        active_from=now,
        host=not present,
        route=route,
    )
    _written(store, by, "organisation-added", now, organisation=organisation.organisation, kind=kind)
    with store.write(Login.GATE) as connection:
        people_store.keep_organisation(connection, organisation)
        policy_store.bump(connection, now)
    return organisation.organisation


def end_organisation(store: Store, by: Asker, organisation: str, now: datetime) -> None:
    """End an organisation: nobody of it is signed in any more, and nobody can ask on its behalf.

    Raises:
        Missing: when there is none. Refused: when somebody else than the host's access manager asks.
    """
    with store.write(Login.GATE) as connection:
        found = _organisation(connection, organisation)
        _host(connection, by, now)
        if found.host:
            raise Refused("The organisation that runs this installation cannot be ended from within it.")
        if found.active_until is None or now < found.active_until:
            people_store.change_organisation(connection, organisation, active_until=now)
        for user in people_store.users_of(connection, organisation):
            signed.end_sign_ins(connection, user.user_id, now)
            signed.revoke_tokens(connection, user.user_id, now)
        policy_store.bump(connection, now)
    _written(store, by, "organisation-ended", now, organisation=organisation)


def set_codes(store: Store, by: Asker, organisation: str, codes: Mapping[str, str], now: datetime) -> None:
    """Enter numbers by which an organisation is known, such as a council's three digits, beside those it has.

    Raises:
        Missing: when there is no such organisation. Refused: when somebody else than the host's access manager asks.
        Invalid: when that kind has no such number, or its form is another. Conflict: when another organisation has it.
    """
    with store.read(Login.GATE) as connection:
        found = _organisation(connection, organisation)
        _host(connection, by, now)
        others = [each for each in people_store.all_organisations(connection) if each.organisation != organisation]
    checked = checked_codes(kinds()[found.kind], codes)
    if any(each.kind == found.kind and checked.items() & each.codes.items() for each in others):
        raise Conflict("Another organisation of this kind has that number: look at `samechild people list`.")
    _written(store, by, "codes-set", now, organisation=organisation)
    written = msgspec.json.encode({**found.codes, **checked}, order="sorted").decode()
    with store.write(Login.GATE) as connection:
        people_store.change_organisation(connection, organisation, codes=written)
        policy_store.bump(connection, now)


def set_route(store: Store, by: Asker, organisation: str, route: Route, now: datetime) -> None:
    """Say who in an organisation can decide when somebody is refused, and how to reach them."""
    if not route.who.strip() or not route.how.strip():
        raise Invalid("Say both who can decide and how to reach them.")
    with store.read(Login.GATE) as connection:
        manage(connection, by, organisation, now)
    _written(store, by, "route-set", now, organisation=organisation)
    with store.write(Login.GATE) as connection:
        people_store.change_organisation(connection, organisation, route_who=route.who, route_how=route.how)
        policy_store.bump(connection, now)


def vouch(
    store: Store, by: Asker, organisation: str, registered_until: datetime, contract_until: datetime, now: datetime
) -> None:
    """Vouch for a sole provider: they have access until the registration or the contract ends, whichever is first.

    Raises:
        Refused: when the asker is no access manager of a council, or another council vouches already.
        Invalid: when the dates have passed or the organisation is no sole provider.
    """
    with store.read(Login.GATE) as connection:
        provider = _organisation(connection, organisation)
        own = manage(connection, by, by.organisation, now)
    if provider.vouched_by not in ("", by.organisation) and is_active(provider, now):
        raise Refused("Another council vouches for this provider: let it end that first.")
    wrong = why_not_vouch(own, provider, registered_until, contract_until, now)
    if wrong:
        raise Invalid(wrong)
    _written(store, by, "vouched", now, organisation=organisation)
    with store.write(Login.GATE) as connection:
        people_store.change_organisation(
            connection,
            organisation,
            vouched_by=by.organisation,
            registered_until=registered_until,
            contract_until=contract_until,
        )
        policy_store.bump(connection, now)


def end_vouching(store: Store, by: Asker, organisation: str, now: datetime) -> None:
    """Stop vouching for a sole provider: their access ends at once.

    Raises:
        Refused: when another council vouches for them.
    """
    with store.write(Login.GATE) as connection:
        provider = _organisation(connection, organisation)
        manage(connection, by, by.organisation, now)
        if provider.vouched_by != by.organisation:
            raise Refused("Your organisation does not vouch for this provider.")
        people_store.change_organisation(connection, organisation, contract_until=now)
        for user in people_store.users_of(connection, organisation):
            signed.end_sign_ins(connection, user.user_id, now)
        policy_store.bump(connection, now)
    _written(store, by, "vouching-ended", now, organisation=organisation)


def add_user(store: Store, by: Asker, organisation: str, name: str, email: str, now: datetime, random: Random) -> str:
    """Add a member of staff to an organisation; returns their id. They can do nothing until they are given a role.

    Raises:
        Conflict: when somebody here has that address already.
        Invalid: when the name or the address cannot be used. Refused: when the asker may not.
    """
    address = accounts.normal_email(email)
    if not name.strip() or "@" not in address or len(address) > 254 or len(name) > 200:
        raise Invalid("A person needs a name and an e-mail address of their own.")
    with store.read(Login.GATE) as connection:
        manage(connection, by, organisation, now)
        if people_store.users_with(connection, store.keys.tokens(accounts.EMAIL, address)):
            raise Conflict("Somebody in this installation has that address already: a person has one account.")
    user = new_id(random)
    _written(store, by, "person-added", now, organisation=organisation, user=user)
    with store.write(Login.GATE) as connection:
        people_store.keep_user(
            connection,
            User(
                user_id=user,
                organisation=organisation,
                sealed_name=_sealed(store, user, "sealed_name", name.strip(), random),
                sealed_email=_sealed(store, user, "sealed_email", address, random),
                email_token=store.keys.token(accounts.EMAIL, address),
                machine=False,
                added_at=now,
                added_by=by.user,
            ),
        )
    return user


def invite(store: Store, by: Asker, user: str, now: datetime, random: Random, rules: SignInRules | None = None) -> str:
    """Invite somebody to make their account here; returns the token for a one-time link, which ends after three days.

    Raises:
        Missing: when there is no such person any more. Refused: when the asker may not.
    """
    with store.read(Login.GATE) as connection:
        found = _user(connection, user)
        manage(connection, by, found.organisation, now)
    if found.user_id == by.user:
        raise Refused("Nobody invites themselves: ask another access manager.")
    _written(store, by, "invited", now, organisation=found.organisation, user=user)
    return accounts.invite(store, user, by.user, now, random, rules or SignInRules())


def grant_role(
    store: Store,
    by: Asker,
    user: str,
    role: str,
    now: datetime,
    random: Random,
    *,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> str:
    """Give somebody a role in their own organisation, with dates; returns the id of what was given.

    Raises:
        Refused: when the asker is not the access manager of that organisation, or asks for themselves.
        Invalid: when the role does not exist there, or its dates cannot be.
        Missing: when there is no such person or system any more.
    """
    with store.read(Login.GATE) as connection:
        found = _user(connection, user)
        organisation = manage(connection, by, found.organisation, now)
    grant = Grant(
        grant_id=new_id(random),
        holder=user,
        role=role,
        organisation=found.organisation,
        valid_from=valid_from or now,
        valid_until=valid_until,
        granted_by=by.user,
        granted_at=now,
    )
    if user == by.user:
        raise Refused("Nobody gives a role to themselves: ask another access manager.")
    wrong = why_not_grant(by, organisation, grant, machine=found.machine, now=now)
    if wrong:
        raise Invalid(wrong)
    _written(store, by, "role-given", now, organisation=found.organisation, user=user, role=role, grant=grant.grant_id)
    with store.write(Login.GATE) as connection:
        _user(connection, user)
        people_store.keep_grant(connection, grant)
    return grant.grant_id


def revoke_role(store: Store, by: Asker, grant: str, now: datetime) -> None:
    """Take a role away: the next request made in it is refused. Asked again, it changes nothing.

    Raises:
        Missing: when it was never given. Refused: when the asker may not.
    """
    with store.write(Login.GATE) as connection:
        found = people_store.grant_of(connection, grant)
        if found is None:
            raise Missing("There is no such role given.")
        manage(connection, by, found.organisation, now)
        if found.ended_at is None:
            people_store.keep_end(connection, grant, by.user, "revoked", now)
    _written(store, by, "role-taken", now, organisation=found.organisation, user=found.holder, grant=grant)


def leaver(store: Store, by: Asker, user: str, now: datetime) -> None:
    """Somebody leaves, or a system is taken out of use: every role, sign-in and token ends now.

    Raises:
        Missing: when there is no such person. Refused: when the asker may not.
    """
    with store.write(Login.GATE) as connection:
        found = people_store.user_of(connection, user)
        if found is None:
            raise Missing(NOBODY)
        manage(connection, by, found.organisation, now)
        people_store.mark_left(connection, user, now)
        signed.end_sign_ins(connection, user, now)
        signed.revoke_tokens(connection, user, now)
        signed.forget_invitations(connection, user)
        signed.forget_recovery_codes(connection, user)
        signed.drop_account(connection, user)
        for grant in people_store.grants_to(connection, user):
            if grant.ended_at is None:
                people_store.keep_end(connection, grant.grant_id, by.user, "left", now)
    _written(store, by, "left", now, organisation=found.organisation, user=user)


def begin_access(
    store: Store,
    by: Asker,
    organisation: str,
    name: str,
    email: str,
    now: datetime,
    random: Random,
    rules: SignInRules | None = None,
) -> str:
    """Name the first access manager of an organisation that has none; returns the token of their invitation.

    Only by the command line, or by an access manager of the organisation that runs the installation.

    Raises:
        Refused: when the organisation has an access manager, or somebody else asks.
    """
    with store.read(Login.GATE) as connection:
        found = _organisation(connection, organisation)
        _host(connection, by, now)
        if any(holds(grant, now) for grant in people_store.grants_in(connection, organisation, ACCESS_MANAGER)):
            raise Refused("This organisation has an access manager: ask them.")
    at_machine = msgspec.structs.replace(operator(), user=by.user, organisation=by.organisation)
    user = _named_before(store, organisation, email)
    user = user or add_user(store, at_machine, found.organisation, name, email, now, random)
    grant_role(store, at_machine, user, ACCESS_MANAGER, now, random)
    return invite(store, at_machine, user, now, random, rules)


def role_facts(connection: sa.Connection, user: str, organisation: str, role: str, now: datetime) -> RoleFacts:
    """What a decision needs to know about the role somebody asks in, and about the body they ask for; one query.

    Raises:
        Missing: when there is no such organisation.
    """
    found = people_store.role_facts(connection, user, organisation, role, now)
    if found is None:
        raise Missing(NO_ORGANISATION)
    return found


def manage(connection: sa.Connection, by: Asker, organisation: str, now: datetime) -> Organisation:
    """Make sure that somebody may manage access in an organisation, as things stand now; returns the organisation.

    Raises:
        Refused: saying why not. Missing: when there is no such organisation.
    """
    found = _organisation(connection, organisation)
    held = people_store.role_facts(connection, by.user, by.organisation, by.role, now)
    wrong = why_not_manage(by, held, found, now)
    if wrong:
        raise Refused(wrong)
    return found


def _named_before(store: Store, organisation: str, email: str) -> str:
    """Somebody of this organisation who was added under that address when an earlier try was interrupted."""
    tokens = store.keys.tokens(accounts.EMAIL, accounts.normal_email(email))
    with store.read(Login.GATE) as connection:
        users = people_store.users_with(connection, tokens)
    return users[0].user_id if users and users[0].organisation == organisation else ""


def _host(connection: sa.Connection, by: Asker, now: datetime) -> None:
    if by.role == OPERATOR:
        return
    if not manage(connection, by, by.organisation, now).host:
        raise Refused("Only an access manager of the organisation that runs this installation does this.")


def _organisation(connection: sa.Connection, organisation: str) -> Organisation:
    found = people_store.organisation_of(connection, organisation)
    if found is None:
        raise Missing(NO_ORGANISATION)
    return found


def _user(connection: sa.Connection, user: str) -> User:
    found = people_store.user_of(connection, user)
    if found is None or found.left_at is not None:
        raise Missing(NOBODY)
    return found


def _sealed(store: Store, user: str, column: str, plain: str, random: Random) -> bytes:
    return store.keys.seal(Purpose.GATE, plain.encode(), place("users", column, user), random)


def _written(store: Store, by: Asker, action: str, now: datetime, **about: str) -> None:
    body = {"action": action, "by": by.user, "by_organisation": by.organisation, **about}
    ledger.append(store, "access", body, now)
