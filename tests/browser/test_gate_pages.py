"""Every page of the gate in a real browser: accessible, without JavaScript, by keyboard, on a phone, on paper."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pages_served import Served, filled, served
from project import ROOT
from samechild.cli.serve import web_server
from samechild.web.pages.all_pages import PAGES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

AXE = (ROOT / "tests" / "fixtures" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTHS = (1200, 320)
PICTURES = os.environ.get("SAMECHILD_PICTURES", "")
"""A folder in which to leave a picture of every page, for somebody to look at."""

OFFICER, MANAGER, WORKER = "information-governance", "access-manager", "social-worker"
NO_PAGE = {"/sign-in/return", "/ledger/checkpoint", "/ledger/entries/{number}/proof", "/downtime/card"}


def visits() -> list[tuple[str, str]]:
    """Each page with somebody who may open it, and the pages that tell of an error."""
    found = [("", page.path) for page in PAGES if page.show and page.who is None]
    for page in PAGES:
        if page.show and page.who is not None and page.path not in NO_PAGE:
            # Pages for other roles are visited beside this file, where there is something for them to show.
            found += [(each, page.path) for each in (OFFICER, MANAGER, WORKER) if each in page.who][:1]
    found += [(WORKER, "/"), (MANAGER, "/"), (MANAGER, "/organisations/{organisation}"), (MANAGER, "/people/{user}")]
    found += [("", "/no/such/page"), (WORKER, "/ledger"), ("other-access-manager", "/role")]
    return list(dict.fromkeys(visit for visit in found if visit[1] not in NO_PAGE))


class Site:
    """The server on an address of this machine, and the browser."""

    def __init__(self, server: Served, browser: Any, address: str) -> None:
        self.server, self.browser, self.address = server, browser, address

    def page(self, persona: str, width: int = 1200, *, scripts: bool = False) -> Any:
        context = self.browser.new_context(
            java_script_enabled=scripts, bypass_csp=scripts, viewport={"width": width, "height": 900}
        )
        if persona:
            cookies = self.server.browser(persona).client.cookies
            context.add_cookies([{"name": "samechild", "value": cookies["samechild"], "url": self.address}])
        return context.new_page()

    def path(self, path: str) -> str:
        return self.address + filled(self.server, path)


@pytest.fixture(scope="module", name="site")
def a_site() -> Iterator[Site]:
    found = os.environ.get("SAMECHILD_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium here: install it, or name it in SAMECHILD_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync --group browser")
    with served() as server, socket.create_server(("127.0.0.1", 0)) as listener:
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


def picture(page: Any, name: str, width: int) -> None:
    if PICTURES:
        safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "first"
        page.screenshot(path=Path(PICTURES) / f"{safe}-{width}.png", full_page=True)


def wrongs(page: Any) -> list[tuple[str, list[str]]]:
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("persona", "path"), visits())
def test_axe_finds_nothing_and_nothing_scrolls_sideways(site: Site, persona: str, path: str, width: int) -> None:
    page = site.page(persona, width, scripts=True)
    page.goto(site.path(path))
    picture(page, f"{persona} {path}", width)
    found = wrongs(page)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.context.close()
    assert found == []
    assert too_wide <= 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("persona", "path", "form"),
    [
        (OFFICER, "/law", "/law"),
        (OFFICER, "/agreements/new", "/agreements/new"),
        (OFFICER, "/who-looked", "/who-looked"),
        (OFFICER, "/registers/incident/new", "/registers/incident/new"),
        (MANAGER, "/organisations/new", "/organisations/new"),
        ("", "/invitation", "/invitation"),
    ],
)
def test_a_form_sent_empty_tells_what_to_do(site: Site, persona: str, path: str, form: str, width: int) -> None:
    page = site.page(persona, width, scripts=True)
    page.goto(site.path(path))
    page.click(f'form[action="{form}"] button')
    picture(page, f"{persona} {path} empty", width)
    assert page.title().startswith("Error: ")
    links = page.locator(".govuk-error-summary a")
    assert links.count() >= 1
    for number in range(links.count()):
        target = links.nth(number).get_attribute("href")
        assert page.locator(f"[id='{target[1:]}']").count() == 1, target
    assert wrongs(page) == []
    page.context.close()


@pytest.mark.parametrize(("persona", "path"), visits())
def test_nothing_is_asked_of_another_server_and_nothing_needs_javascript(site: Site, persona: str, path: str) -> None:
    page = site.page(persona)
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(site.path(path))
    assert page.locator("h1").count() == 1
    assert page.locator("h1").is_visible()
    assert [url for url in asked if not url.startswith((site.address, "data:"))] == []
    assert [words for words in complaints if "status of 40" not in words] == []
    page.context.close()


@pytest.mark.parametrize(("persona", "path"), visits())
def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(site: Site, persona: str, path: str) -> None:
    page = site.page(persona, scripts=True)
    page.goto(site.path(path))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
    page.evaluate("""() => { window.all = [...document.querySelectorAll(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]; }""")
    groups = page.evaluate("""() => window.all.filter(e => e.type === 'radio').map(e => e.name)
        .filter((n, i, them) => them.indexOf(n) !== i).length""")
    count = page.evaluate("window.all.length") - groups
    seen = [0]
    for _ in range(count - 1):
        page.keyboard.press("Tab")
        at, marked = page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
            const label = e.labels && e.labels[0] ? getComputedStyle(e.labels[0], '::before') : s;
            return [window.all.indexOf(e), [s.outlineStyle, s.boxShadow, label.boxShadow, label.outlineStyle]
                .some(v => v !== 'none')]; }""")
        seen.append(at)
        assert marked, f"nothing shows the focus on element {at}"
    assert seen == sorted(set(seen)), "the order jumps, or the keyboard is caught"
    page.context.close()


