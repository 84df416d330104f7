"""Accounts of this installation: a password and a second factor, for sites without a provider of their own.

The account is made from a one-time invitation: the person chooses the password, scans the seed of the second factor and
proves it with a code. A wrong password, a wrong code and an address nobody has are answered alike, after the same work;
after a few failures an address may be tried only every so often, whether anybody has it or not.

Sources: RFC 9106 (argon2id), RFC 6238 (time-based codes; each is accepted once), NCSC password guidance.
"""

from __future__ import annotations

import unicodedata
from base64 import b32encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import argon2
import msgspec
import pyotp
import sqlalchemy as sa

from samechild.errors import Invalid, Missing, Refused, TooMany, Unauthenticated
from samechild.keys.register import Purpose
from samechild.keys.seal import Random, place
from samechild.policy import ledger
from samechild.policy.people import store as people_store
from samechild.policy.people.store import User
from samechild.policy.sign_in import sessions
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.opaque import digest, new_token, same
from samechild.policy.sign_in.rules import SignInRules, lock_for
from samechild.policy.sign_in.sessions import Arrival
from samechild.storage import Login, Store

WRONG = "The e-mail address, password or code is not right. Codes are good once and for half a minute."
SHORTEST, LONGEST = 12, 256
RECOVERY_CODES = 10
STEP_SECONDS = 30
EMAIL = "staff e-mail"
"""The field under which an address is found by its keyed token."""

_WEAK = ("password", "samechild", "letmein", "welcome", "qwerty", "123456", "abc123", "iloveyou")
_NOBODY = argon2.PasswordHasher().hash("nobody has this password")


class Enrolment(msgspec.Struct, frozen=True):
    """The seed of a second factor: ``uri`` for an authenticator app, ``seed`` to type by hand; shown once."""

    uri: str
    seed: str


def normal_email(email: str) -> str:
    """Write an address in the one form it is kept and found in: composed, small letters, no spaces around it."""
    return unicodedata.normalize("NFC", email).strip().casefold()


def invite(store: Store, user_id: str, made_by: str, now: datetime, random: Random, rules: SignInRules) -> str:
    """Make the one-time link token by which somebody makes their account; an earlier one is void.

    Called by the actions about people, once they know that ``made_by`` may.

    Raises:
        Missing: when there is no such person any more.
    """
    token = new_token(random)
    with store.write(Login.GATE) as connection:
        user = people_store.user_of(connection, user_id)
        if user is None or user.left_at is not None or user.machine:
            raise Missing("There is no such person here any more.")
        kept.forget_invitations(connection, user_id)
        kept.keep(
            connection,
            kept.invitations,
            token_hash=digest(token),
            user_id=user_id,
            sealed_seed=b"",
            made_by=made_by,
            made_at=now,
            expires_at=now + rules.invitation,
        )
    return token


def begin_account(store: Store, invitation: str, now: datetime, random: Random) -> Enrolment:
    """Open an invitation and show the seed of the second factor; opened again, it shows the same seed.

    Raises:
        Unauthenticated: when the invitation is unknown, used or expired.
    """
    with store.write(Login.GATE) as connection:
        row, user = _invitation(connection, invitation, now)
        bound = place("invitations", "sealed_seed", user.user_id)
        if row["sealed_seed"]:
            seed = store.keys.unseal(Purpose.GATE, row["sealed_seed"], bound).decode()
        else:
            seed = b32encode(random(20)).decode()
            sealed = store.keys.seal(Purpose.GATE, seed.encode(), bound, random)
            kept.change(connection, kept.invitations, digest(invitation), sealed_seed=sealed)
    email = store.keys.unseal(Purpose.GATE, user.sealed_email, place("users", "sealed_email", user.user_id)).decode()
    return Enrolment(pyotp.TOTP(seed).provisioning_uri(name=email, issuer_name="samechild"), seed)


