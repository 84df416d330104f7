"""Is the ledger whole? Every entry, hash, signature and checkpoint, and whether the witness saw another past.

It reads the installation's ledger exactly as the verifier for third parties reads an export, checks every signature,
and besides everything the database repeats for speed: hashes of subtrees, references, times and kinds.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from samechild.errors import Invalid, Missing
from samechild.policy.ledger import store as tables
from samechild.policy.ledger.checkpoint import Checkpoint, origin_of, read_checkpoint
from samechild.policy.ledger.entry import ACCEPT, read_entry
from samechild.policy.ledger.export import Say, commits, header_of
from samechild.policy.ledger.standalone import Broken, Reading, check_export
from samechild.policy.ledger.tree import ARITY_BITS, Peak, grow, leaf_hash
from samechild.policy.ledger.witness import Line, file_of, line_of, lines_in
from samechild.sql.columns import moment_text
from samechild.storage import Login, Store

MOST = 100
"""After so many problems the list ends: the first ones say where to look."""


class Problem(msgspec.Struct, frozen=True):
    """Something that is not whole: the first entry it touches (None: no single one), and what is wrong."""

    entry: int | None
    words: str


class _Seen(msgspec.Struct):
    """What was read of a ledger on the way through it."""

    size: int = 0
    checkpoints: dict[int, bytes] = {}  # size: SHA-256 of the checkpoint's text
    subtrees: dict[tuple[int, int], bytes] = {}
    accepted: set[int] = set()
    peaks: list[Peak] = []
    is_whole: bool = True


def quick(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check an Ed25519 signature with the library this project uses, a hundred times as fast as in plain Python."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify(store: Store, say: Say = lambda what, share: None) -> list[Problem]:
    """Check the installation's ledger and its witness from beginning to end; an empty list means whole.

    The first problem names the first broken entry. Others may go on writing: the witness is read before the ledger,
    so that it never knows more than a whole ledger.

    Raises:
        Unavailable: when the database cannot be read.
    """
    known = _Known()
    _read_witness(store, known)
    with store.read(Login.GATE) as connection:
        problems, seen = _read_through(store, connection, say)
        if seen.is_whole:
            problems += _wrong_subtrees(connection, seen)
    say("comparing with the witness", 1.0)
    problems += known.problems + _differences(known, seen)
    return sorted(problems, key=lambda each: (each.entry is None, each.entry or 0))[:MOST]


def verify_file(path: Path, keys: Iterable[bytes], head: tuple[int, bytes] | None) -> list[Problem]:
    """Check an exported ledger against public keys and, when one is known, a head (size and root).

    Raises:
        Missing: when the file cannot be read.
    """
    found = _end_of(path, keys, head)
    return [found] if isinstance(found, Problem) else []


def verify_copy(store: Store, path: Path) -> list[Problem]:
    """Check an exported ledger against the installation it came from: its keys, and the past it has on record.

    Raises:
        Missing: when the file cannot be read.
    """
    found = _end_of(path, store.keys.public_keys().values(), None)
    if isinstance(found, Problem):
        return [found]
    size, root = found
    with store.read(Login.GATE) as connection:
        same = tables.checkpoints(connection, size - 1, size)
    if [each.root for each, _ in same] != [root]:
        return [Problem(None, "The file is whole, but tells another past than this installation's ledger.")]
    return []


def _end_of(path: Path, keys: Iterable[bytes], head: tuple[int, bytes] | None) -> tuple[int, bytes] | Problem:
    try:
        with path.open("rb") as file:
            return check_export(file, keys, head, quick, every=True)
    except Broken as found:
        return Problem(found.entry, _sentence(found))
    except OSError:
        raise Missing(f"{path} cannot be read: is it there?") from None


def _sentence(found: Broken) -> str:
    words = str(found)
    return f"{words[:1].upper()}{words[1:]}."


def _read_through(store: Store, connection: sa.Connection, say: Say) -> tuple[list[Problem], _Seen]:
    """Read every entry and checkpoint, in order, up to the first place where they no longer fit together."""
    seen, problems = _Seen(), list[Problem]()
    reading = Reading(store.keys.public_keys().values(), None, quick, every=True)
    try:
        last = tables.last_checkpoint(connection)
        if last is not None:
            reading.line(header_of(connection, last))
            for rows, checkpoints in commits(connection, last.size):
                _read_page(connection, rows, checkpoints, reading, seen, problems)
                say("checking the ledger", reading.size / last.size)
            reading.end()
            if reading.size < last.size:
                raise Broken("there is a checkpoint over more entries than there are", reading.size)
        _nothing_beyond(connection, reading.size)
    except Broken as found:
        seen.is_whole = False
        problems.append(Problem(found.entry, _sentence(found)))
    except Invalid:
        seen.is_whole = False
        entry = _unreadable(connection)
        problems.append(Problem(entry, f"The checkpoint after entry {entry} cannot be read."))
    seen.size = reading.last.size if reading.last else 0
    return problems, seen


def _nothing_beyond(connection: sa.Connection, size: int) -> None:
    """Find entries that no checkpoint vouches for; what others add meanwhile has one."""
    if tables.has_entries_from(connection, size):
        last = tables.last_checkpoint(connection)
        if last is None or last.size <= size:
            raise Broken(f"there are entries from {size} on, but no checkpoint that vouches for them", size)


def _read_page(
    connection: sa.Connection,
    rows: list[sa.Row[Any]],
    checkpoints: list[Checkpoint],
    reading: Reading,
    seen: _Seen,
    problems: list[Problem],
) -> None:
    """Read some entries as the verifier does, each after its row was compared with it."""
    references = tables.references_of(connection, rows[0].number, rows[-1].number + 1)
    after = {each.size: each for each in checkpoints}
    for row in rows:
        problems += _wrong_row(row, references.get(row.number, []), seen)
        reading.line(row.entry + b"\n")
        found = after.get(row.number + 1)
        if found:
            reading.line(line_of(found))
            seen.checkpoints[found.size] = sha256(found.note.encode()).digest()


def _wrong_row(row: sa.Row[Any], references: list[str], seen: _Seen) -> list[Problem]:
    """What the columns say otherwise than the entry; an entry unlike its own leaf ends the reading."""
    if leaf_hash(row.entry) != row.leaf:
        raise Broken(f"entry {row.number}: its text is not what was hashed", row.number)
    try:
        entry = read_entry(row.entry)
    except Invalid:
        raise Broken(f"entry {row.number} cannot be read", row.number) from None
    found = []
    if (row.at, row.kind) != (moment_text(entry.at), entry.kind):
        found.append(Problem(row.number, f"The row of entry {row.number} has another time or kind than the entry."))
    if references != list(entry.references):
        found.append(Problem(row.number, f"Entry {row.number} is not found under exactly the references it names."))
    if entry.kind == ACCEPT:
        seen.accepted.add(row.number)
    seen.peaks, made = grow(seen.peaks, row.leaf)
    for height, top in made[1:]:
        if height % ARITY_BITS == 0:
            seen.subtrees[height // ARITY_BITS, row.number >> height] = top
    return found


def _unreadable(connection: sa.Connection) -> int:
    """The last entry that the first unreadable checkpoint vouches for."""
    return min([size for size, note in tables.notes(connection) if not _is_checkpoint(note)]) - 1


def _is_checkpoint(note: str) -> bool:
    try:
        return bool(read_checkpoint(note))
    except Invalid:
        return False


def _wrong_subtrees(connection: sa.Connection, seen: _Seen) -> list[Problem]:
    """Where hashes kept for speed are missing or wrong; those of entries added meanwhile are left alone."""
    kept = {
        (level, position): top
        for (level, position), top in tables.subtrees(connection).items()
        if (position + 1) << level * ARITY_BITS <= seen.size
    }
    wrong = [place for place in kept.keys() | seen.subtrees.keys() if kept.get(place) != seen.subtrees.get(place)]
    entries = sorted(position << level * ARITY_BITS for level, position in wrong)
    return [Problem(entry, f"A hash kept for the entries from {entry} on is missing or wrong.") for entry in entries]


class _Known(msgspec.Struct):
    """What the witness knows: a digest of each checkpoint by size, and where an officer accepted a shorter ledger."""

    path: Path = Path()
    is_there: bool = True
    checkpoints: dict[int, bytes] = {}
    accepted: list[int] = []
    problems: list[Problem] = []


def _read_witness(store: Store, known: _Known) -> None:
    """Read the whole witness of this ledger."""
    with store.read(Login.GATE) as connection:
        first = next(tables.notes(connection), None)
    named = first[1].partition("\n")[0] if first else ""
    known.path = file_of(store.witness, named or origin_of(next(iter(store.keys.public_keys().values()))))
    known.is_there = known.path.exists()
    try:
        for line in lines_in(known.path) if known.is_there else ():
            _take_line(line, known)
    except OSError:
        known.problems.append(Problem(None, f"The witness {known.path} cannot be read."))


def _take_line(line: Line | None, known: _Known) -> None:
    if line is None:
        known.problems.append(Problem(None, f"A line of the witness {known.path} cannot be read."))
    elif line.accepted:
        size = int(line.accepted.partition(":")[0])
        known.accepted.append(size)
        known.checkpoints = {each: digest for each, digest in known.checkpoints.items() if each <= size}
    else:
        size, digest = read_checkpoint(line.checkpoint).size, sha256(line.checkpoint.encode()).digest()
        if known.checkpoints.setdefault(size, digest) != digest:
            known.problems.append(Problem(size - 1, f"The witness knows two different pasts of {size} entries."))


def _differences(known: _Known, seen: _Seen) -> list[Problem]:
    """What the witness knows otherwise: a rollback, a truncation, or another past signed with the real key."""
    if not known.is_there and seen.size:
        return [Problem(None, f"The witness {known.path} is missing.")]
    found = []
    for size in sorted({*known.accepted} - seen.accepted if seen.is_whole else ()):
        words = f"The witness says that the ledger was accepted at {size} entries, which no entry confirms."
        found.append(Problem(size, words))
    unknown = (size for size, digest in known.checkpoints.items() if seen.checkpoints.get(size) != digest)
    size = min(unknown, default=0)
    if 0 < size <= seen.size:
        words = f"The witness knows another past of {size} entries: the ledger was forked, or rewritten."
        found.append(Problem(size - 1, words))
    elif size and seen.is_whole:
        words = (
            f"The witness knows {max(known.checkpoints)} entries, the ledger has {seen.size}: its end was cut off, or "
            "an older backup restored."
        )
        found.append(Problem(seen.size, words))
    return found
