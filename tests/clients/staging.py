"""The table in which a council's client keeps what it sends: a row for each child, as the sector's builder fills it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

Post = Callable[[str, dict[str, str], bytes], "Reply"]
"""A way to send one request: address, headers, body."""


class Reply(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class Row(msgspec.Struct):
    """One child in the staging table."""

    person_id: str
    json_payload: str
    previous_json_payload: str | None = None
    partial_json_payload: str | None = None
    submission_status: str = "pending"
    row_state: str = "new"
    api_response: str = ""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a client's ``.env``."""

    api_endpoint: str
    token_endpoint: str
    la_code: str
    client_id: str
    client_secret: str
    scope: str
    supplier_key: str

    @property
    def address(self) -> str:
        """Where children are sent."""
        return f"{self.api_endpoint}/children_social_care_data/{self.la_code}/children"


class Staging:
    """The table: what the builder's nightly run makes of the children it finds."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def build(self, children: Iterable[Mapping[str, Any]]) -> None:
        """One nightly run over every child of the extract."""
        found = {str(child["la_child_id"]): json.dumps(child, ensure_ascii=False) for child in children}
        for person, payload in found.items():
            row = self.rows.get(person)
            if row is None:
                self.rows[person] = Row(person, payload)
            elif row.json_payload != payload:
                row.previous_json_payload, row.json_payload = row.json_payload, payload
                row.submission_status, row.row_state = "pending", "updated"
        for person in self.rows.keys() - found.keys():
            self.rows[person].row_state = "deleted"  # its status stays, so it is never sent

    def waiting(self) -> list[Row]:
        """The rows that a client selects."""
        return [row for row in self.rows.values() if row.submission_status in ("pending", "error")]

    def count(self, status: str) -> int:
        """How many rows are in a state of submission."""
        return sum(row.submission_status == status for row in self.rows.values())


def sent(row: Row, receipt: str) -> None:
    """What both clients note about a row that was taken."""
    row.submission_status, row.api_response = "sent", receipt
    row.previous_json_payload, row.row_state = row.json_payload, "unchanged"
