"""The content database: the daily collection."""

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
        "csc_children",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False, comment="token of the authority's own id of the child"),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="token of the newest slice; empty: take the next one anyhow"
        ),
        sa.Column("seen_at", sa.Text(), nullable=False, comment="when it was last received"),
        sa.Column("changed_at", sa.Text(), nullable=False, comment="when it last said something new"),
        sa.Column(
            "identified", sa.BigInteger(), nullable=False, comment="number of the submission as of which it is indexed"
        ),
        sa.PrimaryKeyConstraint("record_key"),
        sa.UniqueConstraint("owner", "token", name="csc_children_once"),
        postgresql_with={"fillfactor": 80},
        sqlite_strict=True,
    )
    op.create_table(
        "csc_days",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False, comment="whole numbers by name, as JSON"),
        sa.PrimaryKeyConstraint("owner", "day"),
        sqlite_strict=True,
    )
    op.create_table(
        "csc_issues",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False, comment="token of the cells it links"),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False, comment="token of the worker of the open episode, or empty"),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True, comment="when it was gone again"),
        sa.PrimaryKeyConstraint("record_key", "rule", "place", "since"),
        sqlite_strict=True,
    )
    op.create_index("csc_issues_of_child", "csc_issues", ["record_key", "until"], unique=False)
    op.create_index("csc_issues_open", "csc_issues", ["owner", "until", "rule"], unique=False)
    op.create_table(
        "csc_purges",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("purge", sa.Text(), nullable=False, comment="opaque id"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="of the submission that asked for it"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False, comment="tokens of what was purged, as JSON"),
        sa.Column("done_at", sa.Text(), nullable=True, comment="when the slices were free of it"),
        sa.PrimaryKeyConstraint("purge"),
        sqlite_strict=True,
    )
    op.create_table(
        "csc_states",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="of the newest submission merged into it"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="what is known, without who the child is"),
        sa.Column("checked_on", sa.Text(), nullable=False, comment="day on which the rules last looked at it"),
        sa.PrimaryKeyConstraint("record_key"),
        sqlite_strict=True,
    )
    op.create_table(
        "slices",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("slice", sa.Text(), nullable=False, comment="opaque id; the receipt ends with it"),
        sa.Column("submission", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="of its submission"),
        sa.Column("position", sa.Integer(), nullable=False, comment="in its submission"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="as received, under both of the child's keys"),
        sa.PrimaryKeyConstraint("slice"),
        sqlite_strict=True,
    )
    op.create_index("slices_of_child", "slices", ["record_key", "number", "position"], unique=False)
    op.create_index("slices_of_submission", "slices", ["submission", "position"], unique=False)
    op.create_table(
        "submissions",
        sa.Column("submission", sa.Text(), nullable=False, comment="opaque id"),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="1, 2, 3 in the order of the owner's commits"),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False, comment="the system that sent it"),
        sa.Column("request", sa.Text(), nullable=False, comment="x-request-id"),
        sa.Column(
            "once", sa.Text(), nullable=False, comment="token of the idempotency key, or the submission's own id"
        ),
        sa.Column("digest", sa.Text(), nullable=False, comment="token of the whole body"),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Text(), nullable=False, comment="the day, for counting"),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False, comment="records that said something new"),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False, comment="records not taken"),
        sa.Column("faults", sa.Text(), nullable=False, comment="why, as JSON: position, rule, place without its value"),
        sa.Column("receipts", sa.Text(), nullable=False, comment="as given, as JSON"),
        sa.Column("milliseconds", sa.Integer(), nullable=False, comment="until the receipt was given"),
        sa.Column("status", sa.Integer(), nullable=False, comment="of the answer over HTTP"),
        sa.Column("state", sa.Text(), nullable=False, comment="received, done; refused: nothing of it was kept"),
        sa.Column("done_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("submission"),
        sa.UniqueConstraint("owner", "number", name="submissions_in_order"),
        sa.UniqueConstraint("owner", "once", name="submissions_once"),
        sqlite_strict=True,
    )
    op.create_index("submissions_by_request", "submissions", ["owner", "request"], unique=False)
    op.create_index("submissions_of_day", "submissions", ["owner", "received_on"], unique=False)
    op.create_index("submissions_waiting", "submissions", ["state", "owner", "number"], unique=False)
    op.create_table(
        "csc_teams",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column(
            "sealed", sa.LargeBinary(), nullable=False, comment="which worker is in which team, as the council said"
        ),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False, comment="opaque id of the person"),
        sa.PrimaryKeyConstraint("owner"),
        sqlite_strict=True,
    )
    protect(op, Guard(table="csc_children", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="csc_days", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="csc_issues", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="csc_purges", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="csc_states", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="slices", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="submissions", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
    protect(op, Guard(table="csc_teams", grants={"content": "SELECT, INSERT, UPDATE, DELETE"}, owned=True))
