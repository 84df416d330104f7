"""Rules about a child's placements taken together: periods of care, and what has to be there beside them.

Periods are read from the dates (see :mod:`samechild.collection.rules.care`). Where an extract has taken the start
reasons of several rows together, S is hidden by L, B or P, so rules that ask for S count as a query then. Source: the
looked-after return (SSDA903), Department for Education.
"""

from __future__ import annotations

from typing import Any

from samechild.collection.records import Child, Placement
from samechild.collection.rules.care import (
    ADOPTIVE,
    MOVED,
    STARTED,
    TEMPORARY,
    adoptions,
    in_order,
    looked_after_on,
    periods,
    successive,
)
from samechild.collection.rules.codes import codes
from samechild.collection.rules.examples import a_child, adoption, an_episode, placement, worker
from samechild.collection.rules.parts import episodes
from samechild.collection.rules.rule import At, Cell, Found, Grade, Rule, Unsure, rule

_PLACEMENTS = "social_care_episodes.child_looked_after_placements"
_MAY_HIDE_S = frozenset({"L", "B", "P"})
_MOVES = frozenset({"P", "T", "B", "U"})


def _cared(*placements: Placement, **fields: Any) -> Child:
    """A child with these placements in one episode that began long before."""
    return a_child(an_episode("2020-01-06", placements=list(placements), **fields))


@rule(
    "CLA-09",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.start_date", f"{_PLACEMENTS}.end_date"),
    message="Placements overlap",
    mend="A placement starts on the day the one before it ended, or later: correct the dates.",
    analogue="903 501",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P")),
        _cared(placement("2025-02-03", "2025-06-02", "E4A"), placement("2026-06-02")),
        a_child(),
    ],
    fails=[
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-01", start_reason="P")),
        _cared(
            placement("2025-02-03", "2025-12-01", "X1"),
            placement("2025-03-03", "2025-04-01", "X1", "P"),
            placement("2025-05-06", start_reason="P"),
        ),
    ],
)
def _overlap(child: Child, at: At) -> Found:
    found: list[list[Cell]] = []
    longest = None
    for each in in_order(child):
        if longest and longest.end_date and each.start_date and each.start_date < longest.end_date:
            found.append([(longest, "end_date"), (each, "start_date")])
        if each.end_date and (longest is None or longest.end_date is None or each.end_date > longest.end_date):
            longest = each
    return found


@rule(
    "CLA-10",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.end_date", f"{_PLACEMENTS}.start_date"),
    message="A placement is open although a later one has started",
    mend="Enter the end date of the earlier placement, or delete the one that was recorded twice.",
    analogue="903 142",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P")),
        _cared(placement("2025-02-03")),
    ],
    fails=[
        _cared(placement("2025-02-03"), placement("2025-06-02", start_reason="P")),
        _cared(placement("2025-02-03"), placement("2025-06-02", "2025-07-01", "E4A", "P")),
        _cared(placement("2025-02-03"), placement("2025-02-03", placement_type="K2")),
    ],
)
def _two_open(child: Child, at: At) -> Found:
    return [
        [(first, "end_date"), (second, "start_date")] for first, second in successive(child) if first.end_date is None
    ]


@rule(
    "CLA-11",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.start_reason",),
    message="The first placement of a period of care does not start with S",
    mend="Enter S for the placement with which the child started to be looked after; if an earlier one is missing, "
    "send it.",
    analogue="903 357, 432",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P")),
        _cared(placement("2025-02-03", start_reason=None)),  # CLA-05 says so
    ],
    fails=[
        _cared(placement("2025-02-03", start_reason="T")),
        _cared(placement("2023-02-03", start_reason="T")),  # before the history window: a query
        _cared(placement("2025-02-03", start_reason="P")),  # S may be hidden: a query
        _cared(placement("2025-02-03", "2025-06-02", "E4A"), placement("2025-06-03", start_reason="U")),
    ],
)
def _starts_otherwise(child: Child, at: At) -> Found:
    found: list[list[Cell] | Unsure] = []
    for period in periods(child):
        first = period.first
        if first.start_reason in (None, STARTED):
            continue
        cells: list[Cell] = [(first, "start_reason"), (first, "start_date")]
        earlier = first.start_date is not None and first.start_date < at.window
        found.append(Unsure(cells) if earlier or first.start_reason in _MAY_HIDE_S else cells)
    return found


@rule(
    "CLA-12",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.start_reason", f"{_PLACEMENTS}.end_reason"),
    message="S on the day the last placement ended with X1",
    mend="X1 says that care goes on: enter why the placement changed (P, T, B, U, L), or correct the end reason.",
    analogue="903 431",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P")),
        _cared(placement("2025-02-03", "2025-06-02", "E4A"), placement("2025-06-02")),
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-03")),
    ],
    fails=[_cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02"))],
)
def _starts_again(child: Child, at: At) -> Found:
    return [
        [(second, "start_reason"), (first, "end_reason")]
        for first, second in successive(child)
        if second.start_reason == STARTED and first.end_reason == MOVED and first.end_date == second.start_date
    ]


