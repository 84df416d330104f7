"""Random lives of an index: whatever happens in whatever order, it can be taken back exactly and nothing is lost.

The oracle is the plainest there is: after an undo the state must be what it would be if the undone event had never
happened, found by adding up all the other events from the beginning.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from samechild.errors import Conflict, Invalid, Missing
from samechild.index import lifecycle, numbers
from samechild.index.adoption import closed_in, told
from samechild.index.planned import Planned
from samechild.index.records import Apart, Change, Event, Kind
from samechild.index.state import APART, CHILD, GONE, LIVE, MEMBER, SEALED, UNBORN, State, members, resolve

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RECORDS = [f"r{number}" for number in range(8)]
PICK = st.integers(0, 1 << 16)


def pair(a: str, b: str) -> str:
    """A token of two records that tells neither."""
    return sha256("\x1f".join(sorted((a, b))).encode()).hexdigest()[:16]


class Adopted(msgspec.Struct, frozen=True):
    """What a seal parted: the former identity's records, the others, their children, and what led to both before."""

    number: int
    old: frozenset[str]
    new: frozenset[str]
    led_there: frozenset[str]


def added_up(events: list[Event]) -> State:
    """The state that some events lead to, without what only remembers identifiers."""
    state: State = {}
    for event in events:
        for change in event.changes:
            state.pop((change.what, change.key), None)
            if change.after:
                state[change.what, change.key] = change.after
    return counted(state)


def counted(state: State) -> State:
    """A state without what only remembers identifiers."""
    return {line: value for line, value in state.items() if line[0] != GONE}


