"""Feeds on each kind of database: opened under an agreement, sent to by who is named, refused in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from asking import DAY, NOW, a_line
from gate import OPERATOR, a_signed_agreement, a_world, an_officer, give
from samechild.collection import credentials, feeds_store
from samechild.collection.beyond import CATEGORIES
from samechild.collection.credentials import Credentials
from samechild.collection.feeds import (
    SENDING_ROLE,
    agreed,
    change_feed,
    close_feed,
    feed_of,
    feeds_of,
    may_send,
    open_feed,
    processor_of,
)
from samechild.collection.records import Feed, Way
from samechild.errors import Conflict, Invalid, Missing, Refused, Unauthenticated
from samechild.policy import ledger
from samechild.policy.agreement_actions import sign_agreement, withdraw_agreement, write_agreement
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.records import Agreement
from samechild.policy.sign_in.tokens import IssuedToken, client_of, issue_token
from samechild.records.disclosure import Asker
from samechild.settings import Settings
from samechild.storage import Login, Store
from stores import KINDS, a_store

KINDS_HERE = {
    "council": "local-authority",
    "other": "local-authority",
    "dfe": "department-for-education",
    "casework": "system-supplier",
}
MANAGER = Asker(user="manager", organisation="council", role="access-manager", factors=2)
OTHER_MANAGER = Asker(user="other-manager", organisation="other", role="access-manager", factors=2)
SUPPLIER_MANAGER = Asker(user="supplier-manager", organisation="casework", role="access-manager", factors=2)
OFFICER = an_officer("council")
NUMBERS = {"council": "845", "other": "846"}


def a_feed(agreement: str, owner: str = "council", *, sandbox: bool = False, **given: Any) -> Feed:
    number = NUMBERS[owner]
    usual = {
        "feed": number + ("-sandbox" if sandbox else ""),
        "authority": number,
        "owner": owner + ("-sandbox" if sandbox else ""),
        "agreement": agreement,
        "categories": CATEGORIES,
        "opened_at": NOW,
    }
    return Feed(**{**usual, **given})


def an_agreement_of(store: Store, owner: str = "council", **given: Any) -> Agreement:
    line = a_line(purposes=("research",), powers=("CA1989-s83",), bases=("6(1)(e)",))
    return a_signed_agreement(store, **{"owner": owner, "parties": (owner, "dfe"), "rules": (line,), **given})


def two_councils(store: Store) -> None:
    """Two councils with numbers, the department, a supplier, and their access managers."""
    a_world(store, KINDS_HERE)
    for organisation, number in NUMBERS.items():
        people_actions.set_codes(store, people_actions.operator(), organisation, {"la-code": number}, NOW)
    with store.write(Login.GATE) as gate:
        for person in (MANAGER, OTHER_MANAGER, SUPPLIER_MANAGER):
            give(gate, person)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as fresh:
        two_councils(fresh)
        yield fresh


@pytest.fixture
def small() -> Iterator[Store]:
    """On SQLite alone, for what does not depend on the database."""
    with a_store() as fresh:
        two_councils(fresh)
        yield fresh


def opened(store: Store, owner: str = "council", **given: Any) -> Feed:
    return open_feed(store, OPERATOR, a_feed(an_agreement_of(store, owner).agreement, owner, **given), NOW)


def made(store: Store, feed: Feed, by: Asker = MANAGER) -> tuple[Asker, Credentials]:
    """A system of a council's own, as the door knows it, with its credentials."""
    its = credentials.add_client(store, by, feed, "Own data team", Way.OWN, NOW, os.urandom)
    return Asker(user=its.client_id, organisation=feed.owner, role=SENDING_ROLE), its


def test_a_feed_is_opened_changed_closed_and_opened_again(store: Store) -> None:
    feed = opened(store)
    assert feed_of(store, "845", False, NOW) == feed
    assert feeds_of(store) == [feed]
    assert feeds_of(store, ["other"]) == []
    with pytest.raises(Conflict):
        open_feed(store, OPERATOR, feed, NOW)
    changed = change_feed(store, OFFICER, replace(feed, months=36, categories=("child_details",)), NOW + DAY)
    assert feed_of(store, "845", False, NOW + DAY) == changed
    assert (changed.months, changed.opened_at) == (36, feed.opened_at)
    close_feed(store, OFFICER, "845", NOW + 2 * DAY)
    close_feed(store, OFFICER, "845", NOW + 3 * DAY)
    with pytest.raises(Refused, match="closed on 4 November 2026"):
        feed_of(store, "845", False, NOW + 2 * DAY)
    with pytest.raises(Missing):
        change_feed(store, OFFICER, changed, NOW + 2 * DAY)
    again = open_feed(store, OFFICER, changed, NOW + 3 * DAY)
    assert feed_of(store, "845", False, NOW + 3 * DAY) == again
    with store.read(Login.GATE) as gate:
        events = [entry.body["event"] for entry in ledger.entries(gate, kind="feed")]
    assert events == ["opened", "closed", "closed", "changed", "opened"]


