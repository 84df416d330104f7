"""Words that stand where a name belongs and are none: "Baby", "Twin One", "Not known", "Test".

Two children born on one day whose records both say "Baby" would look like one child. So placeholders are taken out
before anything is compared, and what they tell about the place in a multiple birth is kept. Some placeholders are real
names in the other field: Boy, Child and Male are surnames, so a surname is refused only for what no family is called.

Source: the lists of NHS England's published linkage pipelines ("baby of", "twin one", "twin ii", "female baby" ...) and
the usual fillers of UK systems; Office for National Statistics, baby names, for what are real names.
"""

from __future__ import annotations

import re

from samechild.demographics.letters import to_letters, words_of

NO_NAME = words_of(
    """UNKNOWN UNKOWN UNK UNKN NOTKNOWN NOTAVAILABLE NOTAPPLICABLE NOTSTATED NOTGIVEN NOTRECORDED NOTPROVIDED
    NOTSUPPLIED
    NOTREGISTERED NOTYETNAMED NOTNAMED NOTYETKNOWN NK NKN NONE NULL NONAME NONAMEGIVEN NAMEUNKNOWN NAMENOTKNOWN UNNAMED
    TBC TBA TBD TOBECONFIRMED EMPTY MISSING ANON ANONYMOUS TEST TESTPATIENT TESTING DONOTUSE DUPLICATE DELETED DELETE
    UNBORN UBB UNBORNBABY FORENAME FIRSTNAME SURNAME LASTNAME FAMILYNAME NMN NOMIDDLENAME REDACTED WITHHELD CONFIDENTIAL
    XX ZZ NOFORENAME NOSURNAME NOTDISCLOSED NOTAPPLICABLE LEFTBLANK INTENTIONALLYBLANK"""
)
"""What no field for a name means as a name, written without spaces."""

NEWBORN = words_of(
    """BABY BABIES BABE INFANT NEWBORN MALE FEMALE BOY GIRL CHILD TWIN TWINS TRIPLET TRIPLETS QUAD QUADRUPLET FETUS
    FOETUS
    UNBORN UBB BLANK BABYBOY BABYGIRL"""
)
"""Words that, alone in a field for a forename, say that a child has no name yet."""

_BESIDE = words_of("NEW BORN OF THE SON DAUGHTER M F NOT YET NAMED REGISTERED KNOWN")
_OPENING = words_of("BABY INFANT NEWBORN UNBORN UBB MALE FEMALE TWIN TRIPLET")
_ORDER = {
    order: place
    for place, orders in zip(
        "1234", ("ONE 1 I A FIRST 1ST", "TWO 2 II B SECOND 2ND", "THREE 3 III C THIRD 3RD", "FOUR 4 IV D FOURTH 4TH"),
        strict=True
    )
    for order in orders.split()
}  # fmt: skip
_MULTIPLE = words_of("TWIN TRIPLET QUAD QUADRUPLET")
_GLUED = re.compile(r"\b(TWIN|TRIPLET|QUADRUPLET|QUAD|BABY)[ -]?([1-4]|[A-D])\b")
_REPEATED = re.compile(r"^(X{2,}|Z{2,}|([A-Z])\2{3,})$")
_NOT_AVAILABLE = re.compile(r"^\W*[nN]\s*[/\\.]\s*[aAkK]\W*$|^(?:nan|NaN|<NA>|#N/A)$")  # Nan is a name
_SAYS_NOTHING = words_of("0 8 9 00 08 09 SINGLETON SINGLE N NO NONE NA UNKNOWN NK")


def is_no_name(value: str, joined: str) -> bool:
    """Whether a field says that there is no name; ``joined`` is its text in capitals without spaces or hyphens."""
    return joined in NO_NAME or _REPEATED.match(joined) is not None or _NOT_AVAILABLE.match(value) is not None


def is_forename_placeholder(value: str, text: str) -> bool:
    """Whether a field for a forename holds none ("Baby of Jane", "Male infant"); ``text`` is it in letters.

    "Baby-Rae" is a name, "Baby Rae" is taken for a baby of the family Rae.
    """
    if is_no_name(value, text.replace(" ", "").replace("-", "")):
        return True
    words = text.split()
    pieces = text.replace("-", " ").split()
    if any(p in NEWBORN for p in pieces) and all(p in NEWBORN or p in _BESIDE or p.isdigit() for p in pieces):
        return True
    if words[:2] == ["NEW", "BORN"] or (words and words[0] in _OPENING):
        return True
    return words[:1] in (["BOY"], ["GIRL"], ["NOT"]) and words[1:2] in (["OF"], ["KNOWN"], ["YET"])


def place_in_birth(text: str) -> str | None:
    """The place in a multiple birth that a placeholder in letters tells: "TWIN ONE", "SECOND TWIN", "BABY B"."""
    found = _GLUED.search(text)
    if found:
        return _ORDER[found[2]]
    words = text.replace("-", " ").split()
    for place, word in enumerate(words):
        if word in _MULTIPLE:
            for other in words[place + 1 : place + 2] + words[max(place - 1, 0) : place]:
                if other in _ORDER:
                    return _ORDER[other]
    return None


def read_birth_order(value: str) -> tuple[str | None, str | None]:
    """A place in a multiple birth from a field of its own: "Twin 2", "2 of 3", "B", "first"; and the problem, if any.

    8 (not applicable), 9 (not known), 0 and "singleton" say nothing about a place and give no problem.
    """
    text = to_letters(value.removesuffix(".0")).text
    order = place_in_birth(text)
    if order:
        return order, None
    words = text.replace("-", " ").split()
    first = words[0].lstrip("0") if words else ""
    if first in _ORDER and (len(words) == 1 or words[1] in ("OF", "TWIN", "TRIPLET", "BORN")):
        return _ORDER[first], None
    if first in ("5", "6", "7"):
        return first, None
    return None, None if not words or words[0] in _SAYS_NOTHING else "birth-order-unreadable"
