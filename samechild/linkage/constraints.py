"""What outranks scores: pairs that can never be one child, and pairs a person has decided.

Some things forbid a join whatever the evidence: the never-link list (an adopted child's two identities, kept apart for
the child's safety); a person's answer *different*; two NHS numbers that are both verified, neither superseding the
other; two numbers given out one after the other, as twins' are; two records of a source that declares it holds each
child once; and two valid identities that look like one child (another surname, another valid number, and everything
else says *the same*: what an adoption leaves behind). A person's *same* joins two records, unless the never-link list
forbids it.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from samechild.linkage.coded import CodedTable, Codes
from samechild.linkage.comparison import Levels, Pairs
from samechild.linkage.model import Model
from samechild.linkage.scoring import Floats, Shares, score

Mask = NDArray[np.bool_]

VERIFIED = "01"
"""NHS number status indicator: number present and verified (NHS Data Dictionary)."""
TWIN_CERTAINTY = 0.9
"""From this probability on, a pair counts as members of one twin set and is never one child."""


class Why(IntEnum):
    """What decides a pair beside its weight."""

    NOTHING = 0
    NEVER_LINK = 1
    SAID_DIFFERENT = 2
    SAID_SAME = 3
    VERIFIED_NUMBERS_DIFFER = 4
    ONE_RECORD_PER_CHILD = 5
    TWINS = 6
    TWO_IDENTITIES = 7
    NAMES_AND_NUMBERS_DIFFER = 8


class PairList(msgspec.Struct, frozen=True):
    """Pairs of records, as a sorted array of ``low * records + high``."""

    packed: NDArray[np.int64]
    records: int

    def has(self, left: Codes, right: Codes) -> Mask:
        """Which pairs are on the list."""
        if not len(self.packed):
            return np.zeros(len(left), bool)
        low = np.minimum(left, right).astype(np.int64)
        wanted = low * self.records + np.maximum(left, right)
        place = np.searchsorted(self.packed, wanted)
        place[place == len(self.packed)] = 0
        return np.asarray(self.packed[place] == wanted)

    @property
    def left(self) -> Codes:
        """The lower record of each pair."""
        return np.asarray(self.packed // max(self.records, 1), np.int32)

    @property
    def right(self) -> Codes:
        """The higher record of each pair."""
        return np.asarray(self.packed % max(self.records, 1), np.int32)


def pair_list(left: NDArray[np.int64], right: NDArray[np.int64], records: int) -> PairList:
    """A list of pairs, each once, a record never with itself."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    return PairList(np.unique((low.astype(np.int64) * records + high)[low != high]), records)


class Constraints(msgspec.Struct, frozen=True):
    """Everything that outranks scores in one run. ``single_sources``: codes of sources that hold each child once."""

    never_link: PairList
    said_same: PairList
    said_different: PairList
    single_sources: NDArray[np.int32]

    def why(self, table: CodedTable, left: Codes, right: Codes, twin: Floats) -> NDArray[np.int8]:
        """For each pair, what decides it beside its weight (:class:`Why`); the strongest reason where there are two."""
        why = np.where(twin >= TWIN_CERTAINTY, Why.TWINS, Why.NOTHING).astype(np.int8)
        if len(self.single_sources):
            source = table["source"].codes
            single = np.isin(source[left], self.single_sources) & (source[left] == source[right])
            why[single] = Why.ONE_RECORD_PER_CHILD
        why[verified_numbers_differ(table, left, right)] = Why.VERIFIED_NUMBERS_DIFFER
        why[self.said_same.has(left, right)] = Why.SAID_SAME
        why[self.said_different.has(left, right)] = Why.SAID_DIFFERENT
        why[self.never_link.has(left, right)] = Why.NEVER_LINK
        return why


FORBIDDING = (
    Why.NEVER_LINK,
    Why.SAID_DIFFERENT,
    Why.VERIFIED_NUMBERS_DIFFER,
    Why.ONE_RECORD_PER_CHILD,
    Why.TWINS,
    Why.TWO_IDENTITIES,
    Why.NAMES_AND_NUMBERS_DIFFER,
)


