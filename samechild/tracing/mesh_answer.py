"""Reading the answer to a trace file: which column is which, what each line says, and what must not be believed.

Names of columns drift between the official texts, published samples have one column fewer than their own heading, and
a column read one place too far would put one child's number on another. So a file that does not fit a declared layout
is refused as a whole, loudly; a line that cannot be read, a reference that came twice or was never sent is told as a
problem and changes nothing.

Source: NHS Data Model and Dictionary, PDS MESH response; published samples of the Personal Demographics Service.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection
from datetime import date
from hashlib import sha256
from io import StringIO

import msgspec

from samechild.errors import Invalid, TooLarge
from samechild.records import Issue, Severity
from samechild.tracing.mesh_codes import CODES, Algorithm, Meaning
from samechild.tracing.mesh_file import LARGEST, REQUEST_WORKFLOW, RESPONSE_WORKFLOW, SEXES, Control
from samechild.tracing.records import Person

_PERSON = (
    "UNIQUE_REFERENCE", "REQ_NHS_NUMBER", "FAMILY_NAME", "GIVEN_NAME", "OTHER_GIVEN_NAME", "GENDER", "DATE_OF_BIRTH",
    "DATE_OF_DEATH", "ADDRESS_LINE1", "ADDRESS_LINE2", "ADDRESS_LINE3", "ADDRESS_LINE4", "ADDRESS_LINE5", "POSTCODE",
    "GP_PRACTICE_CODE",
)  # fmt: skip
_REST = (
    "NHAIS_POSTING_ID", "AS_AT_DATE", "LOCAL_PATIENT_ID", "INTERNAL_ID", "TELEPHONE_NUMBER", "MOBILE_NUMBER",
    "EMAIL_ADDRESS", "SENSITIVITY_FLAG", "MPS_ID", "ERROR_SUCCESS_CODE", "MATCHED_NHS_NO",
    "MATCHED_ALGORITHM_INDICATOR", "MATCHED_CONFIDENCE_PERCENTAGE",
)  # fmt: skip
_SCORES = tuple(
    f"ALGORITHMIC_TRACE_{part}_SCORE_PERC" for part in ("FAMILY_NAME", "GIVEN_NAME", "DOB", "GENDER", "POSTCODE")
)
_SOMETIMES = "GP_REGISTRATION_DATE"
"""Headings name it, and published samples leave it out of the lines below."""

LAYOUTS: tuple[tuple[str, ...], ...] = tuple(
    (*_PERSON, *sometimes, *_REST, *scores) for sometimes in ((), (_SOMETIMES,)) for scores in (_SCORES, ())
)
"""The columns of an answer, with or without the date of registration and the scores; no two are equally wide."""

ALIASES: dict[str, str] = {
    "REQ_NHS_NO": "REQ_NHS_NUMBER",
    "NHS_NO": "REQ_NHS_NUMBER",
    "NHS_NUMBER": "REQ_NHS_NUMBER",
    "REQUEST_NHS_NUMBER": "REQ_NHS_NUMBER",
    "POST_CODE": "POSTCODE",
    "SENSITIVTY_FLAG": "SENSITIVITY_FLAG",
    "SENSITIVE_FLAG": "SENSITIVITY_FLAG",
    "MATCHED_NHS_NUMBER": "MATCHED_NHS_NO",
    "ERROR_CODE": "ERROR_SUCCESS_CODE",
    "SURNAME": "FAMILY_NAME",
    "MOBILE": "MOBILE_NUMBER",
    "EMAIL": "EMAIL_ADDRESS",
}
"""Other names of the same columns in official texts and code; blanks, slashes and hyphens count as underscores."""

_KNOWN = frozenset({*LAYOUTS[2], "ADDRESS_DATE"})
_NEEDED = ("UNIQUE_REFERENCE", "ERROR_SUCCESS_CODE", "MATCHED_NHS_NO", "MATCHED_ALGORITHM_INDICATOR")
_STAMP = re.compile(r"[A-Z]+_\d{14}")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an answer: which reference, the code, the number found and how, and the person as held nationally.

    ``confidence`` is in per cent. ``row`` is the line's place among the lines of children, from 1.
    """

    reference: str
    row: int
    code: str
    matched: str = ""
    algorithm: Algorithm = Algorithm.NONE
    confidence: float = 0.0
    person: Person

    def __repr__(self) -> str:
        return f"Line(row={self.row}, code={self.code!r}, values=hidden)"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was read: its lines, what was wrong with some, and which references it leaves open.

    ``refused`` is the code with which the service turned the whole file away; then nothing was asked. ``doubled`` are
    references that came twice with different answers: neither answer counts. ``digest`` knows the same file again.
    """

    lines: tuple[Line, ...]
    issues: tuple[Issue, ...] = ()
    missing: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    refused: str = ""
    control: Control | None = None
    digest: str = ""


def read_response(content: bytes, expected: Collection[str], name: str = "the answer") -> Response:
    """Read the answer to a request.

    Args:
        content: the file as it came.
        expected: the references that were asked about and are still open.
        name: what the file is called in messages.

    Raises:
        Invalid: when the file does not fit the declared columns, is cut short or is no answer at all.
        TooLarge: when it is larger than any answer can be.
    """
    rows = _rows(content, name)
    digest = sha256(content).hexdigest()
    control = _control(rows[0]) if rows else None
    rows = rows[1:] if control else rows
    if control and CODES.get(control.code, CODES["00"]).meaning is not Meaning.FOUND:
        return Response(lines=(), missing=tuple(expected), refused=control.code, control=control, digest=digest)
    columns, rows = _columns(rows, name)
    if control and control.count != len(rows):
        raise Invalid(
            f"{name}: its first row promises {control.count} lines and {len(rows)} are there: fetch it again."
        )
    if not control and not rows:
        raise Invalid(f"{name} holds no lines: it is not the answer to a trace.")
    issues: list[Issue] = []
    lines = [_read(columns, row, place, issues) for place, row in enumerate(rows, start=1)]
    if rows and not any(lines):
        raise Invalid(f"{name}: not one line can be read, so its columns are not the declared ones: nothing was taken.")
    return _settled([line for line in lines if line is not None], set(expected), issues, control, digest)


def _rows(content: bytes, name: str) -> list[list[str]]:
    if len(content) > LARGEST:
        raise TooLarge(f"{name} is larger than any answer can be.")
    if b"\0" in content:
        raise Invalid(f"{name} is not text: open it as the service sent it, unpacked.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    try:
        return [row for row in csv.reader(StringIO(text, newline=""), strict=True) if any(cell.strip() for cell in row)]
    except csv.Error:
        raise Invalid(f"{name} is cut short or is not CSV: fetch it again.") from None


def _control(row: list[str]) -> Control | None:
    """Read the control row; None when the first row is something else."""
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    if not 3 <= len(cells) <= 4 or not (
        _STAMP.fullmatch(cells[0]) or cells[1] in (REQUEST_WORKFLOW, RESPONSE_WORKFLOW)
    ):
        return None
    if not (cells[2].isascii() and cells[2].isdigit()):
        raise Invalid("The first row of the answer does not say how many lines follow: fetch it again.")
    return Control(cells[0], cells[1], int(cells[2]), cells[3].zfill(2) if len(cells) > 3 else "00")


def _heading(cell: str) -> str:
    name = re.sub(r"[^A-Z0-9]+", "_", cell.strip().upper()).strip("_")
    return ALIASES.get(name, name)


def _columns(rows: list[list[str]], name: str) -> tuple[tuple[str, ...], list[list[str]]]:
    """Which column is which: by the row of headings if there is one, by the width of a declared layout if not."""
    widths = Counter(len(row) for row in rows[1:] or rows)
    if rows and _heading(rows[0][0]) == "UNIQUE_REFERENCE":
        columns = tuple(_heading(cell) for cell in rows[0])
        rows = rows[1:]
        unknown = [place for place, each in enumerate(columns, start=1) if each not in _KNOWN]
        if unknown or len(set(columns)) < len(columns) or not set(_NEEDED) <= set(columns):
            where = f" Look at column {unknown[0]}." if unknown else ""
            raise Invalid(f"{name}: its headings are not those of an answer.{where} Nothing was taken from it.")
        if set(widths) == {len(columns) - 1} and _SOMETIMES in columns:
            columns = tuple(each for each in columns if each != _SOMETIMES)
    else:
        fitting = [layout for layout in LAYOUTS if len(layout) == len(rows[0])] if rows else [LAYOUTS[0]]
        if not fitting:
            raise Invalid(f"{name} has {len(rows[0])} columns and no headings: no declared answer is so wide.")
        columns = fitting[0]
    for place, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise Invalid(
                f"{name}, line {place}: {len(row)} columns where {len(columns)} belong. It is cut short or has another "
                "layout: fetch it again. Nothing was taken from it."
            )
    return columns, rows


def _read(columns: tuple[str, ...], row: list[str], place: int, issues: list[Issue]) -> Line | None:
    """Read one line; None, with a problem noted, when what must be a code, a number or a count is none."""
    cells = {name: cell.strip() for name, cell in zip(columns, row, strict=True)}
    code = cells["ERROR_SUCCESS_CODE"].zfill(2)
    matched = cells["MATCHED_NHS_NO"].replace(" ", "")
    confidence = _per_cent(cells.get("MATCHED_CONFIDENCE_PERCENTAGE", ""))
    algorithm = cells["MATCHED_ALGORITHM_INDICATOR"] or "0"
    fits = {
        "ERROR_SUCCESS_CODE": code in CODES,
        "MATCHED_NHS_NO": not matched or (len(matched) == 10 and matched.isascii() and matched.isdigit()),
        "MATCHED_ALGORITHM_INDICATOR": algorithm in set(Algorithm),
        "MATCHED_CONFIDENCE_PERCENTAGE": confidence is not None,
        "UNIQUE_REFERENCE": bool(cells["UNIQUE_REFERENCE"]),
    }
    wrong = [name for name, does in fits.items() if not does]
    if wrong or confidence is None:
        words = "This line cannot be read there, so nothing was taken from it: the child stays to be asked about again."
        issues += [Issue("", place, name, "trace-line", Severity.ERROR, words) for name in wrong]
        return None
    return Line(
        reference=cells["UNIQUE_REFERENCE"],
        row=place,
        code=code,
        matched=matched,
        algorithm=Algorithm(algorithm),
        confidence=confidence,
        person=_person(cells, matched, CODES[code].meaning),
    )


def _person(cells: dict[str, str], matched: str, meaning: Meaning) -> Person:
    get = cells.get
    givens = (*get("GIVEN_NAME", "").split(), *get("OTHER_GIVEN_NAME", "").split())
    sensitive = meaning is Meaning.SENSITIVE or get("SENSITIVITY_FLAG", "").upper() in ("S", "Y", "R")
    place = get("POSTCODE", "")
    return Person(
        number=matched,
        families=(get("FAMILY_NAME", ""),) if givens or get("FAMILY_NAME") else (),
        givens=(givens,) if givens or get("FAMILY_NAME") else (),
        birth_date=_iso(get("DATE_OF_BIRTH", "")),
        sex=SEXES.get(get("GENDER", ""), ""),
        postcodes=(place,) if place and not sensitive else (),
        gp_practice="" if sensitive else get("GP_PRACTICE_CODE", ""),
        restricted=sensitive,
        deceased=bool(get("DATE_OF_DEATH")),
    )


def _iso(text: str) -> str:
    """Read a date of the file (year, month, day and time as far as known); empty when it is none."""
    digits = text[:8]
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (4, 6, 8):
        return ""
    year, month, day = int(digits[:4]), int(digits[4:6] or 1), int(digits[6:8] or 1)
    try:
        whole = date(year, month, day).isoformat()
    except ValueError:
        return ""
    return whole[: {4: 4, 6: 7, 8: 10}[len(digits)]]


def _per_cent(text: str) -> float | None:
    if not text:
        return 0.0
    return float(text) if re.fullmatch(r"\d{1,3}(\.\d+)?", text, re.ASCII) and float(text) <= 100 else None


def _settled(
    lines: list[Line], expected: set[str], issues: list[Issue], control: Control | None, digest: str
) -> Response:
    """Leave out what was never asked, what came twice, and say what is still open."""
    by_reference: dict[str, list[Line]] = {}
    for line in lines:
        if line.reference in expected:
            by_reference.setdefault(line.reference, []).append(line)
        else:
            words = "Answers a reference that is not open: never asked here, or answered before. It was left out."
            issues.append(Issue("", line.row, "UNIQUE_REFERENCE", "trace-reference", Severity.WARNING, words))
    doubled = []
    for reference, same in by_reference.items():
        for line in same[1:]:
            agrees = msgspec.structs.replace(line, row=same[0].row) == same[0]
            words = "The same reference as a line before" + (", word for word." if agrees else ": neither counts.")
            severity = Severity.WARNING if agrees else Severity.ERROR
            issues.append(Issue("", line.row, "UNIQUE_REFERENCE", "trace-twice", severity, words))
            if not agrees and reference not in doubled:
                doubled.append(reference)
    missing = sorted(expected - by_reference.keys())
    if missing:
        words = "Children asked about and not answered: they stay to be asked about again."
        issues.append(Issue("", 0, "", "trace-missing", Severity.WARNING, words, rows=len(missing)))
    kept = tuple(same[0] for reference, same in by_reference.items() if reference not in doubled)
    return Response(
        lines=kept,
        issues=tuple(issues),
        missing=tuple(missing),
        doubled=tuple(doubled),
        control=control,
        digest=digest,
    )
