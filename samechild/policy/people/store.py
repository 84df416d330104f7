"""What the gate's database keeps of organisations, their people and systems, the roles they hold and their teams.

Names and addresses of staff are sealed; an address is found by a keyed token. Roles and memberships are never changed:
a row says that something began, another that it ended. Every function here is one query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.policy.people.organisations import Organisation, body_of
from samechild.policy.people.rules import Grant, RoleFacts, facts_of
from samechild.policy.records import Body
from samechild.records.disclosure import Route
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})
_ONLY_ADDED = {"append_only": True}


def _moment(name: str, *, nullable: bool = False, comment: str = "") -> sa.Column[Any]:
    return sa.Column(name, Moment, nullable=nullable, comment=comment or None)


def _text(name: str, *, index: bool = False, comment: str = "") -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, index=index, comment=comment or None)


organisations = sa.Table(
    "organisations",
    TABLES,
    sa.Column("organisation", sa.Text, primary_key=True, comment="opaque; also the name of its data space"),
    _text("kind"),
    _text("name"),
    _text("codes", comment="JSON: number by kind of number"),
    _moment("active_from"),
    _moment("active_until", nullable=True),
    _text("vouched_by", comment="organisation that vouches for a sole provider; empty: none"),
    _moment("registered_until", nullable=True),
    _moment("contract_until", nullable=True),
    sa.Column("host", sa.Boolean, nullable=False, comment="runs this installation"),
    _text("route_who", comment="who can decide when somebody is refused"),
    _text("route_how", comment="how to reach them"),
    info={"grants": {"gate": "SELECT, INSERT, UPDATE"}},
)

users = sa.Table(
    "users",
    TABLES,
    sa.Column("user_id", sa.Text, primary_key=True),
    _text("organisation", index=True),
    sa.Column("sealed_name", sa.LargeBinary, nullable=False),
    sa.Column("sealed_email", sa.LargeBinary, nullable=False, comment="empty for a system"),
    _text("email_token", comment="keyed token; empty for a system"),
    sa.Column("machine", sa.Boolean, nullable=False, comment="a system, not a person"),
    _moment("added_at"),
    _text("added_by"),
    _moment("left_at", nullable=True),
    info={"grants": {"gate": "SELECT, INSERT, UPDATE"}},
)

_present = sa.and_(users.c.left_at.is_(None), users.c.email_token != "")
sa.Index("users_one_address", users.c.email_token, unique=True, sqlite_where=_present, postgresql_where=_present)

role_grants = sa.Table(
    "role_grants",
    TABLES,
    sa.Column("grant_id", sa.Text, primary_key=True),
    _text("holder", index=True, comment="user: a person or a system"),
    _text("role"),
    _text("organisation", index=True),
    _moment("valid_from"),
    _moment("valid_until", nullable=True),
    _text("granted_by"),
    _moment("granted_at"),
    info=_ONLY_ADDED,
)

role_ends = sa.Table(
    "role_ends",
    TABLES,
    sa.Column("grant_id", sa.Text, primary_key=True),
    _moment("ended_at"),
    _text("ended_by"),
    _text("why", comment="code: revoked, left, organisation-ended"),
    info=_ONLY_ADDED,
)

teams = sa.Table(
    "teams",
    TABLES,
    sa.Column("team", sa.Text, primary_key=True),
    _text("organisation", index=True, comment="the one that leads it"),
    _text("name"),
    _moment("made_at"),
    _text("made_by"),
    info=_ONLY_ADDED,
)

team_members = sa.Table(
    "team_members",
    TABLES,
    sa.Column("membership", sa.Text, primary_key=True),
    _text("team", index=True),
    _text("user_id", index=True),
    _moment("valid_from"),
    _moment("valid_until", nullable=True),
    _text("added_by"),
    info=_ONLY_ADDED,
)

team_leavings = sa.Table(
    "team_leavings",
    TABLES,
    sa.Column("membership", sa.Text, primary_key=True),
    _moment("ended_at"),
    _text("ended_by"),
    info=_ONLY_ADDED,
)

role_reviews = sa.Table(
    "role_reviews",
    TABLES,
    sa.Column("review", sa.Text, primary_key=True),
    sa.Column("grant_id", sa.Text, primary_key=True, index=True),
    _moment("reviewed_at"),
    _text("reviewed_by"),
    info=_ONLY_ADDED,
)


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff or a system of one organisation, as kept: name and address are sealed."""

    user_id: str
    organisation: str
    sealed_name: bytes
    sealed_email: bytes
    email_token: str
    machine: bool
    added_at: datetime
    added_by: str
    left_at: datetime | None = None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One membership of a team: a person of any organisation, from when until when."""

    membership: str
    team: str
    user_id: str
    valid_from: datetime
    valid_until: datetime | None
    added_by: str


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A team, led by one organisation; its members may come from several."""

    team: str
    organisation: str
    name: str
    made_at: datetime
    made_by: str


