"""Reading the collection through the gate: what a council sees of its own children, and what its systems read back.

Every opening is a question of its own: decided, written into the ledger, read, written again as shown. A child's record
is several kinds of record; each is asked for by itself, and what may not be seen is left out. Lists of children open
only their ids, as one named batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from secrets import token_hex
from typing import Any

import msgspec

from samechild.collection import store as tables
from samechild.collection.feeds import council_of
from samechild.collection.merge import Held
from samechild.collection.reading import store as queries
from samechild.collection.receiving import tokens_of
from samechild.collection.records import Fault, Feed
from samechild.collection.rules.catalogue import by_code
from samechild.collection.states import CARE, EPISODE, IDENTITY, PROTECTION, WORKERS, open_children
from samechild.errors import Invalid, Missing
from samechild.policy import ledger
from samechild.policy.actions import permit, permits
from samechild.policy.vault_actions import searched
from samechild.records.disclosure import Ask, Asker, Mode, Permit, Scope, Spread
from samechild.storage import Login, Store

PURPOSE = "statutory-return"
"""What councils' records are collected, checked and put right for."""

KINDS = (IDENTITY, EPISODE, PROTECTION, CARE, WORKERS)
"""The kinds of record that putting a child's record right takes; adoption is for its custodian alone."""

MOST_AT_ONCE = 500
OWN_ID = "record_id"
"""The field that a search by a council's own id of a child is a search on: the record's id within its source."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One open problem as a council's system reads it: which child, which rule, since when."""

    la_child_id: str
    rule: str
    grade: str
    message: str
    mend: str
    since: datetime


class Page(msgspec.Struct, frozen=True):
    """Some problems, and where the next ones begin; empty when these were the last."""

    problems: tuple[Told, ...]
    after: str = ""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request: counts, and why records were not taken."""

    request: str
    received_at: datetime
    status: int
    records: int
    changed: int
    unchanged: int
    refused: int
    bytes: int
    milliseconds: int
    state: str
    faults: tuple[Fault, ...]


def ask_about(by: Asker, owner: str, kind: str, record_keys: Sequence[str], now: datetime, batch: str = "") -> Ask:
    """The question of somebody who puts a council's own records right: what do these records say?"""
    return Ask(
        who=by,
        purpose=PURPOSE,
        mode=Mode.CONTENT,
        record_type=kind,
        owner=owner,
        scope=Scope(Spread.BATCH, tuple(record_keys), batch=batch),
        now=now,
    )


def may_count(store: Store, by: Asker, feed: Feed, now: datetime, batch: str) -> None:
    """Let somebody see how many, of whom nobody is named; decided and recorded like any other question.

    Raises:
        Refused: when they may not.
    """
    permit(store, ask_about(by, feed.owner, EPISODE, [], now, batch))


def allowed(
    store: Store, by: Asker, owner: str, record_keys: Sequence[str], now: datetime, *, kinds: Sequence[str], batch: str
) -> list[Permit]:
    """Leave to read some kinds of some children's records, as far as it is given; refusals are recorded too."""
    if not record_keys:
        return []
    name = f"{batch}-{token_hex(8)}"
    asks = [ask_about(by, owner, kind, record_keys, now, name) for kind in kinds]
    return [given for ask in asks for given in permits(store, ask)]


def shown(store: Store, given: Sequence[Permit], record_keys: Sequence[str], now: datetime) -> None:
    """Write into the ledger what is about to be shown under some permits."""
    them = set(record_keys)
    for each in given:
        keys = [key for key in each.record_keys if key in them]
        ledger.outcome(store, each, keys, {"records": len(keys)}, now)


def open_some(
    store: Store, by: Asker, owner: str, record_keys: Sequence[str], now: datetime, *, kinds: Sequence[str], batch: str
) -> dict[str, Held]:
    """Open some kinds of some children's records; children who may not be seen are left out."""
    given = allowed(store, by, owner, record_keys, now, kinds=kinds, batch=batch)
    found = open_children(store, given, now) if given else {}
    shown(store, given, list(found), now)
    return found


def own_ids(
    store: Store, by: Asker, owner: str, record_keys: Sequence[str], now: datetime, batch: str
) -> dict[str, str]:
    """The council's own ids of some children, by opaque key: opened as one named batch, for a list."""
    found = open_some(store, by, owner, list(dict.fromkeys(record_keys)), now, kinds=(IDENTITY,), batch=batch)
    return {key: held.child["la_child_id"] for key, held in found.items() if "la_child_id" in held.child}


def open_child(
    store: Store, by: Asker, owner: str, record_key: str, now: datetime, known_on: date | None = None
) -> Held:
    """Open one child's record, all that the asker may see of it; with ``known_on``, as it was known on that day.

    Raises:
        Missing: when there is none, or none that the asker may know of.
        Refused: when the asker may not ask.
    """
    first = permit(store, ask_about(by, owner, IDENTITY, [record_key], now))
    given = [first, *allowed(store, by, owner, [record_key], now, kinds=KINDS[1:], batch="one child")]
    found = open_children(store, given, now, known_on)
    shown(store, given, list(found), now)
    if record_key not in found:
        raise Missing(ledger.NOTHING_THERE)
    return found[record_key]


