"""The content database: as first shipped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from samechild.storage.guards import Guard
from samechild.storage.steps import protect

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do this step."""
    op.create_table(
        "content_changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False, comment="organisation whose row changed, or empty"),
        sa.Column("subject", sa.Text(), nullable=False, comment="opaque key of what changed"),
        sa.Column("more", sa.Text(), nullable=False, comment="codes, as JSON; never a value of a child's record"),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_table(
        "content_followers",
        sa.Column("follower", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False, comment="the database whose feed is followed"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="last line that was dealt with"),
        sa.Column("moved_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("follower", "feed"),
        sqlite_strict=True,
    )
    op.create_table(
        "content_rows",
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("record_type", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row_id"),
        sqlite_strict=True,
    )
    op.create_index("content_rows_of_child", "content_rows", ["record_key", "record_type"], unique=False)
    protect(op, Guard(table="content_changes", grants={"content": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="content_followers", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(
        op,
        Guard(
            table="content_rows",
            grants={
                "content": "SELECT, INSERT, DELETE",
                "extractor": 'SELECT ("row_id", "owner", "record_key", "received_at", "record_type", "sealed")',
            },
            owned=True,
        ),
    )
