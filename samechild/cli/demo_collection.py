"""Three councils of the demonstration send their children's social care data for a week, each by another route.

One built its own extraction (CSV files), one keeps the Standard Safeguarding Dataset, for one its supplier's system
sends. What they send goes through the door of the application as over a network, night by night, and is worked off as
on a server: some records are wrong and mended later, one night is missed, one request is refused, one child is purged,
and a concern is raised and answered.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from samechild.cli.demo_extracts import dataset_of, extracts_of, write_database, write_extracts
from samechild.cli.demo_history import Happening, Scene
from samechild.cli.tables import all_tables
from samechild.collection.beyond import CATEGORIES
from samechild.collection.burden import enter
from samechild.collection.concerns import concerns, move_concern, raise_concern
from samechild.collection.credentials import Credentials as Made
from samechild.collection.credentials import add_client, add_supplier_client, name_supplier
from samechild.collection.daily import look_again
from samechild.collection.feeds import feeds_of, open_feed
from samechild.collection.processing import process
from samechild.collection.reading.councils import councils
from samechild.collection.records import Feed, Way
from samechild.collection.send.config import Config, Credentials, Sending, Source, Table
from samechild.collection.send.connection import Around, Connection
from samechild.collection.send.mapping import SECTIONS, Built
from samechild.collection.send.report import Report
from samechild.collection.send.run import Job, Wanted, submit
from samechild.collection.send.sources import Tables
from samechild.collection.send.status import open_status
from samechild.collection.send.trying import read_children
from samechild.collection.store import all_children
from samechild.index.actions import open_space
from samechild.index.models import keep_model
from samechild.index.records import Space
from samechild.linkage.request import stored_model
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.people.actions import operator, set_codes
from samechild.policy.records import Agreement, Rule
from samechild.records.disclosure import Effect, Mode
from samechild.settings import Settings
from samechild.storage import Login, Store
from samechild.town.case_errors import Slip
from samechild.town.case_lives import Life
from samechild.town.case_people import made_people
from samechild.town.social_care import lives, on_day

HOST = "http://127.0.0.1:8000"
NIGHTS = 8
"""So many nights ago everything was sent for the first time."""

MISTAKES = 0.5
"""Share of children about whom a mistake is made at some time."""

NEW_MISTAKES = ("Ethnicity missing", "Sex missing", "Referral source not on the list", "Wrong letter in the UPN")
"""Mistakes that are made within the week."""

RECORDS = ("social-care.episode", "social-care.protection-plan", "social-care.looked-after", "social-care.involvement")
CONCERN = "Two of our analysts asked who may see the counts of our area. Is the list of purposes the one we signed?"
ANSWER = "Yes: research, evaluation and development, as in the agreement. The ledger shows each time we looked."


class Council(msgspec.Struct, frozen=True):
    """A council that takes part: its short word in the demonstration, number, route, and how many children it sends."""

    short: str
    number: str
    way: Way
    children: int
    missed: int = -1  # the night on which nothing came
    purged: int = -1  # the night on which a child was purged


COUNCILS = (
    Council("council", "990", Way.OWN, 140, purged=4),
    Council("other council", "991", Way.SSD, 110, missed=3),
    Council("third council", "992", Way.SUPPLIER, 120),
)
"""Nights count from 0, the first load."""

SPACES = ("other council", "third council")
"""Councils with an index space of their own; the first shares one with a school and a trust."""


class Clock:
    """The time at which something of the demonstration happens."""

    def __init__(self, now: datetime) -> None:
        self.now = now


class InProcess(httpx.BaseTransport):
    """The application in place of a network."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._network = httpx.ASGITransport(app=app, client=("127.0.0.1", 5000))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, in a thread of its own: the program around may have an event loop."""
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(lambda: asyncio.run(self._answer(request))).result()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self._network.handle_async_request(asked)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


class Sender:
    """One council's own end: its children day by day, where they are read from, and what was sent so far."""

    def __init__(self, council: Council, folder: Path, seed: int, first: date) -> None:
        folder.mkdir()
        self.council, self.folder, self.made = council, folder, Made("", "", "")
        known = list(lives(made_people(council.children, seed, first), seed, first, mistakes=MISTAKES))
        self.lives = _in_the_week(known, first)
        self.gone = next(reversed(list(on_day(self.lives, first))))["la_child_id"]

    def children(self, night: int, day: date) -> list[dict[str, Any]]:
        """The children as the council's case system holds them on a day."""
        them = list(on_day(self.lives, day))
        purged = 0 <= self.council.purged <= night
        return [each for each in them if not (purged and each["la_child_id"] == self.gone)]

    def config(self) -> Config:
        """The settings that stand in the council's ``submit.toml``."""
        sending = Sending(pause=0.0, mode="delta", deletions="purge" if self.council.purged >= 0 else "report")
        if self.council.way is Way.SSD:
            source = Source(kind="ssd", database=f"sqlite:///{self.folder / 'ssd.sqlite'}")
            return Config(send=sending, source=source, folder=self.folder)
        there = [name for name in SECTIONS if (self.folder / "extracts" / f"{name}.csv").exists()]
        files = {name: Table(file=f"{name}.csv") for name in there}
        return Config(send=sending, source=Source(folder="extracts"), tables=files, folder=self.folder)

    def credentials(self) -> Credentials:
        """What stands in the council's ``.env``."""
        return Credentials(
            api_endpoint=HOST,
            token_endpoint=f"{HOST}/oauth2/token",
            la_code=self.council.number,
            client_id=self.made.client_id,
            client_secret=self.made.secret,
            scope="submit",
            supplier_key=self.made.supplier_key,
        )