def find_child(store: Store, by: Asker, feed: Feed, la_child_id: str, now: datetime) -> str:
    """The opaque key of a child by the council's own id: a search, decided and recorded.

    Raises:
        Missing: when no child is held under that id, or none that the asker may know of.
        Refused: when the asker may not search.
        Invalid: when nothing is searched for.
    """
    wanted = la_child_id.strip()
    if not wanted:
        raise Invalid("Write your own id of the child.")
    ask = Ask(
        who=by,
        purpose=PURPOSE,
        mode=Mode.EXISTENCE,
        record_type=IDENTITY,
        owner=feed.owner,
        scope=Scope(Spread.SEARCH),
        now=now,
    )

    def look(given: Permit) -> list[str]:
        with store.read(Login.CONTENT, given.space) as connection:
            rows = tables.children_by_token(connection, given.space, tokens_of(store, feed, wanted))
        return sorted({row.record_key for row in rows.values()})

    found = searched(store, ask, [OWN_ID], [f"{OWN_ID}\x1f{wanted}"], look).record_keys
    if not found:
        raise Missing("No child is held under that id. Check it, or look at when you last sent this child.")
    return found[0]


# --- what a council's own systems read back ---------------------------------------------------------------------------


def held(store: Store, by: Asker, feed: Feed, la_child_id: str, now: datetime) -> dict[str, Any]:
    """What is held of one child, for the system that sends it: the merged record, and what is no longer sent.

    Raises:
        Missing: when no child is held under that id, or none that the asker may know of.
        Refused: when the asker may not ask.
    """
    record_key = find_child(store, by, feed, la_child_id, now)
    found = open_child(store, by, feed.owner, record_key, now)
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = queries.problems(connection, feed.owner, queries.Wanted(record_keys=(record_key,)), 0, MOST_AT_ONCE)
        child = queries.seen(connection, feed.owner, [record_key]).get(record_key)
    return {
        "child": found.child,
        "no_longer_sent": found.unreported,
        "first_received": child.received_at if child else None,
        "last_received": child.seen_at if child else None,
        "last_changed": child.changed_at if child else None,
        "problems": [_problem(row) for row in rows],
    }


def request(store: Store, by: Asker, feed: Feed, request_id: str) -> list[Sent]:
    """What became of a request, by its ``x-request-id``; holds nothing of a child.

    Raises:
        Missing: when there is no such request of the asker's own organisation or system.
    """
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = queries.of_request(connection, feed.owner, request_id.strip())
    own = by.organisation in (feed.owner, council_of(feed))
    mine = [row for row in rows if own or row.client == by.user]
    if not mine:
        raise Missing("No request came under that id. It stands in the header x-request-id of each of our answers.")
    return [sent_of(row) for row in mine]


def errors(store: Store, by: Asker, feed: Feed, after: str, limit: int, now: datetime) -> Page:
    """A council's open problems, some at a time, for its own systems; ``after`` is what the page before gave.

    Raises:
        Invalid: when ``after`` or ``limit`` is not such.
        Refused: when the asker may not see whom they are about.
    """
    begins = _cursor(after)
    if not 1 <= limit <= MOST_AT_ONCE:
        raise Invalid(f"Ask for 1 to {MOST_AT_ONCE} problems at once.")
    permit(store, ask_about(by, feed.owner, IDENTITY, [], now, "problems"))
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = queries.problems_after(connection, feed.owner, begins, limit + 1)
    here = rows[:limit]
    ids = own_ids(store, by, feed.owner, [row.record_key for row in here], now, "problems")
    told = tuple(
        Told(la_child_id=ids[row.record_key], **_problem(row), since=row.since) for row in here if row.record_key in ids
    )
    last = here[-1] if len(rows) > limit else None
    return Page(told, "" if last is None else "~".join((last.record_key, last.rule, last.place)))


def _cursor(after: str) -> tuple[str, ...]:
    parts = tuple(after.split("~")) if after else ()
    if parts and (len(parts) != 3 or len(after) > 200 or not after.isascii()):
        raise Invalid("That is not where a page began: leave `after` out, or give what the last answer gave.")
    return parts


def _problem(row: Any) -> dict[str, Any]:
    rule = by_code().get(row.rule)
    return {
        "rule": row.rule,
        "grade": row.grade,
        "message": rule.message if rule else "",
        "mend": rule.mend if rule else "",
    }


def sent_of(row: Any) -> Sent:
    """A request as it is told to whoever sent it."""
    values: Mapping[str, Any] = row._mapping
    same = {name: values[name] for name in Sent.__struct_fields__ if name != "faults"}
    return Sent(**same, faults=msgspec.json.decode(row.faults, type=tuple[Fault, ...]))
