"""What people do in the index: put together, take apart, take back, close an identity; and checking that all adds up.

Each act reads as four paragraphs: gather what it is about, decide (the gate, then the rules of the index), record,
do. What the engine does by itself stands in :mod:`samechild.index.identifying` and :mod:`samechild.index.loading`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from os import urandom
from secrets import token_hex

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Invalid, Missing
from samechild.index import lifecycle, numbers
from samechild.index import store as tables
from samechild.index.gathering import gathered, pair_in, settle_questions
from samechild.index.lifecycle import Planned, State
from samechild.index.live import forget_all, sealed_numbers, writing
from samechild.index.records import Apart, Event, Kind, Space
from samechild.index.spaces import ask_of, space_of
from samechild.index.undoing import concerned
from samechild.index.writing import Draft, Owned, write
from samechild.keys.register import Purpose
from samechild.keys.seal import place
from samechild.policy import ledger
from samechild.policy.actions import permit
from samechild.policy.agreement_actions import agreement_in_force
from samechild.policy.relationship_actions import SEALED, close_identity, marks_held
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

Plan = Callable[[State], Planned]


def open_space(store: Store, by: Asker, space: Space, now: datetime) -> None:
    """Open an index space: an organisation's own, or a joint one that a signed agreement between its members names.

    Opening one that is open already changes nothing.

    Raises:
        Invalid: when a joint space names no agreement, or its members are not the agreement's parties.
        Refused: when the asker's organisation may not.
    """
    if by.organisation not in space.members:
        raise Invalid("A space is opened by one of its members.")
    if space.space != by.organisation or len(space.members) > 1:
        agreement = agreement_in_force(store, space.agreement, now)
        if agreement is None or not set(space.members) <= set(agreement.parties) & set(agreement.signed_by):
            raise Invalid("A joint space needs an agreement in force that all its members have signed: name it.")
    permit(store, ask_of(by, by.organisation, now, batch="open space"))
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        if not tables.spaces(connection, [space.space]):
            tables.keep_space(connection, space, now, lifecycle.empty_hash())


def merge(store: Store, by: Asker, space: str, into: str, gone: str, note: str, now: datetime) -> Event:
    """Put two children together who turned out to be one; the second's identifier leads to the first from now on.

    Raises:
        Conflict: when two of their records were ruled to be of different children: lift that first.
        Missing, Refused: when the asker may not know of them, or not do this.
    """
    return _act(store, by, space, [into, gone], [], note, now, lambda state: _merged(store, state, into, gone))


def split(
    store: Store, by: Asker, space: str, child: str, record_keys: Sequence[str], note: str, now: datetime
) -> Event:
    """Take some records out of a child as a child of their own, never to be matched again until a person lifts it.

    Raises:
        Invalid: when no record would leave, or none would stay.
        Missing, Refused: as :func:`merge`.
    """
    fresh = token_hex(16)

    def plan(state: State) -> Planned:
        return lifecycle.split(state, child, record_keys, fresh, partial(pair_in, store, state))

    return _act(store, by, space, [child], record_keys, note, now, plan)


def unlink(store: Store, by: Asker, space: str, record_key: str, note: str, now: datetime) -> Event:
    """Take one record out of its child: it is of another child, and is not matched to this one again.

    Raises:
        Missing, Refused, Invalid: as :func:`split`.
    """
    fresh = token_hex(16)

    def plan(state: State) -> Planned:
        return lifecycle.unlink(state, record_key, fresh, partial(pair_in, store, state))

    return _act(store, by, space, [], [record_key], note, now, plan)


def part(store: Store, by: Asker, space: str, one: str, other: str, note: str, now: datetime) -> Event:
    """Rule two records of two children apart: they are never matched again until a person lifts it.

    Raises:
        Conflict: when they are of one child now: split it.
        Missing, Refused: as :func:`merge`.
    """

    def plan(state: State) -> Planned:
        return lifecycle.part(state, one, other, Apart.SAID, partial(pair_in, store, state))

    return _act(store, by, space, [], [one, other], note, now, plan)


def lift(store: Store, by: Asker, space: str, record_key: str, other_key: str, note: str, now: datetime) -> Event:
    """Lift a ruling that two records are never to be matched; what protects an adopted child is never lifted.

    Raises:
        Missing: when there is no such ruling. Refused: as :func:`merge`.
    """

    def plan(state: State) -> Planned:
        return lifecycle.allow(state, record_key, other_key, partial(pair_in, store, state))

    return _act(store, by, space, [], [record_key, other_key], note, now, plan)


def born(store: Store, by: Asker, space: str, child: str, note: str, now: datetime) -> Event:
    """Note that an unborn child was born; the identifier stays.

    Raises:
        Conflict: when the child is not an unborn one. Missing, Refused: as :func:`merge`.
    """
    return _act(store, by, space, [child], [], note, now, lambda state: lifecycle.born(state, child))


def twins_born(
    store: Store, by: Asker, space: str, child: str, record_keys: Sequence[str], note: str, now: datetime
) -> Event:
    """Note that an unborn child was born as two: some records leave as the second twin, and the two never match.

    Raises:
        Conflict, Invalid: as :func:`born` and :func:`split`. Missing, Refused: as :func:`merge`.
    """
    fresh = token_hex(16)

    def plan(state: State) -> Planned:
        return lifecycle.twins_born(state, child, record_keys, fresh, partial(pair_in, store, state))

    return _act(store, by, space, [child], record_keys, note, now, plan)


def undo(store: Store, by: Asker, space: str, number: int, note: str, now: datetime) -> Event:
    """Take an event back: the index stands again exactly as before it, and the history keeps both.

    Raises:
        Conflict: when later events rest on it; the message names those to take back first.
        Missing: when there is no such event in the space. Refused: as :func:`merge`.
    """
    space_of(store, space, by.organisation)
    with store.read(Login.INDEX) as connection:
        taken = tables.event(connection, number)
    if taken is None or taken.space != space or taken.kind in (Kind.SEAL, Kind.ERASE):
        raise Missing("There is no such event to take back.")
    about = [change.key for change in taken.changes if change.what == "member"]
    named = {taken.child, taken.other, *concerned(taken.changes)} - {""}

    def plan(state: State, connection: sa.Connection) -> Planned:
        later = {
            event.number: event
            for child in named
            for event in tables.events_of(connection, space, child)
            if event.number > number
        }
        for what in ("apart", "number", "sealed", "gone"):
            keys = [change.key for change in taken.changes if change.what == what]
            state |= {(what, key): value for key, value in tables.lines_by_key(connection, space, what, keys).items()}
        return lifecycle.undo(state, taken, [later[each] for each in sorted(later)], partial(pair_in, store, state))

    return _acted(store, by, space, sorted(named), about, note, now, plan, undoes=number)


def seal(
    store: Store, by: Asker, record_keys: Sequence[str], reason: str, now: datetime, *, space: str = ""
) -> list[Event]:
    """Close an adopted child's former identity: its records become a child of their own that nothing joins again.

    They are hidden from everybody but the custodian, and ruled apart from every record they leave. ``reason`` is a
    code, such as E11; ``space`` narrows it to one, else it is done in every space that holds the records.

    Raises:
        Missing: when the records are not the asker's organisation's.
    """
    with store.read(Login.INDEX) as connection:
        rows = tables.records_by_key(connection, record_keys)
        held = tables.spaces_of_records(connection, record_keys)
    if not record_keys or any(key not in rows or rows[key].owner != by.organisation for key in record_keys):
        raise Missing(ledger.NOTHING_THERE)
    close_identity(store, by, by.organisation, record_keys, reason, now)
    done = []
    for name in sorted({name for name, _ in held} if not space else {space}):
        here = [key for where, key in held if where == name]
        with store.read(Login.INDEX) as connection:
            child_of = tables.children_of(connection, name, here)
        for child in sorted(set(child_of.values())):
            its = [key for key in here if child_of.get(key) == child]
            done.append(_written(store, name, [], its, "", {}, now, sealing(store, its, reason)))
    return done


def finish_seals(store: Store, by: Asker, now: datetime) -> int:
    """Hide records of closed identities that the gate does not hide yet; returns how many. Twice changes nothing.

    The index closes an identity in one transaction and the gate's mark follows; after a stop in between it is set here.
    """
    with store.read(Login.INDEX) as connection:
        sealed = {
            key: reason
            for space in tables.spaces(connection)
            for key, reason in tables.every_of(connection, space.space, "sealed").items()
        }
        rows = tables.records_by_key(connection, sorted(sealed))
    _, marks = marks_held(store, now)
    bare = [key for key in sorted(rows) if SEALED not in (marks or {}).get(key, set())]
    for key in bare:
        close_identity(store, by, rows[key].owner, [key], sealed[key], now)
    return len(bare)


def sealing(store: Store, record_keys: Sequence[str], reason: str) -> Callable[[State, sa.Connection], Planned]:
    """The plan that closes the identity these records of one child make up."""

    def plan(state: State, _: sa.Connection) -> Planned:
        pair = partial(pair_in, store, state)
        return lifecycle.seal(state, record_keys, token_hex(16), token_hex(16), reason, pair)

    return plan


def renumber(
    store: Store, by: Asker, space: str, old: str, new: str, what: str, now: datetime, *, child: str = ""
) -> Event | None:
    """Note what became of an NHS number; None when that is known already.

    ``what`` is ``superseded`` (by ``new``, which matching reads wherever a record holds the old one), ``invalidated``
    (it speaks for nobody any more) or ``settled`` (it is ``child``'s: with other children's records it counts nothing).

    Raises:
        Invalid: when ``what`` is none of these. Missing, Refused: when the asker may not.
    """
    here = space_of(store, space, by.organisation)
    permit(store, ask_of(by, by.organisation, now, batch="renumber"))
    with writing(store, here.space, now) as alive, store.write(Login.INDEX) as connection:
        tables.hold(connection)
        alive.follow(connection, now)
        state: State = {line: value for line, value in alive.lines.items() if line[0] in ("number", "child")}
        token = alive.number_token(old)
        try:
            planned = _renumbered(state, token, what, alive.number_token(new) if new else "", child)
        except Conflict:
            return None
        why = {"numbers": sealed_numbers(store, [old, new])}
        events = write(connection, here.space, [Draft(planned=planned, by=by.user, why=why)], {}, now)
    alive.catch_up(store, now)
    return events[0]


def _renumbered(state: State, token: str, what: str, new: str, child: str) -> Planned:
    if what == "superseded":
        return numbers.supersede(state, token, new)
    if what == "invalidated":
        return numbers.invalidate(state, token)
    if what == "settled":
        state.setdefault(("child", child), "live")
        return numbers.reissue(state, token, child)
    raise Invalid("A number is superseded, invalidated, or settled to be one child's.")


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of building a space anew from its events: how many, and how many lines stood otherwise."""

    space: str
    events: int
    lines: int
    differences: int
    same_hash: bool


