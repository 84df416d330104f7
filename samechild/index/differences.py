"""How two agencies' records of one child differ, field by field: in truth, or only in the way it is written.

Values are compared as they were made comparable, so that capitals, spaces and the order of a date are no difference. A
nickname or an earlier address is a difference that explains itself, and is told apart from one that somebody must put
right. No names of people are guessed at: what counts as another form of a name stands in published lists
(:mod:`samechild.demographics.variants`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from rapidfuzz.distance import OSA

from samechild.records import Record


class Difference(StrEnum):
    """How two values of one field differ, from the mildest to the plainest."""

    LESS = "less exact"
    VARIANT = "another form"
    FORMER = "an earlier value"
    CODE = "another kind of code"
    PART = "partly the same"
    SWAPPED = "day and month exchanged"
    SLIP = "one character apart"
    OTHER = "different"


MILD = frozenset({Difference.LESS, Difference.VARIANT, Difference.FORMER, Difference.CODE})
"""Differences that two right records of one child can have: shown, and no conflict."""

WORDS = {
    Difference.LESS: "less exact",
    Difference.VARIANT: "a nickname or another form of the same name",
    Difference.FORMER: "an earlier value",
    Difference.CODE: "another kind of code, which cannot be compared",
    Difference.PART: "partly the same",
    Difference.SWAPPED: "day and month exchanged",
    Difference.SLIP: "one letter or digit apart",
    Difference.OTHER: "different",
}
"""Each difference in the words of a page."""

_ORDER = list(Difference)
_SHORTEST_NAME = 4
"""In shorter names one letter apart is another name: Tom and Tim."""

Compare = Callable[[Record, Record], Difference | None]


def worst(them: list[Difference | None]) -> Difference | None:
    """The plainest of several differences; None when there is none."""
    return max((each for each in them if each is not None), key=_ORDER.index, default=None)


def forenames(mine: Record, other: Record) -> Difference | None:
    """Compare the first given names; one that is missing is no difference."""
    a, b = mine.forename, other.forename
    if not a or not b or a == b:
        return None
    if a[0] == b[0] and 1 in (len(a), len(b)):
        return Difference.LESS
    names = a in (other.given_names or ()) or b in (mine.given_names or ())
    if names or set(mine.forename_variants or ()) & set(other.forename_variants or ()):
        return Difference.VARIANT
    return _spelt(a, b)


def surnames(mine: Record, other: Record) -> Difference | None:
    """Compare the family names; the former name of one record may be the present one of the other."""
    a, b = mine.surname, other.surname
    if not a or not b or a == b:
        return None
    if a == other.former_surname or b == mine.former_surname:
        return Difference.FORMER
    if set(mine.surname_variants or ()) & set(other.surname_variants or ()):
        return Difference.VARIANT
    if a in (other.surname_parts or ()) or b in (mine.surname_parts or ()):
        return Difference.PART
    return _spelt(a, b)


def middle_names(mine: Record, other: Record) -> Difference | None:
    """Compare the further given names, in whatever order; initials and fewer names are less exact."""
    a, b = (mine.middle_names or "").split(), (other.middle_names or "").split()
    if not a or not b or sorted(a) == sorted(b):
        return None
    few, many = sorted((a, b), key=len)
    if all(any(name == whole or (len(name) == 1 and whole[0] == name) for whole in many) for name in few):
        return Difference.LESS
    if all(any(name == whole or (len(whole) == 1 and name[0] == whole) for whole in many) for name in few):
        return Difference.LESS
    return Difference.SLIP if OSA.distance(" ".join(a), " ".join(b)) == 1 else Difference.OTHER


def names(mine: Record, other: Record) -> Difference | None:
    """Compare the whole names: the plainest difference of any part."""
    return worst([part(mine, other) for part in (forenames, middle_names, surnames)])


def known_as(mine: Record, other: Record) -> Difference | None:
    """Compare the names by which the child is called."""
    a, b = mine.known_as, other.known_as
    if not a or not b or a == b:
        return None
    return (
        Difference.VARIANT if set(mine.forename_variants or ()) & set(other.forename_variants or ()) else _spelt(a, b)
    )


def birth_dates(mine: Record, other: Record) -> Difference | None:
    """Compare dates of birth; one of which only month or year is known is less exact, unless it contradicts."""
    a, b = mine.date_of_birth, other.date_of_birth
    if a and b:
        if a == b:
            return None
        if a == other.birth_date_swapped or b == mine.birth_date_swapped:
            return Difference.SWAPPED
        return Difference.SLIP if _one_apart(a, b) else Difference.OTHER
    known = [(x, y) for x, y in ((mine.birth_month, other.birth_month), (mine.birth_year, other.birth_year)) if x and y]
    alike = not a and not b and bool(mine.birth_month) == bool(other.birth_month)
    if not known or (alike and all(x == y for x, y in known)):
        return None
    return Difference.LESS if all(x == y for x, y in known) else Difference.OTHER


def sexes(mine: Record, other: Record) -> Difference | None:
    """Compare sex as recorded."""
    return Difference.OTHER if mine.sex and other.sex and mine.sex != other.sex else None


def addresses(mine: Record, other: Record) -> Difference | None:
    """Compare where the child lives: the property's number where both have one, else postcode, then the lines."""
    if mine.uprn and other.uprn:
        return None if mine.uprn == other.uprn else _moved(mine, other) or Difference.OTHER
    a, b = mine.postcode, other.postcode
    if a and b and a != b:
        return _moved(mine, other) or (Difference.SLIP if _one_apart(a, b) else Difference.OTHER)
    return _lines(mine.address, other.address)


