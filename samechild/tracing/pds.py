"""Asking the Personal Demographics Service (PDS): one question at a time, few enough, and nothing of it in any log.

A search puts a child's name into an address; that is the service's form. So requests go straight to the transport,
which writes no log, instead of through a client that logs every address; errors say what happened and never of whom.
Whatever goes wrong becomes an :class:`samechild.tracing.records.Answer` of a defined kind, never an exception with an
address in it.

Source: Personal Demographics Service FHIR API (application-restricted access), NHS England.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from threading import Lock
from uuid import UUID

import httpx
import msgspec
from joserfc.jwk import RSAKey

from samechild.errors import Unavailable
from samechild.keys.seal import Random
from samechild.tracing.bucket import Bucket
from samechild.tracing.pds_access import Access, token_form
from samechild.tracing.pds_answers import TRY_AGAIN, read_answer
from samechild.tracing.records import Answer, Answered, Query, Subject, Traced
from samechild.tracing.search_plan import plan

TRIES = 4
PATIENCE = 60.0
"""Seconds one question may take, with every wait and every further try."""

SECONDS = 10.0
"""Seconds the service may be silent before a try counts as failed."""

LARGEST = 2**20
LONGEST_NAME = 35
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
_GENDER = {"M": "male", "F": "female"}


class _NoAnswer(Exception):
    """A try that got no answer, as a code. Never leaves this module."""


class Pds:
    """A connection to the service for one application. Shared by threads.

    ``bucket`` says when a request may go, ``clock`` what time it is; ``sleep`` waits. ``transport`` is httpx's own over
    the network when left out.
    """

    def __init__(
        self,
        access: Access,
        bucket: Bucket,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        random: Random,
        *,
        key: RSAKey | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._access, self._bucket, self._key = access, bucket, key
        self._clock, self._sleep, self._random = clock, sleep, random
        self._transport = transport or httpx.HTTPTransport(proxy=access.proxy or None)
        self._lock = Lock()
        self._token = ""
        self._token_until: datetime | None = None

    def __repr__(self) -> str:
        return "Pds()"

    def ask(self, query: Query, correlation: str = "") -> Answer:
        """Ask one question and read the answer; tries again while that may help, within a minute. Never raises."""
        headers = self._headers(correlation)
        until = self._clock() + timedelta(seconds=PATIENCE)
        problem, renewed = "no-turn", False
        for number in range(1, TRIES + 1):
            if not self._wait_for_turn(until):
                return Answer(kind=Answered.DOWN, problem=problem, tries=number - 1)
            try:
                status, body, wait = self._send("GET", self._url(query), headers | self._authorised())
            except _NoAnswer as why:
                status, body, wait, problem = 0, b"", 0.0, str(why)
            if status == 401 and not renewed and self._access.application:
                renewed, self._token_until = True, None  # the token was withdrawn before its time
                continue
            if status and status not in TRY_AGAIN:
                return msgspec.structs.replace(read_answer(query, status, body), tries=number)
            if status:
                problem = read_answer(query, status, body).problem
            if not self._rest(number, wait, busy=status == 429, until=until):
                return Answer(kind=Answered.DOWN, problem=problem, tries=number)
        return Answer(kind=Answered.DOWN, problem=problem, tries=TRIES)

    def new_correlation(self) -> str:
        """A name for everything that one trace asks, for the service's own records."""
        return str(UUID(bytes=self._random(16), version=4))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _headers(self, correlation: str) -> dict[str, str]:
        """The headers of one question; tried again, it keeps its name, so that the service knows it is the same."""
        headers = {
            "Accept": "application/fhir+json",
            "X-Request-ID": str(UUID(bytes=self._random(16), version=4)),
            "X-Correlation-ID": correlation or self.new_correlation(),
        }
        organisation = self._access.organisation
        return headers | ({"NHSD-End-User-Organisation-ODS": organisation} if organisation else {})

    def _url(self, query: Query) -> httpx.URL:
        base = self._access.address.rstrip("/")
        if query.number:
            return httpx.URL(f"{base}/Patient/{query.number}")
        return httpx.URL(f"{base}/Patient", params=params_of(query))

    def _wait_for_turn(self, until: datetime) -> bool:
        try:
            now = self._clock()
            wait = self._bucket.take(now)
        except Unavailable:  # too many are waiting, or the gate's database cannot be reached
            return False
        if now + timedelta(seconds=wait) > until:
            return False
        if wait > 0:
            self._sleep(wait)
        return True

    def _rest(self, number: int, asked: float, *, busy: bool, until: datetime) -> bool:
        """Wait before the next try: as long as the service asks, else longer each time, at random; False: no time."""
        if number == TRIES:
            return False
        now = self._clock()
        most = min(FIRST_WAIT * 2 ** (number - 1), LONGEST_WAIT)
        share = (1 + int.from_bytes(self._random(2), "big")) / 65536
        wait = max(asked, most * share)
        if busy:
            with suppress(Unavailable):
                self._bucket.rest(now, asked or 1.0)
        if now + timedelta(seconds=wait) > until:
            return False
        self._sleep(wait)
        return True

    def _authorised(self) -> dict[str, str]:
        if not self._access.application or self._key is None:
            return {}
        with self._lock:
            now = self._clock()
            if self._token_until is None or now >= self._token_until:
                self._token, self._token_until = self._new_token(self._key, now)
            return {"Authorization": f"Bearer {self._token}"}

    def _new_token(self, key: RSAKey, now: datetime) -> tuple[str, datetime]:
        form = token_form(self._access, key, now, self._random)
        address = httpx.URL(self._access.token_address)
        status, body, _ = self._send("POST", address, {"Accept": "application/json"}, form)
        try:
            given = msgspec.json.decode(body, type=_Token, strict=False) if status == 200 else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            given = None
        if given is None or not given.access_token.isascii() or not given.access_token.isprintable():
            raise _NoAnswer("no-token")
        return given.access_token, now + timedelta(seconds=max(0.0, min(given.expires_in, 3600.0) - 30))

    def _send(
        self, method: str, url: httpx.URL, headers: dict[str, str], form: dict[str, str] | None = None
    ) -> tuple[int, bytes, float]:
        """Send one request: status, body, and the seconds the service asks to wait."""
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
        began = self._clock()
        try:
            request = httpx.Request(method, url, headers=headers, data=form, extensions={"timeout": timeouts})
            answer = self._transport.handle_request(request)
            try:
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise _NoAnswer("too-large")
                    if self._clock() - began > timedelta(seconds=2 * SECONDS):
                        raise _NoAnswer("too-slow")
            finally:
                answer.close()
        except httpx.TimeoutException:
            raise _NoAnswer("too-slow") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError):
            raise _NoAnswer("no-connection") from None
        return answer.status_code, body, _retry_after(answer.headers.get("Retry-After", ""))


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = 0.0


