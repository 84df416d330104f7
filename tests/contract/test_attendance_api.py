"""The door for schools' registers: as for councils, over HTTP, against its own document."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.types import ASGIApp, Receive, Scope, Send

from asking import NOW
from attending import SOON, URN, a_pupil, a_school
from documented import tried
from pages_served import ADDRESS, UNHURRIED, Served
from samechild.cli.tables import all_tables
from samechild.collection import store as tables
from samechild.collection.credentials import add_client
from samechild.collection.feeds import feed_of
from samechild.collection.processing import process
from samechild.collection.records import Way
from samechild.policy.people.actions import operator
from samechild.settings import Settings
from samechild.storage import Login
from samechild.web.app import Around
from samechild.web.attendance_operations import ATTENDANCE_OPERATIONS
from samechild.web.collection_shapes import sent_schemas
from samechild.web.operations import document
from stores import a_store

PATH = f"/api/collection/attendance/{URN}"


class Here:
    """The application as reached under its own name."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [*others, (b"host", b"127.0.0.1:8000")]}
        await self.app(scope, receive, send)


class System:
    """A school's system with its credentials, at a served installation."""

    def __init__(self, served: Served) -> None:
        self.served = served
        feed = feed_of(served.store, URN, False, served.now)
        made = add_client(served.store, operator(), feed, "Registers Ltd", Way.SUPPLIER, served.now, os.urandom)
        self.client = TestClient(served.app, base_url=ADDRESS, client=("127.0.0.1", 5000))
        form = {"grant_type": "client_credentials", "client_id": made.client_id, "client_secret": made.secret}
        answer = self.client.post("/oauth2/token", data={**form, "scope": "submit"})
        assert answer.status_code == 200, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "SupplierKey": made.supplier_key}

    def post(self, *pupils: Any, path: str = PATH, **headers: str) -> Any:
        return self.client.post(path, json=list(pupils), headers={**self.headers, **headers})


LOOSE = [negative_data_rejection, positive_data_acceptance]
"""JSON Schema calls 12.0 a whole number, the door does not; a wish it does not know it leaves unheard (RFC 7240)."""

HERE = Here()
schema = tried(document(ATTENDANCE_OPERATIONS, "1", sent_schemas()))
schema.app = HERE


@pytest.fixture(scope="module", name="system")
def a_system() -> Iterator[System]:
    with a_store() as store:
        a_school(store)
        served = Served(store, Settings(home=store.home), Around(paces=UNHURRIED), demo=False)
        served.now = NOW + SOON
        HERE.app = served.app
        yield System(served)


@schema.parametrize()
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_one_the_document_names(case: Any, system: System) -> None:
    case.path_parameters = {"urn": URN}
    case.call_and_validate(headers=dict(system.headers), excluded_checks=LOOSE)


def test_pupils_are_sent_and_worked_off(system: System) -> None:
    answer = system.post(a_pupil(1, "/", "\\"), a_pupil(2, "I", "I"))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()) == 2
    assert all(receipt.endswith(".json") for receipt in answer.json())
    store = system.served.store
    assert process(store, all_tables(), system.served.now)
    with store.read(Login.CONTENT, "beechwood") as connection:
        assert len(tables.all_children(connection, "beechwood", "", 10)) >= 2


def test_a_wrong_record_is_told_by_its_position_and_without_its_value(system: System) -> None:
    bad = {"pupil_id": "P3", "marks": [{"date": "2026-10-30", "session": "Quillfeather", "code": "/"}]}
    answer = system.post(a_pupil(1, "/", "\\"), bad)
    assert answer.status_code == 400
    assert answer.text.startswith("[1] ")
    assert "Quillfeather" not in answer.text
    told = system.post(bad, accept="application/problem+json").json()
    assert [(each["pointer"], each["rule"]) for each in told["errors"]] == [("/0/marks/0/session", "REG-05")]
    partly = system.post(a_pupil(1, "/", "\\"), bad, prefer="handling=lenient").json()
    assert [receipt is None for receipt in partly["receipts"]] == [False, True]


def test_who_may_not_send_is_refused(system: System) -> None:
    assert system.post(a_pupil(1), SupplierKey="another").status_code == 403
    assert system.post(a_pupil(1), path="/api/collection/attendance/900009").status_code == 403
    assert system.post(a_pupil(1), path="/api/collection/attendance/845").status_code == 403
    assert system.client.post(PATH, json=[]).status_code == 401
    daily = system.client.post(f"/children_social_care_data/{URN}/children", json=[], headers=system.headers)
    assert daily.status_code == 403


def test_the_document_declares_what_is_sent(system: System) -> None:
    declared = msgspec.json.decode(system.client.get("/api/openapi.json").content)
    assert "/api/collection/attendance/{urn}" in declared["paths"]
    assert set(declared["components"]["schemas"]["Mark"]["required"]) == {"date", "session", "code"}
