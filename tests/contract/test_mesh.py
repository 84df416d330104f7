"""The whole loop over a real Message Exchange on loopback: send, list, read, acknowledge, track, and all that fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from asking import DAY, NOW
from gate import CHILD, WORKER
from mesh_here import COUNCIL, OTHER, SERVICE, Exchange, an_exchange
from samechild.errors import Refused, Unavailable
from samechild.storage import Login, Store
from samechild.tracing import mesh
from samechild.tracing import store as tables
from samechild.tracing.mesh import Mailbox, receive, send_round
from samechild.tracing.mesh_codes import CODES, Meaning
from samechild.tracing.mesh_file import REQUEST_WORKFLOW, RESPONSE_WORKFLOW
from samechild.tracing.records import NumberStatus
from samechild.tracing.standing import due, standing
from samechild.tracing.store import Round, RoundState
from trace_files import a_line, an_answer
from tracing_world import QUALITY, ROBIN, a_record, a_tracing_world, an_own_ask, latest

NUMBER = "9990000018"


@pytest.fixture(scope="module", name="exchange")
def one_exchange() -> Iterator[Exchange]:
    with an_exchange() as exchange:
        yield exchange


@pytest.fixture(name="store")
def a_fresh_store(exchange: Exchange) -> Iterator[Store]:
    exchange.empty()
    with a_tracing_world() as store:
        yield store


@pytest.fixture(name="mailbox")
def the_councils_mailbox(exchange: Exchange) -> Iterator[Mailbox]:
    mailbox = exchange.mailbox()
    yield mailbox
    mailbox.close()


@pytest.fixture(name="service")
def the_services_mailbox(exchange: Exchange) -> Iterator[Mailbox]:
    """The tracing service's own side, played by the test."""
    mailbox = exchange.mailbox(SERVICE, COUNCIL, workflow=RESPONSE_WORKFLOW, answer_workflow=REQUEST_WORKFLOW)
    yield mailbox
    mailbox.close()


def references(service: Mailbox) -> list[str]:
    """What the service was asked about, and its message acknowledged."""
    (message,) = service.waiting()
    found = service.fetch(message)
    service.acknowledge(message)
    rows = found.content.decode().splitlines()
    return [row.split(",")[0] for row in rows if row and not row.startswith(("UNIQUE", "MPTREQ"))]


def reply(service: Mailbox, content: bytes, round_: str = "") -> str:
    return service.send(content, "answer.csv", round_)


def kept(store: Store, round_: Round) -> Round:
    with store.read(Login.IDENTITY, "council") as identity:
        found = tables.one_round(identity, "council", round_.round)
    assert found is not None
    return found


def sent(store: Store, mailbox: Mailbox, *record_keys: str) -> Round:
    begun, _ = send_round(store, QUALITY, mailbox, record_keys, latest(store))
    assert begun is not None
    return begun


def status(store: Store, key: str) -> NumberStatus:
    return standing(store, an_own_ask(store, key), [key])[key].status


def test_the_whole_loop_in_many_parts(store: Store, exchange: Exchange, service: Mailbox) -> None:
    keys = [a_record(store, {**CHILD, "forename": f"Wren{chr(97 + number)}", "nhs_number": ""}) for number in range(20)]
    cut = exchange.mailbox(longest_part=300)
    round_ = sent(store, cut, *keys)
    assert kept(store, round_).state is RoundState.SENT
    assert cut.track(round_.message) == "accepted"
    asked = references(service)
    assert len(asked) == 20
    assert cut.track(round_.message) == "acknowledged"
    parts = exchange.mailbox(SERVICE, COUNCIL, workflow=RESPONSE_WORKFLOW, longest_part=500)
    none = {"ERROR_SUCCESS_CODE": "98", "MATCHED_NHS_NO": "0000000000"}
    message = reply(parts, an_answer(*(a_line(reference, **none) for reference in asked)), round_.round)
    received = receive(store, QUALITY, cut, NOW + DAY)
    assert [dict(taken.outcomes) for taken in received.taken] == [{"none": 20}]
    assert kept(store, round_).state is RoundState.READ
    assert parts.track(message) == "acknowledged"
    assert {status(store, key) for key in keys} == {NumberStatus.NO_SINGLE_MATCH}
    assert receive(store, QUALITY, cut, NOW + DAY).taken == ()
    for each in (cut, parts):
        each.close()


