"""Signed checkpoints: how large the ledger is, its root, since when, and what the checkpoint before said.

Every commit to the ledger ends with one, so that entries cut off its end are missed. The form is the signed note of
transparency logs (C2SP ``tlog-checkpoint`` and ``signed-note``), with two lines of our own: the time, and the hash of
the checkpoint before, which chains them, so that the newest signature vouches for all earlier ones.

    samechild/9f86d081884c7d65          origin: which ledger
    128                                 number of entries
    qvqT...=                            root
    at 2026-11-22T07:30:00.000000Z      time of the last entry
    before 3q2+...=                     SHA-256 of the checkpoint before; "-" in the first

    - samechild/9f86d081884c7d65 wA3...=   (an em dash) key hash and Ed25519 signature
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from datetime import datetime
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from samechild.errors import Invalid
from samechild.sql.columns import moment, moment_text

FIRST = "-"
"""Stands where the hash of the checkpoint before would, in the first."""

_NOTE = re.compile(
    r"(?P<origin>samechild/[0-9a-f]{16})\n(?P<size>[1-9][0-9]{0,15})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"at (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)\nbefore (?P<before>-|[A-Za-z0-9+/]{43}=)\n"
    r"\n\N{EM DASH} (?P=origin) (?P<signed>[A-Za-z0-9+/]{91}=)\n",
    re.ASCII,
)


class Checkpoint(msgspec.Struct, frozen=True):
    """One signed checkpoint: ``note`` is its exact text, ``key_hash`` the first four bytes that tell keys apart."""

    origin: str
    size: int
    root: bytes
    at: datetime
    before: str
    key_hash: bytes
    signature: bytes
    note: str

    @property
    def chain(self) -> str:
        """What the next checkpoint says of this one: the hash of its exact text, in base 64."""
        return in_text(sha256(self.note.encode()).digest())

    @property
    def head(self) -> str:
        """``SIZE:ROOT``, as it is noted down or sent to somebody who will check an export later."""
        return f"{self.size}:{in_text(self.root)}"


def origin_of(public: bytes) -> str:
    """Name a ledger after the first key that signed it; the name stays when keys change."""
    return f"samechild/{sha256(public).hexdigest()[:16]}"


def key_hash(origin: str, public: bytes) -> bytes:
    """The four bytes that say which key signed, as signed notes count them (algorithm 1: Ed25519)."""
    return sha256(origin.encode() + b"\n\x01" + public).digest()[:4]


def sign(private: Ed25519PrivateKey, origin: str, size: int, root: bytes, at: datetime, before: str) -> Checkpoint:
    """Sign how large the ledger is and what its root is, after the checkpoint whose chain hash is ``before``."""
    text = f"{origin}\n{size}\n{in_text(root)}\nat {moment_text(at)}\nbefore {before}\n"
    hashed = key_hash(origin, private.public_key().public_bytes_raw())
    signature = private.sign(text.encode())
    note = f"{text}\n\N{EM DASH} {origin} {in_text(hashed + signature)}\n"
    return Checkpoint(origin, size, root, moment(moment_text(at)), before, hashed, signature, note)


def read_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint; whether its signature holds is for :func:`is_signed_by`.

    Raises:
        Invalid: when the text is not exactly a checkpoint.
    """
    found = _NOTE.fullmatch(note)
    if found is None:
        raise Invalid("This is not a checkpoint of a ledger.")
    try:
        root, signed, at = from_text(found["root"]), from_text(found["signed"]), moment(found["at"])
        if found["before"] != FIRST:
            from_text(found["before"])
    except ValueError:
        raise Invalid("This is not a checkpoint of a ledger.") from None
    return Checkpoint(found["origin"], int(found["size"]), root, at, found["before"], signed[:4], signed[4:], note)


def is_signed_by(checkpoint: Checkpoint, public: bytes) -> bool:
    """Check a checkpoint's signature against a public key (32 bytes, RFC 8032)."""
    if key_hash(checkpoint.origin, public) != checkpoint.key_hash:
        return False
    signed = checkpoint.note.encode().partition(b"\n\n")[0] + b"\n"
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(checkpoint.signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def in_text(raw: bytes) -> str:
    """Write bytes in base 64."""
    return b64encode(raw).decode()


def from_text(written: str) -> bytes:
    """Read bytes from base 64, of which there is only one way to write them.

    Raises:
        Invalid: when it is written in another way.
    """
    try:
        raw = b64decode(written, validate=True)
    except (Error, ValueError):
        raise Invalid("This is not base 64.") from None
    if in_text(raw) != written:
        raise Invalid("This is not base 64 as it is written here.")
    return raw