@rule(
    "CLA-13",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.start_reason", f"{_PLACEMENTS}.start_date", f"{_PLACEMENTS}.end_date"),
    message="A placement is said to follow another one, but does not start on the day that one ended",
    mend="Correct the dates so that they meet, or enter S when the child came back into care after a gap.",
    analogue="903 433",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P")),
        _cared(placement("2025-02-03", "2025-06-02", "E4A"), placement("2025-06-05")),
        _cared(placement("2025-02-03"), placement("2025-06-05", start_reason="P")),  # CLA-10 says so
    ],
    fails=[_cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-03", start_reason="P"))],
)
def _does_not_follow(child: Child, at: At) -> Found:
    return [
        [(second, "start_reason"), (second, "start_date"), (first, "end_date")]
        for first, second in successive(child)
        if second.start_reason not in (None, STARTED)
        and second.start_reason in codes("cla_start_reason")
        and first.end_date is not None
        and first.end_date != second.start_date
    ]


@rule(
    "CLA-14",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.end_reason", f"{_PLACEMENTS}.end_date"),
    message="A placement ended with X1, but none starts on that day",
    mend="Send the next placement; if the child left care, enter the reason for that.",
    analogue="903 388",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P")),
        _cared(placement("2025-02-03", "2025-06-02", "E4A")),
        _cared(placement("2025-02-03", None, "X1")),  # CLA-04 says so
    ],
    fails=[
        _cared(placement("2025-02-03", "2025-06-02", "X1")),
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-03", start_reason="P")),
        _cared(placement("2025-02-03", "2025-02-03", "X1")),
    ],
)
def _nothing_follows(child: Child, at: At) -> Found:
    held = in_order(child)
    return [
        [(each, "end_reason"), (each, "end_date")]
        for each in held
        if each.end_reason == MOVED
        and each.end_date is not None
        and not any(other.start_date == each.end_date for other in held if other is not each)
    ]


@rule(
    "CLA-15",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.end_reason", f"{_PLACEMENTS}.start_reason"),
    message="The child left care, but the next placement goes on from that day",
    mend="Enter X1 when care went on, or S for the next placement when the child left care and came back.",
    analogue="903 432",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "E4A"), placement("2025-06-02")),
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P")),
    ],
    fails=[_cared(placement("2025-02-03", "2025-06-02", "E4A"), placement("2025-06-02", start_reason="P"))],
)
def _left_and_stayed(child: Child, at: At) -> Found:
    return [
        [(first, "end_reason"), (second, "start_reason")]
        for first, second in successive(child)
        if (first.end_reason or "").startswith("E")
        and first.end_date == second.start_date
        and second.start_reason not in (None, STARTED)
    ]


@rule(
    "CLA-17",
    on=Child,
    grade=Grade.QUERY,
    fields=(f"{_PLACEMENTS}.change_reason",),
    message="The placement changed, but nobody says why",
    mend="Enter the reason for the change, on the placement that ended.",
    analogue="903 225",
    passes=[
        _cared(
            placement("2025-02-03", "2025-06-02", "X1", change_reason="CARPL"),
            placement("2025-06-02", start_reason="P"),
        ),
        _cared(
            placement("2025-02-03", "2025-06-02", "X1"),
            placement("2025-06-02", start_reason="P", change_reason="CARPL"),
        ),
        _cared(
            placement("2025-02-03", "2025-06-02", "X1"),
            placement("2025-06-02", start_reason="P", placement_type="T1"),
        ),
        _cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="L")),
    ],
    fails=[_cared(placement("2025-02-03", "2025-06-02", "X1"), placement("2025-06-02", start_reason="P"))],
)
def _no_reason(child: Child, at: At) -> Found:
    return [
        [(first, "change_reason"), (second, "change_reason")]
        for first, second in successive(child)
        if first.end_reason == MOVED
        and first.end_date == second.start_date
        and second.start_reason in _MOVES
        and not {first.placement_type, second.placement_type} & TEMPORARY
        and not (first.change_reason or second.change_reason)
    ]


@rule(
    "CLA-29",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.end_reason", f"{_PLACEMENTS}.start_date"),
    message="A placement follows one that ended with the child's death",
    mend="Check the end reason (E2) and which child the later placement belongs to.",
    analogue="903 437",
    passes=[
        _cared(placement("2025-02-03", "2025-06-02", "E2")),
        _cared(placement("2025-02-03", "2025-06-02", "E4A"), placement("2025-07-01")),
    ],
    fails=[_cared(placement("2025-02-03", "2025-06-02", "E2"), placement("2025-07-01"))],
)
def _after_death(child: Child, at: At) -> Found:
    return [
        [(first, "end_reason"), (second, "start_date")]
        for first, second in successive(child)
        if first.end_reason == "E2"
    ]


