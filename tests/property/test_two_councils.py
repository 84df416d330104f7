"""Council A's users and systems reach nothing of council B, whatever they put into pages, forms and requests.

Pages and operations are found in the lists from which they are served, so that a new one is tried without being named
here. Nothing of B's that A did not type itself may come back, and none of B's rows may change.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from collecting import a_payload
from pages_served import ADDRESS, Browser
from samechild.cli.tables import all_tables
from samechild.collection import credentials
from samechild.collection.store import csc_children, slices
from samechild.errors import Refused
from samechild.policy.people import actions as people_actions
from samechild.policy.people.organisations import SANDBOX
from samechild.policy.sign_in.clients import SCOPES, register_client
from samechild.records.disclosure import Asker
from samechild.storage import Login
from samechild.web.api import EVERY_OPERATION
from samechild.web.operations import Operation
from samechild.web.pages.all_pages import PAGES
from samechild.web.routes import Page
from two_councils import ROLES, Council, World, a_collection, a_weeks_sending

pytestmark = pytest.mark.xdist_group("two councils")

WORD = "Brackbird"
"""Stands in B's children's names and ids, and in its concern."""

SIGNING = ("/sign-", "/role", "/password", "/invitation", "/second-factor", "/recovery", "/account")
"""Pages that end or change the sign-in itself; they name nobody else."""

TRIED = [page for page in PAGES if page.who is not None and not page.path.startswith(SIGNING)]
OF_SOMEBODY = frozenset(
    {"owner", "organisation", "feed", "user_id", "client", "client_id", "holder", "case_id", "agreement"}
)
"""Columns that say whose a row is."""

LOGINS = {"gate": Login.GATE, "identity": Login.IDENTITY, "content": Login.CONTENT}


def token_in(browser: Browser) -> str:
    """What the forms of a sign-in carry."""
    found = re.search(r'name="token" value="([^"]*)"', browser.open("/").text)
    assert found
    return found[1]


class Sides:
    """Both councils at work, what only B may see, and A's people and systems."""

    def __init__(self, world: World) -> None:
        self.world, self.a, self.b = world, world.one, world.other
        supplier = Asker(user=world.supplier_manager, organisation=world.supplier, role="access-manager", factors=2)
        theirs = credentials.add_supplier_client(world.store, supplier, world.supplier, world.began, os.urandom)
        named = self.b.asker("access-manager")
        credentials.name_supplier(world.store, named, self.b.feed, world.supplier, world.began, os.urandom)
        a_weeks_sending(world, (self.a, "Alderbird"), (self.b, WORD))
        world.send(self.b, a_payload(f"{WORD}3"), made=theirs, request="brackbirdsup")
        world.send(self.a, a_payload("Alderbird4", details={"sex": "X"}), sandbox=True, request="alderbirdtry")
        world.send(self.b, a_payload(f"{WORD}4", details={"sex": "X"}), sandbox=True, request="brackbirdtry")
        world.work_off()
        self.browsers = {role: world.browser(self.a.people[role]) for role in ROLES}
        self.form_tokens = {role: token_in(browser) for role, browser in self.browsers.items()}
        self.keys = self._keys(self.b)
        self.hidden = self._hidden(theirs.client_id)
        self.fields = self._fields()
        self.tokens = [self._token(self.a.made["845"]), self._token(self._all_scopes())]
        self.before = self.rows_of_b()

    def _keys(self, council: Council) -> list[str]:
        found: list[str] = []
        for owner in (council.organisation, council.organisation + SANDBOX):
            with self.world.store.read(Login.CONTENT, owner) as content:
                for column in (csc_children.c.record_key, slices.c.slice):
                    its = content.scalars(sa.select(column).where(column.table.c.owner == owner)).all()
                    assert its
                    found[:0] = its[:1]  # one of each kind of each feed stands first: those are tried
                    found += its[1:]
        return found

    def _hidden(self, supplier_client: str) -> set[str]:
        b = self.b
        made = {part for its in b.made.values() for part in (its.client_id, its.secret, its.supplier_key)}
        told = {WORD, WORD.lower(), "Data team of 846", "7,654,846", "7654846", b.concern, b.agreement}
        return {*made, *told, *self.keys, *b.people.values(), supplier_client, "collection-846"}

    def _fields(self) -> dict[str, list[str]]:
        """Every field that A's people are asked for anywhere, with the answers that may be picked."""
        found: dict[str, set[str]] = {}
        for role, browser in self.browsers.items():
            for page in TRIED:
                if page.show and page.who and role in page.who and "{" not in page.path:
                    text = browser.open(page.path).text
                    for tag in re.findall(r"<(?:input|textarea|select|option)[^>]*>", text):
                        name, value = (re.search(rf'{word}="([^"]*)"', tag) for word in ("name", "value"))
                        if name and name[1] != "token":
                            found.setdefault(name[1], set()).add(unescape(value[1]) if value else "")
        assert {"supplier", "request", "put_to", "since-day"} <= found.keys()
        return {name: sorted(values) for name, values in sorted(found.items())}

    def _all_scopes(self) -> credentials.Credentials:
        """A system of A's with every scope there is."""
        store, now, by = self.world.store, self.world.now, people_actions.operator()
        made = register_client(store, by, self.a.organisation, "Everything", tuple(SCOPES), now, os.urandom)
        people_actions.grant_role(store, by, made.client_id, "submitting-system", now, os.urandom)
        return credentials.Credentials(made.client_id, made.secret, self.a.made["845"].supplier_key)

    def _token(self, made: credentials.Credentials) -> str:
        form = {"grant_type": "client_credentials", "client_id": made.client_id, "client_secret": made.secret}
        answer = self.world.server.browser().client.post("/oauth2/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def rows_of_b(self) -> Mapping[str, str]:
        """A digest of B's rows in every table, by table."""
        b = self.b
        whose = {b.organisation, f"{b.organisation}-sandbox", "846", "846-sandbox", b.concern, b.agreement}
        whose |= {its.client_id for its in b.made.values()} | set(b.people.values())
        found = {}
        for tables in all_tables():
            for table in tables.sorted_tables:
                columns = [column for column in table.c if column.name in OF_SOMEBODY]
                if not columns or table.name in ("sign_ins", "ledger_entries"):
                    continue
                asked = sa.select(table).where(sa.or_(*(column.in_(whose) for column in columns)))
                with (
                    suppress(Refused),  # on PostgreSQL some tables are for other roles than these
                    self.world.store.read(LOGINS[tables.info["database"]], b.organisation) as connection,
                ):
                    rows = sorted(repr(tuple(row)) for row in connection.execute(asked))
                    found[table.name] = sha256("\n".join(rows).encode()).hexdigest()
        assert {"feeds", "feed_clients", "submissions", "slices", "burden_entries", "register_cases"} <= found.keys()
        return found

    def ids(self) -> list[str]:
        """Things of B's that stand in addresses and forms."""
        made = [its.client_id for its in self.b.made.values()]
        return [self.b.organisation, self.b.agreement, self.b.concern, self.world.supplier, *made, *self.keys[:4]]

    def of_b(self, name: str) -> str:
        """What B has where a path wants this; any other id of B's where it is not known here."""
        known = {
            "organisation": self.b.organisation,
            "user": self.b.people["analyst"],
            "client": self.b.made["846"].client_id,
            "concern": self.b.concern,
            "case": self.b.concern,
            "agreement": self.b.agreement,
            "register": "concern",
            "number": "20",
            "rule": "EPI-07",
            "la_code": "846",
            "feed": "846",
            "request_id": "brackbirda",
            "urn": "900001",
            "space": self.b.organisation,
        }
        return known.get(name, self.keys[0])

    def check(self, text: str, sent: str) -> None:
        """Nothing of B's stands in an answer that was not in the question."""
        plain = unescape(text)
        assert not [each for each in self.hidden if each in plain and each not in sent]


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    with a_collection() as world:
        made = Sides(world)
        yield made
        assert made.rows_of_b() == made.before


def address(page: Page, sides: Sides) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: sides.of_b(name[1]), page.path)


