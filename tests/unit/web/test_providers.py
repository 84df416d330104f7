"""Signing in from page to page through a real OpenID Connect provider on the loopback address."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from pages_served import ADDRESS, UNHURRIED, Browser, Served, served
from samechild.policy.people import actions as people_actions
from samechild.policy.people.store import all_organisations
from samechild.policy.sign_in.personas import COUNCIL
from samechild.policy.sign_in.profiles import Profile
from samechild.policy.sign_in.providers import Providers
from samechild.storage import Login
from samechild.web.app import Around

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock  # type: ignore[import-untyped]


@pytest.fixture(scope="module", name="issuer")
def a_provider() -> Iterator[str]:
    users = [
        oidc_provider_mock.User(sub=name, claims={"email": f"{name}@council.example", "email_verified": True})
        for name in ("kim", "stranger")
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=users, require_nonce=True) as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture(name="server")
def a_server(issuer: str) -> Iterator[Served]:
    profile = Profile(
        name="council", title="your council account", issuer=issuer, client_id="gate", secret="env:SECRET",
        organisation_claim="org", organisation_code="dsi",
    )  # fmt: skip
    with served(demo=False) as first:
        with first.store.read(Login.GATE) as gate:
            organisation = next(each.organisation for each in all_organisations(gate) if each.name == COUNCIL)
        operator = people_actions.operator()
        user = people_actions.add_user(
            first.store, operator, organisation, "Kim Field", "kim@council.example", first.now, os.urandom
        )
        people_actions.grant_role(first.store, operator, user, "analyst", first.now, os.urandom)
        ours = Profile(**{**{f: getattr(profile, f) for f in profile.__struct_fields__}, "organisation": organisation})
        providers = Providers({"council": ours}, {"SECRET": "a secret"})
        yield Served(first.store, first.settings, Around(paces=UNHURRIED, providers=providers), demo=False)
        providers.close()


def sent_to(browser: Browser) -> httpx.Response:
    """Press the provider's button; returns what leads there."""
    browser.open("/sign-in?next=/agreements")
    assert browser.page is not None
    assert "Sign in with your council account" in browser.page.text
    token = browser.page.text.split('name="token" value="')[1].split('"')[0]
    answer: httpx.Response = browser.client.post("/sign-in/with/council", data={"token": token})
    assert answer.status_code == 303
    return answer


def back_from(address: str, subject: str) -> str:
    """Say who one is at the provider; returns where it sends the browser back to."""
    answer = httpx.post(address, data={"sub": subject}, follow_redirects=False, trust_env=False)
    place = urlsplit(answer.headers["location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{ADDRESS}/sign-in/return"
    return f"{place.path}?{place.query}"


def test_somebody_signs_in_with_their_organisations_provider(server: Served, issuer: str) -> None:
    browser = server.browser()
    leaving = sent_to(browser)
    assert leaving.headers["location"].startswith(issuer)
    assert f"form-action 'self' {issuer};" in leaving.headers["content-security-policy"]
    asked = parse_qs(urlsplit(leaving.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    back = back_from(leaving.headers["location"], "kim")
    arrived = browser.get(back)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/")
    assert "Kim Field, Analyst" in browser.open("/").text
    again = browser.get(back)
    assert again.status_code == 401
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert code not in server.log.getvalue()


def test_another_browser_cannot_finish_what_this_one_began(server: Served) -> None:
    leaving = sent_to(server.browser())
    other = server.browser()
    answer = other.get(back_from(leaving.headers["location"], "kim"))
    assert (answer.status_code, "begin again" in answer.text) == (401, True)
    assert "samechild" not in other.client.cookies


def test_a_stranger_is_told_whom_to_ask(server: Served) -> None:
    browser = server.browser()
    leaving = sent_to(browser)
    answer = browser.get(back_from(leaving.headers["location"], "stranger"))
    assert answer.status_code == 403
    assert "access manager of your organisation" in answer.text


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?code=x&state=y", "?error=access_denied&state=y", "?state=" + "z" * 900]
)
def test_a_return_that_nobody_began_signs_nobody_in(server: Served, query: str) -> None:
    answer = server.browser().get(f"/sign-in/return{query}")
    assert answer.status_code in (401, 403)


def test_a_provider_that_is_not_there_is_not_found_and_one_that_is_down_is_told(server: Served) -> None:
    browser = server.browser()
    sent_to(browser)
    assert browser.page is not None
    token = browser.page.text.split('name="token" value="')[1].split('"')[0]
    token = browser.client.cookies.get("samechild-start") or token
    assert browser.client.post("/sign-in/with/nobody", data={"token": token}).status_code == 404
    with served(demo=False) as bare:
        empty = bare.browser()
        assert empty.open("/sign-in").text.count("Sign in with") == 0
