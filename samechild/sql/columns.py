"""The columns every stored row carries, and how times and flags are written so that both databases agree.

Whose the row is, which record it belongs to, when it came, on what legal basis it is held and how long: without these
five a row could be neither guarded nor disposed of.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from samechild.errors import Invalid


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, kept as ISO text of fixed width (``2026-11-22T07:30:00.000000Z``), so that text sorts."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write a moment; one without a time zone is refused, because it could mean two."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read a moment."""
        return None if value is None else moment(value)


@lru_cache(maxsize=64)
def moment_text(value: datetime) -> str:
    """Write a moment as text, in UTC.

    Raises:
        Invalid: when the moment has no time zone.
    """
    if value.tzinfo is None:
        raise Invalid("A time without a time zone cannot be kept: say UTC.")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Read a moment that :func:`moment_text` wrote."""
    return datetime.fromisoformat(text)


def kept_columns() -> list[sa.Column[Any]]:
    """Declare the five columns of every row about a child: give them to a table as ``*kept_columns()``."""
    return [
        sa.Column("owner", sa.Text, nullable=False, comment="organisation whose row this is"),
        sa.Column("record_key", sa.Text, nullable=False, comment="opaque key of the record it belongs to"),
        sa.Column("received_at", Moment, nullable=False, comment="when it came"),
        sa.Column("basis", sa.Text, nullable=False, comment="legal basis on which it is held"),
        sa.Column("retention", sa.Text, nullable=False, comment="retention class"),
    ]
