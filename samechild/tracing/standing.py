"""How numbers stand, and what a person must decide about them: looked at through the gate, decided once.

Beside every number stands how it became known, by whom, when and how far it is verified. Where the national record
says something else than the one here, a person decides; neither side is changed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from secrets import token_hex

import msgspec

from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.identifiers import nhs_number
from samechild.policy import ledger
from samechild.policy.identities import keys_for
from samechild.policy.numbers import Noted, forget_noted, keep_noted
from samechild.policy.relationship_actions import set_mark
from samechild.records.disclosure import Ask, Asker
from samechild.storage import Login, Store
from samechild.tracing import store as tables
from samechild.tracing.actions import GOVERNANCE, OFFICERS, TRACE
from samechild.tracing.reconcile import Coverage, coverage, is_due, status_before_trace
from samechild.tracing.records import NumberStatus, Obtained
from samechild.tracing.settling import (
    CANDIDATE,
    NUMBER_FIELD,
    RESTRICTED,
)
from samechild.tracing.store import Number, Proposal, Round, Side
from samechild.tracing.subjects import Known, known, subjects


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the number of one record stands, as the asker may see it: empty when it may not be seen, or there is none.

    ``previous``: another number that is held here beside a verified one. ``since``: when it came to stand so.
    """

    record_key: str
    number: str
    status: NumberStatus
    how: Obtained | None
    by: str = ""
    since: datetime | None = None
    trace: str = ""
    previous: str = ""

    def __repr__(self) -> str:
        return f"Standing(record_key={self.record_key!r}, status={self.status.value!r}, number=hidden)"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must decide: the field, why, and the values on both sides as the asker may see them."""

    proposal: str
    record_key: str
    field: str
    kind: str
    since: datetime
    here: str
    there: str
    beside: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Question(proposal={self.proposal!r}, field={self.field!r}, values=hidden)"


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How many records differ from the national one in a field, why, and since when the oldest waits."""

    field: str
    kind: str
    records: int
    since: datetime


ANSWERS: dict[str, tuple[str, str]] = {
    CANDIDATE: ("This is the child: keep the number as verified", "This is not the child"),
    "": ("The national record is right", "Our record is right"),
}
"""The two answers to a question, by its kind: for the national side, and for ours."""


# --- looking ----------------------------------------------------------------------------------------------------------


def standing(store: Store, ask: Ask, record_keys: Sequence[str], *, national: bool = True) -> dict[str, Standing]:
    """How the numbers of some records stand, as the asker may see them; what they may not know of is left out.

    ``ask`` gives who asks, why and on which grounds; the records must be of the organisation that ``ask.owner`` names.
    Without ``national``, what that organisation had from a national service is left out: only what it holds itself.
    """
    them = known(store, ask.who, record_keys, ask.now, ask=ask)
    with store.read(Login.IDENTITY, ask.owner) as identity:
        held = tables.numbers_of(identity, ask.owner, list(them))
        waiting = {each.record_key for each in tables.open_now(identity, ask.owner)}
    by_record: dict[str, list[Number]] = {}
    for number in held:
        if national or number.side is Side.LOCAL:
            by_record.setdefault(number.record_key, []).append(number)
    made = subjects(them, {}, ask.now)
    return {
        key: _stands(each, by_record.get(key, []), made[key].birth_date, key in waiting, ask.now)
        for key, each in them.items()
    }


def _stands(one: Known, held: Sequence[Number], born: date | None, waiting: bool, now: datetime) -> Standing:
    """Put together what is noted, what the national service says and what the record itself says."""
    sides = {number.side: number for number in held}
    national, local = sides.get(Side.NATIONAL), sides.get(Side.LOCAL)
    own = nhs_number.check(one.values.get(NUMBER_FIELD, "")).value or ""
    here = _value(one, local) or own
    if national is not None and national.status is NumberStatus.VERIFIED:
        number = _value(one, national)
        return _standing(one, national, number, here if here != number else "")
    status = national.status if national is not None else status_before_trace(here, born, now)
    if Side.CANDIDATE in sides or (local is not None and local.status is NumberStatus.CONFLICT):
        status = NumberStatus.CONFLICT
    elif waiting:
        status = NumberStatus.IN_PROGRESS
    source = local or national
    if source is None:
        how = Obtained.SYSTEM if NUMBER_FIELD in one.values else None
        return Standing(record_key=one.record_key, number=own, status=status, how=how)
    shown = msgspec.structs.replace(source, status=status, how=source.how or (Obtained.SYSTEM if own else None))
    return _standing(one, shown, here, "")


