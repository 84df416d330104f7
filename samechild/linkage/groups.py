"""Groups of children by which quality is told apart: sex, age, source, area, ethnicity and any group column of a file.

Linkage errs more for some groups than for others (Bohensky and others, BMC Health Services Research 2010; Libuy and
others, IJPDS 6:1, 2021), so one figure for all hides who is missed. A group is only ever what a record says; none is
guessed from a name.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa

from samechild.linkage.rows import Ints, codes
from samechild.records import fields

NOT_RECORDED = "not recorded"
ALL_OTHERS = "all others"
MOST_VALUES = 40  # a longer list is cut to the commonest; the others are put together
GROUP_COLUMN = "group_"
_AGES = ((0, 0), (1, 4), (5, 10), (11, 15), (16, 17), (18, 24))


class Grouping(msgspec.Struct, frozen=True):
    """One way to divide records: its name in words, the groups' labels, and the group of each row."""

    name: str
    labels: tuple[str, ...]
    of_row: Ints


def groupings(records: pa.Table, year: int | None = None) -> tuple[Grouping, ...]:
    """Divide records by every group the table carries: source, age, sex, area, ethnicity and columns named group_.

    Args:
        records: standardised records, with at least ``source``.
        year: the calendar year to count ages in; without it, bands are of the year of birth.
    """
    made = [_grouping("Source", records["source"])]
    if "birth_year" in records.column_names:
        made.append(_ages(records["birth_year"], year))
    for name, field in fields().items():
        if field.group and name in records.column_names:
            made.append(_grouping(field.title.split(",")[0], records[name]))
    for name in records.column_names:
        if name.startswith(GROUP_COLUMN):
            made.append(_grouping(name.removeprefix(GROUP_COLUMN), records[name]))
    return tuple(made)


def _grouping(name: str, column: pa.ChunkedArray) -> Grouping:
    of_row, labels = codes(column)
    return _tidy(name, of_row, labels)


def _ages(column: pa.ChunkedArray, year: int | None) -> Grouping:
    of_row, years = codes(column)
    labels = [_band(value, year) for value in years]
    return _tidy("Age" if year is not None else "Year of birth", of_row, labels)


def _band(birth_year: str, year: int | None) -> str:
    if not birth_year.isdigit():
        return NOT_RECORDED
    born = int(birth_year)
    if year is None:
        return f"{born // 5 * 5} to {born // 5 * 5 + 4}"
    age = year - born
    for first, last in _AGES:
        if first <= age <= last:
            return f"{first:02d} to {last:02d}" if last else "00 (born this year)"
    return "25 and over" if age > 0 else "born after the run"


def _tidy(name: str, of_row: Ints, labels: list[str]) -> Grouping:
    """Put equal labels together, cut a long list, sort, and name what is missing."""
    merged = sorted(set(labels) - {NOT_RECORDED})
    place = {label: number for number, label in enumerate(merged)} | {NOT_RECORDED: len(merged)}
    where = np.array([place[label] for label in labels] + [len(merged)], np.int64)
    new = where[of_row]  # -1, missing, is the last
    merged.append(NOT_RECORDED)
    counts = np.bincount(new, minlength=len(merged))
    if len(merged) > MOST_VALUES:
        kept = np.sort(np.argsort(-counts[:-1], kind="stable")[: MOST_VALUES - 2])
        shorter = np.full(len(merged), len(kept), np.int64)
        shorter[kept] = np.arange(len(kept))
        shorter[-1] = len(kept) + 1
        new, merged = shorter[new], [merged[i] for i in kept] + [ALL_OTHERS, NOT_RECORDED]
        counts = np.bincount(new, minlength=len(merged))
    if not counts[-1]:
        merged.pop()
    return Grouping(name, tuple(merged), new)
