"""FHIR R4 as values: the few resource shapes that a master person index answers with, and reading what is sent to it.

Health systems ask for a patient in HL7 FHIR R4 (4.0.1) with the extensions of UK Core; these shapes let them ask the
index in the words they already speak. Only what the index knows is declared, so nothing else can slip into an answer.

Sources: HL7 FHIR R4 patient, patient-operation-match, bundle, provenance, operationoutcome, capabilitystatement; UK
Core Patient and its extension for the NHS number's verification status.
"""

from __future__ import annotations

from typing import Any

import msgspec

from samechild.identifiers.nhs_number import STATUS_MEANINGS, normalise

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
CHILD = "urn:samechild:child"
VERIFICATION = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
VERIFICATION_CODES = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
UK_CORE_PATIENT = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"
MATCH_GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
ACTIVITIES = "urn:samechild:index-event"

SYSTEMS = {
    NHS_NUMBER: "nhs_number",
    "https://fhir.hl7.org.uk/Id/chi-number": "chi_number",
    "https://fhir.hl7.org.uk/Id/hsc-number": "hc_number",
    "urn:samechild:upn": "upn",
    "urn:samechild:uln": "uln",
    "urn:samechild:la-child-id": "la_child_id",
}
"""The field of a record that each identifier system means; the record's own key is no identifier of a person."""

SYSTEM_OF = {field: system for system, field in SYSTEMS.items()}

GENDERS = {"M": "male", "F": "female"}


class _Shape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What is empty is left out: FHIR knows neither empty lists nor null."""


class Coding(_Shape, frozen=True):
    """A code of some system."""

    system: str = ""
    code: str = ""
    display: str = ""


class Concept(_Shape, frozen=True):
    """A CodeableConcept."""

    coding: tuple[Coding, ...] = ()
    text: str = ""


class Period(_Shape, frozen=True):
    """From when to when."""

    start: str = ""
    end: str = ""


class Extension(_Shape, frozen=True):
    """An extension with a code or a concept as its value."""

    url: str
    value_code: str = ""
    value_codeable_concept: Concept | None = None


class Identifier(_Shape, frozen=True):
    """A number or other identifier, with its system."""

    use: str = ""
    system: str = ""
    value: str = ""
    period: Period | None = None
    extension: tuple[Extension, ...] = ()


class Reference(_Shape, frozen=True):
    """A reference to another resource, or to something known by an identifier only."""

    reference: str = ""
    type: str = ""
    identifier: Identifier | None = None
    display: str = ""


class HumanName(_Shape, frozen=True):
    """A name of the child."""

    use: str = ""
    text: str = ""
    family: str = ""
    given: tuple[str, ...] = ()


class Address(_Shape, frozen=True):
    """An address of the child."""

    use: str = ""
    line: tuple[str, ...] = ()
    city: str = ""
    postal_code: str = ""


class Meta(_Shape, frozen=True):
    """What stands about a resource: its profile, and how confidential it is (U, R or V)."""

    last_updated: str = ""
    profile: tuple[str, ...] = ()
    security: tuple[Coding, ...] = ()


class PatientLink(_Shape, frozen=True):
    """Another identifier that means, or meant, the same child."""

    other: Reference
    type: str


class Patient(_Shape, frozen=True, tag_field="resourceType", tag="Patient"):
    """A child as one asker may see it."""

    id: str = ""
    meta: Meta | None = None
    identifier: tuple[Identifier, ...] = ()
    active: bool | None = None
    name: tuple[HumanName, ...] = ()
    gender: str = ""
    birth_date: str = ""
    address: tuple[Address, ...] = ()
    general_practitioner: tuple[Reference, ...] = ()
    link: tuple[PatientLink, ...] = ()


class EntrySearch(_Shape, frozen=True):
    """Why an entry stands in a searchset, and how well it matches."""

    extension: tuple[Extension, ...] = ()
    mode: str = ""
    score: float | None = None


class Agent(_Shape, frozen=True):
    """Who did something."""

    who: Reference
    type: Concept | None = None
    on_behalf_of: Reference | None = None


class Entity(_Shape, frozen=True):
    """What something was made from."""

    role: str
    what: Reference


class Provenance(_Shape, frozen=True, tag_field="resourceType", tag="Provenance"):
    """One event in a child's history: what was joined or parted, when, by whom."""

    id: str = ""
    target: tuple[Reference, ...] = ()
    recorded: str = ""
    activity: Concept | None = None
    agent: tuple[Agent, ...] = ()
    entity: tuple[Entity, ...] = ()


