"""The tables of the collection in the content vault, and the queries on them: what was sent, and what it adds up to.

Slices are what was received, each child's bytes sealed apart; everything else is made from them. Only opaque keys,
counts, days and rule codes stand openly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from samechild.sql.among import among
from samechild.sql.columns import Moment, kept_columns

TABLES = sa.MetaData(info={"database": "content"})

_OWNED = {"owned": True}

submissions = sa.Table(
    "submissions",
    TABLES,
    sa.Column("submission", sa.Text, primary_key=True, comment="opaque id"),
    sa.Column("owner", sa.Text, nullable=False, comment="organisation whose row this is"),
    sa.Column("number", sa.BigInteger, nullable=False, comment="1, 2, 3 in the order of the owner's commits"),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False, comment="the system that sent it"),
    sa.Column("request", sa.Text, nullable=False, comment="x-request-id"),
    sa.Column("once", sa.Text, nullable=False, comment="token of the idempotency key, or the submission's own id"),
    sa.Column("digest", sa.Text, nullable=False, comment="token of the whole body"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("received_on", sa.Text, nullable=False, comment="the day, for counting"),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False, comment="records that said something new"),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False, comment="records not taken"),
    sa.Column("faults", sa.Text, nullable=False, comment="why, as JSON: position, rule, place without its value"),
    sa.Column("receipts", sa.Text, nullable=False, comment="as given, as JSON"),
    sa.Column("milliseconds", sa.Integer, nullable=False, comment="until the receipt was given"),
    sa.Column("status", sa.Integer, nullable=False, comment="of the answer over HTTP"),
    sa.Column("state", sa.Text, nullable=False, comment="received, done; refused: nothing of it was kept"),
    sa.Column("done_at", Moment),
    sa.UniqueConstraint("owner", "number", name="submissions_in_order"),
    sa.UniqueConstraint("owner", "once", name="submissions_once"),
    sa.Index("submissions_waiting", "state", "owner", "number"),
    sa.Index("submissions_of_day", "owner", "received_on"),
    sa.Index("submissions_by_request", "owner", "request"),
    info=_OWNED,
)

slices = sa.Table(
    "slices",
    TABLES,
    *kept_columns(),
    sa.Column("slice", sa.Text, primary_key=True, comment="opaque id; the receipt ends with it"),
    sa.Column("submission", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False, comment="of its submission"),
    sa.Column("position", sa.Integer, nullable=False, comment="in its submission"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="as received, under both of the child's keys"),
    sa.Index("slices_of_child", "record_key", "number", "position"),
    sa.Index("slices_of_submission", "submission", "position"),
    info=_OWNED,
)

csc_children = sa.Table(
    "csc_children",
    TABLES,
    *kept_columns(),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False, comment="token of the authority's own id of the child"),
    sa.Column("digest", sa.Text, nullable=False, comment="token of the newest slice; empty: take the next one anyhow"),
    sa.Column("seen_at", Moment, nullable=False, comment="when it was last received"),
    sa.Column("changed_at", Moment, nullable=False, comment="when it last said something new"),
    sa.Column(
        "identified", sa.BigInteger, nullable=False, comment="number of the submission as of which it is indexed"
    ),
    sa.PrimaryKeyConstraint("record_key"),
    sa.UniqueConstraint("owner", "token", name="csc_children_once"),
    info=_OWNED,
    postgresql_with={"fillfactor": 80},  # whoever is sent again unchanged is noted in the same page, in no index
)

csc_states = sa.Table(
    "csc_states",
    TABLES,
    *kept_columns(),
    sa.Column("number", sa.BigInteger, nullable=False, comment="of the newest submission merged into it"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="what is known, without who the child is"),
    sa.Column("checked_on", sa.Text, nullable=False, comment="day on which the rules last looked at it"),
    sa.PrimaryKeyConstraint("record_key"),
    info=_OWNED,
)

csc_issues = sa.Table(
    "csc_issues",
    TABLES,
    *kept_columns(),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False, comment="token of the cells it links"),
    sa.Column("grade", sa.Text, nullable=False),
    sa.Column("worker", sa.Text, nullable=False, comment="token of the worker of the open episode, or empty"),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment, comment="when it was gone again"),
    sa.PrimaryKeyConstraint("record_key", "rule", "place", "since"),
    sa.Index("csc_issues_open", "owner", "until", "rule"),
    sa.Index("csc_issues_of_child", "record_key", "until"),
    info=_OWNED,
)

csc_days = sa.Table(
    "csc_days",
    TABLES,
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("counts", sa.Text, nullable=False, comment="whole numbers by name, as JSON"),
    sa.PrimaryKeyConstraint("owner", "day"),
    info=_OWNED,
)

csc_purges = sa.Table(
    "csc_purges",
    TABLES,
    *kept_columns(),
    sa.Column("purge", sa.Text, primary_key=True, comment="opaque id"),
    sa.Column("number", sa.BigInteger, nullable=False, comment="of the submission that asked for it"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("places", sa.Text, nullable=False, comment="tokens of what was purged, as JSON"),
    sa.Column("done_at", Moment, comment="when the slices were free of it"),
    info=_OWNED,
)

LOCK = 7261641
"""First number of the PostgreSQL advisory lock that puts the writers of one owner one behind the other."""


def hold(connection: sa.Connection, owner: str) -> None:
    """Be the only writer of an owner's records until this transaction ends (on SQLite a writer is, anyhow)."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK, sa.func.hashtext(owner))))


