"""What a council's data team sees in the morning, in a real browser: three weeks of records, wide and narrow."""

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

from pages_served import Served, served
from project import ROOT
from quality_week import sandbox_tried, sending_councils, three_weeks
from samechild.cli.serve import web_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

AXE = (ROOT / "tests" / "fixtures" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTHS = (1280, 375)
PICTURES = os.environ.get("SAMECHILD_PICTURES", "")
TEAM, ANALYST = "data-team", "dfe-analyst"
SHOWN = {
    "overview": "/quality",
    "problems": "/quality/problems",
    "fixed": "/quality/problems?state=fixed&grade=error",
    "children": "/quality/children",
    "workers": "/quality/workers",
    "received": "/quality/received",
    "cohort": "/quality/no-longer-sent",
    "sandbox": "/quality/sandbox",
    "sandbox-problems": "/quality/sandbox/problems",
    "sandbox-children": "/quality/sandbox/children",
    "sandbox-workers": "/quality/sandbox/workers",
    "sandbox-received": "/quality/sandbox/received",
    "sandbox-cohort": "/quality/sandbox/no-longer-sent",
    "rules": "/rules",
    "rule": "/rules/EPI-05",
}


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
        sending_councils(server)
        three_weeks(server)
        sandbox_tried(server)
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


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SHOWN)
def test_a_page_is_fine(site: Site, name: str, width: int) -> None:
    page = site.page(TEAM, width, scripts=True)
    page.goto(f"{site.address}{SHOWN[name]}")
    is_fine(page, f"quality-{name}", width)
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_values_of_one_problem_are_shown_together(site: Site, width: int) -> None:
    page = site.page(TEAM, width, scripts=True)
    page.goto(f"{site.address}/quality/children")
    page.locator("main table a").first.click()
    is_fine(page, "quality-child", width)
    number = page.locator('a.samechild-number[id^="problem-"]').first
    which = number.get_attribute("href").removeprefix("#cell-")
    cells = page.locator(f"span.samechild-p{which}")
    plain = cells.first.evaluate("cell => getComputedStyle(cell).backgroundColor")
    number.click()
    shown = [each.evaluate("cell => getComputedStyle(cell).backgroundColor") for each in cells.all()]
    assert len(shown) >= 1
    assert set(shown) == {"rgb(255, 221, 0)"}
    assert plain not in shown
    is_fine(page, "quality-child-problem", width)
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_sandbox_is_one_step_away_and_says_so_everywhere(site: Site, width: int) -> None:
    page = site.page(TEAM, width, scripts=True)
    page.goto(f"{site.address}/quality/problems")
    assert "Sandbox: made-up" not in page.inner_text("main")
    page.click('nav[aria-label="Which records"] >> text=Sandbox')
    assert page.url == f"{site.address}/quality/sandbox/problems"
    page.locator("main table a").first.click()
    assert "/quality/sandbox/children/" in page.url
    assert page.inner_text("h1").startswith("Child TRIAL")
    assert "Sandbox: made-up or trial records" in page.inner_text("main")
    assert page.title().endswith("(sandbox) - samechild")
    is_fine(page, "quality-sandbox-child", width)
    page.goto(f"{site.address}/collection/requests")
    page.fill('input[name="request"]', "trial")
    page.click('form[action="/collection/requests"] button')
    assert "Sandbox: made-up or trial records" in page.inner_text("main")
    is_fine(page, "quality-sandbox-request", width)
    page.goto(f"{site.address}/quality/sandbox/problems")
    page.locator('form[action="/quality/sandbox/problems/download"] input[value="csv"]').check()
    with page.expect_download() as download:
        page.click('form[action="/quality/sandbox/problems/download"] button')
    assert download.value.suggested_filename.startswith("sandbox-problems-")
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_an_earlier_day_is_shown(site: Site, width: int) -> None:
    page = site.page(TEAM, width, scripts=True)
    page.goto(f"{site.address}/quality/children")
    page.locator("main table a").first.click()
    page.click('form[action^="/quality/children/"] button')
    is_fine(page, "quality-child-no-day", width)
    day = site.server.now.date()
    for piece, value in (("day", day.day), ("month", day.month), ("year", day.year)):
        page.fill(f'input[name="on-{piece}"]', str(value))
    page.click('form[action^="/quality/children/"] button')
    assert "What was known at the end of" in page.inner_text("main")
    is_fine(page, "quality-child-then", width)
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_list_is_compared_and_files_are_downloaded(site: Site, width: int, tmp_path: Path) -> None:
    page = site.page(TEAM, width, scripts=True)
    page.goto(f"{site.address}/quality/no-longer-sent")
    given = tmp_path / "ours.csv"
    given.write_text("la_child_id,name\nNOTHERE1,x\n", encoding="utf-8")
    page.set_input_files('input[name="file"]', given)
    page.click('form[action="/quality/no-longer-sent/expected"] button')
    assert "NOTHERE1" in page.inner_text("main")
    is_fine(page, "quality-compared", width)
    page.goto(f"{site.address}/quality/problems")
    page.locator('form[action="/quality/problems/download"] input[value="xlsx"]').check()
    with page.expect_download() as download:
        page.click('form[action="/quality/problems/download"] button')
    assert download.value.suggested_filename.endswith(".xlsx")
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_department_sees_numbers(site: Site, width: int) -> None:
    page = site.page(ANALYST, width, scripts=True)
    page.goto(f"{site.address}/councils")
    is_fine(page, "quality-councils-ask", width)
    page.locator('input[value="development"]').check()
    page.click('form[action="/councils"] button')
    is_fine(page, "quality-councils", width)
    assert "Fernshire Council" in page.inner_text("main")
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_wrong_answers_are_told_at_their_place(site: Site, width: int) -> None:
    page = site.page(TEAM, width, scripts=True)
    for path, action in (
        ("/quality", "/quality/find"),
        ("/quality/problems", "/quality/problems/download"),
        ("/quality/workers", "/quality/workers"),
        ("/quality/no-longer-sent", "/quality/no-longer-sent/expected"),
    ):
        page.goto(f"{site.address}{path}")
        page.click(f'form[action="{action}"] button')
        assert page.title().startswith("Error: "), path
        is_fine(page, f"wrong{path.replace('/', '-')}", width)
    page.context.close()


def test_everything_works_without_javascript_and_asks_no_other_server(site: Site) -> None:
    page = site.page(TEAM)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in SHOWN.values():
        page.goto(f"{site.address}{path}")
    page.goto(f"{site.address}/quality/problems")
    page.locator("summary").first.click()
    page.select_option('select[name="grade"]', "query")
    page.click('form[action="/quality/problems"] button')
    assert page.url.endswith("/quality/problems?grade=query")
    assert [url for url in asked if not url.startswith((site.address, "data:"))] == []
    page.context.close()
