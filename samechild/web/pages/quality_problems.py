"""The list of problems to work through: filtered, page by page, and as a file.

What is picked stands in the address as codes and tokens. The ids of children and workers stand in the list alone.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import msgspec

from samechild.collection.reading.issues import MOST_IN_FILE, NEW, SHOWN, Line, Listed, file_of, listed
from samechild.collection.reading.one import FIXED
from samechild.collection.reading.store import Wanted
from samechild.collection.reading.teams import workers_in
from samechild.collection.records import Feed
from samechild.collection.rules.catalogue import by_code
from samechild.web.blocks import (
    Answer,
    Block,
    Cell,
    Heading,
    Link,
    Points,
    Questions,
    Redirect,
    Sheet,
    Table,
    Tag,
    Words,
)
from samechild.web.downloads import AS_FILE, as_file
from samechild.web.forms import Choice, Field, Filled, Form, blank, read
from samechild.web.pages.quality_feed import at, file_name, of_feed
from samechild.web.pages.quality_parts import (
    GRADE_WORDS,
    PROBLEMS,
    about_rule,
    child_link,
    counted,
    grade_tag,
    number_in,
    pages,
    since,
    views,
)
from samechild.web.routes import Sent
from samechild.web.visits import Visit

FILE = f"{PROBLEMS}/download"
STATES = {
    "open": "Open",
    "new": "New since yesterday",
    "old": "Open and there before",
    "fixed": "Fixed in the last seven days",
    "all": "All of these",
}
AGES = {"7": "More than a week", "30": "More than 30 days", "90": "More than 90 days"}
_NAMES = ("state", "grade", "rule", "age", "worker", "team")
_TOKEN = frozenset("0123456789abcdef")


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """What is picked, by name, as it stands in the address; what cannot be read is left out."""

    state: str = "open"
    grade: str = ""
    rule: str = ""
    age: str = ""
    worker: str = ""
    team: str = ""

    def address(self, feed: Feed, **changed: str) -> str:
        """The address of the list with this picked."""
        values = {**msgspec.structs.asdict(self), **changed}
        said = {name: value for name, value in values.items() if value and (name, value) != ("state", "open")}
        return at(feed, PROBLEMS) + (f"?{urlencode(said)}" if said else "")


def picked_of(given: dict[str, str]) -> Picked:
    """Read what is picked."""
    state, grade, rule, age = (given.get(name, "") for name in ("state", "grade", "rule", "age"))
    worker, team = (given.get(name, "") for name in ("worker", "team"))
    return Picked(
        state=state if state in STATES else "open",
        grade=grade if grade in GRADE_WORDS else "",
        rule=rule if rule in by_code() else "",
        age=age if age in AGES else "",
        worker=worker if len(worker) <= 64 and set(worker) <= _TOKEN else "",
        team=team if len(team) <= 64 and set(team) <= _TOKEN else "",
    )


def wanted_of(visit: Visit, feed: Feed, picked: Picked) -> Wanted:
    """What is picked, as the query takes it."""
    workers: tuple[str, ...] | None = (picked.worker,) if picked.worker else None
    if picked.team:
        workers = workers_in(visit.store, feed.owner, picked.team)
    return Wanted(
        state=picked.state,
        rule=picked.rule,
        grade=picked.grade,
        workers=workers,
        before=visit.now - timedelta(days=int(picked.age)) if picked.age else None,
        since=visit.now - (FIXED if picked.state in ("fixed", "all") else NEW),
    )


def show(visit: Visit, feed: Feed) -> Answer:
    """The list."""
    return _listed(visit, feed, picked_of(dict(visit.asked)), number_in(visit.asked.get("page", "")), blank(AS_FILE))


def _listed(visit: Visit, feed: Feed, picked: Picked, page: int, keeping: Filled) -> Sheet:
    found = listed(visit.store, visit.by, feed, wanted_of(visit, feed, picked), page, visit.now)
    address = picked.address(feed)
    join = "&" if "?" in address else "?"
    blocks: list[Block] = [views(feed, PROBLEMS), *_picked_words(feed, picked)]
    blocks += [
        Words(
            f"{counted(found.problems, 'problem', 'problems')} of {counted(found.children, 'child', 'children')}.",
            lead=True,
        ),
        Questions(_filter(found, picked), at(feed, PROBLEMS), folded="Choose which problems to show"),
        _table(visit, feed, found),
        *pages(f"{address}{join}page=", found.page, found.pages),
        Words(
            "Opening this list is recorded. A child whose identity is sealed after an adoption is counted and not "
            "listed: your custodian of adoption records sees to it."
        ),
        Heading("Download"),
        *_download(feed, found, picked, keeping),
    ]
    title = picked.rule or "Problems to put right"
    return Sheet(title=title, blocks=tuple(blocks), wide=True, status=400 if keeping.problems else 200)


def _picked_words(feed: Feed, picked: Picked) -> list[Block]:
    """What is picked, in words, each with a way to drop it."""
    found: list[Cell] = []
    if picked.state != "open":
        found.append(Link(f"{STATES[picked.state]} (show open ones)", picked.address(feed, state="")))
    if picked.grade:
        found.append(Link(f"{GRADE_WORDS[picked.grade]} (show all kinds)", picked.address(feed, grade="")))
    if picked.rule:
        found.append(f"{picked.rule}: {by_code()[picked.rule].message}. {by_code()[picked.rule].mend}")
        found.append(Link("Show all rules", picked.address(feed, rule="")))
    if picked.age:
        found.append(Link(f"{AGES[picked.age]} old (show all ages)", picked.address(feed, age="")))
    if picked.worker or picked.team:
        found.append(Link("One worker or team (show everybody's)", picked.address(feed, worker="", team="")))
    return [Points(tuple(found))] if found else []


def _filter(found: Listed, picked: Picked) -> Filled:
    form = _filter_form(tuple(rule.code for rule in found.rules))
    values = {name: getattr(picked, name) for name in _NAMES}
    return blank(form, **values)


def _filter_form(codes: tuple[str, ...]) -> Form:
    def pick(name: str, label: str, choices: dict[str, str]) -> Field:
        made = tuple(Choice(value, words) for value, words in choices.items())
        return Field(name=name, label=label, kind="select", needed=False, choices=made)

    rules = {code: f"{code}: {by_code()[code].message}" for code in sorted(codes) if code in by_code()}
    return Form(
        button="Show",
        fields=(
            pick("state", "Which?", STATES),
            pick("grade", "How bad?", GRADE_WORDS),
            pick("rule", "Which rule?", rules),
            pick("age", "How long open?", AGES),
        ),
    )


def choose(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Take what was picked into the address."""
    filled = read(_filter_form(tuple(by_code())), sent)
    return Redirect(to=picked_of({name: filled.one(name) for name in _NAMES}).address(feed))


