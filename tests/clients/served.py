"""A served installation as clients of the daily submission reach it: by a way to post, or in place of a network."""

from __future__ import annotations

from typing import Any

import httpx

from clients.staging import Post, Reply, Setting
from collection_door import DAILY, Door
from pages_served import ADDRESS


def setting_of(door: Door, feed: str = "845") -> Setting:
    """What stands in the ``.env`` of a council's client."""
    made = door.given[feed]
    return Setting(
        api_endpoint=ADDRESS if feed == "845" else f"{ADDRESS}/sandbox",
        token_endpoint=f"{ADDRESS}/oauth2/token",
        la_code="845",
        client_id=made.client_id,
        client_secret=made.secret,
        scope="submit",
        supplier_key=made.supplier_key,
    )


def posting(door: Door) -> Post:
    """A way for imitated clients to post."""

    def post(url: str, headers: dict[str, str], body: bytes) -> Reply:
        answer: Any = door.client.post(url.removeprefix(ADDRESS), content=body, headers=headers)
        return Reply(answer.status_code, dict(answer.headers), answer.content)

    return post


class Wire(httpx.BaseTransport):
    """The installation in place of a network; counts what went over it."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body = request.read()
        if request.url.path.endswith(DAILY):
            self.bodies.append(body)
        answer: Any = self.door.client.request(
            request.method, request.url.raw_path.decode(), content=body, headers=dict(request.headers)
        )
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-encoding"}
        return httpx.Response(answer.status_code, headers=headers, content=answer.content)