def key_of_sandbox(sides: Sides) -> str:
    """A child in B's sandbox."""
    owner = sides.b.organisation + SANDBOX
    with sides.world.store.read(Login.CONTENT, owner) as content:
        return str(content.scalar(sa.select(csc_children.c.record_key).where(csc_children.c.owner == owner)))


def posted(sides: Sides, role: str, path: str, answers: Mapping[str, str]) -> Any:
    """Send a form with the token that belongs to the sign-in."""
    data = {**answers, "token": sides.form_tokens[role]}
    return sides.browsers[role].client.post(path, data=data, follow_redirects=True)


PAIRS = [(page, role) for page in TRIED for role in ROLES if page.who and role in page.who]
NAMES = [f"{page.path} {role}" for page, role in PAIRS]


@pytest.mark.parametrize(("page", "role"), PAIRS, ids=NAMES)
def test_no_page_shows_or_does_anything_of_the_other_council(sides: Sides, page: Page, role: str) -> None:
    browser, path = sides.browsers[role], address(page, sides)
    asked = urlencode({"before": "999", "after": sides.keys[0], "page": "1", "child": sides.keys[0], "rule": "EPI-07"})
    if page.show:
        for each in (path, f"{path}?{asked}"):
            answer = browser.client.get(each, follow_redirects=True)
            assert answer.status_code < 500, (page.path, role)
            sides.check(answer.text, each)
    if page.do:
        answers = {name: sides.ids()[at % len(sides.ids())] for at, name in enumerate(sides.fields)}
        answers |= {"client": sides.b.made["846"].client_id, "feed": "846", "request": "brackbirda", "supplier": "x"}
        answer = posted(sides, role, path, answers)
        assert answer.status_code < 500, (page.path, role)
        sides.check(answer.text, path + str(answers))


