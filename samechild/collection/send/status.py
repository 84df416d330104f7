"""What was sent, kept in a small file of the council: so that only changes are sent, and a cut run goes on.

The file holds, for each child, a keyed hash of its id, keyed hashes of what was last kept, the receipt, and the id
sealed, which is needed to purge a child that is gone or to name it in a report. The key lies in a file beside it; who
has the file of hashes alone learns nothing. When either is lost everything is sent whole once more, which harms
nothing. Whoever runs it first holds it: two runs at once would send the same twice.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from samechild.collection.send.deltas import Print, marker
from samechild.errors import Conflict, Invalid, Unavailable

KEY_BYTES = 32
_VERSION = 1
_AT_ONCE = 500

_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS children (
  child TEXT PRIMARY KEY, sealed BLOB NOT NULL, print BLOB, receipt TEXT NOT NULL DEFAULT '',
  sent_at TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS runs (
  run INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT NOT NULL DEFAULT '', counts TEXT NOT NULL DEFAULT '{}'
) STRICT;
"""

KEPT, UNSURE, REFUSED = "kept", "unsure", "refused"
"""A child's state: kept as its fingerprint says; sent without an answer; refused the last time."""


class Known(msgspec.Struct, frozen=True):
    """What is known of a child: what was last kept of it (None: nothing, or it is not sure), and its state."""

    print: Print | None
    state: str


class Kept(msgspec.Struct, frozen=True):
    """One child whose receipt came: its id, what was kept (None: purged), and the receipt."""

    la_child_id: str
    print: Print | None
    receipt: str


