"""The collection's door as tests use it: a served installation with a council's feed, and a system with credentials."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from fastapi.testclient import TestClient
from httpx import Response

import gate
from asking import NOW
from collecting import a_council
from pages_served import ADDRESS, UNHURRIED
from samechild.collection.credentials import Credentials, add_client
from samechild.collection.feeds import feed_of, open_feed
from samechild.collection.records import Way
from samechild.policy.people.actions import operator
from samechild.policy.people.organisations import SANDBOX
from samechild.settings import Settings
from samechild.storage import Store
from samechild.web.app import Around, create_app
from samechild.web.logs import log_to
from stores import a_store

DAILY = "/children_social_care_data/845/children"


class Door:
    """A served installation that takes the records of authority 845, and its sandbox's."""

    def __init__(self, store: Store, around: Around | None = None, *, index: bool = False, **settings: Any) -> None:
        a_council(store, index=index)
        self.store, self.log, self.now = store, io.StringIO(), NOW
        live = feed_of(store, "845", False, NOW)
        tried = msgspec.structs.replace(live, feed=live.feed + SANDBOX, owner=live.owner + SANDBOX)
        open_feed(store, gate.an_officer("council"), tried, NOW)
        given = msgspec.structs.replace(around or Around(paces=UNHURRIED), log=log_to(self.log))
        self.app = create_app(store, Settings(home=store.home, **settings), now=lambda: self.now, around=given)
        self.client = TestClient(self.app, base_url=ADDRESS, client=("127.0.0.1", 5000), raise_server_exceptions=False)
        self.given: dict[str, Credentials] = {
            feed.feed: add_client(store, operator(), feed, "a test", Way.OWN, NOW, os.urandom) for feed in (live, tried)
        }
        self.tokens = {name: self.issue(name) for name in self.given}

    def issue(self, feed: str = "845", **more: str) -> str:
        """A token of a feed's system."""
        made = self.given[feed]
        form = {"grant_type": "client_credentials", "client_id": made.client_id, "client_secret": made.secret}
        answer = self.client.post("/oauth2/token", data={**form, "scope": "submit", **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def headers(self, feed: str = "845", **more: str) -> dict[str, str]:
        """What a council's client sends beside the body."""
        return {
            "authorization": f"Bearer {self.tokens[feed]}",
            "supplierkey": self.given[feed].supplier_key,
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }

    def send(self, body: Any, path: str = DAILY, feed: str = "845", **headers: str) -> Response:
        """Send a body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer: Response = self.client.post(path, content=content, headers=self.headers(feed, **headers))
        return answer

    def ask(self, method: str, path: str, body: object = None, feed: str = "845", **headers: str) -> Response:
        """Ask anything else."""
        answer: Response = self.client.request(method, path, json=body, headers=self.headers(feed, **headers))
        return answer


@contextmanager
def a_door(
    kind: str = "sqlite", around: Around | None = None, *, index: bool = False, **settings: Any
) -> Iterator[Door]:
    """A fresh installation and its door."""
    with a_store(kind) as store:
        yield Door(store, around, index=index, **settings)
