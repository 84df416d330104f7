"""Two records side by side, as a reviewer compares them: which values agree, nearly agree, differ, or are missing.

A reviewer looks at dozens of pairs in a sitting, so what differs must catch the eye, down to the letter. Values are
shown as the agencies wrote them and compared as they were made comparable, so that capitals, spaces and the way a date
is written are no difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

import msgspec
from rapidfuzz.distance import OSA, Indel

from samechild.demographics.conventions import Convention
from samechild.demographics.dates import DateReading
from samechild.demographics.one import standardise_one
from samechild.index import differences
from samechild.index.differences import Difference
from samechild.records import Record, fields


class Mark(StrEnum):
    """How two values of one field compare."""

    SAME = "the same"
    ALIKE = "alike"
    DIFFERENT = "different"
    ONE_SIDE = "on one side only"


Parts = tuple[tuple[str, bool], ...]
"""A value in pieces, in order: each piece and whether it differs from the other side."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One field of both records: the values as given, in pieces, and how they compare. It does not print its values."""

    field: str
    title: str
    one: Parts
    other: Parts
    mark: Mark
    words: str = ""  # what makes them alike, or how they differ

    def __repr__(self) -> str:
        return f"Line(field={self.field!r}, mark={self.mark.value!r}, values=hidden)"


_COMPARED: dict[str, differences.Compare] = {
    "forename": differences.forenames,
    "middle_names": differences.middle_names,
    "known_as": differences.known_as,
    "surname": differences.surnames,
    "full_name": differences.names,
    "date_of_birth": differences.birth_dates,
    "sex": differences.sexes,
    "address": differences.addresses,
    "postcode": differences.addresses,
    "uprn": differences.addresses,
    "upn": differences.upns,
    "school": differences.code("school"),
    "gp_practice": differences.code("gp_practice"),
}
_OWN_MEASURE = frozenset({"address", "postcode", "uprn"})
"""Fields that are compared as one place; where their own values differ they still differ."""
_LEFT_OUT = frozenset({"source", "record_id"})
_LONGEST_SHOWN = 400
_NOTE = re.compile(r"[,:(]| or (?=suburb|area code|LAESTAB)")


def comparable(values: Mapping[str, str], today: date) -> Record:
    """Make a record's values comparable, as linking does."""
    known = fields()
    given = {name: value for name, value in values.items() if name in known and known[name].given}
    return standardise_one({**given, "source": "review", "record_id": "1"}, Convention(DateReading(today)))


def lines(one: Mapping[str, str], other: Mapping[str, str], today: date) -> list[Line]:
    """Compare two records field by field, in the order in which fields are declared.

    Args:
        one: the first record's values as given, by field of :class:`samechild.records.Record`.
        other: the second record's.
        today: the day on which two-digit years are read.

    A field neither record has is left out. What is in a value but cannot be read (such as a date of the wrong form)
    is compared as it was written.
    """
    left, right = comparable(one, today), comparable(other, today)
    found = []
    for field in fields().values():
        name = field.name
        here, there = one.get(name, "").strip(), other.get(name, "").strip()
        if not field.given or name in _LEFT_OUT or not (here or there):
            continue
        mark, words = _mark(name, here, there, left, right)
        parts = _apart(here, there) if mark in (Mark.ALIKE, Mark.DIFFERENT) else (_whole(here), _whole(there))
        found.append(Line(field=name, title=short_title(name), one=parts[0], other=parts[1], mark=mark, words=words))
    return found


def short_title(name: str) -> str:
    """A field's title without the note behind it: ``Date of birth``."""
    return _NOTE.split(fields()[name].title)[0]


def counted(found: Iterable[Line]) -> dict[Mark, int]:
    """How many fields agree, nearly agree, differ, or stand on one side only."""
    them = list(found)
    return {mark: sum(each.mark is mark for each in them) for mark in Mark}


