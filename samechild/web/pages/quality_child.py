"""One child of the council's own: every table as it was sent, with the values that rules found fault with marked.

The address holds an opaque key and never a council's id. Each opening is a decision that stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from samechild.collection.reading.child import Cell as Value
from samechild.collection.reading.child import Fault, Section, marks_of, sections_of
from samechild.collection.reading.issues import SHOWN, by_child
from samechild.collection.reading.one import ChildRead, read_child
from samechild.collection.records import Feed
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Failing,
    Heading,
    Inset,
    Link,
    Numbered,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Words,
    day,
    moment,
)
from samechild.web.forms import Field, Filled, Form, blank, read, wrong
from samechild.web.pages.quality_feed import at, of_feed
from samechild.web.pages.quality_parts import (
    CHILDREN,
    PROBLEMS,
    child_link,
    counted,
    grade_tag,
    number_in,
    pages,
    since,
    some,
    views,
)
from samechild.web.routes import Sent
from samechild.web.visits import Visit

ONE = f"{CHILDREN}/{{child}}"
THEN = Form(
    button="Show what was known then",
    fields=(
        Field(name="on", label="On which day?", kind="date", hint="Such as 27 3 2026.", missing="Say on which day"),
    ),
)


def show_list(visit: Visit, feed: Feed) -> Answer:
    """Children with open problems, those with most errors first."""
    tallies, page, children = by_child(visit.store, visit.by, feed, number_in(visit.asked.get("page", "")), visit.now)
    return Sheet(
        title="Children with problems",
        blocks=(
            views(feed, CHILDREN),
            Words(f"{counted(children, 'child has', 'children have')} open problems.", lead=True),
            Table(
                "Those with most errors first",
                ("Child", "Errors", "Queries", "Oldest since"),
                tuple(
                    (
                        child_link(feed, each.name, each.words),
                        f"{each.errors:,}",
                        f"{each.queries:,}",
                        since(each.oldest, visit.now),
                    )
                    for each in tallies
                ),
                empty="No child has an open problem.",
            ),
            *pages(f"{at(feed, CHILDREN)}?page=", page, -(-children // SHOWN)),
        ),
        wide=True,
    )


def show(visit: Visit, feed: Feed) -> Answer:
    """One child, as known now or on the day that the address names."""
    on = _day(visit.asked.get("on", ""))
    return _child(visit, feed, on, blank(THEN))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def then(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Go to what was known on a day."""
    filled = read(THEN, sent)
    on = filled.day("on") if not filled.problems else None
    if on is not None and on > visit.now.date():
        filled = wrong(filled, "That day is still to come: give one that has been", "on")
    if on is None or filled.problems:
        return _child(visit, feed, None, filled)
    return Redirect(to=f"{at(feed, CHILDREN)}/{visit.named['child']}?on={on.isoformat()}")


def _child(visit: Visit, feed: Feed, on: date | None, asking: Filled) -> Sheet:
    found = read_child(visit.store, visit.by, feed, visit.named["child"], visit.now, on)
    here = f"{at(feed, CHILDREN)}/{found.record_key}"
    name = found.held.child.get("la_child_id", "")
    blocks: list[Block] = [views(feed, None), _in_short(found)]
    if on is not None:
        blocks.append(Inset(f"What was known at the end of {day(on)}. Problems are shown with what is known now."))
    else:
        blocks.append(_problems(visit, found))
    blocks += _record(found)
    blocks += [
        Words("Adoption dates are shown to your custodian of adoption records alone."),
        Heading("What was known on an earlier day"),
        Words("The record put together again from what you had sent by the end of that day."),
        Questions(asking, here),
    ]
    return Sheet(
        title=f"Child {name}" if name else "A child whose id you may not see",
        above="Data quality",
        blocks=tuple(blocks),
        back=Link("As known now", here) if on else Link("All problems", at(feed, PROBLEMS)),
        wide=True,
        status=400 if asking.problems else 200,
    )


def _in_short(found: ChildRead) -> Summary:
    return Summary(
        (
            ("First received", moment(found.first)),
            ("Last received", moment(found.seen)),
            ("Last said something new", moment(found.changed)),
            ("Fixed in the last seven days", counted(found.fixed, "problem", "problems")),
        )
    )


def _problems(visit: Visit, found: ChildRead) -> Table:
    return Table(
        "What needs putting right",
        ("Number", "Kind", "What is wrong", "What to do", "Where", "Since"),
        tuple(
            (
                Numbered(fault.number, shown=bool(fault.places)),
                grade_tag(fault.grade),
                f"{fault.rule.code}: {fault.rule.message}",
                fault.rule.mend,
                some(fault.where),
                since(fault.since, visit.now),
            )
            for fault in found.faults
        ),
        empty="The rules find nothing wrong with this child's record.",
    )


def _record(found: ChildRead) -> Iterator[Block]:
    """The tables of the record; a link to a problem's values leads to the first of them."""
    met: set[int] = set()
    sections = sections_of(found.held, marks_of(found.faults))
    yield Heading("The record as you sent it")
    if found.faults:
        yield Words("Values marked with the same number belong together: follow a number to see them all at once.")
    for section in sections:
        yield _table(section, met)
    yield from _elsewhere(found.faults, met)


def _table(section: Section, met: set[int]) -> Table:
    gone = f", no longer sent since {_on(section.gone_since)}" if section.gone_since else ""
    rows = tuple(tuple(_cell(value, met) for value in row) for row in section.rows)
    return Table(f"{section.title}{gone}", section.head, rows)


def _cell(value: Value, met: set[int]) -> Cell:
    first = tuple(number for number in value.problems if number not in met)
    met.update(first)
    note = value.means
    if value.gone_since:
        note = f"{note}{', ' if note else ''}no longer sent since {_on(value.gone_since)}"
    return Failing(value.words, f"({note})" if note else "", value.problems, first)


def _elsewhere(faults: tuple[Fault, ...], met: set[int]) -> list[Block]:
    """Problems whose values do not stand in the tables: an address that is followed must lead somewhere."""
    lost = [fault for fault in faults if fault.places and fault.number not in met]
    rows = tuple((Failing(some(fault.where), "", (fault.number,), (fault.number,)),) for fault in lost)
    return [Table("Not held at all", ("Where",), rows)] if rows else []


def _on(iso: str) -> str:
    return day(date.fromisoformat(iso))


PAGES = (*of_feed(CHILDREN, show=show_list), *of_feed(ONE, show=show, do=then))
