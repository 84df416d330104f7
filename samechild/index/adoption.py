"""An adopted child's two identities: which signs close the former one, what is ruled apart, and what may be told.

An adopted child gets a new name and a new NHS number, and often a new Unique Pupil Number. The former identity is
closed on the first sign of the adoption, before anything of the new one is known, so that nothing ever joins the two by
itself. The signs come in the social care feed: the end reasons E11 and E12 of a period of care (Department for
Education, *Children looked after return*, reason episode ceased), and the date on which a child was placed for adoption
(*Children's social care data specification*, ``social_care_episodes[].adoption.placed_date``). Placement comes months
before the order, but from then on the address is to be kept from the birth family (Adoption and Children Act 2002).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from samechild.index.records import Apart, Change, Event, Kind
from samechild.index.state import APART, CHILD, ERASED, MEMBER, MERGED, SEALED, State, is_open, resolve
from samechild.index.undoing import is_closing

PLACED = "adopted"
"""The sign that a placed-for-adoption date is held."""

CLOSING = ("E11", "E12", PLACED)
"""The signs that close an identity: adopted unopposed, adopted with consent dispensed with, placed for adoption."""

JOINING = ("former_upn", "upns")
"""Fields that carry a number across from one identity to the other; blank in a record that a seal is about."""


def seals(signs: Iterable[str]) -> str:
    """The code of the sign that closes a record's identity; empty when none does. Case and spaces do not matter.

    The codes RC1 and A3 to A6 (adopted, placed) speak of a placement, not of the identity, and close nothing by
    themselves: the return gives the date or the end reason as well.
    """
    given = {sign.strip().upper() for sign in signs}
    return next((sign for sign in CLOSING if sign.upper() in given), "")


def former(signs_of: Mapping[str, Sequence[str]], first_kept: Mapping[str, str]) -> list[str]:
    """Which of a child's records are of the former identity, when one of them carries a closing sign.

    Args:
        signs_of: the signs of each record of the child, by record key.
        first_kept: which identity each record shows, by record key: any text that is equal for records of one identity,
            such as a token of the surname and the NHS number.

    Returns:
        The record keys with a closing sign and every record that shows the same identity as one of them, sorted. The
        sign stands on the records of the period of care, which was under the former identity: whatever shows another
        one is the new identity's.
    """
    signed = {key for key, signs in signs_of.items() if seals(signs)}
    shown = {first_kept.get(key, "") for key in signed} - {""}
    return sorted(key for key in signs_of if key in signed or first_kept.get(key, "") in shown)


def without_joining_numbers(given: Mapping[str, str]) -> dict[str, str]:
    """What a record says without the numbers that lead from one identity to the other: for matching near a seal.

    A former UPN is written beside the new one in many returns. After a seal it would lead from the new identity to the
    old one, so it takes no part in matching, in search or in what is shown.
    """
    return {name: value for name, value in given.items() if name not in JOINING}


def closed_in(state: State) -> set[str]:
    """The identifiers that only a custodian may follow: erased, or of a sealed identity, or leading to such a one."""
    sealed = {state[MEMBER, key] for what, key in state if what == SEALED and (MEMBER, key) in state}
    found = set()
    for what, child in state:
        if what == CHILD:
            end = resolve(state, child)
            if end in sealed or not is_open(state, end):
                found.add(child)
    return found


def told(event: Event, sealed: Collection[str], closed: Collection[str]) -> Event | None:
    """An event as anybody but the custodian may read it; None when it must not be known of.

    Args:
        event: the event as it was written.
        sealed: record keys of closed identities.
        closed: identifiers of children that are closed now (:func:`closed_in`).

    Returns:
        The event without the lines of sealed records, and without lines or closed identifiers when it is about a closed
        child. A seal that closed an identifier which had stood for both identities reads as an erasure of that
        identifier: where its records are now is told to nobody.
    """
    if is_closing(event):
        if event.kind is Kind.SEAL and event.child in closed and _closed_identifier(event):
            return _bare(event, Kind.ERASE)
        return None
    if event.child in closed or event.other in closed:
        return _without_closed(event, closed)
    lines = tuple(change for change in event.changes if not _hidden(change, sealed, closed))
    if event.changes and not lines:
        return None
    return msgspec.structs.replace(event, changes=lines)


def _closed_identifier(event: Event) -> bool:
    return any((change.what, change.key, change.after) == (CHILD, event.child, ERASED) for change in event.changes)


def _without_closed(event: Event, closed: Collection[str]) -> Event | None:
    if event.kind is Kind.ERASE:
        return _bare(event, Kind.ERASE)
    left = [child if child not in closed else "" for child in (event.child, event.other)]
    return msgspec.structs.replace(_bare(event, event.kind), child=left[0], other=left[1]) if any(left) else None


def _bare(event: Event, kind: Kind) -> Event:
    return msgspec.structs.replace(event, kind=kind, changes=(), why={}, state_hash="")


def _hidden(change: Change, sealed: Collection[str], closed: Collection[str]) -> bool:
    if change.what == SEALED or (change.what == APART and Apart.PROTECTED in (change.before, change.after)):
        return True
    named = {change.key, *(value.removeprefix(MERGED) for value in (change.before, change.after))}
    return bool(named & (set(sealed) | set(closed)))
