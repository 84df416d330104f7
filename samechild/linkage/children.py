"""Each record's child: an id that lasts, how sure it is, and what has changed since an earlier run.

An id belongs to the child, not to a run: with an earlier run at hand, a child keeps its id while most of its records
stay together; a child that comes apart leaves the id with the larger part, and children put together keep the id of
the larger. No id is ever given to another child within a run.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.linkage.agglomeration import Labels
from samechild.linkage.bulk import Linked, ScoredPairs
from samechild.linkage.constraints import Why
from samechild.linkage.identity import Keys, child_ids, record_keys
from samechild.linkage.scoring import Floats

Ints = NDArray[np.int64]

GRADES = ("alone", "by decision", "very sure", "sure", "likely", "through others")
"""How a record is held in its child. Alone: no other record. By decision: a person said so. Very sure: its strongest
link is beyond 99.99% and nothing speaks against it; sure: beyond 99%; likely: at the joining line; through others: some
record of the child, taken alone with this one, would not have been joined."""
VERY_SURE, SURE = 13.3, 6.6  # bits: 99.99% and 99%


class Earlier(msgspec.Struct, frozen=True):
    """An earlier run's children: for each record of this run its child then (-1: new), and their ids."""

    child: Ints
    ids: pa.Array
    gone: int  # records of the earlier run that are no longer there
    sizes: Ints  # records each earlier child had


def earlier_children(previous: pa.Table, keys: Keys) -> Earlier:
    """Find each record's child in an earlier run (``source, record_id, child_id``)."""
    coded = previous["child_id"].combine_chunks().dictionary_encode()
    then = record_keys(previous["source"], previous["record_id"])
    order = np.lexsort((then.low, then.high))
    then = then.take(order)
    place = np.searchsorted(then.high, keys.high)
    place[place == len(then.high)] = 0
    same = (then.high[place] == keys.high) & (then.low[place] == keys.low) if len(then.high) else np.zeros(0, bool)
    codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    child = np.where(same, codes[order][place], -1) if len(codes) else np.full(len(keys.high), -1)
    return Earlier(
        child,
        coded.dictionary,
        previous.num_rows - int(same.sum()),
        np.bincount(codes, minlength=len(coded.dictionary)),
    )


def name_children(keys: Keys, child: Labels, earlier: Earlier | None) -> pa.Array:
    """The id of each child, at the position of its first record (other positions hold the id of the child there too).

    Returns one id for each record.
    """
    first, which = np.unique(child, return_inverse=True)
    ids = child_ids(keys, first)
    taken = np.full(len(first), -1, np.int64)
    if earlier is not None:
        taken = _kept(which, earlier, len(first))
        ids = pa.compute.if_else(
            pa.array(taken >= 0), earlier.ids.take(pa.array(np.where(taken >= 0, taken, 0))), ids
        ) if len(earlier.ids) else ids  # fmt: skip
    turn = 0
    while True:
        again = _repeated(ids, taken < 0, earlier)
        if not len(again):
            return ids.take(pa.array(which))
        turn += 1
        fresh = child_ids(keys, first[again], turn)
        replaced = np.array(ids.to_pylist(), dtype=object)
        replaced[again] = fresh.to_pylist()
        ids = pa.array(replaced, pa.string())


def _kept(which: Ints, earlier: Earlier, children: int) -> Ints:
    """For each child the earlier child whose id it keeps, or -1: most records in common first, each id once."""
    known = earlier.child >= 0
    pairs = which[known] * max(len(earlier.ids), 1) + earlier.child[known]
    distinct, counts = np.unique(pairs, return_counts=True)
    now, then = distinct // max(len(earlier.ids), 1), distinct % max(len(earlier.ids), 1)
    kept = np.full(children, -1, np.int64)
    given = np.zeros(len(earlier.ids), bool)
    for place in np.lexsort((then, now, -counts)).tolist():
        if kept[now[place]] < 0 and not given[then[place]]:
            kept[now[place]] = then[place]
            given[then[place]] = True
    return kept


