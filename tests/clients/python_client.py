"""The sector's Python client (``api_pipeline`` 0.4.0), imitated: what it sends, how it reads answers, when it retries.

It keeps a token for a whole run, sends without a charset or a time limit, wants a JSON array with one text for each
record, and takes every number in square brackets of an error for the position of a failing record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from clients.staging import Post, Row, Setting, Staging, sent

REQUIRED = ("la_child_id", "mis_child_id", "child_details")
WITH_PURGE = frozenset(
    {"social_care_episodes", "child_protection_plans", "child_in_need_plans", "health_and_wellbeing", "care_leavers"}
)
MEANINGS = {
    204: "No content",
    400: "Malformed Payload",
    401: "Invalid API token",
    403: "API access disallowed",
    413: "Payload exceeds limit",
    429: "Rate limit exceeded",
}
TRIES = 3
LONGEST = 500


class PythonClient:
    """One run of the client after the other, on one staging table."""

    def __init__(self, setting: Setting, post: Post, sleep: Callable[[float], None], *, batch: int = 100) -> None:
        self.setting, self.post, self.sleep, self.batch = setting, post, sleep, batch

    def run(self, staging: Staging, *, partial: bool = False) -> None:
        """Send every waiting row, whole or only what changed."""
        if partial:
            make_partial_payloads(staging)
        records = [(row, json.loads(text)) for row in staging.waiting() if (text := _payload(row, partial))]
        token = self.token()
        for start in range(0, len(records), self.batch):
            self._send(token, records[start : start + self.batch])

    def token(self) -> str:
        """Ask for a token."""
        told = self.setting
        form = {
            "client_id": told.client_id,
            "client_secret": told.client_secret,
            "scope": told.scope,
            "grant_type": "client_credentials",
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = self.post(told.token_endpoint, headers, urlencode(form).encode())
        assert reply.status == 200, reply.text
        return str(json.loads(reply.body)["access_token"])

    def headers(self, token: str) -> dict[str, str]:
        """The headers of every request."""
        return {
            "User-Agent": "Microsoft PowerShell/6.0.0",
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "SupplierKey": self.setting.supplier_key,
        }

    def _send(self, token: str, records: list[tuple[Row, Any]]) -> None:
        body = json.dumps([payload for _, payload in records]).encode()
        rows, wait = [row for row, _ in records], 5.0
        for number in range(TRIES):
            reply = self.post(self.setting.address, self.headers(token), body)
            if reply.status == 200:
                _read_receipts(reply.text.strip(), rows)
                return
            if reply.status not in (401, 403, 429) or number == TRIES - 1:
                _read_error(reply.status, reply.text, rows)
                return
            self.sleep(wait)
            wait = min(30.0, wait * 2)


def _payload(row: Row, partial: bool) -> str | None:
    return row.partial_json_payload if partial else row.json_payload


def _failed(row: Row, words: str) -> None:
    row.submission_status, row.api_response = "error", words[:LONGEST]


def _read_receipts(text: str, rows: list[Row]) -> None:
    try:
        items = json.loads(text)
    except ValueError:
        items = None
    if not isinstance(items, list):
        words = "Invalid JSON structure from API" if items is not None else f"Invalid JSON response: {text}"
        for row in rows:
            _failed(row, words)
        return
    if len(items) != len(rows):
        for row in rows:
            _failed(row, "Response count mismatch")
        return
    for row, item in zip(rows, items, strict=True):
        day, clock, name = item.split("_")
        datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S.%f")
        sent(row, name)


def _read_error(status: int, text: str, rows: list[Row]) -> None:
    failing = set(re.findall(r"\[(\d+)\]", text))
    meaning = MEANINGS.get(status, f"Unexpected Error: {status}")
    for place, row in enumerate(rows):
        words = text if str(place) in failing else "Record valid but batch failed"
        _failed(row, f"API error ({status}): {meaning} — {words}")


def make_partial_payloads(staging: Staging) -> None:
    """What the client makes of changed rows before it sends in partial mode; new rows get nothing."""
    for row in staging.rows.values():
        if row.previous_json_payload is None or row.row_state == "unchanged":
            continue
        if row.json_payload == row.previous_json_payload:
            continue
        current, before = json.loads(row.json_payload), json.loads(row.previous_json_payload)
        made = deletion_of(before) if row.row_state == "deleted" else partial_of(current, before)
        row.partial_json_payload = json.dumps(made, separators=(",", ":"), ensure_ascii=False)


def deletion_of(before: dict[str, Any]) -> dict[str, Any]:
    """What asks for a child to be erased; the second id may be null."""
    return {"la_child_id": before.get("la_child_id"), "mis_child_id": before.get("mis_child_id"), "purge": True}


def partial_of(current: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The ids and the personal details whole, and what changed of the rest."""
    kept = {name: current[name] for name in REQUIRED if name in current}
    return {**_changed(current, before), **kept}


def _changed(current: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in current.items():
        if name in before and before[name] == value:
            continue
        was = before.get(name)
        if isinstance(value, dict) and isinstance(was, dict):
            inner = _changed(value, was)
            if inner:
                found[name] = inner
        elif isinstance(value, list) and isinstance(was, list):
            found[name] = _changed_items(value, was, name)
        else:
            found[name] = value
    return found


def _changed_items(items: list[Any], before: list[Any], name: str) -> list[Any]:
    found = []
    for item in items:
        key = next((each for each in item if each.endswith("_id")), None) if isinstance(item, dict) else None
        was = next((each for each in before if key and each.get(key) == item.get(key)), None)
        if was is None or key is None:
            found.append(item)
            continue
        changed = {**_changed(item, was), key: item[key]}
        if name in WITH_PURGE:
            changed["purge"] = False
        found.append(changed)
    return found
