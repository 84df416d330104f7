"""Searching for a child, a child's record and the differences of an organisation's records, in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from asking import a_line, an_agreement
from children_kept import WREN, a_record, a_space
from consenting import a_responsibility
from gate import OPERATOR, an_officer, give
from pages_served import Served, served
from project import ROOT
from samechild.cli.serve import web_server
from samechild.index import store as tables
from samechild.index.families import Connected, Tie, connect
from samechild.index.records import Event, Kind
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.relationship_actions import Relationship, relate
from samechild.policy.shown import Staff, organisation, organisations, staff_of
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

AXE = (ROOT / "tests" / "fixtures" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTHS = (1280, 375)
PICTURES = os.environ.get("SAMECHILD_PICTURES", "")
KEEPER, WORKER = "data-quality", "social-worker"
COUNCIL, SCHOOL, TRUST = "Fernshire Council", "Beechwood Academy", "Fernshire Community NHS Trust"


def people_and_records(server: Served) -> None:
    """A partnership of three, with a child whom all know, a brother, and a child of whom they disagree."""
    store = server.store
    of = {each.name: each.organisation for each in organisations(store)}
    council, school, trust = of[COUNCIL], of[SCHOOL], of[TRUST]
    a_space(store, members=(council, school, trust))
    a_space(store, council, members=(council,))
    with store.write(Login.GATE) as gate:
        for owner in (council, school, trust):
            give(gate, an_officer(owner))
    for owner in (school, trust):
        draft = an_agreement(
            agreement="",
            version=0,
            owner=owner,
            parties=(owner, council),
            rules=(a_line(purposes=("linkage-quality", "safeguarding"), powers=("CA2004-s10",), bases=("6(1)(e)",)),),
            starts=server.now - timedelta(days=1),
            ends=server.now + timedelta(days=300),
            signed_by=(),
        )
        made = write_agreement(store, an_officer(owner), draft, "Keeping records together", server.now)
        for party in made.parties:
            sign_agreement(store, an_officer(party), made.agreement, made.version, server.now)
    keys = records_of(store, council, school, trust)
    relations = [
        Relationship(
            owner=owner,
            record_key=key,
            organisation=council,
            person=someone.user.user_id,
            since=server.now - timedelta(days=1),
            source="a test",
        )
        for owner, key in keys
        for someone in staff(server, council)
    ]
    relate(store, OPERATOR, relations, server.now)
    mother(server, council, keys[0][1])
    happened(server)


def happened(server: Served) -> None:
    """What happened to the first child."""
    steps = ((Kind.FOUND, ""), (Kind.LINK, ""), (Kind.MERGE, "somebody"))
    with server.store.write(Login.INDEX) as connection:
        events = [
            Event(number=number, space="partners", at=server.now, kind=kind, by=by, child="wren")
            for number, (kind, by) in enumerate(steps, start=tables.newest(connection) + 1)
        ]
        tables.keep_events(connection, events)


def staff(server: Served, council: str) -> list[Staff]:
    """The council's people."""
    manager = replace(OPERATOR, organisation=council)
    return staff_of(server.store, manager, organisation(server.store, council))


def records_of(store: Any, council: str, school: str, trust: str) -> list[tuple[str, str]]:
    """The partnership's records; returns those of the first child, with their owners."""
    social = {**WREN, "la_child_id": "C-1042", "known_as": "Wrenny", "school": "900001"}
    pupil = {**WREN, "surname": "Avocet-Heron", "date_of_birth": "2014-09-03", "upn": "H801200001001"}
    health = {
        **WREN,
        "middle_names": "Jane",
        "nhs_number": "9990000018",
        "nhs_number_status": "01",
        "postcode": "LS2 7AD",
        "previous_postcode": "LS1 6AB",
        "address": "3 Mill Lane",
        "gp_practice": "B82001",
    }
    keys = [
        (council, a_record(store, "wren", council, social, days=40, source="social care")),
        (school, a_record(store, "wren", school, pupil, days=20, source="school register")),
        (trust, a_record(store, "wren", trust, health, days=5, source="child health")),
    ]
    own = {**WREN, "nhs_number": "9990000026", "nhs_number_status": "02", "postcode": "nowhere"}
    a_record(store, "wren", council, own, days=10, source="housing")
    brother = {**WREN, "forename": "Robin", "date_of_birth": "2016-05-17", "sex": "M"}
    a_record(store, "robin", council, brother, days=30, source="social care")
    for number in range(3):
        other = {**WREN, "forename": ("Jay", "Martin", "Merle")[number], "surname": "Avocet", "postcode": "LS9 9AA"}
        a_record(store, f"other{number}", council, {**other, "address": ""}, source="social care")
    for source in ("social care", "housing"):
        a_record(store, "own", council, {**WREN, "sex": source[0]}, space=council, source=source)
    return keys


def mother(server: Served, council: str, record_key: str) -> None:
    """Wren's mother and a foster carer, as the council knows them."""
    with server.store.write(Login.GATE) as gate:
        keeper = Asker(user="keeper", organisation=council, role="data-quality-officer", factors=2)
        give(gate, keeper)
    scope = Scope(Spread.BATCH)
    ask = Ask(
        who=keeper,
        purpose="linkage-quality",
        mode=Mode.CONTENT,
        record_type="personal.connected",
        owner=council,
        scope=scope,
        now=server.now,
    )
    usual: dict[str, Any] = {"record_key": record_key, "owner": council, "basis": "public task"}
    usual["told_by"] = "told by the family"
    own = {"number": "9990000026", "phone": "01632 960123", "evidence": "birth certificate"}
    known: dict[str, Any] = {"tie": Tie.MOTHER, "name": "Martha Avocet", "responsibility": a_responsibility(), **own}
    connect(server.store, ask, Connected(**{**usual, **known}), os.urandom)
    carer: dict[str, Any] = {"tie": Tie.STEP_PARENT, "name": "Col Heron", "until": date(2025, 1, 1)}
    connect(server.store, ask, Connected(**{**usual, **carer}), os.urandom)


