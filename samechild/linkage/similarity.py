"""How alike are two values? Each function of a condition, once, on single values: slow, obvious, and what is right.

DuckDB is what Splink's users run, so these give DuckDB's answers to the last bit (tests generate texts and compare).
Three things surprise:

- DuckDB's similarities work on the bytes of UTF-8, so an accented letter counts as two. Our standardised names are A
  to Z, where bytes and letters are the same; for other text we follow DuckDB, or the weights of a Splink model would
  differ.
- DuckDB calls two empty texts wholly unlike (0) in Jaro and Jaro-Winkler. rapidfuzz calls them equal (1).
- DuckDB rounds Jaro-Winkler's last step once (a fused multiply and add), rapidfuzz twice. In about two of a thousand
  pairs the last bit differs, which decides when a similarity falls exactly on a threshold such as 0.92.

Sources: Jaro, JASA 1989; Winkler, *String comparator metrics*, 1990; Damerau, CACM 1964; Levenshtein 1966.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction

from rapidfuzz.distance import DamerauLevenshtein, Jaro, Levenshtein

from samechild.errors import Invalid

Value = str | tuple[str, ...] | float | int | None
"""What a field or a function may give: a text, a list of texts, a number, or nothing."""


def jaro(left: str, right: str) -> float:
    """Say how alike two texts are, from 0 to 1, by the letters they share in nearly the same place (Jaro 1989)."""
    if not left or not right:
        return 0.0
    return float(Jaro.similarity(left.encode(), right.encode()))


def jaro_winkler(left: str, right: str) -> float:
    """Say how alike two texts are, from 0 to 1, an equal beginning counting more (Winkler 1990).

    Above a Jaro similarity of 0.7, each of up to four equal first bytes closes a tenth of what is left to 1.
    """
    plain = jaro(left, right)
    if plain <= 0.7:
        return plain
    share = 0.1 * _equal_start(left.encode(), right.encode(), 4)
    return float(Fraction(plain) + Fraction(share) * Fraction(1.0 - plain))  # rounded once, as DuckDB does


def _equal_start(left: bytes, right: bytes, most: int) -> int:
    equal = 0
    for one, other in zip(left[:most], right[:most], strict=False):
        if one != other:
            break
        equal += 1
    return equal


def jaccard(left: str, right: str) -> float | None:
    """Give the share of different letters that two texts have in common, 0 to 1; missing when either is empty.

    DuckDB stops with an error on an empty text; standardised values are never empty.
    """
    if not left or not right:
        return None
    one, other = set(left.encode()), set(right.encode())
    return len(one & other) / len(one | other)


def levenshtein(left: str, right: str) -> int:
    """Count the letters (bytes) to be changed, put in or left out to make one text the other."""
    return int(Levenshtein.distance(left.encode(), right.encode()))


def damerau_levenshtein(left: str, right: str) -> int:
    """Count typing errors as Levenshtein does, two neighbouring letters exchanged counting once."""
    return int(DamerauLevenshtein.distance(left.encode(), right.encode()))


def shared(left: Sequence[str], right: Sequence[str]) -> int:
    """Count the different values that two lists have in common."""
    return len(set(left) & set(right))


_DATE = re.compile(r"[ \t\n\v\f\r]*([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})[ \t\n\v\f\r]*")


_WHOLE = re.compile(r"[0-9]{1,18}")


def iso_date(text: str) -> str | None:
    """Give a date as YYYY-MM-DD when the text is one, otherwise nothing (a 31 June, a year alone)."""
    found = _DATE.fullmatch(text)
    if not found:
        return None
    try:
        return date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:
        return None


def days_between(left: str, right: str) -> int | None:
    """Count the days from one date to another, without sign; missing when either is not a date."""
    one, other = iso_date(left), iso_date(right)
    if one is None or other is None:
        return None
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)


def number_gap(left: str, right: str) -> int | None:
    """Count how far apart two whole numbers are; missing when either is not made of 1 to 18 digits."""
    if not (_WHOLE.fullmatch(left) and _WHOLE.fullmatch(right)):
        return None
    return abs(int(left) - int(right))


def substr(text: str, start: int, length: int | None = None) -> str:
    """Give part of a text: from letter ``start`` (the first is 1), ``length`` letters or all the rest."""
    if start < 1 or (length is not None and length < 0):
        raise Invalid("substr counts letters from 1 and takes no negative length; correct the model's condition.")
    return text[start - 1 :] if length is None else text[start - 1 : start - 1 + length]


def lower(text: str) -> str:
    """Write a text in small letters, letter for letter, as DuckDB does for Latin, Greek and Cyrillic letters."""
    return "".join("i" if letter == "İ" else _one_letter(letter, letter.lower()) for letter in text)


def upper(text: str) -> str:
    """Write a text in capital letters, letter for letter: the German sharp s becomes one capital, not SS."""
    return "".join("ẞ" if letter == "ß" else _one_letter(letter, letter.upper()) for letter in text)


def _one_letter(letter: str, changed: str) -> str:
    return changed if len(changed) == 1 else letter


_PATTERN = re.compile(
    r"""\^?(?:
        (?: \[\^?(?:[A-Za-z0-9 @_.]|[A-Z]-[A-Z]|[a-z]-[a-z]|[0-9]-[0-9])+\] | [A-Za-z0-9 @_-] )   # a class, or a letter
        (?: [?*+] | \{[0-9]{1,3}(?:,[0-9]{0,3})?\} )?                                            # how many of it
    )+""",
    re.VERBOSE,
)


def is_plain_pattern(pattern: str) -> bool:
    """Tell whether a regular expression means the same in Python and in every database we write SQL for.

    Allowed: ``^`` at the start, letters, digits, space, ``@ _ -``, classes such as ``[A-Z0-9]`` and ``[^@]``, and
    ``? * + {m,n}``. Splink's postcode and email comparisons need no more; dots, escapes, groups and alternatives differ
    between engines.
    """
    return _PATTERN.fullmatch(pattern) is not None


def regexp_extract(text: str, pattern: str) -> str:
    """Give the first part of a text that matches a plain pattern (see :func:`is_plain_pattern`), or an empty text."""
    if not is_plain_pattern(pattern):
        raise Invalid("A regular expression in the model is not one that every engine reads alike; use substr instead.")
    found = re.search(pattern, text)
    return found.group(0) if found else ""


def length(value: str | Sequence[str]) -> int:
    """Count the letters of a text, or the values of a list."""
    return len(value)


def nullif(value: Value, unwanted: Value) -> Value:
    """Give the value, or nothing when it equals the unwanted one."""
    return None if unwanted is not None and value == unwanted else value


def coalesce(*values: Value) -> Value:
    """Give the first of several values that is not missing."""
    return next((value for value in values if value is not None), None)


TAKES_MISSING: dict[str, Callable[..., Value]] = {"coalesce": coalesce, "nullif": nullif}
"""Functions that may give a value though an argument is missing."""

ON_VALUES: dict[str, Callable[..., Value]] = {
    "jaro_winkler_similarity": jaro_winkler,
    "jaro_similarity": jaro,
    "jaccard": jaccard,
    "levenshtein": levenshtein,
    "damerau_levenshtein": damerau_levenshtein,
    "shared": shared,
    "days_between": days_between,
    "number_gap": number_gap,
    "iso_date": iso_date,
    "substr": substr,
    "regexp_extract": regexp_extract,
    "length": length,
    "lower": lower,
    "upper": upper,
}
"""Functions that are missing as soon as one argument is."""


def call(function: str, arguments: Sequence[Value]) -> Value:
    """Work out one function of a condition, by its name in :data:`samechild.linkage.conditions.FUNCTIONS`.

    Raises :class:`~samechild.errors.Invalid` for an unknown function, and for a text function asked about a list.
    """
    if function in TAKES_MISSING:
        return TAKES_MISSING[function](*arguments)
    if function not in ON_VALUES:
        raise Invalid(f"The model's conditions use the function {function}, which does not exist; remove it.")
    if any(argument is None for argument in arguments):
        return None
    for argument in arguments:
        if isinstance(argument, tuple) != (function == "shared") and not (
            function == "length" or isinstance(argument, int | float)
        ):
            kind = "lists" if function == "shared" else "texts"
            raise Invalid(f"The model's function {function} compares {kind}; one of its fields is of another kind.")
    return ON_VALUES[function](*arguments)
