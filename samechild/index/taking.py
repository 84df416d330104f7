"""Records taken one after the other within one transaction: which child each is of, and what a person is asked.

Each is in memory before the next is looked at, so that two records of one new child that arrive together find each
other. What people ruled outranks every score; a closed identity gains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any

import msgspec

from samechild.errors import Conflict, Missing
from samechild.index import lifecycle
from samechild.index.adoption import former, seals
from samechild.index.gathering import pair_in, pair_tokens
from samechild.index.keeping import Coming, standardised
from samechild.index.lifecycle import Planned, State
from samechild.index.live import Live, source_of
from samechild.index.records import Apart, Arrival, Candidate, Identified, Kind, Outcome, Piece
from samechild.index.review import Doubt, Question
from samechild.index.writing import Draft, Owned
from samechild.linkage.claims import HOPELESS
from samechild.linkage.constraints import FORBIDDING, VERIFIED, Why
from samechild.linkage.deciding import WORDS, Ground
from samechild.linkage.placing import Group, Member, Placement, fits, place
from samechild.linkage.reference import bits, probability_of
from samechild.records import Record
from samechild.storage import Store

UNBORN = "unborn"
"""The sign of a record about a child who is expected."""

MOST_RECORDS, AT_LEAST = 100, 10
"""So many records of the children near a newcomer are weighed, and so many of each at least: a placeholder has more."""

MOST_NEAR = 200
"""More children than this are never near one record but by mistake; the nearest are looked at."""


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record within the transaction: what happens, what a person is asked, and the answer."""

    identified: Identified
    drafts: tuple[Draft, ...] = ()
    questions: tuple[Question, ...] = ()
    restricted: tuple[tuple[str, str], ...] = ()


