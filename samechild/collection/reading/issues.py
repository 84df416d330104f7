"""What a council's data team works through in the morning: what rules found, by rule, child, worker and team.

Counts say nothing of anybody. Lists open the council's own ids of the children in them, and the workers', as one named
batch; one child is opened by itself. Only the council's own people in a role that has this view come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from samechild.collection import store as tables
from samechild.collection.daily import RULE
from samechild.collection.merge import Held
from samechild.collection.problems import WORKER
from samechild.collection.reading import store as queries
from samechild.collection.reading.child import fields_in_words, in_words, table_in_words
from samechild.collection.reading.one import FIXED, located, rule_of
from samechild.collection.reading.opening import KINDS, may_count, open_some
from samechild.collection.reading.store import Wanted
from samechild.collection.reading.teams import team_of, teams_of
from samechild.collection.records import Feed
from samechild.collection.rules.rule import Rule
from samechild.collection.states import IDENTITY, WORKERS
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

NEW, TREND = timedelta(days=1), timedelta(days=28)
"""How long a problem is new, and how far back the course of errors is shown."""

SHOWN = 50
MOST_IN_FILE = 5_000


class OfRule(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with one rule: problems open, of how many children, new, fixed; since when the oldest is open."""

    rule: Rule
    grade: str
    open: int
    children: int
    new: int
    fixed: int
    oldest: datetime | None

    @property
    def old(self) -> int:
        """How many were there before."""
        return self.open - self.new


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How a council's data stands: by rule, the course of errors by day, children held, when something last came.

    ``whole`` are the rules about the council as a whole that spoke on the last day counted.
    """

    feed: Feed
    rules: tuple[OfRule, ...]
    course: tuple[tuple[date, int], ...]
    held: int
    children: int
    last: datetime | None
    waiting: int
    whole: tuple[Rule, ...]

    def total(self, grade: str, what: str) -> int:
        """A number over all rules of a grade."""
        return sum(getattr(each, what) for each in self.rules if each.grade == grade)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One problem in a list: whose, what, where in general, with which worker and team, and since when."""

    record_key: str
    la_child_id: str
    rule: Rule
    grade: str
    worker: str
    team: str
    since: datetime
    until: datetime | None
    new: bool
    where: tuple[str, ...] = ()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list: how many problems there are in all, of how many children; ``rules`` are those to pick from."""

    lines: tuple[Line, ...]
    problems: int
    children: int
    page: int
    rules: tuple[Rule, ...]

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.problems // SHOWN))


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many open problems stand with a worker, a team or a child; ``name`` is a token or an opaque key."""

    name: str
    words: str
    team: str = ""
    errors: int
    queries: int
    children: int
    oldest: datetime | None


def overview(store: Store, by: Asker, feed: Feed, now: datetime) -> Overview:
    """How the data of a feed stands: of somebody's own council, or of its sandbox.

    Raises:
        Refused: when the asker may not see it.
    """
    may_count(store, by, feed, now, "problems counted")
    since = now - TREND
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = queries.by_rule(connection, feed.owner, now - NEW, now - FIXED)
        before, days = queries.opened_and_closed(connection, feed.owner, since)
        held = queries.held(connection, feed.owner)
        _, children = queries.how_many(connection, feed.owner, Wanted())
        last, waiting = queries.last_sent(connection, feed.owner), queries.waiting(connection, feed.owner)
        counted = tables.days(connection, feed.owner, (now - FIXED).date().isoformat())
    course, errors = [], before
    for at in range(TREND.days + 1):
        day = since.date() + timedelta(days=at)
        found, gone = days.get(day.isoformat(), (0, 0))
        errors += found - gone
        course.append((day, errors))
    return Overview(
        feed=feed,
        rules=tuple(_of_rule(row) for row in rows),
        course=tuple(course),
        held=held,
        children=children,
        last=last,
        waiting=waiting,
        whole=_spoken(counted),
    )


