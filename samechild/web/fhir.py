"""The FHIR R4 door of the index: match a patient, read one, find one by a number, and see how its records were linked.

For health systems and their suppliers. Behind it are the same actions as behind the pages and the API, so the gate
decides every answer and the ledger holds it. What may not be known answers as what is not there. Numbers and names are
sent in bodies only: ``Patient?identifier=`` is refused, ``Patient/_search`` takes it as a form.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from samechild.errors import Invalid, Missing, Refused, Unauthenticated
from samechild.index import feed, likely
from samechild.index.reading import read_child
from samechild.index.records import ChildRead
from samechild.index.telling import Changed
from samechild.policy import ledger
from samechild.policy.sign_in.tokens import client_of
from samechild.records.disclosure import Ask, Asker
from samechild.web import fhir_resources as fhir
from samechild.web.api import FORM, bearer_of, media_of
from samechild.web.bodies import whole
from samechild.web.faults import FHIR, FHIR_JSON, WrongMedia, WrongMethod
from samechild.web.fhir_patients import merged_patient, patient_of
from samechild.web.index_operations import grounds_ask
from samechild.web.index_shapes import GroundsAsked
from samechild.web.limits import Buckets
from samechild.web.origins import client_of_request
from samechild.web.visits import Shell

SCOPE = "index"
MOST = 50
USUAL = 10
ACCEPTED = (FHIR_JSON, "application/json", "*/*", "application/*")
HEADERS = {
    "purpose": "x-samechild-purpose",
    "power": "x-samechild-power",
    "basis": "x-samechild-basis",
    "condition": "x-samechild-condition",
    "confidence": "x-samechild-confidence",
}
"""Headers that say for which purpose, and resting on what; without them, keeping records of the same child together."""

SPACE = "x-samechild-space"
_CHILD = "0123456789abcdef"
Sent = TypeVar("Sent")


class NotAcceptable(Invalid):
    """The answer is asked for in a form that is not written here."""

    http_status = 406


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call: who asks, where, for what, with which body."""

    shell: Shell
    by: Asker
    ask: Ask
    space: str
    named: Mapping[str, str]
    query: Mapping[str, str]
    media: str
    body: bytes
    now: datetime

    @property
    def url(self) -> str:
        """The address of this FHIR server."""
        return f"{self.shell.address}{FHIR}"


Act = Callable[[Asked], msgspec.Struct]


def add_fhir(app: FastAPI, shell: Shell, buckets: Buckets) -> None:
    """Add the FHIR door to the application."""

    def add(method: str, path: str, act: Act) -> None:
        async def answer(request: Request) -> Response:
            body = await whole(request) if method == "POST" else b""
            return await run_in_threadpool(_answer, act, shell, buckets, request, body)

        app.add_api_route(f"{FHIR}{path}", answer, methods=[method], include_in_schema=False)

    def metadata(request: Request) -> Response:
        _acceptable(request)
        at = shell.now().isoformat(timespec="seconds")
        return _written(fhir.capability(_version(), at, f"{shell.address}{FHIR}"))

    app.add_api_route(f"{FHIR}/metadata", metadata, methods=["GET"], include_in_schema=False)
    add("POST", "/Patient/$match", match)
    add("POST", "/Patient/_search", search)
    add("GET", "/Patient", no_numbers_in_addresses)
    add("GET", "/Patient/{child}", read)
    add("GET", "/Provenance", provenance)


def _version() -> str:
    try:
        return version("samechild")
    except PackageNotFoundError:
        return "0"


def _answer(act: Act, shell: Shell, buckets: Buckets, request: Request, body: bytes) -> Response:
    buckets.take("machine", client_of_request(request), time.monotonic())
    now = shell.now()
    token = bearer_of(request.headers.get("authorization", ""))
    if not token:
        raise Unauthenticated("Send an access token: Authorization: Bearer, then the token of POST /oauth2/token.")
    machine = client_of(shell.store, token, now)
    if SCOPE not in machine.scopes:
        raise Refused(f"The token does not cover this: ask for one with the scope {SCOPE}.")
    _acceptable(request)
    given = {name: request.headers[header] for name, header in HEADERS.items() if header in request.headers}
    asked = Asked(
        shell=shell,
        by=machine.asker,
        ask=grounds_ask(machine.asker, GroundsAsked(**given), now, "fhir"),
        space=request.headers.get(SPACE, "") or machine.asker.organisation,
        named=dict(request.path_params),
        query=dict(request.query_params),
        media=media_of(request),
        body=body,
        now=now,
    )
    return _written(act(asked))


