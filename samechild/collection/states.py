"""Opening what the collection holds of children: what was received, and what it adds up to.

The state of a child lies in two halves, one in each vault. They are put together here, in the memory of the process;
whoever shows any of it to somebody passes a permit, which says which children and which sections.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from samechild.collection import store as tables
from samechild.collection import who_store
from samechild.collection.merge import Held, joined, merge, parted
from samechild.collection.records import Episode
from samechild.errors import Refused
from samechild.policy.received import Both, both_keys, opened, sealed
from samechild.records.disclosure import Mode, Permit
from samechild.records.types import record_types
from samechild.storage import Login, Store

IDENTITY, EPISODE, PROTECTION = "personal.identity", "social-care.episode", "social-care.protection-plan"
CARE, ADOPTION, WORKERS = "social-care.looked-after", "social-care.adoption", "social-care.involvement"
SECTIONS: dict[str, tuple[str, ...]] = {
    PROTECTION: ("section_47_assessments", "child_protection_plans"),
    CARE: ("child_looked_after_placements", "care_leavers"),
    ADOPTION: ("adoption",),
    WORKERS: ("care_worker_details",),
}
"""Which sections of an episode each record type covers; the rest of the child's content is ``social-care.episode``."""


BASIS = "public task"
"""UK GDPR Article 6(1)(e): councils and the department act under the Children Acts 1989 and 2004."""

RETENTION = record_types()[EPISODE].retention


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of a child as of a submission: its number, the position in it, and the merged child."""

    record_key: str
    number: int
    position: int
    held: Held

    @property
    def order(self) -> tuple[int, int]:
        """Where it stands in the order of what was received."""
        return self.number, self.position


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One slice opened: what was sent of a child, when and where in the order. It does not print it."""

    name: str
    record_key: str
    number: int
    position: int
    received_at: datetime
    sent: dict[str, Any]

    @property
    def order(self) -> tuple[int, int]:
        """Where it stands in the order of what was received."""
        return self.number, self.position

    def __repr__(self) -> str:
        return f"Received(name={self.name!r}, hidden)"


def states_of(store: Store, owner: str, record_keys: Sequence[str], keys: Mapping[str, Both]) -> dict[str, State]:
    """What is held of some children, both halves put together; for the rooms that work on it, never to be shown.

    Halves that were cut off from one another, by a kill between the two vaults, are put right from what was received.
    """
    found, apart = _together(store, owner, record_keys, keys)
    for key, upto in apart.items():
        again = rebuilt(store, owner, key, keys, upto)
        if again is not None:
            found[key] = again
    return found


Apart = dict[str, tuple[int, int]]
"""Children whose halves are as of different submissions, and as of which both are."""


def _together(
    store: Store, owner: str, record_keys: Sequence[str], keys: Mapping[str, Both]
) -> tuple[dict[str, State], Apart]:
    """Put the halves of some children together; those that do not belong together are told."""
    with store.read(Login.IDENTITY, owner) as connection:
        who = who_store.identities(connection, owner, record_keys)
    with store.read(Login.CONTENT, owner) as connection:
        what = tables.states(connection, owner, record_keys)
    found: dict[str, State] = {}
    apart: Apart = {}
    for key in (who.keys() | what.keys()) & keys.keys():
        orders = [(half[key].number, half[key].position) for half in (who, what) if key in half]
        if len(orders) < 2 or orders[0] != orders[1]:
            apart[key] = min(orders) if len(orders) == 2 else (0, 0)
            continue
        identity = opened(keys[key].identity, who[key].sealed, "csc_identities", "sealed", owner, key, key)
        content = opened(keys[key].content, what[key].sealed, "csc_states", "sealed", owner, key, key)
        held = joined(msgspec.json.decode(identity), msgspec.json.decode(content))
        found[key] = State(record_key=key, number=orders[0][0], position=orders[0][1], held=held)
    return found, apart


def rebuilt(
    store: Store, owner: str, record_key: str, keys: Mapping[str, Both], upto: tuple[int, int] | None = None
) -> State | None:
    """The state of a child made again from everything received, or from what came up to a place in the order."""
    held: Held | None = None
    last = (0, 0)
    for each in received(store, owner, [record_key], keys):
        if upto is not None and each.order > upto:
            break
        held = merge(held, each.sent, each.received_at.date().isoformat()).held
        last = each.order
    return None if held is None else State(record_key=record_key, number=last[0], position=last[1], held=held)


def put_right(store: Store, owner: str, record_keys: Sequence[str], now: datetime) -> list[str]:
    """Make the states of children anew from what was received, where they differ; returns whose did."""
    keys = both_keys(store, record_keys)
    kept, _ = _together(store, owner, record_keys, keys)
    wrong = []
    for key in record_keys:
        again = rebuilt(store, owner, key, keys) if key in keys else None
        if again is not None and kept.get(key) != again:
            keep_states(store, owner, {key: again}, keys, now)
            wrong.append(key)
    return wrong


def keep_states(store: Store, owner: str, states: Mapping[str, State], keys: Mapping[str, Both], now: datetime) -> None:
    """Keep both halves of some states, each in its vault."""
    whos, whats = halves(owner, states, keys, now)
    with store.write(Login.IDENTITY, owner) as connection:
        who_store.keep_identities(connection, whos)
    with store.write(Login.CONTENT, owner) as connection:
        tables.keep_states(connection, whats)


Rows = list[dict[str, Any]]


