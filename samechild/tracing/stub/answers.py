"""The answers of the stand-in, in the shapes the service publishes: Patient, Bundle and OperationOutcome (FHIR R4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samechild.tracing.stub.register import Found, Registered

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
UK_CORE = "https://fhir.hl7.org.uk"
SPINE_CODES = f"{UK_CORE}/CodeSystem/Spine-ErrorOrWarningCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

Json = dict[str, Any]

OUTCOMES: dict[str, tuple[int, str, str, str]] = {
    "INVALID_RESOURCE_ID": (400, "error", "value", "Resource Id is invalid"),
    "UNSUPPORTED_SERVICE": (400, "error", "processing", "Unsupported Service"),
    "MISSING_VALUE": (400, "error", "required", "Required value is missing"),
    "INVALID_VALUE": (400, "error", "value", "Provided value is invalid"),
    "INVALID_SEARCH_DATA": (400, "error", "value", "Search data is invalid"),
    "ADDITIONAL_PROPERTIES": (400, "error", "value", "Request has additional properties"),
    "ACCESS_DENIED": (401, "error", "forbidden", "Access Denied - Unauthorised"),
    "RESOURCE_NOT_FOUND": (404, "error", "not-found", "Resource not found"),
    "INVALIDATED_RESOURCE": (
        404,
        "error",
        "processing",
        "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved",
    ),
    "UNABLE_TO_CALL_SERVICE": (408, "error", "timeout", "Unable to call service"),
    "TOO_MANY_REQUESTS": (429, "error", "throttled", "You have exceeded the rate limit of your application"),
    "SERVER_ERROR": (503, "error", "transient", "The service cannot answer now"),
    "TOO_MANY_MATCHES": (200, "information", "multiple-matches", "Too Many Matches"),
}
"""For each of the service's codes: HTTP status, severity, kind of issue, words."""


def outcome(code: str, diagnostics: str = "") -> Json:
    """What the service answers when it has nobody to show: an OperationOutcome with its own code."""
    _, severity, kind, words = OUTCOMES[code]
    coding = {"system": SPINE_CODES, "version": "1", "code": code, "display": words}
    issue: Json = {"severity": severity, "code": kind, "details": {"coding": [coding]}}
    return {
        "resourceType": "OperationOutcome",
        "issue": [issue | ({"diagnostics": diagnostics} if diagnostics else {})],
    }


def searchset(found: Sequence[Found], base: str) -> Json:
    """What the service answers to a search: a Bundle, without entries when there is nobody."""
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    entries = [
        {
            "fullUrl": f"{base}/Patient/{one.person.number}",
            "search": {"score": one.score},
            "resource": patient(one.person, searched=True),
        }
        for one in found
    ]
    return bundle | ({"entry": entries} if entries else {})


def patient(person: Registered, *, searched: bool = False) -> Json:
    """A person as the service shows them: of the restricted no address, contact or practice; no earlier names."""
    held = person.restricted
    shown: Json = {
        "resourceType": "Patient",
        "id": person.number,
        "identifier": [{"system": NHS_NUMBER, "value": person.number, "extension": [_verified()]}],
        "meta": {"versionId": str(person.version), "security": [_security("R" if held else "U")]},
    }
    names = [name for name in person.names if name.use != "old"]
    if names:
        shown["name"] = [
            {"id": f"N{place}", "use": name.use, "family": name.family}
            | ({"given": list(name.given)} if name.given else {})
            for place, name in enumerate(names, start=1)
        ]
    shown |= {"gender": person.sex} if person.sex else {}
    shown |= {"birthDate": person.born.isoformat()} if person.born else {}
    shown |= {"multipleBirthInteger": person.birth_order} if person.birth_order else {}
    shown |= {"deceasedDateTime": f"{person.died.isoformat()}T00:00:00+00:00"} if person.died else {}
    return shown if held else shown | _whereabouts(person, searched)


def _whereabouts(person: Registered, searched: bool) -> Json:
    shown: Json = {}
    homes = [each for each in person.addresses if each.use != "old"]
    if homes:
        shown["address"] = [
            {"id": f"A{place}", "use": each.use, "line": list(each.lines) or ["1 Example Street"]}
            | ({"postalCode": each.postcode} if each.postcode else {})
            for place, each in enumerate(homes, start=1)
        ]
    contacts = [("phone", person.phone), ("email", person.email)]
    telecom = [
        {"id": f"T{place}", "use": "home", "system": system, "value": value}
        for place, (system, value) in enumerate(contacts, start=1)
        if value
    ]
    shown |= {"telecom": telecom} if telecom else {}
    if person.practice:
        of = {"type": "Organization", "identifier": {"system": ODS, "value": person.practice}}
        shown["generalPractitioner"] = [{"id": "G1", **of}]
        shown |= {} if searched else {"managingOrganization": of}
    return shown


def _verified() -> Json:
    coding = {
        "system": f"{UK_CORE}/CodeSystem/UKCore-NHSNumberVerificationStatus",
        "version": "1.0.0",
        "code": "01",
        "display": "Number present and verified",
    }
    return {
        "url": f"{UK_CORE}/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "valueCodeableConcept": {"coding": [coding]},
    }


def _security(code: str) -> Json:
    words = {"U": "unrestricted", "R": "restricted"}[code]
    return {"system": CONFIDENTIALITY, "code": code, "display": words}
