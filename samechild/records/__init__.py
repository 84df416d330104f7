"""The nouns every room shares: what a record of a child may hold, and how a problem in data is told.

Each field is declared once, here, on :class:`Record`; column recognition, standardised tables, dictionaries and (in
later rooms) database columns and log redaction are derived from it. ``Record`` is the *standardised* record; what an
agency gave is kept beside it under the same name with :data:`GIVEN` in front.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Annotated, Any, get_args, get_type_hints

import msgspec

GIVEN = "given_"
"""Prefix of the columns that keep a value exactly as an agency gave it."""


class Sensitivity(StrEnum):
    """How private a field is: who it may be shown to is decided from this, never from its name."""

    IDENTITY = "identity"  # says who a child is, alone or nearly so
    QUASI = "quasi-identifier"  # narrows down who a child is when put together with others
    CONTENT = "content"  # something known about a child
    THIRD_PARTY = "third party"  # about somebody else, such as a parent
    TECHNICAL = "technical"  # says where a row came from


def _field(
    title: str, sensitivity: Sensitivity, *, given: bool = True, group: bool = False, location: bool = False
) -> msgspec.Meta:
    """Describe a field: ``given`` is False for what only standardising makes; ``group`` marks fields to report by.

    ``location`` marks what tells where a child is, or who knows: hidden when a child is shielded.
    """
    extra = {"sensitivity": sensitivity, "given": given, "group": group, "location": location}
    return msgspec.Meta(title=title, extra=extra)


_I, _Q, _C, _T = Sensitivity.IDENTITY, Sensitivity.QUASI, Sensitivity.CONTENT, Sensitivity.TECHNICAL
Text = str | None
Texts = tuple[str, ...] | None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One agency's record of one child, made comparable: dates ISO text, names A to Z in capitals, missing None."""

    source: Annotated[str, _field("Which file or system the record came from", _T)]
    record_id: Annotated[str, _field("The record's own id within its source", _I)]

    forename: Annotated[Text, _field("First given name", _I)] = None
    middle_names: Annotated[Text, _field("Other given names", _I)] = None
    known_as: Annotated[Text, _field("Name the child is known by", _I)] = None
    surname: Annotated[Text, _field("Family name", _I)] = None
    former_surname: Annotated[Text, _field("Earlier or other family name", _I)] = None
    full_name: Annotated[Text, _field("Whole name in one field (split when the parts are not given)", _I)] = None
    date_of_birth: Annotated[Text, _field("Date of birth, YYYY-MM-DD, only when wholly known", _I)] = None
    sex: Annotated[Text, _field("Sex, M or F", _Q, group=True)] = None
    birth_order: Annotated[Text, _field("Place in a multiple birth: 1, 2, 3", _Q)] = None

    postcode: Annotated[Text, _field("Postcode, upper case with one space", _I, location=True)] = None
    previous_postcode: Annotated[Text, _field("Earlier postcode", _I, location=True)] = None
    address: Annotated[Text, _field("Address", _I, location=True)] = None
    town: Annotated[Text, _field("Town or suburb of the address", _Q, location=True)] = None
    uprn: Annotated[Text, _field("Unique property reference number", _I, location=True)] = None
    area: Annotated[Text, _field("Local authority or area code", _Q, group=True, location=True)] = None

    nhs_number: Annotated[Text, _field("NHS number, ten digits, valid", _I)] = None
    nhs_number_status: Annotated[Text, _field("NHS number status indicator, 01 to 08", _Q)] = None
    chi_number: Annotated[Text, _field("Community Health Index number (Scotland)", _I)] = None
    hc_number: Annotated[Text, _field("Health and Care number (Northern Ireland)", _I)] = None
    ucrn: Annotated[Text, _field("Unique Citizen Reference Number (Scotland)", _I)] = None
    scn: Annotated[Text, _field("Scottish Candidate Number", _I)] = None
    upn: Annotated[Text, _field("Unique Pupil Number", _I, location=True)] = None
    former_upn: Annotated[Text, _field("Unique Pupil Number held before", _I, location=True)] = None
    uln: Annotated[Text, _field("Unique Learner Number", _I)] = None
    nino: Annotated[Text, _field("National Insurance number", _I)] = None
    child_benefit_number: Annotated[
        Text, _field("Child Benefit number: names a claim, never a child", _I, location=True)
    ] = None
    la_child_id: Annotated[Text, _field("Local authority child identifier", _I, location=True)] = None
    other_id: Annotated[Text, _field("Another identifier of the person", _I, location=True)] = None

    school: Annotated[Text, _field("School: URN or LAESTAB", _Q, location=True)] = None
    gp_practice: Annotated[Text, _field("GP practice code", _Q, location=True)] = None
    birth_place: Annotated[Text, _field("Place of birth", _Q)] = None
    occupation: Annotated[Text, _field("Occupation", _Q)] = None
    phone: Annotated[Text, _field("Telephone number", _I, location=True)] = None
    email: Annotated[Text, _field("Email address", _I, location=True)] = None
    ethnicity: Annotated[Text, _field("Ethnicity code, as recorded; never guessed", _C, group=True)] = None

    # Made by standardising, never given.
    given_names: Annotated[Texts, _field("Every given name held: first, middle, known as", _I, given=False)] = None
    forename_variants: Annotated[
        Texts, _field("Marks shared with names that can mean the same person (Bill, William)", _I, given=False)
    ] = None
    surname_parts: Annotated[Texts, _field("Every part of every family name held", _I, given=False)] = None
    surname_variants: Annotated[Texts, _field("Marks shared with spellings of the same surname", _I, given=False)] = (
        None
    )
    forename_sound: Annotated[Text, _field("Sounds-like code of the forename", _I, given=False)] = None
    surname_sound: Annotated[Text, _field("Sounds-like code of the surname", _I, given=False)] = None
    birth_date_swapped: Annotated[
        Text, _field("Date of birth with day and month exchanged, when that is a date", _I, given=False)
    ] = None
    birth_month: Annotated[Text, _field("Year and month of birth, YYYY-MM", _Q, given=False)] = None
    birth_year: Annotated[Text, _field("Year of birth, YYYY", _Q, given=False)] = None
    postcodes: Annotated[Texts, _field("Every postcode held, present and earlier", _I, given=False, location=True)] = (
        None
    )
    postcode_sector: Annotated[
        Text, _field("Postcode without its last two letters", _Q, given=False, location=True)
    ] = None
    postcode_district: Annotated[Text, _field("First half of the postcode", _Q, given=False, location=True)] = None
    upns: Annotated[Texts, _field("Every permanent UPN held, present and former", _I, given=False, location=True)] = (
        None
    )
    upn_kind: Annotated[Text, _field("permanent or temporary", _T, given=False)] = None


