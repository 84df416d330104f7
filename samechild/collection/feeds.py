"""What each authority may send: its feed, the agreement behind it, and who may send for it.

No agreement in force, no data. A feed is one authority's; its sandbox is a second feed, owned by an organisation of its
own, and goes the same way through everything.

Sources: UK GDPR Articles 5(1)(b) and 28; ICO Data Sharing Code of Practice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from os import urandom
from secrets import token_hex

import msgspec
import sqlalchemy as sa

from samechild.collection import feeds_store as tables
from samechild.collection.beyond import CATEGORIES, said
from samechild.collection.records import Feed, Way
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.keys.register import Purpose
from samechild.keys.seal import place
from samechild.policy import ledger
from samechild.policy import store as policy_store
from samechild.policy.agreement_actions import check_officer, standings
from samechild.policy.book import book_of
from samechild.policy.people import store as people_store
from samechild.policy.people.organisations import SANDBOX, Organisation, behind_sandbox
from samechild.policy.people.rules import Grant
from samechild.policy.people.store import User
from samechild.policy.records import Agreement
from samechild.policy.sign_in.opaque import digest, same
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

SENDING_ROLE = "submitting-system"
LONGEST_WINDOW = 120
"""Months: no agreement may ask for more history than this."""

NO_FEED = "Nothing is taken for this authority here: look at the authority's number in the address, or ask for a feed."
NOT_NAMED = (
    "This system may not send for this authority: use the credentials made for it, or ask the council's access manager "
    "to name your organisation as a supplier."
)
WRONG_KEY = "The supplier key is missing, wrong or has ended: look at SUPPLIER_KEY, or have a new one made."


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """A system that may send: its id, who made it, and which of the routes it is."""

    client: str
    supplier: str
    way: Way


def feed_name(authority: str, *, sandbox: bool) -> str:
    """The name of an authority's feed, or of its sandbox."""
    return authority + (SANDBOX if sandbox else "")


def council_of(feed: Feed) -> str:
    """The organisation that is the council itself, of a sandbox too."""
    return behind_sandbox(feed.owner) if feed.sandbox else feed.owner


def processor_of(feed: Feed) -> Asker:
    """The system of our own that works a feed off, and by which the gate is asked."""
    return Asker(user=f"collection-{feed.feed}", organisation=feed.owner, role=SENDING_ROLE, factors=2)


# --- opening and closing ----------------------------------------------------------------------------------------------


def open_feed(store: Store, by: Asker, feed: Feed, now: datetime) -> Feed:
    """Open the feed of an authority, or of its sandbox, under an agreement; a closed one is opened again.

    The agreement may still wait for signatures or its first day: until then nothing is taken.

    Args:
        store: the open installation.
        by: an information governance officer of a party to the agreement, or the machine's operator.
        feed: the terms; ``opened_at`` and ``closed_at`` are filled in here.
        now: when.

    Raises:
        Refused: when somebody else asks.
        Missing: when there is no such organisation or agreement.
        Invalid: when the terms do not fit together. Conflict: when it is open already.
    """
    council = _council(store, feed)
    check_officer(store, by, _parties(store, feed), now)
    _check_terms(feed)
    with store.read(Login.GATE) as gate:
        before = tables.feed_named(gate, feed.feed)
    if before is not None and before.closed_at is None:
        raise Conflict("This feed is open already: change its terms instead.")
    if before is not None and before.owner != feed.owner:
        raise Conflict("This feed belonged to another organisation, whose records are still kept.")
    made = msgspec.structs.replace(feed, opened_at=now, closed_at=None)
    _tell(store, by, "opened", made, now)
    with store.write(Login.GATE) as gate:
        if feed.sandbox and people_store.organisation_of(gate, feed.owner) is None:
            people_store.keep_organisation(gate, _sandbox_of(council, feed.owner, now))
            policy_store.bump(gate, now)
        _keep_processor(store, gate, made, by, now)
        tables.keep_feed(gate, made)
    return made


