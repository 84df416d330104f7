"""Reaching the stand-in: over HTTP on this computer only, or without any network, in the same process."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx

from samechild.errors import Invalid, Unavailable
from samechild.tracing.stub.service import Asked, Service

MOST_BODY = 100_000


class Direct(httpx.BaseTransport):
    """Hands requests to the stand-in in the same process; what would take longer than is waited for times out."""

    def __init__(self, service: Service, sleep: Callable[[float], None] = lambda seconds: None) -> None:
        self._service, self._sleep = service, sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request as the network would."""
        reply = self._service.answer(
            Asked(
                method=request.method,
                target=request.url.raw_path.decode("ascii"),
                headers=dict(request.headers),
                body=request.read(),
            )
        )
        patience = (request.extensions.get("timeout") or {}).get("read")
        if reply.delay and patience is not None and reply.delay > patience:
            self._sleep(patience)
            raise httpx.ReadTimeout("The stand-in is slow.")
        if reply.dropped:
            raise httpx.RemoteProtocolError("The stand-in closed the connection.")
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


@contextmanager
def served(service: Service, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the stand-in on this computer until the block ends; gives its address, such as http://127.0.0.1:54321.

    Raises:
        Invalid: for an address that other computers could reach: this is no service for real people.
        Unavailable: when the port is taken.
    """
    if not _is_loopback(host):
        raise Invalid("The stand-in of the national service listens on this computer only: use 127.0.0.1.")
    try:
        server = ThreadingHTTPServer((host, port), _door(service))
    except OSError:
        raise Unavailable("The stand-in cannot listen there: the port is taken; name another.") from None
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _door(service: Service) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        """One connection to the stand-in; it writes no log, because addresses hold names."""

        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = self.headers.get("Content-Length", "0")
            wanted = int(length) if length.isdecimal() else 0
            if wanted > MOST_BODY:
                self.close_connection = True
                return
            asked = Asked(
                method=self.command, target=self.path, headers=dict(self.headers.items()), body=self.rfile.read(wanted)
            )
            reply = service.answer(asked)
            time.sleep(reply.delay)
            if reply.dropped:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Door, f"do_{method}", Door._answer)
    return Door
