"""From where a request may come: by which name this server is reached, and from which pages forms may be sent.

Another site may make a browser send a form here, or give this machine another name to slip past the browser's own
checks (DNS rebinding). Both are refused by where the request says it comes from, before any token is looked at.
Sources: OWASP Cross-Site Request Forgery Prevention; W3C Fetch Metadata Request Headers.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from samechild.errors import Invalid, Refused
from samechild.settings import Settings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OPEN = ("/health", "/ready")  # asked by whatever watches the machine, under any name


def host_of(address: str) -> str:
    """The name of a machine in ``name:port``, ``[::1]:port`` or a whole address, in small letters."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    return (parts.hostname or "").lower()


def is_loopback(address: str) -> bool:
    """Whether an address to listen at is reached from this machine only."""
    return host_of(address) in LOOPBACK


def hosts(settings: Settings) -> frozenset[str]:
    """By which names this server may be asked for."""
    named = {host_of(settings.public_url)} if settings.public_url else {host_of(settings.address)}
    return LOOPBACK | (named - {"", "0.0.0.0", "::"})


class OwnNames:
    """Refuses requests that reached this server under another name."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] not in _OPEN:
            given = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            if not given or _host_or_none(given) not in self.names:
                raise Invalid("This server is not reached under that name. Use the address you were given.")
        await self.app(scope, receive, send)


def _host_or_none(text: str) -> str:
    try:
        return host_of(text)
    except ValueError:
        return ""


def check_origin(request: Request, address: str) -> None:
    """Let a form in that was sent from one of our own pages.

    Raises:
        Refused: when the browser says that it comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = {address.lower(), f"{request.url.scheme}://{request.headers.get('host', '')}".lower()}
    if (site is not None and site != "same-origin") or (origin is not None and origin.lower() not in own):
        raise Refused("This form was sent from another site. Open the page here and send it again.")


def client_of_request(request: Request) -> str:
    """The address a request comes from, as far as the server knows it."""
    return request.client.host if request.client else "unknown"
