"""The cases of the conformance kit: what must be let in, what must be taken, what must be refused, and in which words.

Each case is one declaration; a new one costs one entry. What is refused names the STR rule of the catalogue that it
breaks, so that a supplier finds the same words there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from samechild.collection.conformance import NOT_SEEN, Case, Kit, Said, Weight, token_in
from samechild.collection.conformance_records import BROKEN, EXAMPLE, an_episode, changed, details

MUST, SHOULD, MAY = Weight.MUST, Weight.SHOULD, Weight.MAY

RECEIPT = re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}:\d{2}:\d{2}\.\d{2}_[^_\s]+\.json")
"""A receipt as both published clients read it."""

_BRACKETS = re.compile(r"\[(\d+)\]")
_WAIT = 20.0
"""Seconds: so long the PowerShell client waits for an answer."""


def _is(said: Said, *statuses: int) -> str:
    return "" if said.status in statuses else _seen(said)


def _seen(said: Said) -> str:
    return f"status {said.status}" if said.status else f"no answer ({said.text})"


def receipts(said: Said, count: int) -> str:
    """Whether an answer holds a receipt for each record as both clients read it; else what is wrong."""
    if said.status != 200:
        return _seen(said)
    try:
        told = json.loads(said.text)
    except ValueError:
        return "the body is not JSON"
    if not isinstance(told, list):
        return "the body is not a JSON array (the Python client marks every record as failed)"
    if len(told) != count:
        return f"{len(told)} receipts for {count} records"
    if not all(isinstance(each, str) and RECEIPT.fullmatch(each) for each in told):
        return "a receipt is not YYYY-MM-DD_HH:MM:SS.ff_ID.json with two digits of a second"
    return ""


# --- who is let in ----------------------------------------------------------------------------------------------------


def _token_cases() -> Iterable[Case]:
    def given(kit: Kit) -> str:
        return "" if token_in(kit.ask_token()) else "no access_token in the answer"

    def refused(**changes: str) -> Callable[[Kit], str]:
        return lambda kit: _is(kit.ask_token(**changes), 400, 401)

    about = "token"
    yield Case("TOK-01", about, MUST, "client id and secret in the form give an access_token", given)
    yield Case("TOK-02", about, MUST, "a wrong secret gives 400 or 401", refused(client_secret="wrong"))
    yield Case("TOK-03", about, MUST, "an unknown client gives 400 or 401", refused(client_id="nobody"))
    yield Case("TOK-04", about, SHOULD, "no grant type gives 400", refused(grant_type=""))
    yield Case("TOK-05", about, SHOULD, "another grant type gives 400", refused(grant_type="password"))


def _who_cases() -> Iterable[Case]:
    def asked(*statuses: int, **how: Any) -> Callable[[Kit], str]:
        return lambda kit: _is(kit.send([], **how), *statuses)

    def elsewhere(la_code: str, *statuses: int) -> Callable[[Kit], str]:
        return lambda kit: _is(kit.send([], address=kit.address_of(la_code)), *statuses)

    def challenged(kit: Kit) -> str:
        said = kit.send([], without=["Authorization"])
        return "" if "www-authenticate" in said.headers else "no WWW-Authenticate header"

    def any_letters(kit: Kit) -> str:
        key = kit.credentials.supplier_key
        return receipts(kit.send([kit.child()], without=["SupplierKey"], SUPPLIERKEY=key), 1)

    def other_authority(kit: Kit) -> str:
        return elsewhere("999" if kit.credentials.la_code != "999" else "998", 401, 403, 404)(kit)

    about = "who is let in"
    yield Case("WHO-01", about, MUST, "no token gives 401", asked(401, without=["Authorization"]))
    yield Case("WHO-02", about, SHOULD, "401 says how to sign in (WWW-Authenticate)", challenged)
    yield Case("WHO-03", about, MUST, "a made-up token gives 401", asked(401, Authorization="Bearer x.y.z"))
    yield Case("WHO-04", about, MUST, "no SupplierKey gives 401 or 403", asked(401, 403, without=["SupplierKey"]))
    yield Case("WHO-05", about, MUST, "a wrong SupplierKey gives 401 or 403", asked(401, 403, SupplierKey="x"))
    yield Case("WHO-06", about, MUST, "SupplierKey in any letters is read", any_letters)
    yield Case("WHO-07", about, MUST, "another authority gives 403 (STR-21)", other_authority)
    yield Case("WHO-08", about, MUST, "an authority of four digits is not taken", elsewhere("1000", 400, 403, 404))
    yield Case("WHO-09", about, SHOULD, "an authority in letters is not taken", elsewhere("abc", 400, 403, 404))
    yield Case("WHO-10", about, SHOULD, "GET gives 404 or 405", asked(404, 405, method="GET"))


# --- what is taken ----------------------------------------------------------------------------------------------------


def _taken_cases() -> Iterable[Case]:
    def takes(make: Callable[[Kit], Any], count: int = 1) -> Callable[[Kit], str]:
        return lambda kit: receipts(kit.send(make(kit)), count)

    def with_sections(**sections: Any) -> Callable[[Kit], str]:
        return takes(lambda kit: [kit.child(**sections)])

    def as_bytes(encode: Callable[[list[dict[str, Any]]], bytes]) -> Callable[[Kit], str]:
        return takes(lambda kit: encode([kit.child(child_details={"first_name": "Zoë", "surname": "Łoś"})]))

    bare = an_episode(child_in_need_plans=[{"child_in_need_plan_id": "P1"}], section_47_assessments=[])
    about = "what is taken"
    cases: list[tuple[Weight, str, Callable[[Kit], str]]] = [
        (MUST, "a child's id alone", takes(lambda kit: [{"la_child_id": kit.new_id()}])),
        (MUST, "a record with every field", takes(lambda kit: [{"la_child_id": kit.new_id(), **EXAMPLE}])),
        (MUST, "a hundred children at once", takes(lambda kit: [kit.child() for _ in range(100)], 100)),
        (MUST, "unknown codes (they are for the data team, not for the door)",
         with_sections(social_care_episodes=[an_episode(referral_source="BB", closure_reason="ZZZ")])),
        (MUST, "items by their id alone, and empty lists", with_sections(social_care_episodes=[bare])),
        (MUST, "an id of 36 letters, digits, _ and -",
         with_sections(social_care_episodes=[{"social_care_episode_id": "A_b-" * 9}])),
        (MUST, "a worker's id alone", with_sections(
            social_care_episodes=[an_episode(care_worker_details=[{"worker_id": "W1"}])])),
        (MUST, "a purge of a child that is not known",
         takes(lambda kit: [{"la_child_id": kit.new_id(), "purge": True}])),
        (MUST, "a purge of one section", with_sections(social_care_episodes=[an_episode(adoption={"purge": True})])),
        (SHOULD, "a purge whose second id is null, as one client sends it",
         takes(lambda kit: [{"la_child_id": kit.new_id(), "mis_child_id": None, "purge": True}])),
        (SHOULD, "an empty array", takes(lambda kit: [], 0)),
        (MUST, "names beyond ASCII as UTF-8",
         as_bytes(lambda children: json.dumps(children, ensure_ascii=False).encode())),
        (MUST, "names beyond ASCII as escapes", as_bytes(lambda children: json.dumps(children).encode())),
        (MUST, "JSON over several lines", as_bytes(lambda children: json.dumps(children, indent=4).encode())),
        (MAY, "a byte order mark in front", as_bytes(lambda children: b"\xef\xbb\xbf" + json.dumps(children).encode())),
    ]  # fmt: skip
    for number, (weight, words, played) in enumerate(cases, start=1):
        yield Case(f"TAK-{number:02d}", about, weight, f"taken: {words}", played)


def _receipt_cases() -> Iterable[Case]:
    def different(kit: Kit) -> str:
        said = kit.send([kit.child() for _ in range(5)])
        wrong = receipts(said, 5)
        return wrong or ("" if len(set(json.loads(said.text))) == 5 else "receipts repeat")

    def json_told(kit: Kit) -> str:
        said = kit.send([kit.child()])
        told = said.headers.get("content-type", "none")
        return "" if told.startswith("application/json") else f"Content-Type {told}"

    def named(kit: Kit) -> str:
        names = ("x-request-id", "request-id", "x-correlation-id")
        said = kit.send([kit.child()])
        return "" if any(name in said.headers for name in names) else "no x-request-id"

    def named_when_refused(kit: Kit) -> str:
        said = kit.send([{"la_child_id": "not an id"}])
        return "" if "x-request-id" in said.headers else "no x-request-id"

    def quick(kit: Kit) -> str:
        said = kit.send([{"la_child_id": kit.new_id(), **EXAMPLE} for _ in range(100)])
        return receipts(said, 100) or ("" if said.seconds < _WAIT else f"{said.seconds:.1f} seconds")

    about = "receipts"
    yield Case("REC-01", about, MUST, "each record has a receipt of its own", different)
    yield Case("REC-02", about, SHOULD, "receipts are application/json", json_told)
    yield Case("REC-03", about, SHOULD, "an answer names the request (x-request-id)", named)
    yield Case("REC-04", about, SHOULD, "a refusal names the request", named_when_refused)
    yield Case("REC-05", about, MUST, f"a hundred full records are answered within {_WAIT:.0f} seconds", quick)


# --- what is refused --------------------------------------------------------------------------------------------------


def _refused_cases() -> Iterable[Case]:
    def refuses(change: Callable[[dict[str, Any]], Any]) -> Callable[[Kit], str]:
        def played(kit: Kit) -> str:
            batch: list[Any] = [kit.child() for _ in range(4)]
            batch[2] = change(batch[2])
            said = kit.send(batch)
            if said.status != 400:
                return _seen(said)
            named = set(_BRACKETS.findall(said.text))
            return "" if named == {"2"} else f"brackets name {', '.join(sorted(named)) or 'nobody'}, not 2 alone"

        return played

    for number, (rule, words, change) in enumerate(BROKEN, start=1):
        yield Case(
            f"REF-{number:02d}", "what is refused", MUST, f"400 that names record 2: {words} ({rule})", refuses(change)
        )


def _whole_cases() -> Iterable[Case]:
    def sent(body: Any, *statuses: int, **headers: str) -> Callable[[Kit], str]:
        return lambda kit: _is(kit.send(body, **headers), *statuses)

    def too_many(kit: Kit) -> str:
        return _is(kit.send([kit.child() for _ in range(101)]), 413, 400)

    def latin(kit: Kit) -> str:
        child = kit.child(child_details={"first_name": "Zoë"})
        return _is(kit.send(json.dumps([child], ensure_ascii=False).encode("iso-8859-1")), 400)

    def cut_short(kit: Kit) -> str:
        return _is(kit.send(msgspec.json.encode([kit.child()])[:-9]), 400)

    def nothing_kept(kit: Kit) -> str:
        """A refused batch is refused whole: its good children come again and are taken once more."""
        good = kit.child()
        kit.send([good, {"la_child_id": "not an id"}])
        return receipts(kit.send([good]), 1)

    def two_named(kit: Kit) -> str:
        batch: list[Any] = [kit.child() for _ in range(12)]
        batch[1], batch[10] = changed(purge=0)(batch[1]), details(sex="FEMALE")(batch[10])
        said = kit.send(batch)
        named = set(_BRACKETS.findall(said.text))
        if said.status != 400:
            return _seen(said)
        return "" if named == {"1", "10"} else f"brackets name {', '.join(sorted(named)) or 'nobody'}, not 1 and 10"

    def early(kit: Kit) -> str:
        """One client keeps the first 500 characters, with its own words in front."""
        batch: list[Any] = [kit.child() for _ in range(3)]
        batch[1] = details(sex="FEMALE")(batch[1])
        text = kit.send(batch).text[:450]
        return "" if "[1]" in text and "sex" in text else "the first 450 characters name neither record nor field"

    about = "the request as a whole"
    cases: list[tuple[Weight, str, Callable[[Kit], str]]] = [
        (MUST, "an object in place of an array gives 400 (STR-01)", sent({}, 400)),
        (MUST, "null gives 400 (STR-01)", sent(b"null", 400)),
        (MUST, "an empty body gives 400 (STR-01)", sent(b"", 400)),
        (MUST, "JSON that breaks off gives 400 (STR-01)", cut_short),
        (MUST, "a number that is none gives 400", sent(b'[{"la_child_id":NaN}]', 400)),
        (MUST, "a hundred and one children give 413 (STR-02)", too_many),
        (MUST, "ISO-8859-1 gives 400 (STR-03)", latin),
        (MUST, "deep nesting gives 400 and no failure", sent(b"[" * 100_000, 400, 413)),
        (SHOULD, "ten megabytes give 413", sent(b"[" + b" " * 10_000_000 + b"]", 413, 400)),
        (SHOULD, "compressed content that is none gives 400 or 415", sent(b"[]", 400, 415, Content_Encoding="gzip")),
        (SHOULD, "a form gives 400 or 415", sent(b"a=b", 400, 415, Content_Type="application/x-www-form-urlencoded")),
        (MAY, "the same property twice gives 400", sent(b'[{"la_child_id":"KIT1","la_child_id":"KIT2"}]', 400)),
        (MUST, "two failing children are both named, and nobody else", two_named),
        (SHOULD, "record and field stand in the first 450 characters", early),
        (MUST, "a refused batch may be sent again without the failing child", nothing_kept),
    ]
    for number, (weight, words, played) in enumerate(cases, start=1):
        yield Case(f"REQ-{number:02d}", about, weight, words, played)


# --- again and again --------------------------------------------------------------------------------------------------


def _again_cases() -> Iterable[Case]:
    def twice(kit: Kit) -> str:
        batch = [kit.child() for _ in range(3)]
        return receipts(kit.send(batch), 3) or receipts(kit.send(batch), 3)

    def changes(kit: Kit) -> str:
        whole = {"la_child_id": kit.new_id(), **EXAMPLE}
        episode = {
            "social_care_episode_id": "ABC123456",
            "child_in_need_plans": [{"child_in_need_plan_id": "ABC123456"}],
        }
        part = {name: whole[name] for name in ("la_child_id", "mis_child_id", "child_details")}
        return receipts(kit.send([whole]), 1) or receipts(kit.send([{**part, "social_care_episodes": [episode]}]), 1)

    def once(kit: Kit) -> str:
        body, name = msgspec.json.encode([kit.child()]), kit.new_id()
        one, two = kit.send(body, Idempotency_Key=name), kit.send(body, Idempotency_Key=name)
        return receipts(one, 1) or ("" if two.text == one.text else "other receipts the second time")

    def once_for_one(kit: Kit) -> str:
        name = kit.new_id()
        kit.send([kit.child()], Idempotency_Key=name)
        return _is(kit.send([kit.child()], Idempotency_Key=name), 409, 400, 422)

    def problem(kit: Kit) -> str:
        said = kit.send([kit.child(), {"la_child_id": ""}], Accept="application/problem+json")
        told = said.headers.get("content-type", "none")
        return "" if told.startswith("application/problem+json") else f"Content-Type {told}"

    def partly(kit: Kit) -> str:
        said = kit.send([kit.child(), {"la_child_id": ""}], Prefer="handling=lenient")
        return _is(said, 200)

    def too_often(kit: Kit) -> str:
        for _ in range(kit.burst):
            said = kit.send([])
            if said.status == 429:
                wait = said.headers.get("retry-after", "")
                return "" if wait.isdigit() else f"Retry-After is {wait or 'not there'}, not whole seconds"
            if said.status != 200:
                return _seen(said)
        return NOT_SEEN

    about = "again and again"
    yield Case("AGN-01", about, MUST, "the same batch twice is taken twice", twice)
    yield Case("AGN-02", about, MUST, "a record of changes is taken after the whole one", changes)
    yield Case("AGN-03", about, MAY, "the same Idempotency-Key gives the same receipts", once)
    yield Case("AGN-04", about, MAY, "the same Idempotency-Key with another body is refused", once_for_one)
    yield Case("AGN-05", about, MAY, "problem details where Accept asks for them (RFC 9457)", problem)
    yield Case("AGN-06", about, MAY, "what can be taken is taken where Prefer asks for it (RFC 7240)", partly)
    yield Case("AGN-07", about, SHOULD, "429 says in whole seconds when to come again (Retry-After)", too_often)


def all_cases() -> tuple[Case, ...]:
    """Every case, in the order in which they are played."""
    makers = (_token_cases, _who_cases, _taken_cases, _receipt_cases, _refused_cases, _whole_cases, _again_cases)
    return tuple(case for make in makers for case in make())
