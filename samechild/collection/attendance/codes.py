"""What a mark in the attendance register means, and how it counts.

The codes are those of the School Attendance (Pupil Registration) (England) Regulations 2024 (SI 2024/208), regulation
10, in force since 19 August 2024 (leave of absence: regulation 11), as the statutory guidance *Working together to
improve school attendance* (DfE, August 2024) explains them; it adds the administrative codes Z and # and says how each
code counts. Three older codes are known so that history and mistakes can be told apart. ``data/attendance_codes.csv``
declares them.
"""

from __future__ import annotations

import csv
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec


class Counts(StrEnum):
    """How a session counts: sessions that were not required are no possible attendances at all."""

    PRESENT = "present"
    AUTHORISED = "authorised"
    UNAUTHORISED = "unauthorised"
    NOT_REQUIRED = "not required"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One code of the register, with the days between which it could be used (None: without end).

    ``kind`` is the group that it stands in here.
    """

    code: str
    title: str
    counts_as: Counts
    kind: str
    since: date | None = None
    until: date | None = None

    def usable_on(self, day: date) -> bool:
        """Whether the code could be used for a session on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@cache
def codes() -> dict[str, Code]:
    """Every code by what is written, in the order of the list."""
    text = (files("samechild.collection") / "data" / "attendance_codes.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["code"]: Code(
            code=row["code"],
            title=row["title"],
            counts_as=Counts(row["counts_as"]),
            kind=row["kind"],
            since=date.fromisoformat(row["since"]) if row["since"] else None,
            until=date.fromisoformat(row["until"]) if row["until"] else None,
        )
        for row in rows
    }


def counts_as(code: str) -> Counts | None:
    """How a code counts; None when there is no such code."""
    found = codes().get(code)
    return None if found is None else found.counts_as


def group(kind: str) -> frozenset[str]:
    """The codes of one group, such as ``unable to attend``."""
    return frozenset(each.code for each in codes().values() if each.kind == kind)
