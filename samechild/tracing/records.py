"""The nouns of tracing: the child asked about, a question to a national service, its answer, and what came of it.

What is known of a child stands in a :class:`Subject` as it was written; what the Personal Demographics Service (PDS)
holds, in a :class:`Person`. The two are compared and never mixed: neither overwrites the other. None of these prints
its values, so that an error or a log line that shows one tells nothing of a child.

Sources: NHS Data Model and Dictionary, NHS NUMBER STATUS INDICATOR CODE; Personal Demographics Service FHIR API.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from samechild.identifiers.nhs_number import STATUS_MEANINGS


class NumberStatus(StrEnum):
    """How far an NHS number has been verified: the national codes 01 to 08."""

    VERIFIED = "01"
    NOT_TRACED = "02"
    TRACE_REQUIRED = "03"
    NO_SINGLE_MATCH = "04"  # no match, or several
    CONFLICT = "05"  # the number or a detail contradicts
    IN_PROGRESS = "06"
    NOT_REQUIRED = "07"  # no number, and none needed
    POSTPONED = "08"  # a baby under six weeks

    @property
    def words(self) -> str:
        """What the code means, in the words of the national data dictionary."""
        return STATUS_MEANINGS[self.value]


class Obtained(StrEnum):
    """How a number became known. Only the first two are formal; whatever else is unverified until it is traced."""

    TRACED = "traced"  # by a national service, from the child's details
    CHECKED = "checked"  # known already, then checked with a national service
    PARENT = "parent"  # told by a parent or carer
    CHILD = "child"  # told by the child or young person
    LETTER = "letter"  # copied from a letter or a form
    RED_BOOK = "red-book"  # copied from the personal child health record
    COLLEAGUE = "colleague"  # from a health colleague, on the telephone or in the same office
    MEETING = "meeting"  # noted in a meeting
    SYSTEM = "system"  # came with a record from another system
    HAND = "hand"  # typed in, and nobody noted where it came from
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The words for it on a page."""
        return OBTAINED_WORDS[self]

    @property
    def formal(self) -> bool:
        """Whether a national service gave or confirmed the number."""
        return self in (Obtained.TRACED, Obtained.CHECKED)


OBTAINED_WORDS: dict[Obtained, str] = {
    Obtained.TRACED: "Traced with a national service",
    Obtained.CHECKED: "Checked with a national service",
    Obtained.PARENT: "Told by a parent or carer",
    Obtained.CHILD: "Told by the child or young person",
    Obtained.LETTER: "Copied from a letter or form",
    Obtained.RED_BOOK: "Copied from the red book (personal child health record)",
    Obtained.COLLEAGUE: "From a health colleague",
    Obtained.MEETING: "Noted in a meeting",
    Obtained.SYSTEM: "Came from another system",
    Obtained.HAND: "Typed in, source not noted",
    Obtained.UNKNOWN: "Not known",
}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is known here of a child whose number is asked for: values as they were written, empty when not known.

    ``given``: given names in order, the first as one element even if hyphenated. ``also_called``: names the child is
    known by. ``former_families``: earlier or other family names. ``birth_date``: only when wholly known. ``sex``: M, F
    or empty. ``claimed``: an NHS number that somebody gave, and ``obtained`` how. ``one_of_several``: known to be a
    twin or triplet, or another child of the same family name and birth date is known.
    """

    given: tuple[str, ...] = ()
    also_called: tuple[str, ...] = ()
    family: str = ""
    former_families: tuple[str, ...] = ()
    birth_date: date | None = None
    sex: str = ""
    postcode: str = ""
    earlier_postcodes: tuple[str, ...] = ()
    gp_practice: str = ""
    claimed: str = ""
    obtained: Obtained = Obtained.UNKNOWN
    one_of_several: bool = False

    def __repr__(self) -> str:
        return "Subject(values hidden)"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person as a national service described them.

    ``families`` and ``givens``: every name with its use, the usual one first; ``givens[i]`` belongs to ``families[i]``.
    ``sex``: M, F or empty. ``restricted``: the national record is marked so that no address may be seen. ``score``: the
    service's own 0 to 1, None when the person was read by number. ``plural``: born one of several, or None when not
    said; ``birth_order``: the place in the birth, 0 when not recorded (a first of one and a first of two are written
    alike). ``version``: the national record's version number, for noticing a change.
    """

    number: str
    families: tuple[str, ...] = ()
    givens: tuple[tuple[str, ...], ...] = ()
    birth_date: str = ""  # ISO; may be a year or a month only
    sex: str = ""
    postcodes: tuple[str, ...] = ()  # the home first
    gp_practice: str = ""
    restricted: bool = False
    deceased: bool = False
    score: float | None = None
    plural: bool | None = None
    birth_order: int = 0
    version: str = ""

    def __repr__(self) -> str:
        return "Person(values hidden)"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the service: a search by what is known, or, with ``number``, the person of that number.

    ``step`` is the name of the step of the plan that asks it, the only part that is ever logged. ``given`` and
    ``family`` may end in ``*`` after at least two letters. ``born``: first and last possible birth date.
    """

    step: str
    number: str = ""
    family: str = ""
    given: tuple[str, ...] = ()
    born: tuple[date, date] | None = None
    sex: str = ""
    postcode: str = ""
    gp_practice: str = ""
    fuzzy: bool = False
    exact: bool = False
    history: bool = False
    most: int = 1

    def __repr__(self) -> str:
        return f"Query(step={self.step!r}, values hidden)"


class Answered(StrEnum):
    """What kind of answer one question got."""

    PEOPLE = "people"  # one or more people
    NOBODY = "nobody"  # a search without result, or no such number
    TOO_MANY = "too many"  # more than the service may tell
    INVALIDATED = "invalidated"  # the number was withdrawn and leads nowhere
    REFUSED = "refused"  # the question was malformed or not allowed: asking again does not help
    LYING = "lying"  # an answer that does not fit the question, or no answer at all that can be read
    DOWN = "down"  # no answer, or too busy, after all the tries


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question: its kind, the people in it, and a code that says why there are none.

    ``problem`` is the service's own error code or one of ours; never a value. ``tries`` counts the requests sent.
    """

    kind: Answered
    people: tuple[Person, ...] = ()
    problem: str = ""
    tries: int = 1

    def __repr__(self) -> str:
        return f"Answer(kind={self.kind.value!r}, people={len(self.people)}, problem={self.problem!r})"


