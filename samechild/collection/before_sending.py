"""Check children before they are sent, on the council's own machine: the same rules, codes and words as the receiver.

What has the wrong shape would be refused at the door, and its whole batch with it; the rest is merged as the receiver
merges it, and every rule is applied. A finding names the record by its position and the child by the authority's own
id, for the authority's own files; never by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

import msgspec

from samechild.collection.check import Problem, check
from samechild.collection.likeness import Likeness
from samechild.collection.merge import Held, child_of, merge
from samechild.collection.records import KEYS, Child, Fault
from samechild.collection.rules.catalogue import by_code
from samechild.collection.rules.days import window_start
from samechild.collection.rules.rule import At, Grade
from samechild.collection.structure import Read, read_batch, read_lines
from samechild.files.postcodes import NO_DIRECTORY, PostcodeDirectory

_AT_ONCE = 1000
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
LONGEST_ID = 36
NO_LIMIT = 10_000_000
"""So many records may stand in one file: a file is no request."""


class Finding(msgspec.Struct, frozen=True, order=True):
    """One problem of one record: which record (from 1; 0 is the file as a whole), whose, which rule, where in it.

    ``worker`` is who has the child's open episode, so that somebody can be asked.
    """

    record: int
    rule: str
    grade: Grade
    la_child_id: str = ""
    worker: str = ""
    mend: str = ""
    places: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """What is wrong, in words."""
        return by_code()[self.rule].message


class Report(msgspec.Struct, frozen=True):
    """What was found: how many records and children there are, and every problem in order of records.

    ``partial`` counts records that hold only what changed (an item with nothing but its id): what they leave out looks
    like missing here, because only the receiver holds the rest.
    """

    records: int
    children: int
    findings: tuple[Finding, ...]
    partial: int = 0

    @property
    def grades(self) -> Counter[Grade]:
        """How many problems there are of each grade."""
        return Counter(each.grade for each in self.findings)

    @property
    def found_errors(self) -> bool:
        """Whether something would be refused, or is an error."""
        return bool(self.grades[Grade.REJECT] or self.grades[Grade.ERROR])

    def by_rule(self) -> dict[str, list[Finding]]:
        """The problems of each rule, the worst and most frequent rules first."""
        found: dict[str, list[Finding]] = {}
        for each in self.findings:
            found.setdefault(each.rule, []).append(each)
        worst = list(Grade)
        return dict(
            sorted(found.items(), key=lambda item: (worst.index(item[1][0].grade), -len(item[1]), item[0])),
        )


def check_children(
    children: Iterable[tuple[int, Mapping[str, Any]]],
    today: date,
    *,
    months: int = 24,
    postcodes: PostcodeDirectory = NO_DIRECTORY,
    long_ids: bool = False,
) -> Report:
    """Check children given as decoded JSON, each with the number of its record (from 1).

    ``long_ids``: the receiver takes ids of children as before specification 1.0.1.
    """
    numbered = iter(children)
    whole = _Whole(today, window_start(today, months), postcodes)
    while some := list(islice(numbered, _AT_ONCE)):
        read = read_lines((msgspec.json.encode(tree) for _, tree in some), long_ids=long_ids)
        numbers = [number for number, _ in some]
        whole.take(read, numbers.__getitem__)
    return whole.report()


def check_body(body: bytes, today: date, *, months: int = 24, postcodes: PostcodeDirectory = NO_DIRECTORY) -> Report:
    """Check a file of children as they would be sent: a JSON array, an object on each line (NDJSON), or one object."""
    text = body.removeprefix(_BOM)
    plain = text.strip(_SPACE)
    whole = _Whole(today, window_start(today, months), postcodes)
    if not plain.startswith(b"{"):
        whole.take(read_batch(body, most=NO_LIMIT), lambda at: at + 1)
        return whole.report()
    lines = [plain] if _is_one(plain) else text.split(b"\n")
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip(_SPACE)]
    whole.take(read_lines(line for _, line in filled), lambda at: filled[at][0])
    return whole.report()


def _is_one(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


class _Whole:
    """All records of a file: rules about two children of an authority need them together."""

    def __init__(self, today: date, window: date, postcodes: PostcodeDirectory) -> None:
        self._today, self._window, self._postcodes = today, window, postcodes
        self._records = self._partial = 0
        self._held: dict[str, Held | None] = {}
        self._number: dict[str, int] = {}
        self._findings: list[Finding] = []

    def take(self, read: Read, number_of: Callable[[int], int]) -> None:
        """Take some records in, as they were read."""
        self._records += len(read.slices)
        for fault in (*read.faults, *read.flags):
            number = number_of(fault.position) if fault.position >= 0 else 0
            self._findings.append(_of_fault(number, fault, read))
        for position, child in enumerate(read.children):
            if child is not None:
                self._merge(number_of(position), child.la_child_id, msgspec.json.decode(read.slices[position]))

    def _merge(self, number: int, la_child_id: str, tree: dict[str, Any]) -> None:
        self._partial += _has_bare_items(tree)
        held = self._held.get(la_child_id)
        self._held[la_child_id] = merge(held, tree, self._today.isoformat()).held
        self._number[la_child_id] = number

    def report(self) -> Report:
        """Apply the rules to every child, and say what was found."""
        children = {key: child_of(held) for key, held in self._held.items() if held is not None}
        likeness = Likeness()
        for child in children.values():
            likeness.take(child)
        shared = likeness.shared()
        for key, child in children.items():
            at = At(
                child=child,
                today=self._today,
                window=self._window,
                shared=shared.get(key, frozenset()),
                miles=self._postcodes.miles,
                exists=self._postcodes.exists,
            )
            worker = current_worker(child, self._today)
            self._findings.extend(_of_problem(self._number[key], key, worker, each) for each in check(at))
        return Report(self._records, len(self._held), tuple(sorted(self._findings)), self._partial)


def _of_fault(number: int, fault: Fault, read: Read) -> Finding:
    return Finding(
        record=number,
        rule=fault.rule,
        grade=by_code()[fault.rule].grade,
        la_child_id=_id_in(read.slices[fault.position]) if fault.position >= 0 else "",
        mend=fault.words,
        places=(fault.place.strip("/"),) if fault.place else (),
    )


def _id_in(received: bytes) -> str:
    """The child's own id in a record that cannot be taken, where it can be read; so that the record can be found."""
    try:
        tree = msgspec.json.decode(received)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    found = tree.get("la_child_id") if isinstance(tree, dict) else None
    return found if isinstance(found, str) and len(found) <= LONGEST_ID else ""


def _of_problem(number: int, la_child_id: str, worker: str, problem: Problem) -> Finding:
    mend = by_code()[problem.rule].mend
    return Finding(number, problem.rule, problem.grade, la_child_id, worker, mend, problem.places)


def _has_bare_items(tree: Mapping[str, Any]) -> bool:
    """Whether something in a record is named by its id alone, as a record of changes names what did not change."""
    return any(len(item) == 1 for item in _items(tree))


def _items(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in KEYS.keys() & tree.keys():
        for item in tree[name]:
            yield item
            yield from _items(item)


def current_worker(child: Child, today: date) -> str:
    """The worker who has the child's open episode; empty when none is known."""
    current = [
        (worker.start_date or date.min, worker.worker_id)
        for episode in child.social_care_episodes or ()
        if episode.closure_date is None
        for worker in episode.care_worker_details or ()
        if worker.worker_id and (worker.end_date is None or worker.end_date >= today)
    ]
    return max(current)[1] if current else ""
