"""Three weeks of a council's daily records behind the pages: mistakes made and mended, a night missed, a child gone."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import msgspec

from asking import a_line, an_agreement
from gate import an_officer, give
from pages_served import Served
from samechild.cli.tables import all_tables
from samechild.collection import feeds_store
from samechild.collection.beyond import CATEGORIES
from samechild.collection.credentials import add_client
from samechild.collection.feeds import feeds_of, open_feed
from samechild.collection.processing import process
from samechild.collection.receiving import Sending, receive
from samechild.collection.records import Feed, Way
from samechild.collection.structure import read_batch
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.people.actions import operator, set_codes
from samechild.policy.people.organisations import SANDBOX
from samechild.policy.shown import organisations
from samechild.policy.sign_in.opaque import digest
from samechild.records.disclosure import Asker, Mode
from samechild.storage import Login, Store
from samechild.town.case_errors import BY_NAME, put_in
from samechild.town.case_people import made_people
from samechild.town.social_care import as_at, lives

COUNCIL, OTHER, DFE = "Fernshire Council", "Larkmouth Council", "Department for Education"
KEY = "a-supplier-key-for-tests"
DAYS, SEED = 21, 7
MISSED = (16,)
"""Days on which nothing is sent though something usually is."""


def system_of(council: str) -> Asker:
    """The system that sends for a council."""
    return Asker(user=f"system-{council}", organisation=council, role="submitting-system", factors=2)


def sending_councils(server: Served) -> dict[str, str]:
    """Two councils with feeds 845 and 846 under agreements with the department; their ids by name."""
    store, of = server.store, {each.name: each.organisation for each in organisations(server.store)}
    for number, name in ((845, COUNCIL), (846, OTHER)):
        a_feed(store, server, of[name], of[DFE], str(number))
    return of


def a_feed(store: Store, server: Served, council: str, dfe: str, authority: str) -> None:
    """Let a council send, and the department see counts."""
    now, system = server.now, system_of(council)
    set_codes(store, operator(), council, {"la-code": authority}, now)
    with store.write(Login.GATE) as connection:
        for person in (an_officer(council), an_officer(dfe), system):
            if authority == "845" or person.organisation != dfe:
                give(connection, person)
    draft = an_agreement(
        agreement="",
        version=0,
        owner=council,
        parties=(council, dfe),
        rules=(
            a_line(
                modes=(Mode.EXISTENCE,),
                purposes=("development", "evaluation"),
                powers=("CA1989-s83",),
                bases=("6(1)(e)",),
                conditions=("Sch1-4",),
            ),
        ),
        starts=now - timedelta(days=1),
        ends=now + timedelta(days=300),
        signed_by=(),
    )
    made = write_agreement(store, an_officer(council), draft, "Daily collection", now)
    for party in made.parties:
        sign_agreement(store, an_officer(party), made.agreement, made.version, now)
    feed = Feed(
        feed=authority,
        authority=authority,
        owner=council,
        agreement=made.agreement,
        categories=CATEGORIES,
        opened_at=now,
    )
    open_feed(store, an_officer(council), feed, now)
    with store.write(Login.GATE) as connection:
        feeds_store.keep_client(
            connection,
            client=system.user,
            organisation=council,
            feed=authority,
            supplier="",
            way=Way.OWN.value,
            valid_from=now,
            valid_until=None,
            added_by="test",
        )
        feeds_store.keep_key(connection, digest(KEY + authority), system.user, now)


def sandbox_tried(server: Served, name: str = COUNCIL, count: int = 12) -> None:
    """Open a council's sandbox on the terms of its feed, and try it out with made-up children, each with a mistake."""
    council = {each.name: each.organisation for each in organisations(server.store)}[name]
    (live,) = feeds_of(server.store, [council])
    feed = msgspec.structs.replace(live, feed=f"{live.feed}{SANDBOX}", owner=f"{council}{SANDBOX}")
    open_feed(server.store, an_officer(council), feed, server.now)
    manager = Asker(user="the-manager", organisation=council, role="access-manager", factors=2)
    with server.store.write(Login.GATE) as connection:
        give(connection, manager)
    made = add_client(server.store, manager, feed, "Trial of our own", Way.OWN, server.now, os.urandom)
    people = [
        as_at(life, server.now.date())
        for life in lives(made_people(count, SEED + 1, server.now.date()), SEED, server.now.date())
    ]
    them = [{**as_sent(one, at, at % 17), "la_child_id": f"TRIAL{at}"} for at, one in enumerate(people) if one]
    body = msgspec.json.encode(them)
    sending = Sending(
        authority=live.authority,
        sandbox=True,
        body=read_batch(body),
        request_id="trial",
        sent_bytes=len(body),
        supplier_key=made.supplier_key,
        digest=body,
    )
    system = Asker(user=made.client_id, organisation=feed.owner, role="submitting-system", factors=2)
    receive(server.store, system, sending, server.now, os.urandom)
    process(server.store, all_tables(), server.now)


def send(server: Served, council: str, authority: str, them: list[dict[str, Any]], request: str) -> None:
    """Send children as a council's system does, a hundred at a time, and work them off."""
    for start in range(0, max(1, len(them)), 100):
        body = msgspec.json.encode(them[start : start + 100])
        sending = Sending(
            authority=authority,
            body=read_batch(body),
            request_id=f"{request}-{start // 100}",
            sent_bytes=len(body),
            supplier_key=KEY + authority,
            digest=body,
        )
        receive(server.store, system_of(council), sending, server.now, os.urandom)
    process(server.store, all_tables(), server.now)


def three_weeks(server: Served, count: int = 60, authority: str = "845", name: str = COUNCIL) -> None:
    """Send a council's children for three weeks, everybody on each weekday; the server's clock goes along."""
    council = {each.name: each.organisation for each in organisations(server.store)}[name]
    begun = last = server.now
    people = list(lives(made_people(count, SEED, begun.date()), SEED, begun.date()))
    for number in range(DAYS):
        server.now = begun + timedelta(days=number)
        if server.now.weekday() < 5 and number not in MISSED:
            shown = [as_at(life, server.now.date()) for life in people]
            them: list[dict[str, Any]] = [as_sent(one, at, number) for at, one in enumerate(shown) if one is not None]
            send(server, council, authority, them[:-2] if number > DAYS - 6 else them, f"day-{number}")
            last = server.now
        if number == 9:
            wrong: list[dict[str, Any]] = [{"la_child_id": "not an id"}, {"la_child_id": "X1", "colour": 1}]
            send(server, council, authority, wrong, "wrong")
    server.now = last + timedelta(hours=9)


def as_sent(child: dict[str, Any], number: int, day: int) -> dict[str, Any]:
    """A child as it is sent on a day: two in three have a mistake, made on some day and often mended later."""
    names = sorted(BY_NAME)
    made, mended = number % 17, 99 if number % 3 else number % 17 + 4
    if number % 3 == 2 or not made <= day < mended:
        return child
    for step in range(len(names)):
        spoilt = put_in(child, names[(number * 5 + step) % len(names)])
        if spoilt is not None:
            return spoilt
    return child