# --- submissions ------------------------------------------------------------------------------------------------------


def next_number(connection: sa.Connection, owner: str) -> int:
    """The number of the owner's next submission; call it while :func:`hold`\\ ing."""
    newest = sa.select(sa.func.coalesce(sa.func.max(submissions.c.number), 0)).where(submissions.c.owner == owner)
    return int(connection.scalar(newest) or 0) + 1


def keep_submission(connection: sa.Connection, **values: Any) -> None:
    """Keep what is openly known of a submission."""
    connection.execute(submissions.insert().values(values))


def submission_once(connection: sa.Connection, owner: str, once: Sequence[str]) -> sa.Row[Any] | None:
    """The submission sent under an idempotency key, by its tokens."""
    asked = sa.select(submissions).where(submissions.c.owner == owner, submissions.c.once.in_(list(once)))
    return connection.execute(asked).first()


def next_waiting(connection: sa.Connection, owner: str, many: int) -> list[sa.Row[Any]]:
    """The owner's oldest submissions that were not worked off."""
    asked = sa.select(submissions).where(submissions.c.state == "received", submissions.c.owner == owner)
    return list(connection.execute(asked.order_by(submissions.c.number).limit(many)))


def submission_done(connection: sa.Connection, names: Sequence[str], now: datetime) -> None:
    """Note that submissions were worked off."""
    done = submissions.update().where(submissions.c.submission.in_(list(names)))
    connection.execute(done.values(state="done", done_at=now))


# --- children and slices ----------------------------------------------------------------------------------------------


def children_by_token(connection: sa.Connection, owner: str, tokens: Sequence[str]) -> dict[str, Any]:
    """The children known by the authority's own ids, by token."""
    c = csc_children.c
    asked = sa.select(c.record_key, c.token, c.digest).where(c.owner == owner, among(c.token, tokens))
    return {row.token: row for row in connection.execute(asked)}