def finish_account(
    store: Store, invitation: str, password: str, code: str, now: datetime, random: Random, rules: SignInRules
) -> tuple[str, ...]:
    """Make the account, with the password chosen and the second factor proved; returns the recovery codes, shown once.

    An account that was there before is replaced, and whoever is signed in with it is signed out.

    Raises:
        Unauthenticated: when the invitation does not hold any more, or was not begun.
        Invalid: when the password is too weak.
        Refused: when the code is not right; the invitation holds for another try.
    """
    with store.read(Login.GATE) as connection:
        row, user = _invitation(connection, invitation, now)
    if not row["sealed_seed"]:
        raise Unauthenticated("Open the invitation from its beginning.")
    email = store.keys.unseal(Purpose.GATE, user.sealed_email, place("users", "sealed_email", user.user_id)).decode()
    check_password(password, email)
    seed = store.keys.unseal(Purpose.GATE, row["sealed_seed"], place("invitations", "sealed_seed", user.user_id))
    step = _step_of(seed.decode(), code, now)
    if step is None:
        raise Refused("The code is not right: type the newest one your app shows, and look at the clock of your phone.")
    ledger.append(store, "sign-in", {"action": "account-made", "user": user.user_id}, now)
    hashed, codes = rules.hasher.hash(password), _new_codes(random)
    with store.write(Login.GATE) as connection:
        if not kept.use_once(connection, kept.invitations, digest(invitation), now):
            raise Unauthenticated("This invitation was used: ask for another one.")
        kept.drop_account(connection, user.user_id)
        kept.keep(
            connection,
            kept.accounts,
            user_id=user.user_id,
            password_hash=hashed,
            sealed_seed=store.keys.seal(Purpose.GATE, seed, _seed_place(user.user_id), random),
            last_step=step,
            changed_at=now,
        )
        _replace_codes(connection, user.user_id, codes)
        kept.end_sign_ins(connection, user.user_id, now)
    return codes


def sign_in_locally(
    store: Store,
    email: str,
    password: str,
    code: str,
    now: datetime,
    random: Random,
    rules: SignInRules | None = None,
) -> str:
    """Sign in with address, password and a code of the second factor (or a recovery code); returns the cookie's token.

    Raises:
        Unauthenticated: when one of them is not right; the words do not say which.
        TooMany: when the address was tried too often; the words say how long to wait.
    """
    rules = rules or SignInRules()
    subject = _count_attempt(store, normal_email(email), now)
    with store.read(Login.GATE) as connection:
        users = people_store.users_with(connection, store.keys.tokens(EMAIL, normal_email(email)))
        account = kept.one(connection, kept.accounts, users[0].user_id) if users else None
    hashed = account["password_hash"] if account else _NOBODY
    right = _verified(rules, hashed, password)
    if account is None or not right or not _second_factor(store, users[0].user_id, code, now):
        raise Unauthenticated(WRONG)
    with store.write(Login.GATE) as connection:
        kept.forget_attempts(connection, subject)
        if rules.hasher.check_needs_rehash(hashed):
            kept.change(connection, kept.accounts, users[0].user_id, password_hash=rules.hasher.hash(password))
    return sessions.start(store, Arrival(user=users[0], factors=2, method="local"), now, random, rules)


def step_up(store: Store, token: str, code: str, now: datetime, random: Random) -> str:
    """Give a second factor after signing in with one, as through a provider that asks for none; returns the new token.

    Raises:
        Unauthenticated: when nobody is signed in, the code is not right or was used.
        TooMany: when codes were tried too often.
    """
    found = sessions.signed_in(store, token, now)
    subject = _count_attempt(store, f"second factor of {found.asker.user}", now)
    if not _second_factor(store, found.asker.user, code, now):
        raise Unauthenticated(WRONG)
    body = {"action": "second-factor", "user": found.asker.user, "organisation": found.asker.organisation}
    ledger.append(store, "sign-in", body, now)
    with store.write(Login.GATE) as connection:
        kept.forget_attempts(connection, subject)
    return sessions.rotate(store, token, now, random, factors=2)


def change_password(
    store: Store, token: str, old: str, new: str, now: datetime, random: Random, rules: SignInRules | None = None
) -> str:
    """Change one's own password: every other sign-in ends. Returns the new token.

    Raises:
        Unauthenticated: when nobody is signed in, or the old password is not right.
        Invalid: when the new one is too weak.
        TooMany: when it was tried too often.
    """
    rules = rules or SignInRules()
    found = sessions.signed_in(store, token, now)
    subject = _count_attempt(store, f"password of {found.asker.user}", now)
    with store.read(Login.GATE) as connection:
        account = kept.one(connection, kept.accounts, found.asker.user)
    if account is None or not _verified(rules, account["password_hash"], old):
        raise Unauthenticated("The old password is not right.")
    check_password(new, "")
    ledger.append(store, "sign-in", {"action": "password-changed", "user": found.asker.user}, now)
    hashed = rules.hasher.hash(new)
    with store.write(Login.GATE) as connection:
        kept.forget_attempts(connection, subject)
        kept.change(connection, kept.accounts, found.asker.user, password_hash=hashed, changed_at=now)
        kept.end_sign_ins(connection, found.asker.user, now, but=digest(token))
    return sessions.rotate(store, token, now, random)


