"""Access tokens for systems: OAuth 2.0 client credentials, answered with an opaque token that can be taken back.

The token is random and only its digest is kept, with the system, the role, the scopes, the audience and a short life;
every use reads again whether all of them still hold. Accepted are ``client_secret_basic``, ``client_secret_post`` and
``private_key_jwt``, whose signed proof is good for one use.

Sources: RFC 6749 sections 2.3, 4.4 and 5; RFC 6750; RFC 7523; RFC 7009.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Unauthenticated, Unavailable
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.people import store as people_store
from samechild.policy.people.organisations import is_active
from samechild.policy.people.store import User
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.assertions import ALGORITHMS, check_claims, claims_of, public_keys
from samechild.policy.sign_in.opaque import digest, new_token, same
from samechild.policy.sign_in.rules import CLOCK_TOLERANCE, SignInRules, held_roles
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

API = "api"
AUDIENCES = (API, "collection")
"""Whom a token can be for: the gate's own interface, or the daily collection."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION = timedelta(minutes=5)
"""A system's signed proof lives no longer than this."""

NOT_KNOWN = "The token is not known, or does not hold any more: ask for a new one."


class IssuedToken(msgspec.Struct, frozen=True, omit_defaults=False):
    """The answer to a system that proved who it is, with the names RFC 6749 gives."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str

    def __repr__(self) -> str:
        return f"IssuedToken(access_token=hidden, expires_in={self.expires_in}, scope={self.scope!r})"


class TokenRefused(msgspec.Struct, frozen=True):
    """The answer to a system that is refused a token: the code RFC 6749 section 5.2 gives, in words, and the status."""

    error: str
    error_description: str
    status: int = 400


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A system that asks with a valid token: who it is, and what its token is good for."""

    asker: Asker
    scopes: tuple[str, ...]
    audience: str
    expires_at: datetime


def issue_token(
    store: Store,
    form: Mapping[str, str],
    header: str,
    endpoints: Collection[str],
    now: datetime,
    random: Random,
    rules: SignInRules | None = None,
) -> IssuedToken | TokenRefused:
    """Answer a system that asks for a token.

    Args:
        store: the open installation.
        form: the fields of the request's body; a field given twice must be refused before.
        header: the request's ``Authorization`` header, or empty.
        endpoints: the addresses of this endpoint, any one of which a signed proof may be made for.
        now: the time. random: where random bytes come from. rules: how long a token lives.

    Raises:
        Unavailable: when the ledger or the database cannot be written.
    """
    rules = rules or SignInRules()
    if form.get("grant_type") != "client_credentials":
        return TokenRefused("unsupported_grant_type", "Only client_credentials is answered here.")
    user = _proved(store, form, header, endpoints, now)
    if isinstance(user, TokenRefused):
        return user
    with store.read(Login.GATE) as connection:
        row = kept.one(connection, kept.clients, user.user_id) or {}
        held = held_roles(kept.held_grants(connection, user.user_id), None, now)
    allowed = msgspec.json.decode(row["scopes"], type=list[str])
    wanted = form.get("scope", "").split() or allowed
    if not set(wanted) <= set(allowed):
        return TokenRefused("invalid_scope", "The system was not given one of these scopes.")
    audience = form.get("audience", "") or API
    if audience not in AUDIENCES:
        return TokenRefused("invalid_target", "There is no such audience here.")
    role = form.get("role", "") or (held[0] if len(held) == 1 else "")
    if role not in held:
        return TokenRefused("unauthorized_client", "The system holds no such role now: ask the access manager.")
    scopes = sorted(set(wanted))
    return _issued(store, user, role, scopes, audience, now, random, rules)


def client_of(store: Store, token: str, now: datetime, audience: str = API) -> Machine:
    """Say which system asks with a token, as things stand now.

    Raises:
        Unauthenticated: when the token is unknown, expired, revoked, for another audience, or its system, role or
            organisation ended.
        Unavailable: when the clock of this machine went back.
    """
    with store.read(Login.GATE) as connection:
        row = kept.one(connection, kept.access_tokens, digest(token))
        if row is None or row["revoked_at"] is not None or row["expires_at"] <= now or row["audience"] != audience:
            raise Unauthenticated(NOT_KNOWN)
        if now < row["issued_at"] - CLOCK_TOLERANCE:
            raise Unavailable("The clock of this machine went back: set it right, then try again.")
        user = _working(connection, row["client_id"], now)
        if user is None or row["role"] not in held_roles(kept.held_grants(connection, user.user_id), None, now):
            raise Unauthenticated(NOT_KNOWN)
    return Machine(
        asker=Asker(user=user.user_id, organisation=user.organisation, role=row["role"]),
        scopes=msgspec.json.decode(row["scopes"], type=tuple[str, ...]),
        audience=audience,
        expires_at=row["expires_at"],
    )


def revoke_token(store: Store, token: str, now: datetime) -> None:
    """Take a token back; whoever holds it may do so, and an unknown one is no error (RFC 7009)."""
    with store.write(Login.GATE) as connection:
        row = kept.one(connection, kept.access_tokens, digest(token))
        if row is not None and row["revoked_at"] is None:
            kept.change(connection, kept.access_tokens, digest(token), revoked_at=now)


