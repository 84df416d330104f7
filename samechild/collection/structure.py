"""Reads what a council sends, strictly, and says everything that is wrong with it where it is wrong.

What must hold is declared once, by the types in :mod:`samechild.collection.records`; the rules here only name it. Code
sets are not looked at: a wrong code is kept and told the council afterwards, a wrong shape is refused at the door.
A fault names a place, never a value. Sources: the Department for Education's specification 1.0.1; RFC 8259 (JSON), RFC
6901 (JSON pointer); what both published clients make of an error, for :func:`told`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from samechild.collection.records import KEYS, MOST_CHILDREN, Child, Fault
from samechild.collection.rules.structural import STRUCTURAL as STRUCTURAL
from samechild.collection.rules.structural import mends
from samechild.collection.shape import Twice, Wrong, faults_of
from samechild.errors import Invalid

LONGEST_NUMBER = 15
"""Digits of a number: nothing that is sent has more."""

LONGEST_RECORD = 256 * 1024
"""Bytes of one record: a complex one has about 5,000."""

TOLD = 3
"""So many faults of one child stand in its line of :func:`told`: clients keep only the beginning."""

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\n\r]*")
_CHILD = msgspec.json.Decoder(Child)


class Read(msgspec.Struct, frozen=True):
    """What was read of a body: each record's bytes as received, what they say (None: not to be taken), and why not.

    ``slices`` and ``children`` are as many as there are records, or none when the body as a whole cannot be used (a
    fault at position -1). ``flags`` tell of what is taken all the same: the same child twice.
    """

    slices: tuple[bytes, ...]
    children: tuple[Child | None, ...]
    faults: tuple[Fault, ...]
    flags: tuple[Fault, ...] = ()


# --- reading ----------------------------------------------------------------------------------------------------------


def read_batch(body: bytes, *, most: int = MOST_CHILDREN, long_ids: bool = False) -> Read:
    """Read the children of one request: a JSON array in UTF-8 of at most ``most`` records.

    Args:
        body: the bytes as they came; a byte order mark is taken off.
        most: so many records are taken at once.
        long_ids: whether an authority's own id may have up to 36 characters with _ and -, as until version 1.0.0.
    """
    pieces = split(body, most)
    if isinstance(pieces, Fault):
        return Read((), (), (pieces,))
    return _whole_read([(each.raw, *_read(each, long_ids)) for each in pieces])


def read_lines(lines: Iterable[bytes], *, long_ids: bool = False) -> Read:
    """Read records that stand each by itself (a line of NDJSON); one that cannot be read leaves the others alone."""
    pieces = [_alone(line.removeprefix(_BOM).strip(b" \t\r\n")) for line in lines]
    return _whole_read([(each.raw, *_read(each, long_ids)) for each in pieces])


class Piece(msgspec.Struct, frozen=True):
    """One record of a body: its bytes as received, decoded, and why it is no text that can be read, if so.

    ``twice`` says that an object in it names a property more than once.
    """

    raw: bytes
    tree: Any = None
    twice: bool = False
    wrong: tuple[Wrong, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether what a decoder of the types makes of the bytes is all there is to say."""
        return not (self.wrong or self.twice or b"null" in self.raw or b"\\u0000" in self.raw)


def split(body: bytes, most: int) -> list[Piece] | Fault:
    """The records of a body that is a JSON array in UTF-8, whatever they are about; or what is wrong with the whole."""
    plain = body.removeprefix(_BOM)
    text, coding = _text(plain)
    if coding == "utf-16":
        return _nothing("STR-03", "Send the body as UTF-8: it looks like UTF-16.")
    odd: list[bool] = []
    found: list[Piece] = []
    try:
        for record, tree in _records(text, _decoder(odd)):
            if len(found) == most:
                return _nothing("STR-02", mends()["STR-02"] if most == MOST_CHILDREN else f"Send at most {most}.")
            found.append(Piece(record.encode(coding), tree, bool(odd)))
            odd.clear()
    except Invalid as error:
        return _nothing("STR-01", str(error)) if coding == "utf-8" else _nothing("STR-03", _not_utf_8(plain))
    return found if coding == "utf-8" else [_alone(each.raw) for each in found]


