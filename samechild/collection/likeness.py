"""Which children of one extract have a number, or a name and birth date, in common: some rules ask it before sending.

The whole extract has to be seen for it, and no child need be kept: of each value only its digest is held (sixteen
bytes, in memory), for as long as the extract is read. What is compared is what the receiver compares
(:func:`samechild.collection.rules.parts.alike`).
"""

from __future__ import annotations

import hashlib
from array import array
from datetime import date

import numpy as np

from samechild.collection.check import Problem, check
from samechild.collection.records import Child, Details
from samechild.collection.rules.parts import alike
from samechild.collection.rules.rule import At

_DIGEST = np.dtype([("one", "<u8"), ("other", "<u8")])


class Likeness:
    """What the children of an extract have in common. Each child is taken once; nothing that it says is kept."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._is_new = bytearray()
        self._digests: dict[str, bytearray] = {}
        self._whose: dict[str, array[int]] = {}

    def take(self, child: Child, *, is_new: bool = True) -> None:
        """Take a child in; ``is_new``: whether it is sent this time, so that what it shares is to be told."""
        whose = len(self._ids)
        self._ids.append(child.la_child_id)
        self._is_new.append(is_new)
        for kind, value in alike(child).items():
            digest = hashlib.blake2b(value.encode(errors="surrogatepass"), digest_size=_DIGEST.itemsize).digest()
            self._digests.setdefault(kind, bytearray()).extend(digest)
            self._whose.setdefault(kind, array("q")).append(whose)

    def shared(self) -> dict[str, frozenset[str]]:
        """What some children share (``upn``, ``name and birth``), by the child's own id, in the order of taking.

        Only what at least one child that is new shares is told; then everybody who shares it is named.
        """
        found: dict[int, set[str]] = {}
        for kind in self._digests:
            for whose in self._sharing(kind):
                found.setdefault(whose, set()).add(kind)
        return {self._ids[whose]: frozenset(found[whose]) for whose in sorted(found)}

    def _sharing(self, kind: str) -> list[int]:
        digests = np.frombuffer(self._digests[kind], _DIGEST)
        order = np.lexsort((digests["other"], digests["one"]))
        ordered, whose = digests[order], np.frombuffer(self._whose[kind], np.int64)[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        sizes = np.diff(np.r_[starts, len(ordered)])
        is_new = np.frombuffer(self._is_new, np.bool_)[whose]
        told = (sizes > 1) & np.logical_or.reduceat(is_new, starts)
        return [int(each) for each in whose[np.repeat(told, sizes)]]


def problems_of_sharing(kinds: frozenset[str], today: date, window: date) -> list[Problem]:
    """What the rules say of a child for nothing but what it has in common with another, with the usual places.

    For a child that is no longer at hand: a bare one stands in for it, and what the rules say of that one anyway is
    left out.
    """
    alone = At(child=Child(la_child_id="0", child_details=Details()), today=today, window=window)
    beside = At(child=alone.child, today=today, window=window, shared=kinds)
    return sorted(set(check(beside)) - set(check(alone)))
