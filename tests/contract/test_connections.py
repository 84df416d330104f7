"""Who holds a connection without asking anything is let go, and keeps nobody else out: tried on real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from starlette.types import Receive, Scope, Send

from samechild.cli.serve import web_server
from samechild.web import connections

ASK = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
PATIENCE = 30
"""Seconds after which a test gives up: none of them waits so long when all is well."""


async def says_hello(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that looks at no body; its answer is long where that is asked for."""
    long = scope["path"] == "/long"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"transfer-encoding", b"chunked")]})
    for _ in range(5000 if long else 1):
        await send({"type": "http.response.body", "body": b"hello" * (2000 if long else 1), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextmanager
def running(limit: int = 256) -> Iterator[tuple[str, int]]:
    """The web server as it is served, at an address of this machine."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = web_server(says_hello)
        server.config.limit_concurrency = limit
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listener.getsockname()[:2]
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits for a moment only."""
    monkeypatch.setattr(connections, "LONGEST_HEAD", 0.3)
    monkeypatch.setattr(connections, "LONGEST_STANDSTILL", 0.3)


def is_let_go(one: socket.socket, dribble: bytes = b"") -> bool:
    """Whether the server closes a connection on which now and then a byte comes."""
    one.settimeout(0.02)
    until = time.monotonic() + PATIENCE
    at = 0
    while time.monotonic() < until:
        try:
            if dribble:
                one.sendall(dribble[at % len(dribble) :][:1])
                at += 1
            if not one.recv(65536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def asked(address: tuple[str, int]) -> bytes:
    """The answer to a whole request on a connection of its own."""
    with socket.create_connection(address, timeout=PATIENCE) as one:
        one.sendall(ASK)
        return one.recv(65536)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("begins", "dribble"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\nhost: here\r\n", b""),
        (b"GET / HTTP/1.1\r\nhost: here\r\n", b"x-a: b\r\n"),
        (b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000\r\n\r\n", b"x"),
        (ASK, b"GET / HTTP/1.1\r\nx: "),
    ],
    ids=["silence", "empty lines", "half a head", "a head by the byte", "a body after the answer", "a second head"],
)
def test_who_holds_a_connection_is_let_go(begins: bytes, dribble: bytes) -> None:
    with running() as address, socket.create_connection(address) as one:
        one.sendall(begins)
        assert is_let_go(one, dribble)
        assert b"200 OK" in asked(address)


@pytest.mark.usefixtures("hurried")
def test_who_never_reads_a_long_answer_is_let_go() -> None:
    with running() as address, socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(address)
        one.sendall(ASK.replace(b"/ ", b"/long ", 1))
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                one.send(b"x")
            except OSError:
                return
            time.sleep(0.05)
        raise AssertionError("it is still held")


def test_who_reads_slowly_gets_the_whole_answer() -> None:
    with running() as address, socket.create_connection(address, timeout=PATIENCE) as one:
        one.sendall(ASK.replace(b"/ ", b"/long ", 1).replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        came = 0
        while piece := one.recv(1024 * 1024):
            came += len(piece)
        assert came > 50_000_000


def test_waiting_connections_make_room_for_who_asks() -> None:
    with running(limit=8) as address, ExitStack() as held:
        waiting = [held.enter_context(socket.create_connection(address)) for _ in range(30)]
        for one in waiting[-5:]:
            one.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(5):
            assert b"200 OK" in asked(address)
        assert is_let_go(waiting[0])


def test_a_connection_on_which_requests_come_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LONGEST_HEAD", 1.0)
    with running() as address, socket.create_connection(address, timeout=PATIENCE) as one:
        began = time.monotonic()
        while time.monotonic() - began < 2.5:
            one.sendall(ASK)
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                piece = one.recv(65536)
                assert piece
                answer += piece
            time.sleep(0.2)
