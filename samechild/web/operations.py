"""Operations of the API declared as values, and the OpenAPI 3.1 document made from them.

One declaration serves the request and the documentation, so that they cannot disagree: which statuses there are, which
types are taken and given, and who may call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samechild.policy.sign_in.clients import SCOPES
from samechild.policy.sign_in.tokens import API
from samechild.records.disclosure import Asker
from samechild.web.faults import PLAIN, PROBLEM, Problem
from samechild.web.visits import Shell

JSON = "application/json"
REFS = "#/components/schemas/{name}"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an operation: who calls, with what. ``raw`` is a body that the operation reads itself."""

    shell: Shell
    now: datetime
    named: Mapping[str, str] = {}
    asked: Mapping[str, str] = {}
    body: Any = None
    form: Mapping[str, str] = {}
    authorization: str = ""
    asker: Asker | None = None
    raw: bytes = b""
    headers: Mapping[str, str] = {}  # whatever case they were sent in
    reference: str = ""  # x-request-id
    began: float = 0.0  # by time.perf_counter


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stands in the path, after the question mark or in a header, with its JSON Schema."""

    name: str
    words: str
    schema: Mapping[str, Any]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. ``act`` answers a call with a value of the type ``gives``; errors are raised.

    ``body`` is the type of a JSON body, ``form`` the JSON Schema of one sent as a form; ``errors`` the statuses of
    problem details it may answer with, besides those that every operation has. ``takes`` gives the media types, with
    their JSON Schema, of a body that the operation reads itself: then ``before`` is asked before a byte of it is read.
    """

    method: str
    path: str
    name: str
    title: str
    words: str
    act: Callable[[Call], Any]
    gives: Any
    body: Any = None
    form: Mapping[str, Any] | None = None
    named: tuple[Named, ...] = ()
    asked: tuple[Named, ...] = ()  # what may stand after the question mark: never a value of a record
    errors: tuple[int, ...] = ()
    others: Mapping[int, Any] = {}  # statuses answered with a type of their own
    scope: str = ""  # of the access token it needs; empty: anybody may call
    audiences: tuple[str, ...] = (API,)  # whom the token may be for
    tag: str = "samechild"
    takes: Mapping[str, Mapping[str, Any]] = {}
    before: Callable[[Call], Any] | None = None
    streams: Callable[[Call, Request], Awaitable[Response]] | None = None  # instead of ``act``, as the body comes
    headers: tuple[Named, ...] = ()
    needed: tuple[str, ...] = ()  # headers that must be sent
    gives_also: Mapping[str, Any] = {}  # other forms of the answer
    plain: bool = False  # errors are plain text unless problem details are asked for
    refusals: Any = Problem  # the problem details of a body that cannot be used


_ALWAYS = (400, 429, 500, 503)
_WORDS = {
    408: "The body did not come in time.",
    400: "Something in the request cannot be used; the answer says what.",
    401: "No access token, or one that does not hold.",
    403: "The token holds and does not cover this.",
    404: "No such thing, as far as the caller may know.",
    409: "Somebody else was quicker: look again and resubmit.",
    413: "More was sent than is taken at once.",
    415: "The body is in a form that is not read here.",
    429: "Too many requests: wait as long as Retry-After says.",
    500: "A mistake of ours; the answer holds a reference and no detail.",
    503: "Try again later.",
}


def document(
    operations: tuple[Operation, ...], version: str, more: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of some operations; ``more`` are schemas that bodies they read themselves refer to."""
    kinds = list(dict.fromkeys(kind for operation in operations for kind in _kinds(operation)))
    found, components = msgspec.json.schema_components(kinds, ref_template=REFS)
    components |= {name: dict(schema) for name, schema in (more or {}).items()}
    schemas: Schemas = dict(zip(kinds, found, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schemas)
    bearer = {"type": "http", "scheme": "bearer", "description": "An access token of POST /oauth2/token."}
    flow = {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": dict(SCOPES)}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "samechild",
            "version": version,
            "summary": "May this be disclosed, and does it stand in the ledger?",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": bearer, "oauth2": {"type": "oauth2", "flows": flow}},
        },
    }


Schemas = Mapping[Any, Mapping[str, Any]]


def _kinds(operation: Operation) -> list[Any]:
    """The types of an operation's bodies and answers."""
    some = (operation.gives, operation.body, operation.refusals, Problem)
    return [each for each in (*some, *operation.others.values(), *operation.gives_also.values()) if each is not None]


def _described(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.title,
        "description": operation.words,
        "responses": _responses(operation, schemas),
    }
    if operation.named or operation.asked or operation.headers:
        described["parameters"] = [
            *(_parameter(each, "path", required=True) for each in operation.named),
            *(_parameter(each, "query", required=False) for each in operation.asked),
            *(_parameter(each, "header", required=each.name in operation.needed) for each in operation.headers),
        ]
    content = {media: {"schema": dict(schema)} for media, schema in operation.takes.items()}
    if operation.body is not None:
        content = {"application/json": {"schema": dict(schemas[operation.body])}}
    if operation.form is not None:
        content = {"application/x-www-form-urlencoded": {"schema": dict(operation.form)}}
    if content:
        described["requestBody"] = {"required": True, "content": content}
    if operation.scope:
        described["security"] = [{"token": []}, {"oauth2": [operation.scope]}]
    return described


def _parameter(named: Named, place: str, *, required: bool) -> dict[str, Any]:
    words = {"name": named.name, "in": place, "required": required, "description": named.words}
    return {**words, "schema": dict(named.schema)}


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    also = {media: schemas[kind] for media, kind in operation.gives_also.items()}
    found: dict[str, Any] = {"200": _answer("It was answered.", {JSON: schemas[operation.gives], **also})}
    errors = {*_ALWAYS, *operation.errors}
    if operation.scope:
        errors |= {401, 403}
    if operation.body is not None or operation.form is not None or operation.takes:
        errors |= {408, 413, 415}
    for status in sorted(errors):
        kind = operation.refusals if status in (400, 413) else Problem
        forms = {PROBLEM: schemas[Problem] if kind is Problem else {"anyOf": [schemas[kind], schemas[Problem]]}}
        if operation.plain:
            forms[PLAIN.partition(";")[0]] = {"type": "string"}
        found[str(status)] = _answer(_WORDS[status], forms)
    for status, kind in operation.others.items():
        found[str(status)] = _answer(_WORDS[status], {PROBLEM: schemas[Problem], JSON: schemas[kind]})
    for status, name in ((429, "Retry-After"), (401, "WWW-Authenticate")):
        if str(status) in found:
            found[str(status)]["headers"] = {name: {"schema": {"type": "string"}}}
    return found


def _answer(words: str, forms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"description": words, "content": {media: {"schema": dict(schema)} for media, schema in forms.items()}}
