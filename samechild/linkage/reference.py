"""Same child or not, worked out slowly and plainly: this module defines the right answer.

Two records go in, a :class:`Score` comes out, with no tables, arrays or SQL between, so that a reader can follow every
step with a pencil. The fast engine and the Spark engine are tested against it on generated data, and it is tested
against Splink. The mathematics is Fellegi and Sunter's (*A theory for record linkage*, JASA 1969), the adjustment for
common and rare values is Splink's, and the two same-family classes are ours (:mod:`samechild.linkage.model`).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from math import inf, log2
from typing import Any

import msgspec

from samechild.errors import Invalid
from samechild.linkage.conditions import (
    Always,
    And,
    Call,
    Column,
    Compare,
    Condition,
    IsNull,
    Literal,
    Not,
    Or,
    Scalar,
)
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.model import SMALLEST, BlockingRule, Comparison, KeyPart, Level, Model
from samechild.linkage.similarity import Value, call, substr
from samechild.records import Record

AnyRecord = Mapping[str, Any] | Record
"""Field name to text, tuple of texts, or None; a field that is not there counts as missing."""

_OPERATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def field_of(record: AnyRecord, name: str) -> Value:
    """Give what a record holds in a field, None when nothing; a list field as a tuple."""
    value = record.get(name) if isinstance(record, Mapping) else getattr(record, name, None)
    return tuple(value) if isinstance(value, list) else value


# --- which level does a pair reach? -----------------------------------------------------------------------------------


def value_of(scalar: Scalar, left: AnyRecord, right: AnyRecord) -> Value:
    """Work out one value of a condition for two records."""
    match scalar:
        case Column(name=name, side=side):
            return field_of(left if side == "l" else right, name)
        case Literal(value=value):
            return value
        case Call(function=function, arguments=arguments):
            return call(function, [value_of(each, left, right) for each in arguments])


def holds(condition: Condition, left: AnyRecord, right: AnyRecord) -> bool | None:
    """Tell whether a condition holds for two records: yes, no, or None when a missing value leaves it open, as in SQL.

    Raises :class:`~samechild.errors.Invalid` when the condition compares a text with a number or a list.
    """
    match condition:
        case Always():
            return True
        case IsNull(value=value):
            return value_of(value, left, right) is None
        case Not(part=part):
            inner = holds(part, left, right)
            return None if inner is None else not inner
        case And(parts=parts):
            return _all([holds(part, left, right) for part in parts])
        case Or(parts=parts):
            none_holds = _all([_not(holds(part, left, right)) for part in parts])
            return _not(none_holds)
        case Compare():
            return _compare(condition, left, right)


def _compare(condition: Compare, left: AnyRecord, right: AnyRecord) -> bool | None:
    one, other = value_of(condition.left, left, right), value_of(condition.right, left, right)
    if one is None or other is None:
        return None
    if _kind(one) is not _kind(other):
        raise Invalid(
            "A condition of the model compares values of different kinds (text, number or list); "
            "compare texts with texts and numbers with numbers."
        )
    return bool(_OPERATORS[condition.operator](one, other))


def _kind(value: Value) -> type:
    return float if isinstance(value, int | float) else type(value)


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _all(answers: Sequence[bool | None]) -> bool | None:
    if any(answer is False for answer in answers):
        return False
    return None if any(answer is None for answer in answers) else True


def level_of(comparison: Comparison, left: AnyRecord, right: AnyRecord) -> int:
    """Find the level two records reach: the index of the first whose condition holds.

    Raises :class:`~samechild.errors.Invalid` when none does: the last level must be "whatever is left".
    """
    for index, level in enumerate(comparison.levels):
        if holds(level.condition, left, right):
            return index
    raise Invalid(f"Comparison {comparison.name}: no level fits this pair; end it with a level for whatever is left.")


# --- how much does the level weigh? -----------------------------------------------------------------------------------


def bits(probability: float) -> float:
    """Give log2 of a probability, never of less than 1e-300."""
    return log2(max(probability, SMALLEST))


def exact_columns(condition: Condition) -> frozenset[str]:
    """Name the fields a condition asks to be the same on both sides; empty when it asks anything else (or nothing)."""
    match condition:
        case Compare(operator="=", left=Column(name=one, side=this), right=Column(name=other, side=that)):
            return frozenset({one.lower()}) if one.lower() == other.lower() and this != that else frozenset()
        case And(parts=parts):
            columns = [exact_columns(part) for part in parts]
            return frozenset().union(*columns) if all(columns) else frozenset()
        case _:
            return frozenset()


def exact_u(comparison: Comparison, level: Level) -> float:
    """Find the average chance of agreeing on the field whose frequencies a level uses: Splink's rule.

    It is the ``u`` of the first level that asks for exactly that field to be the same, whether the level itself is
    that one or a fuzzy one; or the level's own ``u`` where the model says so.

    Raises :class:`~samechild.errors.Invalid` when there is no such level, or it has no ``u``.
    """
    adjustment = level.term_frequency
    if adjustment is None:
        raise Invalid(f"Comparison {comparison.name}, level {level.label}: it uses no term frequencies.")
    wanted = frozenset({adjustment.column.lower()})
    source = level if adjustment.own_u else None
    if source is None:
        source = next((each for each in comparison.levels if exact_columns(each.condition) == wanted), None)
    if source is None:
        raise Invalid(
            f"Comparison {comparison.name}, level {level.label}: term frequencies of {adjustment.column} need a level "
            "where exactly this field is the same on both sides; add one, or take the level's own u."
        )
    return _trained(comparison, source, source.u)


def _trained(comparison: Comparison, level: Level, probability: float | None) -> float:
    if probability is None:
        raise Invalid(f"Comparison {comparison.name}, level {level.label}: not trained yet; train the model first.")
    return probability


def frequency_bits(
    comparison: Comparison, level: Level, frequencies: Mapping[str, Frequencies], left: AnyRecord, right: AnyRecord
) -> float:
    """Work out how many bits rarity adds to a level's weight (fewer than 0 for a common value): Splink's formula.

    ``weight * (log2 u - log2 frequency)``, with the larger of the two records' frequencies and at least the minimum;
    0 when no frequency is known for either value, for missing values and for "whatever is left".
    """
    adjustment = level.term_frequency
    if adjustment is None or level.is_null or adjustment.weight == 0 or isinstance(level.condition, Always):
        return 0.0
    table = frequencies.get(adjustment.column)
    known = [
        frequency
        for record in (left, right)
        if table is not None and (frequency := table.of(field_of(record, adjustment.column))) is not None
    ]
    if not known:
        return 0.0
    frequency = max(*known, adjustment.minimum)
    return adjustment.weight * (bits(exact_u(comparison, level)) - bits(frequency))


# --- one child, twins, siblings or strangers? -------------------------------------------------------------------------


class Score(msgspec.Struct, frozen=True):
    """What the evidence says of two records. Weights are in bits: ten bits are a thousand to one."""

    levels: tuple[int, ...]  # for each comparison, the level reached
    weights: tuple[float, ...]  # for each comparison, log2(m/u) with term frequency; 0 where a value is missing
    two_class_weight: float  # same child against anybody else, as Splink counts it
    family_weight: float  # what the same-family classes took away
    match_weight: float  # same child against twin, sibling and stranger together: log2 of the odds
    probability: float
    probability_twin: float
    probability_sibling: float


def score(model: Model, frequencies: Mapping[str, Frequencies], left: AnyRecord, right: AnyRecord) -> Score:
    """Work out how likely two records are of one child, of twins, of siblings, or of strangers.

    ``frequencies`` maps a field to its values' relative frequencies. Every comparison is taken as independent of the
    others within a class; a missing value is no evidence. The match weight is log2 of prior*M over the sum, for the
    other three classes, of prior times likelihood. ``family_weight`` is what that differs from the two-class weight;
    it is 0 for a model without family classes. It is above 0 only for pairs that fit a stranger better than a family
    member, and then by at most log2((1 - prior) / prior_unrelated), a few millionths of a bit, since the two-class
    weight counts the families' share of all pairs as strangers.

    Raises :class:`~samechild.errors.Invalid` when the model is not trained or its priors leave nothing for strangers.
    """
    same, *others = (bits(prior) if prior else -inf for prior in _priors(model))
    levels = tuple(level_of(comparison, left, right) for comparison in model.comparisons)
    weights = []
    for comparison, index in zip(model.comparisons, levels, strict=True):
        level = comparison.levels[index]
        if level.is_null:
            weights.append(0.0)
            continue
        m, u = bits(_trained(comparison, level, level.m)), bits(_trained(comparison, level, level.u))
        weight = m - u + frequency_bits(comparison, level, frequencies, left, right)
        weights.append(weight)
        by_chance = m - weight  # u, or the chance of agreeing on just this value
        same += m
        others[0] += family_bits(level, level.twin, by_chance, frequencies)
        others[1] += family_bits(level, level.sibling, by_chance, frequencies)
        others[2] += by_chance
    two_class = bits(model.prior) - log2(1.0 - model.prior) + sum(weights)
    match = same - _log2_sum(others) if model.has_family else two_class
    total = _log2_sum([same, *others])
    return Score(
        levels=levels,
        weights=tuple(weights),
        two_class_weight=two_class,
        family_weight=match - two_class,
        match_weight=match,
        probability=probability_of(match),
        probability_twin=_power(others[0] - total),
        probability_sibling=_power(others[1] - total),
    )


def _priors(model: Model) -> tuple[float, float, float, float]:
    """Same child, twin, sibling, stranger: together 1."""
    strangers = 1.0 - model.prior - model.prior_twin - model.prior_sibling
    if not (0 < model.prior < 1 and strangers > 0 and model.prior_twin >= 0 and model.prior_sibling >= 0):
        raise Invalid("The model's priors must each lie between 0 and 1 and leave some pairs for strangers.")
    return model.prior, model.prior_twin, model.prior_sibling, strangers


def family_bits(level: Level, family: float | None, by_chance: float, frequencies: Mapping[str, Frequencies]) -> float:
    """Give log2 of the probability that two children of one family reach a level with just these values.

    ``family`` is the class's own probability of the level, None when it was not trained (then as for strangers);
    ``by_chance`` is log2 of the strangers' probability, with the value's own frequency. A family shares a value for
    one of two reasons: as a family (the share ``f`` of pairs, ``f = (p - u) / (1 - u)``), whatever the value, or by
    chance, as strangers do. Where frequencies play no part it is the class's own probability.
    """
    by_chance = min(by_chance, 0.0)
    if family is None or level.u is None:
        return by_chance
    if level.term_frequency is None or level.term_frequency.column not in frequencies:
        return bits(family)
    share = max(0.0, (family - level.u) / (1.0 - level.u)) if level.u < 1.0 else 0.0
    return _log2_sum([_log2(share), _log2(1.0 - share) + by_chance])


def probability_of(weight: float) -> float:
    """Turn a match weight in bits into a probability."""
    return 1.0 / (1.0 + _power(-weight)) if weight >= 0 else _power(weight) / (1.0 + _power(weight))


def _power(exponent: float) -> float:
    return float(2.0**exponent)


def _log2(value: float) -> float:
    return log2(value) if value > 0 else -inf


def _log2_sum(terms: Sequence[float]) -> float:
    """log2 of a sum of numbers given by their log2, without underflow."""
    most = max(terms)
    return most if most == -inf else most + log2(sum(_power(term - most) for term in terms))


# --- which pairs are looked at? ---------------------------------------------------------------------------------------


def key_parts(part: KeyPart, record: AnyRecord) -> frozenset[str]:
    """Give the values of one part of a blocking key for a record: none if missing or empty, several for a list."""
    value = field_of(record, part.column)
    values = value if isinstance(value, tuple) else () if value is None else (str(value),)
    cut = (substr(each, part.start, part.length) for each in values if each is not None)
    return frozenset(each for each in cut if each)


def blocks(rule: BlockingRule, records: Sequence[AnyRecord]) -> list[list[int]]:
    """Group the records (by their position) that share a key of a blocking rule; groups of one are left out."""
    found: dict[tuple[str, ...], list[int]] = {}
    for index, record in enumerate(records):
        for key in product(*(key_parts(part, record) for part in rule.parts)):
            found.setdefault(key, []).append(index)
    return [members for members in found.values() if len(members) > 1]


def usable_blocks(model: Model, rule: BlockingRule, records: Sequence[AnyRecord]) -> list[list[int]]:
    """Choose the blocks of a rule whose records are compared.

    Not those of more than ``model.largest_block`` records, for a million records of one placeholder name would make
    half a billion pairs; and none at all when the rest would still bring more than ``rule.most_pairs`` pairs.
    """
    small = [members for members in blocks(rule, records) if len(members) <= model.largest_block]
    pairs = sum(len(members) * (len(members) - 1) // 2 for members in small)
    return [] if rule.most_pairs is not None and pairs > rule.most_pairs else small


def blocked_pairs(model: Model, records: Sequence[AnyRecord]) -> set[tuple[int, int]]:
    """Find the pairs of records (positions i < j) that are compared at all.

    A pair is compared when, under some rule, every part of the key is there and equal (for a list field: they share a
    value), unless the block is too large (:func:`usable_blocks`; :func:`oversized_blocks` tells where that happened).
    """
    return {
        pair
        for rule in model.blocking
        for members in usable_blocks(model, rule, records)
        for pair in combinations(members, 2)
    }


def oversized_blocks(model: Model, records: Sequence[AnyRecord]) -> list[tuple[str, int]]:
    """List the blocks too large to compare: name of the rule, number of records; never the key itself."""
    return [
        (rule.name, len(members))
        for rule in model.blocking
        for usable in [usable_blocks(model, rule, records)]
        for members in blocks(rule, records)
        if members not in usable
    ]
