"""Which route is the least burden, the most accurate, scales, and at what cost: what the early adopters try out.

What only a council knows (hours, money) it enters; beside it stands what the software counts by itself. A council sees
its own figures, and those of a route once enough other councils take it; who receives the records sees the councils
whose agreement names it. The figures compare routes; they are no measure of a council.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any

import msgspec

from samechild.collection import burden_store as queries
from samechild.collection.credentials import clients_of, every_client
from samechild.collection.feeds import council_of, feeds_of
from samechild.collection.reading.councils import BASIS, CONDITION, LEAST, POWER
from samechild.collection.reading.days import WEEKS, Mark, by_day
from samechild.collection.reading.received import came_since
from samechild.collection.records import Feed, Way
from samechild.collection.states import EPISODE
from samechild.errors import Invalid, Missing, Refused
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy import store as policy_store
from samechild.policy.actions import permit
from samechild.policy.roles import roles
from samechild.policy.shown import organisations
from samechild.policy.sign_in.opaque import new_id
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store

FIRST_HOURS, HOURS, POUNDS = "first hours", "hours", "pounds"
GREATEST = 10_000_000
LEAST_OTHERS = 3
"""So many other councils must take a route before a council is shown what is usual on it."""

PERIOD = timedelta(days=30)
LONGEST = timedelta(days=400)
PURPOSE = "development"
"""The purpose for which the department compares the routes: the collection itself."""

ENTERS = ("access-manager", "information-governance", "data-quality-officer")


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """What a council entered, the newest word of each month: hours until the first record, then by month."""

    first_hours: int | None = None
    hours: Mapping[str, int] = {}
    pounds: Mapping[str, int] = {}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One council's route over a period: what it entered, and what was counted. None: nobody can say."""

    council: str
    feed: str
    way: Way
    first_hours: int | None
    hours_a_month: float | None
    pounds: int | None
    days_to_first: int | None
    posts: int
    records: int
    changed: int
    unchanged: int
    refused: int
    failures: int
    again: int
    bytes: int
    seconds: float
    days_missed: int
    held: int
    errors: int
    corrections: int

    @property
    def records_a_second(self) -> float | None:
        """How many records were taken in each second of work here."""
        return self.records / self.seconds if self.seconds else None

    @property
    def errors_a_thousand(self) -> float | None:
        """Errors that stand, for each thousand children held."""
        return 1000 * self.errors / self.held if self.held >= LEAST else None

    @property
    def corrections_a_thousand(self) -> float | None:
        """Errors put right in the period, for each thousand children held."""
        return 1000 * self.corrections / self.held if self.held >= LEAST else None

    @property
    def pounds_a_thousand(self) -> float | None:
        """Money paid in the period for each thousand records sent."""
        return 1000 * self.pounds / self.records if self.pounds is not None and self.records else None


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual on one route: the middle figure of its councils."""

    way: Way
    councils: int
    figures: Mapping[str, float | None]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison over a period: a line for each council the reader may see, and what is usual on each route."""

    since: date
    until: date
    lines: tuple[Line, ...]
    usual: tuple[Usual, ...]
    whole: bool  # whether the reader sees the councils of others


FIGURES: Mapping[str, str] = {
    "first_hours": "Hours to the first record",
    "hours_a_month": "Hours a month",
    "pounds": "Money paid in the period, in pounds",
    "pounds_a_thousand": "Pounds for each 1,000 records",
    "days_to_first": "Days from opening the feed to the first record",
    "errors_a_thousand": "Errors for each 1,000 children",
    "corrections_a_thousand": "Corrections for each 1,000 children",
    "refused": "Records refused",
    "records": "Records sent",
    "records_a_second": "Records taken a second",
    "bytes": "Bytes sent",
    "again": "Requests sent again",
    "failures": "Requests that failed",
    "days_missed": "Days missed",
}
"""What is compared, by property of a line."""


# --- what a council enters --------------------------------------------------------------------------------------------


