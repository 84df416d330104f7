"""The client asks politely, tries again within bounds, and lets nothing of a child into logs or errors."""

from __future__ import annotations

import logging
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
from joserfc.jwk import KeySet, RSAKey

from samechild.errors import Invalid, Missing, Unavailable
from samechild.tracing.bucket import OwnBucket
from samechild.tracing.pds import PATIENCE, TRIES, Pds, params_of
from samechild.tracing.pds_access import Access, load_key, read_access
from samechild.tracing.records import Answered, Query
from samechild.tracing.stub.sandbox import JANE, sandbox
from samechild.tracing.stub.serve import Direct
from samechild.tracing.stub.service import Fault, Service

BORN = date(2010, 10, 22)
JANE_SMITH = Query(step="test", family="Smith", given=("Jane",), born=(BORN, BORN), sex="F", history=True)
LIES = [Fault.ANOTHER, Fault.NUMBER, Fault.KIND, Fault.COUNT, Fault.CUT, Fault.PAGE, Fault.DEEP]
HERE = "http://127.0.0.1/personal-demographics/FHIR/R4"


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2025, 9, 1, 9, 0, tzinfo=UTC)
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class Watched(httpx.BaseTransport):
    """Passes requests on and remembers them."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.direct, self.requests = Direct(service, clock.sleep), list[httpx.Request]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.direct.handle_request(request)


def a_client(
    limit: int = 0, access: Access | None = None, key: RSAKey | None = None
) -> tuple[Pds, Service, Watched, Clock]:
    clock, chance = Clock(), random.Random(7)
    applications = {"app": KeySet([RSAKey.import_key(key.as_dict(private=False))])} if key else None
    service = Service(sandbox(), clock, chance.randbytes, limit=limit, applications=applications)
    wire = Watched(service, clock)
    client = Pds(
        access or Access(address=HERE, organisation="A1B2C"),
        OwnBucket(5),
        clock,
        clock.sleep,
        chance.randbytes,
        key=key,
        transport=wire,
    )
    return client, service, wire, clock


def test_a_search_is_written_as_the_service_wants_it() -> None:
    query = Query(
        step="",
        family="O'Shea-" + "x" * 40,
        given=("Ana Lúcia",),
        born=(date(2015, 1, 1), date(2015, 12, 31)),
        sex="F",
        postcode="JA1 1AA",
        history=True,
    )
    asked = params_of(query)
    assert dict(asked)["_max-results"] == "1"
    assert dict(asked)["family"] == "O'Shea-" + "x" * 27 + "*"
    assert [value for name, value in asked if name == "birthdate"] == ["ge2015-01-01", "le2015-12-31"]
    assert ("gender", "female") in asked
    assert ("_history", "true") in asked


def test_a_long_name_in_a_fuzzy_search_is_cut_and_has_no_wildcard() -> None:
    asked = dict(params_of(Query(step="", family="x" * 40, given=("Jo",), born=(BORN, BORN), fuzzy=True, history=True)))
    assert asked["family"] == "x" * 35
    assert "_history" not in asked


def test_every_request_has_its_headers_and_a_try_keeps_its_name() -> None:
    client, service, wire, _ = a_client()
    service.misbehave(Fault.DOWN)
    assert client.ask(JANE_SMITH, "11111111-1111-4111-8111-111111111111").people[0].number == JANE
    first, second = wire.requests
    assert first.headers["X-Request-ID"] == second.headers["X-Request-ID"]
    assert first.headers["X-Correlation-ID"] == "11111111-1111-4111-8111-111111111111"
    assert first.headers["NHSD-End-User-Organisation-ODS"] == "A1B2C"
    asked = dict(parse_qsl(first.url.query.decode()))
    assert asked["family"] == "Smith"
    assert asked["birthdate"] == "eq2010-10-22"


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.TIMED_OUT, Fault.BUSY, Fault.DROPPED, Fault.SLOW])
def test_a_passing_fault_is_tried_again(fault: Fault) -> None:
    client, service, wire, _ = a_client()
    service.misbehave(fault)
    answer = client.ask(JANE_SMITH)
    assert answer.kind is Answered.PEOPLE
    assert answer.tries == 2
    assert len(wire.requests) == 2


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.TIMED_OUT, Fault.BUSY, Fault.DROPPED, Fault.SLOW])
def test_a_lasting_fault_ends_in_a_bounded_time(fault: Fault) -> None:
    client, service, wire, clock = a_client()
    service.misbehave(*[fault] * 20)
    answer = client.ask(JANE_SMITH)
    assert answer.kind is Answered.DOWN
    assert len(wire.requests) <= TRIES
    assert sum(clock.slept) <= PATIENCE + 20


@pytest.mark.parametrize(
    "fault", [Fault.ANOTHER, Fault.NUMBER, Fault.KIND, Fault.COUNT, Fault.CUT, Fault.PAGE, Fault.DEEP]
)
def test_a_lie_is_an_answer_that_names_nobody_and_is_not_asked_again(fault: Fault) -> None:
    client, service, wire, _ = a_client()
    service.misbehave(fault)
    answer = client.ask(Query(step="test", family="Smith", given=("Jane",), born=(BORN, BORN), sex="F"))
    assert len(wire.requests) == 1
    if fault is Fault.ANOTHER:  # Janet, who has the same birth date and sex: for the comparison to find out
        assert [person.families for person in answer.people] == [("Smythe",)]
    else:
        assert answer.kind is Answered.LYING
        assert not answer.people


def test_waiting_is_as_long_as_the_service_asks_and_everybody_waits() -> None:
    client, _, wire, clock = a_client()
    waits = iter([7.0])

    class Busy(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            wait = next(waits, None)
            if wait is not None:
                return httpx.Response(429, headers={"Retry-After": str(int(wait))}, content=b"")
            return wire.handle_request(request)

    client._transport = Busy()
    assert client.ask(JANE_SMITH).kind is Answered.PEOPLE
    assert sum(clock.slept) >= 7.0


@pytest.mark.parametrize("written", ["-5", "soon", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT", "٣"])
def test_a_strange_wait_is_taken_for_none(written: str) -> None:
    client, _, wire, clock = a_client()
    answers = iter([httpx.Response(429, headers=[(b"Retry-After", written.encode())], content=b"")])

    class Busy(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return next(answers, None) or wire.handle_request(request)

    client._transport = Busy()
    assert client.ask(JANE_SMITH).kind is Answered.PEOPLE
    assert sum(clock.slept) < 5


def test_an_endless_answer_is_broken_off() -> None:
    client, _, _, _ = a_client()

    class Endless(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=(b"x" * 65536 for _ in range(10_000)))

    client._transport = Endless()
    answer = client.ask(JANE_SMITH)
    assert answer.kind is Answered.DOWN
    assert answer.problem == "too-large"


def test_requests_stay_within_the_limit_of_the_service() -> None:
    client, service, _, _ = a_client(limit=5)
    for _ in range(23):
        answer = client.ask(JANE_SMITH)
        assert answer.kind is Answered.PEOPLE
        assert answer.tries == 1
    assert service.requests == 23


def test_without_a_turn_nothing_is_sent() -> None:
    client, _, wire, _ = a_client()

    class Closed(OwnBucket):
        def take(self, now: datetime) -> float:
            raise Unavailable("The database cannot be reached.")

    client._bucket = Closed()
    answer = client.ask(JANE_SMITH)
    assert (answer.kind, answer.problem, wire.requests) == (Answered.DOWN, "no-turn", [])


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "test-1"})


def proving(**changes: str) -> Access:
    return Access(
        **{
            "address": HERE,
            "token_address": "http://127.0.0.1/oauth2/token",
            "application": "app",
            "key_id": "test-1",
            "private_key": "env:KEY",
            "organisation": "A1B2C",
            **changes,
        }
    )


def test_an_application_proves_itself_once_for_many_requests(key: RSAKey) -> None:
    client, _, wire, clock = a_client(access=proving(), key=key)
    for _ in range(3):
        assert client.ask(JANE_SMITH).kind is Answered.PEOPLE
    assert [request.method for request in wire.requests] == ["POST", "GET", "GET", "GET"]
    clock.now += timedelta(seconds=600)
    assert client.ask(JANE_SMITH).kind is Answered.PEOPLE
    assert wire.requests[-2].method == "POST"


def test_a_token_withdrawn_early_is_renewed_once(key: RSAKey) -> None:
    client, service, wire, _ = a_client(access=proving(), key=key)
    client.ask(JANE_SMITH)
    service._tokens.clear()
    assert client.ask(JANE_SMITH).kind is Answered.PEOPLE
    assert [request.method for request in wire.requests] == ["POST", "GET", "GET", "POST", "GET"]


def test_a_key_the_service_does_not_know_is_no_answer(key: RSAKey) -> None:
    client, _, wire, _ = a_client(access=proving(application="somebody else"), key=key)
    answer = client.ask(JANE_SMITH)
    assert (answer.kind, answer.problem) == (Answered.DOWN, "no-token")
    assert all(request.method == "POST" for request in wire.requests)


def test_a_statement_is_for_one_use(key: RSAKey) -> None:
    client, _, wire, _ = a_client(access=proving(), key=key)
    client.ask(JANE_SMITH)
    again = wire.direct.handle_request(wire.requests[0])
    assert again.status_code == 401


def test_settings_must_be_whole_and_safe() -> None:
    assert read_access({"address": HERE, "token_address": HERE}).application == ""
    for table in (
        {},
        {"address": "http://api.example.org"},
        {"application": "app"},
        {"application": "a", "key_id": "k", "private_key": "env:K"},
        {"colour": "blue"},
        {"address": 7},
    ):
        with pytest.raises(Invalid):
            read_access(table)


def test_a_private_key_is_fetched_from_its_place_and_checked(key: RSAKey, tmp_path: Path) -> None:
    pem = key.as_pem(private=True).decode()
    (tmp_path / "key.pem").write_text(pem)
    assert load_key(Access()) is None
    assert load_key(proving(), {"KEY": pem}) is not None
    assert load_key(proving(private_key=f"file:{tmp_path / 'key.pem'}")) is not None
    for access, environment, error in (
        (proving(), {}, Missing),
        (proving(private_key="file:/nowhere/at/all"), {}, Missing),
        (proving(private_key="key.pem"), {}, Missing),
        (proving(), {"KEY": "secret words"}, Invalid),
        (proving(), {"KEY": key.as_pem(private=False).decode()}, Invalid),
        (proving(), {"KEY": RSAKey.generate_key(1024, auto_kid=False).as_pem(private=True).decode()}, Invalid),
    ):
        with pytest.raises(error) as caught:
            load_key(access, environment)
        assert "secret words" not in str(caught.value)


# --- nothing of a child anywhere --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [None, *Fault])
def test_no_log_and_no_answer_tells_of_whom_was_asked(fault: Fault | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client, service, _, _ = a_client()
    if fault is not None:
        service.misbehave(*[fault] * 8)
    query = Query(step="test", family="Zzyzxson", given=("Quillamina",), born=(BORN, BORN), postcode="JA1 1AA")
    said = [repr(client.ask(query)), repr(query), repr(client), caplog.text]
    said.append(repr(client.ask(Query(step="test", number=JANE))))
    for word in ("Zzyzxson", "Quillamina", "2010-10-22", "JA1", JANE, "family="):
        assert not any(word in text for text in said)


def test_the_network_itself_logs_no_address(caplog: pytest.LogCaptureFixture) -> None:
    from samechild.tracing.stub.serve import served

    caplog.set_level(logging.DEBUG)
    clock = lambda: datetime.now(UTC)  # noqa: E731
    service = Service(sandbox(), clock, random.Random(1).randbytes, limit=0)
    with served(service) as address:
        access = Access(address=f"{address}/personal-demographics/FHIR/R4")
        client = Pds(access, OwnBucket(1000), clock, lambda seconds: None, random.Random(2).randbytes)
        assert client.ask(JANE_SMITH).people[0].number == JANE
        service.misbehave(Fault.DROPPED, Fault.DROPPED)
        assert client.ask(JANE_SMITH).kind is Answered.PEOPLE
        client.close()
    assert not any(word in caplog.text for word in ("Smith", "2010-10-22", "family", JANE))
