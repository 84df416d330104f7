"""The headers every answer carries, errors included: what a browser may load, keep, frame and tell others.

A strict Content-Security-Policy allows the stylesheet and pictures of this server and nothing else: pages hold no
script. Only the page that shows the API's documentation, and the review queue with its keys, may run the scripts
shipped with samechild.
Sources: OWASP HTTP Security Response Headers; W3C Content Security Policy Level 3; Fetch Metadata.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API_PAGE = "/api/docs"
STATIC = "/static/"
REVIEW = "/review"
"""Where single keys answer for who wants them: the pages of the review queue, which work without."""
TOWN = "/town/"
"""Where a demonstration shows the files it made: pages that carry their own style, and no script."""

YEAR = 31_536_000

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # "no-referrer" would take the Origin away from our own forms
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-permitted-cross-domain-policies": "none",
    "x-robots-tag": "noindex, nofollow",
}


def content_policy(path: str, issuers: tuple[str, ...] = ()) -> str:
    """What a page at ``path`` may load; ``issuers`` are the origins of sign-in providers that forms may lead to."""
    script, style, connect = "'none'", "'self'", "'none'"
    if path == API_PAGE:
        script, style, connect = "'self'", "'self' 'unsafe-inline'", "'self'"
    if path == REVIEW or path.startswith(f"{REVIEW}/"):
        script = "'self'"
    if path.startswith(TOWN):
        style = "'unsafe-inline'"
    parts = (
        "default-src 'none'",
        f"script-src {script}",
        f"style-src {style}",
        f"connect-src {connect}",
        "img-src 'self' data:",
        " ".join(["form-action 'self'", *issuers]),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return "; ".join(parts)


class SecurityHeaders:
    """Adds the headers to every answer of the application inside it."""

    def __init__(self, app: ASGIApp, secure: bool, issuers: tuple[str, ...] = ()) -> None:
        self.app = app
        self.secure = secure
        self.issuers = issuers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(scope["path"], message)
            await send(message)

        await self.app(scope, receive, sending)

    def _add(self, path: str, message: MutableMapping[str, Any]) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in _ALWAYS.items():
            headers[name] = value
        headers["content-security-policy"] = content_policy(path, self.issuers)
        if self.secure:
            headers["strict-transport-security"] = f"max-age={YEAR}; includeSubDomains"
        if "cache-control" not in headers:
            kept = path.startswith(STATIC) and message["status"] < 400
            headers["cache-control"] = "public, max-age=3600" if kept else "no-store"
