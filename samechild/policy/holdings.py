"""Since when an organisation has held something of a kind about some records: that it exists, never what it says.

Whom to ask about a child is often worth more than what they wrote. A permit for existence opens just this: dates, from
the headings of the rows, which are not sealed; no row is opened.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from samechild.errors import Refused
from samechild.keys.children import Vault
from samechild.policy.vault_actions import in_vault
from samechild.records.disclosure import Permit
from samechild.sql.among import among
from samechild.storage import Login, Store
from samechild.storage.vaults import content_rows, identity_rows

_AT_ONCE = 500


class Holding(msgspec.Struct, frozen=True):
    """That a record holds something of a kind: when the first of it came, and the newest."""

    record_key: str
    first: datetime
    newest: datetime


def held_under(store: Store, permit: Permit, now: datetime) -> list[Holding]:
    """Since when an organisation holds something of the permit's kind, for each of its records that does.

    Raises:
        Refused: when the permit has run out.
    """
    if permit.decision.expires is not None and now >= permit.decision.expires:
        raise Refused("Leave to read has run out: ask again.")
    in_identity = in_vault(permit.record_type) is Vault.IDENTITY
    table = identity_rows if in_identity else content_rows
    asked = (
        sa.select(table.c.record_key, sa.func.min(table.c.received_at), sa.func.max(table.c.received_at))
        .where(
            table.c.owner == permit.space,
            table.c.record_type == permit.record_type,
            among(table.c.record_key, permit.record_keys),
        )
        .group_by(table.c.record_key)
        .order_by(table.c.record_key)
    )
    with store.read(Login.IDENTITY if in_identity else Login.CONTENT, permit.space) as connection:
        return [Holding(*row) for row in connection.execute(asked)]