def _written(answer: Any) -> Response:
    return Response(msgspec.json.encode(answer), media_type=FHIR_JSON)


def _acceptable(request: Request) -> None:
    accepts = request.headers.get("accept", "*/*").lower()
    if not any(form in accepts for form in (*ACCEPTED, "json")):
        raise NotAcceptable(f"Answers are written as {FHIR_JSON} only.")


# --- matching ---------------------------------------------------------------------------------------------------------


def match(asked: Asked) -> fhir.Bundle:
    """Which children a patient resource may describe (``Patient/$match``), the likeliest first."""
    patient, only_certain, count = _match_asked(asked)
    found = likely.likely(asked.shell.store, asked.by, asked.space, asked.ask, fhir.fields_of(patient), MOST)
    if only_certain:
        found = [each for each in found if each.grade == likely.CERTAIN]
        found = found if len(found) == 1 else []
    entries = tuple(_matched(asked, each) for each in found[:count])
    return fhir.Bundle.searchset(entries, asked.now.isoformat(timespec="seconds"))


def _match_asked(asked: Asked) -> tuple[fhir.SentPatient, bool, int]:
    parameters = _decoded(asked, fhir.SentParameters)
    if parameters.resource_type != "Parameters":
        raise Invalid("Send a Parameters resource with the patient as its parameter named resource.")
    patients = [each.resource for each in parameters.parameter if each.name == "resource" and each.resource]
    if len(patients) != 1 or patients[0].resource_type != "Patient":
        raise Invalid("Send exactly one Patient, as the parameter named resource.")
    certain = [each.value_boolean for each in parameters.parameter if each.name == "onlyCertainMatches"]
    counts = [each.value_integer for each in parameters.parameter if each.name == "count"]
    if len(certain) > 1 or len(counts) > 1 or any(count is None or count < 1 for count in counts):
        raise Invalid("onlyCertainMatches is a valueBoolean, count a valueInteger of at least 1; each once at most.")
    return patients[0], bool(certain and certain[0]), min([*[c for c in counts if c], MOST] if counts else [USUAL])


def _matched(asked: Asked, found: likely.Likely) -> fhir.Entry:
    try:
        patient = _patient(asked, found.child)
    except (Missing, Refused):  # its existence may be known, and no more
        patient = fhir.Patient(id=found.child, active=True)
    grade = fhir.Extension(url=fhir.MATCH_GRADE, value_code=found.grade)
    search = fhir.EntrySearch(extension=(grade,), mode="match", score=round(found.probability, 6))
    return fhir.Entry(full_url=f"{asked.url}/Patient/{patient.id}", resource=patient, search=search)


# --- reading ----------------------------------------------------------------------------------------------------------


def read(asked: Asked) -> fhir.Patient:
    """A child as the asker may see it; one that was merged answers as inactive, with the child it leads to."""
    return _patient(asked, asked.named["child"])


def _patient(asked: Asked, child: str) -> fhir.Patient:
    if not child or len(child) > 64 or set(child) - set(_CHILD):
        raise Missing(ledger.NOTHING_THERE)
    found = read_child(asked.shell.store, asked.by, asked.space, child, asked.ask)
    if found.child != found.asked:
        return merged_patient(found)
    return patient_of(asked.shell.store, found, _past(asked, found).replaced, asked.now)


def _past(asked: Asked, found: ChildRead) -> feed.Past:
    keys = {held.record_key for held in found.records}
    return feed.past(asked.shell.store, asked.by, found.space, found.child, keys, asked.now)


