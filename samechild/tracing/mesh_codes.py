"""What each code in a trace file's answer means: for the whole file, and for one child.

The codes of the file and of the format come from the trace service's own checks; those from 90 on say what was found.
One release note and one sample disagree about 91: it is used both for a number that was withdrawn and for one that was
merged into another. Which of the two is meant shows in the number that comes with it.

Source: NHS Data Model and Dictionary, PDS MESH; published code of NHS England's processing core.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Meaning(StrEnum):
    """What a code means for what is done next."""

    FOUND = "found"
    SENSITIVE = "sensitive"  # found; the national record is restricted
    SUPERSEDED = "superseded"  # found under another number than the one given
    WITHDRAWN = "withdrawn"  # the number given was deleted, or merged into the one that comes with it
    NOT_ENOUGH = "not enough"
    SEVERAL = "several"
    NONE = "none"
    AGAIN = "again"  # nothing was asked: ask again
    LINE = "line"  # this line was not accepted: mend it and ask again
    FILE = "file"  # the whole file was not accepted


class Code(msgspec.Struct, frozen=True):
    """One code, its meaning and its words."""

    code: str
    meaning: Meaning
    words: str


_M = Meaning

CODES: dict[str, Code] = {
    each.code: each
    for each in (
        Code("00", _M.FOUND, "success"),
        Code("01", _M.FILE, "the file cannot be parsed"),
        Code("02", _M.FILE, "the file's reference is wrong"),
        Code("03", _M.FILE, "the workflow is wrong"),
        Code("04", _M.FILE, "the count of records does not agree with the file"),
        Code("05", _M.AGAIN, "unexpected error"),
        Code("06", _M.FILE, "too many records in one file"),
        Code("07", _M.FILE, "the file's name does not agree with its reference"),
        Code("08", _M.LINE, "the unique reference is missing or used twice"),
        Code("09", _M.FILE, "the time stamp is wrong"),
        Code("10", _M.LINE, "a required field is missing"),
        Code("11", _M.LINE, "a field is too long"),
        Code("12", _M.LINE, "the gender code is wrong"),
        Code("13", _M.LINE, "a field has the wrong format"),
        Code("14", _M.AGAIN, "the national store did not answer"),
        Code("15", _M.AGAIN, "no trace was performed"),
        Code("16", _M.NOT_ENOUGH, "not enough fields were given"),
        Code("17", _M.LINE, "too many fields were given"),
        Code("90", _M.SUPERSEDED, "found; the number given is superseded"),
        Code("91", _M.WITHDRAWN, "the number given is invalid: deleted or merged"),
        Code("92", _M.SENSITIVE, "found; the national record is sensitive"),
        Code("96", _M.NOT_ENOUGH, "not enough is known to trace"),
        Code("97", _M.SEVERAL, "several close matches"),
        Code("98", _M.NONE, "not found"),
    )
}
"""Every code by its two digits."""

NO_MATCH = "0000000000"
MANY_MATCHES = "9999999999"
SENTINELS = (NO_MATCH, MANY_MATCHES)
"""Stand where a number would: none, and several. Both pass the check digit, so they are looked for first."""


class Algorithm(StrEnum):
    """How the service found the person, by the indicator in the answer."""

    NONE = "0"
    CROSS_CHECK = "1"  # by NHS number and birth date
    SIMPLE = "2"
    ALPHANUMERIC = "3"  # every detail given agreed exactly
    ALGORITHMIC = "4"  # the likeliest by scores


SURE = (Algorithm.CROSS_CHECK, Algorithm.ALPHANUMERIC)
"""What may be accepted without asking a person, when the service is wholly confident; the likeliest never is."""
CERTAIN = 100.0
"""Confidence in per cent."""
