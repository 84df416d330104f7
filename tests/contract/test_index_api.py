"""The API of the index against its own document, and what it does: the same actions, for machines, through the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from starlette.types import ASGIApp, Receive, Scope, Send

from documented import tried
from index_machine import SCOPES, Machine
from pages_served import served
from samechild.policy import ledger
from samechild.web.index_operations import INDEX_OPERATIONS
from samechild.web.operations import document

READ = {"forename": "Siskin", "surname": "Readworthy", "date_of_birth": "2009-07-31", "nhs_number": "9990000018"}


class Here:
    """The application as reached under its own name."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [*others, (b"host", b"127.0.0.1:8000")]}
        await self.app(scope, receive, send)


HERE = Here()
schema = tried(document(INDEX_OPERATIONS, "1"))
schema.app = HERE


@pytest.fixture(scope="module", name="machine")
def a_machine() -> Iterator[Machine]:
    with served() as server:
        HERE.app = server.app
        yield Machine(server)


@schema.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_one_the_document_names(case: Any, machine: Machine) -> None:
    if case.query and "wait" in case.query:
        case.query = {**case.query, "wait": "0"}
    case.call_and_validate(headers={"Authorization": f"Bearer {machine.token}"})


def test_a_record_is_found_its_child_and_sent_again_changes_nothing(machine: Machine) -> None:
    one = machine.send("a1", surname="Heronsworth")
    again = machine.send("a1", surname="Heronsworth")
    other = machine.send("b1", source="school", surname="Heronsworth")
    assert (one["outcome"], again["outcome"], other["outcome"]) == ("new", "kept", "joined")
    assert one["child"] == again["child"] == other["child"]
    assert other["candidates"][0]["evidence"]


def test_a_child_is_read_under_the_gate_with_entries(machine: Machine) -> None:
    child = machine.send("a2", **READ)["child"]
    before = ledger.head(machine.server.store).size
    answer = machine.ask("POST", f"/api/v1/index/children/{child}/read", {})
    assert answer.status_code == 200, answer.text
    record = answer.json()["records"][0]
    assert (record["values"]["surname"], record["values"]["nhs_number"]) == ("Readworthy", "9990000018")
    assert ledger.head(machine.server.store).size > before
    for purpose in ("research", "safeguarding"):
        asked = {"grounds": {"purpose": purpose}}
        assert machine.ask("POST", f"/api/v1/index/children/{child}/read", asked).status_code == 404
    assert machine.ask("POST", f"/api/v1/index/children/{'0' * 32}/read", {}).status_code == 404


def test_a_child_is_searched_for_with_reasons_that_repeat_nothing(machine: Machine) -> None:
    child = machine.send("s1", forename="Brambling", surname="Searchworthy", date_of_birth="2008-08-08")["child"]
    found = machine.ask("POST", "/api/v1/index/search", {"text": "brambling serchworthy 2008"}).json()
    assert [hit["child"] for hit in found["hits"]][:1] == [child]
    assert found["hits"][0]["reasons"]
    assert "earchworthy" not in str(found)
    nothing = machine.ask("POST", "/api/v1/index/search", {"text": "?"}).json()
    assert nothing["hits"] == []
    assert nothing["advice"]
    elsewhere = machine.ask("POST", "/api/v1/index/search", {"text": "Wren", "space": "elsewhere"})
    assert elsewhere.status_code == 404


