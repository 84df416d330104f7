"""Which child a record was of as of an event: so that two who read at different times can speak of the same index.

A study states the version of the index that it used, and gets the same children again later, whatever was joined and
parted since. What was erased since then stays erased.
"""

from __future__ import annotations

from collections.abc import Sequence

from samechild.errors import Invalid
from samechild.index import store as tables
from samechild.storage import Login, Store

_EVENTS_AT_ONCE = 1000


def children_at(
    store: Store, space: str, record_keys: Sequence[str], version: int | None = None
) -> tuple[int, dict[str, str]]:
    """The child each of some records was of, as of an event of a space; records that were not there are left out.

    The caller passes records that its asker was let read: a child's identifier is told to nobody else.

    Args:
        store: the open installation.
        space: whose children; of one organisation's own it bears the organisation's id.
        record_keys: the records.
        version: number of the event; the newest one when None.

    Returns:
        The version, and the child's identifier by record key.

    Raises:
        Invalid: when nothing has that number yet.
    """
    wanted = set(record_keys)
    with store.read(Login.INDEX) as connection:
        newest = tables.newest(connection)
        if version is not None and not 0 <= version <= newest:
            raise Invalid(f"The index is at version {newest}: name that or an earlier one.")
        found = tables.children_of(connection, space, sorted(wanted))
        at = newest if version is None else version
        before: dict[str, str] = {}  # what each record was of before the first event after the version that moved it
        number = at
        while some := tables.events_after(connection, number, space=space, limit=_EVENTS_AT_ONCE):
            for event in some:
                for change in event.changes:
                    if change.what == "member" and change.key in wanted:
                        before.setdefault(change.key, change.before)
            number = some[-1].number
    found |= before
    return at, {key: child for key, child in found.items() if child}
