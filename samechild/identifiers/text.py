"""Separators taken out of typed numbers, one value at a time or a whole column of bytes at once.

People write 943 476 5919, 943-476-5919 and copy invisible spaces out of web pages. Spaces, hyphens and invisible
characters are dropped and ASCII letters put in upper case; *nothing else* is changed, so that full-width digits, a
letter O for a nought or a stray full stop stay visible to the check, which refuses them.

A column is handled as its bytes: Arrow keeps the text of a column in one run, so half a million values are cleaned by
one look-up in a table of 256 entries. Only values with characters outside ASCII are cleaned one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from samechild.identifiers.kinds import USED, CheckedMany, Finding, Judged, table_of

SPACES = "\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0 \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
SPACES += "\u2028\u2029\u202f\u205f\u3000"
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
SEPARATORS = SPACES + INVISIBLE + HYPHENS
"""What is dropped from a typed number: every Unicode space, invisible marks, and hyphens and dashes of all lengths."""

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.int8]
_DROPPED, _FOREIGN = 254, 255  # bytes that no text holds, or none that is ASCII
UNDECIDED = -1
"""What a fast rule answers about a value that it leaves to the careful rule."""


_UPPER = {code: chr(code - 32) for code in range(ord("a"), ord("z") + 1)}


@cache
def _letters(also: str) -> Mapping[int, str | None]:
    table: dict[int, str | None] = {ord(mark): None for mark in SEPARATORS + also}
    return table | _UPPER


def normalise(text: str, also: str = "") -> str:
    """Drop spaces, hyphens and invisible marks (and the marks in ``also``) and put a to z in upper case."""
    return text.translate(_letters(also))


@cache
def _bytes(also: str) -> Bytes:
    """Table from a byte to what is kept of it: _DROPPED to drop it, _FOREIGN for a byte that is not ASCII."""
    table = np.arange(256, dtype=np.uint8)
    table[128:] = _FOREIGN
    table[ord("a") : ord("z") + 1] -= 32
    table[[ord(mark) for mark in SEPARATORS + also if ord(mark) < 128]] = _DROPPED
    return table


def as_strings(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Give a column as one run of pa.string, whatever kind of text array it came as."""
    one = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return one if one.type == pa.string() else one.cast(pa.string())


def runs(values: pa.Array) -> tuple[npt.NDArray[np.int64], Bytes]:
    """Give where each value of a pa.string array begins (one more than there are values), and the bytes they are in."""
    _, starts, text = values.buffers()
    if len(values) == 0 or starts is None:
        return np.zeros(len(values) + 1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    offsets = np.frombuffer(starts, dtype=np.int32)[values.offset : values.offset + len(values) + 1].astype(np.int64)
    content = np.frombuffer(text, dtype=np.uint8) if text is not None else np.zeros(0, dtype=np.uint8)
    return offsets - offsets[0], content[offsets[0] : offsets[-1]]


def valid(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Say for each value of a column whether there is one."""
    return cast(npt.NDArray[np.bool_], np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_))


def strings(offsets: npt.NDArray[np.int64], content: Bytes, missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Make a pa.string array from where its values begin and their bytes; null where ``missing``."""
    bits = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    begins = pa.py_buffer(np.ascontiguousarray(offsets, dtype=np.int32))
    return pa.Array.from_buffers(
        pa.string(), len(offsets) - 1, [bits, begins, pa.py_buffer(np.ascontiguousarray(content))]
    )


def normalise_many(values: pa.Array, also: str = "") -> pa.Array:
    """Clean every value of a pa.string array as :func:`normalise` does; nulls stay null."""
    offsets, content = runs(values)
    kept = _bytes(also)[content]
    if np.array_equal(kept, content):
        return values
    foreign = kept == _FOREIGN
    awkward = np.zeros(len(values), dtype=np.bool_)
    if foreign.any():
        awkward[np.searchsorted(offsets, np.flatnonzero(foreign), side="right") - 1] = True
    there = valid(values)
    stays = kept != _DROPPED
    ends = np.concatenate([[0], np.cumsum(stays)])
    cleaned = strings(ends[offsets], np.where(foreign, np.uint8(ord("?")), kept)[stays], ~there)
    awkward &= there
    if awkward.any():
        by_hand = [normalise(text, also) for text in values.filter(pa.array(awkward)).to_pylist()]
        cleaned = pc.replace_with_mask(cleaned, pa.array(awkward), pa.array(by_hand, pa.string()))
    return cleaned


def trim(text: str) -> str:
    """Drop spaces and invisible marks at both ends only, and put a to z in upper case."""
    return text.strip(SPACES + INVISIBLE).translate(_UPPER)


def trim_many(values: pa.Array) -> pa.Array:
    """Clean every value of a pa.string array as :func:`trim` does; nulls stay null."""
    return pc.ascii_upper(pc.utf8_trim(values, SPACES + INVISIBLE))


def matches(values: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    """Say for each value of a pa.string array whether the whole of it matches a pattern; False where there is none."""
    # \A and \z are the very ends; ^ and $ would also stop at the ends of lines inside a value.
    found = pc.fill_null(pc.match_substring_regex(values, rf"\A(?:{pattern})\z"), False)
    return cast(npt.NDArray[np.bool_], found.to_numpy(zero_copy_only=False))


def matrix(values: pa.Array, width: int) -> tuple[npt.NDArray[np.int64], Bytes]:
    """Give the values exactly ``width`` bytes long: their positions, and their bytes as a table of n by ``width``."""
    offsets, content = runs(values)
    fits = (np.diff(offsets) == width) & valid(values)
    if fits.all():
        return np.arange(len(values)), content.reshape(len(values), width)
    where = np.flatnonzero(fits)
    return where, content[offsets[where][:, None] + np.arange(width)]


def check_column(
    values: pa.Array | pa.ChunkedArray,
    clean: Callable[[pa.Array], pa.Array],
    quickly: Callable[[pa.Array], Codes],
    carefully: Callable[[str], Judged],
    findings: tuple[Finding, ...],
    canonical: Callable[[pa.Array], pa.Array] | None = None,
) -> CheckedMany:
    """Check a column: ``quickly`` decides the plain cases, ``carefully`` judges each distinct value that is left.

    ``quickly`` answers an index into ``findings`` or :data:`UNDECIDED` for each cleaned value; ``canonical`` turns
    cleaned values that were accepted into their canonical form when that differs.
    """
    cleaned = clean(as_strings(values))
    codes = quickly(cleaned).astype(np.int16)
    there = valid(cleaned)
    missing = next(index for index, found in enumerate(findings) if found.kind == "missing")
    codes[~there] = missing
    used = np.isin(codes, [index for index, found in enumerate(findings) if found.kind in USED])
    result = pc.if_else(pa.array(used), cleaned, pa.scalar(None, pa.string()))
    if canonical is not None:
        result = canonical(result)
    left = codes == UNDECIDED
    if left.any():
        index_of = {found: index for index, found in enumerate(findings)}
        distinct = cleaned.filter(pa.array(left)).dictionary_encode()
        judged = [carefully(text) for text in distinct.dictionary.to_pylist()]
        which = distinct.indices.to_numpy(zero_copy_only=False)
        codes[left] = np.array([index_of[found] for _, found in judged], dtype=np.int16)[which]
        found_values = pa.array([value for value, _ in judged], pa.string()).take(distinct.indices)
        result = pc.replace_with_mask(result, pa.array(left), found_values)
    kinds, problems = table_of(findings)
    return CheckedMany(result, kinds[codes], problems[codes], findings)
