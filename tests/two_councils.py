"""Two councils that send children's records to one department, through one supplier or by themselves; all invented."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from asking import a_line
from collecting import a_payload
from pages_served import UNHURRIED, Browser, Served
from samechild.cli.tables import all_tables
from samechild.collection import burden, concerns, credentials
from samechild.collection.beyond import CATEGORIES
from samechild.collection.credentials import Credentials
from samechild.collection.feeds import SENDING_ROLE, open_feed
from samechild.collection.processing import process
from samechild.collection.receiving import Sending, receive
from samechild.collection.records import Feed, Taken, Way
from samechild.collection.structure import read_batch
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.people import actions as people_actions
from samechild.policy.people.organisations import SANDBOX
from samechild.policy.people.store import user_of
from samechild.policy.records import Agreement
from samechild.policy.sign_in import sessions
from samechild.policy.sign_in.rules import SignInRules
from samechild.policy.sign_in.sessions import Arrival
from samechild.records.disclosure import Asker
from samechild.settings import Settings
from samechild.storage import Login, Store
from samechild.web.app import Around
from stores import a_store

BEGAN = timedelta(days=40)
ROLES = (
    "access-manager",
    "information-governance",
    "data-quality-officer",
    "quality-viewer",
    "preview-viewer",
    "dashboard-viewer",
    "analyst",
    "social-worker",
)
LETTERS = "abcdefgh"
LINE = {"purposes": ("research", "evaluation", "development"), "powers": ("CA1989-s83",), "bases": ("6(1)(e)",)}


@dataclass
class Council:
    """A council: its organisation, people by role, feed, sandbox, and the systems that send for it."""

    name: str
    number: str
    organisation: str = ""
    people: dict[str, str] = field(default_factory=dict)
    agreement: str = ""
    live: Feed | None = None
    sandbox: Feed | None = None
    made: dict[str, Credentials] = field(default_factory=dict)
    concern: str = ""

    def asker(self, role: str) -> Asker:
        """Somebody of the council in a role, as signed in with two factors."""
        return Asker(user=self.people[role], organisation=self.organisation, role=role, factors=2)

    @property
    def feed(self) -> Feed:
        """The council's feed."""
        assert self.live is not None
        return self.live


