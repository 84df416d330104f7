"""Registers with their clocks: incidents, people's requests, concerns, refused safeguarding requests, reviews.

Anybody signed in may report; the roles that look after a register take its steps. What may be done next is read from
the one table of states in ``policy``, never written here a second time.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from samechild.errors import Invalid, Missing, Refused
from samechild.policy.purposes import purposes
from samechild.policy.registers.actions import Shown, cases, one_case, report, take_step
from samechild.policy.registers.cases import (
    ANYBODY_OPENS,
    OUTCOMES,
    OWNERS,
    REASON_NEEDED,
    REQUESTS,
    TRANSITIONS,
    Case,
    Register,
    Step,
)
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Heading,
    Link,
    Points,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Words,
    moment,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.routes import EVERYBODY, Page, Sent
from samechild.web.visits import Visit

PART = "/registers"
_TITLES = {
    Register.INCIDENT: "Incidents",
    Register.REQUEST: "People's requests",
    Register.CONCERN: "Data protection concerns",
    Register.REFUSED: "Refused safeguarding requests",
    Register.GLASS: "Broken glass",
    Register.SHIELD: "Lifted shields",
    Register.OVERRIDE: "Overridden confidence",
    Register.DISAGREEMENT: "Disagreements about consent",
}
_WORDS = {
    Register.INCIDENT: "Reported to the Information Commissioner within 72 hours of knowing, when people are at risk.",
    Register.REQUEST: "Answered within one calendar month of receipt.",
    Register.CONCERN: "Acknowledged within 30 days.",
    Register.REFUSED: "Somebody looks at each: a refusal must never leave a child unprotected.",
}
_PATHS = {register.name.lower(): register for register in Register}


def _path(register: Register) -> str:
    return register.name.lower()


def _register(visit: Visit) -> Register:
    found = _PATHS.get(visit.named["register"])
    if found is None:
        raise Missing("There is no such register.")
    return found


def overview(visit: Visit) -> Answer:
    """The registers, and what is late in those the reader looks after."""
    rows: list[tuple[Cell, ...]] = []
    for register, title in _TITLES.items():
        if visit.by.role in OWNERS[register]:
            found = cases(visit.store, visit.by, register, visit.now)
            late = sum(each.due.late for each in found)
            state: Cell = Tag(f"{late} late", "red") if late else f"{len(found)} in all"
            rows.append((Link(title, f"/registers/{_path(register)}"), state, _WORDS.get(register, "")))
    blocks: list[Block] = []
    if rows:
        blocks.append(Table("Registers you look after", ("Register", "Cases", "Clock"), tuple(rows)))
    opens = [each for each in _TITLES if each in ANYBODY_OPENS]
    blocks += [
        Heading("Report"),
        Words("Anybody who is signed in may report. Report at once: the clock runs from when somebody knew."),
        Points(tuple(Link(f"Report: {_TITLES[each].lower()}", f"/registers/{_path(each)}/new") for each in opens)),
    ]
    return Sheet(title="Registers", blocks=tuple(blocks), wide=True)


def listed(visit: Visit) -> Answer:
    """The cases of one register, what is late first."""
    register = _register(visit)
    rows = tuple(_row(each) for each in cases(visit.store, visit.by, register, visit.now))
    blocks: list[Block] = [
        Words(_WORDS.get(register, "Reviewed by information governance.")),
        Table("Cases", ("Since", "State", "Due", "About"), rows),
    ]
    if register in ANYBODY_OPENS:
        blocks.append(Points((Link("Report", f"/registers/{_path(register)}/new"),)))
    return Sheet(title=_TITLES[register], blocks=tuple(blocks), back=Link("Registers", PART), wide=True)


def _row(shown: Shown) -> tuple[Cell, ...]:
    case = shown.case
    kind = purposes()[case.kind].title if case.kind in purposes() else case.kind
    about = kind or (f"Entry {case.about_entry} of the ledger" if case.about_entry is not None else "No kind named")
    link = Link(moment(case.started), f"/cases/{case.id}", f", {_TITLES[case.register]}")
    return (link, shown.due.state, _due(shown), about)


def _due(shown: Shown) -> Cell:
    if shown.due.at is None:
        return "Nothing is due"
    return Tag(f"late since {moment(shown.due.at)}", "red") if shown.due.late else moment(shown.due.at)


def report_form(register: Register) -> Form:
    """The form by which a case is reported."""
    kind = Field(
        name="kind",
        label="What is asked for?",
        kind="choice",
        choices=tuple(Choice(each, each.capitalize()) for each in REQUESTS),
    )
    return Form(
        button="Report",
        fields=(
            *((kind,) if register is Register.REQUEST else ()),
            Field(
                name="started",
                label="On which day did the clock begin?",
                kind="date",
                hint="The day somebody here first knew, or the request came. Such as 27 3 2026.",
            ),
            Field(
                name="hour",
                label="At what hour?",
                kind="number",
                longest=2,
                needed=False,
                hint="0 to 23, in UTC.",
            ),
            Field(
                name="text",
                label="What happened, or what is asked?",
                kind="lines",
                longest=4000,
                hint="In a few sentences, without names of children where you can. It is kept sealed.",
            ),
        ),
    )


def new(visit: Visit) -> Answer:
    """The form of a report."""
    register = _register(visit)
    return _new(visit, register, blank(report_form(register)))


def _new(visit: Visit, register: Register, filled: Filled) -> Sheet:
    if register not in ANYBODY_OPENS:
        raise Refused("Cases of this register come from the gate itself.")
    return Sheet(
        title=f"Report: {_TITLES[register].lower()}",
        blocks=(Words(_WORDS.get(register, "")), Questions(filled, f"/registers/{_path(register)}/new")),
        back=Link("Registers", PART),
        status=400 if filled.problems else 200,
    )


def send_report(visit: Visit, sent: Sent) -> Answer:
    """Report a case."""
    register = _register(visit)
    filled = read(report_form(register), sent)
    given, hour = filled.day("started"), filled.one("hour")
    if hour and not filled.problems and int(hour) > 23:
        filled = wrong(filled, "An hour is 0 to 23", "hour")
    if filled.problems or given is None:
        return _new(visit, register, filled)
    case = Case(
        id="",
        register=register,
        organisation="",
        started=datetime.combine(given, time(int(hour or 0)), UTC),
        opened_at=visit.now,
        opened_by="",
        kind=filled.one("kind"),
        text=filled.one("text"),
    )
    try:
        made = report(visit.store, visit.by, case, visit.now, visit.shell.random)
    except Invalid as error:
        return _new(visit, register, wrong(filled, str(error), "started"))
    if visit.by.role in OWNERS[register]:
        return Redirect(to=f"/cases/{made}?done=entered")
    return Redirect(to="/registers?done=entered")


def step_form(shown: Shown) -> Form:
    """The form of the next step: what may be done in the case's present state."""
    register = shown.case.register
    may = TRANSITIONS[register][shown.due.state]
    outcomes = OUTCOMES.get(register, ())
    reasons = sorted(REASON_NEEDED & may.keys())
    fields = [
        Field(
            name="action",
            label="What is done?",
            kind="choice",
            choices=tuple(Choice(action, action.capitalize(), f"Then it is: {to}.") for action, to in may.items()),
        )
    ]
    if outcomes and "review" in may:
        picks = tuple(Choice(each, each.capitalize()) for each in outcomes)
        hint = "Only for a review."
        fields.append(
            Field(name="outcome", label="What did it find?", kind="choice", choices=picks, needed=False, hint=hint)
        )
    hint = f"Needed for: {', '.join(reasons)}, and when it is late. Kept sealed." if reasons else "Kept sealed."
    fields.append(Field(name="note", label="Reasons", kind="lines", longest=4000, needed=False, hint=hint))
    return Form(button="Record this step", fields=tuple(fields))


