"""Bodies as nobody should send them: right ones bent, cut, nested, swollen and packed, the same for the same seed."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec

from collecting import a_payload

NDJSON = "application/x-ndjson"
JSON = "application/json"
SCRAPS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"true", b"-", b"1e999", b"NaN", b"\x00", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"\xc0\xaf", b"\r\n", b"/*", b"'", b"9" * 400,
    b"\xf0\x9f\x98",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**40, 1e300, "", " ", "\x00", "\u202e", "\ud800", "2024-02-30", "2024-02-29",
    "9" * 5000, "A" * 40, "../../etc", "'; DROP TABLE slices; --", "[2]", "%s%n{0}", [], {}, [[]], [None], {"": ""},
    {"purge": True}, [{"purge": True}], ["NONE", "NONE"], "0001-01-01", "9999-12-31",
)  # fmt: skip
NAMES = ("legal_status", "", "Purge", "referal_date", "\x00", "__class__", "a" * 2000)
CODINGS = ("utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "cp037", "utf-7", "utf-8-sig")


class Garbled(msgspec.Struct, frozen=True):
    """One body: how it was garbled, the media type and coding it says it has, and its bytes."""

    kind: str
    media: str
    coding: str
    body: bytes


def records(chance: random.Random) -> list[dict[str, Any]]:
    """Some children as they should be sent."""
    found = []
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        child = a_payload(
            f"F{chance.randrange(2000)}", details={"first_name": chance.choice(("Zoë", "Ana", "O’Neill"))}
        )
        episode = child["social_care_episodes"][0]
        episode["child_protection_plans"] = [{"child_protection_plan_id": "P1", "start_date": "2026-03-09"}]
        episode["care_worker_details"] = [{"worker_id": "W1", "start_date": "2026-03-02"}]
        child["health_and_wellbeing"] = {"sdq_assessments": [{"date": "2026-01-05", "score": 14}]}
        if chance.random() < 0.1:
            child = {"la_child_id": child["la_child_id"], "mis_child_id": None, "purge": True}
        found.append(child)
    return found


def garbled(chance: random.Random) -> Garbled:
    """One body, garbled in one or more ways."""
    kind = chance.choice(list(WAYS))
    as_lines = chance.random() < 0.15
    sent = records(chance)
    if kind in OF_TREES:
        for _ in range(chance.choice((1, 1, 2, 4))):
            OF_TREES[kind](sent, chance)
    text = json.dumps(sent, ensure_ascii=chance.random() < 0.5)
    if as_lines:
        text = "\n".join(json.dumps(each) for each in sent)
    body = text.encode("utf-8", "surrogatepass")
    if kind in OF_BYTES:
        body = OF_BYTES[kind](body, chance)
    coding = ""
    if as_lines and chance.random() < 0.4:
        coding, body = "gzip", packed(body, chance)
    return Garbled(kind, NDJSON if as_lines else JSON, coding, body)


def packed(body: bytes, chance: random.Random) -> bytes:
    """gzip, often not quite."""
    whole = gzip.compress(body, mtime=0)
    return chance.choice(
        (whole, whole, whole[: len(whole) // 2], whole + b"x", flipped(whole, chance), body, whole * 2)
    )


# --- bending what is sent ---------------------------------------------------------------------------------------------


def somewhere(value: Any, chance: random.Random) -> tuple[Any, Any] | None:
    """A container in a tree, and one of its keys or places."""
    places: list[tuple[Any, Any]] = []

    def walk(inside: Any) -> None:
        if isinstance(inside, dict):
            them: list[tuple[Any, Any]] = list(inside.items())
        elif isinstance(inside, list):
            them = list(enumerate(inside))
        else:
            return
        for name, each in them:
            places.append((inside, name))
            walk(each)

    walk(value)
    return chance.choice(places) if places else None


def exchanged(sent: list[Any], chance: random.Random) -> None:
    """Put another value in the place of one."""
    if place := somewhere(sent, chance):
        place[0][place[1]] = deepcopy(chance.choice(VALUES))


def taken_out(sent: list[Any], chance: random.Random) -> None:
    """Leave something out."""
    if place := somewhere(sent, chance):
        del place[0][place[1]]


def added(sent: list[Any], chance: random.Random) -> None:
    """Put in what nobody knows."""
    if place := somewhere(sent, chance):
        inside = place[0]
        if isinstance(inside, dict):
            inside[chance.choice(("legal_status", "", "Purge", "referal_date", "\x00", "__class__", "a" * 2000))] = (
                deepcopy(chance.choice(VALUES))
            )
        else:
            inside.insert(0, deepcopy(chance.choice(VALUES)))


def renamed(sent: list[Any], chance: random.Random) -> None:
    """Give a property the name of another."""
    place = somewhere(sent, chance)
    other = somewhere(sent, chance)
    if place and other and isinstance(place[0], dict) and isinstance(other[1], str):
        place[0][other[1]] = place[0].pop(place[1])


def repeated(sent: list[Any], chance: random.Random) -> None:
    """Send something many times over."""
    if (place := somewhere(sent, chance)) and isinstance(place[0], list):
        place[0].extend([place[0][place[1]]] * chance.choice((1, 2, 99, 500)))


def nested(sent: list[Any], chance: random.Random) -> None:
    """Nest something deeply."""
    if place := somewhere(sent, chance):
        inner: Any = place[0][place[1]]
        for _ in range(chance.choice((3, 40, 200))):
            inner = [inner] if chance.random() < 0.5 else {"child_details": inner}
        place[0][place[1]] = inner


def swollen(sent: list[Any], chance: random.Random) -> None:
    """Make a text or number enormous."""
    if place := somewhere(sent, chance):
        place[0][place[1]] = chance.choice(("x" * 100_000, 10**600, "é" * 5000, " " * 70_000))


def untouched(sent: list[Any], chance: random.Random) -> None:
    """Leave it as it should be."""


OF_TREES: dict[str, Callable[[list[Any], random.Random], None]] = {
    "exchanged": exchanged,
    "taken out": taken_out,
    "added": added,
    "renamed": renamed,
    "repeated": repeated,
    "nested": nested,
    "swollen": swollen,
    "untouched": untouched,
}

# --- bending bytes ----------------------------------------------------------------------------------------------------


def flipped(body: bytes, chance: random.Random) -> bytes:
    """Flip some bits."""
    bent = bytearray(body)
    for _ in range(chance.choice((1, 1, 3, 20))):
        if bent:
            bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
    return bytes(bent)


def cut(body: bytes, chance: random.Random) -> bytes:
    """Break off, or begin late."""
    at = chance.randrange(len(body) + 1)
    return chance.choice((body[:at], body[at:]))


def scrap_put_in(body: bytes, chance: random.Random) -> bytes:
    """Put scraps in."""
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(body) + 1)
        body = body[:at] + chance.choice(SCRAPS) + body[at:]
    return body


def piece_moved(body: bytes, chance: random.Random) -> bytes:
    """Take a piece out and put it in elsewhere, perhaps twice."""
    first, last = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    piece, rest = body[first:last], body[:first] + body[last:]
    at = chance.randrange(len(rest) + 1)
    return rest[:at] + piece * chance.choice((1, 2)) + rest[at:]


def named_twice(body: bytes, chance: random.Random) -> bytes:
    """Name a property a second time."""
    name = chance.choice((b'"la_child_id"', b'"purge"', b'"child_details"', b'"start_date"'))
    return body.replace(name, name + b": " + chance.choice((b"null", b'"Z9"', b"{}", b"true")) + b", " + name)


def coded(body: bytes, chance: random.Random) -> bytes:
    """Write it in another encoding."""
    return body.decode("utf-8", "replace").encode(chance.choice(CODINGS), "replace")


def bottomless(body: bytes, chance: random.Random) -> bytes:
    """Open brackets and never close them."""
    opened = chance.choice((b"[", b'{"a":', b'[{"child_details":'))
    return chance.choice((b"", body[:-1] + b",")) + opened * chance.choice((40, 2000, 30_000))


def many(body: bytes, chance: random.Random) -> bytes:
    """Send very many."""
    one = chance.choice((b"{}", b"null", b'{"la_child_id":"A"}', b"[]", b"1"))
    return b"[" + b",".join([one] * chance.choice((100, 101, 5000, 60_000))) + b"]"


def noise(body: bytes, chance: random.Random) -> bytes:
    """Send nothing that makes sense."""
    return chance.choice((b"", b" " * 50_000, b"\xff" * 3000, chance.randbytes(chance.choice((1, 50, 5000)))))


def packed_unasked(body: bytes, chance: random.Random) -> bytes:
    """Pack it and do not say so."""
    return gzip.compress(body, mtime=0)


OF_BYTES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flipped": flipped,
    "cut": cut,
    "scrap put in": scrap_put_in,
    "piece moved": piece_moved,
    "named twice": named_twice,
    "coded": coded,
    "bottomless": bottomless,
    "many": many,
    "noise": noise,
    "packed unasked": packed_unasked,
}
WAYS = (*OF_TREES, *OF_BYTES)