def rebuild(store: Store, space: str, *, mend: bool = False) -> Rebuilt:
    """Add up every event of a space and compare with what stands there; ``mend`` puts the sum in its place.

    A space that adds up otherwise was changed behind the index's back, or lost something.

    Raises:
        Missing: when there is no such space.
        Invalid: when an event does not follow from those before it.
    """
    with store.write(Login.INDEX) if mend else store.read(Login.INDEX) as connection:
        if mend:
            tables.hold(connection)
        head = tables.head(connection, space)
        if head is None:
            raise Missing("There is no such index space.")
        state: State = {}
        digest, after, count = lifecycle.empty_hash(), 0, 0
        while events := tables.events_after(connection, after, space=space):
            for event in events:
                lifecycle.apply(state, event.changes)
                digest = lifecycle.moved(digest, event.changes)
                if digest != event.state_hash:
                    raise Invalid(f"Event {event.number} does not follow from those before it: restore a backup.")
            after, count = events[-1].number, count + len(events)
        there = standing(connection, space)
        wrong = {line for line in state.keys() | there.keys() if state.get(line, "") != there.get(line, "")}
        if mend and wrong:
            _mend(connection, space, state, there, wrong)
    if mend and wrong:
        forget_all(store)
    return Rebuilt(space=space, events=count, lines=len(state), differences=len(wrong), same_hash=digest == head[0])