def case(visit: Visit) -> Answer:
    """One case, with its words, its steps and the next one."""
    return _case(visit, one_case(visit.store, visit.by, visit.named["case"], visit.now))


def _case(visit: Visit, shown: Shown, filled: Filled | None = None) -> Sheet:
    found = shown.case
    facts: list[tuple[str, Cell]] = [
        ("State", shown.due.state),
        ("Due", _due(shown)),
        ("Clock began", moment(found.started)),
    ]
    if found.kind:
        facts.append(("Kind", purposes()[found.kind].title if found.kind in purposes() else found.kind))
    if found.about_entry is not None:
        facts.append(("Ledger entry", str(found.about_entry)))
    blocks: list[Block] = [Summary(tuple(facts))]
    if found.text:
        blocks += [Heading("In words"), Words(found.text)]
    rows = tuple((str(s.number), moment(s.at), s.action, s.outcome or "None", s.note or "None") for s in shown.steps)
    blocks.append(Table("Steps", ("Step", "When", "What", "Outcome", "Reasons"), rows, empty="No step was taken yet."))
    if TRANSITIONS[found.register][shown.due.state]:
        number = (("number", str(len(shown.steps) + 1)),)
        blocks += [Heading("Next step"), Questions(filled or blank(step_form(shown)), f"/cases/{found.id}", number)]
    return Sheet(
        title=f"{_TITLES[found.register]}: one case",
        blocks=tuple(blocks),
        back=Link(_TITLES[found.register], f"/registers/{_path(found.register)}"),
        wide=True,
        status=400 if filled else 200,
    )


def take(visit: Visit, sent: Sent) -> Answer:
    """Take the next step of a case."""
    shown = one_case(visit.store, visit.by, visit.named["case"], visit.now)
    filled = read(step_form(shown), sent)
    number = (sent.get("number") or [""])[0]
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise Invalid("Open the case again and use its button.")
    if filled.problems:
        return _case(visit, shown, filled)
    step = Step(
        case=shown.case.id,
        number=int(number),
        at=visit.now,
        by=visit.by.user,
        action=filled.one("action"),
        outcome=filled.one("outcome"),
        note=filled.one("note"),
    )
    try:
        take_step(visit.store, visit.by, step, visit.now, visit.shell.random)
    except Refused as error:
        return _case(visit, shown, wrong(filled, str(error)))
    return Redirect(to=f"/cases/{shown.case.id}?done=entered")


_LOOKERS = frozenset(role for owners in OWNERS.values() for role in owners)

PAGES = (
    Page(path="/registers", who=EVERYBODY, show=overview, part=PART),
    Page(path="/registers/{register}", who=_LOOKERS, show=listed, part=PART),
    Page(path="/registers/{register}/new", who=EVERYBODY, show=new, do=send_report, part=PART),
    Page(path="/cases/{case}", who=_LOOKERS, show=case, do=take, part=PART),
)
