"""The nouns all identifiers share: what kind of value was met, and what was found when it was checked.

They exist so that a column of NHS numbers and a column of postcodes are read in the same way, and so that the words a
person reads about a refused value stand beside the rule that refused it. Nothing here ever repeats a value: it would
put a child's number into a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samechild.errors import Invalid


class Kind(StrEnum):
    """What sort of value was met. Only the first two are used in matching, and they always count alike."""

    ISSUED = "issued"  # right form, in the range that is issued; whether this one was, only its issuer knows
    SYNTHETIC = "synthetic"  # right form, in a range never issued to people: behaves as an issued one everywhere
    MISSING = "missing"  # blank
    UNKNOWN_CODE = "unknown code"  # a code that says why there is no number (UN1 to UN10)
    PSEUDO = "pseudo"  # a code that stands where a place is not known (postcodes ZZ99)
    SENTINEL = "sentinel"  # a reserved value or keyboard filler: no match, many matches, not yet allocated
    ELSEWHERE = "elsewhere"  # a right number of another register, in the wrong column
    REVIEW = "review"  # not used, though a person may find that it is right after all
    IMPOSSIBLE = "impossible"  # could never have been issued: wrong form, wrong check digit


KINDS: tuple[Kind, ...] = tuple(Kind)
"""The kinds in the order of their codes: ``KINDS[checked.kinds[i]]`` is the kind of value ``i`` of a column."""

CODE_OF_KIND: dict[Kind, int] = {kind: code for code, kind in enumerate(KINDS)}
"""The code of each kind in :attr:`CheckedMany.kinds`."""

USED = frozenset({Kind.ISSUED, Kind.SYNTHETIC})
"""The kinds whose value takes part in matching, all with the same weight."""


class Finding(msgspec.Struct, frozen=True):
    """One thing a check can find: the kind of value, and for a value that is wrong a rule's code and advice."""

    kind: Kind
    problem: str = ""  # short stable code such as nhs-number-check-digit; empty when nothing is wrong
    message: str = ""  # what is wrong and what to do next; never the value
    belongs_to: str = ""  # the field of samechild.records.Record the value looks right for, when not this one


class Checked(msgspec.Struct, frozen=True):
    """What was found about one value. ``value`` is its canonical form, or None when there is nothing to match on."""

    value: str | None
    kind: Kind
    problem: str = ""
    message: str = ""
    belongs_to: str = ""


class CheckedMany(msgspec.Struct, frozen=True):
    """What was found about each value of a column, in the column's order.

    ``values``: pa.string array, canonical form or null. ``kinds``: int8 codes into :data:`KINDS`. ``problems``: int8
    codes into ``findings``, 0 where nothing is wrong (a blank, an unknown code and a pseudo postcode are not wrong).
    """

    values: pa.Array
    kinds: npt.NDArray[np.int8]
    problems: npt.NDArray[np.int8]
    findings: tuple[Finding, ...]


OK = Finding(Kind.ISSUED)
SYNTHETIC = Finding(Kind.SYNTHETIC)
MISSING = Finding(Kind.MISSING)

Judged = tuple[str | None, Finding]
"""A canonical value, or None, with what was found."""


def checked(judged: Judged) -> Checked:
    """Lay out what was found about one value."""
    value, found = judged
    return Checked(value, found.kind, found.problem, found.message, found.belongs_to)


def accepted(judged: Judged) -> str:
    """Give the canonical value, or raise :class:`samechild.errors.Invalid` saying what is wrong, without the value."""
    value, found = judged
    if value is None:
        raise Invalid(found.message or f"There is no usable value here ({found.kind}).")
    return value


def serials_within(serials: Any, limit: int) -> npt.NDArray[np.int64]:
    """Take serial numbers of synthetic values as int64; raise Invalid unless whole and from 0 to ``limit`` - 1."""
    given = np.asarray(serials)
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise Invalid("Serial numbers of synthetic identifiers are whole numbers.")
    if given.size and (int(given.min()) < 0 or int(given.max()) >= limit):
        raise Invalid(f"Serial numbers of this synthetic identifier run from 0 to {limit - 1}.")
    return given.astype(np.int64)


def table_of(findings: Sequence[Finding]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Give, for each finding, the code of its kind and its own index where something is wrong (else 0)."""
    kinds = np.array([CODE_OF_KIND[found.kind] for found in findings], dtype=np.int8)
    problems = np.array([index if found.problem else 0 for index, found in enumerate(findings)], dtype=np.int8)
    return kinds, problems
