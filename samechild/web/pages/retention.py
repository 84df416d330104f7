"""What is kept how long: the schedule, holds that forbid destroying, and what has run out.

Inquiries Act 2005 section 35 and Data Protection Act 2018 section 173 make destroying under a hold an offence: a hold
counts from the moment it is placed.
"""

from __future__ import annotations

from samechild.errors import Invalid
from samechild.policy.retention import disposal
from samechild.policy.retention.periods import Disposal, HoldKind, schedule
from samechild.policy.shown import holds_of
from samechild.web.blocks import Answer, Block, Cell, Heading, Questions, Redirect, Sheet, Table, Warn, Words, day
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit, no_dates

PART = "/retention"
HOLD = Form(
    button="Place the hold",
    fields=(
        Field(
            name="kind",
            label="What asks for it?",
            kind="choice",
            choices=tuple(Choice(each.value, each.value.capitalize()) for each in HoldKind),
        ),
        Field(
            name="reference",
            label="Number of the file or inquiry",
            hint="Never a name. Capital letters, digits, points and strokes.",
            longest=40,
        ),
        Field(
            name="retention",
            label="Which records?",
            kind="select",
            needed=False,
            choices=tuple(Choice(name, name.capitalize()) for name in schedule()),
            hint="One class of records; empty means everything your organisation holds.",
        ),
        Field(
            name="record_key",
            label="Only the record with this key",
            needed=False,
            longest=64,
            hint="The opaque key of one child's record, when the hold is about one child.",
        ),
    ),
)
_NO_DATES = "Nothing can run out yet: no room of this installation says from when records of children are kept."
LIFT = Form(button="Lift this hold", risky=True)


def show(visit: Visit) -> Answer:
    """The schedule, the holds that stand, and what has run out."""
    return _show(visit)


def _show(visit: Visit, filled: Filled | None = None) -> Sheet:
    by = visit.by
    standing = holds_of(visit.store, by)
    dates = visit.shell.dates(visit.store, by.organisation, visit.now)
    over = disposal.waiting(visit.store, schedule(), dates, visit.now)
    blocks: list[Block] = [
        Table(
            "What has run out",
            ("Class", "Since", "What to do", "Why"),
            tuple(_line(each) for each in over),
            empty=_NO_DATES if visit.shell.dates is no_dates else "Nothing has run out.",
        ),
        Table(
            "Holds that stand",
            ("File or inquiry", "Kind", "About", "Placed on"),
            tuple((h.reference, h.kind.value, _about(h.record_key, h.retention), day(h.placed_at)) for h in standing),
        ),
        *(
            block
            for hold in standing
            for block in (
                Heading(f"Lift the hold of {hold.reference}", 3),
                Questions(blank(LIFT), "/retention/lift", (("hold", hold.id),)),
            )
        ),
        Heading("Place a hold"),
        Warn("Nothing it covers is destroyed from this moment on, even if its time has run out."),
        Questions(filled or blank(HOLD), PART),
        Table(
            "The schedule",
            ("Class", "How long", "Then", "Where it is laid down"),
            tuple((name, _periods(name), _then(name), each.source) for name, each in schedule().items()),
        ),
        Words("Erasing a child's record destroys its key, in backups too; it is done on the machine itself."),
    ]
    return Sheet(title="Retention", blocks=tuple(blocks), wide=True, status=400 if filled else 200)


def _line(each: Disposal) -> tuple[Cell, ...]:
    return (each.retention, day(each.due_on) or "Date not known", each.act.value, each.because.value)


def _about(record_key: str, retention: str) -> str:
    if record_key:
        return "One child's record"
    return retention or "Everything your organisation holds"


def _periods(name: str) -> str:
    kept = schedule()[name]
    if kept.follows:
        return "As the record it belongs to"
    told = [f"{each.years} years from {each.trigger.value}" for each in kept.after]
    return "; ".join(told) or "Until it is decided"


def _then(name: str) -> str:
    return schedule()[name].disposal.value


def place(visit: Visit, sent: Sent) -> Answer:
    """Place a hold."""
    filled = read(HOLD, sent)
    if filled.one("record_key") and filled.one("retention"):
        filled = wrong(filled, "Name one child's record or a class of records, not both", "record_key")
    if filled.problems:
        return _show(visit, filled)
    kind, reference, random = HoldKind(filled.one("kind")), filled.one("reference"), visit.shell.random
    try:
        if filled.one("retention"):
            disposal.hold_class(visit.store, visit.by, kind, reference, visit.now, random, filled.one("retention"))
        else:
            key = filled.one("record_key")
            disposal.place_hold(visit.store, visit.by, kind, reference, visit.now, random, key)
    except Invalid as error:
        return _show(visit, wrong(filled, str(error), "reference"))
    return Redirect(to="/retention?done=held")


def lift(visit: Visit, sent: Sent) -> Answer:
    """Lift a hold."""
    disposal.lift_hold(visit.store, visit.by, (sent.get("hold") or [""])[0], visit.now)
    return Redirect(to="/retention?done=released")


PAGES = (
    Page(path="/retention", who=OFFICERS, show=show, do=place, part=PART),
    Page(path="/retention/lift", who=OFFICERS, do=lift, part=PART),
)
