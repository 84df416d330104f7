"""Decisions and outcomes: written first, refusals too, and only then is there a permit to read.

What is written are codes, opaque ids and keyed references: enough for an officer to say who saw what about which
child, under which purpose, power, basis and agreement; too little for a thief of the ledger to learn a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from os import urandom
from secrets import token_hex
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from samechild.errors import Missing, Refused
from samechild.keys.actions import salt_of_child
from samechild.keys.children import WrappedSalt, new_salt, open_salt
from samechild.keys.store import child_salts
from samechild.policy.ledger.append import append
from samechild.records.disclosure import Ask, Decision, Effect, Permit, permit_for
from samechild.sql.among import among
from samechild.storage import Login, Store

DECISION, OUTCOME = "decision", "outcome"

NOTHING_THERE = "There is no such record."
"""What somebody is told who may not know that a child or record exists; the same words as when there is none."""

_AT_ONCE = 500
"""So many salts are read by one query, for a decision about a batch."""

SHADOW = "Shadow mode: the decision was recorded, and nothing is disclosed yet."


def record(
    store: Store,
    decision: Decision,
    now: datetime,
    then: Callable[[int], None] | None = None,
    withheld: Sequence[Decision] = (),
) -> Permit:
    """Write a decision into the ledger, allowed or not, and give leave to read if it allowed.

    ``then`` is called with the entry's number once it is written, before leave is given or refused: whoever must be
    told is told first. ``withheld`` are the decisions about those of the records that must not be known of, when
    others of the same question may.

    What must not be known to exist is answered by a permit that opens nobody's records: the reader finds nothing, by
    the same steps as when there is nothing.

    Raises:
        Unavailable: when it could not be written: nothing may be disclosed.
        Missing: after writing, when nothing may be known and the decision does not say what to answer instead.
        Refused: after writing, when the decision did not allow, or was taken in shadow mode. The message names who can
            decide and how to reach them.
    """
    scope = decision.ask.scope
    references = _references(store, scope.record_keys)
    body = body_of(decision)
    if withheld:
        body["withheld"] = [_withheld(each, references) for each in withheld]
    number = append(store, DECISION, body, now, [*references.values(), *scope.terms])
    if then is not None:
        then(number)
    if not decision.may_know and decision.instead is None:
        raise Missing(NOTHING_THERE)
    answer = without(decision, withheld) if decision.instead is None else about_nobody(decision.instead)
    if answer.allowed and not answer.shadow:
        return permit_for(answer, number)
    raise Refused(SHADOW if answer.allowed else refusal(answer))


def about_nobody(decision: Decision) -> Decision:
    """The same decision about as many records that do not exist."""
    scope = decision.ask.scope
    nobody = replace(scope, record_keys=tuple(token_hex(16) for _ in scope.record_keys))
    return replace(decision, ask=replace(decision.ask, scope=nobody))


def without(decision: Decision, withheld: Sequence[Decision]) -> Decision:
    """The same decision about the records that may be known, and others that do not exist for those withheld."""
    scope, left_out = decision.ask.scope, {key for each in withheld for key in each.ask.scope.record_keys}
    keys = tuple(token_hex(16) if key in left_out else key for key in scope.record_keys)
    return replace(decision, ask=replace(decision.ask, scope=replace(scope, record_keys=keys)))


def outcome(store: Store, permit: Permit, shown: Sequence[str], counts: Mapping[str, int], now: datetime) -> int:
    """Write what is about to be shown, before the answer leaves; returns the entry's number.

    Args:
        store: the open installation.
        permit: the leave under which it was read.
        shown: record keys of what the answer holds; written as keyed references.
        counts: how many of what, by short codes.
        now: when the answer was put together.

    Raises:
        Unavailable: when it could not be written: the answer must not leave.
    """
    body = {"counts": dict(counts), "decision": permit.entry, "shown": len(set(shown))}
    return append(store, OUTCOME, body, now, list(_references(store, shown).values()))


def references_to(store: Store, record_key: str) -> list[str]:
    """Every reference under which entries about one record may stand, for :func:`entries_about`.

    After the child was erased the salt is gone, and nobody can make these references again.
    """
    with store.read(Login.GATE) as connection:
        salt = salt_of_child(connection, store.keys, record_key)
    return [*store.keys.references(record_key, salt), *(store.keys.references(record_key) if salt else [])]


def refusal(decision: Decision) -> str:
    """Say a refusal to the asker: why, in the rules' own words, and who can decide. It holds nothing of a record."""
    why = " ".join(reason.words for reason in decision.reasons if reason.effect is Effect.FORBID)
    route = decision.route
    turn_to = f" {route.who} can decide: {route.how}" if route else ""
    return f"{why or 'No rule allows this.'}{turn_to}"


