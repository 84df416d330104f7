"""What officers do about retention: place and lift holds, decide what came up for review, dispose of what has run out.

Each is in the ledger before it counts. A hold counts at once: nothing it covers is destroyed from then on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from samechild.errors import Invalid, Missing
from samechild.keys.actions import salt_of_child
from samechild.keys.seal import Random
from samechild.policy.ledger import append
from samechild.policy.retention import store as retention_store
from samechild.policy.retention.erasure import Erased, Tables, Why, classes_held, erase
from samechild.policy.retention.periods import Act, Disposal, Facts, Hold, HoldKind, Review, Schedule, due
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

RETENTION = "retention"
"""The kind of ledger entry about holds and reviews."""

_CODE = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,39}")
_REASON = re.compile(r"[a-z][a-z-]{0,39}")


def place_hold(
    store: Store, who: Asker, kind: HoldKind, reference: str, now: datetime, random: Random, record_key: str = ""
) -> Hold:
    """Forbid destroying anything of one child, or without ``record_key`` anything the officer's organisation holds.

    Args:
        store: the open installation.
        who: the officer; only their own organisation's records are held.
        kind: what asks for it.
        reference: the number of the file or inquiry, never a name: capital letters, digits, points, strokes.
        now: when.
        random: where the hold's id comes from.
        record_key: the child's record, or empty for everything.

    Raises:
        Invalid: when the reference has another form.
    """
    return _place(store, msgspec.structs.replace(_new(who, kind, reference, now, random), record_key=record_key), now)


def hold_class(
    store: Store, who: Asker, kind: HoldKind, reference: str, now: datetime, random: Random, retention: str
) -> Hold:
    """Forbid destroying any record of one retention class that the officer's organisation holds; as :func:`place_hold`.

    Raises:
        Invalid: when the reference has another form, or the class is empty.
    """
    if not retention:
        raise Invalid("Name the retention class that is held.")
    return _place(store, msgspec.structs.replace(_new(who, kind, reference, now, random), retention=retention), now)


def lift_hold(store: Store, who: Asker, hold: str, now: datetime) -> None:
    """Lift a hold of the officer's own organisation.

    Raises:
        Missing: when no such hold stands.
    """
    with store.read(Login.GATE) as connection:
        standing = {each.id for each in retention_store.standing_holds(connection, who.organisation)}
    if hold not in standing:
        raise Missing("There is no such hold, or it was lifted already.")
    append(store, RETENTION, {"stage": "hold-lifted", "hold": hold, **_by(who)}, now)
    with store.write(Login.GATE) as connection:
        retention_store.lift(connection, who.organisation, hold, who.user, now)


def decide_review(store: Store, review: Review, now: datetime) -> None:
    """Keep an officer's decision on records that came up: destroy them, or keep them until a day for a reason.

    Raises:
        Invalid: when the reason is no short code, or records are to be kept without a day in the future.
    """
    if not _REASON.fullmatch(review.reason):
        raise Invalid("Give the reason as a short code in small letters and hyphens, such as still-open.")
    if review.dispose == (review.keep_until is not None):
        raise Invalid("Either the records are destroyed, or they are kept until a day: say one of both.")
    if review.keep_until is not None and review.keep_until <= now.date():
        raise Invalid("The day until which records are kept must lie in the future.")
    until = review.keep_until.isoformat() if review.keep_until else ""
    with store.read(Login.GATE) as connection:
        reference = store.keys.reference(review.record_key, salt_of_child(connection, store.keys, review.record_key))
    body = {
        "stage": "review",
        "organisation": review.owner,
        "user": review.decided_by,
        "class": review.retention,
        "dispose": review.dispose,
        "until": until,
        "why": review.reason,
    }
    append(store, RETENTION, body, now, [reference])
    with store.write(Login.GATE) as connection:
        retention_store.keep_review(connection, review)


def waiting(store: Store, schedule: Schedule, facts: Sequence[Facts], now: datetime) -> list[Disposal]:
    """List what has run out, with the holds and decisions that are kept; ``facts`` are dates alone.

    See :func:`samechild.policy.retention.periods.due`.
    """
    complete: list[Facts] = []
    with store.read(Login.GATE) as connection:
        for owner in sorted({each.owner for each in facts}):
            own = [each for each in facts if each.owner == owner]
            holds = tuple(retention_store.standing_holds(connection, owner))
            reviews = retention_store.latest_reviews(connection, owner, sorted({each.record_key for each in own}))
            complete += [
                msgspec.structs.replace(each, holds=holds, review=reviews.get((each.record_key, each.retention)))
                for each in own
            ]
    return due(schedule, complete, now)


def dispose(
    store: Store, tables: Tables, schedule: Schedule, facts: Sequence[Facts], who: Asker, now: datetime
) -> Erased | None:
    """Erase the children of the officer's organisation all of whose records have run out; None when there are none.

    Erasing is of the whole child: one with any record that is to be kept, reviewed or held, or of a class that
    ``facts`` does not name, is left as it is.

    Raises:
        Refused: when a hold was placed meanwhile.
        Unavailable: as :func:`samechild.policy.retention.erasure.erase`.
    """
    own = [each for each in facts if each.owner == who.organisation]
    over = {(line.record_key, line.retention) for line in waiting(store, schedule, own, now) if line.act is Act.DISPOSE}
    held = classes_held(store, tables, who.organisation, sorted({key for key, _ in over}))
    stays = {
        key
        for key, kinds in held.items()
        for kind in kinds | {each.retention for each in own if each.record_key == key}
        if (key, kind) not in over and kind and not (kind in schedule and schedule[kind].follows)
    }
    gone = sorted(held.keys() - stays)
    return erase(store, tables, gone, Why.RETENTION, who, now) if gone else None


def _new(who: Asker, kind: HoldKind, reference: str, now: datetime, random: Random) -> Hold:
    if not _CODE.fullmatch(reference):
        raise Invalid("Give the number of the file or inquiry in capital letters, digits, points and strokes.")
    return Hold(
        id=random(16).hex(),
        owner=who.organisation,
        kind=kind,
        reference=reference,
        placed_by=who.user,
        placed_at=now,
    )


def _place(store: Store, hold: Hold, now: datetime) -> Hold:
    body = {
        "stage": "hold",
        "hold": hold.id,
        "kind": hold.kind.value,
        "class": hold.retention,
        "one-child": bool(hold.record_key),
        "organisation": hold.owner,
        "user": hold.placed_by,
    }
    append(store, RETENTION, body, now)
    with store.write(Login.GATE) as connection:
        retention_store.keep_hold(connection, hold)
    return hold


def _by(who: Asker) -> dict[str, str]:
    return {"organisation": who.organisation, "user": who.user}
