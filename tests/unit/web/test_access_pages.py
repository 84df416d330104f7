"""What access managers and officers do about organisations, providers, systems and entries, from page to page."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest

from pages_served import Browser, Served, served
from samechild.policy import shown
from samechild.policy.people import actions as people_actions
from samechild.policy.people.store import all_organisations
from samechild.policy.sign_in import accounts, sessions
from samechild.policy.sign_in.personas import COUNCIL
from samechild.policy.sign_in.rules import SignInRules
from samechild.policy.sign_in.sessions import Arrival
from samechild.records.disclosure import Asker
from samechild.storage import Login


@pytest.fixture(scope="module", name="server")
def a_server() -> Iterator[Served]:
    with served() as server:
        yield server


@pytest.fixture(name="manager")
def an_access_manager(server: Served) -> Browser:
    return server.browser("access-manager")


def words(browser: Browser) -> str:
    assert browser.page is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser.page.text))


def added(manager: Browser, **answers: str) -> str:
    manager.open("/organisations/new")
    manager.send("/organisations/new", who="The duty officer", how="01632 960000", **answers)
    assert manager.page is not None
    return manager.page.url.path


def dates(**days: str) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for name, text in days.items():
        for piece, value in zip(("day", "month", "year"), text.split(), strict=True):
            found[f"{name}-{piece}"] = value
    return found


def test_an_organisation_is_added_reached_managed_and_ended(server: Served, manager: Browser) -> None:
    wrong = {"name": "Elm School", "kind": "academy", "code_kind": "urn", "code": "not a number"}
    added(manager, **wrong)
    assert manager.page is not None
    assert manager.page.status_code == 400
    place = added(manager, name="Elm School", kind="academy")
    assert "It was added" in words(manager)
    manager.send(f"{place}/first", name="Ash Grey", email="ash@elm.example")
    assert "Invitation code" in words(manager)
    manager.open(place)
    manager.send(f"{place}/first", name="", email="x")
    assert manager.page.status_code == 400
    manager.open(place)
    manager.send(f"{place}/end")
    assert "not active" in words(manager)
    own = next(each for each in shown.organisations(server.store) if each.name == COUNCIL)
    assert "End its part" not in manager.open(f"/organisations/{own.organisation}").text
    manager.send(f"/organisations/{own.organisation}/route", who="The night team", how="01632 960999")
    assert "The night team: 01632 960999" in words(manager)
    manager.send(f"/organisations/{own.organisation}/people", name="Kay", email="access-manager@personas.example")
    assert manager.page.status_code in (400, 409)


def test_a_childminder_is_vouched_for_and_not_any_more(manager: Browser) -> None:
    place = added(manager, name="Pat Lane, childminder", kind="childminder")
    assert "Nobody: no access" in words(manager)
    manager.send(f"{place}/vouch", **dates(registered="1 1 2020", contract="1 1 2036"))
    assert "has ended" in words(manager)
    manager.send(f"{place}/vouch", **dates(registered="31 2 2035", contract="1 1 2036"))
    assert "no such day" in words(manager)
    manager.send(f"{place}/vouch", **dates(registered="1 3 2035", contract="1 1 2036"))
    assert "Your council vouches for them" in words(manager)
    assert COUNCIL in words(manager)
    manager.send(f"{place}/people", name="Pat Lane", email="pat@lane.example")
    person = manager.page.url.path if manager.page else ""
    manager.send(f"{person}/roles", role="early-years-worker", **dates(until="1 1 2020"))
    assert "would end before it begins" in words(manager)
    manager.send(f"{person}/roles", role="early-years-worker")
    manager.send(f"{person}/revoke")
    assert "The role was taken away" in words(manager)
    stolen = manager.client.post(f"{person}/revoke", data={"token": token_of(manager), "grant": "0" * 32})
    assert stolen.status_code == 404
    manager.open(place)
    manager.send(f"{place}/end-vouching")
    assert "not active" in words(manager)


def token_of(browser: Browser) -> str:
    assert browser.page is not None
    found = re.search(r'name="token" value="([0-9a-f]+)"', browser.page.text)
    assert found
    return found.group(1)


def test_a_system_is_registered_given_a_role_and_asks_for_a_token(server: Served, manager: Browser) -> None:
    own = next(each for each in shown.organisations(server.store) if each.name == COUNCIL)
    place = f"/organisations/{own.organisation}"
    manager.open(place)
    manager.send(f"{place}/systems", name="Case system", scopes="everything")
    assert "from the list" in words(manager)
    manager.send(f"{place}/systems", name="Case system", scopes=["decide"])
    found = re.findall(r"<code[^>]*>([^<]+)</code>", manager.page.text if manager.page else "")
    manager.open(f"/people/{found[0]}")
    manager.send(f"/people/{found[0]}/roles", role="submitting-system")
    assert "Make an invitation" not in words(manager)
    form = {"grant_type": "client_credentials", "client_id": found[0], "client_secret": found[1]}
    answer = server.browser().client.post("/oauth2/token", data=form)
    assert answer.json()["scope"] == "decide"
    manager.open(f"/people/{found[0]}")
    manager.send(f"/people/{found[0]}/left")
    assert server.browser().client.post("/oauth2/token", data=form).status_code == 401


def test_a_refused_decision_is_explained_from_the_ledger(server: Served) -> None:
    officer = server.browser("information-governance")
    officer.open("/who-looked")
    officer.send("/who-looked", record_key="q" * 32, purpose="audit")
    found = officer.open("/ledger").text
    numbers = [int(each) for each in re.findall(r'href="/ledger/entries/(\d+)"', found)]
    decision = next(n for n in numbers if "A question was decided" in officer.open(f"/ledger/entries/{n}").text)
    text = words(officer)
    assert decision
    assert "Rules that decided" in text
    assert "Checking that records are used rightly" in text
    assert COUNCIL in text
    officer.open("/ledger")
    officer.send("/ledger", entry=str(decision))
    assert f"Entry {decision}" in words(officer)
    older = officer.open(f"/ledger?before={decision}")
    assert f'href="/ledger/entries/{decision}"' not in older.text
    proof = officer.get(f"/ledger/entries/{decision}/proof")
    assert proof.headers["content-disposition"] == f'attachment; filename="entry-{decision}.proof.json"'


def test_a_second_factor_opens_the_roles_that_need_one(server: Served) -> None:
    now, operator = server.now, people_actions.operator()
    with server.store.read(Login.GATE) as gate:
        own = next(each.organisation for each in all_organisations(gate) if each.name == COUNCIL)
    user = people_actions.add_user(server.store, operator, own, "Lou Marsh", "lou@council.example", now, os.urandom)
    people_actions.grant_role(server.store, operator, user, "duty-desk", now, os.urandom)
    rules = SignInRules()
    invitation = accounts.invite(server.store, user, "command-line", now, os.urandom, rules)
    codes = pyotp.TOTP(accounts.begin_account(server.store, invitation, now, os.urandom).seed)
    accounts.finish_account(server.store, invitation, "brass otter lantern", codes.at(now), now, os.urandom, rules)
    person = shown.one_of_staff(server.store, operator_of(own), user).user
    token = sessions.start(server.store, Arrival(user=person, factors=1, method="council"), now, os.urandom, rules)
    browser = server.browser()
    browser.take(token)
    assert browser.get("/may-i").headers["location"] == "/role"
    browser.open("/role")
    assert "These roles see who a child is: Duty desk" in words(browser)
    browser.open("/second-factor")
    browser.send("/second-factor", code="000000")
    assert "is not right" in words(browser)
    browser.send("/second-factor", code=codes.at(now + timedelta(seconds=30)))
    browser.send("/role", role="duty-desk")
    assert browser.get("/may-i").status_code == 200


def operator_of(organisation: str) -> Asker:
    return Asker(user="x", organisation=organisation, role="access-manager", factors=2)


def test_shadow_weeks_and_numbers_taken_back(server: Served, manager: Browser) -> None:
    officer = server.browser("information-governance")
    officer.open("/law")
    officer.send("/law", name="universal", source="x", **dates(**{"from": "1 1 2030", "until": "1 1 2029"}))
    assert "must end after it starts" in words(officer)
    officer.open("/law")
    officer.send("/law/shadow", **dates(until="1 1 2020"))
    assert "must end later than now" in words(officer)
    officer.open("/law")
    officer.send("/law/shadow", **dates(until="1 1 2036"))
    assert "It was entered" in words(officer)
    officer.open("/may-i")
    own = next(each for each in shown.organisations(server.store) if each.name == COUNCIL).organisation
    officer.send("/may-i", owner=own, record_type="education.setting", mode="existence", purpose="audit")
    assert "Shadow weeks" in words(officer)
    manager.open("/downtime")
    manager.send("/downtime", label="At night", number="01632 960777")
    manager.send("/downtime/remove", label="At night")
    assert "960777" not in words(manager)
    officer.open("/retention")
    officer.send("/retention", kind="litigation", reference="L-1", retention="adoption", record_key="k")
    assert "not both" in words(officer)
    officer.open("/retention")
    officer.send("/retention", kind="litigation", reference="L-1", retention="adoption")
    officer.send("/retention", kind="litigation", reference="L-2", record_key="k" * 32)
    assert "One child" in words(officer)
    gone = officer.client.post("/retention/lift", data={"token": token_of(officer), "hold": "none"})
    assert gone.status_code == 404
