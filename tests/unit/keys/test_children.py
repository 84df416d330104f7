"""Children's keys in the gate's database: each child's own, never the other vault's, never again once erased."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

from samechild.errors import Conflict, Invalid, Missing, Unavailable
from samechild.keys import actions, rotation, store
from samechild.keys.children import Vault, open_child_key
from samechild.keys.register import Keyring, Purpose, State
from samechild.keys.seal import place, project, seal, unseal
from samechild.keys.store import Tombstone

ROOT, NOW = bytes(range(32)), datetime(2026, 11, 22, tzinfo=UTC)
HERE = place("t", "r")


@pytest.fixture
def gate() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        store.TABLES.create_all(connection)
        yield connection
    engine.dispose()


@pytest.fixture
def keys(gate: sa.Connection) -> Keyring:
    return actions.open_keyring(gate, ROOT, os.urandom, NOW)


def a_key(gate: sa.Connection, keys: Keyring, record_key: str = "r1", vault: Vault = Vault.IDENTITY) -> bytes:
    return actions.key_for_child(gate, keys, vault, record_key, os.urandom).secret


def rotate(gate: sa.Connection, keys: Keyring, purpose: str) -> None:
    rotation.begin(gate, keys, keys.new_version(purpose, os.urandom, NOW))


def stone(record_key: str, after: int = 0) -> Tombstone:
    return Tombstone(record_key, "council", NOW + timedelta(seconds=after), "request", "e1", "00")


def test_the_register_is_made_once_and_found_again(gate: sa.Connection, keys: Keyring) -> None:
    again = actions.open_keyring(gate, ROOT, os.urandom, NOW)
    assert again.lines == keys.lines
    assert again.reference("r1") == keys.reference("r1")
    assert keys.lines[0].made_at == NOW


def test_two_who_open_a_new_installation_at_once_have_the_same_keys(
    gate: sa.Connection, keys: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [[], store.wrapped_keys(gate)]  # what the slower of the two sees: nothing yet, then the other's
    monkeypatch.setattr(store, "wrapped_keys", lambda connection: seen.pop(0))
    assert actions.open_keyring(gate, ROOT, os.urandom, NOW).lines == keys.lines


def test_a_lost_register_is_not_taken_for_a_new_installation(gate: sa.Connection, keys: Keyring) -> None:
    a_key(gate, keys)
    gate.execute(store.key_register.delete())
    with pytest.raises(Unavailable, match="register is empty"):
        actions.open_keyring(gate, ROOT, os.urandom, NOW)


def test_each_child_has_a_key_of_its_own_in_each_vault(gate: sa.Connection, keys: Keyring) -> None:
    made = {a_key(gate, keys, child, vault) for child in ("r1", "r2") for vault in Vault}
    assert len(made) == 4
    assert a_key(gate, keys) == actions.key_of_child(gate, keys, Vault.IDENTITY, "r1").secret
    assert actions.keys_of_children(gate, keys, Vault.CONTENT, ["r1", "r3"]).keys() == {"r1"}


def test_a_child_without_a_key_is_missing(gate: sa.Connection, keys: Keyring) -> None:
    with pytest.raises(Missing, match="no such record"):
        actions.key_of_child(gate, keys, Vault.CONTENT, "r1")
    assert actions.salt_of_child(gate, keys, "r1") == b""


def test_a_child_with_a_key_has_a_salt(gate: sa.Connection, keys: Keyring) -> None:
    a_key(gate, keys)
    salt = actions.salt_of_child(gate, keys, "r1")
    assert len(salt) == 32
    assert salt == actions.salt_for_child(gate, keys, "r1", os.urandom)
    assert salt != actions.salt_for_child(gate, keys, "r2", os.urandom)


def test_a_wrapped_key_moved_to_another_child_or_vault_does_not_open(gate: sa.Connection, keys: Keyring) -> None:
    a_key(gate, keys)
    kept = store.child_key(gate, Vault.IDENTITY, "r1")
    assert kept is not None
    for change in ({"record_key": "r2"}, {"vault": Vault.CONTENT}):
        with pytest.raises(Invalid, match="does not open"):
            open_child_key(keys, msgspec.structs.replace(kept, **change))


def test_erased_children_get_no_key_again_and_sound_like_any_other(gate: sa.Connection, keys: Keyring) -> None:
    a_key(gate, keys)
    a_key(gate, keys, vault=Vault.CONTENT)
    actions.destroy_keys(gate, [stone("r1"), stone("r0", after=-1)])
    actions.destroy_keys(gate, [stone("r1", after=5)])  # replayed: the first tombstone stays
    assert store.all_tombstones(gate) == [stone("r0", after=-1), stone("r1")]
    for attempt in (
        lambda: actions.key_of_child(gate, keys, Vault.IDENTITY, "r1"),
        lambda: actions.key_for_child(gate, keys, Vault.IDENTITY, "r1", os.urandom),
        lambda: actions.salt_for_child(gate, keys, "r1", os.urandom),
        lambda: actions.key_of_child(gate, keys, Vault.IDENTITY, "never kept"),
    ):
        with pytest.raises(Missing) as told:
            attempt()
        assert str(told.value) == "There is no such record."
    assert actions.salt_of_child(gate, keys, "r1") == b""
    assert not store.has_children(gate)


def test_child_keys_and_tombstones_do_not_print_secrets(gate: sa.Connection, keys: Keyring) -> None:
    key = actions.key_for_child(gate, keys, Vault.IDENTITY, "r1", os.urandom)
    assert "hidden" in repr(key)
    assert "r1" not in repr(key)


class TestRotation:
    def test_everything_stays_readable_and_the_old_key_is_destroyed(self, gate: sa.Connection, keys: Keyring) -> None:
        sealed = seal(actions.key_for_child(gate, keys, Vault.IDENTITY, "r0", os.urandom), b"plain", HERE, os.urandom)
        secrets = {child: a_key(gate, keys, child) for child in ("r0", "r1", "r2")}
        assert not rotation.is_unfinished(gate, Purpose.IDENTITY)
        rotate(gate, keys, Purpose.IDENTITY)
        assert rotation.is_unfinished(gate, Purpose.IDENTITY)
        assert a_key(gate, keys, "new") != secrets["r0"]
        done = []
        while batch := rotation.rewrap(gate, keys, Purpose.IDENTITY, os.urandom, limit=2):
            done.append(batch)
            assert rotation.unneeded(gate, Purpose.IDENTITY) == ([] if sum(done) < 3 else [1])
        assert done == [2, 1]
        rotation.retire(gate, Purpose.IDENTITY, [1])
        actions.refresh(gate, keys)
        assert {child: a_key(gate, keys, child) for child in secrets} == secrets
        key = actions.key_of_child(gate, keys, Vault.IDENTITY, "r0")
        assert unseal(key, sealed, HERE) == b"plain"
        gone = next(line for line in store.wrapped_keys(gate) if (line.purpose, line.version) == ("identity", 1))
        assert (gone.state, gone.wrapped) == (State.RETIRED, b"")
        assert not rotation.is_unfinished(gate, Purpose.IDENTITY)

    def test_a_process_that_runs_meanwhile_takes_the_new_keys(self, gate: sa.Connection, keys: Keyring) -> None:
        other = actions.open_keyring(gate, ROOT, os.urandom, NOW)
        secret = a_key(gate, keys, "r1")
        salt = actions.salt_of_child(gate, keys, "r1")
        for purpose in (Purpose.IDENTITY, Purpose.LEDGER_REFERENCES):
            rotate(gate, keys, purpose)
            while rotation.rewrap(gate, keys, purpose, os.urandom):
                pass
        rotation.retire(gate, Purpose.IDENTITY, [1])
        for read in (
            lambda ring: actions.key_of_child(gate, ring, Vault.IDENTITY, "r1").secret,
            lambda ring: actions.keys_of_children(gate, ring, Vault.IDENTITY, ["r1"])["r1"].secret,
            lambda ring: actions.key_for_child(gate, ring, Vault.IDENTITY, "r1", os.urandom).secret,
        ):
            late = Keyring(ROOT, other.lines)
            assert read(late) == secret  # type: ignore[no-untyped-call]
        assert actions.salt_of_child(gate, Keyring(ROOT, other.lines), "r1") == salt
        assert actions.salt_for_child(gate, Keyring(ROOT, other.lines), "r1", os.urandom) == salt
        late = Keyring(ROOT, other.lines)
        a_key(gate, late, "r2")
        kept = store.child_key(gate, Vault.IDENTITY, "r2")
        assert kept is not None
        assert kept.kek_version == 2

    def test_references_and_tokens_keep_their_former_keys(self, gate: sa.Connection, keys: Keyring) -> None:
        before = keys.reference("r1", b"s")
        rotate(gate, keys, Purpose.LEDGER_REFERENCES)
        rotate(gate, keys, Purpose.GATE)
        assert before in keys.references("r1", b"s")
        assert rotation.unneeded(gate, Purpose.LEDGER_REFERENCES) == rotation.unneeded(gate, Purpose.GATE) == []
        assert not rotation.is_unfinished(gate, Purpose.GATE)

    def test_a_signing_key_goes_at_once(self, gate: sa.Connection, keys: Keyring) -> None:
        rotate(gate, keys, Purpose.LEDGER_SIGNING)
        assert rotation.unneeded(gate, Purpose.LEDGER_SIGNING) == [1]

    def test_two_who_rotate_at_once_do_not_both(self, gate: sa.Connection, keys: Keyring) -> None:
        one, two = (keys.new_version(Purpose.CONTENT, os.urandom, NOW) for _ in range(2))
        rotation.begin(gate, keys, one)
        with pytest.raises(Conflict, match="rotated just now"):
            rotation.begin(gate, keys, two)
        assert keys.current(Purpose.CONTENT).version == 2

    def test_a_key_still_needed_is_not_destroyed(self, gate: sa.Connection, keys: Keyring) -> None:
        a_key(gate, keys, "r1")
        rotate(gate, keys, Purpose.IDENTITY)
        with pytest.raises(Conflict, match="still being rotated"):
            rotation.retire(gate, Purpose.IDENTITY, [1])
        assert a_key(gate, keys, "r1")

    def test_a_late_starter_rewraps_with_the_new_key(self, gate: sa.Connection, keys: Keyring) -> None:
        secret = a_key(gate, keys, "r1")
        late = Keyring(ROOT, keys.lines)
        rotate(gate, keys, Purpose.IDENTITY)
        assert rotation.rewrap(gate, late, Purpose.IDENTITY, os.urandom) == 1
        assert a_key(gate, keys, "r1") == secret

    def test_what_has_no_key_cannot_be_rotated(self, gate: sa.Connection, keys: Keyring) -> None:
        with pytest.raises(Missing, match="no key for that purpose"):
            rotation.is_unfinished(gate, "nonsense")
        with pytest.raises(Conflict):
            rotation.rewrap(gate, keys, "nonsense", os.urandom)

    def test_a_project_gets_a_key(self, gate: sa.Connection, keys: Keyring) -> None:
        rotate(gate, keys, project("study"))
        rotate(gate, keys, project("study"))
        assert keys.current("project:study").version == 2
        assert rotation.unneeded(gate, "project:study") == []

    def test_the_root_key_changes_for_all_or_none(self, gate: sa.Connection, keys: Keyring) -> None:
        secret, reference = a_key(gate, keys, "r1"), keys.reference("r1")
        rotate(gate, keys, Purpose.LEDGER_SIGNING)
        rotation.retire(gate, Purpose.LEDGER_SIGNING, [1])
        rotation.change_root(gate, keys, ROOT[::-1], os.urandom)
        with pytest.raises(Unavailable, match="does not open the keys"):
            actions.open_keyring(gate, ROOT, os.urandom, NOW)
        again = actions.open_keyring(gate, ROOT[::-1], os.urandom, NOW)
        assert a_key(gate, again, "r1") == secret
        assert again.reference("r1") == reference
        actions.refresh(gate, keys, ROOT[::-1])
        assert a_key(gate, keys, "r1") == secret
