"""What is done with a school's attendance register: received, worked off, and read with a permit.

The door is that of children's social care: a feed under an agreement in force, one decision in the ledger, each pupil's
slice sealed as it came, a receipt. What follows may be done again as often as needed. Reading is a question to the gate
like any other, about the record type ``education.attendance``.

Sources: School Attendance (Pupil Registration) (England) Regulations 2024; Education (Information About Individual
Pupils) (England) Regulations 2013, under which schools share attendance.
"""

from __future__ import annotations

from datetime import datetime

from samechild.collection.attendance.records import Mark
from samechild.collection.attendance.states import (
    RECORD_TYPE,
    RETENTION,
    open_marks,
)
from samechild.collection.receiving import Sending, let, take
from samechild.collection.records import Taken
from samechild.errors import Invalid
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.actions import permits
from samechild.records.disclosure import Ask, Asker
from samechild.storage import Store


def receive(store: Store, by: Asker, sending: Sending, now: datetime, random: Random) -> Taken:
    """Take what a school's system sends, or say why not; what has a receipt is kept.

    ``sending.authority`` is the school's URN, ``sending.body`` what :func:`.structure.read_register` read.

    Raises:
        Missing, Refused, Conflict, Unavailable: as :func:`samechild.collection.receiving.receive`.
    """
    leave = let(store, by, sending, now, attendance=True, retention=RETENTION)
    return take(store, by, leave, sending, sending.body.faults, sending.body.flags, now, random)


def attendance_of(store: Store, ask: Ask) -> dict[str, tuple[Mark, ...]]:
    """The marks of the pupils that a question names and the gate lets somebody read, by record key.

    What is refused or hidden is left out, in a way that cannot be told from not being there. Each answer stands in the
    ledger before it leaves.

    Raises:
        Invalid: when the question is about another kind of record.
    """
    if ask.record_type != RECORD_TYPE:
        raise Invalid("Ask for attendance.")
    found: dict[str, tuple[Mark, ...]] = {}
    for permit in permits(store, ask):
        marks = open_marks(store, permit, ask.now)
        ledger.outcome(store, permit, sorted(marks), {"records": len(marks)}, ask.now)
        found |= marks
    return found
