"""``samechild serve`` as a process: it answers, ends when told, and cannot be reached unsafely."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from samechild.cli.serve import check_reach, host_and_port, listening
from samechild.errors import Invalid, Refused, Unavailable
from samechild.settings import Settings

PROGRAM = "from samechild.cli.serve import serve; serve()"


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(name="running")
def a_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = a_free_port()
    command = [sys.executable, "-c", PROGRAM, "--home", str(tmp_path / "home"), "--address", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        for _ in range(300):
            try:
                if ask(port, "/ready")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield process, port
    finally:
        process.kill()
        process.communicate()


def ask(port: int, path: str, host: str = "") -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()


def test_it_answers_and_ends_when_told(running: tuple[subprocess.Popen[str], int]) -> None:
    process, port = running
    status, headers, text = ask(port, "/sign-in?next=/Zyxquendola-9998887776")
    assert (status, "Email address" in text) == (200, True)
    assert "server" not in headers
    assert headers["set-cookie"].startswith("samechild-start=")
    assert ask(port, "/", host="evil.example.org")[0] == 400
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert "Shown at http://127.0.0.1" in out
    assert "Zyxquendola" not in out + err
    assert "9998887776" not in out + err
    assert '"route": "/sign-in"' in err
    assert "Ended." in err
    assert "Traceback" not in err
    assert process.returncode in (0, -signal.SIGINT)


def test_a_head_without_end_and_nonsense_are_refused(running: tuple[subprocess.Popen[str], int]) -> None:
    _, port = running
    for nonsense in (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 200_000,
        b"\x16\x03\x01\x02\x00" * 100 + b"\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            try:
                connection.sendall(nonsense)
                assert connection.recv(100).startswith(b"HTTP/1.1 400")
            except ConnectionError:
                pass
    assert ask(port, "/health")[0] == 200


def test_other_machines_reach_it_over_https_alone() -> None:
    settings = Settings(home=Path("home"))
    check_reach(settings, without_https=False)
    for address in ("0.0.0.0:8000", "[::]:8000", "10.0.0.5:80", "gate.example.org:80"):
        wide = msgspec.structs.replace(settings, address=address)
        with pytest.raises(Refused, match="https"):
            check_reach(wide, without_https=False)
        with pytest.raises(Refused):
            check_reach(msgspec.structs.replace(wide, public_url="http://gate.example.org"), without_https=False)
        check_reach(wide, without_https=True)
        check_reach(msgspec.structs.replace(wide, public_url="https://gate.example.org"), without_https=False)
    with pytest.raises(Refused):
        check_reach(msgspec.structs.replace(settings, public_url="http://gate.example.org"), without_https=False)


@pytest.mark.parametrize(
    "address", ["", "8000", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "a@b:1", "h:1/x", "[::1"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Invalid):
        host_and_port(address)


@pytest.mark.parametrize(
    "public_url", ["gate.example.org", "ftp://gate.example.org", "https://", "https://a.example/x"]
)
def test_a_public_address_that_is_none_is_refused(public_url: str) -> None:
    with pytest.raises(Invalid):
        check_reach(Settings(home=Path("home"), public_url=public_url), without_https=False)


def test_an_address_that_is_taken_is_told_at_once() -> None:
    assert host_and_port("[::1]:80") == ("::1", 80)
    with listening("127.0.0.1:0") as first:
        port = first.getsockname()[1]
        with pytest.raises(Unavailable, match="taken"), listening(f"127.0.0.1:{port}"):
            pass


def test_a_demonstration_shows_its_people_and_its_town(tmp_path: Path) -> None:
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "index.html").write_text("<style>p { color: red }</style><p>A town</p>")
    program = (
        "import socket, sys, pathlib; from samechild.cli.serve import demonstrate;"
        "l = socket.create_server(('127.0.0.1', 0));"
        "demonstrate(pathlib.Path('home'), pathlib.Path('town'), l, lambda: print(l.getsockname()[1], flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert "Whom do you want to be?" in ask(port, "/sign-in")[2]
        assert 'href="/town/"' in ask(port, "/")[2]
        status, headers, text = ask(port, "/town/")
        assert (status, "A town" in text) == (200, True)
        assert "script-src 'none'; style-src 'unsafe-inline'" in headers["content-security-policy"]
        assert ask(port, "/town/../home/root.key")[0] == 404
    finally:
        process.kill()
        process.communicate()
