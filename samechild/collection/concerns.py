"""A channel for concerns about sharing or protecting what is collected: raised, answered and closed, all in the ledger.

A council puts a concern to somebody the agreement names, such as the department that receives its records, or to
whoever runs the installation. Both sides are told of every step. The case itself stands in the register of concerns,
with its clock (acknowledged within 30 days) and its words sealed.

Sources: DPA 2018 section 164A (complaints to controllers); the early-adopter scheme's principles for data collection
and use, which ask for a way to raise concerns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from secrets import token_hex

import msgspec

from samechild.collection.credentials import own_feeds
from samechild.errors import Invalid, Missing
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy import store as policy_store
from samechild.policy.people.organisations import Organisation, is_active
from samechild.policy.registers.actions import Shown, one_case, put_to_another, report, take_step
from samechild.policy.registers.cases import ANSWERING, TRANSITIONS, Case, Register, Step
from samechild.policy.shown import organisations
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

KINDS: Mapping[str, str] = {
    "data sharing": "Data sharing: what is shared, with whom, or what for",
    "data protection": "Data protection: how it is kept safe, how long, or people's rights",
}
OFFICER = "information-governance"


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """A concern as both sides see it; words only when it is opened. ``next_steps`` are those the reader may take."""

    case: str
    kind: str
    raised_by: str  # organisation
    opened_by: str  # person
    put_to: str  # organisation
    raised_at: datetime
    state: str
    due: datetime | None
    late: bool
    acknowledged_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    next_steps: tuple[str, ...]
    steps: tuple[Step, ...]
    text: str = ""


def may_be_asked(store: Store, by: Asker, now: datetime) -> list[Organisation]:
    """To whom an organisation may put a concern: the other parties to its feeds' agreements, and the host."""
    feeds = own_feeds(store, by)
    with store.read(Login.GATE) as gate:
        rows = policy_store.versions_of(gate, [feed.agreement for feed in feeds])
    parties = {party for row in rows for party in policy_store.agreement_of(row, []).parties}
    return [
        each
        for each in organisations(store)
        if each.organisation != by.organisation and is_active(each, now) and (each.host or each.organisation in parties)
    ]


def raise_concern(store: Store, by: Asker, put_to: str, kind: str, text: str, now: datetime, random: Random) -> str:
    """Raise a concern with somebody who can answer it; both sides are told. Returns the id of the case.

    Args:
        store: the open installation.
        by: anybody of the organisation who is signed in.
        put_to: the organisation that is to answer.
        kind: one of the declared kinds.
        text: the concern in words; kept sealed.
        now: when. random: where random bytes come from.

    Raises:
        Invalid: when kind or words are missing. Missing: when nothing can be put to that organisation.
    """
    if kind not in KINDS:
        raise Invalid("Say whether the concern is about sharing or about protection.")
    if put_to not in {each.organisation for each in may_be_asked(store, by, now)}:
        raise Missing("A concern is put to a party to your agreement, or to whoever runs this installation.")
    case = Case(
        id="",
        register=Register.CONCERN,
        organisation=by.organisation,
        started=now,
        opened_at=now,
        opened_by=by.user,
        kind=kind,
        asking=put_to,
        text=text,
    )
    made = report(store, by, case, now, random)
    _tell(store, by, made, "raised", (by.organisation, put_to), "", now)
    return made


def concerns(store: Store, by: Asker, now: datetime) -> list[Concern]:
    """The concerns that an officer's organisation raised or is to answer; others see those they raised themselves."""
    return [_concern(each, by) for each in put_to_another(store, by, now)]


def one_concern(store: Store, by: Asker, case: str, now: datetime) -> Concern:
    """One concern with its words, its steps and their reasons.

    Raises:
        Missing: when there is none, as far as the asker may know.
    """
    shown = one_case(store, by, case, now)
    if not (shown.case.register is Register.CONCERN and shown.case.asking):
        raise Missing("There is no such concern.")
    return _concern(shown, by)


def move_concern(
    store: Store, by: Asker, concern: Concern, action: str, note: str, now: datetime, random: Random
) -> None:
    """Acknowledge, answer, look again at or close a concern; both sides are told.

    Raises:
        Invalid: when an answer has no words. Refused: when the step is not for this side, or not now.
        Conflict: when somebody else took a step meanwhile.
    """
    if action in ("answer", "look again") and not note.strip():
        raise Invalid("Write the answer, or why it has to be looked at again.")
    step = Step(case=concern.case, number=len(concern.steps) + 1, at=now, by=by.user, action=action, note=note)
    take_step(store, by, step, now, random)
    raiser = concern.opened_by if action in ANSWERING else ""
    _tell(store, by, concern.case, action.replace(" ", "-"), (concern.raised_by, concern.put_to), raiser, now)


def _concern(shown: Shown, by: Asker) -> Concern:
    case, steps, due = shown.case, shown.steps, shown.due
    answers = by.organisation == case.asking
    may = tuple(step for step in TRANSITIONS[Register.CONCERN][due.state] if (step in ANSWERING) is answers)
    return Concern(
        case=case.id,
        kind=case.kind,
        raised_by=case.organisation,
        opened_by=case.opened_by,
        put_to=case.asking,
        raised_at=case.started,
        state=due.state,
        due=due.at,
        late=due.late,
        acknowledged_at=_last(steps, "acknowledge"),
        answered_at=_last(steps, "answer"),
        closed_at=_last(steps, "close") if due.state == "closed" else None,
        next_steps=may if by.role == OFFICER else (),
        steps=steps,
        text=case.text,
    )


def _last(steps: Sequence[Step], action: str) -> datetime | None:
    return next((step.at for step in reversed(steps) if step.action == action), None)


def _tell(store: Store, by: Asker, case: str, event: str, sides: tuple[str, str], raiser: str, now: datetime) -> None:
    """Write a step into the ledger where both sides find it, and tell the officers of both and who raised it."""
    raised_by, put_to = sides
    body = {"event": event, "case": case, "by": by.user, "organisation": raised_by, "party": put_to}
    entry = ledger.append(store, "concern", body, now)
    with store.write(Login.GATE) as gate:
        for organisation, person in [(side, "") for side in sides] + ([(raised_by, raiser)] if raiser else []):
            policy_store.tell(
                gate,
                id=token_hex(16),
                organisation=organisation,
                person=person,
                role="" if person else OFFICER,
                kind=f"concern-{event}",
                entry=entry,
                at=now,
            )
