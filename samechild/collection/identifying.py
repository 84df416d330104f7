"""Telling the index who the council's children are, each in the council's own index space and nowhere else.

Joining councils, or attendance, needs an agreement that names a joint space; nothing here does that. Signs of an
adoption close the former identity in the same transaction in which the index learns of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from samechild.collection import store as tables
from samechild.collection.merge import child_of
from samechild.collection.records import Child, Feed
from samechild.collection.states import State, states_of
from samechild.index.adoption import CLOSING, PLACED
from samechild.index.identifying import identify
from samechild.index.records import Arrival
from samechild.index.spaces import ready
from samechild.index.taking import UNBORN
from samechild.policy.received import both_keys
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

SOURCE = "children's social care"
"""What the index calls the source of these records."""

AT_ONCE = 200


def identify_children(store: Store, by: Asker, feed: Feed, states: Sequence[State], now: datetime) -> int:
    """Let the index find each child its place among the council's children; returns how many it looked at.

    Without an index space of the council's own, or before it has a model, nothing is done: :func:`identify_rest` does
    it once there is one.
    """
    if not states or feed.sandbox or not ready(store, feed.owner):
        return 0
    for start in range(0, len(states), AT_ONCE):
        some = states[start : start + AT_ONCE]
        identify(store, by, [arrival_of(state, feed.owner) for state in some], now)
        with store.write(Login.CONTENT, feed.owner) as connection:
            for number in {state.number for state in some}:
                keys = [each.record_key for each in some if each.number == number]
                tables.identified(connection, feed.owner, keys, number)
    return len(states)


def identify_rest(store: Store, by: Asker, feed: Feed, now: datetime) -> int:
    """Let the index look at the children whom it has not seen as they are now; returns how many."""
    done = 0
    while not feed.sandbox and ready(store, feed.owner):
        with store.read(Login.CONTENT, feed.owner) as connection:
            keys = tables.not_identified(connection, feed.owner, AT_ONCE)
        states = list(states_of(store, feed.owner, keys, both_keys(store, keys)).values())
        if not states:
            break
        done += identify_children(store, by, feed, states, now)
    return done


def arrival_of(state: State, owner: str) -> Arrival:
    """A child as the index is told of one: who the child is, and the signs of an adoption or an unborn child."""
    child = child_of(state.held)
    return Arrival(
        owner=owner,
        source=SOURCE,
        record_id=child.la_child_id,
        given=given_of(child),
        signs=signs_of(child),
        record_key=state.record_key,
    )


def given_of(child: Child) -> dict[str, str]:
    """Who a child is, by field of a record; what is not known is left out."""
    details = child.child_details
    given = {"la_child_id": child.la_child_id}
    if details is None:
        return given
    born = details.date_of_birth
    values = {
        "forename": details.first_name,
        "surname": details.surname,
        "date_of_birth": born.isoformat() if born else None,
        "sex": details.sex if details.sex in ("M", "F") else None,
        "postcode": details.postcode,
        "upn": details.unique_pupil_number,
        "former_upn": details.former_unique_pupil_number,
    }
    return given | {name: value for name, value in values.items() if value}


def signs_of(child: Child) -> tuple[str, ...]:
    """What a child's record says of an adoption, or of a child not yet born."""
    found: list[str] = []
    for episode in child.social_care_episodes or ():
        reasons = [(placement.end_reason or "").upper() for placement in episode.child_looked_after_placements or ()]
        found += [reason for reason in reasons if reason in CLOSING]
        if episode.adoption is not None and episode.adoption.placed_date is not None:
            found.append(PLACED)
    details = child.child_details
    if details is not None and details.date_of_birth is None and details.expected_date_of_birth is not None:
        found.append(UNBORN)
    return tuple(dict.fromkeys(found))
