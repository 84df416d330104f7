"""What is to be sent waits here until the whole extract was read: on disk, and readable by this run alone.

Some rules need every child of the extract, and what they find is noted before anything leaves. So that memory does not
grow with it, what is to be sent waits in an unnamed temporary file, sealed under a key that is drawn for the run, kept
nowhere and gone with it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from samechild.collection.send.sender import Item
from samechild.errors import Unavailable

_LENGTH, _NONCE = 4, 12


class Waiting(AbstractContextManager["Waiting"]):
    """Children that wait to be sent, in order. Use it in a ``with``: at the end nothing of it is left."""

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._seal = AESGCM(random(32))  # of this run alone, so counting nonces never repeat
        self._many = 0
        with _told():
            self._file = tempfile.TemporaryFile(prefix="samechild-")  # noqa: SIM115  closed at the end of the with

    def __len__(self) -> int:
        return self._many

    def put(self, item: Item) -> None:
        """Let one more wait. Raises Unavailable when the disk is full."""
        sealed = self._seal.encrypt(_nonce(self._many), msgspec.msgpack.encode(item), None)
        with _told():
            self._file.write(len(sealed).to_bytes(_LENGTH, "big") + sealed)
        self._many += 1

    def items(self) -> Iterator[Item]:
        """All that wait, in the order in which they came. Raises Unavailable when the file cannot be read back."""
        with _told():
            self._file.seek(0)
        for number in range(self._many):
            with _told():
                sealed = self._file.read(int.from_bytes(self._file.read(_LENGTH), "big"))
            yield msgspec.msgpack.decode(self._seal.decrypt(_nonce(number), sealed, None), type=Item)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE, "big")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The folder for temporary files cannot be used ({error.strerror}): make room there, or name another with "
            "the environment variable TMPDIR (TMP on Windows)."
        ) from None
