"""What councils' systems may ask: send the day's records, load all of them, try them out, and read back what is held.

The daily operation speaks as the Department for Education's service does, so that the sector's clients work against it
unchanged: an array of at most a hundred children, a receipt for each, errors as text with positions in brackets.
Beside it stands what is asked for by name: problem details, taking part of a request, an idempotency key, NDJSON.
What identifies a child stands in bodies, never in addresses.
"""

from __future__ import annotations

import re
from functools import partial

import msgspec

from samechild.collection.beyond import beyond
from samechild.collection.check import check
from samechild.collection.feeds import feed_of, may_send
from samechild.collection.postcodes import postcodes_of
from samechild.collection.reading import opening
from samechild.collection.records import Feed
from samechild.collection.rules.days import window_start
from samechild.collection.rules.rule import At
from samechild.collection.structure import read_batch
from samechild.errors import Invalid, Missing, Refused
from samechild.web.collection_load import NDJSON, load
from samechild.web.collection_sending import ONCE, PREFER, SUPPLIER_KEY, feed_named, let_in, submit
from samechild.web.collection_shapes import (
    CHILD_SCHEMA,
    CHILDREN_SCHEMA,
    ChildAsked,
    ChildHeld,
    ErrorsPage,
    ErrorTold,
    Loaded,
    LoadLine,
    OpenProblem,
    PartlyTaken,
    Refusal,
    RequestTold,
    Validated,
    faults_told,
    problem_told,
)
from samechild.web.index_operations import asker_of
from samechild.web.limits import COLLECTION, DAILY, LOADS
from samechild.web.operations import JSON, Call, Named, Operation

AUDIENCES = ("api", "collection")
"""Whom a token may be for, with which something is asked of the collection."""

_TAG = "collection"


# --- trying out -------------------------------------------------------------------------------------------------------


def may_try(call: Call) -> Feed:
    """The feed of somebody who may send for it; whether an agreement is in force yet does not matter.

    Raises:
        Refused: when the system may not send for it.
    """
    authority, sandbox = feed_named(call)
    store = call.shell.store
    try:
        feed = feed_of(store, authority, sandbox, call.now)
    except Missing as error:
        raise Refused(str(error)) from None
    may_send(store, asker_of(call), feed, call.headers.get(SUPPLIER_KEY, ""), call.now)
    return feed


def validate(call: Call) -> Validated:
    """Check records as they would be if they were sent alone; nothing of them is kept."""
    feed = may_try(call)
    found = read_batch(call.raw, long_ids=feed.long_ids)
    today, near = call.now.date(), postcodes_of(call.shell.store)
    faults, flags, problems = list(found.faults), list(found.flags), []
    for position, child in enumerate(found.children):
        if child is None:
            continue
        refused, flagged = beyond(feed, child, today)
        faults += [msgspec.structs.replace(each, position=position) for each in refused]
        flags += [msgspec.structs.replace(each, position=position) for each in flagged]
        if not child.purge:
            window = window_start(today, feed.months)
            at = At(child=child, today=today, window=window, miles=near.miles, exists=near.exists)
            problems += [problem_told(position, each) for each in check(at)]
    return Validated(
        records=len(found.children), errors=faults_told(faults), flags=faults_told(flags), problems=problems
    )


# --- reading back -----------------------------------------------------------------------------------------------------


def _own_feed(call: Call) -> Feed:
    authority, sandbox = feed_named(call)
    return feed_of(call.shell.store, authority, sandbox, call.now)


def read_back(call: Call) -> ChildHeld:
    """What is held of one child."""
    asked: ChildAsked = call.body
    found = opening.held(call.shell.store, asker_of(call), _own_feed(call), asked.la_child_id, call.now)
    return ChildHeld(**{**found, "problems": [OpenProblem(**each) for each in found["problems"]]})


def request_told(call: Call) -> RequestTold:
    """What became of a request."""
    return RequestTold(
        requests=opening.request(call.shell.store, asker_of(call), _own_feed(call), call.named["request_id"])
    )


def errors_told(call: Call) -> ErrorsPage:
    """The open problems of a feed, some at a time."""
    limit = call.asked.get("limit", str(USUAL_ERRORS))
    if not re.fullmatch("[0-9]{1,6}", limit):
        raise Invalid("The limit is a whole number.")
    page = opening.errors(
        call.shell.store, asker_of(call), _own_feed(call), call.asked.get("after", ""), int(limit), call.now
    )
    return ErrorsPage(errors=[ErrorTold(**msgspec.structs.asdict(each)) for each in page.problems], next=page.after)


USUAL_ERRORS = 100

# --- the operations ---------------------------------------------------------------------------------------------------