def check_password(password: str, email: str) -> None:
    """Make sure that a password is long and not among the first that are guessed; nothing else is asked of it.

    Raises:
        Invalid: saying what to do.
    """
    plain = password.casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(f"Choose a password of {SHORTEST} to {LONGEST} characters: three words of your own do well.")
    own = normal_email(email).partition("@")[0]
    if len(set(plain)) < 6 or any(plain.startswith(weak) for weak in _WEAK) or (len(own) > 3 and own in plain):
        raise Invalid("This password is easily guessed: choose three words that do not belong together.")


def _verified(rules: SignInRules, hashed: str, password: str) -> bool:
    try:
        return rules.hasher.verify(hashed, password[: LONGEST + 1].encode("utf-8", "surrogatepass"))
    except argon2.exceptions.VerifyMismatchError:
        return False


def _second_factor(store: Store, user_id: str, code: str, now: datetime) -> bool:
    """Check and use up a code; a used one is never right again."""
    with store.write(Login.GATE) as connection:
        account = kept.one(connection, kept.accounts, user_id)
        if account is None:
            return False
        seed = store.keys.unseal(Purpose.GATE, account["sealed_seed"], _seed_place(user_id)).decode()
        step = _step_of(seed, code, now)
        if step is not None:
            return kept.take_step(connection, user_id, step)
        recovery = kept.one(connection, kept.recovery_codes, digest(_normal_code(code)))
        if recovery is None or recovery["user_id"] != user_id:
            return False
        return kept.use_once(connection, kept.recovery_codes, recovery["code_hash"], now)


def _step_of(seed: str, code: str, now: datetime) -> int | None:
    """Which half-minute a code belongs to: the present one or a neighbour; None when it is none of theirs."""
    present = int(now.timestamp()) // STEP_SECONDS
    given = "".join(code.split())[:32]
    codes = pyotp.TOTP(seed)
    found = [step for step in (present - 1, present, present + 1) if same(codes.generate_otp(step), given)]
    return found[-1] if found else None


def _count_attempt(store: Store, subject: str, now: datetime) -> str:
    """Count a try before it is looked at, so that many at once count too; returns what it is counted under."""
    token = store.keys.token("sign-in attempt", subject[:300])
    with store.write(Login.GATE) as connection:
        row = kept.one(connection, kept.attempts, token)
        locked_until = row["locked_until"] if row else None
        if locked_until is not None and now < locked_until:
            wait = -(-(locked_until - now) // timedelta(minutes=1))
            raise TooMany(f"This was tried too often: wait {wait} minute{'s' if wait > 1 else ''}, then try again.")
        failures = (row["failures"] if row else 0) + 1
        lock = lock_for(failures)
        values = {"failures": failures, "last_at": now, "locked_until": now + lock if lock else None}
        if row is None:
            kept.keep(connection, kept.attempts, subject=token, **values)
        else:
            kept.change(connection, kept.attempts, token, **values)
    return token


def _invitation(connection: sa.Connection, token: str, now: datetime) -> tuple[Mapping[str, Any], User]:
    row = kept.one(connection, kept.invitations, digest(token))
    user = people_store.user_of(connection, row["user_id"]) if row else None
    if row is None or user is None or row["used_at"] or row["expires_at"] <= now or user.left_at:
        raise Unauthenticated("This invitation does not hold any more: ask your access manager for another one.")
    return row, user


def _new_codes(random: Random) -> tuple[str, ...]:
    """Draw recovery codes of 80 bits each, in four groups of four letters."""
    drawn = (b32encode(random(10)).decode() for _ in range(RECOVERY_CODES))
    return tuple("-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in drawn)


def _normal_code(code: str) -> str:
    return "".join(letter for letter in code[:64].upper() if letter.isalnum())


def _replace_codes(connection: sa.Connection, user_id: str, codes: tuple[str, ...]) -> None:
    kept.forget_recovery_codes(connection, user_id)
    for code in codes:
        kept.keep(connection, kept.recovery_codes, code_hash=digest(_normal_code(code)), user_id=user_id)


def _seed_place(user_id: str) -> bytes:
    return place("accounts", "sealed_seed", user_id)
