"""One record arrives: which child is it of? Joined, new, or put to a person, with the evidence.

What people ruled outranks every score, a closed identity gains nothing, and whoever is joined can be parted again.
The answer is the same as when all records had been linked together, within bounds that are measured
(``docs/benchmarks.md``). The commit point is one transaction of the identity vault; what precedes it leaves nothing
behind that matters, and sending a record again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from samechild.errors import Conflict, Invalid
from samechild.index import custody
from samechild.index import review_store as questions
from samechild.index import store as tables
from samechild.index.gathering import settle_questions
from samechild.index.keeping import Coming, coming, keep, known_records, record_keys
from samechild.index.live import Live, forget, writing
from samechild.index.records import Arrival, Identified
from samechild.index.spaces import ask_of, space_of
from samechild.index.taking import Arrivals
from samechild.index.writing import write
from samechild.policy import ledger
from samechild.policy.actions import permit
from samechild.policy.identities import keys_for
from samechild.policy.relationship_actions import close_identity
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store


def identify(
    store: Store, by: Asker, arrivals: Sequence[Arrival], now: datetime, *, space: str = ""
) -> list[Identified]:
    """Say for each record that arrives which child it is of, and keep it: joined, new, or put to a person.

    Several records are decided one after the other, and committed together. A record known by its organisation, source
    and own id is the same record with other values; the same values again change nothing; what its source changed
    before what is kept is left out.

    Args:
        store: the open installation.
        by: the person or system that sends; its role must be one that keeps records of the same child together.
        arrivals: the records as they come.
        now: when.
        space: where; the organisation's own when left out.

    Returns:
        An answer for each, in the order given. Of another organisation's records in a joint space it tells no evidence.

    Raises:
        Refused, Unavailable: as the gate says. Missing: when there is no such space.
        Invalid: when a record has no source or no id of its own.
    """
    if not arrivals:
        return []
    if any(not each.source or not each.record_id for each in arrivals):
        raise Invalid("Every record needs a source and its own id there: without them it cannot be told from others.")
    here = space_of(store, space or by.organisation, by.organisation)
    owners = sorted({each.owner for each in arrivals})
    if not set(owners) <= set(here.members):
        raise Invalid("Records can only be sent to a space by and for its members.")
    permits = [permit(store, ask_of(by, owner, now, batch="identify")) for owner in owners]
    them = [
        coming(
            store, a.owner, a.source, a.record_id, a.given, a.basis, a.changed_on.isoformat() if a.changed_on else ""
        )
        for a in arrivals
    ]
    with writing(store, here.space, now) as alive:
        try:
            answers, closed = _identified(store, alive, arrivals, them, now)
        except BaseException:
            forget(store, here.space)  # what is in memory may be ahead of what was committed
            raise
    for keys, reason in closed:
        mark_closed(store, by, alive, keys, reason, now)
    for given in permits:
        shown = [each.record_key for each, a in zip(answers, arrivals, strict=True) if a.owner == given.space]
        ledger.outcome(store, given, shown, {"records": len(shown)}, now)
    return [_told(alive, each, by.organisation) for each in answers]


def mark_closed(store: Store, by: Asker, alive: Live, record_keys: Sequence[str], reason: str, now: datetime) -> None:
    """Hide the records of a closed identity from everybody but the custodian, for each organisation that holds some."""
    with store.read(Login.INDEX) as connection:
        rows = tables.records_by_key(connection, record_keys)
    for owner in sorted({row.owner for row in rows.values()}):
        its = sorted(key for key, row in rows.items() if row.owner == owner)
        close_identity(store, by, owner, its, reason, now)


def _identified(
    store: Store, alive: Live, arrivals: Sequence[Arrival], them: Sequence[Coming], now: datetime
) -> tuple[list[Identified], list[tuple[list[str], str]]]:
    """Decide and keep all of them in one transaction; also which identities were closed, and by which sign."""
    with store.read(Login.INDEX) as connection:
        known = known_records(connection, them)
    drawn: dict[tuple[str, str], str] = {}
    fresh = record_keys()
    for arrival, each in zip(arrivals, them, strict=True):
        place_ = (each.owner, each.known[0])
        if place_ not in known:
            drawn[place_] = arrival.record_key or drawn.get(place_) or next(fresh)
    again = [
        row.record_key
        for each in them
        if (row := known.get((each.owner, each.known[0]))) is not None and row.digest != each.digest
    ]
    keys = keys_for(store, [*drawn.values(), *dict.fromkeys(again)])
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        alive.follow(connection, now)
        if alive.spoilt:
            raise Conflict("The index was given another model at this moment: send the records again.")
        known = known_records(connection, them)
        work = Arrivals(store, alive, known, drawn, now)
        took = [work.take(arrival, each) for arrival, each in zip(arrivals, them, strict=True)]
        keep(connection, keys, work.new, work.changed, work.seen, now)
        events = write(connection, alive.space.space, [d for each in took for d in each.drafts], work.owned, now)
        ids = questions.open_questions(connection, [question for each in took for question in each.questions])
        for one, other in (pair for each in took for pair in each.restricted):
            custody.put_within(
                connection, store, custody.Suspected(alive.space.space, one, other, "two identities"), now
            )
        if work.merged:
            settle_questions(connection, alive.space.space, work.merged, now)
    if events:
        alive.number = events[-1].number
    answers = []
    for done in took:
        its, ids = ids[: len(done.questions)], ids[len(done.questions) :]
        answers.append(msgspec.structs.replace(done.identified, questions=tuple(its)))
    return answers, work.closed


def _told(alive: Live, answer: Identified, organisation: str) -> Identified:
    """The answer as the sender may have it: of other organisations' records only that they led to the child."""
    if len(alive.space.members) == 1:
        return answer
    told = []
    for candidate in answer.candidates:
        row = alive.copy.row_of(candidate.record_key)
        own = row is not None and alive.copy.owner(row) == organisation
        told.append(candidate if own else msgspec.structs.replace(candidate, record_key="", evidence=()))
    return msgspec.structs.replace(answer, candidates=tuple(told))
