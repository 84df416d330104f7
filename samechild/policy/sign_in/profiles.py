"""The sign-in providers an organisation uses, as its own file names them: DfE Sign-in, NHS CIS2, Entra ID, any other.

All speak OpenID Connect; a profile says where they differ: what counts as two factors, which claim names the
organisation, whether their word about an e-mail address can be trusted, and where roles come from. A provider may limit
the roles somebody was given here; it never adds one.

An example of the file that the setting ``sign_in`` names::

    [[provider]]
    name = "staff"
    title = "Staff of the council"
    kind = "entra"
    issuer = "https://login.microsoftonline.com/TENANT/v2.0"
    client_id = "CLIENT"
    secret = "env:SAMECHILD_ENTRA_SECRET"
    trust_email = true

Sources: OpenID Connect Core 1.0; DfE Sign-in public API; NHS CIS2 authentication; Microsoft identity platform.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from samechild.errors import Invalid, Unavailable
from samechild.policy.people.organisations import CODES
from samechild.policy.roles import roles
from samechild.policy.sign_in.assertions import ALGORITHMS
from samechild.policy.sign_in.personas import stays_here


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider as the file declares it. Secrets are named, never written: ``env:NAME`` or ``file:PATH``."""

    name: str
    title: str
    issuer: str
    client_id: str
    kind: Literal["openid", "dfe-sign-in", "cis2", "entra"] = "openid"
    secret: str = ""
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt"] = "client_secret_basic"
    signing_key: str = ""  # for private_key_jwt: a private JSON Web Key
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    acr_values: tuple[str, ...] = ()  # asked of the provider; one of them must then be answered
    two_factors: dict[str, list[str]] = {}  # claim and the values that mean two factors
    max_age: int = 0  # seconds since they last gave a factor; 0: any
    trust_email: bool = False  # the provider is the organisation's own, and only it enters addresses
    organisation: str = ""  # all its people are of this organisation ...
    organisation_claim: str = ""  # ... or the claim (dotted; * in lists) that holds ...
    organisation_code: str = ""  # ... a number of this kind of their organisation
    roles: dict[str, list[str]] = {}  # the provider's role and which of ours it lets somebody use
    roles_claim: str = ""
    roles_url: str = ""  # asked after sign-in; {organisation} and {user} are filled in
    roles_secret: str = ""
    roles_audience: str = ""


_DIFFERENT: Mapping[str, Mapping[str, Any]] = {
    "openid": {},
    "dfe-sign-in": {
        "scopes": ("openid", "profile", "email", "organisation"),
        "organisation_claim": "organisation.id",
        "organisation_code": "dsi",
        "roles_audience": "signin.education.gov.uk",
    },
    "cis2": {
        "scopes": ("openid", "profile", "email", "nationalrbacaccess"),
        "two_factors": {"authentication_assurance_level": ["2", "3"]},
        "organisation_claim": "nhsid_nrbac_roles.*.org_code",
        "organisation_code": "ods",
    },
    "entra": {
        "two_factors": {"amr": ["mfa"]},
        "organisation_claim": "tid",
        "organisation_code": "entra",
    },
}


