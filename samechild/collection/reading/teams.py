"""Which worker is in which team: a list the council gives, so that a team sees what is its to put right.

What councils send names workers by an id and says nothing of teams. The list is kept sealed, is shown to nobody but the
council, and is replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from samechild.collection.problems import WORKER
from samechild.collection.reading import store as queries
from samechild.collection.reading.lists import rows_of
from samechild.collection.reading.opening import may_count
from samechild.collection.records import Feed
from samechild.errors import Invalid
from samechild.keys.register import Purpose
from samechild.keys.seal import Random, place
from samechild.policy import ledger
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

TEAM = "csc team"
"""What tokens of teams are made for."""

MOST_WORKERS = 10_000
LONGEST = 80
_HEADINGS = {"worker", "worker_id", "worker id", "workerid", "id"}


def teams_of(store: Store, owner: str) -> dict[str, str]:
    """A council's teams by worker id; empty when it gave no list. It names staff, never a child."""
    with store.read(Login.CONTENT, owner) as connection:
        row = queries.teams(connection, owner)
    if row is None:
        return {}
    plain = store.keys.unseal(Purpose.GATE, row.sealed, place("csc_teams", "sealed", owner))
    return msgspec.json.decode(plain, type=dict[str, str])


def team_of(teams: Mapping[str, str], worker: str) -> str:
    """The team of a worker; empty when nobody said."""
    return teams.get(worker.strip(), "")


def team_token(store: Store, owner: str, team: str) -> str:
    """What stands for a team in an address."""
    return store.keys.token(TEAM, f"{owner}\x1f{team}")


def workers_in(store: Store, owner: str, token: str) -> tuple[str, ...]:
    """The tokens of the workers of a team, by the team's own token; none when there is no such team."""
    teams = teams_of(store, owner)
    names = {team for team in teams.values() if token in store.keys.tokens(TEAM, f"{owner}\x1f{team}")}
    mine = [worker for worker, team in teams.items() if team in names]
    return tuple(each for worker in mine for each in store.keys.tokens(WORKER, worker))


def keep_teams(store: Store, by: Asker, feed: Feed, text: str, now: datetime, random: Random) -> int:
    """Keep a council's list of workers and teams in the place of the one before; how many workers it names.

    Raises:
        Invalid: when the list cannot be read. Refused: when the asker may not see the feed's problems.
    """
    teams = read_teams(text)
    may_count(store, by, feed, now, "teams")
    body = {
        "event": "teams",
        "feed": feed.feed,
        "by": by.user,
        "by_organisation": by.organisation,
        "workers": len(teams),
    }
    ledger.append(store, "collection", body, now)
    sealed = b""
    if teams:
        bound = place("csc_teams", "sealed", feed.owner)
        sealed = store.keys.seal(Purpose.GATE, msgspec.json.encode(teams), bound, random)
    with store.write(Login.CONTENT, feed.owner) as connection:
        queries.keep_teams(connection, feed.owner, sealed, by.user, now)
    return len(teams)


def read_teams(text: str) -> dict[str, str]:
    """Read a list with a worker's id and the team in each line, with comma, semicolon or tab between; pure.

    A first line of headings is left out, blank lines too. The last line about a worker stands.

    Raises:
        Invalid: when a line is not such; the message names the line and never what stands in it.
    """
    found: dict[str, str] = {}
    for number, cells in rows_of(text):
        if not found and cells[0].casefold() in _HEADINGS:
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise Invalid(f"Line {number}: write a worker's id, a comma, and the team.")
        if len(cells[0]) > LONGEST or len(cells[1]) > LONGEST or not (cells[0] + cells[1]).isprintable():
            raise Invalid(f"Line {number}: shorten it to {LONGEST} characters or fewer, of letters that can be seen.")
        found[cells[0]] = cells[1]
    if len(found) > MOST_WORKERS:
        raise Invalid(f"Name at most {MOST_WORKERS:,} workers.")
    return found
