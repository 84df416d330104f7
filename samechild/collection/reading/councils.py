"""What somebody who runs the collection may see of councils: counts of what came and of errors by rule; no child.

For each council the gate is asked by itself, for one of the closed purposes; one whose agreement does not allow it is
only named. That it was looked at stands in the ledger, where the council sees it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from samechild.collection.feeds import feeds_of
from samechild.collection.reading import store as queries
from samechild.collection.reading.days import WEEKS, Mark, by_day
from samechild.collection.reading.one import FIXED, rule_of
from samechild.collection.reading.received import came_since
from samechild.collection.reading.store import Wanted
from samechild.collection.records import Feed
from samechild.collection.rules.rule import Rule
from samechild.collection.states import EPISODE
from samechild.errors import Missing, Refused
from samechild.policy import ledger
from samechild.policy.actions import permit
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.policy.shown import organisations
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store

POWER, BASIS, CONDITION = "CA1989-s83", "6(1)(e)", "Sch1-4"
"""What counts are asked for under: Children Act 1989 section 83, a public task, research and statistics."""

PERIOD = timedelta(weeks=4)
LEAST = 6
"""Smaller numbers are not told: one error may be one child's."""


class OfCouncil(msgspec.Struct, frozen=True, kw_only=True):
    """One council's numbers over four weeks; ``allowed`` is False when it may not be seen, and then there are none."""

    feed: str
    name: str
    allowed: bool = True
    why: str = ""
    held: int = 0
    records: int = 0
    refused: int = 0
    missed: int = 0
    last: datetime | None = None
    errors: int = 0
    queries: int = 0
    rules: tuple[tuple[Rule, int], ...] = ()

    @property
    def per_thousand(self) -> float | None:
        """Errors open for each thousand children held."""
        return 1000 * self.errors / self.held if self.held >= LEAST else None


def closed_purposes(by: Asker) -> tuple[str, ...]:
    """The purposes for which somebody in a role may ask for counts: those of the scheme's closed list."""
    return tuple(name for name in roles()[by.role].purposes if purposes()[name].dfe)


def councils(store: Store, by: Asker, purpose: str, now: datetime) -> list[OfCouncil]:
    """The numbers of every council whose agreement lets the asker see them; the others by name alone."""
    names = {each.organisation: each.name for each in organisations(store)}
    found = []
    for feed in feeds_of(store):
        if feed.sandbox:
            continue
        name = names.get(feed.owner, feed.authority)
        try:
            found.append(_one(store, by, feed, name, purpose, now))
        except (Refused, Missing) as error:
            found.append(OfCouncil(feed=feed.feed, name=name, allowed=False, why=str(error)))
    return sorted(found, key=lambda each: each.name)


def _one(store: Store, by: Asker, feed: Feed, name: str, purpose: str, now: datetime) -> OfCouncil:
    outside = by.organisation != feed.owner
    ask = Ask(
        who=by,
        purpose=purpose,
        mode=Mode.EXISTENCE,
        record_type=EPISODE,
        owner=feed.owner,
        scope=Scope(Spread.BATCH, batch="councils counted"),
        now=now,
        power=POWER if outside else "",
        basis=BASIS if outside else "",
        condition=CONDITION if outside else "",
    )
    given = permit(store, ask)
    today = now.date()
    first = today - PERIOD
    came = came_since(store, feed, first - timedelta(weeks=WEEKS))
    days = by_day(came, first, today, today)
    with store.read(Login.CONTENT, feed.owner) as connection:
        rules = queries.by_rule(connection, feed.owner, now, now - FIXED)
        held = queries.held(connection, feed.owner)
        errors, _ = queries.how_many(connection, feed.owner, Wanted(grade="error"))
        checks, _ = queries.how_many(connection, feed.owner, Wanted(grade="query"))
        last = queries.last_sent(connection, feed.owner)
    ledger.outcome(store, given, [], {"councils": 1}, now)
    return OfCouncil(
        feed=feed.feed,
        name=name,
        held=held,
        records=sum(each.came.records for each in days),
        refused=sum(each.came.refused for each in days),
        missed=sum(each.mark is Mark.MISSING for each in days),
        last=last,
        errors=errors,
        queries=checks,
        rules=tuple((rule_of(row.rule), int(row.open)) for row in rules if row.grade == "error" and row.open),
    )
