"""The arithmetic of check digits, which catch a mistyped number before it names another child.

NHS, CHI, Health and Care and learner numbers weigh their ten digits 10, 9, ... 1 and look at the remainder after
division by 11: 0 for the health numbers, 10 for the learner number, so no value is ever both. Every single wrong
digit and every exchange of two neighbouring digits changes the remainder, because 11 is prime and neighbouring
weights differ by one.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samechild.identifiers.text import Bytes, strings

TEN_TO_ONE = np.arange(10, 0, -1)
_PLACES = 10.0 ** np.arange(9, -1, -1)
_ROWS = 1 << 13  # rows weighed at once: few enough for the cache, and for a product that needs no second thread


def remainder_11(digits: str) -> int:
    """Weigh ten digits 10 to 1 and give the remainder after division by 11."""
    return sum(weight * int(digit) for weight, digit in zip(range(10, 0, -1), digits, strict=True)) % 11


def is_digits(text: str, length: int) -> bool:
    """Say whether text is exactly so many of the ASCII digits 0 to 9 (``str.isdigit`` also takes other scripts)."""
    return len(text) == length and text.isascii() and text.isdigit()


def is_repeated(text: str) -> bool:
    """Say whether text is one character over and over: a keyboard filler that passes the arithmetic."""
    return len(set(text)) == 1


REPEATED_DIGIT = "0+|" + "|".join(f"{digit}{{10,}}" for digit in range(1, 10))
"""Pattern of what :func:`is_filler` refuses."""


def is_filler(text: str) -> bool:
    """Say whether text is noughts alone, or one digit ten times or more: what is typed to fill a box."""
    return not text.strip("0") or (len(text) >= 10 and text[0].isdigit() and is_repeated(text))


def weigh_ten(rows: Bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Weigh many ten-byte values: the remainder after division by 11, and the number itself, both -1 if not digits."""
    remainders = np.full(len(rows), -1, dtype=np.int64)
    numbers = np.full(len(rows), -1, dtype=np.int64)
    weights = np.stack([TEN_TO_ONE.astype(np.float64), _PLACES], axis=1)
    for start in range(0, len(rows), _ROWS):
        digits = rows[start : start + _ROWS] - np.uint8(48)
        plain = digits.max(axis=1) <= 9
        # Whole numbers below 2 to the 53 are exact as floats, in whatever order they are added.
        sums = digits.astype(np.float64) @ weights
        remainders[start : start + _ROWS] = np.where(plain, sums[:, 0] % 11, -1)
        numbers[start : start + _ROWS] = np.where(plain, sums[:, 1], -1)
    return remainders, numbers


def digits_of(numbers: npt.NDArray[np.int64], width: int) -> Bytes:
    """Write whole numbers as rows of ASCII digits with leading zeros: n by ``width`` bytes."""
    places = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return cast(Bytes, (numbers[:, None] // places % 10 + 48).astype(np.uint8))


def as_column(rows: Bytes) -> pa.Array:
    """Give rows of equally long text as a pa.string array."""
    return strings(np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1], rows.reshape(-1))


def nth_of_eleven(serials: npt.NDArray[np.int64], first: int, passing: int) -> Bytes:
    """Make the ``serials``-th number whose remainder is ``passing``, counting upwards from ``first``.

    Of ten prefixes that differ in their ninth digit at most one can have no check digit (it would be 10), so nine of
    each ten are used: different serials give different numbers, in increasing order, with no search. ``first`` is a
    ten-digit number ending in two noughts.
    """
    tens = first // 100 + serials // 9
    rows = digits_of(tens * 100, 10)
    partial = (rows[:, :8].astype(np.int64) - 48) @ TEN_TO_ONE[:8]
    # Ninth digit d weighs 2d; the check digit is passing - partial - 2d (mod 11), and 10 must be avoided.
    unusable = (passing - 10 - partial) * 6 % 11  # 6 is the inverse of 2
    ninth = serials % 9
    ninth += ninth >= unusable
    rows[:, 8] += ninth.astype(np.uint8)
    rows[:, 9] += ((passing - partial - 2 * ninth) % 11).astype(np.uint8)
    return rows
