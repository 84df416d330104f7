"""What a child, or a person with parental responsibility, decided about sharing; kept as data, never as a tick box.

Consent is rarely the lawful basis of sharing, but what was decided still matters: it meets the duty of confidence, it
is the conversation that Children Act 1989 section 17 asks for, and a refusal stops sharing that no duty demands. A
decision is about one topic, may be withdrawn at any time, is never edited and only succeeded by another.

Sources: *Gillick v West Norfolk and Wisbech AHA* [1986] AC 112 (competence is judged for each decision, with no lower
age limit); Family Law Reform Act 1969 section 8 and Mental Capacity Act 2005 section 1(2) (presumed at 16 and 17);
Children Act 1989 section 3 (parental responsibility); UK GDPR Articles 4(11) and 7; HM Government, *Information
sharing advice for safeguarding practitioners* (May 2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum

import msgspec

from samechild.policy.records import Consent


class Topic(msgspec.Struct, frozen=True):
    """What a decision is about: one purpose, the record types, and the organisations that would receive them.

    In a refusal or withdrawal an empty tuple means all; whoever consents must be told which.
    """

    purpose: str
    record_types: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()

    def holds_all_of(self, other: Topic) -> bool:
        """Whether the other topic lies wholly within this one."""
        return (
            self.purpose == other.purpose
            and _within(other.record_types, self.record_types)
            and _within(other.recipients, self.recipients)
        )

    def touches(self, other: Topic) -> bool:
        """Whether the two topics have anything in common."""
        return (
            self.purpose == other.purpose
            and _meet(self.record_types, other.record_types)
            and _meet(self.recipients, other.recipients)
        )


class Decider(StrEnum):
    """Who decides: the child, a person with parental responsibility, or nobody was asked."""

    CHILD = "child"
    PARENT = "person with parental responsibility"
    NOBODY = "nobody"  # implied by a notice, or there is a reason why nobody was asked


class Response(StrEnum):
    """What was decided, as it was recorded."""

    GIVEN = "given"
    IMPLIED = "implied"  # integral to a purpose that a notice explained at the outset
    REFUSED = "refused"
    NOT_PROVIDED = "not provided"  # asked, and no answer came
    NOT_ASKED = "not asked"  # with the reason
    WITHDRAWN = "withdrawn"
    INVALIDATED = "invalidated"  # it was never a decision: wrong child, no competence, no parental responsibility


class State(StrEnum):
    """How one recorded decision stands at a moment: what was recorded, unless time or another record overtook it."""

    GIVEN = "given"
    IMPLIED = "implied"
    REFUSED = "refused"
    NOT_PROVIDED = "not provided"
    NOT_ASKED = "not asked"
    WITHDRAWN = "withdrawn"
    INVALIDATED = "invalidated"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class Way(StrEnum):
    """How the answer reached us."""

    WEB = "web"
    PHONE = "phone"
    PAPER = "paper"
    IN_PERSON = "in person"
    SELF = "self"  # the young person's own record, entered by themselves


VERBAL = frozenset({Way.PHONE, Way.IN_PERSON})
"""Ways that leave nothing written: what was said must be recorded."""

DECISIONS = frozenset({Response.GIVEN, Response.REFUSED, Response.WITHDRAWN})
"""Answers of somebody who was asked."""

LASTING = frozenset({Response.REFUSED, Response.WITHDRAWN})
"""Answers that stand until the person decides otherwise."""


class Age(StrEnum):
    """The child's age when deciding, as far as it changes who decides."""

    UNDER_16 = "under 16"
    SIXTEEN = "16 or 17"
    ADULT = "18 or over"
    UNKNOWN = "unknown"


class Competence(msgspec.Struct, frozen=True, kw_only=True):
    """One assessment of whether the child can take this one decision; all five elements must be true.

    It belongs to the decision and never to the child: it is of no use for another topic.
    """

    topic: Topic
    assessor: str
    assessed_at: datetime
    understands_what: bool  # what would be shared
    understands_who_and_why: bool  # with whom, and for what
    understands_if_shared: bool  # what could follow from sharing
    understands_if_not: bool  # what could follow from not sharing
    decides_freely: bool  # weighs it, and is not pressed by anybody

    @property
    def holds(self) -> bool:
        """Whether the child was found able to take this decision."""
        return (
            self.understands_what
            and self.understands_who_and_why
            and self.understands_if_shared
            and self.understands_if_not
            and self.decides_freely
        )


