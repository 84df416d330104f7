"""Sealing what was received about children, many at a time, for the room that merges it.

What is received says who a child is and what is known about the child in one piece. It lies in the content vault,
sealed under a key made of both of the child's keys, so that neither vault's role opens it alone. Merged, its two halves
lie apart, each under that vault's own key of the child.

Merging looks at many children at once, inside the installation: nothing of it is a disclosure until somebody is
answered, and every answer goes through the gate. What is opened here must stay in the memory of the process; a test
names the only callers.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import urandom

import msgspec

from samechild.keys.actions import keys_for_children, keys_of_children
from samechild.keys.children import Vault
from samechild.keys.seal import Key, derive, place, seal, unseal
from samechild.storage import Login, Store


class Both(msgspec.Struct, frozen=True):
    """A child's two keys: who the child is, and what is known about the child. It does not print them."""

    identity: Key
    content: Key

    @property
    def together(self) -> Key:
        """The key that only both make."""
        return Key("child's record as received", 1, derive(self.identity.secret + self.content.secret, "as received"))

    def __repr__(self) -> str:
        return "Both(hidden)"


def both_keys(store: Store, record_keys: Sequence[str]) -> dict[str, Both]:
    """Open both keys of some children; whoever has none (nothing kept, or erased) is left out."""
    found: list[dict[str, Key]] = []
    with store.read(Login.GATE) as gate:
        for vault in (Vault.IDENTITY, Vault.CONTENT):
            keys: dict[str, Key] = {}
            for start in range(0, len(record_keys), 500):
                keys |= keys_of_children(gate, store.keys, vault, record_keys[start : start + 500])
            found.append(keys)
    identity, content = found
    return {key: Both(identity[key], content[key]) for key in identity.keys() & content.keys()}


def new_keys(store: Store, record_keys: Sequence[str]) -> dict[str, Both]:
    """Make both keys of children of whom nothing was kept before, in one transaction of the gate's database.

    Raises:
        Missing: when one of them was erased meanwhile.
    """
    if not record_keys:
        return {}
    with store.write(Login.GATE) as gate:
        identity = keys_for_children(gate, store.keys, Vault.IDENTITY, record_keys, urandom)
        content = keys_for_children(gate, store.keys, Vault.CONTENT, record_keys, urandom)
    return {key: Both(identity[key], content[key]) for key in record_keys}


def sealed(key: Key, plain: bytes, table: str, column: str, owner: str, record_key: str, row: str) -> bytes:
    """Seal one value under a child's key, bound to its table, column, owner, child and row."""
    return seal(key, plain, place(table, column, owner, record_key, row), urandom)


def opened(key: Key, kept: bytes, table: str, column: str, owner: str, record_key: str, row: str) -> bytes:
    """Open one value that :func:`sealed` sealed.

    Raises:
        Invalid: when it was changed or moved, or the key is another's.
    """
    return unseal(key, kept, place(table, column, owner, record_key, row))