def test_the_same_message_twice_and_the_same_file_in_another_message(
    store: Store, mailbox: Mailbox, service: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = a_record(store)
    sent(store, mailbox, key)
    content = an_answer(a_line(references(service)[0]))
    reply(service, content)
    with monkeypatch.context() as patch:  # as if the program stopped after keeping and before acknowledging
        patch.setattr(Mailbox, "acknowledge", stopped)
        with pytest.raises(Unavailable):
            receive(store, QUALITY, mailbox, NOW)
    assert status(store, key) is NumberStatus.VERIFIED
    reply(service, content)
    again = receive(store, QUALITY, mailbox, NOW + DAY)
    assert (again.taken, again.again) == ((), 2)
    assert mailbox.waiting() == []


def stopped(mailbox: Mailbox, message: str) -> None:
    raise Unavailable("stopped")


def test_an_interruption_while_sending_loses_nothing(
    store: Store, mailbox: Mailbox, service: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = a_record(store)
    send = Mailbox.send

    def send_and_stop(self: Mailbox, content: bytes, name: str, round: str) -> str:
        send(self, content, name, round)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "send", send_and_stop)
        with pytest.raises(KeyboardInterrupt):
            sent(store, mailbox, key)
    assert due(store, QUALITY, [key], NOW) == []  # perhaps it was sent: it is waited for
    reply(service, an_answer(a_line(references(service)[0])))
    assert len(receive(store, QUALITY, mailbox, NOW).taken) == 1
    assert status(store, key) is NumberStatus.VERIFIED


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_of_a_line_ends_in_a_defined_state(
    store: Store, mailbox: Mailbox, service: Mailbox, code: str
) -> None:
    key = a_record(store)
    sent(store, mailbox, key)
    found = CODES[code].meaning in (Meaning.FOUND, Meaning.SENSITIVE, Meaning.SUPERSEDED, Meaning.WITHDRAWN)
    line = a_line(references(service)[0], ERROR_SUCCESS_CODE=code, **({} if found else {"MATCHED_NHS_NO": ""}))
    reply(service, an_answer(line))
    received = receive(store, QUALITY, mailbox, NOW)
    assert received.unreadable == {}
    assert sum(received.taken[0].outcomes.values()) == 1
    expected = {
        Meaning.SEVERAL: NumberStatus.NO_SINGLE_MATCH,
        Meaning.NONE: NumberStatus.NO_SINGLE_MATCH,
        Meaning.NOT_ENOUGH: NumberStatus.TRACE_REQUIRED,
    }.get(CODES[code].meaning, NumberStatus.VERIFIED if found else NumberStatus.NOT_TRACED)
    assert status(store, key) is expected
    again = CODES[code].meaning in (Meaning.AGAIN, Meaning.LINE, Meaning.FILE)
    assert (due(store, QUALITY, [key], latest(store) + DAY) == [key]) is (
        again or expected is NumberStatus.TRACE_REQUIRED
    )


@pytest.mark.parametrize("code", [code for code, each in CODES.items() if each.meaning is Meaning.FILE])
def test_every_code_of_a_whole_file_leaves_its_children_to_be_asked(
    store: Store, mailbox: Mailbox, service: Mailbox, code: str
) -> None:
    first, second = a_record(store), a_record(store, ROBIN)
    round_ = sent(store, mailbox, first)
    references(service)
    sent(store, mailbox, second)  # another round is waiting: our own name for it says which is meant
    reply(service, f"MPTREQ_20261102093000,SPINE_MPT_RESPONSE,0,{code}\r\n".encode(), round_.round)
    received = receive(store, QUALITY, mailbox, NOW)
    assert [taken.refused for taken in received.taken] == [code]
    assert (kept(store, round_).state, kept(store, round_).code) == (RoundState.REFUSED, code)
    assert due(store, QUALITY, [first, second], NOW) == [first]


def test_a_file_of_the_wrong_width_stays_in_the_mailbox_and_changes_nothing(
    store: Store, mailbox: Mailbox, service: Mailbox
) -> None:
    key = a_record(store)
    round_ = sent(store, mailbox, key)
    reference = references(service)[0]
    message = reply(service, an_answer(a_line(reference)[:-3]))
    received = receive(store, QUALITY, mailbox, NOW)
    assert list(received.unreadable) == [message]
    assert "columns" in received.unreadable[message]
    assert "AVOCET" not in received.unreadable[message]
    assert kept(store, round_).state is RoundState.SENT
    assert mailbox.waiting() == [message]
    reply(service, an_answer(a_line(reference)))
    assert len(receive(store, QUALITY, mailbox, NOW).taken) == 1
    assert status(store, key) is NumberStatus.VERIFIED


def test_a_report_that_a_message_was_not_collected_ends_its_round(
    store: Store, mailbox: Mailbox, exchange: Exchange
) -> None:
    key = a_record(store)
    round_ = sent(store, mailbox, key)
    exchange.report(round_.message, "14", REQUEST_WORKFLOW)
    exchange.report("0123456789ABCDEF", "14", REQUEST_WORKFLOW)  # about a message nobody here sent
    received = receive(store, QUALITY, mailbox, NOW)
    assert received.failed == (round_.round,)
    assert (kept(store, round_).state, kept(store, round_).code) == (RoundState.REFUSED, "14")
    assert mailbox.waiting() == []
    assert due(store, QUALITY, [key], NOW) == [key]


def test_a_report_that_comes_after_the_answer_changes_nothing(
    store: Store, mailbox: Mailbox, service: Mailbox, exchange: Exchange
) -> None:
    key = a_record(store)
    round_ = sent(store, mailbox, key)
    reply(service, an_answer(a_line(references(service)[0])))
    receive(store, QUALITY, mailbox, NOW)
    exchange.report(round_.message, "14", REQUEST_WORKFLOW)
    receive(store, QUALITY, mailbox, NOW)
    assert kept(store, round_).state is RoundState.READ
    assert status(store, key) is NumberStatus.VERIFIED


def test_a_message_that_was_lost_is_noticed_and_asked_again(
    store: Store, mailbox: Mailbox, service: Mailbox, exchange: Exchange
) -> None:
    key = a_record(store)
    round_ = sent(store, mailbox, key)
    exchange.empty()  # it expired before anybody collected it, and no report came
    assert service.waiting() == []
    assert receive(store, QUALITY, mailbox, NOW + 6 * DAY).lost == ()
    assert receive(store, QUALITY, mailbox, NOW + 8 * DAY).lost == (round_.round,)
    assert kept(store, round_).state is RoundState.LOST
    assert due(store, QUALITY, [key], NOW + 8 * DAY) == [key]
    second = sent(store, mailbox, key)
    assert second.round != round_.round
    reply(service, an_answer(a_line(references(service)[0])))
    receive(store, QUALITY, mailbox, NOW + 8 * DAY)
    assert status(store, key) is NumberStatus.VERIFIED


def test_somebody_elses_work_in_the_mailbox_is_left_alone(store: Store, mailbox: Mailbox, exchange: Exchange) -> None:
    stranger = exchange.mailbox(OTHER, COUNCIL, workflow="TEST_WORKFLOW")
    message = stranger.send(b"not for us", "other.txt", "")
    assert receive(store, QUALITY, mailbox, NOW).others == 1
    assert mailbox.waiting() == [message]
    stranger.close()


def test_the_older_services_form_has_a_control_row_and_its_file_name(
    store: Store, exchange: Exchange, service: Mailbox
) -> None:
    older = exchange.mailbox(control_row=True)
    sent(store, older, a_record(store))
    (message,) = service.waiting()
    found = service.fetch(message)
    first = found.content.decode().splitlines()[0]
    assert (found.name, first) == ("MPTREQ_20261102093000.csv", "MPTREQ_20261102093000,SPINE_MPTPHASE4_TRACE,1")
    older.close()


@pytest.mark.parametrize("secret", [{"PASSWORD": "wrong"}, {"KEY": "wrong"}])
def test_a_wrong_secret_is_said_without_the_secret(store: Store, exchange: Exchange, secret: dict[str, str]) -> None:
    locked = Mailbox(exchange.access(), {**exchange.secrets(), **secret})
    key = a_record(store)
    with pytest.raises(Unavailable) as told:
        sent(store, locked, key)
    assert "password" in str(told.value)
    assert "wrong" not in str(told.value)
    assert due(store, QUALITY, [key], NOW) == [key]  # nothing was begun
    locked.close()


def test_a_mailbox_nobody_knows_ends_the_round(store: Store, exchange: Exchange) -> None:
    astray = exchange.mailbox(service="NOBODY")
    key = a_record(store)
    with pytest.raises(Unavailable, match="did not take"):
        sent(store, astray, key)
    assert due(store, QUALITY, [key], NOW) == [key]
    astray.close()


def test_an_exchange_that_is_down_is_unavailable(store: Store, exchange: Exchange) -> None:
    nowhere = Mailbox(exchange.access(address="http://127.0.0.1:9"), exchange.secrets())
    nowhere._client._session.adapters.clear()  # no waiting between tries
    nowhere._client._session.mount("http://", httpless())
    with pytest.raises(Unavailable, match="cannot be reached"):
        receive(store, QUALITY, nowhere, NOW)
    nowhere.close()


def httpless() -> Any:
    from requests.adapters import HTTPAdapter

    return HTTPAdapter(max_retries=0)


def test_who_does_not_look_after_numbers_neither_sends_nor_receives(
    store: Store, mailbox: Mailbox, service: Mailbox
) -> None:
    key = a_record(store)
    with pytest.raises(Refused):
        send_round(store, WORKER, mailbox, [key], NOW)
    sent(store, mailbox, key)
    reply(service, an_answer(a_line(references(service)[0])))
    with pytest.raises(Refused):
        receive(store, WORKER, mailbox, NOW)
    assert len(mailbox.waiting()) == 1


def test_nobody_to_ask_about_sends_nothing(store: Store, mailbox: Mailbox, service: Mailbox) -> None:
    begun, written = send_round(store, QUALITY, mailbox, [a_record(store, {"surname": "Avocet"})], NOW)
    assert (begun, written.references) == (None, ())
    assert service.waiting() == []


def test_a_message_larger_than_any_answer_is_not_read(
    store: Store, mailbox: Mailbox, service: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(store, mailbox, a_record(store))
    message = reply(service, b"x" * 5000)
    monkeypatch.setattr(mesh, "LARGEST", 4000)
    assert list(receive(store, QUALITY, mailbox, NOW).unreadable) == [message]


def test_nothing_secret_is_printed(exchange: Exchange, mailbox: Mailbox) -> None:
    assert exchange.shared_key not in repr(mailbox) + repr(mailbox.access)


def test_without_its_optional_part_it_says_what_to_install(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mesh_client", None)
    with pytest.raises(Unavailable, match=r"samechild\[nhs\]"):
        exchange.mailbox()


def test_the_stand_in_is_on_loopback_and_asks_who_calls(exchange: Exchange) -> None:
    assert exchange.address.startswith("http://127.0.0.1:")
    assert httpx.get(f"{exchange.address}/messageexchange/{COUNCIL}/inbox").status_code in (400, 401, 403)
