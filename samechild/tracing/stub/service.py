"""The stand-in's door: a request in, a reply out, with the service's checks, limits and error codes.

Everything it needs from outside (the time, the people, the keys of the applications it knows) is given to it. It can be
told to be slow, down or busy, or to lie, so that what asks it can be tested.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec
from joserfc.jwk import KeySet

from samechild.errors import Unauthenticated
from samechild.identifiers import nhs_number
from samechild.keys.seal import Random
from samechild.tracing.stub.answers import OUTCOMES, outcome, patient, searchset
from samechild.tracing.stub.permission import check_assertion
from samechild.tracing.stub.register import WILDCARD, Register, Search

BASE_PATH = "/personal-demographics/FHIR/R4"
TOKEN_PATH = "/oauth2/token"
A_SECOND = 5
"""Requests an application may make in a second."""

LONGEST_NAME = 35
MOST_RESULTS = 50
TOKEN_LASTS = timedelta(seconds=599)

_ONCE = {"_fuzzy-match", "_exact-match", "_history", "_max-results", "family", "gender", "address-postalcode"}
_ONCE |= {"address-postcode", "general-practitioner", "email", "phone"}
_OFTEN = {"given", "birthdate", "death-date"}
_DATE = re.compile(r"(eq|ge|le)?(\d{4}-\d{2}-\d{2})\Z")
_ECHOED = ("X-Request-ID", "X-Correlation-ID")
_SEXES = ("male", "female", "other", "unknown")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came: ``target`` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Asked(method={self.method!r}, target=hidden)"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered: after ``delay`` seconds, or, with ``dropped``, nothing at all."""

    status: int
    headers: dict[str, str]
    body: bytes
    delay: float = 0.0
    dropped: bool = False


class Fault(StrEnum):
    """How the stand-in may misbehave."""

    SLOW = "slow"  # answers rightly, after a minute
    DOWN = "down"  # 503
    DROPPED = "dropped"  # closes the connection
    TIMED_OUT = "timed out"  # 408
    BUSY = "busy"  # 429 with Retry-After
    ANOTHER = "another"  # tells of another person than was asked for
    NUMBER = "number"  # tells of a number that fails its check
    KIND = "kind"  # tells of something that is no person
    COUNT = "count"  # tells of fewer than it says it found
    CUT = "cut"  # the answer breaks off
    PAGE = "page"  # a page for people, as a proxy shows
    DEEP = "deep"  # ten thousand brackets


class _Refusal(Exception):
    """Why a request is not answered: one of the service's codes. Never leaves this module."""

    def __init__(self, code: str, status: int = 0, diagnostics: str = "") -> None:
        self.code, self.diagnostics = code, diagnostics
        self.status = status or OUTCOMES[code][0]


