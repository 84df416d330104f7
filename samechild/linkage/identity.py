"""Names for children and an order for records that depend on the records alone, never on the order of rows.

A record's key is a hash of its source and its id. Records are worked on in the order of their keys, so shuffling the
rows of a file changes nothing. A child's id comes from the smallest key among its records; it is not a record's
number and cannot be read back into one, and it is *not* a pseudonym: who holds the files can work it out again.
"""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Words = NDArray[np.uint64]

LONGEST = 64
"""Record ids of up to so many bytes are hashed together; longer ones, and other alphabets, one by one."""
ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", np.uint8)  # Crockford's base 32: no I, L, O, U
ID_LETTERS = 16


class Keys(msgspec.Struct, frozen=True):
    """128 bits for each record."""

    high: Words
    low: Words

    def order(self) -> NDArray[np.int64]:
        """The records in the order of their keys."""
        order = np.argsort(self.high)
        ranked = self.high[order]
        if (ranked[1:] == ranked[:-1]).any():
            order = np.lexsort((self.low, self.high))
        return order

    def take(self, order: NDArray[np.int64]) -> Keys:
        """The keys in another order."""
        return Keys(self.high[order], self.low[order])


def _mixed(state: Words) -> Words:
    """Stir 64 bits (SplitMix64's finaliser, Steele, Lea and Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _digest(text: bytes) -> tuple[int, int]:
    digest = hashlib.blake2b(text, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def record_keys(source: pa.ChunkedArray | pa.Array, record_id: pa.ChunkedArray | pa.Array) -> Keys:
    """The key of each record, from its source and its id within that source, and from nothing beside it."""
    source, record_id = _whole(source), _whole(record_id)
    if not pa.types.is_dictionary(source.type):
        source = source.dictionary_encode()
    if pa.types.is_dictionary(record_id.type):
        record_id = record_id.dictionary_decode()
    names = np.array([_digest(str(name).encode()) for name in source.dictionary.to_pylist()], np.uint64).reshape(-1, 2)
    which = source.indices.to_numpy(zero_copy_only=False)
    high, low = names[which, 0], names[which, 1]
    lengths = pc.binary_length(record_id).to_numpy(zero_copy_only=False).astype(np.int64)
    alone = (lengths > LONGEST) | ~pc.string_is_ascii(record_id).to_numpy(zero_copy_only=False).astype(bool)
    with np.errstate(over="ignore"):
        if not alone.any():
            return _hashed(high, low, record_id, lengths)
        own = [_digest(text.encode()) for text in record_id.filter(pa.array(alone)).to_pylist()]
        rest = _hashed(high[~alone], low[~alone], record_id.filter(pa.array(~alone)), lengths[~alone])
        digests = np.array(own, np.uint64)
        high[alone], low[alone] = _mixed(high[alone] ^ digests[:, 0]), _mixed(low[alone] ^ digests[:, 1])
        high[~alone], low[~alone] = rest.high, rest.low
    return Keys(high, low)


def _hashed(high: Words, low: Words, texts: pa.Array, lengths: NDArray[np.int64]) -> Keys:
    """Stir ASCII texts into the keys of their sources, eight letters at a time, each text to its own end."""
    width = max(8, -(-int(lengths.max(initial=0)) // 8) * 8)
    padded = pc.ascii_rpad(texts, width, padding="\0")
    bytes_ = np.frombuffer(padded.buffers()[2] or b"", np.uint8, len(padded) * width, padded.offset * width)
    words = bytes_.view(np.uint64).reshape(-1, width // 8)
    count = lengths.astype(np.uint64)
    high, low = _mixed(high + count), _mixed(low ^ count)
    for place in range(words.shape[1]):
        stirred = _mixed(high ^ words[:, place]), _mixed((low + np.uint64(0x9E3779B97F4A7C15)) ^ words[:, place])
        goes_on = lengths > 8 * place
        high, low = np.where(goes_on, stirred[0], high), np.where(goes_on, stirred[1], low)
    return Keys(high, low)


def _whole(array: pa.ChunkedArray | pa.Array) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def child_ids(keys: Keys, first: NDArray[np.int64], turn: int = 0) -> pa.Array:
    """An id for each child from the key of its first record; ``turn`` gives another id where one is taken already."""
    salt = np.uint64(0xC1D5A1A5EED5 + turn)
    with np.errstate(over="ignore"):
        high = _mixed(keys.high[first] ^ salt)
        low = _mixed(keys.low[first] + salt)
    letters = np.empty((len(first), 1 + ID_LETTERS), np.uint8)
    letters[:, 0] = ord("C")
    for place in range(ID_LETTERS):
        word = high if place < ID_LETTERS // 2 else low
        letters[:, 1 + place] = ALPHABET[((word >> np.uint64(5 * (place % 8))) & np.uint64(31)).astype(np.int64)]
    width = 1 + ID_LETTERS
    offsets = np.arange(len(first) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(len(first), pa.py_buffer(offsets), pa.py_buffer(letters.tobytes()))
