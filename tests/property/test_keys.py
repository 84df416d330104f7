"""Properties of keys: what is sealed comes back whole, nothing changed opens, rotations lose nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from samechild.errors import Invalid, Missing, SamechildError
from samechild.keys import actions, rotation, store
from samechild.keys.children import Vault
from samechild.keys.references import keyed_digest
from samechild.keys.register import Keyring, Purpose
from samechild.keys.seal import Key, place, seal, unseal
from samechild.keys.store import Tombstone

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEYS = st.builds(Key, st.just("identity"), st.integers(1, 2**32 - 1), st.binary(min_size=32, max_size=32))
WRAPPING = st.sampled_from([Purpose.IDENTITY, Purpose.CONTENT, Purpose.LEDGER_REFERENCES])
PARTS = st.lists(st.text(max_size=8), max_size=4)


@given(KEYS, st.binary(max_size=2000), st.binary(max_size=40))
def test_what_is_sealed_comes_back(key: Key, plain: bytes, bound_to: bytes) -> None:
    assert unseal(key, seal(key, plain, bound_to, os.urandom), bound_to) == plain


@given(KEYS, st.binary(max_size=60), st.data())
def test_no_changed_bit_opens(key: Key, plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(key, plain, b"here", os.urandom))
    where = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[where // 8] ^= 1 << where % 8
    with pytest.raises(Invalid):
        unseal(key, bytes(sealed), b"here")


@given(KEYS, st.binary(max_size=60), st.data())
def test_nothing_cut_short_or_added_to_opens(key: Key, plain: bytes, data: st.DataObject) -> None:
    sealed = seal(key, plain, b"here", os.urandom)
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    for other in (cut, sealed + data.draw(st.binary(min_size=1, max_size=20))):
        with pytest.raises(Invalid):
            unseal(key, other, b"here")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_our_words(anything: bytes) -> None:
    with pytest.raises(SamechildError):
        unseal(Key("identity", 1, bytes(32)), anything, b"here")


@given(PARTS, PARTS)
def test_different_places_are_written_differently(one: list[str], other: list[str]) -> None:
    assert (place(*one) == place(*other)) == (one == other)


@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20))
def test_salt_and_value_never_run_into_each_other(salt: bytes, value: bytes, salt_2: bytes, value_2: bytes) -> None:
    key = Key("ledger-references", 1, bytes(32))
    assert (keyed_digest(key, value, salt) == keyed_digest(key, value_2, salt_2)) == (
        (salt, value) == (salt_2, value_2)
    )


class Installation(RuleBasedStateMachine):
    """Children are kept and erased while keys rotate, are interrupted, and several processes look on."""

    children = Bundle("children")

    def __init__(self) -> None:
        super().__init__()
        self.engine = sa.create_engine("sqlite://")
        self.gate = self.engine.connect()
        store.TABLES.create_all(self.gate)
        self.root = os.urandom(32)
        self.rings = [actions.open_keyring(self.gate, self.root, os.urandom, NOW) for _ in range(2)]
        self.sealed: dict[tuple[str, Vault], bytes] = {}
        self.references: dict[str, str] = {}
        self.erased: set[str] = set()
        self.random = Random(0)

    def teardown(self) -> None:
        self.gate.close()
        self.engine.dispose()

    def ring(self) -> Keyring:
        return self.random.choice(self.rings)

    @rule(target=children, name=st.uuids().map(str), vault=st.sampled_from(Vault))
    def keep(self, name: str, vault: Vault) -> str:
        ring = self.ring()
        key = actions.key_for_child(self.gate, ring, vault, name, os.urandom)
        self.sealed[name, vault] = seal(key, name.encode(), b"here", os.urandom)
        self.references[name] = ring.reference(name, actions.salt_of_child(self.gate, ring, name))
        return name

    @rule(purpose=WRAPPING)
    def begin(self, purpose: Purpose) -> None:
        ring = self.ring()
        actions.refresh(self.gate, ring)
        rotation.begin(self.gate, ring, ring.new_version(purpose, os.urandom, NOW))

    @rule(
        purpose=st.sampled_from([Purpose.IDENTITY, Purpose.CONTENT, Purpose.LEDGER_REFERENCES]), limit=st.integers(1, 3)
    )
    def rewrap(self, purpose: Purpose, limit: int) -> None:
        ring = self.ring()
        actions.refresh(self.gate, ring)
        rotation.rewrap(self.gate, ring, purpose, os.urandom, limit)

    @rule(purpose=st.sampled_from(Purpose))
    def retire(self, purpose: Purpose) -> None:
        rotation.retire(self.gate, purpose, rotation.unneeded(self.gate, purpose))

    @rule()
    def change_root(self) -> None:
        self.root = os.urandom(32)
        rotation.change_root(self.gate, self.rings[0], self.root, os.urandom)
        for ring in self.rings:
            actions.refresh(self.gate, ring, self.root)

    @rule(name=consumes(children))
    def erase(self, name: str) -> None:
        actions.destroy_keys(self.gate, [Tombstone(name, "council", NOW, "request", "e", "0")])
        self.erased.add(name)

    @invariant()
    def everybody_kept_can_be_read_and_nobody_erased(self) -> None:
        for (name, vault), sealed in self.sealed.items():
            ring = self.ring()
            if name in self.erased:
                with pytest.raises(Missing):
                    actions.key_of_child(self.gate, ring, vault, name)
            else:
                key = actions.key_of_child(self.gate, ring, vault, name)
                assert unseal(key, sealed, b"here") == name.encode()

    @invariant()
    def references_are_found_until_the_child_is_erased(self) -> None:
        for name, reference in self.references.items():
            ring = self.ring()
            actions.refresh(self.gate, ring)
            salt = actions.salt_of_child(self.gate, ring, name)
            assert (reference in ring.references(name, salt)) == (name not in self.erased)


TestInstallation = Installation.TestCase
TestInstallation.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
