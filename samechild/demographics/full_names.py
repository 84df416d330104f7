"""A whole name in one field, taken apart where the forename or the surname was not given.

Many systems export "SMITH, John Paul" or "Mr John Paul Smith" and nothing else. The parts are then read as if they had
been given. Where both were given, the whole name is not used for them: it says nothing new and splits less surely.
"""

from __future__ import annotations

from samechild.demographics.letters import to_letters, words_of
from samechild.demographics.names import (
    NOTHING,
    SUFFIXES,
    SURNAME_PREFIXES,
    TITLES,
    NameRead,
    one_form,
    read_forename,
    read_surname,
)
from samechild.demographics.placeholders import is_no_name

_RANKS = words_of(
    "LORD LADY BARON BARONESS BARONET BT EARL VISCOUNT VISCOUNTESS COUNT COUNTESS DUKE DUCHESS MARQUESS MARQUIS MP"
)
_FRONT = TITLES | _RANKS
_BEHIND = SUFFIXES | _RANKS | {"JUNIOR", "THE"}
_JOINING = SURNAME_PREFIXES | {"OF"}
_TO_LOOK_AT = _FRONT | _BEHIND | _JOINING


def split_full_name(value: str) -> tuple[str, str]:
    """Take a whole name apart as written: (given names, family name), either "" when it is not there.

    With a comma the family name stands first ("SMITH, John"), unless a title follows ("John Smith, Jnr"); without, it
    is the last word with the prefixes before it. Titles in front and suffixes behind are left out. One word alone is
    taken for a forename; a placeholder for a whole name stands in both.
    """
    words = value.split()
    if (
        len(words) > 1
        and value.isascii()
        and "".join(words).isalpha()
        and _TO_LOOK_AT.isdisjoint(value.upper().split())
    ):
        joined = "".join(words).upper()
        return (value, value) if is_no_name(value, joined) else (" ".join(words[:-1]), words[-1])
    if is_no_name(value, to_letters(value).text.replace(" ", "").replace("-", "")):
        return value, value
    before, comma, after = value.partition(",")
    if comma and before.strip() and after.strip():
        first = (to_letters(after).text.split() or [""])[0]
        if first not in _BEHIND and not any(map(str.isdigit, first)):
            return after.strip(), before.strip()
    return _split_words((before if before.strip() else after).split())


def _split_words(words: list[str]) -> tuple[str, str]:
    """Words of a whole name without a comma, as (given names, family name)."""
    plain = [to_letters(word).text for word in words]
    while len(words) > 1 and plain[0] in _FRONT:
        words, plain = words[1:], plain[1:]
    while len(words) > 2 and plain[-1] in SUFFIXES:
        words, plain = words[:-1], plain[:-1]
    if len(words) < 2:
        return " ".join(words), ""
    start = len(words) - 1
    while start > 1 and one_form(plain[start - 1]) in _JOINING:
        start -= 1
    family = words[start:]
    while len(family) > 1 and to_letters(family[0]).text == "OF":
        family = family[1:]
    return " ".join(words[:start]), " ".join(family)


def read_full_name(value: str) -> tuple[NameRead, NameRead]:
    """Read a whole name: "SMITH, John Paul" and "John Paul Smith" are both JOHN, with more PAUL, and SMITH."""
    given, family = split_full_name(value)
    return read_forename(given) if given else NOTHING, read_surname(family) if family else NOTHING
