"""Reading the index: a child's records, a search, a child's history; each answer goes through the gate.

A child's records lie with several organisations. Each is asked for by itself, under the agreement with that
organisation; what one does not let the asker see is left out as if it were not there.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from samechild.errors import Missing, Refused
from samechild.index import store as tables
from samechild.index.adoption import closed_in, told
from samechild.index.gathering import gathered
from samechild.index.grounds import grounded
from samechild.index.keeping import ALIAS
from samechild.index.lifecycle import resolve
from samechild.index.live import live
from samechild.index.query import Query, fields_used, terms_of
from samechild.index.records import WHO, ChildRead, Event, Held
from samechild.index.searching import Hit
from samechild.index.searching import search as look
from samechild.index.spaces import ask_of, space_of
from samechild.policy import ledger
from samechild.policy.actions import ask_gate, permit
from samechild.policy.vault_actions import read_what_may_be, searched
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store

MOST_HITS = 50


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found that the asker may be told of, best first; ``more`` says that there are others.

    ``asked`` are the spaces' owners that let the search in.
    """

    hits: tuple[Hit, ...]
    more: bool = False
    advice: str = ""
    asked: tuple[str, ...] = ()


def search(store: Store, by: Asker, space: str, ask: Ask, query: Query, limit: int = MOST_HITS) -> Results:
    """Search for children in a space, in the records of every member organisation that lets this asker search them.

    ``ask`` gives purpose, power, basis and the like; owner, mode and scope are filled in here. What is searched for
    is written down nowhere but as keyed references.

    Raises:
        Missing: when the asker's organisation is no member of the space.
        Refused: when not even the asker's own organisation lets them search.
        Invalid: when nothing usable is searched for.
    """
    here = space_of(store, space, by.organisation)
    on, terms = fields_used(query), terms_of(query)
    alive = live(store, here.space, ask.now)
    alive.marks_up_to_date(ask.now)
    found: list[Hit] = []
    asked: list[str] = []
    more, advice = False, ""
    refused: Refused | None = None
    for owner in sorted(here.members, key=lambda member: member != by.organisation):
        scope = Scope(Spread.SEARCH, batch=ask.scope.batch)
        question = msgspec.structs.replace(
            ask, who=by, owner=owner, mode=Mode.EXISTENCE, record_type=WHO[0], scope=scope
        )
        if owner != by.organisation and not ask_gate(store, question).allowed:
            continue  # no agreement lets this asker search there: nobody is asked, so nobody is refused
        hits: dict[str, Hit] = {}

        def find(_: object, owner: str = owner, hits: dict[str, Hit] = hits) -> list[str]:
            nonlocal more, advice
            answer = look(alive.copy, query, limit, owner=owner)
            more, advice = more or answer.more, advice or answer.advice
            hits |= {hit.record_key: hit for hit in answer.hits}
            return list(hits)

        try:
            seen = searched(store, grounded(store, question), on, terms, find)
        except Refused as refusal:
            refused = refused or refusal
            continue
        asked.append(owner)
        found += [hits[key] for key in seen.record_keys]
    if not asked and refused is not None:
        raise refused
    best: dict[str, Hit] = {}
    for hit in sorted(found, key=lambda hit: (-hit.score, hit.child, hit.record_key)):
        best.setdefault(hit.child, hit)
    return Results(hits=tuple(best.values())[:limit], more=more or len(best) > limit, advice=advice, asked=tuple(asked))


def read_child(store: Store, by: Asker, space: str, child: str, ask: Ask) -> ChildRead:
    """Read a child's records, as far as each organisation that holds one lets this asker see it.

    ``ask`` gives purpose, power, basis and the like; owner, record type and scope are filled in here. An identifier
    that was merged leads to the child it was merged into.

    Raises:
        Missing: when there is no such child, or nothing the asker may know of: the words are the same.
    """
    here = space_of(store, space, by.organisation)
    with store.read(Login.INDEX) as connection:
        now_called, state = _resolved(store, connection, here.space, child)
        records = tables.records_by_key(connection, list(tables.members_of(connection, here.space, [now_called])))
    held: dict[str, Held] = {}
    for owner in sorted({row.owner for row in records.values()}):
        its = tuple(sorted(key for key, row in records.items() if row.owner == owner))
        for record_type in WHO:
            question = msgspec.structs.replace(
                ask, who=by, owner=owner, mode=Mode.CONTENT, record_type=record_type, scope=Scope(Spread.BATCH, its)
            )
            for given, rows in read_what_may_be(store, grounded(store, question)):
                newest = {row.heading.record_key: row for row in rows if row.heading.record_key in records}
                for key, row in newest.items():
                    values = msgspec.json.decode(row.plain, type=dict[str, str])
                    was = held.get(key)
                    held[key] = Held(
                        record_key=key,
                        owner=owner,
                        source=records[key].source,
                        received_at=row.heading.received_at if was is None else was.received_at,
                        values={**(was.values if was else {}), **values},
                        hidden=tuple(sorted({*(was.hidden if was else ()), *given.decision.hidden})),
                        number=given.decision.number if was is None else was.number,
                    )
    if not held:
        raise Missing(ledger.NOTHING_THERE)
    them = tuple(sorted(held.values(), key=lambda each: (each.owner, each.source, each.record_key)))
    return ChildRead(space=here.space, asked=child, child=now_called, state=state, records=them)


def _resolved(store: Store, connection: sa.Connection, space: str, child: str) -> tuple[str, str]:
    """The child an identifier leads to, and its state; a run's own child id leads to the child it was given to."""
    lines: dict[tuple[str, str], str] = {}
    tokens = store.keys.tokens(ALIAS, child)
    start = at = tables.child_by_alias(connection, space, tokens) or child
    while at and ("child", at) not in lines and ("gone", at) not in lines:
        state = tables.states_of(connection, space, [at]).get(at, "")
        if state:
            lines["child", at] = state
            at = state.removeprefix("merged:") if state.startswith("merged:") else ""
            continue
        back = tables.lines_by_key(connection, space, "gone", [at]).get(at, "")
        if not back:
            break
        lines["gone", at] = back
        at = "" if back == "erased" else back
    if not lines:
        raise Missing(ledger.NOTHING_THERE)
    final = resolve(lines, start)
    return final, lines.get(("child", final), "erased")


def history(store: Store, by: Asker, space: str, child: str, now: datetime) -> list[Event]:
    """What happened to a child in a space, oldest first, for who keeps records together: without protected steps.

    Raises:
        Missing: when there is no such child for this asker.
        Refused: when the asker may not.
    """
    here = space_of(store, space, by.organisation)
    permit(store, ask_of(by, by.organisation, now, batch="history"))
    with store.read(Login.INDEX) as connection:
        final, _ = _resolved(store, connection, here.space, child)
        found = {
            event.number: event for name in {child, final} for event in tables.events_of(connection, here.space, name)
        }
        sealed = set(tables.every_of(connection, here.space, "sealed"))
        state = gathered(store, connection, here.space, [final])
    kept = [told(found[number], sealed, closed_in(state)) for number in sorted(found)]
    return [event for event in kept if event is not None]
