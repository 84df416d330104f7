"""Taking part in the daily collection: whether something may be sent now, what became of a request, who looked."""

from __future__ import annotations

from samechild.collection.beyond import CATEGORIES
from samechild.collection.credentials import own_feeds
from samechild.collection.feeds import agreed, feed_of
from samechild.collection.reading.opening import Sent as Asked
from samechild.collection.reading.opening import request
from samechild.collection.records import Child, Episode, Feed, declared
from samechild.errors import Invalid, Missing, Refused
from samechild.policy.looked import looked_at, totals
from samechild.policy.purposes import purposes
from samechild.policy.roles import roles
from samechild.records.types import record_types
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Heading,
    Link,
    Points,
    Questions,
    Sheet,
    Summary,
    Table,
    Tag,
    Words,
    day,
    moment,
)
from samechild.web.forms import Field, Filled, Form, blank, read, wrong
from samechild.web.menu import OFFICERS, REVIEWERS
from samechild.web.pages.collection_parts import (
    COUNCIL,
    EVERY_ROLE,
    LINKS,
    LOOK_AFTER,
    LOOKED,
    NOT_HERE,
    PART,
    REQUESTS,
    views,
)
from samechild.web.pages.quality_feed import MARK
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names, title

FIND = Form(
    button="Find",
    fields=(
        Field(
            name="request",
            label="Id of the request",
            longest=100,
            hint="It stands in the header x-request-id of each of our answers, and in your client's log.",
        ),
    ),
)
PAGE_LENGTH = 50
_LONG_IDS = "Up to 36 characters with _ and -, as before version 1.0.1. Ask to end this when your system is newer"
_TITLES = {name: each.title for kind in (Child, Episode) for name, each in declared(kind).items()}


def front(visit: Visit) -> Answer:
    """Whether something may be sent now, and the pages of this part."""
    feeds = own_feeds(visit.store, visit.by)
    blocks: list[Block] = [views(visit, PART)]
    for feed in feeds:
        blocks += [Heading("The sandbox, for trying out" if feed.sandbox else "Your feed"), _terms(visit, feed)]
    if not feeds:
        blocks.append(Words(NOT_HERE))
    rows = tuple((link, words) for link, who, words in LINKS[1:] if visit.by.role in who)
    blocks.append(Table("Pages of the daily collection", ("Page", "What for"), rows))
    return Sheet(title="Daily collection", blocks=tuple(blocks), wide=True)


def state_of(visit: Visit, feed: Feed) -> tuple[Tag, str]:
    """Whether something may be sent for a feed now, or why not."""
    try:
        agreement = agreed(visit.store, feed_of(visit.store, feed.authority, feed.sandbox, visit.now), visit.now)
    except (Refused, Missing) as error:
        return Tag("nothing is taken", "red"), str(error)
    return Tag("open", "green"), f"Until {day(agreement.ends)}, under version {agreement.version} of the agreement."


def _terms(visit: Visit, feed: Feed) -> Summary:
    tag, why = state_of(visit, feed)
    left_out = [_TITLES[name] for name in CATEGORIES if name not in feed.categories]
    sections = "All sections" if not left_out else f"All but: {', '.join(left_out)}"
    rows: list[tuple[str, Cell]] = [
        ("State", tag),
        ("Why", why),
        ("Authority", feed.authority),
        ("What may be sent", sections),
        ("History window", f"{feed.months} months, then back to 1 April"),
        ("Children's ids", _LONG_IDS if feed.long_ids else "As the specification says: 20 letters and digits at most"),
        ("Agreement", Link("Read the agreement", f"/agreements/{feed.agreement}", f"of feed {feed.feed}")),
    ]
    return Summary(tuple(rows))


# --- one request ------------------------------------------------------------------------------------------------------


def ask(visit: Visit) -> Answer:
    """Ask for the id of a request."""
    return _ask(visit, blank(FIND))


def _ask(visit: Visit, filled: Filled) -> Sheet:
    return Sheet(
        title="Find a request",
        blocks=(views(visit, REQUESTS), Questions(filled, REQUESTS)),
        status=400 if filled.problems else 200,
        wide=True,
    )


