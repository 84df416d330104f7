"""The sector's PowerShell sender (``api_payload_sender.ps1`` 0.4.7), imitated: pacing, encoding, receipts, retries.

Windows PowerShell 5.1 sends a text body without a charset as ISO-8859-1, what does not fit as a question mark; later
versions send UTF-8. Receipts are words apart by blanks, each ending in ``.json`` with two digits of a second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from clients.staging import Post, Reply, Row, Setting, Staging, sent

RECEIPT = re.compile(r"\s*(\d{4}-\d{2}-\d{2})_(\d{2}:\d{2}:\d{2}\.\d{2})_(.+?)\.json\s*")
MEANINGS = {
    204: "No content",
    400: "Malformed Payload",
    401: "Invalid API token",
    403: "API access disallowed",
    413: "Payload exceeds limit",
    429: "Rate limit exceeded",
}
FINAL = frozenset({204, 400, 413})
TRIES = 3


class PowerShellClient:
    """One run of the sender after the other. ``chance`` gives 0 to 1."""

    def __init__(
        self,
        setting: Setting,
        post: Post,
        sleep: Callable[[float], None],
        chance: Callable[[], float],
        *,
        utf8: bool = False,
    ) -> None:
        self.setting, self.post, self.sleep, self.chance, self.utf8 = setting, post, sleep, chance, utf8

    def run(self, staging: Staging, batch: int = 100) -> None:
        """Send every waiting row whole."""
        rows = staging.waiting()
        token = self._token()
        for start in range(0, len(rows), batch):
            self.sleep(0.4 + 0.025 + 0.125 * self.chance())
            self._send(token, rows[start : start + batch])

    def _token(self) -> str:
        told = self.setting
        form = {
            "client_id": told.client_id,
            "client_secret": told.client_secret,
            "scope": told.scope,
            "grant_type": "client_credentials",
        }
        reply = self.post(
            told.token_endpoint, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode()
        )
        assert reply.status == 200, reply.text
        return str(json.loads(reply.body)["access_token"])

    def body(self, payloads: list[Any]) -> bytes:
        """The body on the wire."""
        text = json.dumps(payloads, ensure_ascii=False, separators=(",", ":"))
        return text.encode() if self.utf8 else text.encode("iso-8859-1", "replace")

    def _send(self, token: str, rows: list[Row]) -> None:
        headers = {
            "User-Agent": "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-GB) WindowsPowerShell/5.1",
            "Authorization": f"Bearer {token}",
            "SupplierKey": self.setting.supplier_key,
            "Content-Type": "application/json",
        }
        body, wait = self.body([json.loads(row.json_payload) for row in rows]), 5.0
        for number in range(TRIES):
            reply = self.post(self.setting.address, headers, body)
            if reply.status == 200:
                _read_receipts(reply, rows)
                return
            if reply.status in FINAL or number == TRIES - 1:
                _read_error(reply, rows)
                return
            wait = self._rest(reply, wait)

    def _rest(self, reply: Reply, wait: float) -> float:
        asked = {name.lower(): value for name, value in reply.headers.items()}.get("retry-after", "")
        if asked.strip().isdigit() and int(asked):
            self.sleep(float(asked))
            return wait
        most = 120.0 if reply.status == 403 else 30.0
        longer = min(most, wait * 2) + int(3 * self.chance())
        self.sleep(longer)
        return longer


def _read_receipts(reply: Reply, rows: list[Row]) -> None:
    """An array in JSON becomes text with its items apart by blanks; a single text stays as it is."""
    told = json.loads(reply.body)
    text = " ".join(told) if isinstance(told, list) else str(told)
    items = [item for item in text.split() if item.endswith(".json")]
    if len(items) != len(rows):
        return  # warned of on the screen; the rows stay as they are
    for row, item in zip(rows, items, strict=True):
        found = RECEIPT.fullmatch(item)
        if found:
            sent(row, found[3])


def _read_error(reply: Reply, rows: list[Row]) -> None:
    failing = set(re.findall(r"\[([0-9]+)\]", reply.text))
    meaning = MEANINGS.get(reply.status, f"Unexpected Error: {reply.status}")
    for place, row in enumerate(rows):
        words = reply.text if str(place) in failing else "Record valid but batch failed"
        row.submission_status, row.api_response = "error", f"API error ({reply.status}): {meaning}, {words}"
