"""A watched folder: a file dropped in is taken once, and moved to ``done`` or ``failed`` with a reason people can read.

The simplest door there is, for systems that can write a file and nothing else. It looks at the folder again and again
(no notification of the operating system, which network drives and Windows do not give). A file is taken when its size
and time stayed the same from one look to the next, so that a half-copied one is left alone.

Taking a file is: its records are identified, its result is written, it is moved. A stop at any point between repeats
nothing, because a record that is known already and has not changed is left as it is; the file is simply taken again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from samechild.errors import Missing, SamechildError, Unavailable

DONE, FAILED, WORKING = "done", "failed", "working"
"""The folders beside the files: those taken, those that could not be, and the one at hand."""

REASON = ".reason.txt"
_IGNORED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".swp")
"""Endings under which programs keep what they have not finished writing."""

Size = tuple[int, int]
"""A file's length, and when it was last changed in nanoseconds."""

Take = Callable[[Path], str]
"""Takes one file; returns one sentence on what became of it, with counts and no value of a record."""


class Taken(msgspec.Struct, frozen=True):
    """What became of a file: where it lies now, and why, in a sentence."""

    file: str
    place: Path
    well: bool
    words: str


class Watched(msgspec.Struct, frozen=True):
    """A watched folder, and what was seen in it at the last look."""

    folder: Path
    seen: Mapping[str, Size] = {}


def begin(folder: Path) -> Watched:
    """Watch a folder: make the folders beside the files, and put back what an interrupted run had at hand.

    Raises:
        Missing: when there is no such folder. Unavailable: when it cannot be written in.
    """
    if not folder.is_dir():
        raise Missing(f"There is no folder {folder}: make it, or name another.")
    try:
        for name in (DONE, FAILED, WORKING):
            (folder / name).mkdir(exist_ok=True)
        for path in sorted((folder / WORKING).iterdir()):
            _move(path, folder, path.name)
    except OSError:
        raise Unavailable(f"{folder} cannot be written in: files are moved there once they are taken.") from None
    return Watched(folder)


def waiting(folder: Path) -> dict[str, Size]:
    """The files that lie in a folder, by name, with their size now; hidden and unfinished ones left out."""
    found: dict[str, Size] = {}
    try:
        for entry in os.scandir(folder):
            unfinished = entry.name.startswith((".", "~$")) or entry.name.lower().endswith(_IGNORED)
            if not unfinished and entry.is_file(follow_symlinks=False):
                stat = entry.stat(follow_symlinks=False)
                found[entry.name] = (stat.st_size, stat.st_mtime_ns)
    except OSError:
        raise Unavailable(f"{folder} cannot be read: is the drive connected?") from None
    return found


def whole(now: Mapping[str, Size], before: Mapping[str, Size]) -> list[str]:
    """Which files have stayed the same since the last look, oldest first. Pure."""
    same = [name for name, size in now.items() if size[0] and before.get(name) == size]
    return sorted(same, key=lambda name: (now[name][1], name))


def look(watched: Watched, take: Take, now: Callable[[], datetime]) -> tuple[Watched, list[Taken]]:
    """Look once: take each file that is whole, oldest first; returns what to remember until the next look.

    What cannot be used is moved to ``failed`` with a reason beside it; what only cannot be done at the moment (a busy
    database, a full disk) leaves the file where it was, and the error goes on to the caller.

    Raises:
        Unavailable: when the folder cannot be read, or the work cannot be done at the moment.
    """
    present = waiting(watched.folder)
    taken = []
    for name in whole(present, watched.seen):
        done = _take(watched.folder, name, take, now())
        if done is not None:
            taken.append(done)
        present.pop(name, None)
    return Watched(watched.folder, present), taken


def _take(folder: Path, name: str, take: Take, now: datetime) -> Taken | None:
    """Take one file; None when somebody still holds it open, or another program was quicker."""
    try:
        at_hand = _move(folder / name, folder / WORKING, name)
    except OSError:
        return None
    try:
        words, well = take(at_hand), True
    except Unavailable:
        _move(at_hand, folder, name)
        raise
    except SamechildError as error:
        words, well = str(error), False
    except BaseException:
        _move(at_hand, folder, name)
        raise
    place = folder / (DONE if well else FAILED)
    moved = _move(at_hand, place, f"{now:%Y%m%dT%H%M%S}-{name}")
    if not well:
        _write(moved.with_name(moved.name + REASON), words)
    return Taken(name, moved, well, words)


def _move(path: Path, folder: Path, name: str) -> Path:
    """Move a file within the watched folder; what lies there under that name already is never overwritten."""
    target, count = folder / name, 1
    while target.exists():
        count += 1
        target = folder / f"{Path(name).stem}-{count}{Path(name).suffix}"
    return path.rename(target)


def _write(path: Path, words: str) -> None:
    path.write_text(f"This file could not be taken.\n\n{words}\n", encoding="utf-8", newline="\r\n")
