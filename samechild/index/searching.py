"""Finding children in one space by what a practitioner types: best first, with reasons in words, in a blink.

Who agrees with everything comes first, rarer agreement before commoner; what cannot be right is not shown. However
many agree, the work is bounded: a million people of one name are answered with the first of them and advice. What a
mark hides of a record is not among what is looked up here, so a hidden match and none are the same answer and work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.errors import Invalid
from samechild.index.agreeing import Condition, conditions_of, reason
from samechild.index.copy import SpaceCopy
from samechild.index.postings import NO_ROWS, Rows
from samechild.index.query import Query

LIMIT = 20
"""Children shown at once."""
MOST_LOOKED_AT = 40_000
"""Records looked at for one thing searched by; weaker agreement is left out first."""
PIECE = 2_000
"""Records that are looked at together where most may not be needed."""
_SLACK = 1 << 17
_FEW = 32  # times as many as are asked about: looking each up costs as much as marking so many

Scores = NDArray[np.float64]
Reached = NDArray[np.uint8]


class Hit(msgspec.Struct, frozen=True):
    """A child that was found, by the record that agrees best; ``score`` in bits; reasons hold no value."""

    record_key: str
    child: str
    score: float
    reasons: tuple[str, ...]


class Found(msgspec.Struct, frozen=True):
    """What a search found, best first. ``more``: others agree too. ``partly``: nobody agrees closely with everything.

    ``advice`` says what would help, in a sentence; empty when nothing would.
    """

    hits: tuple[Hit, ...]
    more: bool = False
    partly: bool = False
    advice: str = ""


class _Candidates(msgspec.Struct, frozen=True):
    """Rows, ascending, with the level (from 1; 0 for none) they reach in each condition."""

    rows: Rows
    reached: list[Reached]


def search(copy: SpaceCopy, query: Query, limit: int = LIMIT, *, owner: str = "") -> Found:
    """Find children by a query: each once, by its record that agrees best, in an order that is always the same.

    First whoever agrees closely with everything: as typed, in another form, or with a slip. Only when nobody does,
    whoever sounds alike or is near; of three things or more, or when nobody is, one may be wrong, and an identifier
    suffices. So strangers are not shown where somebody fits.

    Args:
        copy: the space.
        query: what is searched by (:mod:`samechild.index.query`).
        limit: children wanted at most.
        owner: only this organisation's records count; empty: everybody's.

    Raises:
        Invalid: when nothing usable is searched for.
    """
    if limit < 1:
        raise Invalid("A search shows at least one child.")
    work = _Work(copy, conditions_of(copy, query, closely=True), limit, owner)
    if not work.required:
        raise Invalid("Type a name, a date of birth or an age, a postcode or an area, or a number.")
    found = work.exactly() or work.wholly()
    if found.hits:
        return Found(found.hits, found.more, False, _advice(query, limit, found.more, False))
    work = _Work(copy, conditions_of(copy, query, closely=False), limit, owner)
    found = work.wholly() if len(work.required) < 3 else Found(())
    partly = not found.hits and len(work.required) > 1
    if partly:
        found = work.partly()
        partly = bool(found.hits)
    return Found(found.hits, found.more, partly, _advice(query, limit, found.more, partly))


def _advice(query: Query, limit: int, more: bool, partly: bool) -> str:
    said = "Nobody agrees closely with everything that was typed; these agree in part." if partly else ""
    if not more:
        return said
    missing = [
        words
        for words, there in (
            ("a date of birth", query.birth is not None and bool(query.birth.day)),
            ("a postcode", any(kind == "postcode" for kind, _ in query.places)),
            ("another part of the name", len(query.words) > 1),
        )
        if not there
    ][:2]
    add = f"add {' or '.join(missing)}" if missing else "add a number"
    return f"{said} More than {limit} children agree; {add}.".strip()


class _Work:
    """One search at work over one copy."""

    def __init__(self, copy: SpaceCopy, conditions: Sequence[Condition], limit: int, owner: str) -> None:
        self.copy = copy
        self.conditions = conditions
        self.required = [condition for condition in conditions if condition.required]
        self.limit = limit
        self.owner = owner

    # --- which records ------------------------------------------------------------------------------------------------

    def exactly(self) -> Found | None:
        """Whoever agrees with everything as typed, when those alone are more than are wanted; else None.

        Nobody can rank above them, so nothing else needs to be looked at.
        """
        exact = sorted((condition.exact for condition in self.required), key=lambda arrays: sum(map(len, arrays)))
        if sum(map(len, exact[0])) <= PIECE:
            return None
        kept: list[Rows] = []
        for array in exact[0]:
            start, size = 0, PIECE
            while start < len(array):
                some = self._owned(array[start : start + size])
                for others in exact[1:]:
                    some = some[np.logical_or.reduce([_is_in(some, other) for other in others])]
                kept.append(some)
                start, size = start + size, size * 2
                if len(_distinct([self.copy.child_numbers(some) for some in kept])) > self.limit:
                    return self._ranked(self._reached(_distinct(kept)), len(self.required))
        return None

    def wholly(self) -> Found:
        """Whoever reaches some level of everything that is required."""
        by_size = sorted(self.required, key=lambda condition: min(condition.size, MOST_LOOKED_AT))
        rows = self._sources(by_size[:1], MOST_LOOKED_AT)
        reached: dict[int, Reached] = {}
        for condition in [*by_size, *(each for each in self.conditions if not each.required)]:
            own = self._of_one(condition, rows)
            if condition.required:
                kept = own > 0
                rows, own = rows[kept], own[kept]
                reached = {place: each[kept] for place, each in reached.items()}
            reached[id(condition)] = own
        them = _Candidates(rows, [reached[id(condition)] for condition in self.conditions])
        return self._ranked(them, len(self.required))

    def partly(self) -> Found:
        """Whoever reaches some level of all that is required but one, or agrees on what suffices."""
        by_size = sorted(self.required, key=lambda condition: min(condition.size, MOST_LOOKED_AT))
        sources = [*by_size[:2], *(each for each in by_size[2:] if each.suffices)]
        rows = self._sources(sources, MOST_LOOKED_AT // 4)
        return self._ranked(self._reached(rows), max(len(self.required) - 1, 1))

    def _sources(self, conditions: Sequence[Condition], most: int) -> Rows:
        """The records of some conditions, ascending: of each its levels, strongest first, as many as are looked at."""
        parts: list[Rows] = []
        for condition in conditions:
            room = most
            for number, level in enumerate(condition.levels):
                if number and level.size > room:
                    break
                parts += [some[:most] for some in level.rows]
                room -= level.size
        return self._owned(_distinct(parts))

    def _owned(self, rows: Rows) -> Rows:
        return rows[self.copy.owned_by(rows, self.owner)] if self.owner else rows

    # --- how well they agree ------------------------------------------------------------------------------------------

    def _reached(self, rows: Rows) -> _Candidates:
        """The strongest level that each of some rows, ascending, reaches in each condition."""
        return _Candidates(rows, [self._of_one(condition, rows) for condition in self.conditions])

    def _of_one(self, condition: Condition, rows: Rows) -> Reached:
        """The strongest level each row reaches in one condition: long lists are looked into, short ones marked."""
        arrays = [
            (number, some) for number, level in reversed(list(enumerate(condition.levels, 1))) for some in level.rows
        ]
        reached = np.zeros(len(rows), np.uint8)
        if not len(rows):
            return reached
        short = [(number, some) for number, some in arrays if len(some) <= _FEW * len(rows)]
        if short:
            reached = self._marked(short, rows)
        for number, some in arrays:
            if len(some) > _FEW * len(rows):
                better = _is_in(rows, some) & ((reached == 0) | (reached > number))
                reached[better] = number
        return reached

    def _marked(self, arrays: Sequence[tuple[int, Rows]], rows: Rows) -> Reached:
        """The number of the last of some arrays that each row is in; 0 for none."""
        spare = self.copy.spare_marks
        needed = max(int(rows[-1]), *(int(some[-1]) for _, some in arrays)) + 1
        marks = spare.pop() if spare else np.zeros(0, np.uint8)
        if len(marks) < needed:
            marks = np.zeros(needed + _SLACK, np.uint8)
        together = np.concatenate([some for _, some in arrays])
        marks[together] = np.repeat(
            np.array([number for number, _ in arrays], np.uint8), [len(some) for _, some in arrays]
        )
        reached = marks[rows]
        marks[together] = 0
        spare.append(marks)
        return reached

    def _ranked(self, them: _Candidates, needed: int) -> Found:
        """The best of the candidates that agree well enough: each child once, by its best record."""
        met = np.zeros(len(them.rows), np.int64)
        enough = np.zeros(len(them.rows), bool)
        scores: Scores = np.zeros(len(them.rows))
        for condition, reached in zip(self.conditions, them.reached, strict=True):
            weights = np.array([0.0, *(level.weight for level in condition.levels)])
            scores += weights[reached]
            met += (reached > 0) & condition.required
            enough |= (reached > 0) & condition.suffices
        places = np.flatnonzero(enough | (met >= needed))
        best = self._best(places, them.rows, scores)
        hits = [self._hit(place, them, scores) for place in best[: self.limit]]
        return Found(tuple(hits), len(best) > self.limit)

    def _best(self, places: NDArray[np.intp], rows: Rows, scores: Scores) -> list[int]:
        """The places of the best record of each child, best first, one more than wanted; equals in their order."""
        wanted = 8 * (self.limit + 1)
        while True:
            some = places
            if len(places) > wanted:
                own = scores[places]
                least = np.partition(own, len(own) - wanted)[len(own) - wanted]
                above, equal = places[own > least], places[own == least]
                some = np.concatenate([above, equal[: wanted - len(above)]])
            order = some[np.lexsort((some, -scores[some]))]
            children = self.copy.child_numbers(rows[order])
            first = np.sort(np.unique(children, return_index=True)[1])
            first = first[children[first] >= 0]
            if len(first) > self.limit or len(some) == len(places):
                return cast(list[int], order[first][: self.limit + 1].tolist())
            wanted *= 4

    def _hit(self, place: int, them: _Candidates, scores: Scores) -> Hit:
        row = int(them.rows[place])
        reasons = [
            reason(self.copy, condition, condition.levels[int(reached[place]) - 1], row)
            for condition, reached in zip(self.conditions, them.reached, strict=True)
            if reached[place]
        ]
        return Hit(self.copy.record_key(row), self.copy.child(row), round(float(scores[place]), 2), tuple(reasons))


def _distinct(parts: Sequence[Rows]) -> Rows:
    """Some numbers, ascending, each once."""
    if not parts:
        return NO_ROWS
    together = np.concatenate(parts)
    together.sort()
    first = np.ones(len(together), bool)
    np.not_equal(together[1:], together[:-1], out=first[1:])
    return together[first]


def _is_in(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Which of some rows are among others, both ascending."""
    if not len(others) or not len(rows):
        return np.zeros(len(rows), bool)
    places = np.searchsorted(others, rows)
    places[places == len(others)] = 0
    return cast(NDArray[np.bool_], others[places] == rows)
