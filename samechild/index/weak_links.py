"""What holds a child's records together, and where it is weakest: so that a wrong join can be found and taken apart.

Records of one child need not all resemble each other: one may be held only by another that resembles both. The links
that hold are those of the strongest tree over all records (a maximum spanning tree, Kruskal 1956); cutting its weakest
link gives the two parts in which the child most likely falls, if it should.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec


class Tie(msgspec.Struct, frozen=True):
    """Two records of a child and how strongly they speak for being of one child, in bits.

    ``holds`` says that the link is one of those by which the child hangs together.
    """

    one: str
    other: str
    bits: float
    holds: bool = False


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How a child hangs together: every link, the weakest of those that hold, and the parts it would fall into.

    ``part`` is the smaller part, which would leave, in the order given; both are None or empty for a single record.
    """

    ties: tuple[Tie, ...]
    weakest: Tie | None
    part: tuple[str, ...] = ()


def how_held(record_keys: Sequence[str], bits: Mapping[tuple[str, str], float]) -> Held:
    """Find how a child's records hang together and where it is weakest.

    Args:
        record_keys: the child's records.
        bits: the match weight of each two of them, in either order; two that are not named have no link.
    """
    keys = list(dict.fromkeys(record_keys))
    there = {key: place for place, key in enumerate(keys)}
    ties = sorted(
        (
            Tie(one, other, value) if there[one] < there[other] else Tie(other, one, value)
            for (one, other), value in bits.items()
            if one in there and other in there and one != other
        ),
        key=lambda tie: (-tie.bits, there[tie.one], there[tie.other]),
    )
    part_of = {key: key for key in keys}
    holding: set[tuple[str, str]] = set()
    for tie in ties:
        here, other = _top(part_of, tie.one), _top(part_of, tie.other)
        if here != other:
            part_of[other] = here
            holding.add((tie.one, tie.other))
    marked = tuple(msgspec.structs.replace(tie, holds=(tie.one, tie.other) in holding) for tie in ties)
    held = [tie for tie in marked if tie.holds]
    weakest = min(held, key=lambda tie: tie.bits, default=None)
    return Held(ties=marked, weakest=weakest, part=_smaller(keys, held, weakest))


def _top(part_of: dict[str, str], key: str) -> str:
    while part_of[key] != key:
        part_of[key] = part_of[part_of[key]]
        key = part_of[key]
    return key


def _smaller(keys: Sequence[str], held: Iterable[Tie], weakest: Tie | None) -> tuple[str, ...]:
    """The smaller of the two parts without the weakest link; of two alike the one that holds its second record."""
    if weakest is None:
        return ()
    reached, waiting = {weakest.other}, [weakest.other]
    near: dict[str, list[str]] = {}
    for tie in held:
        if tie != weakest:
            near.setdefault(tie.one, []).append(tie.other)
            near.setdefault(tie.other, []).append(tie.one)
    while waiting:
        for key in near.get(waiting.pop(), []):
            if key not in reached:
                reached.add(key)
                waiting.append(key)
    # What hangs on neither part (no link at all) stays with the larger one.
    linked = {key for tie in (*held, weakest) for key in (tie.one, tie.other)}
    rest = linked - reached
    smaller = reached if len(reached) <= len(rest) else rest
    return tuple(key for key in keys if key in smaller)
