"""Trace files: the request that a person uploads, or MESH carries, to the Personal Demographics Service.

The columns are declared once, here. A request says no more of a child than tracing needs, and calls each child by an
opaque reference drawn for that one file, so that the file alone tells nobody which record is meant.

Source: NHS Data Model and Dictionary, PDS MESH request; Message Exchange for Social Care and Health (MESH).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import datetime
from io import StringIO

import msgspec

from samechild.demographics.names import read_forename
from samechild.errors import Invalid, TooLarge
from samechild.identifiers import nhs_number, postcode
from samechild.records import Issue, Severity
from samechild.tracing.records import Subject

LONGEST: dict[str, int] = {
    "UNIQUE REFERENCE": 50,
    "NHS_NO": 10,
    "FAMILY_NAME": 35,
    "GIVEN_NAME": 35,
    "OTHER_GIVEN_NAME": 100,
    "GENDER": 1,
    "DATE_OF_BIRTH": 12,
    "POSTCODE": 8,
    "DATE_OF_DEATH": 12,
    **{f"ADDRESS_LINE{number}": 35 for number in range(1, 6)},
    "ADDRESS_DATE": 12,
    "GP_PRACTICE_CODE": 8,
    "GP_REGISTRATION_DATE": 12,
    "NHAIS_POSTING_ID": 3,
    "AS_AT_DATE": 12,
    "LOCAL_PATIENT_ID": 20,
    "INTERNAL_ID": 50,
    "TELEPHONE_NUMBER": 20,
    "MOBILE_NUMBER": 20,
    "EMAIL_ADDRESS": 90,
}
"""The columns of a request in their order, and how many characters each takes. What is not needed is left empty."""

_GENDERS = {"M": "1", "F": "2"}
SEXES = {code: sex for sex, code in _GENDERS.items()}
"""Sex by the gender code of a file; 0 and 9 say nothing."""
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{8,50}")
REQUEST_WORKFLOW = "SPINE_MPTPHASE4_TRACE"
RESPONSE_WORKFLOW = "SPINE_MPT_RESPONSE"
MOST_LINES = 500_000
"""More children than this go into several files."""
LARGEST = 512 * 2**20


class Asked(msgspec.Struct, frozen=True):
    """One child of a request: its opaque reference, and what is known of the child."""

    reference: str
    subject: Subject

    def __repr__(self) -> str:
        return f"Asked(reference={self.reference!r}, values=hidden)"


class Control(msgspec.Struct, frozen=True):
    """The control row that stands first in some files: file reference, workflow, count of records, the file's code."""

    reference: str
    workflow: str
    count: int
    code: str = ""


class Written(msgspec.Struct, frozen=True):
    """A request: its bytes, the references it asks about, and whom it could not ask about, and why."""

    content: bytes
    references: tuple[str, ...]
    issues: tuple[Issue, ...] = ()

    def __repr__(self) -> str:
        return f"Written(references={len(self.references)}, issues={len(self.issues)}, content=hidden)"


def file_name(now: datetime) -> str:
    """Name a request as the older service wants it: ``MPTREQ_`` and the moment to the second."""
    return f"MPTREQ_{now:%Y%m%d%H%M%S}.csv"


def write_request(asked: Sequence[Asked], control: Control | None = None) -> Written:
    """Write the file that asks for the numbers of some children.

    Whoever is not known well enough to be traced is left out and told of; so is whoever has a name that is too long,
    because a name cut short could find somebody else.

    Args:
        asked: the children, each with a reference of its own that means nothing outside.
        control: the older service's first row; without it the row of headings stands first.

    Raises:
        Invalid: when a reference is used twice or says more than an opaque one should.
        TooLarge: when there are more children than one file takes.
    """
    if len(asked) > MOST_LINES:
        raise TooLarge(f"One file asks about at most {MOST_LINES:,} children: write several.")
    if len({each.reference for each in asked}) < len(asked):
        raise Invalid("A reference is used twice in one file: draw a new one for each child.")
    if not all(_REFERENCE.fullmatch(each.reference) for each in asked):
        raise Invalid("A reference is 8 to 50 letters and digits that mean nothing to anybody else.")
    lines: list[dict[str, str]] = []
    issues: list[Issue] = []
    for row, each in enumerate(asked, start=1):
        line = _line(each)
        found = _wrong(line, row)
        issues += found
        if not found:
            lines.append(line)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if control is None:
        writer.writerow(LONGEST)
    else:
        writer.writerow([control.reference, control.workflow, len(lines)])
    writer.writerows([[line.get(name, "") for name in LONGEST] for line in lines])
    return Written(text.getvalue().encode("utf-8"), tuple(line["UNIQUE REFERENCE"] for line in lines), tuple(issues))


def _line(asked: Asked) -> dict[str, str]:
    """One line: number, names, sex, birth date and postcode, and nothing else of the child."""
    subject = asked.subject
    claimed = nhs_number.check(subject.claimed)  # a wrong or reserved number is no number
    place = postcode.check(subject.postcode)
    named = [name for name in (_tidy(each) for each in subject.given) if name]
    if named and read_forename(named[0]).name is None:  # "Baby", "Male infant": a wait for a name, not a name
        named = []
    return {
        "UNIQUE REFERENCE": asked.reference,
        "NHS_NO": claimed.value or "",
        "FAMILY_NAME": _tidy(subject.family),
        "GIVEN_NAME": named[0] if named else "",
        "OTHER_GIVEN_NAME": " ".join(named[1:]),
        "GENDER": _GENDERS.get(subject.sex, ""),
        "DATE_OF_BIRTH": f"{subject.birth_date:%Y%m%d}" if subject.birth_date else "",
        "POSTCODE": place.value or "",
    }


def _tidy(text: str) -> str:
    """Take out what cannot be seen, and signs in front with which no name begins and that a spreadsheet would run."""
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(seen.split()).lstrip("=+-@'\"* ")


def _wrong(line: dict[str, str], row: int) -> list[Issue]:
    found = [
        Issue("", row, name, "trace-too-long", Severity.ERROR, f"Longer than {LONGEST[name]} characters: not asked.")
        for name, value in line.items()
        if len(value) > LONGEST[name]
    ]
    named = line["FAMILY_NAME"] and (line["GIVEN_NAME"] or (line["GENDER"] and line["POSTCODE"]))
    if not line["DATE_OF_BIRTH"] or not (line["NHS_NO"] or named):
        words = "Tracing needs the birth date, and either a number or the family name with a given name: not asked."
        found.append(Issue("", row, "", "trace-not-enough", Severity.WARNING, words))
    return found
