"""Signing in through an organisation's own provider: OpenID Connect, code flow with PKCE.

The browser is sent to the provider with a state, a nonce and the challenge of a secret verifier, and comes back with a
code that only we can exchange. What comes back is believed only if the same browser began it, within minutes, for the
first time, and if the provider's signed word holds: by it, for us, now, with our nonce. The person must be known here:
bound before to that provider's word, or found once by an address the provider vouches for. Where a provider is asked
for roles after sign-in and cannot answer, nobody is signed in.

Sources: OpenID Connect Core 1.0; RFC 7636 (PKCE); RFC 9207 (issuer in the answer); RFC 9700.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit, urlunsplit

import msgspec
import sqlalchemy as sa
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core.util import create_half_hash  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, OctKey

from samechild.errors import Missing, Refused, Unauthenticated, Unavailable
from samechild.keys.register import Purpose
from samechild.keys.seal import Random, place
from samechild.policy import ledger
from samechild.policy.people import store as people_store
from samechild.policy.people.store import User
from samechild.policy.sign_in import sessions
from samechild.policy.sign_in import store as kept
from samechild.policy.sign_in.accounts import EMAIL, normal_email
from samechild.policy.sign_in.assertions import ALGORITHMS, check_claims, claims_of
from samechild.policy.sign_in.opaque import digest, new_id, new_token, same
from samechild.policy.sign_in.profiles import Profile, factors_of, limited_roles, named_secret, values_at
from samechild.policy.sign_in.providers import Providers
from samechild.policy.sign_in.rules import CLOCK_TOLERANCE, SignInRules
from samechild.policy.sign_in.sessions import Arrival
from samechild.storage import Login, Store

AGAIN = "Signing in was not begun here, took too long or was tried before: begin again."
NOT_BELIEVED = "What the sign-in provider said does not hold: begin again, and tell your service desk if it recurs."
NOT_KNOWN = "You are not known here: ask the access manager of your organisation to add you."
SUBJECT = "provider subject"
_API_MINUTES = timedelta(minutes=5)


class Leaving(msgspec.Struct, frozen=True):
    """Where to send the browser, and what to put into a cookie of it until it comes back."""

    address: str
    browser: str


class _Begun(msgspec.Struct, frozen=True):
    nonce: str
    verifier: str


def begin_oidc(
    store: Store,
    providers: Providers,
    name: str,
    redirect_uri: str,
    now: datetime,
    random: Random,
    rules: SignInRules | None = None,
) -> Leaving:
    """Begin signing in through a provider: where to send the browser.

    Raises:
        Missing: when there is no such provider. Unavailable: when it cannot be asked.
    """
    rules = rules or SignInRules()
    profile = providers.profile(name)
    metadata = providers.metadata(profile, now)
    state, browser = new_token(random), new_token(random)
    begun = _Begun(new_token(random), new_token(random))
    sealed = store.keys.seal(Purpose.GATE, msgspec.json.encode(begun), _bound(state), random)
    with store.write(Login.GATE) as connection:
        kept.keep(
            connection,
            kept.provider_starts,
            state_hash=digest(state),
            browser_hash=digest(browser),
            profile=name,
            redirect_uri=redirect_uri,
            sealed=sealed,
            made_at=now,
            expires_at=now + rules.at_provider,
        )
    asked = {
        "response_type": "code",
        "client_id": profile.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(profile.scopes),
        "state": state,
        "nonce": begun.nonce,
        "code_challenge": create_s256_code_challenge(begun.verifier),
        "code_challenge_method": "S256",
    }
    if profile.acr_values:
        asked["acr_values"] = " ".join(profile.acr_values)
    if profile.max_age:
        asked["max_age"] = str(profile.max_age)
    return Leaving(_with(metadata.authorization_endpoint, asked), browser)


def finish_oidc(
    store: Store,
    providers: Providers,
    answer: Mapping[str, str],
    browser: str,
    now: datetime,
    random: Random,
    rules: SignInRules | None = None,
) -> str:
    """Finish signing in with what the browser brought back (``answer``: its query) and its cookie; returns the token.

    Raises:
        Unauthenticated: when it was not begun by this browser, is too late or repeated, or the provider's word does
            not hold.
        Refused: when the person is not known here, or the provider allows them none of their roles.
        Unavailable: when the provider cannot be asked.
    """
    rules = rules or SignInRules()
    profile, redirect_uri, begun = _taken_up(store, providers, answer, browser, now)
    metadata = providers.metadata(profile, now)
    issuer_named = answer.get("iss")
    missing = issuer_named is None and metadata.authorization_response_iss_parameter_supported
    if missing or issuer_named not in (None, profile.issuer):
        raise Unauthenticated(NOT_BELIEVED)
    if "code" not in answer:
        raise Unauthenticated("The sign-in provider did not sign you in: begin again.")
    tokens = _exchanged(providers, profile, metadata.token_endpoint, answer["code"], redirect_uri, begun, now, random)
    claims = id_claims(providers, profile, tokens, begun.nonce, now)
    if metadata.userinfo_endpoint:
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        try:
            told = providers.ask("GET", metadata.userinfo_endpoint, headers=bearer)
        except Missing:
            raise Unavailable("The sign-in provider cannot be asked about you: try again shortly.") from None
        if told.get("sub") != claims["sub"]:
            raise Unauthenticated(NOT_BELIEVED)
        claims = {**told, **claims}
    user = _person(store, profile, claims, now)
    limited = _limited(providers, profile, claims, now, random)
    arrival = Arrival(user=user, factors=factors_of(profile, claims), method=profile.name, limited_to=limited)
    return sessions.start(store, arrival, now, random, rules)


def id_claims(
    providers: Providers, profile: Profile, tokens: Mapping[str, Any], nonce: str, now: datetime
) -> dict[str, Any]:
    """Check a provider's signed word about a person (the ID token), and read what it says.

    Raises:
        Unauthenticated: when anything about it does not hold. Unavailable: when the provider's keys cannot be read.
    """
    token, access = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(token, str) or not isinstance(access, str):
        raise Unauthenticated(NOT_BELIEVED)
    claims, algorithm = claims_of(token, providers.keys(profile, token, now), profile.algorithms)
    check_claims(claims, issuer=profile.issuer, audience=profile.client_id, now=now)
    oldest = (now - timedelta(minutes=10) - CLOCK_TOLERANCE).timestamp()
    issued, given = claims.get("iat"), claims.get("nonce")
    half = claims.get("at_hash")
    wrong = (
        not isinstance(given, str) or not same(given, nonce),
        not isinstance(issued, int | float) or not issued >= oldest,
        half is not None and not same(str(half), _half_hash(access, algorithm)),
        bool(profile.acr_values) and claims.get("acr") not in profile.acr_values,
        bool(profile.max_age) and not _recent(claims.get("auth_time"), profile.max_age, now),
    )
    if any(wrong):
        raise Unauthenticated(NOT_BELIEVED)
    return claims


def _taken_up(
    store: Store, providers: Providers, answer: Mapping[str, str], browser: str, now: datetime
) -> tuple[Profile, str, _Begun]:
    """What was begun under the state that came back: used up by this, whatever comes after."""
    state = answer.get("state", "")
    with store.write(Login.GATE) as connection:
        row = kept.one(connection, kept.provider_starts, digest(state))
        if row is None or not same(row["browser_hash"], digest(browser)):
            raise Unauthenticated(AGAIN)
        unused = kept.use_once(connection, kept.provider_starts, digest(state), now)
    if not unused or not row["made_at"] - CLOCK_TOLERANCE <= now < row["expires_at"]:
        raise Unauthenticated(AGAIN)
    opened = store.keys.unseal(Purpose.GATE, row["sealed"], _bound(state))
    return providers.profile(row["profile"]), row["redirect_uri"], msgspec.json.decode(opened, type=_Begun)


def _exchanged(
    providers: Providers,
    profile: Profile,
    endpoint: str,
    code: str,
    redirect_uri: str,
    begun: _Begun,
    now: datetime,
    random: Random,
) -> dict[str, Any]:
    """Exchange the code for the provider's signed word."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": begun.verifier,
    }
    headers = {}
    if profile.client_auth == "private_key_jwt":
        form["client_id"] = profile.client_id
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        form["client_assertion"] = _own_proof(providers, profile, endpoint, now, random)
    else:
        secret = named_secret(profile.secret, providers.environment)
        if profile.client_auth == "client_secret_post":
            form |= {"client_id": profile.client_id, "client_secret": secret}
        else:
            pair = f"{quote_plus(profile.client_id)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
    try:
        return providers.ask("POST", endpoint, form=form, headers=headers)
    except Missing:
        raise Unavailable("The sign-in provider cannot be asked: try again shortly.") from None


