"""Tombstones outside the databases: so that whoever was erased stays erased when an older backup is put back.

One line of JSON for each erased child, only ever added to, in the home folder and beside the ledger's witness. A line
holds an opaque key, codes and a digest; nothing of the child.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from samechild.errors import Unavailable
from samechild.keys.root import keep_folder
from samechild.keys.store import Tombstone

FILE = "tombstones.jsonl"


def bury(folders: Sequence[Path], stones: Sequence[Tombstone]) -> None:
    """Add tombstones to the file in each folder, and return once they are safely on disk.

    A line that a power cut left half-written is taken away first; whoever wrote it was never told it was done.

    Raises:
        Unavailable: when a file cannot be written.
    """
    lines = b"".join(msgspec.json.encode(stone) + b"\n" for stone in stones)
    for folder in folders:
        path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _append(path, lines)
            keep_folder(folder)
        except OSError as error:
            raise Unavailable(f"{path} cannot be written ({error.strerror}): make room, then try again.") from None


def buried(folders: Iterable[Path]) -> dict[str, Tombstone]:
    """Read the tombstones of the files in these folders by record key; a missing file holds none.

    Raises:
        Unavailable: when a file cannot be read, or a line of it was damaged.
    """
    found: dict[str, Tombstone] = {}
    for folder in folders:
        path = folder / FILE
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unavailable(f"{path} cannot be read ({error.strerror}): let this account read it.") from None
        for number, line in enumerate(lines[:-1], start=1):  # after the last line's end there is nothing, or a torn one
            try:
                stone = msgspec.json.decode(line, type=Tombstone)
            except msgspec.DecodeError:
                raise Unavailable(
                    f"{path}, line {number}, is damaged: put back a whole copy, or erased children may come back."
                ) from None
            found.setdefault(stone.record_key, stone)
    return found


def _append(path: Path, lines: bytes) -> None:
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        kept = file.read()
        file.truncate(kept.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
