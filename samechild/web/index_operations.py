"""What machines may ask of the living index: identify, search, read, join and part, and follow what changed.

The same actions as behind the pages, each through the gate, with its entries in the ledger. Names, dates and numbers
stand in bodies, never in addresses; ids of children and records are opaque and may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from samechild.errors import Invalid, Unauthenticated
from samechild.index import actions, feed, reading
from samechild.index.exchange import given_columns
from samechild.index.identifying import identify
from samechild.index.query import parse
from samechild.index.records import Arrival, Event, Held, Identified
from samechild.index.spaces import ask_of, space_of, spaces_for
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.records.disclosure import Ask, Asker
from samechild.web.index_shapes import (
    CandidateTold,
    ChangesPage,
    ChildTold,
    EventTold,
    EvidenceTold,
    GroundsAsked,
    HitTold,
    IdentifiedTold,
    IdentifyAnswer,
    IdentifyAsked,
    MergeAsked,
    NoteAsked,
    PairAsked,
    ReadAsked,
    RecordSent,
    RecordTold,
    SearchAnswer,
    SearchAsked,
    SpacesTold,
    SpaceTold,
    SplitAsked,
)
from samechild.web.operations import Call, Named, Operation

MOST_HITS = 20
"""So many children a search answers."""

LONGEST_WAIT = 20
"""Seconds a follower may wait for the next change."""

_TAG = "index"
_CHILD = Named(name="child", words="The child's identifier.", schema={"type": "string", "pattern": "^[0-9a-f]{32}$"})
_RECORD = Named(
    name="record_key", words="The record's opaque key.", schema={"type": "string", "pattern": "^[0-9a-f]{32}$"}
)
_NUMBER = Named(
    name="number",
    words="The number of the event.",
    schema={"type": "integer", "minimum": 1, "maximum": 999_999_999_999_999},
)
_SPACE = Named(
    name="space",
    words="The index space; the organisation's own when left out.",
    schema={"type": "string", "pattern": "^[A-Za-z0-9_-]{0,64}$"},
)

# --- answering --------------------------------------------------------------------------------------------------------


def asker_of(call: Call) -> Asker:
    """Who calls.

    Raises:
        Unauthenticated: when nobody does.
    """
    if call.asker is None:
        raise Unauthenticated("Send an access token.")
    return call.asker


def identify_records(call: Call) -> IdentifyAnswer:
    """Find each record its child."""
    body: IdentifyAsked = call.body
    by = asker_of(call)
    arrivals = [_arrival(record, body.source, by) for record in body.records]
    found = identify(call.shell.store, by, arrivals, call.now, space=body.space)
    return IdentifyAnswer(results=[_identified(one, its) for one, its in zip(body.records, found, strict=True)])


def _arrival(record: RecordSent, source: str, by: Asker) -> Arrival:
    if not set(record.given) <= set(given_columns()):
        raise Invalid("The body is not what is asked for: look at `given`.")
    return Arrival(
        owner=by.organisation,
        source=source,
        record_id=record.record_id,
        given=record.given,
        changed_on=record.changed_on,
        signs=record.signs,
    )


def _identified(record: RecordSent, found: Identified) -> IdentifiedTold:
    return IdentifiedTold(
        record_id=record.record_id,
        outcome=found.outcome.value,
        record_key=found.record_key,
        child=found.child,
        candidates=[
            CandidateTold(
                child=each.child,
                weight=each.weight,
                probability=each.probability,
                evidence=[
                    EvidenceTold(comparison=piece.comparison, words=piece.words, weight=piece.weight)
                    for piece in each.evidence
                ],
                ground=each.ground,
            )
            for each in found.candidates
        ],
        merged=list(found.merged),
        questions=len(found.questions),
    )


def grounds_ask(by: Asker, grounds: GroundsAsked, now: datetime, batch: str) -> Ask:
    """The question with what it rests on; the index fills in owner, record type and scope.

    Raises:
        Invalid: when a purpose or ground is not a declared one.
    """
    named = (
        ("purpose", purposes()),
        ("power", powers()),
        ("basis", bases()),
        ("condition", conditions()),
        ("confidence", confidences()),
    )
    for name, declared in named:
        value = getattr(grounds, name)
        if value not in declared and (value or name == "purpose"):
            raise Invalid(f"The body is not what is asked for: look at {name}.")
    ask = ask_of(by, by.organisation, now, batch=batch)
    return msgspec.structs.replace(ask, **msgspec.structs.asdict(grounds))


def read_child(call: Call) -> ChildTold:
    """Read a child."""
    body: ReadAsked = call.body
    by = asker_of(call)
    ask = grounds_ask(by, body.grounds, call.now, "api-read")
    found = reading.read_child(call.shell.store, by, body.space or by.organisation, call.named["child"], ask)
    return ChildTold(
        space=found.space,
        asked=found.asked,
        child=found.child,
        state=found.state,
        records=[_record(held) for held in found.records],
    )


def _record(held: Held) -> RecordTold:
    return RecordTold(
        record_key=held.record_key,
        owner=held.owner,
        source=held.source,
        received_at=held.received_at,
        values=held.values,
        hidden=list(held.hidden),
        number=held.number,
    )


def search(call: Call) -> SearchAnswer:
    """Search for children; what cannot be searched by is answered with advice."""
    body: SearchAsked = call.body
    by = asker_of(call)
    ask = grounds_ask(by, body.grounds, call.now, "api-search")
    space = space_of(call.shell.store, body.space or by.organisation, by.organisation).space
    try:
        query = parse(body.text, call.now.date())
        found = reading.search(call.shell.store, by, space, ask, query, MOST_HITS)
    except Invalid as nothing_usable:
        return SearchAnswer(hits=[], more=False, advice=str(nothing_usable), unread=[])
    hits = [HitTold(child=hit.child, score=hit.score, reasons=list(hit.reasons)) for hit in found.hits]
    return SearchAnswer(hits=hits, more=found.more, advice=found.advice, unread=list(query.unread))


def merge(call: Call) -> EventTold:
    """Put two children together."""
    body: MergeAsked = call.body
    by, space = _here(call)
    return _event(actions.merge(call.shell.store, by, space, call.named["child"], body.gone, body.note, call.now))


def split(call: Call) -> EventTold:
    """Take some records out of a child."""
    body: SplitAsked = call.body
    by, space = _here(call)
    keys = list(dict.fromkeys(body.record_keys))
    return _event(actions.split(call.shell.store, by, space, call.named["child"], keys, body.note, call.now))


def unlink(call: Call) -> EventTold:
    """Take one record out of its child."""
    by, space = _here(call)
    return _event(actions.unlink(call.shell.store, by, space, call.named["record_key"], call.body.note, call.now))


def part(call: Call) -> EventTold:
    """Rule that two records are of two children."""
    by, space = _here(call)
    one, body = call.named["record_key"], call.body
    return _event(actions.part(call.shell.store, by, space, one, body.other, body.note, call.now))


def lift(call: Call) -> EventTold:
    """Let two records be matched again."""
    by, space = _here(call)
    one, body = call.named["record_key"], call.body
    return _event(actions.lift(call.shell.store, by, space, one, body.other, body.note, call.now))


def undo(call: Call) -> EventTold:
    """Take an event back."""
    by, space = _here(call)
    number = call.named["number"]
    if not number.isascii() or not number.isdigit() or len(number) > 15:
        raise Invalid("The number of an event is a whole number.")
    return _event(actions.undo(call.shell.store, by, space, int(number), call.body.note, call.now))


def _here(call: Call) -> tuple[Asker, str]:
    by = asker_of(call)
    return by, call.body.space or by.organisation


def _event(event: Event) -> EventTold:
    return EventTold(number=event.number, at=event.at, kind=event.kind.value, child=event.child, other=event.other)


def follow(call: Call) -> ChangesPage:
    """Tell what changed after a cursor, waiting a little for it when asked to."""
    by, asked = asker_of(call), call.asked
    limit, wait = _whole(asked, "limit", feed.MOST, 1, feed.MOST), _whole(asked, "wait", 0, 0, LONGEST_WAIT)
    space, after = asked.get("space", ""), asked.get("after", "0")
    page = feed.changes(call.shell.store, by, space, after, call.now, limit)
    if not page.changes and not page.more and wait and feed.wait(call.shell.store, page.next, wait):
        page = feed.changes(call.shell.store, by, space, page.next, call.shell.now(), limit)
    return ChangesPage(space=page.space, changes=list(page.changes), next=page.next, more=page.more)


def _whole(asked: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = asked.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise Invalid(f"{name} is a whole number from {least} to {most}.")
    return int(text)


def spaces(call: Call) -> SpacesTold:
    """The spaces of the caller's organisation."""
    by = asker_of(call)
    found = spaces_for(call.shell.store, by.organisation)
    return SpacesTold(
        spaces=[
            SpaceTold(
                space=each.space,
                title=each.title,
                joint=each.space != by.organisation,
                agreement=each.agreement,
            )
            for each in found
        ]
    )


