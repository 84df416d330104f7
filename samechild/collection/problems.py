"""Keeping what the rules found: which problems are new, which stay and which are gone; never what a record said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from samechild.collection import store as tables
from samechild.collection.check import Problem
from samechild.collection.states import BASIS, RETENTION
from samechild.storage import Store

PLACE, WORKER = "csc place", "csc worker"
"""What tokens are made for: the cells of an issue, a worker."""

OF_HISTORY = ("CHD-35", "CHD-36", "CHD-37")
"""Rules about the step from one state of a child to the next: a new day says nothing of them."""


def keep_problems(
    store: Store,
    connection: sa.Connection,
    owner: str,
    found: Mapping[str, Sequence[Problem]],
    workers: Mapping[str, str],
    now: datetime,
    retention: str = RETENTION,
    *,
    history: bool = True,
) -> None:
    """Keep which problems are new and which are gone: what a child's record said is not kept here.

    ``found`` has everything that is wrong now with each child, by record key; ``workers`` who has the child's case.
    Without ``history`` nothing was sent since: what rules found in the step from the state before stays.
    """
    kept = {
        (row.record_key, row.rule, row.place)
        for row in tables.issues_of(connection, owner, list(found))
        if history or row.rule not in OF_HISTORY
    }
    fresh: dict[tuple[str, str, str], dict[str, Any]] = {}
    for key, problems in found.items():
        worker = workers.get(key, "")
        for problem in problems:
            place = store.keys.token(PLACE, "\x1f".join((key, *problem.places)))
            fresh[key, problem.rule, place] = {
                "owner": owner,
                "record_key": key,
                "received_at": now,
                "basis": BASIS,
                "retention": retention,
                "rule": problem.rule,
                "place": place,
                "grade": problem.grade.value,
                "worker": store.keys.token(WORKER, worker) if worker else "",
                "since": now,
                "until": None,
            }
    tables.end_issues(connection, sorted(kept - fresh.keys()), now)
    tables.keep_issues(connection, [row for where, row in fresh.items() if where not in kept])
