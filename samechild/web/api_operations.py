"""What machines may ask: a token, a decision, the ledger's head and proofs, and whether this server is well."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any, Literal, cast

import msgspec
import sqlalchemy as sa
from starlette.responses import Response

from samechild.errors import Invalid, Refused, Unauthenticated
from samechild.policy import ledger
from samechild.policy.actions import ask_gate, recorded, taken
from samechild.policy.bases import bases, conditions, confidences, powers
from samechild.policy.purposes import purposes
from samechild.policy.sign_in.tokens import IssuedToken, TokenRefused, issue_token
from samechild.records.disclosure import Ask, Asker, Decision, Emergency, Judgement, Mode, Scope, Spread
from samechild.records.types import record_types
from samechild.storage import Login
from samechild.web.operations import Call, Named, Operation


def _one_of(*names: str) -> dict[str, Any]:
    return {"enum": list(names)}


_OPAQUE = "^[A-Za-z0-9_-]{1,64}$"

_BLANK = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
WRITTEN = rf"^[^\x00]*[^{_BLANK}][^\x00]*$"
"""Text that says something. Blanks are written out: what ``\\s`` means differs between JSON Schema and Python."""

Opaque = Annotated[str, msgspec.Meta(pattern=_OPAQUE)]
OpaqueOrNone = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{0,64}$")]
Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
PurposeName = Annotated[str, msgspec.Meta(extra_json_schema=_one_of(*purposes()))]
RecordTypeName = Annotated[str, msgspec.Meta(extra_json_schema=_one_of(*record_types()))]
PowerName = Annotated[str, msgspec.Meta(extra_json_schema=_one_of("", *powers()))]
BasisName = Annotated[str, msgspec.Meta(extra_json_schema=_one_of("", *bases()))]
ConditionName = Annotated[str, msgspec.Meta(extra_json_schema=_one_of("", *conditions()))]
ConfidenceName = Annotated[str, msgspec.Meta(extra_json_schema=_one_of("", *confidences()))]


class JudgementMade(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's judgement that sharing is not more detrimental to the child than not sharing, as it was recorded.

    ``more_detrimental`` says the opposite. The reason stays with whoever recorded it.
    """

    made_by: Opaque
    made_on: date
    more_detrimental: bool = False


class GlassBroken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Breaking the glass: why, and the user who is told at once."""

    reason: Sentence
    supervisor: Opaque


class DecisionAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """May this be disclosed? Without ``record_keys`` it is only tried; with them it is recorded."""

    purpose: PurposeName
    mode: Literal["existence", "content"]
    record_type: RecordTypeName
    owner: Opaque
    record_keys: Annotated[tuple[Opaque, ...], msgspec.Meta(max_length=100)] = ()
    power: PowerName = ""
    basis: BasisName = ""
    condition: ConditionName = ""
    confidence: ConfidenceName = ""
    on_behalf_of: OpaqueOrNone = ""
    judgement: JudgementMade | None = None
    emergency: GlassBroken | None = None


class ReasonTold(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that determined the decision, and what it said."""

    rule: str
    effect: Literal["allow", "forbid"]
    words: str


