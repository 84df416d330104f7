"""The gate's own tables about agreements, law in force, relationships, marks and approvals, and their queries.

Nothing here names a child: a record key is opaque, and a mark is a yes or no. Short functions, one query each; the
actions commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.policy.records import Agreement, LegalEntry, Rule
from samechild.sql.columns import Moment, kept_columns

TABLES = sa.MetaData(info={"database": "gate"})

policy_head = sa.Table(
    "policy_head",
    TABLES,
    sa.Column("only", sa.Integer, primary_key=True, comment="always 1"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    comment="which version of agreements, law and organisations is in force",
)

agreements = sa.Table(
    "agreements",
    TABLES,
    sa.Column("agreement", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("parties", sa.Text, nullable=False, comment="JSON list of organisations"),
    sa.Column("rules", sa.Text, nullable=False, comment="JSON list of lines, exceptions and defaults"),
    sa.Column("starts", Moment, nullable=False),
    sa.Column("ends", Moment, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("written_at", Moment, nullable=False),
    info={"append_only": True},
    comment="every version of every sharing agreement",
)

agreement_events = sa.Table(
    "agreement_events",
    TABLES,
    sa.Column("agreement", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("event", sa.Text, primary_key=True, comment="signed or withdrawn"),
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("policy_version", sa.Integer, nullable=False, index=True),
    info={"append_only": True},
    comment="who signed or withdrew which version, and when",
)

legal_entries = sa.Table(
    "legal_entries",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("in_force_from", Moment, nullable=False),
    sa.Column("in_force_until", Moment),
    sa.Column("source", sa.Text, nullable=False, comment="the instrument, as cited"),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("entered_at", Moment, nullable=False),
    info={"append_only": True},
    comment="regulations and schemes that turn something on, with their dates",
)

relationships = sa.Table(
    "relationships",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("person", sa.Text, nullable=False, comment="user, or empty when a team"),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, comment="involved, own-family, oneself"),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment),
    sa.Column("source", sa.Text, nullable=False),
    sa.Index("relationships_by_record", "record_key"),
    sa.Index("relationships_by_person", "person"),
    comment="who is involved with which opaque record, from when to when",
)

marks = sa.Table(
    "marks",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("mark", sa.Text, nullable=False, comment="shielded, sealed-identity, opted-out"),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Index("marks_by_record", "record_key"),
    comment="yes/no marks on opaque records",
)

approvals = sa.Table(
    "approvals",
    TABLES,
    sa.Column("question", sa.Text, primary_key=True, comment="keyed reference of the very question"),
    sa.Column("approver", sa.Text, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    info={"append_only": True},
    comment="who approved which question",
)

shadow_periods = sa.Table(
    "shadow_periods",
    TABLES,
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("since", Moment, primary_key=True),
    sa.Column("until", Moment),
    sa.Column("set_by", sa.Text, nullable=False),
    comment="weeks in which an organisation's questions are decided and recorded and nothing is disclosed",
)

messages = sa.Table(
    "messages",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False, comment="user, or empty when a role"),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False, comment="ledger entry it is about"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("seen_at", Moment),
    sa.Index("messages_by_person", "person"),
    sa.Index("messages_by_role", "organisation", "role"),
    comment="what somebody must be told, such as a supervisor of a broken glass",
)


def head_version(connection: sa.Connection) -> int:
    """The version of the policy in force."""
    return connection.scalar(sa.select(policy_head.c.version)) or 0


def bump(connection: sa.Connection, now: datetime) -> int:
    """Move the policy to its next version: every decision from now on is taken from it."""
    version = head_version(connection) + 1
    if version == 1:
        connection.execute(sa.insert(policy_head).values(only=1, version=1, changed_at=now))
    else:
        connection.execute(sa.update(policy_head).values(version=version, changed_at=now))
    return version


def write_agreement(connection: sa.Connection, agreement: Agreement, title: str, person: str, now: datetime) -> None:
    """Keep a new version of an agreement, not yet signed."""
    connection.execute(
        sa.insert(agreements).values(
            agreement=agreement.agreement,
            version=agreement.version,
            owner=agreement.owner,
            title=title,
            parties=msgspec.json.encode(agreement.parties).decode(),
            rules=msgspec.json.encode(agreement.rules).decode(),
            starts=agreement.starts,
            ends=agreement.ends,
            written_by=person,
            written_at=now,
        )
    )


def write_event(connection: sa.Connection, **values: Any) -> None:
    """Keep that somebody signed or withdrew a version."""
    connection.execute(sa.insert(agreement_events).values(**values))


def latest_version(connection: sa.Connection, agreement: str) -> int:
    """The highest version of an agreement, 0 when there is none."""
    return connection.scalar(sa.select(sa.func.max(agreements.c.version)).filter_by(agreement=agreement)) or 0


def agreements_changed(connection: sa.Connection, since: int) -> list[str]:
    """Agreements signed or withdrawn after a version of the policy."""
    query = sa.select(agreement_events.c.agreement).where(agreement_events.c.policy_version > since).distinct()
    return list(connection.scalars(query))


def versions_of(connection: sa.Connection, which: Sequence[str] | None = None) -> list[sa.Row[Any]]:
    """Every version of some agreements (all when None), in the order of versions."""
    query = sa.select(agreements).order_by(agreements.c.agreement, agreements.c.version)
    if which is not None:
        query = query.where(agreements.c.agreement.in_(which))
    return list(connection.execute(query))


def events_of(connection: sa.Connection, which: Sequence[str] | None = None) -> list[sa.Row[Any]]:
    """Signatures and withdrawals of some agreements (all when None)."""
    query = sa.select(agreement_events).order_by(agreement_events.c.at)
    if which is not None:
        query = query.where(agreement_events.c.agreement.in_(which))
    return list(connection.execute(query))


def agreement_of(row: sa.Row[Any], events: Sequence[sa.Row[Any]]) -> Agreement:
    """Put a version and its signatures together as the decision reads it."""
    mine = [event for event in events if event.agreement == row.agreement]
    return Agreement(
        agreement=row.agreement,
        version=row.version,
        owner=row.owner,
        parties=msgspec.json.decode(row.parties, type=tuple[str, ...]),
        rules=msgspec.json.decode(row.rules, type=tuple[Rule, ...]),
        starts=row.starts,
        ends=row.ends,
        signed_by=tuple(e.organisation for e in mine if e.event == "signed" and e.version == row.version),
        withdrawn=any(e.event == "withdrawn" for e in mine),
    )


def write_entry(connection: sa.Connection, identity: str, entry: LegalEntry, person: str, now: datetime) -> None:
    """Keep a dated legal entry."""
    values = msgspec.structs.asdict(entry)
    connection.execute(sa.insert(legal_entries).values(id=identity, entered_by=person, entered_at=now, **values))


def entries_kept(connection: sa.Connection) -> list[LegalEntry]:
    """Every legal entry, the oldest first."""
    rows = connection.execute(sa.select(legal_entries).order_by(legal_entries.c.entered_at))
    return [LegalEntry(row.name, row.in_force_from, row.source, row.in_force_until) for row in rows]


def shadow_kept(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Every shadow period."""
    return list(connection.execute(sa.select(shadow_periods)))


