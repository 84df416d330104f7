"""Several values of one record held as one: every given name, every part of a surname, every postcode.

A comparison of such sets asks whether they share a member, so that a child whose middle name became the first, or who
moved house, is still met. The members of a set are in alphabetical order and each stands once.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from samechild.demographics.columns import MISSING, Coded, Codes, distinct_pairs, lookup

Ints = npt.NDArray[np.int64]


class SetColumn(msgspec.Struct, frozen=True):
    """A column of sets: codes into lists, the list ``i`` being ``members[starts[i]:starts[i + 1]]``."""

    codes: Codes
    starts: Ints
    members: pa.Array


def of_lists(codes: Codes, lists: pa.ListArray) -> SetColumn:
    """Sets from a list array over distinct values (null is the empty set)."""
    return SetColumn(codes, lists.offsets.to_numpy().astype(np.int64), lists.values)


def of_values(column: Coded) -> SetColumn:
    """Sets of one member each."""
    return SetColumn(column.codes, np.arange(len(column.values) + 1), column.values)


def union(columns: Sequence[SetColumn]) -> Coded:
    """For each row, all members of all its sets, in alphabetical order: a column of list<string>, empty missing."""
    words = pa.concat_arrays([column.members for column in columns]).dictionary_encode()
    order = np.asarray(pc.sort_indices(words.dictionary), dtype=np.int64)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    ids = rank[np.asarray(words.indices)] if len(order) else np.zeros(0, dtype=np.int64)
    begins = np.cumsum([0, *(len(column.members) for column in columns)])
    parts = [ids[begins[i] : begins[i + 1]] for i in range(len(columns))]
    codes, starts, flat = columns[0].codes, columns[0].starts, parts[0]
    starts, flat = _tidy(_owners(starts), flat, len(starts) - 1, len(order))
    for column, members in zip(columns[1:], parts[1:], strict=True):
        (left, right), codes = distinct_pairs(codes, column.codes, len(column.starts) - 1)
        one, first = _gather(left, starts, flat)
        two, second = _gather(right, column.starts, members)
        starts, flat = _tidy(np.concatenate([one, two]), np.concatenate([first, second]), len(left), len(order))
    return _distinct(codes, starts, flat, words.dictionary.take(pa.array(order)))


def _owners(starts: Ints) -> Ints:
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _gather(which: Codes, starts: Ints, flat: Ints) -> tuple[Ints, Ints]:
    """The members of the lists ``which`` (-1 has none): for each member, its list's place in ``which``, and itself."""
    there = which >= 0
    sizes = np.where(there, np.diff(starts)[which] if len(starts) > 1 else 0, 0)
    owners = np.repeat(np.arange(len(which)), sizes)
    ends = np.cumsum(sizes)
    offset = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    return owners, flat[np.repeat(starts[:-1][which] if len(starts) > 1 else sizes, sizes) + offset]


def _tidy(owners: Ints, flat: Ints, lists: int, words: int) -> tuple[Ints, Ints]:
    """Members sorted within their lists, each once: (starts, members)."""
    keys = np.sort(owners * max(words, 1) + flat)  # numpy's unique is several times slower than its sort
    keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    starts = np.zeros(lists + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys // max(words, 1), minlength=lists), out=starts[1:])
    return starts, keys % max(words, 1)


def _distinct(codes: Codes, starts: Ints, flat: Ints, words: pa.Array) -> Coded:
    """One code for equal lists. Lists are compared by a 64-bit sum of random numbers, then checked member by member."""
    sizes = np.diff(starts)
    noise = np.random.default_rng(20260101).integers(1, 2**63, size=len(words) + 1, dtype=np.uint64)
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(noise[flat], dtype=np.uint64)])
    prints = pa.array(sums[starts[1:]] - sums[starts[:-1]]).dictionary_encode()
    which = np.asarray(prints.indices, dtype=np.int64)
    first = np.full(len(prints.dictionary), len(which), dtype=np.int64)
    np.minimum.at(first, which, np.arange(len(which)))
    twin = first[which]
    if not (_same(starts, flat, sizes, twin)):  # two different lists with one sum: once in ten million files
        lists = [tuple(flat[starts[i] : starts[i + 1]].tolist()) for i in range(len(sizes))]
        place: dict[tuple[int, ...], int] = {}
        twin = np.array([place.setdefault(members, i) for i, members in enumerate(lists)], dtype=np.int64)
    kept = np.flatnonzero((twin == np.arange(len(twin))) & (sizes > 0))
    number = np.full(len(sizes) + 1, MISSING, dtype=np.int32)
    number[kept] = np.arange(len(kept))
    _, members = _gather(kept.astype(np.int32), starts, flat)
    offsets = np.concatenate([[0], np.cumsum(sizes[kept])]).astype(np.int32)
    lists_array = pa.ListArray.from_arrays(pa.array(offsets), words.take(pa.array(members)))
    return Coded(lookup(number[twin], codes), lists_array)


def _same(starts: Ints, flat: Ints, sizes: Ints, twin: Ints) -> bool:
    """Whether every list equals the one it was found equal to."""
    others = np.flatnonzero(twin != np.arange(len(twin)))
    if not np.array_equal(sizes[others], sizes[twin[others]]):
        return False
    _, mine = _gather(others.astype(np.int32), starts, flat)
    _, theirs = _gather(twin[others].astype(np.int32), starts, flat)
    return np.array_equal(mine, theirs)