_voucher = organisations.alias("voucher")
_ORGANISATION = (*organisations.c, _voucher.c.active_until.label("voucher_until"))
_VOUCHED = organisations.outerjoin(_voucher, _voucher.c.organisation == organisations.c.vouched_by)
_GRANT = (*role_grants.c, role_ends.c.ended_at)
_SAME_GRANT = role_ends.c.grant_id == role_grants.c.grant_id
_ENDED = role_grants.outerjoin(role_ends, _SAME_GRANT)


def keep_organisation(connection: sa.Connection, organisation: Organisation) -> None:
    """Add an organisation."""
    route = organisation.route or Route("", "")
    connection.execute(
        organisations.insert().values(
            organisation=organisation.organisation,
            kind=organisation.kind,
            name=organisation.name,
            codes=msgspec.json.encode(organisation.codes, order="sorted").decode(),
            active_from=organisation.active_from,
            active_until=organisation.active_until,
            vouched_by=organisation.vouched_by,
            registered_until=organisation.registered_until,
            contract_until=organisation.contract_until,
            host=organisation.host,
            route_who=route.who,
            route_how=route.how,
        )
    )


def change_organisation(connection: sa.Connection, organisation: str, **values: object) -> None:
    """Change dates, voucher or route of an organisation; the ledger keeps what was changed by whom."""
    connection.execute(organisations.update().where(organisations.c.organisation == organisation).values(**values))


def organisation_of(connection: sa.Connection, organisation: str) -> Organisation | None:
    """Read one organisation."""
    asked = sa.select(*_ORGANISATION).select_from(_VOUCHED).where(organisations.c.organisation == organisation)
    row = connection.execute(asked).mappings().one_or_none()
    return None if row is None else _organisation(row)


def all_organisations(connection: sa.Connection, kind: str = "") -> list[Organisation]:
    """Read every organisation, or those of one kind, by name."""
    asked = sa.select(*_ORGANISATION).select_from(_VOUCHED).order_by(organisations.c.name)
    if kind:
        asked = asked.where(organisations.c.kind == kind)
    return [_organisation(row) for row in connection.execute(asked).mappings()]


def keep_user(connection: sa.Connection, user: User) -> None:
    """Add a person or a system."""
    connection.execute(users.insert().values(msgspec.structs.asdict(user)))


def user_of(connection: sa.Connection, user: str) -> User | None:
    """Read one person or system."""
    row = connection.execute(sa.select(users).where(users.c.user_id == user)).mappings().one_or_none()
    return None if row is None else User(**row)


def person_of(connection: sa.Connection, user: str) -> tuple[User, Organisation] | None:
    """Read one person or system with their organisation, in one query; None when either is not there."""
    asked = (
        sa.select(*(column.label(f"person_{column.name}") for column in users.c), *_ORGANISATION)
        .select_from(_VOUCHED.join(users, users.c.organisation == organisations.c.organisation))
        .where(users.c.user_id == user)
    )
    row = connection.execute(asked).mappings().one_or_none()
    if row is None:
        return None
    return User(**{column.name: row[f"person_{column.name}"] for column in users.c}), _organisation(row)


def users_with(connection: sa.Connection, email_tokens: Sequence[str]) -> list[User]:
    """Find those still working somewhere under an address, by its keyed tokens."""
    asked = sa.select(users).where(users.c.email_token.in_(email_tokens), users.c.left_at.is_(None))
    return [User(**row) for row in connection.execute(asked).mappings()]