def _spoken(counted: Sequence[Any]) -> tuple[Rule, ...]:
    """The rules about the council as a whole that spoke on the last day counted."""
    numbers = msgspec.json.decode(counted[-1].counts, type=dict[str, int]) if counted else {}
    return tuple(rule_of(name.removeprefix(RULE)) for name in sorted(numbers) if name.startswith(RULE))


def _of_rule(row: Any) -> OfRule:
    return OfRule(
        rule=rule_of(row.rule),
        grade=row.grade,
        open=int(row.open),
        children=int(row.children),
        new=int(row.new),
        fixed=int(row.fixed),
        oldest=row.oldest,
    )


def listed(store: Store, by: Asker, feed: Feed, wanted: Wanted, page: int, now: datetime) -> Listed:
    """A page of the problems of a council's children, with the council's own ids.

    Children whom the asker may not see are left out.

    Raises:
        Refused: as :func:`overview`.
    """
    may_count(store, by, feed, now, "problems counted")
    with store.read(Login.CONTENT, feed.owner) as connection:
        problems, children = queries.how_many(connection, feed.owner, wanted)
        page = min(max(1, page), max(1, -(-problems // SHOWN)))
        rows = queries.problems(connection, feed.owner, wanted, (page - 1) * SHOWN, SHOWN)
        rules = tuple(rule_of(code) for code in queries.rules_found(connection, feed.owner))
    them = _opened(store, by, feed, rows, now, "problems", (IDENTITY, WORKERS))
    lines = _lines(store, feed, rows, them, now)
    return Listed(lines=tuple(lines), problems=problems, children=children, page=page, rules=rules)


def _opened(
    store: Store, by: Asker, feed: Feed, rows: Sequence[Any], now: datetime, batch: str, kinds: Sequence[str]
) -> dict[str, Held]:
    keys = list(dict.fromkeys(row.record_key for row in rows))
    found = open_some(store, by, feed.owner, keys, now, kinds=kinds, batch=batch)
    return {key: held for key, held in found.items() if "la_child_id" in held.child}


def _lines(store: Store, feed: Feed, rows: Sequence[Any], them: Mapping[str, Held], now: datetime) -> list[Line]:
    teams = teams_of(store, feed.owner)
    known = {row.worker for row in rows}
    names = workers_named(store, them.values(), known)
    return [
        Line(
            record_key=row.record_key,
            la_child_id=them[row.record_key].child["la_child_id"],
            rule=rule_of(row.rule),
            grade=row.grade,
            worker=names.get(row.worker, ""),
            team=team_of(teams, names.get(row.worker, "")),
            since=row.since,
            until=row.until,
            new=row.since >= now - NEW,
        )
        for row in rows
        if row.record_key in them
    ]


def workers_named(store: Store, them: Iterable[Held], tokens: Iterable[str]) -> dict[str, str]:
    """Workers by token, as far as these children's records name them."""
    wanted = set(tokens) - {""}
    ids = {
        worker["worker_id"]
        for held in them
        for episode in held.child.get("social_care_episodes", [])
        for worker in episode.get("care_worker_details", [])
        if worker.get("worker_id")
    }
    return {token: name for name in ids for token in store.keys.tokens(WORKER, name) if token in wanted}


def by_worker(store: Store, by: Asker, feed: Feed, now: datetime) -> list[Tally]:
    """How many open problems stand with each worker of the council, those with most errors first.

    One child of each worker is opened to learn the worker's id.

    Raises:
        Refused: as :func:`overview`.
    """
    may_count(store, by, feed, now, "problems counted")
    with store.read(Login.CONTENT, feed.owner) as connection:
        rows = queries.by_worker(connection, feed.owner)
    them = open_some(
        store, by, feed.owner, [row.one for row in rows if row.name], now, kinds=(WORKERS,), batch="workers"
    )
    names = workers_named(store, them.values(), [row.name for row in rows])
    teams = teams_of(store, feed.owner)
    return [_tally(row, names.get(row.name, ""), team_of(teams, names.get(row.name, ""))) for row in rows]


def by_team(workers: Iterable[Tally]) -> list[Tally]:
    """Workers' numbers put together by team; children may have workers of two teams."""
    found: dict[str, list[Tally]] = {}
    for each in workers:
        found.setdefault(each.team, []).append(each)
    tallies = [
        Tally(
            name=team,
            words=team,
            errors=sum(each.errors for each in its),
            queries=sum(each.queries for each in its),
            children=sum(each.children for each in its),
            oldest=min((each.oldest for each in its if each.oldest), default=None),
        )
        for team, its in found.items()
    ]
    return sorted(tallies, key=lambda each: (-each.errors, -each.queries, each.words))


def by_child(store: Store, by: Asker, feed: Feed, page: int, now: datetime) -> tuple[list[Tally], int, int]:
    """The children with open problems, those with most errors first: a page of them, its number, and how many in all.

    Raises:
        Refused: as :func:`overview`.
    """
    may_count(store, by, feed, now, "problems counted")
    with store.read(Login.CONTENT, feed.owner) as connection:
        _, children = queries.how_many(connection, feed.owner, Wanted())
        page = min(max(1, page), max(1, -(-children // SHOWN)))
        rows = queries.by_child(connection, feed.owner, (page - 1) * SHOWN, SHOWN)
    them = open_some(store, by, feed.owner, [row.name for row in rows], now, kinds=(IDENTITY,), batch="children")
    ids = {key: held.child.get("la_child_id", "") for key, held in them.items()}
    return [_tally(row, ids[row.name], "") for row in rows if ids.get(row.name)], page, children


def _tally(row: Any, words: str, team: str) -> Tally:
    return Tally(
        name=row.name,
        words=words,
        team=team,
        errors=int(row.errors),
        queries=int(row.queries),
        children=int(row.children),
        oldest=row.oldest,
    )


# --- a file of them ---------------------------------------------------------------------------------------------------

COLUMNS = {
    "code": "Code",
    "grade": "Kind",
    "description": "Description",
    "mend": "What to do",
    "child": "Child id",
    "table": "Table",
    "field": "Field",
    "where": "Where",
    "worker": "Worker",
    "team": "Team",
    "since": "Since",
    "until": "Fixed",
}
"""The columns of a download and their headings."""


def file_of(store: Store, by: Asker, feed: Feed, wanted: Wanted, now: datetime) -> tuple[pa.Table, int]:
    """The problems of a council's children as a table for a file, the worst first, and how many there are in all.

    Raises:
        Refused: as :func:`overview`.
    """
    may_count(store, by, feed, now, "problems counted")
    with store.read(Login.CONTENT, feed.owner) as connection:
        problems, _ = queries.how_many(connection, feed.owner, wanted)
        rows = queries.problems(connection, feed.owner, wanted, 0, MOST_IN_FILE)
    them = _opened(store, by, feed, rows, now, "problems downloaded", KINDS)
    places = located(store, feed, them, now)
    rows = [row for row in rows if row.record_key in them]
    lines = _lines(store, feed, rows, them, now)
    found = [
        _in_file(line, places.get((row.record_key, row.rule, row.place), ()))
        for row, line in zip(rows, lines, strict=True)
    ]
    columns = {words: pa.array([line[name] for line in found], pa.string()) for name, words in COLUMNS.items()}
    return pa.table(columns), problems


def _in_file(line: Line, places: Sequence[str]) -> dict[str, str]:
    return {
        "code": line.rule.code,
        "grade": line.grade,
        "description": line.rule.message,
        "mend": line.rule.mend,
        "child": line.la_child_id,
        "table": table_in_words(line.rule),
        "field": "; ".join(fields_in_words(line.rule)),
        "where": "; ".join(in_words(place) for place in places),
        "worker": line.worker,
        "team": line.team,
        "since": line.since.date().isoformat(),
        "until": line.until.date().isoformat() if line.until else "",
    }
