"""The review queue in a real browser: a whole review by keyboard, and by plain forms without a script; accessible."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from asking import DAY
from linking import taught, the_town_linked
from pages_served import Served, served
from project import ROOT
from reviewing import a_record, asked_about
from samechild.cli.serve import web_server
from samechild.index import store as tables
from samechild.index.actions import open_space
from samechild.index.models import keep_model
from samechild.index.records import Space
from samechild.index.review import Doubt
from samechild.policy.sign_in.sessions import signed_in
from samechild.records.disclosure import Asker
from samechild.storage import Login

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

AXE = (ROOT / "tests" / "fixtures" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTHS = (1280, 375)
PICTURES = os.environ.get("SAMECHILD_PICTURES", "")
REVIEWER = "data-quality"
FAMILY = {"surname": "Quillfeather", "postcode": "LS1 6AB", "address": "4 Heron Lane"}


class Desk:
    """The server on an address of this machine, a browser, and the council's index with doubtful pairs in it."""

    def __init__(self, server: Served, browser: Any, address: str) -> None:
        self.server, self.browser, self.address = server, browser, address
        self.token = server.browser(REVIEWER).client.cookies["samechild"]
        self.by: Asker = signed_in(server.store, self.token, datetime.now(UTC)).asker
        self.space = self.by.organisation

    def page(self, width: int = 1280, *, scripts: bool = True) -> Any:
        context = self.browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 900})
        context.add_cookies([{"name": "samechild", "value": self.token, "url": self.address}])
        return context.new_page()

    def filled(self) -> list[str]:
        """Three doubtful pairs; the questions' ids, oldest first."""
        store, now = self.server.store, datetime.now(UTC)
        own = {"space": self.space, "owner": self.space}
        open_space(store, self.by, Space(space=self.space, title="The council's own", members=(self.space,)), now)
        keep_model(store, self.space, taught(), the_town_linked().frequencies, now)
        pairs = [
            ({"forename": "Theodora"}, {"forename": "Thea", "surname": "Quilfeather", "school": "900001"}),
            (
                {"forename": "Ottilie", "nhs_number": "9990000115"},
                {"forename": "Odette", "nhs_number": "", "postcode": "LS1 6AD", "date_of_birth": "2015-09-03"},
            ),
            ({"forename": "Crispin", "nhs_number": ""}, {"forename": "Crispian", "nhs_number": "", "sex": ""}),
        ]
        found = []
        for at, (one, other) in enumerate(pairs):
            first, _ = a_record(store, now=now, source="social care", **own, **{**FAMILY, **one})
            second, _ = a_record(store, now=now, source="schools", **own, **{**FAMILY, **other})
            kind = (Doubt.DOUBT, Doubt.CONTRADICTION, Doubt.RIVALS)[at]
            found.append(
                asked_about(store, first, second, twice=False, space=self.space, kind=kind, opened_at=now - DAY * at)
            )
        self.server.now = datetime.now(UTC)  # a clock that went back would refuse everything
        return found[::-1]

    def children(self) -> int:
        """How many children the council's space has that hold a record."""
        with self.server.store.read(Login.INDEX) as index:
            return len({row[3] for row in tables.every_member(index, self.space)})


@pytest.fixture(name="desk")
def a_desk() -> Iterator[Desk]:
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
            yield Desk(server, browser, f"http://127.0.0.1:{listener.getsockname()[1]}")
            browser.close()
        running.should_exit = True
        thread.join(20)


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def wrongs(desk: Desk, path: str, width: int, name: str) -> list[tuple[str, list[str]]]:
    """What axe finds on a page; the policy that forbids foreign scripts is lifted for axe alone."""
    context = desk.browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "samechild", "value": desk.token, "url": desk.address}])
    page = context.new_page()
    page.goto(desk.address + path)
    picture(page, f"{name}-{width}")
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert too_wide <= 1, path
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]


def test_a_whole_review_is_done_by_keyboard_alone(desk: Desk) -> None:
    desk.filled()
    page = desk.page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{desk.address}/review")
    assert desk.children() == 6
    page.keyboard.press("n")  # take the next
    page.wait_for_selector("h1:has-text('Are these two records of the same child?')")
    first = page.url
    assert page.locator("caption:has-text('What speaks for and against')").count() == 1
    page.keyboard.press("?")
    assert page.locator("details[open] >> text=S: the same child").count() == 1
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "TR"
    page.keyboard.press("n")
    page.keyboard.type("same door, and the school says so")  # no letter of a note answers
    assert page.url == first
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.wait_for_selector("text=Your answer was kept: the same child")
    assert desk.children() == 5
    second = page.url.partition("?")[0]
    assert second != first.partition("?")[0]
    page.keyboard.press("u")  # take it back
    page.wait_for_selector("text=Your answer was taken back")
    assert page.url.partition("?")[0] == first.partition("?")[0]
    assert desk.children() == 6
    page.keyboard.press("s")
    page.wait_for_selector("text=Your answer was kept: the same child")
    page.keyboard.press("d")
    page.wait_for_selector("text=Your answer was kept: two children")
    page.keyboard.press("c")
    page.wait_for_selector("text=Your answer was kept: you cannot tell")
    assert page.url.startswith(f"{desk.address}/review?")
    assert page.locator("text=There is no question for you now").count() == 1
    assert desk.children() == 5
    assert complaints == []
    page.context.close()