class Source(StrEnum):
    """What shows that somebody has parental responsibility."""

    BIRTH_REGISTRATION = "birth registration"
    MARRIAGE = "marriage to the mother"
    AGREEMENT = "parental responsibility agreement"
    COURT_ORDER = "court order"
    ADOPTION_ORDER = "adoption order"
    GUARDIANSHIP = "appointment as guardian"
    CARE_ORDER = "care order"  # the council shares it


class Responsibility(msgspec.Struct, frozen=True, kw_only=True):
    """A person's parental responsibility as a dated relationship, with what shows it and who saw that."""

    relationship: str
    source: Source
    since: date
    seen_by: str
    until: date | None = None  # the first day on which it no longer holds

    def holds(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.since <= day and (self.until is None or day < self.until)


class ConsentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision about sharing one child's records. Ids are opaque; the last three fields are texts, kept sealed.

    ``person`` is who decided when that is not the child. ``succeeds`` names the record that a withdrawal withdraws or
    an invalidation makes void. ``assessment`` are the notes of an assessment of competence.
    """

    id: str
    record_key: str
    organisation: str
    topic: Topic
    decider: Decider
    response: Response
    decided_at: datetime
    recorded_by: str
    way: Way | None = None
    person: str = ""
    age: Age = Age.UNKNOWN
    competence: Competence | None = None
    responsibility: Responsibility | None = None
    valid_until: datetime | None = None
    notice: str = ""
    succeeds: str = ""
    details: str = ""
    reason: str = ""
    assessment: str = ""


class Disagreement(msgspec.Struct, frozen=True):
    """Two people who may decide do not agree: a named person looks at it. ``stands`` is the record that counts."""

    stands: str
    against: str
    words: str


def is_able(record: ConsentRecord) -> bool:
    """Whether the child was able to take this decision: assessed for this topic, or presumed from 16 and not rebutted.

    An assessment for another topic, or made after the decision, does not count.
    """
    found = record.competence
    if found is not None:
        return found.holds and found.topic == record.topic and found.assessed_at <= record.decided_at
    return record.age in (Age.SIXTEEN, Age.ADULT)


def may_decide(record: ConsentRecord, now: datetime) -> bool:
    """Whether whoever decided may do so: an able child, a person whose parental responsibility holds, or a notice.

    Parental responsibility must have held when deciding and must hold still; nobody has it for an adult.
    """
    asks_nobody = record.response in (Response.IMPLIED, Response.NOT_ASKED)
    if record.decider is Decider.NOBODY:
        return asks_nobody and (record.response is Response.NOT_ASKED or bool(record.notice))
    if record.decider is Decider.CHILD:
        return is_able(record) and not asks_nobody
    held = record.responsibility
    return (
        not asks_nobody
        and record.age is not Age.ADULT
        and held is not None
        and held.holds(record.decided_at.date())
        and held.holds(now.date())
    )


def state_of(record: ConsentRecord, records: Iterable[ConsentRecord], now: datetime) -> State:
    """Say how one record stands now, among all records of the same child.

    A record that was made void overtakes nothing: what it seemed to replace stands again.
    """
    others = [other for other in records if other.id != record.id and other.decided_at <= now]
    void = {other.succeeds for other in others if other.response is Response.INVALIDATED}
    if record.id in void:
        return State.INVALIDATED
    if any(other.id not in void and (_withdraws(other, record) or _overtakes(other, record, now)) for other in others):
        return State.SUPERSEDED
    if record.valid_until is not None and record.valid_until <= now:
        return State.EXPIRED
    return State(record.response.value)


def may_withdraw(other: ConsentRecord, record: ConsentRecord) -> bool:
    """Whether a withdrawal may end a record: everybody their own consent, and anybody who decides an implied one."""
    return record.response in (Response.GIVEN, Response.IMPLIED) and (
        record.decider is Decider.NOBODY or (other.decider, other.person) == (record.decider, record.person)
    )


def standing(records: Sequence[ConsentRecord], topic: Topic, now: datetime) -> Consent:
    """Resolve how consent to one sharing stands now, from every record kept about the child.

    An able child's decision stands over a parent's. Without one, a refusal by anybody with parental responsibility
    stands over another's consent until a named person has looked at it. Then come a notice that implied consent, and a
    reason why nobody was asked. What is expired or void allows nothing.
    """
    found = _in_force(records, topic, now)
    for decider in (Decider.CHILD, Decider.PARENT, Decider.NOBODY):
        answers = {_MEANS[record.response] for record in found if record.decider is decider}
        for answer in _STRICTEST_FIRST:
            if answer in answers:
                return answer
    states = {
        state_of(record, records, now) for record in records if _counts(record, topic) and may_decide(record, now)
    }
    if State.EXPIRED in states:
        return Consent.EXPIRED
    return Consent.INVALIDATED if State.INVALIDATED in states else Consent.NOT_ASKED


def disagreements(records: Sequence[ConsentRecord], topic: Topic, now: datetime) -> list[Disagreement]:
    """Name every conflict in what stands: child against parent, parents between themselves, a child not able to decide.

    A child who was not found able to decide still has wishes (UN Convention on the Rights of the Child Article 12).
    """
    found = [record for record in _in_force(records, topic, now) if record.response in DECISIONS]
    children = [record for record in found if record.decider is Decider.CHILD]
    parents = [record for record in found if record.decider is Decider.PARENT]
    wishes = [
        record
        for record in records
        if record.decider is Decider.CHILD
        and not is_able(record)
        and record.response in DECISIONS
        and _counts(record, topic)
        and state_of(record, records, now).value == record.response.value
    ]
    pairs = [
        (child, parent, "An able child's decision stands against a parent's.")
        for child in children
        for parent in parents
    ]
    pairs += [
        (one, other, "People with parental responsibility disagree: the refusal stands until this is looked at.")
        for one in parents
        for other in parents
        if _agrees(other) and not _agrees(one)
    ]
    pairs += [
        (parent, child, "The child wishes otherwise, and was not found able to decide this.")
        for child in wishes
        for parent in parents
        if not children
    ]
    return [
        Disagreement(stands.id, against.id, words)
        for stands, against, words in pairs
        if _agrees(stands) != _agrees(against)
    ]


_MEANS = {
    Response.GIVEN: Consent.GIVEN,
    Response.IMPLIED: Consent.IMPLIED,
    Response.REFUSED: Consent.REFUSED,
    Response.WITHDRAWN: Consent.WITHDRAWN,
    Response.NOT_ASKED: Consent.REASON_RECORDED,
}
_OVER = frozenset({State.SUPERSEDED, State.INVALIDATED, State.EXPIRED})
_STRICTEST_FIRST = (Consent.WITHDRAWN, Consent.REFUSED, Consent.GIVEN, Consent.IMPLIED, Consent.REASON_RECORDED)


def _within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Whether one choice lies within another; an empty one means all."""
    return not outer or (bool(inner) and set(inner) <= set(outer))


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not one or not other or not set(one).isdisjoint(other)


def _agrees(record: ConsentRecord) -> bool:
    return record.response is Response.GIVEN


def _counts(record: ConsentRecord, topic: Topic) -> bool:
    """Whether a record is about the sharing asked for: consent must hold all of it, a refusal of any part is enough."""
    return record.topic.touches(topic) if record.response in LASTING else record.topic.holds_all_of(topic)


def _withdraws(other: ConsentRecord, record: ConsentRecord) -> bool:
    return other.response is Response.WITHDRAWN and other.succeeds == record.id and may_withdraw(other, record)


def _overtakes(other: ConsentRecord, record: ConsentRecord, now: datetime) -> bool:
    """Whether another record of the same person came later and is about all that this one was about.

    Consent of somebody who may not decide overtakes nothing; their refusal still ends their own earlier consent.
    """
    return (
        (other.decider, other.person) == (record.decider, record.person)
        and other.response in _MEANS
        and (other.response in LASTING or may_decide(other, now))
        and _order(other) > _order(record)
        and other.topic.holds_all_of(record.topic)
    )


def _order(record: ConsentRecord) -> tuple[datetime, bool, str]:
    """The order of decisions; of two at the same moment the refusal counts as the later."""
    return record.decided_at, record.response in LASTING, record.id


def _in_force(records: Sequence[ConsentRecord], topic: Topic, now: datetime) -> list[ConsentRecord]:
    """The latest standing record of each person about a topic, of those who may decide."""
    latest: dict[tuple[Decider, str], ConsentRecord] = {}
    for record in sorted(records, key=_order):
        speaks = record.response in _MEANS and record.decided_at <= now and may_decide(record, now)
        if speaks and _counts(record, topic) and state_of(record, records, now) not in _OVER:
            latest[record.decider, record.person] = record
    return list(latest.values())
