"""Sharing agreements: who shares what with whom, drafting, signing and withdrawing.

What is in force is obeyed by the very next decision, so the page says what a button does before it is pressed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import msgspec

from samechild.errors import Invalid, Missing
from samechild.policy.agreement_actions import (
    Standing,
    sign_agreement,
    standings,
    withdraw_agreement,
    write_agreement,
)
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.policy.records import Agreement, Rule
from samechild.records.disclosure import Effect, Mode
from samechild.records.types import Sector, record_types
from samechild.web.blocks import (
    Answer,
    Block,
    Heading,
    Link,
    Points,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Tag,
    Warn,
    Words,
    day,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS
from samechild.web.routes import EVERYBODY, Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, choices, organisation_names, titles

PART = "/agreements"
_COLOURS = {"in force": "green", "to come": "blue", "part signed": "yellow", "withdrawn": "red"}
_BACK = Link("All agreements", "/agreements")


def _date(name: str, label: str, *, needed: bool = True) -> Field:
    return Field(name=name, label=label, kind="date", hint="For example, 27 3 2026.", needed=needed)


def _many(name: str, label: str, picks: tuple[Choice, ...], *, hint: str = "", needed: bool = False) -> Field:
    return Field(name=name, label=label, kind="many", choices=picks, needed=needed, hint=hint)


_PURPOSES = tuple(Choice(name, each.title) for name, each in purposes().items() if not each.forbidden)

LINE = (
    Field(
        name="effect",
        label="What does this line do?",
        kind="choice",
        choices=(Choice("allow", "It allows"), Choice("forbid", "It forbids")),
    ),
    Field(
        name="exception",
        label="This line is an exception: it is looked at before the others",
        kind="tick",
        needed=False,
    ),
    Field(name="reason", label="Reason for the exception", needed=False),
    _many(
        "modes",
        "How much",
        (Choice("existence", "That a record exists, and whom to ask"), Choice("content", "What the record says")),
        needed=True,
    ),
    _many("record_types", "Kinds of record", choices(record_types()), hint="None ticked means every kind."),
    _many("sectors", "Who may ask", tuple(Choice(s.value, s.value.capitalize()) for s in Sector), hint="None: any."),
    _many("purposes", "Purposes", _PURPOSES),
    _many("powers", "Statutory powers and duties", choices(powers())),
    _many("bases", "Lawful bases", choices(bases())),
    _many("conditions", "Conditions for special category content", choices(conditions()), hint="None: any."),
    _many("confidences", "How the duty of confidence is met", choices(confidences()), hint="None: any."),
)

SIGN = Form(button="Sign for my organisation")
WITHDRAW = Form(button="Withdraw my organisation", risky=True)
ADD_LINE = Form(button="Add this line as a new version", fields=LINE)
TAKE_OUT = Form(
    button="Take the line out, as a new version",
    fields=(Field(name="line", label="Number of the line", kind="number", longest=3),),
)
DATES = Form(button="Change the dates, as a new version", fields=(_date("starts", "From"), _date("ends", "Until")))


def new_form(visit: Visit) -> Form:
    """The form of a new agreement, with the organisations of this installation to pick from."""
    others = tuple(
        Choice(name, words) for name, words in organisation_names(visit.store).items() if name != visit.by.organisation
    )
    return Form(
        button="Write the agreement",
        fields=(
            Field(name="title", label="Title"),
            _many("parties", "With which organisations?", others, needed=True),
            _date("starts", "From"),
            _date("ends", "Until"),
            *LINE,
        ),
    )


def overview(visit: Visit) -> Answer:
    """The agreements the reader's own organisation is a party to, each in its newest version."""
    names = organisation_names(visit.store)
    newest: dict[str, Standing] = {}
    for standing in standings(visit.store, visit.now, visit.by.organisation):
        newest.setdefault(standing.agreement.agreement, standing)
    rows = tuple(
        (
            Link(each.title, f"/agreements/{each.agreement.agreement}"),
            names.get(each.agreement.owner, NOBODY_KNOWS),
            f"{day(each.agreement.starts)} to {day(each.agreement.ends)}",
            Tag(each.state, _COLOURS.get(each.state, "grey")),
        )
        for each in newest.values()
    )
    blocks: list[Block] = [
        Words("Nothing is shared between two organisations without an agreement that both have signed."),
        Table("Your organisation's agreements", ("Title", "Who shares", "Dates", "State"), rows),
    ]
    if visit.by.role in OFFICERS:
        blocks.append(Points((Link("Write a new agreement", "/agreements/new"),)))
    return Sheet(title="Agreements", blocks=tuple(blocks), wide=True)


def _of(visit: Visit) -> list[Standing]:
    """Every version of the agreement asked for, newest first.

    Raises:
        Missing: when there is none, or the reader's organisation is no party to it.
    """
    wanted = visit.named["agreement"]
    found = [
        each for each in standings(visit.store, visit.now, visit.by.organisation) if each.agreement.agreement == wanted
    ]
    if not found:
        raise Missing("There is no such agreement, or your organisation is not a party to it.")
    return found


