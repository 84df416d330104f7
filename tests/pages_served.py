"""The web application as tests use it: on a fresh installation with the demonstration's people, asked in-process."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape

import msgspec
from fastapi.testclient import TestClient
from httpx import Response

from samechild.policy.sign_in.personas import make_personas, sign_in_as
from samechild.settings import Settings
from samechild.storage import Store
from samechild.web.app import Around, create_app
from samechild.web.limits import PACES, Pace
from samechild.web.logs import log_to
from samechild.web.visits import Demo
from stores import a_store

ADDRESS = "http://127.0.0.1:8000"
UNHURRIED = dict.fromkeys(PACES, Pace(10**9, 10**9))


class Served:
    """A running application: its store, its log, and browsers to visit it with."""

    def __init__(self, store: Store, settings: Settings, around: Around, *, demo: bool) -> None:
        self.log = io.StringIO()
        self.known: dict[str, str] = {}  # ids that paths are filled with
        self.store, self.settings, self.given = store, settings, around
        self.now = datetime.now(UTC)
        around = msgspec.structs.replace(around, log=log_to(self.log))
        self.app = create_app(store, settings, demo=Demo() if demo else None, now=lambda: self.now, around=around)

    def browser(self, persona: str = "", *, address: str = ADDRESS) -> Browser:
        """A browser, signed in as one of the demonstration's people if named."""
        browser = Browser(TestClient(self.app, base_url=address, follow_redirects=False, client=("127.0.0.1", 5000)))
        if persona:
            token = sign_in_as(self.store, self.settings, persona, self.now, os.urandom)
            browser.take(token)
        return browser


class Browser:
    """A browser without JavaScript: opens pages, fills in their forms and sends them, as a person would."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.page: Response | None = None

    def take(self, token: str) -> None:
        """Hold a sign-in's token, in place of any other."""
        if "samechild" in self.client.cookies:
            self.client.cookies.delete("samechild")
        self.client.cookies.set("samechild", token, domain="127.0.0.1", path="/")

    def open(self, path: str) -> Response:
        """Open a page, going where it leads."""
        self.page = self.client.get(path, follow_redirects=True)
        return self.page

    def get(self, path: str) -> Response:
        """Ask for a page, without going on."""
        found: Response = self.client.get(path)
        return found

    def send(self, action: str, /, **answers: str | list[str]) -> Response:
        """Send the form of the open page that leads to ``action``, hidden fields included."""
        assert self.page is not None
        found = re.search(rf'<form action="{re.escape(action)}".*?</form>', self.page.text, re.DOTALL)
        assert found, f"no form for {action} on this page"
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found.group())
        fields: dict[str, str | list[str]] = {name: unescape(value) for name, value in hidden}
        self.page = self.client.post(action, data={**fields, **answers}, follow_redirects=True)
        return self.page


@contextmanager
def served(
    kind: str = "sqlite", *, demo: bool = True, around: Around | None = None, **settings: object
) -> Iterator[Served]:
    """A fresh installation with the demonstration's people, and the application on it."""
    with a_store(kind) as store:
        given = msgspec.structs.replace(Settings(home=store.home), **settings)
        now = datetime.now(UTC)
        make_personas(store, Settings(home=store.home), now, os.urandom, now + timedelta(days=300))
        yield Served(store, given, around or Around(paces=UNHURRIED), demo=demo)


def filled(server: Served, path: str) -> str:
    """A path with the ids of things that are there, as somebody of the council would follow a link to it."""
    if "{" not in path:
        return path
    if not server.known:
        server.known.update(names_in(server))
    return re.sub(r"\{(\w+)\}", lambda name: server.known[name.group(1)], path)


def names_in(server: Served) -> dict[str, str]:
    """An id of each kind of thing that pages are about."""
    officer, manager = server.browser("information-governance"), server.browser("access-manager")
    found = {
        "number": "3",
        "organisation": first(manager, "/organisations", r"/organisations/([0-9a-f]{32})"),
        "register": "incident",
        "agreement": agreement_of(officer),
        "case": case_of(officer),
        "provider": "nobody",
        "question": "0" * 32,  # of the index: nothing is loaded here, so nothing is found
        "proposal": "0" * 32,
        "space": "nowhere",
        "child": "0" * 32,
        "rule": "CHD-06",
        "client": "0" * 32,  # no council sends here, so there is none
        "concern": "0" * 32,
    }
    found["user"] = first(manager, f"/organisations/{own(manager)}", r"/people/([0-9a-f]{32})")
    return found


def first(browser: Browser, path: str, pattern: str) -> str:
    match = re.search(pattern, browser.open(path).text)
    assert match, f"nothing like {pattern} on {path}"
    return match.group(1)


def own(manager: Browser) -> str:
    """The organisation of the council, whose people its access manager sees."""
    for organisation in re.findall(r"/organisations/([0-9a-f]{32})", manager.open("/organisations").text):
        if "/people/" in manager.open(f"/organisations/{organisation}").text:
            return str(organisation)
    raise AssertionError("no organisation of one's own")


def agreement_of(officer: Browser) -> str:
    page = officer.open("/agreements").text
    found = re.search(r"/agreements/([0-9a-f]{16})", page)
    if found:
        return found.group(1)
    text = officer.open("/agreements/new").text
    party = re.search(r'name="parties" type="checkbox" value="([0-9a-f]+)"', text)
    assert party
    answer = officer.send("/agreements/new", **AGREEMENT, parties=party.group(1))
    assert answer.status_code == 200, re.findall(r"govuk-error-summary.*?</ul>", answer.text, re.DOTALL)
    return str(answer.url).rpartition("/")[2].partition("?")[0]


AGREEMENT = {
    "title": "Early help between us",
    "starts-day": "1", "starts-month": "1", "starts-year": "2026",
    "ends-day": "1", "ends-month": "1", "ends-year": "2036",
    "effect": "allow",
    "modes": "existence",
    "purposes": "early-help",
    "powers": "CA2004-s10",
    "bases": "6(1)(e)",
}  # fmt: skip


def case_of(officer: Browser) -> str:
    found = re.search(r"/cases/([0-9a-f]+)", officer.open("/registers/incident").text)
    if found:
        return found.group(1)
    officer.open("/registers/incident/new")
    started = {"started-day": "1", "started-month": "11", "started-year": "2026"}
    answer = officer.send("/registers/incident/new", text="A letter went to the wrong door.", **started)
    assert answer.status_code == 200, answer.text
    return str(answer.url).rpartition("/")[2].partition("?")[0]
