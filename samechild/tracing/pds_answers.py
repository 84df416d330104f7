"""Reading what the Personal Demographics Service answers, and believing nothing that does not fit the question.

An answer that cannot be read, speaks of something else or contradicts itself is a kind of answer too (*lying*), so that
nobody's number is ever taken from it. The service's error codes are kept, its free text never: it may repeat what was
searched for.

Source: Personal Demographics Service FHIR API; HL7 FHIR R4 (Patient, Bundle, OperationOutcome).
"""

from __future__ import annotations

import re
from datetime import date

import msgspec

from samechild.identifiers import nhs_number
from samechild.tracing.records import Answer, Answered, Person, Query

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which the same question may get an answer."""

_CODE = re.compile(r"[A-Z][A-Z_]{2,39}\Z")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?\Z")
_SEX = {"male": "M", "female": "F", "other": "", "unknown": "", "": ""}
_OPEN = "U"


class _Identifier(msgspec.Struct):
    system: str = ""
    value: str = ""


class _Name(msgspec.Struct):
    use: str = ""
    family: str = ""
    given: list[str] = []


class _Address(msgspec.Struct):
    use: str = ""
    postal_code: str = msgspec.field(default="", name="postalCode")


class _Coding(msgspec.Struct):
    code: str = ""


class _Meta(msgspec.Struct):
    version_id: str = msgspec.field(default="", name="versionId")
    security: list[_Coding] = []


class _Practice(msgspec.Struct):
    identifier: _Identifier = msgspec.field(default_factory=_Identifier)


class _Concept(msgspec.Struct):
    coding: list[_Coding] = []


class _Issue(msgspec.Struct):
    details: _Concept = msgspec.field(default_factory=_Concept)


class _Resource(msgspec.Struct, rename="camel"):
    """What is read of a Patient or an OperationOutcome; whatever else stands there is left alone."""

    resource_type: str
    id: str = ""
    identifier: list[_Identifier] = []
    meta: _Meta = msgspec.field(default_factory=_Meta)
    name: list[_Name] = []
    gender: str = ""
    birth_date: str = ""
    address: list[_Address] = []
    general_practitioner: list[_Practice] = []
    deceased_date_time: str = ""
    deceased_boolean: bool = False
    multiple_birth_integer: int = 0
    multiple_birth_boolean: bool = False
    issue: list[_Issue] = []


class _Score(msgspec.Struct):
    score: float | None = None


class _Entry(msgspec.Struct):
    resource: _Resource
    search: _Score = msgspec.field(default_factory=_Score)


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str
    type: str = ""
    total: int = -1
    entry: list[_Entry] = []
    issue: list[_Issue] = []


_BUNDLES = msgspec.json.Decoder(_Bundle)
_RESOURCES = msgspec.json.Decoder(_Resource)


class _DoesNotFit(Exception):
    """Why an answer is not believed, as a code. Never leaves this module."""


def read_answer(query: Query, status: int, body: bytes) -> Answer:
    """Read the answer to a query from its HTTP status and body. Never raises.

    A status of :data:`TRY_AGAIN` reads as DOWN: the caller has tried as often as it may.
    """
    try:
        if status == 200:
            return _read_person(query, body) if query.number else _read_search(query, body)
        if status in TRY_AGAIN:
            return Answer(kind=Answered.DOWN, problem=_code(body) or f"http-{status}")
        code = _code(body)
        if status == 404 and query.number and code in ("INVALIDATED_RESOURCE", "RESOURCE_NOT_FOUND"):
            kind = Answered.INVALIDATED if code == "INVALIDATED_RESOURCE" else Answered.NOBODY
            return Answer(kind=kind, problem=code)
        if not code and status not in (401, 403):
            return Answer(kind=Answered.LYING, problem=f"http-{status}-unreadable")
        return Answer(kind=Answered.REFUSED, problem=code or f"http-{status}")
    except _DoesNotFit as why:
        return Answer(kind=Answered.LYING, problem=str(why))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
        return Answer(kind=Answered.LYING, problem="unreadable")


def _code(body: bytes) -> str:
    """The service's own code in an OperationOutcome; empty when there is none that looks like one."""
    try:
        return _first_code(_RESOURCES.decode(body).issue)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _first_code(issues: list[_Issue]) -> str:
    codes = [coding.code for issue in issues for coding in issue.details.coding]
    return next((code for code in codes if _CODE.match(code)), "")