def one(visit: Visit) -> Answer:
    """One agreement: how it stands, its lines, its versions, and what may be done with it."""
    return _one(visit, _of(visit))


def _one(visit: Visit, versions: list[Standing], filled: Filled | None = None, to: str = "") -> Sheet:
    newest, names = versions[0], organisation_names(visit.store)
    agreement = newest.agreement
    facts = (
        ("State", Tag(newest.state, _COLOURS.get(newest.state, "grey"))),
        ("Version", str(agreement.version)),
        ("Who shares", names.get(agreement.owner, NOBODY_KNOWS)),
        ("Parties", ", ".join(names.get(each, NOBODY_KNOWS) for each in agreement.parties)),
        ("Dates", f"{day(agreement.starts)} until {day(agreement.ends)}"),
        ("Still to sign", ", ".join(names.get(each, NOBODY_KNOWS) for each in newest.unsigned) or "Nobody"),
    )
    blocks: list[Block] = [
        Summary(facts),
        Table(
            "What it says: exceptions are looked at first, then the other lines, each in this order",
            ("Line", "Effect", "How much", "Kinds of record", "Who may ask", "Purposes", "Powers", "Bases", "Reason"),
            tuple(_row(number, line) for number, line in enumerate(agreement.rules, start=1)),
        ),
        Table(
            "Versions",
            ("Version", "State", "Dates"),
            tuple(
                (str(each.agreement.version), each.state, f"{day(each.agreement.starts)} to {day(each.agreement.ends)}")
                for each in versions
            ),
        ),
    ]
    if visit.by.role in OFFICERS:
        blocks += _forms(visit, newest, filled, to)
    return Sheet(
        title=newest.title,
        blocks=tuple(blocks),
        above="Agreement",
        back=_BACK,
        wide=True,
        status=400 if filled else 200,
    )


def _row(number: int, line: Rule) -> tuple[str, ...]:
    effect = ("Exception: " if line.exception else "") + ("allows" if line.effect is Effect.ALLOW else "forbids")
    return (
        str(number),
        effect,
        " and ".join(line.modes),
        titles(record_types(), line.record_types, "Every kind"),
        ", ".join(line.sectors) or "Any party",
        titles(purposes(), line.purposes, "Any"),
        titles(powers(), line.powers, "Any"),
        titles(bases(), line.bases, "Any"),
        line.reason or "None given",
    )


def _forms(visit: Visit, newest: Standing, filled: Filled | None, to: str) -> list[Block]:
    agreement = newest.agreement
    place = f"/agreements/{agreement.agreement}"
    blocks: list[Block] = []
    if newest.state == "withdrawn":
        return blocks
    if visit.by.organisation in newest.unsigned:
        blocks += [
            Heading("Sign it"),
            Words("Once every party has signed, the very next decision obeys it."),
            Questions(blank(SIGN), f"{place}/sign", (("version", str(agreement.version)),)),
        ]
    if visit.by.organisation == agreement.owner:
        dates = Filled(form=DATES, picked={"starts": _parts(agreement.starts), "ends": _parts(agreement.ends)})
        blocks.append(Heading("Change it"))
        blocks.append(Words("A change is a new version, to be signed again. The signed version holds until then."))
        for path, heading, form in (
            ("dates", "Change the dates", dates),
            ("remove", "Take out a line", blank(TAKE_OUT)),
        ):
            blocks.append(Heading(heading, 3))
            blocks.append(Questions(filled if filled and to == path else form, f"{place}/{path}"))
        blocks.append(Points((Link("Add a line", f"{place}/lines"),)))
    blocks += [
        Heading("Withdraw"),
        Warn("Nothing is shared under this agreement from the moment you withdraw. It cannot be undone."),
        Questions(blank(WITHDRAW), f"{place}/withdraw"),
    ]
    return blocks


def _parts(moment: datetime) -> tuple[str, ...]:
    return (str(moment.day), str(moment.month), str(moment.year))


def new(visit: Visit) -> Answer:
    """The form of a new agreement."""
    return _new(blank(new_form(visit)))


def _new(filled: Filled) -> Sheet:
    return Sheet(
        title="Write a new agreement",
        blocks=(
            Words("It begins with one line; more can be added before anybody signs. Nothing is shared by default."),
            Questions(filled, "/agreements/new"),
        ),
        back=_BACK,
        status=400 if filled.problems else 200,
    )


def write_new(visit: Visit, sent: Sent) -> Answer:
    """Keep a new agreement as a draft."""
    filled = read(new_form(visit), sent)
    if filled.problems:
        return _new(filled)
    own = visit.by.organisation
    draft = Agreement(
        agreement="",
        version=0,
        owner=own,
        parties=(own, *filled.many("parties")),
        rules=(_line_of(filled),),
        starts=_moment(filled.day("starts")),
        ends=_moment(filled.day("ends")),
    )
    try:
        made = write_agreement(visit.store, visit.by, draft, filled.one("title"), visit.now)
    except Invalid as error:
        return _new(wrong(filled, str(error)))
    return Redirect(to=f"/agreements/{made.agreement}?done=written")


