"""Each record of a source under a name of its own, even when the source uses one id twice.

An id that comes twice is common (a child with two referrals, a file put together from two extracts) and losing either
row would lose evidence. The second gets ``#2``. Which one is second is decided by what the rows say, never by their
order in the file, so that a shuffled file gives the same names; rows that say the same are interchangeable.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.records import Issue, Severity

_TOLD = 1_000


def distinct_ids(table: pa.Table) -> tuple[pa.Array, list[Issue]]:
    """Return the record ids with repeats within a source marked ``#2``, ``#3``..., and a warning for each.

    ``table`` has ``source``, ``record_id``, ``row`` and any other columns of text. The answer has one id for each row.
    """
    ids = table.column("record_id").combine_chunks()
    if isinstance(ids, pa.ChunkedArray):
        ids = pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], pa.string())
    repeated = _repeated(table, ids)
    if len(repeated) == 0:
        return ids, []
    some = table.take(pa.array(repeated))
    groups: dict[tuple[str, str], list[tuple[tuple[str, ...], int, int]]] = {}
    others = [name for name in sorted(table.column_names) if name not in ("source", "record_id", "row")]
    contents = [some.column(name).to_pylist() for name in others]
    rows = some.column("row").to_pylist()
    keys = list(zip(some.column("source").to_pylist(), some.column("record_id").to_pylist(), strict=True))
    for place, key in enumerate(keys):
        content = tuple(column[place] or "" for column in contents)
        groups.setdefault(key, []).append((content, rows[place], int(repeated[place])))
    return _renamed(table, ids, groups)


def _repeated(table: pa.Table, ids: pa.Array) -> np.ndarray:
    """Find the rows whose id another row of the same source has too."""
    if pc.count_distinct(ids).as_py() == len(ids):
        return np.empty(0, np.int64)
    codes = ids.dictionary_encode().indices.to_numpy().astype(np.int64)
    sources = table.column("source").combine_chunks()
    if isinstance(sources, pa.ChunkedArray):
        sources = pa.concat_arrays(sources.chunks)
    if not pa.types.is_dictionary(sources.type):
        sources = sources.dictionary_encode()
    pairs = codes * (len(sources.dictionary) + 1) + sources.indices.to_numpy()
    _, place, count = np.unique(pairs, return_inverse=True, return_counts=True)
    return np.flatnonzero(count[place] > 1)


def _renamed(
    table: pa.Table, ids: pa.Array, groups: dict[tuple[str, str], list[tuple[tuple[str, ...], int, int]]]
) -> tuple[pa.Array, list[Issue]]:
    names = ids.to_pylist()
    taken = set(zip(table.column("source").to_pylist(), names, strict=True))
    issues: list[Issue] = []
    for (source, name), members in sorted(groups.items()):
        number = 1
        for content_order, (_, row, place) in enumerate(sorted(members)):
            if content_order == 0:
                continue
            number += 1
            while (source, f"{name}#{number}") in taken:
                number += 1
            names[place] = f"{name}#{number}"
            taken.add((source, names[place]))
            issues.append(Issue(source, row, "", "record-id-twice", Severity.WARNING, _MESSAGE))
    issues.sort()
    if len(issues) > _TOLD:
        rest = len(issues) - _TOLD
        issues = [*issues[:_TOLD], Issue("", 0, "", "record-id-twice", Severity.WARNING, _MESSAGE, rest)]
    return pa.array(names, pa.string()), issues


_MESSAGE = (
    "Another row of this source has the same record id: both were kept, and this one's id got #2 (or the next number)."
)
