"""The API for machines: may I, the ledger's head and proofs, tokens, and whether this server is well.

Each operation is declared once: its types decide what is taken and what the documentation says. Bodies are strict, a
machine is known by an access token, and every answer that is not a success is problem details (RFC 9457).
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from samechild.errors import Invalid, Missing, Refused, SamechildError, Unauthenticated
from samechild.policy.sign_in.tokens import Machine, client_of
from samechild.web.api_operations import OPERATIONS
from samechild.web.attendance_operations import ATTENDANCE_OPERATIONS
from samechild.web.bodies import drained, whole
from samechild.web.collection_operations import COLLECTION_OPERATIONS, daily_at
from samechild.web.collection_shapes import sent_schemas
from samechild.web.faults import WrongMedia
from samechild.web.headers import API_PAGE
from samechild.web.index_operations import INDEX_OPERATIONS
from samechild.web.limits import Buckets
from samechild.web.operations import Call, Operation, document
from samechild.web.origins import LOOPBACK, client_of_request
from samechild.web.tracing_operations import TRACING_OPERATIONS
from samechild.web.visits import Shell
from samechild.web.watch import Counts

DOCUMENT = "/api/openapi.json"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
EVERY_OPERATION = (*OPERATIONS, *INDEX_OPERATIONS, *TRACING_OPERATIONS, *COLLECTION_OPERATIONS, *ATTENDANCE_OPERATIONS)
"""What machines may ask of every room; another room's operations are listed here."""

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def add_api(app: FastAPI, shell: Shell, buckets: Buckets, counts: Counts, metrics_token: str) -> None:
    """Add every operation, their documentation and the counts to the application."""
    operations = (*EVERY_OPERATION, *daily_at(shell.settings.collect_path))
    for operation in operations:
        endpoint = answering(operation, shell, buckets)
        app.add_api_route(operation.path, endpoint, methods=[operation.method], include_in_schema=False)
    written = msgspec.json.encode(document(operations, _version(), sent_schemas()))
    page = files("samechild.web").joinpath("templates", "api.html").read_text(encoding="utf-8")

    def metrics(request: Request) -> Response:
        if not may_read_counts(request, metrics_token):
            raise Missing("There is no page at this address.")
        return Response(counts.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_api_route(DOCUMENT, lambda: Response(written, media_type=JSON), include_in_schema=False)
    app.add_api_route(API_PAGE, lambda: HTMLResponse(page), include_in_schema=False)
    app.add_api_route("/metrics", metrics, include_in_schema=False)


def _version() -> str:
    try:
        return version("samechild")
    except PackageNotFoundError:
        return "0"


def may_read_counts(request: Request, token: str) -> bool:
    """Whether somebody may read the counts: from this machine itself, not through a proxy, or with the token."""
    given = bearer_of(request.headers.get("authorization", ""))
    if token and given and hmac.compare_digest(given.encode(), token.encode()):
        return True
    through_proxy = any(name in request.headers for name in _FORWARDED)
    return not through_proxy and client_of_request(request) in LOOPBACK


def bearer_of(authorization: str) -> str:
    """The token of an ``Authorization`` header (RFC 6750); empty when there is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def answering(operation: Operation, shell: Shell, buckets: Buckets) -> Callable[[Request], Awaitable[Response]]:
    """The function that answers calls of one operation.

    Who reads a large body itself is asked first whether the caller may send it at all; what a refused caller still
    sends is dropped, not kept.
    """

    async def answer(request: Request) -> Response:
        if operation.takes:
            return await _large(operation, shell, buckets, request)
        body = await whole(request) if operation.method == "POST" else b""
        return await run_in_threadpool(_answer, operation, shell, buckets, request, body)

    return answer


async def _large(operation: Operation, shell: Shell, buckets: Buckets, request: Request) -> Response:
    try:
        call = await run_in_threadpool(_admitted, operation, shell, buckets, request)
    except SamechildError:
        await drained(request)
        raise
    if operation.streams is not None:
        return await operation.streams(call, request)
    body = await whole(request)
    return await run_in_threadpool(_acted, operation, msgspec.structs.replace(call, raw=body))


def _admitted(operation: Operation, shell: Shell, buckets: Buckets, request: Request) -> Call:
    """The call of somebody who may send a body here, as far as can be said before it is read.

    Raises:
        WrongMedia: when it is sent in a form that is not read here.
    """
    call = _call(operation, shell, buckets, request)
    if call.asker is not None:
        buckets.take("submission", call.asker.user, time.monotonic())
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "", *(("gzip",) if operation.streams else ())):
        raise WrongMedia("Send the body as it is: it is not unpacked here.")
    if media_of(request) not in operation.takes:
        raise WrongMedia(f"Send the body as {' or '.join(operation.takes)}.")
    if operation.before is not None:
        operation.before(call)
    return call


def _answer(operation: Operation, shell: Shell, buckets: Buckets, request: Request, body: bytes) -> Response:
    call = _call(operation, shell, buckets, request)
    read, form = _body(operation, request, body), _form(operation, request, body, buckets)
    return _acted(operation, msgspec.structs.replace(call, body=read, form=form))


def _acted(operation: Operation, call: Call) -> Response:
    answer = operation.act(call)
    if isinstance(answer, Response):
        return answer
    return Response(msgspec.json.encode(answer), media_type=JSON)


def _call(operation: Operation, shell: Shell, buckets: Buckets, request: Request) -> Call:
    """Who calls, and with what but the body.

    Raises:
        TooMany, Unauthenticated, Refused: when the caller may not.
    """
    began = time.perf_counter()
    buckets.take("machine" if operation.scope else "client", client_of_request(request), time.monotonic())
    now, authorization = shell.now(), request.headers.get("authorization", "")
    asker = None
    if operation.scope:
        token = bearer_of(authorization)
        if not token:
            raise Unauthenticated("Send an access token: Authorization: Bearer, then the token of POST /oauth2/token.")
        machine = _machine(operation, shell, token, now)
        if operation.scope not in machine.scopes:
            raise Refused(f"The token does not cover this: ask for one with the scope {operation.scope}.")
        asker = machine.asker
    return Call(
        shell=shell,
        now=now,
        named=dict(request.path_params),
        asked=_asked(operation, request),
        authorization=authorization,
        asker=asker,
        headers=request.headers,
        reference=str(request.scope.get("state", {}).get("reference", "")),
        began=began,
    )


def _machine(operation: Operation, shell: Shell, token: str, now: datetime) -> Machine:
    """Whose token it is, for one of the audiences the operation answers."""
    *first, last = operation.audiences
    for audience in first:
        try:
            return client_of(shell.store, token, now, audience)
        except Unauthenticated:
            continue
    return client_of(shell.store, token, now, last)


def _asked(operation: Operation, request: Request) -> dict[str, str]:
    """Read what stands after the question mark: what the operation knows, each at most once.

    Raises:
        Invalid: when something else stands there: a value sent in an address would be written into logs on its way.
    """
    known = {each.name for each in operation.asked}
    given = request.query_params.multi_items() if known else []
    if len({name for name, _ in given}) != len(given) or not {name for name, _ in given} <= known:
        raise Invalid(f"After the question mark may stand, once each: {', '.join(sorted(known))}.")
    return dict(given)


def media_of(request: Request) -> str:
    """The form of a body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _body(operation: Operation, request: Request, body: bytes) -> object:
    """Read a JSON body strictly.

    Raises:
        WrongMedia: when it is not sent as JSON.
        Invalid: when it is not what the operation takes; the place is named, never the value.
    """
    if operation.body is None:
        return None
    if media_of(request) != JSON:
        raise WrongMedia(f"Send the body as {JSON}.")
    try:
        return msgspec.json.decode(body, type=operation.body)
    except msgspec.ValidationError as error:
        raise Invalid(f"The body is not what is asked for{_place(error)}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("The body is not JSON.") from None


def _place(error: msgspec.ValidationError) -> str:
    """Where in a body something is wrong, in the words of the type alone."""
    _, found, place = str(error).rpartition(" - at `$")
    return f": look at {'the whole' if place == '`' else place.strip('`.')}" if found else ""


def _form(operation: Operation, request: Request, body: bytes, buckets: Buckets) -> dict[str, str]:
    """Read a body sent as a form: each field at most once (RFC 6749 section 3.2)."""
    if operation.form is None:
        return {}
    if media_of(request) != FORM:
        raise WrongMedia(f"Send the body as {FORM}.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise Invalid("The form cannot be read.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise Invalid("A field may stand in the form once only.")
    form = dict(pairs)
    if form.get("client_id"):
        buckets.take("machine", form["client_id"], time.monotonic())
    return form
