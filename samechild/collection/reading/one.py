"""One child of a council's own: opened by itself, with what rules found in the record and where.

What is kept of a problem does not say where in the record it is. Whoever may hold the record finds the place again by
applying the rules to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from samechild.collection.marks import shared
from samechild.collection.merge import Held, child_of
from samechild.collection.postcodes import postcodes_of
from samechild.collection.problems import PLACE
from samechild.collection.processing import checked
from samechild.collection.reading import store as queries
from samechild.collection.reading.child import Fault, fields_in_words, in_words
from samechild.collection.reading.opening import open_child
from samechild.collection.reading.store import Wanted
from samechild.collection.records import Child, Feed
from samechild.collection.rules.catalogue import by_code
from samechild.collection.rules.rule import Grade, Rule
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

FIXED = timedelta(days=7)
"""So long a problem that is gone is still shown as fixed."""

_UNKNOWN = "This rule is no longer in the catalogue"


class ChildRead(msgspec.Struct, frozen=True, kw_only=True):
    """One child as the council's data team sees it; ``known_on`` says that an earlier day is shown."""

    record_key: str
    held: Held
    faults: tuple[Fault, ...]
    first: datetime | None
    seen: datetime | None
    changed: datetime | None
    fixed: int
    known_on: date | None = None


def read_child(
    store: Store, by: Asker, feed: Feed, record_key: str, now: datetime, known_on: date | None = None
) -> ChildRead:
    """One child of a feed: the record as merged, what rules found in it and where.

    With ``known_on`` the record is shown as it was known at the end of that day, without problems.

    Raises:
        Missing: when there is none, or none that the asker may know of. Refused: when the asker may not ask.
    """
    held = open_child(store, by, feed.owner, record_key, now, known_on=known_on)
    with store.read(Login.CONTENT, feed.owner) as connection:
        child = queries.seen(connection, feed.owner, [record_key]).get(record_key)
        mine = Wanted(record_keys=(record_key,))
        rows = queries.problems(connection, feed.owner, mine, 0, 1000)
        fixed, _ = queries.how_many(
            connection, feed.owner, msgspec.structs.replace(mine, state="fixed", since=now - FIXED)
        )
    faults = () if known_on else numbered(store, feed, record_key, held, rows, now)
    return ChildRead(
        record_key=record_key,
        held=held,
        faults=faults,
        first=child.received_at if child else None,
        seen=child.seen_at if child else None,
        changed=child.changed_at if child else None,
        fixed=fixed,
        known_on=known_on,
    )


def numbered(
    store: Store, feed: Feed, record_key: str, held: Held, rows: Sequence[Any], now: datetime
) -> tuple[Fault, ...]:
    """A child's problems, numbered in the order of the rows, each with its cells as far as the record shows them."""
    places = located(store, feed, {record_key: held}, now)
    found = []
    for number, row in enumerate(rows, start=1):
        rule = rule_of(row.rule)
        its = places.get((record_key, row.rule, row.place), ())
        found.append(
            Fault(
                number=number,
                rule=rule,
                grade=row.grade,
                since=row.since,
                until=row.until,
                places=its,
                where=tuple(in_words(place) for place in its) or fields_in_words(rule),
            )
        )
    return tuple(found)


def located(
    store: Store, feed: Feed, them: Mapping[str, Held], now: datetime
) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """The cells of problems, found again by applying the rules: by child, rule and the token under which it is kept.

    What is kept of a problem does not say where in the record it is; whoever holds the record can tell.
    """
    children = {key: child_of(held) for key, held in them.items() if "la_child_id" in held.child}
    found = {}
    near = postcodes_of(store)
    for key, problems in checked(feed, children, {}, shared(store, feed.owner, children), near, now).items():
        for problem in problems:
            for token in store.keys.tokens(PLACE, "\x1f".join((key, *problem.places))):
                found[key, problem.rule, token] = problem.places
    return found


def rule_of(code: str) -> Rule:
    """A rule by its code; one that was taken out of the catalogue keeps its code and says so."""
    found = by_code().get(code)
    return found or Rule(code=code, grade=Grade.INFO, on=Child, fields=(), message=_UNKNOWN, mend="")
