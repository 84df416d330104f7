"""One request of a council's system: whether it may send at all, taking what it sends, and the two ways of refusing.

Both published clients of the sector are answered in the form they read; whoever asks for more by a header gets it.
Sources: RFC 9457 (problem details), RFC 7240 (Prefer), the draft on the Idempotency-Key header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from samechild.collection.feeds import takes_long_ids
from samechild.collection.receiving import Sending, let, receive
from samechild.collection.records import Fault, Taken
from samechild.collection.structure import Read, read_batch, told
from samechild.errors import Invalid, Missing, Refused
from samechild.policy.people.organisations import SANDBOX
from samechild.web.collection_shapes import PartlyTaken, Refusal, faults_told
from samechild.web.faults import PLAIN, PROBLEM
from samechild.web.index_operations import asker_of
from samechild.web.operations import JSON, Call

SUPPLIER_KEY = "SupplierKey"
ONCE = "Idempotency-Key"
PREFER = "Prefer"
_ONCE = re.compile(r'"?([!#-\[\]-~]{1,200})"?')
_NOTHING = Read((), (), ())


def sending_of(call: Call, body: Read = _NOTHING, *, sandbox: bool = False) -> Sending:
    """One request as the collection takes it.

    Raises:
        Invalid: when the idempotency key is not such.
    """
    authority, tried = feed_named(call)
    return Sending(
        authority=authority,
        sandbox=sandbox or tried,
        body=body,
        request_id=call.reference,
        sent_bytes=len(call.raw),
        supplier_key=call.headers.get(SUPPLIER_KEY, ""),
        idempotency_key=_once(call),
        partial=_is_lenient(call),
        digest=call.raw,
        began=call.began,
    )


def feed_named(call: Call) -> tuple[str, bool]:
    """The authority that the address names, and whether its sandbox."""
    name = call.named.get("feed", "")
    return call.named.get("la_code", "") or name.removesuffix(SANDBOX), name.endswith(SANDBOX)


def _once(call: Call) -> str:
    given = call.headers.get(ONCE, "").strip()
    found = _ONCE.fullmatch(given)
    if given and found is None:
        raise Invalid(f"{ONCE} has 1 to 200 letters, digits or signs, without spaces.")
    return found.group(1) if found else ""


def _is_lenient(call: Call) -> bool:
    wishes = re.split(r"[,;]", call.headers.get(PREFER, "").lower())
    return any(wish.replace('"', "").replace(" ", "") == "handling=lenient" for wish in wishes)


def let_in(call: Call, *, sandbox: bool = False) -> None:
    """Ask whether a system may send here at all, before anything of what it sends is read.

    Raises:
        Refused: when it may not, also where there is no such feed: who may not send learns nothing of others.
    """
    try:
        let(call.shell.store, asker_of(call), sending_of(call, sandbox=sandbox), call.now)
    except Missing as error:
        raise Refused(str(error)) from None


def submit(call: Call, *, sandbox: bool = False) -> Response:
    """Take a day's records: receipts as both published clients read them, or why nothing was taken."""
    authority, tried = feed_named(call)
    long_ids = takes_long_ids(call.shell.store, authority, sandbox or tried)
    sending = sending_of(call, read_batch(call.raw, long_ids=long_ids), sandbox=sandbox)
    taken = receive(call.shell.store, asker_of(call), sending, call.now, call.shell.random)
    return answer_of(call, sending, taken)


def answer_of(call: Call, sending: Sending, taken: Taken) -> Response:
    """The answer to a request: its receipts, what of it was taken where that was asked for, or why nothing was."""
    if taken.faults and not taken.receipts:
        return refusal(call, taken.faults)
    if sending.partial:
        body = msgspec.json.encode(partly(taken))
        return Response(body, media_type=JSON, headers={"preference-applied": "handling=lenient"})
    return Response(msgspec.json.encode(taken.receipts), media_type=JSON)


def partly(taken: Taken) -> PartlyTaken:
    """What was taken of a request, and what was not."""
    return PartlyTaken(
        receipts=[each or None for each in taken.receipts],
        errors=faults_told(taken.faults),
        flags=faults_told(taken.flags),
        unchanged=taken.unchanged,
    )


def refusal(call: Call, faults: Sequence[Fault]) -> Response:
    """Say why nothing was taken: as text with the positions in brackets, or as problem details where asked for."""
    too_many = {each.rule for each in faults} == {"STR-02"}
    status = 413 if too_many else 400
    if PROBLEM not in call.headers.get("accept", "").lower():
        return Response(told(faults), status, media_type=PLAIN)
    told_so = Refusal(
        type=f"urn:samechild:problem:{'too-large' if too_many else 'records'}",
        title="Too many children at once" if too_many else "Some records cannot be taken, so none was",
        status=status,
        detail="Mend what `errors` names and send the request again.",
        reference=call.reference,
        errors=faults_told(faults),
    )
    return Response(msgspec.json.encode(told_so), status, media_type=PROBLEM)
