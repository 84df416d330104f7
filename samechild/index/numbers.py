"""What becomes of a number: superseded, withdrawn, given to another child, claimed for two children at once.

Numbers fail children in known ways: a child is given two and one replaces the other, a number is withdrawn, one that
was mistyped for years turns out to be another child's, and two agencies claim one number for two children. None of this
may join or part children by itself. A number that leads to another is read as that other; one that was withdrawn, or
that is of another child, speaks neither for nor against; a claim by two is a question for a person, and both claims are
kept (NHS England, *Personal Demographics Service FHIR API*: superseded and invalidated numbers).

Numbers are tokens here, keyed references that mean nothing outside. What became of one is a line of the index:
``superseded:TOKEN``, ``invalid``, or ``child:CHILD`` when it is settled whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from samechild.errors import Conflict, Invalid
from samechild.index import lifecycle
from samechild.index.planned import Planned
from samechild.index.state import NUMBER, State, is_open, resolve

SUPERSEDED, INVALID, OF_CHILD = "superseded:", "invalid", "child:"


class Claim(msgspec.Struct, frozen=True, order=True):
    """One number that records of several children hold: the number's token, and those children."""

    number: str
    children: tuple[str, ...]


def supersede(state: State, number: str, by: str, child: str = "") -> Planned:
    """A number was replaced by another: from now on it is read as that one.

    Two that are said to replace each other are read as one number, whichever a record holds; that is for the national
    service to mend, and loses nothing.

    Raises:
        Invalid: when a number would replace itself.
        Conflict: when that is known already.
    """
    if number == by or not by:
        raise Invalid("A number is superseded by another number.")
    return lifecycle.renumber(state, number, SUPERSEDED + by, child)


def invalidate(state: State, number: str, child: str = "") -> Planned:
    """A number was withdrawn: it speaks for nobody from now on. Raises Conflict when that is known already."""
    return lifecycle.renumber(state, number, INVALID, child)


def reissue(state: State, number: str, child: str) -> Planned:
    """It is settled whose a number is: with records of any other child it speaks neither for nor against.

    This is how a number moves from one child to another, and back: each move is an event, and undone like any other.

    Raises:
        Conflict: when that is known already, or the child was erased.
        Missing: when there never was such a child.
    """
    child = resolve(state, child)
    if not is_open(state, child):
        raise Conflict("This child was erased: a number cannot be the child's any more.")
    before = owner(state, number)
    return lifecycle.renumber(state, number, OF_CHILD + child, before if before != child else "", child)


def restore(state: State, number: str) -> Planned:
    """A number is in ordinary use again. Raises Conflict when it is already."""
    return lifecycle.renumber(state, number, "")


def current(state: State, number: str) -> str:
    """The number that this one is read as; empty when it was withdrawn, or leads to one that was.

    Of numbers that are said to replace each other in a circle it is the smallest, wherever one starts, as when files
    are linked in bulk.
    """
    passed = [number]
    while (becomes := state.get((NUMBER, passed[-1]), "")).startswith(SUPERSEDED):
        following = becomes.removeprefix(SUPERSEDED)
        if following in passed:
            return min(passed[passed.index(following) :])
        passed.append(following)
    return "" if becomes == INVALID else passed[-1]


def owner(state: State, number: str) -> str:
    """The child whose a number is settled to be, following both numbers and children; empty when that is open."""
    becomes = state.get((NUMBER, current(state, number)), "")
    return resolve(state, becomes.removeprefix(OF_CHILD)) if becomes.startswith(OF_CHILD) else ""


def speaks_for(state: State, number: str, child: str) -> str:
    """The number as it counts in a record of this child: what it is read as, or empty when it must not count at all."""
    whose = owner(state, number)
    return "" if whose and whose != child else current(state, number)


def contested(state: State, held: Mapping[str, Iterable[str]]) -> list[Claim]:
    """Numbers that records of several children claim: each is a question, and until it is answered all claims stand.

    Args:
        state: the lines of the numbers and the children.
        held: the numbers that the records of each child hold, by child.

    Returns:
        A claim for each number as it is read now, in order, with the children in order. A number that was withdrawn, or
        of which it is settled whose it is, is no question any more; nor are identifiers of one merged child.
    """
    claimed: dict[str, set[str]] = {}
    for child, numbers in held.items():
        for number in numbers:
            now = current(state, number)
            if now and not owner(state, now):
                claimed.setdefault(now, set()).add(resolve(state, child))
    return [Claim(number, tuple(sorted(of))) for number, of in sorted(claimed.items()) if len(of) > 1]