def _own_proof(providers: Providers, profile: Profile, endpoint: str, now: datetime, random: Random) -> str:
    written = named_secret(profile.signing_key, providers.environment)
    try:
        key = JWKRegistry.import_key(msgspec.json.decode(written, type=dict[str, Any]))
        algorithm = {"RSA": "PS256", "OKP": "Ed25519"}.get(key.key_type, "ES256")
        header = {"alg": str(key.get("alg") or algorithm)} | ({"kid": str(key.kid)} if key.kid else {})
        claims = {"iss": profile.client_id, "sub": profile.client_id, "aud": endpoint, "jti": new_id(random)}
        return jwt.encode(header, {**claims, **_dates(now)}, key, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError):
        raise Unavailable("The signing_key of the sign-in provider is no private JSON Web Key.") from None


def _person(store: Store, profile: Profile, claims: Mapping[str, Any], now: datetime) -> User:
    """The person of ours whom the provider means; bound to its word the first time, by an address it vouches for."""
    subject = f"{profile.issuer}\n{claims['sub']}"
    with store.read(Login.GATE) as connection:
        tokens = store.keys.tokens(SUBJECT, subject)
        rows = [kept.one(connection, kept.provider_people, token) for token in tokens]
        bound = next((row["user_id"] for row in rows if row), "")
        user = people_store.user_of(connection, bound) if bound else None
        if not bound and isinstance(claims.get("email"), str) and _vouched_email(profile, claims):
            addresses = store.keys.tokens(EMAIL, normal_email(claims["email"]))
            user = next(iter(people_store.users_with(connection, addresses)), None)
        codes = _codes_of(connection, user, profile)
    if user is None or user.left_at is not None or not _of_organisation(profile, user, codes, claims):
        raise Refused(NOT_KNOWN)
    if not bound:
        body = {"action": "bound", "user": user.user_id, "organisation": user.organisation, "provider": profile.name}
        ledger.append(store, "sign-in", body, now)
        with store.write(Login.GATE) as connection:
            kept.keep(
                connection,
                kept.provider_people,
                subject_token=tokens[0],
                user_id=user.user_id,
                bound_at=now,
                bound_by=profile.name,
            )
    return user


