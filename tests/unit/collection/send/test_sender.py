"""One batch: receipts in every form in use, refusals given to the right child, and when to try again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.stand_in import CREDENTIALS, StandIn
from samechild.collection.send.connection import Answer, meaning
from samechild.collection.send.sender import Delivered, Item, blamed_in, deliver, receipts_in
from samechild.collection.send.values import canonical
from samechild.errors import Invalid, Refused, Unauthenticated, Unavailable
from sending import Council, a_record

RECEIPT = "2026-11-22_09:04:19.87_62268a7d-e34f-4de0-8eef-f4c407965147.json"


def items(*children: dict[str, Any]) -> list[Item]:
    return [Item(child["la_child_id"], canonical(child), None) for child in children]


def sent(council: Council, *children: dict[str, Any]) -> dict[str, Delivered]:
    connection = council.connection()
    try:
        return {each.item.la_child_id: each for each in deliver(connection, items(*children))}
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("text", "count", "receipts"),
    [
        (json.dumps([RECEIPT, RECEIPT]), 2, [RECEIPT, RECEIPT]),
        (f"{RECEIPT}\n{RECEIPT}", 2, [RECEIPT, RECEIPT]),
        ('"62268a7d-e34f-4de0-8eef-f4c407965147"', 2, ["62268a7d-e34f-4de0-8eef-f4c407965147"] * 2),
        ("62268a7d-e34f-4de0-8eef-f4c407965147", 3, ["62268a7d-e34f-4de0-8eef-f4c407965147"] * 3),
        (json.dumps([RECEIPT]), 2, None),
        (json.dumps([RECEIPT, None]), 2, None),
        (json.dumps({"receipts": [RECEIPT]}), 1, None),
        ("", 1, None),
        ("<html>welcome</html>", 1, None),
        ("[" * 5000, 1, None),
    ],
)
def test_receipts_in_every_form_in_use(text: str, count: int, receipts: list[str] | None) -> None:
    assert receipts_in(text, count) == receipts


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[1] child_details.sex is longer than 1 (STR-17)\n[3] is not an object", {1, 3}),
        ("$[2].social_care_episodes[0].referral_date: not a date", {2}),
        ("[2].social_care_episodes[0].referral_date", {2}),
        ("children[2].sex", {2}),
        ("Error in item [99]", set()),
        ("Malformed", set()),
    ],
)
def test_a_refusal_names_records_not_places_in_them(text: str, named: set[int]) -> None:
    assert set(blamed_in(Answer(400, text), 5)) == named


def test_the_words_about_each_record_stay_with_it() -> None:
    found = blamed_in(Answer(400, "[1] first thing\n[3] second thing"), 5)
    assert found == {1: "[1] first thing", 3: "[3] second thing"}
    problem = {"errors": [{"position": 1, "pointer": "/child_details/sex", "rule": "STR-17", "detail": "too long"}]}
    answer = Answer(400, json.dumps(problem), content_type="application/problem+json; charset=utf-8")
    assert blamed_in(answer, 5) == {1: "STR-17: /child_details/sex too long"}


def test_the_named_are_put_aside_and_the_others_are_kept(tmp_path: Path) -> None:
    council = Council(tmp_path)
    bad = a_record("C2", details={"sex": "FEMALE"})
    found = sent(council, a_record("C1"), bad, a_record("C3"))
    assert {own for own, each in found.items() if each.kept} == {"C1", "C3"}
    assert "STR-17" in found["C2"].words
    assert found["C1"].receipt.endswith(".json")
    assert set(council.stand_in.held) == {"C1", "C3"}


def test_where_nobody_is_named_the_batch_is_halved(tmp_path: Path) -> None:
    def silent(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(400, text="Malformed payload") if b'"C05"' in request.content else None

    council = Council(tmp_path, StandIn(silent))
    found = sent(council, *(a_record(f"C{number:02d}") for number in range(16)))
    assert [own for own, each in found.items() if not each.kept] == ["C05"]
    assert found["C05"].words == "Malformed payload"
    assert council.stand_in.requests < 12


def test_too_much_at_once_is_sent_in_halves(tmp_path: Path) -> None:
    def small(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(413) if len(request.content) > 1500 else None

    found = sent(Council(tmp_path, StandIn(small)), *(a_record(f"C{number}") for number in range(8)))
    assert all(each.kept for each in found.values())
    assert len(found) == 8


@pytest.mark.parametrize(("status", "error"), [(403, Refused), (404, Invalid), (301, Invalid), (429, Unavailable)])
def test_answers_that_end_a_run(tmp_path: Path, status: int, error: type[Exception]) -> None:
    def always(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(status) if "children" in str(request.url) else None

    council = Council(tmp_path, StandIn(always), tries=3)
    with pytest.raises(error):
        sent(council, a_record("C1"))
    tried = sum(1 for _ in council.clock.slept) + 1
    assert tried == {403: 2, 429: 3}.get(status, 1)


def test_a_token_that_ran_out_is_fetched_anew_once(tmp_path: Path) -> None:
    def forgets(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        if service.requests == 2:
            service.valid.clear()
        return None

    council = Council(tmp_path, StandIn(forgets))
    assert sent(council, a_record("C1"))["C1"].kept
    assert council.stand_in.tokens == 2

    def never(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        service.valid.clear()
        return None

    with pytest.raises(Unauthenticated, match="token"):
        sent(Council(tmp_path, StandIn(never)), a_record("C1"))


def test_no_token_no_run(tmp_path: Path) -> None:
    council = Council(tmp_path)
    council.credentials = type(council.credentials)(
        **{name.lower(): value for name, value in {**CREDENTIALS, "CLIENT_SECRET": "wrong"}.items()}
    )
    with pytest.raises(Unauthenticated, match="CLIENT_SECRET") as told:
        sent(council, a_record("C1"))
    assert "wrong" not in str(told.value)


def test_the_wait_that_a_service_asks_for_is_kept(tmp_path: Path) -> None:
    def busy(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        later = {2: {"Retry-After": "7"}, 3: {"Retry-After": "Sun, 22 Nov 2026 02:00:30 GMT"}, 4: {}}
        return httpx.Response(429, headers=later[service.requests]) if service.requests in later else None

    council = Council(tmp_path, StandIn(busy))
    assert sent(council, a_record("C1"))["C1"].kept
    assert council.clock.slept[0] == 7.0
    assert council.clock.slept[1] == 23.0  # half past, seven seconds later
    assert 4.0 <= council.clock.slept[2] <= 8.0


def test_a_broken_line_is_tried_again(tmp_path: Path) -> None:
    def flaky(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        if service.requests in (2, 4):
            raise httpx.ReadError("the line broke", request=request)
        if service.requests == 3:
            raise httpx.ReadTimeout("slow", request=request)
        return None

    council = Council(tmp_path, StandIn(flaky))
    assert sent(council, a_record("C1"))["C1"].kept
    assert len(council.stand_in.posts) == 1


def test_requests_leave_a_pause(tmp_path: Path) -> None:
    council = Council(tmp_path, pause=0.4)
    connection = council.connection()
    for number in range(3):
        list(deliver(connection, items(a_record(f"C{number}"))))
    connection.close()
    assert council.clock.slept == pytest.approx([0.45, 0.45])


def test_what_is_on_the_wire(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def look(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        seen.append(request)
        return None

    sent(Council(tmp_path, StandIn(look)), a_record("C1"))
    token, post = seen
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert post.headers["supplierkey"] == CREDENTIALS["SUPPLIER_KEY"]
    assert post.headers["content-type"] == "application/json"
    assert json.loads(post.content)[0]["child_details"]["first_name"] == "Zoë"
    assert b"\\u" not in post.content  # UTF-8 as it is
    assert post.url.path.endswith("/children_social_care_data/845/children")


@pytest.mark.parametrize("status", [0, 204, 400, 401, 403, 404, 407, 413, 429, 500, 503])
def test_every_answer_has_a_meaning(status: int) -> None:
    assert "," in meaning(Answer(status, "no connection")) or status == 0
    assert meaning(Answer(500, request_id="r-1")).endswith("(request r-1)")
