"""Check an exported ledger, or the proof of one entry, with nothing but Python (3.8 or newer) and its own library.

This one file is meant for people outside: an inspector, another council, a parent's adviser. It does not trust
whoever made the export: it takes the ledger's public key, which they got by another way, and a head (size and root)
that they noted down earlier, and finds any change, removal, insertion, re-ordering, rollback below the head, and a
past rewritten and signed again with the real key.

    python verify_ledger.py ledger.ndjson --key KEY --head 128:qvqT...=
    python verify_ledger.py ledger.ndjson --key KEY --head checkpoint.txt
    python verify_ledger.py proof.json    --key KEY

Exit code 0: whole. 1: not whole; the first broken place is named. 2: could not be checked (a file, key or head that
cannot be read). Sources: RFC 6962 (tree), RFC 8032 (Ed25519), C2SP signed-note and tlog-checkpoint (checkpoints).
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # names for type checkers only: nothing here needs a newer Python than 3.8
    from collections.abc import Callable, Iterable

    Point = tuple[int, int, int, int]
    Check = Callable[[bytes, bytes, bytes], bool]
    Head = tuple[int, bytes] | None

FORMAT = "samechild ledger 1"
PROOF = "samechild ledger proof 1"
WHOLE, BROKEN, UNUSABLE = 0, 1, 2


class Broken(Exception):
    """The ledger is not whole: ``entry`` is the number of the first broken entry (or the first that may be it)."""

    def __init__(self, words: str, entry: int | None = None) -> None:
        Exception.__init__(self, words)
        self.entry = entry


class Unusable(Exception):
    """What was given cannot be checked at all: no such file, or a key or head that cannot be read."""


# Ed25519 (RFC 8032, section 5.1), checking only. Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def point_add(one: Point, two: Point) -> Point:
    """Add two points of the curve."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c = 2 * one[3] * two[3] * D % P
    d = 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_times(factor: int, point: Point) -> Point:
    """Multiply a point by a whole number."""
    total: Point = NEUTRAL
    while factor:
        if factor & 1:
            total = point_add(total, point)
        point = point_add(point, point)
        factor >>= 1
    return total


