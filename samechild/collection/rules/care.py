"""A child's placements in order, and the periods of care they make up: for every rule that asks about them.

A period of care runs from one day on which a child starts to be looked after to the next on which it stops: placements
that join without a gap. It is read from the dates alone, because the reasons that some extracts send are taken together
over several rows and hide one another. Source: the looked-after return (SSDA903), Department for Education.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import msgspec

from samechild.collection.records import Adoption, CareLeaver, Child, Placement
from samechild.collection.rules.parts import details, episodes

ADOPTIVE = frozenset({"A3", "A4", "A5", "A6"})
"""Placed for adoption."""
TEMPORARY = frozenset({"T0", "T1", "T2", "T3", "T4"})
"""Away from the usual placement for a short while."""
ADOPTED = frozenset({"E11", "E12"})
GUARDIANSHIP = frozenset({"E43", "E44", "E45", "E46", "E47", "E48"})
STARTED, MOVED = "S", "X1"
"""Started to be looked after; this placement ends and the next one starts on the same day."""


class Period(msgspec.Struct, frozen=True):
    """One period of care: its placements in order; at least one."""

    placements: tuple[Placement, ...]

    @property
    def first(self) -> Placement:
        """The placement it began with."""
        return self.placements[0]

    @property
    def last(self) -> Placement:
        """The placement that is the newest of it."""
        return self.placements[-1]

    @property
    def finished(self) -> bool:
        """Whether it has come to an end."""
        return all(placement.end_date for placement in self.placements)


def in_order(child: Child) -> list[Placement]:
    """The placements that have a start date, in the order of their days."""
    found = [
        placement
        for episode in episodes(child)
        for placement in episode.child_looked_after_placements or ()
        if placement.start_date
    ]
    if len(found) > 1:
        found.sort(key=lambda placement: (placement.start_date, placement.end_date or date.max))
    return found


def successive(child: Child) -> list[tuple[Placement, Placement]]:
    """Every two placements that follow one another."""
    return list(pairwise(in_order(child)))


def periods(child: Child) -> list[Period]:
    """The periods of care: a new one begins where a placement starts after all those before it have ended."""
    found: list[list[Placement]] = []
    until: date | None = None
    for placement in in_order(child):
        start = placement.start_date
        if found and start is not None and (until is None or start <= until):
            found[-1].append(placement)
            ends = None if until is None or placement.end_date is None else max(until, placement.end_date)
        else:
            found.append([placement])
            ends = placement.end_date
        until = ends
    return [Period(tuple(each)) for each in found]


def looked_after_on(placement: Placement, day: date) -> bool:
    """Whether the placement lasts over a day; the day it ends no longer counts."""
    started = placement.start_date is not None and placement.start_date <= day
    return started and (placement.end_date is None or placement.end_date > day)


def adoptions(child: Child) -> list[Adoption]:
    """The adoption sections, each once: extracts copy the latest into every episode."""
    found: list[Adoption] = []
    for episode in episodes(child):
        if episode.adoption is not None and episode.adoption not in found:
            found.append(episode.adoption)
    return found


def leavers(child: Child) -> list[CareLeaver]:
    """The care leaver sections, each once: extracts copy the latest into every episode."""
    found: list[CareLeaver] = []
    for episode in episodes(child):
        if episode.care_leavers is not None and episode.care_leavers not in found:
            found.append(episode.care_leavers)
    return found


def is_first_copy(thing: Adoption | CareLeaver, child: Child) -> bool:
    """Whether an adoption or care leaver section is the first of its copies, so that a problem is told once."""
    held = adoptions(child) if isinstance(thing, Adoption) else leavers(child)
    return any(one is thing for one in held)


def unaccompanied(child: Child, day: date) -> bool:
    """Whether the child is an unaccompanied asylum-seeking child on a day."""
    held = details(child)
    return bool(held.uasc_flag) and (held.uasc_end_date is None or held.uasc_end_date > day)