def forbids(why: NDArray[np.int8]) -> Mask:
    """Which reasons mean that the two records can never be one child."""
    return np.isin(why, np.array(FORBIDDING, np.int8))


def numbers_differ(table: CodedTable, column: str, left: Codes, right: Codes) -> Mask:
    """Pairs whose records both hold a valid number of this kind, and not the same one."""
    if column not in table:
        return np.zeros(len(left), bool)
    codes = table[column].codes
    one, other = codes[left], codes[right]
    return np.asarray((one >= 0) & (other >= 0) & (one != other))


def identities_differ(table: CodedTable, left: Codes, right: Codes) -> Mask:
    """Pairs with two different valid NHS numbers, or two different permanent UPNs (a former one does not excuse it)."""
    upns = numbers_differ(table, "upn", left, right)
    if upns.any() and "upn_kind" in table:
        kind = table["upn_kind"]
        permanent = np.array([value == "permanent" for value in kind.distinct] + [False])[kind.codes]
        upns &= permanent[left] & permanent[right]
    return numbers_differ(table, "nhs_number", left, right) | upns


def verified_numbers_differ(table: CodedTable, left: Codes, right: Codes) -> Mask:
    """Pairs with two different NHS numbers that are both verified with the national service."""
    if "nhs_number_status" not in table:
        return np.zeros(len(left), bool)
    status = table["nhs_number_status"]
    verified = np.array([value == VERIFIED for value in status.distinct] + [False])[status.codes]
    return np.asarray(numbers_differ(table, "nhs_number", left, right) & verified[left] & verified[right])


def numbers_given_together(model: Model, levels: list[Levels]) -> Mask:
    """Pairs with two numbers that were given out one after the other: to two children, as a rule to twins."""
    result = np.zeros(len(levels[0]) if levels else 0, bool)
    for comparison, level in zip(model.comparisons, levels, strict=True):
        for place, each in enumerate(comparison.levels):
            if comparison.identifier and each.label.endswith("issued together"):
                result |= level == place
    return result


LOOKS_LIKE_ONE = 8.0
"""Two identities look like one child from so many bits on, surnames and numbers left out. Strangers who share a
forename and a birth date do not reach it, unless they share a home or further names as well."""


def names_and_numbers_differ(model: Model, pairs: Pairs, levels: list[Levels]) -> NDArray[np.int64]:
    """Positions of pairs with wholly different surnames and two different valid numbers.

    They are never put together, not even through other records: it is either two children or a child whose two
    identities are to be kept apart.
    """
    number = next((place for place, each in enumerate(model.comparisons) if each.name == "surname"), None)
    if number is None:
        return np.zeros(0, np.int64)
    at = np.flatnonzero(levels[number] == len(model.comparisons[number].levels) - 1)
    return at[identities_differ(pairs.table, pairs.left[at], pairs.right[at])]


def look_like_one(model: Model, frequencies: Shares, pairs: Pairs, levels: list[Levels]) -> NDArray[np.int64]:
    """Positions of pairs of two valid identities that look like one child, family names and numbers apart.

    That is: two valid numbers that differ, wholly different surnames, and :data:`LOOKS_LIKE_ONE` bits or more from all
    other evidence, which must include the forename and the date of birth.
    """
    place = {comparison.name: number for number, comparison in enumerate(model.comparisons)}
    if not {"surname", "forename", "date_of_birth"} <= place.keys():
        return np.zeros(0, np.int64)

    def last(name: str) -> int:
        return len(model.comparisons[place[name]].levels) - 1

    forename, birth = levels[place["forename"]], levels[place["date_of_birth"]]
    candidate = levels[place["surname"]] == last("surname")
    candidate &= (forename != 0) & (forename < last("forename") - 1) & (birth != 0) & (birth <= 3)
    at = np.flatnonzero(candidate)
    at = at[identities_differ(pairs.table, pairs.left[at], pairs.right[at])]
    if not len(at):
        return at
    unseen = {number for name, number in place.items() if name == "surname" or model.comparisons[number].identifier}
    rest = [np.zeros(len(at), np.uint8) if number in unseen else level[at] for number, level in enumerate(levels)]
    return at[score(model, frequencies, pairs.subset(at), rest).weight >= LOOKS_LIKE_ONE]