class Field(msgspec.Struct, frozen=True):
    """One declared field of :class:`Record`, as the rest of the package reads it."""

    name: str
    title: str
    sensitivity: Sensitivity
    given: bool
    group: bool
    many: bool
    location: bool = False


@cache
def fields() -> dict[str, Field]:
    """Every declared field by name, in the order of declaration."""
    declared: dict[str, Field] = {}
    for name, hint in get_type_hints(Record, include_extras=True).items():
        meta: Any = next(part for part in get_args(hint) if isinstance(part, msgspec.Meta))
        many = get_args(hint)[0] == Texts
        extra = meta.extra
        declared[name] = Field(
            name, meta.title, extra["sensitivity"], extra["given"], extra["group"], many, extra["location"]
        )
    return declared


class Severity(StrEnum):
    """ERROR: the row or value could not be used. WARNING: used, but somebody should look."""

    ERROR = "error"
    WARNING = "warning"


class Issue(msgspec.Struct, frozen=True, order=True):
    """A problem found in data: where it is, what is wrong and what to do, never the value itself."""

    source: str
    row: int  # 1 is the first row of data; 0 speaks of the whole file
    column: str  # the column's own heading in the file; empty for a whole row
    rule: str  # a short stable code, such as nhs-number-check-digit
    severity: Severity
    message: str  # what is wrong and what to do next
    rows: int = 1  # how many rows have the same problem, when told once for all
