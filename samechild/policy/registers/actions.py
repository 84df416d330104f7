"""What people do with registers: report, take the next step, see what is due; and what the gate puts there by itself.

Refused safeguarding requests, broken glass and lifted shields come from the ledger: whatever a crash left undone is
found there again, because the entry is always first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Invalid, Missing, Refused
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.ledger import Entry
from samechild.policy.registers import store as rows
from samechild.policy.registers.cases import (
    ANSWERING,
    ANYBODY_OPENS,
    OWNERS,
    REQUESTS,
    Case,
    Due,
    Register,
    Step,
    how_it_stands,
    taken,
    why_not,
)
from samechild.policy.sealed_texts import open_texts, seal_texts
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

CASE, STEP = "case", "case-step"
NO_CASE = "There is no such case."
IN_FLIGHT = timedelta(minutes=1)
"""Whoever recorded a decision opens its case themselves within this time; only what is older is collected."""

SAFEGUARDING = ("child-protection", "safeguarding")
AT_ONCE = 500


class Shown(msgspec.Struct, frozen=True):
    """A case as a page shows it: with its steps, how it stands, and how long a review took; words only when opened."""

    case: Case
    steps: tuple[Step, ...]
    due: Due
    took: timedelta | None


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases of a register are open, late and closed, and the longest a review or answer took."""

    register: Register
    open: int
    late: int
    closed: int
    longest: timedelta | None


def report(store: Store, who: Asker, case: Case, now: datetime, random: Random) -> str:
    """Report an incident or concern, or enter a person's request; returns the id of the case.

    ``case.started`` is when the clock began: awareness of the incident, or receipt. The id, whose case it is, and who
    opened it are filled in here.

    Raises:
        Refused: when this register is filled by the gate alone.
        Invalid: when something is missing.
    """
    if case.register not in ANYBODY_OPENS:
        raise Refused("Cases of this register come from the gate itself.")
    if not case.text.strip():
        raise Invalid("Say in a sentence what happened, or what is asked.")
    if case.register is Register.REQUEST and case.kind not in REQUESTS:
        raise Invalid(f"Say which kind of request it is: {', '.join(REQUESTS)}.")
    if case.started > now:
        raise Invalid("The clock cannot have begun in the future: look at the date.")
    return open_case(store, who, case, now, random)


def open_case(store: Store, who: Asker, case: Case, now: datetime, random: Random) -> str:
    """Open a case of any register for the asker's organisation; other actions of the gate call it. Returns its id."""
    made = msgspec.structs.replace(
        case, id=random(16).hex(), organisation=who.organisation, opened_at=now, opened_by=who.user
    )
    entry = ledger.append(
        store, CASE, {"by": who.user, "case": made.id, "kind": made.kind, "register": made.register}, now
    )
    with store.write(Login.GATE) as gate:
        sealed = seal_texts(gate, store.keys, made.record_key, (CASE, made.id), {"text": made.text}, random)
        rows.keep_case(gate, made, sealed, entry)
    return made.id


def take_step(store: Store, who: Asker, step: Step, now: datetime, random: Random) -> Due:
    """Take the next step of a case and say how it stands then.

    ``step.number`` is the number the person saw as the next one, so that two people never take the same step.

    Raises:
        Missing: when there is no such case for this organisation.
        Refused: when the step may not be taken: not by this role, not in this state, without a reason.
        Conflict: when somebody else took a step at the same moment.
    """
    kept = _case(store, who, step.case)
    made = msgspec.structs.replace(step, at=now, by=who.user)
    why = why_not(kept.case, kept.steps, made, who.role) or _not_theirs(kept.case, made, who)
    if why:
        raise Refused(why)
    body = {"action": made.action, "by": who.user, "case": made.case, "outcome": made.outcome, "step": made.number}
    entry = ledger.append(store, STEP, body, now)
    with store.write(Login.GATE) as gate:
        place = (STEP, f"{made.case}/{made.number}")
        sealed = seal_texts(gate, store.keys, kept.case.record_key, place, {"note": made.note}, random)
        rows.keep_step(gate, made, sealed, entry)
    return how_it_stands(kept.case, (*kept.steps, made), now)


def cases(store: Store, who: Asker, register: Register, now: datetime) -> list[Shown]:
    """List the cases of a register that somebody's organisation sees, what is late first; without their words.

    Raises:
        Refused: when their role does not look after this register.
    """
    if who.role not in OWNERS[register]:
        raise Refused(f"This register is looked after by: {', '.join(OWNERS[register])}.")
    with store.read(Login.GATE) as gate:
        found = [_shown(kept, now) for kept in rows.cases_of(gate, who.organisation, (register,))]
    return sorted(found, key=lambda each: (each.due.at is None, each.due.at or each.case.started))


def one_case(store: Store, who: Asker, identity: str, now: datetime) -> Shown:
    """Open one case with its words and the reasons of its steps.

    Raises:
        Missing: when there is no such case for this organisation and role.
    """
    kept = _case(store, who, identity)
    theirs = is_put_to_another(kept.case) and kept.case.opened_by == who.user
    if who.role not in OWNERS[kept.case.register] and not theirs:
        raise Missing(NO_CASE)
    with store.read(Login.GATE) as gate:
        record_key = kept.case.record_key
        texts = open_texts(gate, store.keys, record_key, (CASE, identity), kept.sealed)
        notes = [
            open_texts(gate, store.keys, record_key, (STEP, f"{identity}/{step.number}"), sealed)
            for step, sealed in zip(kept.steps, kept.step_sealed, strict=True)
        ]
    steps = tuple(
        msgspec.structs.replace(step, note=note.get("note", "")) for step, note in zip(kept.steps, notes, strict=True)
    )
    case = msgspec.structs.replace(kept.case, text=texts.get("text", ""))
    return Shown(case, steps, how_it_stands(case, steps, now), taken(case, steps))