def _table(visit: Visit, feed: Feed, found: Listed) -> Table:
    return Table(
        f"Problems {(found.page - 1) * SHOWN + 1:,} to {(found.page - 1) * SHOWN + len(found.lines):,}",
        ("Child", "Rule", "What is wrong", "Kind", "Worker", "Team", "Since", "State"),
        tuple(_row(visit, feed, line) for line in found.lines),
        empty="There are no problems of this kind.",
    )


def _row(visit: Visit, feed: Feed, line: Line) -> tuple[Cell, ...]:
    state = Tag("fixed", "green") if line.until else Tag("new", "purple") if line.new else Tag("open", "grey")
    return (
        child_link(feed, line.record_key, line.la_child_id),
        about_rule(line.rule),
        line.rule.message,
        grade_tag(line.grade),
        line.worker,
        line.team,
        since(line.since, visit.now),
        state,
    )


def _download(feed: Feed, found: Listed, picked: Picked, keeping: Filled) -> list[Block]:
    most = f" The first {MOST_IN_FILE:,} of them." if found.problems > MOST_IN_FILE else ""
    words = "The file holds your own children's ids and where in their records to look: keep it safe." + most
    hidden = tuple((name, getattr(picked, name)) for name in _NAMES)
    return [Words(words), Questions(keeping, at(feed, FILE), hidden)] if found.problems else []


def keep(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Give the list as a file."""
    filled = read(AS_FILE, sent)
    picked = picked_of({name: (sent.get(name) or [""])[0] for name in _NAMES})
    if filled.problems:
        return _listed(visit, feed, picked, 1, filled)
    table, _ = file_of(visit.store, visit.by, feed, wanted_of(visit, feed, picked), visit.now)
    return as_file(table, filled.one("format"), file_name(feed, f"problems-{visit.now:%Y-%m-%d}"), "Problems")


PAGES = (*of_feed(PROBLEMS, show=show, do=choose), *of_feed(FILE, do=keep))
