"""Every page, for everybody: 200 for a role that may, a refusal or a way to sign in for one that may not, never 500."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.routing import Route

from pages_served import Served, filled, served
from samechild.policy.sign_in.personas import personas
from samechild.web.pages.all_pages import PAGES
from samechild.web.routes import Page
from samechild.web.serving import FORM

SHOWN = [page for page in PAGES if page.show is not None and page.path != "/sign-in/return"]
SENT = [page for page in PAGES if page.do is not None]


@pytest.fixture(scope="module", name="server")
def a_server() -> Iterator[Served]:
    with served() as server:
        yield server


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.path)
def test_a_page_opens_for_those_who_may_and_not_for_others(server: Served, page: Page) -> None:
    path = filled(server, page.path)
    opened = 0
    for persona in personas():
        answer = server.browser(persona.persona).get(path)
        may = page.who is None or page.before_role or bool(page.who & set(persona.roles))
        if len(persona.roles) > 1 and page.who is not None and not page.before_role:
            assert (answer.status_code, answer.headers.get("location")) == (303, "/role"), persona.persona
            continue
        if not may:
            assert answer.status_code == 403, (persona.persona, answer.status_code)
            assert "access manager gives roles" in answer.text
        else:
            assert answer.status_code in (200, 303, 403, 404), (persona.persona, answer.status_code)
            opened += answer.status_code in (200, 303)
    elsewhere = ("{question}", "{proposal}", "{child}", "{client}", "{concern}")  # tried by their own tests
    assert opened or any(name in page.path for name in elsewhere), "nobody could open it"


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.path)
def test_somebody_not_signed_in_is_sent_to_sign_in(server: Served, page: Page) -> None:
    path = filled(server, page.path)
    answer = server.browser().get(path)
    if page.who is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("page", SENT, ids=lambda page: page.path)
def test_a_form_without_its_token_is_refused(server: Served, page: Page) -> None:
    path = filled(server, page.path)
    who = "access-manager" if page.who is None or "access-manager" in page.who else "information-governance"
    if page.who and not {"access-manager", "information-governance"} & page.who:
        who = next(each.persona for each in personas() if page.who & set(each.roles))
    for browser, fields in (
        (server.browser(who), {}),
        (server.browser(who), {"token": ""}),
        (server.browser(who), {"token": "0" * 64}),
        (server.browser(), {"token": ""}),
    ):
        signed_in = bool(browser.client.cookies)
        before = entries(server)
        answer = browser.client.post(path, data={**fields, "x": "y"})
        expected = 403 if signed_in or page.who is None else 401
        assert answer.status_code == expected, (fields, signed_in)
        assert entries(server) == before, "something was written"


def entries(server: Served) -> int:
    from samechild.policy import ledger

    return ledger.head(server.store).size


@pytest.mark.parametrize("page", SENT, ids=lambda page: page.path)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
    ids=str,
)
def test_a_form_sent_from_another_site_is_refused(server: Served, page: Page, headers: dict[str, str]) -> None:
    browser = server.browser("information-governance")
    token = re.search(r'name="token" value="([0-9a-f]+)"', browser.open("/").text)
    assert token
    path = filled(server, page.path)
    answer = browser.client.post(path, data={"token": token.group(1)}, headers=headers)
    assert answer.status_code == 403
    if page.who is None or "information-governance" in page.who:
        assert "another site" in answer.text


@pytest.mark.parametrize("page", SENT, ids=lambda page: page.path)
def test_a_form_with_nothing_in_it_is_never_our_mistake(server: Served, page: Page) -> None:
    for persona in ("information-governance", "access-manager", "social-worker"):
        browser = server.browser(persona)
        token = re.search(r'name="token" value="([0-9a-f]+)"', browser.open("/").text)
        assert token
        for nonsense in ({}, {"x": "\x00\ud7ff"}, {"number": "x" * 5000, "version": "9" * 300}):
            if page.path in ("/sign-out", "/people/{user}/left", "/organisations/{organisation}/end"):
                continue
            answer = browser.client.post(filled(server, page.path), data={"token": token.group(1), **nonsense})
            assert answer.status_code in (200, 303, 400, 401, 403, 404, 409), (persona, answer.text[:200])
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/")


def test_every_route_is_declared_once() -> None:
    paths = [page.path for page in PAGES]
    assert len(set(paths)) == len(paths)


def test_every_route_of_the_application_is_a_declared_page_or_operation(server: Served) -> None:
    from samechild.web.api import EVERY_OPERATION

    known = {page.path for page in PAGES} | {operation.path for operation in EVERY_OPERATION}
    known |= {"/api/openapi.json", "/api/docs", "/metrics"}
    routes = {route.path for route in server.app.routes if isinstance(route, Route)}
    fhir = {path for path in routes if path.startswith("/fhir/R4/")}
    assert "/fhir/R4/metadata" in fhir
    assert routes - fhir == known


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_not_taken(server: Served, method: str) -> None:
    for page in PAGES:
        answer = getattr(server.browser().client, method)(page.path.replace("{", "").replace("}", ""))
        assert answer.status_code == 405
        assert answer.headers["allow"]


def test_a_form_in_another_shape_is_refused(server: Served) -> None:
    browser = server.browser("information-governance")
    browser.open("/law")
    for media, body in (("application/json", b"{}"), ("multipart/form-data; boundary=x", b"--x--"), ("", b"a=b")):
        answer = browser.client.post("/law", content=body, headers={"content-type": media})
        assert answer.status_code == 415
    for body in (b"a=%ff", b"a=\xff", b"&".join(b"a=1" for _ in range(300))):
        answer = browser.client.post("/law", content=body, headers={"content-type": FORM})
        assert answer.status_code == 400
