"""Sending one batch of children and finding out, child by child, what became of it.

A service refuses a whole batch when one record in it is malformed, and names the record in its text. The others must
not wait a day for it: the named ones are put aside and the rest is sent again at once. Where nobody is named, the batch
is halved until the one at fault stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from samechild.collection.send.connection import Answer, Connection, meaning
from samechild.collection.send.deltas import Print
from samechild.errors import Invalid, Refused, Unauthenticated, Unavailable

LONGEST_WORDS = 500
"""Characters of a service's words about one child that stand in the report."""

_RECEIPT = re.compile(r"[0-9A-Za-z:._-]{8,200}")
_AT_ROOT = re.compile(r"(?<![\w\]\"'])\[(\d{1,4})\]")
_ANYWHERE = re.compile(r"\[(\d{1,4})\]")


class Item(msgspec.Struct, frozen=True):
    """One child as it is sent: its id, its JSON, and the fingerprints that hold once it is kept (None: a purge)."""

    la_child_id: str
    body: bytes
    print: Print | None


class Delivered(msgspec.Struct, frozen=True):
    """What became of one child: kept with a receipt, refused with the service's words, or neither is sure."""

    item: Item
    kept: bool
    receipt: str = ""
    words: str = ""
    sure: bool = True
    request_id: str = ""


class Failing(Unavailable):
    """The service fails at this batch; another may pass."""


def body_of(items: Sequence[Item]) -> bytes:
    """The request's body: a JSON array, also for one child."""
    return b"[" + b",".join(item.body for item in items) + b"]"


def deliver(connection: Connection, items: Sequence[Item]) -> Iterator[Delivered]:
    """Send a batch and say of every child in it what became of it.

    Raises:
        Unauthenticated, Refused: when the service lets this client send nothing.
        Invalid: when the address is none that takes children.
        Unavailable: when there is no answer after every try.
    """
    if not items:
        return
    answer = connection.post(body_of(items))
    if answer.status == 200:
        yield from _receipts(answer, items)
    elif answer.status in (400, 413, 415, 422):
        yield from _refused(connection, answer, items)
    elif answer.status == 204:
        yield from (Delivered(item, False, words=meaning(answer), sure=False) for item in items)
    else:
        _stop(answer)


def _stop(answer: Answer) -> None:
    said = f"The service refused: {meaning(answer)}."
    if answer.status == 401:
        raise Unauthenticated(said)
    if answer.status == 403:
        raise Refused(said)
    if answer.status in (0, 429):
        raise Unavailable(f"Nothing more can be sent now: {meaning(answer)}. The next run goes on from here.")
    if answer.status >= 500 or answer.status == 408:
        raise Failing(f"Some children were not answered for: {meaning(answer)}. The next run sends them again.")
    raise Invalid(said)


def _receipts(answer: Answer, items: Sequence[Item]) -> Iterator[Delivered]:
    receipts = receipts_in(answer.text, len(items))
    if receipts is None:
        words = "The service answered 200 without a receipt for each child: whether they were kept is not sure."
        yield from (Delivered(item, False, words=words, sure=False, request_id=answer.request_id) for item in items)
        return
    for item, receipt in zip(items, receipts, strict=True):
        yield Delivered(item, True, receipt, request_id=answer.request_id)


def receipts_in(text: str, count: int) -> list[str] | None:
    """The receipts of an answer, one for each child in order; None when it cannot be read so.

    Read are the three forms in use: a JSON array, words apart by blanks, and the one id of the published specification,
    which then stands for every child of the batch.
    """
    try:
        told = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        told = text.split()
    if isinstance(told, str):
        told = [told] * count
    if not isinstance(told, list) or not all(isinstance(each, str) and _RECEIPT.fullmatch(each) for each in told):
        return None
    if len(told) == 1 and count > 1 and "_" not in told[0]:
        told = told * count
    return told if len(told) == count else None


def _refused(connection: Connection, answer: Answer, items: Sequence[Item]) -> Iterator[Delivered]:
    """Put aside the children a refusal names, and send the others again."""
    blamed = blamed_in(answer, len(items)) if answer.status != 413 else {}
    if len(items) == 1:
        words = blamed.get(0) or _shortened(answer.text) or meaning(answer)
        yield Delivered(items[0], False, words=words, request_id=answer.request_id)
    elif blamed:
        for position, words in sorted(blamed.items()):
            yield Delivered(items[position], False, words=words, request_id=answer.request_id)
        yield from deliver(connection, [item for at, item in enumerate(items) if at not in blamed])
    else:
        middle = len(items) // 2
        yield from deliver(connection, items[:middle])
        yield from deliver(connection, items[middle:])


class _Fault(msgspec.Struct):
    position: int = -1
    pointer: str = ""
    rule: str = ""
    detail: str = ""


class _Problem(msgspec.Struct):
    errors: list[_Fault] = []


def blamed_in(answer: Answer, count: int) -> dict[int, str]:
    """Which records of a batch a refusal names, each with the words about it.

    Read are problem details (RFC 9457) with positions, and text in which a record's position stands in square
    brackets; brackets behind a name, as in ``episodes[0]``, count only when there are no others.
    """
    if "problem+json" in answer.content_type:
        try:
            faults = msgspec.json.decode(answer.text, type=_Problem).errors
        except (msgspec.MsgspecError, RecursionError):
            faults = []
        found: dict[int, list[str]] = {}
        for fault in faults:
            if 0 <= fault.position < count:
                found.setdefault(fault.position, []).append(f"{fault.rule}: {fault.pointer} {fault.detail}".strip())
        if found:
            return {position: _shortened("; ".join(words)) for position, words in found.items()}
    for pattern in (_AT_ROOT, _ANYWHERE):
        named = {position for text in pattern.findall(answer.text) if (position := int(text)) < count}
        if named:
            return {position: _about(answer.text, position, pattern) for position in named}
    return {}


def _about(text: str, position: int, pattern: re.Pattern[str]) -> str:
    """The lines of a refusal that speak of one record."""
    lines = [line for line in text.splitlines() if str(position) in pattern.findall(line)]
    return _shortened(" ".join(lines))


def _shortened(words: str) -> str:
    return " ".join(words.split())[:LONGEST_WORDS]
