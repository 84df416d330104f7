"""Who seems to live with a child, or to be a brother or sister: other children, each with the evidence and no more.

Nothing here is a fact about a family. It says that records of two children give one address, one family name, or one
parent, so that a practitioner thinks of the others in the home. What is hidden of a shielded child takes no part, so
that no relative's record tells where the child is; a closed identity takes no part either. Each relative and each piece
of evidence is told only where the gate lets the asker know of both records it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from secrets import token_hex

import msgspec

from samechild.index.copy import SpaceCopy
from samechild.index.differences import addresses
from samechild.index.families import CONNECTED, same_parents
from samechild.index.grounds import grounded
from samechild.index.keying import Values, key_of
from samechild.index.live import live
from samechild.index.records import WHO
from samechild.index.spaces import space_of
from samechild.index.together import together
from samechild.policy import ledger
from samechild.policy.actions import permits
from samechild.records import Record
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Store

MOST_AT_ONE_POSTCODE = 200
"""A postcode that more records give says nothing about who lives together: an institution, or a filler."""


class Evidence(StrEnum):
    """What the records of two children share."""

    PARENT = "the same parent"
    ADDRESS = "the same address"
    SURNAME = "the same family name"


class Shared(msgspec.Struct, frozen=True, order=True):
    """One piece of evidence, and the two records it rests on: one of the child, one of the other child."""

    evidence: Evidence
    own_key: str
    other_key: str


class Relative(msgspec.Struct, frozen=True, kw_only=True):
    """Another child who seems to be of the same family or household, and why."""

    child: str
    evidence: tuple[Evidence, ...]

    @property
    def sibling(self) -> bool:
        """Whether it may be a brother or sister: one parent, or one address and family name."""
        both = {Evidence.ADDRESS, Evidence.SURNAME} <= set(self.evidence)
        return Evidence.PARENT in self.evidence or both


_NEEDED = {Evidence.ADDRESS: WHO[1], Evidence.PARENT: CONNECTED}
"""What else, beside that a record exists, must be allowed to be known of both records for a piece of evidence."""


def households(
    copy: SpaceCopy, child: str, parents: Mapping[str, Sequence[str]], is_sealed: Callable[[str], bool]
) -> dict[str, list[Shared]]:
    """Find other children who share an address or a parent with a child, with every piece of evidence.

    Args:
        copy: the space's records in memory, with what marks hide.
        child: the child.
        parents: for each of the child's own records that is connected with a parent, other records that are connected
            with the same person.
        is_sealed: whether a record, by its key, is of a closed identity.

    Returns:
        The evidence by the other child. An address counts only when it names the house, not the postcode alone.
    """
    own = [row for row in copy.members(child) if not is_sealed(copy.record_key(row))]
    found: dict[str, set[Shared]] = {}
    for row in own:
        mine, key = _record(copy.columns, copy.searchable(row)), copy.record_key(row)
        for other in _at_one_postcode(copy, mine, is_sealed):
            its = _record(copy.columns, copy.searchable(other))
            if copy.child(other) != child and _one_home(mine, its):
                found.setdefault(copy.child(other), set()).add(Shared(Evidence.ADDRESS, key, copy.record_key(other)))
    for own_key, keys in parents.items():
        for other_key in keys:
            at = copy.row_of(other_key)
            if at is not None and copy.child(at) not in ("", child) and not is_sealed(other_key):
                found.setdefault(copy.child(at), set()).add(Shared(Evidence.PARENT, own_key, other_key))
    for other_child, pieces in found.items():
        pieces |= set(_surnames(copy, own, other_child, is_sealed))
    return {other: sorted(pieces) for other, pieces in sorted(found.items()) if other}


def family(store: Store, by: Asker, space: str, child: str, ask: Ask) -> list[Relative]:
    """Say which other children seem to be of a child's family or household, as far as the asker may know of each.

    ``ask`` gives purpose, power, basis and the like; the rest is filled in here. Every member of the space is asked
    the same questions, about records that do not exist where there are none.

    Raises:
        Missing: when the asker's organisation is no member of the space.
        Unavailable: when the ledger cannot be written: nothing is told.
    """
    here = space_of(store, space, by.organisation)
    alive = live(store, here.space, ask.now)
    copy = alive.copy
    own = [copy.record_key(row) for row in copy.members(child)]
    parents = {key: [other for them in same_parents(store, [key]).values() for other in them] for key in own}
    found = households(copy, child, {key: others for key, others in parents.items() if others}, alive.is_sealed)
    concerned = {key for pieces in found.values() for piece in pieces for key in (piece.own_key, piece.other_key)}
    owner_of = {key: copy.owner(row) for key in concerned if (row := copy.row_of(key)) is not None}
    kinds = (WHO[0], *_NEEDED.values())
    tasks = [
        partial(_known, store, by, owner, owner_of, ask, record_type) for record_type in kinds for owner in here.members
    ]
    answers = together(tasks)
    each_kind = len(here.members)
    known = {
        record_type: set().union(*answers[at * each_kind : (at + 1) * each_kind])
        for at, record_type in enumerate(kinds)
    }
    relatives = []
    for other, pieces in found.items():
        told = {piece.evidence for piece in pieces if _may_be_told(piece, known)}
        if told - {Evidence.SURNAME}:
            relatives.append(Relative(child=other, evidence=tuple(each for each in Evidence if each in told)))
    return sorted(relatives, key=lambda each: (not each.sibling, -len(each.evidence), each.child))


def _known(store: Store, by: Asker, owner: str, owner_of: Mapping[str, str], ask: Ask, record_type: str) -> set[str]:
    """The records of an organisation of which the asker may know that they hold something of a kind."""
    keys = tuple(sorted(key for key, its in owner_of.items() if its == owner)) or (token_hex(16),)
    scope = Scope(Spread.BATCH, keys, batch="family")
    question = msgspec.structs.replace(
        ask, who=by, owner=owner, mode=Mode.EXISTENCE, record_type=record_type, scope=scope
    )
    found: set[str] = set()
    for given in permits(store, grounded(store, question)):
        told = [key for key in given.record_keys if key in owner_of]
        if told:
            ledger.outcome(store, given, told, {"known": len(told)}, ask.now)
        found |= set(told)
    return found


def _may_be_told(piece: Shared, known: Mapping[str, set[str]]) -> bool:
    needed = [known[WHO[0]]]
    if piece.evidence in _NEEDED:
        needed.append(known[_NEEDED[piece.evidence]])
    return all({piece.own_key, piece.other_key} <= each for each in needed)


def _at_one_postcode(copy: SpaceCopy, mine: Record, is_sealed: Callable[[str], bool]) -> list[int]:
    postings = copy.found_by.get("postcode")
    if postings is None or not mine.postcode:
        return []
    rows = postings.few(key_of(mine.postcode), MOST_AT_ONE_POSTCODE) or []
    return [row for row in rows if copy.child(row) and not is_sealed(copy.record_key(row))]


def _one_home(mine: Record, its: Record) -> bool:
    """Whether two records name one home: one property number, or one postcode and the same house."""
    if mine.uprn and its.uprn:
        return mine.uprn == its.uprn
    named = bool(mine.address and its.address) and any(map(str.isdigit, mine.address or ""))
    return named and mine.postcode == its.postcode and addresses(mine, its) is None


def _surnames(
    copy: SpaceCopy, own: Sequence[int], other_child: str, is_sealed: Callable[[str], bool]
) -> Iterable[Shared]:
    for row in own:
        mine = _record(copy.columns, copy.searchable(row))
        for other in copy.members(other_child):
            its = _record(copy.columns, copy.searchable(other))
            if mine.surname and mine.surname == its.surname and not is_sealed(copy.record_key(other)):
                yield Shared(Evidence.SURNAME, copy.record_key(row), copy.record_key(other))


def _record(columns: Sequence[str], values: Values) -> Record:
    """A record as the copy holds it, with the fields it holds."""
    held = {name: value for name, value in zip(columns, values, strict=True) if value is not None}
    return Record(**{"source": "", "record_id": "", **held})  # type: ignore[arg-type]