def _vouched_email(profile: Profile, claims: Mapping[str, Any]) -> bool:
    """Whether the provider's word about the address may be believed: it checked it, or only it enters addresses."""
    return profile.trust_email or claims.get("email_verified") is True


def _codes_of(connection: sa.Connection, user: User | None, profile: Profile) -> str:
    organisation = people_store.organisation_of(connection, user.organisation) if user else None
    return organisation.codes.get(profile.organisation_code, "") if organisation else ""


def _of_organisation(profile: Profile, user: User, code: str, claims: Mapping[str, Any]) -> bool:
    if profile.organisation:
        return user.organisation == profile.organisation
    return bool(code) and code in {each.upper() for each in values_at(claims, profile.organisation_claim)}


def _limited(
    providers: Providers, profile: Profile, claims: Mapping[str, Any], now: datetime, random: Random
) -> tuple[str, ...] | None:
    """The roles a provider lets somebody use; None when its profile leaves roles to us."""
    if not profile.roles:
        return None
    theirs = values_at(claims, profile.roles_claim) if profile.roles_claim else []
    if profile.roles_url:
        theirs += _fetched_roles(providers, profile, claims, now)
    limited = limited_roles(profile, theirs)
    if not limited:
        raise Refused("Your sign-in provider gives you no role here: ask the approver of your organisation.")
    return limited


def _fetched_roles(providers: Providers, profile: Profile, claims: Mapping[str, Any], now: datetime) -> list[str]:
    """Ask DfE Sign-in which roles somebody has in their organisation: signed with the API's own secret."""
    organisation = next(iter(values_at(claims, profile.organisation_claim)), "")
    address = profile.roles_url.replace("{organisation}", quote(organisation, safe=""))
    address = address.replace("{user}", quote(str(claims["sub"]), safe=""))
    key = OctKey.import_key(named_secret(profile.roles_secret, providers.environment))
    asked = {"iss": profile.client_id, "aud": profile.roles_audience, **_dates(now)}
    bearer = jwt.encode({"alg": "HS256"}, asked, key, algorithms=["HS256"])
    try:
        told = providers.ask("GET", address, headers={"Authorization": f"Bearer {bearer}"})
    except Missing:
        raise Refused("Your sign-in provider gives you no access to this service.") from None
    return values_at(told, "roles.*.code")


def _dates(now: datetime) -> dict[str, int]:
    return {"iat": int(now.timestamp()), "exp": int((now + _API_MINUTES).timestamp())}


def _recent(moment: object, seconds: int, now: datetime) -> bool:
    latest = now.timestamp() + CLOCK_TOLERANCE.total_seconds()
    oldest = now.timestamp() - seconds - CLOCK_TOLERANCE.total_seconds()
    return isinstance(moment, int | float) and oldest <= moment <= latest


def _half_hash(access: str, algorithm: str) -> str:
    """The left half of the hash of an access token, by the algorithm the ID token was signed with."""
    made = create_half_hash(access, "EdDSA" if algorithm == "Ed25519" else algorithm)
    return bytes(made).decode()


def _with(address: str, asked: Mapping[str, str]) -> str:
    parts = urlsplit(address)
    query = "&".join(each for each in (parts.query, urlencode(asked)) if each)
    return urlunsplit(parts._replace(query=query, fragment=""))


def _bound(state: str) -> bytes:
    return place("provider_starts", "sealed", digest(state))
