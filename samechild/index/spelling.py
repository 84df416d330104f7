"""Names that are nearly the name typed: one slip of the finger in a short one, up to two in a long one.

Two words that differ by one or two slips share what is left of each when as many letters are taken out (the deletion
neighbourhood of SymSpell: W. Garbe, 2012; T. Bocek et al., *Fast Similarity Search in Large Dictionaries*, 2007).
Distances are optimal string alignment: a letter left out, put in, written wrongly, or exchanged with its neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from rapidfuzz.distance import OSA

from samechild.demographics import variants
from samechild.index.keying import key_of
from samechild.index.postings import Postings

LONG = 8
"""From so many letters on a name may have two slips."""
SHORTEST = 2
"""Shorter names are compared as they stand; two of this length are never taken for one another."""
LONGEST = 30
"""Longer words are no single names; they are compared as they stand."""


class Spelling:
    """The distinct name parts of a space, and what each of them may have been meant to be."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._shortened = Postings()
        self._surnames: set[str] = set()
        self._by_rule: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, word: str) -> bool:
        return word in self._numbers

    def add(self, word: str, *, surname: bool) -> None:
        """Let a given name or a part of a surname be known."""
        if surname:
            self._relate(word)
        if word and word not in self._numbers:
            number = self._number(word)
            for left in _left_of(word):
                self._shortened.add(key_of(left), number)

    def extend(self, words: Iterable[str], *, surname: bool) -> None:
        """Let many names be known."""
        keys: list[int] = []
        numbers: list[int] = []
        for word in words:
            if surname:
                self._relate(word)
            if word not in self._numbers:
                number = self._number(word)
                left = _left_of(word)
                keys.extend(map(hash, left))
                numbers.extend([number] * len(left))
        self._shortened.extend(np.array(keys, np.int64).view(np.uint64), np.array(numbers, np.int32))

    def near(self, word: str, most: int = 2) -> list[tuple[str, int]]:
        """The other known parts within reach of a word, in alphabetical order, each with its number of slips.

        Up to ``most`` slips, and in a word shorter than :data:`LONG` one.
        """
        if not SHORTEST <= len(word) <= LONGEST:
            return []
        most = min(most, slips(word))
        numbers = {number for left in _left_of(word, most) for number in self._shortened.rows(key_of(left))}
        found = []
        for number in numbers:
            other = self._words[number]
            distance = OSA.distance(word, other, score_cutoff=most)
            if 0 < distance <= most and max(len(word), len(other)) > SHORTEST:
                found.append((other, int(distance)))
        return sorted(found)

    def related(self, word: str) -> list[str]:
        """Other surnames that are regular forms of this one (Mac and Mc; Kowalska and Kowalski), in order."""
        mark = variants.surname_rule_mark(word)
        return sorted(other for other in self._by_rule.get(mark or "", ()) if other != word)

    def _number(self, word: str) -> int:
        number = len(self._words)
        self._words.append(word)
        self._numbers[word] = number
        return number

    def _relate(self, surname: str) -> None:
        mark = variants.surname_rule_mark(surname) if surname not in self._surnames else None
        self._surnames.add(surname)
        if mark:
            self._by_rule.setdefault(mark, []).append(surname)


def slips(word: str) -> int:
    """How many slips are forgiven in a word."""
    return 2 if len(word) >= LONG else 1


@cache
def listed_variants(applies_to: str) -> dict[str, tuple[str, ...]]:
    """For each listed name the other names it can stand for; ``applies_to`` as in samechild.demographics.variants."""
    found: dict[str, set[str]] = {}
    for _, one, other, kind in variants.pairs():
        if kind == applies_to and one != other:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {name: tuple(sorted(others)) for name, others in found.items()}


def _left_of(word: str, most: int = 2) -> list[str]:
    """The word, and what is left when one letter, or in a long word up to ``most``, are taken out; each once."""
    if not SHORTEST <= len(word) <= LONGEST:
        return [word]
    found = {word: None}
    shorter = {word[:i] + word[i + 1 :]: None for i in range(len(word))}
    found |= shorter
    if len(word) >= LONG and most > 1:
        found |= {each[:i] + each[i + 1 :]: None for each in shorter for i in range(len(each))}
    return list(found)
