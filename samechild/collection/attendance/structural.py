"""The rules that the door keeps for a school's register: what breaks one is refused, and nothing else is.

They only name what the declared types in :mod:`.records` say; dates, text that is not UTF-8 and properties that nobody
asked for are told by the same rules (``STR``) as for children's social care.
"""

from __future__ import annotations

from samechild.collection.attendance.records import MOST_MARKS, Mark, Pupil
from samechild.collection.rules.rule import Example, Grade, Rule

_MARK = '{"date": "2026-06-09", "session": "AM", "code": "/"'


def _rule(
    code: str, on: type, field: str, message: str, mend: str, *, passes: tuple[str, ...], fails: tuple[str, ...]
) -> Rule:
    """A rule of the door; its examples are records as they are sent, those of a mark what stands in one pupil's."""

    def example(told: str) -> Example:
        whole = told if on is Pupil else f'{{"pupil_id": "P1", "marks": [{told}]}}'
        return Example(thing=whole.encode())

    return Rule(
        code=code,
        grade=Grade.REJECT,
        on=on,
        fields=(field,),
        message=message,
        mend=mend,
        since=2024,
        passes=tuple(map(example, passes)),
        fails=tuple(map(example, fails)),
    )


STRUCTURAL: tuple[Rule, ...] = (
    _rule(
        "REG-01",
        Pupil,
        "pupil_id",
        "The pupil has no id, or one that is not well formed",
        "Send the school's own id of the pupil: 1 to 36 letters, digits, _ or -.",
        passes=('{"pupil_id": "P1"}', '{"pupil_id": "2026_00017-b"}'),
        fails=('{"school": "900001"}', '{"pupil_id": "P 1"}', '{"pupil_id": 17}'),
    ),
    _rule(
        "REG-02",
        Pupil,
        "unique_pupil_number",
        "The UPN does not have 13 characters",
        "Send the 13 characters of the UPN, or leave it out.",
        passes=('{"pupil_id": "P1", "unique_pupil_number": "X000123418007"}',),
        fails=('{"pupil_id": "P1", "unique_pupil_number": "X00012341800"}',),
    ),
    _rule(
        "REG-03",
        Pupil,
        "school",
        "The school's number is neither a URN nor a LAESTAB",
        "Send the six digits of the URN or the seven of the LAESTAB.",
        passes=('{"pupil_id": "P1", "school": "900001"}', '{"pupil_id": "P1", "school": "900/4001"}'),
        fails=('{"pupil_id": "P1", "school": "90000"}',),
    ),
    _rule(
        "REG-04",
        Pupil,
        "marks",
        "The marks are not a list, or there are too many of them",
        f"Send a list of at most {MOST_MARKS} marks.",
        passes=('{"pupil_id": "P1", "marks": []}', f'{{"pupil_id": "P1", "marks": [{_MARK}}}]}}'),
        fails=(f'{{"pupil_id": "P1", "marks": {_MARK}}}}}',),
    ),
    _rule(
        "REG-05",
        Mark,
        "session",
        "The session is neither AM nor PM",
        "Send AM for a morning, PM for an afternoon.",
        passes=(f"{_MARK}}}",),
        fails=('{"date": "2026-06-09", "session": "morning", "code": "/"}', '{"date": "2026-06-09", "code": "/"}'),
    ),
    _rule(
        "REG-06",
        Mark,
        "code",
        "The mark has no code, or one that is too long",
        "Send one or two characters.",
        passes=(f"{_MARK}}}", '{"date": "2026-06-09", "session": "AM", "code": "J1"}'),
        fails=('{"date": "2026-06-09", "session": "AM", "code": ""}', '{"date": "2026-06-09", "session": "AM"}'),
    ),
    _rule(
        "REG-07",
        Mark,
        "minutes_late",
        "Minutes late are not a whole number up to 999",
        "Send a whole number from 0 to 999, or leave it out.",
        passes=('{"date": "2026-06-09", "session": "AM", "code": "L", "minutes_late": 9}',),
        fails=(
            f'{_MARK}, "minutes_late": 1000}}',
            f'{_MARK}, "minutes_late": 2.5}}',
            f'{_MARK}, "minutes_late": "9"}}',
        ),
    ),
)
"""The structural rules of the register, in the order of their codes."""
