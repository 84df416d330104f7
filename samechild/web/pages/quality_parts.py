"""What the pages of a council's data quality share: their places, how bad a problem is, and how old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from samechild.collection.records import Feed
from samechild.collection.rules.rule import Rule
from samechild.web.blocks import Cell, Link, Points, Tag, Views, day
from samechild.web.pages.quality_feed import RULES, at

PROBLEMS, CHILDREN, WORKERS, RECEIVED, COHORT = "/problems", "/children", "/workers", "/received", "/no-longer-sent"
"""Places among the pages of a feed."""

_VIEWS = (
    ("By rule", ""),
    ("All problems", PROBLEMS),
    ("By child", CHILDREN),
    ("By worker and team", WORKERS),
    ("Received by day", RECEIVED),
    ("No longer sent", COHORT),
)
_GRADES = {
    "error": Tag("error", "red"),
    "query": Tag("query", "yellow"),
    "info": Tag("information", "blue"),
    "reject": Tag("not taken", "purple"),
}
GRADE_WORDS = {
    "error": "Errors: put right where they are kept",
    "query": "Queries: check, and put right what is wrong",
    "info": "Information",
}


def views(feed: Feed, here: str | None) -> Views:
    """The pages of a feed, beside each other; ``here`` is the place of the one that is open, None of one below."""
    links = tuple(Link(words, at(feed, place)) for words, place in _VIEWS)
    return Views("Data quality", (*links, Link("What the rules say", RULES)), "" if here is None else at(feed, here))


def grade_tag(grade: str) -> Tag:
    """How bad a problem is."""
    return _GRADES.get(grade, Tag(grade))


def rule_link(feed: Feed, rule: Rule) -> Link:
    """A rule's code, which leads to the problems that it found."""
    return Link(rule.code, f"{at(feed, PROBLEMS)}?rule={rule.code}", "show its problems", whole=True)


def about_rule(rule: Rule) -> Link:
    """A rule's code, which leads to what the rule says."""
    return Link(rule.code, f"{RULES}/{rule.code}", whole=True)


def child_link(feed: Feed, record_key: str, la_child_id: str) -> Link:
    """A council's own id of a child, which leads to its record."""
    return Link(la_child_id, f"{at(feed, CHILDREN)}/{record_key}", whole=True)


def since(moment: datetime | None, now: datetime) -> str:
    """Since when, and for how many days."""
    if moment is None:
        return ""
    days = (now.date() - moment.date()).days
    return day(moment) + (f" ({days} days)" if days > 1 else "")


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def pages(address: str, page: int, of: int) -> list[Points]:
    """The way to the page before and after; ``address`` ends where the number of the page follows."""
    if of < 2:
        return []
    links: list[Cell] = []
    if page > 1:
        links.append(Link(f"Previous page ({page - 1} of {of})", f"{address}{page - 1}"))
    if page < of:
        links.append(Link(f"Next page ({page + 1} of {of})", f"{address}{page + 1}"))
    return [Points(tuple(links))]


def number_in(asked: str) -> int:
    """The number of a page in an address; the first one when it is none."""
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1


def some(items: Sequence[str], most: int = 3) -> str:
    """The first of some words, and how many more there are."""
    more = len(items) - most
    return "; ".join(items[:most]) + (f"; and {more} more" if more > 0 else "")