@rule(
    "CLA-30",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.placement_type",),
    message="A period of care starts or ends in a temporary placement",
    mend="Enter the placement in which care really started or ended; a temporary one (T0 to T4) lies in between.",
    analogue="903 380, 381",
    passes=[
        _cared(
            placement("2025-02-03", "2025-06-02", "X1"),
            placement("2025-06-02", "2025-06-09", "X1", "P", placement_type="T1"),
            placement("2025-06-09", "2025-12-01", "E4A", "P"),
        ),
        _cared(placement("2026-06-03", placement_type="T4")),  # not finished
    ],
    fails=[
        _cared(placement("2025-02-03", "2025-02-08", "E4A", placement_type="T4")),
        _cared(
            placement("2025-02-03", "2025-06-02", "X1"),
            placement("2025-06-02", "2025-06-09", "E4A", "P", placement_type="T1"),
        ),
        _cared(placement("2025-02-03", "2025-02-08", "E4A", "P", placement_type="T4")),  # a start hidden: a query
    ],
)
def _temporary_ends(child: Child, at: At) -> Found:
    found: list[list[Cell] | Unsure] = []
    for period in periods(child):
        if not period.finished:
            continue
        if period.first.placement_type in TEMPORARY:
            cells: list[Cell] = [(period.first, "placement_type")]
            found.append(cells if period.first.start_reason == STARTED else Unsure(cells))
        if period.last.placement_type in TEMPORARY and (period.last is not period.first):
            found.append([(period.last, "placement_type")])
    return found


@rule(
    "CLA-38",
    on=Child,
    grade=Grade.QUERY,
    fields=(_PLACEMENTS, "social_care_episodes.care_worker_details"),
    message="Looked-after child without a worker",
    mend="Enter who works with the child now. Some extracts leave out workers: then nothing need change in the case.",
    analogue="903 SW01STG1",
    passes=[
        _cared(placement("2025-02-03"), workers=[worker("SW1", "2025-02-03")]),
        _cared(placement("2025-02-03"), workers=[worker("SW1", "2025-02-03", "2026-06-10")]),
        _cared(placement("2025-02-03", "2026-06-01", "E4A")),
    ],
    fails=[
        _cared(placement("2025-02-03")),
        _cared(placement("2025-02-03"), workers=[worker("SW1", "2025-02-03", "2026-06-09")]),
    ],
)
def _no_worker(child: Child, at: At) -> Found:
    current = [each for each in in_order(child) if looked_after_on(each, at.today)]
    if not current:
        return False
    for episode in episodes(child):
        for each in episode.care_worker_details or ():
            if each.worker_id and (each.end_date is None or each.end_date >= at.today):
                return False
    return [[*((each, "start_date") for each in current), *_workers_of(child)]]


def _workers_of(child: Child) -> list[Cell]:
    """Where a worker would stand: in the newest episode with placements."""
    with_placements = [each for each in episodes(child) if each.child_looked_after_placements]
    return [(with_placements[-1], "care_worker_details")] if with_placements else []


@rule(
    "CLA-39",
    on=Child,
    grade=Grade.ERROR,
    fields=(f"{_PLACEMENTS}.placement_type", "social_care_episodes.adoption.initial_decision_date"),
    message="Placed for adoption without the date of the decision",
    mend="Enter the day on which it was decided that the child should be placed for adoption.",
    analogue="903 551",
    passes=[
        _cared(placement("2025-02-03", placement_type="A6"), adoption=adoption("2024-11-04")),
        _cared(placement("2025-02-03")),
    ],
    fails=[
        _cared(placement("2025-02-03", placement_type="A6")),
        _cared(placement("2025-02-03", placement_type="A3"), adoption=adoption(None, "2024-12-02")),
    ],
)
def _no_decision(child: Child, at: At) -> Found:
    held = adoptions(child)
    if any(each.initial_decision_date for each in held):
        return False
    placed: list[Cell] = [
        (each, "placement_type")
        for episode in episodes(child)
        for each in episode.child_looked_after_placements or ()
        if each.placement_type in ADOPTIVE
    ]
    return [[*placed, *((each, "initial_decision_date") for each in held)]] if placed else False


RULES: tuple[Rule, ...] = (
    _overlap,
    _two_open,
    _starts_otherwise,
    _starts_again,
    _does_not_follow,
    _nothing_follows,
    _left_and_stayed,
    _no_reason,
    _after_death,
    _temporary_ends,
    _no_worker,
    _no_decision,
)
