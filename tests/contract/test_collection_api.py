"""The collection's API against its own document, and as the sector's clients and everybody else speak to it."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import negative_data_rejection
from schemathesis.specs.openapi.schemas import OpenApiSchema
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collecting import a_payload
from collection_door import DAILY, Door, a_door
from documented import tried
from pages_served import UNHURRIED
from samechild.cli.tables import all_tables
from samechild.collection import store as tables
from samechild.collection.feeds import change_feed, close_feed, feed_of
from samechild.collection.processing import process
from samechild.errors import Invalid
from samechild.policy import ledger
from samechild.policy.people.actions import operator
from samechild.storage import Login
from samechild.web import bodies
from samechild.web.app import Around
from samechild.web.collection_operations import COLLECTION_OPERATIONS, daily_at
from samechild.web.collection_shapes import sent_schemas
from samechild.web.limits import LONGEST_DAILY, Pace
from samechild.web.operations import document
from stores import KINDS

PROBLEM = "application/problem+json"
NDJSON = "application/x-ndjson"
LOAD = "/api/collection/845/load"
POWERSHELL = re.compile(r"^\s*(\d{4}-\d{2}-\d{2})_(\d{2}:\d{2}:\d{2}\.\d{2})_(.+?)\.json\s*$")
"""What the published PowerShell client takes for a receipt."""


class Here:
    """The application as reached under its own name."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [*others, (b"host", b"127.0.0.1:8000")]}
        await self.app(scope, receive, send)


HERE = Here()
TAKES_ALL = ("load", "validate")
"""What answers 200 to whatever is sent: it tells what is wrong with it."""


@schemathesis.serializer(NDJSON)
def as_a_line(context: Any, value: Any) -> bytes:
    """One record on a line."""
    return json.dumps(value).encode() + b"\n"


