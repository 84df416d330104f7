"""Signing in through a provider that says anything at all: only what holds is believed.

The provider here is a fake at the other end of the network; a real one answers in ``tests/contract/test_oidc.py``.
"""

from __future__ import annotations

import os
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from samechild.errors import Missing, Refused, SamechildError, Unauthenticated, Unavailable
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.sign_in import oidc, sessions
from samechild.policy.sign_in.opaque import digest
from samechild.policy.sign_in.profiles import Profile, check_profile
from samechild.policy.sign_in.providers import KEPT_FOR, LARGEST, Providers
from samechild.policy.sign_in.rules import SignInRules
from samechild.storage import Login
from staff import NOW, QUICK, SCHOOL_ID, TENANT, Office, an_office_at_work

ISSUER = "https://provider.example"
BACK = "https://gate.example/sign-in/back"
KEY = RSAKey.generate_key(2048, parameters={"kid": "k1"}, private=True)
NEXT = RSAKey.generate_key(2048, parameters={"kid": "k2"}, private=True)


def a_profile(**changes: Any) -> Profile:
    given = {
        "name": "staff",
        "title": "Staff",
        "issuer": ISSUER,
        "client_id": "gate",
        "secret": "env:SECRET",
        "organisation_claim": "tid",
        "organisation_code": "entra",
        "two_factors": {"amr": ["mfa"]},
        **changes,
    }
    profile = Profile(**given)
    check_profile(profile)
    return profile