def test_somebody_signs_in_works_and_signs_out_by_keyboard_alone(site: Site) -> None:
    page = site.page("")
    page.goto(f"{site.address}/sign-in?next=/may-i")
    page.locator(f'input[value="{WORKER}"]').focus()
    page.keyboard.press("Space")
    page.locator("main button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/may-i")
    for name, words in (
        ("owner", "Fernshire Council"),
        ("record_type", "School or setting, and since when"),
        ("purpose", "Safeguarding and promoting a child's welfare"),
    ):
        page.locator(f'select[name="{name}"]').focus()
        page.keyboard.type(words)
    page.locator('input[name="mode"]').first.focus()
    page.keyboard.press("Space")
    page.locator("main form button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("caption:has-text('Why')")
    picture(page, "may-i answered", 1200)
    page.locator('form[action="/sign-out"] button').focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/signed-out")
    page.goto(f"{site.address}/may-i")
    assert "/sign-in" in page.url
    page.context.close()


def test_pages_print_without_what_belongs_to_the_screen(site: Site) -> None:
    page = site.page(OFFICER, scripts=True)
    page.goto(f"{site.address}/downtime")
    page.emulate_media(media="print")
    for hidden in (".govuk-service-navigation", ".samechild-who", ".samechild-footer", "form", ".govuk-skip-link"):
        assert not any(each.is_visible() for each in page.locator(hidden).all()), hidden
    assert page.locator("table").first.is_visible()
    if PICTURES:
        page.pdf(path=Path(PICTURES) / "downtime.pdf")
    page.context.close()


def test_text_can_be_twice_as_large_and_colours_be_forced(site: Site) -> None:
    page = site.page(OFFICER, 640, scripts=True)
    page.emulate_media(forced_colors="active")
    for path in ("/", "/ledger", "/agreements/new"):
        page.goto(site.address + path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 1, path
    page.context.close()


def test_the_documentation_of_the_api_works_from_this_server_alone(site: Site) -> None:
    context = site.browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{site.address}/api/docs")
    page.wait_for_selector("text=May this be disclosed?")
    picture(page, "api docs", 1200)
    assert [url for url in asked if not url.startswith((site.address, "data:"))] == []
    assert [words for words in complaints if "Content Security Policy" in words] == []
    context.close()
