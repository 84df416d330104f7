"""Credentials for systems that send: made, shown once, rotated and ended by the council's own access manager.

A system has three things: an id, a secret, for which it gets a token, and a supplier key, which says that it is the one
the council named. Of secret and key only digests are kept. A supplier has one system for every council that names it;
each council names and unnames it by itself.

Sources: RFC 6749 section 2.3; UK GDPR Article 28 (a processor acts for a controller that named it).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.collection import feeds_store as tables
from samechild.collection.feeds import SENDING_ROLE, council_of, feeds_of
from samechild.collection.records import Feed, Way
from samechild.errors import Conflict, Invalid, Missing
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.people import actions as people_actions
from samechild.policy.people import store as people_store
from samechild.policy.people.organisations import SANDBOX, Organisation, is_active, kinds
from samechild.policy.people.rules import OPERATOR
from samechild.policy.sign_in.clients import OVERLAP, new_client_secret, register_client
from samechild.policy.sign_in.opaque import digest, new_id, new_token
from samechild.records.disclosure import Asker
from samechild.records.types import Sector
from samechild.settings import Settings
from samechild.storage import Login, Store

SCOPE = "submit"
LONGEST_NAME = 80
NO_CLIENT = "There is no such system that you look after."


class Credentials(msgspec.Struct, frozen=True):
    """What a system needs to send: its id, and its secret and supplier key, shown once. It prints neither of these."""

    client_id: str
    secret: str
    supplier_key: str

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r}, secret=hidden, supplier_key=hidden)"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A system that sends, as its council or supplier sees it; ``feed`` is empty for a supplier's own."""

    client: str
    organisation: str
    feed: str
    supplier: str
    way: Way
    valid_from: datetime
    valid_until: datetime | None


class Named(msgspec.Struct, frozen=True):
    """A supplier that a feed names, and since when."""

    feed: str
    supplier: str
    since: datetime


def add_client(
    store: Store,
    by: Asker,
    feed: Feed,
    supplier: str,
    way: Way,
    now: datetime,
    random: Random,
    *,
    valid_until: datetime | None = None,
) -> Credentials:
    """Make credentials of a council's own, to send for one feed; secret and key are shown once.

    Args:
        store: the open installation.
        by: the council's access manager, or the machine's operator.
        feed: the feed, or its sandbox.
        supplier: who made what sends, in words: a company, or the council's own team.
        way: which of the three routes it is.
        now: when. random: where random bytes come from.
        valid_until: from when it may send no more.

    Raises:
        Refused: when somebody else asks. Invalid: when the name cannot be used.
    """
    with store.read(Login.GATE) as gate:
        people_actions.manage(gate, by, council_of(feed), now)
    return _made(store, by, feed.owner, feed.feed, supplier, way, now, random, valid_until)


def add_supplier_client(store: Store, by: Asker, supplier: str, now: datetime, random: Random) -> Credentials:
    """Make credentials of a supplier's own, to send for every council that names the supplier.

    ``by`` is the supplier's access manager, or the machine's operator; ``supplier`` the id of its organisation.

    Raises:
        Refused: when somebody else asks. Missing: when there is no such supplier.
    """
    found = _supplier(store, supplier, now)
    with store.read(Login.GATE) as gate:
        people_actions.manage(gate, by, supplier, now)
    return _made(store, by, supplier, "", found.name[:LONGEST_NAME], Way.SUPPLIER, now, random, None)


def _made(
    store: Store,
    by: Asker,
    organisation: str,
    feed: str,
    supplier: str,
    way: Way,
    now: datetime,
    random: Random,
    valid_until: datetime | None,
) -> Credentials:
    name = " ".join(supplier.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"Say who made what sends, in {LONGEST_NAME} letters or fewer.")
    if valid_until is not None and valid_until <= now:
        raise Invalid("The credentials would have ended already: look at the date.")
    us = _at_machine(by)  # who may was asked already; a sandbox has no access manager of its own
    made = register_client(
        store, us, organisation, f"{name}, sends {feed or 'for councils'}", (SCOPE,), now, random,
        valid_until=valid_until,
    )  # fmt: skip
    people_actions.grant_role(store, us, made.client_id, SENDING_ROLE, now, random, valid_until=valid_until)
    key = new_token(random)
    _tell(store, by, "client-added", now, organisation, user=made.client_id, feed=feed, supplier=name, way=way.value)
    with store.write(Login.GATE) as gate:
        tables.keep_client(
            gate,
            client=made.client_id,
            organisation=organisation,
            feed=feed,
            supplier=name,
            way=way.value,
            valid_from=now,
            valid_until=valid_until,
            added_by=by.user,
        )
        tables.keep_key(gate, digest(key), made.client_id, now)
    return Credentials(made.client_id, made.secret, key)


