"""Who may sign, what a witness lacks or refuses, and what else can go wrong while a ledger is written."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledgers import NOW, a_decision, exported, fill, fill_at_once, public_of
from samechild.errors import Invalid, Missing, Refused, Unavailable
from samechild.keys.children import new_salt
from samechild.keys.register import Purpose
from samechild.keys.store import keep_keys, keep_salt, wrapped_keys
from samechild.policy.ledger import (
    announce_key,
    append,
    append_all,
    entries,
    entries_about,
    head,
    outcome,
    record,
    references_to,
    verify,
)
from samechild.policy.ledger.check import verify_file
from samechild.policy.ledger.checkpoint import origin_of, read_checkpoint
from samechild.policy.ledger.export import export
from samechild.policy.ledger.record import refusal
from samechild.policy.ledger.store import checkpoints
from samechild.policy.ledger.witness import Witness, file_of
from samechild.policy.ledger.writer import MOST_TOGETHER
from samechild.records.disclosure import Route
from samechild.storage import Login, Store
from stores import a_store, an_installation, reopen


@pytest.fixture(name="store")
def a_fresh_store() -> Iterator[Store]:
    with a_store() as store:
        yield store


def nothing(what: str, share: float) -> None:
    """Tell nobody."""


# Keys


def rotate(store: Store, announced: bool) -> bytes:
    """Change the signing key as the key room does; returns the new public key."""
    made = store.keys.new_version(Purpose.LEDGER_SIGNING, os.urandom, NOW)
    if announced:
        announce_key(store, made.public, "operator", NOW + timedelta(seconds=50))
    with store.write(Login.GATE) as gate:
        keep_keys(gate, [made])
    return made.public


def test_an_announced_key_signs_from_then_on_in_every_process(tmp_path: Path) -> None:
    with an_installation() as settings:
        one, two = reopen(settings), reopen(settings)
        fill(one, 3)
        old = one.keys.signer().public
        new = rotate(one, announced=True)
        with one.read(Login.GATE) as gate:
            one.keys.take(wrapped_keys(gate))
        append(one, "sign-in", {}, NOW + timedelta(seconds=51))
        append(two, "sign-in", {}, NOW + timedelta(seconds=52))  # holds the old key still, and takes the new one
        assert two.keys.signer().public == new != old
        assert verify(two) == []
        path = exported(one, tmp_path)
        known = head(one)
        for key in (old, new):
            assert verify_file(path, [key], (known.size, known.root)) == []
        assert verify_file(path, [public_of()], None) != []
        one.close()
        two.close()


def test_a_key_nobody_announced_signs_nothing(store: Store) -> None:
    fill(store, 3)
    rotate(store, announced=False)
    with store.read(Login.GATE) as gate:
        store.keys.take(wrapped_keys(gate))
    with pytest.raises(Unavailable, match="never announced"):
        fill(store, 1, start=3)
    assert head(store).size == 3


def test_a_ledger_is_named_after_its_first_key(store: Store) -> None:
    first = store.keys.signer().public
    rotate(store, announced=False)  # before the first entry there is nothing to announce it in
    with store.read(Login.GATE) as gate:
        store.keys.take(wrapped_keys(gate))
    fill(store, 2)
    assert read_checkpoint(head(store).note).origin == origin_of(first)
    assert verify(store) == []


# Appending


@pytest.mark.parametrize("kind", ["accept", "Sign in"])
def test_some_kinds_are_not_for_everybody(store: Store, kind: str) -> None:
    with pytest.raises(Invalid):
        append(store, kind, {}, NOW)
    with pytest.raises(Invalid):
        append_all(store, kind, [({}, ())], NOW)
    assert head(store).size == 0


def test_many_entries_need_few_commits(store: Store) -> None:
    assert append_all(store, "grant", [], NOW) == []
    told = [({"n": n}, [f"{n:04x}"]) for n in range(MOST_TOGETHER + 10)]
    assert append_all(store, "grant", told, NOW) == list(range(MOST_TOGETHER + 10))
    with store.read(Login.GATE) as gate:
        sizes = [each.size for each, _ in checkpoints(gate, 0, 10_000)]
    assert sizes == [MOST_TOGETHER, MOST_TOGETHER + 10]
    assert verify(store) == []


def test_one_with_a_wrong_clock_does_not_stop_the_others(store: Store) -> None:
    fill(store, 1, start=1_000)
    begun = threading.Barrier(4)
    ended: list[str] = []

    def work(seconds: int) -> None:
        begun.wait()
        try:
            append(store, "sign-in", {}, NOW + timedelta(seconds=seconds))
            ended.append("written")
        except Unavailable:
            ended.append("refused")

    threads = [threading.Thread(target=work, args=(each,)) for each in (0, 1_001, 1, 1_002)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["refused", "refused", "written", "written"]
    assert verify(store) == []


# The witness


def test_what_the_witness_missed_is_added(store: Store) -> None:
    fill(store, 5)
    path = next(store.witness.glob("*.checkpoints"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:40])  # killed after the commits, the last line cut short
    fresh = Store(store.home, store.engines, store.keys, store.witness)
    fill(fresh, 1, start=5)
    seen = path.read_bytes().splitlines(keepends=True)
    assert seen[:2] == lines[:2]
    assert seen[3:6] == lines[2:]
    assert len(seen) == 7
    assert verify(store) == []


def test_an_emptied_witness_is_filled_again(store: Store) -> None:
    fill_at_once(store, 3)
    fill(store, 2, start=3)
    path = next(store.witness.glob("*.checkpoints"))
    lines = path.read_bytes()
    path.write_bytes(b"")
    fill(Store(store.home, store.engines, store.keys, store.witness), 1, start=9)
    assert path.read_bytes().startswith(lines)


def test_lines_of_several_processes_may_stand_out_of_order(store: Store) -> None:
    fill(store, 4)
    path = next(store.witness.glob("*.checkpoints"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[3], lines[2]]))
    known = Witness(store.witness, read_checkpoint(head(store).note).origin).look()
    assert known is not None
    assert (known.size, known.note) == (4, head(store).note)
    fill(Store(store.home, store.engines, store.keys, store.witness), 1, start=4)
    assert verify(store) == []


def test_only_the_end_of_a_long_witness_is_read_at_first(store: Store) -> None:
    fill(store, 1)
    path = next(store.witness.glob("*.checkpoints"))
    line = path.read_bytes()
    path.write_bytes(b"x" * 70_000 + b"\n" + line * 3)
    witness = Witness(store.witness, read_checkpoint(head(store).note).origin)
    known = witness.look()
    assert known is not None
    assert known.note == head(store).note


def test_a_witness_that_cannot_be_forced_to_disk_is_told_to_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 1)
    witness = Witness(store.witness, read_checkpoint(head(store).note).origin)

    def fail(file: int) -> None:
        raise OSError(5, "disk")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", fail)
        with pytest.raises(Unavailable, match="cannot be read and written"):
            Witness(store.witness, read_checkpoint(head(store).note).origin).accept("1:x")
        assert not witness.sync()
        with pytest.raises(Unavailable, match="cannot be read and written"):
            witness.write([])
        with pytest.raises(Unavailable, match="cannot be read and written"):
            witness.accept("1:x")
    assert witness.sync()
    first = read_checkpoint(head(store).note)
    witness.write([first])
    witness.write([first])  # one timer is enough for both
    assert [each.entry for each in verify(store)] == [1]  # what was accepted in vain is told


def test_a_witness_that_takes_only_part_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, 1)
    whole = os.write
    with monkeypatch.context() as full:
        full.setattr("os.write", lambda file, text: whole(file, text[:10]))
        with pytest.raises(Unavailable, match="cannot be read and written"):
            fill(store, 1, start=1)
    fill(store, 1, start=2)
    assert verify(store) == []


def test_a_witness_that_is_a_folder_is_told(store: Store) -> None:
    origin = origin_of(store.keys.signer().public)
    file_of(store.witness, origin).mkdir(parents=True)
    with pytest.raises(Unavailable, match="cannot be read and written"):
        fill(store, 1)
    assert head(store).size == 0


# Decisions


def test_the_ledger_says_nothing_of_what_people_wrote(store: Store) -> None:
    permit = record(store, a_decision(), NOW)
    outcome(store, permit, ["child-1"], {}, NOW)
    for path in [*store.home.glob("gate.db*"), *store.witness.glob("*")]:
        written = path.read_bytes()
        for private in (b"Zebedee", b"Quillfeather", b"not involved", b"child-1"):
            assert private not in written, path.name


def test_a_child_with_a_salt_is_found_under_it(store: Store) -> None:
    record(store, a_decision(), NOW)
    before = references_to(store, "child-1")
    with store.write(Login.GATE) as gate:
        keep_salt(gate, new_salt(store.keys, "child-1", os.urandom))
    permit = record(store, a_decision(), NOW)
    outcome(store, permit, [], {"episodes": 0}, NOW)
    now = references_to(store, "child-1")
    assert set(before) < set(now)
    with store.read(Login.GATE) as gate:
        assert [each.number for each in entries_about(gate, now)] == [1, 0]
        assert [each.number for each in entries_about(gate, before)] == [0]
        assert entries(gate, limit=1)[0].references == ()


def test_a_large_batch_is_one_entry(store: Store) -> None:
    permit = record(store, a_decision(record_keys=tuple(f"child-{n}" for n in range(1_200))), NOW)
    with store.read(Login.GATE) as gate:
        found = entries_about(gate, references_to(store, "child-1199"))
    assert [each.number for each in found] == [permit.entry]
    assert found[0].body["records"] == 1_200


def test_somebody_is_told_before_leave_is_given_or_refused(store: Store) -> None:
    told: list[int] = []
    record(store, a_decision(), NOW, told.append)
    with pytest.raises(Refused):
        record(store, a_decision(allowed=False), NOW, told.append)
    with pytest.raises(Missing):
        record(store, a_decision(allowed=False, may_know=False), NOW, told.append)
    assert told == [0, 1, 2]


def test_what_must_not_be_known_is_answered_about_nobody(store: Store) -> None:
    permit = record(store, replace(a_decision(allowed=False, may_know=False), instead=a_decision()), NOW)
    assert len(permit.record_keys) == 1
    assert permit.record_keys != ("child-1",)


def test_a_decision_needs_no_judgement_and_no_emergency(store: Store) -> None:
    plain = a_decision()
    record(store, replace(plain, ask=replace(plain.ask, judgement=None, emergency=None)), NOW)
    with store.read(Login.GATE) as gate:
        body = entries(gate)[0].body
    assert (body["judgement"], body["emergency"]) == (None, None)


def test_a_refusal_says_who_can_decide() -> None:
    refused = replace(a_decision(allowed=False), route=Route("The duty team", "call them"))
    assert refusal(refused) == "You are not involved. The duty team can decide: call them"
    assert refusal(a_decision()) == "No rule allows this."


# Exporting


def test_an_export_is_written_whole_or_not_at_all(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no entry"):
        export(store, tmp_path / "ledger", nothing)
    fill_at_once(store, 2_100)
    path = exported(store, tmp_path)
    assert verify_file(path, [store.keys.signer().public], None) == []
    with pytest.raises(Refused, match="is there already"):
        export(store, path, nothing)
    for place in (tmp_path / "no" / "ledger", tmp_path):
        with pytest.raises(Unavailable, match="cannot be written"):
            export(store, place, nothing, force=True)

    def stop(what: str, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(store, tmp_path / "other", stop)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ledger.ndjson", "verify_ledger.py"]
