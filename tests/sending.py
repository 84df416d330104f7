"""A council's own end of the daily submission, for tests: sending to a stand-in, with a clock that obeys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from clients.stand_in import CREDENTIALS, StandIn
from samechild.collection.send.config import Config, Credentials, Sending, credentials_of
from samechild.collection.send.connection import Around, Connection
from samechild.collection.send.report import Report
from samechild.collection.send.run import Job, Wanted, submit
from samechild.collection.send.status import open_status
from samechild.collection.send.values import whole_child


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
        self.slept: list[float] = []

    def tell(self) -> datetime:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class Council:
    """One council's machine: its settings, its state file, and the service it sends to."""

    def __init__(self, folder: Path, service: httpx.BaseTransport | None = None, **send: Any) -> None:
        self.clock = Clock()
        self.service = service or StandIn()
        self.config = Config(send=Sending(**{"pause": 0.0, **send}), folder=folder)
        self.credentials: Credentials = credentials_of(CREDENTIALS)

    @property
    def stand_in(self) -> StandIn:
        """The service, when it is the usual stand-in."""
        assert isinstance(self.service, StandIn)
        return self.service

    def around(self) -> Around:
        """What the world outside gives."""
        return Around(self.clock.tell, self.clock.sleep, lambda: 0.5, self.service)

    def connection(self) -> Connection:
        """A connection to the service."""
        return Connection(self.config, self.credentials, self.around())

    def send(self, children: Iterable[Mapping[str, Any]], wanted: Wanted | None = None) -> Report:
        """One night's run; the report also of a run that was stopped."""
        report = Report(began=self.clock.now.isoformat(), mode=self.config.send.mode)
        connection = self.connection()
        with open_status(self.config.state, self.config.key) as status:
            status.begin(self.credentials.address, self.clock.now)
            line = None if wanted is not None and wanted.dry_run else connection
            job = Job(self.config, status, line, self.around(), wanted or Wanted(), report)
            try:
                submit(job, (whole_child(dict(child)) for child in children))
            finally:
                connection.close()
                status.end(report.counts, self.clock.now)
                self.clock.now += timedelta(days=1)
                self.report = report
        return report


def a_record(own: str, **given: Any) -> dict[str, Any]:
    """A child with one referral."""
    details = {"first_name": "Zoë", "surname": "Quillfeather", "date_of_birth": "2015-03-14", "sex": "F"}
    episode = {"social_care_episode_id": f"E{own}", "referral_date": "2026-03-02", "referral_source": "1A"}
    return {
        "la_child_id": own,
        "child_details": {**details, **given.pop("details", {})},
        "social_care_episodes": [{**episode, **given.pop("episode", {})}],
        **given,
    }


def records(count: int) -> list[dict[str, Any]]:
    """So many different children."""
    return [a_record(f"C{number:04d}") for number in range(count)]


def with_credentials(folder: Path) -> None:
    """Write the ``.env`` of the stand-in."""
    lines = [f"{name}={value}" for name, value in CREDENTIALS.items()]
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8")


def replaced(council: Council, **send: Any) -> None:
    """Change a council's settings."""
    changed = msgspec.structs.replace(council.config.send, **send)
    council.config = msgspec.structs.replace(council.config, send=changed)
