"""Whom we hold that the council no longer sends, and whom it expects that we do not hold: so that nothing goes stale.

Councils' systems hardly ever say that a whole child is to be erased. A list that a council gives is compared in memory
and not kept.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from samechild.collection.reading.received import (
    MOST_IN_FILE,
    Cohort,
    Compared,
    cohort,
    cohort_file,
    compare,
    read_ids,
)
from samechild.collection.records import Feed
from samechild.errors import Invalid
from samechild.web.blocks import (
    Answer,
    Block,
    Heading,
    Inset,
    Points,
    Pre,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Table,
    Words,
    day,
)
from samechild.web.downloads import AS_FILE, as_file
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.pages.quality_feed import at, file_name, of_feed
from samechild.web.pages.quality_parts import COHORT, child_link, counted, number_in, pages, views
from samechild.web.routes import Sent
from samechild.web.visits import Visit

EXPECTED, FILE = f"{COHORT}/expected", f"{COHORT}/download"
LONGEST_LIST = 4 * 1024 * 1024
"""Bytes of a form with a list: some 300,000 ids."""

DAYS = {"7": "7 days", "30": "30 days", "90": "90 days"}
SINCE = Form(
    button="Show",
    fields=(
        Field(
            name="days",
            label="Not sent for how long?",
            kind="select",
            needed=False,
            choices=tuple(Choice(value, words) for value, words in DAYS.items()),
            hint="Leave it empty to compare with the last day on which you sent nearly everybody.",
        ),
    ),
)
LIST = Form(
    button="Compare",
    fields=(
        Field(
            name="file",
            label="A CSV file of your own ids",
            kind="file",
            needed=False,
            longest=LONGEST_LIST,
            hint="With the ids in the first column, as you send them. At most 3 MB.",
        ),
        Field(
            name="ids",
            label="Or paste the ids",
            kind="lines",
            needed=False,
            longest=3_000_000,
            hint="One id in each line.",
        ),
        Field(
            name="as",
            label="How do you want the answer?",
            kind="choice",
            choices=(Choice("page", "On the next page"), Choice("xlsx", "Excel workbook"), Choice("csv", "CSV")),
            missing="Say how you want the answer",
        ),
    ),
)
PURGE = '[{"la_child_id": "YOUR-ID", "purge": true}]'


def show(visit: Visit, feed: Feed) -> Answer:
    """Who is no longer sent."""
    return _sheet(visit, feed, _days_in(visit.asked.get("days", "")), blank(AS_FILE), blank(LIST, **{"as": "page"}))


def _days_in(text: str) -> int:
    return int(text) if text in DAYS else 0


def _sheet(visit: Visit, feed: Feed, days: int, keeping: Filled, listing: Filled) -> Sheet:
    found = cohort(visit.store, visit.by, feed, number_in(visit.asked.get("page", "")), visit.now, days)
    blocks: list[Block] = [views(feed, COHORT), Words(_lead(found, days), lead=True)]
    if found.full is None and not days:
        blocks.append(
            Inset(
                "You send only what changed, so not being sent says nothing by itself. Compare with a list of your "
                "own below, or send everybody once."
            )
        )
    blocks.append(
        Questions(blank(SINCE, days=str(days) if days else ""), at(feed, COHORT), folded="Choose for how long")
    )
    if found.unseen:
        blocks += [*_lists(feed, found, days), *_purging(), *_download(feed, found, days, keeping)]
    blocks += [
        Heading("Compare with the children you expect"),
        Words("Your list is compared and thrown away. It is not kept."),
        Questions(listing, at(feed, EXPECTED)),
    ]
    wrong_here = bool(keeping.problems or listing.problems)
    return Sheet(title="Children no longer sent", blocks=tuple(blocks), wide=True, status=400 if wrong_here else 200)


def _lead(found: Cohort, days: int) -> str:
    them, held = counted(found.unseen, "child", "children"), f"{found.held:,}"
    if days:
        return f"Of the {held} children we hold, {them} were not sent in the last {days} days."
    if found.full is None:
        return f"We hold {counted(found.held, 'child', 'children')} of yours."
    return f"Of the {held} children we hold, {them} were not among those you sent on {day(found.full)}."


def _lists(feed: Feed, found: Cohort, days: int) -> list[Block]:
    address = f"{at(feed, COHORT)}?{f'days={days}&' if days else ''}page="
    return [
        Table(
            "Last sent on",
            ("Day", "Children"),
            tuple((day(date.fromisoformat(name)), f"{number:,}") for name, number in found.by_day[-14:]),
        ),
        Table(
            "Who they are, those longest not sent first",
            ("Child", "Last sent", "First sent"),
            tuple(
                (child_link(feed, each.record_key, each.la_child_id), day(each.seen), day(each.first))
                for each in found.lines
            ),
        ),
        *pages(address, found.page, found.pages),
    ]


def _purging() -> list[Block]:
    return [
        Heading("What to do"),
        Points(
            (
                "Look the child up in your own system first: it may have grown out of what you send, and then nothing "
                "is to be done.",
                "If the record should not be here, send the child with purge set to true, as below. Everything you "
                "sent of the child is erased for good, in backups as well.",
                "If the child should be here, find out why it is no longer sent.",
            )
        ),
        Pre(PURGE, "A request that erases a child"),
    ]


def _download(feed: Feed, found: Cohort, days: int, keeping: Filled) -> list[Block]:
    most = f" It holds the first {MOST_IN_FILE:,}." if found.unseen > MOST_IN_FILE else ""
    return [
        Heading("Download"),
        Words("The file holds your own children's ids: keep it safe." + most),
        Questions(keeping, at(feed, FILE), (("days", str(days)),)),
    ]


def choose(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Take the number of days into the address."""
    days = _days_in(read(SINCE, sent).one("days"))
    return Redirect(to=at(feed, COHORT) + (f"?days={days}" if days else ""))


