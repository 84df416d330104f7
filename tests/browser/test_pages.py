"""Every page a command writes, in a real browser: accessible, whole without a network, usable without JavaScript."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import linked_town, run
from project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

AXE = (ROOT / "tests" / "fixtures" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module", name="browser")
def a_browser() -> Iterator[Any]:
    """The system's Chromium."""
    found = os.environ.get("SAMECHILD_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium here: install it, or name it in SAMECHILD_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync --group browser")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", name="pages")
def written_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A demonstration's pages, and a page that explains one pair."""
    folder = tmp_path_factory.mktemp("pages")
    assert run("demo", "--children", "800", "--build-only", folder / "demo").code == 0
    import pyarrow.parquet as pq

    row = pq.read_table(linked_town() / "pairs.parquet").slice(0, 1).to_pylist()[0]
    pair = [f"{row[f'source_{end}']}:{row[f'record_{end}']}" for end in "ab"]
    assert run("explain", linked_town(), *pair, "--html", folder / "why.html").code == 0
    demo = folder / "demo"
    return {
        "report": demo / "linked" / "report.html",
        "index": demo / "index.html",
        "evaluation": demo / "evaluation.html",
        "explain": folder / "why.html",
    }


NAMES = ("report", "index", "evaluation", "explain")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [1200, 360])
def test_axe_finds_nothing(browser: Any, pages: dict[str, Path], name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(pages[name].as_uri())
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    page.close()
    assert [(one["id"], len(one["nodes"])) for one in found["violations"]] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_asked_of_a_network_and_nothing_needs_javascript(
    browser: Any, pages: dict[str, Path], name: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages[name].as_uri())
    assert page.locator("h1").count() == 1
    assert page.locator("h1").is_visible()
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_does_not_scroll_sideways_on_a_phone(browser: Any, pages: dict[str, Path], name: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(pages[name].as_uri())
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.close()
    assert too_wide <= 1


def test_the_first_key_reaches_the_content(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["report"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')").startswith("#")
    page.close()


def test_headings_stand_clear_of_the_bar(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(pages["report"].as_uri())
    gap = page.evaluate(
        "document.querySelector('h1').getBoundingClientRect().top"
        " - document.querySelector('header').getBoundingClientRect().bottom"
    )
    page.close()
    assert gap >= 15