def _repeated(ids: pa.Array, new: NDArray[np.bool_], earlier: Earlier | None) -> Ints:
    """New ids that some other child has, or had in the earlier run."""
    codes = ids.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    counts = np.bincount(codes)
    bad = counts[codes] > 1
    if earlier is not None and len(earlier.ids):
        bad |= pa.compute.is_in(ids, value_set=earlier.ids).to_numpy(zero_copy_only=False)
    return np.flatnonzero(bad & new)


def changes_since(ids: pa.Array, child: Labels, earlier: Earlier, protected: Ints) -> pa.Table:
    """What became of the children of the earlier run: joined, split and new, one row for each child concerned.

    Two rows that name one earlier child would tie an adopted child's two identities together as surely as one row, so
    what came apart for protection (``protected``: pairs of children, by their labels) is left out.
    """
    first, which = np.unique(child, return_inverse=True)
    names = ids.take(pa.array(first))
    known = earlier.child >= 0
    width = max(len(earlier.ids), 1)
    distinct, counts = np.unique(which[known] * width + earlier.child[known], return_counts=True)
    now, then = distinct // width, distinct % width
    parts_now, parts_then = np.bincount(now, minlength=len(first)), np.bincount(then, minlength=width)
    place_of = np.full(len(child), -1, np.int64)
    place_of[first] = np.arange(len(first))
    parts: dict[int, set[int]] = {}
    for before, after in zip(then.tolist(), now.tolist(), strict=True):
        parts.setdefault(before, set()).add(after)
    apart = [{int(place_of[a]), int(place_of[b])} for a, b in protected.tolist()]
    hidden = np.isin(then, [before for before, after in parts.items() if any(two <= after for two in apart)])
    now, then, counts = now[~hidden], then[~hidden], counts[~hidden]
    rows: list[tuple[str, str, str | None, int]] = []
    for place in np.flatnonzero((parts_now[now] > 1) | (parts_then[then] > 1)).tolist():
        what = "joined" if parts_now[now[place]] > 1 else "split"
        rows.append((what, names[int(now[place])].as_py(), earlier.ids[int(then[place])].as_py(), int(counts[place])))
    sizes = np.bincount(which)
    for place in np.flatnonzero(parts_now == 0).tolist():
        rows.append(("new", names[place].as_py(), None, int(sizes[place])))
    rows.sort(key=lambda row: (row[0], row[1], row[2] or ""))
    headings = {"change": pa.string(), "child_id": pa.string(), "previous_child_id": pa.string(), "records": pa.int32()}
    return pa.table(
        {name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(headings.items())}
    )


class Held(msgspec.Struct, frozen=True):
    """How each record is held in its child: its weakest and strongest pair there (nan when alone), and a grade."""

    records: NDArray[np.int32]
    weakest: Floats
    strongest: Floats
    grade: NDArray[np.int8]


def how_held(linked: Linked, pairs: ScoredPairs) -> Held:
    """Find the weakest and strongest link of each record to the other records of its child."""
    child = linked.child
    count = len(child)
    inside = child[pairs.left] == child[pairs.right]
    ends = np.concatenate([pairs.left[inside], pairs.right[inside]])
    weight = np.tile(pairs.weight[inside], 2)
    said = np.tile(pairs.why[inside] == Why.SAID_SAME, 2)
    order = np.argsort(ends, kind="stable")
    ends, weight, said = ends[order], weight[order], said[order]
    starts = np.flatnonzero(np.concatenate([[True], ends[1:] != ends[:-1]])) if len(ends) else np.zeros(0, int)
    weakest, strongest = np.full(count, np.nan), np.full(count, np.nan)
    decided = np.zeros(count, bool)
    if len(starts):
        at = ends[starts]
        weakest[at] = np.minimum.reduceat(weight, starts)
        strongest[at] = np.maximum.reduceat(weight, starts)
        decided[at] = np.logical_or.reduceat(said, starts)
    records = np.bincount(child, minlength=count)[child].astype(np.int32)
    grade = np.select(
        [records == 1, decided, weakest < 0, strongest >= VERY_SURE, strongest >= SURE],
        [GRADES.index(each) for each in ("alone", "by decision", "through others", "very sure", "sure")],
        GRADES.index("likely"),
    ).astype(np.int8)
    return Held(records, weakest, strongest, grade)