def test_a_sandbox_belongs_to_an_organisation_of_its_own(store: Store) -> None:
    live = opened(store)
    sandbox = open_feed(store, OPERATOR, a_feed(live.agreement, sandbox=True), NOW)
    assert sandbox.sandbox
    assert feed_of(store, "845", True, NOW) == sandbox
    with store.read(Login.GATE) as gate:
        its = people_store.organisation_of(gate, "council-sandbox")
        facts = people_store.role_facts(gate, "collection-845-sandbox", "council-sandbox", SENDING_ROLE, NOW)
    assert its is not None
    assert (its.kind, its.codes, its.host) == ("local-authority", {}, False)
    assert facts is not None
    assert facts.role_from == NOW
    assert agreed(store, sandbox, NOW) == agreed(store, live, NOW)
    one, its_own = made(store, live)
    two, tried = made(store, sandbox)
    assert may_send(store, two, sandbox, tried.supplier_key, NOW).client == two.user
    for asker, feed, key in ((one, sandbox, its_own.supplier_key), (two, live, tried.supplier_key)):
        with pytest.raises(Refused, match="may not send"):
            may_send(store, asker, feed, key, NOW)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"authority": "846", "feed": "846"}, Invalid),
        ({"feed": "999"}, Invalid),
        ({"owner": "nobody"}, Missing),
        ({"owner": "other"}, Invalid),
        ({"agreement": "none"}, Missing),
        ({"categories": ()}, Invalid),
        ({"categories": ("names",)}, Invalid),
        ({"months": 0}, Invalid),
        ({"feed": "845-sandbox", "owner": "council-sandbox", "months": 999}, Invalid),
    ],
)
def test_terms_that_do_not_fit_together_are_refused(small: Store, changes: dict[str, Any], error: type) -> None:
    agreement = an_agreement_of(small).agreement
    with pytest.raises(error):
        open_feed(small, OPERATOR, replace(a_feed(agreement), **changes), NOW)
    assert feeds_of(small) == []


def test_only_officers_of_the_parties_open_a_feed(small: Store) -> None:
    feed = a_feed(an_agreement_of(small).agreement)
    for by in (MANAGER, an_officer("other"), OTHER_MANAGER):
        with pytest.raises(Refused):
            open_feed(small, by, feed, NOW)
    open_feed(small, an_officer("dfe"), feed, NOW)
    with pytest.raises(Refused):
        close_feed(small, an_officer("other"), "845", NOW)
    with pytest.raises(Missing):
        close_feed(small, OFFICER, "999", NOW)


def test_nothing_is_taken_without_an_agreement_in_force(store: Store) -> None:
    line = a_line(purposes=("research",), powers=("CA1989-s83",), bases=("6(1)(e)",))
    written = write_agreement(
        store,
        OFFICER,
        Agreement(
            agreement="",
            version=0,
            owner="council",
            parties=("council", "dfe"),
            rules=(line,),
            starts=NOW + DAY,
            ends=NOW + 3 * DAY,
        ),
        "Daily collection",
        NOW,
    )
    feed = open_feed(store, OPERATOR, a_feed(written.agreement), NOW)
    with pytest.raises(Refused, match="not signed"):
        agreed(store, feed, NOW + DAY)
    for party in ("council", "dfe"):
        sign_agreement(store, an_officer(party), written.agreement, 1, NOW)
    with pytest.raises(Refused, match="begins on 3 November 2026"):
        agreed(store, feed, NOW)
    assert agreed(store, feed, NOW + DAY).agreement == written.agreement
    with pytest.raises(Refused, match="ended on 5 November 2026"):
        agreed(store, feed, NOW + 3 * DAY)
    withdraw_agreement(store, an_officer("dfe"), written.agreement, NOW + DAY)
    with pytest.raises(Refused, match="withdrawn"):
        agreed(store, feed, NOW + DAY)
    with pytest.raises(Refused, match="no data sharing agreement"):
        agreed(store, replace(feed, agreement="gone"), NOW)


def test_an_agreement_of_another_council_opens_nothing(small: Store) -> None:
    feed = opened(small)
    others = an_agreement_of(small, "other")
    with pytest.raises(Refused, match="Nothing is taken"):
        agreed(small, replace(feed, agreement=others.agreement), NOW)