def keep(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Give the list as a file."""
    filled, days = read(AS_FILE, sent), _days_in((sent.get("days") or [""])[0])
    if filled.problems:
        return _sheet(visit, feed, days, filled, blank(LIST, **{"as": "page"}))
    table = cohort_file(visit.store, visit.by, feed, visit.now, days)
    return as_file(
        table, filled.one("format"), file_name(feed, f"no-longer-sent-{visit.now:%Y-%m-%d}"), "No longer sent"
    )


def expected(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Compare a list of the council's own with whom we hold."""
    filled = read(LIST, sent)
    text = filled.one("file") or filled.one("ids")
    if not filled.problems and not text:
        filled = wrong(filled, "Choose a file, or paste the ids", "file")
    try:
        ids = read_ids(text) if text and not filled.problems else []
    except Invalid as error:
        filled = wrong(filled, str(error), "file" if filled.one("file") else "ids")
    if filled.problems:
        again = blank(LIST, **{"as": filled.one("as") or "page"})
        listing = Filled(form=again.form, answers=again.answers, problems=filled.problems)
        return _sheet(visit, feed, 0, blank(AS_FILE), listing)
    kind = filled.one("as")
    if kind == "page":
        return _compared(feed, compare(visit.store, visit.by, feed, ids, visit.now))
    found = compare(visit.store, visit.by, feed, ids, visit.now, MOST_IN_FILE)
    return as_file(_as_table(found), kind, file_name(feed, f"compared-{visit.now:%Y-%m-%d}"), "Compared")


def _as_table(found: Compared) -> pa.Table:
    rows = [(each, "on your list and not held here") for each in found.not_held]
    rows += [(name, "held here and not on your list") for _, name in found.not_listed]
    return pa.table(
        {
            "Child id": pa.array([name for name, _ in rows], pa.string()),
            "What differs": pa.array([words for _, words in rows], pa.string()),
        }
    )


def _compared(feed: Feed, found: Compared) -> Sheet:
    most = 50
    return Sheet(
        title="Your list beside whom we hold",
        blocks=(
            views(feed, None),
            Summary(
                (
                    ("Ids on your list", f"{found.given:,}"),
                    ("Held here as well", f"{found.both:,}"),
                    ("On your list and not held here", f"{len(found.not_held):,}"),
                    ("Held here and not on your list", f"{found.not_listed_count:,}"),
                )
            ),
            Table(
                "On your list and not held here" + (f": the first {most}" if len(found.not_held) > most else ""),
                ("Child",),
                tuple((each,) for each in found.not_held[:most]),
                empty="Everybody on your list is held here.",
            ),
            Table(
                "Held here and not on your list" + (f": {most} of them" if found.not_listed_count > most else ""),
                ("Child",),
                tuple((child_link(feed, key, name),) for key, name in found.not_listed),
                empty="Everybody held here is on your list.",
            ),
            *(_purging() if found.not_listed else ()),
            Inset("Your list was not kept."),
        ),
        back=None,
        wide=True,
    )


PAGES = (
    *of_feed(COHORT, show=show, do=choose),
    *of_feed(FILE, do=keep),
    *of_feed(EXPECTED, do=expected, files=LONGEST_LIST),
)
