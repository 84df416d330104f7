"""The NHS's own stand-in for the Message Exchange, started for a test on loopback; without it the test is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

import mesh_sandbox
from samechild.tracing.mesh import Mailbox
from samechild.tracing.nhs import MeshAccess

COUNCIL, SERVICE, OTHER = mesh_sandbox.MAILBOXES


class Exchange(msgspec.Struct, frozen=True):
    """A running stand-in: its address and shared key."""

    address: str
    shared_key: str

    def access(self, mailbox: str = COUNCIL, service: str = SERVICE, **given: Any) -> MeshAccess:
        """The settings of one mailbox."""
        usual = {
            "address": self.address,
            "mailbox": mailbox,
            "service": service,
            "password": "env:PASSWORD",
            "shared_key": "env:KEY",
        }
        return MeshAccess(**{**usual, **given})

    def mailbox(self, mailbox: str = COUNCIL, service: str = SERVICE, **given: Any) -> Mailbox:
        """A connection to one mailbox, with its secrets."""
        return Mailbox(self.access(mailbox, service, **given), self.secrets())

    def secrets(self) -> dict[str, str]:
        """Where the settings look for secrets."""
        return {"PASSWORD": mesh_sandbox.PASSWORD, "KEY": self.shared_key}

    def empty(self) -> None:
        """Throw every message away."""
        httpx.delete(f"{self.address}/messageexchange/admin/reset").raise_for_status()

    def report(self, about: str, code: str, workflow: str) -> str:
        """Let the exchange report to the council that a message was not delivered."""
        body = {
            "mailbox_id": COUNCIL,
            "code": code,
            "description": "Message not collected by recipient after 5 days",
            "workflow_id": workflow,
            "linked_message_id": about,
        }
        answer = httpx.post(f"{self.address}/messageexchange/admin/report", json=body)
        answer.raise_for_status()
        return str(answer.json()["message_id"])


@contextmanager
def an_exchange() -> Iterator[Exchange]:
    """Start the stand-in."""
    if not mesh_sandbox.is_here():
        pytest.skip(mesh_sandbox.NONE)
    with mesh_sandbox.running() as (address, shared_key):
        yield Exchange(address, shared_key)
