"""A key of each child's own, one for each vault, and the salt of the child's references in the ledger.

All a vault keeps about a child is sealed under that child's key and no other, so destroying one small key erases the
child from the vault and from every copy of it. The two vaults' keys are unrelated: neither opens the other. Without
the salt nobody, holding every other key, can tell which of the ledger's references were to the erased child.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from samechild.keys.register import Keyring, Purpose
from samechild.keys.seal import KEY_BYTES, Key, Random, place, seal, unseal


class Vault(StrEnum):
    """Which of the two vaults a child's key opens: who the child is, or what is known about the child."""

    IDENTITY = "identity"
    CONTENT = "content"


class ChildKey(Key, frozen=True):
    """The key one child's bytes in one vault are sealed under: pass it to ``seal`` and ``unseal``."""

    record_key: str
    vault: Vault

    def __repr__(self) -> str:
        return f"ChildKey(vault={self.vault.value!r}, secret=hidden)"


class WrappedChildKey(msgspec.Struct, frozen=True):
    """A child's key as it is kept: wrapped under the vault's purpose key of version ``kek_version``."""

    record_key: str
    vault: Vault
    kek_version: int
    wrapped: bytes


class WrappedSalt(msgspec.Struct, frozen=True):
    """The salt of a child's references as it is kept: wrapped under the references key of version ``kek_version``."""

    record_key: str
    kek_version: int
    wrapped: bytes


_WRAPPING = "wrapping"


def purpose_of(vault: Vault) -> Purpose:
    """Which purpose's key wraps the children's keys of a vault."""
    return Purpose.IDENTITY if vault is Vault.IDENTITY else Purpose.CONTENT


def new_child_key(keyring: Keyring, vault: Vault, record_key: str, random: Random) -> WrappedChildKey:
    """Draw a child's key for one vault; open it with :func:`open_child_key` once it is kept."""
    return _wrap_key(keyring, vault, record_key, random(KEY_BYTES), random)


def open_child_key(keyring: Keyring, kept: WrappedChildKey) -> ChildKey:
    """Open a child's key.

    Raises:
        Invalid: when it was changed, or belongs to another child or vault.
        Unavailable: when the vault's purpose key of that version is not open here.
    """
    kek = keyring.at(purpose_of(kept.vault), kept.kek_version).derived(_WRAPPING)
    secret = unseal(kek, kept.wrapped, _key_place(kept.vault, kept.record_key))
    return ChildKey(f"child's {kept.vault.value}", 1, secret, kept.record_key, kept.vault)


def rewrap_child_key(keyring: Keyring, kept: WrappedChildKey, random: Random) -> WrappedChildKey:
    """Wrap a child's key under the vault's current purpose key; what it sealed stays as it is."""
    return _wrap_key(keyring, kept.vault, kept.record_key, open_child_key(keyring, kept).secret, random)


def new_salt(keyring: Keyring, record_key: str, random: Random) -> WrappedSalt:
    """Draw the salt of a child's references."""
    return _wrap_salt(keyring, record_key, random(KEY_BYTES), random)


def open_salt(keyring: Keyring, kept: WrappedSalt) -> bytes:
    """Open the salt of a child's references: 32 bytes to give to ``Keyring.reference``.

    Raises:
        Invalid: when it was changed, or belongs to another child.
        Unavailable: when the references key of that version is not open here.
    """
    kek = keyring.at(Purpose.LEDGER_REFERENCES, kept.kek_version).derived(_WRAPPING)
    return unseal(kek, kept.wrapped, _salt_place(kept.record_key))


def rewrap_salt(keyring: Keyring, kept: WrappedSalt, random: Random) -> WrappedSalt:
    """Wrap a child's salt under the current references key."""
    return _wrap_salt(keyring, kept.record_key, open_salt(keyring, kept), random)


def _wrap_key(keyring: Keyring, vault: Vault, record_key: str, secret: bytes, random: Random) -> WrappedChildKey:
    kek = keyring.current(purpose_of(vault)).derived(_WRAPPING)
    return WrappedChildKey(record_key, vault, kek.version, seal(kek, secret, _key_place(vault, record_key), random))


def _wrap_salt(keyring: Keyring, record_key: str, secret: bytes, random: Random) -> WrappedSalt:
    kek = keyring.current(Purpose.LEDGER_REFERENCES).derived(_WRAPPING)
    return WrappedSalt(record_key, kek.version, seal(kek, secret, _salt_place(record_key), random))


def _key_place(vault: Vault, record_key: str) -> bytes:
    return place("child key", vault.value, record_key)


def _salt_place(record_key: str) -> bytes:
    return place("child salt", record_key)
