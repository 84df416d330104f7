"""The ways a value goes wrong between a mouth, a form and a screen: each a plain function of the value and a number.

The number decides where and how, so that the same seed makes the same mistakes everywhere. Kinds of typing error and
their shares follow studies of keyed names and dates (insertion, deletion, substitution, transposition; Damerau 1964,
Christen 2012); the forms of double-barrelled and prefixed surnames are those seen in UK records.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.town.records import Flags, Ints

Way = Callable[[str, int], str]

NEIGHBOURS = {
    "a": "qwsz", "b": "vghn", "c": "xdfv", "d": "serfcx", "e": "wsdr", "f": "drtgvc", "g": "ftyhbv", "h": "gyujnb",
    "i": "ujko", "j": "huiknm", "k": "jiolm", "l": "kop", "m": "njk", "n": "bhjm", "o": "iklp", "p": "ol", "q": "wa",
    "r": "edft", "s": "awedxz", "t": "rfgy", "u": "yhji", "v": "cfgb", "w": "qase", "x": "zsdc", "y": "tghu",
    "z": "asx",
}  # fmt: skip
LOOKS_LIKE = (
    ("m", "rn"),
    ("rn", "m"),
    ("l", "i"),
    ("i", "l"),
    ("cl", "d"),
    ("vv", "w"),
    ("h", "b"),
    ("e", "c"),
    ("u", "v"),
)
SOUNDS_LIKE = (
    ("ie", "y"), ("y", "ie"), ("ph", "f"), ("ck", "k"), ("c", "k"), ("k", "c"), ("ei", "ie"), ("ee", "ea"),
    ("ai", "ay"), ("th", "t"), ("nn", "n"), ("n", "nn"), ("ll", "l"), ("l", "ll"), ("tt", "t"), ("ss", "s"), ("s", "z"),
    ("oo", "u"), ("ou", "u"), ("u", "oo"), ("a", "e"), ("e", "a"), ("i", "e"),
)  # fmt: skip


def insert_letter(text: str, number: int) -> str:
    """A letter too many: a neighbouring key, or the same key twice."""
    place = number % len(text)
    near = text[place].lower() + NEIGHBOURS.get(text[place].lower(), "")
    return text[: place + 1] + near[number // 64 % len(near)] + text[place + 1 :]


def delete_letter(text: str, number: int) -> str:
    """A letter left out."""
    if len(text) < 3:
        return text
    place = 1 + number % (len(text) - 1)
    return text[:place] + text[place + 1 :]


def substitute_letter(text: str, number: int) -> str:
    """A neighbouring key in place of the right one."""
    for step in range(len(text)):
        place = (number + step) % len(text)
        near = NEIGHBOURS.get(text[place].lower())
        if near:
            letter = near[number // 64 % len(near)]
            return text[:place] + (letter.upper() if text[place].isupper() else letter) + text[place + 1 :]
    return text


def transpose_letters(text: str, number: int) -> str:
    """Two neighbouring letters exchanged."""
    if len(text) < 3:
        return text
    place = number % (len(text) - 1)
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return swapped if place else swapped.capitalize()


def _replace_one(text: str, number: int, pairs: tuple[tuple[str, str], ...]) -> str:
    low = text.lower()
    fitting = [(old, new) for old, new in pairs if low.find(old, 1) > 0]
    if not fitting:
        return delete_letter(text, number)
    old, new = fitting[number % len(fitting)]
    place = low.find(old, 1)
    return text[:place] + new + text[place + len(old) :]


def misread(text: str, number: int) -> str:
    """Letters taken for others that look like them, as in scanned or handwritten forms."""
    return _replace_one(text, number, LOOKS_LIKE)


def mishear(text: str, number: int) -> str:
    """A spelling that sounds the same."""
    return _replace_one(text, number, SOUNDS_LIKE)


MISSPELLINGS: tuple[tuple[int, Way], ...] = (
    (14, insert_letter), (24, delete_letter), (22, substitute_letter), (12, transpose_letters), (8, misread),
    (20, mishear),
)  # fmt: skip
"""How often each, in a hundred."""


def misspell(text: str, number: int) -> str:
    """One spelling mistake in a name."""
    if not text:
        return text
    share, rest = number % 100, number // 100
    for hundredths, way in MISSPELLINGS:
        if share < hundredths:
            return way(text, rest)
        share -= hundredths
    return text


def misspell_twice(text: str, number: int) -> str:
    """Two spelling mistakes in one name."""
    return misspell(misspell(text, number), number // 1_000_003)


PREFIXED = re.compile(r"^(Mc|Mac|O['’]|St\.? |Al[- ]|El[- ]|de |De |van |Van |bin |Bin )(.+)$")


def other_surname_form(text: str, number: int) -> str:
    """A surname of two parts or with a prefix, written another way; other surnames are returned as they are."""
    parts = re.split(r"[- ]", text)
    if len(parts) == 2 and min(map(len, parts)) > 2:
        a, b = parts
        return (a, b, f"{a} {b}", f"{a}-{b}", f"{a}{b.lower()}", f"{b}-{a}", a, b)[number % 8]
    found = PREFIXED.match(text)
    if not found:
        return text
    prefix, rest = found[1], found[2]
    bare = prefix.strip(" -'’.")
    other = {"Mc": "Mac", "Mac": "Mc", "Al": "El", "El": "Al", "St": "Saint "}.get(bare, bare)
    return (bare + rest, f"{bare} {rest}", other + rest, bare + rest.lower(), rest)[number % 5]


def has_other_form(column: Any) -> Flags:
    """True for surnames that :func:`other_surname_form` can change."""
    pattern = r"(^(Mc|Mac|O'|O’|St |Al-|El-|de |De |van |Van |bin |Bin ))|(^\w+[- ]\w+$)"
    found: Flags = pc.fill_null(pc.match_substring_regex(column, pattern), False).to_numpy(zero_copy_only=False)
    return found


def lose_accents(text: str, number: int) -> str:
    """Accented letters without their accents; now and then lost altogether, or damaged in a wrong character set."""
    if number % 20 == 0:
        return text.encode("ascii", "ignore").decode()
    if number % 20 == 1:
        return text.encode("utf-8").decode("cp1252", "replace").replace("�", "?")
    flat = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in flat if not unicodedata.combining(letter))


def wrong_digit(text: str, number: int) -> str:
    """One digit of a number mistyped, or two neighbouring digits exchanged; always a different number."""
    places = [place for place, letter in enumerate(text) if letter.isdigit()]
    if not places:
        return text
    place = places[number % len(places)]
    after = place + 1
    if number // 100 % 4 == 0 and after < len(text) and text[after].isdigit() and text[after] != text[place]:
        return text[:place] + text[after] + text[place] + text[after + 1 :]
    digit = str((int(text[place]) + 1 + number // 1000 % 9) % 10)
    return text[:place] + digit + text[after:]


def wrong_postcode(text: str, number: int) -> str:
    """A postcode with one character wrong, or two letters at the end exchanged."""
    if number % 5 == 0 and text[-1] != text[-2]:
        return text[:-2] + text[-1] + text[-2]
    if number % 5 == 1:
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        place = len(text) - 1 - number // 5 % 2
        letter = letters[(letters.find(text[place]) + 1 + number // 10 % 19) % 20]
        return text[:place] + letter + text[place + 1 :]
    return wrong_digit(text, number // 5)


def change(column: Any, chosen: Flags, numbers: Ints, way: Way) -> Any:
    """Put the chosen rows of a text column through one of the ways to go wrong; blanks stay blank."""
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return column
    before = column.take(pa.array(rows)).to_pylist()
    after = [
        None if text is None else way(text, number) for text, number in zip(before, numbers[rows].tolist(), strict=True)
    ]
    return pc.replace_with_mask(column, pa.array(chosen), pa.array(after, type=pa.string()))


def swapped_day(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Ints]:
    """Month and day exchanged where the day could be a month."""
    can = day <= 12
    return np.where(can, day, month), np.where(can, month, day)
