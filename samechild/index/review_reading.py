"""Reading records for who keeps them together and apart: as far as each owner's gate lets them, under a permit each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from samechild.index.grounds import grounded
from samechild.index.records import WHO
from samechild.index.spaces import ask_of
from samechild.policy.vault_actions import read_what_may_be
from samechild.records.disclosure import Asker
from samechild.storage import Store


def read_records(
    store: Store, by: Asker, whose: Mapping[str, str], now: datetime, *, types: Sequence[str] = WHO, batch: str = ""
) -> dict[str, dict[str, str]]:
    """Read what some records say, by key, as far as each owner's gate lets somebody; what is hidden is not there.

    Args:
        store: the open installation.
        by: who reads.
        whose: the owner of each record.
        now: when.
        types: the record types that are read.
        batch: a name for the whole list in the ledger.

    Raises:
        Refused: when nothing at all may be read, and the gate may say so.
    """
    found: dict[str, dict[str, str]] = {}
    for owner in sorted(set(whose.values())):
        its = tuple(sorted(key for key, of in whose.items() if of == owner))
        for record_type in types:
            ask = msgspec.structs.replace(ask_of(by, owner, now, its, batch), record_type=record_type)
            for _, rows in read_what_may_be(store, grounded(store, ask)):
                for row in rows:
                    if row.heading.record_key in whose:
                        found.setdefault(row.heading.record_key, {}).update(
                            msgspec.json.decode(row.plain, type=dict[str, str])
                        )
    return found