@settings(max_examples=40, deadline=None)
@given(choice=st.data())
def test_whatever_is_put_into_forms_nothing_of_the_other_comes_back(sides: Sides, choice: st.DataObject) -> None:
    something_sent(sides, choice)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(choice=st.data())
def test_however_often_it_is_tried(sides: Sides, choice: st.DataObject) -> None:
    something_sent(sides, choice)


def something_sent(sides: Sides, choice: st.DataObject) -> None:
    """Send one form of a page with any mixture of B's ids and what may be picked."""
    page, role = choice.draw(st.sampled_from([pair for pair in PAIRS if pair[0].do]), label="page and role")
    of_b = st.sampled_from(
        [*sides.ids(), *sides.b.people.values(), "846", "846-sandbox", "brackbirda", "brackbirdtry", f"{WORD}1"]
    )
    answers = {
        name: choice.draw(st.one_of(of_b, st.sampled_from(values)))
        for name, values in sides.fields.items()
        if choice.draw(st.booleans())
    }
    ids = {name: choice.draw(of_b) for name in re.findall(r"\{(\w+)\}", page.path) if choice.draw(st.booleans())}
    path = re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], sides.of_b(name[1])), page.path)
    answer = posted(sides, role, path, answers)
    assert answer.status_code < 500
    sides.check(answer.text, path + str(answers))


def test_a_councils_own_sandbox_is_shown_and_the_others_is_not(sides: Sides) -> None:
    mine = sides.browsers["quality-viewer"]
    shown = mine.open("/quality/sandbox/problems").text
    assert "Alderbird4" in shown
    assert "Sandbox: made-up or trial records" in shown
    assert "Alderbird4" not in mine.open("/quality/problems").text
    for part in ("/quality", "/quality/sandbox"):
        assert mine.get(f"{part}/children/{key_of_sandbox(sides)}").status_code == 404
        mine.open(part)
        assert "No child is held under that id" in mine.send(f"{part}/find", child=f"{WORD}4").text
    theirs = sides.world.browser(sides.b.people["quality-viewer"])
    assert theirs.open(f"/quality/sandbox/children/{key_of_sandbox(sides)}").status_code == 200


def bodies(sides: Sides) -> list[Any]:
    """What A's systems may try: B's children, sent, asked for and named by any id."""
    child = a_payload(f"{WORD}1")
    return [
        [child],
        [{"la_child_id": f"{WORD}1", "purge": True}],
        {"la_child_id": f"{WORD}1"},
        {"record_keys": [sides.keys[0]], "record_key": sides.keys[0]},
        {},
    ]


@pytest.mark.parametrize("operation", EVERY_OPERATION, ids=lambda operation: operation.name)
def test_no_operation_answers_for_the_other_council(sides: Sides, operation: Operation) -> None:
    client = sides.world.server.browser().client
    names = {each.name for each in operation.named}
    keys = [sides.a.made["845"].supplier_key, sides.b.made["846"].supplier_key]
    spoken = ["application/json", *operation.takes]
    for feed in ("846", "846-sandbox") if "feed" in names else ("846",):
        path = re.sub(r"\{(\w+)\}", lambda name: sides.of_b(name[1]), operation.path.replace("{feed}", feed))
        for token in sides.tokens:
            for key, body, media in [(k, b, m) for k in keys for b in bodies(sides) for m in dict.fromkeys(spoken)]:
                headers = {"authorization": f"Bearer {token}", "supplierkey": key, "content-type": media}
                sent = {} if operation.method == "GET" else {"json": body}
                answer = client.request(operation.method, f"{ADDRESS}{path}", headers=headers, **sent)
                assert answer.status_code < 500, (operation.name, answer.text)
                if names & {"la_code", "feed"}:
                    assert answer.status_code >= 400, (operation.name, media, answer.text)
                sides.check(answer.text, path + key + str(body))
                if operation.method == "GET":
                    break


def test_the_check_would_notice(sides: Sides) -> None:
    own = sides.world.browser(sides.b.people["information-governance"])
    for path in ("/collection/routes", "/collection/concerns", f"/collection/concerns/{sides.b.concern}"):
        with pytest.raises(AssertionError):
            sides.check(own.open(path).text, path)
    viewer = sides.world.browser(sides.b.people["quality-viewer"])
    for path in ("/quality/problems", "/quality/sandbox/problems"):
        with pytest.raises(AssertionError):
            sides.check(viewer.open(path).text, path)
    sides.check("Brackmere Council, 846", "")
    credentials.unname_supplier(
        sides.world.store, sides.b.asker("access-manager"), sides.b.feed, sides.world.supplier, sides.world.now
    )
    assert sides.rows_of_b() != sides.before
    sides.before = sides.rows_of_b()
