"""Trace files for tests: a child of one's own, a line of an answer, and whole answers; only what a test is about."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from io import StringIO
from typing import Any

from samechild.tracing.mesh_answer import LAYOUTS
from samechild.tracing.records import Subject

FULL = LAYOUTS[0]
REFERENCE = "0123456789abcdef"


def a_subject(**known: Any) -> Subject:
    """A child of whom everything is known, with a number."""
    usual = {
        "given": ("Wren", "Isla"),
        "family": "Avocet",
        "birth_date": date(2014, 3, 9),
        "sex": "F",
        "postcode": "LS1 6AB",
        "claimed": "9990000018",
    }
    return Subject(**{**usual, **known})


def a_line(reference: str = REFERENCE, layout: Sequence[str] = FULL, **cells: Any) -> list[str]:
    """The line that answers :func:`a_subject`: found by number and birth date, wholly sure."""
    usual = {
        "UNIQUE_REFERENCE": reference,
        "REQ_NHS_NUMBER": "9990000018",
        "FAMILY_NAME": "AVOCET",
        "GIVEN_NAME": "WREN",
        "OTHER_GIVEN_NAME": "ISLA",
        "GENDER": "2",
        "DATE_OF_BIRTH": "20140309",
        "ADDRESS_LINE4": "LEEDS",
        "POSTCODE": "LS1 6AB",
        "GP_PRACTICE_CODE": "Y90001",
        "SENSITIVITY_FLAG": "N",
        "ERROR_SUCCESS_CODE": "00",
        "MATCHED_NHS_NO": "9990000018",
        "MATCHED_ALGORITHM_INDICATOR": "1",
        "MATCHED_CONFIDENCE_PERCENTAGE": "100",
    }
    return [str({**usual, **cells}.get(name, "")) for name in layout]


def headed(first: Sequence[Sequence[str]], lines: Sequence[Sequence[str]]) -> bytes:
    """A file with these rows before its lines."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([*first, *lines])
    return text.getvalue().encode("utf-8")


def an_answer(*lines: Sequence[str]) -> bytes:
    """A whole answer with headings."""
    return headed([FULL], lines)