class Entry(_Shape, frozen=True):
    """One entry of a bundle."""

    full_url: str = ""
    resource: Patient | Provenance | None = None
    search: EntrySearch | None = None


class BundleLink(_Shape, frozen=True):
    """Where this bundle, or the next part of it, is found."""

    relation: str
    url: str


class Bundle(_Shape, frozen=True, tag_field="resourceType", tag="Bundle"):
    """Several resources in answer to a search; ``total`` counts matches, and is told even when it is none."""

    type: str
    total: int | None = None
    timestamp: str = ""
    link: tuple[BundleLink, ...] = ()
    entry: tuple[Entry, ...] = ()

    @classmethod
    def searchset(cls, entries: tuple[Entry, ...], at: str) -> Bundle:
        """A searchset of these entries."""
        return cls(type="searchset", total=len(entries), timestamp=at, entry=entries)


class OutcomeIssue(_Shape, frozen=True):
    """One thing that went wrong."""

    severity: str
    code: str
    details: Concept | None = None
    diagnostics: str = ""
    expression: tuple[str, ...] = ()


class OperationOutcome(_Shape, frozen=True, tag_field="resourceType", tag="OperationOutcome"):
    """What went wrong, in FHIR's words."""

    issue: tuple[OutcomeIssue, ...]


ISSUE_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    500: "exception",
    503: "transient",
}
"""FHIR's issue type for each status we answer with (IssueType, R4)."""


def outcome_of(status: int, detail: str, reference: str = "", place: str = "") -> OperationOutcome:
    """Say an error in FHIR's words; ``reference`` finds the line in the log, ``place`` is a path in what was sent."""
    return OperationOutcome(
        issue=(
            OutcomeIssue(
                severity="fatal" if status >= 500 else "error",
                code=ISSUE_CODES.get(status, "processing"),
                details=Concept(text=detail),
                diagnostics=f"Reference {reference}" if reference else "",
                expression=(place,) if place else (),
            ),
        )
    )


# --- what is sent to us -----------------------------------------------------------------------------------------------


class SentName(msgspec.Struct, frozen=True):
    """A name in a patient that was sent."""

    use: str = ""
    text: str = ""
    family: str = ""
    given: tuple[str, ...] = ()


class SentAddress(msgspec.Struct, frozen=True, rename="camel"):
    """An address in a patient that was sent."""

    use: str = ""
    text: str = ""
    line: tuple[str, ...] = ()
    city: str = ""
    postal_code: str = ""


class SentIdentifier(msgspec.Struct, frozen=True):
    """An identifier in a patient that was sent."""

    system: str = ""
    value: str = ""


class SentContact(msgspec.Struct, frozen=True):
    """A telephone number or e-mail address in a patient that was sent."""

    system: str = ""
    value: str = ""


class SentPatient(msgspec.Struct, frozen=True, rename="camel"):
    """A patient that was sent to be matched; elements that say nothing of who a child is are passed over."""

    resource_type: str
    identifier: tuple[SentIdentifier, ...] = ()
    name: tuple[SentName, ...] = ()
    gender: str = ""
    birth_date: str = ""
    address: tuple[SentAddress, ...] = ()
    telecom: tuple[SentContact, ...] = ()


class SentParameter(msgspec.Struct, frozen=True, rename="camel"):
    """One parameter of an operation."""

    name: str
    resource: SentPatient | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None


class SentParameters(msgspec.Struct, frozen=True, rename="camel"):
    """The parameters of an operation."""

    resource_type: str
    parameter: tuple[SentParameter, ...] = ()


_OLD = ("old", "maiden")
_CALLED = ("usual", "nickname")
_SEXES = {"male": "M", "female": "F"}
_TAKEN = {"phone": "phone", "email": "email"}


