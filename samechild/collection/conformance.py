"""Every case of the daily submission's specification, played against an endpoint: for who builds a service or a client.

A supplier, a region or a department that receives children's records runs it against its sandbox and learns, case by
case, whether both published clients of the sector will work with it. Cases of the specification are a *must*, what
the clients need beyond it is a *should*, and what samechild offers besides is a *may*. Only made-up children are sent,
under ids that begin with KIT, and they are purged at the end. Sources: the specification 1.0.1
(``DFE-Digital/children-in-social-care-schemas``, MIT) and what the clients do
(``data-to-insight/dfe-csc-api-data-flows``, MIT).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from samechild.collection.send.config import Credentials
from samechild.errors import Refused, Unauthenticated, Unavailable

SANDBOXES = ("sandbox", "test")
"""What stands in the address of a service for trying out."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Weight(StrEnum):
    """How much a case counts."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Became(StrEnum):
    """How a case ended; not seen: the occasion did not arise."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SEEN = "not seen"


class Said(msgspec.Struct, frozen=True):
    """What the endpoint answered: status (0: nothing), headers in lower case, text, and how long it took in seconds."""

    status: int
    headers: dict[str, str] = {}
    text: str = ""
    seconds: float = 0.0


class Case(msgspec.Struct, frozen=True):
    """One case: what is expected, and how it is played.

    ``play`` returns nothing when it went as expected, else what was wrong; :data:`NOT_SEEN` when there was no occasion.
    """

    name: str
    about: str
    weight: Weight
    expected: str
    play: Callable[[Kit], str]


class Result(msgspec.Struct, frozen=True):
    """How one case ended, and in words what was seen instead."""

    name: str
    about: str
    weight: Weight
    expected: str
    became: Became
    seen: str = ""
    seconds: float = 0.0


NOT_SEEN = "\0not seen"


class Kit:
    """What cases are played with: a line to the endpoint, a token, and made-up children of this run."""

    def __init__(self, credentials: Credentials, client: httpx.Client, run: str, *, burst: int = 0) -> None:
        self.credentials, self._client, self._run, self.burst = credentials, client, run, burst
        self._number = 0
        self._token = ""
        self.used: list[str] = []

    def new_id(self) -> str:
        """An id that no other child of any run has."""
        self._number += 1
        own = f"KIT{self._run}{self._number:04d}"[:20]
        self.used.append(own)
        return own

    def child(self, **given: Any) -> dict[str, Any]:
        """A made-up child with a name and a birth date."""
        details = {"first_name": "Conformance", "surname": "Kit", "date_of_birth": "2015-03-14", "sex": "F"}
        return {"la_child_id": self.new_id(), "child_details": details, **given}

    def ask_token(self, **changes: str) -> Said:
        """Ask for a token with the credentials, changed as given; an empty change leaves a field out."""
        told = self.credentials
        form = {
            "client_id": told.client_id,
            "client_secret": told.client_secret,
            "scope": told.scope,
            "grant_type": "client_credentials",
            **changes,
        }
        return self._ask("POST", told.token_endpoint, {}, form={k: v for k, v in form.items() if v})

    def token(self) -> str:
        """The token of this run.

        Raises:
            Unauthenticated: when none is given.
        """
        if not self._token:
            self._token = token_in(self.ask_token())
            if not self._token:
                raise Unauthenticated("No token was given, so nothing can be tried: check the credentials.")
        return self._token

    def send(
        self,
        body: Any,
        *,
        address: str = "",
        method: str = "POST",
        without: Iterable[str] = (),
        **headers: str,
    ) -> Said:
        """Send a body (bytes as they are, anything else as JSON) with the usual headers, changed as given."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        usual = {
            "Authorization": f"Bearer {self.token()}",
            "SupplierKey": self.credentials.supplier_key,
            "Content-Type": "application/json",
        }
        changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        absent = {name.lower() for name in without} | set(changed)
        sent = {name: value for name, value in usual.items() if name.lower() not in absent} | changed
        return self._ask(method, address or self.credentials.address, sent, body=content)

    def address_of(self, la_code: str) -> str:
        """The address of another authority's children."""
        return msgspec.structs.replace(self.credentials, la_code=la_code).address

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Said:
        began = time.perf_counter()
        try:
            answer = self._client.request(method, url, headers=dict(headers), data=form, content=body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Said(0, text=type(error).__name__, seconds=time.perf_counter() - began)
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Said(answer.status_code, told, answer.text[:100_000], time.perf_counter() - began)


class _Token(msgspec.Struct):
    access_token: str = ""


def token_in(said: Said) -> str:
    """The token in an answer; empty when there is none."""
    try:
        return msgspec.json.decode(said.text, type=_Token).access_token if said.status == 200 else ""
    except (msgspec.MsgspecError, RecursionError):
        return ""


def refuse_unless_for_trying(credentials: Credentials) -> None:
    """Refuse an address that does not look like one for trying out: made-up children have no place among real ones.

    Raises:
        Refused: when neither sandbox nor test stands in it, and it is not this machine.
    """
    parts = urlsplit(credentials.api_endpoint)
    if parts.hostname in _LOOPBACK or any(word in credentials.api_endpoint.lower() for word in SANDBOXES):
        return
    raise Refused(
        "The address does not look like a sandbox: made-up children are sent to one only. --anywhere does so."
    )


def play(kit: Kit, cases: Iterable[Case], say: Callable[[str, float], None] = lambda what, share: None) -> list[Result]:
    """Play cases one after the other, then purge every child that was sent.

    Raises:
        Unauthenticated: when no token is given. Unavailable: when nobody answers at all.
    """
    if kit.ask_token().status == 0:
        raise Unavailable("Nobody answers at TOKEN_ENDPOINT: check the address, the proxy and the certificates.")
    kit.token()
    every = list(cases)
    results = []
    for number, case in enumerate(every):
        say(case.about, number / len(every))
        began = time.perf_counter()
        seen = case.play(kit)
        became = Became.NOT_SEEN if seen == NOT_SEEN else Became.FAILED if seen else Became.PASSED
        seconds = round(time.perf_counter() - began, 3)
        words = "" if seen == NOT_SEEN else seen
        results.append(Result(case.name, case.about, case.weight, case.expected, became, words, seconds))
    purge(kit)
    return results


def purge(kit: Kit) -> None:
    """Ask for every child of this run to be erased again."""
    for start in range(0, len(kit.used), 100):
        kit.send([{"la_child_id": own, "purge": True} for own in kit.used[start : start + 100]])


def found_faults(results: Iterable[Result]) -> bool:
    """Whether something that must or should be so is not."""
    return any(each.became is Became.FAILED and each.weight is not Weight.MAY for each in results)
