"""``samechild people`` as a person types it: the first organisation, its first access manager, who has roles."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest

from commands import Outcome, run
from samechild.cli.tables import all_tables
from samechild.errors import Unauthenticated
from samechild.policy import ledger
from samechild.policy.people.store import all_organisations
from samechild.policy.sign_in import accounts
from samechild.policy.sign_in.rules import SignInRules
from samechild.settings import Settings
from samechild.storage import Login, Store, open_store

NAME, EMAIL = "Zyxquendola Vane", "zyx@fernshire.example"


@pytest.fixture(name="home")
def a_home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def typed(home: Path, *words: object) -> Outcome:
    return run("people", *words, "--home", home)


def added(home: Path, name: str = "Fernshire Council", kind: str = "local-authority") -> str:
    done = typed(home, "add-organisation", "--kind", kind, "--name", name)
    assert done.code == 0, done.err
    found = re.search(r"id ([0-9a-f]{32})", done.out)
    assert found
    return found[1]


def invited(home: Path, organisation: str, email: str = EMAIL) -> Outcome:
    return typed(home, "first-access", organisation, "--name", NAME, "--email", email)


def opened(home: Path) -> Store:
    return open_store(Settings(home=home), all_tables(), synchronous="OFF")


def test_an_installation_begins_with_an_organisation_and_somebody_who_gives_access(home: Path) -> None:
    council = added(home)
    assert "no access manager" in typed(home, "list").out
    done = invited(home, "fernshire council")
    assert done.code == 0, done.err
    assert "http://127.0.0.1:8000/invitation" in done.out
    code = re.search(r"code: +(\S+)", done.out)
    assert code
    assert code[1] not in done.out.split("Invitation code")[0], "no code stands in an address"
    store, now = opened(home), datetime.now(UTC)
    try:
        seed = accounts.begin_account(store, code[1], now, os.urandom).seed
        factor = pyotp.TOTP(seed).at(now)
        words = "a long enough pass phrase of the first manager"
        assert accounts.finish_account(store, code[1], words, factor, now, os.urandom, SignInRules())
        with store.read(Login.GATE) as gate:
            assert [(each.organisation, each.host) for each in all_organisations(gate)] == [(council, True)]
            told = [entry.body["action"] for entry in reversed(ledger.entries(gate)) if "action" in entry.body]
        assert told == ["organisation-added", "person-added", "role-given", "invited", "account-made"]
        assert ledger.verify(store) == []
    finally:
        store.close()
    for email in (EMAIL, "another@fernshire.example"):
        again = invited(home, council, email)
        assert again.code == 3
        assert "ask them" in again.message


def test_the_list_names_no_person_and_no_secret(home: Path) -> None:
    added(home)
    school = added(home, "Beechwood Academy", "academy")
    done = invited(home, school)
    listed = typed(home, "list").out
    assert re.search(r"Fernshire Council .*runs this installation", listed)
    assert re.search(r"1  Access manager", listed)
    assert listed.index("Fernshire") < listed.index("Beechwood")
    code = re.search(r"code: +(\S+)", done.out)
    assert code
    for secret in (NAME, "Zyxquendola", EMAIL, code[1]):
        assert secret not in listed


def test_what_cannot_be_done_is_said_with_what_to_do(home: Path, tmp_path: Path) -> None:
    nowhere = typed(tmp_path / "mistyped", "list")
    assert nowhere.code == 4
    assert "--home" in nowhere.message
    assert not (tmp_path / "mistyped").exists()
    assert invited(tmp_path / "mistyped", "Fernshire Council").code == 4
    wrong = typed(home, "add-organisation", "--kind", "council", "--name", "Fernshire Council")
    assert wrong.code == 2
    assert "local-authority" in wrong.message
    assert typed(home, "add-organisation", "--kind", "academy", "--name", "  ").code == 2
    assert "add one" in typed(home, "list").out if home.exists() else True
    added(home)
    assert typed(home, "add-organisation", "--kind", "academy", "--name", "FERNSHIRE council").code == 2
    assert invited(home, "no such place").code == 4
    bad = invited(home, "Fernshire Council", "not an address")
    assert bad.code == 2
    assert NAME not in bad.said
    assert "no access manager" in typed(home, "list").out


def test_an_invitation_that_ran_out_is_made_again_for_the_same_address_alone(home: Path) -> None:
    council = added(home)
    codes = [re.search(r"code: +(\S+)", invited(home, council, email).out) for email in (EMAIL, EMAIL.upper())]
    assert all(codes)
    assert len({code[1] for code in codes if code}) == 2
    assert invited(home, council, "another@fernshire.example").code == 3
    assert "1  Access manager" in typed(home, "list").out
    store, now = opened(home), datetime.now(UTC)
    try:
        with pytest.raises(Unauthenticated):
            accounts.begin_account(store, codes[0][1] if codes[0] else "", now, os.urandom)
        assert accounts.begin_account(store, codes[1][1] if codes[1] else "", now, os.urandom).seed
    finally:
        store.close()
