"""Who is signed in: kept on the server, read again at every request, ended at once.

The browser holds a random token in a cookie, the database only its digest. A new token is drawn at sign-in and when a
role is chosen, so that none seen before is worth anything after. A sign-in ends when nothing was done for a while, at
the end of a working day, when somebody signs out or leaves, when their role or their organisation ends.

Sources: OWASP ASVS 4.0 chapter 3; NIST SP 800-63B section 7.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from samechild.errors import Refused, Unauthenticated, Unavailable
from samechild.keys.register import Purpose
from samechild.keys.seal import Random, place
from samechild.policy import ledger
from samechild.policy.people import store as people_store
from samechild.policy.people.organisations import Organisation, is_active
from samechild.policy.people.store import User
from samechild.policy.roles import roles
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.opaque import derived, digest, new_token, same
from samechild.policy.sign_in.rules import CLOCK_TOLERANCE, SEEN_EVERY, SignInRules, held_roles, open_to
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

AGAIN = "Nobody is signed in here: sign in again."


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in. ``asker.role`` is empty until a role is chosen from ``roles``.

    ``csrf`` is what every form carries and :func:`check_csrf` compares. ``need_second`` are roles they hold and cannot
    choose before they give a second factor.
    """

    asker: Asker
    csrf: str
    name: str
    organisation: Organisation
    roles: tuple[str, ...]
    need_second: tuple[str, ...]
    method: str
    started_at: datetime
    ends_at: datetime


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has just proved who they are: how, with how many factors, limited to which roles (None: any)."""

    user: User
    factors: int
    method: str
    limited_to: tuple[str, ...] | None = None


def start(store: Store, arrival: Arrival, now: datetime, random: Random, rules: SignInRules) -> str:
    """Sign somebody in: written in the ledger first. Returns the token for the cookie.

    Somebody with a single role has it chosen already.

    Raises:
        Unauthenticated: when they left or their organisation is not active.
        Unavailable: when the ledger cannot be written: nobody is then signed in.
    """
    with store.read(Login.GATE) as connection:
        _working(connection, arrival.user.user_id, now)
        held = held_roles(kept.held_grants(connection, arrival.user.user_id), arrival.limited_to, now)
    usable = [role for role in held if open_to(role, arrival.factors)]
    role = usable[0] if len(held) == 1 and usable else ""
    body = {
        "action": "signed-in",
        "user": arrival.user.user_id,
        "organisation": arrival.user.organisation,
        "method": arrival.method,
        "factors": arrival.factors,
        "role": role,
    }
    ledger.append(store, "sign-in", body, now)
    token = new_token(random)
    limited = "" if arrival.limited_to is None else msgspec.json.encode(arrival.limited_to).decode()
    with store.write(Login.GATE) as connection:
        kept.keep(
            connection,
            kept.sign_ins,
            token_hash=digest(token),
            user_id=arrival.user.user_id,
            role=role,
            factors=arrival.factors,
            method=arrival.method,
            limited_to=limited,
            started_at=now,
            seen_at=now,
            idle_seconds=int(rules.idle.total_seconds()),
            ends_at=now + rules.longest,
        )
    return token


def signed_in(store: Store, token: str, now: datetime) -> SignedIn:
    """Say who is signed in under a token, as things stand now; note that they did something.

    Raises:
        Unauthenticated: when nobody is, any more: signed out, expired, left, role taken away, organisation ended.
        Unavailable: when the clock of this machine went back.
    """
    with store.read(Login.GATE) as connection:
        found, seen_at = _read(store, connection, token, now)
    if now - seen_at >= SEEN_EVERY:
        with store.write(Login.GATE) as connection:
            kept.see(connection, digest(token), now)
    return found


def choose_role(store: Store, token: str, role: str, now: datetime, random: Random) -> str:
    """Choose the role to work in; returns the new token, and the old one ends.

    Raises:
        Unauthenticated: when nobody is signed in under the token.
        Refused: when they do not hold the role, or it needs a second factor.
    """
    found = signed_in(store, token, now)
    if role in found.need_second:
        raise Refused("This role sees who a child is: give a second factor first.")
    if role not in found.roles:
        raise Refused("You do not hold this role: ask the access manager of your organisation.")
    body = {"action": "role-chosen", "user": found.asker.user, "organisation": found.asker.organisation, "role": role}
    ledger.append(store, "sign-in", body, now)
    return rotate(store, token, now, random, role=role)


def rotate(store: Store, token: str, now: datetime, random: Random, **changes: object) -> str:
    """Put a new token in place of one, with what changed; of two who try with the same token, one succeeds.

    Raises:
        Unauthenticated: when the token was replaced or ended meanwhile.
    """
    fresh = new_token(random)
    with store.write(Login.GATE) as connection:
        row = kept.one(connection, kept.sign_ins, digest(token))
        if row is None or not kept.end_sign_in(connection, digest(token), now):
            raise Unauthenticated(AGAIN)
        kept.keep(
            connection,
            kept.sign_ins,
            **{**row, **changes, "token_hash": digest(fresh), "seen_at": now, "ended_at": None},
        )
    return fresh


def sign_out(store: Store, token: str, now: datetime) -> None:
    """Sign out; doing it twice, or with a token nobody knows, changes nothing."""
    with store.write(Login.GATE) as connection:
        kept.end_sign_in(connection, digest(token), now)


def forget_old(store: Store, now: datetime) -> None:
    """Forget sign-ins and tokens of more than thirteen months ago, and what was begun and is over; run it every day.

    Thirteen months, so that an access review can say when a role was last used.
    """
    with store.write(Login.GATE) as connection:
        kept.forget_before(connection, now - timedelta(days=400), now - timedelta(days=1))


def check_csrf(found: SignedIn, given: str) -> None:
    """Make sure that a form was made by us for this sign-in.

    Raises:
        Refused: when the form's token is missing or another's.
    """
    if not same(found.csrf, given):
        raise Refused("This form was not made for you here and now: go back, load the page again and resubmit.")


def name_of(store: Store, user: User) -> str:
    """Open the display name of a member of staff or a system."""
    return store.keys.unseal(Purpose.GATE, user.sealed_name, place("users", "sealed_name", user.user_id)).decode()


def _read(store: Store, connection: sa.Connection, token: str, now: datetime) -> tuple[SignedIn, datetime]:
    row = kept.one(connection, kept.sign_ins, digest(token))
    if row is None or row["ended_at"] is not None:
        raise Unauthenticated(AGAIN)
    if now < row["seen_at"] - CLOCK_TOLERANCE:
        raise Unavailable("The clock of this machine went back: set it right, then try again.")
    if now >= row["ends_at"] or (now - row["seen_at"]).total_seconds() >= row["idle_seconds"]:
        raise Unauthenticated("You were signed out because nothing was done for a while, or after a working day.")
    user, organisation = _working(connection, row["user_id"], now)
    limited = msgspec.json.decode(row["limited_to"], type=tuple[str, ...]) if row["limited_to"] else None
    held = held_roles(kept.held_grants(connection, user.user_id), limited, now)
    usable = tuple(role for role in held if open_to(role, row["factors"]))
    if row["role"] and row["role"] not in usable:
        raise Unauthenticated("The role you worked in ended: sign in again to choose another.")
    asker = Asker(user=user.user_id, organisation=organisation.organisation, role=row["role"], factors=row["factors"])
    found = SignedIn(
        asker=asker,
        csrf=derived(token, "form"),
        name=name_of(store, user),
        organisation=organisation,
        roles=usable,
        need_second=tuple(role for role in held if role not in usable),
        method=row["method"],
        started_at=row["started_at"],
        ends_at=row["ends_at"],
    )
    return found, row["seen_at"]


def _working(connection: sa.Connection, user_id: str, now: datetime) -> tuple[User, Organisation]:
    found = people_store.person_of(connection, user_id)
    if found is None or found[0].left_at is not None or found[0].machine:
        raise Unauthenticated(AGAIN)
    if not is_active(found[1], now):
        raise Unauthenticated("Your organisation takes no part at present: ask its access manager.")
    return found


def title_of(role: str) -> str:
    """The name of a role as people read it; empty when none is chosen."""
    return roles()[role].title if role else ""
