"""The conformance kit against our own service, which passes every case, and against services that do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients.served import Wire, setting_of
from clients.stand_in import CREDENTIALS, StandIn
from collection_door import Door, a_door
from commands import run
from loopback import council, on_loopback
from samechild.collection import conformance as kit_of
from samechild.collection.conformance import Became, Kit, Result, Weight, play
from samechild.collection.conformance_cases import all_cases, receipts
from samechild.collection.rules.structural import STRUCTURAL
from samechild.collection.send.config import Credentials, credentials_of
from samechild.errors import Refused, Unauthenticated, Unavailable
from samechild.web.app import Around
from samechild.web.limits import PACES, Pace


@pytest.fixture(name="door")
def the_door() -> Iterator[Door]:
    with a_door() as door:
        yield door


def played(door: Door, names: str = "", burst: int = 0) -> dict[str, Result]:
    """Play the cases whose names begin so against the sandbox."""
    setting = setting_of(door, "845-sandbox")
    credentials = Credentials(**{name: getattr(setting, name) for name in Credentials.__struct_fields__})
    with httpx.Client(transport=Wire(door)) as client:
        kit = Kit(credentials, client, "1", burst=burst)
        return {each.name: each for each in play(kit, [case for case in all_cases() if case.name.startswith(names)])}


def test_our_own_service_passes_every_case(door: Door) -> None:
    results = played(door)
    assert {name: each.seen for name, each in results.items() if each.became is Became.FAILED} == {}
    assert {name for name, each in results.items() if each.became is Became.NOT_SEEN} == {"AGN-07"}
    assert len(results) > 80


def test_a_busy_service_is_asked_until_it_says_when_to_come_again() -> None:
    with a_door(around=Around(paces={**PACES, "submission": Pace(5, 1)})) as door:
        assert played(door, "AGN-07", burst=20)["AGN-07"].became is Became.PASSED


def misled(text: str, status: int = 200) -> StandIn:
    """A service that answers every record in this way."""

    def answers(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(status, text=text) if "children" in str(request.url) else None

    return StandIn(answers)


@pytest.mark.parametrize(
    ("service", "failing"),
    [
        (misled('"62268a7d-e34f-4de0-8eef-f4c407965147"'), {"TAK-01", "REC-01", "REQ-01", "WHO-01"}),
        (misled("", 204), {"TAK-01", "REC-01", "REQ-01"}),
        (misled("[2].social_care_episodes[0].referral_date", 400), {"REF-01", "REQ-13", "TAK-01"}),
        (misled('["2026-11-22_09:04:19.8731_a.json"]'), {"TAK-01"}),
        (misled("no", 500), {"TAK-01", "REF-01", "REQ-01", "WHO-01"}),
    ],
)
def test_services_that_mislead_a_client_are_found_out(service: StandIn, failing: set[str]) -> None:
    with httpx.Client(transport=service) as client:
        results = play(Kit(credentials_of(CREDENTIALS), client, "1"), all_cases())
    failed = {each.name for each in results if each.became is Became.FAILED}
    assert failing <= failed
    assert kit_of.found_faults(results)


def test_receipts_are_read_as_both_clients_read_them() -> None:
    good = "2026-11-22_09:04:19.87_62268a7d-e34f-4de0-8eef-f4c407965147.json"
    assert receipts(kit_of.Said(200, text=json.dumps([good])), 1) == ""
    for text in (json.dumps([good, good]), json.dumps(good), good, json.dumps([good.replace(".87", ".871")]), "{}"):
        assert receipts(kit_of.Said(200, text=text), 1) != ""


def test_every_structural_rule_has_a_case() -> None:
    told = " ".join(case.expected for case in all_cases())
    at_most_once = {"STR-22"}  # a flag, not a refusal
    assert {rule.code for rule in STRUCTURAL if rule.code not in told} <= at_most_once
    names = [case.name for case in all_cases()]
    assert len(names) == len(set(names))
    assert {case.weight for case in all_cases()} == set(Weight)


def test_children_of_the_kit_are_purged_again(door: Door) -> None:
    setting = setting_of(door, "845-sandbox")
    credentials = Credentials(**{name: getattr(setting, name) for name in Credentials.__struct_fields__})
    wire = Wire(door)
    with httpx.Client(transport=wire) as client:
        kit = Kit(credentials, client, "1")
        play(kit, [case for case in all_cases() if case.name == "TAK-02"])
    assert json.loads(wire.bodies[-1]) == [{"la_child_id": own, "purge": True} for own in kit.used]


def test_it_goes_to_sandboxes_only(tmp_path: Path) -> None:
    kit_of.refuse_unless_for_trying(credentials_of({**CREDENTIALS, "API_ENDPOINT": "https://x.example.org/sandbox/1"}))
    with pytest.raises(Refused, match="--anywhere"):
        kit_of.refuse_unless_for_trying(credentials_of(CREDENTIALS))


def test_no_token_and_nobody_there() -> None:
    told = credentials_of({**CREDENTIALS, "CLIENT_SECRET": "wrong"})
    with httpx.Client(transport=StandIn()) as client, pytest.raises(Unauthenticated):
        play(Kit(told, client, "1"), all_cases())

    def nobody(service: StandIn, request: httpx.Request) -> httpx.Response | None:
        raise httpx.ConnectError("no", request=request)

    with httpx.Client(transport=StandIn(nobody)) as client, pytest.raises(Unavailable):
        play(Kit(told, client, "1"), all_cases())


def test_the_command_writes_what_it_saw(tmp_path: Path) -> None:
    with on_loopback(misled("<b>no</b>", 500)) as address:
        council(tmp_path, address, "")
        files = ("--json", tmp_path / "r.json", "--html", tmp_path / "r.html")
        done = run("conformance", "--env", tmp_path / ".env", *files)
    assert done.code == 1, done.said
    assert "FAILED" in done.out
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert told["counts"]["failed"] > 50
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == len(told["results"]) + 1
    assert CREDENTIALS["CLIENT_SECRET"] not in done.said + page + json.dumps(told)
