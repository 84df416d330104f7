"""Learning a model from the files themselves, with nobody telling it which pairs are right.

``u`` comes from pairs of records picked at random, which are nearly all strangers. Everything else comes from one
expectation-maximisation (Dempster, Laird and Rubin 1977; Winkler 1988) over the pairs that blocking found, counted as
agreement patterns. Within the pairs of one blocking rule, the fields of that rule agree by construction and are left
out; how many pairs of each class a rule found is its own, but what the classes look like is shared by all rules. Four
classes are learnt at once: same child, twin, sibling, unrelated.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.blocking import Blocked
from samechild.linkage.chance import with_chance_identifiers, with_u
from samechild.linkage.coded import CodedTable
from samechild.linkage.comparison import Levels, Pairs, levels_of
from samechild.linkage.conditions import columns_of
from samechild.linkage.model import FAMILY, BlockingRule, Comparison, Model, PairClass
from samechild.linkage.patterns import CLASSES, Layout, Patterns, patterns_of

RANDOM_PAIRS = 300_000
TRAINING_PAIRS = 400_000
ROUNDS = 25
SETTLED = 2e-5
"""Learning stops when no probability changes by more."""
BELIEF = 30.0
"""How many imagined pairs stand behind a starting value, so that a rare level never becomes impossible."""
FAMILY_BELIEF = 100.0
"""The same for the family classes, which are rarer and easier to mistake."""
AGREEING = 0.85
"""Starting share of one child's pairs that agree exactly, for a model that says nothing of it."""
TWO_TOGETHER = 0.05
"""Of one child's pairs with two different numbers, the largest share whose numbers were given out together."""
HOME_AND_FAMILY = ("surname", "date_of_birth", "postcode")
MISPLACED = 0.05
"""The largest share of a family's pairs that may carry one child's number, or name, by mistake."""

Rows = NDArray[np.float64]


