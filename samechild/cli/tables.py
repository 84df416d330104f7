"""The tables of every room, collected in the one place that may know them all."""

from __future__ import annotations

import sqlalchemy as sa


def all_tables() -> list[sa.MetaData]:
    """Every room's declared tables, in the order in which they are made; a test finds any that is left out."""
    from samechild.collection import burden_store, feeds_store
    from samechild.collection import store as collection_store
    from samechild.collection import who_store as collection_who_store
    from samechild.collection.reading import store as collection_reading_store
    from samechild.index import custody_store as custody
    from samechild.index import families_store as families
    from samechild.index import review_store as review
    from samechild.index import store as index
    from samechild.keys import store as keys
    from samechild.policy import store as policy
    from samechild.policy.consent import store as consent_store
    from samechild.policy.governance import store as downtime_store
    from samechild.policy.ledger import store as ledger
    from samechild.policy.people import store as people_store
    from samechild.policy.registers import store as registers_store
    from samechild.policy.retention import erasure_store
    from samechild.policy.retention import store as retention_store
    from samechild.policy.sign_in import store as sign_in
    from samechild.storage import changes, jobs, vaults
    from samechild.tracing import bucket as tracing_bucket
    from samechild.tracing import store as tracing

    return [
        keys.TABLES,
        jobs.TABLES,
        changes.GATE_TABLES,
        changes.IDENTITY_TABLES,
        changes.CONTENT_TABLES,
        vaults.IDENTITY_TABLES,
        vaults.CONTENT_TABLES,
        ledger.TABLES,
        policy.TABLES,
        people_store.TABLES,
        consent_store.TABLES,
        registers_store.TABLES,
        retention_store.TABLES,
        erasure_store.TABLES,
        downtime_store.TABLES,
        sign_in.TABLES,
        index.TABLES,
        tracing.TABLES,
        tracing_bucket.TABLES,
        families.TABLES,
        custody.TABLES,
        review.TABLES,
        collection_store.TABLES,
        collection_who_store.TABLES,
        feeds_store.TABLES,
        burden_store.TABLES,
        collection_reading_store.TABLES,
    ]
