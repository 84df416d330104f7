"""What people do here, from page to page, as they would: sign in, share, refuse, look, leave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest

from pages_served import AGREEMENT, Browser, Served, served
from samechild.errors import Missing
from samechild.policy import ledger, shown
from samechild.policy import store as tables
from samechild.policy.people import actions as people_actions
from samechild.policy.people.store import all_organisations, grants_in, users_of
from samechild.policy.shown import dealt_with
from samechild.policy.sign_in.personas import COUNCIL
from samechild.policy.sign_in.sessions import signed_in
from samechild.records.disclosure import Asker
from samechild.storage import Login


@pytest.fixture(name="server")
def a_server() -> Iterator[Served]:
    with served() as server:
        yield server


def council(server: Served) -> str:
    with server.store.read(Login.GATE) as gate:
        return next(each.organisation for each in all_organisations(gate) if each.name == COUNCIL)


def words(browser: Browser) -> str:
    """What the open page says, without its markup."""
    assert browser.page is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser.page.text))


def test_a_new_colleague_makes_an_account_signs_in_and_leaves(server: Served) -> None:
    manager, organisation = server.browser("access-manager"), council(server)
    manager.open(f"/organisations/{organisation}")
    manager.send(f"/organisations/{organisation}/people", name="Zed Quill", email="zed.quill@council.example")
    assert manager.page is not None
    person = manager.page.url.path
    assert "It was added" in words(manager)
    manager.send(f"{person}/roles", role="duty-desk")
    assert "The role was given" in words(manager)
    manager.send(f"{person}/invite")
    code = re.search(r"<code[^>]*>([^<]+)</code>", manager.page.text)
    assert code

    with_accounts = Served(server.store, server.settings, server.given, demo=False)
    colleague = with_accounts.browser()
    colleague.open("/invitation")
    answer = colleague.send("/invitation", invitation=code.group(1))
    seed = re.search(r"<code[^>]*>([^<]+)</code>", answer.text)
    assert seed
    codes = pyotp.TOTP(seed.group(1).replace(" ", ""))
    weak = colleague.send("/invitation/account", password="password1234", code=codes.now())
    assert weak.status_code == 400
    made = colleague.send("/invitation/account", password="brass otter lantern", code=codes.now())
    assert "Your account is made" in made.text
    recovery = re.findall(r"<code[^>]*>([A-Z2-7-]{19})</code>", made.text)
    assert len(recovery) == 10

    colleague.open("/sign-in?next=/may-i")
    wrong = colleague.send("/sign-in", email="zed.quill@council.example", password="brass otter", code=recovery[0])
    assert (wrong.status_code, "is not right" in wrong.text) == (400, True)
    assert "brass otter" not in wrong.text
    right = colleague.send(
        "/sign-in", email=" Zed.Quill@council.example", password="brass otter lantern", code=recovery[1]
    )
    assert (right.status_code, right.url.path) == (200, "/may-i")
    assert "Zed Quill, Duty desk" in words(colleague)
    assert "samechild-start" not in colleague.client.cookies

    colleague.open("/password")
    colleague.send("/password", old="brass otter lantern", new="copper heron window")
    assert "It was changed" in words(colleague)
    manager.open(person)
    manager.send(f"{person}/left")
    assert "every role ended" in words(manager)
    assert colleague.get("/may-i").headers["location"] == "/sign-in?next=/may-i"


def test_an_agreement_is_written_signed_obeyed_shown_to_everybody_and_withdrawn(server: Served) -> None:
    officer = server.browser("information-governance")
    other = server.browser("other-access-manager")
    other.open("/role")
    other.send("/role", role="information-governance")
    with server.store.read(Login.GATE) as gate:
        there = next(each.organisation for each in all_organisations(gate) if each.name == "Larkmouth Council")
    officer.open("/agreements/new")
    officer.send("/agreements/new", **AGREEMENT, parties=there)
    assert officer.page is not None
    place = officer.page.url.path
    assert "A new version was written" in words(officer)
    nobody = server.browser("researcher").get(place)
    assert nobody.status_code == 404

    officer.open(f"{place}/lines")
    forbids: dict[str, str | list[str]] = {
        "effect": "forbid",
        "exception": "yes",
        "modes": ["content"],
        "record_types": ["health.sensitive"],
    }
    assert officer.send(f"{place}/lines", **forbids).status_code == 400
    officer.send(f"{place}/lines", **forbids, reason="Only by the service itself")
    assert "Exception: forbids" in words(officer)
    officer.send(f"{place}/remove", line="9")
    assert "There are lines 1 to 2" in words(officer)
    officer.open(place)
    officer.send(f"{place}/sign")
    assert "No agreement is in force" in re.sub(r"<[^>]+>", "", server.browser().open("/purposes").text)
    other.open(place)
    other.send(f"{place}/sign")
    assert "in force" in words(other)
    public = server.browser().open("/purposes").text
    assert "Early help between us: Fernshire Council shares with Larkmouth Council" in public
    assert "Never: what it says" in public

    stale = other.client.post(f"{place}/sign", data={"token": token_of(other), "version": "2"}, follow_redirects=True)
    assert stale.status_code == 409
    other.open(place)
    other.send(f"{place}/withdraw")
    assert "nothing is shared under it" in words(other)
    assert "Early help between us" not in server.browser().open("/purposes").text


def token_of(browser: Browser) -> str:
    assert browser.page is not None
    found = re.search(r'name="token" value="([0-9a-f]+)"', browser.page.text)
    assert found
    return found.group(1)


def test_a_decision_is_tried_and_explained(server: Served) -> None:
    worker = server.browser("social-worker")
    worker.open("/may-i")
    question = {"owner": council(server), "record_type": "education.setting", "purpose": "safeguarding"}
    worker.send("/may-i", **question, mode="existence")
    assert "Yes, as far as the rules go" in words(worker)
    worker.send("/may-i", **question, mode="content")
    assert "No A refusal is not the end" in words(worker)
    assert "Who can decide" in words(worker)
    other = worker.send("/may-i", **question, mode="content", power="CA1999")
    assert other.status_code == 400


def test_who_looked_is_itself_recorded_and_a_letter_needs_its_checks(server: Served) -> None:
    officer, key = server.browser("information-governance"), "k" * 32
    officer.open("/who-looked")
    officer.send("/who-looked", record_key=key, purpose="peoples-rights")
    assert "Who asked, newest first" in words(officer)
    assert key not in str(officer.page.url if officer.page else "")
    checks = {"reader": "family", "person": "P1", "identity": "passport seen"}
    officer.send("/who-looked/letter", record_key=key, **checks)
    assert "parental responsibility" in words(officer)
    since = {"since-day": "1", "since-month": "2", "since-year": "2016"}
    answered = officer.send(
        "/who-looked/letter", record_key=key, **checks, source="birth registration", relationship="mother", **since
    )
    assert answered.status_code == 200
    assert "The letter, before it is released" in words(officer)
    letter = officer.send("/who-looked/release")
    assert letter.headers["content-disposition"].startswith('attachment; filename="letter-')
    assert key not in letter.text
    worker = server.browser("social-worker")
    worker.open("/may-i")
    refused = worker.client.post("/who-looked", data={"token": token_of(worker), "record_key": key})
    assert refused.status_code == 403


def test_an_incident_is_reported_by_anybody_and_worked_on_by_the_officer(server: Served) -> None:
    worker = server.browser("social-worker")
    worker.open("/registers/incident/new")
    today = server.now - timedelta(days=1)
    began = {"started-day": str(today.day), "started-month": str(today.month), "started-year": str(today.year)}
    worker.send("/registers/incident/new", **began, hour="9", text="A laptop was left on a bus.")
    assert "It was entered" in words(worker)
    assert server.browser("social-worker").get("/registers/incident").status_code == 403
    officer = server.browser("information-governance")
    case = re.search(r"/cases/[0-9a-f]+", officer.open("/registers/incident").text)
    assert case
    assert worker.get(case.group()).status_code in (403, 404)
    officer.open(case.group())
    assert "A laptop was left on a bus." in words(officer)
    officer.send(case.group(), action="assess as not reportable")
    assert "Record the reasons" in words(officer)
    officer.send(case.group(), action="assess as reportable")
    officer.send(case.group(), action="notify the Commissioner")
    assert "notified" in words(officer)
    again = officer.client.post(case.group(), data={"token": token_of(officer), "number": "2", "action": "close"})
    assert again.status_code == 400


def test_holds_law_numbers_and_reviews_are_entered_and_seen(server: Served) -> None:
    officer, manager = server.browser("information-governance"), server.browser("access-manager")
    officer.open("/retention")
    officer.send("/retention", kind="inquiry", reference="a name")
    assert officer.page is not None
    assert officer.page.status_code == 400
    officer.send("/retention", kind="inquiry", reference="INQ-7")
    assert "INQ-7" in words(officer)
    officer.send("/retention/lift")
    assert "It was released" in words(officer)
    officer.open("/law")
    days = {"from-day": "1", "from-month": "4", "from-year": "2027"}
    officer.send("/law", name="CA2004-s16LC", source="SI 2027/1", **days)
    assert "SI 2027/1" in words(officer)
    manager.open("/downtime")
    manager.send("/downtime", label="Duty desk by day", number="call me")
    assert "not a telephone number" in words(manager)
    manager.send("/downtime", label="Duty desk by day", number="01632 960123")
    assert "01632 960123" in words(manager)
    assert "01632 960123" in manager.open("/downtime/card").text
    manager.open("/access-review")
    assert manager.page is not None
    grants = re.findall(r'name="keep" type="checkbox" value="([0-9a-f]+)"', manager.page.text)
    manager.send("/access-review", keep=grants)
    assert "The access review was confirmed" in words(manager)


def test_a_sign_in_is_worth_nothing_once_it_ended_the_role_was_taken_or_the_organisation_left(server: Served) -> None:
    operator, organisation = people_actions.operator(), council(server)
    browser = server.browser("duty-desk")
    token = browser.client.cookies["samechild"]
    browser.open("/")
    browser.send("/sign-out")
    browser.take(token)
    assert browser.get("/may-i").status_code == 303

    browser = server.browser("duty-desk")
    with server.store.read(Login.GATE) as gate:
        grant = next(each for each in grants_in(gate, organisation) if each.role == "duty-desk")
    people_actions.revoke_role(server.store, operator, grant.grant_id, server.now)
    assert browser.get("/may-i").status_code == 303

    browser = server.browser("doctor")
    assert browser.get("/may-i").status_code == 200
    with server.store.read(Login.GATE) as gate:
        surgery = next(each for each in all_organisations(gate) if each.kind == "gp-practice")
        assert users_of(gate, surgery.organisation)
    people_actions.end_organisation(server.store, operator, surgery.organisation, server.now)
    assert browser.get("/may-i").status_code == 303

    browser = server.browser("health-visitor")
    server.now += timedelta(minutes=19)
    assert browser.get("/may-i").status_code == 200
    server.now += timedelta(minutes=21)
    assert browser.get("/may-i").status_code == 303
    server.now -= timedelta(minutes=41)
    assert browser.get("/may-i").status_code in (303, 503)


def test_the_token_changes_when_a_role_is_chosen_and_somebody_else_signs_in(server: Served) -> None:
    browser = server.browser("other-access-manager")
    first = browser.client.cookies["samechild"]
    browser.open("/role")
    browser.send("/role", role="access-manager")
    second = browser.client.cookies["samechild"]
    assert first != second
    old = server.browser()
    old.take(first)
    assert old.get("/").text.count("Sign out") == 0
    browser.open("/sign-in")
    browser.send("/sign-in/persona", persona="doctor")
    old.take(second)
    assert old.get("/").text.count("Sign out") == 0


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "/\\evil.example", "/x?y=1", "javascript:1"]
)
def test_signing_in_leads_to_a_page_of_this_server_alone(server: Served, after: str) -> None:
    browser = server.browser()
    browser.open("/sign-in")
    form = {"token": token_of(browser), "persona": "doctor", "next": after}
    answer = browser.client.post("/sign-in/persona", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_browser_that_was_given_a_cookie_by_somebody_else_signs_in_as_nobody(server: Served) -> None:
    """A form needs the token of this very browser: a page of another site cannot know it."""
    mine, theirs = server.browser(), server.browser()
    mine.open("/sign-in")
    theirs.open("/sign-in")
    answer = mine.client.post("/sign-in/persona", data={"token": token_of(theirs), "persona": "doctor"})
    assert answer.status_code == 403


def test_a_supervisor_is_told_deals_with_it_once_and_nobody_else_can(server: Served) -> None:
    officer = server.browser("information-governance")
    with server.store.write(Login.GATE) as gate:
        told = {"person": "", "role": "information-governance", "kind": "review-override", "entry": 3, "at": server.now}
        tables.tell(gate, id="m1", organisation=council(server), **told)
        tables.tell(gate, id="m2", organisation="another", **told)
    officer.open("/")
    assert "An override of confidence was relied on" in words(officer)
    assert "m2" not in (officer.page.text if officer.page else "")
    officer.send("/messages")
    assert "pick at least one" in words(officer)
    worker = server.browser("social-worker")
    worker.open("/")
    theirs = worker.client.post("/messages", data={"token": token_of(worker), "messages": "m1"})
    assert theirs.status_code == 400
    with pytest.raises(Missing):
        dealt_with(server.store, asker_of(server, "social-worker"), ["m1"], server.now)
    officer.open("/")
    officer.send("/messages", messages="m1")
    assert "Nothing waits for you" in words(officer)
    with pytest.raises(Missing):
        dealt_with(server.store, asker_of(server, "information-governance"), ["m1"], server.now)
    with pytest.raises(Missing):
        dealt_with(server.store, asker_of(server, "information-governance"), [], server.now)


def asker_of(server: Served, persona: str) -> Asker:
    token = server.browser(persona).client.cookies["samechild"]
    return signed_in(server.store, token, server.now).asker


def test_staff_are_seen_by_their_own_organisation_and_by_who_looks_after_it(server: Served) -> None:
    asker = asker_of(server, "access-manager")
    own = shown.organisation(server.store, council(server))
    surgery = next(each for each in shown.organisations(server.store) if each.kind == "gp-practice")
    childminder = next(each for each in shown.organisations(server.store) if each.kind == "childminder")
    assert {each.name for each in shown.staff_of(server.store, asker, own)} >= {"Tom Bright", "Sam Okoro"}
    assert [each.name for each in shown.staff_of(server.store, asker, childminder)] == ["Beth Carey"]
    doctor = asker_of(server, "doctor").user
    for ask in (
        lambda: shown.staff_of(server.store, asker, surgery),
        lambda: shown.one_of_staff(server.store, asker, doctor),
        lambda: shown.one_of_staff(server.store, asker, "nobody"),
        lambda: shown.organisation(server.store, "nowhere"),
        lambda: shown.ledger_entry(server.store, 10**9),
    ):
        with pytest.raises(Missing):
            ask()
    assert server.browser("access-manager").get(f"/people/{doctor}").status_code == 404


def test_an_officer_reads_the_entries_of_their_own_organisation_alone(server: Served) -> None:
    other = server.browser("other-access-manager")
    other.open("/role")
    other.send("/role", role="information-governance")
    text = other.open("/ledger").text
    assert "Another organisation&#39;s" in text or "Another organisation's" in text
    assert other.get("/ledger/entries/0").status_code == 404
    mine = re.findall(r'href="/ledger/entries/(\d+)"', text)
    assert mine
    assert other.get(f"/ledger/entries/{mine[0]}").status_code == 200
    other.open("/who-looked")
    other.send("/who-looked", record_key="o" * 32, purpose="audit")
    outcome = ledger.head(server.store).size - 1
    assert "Something was shown" in other.open(f"/ledger/entries/{outcome}").text
    elsewhere = server.browser("information-governance")
    elsewhere.open("/who-looked")
    elsewhere.send("/who-looked", record_key="p" * 32, purpose="audit")
    assert other.get(f"/ledger/entries/{ledger.head(server.store).size - 1}").status_code == 404
    assert other.get("/ledger/entries/x").status_code == 400
    assert other.get("/ledger/entries/0/proof").status_code == 404
