"""What the pages of a council's data quality share: their places, how bad a problem is, and how old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from samechild.collection.reading import sends
from samechild.collection.rules.rule import Rule
from samechild.web.blocks import Answer, Cell, Link, Points, Sheet, Tag, Views, Words, day
from samechild.web.routes import Show
from samechild.web.visits import Visit

PART = "/quality"
PROBLEMS, CHILDREN, WORKERS = f"{PART}/problems", f"{PART}/children", f"{PART}/workers"
RECEIVED, COHORT, RULES = f"{PART}/received", f"{PART}/no-longer-sent", "/rules"

_LINKS = (
    Link("By rule", PART),
    Link("All problems", PROBLEMS),
    Link("By child", CHILDREN),
    Link("By worker and team", WORKERS),
    Link("Received by day", RECEIVED),
    Link("No longer sent", COHORT),
    Link("What the rules say", RULES),
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


def for_senders(show: Show) -> Show:
    """A page for the people of a council that sends records; others are told that theirs does not."""

    def shown(visit: Visit) -> Answer:
        if sends(visit.store, visit.by):
            return show(visit)
        words = "Your organisation does not send children's social care records here, so there is nothing to show."
        return Sheet(title="Data quality", blocks=(Words(words), Points((Link("What the rules say", RULES),))))

    return shown


def views(here: str) -> Views:
    """The pages of this part, beside each other."""
    return Views("Data quality", _LINKS, here)


def grade_tag(grade: str) -> Tag:
    """How bad a problem is."""
    return _GRADES.get(grade, Tag(grade))


def rule_link(rule: Rule) -> Link:
    """A rule's code, which leads to the problems that it found."""
    return Link(rule.code, f"{PROBLEMS}?rule={rule.code}", "show its problems", whole=True)


def about_rule(rule: Rule) -> Link:
    """A rule's code, which leads to what the rule says."""
    return Link(rule.code, f"{RULES}/{rule.code}", whole=True)


def child_link(record_key: str, la_child_id: str) -> Link:
    """A council's own id of a child, which leads to its record."""
    return Link(la_child_id, f"{CHILDREN}/{record_key}", whole=True)


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
