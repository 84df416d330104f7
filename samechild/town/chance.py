"""Draws that come out the same on every machine.

Only the raw 64-bit stream of PCG64 is used, turned into fractions and whole numbers by exact arithmetic: no library
distribution, no shuffle, no logarithm, nothing whose result may change between versions or processors.
"""

from __future__ import annotations

import numpy as np

from samechild.town.records import Flags, Floats, Ints


class Chance:
    """A source of draws for one part of a town, fixed by the seed and the names of what it is for."""

    def __init__(self, seed: int, *purpose: int) -> None:
        self._stream = np.random.PCG64(np.random.SeedSequence([seed, *purpose]))

    def bits(self, count: int) -> Ints:
        """Whole numbers from 0 to 2**53 - 1."""
        raw: Ints = (self._stream.random_raw(count) >> np.uint64(11)).astype(np.int64)
        return raw

    def fractions(self, count: int) -> Floats:
        """Numbers from 0 up to, never reaching, 1."""
        drawn: Floats = self.bits(count).astype(np.float64) * np.float64(1.0 / (1 << 53))
        return drawn

    def happens(self, share: float | Floats, count: int) -> Flags:
        """True in about the given share of ``count`` draws; ``share`` may differ for each."""
        drawn: Flags = self.fractions(count) < share
        return drawn

    def below(self, bound: int | Ints, count: int) -> Ints:
        """Whole numbers from 0 up to, not reaching, ``bound``."""
        drawn: Ints = (self.fractions(count) * bound).astype(np.int64)
        return drawn

    def order(self, count: int) -> Ints:
        """A shuffled order of ``count`` things."""
        drawn: Ints = np.argsort(self.bits(count), kind="stable")
        return drawn
