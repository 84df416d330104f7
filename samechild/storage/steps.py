"""What a migration calls beside Alembic's own operations."""

from __future__ import annotations

from typing import Any

from samechild.storage import guards
from samechild.storage.guards import Guard


def protect(op: Any, guard: Guard) -> None:
    """Put a table's guard in place in the database that is being migrated (``op`` is ``alembic.op``)."""
    guards.protect(op.get_bind(), guard)
    op.get_context().opts.setdefault("guards", []).append(guard)