def _in_the_week(known: Sequence[Life], first: date) -> list[Life]:
    """A third of the mistakes that stand on the first day are mended within the week, and a few new ones are made."""
    found, standing = [], 0
    fresh = list(NEW_MISTAKES)
    for life in known:
        slip = life.slip
        if slip is not None and slip.stands(first):
            standing += 1
            if standing % 3 == 0:
                slip = Slip(slip.name, slip.since, first + timedelta(days=2 + standing % 5))
        elif slip is None and fresh:
            slip = Slip(fresh.pop(), first + timedelta(days=3 + len(fresh)), None)
        found.append(msgspec.structs.replace(life, slip=slip))
    return found


@contextmanager
def sending(scene: Scene, settings: Settings, linked: Path, seed: int) -> Iterator[list[Happening]]:
    """What happens as the councils take part; the councils' own files are there until the end of the block."""
    from samechild.web.app import Around as AroundApp
    from samechild.web.app import create_app
    from samechild.web.limits import PACES, Pace
    from samechild.web.logs import log_to

    clock = Clock(scene.now)
    unhurried = AroundApp(log=log_to(io.StringIO()), paces=dict.fromkeys(PACES, Pace(10**9, 10**9)))
    app = create_app(scene.store, settings, now=lambda: clock.now, random=scene.random, around=unhurried)
    line = InProcess(app)
    first = (scene.now - timedelta(days=NIGHTS)).date()
    with tempfile.TemporaryDirectory(prefix="samechild-demo-councils-") as place:
        senders = [Sender(each, Path(place) / each.number, seed + at, first) for at, each in enumerate(COUNCILS)]
        begins = datetime.combine(first, time(9), scene.now.tzinfo) - timedelta(days=30)
        them = [_joins(scene, sender, linked, begins + timedelta(hours=at)) for at, sender in enumerate(senders)]
        for night in range(NIGHTS + 1):
            day = datetime.combine(first + timedelta(days=night), time(2, 10), scene.now.tzinfo)
            for at, sender in enumerate(senders):
                if night != sender.council.missed:
                    them.append(_night(scene, sender, clock, line, night, day + timedelta(minutes=20 * at)))
            them.append((day + timedelta(hours=2), lambda now: _morning(scene, now)))
        yield [each for each in [*them, *_talk(scene)] if each[0] < scene.now]


def children_held(store: Store) -> int:
    """How many children are held whom the councils sent."""
    counts = 0
    for feed in feeds_of(store):
        with store.read(Login.CONTENT, feed.owner) as connection:
            counts += len(all_children(connection, feed.owner, "", 1_000_000))
    return counts


# --- taking part ------------------------------------------------------------------------------------------------------


def _joins(scene: Scene, sender: Sender, linked: Path, when: datetime) -> Happening:
    """A council signs an agreement with the department, its feed is opened, and a system gets its credentials."""

    def happen(now: datetime) -> None:
        store, cast, council = scene.store, scene.cast, sender.council
        owner, officer = cast.of(council.short), cast.officer(council.short)
        set_codes(store, operator(), owner, {"la-code": council.number}, now)
        agreement = _agreed(scene, council.short, now)
        terms = Feed(
            feed=council.number,
            authority=council.number,
            owner=owner,
            agreement=agreement,
            categories=CATEGORIES,
            opened_at=now,
        )
        feed = open_feed(store, officer, terms, now)
        if council.way is Way.SUPPLIER:
            supplier = cast.of("supplier")
            sender.made = add_supplier_client(store, cast.people["supplier"], supplier, now, scene.random)
            name_supplier(store, operator(), feed, supplier, now, scene.random)
        else:
            made_by = "the council's data team" if council.way is Way.OWN else "Data to Insight"
            sender.made = add_client(store, operator(), feed, made_by, council.way, now, scene.random)
        if council.short in SPACES:
            data = cast.people[f"{council.short.partition(' ')[0]}-data-quality"]
            open_space(store, data, Space(space=owner, title="The council's own", members=(owner,)), now)
            model, frequencies = stored_model(linked / "model.json")
            keep_model(store, owner, model, frequencies or {}, now)
        month = f"{now:%Y-%m}"
        enter(store, officer, feed, month, _BURDEN[council.way], now, scene.random)

    return when, happen