class Service:
    """The stand-in itself: its people, whom it has let in, and how many requests it has had in the last second.

    ``applications``: the public keys of each application by its key (the API key); None asks nobody who they are.
    ``limit``: requests a second, 0 for none. ``worker`` answers as to a signed-in health worker: up to fifty results.
    """

    def __init__(
        self,
        register: Register,
        clock: Callable[[], datetime],
        random: Random,
        *,
        applications: Mapping[str, KeySet] | None = None,
        limit: int = A_SECOND,
        worker: bool = False,
    ) -> None:
        self.register, self.worker, self.limit = register, worker, limit
        self.requests = 0
        self._clock, self._random, self._applications = clock, random, applications
        self._lock = Lock()
        self._lately: deque[datetime] = deque()
        self._tokens: dict[str, datetime] = {}
        self._assertions: dict[str, datetime] = {}
        self._faults: deque[Fault] = deque()

    def misbehave(self, *faults: Fault) -> None:
        """Answer the next requests so, one each, and rightly again afterwards."""
        with self._lock:
            self._faults.extend(faults)

    def answer(self, asked: Asked) -> Reply:
        """Answer one request. Never raises."""
        url = urlsplit(asked.target)
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if url.path == TOKEN_PATH:
            return self._token(asked)
        with self._lock:
            self.requests += 1
            fault = self._faults.popleft() if self._faults else None
        try:
            reply = _faulty(fault) or self._permitted(asked.method, url.path, url.query, headers)
        except _Refusal as refusal:
            code = refusal.code
            wait = {"Retry-After": "1"} if code == "TOO_MANY_REQUESTS" else {}
            reply = _json(refusal.status, outcome(code, refusal.diagnostics), wait)
        reply = _lied(reply, fault, self.register) if fault is not None else reply
        echoed = {
            name: headers[name.lower()] for name in ("X-Request-ID", "X-Correlation-ID") if name.lower() in headers
        }
        return msgspec.structs.replace(reply, headers={**reply.headers, **echoed})

    def _permitted(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Reply:
        self._count()
        self._known(headers)
        _request_id(headers)
        parts = path.removeprefix(BASE_PATH).strip("/").split("/")
        if method != "GET" or not path.startswith(BASE_PATH) or parts[0] != "Patient" or len(parts) > 2:
            raise _Refusal("UNSUPPORTED_SERVICE")
        return self._read(parts[1]) if len(parts) == 2 else self._search(query)

    def _count(self) -> None:
        now = self._clock()
        with self._lock:
            while self._lately and now - self._lately[0] >= timedelta(seconds=1):
                self._lately.popleft()
            if self.limit and len(self._lately) >= self.limit:
                raise _Refusal("TOO_MANY_REQUESTS")
            self._lately.append(now)

    def _known(self, headers: Mapping[str, str]) -> None:
        if self._applications is None:
            return
        kind, _, token = headers.get("authorization", "").partition(" ")
        with self._lock:
            until = self._tokens.get(token)
        if kind != "Bearer" or until is None or until <= self._clock():
            raise _Refusal("ACCESS_DENIED")

    def _token(self, asked: Asked) -> Reply:
        """Give a token to an application that proves itself with a signed statement (RFC 7523)."""
        form = dict(parse_qsl(asked.body.decode("utf-8", "replace")))
        now = self._clock()
        try:
            if asked.method != "POST":
                raise Unauthenticated("A token is asked for with POST.")
            with self._lock:
                check_assertion(form, self._applications or {}, self._assertions, now)
                token = self._random(24).hex()
                self._tokens[token] = now + TOKEN_LASTS
        except Unauthenticated:
            return _json(401, {"error": "invalid_client", "error_description": "The assertion does not hold"})
        lasts = str(int(TOKEN_LASTS.total_seconds()))
        return _json(200, {"access_token": token, "expires_in": lasts, "token_type": "Bearer"})

    def _read(self, number: str) -> Reply:
        if nhs_number.check(number).value != number:
            raise _Refusal("INVALID_RESOURCE_ID")
        number = self.register.now(number)
        if number in self.register.invalidated:
            raise _Refusal("INVALIDATED_RESOURCE")
        person = self.register.people.get(number)
        if person is None:
            raise _Refusal("RESOURCE_NOT_FOUND")
        return _json(200, patient(person), {"ETag": f'W/"{person.version}"'})

    def _search(self, query: str) -> Reply:
        asked, most = read_search(query, worker=self.worker)
        found = self.register.search(asked, most)
        if found is None:
            return _json(200, outcome("TOO_MANY_MATCHES"))
        return _json(200, searchset(found, f"https://api.example.org{BASE_PATH}"))


def read_search(query: str, *, worker: bool) -> tuple[Search, int]:
    """Read the parameters of a search and how many results are wanted, with the service's own checks.

    Raises:
        _Refusal: with the code the service would answer.
    """
    given = _parameters(query)
    most = _most(given.get("_max-results", [""])[0], worker)
    flags = {name: _flag(given, name) for name in ("_fuzzy-match", "_exact-match", "_history")}
    asked = Search(
        family=_name(given, "family"),
        given=tuple(_checked_name(name, "given") for name in given.get("given", [])),
        born=_dates(given, "birthdate"),
        sex=_sex(given),
        postcode=_postcode(given),
        practice=given.get("general-practitioner", [""])[0],
        phone=given.get("phone", [""])[0],
        email=given.get("email", [""])[0],
        died=_dates(given, "death-date"),
        fuzzy=flags["_fuzzy-match"],
        exact=flags["_exact-match"],
        history=flags["_history"],
    )
    _check_enough(asked)
    return asked, most


def _parameters(query: str) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _ONCE | _OFTEN:
            raise _Refusal("ADDITIONAL_PROPERTIES", diagnostics="A parameter is not known")
        if not value:
            raise _Refusal("INVALID_VALUE", diagnostics=f"Invalid value in field '{name}'")
        given.setdefault(name, []).append(value)
    if not given:
        raise _Refusal("MISSING_VALUE", diagnostics="Not enough search parameters were provided")
    most = {"birthdate": 2, "death-date": 2, "given": 20}
    if any(len(values) > most.get(name, 1) for name, values in given.items()):
        raise _Refusal("INVALID_SEARCH_DATA")
    return given


def _most(value: str, worker: bool) -> int:
    if not value:
        return MOST_RESULTS if worker else 1
    if not value.isdecimal() or not 1 <= int(value[:4]) <= MOST_RESULTS:
        raise _Refusal("INVALID_VALUE", diagnostics="Invalid value in field '_max-results'")
    if int(value) > 1 and not worker:
        raise _Refusal("ACCESS_DENIED", status=403)
    return int(value)


def _flag(given: Mapping[str, list[str]], name: str) -> bool:
    value = given.get(name, ["false"])[0]
    if value not in ("true", "false"):
        raise _Refusal("INVALID_VALUE", diagnostics=f"Invalid value in field '{name}'")
    return value == "true"


def _name(given: Mapping[str, list[str]], field: str) -> str:
    return _checked_name(given[field][0], field) if field in given else ""


def _checked_name(name: str, field: str) -> str:
    if len(name) > LONGEST_NAME:
        raise _Refusal("INVALID_VALUE", diagnostics=f"Invalid value in field '{field}'")
    if WILDCARD in name and (name.index(WILDCARD) < 2 or name.index(WILDCARD) < len(name) - 1):
        raise _Refusal("INVALID_SEARCH_DATA", diagnostics=f"Wildcard in field '{field}'")
    return name


def _dates(given: Mapping[str, list[str]], field: str) -> tuple[date, date] | None:
    if field not in given:
        return None
    first, last = date(1850, 1, 1), date(2200, 1, 1)
    kinds = []
    for value in given[field]:
        found = _DATE.match(value)
        try:
            day = date.fromisoformat(found[2]) if found else None
        except ValueError:
            day = None
        if found is None or day is None:
            raise _Refusal("INVALID_VALUE", diagnostics=f"Invalid value in field '{field}'")
        kind = found[1] or "eq"
        kinds.append(kind)
        first = day if kind in ("eq", "ge") else first
        last = day if kind in ("eq", "le") else last
    if len(kinds) == 2 and sorted(kinds) != ["ge", "le"]:
        raise _Refusal("INVALID_SEARCH_DATA", diagnostics=f"Invalid range in field '{field}'")
    return first, last


def _sex(given: Mapping[str, list[str]]) -> str:
    value = given.get("gender", [""])[0]
    if value and value not in _SEXES:
        raise _Refusal("INVALID_VALUE", diagnostics="Invalid value in field 'gender'")
    return value


def _postcode(given: Mapping[str, list[str]]) -> str:
    if "address-postalcode" in given and "address-postcode" in given:
        raise _Refusal("INVALID_SEARCH_DATA", diagnostics="Two fields for one postcode")
    value = given.get("address-postalcode", given.get("address-postcode", [""]))[0]
    if WILDCARD in value and (value.index(WILDCARD) < 2 or not value.endswith(WILDCARD)):
        raise _Refusal("INVALID_SEARCH_DATA", diagnostics="Wildcard in field 'address-postalcode'")
    return value


def _check_enough(asked: Search) -> None:
    wildcards = [value for value in (asked.family, *asked.given, asked.postcode) if WILDCARD in value]
    if asked.fuzzy and (wildcards or asked.exact):
        raise _Refusal("INVALID_SEARCH_DATA", diagnostics="Fuzzy searches take no wildcard and are not exact")
    enough = bool(asked.family and asked.born)
    if asked.fuzzy:
        near = bool(asked.sex and asked.postcode and asked.born)
        enough = bool(asked.given and asked.family and asked.born) or (near and bool(asked.family or asked.given))
    if not enough:
        raise _Refusal("INVALID_SEARCH_DATA", diagnostics="Not enough search parameters were provided")


def _request_id(headers: Mapping[str, str]) -> None:
    value = headers.get("x-request-id", "")
    if not value:
        raise _Refusal("MISSING_VALUE", diagnostics="Missing value - 'X-Request-ID'")
    try:
        UUID(value)
    except ValueError:
        raise _Refusal("INVALID_VALUE", diagnostics="Invalid value in header 'X-Request-ID'") from None


def _json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    kind = "application/fhir+json" if "resourceType" in body else "application/json"
    return Reply(status=status, headers={"Content-Type": kind, **(headers or {})}, body=msgspec.json.encode(body))


# --- misbehaving ------------------------------------------------------------------------------------------------------


def _faulty(fault: Fault | None) -> Reply | None:
    if fault is Fault.DOWN:
        raise _Refusal("SERVER_ERROR")
    if fault is Fault.TIMED_OUT:
        raise _Refusal("UNABLE_TO_CALL_SERVICE")
    if fault is Fault.BUSY:
        raise _Refusal("TOO_MANY_REQUESTS")
    if fault is Fault.DROPPED:
        return Reply(status=500, headers={}, body=b"", dropped=True)
    if fault is Fault.PAGE:
        return Reply(status=200, headers={"Content-Type": "text/html"}, body=b"<html>Please sign in</html>")
    if fault is Fault.DEEP:
        return Reply(status=200, headers={"Content-Type": "application/fhir+json"}, body=b"[" * 10_000)
    return None


def _lied(reply: Reply, fault: Fault, register: Register) -> Reply:
    if fault is Fault.SLOW:
        return msgspec.structs.replace(reply, delay=60.0)
    if fault is Fault.CUT:
        return msgspec.structs.replace(reply, body=reply.body[: len(reply.body) // 2])
    if fault not in (Fault.ANOTHER, Fault.NUMBER, Fault.KIND, Fault.COUNT):
        return reply
    body = msgspec.json.decode(reply.body)
    patients: Sequence[dict[str, Any]] = [entry["resource"] for entry in body.get("entry", [])] or [body]
    for one in patients:
        if fault is Fault.ANOTHER:
            wrong = next((each for number, each in register.people.items() if number != one.get("id")), None)
            replacement = patient(wrong, searched=True) if wrong else dict(one)
            one.clear()
            one.update(replacement)
        elif fault is Fault.NUMBER and one.get("resourceType") == "Patient":
            one["id"] = one["identifier"][0]["value"] = "9000000000"
        elif fault is Fault.KIND:
            one["resourceType"] = "RelatedPerson"
    if fault is Fault.COUNT:
        body["total"] = int(body.get("total", 0)) + 1
    return msgspec.structs.replace(reply, body=msgspec.json.encode(body))
