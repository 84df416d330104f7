"""The tables of feeds in the gate's database: what each authority sends, who may send it, and by which key.

Of a supplier key only the digest is kept. Every function here is one query.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.collection.records import Feed
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})

_KEPT = {"grants": {"gate": "SELECT, INSERT, UPDATE"}}

feeds = sa.Table(
    "feeds",
    TABLES,
    sa.Column("feed", sa.Text, primary_key=True, comment="three-digit number of the authority, or with -sandbox"),
    sa.Column("authority", sa.Text, nullable=False, index=True),
    sa.Column("owner", sa.Text, nullable=False, index=True, comment="organisation whose the records become"),
    sa.Column("agreement", sa.Text, nullable=False),
    sa.Column("categories", sa.Text, nullable=False, comment="JSON list of sections that may be sent"),
    sa.Column("months", sa.Integer, nullable=False, comment="length of the history window"),
    sa.Column("long_ids", sa.Boolean, nullable=False, comment="whether ids of children may be as before version 1.0.1"),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    info=_KEPT,
)

feed_clients = sa.Table(
    "feed_clients",
    TABLES,
    sa.Column("client", sa.Text, primary_key=True, comment="system, as among users"),
    sa.Column("organisation", sa.Text, nullable=False, index=True, comment="whose system it is"),
    sa.Column("feed", sa.Text, nullable=False, index=True, comment="empty: of a supplier, for whoever names it"),
    sa.Column("supplier", sa.Text, nullable=False, comment="who made what sends, in words"),
    sa.Column("way", sa.Text, nullable=False, comment="which of the routes"),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("valid_until", Moment),
    sa.Column("added_by", sa.Text, nullable=False),
    info=_KEPT,
)

feed_keys = sa.Table(
    "feed_keys",
    TABLES,
    sa.Column("digest", sa.Text, primary_key=True, comment="of the supplier key"),
    sa.Column("client", sa.Text, nullable=False, index=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("valid_until", Moment),
    info=_KEPT,
)

feed_suppliers = sa.Table(
    "feed_suppliers",
    TABLES,
    sa.Column("naming", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, comment="whose records the feed brings"),
    sa.Column("feed", sa.Text, nullable=False, index=True),
    sa.Column("supplier", sa.Text, nullable=False, index=True, comment="organisation whose systems may send for it"),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("valid_until", Moment),
    sa.Column("named_by", sa.Text, nullable=False),
    info=_KEPT,
)


def keep_feed(connection: sa.Connection, feed: Feed) -> None:
    """Keep a feed, in the place of what was kept of it before."""
    values = {**msgspec.structs.asdict(feed), "categories": msgspec.json.encode(feed.categories).decode()}
    changed = feeds.update().where(feeds.c.feed == feed.feed).values(values)
    if connection.execute(changed).rowcount == 0:
        connection.execute(feeds.insert().values(values))


def feed_named(connection: sa.Connection, name: str) -> Feed | None:
    """Read one feed."""
    row = connection.execute(_FEED, {"name": name}).first()
    return None if row is None else _feed(row)


_FEED = sa.select(feeds).where(feeds.c.feed == sa.bindparam("name"))
"""Built once: putting it together takes longer than running it."""


def every_feed(connection: sa.Connection, owners: Sequence[str] | None = None) -> list[Feed]:
    """Read every feed, those closed included, or those of some owners."""
    asked = sa.select(feeds).order_by(feeds.c.feed)
    if owners is not None:
        asked = asked.where(feeds.c.owner.in_(list(owners)))
    return [_feed(row) for row in connection.execute(asked)]


def end_feed(connection: sa.Connection, name: str, now: datetime) -> None:
    """Note that a feed is closed; the first date stays."""
    open_one = feeds.update().where(feeds.c.feed == name, feeds.c.closed_at.is_(None))
    connection.execute(open_one.values(closed_at=now))


def _feed(row: sa.Row[Any]) -> Feed:
    return Feed(
        feed=row.feed,
        authority=row.authority,
        owner=row.owner,
        agreement=row.agreement,
        categories=msgspec.json.decode(row.categories, type=tuple[str, ...]),
        months=row.months,
        long_ids=row.long_ids,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


# --- who may send -----------------------------------------------------------------------------------------------------


def keep_client(connection: sa.Connection, **values: object) -> None:
    """Keep that a system may send."""
    connection.execute(feed_clients.insert().values(**values))


def client_kept(connection: sa.Connection, client: str) -> sa.Row[Any] | None:
    """Read what is known of a system that sends, ended or not."""
    return connection.execute(sa.select(feed_clients).where(feed_clients.c.client == client)).first()


def clients_kept(
    connection: sa.Connection, *, feed_names: Sequence[str] = (), organisations: Sequence[str] = ()
) -> list[sa.Row[Any]]:
    """The systems made for some feeds, and those of some organisations; the oldest first, those ended included."""
    c = feed_clients.c
    asked = sa.select(feed_clients).where(sa.or_(c.feed.in_(list(feed_names)), c.organisation.in_(list(organisations))))
    return list(connection.execute(asked.order_by(c.valid_from, c.client)))


def every_client(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Every system that sends or sent; the oldest first."""
    return list(connection.execute(sa.select(feed_clients).order_by(feed_clients.c.valid_from, feed_clients.c.client)))


