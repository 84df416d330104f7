"""How a name sounds, so that Catherine and Kathryn, or Wright and Rite, can be brought together to be compared.

The code is Phonex: A. J. Lait and B. Randell, *An Assessment of Name Matching Algorithms*, Technical Report 550,
Department of Computing Science, University of Newcastle upon Tyne, 1996. It was made for British surnames: Soundex with
the first letter unified (KN, PH, WR; C K Q; V F; Z S; J G; vowels) and with silent letters left out. A code brings
candidates together; it is never itself evidence that two people are one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

VOWELS = frozenset("AEIOUY")
_FIRST = str.maketrans("EIOUYPVKQJZ", "AAAAABFCCGS")
_DIGIT = {
    **dict.fromkeys("BPFV", 1),
    **dict.fromkeys("CSKGJQXZ", 2),
    **dict.fromkeys("DT", 3),
    "L": 4,
    "M": 5,
    "N": 5,
    "R": 6,
}
LENGTH = 4

Bytes = npt.NDArray[np.uint8]


def phonex(name: str) -> str | None:
    """The Phonex code of a name in capitals A to Z: a letter and three digits, or None for an empty name.

    ``phonex("KNUTH") == phonex("NUTH")``. Anything but A to Z is taken as silent.
    """
    name = name.rstrip("S") or name[:1]
    if name[:2] in ("KN", "WR"):
        name = name[1:]
    elif name[:2] == "PH":
        name = "F" + name[2:]
    if name[:1] == "H" and len(name) > 1:
        name = name[1:]
    if not name:
        return None
    name = name[0].translate(_FIRST) + name[1:]
    code, last = name[0], 0
    for place in range(1, len(name)):
        if name[place - 1] in "MN" and name[place] in "DG":
            continue  # the letter after a nasal is not heard: HANDSON, HANSON
        digit = _digit(name, place)
        if digit and digit != last:
            code += str(digit)
            last = digit
            if len(code) == LENGTH:
                break
    return code.ljust(LENGTH, "0")


def _digit(name: str, place: int) -> int:
    """The digit of one letter in its place; 0 for a vowel or a letter that is not heard."""
    letter, after = name[place], name[place + 1 : place + 2]
    if letter in "DT" and after == "C":
        return 0
    if letter in "LR" and after and after not in VOWELS:
        return 0
    return _DIGIT.get(letter, 0)


def phonex_many(names: pa.Array) -> pa.Array:
    """:func:`phonex` of every name of a string array at once; null where it is empty or null.

    Works on the letters as a matrix, one column of letters at a time, so 100,000 names take some hundredths of a
    second.
    """
    kept = pc.utf8_rtrim(names, characters="S")
    kept = pc.if_else(pc.equal(kept, ""), pc.utf8_slice_codeunits(names, 0, 1), kept)
    kept = pc.replace_substring_regex(kept, pattern="^K(N)|^W(R)", replacement=r"\1\2")
    kept = pc.replace_substring_regex(kept, pattern="^PH", replacement="F")
    kept = pc.replace_substring_regex(kept, pattern="^H(.)", replacement=r"\1")
    letters = _matrix(kept)
    rows, width = letters.shape
    code = np.full((rows, LENGTH), ord("0"), dtype=np.uint8)
    if width == 0 or rows == 0:
        return pa.nulls(rows, pa.string())
    code[:, 0] = _FIRST_OF[letters[:, 0]]
    last = np.zeros(rows, dtype=np.uint8)
    filled = np.ones(rows, dtype=np.intp)
    before = code[:, 0]
    for place in range(1, width):
        letter = letters[:, place]
        after = letters[:, place + 1] if place + 1 < width else np.zeros(rows, dtype=np.uint8)
        digit = _DIGIT_OF[letter]
        silent = _IS_DT[letter] & (after == ord("C")) | _IS_LR[letter] & (after != 0) & ~_IS_VOWEL[after]
        silent |= _IS_MN[before] & _IS_DG[letter]
        heard = np.flatnonzero((digit != 0) & ~silent & (digit != last) & (filled < LENGTH))
        code[heard, filled[heard]] = digit[heard] + ord("0")
        last[heard] = digit[heard]
        filled[heard] += 1
        before = letter
    text = pa.array(code.view(f"S{LENGTH}").ravel()).cast(pa.string())
    return pc.if_else(pa.array(letters[:, 0] != 0), text, pa.scalar(None, pa.string()))


def _matrix(names: pa.Array) -> Bytes:
    """The letters as a matrix of bytes, one row for each name, 0 after its end (and for a null)."""
    plain = np.asarray(pc.fill_null(names, "").cast(pa.binary()).to_numpy(zero_copy_only=False), dtype="S")
    return plain.view(np.uint8).reshape(len(plain), -1) if len(plain) else np.zeros((0, 0), dtype=np.uint8)


def _flags(letters: str) -> npt.NDArray[np.bool_]:
    flags = np.zeros(256, dtype=np.bool_)
    flags[[ord(letter) for letter in letters]] = True
    return flags


_IS_VOWEL, _IS_DT, _IS_LR, _IS_MN, _IS_DG = _flags("AEIOUY"), _flags("DT"), _flags("LR"), _flags("MN"), _flags("DG")
_DIGIT_OF = np.zeros(256, dtype=np.uint8)
for _letter, _value in _DIGIT.items():
    _DIGIT_OF[ord(_letter)] = _value
_FIRST_OF = np.arange(256, dtype=np.uint8)
for _code, _to in _FIRST.items():
    _FIRST_OF[_code] = int(_to)