def _whole_read(records: Sequence[tuple[bytes, Child | None, list[Wrong]]]) -> Read:
    faults = (Fault(at, *each) for at, (_, _, wrong) in enumerate(records) for each in wrong)
    children = tuple(child for _, child, _ in records)
    return Read(tuple(raw for raw, _, _ in records), children, tuple(faults), tuple(_again(children)))


def _nothing(rule: str, words: str) -> Fault:
    return Fault(-1, "", rule, words)


def _text(body: bytes) -> tuple[str, str]:
    """The body as text, and its encoding; what is not UTF-8 is read byte by byte, to tell which records it spoils."""
    if b"\x00" in body[:4] or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "", "utf-16"
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"


def _not_utf_8(body: bytes) -> str:
    """What to do about text in another encoding, with the likely cause."""
    try:
        body.decode("cp1252")
    except UnicodeDecodeError:
        return "Send the text as UTF-8: it is neither that nor Windows-1252."
    return "Send the bytes of UTF-8: this is Windows-1252 or ISO-8859-1, which older PowerShell sends by itself."


def _decoder(odd: list[bool]) -> json.JSONDecoder:
    """A decoder that notes in ``odd`` when an object names a property twice."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        odd.append(True)
        return Twice(found, [name for name, count in Counter(name for name, _ in pairs).items() if count > 1])

    return json.JSONDecoder(object_pairs_hook=made, parse_int=_integer, parse_float=_decimal, parse_constant=_constant)


class _Number:
    """A number that nobody can mean: endlessly long."""


def _integer(text: str) -> int | _Number:
    return int(text) if len(text) <= LONGEST_NUMBER else _Number()


def _decimal(text: str) -> float | _Number:
    return float(text) if len(text) <= LONGEST_NUMBER else _Number()


def _constant(name: str) -> Any:
    raise Invalid("The body is not JSON: NaN and Infinity are no numbers there.")


def _records(text: str, decoder: json.JSONDecoder) -> Iterator[tuple[str, Any]]:
    """The records of a JSON array one after the other, each as it stands there and decoded.

    Raises:
        Invalid: when it is no array or breaks off; what was yielded before stood there well.
    """
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        is_one = text[at : at + 1] == "{"
        raise Invalid(
            "Send a JSON array of children, even for one child." if is_one else "Send a JSON array of children."
        )
    at = _after_space(text, at + 1)
    more = text[at : at + 1] != "]"
    while more:
        tree, end = _decoded(text, at, decoder)
        yield text[at:end], tree
        at = _after_space(text, end)
        more = text[at : at + 1] == ","
        at = _after_space(text, at + 1) if more else at
    if text[at : at + 1] != "]":
        raise Invalid(_where(text, at))
    if _after_space(text, at + 1) != len(text):
        raise Invalid("The body is not JSON: something follows the array.")


def _decoded(text: str, at: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    """One JSON value and where it ends.

    Raises:
        Invalid: when there is none that can be read.
    """
    try:
        return decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise Invalid(_where(text, error.pos)) from None
    except RecursionError:
        raise Invalid("The body is nested too deeply to be read.") from None


def _where(text: str, at: int) -> str:
    line, character = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"The body is not JSON: it cannot be read on from line {line}, character {character}."


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _alone(raw: bytes) -> Piece:
    """Decode one record from its bytes."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return Piece(raw, wrong=(("", "STR-03", _not_utf_8(raw)),))
    odd: list[bool] = []
    try:
        tree, end = _decoded(text, 0, _decoder(odd))
    except Invalid:
        return Piece(raw, wrong=(("", "STR-01", "Send it as JSON: it cannot be read, or is nested too deeply."),))
    if end != len(text):
        return Piece(raw, wrong=(("", "STR-01", "Send one record at a time: something follows it."),))
    return Piece(raw, tree, bool(odd))


