"""The bodies and answers of the collection's operations; what a child is comes from the declared types themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, get_args

import msgspec

from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.check import Problem
from samechild.collection.reading.opening import Sent
from samechild.collection.records import MOST_CHILDREN, Fault, Thing
from samechild.collection.rules.catalogue import by_code
from samechild.web.operations import REFS

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=36, pattern="^[A-Za-z0-9_-]+$")]


class FaultTold(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record cannot be taken: its position (from 0; -1: the whole), where in it, which rule, what to do.

    ``pointer`` is a JSON pointer into the body that was sent (RFC 6901), or into the line.
    """

    position: int
    pointer: str
    rule: str
    detail: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why records were not taken, for a machine (RFC 9457): problem details with everything that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    reference: str
    errors: list[FaultTold]


class PartlyTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken of a request: a receipt for each record in the order sent, null where it was not taken."""

    receipts: list[str | None]
    errors: list[FaultTold]
    flags: list[FaultTold]
    unchanged: int


class ProblemTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a validation rule finds in a record: which cells it links, what is wrong, what to do."""

    position: int
    rule: str
    grade: str
    message: str
    mend: str
    places: list[str]


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of records that are sent: ``errors`` would refuse them, ``problems`` would be shown after."""

    records: int
    errors: list[FaultTold]
    flags: list[FaultTold]
    problems: list[ProblemTold]


class LineTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one line (from 1, empty ones not counted): its receipt, or why it was not taken."""

    line: int
    receipt: str = ""
    errors: list[FaultTold] = []
    flags: list[FaultTold] = []


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all lines. ``stopped``: nothing after the last line told was looked at, and why."""

    lines: int
    kept: int
    refused: int
    unchanged: int
    stopped: str = ""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a first load; as NDJSON each line stands by itself and the summary last."""

    lines: list[LineTold]
    summary: Summary


class LoadLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the answer to a first load: what became of a line sent, or last of all the summary."""

    line: int = 0
    receipt: str = ""
    errors: list[FaultTold] = []
    flags: list[FaultTold] = []
    summary: Summary | None = None


class ChildAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which child to read back, by the authority's own id: it stands in the body, never in an address."""

    la_child_id: Id


class OpenProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a child's record now."""

    rule: str
    grade: str
    message: str
    mend: str


class ChildHeld(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one child: the merged record, and by place the day since when something is no longer sent."""

    child: dict[str, Any]
    no_longer_sent: dict[str, str]
    first_received: datetime | None
    last_received: datetime | None
    last_changed: datetime | None
    problems: list[OpenProblem]


class RequestTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request; a first load is many."""

    requests: list[Sent]


class ErrorTold(msgspec.Struct, frozen=True, kw_only=True):
    """One open problem: which child, which rule, since when."""

    la_child_id: str
    rule: str
    grade: str
    message: str
    mend: str
    since: datetime


class ErrorsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the open problems; ``next`` is what to ask with for those after, empty after the last."""

    errors: list[ErrorTold]
    next: str


def fault_told(fault: Fault) -> FaultTold:
    """A fault as it is told to a machine."""
    pointer = f"/{fault.position}{fault.place}" if fault.position >= 0 else ""
    return FaultTold(position=fault.position, pointer=pointer, rule=fault.rule, detail=fault.words)


def faults_told(faults: Iterable[Fault]) -> list[FaultTold]:
    """Faults as they are told to a machine."""
    return [fault_told(each) for each in faults]


def problem_told(position: int, problem: Problem) -> ProblemTold:
    """What a rule found, with the rule's words."""
    rule = by_code()[problem.rule]
    return ProblemTold(
        position=position,
        rule=problem.rule,
        grade=problem.grade.value,
        message=rule.message,
        mend=rule.mend,
        places=list(problem.places),
    )


CHILD_SCHEMA: Mapping[str, Any] = {"$ref": REFS.format(name="Child")}
CHILDREN_SCHEMA: Mapping[str, Any] = {"type": "array", "maxItems": MOST_CHILDREN, "items": CHILD_SCHEMA}


@cache
def sent_schemas() -> Mapping[str, Mapping[str, Any]]:
    """The JSON Schema of what is sent and everything in it, as the door takes it: without null, codes each once."""
    kinds = (*get_args(Thing), Pupil, Mark)
    _, found = msgspec.json.schema_components(kinds, ref_template=REFS)
    return {kind.__name__: _without_null(found[kind.__name__]) for kind in kinds}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {}
    for name, described in schema["properties"].items():
        options = [each for each in described.get("anyOf", []) if each.get("type") != "null"]
        rest = {key: value for key, value in described.items() if key not in ("anyOf", "default")}
        found = {**rest, **(options[0] if len(options) == 1 else {})}
        if found.get("items", {}).get("type") == "string":
            found |= {"uniqueItems": True, "items": _keepable(found["items"])}
        properties[name] = _keepable(found)
    return {**schema, "properties": properties}


def _keepable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Text without the character NUL, which no database keeps."""
    is_free = schema.get("type") == "string" and not {"pattern", "format", "enum"} & schema.keys()
    return {**schema, "pattern": "^[^\\x00]*$"} if is_free else dict(schema)
