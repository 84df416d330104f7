"""Luck in a single life: for what is drawn one child at a time; :mod:`samechild.town.chance` draws by the column."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Luck that is the same on every machine: only plain fractions are drawn."""

    def __init__(self, *purpose: object) -> None:
        self._of = Random(":".join(map(str, purpose)))

    def happens(self, share: float) -> bool:
        """True in that share of draws."""
        return self._of.random() < share

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self._of.random() * (most - least + 1))

    def mostly_short(self, least: int, most: int) -> int:
        """A whole number, low ones likelier."""
        fraction = self._of.random()
        return least + int(fraction * fraction * (most - least + 1))

    def one_of(self, weights: dict[str, int]) -> str:
        """One of the keys, by weight."""
        left = self._of.random() * sum(weights.values())
        for key, weight in weights.items():
            left -= weight
            if left < 0:
                return key
        return key

    def pick(self, among: Sequence[T]) -> T:
        """One of several, all alike."""
        return among[int(self._of.random() * len(among))]
