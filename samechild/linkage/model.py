"""What a linkage model says: which fields are compared, at which levels, and how much each level weighs.

The mathematics is Fellegi and Sunter's (*A theory for record linkage*, JASA 1969): for each comparison level, ``m`` is
the probability of reaching it when two records are of the same child and ``u`` when they are of two unrelated
children; log2(m/u) is the level's match weight, in bits. To these two classes of pair we add two that ordinary models
leave out: ``twin`` (same family, same day: members of a multiple birth) and ``sibling`` (same family, another day).
Without them a pair of twins looks like one child, because everything a family shares is counted as if it were shared
by chance. A model is data: immutable, written beside every run, readable by Splink (its two-class part).
"""

from __future__ import annotations

from enum import StrEnum
from math import log2

import msgspec

from samechild.linkage.conditions import Condition, columns_of


class PairClass(StrEnum):
    """What two records can be to each other."""

    SAME = "same"  # one child
    TWIN = "twin"  # two children of one family born the same day
    SIBLING = "sibling"  # two children of one family or household born on different days
    UNRELATED = "unrelated"


SMALLEST = 1e-300
"""No probability is taken as smaller, so that a weight is always a number (Splink's own limit)."""

FAMILY = (PairClass.TWIN, PairClass.SIBLING)


class TermFrequency(msgspec.Struct, frozen=True):
    """Agreement on a rare value says more than on a common one: ``u`` is replaced by the value's own frequency."""

    column: str
    weight: float = 1.0
    minimum: float = 0.0  # the smallest frequency used for u
    own_u: bool = False  # measured against this level's own u, not that of the exact-match level on the column


class Level(msgspec.Struct, frozen=True):
    """One degree of agreement. Probabilities are None until trained; the level for missing values has none."""

    label: str
    condition: Condition
    is_null: bool = False
    m: float | None = None
    u: float | None = None
    twin: float | None = None
    sibling: float | None = None
    term_frequency: TermFrequency | None = None
    fix_m: bool = False  # training leaves m as it is
    fix_u: bool = False  # training leaves u as it is

    @property
    def weight(self) -> float:
        """Match weight in bits, log2(m/u), before term frequencies; 0 for missing values."""
        if self.is_null or self.m is None or self.u is None:
            return 0.0
        return log2(max(self.m, SMALLEST)) - log2(max(self.u, SMALLEST))


class Comparison(msgspec.Struct, frozen=True):
    """One piece of evidence: levels tried in order, the first whose condition holds is the one that counts.

    ``identifier`` marks numbers that are issued to one person: their chance agreement is learnt from pairs known to
    be different people, not from a random sample, which never meets it. ``shared_by`` names the family classes whose
    members have this evidence in common (twins a birth date, siblings an address); ``own`` marks what every child has
    for itself where it is not shared. Both matter only while a model is learnt.
    """

    name: str
    levels: tuple[Level, ...]
    description: str = ""
    identifier: bool = False
    shared_by: tuple[PairClass, ...] = ()
    own: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every field the levels look at."""
        return tuple(dict.fromkeys(name for level in self.levels for name in columns_of(level.condition)))


class KeyPart(msgspec.Struct, frozen=True):
    """Part of a blocking key: a field, or its first letters; a field that holds many values blocks on each of them."""

    column: str
    start: int = 1
    length: int | None = None


class BlockingRule(msgspec.Struct, frozen=True):
    """Only pairs that agree on every part of some rule are compared at all.

    ``training`` is False for rules left out when the model is trained. A broad rule has ``most_pairs``: it is used only
    where it brings no more pairs than so many, as in smaller files.
    """

    parts: tuple[KeyPart, ...]
    training: bool = True
    most_pairs: int | None = None

    @property
    def name(self) -> str:
        """How the rule is called in reports, such as ``date_of_birth + surname``."""
        return " + ".join(
            part.column if part.length is None else f"{part.column}[{part.start}:{part.start + part.length - 1}]"
            for part in self.parts
        )


class Thresholds(msgspec.Struct, frozen=True):
    """Where the answers change, as probabilities that two records are of the same child.

    ``join``: records are put together at this or more. In words: of pairs joined right at the line, this share is
    right; all joined together are far surer. ``ask``: below ``join`` and from here on, a person is asked.
    ``split``: records already together (in an earlier run) stay together until the evidence falls under this, so
    that children do not come apart and together again with every small change. ``floor``: pairs under it are not
    written at all.
    """

    join: float = 0.95
    average: float = 0.0
    ask: float = 0.4
    split: float = 0.5
    floor: float = 0.001


class Model(msgspec.Struct, frozen=True):
    """A whole linkage model. The ``prior`` values are the chances that two records picked at random are each class."""

    name: str
    comparisons: tuple[Comparison, ...]
    blocking: tuple[BlockingRule, ...]
    prior: float = 1e-6
    prior_twin: float = 0.0
    prior_sibling: float = 0.0
    thresholds: Thresholds = Thresholds()
    largest_block: int = 3000

    @property
    def has_family(self) -> bool:
        """Whether the same-family classes have been trained; a model read from Splink has none."""
        return self.prior_twin > 0 or self.prior_sibling > 0

    @property
    def is_trained(self) -> bool:
        """Whether every level has its probabilities."""
        return all(
            level.is_null or (level.m is not None and level.u is not None)
            for comparison in self.comparisons
            for level in comparison.levels
        )
