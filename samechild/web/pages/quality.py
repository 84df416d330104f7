"""What needs putting right in what a council sends, by rule: the first page its data team opens in the morning."""

from __future__ import annotations

from samechild.collection.reading.issues import OfRule, Overview, overview
from samechild.collection.reading.opening import find_child
from samechild.collection.records import Feed
from samechild.errors import Invalid, Missing
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Inset,
    Picture,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Words,
    day,
    moment,
)
from samechild.web.drawing_days import course
from samechild.web.forms import Field, Filled, Form, blank, read, wrong
from samechild.web.pages.quality_feed import at, of_feed
from samechild.web.pages.quality_parts import (
    CHILDREN,
    about_rule,
    counted,
    grade_tag,
    rule_link,
    since,
    views,
)
from samechild.web.routes import Sent
from samechild.web.visits import Visit

FOUND = "/find"
FIND = Form(
    button="Open the child's record",
    fields=(
        Field(
            name="child",
            label="Find a child by your own id",
            longest=36,
            hint="The id you send as la_child_id. It does not appear in any address, and opening a record is recorded.",
            missing="Write your own id of the child",
        ),
    ),
)


def show(visit: Visit, feed: Feed) -> Answer:
    """How it stands with each rule."""
    return _front(visit, feed, blank(FIND))


def _front(visit: Visit, feed: Feed, finding: Filled) -> Sheet:
    found = overview(visit.store, visit.by, feed, visit.now)
    errors, queries = found.total("error", "open"), found.total("query", "open")
    blocks: list[Block] = [
        views(feed, ""),
        Words(
            f"{counted(errors, 'error', 'errors')} and {counted(queries, 'query', 'queries')} are open, in "
            f"{found.children:,} of the {counted(found.held, 'child', 'children')} you send.",
            lead=True,
        ),
        Words(
            "Put them right in your own system. The next time you send the child, the problem is gone from here by "
            "itself."
        ),
        _in_short(found),
    ]
    if found.waiting:
        words = counted(found.waiting, "request that you sent is", "requests that you sent are")
        blocks.append(Inset(f"{words} being worked off now. It takes about a minute."))
    blocks += [Questions(finding, at(feed, FOUND)), *_course(found), _by_rule(visit, found), _whole(found)]
    return Sheet(title="Data quality", blocks=tuple(blocks), wide=True, status=400 if finding.problems else 200)


def _in_short(found: Overview) -> Summary:
    def line(grade: str, word: str) -> tuple[str, str]:
        new, fixed = found.total(grade, "new"), found.total(grade, "fixed")
        old = found.total(grade, "old")
        return word, f"{new:,} new since yesterday, {old:,} there before, {fixed:,} fixed in the last seven days"

    last = moment(found.last) if found.last else "Nothing has come yet"
    return Summary((("Last received", last), line("error", "Errors"), line("query", "Queries")))


def _course(found: Overview) -> list[Block]:
    if not any(number for _, number in found.course):
        return []
    (first, began), (last, ends) = found.course[0], found.course[-1]
    words = f"Errors open on each day from {day(first)} ({began:,}) to {day(last)} ({ends:,})."
    return [Picture(course(found.course, words), "Errors open by day"), Words(words)]


def _by_rule(visit: Visit, found: Overview) -> Table:
    return Table(
        "Problems by rule",
        ("Rule", "What is wrong", "Kind", "Open", "Children", "New", "Before", "Fixed", "Oldest since"),
        tuple(_row(visit, found.feed, each) for each in found.rules),
        empty="The rules find nothing wrong. There is nothing to put right.",
    )


def _row(visit: Visit, feed: Feed, each: OfRule) -> tuple[Cell, ...]:
    numbers = (f"{number:,}" for number in (each.open, each.children, each.new, each.old, each.fixed))
    return (
        rule_link(feed, each.rule),
        each.rule.message,
        grade_tag(each.grade),
        *numbers,
        since(each.oldest, visit.now),
    )


def _whole(found: Overview) -> Table:
    return Table(
        "About your council as a whole",
        ("Rule", "What is unusual", "What to do"),
        tuple((about_rule(each), each.message, each.mend) for each in found.whole),
        empty="Nothing is unusual in your numbers as a whole.",
    )


def find(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Find a child by the council's own id, and go to its record under its opaque key."""
    filled = read(FIND, sent)
    if filled.problems:
        return _front(visit, feed, filled)
    try:
        key = find_child(visit.store, visit.by, feed, filled.one("child"), visit.now)
    except (Missing, Invalid) as error:
        return _front(visit, feed, wrong(filled, str(error), "child"))
    return Redirect(to=f"{at(feed, CHILDREN)}/{key}")


PAGES = (*of_feed("", show=show), *of_feed(FOUND, do=find))