def no_numbers_in_addresses(asked: Asked) -> msgspec.Struct:
    """Refuse a search whose values would stand in an address, and so in every log on the way."""
    wrong = WrongMethod("Search by POST to Patient/_search: a number must not stand in an address.")
    wrong.add_note("POST")
    raise wrong


def search(asked: Asked) -> fhir.Bundle:
    """Find children by one identifier, ``system|value``, sent as a form."""
    if asked.media != FORM:
        raise WrongMedia(f"Send the search as {FORM}.")
    try:
        pairs = parse_qsl(asked.body.decode("ascii"), keep_blank_values=True, max_num_fields=5, errors="strict")
    except ValueError:
        raise Invalid("The form cannot be read.") from None
    if [name for name, _ in pairs] != ["identifier"]:
        raise Invalid("Search by identifier, once: system|value.")
    system, bar, value = pairs[0][1].partition("|")
    if not bar or not value or (system not in fhir.SYSTEMS and system != fhir.CHILD):
        raise Invalid("Write the identifier as system|value, the system being one that an answer shows.")
    if system == fhir.CHILD:
        children = [value]
    else:
        field = fhir.SYSTEMS[system]
        children = likely.holding(asked.shell.store, asked.by, asked.space, asked.ask, field, value)
    entries = []
    for child in children[:MOST]:
        try:
            patient = _patient(asked, child)
        except Missing:
            continue
        matched = fhir.EntrySearch(mode="match")
        entries.append(fhir.Entry(full_url=f"{asked.url}/Patient/{patient.id}", resource=patient, search=matched))
    return fhir.Bundle.searchset(tuple(entries), asked.now.isoformat(timespec="seconds"))


# --- how it came to be ------------------------------------------------------------------------------------------------


def provenance(asked: Asked) -> fhir.Bundle:
    """How a child's records were linked: one Provenance for each event (``Provenance?target=Patient/ID``)."""
    if set(asked.query) != {"target"}:
        raise Invalid("Ask with target=Patient/ID, the child's identifier.")
    child = asked.query["target"].removeprefix("Patient/")
    if not child or len(child) > 64 or set(child) - set(_CHILD):
        raise Missing(ledger.NOTHING_THERE)
    found = read_child(asked.shell.store, asked.by, asked.space, child, asked.ask)
    entries = tuple(
        fhir.Entry(
            full_url=f"{asked.url}/Provenance/event-{change.number}",
            resource=_event(change, who, found.child),
            search=fhir.EntrySearch(mode="match"),
        )
        for change, who in _past(asked, found).changes
    )
    return fhir.Bundle.searchset(entries, asked.now.isoformat(timespec="seconds"))


def _event(change: Changed, who: str, child: str) -> fhir.Provenance:
    named = [each for each in dict.fromkeys((change.child, change.other)) if each] or [child]
    person = fhir.Reference(identifier=fhir.Identifier(system="urn:samechild:user", value=who))
    engine = fhir.Reference(display="samechild, by its linkage model")
    activity = fhir.Coding(system=fhir.ACTIVITIES, code=change.kind)
    return fhir.Provenance(
        id=f"event-{change.number}",
        target=tuple(fhir.to_child(each) for each in named),
        recorded=change.at.isoformat(timespec="milliseconds"),
        activity=fhir.Concept(coding=(activity,)),
        agent=(fhir.Agent(who=person if who else engine),),
        entity=tuple(
            fhir.Entity(
                role="source",
                what=fhir.Reference(identifier=fhir.Identifier(system="urn:samechild:record", value=move.record_key)),
            )
            for move in change.moved
        ),
    )


def _decoded(asked: Asked, kind: type[Sent]) -> Sent:
    """Read a resource that was sent; a mistake is told by its place, never by its value."""
    if asked.media not in (FHIR_JSON, "application/json"):
        raise WrongMedia(f"Send the body as {FHIR_JSON}.")
    try:
        return msgspec.json.decode(asked.body, type=kind)
    except msgspec.ValidationError as error:
        _, found, place = str(error).rpartition(" - at `$")
        where = f": look at {place.strip('`.')}" if found and place != "`" else ""
        raise Invalid(f"The resource is not what is asked for{where}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("The body is not JSON.") from None
