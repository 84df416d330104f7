"""The Merkle tree that lets anyone prove that an entry stands in the ledger and that nothing before it was changed.

As in RFC 6962 section 2.1 (and RFC 9162 section 2.1): a leaf is hashed with the byte 0x00 before it, two nodes with
0x01, so that no entry can pass for an inner node. Everything here is pure: hashes in, hashes out. The hash of a whole
tree is its *root*; ``(start, end)`` means the entries from number ``start`` up to but not including ``end``.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from samechild.errors import Invalid

EMPTY_ROOT = sha256(b"").digest()
"""The root of a ledger without entries (RFC 6962: the hash of nothing)."""

ARITY_BITS = 4
"""Hashes of whole subtrees are kept for every 16 entries, every 16 of those, and so on: a proof reads few rows."""

Range = tuple[int, int]
Piece = tuple[int, int, int]
"""``(level, first, end)``: the kept subtrees ``first`` to ``end`` (not included), each of 16**level entries."""

Peak = tuple[int, bytes]
"""A complete subtree: its height (2**height entries) and its hash."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry as a leaf of the tree (32 bytes)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees into the one above them (32 bytes)."""
    return sha256(b"\x01" + left + right).digest()


def grow(peaks: Sequence[Peak], leaf: bytes) -> tuple[list[Peak], list[Peak]]:
    """Add one leaf to a tree given as its complete subtrees, largest first.

    Returns the new subtrees, and every subtree that became complete, the leaf itself first.
    """
    grown, made = list(peaks), [(0, leaf)]
    height, top = 0, leaf
    while grown and grown[-1][0] == height:
        top, height = node_hash(grown.pop()[1], top), height + 1
        made.append((height, top))
    grown.append((height, top))
    return grown, made


def root_of(peaks: Sequence[Peak]) -> bytes:
    """Hash complete subtrees, largest first, into the root of the whole tree."""
    if not peaks:
        return EMPTY_ROOT
    top = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        top = node_hash(left, top)
    return top


def root_of_leaves(leaves: Sequence[bytes]) -> bytes:
    """Hash the leaf hashes of a small ledger into its root."""
    peaks: list[Peak] = []
    for leaf in leaves:
        peaks, _ = grow(peaks, leaf)
    return root_of(peaks)


def peak_ranges(size: int) -> list[Range]:
    """Which entries the complete subtrees of a tree of ``size`` entries cover, largest first."""
    found, start = [], 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            found.append((start, start + (1 << height)))
            start += 1 << height
    return found


def inclusion_ranges(number: int, size: int) -> list[Range]:
    """Which subtrees' hashes prove that entry ``number`` stands in a tree of ``size`` entries, lowest first.

    RFC 6962 section 2.1.1.

    Raises:
        Invalid: when the tree has no such entry.
    """
    if not 0 <= number < size:
        raise Invalid("The ledger has no entry of that number.")
    found, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if number < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """Which subtrees' hashes prove that the first ``old`` entries of a tree of ``size`` are still the same ones.

    RFC 6962 section 2.1.2; nothing needs to be proved from an empty ledger or to the same size.

    Raises:
        Invalid: when ``old`` is more than ``size``.
    """
    if not 0 <= old <= size:
        raise Invalid("The ledger has never been of that size.")
    if old in (0, size):
        return []
    found, start, end, known = [], 0, size, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start, known = middle, False
    if not known:
        found.append((start, end))
    return found[::-1]


def _split(width: int) -> int:
    """The largest power of two smaller than ``width`` (at least 2)."""
    return 1 << (width - 1).bit_length() - 1


def pieces(start: int, end: int) -> list[Piece]:
    """Which kept subtrees make up a range that a proof asks for: largest first, left to right."""
    found = []
    for level in reversed(range((end.bit_length() - 1) // ARITY_BITS + 1)):
        width = 1 << level * ARITY_BITS
        count = (end - start) // width
        if count:
            found.append((level, start // width, start // width + count))
            start += count * width
    return found


def fold(parts: Sequence[Peak]) -> bytes:
    """Hash complete subtrees that lie side by side, never growing from left to right, into one hash."""
    peaks: list[Peak] = []
    for height, top in parts:
        while peaks and peaks[-1][0] == height:
            top, height = node_hash(peaks.pop()[1], top), height + 1
        peaks.append((height, top))
    return root_of(peaks)


def is_included(leaf: bytes, number: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Check a proof that a leaf stands at ``number`` in the tree of ``size`` with this root (RFC 9162 2.1.3.2)."""
    if not 0 <= number < size:
        return False
    place, last, top = number, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            top = node_hash(step, top)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            top = node_hash(top, step)
        place, last = place >> 1, last >> 1
    return last == 0 and top == root


def is_consistent(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Check a proof that a tree of ``size`` entries begins with the tree of ``old`` entries (RFC 9162 2.1.4.2)."""
    if old in (0, size):
        return not proof and old_root == (EMPTY_ROOT if old == 0 else root)
    if not 0 < old < size or not proof:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == root
