"""Signing in through a real OpenID Connect provider on the loopback address, over real connections."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from samechild.errors import Refused, Unauthenticated
from samechild.policy.people import actions as people_actions
from samechild.policy.sign_in import oidc, sessions
from samechild.policy.sign_in.profiles import Profile, check_profile
from samechild.policy.sign_in.providers import Providers
from samechild.policy.sign_in.rules import CLOCK_TOLERANCE
from staff import Office, an_office_at_work

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock  # type: ignore[import-untyped]

BACK = "http://127.0.0.1:8000/sign-in/back"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    users = [
        oidc_provider_mock.User(sub="kim", claims={"email": "kim@staff.example", "email_verified": True}),
        oidc_provider_mock.User(sub="stranger", claims={"email": "stranger@staff.example", "email_verified": True}),
    ]
    server = oidc_provider_mock.run_server_in_thread(user_claims=users, require_nonce=True)
    with server as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office_at_work() as filled:
        yield filled


def a_provider(office: Office, issuer: str, **changes: Any) -> Providers:
    given = {
        "name": "mock",
        "title": "Provider",
        "issuer": issuer,
        "client_id": "gate",
        "secret": "env:SECRET",
        "organisation": office.council,
        **changes,
    }
    profile = Profile(**given)
    check_profile(profile)
    return Providers({"mock": profile}, {"SECRET": "a secret"})


def at_provider(address: str, subject: str) -> dict[str, str]:
    """What the person does at the provider: says who they are, and is sent back."""
    answer = httpx.post(address, data={"sub": subject}, follow_redirects=False, trust_env=False)
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def present() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_somebody_signs_in_with_their_organisations_provider(office: Office, issuer: str, client_auth: str) -> None:
    user = office.somebody("social-worker", "analyst", email="kim@staff.example")
    providers = a_provider(office, issuer, client_auth=client_auth)
    now = present()
    leaving = oidc.begin_oidc(office.store, providers, "mock", BACK, now, os.urandom)
    back = at_provider(leaving.address, "kim")
    token = oidc.finish_oidc(office.store, providers, back, leaving.browser, present(), os.urandom)
    found = sessions.signed_in(office.store, token, present())
    assert (found.asker.user, found.asker.factors, found.method) == (user, 1, "mock")
    assert (found.roles, found.need_second) == (("analyst",), ("social-worker",))
    with pytest.raises(Unauthenticated, match="tried before"):
        oidc.finish_oidc(office.store, providers, back, leaving.browser, present(), os.urandom)
    providers.close()


def test_a_stranger_is_not_known(office: Office, issuer: str) -> None:
    providers = a_provider(office, issuer)
    leaving = oidc.begin_oidc(office.store, providers, "mock", BACK, present(), os.urandom)
    back = at_provider(leaving.address, "stranger")
    with pytest.raises(Refused, match="not known here"):
        oidc.finish_oidc(office.store, providers, back, leaving.browser, present(), os.urandom)


def test_a_code_of_another_begin_is_refused_by_its_nonce(office: Office, issuer: str) -> None:
    office.somebody("social-worker", email="kim@staff.example")
    providers = a_provider(office, issuer)
    first = oidc.begin_oidc(office.store, providers, "mock", BACK, present(), os.urandom)
    second = oidc.begin_oidc(office.store, providers, "mock", BACK, present(), os.urandom)
    stolen = at_provider(first.address, "kim")
    planted = {**at_provider(second.address, "kim"), "code": stolen["code"]}
    with pytest.raises(Unauthenticated):
        oidc.finish_oidc(office.store, providers, planted, second.browser, present(), os.urandom)


def test_a_word_for_another_client_is_refused(office: Office, issuer: str) -> None:
    office.somebody("social-worker", email="kim@staff.example")
    providers = a_provider(office, issuer)
    leaving = oidc.begin_oidc(office.store, providers, "mock", BACK, present(), os.urandom)
    elsewhere = leaving.address.replace("client_id=gate", "client_id=another")
    back = at_provider(elsewhere, "kim")
    with pytest.raises(Exception, match="cannot be asked"):  # the provider will not exchange another's code
        oidc.finish_oidc(office.store, providers, back, leaving.browser, present(), os.urandom)


def test_our_clock_far_behind_the_providers_believes_nothing(office: Office, issuer: str) -> None:
    office.somebody("social-worker", email="kim@staff.example")
    providers = a_provider(office, issuer)
    slow = present() - CLOCK_TOLERANCE - timedelta(seconds=60)
    leaving = oidc.begin_oidc(office.store, providers, "mock", BACK, slow, os.urandom)
    back = at_provider(leaving.address, "kim")
    with pytest.raises(Unauthenticated, match="does not hold"):
        oidc.finish_oidc(office.store, providers, back, leaving.browser, slow, os.urandom)


def test_a_leaver_is_out_though_the_provider_knows_them(office: Office, issuer: str) -> None:
    user = office.somebody("social-worker", email="kim@staff.example")
    providers = a_provider(office, issuer)
    leaving = oidc.begin_oidc(office.store, providers, "mock", BACK, present(), os.urandom)
    back = at_provider(leaving.address, "kim")
    token = oidc.finish_oidc(office.store, providers, back, leaving.browser, present(), os.urandom)
    people_actions.leaver(office.store, office.manager, user, present())
    with pytest.raises(Unauthenticated):
        sessions.signed_in(office.store, token, present())
    again = oidc.begin_oidc(office.store, providers, "mock", BACK, present(), os.urandom)
    with pytest.raises(Refused, match="not known here"):
        oidc.finish_oidc(
            office.store, providers, at_provider(again.address, "kim"), again.browser, present(), os.urandom
        )
