"""Everything a practitioner sees of one child on one page: core record, who knows the child, family.

Each part is asked for by itself and is shown as far as it is allowed; nothing is kept of what was put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from samechild.index import store as tables
from samechild.index.core_fields import Claim
from samechild.index.drifting import sectors_of
from samechild.index.families import Connected, Tie, connected
from samechild.index.grounds import grounded
from samechild.index.households import Relative, family
from samechild.index.known_to import Known, known_to
from samechild.index.reading import read_child
from samechild.index.records import WHO, ChildRead, Held
from samechild.index.survivorship import Core, core_record
from samechild.index.together import together
from samechild.policy.vault_actions import read_what_may_be
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store


class Misplaced(msgspec.Struct, frozen=True):
    """A number that stands as the child's and is a connected person's: somebody must take it out."""

    claim: Claim
    tie: Tie


class ChildView(msgspec.Struct, frozen=True, kw_only=True):
    """One child as one asker may see it, all parts together."""

    read: ChildRead
    core: Core
    known: tuple[Known, ...]
    people: tuple[Connected, ...]
    relatives: tuple[Relative, ...]
    misplaced: tuple[Misplaced, ...] = ()


def view_child(store: Store, by: Asker, space: str, child: str, ask: Ask) -> ChildView:
    """Put together what somebody may see of a child.

    ``ask`` gives purpose, power, basis and the like; owner, record type and scope are filled in.

    Raises:
        Missing: when there is no such child, or nothing the asker may know of: the words are the same.
        Unavailable: when the ledger cannot be written: nothing is shown.
    """
    read = read_child(store, by, space, child, ask)
    core = core_record(read.records, sectors_of(store), ask.now.date())
    mine = msgspec.structs.replace(ask, who=by)
    keys: dict[str, list[str]] = {}
    for held in read.records:
        keys.setdefault(held.owner, []).append(held.record_key)
    asked = together([partial(connected, store, mine, owner, keys[owner]) for owner in sorted(keys)])
    people = [person for some in asked for person in some]
    return ChildView(
        read=read,
        core=core,
        known=tuple(known_to(store, by, read.space, read.child, ask)),
        people=tuple(people),
        relatives=tuple(family(store, by, read.space, read.child, ask)),
        misplaced=tuple(misplaced(core, people)),
    )


def misplaced(core: Core, people: list[Connected]) -> list[Misplaced]:
    """Numbers that a record gives as the child's and that are a connected person's own, such as the mother's."""
    whose = {person.number: person.tie for person in people if person.number}
    found = []
    for chosen in core.of("nhs_number"):
        beside = [each.claim for each in (*chosen.variants, *chosen.conflicts)]
        for claim in (chosen.value, *chosen.agreeing, *beside):
            if claim.record.nhs_number in whose:
                found.append(Misplaced(claim, whose[claim.record.nhs_number]))
    return found


def names_told(store: Store, by: Asker, ask: Ask, record_keys: Sequence[str]) -> dict[str, Held]:
    """Read who some records say the children are, for those of them that the asker may read: to tell hits apart.

    A search only tells that there is a record. Whoever may also read it sees the name beside it; others open it first.
    """
    with store.read(Login.INDEX) as connection:
        records = tables.records_by_key(connection, list(record_keys))
    found: dict[str, Held] = {}
    for owner in sorted({row.owner for row in records.values()}):
        keys = tuple(sorted(key for key, row in records.items() if row.owner == owner))
        scope = Scope(Spread.BATCH, keys, batch="search results")
        question = msgspec.structs.replace(ask, who=by, owner=owner, mode=Mode.CONTENT, record_type=WHO[0], scope=scope)
        for given, rows in read_what_may_be(store, grounded(store, question)):
            for row in rows:
                key = row.heading.record_key
                if key in records:
                    found[key] = Held(
                        record_key=key,
                        owner=owner,
                        source=records[key].source,
                        received_at=row.heading.received_at,
                        values=msgspec.json.decode(row.plain, type=dict[str, str]),
                        number=given.decision.number,
                    )
    return found
