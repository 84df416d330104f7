"""Operations of the API declared as values, and the OpenAPI 3.1 document made from them.

One declaration serves the request and the documentation, so that they cannot disagree: which statuses there are, which
types are taken and given, and who may call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from samechild.policy.sign_in.clients import SCOPES
from samechild.records.disclosure import Asker
from samechild.web.faults import PROBLEM, Problem
from samechild.web.visits import Shell

REFS = "#/components/schemas/{name}"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an operation: who calls, with what."""

    shell: Shell
    now: datetime
    named: Mapping[str, str] = {}
    asked: Mapping[str, str] = {}
    body: Any = None
    form: Mapping[str, str] = {}
    authorization: str = ""
    asker: Asker | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stands in the path, or after the question mark, with its JSON Schema."""

    name: str
    words: str
    schema: Mapping[str, Any]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. ``act`` answers a call with a value of the type ``gives``; errors are raised.

    ``body`` is the type of a JSON body, ``form`` the JSON Schema of one sent as a form; ``errors`` the statuses of
    problem details it may answer with, besides those that every operation has.
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
    tag: str = "samechild"


_ALWAYS = (400, 429, 500, 503)
_WORDS = {
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


def document(operations: tuple[Operation, ...], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of some operations."""
    types = [Problem]
    for operation in operations:
        types += [each for each in (operation.gives, operation.body, *operation.others.values()) if each is not None]
    _, components = msgspec.json.schema_components(types, ref_template=REFS)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
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


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.title,
        "description": operation.words,
        "responses": _responses(operation),
    }
    if operation.named or operation.asked:
        described["parameters"] = [
            *(_parameter(each, "path", required=True) for each in operation.named),
            *(_parameter(each, "query", required=False) for each in operation.asked),
        ]
    if operation.body is not None:
        content = {"application/json": {"schema": {"$ref": REFS.format(name=operation.body.__name__)}}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.form is not None:
        content = {"application/x-www-form-urlencoded": {"schema": dict(operation.form)}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.scope:
        described["security"] = [{"token": []}, {"oauth2": [operation.scope]}]
    return described


def _parameter(named: Named, place: str, *, required: bool) -> dict[str, Any]:
    words = {"name": named.name, "in": place, "required": required, "description": named.words}
    return {**words, "schema": dict(named.schema)}


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"200": _json("It was answered.", operation.gives)}
    errors = {*_ALWAYS, *operation.errors}
    if operation.scope:
        errors |= {401, 403}
    if operation.body is not None or operation.form is not None:
        errors |= {413, 415}
    for status in sorted(errors):
        found[str(status)] = _json(_WORDS[status], Problem, PROBLEM)
    for status, kind in operation.others.items():
        both = {**_json(_WORDS[status], Problem, PROBLEM)["content"], **_json(_WORDS[status], kind)["content"]}
        found[str(status)] = {"description": _WORDS[status], "content": both}
    for status, name in ((429, "Retry-After"), (401, "WWW-Authenticate")):
        if str(status) in found:
            found[str(status)]["headers"] = {name: {"schema": {"type": "string"}}}
    return found


def _json(words: str, kind: Any, media: str = "application/json") -> dict[str, Any]:
    return {"description": words, "content": {media: {"schema": {"$ref": REFS.format(name=kind.__name__)}}}}