def _read_person(query: Query, body: bytes) -> Answer:
    person = _person(_RESOURCES.decode(body), None)
    return Answer(kind=Answered.PEOPLE, people=(person,))


def _read_search(query: Query, body: bytes) -> Answer:
    found = _BUNDLES.decode(body)
    if found.resource_type == "OperationOutcome":
        code = _first_code(found.issue)
        if code != "TOO_MANY_MATCHES":
            raise _DoesNotFit("not-a-searchset")
        return Answer(kind=Answered.TOO_MANY, problem=code)
    if found.resource_type != "Bundle" or found.type != "searchset":
        raise _DoesNotFit("not-a-searchset")
    if found.total != len(found.entry):
        raise _DoesNotFit("count")
    if len(found.entry) > query.most:
        raise _DoesNotFit("more-than-asked")
    people = tuple(_person(entry.resource, entry.search.score) for entry in found.entry)
    if len({person.number for person in people}) < len(people):
        raise _DoesNotFit("twice")
    for person in people:
        _check_fit(query, person)
    return Answer(kind=Answered.PEOPLE if people else Answered.NOBODY, people=people)


def _person(patient: _Resource, score: float | None) -> Person:
    if patient.resource_type != "Patient":
        raise _DoesNotFit("not-a-person")
    numbers = [each.value for each in patient.identifier if each.system == NHS_NUMBER]
    if nhs_number.check(patient.id).value != patient.id or any(number != patient.id for number in numbers):
        raise _DoesNotFit("number")
    if patient.birth_date and not _is_date(patient.birth_date):
        raise _DoesNotFit("birth-date")
    if patient.gender not in _SEX:
        raise _DoesNotFit("gender")
    if score is not None and not 0 <= score <= 1:
        raise _DoesNotFit("score")
    names = sorted(patient.name, key=lambda name: name.use != "usual")
    homes = sorted(patient.address, key=lambda address: address.use != "home")
    practices = [each.identifier.value for each in patient.general_practitioner]
    plural = patient.multiple_birth_integer > 1 or patient.multiple_birth_boolean
    return Person(
        number=patient.id,
        families=tuple(name.family for name in names),
        givens=tuple(tuple(name.given) for name in names),
        birth_date=patient.birth_date,
        sex=_SEX[patient.gender],
        postcodes=tuple(address.postal_code for address in homes if address.postal_code),
        gp_practice=next((value for value in practices if value), ""),
        restricted=any(label.code != _OPEN for label in patient.meta.security),
        deceased=bool(patient.deceased_date_time or patient.deceased_boolean),
        score=score,
        plural=True if plural else None,  # a first of one and a first of two are written alike
        birth_order=max(0, patient.multiple_birth_integer),
        version=patient.meta.version_id,
    )


def _is_date(text: str) -> bool:
    if not _DATE.match(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[: 10 - len(text)] if len(text) == 4 else text + "-01"[: 10 - len(text)])
    except ValueError:
        return False
    return True


def _check_fit(query: Query, person: Person) -> None:
    """Refuse a person whom a plain search cannot have found. What was found in history may look different now."""
    if query.sex and person.sex and query.sex != person.sex:
        raise _DoesNotFit("another-sex")
    if query.born is None or query.history or query.fuzzy or len(person.birth_date) < 10:
        return
    if not query.born[0] <= date.fromisoformat(person.birth_date) <= query.born[1]:
        raise _DoesNotFit("another-birth-date")