def enter(
    store: Store, by: Asker, feed: Feed, month: str, amounts: Mapping[str, int], now: datetime, random: Random
) -> None:
    """Enter what sending costs the council; a later entry of the same month takes the place of an earlier one.

    Args:
        store: the open installation.
        by: somebody of the council who may.
        feed: the council's own feed.
        month: such as ``2026-11``; hours to the first record belong to none.
        amounts: whole hours, or pounds, by ``first hours``, ``hours``, ``pounds``.
        now: when. random: where random bytes come from.

    Raises:
        Missing: when it is another council's feed. Refused: when the role may not.
        Invalid: when month or amounts cannot be.
    """
    if council_of(feed) != by.organisation:
        raise Missing("Your organisation does not send children's social care records here.")
    if by.role not in ENTERS:
        raise Refused("Hours and money are entered by your access manager, your officers or whoever mends the records.")
    if not amounts or not set(amounts) <= {FIRST_HOURS, HOURS, POUNDS}:
        raise Invalid("Enter hours or money.")
    if any(not 0 <= amount <= GREATEST for amount in amounts.values()):
        raise Invalid("That is more than can be: look at the figures again.")
    if month > f"{now:%Y-%m}" or month < f"{feed.opened_at - LONGEST:%Y-%m}":
        raise Invalid("The month has not come yet, or is long before the feed was opened.")
    body = {"event": "entered", "feed": feed.feed, "month": month, "by": by.user, "organisation": by.organisation}
    ledger.append(store, "burden", {**body, "what": sorted(amounts)}, now)
    rows = [
        {
            "entry": new_id(random),
            "owner": feed.owner,
            "feed": feed.feed,
            "month": "" if what == FIRST_HOURS else month,
            "what": what,
            "amount": amount,
            "entered_by": by.user,
            "entered_at": now,
        }
        for what, amount in amounts.items()
    ]
    with store.write(Login.GATE) as gate:
        queries.keep_entries(gate, rows)


def entered(store: Store, feeds: Sequence[Feed]) -> dict[str, Entered]:
    """What was entered for some feeds, by feed."""
    with store.read(Login.GATE) as gate:
        rows = queries.entries_of(gate, [feed.feed for feed in feeds])
    found: dict[str, dict[str, dict[str, int]]] = {feed.feed: {} for feed in feeds}
    for row in rows:
        found[row.feed].setdefault(row.what, {})[row.month] = row.amount
    return {
        name: Entered(
            first_hours=said.get(FIRST_HOURS, {}).get(""), hours=said.get(HOURS, {}), pounds=said.get(POUNDS, {})
        )
        for name, said in found.items()
    }


# --- the comparison ---------------------------------------------------------------------------------------------------


def compare(store: Store, by: Asker, since: date, until: date, now: datetime) -> Comparison:
    """Compare the three routes over some days: one's own council, or those whose agreement lets the asker see them.

    For each council of others the gate is asked by itself, so that it stands in the ledger where that council sees it;
    one whose agreement does not allow it is left out.

    Raises:
        Invalid: when the days are in the wrong order, or too many.
        Missing: when the asker's organisation neither sends nor receives.
    """
    if not timedelta() <= until - since <= LONGEST or until > now.date():
        raise Invalid("Choose at most 400 days, none of them to come.")
    live = [feed for feed in feeds_of(store) if not feed.sandbox]
    own = {feed.feed for feed in live if feed.owner == by.organisation}
    whole = not own and receives(store, by, live)
    if not own and not whole:
        raise Missing("Your organisation neither sends children's social care records here nor receives them.")
    seen = [feed for feed in live if feed.feed in own or (whole and _may_compare(store, by, feed, now))]
    lines = _lines(store, seen if whole else live, (since, until))
    found = (_usual(way, [line for line in lines if line.way is way], own, whole=whole) for way in Way)
    shown = {feed.feed for feed in seen}
    return Comparison(
        since=since,
        until=until,
        lines=tuple(line for line in lines if line.feed in shown),
        usual=tuple(each for each in found if each is not None),
        whole=whole,
    )


def receives(store: Store, by: Asker, live: Sequence[Feed]) -> bool:
    """Whether somebody's organisation is a party to the agreement of any feed, and their role compares routes."""
    with store.read(Login.GATE) as gate:
        rows = policy_store.versions_of(gate, [feed.agreement for feed in live])
    parties = {party for row in rows for party in policy_store.agreement_of(row, []).parties}
    return PURPOSE in roles()[by.role].purposes and by.organisation in parties


def _may_compare(store: Store, by: Asker, feed: Feed, now: datetime) -> bool:
    """Ask the gate whether somebody may see another council's counts; either answer stands in the ledger."""
    ask = Ask(
        who=by,
        purpose=PURPOSE,
        mode=Mode.EXISTENCE,
        record_type=EPISODE,
        owner=feed.owner,
        scope=Scope(Spread.BATCH, batch="routes compared"),
        now=now,
        power=POWER,
        basis=BASIS,
        condition=CONDITION,
    )
    try:
        given = permit(store, ask)
    except (Refused, Missing):
        return False
    ledger.outcome(store, given, [], {"councils": 1}, now)
    return True


