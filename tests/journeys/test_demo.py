"""The demonstration, made and not served; its installation, opened as everybody in it; and a town of one's own."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient

from commands import files_of, linked_town, read_rows, run
from samechild.cli.demo import set_out
from samechild.cli.demo_children import identities
from samechild.cli.demo_world import make_world
from samechild.cli.tables import all_tables
from samechild.policy import ledger
from samechild.policy.sign_in.personas import personas, sign_in_as
from samechild.settings import Settings
from samechild.storage import Login, Store, open_store
from samechild.web.app import Around, create_app
from samechild.web.limits import PACES, Pace
from samechild.web.logs import log_to
from samechild.web.pages.all_pages import PAGES
from samechild.web.visits import Demo

pytestmark = pytest.mark.xdist_group("demonstration")
CHILDREN, SEED = 600, 3
KEY = re.compile(r"<code>([0-9a-f]{32})</code>")


@pytest.fixture(scope="module", name="folder")
def a_demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demonstration, made once, in the place of something samechild wrote there before."""
    folder = tmp_path_factory.mktemp("demonstration") / "demo"
    assert run("synth", folder, "--children", "20").code == 0
    done = run("demo", "--children", CHILDREN, "--seed", SEED, "--build-only", folder, "--force")
    assert done.code == 0, done.err
    assert "Against the truth" in done.out
    assert "Letting a few weeks pass" in done.err
    return folder


class Shown:
    """The pages of the demonstration's installation, asked in-process, and everything that was asked for and logged."""

    def __init__(self, store: Store, home: Path, pages: Path) -> None:
        self.store, self.settings, self.log = store, Settings(home=home), io.StringIO()
        around = Around(log=log_to(self.log), paces=dict.fromkeys(PACES, Pace(10**9, 10**9)))
        self.app = create_app(store, self.settings, demo=Demo(folder=pages), around=around)
        self.asked: list[str] = []

    def browser(self, persona: str = "") -> TestClient:
        """Somebody's browser, signed in as one of the demonstration's people if named."""
        client = TestClient(self.app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5000))
        if persona:
            token = sign_in_as(self.store, self.settings, persona, datetime.now(UTC), os.urandom)
            client.cookies.set("samechild", token, domain="127.0.0.1", path="/")
        return client

    def opened(self, client: TestClient, path: str) -> tuple[int, str]:
        """Open a page, and note every address on the way."""
        answer = client.get(path)
        self.asked += [str(each.url) for each in (*answer.history, answer)]
        self.asked += re.findall(r'(?:href|action)="([^"]*)"', answer.text)
        return answer.status_code, answer.text


