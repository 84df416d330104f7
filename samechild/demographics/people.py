"""Whole columns of names, dates of birth and sex, read as the functions for one value read them.

Most names are plain words in which there is nothing to decide; those are put in capitals by the column. Only the others
(placeholders, prefixes, accents, several words ...) go through :mod:`~samechild.demographics.names` one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from samechild.demographics import dates, names, placeholders, sounds, variants
from samechild.demographics.columns import Coded, recode
from samechild.demographics.names import NameRead

_REPEATED = "X{2,}|Z{2,}|" + "|".join(f"{letter}{{4,}}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PLAIN = r"\A(?:[A-Za-z][a-z]+|[A-Z]{2,})\z"
_READ_ONE_BY_ONE = {
    "forename": rf"\A(?:{_REPEATED}|(?:TWIN|TRIPLET|QUAD|BABY).*)\z",
    "surname": rf"\A(?:{_REPEATED}|(?:MC|MAC|SAINT).*)\z",
}


class NamesRead(msgspec.Struct, frozen=True):
    """:class:`~samechild.demographics.names.NameRead` for each distinct value of a column, as columns."""

    name: pa.Array
    parts: pa.ListArray
    more: pa.Array
    aside: pa.Array
    birth_order: pa.Array
    problem: pa.Array


def read_names(values: pa.Array, read: Callable[[str], NameRead]) -> NamesRead:
    """Ask ``read`` (``read_forename``, ``read_middle_names`` or ``read_surname``) about every value."""
    upper = pc.ascii_upper(values)
    kind = "surname" if read is names.read_surname else "forename"
    slow = np.asarray(~np.asarray(pc.match_substring_regex(values, _PLAIN)), dtype=np.bool_)
    slow |= np.asarray(pc.match_substring_regex(upper, _READ_ONE_BY_ONE[kind]))
    slow |= np.asarray(pc.is_in(upper, value_set=_special(kind)))
    reads = [read(value) for value in values.filter(pa.array(slow)).to_pylist()]
    nothing = pa.nulls(len(values), pa.string())

    def column(of: Callable[[NameRead], str | None]) -> pa.Array:
        made = pa.array([of(one) for one in reads], pa.string())
        return nothing if made.null_count == len(made) else pc.replace_with_mask(nothing, pa.array(slow), made)

    name = pc.replace_with_mask(upper, pa.array(slow), pa.array([one.name for one in reads], pa.string()))
    parts = _parts(upper, slow, reads)
    return NamesRead(
        name, parts, column(lambda r: r.more), column(lambda r: r.aside), column(lambda r: r.birth_order),
        column(lambda r: r.problem),
    )  # fmt: skip


def _special(kind: str) -> pa.Array:
    words = placeholders.NO_NAME | {"NAN"}
    return pa.array(sorted(words | (placeholders.NEWBORN | names.TITLES if kind == "forename" else names.SUFFIXES)))


def _parts(upper: pa.Array, slow: npt.NDArray[np.bool_], reads: Sequence[NameRead]) -> pa.ListArray:
    """Each value's parts: itself for a plain one, those found for the others."""
    sizes = np.ones(len(upper), dtype=np.int64)
    sizes[slow] = [len(one.parts) for one in reads]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    source = np.empty(starts[-1], dtype=np.int64)
    source[starts[:-1][~slow]] = np.flatnonzero(~slow)
    owners = np.repeat(slow, sizes)
    source[owners] = len(upper) + np.arange(int(owners.sum()))
    found = pa.array([part for one in reads for part in one.parts], pa.string())
    return pa.ListArray.from_arrays(
        pa.array(starts.astype(np.int32)), pa.concat_arrays([upper, found]).take(pa.array(source))
    )


def sound_of(column: Coded) -> Coded:
    """The Phonex codes of a column of names."""
    return recode(column, sounds.phonex_many(column.values))


def marks_of(values: pa.Array, applies_to: str) -> pa.ListArray:
    """The variant marks of every name of a string array, as a list array."""
    listed = variants.marks(applies_to)
    known = pc.is_in(values, value_set=pa.array(list(listed), pa.string()))
    answer = variants.forename_marks
    if applies_to == variants.SURNAME:
        known = pc.or_(known, pc.match_substring_regex(values, variants.RULE_PATTERN))
        answer = variants.surname_marks
    hits = np.flatnonzero(np.asarray(known))
    found = [answer(name) for name in values.take(pa.array(hits)).to_pylist()]
    sizes = np.zeros(len(values), dtype=np.int32)
    sizes[hits] = [len(marks) for marks in found]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(starts), pa.array([m for marks in found for m in marks], pa.string()))


def read_dates(values: list[str], reading: dates.DateReading) -> dict[str, pa.Array]:
    """:func:`~samechild.demographics.dates.read_date` of every value: arrays date, swapped, month, year, problem."""
    reads = [dates.read_date(value, reading) for value in values]
    return {
        field: pa.array([getattr(read, field) for read in reads], pa.string())
        for field in ("date", "swapped", "month", "year", "problem")
    }