_BURDEN: Mapping[Way, Mapping[str, int]] = {
    Way.OWN: {"first hours": 160, "hours": 9, "pounds": 0},
    Way.SSD: {"first hours": 55, "hours": 5, "pounds": 0},
    Way.SUPPLIER: {"first hours": 12, "hours": 2, "pounds": 4_500},
}
"""What each council entered: made up, as everything here."""


def _agreed(scene: Scene, short: str, now: datetime) -> str:
    """The agreement of a council with the department, for its three purposes, signed by both."""
    cast = scene.cast
    parties = (short, "department")
    rules = [
        Rule(
            effect=Effect.ALLOW,
            exception=False,
            modes=(mode,),
            record_types=RECORDS,
            purposes=("research", "evaluation", "development"),
            powers=("CA1989-s83",),
            bases=("6(1)(e)",),
            conditions=("Sch1-4",),
            confidences=confidences,
        )
        for mode, confidences in ((Mode.EXISTENCE, ()), (Mode.CONTENT, ("statute",)))
    ]
    draft = Agreement(
        agreement="",
        version=0,
        owner=cast.of(short),
        parties=tuple(cast.of(each) for each in parties),
        rules=tuple(rules),
        starts=now,
        ends=scene.now + timedelta(days=365),
    )
    made = write_agreement(scene.store, cast.officer(short), draft, "Daily children's social care data", now)
    for party in parties:
        sign_agreement(scene.store, cast.officer(party), made.agreement, made.version, now)
    return made.agreement


# --- nights and mornings ----------------------------------------------------------------------------------------------


def _night(scene: Scene, sender: Sender, clock: Clock, line: InProcess, night: int, when: datetime) -> Happening:
    """One council's run: what its case system holds is read, and what changed is sent."""

    def happen(now: datetime) -> None:
        clock.now = now
        around = Around(lambda: clock.now, lambda seconds: None, lambda: 0.5, line)
        children = sender.children(night, now.date())
        if sender.council.way is Way.SUPPLIER:
            _supplier_sends(sender, around, children, night)
        else:
            _council_sends(sender, around, children)
        process(scene.store, all_tables(), now)

    return when, happen


def _council_sends(sender: Sender, around: Around, children: Sequence[Mapping[str, Any]]) -> None:
    """``samechild submit``, as it runs at the council."""
    if sender.council.way is Way.SSD:
        (sender.folder / "ssd.sqlite").unlink(missing_ok=True)
        write_database(dataset_of(children), sender.folder / "ssd.sqlite")
    else:
        write_extracts(extracts_of(children), sender.folder / "extracts")
    config, credentials, now = sender.config(), sender.credentials(), around.clock()
    connection = Connection(config, credentials, around)
    with Tables(config, {}) as tables, open_status(config.state, config.key) as status:
        status.begin(credentials.address, now)
        job = Job(config, status, connection, around, Wanted(), Report(began=now.isoformat(), mode="delta"))
        submit(job, read_children(tables, now.date(), Built()))
        status.end(job.report.counts, now)
    connection.close()


def _supplier_sends(sender: Sender, around: Around, children: Sequence[Mapping[str, Any]], night: int) -> None:
    """A supplier's own client: everything, every night; once with a child whose number was lost on the way."""
    connection = Connection(sender.config(), sender.credentials(), around)
    for start in range(0, len(children), 100):
        some = list(children[start : start + 100])
        if night == 2 and start == 0:
            lost = [{**some[0], "la_child_id": ""}, *some[1:]]
            connection.post(msgspec.json.encode(lost))
        connection.post(msgspec.json.encode(some))
    connection.close()


def _morning(scene: Scene, now: datetime) -> None:
    """The rules look again at every child, and the day is counted."""
    for feed in feeds_of(scene.store):
        look_again(scene.store, feed, now)


def _talk(scene: Scene) -> list[Happening]:
    """A council raises a concern and the department answers; the department looks at the numbers."""
    store, cast, random = scene.store, scene.cast, scene.random
    asks, answers = cast.officer("other council"), cast.officer("department")

    def raised(now: datetime) -> None:
        raise_concern(store, asks, answers.organisation, "data sharing", CONCERN, now, random)

    def moved(action: str, note: str) -> Callable[[datetime], None]:
        def happen(now: datetime) -> None:
            for each in concerns(store, answers, now):
                move_concern(store, answers, each, action, note, now, random)

        return happen

    def looked(now: datetime) -> None:
        councils(store, cast.people["dfe-analyst"], "development", now)

    ago = timedelta(days=1)
    return [
        (scene.now - 5 * ago, looked),
        (scene.now - 4 * ago, raised),
        (scene.now - 3 * ago, moved("acknowledge", "")),
        (scene.now - 2 * ago, moved("answer", ANSWER)),
        (scene.now - ago, looked),
    ]
