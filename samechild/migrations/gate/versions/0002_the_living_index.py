"""The gate database: the living index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from samechild.storage.guards import Guard
from samechild.storage.steps import protect

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Do this step."""
    op.create_table(
        "call_turns",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False, comment="when the next request may be sent"),
        sa.PrimaryKeyConstraint("service"),
        sqlite_strict=True,
    )
    protect(op, Guard(table="call_turns", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
