"""The key register: one key for each purpose, in versions, wrapped under the root key.

Keys are apart by purpose so that one lost, or handed to one process, opens nothing else: what signs the ledger reads no
child's record. The register is what a database holds; the :class:`Keyring` is the register opened with the root key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from threading import Lock
from time import monotonic

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from samechild.errors import Invalid, Missing, Unavailable
from samechild.keys.references import keyed_digest
from samechild.keys.root import fingerprint
from samechild.keys.seal import (
    KEY_BYTES,
    Key,
    Random,
    derive,
    place,
    project,
    seal,
    sealed_version,
    unseal,
)

__all__ = ["Key", "Keyring", "Purpose", "Signer", "State", "WrappedKey", "first_keys", "new_key", "project"]


FRESH = 1.0
"""So many seconds a keyring that follows its register relies on what it read."""


class Purpose(StrEnum):
    """What a key is for. A project's key has the free name :func:`samechild.keys.seal.project` gives."""

    LEDGER_SIGNING = "ledger-signing"  # seed of the Ed25519 key that signs the ledger's checkpoints
    LEDGER_REFERENCES = "ledger-references"  # turns record keys into references, wraps the salt of each child
    IDENTITY = "identity"  # wraps each child's key of the identity vault
    CONTENT = "content"  # wraps each child's key of the content vault
    LOOKUPS = "lookups"  # turns search terms into tokens, so that exact search opens no sealed row
    GATE = "gate"  # seals secrets kept in the gate's database: second factors, reasons
    SESSIONS = "sessions"  # what is signed for people who are signed in


class State(StrEnum):
    """Whether a version of a key is used for new things, only to open old ones, or no longer exists."""

    CURRENT = "current"
    FORMER = "former"
    RETIRED = "retired"  # its wrapped bytes are gone


class WrappedKey(msgspec.Struct, frozen=True):
    """One line of the register: a version of a purpose's key, wrapped under the root key whose fingerprint it names."""

    purpose: str
    version: int
    state: State
    made_at: datetime
    root: str
    wrapped: bytes
    public: bytes = b""  # public half of a signing key, kept when the key is retired


class Signer(msgspec.Struct, frozen=True):
    """What signs the ledger: the private key (which does not print), its short id and its 32 public bytes."""

    private: Ed25519PrivateKey
    key_id: str
    public: bytes

    def __repr__(self) -> str:
        return f"Signer(key_id={self.key_id!r})"


def key_id_of(public: bytes) -> str:
    """Name a public key in sixteen characters: the start of its SHA-256."""
    return sha256(public).hexdigest()[:16]


def new_key(root: bytes, purpose: str, version: int, random: Random, now: datetime) -> WrappedKey:
    """Draw a new key of a purpose and wrap it under the root key."""
    secret = random(KEY_BYTES)
    public = _private(secret).public_key().public_bytes_raw() if purpose == Purpose.LEDGER_SIGNING else b""
    return _wrap(root, WrappedKey(purpose, version, State.CURRENT, now, "", b"", public), secret, random)


def first_keys(root: bytes, random: Random, now: datetime) -> list[WrappedKey]:
    """Draw the first key of every purpose, for an installation that has none."""
    return [new_key(root, purpose, 1, random, now) for purpose in Purpose]