def _value(one: Known, number: Number | None) -> str:
    return "" if number is None else one.noted.get(number.row_id, {}).get(NUMBER_FIELD, "")


def _standing(one: Known, number: Number, value: str, other: str) -> Standing:
    return Standing(
        record_key=one.record_key,
        number=value,
        status=number.status,
        how=number.how,
        by=number.by,
        since=number.received_at,
        trace=number.trace,
        previous=other,
    )


def how_they_stand(store: Store, by: Asker, total: int) -> Coverage:
    """Count how the numbers of the asker's organisation stand; ``total`` is how many records it holds.

    Only counts are told, so nothing is read of any child. A record whose number nobody has looked at yet counts as one
    to be traced.

    Raises:
        Refused: when the asker does not look after numbers.
    """
    _look_after(by)
    with store.read(Login.IDENTITY, by.organisation) as identity:
        held = tables.current_numbers(identity, by.organisation)
    by_record: dict[str, dict[Side, Number]] = {}
    for number in held:
        by_record.setdefault(number.record_key, {})[number.side] = number
    return coverage([_counted(sides) for sides in by_record.values()], total)


def _counted(sides: Mapping[Side, Number]) -> tuple[NumberStatus, Obtained | None]:
    national, local = sides.get(Side.NATIONAL), sides.get(Side.LOCAL)
    if national is not None and national.status is NumberStatus.VERIFIED:
        return national.status, national.how
    if Side.CANDIDATE in sides:
        return NumberStatus.CONFLICT, local.how if local else None
    source = national or local
    status = source.status if source else NumberStatus.TRACE_REQUIRED
    return status, local.how if local else None


def due(store: Store, by: Asker, record_keys: Sequence[str], now: datetime) -> list[str]:
    """Which of some records are to be traced now: never traced, without an answer, or verified a year ago.

    A child already asked about is left alone until the answer comes. Whether somebody is a baby under six weeks is
    seen when the request is made.
    """
    with store.read(Login.IDENTITY, by.organisation) as identity:
        held = tables.current_numbers(identity, by.organisation)
        asked = tables.last_asked(identity, by.organisation)
    status: dict[str, NumberStatus] = {}
    for number in sorted(held, key=lambda each: [Side.LOCAL, Side.NATIONAL, Side.CANDIDATE].index(each.side)):
        if number.record_key not in status or status[number.record_key] is not NumberStatus.VERIFIED:
            status[number.record_key] = number.status
    found = []
    for key in dict.fromkeys(record_keys):
        last = asked.get(key)
        if last is not None and last.state == "open":
            continue
        answered = last.answered_at if last is not None and last.state == "answered" and last.outcome else None
        if last is not None and last.outcome is not None and last.outcome.value == "unavailable":
            answered = None
        if is_due(status.get(key, NumberStatus.TRACE_REQUIRED), answered, now):
            found.append(key)
    return found


def drift(store: Store, by: Asker) -> list[Drift]:
    """In which fields the organisation's records differ from the national ones: counts only, the oldest first.

    That a national record is restricted is counted for information governance alone.
    """
    _look_after(by)
    with store.read(Login.IDENTITY, by.organisation) as identity:
        found = tables.open_by_field(identity, by.organisation)
    return [
        Drift(field=field, kind=kind, records=count, since=oldest)
        for field, kind, count, oldest in found
        if kind != RESTRICTED or by.role in GOVERNANCE
    ]


def latest_rounds(store: Store, by: Asker, limit: int = 50) -> list[Round]:
    """The organisation's latest rounds of asking, the newest first; they name no child.

    Raises:
        Refused: when the asker does not look after numbers.
    """
    _look_after(by)
    with store.read(Login.IDENTITY, by.organisation) as identity:
        return tables.rounds(identity, by.organisation, limit=limit)


# --- deciding ---------------------------------------------------------------------------------------------------------


def questions(store: Store, by: Asker, now: datetime, *, limit: int = 100, only: str = "") -> list[Question]:
    """What a person must decide, the oldest first, with the values on both sides as the asker may see them.

    ``only``: one question, by its id.

    Raises:
        Refused: when the asker does not look after numbers.
    """
    _look_after(by)
    with store.read(Login.IDENTITY, by.organisation) as identity:
        waiting = tables.proposals(identity, by.organisation)
        open_now = [each for each in waiting if _theirs(each, by) and only in ("", each.proposal)][:limit]
        keys = list(dict.fromkeys(each.record_key for each in open_now))
        held = tables.numbers_of(identity, by.organisation, keys)
    them = known(store, by, keys, now, batch=TRACE)
    return [
        _question(each, them[each.record_key], [n for n in held if n.record_key == each.record_key])
        for each in open_now
        if each.record_key in them
    ]