class Lives(RuleBasedStateMachine):
    """A space in which everything happens that can happen."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = {}
        self.digest = lifecycle.empty_hash()
        self.events: list[Event] = []
        self.ever: list[str] = []
        self.adopted: list[Adopted] = []
        self.made = 0

    # --- what happens -------------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        for record_key in RECORDS[:4]:
            self.write(lifecycle.found(self.state, self.fresh(), [record_key]))

    @rule(record=st.sampled_from(RECORDS), unborn=st.booleans())
    def found(self, record: str, unborn: bool) -> None:
        self.attempt(lambda: lifecycle.found(self.state, self.fresh(), [record], unborn))

    @rule(record=st.sampled_from(RECORDS), pick=PICK)
    def link(self, record: str, pick: int) -> None:
        self.attempt(lambda: lifecycle.link(self.state, record, self.any_child(pick), pair))

    @rule(record=st.sampled_from(RECORDS))
    def unlink(self, record: str) -> None:
        self.attempt(lambda: lifecycle.unlink(self.state, record, self.fresh(), pair))

    @rule(a=PICK, b=PICK)
    def merge(self, a: int, b: int) -> None:
        self.attempt(lambda: lifecycle.merge(self.state, self.any_child(a), self.any_child(b), pair))

    @rule(pick=PICK, some=st.sets(st.integers(0, 7), min_size=1))
    def split(self, pick: int, some: set[int]) -> None:
        def plan() -> Planned:
            its = members(self.state, resolve(self.state, self.any_child(pick)))
            return lifecycle.split(self.state, self.any_child(pick), self.of(its, some), self.fresh(), pair)

        self.attempt(plan)

    @rule(pick=PICK)
    def born(self, pick: int) -> None:
        self.attempt(lambda: lifecycle.born(self.state, self.any_child(pick)))

    @rule(pick=PICK, some=st.sets(st.integers(0, 7), min_size=1))
    def twins_born(self, pick: int, some: set[int]) -> None:
        def plan() -> Planned:
            its = members(self.state, resolve(self.state, self.any_child(pick)))
            return lifecycle.twins_born(self.state, self.any_child(pick), self.of(its, some), self.fresh(), pair)

        self.attempt(plan)

    @rule(a=st.sampled_from(RECORDS), b=st.sampled_from(RECORDS), why=st.sampled_from(Apart))
    def part(self, a: str, b: str, why: Apart) -> None:
        self.attempt(lambda: lifecycle.part(self.state, a, b, why, pair))

    @rule(a=st.sampled_from(RECORDS), b=st.sampled_from(RECORDS))
    def allow(self, a: str, b: str) -> None:
        was = self.state.get((APART, pair(a, b)))
        if self.attempt(lambda: lifecycle.allow(self.state, a, b, pair)):
            assert was != Apart.PROTECTED

    @rule(
        number=st.sampled_from("xyz"), other=st.sampled_from("xyz"), how=st.sampled_from(("s", "i", "c", "")), pick=PICK
    )
    def renumber(self, number: str, other: str, how: str, pick: int) -> None:
        plans = {
            "s": lambda: numbers.supersede(self.state, number, other),
            "i": lambda: numbers.invalidate(self.state, number),
            "c": lambda: numbers.reissue(self.state, number, self.any_child(pick)),
            "": lambda: numbers.restore(self.state, number),
        }
        self.attempt(plans[how])

    @rule(pick=PICK, some=st.sets(st.integers(0, 7), min_size=1))
    def seal(self, pick: int, some: set[int]) -> None:
        child = resolve(self.state, self.any_child(pick))
        its = members(self.state, child)
        keys = self.of(its, some)
        led = frozenset(each for each in self.ever if resolve(self.state, each) == child)
        fresh, rest = self.fresh(), self.fresh()
        if self.attempt(lambda: lifecycle.seal(self.state, keys, fresh, rest, "E11", pair)) and len(keys) < len(its):
            new = frozenset(its) - set(keys)
            self.adopted.append(Adopted(len(self.events), frozenset(keys) | {fresh}, new | {rest}, led))

    @rule(record=st.sampled_from(RECORDS))
    def erase(self, record: str) -> None:
        self.attempt(lambda: lifecycle.erase(self.state, record))

    @precondition(lambda self: self.events)
    @rule(pick=PICK, custodian=st.booleans())
    def undo(self, pick: int, custodian: bool) -> None:
        self.take_back(self.events[-1 - pick % len(self.events)], custodian)

    @precondition(lambda self: self.events)
    @rule(custodian=st.booleans())
    def undo_the_last(self, custodian: bool) -> None:
        last = self.events[-1]
        before = self.events[-2].state_hash if len(self.events) > 1 else lifecycle.empty_hash()
        if self.take_back(last, custodian):
            assert self.digest == before
        else:
            assert last.kind is Kind.ERASE or not custodian or self.has_erased()

    # --- what must always hold ----------------------------------------------------------------------------------------

    @invariant()
    def all_is_well(self) -> None:
        self.the_digest_is_the_states()
        self.the_events_add_up_to_the_state()
        self.every_identifier_leads_somewhere()
        self.every_record_is_of_an_open_child()
        self.nothing_ruled_apart_is_together()
        self.two_identities_are_never_tied()

    def the_digest_is_the_states(self) -> None:
        assert self.digest == lifecycle.hash_of(self.state)

    def the_events_add_up_to_the_state(self) -> None:
        again: State = {}
        for event in self.events:
            lifecycle.apply(again, event.changes)
        assert again == self.state

    def every_identifier_leads_somewhere(self) -> None:
        for child in self.ever:
            end = resolve(self.state, child)
            stands = lifecycle.standing(self.state, child)
            assert stands in (LIVE, UNBORN, "erased")
            assert bool(members(self.state, end)) == (stands != "erased")

    def every_record_is_of_an_open_child(self) -> None:
        for (what, _), child in self.state.items():
            assert what != MEMBER or self.state[CHILD, child] in (LIVE, UNBORN)

    def nothing_ruled_apart_is_together(self) -> None:
        for child in {value for (what, _), value in self.state.items() if what == MEMBER}:
            its = members(self.state, child)
            assert not [1 for a in its for b in its if a < b and (APART, pair(a, b)) in self.state]
            assert len({(SEALED, key) in self.state for key in its}) == 1

    def two_identities_are_never_tied(self) -> None:
        undone = self.undone()
        sealed = {key for what, key in self.state if what == SEALED}
        closed = closed_in(self.state)
        shown = [one for event in self.events if (one := told(event, sealed, closed)) is not None]
        for each in self.adopted:
            if each.number in undone:
                continue
            for child in each.led_there:
                assert lifecycle.standing(self.state, child) == "erased"
            for event in shown:
                named = {event.child, event.other}
                for change in event.changes:
                    named |= {change.key, change.before.removeprefix("merged:"), change.after.removeprefix("merged:")}
                assert sum(bool(named & side) for side in (each.old, each.new, each.led_there)) < 2

    # --- how it is done -----------------------------------------------------------------------------------------------

    def attempt(self, plan: Any, undoes: int = 0) -> bool:
        rulings = {key for what, key in self.state if what == APART}
        try:
            planned = plan()
        except (Conflict, Invalid, Missing) as error:
            said = str(error).split()
        else:
            said = []
        assert not any(key in said for key in (*RECORDS, *self.ever)), "a message names no record and no child"
        if said:
            return False
        self.write(planned, undoes)
        if planned.kind not in (Kind.UNDO, Kind.ALLOW):
            assert rulings <= {key for what, key in self.state if what == APART}
        return True

    def write(self, planned: Planned, undoes: int = 0) -> None:
        assert len({(change.what, change.key) for change in planned.changes}) == len(planned.changes) > 0
        lifecycle.apply(self.state, planned.changes)
        self.ever += [each.key for each in planned.changes if each.what == CHILD and each.key not in self.ever]
        self.digest = lifecycle.moved(self.digest, planned.changes)
        self.events.append(
            Event(
                number=len(self.events) + 1,
                space="s",
                at=NOW,
                kind=planned.kind,
                child=planned.child,
                other=planned.other,
                changes=planned.changes,
                undoes=undoes,
                state_hash=self.digest,
            )
        )

    def take_back(self, event: Event, custodian: bool) -> bool:
        later = self.events[event.number :]
        done = self.attempt(lambda: lifecycle.undo(self.state, event, later, pair, custodian), event.number)
        if done:
            self.as_if_it_never_happened()
        return done

    def as_if_it_never_happened(self) -> None:
        undone = self.undone()
        left = [each for each in self.events if each.number not in undone and each.kind is not Kind.UNDO]
        ideal, real = added_up(left), counted(self.state)
        if not self.has_erased():
            assert real == ideal
            return
        for line in ideal.keys() | real.keys():
            if line[0] != CHILD or real.get(line) != "erased":
                assert real.get(line) == ideal.get(line)

    def undone(self) -> set[int]:
        found: set[int] = set()
        for event in reversed(self.events):
            if event.kind is Kind.UNDO and event.number not in found:
                found.add(event.undoes)
        return found

    def has_erased(self) -> bool:
        return any(event.kind is Kind.ERASE for event in self.events)

    def fresh(self) -> str:
        self.made += 1
        return f"c{self.made}"

    def any_child(self, pick: int) -> str:
        known = [child for child in self.ever if (CHILD, child) in self.state or (GONE, child) in self.state]
        return known[pick % len(known)]

    def of(self, its: list[str], some: set[int]) -> list[str]:
        return sorted({its[at % len(its)] for at in some}) if its else []


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def test_the_same_lines_have_the_same_digest_in_any_order() -> None:
    one = [Change("member", "r", "", "a"), Change("child", "a", "", "live")]
    digest = lifecycle.empty_hash()
    assert lifecycle.moved(digest, one) == lifecycle.moved(digest, reversed(one)) != digest