def _moved(mine: Record, other: Record) -> Difference | None:
    earlier = (mine.postcode and mine.postcode == other.previous_postcode) or (
        other.postcode and other.postcode == mine.previous_postcode
    )
    return Difference.FORMER if earlier else None


def _lines(a: str | None, b: str | None) -> Difference | None:
    """Compare two addresses of one postcode, or without any: house numbers decide, other words may be left out."""
    if not a or not b or a == b:
        return None
    mine, its = set(a.split()), set(b.split())
    if mine <= its or its <= mine:
        return Difference.LESS if _numbered(mine) != _numbered(its) else None
    numbers, others = _numbered(mine), _numbered(its)
    if numbers and others:
        if numbers == others:
            return None
        return Difference.LESS if numbers < others or others < numbers else Difference.OTHER
    return Difference.LESS if mine & its - _GENERAL else Difference.OTHER


_GENERAL = frozenset(
    ("RD", "ST", "AVE", "LN", "DR", "CL", "CRES", "CT", "PL", "GDNS", "GRV", "TER", "SQ", "FLAT", "HSE")
)
"""Words that many addresses have: agreeing in one of them says nothing."""


def _numbered(words: set[str]) -> set[str]:
    return {word for word in words if any(map(str.isdigit, word))}


def upns(mine: Record, other: Record) -> Difference | None:
    """Compare Unique Pupil Numbers; a temporary one is less exact, one held before is an earlier value."""
    a, b = mine.upn, other.upn
    if not a or not b or a == b:
        return None
    if a == other.former_upn or b == mine.former_upn:
        return Difference.FORMER
    if (mine.upn_kind == "temporary") != (other.upn_kind == "temporary"):
        return Difference.LESS
    return Difference.SLIP if _one_apart(a, b) else Difference.OTHER


def number(field: str) -> Compare:
    """How to compare a number of one field that names a person."""

    def compare(mine: Record, other: Record) -> Difference | None:
        a, b = getattr(mine, field), getattr(other, field)
        if not a or not b or a == b:
            return None
        return Difference.SLIP if _one_apart(a, b) else Difference.OTHER

    return compare


def code(field: str) -> Compare:
    """How to compare a code of an organisation: codes of different lengths are of different kinds (URN, LAESTAB)."""

    def compare(mine: Record, other: Record) -> Difference | None:
        a, b = getattr(mine, field), getattr(other, field)
        if not a or not b or a == b:
            return None
        return Difference.CODE if len(a) != len(b) else Difference.OTHER

    return compare


def _spelt(a: str, b: str) -> Difference:
    near = min(len(a), len(b)) >= _SHORTEST_NAME and OSA.distance(a, b) == 1
    return Difference.SLIP if near else Difference.OTHER


def _one_apart(a: str, b: str) -> bool:
    """Whether one character differs, was left out or added, or two neighbours changed places."""
    return bool(OSA.distance(a, b) == 1)