def test_children_are_joined_parted_and_put_back(machine: Machine) -> None:
    one = machine.send("a3", forename="Linnet", surname="Aldersey", date_of_birth="2011-01-01")
    other = machine.send("a4", forename="Robin", surname="Birkdale", date_of_birth="2012-02-02")
    merged = machine.ask(
        "POST", f"/api/v1/index/children/{one['child']}/merge", {"gone": other["child"], "note": "one child"}
    )
    assert merged.status_code == 200, merged.text
    read = machine.ask("POST", f"/api/v1/index/children/{other['child']}/read", {}).json()
    assert (read["asked"], read["child"], len(read["records"])) == (other["child"], one["child"], 2)
    undone = machine.ask("POST", f"/api/v1/index/events/{merged.json()['number']}/undo", {"note": "two children"})
    assert undone.status_code == 200, undone.text
    read = machine.ask("POST", f"/api/v1/index/children/{other['child']}/read", {}).json()
    assert (read["child"], len(read["records"])) == (other["child"], 1)
    apart = {"other": other["record_key"], "note": "cousins"}
    assert machine.ask("POST", f"/api/v1/index/records/{one['record_key']}/part", apart).status_code == 200
    asked = {"gone": other["child"], "note": "one child"}
    assert machine.ask("POST", f"/api/v1/index/children/{one['child']}/merge", asked).status_code == 409
    assert machine.ask("POST", f"/api/v1/index/records/{one['record_key']}/allow", apart).status_code == 200
    assert machine.ask("POST", f"/api/v1/index/children/{one['child']}/merge", asked).status_code == 200


def test_changes_are_followed_by_cursor(machine: Machine) -> None:
    machine.send("a5", surname="Followworth")
    page = machine.ask("GET", "/api/v1/index/changes?after=0&limit=2").json()
    assert len(page["changes"]) <= 2
    while page["more"]:
        page = machine.ask("GET", f"/api/v1/index/changes?after={page['next']}").json()
    last = page["next"]
    assert machine.ask("GET", f"/api/v1/index/changes?after={last}").json()["changes"] == []
    machine.send("a6", surname="Newworth")
    assert machine.ask("GET", f"/api/v1/index/changes?after={last}&wait=1").json()["changes"]
    for asked, status in (
        ("after=x", 400),
        ("after=999999999", 409),
        ("after=0&space=elsewhere", 404),
        ("after=0&after=1", 400),
        ("name=Wren", 400),
        ("wait=21", 400),
    ):
        assert machine.ask("GET", f"/api/v1/index/changes?{asked}").status_code == status, asked


def test_each_operation_needs_its_own_scope(machine: Machine) -> None:
    for operation in INDEX_OPERATIONS:
        others = " ".join(scope for scope in SCOPES if scope != operation.scope)
        narrow = machine.issue(scope=others)
        path = operation.path.replace("{child}", "0" * 32).replace("{record_key}", "0" * 32).replace("{number}", "1")
        answer = machine.ask(operation.method, path, {}, authorization=f"Bearer {narrow}")
        assert answer.status_code == 403, operation.name


@pytest.mark.parametrize(
    "record",
    [
        {"record_id": "x", "given": {"surname": "Secretworth", "shoe_size": "3"}},
        {"record_id": "", "given": {"surname": "Secretworth"}},
        {"record_id": "x", "given": {}},
        {"record_id": "x", "given": {"surname": "Secret\x00worth"}},
        {"record_id": "x", "given": {"surname": "Secretworth"}, "signs": ["E11; DROP"]},
        {"record_id": "x", "given": {"surname": "Secretworth"}, "changed_on": "yesterday"},
        {"record_id": "x", "given": {"surname": "Secretworth" * 60}},
    ],
    ids=str,
)
def test_a_record_that_cannot_be_used_is_refused_without_its_values(machine: Machine, record: object) -> None:
    answer = machine.ask("POST", "/api/v1/index/identify", {"source": "s", "records": [record]})
    assert answer.status_code == 400
    assert "Secretworth" not in answer.text


def test_the_spaces_of_ones_organisation(machine: Machine) -> None:
    spaces = machine.ask("GET", "/api/v1/index/spaces").json()["spaces"]
    assert [(space["space"], space["joint"]) for space in spaces] == [(machine.organisation, False)]


def test_no_name_or_number_of_a_child_is_logged(machine: Machine) -> None:
    machine.send("a7", surname="Unloggedworth", nhs_number="9990000026")
    said = machine.server.log.getvalue()
    assert "Unloggedworth" not in said
    assert "9990000026" not in said
