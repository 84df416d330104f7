"""A program to be killed: loads a linked folder, then puts children together and apart, saying what it finished.

A line on standard output is said only when everything before it is kept.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from indexing import OFFICER, SYSTEM, an_arrival
from samechild.errors import Conflict, Unavailable
from samechild.index.actions import merge, undo
from samechild.index.identifying import identify
from samechild.index.loading import load
from samechild.settings import Settings
from samechild.storage import Store
from stores import reopen

FORENAMES = ("Zebedee", "Tabitha", "Philippa", "Barnaby", "Ottoline", "Ignatius", "Rosalind", "Crispin")


def step(store: Store, number: int) -> str:
    """One thing that happens: two new children, found to be one, and every other time found to be two after all."""
    born = f"20{10 + number % 9}-0{1 + number % 9}-1{number % 10}"
    now, surname = datetime.now(UTC), f"Quill{number}"
    pair = identify(
        store,
        SYSTEM,
        [
            an_arrival(
                f"{number}-{side}",
                forename=FORENAMES[(number + side) % 8],
                surname=surname,
                date_of_birth=born,
            )
            for side in (0, 3)
        ],
        now,
    )
    if pair[0].child != pair[1].child:
        event = merge(store, OFFICER, "council", pair[0].child, pair[1].child, "", now)
        if number % 2:
            undo(store, OFFICER, "council", event.number, "", now)
    return " ".join(each.record_key for each in pair)


def main(settings: Settings, folder: str, first: int, last: int) -> None:
    """Load, then do the numbered steps, waiting while the database is away."""
    store = None
    number = first - 1
    while number < last:
        try:
            store = store or reopen(settings, durable=True)
            if number < first:
                load(store, OFFICER, Path(folder), datetime.now(UTC))
                print("loaded", flush=True)
            else:
                print(number, step(store, number), flush=True)
        except (Unavailable, Conflict):
            time.sleep(0.1)
            continue
        number += 1


if __name__ == "__main__":
    main(
        msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, text: kind(text)),
        sys.argv[2],
        *map(int, sys.argv[3:]),
    )