class TraceOutcome(StrEnum):
    """What came of a trace."""

    MATCHED = "matched"  # one person, confirmed: the number may be kept as verified
    NONE = "none"  # nobody was found
    SEVERAL = "several"  # more than one could be meant
    CONTRADICTION = "contradiction"  # somebody was found whom something speaks against: a person must look
    SUPERSEDED = "superseded"  # confirmed, under a number that replaces the one given
    INVALIDATED = "invalidated"  # the number given was withdrawn, and the child was not found under another
    RESTRICTED = "restricted"  # confirmed, and the national record is restricted: shield the child here too
    NOT_ENOUGH = "not enough"  # too little is known to ask
    UNAVAILABLE = "unavailable"  # the service did not answer properly: ask again later


ACCEPTED = frozenset({TraceOutcome.MATCHED, TraceOutcome.SUPERSEDED, TraceOutcome.RESTRICTED})
"""The outcomes after which ``number`` may be kept as verified without asking a person."""

ASK = frozenset({TraceOutcome.SEVERAL, TraceOutcome.CONTRADICTION})
"""The outcomes after which a person must look."""

_STATUS = {
    TraceOutcome.MATCHED: NumberStatus.VERIFIED,
    TraceOutcome.SUPERSEDED: NumberStatus.VERIFIED,
    TraceOutcome.RESTRICTED: NumberStatus.VERIFIED,
    TraceOutcome.NONE: NumberStatus.NO_SINGLE_MATCH,
    TraceOutcome.SEVERAL: NumberStatus.NO_SINGLE_MATCH,
    TraceOutcome.CONTRADICTION: NumberStatus.CONFLICT,
    TraceOutcome.INVALIDATED: NumberStatus.CONFLICT,
    TraceOutcome.NOT_ENOUGH: NumberStatus.TRACE_REQUIRED,
}


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """What a trace found about one child.

    ``number``: the verified number when ``outcome`` is one of :data:`ACCEPTED`; the only candidate's when it is a
    contradiction (a question to a person, never to be kept); else empty. ``previous``: the number given, when another
    replaces it or it was withdrawn. ``queries``: questions asked of the service. ``people``: how many people's records
    the service told of, each of which it notes in its audit trail. ``differences``: names of fields of
    :class:`samechild.records.Record` in which the national record says something else. ``reasons``: codes. ``person``:
    the national values when exactly one person was found; they are kept apart from what is held here.
    """

    outcome: TraceOutcome
    number: str = ""
    previous: str = ""
    queries: int = 0
    people: int = 0
    differences: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    person: Person | None = None
    by_number: bool = False  # found by the number given and the birth date, not by a search

    @property
    def accepted(self) -> bool:
        """Whether the number may be kept as verified without asking a person."""
        return self.outcome in ACCEPTED

    @property
    def status(self) -> NumberStatus | None:
        """The verification status this trace leads to; None: leave it as it was and ask again later."""
        return _STATUS.get(self.outcome)

    @property
    def obtained(self) -> Obtained:
        """How the accepted number became known."""
        return Obtained.CHECKED if self.by_number and not self.previous else Obtained.TRACED

    def __repr__(self) -> str:
        counts = f"queries={self.queries}, people={self.people}, differences={self.differences}"
        return f"Traced(outcome={self.outcome.value!r}, {counts}, reasons={self.reasons})"


class Told(msgspec.Struct, frozen=True):
    """What the person who asked for a trace is told: an outcome, and a number when there is one for them."""

    outcome: TraceOutcome
    number: str = ""

    def __repr__(self) -> str:
        return "Told(values hidden)"


def told(traced: Traced, *, may_know_restricted: bool = False) -> Told:
    """What may be told of a trace: a restricted child is answered exactly as one who was not found.

    Only somebody whose decision at the gate covers shielded children (``may_know_restricted``) is told otherwise.
    Counts, differences and reasons are for the records of the trace, never for the answer: they would tell the two
    apart.
    """
    if traced.person is not None and traced.person.restricted and not may_know_restricted:
        return Told(TraceOutcome.NONE)
    shown = {TraceOutcome.RESTRICTED: TraceOutcome.MATCHED}.get(traced.outcome, traced.outcome)
    return Told(shown, traced.number if traced.accepted else "")
