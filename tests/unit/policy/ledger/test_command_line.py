"""``samechild ledger`` as a person runs it: what it writes, what it says, and its exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands import Outcome
from ledgers import fill
from samechild.cli.ledger import ledger
from samechild.errors import SamechildError
from samechild.policy.ledger import head
from samechild.settings import Settings
from stores import an_installation, reopen


@pytest.fixture(name="settings")
def installation_with_a_ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with an_installation() as settings:
        store = reopen(settings)
        fill(store, 12)
        store.close()
        monkeypatch.setenv("SAMECHILD_HOME", str(settings.home))
        yield settings


def run(*words: object) -> Outcome:
    """Run ``samechild ledger`` with these words."""
    done = CliRunner().invoke(ledger, [str(word) for word in words])
    if isinstance(done.exception, SamechildError):
        return Outcome(done.exception.exit_code, done.stdout, str(done.exception))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Outcome(done.exit_code, done.stdout, done.stderr)


def noted(said: str) -> tuple[str, str]:
    """Head and key, as ``ledger head`` shows them."""
    lines = dict(line.split() for line in said.splitlines())
    return lines["head"], lines["key"]


def test_an_export_is_checked_by_others(settings: Settings, tmp_path: Path) -> None:
    known, key = noted(run("head").out)
    store = reopen(settings)
    assert known == head(store).text
    store.close()
    file = tmp_path / "ledger.ndjson"
    done = run("export", file)
    assert done.code == 0
    assert "12 entries are in" in done.out
    words = done.out.splitlines()[1].split()[1:]
    assert words[1:] == [str(file), "--key", key, "--head", known]
    checked = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert checked.stdout == f"whole: 12 entries, head {known}\n"
    assert run("export", file).code == 3
    assert run("export", file, "--force").code == 0


def test_the_ledger_and_copies_of_it_are_verified(settings: Settings, tmp_path: Path) -> None:
    known, key = noted(run("head", "--home", settings.home).out)
    file = tmp_path / "ledger.ndjson"
    run("export", file)
    for words in ([], [file], [file, "--key", key], [file, "--key", key, "--head", known]):
        done = run("verify", *words)
        assert (done.code, done.out) == (0, "The ledger is whole.\n")
    file.write_bytes(file.read_bytes().replace(b'"count":4', b'"count":5'))
    for words in ([file], [file, "--key", key]):
        done = run("verify", *words)
        assert done.code == 1
        assert done.out.startswith("entry 4: Entry 4: not what was signed")
        assert done.out.endswith("The ledger is not whole.\n")
    next(settings.witness_folder.glob("*")).unlink()
    done = run("verify")
    assert done.code == 1
    assert done.out.startswith("The witness ")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["verify", "FILE", "--key", "no key"], 2),
        (["verify", "FILE", "--key", "KEY", "--head", "no head"], 2),
        (["verify", "FILE", "--head", "HEAD"], 2),
        (["verify", "--key", "KEY"], 2),
        (["verify", "no such file"], 4),
        (["verify", "no such file", "--key", "KEY"], 4),
        (["prove", "12"], 4),
        (["prove", "-1"], 2),
        (["prove", "x"], 2),
        (["prove", "1", "--out", "no/such/folder/proof.json"], 6),
        (["export", "no/such/folder/ledger"], 6),
        (["accept"], 2),
    ],
)
def test_what_cannot_be_done_is_told(settings: Settings, tmp_path: Path, words: list[str], code: int) -> None:
    known, key = noted(run("head").out)
    file = tmp_path / "ledger.ndjson"
    run("export", file)
    named = {"FILE": str(file), "KEY": key, "HEAD": known}
    done = run(*(named.get(word, word) for word in words))
    assert done.code == code
    assert done.err


def test_an_entry_is_proved(settings: Settings, tmp_path: Path) -> None:
    _, key = noted(run("head").out)
    proof = tmp_path / "proof.json"
    assert run("prove", 7, "--out", proof).out == f"The proof of entry 7 is in {proof}.\n"
    assert run("prove", 7).out == proof.read_text(encoding="utf-8")
    assert run("prove", 7, "--out", proof).code == 3
    run("export", tmp_path / "ledger.ndjson")
    words = [str(tmp_path / "verify_ledger.py"), str(proof), "--key", key]
    checked = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert checked.returncode == 0
    assert '"number":7' in checked.stdout


def test_a_lost_witness_is_accepted_by_an_officer(settings: Settings) -> None:
    next(settings.witness_folder.glob("*")).unlink()
    done = run("accept", "--by", "officer-1")
    assert (done.code, done.out) == (0, "Accepted: entry 12 of the ledger says so.\n")
    assert run("verify").code == 0