def standing(connection: sa.Connection, space: str) -> State:
    """Every line of a space as it stands in the tables."""
    state: State = {("member", row[0]): row[3] for row in tables.every_member(connection, space)}
    state |= {("child", child): value for child, value in tables.every_child(connection, space).items()}
    return state | tables.every_line(connection, space)


def _mend(connection: sa.Connection, space: str, state: State, there: State, wrong: Iterable[tuple[str, str]]) -> None:
    lines: dict[str, list[tuple[str, str, str]]] = {}
    for what, key in sorted(wrong):
        lines.setdefault(what, []).append((key, there.get((what, key), ""), state.get((what, key), "")))
    rows = tables.records_by_key(connection, [key for key, _, _ in lines.get("member", [])])
    for what, them in lines.items():
        if what == "member":
            tables.move_members(
                connection,
                space,
                [(before, after, tables.member_row(rows[key], after)) for key, before, after in them if key in rows],
            )
        elif what == "child":
            tables.move_children(connection, space, them)
        else:
            tables.move_lines(connection, space, what, them)


def _merged(store: Store, state: State, into: str, gone: str) -> Planned:
    return lifecycle.merge(state, into, gone, partial(pair_in, store, state))


def _act(
    store: Store, by: Asker, space: str, children: Sequence[str], record_keys: Sequence[str], note: str,
    now: datetime, plan: Plan,
) -> Event:  # fmt: skip
    space_of(store, space, by.organisation)
    return _acted(store, by, space, children, record_keys, note, now, lambda state, _: plan(state))


