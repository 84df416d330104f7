"""The witness: checkpoints also written outside the installation's home, so that going back is noticed.

Whoever can rewrite the gate's database and holds the signing key could write another past, or put an older backup in
place. The witness then knows a checkpoint the ledger does not have. Keep its folder where the same person cannot
change it: another machine's share, or a disk that only takes additions.

One file for each ledger, one checkpoint a line, written after each commit and forced to disk within a second. A line
``accepted`` is an officer's word that a restored, shorter ledger is the true one from there on.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock, Timer

import msgspec

from samechild.errors import Invalid, Unavailable
from samechild.policy.ledger.checkpoint import Checkpoint, read_checkpoint

SYNC_SECONDS = 1.0
"""A line of the witness is on the disk itself at most so long after its commit."""

TAIL = 65_536
"""At first only so many bytes of the end are read: the chain of checkpoints vouches for those before."""


_ACCEPTED = re.compile(r"[0-9]{1,16}:[A-Za-z0-9+/=]+")


class Line(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line: a checkpoint's text, or the head (``SIZE:ROOT``) from which a restored ledger was accepted."""

    checkpoint: str = ""
    accepted: str = ""


def line_of(checkpoint: Checkpoint) -> bytes:
    """Write a checkpoint as a line, here and in exports alike."""
    return json.dumps({"checkpoint": checkpoint.note}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def lines_in(path: Path) -> Iterator[Line | None]:
    """Read every line of a witness; None for one that cannot be read and was not written again after it.

    A line cut short by a power cut is written again before anything else: its beginning does not count as damage.
    """
    torn = b""
    with path.open("rb") as file:
        for written in file:
            if torn and not written.startswith(torn):
                yield None
            line = _read(written)
            torn = b"" if line else written.rstrip(b"\n")
            if line:
                yield line
    if torn and written.endswith(b"\n"):
        yield None


def _read(written: bytes) -> Line | None:
    if not written.endswith(b"\n"):
        return None
    try:
        line = msgspec.json.decode(written, type=Line)
        if not _ACCEPTED.fullmatch(line.accepted):
            read_checkpoint(line.checkpoint)
    except (msgspec.DecodeError, UnicodeDecodeError, Invalid):
        return None
    return line


class Known(msgspec.Struct, frozen=True):
    """The newest thing a witness knows: so many entries, and the checkpoint (or head) that says so."""

    size: int
    note: str


class Witness:
    """The file of one ledger in the witness folder, as one process follows and writes it."""

    def __init__(self, folder: Path, origin: str) -> None:
        self.path = file_of(folder, origin)
        self.known: Known | None = None
        self._read_to = 0
        self._least = 0  # how long the file must be at least, after what this process wrote
        self._lock = Lock()
        self._sync_due = False
        self._trouble = False

    def look(self) -> Known | None:
        """Read what was added since the last look, by this process or others; None when there is no witness.

        Raises:
            Unavailable: when the file cannot be read, or became shorter.
        """
        try:
            if not self.path.exists():
                return None
            size = self.path.stat().st_size
            if size < max(self._read_to, self._least):
                raise Unavailable(
                    f"The ledger's witness {self.path} became shorter, so nothing is disclosed: somebody "
                    "changed it. Bring it back, then run `samechild ledger verify`."
                )
            if size == 0 and self.known is None:
                self.known = Known(0, "")
            if size > self._read_to:
                self._follow(size)
        except OSError:
            raise self._out_of_reach() from None
        return self.known

    def _follow(self, size: int) -> None:
        start = self._read_to or max(0, size - TAIL)
        with self.path.open("rb") as file:
            file.seek(start)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        begins_inside = start > 0 and self._read_to == 0
        for written in whole.split(b"\n")[begins_inside:]:
            line = _read(written + b"\n")
            if line and line.accepted:
                self.known = Known(int(line.accepted.partition(":")[0]), "")
            elif line:
                seen = read_checkpoint(line.checkpoint)
                if self.known is None or seen.size >= self.known.size:
                    self.known = Known(seen.size, seen.note)
        self._read_to = start + len(whole)

    def begin(self) -> None:
        """Make the file of a new ledger, before its first commit, so that later a missing one is noticed.

        Raises:
            Unavailable: when it cannot be made.
        """
        self._add(b"", make=True)

    def write(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Add checkpoints, each on a line, and have them forced to disk soon.

        Raises:
            Unavailable: when they cannot be written, or could not be forced to disk the last time.
        """
        read_to = self._read_to
        self._add(b"".join(map(line_of, checkpoints)))
        if self._read_to > read_to:  # nobody else wrote meanwhile: it need not be read again
            self.known = Known(checkpoints[-1].size, checkpoints[-1].note)
        with self._lock:
            if not self._sync_due:
                self._sync_due = True
                timer = Timer(SYNC_SECONDS, self.sync)
                timer.daemon = True
                timer.start()

    def accept(self, head: str) -> None:
        """Write that the ledger as it stands at ``head`` (``SIZE:ROOT``) is accepted, and force it to disk."""
        self._add(msgspec.json.encode(Line(accepted=head)) + b"\n", make=True)
        if not self.sync():
            raise self._out_of_reach()

    def _add(self, lines: bytes, make: bool = False) -> None:
        """Write lines at the end; only ``make`` makes a file that is not there."""
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            if make:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                flags |= os.O_CREAT
            file = os.open(self.path, flags, 0o600)
            try:
                end = os.lseek(file, 0, os.SEEK_END)
                if lines and end and os.lseek(file, end - 1, os.SEEK_SET) >= 0 and os.read(file, 1) != b"\n":
                    lines = b"\n" + lines  # the line before was cut short
                if os.write(file, lines) != len(lines):
                    raise self._out_of_reach()
                self._least = os.lseek(file, 0, os.SEEK_CUR)
                if self._least == self._read_to + len(lines):
                    self._read_to = self._least
            finally:
                os.close(file)
        except OSError:
            raise self._out_of_reach() from None
        if self._trouble and not self.sync():
            raise self._out_of_reach()

    def sync(self) -> bool:
        """Force what was written to the disk itself; when that fails, whoever writes next is told."""
        with self._lock:
            self._sync_due = False
        try:
            file = os.open(self.path, os.O_RDWR)
            try:
                os.fsync(file)
            finally:
                os.close(file)
            self._trouble = False
        except OSError:
            self._trouble = True
        return not self._trouble

    def _out_of_reach(self) -> Unavailable:
        return Unavailable(
            f"The ledger's witness {self.path} cannot be read and written, so nothing is disclosed: bring back its "
            "folder, make room, or point the setting witness at another."
        )


def file_of(folder: Path, origin: str) -> Path:
    """The witness of one ledger in a folder that several installations may share."""
    return folder / f"{origin.replace('/', '-')}.checkpoints"
