"""``samechild feed`` and ``samechild client`` as a person types them: a feed, credentials, a supplier, an end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asking import a_line
from commands import Outcome, run
from samechild.cli.tables import all_tables
from samechild.policy.agreement_actions import write_agreement
from samechild.policy.people.store import organisation_of
from samechild.policy.records import Agreement
from samechild.records.disclosure import Asker
from samechild.settings import Settings
from samechild.storage import Login, Store, open_store

OPERATOR = Asker(user="operator", organisation="", role="operator", factors=2)


@pytest.fixture(name="home")
def a_home(tmp_path: Path) -> Path:
    """An installation with a department, two councils and a supplier."""
    home = tmp_path / "home"
    for kind, name, code in (
        ("department-for-education", "The Department", ""),
        ("local-authority", "Alderford Council", "la-code=845"),
        ("local-authority", "Brackmere Council", ""),
        ("system-supplier", "Casework Systems", ""),
    ):
        words = ["--kind", kind, "--name", name, *(["--code", code] if code else [])]
        done = run("people", "add-organisation", *words, "--home", home)
        assert done.code == 0, done.err
    return home


def typed(home: Path, *words: object) -> Outcome:
    return run(*words, "--home", home)


def store_of(home: Path) -> Store:
    return open_store(Settings(home=home), all_tables())


def an_agreement(home: Path, council: str) -> str:
    """An agreement of a council with the department, not signed yet."""
    store = store_of(home)
    now = datetime.now(UTC)
    lines = typed(home, "people", "list").out.splitlines()
    ids = [re.findall(r"id ([0-9a-f]{32})", lines[at + 1])[0] for at, line in enumerate(lines) if line[0] != " "]
    whose = dict(zip([line.split("  (")[0] for line in lines if line[0] != " "], ids, strict=True))
    draft = Agreement(
        agreement="",
        version=0,
        owner=whose[council],
        parties=(whose[council], whose["The Department"]),
        rules=(a_line(purposes=("research",), powers=("CA1989-s83",), bases=("6(1)(e)",)),),
        starts=now,
        ends=now + timedelta(days=90),
    )
    made = write_agreement(store, OPERATOR, draft, "Daily collection", now)
    store.close()
    return made.agreement


def env_of(out: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line and not line.startswith("#"))


def test_a_feed_and_credentials_from_nothing(home: Path) -> None:
    assert "No council sends here yet" in typed(home, "feed", "list").out
    assert "No system sends here yet" in typed(home, "client", "list").out
    agreement = an_agreement(home, "Alderford Council")
    done = typed(home, "feed", "open", "--authority", "845", "--agreement", agreement, "--months", "36")
    assert done.code == 0, done.err
    assert "samechild client add --authority 845" in done.out
    assert "not signed by every party" in typed(home, "feed", "list").out
    again = typed(home, "feed", "open", "--authority", "845", "--agreement", agreement, "--section", "child_details")
    assert "has new terms" in again.out
    terms = ("feed", "open", "--authority", "845", "--agreement", agreement)
    for more, wanted in ((("--long-ids",), True), (("--months", "36"), True), (("--no-long-ids",), False)):
        assert typed(home, *terms, *more).code == 0
        assert ("long ids" in typed(home, "feed", "list").out) is wanted
    made = typed(home, "client", "add", "--authority", "845", "--supplier", "Own data team")
    assert made.code == 0, made.err
    env = env_of(made.out)
    assert list(env) == [
        "API_ENDPOINT",
        "TOKEN_ENDPOINT",
        "LA_CODE",
        "CLIENT_ID",
        "CLIENT_SECRET",
        "SCOPE",
        "SUPPLIER_KEY",
    ]
    assert (env["LA_CODE"], env["SCOPE"], env["API_ENDPOINT"]) == ("845", "submit", "http://127.0.0.1:8000")
    listed = typed(home, "client", "list").out
    assert f"{env['CLIENT_ID']}  845: Own data team, own build, since" in listed
    assert env["CLIENT_SECRET"] not in listed
    fresh = env_of(typed(home, "client", "rotate", env["CLIENT_ID"]).out)
    assert fresh["CLIENT_ID"] == env["CLIENT_ID"]
    assert fresh["SUPPLIER_KEY"] != env["SUPPLIER_KEY"]
    assert typed(home, "client", "end", env["CLIENT_ID"]).code == 0
    assert "ended" in typed(home, "client", "list").out
    assert typed(home, "feed", "close", "--authority", "845").code == 0
    assert "closed on" in typed(home, "feed", "list").out
    refused = typed(home, "client", "add", "--authority", "845", "--supplier", "X")
    assert refused.code == 3
    assert "CLIENT_ID" not in refused.said


def test_a_sandbox_has_credentials_and_an_organisation_of_its_own(home: Path) -> None:
    agreement = an_agreement(home, "Alderford Council")
    assert typed(home, "feed", "open", "--authority", "845", "--agreement", agreement, "--sandbox").code == 0
    made = typed(home, "client", "add", "--authority", "845", "--supplier", "X", "--sandbox", "--way", "ssd")
    assert env_of(made.out)["API_ENDPOINT"].endswith("/sandbox")
    assert "845-sandbox: X, standard safeguarding dataset" in typed(home, "client", "list").out
    assert "Alderford Council (sandbox)" in typed(home, "people", "list").out
    assert typed(home, "client", "add", "--authority", "845", "--supplier", "X").code == 4


def test_a_supplier_sends_for_several_councils(home: Path) -> None:
    assert typed(home, "people", "set-code", "Brackmere Council", "la-code=846").code == 0
    for number, council in (("845", "Alderford Council"), ("846", "Brackmere Council")):
        opened = typed(home, "feed", "open", "--authority", number, "--agreement", an_agreement(home, council))
        assert opened.code == 0, opened.err
    both = ("--authority", "845", "--authority", "846")
    made = typed(home, "client", "add", *both, "--supplier", "casework systems")
    assert made.code == 0, made.err
    assert "# LA_CODE is one of: 845, 846" in made.out
    assert "845, 846: Casework Systems, supplier" in typed(home, "client", "list").out
    ended = typed(home, "client", "name", "--authority", "846", "--supplier", "Casework Systems", "--end")
    assert ended.code == 0
    assert "  845: Casework Systems" in typed(home, "client", "list").out
    assert typed(home, "client", "name", "--authority", "846", "--supplier", "Casework Systems").code == 0
    assert typed(home, "client", "add", *both, "--supplier", "Nobody").code == 4
    assert typed(home, "client", "add", *both, "--supplier", "Casework Systems", "--way", "own").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("feed", "open", "--authority", "999", "--agreement", "x"), 4),
        (("feed", "open", "--authority", "845", "--agreement", "x"), 4),
        (("feed", "close", "--authority", "845"), 4),
        (("client", "add", "--authority", "845", "--supplier", "X"), 4),
        (("client", "rotate", "nobody"), 4),
        (("client", "end", "nobody"), 4),
        (("people", "set-code", "Alderford Council", "845"), 2),
        (("people", "set-code", "Brackmere Council", "la-code=845"), 5),
        (("people", "set-code", "Brackmere Council", "la-code=8x5"), 2),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_its_code(home: Path, words: tuple[str, ...], code: int) -> None:
    done = typed(home, *words)
    assert done.code == code, done.said
    assert done.err.startswith("samechild: ")


def test_a_number_given_later_is_kept_beside_others(home: Path) -> None:
    assert typed(home, "people", "set-code", "Alderford Council", "gss=E10000999").code == 0
    lines = typed(home, "people", "list").out
    found = re.search(r"Alderford Council.*?id ([0-9a-f]{32})", lines, re.DOTALL)
    assert found
    store = store_of(home)
    with store.read(Login.GATE) as gate:
        council = organisation_of(gate, found[1])
    store.close()
    assert council is not None
    assert council.codes == {"la-code": "845", "gss": "E10000999"}


def test_a_school_has_a_feed_for_its_register_under_its_urn(home: Path) -> None:
    words = ["--kind", "academy", "--name", "Beechwood Academy", "--code", "urn=900001"]
    assert run("people", "add-organisation", *words, "--home", home).code == 0
    agreement = an_agreement(home, "Beechwood Academy")
    done = typed(home, "feed", "open", "--authority", "900001", "--agreement", agreement)
    assert done.code == 0, done.err
    assert "has new terms" in typed(home, "feed", "open", "--authority", "900001", "--agreement", agreement).out
    assert "900001       Beechwood Academy: " in typed(home, "feed", "list").out
    made = typed(home, "client", "add", "--authority", "900001", "--supplier", "Registers Ltd")
    assert made.code == 0, made.err
    assert typed(home, "feed", "open", "--authority", "900002", "--agreement", agreement).code == 4
