"""How each source writes dates, postcodes and sex, decided once from all its values and the same for all its rows.

Whether 03/04/2010 is in March or in April cannot be seen from itself, only from its neighbours. The decision weighs
every row of the source, so that it does not depend on their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samechild.demographics import dates
from samechild.demographics.address import read_text
from samechild.demographics.columns import Coded
from samechild.demographics.dates import DateReading
from samechild.demographics.numbers import BY_CHANCE, CHECKS
from samechild.demographics.sex import read_sex
from samechild.identifiers import postcode
from samechild.identifiers.kinds import CODE_OF_KIND, Kind

POSTCODES = ("postcode", "previous_postcode")


class Convention(msgspec.Struct, frozen=True):
    """One source's ways: how its dates are read, which of its fields are kept as plain text, and which are mistyped.

    ``by_chance`` holds pairs (field, other): refused numbers of the field pass the other's check no more than mistyped
    ones do by chance, so they are not taken for numbers in the wrong column.
    """

    dates: DateReading
    as_text: frozenset[str] = frozenset()
    by_chance: frozenset[tuple[str, str]] = frozenset()

    def distrusted(self, field: str) -> frozenset[str]:
        """The fields whose numbers are not looked for in ``field``."""
        return frozenset(other for one, other in self.by_chance if one == field)


def conventions_of(
    source: Coded, given: dict[str, Coded], today: date, date_orders: Mapping[str, str]
) -> tuple[Convention, ...]:
    """The convention of each source, in the order of ``source.values``; ``date_orders`` outranks what is seen."""
    sources = max(len(source.values), 1)  # an empty table is read in the usual way
    readings = [DateReading(today=today)] * sources
    if "date_of_birth" in given:
        column = given["date_of_birth"]
        signs = np.array([dates.signs(value, today) for value in column.values.to_pylist()], dtype=np.int64).reshape(
            -1, 4
        )
        totals = np.stack([_by_source(source, column, signs[:, sign]) for sign in range(4)])
        readings = [dates.reading_from(*totals[:, place].tolist(), today=today) for place in range(sources)]
    for place, name in enumerate(source.values.to_pylist()):
        if date_orders.get(name) is not None:
            readings[place] = msgspec.structs.replace(readings[place], month_first=date_orders[name] == "mdy")
    as_text: list[set[str]] = [set() for _ in range(sources)]
    for field in (*POSTCODES, "sex"):
        if field in given:
            right, wrong = _sex_signs(given[field]) if field == "sex" else _postcode_signs(given[field])
            mostly = _by_source(source, given[field], wrong) > _by_source(source, given[field], right)
            for place in np.flatnonzero(mostly).tolist():
                as_text[place].add(field)
    chance = _by_chance(source, given, sources)
    return tuple(
        Convention(reading, frozenset(plain), frozenset(pairs))
        for reading, plain, pairs in zip(readings, as_text, chance, strict=True)
    )


def _by_chance(source: Coded, given: dict[str, Coded], sources: int) -> list[set[tuple[str, str]]]:
    """For each source the pairs of fields in which at most half of the refused numbers pass the other's check."""
    pairs: list[set[tuple[str, str]]] = [set() for _ in range(sources)]
    for field in dict.fromkeys(one for one, _ in BY_CHANCE):
        if field not in given:
            continue
        column = given[field]
        refused = CHECKS[field].check_many(column.values).problems != 0
        if not refused.any():
            continue
        wrong = _by_source(source, column, refused.astype(np.int64))
        for other in [other for one, other in BY_CHANCE if one == field]:
            passes = np.asarray(CHECKS[other].check_many(column.values).values.is_valid()) & refused
            right = _by_source(source, column, passes.astype(np.int64))
            for place in np.flatnonzero((wrong > 0) & (right * 2 <= wrong)).tolist():
                pairs[place].add((field, other))
    return pairs


def _by_source(source: Coded, column: Coded, sign: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many rows of each source have a value with the sign."""
    if not sign.any():
        return np.zeros(max(len(source.values), 1), dtype=np.int64)
    rows = np.append(sign != 0, False)[column.codes] & (source.codes >= 0)
    return np.bincount(source.codes[rows], minlength=max(len(source.values), 1)).astype(np.int64)


def _postcode_signs(column: Coded) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each distinct value: whether it is a postcode; whether it is neither that nor says there is none."""
    checked = postcode.check_many(column.values)
    right = np.asarray(checked.values.is_valid()) | (checked.kinds == CODE_OF_KIND[Kind.PSEUDO])
    wrong = checked.problems != 0
    if wrong.any():
        refused = column.values.filter(pa.array(wrong)).to_pylist()
        wrong[np.flatnonzero(wrong)] = [read_text(value) is not None for value in refused]
    return right.astype(np.int64), wrong.astype(np.int64)


def _sex_signs(column: Coded) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    reads = [read_sex(value) for value in column.values.to_pylist()]
    wrong = np.array([problem is not None for _, problem in reads], dtype=np.int64)
    return np.array([sex is not None for sex, _ in reads], dtype=np.int64), wrong
