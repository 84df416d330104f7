"""Looking over who has access: every role of an organisation, when it was last used, whether it should stay.

Unused and forgotten roles are how people see what they should not. Every ninety days an organisation's access manager
looks at each role: takes it away, or confirms it. Teams of several organisations are kept here too: each member is
added by their own employer, and sees by their own employer's role and agreement.

Sources: Working Together to Safeguard Children (multi-agency teams); UK GDPR Articles 5(1)(f), 24 and 32.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from samechild.errors import Invalid, Missing
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.people.rules import Reviewed, holds, is_due
from samechild.policy.people.store import Member, Team
from samechild.policy.sign_in import sessions
from samechild.policy.sign_in import store as signed
from samechild.policy.sign_in.opaque import new_id
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

NO_TEAM = "There is no such team."


def access_review(store: Store, by: Asker, organisation: str, now: datetime) -> list[Reviewed]:
    """List every role held now or later in an organisation, those that are due first, then those used longest ago.

    Raises:
        Refused: when the asker is not its access manager. Missing: when there is no such organisation.
    """
    with store.read(Login.GATE) as connection:
        people_actions.manage(connection, by, organisation, now)
        grants = people_store.grants_in(connection, organisation)
        users = people_store.users_of(connection, organisation)
        reviewed = people_store.last_reviewed(connection, organisation)
        used = signed.last_uses(connection, organisation)
    names = {user.user_id: sessions.name_of(store, user) for user in users}
    rows = [
        Reviewed(
            grant=grant,
            name=names[grant.holder],
            last_used=used.get((grant.holder, grant.role)),
            last_reviewed=reviewed.get(grant.grant_id),
            due=is_due(grant, reviewed.get(grant.grant_id), now),
        )
        for grant in grants
        if holds(grant, now) or (grant.ended_at is None and now < grant.valid_from)
    ]
    return sorted(rows, key=lambda row: (not row.due, row.last_used or row.grant.granted_at, row.grant.grant_id))


def confirm_review(
    store: Store, by: Asker, organisation: str, keep: Sequence[str], now: datetime, random: Random
) -> str:
    """Confirm that these roles (ids of what was given) were looked at and stay; returns the id of the review.

    What should not stay is taken away with ``people_actions.revoke_role``.

    Raises:
        Invalid: when one is not a role held in that organisation. Refused: when the asker is not its access manager.
    """
    with store.read(Login.GATE) as connection:
        people_actions.manage(connection, by, organisation, now)
        present = {grant.grant_id: grant for grant in people_store.grants_in(connection, organisation)}
    kept = list(dict.fromkeys(keep))
    if not kept or any(grant not in present or present[grant].ended_at is not None for grant in kept):
        raise Invalid("Confirm roles that somebody holds in this organisation: load the review again.")
    if any(present[grant].holder == by.user for grant in kept):
        raise Invalid("Nobody confirms a role of their own: ask another access manager.")
    review = new_id(random)
    _written(store, by, "review-confirmed", now, organisation=organisation, review=review)
    with store.write(Login.GATE) as connection:
        people_store.keep_review(connection, review, kept, by.user, now)
    return review


def make_team(store: Store, by: Asker, name: str, now: datetime, random: Random) -> str:
    """Make a team that the asker's organisation leads; returns its id.

    Raises:
        Invalid: when it has no name. Refused: when the asker is no access manager.
    """
    if not name.strip():
        raise Invalid("A team needs a name.")
    with store.read(Login.GATE) as connection:
        people_actions.manage(connection, by, by.organisation, now)
    team = Team(team=new_id(random), organisation=by.organisation, name=name.strip(), made_at=now, made_by=by.user)
    _written(store, by, "team-made", now, team=team.team)
    with store.write(Login.GATE) as connection:
        people_store.keep_team(connection, team)
    return team.team


def join_team(
    store: Store, by: Asker, team: str, user: str, now: datetime, random: Random, until: datetime | None = None
) -> str:
    """Add somebody of the asker's own organisation to a team, whoever leads it; returns the id of the membership.

    Raises:
        Missing: when there is no such team or person. Refused: when the asker is not their access manager.
        Invalid: when the date has passed.
    """
    with store.read(Login.GATE) as connection:
        found = people_store.user_of(connection, user)
        if people_store.team_of(connection, team) is None:
            raise Missing(NO_TEAM)
        if found is None or found.left_at is not None or found.machine:
            raise Missing(people_actions.NOBODY)
        people_actions.manage(connection, by, found.organisation, now)
    if until is not None and until <= now:
        raise Invalid("The membership would have ended already: look at the date.")
    member = Member(
        membership=new_id(random), team=team, user_id=user, valid_from=now, valid_until=until, added_by=by.user
    )
    _written(store, by, "team-joined", now, team=team, user=user)
    with store.write(Login.GATE) as connection:
        people_store.keep_member(connection, member)
    return member.membership


def leave_team(store: Store, by: Asker, team: str, user: str, now: datetime) -> None:
    """Take somebody out of a team: their own access manager may, and that of the organisation which leads it.

    Raises:
        Missing: when there is no such team, or they are not in it. Refused: when the asker may not.
    """
    with store.write(Login.GATE) as connection:
        led = people_store.team_of(connection, team)
        found = people_store.user_of(connection, user)
        if led is None or found is None:
            raise Missing(NO_TEAM)
        leads = by.organisation == led.organisation
        people_actions.manage(connection, by, led.organisation if leads else found.organisation, now)
        present = [each for each in people_store.members(connection, now, team=team) if each.user_id == user]
        if not present:
            raise Missing("They are not in this team.")
        for member in present:
            people_store.keep_leaving(connection, member.membership, by.user, now)
    _written(store, by, "team-left", now, team=team, user=user)


def team_members(store: Store, by: Asker, team: str, now: datetime) -> list[Member]:
    """Who is in a team now, by id and organisation; told to access managers of the organisations in it.

    Raises:
        Missing: when there is no such team, as far as the asker may know. Refused: when they are no access manager.
    """
    with store.read(Login.GATE) as connection:
        people_actions.manage(connection, by, by.organisation, now)
        led = people_store.team_of(connection, team)
        present = people_store.members(connection, now, team=team)
        users = [people_store.user_of(connection, member.user_id) for member in present]
    taking_part = {user.organisation for user in users if user} | ({led.organisation} if led else set())
    if led is None or by.organisation not in taking_part:
        raise Missing(NO_TEAM)
    return present


def teams_of(connection: sa.Connection, user: str, now: datetime) -> tuple[str, ...]:
    """The teams somebody is in now, for the facts of a decision; one query."""
    return tuple(sorted({member.team for member in people_store.members(connection, now, user=user)}))


def _written(store: Store, by: Asker, action: str, now: datetime, **about: str) -> None:
    ledger.append(store, "access", {"action": action, "by": by.user, "by_organisation": by.organisation, **about}, now)