_LA_CODE = Named(
    name="la_code", words="The authority's three-digit number.", schema={"type": "string", "pattern": "^[0-9]{3}$"}
)
_FEED = Named(
    name="feed",
    words="The authority's three-digit number, with `-sandbox` behind it for trying out.",
    schema={"type": "string", "pattern": "^[0-9]{3}(-sandbox)?$"},
)
_REQUEST = Named(
    name="request_id",
    words="`x-request-id` of one of our answers.",
    schema={"type": "string", "pattern": "^[a-z]{6,40}$"},
)
_AFTER = Named(
    name="after",
    words="Empty to begin with, then `next` of the answer before.",
    schema={"type": "string", "pattern": "^([!-}]{1,60}~[!-}]{0,60}~[!-}]{0,70})?$", "default": ""},
)
_LIMIT = Named(
    name="limit",
    words="At most so many.",
    schema={"type": "integer", "minimum": 1, "maximum": opening.MOST_AT_ONCE, "default": USUAL_ERRORS},
)
_KEY = Named(
    name=SUPPLIER_KEY, words="The key of the supplier.", schema={"type": "string", "pattern": "^[!-~]{1,200}$"}
)
_ONCE_KEY = Named(
    name=ONCE,
    words="Sent again with the same body, it is answered as the first time and nothing is kept twice.",
    schema={"type": "string", "pattern": "^[A-Za-z0-9_-]{1,200}$"},
)
_WISH = Named(
    name=PREFER,
    words="`handling=lenient` takes the records that can be taken, and tells of the others (RFC 7240).",
    schema={"type": "string", "enum": ["handling=lenient", "handling=strict"]},
)
SENDING_HEADERS = (_KEY, _ONCE_KEY, _WISH)
"""What may be said in headers by whoever sends records."""

_DAILY_PATH = f"{DAILY}{{la_code}}/children"
_WORDS = (
    "At most a hundred children; one that cannot be taken refuses them all. The answer is a receipt for each, in the "
    "order sent: what has a receipt is kept. Errors are text in which the position of a failing record, from 0, stands "
    "in square brackets, or problem details with JSON pointers where `Accept` asks for them."
)


def _daily(path: str, name: str, title: str, *, sandbox: bool = False) -> Operation:
    return Operation(
        method="POST",
        path=path,
        name=name,
        title=title,
        words=_WORDS,
        act=partial(submit, sandbox=sandbox),
        gives=list[str] | PartlyTaken,
        takes={JSON: CHILDREN_SCHEMA},
        before=partial(let_in, sandbox=sandbox),
        named=(_LA_CODE,),
        headers=SENDING_HEADERS,
        needed=(SUPPLIER_KEY,),
        errors=(409,),
        plain=True,
        refusals=Refusal,
        scope="submit",
        audiences=AUDIENCES,
        tag=_TAG,
    )


def daily_at(path: str) -> tuple[Operation, ...]:
    """The daily operation under a further path of this installation's own; none when it has none.

    Raises:
        Invalid: when the path is not one.
    """
    if not path:
        return ()
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", path):
        raise Invalid("The setting collect_path is a path such as /children-in-social-care/1, without a slash behind.")
    return (
        _daily(f"{path}{_DAILY_PATH}", "submitChildrenHere", "Send the day's records"),
        _daily(f"{path}/sandbox{_DAILY_PATH}", "tryChildrenHere", "Send records to the sandbox", sandbox=True),
    )


COLLECTION_OPERATIONS = (
    _daily(_DAILY_PATH, "submitChildren", "Send the day's records"),
    _daily(f"/sandbox{_DAILY_PATH}", "tryChildren", "Send records to the sandbox", sandbox=True),
    Operation(
        method="POST",
        path=f"{COLLECTION}{{feed}}{LOADS}",
        name="loadChildren",
        title="Load all records at once",
        words="One child on each line (NDJSON), as many as 100,000, plain or gzip. A line that cannot be taken leaves "
        "the others alone. The answer has a line for each, and a summary last.",
        act=submit,
        streams=load,
        gives=Loaded,
        gives_also={NDJSON: LoadLine},
        takes={NDJSON: CHILD_SCHEMA},
        before=let_in,
        named=(_FEED,),
        headers=(_KEY, _ONCE_KEY),
        needed=(SUPPLIER_KEY,),
        errors=(409,),
        scope="submit",
        audiences=AUDIENCES,
        tag=_TAG,
    ),
    Operation(
        method="POST",
        path=f"{COLLECTION}{{feed}}/validate",
        name="validateChildren",
        title="Check records and keep nothing",
        words="What the door and every rule would say of these records, each looked at by itself: what is held of the "
        "children already is left out of account.",
        act=validate,
        gives=Validated,
        takes={JSON: CHILDREN_SCHEMA},
        before=may_try,
        named=(_FEED,),
        headers=(_KEY,),
        needed=(SUPPLIER_KEY,),
        scope="submit",
        audiences=AUDIENCES,
        tag=_TAG,
    ),
    Operation(
        method="POST",
        path=f"{COLLECTION}{{feed}}/child",
        name="readChildBack",
        title="Read back what is held of a child",
        words="The merged record as the council's own systems may see it, what is no longer sent, and what is wrong.",
        act=read_back,
        gives=ChildHeld,
        body=ChildAsked,
        named=(_FEED,),
        errors=(404,),
        scope="submit",
        audiences=AUDIENCES,
        tag=_TAG,
    ),
    Operation(
        method="GET",
        path=f"{COLLECTION}{{feed}}/requests/{{request_id}}",
        name="requestTold",
        title="What became of a request",
        words="Counts, and why records were not taken; nothing of a child.",
        act=request_told,
        gives=RequestTold,
        named=(_FEED, _REQUEST),
        errors=(404,),
        scope="submit",
        audiences=AUDIENCES,
        tag=_TAG,
    ),
    Operation(
        method="GET",
        path=f"{COLLECTION}{{feed}}/errors",
        name="openErrors",
        title="What is wrong with the records held",
        words="Every open problem by child and rule, some at a time.",
        act=errors_told,
        gives=ErrorsPage,
        named=(_FEED,),
        asked=(_AFTER, _LIMIT),
        errors=(404,),
        scope="submit",
        audiences=AUDIENCES,
        tag=_TAG,
    ),
)
