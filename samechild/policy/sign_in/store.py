"""What the gate's database keeps of signing in: sign-ins, local accounts, providers' answers, systems and their tokens.

Of tokens and secrets only digests are kept, seeds of second factors are sealed. Every function here is one query.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from samechild.policy.people.rules import Grant
from samechild.policy.people.store import role_ends, role_grants, users
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})


def _text(name: str, *, index: bool = False, comment: str = "") -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, index=index, comment=comment or None)


def _moment(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Moment, nullable=nullable, index=index)


sign_ins = sa.Table(
    "sign_ins",
    TABLES,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _text("user_id", index=True),
    _text("role", comment="empty until one is chosen"),
    sa.Column("factors", sa.Integer, nullable=False),
    _text("method", comment="local, persona, or the name of a provider"),
    _text("limited_to", comment="JSON: roles a provider allows; empty: as given here"),
    _moment("started_at"),
    _moment("seen_at"),
    sa.Column("idle_seconds", sa.Integer, nullable=False),
    _moment("ends_at", index=True),
    _moment("ended_at", nullable=True),
)

accounts = sa.Table(
    "accounts",
    TABLES,
    sa.Column("user_id", sa.Text, primary_key=True),
    _text("password_hash", comment="argon2id"),
    sa.Column("sealed_seed", sa.LargeBinary, nullable=False, comment="of the second factor"),
    sa.Column("last_step", sa.BigInteger, nullable=False, comment="the newest code used"),
    _moment("changed_at"),
)

recovery_codes = sa.Table(
    "recovery_codes",
    TABLES,
    sa.Column("code_hash", sa.Text, primary_key=True),
    _text("user_id", index=True),
    _moment("used_at", nullable=True),
)

invitations = sa.Table(
    "invitations",
    TABLES,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _text("user_id", index=True),
    sa.Column("sealed_seed", sa.LargeBinary, nullable=False, comment="empty until the account is begun"),
    _text("made_by"),
    _moment("made_at"),
    _moment("expires_at", index=True),
    _moment("used_at", nullable=True),
)

attempts = sa.Table(
    "sign_in_attempts",
    TABLES,
    sa.Column("subject", sa.Text, primary_key=True, comment="keyed token of the address tried, known or not"),
    sa.Column("failures", sa.Integer, nullable=False),
    _moment("last_at", index=True),
    _moment("locked_until", nullable=True),
)

provider_starts = sa.Table(
    "provider_starts",
    TABLES,
    sa.Column("state_hash", sa.Text, primary_key=True),
    _text("browser_hash", comment="digest of the cookie of the browser that began"),
    _text("profile"),
    _text("redirect_uri"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="nonce and code verifier"),
    _moment("made_at"),
    _moment("expires_at", index=True),
    _moment("used_at", nullable=True),
)

provider_people = sa.Table(
    "provider_people",
    TABLES,
    sa.Column("subject_token", sa.Text, primary_key=True, comment="keyed token of issuer and subject"),
    _text("user_id", index=True),
    _moment("bound_at"),
    _text("bound_by"),
)

clients = sa.Table(
    "clients",
    TABLES,
    sa.Column("client_id", sa.Text, primary_key=True, comment="also the id among users"),
    _text("scopes", comment="JSON list"),
    _text("public_keys", comment="JSON Web Key Set, public halves; empty: a secret is used"),
    _moment("valid_from"),
    _moment("valid_until", nullable=True),
)

client_secrets = sa.Table(
    "client_secrets",
    TABLES,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    _text("client_id", index=True),
    _moment("made_at"),
    _moment("valid_until", nullable=True),
)

access_tokens = sa.Table(
    "access_tokens",
    TABLES,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _text("client_id", index=True),
    _text("role"),
    _text("scopes", comment="JSON list"),
    _text("audience"),
    _moment("issued_at"),
    _moment("expires_at", index=True),
    _moment("revoked_at", nullable=True),
)

used_assertions = sa.Table(
    "used_assertions",
    TABLES,
    sa.Column("assertion_hash", sa.Text, primary_key=True, comment="client and jti"),
    _moment("expires_at", index=True),
)

personas = sa.Table(
    "personas",
    TABLES,
    sa.Column("persona", sa.Text, primary_key=True),
    _text("user_id"),
)


def one(connection: sa.Connection, table: sa.Table, key: str) -> Mapping[str, Any] | None:
    """Read the row of a table with this primary key."""
    column = next(iter(table.primary_key))
    row = connection.execute(sa.select(table).where(column == key)).mappings().one_or_none()
    return None if row is None else {name: row[name] for name in table.c.keys()}  # noqa: SIM118 (columns, not a dict)


def keep(connection: sa.Connection, table: sa.Table, **values: object) -> None:
    """Add one row."""
    connection.execute(table.insert().values(**values))


def change(connection: sa.Connection, table: sa.Table, key: str, **values: object) -> None:
    """Change one row, found by its primary key."""
    column = next(iter(table.primary_key))
    connection.execute(table.update().where(column == key).values(**values))


def use_once(connection: sa.Connection, table: sa.Table, key: str, now: datetime) -> bool:
    """Mark a one-time thing as used; False when it was used before, so that of two who try one succeeds."""
    column = next(iter(table.primary_key))
    unused = table.update().where(column == key, table.c.used_at.is_(None)).values(used_at=now)
    return connection.execute(unused).rowcount == 1


def see(connection: sa.Connection, token_hash: str, now: datetime) -> None:
    """Note that somebody signed in did something now."""
    seen = sign_ins.update().where(sign_ins.c.token_hash == token_hash, sign_ins.c.seen_at < now)
    connection.execute(seen.values(seen_at=now))


def end_sign_in(connection: sa.Connection, token_hash: str, now: datetime) -> bool:
    """End one sign-in; False when it had ended, or there was none."""
    lasting = sign_ins.update().where(sign_ins.c.token_hash == token_hash, sign_ins.c.ended_at.is_(None))
    return connection.execute(lasting.values(ended_at=now)).rowcount == 1


def end_sign_ins(connection: sa.Connection, user_id: str, now: datetime, *, but: str = "") -> int:
    """End every sign-in of somebody, save one; returns how many."""
    ended = sign_ins.update().where(
        sign_ins.c.user_id == user_id, sign_ins.c.ended_at.is_(None), sign_ins.c.token_hash != but
    )
    return connection.execute(ended.values(ended_at=now)).rowcount


def revoke_tokens(connection: sa.Connection, client_id: str, now: datetime) -> int:
    """Revoke every access token of a system; returns how many."""
    lasting = access_tokens.update().where(access_tokens.c.client_id == client_id, access_tokens.c.revoked_at.is_(None))
    return connection.execute(lasting.values(revoked_at=now)).rowcount


def take_step(connection: sa.Connection, user_id: str, step: int) -> bool:
    """Use up a code of a second factor; False when it, or a newer one, was used before."""
    newer = accounts.update().where(accounts.c.user_id == user_id, accounts.c.last_step < step)
    return connection.execute(newer.values(last_step=step)).rowcount == 1


def forget_recovery_codes(connection: sa.Connection, user_id: str) -> None:
    """Take away every recovery code of somebody."""
    connection.execute(recovery_codes.delete().where(recovery_codes.c.user_id == user_id))


def forget_invitations(connection: sa.Connection, user_id: str) -> None:
    """Take away every invitation of somebody: the newest alone counts."""
    connection.execute(invitations.delete().where(invitations.c.user_id == user_id))


def forget_attempts(connection: sa.Connection, subject: str) -> None:
    """Forget the failures of an address after somebody signed in."""
    connection.execute(attempts.delete().where(attempts.c.subject == subject))


def drop_account(connection: sa.Connection, user_id: str) -> None:
    """Take away the password and second factor of somebody who left."""
    connection.execute(accounts.delete().where(accounts.c.user_id == user_id))


def secrets_of(connection: sa.Connection, client_id: str, now: datetime) -> list[str]:
    """Digests of the secrets of a system that hold now; two while one is being replaced."""
    lasting = sa.or_(client_secrets.c.valid_until.is_(None), client_secrets.c.valid_until > now)
    asked = sa.select(client_secrets.c.secret_hash).where(client_secrets.c.client_id == client_id, lasting)
    return list(connection.scalars(asked))


def limit_secrets(connection: sa.Connection, client_id: str, until: datetime) -> None:
    """Let the present secrets of a system end: none lasts beyond ``until``."""
    longer = sa.or_(client_secrets.c.valid_until.is_(None), client_secrets.c.valid_until > until)
    present = client_secrets.update().where(client_secrets.c.client_id == client_id, longer)
    connection.execute(present.values(valid_until=until))


def held_grants(connection: sa.Connection, holder: str) -> list[Grant]:
    """Every role somebody was given and that was not taken away."""
    asked = (
        sa.select(*role_grants.c)
        .outerjoin(role_ends, role_ends.c.grant_id == role_grants.c.grant_id)
        .where(role_grants.c.holder == holder, role_ends.c.grant_id.is_(None))
        .order_by(role_grants.c.valid_from)
    )
    return [Grant(**row) for row in connection.execute(asked).mappings()]


def last_uses(connection: sa.Connection, organisation: str) -> dict[tuple[str, str], datetime]:
    """When each person and system of an organisation last used each role."""
    found: dict[tuple[str, str], datetime] = {}
    for table, holder, moment in (
        (sign_ins, sign_ins.c.user_id, sign_ins.c.seen_at),
        (access_tokens, access_tokens.c.client_id, access_tokens.c.issued_at),
    ):
        asked = (
            sa.select(holder.label("holder"), table.c.role, sa.func.max(moment, type_=Moment).label("at"))
            .join(users, users.c.user_id == holder)
            .where(users.c.organisation == organisation)
            .group_by(holder, table.c.role)
        )
        found |= {(row.holder, row.role): row.at for row in connection.execute(asked)}
    return found


def forget_before(connection: sa.Connection, past: datetime, used: datetime) -> None:
    """Forget what no longer serves: starts, assertions and attempts that are over, sign-ins and tokens of long ago."""
    for table, moment in (
        (provider_starts, used),
        (used_assertions, used),
        (invitations, used),
        (sign_ins, past),
        (access_tokens, past),
    ):
        column = table.c.ends_at if table is sign_ins else table.c.expires_at
        connection.execute(table.delete().where(column < moment))
    connection.execute(attempts.delete().where(attempts.c.last_at < used))
