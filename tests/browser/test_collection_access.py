"""The pages of taking part in the daily collection in a browser: wide and narrow, accessible, without JavaScript."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collecting import a_payload
from project import ROOT
from samechild.cli.serve import web_server
from samechild.collection import concerns, credentials
from samechild.records.disclosure import Asker
from two_councils import World, a_collection, a_weeks_sending

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

AXE = (ROOT / "tests" / "fixtures" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTHS = (1280, 375)
PICTURES = os.environ.get("SAMECHILD_PICTURES", "")

MANAGER, OFFICER, SUPPLIER, DEPARTMENT, ANALYST = "manager", "officer", "supplier", "department", "analyst"
ACCESS, CONCERNS, ROUTES = "/collection/access", "/collection/concerns", "/collection/routes"
SHOWN = [
    (MANAGER, "/collection"),
    (MANAGER, ACCESS),
    (SUPPLIER, ACCESS),
    (MANAGER, f"{ACCESS}/systems/{{client}}"),
    (MANAGER, "/collection/views"),
    (OFFICER, "/collection/requests"),
    (OFFICER, "/collection/looked"),
    (MANAGER, ROUTES),
    (ANALYST, ROUTES),
    (OFFICER, CONCERNS),
    (DEPARTMENT, f"{CONCERNS}/{{concern}}"),
    (SUPPLIER, "/collection"),
]
SENT_EMPTY = [
    (MANAGER, ACCESS, f"{ACCESS}/add"),
    (MANAGER, ACCESS, f"{ACCESS}/name"),
    (MANAGER, "/collection/views", "/collection/views"),
    (OFFICER, "/collection/requests", "/collection/requests"),
    (MANAGER, ROUTES, f"{ROUTES}/enter"),
    (OFFICER, CONCERNS, CONCERNS),
]


class Site:
    """The server on an address of this machine, the browser, and who may be at it."""

    def __init__(self, world: World, browser: Any, address: str) -> None:
        self.world, self.browser, self.address = world, browser, address
        people = world.one.people
        self.people = {
            MANAGER: people["access-manager"],
            OFFICER: people["information-governance"],
            SUPPLIER: world.supplier_manager,
            DEPARTMENT: world.officer,
            ANALYST: world.analyst,
        }

    def page(self, who: str, width: int = 1280, *, scripts: bool = False) -> Any:
        context = self.browser.new_context(
            java_script_enabled=scripts, bypass_csp=scripts, viewport={"width": width, "height": 900}
        )
        cookies = self.world.browser(self.people[who]).client.cookies
        context.add_cookies([{"name": "samechild", "value": cookies["samechild"], "url": self.address}])
        return context.new_page()

    def path(self, path: str) -> str:
        client = self.world.one.made["845"].client_id
        return self.address + path.replace("{client}", client).replace("{concern}", self.world.one.concern)


def lived_in(world: World) -> None:
    """A week of sending, a supplier at work, a request of which one record was refused, a concern half answered."""
    supplier = Asker(user=world.supplier_manager, organisation=world.supplier, role="access-manager", factors=2)
    its = credentials.add_supplier_client(world.store, supplier, world.supplier, world.began, os.urandom)
    for council in (world.one, world.other):
        manager = council.asker("access-manager")
        credentials.name_supplier(world.store, manager, council.feed, world.supplier, world.began, os.urandom)
    a_weeks_sending(world, (world.one, "Alderbird"), (world.other, "Brackbird"))
    world.send(world.one, a_payload("S1"), made=its)
    world.send(world.one, a_payload("C9"), {"la_child_id": "not one!"}, request="mixed")
    world.work_off()
    department = Asker(user=world.officer, organisation=world.department, role="information-governance", factors=2)
    found = concerns.one_concern(world.store, department, world.one.concern, world.now)
    concerns.move_concern(world.store, department, found, "acknowledge", "We look into it.", world.now, os.urandom)


@pytest.fixture(scope="module", name="site")
def a_site() -> Iterator[Site]:
    found = os.environ.get("SAMECHILD_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium here: install it, or name it in SAMECHILD_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync --group browser")
    with a_collection() as world, socket.create_server(("127.0.0.1", 0)) as listener:
        lived_in(world)
        running = web_server(world.server.app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.05)
        with api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
            yield Site(world, browser, f"http://127.0.0.1:{listener.getsockname()[1]}")
            browser.close()
        running.should_exit = True
        thread.join(20)


def picture(page: Any, name: str, width: int) -> None:
    if PICTURES:
        safe = "-".join(part for part in name.replace("{", "").replace("}", "").split("/") if part)
        page.screenshot(path=Path(PICTURES) / f"{safe.replace(' ', '-')}-{width}.png", full_page=True)


def check(page: Any) -> None:
    """Axe finds nothing, and nothing scrolls sideways."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("who", "path"), SHOWN)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(site: Site, who: str, path: str, width: int) -> None:
    page = site.page(who, width, scripts=True)
    page.goto(site.path(path))
    picture(page, f"{who} {path}", width)
    assert page.locator("h1").count() == 1
    check(page)
    page.context.close()


@pytest.mark.parametrize(("who", "path", "form"), SENT_EMPTY)
def test_a_form_sent_empty_tells_what_to_do(site: Site, who: str, path: str, form: str) -> None:
    page = site.page(who, 375, scripts=True)
    page.goto(site.path(path))
    for fold in page.locator("details > summary").all():
        fold.click()
    page.click(f'form[action="{form}"] button')
    picture(page, f"{who} {form} empty", 375)
    assert page.title().startswith("Error: ")
    links = page.locator(".govuk-error-summary a")
    assert links.count() >= 1
    for number in range(links.count()):
        target = links.nth(number).get_attribute("href")
        assert page.locator(f"[id='{target[1:]}']").is_visible(), target
    check(page)
    page.context.close()


def test_credentials_are_made_and_shown_without_javascript(site: Site) -> None:
    page = site.page(MANAGER)
    page.goto(site.path(ACCESS))
    page.locator("summary", has_text="Make credentials").click()
    page.check("input[name=feed][value='845']")
    page.fill("input[name=supplier]", "Data to Insight")
    page.check("input[name=way][value='standard safeguarding dataset']")
    page.click(f'form[action="{ACCESS}/add"] button')
    picture(page, "credentials shown once", 1280)
    assert "SUPPLIER_KEY=" in page.locator("pre").inner_text()
    assert "shown only now" in page.locator("main").inner_text()
    page.context.close()


def test_the_department_compares_the_routes_and_the_council_sees_that_it_did(site: Site) -> None:
    page = site.page(ANALYST, scripts=True)
    page.goto(site.path(ROUTES))
    page.click(f'form[action="{ROUTES}"] button')
    picture(page, "analyst routes compared", 1280)
    assert page.locator("svg[role=img]").is_visible()
    check(page)
    page.goto(site.path(ROUTES))
    page.check("input[name=as][value=csv]")
    with page.expect_download() as kept:
        page.click(f'form[action="{ROUTES}"] button')
    assert kept.value.suggested_filename.startswith("routes-")
    own = site.page(OFFICER)
    own.goto(site.path("/collection/looked"))
    assert "Developing the daily collection itself" in own.locator("main").inner_text()
    page.context.close()
    own.context.close()
