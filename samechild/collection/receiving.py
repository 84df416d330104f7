"""Receiving what a council sends: whoever is given a receipt knows that the record is kept.

The decision stands in the ledger first. Then one transaction of the content vault is the commit point: each child's
slice, sealed as it came. Merging, checking and identifying follow from it, any time later and as often as needed. What
a child's last slice said word for word is not kept again: it is noted as seen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from samechild.collection import store as tables
from samechild.collection.beyond import beyond
from samechild.collection.feeds import NO_FEED, Sender, agreed, feed_of, may_send
from samechild.collection.records import Child, Fault, Feed, Taken
from samechild.collection.states import BASIS, RETENTION
from samechild.collection.structure import Read
from samechild.errors import Conflict, Missing, Refused, Unavailable
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.agreements import name_of
from samechild.policy.received import Both, both_keys, new_keys, sealed
from samechild.policy.records import Agreement
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

CHILD, SLICE, ONCE, BODY = "csc child", "csc slice", "csc idempotency", "csc body"
"""What tokens are made for: an authority's own id of a child, a slice, an idempotency key, a whole body."""

WAITING = "collection.waiting"
"""Where a store remembers whose submissions came in this process, so that they are worked off at once."""

SUBMISSION = "submission"
"""The kind of ledger entry about what councils send."""

_TRIES = 5


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came: for which authority, what was read of its body, and how it is to be taken.

    ``partial`` takes the records that can be taken and tells of the others; without it one fault refuses them all.
    ``began`` is when the request began, by ``time.perf_counter``.
    """

    authority: str
    body: Read
    request_id: str
    sent_bytes: int
    supplier_key: str
    sandbox: bool = False
    idempotency_key: str = ""
    partial: bool = False
    digest: bytes = b""
    began: float = 0.0


class _Raced(Exception):
    """Somebody else kept one of these children first: look again."""


def receive(store: Store, by: Asker, sending: Sending, now: datetime, random: Random) -> Taken:
    """Take what a council's system sends, or say why not; what has a receipt is kept.

    Args:
        store: the open installation.
        by: the system that sends.
        sending: the request as it was read.
        now: when it came.
        random: where random bytes come from.

    Returns:
        A receipt for each record, in the order sent; none at all when something is wrong and not ``partial``.

    Raises:
        Missing, Refused: when there is no such feed, the system may not send for it, or no agreement is in force; the
            refusal stands in the ledger.
        Conflict: when the idempotency key came before with another body.
        Unavailable: when it cannot be kept now: nothing was.
    """
    leave = let(store, by, sending, now)
    faults, flags = list(sending.body.faults), list(sending.body.flags)
    for position, child in enumerate(sending.body.children):
        if child is not None:
            refused, flagged = beyond(leave.feed, child, now.date())
            faults += [msgspec.structs.replace(each, position=position) for each in refused]
            flags += [msgspec.structs.replace(each, position=position) for each in flagged]
    return take(store, by, leave, sending, faults, flags, now, random)


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """That a system may send for a feed now, under which agreement; how long what it sends is kept."""

    feed: Feed
    sender: Sender
    agreement: Agreement
    retention: str


def let(
    store: Store, by: Asker, sending: Sending, now: datetime, *, attendance: bool = False, retention: str = RETENTION
) -> Leave:
    """Let a system send for a feed, or say why not; a refusal stands in the ledger.

    ``attendance``: for a school's register, not for a council's children; ``retention`` is the class it is kept under.

    Raises:
        Missing, Refused: as :func:`receive`.
    """
    try:
        feed = feed_of(store, sending.authority, sending.sandbox, now)
        if feed.attendance is not attendance:
            raise Missing(NO_FEED)
        sender = may_send(store, by, feed, sending.supplier_key, now)
        return Leave(feed=feed, sender=sender, agreement=agreed(store, feed, now), retention=retention)
    except (Refused, Missing) as error:
        _tell(store, by, {"refused": type(error).__name__, "authority": sending.authority}, now)
        raise


def take(
    store: Store,
    by: Asker,
    leave: Leave,
    sending: Sending,
    faults: Sequence[Fault],
    flags: Sequence[Fault],
    now: datetime,
    random: Random,
) -> Taken:
    """Keep the records of a request that have no fault, whatever they are about; as :func:`receive`.

    Of each record only its own id (``la_child_id``) and whether it asks for a purge are looked at.
    """
    bad = {fault.position for fault in faults}
    nothing = -1 in bad or (bad and not sending.partial)
    them = [] if nothing else [(at, each) for at, each in enumerate(sending.body.children) if each and at not in bad]
    told: dict[str, Any] = {"feed": leave.feed.feed, "agreement": name_of(leave.agreement)}
    told |= {"request": sending.request_id, "supplier": leave.sender.supplier}
    for number in range(_TRIES):
        before = _sent_before(store, leave.feed, sending)
        if before is not None:
            return before
        if number == 0:
            _tell(store, by, told | {"records": len(them), "refused": len(bad)}, now)
        with suppress(_Raced, Missing, Conflict):
            return _kept(store, leave, sending, them, faults, flags, now, random)
    raise Unavailable("The same children are being sent by somebody else at this moment: send again.")


def token_of(store: Store, feed: Feed, la_child_id: str) -> str:
    """The token by which a child of a feed is known."""
    return store.keys.token(CHILD, f"{feed.feed}\x1f{la_child_id}")


def tokens_of(store: Store, feed: Feed, la_child_id: str) -> list[str]:
    """The tokens by which a child of a feed may be known: one for each version of the key."""
    return store.keys.tokens(CHILD, f"{feed.feed}\x1f{la_child_id}")


def _tell(store: Store, by: Asker, body: Mapping[str, Any], now: datetime) -> None:
    ledger.append(store, SUBMISSION, {"by": by.user, "by_organisation": by.organisation, **body}, now)


def _sent_before(store: Store, feed: Feed, sending: Sending) -> Taken | None:
    """The answer given when the same idempotency key came before."""
    if not sending.idempotency_key:
        return None
    tokens = store.keys.tokens(ONCE, sending.idempotency_key)
    with store.read(Login.CONTENT, feed.owner) as connection:
        row = tables.submission_once(connection, feed.owner, tokens)
    if row is None:
        return None
    if row.digest not in store.keys.tokens(BODY, sha256(sending.digest).hexdigest()):
        raise Conflict("This Idempotency-Key came before with another body: use a new key for each body.")
    receipts = msgspec.json.decode(row.receipts, type=tuple[str, ...])
    faults = msgspec.json.decode(row.faults, type=tuple[Fault, ...])
    return Taken(submission=row.submission, receipts=receipts, faults=faults, unchanged=row.unchanged, again=True)


class _Slice(msgspec.Struct, kw_only=True):
    """One record on its way: where it stood, which child's it is, and what became of it."""

    position: int
    raw: bytes
    token: str
    digest: str
    purge: bool
    record_key: str = ""
    unchanged: bool = False
    unknown: bool = False  # a purge of a child nobody knows: nothing to keep
    fresh: bool = False