def point_of(written: bytes) -> Point | None:
    """Read a point from its 32 bytes; None when they stand for none."""
    y = int.from_bytes(written, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def point_bytes(point: Point) -> bytes:
    """Write a point in its 32 bytes."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


CENTRE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or NEUTRAL


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check an Ed25519 signature (64 bytes) of a message against a public key (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = point_of(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus_key = (P - key[0], key[1], key[2], P - key[3])
    return point_bytes(point_add(point_times(s, CENTRE), point_times(k, minus_key))) == signature[:32]


# The tree (RFC 6962, section 2.1)


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def add_leaf(peaks: list[tuple[int, bytes]], leaf: bytes) -> None:
    """Add a leaf to the complete subtrees (height, hash) of a tree, largest first, in place."""
    height = 0
    while peaks and peaks[-1][0] == height:
        leaf = node_hash(peaks.pop()[1], leaf)
        height += 1
    peaks.append((height, leaf))


def root_of(peaks: list[tuple[int, bytes]]) -> bytes:
    """The root of a tree given as its complete subtrees."""
    if not peaks:
        return hashlib.sha256(b"").digest()
    top = peaks[-1][1]
    for _, left in peaks[-2::-1]:
        top = node_hash(left, top)
    return top


def root_by_proof(leaf: bytes, number: int, size: int, steps: list[bytes]) -> bytes | None:
    """The root that a proof leads to for a leaf at a place; None when it has too many or too few steps."""
    place, last = number, size - 1
    for step in steps:
        if last == 0:
            return None
        if place & 1 or place == last:
            leaf = node_hash(step, leaf)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            leaf = node_hash(leaf, step)
        place, last = place >> 1, last >> 1
    return leaf if last == 0 else None


# Checkpoints (signed notes)

NOTE = re.compile(
    "(?P<origin>samechild/[0-9a-f]{16})\n(?P<size>[1-9][0-9]{0,15})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    "at (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z)\n"
    "before (?P<before>-|[A-Za-z0-9+/]{43}=)\n\n\u2014 (?P=origin) (?P<signed>[A-Za-z0-9+/]{91}=)\n"
)


def in_text(raw: bytes) -> str:
    """Write bytes in base 64."""
    return base64.b64encode(raw).decode("ascii")


def from_text(written: str) -> bytes:
    """Read bytes from base 64, of which only one way to write them is taken."""
    try:
        raw = base64.b64decode(written.encode("ascii"), validate=True)
    except (AttributeError, UnicodeError, binascii.Error, ValueError):
        raise Broken("something is not written in base 64") from None
    if in_text(raw) != written:
        raise Broken("something is not written in base 64 as it is here")
    return raw


class Checkpoint:
    """One signed checkpoint, read from its exact text."""

    def __init__(self, note: object) -> None:
        found = NOTE.fullmatch(note) if isinstance(note, str) else None
        if found is None:
            raise Broken("a checkpoint cannot be read")
        self.note = found.group()
        self.origin, self.at, self.before = found["origin"], found["at"], found["before"]
        self.size, self.root, signed = int(found["size"]), from_text(found["root"]), from_text(found["signed"])
        self.key_hash, self.signature = signed[:4], signed[4:]
        self.chain = in_text(hashlib.sha256(self.note.encode("utf-8")).digest())

    def names(self, public: bytes) -> bool:
        """Whether the checkpoint says that this key signed it."""
        hashed = hashlib.sha256(self.origin.encode("ascii") + b"\n\x01" + public).digest()
        return hashed[:4] == self.key_hash

    def is_signed_by(self, public: bytes, check: Check = is_signed) -> bool:
        """Whether this key really did."""
        return self.names(public) and check(
            public, self.note.partition("\n\n")[0].encode("utf-8") + b"\n", self.signature
        )


# The export: a header, then entries, each commit followed by its checkpoint, one JSON text a line


def exact(line: bytes, number: int) -> dict[str, Any]:
    """Read a line of JSON that must be written in the one way it is written here."""
    try:
        value = json.loads(line.decode("utf-8"))
        again = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")
    except (ValueError, RecursionError):
        raise Broken(f"line {number} cannot be read") from None
    if again != line or not isinstance(value, dict):
        raise Broken(f"line {number} is not written as an export writes it")
    return value


class Reading:
    """What is known of an export while its lines are read, first to last."""

    def __init__(self, keys: Iterable[bytes], head: Head = None, check: Check = is_signed, every: bool = False) -> None:
        """Take the keys trusted from outside, the head (size, root) known, and whether to check every signature."""
        self.trusted = set(keys)
        self.head, self.head_seen = head, head is None or head[0] == 0
        self.check, self.every = check, every
        self.origin = ""
        self.keys: list[bytes] = []  # as the header names them
        self.keys_used = 0
        self.key = b""  # that signed the checkpoint before
        self.announced: set[bytes] = set()
        self.unsigned: list[bytes] = []  # keys announced since the checkpoint before
        self.peaks: list[tuple[int, bytes]] = []
        self.size, self.at, self.lines = 0, "", 0
        self.last: Checkpoint | None = None

    def line(self, line: bytes) -> None:
        """Take the next line, with the line break at its end."""
        self.lines += 1
        if not line.endswith(b"\n"):
            raise Broken(f"the file ends in the middle of line {self.lines}", self.size)
        line = line[:-1]
        if self.lines == 1:
            self.header(exact(line, 1))
        elif line.startswith(b'{"checkpoint":'):
            self.checkpoint(Checkpoint(exact(line, self.lines).get("checkpoint")), line)
        else:
            self.entry(line)

    def header(self, header: dict[str, Any]) -> None:
        """The first line: which ledger, and the keys that signed it, in the order they came into use."""
        if header.get("format") != FORMAT or set(header) != {"format", "keys", "origin"}:
            raise Broken(f"this is not an exported ledger ({FORMAT})")
        self.origin, keys = header["origin"], header["keys"]
        if not isinstance(keys, list) or not keys or len({str(key) for key in keys}) != len(keys):
            raise Broken("the export does not say which keys signed it")
        self.keys = [from_text(key) for key in keys]

    def entry(self, line: bytes) -> None:
        """The next entry: its number must be the next one, its time not before the last one's."""
        number = self.size
        try:
            entry = json.loads(line.decode("utf-8"))
            seen, at, kind, body = entry["number"], entry["at"], entry["kind"], entry["body"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Broken(f"entry {number} (line {self.lines}) cannot be read", number) from None
        if seen != number or isinstance(seen, bool):
            raise Broken(f"where entry {number} should stand there is another (line {self.lines})", number)
        if not isinstance(at, str) or (at < self.at and kind != "accept"):
            raise Broken(f"entry {number} is dated before the one it follows", number)
        if kind == "key" and isinstance(body, dict) and "announces" in body:
            self.unsigned.append(from_text(body["announces"]))
        add_leaf(self.peaks, leaf_hash(line))
        self.size, self.at = number + 1, at
        if self.head and self.size == self.head[0]:
            if root_of(self.peaks) != self.head[1]:
                raise Broken(
                    f"the first {self.size} entries are not those of the known head: some of them were changed, or "
                    "another past was signed",
                    self.last.size if self.last else 0,
                )
            self.head_seen = True

    def checkpoint(self, found: Checkpoint, line: bytes) -> None:
        """The checkpoint at the end of a commit: it must fit the entries, the one before it, and a key."""
        start = self.last.size if self.last else 0
        span = f"entry {start}" if self.size == start + 1 else f"entries {start} to {self.size - 1}"
        if json.dumps({"checkpoint": found.note}, ensure_ascii=False, separators=(",", ":")).encode("utf-8") != line:
            raise Broken(f"line {self.lines} is not written as an export writes it", start)
        if found.origin != self.origin or found.before != (self.last.chain if self.last else "-"):
            raise Broken(f"the checkpoint after {span} does not follow the one before it", start)
        if found.size != self.size or found.size == start:
            raise Broken(f"the checkpoint on line {self.lines} stands in the wrong place", start)
        if found.root != root_of(self.peaks):
            raise Broken(f"{span}: not what was signed, the first broken entry is here", start)
        if found.at != self.at:
            raise Broken(f"the checkpoint after {span} has another time", start)
        self.signer(found, span, start)
        self.last = found

    def signer(self, found: Checkpoint, span: str, start: int) -> None:
        """Whose signature it is; a new key must have been announced in an entry that the old key signed."""
        fresh = not self.key or not found.names(self.key)
        if fresh:
            if self.keys_used == len(self.keys) or not found.names(self.keys[self.keys_used]):
                raise Broken(f"the checkpoint after {span} is signed by a key the export does not name", start)
            key = self.keys[self.keys_used]
            if self.key and key not in self.announced:
                raise Broken(f"the checkpoint after {span} is signed by a key nobody announced", start)
            self.key, self.keys_used = key, self.keys_used + 1
        if (fresh or self.every or self.unsigned) and not found.is_signed_by(self.key, self.check):
            raise Broken(f"the signature after {span} does not hold", start)
        self.announced.update(self.unsigned)
        if self.key in self.trusted:
            self.trusted.update(self.unsigned)
        self.unsigned = []

    def end(self) -> tuple[int, bytes]:
        """After the last line: everything must be signed, by a trusted key, and reach the known head."""
        if self.last is None or self.last.size != self.size:
            start = self.last.size if self.last else 0
            raise Broken("the ledger ends without a checkpoint: entries were cut off or added at its end", start)
        if self.head and not self.head_seen:
            raise Broken(
                f"the ledger is shorter than the known head ({self.size} entries, not {self.head[0]}): its end was cut "
                "off, or an older state was put back",
                self.size,
            )
        if self.keys_used != len(self.keys):
            raise Broken("the export names a key that signed nothing")
        if self.key not in self.trusted:
            raise Broken("the last checkpoint is not signed by the key given: a wrong key, or a wrong ledger")
        if not self.last.is_signed_by(self.key, self.check):
            raise Broken("the signature of the last checkpoint does not hold", self.size - 1)
        return self.size, self.last.root


def check_export(
    lines: Iterable[bytes], keys: Iterable[bytes], head: Head = None, check: Check = is_signed, every: bool = False
) -> tuple[int, bytes]:
    """Check an export given as lines of bytes; returns (size, root), or raises Broken at the first broken place."""
    reading = Reading(keys, head, check, every)
    for line in lines:
        reading.line(line)
    if reading.lines == 0:
        raise Broken("the file is empty")
    return reading.end()


def check_proof(written: bytes, keys: Iterable[bytes], head: Head = None) -> str:
    """Check the proof of one entry; returns the entry's exact text, or raises Broken."""
    proof = exact(written[:-1] if written.endswith(b"\n") else written, 1)
    if proof.get("format") != PROOF or set(proof) != {"checkpoint", "entry", "format", "hashes", "key", "number"}:
        raise Broken(f"this is not a proof of an entry ({PROOF})")
    entry, number, hashes, found = proof["entry"], proof["number"], proof["hashes"], Checkpoint(proof["checkpoint"])
    if type(number) is not int or not 0 <= number < found.size or not isinstance(hashes, list):
        raise Broken("the proof cannot be read")
    key = from_text(proof["key"])
    if not isinstance(entry, str) or exact(entry.encode("utf-8"), 1).get("number") != number:
        raise Broken("the proof is of another entry", number)
    if (
        root_by_proof(leaf_hash(entry.encode("utf-8")), number, found.size, [from_text(h) for h in hashes])
        != found.root
    ):
        raise Broken(f"the entry does not stand in the ledger at number {number}", number)
    if key not in keys or not found.is_signed_by(key):
        raise Broken("the checkpoint is not signed by the key given", number)
    if head and head[0] == found.size and head[1] != found.root:
        raise Broken("the proof is from another ledger than the known head", number)
    return entry


# The command


def read_key(word: str) -> bytes:
    """Read a public key: base 64 or hexadecimal text, or a file that holds it."""
    text = word_or_file(word)
    for read in (bytes.fromhex, from_text):
        try:
            key = read(text)
        except (ValueError, Broken):
            continue
        if len(key) == 32 and point_of(key) is not None:
            return key
    raise Unusable("the key is not an Ed25519 public key (32 bytes in base 64 or hexadecimal)")


def read_head(word: str) -> tuple[int, bytes]:
    """Read a head: SIZE:ROOT (root in base 64 or hexadecimal), or a file that holds it or a signed checkpoint."""
    text = word_or_file(word)
    if NOTE.fullmatch(text + "\n"):
        found = Checkpoint(text + "\n")
        return found.size, found.root
    size, _, root = text.partition(":")
    try:
        raw = bytes.fromhex(root) if len(root) == 64 else from_text(root)
        if not re.fullmatch("[0-9]{1,16}", size) or len(raw) != 32:
            raise Broken("not a head")
    except (ValueError, Broken):
        raise Unusable("the head is not SIZE:ROOT, nor a file with a checkpoint") from None
    return int(size), raw


def word_or_file(word: str) -> str:
    """What a word on the command line says, or the file it names."""
    try:
        with open(word, encoding="utf-8") as file:
            return file.read(10000).strip("\r\n ")
    except (OSError, ValueError):
        return word.strip()


def is_proof(path: str) -> bool:
    """Whether a file is the proof of one entry: one line that begins with a checkpoint, not with a header."""
    with open(path, "rb") as file:
        return file.read(14) == b'{"checkpoint":'


def run(words: list[str] | None) -> str:
    """Check what the command line asks for; returns what to say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", help="an exported ledger, or the proof of one entry")
    parser.add_argument("--key", action="append", required=True, help="the ledger's public key, or a file with it")
    parser.add_argument("--head", help="SIZE:ROOT noted earlier, or a file with it or a checkpoint")
    given = parser.parse_args(words)
    keys = [read_key(word) for word in given.key]
    head = read_head(given.head) if given.head else None
    try:
        if is_proof(given.file):
            with open(given.file, "rb") as file:
                return "whole: this entry stands in the ledger\n" + check_proof(file.read(), keys, head)
        with open(given.file, "rb") as file:
            size, root = check_export(file, keys, head)
    except OSError:
        raise Unusable(f"{given.file} cannot be read") from None
    told = f"whole: {size} entries, head {size}:{in_text(root)}"
    return told if head else told + "\nno --head was given: a ledger cut short at a checkpoint cannot be noticed"


def main(words: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    try:
        sys.stdout.write(run(words) + "\n")
    except Broken as found:
        sys.stdout.write(f"not whole: {found}\n")
        return BROKEN
    except Unusable as found:
        sys.stderr.write(f"cannot be checked: {found}\n")
        return UNUSABLE
    return WHOLE


if __name__ == "__main__":
    sys.exit(main())