def _acted(
    store: Store, by: Asker, space: str, children: Sequence[str], record_keys: Sequence[str], note: str,
    now: datetime, plan: Callable[[State, sa.Connection], Planned], undoes: int = 0,
) -> Event:  # fmt: skip
    """Ask the gate about every record that is concerned, then do it."""
    with store.read(Login.INDEX) as connection:
        state = gathered(store, connection, space, children, record_keys)
        about = {key for what, key in state if what == "member"} | set(record_keys)
        rows = tables.records_by_key(connection, sorted(about))
        known = {key for what, key in state if what in ("child", "gone")}
    if not rows or any(child and child not in known for child in children):
        raise Missing(ledger.NOTHING_THERE)
    for owner in sorted({row.owner for row in rows.values()}):
        its = sorted(key for key, row in rows.items() if row.owner == owner)
        permit(store, ask_of(by, owner, now, its))
    why = {"note": _sealed(store, note)} if note else {}
    return _written(store, space, children, record_keys, by.user, why, now, plan, undoes)


def _written(
    store: Store, space: str, children: Sequence[str], record_keys: Sequence[str], by: str, why: dict[str, str],
    now: datetime, plan: Callable[[State, sa.Connection], Planned], undoes: int = 0,
) -> Event:  # fmt: skip
    with writing(store, space, now) as alive, store.write(Login.INDEX) as connection:
        tables.hold(connection)
        state = gathered(store, connection, space, children, record_keys)
        planned = plan(state, connection)
        moving = [change.key for change in planned.changes if change.what == "member"]
        rows = tables.records_by_key(connection, moving)
        owned = {key: Owned(row.owner, row.basis) for key, row in rows.items()}
        events = write(connection, space, [Draft(planned=planned, by=by, why=dict(why), undoes=undoes)], owned, now)
        if moving:
            settle_questions(connection, space, moving, now)
    alive.catch_up(store, now)
    return events[0]


_NOTES = place("index_events", "note")


def _sealed(store: Store, note: str) -> str:
    return store.keys.seal(Purpose.GATE, note.encode(), _NOTES, urandom).hex()


def note_of(store: Store, event: Event) -> str:
    """Open what a person wrote beside an event; empty when nothing was written."""
    sealed = str(event.why.get("note", ""))
    return store.keys.unseal(Purpose.GATE, bytes.fromhex(sealed), _NOTES).decode() if sealed else ""