def _kept(
    store: Store,
    leave: Leave,
    sending: Sending,
    them: Sequence[tuple[int, Child]],
    faults: Sequence[Fault],
    flags: Sequence[Fault],
    now: datetime,
    random: Random,
) -> Taken:
    """Keep the slices in one transaction.

    Raises:
        _Raced: when another request kept one of the children first.
        Missing: when one of them was erased meanwhile.
    """
    feed = leave.feed
    its = [_slice(store, feed, sending.body.slices[at], at, child) for at, child in them]
    with store.read(Login.CONTENT, feed.owner) as connection:
        known = _known(store, feed, connection, them)
    _place(its, known, random)
    fresh = list(dict.fromkeys(each.record_key for each in its if each.fresh))
    keys = new_keys(store, fresh)
    keys |= both_keys(store, [each.record_key for each in its if not (each.fresh or each.unchanged or each.unknown)])
    if any(each.record_key not in keys for each in its if not (each.unchanged or each.unknown)):
        raise _Raced
    submission, stamp = random(16).hex(), f"{now:%Y-%m-%d_%H:%M:%S}.{now.microsecond // 10_000:02}"
    receipts = [""] * len(sending.body.children)
    rows, names = [], {each.position: random(16).hex() for each in its}
    for each in its:
        written = names[each.position]
        receipts[each.position] = f"{stamp}_{_uuid(written)}.json"
    digest = store.keys.token(BODY, sha256(sending.digest).hexdigest())
    with store.write(Login.CONTENT, feed.owner) as connection:
        tables.hold(connection, feed.owner)
        now_known = _known(store, feed, connection, them)
        if {token: row.record_key for token, row in now_known.items()} != {t: r.record_key for t, r in known.items()}:
            raise _Raced
        number = tables.next_number(connection, feed.owner)
        rows = [
            _row(keys[each.record_key], leave, each, names[each.position], submission, number, now)
            for each in its
            if not (each.unchanged or each.unknown)
        ]
        tables.keep_slices(connection, rows)
        _note_children(connection, leave, its, now)
        changed = len(rows)
        tables.keep_submission(
            connection,
            submission=submission,
            owner=feed.owner,
            number=number,
            feed=feed.feed,
            client=leave.sender.client,
            request=sending.request_id,
            once=store.keys.token(ONCE, sending.idempotency_key) if sending.idempotency_key else submission,
            digest=digest,
            received_at=now,
            received_on=now.date().isoformat(),
            bytes=sending.sent_bytes,
            records=len(sending.body.children),
            changed=changed,
            unchanged=sum(each.unchanged for each in its),
            refused=len({fault.position for fault in faults if fault.position >= 0}),
            faults=msgspec.json.encode(list(faults)[:500]).decode(),
            receipts=msgspec.json.encode(receipts if its else []).decode(),
            milliseconds=round((time.perf_counter() - sending.began) * 1000) if sending.began else 0,
            status=200 if its or not faults else 400,
            state="received" if rows else "done",
            done_at=None if rows else now,
        )
    if rows:
        store.memory.setdefault(WAITING, set()).add(feed.owner)
    return Taken(
        submission=submission,
        receipts=tuple(receipts) if its or not faults else (),
        faults=tuple(faults),
        unchanged=sum(each.unchanged for each in its),
        flags=tuple(flags),
    )


