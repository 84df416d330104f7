"""The gate database: the daily collection."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from samechild.storage.guards import Guard
from samechild.storage.steps import protect

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Do this step."""
    op.create_table(
        "feed_clients",
        sa.Column("client", sa.Text(), nullable=False, comment="system, as among users"),
        sa.Column("organisation", sa.Text(), nullable=False, comment="whose system it is"),
        sa.Column("feed", sa.Text(), nullable=False, comment="empty: of a supplier, for whoever names it"),
        sa.Column("supplier", sa.Text(), nullable=False, comment="who made what sends, in words"),
        sa.Column("way", sa.Text(), nullable=False, comment="which of the routes"),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_feed_clients_feed"), "feed_clients", ["feed"], unique=False)
    op.create_index(op.f("ix_feed_clients_organisation"), "feed_clients", ["organisation"], unique=False)
    op.create_table(
        "feed_keys",
        sa.Column("digest", sa.Text(), nullable=False, comment="of the supplier key"),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_feed_keys_client"), "feed_keys", ["client"], unique=False)
    op.create_table(
        "feed_suppliers",
        sa.Column("naming", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="whose records the feed brings"),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False, comment="organisation whose systems may send for it"),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("naming"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_feed_suppliers_feed"), "feed_suppliers", ["feed"], unique=False)
    op.create_index(op.f("ix_feed_suppliers_supplier"), "feed_suppliers", ["supplier"], unique=False)
    op.create_table(
        "feeds",
        sa.Column("feed", sa.Text(), nullable=False, comment="three-digit number of the authority, or with -sandbox"),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose the records become"),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False, comment="JSON list of sections that may be sent"),
        sa.Column("months", sa.Integer(), nullable=False, comment="length of the history window"),
        sa.Column(
            "long_ids", sa.Boolean(), nullable=False, comment="whether ids of children may be as before version 1.0.1"
        ),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("feed"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_feeds_authority"), "feeds", ["authority"], unique=False)
    op.create_index(op.f("ix_feeds_owner"), "feeds", ["owner"], unique=False)
    op.create_table(
        "burden_entries",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="the council that says so"),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False, comment="such as 2026-11; empty: of the beginning as a whole"),
        sa.Column("what", sa.Text(), nullable=False, comment="code: first hours, hours, pounds"),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry"),
        comment="what councils say that sending costs them; the newest entry of a month counts",
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_burden_entries_feed"), "burden_entries", ["feed"], unique=False)
    protect(op, Guard(table="feed_clients", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="feed_keys", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="feed_suppliers", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="feeds", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="burden_entries", grants={"gate": "SELECT, INSERT"}, append_only=True))