def rotate_client(store: Store, by: Asker, client: str, now: datetime, random: Random) -> Credentials:
    """Make a new secret and a new supplier key for a system; the old ones work for another week.

    Raises:
        Missing: when there is no such system that the asker looks after. Refused: when the asker is no access manager.
    """
    found = managed(store, by, client, now)
    secret = new_client_secret(store, _at_machine(by), client, now, random)
    key = new_token(random)
    _tell(store, by, "client-rotated", now, found.organisation, user=client, feed=found.feed)
    with store.write(Login.GATE) as gate:
        tables.limit_keys(gate, client, now + OVERLAP)
        tables.keep_key(gate, digest(key), client, now)
    return Credentials(client, secret, key)


def end_client(store: Store, by: Asker, client: str, now: datetime) -> None:
    """End a system: its secret, key, role and tokens hold no more from now on. Asked again, it changes nothing.

    Raises:
        Missing: when there is no such system that the asker looks after. Refused: when the asker is no access manager.
    """
    found = managed(store, by, client, now)
    with store.write(Login.GATE) as gate:
        tables.end_client(gate, client, now)
    people_actions.leaver(store, _at_machine(by), client, now)
    _tell(store, by, "client-ended", now, found.organisation, user=client, feed=found.feed)


def seen(store: Store, by: Asker, client: str) -> Client:
    """A system of one's own organisation, or of its sandbox.

    Raises:
        Missing: when there is none, or it is another organisation's.
    """
    with store.read(Login.GATE) as gate:
        row = tables.client_kept(gate, client)
    if row is None or row.organisation.removesuffix(SANDBOX) != by.organisation:
        raise Missing(NO_CLIENT)
    return _client(row)


def managed(store: Store, by: Asker, client: str, now: datetime) -> Client:
    """A system that somebody may rotate or end.

    Raises:
        Missing: when there is none, or another organisation looks after it.
        Refused: when the asker is no access manager.
    """
    with store.read(Login.GATE) as gate:
        row = tables.client_kept(gate, client)
        if row is None:
            raise Missing(NO_CLIENT)
        whose = row.organisation.removesuffix(SANDBOX)
        if by.role != OPERATOR and whose != by.organisation:
            raise Missing(NO_CLIENT)
        people_actions.manage(gate, by, whose, now)
    return _client(row)


# --- naming suppliers -------------------------------------------------------------------------------------------------


def name_supplier(store: Store, by: Asker, feed: Feed, supplier: str, now: datetime, random: Random) -> None:
    """Let a supplier's systems send for a feed, from now on.

    Raises:
        Refused: when somebody else than the council's access manager, or the operator, asks.
        Missing: when there is no such supplier. Conflict: when it is named already.
    """
    _supplier(store, supplier, now)
    with store.read(Login.GATE) as gate:
        people_actions.manage(gate, by, council_of(feed), now)
        if any(row.supplier == supplier for row in tables.namings(gate, now, feed_names=[feed.feed])):
            raise Conflict("This supplier is named already.")
    _tell(store, by, "supplier-named", now, council_of(feed), feed=feed.feed, party=supplier)
    with store.write(Login.GATE) as gate:
        tables.keep_naming(
            gate,
            naming=new_id(random),
            owner=feed.owner,
            feed=feed.feed,
            supplier=supplier,
            valid_from=now,
            valid_until=None,
            named_by=by.user,
        )