def body_of(decision: Decision) -> dict[str, Any]:
    """What the ledger says of a decision: codes, opaque ids and whole numbers only.

    The records it is about stand in the entry's references; reasons in words, values searched for and what a person
    wrote down as a judgement or an emergency are left out.
    """
    ask = decision.ask
    body = {
        "agreement": decision.agreement,
        "allowed": decision.allowed,
        "approvals": decision.approvals_needed,
        "duties": decision.duties,
        "expires": decision.expires,
        "hidden": decision.hidden,
        "known": decision.may_know,
        "number": decision.number,
        "policy": decision.policy_version,
        "rules": [{"effect": reason.effect, "rule": reason.rule} for reason in decision.reasons],
        "shadow": decision.shadow,
    }
    return body | _asked(ask)


def _asked(ask: Ask) -> dict[str, Any]:
    scope = ask.scope
    asked: dict[str, Any] = {
        "asked": ask.now,
        "basis": ask.basis,
        "batch": scope.batch,
        "condition": ask.condition,
        "confidence": ask.confidence,
        "emergency": {"supervisor": ask.emergency.supervisor} if ask.emergency else None,
        "factors": ask.who.factors,
        "fields": scope.fields,
        "judgement": None,
        "mode": ask.mode,
        "organisation": ask.who.organisation,
        "owner": ask.owner,
        "power": ask.power,
        "purpose": ask.purpose,
        "records": len(set(scope.record_keys)),
        "role": ask.who.role,
        "spread": scope.spread,
        "type": ask.record_type,
        "user": ask.who.user,
        "with": ask.who.on_behalf_of,
    }
    if ask.judgement:
        judged = ask.judgement
        asked["judgement"] = {"at": judged.made_at, "by": judged.made_by, "detrimental": judged.more_detrimental}
    return asked


def _withheld(decision: Decision, references: Mapping[str, str]) -> dict[str, Any]:
    """What the ledger says of records that the asker must not know of: which they are, and by which rules."""
    return {
        "records": [references[key] for key in dict.fromkeys(decision.ask.scope.record_keys)],
        "rules": [reason.rule for reason in decision.reasons],
    }


def _references(store: Store, record_keys: Sequence[str]) -> dict[str, str]:
    """The keyed reference of each record, with the child's own salt where the child has one."""
    if not record_keys:
        return {}
    wanted = sorted(set(record_keys))
    with store.read(Login.GATE) as connection:
        kept = [
            row for start in range(0, len(wanted), _AT_ONCE) for row in _salts(connection, wanted[start:][:_AT_ONCE])
        ]
    salts = {row.record_key: open_salt(store.keys, row) for row in kept}
    for record_key in wanted:
        if record_key not in salts:
            new_salt(store.keys, record_key, urandom)  # as much work as opening one: time must not tell of a record
    return {record_key: store.keys.reference(record_key, salts.get(record_key, b"")) for record_key in wanted}


def _salts(connection: sa.Connection, record_keys: Sequence[str]) -> list[WrappedSalt]:
    found = connection.execute(sa.select(child_salts).where(among(child_salts.c.record_key, record_keys)))
    return [WrappedSalt(row.record_key, row.kek_version, row.wrapped) for row in found]