def _slice(store: Store, feed: Feed, raw: bytes, position: int, child: Child) -> _Slice:
    return _Slice(
        position=position,
        raw=raw,
        token=token_of(store, feed, child.la_child_id),
        digest=store.keys.token(SLICE, sha256(raw).hexdigest()),
        purge=bool(child.purge),
    )


def _known(store: Store, feed: Feed, connection: Any, them: Sequence[tuple[int, Child]]) -> dict[str, Any]:
    """The children known already, by the token that counts now."""
    current: dict[str, str] = {}
    for _, child in them:
        for token in tokens_of(store, feed, child.la_child_id):
            current[token] = token_of(store, feed, child.la_child_id)
    rows = tables.children_by_token(connection, feed.owner, list(current))
    return {current[token]: row for token, row in rows.items()}


def _place(its: Sequence[_Slice], known: Mapping[str, Any], random: Random) -> None:
    """Say of each slice, in order, which child's it is and whether it says anything new."""
    here = {token: (row.record_key, row.digest) for token, row in known.items()}
    for each in its:
        found = here.get(each.token)
        if found is None and each.purge:
            each.unknown = True
            continue
        if found is None:
            each.record_key, each.fresh = random(16).hex(), True
        else:
            each.record_key = found[0]
            each.unchanged = found[1] == each.digest and not each.purge
        if each.purge:
            del here[each.token]
        else:
            here[each.token] = (each.record_key, each.digest)


def _row(
    keys: Both, leave: Leave, each: _Slice, name: str, submission: str, number: int, now: datetime
) -> dict[str, Any]:
    owner = leave.feed.owner
    return {
        "owner": owner,
        "record_key": each.record_key,
        "received_at": now,
        "basis": BASIS,
        "retention": leave.retention,
        "slice": name,
        "submission": submission,
        "number": number,
        "position": each.position,
        "sealed": sealed(keys.together, each.raw, "slices", "sealed", owner, each.record_key, name),
    }


def _note_children(connection: Any, leave: Leave, its: Sequence[_Slice], now: datetime) -> None:
    """Keep who is new, what is newest of the others, and who was sent again unchanged; let purged ids go."""
    feed = leave.feed
    new: dict[str, dict[str, Any]] = {}
    changed: dict[str, dict[str, Any]] = {}
    for each in its:
        if each.fresh:
            new[each.record_key] = {
                "owner": feed.owner,
                "record_key": each.record_key,
                "received_at": now,
                "basis": BASIS,
                "retention": leave.retention,
                "feed": feed.feed,
                "token": each.token,
                "digest": each.digest,
                "seen_at": now,
                "changed_at": now,
                "identified": 0,
            }
        elif each.record_key in new:
            new[each.record_key]["digest"] = each.digest
        elif not (each.unchanged or each.unknown):
            changed[each.record_key] = {"its_key": each.record_key, "digest": each.digest, "now": now}
    ended = [each.record_key for each in its if each.purge and not each.unknown]
    for key in ended:  # within one request: sent, then purged
        if key in new:
            new[key] |= {"token": f"purged:{key}", "digest": ""}
        else:
            tables.child_ended(connection, key)
    tables.keep_children(connection, list(new.values()))
    tables.children_changed(connection, [row for key, row in changed.items() if key not in ended])
    tables.children_seen(connection, feed.owner, [each.record_key for each in its if each.unchanged], now)


def _uuid(written: str) -> str:
    return f"{written[:8]}-{written[8:12]}-{written[12:16]}-{written[16:20]}-{written[20:]}"