def end_client(connection: sa.Connection, client: str, now: datetime) -> None:
    """Let a system send no more, and let its keys end."""
    for table in (feed_clients, feed_keys):
        longer = sa.or_(table.c.valid_until.is_(None), table.c.valid_until > now)
        connection.execute(table.update().where(table.c.client == client, longer).values(valid_until=now))


def keep_key(connection: sa.Connection, digest: str, client: str, now: datetime) -> None:
    """Keep the digest of a system's supplier key."""
    connection.execute(feed_keys.insert().values(digest=digest, client=client, made_at=now))


def limit_keys(connection: sa.Connection, client: str, until: datetime) -> None:
    """Let the present keys of a system end: none lasts beyond ``until``."""
    longer = sa.or_(feed_keys.c.valid_until.is_(None), feed_keys.c.valid_until > until)
    connection.execute(feed_keys.update().where(feed_keys.c.client == client, longer).values(valid_until=until))


_NOW: sa.BindParameter[Any] = sa.bindparam("now", type_=Moment)


def _holds(table: sa.Table) -> sa.ColumnElement[bool]:
    lasting = sa.or_(table.c.valid_until.is_(None), table.c.valid_until > _NOW)
    return sa.and_(table.c.valid_from <= _NOW, lasting) if "valid_from" in table.c else lasting


_NAMED = (
    sa.select(feed_suppliers.c.naming)
    .where(feed_suppliers.c.feed == sa.bindparam("name"), feed_suppliers.c.supplier == feed_clients.c.organisation)
    .where(_holds(feed_suppliers))
    .exists()
)
_SENDER = (
    sa.select(feed_clients.c.supplier, feed_clients.c.way, feed_clients.c.organisation, feed_keys.c.digest)
    .outerjoin(feed_keys, sa.and_(feed_keys.c.client == feed_clients.c.client, _holds(feed_keys)))
    .where(feed_clients.c.client == sa.bindparam("client"), _holds(feed_clients))
    .where(sa.or_(feed_clients.c.feed == sa.bindparam("name"), sa.and_(feed_clients.c.feed == "", _NAMED)))
)
"""Built once: putting it together takes longer than running it."""


def sender_of(connection: sa.Connection, client: str, name: str, now: datetime) -> list[sa.Row[Any]]:
    """What is known of a system that may send for a feed now, with the digest of each key it holds; nothing if none."""
    return list(connection.execute(_SENDER, {"client": client, "name": name, "now": now}))


# --- suppliers --------------------------------------------------------------------------------------------------------


def keep_naming(connection: sa.Connection, **values: object) -> None:
    """Keep that a feed names a supplier."""
    connection.execute(feed_suppliers.insert().values(**values))


def namings(
    connection: sa.Connection, now: datetime, *, feed_names: Sequence[str] = (), suppliers: Sequence[str] = ()
) -> list[sa.Row[Any]]:
    """Which suppliers some feeds name now, and which feeds name some suppliers."""
    c = feed_suppliers.c
    asked = sa.select(feed_suppliers).where(
        sa.or_(c.feed.in_(list(feed_names)), c.supplier.in_(list(suppliers))), _holds(feed_suppliers)
    )
    return list(connection.execute(asked.order_by(c.feed, c.valid_from, c.naming), {"now": now}))


def end_naming(connection: sa.Connection, feed: str, supplier: str, now: datetime) -> int:
    """Let a feed name a supplier no more; how many namings there were."""
    c = feed_suppliers.c
    standing = feed_suppliers.update().where(c.feed == feed, c.supplier == supplier)
    lasting = sa.or_(c.valid_until.is_(None), c.valid_until > now)
    return connection.execute(standing.where(lasting).values(valid_until=now)).rowcount