_FOUND_WRONG = (404, 409)


def _act(path: str, name: str, title: str, words: str, act: Any, body: Any, named: Named) -> Operation:
    """An operation by which a person's decision is done."""
    return Operation(
        method="POST",
        path=path,
        name=name,
        title=title,
        words=words,
        act=act,
        gives=EventTold,
        body=body,
        named=(named,),
        errors=_FOUND_WRONG,
        scope="link",
        tag=_TAG,
    )


_CURSOR = Named(
    name="after",
    words="0 to begin with, then `next` of the page before.",
    schema={"type": "string", "pattern": "^[0-9]{1,15}(-[0-9a-f]{16})?$", "default": "0"},
)
_LIMIT = Named(
    name="limit",
    words="At most so many events are looked at.",
    schema={"type": "integer", "minimum": 1, "maximum": feed.MOST, "default": feed.MOST},
)
_WAIT = Named(
    name="wait",
    words="Seconds to wait when nothing has happened yet.",
    schema={"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
)

INDEX_OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/index/identify",
        name="identify",
        title="Find records their children",
        words="Each record joins a child, starts a new one, or is put to a person; sent again it changes nothing.",
        act=identify_records,
        gives=IdentifyAnswer,
        body=IdentifyAsked,
        errors=_FOUND_WRONG,
        scope="submit",
        tag=_TAG,
    ),
    Operation(
        method="POST",
        path="/api/v1/index/search",
        name="searchChildren",
        title="Search for children",
        words="Typing errors, nicknames and names that sound alike are forgiven. What is searched for is written down "
        "nowhere but as keyed references.",
        act=search,
        gives=SearchAnswer,
        body=SearchAsked,
        errors=(404,),
        scope="index",
        tag=_TAG,
    ),
    Operation(
        method="POST",
        path="/api/v1/index/children/{child}/read",
        name="readChild",
        title="Read a child's records",
        words="Each organisation's records under its own agreement; what one does not let you see is as if not there.",
        act=read_child,
        gives=ChildTold,
        body=ReadAsked,
        named=(_CHILD,),
        errors=(404,),
        scope="index",
        tag=_TAG,
    ),
    _act(
        "/api/v1/index/children/{child}/merge", "mergeChildren", "Put two children together",
        "The other's identifier leads to this one from now on. 409 when two of their records were ruled apart.",
        merge, MergeAsked, _CHILD,
    ),
    _act(
        "/api/v1/index/children/{child}/split", "splitChild", "Take records out of a child",
        "They start a child of their own and are not matched again with those left behind until a person allows it.",
        split, SplitAsked, _CHILD,
    ),
    _act(
        "/api/v1/index/records/{record_key}/unlink", "unlinkRecord", "Take one record out of its child",
        "As splitting, for one record.", unlink, NoteAsked, _RECORD,
    ),
    _act(
        "/api/v1/index/records/{record_key}/part", "partRecords", "Rule that two records are of two children",
        "They are never matched until a person allows it.", part, PairAsked, _RECORD,
    ),
    _act(
        "/api/v1/index/records/{record_key}/allow", "allowRecords", "Let two records be matched again",
        "Lifts a ruling that they are of two children.", lift, PairAsked, _RECORD,
    ),
    _act(
        "/api/v1/index/events/{number}/undo", "undoEvent", "Take an event back",
        "Restores exactly what was before. 409 names the later events that must be taken back first.",
        undo, NoteAsked, _NUMBER,
    ),
    Operation(
        method="GET",
        path="/api/v1/index/changes",
        name="followChanges",
        title="What changed after a cursor",
        words="Put each record of `moved` under its child, drop what is `gone`, let each of `children` stand as told. "
        "Nothing appears behind a cursor. 409: the index was put back from a backup; begin again from 0.",
        act=follow,
        gives=ChangesPage,
        asked=(_CURSOR, _SPACE, _LIMIT, _WAIT),
        errors=_FOUND_WRONG,
        scope="index",
        tag=_TAG,
    ),
    Operation(
        method="GET",
        path="/api/v1/index/spaces",
        name="indexSpaces",
        title="The index spaces of one's organisation",
        words="Its own, and the joint ones that an agreement names.",
        act=spaces,
        gives=SpacesTold,
        scope="index",
        tag=_TAG,
    ),
)  # fmt: skip
