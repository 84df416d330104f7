"""Which feed am I looking at: the records a council sends, or what it tries out in its sandbox.

Every page of data quality is declared once and stands at two addresses, one for each feed; the feed is all that
differs. The address says which, so that no tab can show one and a form of it change the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec

from msgspec.structs import replace

from samechild.collection.credentials import own_feeds
from samechild.collection.records import Feed
from samechild.web.blocks import Answer, Block, Link, Points, Sheet, Views, Warn, Words
from samechild.web.menu import VIEWERS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

PART = "/quality"
SANDBOX = f"{PART}/sandbox"
RULES = "/rules"
MARK = Warn("Sandbox: made-up or trial records. They are treated as live ones are, and count for nothing.")
"""Stands on everything that shows something of a sandbox."""

P = ParamSpec("P")


def at(feed: Feed, place: str = "") -> str:
    """The address of a place among the pages of a feed."""
    return (SANDBOX if feed.sandbox else PART) + place


def file_name(feed: Feed, name: str) -> str:
    """The name of a file to keep, which says when it comes from a sandbox."""
    return f"sandbox-{name}" if feed.sandbox else name


def of_feed(
    place: str,
    *,
    show: Callable[[Visit, Feed], Answer] | None = None,
    do: Callable[[Visit, Feed, Sent], Answer] | None = None,
    files: int = 0,
) -> tuple[Page, Page]:
    """A page of the records that a council sends, and the same page of its sandbox.

    Only the council's own people in the role that has this view come here; each is told of their own council's feed.
    """
    switch = place if show is not None and "{" not in place else ""

    def page(part: str, *, sandbox: bool) -> Page:
        return Page(
            path=part + place,
            who=VIEWERS,
            show=None if show is None else _for(show, switch, sandbox=sandbox),
            do=None if do is None else _for(do, switch, sandbox=sandbox),
            part=PART,
            files=files,
        )

    return page(PART, sandbox=False), page(SANDBOX, sandbox=True)


def _for(
    page: Callable[Concatenate[Visit, Feed, P], Answer], place: str, *, sandbox: bool
) -> Callable[Concatenate[Visit, P], Answer]:
    """A page with the feed to be looked at; who has none is told so."""

    def answer(visit: Visit, /, *more: P.args, **named: P.kwargs) -> Answer:
        feeds = own_feeds(visit.store, visit.by)
        feed = next((each for each in feeds if each.sandbox is sandbox), None)
        found = _nothing(sandbox=sandbox) if feed is None else page(visit, feed, *more, **named)
        if not isinstance(found, Sheet):
            return found
        above: list[Block] = [_switch(feeds, place, sandbox=sandbox)] if any(each.sandbox for each in feeds) else []
        if feed is not None and feed.sandbox:
            above.append(MARK)
            found = replace(found, title=f"{found.title} (sandbox)")
        return replace(found, blocks=(*above, *found.blocks))

    return answer


def _nothing(*, sandbox: bool) -> Sheet:
    what = "has no sandbox here" if sandbox else "does not send children's social care records here"
    words = Words(f"Your organisation {what}, so there is nothing to show.")
    return Sheet(title="Data quality", blocks=(words, Points((Link("What the rules say", RULES),))))


def _switch(feeds: Sequence[Feed], place: str, *, sandbox: bool) -> Views:
    """The way to the same page of the other feed."""
    both = (("Live records", PART + place), ("Sandbox", SANDBOX + place))
    links = tuple(Link(words, to) for words, to in both if to.startswith(SANDBOX) or not all(f.sandbox for f in feeds))
    return Views("Which records", links, both[sandbox][1])
