"""A number's story on the pages: noted, asked for, answered, decided; and one child found by whoever has them there."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from asking import a_line as a_rule
from asking import an_agreement
from children_kept import WREN, a_record, a_space
from gate import OPERATOR, an_officer, give
from pages_served import Browser, Served, served
from project import ROOT
from samechild.cli.serve import web_server
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.people.actions import grant_role, operator
from samechild.policy.relationship_actions import Relationship, relate, set_mark
from samechild.policy.shown import organisation, organisations, staff_of
from samechild.policy.sign_in.clients import register_client
from samechild.records.disclosure import Asker
from samechild.storage import Login
from samechild.tracing.actions import record_number, request, take_answer
from samechild.tracing.records import Obtained
from trace_files import a_line, an_answer

COUNCIL = "Fernshire Council"
KEEPER, WORKER = "data-quality", "social-worker"
NUMBER = "9990000018"
SHOWN = "999 000 0018"
TYPED = {
    "given": "wren",
    "family": "avocet",
    "born-day": "9",
    "born-month": "3",
    "born-year": "2014",
    "sex": "F",
    "postcode": "ls16ab",
}
AXE = (ROOT / "tests" / "fixtures" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PICTURES = os.environ.get("SAMECHILD_PICTURES", "")


@contextmanager
def a_council() -> Iterator[tuple[Served, str]]:
    """The demonstration's council with an index, a child whose number a parent told, and others."""
    with served() as server:
        store = server.store
        council = next(each.organisation for each in organisations(store) if each.name == COUNCIL)
        a_space(store, council, members=(council,))
        wren = a_record(store, "wren", council, WREN, space=council, source="social care")
        for number, forename in enumerate(("Robin", "Jay", "Merle")):
            other = {**WREN, "forename": forename, "date_of_birth": f"201{number}-05-17", "postcode": "LS9 9AA"}
            a_record(store, f"other{number}", council, other, space=council, source="social care")
        everybody = staff_of(store, _operator(council), organisation(store, council))
        relate(
            store,
            OPERATOR,
            [
                Relationship(
                    owner=council,
                    record_key=wren,
                    organisation=council,
                    person=each.user.user_id,
                    since=server.now - timedelta(days=1),
                    source="a test",
                )
                for each in everybody
            ],
            server.now,
        )
        yield server, wren


def _operator(council: str) -> Asker:
    return Asker(user="operator", organisation=council, role="operator", factors=2)


def keeper_of(server: Served) -> Asker:
    """The council's data quality officer, as the pages know them."""
    from samechild.policy.sign_in.sessions import signed_in

    token = server.browser(KEEPER).client.cookies["samechild"]
    return signed_in(server.store, token, server.now).asker


def answered(server: Served, key: str, **cells: str) -> None:
    """A round for one child, and its answer."""
    keeper = keeper_of(server)
    _, written = request(server.store, keeper, [key], server.now)
    take_answer(server.store, keeper, an_answer(a_line(written.references[0], **cells)), server.now)


@pytest.fixture(scope="module", name="council")
def one_council() -> Iterator[tuple[Served, str]]:
    with a_council() as found:
        yield found


def words(browser: Browser) -> str:
    assert browser.page is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser.page.text))


def looked_for(browser: Browser, **changed: str) -> str:
    browser.open("/trace")
    purpose = re.search(r'<option value="([a-z-]+)"', browser.page.text if browser.page else "")
    assert purpose
    browser.send("/trace", **{**TYPED, "purpose": purpose.group(1), **changed})
    return words(browser)


def test_a_number_from_being_told_to_being_verified(council: tuple[Served, str]) -> None:
    server, wren = council
    keeper, worker = server.browser(KEEPER), server.browser(WORKER)
    assert "no ground to be shown" in looked_for(keeper)
    record_number(server.store, keeper_of(server), wren, NUMBER, Obtained.PARENT, server.now)
    for browser in (keeper, worker):
        told = looked_for(browser)
        assert "One child was found" in told
        assert SHOWN in told
        assert "Told by a parent or carer" in told
        assert "Do not rely on it alone" in told
    answered(server, wren, FAMILY_NAME="HERON")
    told = looked_for(keeper)
    assert "Checked with a national service" in told
    assert "not verified" not in told
    keeper.open("/numbers")
    assert "1 of 4 records have a verified NHS number (25%)" in words(keeper)
    keeper.open("/numbers/questions")
    assert "HERON" in words(keeper)
    assert keeper.page is not None
    link = re.search(r'href="(/numbers/questions/[0-9a-f]{32})"', keeper.page.text)
    assert link
    keeper.open(link.group(1))
    keeper.send(link.group(1))
    assert "Decide" in words(keeper)
    assert keeper.page.status_code == 400
    keeper.send(link.group(1), answer="local")
    assert "Nothing waits for a person" in words(keeper)
    assert keeper.open(link.group(1)).status_code == 404


def test_it_is_one_child_or_none_and_nothing_typed_stands_in_an_address_or_a_log(council: tuple[Served, str]) -> None:
    server, _ = council
    browser = server.browser(KEEPER)
    assert "No child was found" in looked_for(browser, given="Zebedee", family="Quillfeather")
    assert browser.page is not None
    assert str(browser.page.url).endswith("/trace")
    assert "Quillfeather" not in server.log.getvalue()
    told = looked_for(browser, **{"given": "", "born-day": ""})
    assert "Give the first name" in told
    told = looked_for(browser, number="999 000 0019")
    assert "check digit is wrong" in told
    assert browser.page.status_code == 400
    looked_for(browser)
    assert "Jay" not in words(browser)


