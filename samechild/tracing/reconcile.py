"""What is made of a trace's answer: accepted, a question to a person, or nothing; and what differs from what is held.

Accepted without a person is only what the service is sure of and nothing here speaks against. A line found by scores
is a question, however high they are; so is anybody with another birth date or given name, and anybody who turns up
under another number than the one given: the plausible different child, such as the other twin, is the one mistake that
must not happen. Neither side overwrites the other: what differs is told by the name of the field and put to a person.

Source: the outcomes of the single unique identifier programme's matching service; result codes of the Demographics
Batch Service; NHS Data Model and Dictionary, NHS NUMBER STATUS INDICATOR CODE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from samechild.identifiers import nhs_number
from samechild.tracing.confirm import Level, compare, known_of
from samechild.tracing.mesh_answer import Line
from samechild.tracing.mesh_codes import CERTAIN, CODES, MANY_MATCHES, NO_MATCH, SURE, Algorithm, Meaning
from samechild.tracing.records import NumberStatus, Obtained, Person, Query, Subject, Traced, TraceOutcome

_O = TraceOutcome

SIX_WEEKS = timedelta(days=42)
"""A baby younger than this is not traced yet (status 08)."""

AGAIN_AFTER: dict[NumberStatus, timedelta | None] = {
    NumberStatus.VERIFIED: timedelta(days=365),
    NumberStatus.NOT_TRACED: timedelta(0),
    NumberStatus.TRACE_REQUIRED: timedelta(0),
    NumberStatus.NO_SINGLE_MATCH: timedelta(days=90),
    NumberStatus.CONFLICT: None,  # a person looks first
    NumberStatus.IN_PROGRESS: None,
    NumberStatus.NOT_REQUIRED: None,
    NumberStatus.POSTPONED: timedelta(0),  # once the child is six weeks old
}
"""How long after its last trace a number of each status is traced again; None: not by the clock."""

NOT_SURE = "not sure"
ANOTHER_NUMBER = "another number"
BAD_NUMBER = "number fails its check"
ANOTHER_BIRTH_DATE = "another birth date"
ANOTHER_GIVEN_NAME = "another given name"
NOTHING_TO_COMPARE = "nothing to compare"
TWICE = "answered twice"
"""Codes of reasons; they hold no value."""


def judge(subject: Subject, line: Line) -> Traced:
    """Say what one line of an answer means for the child it was asked about."""
    meaning, matched = CODES[line.code].meaning, line.matched
    reason = f"code {line.code}"
    if meaning in (Meaning.AGAIN, Meaning.LINE, Meaning.FILE):
        return _nothing(_O.UNAVAILABLE, reason)
    if meaning is Meaning.NOT_ENOUGH:
        return _nothing(_O.NOT_ENOUGH, reason)
    if meaning is Meaning.SEVERAL or matched == MANY_MATCHES:
        return _nothing(_O.SEVERAL, reason, people=0)
    claimed = nhs_number.check(subject.claimed).value or ""
    if meaning is Meaning.WITHDRAWN and matched in ("", NO_MATCH):
        return msgspec.structs.replace(_nothing(_O.INVALIDATED, reason), previous=claimed)
    if meaning is Meaning.NONE or matched in ("", NO_MATCH):
        return _nothing(_O.NONE, reason)
    return _found(subject, line, meaning, claimed, reason)


def _nothing(outcome: TraceOutcome, reason: str, people: int = 0) -> Traced:
    return Traced(outcome=outcome, queries=1, people=people, reasons=(reason,))


def _found(subject: Subject, line: Line, meaning: Meaning, claimed: str, reason: str) -> Traced:
    """One person was found: accept, or say what speaks against it."""
    replaced = meaning in (Meaning.SUPERSEDED, Meaning.WITHDRAWN)
    against = list(contradictions(subject, line.person))
    if nhs_number.check(line.matched).value is None:
        against.append(BAD_NUMBER)
    if claimed and line.matched != claimed and not replaced:
        against.append(ANOTHER_NUMBER)
    if line.algorithm not in SURE or line.confidence < CERTAIN:
        against.append(NOT_SURE)
    crossed = line.algorithm is Algorithm.CROSS_CHECK and bool(claimed)
    if not crossed and not (line.person.birth_date and any(line.person.givens)):
        against.append(NOTHING_TO_COMPARE)
    if subject.one_of_several and not any(line.person.givens):
        against.append(NOTHING_TO_COMPARE)
    previous = claimed if replaced and claimed != line.matched else ""
    found = Traced(
        outcome=_O.RESTRICTED if line.person.restricted else _O.SUPERSEDED if previous else _O.MATCHED,
        number=line.matched,
        previous=previous,
        queries=1,
        people=1,
        differences=differences(subject, line.person),
        reasons=(reason, *dict.fromkeys(against)),
        person=line.person,
        by_number=crossed,
    )
    if not against:
        return found
    number = "" if BAD_NUMBER in against else line.matched
    return msgspec.structs.replace(found, outcome=_O.CONTRADICTION, number=number)


def contradictions(subject: Subject, person: Person) -> tuple[str, ...]:
    """What speaks against the person being the child: another birth date, or a given name that is not surely theirs.

    A typing error apart is enough to ask; for one of several children of the same birth, so is a short form.
    """
    found = compare(known_of(subject), person, _FILE)
    against = []
    if found.birth not in (Level.SAME, Level.UNKNOWN):
        against.append(ANOTHER_BIRTH_DATE)
    doubtful = found.given in (Level.OTHER, Level.NEAR)
    if doubtful or (found.one_of_several and found.given not in (Level.SAME, Level.UNKNOWN)):
        against.append(ANOTHER_GIVEN_NAME)
    return tuple(against)


def differences(subject: Subject, person: Person) -> tuple[str, ...]:
    """The fields of :class:`samechild.records.Record` in which the national record says something else.

    Only what both sides hold is compared, in its comparable form: spelling in capitals is no difference, and neither
    is an address that may not be seen.
    """
    return compare(known_of(subject), person, _FILE).differences


_FILE = Query(step="trace file")


def national_values(traced: Traced) -> dict[str, str]:
    """The national record by field of :class:`samechild.records.Record`, to keep beside what is held here."""
    person = traced.person
    values = {"nhs_number": traced.number} if traced.accepted else {}
    if person is None:
        return values
    first = person.givens[0] if person.givens else ()
    values |= {
        "forename": first[0] if first else "",
        "middle_names": " ".join(first[1:]),
        "surname": person.families[0] if person.families else "",
        "former_surname": person.families[1] if len(person.families) > 1 else "",
        "date_of_birth": person.birth_date if len(person.birth_date) == 10 else "",
        "sex": person.sex,
        "postcode": person.postcodes[0] if person.postcodes else "",
        "gp_practice": person.gp_practice,
    }
    return {name: value for name, value in values.items() if value}


def twice() -> Traced:
    """What is made of a reference that was answered twice, differently: a person must look."""
    return Traced(outcome=_O.CONTRADICTION, queries=1, reasons=(TWICE,))


# --- when to trace again, and how the numbers stand -------------------------------------------------------------------


def is_due(status: NumberStatus, last: datetime | None, now: datetime, born: date | None = None) -> bool:
    """Whether a child's number is to be traced now.

    Args:
        status: how far it is verified.
        last: when it was last traced; None: never.
        now: the time.
        born: the birth date, where known: a baby under six weeks is left for later.
    """
    if born is not None and now.date() - born < SIX_WEEKS:
        return False
    after = AGAIN_AFTER[status]
    return after is not None and (last is None or now - last >= after)


def status_before_trace(claimed: str, born: date | None, now: datetime) -> NumberStatus:
    """The status of a number nobody has traced: present, required, or put off for a baby under six weeks."""
    if born is not None and now.date() - born < SIX_WEEKS:
        return NumberStatus.POSTPONED
    return NumberStatus.NOT_TRACED if claimed else NumberStatus.TRACE_REQUIRED


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How the numbers of an organisation stand: counts by status and by how they were obtained, and the share verified.

    ``total`` counts children's records, ``with_number`` those that hold a number, verified or not.
    """

    total: int
    with_number: int
    by_status: Mapping[NumberStatus, int]
    by_obtained: Mapping[Obtained, int]

    @property
    def verified(self) -> int:
        """Records whose number a national service gave or confirmed."""
        return self.by_status.get(NumberStatus.VERIFIED, 0)

    @property
    def unverified(self) -> int:
        """Records that hold a number nobody has verified."""
        return self.with_number - self.verified

    @property
    def share(self) -> float:
        """The share of records with a verified number, 0 to 1; 0 when there are no records."""
        return self.verified / self.total if self.total else 0.0


def coverage(standings: Sequence[tuple[NumberStatus, Obtained | None]], total: int) -> Coverage:
    """Count how numbers stand. ``standings``: status, and how the number was obtained (None: there is none).

    Of ``total`` records those without a standing have never been looked at: a trace is required.
    """
    statuses = Counter(status for status, _ in standings)
    rest = max(0, total - len(standings))
    if rest:
        statuses[NumberStatus.TRACE_REQUIRED] += rest
    obtained = Counter(how for _, how in standings if how is not None)
    return Coverage(
        total=len(standings) + rest,
        with_number=sum(obtained.values()),
        by_status={status: statuses[status] for status in NumberStatus if statuses[status]},
        by_obtained={how: obtained[how] for how in Obtained if obtained[how]},
    )