def whole_numbers(value: Any) -> Any:
    """JSON Schema takes 12.0 for a whole number; the door does not (STR-15)."""
    if isinstance(value, list):
        return [whole_numbers(each) for each in value]
    if isinstance(value, dict):
        return {name: whole_numbers(each) for name, each in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def asked_of(most: int, *, coverage: bool) -> OpenApiSchema:
    """What the tool asks: bodies of at most so many children; ``coverage`` tries every boundary of the document too."""
    described = document(COLLECTION_OPERATIONS, "1", sent_schemas())
    for path in described["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {"content": {}})["content"].values():
                if "maxItems" in content["schema"]:
                    content["schema"]["maxItems"] = most
    made = tried(described, coverage={"enabled": coverage})
    made.app = HERE
    made.hook("map_body")(lambda context, body: whole_numbers(body))
    return made


quick, thorough = asked_of(2, coverage=False), asked_of(100, coverage=True)


@pytest.fixture(scope="module", name="door")
def the_door() -> Iterator[Door]:
    with a_door() as door:
        HERE.app = door.app
        yield door


@pytest.fixture
def own_door() -> Iterator[Door]:
    """A door for tests that change what stands behind it."""
    with a_door() as door:
        yield door


def kept(door: Door, owner: str = "council") -> int:
    """How many children are held."""
    with door.store.read(Login.CONTENT, owner) as connection:
        return len(tables.all_children(connection, owner, "", 10_000))


def wrong_in(case: Any) -> set[str]:
    """Where the tool made something that the document forbids: body, header, path, query."""
    if case.meta is None:
        return set()
    return {str(place.value) for place, made in case.meta.components.items() if made.mode.is_negative}


def called(case: Any, door: Door) -> None:
    """Call an operation with a token of the feed that the address names."""
    feed = "845-sandbox" if "sandbox" in str(case.formatted_path) else "845"
    headers = {"Authorization": f"Bearer {door.tokens[feed]}", "SupplierKey": door.given[feed].supplier_key}
    lenient = any(str(case.path).endswith(name) for name in TAKES_ALL)
    lenient = lenient or wrong_in(case) == {
        "header"
    }  # ours stand in their place, so nothing is wrong with what is sent
    case.call_and_validate(headers=headers, excluded_checks=[negative_data_rejection] if lenient else [])


@quick.parametrize()
@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_one_the_document_names(case: Any, door: Door) -> None:
    called(case, door)


@pytest.mark.slow
@thorough.parametrize()
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_to_many_requests_is_one_the_document_names(case: Any, door: Door) -> None:
    called(case, door)


# --- as both published clients speak ----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 100])
def test_each_record_gets_a_receipt_that_both_clients_read(door: Door, count: int) -> None:
    answer = door.send([a_payload(f"R{number}") for number in range(count)], accept="*/*")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    receipts = answer.json()
    assert len(set(receipts)) == len(receipts) == count
    for receipt in receipts:
        day, time, name = receipt.split("_")  # as the Python client takes it apart
        assert datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M:%S.%f")
        assert name.endswith(".json")
        assert POWERSHELL.match(receipt)


def test_no_children_get_no_receipts(door: Door) -> None:
    assert (door.send([]).status_code, door.send([]).json()) == (200, [])


def test_the_smoke_test_of_the_python_client_is_told_what_to_send(door: Door) -> None:
    answer = door.send({})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "array" in answer.text


def test_one_wrong_record_refuses_its_batch_and_is_the_only_one_marked(own_door: Door) -> None:
    wrong = a_payload("W2", episode={"referral_date": "2026-02-30"})
    answer = own_door.send([a_payload("W0"), a_payload("W1"), wrong])
    assert answer.status_code == 400
    assert answer.text.startswith("[2] in its first episode, referral_date: send a real calendar day")
    assert set(re.findall(r"\[(\d+)\]", answer.text)) == {"2"}
    assert kept(own_door) == 0


def test_more_than_a_hundred_children_are_too_many(door: Door) -> None:
    answer = door.send([{"la_child_id": f"M{number}"} for number in range(101)])
    assert (answer.status_code, "at most 100" in answer.text) == (413, True)
    long = door.send(b"[" + b" " * LONGEST_DAILY + b"]")
    assert (long.status_code, long.headers["content-type"]) == (413, "text/plain; charset=utf-8")


def test_who_has_no_token_or_a_wrong_one_is_told_so_in_text(door: Door) -> None:
    for token in ("", "Bearer", "Bearer x", "Basic eDp5"):
        answer = door.send([], authorization=token)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/plain; charset=utf-8")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    asked = door.send([], authorization="", accept=PROBLEM)
    assert (asked.status_code, asked.headers["content-type"]) == (401, PROBLEM)


def test_who_may_not_send_here_is_refused_and_learns_nothing_of_others(door: Door) -> None:
    others = "/children_social_care_data/846/children"
    answers = [
        door.send([], path=others),
        door.send([], path="/children_social_care_data/x%20y/children"),
        door.send([], path=f"/sandbox{DAILY}"),
        door.send([], supplierkey="wrong"),
        door.send([], supplierkey=""),
        door.send([], feed="845-sandbox"),
        door.send([], authorization=f"Bearer {door.issue(scope='submit', audience='collection')}", supplierkey="x"),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert not any(re.search(r"\[\d+\]", answer.text) for answer in answers)
    before = ledger.head(door.store).size
    door.send([], supplierkey="wrong")
    assert ledger.head(door.store).size == before + 1


def test_a_token_for_the_collection_is_as_good(door: Door) -> None:
    token = door.issue(audience="collection")
    assert door.send([], authorization=f"Bearer {token}").status_code == 200


def test_nothing_of_a_body_is_read_for_somebody_who_may_not_send(door: Door) -> None:
    """What is wrong with the body is not told: the refusal comes first."""
    answer = door.send(b"{", supplierkey="wrong")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "text/csv"}, 415),
        ({"content_type": "application/json; charset=utf-8"}, 200),
        ({"content_encoding": "gzip"}, 415),
        ({"content_encoding": "br"}, 415),
        ({"content_encoding": "identity"}, 200),
        ({"idempotency_key": "two words"}, 400),
        ({"idempotency_key": "x" * 300}, 400),
        ({"prefer": "respond-async, handling = lenient; x=1"}, 200),
        ({"user_agent": "Microsoft PowerShell/6.0.0", "accept_encoding": "gzip, deflate"}, 200),
    ],
    ids=str,
)
def test_headers_decide_how_it_is_taken(door: Door, headers: dict[str, str], status: int) -> None:
    assert door.send([], **headers).status_code == status


