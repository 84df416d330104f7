"""One pair of records weighed in a few microseconds: what the living index asks of a record that arrives.

:mod:`samechild.linkage.bulk` weighs millions of pairs at once; here there are a dozen, and the answer is wanted at
once. It is the same answer: :mod:`samechild.linkage.reference` defines the weight, and
:mod:`samechild.linkage.constraints` what forbids a join whatever the weight. Levels reached together are few (some
thousands of combinations), so what a combination adds up to is worked out once and remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import inf, log2

import msgspec

from samechild.errors import Invalid
from samechild.linkage.compiled import Finder, Prepared, finder
from samechild.linkage.constraints import LOOKS_LIKE_ONE, TWIN_CERTAINTY, VERIFIED, Why
from samechild.linkage.frequencies import Frequencies
from samechild.linkage.growing import kinds_of
from samechild.linkage.model import Comparison, Level, Model
from samechild.linkage.reference import bits, family_bits, frequency_bits, score
from samechild.linkage.similarity import Value
from samechild.records import Record, fields

CONSTRAINED_BY = ("surname", "forename", "birth_year", "sex", "nhs_number", "nhs_number_status", "upn", "upn_kind")
"""Fields that are looked at whether or not the model compares them: what forbids a join, and what tells twins apart."""
MOST_REMEMBERED = 100_000
"""So many combinations of levels, and so many values of a field, are remembered before the memory starts afresh."""


class Weighed(msgspec.Struct, frozen=True, gc=False):
    """What two records say of each other. Weights are in bits; ``levels`` holds the level of each comparison."""

    levels: tuple[int, ...]
    weight: float  # same child against twin, sibling and stranger together
    two_class: float  # same child against anybody else, as Splink counts it
    twin: float  # probability that the two are members of one multiple birth
    sibling: float
    why: Why
    contradicts: bool  # two different valid NHS numbers, or two different permanent UPNs


class _Pattern(msgspec.Struct, frozen=True):
    """What one combination of levels adds up to, in log2 of likelihoods with priors, rarity left out."""

    same: float
    twin: float
    sibling: float
    stranger: float
    by_value: tuple[tuple[int, int, int], ...]  # comparison, level and place of the value whose rarity counts
    together: bool  # two numbers that were given out one after the other
    apart: bool  # wholly different surnames
    alike: bool  # forename and birth date fit, surnames do not: perhaps two identities of one child


class Matcher:
    """Weighs one pair of records after another by a trained model.

    ``columns`` names the fields whose values make a prepared record, in their order. ``single_sources`` hold each
    child once. Raises :class:`~samechild.errors.Invalid` when the model is not trained or compares an unknown field.
    """

    def __init__(
        self, model: Model, frequencies: Mapping[str, Frequencies], *, single_sources: Collection[str] = ()
    ) -> None:
        if not model.is_trained:
            raise Invalid("This model has not been trained; link some records first and give the model they taught.")
        names = [name for comparison in model.comparisons for name in comparison.columns]
        names += [
            level.term_frequency.column
            for comparison in model.comparisons
            for level in comparison.levels
            if level.term_frequency
        ]
        self.columns = tuple(dict.fromkeys([*names, *CONSTRAINED_BY]))
        for name in self.columns:
            if name not in fields():
                raise Invalid(f"The model compares {name}, which is no field here; name it as samechild does.")
        self.model = model
        self.frequencies = frequencies
        self.single_sources = frozenset(single_sources)
        self.place = {name: place for place, name in enumerate(self.columns)}
        self.number = {comparison.name: number for number, comparison in enumerate(model.comparisons)}
        self.kinds = kinds_of(model)
        self.equal = [_equal(comparison) for comparison in model.comparisons]
        self.numbers = tuple(number for number, each in enumerate(model.comparisons) if each.identifier)
        self.telling = tuple(_telling(model))
        self.unlike = frozenset(_unlike(model))
        self._finders: list[Finder] = [finder(comparison, self.place) for comparison in model.comparisons]
        self._patterns: dict[tuple[int, ...], _Pattern] = {}
        self._values: dict[tuple[int, int], dict[Value, tuple[float, float, float]]] = {}
        nothing = score(msgspec.structs.replace(model, comparisons=()), {}, {}, {})  # checks the priors, once
        strangers = 1.0 - model.prior - model.prior_twin - model.prior_sibling
        priors = (model.prior, model.prior_twin, model.prior_sibling, strangers)
        self._priors = tuple(bits(prior) if prior else -inf for prior in priors)
        self._two_class = nothing.two_class_weight - self._priors[0] + self._priors[3]
        self._identity = tuple(self.place[name] for name in ("nhs_number", "upn", "upn_kind", "nhs_number_status"))

    def prepare(self, record: Record) -> Prepared:
        """Take from a standardised record the values that are compared, in the order of ``columns``."""
        return tuple(getattr(record, name) for name in self.columns)

    def weigh(self, left: Prepared, right: Prepared) -> Weighed:
        """Say how likely two records are of one child, and what else decides about them.

        Weights are :func:`samechild.linkage.reference.score`'s to 1e-9 bits; ``why`` is what
        :func:`samechild.linkage.bulk.weigh` finds, but for what people and lists say, and sources that hold a child
        once: whoever knows of these adds them.
        """
        levels = tuple([find(left, right) for find in self._finders])
        pattern = self._patterns.get(levels)
        if pattern is None:
            pattern = self._remembered(levels)
        weight, two_class, twin, sibling = self._odds(pattern, left, right)
        nhs, upn, kind, status = self._identity
        one, other, upn_one, upn_other = left[nhs], right[nhs], left[upn], right[upn]
        why = Why.TWINS if twin >= TWIN_CERTAINTY or pattern.together else Why.NOTHING
        numbers = one is not None and other is not None and one != other
        differ = numbers or (
            upn_one is not None
            and upn_other is not None
            and upn_one != upn_other
            and left[kind] == "permanent"
            and right[kind] == "permanent"
        )
        if differ:
            if numbers and left[status] == VERIFIED and right[status] == VERIFIED:
                why = Why.VERIFIED_NUMBERS_DIFFER
            if pattern.apart and why is Why.NOTHING:
                why = Why.NAMES_AND_NUMBERS_DIFFER
            if pattern.alike and self._looks_like_one(levels, left, right):
                why = Why.TWO_IDENTITIES
        return Weighed(levels, weight, two_class, twin, sibling, why, differ)

    def evidence(self, levels: tuple[int, ...], left: Prepared, right: Prepared) -> tuple[tuple[str, str, float], ...]:
        """List each piece of evidence as (comparison, level in words, bits), what weighs most first.

        The bits are those of ``weight_<comparison>`` in ``links.parquet``, the value's own frequency included.
        """
        pieces = []
        for comparison, reached in zip(self.model.comparisons, levels, strict=True):
            level = comparison.levels[reached]
            weight = level.weight + self._rarity(comparison, level, left, right)
            pieces.append((comparison.name, level.label, weight))
        return tuple(sorted(pieces, key=lambda piece: -abs(piece[2])))

    # --- how a pair is weighed ---

    def _odds(self, pattern: _Pattern, left: Prepared, right: Prepared) -> tuple[float, float, float, float]:
        """Weight, two-class weight, and the probabilities of twins and of siblings."""
        same, twin, sibling, stranger = pattern.same, pattern.twin, pattern.sibling, pattern.stranger
        for number, reached, at in pattern.by_value:
            by_chance, of_twins, of_siblings = self._by_value(number, reached, left[at], right[at])
            stranger += by_chance
            twin += of_twins
            sibling += of_siblings
        two_class = same - stranger + self._two_class
        if not self.model.has_family:
            return two_class, two_class, 0.0, 0.0
        top = max(stranger, twin, sibling)
        rest = top + log2(2.0 ** (stranger - top) + 2.0 ** (twin - top) + 2.0 ** (sibling - top))
        weight = same - rest
        share = 1.0 / (1.0 + 2.0 ** min(weight, 1000.0))  # everything but the same child
        return weight, two_class, share * 2.0 ** (twin - rest), share * 2.0 ** (sibling - rest)

    def _remembered(self, levels: tuple[int, ...]) -> _Pattern:
        if len(self._patterns) >= MOST_REMEMBERED:
            self._patterns.clear()
        pattern = self._patterns[levels] = self._pattern(levels)
        return pattern

    def _pattern(self, levels: tuple[int, ...]) -> _Pattern:
        same, twin, sibling, stranger = self._priors
        by_value = []
        together = False
        for number, (comparison, reached) in enumerate(zip(self.model.comparisons, levels, strict=True)):
            level = comparison.levels[reached]
            together |= comparison.identifier and level.label.endswith("issued together")
            if level.is_null or level.m is None or level.u is None:
                continue
            same += bits(level.m)
            if level.term_frequency is not None and level.term_frequency.column in self.frequencies:
                by_value.append((number, reached, self.place[level.term_frequency.column]))
                continue
            by_chance = bits(level.u)
            stranger += by_chance
            twin += family_bits(level, level.twin, by_chance, self.frequencies)
            sibling += family_bits(level, level.sibling, by_chance, self.frequencies)
        apart = "surname" in self.number and self._is_last("surname", levels)
        return _Pattern(same, twin, sibling, stranger, tuple(by_value), together, apart, apart and self._fits(levels))

    def _is_last(self, name: str, levels: tuple[int, ...]) -> bool:
        number = self.number[name]
        return levels[number] == len(self.model.comparisons[number].levels) - 1

    def _fits(self, levels: tuple[int, ...]) -> bool:
        """Whether forename and birth date agree, more or less."""
        if not {"forename", "date_of_birth"} <= self.number.keys():
            return False
        forename, birth = levels[self.number["forename"]], levels[self.number["date_of_birth"]]
        last = len(self.model.comparisons[self.number["forename"]].levels) - 1
        return 0 < forename < last - 1 and 0 < birth <= 3

    def _by_value(self, number: int, reached: int, one: Value, other: Value) -> tuple[float, float, float]:
        """What a level adds for strangers, twins and siblings, with the frequency of the pair's own value."""
        if one != other:
            return self._with_frequency(number, reached, one, other)
        values = self._values.setdefault((number, reached), {})
        found = values.get(one)
        if found is None:
            if len(values) >= MOST_REMEMBERED:
                values.clear()
            found = values[one] = self._with_frequency(number, reached, one, other)
        return found

    def _with_frequency(self, number: int, reached: int, one: Value, other: Value) -> tuple[float, float, float]:
        comparison = self.model.comparisons[number]
        level = comparison.levels[reached]
        assert level.term_frequency is not None
        assert level.u is not None
        column = level.term_frequency.column
        by_chance = bits(level.u) - frequency_bits(comparison, level, self.frequencies, {column: one}, {column: other})
        return (
            by_chance,
            family_bits(level, level.twin, by_chance, self.frequencies),
            family_bits(level, level.sibling, by_chance, self.frequencies),
        )

    def _rarity(self, comparison: Comparison, level: Level, left: Prepared, right: Prepared) -> float:
        if level.term_frequency is None:
            return 0.0
        column = level.term_frequency.column
        at = self.place[column]
        return frequency_bits(comparison, level, self.frequencies, {column: left[at]}, {column: right[at]})

    def _looks_like_one(self, levels: tuple[int, ...], left: Prepared, right: Prepared) -> bool:
        """Whether all but surnames and numbers says that two valid identities are of one child."""
        unseen = [each.name == "surname" or each.identifier for each in self.model.comparisons]
        rest = tuple(0 if hidden else level for hidden, level in zip(unseen, levels, strict=True))
        pattern = self._patterns.get(rest) or self._remembered(rest)
        return self._odds(pattern, left, right)[0] >= LOOKS_LIKE_ONE


