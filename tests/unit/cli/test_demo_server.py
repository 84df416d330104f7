"""The demonstration is shown to this machine only, file by file, and never a folder's listing."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from samechild.cli.demo import listening
from samechild.errors import Unavailable


@pytest.fixture(name="server")
def running(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    folder = tmp_path / "demo"
    (folder / "linked").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>first page</h1>")
    (folder / "linked" / "report.html").write_text("the report")
    (tmp_path / "secret.txt").write_text("outside")
    server = listening(folder, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def asked(server: ThreadingHTTPServer, path: str, host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_pages_are_shown(server: ThreadingHTTPServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert asked(server, "/") == (200, "<h1>first page</h1>")
    assert asked(server, "/linked/report.html", "localhost:1") == (200, "the report")


@pytest.mark.parametrize("path", ["/linked/", "/../secret.txt", "/%2e%2e/secret.txt", "/linked/../../secret.txt", "/x"])
def test_nothing_else_is(server: ThreadingHTTPServer, path: str) -> None:
    status, body = asked(server, path)
    assert status == 404
    assert "outside" not in body


def test_another_name_for_this_address_is_refused(server: ThreadingHTTPServer) -> None:
    assert asked(server, "/", "elsewhere.example")[0] == 403


def test_a_busy_port_means_the_next(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    other = listening(tmp_path, server.server_port)
    try:
        assert server.server_port < other.server_port <= server.server_port + 50
    finally:
        other.server_close()


def test_no_port_at_all(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="--port"):
        listening(tmp_path, 70_000)