class WhoCanDecide(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to turn to after a refusal."""

    who: str
    how: str


class DecisionTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's answer. ``entry`` is the ledger entry of an allowed question about records; null when only tried."""

    allowed: bool
    recorded: bool
    entry: int | None
    words: str
    reasons: list[ReasonTold]
    agreement: str
    number: Literal["none", "search", "see", "pseudonym"]
    hidden: list[str]
    duties: list[str]
    approvals_needed: int
    expires: datetime | None
    shadow: bool
    route: WhoCanDecide | None


class LedgerHead(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ledger stands: ``head`` is SIZE:ROOT, ``checkpoint`` the signed note (empty while there is none)."""

    size: int
    head: str
    checkpoint: str
    at: datetime | None


class EntryProof(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that an entry stands in the ledger, without the entry itself: its leaf is checked by whoever holds it."""

    number: int
    hashes: list[str]
    checkpoint: str
    key: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """This server answers."""

    status: Literal["ok"]


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """This server can reach its databases."""

    status: Literal["ready"]


class TokenError(msgspec.Struct, frozen=True, kw_only=True):
    """Why no token was issued (RFC 6749 section 5.2)."""

    error: str
    error_description: str


def token(call: Call) -> IssuedToken | Response:
    """Issue an access token to a system that proves who it is."""
    shell = call.shell
    endpoints = (f"{shell.address}/oauth2/token", shell.address)
    given = issue_token(shell.store, call.form, call.authorization, endpoints, call.now, shell.random)
    if isinstance(given, TokenRefused):
        body = msgspec.json.encode(TokenError(error=given.error, error_description=given.error_description))
        headers = {"www-authenticate": 'Basic realm="samechild"'} if given.status == 401 else {}
        return Response(body, given.status, headers=headers, media_type="application/json")
    return given


def may_it(call: Call) -> DecisionTaken:
    """Decide a question; about records it is recorded first."""
    ask = _asked(call.body, _asker(call), call.now)
    if not ask.scope.record_keys:
        return _taken(ask_gate(call.shell.store, ask), None)
    found = taken(call.shell.store, ask)
    decision = found.decision if _holds_it(ask) else found.decision.answer
    try:
        entry = recorded(call.shell.store, found).entry
    except Refused as error:
        return _taken(decision, None, str(error), was_recorded=True)
    if found.withheld and _holds_it(ask):
        decision = msgspec.structs.replace(decision, allowed=False, reasons=decision.told)
    return _taken(decision, entry, was_recorded=True)


def _holds_it(ask: Ask) -> bool:
    """Whether a system asks about its own organisation's records: it holds them itself, so it must be told the truth.

    Another organisation's system holds nothing and is answered, in every word, as if what is hidden were not there.
    """
    return ask.owner == ask.who.organisation


def _asker(call: Call) -> Asker:
    if call.asker is None:
        raise Unauthenticated("Send an access token.")
    return call.asker


_DECLARED = (
    ("purpose", purposes),
    ("record_type", record_types),
    ("power", powers),
    ("basis", bases),
    ("condition", conditions),
    ("confidence", confidences),
)


def _asked(body: DecisionAsked, who: Asker, now: datetime) -> Ask:
    for name, declared in _DECLARED:
        value, needed = getattr(body, name), name in ("purpose", "record_type")
        if value not in cast(dict[str, Any], declared()) and (needed or value):
            raise Invalid(f"The body is not what is asked for: look at {name}.")
    spread = Spread.SEARCH if body.mode == "existence" else Spread.BATCH
    if len(body.record_keys) == 1:
        spread = Spread.CHILD
    elif body.record_keys:
        spread = Spread.BATCH
    judged, broken = body.judgement, body.emergency
    return Ask(
        who=msgspec.structs.replace(who, on_behalf_of=body.on_behalf_of),
        purpose=body.purpose,
        mode=Mode(body.mode),
        record_type=body.record_type,
        owner=body.owner,
        scope=Scope(spread, tuple(dict.fromkeys(body.record_keys)), batch="api" if spread is Spread.BATCH else ""),
        now=now,
        power=body.power,
        basis=body.basis,
        condition=body.condition,
        confidence=body.confidence,
        judgement=Judgement(
            made_by=judged.made_by,
            made_at=datetime.combine(judged.made_on, time(), now.tzinfo),
            reason="recorded by the system that asks",
            more_detrimental=judged.more_detrimental,
        )
        if judged
        else None,
        emergency=Emergency(reason=broken.reason, supervisor=broken.supervisor) if broken else None,
    )


def _taken(decision: Decision, entry: int | None, words: str = "", *, was_recorded: bool = False) -> DecisionTaken:
    """The answer as told: of what must not be known nothing shows, not even how many would have to approve."""
    allowed = decision.allowed and not decision.shadow
    told = decision.reasons if decision.allowed else decision.told
    known = decision.may_know
    return DecisionTaken(
        allowed=allowed,
        recorded=was_recorded,
        entry=entry,
        words=words or ("Allowed." if allowed else "Refused."),
        reasons=[ReasonTold(rule=each.rule, effect=each.effect.value, words=each.words) for each in told],
        agreement=decision.agreement,
        number=cast(Literal["none", "search", "see", "pseudonym"], decision.number),
        hidden=list(decision.hidden) if known else [],
        duties=list(decision.duties) if known else [],
        approvals_needed=decision.approvals_needed if known else 0,
        expires=decision.expires,
        shadow=decision.shadow,
        route=WhoCanDecide(who=decision.route.who, how=decision.route.how) if decision.route else None,
    )


def ledger_head(call: Call) -> LedgerHead:
    """The ledger's head and signed checkpoint."""
    found = ledger.head(call.shell.store)
    return LedgerHead(size=found.size, head=found.text, checkpoint=found.note, at=found.at)


def entry_proof(call: Call) -> EntryProof:
    """The proof of one entry."""
    text = call.named["number"]
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Invalid("The number of an entry is a whole number.")
    found = ledger.prove(call.shell.store, int(text))
    return EntryProof(number=found.number, hashes=found.hashes, checkpoint=found.checkpoint, key=found.key)


def health(call: Call) -> Health:
    """Answer."""
    return Health(status="ok")


def ready(call: Call) -> Ready:
    """Ask each database for nothing, and answer when all do."""
    for login in (Login.GATE, Login.IDENTITY, Login.CONTENT):
        with call.shell.store.read(login) as connection:
            connection.execute(sa.select(sa.literal(1)))
    return Ready(status="ready")


_TEXT = {"type": "string"}
_TOKEN_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "client_id": _TEXT,
        "client_secret": _TEXT,
        "client_assertion_type": _TEXT,
        "client_assertion": _TEXT,
        "scope": _TEXT,
        "role": _TEXT,
        "audience": _TEXT,
    },
}