def _theirs(proposal: Proposal, by: Asker) -> bool:
    return (proposal.kind == RESTRICTED) == (by.role in GOVERNANCE)


def _question(proposal: Proposal, one: Known, held: Sequence[Number]) -> Question:
    side = Side.CANDIDATE if proposal.kind == CANDIDATE else Side.NATIONAL
    beside = next((one.noted.get(number.row_id, {}) for number in held if number.side is side), {})
    local = next((number for number in held if number.side is Side.LOCAL), None)
    here = one.values.get(proposal.field, "")
    if proposal.field == NUMBER_FIELD:
        here = _value(one, local) or here
    shown = {name: value for name, value in beside.items() if name != NUMBER_FIELD}
    return Question(
        proposal=proposal.proposal,
        record_key=proposal.record_key,
        field=proposal.field,
        kind=proposal.kind,
        since=proposal.received_at,
        here=here,
        there=beside.get(proposal.field, ""),
        beside=shown if proposal.kind == CANDIDATE else {},
    )


def review(store: Store, by: Asker, proposal: str, answer: str, now: datetime) -> None:
    """Decide a question: ``national`` (it is right there) or ``local`` (it is right here).

    Nothing is overwritten: the decision stands, and whoever keeps the record mends it at its source. For somebody who
    was found in spite of something that speaks against it, ``national`` makes the number the child's, verified by this
    person; ``local`` deletes what was found.

    Raises:
        Missing: when there is no such question for this asker. Conflict: when somebody answered it before.
        Invalid: when the answer is neither. Refused: when the asker does not look after numbers.
    """
    _look_after(by)
    if answer not in ("national", "local"):
        raise Invalid("A question is answered with national or local.")
    owner = by.organisation
    with store.read(Login.IDENTITY, owner) as identity:
        asked = tables.one_proposal(identity, owner, proposal)
    if asked is None or not _theirs(asked, by):
        raise Missing(ledger.NOTHING_THERE)
    them = known(store, by, [asked.record_key], now) if asked.kind != RESTRICTED else {}
    if asked.kind != RESTRICTED and asked.record_key not in them:
        raise Missing(ledger.NOTHING_THERE)
    if asked.state != "open":
        raise Conflict("Somebody answered this before: open the list again.")
    body = {"act": "decided", "by": by.user, "field": asked.field, "kind": asked.kind, "answer": answer}
    ledger.append(store, TRACE, body, now, ledger.references_to(store, asked.record_key))
    if asked.kind == RESTRICTED and answer == "national":
        set_mark(store, by, owner, [asked.record_key], "shielded", now)
    key = keys_for(store, [asked.record_key])[asked.record_key] if asked.kind == CANDIDATE else None
    with store.write(Login.IDENTITY, owner) as identity:
        if not tables.close_proposal(identity, proposal, answer, by.user, now):
            raise Conflict("Somebody answered this before: open the list again.")
        found = tables.number(identity, owner, asked.number_id)
        if asked.kind != CANDIDATE or key is None or found is None or not found.current:
            return
        values = them[asked.record_key].noted.get(found.row_id, {})
        forget_noted(identity, owner, [found.row_id] if found.row_id else [])
        tables.end_number(identity, found.number_id, without_value=True)
        accepted = answer == "national" and NUMBER_FIELD in values
        row_id = ""
        if accepted:
            noted = Noted(owner=owner, record_key=asked.record_key, basis=asked.basis, received_at=now, values=values)
            row_id = keep_noted(identity, key, noted)
        made = msgspec.structs.replace(
            found,
            number_id=token_hex(16),
            received_at=now,
            side=Side.NATIONAL,
            status=NumberStatus.VERIFIED if accepted else NumberStatus.NO_SINGLE_MATCH,
            how=found.how if accepted else None,
            by=by.user,
            row_id=row_id,
            token=found.token if accepted else "",
            previous="",
            told_at=None,
        )
        before = tables.numbers_of(identity, owner, [asked.record_key])
        if accepted or not any(n.side is Side.NATIONAL and n.status is NumberStatus.VERIFIED for n in before):
            tables.keep_number(identity, made)


def _look_after(by: Asker) -> None:
    if by.role not in (*OFFICERS, *GOVERNANCE):
        raise Refused("Numbers are looked after by data quality officers and information governance.")
