"""The columns made from the date of birth and sex, read as each source writes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from samechild.demographics.address import read_text
from samechild.demographics.columns import Coded, choose, fill, mapped, recode, within
from samechild.demographics.people import read_dates
from samechild.demographics.problems import Found
from samechild.demographics.sex import read_sex
from samechild.demographics.sheet import Made, Sheet


def birth_columns(sheet: Sheet) -> Made:
    """Every column made from the date of birth, and sex."""
    made: dict[str, Coded] = {}
    found: list[Found] = []
    if "date_of_birth" in sheet.given:
        column = sheet.given["date_of_birth"]
        readings = list(dict.fromkeys(convention.dates for convention in sheet.conventions))
        which = np.array([readings.index(c.dates) for c in sheet.conventions], dtype=np.intp)[sheet.source.codes]
        values = column.values.to_pylist()
        reads = [read_dates(values, reading) for reading in readings]
        for what, field in _DATE_FIELDS.items():
            made[field] = choose([recode(column, read[what]) for read in reads], which)
        found.append(Found("date_of_birth", made.pop("problem")))
    if "sex" in sheet.given:
        sex, problems = told_as_text(sheet, "sex", read_sex, "sex-kept-as-text")
        made["sex"] = sex
        found += problems
    return made, found


_DATE_FIELDS = {
    "date": "date_of_birth", "swapped": "birth_date_swapped", "month": "birth_month", "year": "birth_year",
    "problem": "problem",
}  # fmt: skip


def told_as_text(
    sheet: Sheet, field: str, read: Callable[[str], tuple[str | None, str | None]], rule: str
) -> tuple[Coded, list[Found]]:
    """A column read by ``read``, or as plain text in the sources that keep it so, with the problems of both."""
    column = sheet.given[field]
    plain = np.array([field in c.as_text for c in sheet.conventions], dtype=np.bool_)[sheet.source.codes]
    answers = [read(value) for value in column.values.to_pylist()]
    usual = within(column, ~plain)
    made = recode(usual, pa.array([value for value, _ in answers], pa.string()))
    found = [Found(field, recode(usual, pa.array([problem for _, problem in answers], pa.string())))]
    if plain.any():
        kept = mapped(within(column, plain), read_text)
        made = fill(made, kept) or made
        one = np.where(kept.codes >= 0, 0, -1).astype(np.int32)
        found.append(Found(field, Coded(one, pa.array([rule])), whole_column=True))
    return made, found