def test_the_keys_can_be_turned_off_and_do_not_work_with_others_held(desk: Desk) -> None:
    desk.filled()
    page = desk.page()
    page.goto(f"{desk.address}/review")
    page.keyboard.press("n")
    page.wait_for_selector("h1:has-text('Are these two records')")
    page.keyboard.press("Control+d")
    page.keyboard.press("?")
    page.click("text=Turn the single keys off")
    page.keyboard.press("s")
    page.keyboard.press("d")
    page.wait_for_timeout(200)
    assert desk.children() == 6
    assert "/review/pairs/" in page.url
    page.reload()
    page.locator("body").press("s")
    page.wait_for_timeout(200)
    assert desk.children() == 6
    page.context.close()


def test_a_whole_review_is_done_without_a_script(desk: Desk) -> None:
    desk.filled()
    page = desk.page(scripts=False)
    page.goto(f"{desk.address}/review")
    page.click("text=Take the next question")
    page.click("text=Answer, and show the next")
    assert page.title().startswith("Error: ")
    page.check('input[value="same"]')
    page.fill("textarea", "same door")
    page.click("text=Answer, and show the next")
    assert page.locator("text=Your answer was kept: the same child").count() == 1
    assert desk.children() == 5
    page.click("text=Take my last answer back")
    assert desk.children() == 6
    page.click("text=Give this question back")
    assert page.locator("text=The question went back to the queue").count() == 1
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(desk: Desk, width: int) -> None:
    questions = desk.filled()
    assert wrongs(desk, "/review", width, "queue") == []
    for at, question in enumerate(questions):
        assert wrongs(desk, f"/review/pairs/{question}", width, f"pair-{at}") == []
    page = desk.page()
    page.goto(f"{desk.address}/review/pairs/{questions[0]}")
    page.keyboard.press("s")
    page.wait_for_url(re.compile("last="))
    after = page.url.removeprefix(desk.address)
    page.context.close()
    assert wrongs(desk, after, width, "after-answer") == []


def test_somebody_elses_question_says_so(desk: Desk) -> None:
    question = desk.filled()[0]
    page = desk.page()
    page.goto(f"{desk.address}/review/pairs/{'0' * 32}")
    assert page.locator("h1").count() == 1
    page.goto(f"{desk.address}/review/pairs/{question}")
    assert page.locator("h1:has-text('Are these two records')").count() == 1
    page.context.close()


def a_wrong_child(desk: Desk) -> str:
    """A child with four records of which one is another's; its identifier."""
    desk.filled()
    store, now = desk.server.store, datetime.now(UTC)
    own = {"space": desk.space, "owner": desk.space, **FAMILY}
    _, child = a_record(store, now=now, source="social care", **own)
    a_record(store, now=now, source="health visiting", child=child, **own)
    a_record(store, now=now, source="schools", child=child, forename="Thea", **own)
    wrong = {"forename": "Bartholomew", "date_of_birth": "2011-07-01", "sex": "M", "nhs_number": ""}
    a_record(store, now=now, source="early years", child=child, **{**own, **wrong})
    desk.server.now = datetime.now(UTC)
    return child


@pytest.mark.parametrize("width", WIDTHS)
def test_a_child_is_taken_apart_seen_before_it_is_done_and_put_back(desk: Desk, width: int) -> None:
    child = a_wrong_child(desk)
    path = f"/clusters/{desk.space}/{child}"
    assert wrongs(desk, path, width, "cluster") == []
    page = desk.page(width, scripts=False)
    page.goto(desk.address + path)
    assert "The weakest link that holds" in page.locator("svg[role=img]").get_attribute("aria-label")
    before = desk.children()
    assert page.locator("input[name=leave]:checked").count() == 1  # the weak part is picked already
    page.click("text=See what would move")
    assert page.locator("h1:has-text('What would move')").count() == 1
    picture(page, f"cluster-preview-{width}")
    assert desk.children() == before
    page.click("text=Take these records out")
    assert page.locator("text=they are a child of their own now").count() == 1
    assert desk.children() == before + 1
    picture(page, f"cluster-after-{width}")
    page.locator("button:has-text('Take back step')").first.click()
    assert page.locator("text=The step was taken back, exactly").count() == 1
    assert desk.children() == before
    page.context.close()


def test_a_step_others_rest_on_says_which_to_take_back_first(desk: Desk) -> None:
    child = a_wrong_child(desk)
    page = desk.page(scripts=False)
    page.goto(f"{desk.address}/clusters/{desk.space}/{child}")
    page.click("text=See what would move")
    page.click("text=Take these records out")
    link = page.locator("button:has-text('Take back step')").nth(1)  # how the record came: its leaving rests on that
    number = re.search(r"step (\d+)", link.inner_text())
    assert number is not None
    link.click()
    warning = page.locator(".govuk-warning-text").inner_text()
    assert re.search(r"\d+", warning.replace(number[1], ""))
    page.context.close()
