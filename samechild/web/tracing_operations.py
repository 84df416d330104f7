"""What machines may ask about numbers: the simple trace, one child in and exactly one child or none out."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, cast

import msgspec

from samechild.errors import Invalid, Unauthenticated
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.records.disclosure import Ask, Mode, Scope, Spread
from samechild.tracing.simple import BATCH, Details, simple_trace
from samechild.web.api_operations import WRITTEN, BasisName, ConditionName, ConfidenceName, PowerName, PurposeName
from samechild.web.operations import Call, Operation

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=WRITTEN)]
Short = Annotated[str, msgspec.Meta(max_length=20, pattern="^[^\\x00]*$")]


class SimpleTraceAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one child, and what for. ``nhs_number``: one that was given, to be checked."""

    given_name: Name
    family_name: Name
    birth_date: date
    purpose: PurposeName
    sex: Literal["", "F", "M"] = ""
    postcode: Short = ""
    nhs_number: Short = ""
    power: PowerName = ""
    basis: BasisName = ""
    condition: ConditionName = ""
    confidence: ConfidenceName = ""


class SimpleTraceAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """One child, nothing, or ask somebody. ``code`` is one of the national mini service's response codes.

    ``nhs_number`` is empty when there is none or the caller has no ground to be shown it; ``status`` says how far it is
    verified (NHS number status indicator code) and ``obtained`` how it became known.
    """

    outcome: Literal["one", "nothing", "ask"]
    code: str
    words: str
    space: str
    child: str
    nhs_number: str
    status: str
    obtained: str


def trace_simply(call: Call) -> SimpleTraceAnswered:
    """Find the one child that some details are about."""
    if call.asker is None:
        raise Unauthenticated("Send an access token.")
    body = call.body
    for name, declared in _DECLARED:
        value = getattr(body, name)
        if value not in cast(dict[str, Any], declared()) and (value or name == "purpose"):
            raise Invalid(f"The body is not what is asked for: look at {name}.")
    ask = Ask(
        who=call.asker,
        purpose=body.purpose,
        mode=Mode.CONTENT,
        record_type="personal.identity",
        owner=call.asker.organisation,
        scope=Scope(Spread.SEARCH, batch=BATCH),
        now=call.now,
        power=body.power,
        basis=body.basis,
        condition=body.condition,
        confidence=body.confidence,
    )
    details = Details(
        given=body.given_name,
        family=body.family_name,
        born=body.birth_date.isoformat(),
        sex=body.sex,
        postcode=body.postcode,
        number=body.nhs_number.strip(),
    )
    answer = simple_trace(call.shell.store, ask, details)
    return SimpleTraceAnswered(
        outcome=answer.outcome.value,
        code=answer.code.value,
        words=answer.words,
        space=answer.space,
        child=answer.child,
        nhs_number=answer.number,
        status=answer.status.value if answer.status else "",
        obtained=answer.how.value if answer.how else "",
    )


_DECLARED = (
    ("purpose", purposes),
    ("power", powers),
    ("basis", bases),
    ("condition", conditions),
    ("confidence", confidences),
)

TRACING_OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/trace/simple",
        name="traceSimply",
        title="Which child is this, and which number has it?",
        words="Exactly one child, nothing, or ask somebody: never a list. Answered from the index, under the gate.",
        act=trace_simply,
        gives=SimpleTraceAnswered,
        body=SimpleTraceAsked,
        errors=(404,),
        scope="index",
        tag="tracing",
    ),
)
