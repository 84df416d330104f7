"""The rules that the door keeps for a school's register: what breaks one is refused, and nothing else is.

They only name what the declared types in :mod:`.records` say; dates, text that is not UTF-8 and properties that nobody
asked for are told by the same rules (``STR``) as for children's social care.
"""

from __future__ import annotations

from samechild.collection.attendance.records import MOST_MARKS, Mark, Pupil
from samechild.collection.rules.rule import Grade, Rule


def _rule(code: str, on: type, field: str, message: str, mend: str) -> Rule:
    return Rule(code=code, grade=Grade.REJECT, on=on, fields=(field,), message=message, mend=mend, since=2024)


STRUCTURAL: tuple[Rule, ...] = (
    _rule(
        "REG-01",
        Pupil,
        "pupil_id",
        "The pupil has no id, or one that is not well formed",
        "Send the school's own id of the pupil: 1 to 36 letters, digits, _ or -.",
    ),
    _rule(
        "REG-02",
        Pupil,
        "unique_pupil_number",
        "The UPN does not have 13 characters",
        "Send the 13 characters of the UPN, or leave it out.",
    ),
    _rule(
        "REG-03",
        Pupil,
        "school",
        "The school's number is neither a URN nor a LAESTAB",
        "Send the six digits of the URN or the seven of the LAESTAB.",
    ),
    _rule(
        "REG-04",
        Pupil,
        "marks",
        "The marks are not a list, or there are too many of them",
        f"Send a list of at most {MOST_MARKS} marks.",
    ),
    _rule("REG-05", Mark, "session", "The session is neither AM nor PM", "Send AM for a morning, PM for an afternoon."),
    _rule("REG-06", Mark, "code", "The mark has no code, or one that is too long", "Send one or two characters."),
    _rule(
        "REG-07",
        Mark,
        "minutes_late",
        "Minutes late are not a whole number up to 999",
        "Send a whole number from 0 to 999, or leave it out.",
    ),
)
"""The structural rules of the register, in the order of their codes."""