def change_feed(store: Store, by: Asker, feed: Feed, now: datetime) -> Feed:
    """Change the terms of an open feed: its agreement, the sections that may be sent, its window, long ids.

    Raises:
        Refused, Missing, Invalid: as :func:`open_feed`; Missing also when it is not open.
    """
    _council(store, feed)
    check_officer(store, by, _parties(store, feed), now)
    _check_terms(feed)
    with store.read(Login.GATE) as gate:
        before = tables.feed_named(gate, feed.feed)
    if before is None or before.closed_at is not None or before.owner != feed.owner:
        raise Missing("There is no such open feed.")
    made = msgspec.structs.replace(feed, opened_at=before.opened_at, closed_at=None)
    _tell(store, by, "changed", made, now)
    with store.write(Login.GATE) as gate:
        tables.keep_feed(gate, made)
    return made


def close_feed(store: Store, by: Asker, name: str, now: datetime) -> None:
    """Close a feed: nothing is taken for it from now on; what was received stays. Asked again, it changes nothing.

    Raises:
        Missing: when there is none. Refused: when somebody else than an officer of a party, or the operator, asks.
    """
    with store.read(Login.GATE) as gate:
        feed = tables.feed_named(gate, name)
    if feed is None:
        raise Missing("There is no such feed.")
    check_officer(store, by, [*_parties(store, feed), council_of(feed)], now)
    with store.write(Login.GATE) as gate:
        tables.end_feed(gate, name, now)
    _tell(store, by, "closed", feed, now)


def _council(store: Store, feed: Feed) -> Organisation:
    """The council a feed is of.

    Raises:
        Missing: when there is no such organisation. Invalid: when it is not the council of that number.
    """
    with store.read(Login.GATE) as gate:
        council = people_store.organisation_of(gate, council_of(feed))
    if council is None:
        raise Missing("There is no such organisation.")
    number = council.codes.get("urn" if feed.attendance else "la-code")
    if feed.feed not in (feed.authority, feed.authority + SANDBOX) or number != feed.authority:
        whose = "URN (urn) of the school" if feed.attendance else "three-digit number (la-code) of the council"
        raise Invalid(f"A feed bears the {whose} whose records it brings.")
    if feed.sandbox and feed.owner != council.organisation + SANDBOX:
        raise Invalid("The records of a sandbox belong to an organisation of its own.")
    return council


def _parties(store: Store, feed: Feed) -> tuple[str, ...]:
    """Who is a party to the newest version of the agreement a feed names.

    Raises:
        Missing: when there is no such agreement. Invalid: when it is not the council's.
    """
    with store.read(Login.GATE) as gate:
        versions = policy_store.versions_of(gate, [feed.agreement])
        newest = policy_store.agreement_of(versions[-1], []) if versions else None
    if newest is None:
        raise Missing("There is no such agreement: write it first.")
    if newest.owner != council_of(feed):
        raise Invalid("The agreement must be one in which this council shares its records.")
    return newest.parties


def _check_terms(feed: Feed) -> None:
    unknown = sorted(set(feed.categories) - set(CATEGORIES))
    if not feed.attendance and (unknown or not feed.categories):
        raise Invalid(f"Say which sections may be sent, out of: {', '.join(CATEGORIES)}.")
    if not 1 <= feed.months <= LONGEST_WINDOW:
        raise Invalid(f"The history window is between 1 and {LONGEST_WINDOW} months long.")


def _sandbox_of(council: Organisation, owner: str, now: datetime) -> Organisation:
    """The organisation to which the records of a council's sandbox belong: of the same kind, known by no number."""
    return Organisation(
        organisation=owner,
        kind=council.kind,
        name=f"{council.name} (sandbox)",
        active_from=now,
        route=council.route,
    )


def _keep_processor(store: Store, gate: sa.Connection, feed: Feed, by: Asker, now: datetime) -> None:
    """Make the system of our own that works the feed off, with its role, unless it is there."""
    us = processor_of(feed)
    if people_store.user_of(gate, us.user) is not None:
        return
    name = f"Daily collection of feed {feed.feed}"
    sealed = store.keys.seal(Purpose.GATE, name.encode(), place("users", "sealed_name", us.user), urandom)
    user = User(
        user_id=us.user,
        organisation=us.organisation,
        sealed_name=sealed,
        sealed_email=b"",
        email_token="",
        machine=True,
        added_at=now,
        added_by=by.user,
    )
    people_store.keep_user(gate, user)
    grant = Grant(
        grant_id=token_hex(16),
        holder=us.user,
        role=us.role,
        organisation=us.organisation,
        valid_from=now,
        valid_until=None,
        granted_by=by.user,
        granted_at=now,
    )
    people_store.keep_grant(gate, grant)