class Status:
    """The open file. Close it, or open it with :func:`open_status` in a ``with``."""

    def __init__(self, connection: sqlite3.Connection, key: bytes, random: Callable[[int], bytes]) -> None:
        self._db, self._random = connection, random
        self.mark = marker(hashlib.sha256(b"parts" + key).digest())
        self._name = marker(hashlib.sha256(b"names" + key).digest())
        self._seal = AESGCM(hashlib.sha256(b"seal" + key).digest())
        self.run = 0

    def begin(self, address: str, now: datetime) -> None:
        """Start a run to an address; what was sent to another one does not count.

        Raises Conflict when the file belongs to another address.
        """
        known = self._about("address")
        told = self._name(address.encode())
        if known and known != told:
            raise Conflict(
                "The state file belongs to another address (live and sandbox need one each): name another under state."
            )
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO about VALUES ('address', ?)", (told,))
            self.run = int(self._db.execute("INSERT INTO runs (began) VALUES (?)", (_when(now),)).lastrowid or 0)

    def end(self, counts: dict[str, int], now: datetime) -> None:
        """Note how a run ended."""
        with self._db:
            self._db.execute(
                "UPDATE runs SET ended = ?, counts = ? WHERE run = ?",
                (_when(now), msgspec.json.encode(counts).decode(), self.run),
            )

    def known(self, la_child_id: str) -> Known | None:
        """What is known of a child; None for one that was never sent."""
        row = self._db.execute(
            "SELECT print, state FROM children WHERE child = ?", (self._name(la_child_id.encode()),)
        ).fetchone()
        if row is None:
            return None
        kept = msgspec.json.decode(row[0], type=Print) if row[0] is not None and row[1] != UNSURE else None
        return Known(kept, row[1])

    def see(self, ids: Iterable[str]) -> None:
        """Note that these children are in the extract of this run."""
        names = [(self.run, self._name(each.encode())) for each in ids]
        with self._db:
            self._db.executemany("UPDATE children SET seen = ? WHERE child = ?", names)

    def about_to_send(self, ids: Sequence[str]) -> None:
        """Note, before a request leaves, that it is not sure what the receiver holds until it answers."""
        with self._db:
            for each in ids:
                name = self._name(each.encode())
                self._db.execute(
                    "INSERT INTO children (child, sealed, state, seen) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (child) DO UPDATE SET state = excluded.state, seen = excluded.seen",
                    (name, self._sealed(each, name), UNSURE, self.run),
                )

    def not_sent(self, before: Sequence[tuple[str, Known | None]]) -> None:
        """Take the note back for children of a request that was answered without keeping them."""
        with self._db:
            for la_child_id, known in before:
                name = self._name(la_child_id.encode())
                state = REFUSED if known is None or known.state != UNSURE else UNSURE
                self._db.execute("UPDATE children SET state = ? WHERE child = ?", (state, name))

    def keep(self, several: Sequence[Kept], now: datetime) -> None:
        """Keep what the receipts say; a purged child is forgotten."""
        with self._db:
            for each in several:
                name = self._name(each.la_child_id.encode())
                if each.print is None:
                    self._db.execute("DELETE FROM children WHERE child = ?", (name,))
                    continue
                self._db.execute(
                    "UPDATE children SET print = ?, receipt = ?, sent_at = ?, state = ?, seen = ? WHERE child = ?",
                    (msgspec.json.encode(each.print), each.receipt, _when(now), KEPT, self.run, name),
                )

    def gone(self) -> list[str]:
        """The children that were kept before and are not in the extract of this run, by their own ids."""
        rows = self._db.execute(
            "SELECT child, sealed FROM children WHERE seen <> ? AND (print IS NOT NULL OR state = ?) ORDER BY child",
            (self.run, UNSURE),
        )
        return [found for child, sealed in rows if (found := self._opened(child, sealed)) is not None]

    def held(self) -> int:
        """How many children were kept, as far as this file knows."""
        return int(
            self._db.execute(
                "SELECT count(*) FROM children WHERE print IS NOT NULL OR state = ?", (UNSURE,)
            ).fetchone()[0]
        )

    def runs(self, most: int = 10) -> list[tuple[str, str, dict[str, int]]]:
        """The latest runs: when each began and ended, and its counts."""
        rows = self._db.execute("SELECT began, ended, counts FROM runs ORDER BY run DESC LIMIT ?", (most,))
        return [(began, ended, msgspec.json.decode(counts, type=dict[str, int])) for began, ended, counts in rows]

    def states(self) -> dict[str, int]:
        """How many children are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM children GROUP BY state ORDER BY state").fetchall())

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _about(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def _sealed(self, la_child_id: str, name: str) -> bytes:
        nonce = self._random(12)
        return nonce + self._seal.encrypt(nonce, la_child_id.encode(), name.encode())

    def _opened(self, name: str, sealed: bytes) -> str | None:
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], name.encode()).decode()
        except (InvalidTag, ValueError):
            return None


@contextmanager
def open_status(path: Path, key_file: Path, random: Callable[[int], bytes] = os.urandom) -> Iterator[Status]:
    """Open the state file, made on first use, and hold it until the end.

    Raises:
        Conflict: when another run holds it.
        Invalid: when it is no state file, or its key is of another length.
        Unavailable: when it cannot be written.
    """
    key = _key(path, key_file, random)
    try:
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=1.0)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(
            f"{path} cannot be opened ({type(error).__name__}): check the folder and its rights."
        ) from None
    try:
        _prepare(path, connection, hashlib.sha256(b"check" + key).hexdigest())
        yield Status(connection, key, random)
    except sqlite3.Error as error:
        raise _told(path, error) from None
    finally:
        connection.close()


def _prepare(path: Path, connection: sqlite3.Connection, check: str) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    with connection:
        connection.execute("BEGIN EXCLUSIVE")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        known = dict(connection.execute("SELECT name, value FROM about"))
        if known.get("version", str(_VERSION)) != str(_VERSION):
            raise Invalid(f"{path} was written by another version: move it away, and everything is sent once more.")
        if known.get("key", check) != check:
            raise Invalid(f"The key beside {path} is not its own: bring it back, or move both away to begin anew.")
        connection.executemany(
            "INSERT OR REPLACE INTO about VALUES (?, ?)", [("version", str(_VERSION)), ("key", check)]
        )


def _key(path: Path, key_file: Path, random: Callable[[int], bytes]) -> bytes:
    """The key of the state file, made on first use; appears whole or not at all."""
    try:
        if not key_file.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            key_file.parent.mkdir(parents=True, exist_ok=True)
            made = key_file.with_name(f"{key_file.name}.{random(6).hex()}")
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(random(KEY_BYTES).hex())
                file.flush()
                os.fsync(file.fileno())
            os.replace(made, key_file)
        key = bytes.fromhex(key_file.read_text(encoding="ascii").strip())
    except OSError as error:
        raise Unavailable(f"{key_file} cannot be read or written ({error.strerror}).") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise Invalid(f"{key_file} is no key of a state file: bring the right one back, or move both away.")
    return key


def _told(path: Path, error: sqlite3.Error) -> Exception:
    if "locked" in str(error) or "busy" in str(error):
        return Conflict(f"Another run holds {path}: wait until it has ended.")
    if "not a database" in str(error) or "malformed" in str(error):
        return Invalid(f"{path} is damaged: move it away, and everything is sent once more.")
    return Unavailable(f"{path} cannot be written ({type(error).__name__}): is the disk full?")


def _when(now: datetime) -> str:
    return now.isoformat(timespec="seconds")
