"""The stand-in keeps to what is published of the Personal Demographics Service."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.patient import Patient
from hypothesis import given, settings
from hypothesis import strategies as st

from samechild.errors import Conflict, Invalid, Unavailable
from samechild.identifiers import nhs_number
from samechild.tracing.stub.people import people_of_town
from samechild.tracing.stub.register import Address, Name, Register, Registered, soundex
from samechild.tracing.stub.sandbox import JANE, JANET, MINIMAL, NOT_A_NUMBER, NOT_FOUND, sandbox, sandbox_people
from samechild.tracing.stub.serve import served
from samechild.tracing.stub.service import BASE_PATH, Asked, Fault, Reply, Service

KINDS: dict[str, Any] = {"Bundle": Bundle, "OperationOutcome": OperationOutcome, "Patient": Patient}
HEADERS = {
    "X-Request-ID": "60E0B220-8136-4CA5-AE46-1D97EF59D068",
    "X-Correlation-ID": "11C46F5F-CDEF-4865-94B2-0EE0EDCC26DA",
}
BORN = date(2015, 3, 4)
A, B, C = "9990000018", "9990000026", "9990000034"


class Here:
    """A stand-in with a clock of its own."""

    def __init__(self, register: Register, *, worker: bool = True, limit: int = 0) -> None:
        self.now = datetime(2025, 9, 1, tzinfo=UTC)
        self.service = Service(register, lambda: self.now, random.Random(5).randbytes, worker=worker, limit=limit)

    def get(self, path: str, headers: Mapping[str, str] = HEADERS) -> Reply:
        return self.service.answer(Asked(method="GET", target=BASE_PATH + path, headers=headers))

    def search(self, **params: str | list[str]) -> dict[str, Any]:
        named = {name.replace("__", "-"): value for name, value in params.items()}
        reply = self.get("/Patient?" + urlencode(named, doseq=True))
        return parsed(reply)


def parsed(reply: Reply) -> dict[str, Any]:
    """The body of a reply, which must be a resource as FHIR declares it."""
    body: dict[str, Any] = msgspec.json.decode(reply.body)
    KINDS[body["resourceType"]].model_validate(body)
    return body | {"status": reply.status}


def code(body: Mapping[str, Any]) -> str:
    return str(body["issue"][0]["details"]["coding"][0]["code"])


def numbers(body: Mapping[str, Any]) -> list[str]:
    assert body["resourceType"] == "Bundle"
    assert body["total"] == len(body.get("entry", []))
    return [entry["resource"]["id"] for entry in body.get("entry", [])]


def test_the_published_people_are_read_by_number() -> None:
    here = Here(sandbox())
    reply = here.get(f"/Patient/{JANE}")
    jane = parsed(reply)
    assert (jane["name"][0]["family"], jane["gender"], jane["address"][0]["postalCode"]) == (
        "Smith",
        "female",
        "LS1 6AE",
    )
    assert reply.headers["ETag"] == 'W/"2"'
    assert {name: reply.headers[name] for name in HEADERS} == HEADERS
    janet = parsed(here.get(f"/Patient/{JANET}"))
    assert janet["meta"]["security"][0]["code"] == "R"
    assert not {"address", "telecom", "contact", "generalPractitioner"} & janet.keys()
    assert set(parsed(here.get(f"/Patient/{MINIMAL}"))) == {"resourceType", "id", "identifier", "meta", "status"}


def test_the_published_errors_by_number() -> None:
    here = Here(sandbox())
    assert code(parsed(here.get(f"/Patient/{NOT_FOUND}"))) == "RESOURCE_NOT_FOUND"
    assert here.get(f"/Patient/{NOT_FOUND}").status == 404
    assert code(parsed(here.get(f"/Patient/{NOT_A_NUMBER}"))) == "INVALID_RESOURCE_ID"
    assert code(parsed(here.get("/Patient/9000000001"))) == "INVALID_RESOURCE_ID"


def test_the_published_searches() -> None:
    here = Here(sandbox())
    born = "eq2010-10-22"
    assert numbers(here.search(family="Smith", gender="female", birthdate=born)) == [JANE]
    assert numbers(here.search(family="Sm*", gender="female", birthdate=born)) == [JANE, JANET]
    assert (
        code(here.search(family="Sm*", gender="female", birthdate=born, **{"_max-results": "1"})) == "TOO_MANY_MATCHES"
    )
    assert here.search(family="Sm*", birthdate=born, **{"_max-results": "1"})["status"] == 200
    fuzzy = here.search(family="Smith", given="Jane", birthdate=born, **{"_fuzzy-match": "true"})
    assert numbers(fuzzy) == [JANE]
    assert numbers(here.search(family="Smith", birthdate=["ge2010-10-21", "le2010-10-23"])) == [JANE]
    assert numbers(here.search(family="Smith", birthdate="ge2010-10-23")) == []
    assert numbers(here.search(family="Smith", birthdate=born, address__postalcode="ls16ae")) == [JANE]
    assert numbers(
        here.search(family="Smith", birthdate=born, email="jane.smith@example.com", phone="01632960587")
    ) == [JANE]


@pytest.mark.parametrize(
    ("query", "expected", "status"),
    [
        ("", "MISSING_VALUE", 400),
        ("family=Smith", "INVALID_SEARCH_DATA", 400),
        ("birthdate=eq2010-10-22", "INVALID_SEARCH_DATA", 400),
        ("family=Smith&birthdate=eq2010-13-22", "INVALID_VALUE", 400),
        ("family=Smith&birthdate=2010", "INVALID_VALUE", 400),
        ("family=Smith&birthdate=ge2010-10-22&birthdate=ge2010-10-23", "INVALID_SEARCH_DATA", 400),
        ("family=S*&birthdate=eq2010-10-22", "INVALID_SEARCH_DATA", 400),
        ("family=*ith&birthdate=eq2010-10-22", "INVALID_SEARCH_DATA", 400),
        ("family=Smith&given=J*&birthdate=eq2010-10-22", "INVALID_SEARCH_DATA", 400),
        ("family=Sm*&given=Jane&birthdate=eq2010-10-22&_fuzzy-match=true", "INVALID_SEARCH_DATA", 400),
        ("family=Smith&birthdate=eq2010-10-22&_fuzzy-match=true", "INVALID_SEARCH_DATA", 400),
        ("family=" + "x" * 36 + "&birthdate=eq2010-10-22", "INVALID_VALUE", 400),
        ("family=Smith&birthdate=eq2010-10-22&gender=girl", "INVALID_VALUE", 400),
        ("family=Smith&birthdate=eq2010-10-22&_history=yes", "INVALID_VALUE", 400),
        ("family=Smith&birthdate=eq2010-10-22&_max-results=0", "INVALID_VALUE", 400),
        ("family=Smith&birthdate=eq2010-10-22&_max-results=51", "INVALID_VALUE", 400),
        ("family=Smith&birthdate=eq2010-10-22&_max-results=2", "ACCESS_DENIED", 403),
        ("family=Smith&birthdate=eq2010-10-22&shoe-size=4", "ADDITIONAL_PROPERTIES", 400),
        ("family=&birthdate=eq2010-10-22", "INVALID_VALUE", 400),
        ("family=S&family=T&birthdate=eq2010-10-22", "INVALID_SEARCH_DATA", 400),
        (
            "family=Smith&birthdate=eq2010-10-22&address-postalcode=LS1%206AE&address-postcode=LS1%206AE",
            "INVALID_SEARCH_DATA",
            400,
        ),
    ],
)
def test_a_search_that_is_not_allowed_has_its_code(query: str, expected: str, status: int) -> None:
    body = parsed(Here(sandbox(), worker=False).get(f"/Patient?{query}"))
    assert (code(body), body["status"]) == (expected, status)


def test_requests_need_a_name_of_their_own_and_only_reading_is_offered() -> None:
    here = Here(sandbox())
    assert code(parsed(here.get(f"/Patient/{JANE}", {}))) == "MISSING_VALUE"
    assert code(parsed(here.get(f"/Patient/{JANE}", {"X-Request-ID": "1"}))) == "INVALID_VALUE"
    assert code(parsed(here.get("/Coverage", HEADERS))) == "UNSUPPORTED_SERVICE"
    patched = here.service.answer(Asked(method="PATCH", target=f"{BASE_PATH}/Patient/{JANE}", headers=HEADERS))
    assert code(parsed(patched)) == "UNSUPPORTED_SERVICE"


def a_register() -> Register:
    mira = Registered(
        number=A,
        names=(Name("Ashdown", ("Mira", "Jo")), Name("Oldham", ("Mira",), "old")),
        born=BORN,
        sex="female",
        addresses=(Address("JA1 1AA"), Address("JA9 9ZZ", use="old")),
        practice="Y12345",
    )
    hidden = msgspec.structs.replace(mira, number=B, names=(Name("Ashdown", ("Tess",)),), restricted=True)
    return Register([mira, hidden], {"9990000042": "9990000050", "9990000050": A}, [C])


def test_history_finds_what_was_and_shows_what_is() -> None:
    here = Here(a_register())
    born = BORN.isoformat()
    assert numbers(here.search(family="Oldham", birthdate=born)) == []
    found = here.search(family="Oldham", birthdate=born, _history="true")
    assert numbers(found) == [A]
    assert [name["family"] for name in found["entry"][0]["resource"]["name"]] == ["Ashdown"]
    assert found["entry"][0]["search"]["score"] < 1
    assert numbers(here.search(family="Ashdown", given="Mira", birthdate=born, address__postalcode="JA9 9ZZ")) == []
    past = here.search(family="Ashdown", given="Mira", birthdate=born, address__postalcode="JA9*", _history="true")
    assert numbers(past) == [A]
    assert [home["postalCode"] for home in past["entry"][0]["resource"]["address"]] == ["JA1 1AA"]


@pytest.mark.parametrize("where", [{"address__postalcode": "JA1 1AA"}, {"general__practitioner": "Y12345"}])
@pytest.mark.parametrize("fuzzy", ["true", "false"])
def test_a_restricted_person_is_never_found_by_where_they_are(where: dict[str, str], fuzzy: str) -> None:
    here = Here(a_register())
    asked = {"family": "Ashdown", "given": "Tess", "birthdate": BORN.isoformat(), "_fuzzy-match": fuzzy}
    assert numbers(here.search(**asked)) == [B]
    with_place, nobody = here.search(**asked, **where), here.search(**{**asked, "family": "Nobody"}, **where)
    assert with_place == nobody


def test_superseded_and_invalidated_numbers() -> None:
    here = Here(a_register())
    assert parsed(here.get("/Patient/9990000042"))["id"] == A
    withdrawn = parsed(here.get(f"/Patient/{C}"))
    assert (code(withdrawn), withdrawn["status"]) == ("INVALIDATED_RESOURCE", 404)


def test_fuzzy_goes_by_sound_and_takes_crossed_names() -> None:
    here = Here(a_register())
    fuzzy = {"birthdate": BORN.isoformat(), "_fuzzy-match": "true"}
    assert numbers(here.search(family="Ashton", given="Myra", **fuzzy)) in ([A], [])
    assert numbers(here.search(family="Ashdowne", given="Myra", **fuzzy)) == [A]
    assert numbers(here.search(family="Mira", given="Ashdown", **fuzzy)) == [A]
    assert numbers(here.search(family="Oldham", given="Mira", **fuzzy)) == [A]


def test_soundex_is_the_american_one() -> None:
    for name, expected in {
        "Robert": "R163", "Rupert": "R163", "Ashcraft": "A261", "Tymczak": "T522", "Pfister": "P236",
    }.items():  # fmt: skip
        assert soundex(name) == expected


def test_five_a_second_and_no_more() -> None:
    here = Here(sandbox(), limit=5)
    assert [here.get(f"/Patient/{JANE}").status for _ in range(6)] == [200] * 5 + [429]
    busy = here.get(f"/Patient/{JANE}")
    assert busy.headers["Retry-After"] == "1"
    assert code(parsed(busy)) == "TOO_MANY_REQUESTS"
    here.now += timedelta(seconds=1)
    assert here.get(f"/Patient/{JANE}").status == 200


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_lasts_for_one_request(fault: Fault) -> None:
    here = Here(sandbox())
    right = here.get(f"/Patient/{JANE}")
    here.service.misbehave(fault)
    assert here.get(f"/Patient/{JANE}") != right or fault is Fault.COUNT
    assert here.get(f"/Patient/{JANE}") == right


def test_over_http_it_is_this_computers_alone() -> None:
    service = Here(sandbox()).service
    for host in ("0.0.0.0", "192.0.2.1", "::", "example.org", ""):
        with pytest.raises(Invalid), served(service, host):
            pass
    with served(service) as address:
        port = int(address.rpartition(":")[2])
        reply = httpx.get(f"{address}{BASE_PATH}/Patient/{JANE}", headers=HEADERS)
        assert reply.json()["id"] == JANE
        with pytest.raises(Unavailable), served(service, port=port):
            pass
        service.misbehave(Fault.DROPPED)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{address}{BASE_PATH}/Patient/{JANE}", headers=HEADERS)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}{BASE_PATH}/Patient/{JANE}", headers=HEADERS)


def test_it_takes_synthetic_people_only() -> None:
    jane = sandbox_people()[0]
    with pytest.raises(Invalid):
        Register([msgspec.structs.replace(jane, number="4505577104")])
    with pytest.raises(Conflict):
        Register([jane, jane])
    with pytest.raises(Conflict):
        Register([jane], invalidated=[JANE])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "family",
                    "given",
                    "birthdate",
                    "gender",
                    "address-postalcode",
                    "_fuzzy-match",
                    "_history",
                    "_max-results",
                    "x",
                ]
            ),
            st.sampled_from(["Smith", "Sm*", "Jane", "eq2010-10-22", "female", "LS1 6AE", "true", "1", "", "\0", "é*"]),
        ),
        max_size=7,
    ),
    st.booleans(),
)
def test_whatever_is_asked_the_answer_is_a_resource_of_fhir(params: list[tuple[str, str]], worker: bool) -> None:
    body = parsed(Here(sandbox(), worker=worker).get("/Patient?" + urlencode(params)))
    assert body["status"] in (200, 400, 403)


def test_a_towns_register_holds_its_children_as_the_service_would() -> None:
    nation = people_of_town(1_500, seed=11)
    register = nation.register
    assert len(register.people) > 1_450
    assert all(nhs_number.check(number).value == number for number in register.people)
    assert nation.restricted
    assert register.superseded
    assert all(register.now(old) in register.people for old in register.superseded)
    assert nation.former
    for one in nation.former & nation.numbers.keys():
        assert nation.numbers[one] in register.people
    assert not register.invalidated & register.people.keys()
    for person in list(register.people.values())[:200]:
        number = person.number
        shown = parsed(Here(register).get(f"/Patient/{number}"))
        assert shown["id"] == number
        assert person.restricted != ("address" in shown)
    with pytest.raises(Invalid):
        people_of_town(0)
