"""Addresses and other short texts made comparable: capitals, usual abbreviations, no punctuation.

Words are shortened rather than spelt out (ROAD is RD, SAINT and STREET are both ST), since a short form can stand for
more than one word and must then agree with each. Post code reading is in :mod:`samechild.identifiers.postcode`; what is
added here is that a column whose values are mostly not UK postcodes is kept as plain text instead of being lost.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.demographics.letters import mended, to_letters
from samechild.identifiers import postcode

SHORT = {
    "ROAD": "RD", "STREET": "ST", "SAINT": "ST", "AVENUE": "AVE", "AV": "AVE", "LANE": "LN", "DRIVE": "DR", "DRV": "DR",
    "CLOSE": "CL", "CLS": "CL", "CRESCENT": "CRES", "CRESENT": "CRES", "CR": "CRES", "COURT": "CT", "CRT": "CT",
    "PLACE": "PL", "GARDENS": "GDNS", "GDN": "GDNS", "GARDEN": "GDNS", "GROVE": "GRV", "GR": "GRV", "GRO": "GRV",
    "TERRACE": "TER", "TERR": "TER", "TCE": "TER", "SQUARE": "SQ", "HOUSE": "HSE", "HO": "HSE", "APARTMENT": "FLAT",
    "APT": "FLAT", "FLT": "FLAT", "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "MOUNT": "MT", "HEIGHTS": "HTS",
    "PARADE": "PDE", "PARK": "PK", "BUILDINGS": "BLDGS", "BUILDING": "BLDGS", "BLDG": "BLDGS", "COTTAGE": "COTT",
    "GREEN": "GRN", "UPPER": "UPR", "LOWER": "LWR", "NUMBER": "", "NO": "", "AND": "", "THE": "", "CIRCUIT": "CCT",
    "ESTATE": "EST", "WALK": "WLK", "HILL": "HL", "MANSIONS": "MANS", "VILLAS": "VLS", "FLOOR": "FL",
}  # fmt: skip
"""Words of addresses and the short form that stands for them; an empty form leaves the word out."""

NOT_A_PLACE = frozenset(
    [
        "NOT KNOWN",
        "UNKNOWN",
        "NK",
        "N K",
        "N A",
        "NA",
        "NONE",
        "NULL",
        "NAN",
        "TBC",
        "TBA",
        "NOT STATED",
        "NOT RECORDED",
        "NOT GIVEN",
        "NO FIXED ABODE",
        "NFA",
        "NO FIXED ADDRESS",
        "OF NO FIXED ABODE",
        "HOMELESS",
        "ADDRESS UNKNOWN",
        "ADDRESS NOT KNOWN",
        "CONFIDENTIAL",
        "CONFIDENTIAL ADDRESS",
        "WITHHELD",
        "REDACTED",
        "ADDRESS WITHHELD",
        "SENSITIVE",
        "NOT APPLICABLE",
        "NOT AVAILABLE",
        "BLANK",
        "X",
        "XX",
        "XXX",
        "XXXX",
        "NO ADDRESS",
        "TEST",
    ]
)
"""Texts that say there is no address, place or answer; two of them never agree."""


def read_text(value: str) -> str | None:
    """Capitals A to Z and digits with single spaces; None for a blank and for "not known" and the like."""
    text = to_letters(value).text.replace("-", " ")
    text = " ".join(text.split())
    return None if not text or text in NOT_A_PLACE else text


def read_address(value: str) -> str | None:
    """An address in capitals with usual abbreviations: "Flat 2, 12 St. John's Road" is FLAT 2 12 ST JOHNS RD."""
    text = read_text(value)
    words = [] if text is None else [SHORT.get(word, word) for word in text.split()]
    return " ".join(word for word in words if word) or None


def read_texts(values: pa.Array) -> pa.Array:
    """:func:`read_text` of every value of a string array at once."""
    text = pc.replace_substring_regex(pc.ascii_upper(values), pattern="['`]+", replacement="")
    text = pc.utf8_trim(pc.replace_substring_regex(text, pattern="[^A-Z0-9]+", replacement=" "), characters=" ")
    foreign = pc.fill_null(pc.invert(pc.string_is_ascii(values)), False)
    if pc.any(foreign).as_py():
        slow = pa.array([read_text(value) for value in values.filter(foreign).to_pylist()], pa.string())
        text = pc.replace_with_mask(text, foreign, slow)
    nothing = pc.or_(pc.equal(text, ""), pc.is_in(text, value_set=pa.array(sorted(NOT_A_PLACE))))
    return pc.if_else(nothing, pa.scalar(None, pa.string()), text)


def read_addresses(values: pa.Array) -> pa.Array:
    """:func:`read_address` of every value of a string array, by asking once about each distinct word."""
    lists = pc.split_pattern(read_texts(values), " ")
    words = pc.fill_null(lists, pa.scalar([], lists.type)).flatten().dictionary_encode()
    short = pa.array([SHORT.get(word, word) for word in words.dictionary.to_pylist()], pa.string())
    flat = short.take(words.indices)
    kept = pc.not_equal(flat, "")
    owners = np.asarray(pc.list_parent_indices(lists))[np.asarray(kept)]
    starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(values)))]).astype(np.int32)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts), flat.filter(kept)), " ")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)


def read_postcode(value: str, as_text: bool = False) -> tuple[str | None, str | None]:
    """A postcode in capitals with one space, and the problem if it is none; "no fixed abode" and ZZ99 codes are None.

    ``as_text``: the column holds something else than UK postcodes, and is kept as plain text.
    """
    if as_text:
        return read_text(value), None
    checked = postcode.check(value)
    if checked.value is not None or not checked.problem or read_text(value) is None:
        return checked.value, None
    return None, checked.problem


def read_code(value: str) -> str | None:
    """A short code (school, practice, authority) in capitals without spaces, hyphens or strokes."""
    found = re.fullmatch(r"\s*(\d+)\.0+\s*", value)
    text = to_letters(found[1] if found else value).text
    return None if text in NOT_A_PLACE else text.replace(" ", "").replace("-", "") or None


_EMAIL = re.compile(r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+$")


def read_email(value: str) -> tuple[str | None, str | None]:
    """An email address in small letters, and the problem if it is none."""
    text = mended(value).strip().strip("<>'\"").lower().removeprefix("mailto:")
    if _EMAIL.match(text):
        return text, None
    return None, None if read_text(value) is None else "email-unreadable"


def read_phone(value: str) -> tuple[str | None, str | None]:
    """A telephone number as digits with 0 in front (+44 and 0044 are 0), and the problem if it is none.

    A nought that a spreadsheet dropped is put back before ten digits beginning 1, 2, 3, 7 or 8, as UK numbers do.
    """
    text = value.strip().strip("'\"=")
    text = re.sub(r"\.0$", "", text)
    plus = text.startswith("+")
    digits = re.sub(r"\D", "", re.sub(r"\(0\)", "", text))
    if digits.startswith("00"):
        plus, digits = True, digits[2:]
    if digits.startswith("44") and (plus or len(digits) == 12):
        digits = "0" + digits[2:].removeprefix("0")
    elif plus and digits:
        digits = "00" + digits
    elif len(digits) == 10 and digits[0] in "12378":
        digits = "0" + digits
    if len(digits) < 6 or len(set(digits)) <= 2 or re.search(r"[A-Za-z]{4}", text):
        return None, None if read_text(value) is None else "phone-unreadable"
    return digits, None
