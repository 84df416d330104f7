"""A service that takes children, small enough to read: for tests of what sends to one.

It keeps what it is sent, merges it as samechild does, and can be told to misbehave.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from samechild.collection.merge import Held, merge
from samechild.collection.structure import read_batch, told

CREDENTIALS = {
    "API_ENDPOINT": "https://csc.example.org/receiver/1",
    "TOKEN_ENDPOINT": "https://login.example.org/oauth2/token",
    "LA_CODE": "845",
    "CLIENT_ID": "client-1",
    "CLIENT_SECRET": "a-secret-that-appears-nowhere",
    "SCOPE": "api://csc/.default",
    "SUPPLIER_KEY": "a-key-that-appears-nowhere",
}

Trouble = Callable[["StandIn", httpx.Request], "httpx.Response | None"]


class StandIn(httpx.BaseTransport):
    """The service, in place of a network. ``trouble`` may answer before it does."""

    def __init__(self, trouble: Trouble | None = None) -> None:
        self.trouble = trouble
        self.tokens = 0
        self.posts: list[list[dict[str, Any]]] = []
        self.requests = 0
        self.held: dict[str, Held] = {}
        self.valid: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body = request.read()
        self.requests += 1
        answer = self.trouble(self, request) if self.trouble else None
        if answer is not None:
            return answer
        if str(request.url) == CREDENTIALS["TOKEN_ENDPOINT"]:
            return self._token(body)
        if urlsplit(str(request.url)).path != "/receiver/1/children_social_care_data/845/children":
            return httpx.Response(404)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return httpx.Response(401, text="who are you?")
        if request.headers.get("supplierkey") != CREDENTIALS["SUPPLIER_KEY"]:
            return httpx.Response(403, text="no such key")
        return self.take(body)

    def _token(self, body: bytes) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        wanted = {name: CREDENTIALS[name.upper()] for name in ("client_id", "client_secret", "scope")}
        if form != {**wanted, "grant_type": "client_credentials"}:
            return httpx.Response(401, json={"error": "invalid_client"})
        self.tokens += 1
        token = f"token-{self.tokens}"
        self.valid = {token}
        return httpx.Response(200, json={"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def take(self, body: bytes) -> httpx.Response:
        """Keep a batch, or say which records are at fault."""
        read = read_batch(body)
        headers = {"x-request-id": f"request-{self.requests}"}
        if read.faults:
            status = 413 if read.faults[0].rule == "STR-02" else 400
            return httpx.Response(status, text=told(read.faults), headers=headers)
        sent = json.loads(body)
        self.posts.append(sent)
        for record in sent:
            merged = merge(self.held.get(record["la_child_id"]), record, "2026-11-22")
            if merged.held is None:
                self.held.pop(record["la_child_id"], None)
            else:
                self.held[record["la_child_id"]] = merged.held
        stamp = "2026-11-22_09:04:19.87_62268a7d-e34f-4de0-8eef-f4c4079651"
        receipts = [f"{stamp}{self.requests % 100:02d}.json" for _ in sent]
        return httpx.Response(200, json=receipts, headers=headers)

    @property
    def state(self) -> bytes:
        """Everything held, as bytes."""
        return msgspec.json.encode({name: held.child for name, held in sorted(self.held.items())}, order="sorted")
