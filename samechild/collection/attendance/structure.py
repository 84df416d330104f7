"""Reads what a school's system sends, strictly, by the same door as children's social care.

The body is a JSON array in UTF-8, a record for each pupil. Everything wrong with a record is told, place by place,
without repeating a value; what is right is kept as received, byte for byte.
"""

from __future__ import annotations

import msgspec

from samechild.collection.attendance.records import MOST_PUPILS, Pupil
from samechild.collection.records import Child, Fault
from samechild.collection.shape import Wrong, faults_of
from samechild.collection.structure import LONGEST_RECORD, Piece, Read, split

_PUPIL = msgspec.json.Decoder(Pupil)


def read_register(body: bytes, *, most: int = MOST_PUPILS) -> Read:
    """Read the pupils of one request; of each, receiving needs only its own id and whether it asks for a purge.

    Args:
        body: the bytes as they came; a byte order mark is taken off.
        most: so many pupils are taken at once.
    """
    pieces = split(body, most)
    if isinstance(pieces, Fault):
        return Read((), (), (pieces,))
    read = [_read(each) for each in pieces]
    faults = tuple(Fault(at, *each) for at, (_, wrong) in enumerate(read) for each in wrong)
    return Read(tuple(each.raw for each in pieces), tuple(_known_by(pupil) for pupil, _ in read), faults)


def _known_by(pupil: Pupil | None) -> Child | None:
    """What receiving looks at of a record: its own id and the purge flag."""
    return None if pupil is None else Child(la_child_id=pupil.pupil_id, purge=pupil.purge)


def _read(piece: Piece) -> tuple[Pupil | None, list[Wrong]]:
    """What a record says, or what is wrong with it."""
    if piece.wrong:
        return None, list(piece.wrong)
    if len(piece.raw) > LONGEST_RECORD:
        return None, [("", "STR-06", f"Send at most {LONGEST_RECORD} bytes about one pupil.")]
    try:
        pupil = _PUPIL.decode(piece.raw)
    except (msgspec.DecodeError, RecursionError):
        pupil = None
    if pupil is not None and piece.plain:
        return pupil, []
    wrong = faults_of(piece.tree, kind=Pupil)
    if not wrong and pupil is None:
        wrong = [("", "STR-06", "Send each property as it is declared.")]
    return (None, wrong) if wrong else (pupil, [])
