"""The stand-in for a service on a port of this machine, and a council's folder that sends to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from clients.stand_in import CREDENTIALS, StandIn


@contextmanager
def on_loopback(service: StandIn) -> Iterator[str]:
    """The stand-in on a port of this machine; gives its address."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            token = self.path == "/oauth2/token"
            url = CREDENTIALS["TOKEN_ENDPOINT"] if token else f"https://csc.example.org{self.path}"
            answer = service.handle_request(httpx.Request("POST", url, headers=dict(self.headers), content=body))
            content = answer.read()
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "content-length" not in answer.headers:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def council(folder: Path, address: str, settings: str) -> Path:
    """A council's folder with its settings and credentials; returns the settings' file."""
    told = {**CREDENTIALS, "API_ENDPOINT": f"{address}/receiver/1", "TOKEN_ENDPOINT": f"{address}/oauth2/token"}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in told.items()), encoding="utf-8")
    (folder / "submit.toml").write_text(settings, encoding="utf-8")
    return folder / "submit.toml"