def halves(owner: str, states: Mapping[str, State], keys: Mapping[str, Both], now: datetime) -> tuple[Rows, Rows]:
    """The rows of some states: who the children are, for the identity vault, and what is known, for the other."""
    whos, whats = [], []
    for key, state in states.items():
        identity, content = parted(state.held)
        common = {"owner": owner, "record_key": key, "received_at": now, "basis": BASIS, "retention": RETENTION}
        common |= {"number": state.number, "position": state.position}
        plain = msgspec.json.encode(identity), msgspec.json.encode(content)
        who = sealed(keys[key].identity, plain[0], "csc_identities", "sealed", owner, key, key)
        what = sealed(keys[key].content, plain[1], "csc_states", "sealed", owner, key, key)
        whos.append({**common, "sealed": who})
        whats.append({**common, "sealed": what, "checked_on": now.date().isoformat()})
    return whos, whats


def received(store: Store, owner: str, record_keys: Sequence[str], keys: Mapping[str, Both]) -> list[Received]:
    """Everything received of some children, oldest first."""
    with store.read(Login.CONTENT, owner) as connection:
        rows = tables.slices_of_children(connection, owner, record_keys)
    return [slice_opened(row, keys[row.record_key]) for row in rows if row.record_key in keys]


def slice_opened(row: Any, keys: Both) -> Received:
    """Open one slice."""
    plain = opened(keys.together, row.sealed, "slices", "sealed", row.owner, row.record_key, row.slice)
    return Received(
        name=row.slice,
        record_key=row.record_key,
        number=row.number,
        position=row.position,
        received_at=row.received_at,
        sent=msgspec.json.decode(plain),
    )


def open_children(
    store: Store, permits: Sequence[Permit], now: datetime, known_on: date | None = None
) -> dict[str, Held]:
    """What some permits let somebody read of children: each permit opens the sections of its record type.

    Args:
        store: the open installation.
        permits: for content, of one organisation's records; one for each record type that is read.
        now: the time; a permit that has run out opens nothing.
        known_on: what was known at the end of this day, in place of what is known now.

    Raises:
        Refused: when a permit has run out, or is for existence only.
    """
    allowed: dict[str, dict[str, Permit]] = {}
    for permit in permits:
        if permit.decision.expires is not None and now >= permit.decision.expires:
            raise Refused("Leave to read has run out: ask again.")
        if permit.decision.ask.mode is not Mode.CONTENT:
            raise Refused("This permit says only whether a record exists: ask for its content.")
        for key in permit.record_keys:
            allowed.setdefault(key, {})[permit.record_type] = permit
    owners = {permit.space for permit in permits}
    found: dict[str, Held] = {}
    for owner in owners:
        its = sorted(key for key, kinds in allowed.items() if any(p.space == owner for p in kinds.values()))
        keys = both_keys(store, its)
        states = states_of(store, owner, its, keys) if known_on is None else _known(store, owner, its, keys, known_on)
        for key, state in states.items():
            found[key] = _within(state.held, allowed[key])
    return found


def _known(
    store: Store, owner: str, record_keys: Sequence[str], keys: Mapping[str, Both], day: date
) -> dict[str, State]:
    """What was known of some children at the end of a day."""
    found: dict[str, State] = {}
    for each in received(store, owner, record_keys, keys):
        if each.received_at.date() <= day:
            was = found.get(each.record_key)
            merged = merge(was.held if was else None, each.sent, each.received_at.date().isoformat()).held
            if merged is None:
                found.pop(each.record_key, None)
                continue
            found[each.record_key] = State(
                record_key=each.record_key, number=each.number, position=each.position, held=merged
            )
    return found


def _within(held: Held, permits: Mapping[str, Permit]) -> Held:
    """Only what some record types cover; where the child is only where the decision does not hide it."""
    identity, content = parted(held)
    hidden = {name for permit in permits.values() for name in permit.decision.hidden}
    known = dict(content["child"])
    if EPISODE not in permits:
        known = {name: value for name, value in known.items() if name == "social_care_episodes"}
    child = dict(joined(identity if IDENTITY in permits else {}, {**content, "child": known}).child)
    out = {section for kind, sections in SECTIONS.items() if kind not in permits for section in sections}
    if EPISODE not in permits:
        ours = {section for sections in SECTIONS.values() for section in sections} | {"social_care_episode_id"}
        out |= set(Episode.__struct_fields__) - ours
    episodes = [_without(episode, out, "postcode" in hidden) for episode in child.pop("social_care_episodes", [])]
    details = {name: value for name, value in child.pop("child_details", {}).items() if name not in hidden}
    child |= {"child_details": details} if details else {}
    child |= {"social_care_episodes": episodes} if episodes else {}
    marks = {path: day for path, day in held.unreported.items() if not out & set(path.split("/"))}
    return Held(child=child, unreported=marks)


def _without(episode: Mapping[str, Any], out: Collection[str], places: bool) -> dict[str, Any]:
    """An episode without some sections, and without the placements' postcodes when these are hidden."""
    kept = {name: value for name, value in episode.items() if name not in out}
    return _without_places(kept) if places else kept


def _without_places(episode: dict[str, Any]) -> dict[str, Any]:
    placements = [
        {name: value for name, value in placement.items() if name != "postcode"}
        for placement in episode.get("child_looked_after_placements", [])
    ]
    return {**episode, "child_looked_after_placements": placements} if placements else episode