def test_who_may_send_is_named_and_holds_the_key(store: Store) -> None:
    feed, others = opened(store), opened(store, "other")
    asker, its = made(store, feed)
    sender = may_send(store, asker, feed, its.supplier_key, NOW)
    assert (sender.client, sender.supplier, sender.way) == (its.client_id, "Own data team", Way.OWN)
    stranger, strange = made(store, others, OTHER_MANAGER)
    for key in ("", "wrong", strange.supplier_key, its.secret, its.supplier_key + "x", "x" * 10_000):
        with pytest.raises(Refused, match="supplier key"):
            may_send(store, asker, feed, key, NOW)
    for who, key in (
        (stranger, strange.supplier_key),
        (stranger, its.supplier_key),
        (replace(asker, organisation="other"), its.supplier_key),
        (replace(asker, role="data-quality-officer"), its.supplier_key),
        (processor_of(feed), its.supplier_key),
    ):
        with pytest.raises(Refused, match="may not send"):
            may_send(store, who, feed, key, NOW)


def test_credentials_work_at_the_token_endpoint_until_they_end(store: Store) -> None:
    feed = opened(store)
    asker, its = made(store, feed)

    def token(secret: str, after: timedelta = timedelta()) -> object:
        form = {"grant_type": "client_credentials", "client_id": its.client_id, "client_secret": secret}
        return issue_token(store, {**form, "scope": "submit"}, "", [], NOW + after, os.urandom)

    issued = token(its.secret)
    assert isinstance(issued, IssuedToken)
    assert client_of(store, issued.access_token, NOW).asker == asker
    fresh = credentials.rotate_client(store, MANAGER, its.client_id, NOW, os.urandom)
    for secret, key in ((its.secret, its.supplier_key), (fresh.secret, fresh.supplier_key)):
        assert isinstance(token(secret), IssuedToken)
        may_send(store, asker, feed, key, NOW)
    later = NOW + timedelta(days=8)
    assert not isinstance(token(its.secret, timedelta(days=8)), IssuedToken)
    with pytest.raises(Refused, match="supplier key"):
        may_send(store, asker, feed, its.supplier_key, later)
    may_send(store, asker, feed, fresh.supplier_key, later)
    credentials.end_client(store, MANAGER, its.client_id, NOW)
    credentials.end_client(store, MANAGER, its.client_id, NOW)
    with pytest.raises(Refused, match="may not send"):
        may_send(store, asker, feed, fresh.supplier_key, NOW)
    with pytest.raises(Unauthenticated):
        client_of(store, issued.access_token, NOW)
    with pytest.raises(Missing):
        credentials.rotate_client(store, MANAGER, its.client_id, NOW, os.urandom)


def test_credentials_are_the_own_access_managers_business(small: Store) -> None:
    feed = opened(small)
    _, its = made(small, feed)
    for by in (OTHER_MANAGER, SUPPLIER_MANAGER, OFFICER, replace(MANAGER, factors=1)):
        with pytest.raises(Refused):
            credentials.add_client(small, by, feed, "X", Way.OWN, NOW, os.urandom)
        with pytest.raises((Refused, Missing)):
            credentials.end_client(small, by, its.client_id, NOW)
        with pytest.raises((Refused, Missing)):
            credentials.rotate_client(small, by, its.client_id, NOW, os.urandom)
    for name in ("", "   ", "x" * 81, "a\x00b"):
        with pytest.raises(Invalid):
            credentials.add_client(small, MANAGER, feed, name, Way.OWN, NOW, os.urandom)
    with pytest.raises(Invalid):
        credentials.add_client(small, MANAGER, feed, "X", Way.OWN, NOW, os.urandom, valid_until=NOW)
    assert [each.client for each in credentials.clients_of(small, [feed])] == [its.client_id]


def test_credentials_with_an_end_date_end(small: Store) -> None:
    feed = opened(small)
    its = credentials.add_client(small, MANAGER, feed, "X", Way.SSD, NOW, os.urandom, valid_until=NOW + DAY)
    asker = Asker(user=its.client_id, organisation="council", role=SENDING_ROLE)
    assert may_send(small, asker, feed, its.supplier_key, NOW).way is Way.SSD
    with pytest.raises(Refused):
        may_send(small, asker, feed, its.supplier_key, NOW + DAY)