class Site:
    """The server on an address of this machine, and the browser."""

    def __init__(self, server: Served, browser: Any, address: str) -> None:
        self.server, self.browser, self.address = server, browser, address

    def page(self, persona: str, width: int = 1280, *, scripts: bool = False) -> Any:
        context = self.browser.new_context(
            java_script_enabled=scripts, bypass_csp=scripts, viewport={"width": width, "height": 900}
        )
        cookies = self.server.browser(persona).client.cookies
        context.add_cookies([{"name": "samechild", "value": cookies["samechild"], "url": self.address}])
        return context.new_page()


@pytest.fixture(scope="module", name="site")
def a_site() -> Iterator[Site]:
    found = os.environ.get("SAMECHILD_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium here: install it, or name it in SAMECHILD_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync --group browser")
    with served() as server, socket.create_server(("127.0.0.1", 0)) as listener:
        people_and_records(server)
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
    wrong = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wrong == []
    assert too_wide <= 1


def search(site: Site, page: Any, **given: str) -> None:
    """Open the search, fill in the box (or, when there is none to fill in, the fields) and send it."""
    page.goto(f"{site.address}/children")
    form = page.locator('form[action="/children"]').nth(0 if "box" in given else 1)
    for name, value in given.items():
        form.locator(f'input[name="{name}"]').fill(value)
    purpose = form.locator('select[name="purpose"]')
    if not purpose.input_value():
        purpose.select_option("safeguarding")
    form.locator('select[name="space"]').select_option("partners")
    form.locator("button").click()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("persona", [WORKER, KEEPER])
def test_a_child_is_found_and_its_record_opened(site: Site, persona: str, width: int) -> None:
    page = site.page(persona, width, scripts=True)
    page.goto(f"{site.address}/children")
    is_fine(page, f"find-{persona}", width)
    search(site, page, box="wren avocet 9 3 2014")
    is_fine(page, f"found-{persona}", width)
    for secret in ("wren", "avocet", "2014"):
        assert secret not in page.url.lower()
    page.locator("main table a").first.click()
    is_fine(page, f"child-{persona}", width)
    assert "avocet" not in page.url.lower()
    assert "Avocet" in page.inner_text("h1")
    text = page.inner_text("main")
    for words in ("Who knows this child", "Martha Avocet", "birth registration", "What others say differently"):
        assert words in text, words
    assert "day and month exchanged" in text
    page.context.close()


def test_the_childs_page_says_what_is_wrong_with_a_number_and_who_may_be_family(site: Site) -> None:
    page = site.page(KEEPER)
    page.goto(f"{site.address}/child?space=partners&child=wren&purpose=linkage-quality")
    text = page.inner_text("main")
    assert "is the number of the mother" in text
    assert "01: present and verified" in text
    assert "May be a brother or sister" in text
    assert "Two children turned out to be one" in text
    page.locator("table a:has-text('Open the record')").first.click()
    assert "Robin" in page.inner_text("h1")
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_nobody_there_and_nobody_to_be_known_of_are_told_alike(site: Site, width: int) -> None:
    page = site.page(WORKER, width, scripts=True)
    page.goto(f"{site.address}/child?space=partners&child=robin&purpose=safeguarding")
    hidden = page.inner_text("main").replace("robin", "X")
    is_fine(page, "nothing", width)
    page.goto(f"{site.address}/child?space=partners&child=nobody&purpose=safeguarding")
    assert page.inner_text("main").replace("nobody", "X") == hidden
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_what_cannot_be_searched_is_said_at_the_box(site: Site, width: int) -> None:
    page = site.page(WORKER, width, scripts=True)
    search(site, page, box="")
    is_fine(page, "search-empty", width)
    assert page.title().startswith("Error: ")
    search(site, page, age="a long time")
    is_fine(page, "search-unread", width)
    assert page.title().startswith("Error: ")
    search(site, page, box="zzyzx quibble 1 1 1999")
    is_fine(page, "search-none", width)
    assert "nobody of whom you may know" in page.inner_text("main")
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_an_organisation_sees_what_its_records_differ_in(site: Site, width: int) -> None:
    page = site.page(KEEPER, width, scripts=True)
    page.goto(f"{site.address}/drift")
    is_fine(page, "drift", width)
    page.locator('select[name="space"]').select_option("partners")
    page.click('form[action="/drift"] button')
    is_fine(page, "drift-found", width)
    text = page.inner_text("main")
    assert "Heron" not in text
    assert "2014-09-03" not in text
    assert "another agency's record" in text
    page.locator('input[value="csv"]').check()
    with page.expect_download() as download:
        page.click('form[action="/drift/download"] button')
    assert download.value.suggested_filename.startswith("drift-")
    page.context.close()


def test_everything_works_without_javascript_and_asks_no_other_server(site: Site) -> None:
    page = site.page(WORKER)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    search(site, page, forename="Wrenny", surname="avocett", age="11 to 13")
    page.locator("main table a").first.click()
    assert "Wren" in page.inner_text("h1")
    assert [url for url in asked if not url.startswith((site.address, "data:"))] == []
    page.context.close()