def test_other_methods_are_not_taken(door: Door) -> None:
    answer = door.client.get(DAILY)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_text_in_another_encoding_is_told_with_its_cause(door: Door) -> None:
    records = [a_payload("Z0"), a_payload("Z1", details={"first_name": "Zoë"})]
    answer = door.send(json.dumps(records, ensure_ascii=False).encode("latin-1"))
    assert answer.status_code == 400
    assert answer.text.startswith("[1] ")
    assert "PowerShell" in answer.text
    assert door.send(json.dumps(records, ensure_ascii=False).encode()).status_code == 200


def test_who_sends_without_pause_is_told_how_long_to_wait() -> None:
    with a_door(around=Around(paces={**UNHURRIED, "submission": Pace(2, 30)})) as door:
        assert [door.send([]).status_code for _ in range(3)] == [200, 200, 429]
        answer = door.send([])
        assert re.fullmatch("[1-9][0-9]*", answer.headers["retry-after"])
        assert answer.headers["content-type"].startswith("text/plain")


# --- asked for by name ------------------------------------------------------------------------------------------------


def test_problem_details_point_at_everything_that_is_wrong(door: Door) -> None:
    wrong = a_payload("P1", details={"sex": "male"}, episode={"referral_date": "x", "nonsense": 1})
    answer = door.send([a_payload("P0"), wrong], accept=f"application/json, {PROBLEM}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    told = answer.json()
    assert told["reference"] == answer.headers["x-request-id"]
    assert [(each["position"], each["pointer"], each["rule"]) for each in told["errors"]] == [
        (1, "/1/child_details/sex", "STR-17"),
        (1, "/1/social_care_episodes/0", "STR-06"),
        (1, "/1/social_care_episodes/0/referral_date", "STR-13"),
    ]
    whole = door.send({}, accept=PROBLEM).json()["errors"]
    assert [(each["position"], each["pointer"], each["rule"]) for each in whole] == [(-1, "", "STR-01")]


def test_what_can_be_taken_is_taken_where_that_is_asked_for(own_door: Door) -> None:
    records = [a_payload("L0"), {"la_child_id": "L1", "x": 1}, a_payload("L2"), a_payload("L0")]
    answer = own_door.send(records, prefer="handling=lenient")
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "handling=lenient")
    told = answer.json()
    assert [receipt is not None for receipt in told["receipts"]] == [True, False, True, True]
    assert [(each["pointer"], each["rule"]) for each in told["errors"]] == [("/1", "STR-06")]
    assert [(each["position"], each["rule"]) for each in told["flags"]] == [(3, "STR-22")]
    assert kept(own_door) == 2
    assert own_door.send([{"x": 1}], prefer="handling=lenient").status_code == 400


def test_the_same_key_and_body_are_answered_alike_and_kept_once(own_door: Door) -> None:
    first = own_door.send([a_payload("I0")], idempotency_key="night-1")
    again = own_door.send([a_payload("I0")], idempotency_key='"night-1"')
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = own_door.send([a_payload("I1")], idempotency_key="night-1")
    assert other.status_code == 409
    assert kept(own_door) == 1


def test_the_sandbox_is_the_same_and_apart(own_door: Door) -> None:
    answer = own_door.send([a_payload("S0")], path=f"/sandbox{DAILY}", feed="845-sandbox")
    assert answer.status_code == 200, answer.text
    assert (kept(own_door), kept(own_door, "council-sandbox")) == (0, 1)
    assert own_door.send([{}], path=f"/sandbox{DAILY}", feed="845-sandbox").status_code == 400


