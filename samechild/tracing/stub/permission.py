"""How an application proves to the stand-in who it is: a statement signed with its private key, used once.

Source: NHS England, application-restricted RESTful APIs: signed JWT authentication; RFC 7523.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from samechild.errors import Unauthenticated

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHM = "RS512"
LONGEST_LIFE = timedelta(minutes=5)


def check_assertion(
    form: Mapping[str, str], applications: Mapping[str, KeySet], seen: dict[str, datetime], now: datetime
) -> str:
    """Check the form with which a token is asked for and say whose application it is; ``seen`` is added to.

    The statement must be signed with RS512 by a registered key of its issuer, be about its issuer, have an identifier
    of its own and end within five minutes.

    Raises:
        Unauthenticated: when any of this does not hold.
    """
    if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != ASSERTION:
        raise Unauthenticated("A token is asked for with a signed statement.")
    for name, keys in applications.items():
        try:
            token = jwt.decode(form.get("client_assertion", ""), keys, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError):
            continue
        claims = token.claims
        if claims.get("iss") != name or claims.get("sub") != name or not token.header.get("kid"):
            continue
        identifier, ends = claims.get("jti"), claims.get("exp")
        left = ends - now.timestamp() if isinstance(ends, int) else 0
        if not isinstance(identifier, str) or identifier in seen or not 0 < left <= LONGEST_LIFE.total_seconds():
            break
        seen[identifier] = now
        return name
    raise Unauthenticated("The signed statement does not hold.")
