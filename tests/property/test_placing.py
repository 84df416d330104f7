"""A few children grow together as in bulk, and where a newcomer belongs does not hang on their order."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from math import inf
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from linking import a_town, the_town_linked
from samechild.linkage.agglomeration import Lines, Matrices, agglomerate
from samechild.linkage.bulk import lines_of, links_of, score_pairs
from samechild.linkage.claims import between_groups, claims_of, two_identities
from samechild.linkage.coded import code_table
from samechild.linkage.constraints import Constraints, pair_list
from samechild.linkage.expectations import Expectations, sighted
from samechild.linkage.growing import Claim, Kind, Pair, clipped, grow, of_wholes
from samechild.linkage.growing import two_identities as are_two_identities
from samechild.linkage.matching import Matcher
from samechild.linkage.placing import Group, Member, Placement, place
from samechild.linkage.presence import Presence
from samechild.linkage.scoring import frequencies_of
from samechild.records import Record, fields

LINES = Lines(join=5.0, ask=0.0, margin=5.0, average=0.0)
LOSSES = (-9.0, -4.0)
KINDS = tuple(Kind(number, 1, frozenset({2}), 10.0, loss) for number, loss in enumerate(LOSSES))

# --- growing ----------------------------------------------------------------------------------------------------------

weights = st.integers(-40, 60).map(lambda number: number / 2 + 0.01)


@st.composite
def claims(draw: st.DrawFn, wholes: bool) -> tuple[int, dict[tuple[int, int], Claim]]:
    """What two to six groups claim of each other, some pairs unknown; no two strongest pairs alike."""
    size = draw(st.integers(2, 6))
    made = {}
    for number, pair in enumerate(combinations(range(size), 2)):
        if draw(st.integers(0, 4)) == 0:
            continue
        best, never = draw(weights) + number / 1000, draw(st.integers(0, 5)) == 0
        presence = draw(st.integers(-8, 8)) if wholes else 0.0
        marks = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        agree, differ = marks if wholes else (0, 0)
        left = differ & ~agree
        claim = best + presence + sum(loss for bit, loss in enumerate(LOSSES) if left >> bit & 1)
        made[pair] = Claim(best, clipped(claim), 1, never, float(presence), agree, differ, claim)
    return size, made


def in_bulk(size: int, held: dict[tuple[int, int], Claim], wholes: bool) -> tuple[list[int], set[tuple[int, int]]]:
    """The same claims as matrices, put together as linking in bulk does."""

    def laid(values: dict[tuple[int, int], Any], empty: Any, kind: type) -> Any:
        matrix: Any = np.full((1, size, size), empty, kind)
        for (i, j), value in values.items():
            matrix[0, i, j] = matrix[0, j, i] = value
        return matrix

    weight = laid({pair: claim.bits for pair, claim in held.items()}, -inf, np.float64)
    best = laid({pair: claim.best for pair, claim in held.items()}, -inf, np.float64)
    never = laid({pair: claim.never for pair, claim in held.items()}, False, np.bool_)
    if wholes:
        presence = laid({pair: claim.presence for pair, claim in held.items()}, 0.0, np.float64)
        marks = laid({pair: claim.agree | claim.differ << 2 for pair, claim in held.items()}, 0, np.uint16)
        every = np.arange(16)
        left = (every >> 2) & ~every
        against = sum(np.where(left >> bit & 1, loss, 0.0) for bit, loss in enumerate(LOSSES))
        matrices = Matrices(weight, never, best, presence, marks, np.asarray(against))
    else:
        matrices = Matrices(weight, never, best, None, None, None)
    labels, rivals = agglomerate(matrices, LINES)
    return labels[0].tolist(), {(min(a, b), max(a, b)) for _, a, b in rivals.tolist()}


@pytest.mark.parametrize("wholes", [False, True])
@tried(max_examples=300)
@given(data=st.data())
def test_a_few_groups_grow_as_in_bulk(wholes: bool, data: st.DataObject) -> None:
    size, held = data.draw(claims(wholes))
    tops = [claim.bits for claim in held.values()]
    assume(len(set(tops)) == len(tops))  # of two claims exactly alike, bulk takes the one that stands first
    labels, rivals = grow(size, held, KINDS, LINES)
    found = {(min(pair), max(pair)) for pair in rivals}
    assert (labels, found) == in_bulk(size, held, wholes)


# --- groups weighed as wholes -----------------------------------------------------------------------------------------


@cache
def matcher() -> Matcher:
    linked = the_town_linked()
    return Matcher(linked.model, linked.frequencies)


def members_of_the_town(ready: Matcher) -> list[Member]:
    """Every record of the town, in the order of its table."""
    rows = the_town_linked().records.select(
        [name for name in the_town_linked().records.column_names if name in fields()]
    )
    made = []
    for row in rows.to_pylist():
        record = msgspec.convert({name: value for name, value in row.items() if value is not None}, Record)
        made.append(Member(ready.prepare(record), record.source, f"{record.source}:{record.record_id}"))
    return made


def test_two_groups_claim_of_each_other_what_they_do_in_bulk() -> None:
    ready = matcher()
    members = members_of_the_town(ready)
    model, lines = ready.model, lines_of(ready.model)
    rows = np.arange(len(members))
    rng = np.random.default_rng(5)
    true = {k: n for n, k in enumerate(dict.fromkeys(the_town_linked().records["child_id"].to_pylist()))}
    child = np.array([true[each] for each in the_town_linked().records["child_id"].to_pylist()])
    torn = child * 3 + rng.integers(0, 3, len(child))  # every child in up to three parts
    _, first, which = np.unique(torn, return_index=True, return_inverse=True)
    unit = first[which].astype(np.int64)
    left, right = (each.astype(np.int32) for each in _pairs_worth_a_look(child, rng, rows))
    table = code_table(the_town_linked().records, [*ready.columns, "source"])
    nobody = pair_list(np.zeros(0, np.int64), np.zeros(0, np.int64), len(members))
    constraints = Constraints(nobody, nobody, nobody, np.zeros(0, np.int32))
    pairs = score_pairs(table, model, frequencies_of(model, table, ready.frequencies), constraints, left, right)
    links = links_of(model, pairs, None)
    between = between_groups(unit, links)
    assert between is not None
    presence = Presence(table, unit)
    wanted = claims_of(between, links, pairs.levels, model, presence, lines)
    guarded = two_identities(between, wanted, pairs.levels, model)
    ends = np.append(between.starts[1:], len(between.pairs))
    seen = presence.evidence(between.left, between.right)
    assert wanted.whole is not None
    for at, (begin, end) in enumerate(zip(between.starts.tolist(), ends.tolist(), strict=True)):
        held = [_pair(ready, members, pairs, each) for each in between.pairs[begin:end].tolist()]
        told = of_wholes(held, ready.kinds, float(seen[at]), lines)
        assert told is not None
        assert told.never == wanted.never[at]
        assert told.bits == pytest.approx(wanted.weight[at], abs=1e-6)
        assert told.best == pytest.approx(wanted.whole.best[at], abs=1e-6)
        assert are_two_identities(held, told, ready.kinds, model) == guarded[at]
    assert np.ptp(wanted.weight) > 20


def _pairs_worth_a_look(child: Any, rng: np.random.Generator, rows: Any) -> tuple[Any, Any]:
    """All pairs of records within a child, and as many pairs of records that stand near each other by name."""
    within = [pair for each in np.unique(child) for pair in combinations(np.flatnonzero(child == each).tolist(), 2)]
    surname = the_town_linked().records["surname"].to_pylist()
    by_name: dict[Any, list[int]] = {}
    for row in rows.tolist():
        by_name.setdefault(surname[row], []).append(row)
    beside = [tuple(sorted(rng.choice(held, 2, replace=False).tolist())) for held in by_name.values() if len(held) > 1]
    every = np.array(sorted({*within, *beside}))
    return every[:, 0], every[:, 1]


def _pair(ready: Matcher, members: list[Member], pairs: Any, at: int) -> Pair:
    one, other = members[int(pairs.left[at])], members[int(pairs.right[at])]
    weighed = ready.weigh(one.prepared, other.prepared)
    keys = f"{int(pairs.left[at]):06d}", f"{int(pairs.right[at]):06d}"  # of two alike, bulk takes the later
    return Pair(*keys, weighed.levels, weighed.weight, weighed.why, weighed.contradicts)


# --- a town that arrives ----------------------------------------------------------------------------------------------


def nothing_said(one: str, other: str) -> str:
    return ""


def the_children() -> list[Group]:
    ready = matcher()
    held: dict[str, list[Member]] = {}
    for member, child in zip(
        members_of_the_town(ready), the_town_linked().records["child_id"].to_pylist(), strict=True
    ):
        held.setdefault(child, []).append(member)
    return [Group(child, tuple(members)) for child, members in held.items()]


@cache
def the_counts() -> Expectations:
    counts, year = Expectations(), matcher().place["birth_year"]
    for group in the_children():
        counts.add(sighted((str(each.prepared[year] or "") or None, each.source) for each in group.members))
    return counts


@cache
def of_three() -> list[Group]:
    return [group for group in the_children() if len(group.members) > 2]


def placed(number: int, others: list[int], **told: Any) -> tuple[Group, Placement]:
    """Take one record out of a child of the town and let it arrive beside what is left and some other children."""
    held = of_three()
    own = held[number % len(held)]
    newcomer, left = own.members[0], msgspec.structs.replace(own, members=own.members[1:], **told)
    beside = [held[each % len(held)] for each in others]
    near = list(({group.child: group for group in beside} | {left.child: left}).values())
    return left, place(matcher(), the_counts(), newcomer, near, nothing_said, lines_of(matcher().model))


@tried(max_examples=60)
@given(number=st.integers(0, 400), others=st.lists(st.integers(0, 400), max_size=5), seed=st.randoms())
def test_the_order_of_the_neighbours_changes_nothing(number: int, others: list[int], seed: Any) -> None:
    _, found = placed(number, others)
    shuffled = others.copy()
    seed.shuffle(shuffled)
    assert placed(number, shuffled)[1] == found


@tried(max_examples=40)
@given(number=st.integers(0, 400), others=st.lists(st.integers(0, 400), max_size=3))
def test_a_sealed_child_gains_nothing_and_is_named_nowhere_but_to_its_keeper(number: int, others: list[int]) -> None:
    own, found = placed(number, others, sealed=True)
    assert own.child not in found.joins
    assert own.child not in {each.child for each in (*found.because, *found.asks, *found.leaves)}
    assert not (found.restricted and found.asks)


def test_records_of_the_town_go_back_to_their_children() -> None:
    back = sum(own.child in found.joins for own, found in (placed(each, [each + 1, each + 2]) for each in range(150)))
    alone = [own.child for own, found in (placed(each, []) for each in range(40)) if len(found.joins) > 1]
    assert back >= 135
    assert not alone
    assert len(a_town().records) == sum(len(group.members) for group in the_children())
