"""Who we are to the Personal Demographics Service: an application with a key pair, acting for an organisation.

The service lets applications in that prove themselves with a statement signed with their private key (no health worker
signs in; in return only one exact person is ever shown). The private key lies where the settings say, never in a
database, and nothing here prints it.

Source: NHS England, application-restricted RESTful APIs: signed JWT authentication; RFC 7523.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from samechild.errors import Invalid, Missing, Unavailable
from samechild.keys.seal import Random

LIVE = "https://api.service.nhs.uk/personal-demographics/FHIR/R4"
LIVE_TOKEN = "https://api.service.nhs.uk/oauth2/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHM = "RS512"
ASSERTION_LASTS = timedelta(minutes=4)


class Access(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the service is reached, as an installation sets it.

    ``application``: the API key; empty asks without a token, which only a stand-in on this computer may be. ``key_id``:
    the name under which the public key is registered. ``private_key``: ``file:PATH`` or ``env:NAME``, a PEM text.
    ``organisation``: ODS code of the organisation that asks. ``proxy``: where requests must go through one.
    """

    address: str = LIVE
    token_address: str = LIVE_TOKEN
    application: str = ""
    key_id: str = ""
    private_key: str = ""
    organisation: str = ""
    proxy: str = ""


def read_access(table: Mapping[str, object]) -> Access:
    """Read the settings for the service from a table of a TOML file.

    Raises:
        Invalid: when something is missing, unknown or unsafe: an address without https, or no application.
    """
    try:
        access = msgspec.convert(dict(table), Access)
    except msgspec.ValidationError as error:
        raise Invalid(f"The settings for the Personal Demographics Service cannot be used: {error}.") from None
    for address in (access.address, access.token_address):
        if urlsplit(address).scheme != "https" and not is_loopback(address):
            raise Invalid("The Personal Demographics Service is reached over https only: mend its address.")
    if not is_loopback(access.address) and not (access.application and access.key_id and access.private_key):
        raise Invalid("Name the application, key_id and private_key with which the service lets you in.")
    if not is_loopback(access.address) and not access.organisation:
        raise Invalid("Name the organisation that asks, by its ODS code.")
    return access


def is_loopback(address: str) -> bool:
    """Whether an address is on this computer."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load_key(access: Access, environment: Mapping[str, str] = os.environ) -> RSAKey | None:
    """Fetch the private key from where the settings say; None when none is set.

    Raises:
        Missing: when there is nothing at that place.
        Unavailable: when the file cannot be read.
        Invalid: when what lies there is no RSA private key of 4096 bits (2048 at the least).
    """
    kind, _, rest = access.private_key.partition(":")
    if not access.private_key:
        return None
    if kind == "env" and environment.get(rest):
        return _key(environment[rest], access.key_id)
    if kind == "file":
        try:
            return _key(Path(rest).expanduser().read_text(encoding="ascii"), access.key_id)
        except FileNotFoundError:
            raise Missing("The private key for the national service is not where the settings say.") from None
        except (OSError, UnicodeDecodeError):
            raise Unavailable("The private key for the national service cannot be read by this account.") from None
    raise Missing("The private key for the national service is written file:PATH or env:NAME, and must be there.")


def _key(written: str, key_id: str) -> RSAKey:
    try:
        key = RSAKey.import_key(written, {"kid": key_id})
    except (JoseError, ValueError, TypeError):
        raise Invalid("The private key for the national service is no PEM text of an RSA key.") from None
    if not key.is_private or key.private_key is None or key.private_key.key_size < 2048:
        raise Invalid("The key for the national service must be a private RSA key of at least 2048 bits.")
    return key


def token_form(access: Access, key: RSAKey, now: datetime, random: Random) -> dict[str, str]:
    """The form with which a token is asked for: a statement of who we are, signed, for one use within minutes."""
    claims = {
        "iss": access.application,
        "sub": access.application,
        "aud": access.token_address,
        "jti": random(16).hex(),
        "exp": int((now + ASSERTION_LASTS).timestamp()),
    }
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": access.key_id}
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": jwt.encode(header, claims, key, algorithms=[ALGORITHM]),
    }
