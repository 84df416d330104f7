"""What a school's submissions about one pupil add up to.

A session sent again replaces what was held of it; what is left out is unchanged; ``purge`` of a pupil erases all. The
codes that one record gives for one session are all kept, so that the rule about two codes can find them. Sessions are
in the order of days and equal states are equal bytes, whatever order they were sent in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.records import declared
from samechild.records import Sensitivity

Tree = dict[str, Any]
_MARKS = tuple[Mark, ...]


class Roll(msgspec.Struct, frozen=True):
    """What a school's submissions about one pupil add up to: the record as sent, its marks in the order of sessions.

    It does not print what it holds.
    """

    pupil: Tree

    def __repr__(self) -> str:
        return "Roll(hidden)"


def merge(held: Roll | None, sent: Mapping[str, Any]) -> Roll | None:
    """Put one more record of a pupil to what is held; None when the pupil was purged. The inputs stay as they are."""
    if sent.get("purge") is True:
        return None
    was = held.pupil if held else {}
    now = {
        **was,
        **{name: value for name, value in sent.items() if value is not None and name not in ("purge", "marks")},
    }
    marks = _by_session(was.get("marks") or ()) | _by_session(sent.get("marks") or ())
    if marks:
        now["marks"] = [mark for session in sorted(marks) for mark in marks[session]]
    return Roll({name: now[name] for name in declared(Pupil) if name in now})


def _by_session(marks: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[Tree]]:
    """Marks by day and session; each different thing said of one session once, in an order that says nothing."""
    found: dict[tuple[str, str], list[Tree]] = {}
    for mark in marks:
        kept = {name: mark[name] for name in ("date", "session", "code", "minutes_late") if mark.get(name) is not None}
        said = found.setdefault((mark["date"], mark["session"]), [])
        if kept not in said:
            said.append(kept)
    for said in found.values():
        said.sort(key=lambda mark: (mark["code"], mark.get("minutes_late", -1)))
    return found


def replay(sent: Iterable[Mapping[str, Any]]) -> Roll | None:
    """What all records of a pupil add up to, oldest first."""
    held: Roll | None = None
    for each in sent:
        held = merge(held, each)
    return held


def pupil_of(held: Roll) -> Pupil:
    """The pupil as a declared type, for the rules; of older submissions there may be more marks than one may send."""
    marks = held.pupil.get("marks")
    pupil = msgspec.convert({name: value for name, value in held.pupil.items() if name != "marks"}, Pupil)
    return msgspec.structs.replace(pupil, marks=msgspec.convert(marks, _MARKS)) if marks else pupil


def parted(held: Roll) -> tuple[Tree, Tree]:
    """Who the pupil is, and what is known of the pupil: for the identity vault and the content vault."""
    who = {name for name, field in declared(Pupil).items() if field.sensitivity is Sensitivity.IDENTITY}
    identity = {name: value for name, value in held.pupil.items() if name in who}
    return identity, {name: value for name, value in held.pupil.items() if name not in who}


def joined(identity: Mapping[str, Any], content: Mapping[str, Any]) -> Roll:
    """What :func:`parted` parted, exactly."""
    both = {**identity, **content}
    return Roll({name: both[name] for name in declared(Pupil) if name in both})
