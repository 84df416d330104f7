"""A sealed file of any length, for backups: unreadable without the root key, and whole or not a file at all.

The content is cut into pieces, each sealed with AES-256-GCM under a key made from the root key and the archive's own
salt; a piece's nonce is its place, and the last piece is marked. So a piece that was changed, moved, left out or cut
off is noticed (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015, as in age). The root key is
not in the archive: it says only, by a fingerprint, which root key it needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from samechild.errors import Conflict, Invalid, Missing, Unavailable
from samechild.keys.root import fingerprint
from samechild.keys.seal import Random, derive
from samechild.storage.whole import put_in_place

MAGIC = b"samechild backup 1\n"
PIECE = 1 << 20
_SALT = 16
_TAG = 16
_LENGTH = 4


class Writer:
    """Takes objects and writes them, sealed, one after the other."""

    def __init__(self, file: BinaryIO, root: bytes, random: Random) -> None:
        salt = random(_SALT)
        self._head = MAGIC + fingerprint(root).encode() + b"\n" + salt
        self._cipher = _cipher(root, salt)
        self._file = file
        self._waiting = bytearray()
        self._number = 0
        file.write(self._head)

    def add(self, thing: object) -> bytes:
        """Write one object (lists, mappings, text, bytes, numbers); returns its bytes before sealing."""
        packed = msgspec.msgpack.encode(thing)
        self._waiting += len(packed).to_bytes(_LENGTH, "big") + packed
        while len(self._waiting) > PIECE:  # never the last piece: that one is marked
            self._seal(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return packed

    def end(self) -> None:
        """Write the last piece."""
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), piece, self._head))
        self._number += 1


@contextmanager
def writing(path: Path, root: bytes, random: Random) -> Iterator[Writer]:
    """Write an archive beside its place, and put it there only when it is finished and safely on disk.

    Raises:
        Conflict: when there is a file of that name already.
        Unavailable: when it cannot be written, or the disk is full; nothing is left then.
    """
    if path.exists():
        raise Conflict(f"{path} exists already: choose another name, so that no earlier backup is lost.")
    beside = path.with_name(f"{path.name}.unfinished")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            writer = Writer(file, root, random)
            yield writer
            writer.end()
            file.flush()
            os.fsync(file.fileno())
        put_in_place(beside, path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written ({error.strerror}): make room, or choose another place.") from None
    finally:
        beside.unlink(missing_ok=True)


def reading(path: Path, root: bytes) -> Iterator[bytes]:
    """Read an archive's objects, still packed, checking every piece.

    Raises:
        Missing: when there is no such file.
        Unavailable: when it was sealed under another root key, or cannot be read.
        Invalid: when it is no backup, was changed, or is not whole.
    """
    try:
        with path.open("rb") as file:
            yield from _objects(_pieces(file, path, root), path)
    except FileNotFoundError:
        raise Missing(f"There is no file {path}.") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({error.strerror}).") from None


def _pieces(file: BinaryIO, path: Path, root: bytes) -> Iterator[bytes]:
    head = file.read(len(MAGIC) + len(fingerprint(root)) + 1 + _SALT)
    if not head.startswith(MAGIC) or len(head) != len(MAGIC) + len(fingerprint(root)) + 1 + _SALT:
        raise Invalid(f"{path} is not a backup made by `samechild db backup`.")
    needed = head[len(MAGIC) : -_SALT - 1].decode("ascii", "replace")
    if needed != fingerprint(root):
        raise Unavailable(
            f"{path} needs the root key {needed}, and this one is {fingerprint(root)}: put the right key where the "
            "setting root_key points."
        )
    cipher = _cipher(root, head[-_SALT:])
    number = 0
    sealed = file.read(PIECE + _TAG)
    while True:
        after = file.read(PIECE + _TAG)
        try:
            yield cipher.decrypt(_nonce(number, not after), sealed, head)
        except InvalidTag:
            raise Invalid(f"{path} was changed or is not whole: use another backup.") from None
        if not after:
            return
        sealed, number = after, number + 1


def _objects(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        start = 0
        while len(waiting) - start >= _LENGTH:
            length = int.from_bytes(waiting[start : start + _LENGTH], "big")
            if len(waiting) - start - _LENGTH < length:
                break
            yield bytes(waiting[start + _LENGTH : start + _LENGTH + length])
            start += _LENGTH + length
        del waiting[:start]
    if waiting:
        raise Invalid(f"{path} is not whole: use another backup.")


def _cipher(root: bytes, salt: bytes) -> AESGCM:
    return AESGCM(derive(root, f"backup {salt.hex()}"))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
