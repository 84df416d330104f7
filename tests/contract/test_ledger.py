"""The ledger on every kind of database: what was appended stays, and nothing is disclosed when it cannot be."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from ledgers import NOW, a_decision, exported, fill, fill_at_once
from project import ROOT
from samechild.errors import Missing, Refused, Unavailable
from samechild.policy.ledger import (
    accept,
    append,
    entries,
    entries_about,
    head,
    outcome,
    prove,
    prove_growth,
    record,
    references_to,
    verify,
)
from samechild.policy.ledger.check import verify_copy, verify_file
from samechild.policy.ledger.checkpoint import from_text, is_signed_by, read_checkpoint
from samechild.policy.ledger.store import ledger_checkpoints, ledger_entries, ledger_references, ledger_subtrees
from samechild.policy.ledger.tree import EMPTY_ROOT, is_consistent, is_included, leaf_hash
from samechild.policy.ledger.writer import TOLERANCE
from samechild.storage import Login, Store
from stores import KINDS, a_store, an_installation, reopen


@pytest.fixture(name="store", params=KINDS)
def store_of_each_kind(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as store:
        yield store


def test_an_empty_ledger_is_whole(store: Store) -> None:
    assert (head(store).size, head(store).root, head(store).note) == (0, EMPTY_ROOT, "")
    assert verify(store) == []
    assert prove_growth(store, 0) == []
    with pytest.raises(Missing):
        prove(store, 0)


def test_entries_are_numbered_proved_and_found_again(store: Store) -> None:
    fill(store, 3)
    fill_at_once(store, 297, start=3)
    old = head(store)
    fill_at_once(store, 250, start=300)
    now = head(store)
    assert now.size == 550
    for number in (0, 1, 255, 256, 299, 511, 512, 549):
        proof = prove(store, number)
        hashes = [from_text(each) for each in proof.hashes]
        assert is_included(leaf_hash(proof.entry.encode()), number, 550, hashes, now.root)
        assert is_signed_by(read_checkpoint(proof.checkpoint), from_text(proof.key))
    growth = [from_text(each) for each in prove_growth(store, 300)]
    assert is_consistent(300, 550, old.root, now.root, growth)
    with pytest.raises(Missing):
        prove(store, 550)
    with store.read(Login.GATE) as gate:
        assert [each.number for each in entries(gate, limit=3)] == [549, 548, 547]
        assert [each.number for each in entries(gate, before=2)] == [1, 0]
        assert entries(gate, kind="erasure") == []
        about = entries_about(gate, [f"{1:032x}", "0" * 31 + "9"], limit=2, before=500)
        assert [each.number for each in about] == [499, 496]
        assert all(each.references == (f"{1:032x}",) for each in about)
    assert verify(store) == []


def test_threads_share_commits_and_none_is_lost(store: Store) -> None:
    numbers: list[int] = []

    def work(of: int) -> None:
        numbers.extend(append(store, "sign-in", {"thread": of, "n": n}, NOW) for n in range(15))

    threads = [threading.Thread(target=work, args=(of,)) for of in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(120))
    assert verify(store) == []
    with store.read(Login.GATE) as gate:
        told = [(each.body["thread"], each.body["n"]) for each in reversed(entries(gate, limit=200))]
    assert all([n for of, n in told if of == thread] == list(range(15)) for thread in range(8))


def test_a_decision_is_written_before_there_is_a_permit(store: Store) -> None:
    permit = record(store, a_decision(record_keys=("child-1", "child-2")), NOW)
    assert permit.entry == 0
    answered = outcome(store, permit, ["child-1"], {"episodes": 2}, NOW)
    with store.read(Login.GATE) as gate:
        shown, decided = entries_about(gate, references_to(store, "child-1"))
        assert [each.number for each in entries_about(gate, references_to(store, "child-2"))] == [0]
    assert (shown.number, shown.kind, shown.body) == (
        answered,
        "outcome",
        {"counts": {"episodes": 2}, "decision": 0, "shown": 1},
    )
    assert decided.body["power"] == "children-act-2004-section-11"
    assert decided.body["emergency"] == {"supervisor": "user-8"}
    assert decided.body["judgement"]["by"] == "user-9"
    assert decided.body["rules"] == [{"effect": "allow", "rule": "involved-worker"}]
    assert decided.body["records"] == 2
    assert verify(store) == []


def test_refusals_are_written_too(store: Store) -> None:
    with pytest.raises(Refused, match="You are not involved"):
        record(store, a_decision(allowed=False), NOW)
    with pytest.raises(Missing, match="There is no such record"):
        record(store, a_decision(allowed=False, may_know=False), NOW)
    with pytest.raises(Refused, match="Shadow mode"):
        record(store, a_decision(shadow=True), NOW)
    with store.read(Login.GATE) as gate:
        found = entries_about(gate, references_to(store, "child-1"))
    assert [(each.body["allowed"], each.body["shadow"], each.body["known"]) for each in found] == [
        (True, True, True),
        (False, False, False),
        (False, False, True),
    ]


def test_a_row_cannot_be_changed_by_any_login(store: Store) -> None:
    fill(store, 2)
    for table in (ledger_entries, ledger_references, ledger_subtrees, ledger_checkpoints):
        for login in (Login.LEDGER, Login.GATE):
            for statement in (table.delete(), table.update().values({list(table.c)[-1].name: None})):
                if table is not ledger_subtrees or store.engines[login].dialect.name == "postgresql":
                    with pytest.raises(Refused), store.write(login) as connection:
                        connection.execute(statement)
    assert verify(store) == []


@pytest.mark.parametrize("kind", KINDS)
def test_processes_take_turns(kind: str) -> None:
    with an_installation(kind) as settings:
        stores = [reopen(settings) for _ in range(3)]
        numbers: list[int] = []

        def work(store: Store) -> None:
            numbers.extend(append(store, "sign-in", {}, NOW) for _ in range(12))

        threads = [threading.Thread(target=work, args=(store,)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(numbers) == list(range(36))
        assert verify(stores[0]) == []
        for store in stores:
            store.close()


def test_a_clock_gone_back_writes_nothing(store: Store) -> None:
    append(store, "sign-in", {}, NOW)
    with pytest.raises(Unavailable, match="clock"):
        append(store, "sign-in", {}, NOW - TOLERANCE - timedelta(microseconds=1))
    append(store, "sign-in", {"late": 1}, NOW - TOLERANCE)
    with store.read(Login.GATE) as gate:
        assert [each.at for each in entries(gate)] == [NOW, NOW]  # never dated before the one it follows
    accept(store, "officer-1", NOW - timedelta(days=3))
    append(store, "sign-in", {}, NOW - timedelta(days=3))
    with store.read(Login.GATE) as gate:
        assert entries(gate, kind="accept")[0].body["last"] == "2026-11-22T09:00:00.000000Z"
    assert verify(store) == []


def test_what_is_added_while_it_is_checked_is_no_problem(store: Store) -> None:
    fill_at_once(store, 60)
    added: list[int] = []

    def go_on(what: str, share: float) -> None:
        if not added:
            added.append(append(store, "sign-in", {}, NOW + timedelta(hours=1)))
            fill_at_once(store, 10, start=5_000)

    assert verify(store, go_on) == []
    assert added == [60]
    assert verify(store) == []


def test_an_export_of_it_is_whole(store: Store, tmp_path: Path) -> None:
    fill(store, 20)
    path = exported(store, tmp_path)
    known = head(store)
    keys = list(store.keys.public_keys().values())
    assert verify_file(path, keys, (known.size, known.root)) == []
    fill(store, 5, start=20)
    assert verify_copy(store, path) == []  # an older copy of the same ledger
    run = subprocess.run(
        [
            *(sys.executable, "-I", "-S", tmp_path / "verify_ledger.py"),
            *(path, "--key", keys[-1].hex(), "--head", known.text),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, f"whole: 20 entries, head {known.text}\n")


# Things that go wrong


def test_an_older_backup_is_not_continued(tmp_path: Path) -> None:
    with an_installation() as settings:
        store = reopen(settings)
        fill(store, 3)
        store.close()
        kept = tmp_path / "kept"
        shutil.copytree(settings.home, kept)
        store = reopen(settings)
        fill(store, 4, start=3)
        store.close()
        shutil.rmtree(settings.home)
        shutil.copytree(kept, settings.home)
        store = reopen(settings)
        with pytest.raises(Unavailable, match="older than its witness"):
            fill(store, 1, start=9)
        assert [each.entry for each in verify(store)] == [3]
        number = accept(store, "officer-1", NOW + timedelta(days=1))
        assert number == 3
        with store.read(Login.GATE) as gate:
            assert entries(gate)[0].body["witness"] == 7
        fill(store, 2, start=100_000)
        assert verify(store) == []
        store.close()
        store = reopen(settings)
        fill(store, 2, start=100_010)
        assert verify(store) == []
        store.close()


def test_an_emptied_ledger_is_not_begun_again() -> None:
    with an_installation() as settings:
        kept = settings.home.with_name("kept")
        shutil.copytree(settings.home, kept)
        store = reopen(settings)
        fill(store, 3)
        keys = settings.home / "root.key"
        assert keys.exists()
        store.close()
        shutil.rmtree(settings.home)
        shutil.copytree(kept, settings.home)
        store = reopen(settings)
        assert "cut off" in verify(store)[0].words
        with pytest.raises(Unavailable, match="older than its witness"):
            fill(store, 1)
        assert accept(store, "officer-1", NOW) == 0
        fill(store, 2)
        assert verify(store) == []
        store.close()


def test_a_fork_signed_with_the_real_key_is_not_continued(tmp_path: Path) -> None:
    with an_installation() as settings:
        store = reopen(settings)
        fill(store, 3)
        store.close()
        shutil.copytree(settings.home, tmp_path / "fork")
        store = reopen(settings)
        fill(store, 3, start=3)
        store.close()
        forked = reopen(msgspec.structs.replace(settings, home=tmp_path / "fork", witness=str(tmp_path / "else")))
        assert accept(forked, "thief", NOW + timedelta(seconds=3)) == 3
        fill(forked, 4, start=4)
        path = exported(forked, tmp_path)
        forked.close()
        back = reopen(settings)
        assert "another past" in verify_copy(back, path)[0].words
        back.close()
        mixed = reopen(msgspec.structs.replace(settings, home=tmp_path / "fork", witness=str(settings.witness_folder)))
        with pytest.raises(Unavailable, match="two different pasts"):
            fill(mixed, 1, start=9)
        assert "another past of 4 entries" in verify(mixed)[0].words
        assert verify(mixed)[0].entry == 3
        mixed.close()


def test_a_lost_or_shortened_witness_stops_everything(store: Store) -> None:
    fill(store, 3)
    witness = next(store.witness.glob("*.checkpoints"))
    whole = witness.read_bytes()
    witness.write_bytes(whole[:-200])
    with pytest.raises(Unavailable, match="shorter"):
        fill(store, 1, start=3)
    witness.unlink()
    with pytest.raises(Unavailable, match="not where the settings say"):
        fill(store, 1, start=3)
    assert "is missing" in verify(store)[0].words
    accept(store, "officer-1", NOW + timedelta(seconds=9))
    fill(store, 1, start=10)
    assert verify(store) == []


def test_a_witness_that_cannot_be_written_stops_everything(store: Store) -> None:
    store.witness.parent.mkdir(exist_ok=True)
    store.witness.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(Unavailable, match="witness"):
        record(store, a_decision(), NOW)
    assert head(store).size == 0
    store.witness.unlink()
    assert record(store, a_decision(), NOW).entry == 0
    store.witness.rename(store.witness.with_name("unmounted"))
    with pytest.raises(Unavailable, match="not where the settings say"):
        record(store, a_decision(), NOW)
    store.witness.with_name("unmounted").rename(store.witness)
    assert record(store, a_decision(), NOW).entry == 1
    assert verify(store) == []


def test_a_full_disk_discloses_nothing_and_loses_nothing() -> None:
    with a_store() as store:
        fill(store, 5)
        with store.engines[Login.LEDGER].connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

        def limit(connection: sa.Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + most}")

        sa.event.listen(store.engines[Login.LEDGER], "begin", limit)
        most, done = 6, 5

        def go_on() -> None:
            nonlocal done
            while done < 2_000:
                append(store, "sign-in", {"a": "x" * 500}, NOW + timedelta(seconds=done))
                done += 1

        with pytest.raises(Unavailable, match="full"):
            go_on()
        assert done > 5
        assert head(store).size == done
        assert verify(store) == []
        most = 100_000
        assert append(store, "sign-in", {}, NOW + timedelta(hours=2)) == done
        assert verify(store) == []


def test_a_database_gone_half_way_discloses_nothing(store: Store) -> None:
    fill(store, 2)

    def cut(connection: sa.Connection, *more: object) -> None:
        raise sa.exc.OperationalError("insert", {}, Exception("gone: Zebedee"), connection_invalidated=False)

    engine = store.engines[Login.LEDGER]
    for moment in ("begin", "commit"):
        sa.event.listen(engine, moment, cut)
        with pytest.raises(Unavailable) as told:
            record(store, a_decision(), NOW + timedelta(seconds=5))
        assert "Zebedee" not in str(told.value)
        sa.event.remove(engine, moment, cut)
    assert head(store).size == 2
    assert record(store, a_decision(), NOW + timedelta(seconds=5)).entry == 2
    assert verify(store) == []


def test_a_mistake_of_ours_releases_whoever_waits(store: Store) -> None:
    def cut(connection: sa.Connection, *more: object) -> None:
        raise ZeroDivisionError

    sa.event.listen(store.engines[Login.LEDGER], "begin", cut)
    with pytest.raises(ZeroDivisionError):
        fill(store, 1)
    sa.event.remove(store.engines[Login.LEDGER], "begin", cut)
    fill(store, 1)
    assert head(store).size == 1


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ledgers import a_decision
from samechild.policy.ledger import outcome, record
from samechild.settings import Settings
from stores import reopen

store = reopen(msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, text: Path(text)), durable=True)
for number in range(200):
    now = datetime.now(UTC)
    permit = record(store, a_decision(now=now), now)
    told = outcome(store, permit, ["child-1"], {"episodes": number}, now)
    print(permit.entry, told, flush=True)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_answered_before_a_kill_stands_in_the_ledger(kind: str) -> None:
    with an_installation(kind) as settings:
        given = msgspec.json.encode(settings, enc_hook=str).decode()
        environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"}
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, given], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )
        assert child.stdout is not None
        answered = [next(child.stdout) for _ in range(7)]
        child.send_signal(signal.SIGKILL)
        answered += [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        child.wait()
        store = reopen(settings)
        disclosed = [tuple(map(int, line.split())) for line in answered]
        assert 7 <= len(disclosed) < 200
        assert verify(store) == []
        with store.read(Login.GATE) as gate:
            kept = {each.number: each for each in entries(gate, limit=1_000)}
        for decided, told in disclosed:
            assert kept[decided].kind == "decision"
            assert kept[told].body["decision"] == decided
        later = NOW + timedelta(days=36_500)
        assert append(store, "sign-in", {}, later) == len(kept)
        assert verify(store) == []
        store.close()
