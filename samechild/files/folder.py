"""A results folder is there whole, or not at all.

Results about children must never look finished when they are not: half a ``children.csv`` is a list of children
somebody forgot. So everything is written into a hidden folder beside the place asked for, and renamed into place when
all of it is on the disk. A kill, Ctrl-C or a full disk leaves only the hidden folder, which the next run recognises
(nobody holds its lock any more) and removes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from samechild.errors import Conflict, Invalid, Missing, Refused, SamechildError, Unavailable
from samechild.files.run_record import (
    RUN_RECORD,
    RunRecord,
    describe_outputs,
    read_run_record,
    write_run_record,
)

_LOCK = ".working"
_MOMENT = 60.0  # seconds
_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_ROOM = "no space left", "disk full", "not enough space"


class OutputFolder:
    """A place for results: ``with OutputFolder(path) as folder:`` gives a folder to write into, renamed at the end.

    Raises Refused when there is something at ``path`` already, unless ``force`` is given and it is a folder that
    samechild wrote and nobody has added to or changed since. Raises Unavailable when the disk is full.
    """

    def __init__(self, path: Path | str, force: bool = False) -> None:
        self.path = Path(path).absolute()
        self.force = force
        self._work: Path | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Path:
        with _told(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            clear_leftovers(self.path)
            refuse_unless_free(self.path, self.force)
            self._work = Path(tempfile.mkdtemp(prefix=_prefix(self.path, "new"), dir=self.path.parent))
            self._lock = (self._work / _LOCK).open("wb")
            _take_lock(self._lock)
            _open_to_umask(self._work)
        return self._work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._work is not None
        try:
            if error is None:
                with _told(self.path):
                    self._put_in_place(self._work)
        finally:
            self._release()
            shutil.rmtree(self._work, ignore_errors=True)
        if error is not None and is_disk_full(error):
            raise _no_room(self.path) from error

    def _put_in_place(self, work: Path) -> None:
        """Record what was written, reach the disk, and rename; what was there before goes only afterwards."""
        _record_outputs(work)
        for path in sorted(work.rglob("*")):
            _reach_disk(path)
        _reach_disk(work)
        refuse_unless_free(self.path, self.force)
        if os.name != "posix":
            self._release()  # Windows does not rename a folder with an open file in it
        earlier = self._set_aside()
        try:
            os.rename(work, self.path)
        except OSError:
            if earlier is not None:
                os.rename(earlier, self.path)
            if self.path.exists():
                raise Conflict(f"{self.path} appeared while the results were being made; they were not kept.") from None
            raise
        self._release()
        (self.path / _LOCK).unlink()
        _reach_disk(self.path.parent)
        if earlier is not None:
            shutil.rmtree(earlier, ignore_errors=True)

    def _set_aside(self) -> Path | None:
        """Move what stands in the way to a hidden name; an empty folder is simply removed."""
        if not self.path.exists():
            return None
        if not any(self.path.iterdir()):
            self.path.rmdir()
            return None
        earlier = Path(tempfile.mkdtemp(prefix=_prefix(self.path, "old"), dir=self.path.parent))
        earlier.rmdir()
        os.rename(self.path, earlier)
        return earlier

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def refuse_unless_free(path: Path, force: bool) -> None:
    """Raise Refused unless results may be put at ``path``: it is free, empty, or (with ``force``) wholly ours."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise Refused(f"{path} is there already and is not a folder: choose another name.")
    if not any(path.iterdir()):
        return
    if not force:
        raise Refused(f"{path} is there already: choose another name, or replace it with --force.")
    try:
        record = read_run_record(path)
    except (Missing, Invalid):
        raise Refused(
            f"{path} holds files that samechild did not write; it is never replaced: choose another."
        ) from None
    _refuse_changed(path, record)


def _refuse_changed(path: Path, record: RunRecord) -> None:
    """Protect what a person put into a results folder: their own files, and sheets they have filled in."""
    now = describe_outputs(path)
    strange = [name for name, output in now.items() if record.outputs.get(name) != output and name != _LOCK]
    if strange:
        named = ", ".join(strange[:3]) + (" and others" if len(strange) > 3 else "")
        raise Refused(f"{path} holds files added or changed since it was written ({named}): move them away first.")


def clear_leftovers(path: Path) -> int:
    """Remove what a killed run left beside ``path``, and put back earlier results it had set aside; returns how many.

    A folder that a living run is still writing is left alone: that run holds its lock.
    """
    cleared = 0
    if not path.parent.is_dir():
        return 0
    for set_aside in sorted(path.parent.glob(_glob(path, "old"))):
        if not os.path.lexists(path):
            os.rename(set_aside, path)
        elif (set_aside / RUN_RECORD).is_file():
            shutil.rmtree(set_aside, ignore_errors=True)
        cleared += 1
    for unfinished in sorted(path.parent.glob(_glob(path, "new"))):
        if not _is_held(unfinished / _LOCK):
            shutil.rmtree(unfinished, ignore_errors=True)
            cleared += 1
    return cleared


def is_disk_full(error: BaseException) -> bool:
    """Answer whether an error, or what caused it, says that the disk is full, whichever library noticed."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        if not isinstance(seen, SamechildError) and any(words in str(seen).lower() for words in _NO_ROOM):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _no_room(path: Path) -> Unavailable:
    return Unavailable(f"The disk is full, so nothing was left at {path}: make room, or write to another disk.")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in words what the operating system would not do."""
    try:
        yield
    except PermissionError:
        raise Refused(f"You may not write at {path}, or a program holds a file there open: close it.") from None
    except OSError as error:
        if is_disk_full(error):
            raise _no_room(path) from error
        raise Unavailable(f"{path} could not be written ({error.strerror}): choose another place.") from error


def _prefix(path: Path, kind: str) -> str:
    return f".{path.name}.samechild-{kind}-"


def _glob(path: Path, kind: str) -> str:
    escaped = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in _prefix(path, kind))
    return escaped + "*"


def _record_outputs(work: Path) -> None:
    """List what was written in ``run.json``, making a short one when the command wrote none."""
    try:
        record = read_run_record(work)
    except Missing:
        record = RunRecord("", "", 0.0)
    outputs = {name: output for name, output in describe_outputs(work).items() if name != _LOCK}
    write_run_record(work, msgspec.structs.replace(record, outputs=outputs))


def _open_to_umask(folder: Path) -> None:
    """Give the folder the rights it would have had if made in the ordinary way."""
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        folder.chmod(0o777 & ~mask)


def _reach_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    if path.is_dir():
        if os.name != "posix":
            return
        number = os.open(path, os.O_RDONLY)
    else:
        number = os.open(path, os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _take_lock(file: IO[bytes]) -> None:
    """Hold a lock that the operating system lets go when this process ends, however it ends."""
    if os.name == "posix":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_held(lock: Path) -> bool:
    """Answer whether a living process holds the lock; on Windows an open file cannot be removed, which answers it."""
    if not lock.exists():
        return _is_young(lock.parent)
    if os.name == "posix":
        import fcntl

        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False
    try:
        lock.unlink()
    except OSError:
        return True
    return False


def _is_young(folder: Path) -> bool:
    """A folder without a lock may have been made a moment ago by a run that is about to take it."""
    try:
        return time.time() - folder.stat().st_mtime < _MOMENT
    except OSError:
        return True