def users_of(connection: sa.Connection, organisation: str) -> list[User]:
    """Read everybody of an organisation, those who left included."""
    asked = sa.select(users).where(users.c.organisation == organisation).order_by(users.c.added_at, users.c.user_id)
    return [User(**row) for row in connection.execute(asked).mappings()]


def any_user_not_of(connection: sa.Connection, added_by: str) -> bool:
    """Whether there is anybody whom somebody else than this one added."""
    asked = sa.select(users.c.user_id).where(users.c.added_by != added_by).limit(1)
    return connection.execute(asked).first() is not None


def mark_left(connection: sa.Connection, user: str, now: datetime) -> None:
    """Say that somebody left; the first date stays."""
    connection.execute(users.update().where(users.c.user_id == user, users.c.left_at.is_(None)).values(left_at=now))


def keep_grant(connection: sa.Connection, grant: Grant) -> None:
    """Add a role given."""
    values = msgspec.structs.asdict(grant)
    values.pop("ended_at")
    connection.execute(role_grants.insert().values(values))


def keep_end(connection: sa.Connection, grant: str, by: str, why: str, now: datetime) -> None:
    """Say that a role was taken away."""
    connection.execute(role_ends.insert().values(grant_id=grant, ended_at=now, ended_by=by, why=why))


def grant_of(connection: sa.Connection, grant: str) -> Grant | None:
    """Read one role given."""
    asked = sa.select(*_GRANT).select_from(_ENDED).where(role_grants.c.grant_id == grant)
    row = connection.execute(asked).mappings().one_or_none()
    return None if row is None else Grant(**row)


def grants_to(connection: sa.Connection, holder: str) -> list[Grant]:
    """Read every role somebody was given, those ended included."""
    asked = sa.select(*_GRANT).select_from(_ENDED).where(role_grants.c.holder == holder)
    return [Grant(**row) for row in connection.execute(asked.order_by(role_grants.c.valid_from)).mappings()]


def grants_in(connection: sa.Connection, organisation: str, role: str = "") -> list[Grant]:
    """Read every role given in an organisation, or those of one role, those ended included."""
    asked = sa.select(*_GRANT).select_from(_ENDED).where(role_grants.c.organisation == organisation)
    if role:
        asked = asked.where(role_grants.c.role == role)
    return [Grant(**row) for row in connection.execute(asked.order_by(role_grants.c.valid_from)).mappings()]


def _role_asked() -> sa.Select[Any]:
    given = sa.and_(
        role_grants.c.organisation == organisations.c.organisation,
        role_grants.c.holder == sa.bindparam("user"),
        role_grants.c.role == sa.bindparam("role"),
    )
    grant = [column.label(f"grant_{column.name}") for column in _GRANT]
    joined = _VOUCHED.outerjoin(role_grants, given).outerjoin(role_ends, _SAME_GRANT)
    return (
        sa.select(*_ORGANISATION, *grant)
        .select_from(joined)
        .where(organisations.c.organisation == sa.bindparam("organisation"))
    )


_ROLE_ASKED = _role_asked()
"""Built once: putting it together takes longer than running it."""


def role_facts(connection: sa.Connection, user: str, organisation: str, role: str, now: datetime) -> RoleFacts | None:
    """Read, in one query, what a decision needs about the role somebody asks in; None: no such organisation."""
    asked = {"user": user, "organisation": organisation, "role": role}
    rows = connection.execute(_ROLE_ASKED, asked).mappings().all()
    if not rows:
        return None
    held = [
        Grant(**{column.name: row[f"grant_{column.name}"] for column in _GRANT})
        for row in rows
        if row["grant_grant_id"]
    ]
    return facts_of(body_of(_organisation(rows[0]), now), held, now)


def bodies(connection: sa.Connection, wanted: Iterable[str], now: datetime) -> dict[str, Body]:
    """Read several organisations as decisions see them, by id."""
    asked = sa.select(*_ORGANISATION).select_from(_VOUCHED).where(organisations.c.organisation.in_(list(wanted)))
    found = (_organisation(row) for row in connection.execute(asked).mappings())
    return {organisation.organisation: body_of(organisation, now) for organisation in found}


