"""The identity database: the daily collection."""

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
        "csc_identities",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="of the newest submission merged into it"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="who the child is and where"),
        sa.PrimaryKeyConstraint("record_key"),
        sqlite_strict=True,
    )
    op.create_table(
        "csc_marks",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("kind", sa.Text(), nullable=False, comment="upn, or name and birth"),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_key", "kind"),
        sqlite_strict=True,
    )
    op.create_index("csc_marks_by_token", "csc_marks", ["owner", "token"], unique=False)
    protect(op, Guard(table="csc_identities", grants={"identity": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="csc_marks", grants={"identity": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
