"""The FHIR door: every answer is a resource of FHIR R4 as another library reads it, and tells what the gate lets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.patient import Patient

from index_machine import Machine
from pages_served import served
from samechild.index import actions
from samechild.policy import ledger
from samechild.policy.people.rules import Grant
from samechild.policy.people.store import keep_grant
from samechild.policy.relationship_actions import set_mark
from samechild.records.disclosure import Asker
from samechild.storage import Login
from samechild.web import fhir_resources as fhir
from samechild.web.faults import FHIR, FHIR_JSON

JAY = {
    "forename": "Jay",
    "surname": "Fieldfare",
    "date_of_birth": "2013-05-17",
    "sex": "M",
    "nhs_number": "9990000018",
    "nhs_number_status": "01",
    "address": "3 Rookery Close",
    "town": "Leeds",
    "postcode": "LS2 7EW",
    "gp_practice": "B86001",
    "known_as": "Jaybird",
}
READERS: dict[str, Any] = {
    "Patient": Patient,
    "Bundle": Bundle,
    "OperationOutcome": OperationOutcome,
    "CapabilityStatement": CapabilityStatement,
}


@pytest.fixture(scope="module", name="machine")
def a_machine() -> Iterator[Machine]:
    with served() as server:
        yield Machine(server)


@pytest.fixture(scope="module", name="jay")
def a_child(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = machine.send("jay-1", **JAY)
    return found


def ask(machine: Machine, method: str, path: str, body: object = None, status: int = 200, **headers: str) -> Any:
    """One call; whatever is answered is read by fhir.resources."""
    answer = machine.ask(method, f"{FHIR}{path}", body, **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith(FHIR_JSON)
    found = answer.json()
    READERS[found["resourceType"]].model_validate(found)
    return found


def described(**changed: object) -> dict[str, object]:
    return {
        "resourceType": "Patient",
        "name": [{"use": "official", "family": "Fieldfare", "given": ["Jay"]}],
        "gender": "male",
        "birthDate": "2013-05-17",
        **changed,
    }


def asked(patient: object, **parameters: object) -> dict[str, object]:
    more = [
        {"name": name, ("valueBoolean" if isinstance(value, bool) else "valueInteger"): value}
        for name, value in parameters.items()
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}, *more]}


def test_what_this_server_answers_is_told_to_anybody(machine: Machine) -> None:
    answer = machine.server.browser().get(f"{FHIR}/metadata")
    assert answer.status_code == 200
    assert CapabilityStatement.model_validate(answer.json()).fhirVersion == "4.0.1"


def test_a_patient_is_the_core_record(machine: Machine, jay: dict[str, Any]) -> None:
    found = ask(machine, "GET", f"/Patient/{jay['child']}")
    assert (found["id"], found["active"], found["gender"], found["birthDate"]) == (
        jay["child"],
        True,
        "male",
        "2013-05-17",
    )
    official = next(name for name in found["name"] if name["use"] == "official")
    assert (official["family"], official["given"]) == ("Fieldfare", ["Jay"])
    assert found["address"][0]["postalCode"] == "LS2 7EW"
    assert found["generalPractitioner"][0]["identifier"]["value"] == "B86001"
    number = next(each for each in found["identifier"] if each["system"] == fhir.NHS_NUMBER)
    status = number["extension"][0]["valueCodeableConcept"]["coding"][0]
    assert (number["value"], number["extension"][0]["url"], status["code"]) == ("9990000018", fhir.VERIFICATION, "01")
    assert found["meta"]["security"][0]["code"] == "U"


def test_a_match_is_graded_and_written_down(machine: Machine, jay: dict[str, Any]) -> None:
    before = ledger.head(machine.server.store).size
    found = ask(machine, "POST", "/Patient/$match", asked(described(), onlyCertainMatches=True))
    assert [entry["resource"]["id"] for entry in found["entry"]] == [jay["child"]]
    search = found["entry"][0]["search"]
    assert search["mode"] == "match"
    assert 0.9 < search["score"] <= 1
    assert search["extension"] == [{"url": fhir.MATCH_GRADE, "valueCode": "certain"}]
    assert ledger.head(machine.server.store).size >= before + 4


def test_nobody_is_matched_by_another_name_and_date(machine: Machine, jay: dict[str, Any]) -> None:
    name = [{"family": "Nuthatch", "given": ["Wilhelmina"]}]
    found = ask(machine, "POST", "/Patient/$match", asked(described(name=name, birthDate="2001-01-01")))
    assert found["total"] == 0
    assert "entry" not in found


def test_the_count_limits_and_a_rival_takes_certainty_away(machine: Machine) -> None:
    for number, name in enumerate(("Otto", "Otis")):  # one of two children of one name and birthday, apart by number
        machine.send(
            f"twin-{number}",
            source=f"source {number}",
            forename="Otto",
            middle_names=name,
            surname="Dotterel",
            date_of_birth="2016-06-06",
            sex="M",
            nhs_number=("9990000034", "9990000042")[number],
            nhs_number_status="01",
        )
    patient = described(name=[{"family": "Dotterel", "given": ["Otto"]}], birthDate="2016-06-06")
    found = ask(machine, "POST", "/Patient/$match", asked(patient))
    assert found["total"] == 2
    assert {entry["search"]["extension"][0]["valueCode"] for entry in found["entry"]} == {"probable"}
    assert ask(machine, "POST", "/Patient/$match", asked(patient, onlyCertainMatches=True))["total"] == 0
    assert ask(machine, "POST", "/Patient/$match", asked(patient, count=1))["total"] == 1


def test_a_merged_identifier_leads_on_and_the_survivor_tells_what_it_replaces(machine: Machine) -> None:
    one = machine.send("m1", forename="Linnet", surname="Brambling", date_of_birth="2011-01-01")
    other = machine.send("m2", forename="Robin", surname="Chiffchaff", date_of_birth="2012-02-02")
    actions.merge(
        machine.server.store,
        machine.asker,
        machine.organisation,
        one["child"],
        other["child"],
        "one",
        machine.server.now,
    )
    gone = ask(machine, "GET", f"/Patient/{other['child']}")
    assert (gone["id"], gone["active"]) == (other["child"], False)
    assert gone["link"] == [
        {"other": {"reference": f"Patient/{one['child']}", "type": "Patient"}, "type": "replaced-by"}
    ]
    assert set(gone) == {"resourceType", "id", "active", "link"}
    kept = ask(machine, "GET", f"/Patient/{one['child']}")
    assert kept["link"] == [
        {"other": {"reference": f"Patient/{other['child']}", "type": "Patient"}, "type": "replaces"}
    ]
    history = ask(machine, "GET", f"/Provenance?target=Patient/{one['child']}")
    codes = [entry["resource"]["activity"]["coding"][0]["code"] for entry in history["entry"]]
    assert codes == ["found", "found", "merged"]
    who = history["entry"][-1]["resource"]["agent"][0]["who"]["identifier"]["value"]
    assert who == machine.asker.user


def test_a_number_is_searched_for_in_a_form_only(machine: Machine, jay: dict[str, Any]) -> None:
    path = f"{FHIR}/Patient/_search"
    client = machine.server.browser().client
    headers = {"authorization": f"Bearer {machine.token}"}
    answer = client.post(path, data={"identifier": f"{fhir.NHS_NUMBER}|999 000 0018"}, headers=headers)
    assert answer.status_code == 200, answer.text
    bundle = Bundle.model_validate(answer.json())
    assert [entry["resource"]["id"] for entry in answer.json()["entry"]] == [jay["child"]]
    assert bundle.total == 1
    none = client.post(path, data={"identifier": f"{fhir.NHS_NUMBER}|9990000069"}, headers=headers)
    assert (none.status_code, none.json()["total"]) == (200, 0)
    refused = machine.ask("GET", f"{FHIR}/Patient?identifier={fhir.NHS_NUMBER}|9990000018")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert OperationOutcome.model_validate(refused.json()).issue[0].code == "not-supported"
    for wrong in ("9990000018", f"{fhir.NHS_NUMBER}|", f"{fhir.NHS_NUMBER}|9990000019", "urn:x|1"):
        answer = client.post(path, data={"identifier": wrong}, headers=headers)
        assert answer.status_code == 400, wrong
        assert "99900000" not in answer.text
    assert client.post(path, json={}, headers=headers).status_code == 415


def test_every_error_is_an_operation_outcome(machine: Machine, jay: dict[str, Any]) -> None:
    nobody = f"/Patient/{'0' * 32}"
    hidden = ask(machine, "GET", nobody, status=404)
    assert hidden["issue"][0]["code"] == "not-found"
    assert ask(machine, "GET", "/Patient/not-an-id", status=404)["issue"][0]["details"] == hidden["issue"][0]["details"]
    assert ask(machine, "GET", "/Observation/1", status=404)["issue"][0]["code"] == "not-found"
    assert ask(machine, "GET", nobody, status=401, authorization="Bearer x")["issue"][0]["code"] == "login"
    narrow = machine.issue(scope="decide")
    assert ask(machine, "GET", nobody, status=403, authorization=f"Bearer {narrow}")["issue"][0]["code"] == "forbidden"
    assert ask(machine, "GET", nobody, status=406, accept="application/fhir+xml")["issue"][0]["severity"] == "error"
    for body, status in (
        ({"resourceType": "Patient"}, 400),
        (asked({"resourceType": "Patient"}), 400),
        (asked(described(), count=0), 400),
        (asked(described(birthDate=["x"])), 400),
        ({"resourceType": "Parameters", "parameter": [asked(described())["parameter"][0]] * 2}, 400),  # type: ignore[index]
        ([], 400),
        ({"x": "y" * 70_000}, 413),
    ):
        ask(machine, "POST", "/Patient/$match", body, status=status)
    ask(machine, "GET", f"/Patient/{jay['child']}", status=400, **{"x-samechild-purpose": "curiosity"})
    ask(machine, "GET", f"/Patient/{jay['child']}", status=404, **{"x-samechild-purpose": "research"})
    ask(machine, "GET", f"/Patient/{jay['child']}", status=404, **{"x-samechild-space": "elsewhere"})
    ask(machine, "GET", "/Provenance?target=x&y=z", status=400)


def test_of_a_shielded_child_no_place_is_told(machine: Machine) -> None:
    hidden = machine.send("hid-1", **{**JAY, "surname": "Hoopoe", "nhs_number": "9990000050", "forename": "Teal"})
    store, now = machine.server.store, machine.server.now
    officer = Asker(user="officer", organisation=machine.organisation, role="information-governance", factors=2)
    with store.write(Login.GATE) as gate:
        keep_grant(
            gate,
            Grant(
                grant_id="officer-grant",
                holder=officer.user,
                role=officer.role,
                organisation=officer.organisation,
                granted_by="command-line",
                granted_at=now,
                valid_from=now,
                valid_until=None,
            ),
        )
    set_mark(store, officer, machine.organisation, [hidden["record_key"]], "shielded", now)
    found = ask(machine, "GET", f"/Patient/{hidden['child']}")
    assert found["meta"]["security"][0]["code"] == "R"
    text = str(found)
    for place in ("LS2", "Rookery", "Leeds", "B86001"):
        assert place not in text
    assert "Hoopoe" in text
    with_place = described(
        name=[{"family": "Hoopoe", "given": ["Teal"]}], address=[{"postalCode": "LS2 7EW", "line": ["3 Rookery Close"]}]
    )
    assert ask(machine, "POST", "/Patient/$match", asked(with_place))["total"] == 0
    without = described(name=[{"family": "Hoopoe", "given": ["Teal"]}])
    matched = ask(machine, "POST", "/Patient/$match", asked(without))
    assert [entry["resource"]["id"] for entry in matched["entry"]] == [hidden["child"]]


def test_no_value_of_a_child_is_logged(machine: Machine, jay: dict[str, Any]) -> None:
    ask(machine, "POST", "/Patient/$match", asked(described()))
    said = machine.server.log.getvalue()
    for value in ("Fieldfare", "9990000018", "LS2 7EW", "2013-05-17"):
        assert value not in said


OFFICIAL = {"use": "official", "family": "F", "given": ["Jay", "B"]}
PATIENTS: list[tuple[dict[str, object], dict[str, str]]] = [
    ({"name": [{"text": "Jay Fieldfare"}]}, {"full_name": "Jay Fieldfare"}),
    (
        {"name": [{"use": "usual", "given": ["Jaybird"]}, OFFICIAL]},
        {"forename": "Jay", "middle_names": "B", "surname": "F", "known_as": "Jaybird"},
    ),
    ({"name": [{"use": "old", "family": "Rook"}]}, {"former_surname": "Rook"}),
    (
        {"identifier": [{"system": fhir.NHS_NUMBER, "value": "1"}, {"system": "x", "value": "2"}]},
        {"nhs_number": "1"},
    ),
    (
        {"address": [{"use": "old", "postalCode": "A"}, {"postalCode": "B", "line": ["1", "2"], "city": "C"}]},
        {"postcode": "B", "address": "1, 2", "town": "C", "previous_postcode": "A"},
    ),
    (
        {"gender": "other", "birthDate": "2013", "telecom": [{"system": "phone", "value": "5"}]},
        {"date_of_birth": "2013", "phone": "5"},
    ),
]


@pytest.mark.parametrize(("patient", "fields"), PATIENTS, ids=str)
def test_what_a_patient_says_is_read_by_field(patient: dict[str, object], fields: dict[str, str]) -> None:
    sent = msgspec.convert({"resourceType": "Patient", **patient}, fhir.SentPatient)
    assert fhir.fields_of(sent) == fields