def test_ids_as_before_version_1_0_1_are_taken_where_the_feed_says_so(own_door: Door) -> None:
    now, older = own_door.now, "0f1e-2d3c_" + "A" * 26
    of = partial(a_payload, episode={"social_care_episode_id": "E1"})
    sandbox = {"path": f"/sandbox{DAILY}", "feed": "845-sandbox"}
    assert own_door.send([of(older)]).status_code == 400
    feed = feed_of(own_door.store, "845", False, now)
    change_feed(own_door.store, operator(), msgspec.structs.replace(feed, long_ids=True), now)
    assert own_door.send([of(older), a_payload("C1")]).status_code == 200
    assert own_door.send([of(older)], **sandbox).status_code == 400, "each feed by itself"
    for wrong in (f"{older}A", "A B", "A.B", ""):
        assert own_door.send([of(wrong)]).status_code == 400, wrong
    lines = json.dumps(of(f"{older[:-1]}B")).encode()
    assert lines_of(own_door.send(lines, LOAD, content_type=NDJSON))[-1]["summary"]["kept"] == 1
    assert own_door.send([of(older)], "/api/collection/845/validate").json()["errors"] == []
    process(own_door.store, all_tables(), now)
    back = own_door.ask("POST", "/api/collection/845/child", {"la_child_id": older})
    assert back.status_code == 200, back.text
    assert back.json()["child"]["la_child_id"] == older
    assert own_door.send([{"la_child_id": older, "purge": True}]).status_code == 200
    process(own_door.store, all_tables(), now)
    assert own_door.ask("POST", "/api/collection/845/child", {"la_child_id": older}).status_code == 404
    change_feed(own_door.store, operator(), feed, now)
    assert own_door.send([of(older)]).status_code == 400


def test_a_path_of_ones_own_is_answered_too() -> None:
    with a_door(collect_path="/receiver/1") as door:
        assert door.send([a_payload()], path=f"/receiver/1{DAILY}").status_code == 200
        assert door.send([], path=f"/receiver/1/sandbox{DAILY}", feed="845-sandbox").status_code == 200
        assert door.send([{}], path=f"/receiver/1{DAILY}").headers["content-type"].startswith("text/plain")
        assert door.send([]).status_code == 200
        told = door.client.get("/api/openapi.json").json()["paths"]
        assert "/receiver/1/children_social_care_data/{la_code}/children" in told
    for wrong in ("receiver", "/receiver/", "/a b", "/{x}", "//"):
        with pytest.raises(Invalid):
            daily_at(wrong)


def test_nothing_is_taken_for_a_feed_that_was_closed(own_door: Door) -> None:
    close_feed(own_door.store, operator(), "845", own_door.now)
    answer = own_door.send([a_payload()])
    assert (answer.status_code, "closed" in answer.text) == (403, True)


def test_nothing_is_taken_when_no_agreement_is_in_force(own_door: Door) -> None:
    own_door.now += timedelta(days=40)
    own_door.tokens = {name: own_door.issue(name) for name in own_door.given}
    answer = own_door.send([a_payload()])
    assert (answer.status_code, "agreement ended" in answer.text) == (403, True)
    assert own_door.send([a_payload()], path="/api/collection/845/validate").status_code == 200


# --- a first load -----------------------------------------------------------------------------------------------------


def lines_of(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


def some_lines(count: int, first: str = "B") -> bytes:
    return b"\n".join(json.dumps(a_payload(f"{first}{number}")).encode() for number in range(count)) + b"\n"


@pytest.mark.parametrize("packed", [False, True])
def test_all_records_are_loaded_line_by_line(own_door: Door, packed: bool) -> None:
    body = some_lines(230) + b'\n{"la_child_id": "A-1"}\n\xff\n{\n' + some_lines(1, "last")[:-1]
    if packed:
        half = len(body) // 2
        body = gzip.compress(body[:half]) + gzip.compress(body[half:])
    answer = own_door.send(body, LOAD, content_type=NDJSON, **({"content_encoding": "gzip"} if packed else {}))
    assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON)
    *lines, last = lines_of(answer)
    assert last["summary"] == {"lines": 234, "kept": 231, "refused": 3, "unchanged": 0, "stopped": ""}
    assert [line["line"] for line in lines] == list(range(1, 235))
    wrong = {line["line"]: line["errors"][0]["rule"] for line in lines if "errors" in line}
    assert wrong == {231: "STR-04", 232: "STR-03", 233: "STR-01"}
    assert all(POWERSHELL.match(line["receipt"]) for line in lines if line["line"] not in wrong)
    assert kept(own_door) == 231


