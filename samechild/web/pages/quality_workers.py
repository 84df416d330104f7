"""Problems by worker and team, for the council's own eyes: so that whoever entered something can put it right.

The council itself says which worker is in which team. These counts say how much there is to put right; how somebody
works is not measured by them.
"""

from __future__ import annotations

from samechild.collection.reading.issues import Tally, by_team, by_worker
from samechild.collection.reading.teams import keep_teams, team_token
from samechild.collection.records import Feed
from samechild.errors import Invalid
from samechild.web.blocks import Answer, Block, Cell, Heading, Inset, Link, Questions, Redirect, Sheet, Table, Words
from samechild.web.forms import Field, Filled, Form, blank, read, wrong
from samechild.web.pages.quality_feed import at, of_feed
from samechild.web.pages.quality_parts import PROBLEMS, WORKERS, since, views
from samechild.web.routes import Sent
from samechild.web.visits import Visit

TEAMS = Form(
    button="Keep this list",
    fields=(
        Field(
            name="teams",
            label="Workers and teams",
            kind="lines",
            missing="Give at least one worker and team",
            longest=40_000,
            hint=(
                "One worker in each line: the worker's id as you send it, a comma, the team. You can copy both columns "
                "from a spreadsheet. It takes the place of the list before."
            ),
        ),
    ),
)


def show(visit: Visit, feed: Feed) -> Answer:
    """Problems by team and worker."""
    return _sheet(visit, feed, blank(TEAMS))


def _sheet(visit: Visit, feed: Feed, asking: Filled) -> Sheet:
    workers = by_worker(visit.store, visit.by, feed, visit.now)
    named = [each for each in workers if each.team]
    blocks: list[Block] = [
        views(feed, WORKERS),
        Words("Open problems by the worker who has the child's open episode now.", lead=True),
        Inset(
            "For putting records right. It says nothing about how well somebody works, and may not be used for that."
        ),
    ]
    if named:
        links = {
            each.team: f"{at(feed, PROBLEMS)}?team={team_token(visit.store, feed.owner, each.team)}" for each in named
        }
        blocks.append(_table("By team", "Team", [_team_row(visit, each, links) for each in by_team(workers)]))
    blocks += [
        _table("By worker", "Worker", [_worker_row(visit, feed, each) for each in workers], "Team"),
        Heading("Which worker is in which team"),
        Words("What you send does not name teams. Give the list here; only your own people see it."),
        Questions(asking, at(feed, WORKERS)),
    ]
    return Sheet(
        title="Problems by worker and team", blocks=tuple(blocks), wide=True, status=400 if asking.problems else 200
    )


def _table(caption: str, first: str, rows: list[tuple[Cell, ...]], *more: str) -> Table:
    head = (first, *more, "Errors", "Queries", "Children", "Oldest since")
    return Table(caption, head, tuple(rows), empty="There are no open problems.")


def _team_row(visit: Visit, each: Tally, links: dict[str, str]) -> tuple[Cell, ...]:
    first: Cell = Link(each.words, links[each.words], "show its problems") if each.words else "No team is known"
    return (first, *_numbers(visit, each))


def _worker_row(visit: Visit, feed: Feed, each: Tally) -> tuple[Cell, ...]:
    if not each.name:
        return ("No worker is known", "", *_numbers(visit, each))
    words = each.words or "A worker whose id is not shown"
    return (
        Link(words, f"{at(feed, PROBLEMS)}?worker={each.name}", "show the problems"),
        each.team,
        *_numbers(visit, each),
    )


def _numbers(visit: Visit, each: Tally) -> tuple[Cell, ...]:
    return f"{each.errors:,}", f"{each.queries:,}", f"{each.children:,}", since(each.oldest, visit.now)


def keep(visit: Visit, feed: Feed, sent: Sent) -> Answer:
    """Keep the council's list of workers and teams."""
    filled = read(TEAMS, sent)
    if filled.problems:
        return _sheet(visit, feed, filled)
    try:
        keep_teams(visit.store, visit.by, feed, filled.one("teams"), visit.now, visit.shell.random)
    except Invalid as error:
        return _sheet(visit, feed, wrong(filled, str(error), "teams"))
    return Redirect(to=f"{at(feed, WORKERS)}?done=changed")


PAGES = of_feed(WORKERS, show=show, do=keep)
