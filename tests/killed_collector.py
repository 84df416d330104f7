"""A program to be killed: sends made-up children, a few at a time, while another of its threads works them off.

A line on standard output is said only when a receipt was given: the number of the request, then for each child its id
and what its episode's referral date was sent as.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from collecting import a_payload, send
from indexing import SYSTEM
from samechild.cli.tables import all_tables
from samechild.collection.processing import keep_up
from samechild.errors import Conflict, Unavailable
from samechild.settings import Settings
from samechild.storage import Store
from stores import reopen

CHILDREN = 30


def step(store: Store, number: int) -> str:
    """One request: five children, one of whom is purged first every third time."""
    said = []
    them = []
    for at in range(5):
        child = f"C{(number * 3 + at * 7) % CHILDREN}"
        day = (date(2025, 1, 1) + timedelta(days=number)).isoformat()
        if number % 3 == 0 and at == 0:
            them.append({"la_child_id": child, "purge": True})
        them.append(a_payload(child, episode={"referral_date": day}))
        said.append(f"{child}={day}")
    send(store, SYSTEM, *them, now=datetime.now(UTC), request_id=f"r{number}", idempotency_key=f"step {number}")
    return " ".join(said)


def main(settings: Settings, first: int, last: int) -> None:
    """Do the numbered requests, waiting while the database is away."""
    store = None
    stop = threading.Event()
    number = first
    while number < last:
        try:
            if store is None:
                store = reopen(settings, durable=True)
                threading.Thread(target=work, args=(store, stop), daemon=True).start()
            print(number, step(store, number), flush=True)
        except (Unavailable, Conflict):
            time.sleep(0.1)
            continue
        number += 1


def work(store: Store, stop: threading.Event) -> None:
    """Work off what was sent, waiting while the database is away."""
    while not stop.is_set():
        try:
            keep_up(store, all_tables(), lambda: datetime.now(UTC), stop)
        except (Unavailable, Conflict):
            time.sleep(0.1)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, text: Path(str(text)))
    main(given, *map(int, sys.argv[2:]))