class Provider:
    """A provider over a pretended network; a test bends what it says."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile or a_profile()
        self.signing: Any = KEY
        self.algorithm = "RS256"
        self.published: list[Any] = [KEY]
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/me",
        }
        self.claims: dict[str, Any] = {}
        self.told: dict[str, Any] = {"email": "kim@staff.example", "email_verified": True}
        self.tokens: dict[str, Any] = {}
        self.answers: dict[str, Callable[[httpx.Request], httpx.Response]] = {}
        self.asked: list[httpx.Request] = []
        self.nonce = ""
        self.subject = "subject-1"
        self.now = NOW
        self.providers = Providers(
            {"staff": self.profile},
            {"SECRET": "s p+c", "API": "an api secret of some length"},
            httpx.MockTransport(self.answer),
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path in self.answers:
            return self.answers[path](request)
        if path.endswith("openid-configuration"):
            return httpx.Response(200, json=self.metadata)
        if path == "/keys":
            return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.published]})
        if path == "/token":
            access = "access-token"
            signed = self.word(access)
            return httpx.Response(200, json={"access_token": access, "id_token": signed, **self.tokens})
        assert path == "/me"
        assert request.headers["Authorization"] == "Bearer access-token"
        return httpx.Response(200, json={"sub": self.subject, **self.told})

    def word(self, access: str) -> str:
        half = urlsafe_b64encode(sha256(access.encode()).digest()[:16]).decode().rstrip("=")
        whole = {
            "iss": ISSUER,
            "aud": "gate",
            "sub": self.subject,
            "nonce": self.nonce,
            "iat": int(self.now.timestamp()),
            "exp": int(self.now.timestamp()) + 300,
            "at_hash": half,
            "amr": ["pwd", "mfa"],
            "tid": TENANT,
            **self.claims,
        }
        held = {name: value for name, value in whole.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.signing.kid}
        return jwt.encode(header, held, self.signing, algorithms=[self.algorithm])

    def times_asked(self, path: str) -> int:
        return sum(request.url.path == path for request in self.asked)


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office_at_work() as filled:
        yield filled


def begin(office: Office, provider: Provider, now: Any = NOW) -> tuple[oidc.Leaving, dict[str, str]]:
    leaving = oidc.begin_oidc(office.store, provider.providers, "staff", BACK, now, os.urandom)
    query = {name: values[0] for name, values in parse_qs(urlsplit(leaving.address).query).items()}
    provider.nonce = query["nonce"]
    return leaving, query


def finish(office: Office, provider: Provider, now: Any = NOW, **answer: str) -> str:
    leaving, query = begin(office, provider, now)
    back = {"state": query["state"], "code": "code-1", **answer}
    return oidc.finish_oidc(office.store, provider.providers, back, leaving.browser, now, os.urandom, QUICK)


def kim(office: Office, *roles: str, **more: Any) -> str:
    return office.somebody(*(roles or ("social-worker",)), email="kim@staff.example", **more)


def test_somebody_known_is_signed_in_and_known_again_by_the_providers_word_alone(office: Office) -> None:
    user, provider = kim(office), Provider()
    found = sessions.signed_in(office.store, finish(office, provider), NOW)
    assert (found.asker.user, found.asker.factors, found.asker.role, found.method) == (
        user,
        2,
        "social-worker",
        "staff",
    )
    provider.told = {}
    assert sessions.signed_in(office.store, finish(office, provider), NOW).asker.user == user
    provider.subject = "subject-2"
    with pytest.raises(Refused, match="not known here"):
        finish(office, provider)


def test_the_browser_is_sent_away_with_a_challenge(office: Office) -> None:
    provider = Provider(a_profile(acr_values=("high", "higher"), max_age=600))
    leaving, query = begin(office, provider)
    assert leaving.address.startswith(f"{ISSUER}/authorize?tenant=1&response_type=code&")
    assert (query["code_challenge_method"], query["acr_values"], query["max_age"]) == ("S256", "high higher", "600")
    assert query["redirect_uri"] == BACK
    assert leaving.browser not in leaving.address
    with pytest.raises(Missing):
        oidc.begin_oidc(office.store, provider.providers, "none", BACK, NOW, os.urandom)
    assert repr(provider.providers) == "Providers(staff)"
    provider.providers.close()


def test_the_code_is_exchanged_with_the_verifier_and_the_secret(office: Office) -> None:
    kim(office)
    provider = Provider()
    leaving, query = begin(office, provider)
    back = {"state": query["state"], "code": "code-1"}
    oidc.finish_oidc(office.store, provider.providers, back, leaving.browser, NOW, os.urandom)
    sent = next(request for request in provider.asked if request.url.path == "/token")
    form = {name: values[0] for name, values in parse_qs(sent.content.decode()).items()}
    challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
    assert challenge == query["code_challenge"]
    assert (form["code"], form["redirect_uri"]) == ("code-1", BACK)
    assert b64decode(sent.headers["Authorization"].split()[1]) == b"gate:s+p%2Bc"


def test_the_secret_can_go_in_the_body(office: Office) -> None:
    kim(office)
    provider = Provider(a_profile(client_auth="client_secret_post"))
    finish(office, provider)
    sent = next(request for request in provider.asked if request.url.path == "/token")
    assert parse_qs(sent.content.decode())["client_secret"] == ["s p+c"]
    assert "Authorization" not in sent.headers


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSAKey.generate_key(2048, parameters={"kid": "own"}), "PS256"),
        (ECKey.generate_key("P-256"), "ES256"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
        (RSAKey.generate_key(2048, parameters={"alg": "RS256"}), "RS256"),
    ],
)
def test_we_prove_ourselves_with_a_key_of_our_own(office: Office, tmp_path: Any, key: Any, alg: str) -> None:
    kim(office)
    path = tmp_path / "own.json"
    path.write_bytes(msgspec.json.encode(key.as_dict(private=True)))
    provider = Provider(a_profile(client_auth="private_key_jwt", secret="", signing_key=f"file:{path}"))
    finish(office, provider)
    sent = next(request for request in provider.asked if request.url.path == "/token")
    form = parse_qs(sent.content.decode())
    proof = jwt.decode(form["client_assertion"][0], key, algorithms=[alg])
    assert (proof.claims["iss"], proof.claims["sub"], proof.claims["aud"]) == ("gate", "gate", f"{ISSUER}/token")
    for broken in ("{}", "no json", '{"kty":"oct","k":"eHh4eHh4eHh4eHh4eHh4eHg"}'):
        path.write_text(broken)
        with pytest.raises(Unavailable, match="signing_key"):
            finish(office, provider)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": f"{ISSUER}/"},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["gate", "another"]},
        {"aud": ["gate", "another"], "azp": "another"},
        {"azp": "another"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"exp": int(NOW.timestamp()) - 61},
        {"exp": None},
        {"exp": "later"},
        {"iat": int(NOW.timestamp()) - 3600},
        {"iat": int(NOW.timestamp()) + 3600},
        {"iat": None},
        {"iat": "now"},
        {"nbf": int(NOW.timestamp()) + 3600},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"at_hash": "AAAA"},
        {"at_hash": 7},
    ],
)
def test_a_word_that_does_not_hold_is_not_believed(office: Office, claims: dict[str, Any]) -> None:
    kim(office)
    provider = Provider()
    provider.claims = claims
    with pytest.raises(Unauthenticated):
        finish(office, provider)


def test_a_word_that_holds_in_another_way_is(office: Office) -> None:
    kim(office)
    provider = Provider()
    for claims in ({"aud": ["gate"]}, {"aud": ["gate", "another"], "azp": "gate"}, {"at_hash": None}):
        provider.claims = claims
        assert finish(office, provider)


def test_the_signature_cannot_be_got_round(office: Office) -> None:
    kim(office)
    provider = Provider()
    body = provider.word("access-token").split(".")[1]

    def sent(token: object) -> None:
        provider.tokens = {"id_token": token}
        with pytest.raises(Unauthenticated):
            finish(office, provider)

    none = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for token in (f"{none}.{body}.", "", "a.b.c", "x" * 20_000, 7, None, "é.é.é"):
        sent(token)
    provider.tokens = {"access_token": 7}
    with pytest.raises(Unauthenticated):
        finish(office, provider)
    provider.tokens = {}
    provider.signing = RSAKey.generate_key(2048, parameters={"kid": "k1"})
    with pytest.raises(Unauthenticated):
        finish(office, provider)
    shared = OctKey.import_key("s p+c and longer than needed", parameters={"kid": "k1"})
    provider.signing, provider.algorithm = shared, "HS256"
    with pytest.raises(Unauthenticated):
        finish(office, provider)
    provider.signing, provider.algorithm = KEY, "RS512"
    with pytest.raises(Unauthenticated):
        finish(office, provider)


def test_every_algorithm_a_profile_may_name_is_checked_with_its_half_hash(office: Office) -> None:
    kim(office)
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "ed"})
    provider = Provider(a_profile(algorithms=("Ed25519",)))
    provider.signing, provider.algorithm, provider.published = key, "Ed25519", [key]
    with pytest.raises(Unauthenticated):
        finish(office, provider)  # the half hash is that of another algorithm
    provider.claims = {"at_hash": None}
    assert finish(office, provider)


def test_what_comes_back_must_be_what_was_begun_here(office: Office) -> None:
    kim(office)
    provider = Provider()
    leaving, query = begin(office, provider)
    other, _ = begin(office, provider)
    back = {"state": query["state"], "code": "code-1"}
    provider.nonce = query["nonce"]

    def come(answer: dict[str, str], browser: str, now: Any = NOW) -> str:
        return oidc.finish_oidc(office.store, provider.providers, answer, browser, now, os.urandom)

    for answer, browser in (
        ({"code": "code-1"}, leaving.browser),
        ({**back, "state": "forged"}, leaving.browser),
        ({**back, "state": digest(query["state"])}, leaving.browser),
        (back, ""),
        (back, other.browser),
    ):
        with pytest.raises(Unauthenticated, match="begin again"):
            come(answer, browser)
    assert come(back, leaving.browser)
    with pytest.raises(Unauthenticated, match="tried before"):
        come(back, leaving.browser)


@pytest.mark.parametrize("wait", [SignInRules().at_provider, -timedelta(minutes=2)])
def test_what_comes_back_late_or_before_it_began_is_refused(office: Office, wait: timedelta) -> None:
    kim(office)
    provider = Provider()
    leaving, query = begin(office, provider)
    back = {"state": query["state"], "code": "c"}
    with pytest.raises(Unauthenticated, match="too long"):
        oidc.finish_oidc(office.store, provider.providers, back, leaving.browser, NOW + wait, os.urandom)


def test_the_answer_must_come_from_the_provider_it_names(office: Office) -> None:
    kim(office)
    provider = Provider()
    assert finish(office, provider, iss=ISSUER)
    with pytest.raises(Unauthenticated):
        finish(office, provider, iss="https://other.example")
    promising = Provider()
    promising.metadata["authorization_response_iss_parameter_supported"] = True
    with pytest.raises(Unauthenticated):
        finish(office, promising)
    assert finish(office, promising, iss=ISSUER)


def test_a_provider_that_says_no(office: Office) -> None:
    provider = Provider()
    leaving, query = begin(office, provider)
    with pytest.raises(Unauthenticated, match="did not sign you in"):
        oidc.finish_oidc(
            office.store,
            provider.providers,
            {"state": query["state"], "error": "access_denied"},
            leaving.browser,
            NOW,
            os.urandom,
        )


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/me"])
@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500),
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
        httpx.Response(200, text="not json"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, content=b"x" * (LARGEST + 1)),
    ],
    ids=["error", "missing", "redirect", "text", "list", "endless"],
)
def test_a_provider_that_cannot_be_asked_signs_nobody_in(office: Office, path: str, response: httpx.Response) -> None:
    kim(office)
    provider = Provider()
    provider.answers[path] = lambda request: response
    with pytest.raises((Unavailable, Missing)):
        finish(office, provider)


def test_a_network_that_fails(office: Office) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("the network is down")

    provider = Provider()
    provider.answers["/.well-known/openid-configuration"] = fail
    with pytest.raises(Unavailable) as said:
        begin(office, provider)
    assert "network" not in str(said.value)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://provider.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://127.0.0.1/me"},
        {"authorization_endpoint": 7},
    ],
)
def test_what_a_provider_publishes_of_itself_is_checked(office: Office, change: dict[str, Any]) -> None:
    provider = Provider()
    provider.metadata |= change
    with pytest.raises(Unavailable):
        begin(office, provider)


def test_keys_are_kept_for_an_hour_and_fetched_again_when_changed(office: Office) -> None:
    kim(office)
    provider = Provider()
    finish(office, provider)
    finish(office, provider)
    assert provider.times_asked("/keys") == 1
    provider.signing, provider.published = NEXT, [NEXT]
    with pytest.raises(Unauthenticated):
        finish(office, provider)  # asked a moment ago: not again so soon
    assert provider.times_asked("/keys") == 1
    provider.now = later = NOW + timedelta(minutes=2)
    assert finish(office, provider, later)
    assert provider.times_asked("/keys") == 2
    provider.tokens = {"id_token": "garbage"}
    with pytest.raises(Unauthenticated):
        finish(office, provider, later + timedelta(minutes=2))
    assert provider.times_asked("/keys") == 2
    provider.tokens = {}
    provider.now = later + KEPT_FOR
    assert finish(office, provider, provider.now)
    assert provider.times_asked("/keys") == 3
    assert provider.times_asked("/.well-known/openid-configuration") == 2


def test_a_provider_that_publishes_no_key_of_use(office: Office) -> None:
    provider = Provider()
    provider.answers["/keys"] = lambda request: httpx.Response(200, json={"keys": [{"kty": "oct", "k": "eHh4"}]})
    with pytest.raises(Unavailable):
        finish(office, provider)


def test_a_provider_without_userinfo(office: Office) -> None:
    user, provider = kim(office), Provider()
    del provider.metadata["userinfo_endpoint"]
    provider.claims = {"email": "kim@staff.example", "email_verified": True}
    assert sessions.signed_in(office.store, finish(office, provider), NOW).asker.user == user
    assert provider.times_asked("/me") == 0


def test_userinfo_about_somebody_else_is_not_believed(office: Office) -> None:
    kim(office)
    provider = Provider()
    provider.told |= {"sub": "another"}
    with pytest.raises(Unauthenticated):
        finish(office, provider)
    provider.told = {"email": "kim@staff.example", "email_verified": True, "tid": "A"}
    provider.claims = {"tid": None}
    with pytest.raises(Refused):
        finish(office, provider)


@pytest.mark.parametrize(
    ("told", "claims"),
    [
        ({"email": "kim@staff.example"}, {}),
        ({"email": "kim@staff.example", "email_verified": "true"}, {}),
        ({"email": "other@staff.example", "email_verified": True}, {}),
        ({"email": 7, "email_verified": True}, {}),
        ({}, {}),
        ({"email": "kim@staff.example", "email_verified": True}, {"tid": None}),
        ({"email": "kim@staff.example", "email_verified": True}, {"tid": TENANT.replace("1", "2")}),
    ],
)
def test_an_address_alone_makes_nobody_known(office: Office, told: dict[str, Any], claims: dict[str, Any]) -> None:
    kim(office)
    provider = Provider()
    provider.told, provider.claims = told, claims
    with pytest.raises(Refused, match="not known here"):
        finish(office, provider)


def test_an_organisations_own_provider_may_be_trusted_about_addresses(office: Office) -> None:
    user = kim(office)
    provider = Provider(a_profile(trust_email=True))
    provider.told = {"email": "KIM@staff.example"}
    assert sessions.signed_in(office.store, finish(office, provider), NOW).asker.user == user


def test_a_provider_of_one_organisation_signs_in_its_people_only(office: Office) -> None:
    kim(office)
    right = Provider(a_profile(organisation=office.council, organisation_claim="", organisation_code=""))
    assert finish(office, right)
    wrong = Provider(a_profile(organisation=office.other, organisation_claim="", organisation_code=""))
    with pytest.raises(Refused, match="not known here"):
        finish(office, wrong)


def test_a_leaver_is_not_signed_in_whatever_the_provider_says(office: Office) -> None:
    user, provider = kim(office), Provider()
    finish(office, provider)
    people_actions.leaver(office.store, office.manager, user, NOW)
    with pytest.raises(Refused, match="not known here"):
        finish(office, provider)


def test_somebody_of_an_organisation_without_the_number_is_not_known(office: Office) -> None:
    kim(office, "safeguarding-lead", by=office.school_manager)
    with pytest.raises(Refused, match="not known here"):
        finish(office, Provider())


def test_factors_are_those_the_provider_proves(office: Office) -> None:
    kim(office)
    provider = Provider()
    provider.claims = {"amr": ["pwd"]}
    found = sessions.signed_in(office.store, finish(office, provider), NOW)
    assert (found.asker.factors, found.asker.role, found.need_second) == (1, "", ("social-worker",))


def test_a_lower_level_than_asked_for_is_refused(office: Office) -> None:
    kim(office)
    provider = Provider(a_profile(acr_values=("high",), max_age=600))
    now = int(NOW.timestamp())
    for claims in (
        {"acr": "low", "auth_time": now},
        {"auth_time": now},
        {"acr": "high"},
        {"acr": "high", "auth_time": now - 661},
        {"acr": "high", "auth_time": now + 61},
        {"acr": "high", "auth_time": "now"},
    ):
        provider.claims = claims
        with pytest.raises(Unauthenticated):
            finish(office, provider)
    provider.claims = {"acr": "high", "auth_time": now - 600}
    assert finish(office, provider)


DFE: dict[str, Any] = {
    "kind": "dfe-sign-in",
    "organisation_claim": "organisation.id",
    "organisation_code": "dsi",
    "roles": {"DSL": ["safeguarding-lead"], "EWO": ["attendance-officer", "safeguarding-lead"]},
    "roles_url": f"{ISSUER}/services/s/organisations/{{organisation}}/person/{{user}}",
    "roles_secret": "env:API",
    "roles_audience": "signin.education.gov.uk",
}


def a_school(office: Office) -> Provider:
    kim(office, "safeguarding-lead", "attendance-officer", by=office.school_manager)
    provider = Provider(a_profile(**DFE))
    provider.subject = "sub/1"
    provider.claims = {"organisation": {"id": SCHOOL_ID.lower()}}
    return provider


ROLES = f"/services/s/organisations/{SCHOOL_ID.lower()}/person/sub/1"


def test_roles_are_fetched_after_sign_in_and_narrow_what_was_given(office: Office) -> None:
    provider = a_school(office)
    provider.answers[ROLES] = lambda request: httpx.Response(200, json={"roles": [{"code": "DSL"}, {"code": "?"}]})
    found = sessions.signed_in(office.store, finish(office, provider), NOW)
    assert found.roles == ("safeguarding-lead",)
    sent = provider.asked[-1]
    assert sent.url.raw_path.decode().endswith("/person/sub%2F1")
    bearer = sent.headers["Authorization"].split()[1]
    proof = jwt.decode(bearer, OctKey.import_key("an api secret of some length"), algorithms=["HS256"])
    assert (proof.claims["iss"], proof.claims["aud"]) == ("gate", "signin.education.gov.uk")
    assert proof.claims["exp"] - proof.claims["iat"] == 300


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(404), Refused),
        (httpx.Response(200, json={"roles": []}), Refused),
        (httpx.Response(200, json={}), Refused),
        (httpx.Response(200, json={"roles": [{"code": "OTHER"}]}), Refused),
        (httpx.Response(401), Unavailable),
        (httpx.Response(500), Unavailable),
        (httpx.Response(200, text="{"), Unavailable),
    ],
)
def test_without_an_answer_about_roles_nobody_is_signed_in(
    office: Office, response: httpx.Response, error: type[SamechildError]
) -> None:
    provider = a_school(office)
    provider.answers[ROLES] = lambda request: response
    with pytest.raises(error):
        finish(office, provider)


def test_roles_may_stand_in_the_claims(office: Office) -> None:
    kim(office, "social-worker", "duty-desk")
    provider = Provider(a_profile(roles={"SW": ["social-worker"]}, roles_claim="groups"))
    provider.claims = {"groups": ["SW", "OTHER"]}
    assert sessions.signed_in(office.store, finish(office, provider), NOW).roles == ("social-worker",)
    provider.claims = {}
    with pytest.raises(Refused, match="no role"):
        finish(office, provider)


def test_a_health_worker_is_known_by_any_of_their_organisations(office: Office) -> None:
    by = people_actions.operator()
    kim(office, "nurse", organisation=office.trust, by=by)
    provider = Provider(
        a_profile(organisation_claim="nhsid_nrbac_roles.*.org_code", organisation_code="ods", two_factors={})
    )
    provider.told |= {"nhsid_nrbac_roles": [{"org_code": "RXX"}, {"org_code": "RZZ99"}]}
    assert sessions.signed_in(office.store, finish(office, provider), NOW).need_second == ("nurse",)
    provider.told |= {"nhsid_nrbac_roles": [{"org_code": "RXX"}]}
    with pytest.raises(Refused):
        finish(office, provider)


def test_a_secret_that_is_not_there_signs_nobody_in(office: Office) -> None:
    kim(office)
    provider = Provider(a_profile(secret="env:NOWHERE"))
    with pytest.raises(Unavailable, match="not where its profile says"):
        finish(office, provider)


def test_a_provider_taken_out_of_the_file_signs_nobody_in(office: Office) -> None:
    provider = Provider()
    leaving, query = begin(office, provider)
    provider.providers.profiles.clear()
    back = {"state": query["state"], "code": "c"}
    with pytest.raises(Missing):
        oidc.finish_oidc(office.store, provider.providers, back, leaving.browser, NOW, os.urandom)


def test_an_organisation_that_is_not_there_any_more_has_no_number(office: Office) -> None:
    user = kim(office)
    with office.store.write(Login.GATE) as connection:
        connection.execute(
            people_store.users.update().where(people_store.users.c.user_id == user).values(organisation="gone")
        )
    with pytest.raises(Refused, match="not known here"):
        finish(office, Provider())
