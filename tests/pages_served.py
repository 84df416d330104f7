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
        self.store, self.settings = store, settings
        self.now = datetime.now(UTC)
        around = msgspec.structs.replace(around, log=log_to(self.log))
        self.app = create_app(store, settings, demo=Demo() if demo else None, now=lambda: self.now, around=around)

    def browser(self, persona: str = "", *, address: str = ADDRESS) -> Browser:
        """A browser, signed in as one of the demonstration's people if named."""
        browser = Browser(TestClient(self.app, base_url=address, follow_redirects=False, client=("127.0.0.1", 5000)))
        if persona:
            token = sign_in_as(self.store, self.settings, persona, self.now, os.urandom)
            browser.client.cookies.set("samechild", token)
        return browser


class Browser:
    """A browser without JavaScript: opens pages, fills in their forms and sends them, as a person would."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.page: Response | None = None

    def open(self, path: str) -> Response:
        """Open a page, going where it leads."""
        self.page = self.client.get(path, follow_redirects=True)
        return self.page

    def get(self, path: str) -> Response:
        """Ask for a page, without going on."""
        found: Response = self.client.get(path)
        return found

    def send(self, action: str, **answers: str | list[str]) -> Response:
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