def _equal(comparison: Comparison) -> int:
    """The level of full agreement."""
    return next(place for place, level in enumerate(comparison.levels) if not level.is_null)


def _telling(model: Model) -> Iterator[tuple[int, frozenset[int]]]:
    """The levels at which names or birth dates agree at least loosely, or another number than the NHS number agrees."""
    for number, comparison in enumerate(model.comparisons):
        if comparison.identifier and comparison.name != "nhs_number":
            yield number, frozenset({_equal(comparison)})
        elif comparison.name in ("forename", "surname", "date_of_birth"):
            yield (
                number,
                frozenset(
                    place
                    for place, level in enumerate(comparison.levels[:-1])
                    if not level.is_null and level.label not in TOO_LOOSE
                ),
            )


def _unlike(model: Model) -> Iterator[int]:
    """The levels of the forename that twins' forenames reach as easily as one child's."""
    for comparison in model.comparisons:
        if comparison.name == "forename":
            yield len(comparison.levels) - 1
            yield from (place for place, level in enumerate(comparison.levels) if level.label in UNLIKE)


UNLIKE = ("forename alike", "same initial")
"""Daisy and Maisy, Archer and Arthur: as likely twins as one child."""
TOO_LOOSE = ("same initial", "same year of birth")
"""Levels of names and birth dates that are no agreement, not even a loose one."""
