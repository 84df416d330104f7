"""The gate database: as first shipped."""

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
        "child_salts",
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_key"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_child_salts_kek_version"), "child_salts", ["kek_version"], unique=False)
    op.create_table(
        "content_child_keys",
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_key"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_content_child_keys_kek_version"), "content_child_keys", ["kek_version"], unique=False)
    op.create_table(
        "identity_child_keys",
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_key"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_identity_child_keys_kek_version"), "identity_child_keys", ["kek_version"], unique=False)
    op.create_table(
        "key_register",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="current, former or retired"),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False, comment="fingerprint of the root key it is wrapped under"),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False, comment="empty once retired"),
        sa.Column("public", sa.LargeBinary(), nullable=False, comment="public half of a signing key"),
        sa.PrimaryKeyConstraint("purpose", "version"),
        sqlite_strict=True,
    )
    op.create_index(
        "key_register_one_current",
        "key_register",
        ["purpose"],
        unique=True,
        sqlite_where=sa.text("state = 'current'"),
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_table(
        "tombstones",
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose record it was"),
        sa.Column("erased_at", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, comment="code of the reason"),
        sa.Column("erasure", sa.Text(), nullable=False, comment="id of the erasure, as its ledger entries give it"),
        sa.Column("destroyed", sa.Text(), nullable=False, comment="SHA-256 over what the wrapped keys and salt were"),
        sa.PrimaryKeyConstraint("record_key"),
        sqlite_strict=True,
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON of opaque keys and codes"),
        sa.Column("idempotency_key", sa.Text(), nullable=False, comment="asking twice under one key is asking once"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("not_before", sa.Text(), nullable=False, comment="when it may be tried (again)"),
        sa.Column("deadline", sa.Text(), nullable=True, comment="after this it is of no use"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempts_allowed", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=False, comment="drawn at each taking; empty when nobody has it"),
        sa.Column("lease_until", sa.Text(), nullable=True),
        sa.Column("counted", sa.Integer(), nullable=False, comment="progress: so many"),
        sa.Column("counted_of", sa.Integer(), nullable=False, comment="of so many; 0: unknown"),
        sa.Column("failure", sa.Text(), nullable=False, comment="kind of the last error, without its words"),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'leased', 'done', 'dead')", name="jobs_state"),
        sa.PrimaryKeyConstraint("job_id"),
        sa.UniqueConstraint("kind", "idempotency_key", name="jobs_asked_once"),
        sqlite_strict=True,
    )
    op.create_index("jobs_next", "jobs", ["state", "not_before"], unique=False)
    op.create_table(
        "gate_changes",
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
        "gate_followers",
        sa.Column("follower", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False, comment="the database whose feed is followed"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="last line that was dealt with"),
        sa.Column("moved_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("follower", "feed"),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False, comment="entries it vouches for"),
        sa.Column("note", sa.Text(), nullable=False, comment="the signed checkpoint"),
        sa.Column("public", sa.LargeBinary(), nullable=False, comment="the key that signed it"),
        sa.PrimaryKeyConstraint("size"),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_entries",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False, comment="counts from 0"),
        sa.Column("leaf", sa.LargeBinary(), nullable=False, comment="hash of the entry as a leaf of the tree"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False, comment="the exact bytes that were hashed"),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index("ledger_entries_by_kind", "ledger_entries", ["kind", "number"], unique=False)
    op.create_table(
        "ledger_references",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("reference", "number"),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_subtrees",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False, comment="1: of 16 entries, 2: of 256"),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
        sqlite_strict=True,
    )
    op.create_table(
        "agreement_events",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False, comment="signed or withdrawn"),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "version", "event", "organisation"),
        comment="who signed or withdrew which version, and when",
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_agreement_events_policy_version"), "agreement_events", ["policy_version"], unique=False)
    op.create_table(
        "agreements",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("parties", sa.Text(), nullable=False, comment="JSON list of organisations"),
        sa.Column("rules", sa.Text(), nullable=False, comment="JSON list of lines, exceptions and defaults"),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "version"),
        comment="every version of every sharing agreement",
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_agreements_owner"), "agreements", ["owner"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("question", sa.Text(), nullable=False, comment="keyed reference of the very question"),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("question", "approver", "at"),
        comment="who approved which question",
        sqlite_strict=True,
    )
    op.create_table(
        "legal_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.Text(), nullable=False),
        sa.Column("in_force_until", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False, comment="the instrument, as cited"),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="regulations and schemes that turn something on, with their dates",
        sqlite_strict=True,
    )
    op.create_table(
        "marks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("mark", sa.Text(), nullable=False, comment="shielded, sealed-identity, opted-out"),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="yes/no marks on opaque records",
        sqlite_strict=True,
    )
    op.create_index("marks_by_record", "marks", ["record_key"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False, comment="user, or empty when a role"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False, comment="ledger entry it is about"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="what somebody must be told, such as a supervisor of a broken glass",
        sqlite_strict=True,
    )
    op.create_index("messages_by_person", "messages", ["person"], unique=False)
    op.create_index("messages_by_role", "messages", ["organisation", "role"], unique=False)
    op.create_table(
        "policy_head",
        sa.Column("only", sa.Integer(), nullable=False, comment="always 1"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("only"),
        comment="which version of agreements, law and organisations is in force",
        sqlite_strict=True,
    )
    op.create_table(
        "relationships",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("person", sa.Text(), nullable=False, comment="user, or empty when a team"),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="involved, own-family, oneself"),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="who is involved with which opaque record, from when to when",
        sqlite_strict=True,
    )
    op.create_index("relationships_by_person", "relationships", ["person"], unique=False)
    op.create_index("relationships_by_record", "relationships", ["record_key"], unique=False)
    op.create_table(
        "shadow_periods",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "since"),
        comment="weeks in which an organisation's questions are decided and recorded and nothing is disclosed",
        sqlite_strict=True,
    )
    op.create_table(
        "organisations",
        sa.Column("organisation", sa.Text(), nullable=False, comment="opaque; also the name of its data space"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False, comment="JSON: number by kind of number"),
        sa.Column("active_from", sa.Text(), nullable=False),
        sa.Column("active_until", sa.Text(), nullable=True),
        sa.Column(
            "vouched_by",
            sa.Text(),
            nullable=False,
            comment="organisation that vouches for a sole provider; empty: none",
        ),
        sa.Column("registered_until", sa.Text(), nullable=True),
        sa.Column("contract_until", sa.Text(), nullable=True),
        sa.Column("host", sa.Boolean(), nullable=False, comment="runs this installation"),
        sa.Column("route_who", sa.Text(), nullable=False, comment="who can decide when somebody is refused"),
        sa.Column("route_how", sa.Text(), nullable=False, comment="how to reach them"),
        sa.PrimaryKeyConstraint("organisation"),
        sqlite_strict=True,
    )
    op.create_table(
        "role_ends",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, comment="code: revoked, left, organisation-ended"),
        sa.PrimaryKeyConstraint("grant_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "role_grants",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False, comment="user: a person or a system"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_role_grants_holder"), "role_grants", ["holder"], unique=False)
    op.create_index(op.f("ix_role_grants_organisation"), "role_grants", ["organisation"], unique=False)
    op.create_table(
        "role_reviews",
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.Text(), nullable=False),
        sa.Column("reviewed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("review", "grant_id"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_role_reviews_grant_id"), "role_reviews", ["grant_id"], unique=False)
    op.create_table(
        "team_leavings",
        sa.Column("membership", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("membership"),
        sqlite_strict=True,
    )
    op.create_table(
        "team_members",
        sa.Column("membership", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("membership"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_team_members_team"), "team_members", ["team"], unique=False)
    op.create_index(op.f("ix_team_members_user_id"), "team_members", ["user_id"], unique=False)
    op.create_table(
        "teams",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False, comment="the one that leads it"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_teams_organisation"), "teams", ["organisation"], unique=False)
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_email", sa.LargeBinary(), nullable=False, comment="empty for a system"),
        sa.Column("email_token", sa.Text(), nullable=False, comment="keyed token; empty for a system"),
        sa.Column("machine", sa.Boolean(), nullable=False, comment="a system, not a person"),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("left_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("user_id"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_users_organisation"), "users", ["organisation"], unique=False)
    op.create_index(
        "users_one_address",
        "users",
        ["email_token"],
        unique=True,
        sqlite_where=sa.text("left_at IS NULL AND email_token != ''"),
        postgresql_where=sa.text("left_at IS NULL AND email_token != ''"),
    )
    op.create_table(
        "sharing_records",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text(), nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", sa.Text(), nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text(), nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text(), nullable=False, comment="retention class"),
        sa.Column("kind", sa.Text(), nullable=False, comment="consent, override, notice, harm, do-not-tell or share"),
        sa.Column("purpose", sa.Text(), nullable=False, comment="empty when about no one purpose"),
        sa.Column("happened_at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON of the record without its words"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="its words, sealed under the child's key"),
        sa.Column("succeeds", sa.Text(), nullable=True, comment="the row this one ends or withdraws"),
        sa.Column("entry", sa.Integer(), nullable=False, comment="ledger entry"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("succeeds"),
        comment="decisions about sharing: consent, overrides, notices, suspected harm, do-not-tell flags, share forms",
        sqlite_strict=True,
    )
    op.create_index("sharing_records_by_record", "sharing_records", ["record_key", "kind"], unique=False)
    op.create_table(
        "register_cases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False, comment="whose case it is"),
        sa.Column(
            "asking", sa.Text(), nullable=False, comment="organisation of who was refused or is reviewed; may be empty"
        ),
        sa.Column("started", sa.Text(), nullable=False, comment="when its clock began"),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False, comment="empty when about no one child"),
        sa.Column("about_user", sa.Text(), nullable=False),
        sa.Column("about_entry", sa.Integer(), nullable=True, comment="ledger entry it came from"),
        sa.Column("named", sa.Text(), nullable=False, comment="the person asked to look at it"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False, comment="ledger entry of its opening"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("register", "about_entry", name="register_cases_once"),
        comment="incidents, people's requests, concerns, and what the gate sends for review",
        sqlite_strict=True,
    )
    op.create_index("register_cases_by_asking", "register_cases", ["asking", "register"], unique=False)
    op.create_index("register_cases_by_organisation", "register_cases", ["organisation", "register"], unique=False)
    op.create_table(
        "register_collected",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="newest ledger entry looked at"),
        sa.PrimaryKeyConstraint("number"),
        comment="how far the ledger was searched for cases",
        sqlite_strict=True,
    )
    op.create_table(
        "register_steps",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="counts from 1"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "number"),
        comment="what happened to a case, step by step",
        sqlite_strict=True,
    )
    op.create_table(
        "retention_holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="number of the file or inquiry"),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.Text(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False, comment="empty: not one child's alone"),
        sa.Column("retention", sa.Text(), nullable=False, comment="empty: not one class alone"),
        sa.Column("lifted_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("retention_holds_standing", "retention_holds", ["owner", "lifted_at"], unique=False)
    op.create_table(
        "retention_reviews",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("retention", sa.Text(), nullable=False),
        sa.Column("dispose", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="code"),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("keep_until", sa.Text(), nullable=True, comment="YYYY-MM-DD"),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index(
        "retention_reviews_of_child", "retention_reviews", ["owner", "record_key", "retention"], unique=False
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="organisation whose records are erased"),
        sa.Column("who", sa.Text(), nullable=False, comment="opaque id of whoever decided"),
        sa.Column("why", sa.Text(), nullable=False, comment="code of the reason"),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("children", sa.Text(), nullable=False, comment="JSON: record key to digest of what is destroyed"),
        sa.Column("entry", sa.BigInteger(), nullable=True, comment="ledger entry that announced it"),
        sa.Column("destroyed_at", sa.Text(), nullable=True, comment="when the keys were destroyed"),
        sa.Column("done_at", sa.Text(), nullable=True, comment="when the last row and the last freed byte were gone"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_table(
        "downtime_numbers",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "label"),
        comment="telephone numbers for when the system is down",
        sqlite_strict=True,
    )
    op.create_table(
        "access_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False, comment="JSON list"),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_access_tokens_client_id"), "access_tokens", ["client_id"], unique=False)
    op.create_index(op.f("ix_access_tokens_expires_at"), "access_tokens", ["expires_at"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False, comment="argon2id"),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False, comment="of the second factor"),
        sa.Column("last_step", sa.BigInteger(), nullable=False, comment="the newest code used"),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "client_secrets",
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("secret_hash"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_client_secrets_client_id"), "client_secrets", ["client_id"], unique=False)
    op.create_table(
        "clients",
        sa.Column("client_id", sa.Text(), nullable=False, comment="also the id among users"),
        sa.Column("scopes", sa.Text(), nullable=False, comment="JSON list"),
        sa.Column(
            "public_keys", sa.Text(), nullable=False, comment="JSON Web Key Set, public halves; empty: a secret is used"
        ),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("client_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "invitations",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False, comment="empty until the account is begun"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_invitations_expires_at"), "invitations", ["expires_at"], unique=False)
    op.create_index(op.f("ix_invitations_user_id"), "invitations", ["user_id"], unique=False)
    op.create_table(
        "personas",
        sa.Column("persona", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("persona"),
        sqlite_strict=True,
    )
    op.create_table(
        "provider_people",
        sa.Column("subject_token", sa.Text(), nullable=False, comment="keyed token of issuer and subject"),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("bound_at", sa.Text(), nullable=False),
        sa.Column("bound_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject_token"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_provider_people_user_id"), "provider_people", ["user_id"], unique=False)
    op.create_table(
        "provider_starts",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False, comment="digest of the cookie of the browser that began"),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="nonce and code verifier"),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("state_hash"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_provider_starts_expires_at"), "provider_starts", ["expires_at"], unique=False)
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"], unique=False)
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", sa.Text(), nullable=False, comment="keyed token of the address tried, known or not"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.Column("locked_until", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("subject"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_sign_in_attempts_last_at"), "sign_in_attempts", ["last_at"], unique=False)
    op.create_table(
        "sign_ins",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="empty until one is chosen"),
        sa.Column("factors", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False, comment="local, persona, or the name of a provider"),
        sa.Column(
            "limited_to", sa.Text(), nullable=False, comment="JSON: roles a provider allows; empty: as given here"
        ),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("idle_seconds", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_sign_ins_ends_at"), "sign_ins", ["ends_at"], unique=False)
    op.create_index(op.f("ix_sign_ins_user_id"), "sign_ins", ["user_id"], unique=False)
    op.create_table(
        "used_assertions",
        sa.Column("assertion_hash", sa.Text(), nullable=False, comment="client and jti"),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("assertion_hash"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_used_assertions_expires_at"), "used_assertions", ["expires_at"], unique=False)
    protect(op, Guard(table="child_salts", grants={"gate": "SELECT, INSERT, UPDATE, DELETE", "ledger": "SELECT"}))
    protect(
        op,
        Guard(
            table="content_child_keys",
            grants={"gate": "SELECT, INSERT, UPDATE, DELETE", "content": "SELECT", "extractor": "SELECT"},
        ),
    )
    protect(
        op,
        Guard(
            table="identity_child_keys",
            grants={"gate": "SELECT, INSERT, UPDATE, DELETE", "identity": "SELECT", "indexer": "SELECT"},
        ),
    )
    protect(
        op,
        Guard(
            table="key_register",
            grants={
                "gate": "SELECT, INSERT, UPDATE",
                "identity": "SELECT",
                "content": "SELECT",
                "ledger": "SELECT",
                "indexer": "SELECT",
                "extractor": "SELECT",
            },
        ),
    )
    protect(
        op,
        Guard(
            table="tombstones",
            grants={"gate": "SELECT, INSERT", "identity": "SELECT", "content": "SELECT"},
            append_only=True,
        ),
    )
    protect(op, Guard(table="jobs", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="gate_changes", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="gate_followers", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(
        op, Guard(table="ledger_checkpoints", grants={"gate": "SELECT", "ledger": "SELECT, INSERT"}, append_only=True)
    )
    protect(op, Guard(table="ledger_entries", grants={"gate": "SELECT", "ledger": "SELECT, INSERT"}, append_only=True))
    protect(
        op, Guard(table="ledger_references", grants={"gate": "SELECT", "ledger": "SELECT, INSERT"}, append_only=True)
    )
    protect(op, Guard(table="ledger_subtrees", grants={"gate": "SELECT", "ledger": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="agreement_events", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="agreements", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="approvals", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="legal_entries", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="marks", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="messages", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(
        op,
        Guard(table="policy_head", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}, sequence="policy_head_only_seq"),
    )
    protect(op, Guard(table="relationships", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="shadow_periods", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="organisations", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="role_ends", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="role_grants", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="role_reviews", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="team_leavings", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="team_members", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="teams", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="users", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="sharing_records", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="register_cases", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="register_collected", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="register_steps", grants={"gate": "SELECT, INSERT"}, append_only=True))
    protect(op, Guard(table="retention_holds", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(
        op,
        Guard(
            table="retention_reviews",
            grants={"gate": "SELECT, INSERT"},
            append_only=True,
            sequence="retention_reviews_number_seq",
        ),
    )
    protect(op, Guard(table="erasures", grants={"gate": "SELECT, INSERT, UPDATE"}))
    protect(op, Guard(table="downtime_numbers", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="access_tokens", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="accounts", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="client_secrets", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="clients", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="invitations", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="personas", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="provider_people", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="provider_starts", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="recovery_codes", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="sign_in_attempts", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="sign_ins", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
    protect(op, Guard(table="used_assertions", grants={"gate": "SELECT, INSERT, UPDATE, DELETE"}))
