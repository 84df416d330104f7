"""A council takes part in the daily collection: credentials, suppliers, views, a request, the routes, a concern."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest

from collecting import a_payload
from pages_served import Browser
from samechild.collection import concerns, credentials
from samechild.collection.credentials import Credentials
from samechild.collection.feeds import close_feed, feeds_of
from samechild.errors import Invalid, Missing, Refused
from samechild.policy.agreement_actions import withdraw_agreement
from samechild.policy.people.actions import operator
from samechild.records.disclosure import Asker
from two_councils import World, a_collection, a_weeks_sending

ACCESS, VIEWS, ROUTES = "/collection/access", "/collection/views", "/collection/routes"
CONCERNS, LOOKED, REQUESTS = "/collection/concerns", "/collection/looked", "/collection/requests"


@pytest.fixture
def world() -> Iterator[World]:
    with a_collection() as made:
        yield made


def days(world: World, shown: str = "page") -> dict[str, str]:
    """The answers to the form of the comparison: the last thirty days."""
    found = {"as": shown}
    for name, back in (("since", 30), ("until", 0)):
        day = world.now - timedelta(days=back)
        found |= {f"{name}-{part}": str(getattr(day, part)) for part in ("day", "month", "year")}
    return found


def manager(world: World) -> Browser:
    return world.browser(world.one.people["access-manager"])


def officer(world: World) -> Browser:
    return world.browser(world.one.people["information-governance"])


def credentials_in(page: str) -> tuple[dict[str, str], Credentials]:
    """The credentials that a page shows once, as the file and as they are used."""
    lines = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert lines
    env = dict(line.split("=", 1) for line in unescape(lines.group(1)).strip().splitlines())
    return env, Credentials(env["CLIENT_ID"], env["CLIENT_SECRET"], env["SUPPLIER_KEY"])


def text_of(page: str) -> str:
    main = page[page.index("<main") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_credentials_made_on_the_page_work_at_once_and_end_at_once(world: World) -> None:
    browser = manager(world)
    browser.open(ACCESS)
    answer = browser.send(f"{ACCESS}/add", feed="845", supplier="Data to Insight", way="standard safeguarding dataset")
    env, made = credentials_in(answer.text)
    assert env["LA_CODE"] == "845"
    assert env["SCOPE"] == "submit"
    world.one.made["845"] = made
    assert len(world.send(world.one, a_payload("C1")).receipts) == 1
    listed = text_of(browser.open(ACCESS).text)
    assert "845 The Standard Safeguarding Dataset may send 1 0 1" in listed
    assert made.secret not in listed
    browser.open(f"{ACCESS}/systems/{made.client_id}")
    env, fresh = credentials_in(browser.send(f"{ACCESS}/rotate").text)
    assert (fresh.client_id, env["API_ENDPOINT"]) == (made.client_id, "http://127.0.0.1:8000")
    assert fresh.supplier_key != made.supplier_key
    browser.open(f"{ACCESS}/systems/{made.client_id}")
    assert browser.send(f"{ACCESS}/end").status_code == 200
    with pytest.raises(Refused):
        world.send(world.one, a_payload("C2"))
    assert "ended" in text_of(browser.open(ACCESS).text)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "Pick a feed"),
        ({"feed": "845"}, "Who made what sends"),
        ({"feed": "846", "supplier": "X", "way": "own build"}, "Pick one from the list"),
        (
            {
                "feed": "845",
                "supplier": "X",
                "way": "own build",
                "until-day": "1",
                "until-month": "1",
                "until-year": "2020",
            },
            "would have ended already",
        ),
    ],
)
def test_wrong_answers_are_told_and_make_nothing(world: World, answers: dict[str, str], words: str) -> None:
    browser = manager(world)
    browser.open(ACCESS)
    answer = browser.send(f"{ACCESS}/add", **answers)
    assert answer.status_code == 400
    assert words in unescape(answer.text)
    assert len(credentials.every_client(world.store)) == 4


def test_a_supplier_is_named_sees_how_it_fares_and_is_stopped(world: World) -> None:
    theirs, browser = world.browser(world.supplier_manager), manager(world)
    theirs.open(ACCESS)
    page = theirs.send(f"{ACCESS}/own").text
    shown = re.findall(r"<code[^>]*>([^<]+)</code>", page)
    made = Credentials(*shown)
    with pytest.raises(Refused):
        world.send(world.one, a_payload("C1"), made=made)
    browser.open(ACCESS)
    assert browser.send(f"{ACCESS}/name", feed="845", supplier=world.supplier).status_code == 200
    browser.open(ACCESS)
    assert "named already" in browser.send(f"{ACCESS}/name", feed="845", supplier=world.supplier).text
    world.send(world.one, a_payload("C1"), {"la_child_id": "not one!"}, made=made)
    assert "Alderford Council 845" in text_of(theirs.open(ACCESS).text)
    assert "1 0 2 1" in text_of(theirs.open(ACCESS).text)
    assert "Brackmere" not in theirs.open(ACCESS).text
    assert "Casework Systems 845" in text_of(browser.open(ACCESS).text)
    browser.open(ACCESS)
    assert browser.send(f"{ACCESS}/unname", feed="845", supplier=world.supplier).status_code == 200
    with pytest.raises(Refused):
        world.send(world.one, a_payload("C2"), made=made)
    assert "No council names you yet" in theirs.open(ACCESS).text


def test_only_access_managers_change_who_may_send(world: World) -> None:
    browser = officer(world)
    page = browser.open(ACCESS).text
    assert "<form action=" not in page[page.index("<main") :]
    for path in ("add", "own", "name", "unname", "rotate", "end"):
        assert browser.client.post(f"{ACCESS}/{path}", data={"token": "x"}).status_code == 403


def test_each_view_is_given_and_taken_by_itself(world: World) -> None:
    browser, person = manager(world), world.one.people["social-worker"]
    browser.open(VIEWS)
    assert browser.send(VIEWS, person=person, view="preview-viewer").status_code == 200
    browser.open(VIEWS)
    assert "hold this view already" in browser.send(VIEWS, person=person, view="preview-viewer").text
    assert browser.send(VIEWS, person=person, view="access-manager").status_code == 400
    assert browser.send(VIEWS, person=world.other.people["analyst"], view="preview-viewer").status_code == 400
    theirs = world.browser(person, "preview-viewer")
    assert theirs.open("/").status_code == 200
    assert theirs.get("/quality").status_code == 403
    page = browser.open(VIEWS).text
    grant = re.search(r'<option value="([0-9a-f]{32})"[^>]*>\s*Alderford Council&#39;s social-worker: Preview', page)
    assert grant, page
    assert browser.send(f"{VIEWS}/take", grant=grant.group(1)).status_code == 200
    assert "/sign-in" in str(theirs.open("/collection").url)


def test_a_request_is_found_by_its_id_and_only_ones_own(world: World) -> None:
    world.send(world.one, a_payload("C1"), {"la_child_id": "not one!"}, request="first")
    world.send(world.one, a_payload("C1"), request="tried", sandbox=True)
    world.send(world.other, a_payload("B1"), request="theirs")
    browser = officer(world)
    browser.open(REQUESTS)
    found = text_of(browser.send(REQUESTS, request="first").text)
    assert "Feed 845" in found
    assert "1 STR-04 /la_child_id" in found
    assert "not one!" not in found
    browser.open(REQUESTS)
    assert "845-sandbox" in text_of(browser.send(REQUESTS, request=" tried ").text)
    for unknown in ("theirs", "nothing", "'; --"):
        browser.open(REQUESTS)
        answer = browser.send(REQUESTS, request=unknown)
        assert answer.status_code == 400
        assert "No request of your organisation" in answer.text


def test_the_front_page_says_whether_something_may_be_sent_and_why_not(world: World) -> None:
    browser = manager(world)
    assert "State open" in text_of(browser.open("/collection").text)
    by = world.one.asker("information-governance")
    withdraw_agreement(world.store, by, world.one.agreement, world.now)
    assert "the data sharing agreement was withdrawn" in text_of(browser.open("/collection").text)
    close_feed(world.store, operator(), "845", world.now)
    assert "was closed on" in text_of(browser.open("/collection").text)
    with pytest.raises(Refused):
        world.send(world.one, a_payload("C1"))
    assert [feed.feed for feed in feeds_of(world.store) if feed.closed_at] == ["845"]


def test_the_routes_are_compared_by_the_council_and_by_who_receives(world: World) -> None:
    a_weeks_sending(world, (world.one, "Alderbird"), (world.other, "Brackbird"))
    own = manager(world).open(ROUTES)
    words = text_of(own.text)
    assert "Hours to the first record 7,654,845" in words
    assert "Hours a month 12" in words
    assert "Records sent 16" in words
    assert "Brackmere" not in own.text
    assert "7,654,846" not in own.text
    analyst = world.browser(world.analyst)
    asked = analyst.open(ROUTES)
    assert "Alderford" not in asked.text
    every = analyst.send(ROUTES, **days(world))
    assert "Own build, middle of 2" in text_of(every.text)
    assert "Brackmere Council Own build 12" in text_of(every.text)
    file = analyst.send(ROUTES, **days(world, "csv"))
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["council"] for row in rows] == ["Alderford Council", "Brackmere Council", "middle of 2 councils"]
    assert rows[0]["first_hours"] == "7654845"
    assert rows[1]["records"] == "16"
    told = text_of(officer(world).open(LOOKED).text)
    assert "Developing the daily collection itself 2 0" in told
    assert "The Department: Analyst" in told


def test_a_council_whose_agreement_was_withdrawn_is_compared_no_more(world: World) -> None:
    by = world.one.asker("information-governance")
    withdraw_agreement(world.store, by, world.one.agreement, world.now)
    analyst = world.browser(world.analyst)
    analyst.open(ROUTES)
    found = text_of(analyst.send(ROUTES, **days(world)).text)
    assert "Brackmere Council" in found
    assert "Alderford Council" not in found


def test_hours_and_money_are_entered_and_mended(world: World) -> None:
    browser = manager(world)
    month = f"{world.now:%Y-%m}"
    for wrong in ({"month": month}, {"month": "2026-13", "hours": "5"}, {"month": "2099-01", "hours": "5"}):
        browser.open(ROUTES)
        assert browser.send(f"{ROUTES}/enter", **wrong).status_code == 400
    for hours in ("5", "7"):
        world.server.now += timedelta(seconds=1)
        browser.open(ROUTES)
        answer = browser.send(f"{ROUTES}/enter", first="120", month=month, hours=hours, pounds="900")
        assert answer.status_code == 200
    words = text_of(browser.open(ROUTES).text)
    assert "Hours to the first record 120" in words
    assert "Hours a month 7" in words
    assert "Money paid in the period, in pounds 900" in words


def test_a_concern_is_raised_answered_and_closed_and_both_sides_are_told(world: World) -> None:
    raiser = world.browser(world.one.people["quality-viewer"])
    raiser.open(CONCERNS)
    words = "The department keeps longer than we agreed."
    page = raiser.send(CONCERNS, put_to=world.department, kind="data sharing", text=words)
    concern = str(page.url).rpartition("/")[2].partition("?")[0]
    assert words in page.text
    assert "What do you do?" not in page.text
    theirs = world.browser(world.officer)
    assert "A concern was raised about the daily collection" in theirs.open("/").text
    path = f"{CONCERNS}/{concern}"
    assert "Close it" not in theirs.open(path).text
    assert theirs.send(path, action="answer", note="x").status_code == 400
    theirs.open(path)
    theirs.send(path, action="acknowledge")
    theirs.open(path)
    assert "Write the answer" in theirs.send(path, action="answer").text
    theirs.send(path, action="answer", note="It is deleted on Friday.")
    assert "was answered" in raiser.open("/").text
    assert "It is deleted on Friday." in raiser.open(path).text
    own = officer(world)
    assert "was answered" in own.open("/").text
    own.open(path)
    own.send(path, action="look again", note="It was not.")
    theirs.open(path)
    theirs.send(path, action="answer", note="Now it is.")
    own.open(path)
    own.send(path, action="close")
    listed = text_of(own.open(CONCERNS).text)
    assert "closed" in listed
    assert "Next" not in text_of(own.open(path).text)


def test_concerns_are_between_two_sides(world: World) -> None:
    raised = concerns.raise_concern(
        world.store,
        world.one.asker("access-manager"),
        world.department,
        "data protection",
        "Somebody left a printout.",
        world.now,
        os.urandom,
    )
    for council, role in ((world.one, "quality-viewer"), (world.other, "information-governance")):
        browser = world.browser(council.people[role])
        assert browser.get(f"{CONCERNS}/{raised}").status_code == 404
        assert "No concern was raised." in browser.open(CONCERNS).text
    by = world.one.asker("access-manager")
    for put_to in (world.other.organisation, world.one.organisation, "nobody", world.supplier):
        with pytest.raises(Missing):
            concerns.raise_concern(world.store, by, put_to, "data sharing", "x", world.now, os.urandom)
    for kind, text in (("gossip", "x"), ("data sharing", "  ")):
        with pytest.raises(Invalid):
            concerns.raise_concern(world.store, by, world.department, kind, text, world.now, os.urandom)
    found = concerns.one_concern(world.store, by, raised, world.now)
    dfe = Asker(user=world.officer, organisation=world.department, role="information-governance", factors=2)
    own = world.one.asker("information-governance")
    with pytest.raises(Refused):  # one's own concern is not for one's own side to answer
        concerns.move_concern(world.store, own, found, "acknowledge", "", world.now, os.urandom)
    with pytest.raises(Refused):
        concerns.move_concern(world.store, dfe, found, "close", "", world.now, os.urandom)


def test_those_who_neither_send_nor_receive_are_told_so(world: World) -> None:
    browser = world.browser(world.supplier_manager)
    for path in ("/collection", ROUTES):
        assert browser.open(path).status_code == 200
    assert "does not send" in browser.open("/collection").text
    browser.open(ROUTES)
    assert "does not send" in browser.send(ROUTES, **days(world)).text
