"""Children get keys while keys rotate and children are erased, all at once: no key is lost, none comes back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from os import urandom

import pytest

from asking import NOW
from samechild.errors import Conflict, Missing
from samechild.keys import store as key_store
from samechild.keys.actions import destroy_keys, key_for_child, key_of_child, salt_of_child
from samechild.keys.children import ChildKey, Vault
from samechild.keys.register import Purpose
from samechild.keys.seal import place, seal, unseal
from samechild.keys.store import Tombstone
from samechild.policy.rotation import rotate
from samechild.settings import Settings
from samechild.storage import Login, Store
from stores import an_installation, reopen

HERE = place("test")
ROUNDS = 25


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest) -> Iterator[Settings]:
    with an_installation(request.param) as made:
        yield made


def keep_children(settings: Settings, writer: int) -> dict[tuple[str, Vault], bytes]:
    """One process: gives children keys in both vaults and seals something under each."""
    sealed: dict[tuple[str, Vault], bytes] = {}
    store = reopen(settings)
    for number in range(ROUNDS):
        for vault in Vault:
            name = f"child-{writer}-{number}"
            key = patiently(store, name, vault)
            sealed[name, vault] = seal(key, name.encode(), HERE, urandom)
    store.close()
    return sealed


def patiently(store: Store, name: str, vault: Vault) -> ChildKey:
    """Give a child a key; whoever is told that somebody got there first tries again."""
    while True:
        try:
            with store.write(Login.GATE) as gate:
                return key_for_child(gate, store.keys, vault, name, urandom)
        except Conflict:
            continue


def rotate_all(settings: Settings) -> int:
    """Another process: rotates what wraps children's keys, again and again."""
    store = reopen(settings)
    for number in range(6):
        purpose = (Purpose.IDENTITY, Purpose.CONTENT, Purpose.LEDGER_REFERENCES)[number % 3]
        rotate(store, purpose, "operator", NOW + timedelta(seconds=number), urandom)
    store.close()
    return 6


def erase_some(settings: Settings, writer: int) -> set[str]:
    """Another: destroys the keys of every fifth child, whether it has any yet or not."""
    store = reopen(settings)
    gone = {f"child-{writer}-{number}" for number in range(0, ROUNDS, 5)}
    for name in sorted(gone):
        with store.write(Login.GATE) as gate:
            destroy_keys(gate, [Tombstone(name, "council", NOW, "request", "e", "00")])
    store.close()
    return gone


def keep_unless_erased(settings: Settings, writer: int) -> None:
    """One that gives keys to children who are being erased: each has a key before, or none after."""
    store = reopen(settings)
    for number in range(ROUNDS):
        try:
            patiently(store, f"child-{writer}-{number}", Vault.IDENTITY)
        except Missing:
            continue
    store.close()


def test_no_key_is_lost_while_keys_rotate(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(keep_children, settings, writer) for writer in range(2)]
        assert pool.submit(rotate_all, settings).result() == 6
        sealed = {name: value for writer in writers for name, value in writer.result().items()}
    store = reopen(settings)
    rotate(store, Purpose.IDENTITY, "operator", NOW + timedelta(minutes=1), urandom)
    with store.read(Login.GATE) as gate:
        for (name, vault), value in sealed.items():
            assert unseal(key_of_child(gate, store.keys, vault, name), value, HERE) == name.encode()
            assert len(salt_of_child(gate, store.keys, name)) == 32
        held = {key.kek_version for key in key_store.child_keys_before(gate, Vault.IDENTITY, 10**6, 1000)}
    assert held == {store.keys.current(Purpose.IDENTITY).version}
    store.close()


def test_an_erased_child_never_has_a_key(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(keep_unless_erased, settings, 0) for _ in range(2)]
        gone = pool.submit(erase_some, settings, 0).result()
        for job in jobs:
            job.result()
    store = reopen(settings)
    with store.read(Login.GATE) as gate:
        for number in range(ROUNDS):
            name = f"child-0-{number}"
            assert (key_store.child_key(gate, Vault.IDENTITY, name) is None) == (name in gone)
            assert (key_store.salt(gate, name) is None) == (name in gone)
    store.close()
