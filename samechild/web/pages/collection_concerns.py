"""Concerns about sharing or protecting what is collected: raised here, answered here, with dates both sides see."""

from __future__ import annotations

from samechild.collection.concerns import (
    KINDS,
    Concern,
    concerns,
    may_be_asked,
    move_concern,
    one_concern,
    raise_concern,
)
from samechild.errors import Invalid, Refused
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Heading,
    Link,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Words,
    day,
    moment,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.pages.collection_parts import CONCERNS, COUNCIL, PART, views
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names

_STATES = {"received": "blue", "looked into": "yellow", "answered": "green", "closed": "grey"}
_STEPS = {
    "acknowledge": "Acknowledge it: we look into it",
    "answer": "Answer it",
    "look again": "It is not settled: look again",
    "close": "Close it: it is settled",
}


def _raise_form(visit: Visit) -> Form:
    who = tuple(Choice(each.organisation, each.name) for each in may_be_asked(visit.store, visit.by, visit.now))
    return Form(
        button="Raise the concern",
        fields=(
            Field(
                name="put_to", label="Who should answer?", kind="choice", choices=who, missing="Say who should answer"
            ),
            Field(
                name="kind",
                label="What is it about?",
                kind="choice",
                choices=tuple(Choice(kind, words) for kind, words in KINDS.items()),
                missing="Say what it is about",
            ),
            Field(
                name="text",
                label="What is your concern?",
                kind="lines",
                longest=4000,
                hint="In a few sentences, without names of children. It is kept sealed; both sides' officers read it.",
                missing="Say what your concern is",
            ),
        ),
    )


def show(visit: Visit) -> Answer:
    """The concerns somebody may see, and the form of a new one."""
    return _show(visit, blank(_raise_form(visit)))


def _show(visit: Visit, filled: Filled) -> Sheet:
    names = organisation_names(visit.store)
    rows = tuple(_row(visit, each, names) for each in concerns(visit.store, visit.by, visit.now))
    head = ("Raised on", "By", "To", "About", "State", "Acknowledged", "Answered", "Closed")
    blocks: list[Block] = [
        views(visit, CONCERNS),
        Words("A concern is acknowledged within 30 days. Both sides are told of every step; it stands in the ledger."),
        Table("Concerns", head, rows, empty="No concern was raised."),
    ]
    if filled.form.fields[0].choices:
        blocks += [Heading("Raise a concern"), Questions(filled, CONCERNS)]
    return Sheet(title="Concerns", blocks=tuple(blocks), wide=True, status=400 if filled.problems else 200)


def _row(visit: Visit, each: Concern, names: dict[str, str]) -> tuple[Cell, ...]:
    return (
        Link(day(each.raised_at), f"{CONCERNS}/{each.case}", f", about {each.kind}"),
        names.get(each.raised_by, NOBODY_KNOWS),
        names.get(each.put_to, NOBODY_KNOWS),
        each.kind.capitalize(),
        Tag(f"late since {day(each.due)}", "red") if each.late else Tag(each.state, _STATES[each.state]),
        day(each.acknowledged_at) or (f"Due {day(each.due)}" if each.due else "Not yet"),
        day(each.answered_at) or "Not yet",
        day(each.closed_at) or "Open",
    )


def send(visit: Visit, sent: Sent) -> Answer:
    """Raise a concern."""
    filled = read(_raise_form(visit), sent)
    if filled.problems:
        return _show(visit, filled)
    put_to, kind, text = filled.one("put_to"), filled.one("kind"), filled.one("text")
    made = raise_concern(visit.store, visit.by, put_to, kind, text, visit.now, visit.shell.random)
    return Redirect(to=f"{CONCERNS}/{made}?done=entered")


def one(visit: Visit) -> Answer:
    """One concern, with its words, its steps and the next one."""
    return _one(visit, one_concern(visit.store, visit.by, visit.named["concern"], visit.now))


def _step_form(found: Concern) -> Form:
    return Form(
        button="Send",
        fields=(
            Field(
                name="action",
                label="What do you do?",
                kind="choice",
                choices=tuple(Choice(step, _STEPS[step]) for step in found.next_steps),
                missing="Say what you do",
            ),
            Field(
                name="note",
                label="In words",
                kind="lines",
                longest=4000,
                needed=False,
                hint="Needed for an answer, to look again, and when it is late. Both sides read it.",
            ),
        ),
    )


def _one(visit: Visit, found: Concern, filled: Filled | None = None) -> Sheet:
    names = organisation_names(visit.store)
    facts: list[tuple[str, Cell]] = [
        ("State", Tag(found.state, _STATES[found.state])),
        ("About", KINDS.get(found.kind, found.kind)),
        ("Raised by", names.get(found.raised_by, NOBODY_KNOWS)),
        ("Put to", names.get(found.put_to, NOBODY_KNOWS)),
        ("Raised", moment(found.raised_at)),
    ]
    if found.due:
        facts.append(("To be acknowledged by", day(found.due)))
    rows = tuple(
        (moment(step.at), _STEPS.get(step.action, step.action), step.note or "No words") for step in found.steps
    )
    blocks: list[Block] = [
        Summary(tuple(facts)),
        Heading("The concern"),
        Words(found.text),
        Table("What was done", ("When", "What", "In words"), rows, empty="Nothing was done yet."),
    ]
    if found.next_steps:
        blocks += [
            Heading("Next"),
            Questions(
                filled or blank(_step_form(found)), f"{CONCERNS}/{found.case}", (("number", str(len(rows) + 1)),)
            ),
        ]
    back = Link("Concerns", CONCERNS)
    return Sheet(title="One concern", blocks=tuple(blocks), back=back, wide=True, status=400 if filled else 200)


def step(visit: Visit, sent: Sent) -> Answer:
    """Take the next step of a concern."""
    found = one_concern(visit.store, visit.by, visit.named["concern"], visit.now)
    filled = read(_step_form(found), sent)
    if (sent.get("number") or [""])[0] != str(len(found.steps) + 1):
        filled = wrong(filled, "Somebody took a step meanwhile: read it, then go on", "action")
    if filled.problems:
        return _one(visit, found, filled)
    try:
        move_concern(
            visit.store, visit.by, found, filled.one("action"), filled.one("note"), visit.now, visit.shell.random
        )
    except (Invalid, Refused) as error:
        return _one(visit, found, wrong(filled, str(error), "note"))
    return Redirect(to=f"{CONCERNS}/{found.case}?done=entered")


PAGES = (
    Page(path=CONCERNS, who=COUNCIL, show=show, do=send, part=PART),
    Page(path=f"{CONCERNS}/{{concern}}", who=COUNCIL, show=one, do=step, part=PART),
)
