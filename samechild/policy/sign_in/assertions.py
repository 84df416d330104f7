"""Signed statements of others: checking a JSON Web Token against the keys and the expectations we hold, and no others.

Both a provider's word about a person (OpenID Connect) and a system's proof that it is itself (RFC 7523) come as such a
token. Only signatures with a private key of the other side are accepted: never ``none``, never one made with a shared
secret, which a public key could be mistaken for. What is wrong is not told in detail.

Sources: RFC 7515, 7519, 8725 (best current practice); OpenID Connect Core 1.0 section 3.1.3.7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from samechild.errors import Invalid, Unauthenticated
from samechild.policy.sign_in.rules import CLOCK_TOLERANCE

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519")
SMALLEST_RSA = 2048
LONGEST = 16_000
_CURVES = ("P-256", "P-384", "Ed25519")
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

Public = RSAKey | ECKey | OKPKey


def public_keys(given: object, *, strict: bool) -> KeySet:
    """Read the public keys of a JSON Web Key Set (RFC 7517) that may sign something for us.

    ``strict`` refuses a set with anything else in it, as when a system's keys are entered; a provider's own set may
    hold keys for other uses, which are left out.

    Raises:
        Invalid: when the set cannot be read, holds no such key, or (strict) holds any other.
    """
    listed = given.get("keys") if isinstance(given, Mapping) else None
    if not isinstance(listed, list) or not listed:
        raise Invalid("A set of keys is a JSON object with a list of public keys under the name keys.")
    found = [key for key in map(_public_key, listed) if key is not None]
    if not found or (strict and len(found) < len(listed)):
        raise Invalid(
            f"A key must be public, for signing, and RSA of {SMALLEST_RSA} bits, P-256, P-384 or Ed25519 at least."
        )
    return KeySet(list(found))


def claims_of(token: str, keys: KeySet, algorithms: Collection[str]) -> tuple[dict[str, Any], str]:
    """Check the signature of a token, and read what it claims and with which algorithm it was signed.

    Raises:
        Unauthenticated: when it was not signed by one of these keys with one of these algorithms.
    """
    allowed = [name for name in algorithms if name in ALGORITHMS]
    try:
        if len(token) > LONGEST:
            raise _not_valid()
        registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
        decoded = jwt.decode(token, keys, algorithms=allowed, registry=registry)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, UnicodeError, RecursionError):
        raise _not_valid() from None
    return decoded.claims, str(decoded.header["alg"])


def key_id_unknown(token: str, keys: KeySet) -> bool:
    """Whether a token names a key that is not in the set: the set may have changed since it was fetched."""
    try:
        header = jwt_header(token)
    except ValueError:
        return False
    return "kid" in header and header["kid"] not in {key.kid for key in keys}


def jwt_header(token: str) -> dict[str, Any]:
    """Read the header of a token without believing it.

    Raises:
        ValueError: when there is none.
    """
    import json
    from base64 import urlsafe_b64decode

    first = token[:LONGEST].partition(".")[0]
    header = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    return header if isinstance(header, dict) else {}


def check_claims(claims: Mapping[str, Any], *, issuer: str, audience: str, now: datetime) -> None:
    """Make sure a token is by this issuer, for this audience, and holds now.

    A token for several audiences must name us as the party it was issued to (``azp``).

    Raises:
        Unauthenticated: when it is not.
    """
    tolerance = int(CLOCK_TOLERANCE.total_seconds())
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=tolerance,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except (JoseError, ValueError, TypeError, OverflowError):
        raise _not_valid() from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != audience:
        raise _not_valid()
    if not isinstance(claims["sub"], str) or len(claims["sub"]) > 255:
        raise _not_valid()


def _public_key(given: object) -> Public | None:
    if not isinstance(given, dict) or _PRIVATE & given.keys() or given.get("use", "sig") != "sig":
        return None
    if given.get("kty") in ("EC", "OKP") and given.get("crv") not in _CURVES:
        return None
    try:
        key = JWKRegistry.import_key(given)
        if isinstance(key, RSAKey):
            return key if key.public_key.key_size >= SMALLEST_RSA else None
        return key if isinstance(key, ECKey | OKPKey) and key.public_key is not None else None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _not_valid() -> Unauthenticated:
    return Unauthenticated("The signed statement does not hold: it is not by whom it should be, for us, or for now.")