def _lines(store: Store, feeds: Sequence[Feed], period: tuple[date, date]) -> list[Line]:
    """A line for each feed, by route and then by name."""
    names = {each.organisation: each.name for each in organisations(store)}
    said, ways = entered(store, feeds), {each.client: each.way for each in every_client(store)}
    lines = [_line(store, feed, names[feed.owner], said[feed.feed], period, ways) for feed in feeds]
    return sorted(lines, key=lambda line: (list(Way).index(line.way), line.council))


def _line(
    store: Store, feed: Feed, council: str, said: Entered, period: tuple[date, date], ways: Mapping[str, Way]
) -> Line:
    since, until = period
    begins = datetime.combine(since, time(), UTC)
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = queries.sent_by_client(connection, feed.owner, since.isoformat(), until.isoformat())
        first = queries.first_kept(connection, feed.owner)
        held, errors, corrections = queries.quality(connection, feed.owner, begins)
    came = came_since(store, feed, since - timedelta(weeks=WEEKS))
    days = by_day(came, since, until, until + timedelta(days=1))
    months = {f"{since + timedelta(days=at):%Y-%m}" for at in range((until - since).days + 1)}
    hours = [amount for month, amount in said.hours.items() if month in months]
    pounds = [amount for month, amount in said.pounds.items() if month in months]
    total = {
        name: sum(int(getattr(row, name)) for row in rows)
        for name in ("posts", "records", "changed", "unchanged", "refused", "failures", "again", "bytes")
    }
    return Line(
        council=council,
        feed=feed.feed,
        way=_way(store, feed, rows, ways),
        first_hours=said.first_hours,
        hours_a_month=sum(hours) / len(hours) if hours else None,
        pounds=sum(pounds) if pounds else None,
        days_to_first=max((first - feed.opened_at).days, 0) if first else None,
        seconds=sum(int(row.milliseconds) for row in rows) / 1000,
        days_missed=sum(each.mark is Mark.MISSING for each in days),
        held=held,
        errors=errors,
        corrections=corrections,
        **total,
    )


def _way(store: Store, feed: Feed, rows: Sequence[Any], ways: Mapping[str, Way]) -> Way:
    """The route by which most records came; where none did, that of the newest system that may send."""
    most = max(rows, key=lambda row: (int(row.records), row.client), default=None)
    if most is not None and most.client in ways:
        return ways[most.client]
    made = clients_of(store, [feed])
    return made[-1].way if made else Way.SUPPLIER  # who has no system of its own has named a supplier


def _usual(way: Way, lines: Sequence[Line], own: Collection[str], *, whole: bool) -> Usual | None:
    """The middle figures of a route; None where they would tell a council of few others."""
    others = sum(line.feed not in own for line in lines)
    if not lines or (not whole and others < LEAST_OTHERS):
        return None
    figures: dict[str, float | None] = {}
    for name in FIGURES:
        known = [float(value) for value in (getattr(line, name) for line in lines) if value is not None]
        figures[name] = median(known) if known else None
    return Usual(way=way, councils=len(lines), figures=figures)


# --- monitoring -------------------------------------------------------------------------------------------------------


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What one system sent for one feed in a period: counts, failures, and when it was last seen."""

    feed: str
    client: str
    posts: int = 0
    records: int = 0
    refused: int = 0
    failures: int = 0
    last: datetime | None = None


def sent_for(store: Store, feeds: Sequence[Feed], now: datetime, client: str = "") -> list[Sent]:
    """What systems sent for some feeds in the last thirty days, or one of them; holds nothing of a child.

    Who may know is for the caller to say: a council of its own feeds, a supplier of its own systems.
    """
    found = []
    since, until = (now - PERIOD).date().isoformat(), now.date().isoformat()
    for feed in feeds:
        with store.read(Login.CONTENT, feed.owner) as connection:
            rows = queries.sent_by_client(connection, feed.owner, since, until, client)
        found += [
            Sent(
                feed=feed.feed,
                client=row.client,
                posts=int(row.posts),
                records=int(row.records),
                refused=int(row.refused),
                failures=int(row.failures),
                last=row.last,
            )
            for row in rows
        ]
    return found
