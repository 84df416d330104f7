"""Keeping what came of one trace: how the number stands from now on, and what a person must decide.

The national record is kept beside the local one, never over it. What differs becomes a question to a person, asked
once: an answer stands until the national record says something else again. A number verified before is not dropped
because a later trace finds nothing; one that the service has withdrawn is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from secrets import token_hex

import msgspec
import sqlalchemy as sa

from samechild.keys.children import ChildKey
from samechild.policy.numbers import Noted, forget_noted, keep_noted
from samechild.tracing import store as tables
from samechild.tracing.reconcile import national_values
from samechild.tracing.records import NumberStatus, Obtained, Traced, TraceOutcome
from samechild.tracing.store import Number, Proposal, Side
from samechild.tracing.subjects import Known

NUMBER_FIELD = "nhs_number"
DIFFERS = "differs"  # the national record says something else
REPLACED = "replaced"  # the number held here was replaced by another
WITHDRAWN = "withdrawn"  # the number held here was withdrawn
NOT_FOUND_AGAIN = "not found again"  # verified before, and not found this time
CANDIDATE = "candidate"  # somebody was found whom something speaks against
TWICE = "answered twice"  # two different answers about the same child
RESTRICTED = "restricted"  # the national record is restricted: for information governance alone

Token = Callable[[str, str], str]
"""Turns a field and its value into the keyed token under which it can be found again."""


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one trace, of which record, in which round, and who asked for it."""

    known: Known
    traced: Traced
    round: str
    by: str
    now: datetime


def settle(connection: sa.Connection, key: ChildKey, came: Came, token: Token) -> None:
    """Keep what came of a trace, in the caller's transaction of the identity vault."""
    known, traced = came.known, came.traced
    before = tables.numbers_of(connection, known.owner, [known.record_key])
    verified = next((each for each in before if _is_verified(each)), None)
    if traced.accepted:
        _forget_candidates(connection, before)
        made = _kept(connection, key, came, Side.NATIONAL, token)
        _propose(connection, came, made, _differing(came, verified, token), token)
    elif traced.outcome is TraceOutcome.CONTRADICTION:
        _forget_candidates(connection, before)
        made = _kept(connection, key, came, Side.CANDIDATE, token)
        kind = CANDIDATE if made.row_id else TWICE
        _propose(connection, came, made, [(NUMBER_FIELD, kind)], token)
    elif traced.outcome is TraceOutcome.INVALIDATED:
        made = _kept(connection, key, came, Side.NATIONAL, token)
        _propose(connection, came, made, [(NUMBER_FIELD, WITHDRAWN)], token)
    elif traced.status is not None and verified is None:
        _kept(connection, key, came, Side.NATIONAL, token)
    elif traced.status is not None and verified is not None and traced.outcome is not TraceOutcome.NOT_ENOUGH:
        _propose(connection, came, verified, [(NUMBER_FIELD, NOT_FOUND_AGAIN)], token)


def _is_verified(number: Number) -> bool:
    return number.side is Side.NATIONAL and number.status is NumberStatus.VERIFIED


def _forget_candidates(connection: sa.Connection, before: Sequence[Number]) -> None:
    """Delete who was found before and was not the child, or is found anew."""
    for each in before:
        if each.side is Side.CANDIDATE:
            forget_noted(connection, each.owner, [each.row_id] if each.row_id else [])
            tables.end_number(connection, each.number_id, without_value=True)


def _kept(connection: sa.Connection, key: ChildKey, came: Came, side: Side, token: Token) -> Number:
    """Keep how the number stands now, and the national values sealed beside the record."""
    known, traced = came.known, came.traced
    values = national_values(traced)
    if side is Side.CANDIDATE and traced.number:
        values = {**values, NUMBER_FIELD: traced.number}
    row_id = ""
    if values:
        noted = Noted(
            owner=known.owner,
            record_key=known.record_key,
            basis=known.basis,
            received_at=came.now,
            values=values,
        )
        row_id = keep_noted(connection, key, noted)
    status = NumberStatus.CONFLICT if side is Side.CANDIDATE else traced.status
    number = Number(
        number_id=token_hex(16),
        owner=known.owner,
        record_key=known.record_key,
        received_at=came.now,
        basis=known.basis,
        retention=known.retention,
        side=side,
        status=status or NumberStatus.TRACE_REQUIRED,
        how=traced.obtained if traced.accepted else Obtained.TRACED if values.get(NUMBER_FIELD) else None,
        by=came.by,
        trace=came.round,
        row_id=row_id,
        token=token(NUMBER_FIELD, values[NUMBER_FIELD]) if NUMBER_FIELD in values else "",
        previous=token(NUMBER_FIELD, traced.previous) if traced.previous else "",
    )
    tables.keep_number(connection, number)
    return number


def _differing(came: Came, verified: Number | None, token: Token) -> list[tuple[str, str]]:
    """What a person must look at although the trace was accepted."""
    traced = came.traced
    found = [(field, DIFFERS) for field in traced.differences]
    if traced.previous or (verified is not None and verified.token != token(NUMBER_FIELD, traced.number)):
        found.append((NUMBER_FIELD, REPLACED))
    if traced.person is not None and traced.person.restricted:
        found.append(("postcode", RESTRICTED))
    return found


def _propose(
    connection: sa.Connection, came: Came, number: Number, wanted: Sequence[tuple[str, str]], token: Token
) -> None:
    """Ask what is not asked already, and close the questions that the national record no longer raises."""
    known = came.known
    values = national_values(came.traced)
    before = tables.proposals_of(connection, known.owner, known.record_key)
    for each in before:
        if each.state == "open" and (each.field, each.kind) not in wanted:
            tables.close_proposal(connection, each.proposal, "settled", "", came.now)
    made = []
    for field, kind in wanted:
        value = came.traced.number if field == NUMBER_FIELD else values.get(field, "")
        mark = token(field, value) if value else ""
        asked = [each for each in before if (each.field, each.kind) == (field, kind)]
        answered = any(each.state in ("national", "local") and each.token == mark for each in asked)
        if not answered and not any(each.state == "open" for each in asked):
            made.append(
                Proposal(
                    proposal=token_hex(16),
                    owner=known.owner,
                    record_key=known.record_key,
                    received_at=came.now,
                    basis=known.basis,
                    retention=known.retention,
                    field=field,
                    kind=kind,
                    number_id=number.number_id,
                    token=mark,
                )
            )
    tables.keep_proposals(connection, made)
