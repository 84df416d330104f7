"""What people do about numbers: note one, ask a national service, take its answer, and decide what a person must.

Every question to a national service tells it something of a child, so it is decided at the gate and stands in the
ledger before anything is read. What comes back is kept child by child, each in one transaction: an interruption loses
nothing, and the same answer taken twice changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from secrets import token_hex

import msgspec
import sqlalchemy as sa

from samechild.errors import Invalid, Missing, Refused
from samechild.identifiers import nhs_number
from samechild.keys.children import ChildKey
from samechild.policy import ledger
from samechild.policy.identities import keys_for
from samechild.policy.numbers import Noted, keep_noted
from samechild.records import Issue
from samechild.records.disclosure import Ask, Asker
from samechild.storage import Login, Store
from samechild.tracing import store as tables
from samechild.tracing.mesh_answer import Response, read_response
from samechild.tracing.mesh_file import Asked, Control, Written, write_request
from samechild.tracing.reconcile import judge, status_before_trace, twice
from samechild.tracing.records import NumberStatus, Obtained, Subject, Traced, TraceOutcome
from samechild.tracing.settling import (
    NUMBER_FIELD,
    REPLACED,
    Came,
    settle,
)
from samechild.tracing.store import Number, Open, Proposal, Round, RoundState, Side
from samechild.tracing.subjects import Known, known, subjects

TRACE = "trace"
"""The kind of ledger entry about tracing; it holds counts and codes."""

HAND, MESH, PDS = "hand", "mesh", "pds"
OFFICERS = ("data-quality-officer", "submitting-system")
GOVERNANCE = ("information-governance",)
AT_ONCE = 200
"""So many answers are kept in one transaction."""

AskOne = Callable[[Subject], Traced]
"""Asks a national service about one child."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What taking an answer did: children by outcome, what was wrong with some lines, and the rounds it belongs to.

    ``again``: the same answer was taken before, and nothing was changed. ``refused``: the code with which the service
    turned the whole file away.
    """

    outcomes: Mapping[str, int]
    issues: tuple[Issue, ...] = ()
    rounds: tuple[str, ...] = ()
    missing: int = 0
    refused: str = ""
    again: bool = False


# --- noting a number --------------------------------------------------------------------------------------------------


def record_number(
    store: Store, by: Asker, record_key: str, number: str, how: Obtained, now: datetime, *, ask: Ask | None = None
) -> NumberStatus:
    """Note an NHS number that somebody told or found, beside the record: it is unverified until it is traced.

    Returns:
        Its verification status: 02, or 08 for a baby under six weeks. 05 when a different number is verified already.

    Raises:
        Invalid: when it is no usable NHS number, or is said to come from a trace.
        Missing: when there is no such record, as far as the asker may know.
    """
    if how.formal:
        raise Invalid("Only a trace says that a number was traced: say how you came to know it.")
    parsed = nhs_number.parse(number)
    them = known(store, by, [record_key], now, ask=ask)
    if record_key not in them:
        raise Missing(ledger.NOTHING_THERE)
    one = them[record_key]
    born = subjects(them, {}, now)[record_key].birth_date
    ledger.append(store, TRACE, {"act": "noted", "by": by.user, "how": how.value}, now, _references(store, record_key))
    key = keys_for(store, [record_key])[record_key]
    token = store.keys.token(NUMBER_FIELD, parsed)
    with store.write(Login.IDENTITY, one.owner) as identity:
        before = tables.numbers_of(identity, one.owner, [record_key])
        national = next((each for each in before if _verified(each)), None)
        noted = Noted(
            owner=one.owner, record_key=record_key, basis=one.basis, received_at=now, values={NUMBER_FIELD: parsed}
        )
        conflict = national is not None and national.token not in store.keys.tokens(NUMBER_FIELD, parsed)
        status = NumberStatus.CONFLICT if conflict else status_before_trace(parsed, born, now)
        made = Number(
            number_id=token_hex(16),
            owner=one.owner,
            record_key=record_key,
            received_at=now,
            basis=one.basis,
            retention=one.retention,
            side=Side.LOCAL,
            status=status,
            how=how,
            by=by.user,
            row_id=keep_noted(identity, key, noted),
            token=token,
        )
        tables.keep_number(identity, made)
        if national is not None and conflict:
            _ask_about_number(identity, one, national, now)
    return status


def _ask_about_number(identity: sa.Connection, one: Known, national: Number, now: datetime) -> None:
    """Put two numbers of one record to a person, once."""
    before = tables.proposals_of(identity, one.owner, one.record_key)
    if any(each.state == "open" and (each.field, each.kind) == (NUMBER_FIELD, REPLACED) for each in before):
        return
    question = Proposal(
        proposal=token_hex(16),
        owner=one.owner,
        record_key=one.record_key,
        received_at=now,
        basis=one.basis,
        retention=one.retention,
        field=NUMBER_FIELD,
        kind=REPLACED,
        number_id=national.number_id,
        token=national.token,
    )
    tables.keep_proposals(identity, [question])


def _references(store: Store, record_key: str) -> list[str]:
    return ledger.references_to(store, record_key)


def _verified(number: Number) -> bool:
    return number.side is Side.NATIONAL and number.status is NumberStatus.VERIFIED


# --- asking -----------------------------------------------------------------------------------------------------------


def request(
    store: Store,
    by: Asker,
    record_keys: Sequence[str],
    now: datetime,
    *,
    route: str = HAND,
    control: Control | None = None,
) -> tuple[Round | None, Written]:
    """Make a trace file about some records of the asker's organisation, and keep whom it asks about.

    Returns:
        The round (None when nobody could be asked about) and the file. Give the file to nobody but the service.

    Raises:
        Refused: when the asker may not trace. TooLarge: when there are more children than one file takes.
    """
    _may_trace(by)
    them, made = _asked_about(store, by, record_keys, now)
    keyed = {token_hex(16): key for key in sorted(made)}
    written = write_request([Asked(reference, made[key]) for reference, key in keyed.items()], control)
    if not written.references:
        return None, written
    name = token_hex(16)
    body = {"act": "asked", "by": by.user, "organisation": by.organisation, "round": name, "route": route}
    ledger.append(store, TRACE, {**body, "children": len(written.references)}, now)
    opened = [
        _open(them[keyed[reference]], made[keyed[reference]], reference, name, now) for reference in written.references
    ]
    begun = Round(
        round=name,
        owner=by.organisation,
        route=route,
        state=RoundState.REQUESTED,
        by=by.user,
        requested_at=now,
        asked=len(opened),
    )
    with store.write(Login.IDENTITY, by.organisation) as identity:
        tables.keep_round(identity, begun, opened)
    return begun, written


def trace(store: Store, by: Asker, record_keys: Sequence[str], ask_one: AskOne, now: datetime) -> Counter[str]:
    """Ask the Personal Demographics Service about some records, one child after the other; says what came of them.

    Each answer is kept before the next question is put. When the service does not answer, the rest is left for later.

    Raises:
        Refused: when the asker may not trace.
    """
    _may_trace(by)
    them, made = _asked_about(store, by, record_keys, now)
    if not made:
        return Counter()
    name = token_hex(16)
    body = {"act": "asked", "by": by.user, "organisation": by.organisation, "round": name, "route": PDS}
    ledger.append(store, TRACE, {**body, "children": len(made)}, now)
    opened = {key: _open(them[key], made[key], token_hex(16), name, now) for key in sorted(made)}
    begun = Round(
        round=name,
        owner=by.organisation,
        route=PDS,
        state=RoundState.SENT,
        by=by.user,
        requested_at=now,
        sent_at=now,
        asked=len(opened),
    )
    with store.write(Login.IDENTITY, by.organisation) as identity:
        tables.keep_round(identity, begun, list(opened.values()))
    done: Counter[str] = Counter()
    try:
        for key, each in opened.items():
            traced = ask_one(made[key])
            _take(store, [(each, them[key], traced)], by, now)
            done[_told(traced.outcome)] += 1
    finally:
        with store.write(Login.IDENTITY, by.organisation) as identity:
            left = tables.lose_asked(identity, name, now)
            state = RoundState.PARTLY if left else RoundState.READ
            tables.move_round(identity, name, state, read_at=now, received_at=now)
    ledger.append(store, TRACE, {"act": "answered", "round": name, "outcomes": dict(done)}, now)
    return done


def _may_trace(by: Asker) -> None:
    if by.role not in OFFICERS:
        raise Refused("Numbers are traced by a data quality officer of the organisation whose records these are.")


def _asked_about(
    store: Store, by: Asker, record_keys: Sequence[str], now: datetime
) -> tuple[dict[str, Known], dict[str, Subject]]:
    them = known(store, by, record_keys, now, batch=TRACE)
    with store.read(Login.IDENTITY, by.organisation) as identity:
        held = tables.numbers_of(identity, by.organisation, list(them))
    return them, subjects(them, _claims(them, held), now)


def _claims(them: Mapping[str, Known], held: Sequence[Number]) -> dict[str, tuple[str, Obtained]]:
    """The number to be checked of each record: the verified one, else the one somebody noted."""
    found: dict[str, tuple[str, Obtained]] = {}
    for number in sorted(held, key=_verified):
        value = them[number.record_key].noted.get(number.row_id, {}).get(NUMBER_FIELD, "")
        if value and number.side is not Side.CANDIDATE:
            found[number.record_key] = (value, number.how or Obtained.UNKNOWN)
    return found


def _open(one: Known, subject: Subject, reference: str, name: str, now: datetime) -> Open:
    return Open(
        reference=reference,
        owner=one.owner,
        record_key=one.record_key,
        received_at=now,
        basis=one.basis,
        retention=one.retention,
        round=name,
        several=subject.one_of_several,
    )


# --- taking the answer ------------------------------------------------------------------------------------------------


def take_answer(
    store: Store,
    by: Asker,
    content: bytes,
    now: datetime,
    *,
    name: str = "the answer",
    message: str = "",
    round: str = "",
) -> Taken:
    """Take the answer to a trace file: what is sure is kept as verified, what is not becomes a question.

    Args:
        store: the open installation.
        by: who takes it; the records are read again, through the gate, to compare.
        content: the file as it came.
        now: when.
        name: what the file is called in messages.
        message: the id of the message that carried it, when one did.
        round: the round it answers; needed only when the service refused a whole file and several are waiting.

    Raises:
        Invalid: when it does not fit, is cut short, or answers nothing that was asked here.
        Refused: when the asker may not trace.
    """
    _may_trace(by)
    owner = by.organisation
    with store.read(Login.IDENTITY, owner) as identity:
        waiting = {each.reference: each for each in tables.open_now(identity, owner, round=round)}
        mark = message or _digest(content)
        if tables.seen(identity, owner, mark) or tables.seen(identity, owner, _digest(content)):
            return Taken(outcomes={}, again=True)
    response = read_response(content, waiting, name)
    if response.refused:
        return _refused(store, owner, waiting, response, round, now)
    theirs = {waiting[reference].round for reference in (*(x.reference for x in response.lines), *response.doubled)}
    if not theirs:
        raise Invalid(f"{name} answers nothing that is open here: it was taken before, or is somebody else's.")
    mine = {reference: each for reference, each in waiting.items() if each.round in theirs}
    if len(mine) < len(waiting):
        response = read_response(content, mine, name)
    outcomes = _judge_all(store, by, mine, response, now)
    with store.write(Login.IDENTITY, owner) as identity:
        for each in sorted(theirs):
            left = tables.lose_asked(identity, each, now)
            state = RoundState.PARTLY if left else RoundState.READ
            tables.move_round(identity, each, state, read_at=now, received_at=now)
            tables.note_seen(identity, owner, mark, "answer", each, now)
            tables.note_seen(identity, owner, response.digest, "answer", each, now)
    body = {"act": "answered", "by": by.user, "rounds": sorted(theirs), "outcomes": dict(outcomes)}
    ledger.append(store, TRACE, body, now)
    return Taken(
        outcomes=outcomes,
        issues=response.issues,
        rounds=tuple(sorted(theirs)),
        missing=len(response.missing),
    )


def _digest(content: bytes) -> str:
    from hashlib import sha256

    return sha256(content).hexdigest()


def _refused(
    store: Store, owner: str, waiting: Mapping[str, Open], response: Response, round: str, now: datetime
) -> Taken:
    """The service turned a whole file away: its children stay to be asked about again."""
    names = {each.round for each in waiting.values()}
    if len(names) != 1:
        raise Invalid("The service refused a whole file, and not exactly one is waiting: say which with --round.")
    name = names.pop()
    with store.write(Login.IDENTITY, owner) as identity:
        left = tables.lose_asked(identity, name, now)
        tables.move_round(identity, name, RoundState.REFUSED, code=response.refused, received_at=now)
        tables.note_seen(identity, owner, response.digest, "answer", name, now)
    ledger.append(store, TRACE, {"act": "refused", "round": name, "code": response.refused}, now)
    return Taken(outcomes={}, rounds=(name,), missing=left, refused=response.refused)


def _judge_all(store: Store, by: Asker, mine: Mapping[str, Open], response: Response, now: datetime) -> Counter[str]:
    """Compare each line with what is known of its child now, and keep what comes of it."""
    done: Counter[str] = Counter()
    lines = {line.reference: line for line in response.lines}
    answered = [*lines, *response.doubled]
    for start in range(0, len(answered), AT_ONCE):
        some = answered[start : start + AT_ONCE]
        them, made = _asked_about(store, by, [mine[reference].record_key for reference in some], now)
        came = []
        for reference in some:
            key = mine[reference].record_key
            if key in them:
                several = made[key].one_of_several or mine[reference].several
                subject = msgspec.structs.replace(made[key], one_of_several=several)
                traced = judge(subject, lines[reference]) if reference in lines else twice()
                came.append((mine[reference], them[key], traced))
                done[_told(traced.outcome)] += 1
        _take(store, came, by, now)
    return done


def _told(outcome: TraceOutcome) -> str:
    """The word under which an outcome is counted: that a record is restricted shows in no count."""
    return (TraceOutcome.MATCHED if outcome is TraceOutcome.RESTRICTED else outcome).value


def _take(store: Store, came: Sequence[tuple[Open, Known, Traced]], by: Asker, now: datetime) -> None:
    """Keep some answers, all or none; an answer to what is not open any more changes nothing."""
    if not came:
        return
    keys: dict[str, ChildKey] = keys_for(store, [one.record_key for _, one, _ in came])
    with store.write(Login.IDENTITY, by.organisation) as identity:
        for asked, one, traced in came:
            closed = tables.close_asked(
                identity,
                asked.reference,
                "answered",
                now,
                outcome=traced.outcome.value,
                reasons=msgspec.json.encode(traced.reasons).decode(),
                queries=traced.queries,
                people=traced.people,
            )
            if closed:
                result = Came(known=one, traced=traced, round=asked.round, by=by.user, now=now)
                settle(identity, keys[one.record_key], result, store.keys.token)


def notice_lost(store: Store, owner: str, now: datetime, before: datetime, *, route: str = "") -> list[str]:
    """Give up on rounds requested before a moment that nobody answered: their children are asked about again."""
    waiting = (RoundState.REQUESTED, RoundState.SENT)
    with store.write(Login.IDENTITY, owner) as identity:
        lost = [
            each.round
            for each in tables.rounds(identity, owner, waiting)
            if (each.sent_at or each.requested_at) < before and route in ("", each.route)
        ]
        for name in lost:
            tables.lose_asked(identity, name, now)
            tables.move_round(identity, name, RoundState.LOST, waiting, code="expired")
    return lost