def _read(piece: Piece, long_ids: bool) -> tuple[Child | None, list[Wrong]]:
    """What a record says, or what is wrong with it: the quick way for what is right, the slow one for the rest."""
    raw, tree = piece.raw, piece.tree
    if piece.wrong:
        return None, list(piece.wrong)
    if len(raw) > LONGEST_RECORD:
        return None, [("", "STR-06", f"Send at most {LONGEST_RECORD} bytes about one child.")]
    try:
        child = _CHILD.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        child = None
    if child is not None and piece.plain and not _repeats(child):
        return child, []
    wrong = faults_of(tree, long_ids=long_ids)
    if not wrong and child is None and long_ids:
        child = _with_long_id(tree)
    if not wrong and child is None:
        wrong = [("", "STR-06", mends()["STR-06"])]
    return (None, wrong) if wrong else (child, [])


def _with_long_id(tree: dict[str, Any]) -> Child | None:
    """A child whose id is longer than the type allows."""
    try:
        child = msgspec.convert({**tree, "la_child_id": "0"}, Child)
    except msgspec.ValidationError:
        return None
    return msgspec.structs.replace(child, la_child_id=tree["la_child_id"])


def _repeats(child: Child) -> bool:
    """Whether a list of codes names one twice."""
    details = child.child_details
    codes = [details.disabilities] if details is not None and details.disabilities else []
    for episode in child.social_care_episodes or ():
        codes += [each.factors for each in episode.child_and_family_assessments or () if each.factors]
    return any(len(set(each)) != len(each) for each in codes)


def _again(children: Iterable[Child | None]) -> Iterator[Fault]:
    """Flag a child that stands in one request more than once."""
    seen: set[str] = set()
    for position, child in enumerate(children):
        if child is not None and child.la_child_id in seen:
            yield Fault(position, "/la_child_id", "STR-22", mends()["STR-22"])
        if child is not None:
            seen.add(child.la_child_id)


# --- telling ----------------------------------------------------------------------------------------------------------


def told(faults: Iterable[Fault]) -> str:
    """Say what is wrong in the words of an error that the sector's clients read: one line for each failing child.

    Both published clients take every whole number in square brackets, wherever it stands, for the position of a failing
    record, and the Python one keeps 500 characters: so the position of the record stands in brackets and nothing else
    does, and what to do follows at once.
    """
    lines: dict[int, list[Fault]] = {}
    for fault in faults:
        lines.setdefault(fault.position, []).append(fault)
    return "\n".join(_line(position, its) for position, its in sorted(lines.items()))


def _line(position: int, faults: Sequence[Fault]) -> str:
    text = "; ".join(_one(each) for each in faults[:TOLD])
    more = f"; and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
    return f"{f'[{position}] ' if position >= 0 else ''}{text}{more}"


def _one(fault: Fault) -> str:
    place, words = in_words(fault.place), fault.words.removesuffix(".")
    return f"{place}: {words[:1].lower()}{words[1:]} ({fault.rule})" if place else f"{words} ({fault.rule})"


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ONE_OF = {
    **{items: key.removesuffix("_id").replace("_", " ") for items, key in KEYS.items()},
    "social_care_episodes": "episode",
    "care_worker_details": "worker",
    "sdq_assessments": "SDQ assessment",
    "disabilities": "disability",
    "marks": "mark",
    "factors": "factor",
}


def in_words(place: str) -> str:
    """A place of a record as a person reads it: ``in its second episode, referral_date``, or ``child_details.sex``."""
    steps, words, inside = place.split("/")[1:], [], False
    for number, step in enumerate(steps):
        if step.isdigit():
            continue
        after = steps[number + 1] if number + 1 < len(steps) else ""
        words.append(_nth(int(after), _ONE_OF.get(step, step)) if after.isdigit() else step)
        inside = inside or after.isdigit()
    if not inside:
        return ".".join(words)
    return "in its " + ", ".join(word for word in words if word != "health_and_wellbeing")


def _nth(number: int, what: str) -> str:
    return f"{_ORDINALS[number]} {what}" if number < len(_ORDINALS) else f"{what} number {number + 1}"