def _tell(store: Store, by: Asker, event: str, feed: Feed, now: datetime) -> None:
    body = {
        "event": event,
        "feed": feed.feed,
        "organisation": council_of(feed),
        "agreement": feed.agreement,
        "categories": feed.categories,
        "months": feed.months,
        "long_ids": feed.long_ids,
        "by": by.user,
        "by_organisation": by.organisation,
    }
    ledger.append(store, "feed", body, now)


# --- may it be taken? -------------------------------------------------------------------------------------------------


def feeds_of(store: Store, owners: Iterable[str] | None = None, *, registers: bool = False) -> list[Feed]:
    """Every council's feed, those closed included, or those of some owners; ``registers``: schools' too."""
    with store.read(Login.GATE) as gate:
        found = tables.every_feed(gate, None if owners is None else list(owners))
    return [each for each in found if registers or not each.attendance]


def feed_of(store: Store, authority: str, sandbox: bool, now: datetime) -> Feed:
    """The open feed of an authority, or of its sandbox.

    Raises:
        Missing: when there is none. Refused: when it was closed, or opens later.
    """
    with store.read(Login.GATE) as gate:
        feed = tables.feed_named(gate, feed_name(authority, sandbox=sandbox))
    if feed is None:
        raise Missing(NO_FEED)
    if feed.closed_at is not None and feed.closed_at <= now:
        raise Refused(f"The feed of this authority was closed on {said(feed.closed_at)}: nothing more is taken.")
    if now < feed.opened_at:
        raise Refused(f"The feed of this authority opens on {said(feed.opened_at)}: send from then on.")
    return feed


def takes_long_ids(store: Store, authority: str, sandbox: bool) -> bool:
    """Whether a feed's own ids of children may still be as before specification 1.0.1; no where there is no feed."""
    with store.read(Login.GATE) as gate:
        feed = tables.feed_named(gate, feed_name(authority, sandbox=sandbox))
    return feed is not None and feed.long_ids


def may_send(store: Store, by: Asker, feed: Feed, supplier_key: str, now: datetime) -> Sender:
    """Let a system send for a feed, or say why not: it must be named for it and hold the supplier key.

    Raises:
        Refused: when it is neither the council's own nor of a supplier that the council named, was ended, does not
            work in the role of a system that sends, or the supplier key is not its own.
    """
    with store.read(Login.GATE) as gate:
        rows = tables.sender_of(gate, by.user, feed.feed, now)
    if not rows or rows[0].organisation != by.organisation or by.role != SENDING_ROLE:
        raise Refused(NOT_NAMED)
    given = digest(supplier_key) if supplier_key else ""
    if not [row for row in rows if same(row.digest or "-", given)]:
        raise Refused(WRONG_KEY)
    return Sender(client=by.user, supplier=rows[0].supplier, way=Way(rows[0].way))


def agreed(store: Store, feed: Feed, now: datetime) -> Agreement:
    """The agreement in force under which a feed is taken.

    Raises:
        Refused: when none is in force, with the reason: not signed, not begun, ended or withdrawn.
    """
    with store.read(Login.GATE) as gate:
        head = policy_store.head_version(gate)
    for agreement in book_of(store, head).agreements.get(feed.agreement, ()):
        if agreement.owner == council_of(feed) and agreement.starts <= now < agreement.ends:
            return agreement
    raise Refused(f"Nothing is taken: {_why_not(store, feed, now)}")


def _why_not(store: Store, feed: Feed, now: datetime) -> str:
    """Why no version of a feed's agreement is in force."""
    states = {
        each.state: each.agreement for each in standings(store, now) if each.agreement.agreement == feed.agreement
    }
    if "withdrawn" in states:
        return "the data sharing agreement was withdrawn."
    if "to come" in states:
        return f"the data sharing agreement begins on {said(states['to come'].starts)}."
    if "draft" in states or "part signed" in states:
        return "the data sharing agreement is not signed by every party yet."
    if "ended" in states:
        return f"the data sharing agreement ended on {said(states['ended'].ends)}."
    return "there is no data sharing agreement for this feed."