def random_records(records: int, seed: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Two sets of records picked at random, no record in both: each of one is compared with each of the other."""
    side = min(records // 2, int(RANDOM_PAIRS**0.5))
    chosen = np.random.default_rng(seed).permutation(records)[: 2 * side].astype(np.int32)
    return chosen[:side], chosen[side:]


def random_levels(model: Model, table: CodedTable, seed: int) -> list[Rows]:
    """How often each level is reached by pairs of records picked at random, for each comparison (counts)."""
    one, other = random_records(table.rows, seed)
    pairs = Pairs(table, np.repeat(one, len(other)), np.tile(other, len(one)))
    return [
        np.bincount(levels_of(comparison, pairs), minlength=len(comparison.levels)).astype(np.float64)
        for comparison in model.comparisons
    ]


class _Parameters:
    """The state of the expectation-maximisation: one row of level probabilities for each class."""

    def __init__(self, model: Model) -> None:
        self.layout = Layout(model.comparisons)
        self.start = {which: self.layout.probabilities(which) for which in CLASSES}
        self.now = dict(self.start)


def train(
    model: Model,
    table: CodedTable,
    blocked: Blocked,
    levels: list[Levels],
    *,
    with_family: bool = True,
    seed: int = 1,
    rules: tuple[BlockingRule, ...] | None = None,
) -> Model:
    """Learn every probability of the model from the records. The same records and seed give the same model.

    ``levels``: the level each blocked pair reaches in each comparison.
    ``with_family`` is False for records that are not children's: two classes are learnt then, same and unrelated.
    """
    used = tuple(rule for rule in rules or model.blocking if all(part.column in table for part in rule.parts))
    sample = _training_sample(model, blocked, levels, used, seed)
    counts = random_levels(model, table, seed)
    return learn(model, table.rows, len(blocked), counts, sample, used, with_family=with_family)


class Sample(msgspec.Struct, frozen=True):
    """What training looks at: patterns of blocked pairs, and how many pairs of each pattern each rule found."""

    patterns: Patterns
    rule_counts: Rows


def learn(
    model: Model,
    records: int,
    blocked: int,
    counts: list[Rows],
    sample: Sample,
    used: tuple[BlockingRule, ...],
    *,
    with_family: bool = True,
) -> Model:
    """Learn every probability from counts alone: levels of random pairs, and patterns of blocked ones."""
    model = with_u(_started(model), counts)
    patterns, rule_counts = sample.patterns, sample.rule_counts
    if not len(patterns.levels):
        return _summing_to_one(_guessed(model, records))
    total = records * (records - 1) / 2
    if with_family:
        model = _families(model, patterns)
    for _ in range(2):
        model = _maximised(model, patterns, rule_counts, used, with_family)
        model, strangers = _with_priors(model, patterns, blocked / max(len(patterns.of_pair), 1), total, with_family)
        model = with_u(model, counts, match_rate=model.prior)
        model = with_chance_identifiers(model, patterns, strangers, total, counts)
    return _summing_to_one(model)


def _started(model: Model) -> Model:
    """Give a model that comes without m somewhere to start from: pairs of one child mostly agree."""
    comparisons = []
    for comparison in model.comparisons:
        levels = list(comparison.levels)
        open_levels = [place for place, level in enumerate(levels) if not level.is_null]
        for rank, place in enumerate(open_levels):
            if levels[place].m is None:
                share = AGREEING if rank == 0 else (1.0 - AGREEING) / (len(open_levels) - 1)
                levels[place] = msgspec.structs.replace(levels[place], m=share)
        comparisons.append(msgspec.structs.replace(comparison, levels=tuple(levels)))
    return msgspec.structs.replace(model, comparisons=tuple(comparisons))


def _summing_to_one(model: Model) -> Model:
    """Make each class's probabilities within a comparison sum to 1, where none of them was fixed beforehand."""
    comparisons = []
    for comparison in model.comparisons:
        levels = comparison.levels
        for name in ("m", "u", "twin", "sibling"):
            values = [getattr(level, name) for level in levels if not level.is_null]
            if None in values or any(level.fix_m if name == "m" else name == "u" and level.fix_u for level in levels):
                continue
            total = sum(values)
            levels = tuple(
                level if level.is_null else msgspec.structs.replace(level, **{name: getattr(level, name) / total})
                for level in levels
            )
        comparisons.append(msgspec.structs.replace(comparison, levels=levels))
    return msgspec.structs.replace(model, comparisons=tuple(comparisons))


def training_pairs(blocked: int, seed: int) -> NDArray[np.int64]:
    """Which of so many blocked pairs are learnt from: their positions, in order."""
    if blocked <= TRAINING_PAIRS:
        return np.arange(blocked)
    return np.sort(np.random.default_rng(seed).choice(blocked, TRAINING_PAIRS, replace=False))


def _training_sample(
    model: Model, blocked: Blocked, levels: list[Levels], rules: tuple[BlockingRule, ...], seed: int
) -> Sample:
    chosen = training_pairs(len(blocked), seed)
    patterns = patterns_of([level[chosen] for level in levels], model.comparisons)
    found = blocked.rules[chosen]
    rows = []
    for number in range(len(rules)):
        mask = (found & np.uint32(1 << number)) != 0
        rows.append(np.bincount(patterns.of_pair[mask], minlength=len(patterns.levels)))
    return Sample(patterns, np.array(rows, np.float64))


def _fixed_by(rule: BlockingRule, comparisons: tuple[Comparison, ...]) -> NDArray[np.bool_]:
    """Which comparisons a rule leaves nothing to learn of, because it already demands that their field agrees."""
    demanded = {_root(part.column) for part in rule.parts}
    return np.array(
        [
            bool(demanded & {_root(name) for level in comparison.levels for name in columns_of(level.condition)})
            for comparison in comparisons
        ]
    )


_ROOTS = {
    "given_names": "forename", "forename_variants": "forename", "forename_sound": "forename", "known_as": "forename",
    "middle_names": "forename", "surname_parts": "surname", "surname_variants": "surname",
    "surname_sound": "surname", "former_surname": "surname", "birth_month": "date_of_birth",
    "birth_year": "date_of_birth", "birth_date_swapped": "date_of_birth", "postcodes": "postcode",
    "previous_postcode": "postcode", "postcode_sector": "postcode", "postcode_district": "postcode",
    "upns": "upn", "former_upn": "upn",
}  # fmt: skip


def _root(column: str) -> str:
    return _ROOTS.get(column, column)


def _maximised(
    model: Model, patterns: Patterns, rule_counts: Rows, rules: tuple[BlockingRule, ...], with_family: bool
) -> Model:
    """Expectation-maximisation over all rules at once; u stays as it is."""
    state = _Parameters(model)
    layout = state.layout
    hot = layout.one_hot(patterns)
    free = np.array([~_fixed_by(rule, model.comparisons)[layout.of_level] for rule in rules])  # rules x levels
    use = np.array([rule.training for rule in rules]) & (rule_counts.sum(axis=1) > 0)
    free, rule_counts = free[use], rule_counts[use]
    shares = np.tile(np.array([0.5, 0.02, 0.08, 0.4] if with_family else [0.5, 0.0, 0.0, 0.5]), (len(free), 1))
    possible = shares[0] > 0 if len(shares) else np.ones(4, bool)
    shown = [np.flatnonzero(counts) for counts in rule_counts]
    reached = [hot[seen] for seen in shown]
    for _ in range(ROUNDS):
        before = state.now[PairClass.SAME]
        logs = np.stack([np.log(np.maximum(state.now[which], 1e-12)) for which in CLASSES], axis=1)
        sums = {which: np.zeros(layout.width) for which in CLASSES[:3]}
        for number, (seen, here) in enumerate(zip(shown, reached, strict=True)):
            likelihood = here @ (logs * free[number][:, None]) + np.log(np.maximum(shares[number], 1e-300))
            likelihood -= likelihood.max(axis=1, keepdims=True)
            belief = np.exp(likelihood)
            belief *= (rule_counts[number][seen] / belief.sum(axis=1))[:, None]
            expected = belief.sum(axis=0)
            shares[number] = np.where(possible, (expected + 0.5) / (expected.sum() + 2.0), 0.0)
            for place, which in enumerate(CLASSES[:3]):
                sums[which] += free[number] * (belief[:, place] @ here)
        _settle_classes(state, sums)
        if np.abs(state.now[PairClass.SAME] - before).max() < SETTLED:
            break
    return _replaced(model, state)


def _settle_classes(state: _Parameters, sums: dict[PairClass, Rows]) -> None:
    """The maximisation step: new probabilities of one child; what a family shares is recorded as for one child."""
    layout = state.layout
    same = _normalised(sums[PairClass.SAME] + BELIEF * state.start[PairClass.SAME] * ~layout.is_null, layout)
    same = np.where(layout.fixed, state.start[PairClass.SAME], _one_number_a_child(same, layout))
    state.now[PairClass.SAME] = same
    for which in FAMILY:
        state.now[which] = np.where(layout.shared[which], same, state.start[which])


def _one_number_a_child(same: Rows, layout: Layout) -> Rows:
    """One child is not given two numbers together; only the other twin's number, by mistake, makes it look so."""
    now = same.copy()
    for together, differ in layout.issued_together:
        most = TWO_TOGETHER * same[differ]
        if now[together] > most:
            now[differ] += now[together] - most
            now[together] = most
    return now


def _families(model: Model, patterns: Patterns) -> Model:
    """Learn what tells the children of one family apart, from the pairs where hardly anything else is in question.

    Pairs that agree exactly on surname, birth date and home are one child or twins: two classes, told apart by
    forename, sex and numbers (expectation-maximisation). Pairs that agree on surname and home but were born at
    another time are siblings, or one child now and then. Started from the model's starting values, which count as
    :data:`FAMILY_BELIEF` imagined pairs.
    """
    layout = Layout(model.comparisons)
    hot = layout.one_hot(patterns)
    agree = {
        comparison.name: hot[:, layout.exact_place[number]] > 0
        for number, comparison in enumerate(model.comparisons)
        if comparison.name in HOME_AND_FAMILY
    }
    if "surname" not in agree or "date_of_birth" not in agree:
        return model
    at_home = np.logical_and.reduce([each for name, each in agree.items() if name != "date_of_birth"])
    twins = np.flatnonzero(at_home & agree["date_of_birth"])
    birth = next(number for number, each in enumerate(model.comparisons) if each.name == "date_of_birth")
    far = patterns.levels[:, birth] >= len(model.comparisons[birth].levels) - 2
    siblings = np.flatnonzero(at_home & far)
    start = {which: layout.probabilities(which) for which in CLASSES}
    start[PairClass.TWIN] = _told_apart(layout, hot[twins], patterns.counts[twins], start)
    everyone = patterns.counts[siblings] @ hot[siblings]
    start[PairClass.SIBLING] = _capped(
        _normalised(everyone + FAMILY_BELIEF * start[PairClass.SIBLING] * ~layout.is_null, layout),
        layout, PairClass.SIBLING, start[PairClass.UNRELATED],
    )  # fmt: skip
    state = _Parameters(model)
    state.now = {**start, PairClass.SAME: state.start[PairClass.SAME]}
    for which in FAMILY:
        state.now[which] = np.where(layout.shared[which], state.start[PairClass.SAME], start[which])
    return _replaced(model, state)


def _told_apart(layout: Layout, hot: Rows, counts: NDArray[np.int64], start: dict[PairClass, Rows]) -> Rows:
    """Twins against one child among pairs that agree on everything a family shares."""
    now = {which: start[which] for which in (PairClass.SAME, PairClass.TWIN)}
    share = np.array([0.97, 0.03])
    free = ~(layout.shared[PairClass.TWIN] | layout.is_null)
    for _ in range(ROUNDS):
        logs = np.stack([np.log(np.maximum(each, 1e-12)) * free for each in now.values()], axis=1)
        likelihood = hot @ logs + np.log(share)
        likelihood -= likelihood.max(axis=1, keepdims=True)
        belief = np.exp(likelihood)
        belief *= (counts / belief.sum(axis=1))[:, None]
        share = (belief.sum(axis=0) + 1.0) / (belief.sum() + 2.0)
        for place, which in enumerate(now):
            seen = belief[:, place] @ hot
            now[which] = _normalised(seen + FAMILY_BELIEF * start[which] * ~layout.is_null, layout)
        now[PairClass.TWIN] = _capped(now[PairClass.TWIN], layout, PairClass.TWIN, start[PairClass.UNRELATED])
    return now[PairClass.TWIN]


def _capped(now: Rows, layout: Layout, which: PairClass, chance: Rows) -> Rows:
    """Keep agreement on what every child has for itself down to chance and mistakes.

    Were it left free, the class would end up describing badly recorded pairs of one child.
    """
    most = np.maximum(np.where(layout.number, MISPLACED, MISPLACED / 2), chance)
    most = np.where(layout.dates, chance, most)
    capped = layout.first_own[which] & (now > most)
    if not capped.any():
        return now
    groups = len(layout.starts) - 1
    over = np.bincount(layout.of_level, weights=np.where(capped, now - most, 0.0), minlength=groups)
    rest = np.bincount(layout.of_level, weights=np.where(capped | layout.is_null, 0.0, now), minlength=groups)
    spread = now * (1.0 + (over / np.maximum(rest, 1e-12))[layout.of_level])
    return np.where(layout.is_null, 1.0, np.where(capped, most, spread))


def _normalised(counts: Rows, layout: Layout) -> Rows:
    totals = np.bincount(layout.of_level, weights=counts * ~layout.is_null)
    share = counts / np.maximum(totals[layout.of_level], 1e-300)
    return np.where(layout.is_null, 1.0, np.maximum(share, 1e-9))


def _replaced(model: Model, state: _Parameters) -> Model:
    comparisons = []
    for comparison, start in zip(model.comparisons, state.layout.starts, strict=False):
        levels = []
        for place, level in enumerate(comparison.levels):
            at = int(start) + place
            levels.append(
                level
                if level.is_null
                else msgspec.structs.replace(
                    level,
                    m=level.m if level.fix_m else float(state.now[PairClass.SAME][at]),
                    twin=float(state.now[PairClass.TWIN][at]),
                    sibling=float(state.now[PairClass.SIBLING][at]),
                )
            )
        comparisons.append(msgspec.structs.replace(comparison, levels=tuple(levels)))
    return msgspec.structs.replace(model, comparisons=tuple(comparisons))


def class_logs(model: Model, patterns: Patterns) -> Rows:
    """Natural log likelihood of each pattern under each class (patterns x 4), before term frequencies."""
    layout = Layout(model.comparisons)
    logs = np.stack([np.log(layout.probabilities(which)) for which in CLASSES], axis=1)
    return np.asarray(layout.one_hot(patterns) @ logs)


def _with_priors(
    model: Model, patterns: Patterns, scale: float, total: float, with_family: bool
) -> tuple[Model, NDArray[np.float64]]:
    """How common each class is among all pairs: the expected numbers found, settled by repetition.

    Returns the model, and for each pattern how many of its pairs are taken for strangers.
    """
    logs = class_logs(model, patterns)
    counts = patterns.counts * scale
    shares = np.array([counts.sum() * 0.3, counts.sum() * 0.01, counts.sum() * 0.05, total]) / total
    if not with_family:
        shares[1:3] = 0.0
    for _ in range(25):
        likelihood = logs + np.log(np.maximum(shares, 1e-300))
        likelihood -= likelihood.max(axis=1, keepdims=True)
        belief = np.exp(likelihood)
        belief *= (counts / belief.sum(axis=1))[:, None]
        expected = belief.sum(axis=0)
        shares[:3] = np.where(shares[:3] > 0, (expected[:3] + 0.01) / total, 0.0)
        shares[3] = 1.0 - shares[:3].sum()
    model = msgspec.structs.replace(
        model, prior=float(shares[0]), prior_twin=float(shares[1]), prior_sibling=float(shares[2])
    )
    return model, belief[:, 3]


def _guessed(model: Model, rows: int) -> Model:
    """A model for files in which blocking found no pair at all: the starting values stand."""
    return msgspec.structs.replace(model, prior=1.0 / max(rows, 2) ** 2)
