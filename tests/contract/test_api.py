"""The API against its own document: whatever is asked, the answer is one the document names, and never our mistake."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from starlette.types import ASGIApp, Receive, Scope, Send

from documented import tried
from pages_served import Served, served
from samechild.policy import ledger
from samechild.policy.ledger.checkpoint import read_checkpoint
from samechild.policy.ledger.store import entry_at
from samechild.policy.ledger.tree import is_included, leaf_hash
from samechild.policy.people.actions import grant_role, operator
from samechild.policy.people.store import all_organisations
from samechild.policy.sign_in.clients import Registered, register_client
from samechild.storage import Login
from samechild.web.api_operations import OPERATIONS
from samechild.web.operations import document
from stores import KINDS


class Machine:
    """A running application, and a system of the council with a token for everything it may do."""

    def __init__(self, server: Served) -> None:
        self.server = server
        with server.store.read(Login.GATE) as gate:
            self.organisation = next(each for each in all_organisations(gate) if each.host).organisation
        self.client: Registered = register_client(
            server.store, operator(), self.organisation, "Case system", ["decide", "ledger"], server.now, os.urandom
        )
        grant_role(server.store, operator(), self.client.client_id, "submitting-system", server.now, os.urandom)
        self.token = self.issue()["access_token"]

    def issue(self, **more: str) -> Any:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client.client_id,
            "client_secret": self.client.secret,
        }
        answer = self.server.browser().client.post("/oauth2/token", data={**form, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        authorised = {"authorization": f"Bearer {self.token}", **headers}
        return self.server.browser().client.request(method, path, json=body, headers=authorised)

    def question(self, **changes: object) -> dict[str, object]:
        return {
            "purpose": "linkage-quality",
            "mode": "existence",
            "record_type": "personal.identity",
            "owner": self.organisation,
            **changes,
        }


@pytest.fixture(scope="module", name="machine")
def a_machine() -> Iterator[Machine]:
    with served() as server:
        HERE.app = server.app
        yield Machine(server)


class Here:
    """The application as reached under its own name: the tools that ask it know it by another."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [*others, (b"host", b"127.0.0.1:8000")]}
        await self.app(scope, receive, send)


HERE = Here()
schema = tried(document(OPERATIONS, "1"))
schema.app = HERE


