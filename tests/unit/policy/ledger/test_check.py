"""Whatever somebody with the database in their hands changes is found, and the first broken entry named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ledgers import NOW, exported, fill, fill_at_once
from samechild.errors import Missing, Unavailable
from samechild.policy.ledger import Problem, append, head, prove, prove_growth, verify
from samechild.policy.ledger.check import MOST, quick, verify_copy, verify_file
from samechild.policy.ledger.tree import leaf_hash
from samechild.storage import Store
from stores import a_store


@pytest.fixture(name="store")
def store_of_ten_entries() -> Iterator[Store]:
    with a_store() as store:
        fill(store, 10)
        yield store


def change(store: Store, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Change the gate's database behind its back, triggers and all."""
    with closing(sqlite3.connect(store.home / "gate.db")) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger%'")
        for (name,) in names.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            assert database.execute(statement, values).rowcount > 0
        database.commit()


LATER = NOW + timedelta(hours=1)
REWRITE = "UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT), '{}', '{}') AS BLOB) WHERE number = {}"


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_a_whole_ledger_has_no_problems(store: Store) -> None:
    told: list[tuple[str, float]] = []
    assert verify(store, lambda what, share: told.append((what, share))) == []
    assert told == [("checking the ledger", 1.0), ("comparing with the witness", 1.0)]


def test_an_entry_rewritten_is_named(store: Store) -> None:
    change(store, REWRITE.format("count", "cOunt", 4))
    found = only(verify(store))
    assert (found.entry, found.words) == (4, "Entry 4: its text is not what was hashed.")


def test_an_entry_rewritten_with_its_hash_is_named(store: Store) -> None:
    written = prove(store, 4).entry.replace('"count":4', '"count":5').encode()
    change(
        store,
        "UPDATE ledger_entries SET entry = ?, leaf = ? WHERE number = 4",
        values=(written, leaf_hash(written)),
    )
    found = only(verify(store))
    assert (found.entry, found.words) == (4, "Entry 4: not what was signed, the first broken entry is here.")


def test_what_is_no_entry_is_named(store: Store) -> None:
    change(store, "UPDATE ledger_entries SET entry = ?, leaf = ? WHERE number = 4", values=(b"{}", leaf_hash(b"{}")))
    found = only(verify(store))
    assert (found.entry, found.words) == (4, "Entry 4 cannot be read.")
    with pytest.raises(Unavailable, match="do not fit its last checkpoint"):
        other_writer(store)


def other_writer(store: Store) -> None:
    """Append as a process that remembers nothing of the ledger's end."""
    fresh = Store(store.home, store.engines, store.keys, store.witness)
    append(fresh, "sign-in", {}, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("statement", "entry", "words"),
    [
        ("DELETE FROM ledger_entries WHERE number = 4", 4, "where entry 4 should stand there is another"),
        ("DELETE FROM ledger_entries WHERE number >= 8", 8, "a checkpoint over more entries than there are"),
        ("DELETE FROM ledger_entries", 0, "ends without a checkpoint"),
        ("DELETE FROM ledger_checkpoints", 0, "no checkpoint that vouches"),
        ("DELETE FROM ledger_checkpoints WHERE size = 10", 9, "entries from 9 on, but no checkpoint"),
        ("DELETE FROM ledger_checkpoints WHERE size = 5", 4, "does not follow the one before it"),
        ("UPDATE ledger_entries SET number = number + 100 WHERE number = 4", 4, "where entry 4 should stand"),
        ("UPDATE ledger_entries SET kind = 'outcome' WHERE number = 4", 4, "another time or kind"),
        ("UPDATE ledger_entries SET at = 'yesterday' WHERE number = 4", 4, "another time or kind"),
        ("DELETE FROM ledger_references WHERE number = 4", 4, "under exactly the references"),
        ("INSERT INTO ledger_references VALUES ('more', 4)", 4, "under exactly the references"),
        (
            "UPDATE ledger_checkpoints SET note = 'x' || note WHERE size = 5",
            4,
            "checkpoint after entry 4 cannot be read",
        ),
        (
            "UPDATE ledger_checkpoints SET note = replace(note, 'before', 'Before') WHERE size = 10",
            9,
            "checkpoint after entry 9 cannot be read",
        ),
        ("UPDATE ledger_checkpoints SET public = zeroblob(32)", 0, "does not name"),
    ],
)
def test_rows_changed_or_gone_are_found(store: Store, statement: str, entry: int, words: str) -> None:
    change(store, statement)
    found = verify(store)[0]
    assert found.entry == entry
    assert words in found.words or words in found.words.lower()


def test_a_tail_cut_off_whole_is_known_to_the_witness(store: Store) -> None:
    change(store, "DELETE FROM ledger_entries WHERE number >= 7", "DELETE FROM ledger_checkpoints WHERE size > 7")
    change(store, "DELETE FROM ledger_references WHERE number >= 7")
    found = only(verify(store))
    assert found.entry == 7
    assert "The witness knows 10 entries, the ledger has 7" in found.words
    with pytest.raises(Unavailable, match="older than its witness"):
        other_writer(store)


