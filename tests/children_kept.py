"""Children in an index space for tests that read them: records kept as they are when they have been identified.

Written straight into the tables, so that a test says which records are of one child; what is tested goes through the
actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

from asking import NOW
from gate import KINDS
from samechild.index import lifecycle
from samechild.index import store as tables
from samechild.index.models import keep_model
from samechild.index.records import Space
from samechild.linkage.models.children import children_model
from samechild.policy.identities import Who, keep_who, keys_for
from samechild.records import fields
from samechild.storage import Login, Store

WREN = {
    "forename": "Wren",
    "surname": "Avocet",
    "date_of_birth": "2014-03-09",
    "sex": "F",
    "address": "12 High Street",
    "postcode": "LS1 6AB",
}


def a_space(store: Store, space: str = "partners", members: Sequence[str] = tuple(KINDS)) -> str:
    """Open a space, with a linkage model of untrained weights; returns its name."""
    with store.write(Login.INDEX) as connection:
        made = Space(space=space, title="The partnership", members=tuple(members), agreement="agreed")
        tables.keep_space(connection, made, NOW - timedelta(days=30), lifecycle.empty_hash())
    given = [name for name, field in fields().items() if field.given]
    keep_model(store, space, children_model(given), {}, NOW)
    return space


def a_record(
    store: Store,
    child: str,
    owner: str,
    values: Mapping[str, str],
    *,
    space: str = "partners",
    key: str = "",
    days: int = 10,
    source: str = "system",
) -> str:
    """Keep one record of a child, received some days ago; returns its key."""
    record_key = key or sha256(f"{child}/{owner}/{source}/{days}/{sorted(values.items())}".encode()).hexdigest()[:32]
    at = NOW - timedelta(days=days)
    keys = keys_for(store, [record_key])
    row = {
        "owner": owner,
        "record_key": record_key,
        "received_at": at,
        "basis": "public task",
        "retention": "as the record it belongs to",
    }
    given = {"source": source, "record_id": f"{owner[:8]}/{child}", **values}
    with store.write(Login.INDEX) as connection:
        who = Who(record_key=record_key, owner=owner, basis="public task", values=given, received_at=at)
        keep_who(connection, keys, [who])
        tables.keep_records(
            connection,
            [{**row, "source": source, "local": record_key, "digest": "d", "changed_on": "", "seen_at": at}],
        )
        tables.move_members(connection, space, [("", child, {**row, "child": child})])
        if not tables.states_of(connection, space, [child]):
            tables.move_children(connection, space, [(child, "", "live")])
    store.memory.pop("index.live", None)
    return record_key
