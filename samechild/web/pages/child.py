"""One child's record: what is known, who says so and who says otherwise, who knows the child, and the family.

The identifier is opaque and may stand in an address; the purpose stands there too, as a code. Each opening is a
decision that the ledger records. Where there is nothing to see the page says the same, whatever the reason.
"""

from __future__ import annotations

from datetime import date

from samechild.errors import Invalid, Missing, Refused
from samechild.identifiers.nhs_number import STATUS_MEANINGS
from samechild.index.reading import history
from samechild.index.spaces import PURPOSE, spaces_for
from samechild.index.survivorship import status_of
from samechild.index.viewing import ChildView, view_child
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.records.disclosure import Ask
from samechild.web.blocks import Answer, Block, Heading, Inset, Link, Questions, Sheet, Summary, Words
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS, PRACTICE
from samechild.web.pages.asking import (
    GROUNDS,
    ask_from,
    ask_in_address,
    glass_fields,
    ground_fields,
    judgement_field,
    purpose_field,
    purpose_of,
)
from samechild.web.pages.child_blocks import (
    core_table,
    differing_table,
    family_table,
    former_table,
    history_table,
    known_table,
    misplaced_warnings,
    number_table,
    numbers_over_time,
    people_table,
    record_table,
    said,
)
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import organisation_names, title

PART = "/children"
NO_SPACE = "Your organisation has no index yet. Whoever runs this service loads it first."
_ID = Field(
    name="child",
    label="The child's identifier here",
    longest=80,
    hint="The opaque identifier that a search or your own system shows; never a name or an NHS number.",
)


def form_of(visit: Visit) -> Form:
    """Which child, what for, and on what it rests."""
    spaces = spaces_for(visit.store, visit.by.organisation)
    where = Field(
        name="space",
        label="In which index?",
        kind="select",
        choices=tuple(Choice(each.space, each.title) for each in spaces),
        missing="Say in which index",
    )
    fields = (_ID, where, purpose_field(visit), *glass_fields(visit), *ground_fields(), judgement_field())
    return Form(button="Open the record", fields=fields)


def show(visit: Visit) -> Answer:
    """Open the child that the address names, or ask which."""
    child, space, purpose = visit.asked.get("child", ""), visit.asked.get("space", ""), purpose_of(visit)
    if not spaces_for(visit.store, visit.by.organisation):
        return Sheet(title="Open a child's record", blocks=(Words(NO_SPACE),))
    grounds = {name: visit.asked.get(name, "") for name in GROUNDS}
    filled = blank(form_of(visit), child=child, space=space, purpose=purpose, **grounds)
    if not (child and space and purpose):
        return _ask(filled)
    return _opened(visit, filled, space, child, ask_in_address(visit, purpose))


def open_child(visit: Visit, sent: Sent) -> Answer:
    """Open the child that a form names."""
    if not spaces_for(visit.store, visit.by.organisation):
        return Sheet(title="Open a child's record", blocks=(Words(NO_SPACE),))
    filled = read(form_of(visit), sent)
    if filled.one("emergency") and not filled.one("supervisor"):
        filled = wrong(filled, "Choose your supervisor", "supervisor")
    if filled.problems:
        return _ask(filled, 400)
    return _opened(visit, filled, filled.one("space"), filled.one("child"), ask_from(visit, filled))


def _ask(filled: Filled, status: int = 200) -> Sheet:
    return Sheet(
        title="Open a child's record",
        blocks=(
            Words("To find a child by name, birth date or number, search first."),
            Questions(filled, "/child"),
        ),
        back=Link("Search for a child", PART),
        status=status,
    )


def _opened(visit: Visit, filled: Filled, space: str, child: str, ask: Ask) -> Sheet:
    try:
        view = view_child(visit.store, visit.by, space, child, ask)
    except (Missing, Refused, Invalid) as error:
        return _nothing(filled, str(error), error.http_status)
    return _sheet(visit, view, ask)


def _nothing(filled: Filled, words: str, status: int) -> Sheet:
    """There is nothing to see: the same words for a child who is not there and one who must not be known of."""
    return Sheet(
        title="There is nothing here that you may see",
        blocks=(
            Words(words),
            Words("You can ask again and say why it is urgent, or on what it rests."),
            Questions(filled, "/child"),
        ),
        back=Link("Search for a child", PART),
        status=status,
    )


def _sheet(visit: Visit, view: ChildView, ask: Ask) -> Sheet:
    names, core, today = organisation_names(visit.store), view.core, visit.now.date()
    blocks: list[Block] = [_summary(view, today)]
    if view.read.asked != view.read.child:
        blocks.append(Inset("The identifier you opened was put together with this one: it leads here from now on."))
    if view.read.state == "unborn":
        blocks.append(Inset("This child is not born yet, as far as is known."))
    blocks += misplaced_warnings(view.misplaced, names)
    blocks += [known_table(view.known), core_table(core, names), differing_table(core, names)]
    blocks += [*number_table(core, names), *former_table(core, names)]
    blocks += [people_table(view.people, names, today), family_table(view.relatives, view.read.space, ask)]
    blocks += [*numbers_over_time(core, names), record_table(view.read, names)]
    blocks += _history(visit, view)
    if visit.by.role in OFFICERS:
        blocks += [Heading("Who looked"), _officers()]
    return Sheet(
        title=_title(view),
        above=f"Child record, opened for: {title(purposes(), ask.purpose).lower()}",
        blocks=tuple(blocks),
        back=Link("Search for a child", PART),
        wide=True,
    )


def _officers() -> Block:
    return Words(
        "Who looked at a record stands under Who looked in the menu: copy the record's key from the table above."
    )


def _history(visit: Visit, view: ChildView) -> list[Block]:
    """How the record came to be, for those who keep records together."""
    if PURPOSE not in roles()[visit.by.role].purposes:
        return []
    try:
        events = history(visit.store, visit.by, view.read.space, view.read.child, visit.now)
    except (Missing, Refused):
        return []
    return [history_table(events)]


def _title(view: ChildView) -> str:
    name = view.core.of("name")
    return said(name[0].value) if name else "A child whose name is not known"


def _summary(view: ChildView, today: date) -> Summary:
    rows: list[tuple[str, str]] = []
    for field in ("known_as", "date_of_birth", "sex", "nhs_number", "address"):
        for chosen in view.core.of(field):
            words = said(chosen.value)
            if field == "date_of_birth":
                words += _age(chosen.value.text, today)
            if status_of(chosen.value):
                words += f" ({STATUS_MEANINGS[status_of(chosen.value)]})"
            if chosen.conflicts:
                words += " - others say differently: see below"
            rows.append((chosen.title, words))
    rows.append(("Identifier here", view.read.child))
    return Summary(tuple(rows))


def _age(text: str, today: date) -> str:
    """How old somebody born on a day is."""
    if len(text) != 10:
        return ""
    born = date.fromisoformat(text)
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if born > today:
        return " (expected)"
    return f" ({years} years old)" if years else " (under one year old)"


PAGES = (Page(path="/child", who=PRACTICE, show=show, do=open_child, part=PART),)
