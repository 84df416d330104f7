"""What a school's system sends about its pupils every day, declared once: the shape, and how private each field is.

A record is one pupil with the marks of some sessions. A session is a morning or an afternoon of a day (Education
(School Day and School Year) (England) Regulations 1999); its code is that of SI 2024/208, see :mod:`.codes`. Code sets
never refuse a record at the door: the rules say what is wrong.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from samechild.records import Sensitivity

CATEGORY = "attendance"
"""What an agreement with a school names when it lets attendance be sent."""

PUPIL_ID = r"^[A-Za-z0-9_-]{1,36}$(?!\n)"  # Python's $ also stands before a last line break
_SCHOOL = r"^([1-9][0-9]{5}|[0-9]{3}/?[0-9]{4})$(?!\n)"
MOST_PUPILS = 2_000
"""So many pupils are sent at once: a whole school's day."""

MOST_MARKS = 800
"""So many sessions of one pupil are sent at once: two school years."""

_I, _C, _T = Sensitivity.IDENTITY, Sensitivity.CONTENT, Sensitivity.TECHNICAL
Session = Literal["AM", "PM"]
Day = date
Text = Annotated[str, msgspec.Meta(max_length=1000)] | None
Upn = Annotated[str, msgspec.Meta(min_length=13, max_length=13)] | None
School = Annotated[str, msgspec.Meta(pattern=_SCHOOL)] | None
Minutes = Annotated[int, msgspec.Meta(ge=0, le=999)] | None


def _field(title: str, sensitivity: Sensitivity = _C, *, codes: str = "", **limits: Any) -> msgspec.Meta:
    """Describe a field as ``collection.records`` does, so that ``collection.records.declared`` reads it."""
    return msgspec.Meta(title=title, extra={"sensitivity": sensitivity, "codes": codes, "item": 0}, **limits)


class _Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that is sent. It does not print what it holds."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"


class Mark(_Sent, frozen=True, kw_only=True):
    """What the register says of one session. The same session sent again replaces what was sent before."""

    date: Annotated[Day, _field("Day on which it was")]
    session: Annotated[Session, _field("Morning or afternoon")]
    code: Annotated[str, _field("Code of the register", codes="attendance", min_length=1, max_length=2)]
    minutes_late: Annotated[Minutes, _field("Minutes late")] = None


Marks = Annotated[tuple[Mark, ...], msgspec.Meta(max_length=MOST_MARKS)] | None


class Pupil(_Sent, frozen=True, kw_only=True):
    """A pupil of one school with the marks of some sessions, or everything held once it is merged."""

    pupil_id: Annotated[str, _field("The school's own id of the pupil", _I, pattern=PUPIL_ID)]
    unique_pupil_number: Annotated[Upn, _field("UPN", _I)] = None
    first_name: Annotated[Text, _field("First name", _I)] = None
    surname: Annotated[Text, _field("Surname", _I)] = None
    date_of_birth: Annotated[Day | None, _field("Date of birth", _I)] = None
    school: Annotated[School, _field("URN or LAESTAB of the school that took the register")] = None
    marks: Annotated[Marks, _field("Marks")] = None
    purge: Annotated[bool | None, _field("Erase everything held of this pupil", _T)] = None
