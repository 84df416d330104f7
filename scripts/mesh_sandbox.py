"""Makes and starts a stand-in for the NHS Message Exchange (MESH) on this machine, for tests and for trying things out.

``mesh-sandbox`` is the NHS's own and behaves as the real exchange does. It pins libraries that samechild uses in other
versions, so it lives in an environment of its own, ``.venv-mesh``, with the versions in ``mesh-sandbox.txt``::

    python scripts/mesh_sandbox.py make
    python scripts/mesh_sandbox.py run --port 8700

Mailboxes X26ABC1 to X26ABC3, each with the password ``password``. It is reached over loopback only.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv-mesh"
PINNED = ROOT / "scripts" / "mesh-sandbox.txt"
NONE = "The MESH sandbox is not here: python scripts/mesh_sandbox.py make"
HOST = "127.0.0.1"
MAILBOXES = ("X26ABC1", "X26ABC2", "X26ABC3")
PASSWORD = "password"
WAIT = 60.0


def python_of(place: Path = PLACE) -> Path:
    """The Python of the environment."""
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_here(place: Path = PLACE) -> bool:
    """Whether the environment was made, whole, for the versions pinned now."""
    stamp = place / "made-for.txt"
    return python_of(place).exists() and stamp.exists() and stamp.read_bytes() == PINNED.read_bytes()


def make(place: Path = PLACE) -> None:
    """Make the environment: with uv if it is there, else with venv and pip. Nothing is done when it is there."""
    if is_here(place):
        return
    shutil.rmtree(place, ignore_errors=True)
    uv = None if os.environ.get("NO_UV") else shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        words = [uv, "pip", "install", "--quiet", "--python", str(python_of(place)), "-r", str(PINNED)]
    else:
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        words = [str(python_of(place)), "-m", "pip", "install", "--quiet", "-r", str(PINNED)]
    subprocess.run(words, check=True)
    shutil.copyfile(PINNED, place / "made-for.txt")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(shared_key: str = "", port: int = 0, **settings: str) -> Iterator[tuple[str, str]]:
    """Start a sandbox that keeps its messages in memory, and stop it afterwards.

    Yields its address and its shared key. ``settings`` are further ones of the sandbox, such as ``INBOX_EXPIRY_DAYS``.
    """
    port = port or free_port()
    shared_key = shared_key or secrets.token_hex(16)
    address = f"http://{HOST}:{port}"
    environment = {
        **os.environ,
        "STORE_MODE": "memory",
        "AUTH_MODE": "full",
        "SHARED_KEY": shared_key,
        "SSL": "no",
        **settings,
    }
    command = [str(python_of()), "-W", "ignore", "-m", "uvicorn", "mesh_sandbox.api:app"]
    command += ["--host", HOST, "--port", str(port), "--log-level", "error"]
    with tempfile.TemporaryDirectory(prefix="samechild-mesh-") as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(process, address)
            yield address, shared_key
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit("The MESH sandbox did not start.")


def main() -> None:
    """Make the environment, or run the sandbox until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "run"])
    parser.add_argument("--port", type=int, default=8700)
    given = parser.parse_args()
    make()
    if given.what == "run":
        with running(port=given.port) as (address, shared_key):
            print(f"{address}  mailboxes {', '.join(MAILBOXES)}  password {PASSWORD}  shared key {shared_key}")
            try:
                while True:
                    time.sleep(3600)
            except KeyboardInterrupt:
                pass


if __name__ == "__main__":
    main()
