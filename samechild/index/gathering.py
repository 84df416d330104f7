"""Gathering the lines of the index that one act is about, before it is thought through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations

import sqlalchemy as sa

from samechild.index import review_store as questions
from samechild.index import store as tables
from samechild.index.lifecycle import State
from samechild.sql.among import among
from samechild.storage import Store

PAIR = "index.pair"


def pair_tokens(store: Store, one: str, other: str) -> list[str]:
    """Every token two records may be ruled apart under, the current one first; the order of the two does not matter."""
    return store.keys.tokens(PAIR, "\x1f".join(sorted((one, other))))


def gathered(
    store: Store, connection: sa.Connection, space: str, children: Iterable[str], record_keys: Sequence[str] = ()
) -> State:
    """Every line that an act on some children and records may touch or must know of.

    That is: the children with all they lead to and all their records, the children of the records, every ruling
    between two of these records, and which of them are sealed.
    """
    state: State = {}
    wanted = list(dict.fromkeys(children))
    wanted += [child for child in tables.children_of(connection, space, record_keys).values() if child not in wanted]
    while wanted:
        found = tables.states_of(connection, space, wanted)
        state |= {("child", child): its for child, its in found.items()}
        back = tables.lines_by_key(connection, space, "gone", [child for child in wanted if child not in found])
        state |= {("gone", child): to for child, to in back.items()}
        leads = [its.removeprefix("merged:") for its in found.values() if its.startswith("merged:")]
        leads += [to for to in back.values() if to != "erased"]
        wanted = [to for to in dict.fromkeys(leads) if ("child", to) not in state and ("gone", to) not in state]
    members = tables.members_of(connection, space, [child for _, child in state])
    state |= {("member", record_key): child for record_key, child in members.items()}
    for child in set(members.values()):
        state.setdefault(("child", child), "live")
    records = sorted({*members, *record_keys})
    tokens = {token for one, other in combinations(records, 2) for token in pair_tokens(store, one, other)}
    state |= {("apart", key): value for key, value in tables.lines_by_key(connection, space, "apart", tokens).items()}
    state |= {
        ("sealed", key): value for key, value in tables.lines_by_key(connection, space, "sealed", records).items()
    }
    return state


def pair_in(store: Store, state: State, one: str, other: str) -> str:
    """The token two records are ruled apart under in a state, or the one a new ruling is kept under."""
    tokens = pair_tokens(store, one, other)
    return next((token for token in tokens if ("apart", token) in state), tokens[0])


def settle_questions(connection: sa.Connection, space: str, record_keys: Sequence[str], now: datetime) -> None:
    """Close the questions that what just happened has answered: both records are of one child now.

    A question about two records that were of one child already, when it was asked, is whether they should be: it stays.
    """
    open_now = [
        each for each in questions.naming(connection, space, record_keys) if each.asked.child != each.asked.other_child
    ]
    pairs = [(each.asked.record_key, each.asked.other_key) for each in open_now]
    child_of = tables.children_of(connection, space, [key for both in pairs for key in both])
    same = [(a, b) for a, b in pairs if a in child_of and child_of.get(a) == child_of.get(b)]
    if same:
        questions.withdraw_pairs(connection, space, same, now)


def asked_before(connection: sa.Connection, pairs: Sequence[tuple[str, str]]) -> set[frozenset[str]]:
    """Which pairs of records a person was ever asked about, whatever became of it."""
    its = questions.index_question_records
    found: dict[str, set[str]] = {}
    named = {key for both in pairs for key in both}
    asked = sa.select(its.c.question, its.c.record_key).where(among(its.c.record_key, named))
    for row in connection.execute(asked):
        found.setdefault(row.question, set()).add(row.record_key)
    return {frozenset(both) for both in found.values() if len(both) == 2}