def children_by_key(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """The children of some opaque keys."""
    asked = sa.select(csc_children).where(csc_children.c.owner == owner, among(csc_children.c.record_key, record_keys))
    return {row.record_key: row for row in connection.execute(asked)}


def all_children(connection: sa.Connection, owner: str, after: str, many: int) -> list[str]:
    """Opaque keys of the owner's children, after one of them, in the keys' order."""
    asked = sa.select(csc_children.c.record_key).where(csc_children.c.owner == owner, csc_children.c.record_key > after)
    return list(connection.execute(asked.order_by(csc_children.c.record_key).limit(many)).scalars())


def keep_children(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep children who are new."""
    if rows:
        connection.execute(csc_children.insert(), list(rows))


def children_changed(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Note what is newest of children: rows of ``its_key``, ``digest`` and ``now``."""
    if rows:
        one = csc_children.update().where(csc_children.c.record_key == sa.bindparam("its_key"))
        changed = one.values(digest=sa.bindparam("digest"), seen_at=sa.bindparam("now"), changed_at=sa.bindparam("now"))
        connection.execute(changed, list(rows))


def children_seen(connection: sa.Connection, owner: str, record_keys: Sequence[str], now: datetime) -> None:
    """Note that children were sent again, unchanged."""
    if record_keys:
        seen = csc_children.update().where(csc_children.c.owner == owner, among(csc_children.c.record_key, record_keys))
        connection.execute(seen.values(seen_at=now))


def child_ended(connection: sa.Connection, record_key: str) -> None:
    """Let the authority's own id go: whoever is sent under it next is a new record."""
    ended = csc_children.update().where(csc_children.c.record_key == record_key)
    connection.execute(ended.values(token=f"purged:{record_key}", digest=""))


def ended(connection: sa.Connection, owner: str) -> list[str]:
    """Children whose purge was asked for and who are still there."""
    asked = sa.select(csc_children.c.record_key).where(csc_children.c.owner == owner)
    return list(connection.execute(asked.where(csc_children.c.token.like("purged:%"))).scalars())


def forget_digests(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> None:
    """Take the next slice of these children whatever it says."""
    hold(connection, owner)
    connection.execute(csc_children.update().where(among(csc_children.c.record_key, record_keys)).values(digest=""))


def identified(connection: sa.Connection, owner: str, record_keys: Sequence[str], number: int) -> None:
    """Note as of which submission children are in the index."""
    hold(connection, owner)  # beside a request that changes them in another order, both would wait for good
    noted = csc_children.update().where(among(csc_children.c.record_key, record_keys))
    connection.execute(noted.values(identified=number))


def not_identified(connection: sa.Connection, owner: str, many: int) -> list[str]:
    """Children whose newest state is not in the index yet."""
    asked = (
        sa.select(csc_children.c.record_key)
        .join(csc_states, csc_states.c.record_key == csc_children.c.record_key)
        .where(csc_children.c.owner == owner, csc_children.c.identified < csc_states.c.number)
        .limit(many)
    )
    return list(connection.execute(asked).scalars())


def keep_slices(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what was received."""
    if rows:
        connection.execute(slices.insert(), list(rows))


def slices_of_submissions(connection: sa.Connection, names: Sequence[str]) -> list[sa.Row[Any]]:
    """What was received in some submissions, in order."""
    asked = sa.select(slices).where(slices.c.submission.in_(list(names)))
    return list(connection.execute(asked.order_by(slices.c.number, slices.c.position)))


def slices_of_children(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> list[sa.Row[Any]]:
    """Everything received of some children, oldest first."""
    asked = sa.select(slices).where(slices.c.owner == owner, among(slices.c.record_key, record_keys))
    return list(connection.execute(asked.order_by(slices.c.number, slices.c.position)))


def rewrite_slice(connection: sa.Connection, name: str, sealed: bytes) -> None:
    """Put a slice without what was purged in the place of the one that held it."""
    connection.execute(slices.update().where(slices.c.slice == name).values(sealed=sealed))


# --- what it adds up to -----------------------------------------------------------------------------------------------


def states(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """The merged content of some children, sealed."""
    asked = sa.select(csc_states).where(csc_states.c.owner == owner, among(csc_states.c.record_key, record_keys))
    return {row.record_key: row for row in connection.execute(asked)}


def keep_states(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep the merged content of children, in the place of what was kept before."""
    replace(connection, csc_states, rows)


def replace(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Keep one row for each child, in the place of the one before."""
    if rows:
        connection.execute(table.delete().where(among(table.c.record_key, [row["record_key"] for row in rows])))
        connection.execute(table.insert(), list(rows))


def issues_of(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> list[sa.Row[Any]]:
    """The open issues of some children."""
    asked = sa.select(csc_issues).where(
        csc_issues.c.owner == owner, among(csc_issues.c.record_key, record_keys), csc_issues.c.until.is_(None)
    )
    return list(connection.execute(asked))


def keep_issues(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep issues that are new; one that ended at this very moment and is there again had not ended."""
    if rows:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        again = insert(csc_issues).on_conflict_do_update(
            index_elements=["record_key", "rule", "place", "since"], set_={"until": None}
        )
        connection.execute(again, list(rows))


def end_issues(connection: sa.Connection, gone: Iterable[tuple[str, str, str]], now: datetime) -> None:
    """Note that issues are there no more: by child, rule and place."""
    rows = [{"its_key": key, "its_rule": rule, "its_place": place} for key, rule, place in gone]
    if rows:
        ended = csc_issues.update().where(
            csc_issues.c.record_key == sa.bindparam("its_key"),
            csc_issues.c.rule == sa.bindparam("its_rule"),
            csc_issues.c.place == sa.bindparam("its_place"),
            csc_issues.c.until.is_(None),
        )
        connection.execute(ended.values(until=now), rows)


def keep_day(connection: sa.Connection, owner: str, day: str, counts: str) -> None:
    """Keep an owner's numbers of a day, in the place of those kept before."""
    connection.execute(csc_days.delete().where(csc_days.c.owner == owner, csc_days.c.day == day))
    connection.execute(csc_days.insert().values(owner=owner, day=day, counts=counts))


def days(connection: sa.Connection, owner: str, since: str) -> list[sa.Row[Any]]:
    """An owner's numbers by day, oldest first."""
    asked = sa.select(csc_days).where(csc_days.c.owner == owner, csc_days.c.day >= since)
    return list(connection.execute(asked.order_by(csc_days.c.day)))


def day_before(connection: sa.Connection, owner: str, day: str) -> sa.Row[Any] | None:
    """The numbers of the last day before that was counted."""
    asked = sa.select(csc_days).where(csc_days.c.owner == owner, csc_days.c.day < day)
    return connection.execute(asked.order_by(csc_days.c.day.desc()).limit(1)).first()


def last_received(connection: sa.Connection, owner: str) -> str:
    """The last day on which anything was taken; empty: never."""
    taken = sa.select(sa.func.max(submissions.c.received_on))
    return str(connection.scalar(taken.where(submissions.c.owner == owner, submissions.c.status < 300)) or "")


def came_on(connection: sa.Connection, owner: str, day: str) -> dict[str, int]:
    """What came on a day: requests, records, those with something new, those as before, refused; and new children."""
    c = submissions.c
    sums = [sa.func.coalesce(sa.func.sum(each), 0) for each in (c.records, c.changed, c.unchanged, c.refused)]
    summed = sa.select(sa.func.count(), *sums).where(c.owner == owner, c.received_on == day)
    requests, records, changed, unchanged, refused = connection.execute(summed).one()
    fresh = (
        sa.select(sa.func.count())
        .select_from(csc_children)
        .where(
            csc_children.c.owner == owner,
            sa.cast(csc_children.c.received_at, sa.Text) >= day,
            sa.cast(csc_children.c.received_at, sa.Text) < f"{day}~",
        )
    )
    found = {"requests": requests, "records": records, "changed": changed, "unchanged": unchanged, "refused": refused}
    return {name: int(value) for name, value in found.items()} | {"new": int(connection.scalar(fresh) or 0)}


# --- purges -----------------------------------------------------------------------------------------------------------


def keep_purge(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Keep that something is to be purged; what is known already is not kept again."""
    known = sa.select(csc_purges.c.purge).where(csc_purges.c.purge == row["purge"])
    if connection.execute(known).first() is None:
        connection.execute(csc_purges.insert().values(row))


def purges_waiting(connection: sa.Connection, owner: str) -> list[sa.Row[Any]]:
    """Purges whose slices still hold what is to go."""
    asked = sa.select(csc_purges).where(csc_purges.c.owner == owner, csc_purges.c.done_at.is_(None))
    return list(connection.execute(asked.order_by(csc_purges.c.number, csc_purges.c.position)))


def purge_done(connection: sa.Connection, purge: str, now: datetime) -> None:
    """Note that the slices are free of what was purged."""
    connection.execute(csc_purges.update().where(csc_purges.c.purge == purge).values(done_at=now))