def test_a_supplier_sends_for_the_councils_that_name_it(store: Store) -> None:
    feed, others = opened(store), opened(store, "other")
    its = credentials.add_supplier_client(store, SUPPLIER_MANAGER, "casework", NOW, os.urandom)
    asker = Asker(user=its.client_id, organisation="casework", role=SENDING_ROLE)
    for each in (feed, others):
        with pytest.raises(Refused, match="may not send"):
            may_send(store, asker, each, its.supplier_key, NOW)
    for by in (OTHER_MANAGER, SUPPLIER_MANAGER, OFFICER):
        with pytest.raises(Refused):
            credentials.name_supplier(store, by, feed, "casework", NOW, os.urandom)
    credentials.name_supplier(store, MANAGER, feed, "casework", NOW, os.urandom)
    with pytest.raises(Conflict):
        credentials.name_supplier(store, MANAGER, feed, "casework", NOW, os.urandom)
    assert may_send(store, asker, feed, its.supplier_key, NOW).way is Way.SUPPLIER
    with pytest.raises(Refused):
        may_send(store, asker, others, its.supplier_key, NOW)
    credentials.name_supplier(store, OTHER_MANAGER, others, "casework", NOW, os.urandom)
    assert {each.feed for each in credentials.naming(store, "casework", NOW)} == {"845", "846"}
    with pytest.raises(Refused):
        credentials.unname_supplier(store, OTHER_MANAGER, feed, "casework", NOW)
    credentials.unname_supplier(store, MANAGER, feed, "casework", NOW + DAY)
    credentials.unname_supplier(store, MANAGER, feed, "casework", NOW + DAY)
    with pytest.raises(Refused):
        may_send(store, asker, feed, its.supplier_key, NOW + DAY)
    may_send(store, asker, others, its.supplier_key, NOW + DAY)
    assert [each.feed for each in credentials.named_by(store, [feed, others], NOW + DAY)] == ["846"]
    credentials.end_client(store, SUPPLIER_MANAGER, its.client_id, NOW + DAY)
    with pytest.raises(Refused):
        may_send(store, asker, others, its.supplier_key, NOW + DAY)


def test_only_suppliers_are_named_as_suppliers(small: Store) -> None:
    feed = opened(small)
    for whose in ("other", "dfe", "nobody"):
        with pytest.raises(Missing):
            credentials.name_supplier(small, MANAGER, feed, whose, NOW, os.urandom)
        with pytest.raises(Missing):
            credentials.add_supplier_client(small, OPERATOR, whose, NOW, os.urandom)
    with pytest.raises(Refused):
        credentials.add_supplier_client(small, MANAGER, "casework", NOW, os.urandom)


def test_of_secret_and_key_only_digests_are_kept_and_nothing_prints_them(small: Store) -> None:
    feed = opened(small)
    _, its = made(small, feed)
    assert its.secret not in repr(its)
    assert its.supplier_key not in repr(its)
    with small.read(Login.GATE) as gate:
        rows = repr([tuple(row) for row in gate.execute(feeds_store.feed_keys.select())])
        written = repr(ledger.entries(gate, limit=1000))
    for hidden in (its.secret, its.supplier_key):
        assert hidden not in rows + written


def test_credentials_are_written_as_councils_clients_load_them(small: Store) -> None:
    feed = opened(small)
    sandbox = open_feed(small, OPERATOR, a_feed(feed.agreement, sandbox=True), NOW)
    its = Credentials("an-id", "a-secret", "a-key")
    settings = Settings(home=small.home, public_url="https://collect.example.org/", collect_path="/receiver/1")
    assert credentials.env_lines(its, feed, settings).splitlines() == [
        "API_ENDPOINT=https://collect.example.org/receiver/1",
        "TOKEN_ENDPOINT=https://collect.example.org/oauth2/token",
        "LA_CODE=845",
        "CLIENT_ID=an-id",
        "CLIENT_SECRET=a-secret",
        "SCOPE=submit",
        "SUPPLIER_KEY=a-key",
    ]
    plain = credentials.env_lines(its, sandbox, Settings(home=small.home))
    assert plain.startswith("API_ENDPOINT=http://127.0.0.1:8000/sandbox\n")


def test_a_number_belongs_to_one_council(small: Store) -> None:
    with pytest.raises(Conflict):
        people_actions.set_codes(small, people_actions.operator(), "other", {"la-code": "845"}, NOW)
    with pytest.raises(Invalid):
        people_actions.set_codes(small, people_actions.operator(), "other", {"la-code": "84"}, NOW)
    with pytest.raises(Refused):
        people_actions.set_codes(small, MANAGER, "council", {"la-code": "999"}, NOW)
    with pytest.raises(Missing):
        people_actions.set_codes(small, people_actions.operator(), "nobody", {"la-code": "999"}, NOW)
