"""Writing a file so that it is either whole or not there, whatever happens in between."""

from __future__ import annotations

import os
from pathlib import Path

from samechild.errors import Unavailable


def write_whole(path: Path, content: bytes) -> None:
    """Write beside, make durable, then put in place: a kill in between leaves what was there before.

    The file can be read by its owner only.

    Raises:
        Unavailable: when the folder cannot be written or the disk is full; what was there before stays.
    """
    beside = path.with_name(f"{path.name}.unfinished")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Unavailable(f"{path} cannot be written ({error.strerror}): make room, then try again.") from None


def put_in_place(beside: Path, path: Path) -> None:
    """Give a finished, durable file its name, durably (Windows has no such step for the folder)."""
    os.replace(beside, path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