class Arrivals:
    """Records taken one after the other within one transaction: each is in memory before the next is looked at."""

    def __init__(
        self,
        store: Store,
        alive: Live,
        known: dict[tuple[str, str], Any],
        drawn: dict[tuple[str, str], str],
        now: datetime,
    ) -> None:
        self.store, self.alive, self.known, self.drawn, self.now = store, alive, known, drawn, now
        self.new: list[tuple[str, Coming]] = []
        self.changed: list[tuple[str, Coming]] = []
        self.seen: list[str] = []
        self.merged: list[str] = []  # records that moved because two children turned out to be one
        self.closed: list[tuple[list[str], str]] = []  # records of identities that were closed, and the reason
        self.owned: dict[str, Owned] = {}
        self._batch: dict[tuple[str, str], tuple[str, Coming]] = {}

    def take(self, arrival: Arrival, each: Coming) -> Took:
        """Decide about one record."""
        place_ = (each.owner, each.known[0])
        row, before = self.known.get(place_), self._batch.get(place_)
        key = before[0] if before else row.record_key if row is not None else self.drawn[place_]
        self.owned[key] = Owned(each.owner, each.basis)
        was = before[1] if before else row
        here = self.alive.copy.row_of(key)
        if was is not None and each.changed_on and was.changed_on and each.changed_on < was.changed_on:
            return self._as_before(Outcome.STALE, key, here)
        if was is not None and was.digest == each.digest and here is not None and not arrival.signs:
            self.seen.append(key)
            return self._as_before(Outcome.KEPT, key, here)
        if was is not None and here is not None:
            each = self._with_the_verified_number(each, here)
        if was is None:
            self.new.append((key, each))
        elif was.digest != each.digest:
            self._replace(key, each, before is not None)
        self._batch[place_] = (key, each)
        record = standardised(each.values, self.now.date())
        if here is None:
            took = self._placed(key, each, record, UNBORN in arrival.signs)
        else:
            took = self._placed_again(key, each, record, self.alive.copy.child(here), UNBORN in arrival.signs)
        reason = seals(arrival.signs)
        return self._closed(took, key, reason) if reason and not self.alive.is_sealed(key) else took

    def _with_the_verified_number(self, each: Coming, row: int) -> Coming:
        """A source that sends no NHS number does not take away one that was verified with the national service."""
        copy = self.alive.copy
        if "nhs_number" in each.values or not {"nhs_number", "nhs_number_status"} <= copy.places.keys():
            return each
        number, status = (copy.values(row)[copy.places[name]] for name in ("nhs_number", "nhs_number_status"))
        if status != VERIFIED or not isinstance(number, str) or not number.isdigit():
            return each
        values = {**each.values, "nhs_number": number, "nhs_number_status": VERIFIED}
        return msgspec.structs.replace(each, values=values)

    def _replace(self, key: str, each: Coming, in_batch: bool) -> None:
        """Keep the newer of two versions; of two within one batch only the last."""
        if in_batch:
            for held in (self.new, self.changed):
                for at, (other, _) in enumerate(held):
                    if other == key:
                        held[at] = (key, each)
                        return
        self.changed.append((key, each))

    def _as_before(self, outcome: Outcome, key: str, row: int | None) -> Took:
        child = self.alive.copy.child(row) if row is not None else ""
        return Took(identified=Identified(outcome=outcome, record_key=key, child=child))

    # --- a record that is new here ------------------------------------------------------------------------------------

    def _placed(self, key: str, each: Coming, record: Record, unborn: bool) -> Took:
        alive, child = self.alive, token_hex(16)
        newcomer = self._member(key, each, record, "")
        placement = Placement() if unborn else self._place(newcomer, self._groups(newcomer, record))
        drafts: list[Draft] = []
        state: State = {}
        joined, merged = self._joined(placement, state, drafts)
        if joined:
            planned = lifecycle.link(state, key, joined, self._pair(state))
            child = joined
        else:
            planned = lifecycle.found(state, child, [key], unborn=unborn)
        why = _why(placement) | _asked(placement)
        drafts.append(Draft(planned=planned, why=why))
        if unborn:
            alive.note("child", child, UNBORN)
        alive.put(key, each.owner, each.source, record, child)
        asked = self._questions(placement, key, child)
        outcome = Outcome.JOINED if joined else Outcome.ASK if asked else Outcome.NEW
        return Took(
            identified=Identified(
                outcome=outcome,
                record_key=key,
                child=child,
                candidates=self._candidates(placement),
                merged=tuple(merged),
            ),
            drafts=tuple(drafts),
            questions=(*asked, *self._contested(key, record, child)),
            restricted=tuple((near.mine, near.theirs) for near in placement.restricted),
        )

    def _joined(self, placement: Placement, state: State, drafts: list[Draft]) -> tuple[str, list[str]]:
        """Put together the children that the newcomer showed to be one: the child it joins, and those merged."""
        if not placement.joins:
            return "", []
        alive = self.alive
        sizes = {child: len(alive.copy.members(child)) for child in placement.joins}
        into = min(placement.joins, key=lambda child: (-sizes[child], child))
        for child in placement.joins:
            state |= self._lines(child)
        merged = []
        for gone in placement.joins:
            if gone == into:
                continue
            try:
                planned = lifecycle.merge(state, into, gone, self._pair(state))
            except Conflict:  # a person ruled two of their records apart: the newcomer joins the larger
                continue
            drafts.append(Draft(planned=planned, why=_why(placement)))
            lifecycle.apply(state, planned.changes)
            for change in planned.changes:
                if change.what == "member":
                    self._own(change.key)
                    self.merged.append(change.key)
                    alive.move(change.key, change.after)
                else:
                    alive.note(change.what, change.key, change.after)
            merged.append(gone)
        return into, merged

    def _lines(self, child: str) -> State:
        """The lines of a child: its state and its records."""
        copy = self.alive.copy
        lines: State = {("member", copy.record_key(row)): child for row in copy.members(child)}
        lines["child", child] = self.alive.state_of(child)
        return lines | {
            ("sealed", key): "sealed" for what, key in lines if what == "member" and self.alive.is_sealed(key)
        }

    def _pair(self, state: State) -> lifecycle.Pair:
        """How rulings between two records are found; where nothing was ever ruled, nothing need be looked for."""
        if not self.alive.apart:
            return lambda one, other: ""

        def pair(one: str, other: str) -> str:
            for token in pair_tokens(self.store, one, other):
                if token in self.alive.apart:
                    state["apart", token] = self.alive.apart[token]
                    return token
            return pair_in(self.store, state, one, other)

        return pair

    # --- a record that says something else than before ----------------------------------------------------------------

    def _placed_again(self, key: str, each: Coming, record: Record, child: str, unborn: bool) -> Took:
        alive = self.alive
        drafts = [
            Draft(
                planned=Planned(Kind.CHANGE, child, "", ()),
                why={"records": [key]},
            )
        ]
        if alive.state_of(child) == UNBORN and not unborn:
            born = lifecycle.born(self._lines(child), child)
            drafts.append(Draft(planned=born))
            alive.note("child", child, "live")
        alive.put(key, each.owner, each.source, record, child)
        if unborn or alive.is_sealed(key):
            return Took(identified=Identified(outcome=Outcome.KEPT, record_key=key, child=child), drafts=tuple(drafts))
        newcomer = self._member(key, each, record, child)
        groups = self._groups(newcomer, record, own=child)
        with_others = len(alive.copy.members(child)) > 1
        seen = alive.seen(child)
        alive.expectations.remove(seen)  # the newcomer counts for nothing in what is expected of it
        try:
            belongs, placement = fits(alive.matcher, alive.expectations, newcomer, groups, self._ruled, alive.limits)
        finally:
            alive.expectations.add(seen)
        asked: list[Question] = []
        merged: list[str] = []
        if belongs:
            own = (child,) if child not in placement.joins else ()
            wider = msgspec.structs.replace(placement, joins=(*own, *placement.joins))
            if len(wider.joins) > 1:
                child, merged = self._joined(wider, {}, drafts)
            asked = list(self._questions(placement, key, child))
        elif with_others:
            asked = [self._no_longer(key, child, record)]
        return Took(
            identified=Identified(
                outcome=Outcome.ASK if asked else Outcome.JOINED if merged else Outcome.KEPT,
                record_key=key,
                child=child,
                candidates=self._candidates(placement) if belongs else (),
                merged=tuple(merged),
            ),
            drafts=tuple(drafts),
            questions=(*asked, *self._contested(key, record, child)),
            restricted=tuple((near.mine, near.theirs) for near in placement.restricted),
        )

    # --- what stands near ---------------------------------------------------------------------------------------------

    def _member(self, key: str, each: Coming, record: Record, child: str) -> Member:
        read = self.alive.as_read(record, child)
        return Member(self.alive.matcher.prepare(read), source_of(each.owner, each.source), key)

    def _groups(self, newcomer: Member, record: Record, own: str = "") -> list[Group]:
        """The children a record may be of: those with a record that shares a key with it and does not speak against it.

        And, with each, those about whom a question with it is open, and their rivals in turn. Children of whom no such
        record comes near are left out as bulk linkage leaves them out (:data:`samechild.linkage.claims.HOPELESS`).
        """
        alive, copy = self.alive, self.alive.copy
        near: dict[str, None] = {own: None} if own else {}
        rows_of: dict[str, list[int]] = {}
        for row in copy.near(copy.values_of(alive.as_read(record, own))):
            rows_of.setdefault(copy.child(row), []).append(row)
        for child, rows in rows_of.items():
            if child and child != own and any(self._may_be(newcomer, row) for row in rows):
                near[child] = None
        waiting = list(near) if alive.asked else []
        while waiting and len(near) < MOST_NEAR:
            beside = sorted(alive.asked.get(waiting.pop(), set()) - near.keys())
            near |= dict.fromkeys(beside)
            waiting += beside
        most = max(AT_LEAST, MOST_RECORDS // max(len(near), 1))
        groups = []
        for child in near:
            weighed = at_most(most, copy.members(child), rows_of.get(child, ()))
            group = self._group(child, weighed, newcomer.key, own)
            groups += [] if group is None else [group]
        return groups

    def _may_be(self, newcomer: Member, row: int) -> bool:
        """Whether a record comes near enough to be weighed with its whole child, or forbids something."""
        weighed = self.alive.matcher.weigh(newcomer.prepared, self.alive.prepared(row))
        return weighed.weight >= HOPELESS or weighed.why in FORBIDDING

    def _group(self, child: str, rows: Sequence[int], key: str, own: str) -> Group | None:
        """A child with its records; of a placeholder's hundreds, those that share most with the newcomer."""
        alive, copy = self.alive, self.alive.copy
        if child != own and alive.state_of(child) == UNBORN:
            return None
        members = tuple(
            Member(alive.prepared(row), alive.source(row), record_key)
            for row in rows
            if (record_key := copy.record_key(row)) != key
        )
        if not members:
            return None
        return Group(
            child,
            members,
            sealed=any(alive.is_sealed(member.key) for member in members),
            asked=frozenset(alive.asked.get(child, ())),
            own=child == own,
        )

    def _place(self, newcomer: Member, groups: Sequence[Group]) -> Placement:
        alive = self.alive
        return place(alive.matcher, alive.expectations, newcomer, groups, self._ruled, alive.limits)

    def _ruled(self, one: str, other: str) -> str:
        if not self.alive.apart:
            return ""
        for token in pair_tokens(self.store, one, other):
            ruling = self.alive.apart.get(token)
            if ruling:
                return "protected" if ruling == Apart.PROTECTED else "different"
        return ""

    # --- what a person is asked ---------------------------------------------------------------------------------------

    def _questions(self, placement: Placement, key: str, child: str) -> list[Question]:
        return [
            self._question(
                near.mine, near.theirs, near.levels, near.weight, _DOUBTS.get(near.ground, Doubt.DOUBT), near.ground
            )
            for near in (*placement.asks, *placement.leaves)
        ]

    def _question(
        self, mine: str, theirs: str, levels: tuple[int, ...], weight: float, kind: Doubt, ground: str
    ) -> Question:
        alive, copy = self.alive, self.alive.copy
        one, other = copy.row_of(mine), copy.row_of(theirs)
        if one is None or other is None:
            raise Missing("A record that was compared is gone: send it again.")
        alive.ask(copy.child(one), copy.child(other))
        pieces = alive.matcher.evidence(levels, alive.prepared(one), alive.prepared(other))
        return Question(
            question=token_hex(16),
            space=alive.space.space,
            kind=kind,
            record_key=mine,
            owner=copy.owner(one),
            child=copy.child(one),
            other_key=theirs,
            other_owner=copy.owner(other),
            other_child=copy.child(other),
            weight=weight,
            probability=probability_of(weight),
            opened_at=self.now,
            ground=ground,
            prior=bits(alive.model.prior),
            evidence=tuple(Piece(*piece) for piece in pieces),
        )

    def _no_longer(self, key: str, child: str, record: Record) -> Question:
        """Ask about a record that no longer looks like the others of its child."""
        alive, copy = self.alive, self.alive.copy
        mine = copy.row_of(key)
        left = alive.prepared(mine) if mine is not None else alive.matcher.prepare(record)
        weighed = [
            (alive.matcher.weigh(left, alive.prepared(row)), copy.record_key(row))
            for row in copy.members(child)
            if row != mine
        ]
        best, theirs = max(weighed, key=lambda each: (each[0].weight, each[1]))
        return self._question(
            key, theirs, best.levels, best.weight, Doubt.CHANGED, "the record says something else now"
        )

    def _contested(self, key: str, record: Record, child: str) -> list[Question]:
        """Ask when another child is held under the same NHS number, and nothing else has asked about the two."""
        alive, copy = self.alive, self.alive.copy
        number = alive.as_read(record, child).nhs_number
        if not number:
            return []
        mine = copy.row_of(key)
        for row in copy.with_value("nhs_number", number):
            other = copy.child(row)
            if mine is None or not other or other == child or other in alive.asked.get(child, ()):
                continue
            if alive.is_sealed(copy.record_key(row)) or self._ruled(key, copy.record_key(row)):
                continue
            weighed = alive.matcher.weigh(alive.prepared(mine), alive.prepared(row))
            if weighed.why is Why.TWO_IDENTITIES:
                continue
            ground = "two children are held under one number"
            return [self._question(key, copy.record_key(row), weighed.levels, weighed.weight, Doubt.CLAIMS, ground)]
        return []

    def _candidates(self, placement: Placement) -> tuple[Candidate, ...]:
        alive, copy = self.alive, self.alive.copy
        found = []
        for near in (*placement.because, *placement.asks):
            one, other = copy.row_of(near.mine), copy.row_of(near.theirs)
            pieces = (
                alive.matcher.evidence(near.levels, alive.prepared(one), alive.prepared(other))
                if one is not None and other is not None
                else ()
            )
            found.append(
                Candidate(
                    child=near.child,
                    record_key=near.theirs,
                    weight=near.weight,
                    probability=near.probability,
                    evidence=tuple(Piece(*piece) for piece in pieces),
                    ground=near.ground,
                )
            )
        return tuple(found)

    # --- closing an identity ------------------------------------------------------------------------------------------

    def _closed(self, took: Took, key: str, reason: str) -> Took:
        """Close the former identity that a record with a closing sign is of, in the same transaction."""
        alive, copy = self.alive, self.alive.copy
        child = took.identified.child
        shown = {copy.record_key(row): self._identity(row) for row in copy.members(child)}
        its = former({each: (reason,) if each == key else () for each in shown}, shown)
        state = self._lines(child)
        planned = lifecycle.seal(state, its, token_hex(16), token_hex(16), reason, self._pair(state))
        for change in planned.changes:
            if change.what == "member":
                self._own(change.key)
                alive.move(change.key, change.after)
            else:
                alive.note(change.what, change.key, change.after)
        row = copy.row_of(key)
        now_of = copy.child(row) if row is not None else child
        self.closed.append((its, reason))
        identified = msgspec.structs.replace(took.identified, child=now_of, candidates=(), merged=())
        return msgspec.structs.replace(
            took, identified=identified, drafts=(*took.drafts, Draft(planned=planned)), questions=()
        )

    def _identity(self, row: int) -> str:
        """Which identity a record shows: its surname and its number."""
        copy = self.alive.copy
        values = copy.values(row)
        held = [values[copy.places[name]] if name in copy.places else None for name in ("surname", "nhs_number")]
        return "\x1f".join(str(value or "") for value in held)

    def _own(self, key: str) -> None:
        row = self.alive.copy.row_of(key)
        if row is not None:
            self.owned.setdefault(key, Owned(self.alive.copy.owner(row), "public task"))


_DOUBTS = {
    WORDS[Ground.RIVALS]: Doubt.RIVALS,
    WORDS[Ground.CONTRADICTION]: Doubt.CONTRADICTION,
}


def at_most(most: int, rows: Sequence[int], first: Sequence[int]) -> Sequence[int]:
    """The rows, or so many of them: some first, the others in their order."""
    if len(rows) <= most:
        return rows
    held = set(rows)
    return list(dict.fromkeys([*(row for row in first if row in held), *rows]))[:most]


def _why(placement: Placement) -> dict[str, Any]:
    """The strongest pair behind a join, as the event keeps it: record keys and bits."""
    if not placement.because:
        return {}
    best = placement.because[0]
    return {"weight": round(best.weight, 3), "claim": round(best.claim, 3), "with": best.theirs}


def _asked(placement: Placement) -> dict[str, Any]:
    return {"asked": [near.child for near in placement.asks]} if placement.asks else {}