def test_the_pages_of_numbers_are_for_those_who_look_after_them(council: tuple[Served, str]) -> None:
    server, _ = council
    worker = server.browser(WORKER)
    for path in ("/numbers", "/numbers/questions", "/numbers/questions/0123456789abcdef0123456789abcdef"):
        assert worker.open(path).status_code == 403
    keeper = server.browser(KEEPER)
    assert keeper.open("/numbers/questions/0123456789abcdef0123456789abcdef").status_code == 404
    manager = server.browser("access-manager")
    assert manager.open("/trace").status_code == 403


def test_a_childminder_finds_a_child_where_an_agreement_lets_them_and_is_shown_no_number() -> None:
    with served() as server:
        store = server.store
        of = {each.name: each.organisation for each in organisations(store)}
        council, minder = of[COUNCIL], of["Beth Carey, childminder"]
        a_space(store, "partners", members=(council, minder))
        wren = a_record(store, "wren", council, {**WREN, "nhs_number": NUMBER})
        beth = server.browser("childminder")
        assert "No child was found" in looked_for(beth)  # no agreement: as if there were none
        with store.write(Login.GATE) as gate:
            for owner in (council, minder):
                give(gate, an_officer(owner))
        draft = an_agreement(
            agreement="",
            version=0,
            owner=council,
            parties=(council, minder),
            rules=(a_rule(purposes=("early-help", "safeguarding"), powers=("CA2004-s10",), bases=("6(1)(e)",)),),
            starts=server.now - timedelta(days=1),
            ends=server.now + timedelta(days=300),
            signed_by=(),
        )
        made = write_agreement(store, an_officer(council), draft, "Finding children", server.now)
        for party in made.parties:
            sign_agreement(store, an_officer(party), made.agreement, made.version, server.now)
        told = looked_for(beth)
        assert "One child was found" in told
        assert SHOWN not in told
        assert "no ground to be shown" in told
        set_mark(store, an_officer(council), council, [wren], "shielded", server.now)
        assert "No child was found" in looked_for(beth)


def test_a_system_asks_for_one_child_and_gets_a_code(council: tuple[Served, str]) -> None:
    server, _ = council
    host = next(each.organisation for each in organisations(server.store) if each.name == COUNCIL)
    client = register_client(server.store, operator(), host, "Case system", ["index"], server.now, os.urandom)
    grant_role(server.store, operator(), client.client_id, "submitting-system", server.now, os.urandom)
    browser = server.browser().client
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.secret}
    token = browser.post("/oauth2/token", data=form).json()["access_token"]

    def ask(**changed: str) -> Any:
        body = {
            "given_name": "Wren",
            "family_name": "Avocet",
            "birth_date": "2014-03-09",
            "postcode": "LS1 6AB",
            "purpose": "linkage-quality",
        }
        headers = {"authorization": f"Bearer {token}"}
        return browser.post("/api/v1/trace/simple", json={**body, **changed}, headers=headers)

    found = ask()
    assert found.status_code == 200, found.text
    assert (found.json()["outcome"], found.json()["code"]) == ("one", "SMSP-0000")
    assert ask(given_name="Zebedee", family_name="Quillfeather").json()["code"] == "DEMOG-0001"
    refused = ask(nhs_number="9999999999")
    assert refused.status_code == 400
    assert "Avocet" not in refused.text
    assert browser.post("/api/v1/trace/simple", json={}).status_code == 401


class Site:
    """The server on an address of this machine, and a real browser."""

    def __init__(self, server: Served, browser: Any, address: str) -> None:
        self.server, self.browser, self.address = server, browser, address

    def page(self, persona: str, width: int) -> Any:
        context = self.browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
        cookies = self.server.browser(persona).client.cookies
        context.add_cookies([{"name": "samechild", "value": cookies["samechild"], "url": self.address}])
        return context.new_page()


@pytest.fixture(name="site")
def a_site() -> Iterator[Site]:
    found = os.environ.get("SAMECHILD_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium here: install it, or name it in SAMECHILD_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync --group browser")
    with a_council() as (server, wren), socket.create_server(("127.0.0.1", 0)) as listener:
        record_number(server.store, keeper_of(server), wren, NUMBER, Obtained.PARENT, server.now)
        answered(server, wren, FAMILY_NAME="HERON", POSTCODE="LS7 4AA")
        running = web_server(server.app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.05)
        with api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
            yield Site(server, browser, f"http://127.0.0.1:{listener.getsockname()[1]}")
            browser.close()
        running.should_exit = True
        thread.join(20)


def is_fine(page: Any, name: str, width: int) -> None:
    """Take a picture where one is wanted; nothing scrolls sideways, and axe finds nothing."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("width", [1280, 375])
def test_every_page_of_numbers_is_accessible_and_fits(site: Site, width: int) -> None:
    page = site.page(KEEPER, width)
    page.goto(f"{site.address}/trace")
    is_fine(page, "trace", width)
    for name, value in (("given", "Wren"), ("family", "Avocet"), ("born-day", "9"), ("born-month", "3")):
        page.fill(f'input[name="{name}"]', value)
    page.fill('input[name="born-year"]', "2014")
    page.fill('input[name="postcode"]', "LS1 6AB")
    page.click('button:has-text("Look for the child")')
    assert SHOWN in page.inner_text("main")
    is_fine(page, "trace-found", width)
    page.fill('input[name="given"]', "Nobody")
    page.click('button:has-text("Look for the child")')
    is_fine(page, "trace-wrong", width)
    for path, name in (("/numbers", "numbers"), ("/numbers/questions", "questions")):
        page.goto(f"{site.address}{path}")
        is_fine(page, name, width)
    page.click('a[href^="/numbers/questions/"] >> nth=0')
    is_fine(page, "question", width)