OPERATIONS = (
    Operation(
        method="POST",
        path="/oauth2/token",
        name="issueToken",
        title="Get an access token",
        words="OAuth 2.0 client credentials (RFC 6749), with a secret or with `private_key_jwt` (RFC 7523).",
        act=token,
        gives=IssuedToken,
        form=_TOKEN_FORM,
        others={400: TokenError, 401: TokenError},
        tag="tokens",
    ),
    Operation(
        method="POST",
        path="/api/v1/decisions",
        name="decide",
        title="May this be disclosed?",
        words="One question to the gate. About records it is written into the ledger before it is answered.",
        act=may_it,
        gives=DecisionTaken,
        body=DecisionAsked,
        errors=(404, 409),
        scope="decide",
        tag="decisions",
    ),
    Operation(
        method="GET",
        path="/api/v1/ledger/head",
        name="ledgerHead",
        title="Where the ledger stands",
        words="Keep it: with it anybody can check later that nothing before it was changed.",
        act=ledger_head,
        gives=LedgerHead,
        scope="ledger",
        tag="ledger",
    ),
    Operation(
        method="GET",
        path="/api/v1/ledger/entries/{number}/proof",
        name="entryProof",
        title="Proof that an entry stands in the ledger",
        words="An inclusion proof (RFC 6962 section 2.1.1) against the signed checkpoint.",
        act=entry_proof,
        gives=EntryProof,
        named=(
            Named(
                name="number",
                words="The number of the entry, from 0.",
                schema={"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999},
            ),
        ),
        errors=(404,),
        scope="ledger",
        tag="ledger",
    ),
    Operation(
        method="GET",
        path="/health",
        name="health",
        title="Does this server answer?",
        words="Says nothing about its databases.",
        act=health,
        gives=Health,
        tag="operation",
    ),
    Operation(
        method="GET",
        path="/ready",
        name="ready",
        title="Can this server reach its databases?",
        words="503 when it cannot.",
        act=ready,
        gives=Ready,
        tag="operation",
    ),
)
