"""A council with children whose numbers are looked after: for the tests of tracing. Everybody is invented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from asking import NOW
from gate import CHILD, a_child, a_world, give
from samechild.records.disclosure import Ask, Asker
from samechild.storage import Login, Store
from samechild.tracing import store as tables
from samechild.tracing.mesh_file import Written
from samechild.tracing.store import Number, Proposal
from samechild.tracing.subjects import ask_of
from stores import a_store
from trace_files import a_line, an_answer

QUALITY = Asker(user="quality", organisation="council", role="data-quality-officer", factors=2)
GOVERNOR = Asker(user="officer-council", organisation="council", role="information-governance", factors=2)
ELSEWHERE = Asker(user="elsewhere", organisation="trust", role="data-quality-officer", factors=2)
ROBIN = {**CHILD, "forename": "Robin", "sex": "M", "nhs_number": "9990000026"}
PLAIN = {name: value for name, value in CHILD.items() if name != "nhs_number"}


@contextmanager
def a_tracing_world(kind: str = "sqlite") -> Iterator[Store]:
    """The world of the gate, with data quality officers at the council and the trust."""
    with a_store(kind) as store:
        a_world(store)
        with store.write(Login.GATE) as gate:
            give(gate, QUALITY)
            give(gate, ELSEWHERE)
        yield store


def a_record(store: Store, identity: Mapping[str, str] = CHILD, owner: str = "council") -> str:
    """A child of whom only the identity is held; returns the record key."""
    return a_child(store, owner=owner, identity=dict(identity), content={})


def latest(store: Store) -> datetime:
    """The time of the last decision: a clock never goes back."""
    found = store.memory.get("policy.latest", NOW)
    assert isinstance(found, datetime)
    return found


def an_own_ask(store: Store, record_key: str, by: Asker = QUALITY) -> Ask:
    """The officer's question about one record."""
    return ask_of(by, "personal.identity", [record_key], latest(store))


def answer_to(written: Written, **cells: str) -> bytes:
    """The same answer to every child of a request."""
    return an_answer(*(a_line(reference, **cells) for reference in written.references))


def numbers(store: Store, record_key: str, *, history: bool = False) -> list[Number]:
    """How the numbers of one record stand."""
    with store.read(Login.IDENTITY, "council") as identity:
        return tables.numbers_of(identity, "council", [record_key], history=history)


def proposals(store: Store, record_key: str) -> list[Proposal]:
    """The questions about one record."""
    with store.read(Login.IDENTITY, "council") as identity:
        return tables.proposals_of(identity, "council", record_key)


def rows_kept(store: Store, record_key: str) -> int:
    """How many sealed rows lie beside one record."""
    with store.read(Login.IDENTITY, "council") as identity:
        asked = sa.text(
            "SELECT count(*) FROM identity_rows WHERE record_key = :key AND record_type = 'personal.number'"
        )
        return int(identity.execute(asked, {"key": record_key}).scalar() or 0)