@schema.parametrize()
@settings(max_examples=50, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_one_the_document_names(case: Any, machine: Machine) -> None:
    """Right and wrong requests alike: no undocumented status, no body of another shape, nothing wrong accepted."""
    case.call_and_validate(headers={"Authorization": f"Bearer {machine.token}"})


def test_a_token_is_needed_and_must_cover_what_is_asked(machine: Machine) -> None:
    browser = machine.server.browser().client
    for header in ("", "Bearer", "Bearer x", "Basic eDp5", f"Bearer {machine.token}x", "Bearer " + "a" * 5000):
        answer = browser.get("/api/v1/ledger/head", headers={"authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"].startswith("Bearer")
    narrow = machine.issue(scope="decide")["access_token"]
    answer = machine.ask("GET", "/api/v1/ledger/head", authorization=f"Bearer {narrow}")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    elsewhere = machine.issue(audience="collection")["access_token"]
    assert machine.ask("GET", "/api/v1/ledger/head", authorization=f"Bearer {elsewhere}").status_code == 401


def test_a_signed_in_person_is_no_machine(machine: Machine) -> None:
    answer = machine.server.browser("information-governance").get("/api/v1/ledger/head")
    assert answer.status_code == 401


def test_a_question_about_nobody_is_tried_and_not_recorded(machine: Machine) -> None:
    before = ledger.head(machine.server.store).size
    answer = machine.ask("POST", "/api/v1/decisions", machine.question())
    assert answer.status_code == 200
    assert (answer.json()["allowed"], answer.json()["recorded"], answer.json()["entry"]) == (True, False, None)
    assert ledger.head(machine.server.store).size == before


def test_a_question_about_a_record_is_recorded_before_it_is_answered(machine: Machine) -> None:
    before = ledger.head(machine.server.store).size
    body = machine.question(mode="content", record_keys=["a" * 32])
    allowed = machine.ask("POST", "/api/v1/decisions", body).json()
    assert (allowed["allowed"], allowed["recorded"], allowed["entry"]) == (True, True, before)
    refused = machine.ask("POST", "/api/v1/decisions", {**body, "purpose": "research"}).json()
    assert (refused["allowed"], refused["recorded"], refused["entry"]) == (False, True, None)
    assert refused["reasons"]
    assert ledger.head(machine.server.store).size == before + 2


def test_nothing_is_answered_when_it_cannot_be_recorded(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = machine.server.store.witness
    hidden = witness.with_name("elsewhere")
    witness.rename(hidden)
    witness.write_text("a file where the folder should be")
    try:
        answer = machine.ask("POST", "/api/v1/decisions", machine.question(mode="content", record_keys=["b" * 32]))
    finally:
        witness.unlink()
        hidden.rename(witness)
    assert answer.status_code == 503
    assert "allowed" not in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "curiosity"},
        {"record_type": "shoe size"},
        {"power": "CA1999-s1"},
        {"owner": ""},
        {"owner": "../x"},
        {"mode": "all"},
        {"record_keys": ["x y"]},
        {"record_keys": ["k"] * 101},
        {"judgement": {"made_by": "a", "made_on": "tomorrow"}},
        {"emergency": {"reason": "", "supervisor": "b"}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_body_that_is_not_what_is_asked_for_is_refused_without_its_value(
    machine: Machine, change: dict[str, object]
) -> None:
    answer = machine.ask("POST", "/api/v1/decisions", machine.question(**change))
    assert answer.status_code == 400
    for value in ("curiosity", "shoe size", "CA1999-s1", "../x", "x y", "tomorrow"):
        assert value not in answer.text


def test_a_token_request_says_who_asks_in_one_way(machine: Machine) -> None:
    client = machine.server.browser().client
    form = {"grant_type": "client_credentials", "client_id": machine.client.client_id, "client_secret": "wrong"}
    wrong = client.post("/oauth2/token", data=form)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.headers["cache-control"] == "no-store"
    twice = client.post(
        "/oauth2/token",
        content=urlencode([("grant_type", "client_credentials"), ("client_id", "a"), ("client_id", "b")]),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert twice.status_code == 400
    assert client.post("/oauth2/token", json=form).status_code == 415
    assert client.post("/oauth2/token", data={**form, "grant_type": "password"}).json()["error"]


def test_a_proof_of_the_api_holds_against_its_head(machine: Machine) -> None:
    head = machine.ask("GET", "/api/v1/ledger/head").json()
    proof = machine.ask("GET", "/api/v1/ledger/entries/2/proof").json()
    assert proof["checkpoint"] == head["checkpoint"]
    with machine.server.store.read(Login.GATE) as gate:
        entry = entry_at(gate, 2)
    assert entry is not None
    checkpoint = read_checkpoint(proof["checkpoint"])
    hashes = [b64decode(each) for each in proof["hashes"]]
    assert is_included(leaf_hash(entry), 2, checkpoint.size, hashes, checkpoint.root)
    assert machine.ask("GET", f"/api/v1/ledger/entries/{head['size']}/proof").status_code == 404
    assert machine.ask("GET", "/api/v1/ledger/entries/x/proof").status_code == 400


def test_a_database_that_is_gone_is_told_by_ready_and_not_by_health(machine: Machine) -> None:
    engines = machine.server.store.engines
    kept = engines[Login.CONTENT]
    engines[Login.CONTENT] = sa.create_engine("sqlite:////nowhere/at/all.db")
    try:
        assert machine.server.browser().get("/ready").status_code == 503
        assert machine.server.browser().get("/health").status_code == 200
    finally:
        engines[Login.CONTENT] = kept
    assert machine.server.browser().get("/ready").status_code == 200


def test_the_document_is_openapi_3_1_and_names_no_other_server(machine: Machine) -> None:
    answer = machine.server.browser().get("/api/openapi.json")
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    page = machine.server.browser().get("/api/docs").text
    assert re.findall(r"""(?:src|href)=["']([^"']+)""", page) == [
        "data:,",
        "/static/swagger-ui.css",
        "/api/openapi.json",
        "/static/swagger-ui-bundle.js",
        "/static/api.js",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_pages_and_api_are_the_same_on_every_database(kind: str) -> None:
    with served(kind) as server:
        machine = Machine(server)
        assert machine.ask("POST", "/api/v1/decisions", machine.question(record_keys=["c" * 32])).json()["recorded"]
        officer = server.browser("information-governance")
        for path in (
            "/",
            "/purposes",
            "/ledger",
            "/ledger/entries/1",
            "/agreements",
            "/registers",
            "/retention",
            "/law",
        ):
            assert officer.open(path).status_code == 200, path
        officer.open("/law")
        days = {"from-day": "1", "from-month": "4", "from-year": "2027"}
        officer.send("/law", name="CA2004-s16LC", source="SI 2027/1", **days)
        assert officer.page is not None
        assert "It was entered" in officer.page.text
        manager = server.browser("access-manager")
        for path in ("/organisations", "/access-review", "/downtime"):
            assert manager.open(path).status_code == 200, path
        assert server.browser().get("/ready").status_code == 200