class World:
    """The installation: a department that runs it, two councils, a supplier, and browsers for their people."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.began = self.now - BEGAN
        self.department, self.analyst = self._organisation("department-for-education", "The Department"), ""
        self.officer = self._person(self.department, "information-governance")
        self.analyst = self._person(self.department, "analyst")
        self.supplier = self._organisation("system-supplier", "Casework Systems")
        self.supplier_manager = self._person(self.supplier, "access-manager")
        self.one = self.council("Alderford Council", "845")
        self.other = self.council("Brackmere Council", "846")
        around = Around(paces=UNHURRIED)
        self.server = Served(store, Settings(home=store.home), around, demo=False)
        self.server.now = self.now

    def _organisation(self, kind: str, name: str, **codes: str) -> str:
        return people_actions.add_organisation(
            self.store,
            people_actions.operator(),
            kind=kind,
            name=name,
            now=self.began,
            random=os.urandom,
            codes={code.replace("_", "-"): value for code, value in codes.items()},
        )

    def _person(self, organisation: str, role: str, name: str = "") -> str:
        us = people_actions.operator()
        email = f"{os.urandom(6).hex()}@staff.example"
        user = people_actions.add_user(
            self.store, us, organisation, name or f"Somebody, {role}", email, self.began, os.urandom
        )
        people_actions.grant_role(self.store, us, user, role, self.began, os.urandom)
        return user

    def council(self, name: str, number: str) -> Council:
        made = Council(name, number, self._organisation("local-authority", name, la_code=number))
        made.people = {role: self._person(made.organisation, role, f"{name}'s {role}") for role in ROLES}
        made.agreement = self._agreement(made)
        usual: dict[str, Any] = {
            "authority": number,
            "agreement": made.agreement,
            "categories": CATEGORIES,
            "opened_at": self.began,
        }
        us = people_actions.operator()
        made.live = open_feed(self.store, us, Feed(feed=number, owner=made.organisation, **usual), self.began)
        made.sandbox = open_feed(
            self.store, us, Feed(feed=number + SANDBOX, owner=made.organisation + SANDBOX, **usual), self.began
        )
        manager = made.asker("access-manager")
        for feed in (made.live, made.sandbox):
            made.made[feed.feed] = credentials.add_client(
                self.store, manager, feed, f"Data team of {number}", Way.OWN, self.began, os.urandom
            )
        return made

    def _agreement(self, council: Council) -> str:
        officers = {
            council.organisation: council.asker("information-governance"),
            self.department: Asker(
                user=self.officer, organisation=self.department, role="information-governance", factors=2
            ),
        }
        draft = Agreement(
            agreement="",
            version=0,
            owner=council.organisation,
            parties=(council.organisation, self.department),
            rules=(a_line(**LINE),),
            starts=self.began,
            ends=self.now + BEGAN,
        )
        kept = write_agreement(
            self.store, officers[council.organisation], draft, f"Daily collection of {council.name}", self.began
        )
        for officer in officers.values():
            sign_agreement(self.store, officer, kept.agreement, kept.version, self.began)
        return kept.agreement

    def browser(self, user: str, role: str = "") -> Browser:
        """A browser in which somebody is signed in with two factors."""
        with self.store.read(Login.GATE) as gate:
            found = user_of(gate, user)
        assert found is not None
        arrival = Arrival(user=found, factors=2, method="local")
        rules = SignInRules(idle=timedelta(hours=8))
        token = sessions.start(self.store, arrival, self.server.now, os.urandom, rules)
        if role:
            token = sessions.choose_role(self.store, token, role, self.server.now, os.urandom)
        opened = self.server.browser()
        opened.take(token)
        return opened

    def send(
        self,
        council: Council,
        *children: dict[str, Any],
        now: datetime | None = None,
        request: str = "r1",
        sandbox: bool = False,
        made: Credentials | None = None,
    ) -> Taken:
        """Send children as the door does, by the council's own system or with the credentials given."""
        feed = council.number + (SANDBOX if sandbox else "")
        whose = council.organisation + (SANDBOX if sandbox else "")
        its = made or council.made[feed]
        by = Asker(user=its.client_id, organisation=self.supplier if made else whose, role=SENDING_ROLE)
        body = msgspec.json.encode(list(children))
        sending = Sending(
            authority=council.number,
            body=read_batch(body),
            request_id=request,
            sent_bytes=len(body),
            supplier_key=its.supplier_key,
            sandbox=sandbox,
            digest=body,
            partial=True,
            began=time.perf_counter(),
        )
        return receive(self.store, by, sending, now or self.now, os.urandom)

    def work_off(self, now: datetime | None = None) -> int:
        """Merge, check and identify what waits."""
        return process(self.store, all_tables(), now or self.now)


def a_weeks_sending(world: World, *names: tuple[Council, str]) -> None:
    """Each council, with a word for its children: two of them for a week, one with an error that is put right.

    Then a concern is raised, hours and money are entered. The ledger knows one order of time, so they take turns.
    """
    for back in range(7, -1, -1):
        now = world.now - timedelta(days=back)
        for council, word in names:
            wrong = {"closure_date": "2026-01-01" if back > 2 else "2026-05-01", "closure_reason": "RC1"}
            details = {"surname": word, "first_name": word}
            children = (
                a_payload(f"{word}1", details=details, episode=wrong),
                a_payload(f"{word}2", details=details),
            )
            world.send(council, *children, now=now, request=f"{word.lower()}{LETTERS[back]}")
        world.work_off(now)
    for council, word in names:
        officer = council.asker("information-governance")
        council.concern = concerns.raise_concern(
            world.store, officer, world.department, "data sharing", f"{word} is concerned.", world.now, os.urandom
        )
        amounts = {burden.FIRST_HOURS: 7_654_000 + int(council.number), burden.HOURS: 12, burden.POUNDS: 300}
        burden.enter(world.store, officer, council.feed, f"{world.now:%Y-%m}", amounts, world.now, os.urandom)


@contextmanager
def a_collection(kind: str = "sqlite") -> Iterator[World]:
    """A fresh installation with the two councils."""
    with a_store(kind) as store:
        yield World(store)
