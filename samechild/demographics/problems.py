"""What can be wrong with a value, in words for the person who can put it right, and the list of where it happened.

A message says what is wrong and what to do, and never repeats the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samechild.demographics.columns import Coded
from samechild.demographics.numbers import CHECKS, TELLING
from samechild.identifiers import postcode
from samechild.records import Severity

MOST_ROWS = 10_000
"""Rows told one by one for one problem of one column; beyond it the problem is told once, with a count."""

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING
_OWN: dict[str, tuple[Severity, str]] = {
    "forename-placeholder": (
        _WARNING,
        "A placeholder stands where the forename belongs: not compared; send the name once it is known.",
    ),
    "middle-names-placeholder": (
        _WARNING,
        "A placeholder stands where middle names belong: leave it blank when there are none.",
    ),
    "surname-placeholder": (
        _WARNING,
        "A placeholder stands where the surname belongs: not compared; send the name once it is known.",
    ),
    "name-script": (_ERROR, "Written in letters that are not read here: add the name in Latin letters."),
    "name-damaged": (_WARNING, "Letters were lost before the file came here: export the file again as UTF-8."),
    "name-digits": (_WARNING, "Digits stand in a name and were left out: look at the record in its system."),
    "name-unreadable": (_ERROR, "No letters stand where a name belongs: leave it blank, or send the name."),
    "birth-order-unreadable": (_ERROR, "Not a place in a multiple birth (1, 2, 3): leave it blank for a single birth."),
    "date-unreadable": (_ERROR, "Not a date that can be read: write it as YYYY-MM-DD."),
    "date-impossible": (
        _ERROR,
        "No such day in the calendar, so only its month or year can be used: look at the record in its system.",
    ),
    "date-ambiguous": (_ERROR, "Could be read as two different dates: write it as YYYY-MM-DD."),
    "date-future": (
        _ERROR,
        "More than nine months ahead, so not a date of birth or expected birth: look at the record.",
    ),
    "date-default": (
        _WARNING,
        "A date that software writes when it has none: not compared; leave it blank when not known.",
    ),
    "date-partial": (
        _WARNING,
        "Only a part of a date: the month or year is used; send the whole date when it is known.",
    ),
    "date-other-order": (
        _WARNING,
        "Day and month stand the other way round than in the rest of the column: read as the only date it can be.",
    ),
    "sex-unreadable": (_ERROR, "Not a usual code for sex: write M, F, or leave it blank when not known."),
    "sex-kept-as-text": (
        _WARNING,
        "Most values of this column are not usual codes for sex: compared as plain text; see that the "
        "column is the right one.",
    ),
    "postcode-kept-as-text": (
        _WARNING,
        "Most values of this column are not UK postcodes: compared as plain text, without sector or district.",
    ),
    "email-unreadable": (_ERROR, "Not an email address: leave it blank, or send it whole."),
    "phone-unreadable": (_ERROR, "Not a telephone number: leave it blank, or send it whole."),
    "nhs-number-status-unknown": (
        _ERROR,
        "Not an NHS number status indicator (01 to 08): see which column it came from.",
    ),
    "number-lost-digits": (
        _ERROR,
        "A spreadsheet shortened the number and digits are lost: export the column again as text.",
    ),
    "column-mostly-unusable": (
        _WARNING,
        "Most values could not be used as this field: see that it is the right column; an identifier of another kind "
        "can be used as other_id.",
    ),
    "nino-no-suffix": (
        _WARNING,
        "The last letter is missing; the eight characters before it are used: ask the source for it whole.",
    ),
}
_TITLES = {
    "nhs_number": "an NHS number", "hc_number": "a Health and Care number",
    "chi_number": "a Community Health Index number",
    "uln": "a Unique Learner Number", "upn": "a Unique Pupil Number", "nino": "a National Insurance number",
}  # fmt: skip


@cache
def rules() -> dict[str, tuple[Severity, str]]:
    """Every problem standardising can find: its short stable code, how grave it is, and the message."""
    found = {
        finding.problem: (_ERROR, finding.message)
        for module in (*CHECKS.values(), postcode)
        for finding in module.FINDINGS
        if finding.problem
    }
    for field in TELLING:
        words = f"This is {_TITLES[field]}, in another column than its own: used as one where that is empty; move it."
        found[f"{field.replace('_', '-')}-misplaced"] = (_WARNING, words)
    return found | _OWN


class Found(msgspec.Struct, frozen=True):
    """Problems of one field: for each row a code into ``names``, -1 where nothing is wrong."""

    field: str
    problems: Coded
    whole_column: bool = False  # one line for a source, whatever the number of rows


SCHEMA = pa.schema(
    [
        ("source", pa.string()), ("row", pa.int32()), ("column", pa.string()), ("rule", pa.string()),
        ("severity", pa.string()), ("message", pa.string()), ("rows", pa.int32()),
    ]
)  # fmt: skip


def mostly_unusable(found: list[Found], source: Coded, given: Mapping[str, Coded]) -> list[Found]:
    """One line for each source and column in which more than half of the values that were given could not be used."""
    told = []
    for field, column in given.items():
        wrong = np.zeros(len(column.codes), dtype=np.bool_)
        for one in found:
            if one.field == field and not one.problems.is_empty():
                grave = [rules()[rule][0] is _ERROR for rule in one.problems.values.to_pylist()]
                wrong |= np.array([*grave, False])[one.problems.codes]
        if not wrong.any():
            continue
        sources = len(source.values)
        failed = np.bincount(source.codes[wrong], minlength=sources)
        held = np.bincount(source.codes[column.codes >= 0], minlength=sources)
        mostly = wrong & (failed * 2 > held)[source.codes]
        if mostly.any():
            codes = np.where(mostly, 0, -1).astype(np.int32)
            told.append(Found(field, Coded(codes, pa.array(["column-mostly-unusable"])), whole_column=True))
    return told


def tell(
    found: list[Found], source: Coded, row: npt.NDArray[np.int32], headings: Mapping[str, Mapping[str, str]] | None
) -> pa.Table:
    """All problems as a table with the columns of :class:`~samechild.records.Issue`, in the order of source, row,
    column.

    A problem met in more than :data:`MOST_ROWS` rows of a source's column is one line with row 0 and the count.
    """
    names = source.values.to_pylist()
    lines: list[tuple[str, int, str, str, str, str, int]] = []
    for one in found:
        for code, rule in enumerate(one.problems.values.to_pylist()):
            severity, message = rules()[rule]
            rows = np.flatnonzero(one.problems.codes == code)
            owners = source.codes[rows]
            for owner in np.unique(owners).tolist():
                name = names[owner] if owner >= 0 else ""
                mine = rows[owners == owner]
                column = (headings or {}).get(name, {}).get(one.field, one.field)
                told = (column, rule, severity.value, message)
                if one.whole_column or len(mine) > MOST_ROWS:
                    lines.append((name, 0, *told, len(mine)))
                else:
                    lines += [(name, number, *told, 1) for number in row[mine].tolist()]
    lines.sort()
    columns = list(zip(*lines, strict=True)) if lines else [()] * len(SCHEMA)
    return pa.table([pa.array(c, kind) for c, kind in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)