def start_shadow(connection: sa.Connection, **values: Any) -> None:
    """Keep a shadow period."""
    connection.execute(sa.insert(shadow_periods).values(**values))


def relate(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep relationships."""
    if rows:
        connection.execute(sa.insert(relationships), list(rows))


def end_relationships(connection: sa.Connection, identities: Sequence[str], until: datetime) -> int:
    """End relationships at a moment; how many there were that had not ended."""
    ending = sa.update(relationships).where(relationships.c.id.in_(identities), relationships.c.until.is_(None))
    return connection.execute(ending.values(until=until)).rowcount


def related_to(connection: sa.Connection, person: str, now: datetime) -> list[sa.Row[Any]]:
    """The records somebody is involved with now."""
    query = sa.select(relationships).where(
        relationships.c.person == person,
        relationships.c.kind == "involved",
        relationships.c.since <= now,
        sa.or_(relationships.c.until.is_(None), relationships.c.until > now),
    )
    return list(connection.execute(query.order_by(relationships.c.since)))


def mark(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep marks."""
    if rows:
        connection.execute(sa.insert(marks), list(rows))


def marks_now(connection: sa.Connection, record_keys: Sequence[str], now: datetime) -> dict[str, set[str]]:
    """The marks that hold on some records, by record, whoever set them; every record asked about is in the answer."""
    found: dict[str, set[str]] = {key: set() for key in record_keys}
    holding = sa.select(marks.c.record_key, marks.c.mark).where(
        marks.c.record_key.in_(record_keys),
        marks.c.since <= now,
        sa.or_(marks.c.until.is_(None), marks.c.until > now),
    )
    for row in connection.execute(holding):
        found[row.record_key].add(row.mark)
    return found


def marks_stamp(connection: sa.Connection, now: datetime) -> str:
    """What changes whenever a mark is set, lifted, or begins or ceases to hold by its dates."""
    c = marks.c
    open_now = sa.and_(c.since <= now, sa.or_(c.until.is_(None), c.until > now))
    row = connection.execute(
        sa.select(
            sa.func.count(), sa.func.count(c.until), sa.func.max(c.received_at), sa.func.max(c.until)
        ).select_from(marks)
    ).one()
    return f"{tuple(row)} {connection.scalar(sa.select(sa.func.count()).select_from(marks).where(open_now))}"


def every_mark(connection: sa.Connection, now: datetime) -> dict[str, set[str]]:
    """Every mark that holds now, by record."""
    found: dict[str, set[str]] = {}
    c = marks.c
    holding = sa.select(c.record_key, c.mark).where(c.since <= now, sa.or_(c.until.is_(None), c.until > now))
    for row in connection.execute(holding):
        found.setdefault(row.record_key, set()).add(row.mark)
    return found


def end_marks(connection: sa.Connection, owner: str, record_keys: Sequence[str], name: str, until: datetime) -> int:
    """End a mark that an organisation set on some records at a moment; how many there were."""
    ending = sa.update(marks).where(
        marks.c.owner == owner,
        marks.c.record_key.in_(record_keys),
        marks.c.mark == name,
        sa.or_(marks.c.until.is_(None), marks.c.until > until),
    )
    return connection.execute(ending.values(until=until)).rowcount


def approve(connection: sa.Connection, question: str, approver: str, now: datetime) -> None:
    """Keep that somebody approved a question."""
    connection.execute(sa.insert(approvals).values(question=question, approver=approver, at=now))


def tell(connection: sa.Connection, **values: Any) -> None:
    """Keep something that somebody must be told."""
    connection.execute(sa.insert(messages).values(**values))


def messages_for(connection: sa.Connection, person: str, organisation: str, role: str) -> list[sa.Row[Any]]:
    """What somebody has not yet seen: told to them, or to whoever has their role in their organisation."""
    to_role = sa.and_(messages.c.person == "", messages.c.organisation == organisation, messages.c.role == role)
    query = sa.select(messages).where(messages.c.seen_at.is_(None), sa.or_(messages.c.person == person, to_role))
    return list(connection.execute(query.order_by(messages.c.at)))


def told_of(connection: sa.Connection, organisation: str, kind: str, before: int, limit: int) -> list[int]:
    """The ledger entries of which an organisation was told something of one kind, the newest first."""
    about = messages.c.entry
    query = sa.select(about).where(messages.c.organisation == organisation, messages.c.kind == kind, about < before)
    return list(connection.scalars(query.distinct().order_by(about.desc()).limit(limit)))


def seen(connection: sa.Connection, identity: str, now: datetime) -> None:
    """Keep that a message was seen."""
    connection.execute(sa.update(messages).where(messages.c.id == identity).values(seen_at=now))


def _about_children() -> sa.CompoundSelect[Any]:
    none = sa.null()
    record_keys: sa.BindParameter[Any] = sa.bindparam("record_keys", expanding=True)
    head = sa.select(
        sa.literal("head").label("what"), sa.literal("").label("record_key"), sa.literal("").label("name"),
        sa.literal("").label("person"), sa.literal("").label("organisation"), sa.literal("").label("team"),
        sa.cast(policy_head.c.version, sa.Text).label("extra"),
        sa.cast(none, sa.Text).label("since"), sa.cast(none, sa.Text).label("until"),
    )  # fmt: skip
    r, m, a = relationships.c, marks.c, approvals.c
    involved = sa.select(
        sa.literal("relationship"), r.record_key, r.kind, r.person, r.organisation, r.team, sa.literal(""),
        sa.type_coerce(r.since, sa.Text), sa.type_coerce(r.until, sa.Text),
    ).where(r.record_key.in_(record_keys))  # fmt: skip
    marked = sa.select(
        sa.literal("mark"), m.record_key, m.mark, sa.literal(""), sa.literal(""), sa.literal(""), sa.literal(""),
        sa.type_coerce(m.since, sa.Text), sa.type_coerce(m.until, sa.Text),
    ).where(m.record_key.in_(record_keys))  # fmt: skip
    approved = sa.select(
        sa.literal("approval"), sa.literal(""), sa.literal(""), a.approver, sa.literal(""), sa.literal(""),
        sa.literal(""), sa.type_coerce(a.at, sa.Text), sa.cast(none, sa.Text),
    ).where(a.question == sa.bindparam("question"))  # fmt: skip
    return sa.union_all(head, involved, marked, approved)


_ABOUT_CHILDREN = _about_children()
"""Built once: putting it together takes longer than running it."""


def about_children(connection: sa.Connection, record_keys: Sequence[str], question: str) -> list[sa.Row[Any]]:
    """Head, relationships, marks and approvals for one question in one query: rows of (what, key, who, org, ...)."""
    return list(connection.execute(_ABOUT_CHILDREN, {"record_keys": list(record_keys), "question": question}))