def _line_of(filled: Filled) -> Rule:
    return Rule(
        effect=Effect(filled.one("effect")),
        exception=filled.one("exception") == "yes",
        modes=tuple(Mode(each) for each in filled.many("modes")),
        record_types=filled.many("record_types"),
        sectors=tuple(Sector(each) for each in filled.many("sectors")),
        purposes=filled.many("purposes"),
        powers=filled.many("powers"),
        bases=filled.many("bases"),
        conditions=filled.many("conditions"),
        confidences=filled.many("confidences"),
        reason=filled.one("reason"),
    )


def _moment(given: date | None) -> datetime:
    """The beginning of a day, in UTC; a form has checked that there is one."""
    return datetime.combine(given or date.min, time(), UTC)


def line(visit: Visit) -> Answer:
    """The form of one more line."""
    return _line_sheet(_of(visit)[0], blank(ADD_LINE))


def _line_sheet(newest: Standing, filled: Filled) -> Sheet:
    place = f"/agreements/{newest.agreement.agreement}"
    return Sheet(
        title="Add a line",
        above=newest.title,
        blocks=(
            Words("It makes a new version, to be signed again. The signed version holds until then."),
            Questions(filled, f"{place}/lines"),
        ),
        back=Link(newest.title, place),
        status=400 if filled.problems else 200,
    )


def add_line(visit: Visit, sent: Sent) -> Answer:
    """Write the next version with one more line."""
    versions, filled = _of(visit), read(ADD_LINE, sent)
    if filled.problems:
        return _line_sheet(versions[0], filled)
    rules = (*versions[0].agreement.rules, _line_of(filled))
    return _next(visit, versions[0], lambda words: _line_sheet(versions[0], wrong(filled, words)), rules=rules)


def remove_line(visit: Visit, sent: Sent) -> Answer:
    """Write the next version without one of the lines."""
    versions, filled = _of(visit), read(TAKE_OUT, sent)
    lines = versions[0].agreement.rules
    number = int(filled.one("line")) if not filled.problems else 0
    if not filled.problems and not 1 <= number <= len(lines):
        filled = wrong(filled, f"There are lines 1 to {len(lines)}")
    if filled.problems:
        return _one(visit, versions, filled, "remove")
    rules = (*lines[: number - 1], *lines[number:])
    return _next(visit, versions[0], lambda words: _one(visit, versions, wrong(filled, words), "remove"), rules=rules)


def change_dates(visit: Visit, sent: Sent) -> Answer:
    """Write the next version with other dates."""
    versions, filled = _of(visit), read(DATES, sent)
    if filled.problems:
        return _one(visit, versions, filled, "dates")
    days = {"starts": _moment(filled.day("starts")), "ends": _moment(filled.day("ends"))}
    return _next(visit, versions[0], lambda words: _one(visit, versions, wrong(filled, words), "dates"), **days)


def _next(visit: Visit, newest: Standing, again: Callable[[str], Sheet], **changed: object) -> Answer:
    """Write the next version; ``again`` shows the form once more with what is wrong."""
    draft = msgspec.structs.replace(newest.agreement, version=newest.agreement.version + 1, **changed)
    try:
        write_agreement(visit.store, visit.by, draft, newest.title, visit.now)
    except Invalid as error:
        return again(str(error))
    return Redirect(to=f"/agreements/{newest.agreement.agreement}?done=written")


def sign(visit: Visit, sent: Sent) -> Answer:
    """Sign the version that was shown."""
    shown = (sent.get("version") or [""])[0]
    if not (shown.isascii() and shown.isdigit() and len(shown) < 9):
        raise Invalid("Open the agreement again and use its button.")
    agreement = visit.named["agreement"]
    sign_agreement(visit.store, visit.by, agreement, int(shown), visit.now)
    return Redirect(to=f"/agreements/{agreement}?done=signed")


def withdraw(visit: Visit, sent: Sent) -> Answer:
    """Withdraw the reader's organisation."""
    agreement = visit.named["agreement"]
    withdraw_agreement(visit.store, visit.by, agreement, visit.now)
    return Redirect(to=f"/agreements/{agreement}?done=withdrawn")


PAGES = (
    Page(path="/agreements", who=EVERYBODY, show=overview, part=PART),
    Page(path="/agreements/new", who=OFFICERS, show=new, do=write_new, part=PART),
    Page(path="/agreements/{agreement}", who=EVERYBODY, show=one, part=PART),
    Page(path="/agreements/{agreement}/sign", who=OFFICERS, do=sign, part=PART),
    Page(path="/agreements/{agreement}/withdraw", who=OFFICERS, do=withdraw, part=PART),
    Page(path="/agreements/{agreement}/lines", who=OFFICERS, show=line, do=add_line, part=PART),
    Page(path="/agreements/{agreement}/remove", who=OFFICERS, do=remove_line, part=PART),
    Page(path="/agreements/{agreement}/dates", who=OFFICERS, do=change_dates, part=PART),
)
