"""The nouns of disclosure: what somebody asks, what was decided, and the permit that a reader of kept records needs.

An :class:`Ask` says who wants what about whom, for which purpose, resting on what. A :class:`Decision` is the answer
with its reasons. A :class:`Permit` is a decision that allowed and that stands in the ledger: only the ledger makes one,
and no function that returns something identifiable an installation keeps works without it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Mode(StrEnum):
    """Learning that a record exists, and whom to ask, is one permission; reading what it says is another."""

    EXISTENCE = "existence"
    CONTENT = "content"


class Spread(StrEnum):
    """How far an ask reaches: one child, a named batch (a day's submission, a package), or a search."""

    CHILD = "child"
    BATCH = "batch"
    SEARCH = "search"


class Scope(msgspec.Struct, frozen=True):
    """Whom an ask is about: opaque record keys, or for a search the names of the fields searched on, never values.

    ``terms`` are keyed references of the values searched for; they mean nothing outside this installation.
    """

    spread: Spread
    record_keys: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    batch: str = ""


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a person or a machine of one organisation, in one role. All ids are opaque.

    ``factors`` is how many factors they signed in with. ``on_behalf_of`` is the other person of a mediated look-up.
    """

    user: str
    organisation: str
    role: str
    factors: int = 1
    on_behalf_of: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """A person's recorded judgement that sharing is not more detrimental to the child than not sharing.

    Children Act 2004 sections 16LA and 16LC leave this to a person; the gate only checks that it is recorded.
    """

    made_by: str
    made_at: datetime
    reason: str  # kept sealed by whoever records it; never written to the ledger
    more_detrimental: bool = False


class Emergency(msgspec.Struct, frozen=True):
    """Breaking the glass: the reason, and the supervisor who is told at once."""

    reason: str
    supervisor: str


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the gate. Names of purposes, powers, bases and record types are those declared in ``policy``."""

    who: Asker
    purpose: str
    mode: Mode
    record_type: str
    owner: str  # the organisation whose records these are: whose space is entered
    scope: Scope
    now: datetime
    power: str = ""  # the statutory power or duty relied on
    basis: str = ""  # UK GDPR Article 6, or DPA 2018 Part 3
    condition: str = ""  # Article 9 or 10 condition, with Schedule 1
    confidence: str = ""  # how the duty of confidence is met
    judgement: Judgement | None = None
    emergency: Emergency | None = None


class Effect(StrEnum):
    """What a rule, and then the gate, says."""

    ALLOW = "allow"
    FORBID = "forbid"


class Reason(msgspec.Struct, frozen=True):
    """One rule that determined a decision: its name, what it said, and why in a sentence a practitioner reads."""

    rule: str
    effect: Effect
    words: str


class Route(msgspec.Struct, frozen=True):
    """Where a refused asker turns: who can decide, and how to reach them. A refusal is not neutral."""

    who: str
    how: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's answer to one ask: total, explained, the same for the same facts.

    ``reasons`` are the true ones, for the ledger. When one would tell that something exists, ``instead`` is decided as
    of a child who has no such mark, and nothing of this kind: the asker is answered by it, and its permit opens
    nobody's records, so that neither answer, reasons nor work done differ from there being nothing. ``may_know`` is
    False when only what must not be told stands in the way. ``number`` says what may be done with the national
    identifier; ``duties`` are what allowing brings with it.
    """

    ask: Ask
    allowed: bool
    reasons: tuple[Reason, ...]
    policy_version: int
    agreement: str = ""  # the agreement and its version relied on
    may_know: bool = True
    instead: Decision | None = None
    number: str = "none"  # none, search, see, pseudonym
    hidden: tuple[str, ...] = ()  # fields and record types that must not be shown, searched or counted
    duties: tuple[str, ...] = ()
    route: Route | None = None
    approvals_needed: int = 0
    expires: datetime | None = None
    shadow: bool = False  # decided and recorded only: nothing is disclosed

    @property
    def answer(self) -> Decision:
        """The decision by which the asker is answered."""
        return self if self.instead is None else self.instead

    @property
    def told(self) -> tuple[Reason, ...]:
        """The reasons the asker may be given."""
        return self.answer.reasons


_TOKEN = object()


class Permit:
    """Leave to read: a decision that allowed, and the ledger entry in which it stands.

    Made only by the ledger (it calls :func:`permit_for`); a test searches the code for any other caller.
    """

    __slots__ = ("decision", "entry")
    decision: Decision
    entry: int

    def __init__(self, decision: Decision, entry: int, token: object = None) -> None:
        from samechild.errors import Refused

        if token is not _TOKEN or not decision.allowed or decision.shadow:
            raise Refused("Only the ledger gives leave to read, after a decision that allows it.")
        object.__setattr__(self, "decision", decision)
        object.__setattr__(self, "entry", entry)

    def __setattr__(self, name: str, value: Any) -> None:
        from samechild.errors import Refused

        raise Refused("A permit cannot be changed.")

    def __delattr__(self, name: str) -> None:
        from samechild.errors import Refused

        raise Refused("A permit cannot be changed.")

    def __init_subclass__(cls) -> None:
        from samechild.errors import Refused

        raise Refused("There is one kind of permit.")

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        from samechild.errors import Refused

        raise Refused("A permit is neither copied nor sent elsewhere: ask the gate again.")

    @property
    def who(self) -> Asker:
        """Who may read."""
        return self.decision.ask.who

    @property
    def space(self) -> str:
        """The organisation whose space may be read."""
        return self.decision.ask.owner

    @property
    def record_keys(self) -> tuple[str, ...]:
        """Which records may be read."""
        return self.decision.ask.scope.record_keys

    @property
    def record_type(self) -> str:
        """Which kind of record may be read."""
        return self.decision.ask.record_type


def permit_for(decision: Decision, entry: int) -> Permit:
    """Give leave to read on a decision that stands in the ledger as ``entry``; for the ledger alone to call.

    Raises:
        samechild.errors.Refused: when the decision did not allow, or was taken in shadow mode.
    """
    return Permit(decision, entry, _TOKEN)