def test_a_load_is_answered_in_one_object_where_that_is_asked_for(own_door: Door) -> None:
    answer = own_door.send(some_lines(3), LOAD, content_type=NDJSON, accept="application/json")
    assert (answer.headers["content-type"], len(answer.json()["lines"])) == ("application/json", 3)
    again = own_door.send(some_lines(3), LOAD, content_type=NDJSON, accept="application/json")
    assert again.json()["summary"]["unchanged"] == 3
    nothing = own_door.send(b"", LOAD, content_type=NDJSON)
    assert lines_of(nothing)[0]["summary"]["lines"] == 0


def test_a_load_sent_again_with_its_key_keeps_nothing_twice(own_door: Door) -> None:
    first = own_door.send(some_lines(150), LOAD, content_type=NDJSON, idempotency_key="load-1")
    again = own_door.send(some_lines(150), LOAD, content_type=NDJSON, idempotency_key="load-1")
    assert first.text == again.text
    assert kept(own_door) == 150


def test_what_was_taken_before_a_load_broke_off_is_told(own_door: Door) -> None:
    packed = gzip.compress(some_lines(400), compresslevel=0)
    answer = own_door.send(packed[: len(packed) * 3 // 4], LOAD, content_type=NDJSON, content_encoding="gzip")
    assert answer.status_code == 200
    summary = lines_of(answer)[-1]["summary"]
    assert "breaks off" in summary["stopped"]
    assert summary["kept"] == kept(own_door) == len(lines_of(answer)) - 1
    assert own_door.send(b"no gzip", LOAD, content_type=NDJSON, content_encoding="gzip").status_code == 400


def test_what_unpacks_to_too_much_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_UNPACKED", 4 * 1024 * 1024)
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    answer = door.send(bomb, LOAD, content_type=NDJSON, content_encoding="gzip")
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_endless_lines_and_endlessly_many_are_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    long = b'{"la_child_id": "' + b"A" * 3_000_000 + b'"}\n' + some_lines(1, "after")
    last = lines_of(door.send(long, LOAD, content_type=NDJSON))[-1]
    assert (last["summary"]["kept"], last["summary"]["refused"]) == (1, 1)
    monkeypatch.setattr(bodies, "MOST_LINES", 50)
    assert door.send(b"x\n" * 1000, LOAD, content_type=NDJSON).status_code == 413
    emptiness = gzip.compress(b"\n" * (bodies.MOST_BREAKS + 1))
    assert door.send(emptiness, LOAD, content_type=NDJSON, content_encoding="gzip").status_code == 413


# --- trying out and reading back --------------------------------------------------------------------------------------


def test_records_are_checked_and_nothing_is_kept(own_door: Door) -> None:
    late = a_payload("V1", episode={"closure_date": "2026-01-01", "closure_reason": "RC1"})
    answer = own_door.send([a_payload("V0"), late, {"la_child_id": "V2", "x": 1}], "/api/collection/845/validate")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["records"], [each["position"] for each in told["errors"]]) == (3, [2])
    found = [each for each in told["problems"] if each["position"] == 1]
    assert any(any("closure_date" in place for place in each["places"]) for each in found)
    assert all(each["message"] and each["mend"] for each in found)
    assert kept(own_door) == 0
    assert own_door.send({}, "/api/collection/845/validate").json()["errors"][0]["rule"] == "STR-01"
    assert own_door.send([], "/api/collection/845/validate", supplierkey="x").status_code == 403
    assert own_door.send([], "/api/collection/846/validate").status_code == 403


def test_what_is_held_is_read_back_by_whoever_sent_it() -> None:
    with a_door(index=True) as door:
        sent = a_payload("H1", episode={"closure_date": "2026-01-01", "closure_reason": "RC1"})
        answer = door.send([sent])
        process(door.store, all_tables(), door.now)
        held = door.ask("POST", "/api/collection/845/child", {"la_child_id": "H1"})
        assert held.status_code == 200, held.text
        assert held.json()["child"]["child_details"] == sent["child_details"]
        assert held.json()["problems"]
        request = door.ask("GET", f"/api/collection/845/requests/{answer.headers['x-request-id']}").json()["requests"]
        assert [(each["records"], each["changed"], each["state"]) for each in request] == [(1, 1, "done")]
        page = door.ask("GET", "/api/collection/845/errors?limit=1").json()
        rules = [each["rule"] for each in page["errors"]]
        while page["next"]:
            page = door.ask("GET", f"/api/collection/845/errors?limit=1&after={page['next']}").json()
            rules += [each["rule"] for each in page["errors"]]
        assert sorted(rules) == sorted(each["rule"] for each in held.json()["problems"])


def test_who_reads_back_learns_nothing_of_others(door: Door) -> None:
    assert door.ask("POST", "/api/collection/845/child", {"la_child_id": "NOBODY"}).status_code == 404
    request = door.send([a_payload("N1")]).headers["x-request-id"]
    mine, theirs = f"/api/collection/845/requests/{request}", f"/api/collection/845-sandbox/requests/{request}"
    assert door.ask("GET", mine).status_code == 200
    for path, feed in ((mine, "845-sandbox"), (theirs, "845"), (theirs, "845-sandbox")):
        assert door.ask("GET", path, feed=feed).status_code == 404, (path, feed)
    child = {"la_child_id": "N1"}
    assert door.ask("POST", "/api/collection/845/child", child, feed="845-sandbox").status_code in (403, 404)
    assert door.ask("GET", "/api/collection/845/errors", feed="845-sandbox").status_code in (403, 404)
    assert door.ask("GET", "/api/collection/845/errors?limit=x").status_code == 400
    assert door.ask("GET", "/api/collection/845/errors?la_child_id=N1").status_code == 400
    assert door.ask("POST", "/api/collection/845/child", {"la_child_id": "N 1"}).status_code == 400


@pytest.mark.parametrize("kind", KINDS)
def test_the_door_is_the_same_on_every_database(kind: str) -> None:
    with a_door(kind) as door:
        answers = [
            door.send([a_payload("K0"), a_payload("K1")], idempotency_key="k"),
            door.send([a_payload("K0"), a_payload("K1")], idempotency_key="k"),
            door.send([a_payload("K2"), {"x": 1}]),
            door.send([a_payload("K2"), {"x": 1}], prefer="handling=lenient"),
            door.send(some_lines(3), LOAD, content_type=NDJSON),
            door.send([a_payload("K0")], path=f"/sandbox{DAILY}", feed="845-sandbox"),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 400, 200, 200, 200]
        assert (kept(door), kept(door, "council-sandbox")) == (6, 1)


# --- nothing of a child elsewhere, and nobody holds a worker ----------------------------------------------------------


def test_no_answer_and_no_log_repeats_what_was_sent(door: Door) -> None:
    bird = "Zyxquendola"
    wrong = [
        [
            {
                "la_child_id": bird * 3,
                bird: bird,
                "child_details": {"sex": bird, "date_of_birth": bird, "first_name": [bird]},
            }
        ],
        [{"la_child_id": "A", "social_care_episodes": [{"social_care_episode_id": f"{bird} {bird}", bird: {}}]}],
        bird,
        {bird: bird},
    ]
    for body in wrong:
        for accept in ("*/*", PROBLEM):
            assert bird not in door.send(body, accept=accept).text
        assert bird not in door.send(body, "/api/collection/845/validate").text
    assert bird not in door.send(f'[{{"{bird}'.encode()).text
    assert bird not in door.send(f"{bird}\n".encode(), LOAD, content_type=NDJSON).text
    assert bird not in door.log.getvalue()


def test_a_sender_who_falls_silent_is_let_go(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LONGEST_PAUSE", 0.05)
    form = "application/x-www-form-urlencoded"
    doors = ((DAILY, "application/json"), (LOAD, NDJSON), ("/sign-in", form), ("/fhir/R4/Patient/_search", form))
    for path, media in doors:
        status, _ = asyncio.run(dribbled(door, path, media))
        assert status == 408, path


async def dribbled(door: Door, path: str, media: str) -> tuple[int, list[Message]]:
    """Send the beginning of a body, then nothing."""
    answers: list[Message] = []
    begun = False

    async def receive() -> Message:
        nonlocal begun
        if begun:
            await asyncio.sleep(3600)
        begun = True
        return {"type": "http.request", "body": b"[", "more_body": True}

    async def send(message: Message) -> None:
        answers.append(message)

    headers = {**door.headers(content_type=media), "host": "127.0.0.1:8000"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "http",
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await door.app(scope, receive, send)
    return answers[0]["status"], answers