_NOT_PROVED = TokenRefused("invalid_client", "The system is not known, or its proof does not hold.", 401)


def _issued(
    store: Store,
    user: User,
    role: str,
    scopes: list[str],
    audience: str,
    now: datetime,
    random: Random,
    rules: SignInRules,
) -> IssuedToken:
    body = {
        "action": "token-issued",
        "user": user.user_id,
        "organisation": user.organisation,
        "role": role,
        "scopes": scopes,
        "audience": audience,
    }
    ledger.append(store, "sign-in", body, now)
    token = new_token(random)
    with store.write(Login.GATE) as connection:
        kept.keep(
            connection,
            kept.access_tokens,
            token_hash=digest(token),
            client_id=user.user_id,
            role=role,
            scopes=msgspec.json.encode(scopes).decode(),
            audience=audience,
            issued_at=now,
            expires_at=now + rules.token,
        )
    return IssuedToken(token, "Bearer", int(rules.token.total_seconds()), " ".join(scopes))


def _proved(
    store: Store, form: Mapping[str, str], header: str, endpoints: Collection[str], now: datetime
) -> User | TokenRefused:
    """The system that asks, if its one proof holds."""
    ways = [bool(header), "client_secret" in form, "client_assertion" in form]
    if sum(ways) != 1:
        return _unclear("Say who you are in exactly one way: a secret in the header or the body, or a signed proof.")
    if ways[2]:
        return _by_assertion(store, form, endpoints, now)
    given = _basic(header) if ways[0] else (form.get("client_id", ""), form["client_secret"])
    if given is None:
        return _unclear("The Authorization header is not HTTP Basic with an id and a secret.")
    client_id, secret = given
    if form.get("client_id", client_id) != client_id:
        return _unclear("The header and the body name two systems.")
    with store.read(Login.GATE) as connection:
        known = kept.secrets_of(connection, client_id, now)
        right = [each for each in known if same(each, digest(secret))]
        user = _working(connection, client_id, now)
    return user if right and user else _NOT_PROVED


def _unclear(words: str) -> TokenRefused:
    return TokenRefused("invalid_request", words)


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    try:
        plain = b64decode(encoded.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError, ValueError):
        plain = ""
    client_id, colon, secret = plain.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def _by_assertion(
    store: Store, form: Mapping[str, str], endpoints: Collection[str], now: datetime
) -> User | TokenRefused:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        return _unclear("The client_assertion_type is not the one of RFC 7523.")
    try:
        client_id = _unverified_subject(form["client_assertion"])
        with store.read(Login.GATE) as connection:
            row = kept.one(connection, kept.clients, client_id)
            user = _working(connection, client_id, now)
        if user is None or row is None or not row["public_keys"] or form.get("client_id", client_id) != client_id:
            return _NOT_PROVED
        keys = public_keys(msgspec.json.decode(row["public_keys"]), strict=True)
        claims, _ = claims_of(form["client_assertion"], keys, ALGORITHMS)
        _check_assertion(claims, client_id, endpoints, now)
        expires = datetime.fromtimestamp(claims["exp"], UTC) + CLOCK_TOLERANCE
        with store.write(Login.GATE) as connection:
            key = digest(f"{client_id} {claims['jti']}")
            kept.keep(connection, kept.used_assertions, assertion_hash=key, expires_at=expires)
    except (Unauthenticated, Conflict):
        return _NOT_PROVED
    return user


def _check_assertion(claims: Mapping[str, object], client_id: str, endpoints: Collection[str], now: datetime) -> None:
    given = claims.get("aud")
    audience = given[0] if isinstance(given, list) and len(given) == 1 else given
    if audience not in endpoints:
        raise Unauthenticated(NOT_KNOWN)
    check_claims(claims, issuer=client_id, audience=str(audience), now=now)
    jti, expires = claims.get("jti"), claims["exp"]
    longest = (now + LONGEST_ASSERTION + CLOCK_TOLERANCE).timestamp()
    lasting = isinstance(expires, int | float) and expires <= longest
    if claims["sub"] != client_id or not isinstance(jti, str) or not 0 < len(jti) <= 256 or not lasting:
        raise Unauthenticated(NOT_KNOWN)


def _unverified_subject(token: str) -> str:
    """Whom a proof says it is by: only to find the keys with which to check that."""
    parts = token.split(".")
    try:
        body = b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(body, type=_Subject).sub
    except (IndexError, ValueError):
        raise Unauthenticated(NOT_KNOWN) from None


class _Subject(msgspec.Struct):
    sub: str


def _working(connection: sa.Connection, client_id: str, now: datetime) -> User | None:
    """A system that is in use, of an active organisation, within its dates."""
    found = people_store.person_of(connection, client_id)
    row = kept.one(connection, kept.clients, client_id)
    if found is None or row is None or found[0].left_at is not None or not is_active(found[1], now):
        return None
    if now < row["valid_from"] or (row["valid_until"] is not None and row["valid_until"] <= now):
        return None
    return found[0]
