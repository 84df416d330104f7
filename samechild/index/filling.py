"""The keys of whole columns at once: each distinct value is hashed once, and the rows follow as arrays.

It says the same as :mod:`samechild.index.keying` does of one record, three million times in half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samechild.demographics.sounds import phonex, phonex_many
from samechild.index.keying import ODD, Form, Part, key_of
from samechild.index.postings import Keys, Postings, Rows
from samechild.linkage.coded import Coded, Codes, code_column

Texts: TypeAlias = "Sequence[str] | pa.Array | pa.ChunkedArray"
"""Texts, one for each row."""


def coded(texts: Texts) -> Coded:
    """Texts as codes into the distinct ones."""
    return code_column(texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts, pa.string()))


def hashes_of(column: Coded) -> Keys:
    """The key of each row's text (:func:`samechild.index.keying.key_of`)."""
    hashes = np.fromiter(map(key_of, column.distinct), np.uint64, len(column.values))
    return hashes[column.codes]


def post(columns: Sequence[Coded | None], wanted: Sequence[tuple[Postings, Sequence[Part], Rows]], rows: Rows) -> None:
    """Add new rows to postings.

    Args:
        columns: what the rows hold, by a part's column; None where nothing is held.
        wanted: postings, the parts of their keys, and rows that are to be left out of them.
        rows: the rows' numbers, running on.
    """
    exploded = {
        part: explode(column, part.form)
        for part in dict.fromkeys(part for _, parts, _ in wanted for part in parts)
        if (column := columns[part.column]) is not None
    }

    def one(wish: tuple[Postings, Sequence[Part], Rows]) -> None:
        postings, parts, hidden = wish
        held = [(column.codes, exploded[part]) for part in parts if (column := columns[part.column]) is not None]
        if len(held) < len(parts) or not len(rows):
            return
        keys, which = keys_in_bulk(held, len(rows))
        which += rows[0]
        if len(hidden):
            shown = ~np.isin(which, hidden)
            keys, which = keys[shown], which[shown]
        postings.extend(keys, which)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, wanted))


class Exploded(NamedTuple):
    """The hashes that each distinct value of a column holds: those of value ``i`` begin at ``starts[i]``."""

    starts: NDArray[np.int64]
    hashes: Keys
    single: bool  # at most one for each value, so that ``hashes[i]`` is it, 0 when there is none


def explode(column: Coded, form: Form | None) -> Exploded:
    """Hash every distinct value of a column in some form, as :meth:`Part.hashes` does one; -1 has none."""
    if not column.is_list:
        hashes = np.append(_hashed(column.values, form), np.uint64(0))
        return Exploded(np.zeros(0, np.int64), hashes, True)
    members, offsets, texts = column.exploded
    hashed = np.append(_hashed(texts, form), np.uint64(0))[members]
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    owners, hashed = owners[hashed != 0], hashed[hashed != 0]
    order = np.lexsort((hashed, owners))
    owners, hashed = owners[order], hashed[order]
    again = np.zeros(len(owners), bool)
    again[1:] = (owners[1:] == owners[:-1]) & (hashed[1:] == hashed[:-1])
    owners, hashed = owners[~again], hashed[~again]
    lengths = np.append(np.bincount(owners, minlength=len(offsets) - 1), 0)
    return Exploded(np.append(0, np.cumsum(lengths)).astype(np.int64), hashed, False)


def _hashed(texts: pa.Array, form: Form | None) -> Keys:
    if form is phonex:
        texts, form = phonex_many(texts), None
    listed = cast("list[str | None]", texts.to_pylist())
    made = (text or "" for text in listed) if form is None else (form(text) or "" if text else "" for text in listed)
    return np.fromiter(map(hash, made), np.int64, len(listed)).view(np.uint64)


def keys_in_bulk(parts: Sequence[tuple[Codes, Exploded]], rows: int) -> tuple[Keys, Rows]:
    """The keys of whole columns: (uint64 key, int32 row) for each key a row has, by rows; as :func:`joined`."""
    which = np.arange(rows, dtype=np.int32)
    keys: Keys | None = None
    for codes, (starts, hashes, single) in parts:
        held = codes[which]
        if single:
            found = hashes[held]
            there = found != 0
            which, found = which[there], found[there]
            keys = None if keys is None else keys[there]
        else:
            lengths = np.diff(starts)[held]
            begins = np.repeat(starts[:-1][held], lengths)
            within = np.arange(len(begins)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            found = hashes[begins + within]
            which = np.repeat(which, lengths)
            keys = None if keys is None else np.repeat(keys, lengths)
        keys = found if keys is None else keys * np.uint64(ODD) + found
    assert keys is not None
    return keys, which