def keep_team(connection: sa.Connection, team: Team) -> None:
    """Add a team."""
    connection.execute(teams.insert().values(msgspec.structs.asdict(team)))


def team_of(connection: sa.Connection, team: str) -> Team | None:
    """Read one team."""
    row = connection.execute(sa.select(teams).where(teams.c.team == team)).mappings().one_or_none()
    return None if row is None else Team(**row)


def keep_member(connection: sa.Connection, member: Member) -> None:
    """Add somebody to a team."""
    connection.execute(team_members.insert().values(msgspec.structs.asdict(member)))


def keep_leaving(connection: sa.Connection, membership: str, by: str, now: datetime) -> None:
    """Say that somebody left a team."""
    connection.execute(team_leavings.insert().values(membership=membership, ended_at=now, ended_by=by))


_TEAMS_NOW = (
    sa.select(team_members.c.team)
    .join(users, users.c.user_id == team_members.c.user_id)
    .outerjoin(team_leavings, team_leavings.c.membership == team_members.c.membership)
    .where(
        team_leavings.c.membership.is_(None),
        users.c.left_at.is_(None),
        team_members.c.user_id == sa.bindparam("user"),
        team_members.c.valid_from <= sa.bindparam("now", type_=Moment),
        sa.or_(team_members.c.valid_until.is_(None), team_members.c.valid_until > sa.bindparam("now", type_=Moment)),
    )
)
"""Built once: putting it together takes longer than running it."""


def teams_now(connection: sa.Connection, user: str, now: datetime) -> frozenset[str]:
    """The teams somebody who still works somewhere is a member of now."""
    return frozenset(connection.scalars(_TEAMS_NOW, {"user": user, "now": now}))


def members(connection: sa.Connection, now: datetime, *, team: str = "", user: str = "") -> list[Member]:
    """Read the memberships that hold now, of a team or of a person who still works somewhere."""
    asked = (
        sa.select(*team_members.c)
        .join(users, users.c.user_id == team_members.c.user_id)
        .outerjoin(team_leavings, team_leavings.c.membership == team_members.c.membership)
        .where(
            team_leavings.c.membership.is_(None),
            users.c.left_at.is_(None),
            team_members.c.valid_from <= now,
            sa.or_(team_members.c.valid_until.is_(None), team_members.c.valid_until > now),
        )
        .order_by(team_members.c.valid_from, team_members.c.membership)
    )
    if team:
        asked = asked.where(team_members.c.team == team)
    if user:
        asked = asked.where(team_members.c.user_id == user)
    return [Member(**row) for row in connection.execute(asked).mappings()]


def keep_review(connection: sa.Connection, review: str, grants: Sequence[str], by: str, now: datetime) -> None:
    """Keep that these roles were looked at and may stay."""
    rows = [{"review": review, "grant_id": grant, "reviewed_at": now, "reviewed_by": by} for grant in grants]
    connection.execute(role_reviews.insert(), rows)


def last_reviewed(connection: sa.Connection, organisation: str) -> dict[str, datetime]:
    """Read when each role of an organisation was last confirmed."""
    asked = (
        sa.select(role_reviews.c.grant_id, sa.func.max(role_reviews.c.reviewed_at, type_=Moment).label("at"))
        .join(role_grants, role_grants.c.grant_id == role_reviews.c.grant_id)
        .where(role_grants.c.organisation == organisation)
        .group_by(role_reviews.c.grant_id)
    )
    return {row.grant_id: row.at for row in connection.execute(asked)}


def _organisation(row: Mapping[Any, Any]) -> Organisation:
    return Organisation(
        organisation=row["organisation"],
        kind=row["kind"],
        name=row["name"],
        codes=msgspec.json.decode(row["codes"], type=dict[str, str]),
        active_from=row["active_from"],
        active_until=row["active_until"],
        vouched_by=row["vouched_by"],
        registered_until=row["registered_until"],
        contract_until=row["contract_until"],
        voucher_until=row["voucher_until"],
        host=bool(row["host"]),
        route=Route(row["route_who"], row["route_how"]) if row["route_who"] else None,
    )