def _mark(name: str, here: str, there: str, left: Record, right: Record) -> tuple[Mark, str]:
    if not here or not there:
        return Mark.ONE_SIDE, ""
    mine, its = getattr(left, name), getattr(right, name)
    read = isinstance(mine, str) and isinstance(its, str)
    if (read and mine == its) or _bare(here) == _bare(there):
        return Mark.SAME, ""
    compare = _COMPARED.get(name)
    if compare is None or not read:
        return _by_letters(str(mine) if read else here, str(its) if read else there)
    return _in_words(name, compare(left, right), str(mine), str(its))


def _in_words(name: str, found: Difference | None, mine: str, its: str) -> tuple[Mark, str]:
    if found is None and name in _OWN_MEASURE:
        return Mark.ALIKE, "written differently, the same place"
    if found is None:
        return Mark.ALIKE, "written differently"
    if found is Difference.OTHER:
        return _by_letters(mine, its) if name in _OWN_MEASURE else (Mark.DIFFERENT, "")
    return Mark.ALIKE, differences.WORDS[found]


def _by_letters(mine: str, its: str) -> tuple[Mark, str]:
    if min(len(mine), len(its)) >= 4 and OSA.distance(mine.casefold(), its.casefold()) == 1:
        return Mark.ALIKE, differences.WORDS[Difference.SLIP]
    return Mark.DIFFERENT, ""


def _bare(value: str) -> str:
    return "".join(letter for letter in value.casefold() if letter.isalnum())


def _whole(value: str) -> Parts:
    return ((value[:_LONGEST_SHOWN], False),) if value else ()


def _apart(here: str, there: str) -> tuple[Parts, Parts]:
    """Cut both values where they part from each other; values with little in common stay whole, and marked."""
    here, there = here[:_LONGEST_SHOWN], there[:_LONGEST_SHOWN]
    if Indel.normalized_similarity(here.casefold(), there.casefold()) < 0.5:
        return ((here, True),), ((there, True),)
    codes = Indel.opcodes(here.casefold(), there.casefold()) if _lengths_hold(here, there) else None
    if codes is None:
        return ((here, True),), ((there, True),)
    one = [(here[code.src_start : code.src_end], code.tag != "equal") for code in codes]
    other = [(there[code.dest_start : code.dest_end], code.tag != "equal") for code in codes]
    return _joined(one), _joined(other)


def _lengths_hold(*values: str) -> bool:
    """Whether small letters stand at the same places as the letters given: of a few (ß, İ) they do not."""
    return all(len(value) == len(value.casefold()) for value in values)


def _joined(parts: Sequence[tuple[str, bool]]) -> Parts:
    found: list[tuple[str, bool]] = []
    for text, differs in parts:
        if not text:
            continue
        if found and found[-1][1] is differs:
            found[-1] = (found[-1][0] + text, differs)
        else:
            found.append((text, differs))
    return tuple(found)


LEAST_BITS = 0.05
"""What weighs less is written as nothing, and so left out."""


class Step(msgspec.Struct, frozen=True):
    """One piece of evidence: what was compared, what was seen in words, and its weight in bits."""

    name: str
    seen: str
    bits: float


def waterfall(prior: float, pieces: Iterable[tuple[str, str, float]], title: Callable[[str], str]) -> list[Step]:
    """The evidence as steps whose bits add up to the match weight: first what was to be expected, then each piece.

    ``pieces`` are comparison, level in words, and bits; those that weigh next to nothing are left out. ``title`` gives
    a comparison's name as people say it. Heavier pieces come first.
    """
    them = sorted(
        (piece for piece in pieces if abs(piece[2]) >= LEAST_BITS), key=lambda piece: (-abs(piece[2]), piece[0])
    )
    first = Step("Before looking", "two records picked at random are hardly ever of one child", prior)
    return [first, *(Step(title(name), words, bits) for name, words, bits in them)]


def probability(bits: float) -> float:
    """The probability that goes with a weight in bits: odds of 2 to the power of the weight."""
    if bits > 1000:
        return 1.0
    odds: float = 2.0 ** max(bits, -1000.0)
    return odds / (1.0 + odds)
