"""Tombstones outside the databases: so that whoever was erased stays erased when an older backup is put back.

One line of JSON for each erased child, only ever added to, in the home folder and beside the ledger's witness. A line
holds an opaque key, codes and a digest; nothing of the child.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

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
    add_lines(folders, FILE, stones)


def add_lines(folders: Sequence[Path], name: str, them: Sequence[msgspec.Struct]) -> None:
    """Add lines of JSON to a file of that name in each folder; as :func:`bury`.

    Raises:
        Unavailable: when a file cannot be written.
    """
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in them)
    for folder in folders:
        path = folder / name
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
    for stone in lines_of(folders, FILE, Tombstone):
        found.setdefault(stone.record_key, stone)
    return found


T = TypeVar("T", bound=msgspec.Struct)


def lines_of(folders: Iterable[Path], name: str, kind: type[T]) -> Iterator[T]:
    """Read the lines of the files of that name in these folders; a missing file holds none.

    Raises:
        Unavailable: when a file cannot be read, or a line of it was damaged.
    """
    for folder in folders:
        path = folder / name
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unavailable(f"{path} cannot be read ({error.strerror}): let this account read it.") from None
        for number, line in enumerate(lines[:-1], start=1):  # after the last line's end there is nothing, or a torn one
            try:
                yield msgspec.json.decode(line, type=kind)
            except msgspec.DecodeError:
                raise Unavailable(
                    f"{path}, line {number}, is damaged: put back a whole copy, or what was erased may come back."
                ) from None


def _append(path: Path, lines: bytes) -> None:
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        kept = file.read()
        file.truncate(kept.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