class Keyring:
    """The opened register of one installation. It never prints a secret."""

    def __init__(self, root: bytes, wrapped: Iterable[WrappedKey], only: Collection[str] | None = None) -> None:
        """Open every key of the register, or those of the purposes in ``only`` for a process that needs no others.

        Raises:
            Unavailable: when the root key is not the one the register was wrapped under, or the register lacks a
                purpose. Nothing is opened half.
        """
        self._root = root
        self._only = None if only is None else frozenset(only)
        self._lock = Lock()
        self._reread: Callable[[], Iterable[WrappedKey]] | None = None
        self._clock: Callable[[], float] = monotonic
        self._looked = 0.0
        self._keys: dict[tuple[str, int], Key] = {}
        self._current: dict[str, int] = {}
        self._lines: tuple[WrappedKey, ...] = ()
        self.take(wrapped)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(f'{name} {version}' for name, version in sorted(self._current.items()))})"

    def __contains__(self, purpose_and_version: tuple[str, int]) -> bool:
        """Whether this version of a purpose's key is open here."""
        return purpose_and_version in self._keys

    def take(self, wrapped: Iterable[WrappedKey], root: bytes | None = None) -> None:
        """Take the register as it stands now, after a key was rotated, here or by another process.

        ``root`` is the new root key, when that was what changed.

        Raises:
            Unavailable: as when the keyring was made; what was open stays as it was.
        """
        lines = _in_order(wrapped)
        root = root or self._root
        wanted = [line for line in lines if self._only is None or line.purpose in self._only]
        current = {line.purpose: line.version for line in wanted if line.state is State.CURRENT}
        expected = set(Purpose) if self._only is None else self._only
        lacking = sorted(expected - current.keys())
        if lacking:
            raise Unavailable(f"The key register has no {lacking[0]} key: restore the gate's database from a backup.")
        opened = {
            (line.purpose, line.version): Key(line.purpose, line.version, _unwrap(root, line))
            for line in wanted
            if line.state is not State.RETIRED
        }
        with self._lock:
            self._root, self._keys, self._current, self._lines = root, opened, current, lines

    def follow(self, reread: Callable[[], Iterable[WrappedKey]], clock: Callable[[], float] = monotonic) -> None:
        """Keep up with the register from now on: a program that runs for weeks notices a rotation within a second.

        ``reread`` reads the register as it stands in the database; ``clock`` counts seconds.
        """
        self._reread, self._clock, self._looked = reread, clock, clock()

    def _look(self, *, now: bool = False) -> None:
        """Read the register again when it was last read a while ago, or at once."""
        if self._reread is None or (not now and self._clock() - self._looked < FRESH):
            return
        self._looked = self._clock()
        lines = _in_order(self._reread())
        if lines != self._lines:
            self.take(lines)

    def root_secret(self) -> bytes:
        """The root key itself, for rotating it and for nothing else."""
        return self._root

    @property
    def lines(self) -> tuple[WrappedKey, ...]:
        """The register's lines, as they were when last taken."""
        return self._lines

    def new_version(self, purpose: str, random: Random, now: datetime) -> WrappedKey:
        """Draw the next version of a purpose's key, or a project's first; it is used once kept and taken."""
        versions = [line.version for line in self._lines if line.purpose == purpose]
        return new_key(self._root, purpose, max(versions, default=0) + 1, random, now)

    def rewrapped(self, root: bytes, random: Random) -> list[WrappedKey]:
        """Wrap every key that still exists under another root key; retired lines stay as they are."""
        return [
            line if line.state is State.RETIRED else _wrap(root, line, _unwrap(self._root, line), random)
            for line in self._lines
        ]

    def current(self, purpose: str) -> Key:
        """The key of a purpose that new things are sealed under.

        Raises:
            Missing: when there is no key of that purpose.
        """
        self._look()
        with self._lock:
            version = self._current.get(purpose)
            if version is None:
                raise Missing(f"There is no key for {purpose}: it was not given to this process, or never made.")
            return self._keys[purpose, version]

    def at(self, purpose: str, version: int) -> Key:
        """The key of a purpose in the version that an older thing was sealed under.

        Raises:
            Unavailable: when this process does not hold that version: it was retired, or is newer than this process.
        """
        if (purpose, version) not in self._keys:
            self._look(now=True)
        with self._lock:
            key = self._keys.get((purpose, version))
        if key is None:
            raise Unavailable(
                f"Version {version} of the {purpose} key is not open here: keys were rotated, or a backup restored. "
                "Start the program again; if that does not help, run `samechild db verify`."
            )
        return key

    def seal(self, purpose: str, plain: bytes, bound_to: bytes, random: Random) -> bytes:
        """Seal bytes that belong to no child under a purpose's current key."""
        return seal(self.current(purpose), plain, bound_to, random)

    def unseal(self, purpose: str, sealed: bytes, bound_to: bytes) -> bytes:
        """Open what :meth:`seal` made, whichever version of the key it needs.

        Raises:
            Invalid: when it was changed or moved.
            Unavailable: when that version of the key is not open here.
        """
        return unseal(self.at(purpose, sealed_version(sealed)), sealed, bound_to)

    def signer(self) -> Signer:
        """What signs the ledger's checkpoints now (Ed25519, RFC 8032)."""
        private = _private(self.current(Purpose.LEDGER_SIGNING).secret)
        public = private.public_key().public_bytes_raw()
        return Signer(private, key_id_of(public), public)

    def public_keys(self) -> dict[str, bytes]:
        """Every key that ever signed the ledger: its id and its 32 public bytes, the current one last."""
        signing = [line for line in self._lines if line.purpose == Purpose.LEDGER_SIGNING]
        return {key_id_of(line.public): line.public for line in sorted(signing, key=lambda line: line.version)}

    def reference(self, value: str | bytes, salt: bytes = b"") -> str:
        """Turn a value into the 32 characters that stand for it in the ledger; ``salt`` is the child's own."""
        return keyed_digest(self.current(Purpose.LEDGER_REFERENCES), value, salt)

    def references(self, value: str | bytes, salt: bytes = b"") -> list[str]:
        """Every reference a value may stand under, one for each version of the key, the current one first."""
        return [keyed_digest(key, value, salt) for key in self._versions(Purpose.LEDGER_REFERENCES)]

    def token(self, field: str, value: str) -> str:
        """Turn a search term into the token it is found by in the identity vault."""
        return keyed_digest(self.current(Purpose.LOOKUPS), value, field.encode())

    def tokens(self, field: str, value: str) -> list[str]:
        """Every token a search term may be kept under, one for each version of the key, the current one first."""
        return [keyed_digest(key, value, field.encode()) for key in self._versions(Purpose.LOOKUPS)]

    def _versions(self, purpose: str) -> list[Key]:
        self._look()
        with self._lock:
            held = [key for (name, _), key in self._keys.items() if name == purpose]
        return sorted(held, key=lambda key: -key.version)


def _in_order(lines: Iterable[WrappedKey]) -> tuple[WrappedKey, ...]:
    return tuple(sorted(lines, key=lambda line: (line.purpose, line.version)))


def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def _wrapping(root: bytes) -> Key:
    return Key("root", 1, derive(root, "wrapping of purpose keys"))


def _wrap(root: bytes, line: WrappedKey, secret: bytes, random: Random) -> WrappedKey:
    wrapped = seal(_wrapping(root), secret, _bound(line), random)
    return msgspec.structs.replace(line, root=fingerprint(root), wrapped=wrapped)


def _unwrap(root: bytes, line: WrappedKey) -> bytes:
    if line.root != fingerprint(root):
        raise Unavailable(
            f"This root key does not open the keys of this installation: they need the root key {line.root}, and this "
            f"one is {fingerprint(root)}. Put the right key where the setting root_key points."
        )
    try:
        return unseal(_wrapping(root), line.wrapped, _bound(line))
    except Invalid:
        raise Unavailable(
            f"Version {line.version} of the {line.purpose} key was damaged in the key register: restore the gate's "
            "database from a backup."
        ) from None


def _bound(line: WrappedKey) -> bytes:
    return place("key_register", line.purpose, str(line.version), line.public.hex())