def fields_of(patient: SentPatient) -> dict[str, str]:
    """What a patient that was sent says, by field of :class:`samechild.records.Record`, as it was written.

    The first name that is neither old nor a nickname counts; of several identifiers of one system the first.
    """
    found: dict[str, str] = {}
    for name in sorted(patient.name, key=lambda each: each.use != "official"):
        _take_name(found, name)
    if patient.address:
        now = sorted(patient.address, key=lambda each: each.use == "old")
        _add(found, "postcode", now[0].postal_code)
        _add(found, "address", ", ".join(now[0].line))
        _add(found, "town", now[0].city)
        for old in now[1:]:
            _add(found, "previous_postcode", old.postal_code)
    for number in patient.identifier:
        _add(found, SYSTEMS.get(number.system, ""), number.value)
    for contact in patient.telecom:
        _add(found, _TAKEN.get(contact.system, ""), contact.value)
    _add(found, "date_of_birth", patient.birth_date)
    _add(found, "sex", _SEXES.get(patient.gender, ""))
    return found


def _take_name(found: dict[str, str], name: SentName) -> None:
    if name.use in _OLD:
        _add(found, "former_surname", name.family)
    elif name.use in _CALLED and "forename" in found:
        _add(found, "known_as", " ".join(name.given))
    elif name.family or name.given:
        _add(found, "surname", name.family)
        _add(found, "forename", name.given[0] if name.given else "")
        _add(found, "middle_names", " ".join(name.given[1:]))
    else:
        _add(found, "full_name", name.text)


def _add(found: dict[str, str], field: str, value: str) -> None:
    if field and value.strip():
        found.setdefault(field, value)


# --- parts of answers -------------------------------------------------------------------------------------------------


def nhs_identifier(value: str, status: str) -> Identifier:
    """An NHS number as UK Core writes it: with its verification status, ``02`` (not traced) when none is known.

    A number that is only somebody's word must not look verified.
    """
    code = status if status in STATUS_MEANINGS else "02"
    coding = Coding(system=VERIFICATION_CODES, code=code, display=STATUS_MEANINGS[code])
    verified = Extension(url=VERIFICATION, value_codeable_concept=Concept(coding=(coding,)))
    return Identifier(use="official", system=NHS_NUMBER, value=value, extension=(verified,))


def to_child(child: str) -> Reference:
    """A reference to a child of the index."""
    return Reference(reference=f"Patient/{child}", type="Patient")


def restricted() -> Coding:
    """Of a child whose whereabouts are not told: R, restricted."""
    return Coding(system=CONFIDENTIALITY, code="R", display="restricted")


def unrestricted() -> Coding:
    """Of any other child: U, unrestricted, as the Personal Demographics Service writes it."""
    return Coding(system=CONFIDENTIALITY, code="U", display="unrestricted")


def as_identifier(field: str, value: str, status: str = "") -> Identifier | None:
    """An identifier field of a record as FHIR writes it; None for what has no system of its own."""
    if field == "nhs_number":
        return nhs_identifier(normalise(value), status)
    system = SYSTEM_OF.get(field)
    return Identifier(system=system, value=value) if system else None


def capability(version: str, at: str, address: str) -> dict[str, Any]:
    """The CapabilityStatement (``/metadata``): what this server answers, for a client that asks before it starts."""

    def read(*codes: str) -> list[dict[str, str]]:
        return [{"code": code} for code in codes]

    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": at,
        "kind": "instance",
        "software": {"name": "samechild", "version": version},
        "implementation": {"description": "Living person index of children's services", "url": address},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Every answer is decided by the gate and stands in its ledger. What may not be known "
                "answers as what is not there.",
                "security": {
                    "description": "OAuth 2.0 client credentials: POST /oauth2/token, then Authorization: Bearer.",
                },
                "resource": [
                    {
                        "type": "Patient",
                        "profile": UK_CORE_PATIENT,
                        "interaction": read("read", "search-type"),
                        "readHistory": False,
                        "searchParam": [
                            {
                                "name": "identifier",
                                "type": "token",
                                "documentation": "system|value, whole; by POST to Patient/_search only, so that no "
                                "number stands in an address.",
                            }
                        ],
                        "operation": [
                            {
                                "name": "match",
                                "definition": "http://hl7.org/fhir/OperationDefinition/Patient-match",
                            }
                        ],
                    },
                    {
                        "type": "Provenance",
                        "interaction": read("search-type"),
                        "searchParam": [{"name": "target", "type": "reference"}],
                    },
                ],
            }
        ],
    }
