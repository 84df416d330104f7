"""Sealing: bytes that can be read again only with the right key, and only in the place they were written for.

Every sealed value is an envelope: one byte of format, four of the key's version, a nonce of twelve, then AES-256-GCM
ciphertext with its tag (NIST SP 800-38D). The envelope is bound to a place (table, column, record key), so that a value
moved from one child's row to another's no longer opens.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from samechild.errors import Invalid

Random = Callable[[int], bytes]
"""Gives so many random bytes: ``os.urandom``, or a fixed source in a test."""

KEY_BYTES = 32
FORMAT = 1
_NONCE = 12
_TAG = 16
_HEAD = 5  # format, version


class Key(msgspec.Struct, frozen=True):
    """One secret key of 32 bytes, with what it is for and which version of it this is; it never prints its secret."""

    purpose: str
    version: int
    secret: bytes

    def __repr__(self) -> str:
        return f"{type(self).__name__}(purpose={self.purpose!r}, version={self.version}, secret=hidden)"

    def derived(self, use: str) -> Key:
        """Make the key of one use from this one, so that two uses of a purpose never share a key (RFC 5869)."""
        return Key(f"{self.purpose}/{use}", self.version, derive(self.secret, use))


@lru_cache(maxsize=64)
def derive(secret: bytes, use: str) -> bytes:
    """Make 32 bytes for one ``use`` from a secret of full strength: HKDF with SHA-256 (RFC 5869), no salt.

    The few that are in use at a time are remembered: a search or a new record takes dozens.
    """
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"samechild " + use.encode()).derive(secret)


def place(*parts: str) -> bytes:
    """Name the place a sealed value belongs to: each part with its length before it, so that no two places look alike.

    ``place("identity_rows", "sealed", record_key, row_id)`` is what a row's bytes are bound to.
    """
    written = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in written)


def seal(key: Key, plain: bytes, bound_to: bytes, random: Random) -> bytes:
    """Seal bytes under a key, bound to the place they are kept in: see :func:`place`.

    Returns the envelope: 33 bytes longer than ``plain``.
    """
    nonce = random(_NONCE)
    head = bytes((FORMAT,)) + key.version.to_bytes(4, "big")
    return head + nonce + AESGCM(key.secret).encrypt(nonce, plain, head + bound_to)


def unseal(key: Key, sealed: bytes, bound_to: bytes) -> bytes:
    """Open what :func:`seal` made.

    Raises:
        Invalid: when it was changed, cut short, moved from another place, or sealed under another key.
    """
    if sealed_version(sealed) != key.version:
        raise Invalid(f"A sealed value was made with another version of the {key.purpose} key.")
    nonce = sealed[_HEAD : _HEAD + _NONCE]
    try:
        return AESGCM(key.secret).decrypt(nonce, sealed[_HEAD + _NONCE :], sealed[:_HEAD] + bound_to)
    except InvalidTag:
        raise Invalid(
            f"A sealed value does not open with the {key.purpose} key: it was changed, moved, or sealed under another "
            "key. Run `samechild db verify`, and restore a backup if it finds more."
        ) from None


def sealed_version(sealed: bytes) -> int:
    """Which version of its key a sealed value needs.

    Raises:
        Invalid: when it is too short to be a sealed value, or of a format this version does not know.
    """
    if len(sealed) < _HEAD + _NONCE + _TAG or sealed[0] != FORMAT:
        raise Invalid("What should be a sealed value is not one: it was cut short, or a newer version wrote it.")
    return int.from_bytes(sealed[1:_HEAD], "big")


_PROJECT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def project(name: str) -> str:
    """Name the purpose of a project's own key, which no other project's pseudonyms can be joined with.

    Raises:
        Invalid: when the name is not 1 to 63 small letters, digits and hyphens.
    """
    if not _PROJECT.fullmatch(name):
        raise Invalid("A project's name is 1 to 63 small letters, digits and hyphens, starting with a letter or digit.")
    return f"project:{name}"