@pytest.fixture(scope="module", name="gate")
def the_pages(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    pages = tmp_path_factory.mktemp("shown")
    set_out(folder, pages)
    store = open_store(Settings(home=folder / "home"), all_tables())
    yield Shown(store, folder / "home", pages)
    store.close()


def decisions(store: Store) -> list[ledger.Entry]:
    with store.read(Login.GATE) as gate:
        return list(reversed(ledger.entries(gate, kind="decision", limit=500)))


def test_every_link_on_the_first_page_leads_somewhere(folder: Path) -> None:
    first = (folder / "index.html").read_text()
    links = re.findall(r'href="([^"]+)"', first)
    assert len(links) == 6
    assert all((folder / link).is_file() for link in links)
    assert "Precision" in (folder / "evaluation.html").read_text()
    assert 'href="index.html"' in (folder / "evaluation.html").read_text()
    assert KEY.search(first)


def test_only_what_the_first_page_leads_to_is_shown(folder: Path, tmp_path: Path) -> None:
    set_out(folder, tmp_path)
    links = re.findall(r'href="([^"]+)"', (folder / "index.html").read_text())
    shown = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert shown == {"index.html", *links}


def test_an_earlier_demonstration_is_not_replaced_unasked(folder: Path) -> None:
    before = (folder / "index.html").read_bytes()
    assert run("demo", "--children", CHILDREN, "--build-only", folder).code == 3
    assert (folder / "index.html").read_bytes() == before


def test_never_replaced_when_somebody_added_to_it(folder: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(folder, tmp_path / "mine")
    (mine / "notes.txt").write_text("kept")
    assert run("demo", "--children", CHILDREN, "--build-only", mine, "--force").code == 3
    assert (mine / "notes.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.slow
def test_everybody_opens_what_they_may_and_no_page_breaks(gate: Shown) -> None:
    found: dict[tuple[str, str], int] = {}
    for persona in personas():
        client = gate.browser(persona.persona)
        for page in PAGES:
            if page.show and "{" not in page.path:
                status, text = gate.opened(client, page.path)
                found[persona.persona, page.path] = status
                if status == 200:
                    assert "<h1" in text or page.path in ("/ledger/checkpoint", "/downtime/card"), page.path
    broken = {visit: status for visit, status in found.items() if status >= 500}
    assert broken == {}
    for persona in personas():
        assert found[persona.persona, "/"] == 200
    assert found["information-governance", "/ledger"] == 200
    assert found["social-worker", "/ledger"] in (403, 404)
    assert found["access-manager", "/access-review"] == 200


def test_what_the_pages_lead_to_opens_too(gate: Shown) -> None:
    """Single agreements, cases, people, organisations and ledger entries, as their readers reach them."""
    for persona in ("information-governance", "access-manager", "other-access-manager", "duty-desk"):
        client = gate.browser(persona)
        reached: set[str] = set()
        for page in PAGES:
            if page.show and "{" not in page.path:
                reached |= set(re.findall(r'href="(/[a-z][^"#]*)"', gate.opened(client, page.path)[1]))
        paths = sorted(path for path in reached if not path.startswith(("/static", "/town", "/sign-out")))
        assert len(paths) > 3
        for path in paths[:25]:
            assert gate.opened(client, path)[0] < 500, path


def test_the_officer_sees_who_looked_at_the_child_the_first_page_names(gate: Shown, folder: Path) -> None:
    key = KEY.search((folder / "index.html").read_text())
    assert key
    client = gate.browser("information-governance")
    token = re.search(r'name="token" value="([^"]+)"', gate.opened(client, "/who-looked")[1])
    assert token
    sent = {"token": token[1], "record_key": key[1], "purpose": "peoples-rights"}
    answer = client.post("/who-looked", data=sent, headers={"origin": "http://127.0.0.1:8000"})
    assert answer.status_code == 200
    for organisation in ("Fernshire Council", "Beechwood Academy", "Fernshire Community NHS Trust", "Fernshire Police"):
        assert organisation in answer.text
    assert answer.text.count("refused") >= 2


def test_the_pages_about_the_town_are_reached_and_nothing_beside_them(gate: Shown) -> None:
    client = gate.browser()
    assert "/town/" in gate.opened(client, "/")[1]
    assert 'href="/sign-in"' in gate.opened(client, "/town/")[1]
    assert gate.opened(client, "/town/linked/report.html")[0] == 200
    for hidden in ("/town/home/root.key", "/town/../home/root.key", "/town/%2e%2e/home/root.key", "/town/run.json"):
        assert gate.opened(client, hidden)[0] == 404, hidden


def test_the_history_is_of_every_kind_and_each_waits_for_whom_it_should(gate: Shown) -> None:
    bodies = [entry.body for entry in decisions(gate.store)]
    answers = Counter(body["allowed"] for body in bodies)
    assert answers[True] >= 40
    assert answers[False] >= 10
    assert len([body for body in bodies if body["emergency"]]) == 1
    assert len([body for body in bodies if body["with"]]) == 1
    rules = {reason["rule"] for body in bodies if not body["allowed"] for reason in body["rules"]}
    assert {"involved", "not-oneself", "shielded", "sealed-identity", "agreement-forbids", "nothing-allows"} <= rules
    desk, officer = gate.browser("duty-desk"), gate.browser("information-governance")
    assert "broke the glass" in gate.opened(desk, "/")[1].lower()
    assert "Families who move between us" in gate.opened(officer, "/")[1]
    agreements = gate.opened(officer, "/agreements")[1].lower()
    assert all(state in agreements for state in ("in force", "part signed", "ended", "draft"))
    assert not re.search(r"\d late", gate.opened(officer, "/registers")[1]), "one waits, and has time left"
    assert "INQ/2026/014" in gate.opened(officer, "/retention")[1]


def test_the_ledger_is_whole_and_its_times_only_go_forward(gate: Shown, folder: Path) -> None:
    assert ledger.verify(gate.store) == []
    with gate.store.read(Login.GATE) as store:
        times = [entry.at for entry in ledger.entries(store, limit=500)]
    assert times == sorted(times, reverse=True)
    assert (folder / "home-witness").is_dir()


def test_no_child_stands_in_an_address_a_log_or_the_ledger(gate: Shown, tmp_path: Path) -> None:
    known = identities(CHILDREN, 2, SEED)
    ledger.export(gate.store, tmp_path / "ledger.ndjson", lambda what, share: None)
    places = {
        "address": " ".join(unquote(each) for each in gate.asked),
        "log": gate.log.getvalue(),
        "ledger": (tmp_path / "ledger.ndjson").read_text(),
    }
    assert min(len(text) for text in places.values()) > 1_000
    assert {name: seen for name, text in places.items() if (seen := told_of(known, text))} == {}
    assert told_of(known, f"/children/{known[5]['surname']}")
    assert told_of(known, f"born {known[5]['date_of_birth']}")


def told_of(known: list[dict[str, str]], text: str) -> list[str]:
    """Names, dates, postcodes and numbers of children that a text holds as whole words."""
    words = set(re.findall(r"[\w'-]+", text))
    return sorted(
        {
            value
            for child in known
            for name, value in child.items()
            if name != "sex" and len(value) > 3 and (value in words if " " not in value else value in text)
        }
    )


@pytest.mark.slow
def test_the_same_seed_gives_the_same_children_and_history(gate: Shown, folder: Path, tmp_path: Path) -> None:
    broken = next(entry for entry in decisions(gate.store) if entry.body["emergency"])
    now = broken.at + timedelta(minutes=190)
    settings = Settings(home=tmp_path / "again")
    world = make_world(
        settings, identities(CHILDREN, 2, SEED), linked_town(), SEED, now, os.urandom, lambda what, share: None
    )
    again = open_store(settings, all_tables())
    told = [
        [(e.at, e.kind, e.body.get("role"), e.body.get("type"), e.body.get("allowed")) for e in every(store)]
        for store in (gate.store, again)
    ]
    again.close()
    first = told[0][-world.entries :]  # others have signed in since
    assert first == told[1]
    assert max(at for at, *_ in first) <= now
    assert KEY.search((folder / "index.html").read_text())  # keys and ids are drawn anew each time


def every(store: Store) -> list[ledger.Entry]:
    with store.read(Login.GATE) as gate:
        return ledger.entries(gate, limit=2_000)


def test_a_town_of_ones_own(tmp_path: Path) -> None:
    town = tmp_path / "town"
    done = run("synth", town, "--children", "200", "--authorities", "1", "--seed", "4", "--harder", "--format", "csv")
    assert done.code == 0, done.err
    assert f"evaluate linked/ --truth {town / 'truth' / 'truth.csv'}" in done.out
    assert {path.suffix for path in files_of(town)} == {".csv"}
    assert {"source", "record_id", "true_child_id"} <= set(read_rows(town / "truth" / "truth.csv")[0])
    assert run("synth", town, "--children", "200").code == 3
    assert run("synth", town, "--children", "100", "--combined", "--force").code == 0
    assert [path.suffix for path in files_of(town)] == [".parquet"]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["2026-11-23T00:05", "2026-11-22T23:59", "2026-03-29T01:30", "2028-02-29T12:00"])
def test_it_can_be_made_at_any_hour_of_any_day(tmp_path: Path, moment: str) -> None:
    """Just after midnight on a Monday, late on a Sunday, as clocks change, on 29 February."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    settings = Settings(home=tmp_path / "home")
    world = make_world(settings, identities(1, 1, SEED), linked_town(), SEED, now, os.urandom, lambda what, share: None)
    store = open_store(settings, all_tables())
    try:
        assert ledger.head(store).size == world.entries > 200
        assert max(entry.at for entry in every(store)) <= now
        assert ledger.verify(store) == []
    finally:
        store.close()