def test_rows_beyond_the_last_checkpoint_stop_the_writer(store: Store) -> None:
    change(store, "INSERT INTO ledger_entries SELECT 10, leaf, at, kind, entry FROM ledger_entries WHERE number = 9")
    assert verify(store)[0].entry == 10
    with pytest.raises(Unavailable, match="could not be written"):
        other_writer(store)


def test_a_public_key_that_is_none_signs_nothing() -> None:
    assert not quick(b"\x02" + bytes(31), b"a", bytes(64))
    assert not quick(b"short", b"a", bytes(64))


def test_a_witness_that_cannot_be_opened_is_told(store: Store) -> None:
    path = next(store.witness.glob("*.checkpoints"))
    path.unlink()
    path.mkdir()
    assert only(verify(store)).words == f"The witness {path} cannot be read."


def test_hashes_kept_for_speed_are_checked(store: Store) -> None:
    fill_at_once(store, 600, start=10)
    assert verify(store) == []
    change(store, "UPDATE ledger_subtrees SET hash = zeroblob(32) WHERE level = 1 AND position = 1")
    found = only(verify(store))
    assert (found.entry, found.words) == (16, "A hash kept for the entries from 16 on is missing or wrong.")
    change(store, "DELETE FROM ledger_subtrees WHERE level = 2 AND position = 0")
    assert [each.entry for each in verify(store)] == [0, 16]
    with pytest.raises(Unavailable, match="gone or damaged"):
        prove(store, 605)
    with pytest.raises(Unavailable, match="gone or damaged"):
        prove_growth(store, 600)
    with pytest.raises(Unavailable, match="do not fit its last checkpoint"):
        other_writer(store)


def test_a_damaged_checkpoint_stops_whoever_needs_it(store: Store) -> None:
    change(store, "UPDATE ledger_checkpoints SET note = upper(note) WHERE size = 10")
    for asked in (lambda: head(store), lambda: prove(store, 1), lambda: prove_growth(store, 1)):
        with pytest.raises(Unavailable, match="gone or damaged"):
            asked()
    with pytest.raises(Unavailable, match="could not be written"):
        other_writer(store)


def test_only_so_many_problems_are_told(store: Store) -> None:
    fill_at_once(store, MOST, start=10)
    change(store, "UPDATE ledger_entries SET kind = 'outcome'")
    assert len(verify(store)) == MOST


def test_a_witness_that_tells_otherwise_is_told(store: Store) -> None:
    path = next(store.witness.glob("*.checkpoints"))
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 10
    path.write_bytes(b"".join([*lines[:4], b"\xff not a line\n", *lines[4:]]))
    assert "cannot be read" in only(verify(store)).words
    path.write_bytes(b"".join(lines) + b"no line at all\n")
    assert "cannot be read" in only(verify(store)).words
    other = lines[4].replace(b"\\n5\\n", b"\\n4\\n")
    path.write_bytes(b"".join([*lines, other]))
    assert [(each.entry, "two different pasts" in each.words) for each in verify(store)] == [(3, True)]
    path.write_bytes(b"".join([*lines[:3], other, *lines[4:]]))
    assert [(each.entry, "another past of 4" in each.words) for each in verify(store)] == [(3, True)]
    path.write_bytes(b"".join(lines) + b'{"accepted":"7:xxx"}\n')
    assert only(verify(store)).entry == 7
    assert "which no entry confirms" in only(verify(store)).words
    path.write_bytes(b"".join(lines) + b'{"accepted":"seven"}\n')
    assert "cannot be read" in only(verify(store)).words
    path.write_bytes(b"".join(lines[3:5] + lines[:1] + lines[7:8]))  # lines may be missing, and out of order
    assert verify(store) == []
    path.write_bytes(b"".join(lines[:4]) + lines[4][:50] + b"\n" + b"".join(lines[4:]))  # cut short, written again
    assert verify(store) == []
    path.write_bytes(b"".join(lines) + lines[4][:50])
    assert verify(store) == []


def test_a_broken_ledger_is_still_compared_with_its_witness(store: Store) -> None:
    path = next(store.witness.glob("*.checkpoints"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:1], lines[1].replace(b"before ", b"before A", 1)[:-4] + b'="}\n', *lines[2:]]))
    change(store, REWRITE.format("count", "cOunt", 4))
    assert [each.entry for each in verify(store)] == [4, None]
    path.unlink()
    assert [each.words.endswith("is missing.") for each in verify(store)] == [False, True]


def test_a_copy_is_checked_against_the_ledger(store: Store, tmp_path: Path) -> None:
    path = exported(store, tmp_path)
    assert verify_copy(store, path) == []
    keys = list(store.keys.public_keys().values())
    now = head(store)
    assert verify_file(path, keys, (now.size, now.root)) == []
    assert verify_file(path, keys, (now.size + 1, now.root))[0].entry == 10
    path.write_bytes(path.read_bytes().replace(b'"count":4', b'"count":5'))
    assert only(verify_copy(store, path)).entry == 4
    assert only(verify_file(path, [bytes(32)], None)).entry == 4
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(Missing, match="cannot be read"):
            verify_copy(store, missing)