def unname_supplier(store: Store, by: Asker, feed: Feed, supplier: str, now: datetime) -> None:
    """Let a supplier's systems send for a feed no more; what they sent stays. Asked again, it changes nothing.

    Raises:
        Refused: when somebody else than the council's access manager, or the operator, asks.
    """
    with store.write(Login.GATE) as gate:
        people_actions.manage(gate, by, council_of(feed), now)
        tables.end_naming(gate, feed.feed, supplier, now)
    _tell(store, by, "supplier-unnamed", now, council_of(feed), feed=feed.feed, party=supplier)


def suppliers(store: Store, now: datetime) -> list[Organisation]:
    """Every supplier that takes part, by name."""
    with store.read(Login.GATE) as gate:
        found = people_store.all_organisations(gate)
    return [each for each in found if kinds()[each.kind].sector is Sector.SUPPLIER and is_active(each, now)]


def _supplier(store: Store, supplier: str, now: datetime) -> Organisation:
    found = next((each for each in suppliers(store, now) if each.organisation == supplier), None)
    if found is None:
        raise Missing("There is no such supplier: the organisation that runs this installation adds it first.")
    return found


# --- who may send -----------------------------------------------------------------------------------------------------


def own_feeds(store: Store, by: Asker) -> list[Feed]:
    """The feeds of the asker's own organisation, the sandbox last."""
    found = feeds_of(store, [by.organisation, by.organisation + SANDBOX])
    return sorted(found, key=lambda feed: feed.sandbox)


def clients_of(store: Store, feeds: Sequence[Feed]) -> list[Client]:
    """The systems made for some feeds, those ended included, the oldest first."""
    with store.read(Login.GATE) as gate:
        return [_client(row) for row in tables.clients_kept(gate, feed_names=[feed.feed for feed in feeds])]


def supplier_clients(store: Store, supplier: str) -> list[Client]:
    """A supplier's own systems, those ended included."""
    with store.read(Login.GATE) as gate:
        return [_client(row) for row in tables.clients_kept(gate, organisations=[supplier])]


def every_client(store: Store) -> list[Client]:
    """Every system that sends or sent."""
    with store.read(Login.GATE) as gate:
        return [_client(row) for row in tables.every_client(gate)]


def named_by(store: Store, feeds: Sequence[Feed], now: datetime) -> list[Named]:
    """The suppliers that some feeds name now."""
    with store.read(Login.GATE) as gate:
        rows = tables.namings(gate, now, feed_names=[feed.feed for feed in feeds])
    return [Named(row.feed, row.supplier, row.valid_from) for row in rows]


def naming(store: Store, supplier: str, now: datetime) -> list[Named]:
    """The feeds that name a supplier now."""
    with store.read(Login.GATE) as gate:
        rows = tables.namings(gate, now, suppliers=[supplier])
    return [Named(row.feed, row.supplier, row.valid_from) for row in rows]


def _client(row: sa.Row[Any]) -> Client:
    return Client(
        client=row.client,
        organisation=row.organisation,
        feed=row.feed,
        supplier=row.supplier,
        way=Way(row.way),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


# --- as councils' clients load them -----------------------------------------------------------------------------------


def env_lines(made: Credentials, feed: Feed, settings: Settings) -> str:
    """Write credentials as the ``.env`` file that councils' clients load already."""
    address = (settings.public_url or f"http://{settings.address}").rstrip("/")
    endpoint = address + settings.collect_path.rstrip("/") + ("/sandbox" if feed.sandbox else "")
    values = {
        "API_ENDPOINT": endpoint,
        "TOKEN_ENDPOINT": f"{address}/oauth2/token",
        "LA_CODE": feed.authority,
        "CLIENT_ID": made.client_id,
        "CLIENT_SECRET": made.secret,
        "SCOPE": SCOPE,
        "SUPPLIER_KEY": made.supplier_key,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _at_machine(by: Asker) -> Asker:
    return msgspec.structs.replace(people_actions.operator(), user=by.user, organisation=by.organisation)


def _tell(store: Store, by: Asker, action: str, now: datetime, organisation: str, **about: str) -> None:
    body = {
        "action": action,
        "by": by.user,
        "by_organisation": by.organisation,
        "organisation": organisation.removesuffix(SANDBOX),
        **about,
    }
    ledger.append(store, "access", body, now)
