"""The identity database: the living index."""

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
        "index_aliases",
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False, comment="token of the child id that a run of linking gave"),
        sa.Column("child", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("space", "alias"),
        sqlite_strict=True,
    )
    op.create_table(
        "index_children",
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="live, unborn, erased or merged:CHILD"),
        sa.PrimaryKeyConstraint("space", "child"),
        sqlite_strict=True,
    )
    op.create_table(
        "index_events",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="who decided; empty: the engine"),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False, comment="lines before and after, as JSON"),
        sa.Column("undoes", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, comment="codes and weights, as JSON; never a value of a record"),
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index("index_events_of_child", "index_events", ["space", "child"], unique=False)
    op.create_index("index_events_of_other", "index_events", ["space", "other"], unique=False)
    op.create_table(
        "index_lines",
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False, comment="apart, number or sealed"),
        sa.Column("key", sa.Text(), nullable=False, comment="token or opaque key"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("space", "what", "key"),
        sqlite_strict=True,
    )
    op.create_table(
        "index_members",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("space", "record_key"),
        sqlite_strict=True,
    )
    op.create_index("index_members_of_child", "index_members", ["space", "child"], unique=False)
    op.create_index("index_members_of_record", "index_members", ["record_key"], unique=False)
    op.create_table(
        "index_records",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("source", sa.Text(), nullable=False, comment="file or system the record came from"),
        sa.Column("local", sa.Text(), nullable=False, comment="token of owner, source and the record's own id there"),
        sa.Column("digest", sa.Text(), nullable=False, comment="token of what it says, to notice a change"),
        sa.Column("changed_on", sa.Text(), nullable=False, comment="when the source last changed it, or empty"),
        sa.Column("seen_at", sa.Text(), nullable=False, comment="when it was last received"),
        sa.PrimaryKeyConstraint("record_key"),
        sa.UniqueConstraint("owner", "local", name="index_records_once"),
        sqlite_strict=True,
    )
    op.create_table(
        "index_spaces",
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False, comment="organisations, as JSON"),
        sa.Column("agreement", sa.Text(), nullable=False, comment="the agreement that names a joint space"),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column(
            "model", sa.LargeBinary(), nullable=False, comment="the linkage model in use, sealed; empty: none yet"
        ),
        sa.PrimaryKeyConstraint("space"),
        sqlite_strict=True,
    )
    op.create_table(
        "tracing_asked",
        sa.Column("reference", sa.Text(), nullable=False, comment="opaque, drawn for one file"),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("several", sa.Boolean(), nullable=False, comment="another child of the name and birth date is known"),
        sa.Column("state", sa.Text(), nullable=False, comment="open, answered or lost"),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False, comment="codes, as JSON"),
        sa.Column("queries", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False, comment="whose records the service told of"),
        sa.Column("answered_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("reference"),
        sqlite_strict=True,
    )
    op.create_index("tracing_asked_of_record", "tracing_asked", ["record_key"], unique=False)
    op.create_index("tracing_asked_of_round", "tracing_asked", ["round", "state"], unique=False)
    op.create_index("tracing_asked_open", "tracing_asked", ["owner", "state"], unique=False)
    op.create_table(
        "tracing_messages",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False, comment="id of a message, or SHA-256 of a file"),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="answer, report or other"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "message"),
        sqlite_strict=True,
    )
    op.create_table(
        "tracing_numbers",
        sa.Column("number_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("side", sa.Text(), nullable=False, comment="local, national or candidate"),
        sa.Column("status", sa.Text(), nullable=False, comment="NHS number status indicator, 01 to 08"),
        sa.Column("how", sa.Text(), nullable=False, comment="how it was obtained; empty: there is no number"),
        sa.Column("by", sa.Text(), nullable=False, comment="who noted it or asked for the trace"),
        sa.Column("trace", sa.Text(), nullable=False, comment="the round it came from; empty: none"),
        sa.Column("row_id", sa.Text(), nullable=False, comment="the sealed row of the vault; empty: no value is kept"),
        sa.Column("token", sa.Text(), nullable=False, comment="token of the number, to find it again; empty: none"),
        sa.Column("previous", sa.Text(), nullable=False, comment="token of the number it replaces"),
        sa.Column("current", sa.Boolean(), nullable=False, comment="whether it counts now; earlier ones are history"),
        sa.Column("told_at", sa.Text(), nullable=True, comment="when the index was told of it"),
        sa.PrimaryKeyConstraint("number_id"),
        sqlite_strict=True,
    )
    op.create_index("tracing_numbers_by_owner", "tracing_numbers", ["owner", "current", "status"], unique=False)
    op.create_index("tracing_numbers_of_record", "tracing_numbers", ["record_key", "current"], unique=False)
    op.create_table(
        "tracing_proposals",
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("field", sa.Text(), nullable=False, comment="which field differs"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number_id", sa.Text(), nullable=False, comment="the national row it compares with"),
        sa.Column(
            "token", sa.Text(), nullable=False, comment="token of the national value, to know it when it comes again"
        ),
        sa.Column("state", sa.Text(), nullable=False, comment="open, national, local or settled"),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("proposal"),
        sqlite_strict=True,
    )
    op.create_index("tracing_proposals_of_record", "tracing_proposals", ["record_key"], unique=False)
    op.create_index("tracing_proposals_open", "tracing_proposals", ["owner", "state", "field"], unique=False)
    op.create_table(
        "tracing_rounds",
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation that asks"),
        sa.Column("route", sa.Text(), nullable=False, comment="hand, mesh or pds"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=True),
        sa.Column("received_at", sa.Text(), nullable=True),
        sa.Column("read_at", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False, comment="the message that carried the request; empty: none"),
        sa.Column("asked", sa.Integer(), nullable=False, comment="how many children"),
        sa.Column("code", sa.Text(), nullable=False, comment="why the service refused or lost it"),
        sa.PrimaryKeyConstraint("round"),
        sqlite_strict=True,
    )
    op.create_index("tracing_rounds_by_owner", "tracing_rounds", ["owner", "requested_at"], unique=False)
    op.create_table(
        "index_connected",
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("connection", sa.Text(), nullable=False, comment="opaque id; the newest row of it counts"),
        sa.Column(
            "person", sa.Text(), nullable=False, comment="token of who they are, to know one parent of two children"
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row_id"),
        sqlite_strict=True,
    )
    op.create_index("index_connected_of_child", "index_connected", ["record_key"], unique=False)
    op.create_index("index_connected_of_person", "index_connected", ["person"], unique=False)
    op.create_table(
        "index_custody",
        sa.Column("question", sa.Text(), nullable=False, comment="opaque id: keyed token of space and pair"),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False, comment="whose custodian is asked"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="which two records, why, and what was answered"),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="open, asked, unsure, answered or gone"),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("question"),
        sqlite_strict=True,
    )
    op.create_index("index_custody_waiting", "index_custody", ["organisation", "state", "received_at"], unique=False)
    op.create_table(
        "index_answers",
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="counts from 1"),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False, comment="same, different or cannot tell"),
        sa.Column("blind", sa.Boolean(), nullable=False, comment="whether they knew nothing of any other answer"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False, comment="sealed under both records' own keys; empty: none"),
        sa.Column("taken_back_at", sa.Text(), nullable=True, comment="since when it no longer counts"),
        sa.PrimaryKeyConstraint("question", "number"),
        sqlite_strict=True,
    )
    op.create_index("index_answers_by", "index_answers", ["who", "at"], unique=False)
    op.create_table(
        "index_question_records",
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False, comment="a: the record it is about, b: the other"),
        sa.Column("child", sa.Text(), nullable=False, comment="its child when the question was asked"),
        sa.PrimaryKeyConstraint("question", "side"),
        sqlite_strict=True,
    )
    op.create_index("index_question_records_of", "index_question_records", ["record_key"], unique=False)
    op.create_table(
        "index_questions",
        sa.Column("question", sa.Text(), nullable=False, comment="opaque id"),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column(
            "holds", sa.Text(), nullable=False, comment="digest of the two records while open, then the id: once each"
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="why a person is asked"),
        sa.Column("ground", sa.Text(), nullable=False, comment="code or words; never a value of a record"),
        sa.Column("weight", sa.Float(), nullable=False, comment="match weight in bits"),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("prior", sa.Float(), nullable=False, comment="bits before anything was compared"),
        sa.Column("evidence", sa.Text(), nullable=False, comment="comparisons, levels and bits, as JSON"),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False, comment="open, answered, withdrawn or superseded"),
        sa.Column("stage_at", sa.Text(), nullable=True, comment="since when, unless open"),
        sa.Column("assigned_to", sa.Text(), nullable=False, comment="who took it; empty: nobody"),
        sa.Column("leased_until", sa.Text(), nullable=True, comment="until when it is theirs"),
        sa.Column("second", sa.Boolean(), nullable=False, comment="two people must agree"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="the answer that was acted on"),
        sa.Column(
            "event", sa.BigInteger(), nullable=False, comment="event of the index that it brought about; 0: none"
        ),
        sa.PrimaryKeyConstraint("question"),
        sa.UniqueConstraint("space", "holds", name="index_questions_once"),
        sqlite_strict=True,
    )
    op.create_index("index_questions_by_stage", "index_questions", ["space", "stage", "opened_at"], unique=False)
    protect(
        op,
        Guard(
            table="identity_changes", grants={"identity": "SELECT, INSERT", "index": "SELECT, INSERT"}, append_only=True
        ),
    )
    protect(
        op,
        Guard(
            table="identity_rows",
            grants={"identity": "SELECT, INSERT, DELETE", "indexer": "SELECT", "index": "SELECT, INSERT"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(op, Guard(table="index_aliases", grants={"index": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="index_children", grants={"index": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="index_events", grants={"index": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="index_lines", grants={"index": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(
        op,
        Guard(
            table="index_members",
            grants={"identity": "SELECT, DELETE", "index": "SELECT, INSERT, UPDATE, DELETE"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(
        op,
        Guard(
            table="index_records",
            grants={"identity": "SELECT, DELETE", "index": "SELECT, INSERT, UPDATE, DELETE"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(op, Guard(table="index_spaces", grants={"index": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(
        op,
        Guard(
            table="tracing_asked",
            grants={"identity": "SELECT, INSERT, UPDATE, DELETE", "index": "SELECT"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(
        op,
        Guard(
            table="tracing_messages",
            grants={"identity": "SELECT, INSERT, UPDATE, DELETE", "index": "SELECT"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(
        op,
        Guard(
            table="tracing_numbers",
            grants={"identity": "SELECT, INSERT, UPDATE, DELETE", "index": "SELECT"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(
        op,
        Guard(
            table="tracing_proposals",
            grants={"identity": "SELECT, INSERT, UPDATE, DELETE", "index": "SELECT"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(
        op,
        Guard(
            table="tracing_rounds",
            grants={"identity": "SELECT, INSERT, UPDATE, DELETE", "index": "SELECT"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(
        op,
        Guard(
            table="index_connected",
            grants={"identity": "SELECT, INSERT, DELETE", "index": "SELECT"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(op, Guard(table="index_custody", grants={"index": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="index_answers", grants={"index": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(
        op,
        Guard(
            table="index_question_records",
            grants={"identity": "SELECT, DELETE", "index": "SELECT, INSERT, UPDATE, DELETE"},
            owned=True,
            everywhere=("index",),
        ),
    )
    protect(op, Guard(table="index_questions", grants={"index": "SELECT, INSERT, UPDATE, DELETE"}))