def _retry_after(written: str) -> float:
    return float(written) if written.isascii() and written.isdecimal() and len(written) < 5 else 0.0


def params_of(query: Query) -> list[tuple[str, str]]:
    """A search as the service's parameters. One result is asked for: more is not allowed without a health worker."""
    asked: list[tuple[str, str]] = []
    asked += [("_fuzzy-match", "true")] if query.fuzzy else []
    asked += [("_exact-match", "true")] if query.exact else []
    asked += [("_history", "true")] if query.history and not query.fuzzy else []
    asked.append(("_max-results", str(query.most)))
    asked += [("family", _fitting(query.family, query.fuzzy))] if query.family else []
    asked += [("given", _fitting(name, query.fuzzy)) for name in query.given]
    asked += [("gender", _GENDER[query.sex])] if query.sex in _GENDER else []
    asked += _dates(query.born)
    asked += [("address-postalcode", query.postcode)] if query.postcode else []
    asked += [("general-practitioner", query.gp_practice)] if query.gp_practice else []
    return asked


def _fitting(name: str, fuzzy: bool) -> str:
    """A name of at most 35 letters; a longer one is asked for by its beginning."""
    if len(name) <= LONGEST_NAME:
        return name
    return name[:LONGEST_NAME] if fuzzy else name[: LONGEST_NAME - 1] + "*"


def _dates(born: tuple[date, date] | None) -> list[tuple[str, str]]:
    if born is None:
        return []
    if born[0] == born[1]:
        return [("birthdate", f"eq{born[0].isoformat()}")]
    return [("birthdate", f"ge{born[0].isoformat()}"), ("birthdate", f"le{born[1].isoformat()}")]


def trace_one(client: Pds, subject: Subject, today: date) -> Traced:
    """Find one child's NHS number, with as few questions as will do. Never raises for what the service does.

    ``today`` is needed to know a baby too young to be registered. The answer is never shown to a person as it is: see
    :func:`samechild.tracing.records.told`.
    """
    correlation = client.new_correlation()
    steps = plan(subject, today)
    try:
        query = next(steps)
        while True:
            query = steps.send(client.ask(query, correlation))
    except StopIteration as end:
        found: Traced = end.value
        return found