def is_put_to_another(case: Case) -> bool:
    """Whether a concern was put to another organisation, which answers it."""
    return case.register is Register.CONCERN and bool(case.asking)


def put_to_another(store: Store, who: Asker, now: datetime) -> list[Shown]:
    """Concerns put to another organisation: an officer sees those their own raised or is to answer, others theirs.

    Without their words; what is late comes first.
    """
    with store.read(Login.GATE) as gate:
        kept = rows.cases_of(gate, who.organisation, (Register.CONCERN,))
    officer = who.role in OWNERS[Register.CONCERN]
    found = [
        _shown(each, now)
        for each in kept
        if is_put_to_another(each.case) and (officer or each.case.opened_by == who.user)
    ]
    return sorted(found, key=lambda each: (each.due.at is None, each.due.at or each.case.started))


def _not_theirs(case: Case, step: Step, who: Asker) -> str:
    """Why a step of a concern is not for this side to take: one side raises and closes, the other answers."""
    if not is_put_to_another(case) or (step.action in ANSWERING) is (who.organisation == case.asking):
        return ""
    return "The organisation a concern was put to acknowledges and answers it; the one that raised it closes it."


def collect(store: Store, now: datetime, page: int = AT_ONCE) -> int:
    """Open the cases that decisions in the ledger call for and that are not there yet; how many were opened.

    Run at start-up and by the job worker: it finds what was decided just before a crash. ``page`` is how many entries
    are read at a time.
    """
    with store.read(Login.GATE) as gate:
        seen = rows.collected(gate)
        found = _decisions_after(gate, seen, now - IN_FLIGHT, page)
    if not found:
        return 0
    with store.write(Login.GATE) as gate:
        opened = sum(rows.put_once(gate, case, entry.number) for entry in found for case in cases_from(entry))
        rows.keep_collected(gate, found[-1].number)
    return opened


def cases_from(entry: Entry) -> list[Case]:
    """The cases that one decision of the ledger calls for: refused safeguarding, broken glass, a lifted shield.

    A refusal that the asker must not know of is a case of the owner's alone; to the asker's own organisation it is
    what it would be if there were nothing.
    """
    body: dict[str, Any] = entry.body
    found: list[Register] = []
    unknown = not body["known"] or bool(body.get("withheld"))
    refused = not body["allowed"] or unknown
    if refused and body["purpose"] in SAFEGUARDING:
        found.append(Register.REFUSED)
    if body["emergency"] and (body["allowed"] or unknown):
        found.append(Register.SHIELD if "investigate-override" in body["duties"] else Register.GLASS)
    return [
        Case(
            id=f"{_SHORT[register]}-{entry.number}",
            register=register,
            organisation=body["owner"],
            asking="" if unknown and register is Register.REFUSED else body["organisation"],
            started=entry.at,
            opened_at=entry.at,
            opened_by=rows.GATE,
            kind=body["purpose"],
            about_user=body["user"],
            about_entry=entry.number,
        )
        for register in found
    ]


def counts(store: Store, now: datetime) -> list[Count]:
    """Count the cases of every register, for the governance pack; no case is shown."""
    with store.read(Login.GATE) as gate:
        found = [_shown(kept, now) for kept in rows.every_case(gate)]
    return [_count(register, [each for each in found if each.case.register is register]) for register in Register]


_SHORT = {Register.REFUSED: "refused", Register.GLASS: "glass", Register.SHIELD: "shield"}
_OVER = frozenset({"closed", "reviewed"})


def _count(register: Register, found: Sequence[Shown]) -> Count:
    over = [each for each in found if each.due.state in _OVER]
    times = [each.took for each in found if each.took is not None]
    return Count(
        register=register,
        open=len(found) - len(over),
        late=sum(each.due.late for each in found),
        closed=len(over),
        longest=max(times, default=None),
    )


def _shown(kept: rows.Kept, now: datetime) -> Shown:
    return Shown(kept.case, kept.steps, how_it_stands(kept.case, kept.steps, now), taken(kept.case, kept.steps))


def _case(store: Store, who: Asker, identity: str) -> rows.Kept:
    with store.read(Login.GATE) as gate:
        kept = rows.case_of(gate, identity)
    if kept is None or who.organisation not in (kept.case.organisation, kept.case.asking):
        raise Missing(NO_CASE)
    return kept


def _decisions_after(gate: sa.Connection, seen: int, up_to: datetime, limit: int) -> list[Entry]:
    """Decisions after an entry and not newer than a moment, the oldest first."""
    found: list[Entry] = []
    before: int | None = None
    while True:
        page = ledger.entries(gate, before=before, kind="decision", limit=limit)
        fresh = [entry for entry in page if entry.number > seen]
        found += [entry for entry in fresh if entry.at <= up_to]
        if len(page) < limit or len(fresh) < len(page):
            return _in_order(found)
        before = page[-1].number


def _in_order(found: Iterable[Entry]) -> list[Entry]:
    return sorted(found, key=lambda entry: entry.number)
