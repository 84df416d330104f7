"""Talking to sign-in providers over the network: what they publish of themselves, their keys, and what they answer.

Whatever goes wrong there means that nobody is signed in. Answers are read with limits on time and size; redirects are
not followed; what a provider publishes is kept for an hour, its keys fetched again when it signs with a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import httpx
import msgspec
from joserfc.jwk import KeySet

from samechild.errors import Invalid, Missing, Unavailable
from samechild.policy.sign_in.assertions import key_id_unknown, public_keys
from samechild.policy.sign_in.profiles import Profile, is_safe

KEPT_FOR = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""Keys are not fetched again sooner, whatever keys unknown people's tokens name."""

LARGEST = 2**20
SECONDS = 10.0


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider publishes of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False


class Providers:
    """The providers of an installation and what is known of them, for as long as it is fresh. Shared by threads."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        environment: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.profiles = dict(profiles)
        self.environment = environment
        self._http = httpx.Client(
            timeout=SECONDS, follow_redirects=False, trust_env=transport is None, transport=transport
        )
        self._lock = Lock()
        self._metadata: dict[str, tuple[datetime, Metadata]] = {}
        self._keys: dict[str, tuple[datetime, KeySet]] = {}

    def __repr__(self) -> str:
        return f"Providers({', '.join(self.profiles)})"

    def profile(self, name: str) -> Profile:
        """A provider by its name.

        Raises:
            Missing: when there is none of that name.
        """
        found = self.profiles.get(name)
        if found is None:
            raise Missing("There is no such way to sign in here.")
        return found

    def metadata(self, profile: Profile, now: datetime) -> Metadata:
        """What a provider publishes of itself, checked to be by it and to name only addresses that are safe to use.

        Raises:
            Unavailable: when it cannot be read or is not as it should be.
        """
        with self._lock:
            kept = self._metadata.get(profile.name)
        if kept is not None and _fresh(kept[0], now, KEPT_FOR):
            return kept[1]
        address = f"{profile.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = msgspec.convert(self.ask("GET", address), Metadata)
        except msgspec.ValidationError:
            raise _unavailable() from None
        addresses = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri]
        addresses += [found.userinfo_endpoint] if found.userinfo_endpoint else []
        if found.issuer != profile.issuer or not all(is_safe(each, profile.issuer) for each in addresses):
            raise _unavailable()
        with self._lock:
            self._metadata[profile.name] = (now, found)
        return found

    def keys(self, profile: Profile, token: str, now: datetime) -> KeySet:
        """The keys a provider signs with; fetched again when the token at hand names one that is not known yet.

        Raises:
            Unavailable: when they cannot be read.
        """
        with self._lock:
            kept = self._keys.get(profile.name)
        if kept is not None and _fresh(kept[0], now, KEPT_FOR):
            asked_lately = _fresh(kept[0], now, ASKED_AGAIN_AFTER)
            if asked_lately or not key_id_unknown(token, kept[1]):
                return kept[1]
        try:
            found = public_keys(self.ask("GET", self.metadata(profile, now).jwks_uri), strict=False)
        except Invalid:
            raise _unavailable() from None
        with self._lock:
            self._keys[profile.name] = (now, found)
        return found

    def ask(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Ask a provider something and read its answer, a JSON object.

        Raises:
            Missing: when it answers that there is no such thing.
            Unavailable: when there is no answer, an error, or one that is too large or no JSON object.
        """
        given = {"Accept": "application/json", **(headers or {})}
        content = b""
        try:
            with self._http.stream(method, address, data=dict(form) if form else None, headers=given) as answer:
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > LARGEST:
                        raise _unavailable()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            raise _unavailable() from None
        if answer.status_code == 404:
            raise Missing("The sign-in provider knows nothing of that.")
        if answer.status_code != 200:
            raise _unavailable()
        try:
            return msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _unavailable() from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _fresh(since: datetime, now: datetime, lasting: timedelta) -> bool:
    return timedelta(0) <= now - since < lasting


def _unavailable() -> Unavailable:
    return Unavailable("The sign-in provider cannot be asked, or its answer cannot be used: try again shortly.")
