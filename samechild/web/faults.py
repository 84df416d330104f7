"""Errors as answers: a page that says what to do next, or problem details (RFC 9457) for machines.

The kinds and their status stand in ``errors.py`` and nowhere else. A mistake of ours shows a reference and no detail.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from fastapi import HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from samechild.errors import (
    Conflict,
    Invalid,
    Missing,
    Refused,
    SamechildError,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from samechild.web.blocks import Block, Inset, Link, Points, Sheet, Words
from samechild.web.fhir_resources import outcome_of
from samechild.web.limits import DAILY, seconds_of
from samechild.web.render import Surroundings, html

MACHINES = ("/api/", "/oauth2/", "/health", "/ready", "/metrics")
PROBLEM = "application/problem+json"
PLAIN = "text/plain; charset=utf-8"
FHIR = "/fhir/R4"
FHIR_JSON = "application/fhir+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, for a machine (RFC 9457): ``reference`` finds the line in the log."""

    type: str
    title: str
    status: int
    detail: str
    reference: str


class WrongMethod(Invalid):
    """This address does not take that kind of request."""

    http_status = 405


class WrongMedia(Invalid):
    """The body is in a form this address does not read."""

    http_status = 415


class TooSlow(Invalid):
    """The body did not come in time."""

    http_status = 408


_TITLES: dict[type[SamechildError], tuple[str, str]] = {
    TooLarge: ("too-large", "Too much was sent at once"),
    WrongMethod: ("method", "That cannot be done here"),
    WrongMedia: ("media", "The form of what was sent cannot be read"),
    TooSlow: ("too-slow", "What was sent did not come in time"),
    Invalid: ("invalid", "Something in what was sent cannot be used"),
    Unauthenticated: ("sign-in", "Sign in first"),
    Refused: ("refused", "You may not do that"),
    Missing: ("missing", "Page not found"),
    Conflict: ("conflict", "Somebody else was quicker"),
    TooMany: ("too-many", "Too many requests"),
    Unavailable: ("unavailable", "Sorry, this does not work at the moment"),
}


_DANGER = "A child in danger now: phone 999. If you are worried about a child, phone; do not wait for this service."


def in_our_terms(error: Exception) -> SamechildError | None:
    """The error as one of ours; None when it is our own mistake."""
    if isinstance(error, SamechildError):
        return error
    if isinstance(error, StarletteHTTPException | HTTPException):
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            wrong = WrongMethod("Use one of the methods that the Allow header names.")
            wrong.add_note((error.headers or {}).get("Allow", "GET"))
            return wrong
        if error.status_code == HTTPStatus.NOT_FOUND:
            return Missing("There is no page at this address. If you typed it, check that it is right.")
        return Invalid("The request cannot be read.")
    return None


def title_of(error: SamechildError | None) -> tuple[str, str]:
    """A short code and a heading for an error."""
    for kind in type(error).__mro__ if error else ():
        if kind in _TITLES:
            return _TITLES[kind]
    return "our-mistake", "Sorry, there is a problem with the service"


def answer_to(request: Request, error: Exception) -> Response:
    """Answer an error: problem details for machines, a page for people."""
    ours = in_our_terms(error)
    reference = str(request.scope.get("state", {}).get("reference", ""))
    status = ours.http_status if ours else 500
    detail = str(ours) if ours and status != 500 else "It is our mistake. Nothing was disclosed that is not recorded."
    if request.url.path.startswith(FHIR):
        outcome = outcome_of(status, detail, reference)
        answer = Response(msgspec.json.encode(outcome), status, media_type=FHIR_JSON)
    elif DAILY in request.url.path and not wants_problem(request):
        answer = Response(detail, status, media_type=PLAIN)
    elif request.url.path.startswith(MACHINES) or DAILY in request.url.path:
        answer = machine_answer(ours, status, detail, reference)
    else:
        answer = HTMLResponse(html(error_sheet(ours, status, detail, reference), Surroundings()), status)
    if isinstance(ours, TooMany):
        answer.headers["retry-after"] = str(seconds_of(ours))
    if isinstance(ours, WrongMethod):
        answer.headers["allow"] = getattr(ours, "__notes__", ["GET"])[0]
    if isinstance(ours, Unauthenticated):
        answer.headers["www-authenticate"] = 'Bearer realm="samechild"'
    return answer


def wants_problem(request: Request) -> bool:
    """Whether the caller asks for problem details where errors are plain text otherwise."""
    return PROBLEM in request.headers.get("accept", "").lower()


def machine_answer(error: SamechildError | None, status: int, detail: str, reference: str) -> Response:
    """Problem details for a machine."""
    code, title = title_of(error)
    problem = Problem(
        type=f"urn:samechild:problem:{code}", title=title, status=status, detail=detail, reference=reference
    )
    return Response(msgspec.json.encode(problem), status, media_type=PROBLEM)


def error_sheet(error: SamechildError | None, status: int, detail: str, reference: str) -> Sheet:
    """A page for a person: what happened and what to do next."""
    _, title = title_of(error)
    blocks: list[Block] = [Words(detail)]
    if isinstance(error, Unauthenticated):
        blocks.append(Points((Link("Sign in", "/sign-in"),)))
    elif isinstance(error, Refused):
        blocks.append(Inset(_DANGER))
        blocks.append(Points((Link("Whom to phone", "/downtime"), Link("Home", "/"))))
    elif isinstance(error, Unavailable) and not isinstance(error, TooMany):
        blocks += [Words("Try again later. What you entered was not kept."), Inset(_DANGER)]
    elif status == 500:
        blocks.append(Words("Try again later. If it happens again, tell your administrator this reference."))
    else:
        blocks.append(Points((Link("Home", "/"),)))
    if reference:
        blocks.append(Words(f"Reference: {reference}"))
    return Sheet(title=title, blocks=tuple(blocks), status=status)