def find(visit: Visit, sent: Sent) -> Answer:
    """What became of a request."""
    filled = read(FIND, sent)
    if filled.problems:
        return _ask(visit, filled)
    found: list[tuple[Feed, Asked]] = []
    for feed in own_feeds(visit.store, visit.by):
        try:
            found += [(feed, each) for each in request(visit.store, visit.by, feed, filled.one("request"))]
        except Missing:
            continue
    if not found:
        return _ask(visit, wrong(filled, "No request of your organisation came under that id", "request"))
    blocks: list[Block] = [views(visit, REQUESTS)]
    for feed, each in found:
        blocks += [MARK, *_told(feed, each)] if feed.sandbox else _told(feed, each)
    return Sheet(title="One request", blocks=tuple(blocks), back=Link("Find another request", REQUESTS), wide=True)


def _told(feed: Feed, each: Asked) -> list[Block]:
    taken = each.records - each.refused if each.state != "refused" else 0
    rows: list[tuple[str, Cell]] = [
        ("Feed", feed.feed),
        ("Received", moment(each.received_at)),
        ("Answer", f"Status {each.status}, after {each.milliseconds:,} milliseconds"),
        ("Size", f"{each.bytes:,} bytes, {each.records:,} records"),
        ("Taken", f"{taken:,}, of which {each.changed:,} said something new and {each.unchanged:,} did not"),
        ("Not taken", f"{each.refused:,}"),
        ("State", "Worked off" if each.state == "done" else "Being worked off"),
    ]
    faults = tuple(
        (
            str(fault.position) if fault.position >= 0 else "The whole",
            fault.rule,
            fault.place or "The record",
            fault.words,
        )
        for fault in each.faults
    )
    head = ("Position in the request, from 0", "Rule", "Where", "What to do")
    return [Summary(tuple(rows)), Table("Why records were not taken", head, faults, empty="Every record was taken.")]


# --- who looked -------------------------------------------------------------------------------------------------------


def looked(visit: Visit) -> Answer:
    """What the department looked at of the council's records, when and why."""
    asked = visit.asked.get("before", "")
    if asked and not (asked.isascii() and asked.isdigit() and len(asked) < 16):
        raise Invalid("The number of an entry is a whole number.")
    found = looked_at(visit.store, visit.by, int(asked) if asked else None, PAGE_LENGTH)
    names = organisation_names(visit.store)
    by_purpose = tuple(
        (title(purposes(), each.purpose), f"{each.looks:,}", f"{each.asked:,}") for each in totals(found)
    )
    rows = tuple(
        (
            Link(str(each.entry), f"/ledger/entries/{each.entry}") if visit.by.role in OFFICERS else str(each.entry),
            moment(each.at),
            f"{names.get(each.organisation, NOBODY_KNOWS)}: {title(roles(), each.role)}",
            title(purposes(), each.purpose),
            title(record_types(), each.record_type) + (" (counts)" if each.mode == "existence" else ""),
            f"{each.asked:,}" if each.asked else "None by name",
        )
        for each in found
    )
    blocks: list[Block] = [
        views(visit, LOOKED),
        Words(
            "The Department for Education may look at what you send for a closed list of purposes only: research, "
            "evaluation, and developing the collection. Each time stands in the ledger before anything is read.",
            lead=True,
        ),
        Points((Link("What is shared, and why", "/purposes"), Link("Raise a concern", "/collection/concerns"))),
        Table("By purpose, in this list", ("Purpose", "Times", "Records asked for"), by_purpose, empty="None."),
        Table(
            "Each time, the newest first",
            ("Entry", "When", "Who", "What for", "Which records", "Records"),
            rows,
            empty="The department has not looked at your records.",
        ),
    ]
    if len(found) == PAGE_LENGTH:
        blocks.append(Points((Link("Earlier", f"{LOOKED}?before={found[-1].entry}"),)))
    return Sheet(title="What the department looked at", blocks=tuple(blocks), wide=True)


PAGES = (
    Page(path=PART, who=EVERY_ROLE, show=front, part=PART),
    Page(path=REQUESTS, who=COUNCIL, show=ask, do=find, part=PART),
    Page(path=LOOKED, who=LOOK_AFTER | REVIEWERS, show=looked, part=PART),
)
