"""Text from any keyboard brought to the letters A to Z, because agencies' systems differ in what they can store.

One system keeps "Łukasz Wałęsa", another "LUKASZ WALESA", a third a damaged copy. Latin letters lose their marks;
Cyrillic and Greek are transliterated in the everyday English way (close to ICAO Doc 9303, section 6, as UK documents
print them). Scripts that would need a reader who knows the language (Arabic, Hebrew, Chinese ...) are not guessed at:
their letters are left out and the caller is told.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import msgspec

APOSTROPHES = "'`´‘’‛ʻʼʹ′＇ˈʽ"
HYPHENS = "-‐‑‒–—―−﹣－"

_LATIN = {
    "Ł": "L", "Ø": "O", "Đ": "D", "Ð": "D", "Þ": "TH", "Æ": "AE", "Œ": "OE", "ẞ": "SS", "ß": "SS", "Ħ": "H", "Ŋ": "NG",
    "Ŧ": "T", "ı": "I", "ĸ": "K", "Ə": "A", "Ɛ": "E", "Ɔ": "O", "Ɖ": "D", "Ɓ": "B", "Ɗ": "D", "Ƙ": "K", "Ɣ": "G",
    "Ƴ": "Y",
}  # fmt: skip
_CYRILLIC = {
    "А": "A", "Б": "B", "В": "V", "Г": "G", "Ґ": "G", "Д": "D", "Е": "E", "Є": "YE", "Ж": "ZH", "З": "Z", "И": "I",
    "І": "I",
    "К": "K", "Л": "L", "М": "M", "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T", "У": "U", "Ф": "F",
    "Х": "KH",
    "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHCH", "Ъ": "", "Ы": "Y", "Ь": "", "Э": "E", "Ю": "YU", "Я": "YA", "Ђ": "DJ",
    "Ј": "J", "Љ": "LJ", "Њ": "NJ", "Ћ": "C", "Џ": "DZ", "Ѕ": "DZ",
}  # fmt: skip
_GREEK = {
    "Α": "A", "Β": "V", "Γ": "G", "Δ": "D", "Ε": "E", "Ζ": "Z", "Η": "I", "Θ": "TH", "Ι": "I", "Κ": "K", "Λ": "L",
    "Μ": "M",
    "Ν": "N", "Ξ": "X", "Ο": "O", "Π": "P", "Ρ": "R", "Σ": "S", "Τ": "T", "Υ": "Y", "Φ": "F", "Χ": "CH", "Ψ": "PS",
    "Ω": "O",
}  # fmt: skip

_MOJIBAKE = re.compile("[ÃÂÄÅÆØÐÑ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_NOT_PLAIN = re.compile(r"[^A-Z0-9 \-]+")


class Letters(msgspec.Struct, frozen=True):
    """Text in A to Z, digits, spaces and hyphens, and what happened to it on the way."""

    text: str
    lost: bool = False  # letters of a script not read here were left out
    damaged: bool = False  # the file held replacement characters or question marks inside a word


@cache
def _table() -> dict[int, str]:
    table = {ord(k): v for part in (_LATIN, _CYRILLIC, _GREEK) for k, v in part.items()}
    table |= {ord(c): "" for c in APOSTROPHES}
    table |= {ord(c): "-" for c in HYPHENS}
    return table


def mended(text: str) -> str:
    """The text as it was before somebody read UTF-8 as Windows-1252 ("JosÃ©" is "José"); anything else unchanged."""
    if not _MOJIBAKE.search(text):
        return text
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def to_letters(text: str) -> Letters:
    """Upper-case A to Z, digits, single spaces and hyphens; apostrophes close up, other punctuation becomes a space.

    Never raises. ``lost`` and ``damaged`` say that the result is less than what was given.
    """
    if text.isascii():
        damaged = bool(re.search(r"\w\?\w", text))
        plain = text.upper().replace("'", "").replace("`", "")
        return Letters(text=_tidy(plain), damaged=damaged)
    text = mended(text)
    damaged = "\ufffd" in text or bool(re.search(r"\w\?\w", text))
    plain = unicodedata.normalize("NFKD", text.replace("\ufffd", "").translate(_table()).upper()).translate(_table())
    kept, lost = [], False
    for letter in plain:
        if letter.isascii():
            kept.append(letter)
        elif unicodedata.category(letter)[0] == "M":
            continue
        elif letter.isalpha():
            lost = True
        else:
            kept.append(" ")
    return Letters(text=_tidy("".join(kept)), lost=lost, damaged=damaged)


def words_of(text: str) -> frozenset[str]:
    """The words of a text as a set: how the lists of words in this room are written."""
    return frozenset(text.split())


def _tidy(text: str) -> str:
    return " ".join(_NOT_PLAIN.sub(" ", text).split())
