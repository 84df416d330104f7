"""Searching for a child: one box for whatever somebody has, and fields for who knows more.

What is searched for is sent in a form and never stands in an address; it is written down nowhere but as keyed
references in the ledger. The results tell that there is a record, with the reasons, and the name to those who may read
it. Whoever must not be found is not found, with the same words and the same work.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from samechild.errors import Invalid, Missing, Refused
from samechild.index.query import Query, of_fields, parse
from samechild.index.reading import Results, search
from samechild.index.records import Held
from samechild.index.searching import Hit
from samechild.index.spaces import spaces_for
from samechild.index.survivorship import core_record
from samechild.index.viewing import names_told
from samechild.records.disclosure import Ask
from samechild.web.blocks import Answer, Block, Heading, Inset, Link, More, Questions, Sheet, Table, Words
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.menu import PRACTICE
from samechild.web.pages.asking import address_of, ask_from, purpose_field, purpose_of
from samechild.web.pages.child_blocks import said
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names

PART = "/children"
MOST = 25
"""So many children stand on a page of results."""
_NO_SPACE = "Your organisation has no index yet. Whoever runs this service loads it first."
_BOX = Field(
    name="box",
    label="What do you know of the child?",
    missing="Type a name, a date of birth, a postcode or a number",
    hint="Whatever you have, in any order. Such as: ahmed khan 3 1 2016 LS1.",
)
_FIELDS = (
    Field(name="forename", label="First name, or the name they are called by", needed=False, longest=100),
    Field(name="surname", label="Family name, now or before", needed=False, longest=100),
    Field(name="date_of_birth", label="Date of birth", kind="date", needed=False, hint="Such as 27 3 2016."),
    Field(name="age", label="Or how old they are", needed=False, longest=20, hint="Such as 7, or 5 to 8."),
    Field(
        name="postcode",
        label="Postcode, or the beginning of it",
        needed=False,
        longest=10,
        hint="Such as LS1 6AB, LS1 6 or LS1.",
    ),
    Field(
        name="number",
        label="A number",
        needed=False,
        longest=40,
        hint="NHS number, Unique Pupil Number, the council's own number: with or without spaces.",
    ),
    Field(name="unborn", label="Only children who are not born yet", kind="tick", needed=False),
)
_READ_AS = {
    "date_of_birth": "the date of birth",
    "age": "the age",
    "postcode": "the postcode",
    "number": "the number",
    "forename": "the first name",
    "surname": "the family name",
    "box": "what is in the box",
}


def box_form(visit: Visit) -> Form:
    """One box, what for, and where to search."""
    return Form(button="Search", fields=(_BOX, *_for_and_where(visit)))


def fields_form(visit: Visit) -> Form:
    """A field for each thing somebody may know, what for, and where to search."""
    return Form(button="Search by these", fields=(*_FIELDS, *_for_and_where(visit)))


def _for_and_where(visit: Visit) -> tuple[Field, Field]:
    spaces = spaces_for(visit.store, visit.by.organisation)
    where = Field(
        name="space",
        label="Where do you search?",
        kind="select",
        choices=tuple(Choice(each.space, each.title) for each in spaces),
        missing="Say where to search",
    )
    return purpose_field(visit), where


def show(visit: Visit) -> Answer:
    """The search, with nothing in it yet."""
    if not spaces_for(visit.store, visit.by.organisation):
        return Sheet(title="Find a child", blocks=(Words(_NO_SPACE),))
    return _sheet(visit, None)


def _usual(visit: Visit, form: Form) -> Filled:
    """A form nobody has filled in, with the widest index and the only purpose of a role with one."""
    spaces = spaces_for(visit.store, visit.by.organisation)
    widest = max(spaces, key=lambda space: (len(space.members), space.space))
    return blank(form, purpose=purpose_of(visit), space=widest.space)


def _sheet(visit: Visit, filled: Filled | None, *answer: Block, status: int = 200) -> Sheet:
    """The search page: what was found, if anything was asked, and the two ways of asking."""
    forms = {form.button: form for form in (box_form(visit), fields_form(visit))}
    box, fields = (
        filled if filled is not None and filled.form.button == button else _usual(visit, form)
        for button, form in forms.items()
    )
    words = Words("Spelling mistakes, nicknames and exchanged days and months are allowed for.")
    return Sheet(
        title="Find a child",
        blocks=(
            *answer,
            Heading("Search again") if answer else words,
            Questions(box, PART),
            Heading("Or search by what you know exactly"),
            Questions(fields, PART),
            More(
                "If you do not find a child",
                "Try fewer words, another spelling, or only a number. Some children cannot be found by where they "
                "live. If you believe a child is at risk, do not wait for this service: phone.",
            ),
        ),
        wide=bool(answer),
        status=400 if filled is not None and filled.problems and status == 200 else status,
    )


def find(visit: Visit, sent: Sent) -> Answer:
    """Search, and show whom the asker may know of, best first."""
    if not spaces_for(visit.store, visit.by.organisation):
        return Sheet(title="Find a child", blocks=(Words(_NO_SPACE),))
    filled = read(box_form(visit) if "box" in sent else fields_form(visit), sent)
    if filled.problems:
        return _sheet(visit, filled)
    ask = ask_from(visit, filled)
    try:
        query = query_of(filled, visit.now.date())
        found = search(visit.store, visit.by, filled.one("space"), ask, query, MOST)
    except (Invalid, Refused, Missing) as error:
        return _sheet(visit, wrong(filled, str(error), _first_given(filled)), status=error.http_status)
    told = names_told(visit.store, visit.by, ask, [hit.record_key for hit in found.hits])
    return _sheet(visit, filled, *results(visit, filled.one("space"), found, told, query, ask))


def _first_given(filled: Filled) -> str:
    """Where to tell that nothing can be searched by: the first field that is filled in."""
    return next((field.name for field in filled.form.fields if filled.one(field.name)), "")


def query_of(filled: Filled, today: date) -> Query:
    """What is searched by: the box, or the fields that are filled in.

    Raises:
        Invalid: when there is nothing to search by.
    """
    if filled.one("box"):
        return parse(filled.one("box"), today)
    return of_fields({field.name: filled.one(field.name) for field in _FIELDS if filled.one(field.name)}, today)


def results(visit: Visit, space: str, found: Results, told: Mapping[str, Held], query: Query, ask: Ask) -> list[Block]:
    """The children found, each with why; and what could not be read."""
    names = organisation_names(visit.store)
    blocks: list[Block] = []
    if query.unread:
        unread = ", ".join(_READ_AS.get(name, name) for name in query.unread)
        blocks.append(Inset(f"This could not be read, and was not searched by: {unread}."))
    if found.more:
        blocks.append(
            Inset(
                f"More than {len(found.hits)} children fit: the {len(found.hits)} that fit best are shown. "
                "Add a date of birth or a postcode to find fewer."
            )
        )
    rows = tuple(
        _row(number, hit, space, told.get(hit.record_key), ask, visit.now.date(), names)
        for number, hit in enumerate(found.hits, start=1)
    )
    counted = "1 child was found" if len(rows) == 1 else f"{len(rows)} children were found, the best first"
    nobody = "There is nobody of whom you may know. That does not mean that there is no such child."
    head = ("Child", "Born", "Why it fits", "Who says so")
    return [*blocks, Table(counted if rows else "Nobody was found", head, rows, empty=nobody)]


def _row(
    number: int, hit: Hit, space: str, held: Held | None, ask: Ask, today: date, names: Mapping[str, str]
) -> tuple[str | Link, ...]:
    to = address_of(space, hit.child, ask)
    reasons = "; ".join(hit.reasons)
    if held is None:
        return (Link("Open the record", to, f"of child {number}"), "", reasons, "")
    core = core_record([held], {}, today)
    name, born = core.of("name"), core.of("date_of_birth")
    words = said(name[0].value) if name else f"Child {number}, name not known"
    return (Link(words, to), said(born[0].value) if born else "", reasons, names.get(held.owner, NOBODY_KNOWS))


PAGES = (Page(path=PART, who=PRACTICE, show=show, do=find, part=PART),)
