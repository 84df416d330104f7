"""Whom to phone when this service does not work: the card as a page, to print, and the numbers of one's organisation.

The card is of no use inside a service that is down: it is printed and lies beside the telephone.
"""

from __future__ import annotations

from samechild.errors import Invalid
from samechild.policy.governance.downtime import card_lines, unreachable
from samechild.policy.governance.downtime_actions import MAY, downtime_card, enter_number, remove_number
from samechild.policy.shown import emergency_numbers, organisations
from samechild.web.blocks import (
    Answer,
    Block,
    Download,
    Heading,
    Inset,
    Link,
    Points,
    Questions,
    Redirect,
    Sheet,
    Table,
    Words,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.routes import EVERYBODY, Page, Sent
from samechild.web.visits import Visit

PART = "/downtime"
KEEPERS = frozenset(MAY) & EVERYBODY
NUMBER = Form(
    button="Enter the number",
    fields=(
        Field(name="label", label="What is it?", hint="Such as: duty desk by day.", longest=80),
        Field(name="number", label="Telephone number", longest=40),
    ),
)


def _remove_form(labels: tuple[str, ...]) -> Form:
    return Form(
        button="Take it off the card",
        risky=True,
        fields=(
            Field(
                name="label",
                label="Which number?",
                kind="choice",
                choices=tuple(Choice(label, label) for label in labels),
            ),
        ),
    )


def show(visit: Visit) -> Answer:
    """The card, and for its keepers the forms that change it."""
    return _show(visit)


def _show(visit: Visit, filled: Filled | None = None, to: str = "/downtime") -> Sheet:
    known, numbers = organisations(visit.store), emergency_numbers(visit.store)
    rows = tuple(
        (line.name, line.who, line.how, "; ".join(f"{label}: {number}" for label, number in line.numbers) or "None")
        for line in card_lines(known, numbers, visit.now)
    )
    blocks: list[Block] = [
        Inset("A child in danger now: phone 999. Not being able to look something up is never a reason not to act."),
        Table("Whom to phone", ("Organisation", "Who can decide", "How to reach them", "In an emergency"), rows),
        Points((Link("Keep the card, with the sheet to fill in, and print it", "/downtime/card"),)),
    ]
    silent = unreachable(known, numbers, visit.now)
    if silent:
        blocks.append(Words("Not yet to be reached: " + "; ".join(silent) + "."))
    if visit.by.role in KEEPERS:
        mine = tuple(each.label for each in numbers if each.organisation == visit.by.organisation)
        blocks += [Heading("Numbers of your organisation")]
        blocks.append(Questions(filled if filled and to == PART else blank(NUMBER), PART))
        if mine:
            form = filled if filled and to != PART else blank(_remove_form(mine))
            blocks.append(Questions(form, "/downtime/remove"))
    return Sheet(
        title="Whom to phone when this service does not work",
        blocks=tuple(blocks),
        wide=True,
        status=400 if filled else 200,
    )


def enter(visit: Visit, sent: Sent) -> Answer:
    """Enter a number of one's own organisation."""
    filled = read(NUMBER, sent)
    if filled.problems:
        return _show(visit, filled)
    try:
        enter_number(visit.store, visit.by, filled.one("label"), filled.one("number"), visit.now)
    except Invalid as error:
        return _show(visit, wrong(filled, str(error), "number"))
    return Redirect(to="/downtime?done=entered")


def remove(visit: Visit, sent: Sent) -> Answer:
    """Take a number of one's own organisation off the card."""
    own = visit.by.organisation
    mine = tuple(each.label for each in emergency_numbers(visit.store) if each.organisation == own)
    filled = read(_remove_form(mine), sent)
    if filled.problems:
        return _show(visit, filled, "/downtime/remove")
    remove_number(visit.store, visit.by, filled.one("label"), visit.now)
    return Redirect(to="/downtime?done=changed")


def card(visit: Visit) -> Answer:
    """The card as a file to print."""
    content = downtime_card(visit.store, visit.now).encode()
    return Download(name="whom-to-phone.html", media="text/html", content=content)


PAGES = (
    Page(path="/downtime", who=EVERYBODY, show=show, do=enter, part=PART),
    Page(path="/downtime/remove", who=KEEPERS, do=remove, part=PART),
    Page(path="/downtime/card", who=EVERYBODY, show=card, part=PART),
)