def read_profiles(path: Path) -> dict[str, Profile]:
    """Read the providers from the file the setting ``sign_in`` names, by name.

    Raises:
        Invalid: when it cannot be read, or a profile is unsafe or incomplete: nobody can then sign in by half of it.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))["provider"]
        profiles = [_profile(each) for each in given]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as wrong:
        words = str(wrong) if isinstance(wrong, msgspec.ValidationError) else "it needs a [[provider]] for each"
        raise Invalid(f"The file of sign-in providers cannot be used: {words}. Look at {path.name}.") from None
    names = [profile.name for profile in profiles]
    if len(set(names)) < len(names):
        raise Invalid("Two sign-in providers have the same name.")
    for profile in profiles:
        check_profile(profile)
    return dict(zip(names, profiles, strict=True))


def check_profile(profile: Profile) -> None:
    """Make sure that a profile leaves no question open: what it trusts is written, and what it writes is safe.

    Raises:
        Invalid: saying what is missing.
    """
    wrong = next((words for is_wrong, words in _wrongs(profile) if is_wrong), "")
    if wrong:
        raise Invalid(f"The sign-in provider {profile.name} {wrong}.")


def _wrongs(profile: Profile) -> list[tuple[bool, str]]:
    fetched = bool(profile.roles_url)
    limits = fetched or bool(profile.roles_claim)
    codes = {role for ours in profile.roles.values() for role in ours}
    secret_named = profile.secret.startswith(("env:", "file:"))
    key_named = profile.signing_key.startswith(("env:", "file:"))
    api_named = profile.roles_secret.startswith(("env:", "file:"))
    signs = profile.client_auth == "private_key_jwt"
    claim = bool(profile.organisation_claim and profile.organisation_code)
    return [
        (not is_safe(profile.issuer, profile.issuer), "needs an issuer that begins with https"),
        (not profile.client_id, "needs a client_id"),
        (not signs and not secret_named, "needs a secret, as env:NAME or file:PATH"),
        (signs and not key_named, "needs a signing_key, as env:NAME or file:PATH"),
        (not set(profile.algorithms) <= set(ALGORITHMS) or not profile.algorithms, "names an unsafe algorithm"),
        ("openid" not in profile.scopes, "must ask for the scope openid"),
        (not profile.organisation and not claim, "must say how a person's organisation is known"),
        (claim and profile.organisation_code not in CODES, "names a number of organisations there is not"),
        (not codes <= roles().keys(), "names a role there is not"),
        (bool(profile.roles) != limits, "must say both where roles are and what they mean"),
        (fetched and not (api_named and profile.roles_audience), "needs a roles_secret, and its audience"),
        (fetched and not is_safe(profile.roles_url, profile.issuer), "needs a roles_url that begins with https"),
    ]


def is_safe(address: str, issuer: str) -> bool:
    """Whether an address of a provider may be called: https, or plain http to this machine by a provider on it."""
    parts, home = urlsplit(address), urlsplit(issuer)
    here = home.scheme == "http" and stays_here(home.hostname or "") and stays_here(parts.hostname or "")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def named_secret(where: str, environment: Mapping[str, str]) -> str:
    """Read a secret from where a profile says it is.

    Raises:
        Unavailable: when it is not there.
    """
    kind, _, place = where.partition(":")
    if kind == "env":
        found = environment.get(place, "")
    else:
        try:
            found = Path(place).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            found = ""
    if not found:
        raise Unavailable("A secret of the sign-in provider is not where its profile says: put it there.")
    return found


def values_at(claims: object, path: str) -> list[str]:
    """Every text at a dotted path of claims; ``*`` stands for each entry of a list.

    ``values_at({"organisation": {"id": "A"}}, "organisation.id")`` is ``["A"]``.
    """
    found = [claims]
    for step in path.split("."):
        deeper: list[object] = []
        for each in found:
            if step == "*" and isinstance(each, list):
                deeper += each
            elif isinstance(each, dict) and step in each:
                deeper.append(each[step])
        found = deeper
    flat = [part for each in found for part in (each if isinstance(each, list) else [each])]
    return [str(each) for each in flat if isinstance(each, str | int)]


def factors_of(profile: Profile, claims: Mapping[str, Any]) -> int:
    """With how many factors somebody signed in, by the provider's word: two when it says so in a way declared."""
    proved = (set(values_at(claims, claim)) & set(values) for claim, values in profile.two_factors.items())
    return 2 if any(proved) else 1


def limited_roles(profile: Profile, theirs: list[str]) -> tuple[str, ...]:
    """Which of our roles the provider's roles let somebody use."""
    return tuple(sorted({ours for each in theirs for ours in profile.roles.get(each, [])}))


def _profile(given: Mapping[str, Any]) -> Profile:
    kind = given.get("kind", "openid")
    return msgspec.convert({**_DIFFERENT.get(kind, {}), **given}, Profile)
