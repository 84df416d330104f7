"""Every answer carries the headers, errors included; cookies and names follow the address people type."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from pages_served import UNHURRIED, Served, served
from samechild.errors import TooLarge
from samechild.web.app import Around
from samechild.web.headers import content_policy
from samechild.web.limits import BodyLimit
from samechild.web.pages.all_pages import PAGES

MUST = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PATHS = [
    *(re.sub(r"\{\w+\}", "x1", page.path) for page in PAGES),
    "/nothing/here", "/static/samechild.css", "/static/nothing.css", "/static/../app.py", "/health", "/ready",
    "/metrics", "/api/openapi.json", "/api/docs", "/api/v1/ledger/head", "/api/v1/nothing", "/oauth2/token",
    "/%2e%2e/%2e%2e/etc/passwd",
]  # fmt: skip


@pytest.fixture(scope="module", name="server")
def a_server() -> Iterator[Served]:
    with served() as server:
        yield server


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "TRACE"])
def test_every_answer_carries_the_headers(server: Served, method: str) -> None:
    for persona in ("", "information-governance"):
        browser = server.browser(persona)
        for path in PATHS:
            answer = browser.client.request(method, path)
            for name, value in MUST.items():
                assert answer.headers.get_list(name) == [value], (method, path, name)
            assert len(answer.headers.get_list("content-security-policy")) == 1, (method, path)
            assert re.fullmatch("[a-z]{12}", answer.headers["x-request-id"])
            assert "server" not in answer.headers
            kept = path == "/static/samechild.css" and answer.status_code == 200
            assert answer.headers["cache-control"] == ("public, max-age=3600" if kept else "no-store")
            assert answer.status_code < 500, (method, path)
            assert "strict-transport-security" not in answer.headers


def test_pages_may_run_no_script() -> None:
    policy = dict(part.split(" ", 1) for part in content_policy("/ledger").split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["style-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in content_policy("/ledger")


def test_only_the_page_of_the_api_and_the_review_queue_run_scripts_of_this_server() -> None:
    for path in ("/api/docs", "/review", "/review/pairs/1"):
        assert "script-src 'self';" in content_policy(path)
        assert "unsafe" not in content_policy(path).partition("style-src")[0]
    for path in ("/api/docs/x", "/api/docsx", "/API/DOCS", "/", "/reviews", "/REVIEW", "/cluster/review"):
        assert "script-src 'none'" in content_policy(path)


def test_pages_hold_neither_script_nor_style_nor_address_of_another_server(server: Served) -> None:
    for persona in ("", "information-governance", "access-manager"):
        browser = server.browser(persona)
        for page in PAGES:
            answer = browser.open(re.sub(r"\{\w+\}", "x1", page.path))
            if "content-disposition" in answer.headers:
                continue  # a file to keep, not a page of this server
            text = answer.text
            assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text), page.path
            assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text), page.path


class TestOverHttps:
    """An installation that people reach over https, behind a proxy."""

    @pytest.fixture(scope="class", name="secure")
    def a_secure_server(self) -> Iterator[Served]:
        with served(demo=False, public_url="https://gate.example.org/") as server:
            yield server

    def test_cookies_and_transport_are_strict(self, secure: Served) -> None:
        browser = secure.browser(address="https://gate.example.org")
        answer = browser.get("/sign-in")
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-samechild-start=")
        for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert part in cookie
        assert "Domain" not in cookie

    def test_it_answers_to_its_own_name_alone(self, secure: Served) -> None:
        assert secure.browser(address="https://gate.example.org").get("/about").status_code == 200
        assert secure.browser(address="https://evil.example.org").get("/about").status_code == 400
        assert secure.browser(address="https://evil.example.org").get("/health").status_code == 200

    def test_a_form_comes_from_its_own_address(self, secure: Served) -> None:
        browser = secure.browser(address="https://gate.example.org")
        token = re.search(r'name="token" value="([0-9a-f]+)"', browser.open("/sign-in").text)
        assert token
        for origin, status in (("https://gate.example.org", 400), ("http://gate.example.org", 403)):
            answer = browser.client.post("/sign-in", data={"token": token.group(1)}, headers={"origin": origin})
            assert answer.status_code == status, origin

    def test_there_is_no_way_in_without_a_password(self, secure: Served) -> None:
        browser = secure.browser(address="https://gate.example.org")
        assert "Whom do you want to be" not in browser.open("/sign-in").text
        answer = browser.send("/sign-in", email="", password="", code="")
        token = re.search(r'name="token" value="([0-9a-f]+)"', answer.text)
        assert token
        sent = browser.client.post("/sign-in/persona", data={"token": token.group(1), "persona": "social-worker"})
        assert sent.status_code == 404


@pytest.mark.parametrize("host", ["evil.example.org", "127.0.0.1.evil.example", "[::1", "", "localhost@evil.example"])
def test_another_name_for_this_machine_is_refused(server: Served, host: str) -> None:
    answer = server.browser().client.get("/", headers={"host": host})
    assert answer.status_code == 400


def test_a_body_that_is_too_long_is_refused_before_it_is_read(server: Served) -> None:
    client = server.browser().client
    answer = client.post("/sign-in", content=b"x" * 70_000)
    assert (answer.status_code, answer.headers["x-frame-options"]) == (413, "DENY")

    form = {"content-type": "application/x-www-form-urlencoded"}
    for length in ("-1", "x", "9" * 30):
        assert client.post("/sign-in", content=b"a=b", headers={**form, "content-length": length}).status_code == 413


def test_a_body_of_unknown_length_is_read_no_further_than_the_limit() -> None:
    read, told = 0, []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def receive() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def send(message: Message) -> None:
        told.append(message)

    with pytest.raises(TooLarge):
        asyncio.run(BodyLimit(application, 10_000)({"type": "http", "headers": []}, receive, send))
    assert (read, told) == (11, [])


def test_somebody_who_goes_away_half_way_is_no_mistake_of_ours(server: Served) -> None:
    told: list[Message] = []
    first = {"type": "http.request", "body": b"token=", "more_body": True}
    waiting: list[Message] = [first, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/law",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"content-type", b"application/x-www-form-urlencoded")],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
    }
    before = server.log.getvalue().count("our mistake")
    asyncio.run(server.app(scope, receive, send))
    assert told == []
    assert server.log.getvalue().count("our mistake") == before


def test_counts_are_for_this_machine_or_whoever_has_the_token() -> None:
    with served(around=Around(metrics_token="a-long-token", paces=UNHURRIED)) as server:
        client = server.browser().client
        client.get("/ledger/entries/7")
        assert b'route="/ledger/entries/{number}"' in client.get("/metrics").content
        assert b"entries/7" not in client.get("/metrics").content
        for name in ("forwarded", "x-forwarded-for", "x-real-ip"):
            assert client.get("/metrics", headers={name: "10.0.0.1"}).status_code == 404
            token = {"authorization": "Bearer a-long-token", name: "10.0.0.1"}
            assert client.get("/metrics", headers=token).status_code == 200
            wrong = {"authorization": "Bearer another", name: "10.0.0.1"}
            assert client.get("/metrics", headers=wrong).status_code == 404
